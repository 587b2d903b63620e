/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Scopes: what an override wants that is about some names only. Kept beside the words, which stay those of
 * all other names, and with them one change. */
#include "config.h"

#include "health/health.h"

#include "base/arena.h"
#include "health/machine.h"

#include <string.h>

void health_scopes_add(struct health *health)
{
    struct health_scopes *scopes = &health->scopes;
    struct health_table *table = &health->table;
    scopes->endpoints = arena_alloc(health->arena, table->endpoint_count * sizeof *scopes->endpoints);
    scopes->azs = arena_alloc(health->arena, table->az_count * sizeof *scopes->azs);
    scopes->regions = arena_alloc(health->arena, table->region_count * sizeof *scopes->regions);
    table->scopes = scopes;
}

static struct health_scope *scope_at(const struct health *health, enum health_kind kind, uint32_t index)
{
    const struct health_scopes *scopes = &health->scopes;
    return kind == HEALTH_ENDPOINT ? &scopes->endpoints[index]
           : kind == HEALTH_AZ     ? &scopes->azs[index]
                                   : &scopes->regions[index];
}

void health_scope_get(const struct health *health, enum health_kind kind, uint32_t index, uint64_t *groups,
                      uint32_t *wish)
{
    const struct health_scope *scope = scope_at(health, kind, index);
    *groups = atomic_load_explicit(&scope->groups, memory_order_relaxed);
    *wish = atomic_load_explicit(&scope->wish, memory_order_relaxed);
}

bool health_scope_differs(const struct health *health, enum health_kind kind, uint32_t index,
                          const struct health_effect *effect)
{
    uint64_t groups;
    uint32_t wish;
    health_scope_get(health, kind, index, &groups, &wish);
    return groups != effect->groups || wish != effect->wish;
}

void health_scope_store(struct health *health, enum health_kind kind, uint32_t index,
                        const struct health_effect *effect)
{
    struct health_scope *scope = scope_at(health, kind, index);
    atomic_store_explicit(&scope->wish, effect->wish, memory_order_release);
    atomic_store_explicit(&scope->groups, effect->groups, memory_order_release);
}

uint32_t health_scope_wish(const struct health_override *override)
{
    const uint32_t all = (1u << HEALTH_VIEWS) - 1;
    if (override->share == 0) {
        return (uint32_t) override->desired << HEALTH_WORD_DESIRED_SHIFT;
    }
    return (uint32_t) override->share << HEALTH_WORD_RAMP_SHIFT | all << HEALTH_WORD_RAMPING_SHIFT;
}

/* ---- lists of groups ---- */

/* The next one of a list, and what is behind it. */
static const char *next_of(const char **names, size_t *len)
{
    const char *name = *names;
    *len = strcspn(name, ",");
    *names = name + *len + (name[*len] == ',');
    return name;
}

static uint64_t find_group(const struct health *health, const char *name, size_t len)
{
    for (size_t i = 0; i < health->frame->group_count; i++) {
        const char *group = health->frame->groups[i];
        if (strlen(group) == len && memcmp(group, name, len) == 0) {
            return UINT64_C(1) << i;
        }
    }
    return 0;
}

uint64_t health_find_groups(const struct health *health, const char *names, const char **at, size_t *missing)
{
    uint64_t groups = 0;
    size_t first_len = 0;
    while (names[0] != '\0') {
        size_t len;
        const char *name = next_of(&names, &len);
        uint64_t group = find_group(health, name, len);
        groups |= group;
        if (group == 0 && first_len == 0) {
            first_len = len;
            *(at == NULL ? &name : at) = name;
        }
    }
    if (missing != NULL) {
        *missing = first_len;
    }
    return groups;
}

static bool has_name(const char *names, const char *wanted, size_t wanted_len)
{
    while (names[0] != '\0') {
        size_t len;
        const char *name = next_of(&names, &len);
        if (len == wanted_len && memcmp(name, wanted, len) == 0) {
            return true;
        }
    }
    return false;
}

bool health_names_include(const char *names, const char *others)
{
    while (others[0] != '\0') {
        size_t len;
        const char *name = next_of(&others, &len);
        if (!has_name(names, name, len)) {
            return false;
        }
    }
    return true;
}
