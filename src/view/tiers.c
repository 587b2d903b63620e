/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The tiers of a class: from what the policy document says to what steering follows. */
#include "config.h"

#include "view/compile_internal.h"

#include <stdlib.h>

struct steer_need compile_choose_need(const struct conf_need *own, const struct conf_need *general)
{
    const struct conf_need *need = own->share > 0 || own->count > 0 ? own : general;
    return (struct steer_need){.share = need->share, .count = need->count};
}

/* A share is measured by capacity where every member gives one. */
static bool has_capacities(const struct compile_plan *plan, const struct steer_tier *tier)
{
    for (size_t i = 0; i < tier->count; i++) {
        if (plan->places[plan->members[tier->members[i]].endpoint].capacity == 0) {
            return false;
        }
    }
    return true;
}

/* In the order of the topology, or by identity: with sticky picks the order decides where clients go, and it
 * has to be the same on servers whose topologies are written in another order. */
static int compare_members(const struct compile_plan *plan, uint16_t a, uint16_t b)
{
    uint64_t left = plan->places[plan->members[a].endpoint].identity,
             right = plan->places[plan->members[b].endpoint].identity;
    if (plan->name->pick == CONF_PICK_STICKY && left != right) {
        return left < right ? -1 : 1;
    }
    return (a > b) - (a < b);
}

static int compare_offered(const void *left, const void *right, void *plan)
{
    return compare_members(plan, *(const uint16_t *)left, *(const uint16_t *)right);
}

/* By group, those without one first. */
static int compare_groups(const void *left, const void *right, void *context)
{
    const struct compile_plan *plan = context;
    uint16_t a = *(const uint16_t *)left, b = *(const uint16_t *)right;
    uint32_t group_a = plan->name->members[a].group, group_b = plan->name->members[b].group;
    return group_a != group_b ? (group_a > group_b) - (group_a < group_b) : compare_members(plan, a, b);
}

static void sort_members(const struct compile_plan *plan, const uint16_t *members, size_t count,
                         int (*compare)(const void *, const void *, void *))
{
    qsort_r((uint16_t *)(uintptr_t)members, count, sizeof *members, compare, (void *)(uintptr_t)plan);
}

static void plan_groups(const struct compile_plan *plan, struct steer_tier *to)
{
    const struct conf_member *members = plan->name->members;
    struct steer_group *groups = arena_alloc(plan->arena, to->count * sizeof *groups);
    size_t count = 0;
    for (size_t i = 0; i < to->count; i++) {
        const struct conf_member *member = &members[to->members[i]];
        if (i == 0 || members[to->members[i - 1]].group != member->group) {
            groups[count++] = (struct steer_group){.share = member->share};
        }
        groups[count - 1].count++;
    }
    if (count > 1) {
        to->groups = groups;
        to->group_count = (uint16_t)count;
    }
}

/* Members that are in place: their groups, and what the name and its endpoints say about them. */
static void finish_tier(const struct compile_plan *plan, const struct conf_tier *from,
                        struct steer_tier *tier)
{
    sort_members(plan, tier->members, tier->count, compare_groups);
    tier->min_healthy = compile_choose_need(&from->min_healthy, &plan->name->min_healthy);
    tier->spill_below = compile_choose_need(&from->spill_below, &plan->name->spill_below);
    tier->trickle = from->trickle;
    tier->by_capacity = has_capacities(plan, tier);
    plan_groups(plan, tier);
}

struct steer_tier compile_join_tiers(const struct compile_plan *plan, const struct conf_tier *const *from,
                                     size_t count, const char *label)
{
    static const struct conf_tier nothing = {.label = NULL};
    size_t members = 0;
    for (size_t i = 0; i < count; i++) {
        members += from[i]->member_count;
    }
    uint16_t *list = arena_alloc(plan->arena, members * sizeof *list);
    struct steer_tier tier = {.label = label, .members = list};
    for (size_t i = 0; i < count; i++) {
        for (size_t m = 0; m < from[i]->member_count; m++) {
            list[tier.count++] = (uint16_t)from[i]->members[m];
        }
    }
    finish_tier(plan, count == 1 ? from[0] : &nothing, &tier);
    return tier;
}

