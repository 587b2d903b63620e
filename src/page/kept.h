/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A report of a drill as it is kept: not longer than it may be, and the figures of it that are compared over
 * the months. Of a simulation the report itself; of a drill on a server that serves the drill, with its
 * report in "report". Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PAGE_NAME_SIZE = 128, PAGE_WHY_SIZE = 256, PAGE_MODE_SIZE = 16 };

/* -1: there is none. */
struct page_figures {
    char mode[PAGE_MODE_SIZE];
    char name[PAGE_NAME_SIZE]; /* of the document, else "loss of region:us-east" */
    bool has_report;           /* else nothing follows from it */
    bool is_met;               /* all objectives */
    char why[PAGE_WHY_SIZE];   /* not; the first reason. "": it is not said */
    int64_t detection_ms, decision_ms, ttl_ms, recovery_ms, rto_ms;
    double failed_share; /* of all requests */
    double capacity_use; /* of the region that has most to do, 1: all that it can */
    int64_t answers, changed, unserved, held, to_lost, late;
};

/* Of at most `most` octets: answers and events go first, then courses, then what happens by second; what is
 * left out is counted. Returns owned, for free(); NULL: it is no JSON object, or longer however much is left
 * out. */
char *page_keep(const char *json, size_t most, struct page_figures *figures);
