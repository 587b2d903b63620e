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

/* One block: the table, its scopes (which take no memory where there are none), the words, the exits. */
struct copied {
    struct health_table table;
    struct health_scopes scopes;
    struct health_marks exits;
    struct health_scope all[];
};

static _Atomic uint32_t *copy_marks(_Atomic uint32_t *to, const _Atomic uint32_t *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        atomic_init(&to[i], atomic_load_explicit(&from[i], memory_order_relaxed));
    }
    return to;
}

/* Most have none, and then their memory is not written to. */
static void copy_exits(struct health_table *copy, const struct health_marks *from)
{
    struct health_marks *exits = copy->exits;
    uint32_t count = from == NULL ? 0 : atomic_load_explicit(&from->count, memory_order_acquire);
    exits->endpoints = copy->regions + copy->region_count;
    exits->azs = exits->endpoints + copy->endpoint_count;
    exits->regions = exits->azs + copy->az_count;
    atomic_init(&exits->count, count);
    if (count != 0) {
        copy_marks(exits->endpoints, from->endpoints, copy->endpoint_count);
        copy_marks(exits->azs, from->azs, copy->az_count);
        copy_marks(exits->regions, from->regions, copy->region_count);
    }
}

struct health_table *health_copy_words(const struct health_table *table)
{
    static const struct health_scopes none = {.endpoints = NULL};
    size_t count = (size_t)table->endpoint_count + table->az_count + table->region_count;
    struct copied *copied =
        memory_alloc(sizeof *copied + count * (sizeof(struct health_scope) + 2 * sizeof(_Atomic uint32_t)));
    const struct health_scopes *from = table->scopes == NULL ? &none : table->scopes;
    struct health_table *copy = &copied->table;
    *copy = (struct health_table){.endpoint_count = table->endpoint_count,
                                  .az_count = table->az_count,
                                  .region_count = table->region_count,
                                  .endpoints_outage = table->endpoints_outage,
                                  .azs_outage = table->azs_outage,
                                  .regions_outage = table->regions_outage,
                                  .bans = table->bans,
                                  .exits = &copied->exits,
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
    copy_exits(copy, table->exits);
    return copy;
}

void health_assume(struct health_table *copy, const struct health_spell *spell)
{
    struct health_scope *const scopes[] = {[HEALTH_ENDPOINT] = copy->scopes->endpoints,
                                           [HEALTH_AZ] = copy->scopes->azs,
                                           [HEALTH_REGION] = copy->scopes->regions};
    _Atomic uint32_t *const words[] = {
        [HEALTH_ENDPOINT] = copy->endpoints, [HEALTH_AZ] = copy->azs, [HEALTH_REGION] = copy->regions};
    const struct health_override drain = {.desired = HEALTH_DESIRED_DRAIN, .share = spell->share};
    uint32_t word = atomic_load_explicit(&words[spell->kind][spell->index], memory_order_relaxed);
    word &= ~(HEALTH_WORD_DESIRED | HEALTH_WORD_PLANNED | HEALTH_WORD_SCOPED | HEALTH_WORD_RAMP |
              HEALTH_WORD_RAMPING);
    word |= (uint32_t)spell->desired << HEALTH_WORD_DESIRED_SHIFT;
    if (spell->groups != 0) {
        struct health_scope *scope = &scopes[spell->kind][spell->index];
        atomic_store_explicit(&scope->groups, spell->groups, memory_order_relaxed);
        atomic_store_explicit(&scope->wish, health_scope_wish(&drain), memory_order_relaxed);
        word |= HEALTH_WORD_SCOPED;
    } else if (spell->share != 0) {
        word |= health_scope_wish(&drain);
    }
    atomic_store_explicit(&words[spell->kind][spell->index], word, memory_order_relaxed);
    if (spell->exit != health_mark_get(copy->exits, spell->kind, spell->index)) {
        health_mark_store(copy->exits, spell->kind, spell->index, spell->exit);
    }
}

void health_assume_no_ramps(struct health_table *copy)
{
    size_t count = (size_t)copy->endpoint_count + copy->az_count + copy->region_count;
    for (size_t i = 0; i < count; i++) { /* they lie side by side */
        uint32_t word = atomic_load_explicit(&copy->endpoints[i], memory_order_relaxed);
        if ((word & HEALTH_WORD_RAMP) != 0) {
            atomic_store_explicit(&copy->endpoints[i],
                                  word & ~(uint32_t)(HEALTH_WORD_RAMP | HEALTH_WORD_RAMPING),
                                  memory_order_relaxed);
        }
    }
}

struct health_spell health_find_spell(const struct health *health, enum health_kind kind, uint32_t index,
                                      const struct health_override *override)
{
    bool drains = override->desired == HEALTH_DESIRED_DRAIN;
    uint64_t groups = drains ? health_find_groups(health, override->names, NULL, NULL) : 0;
    bool is_of_nobody = override->names[0] != '\0' && groups == 0; /* there are no such names */
    return (struct health_spell){.kind = kind,
                                 .index = index,
                                 .desired = health_override_desired(override),
                                 .from_ms = override->starts_ms == 0 ? INT64_MIN : override->starts_ms,
                                 .until_ms = override->expires_ms == 0 ? INT64_MAX : override->expires_ms,
                                 .groups = groups,
                                 .share = drains && !is_of_nobody ? override->share : 0,
                                 .exit = health_find_exit(health, override)};
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
