/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How long something took each time: a histogram, the longest, and the longest of late. Owned by one thread
 * at a time. */
#pragma once

#include <stdint.h>

/* Upper bounds of the histograms: 10 µs, 100 µs, 1 ms, 10 ms, 100 ms, 1 s, and no bound. */
enum { SPAN_BUCKETS = 7 };
extern const uint64_t span_bounds_ns[SPAN_BUCKETS - 1];

struct spans {
    uint64_t count, sum_ns, longest_ns;
    uint64_t buckets[SPAN_BUCKETS];
    uint64_t minute;       /* that recent_ns[0] is of */
    uint64_t recent_ns[2]; /* longest of this minute, and of the one before */
};

/* One that took so long and ended at this monotonic time. */
void spans_note(struct spans *spans, uint64_t ns, uint64_t now_ns);
/* The longest of the last one to two minutes. */
uint64_t spans_find_recent(const struct spans *spans, uint64_t now_ns);
