/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What would be, beside what is: what-if reports and explanations on assumptions, as text. */
#include "config.h"

#include "ctl/text.h"

#include <stdint.h>
#include <string.h>

enum { NAMES_SHOWN = 3, PLACES_SHOWN = 40 };

/* ---- words ---- */

static json_t *join(const char *target, const char *colon, const char *name, const char *state)
{
    return json_sprintf("%s%s%s=%s", target, colon, name, state);
}

/* One assumption from the front of the words; returns how many words it took, 0: it is none. */
static int take_words(char *const *words, int count, json_t **assumption)
{
    if (strchr(words[0], '=') != NULL) {
        *assumption = json_string(words[0]);
        return 1;
    }
    if (strchr(words[0], ':') != NULL) {
        *assumption = count < 2 ? NULL : join(words[0], "", "", words[1]);
        return count < 2 ? 0 : 2;
    }
    *assumption = count < 3 ? NULL : join(words[0], ":", words[1], words[2]);
    return count < 3 ? 0 : 3;
}

json_t *whatif_parse_words(char *const *words, int count, const char **bad)
{
    json_t *list = json_array();
    for (int at = 0; at < count;) {
        json_t *assumption = NULL;
        int taken = take_words(words + at, count - at, &assumption);
        if (taken == 0 || assumption == NULL) {
            *bad = words[at];
            json_decref(list);
            return NULL;
        }
        json_array_append_new(list, assumption);
        at += taken;
    }
    return list;
}

/* ---- cells ---- */

static const json_t *side_of(const json_t *object, int side)
{
    return json_object_get(object, side == 0 ? "before" : "after");
}

/* "60 % -> 0 %", or one of them where nothing changes */
static const char *percents_text(const json_t *item, const char *key, char out[64])
{
    char text[2][24];
    for (int side = 0; side < 2; side++) {
        const json_t *value = json_object_get(side_of(item, side), key);
        if (json_is_number(value)) {
            snprintf(text[side], sizeof text[side], "%.3g %%", 100 * json_number_value(value));
        } else {
            snprintf(text[side], sizeof text[side], "?");
        }
    }
    bool is_same = strcmp(text[0], text[1]) == 0;
    snprintf(out, 64, is_same ? "%s" : "%s -> %s", text[0], text[1]);
    return out;
}

static const char *number_cell(const json_t *object, const char *key, char out[32])
{
    const json_t *value = json_object_get(object, key);
    snprintf(out, 32, json_is_number(value) ? "%.4g" : "-", json_number_value(value));
    return out;
}

static void list_text(const json_t *list, size_t max, char *out, size_t size)
{
    size_t i, used = 0;
    const json_t *item;
    out[0] = '\0';
    json_array_foreach(list, i, item)
    {
        if (i == max || used + 1 >= size) {
            break;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s", i == 0 ? "" : " ",
                                 text_or_dash(json_string_value(item)));
    }
}

/* ---- places ---- */

static void show_places(const struct steerctl *ctl, const char *kind, const json_t *places)
{
    const char *const headings[] = {kind, "SHARE", "CAPACITY", "LOAD", NULL};
    size_t i;
    const json_t *place;
    char text[64], number[32];
    struct table *table = table_begin(ctl, headings, places);
    if (table == NULL) {
        return;
    }
    json_array_foreach(places, i, place)
    {
        if (i == PLACES_SHOWN) {
            break;
        }
        const json_t *load = json_object_get(side_of(place, 1), "load");
        const char *name = text_of(place, "name");
        bool is_full = json_number_value(load) > 1.001;
        table_add(table, name == NULL ? "(no endpoint)" : name);
        table_add(table, percents_text(place, "share", text));
        table_add(table, number_cell(side_of(place, 1), "capacity", number));
        percents_text(place, "load", text);
        strncat(text, is_full ? " OVER" : "", sizeof text - strlen(text) - 1);
        table_add(table, name == NULL ? NULL : text);
    }
    table_print(table);
    if (i < json_array_size(places)) {
        printf("... and %zu more (--json has all)\n", json_array_size(places) - i);
    }
}

/* "us-east 100 % -> 0 %, eu-west 0 % -> 100 %" */
static void shares_text(const json_t *places, char *out, size_t size)
{
    size_t i, used = 0;
    const json_t *place;
    out[0] = '\0';
    json_array_foreach(places, i, place)
    {
        char text[64];
        const char *name = text_of(place, "name");
        if (used + 1 >= size) {
            break;
        }
        used += (size_t)snprintf(out + used, size - used, "%s%s %s", i == 0 ? "" : ", ",
                                 name == NULL ? "(no endpoint)" : name, percents_text(place, "share", text));
    }
}

/* ---- rows ---- */

static void add_names(struct table *table, const json_t *row)
{
    char names[TABLE_CELL_SIZE], text[TABLE_CELL_SIZE + 32];
    json_int_t count = json_integer_value(json_object_get(row, "name_count"));
    list_text(json_object_get(row, "names"), NAMES_SHOWN, names, sizeof names);
    if (count > NAMES_SHOWN) {
        snprintf(text, sizeof text, "%s and %lld more", names, (long long)(count - NAMES_SHOWN));
    } else {
        snprintf(text, sizeof text, "%s", names);
    }
    table_add(table, text);
}

