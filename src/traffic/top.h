/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who comes most often, in bounded memory: a space-saving sketch (Metwally, Agrawal, El Abbadi 2005) of
 * addresses. What is counted loses weight exponentially, so it tells of the last time and not of all. An
 * estimate is never too low, and too high by at most its own error, which is at most all that was counted,
 * divided by the number of places; so whoever has more than that share is there. Time is an argument. */
#pragma once

#include "base/addr.h"

#include <stddef.h>
#include <stdint.h>

struct traffic_top;

struct traffic_top_item {
    struct addr addr;
    double count; /* at most */
    double error; /* at least count - error */
};

/* So many places. What was counted half_ms ago counts half; 0: nothing is forgotten. Returns owned. */
struct traffic_top *traffic_top_new(size_t places, int64_t half_ms);
void traffic_top_free(struct traffic_top *top); /* NULL is fine */
void traffic_top_add(struct traffic_top *top, const struct addr *addr, double weight, int64_t now_ms);
/* Of everybody, with what counts less by now. */
double traffic_top_sum(const struct traffic_top *top, int64_t now_ms);
/* The first `room` ones, the most frequent first. Returns how many. */
size_t traffic_top_list(const struct traffic_top *top, int64_t now_ms, struct traffic_top_item *items,
                        size_t room);
