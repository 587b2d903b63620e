/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where what an override moves off is to go (`exits` of the table). Whose answers came from there alone, as
 * long as that served, have them from its destination now, before anybody else. Where the destination does
 * not serve they are chosen as if it had not been named; and so are answers that came from several places at
 * once, of which others would have to give some away. Internal to the folder. */
#pragma once

#include "steer/steer.h"

struct steer_reading;

enum steer_fence_sight {
    STEER_FENCE_BEFORE, /* what is moved off serves, in whole: where did answers come from? */
    STEER_FENCE_TO,     /* there is nobody but what is moved off and its destinations */
};

enum { STEER_FENCE_PLACES = 8 };

struct steer_fence {
    enum steer_fence_sight sight;
    uint32_t places[STEER_FENCE_PLACES]; /* destinations, as exits say them */
    uint16_t place_count;
};

/* The destinations of what the class has members of; false: there are none, or too many. */
bool fence_gather(const struct steer_reading *reading, const struct steer_class *class,
                  struct steer_fence *fence);
/* Is this member moved off to somewhere? */
bool fence_moves(const struct steer_reading *reading, uint16_t index);
/* What reading->fence makes of its state. */
enum health_state fence_see(const struct steer_reading *reading, uint16_t index, enum health_state state);
