/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which member a client sticks to. Internal to the folder.
 *
 * A table gives each of its slots to a member, so that each has slots in proportion to its weight, and so
 * that another member more or less moves few slots (Eisenbud et al., "Maglev: A Fast and Reliable Software
 * Network Load Balancer", NSDI 2016). It is made once, for all members of a group, and does not follow
 * health. A client draws slots one after another by hashing its key, and takes the first one whose member
 * accepts: so the clients of a member that is lost go to all others by weight, nobody else moves, and when it
 * is back they return. A member accepts a part of the draws only: what rounding to slots gave it too much,
 * what it sheds. All of that is a function of key, names and weights: every server gives a client the same
 * answer. */
#pragma once

#include "base/arena.h"
#include "steer/steer.h"

enum { STEER_SLOT_FREE = 0xffff };

struct steer_table {
    uint32_t mask;          /* of slots, a power of two */
    const uint32_t *accept; /* by position in the group: of 2^32 draws, without regard to health */
    const uint16_t *slots;  /* position in the group, or STEER_SLOT_FREE */
};

/* For members of the policy that are a group, in the arena. NULL if none has a weight. */
const struct steer_table *sticky_new_table(struct arena *arena, const struct steer_policy *policy,
                                           const uint16_t *group, size_t count);
