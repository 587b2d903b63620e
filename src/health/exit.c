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

void health_exit_store(struct health *health, enum health_kind kind, uint32_t index, uint32_t exit)
{
    uint32_t before = health_exit_get(health, kind, index);
    uint32_t count = atomic_load_explicit(&health->exits.count, memory_order_relaxed);
    count += (exit != 0) - (before != 0);
    atomic_store_explicit(exit_at(health, kind, index), exit, memory_order_release);
    atomic_store_explicit(&health->exits.count, count, memory_order_release);
}
