/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The answers of a view while a drill runs: one choice per distinct (policy, class, type), however many names
 * share it, evaluated on the drill's own health table into buffers of its own. Inside of src/drill. */
#pragma once

#include "base/arena.h"
#include "drill/drill.h"

struct drill_answers;

/* The choices of all steered names of the view as the table stands now: "before". All are borrowed. When the
 * progress (may be NULL) is cancelled, calls return before they are done; then what they found is worthless.
 */
struct drill_answers *drill_answers_new(const struct view *view, const struct health_table *table,
                                        struct progress *progress);
void drill_answers_free(struct drill_answers *answers);

/* Evaluate again, at the end of checks with this interval: returns how many answers (of a name, type and
 * class) are others than at the last call. */
size_t drill_answers_follow(struct drill_answers *answers, int64_t at_ms, int64_t interval_ms);

/* Fill the report's names, counts, shares, decision and TTL. is_lost: one per endpoint. */
void drill_answers_report(struct drill_answers *answers, const bool *is_lost, struct arena *arena,
                          struct drill_report *report);
