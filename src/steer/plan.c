/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See plan.h. */
#include "config.h"

#include "steer/plan.h"

#include <assert.h>

static void check_members(const struct steer_policy *plan, const uint16_t *members, size_t count)
{
    assert(count <= plan->member_count);
    for (size_t i = 0; i < count; i++) {
        assert(members[i] < plan->member_count);
    }
}

static void check_groups(const struct steer_tier *tier)
{
    size_t members = 0;
    for (size_t i = 0; tier->groups != NULL && i < tier->group_count; i++) {
        members += tier->groups[i].count;
        assert(tier->groups[i].share >= 0 && tier->groups[i].share <= 1);
    }
    assert(tier->groups == NULL || members == tier->count);
}

static void check_tier(const struct steer_policy *plan, const struct steer_tier *tier)
{
    if (tier == NULL) {
        return;
    }
    check_members(plan, tier->members, tier->count);
    assert(tier->trickle >= 0 && tier->trickle < 1);
    check_groups(tier);
}

void plan_check(const struct steer_policy *plan)
{
    assert(plan->class_count >= 1 && plan->type_count <= STEER_TYPES_MAX);
    assert(plan->answers >= 1 && plan->answers <= STEER_ANSWERS_MAX);
    for (size_t i = 0; i < plan->class_count; i++) {
        const struct steer_class *class = &plan->classes[i];
        for (size_t t = 0; t < class->tier_count; t++) {
            check_tier(plan, &class->tiers[t]);
        }
        check_tier(plan, class->pool);
        check_tier(plan, class->rest);
        check_members(plan, class->offered, class->offered_count);
    }
}
