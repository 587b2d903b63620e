/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See spans.h. */
#include "config.h"

#include "base/spans.h"

const uint64_t span_bounds_ns[SPAN_BUCKETS - 1] = {10000, 100000, 1000000, 10000000, 100000000, 1000000000};

#define MINUTE_NS UINT64_C(60000000000)

static uint64_t max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

void spans_note(struct spans *spans, uint64_t ns, uint64_t now_ns)
{
    uint64_t minute = now_ns / MINUTE_NS;
    unsigned bucket = 0;
    while (bucket < SPAN_BUCKETS - 1 && ns > span_bounds_ns[bucket]) {
        bucket++;
    }
    if (minute != spans->minute) {
        spans->recent_ns[1] = minute == spans->minute + 1 ? spans->recent_ns[0] : 0;
        spans->recent_ns[0] = 0;
        spans->minute = minute;
    }
    spans->count++;
    spans->sum_ns += ns;
    spans->buckets[bucket]++;
    spans->longest_ns = max(ns, spans->longest_ns);
    spans->recent_ns[0] = max(ns, spans->recent_ns[0]);
}

uint64_t spans_find_recent(const struct spans *spans, uint64_t now_ns)
{
    switch (now_ns / MINUTE_NS - spans->minute) {
    case 0: return max(spans->recent_ns[0], spans->recent_ns[1]);
    case 1: return spans->recent_ns[0];
    default: return 0;
    }
}
