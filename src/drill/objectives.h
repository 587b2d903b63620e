/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Were the objectives of a document met? Inside of src/drill. */
#pragma once

#include "base/arena.h"
#include "drill/drill.h"

/* Fill the report's misses from all else in it; the RTO has a place of its own. Texts go to the arena. */
void drill_judge_objectives(const struct drill_objectives *objectives, struct arena *arena,
                            struct drill_report *report);
/* One more miss, in words. The list grows in the arena. */
void drill_add_miss(struct drill_report *report, struct arena *arena, const char *text);
