/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What overrides would do that are not in force: a copy of the words, in which desired bits may be set. They
 * count in no roll-up, so nothing else has to be derived. */
#include "config.h"

#include "health/health.h"

#include "base/memory.h"
#include "health/machine.h"

/* Words of a kind, and of those that have one their scopes. */
static void copy_words(_Atomic uint32_t *to, struct health_scope *scopes, const _Atomic uint32_t *from,
                       const struct health_scope *from_scopes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t word = atomic_load_explicit(&from[i], memory_order_acquire);
        atomic_init(&to[i], word);
        if ((word & HEALTH_WORD_SCOPED) != 0) {
            atomic_init(&scopes[i].groups,
                        atomic_load_explicit(&from_scopes[i].groups, memory_order_acquire));
            atomic_init(&scopes[i].wish, atomic_load_explicit(&from_scopes[i].wish, memory_order_acquire));
        }
    }
}

/* One block: the table, its scopes (which take no memory where there are none), the words. */
struct copied {
    struct health_table table;
    struct health_scopes scopes;
    struct health_scope all[];
};

struct health_table *health_copy_words(const struct health_table *table)
{
    static const struct health_scopes none = {.endpoints = NULL};
    size_t count = (size_t)table->endpoint_count + table->az_count + table->region_count;
    struct copied *copied =
        memory_alloc(sizeof *copied + count * (sizeof(struct health_scope) + sizeof(_Atomic uint32_t)));
    const struct health_scopes *from = table->scopes == NULL ? &none : table->scopes;
    struct health_table *copy = &copied->table;
    *copy = (struct health_table){.endpoint_count = table->endpoint_count,
                                  .az_count = table->az_count,
                                  .region_count = table->region_count,
                                  .endpoints_outage = table->endpoints_outage,
                                  .azs_outage = table->azs_outage,
                                  .regions_outage = table->regions_outage,
                                  .bans = table->bans,
                                  .exits = table->exits,
                                  .ttls = table->ttls,
                                  .scopes = &copied->scopes};
    atomic_init(&copy->generation, 1);
    copied->scopes = (struct health_scopes){.endpoints = copied->all,
                                            .azs = copied->all + table->endpoint_count,
                                            .regions = copied->all + table->endpoint_count + table->az_count};
    copy->endpoints = (_Atomic uint32_t *)(copied->all + count);
    copy->azs = copy->endpoints + table->endpoint_count;
    copy->regions = copy->azs + table->az_count;
    copy_words(copy->endpoints, copied->scopes.endpoints, table->endpoints, from->endpoints,
               table->endpoint_count);
    copy_words(copy->azs, copied->scopes.azs, table->azs, from->azs, table->az_count);
    copy_words(copy->regions, copied->scopes.regions, table->regions, from->regions, table->region_count);
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

void health_assume_drained(struct health_table *copy, enum health_kind kind, uint32_t index, uint64_t groups)
{
    struct health_scope *const scopes[] = {[HEALTH_ENDPOINT] = copy->scopes->endpoints,
                                           [HEALTH_AZ] = copy->scopes->azs,
                                           [HEALTH_REGION] = copy->scopes->regions};
    _Atomic uint32_t *const words[] = {
        [HEALTH_ENDPOINT] = copy->endpoints, [HEALTH_AZ] = copy->azs, [HEALTH_REGION] = copy->regions};
    health_assume_desired(copy, kind, index, HEALTH_DESIRED_AUTO);
    atomic_store_explicit(&scopes[kind][index].groups, groups, memory_order_relaxed);
    atomic_store_explicit(&scopes[kind][index].wish,
                          (uint32_t)HEALTH_DESIRED_DRAIN << HEALTH_WORD_DESIRED_SHIFT, memory_order_relaxed);
    atomic_fetch_or_explicit(&words[kind][index], HEALTH_WORD_SCOPED, memory_order_relaxed);
}

struct health_spell health_find_spell(const struct health *health, enum health_kind kind, uint32_t index,
                                      const struct health_override *override)
{
    bool drains = override->share == 0 && override->desired == HEALTH_DESIRED_DRAIN;
    return (struct health_spell){.kind = kind,
                                 .index = index,
                                 .desired = health_override_desired(override),
                                 .from_ms = override->starts_ms == 0 ? INT64_MIN : override->starts_ms,
                                 .until_ms = override->expires_ms == 0 ? INT64_MAX : override->expires_ms,
                                 .groups =
                                     drains ? health_find_groups(health, override->names, NULL, NULL) : 0};
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
        spells[i] = health_find_spell(health, entry->kind, entry->index, &entry->what);
        spells[i].from_ms = planned ? entry->what.starts_ms : INT64_MIN;
    }
    return count;
}
