/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rate.h. */
#include "config.h"

#include "traffic/rate.h"

#include <math.h>

static const double windows_ms[TRAFFIC_WINDOWS] = {60000, 300000, 900000};

static double decay(enum traffic_window window, int64_t ms)
{
    return ms <= 0 ? 1 : exp(-(double)ms / windows_ms[window]);
}

struct traffic_span traffic_make_span(int64_t from_ms, int64_t to_ms)
{
    struct traffic_span span = {.from_ms = from_ms, .to_ms = to_ms};
    for (int i = 0; i < TRAFFIC_WINDOWS; i++) {
        span.weights[i] = decay((enum traffic_window)i, to_ms - from_ms);
    }
    return span;
}

void traffic_rate_init(struct traffic_rate *rate, int64_t from_ms)
{
    *rate = (struct traffic_rate){.from_ms = from_ms, .at_ms = from_ms};
}

void traffic_rate_add(struct traffic_rate *rate, const struct traffic_span *span, uint64_t count)
{
    double per_second = (double)count * 1000 / (double)(span->to_ms - span->from_ms);
    for (int i = 0; i < TRAFFIC_WINDOWS; i++) {
        double before = rate->at_ms >= span->to_ms ? 1 /* more of the same span */ : span->weights[i];
        if (rate->at_ms < span->from_ms) {
            before *= decay((enum traffic_window)i, span->from_ms - rate->at_ms);
        }
        rate->means[i] = rate->means[i] * before + per_second * (1 - span->weights[i]);
    }
    rate->at_ms = span->to_ms;
    rate->total += count;
}

/* What was before there was anything has no weight. */
double traffic_rate_get(const struct traffic_rate *rate, enum traffic_window window, int64_t now_ms)
{
    int64_t until_ms = now_ms > rate->at_ms ? now_ms : rate->at_ms;
    double known = 1 - decay(window, until_ms - rate->from_ms);
    return known <= 0 ? 0 : rate->means[window] * decay(window, until_ms - rate->at_ms) / known;
}