static void show_rows(const struct steerctl *ctl, const json_t *report)
{
    static const char *const headings[] = {"SEVERITY", "NAMES",   "CLASS",  "TYPES", "BEFORE",
                                           "AFTER",    "CARRIES", "SHARES", NULL};
    const json_t *rows = json_object_get(report, "items"), *row;
    size_t i;
    char text[TABLE_CELL_SIZE], before[32], after[32];
    struct table *table = table_begin(ctl, headings, rows);
    if (table == NULL) {
        return;
    }
    json_array_foreach(rows, i, row)
    {
        bool changed = json_is_true(json_object_get(row, "changed"));
        table_add_state(table, text_of(row, "severity"));
        add_names(table, row);
        table_add(table, text_of(row, "class"));
        list_text(json_object_get(row, "types"), SIZE_MAX, text, sizeof text);
        table_add(table, text);
        table_add(table, text_of(side_of(row, 0), "answer"));
        table_add(table, changed ? text_of(side_of(row, 1), "answer") : "(as before)");
        snprintf(text, sizeof text, "%s -> %s", number_cell(side_of(row, 0), "carries", before),
                 number_cell(side_of(row, 1), "carries", after));
        table_add(table, strcmp(before, after) == 0 ? before : text);
        shares_text(json_object_get(row, "regions"), text, sizeof text);
        table_add(table, text);
    }
    table_print(table);
    json_int_t total = json_integer_value(json_object_get(json_object_get(report, "rows"), "total"));
    if (json_is_string(json_object_get(report, "next_cursor"))) {
        printf("... %zu of %lld rows (--limit shows up to 1000; --json has next_cursor)\n", i,
               (long long)total);
    }
}

static void print_lines(const json_t *lines)
{
    size_t i;
    const json_t *line;
    char clean[1024];
    json_array_foreach(lines, i, line)
    {
        printf("%2zu. %s\n", i + 1, text_clean(text_or_dash(json_string_value(line)), clean, sizeof clean));
    }
}

void show_report(const struct steerctl *ctl, const json_t *report)
{
    char text[TABLE_CELL_SIZE];
    list_text(json_object_get(report, "assumed"), SIZE_MAX, text, sizeof text);
    text_line("assumed", text[0] == '\0' ? "nothing" : text);
    putchar('\n');
    print_lines(json_object_get(report, "steps"));
    show_places(ctl, "REGION", json_object_get(report, "regions"));
    show_places(ctl, "AZ", json_object_get(report, "azs"));
    show_rows(ctl, report);
}

/* ---- explain on assumptions ---- */

static void show_answers(const char *label, const json_t *explanation)
{
    size_t i;
    const json_t *line;
    char clean[1024];
    printf("%s\n", label);
    json_array_foreach(json_object_get(explanation, "answers"), i, line)
    {
        printf("    %s\n", text_clean(text_or_dash(json_string_value(line)), clean, sizeof clean));
    }
    if (i == 0) {
        printf("    %s, no records\n",
               text_clean(text_or_dash(text_of(explanation, "rcode")), clean, sizeof clean));
    }
}

static const char *odds_cell(const json_t *object, const char *key, char out[32])
{
    snprintf(out, 32, "%.4g %%", 100 * json_number_value(json_object_get(object, key)));
    return out;
}

static void show_tiers_beside(const struct steerctl *ctl, const json_t *before, const json_t *after)
{
    static const char *const headings[] = {"TIER", "HEALTHY NOW", "THEN", "SHARE NOW", "THEN", NULL};
    size_t i;
    const json_t *was;
    char text[32];
    struct table *table = table_begin(ctl, headings, before);
    if (table == NULL) {
        return;
    }
    json_array_foreach(before, i, was)
    {
        const json_t *is = json_array_get(after, i);
        table_add(table, text_of(was, "label"));
        table_add(table, odds_cell(was, "healthy", text));
        table_add(table, odds_cell(is, "healthy", text));
        table_add(table, odds_cell(was, "share", text));
        table_add(table, odds_cell(is, "share", text));
    }
    table_print(table);
}

static void show_members_beside(const struct steerctl *ctl, const json_t *before, const json_t *after)
{
    static const char *const headings[] = {"ENDPOINT",   "REGION",   "NOW",       "THEN",
                                           "DECIDED BY", "ODDS NOW", "ODDS THEN", NULL};
    size_t i;
    const json_t *was;
    char text[32];
    struct table *table = table_begin(ctl, headings, before);
    if (table == NULL) {
        return;
    }
    json_array_foreach(before, i, was)
    {
        const json_t *is = json_array_get(after, i);
        table_add(table, text_of(was, "endpoint"));
        table_add(table, text_of(was, "region"));
        table_add_state(table, text_of(was, "effective"));
        table_add_state(table, text_of(is, "effective"));
        table_add(table, text_of(is, "decided_by"));
        table_add(table, odds_cell(was, "odds", text));
        table_add(table, odds_cell(is, "odds", text));
    }
    table_print(table);
}

void show_assumed(const struct steerctl *ctl, const json_t *explanation)
{
    const json_t *before = json_object_get(explanation, "before"),
                 *report = json_object_get(explanation, "report");
    char text[TABLE_CELL_SIZE];
    list_text(json_object_get(report, "assumed"), SIZE_MAX, text, sizeof text);
    text_line("assumed", text);
    putchar('\n');
    show_answers("one answer now:", before);
    show_answers("one answer then:", explanation);
    puts("\nwhy, then:");
    print_lines(json_object_get(explanation, "steps"));
    show_tiers_beside(ctl, json_object_get(before, "tiers"), json_object_get(explanation, "tiers"));
    show_members_beside(ctl, json_object_get(before, "members"), json_object_get(explanation, "members"));
    show_rows(ctl, report);
}
