/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The tiers of a class: from what the policy document says to what steering follows. */
#include "config.h"

#include "view/compile_internal.h"

#include <stdlib.h>

/* What the tier says, else the name. */
static struct steer_need choose_need(const struct conf_need *own, const struct conf_need *general)
{
    const struct conf_need *need = own->share > 0 || own->count > 0 ? own : general;
    return (struct steer_need){.share = need->share, .count = need->count};
}

/* A share is measured by capacity where every member gives one. */
static bool has_capacities(const struct steer_member *members, const struct steer_tier *tier)
{
    for (size_t i = 0; i < tier->count; i++) {
        if (members[tier->members[i]].capacity == 0) {
            return false;
        }
    }
    return true;
}

/* By group, those without one first; within a group in their order. */
static int compare_groups(const void *left, const void *right, void *context)
{
    const struct conf_member *members = context;
    uint16_t a = *(const uint16_t *)left, b = *(const uint16_t *)right;
    uint32_t group_a = members[a].group, group_b = members[b].group;
    return group_a != group_b ? (group_a > group_b) - (group_a < group_b) : (a > b) - (a < b);
}

static void plan_groups(const struct compile_classes *plan, struct steer_tier *to)
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

static void plan_tier(const struct compile_classes *plan, const struct conf_tier *from, struct steer_tier *to)
{
    uint16_t *members = arena_alloc(plan->arena, from->member_count * sizeof *members);
    for (size_t i = 0; i < from->member_count; i++) {
        members[i] = (uint16_t)from->members[i];
    }
    qsort_r(members, from->member_count, sizeof *members, compare_groups,
            (void *)(uintptr_t)plan->name->members);
    *to = (struct steer_tier){.label = from->label,
                              .members = members,
                              .count = (uint16_t)from->member_count,
                              .min_healthy = choose_need(&from->min_healthy, &plan->name->min_healthy),
                              .spill_below = choose_need(&from->spill_below, &plan->name->spill_below),
                              .trickle = from->trickle};
    to->by_capacity = has_capacities(plan->members, to);
    plan_groups(plan, to);
}

/* A class that may be left falls back on all endpoints of the name, tiers or not. */
static void plan_offer(const struct compile_classes *plan, struct steer_class *class)
{
    uint16_t *offered = arena_alloc(plan->arena, plan->name->member_count * sizeof *offered);
    for (size_t i = 0; i < plan->name->member_count; i++) {
        if (!plan->name->members[i].is_spare) {
            offered[class->offered_count++] = (uint16_t)i;
        }
    }
    class->offered = offered;
}

/* The name's pool stays outside a fence, that of a rule is part of what the rule says. */
static void plan_pool(const struct compile_classes *plan, const struct conf_last_resort *own,
                      struct steer_class *class)
{
    const struct conf_tier *from = own != NULL ? own->pool : class->fenced ? NULL : plan->name->fallback.pool;
    if (from != NULL && from->member_count != 0) {
        struct steer_tier *pool = arena_alloc(plan->arena, sizeof *pool);
        plan_tier(plan, from, pool);
        pool->min_healthy = pool->spill_below = (struct steer_need){.share = 0};
        class->pool = pool;
    }
}

enum steer_fallback compile_get_fallback(enum conf_fallback fallback)
{
    switch (fallback) {
    case CONF_FALLBACK_STATIC: return STEER_FALLBACK_STATIC;
    case CONF_FALLBACK_NODATA: return STEER_FALLBACK_NODATA;
    case CONF_FALLBACK_SERVFAIL: return STEER_FALLBACK_SERVFAIL;
    case CONF_FALLBACK_ALL: break;
    }
    return STEER_FALLBACK_ALL;
}

void compile_plan_class(const struct compile_classes *plan, const struct conf_tiers *tiers,
                        const struct conf_last_resort *own, struct steer_class *class)
{
    struct steer_tier *items = arena_alloc(plan->arena, tiers->count * sizeof *items);
    for (size_t t = 0; t < tiers->count; t++) {
        plan_tier(plan, &tiers->items[t], &items[t]);
    }
    class->tiers = items;
    class->tier_count = (uint16_t)tiers->count;
    if (!class->fenced) {
        plan_offer(plan, class);
    }
    if (own != NULL) {
        class->has_fallback = true;
        class->fallback = compile_get_fallback(own->then);
    }
    plan_pool(plan, own, class);
}
