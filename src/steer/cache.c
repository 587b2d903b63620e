/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What steer_evaluate() gave, per (policy, class, type), stamped with the health generation. As long as the
 * table stands still a query costs one acquire load and a comparison; after a flip the first query for each
 * pair evaluates anew, whatever the number of names behind it. One cache per DNS thread, so there is nothing
 * to lock.
 *
 * All memory is taken in steer_cache_new(). A choice has room for as many members as its class can ever
 * offer. */
#include "config.h"

#include "steer/draw.h"

#include "base/memory.h"

#include <stdlib.h>

struct cache_use {
    size_t slots, memory;
};

/* Give a class its choices, one per type. With NULL choices only counts. */
static void carve_class(struct steer_cache *cache, struct cache_use *use, struct steer_room room,
                        size_t type_count)
{
    for (size_t type = 0; type < type_count; type++) {
        if (cache->choices != NULL) {
            steer_choice_init(&cache->choices[use->slots], room, cache->memory + use->memory);
        }
        use->memory += steer_room_size(room);
        use->slots++;
    }
}

/* In the order of cache_at: policy by policy, class by class. */
static struct cache_use carve(const struct steer_set *set, struct steer_cache *cache)
{
    struct cache_use use = {0, 0};
    for (uint32_t id = 0; id < steer_set_count(set); id++) {
        const struct steer_policy *policy = steer_set_get(set, id);
        for (uint16_t class_id = 0; class_id < policy->class_count; class_id++) {
            carve_class(cache, &use, steer_find_room(policy, class_id), policy->type_count);
        }
    }
    return use;
}

struct steer_cache *steer_cache_new(const struct steer_set *set)
{
    struct steer_cache *cache = memory_alloc(sizeof *cache);
    struct cache_use use = carve(set, cache);
    struct steer_choice *choices = memory_alloc_array(use.slots, sizeof *choices);
    cache->memory = memory_alloc_array(use.memory, 1);
    cache->choices = choices;
    cache->policies = steer_set_policies(set);
    (void)carve(set, cache);
    return cache;
}

void steer_cache_free(struct steer_cache *cache)
{
    if (cache != NULL) {
        free(cache->choices);
        free(cache->memory);
        free(cache);
    }
}

struct steer_choice *steer_cache_get(struct steer_cache *cache, const struct steer_policy *policy,
                                     struct steer_ask ask, const struct health_table *table)
{
    struct steer_choice *choice = steer_cache_find(cache, policy, ask);
    if (!steer_choice_holds(choice, ask.now_s, table)) {
        steer_evaluate(policy, ask, table, choice, NULL);
    }
    return choice;
}

struct geo_match steer_find_class(const struct steer_policy *policy, const struct addr *client)
{
    if (policy->geo == NULL) {
        return (struct geo_match){0, 0};
    }
    struct geo_match match = geo_find_class(policy->geo, client);
    /* A tree is shared by key; that its classes are those of this policy is the caller's promise, not ours.
     */
    if (match.class_id >= policy->class_count) {
        match.class_id = 0;
    }
    return match;
}
