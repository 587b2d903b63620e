/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See sticky_world.h. */
#include "config.h"

#include "sticky_world.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { PLAN_GROUPS = 8 };

/* Members and groups of a plan, tier by tier. */
struct draft {
    struct steer_member members[STICKY_MEMBERS];
    uint16_t indices[STICKY_MEMBERS];
    struct steer_group groups[STICKY_TIERS * PLAN_GROUPS];
    struct steer_tier tiers[STICKY_TIERS];
    uint16_t count, tier_count, endpoint; /* endpoint: the next one */
};

static void add_member(struct draft *draft, uint16_t endpoint, uint16_t weight)
{
    uint16_t at = draft->count++;
    draft->members[at] = (struct steer_member){.endpoint = endpoint, .weight = weight, .types = STEER_HAS_A};
    draft->indices[at] = at;
}

static void add_group(struct draft *draft, const struct sticky_plan *plan, size_t index)
{
    const struct sticky_group *from = &plan->groups[index];
    struct steer_tier *tier = &draft->tiers[from->tier];
    struct steer_group *groups = draft->groups + from->tier * PLAN_GROUPS;
    if (tier->count == 0) {
        *tier = (struct steer_tier){.label = "tier",
                                    .members = draft->indices + draft->count,
                                    .groups = groups,
                                    .spill_below = {.share = plan->spill_below},
                                    .trickle = from->tier == 0 ? 0 : plan->trickle};
        draft->tier_count = (uint16_t)(from->tier + 1);
    }
    bool goes_on = tier->group_count > 0 && from->share == 0 && groups[tier->group_count - 1].share == 0;
    if (!goes_on) {
        groups[tier->group_count++] = (struct steer_group){.share = from->share};
    }
    for (size_t i = 0; i < from->count; i++) {
        uint16_t endpoint = draft->endpoint++;
        if (plan->skip == 0 || endpoint != plan->skip) {
            add_member(draft, endpoint, from->weight);
            groups[tier->group_count - 1].count++;
            tier->count++;
        }
    }
}

void sticky_world_plan(struct sticky_world *w, const struct sticky_plan *plan)
{
    struct draft *draft = memory_alloc(sizeof *draft);
    for (size_t i = 0; i < PLAN_GROUPS && plan->groups[i].count != 0; i++) {
        add_group(draft, plan, i);
    }
    struct steer_class class = {.label = "default",
                                .tiers = draft->tiers,
                                .tier_count = draft->tier_count,
                                .spread = plan->spread,
                                .offered = draft->indices,
                                .offered_count = draft->count};
    uint32_t id = steer_set_add(w->set,
                                &(struct steer_policy){.pick = STEER_PICK_STICKY,
                                                       .fallback = plan->fallback,
                                                       .answers = plan->answers == 0 ? 1 : plan->answers,
                                                       .member_count = draft->count,
                                                       .class_count = 1,
                                                       .members = draft->members,
                                                       .places = w->places,
                                                       .classes = &class,
                                                       .sticky = {24, 56, plan->hold_ms}},
                                NULL, 0);
    w->count = draft->count;
    w->policy = steer_set_get(w->set, id);
    steer_cache_free(w->cache);
    w->cache = steer_cache_new(w->set);
    free(draft);
}

struct sticky_world *sticky_world_new(const struct sticky_plan *plan)
{
    struct sticky_world *w = memory_alloc(sizeof *w);
    w->table = (struct health_table){.endpoint_count = STICKY_MEMBERS,
                                     .az_count = 1,
                                     .region_count = 1,
                                     .endpoints = w->endpoints,
                                     .azs = w->azs,
                                     .regions = w->regions,
                                     .endpoints_outage = w->endpoints_outage,
                                     .azs_outage = w->azs_outage,
                                     .regions_outage = w->regions_outage};
    atomic_init(&w->table.generation, 1);
    w->now_ms = STICKY_NOW_MS;
    for (size_t i = 0; i < STICKY_MEMBERS; i++) {
        w->places[i].identity = UINT64_C(0x9e3779b97f4a7c15) * (i + 17);
    }
    w->set = steer_set_new();
    sticky_world_plan(w, plan);
    return w;
}

void sticky_world_free(struct sticky_world *w)
{
    steer_cache_free(w->cache);
    steer_set_free(w->set);
    free(w);
}

void sticky_world_set(struct sticky_world *w, size_t endpoint, uint32_t word)
{
    bool serves = !health_word_blocks(word);
    if (health_word_blocks(w->endpoints[endpoint]) == serves) {
        struct health_outage *outage = &w->endpoints_outage[endpoint][HEALTH_V4];
        if (!serves) {
            outage->before_left_ms = (uint64_t)outage->left_ms;
            outage->before_back_ms = (uint64_t)outage->back_ms;
        }
        *(serves ? &outage->back_ms : &outage->left_ms) = w->now_ms;
    }
    w->endpoints[endpoint] = word;
    atomic_fetch_add(&w->table.generation, 1);
}

struct steer_choice *sticky_world_choose(struct sticky_world *w)
{
    struct steer_ask ask = {.now_ms = w->now_ms, .types = STEER_HAS_A};
    return steer_cache_get(w->cache, w->policy, ask, &w->table);
}

uint64_t sticky_world_key(const struct sticky_world *w, uint32_t n)
{
    struct addr addr = {
        .family = ADDR_V4,
        .bytes = {(uint8_t)(10 + (n >> 16)), (uint8_t)(n >> 8), (uint8_t)n, (uint8_t)(n * 7)}};
    return steer_find_key(w->policy, &addr).key;
}

void sticky_world_map(struct sticky_world *w, uint16_t map[STICKY_CLIENTS])
{
    for (uint32_t n = 0; n < STICKY_CLIENTS; n++) {
        uint16_t out[STEER_ANSWERS_MAX];
        size_t count = steer_pick_sticky(w->policy, sticky_world_choose(w), sticky_world_key(w, n), out);
        map[n] = count == 0 ? STICKY_NOBODY : (uint16_t)w->policy->members[out[0]].endpoint;
    }
}

double sticky_share(const uint16_t *map, uint16_t endpoint)
{
    size_t count = 0;
    for (size_t n = 0; n < STICKY_CLIENTS; n++) {
        count += map[n] == endpoint;
    }
    return (double)count / STICKY_CLIENTS;
}

double sticky_moved(const uint16_t *before, const uint16_t *after)
{
    return sticky_needless(before, after, STICKY_NOBODY);
}

double sticky_needless(const uint16_t *before, const uint16_t *after, uint16_t lost)
{
    size_t count = 0;
    for (size_t n = 0; n < STICKY_CLIENTS; n++) {
        count += before[n] != after[n] && before[n] != lost;
    }
    return (double)count / STICKY_CLIENTS;
}
