/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is said alike of checks, endpoints, azs and regions: why they stay down, and what has to happen for a
 * verdict to change. */
#include "config.h"

#include "admin/render.h"

#include "admin/render_set.h"

json_t *render_stay(const struct health_stay_status *stay)
{
    if (stay->reason == HEALTH_STAY_NONE) {
        return json_null();
    }
    json_t *object = json_object();
    set_text(object, "because", health_stay_text(stay->reason));
    set_time(object, "until", stay->ends_ms);
    set_time(object, "down_since", stay->down_ms);
    set(object, "needs_failback", json_boolean(stay->reason == HEALTH_STAY_MANUAL));
    set_text(object, "rule", stay->rule);
    return object;
}

json_t *render_hold(const struct operate_target *target)
{
    const struct operate_hold *hold = target->hold;
    if (hold == NULL) {
        return json_null();
    }
    json_t *object = json_object();
    set_text(object, "of", hold->is_return ? "return" : "failover");
    set(object, "rules", render_texts(hold->rules, hold->rule_count));
    set_time(object, "since", hold->since_ms);
    set_text(object, "why", hold->why);
    return object;
}

json_t *render_outlook(struct health_outlook outlook)
{
    if (outlook.to == HEALTH_OBSERVED_UNKNOWN) {
        return json_null();
    }
    json_t *object = json_object();
    set_text(object, "to", health_observed_text(outlook.to));
    set_text(object, "by", outlook.by_failure ? "failures" : "successes");
    set_number(object, "have", outlook.have);
    set_number(object, "need", outlook.need);
    return object;
}
