/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The highest of the six levels of GB/T 20988-2007 that nothing contradicts: times, which the standard
 * relates to levels in an annex, as spans that overlap ("several minutes to 2 days"), and which a drill
 * measures; and the seven kinds of resources that it asks for, each of which an operator may declare to meet
 * a level, since a drill does not see them. Those of which nothing is said are named. So this is a bound and
 * no certificate. (GB/T 20988-2025 takes its place from 2026 on.)
 */
#pragma once

#include "drill/drill.h"

enum { DRILL_LEVELS = 6 };

/* "Several minutes", of level 6. */
#define DRILL_LEVEL_MINUTES_MS INT64_C(600000)

struct drill_level {
    unsigned level;         /* 0: none, or it cannot be told */
    int64_t rto_ms, rpo_ms; /* by which; -1: not known */
    const char *why;        /* why there is none; NULL: there is one */
    unsigned of_times;      /* the level of the times alone; 0: none, or it cannot be told */
    unsigned undeclared;    /* bits 1 << enum drill_resource, of which nothing is said */
};

/* "backup", and what the standard means by that. */
const char *drill_resource_key(enum drill_resource resource);
const char *drill_resource_text(enum drill_resource resource);

/* Of times; rpo_ms is that of all data together. */
unsigned drill_level_of(int64_t rto_ms, int64_t rpo_ms);
struct drill_level drill_find_level(const struct drill_report *report);
