/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is known of a drill that is over, in the figures that a trend needs, as an object of the store,
 * "drill" / ID, and as the API shows it. Its report is another object, "drill-report" / ID, so that nobody
 * has to read reports to list them. Pure. Private to src/daemon. */
#pragma once

#include "health/health.h"
#include "page/kept.h"

#include <stdbool.h>
#include <stdint.h>

#define DRILL_KIND          "drill"          /* of the store's objects */
#define DRILL_REPORT_KIND   "drill-report"   /* likewise */
#define DRILL_OBSERVED_KIND "drill-observed" /* likewise: what resolvers saw of it */

enum { DRILL_ID_SIZE = 64, DRILL_SCHEDULE_SIZE = 64 };

enum drill_outcome {
    DRILL_MET,     /* all objectives */
    DRILL_MISSED,  /* any */
    DRILL_NOT_RUN, /* it did not, or not to its end: figures.why says why */
    DRILL_OUTCOMES
};

struct drill_fact {
    char id[DRILL_ID_SIZE];
    int64_t at_ms;                      /* wall: it began */
    char schedule[DRILL_SCHEDULE_SIZE]; /* that it belongs to; "": none */
    char actor[HEALTH_ACTOR_SIZE], peer[HEALTH_PEER_SIZE], reason[HEALTH_REASON_SIZE];
    enum drill_outcome outcome;
    struct page_figures figures;
    uint64_t octets; /* of its report; 0: there is none */
};

const char *drill_outcome_text(enum drill_outcome outcome);
/* Owned (free). */
char *drill_fact_write(const struct drill_fact *fact);       /* for the store */
char *drill_fact_write_shown(const struct drill_fact *fact); /* all fields, null where there is nothing */
/* 0, or ERROR_SYNTAX and why (static). */
int drill_fact_read(const char *id, const char *text, struct drill_fact *fact, const char **why);
