/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rules that want time between two moves: see guard.h. A region that leaves, comes back or is let go has
 * moved; from then on these rules forbid to leave any, so of two that are lost in one change the second one
 * waits. It is judged between two steps of a change, when all that one check says has been stored. */
#include "config.h"

#include "health/guard_inside.h"

static bool is_gone(const struct health *health, uint32_t region)
{
    return health_word_blocks(health_word_get(health, HEALTH_REGION, region)) &&
           !health_guard_is_held(health, region);
}

static bool forbids(const struct health *health, const struct health_guard_rule *rule, int64_t wall_ms)
{
    int64_t last_ms = health->guards->last_move_ms;
    return last_ms != 0 && last_ms <= wall_ms && wall_ms - last_ms < rule->wait_ms;
}

static void say_of(struct health *health, uint32_t region, uint64_t bit, bool forbids)
{
    uint64_t said = health->guards->said[region];
    if (((said & bit) != 0) != forbids) {
        health_guard_say(health, region, forbids ? said | bit : said & ~bit);
    }
}

/* Of those that are held and of which this is said, the one that fell first. */
static uint32_t find_first_held(const struct health *health, uint64_t bit)
{
    uint32_t first = UINT32_MAX;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i < health->counts[HEALTH_REGION]; i++) {
        uint64_t fell = health_number_get(&health_fall_at(health, HEALTH_REGION, i)->fell[HEALTH_ANY]);
        bool is_held = (health->guards->said[i] & bit) != 0 && health_guard_is_held(health, i) &&
                       health_word_blocks(health_word_get(health, HEALTH_REGION, i));
        if (is_held && fell < least) {
            least = fell;
            first = i;
        }
    }
    return first;
}

/* One after the other: if the first one moves, it is said again of the others. */
static void allow(struct health *health, uint32_t rule, int64_t wall_ms)
{
    uint64_t bit = UINT64_C(1) << rule;
    for (uint32_t i = find_first_held(health, bit); i != UINT32_MAX; i = find_first_held(health, bit)) {
        say_of(health, i, bit, false);
        health_guard_note_moves(health);
        if (forbids(health, &health->guards->rules[rule], wall_ms)) {
            return;
        }
    }
    for (uint32_t i = 0; i < health->counts[HEALTH_REGION]; i++) {
        say_of(health, i, bit, false);
    }
}

/* What rules that wait forbid now, of all regions. */
static void say(struct health *health, int64_t wall_ms)
{
    const struct health_guards *guards = health->guards;
    for (uint32_t rule = 0; rule < guards->rule_count; rule++) {
        bool is_on = guards->rules[rule].wait_ms != 0 && forbids(health, &guards->rules[rule], wall_ms);
        for (uint32_t i = 0; is_on && i < health->counts[HEALTH_REGION]; i++) {
            say_of(health, i, UINT64_C(1) << rule, true);
        }
    }
}

/* What they do not forbid any more. */
static void follow_time(struct health *health, int64_t wall_ms)
{
    const struct health_guards *guards = health->guards;
    for (uint32_t rule = 0; rule < guards->rule_count; rule++) {
        if (guards->rules[rule].wait_ms != 0 && !forbids(health, &guards->rules[rule], wall_ms)) {
            allow(health, rule, wall_ms);
        }
    }
}

/* The next process is told with the first region. */
static void note_move(struct health *health, int64_t at_ms)
{
    health->guards->last_move_ms = at_ms;
    health_guard_note(health, 0);
}

void health_guard_note_moves(struct health *health)
{
    struct health_guards *guards = health->guards;
    bool any = false;
    for (uint32_t i = 0; i < guards->line_count; i++) {
        struct health_hold *hold = &guards->holds[guards->line[i]];
        bool was_gone = hold->is_gone;
        hold->is_gone = is_gone(health, guards->line[i]);
        any |= hold->is_gone != was_gone;
    }
    if (any) {
        note_move(health, health->wall_ms);
        say(health, health->wall_ms);
    }
}

static int64_t find_move(const struct health *health, uint32_t region)
{
    const struct health_outage *outage = &health->table.regions_outage[region];
    int64_t left_ms = (int64_t)atomic_load_explicit(&outage->left_ms, memory_order_relaxed),
            back_ms = (int64_t)atomic_load_explicit(&outage->back_ms, memory_order_relaxed);
    bool is_held = health->guards != NULL && health_guard_is_held(health, region);
    return left_ms > back_ms && !is_held ? left_ms : back_ms;
}

/* By when regions left and came back. */
static int64_t find_last_move(const struct health *health)
{
    int64_t last_ms = 0;
    for (uint32_t i = 0; i < health->counts[HEALTH_REGION]; i++) {
        int64_t at_ms = find_move(health, i);
        last_ms = at_ms > last_ms ? at_ms : last_ms;
    }
    return last_ms;
}

int64_t health_get_last_move(const struct health *health)
{
    return health->guards == NULL ? find_last_move(health) : health->guards->last_move_ms;
}

void health_guard_resume_moves(struct health *health)
{
    struct health_guards *guards = health->guards;
    int64_t last_ms = find_last_move(health);
    for (uint32_t i = 0; !guards->knows_moves && i < health->counts[HEALTH_REGION]; i++) {
        guards->holds[i].is_gone = is_gone(health, i);
    }
    if (!guards->knows_moves && last_ms > guards->last_move_ms) {
        guards->last_move_ms = last_ms;
    }
    guards->knows_moves = true;
    say(health, health->wall_ms);
    follow_time(health, health->wall_ms);
    health_guard_note_moves(health);
}

void health_guard_follow_time(struct health *health, int64_t wall_ms)
{
    if (health->guards->last_move_ms > wall_ms) { /* the clock was set back: nothing moved a moment ago */
        note_move(health, 0);
    }
    say(health, wall_ms);
    follow_time(health, wall_ms);
}
