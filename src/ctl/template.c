/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See template.h. */
#include "config.h"

#include "ctl/template.h"

#include "base/clock.h"
#include "ctl/text.h"

#include <stdlib.h>
#include <string.h>

enum { KEY_SIZE = 64, PLACE_SIZE = 128 };

/* ---- values ---- */

/* One key, of `len` octets. */
static const json_t *step_in(const json_t *value, const char *key, size_t len)
{
    char name[KEY_SIZE];
    if (json_is_array(value)) {
        size_t count = json_array_size(value);
        long index = strtol(key, NULL, 10);
        return json_array_get(value, index < 0 ? count - (size_t)-index : (size_t)index);
    }
    snprintf(name, sizeof name, "%.*s", (int)len, key);
    return json_object_get(value, name);
}

static bool is_there(const json_t *value)
{
    return value != NULL && !json_is_null(value) &&
           !(json_is_string(value) && json_string_length(value) == 0) &&
           !(json_is_array(value) && json_array_size(value) == 0);
}

/* A path of `len` octets; "" is the object itself. */
static const json_t *find_value(const json_t *object, const char *path, size_t len)
{
    const json_t *value = object;
    for (size_t at = 0; at < len && value != NULL;) {
        size_t key = strcspn(path + at, ".");
        key = key < len - at ? key : len - at;
        value = step_in(value, path + at, key);
        at += key + 1;
    }
    return value;
}

/* ---- formats ---- */

static void add_clean(struct buffer *to, const char *text)
{
    char clean[TEXT_LINE_SIZE];
    buffer_add_text(to, text_clean(text, clean, sizeof clean));
}

static void add_plain(struct buffer *to, const json_t *value)
{
    if (json_is_string(value)) {
        add_clean(to, json_string_value(value));
    } else if (json_is_integer(value)) {
        buffer_print(to, "%lld", (long long)json_integer_value(value));
    } else if (json_is_real(value)) {
        buffer_print(to, "%.9g", json_real_value(value));
    } else {
        buffer_add_text(to, json_is_boolean(value) ? json_is_true(value) ? "yes" : "no" : "there");
    }
}

static void add_list(struct buffer *to, const json_t *list, const char *between)
{
    char texts[TEXT_LIST_SIZE];
    if (json_is_array(list)) {
        add_clean(to, text_join(list, between, texts));
    } else {
        add_plain(to, list);
    }
}

static void add_size(struct buffer *to, double size)
{
    static const char *const units[] = {"B", "kB", "MB", "GB"};
    size_t unit = 0;
    while (size >= 999.5 && unit + 1 < sizeof units / sizeof *units) {
        size /= 1000;
        unit++;
    }
    buffer_print(to, unit == 0 || size >= 9.95 ? "%.0f %s" : "%.1f %s", size, units[unit]);
}

static void add_until(struct buffer *to, const char *time)
{
    struct clock clock;
    int64_t then = 0;
    clock_init(&clock);
    int64_t left_ms = clock_parse_rfc3339(time, &then) != 0 ? -1 : then - clock_wall_ms(&clock);
    if (left_ms < 0) { /* it is under way, or about to be */
        buffer_add_text(to, "now");
    } else {
        buffer_print(to, "in %.1f s", (double)left_ms / 1000);
    }
}

/* Of times; false: the format is none of theirs. */
static bool add_time(struct buffer *to, const char *time, const char *format)
{
    char text[TEXT_WHEN_SIZE], age[32];
    if (strcmp(format, "age") == 0) {
        buffer_add_text(to, text_age(time, age));
    } else if (strcmp(format, "when") == 0) {
        add_clean(to, text_moment(time, text));
    } else if (strcmp(format, "day") == 0) {
        buffer_print(to, "%.10s", time);
    } else if (strcmp(format, "second") == 0) {
        buffer_print(to, "%.10s %.8sZ", time, strlen(time) > 11 ? time + 11 : "");
    } else if (strcmp(format, "until") == 0) {
        add_until(to, time);
    } else {
        return false;
    }
    return true;
}

