/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The rule of the health table (health_combine) applied to listed states, with one desired state replaced.
 * Called for dry runs only, so a linear search per object is good enough. */
#include "config.h"

#include "admin/plan.h"

#include "base/error.h"

#include <string.h>

struct operate_target *plan_find(struct plan *plan, enum health_kind kind, const char *name)
{
    struct operate_targets *targets = &plan->targets[kind];
    for (size_t i = 0; name != NULL && i < targets->count; i++) {
        if (strcmp(targets->items[i].name, name) == 0) {
            return &targets->items[i];
        }
    }
    return NULL;
}

static uint32_t word_of(const struct operate_target *target)
{
    return target == NULL ? 0
                          : (uint32_t)target->status.observed | (uint32_t)target->status.desired
                                                                    << HEALTH_WORD_DESIRED_SHIFT;
}

static struct health_effective combine(struct plan *plan, const struct operate_target *target)
{
    uint32_t az = target->kind == HEALTH_ENDPOINT ? word_of(plan_find(plan, HEALTH_AZ, target->az)) : 0;
    uint32_t region =
        target->kind == HEALTH_REGION ? 0 : word_of(plan_find(plan, HEALTH_REGION, target->region));
    struct health_effective effective = health_combine(word_of(target), az, region);
    if (effective.decided_by == HEALTH_BY_ENDPOINT_OVERRIDE && target->kind == HEALTH_AZ) {
        effective.decided_by = HEALTH_BY_AZ_OVERRIDE;
    } else if (effective.decided_by == HEALTH_BY_ENDPOINT_OVERRIDE && target->kind == HEALTH_REGION) {
        effective.decided_by = HEALTH_BY_REGION_OVERRIDE;
    }
    return effective;
}

static bool depends_on(const struct operate_target *target, enum health_kind kind, const char *name)
{
    const char *parts[] = {
        [HEALTH_ENDPOINT] = target->kind == HEALTH_ENDPOINT ? target->name : NULL,
        [HEALTH_AZ] = target->kind == HEALTH_AZ ? target->name : target->az,
        [HEALTH_REGION] = target->kind == HEALTH_REGION ? target->name : target->region,
    };
    return parts[kind] != NULL && strcmp(parts[kind], name) == 0;
}

static void follow(struct plan *plan, struct operate_target *target)
{
    struct health_effective before = target->status.effective;
    target->status.effective = combine(plan, target);
    if (target->status.effective.state != before.state) {
        plan->changes[plan->change_count++] =
            (struct plan_change){target->kind, target->name, before, target->status.effective};
    }
}

int plan_override(struct plan *plan, enum health_kind kind, const char *name, enum health_desired desired,
                  struct arena *arena)
{
    struct operate_target *chosen = plan_find(plan, kind, name);
    size_t total = 0;
    plan->change_count = 0;
    if (chosen == NULL) {
        return ERROR_NOT_FOUND;
    }
    chosen->status.desired = desired;
    for (int i = HEALTH_ENDPOINT; i <= HEALTH_REGION; i++) {
        total += plan->targets[i].count;
    }
    plan->changes = arena_alloc(arena, total * sizeof *plan->changes);
    for (int i = HEALTH_REGION; i >= HEALTH_ENDPOINT; i--) {
        for (size_t j = 0; j < plan->targets[i].count; j++) {
            if (depends_on(&plan->targets[i].items[j], kind, name)) {
                follow(plan, &plan->targets[i].items[j]);
            }
        }
    }
    return 0;
}
