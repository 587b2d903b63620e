/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is wrong with an operator's input: errors and warnings, each with its place, all of them at once.
 * The message says what was found and what was expected. Owned by one thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum report_severity { REPORT_ERROR, REPORT_WARNING };

/* Where: file and line (from 1; 0 if it does not apply), column likewise, JSON path such as
 * "$.endpoints.web-a.weight". Any of them may be NULL or 0. Borrowed: the report copies. */
struct report_place {
    const char *file;
    const char *path;
    unsigned line, column;
};

struct report_item {
    enum report_severity severity;
    struct report_place place;
    const char *message;
};

struct budget;
struct progress;
struct report;
struct source_list;

enum { REPORT_MAX_ITEMS = 1000 }; /* further ones are counted only */

struct report *report_new(void);
void report_free(struct report *report); /* NULL is fine */
void report_add(struct report *report, enum report_severity severity, const struct report_place *place,
                const char *format, ...) __attribute__((format(printf, 4, 5)));
size_t report_errors(const struct report *report); /* counted, kept or not */
size_t report_warnings(const struct report *report);
size_t report_count(const struct report *report); /* items kept */
const struct report_item *report_get(const struct report *report, size_t index);

/* Whoever is given a report works for somebody, and that one may call the work off: what takes long asks now
 * and then, ends early, and says it failed; report and results are worth nothing then. The progress is
 * borrowed until report_free(). */
void report_set_cancel(struct report *report, const struct progress *progress);
bool report_is_cancelled(const struct report *report);
/* The work has a budget of memory, borrowed until report_free() or NULL: when that is spent it counts as
 * called off, too; but whoever gave the budget goes on with the report, and says in it that it was spent. */
void report_set_budget(struct report *report, struct budget *budget);
/* Is there room for so many octets more? */
bool report_has_room(const struct report *report, size_t octets);
/* A file was read: see budget_note_file(). */
void report_note_file(const struct report *report, const char *file);
/* For a part of the work, called off with the whole. */
struct report *report_new_part(const struct report *whole);

/* Below this folder files are looked up, whatever their paths say (source.h); borrowed until report_free().
 * NULL: they are where their paths say. Parts do as the whole does. */
void report_set_root(struct report *report, const char *root);
const char *report_get_root(const struct report *report);
/* What was opened for this report, for source.c. */
/* Files that are read from elsewhere, unless there is a root: borrowed until the report is freed, or this is
 * called again. NULL: none. */
struct source_places;
void report_set_places(struct report *report, const struct source_places *places);
const struct source_places *report_get_places(const struct report *report);
struct source_list *report_get_sources(struct report *report);
/* What else the result depends on: source_see(). */
struct source_list *report_get_seen(struct report *report);
/* Files below a folder that are read from a tree elsewhere, unless there is a root (source.h): copied. NULL:
 * none, any more. Parts do as the whole does. */
struct source_tree;
void report_set_tree(struct report *report, const struct source_tree *tree);
const struct source_tree *report_get_tree(const struct report *report);
/* Who says which tree that is, once it is known where the state is: borrowed, likewise. */
struct source_chooser;
void report_set_chooser(struct report *report, const struct source_chooser *chooser);
const struct source_chooser *report_get_chooser(const struct report *report);

/* Append all of `from` to `to`. */
void report_append(struct report *to, const struct report *from);
/* "file:line:column: error: message (at $.path)", one line each; and how many were left out. */
void report_write(const struct report *report, FILE *stream);
/* The line of one item, without newline; returns text. */
const char *report_write_item(const struct report_item *item, char *text, size_t size);
