/* SPDX-License-Identifier: BSD-3-Clause
 *
 * JSON of the API as text for people, by rows of templates. A template is text with
 *
 *   {path}          the value there: keys with dots between; -1 is the last of a list; true is "yes"
 *   {path|path}     the first of them that is there; the last one may be a text: {expires|=never}
 *   {path:format}   written so (below)
 *   [text]          left out where one of the values inside is not there
 *   [?path|text]    only where the value is there, and not false; [!path|text] only where it is not
 *   [+path|text]    only where it is a number above 0
 *   [?path=v|text]  only where the value is v; [!path=v|text] only where it is not
 *
 * A value that is null, an empty text or an empty list is not there. Formats:
 *
 *   of times           age "12s"; when "2026-11-21 04:05:06Z (3m)"; second, without the age; day;
 *                      until "in 1.4 s", or "now"
 *   of milliseconds    s "1.5 s"; s0 "90 s"; ms "0.3 ms", us the same of microseconds; span "4.20 s"
 *   of shares          % with three digits; %4 with four; %0 with six; %0d without decimals; p1 with one
 *   of numbers         g with three digits; 4 with four; 2 with two decimals; rate with as many as tell
 *                      something; size "1.2 kB"; -1 less 1; es, (s) the plural, unless it is 1; -1es
 *   of lists           # how many there are; #es, #(s) the plural
 *   of texts           .N the first N characters; <N filled up to N; line the first line
 *   anything else      goes between the texts of a list
 *
 * What comes from outside is cleaned of what commands a terminal. */
#pragma once

#include "ctl/steerctl.h"

/* A column of a table, or a line "label   text". Where its text is not there, "-" stands for it. */
struct template_row {
    const char *label; /* one that begins with "?" is left out where its text is not there; NULL: the end */
    const char *text;
    bool is_state; /* a word of state, in its colour */
    bool (*write)(const json_t *object,
                  struct buffer *to); /* if not NULL, instead of the text; false: nothing is there */
};

#define ROW(label, text)                                                                                     \
    {                                                                                                        \
        label, text, false, NULL                                                                             \
    }
#define ROW_STATE(label, text)                                                                               \
    {                                                                                                        \
        label, text, true, NULL                                                                              \
    }
#define ROW_OF(label, write)                                                                                 \
    {                                                                                                        \
        label, NULL, false, write                                                                            \
    }
#define ROW_END                                                                                              \
    {                                                                                                        \
        NULL, NULL, false, NULL                                                                              \
    }

/* Appends; false, and nothing is appended, where a value outside brackets is not there. */
bool template_fill(struct buffer *to, const char *text, const json_t *object);
/* A table of items. */
void template_table(const struct steerctl *ctl, const struct template_row *rows, const json_t *items);
/* The same below an empty line; nothing where there are no items. */
void template_table_below(const struct steerctl *ctl, const struct template_row *rows, const json_t *items);
/* What the items have in lists at this key, each with its item at "of"; owned by the caller. */
json_t *template_unfold(const json_t *items, const char *key);
/* Lines of an object; nothing where it is none. */
void template_lines(const struct steerctl *ctl, const struct template_row *rows, const json_t *object);
void template_lines_each(const struct steerctl *ctl, const struct template_row *rows, const json_t *items);
/* All columns in one line, for what is followed. */
void template_line(const struct template_row *rows, const json_t *object);
/* A line of its own for each item, or none where a value is not there. */
void template_print(const char *text, const json_t *object);
void template_print_each(const char *text, const json_t *items);

/* ---- lists.c, show.c ---- */

extern const struct template_row override_columns[], geo_columns[], zone_columns[], name_columns[];
