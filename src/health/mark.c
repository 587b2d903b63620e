/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Marks: what few overrides say besides, where what they move off is to go and how long answers live at most.
 * Kept beside the words, and with them one change. */
#include "config.h"

#include "health/health.h"

#include "base/arena.h"
#include "health/machine.h"

void health_marks_add(struct health *health, struct health_marks *marks)
{
    const struct health_table *table = &health->table;
    marks->endpoints = arena_alloc(health->arena, table->endpoint_count * sizeof *marks->endpoints);
    marks->azs = arena_alloc(health->arena, table->az_count * sizeof *marks->azs);
    marks->regions = arena_alloc(health->arena, table->region_count * sizeof *marks->regions);
}

static _Atomic uint32_t *mark_at(const struct health_marks *marks, enum health_kind kind, uint32_t index)
{
    return kind == HEALTH_ENDPOINT ? &marks->endpoints[index]
           : kind == HEALTH_AZ     ? &marks->azs[index]
                                   : &marks->regions[index];
}

uint32_t health_mark_get(const struct health_marks *marks, enum health_kind kind, uint32_t index)
{
    return atomic_load_explicit(mark_at(marks, kind, index), memory_order_relaxed);
}

void health_mark_store(struct health_marks *marks, enum health_kind kind, uint32_t index, uint32_t mark)
{
    uint32_t before = health_mark_get(marks, kind, index);
    uint32_t count = atomic_load_explicit(&marks->count, memory_order_relaxed);
    count += (mark != 0) - (before != 0);
    atomic_store_explicit(mark_at(marks, kind, index), mark, memory_order_release);
    atomic_store_explicit(&marks->count, count, memory_order_release);
}
