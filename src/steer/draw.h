/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What nearly every steered query goes through, in line: the policy by its number, its choice out of the
 * thread's cache, and one member drawn from a choice that is simple. Everything else is steer.h's. */
#pragma once

#include "steer/steer.h"

enum { STEER_SCAN_MAX = 8 }; /* up to so many weights a scan beats halving */

/* Owned by one DNS thread. */
struct steer_cache {
    const struct steer_policy *const *policies; /* of the set */
    struct steer_choice *choices; /* by slot; without parts: evaluated not yet, or too long ago */
    size_t slot_count;
    uint8_t *ring; /* pieces with the arrays of choices, one behind the other (cache.c) */
    size_t ring_size;
    size_t at;     /* where the next piece goes */
    size_t oldest; /* the piece that has to give way next; none if this is `lap` */
    size_t lap;    /* where the pieces of the lap before end */
    _Atomic uint32_t *names, *answered, *offered; /* see struct steer_counts */
    size_t name_room, offered_count;
    struct steer_choice whole; /* with room for any */
    uint8_t *room;             /* of it */
};

/* As steer_cache_new(), with at most so many bytes for the arrays of choices, if the largest one fits in. */
struct steer_cache *steer_cache_new_bounded(const struct steer_set *set, size_t most);

/* As steer_set_get() of the cache's set; id is one of its numbers. */
static inline const struct steer_policy *steer_cache_get_policy(const struct steer_cache *cache, uint32_t id)
{
    return cache->policies[id];
}

static inline struct steer_choice *steer_cache_find(const struct steer_cache *cache,
                                                    const struct steer_policy *policy, struct steer_ask ask)
{
    return &cache->choices[policy->cache_at + (uint32_t)ask.class_id * policy->type_count +
                           (unsigned)__builtin_ctz(ask.types)];
}

/* Whose choice of the cache it is: the policy, out of all of the set (policy_count), and the class. Slow. */
const struct steer_policy *steer_cache_find_policy(const struct steer_cache *cache, size_t policy_count,
                                                   const struct steer_choice *choice, uint16_t *class_id);

/* Does a choice still say what an evaluation would? */
static inline bool steer_choice_holds(const struct steer_choice *choice, uint64_t now_ms,
                                      const struct health_table *table)
{
    return choice->generation == atomic_load_explicit(&table->generation, memory_order_acquire) &&
           (uint32_t)now_ms - choice->made_ms < choice->lasts_ms; /* false, too, if the clock was set back */
}

/* The first of more than STEER_SCAN_MAX cumulative weights from which a scan finds the interval that holds
 * `point`. */
const uint32_t *steer_find_scan(const uint32_t *weights, size_t count, uint32_t point);

/* The index of the interval that holds `point` (< total): the first cumulative weight above it. */
static inline size_t steer_find_interval(const uint32_t *weights, size_t count, uint32_t point)
{
    const uint32_t *at = count > STEER_SCAN_MAX ? steer_find_scan(weights, count, point) : weights;
    while (*at <= point) {
        at++;
    }
    return (size_t)(at - weights);
}

static inline uint16_t steer_draw_member(const uint32_t *weights, const uint16_t *members, size_t count,
                                         uint32_t total_weight, struct random *random)
{
    if (count == 1) {
        return members[0];
    }
    return members[steer_find_interval(weights, count, (uint32_t)random_below(random, total_weight))];
}

/* The one member that a simple choice gives this time. */
static inline uint16_t steer_draw_simple(const struct steer_choice *choice, struct random *random)
{
    if (choice->count != 1 && choice->is_even) { /* the same member as by weights, without looking for it */
        return choice->members[random_below(random, choice->count)];
    }
    return steer_draw_member(choice->weights, choice->members, choice->count, choice->total_weight, random);
}

/* Of a choice of several parts. */
static inline const struct steer_part *steer_draw_part(const struct steer_choice *choice,
                                                       struct random *random)
{
    const struct steer_part *part = choice->parts;
    uint32_t point = (uint32_t)(random_next(random) >> 32);
    for (unsigned behind = choice->part_count - 1u; behind > 0 && point >= part->until; behind--) {
        part++;
    }
    return part;
}

/* The one member that a choice with is_single gives this time. */
uint16_t steer_draw_single(const struct steer_choice *choice, struct random *random);
