/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where what an override moves off is to go (`exits` of the table). Whose answers came from there alone, as
 * long as that served, have them from its destination now, before anybody else; where the destination does
 * not serve, and where answers came from other tiers as well, policies say who takes them. Of what is moved
 * off in part so many percent have moved, and nobody else's health brings them back, as long as anybody else
 * serves. Where one tier had members of both, nothing is known here: it is read as without. Internal to the
 * folder. */
#pragma once

#include "steer/steer.h"

struct steer_reading;
struct steer_measure;

enum steer_fence_sight {
    STEER_FENCE_BEFORE, /* what is moved off serves, in whole: where did answers come from? */
    STEER_FENCE_TO,     /* who has moved is with the destinations */
    STEER_FENCE_AFTER,  /* … is with whom policies say, of all but what is moved off */
};

enum { STEER_FENCE_PLACES = 8, STEER_FENCE_TIERS = 16 };

/* A tier that had answers before any of them moved. */
struct steer_origin {
    uint16_t tier;
    bool moves;   /* all of its members are moved off; else none is */
    double share; /* of all answers */
    double stays; /* of what moves: so much of it has not, yet */
};

struct steer_fence {
    enum steer_fence_sight sight;
    uint32_t places[STEER_FENCE_PLACES]; /* destinations, as exits say them */
    uint16_t place_count, origin_count;
    bool is_alone; /* all answers came from what is moved off */
    bool keeps;    /* of the tier under way, those are read who have not moved yet */
    bool forgives; /* BEFORE: also who is lost of what is moved off serves */
    struct steer_origin origins[STEER_FENCE_TIERS];
};

/* The destinations of what the class has members of; false: there are none, or too many. */
bool fence_gather(const struct steer_reading *reading, const struct steer_class *class,
                  struct steer_fence *fence);
/* After the sight BEFORE: which tiers had answers. False: none of them moves, or no more is known than
 * without. */
bool fence_note_origins(const struct steer_reading *reading, struct steer_fence *fence);
const struct steer_origin *fence_find_origin(const struct steer_fence *fence, uint16_t tier); /* or NULL */
/* Do all members of a choice lie in what is moved off? */
bool fence_holds_all(const struct steer_reading *reading);
/* Is this about who has moved? NULL: it is not. */
static inline bool fence_is_after(const struct steer_fence *fence)
{
    return fence != NULL && fence->sight != STEER_FENCE_BEFORE;
}
/* Is something left in this tier that is yet to move? As it was read last. */
bool fence_stays(const struct steer_fence *fence, uint16_t tier);
enum health_state fence_see(const struct steer_reading *reading, uint16_t index, enum health_state state);
