/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See fence.h. */
#include "config.h"

#include "steer/fence.h"

#include "steer/tier.h"

/* The narrowest one's; 0: none. */
static uint32_t find_exit(const struct steer_reading *reading, uint16_t index)
{
    const struct health_marks *exits = reading->table->exits;
    const struct steer_member *member = &reading->policy->members[index];
    const struct steer_place *place = &reading->policy->places[member->endpoint];
    uint32_t exit = tier_load(exits->endpoints, member->endpoint);
    if (exit != 0 && scope_has(reading, HEALTH_ENDPOINT, member->endpoint)) {
        return exit;
    }
    exit = tier_load(exits->azs, place->az);
    if (exit != 0 && scope_has(reading, HEALTH_AZ, place->az)) {
        return exit;
    }
    exit = tier_load(exits->regions, place->region);
    return exit != 0 && scope_has(reading, HEALTH_REGION, place->region) ? exit : 0;
}

static bool add_place(struct steer_fence *fence, uint32_t exit)
{
    uint16_t at = 0;
    while (at < fence->place_count && fence->places[at] != exit) {
        at++;
    }
    if (at == STEER_FENCE_PLACES) {
        return false;
    }
    fence->places[at] = exit;
    fence->place_count += at == fence->place_count;
    return true;
}

bool fence_gather(const struct steer_reading *reading, const struct steer_class *class,
                  struct steer_fence *fence)
{
    const struct health_marks *exits = reading->table->exits;
    fence->place_count = 0;
    if (exits == NULL || atomic_load_explicit(&exits->count, memory_order_acquire) == 0) {
        return false;
    }
    for (size_t t = 0; t < class->tier_count; t++) {
        for (size_t i = 0; i < class->tiers[t].count; i++) {
            uint32_t exit = find_exit(reading, class->tiers[t].members[i]);
            if (exit != 0 && !add_place(fence, exit)) {
                return false;
            }
        }
    }
    return fence->place_count != 0;
}

/* Whom an operator wants up where the rest is drained is not moved off. */
static bool moves(const struct steer_reading *reading, uint16_t index)
{
    uint32_t words[3];
    if (find_exit(reading, index) == 0) {
        return false;
    }
    tier_load_words(reading, index, words);
    return health_combine(words[0], words[1], words[2]).state != HEALTH_FORCED_UP;
}

static bool is_destination(const struct steer_reading *reading, uint16_t index)
{
    const struct steer_place *place = steer_get_place(reading->policy, index);
    for (uint16_t i = 0; i < reading->fence->place_count; i++) {
        uint32_t exit = reading->fence->places[i];
        if (exit == health_exit_make(HEALTH_AZ, place->az) ||
            exit == health_exit_make(HEALTH_REGION, place->region)) {
            return true;
        }
    }
    return false;
}

/* ---- where answers came from ---- */

static size_t count_moving(const struct steer_reading *reading, uint32_t first, uint32_t count)
{
    size_t moving = 0;
    for (uint32_t i = first; i < first + count; i++) {
        moving += moves(reading, reading->choice->members[i]);
    }
    return moving;
}

bool fence_holds_all(const struct steer_reading *reading)
{
    const struct steer_choice *choice = reading->choice;
    return choice->source == STEER_FROM_TIER && choice->count != 0 &&
           count_moving(reading, 0, choice->count) == choice->count;
}

static bool note_origin(struct steer_fence *fence, const struct steer_part *part, bool moves, double share)
{
    struct steer_origin *last = fence->origin_count == 0 ? NULL : &fence->origins[fence->origin_count - 1];
    if (last != NULL && last->tier == part->tier) {
        last->share += share;
        return last->moves == moves;
    }
    if (fence->origin_count == STEER_FENCE_TIERS) {
        return false;
    }
    fence->origins[fence->origin_count++] =
        (struct steer_origin){.tier = part->tier, .moves = moves, .share = share};
    return true;
}

bool fence_note_origins(const struct steer_reading *reading, struct steer_fence *fence)
{
    const struct steer_choice *choice = reading->choice;
    double sum = 0;
    bool any = false;
    fence->origin_count = 0;
    fence->is_alone = fence_holds_all(reading);
    for (size_t i = 0; i < choice->part_count; i++) {
        sum += choice->parts[i].share;
    }
    for (size_t i = 0; choice->source == STEER_FROM_TIER && i < choice->part_count; i++) {
        const struct steer_part *part = &choice->parts[i];
        size_t moving = count_moving(reading, part->first, part->count);
        if ((moving != 0 && moving != part->count) ||
            !note_origin(fence, part, moving != 0, part->share / sum)) {
            return false;
        }
        any |= moving != 0;
    }
    return any;
}

const struct steer_origin *fence_find_origin(const struct steer_fence *fence, uint16_t tier)
{
    for (uint16_t i = 0; fence != NULL && i < fence->origin_count; i++) {
        if (fence->origins[i].tier == tier) {
            return &fence->origins[i];
        }
    }
    return NULL;
}

/* ---- who has them now ---- */

bool fence_stays(const struct steer_fence *fence, uint16_t tier)
{
    const struct steer_origin *origin = fence_is_after(fence) ? fence_find_origin(fence, tier) : NULL;
    return origin != NULL && origin->moves && origin->stays > 0;
}

enum health_state fence_see(const struct steer_reading *reading, uint16_t index, enum health_state state)
{
    const struct steer_fence *fence = reading->fence;
    bool is_moved = moves(reading, index);
    if (fence->sight == STEER_FENCE_BEFORE) {
        return is_moved && (fence->forgives || state == HEALTH_DRAINED) ? HEALTH_FORCED_UP : state;
    }
    bool is_meant = fence->keeps || is_moved
                        ? fence->keeps && is_moved
                        : fence->sight == STEER_FENCE_AFTER || is_destination(reading, index);
    return is_meant ? state : HEALTH_DRAINED;
}
