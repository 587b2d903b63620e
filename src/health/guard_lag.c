/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rules that go by copies: see guard.h. What is not known is behind. */
#include "config.h"

#include "health/guard_inside.h"
#include "health/lag_inside.h"

static bool is_behind(const struct health_guard_rule *rule, const struct health_lag *lag)
{
    return lag->rpo != HEALTH_RPO_KEPT || (!rule->any_stage && lag->stage != HEALTH_STAGE_REAL_TIME);
}

static void say(struct health *health, uint32_t rule, uint32_t lag)
{
    const struct health_lag_plan *plan = &health->lags->plans[lag];
    uint32_t place =
        plan->kind == HEALTH_REGION ? health_guard_find_place(health, plan->from, plan->to) : UINT32_MAX;
    if (place == UINT32_MAX) {
        return;
    }
    uint64_t bit = UINT64_C(1) << rule, said = health->guards->said[place];
    uint64_t now =
        is_behind(&health->guards->rules[rule], &health->lags->items[lag]) ? said | bit : said & ~bit;
    if (now != said) {
        health_guard_say(health, place, now);
    }
}

static void hear(struct health *health, uint32_t from, uint32_t until)
{
    struct health_guards *guards = health->guards;
    for (uint32_t rule = 0; guards != NULL && !guards->rests && rule < guards->rule_count; rule++) {
        for (uint32_t i = 0; i < guards->rules[rule].lag_count; i++) {
            uint32_t lag = guards->rules[rule].lags[i];
            if (lag >= from && lag < until) {
                say(health, rule, lag);
            }
        }
    }
}

void health_guard_hear_lag(struct health *health, uint32_t lag)
{
    hear(health, lag, lag + 1);
    health_guard_step(health);
}

void health_guard_hear_lags(struct health *health)
{
    hear(health, 0, UINT32_MAX);
}
