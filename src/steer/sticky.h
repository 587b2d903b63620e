/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which member a client sticks to. Internal to the folder.
 *
 * Every client has an order of all members of a group, serving or not, that follows from its key, their names
 * and weights alone; it gets the first of them who serves. So the clients of a member that is lost go to all
 * others by weight, nobody else moves, and when it is back they return; and every server gives a client the
 * same answer. The order is never written down:
 *
 * - Its beginning are draws from a table whose slots are given to members in proportion to their weights, so
 *   that another member more or less moves few slots (Eisenbud et al., "Maglev: A Fast and Reliable Software
 *   Network Load Balancer", NSDI 2016). A client draws slots one after another by hashing its key. Nearly
 *   always the first draw is taken.
 * - Where nearly everything is out, a race decides between those that were not drawn: each member's clock
 * rings after an exponential time with its weight as the rate, so the first of those that serve is one of
 * them by weight, whoever they are (weighted rendezvous hashing). Members of like weight are drawn from
 * together, which gives the first ring of the lot at once; a lot of which nobody serves is not looked at. So
 * neither a heavy member that is out nor a crowd of light ones makes it long.
 *
 * A member accepts a part of the draws only: what rounding to slots gave it too much, what it sheds.
 * Standbys have a table of their own, as if each had the weight 1, for where no member with a weight
 * serves. */
#pragma once

#include "base/arena.h"
#include "steer/steer.h"

enum { STEER_SLOT_FREE = 0xffff };
/* Lots of members: those with weights from 2^n on, less than 2^(n+1). */
enum { STICKY_LOTS = 16 };

struct steer_table {
    uint32_t mask;          /* of slots, a power of two */
    const uint32_t *accept; /* by position in the group: of 2^32 draws, without regard to health */
    const uint16_t *slots;  /* position in the group, or STEER_SLOT_FREE */
    const uint16_t *lots;   /* positions, lot by lot */
    uint16_t lot_first[STICKY_LOTS + 1];
    const struct steer_table *standbys; /* of the same group; NULL: it has none, or this is theirs */
};

/* For members of the policy that are a group, in the arena. */
const struct steer_table *sticky_new_table(struct arena *arena, const struct steer_policy *policy,
                                           const uint16_t *group, size_t count);

/* When all parts and their shares are known: which clients leave which tier. */
void sticky_divide(const struct steer_class *class, struct steer_choice *choice);

/* The lot of a weight. */
static inline unsigned sticky_find_lot(uint16_t weight)
{
    return weight == 0 ? 0 : 31u - (unsigned)__builtin_clz(weight);
}

/* What is hashed, splitmix64 by Steele, Lea and Flood (public domain algorithm). */
#define STICKY_GOLDEN 0x9e3779b97f4a7c15u

static inline uint64_t sticky_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}
