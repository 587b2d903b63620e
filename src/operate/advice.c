/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Advice on a configuration that is right. */
#include "config.h"

#include "operate/advice.h"

/* Does an answer hold one endpoint where another one stands beside it? Standbys (weight 0) do not. */
static bool is_lone(const struct steer_policy *policy)
{
    if (policy->pick == STEER_PICK_ALL || policy->answers > 1 || policy->classes[0].tier_count == 0) {
        return false;
    }
    const struct steer_tier *first = &policy->classes[0].tiers[0];
    unsigned sharing = 0;
    for (size_t i = 0; i < first->count && sharing < 2; i++) {
        sharing += policy->members[first->members[i]].weight != 0;
    }
    return sharing > 1;
}

void operate_advise(const struct view *view, struct operate_advice *advice)
{
    *advice = (struct operate_advice){0};
    for (size_t i = 0; i < view->name_count; i++) {
        if (is_lone(steer_set_get(view->steer, view->names[i].policy))) {
            advice->first_lone = advice->lone == 0 ? view->names[i].owner : advice->first_lone;
            advice->lone++;
        }
    }
}
