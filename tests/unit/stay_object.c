/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See stay_object.h. By rules as the documentation has them, with nothing of the machine's. */
#include "config.h"

#include "stay_object.h"

#include <math.h>

double replay(const struct object *o, int64_t now_ms, bool *suppressed)
{
    const struct health_rule *rule = &o->rule;
    double most = rule->reuse * exp2((double)rule->max_suppress_ms / (double)rule->half_life_ms);
    double penalty = 0;
    int64_t last_ms = 0;
    *suppressed = false;
    for (size_t i = o->forgiven; i < o->fall_count; i++) {
        penalty *= exp2(-(double)(o->falls[i] - last_ms) / (double)rule->half_life_ms);
        *suppressed = *suppressed && penalty > rule->reuse;
        penalty = (double)(float)fmin(penalty + rule->penalty, most);
        *suppressed = *suppressed || penalty >= rule->suppress;
        last_ms = o->falls[i];
    }
    penalty *= exp2(-(double)(now_ms - last_ms) / (double)rule->half_life_ms);
    *suppressed = *suppressed && penalty > rule->reuse;
    return penalty;
}

bool may_return(const struct object *o, int64_t now_ms)
{
    bool suppressed = false;
    if (o->rule.penalty > 0) {
        (void)replay(o, now_ms, &suppressed);
    }
    return o->is_ready && !suppressed && o->rule.failback_ms != HEALTH_MANUAL &&
           now_ms >= o->down_ms + o->rule.hold_down_ms && now_ms >= o->ready_ms + o->rule.failback_ms;
}

static void note_fall(struct object *o, int64_t now_ms)
{
    assert_true(o->fall_count < FALLS);
    o->falls[o->fall_count++] = now_ms;
}

void follow_object(struct object *o, enum health_observed judged, bool is_well, int64_t now_ms)
{
    if (judged == HEALTH_OBSERVED_UNHEALTHY && !is_well) {
        if (o->verdict == HEALTH_OBSERVED_HEALTHY) {
            o->is_down = true;
            o->is_ready = false;
            o->down_ms = now_ms;
            note_fall(o, now_ms);
        } else if (o->is_down && o->is_ready) {
            o->is_ready = false;
            note_fall(o, now_ms);
        }
        o->verdict = HEALTH_OBSERVED_UNHEALTHY;
        return;
    }
    if (o->is_down && !o->is_ready) {
        o->is_ready = true;
        o->ready_ms = now_ms;
    }
    if (o->is_down && !may_return(o, now_ms)) {
        return;
    }
    o->is_down = o->is_ready = false;
    o->verdict = judged;
}

unsigned find_percent(const struct rising *r, int64_t now_ms)
{
    int64_t at_ms = r->begun_ms;
    for (size_t i = 0; r->ramps && i < r->plan.count; i++) {
        at_ms += r->plan.each_ms;
        if (now_ms < at_ms) {
            return r->plan.steps[i];
        }
    }
    return 100;
}

void follow_rising(struct rising *r, enum health_observed verdict, int64_t now_ms)
{
    bool is_bad = verdict == HEALTH_OBSERVED_UNHEALTHY;
    bool begins = r->was == HEALTH_OBSERVED_UNHEALTHY && !is_bad;
    if (begins) {
        r->begun_ms = (now_ms + 999) / 1000 * 1000;
    }
    r->ramps = !is_bad && (r->ramps || begins) && r->plan.count != 0;
    r->percent = find_percent(r, now_ms);
    r->ramps = r->ramps && r->percent != 100;
    r->was = verdict;
}
