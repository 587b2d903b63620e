/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What steer_evaluate() gave, per (policy, class, type), stamped with the health generation. As long as the
 * table stands still a query costs one acquire load and a comparison; after a flip the first query for each
 * pair evaluates anew, whatever the number of names behind it. One cache per DNS thread, so there is nothing
 * to lock.
 *
 * All memory is taken in steer_cache_new(), as pages that the kernel gives when they are first used: what
 * nobody asks for costs nothing. Each pair has a struct steer_choice of its own, all zero until it is asked
 * for. Its arrays stand in a ring and have room for what was evaluated, which is mostly far less than a class
 * could offer at most: evaluation goes to one choice with room for everything and is copied. Where the ring
 * is full, what was written longest ago goes, and is evaluated anew when it is asked for again. */
#include "config.h"

#include "steer/draw.h"

#include "base/memory.h"
#include "base/sanitizer.h"

#include <stdlib.h>
#include <string.h>

/* A hundred thousand policies that are all asked for by one thread take 20 MB. */
enum { RING_MAX = 64 << 20 };

/* In front of the arrays of a choice. */
struct cache_piece {
    uint32_t slot; /* of the choice + 1; 0: nobody's any more */
    uint32_t size; /* with this head */
    struct steer_room room;
};

/* ---- making ---- */

struct cache_use {
    size_t slots, ring, offered;
    struct steer_room widest;
};

static size_t piece_size(struct steer_room room)
{
    return sizeof(struct cache_piece) + steer_room_size(room);
}

static void count_policy(const struct steer_policy *policy, struct cache_use *use)
{
    for (uint16_t class_id = 0; class_id < policy->class_count; class_id++) {
        use->ring += policy->type_count * piece_size(steer_find_room(policy, class_id));
        use->slots += policy->type_count;
    }
    use->offered += policy->member_count;
    steer_widen_room(&use->widest, policy);
}

/* Pieces grow and leave gaps until the ring comes round, so it has twice the room that all need at most. */
static size_t choose_ring(const struct cache_use *use, size_t most)
{
    size_t least = 2 * piece_size(use->widest), wanted = 2 * use->ring;
    return wanted < most ? wanted : least > most ? least : most;
}

struct steer_cache *steer_cache_new_bounded(const struct steer_set *set, size_t most)
{
    struct steer_cache *cache = memory_alloc(sizeof *cache);
    struct cache_use use = {.slots = 0};
    for (uint32_t id = 0; id < steer_set_count(set); id++) {
        count_policy(steer_set_get(set, id), &use);
    }
    cache->policies = steer_set_policies(set);
    cache->slot_count = use.slots;
    cache->choices = memory_map(use.slots * sizeof *cache->choices);
    cache->name_room = steer_set_count_names(set) + STEER_NAMES_SPARE;
    cache->offered_count = use.offered;
    cache->names = memory_map(cache->name_room * sizeof *cache->names);
    cache->answered = memory_map(use.slots * sizeof *cache->answered);
    cache->offered = memory_map(use.offered * sizeof *cache->offered);
    cache->ring_size = choose_ring(&use, most);
    cache->ring = memory_map(cache->ring_size);
    cache->room = memory_alloc(steer_room_size(use.widest));
    steer_choice_init(&cache->whole, use.widest, cache->room);
    return cache;
}

struct steer_cache *steer_cache_new(const struct steer_set *set)
{
    return steer_cache_new_bounded(set, RING_MAX);
}

void steer_cache_free(struct steer_cache *cache)
{
    if (cache != NULL) {
        sanitizer_unpoison(cache->ring, cache->ring_size); /* the address will be used for other things */
        memory_unmap(cache->ring, cache->ring_size);
        memory_unmap(cache->choices, cache->slot_count * sizeof *cache->choices);
        memory_unmap(cache->names, cache->name_room * sizeof *cache->names);
        memory_unmap(cache->answered, cache->slot_count * sizeof *cache->answered);
        memory_unmap(cache->offered, cache->offered_count * sizeof *cache->offered);
        free(cache->room);
        free(cache);
    }
}

