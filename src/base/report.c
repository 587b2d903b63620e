/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A list of items in an arena. */
#include "config.h"

#include "base/report.h"

#include "base/arena.h"
#include "base/budget.h"
#include "base/memory.h"
#include "base/progress.h"
#include "base/source_list.h"

#include <stdarg.h>
#include <stdlib.h>

enum { MESSAGE_SIZE = 1024, LINE_SIZE = 2048 };

struct report {
    struct arena *arena;
    struct report_item *items;
    size_t count, capacity;
    size_t totals[2];                   /* by severity */
    const struct progress *progress;    /* NULL: nobody calls it off */
    struct budget *budget;              /* NULL: there is no end of memory */
    const char *root;                   /* NULL: none */
    const struct source_places *places; /* NULL: none */
    const struct source_tree *tree;     /* in an arena; NULL: none */
    const struct source_chooser *chooser;
    struct source_list sources, seen;
    struct budget_pace *pace; /* at which the one thread that has this report looks at it */
};

struct report *report_new(void)
{
    struct report *report = memory_alloc(sizeof *report);
    report->arena = arena_new(0);
    report->pace = arena_alloc(report->arena, sizeof *report->pace);
    return report;
}

struct report *report_new_part(const struct report *whole)
{
    struct report *report = report_new();
    report->progress = whole->progress;
    report->budget = whole->budget;
    report->root = whole->root;
    report->places = whole->places;
    report->tree = whole->tree;
    report->chooser = whole->chooser;
    return report;
}

void report_set_cancel(struct report *report, const struct progress *progress)
{
    report->progress = progress;
}

void report_set_root(struct report *report, const char *root)
{
    report->root = root;
}

const char *report_get_root(const struct report *report)
{
    return report->root;
}

void report_set_places(struct report *report, const struct source_places *places)
{
    report->places = places;
}

const struct source_places *report_get_places(const struct report *report)
{
    return report->places;
}

void report_set_tree(struct report *report, const struct source_tree *tree)
{
    if (tree == NULL) {
        report->tree = NULL;
        return;
    }
    struct source_tree *copy = arena_copy(report->arena, tree, sizeof *tree);
    copy->folder = arena_copy_text(report->arena, tree->folder);
    copy->real = arena_copy_text(report->arena, tree->real);
    copy->own_folder = arena_copy_text(report->arena, tree->own_folder);
    copy->own = arena_alloc(report->arena, (tree->own_count + 1) * sizeof *copy->own);
    for (size_t i = 0; i < tree->own_count; i++) {
        copy->own[i] = arena_copy_text(report->arena, tree->own[i]);
    }
    report->tree = copy;
}

const struct source_tree *report_get_tree(const struct report *report)
{
    return report->tree;
}

void report_set_chooser(struct report *report, const struct source_chooser *chooser)
{
    report->chooser = chooser;
}

const struct source_chooser *report_get_chooser(const struct report *report)
{
    return report->chooser;
}

struct source_list *report_get_sources(struct report *report)
{
    return &report->sources;
}

struct source_list *report_get_seen(struct report *report)
{
    return &report->seen;
}

bool report_is_cancelled(const struct report *report)
{
    return progress_is_cancelled(report->progress) ||
           (report->budget != NULL && !budget_goes_on(report->budget, report->pace));
}

void report_set_budget(struct report *report, struct budget *budget)
{
    report->budget = budget;
    *report->pace = (struct budget_pace){.wait = 0};
}

bool report_has_room(const struct report *report, size_t octets)
{
    return report->budget == NULL || budget_has_room(report->budget, octets);
}

void report_note_file(const struct report *report, const char *file)
{
    if (report->budget != NULL) {
        budget_note_file(report->budget, file);
        budget_hurry(report->pace);
    }
}

void report_free(struct report *report)
{
    if (report != NULL) {
        source_list_fini(&report->sources);
        source_list_fini(&report->seen);
        arena_free(report->arena);
        free(report->items);
        free(report);
    }
}

static void add_item(struct report *report, enum report_severity severity, const struct report_place *place,
                     const char *message)
{
    report->totals[severity]++;
    if (report->count == REPORT_MAX_ITEMS) {
        return;
    }
    report->items = memory_grow(report->items, report->count, &report->capacity, sizeof *report->items);
    struct report_item *item = &report->items[report->count++];
    *item = (struct report_item){.severity = severity, .message = arena_copy_text(report->arena, message)};
    if (place != NULL) {
        item->place = *place;
        item->place.file = arena_copy_text(report->arena, place->file);
        item->place.path = arena_copy_text(report->arena, place->path);
    }
}

void report_add(struct report *report, enum report_severity severity, const struct report_place *place,
                const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    add_item(report, severity, place, message);
}

size_t report_errors(const struct report *report)
{
    return report->totals[REPORT_ERROR];
}

size_t report_warnings(const struct report *report)
{
    return report->totals[REPORT_WARNING];
}

size_t report_count(const struct report *report)
{
    return report->count;
}

const struct report_item *report_get(const struct report *report, size_t index)
{
    return &report->items[index];
}

void report_append(struct report *to, const struct report *from)
{
    size_t kept[2] = {0, 0};
    for (size_t i = 0; i < from->count; i++) {
        const struct report_item *item = &from->items[i];
        add_item(to, item->severity, &item->place, item->message);
        kept[item->severity]++;
    }
    to->totals[REPORT_ERROR] += from->totals[REPORT_ERROR] - kept[REPORT_ERROR];
    to->totals[REPORT_WARNING] += from->totals[REPORT_WARNING] - kept[REPORT_WARNING];
}

const char *report_write_item(const struct report_item *item, char *text, size_t size)
{
    const struct report_place *place = &item->place;
    char where[64] = "";
    if (place->line != 0 && place->column != 0) {
        snprintf(where, sizeof where, ":%u:%u", place->line, place->column);
    } else if (place->line != 0) {
        snprintf(where, sizeof where, ":%u", place->line);
    }
    snprintf(text, size, "%s%s%s%s: %s%s%s%s", place->file != NULL ? place->file : "", where,
             place->file != NULL ? ": " : "", item->severity == REPORT_ERROR ? "error" : "warning",
             item->message, place->path != NULL ? " (at " : "", place->path != NULL ? place->path : "",
             place->path != NULL ? ")" : "");
    return text;
}

void report_write(const struct report *report, FILE *stream)
{
    char line[LINE_SIZE];
    for (size_t i = 0; i < report->count; i++) {
        fprintf(stream, "%s\n", report_write_item(&report->items[i], line, sizeof line));
    }
    size_t total = report->totals[REPORT_ERROR] + report->totals[REPORT_WARNING];
    if (total > report->count) {
        fprintf(stream, "... and %zu more\n", total - report->count);
    }
}
