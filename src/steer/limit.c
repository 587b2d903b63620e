/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See limit.h. Where no override has a TTL an evaluation asks for that once, and looks at no more than it
 * would. */
#include "config.h"

#include "steer/limit.h"

void limit_begin(struct steer_reading *reading)
{
    const struct health_marks *ttls = reading->table->ttls;
    bool has_any = ttls != NULL && atomic_load_explicit(&ttls->count, memory_order_acquire) != 0;
    reading->ttls = has_any ? ttls : NULL;
    reading->ttl_s = STEER_TTL_FREE;
    reading->limited = reading->failing = reading->planned = -1;
}

void limit_note(struct steer_reading *reading, uint16_t index, const uint32_t words[3])
{
    const struct steer_member *member = &reading->policy->members[index];
    const struct steer_place *place = &reading->policy->places[member->endpoint];
    const uint32_t at[] = {
        [HEALTH_ENDPOINT] = member->endpoint, [HEALTH_AZ] = place->az, [HEALTH_REGION] = place->region};
    const _Atomic uint32_t *const marks[] = {[HEALTH_ENDPOINT] = reading->ttls->endpoints,
                                             [HEALTH_AZ] = reading->ttls->azs,
                                             [HEALTH_REGION] = reading->ttls->regions};
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        uint32_t mark = tier_load(marks[kind], at[kind]), ttl = mark & ~HEALTH_TTL_PARTLY;
        bool is_meant = mark != 0 && scope_has(reading, kind, at[kind]);
        /* The word, too: it may be one of what if (health_assume()). */
        bool is_partly = (mark & HEALTH_TTL_PARTLY) != 0 && (words[kind] & HEALTH_WORD_RAMP) != 0;
        if (is_meant && ttl != 0 && ttl - health_ttl_make(0) < reading->ttl_s) {
            reading->ttl_s = ttl - health_ttl_make(0);
            reading->limited = index;
            reading->limited_by = kind;
        }
        if ((words[kind] & HEALTH_WORD_DESIRED) != 0) {
            return;
        }
        if (is_meant && is_partly && reading->planned < 0) {
            reading->planned = index;
            reading->planned_by = kind;
        }
    }
}

void limit_end(const struct steer_reading *reading, struct steer_trace *trace)
{
    const struct steer_policy *policy = reading->policy;
    bool is_short = policy->has_ttl_failing && (reading->failing >= 0 || reading->planned >= 0);
    uint32_t by_policy = is_short ? policy->ttl_failing : STEER_TTL_FREE;
    uint32_t by_order = reading->ttl_s < policy->ttl_floor ? policy->ttl_floor : reading->ttl_s;
    bool is_ordered = by_order < by_policy;
    reading->choice->ttl = is_ordered ? by_order : by_policy;
    if (trace != NULL) {
        trace->failing = is_short && !is_ordered ? reading->failing : -1;
        trace->planned = is_short && !is_ordered ? reading->planned : -1;
        trace->planned_by = reading->planned_by;
        trace->limited = is_ordered ? reading->limited : -1;
        trace->limited_by = reading->limited_by;
    }
}
