/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Aligned columns for people. Widths count characters, not octets; everything that comes from outside is
 * cleaned of what terminals obey and of what reorders text first. */
#include "config.h"

#include "ctl/steerctl.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

struct cell {
    char *text;
    bool is_state;
};

struct table {
    const struct steerctl *ctl;
    const char *const *headings;
    size_t columns, count, capacity;
    struct cell *cells;
};

const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

const char *text_clean(const char *text, char *out, size_t size)
{
    snprintf(out, size, "%s", text);
    utf8_make_printable(out);
    return out;
}

/* Columns on the terminal: some characters take two, some none. Where the locale is not UTF-8, its characters
 * are counted. */
static size_t width_of(const char *text)
{
    size_t width = 0, len = strlen(text), used, plain = 0;
    mbstate_t state = {0};
    while (text[plain] >= ' ' && text[plain] < 127) {
        plain++;
    }
    if (plain == len) {
        return len; /* nearly all are, and there are many */
    }
    for (; len != 0; text += used, len -= used) {
        wchar_t character;
        used = mbrtowc(&character, text, len, &state);
        if (used == 0 || used > len) { /* not of the locale */
            used = 1;
            width += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
            state = (mbstate_t){0};
        } else {
            int columns = wcwidth(character);
            width += columns < 0 ? 1 : (size_t)columns;
        }
    }
    return width;
}

const char *text_age(const char *time, char out[32])
{
    static const struct {
        int64_t limit_s, unit_s;
        char unit;
    } steps[] = {{120, 1, 's'}, {7200, 60, 'm'}, {172800, 3600, 'h'}, {INT64_MAX, 86400, 'd'}};
    struct clock clock;
    int64_t then;
    if (time == NULL || clock_parse_rfc3339(time, &then) != 0) {
        snprintf(out, 32, "-");
        return out;
    }
    clock_init(&clock);
    int64_t seconds = (clock_wall_ms(&clock) - then) / 1000;
    seconds = seconds < 0 ? -seconds : seconds;
    size_t i = 0;
    while (seconds >= steps[i].limit_s) {
        i++;
    }
    snprintf(out, 32, "%lld%c", (long long)(seconds / steps[i].unit_s), steps[i].unit);
    return out;
}

const char *text_moment(const char *time, char out[TEXT_WHEN_SIZE])
{
    char age[32];
    if (time == NULL || strlen(time) < 19) {
        return time;
    }
    snprintf(out, TEXT_WHEN_SIZE, "%.10s %.8sZ (%s)", time, time + 11, text_age(time, age));
    return out;
}

const char *text_colour(const struct steerctl *ctl, const char *state)
{
    static const char *const colours[][2] = {
        {"healthy", "\033[32m"},     {"forced_up", "\033[32m"},     {"unhealthy", "\033[31m"},
        {"forced_down", "\033[31m"}, {"drained", "\033[33m"},       {"failed", "\033[31m"},
        {"stale", "\033[33m"},       {"heading", "\033[1m"},        {"unserved", "\033[31m"},
        {"over", "\033[31m"},        {"kept", "\033[32m"},          {"overloaded", "\033[31m"},
        {"fallback", "\033[33m"},    {"still_unserved", "\033[33m"}};
    for (size_t i = 0; ctl->colour && i < sizeof colours / sizeof *colours; i++) {
        if (strcmp(colours[i][0], state) == 0) {
            return colours[i][1];
        }
    }
    return "";
}

const char *text_plain(const struct steerctl *ctl)
{
    return ctl->colour ? "\033[0m" : "";
}

void text_line(const char *label, const char *value)
{
    char clean[TEXT_LINE_SIZE];
    printf("%-14s%s\n", label, value == NULL ? "-" : text_clean(value, clean, sizeof clean));
}

struct table *table_new(const struct steerctl *ctl, const char *const *headings)
{
    struct table *table = memory_alloc(sizeof *table);
    table->ctl = ctl;
    table->headings = headings;
    while (headings[table->columns] != NULL) {
        table->columns++;
    }
    return table;
}

struct table *table_begin(const struct steerctl *ctl, const char *const *headings, const json_t *items)
{
    if (json_array_size(items) == 0) {
        return NULL;
    }
    putchar('\n');
    return table_new(ctl, headings);
}

void table_add(struct table *table, const char *cell)
{
    char clean[TABLE_CELL_SIZE];
    table->cells = memory_grow(table->cells, table->count, &table->capacity, sizeof *table->cells);
    table->cells[table->count++] =
        (struct cell){.text = memory_copy_text(
                          cell == NULL || cell[0] == '\0' ? "-" : text_clean(cell, clean, sizeof clean))};
}

void table_add_state(struct table *table, const char *state)
{
    table_add(table, state);
    table->cells[table->count - 1].is_state = true;
}

static void print_cell(const struct table *table, const struct cell *cell, size_t width, bool last)
{
    const char *colour = cell->is_state ? text_colour(table->ctl, cell->text) : "";
    printf("%s%s%s", colour, cell->text, colour[0] == '\0' ? "" : text_plain(table->ctl));
    if (last) {
        putchar('\n');
    } else {
        printf("%*s", (int)(width - width_of(cell->text) + 2), "");
    }
}

void table_print(struct table *table)
{
    size_t widths[TABLE_COLUMNS_MAX] = {0};
    for (size_t i = 0; i < table->columns; i++) {
        widths[i] = width_of(table->headings[i]);
    }
    for (size_t i = 0; table->columns != 0 && i < table->count; i++) {
        size_t width = width_of(table->cells[i].text), column = i % table->columns;
        widths[column] = width > widths[column] ? width : widths[column];
    }
    for (size_t i = 0; i < table->columns; i++) {
        bool last = i + 1 == table->columns;
        printf("%s%s%s", text_colour(table->ctl, "heading"), table->headings[i], text_plain(table->ctl));
        printf("%*s", last ? 0 : (int)(widths[i] - width_of(table->headings[i]) + 2), "");
    }
    putchar('\n');
    for (size_t i = 0; table->columns != 0 && i < table->count; i++) {
        size_t column = i % table->columns;
        print_cell(table, &table->cells[i], widths[column], column + 1 == table->columns);
        free(table->cells[i].text);
    }
    if (table->count == 0) {
        puts("(none)");
    }
    free(table->cells);
    free(table);
}
