/* SPDX-License-Identifier: BSD-3-Clause
 *
 * When a drill that everybody sees is ended early: pure, from what is seen at a moment. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DRILL_WHY_SIZE = 256 };

/* What is seen; a name that is NULL is not. */
struct drill_sight {
    const char *incident, *incident_target; /* its ID, what it is about */
    const char *rule;                       /* a safety rule that was kept, and is not */
    size_t unserved, unserved_before;       /* answers in the drill */
    const char *fullest_kind, *fullest;     /* an endpoint or a region */
    double load;                            /* of that; 1: at its high watermark */
    size_t misled;                          /* answers that lead to what is lost … */
    int64_t misled_ms;                      /* … and for how long there have been any */
    const char *moved;                      /* a name that must not move */
    const char *failing_kind,
        *failing;  /* what reports failed requests, or does not any more; not what is lost */
    double errors; /* share of its requests; -1: nobody reports any more */
};

struct drill_limits {
    bool allows_unserved;
    unsigned capacity;   /* percent of the high watermark */
    double errors;       /* share of requests that may fail; 0: nobody asks */
    int64_t recovery_ms; /* for so long answers may lead to what is lost; 0: for ever */
};

/* Because of what it ends ("incident", "unserved", "moved", "capacity", "errors", "rule", "recovery"), and
 * why in words; NULL: it goes on.
 */
const char *drill_find_abort(const struct drill_limits *limits, const struct drill_sight *sight,
                             char why[DRILL_WHY_SIZE]);
