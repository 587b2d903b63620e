/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How the weight of what came back returns: in steps, each held for a time, instead of all at once. An
 * endpoint, az or region with a ramp that went down and is not unhealthy any more begins at the first step;
 * after the last but one it has all of its weight again. Of an endpoint, its az and its region the lowest
 * step counts. What fails during its ramp is down at once, and begins anew when it comes back.
 *
 * - What never served did not go down: the first result after a start begins no ramp; nor does what the brake
 *   takes back, nor an override that ends. An override `up` ends the ramp of its object at once; of what is
 *   below an az or region it is ended when its next step is due.
 * - Families come back by themselves, and no family loses weight for another one: a family that comes back
 *   while its endpoint ramps for another one joins that ramp where it is.
 * - A ramp is a function of when it began, which is what reloads and records carry. Steps of all objects fall
 *   on whole seconds of the monotonic clock: thousands that come back together move answers once a second. */
#pragma once

#include "health/table.h"

#include <stddef.h>
#include <stdint.h>

enum { HEALTH_RAMP_STEPS = 16 };

struct health_ramp_plan {
    uint8_t
        steps[HEALTH_RAMP_STEPS]; /* percent, ascending; the last one, 100, ends it and is not among them */
    size_t count;                 /* 0: no ramp */
    int64_t each_ms;              /* above 0 */
};

/* Who has which, as 1 + index in `plans`; 0: none. NULL instead of a list: 0 for all. */
struct health_ramps {
    const struct health_ramp_plan *plans;
    size_t count;
    const uint32_t *endpoints, *azs, *regions;
};

struct health_ramp_status {
    unsigned percent; /* of its weight, 1..99; 0: it does not ramp */
    unsigned next_percent;
    int64_t next_ms, ends_ms;    /* wall: when it is that, and when it is 100; 0: not known */
    bool families[HEALTH_VIEWS]; /* which of them it is about */
};

/* It begins, goes on to the next step, or ends. */
struct health_ramp_change {
    enum health_kind kind;
    const char *name; /* borrowed from the machine; of the az if there are several endpoints */
    size_t endpoints; /* of an az that took the same step together; 0: it is the object itself */
    struct health_ramp_status status; /* percent 0: it has ended */
};