/* Of numbers; likewise. */
static bool add_number(struct buffer *to, const json_t *value, const char *format)
{
    static const struct {
        const char *format, *unit;
        double times;
        int digits; /* behind the point; below 0: so many in all */
    } ways[] = {{"s", " s", 1e-3, 1},  {"s0", " s", 1e-3, -6}, {"ms", " ms", 1, 1}, {"us", " ms", 1e-3, 1},
                {"%", " %", 100, -3},  {"p1", " %", 100, 1},   {"g", "", 1, -3},    {"%0", " %", 100, -6},
                {"%4", " %", 100, -4}, {"2", "", 1, 2},        {"4", "", 1, -4},    {"%0d", " %", 100, 0}};
    double number = json_number_value(value);
    if (strcmp(format, "size") == 0) {
        add_size(to, number);
        return true;
    }
    if (strcmp(format, "span") == 0) {
        bool is_long = number >= 1000;
        buffer_print(to, "%.*f %s",
                     is_long       ? 2
                     : number < 10 ? 3
                                   : 0,
                     is_long ? number / 1000 : number, is_long ? "s" : "ms");
        return true;
    }
    if (strcmp(format, "rate") == 0) {
        buffer_print(to, "%.*f", number < 10 ? 2 : number < 100 ? 1 : 0, number);
        return true;
    }
    if (strcmp(format, "es") == 0 || strcmp(format, "(s)") == 0) {
        buffer_add_text(to, number == 1 ? "" : format[0] == 'e' ? "es" : "s");
        return true;
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        if (strcmp(ways[i].format, format) == 0) {
            number *= ways[i].times;
            buffer_print(to, ways[i].digits < 0 ? "%.*g%s" : "%.*f%s", abs(ways[i].digits), number,
                         ways[i].unit);
            return true;
        }
    }
    return false;
}

/* How many there are in a list, or a number less one, and what is written of that: "#", "#es", "-1(s)". */
static bool add_count(struct buffer *to, const json_t *value, const char *format)
{
    bool counts = format[0] == '#', lessens = strncmp(format, "-1", 2) == 0;
    json_int_t number = json_is_array(value) ? (json_int_t)json_array_size(value) : json_integer_value(value);
    if (!counts && !lessens) {
        return false;
    }
    json_t *count = json_integer(number - lessens);
    const char *more = format + (counts ? 1 : 2);
    if (*more == '\0' || !add_number(to, count, more)) {
        add_plain(to, count);
    }
    json_decref(count);
    return true;
}

static void add_value(struct buffer *to, const json_t *value, const char *format)
{
    char clean[TABLE_CELL_SIZE];
    const char *text = json_string_value(value);
    if (format[0] == '\0') {
        add_plain(to, value);
    } else if (text != NULL && strcmp(format, "line") == 0) {
        snprintf(clean, sizeof clean, "%.*s", (int)strcspn(text, "\n"), text);
        add_clean(to, clean);
    } else if (text != NULL && format[0] == '<') {
        buffer_print(to, "%-*s", (int)strtol(format + 1, NULL, 10), text_clean(text, clean, sizeof clean));
    } else if (text != NULL && format[0] == '.') {
        buffer_print(to, "%.*s", (int)strtol(format + 1, NULL, 10), text_clean(text, clean, sizeof clean));
    } else if (!add_count(to, value, format) && !(text != NULL && add_time(to, text, format)) &&
               !(json_is_number(value) && add_number(to, value, format))) {
        add_list(to, value, format);
    }
}

/* ---- templates ---- */

/* "path|path|=text:format", behind the brace; *next is behind the closing one. */
static bool add_place(struct buffer *to, const char *place, const char **next, const json_t *object)
{
    char names[PLACE_SIZE];
    const char *end = strchr(place, '}');
    size_t len = strcspn(place, ":}");
    const char *format = place[len] == ':' ? place + len + 1 : end;
    char how[KEY_SIZE];
    snprintf(names, sizeof names, "%.*s", (int)len, place);
    snprintf(how, sizeof how, "%.*s", (int)(end - format), format);
    *next = end + 1;
    for (const char *at = names;; at++) {
        size_t one = strcspn(at, "|");
        const json_t *value = at[0] == '=' ? NULL : find_value(object, at, one);
        if (at[0] == '=') {
            buffer_add_text(to, at + 1);
            return true;
        }
        if (is_there(value) || (how[0] == '#' && json_is_array(value))) {
            add_value(to, value, how);
            return true;
        }
        at += one;
        if (*at == '\0') {
            return false;
        }
    }
}

static bool is_text(const json_t *value, const char *text, size_t len)
{
    struct buffer is;
    buffer_init(&is);
    if (is_there(value)) {
        add_plain(&is, value);
    }
    bool is_same = is.len == len && (len == 0 || memcmp(is.bytes, text, len) == 0);
    buffer_fini(&is);
    return is_same;
}

/* "?path|", "!path=v|", "+path|", behind the bracket; *next is behind it. */
static bool is_wanted(const char *text, const char **next, const json_t *object)
{
    size_t len = strcspn(text, "|"), path = strcspn(text, "=|");
    *next = text;
    if (strchr("?!+", text[0]) == NULL) {
        return true;
    }
    const json_t *value = find_value(object, text + 1, path - 1);
    bool holds = text[path] == '=' ? is_text(value, text + path + 1, len - path - 1)
                 : text[0] == '+'  ? json_number_value(value) > 0
                                   : is_there(value) && !json_is_false(value);
    *next = text + len + 1;
    return holds == (text[0] != '!');
}

