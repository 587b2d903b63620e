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

/* A copy that is behind may not take over; nor may a region without a copy, where the rule allows copies
 * only. */
static bool forbids(const struct health *health, const struct health_guard_rule *rule, uint32_t from,
                    uint32_t to)
{
    bool has_copy = false;
    for (uint32_t i = 0; i < rule->lag_count; i++) {
        const struct health_lag_plan *plan = &health->lags->plans[rule->lags[i]];
        bool is_of_it = plan->kind == HEALTH_REGION && plan->from == from;
        if (is_of_it && plan->to == to) {
            return is_behind(rule, &health->lags->items[rule->lags[i]]);
        }
        has_copy |= is_of_it;
    }
    return has_copy && rule->only_copies;
}

/* What rules that go by copies make of one way, which may be none that they forbid. */
static void hear(struct health *health, uint32_t from, uint32_t to)
{
    const struct health_guards *guards = health->guards;
    uint32_t place = health_guard_find_place(health, from, to);
    for (uint32_t rule = 0; place != UINT32_MAX && rule < guards->rule_count; rule++) {
        uint64_t bit = UINT64_C(1) << rule, said = guards->said[place];
        bool is_on = guards->rules[rule].lags != NULL && forbids(health, &guards->rules[rule], from, to);
        if (guards->rules[rule].lags != NULL && ((said & bit) != 0) != is_on) {
            health_guard_say(health, place, is_on ? said | bit : said & ~bit);
        }
    }
}

void health_guard_hear_lag(struct health *health, uint32_t lag)
{
    const struct health_lag_plan *plan = &health->lags->plans[lag];
    if (health->guards != NULL && !health->guards->rests && plan->kind == HEALTH_REGION) {
        hear(health, plan->from, plan->to);
    }
}

void health_guard_hear_lags(struct health *health)
{
    const struct health_guards *guards = health->guards;
    for (uint32_t i = 0; guards != NULL && !guards->rests && i < guards->bans.way_count; i++) {
        hear(health, guards->bans.ways[i].from, guards->bans.ways[i].to);
    }
}

/* ---- who serves a copy ---- */

void health_guard_hear_region(struct health *health, uint32_t region)
{
    const struct health_guards *guards = health->guards;
    for (uint32_t rule = 0; rule < guards->rule_count; rule++) {
        const struct health_guard_rule *what = &guards->rules[rule];
        for (uint32_t i = 0; what->only_copies && i < what->lag_count; i++) {
            const struct health_lag_plan *plan = &health->lags->plans[what->lags[i]];
            if (plan->kind == HEALTH_REGION && plan->to == region) {
                health_guard_look_later(health, plan->from);
            }
        }
    }
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
