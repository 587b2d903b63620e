/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is known of a drill that is done regularly, as an object of the store, "drill-schedule" / NAME. Pure.
 * Private to src/daemon. */
#pragma once

#include "daemon/drill_fact.h"

#define DRILL_SCHEDULE_KIND "drill-schedule" /* of the store's objects */

struct drill_state {
    char name[DRILL_SCHEDULE_SIZE];
    int64_t handled_ms; /* wall: the latest time that was run or missed; 0: none yet */
    int64_t due_ms;     /* that the latest run, or the latest that was missed, belongs to */
    int64_t ran_ms;     /* wall: the latest run began; 0: none */
    int64_t success_ms; /* the latest run that met all objectives began; 0: none */
    bool is_running;
    bool was_missed;  /* the latest was not run at all, and `why` says why */
    bool has_outcome; /* of the latest run */
    enum drill_outcome outcome;
    char why[PAGE_WHY_SIZE], report[DRILL_ID_SIZE];
    uint64_t missed, runs[DRILL_OUTCOMES];
};

char *drill_state_write(const struct drill_state *state); /* owned (free) */
/* 0, or ERROR_SYNTAX and why (static). */
int drill_state_read(const char *name, const char *text, struct drill_state *state, const char **why);
