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

bool fence_moves(const struct steer_reading *reading, uint16_t index)
{
    return find_exit(reading, index) != 0;
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

enum health_state fence_see(const struct steer_reading *reading, uint16_t index, enum health_state state)
{
    bool moves = fence_moves(reading, index);
    if (reading->fence->sight == STEER_FENCE_BEFORE) {
        return moves ? HEALTH_FORCED_UP : state;
    }
    return moves || is_destination(reading, index) ? state : HEALTH_DRAINED;
}
