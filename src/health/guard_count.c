/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rules that count regions: see guard.h. They say of each region that serves whether it may be left, before
 * anything happens to it; and of those that they hold, again when another one is back or is let go. */
#include "config.h"

#include "health/guard_inside.h"

enum { NO = UINT32_MAX };
/* Sums of weights are exact to that. */
#define EXACT 1e-9

/* It is down, and answers do not leave it, not for anywhere. */
static bool is_held(const struct health *health, uint32_t region)
{
    const struct health_fall *fall = health_fall_at(health, HEALTH_REGION, region);
    uint64_t since = health_number_get(&health->guards->bans.leaving[region].since),
             fell = health_number_get(&fall->fell[HEALTH_ANY]);
    return since != 0 && since <= fell && fell > health_number_get(&fall->ordered);
}

/* Does it not serve, as far as this rule counts that? */
static bool is_left(const struct health *health, const struct health_guard_rule *rule, uint32_t region)
{
    uint32_t word = health_word_get(health, HEALTH_REGION, region);
    if (health_word_desired(word) != HEALTH_DESIRED_AUTO) {
        return health_guard_is_ordered(word) && rule->counts_ordered;
    }
    return health_word_observed(word) == HEALTH_OBSERVED_UNHEALTHY && !is_held(health, region);
}

static double sum_left(const struct health *health, const struct health_guard_rule *rule)
{
    double sum = 0;
    for (uint32_t i = 0; i < rule->count; i++) {
        sum += is_left(health, rule, rule->regions[i]) ? rule->weights[i] : 0;
    }
    return sum;
}

/* May it not be left, where these are? One that was is not asked any more. */
static bool find_said(const struct health *health, const struct health_guard_rule *rule, uint32_t at,
                      double left)
{
    bool is_gone =
        is_left(health, rule, rule->regions[at]) &&
        health_word_desired(health_word_get(health, HEALTH_REGION, rule->regions[at])) == HEALTH_DESIRED_AUTO;
    double own = is_left(health, rule, rule->regions[at]) ? rule->weights[at] : 0;
    return !is_gone && left - own + rule->weights[at] > rule->limit + EXACT * (1 + rule->limit);
}

static void say(struct health *health, uint32_t rule, uint32_t at, double left)
{
    const struct health_guard_rule *what = &health->guards->rules[rule];
    uint32_t region = what->regions[at];
    uint64_t bit = UINT64_C(1) << rule, said = health->guards->said[region];
    uint64_t now = find_said(health, what, at, left) ? said | bit : said & ~bit;
    if (now != said) {
        health_guard_say(health, region, now);
    }
}

/* Of those that are held and were not looked at, the one that fell first; NO: there is none. */
static uint32_t find_first_held(const struct health *health, const struct health_guard_rule *rule,
                                uint64_t after)
{
    uint32_t first = NO;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < rule->count; i++) {
        uint64_t fell =
            health_number_get(&health_fall_at(health, HEALTH_REGION, rule->regions[i])->fell[HEALTH_ANY]);
        bool is_down = health_word_observed(health_word_get(health, HEALTH_REGION, rule->regions[i])) ==
                       HEALTH_OBSERVED_UNHEALTHY;
        if (is_down && is_held(health, rule->regions[i]) && fell > after && fell < least) {
            least = fell;
            first = i;
        }
    }
    return first;
}

/* Where one is let go the next ones count it: whoever fell first goes first. */
static void judge(struct health *health, uint32_t rule)
{
    const struct health_guard_rule *what = &health->guards->rules[rule];
    uint64_t after = 0;
    for (uint32_t at = find_first_held(health, what, after); at != NO;
         at = find_first_held(health, what, after)) {
        after =
            health_number_get(&health_fall_at(health, HEALTH_REGION, what->regions[at])->fell[HEALTH_ANY]);
        say(health, rule, at, sum_left(health, what));
        health_guard_note_moves(health);
    }
    double left = sum_left(health, what);
    for (uint32_t i = 0; i < what->count; i++) {
        bool is_settled = is_held(health, what->regions[i]) &&
                          health_word_observed(health_word_get(health, HEALTH_REGION, what->regions[i])) ==
                              HEALTH_OBSERVED_UNHEALTHY;
        if (!is_settled) {
            say(health, rule, i, left);
        }
    }
}

/* Only what is let go makes others count again, and what fell is let go once. */
void health_guard_settle(struct health *health)
{
    struct health_guards *guards = health->guards;
    while (guards != NULL && guards->is_due && !guards->rests && !guards->is_amid) {
        guards->is_due = false;
        for (uint32_t i = 0; i < guards->rule_count; i++) {
            if (guards->rules[i].regions != NULL) {
                judge(health, i);
            }
        }
    }
}

void health_guard_begin_step(struct health *health)
{
    if (health->guards != NULL) {
        health->guards->is_amid = true;
    }
}

void health_guard_step(struct health *health)
{
    struct health_guards *guards = health->guards;
    if (guards == NULL) {
        return;
    }
    guards->is_amid = false;
    if (!guards->rests && health->is_filled) {
        health_guard_note_moves(health);
        health_guard_settle(health);
    }
}

void health_guard_follow(struct health *health, enum health_kind kind, uint32_t index, uint32_t before)
{
    struct health_guards *guards = health->guards;
    uint32_t changed = before ^ health_word_get(health, kind, index);
    if (guards == NULL || guards->rests || !health->is_filled) {
        return;
    }
    if ((changed & HEALTH_WORD_VERDICTS) != 0 || kind == HEALTH_REGION) {
        health_guard_count(health, kind, index);
    }
    if (kind == HEALTH_REGION && (changed & (HEALTH_WORD_OBSERVED | HEALTH_WORD_DESIRED)) != 0) {
        health_guard_hear_region(health, index);
        guards->is_due = true;
        health_guard_settle(health);
    }
}
