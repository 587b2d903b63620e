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

/* ---- the way back ---- */

static uint64_t get_left_ms(const struct health *health, uint32_t region)
{
    return atomic_load_explicit(&health->table.regions_outage[region].left_ms, memory_order_relaxed);
}

/* Did it serve at any time since the region left? */
static bool has_served(const struct health *health, uint32_t other, uint32_t region)
{
    return !health_word_blocks(health_word_get(health, HEALTH_REGION, other)) ||
           get_left_ms(health, other) > get_left_ms(health, region);
}

/* Does it copy to the other one as well? Else it only ever stands by, and had no answers to come back to. */
static bool has_way_there(const struct health *health, const struct health_guard_rule *rule,
                          const struct health_lag_plan *back)
{
    bool has = false;
    for (uint32_t i = 0; i < rule->lag_count && !has; i++) {
        const struct health_lag_plan *plan = &health->lags->plans[rule->lags[i]];
        has = plan->kind == HEALTH_REGION && plan->from == back->to && plan->to == back->from;
    }
    return has;
}

uint64_t health_guard_keeps(const struct health *health, uint32_t region)
{
    const struct health_guards *guards = health->guards;
    uint64_t keep = 0;
    for (uint32_t rule = 0; guards != NULL && rule < guards->rule_count; rule++) {
        const struct health_guard_rule *what = &guards->rules[rule];
        for (uint32_t i = 0; i < what->lag_count; i++) {
            const struct health_lag_plan *plan = &health->lags->plans[what->lags[i]];
            bool is_back =
                plan->kind == HEALTH_REGION && plan->to == region && has_way_there(health, what, plan);
            if (is_back && is_behind(what, &health->lags->items[what->lags[i]]) &&
                has_served(health, plan->from, region)) {
                keep |= UINT64_C(1) << rule;
            }
        }
    }
    return guards == NULL ? 0 : keep & ~guards->holds[region].released;
}
