/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One line of text, "|", performance data; then a line for each figure that is not in its range. Consumers
 * cut the text at "|", and the data at spaces and quotes: names of the configuration have neither in here. */
#include "config.h"

#include "ctl/watched_text.h"

#include "ctl/text.h"

#include <string.h>

enum { TOLD = 4, VALUE_SIZE = 32 }; /* TOLD: figures in the first line */

static const char *const states[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

/* In the order in which they are told. */
static const enum watched_state order[] = {WATCHED_CRITICAL, WATCHED_UNKNOWN, WATCHED_WARNING};
enum { ORDER = sizeof order / sizeof *order };

/* What may stand in front of the data, in one line. */
static const char *clean(const char *text, char *out, size_t size)
{
    text_clean(text, out, size);
    for (char *at = out; *at != '\0'; at++) {
        *at = (char)(*at == '|' ? '/' : *at);
    }
    return out;
}

void watched_name(struct watched_item *item, const json_t *objects)
{
    size_t i, used = 0;
    const json_t *object;
    json_array_foreach(objects, i, object)
    {
        const char *name =
            text_of(object, "name") != NULL ? text_of(object, "name") : text_of(object, "region");
        bool fits =
            i < WATCHED_NAMES && name != NULL && used + strlen(name) + sizeof ", , ..." < WATCHED_WHO_SIZE;
        used += (size_t)snprintf(item->who + used, sizeof item->who - used, "%s%s", i == 0 ? "" : ", ",
                                 fits ? name : "...");
        if (!fits) {
            break;
        }
    }
}

/* Whole numbers as they are; of others what somebody reads. */
static const char *write_value(const struct watched_item *item, char text[VALUE_SIZE])
{
    const double exact = 1e15; /* beyond it there are no others */
    double size = item->value < 0 ? -item->value : item->value;
    bool is_whole = size >= exact || (double)(long long)size >= size;
    snprintf(text, VALUE_SIZE, is_whole ? "%.0f" : "%.3f", item->value);
    return text;
}

static bool is_told(const struct watched_item *item)
{
    return item->is_chosen && item->state != WATCHED_OK;
}

/* "regions_unhealthy is 1 (us-east)" */
static void print_short(const struct watched_item *item)
{
    char text[VALUE_SIZE], who[WATCHED_WHO_SIZE];
    if (!item->is_known) {
        printf("%s is not known here", item->figure->name);
        return;
    }
    const char *unit = strcmp(item->figure->unit, "c") == 0 ? "" : item->figure->unit;
    printf("%s is %s%s", item->figure->name, write_value(item, text), unit);
    if (item->who[0] != '\0') {
        printf(" (%s)", clean(item->who, who, sizeof who));
    }
}

static void print_head(const struct watched_result *result)
{
    size_t told = 0, count = 0;
    printf("STEERD %s: ", states[result->state]);
    for (size_t i = 0; i < result->count; i++) {
        count += is_told(&result->items[i]);
    }
    for (size_t place = 0; place < ORDER; place++) {
        for (size_t i = 0; i < result->count && told < TOLD; i++) {
            if (is_told(&result->items[i]) && result->items[i].state == order[place]) {
                fputs(told++ == 0 ? "" : ", ", stdout);
                print_short(&result->items[i]);
            }
        }
    }
    if (count > told) {
        printf(" and %zu more", count - told);
    }
}

/* "34 of 50 figures have a range, and are in it" */
static void print_good(const struct watched_result *result)
{
    size_t known = 0, held = 0;
    for (size_t i = 0; i < result->count; i++) {
        const struct watched_item *item = &result->items[i];
        bool is_known = item->is_chosen && item->is_known;
        known += is_known;
        held += is_known && (item->warning.is_set || item->critical.is_set);
    }
    if (known == 0) {
        fputs("there is nothing of that here", stdout);
    } else {
        printf("%zu of %zu figures have a range, and are in it", held, known);
    }
}

static void print_data(const struct watched_result *result)
{
    bool is_first = true;
    for (size_t i = 0; i < result->count; i++) {
        const struct watched_item *item = &result->items[i];
        char value[VALUE_SIZE], warning[RANGE_SIZE] = "", critical[RANGE_SIZE] = "";
        if (!item->is_chosen || !item->is_known) {
            continue;
        }
        if (item->warning.is_set) {
            range_write(&item->warning.range, warning);
        }
        if (item->critical.is_set) {
            range_write(&item->critical.range, critical);
        }
        printf("%s'%s'=%s%s;%s;%s;%s", is_first ? " | " : " ", item->figure->name, write_value(item, value),
               item->figure->unit, warning, critical, item->value < 0 ? "" : "0");
        is_first = false;
    }
}

/* "us-east: a safety rule holds answers …" */
static void print_whys(const struct watched_item *item)
{
    size_t i;
    const json_t *object;
    json_array_foreach(item->objects, i, object)
    {
        char why[TEXT_LINE_SIZE];
        printf("%s: %s\n", item->figure->name, clean(text_or_dash(text_of(object, "why")), why, sizeof why));
    }
}

/* "CRITICAL: regions_unhealthy is 1 (us-east): regions that are lost; range 0" */
static void print_lines(const struct watched_result *result)
{
    for (size_t place = 0; place < ORDER; place++) {
        for (size_t i = 0; i < result->count; i++) {
            const struct watched_item *item = &result->items[i];
            char text[RANGE_SIZE];
            if (!is_told(item) || item->state != order[place]) {
                continue;
            }
            const struct watched_limit *limit =
                item->state == WATCHED_CRITICAL ? &item->critical : &item->warning;
            printf("%s: ", states[item->state]);
            print_short(item);
            printf(": %s%s%s\n", item->figure->help, item->is_known ? "; the range is " : "",
                   item->is_known ? range_write(&limit->range, text) : "");
            print_whys(item);
        }
    }
}

static void print_text(const struct watched_result *result)
{
    char why[TABLE_CELL_SIZE];
    if (result->why != NULL) {
        printf("STEERD %s: %s\n", states[result->state], clean(result->why, why, sizeof why));
        return;
    }
    print_head(result);
    if (result->state == WATCHED_OK) {
        print_good(result);
    }
    print_data(result);
    putchar('\n');
    print_lines(result);
}

/* ---- JSON ---- */

static json_t *render_range(const struct watched_limit *limit)
{
    char text[RANGE_SIZE];
    return limit->is_set ? json_string(range_write(&limit->range, text)) : json_null();
}

static json_t *render_item(const struct watched_item *item)
{
    return json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:s, s:i, s:s, s:s}", "name", item->figure->name, "what",
                     item->figure->what, "value", item->is_known ? json_real(item->value) : json_null(),
                     "unit", item->figure->unit, "warning", render_range(&item->warning), "critical",
                     render_range(&item->critical), "state", states[item->state], "code", (int)item->state,
                     "help", item->figure->help, "who", item->who);
}

static void print_json(const struct watched_result *result)
{
    json_t *list = json_array();
    for (size_t i = 0; i < result->count && result->why == NULL; i++) {
        const struct watched_item *item = &result->items[i];
        if (item->is_chosen && (item->is_known || item->is_named)) {
            json_array_append_new(list, render_item(item));
        }
    }
    json_t *document = json_pack("{s:s, s:i, s:s?, s:o}", "state", states[result->state], "code",
                                 (int)result->state, "why", result->why, "figures", list);
    text_print_json(document, JSON_INDENT(2));
    json_decref(document);
}

void watched_print(const struct watched_result *result, bool as_json)
{
    (as_json ? print_json : print_text)(result);
}
