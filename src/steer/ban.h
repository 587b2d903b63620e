/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Moves that a rule forbids (health/guard.h): answers that would leave a tier whose members fell under such a
 * rule go where they still may, or stay. Internal to the folder.
 *
 * Nothing is stored of where a name was. But it follows from the order of falls: who would have gone
 * somewhere else, at the moment when the last of a tier's members fell, did so, and is not held there any
 * more. */
#pragma once

#include "steer/steer.h"

struct steer_reading;

enum steer_sight {
    STEER_SEES_HELD,    /* who is held in the tier serves, as if it had not fallen */
    STEER_SEES_ALLOWED, /* where answers may not go there is nobody; to an earlier tier they always may */
    STEER_SEES_THEN,    /* likewise; and what fell or was ordered later did not, yet */
};

enum { STEER_BAN_REGIONS = 8 };

/* What is held of one tier. */
struct steer_ban {
    enum steer_sight sight;
    uint16_t tier;
    /* Of the regions of who is held, and the latest number of a fall there. Where these are more, whatever
     * forbids to leave one of the others forbids to go anywhere. */
    struct steer_held {
        uint32_t region;
        uint64_t fell;
    } regions[STEER_BAN_REGIONS];
    uint16_t region_count;
    bool is_crowded;
    uint64_t fell; /* the latest of all */
};

/* Who of this tier is held; false: nobody. */
bool ban_gather(const struct steer_reading *reading, const struct steer_class *class, uint16_t tier,
                struct steer_ban *ban);
/* May answers not go from there to this region? HEALTH_ANYWHERE: to no other region. */
bool ban_forbids(const struct steer_reading *reading, const struct steer_ban *ban, uint32_t region);
/* Could answers not have come to its tier before that fell, since they might not leave an earlier one? */
bool ban_cuts_off(const struct steer_reading *reading, const struct steer_class *class,
                  const struct steer_ban *ban);
/* What the words (of the family, as they are read) of a member mean to reading->ban: its state instead of
 * this one. */
enum health_state ban_see(const struct steer_reading *reading, uint16_t index, const uint32_t words[3],
                          enum health_state state);
