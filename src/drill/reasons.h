/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Why a drill failed, in words. Inside of src/drill. */
#pragma once

#include "base/arena.h"
#include "drill/drill.h"

enum { DRILL_SECONDS_SIZE = 32 };

/* "7.0 s", "5.55 s", "150 ms" */
const char *drill_write_seconds(int64_t ms, char text[DRILL_SECONDS_SIZE]);

/* Fill report->reasons from all else in it; texts go to the arena. */
void drill_find_reasons(struct drill_report *report, struct arena *arena);
