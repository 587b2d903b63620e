/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How often something happens: in all, and per second, as means over 1, 5 and 15 minutes that are weighted
 * exponentially, like the load averages of a system. What is younger than that has the mean of its own time.
 * Time is an argument: monotonic, ms. */
#pragma once

#include <stdint.h>

enum traffic_window { TRAFFIC_1M, TRAFFIC_5M, TRAFFIC_15M, TRAFFIC_WINDOWS };

struct traffic_rate {
    uint64_t total;
    double means[TRAFFIC_WINDOWS]; /* per second, up to at_ms, as if there was nothing before from_ms */
    int64_t from_ms, at_ms;
};

/* One span of time, for all rates that get something in it. */
struct traffic_span {
    int64_t from_ms, to_ms;
    double weights[TRAFFIC_WINDOWS]; /* of what was before it */
};

struct traffic_span traffic_make_span(int64_t from_ms, int64_t to_ms); /* to_ms > from_ms */
void traffic_rate_init(struct traffic_rate *rate, int64_t from_ms);
/* So many more in a span that begins where the one before ended, or later: nothing happened in between. */
void traffic_rate_add(struct traffic_rate *rate, const struct traffic_span *span, uint64_t count);
double traffic_rate_get(const struct traffic_rate *rate, enum traffic_window window, int64_t now_ms);
