/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is counted outlives a takeover: counters of what was asked, answered and checked go on where those of
 * the process before ended, so that nobody who reads them sees them go back. Private to src/daemon. */
#pragma once

#include "answer/counter.h"
#include "probe/probe.h"
#include "serve/serve.h"

#include <jansson.h>

struct server;

/* Of all processes so far; written before the admin socket opens, read by any thread. */
struct counted {
    uint64_t answers[ANSWER_COUNTERS];
    uint64_t tcp_accepted, tcp_ended[SERVE_TCP_ENDS];
    uint64_t checks_started, checks_ended[HEALTH_OUTCOME_COUNT];
    uint64_t reloads, reload_failures;
};

/* With those of this process; gauges are its own. */
void counted_get_answers(const struct server *server, uint64_t sums[ANSWER_COUNTERS]);
void counted_get_tcp(const struct server *server, struct serve_tcp_stats *stats);
void counted_get_checks(const struct server *server, struct probe_stats *stats);
const char *counted_tcp_end_text(enum serve_tcp_end end);

/* From one process to the next: an object of numbers by name. What is not known there is left out, and what
 * is no such number. */
json_t *counted_write(const struct server *server);
void counted_read(struct server *server, json_t *values);