struct steer_tier compile_plan_tier(const struct compile_plan *plan, const struct conf_tier *from)
{
    return compile_join_tiers(plan, &from, 1, from->label);
}

/* Fallback "all" of a class that may be left is all endpoints of the name, tiers or not. */
static void plan_offer(const struct compile_plan *plan, struct steer_class *class)
{
    uint16_t *offered = arena_alloc(plan->arena, plan->name->member_count * sizeof *offered);
    for (size_t i = 0; i < plan->name->member_count; i++) {
        if (!plan->name->members[i].is_spare) {
            offered[class->offered_count++] = (uint16_t)i;
        }
    }
    sort_members(plan, offered, class->offered_count, compare_offered);
    class->offered = offered;
}

/* A tier of its own, that any member will do for. */
static const struct steer_tier *plan_last(const struct compile_plan *plan, const struct conf_tier *from)
{
    struct steer_tier *tier = arena_alloc(plan->arena, sizeof *tier);
    *tier = compile_plan_tier(plan, from);
    tier->min_healthy = tier->spill_below = (struct steer_need){.share = 0};
    return tier;
}

/* Fallback "first" goes on with endpoints of the name that are in no tier of the class. It finds nobody in
 * the tiers before it looks there, so all endpoints will do, which is one list for all classes. */
static void plan_rest(const struct compile_plan *plan, struct steer_class *class)
{
    size_t inside = 0;
    struct conf_tier all = {.label = "others"};
    all.members = arena_alloc(plan->arena, plan->name->member_count * sizeof *all.members);
    for (size_t i = 0; i < plan->name->member_count; i++) {
        if (!plan->name->members[i].is_spare) {
            all.members[all.member_count++] = (uint32_t)i;
        }
    }
    for (size_t i = 0; i < class->tier_count; i++) {
        inside += class->tiers[i].count;
    }
    if (inside < all.member_count) {
        class->rest = plan_last(plan, &all);
    }
}

/* The name's pool stays outside a fence, that of a rule is part of what the rule says. */
static void plan_pool(const struct compile_plan *plan, const struct conf_last_resort *own,
                      struct steer_class *class)
{
    const struct conf_tier *from = own != NULL                    ? own->pool
                                   : class->fenced                ? NULL
                                   : plan->name->fallback != NULL ? plan->name->fallback->pool
                                                                  : NULL;
    if (from != NULL && from->member_count != 0) {
        class->pool = plan_last(plan, from);
    }
}

enum steer_fallback compile_get_fallback(enum conf_fallback fallback)
{
    switch (fallback) {
    case CONF_FALLBACK_STATIC: return STEER_FALLBACK_STATIC;
    case CONF_FALLBACK_NODATA: return STEER_FALLBACK_NODATA;
    case CONF_FALLBACK_SERVFAIL: return STEER_FALLBACK_SERVFAIL;
    case CONF_FALLBACK_ALL: return STEER_FALLBACK_ALL;
    case CONF_FALLBACK_FIRST: break;
    }
    return STEER_FALLBACK_FIRST;
}

void compile_finish_class(const struct compile_plan *plan, const struct conf_tiers *tiers,
                          struct steer_class *class)
{
    enum conf_spill spill = tiers->spill == CONF_SPILL_DEFAULT ? plan->name->spill : tiers->spill;
    class->spread = spill == CONF_SPILL_CAPACITY;
    class->fenced = tiers->fence;
    const struct conf_last_resort *resort = tiers->fallback != NULL ? tiers->fallback : plan->name->fallback;
    if (!class->fenced && resort->then == CONF_FALLBACK_ALL) {
        plan_offer(plan, class);
    } else if (!class->fenced && resort->then == CONF_FALLBACK_FIRST) {
        plan_rest(plan, class);
    }
    if (tiers->fallback != NULL) {
        class->has_fallback = true;
        class->fallback = compile_get_fallback(tiers->fallback->then);
    }
    plan_pool(plan, tiers->fallback, class);
}