static const char *skip_bracket(const char *text)
{
    unsigned depth = 1;
    for (; depth != 0; text++) {
        depth += *text == '[' ? 1 : *text == ']' ? -1u : 0;
    }
    return text;
}

/* Up to the end, or a closing bracket; *next is there. */
static bool fill(struct buffer *to, const char *text, const char **next, const json_t *object)
{
    bool is_whole = true;
    while (*text != '\0' && *text != ']') {
        size_t plain = strcspn(text, "{[]");
        buffer_add(to, text, plain);
        text += plain;
        if (*text == '{') {
            is_whole &= add_place(to, text + 1, &text, object);
        } else if (*text == '[') {
            const char *inside, *behind = skip_bracket(text + 1);
            size_t before = to->len;
            if (is_wanted(text + 1, &inside, object) && !fill(to, inside, &inside, object)) {
                buffer_truncate(to, before);
            }
            text = behind;
        }
    }
    *next = text;
    return is_whole;
}

bool template_fill(struct buffer *to, const char *text, const json_t *object)
{
    size_t before = to->len;
    if (!fill(to, text, &text, object)) {
        buffer_truncate(to, before);
        return false;
    }
    return true;
}

/* ---- rows ---- */

static bool fill_row(const struct template_row *row, const json_t *object, struct buffer *to)
{
    bool is_filled = row->write != NULL ? row->write(object, to) : template_fill(to, row->text, object);
    return is_filled && to->len != 0;
}

static void add_cell(struct table *table, const struct template_row *row, const json_t *item)
{
    struct buffer text;
    buffer_init(&text);
    const char *cell = fill_row(row, item, &text) ? text.bytes : NULL;
    if (row->is_state) {
        table_add_state(table, cell);
    } else {
        table_add(table, cell);
    }
    buffer_fini(&text);
}

void template_table(const struct steerctl *ctl, const struct template_row *rows, const json_t *items)
{
    const char *headings[TABLE_COLUMNS_MAX + 1];
    size_t columns = 0, i;
    const json_t *item;
    for (; rows[columns].label != NULL; columns++) {
        headings[columns] = rows[columns].label;
    }
    headings[columns] = NULL;
    struct table *table = table_new(ctl, headings);
    json_array_foreach(items, i, item)
    {
        for (size_t column = 0; column < columns; column++) {
            add_cell(table, &rows[column], item);
        }
    }
    table_print(table);
}

void template_lines_each(const struct steerctl *ctl, const struct template_row *rows, const json_t *items)
{
    size_t i;
    const json_t *item;
    json_array_foreach(items, i, item)
    {
        template_lines(ctl, rows, item);
    }
}

json_t *template_unfold(const json_t *items, const char *key)
{
    size_t i, k;
    json_t *rows = json_array(), *item, *inner;
    json_array_foreach(items, i, item)
    {
        json_array_foreach(json_object_get(item, key), k, inner)
        {
            json_t *row = json_copy(inner);
            json_object_set(row, "of", item);
            json_array_append_new(rows, row);
        }
    }
    return rows;
}

void template_table_below(const struct steerctl *ctl, const struct template_row *rows, const json_t *items)
{
    if (json_array_size(items) != 0) {
        putchar('\n');
        template_table(ctl, rows, items);
    }
}

void template_lines(const struct steerctl *ctl, const struct template_row *rows, const json_t *object)
{
    for (const struct template_row *row = rows; json_is_object(object) && row->label != NULL; row++) {
        struct buffer text;
        buffer_init(&text);
        bool is_filled = fill_row(row, object, &text), may_miss = row->label[0] == '?';
        const char *value = is_filled ? text.bytes : "-";
        if (is_filled || !may_miss) {
            printf("%-14s%s%s%s\n", row->label + may_miss, row->is_state ? text_colour(ctl, value) : "",
                   value, row->is_state ? text_plain(ctl) : "");
        }
        buffer_fini(&text);
    }
}

void template_print(const char *text, const json_t *object)
{
    struct buffer line;
    buffer_init(&line);
    if (template_fill(&line, text, object)) {
        puts(line.bytes);
    }
    buffer_fini(&line);
}

void template_line(const struct template_row *rows, const json_t *object)
{
    for (const struct template_row *row = rows; row->label != NULL; row++) {
        struct buffer text;
        buffer_init(&text);
        printf("%s%s", row == rows ? "" : "  ", fill_row(row, object, &text) ? text.bytes : "-");
        buffer_fini(&text);
    }
    putchar('\n');
}

void template_print_each(const char *text, const json_t *items)
{
    size_t i;
    const json_t *item;
    json_array_foreach(items, i, item)
    {
        template_print(text, item);
    }
}
