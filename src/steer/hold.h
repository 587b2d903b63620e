/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Holds: clients of a sticky policy who went elsewhere stay there for a while after their member came back.
 * Internal to the folder.
 *
 * A server does not remember who asked. But where clients are follows from their order of members and from
 * when each of these was out: who is lost makes its clients go to the first of their order who serves at that
 * moment, whether that one is held or not; who comes back gets nobody before its hold is over. So a rolling
 * restart moves clients once, from who stops to all others by weight, and nobody is left with everything.
 * What is known are the latest two outages of each object, of those two holds. */
#pragma once

#include "steer/steer.h"

/* The latest outage of a member, wall ms; back is STEER_STILL_OUT while it lasts. Both 0: none. */
struct hold_outage {
    uint64_t left_ms, back_ms;
};

#define STEER_STILL_OUT UINT64_MAX

/* Who asks may have the time of the last tick, or of the begin of a batch: so far ahead is no other clock. */
enum { HOLD_BEHIND_MS = 1000 };

struct hold_outage hold_find_outage(const struct steer_policy *policy, const struct health_table *table,
                                    uint16_t member, enum health_family family);

/* Wall time at which it is over; 0: there is none. */
uint64_t hold_find_end(const struct steer_policy *policy, const struct hold_outage *outage, uint64_t now_ms);

/* What a choice keeps of it. `serves`: the member does now. Lowers *until_ms to when this will be another. */
struct steer_outage hold_note(const struct steer_policy *policy, const struct hold_outage *outage,
                              bool serves, uint64_t now_ms, uint64_t *until_ms);