/* ---- the ring ---- */

static struct cache_piece *piece_at(const struct steer_cache *cache, size_t at)
{
    return (struct cache_piece *)(void *)(cache->ring + at);
}

/* The piece of a choice that has one. */
static struct cache_piece *piece_of(const struct steer_choice *choice)
{
    return (struct cache_piece *)(void *)choice->parts - 1;
}

/* Those that begin before `end`, from the oldest on, lose their pieces. */
static void give_way(struct steer_cache *cache, size_t end)
{
    while (cache->oldest < end && cache->oldest < cache->lap) {
        const struct cache_piece *piece = piece_at(cache, cache->oldest);
        if (piece->slot != 0) {
            struct steer_choice *choice = &cache->choices[piece->slot - 1];
            choice->generation = 0;
            choice->parts = NULL;
        }
        cache->oldest += piece->size;
    }
}

static struct cache_piece *take_piece(struct steer_cache *cache, size_t size)
{
    if (cache->at + size > cache->ring_size) {
        give_way(cache, cache->ring_size);
        cache->lap = cache->at;
        cache->at = cache->oldest = 0;
    }
    give_way(cache, cache->at + size);
    struct cache_piece *piece = piece_at(cache, cache->at);
    sanitizer_unpoison(piece, sizeof *piece);
    piece->size = (uint32_t)size;
    cache->at += size;
    return piece;
}

/* ---- asking ---- */

static bool has_room(const struct steer_choice *choice, struct steer_room room)
{
    if (choice->parts == NULL) {
        return false;
    }
    const struct steer_room *has = &piece_of(choice)->room;
    return has->members >= room.members && has->parts >= room.parts && has->accepted >= room.accepted &&
           has->outages >= room.outages;
}

static void give_room(struct steer_cache *cache, struct steer_choice *choice, struct steer_room room)
{
    if (choice->parts != NULL) {
        piece_of(choice)->slot = 0;
    }
    struct cache_piece *piece = take_piece(cache, piece_size(room));
    piece->slot = (uint32_t)(choice - cache->choices) + 1;
    piece->room = room;
    steer_choice_init(choice, room, piece + 1);
}

/* The whole keeps the counter of a round robin for the moment. */
static void evaluate(struct steer_cache *cache, const struct steer_policy *policy, struct steer_ask ask,
                     const struct health_table *table, struct steer_choice *choice)
{
    cache->whole.next = choice->next;
    steer_evaluate(policy, ask, table, &cache->whole, NULL);
    struct steer_room room = steer_choice_room(&cache->whole);
    if (!has_room(choice, room)) {
        give_room(cache, choice, room);
    }
    steer_choice_copy(choice, &cache->whole);
    choice->answered = &cache->answered[choice - cache->choices];
    choice->offered = &cache->offered[policy->offered_at];
}

const struct steer_policy *steer_cache_find_policy(const struct steer_cache *cache, size_t policy_count,
                                                   const struct steer_choice *choice, uint16_t *class_id)
{
    size_t slot = (size_t)(choice - cache->choices), low = 0, high = policy_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (cache->policies[middle]->cache_at <= slot) {
            low = middle;
        } else {
            high = middle;
        }
    }
    const struct steer_policy *policy = cache->policies[low];
    *class_id = (uint16_t)((slot - policy->cache_at) / policy->type_count);
    return policy;
}

struct steer_choice *steer_cache_get(struct steer_cache *cache, const struct steer_policy *policy,
                                     struct steer_ask ask, const struct health_table *table)
{
    struct steer_choice *choice = steer_cache_find(cache, policy, ask);
    if (!steer_choice_holds(choice, ask.now_ms, table)) {
        evaluate(cache, policy, ask, table, choice);
    }
    return choice;
}

void steer_cache_get_counts(const struct steer_cache *cache, struct steer_counts *counts)
{
    *counts = (struct steer_counts){.names = cache->names,
                                    .answered = cache->answered,
                                    .offered = cache->offered,
                                    .name_count = cache->name_room,
                                    .answered_count = cache->slot_count,
                                    .offered_count = cache->offered_count};
}
