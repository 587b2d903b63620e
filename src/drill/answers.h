/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The answers of a view while a drill runs: one choice per distinct (policy, class, type), however many names
 * share it, evaluated on the drill's own health table into buffers of its own. Inside of src/drill. */
#pragma once

#include "base/arena.h"
#include "drill/drill.h"

struct drill_answers;

/* The choices of all steered names of the view as the table stands now: "before". All are borrowed; what goes
 * into reports is in the arena. When the progress (may be NULL) is cancelled, calls return before they are
 * done; then what they found is worthless. */
struct drill_answers *drill_answers_new(const struct view *view, const struct health_table *table,
                                        struct arena *arena, struct progress *progress);
void drill_answers_free(struct drill_answers *answers);

/* When answers are looked at. */
struct drill_moment {
    int64_t at_ms, since_ms; /* since the start; and the begin of the phase that it is in */
    bool is_back;            /* that is a way back: what changes is no decision about a loss */
    int64_t interval_ms;     /* of the checks that end there; 0: none */
    int64_t failed_ms;       /* since the start: the first failure of those; -1: it is no check */
};

/* Evaluate again: returns how many answers (of a name, type and class) are others than at the last call. */
size_t drill_answers_follow(struct drill_answers *answers, const struct drill_moment *moment);

/* Of names, types and classes: those that nobody healthy gives now. */
size_t drill_answers_count_unserved(const struct drill_answers *answers);

/* Those that lead, in part at least, to what is lost now. is_lost: one per endpoint. */
size_t drill_answers_count_misled(struct drill_answers *answers, const bool *is_lost);
/* Names (or patterns) of which no answer may change, borrowed; and one of which any is another one now, or
 * NULL. */
void drill_answers_guard(struct drill_answers *answers, const char *const *names, size_t count);
const char *drill_answers_find_moved(const struct drill_answers *answers);

/* Something was lost, and answers are as they will be: who is unserved, held, or led to what is lost. The
 * last call at which an answer is not what it was before says what a report has as "after". is_lost: one per
 * endpoint. */
void drill_answers_mark(struct drill_answers *answers, const bool *is_lost);

/* Of clients, by policy and class (origins.h); or of all their queries, by name of the view and class
 * (recorded.h), NULL being none. Neither: all names and classes alike. */
struct drill_weights {
    const double *const *by_policy, *const *by_name;
};

/* Fill the report's names, courses, counts, shares, decision and TTL. */
void drill_answers_report(struct drill_answers *answers, struct drill_weights weights,
                          struct drill_report *report);
