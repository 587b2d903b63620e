/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Exits: where what an override in force moves off is to go. Kept beside the words, and with them one change.
 */
#include "config.h"

#include "health/health.h"

#include "health/machine.h"

static _Atomic uint32_t *exit_at(const struct health *health, enum health_kind kind, uint32_t index)
{
    const struct health_exits *exits = &health->exits;
    return kind == HEALTH_ENDPOINT ? &exits->endpoints[index]
           : kind == HEALTH_AZ     ? &exits->azs[index]
                                   : &exits->regions[index];
}

uint32_t health_exit_get(const struct health *health, enum health_kind kind, uint32_t index)
{
    return atomic_load_explicit(exit_at(health, kind, index), memory_order_relaxed);
}

uint32_t health_exit_find(const struct health *health, enum health_kind kind, uint32_t index, bool planned)
{
    uint32_t at = health->nodes[kind][index].override_at;
    const struct health_override *what = at == 0 ? NULL : &health->overrides[at - 1].what;
    if (what == NULL || planned || what->to[0] == '\0' || what->desired != HEALTH_DESIRED_DRAIN) {
        return 0;
    }
    ptrdiff_t region = health_find(health, HEALTH_REGION, what->to);
    ptrdiff_t az = region < 0 ? health_find(health, HEALTH_AZ, what->to) : -1;
    return region >= 0 ? health_exit_make(HEALTH_REGION, (uint32_t)region)
           : az >= 0   ? health_exit_make(HEALTH_AZ, (uint32_t)az)
                       : 0;
}

void health_exit_store(struct health *health, enum health_kind kind, uint32_t index, uint32_t exit)
{
    uint32_t before = health_exit_get(health, kind, index);
    uint32_t count = atomic_load_explicit(&health->exits.count, memory_order_relaxed);
    count += (exit != 0) - (before != 0);
    atomic_store_explicit(exit_at(health, kind, index), exit, memory_order_release);
    atomic_store_explicit(&health->exits.count, count, memory_order_release);
}

void health_exits_init(struct health *health)
{
    struct health_exits *exits = &health->exits;
    exits->endpoints = arena_alloc(health->arena, health->counts[HEALTH_ENDPOINT] * sizeof *exits->endpoints);
    exits->azs = arena_alloc(health->arena, health->counts[HEALTH_AZ] * sizeof *exits->azs);
    exits->regions = arena_alloc(health->arena, health->counts[HEALTH_REGION] * sizeof *exits->regions);
    health->table.exits = exits;
}
