/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What overrides would do that are not in force: a copy of the words, in which desired bits may be set. They
 * count in no roll-up, so nothing else has to be derived. */
#include "config.h"

#include "health/health.h"

#include "base/memory.h"
#include "health/machine.h"

static _Atomic uint32_t *copy_words(_Atomic uint32_t *to, const _Atomic uint32_t *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        atomic_init(&to[i], atomic_load_explicit(&from[i], memory_order_relaxed));
    }
    return to;
}

struct health_table *health_copy_words(const struct health_table *table)
{
    size_t count = (size_t)table->endpoint_count + table->az_count + table->region_count;
    struct health_table *copy = memory_alloc(sizeof *copy + count * sizeof(_Atomic uint32_t));
    _Atomic uint32_t *words = (_Atomic uint32_t *)(copy + 1);
    *copy = (struct health_table){.endpoint_count = table->endpoint_count,
                                  .az_count = table->az_count,
                                  .region_count = table->region_count,
                                  .endpoints_outage = table->endpoints_outage,
                                  .azs_outage = table->azs_outage,
                                  .regions_outage = table->regions_outage,
                                  .bans = table->bans,
                                  .exits = table->exits,
                                  .scopes = table->scopes};
    atomic_init(&copy->generation, 1);
    copy->endpoints = copy_words(words, table->endpoints, table->endpoint_count);
    copy->azs = copy_words(words + table->endpoint_count, table->azs, table->az_count);
    copy->regions =
        copy_words(words + table->endpoint_count + table->az_count, table->regions, table->region_count);
    return copy;
}

void health_assume_desired(struct health_table *copy, enum health_kind kind, uint32_t index,
                           enum health_desired desired)
{
    _Atomic uint32_t *const words[] = {
        [HEALTH_ENDPOINT] = copy->endpoints, [HEALTH_AZ] = copy->azs, [HEALTH_REGION] = copy->regions};
    uint32_t word = atomic_load_explicit(&words[kind][index], memory_order_relaxed);
    word &= ~(HEALTH_WORD_DESIRED | HEALTH_WORD_PLANNED | HEALTH_WORD_SCOPED);
    atomic_store_explicit(&words[kind][index], word | (uint32_t)desired << HEALTH_WORD_DESIRED_SHIFT,
                          memory_order_relaxed);
}

size_t health_count_overrides(const struct health *health)
{
    return health->override_count;
}

uint64_t health_count_override_changes(const struct health *health)
{
    return health->override_changes;
}

size_t health_list_spells(const struct health *health, size_t first, struct health_spell *spells,
                          size_t count)
{
    size_t left = first < health->override_count ? health->override_count - first : 0;
    count = count < left ? count : left;
    for (size_t i = 0; i < count; i++) {
        const struct health_override_entry *entry = &health->overrides[first + i];
        bool planned = (health_word_get(health, entry->kind, entry->index) & HEALTH_WORD_PLANNED) != 0;
        spells[i] = health_find_spell(entry->kind, entry->index, &entry->what);
        spells[i].from_ms = planned ? entry->what.starts_ms : INT64_MIN;
    }
    return count;
}
