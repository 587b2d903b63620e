/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health: what rules forbid. What is held and for how long, rules that count regions, releases; over
 * reloads, copies and restarts. What answers make of it is test_steer_ban.c's. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "health/health.h"

#include <stdio.h>
#include <string.h>

enum { WALL = 1000000000 };
enum { US, EU, AP, REGIONS };
enum { COUNTS, LAG, FREEZE, RULES };
enum { US_1, US_2, EU_1, AP_1, ENDPOINTS };

static const uint32_t all_regions[] = {US, EU, AP};
static const struct health_guard_plan usual_rules[RULES] = {
    [COUNTS] = {.name = "two-serve", .regions = all_regions, .region_count = REGIONS, .limit = 1},
    [LAG] = {.name = "lag"},
    [FREEZE] = {.name = "freeze"}};
static const struct health_way usual_ways[] = {{EU, US}, {US, AP}, {US, EU}};

static struct health *build_with(const struct health_guard_plan *rules, size_t count)
{
    static const struct health_region_plan regions[] = {{"us", 1}, {"eu", 1}, {"ap", 1}};
    static const struct health_az_plan azs[] = {
        {"us-a", US, 1}, {"us-b", US, 1}, {"eu-a", EU, 1}, {"ap-a", AP, 1}};
    static const struct health_endpoint_plan endpoints[] = {{"us1", 0}, {"us2", 1}, {"eu1", 2}, {"ap1", 3}};
    static const struct health_monitor_plan monitors[] = {
        {US_1, 1, 1, 11, 0}, {US_2, 1, 1, 12, 0}, {EU_1, 1, 1, 13, 0}, {AP_1, 1, 1, 14, 0}};
    const struct health_guards_plan guards = {rules, count, usual_ways, 3};
    const struct health_plan plan = {.regions = regions,
                                     .region_count = REGIONS,
                                     .azs = azs,
                                     .az_count = 4,
                                     .endpoints = endpoints,
                                     .endpoint_count = ENDPOINTS,
                                     .monitors = monitors,
                                     .monitor_count = ENDPOINTS,
                                     .guards = &guards};
    struct health *health = health_new(&plan, WALL);
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        health_observe(health, i, HEALTH_OUTCOME_OK, WALL, 0, 0);
    }
    return health;
}

static struct health *build(void)
{
    return build_with(usual_rules, RULES);
}

static void lose(struct health *health, uint32_t endpoint)
{
    health_observe(health, endpoint, HEALTH_OUTCOME_TIMEOUT, WALL, 0, 0);
}

static void heal(struct health *health, uint32_t endpoint)
{
    health_observe(health, endpoint, HEALTH_OUTCOME_OK, WALL, 0, 0);
}

static void forbid(struct health *health, size_t rule, uint32_t from, uint32_t to, bool forbids)
{
    assert_int_equal(health_forbid(health, rule, from, to, forbids, WALL), 0);
}

static struct health_hold_status look(const struct health *health, uint32_t region)
{
    struct health_hold_status status;
    assert_int_equal(health_get_hold(health, region, &status), 0);
    return status;
}

static bool is_held(const struct health *health, uint32_t region)
{
    return look(health, region).is_held;
}

/* ---- what happened ---- */

struct told {
    unsigned count;
    enum health_hold_turn turn;
    uint64_t rules;
    char region[8];
};

static void on_held(void *context, const struct health_hold_change *change)
{
    struct told *told = context;
    told->count++;
    told->turn = change->turn;
    told->rules = change->status.rules;
    snprintf(told->region, sizeof told->region, "%s", change->status.region);
}

static void listen(struct health *health, struct told *told)
{
    *told = (struct told){.count = 0};
    health_set_listener(health, &(struct health_listener){.context = told, .held = on_held});
}

/* ---- tests ---- */

static void no_rules_no_holds(void **state)
{
    (void)state;
    struct health *health = build_with(NULL, 0);
    assert_null(health_get_table(health)->bans);
    lose(health, US_1);
    assert_false(is_held(health, US));
    assert_int_equal(health_count_guards(health), 0);
    assert_int_equal(health_find_guard(health, "lag"), -1);
    assert_int_equal(health_forbid(health, 0, US, EU, true, WALL), ERROR_NOT_FOUND);
    assert_int_equal(health_release_hold(health, US, 0, WALL), ERROR_NOT_FOUND);
    health_free(health);
}

static void who_is_told_says_what_it_forbids(void **state)
{
    (void)state;
    struct health *health = build();
    assert_int_equal(health_count_guards(health), RULES);
    assert_string_equal(health_get_guard_name(health, LAG), "lag");
    assert_int_equal(health_find_guard(health, "freeze"), FREEZE);
    forbid(health, LAG, US, EU, true);
    assert_true(health_guard_forbids(health, LAG, US, EU));
    assert_false(health_guard_forbids(health, LAG, US, AP));
    assert_false(health_guard_forbids(health, LAG, US, HEALTH_ANYWHERE));
    forbid(health, FREEZE, US, HEALTH_ANYWHERE, true);
    assert_true(health_guard_forbids(health, FREEZE, US, HEALTH_ANYWHERE));
    assert_int_equal(atomic_load(&health_get_table(health)->bans->count), 2);
    assert_int_equal(health_forbid(health, LAG, AP, US, true, WALL), ERROR_NOT_FOUND); /* no way */
    assert_int_equal(health_forbid(health, COUNTS, US, EU, true, WALL), ERROR_NOT_FOUND);
    assert_int_equal(health_forbid(health, LAG, REGIONS, EU, true, WALL), ERROR_NOT_FOUND);
    health_free(health);
}

static void a_hold_is_told(void **state)
{
    (void)state;
    struct health *health = build();
    struct told told;
    listen(health, &told);
    forbid(health, LAG, US, EU, true);
    assert_int_equal(told.count, 0);
    lose(health, US_1);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.turn, HEALTH_HOLD_BEGAN);
    assert_string_equal(told.region, "us");
    assert_int_equal(told.rules, 1u << LAG);
    assert_int_equal(health_count_holds(health, LAG), 1);
    lose(health, US_2);
    assert_int_equal(told.count, 1);
    uint64_t generation = atomic_load(&health_get_table(health)->generation);
    forbid(health, LAG, US, EU, false);
    assert_true(atomic_load(&health_get_table(health)->generation) > generation); /* answers follow */
    assert_int_equal(told.count, 2);
    assert_int_equal(told.turn, HEALTH_HOLD_ALLOWED);
    assert_int_equal(told.rules, 1u << LAG);
    forbid(health, LAG, US, EU, true); /* too late for what fell */
    assert_false(is_held(health, US));
    assert_int_equal(told.count, 2);
    heal(health, US_1);
    lose(health, US_1);
    assert_int_equal(told.count, 3);
    heal(health, US_1);
    assert_int_equal(told.turn, HEALTH_HOLD_WELL);
    health_free(health);
}

static void what_fell_before_is_not_held(void **state)
{
    (void)state;
    struct health *health = build();
    lose(health, US_1);
    forbid(health, FREEZE, US, HEALTH_ANYWHERE, true);
    assert_false(is_held(health, US));
    lose(health, US_2);
    assert_true(is_held(health, US));
    heal(health, US_2);
    assert_false(is_held(health, US));
    health_free(health);
}

static void of_two_that_fail_one_goes(void **state)
{
    (void)state;
    struct health *health = build();
    struct told told;
    listen(health, &told);
    lose(health, EU_1);
    assert_false(is_held(health, EU));
    assert_int_equal(look(health, US).rules, 1u << COUNTS); /* beforehand */
    lose(health, AP_1);
    assert_true(is_held(health, AP));
    assert_string_equal(told.region, "ap");
    lose(health, US_1);
    lose(health, US_2);
    assert_true(is_held(health, US));
    heal(health, EU_1); /* now one may go: who fell first */
    assert_false(is_held(health, AP));
    assert_true(is_held(health, US));
    heal(health, AP_1);
    assert_false(is_held(health, US));
    assert_int_equal(told.turn, HEALTH_HOLD_ALLOWED);
    health_free(health);
}

static void weights_and_orders_count(void **state)
{
    (void)state;
    const double weights[] = {50, 30, 20}; /* 60 % have to serve */
    const struct health_guard_plan rules[] = {{.name = "capacity",
                                               .regions = all_regions,
                                               .weights = weights,
                                               .region_count = REGIONS,
                                               .limit = 40,
                                               .counts_ordered = true}};
    struct health *health = build_with(rules, 1);
    assert_int_equal(look(health, US).rules, 1); /* never by itself */
    assert_int_equal(look(health, EU).rules, 0);
    const struct health_override drain = {.desired = HEALTH_DESIRED_DRAIN, .set_ms = WALL};
    const struct health_override none = {.desired = HEALTH_DESIRED_AUTO, .set_ms = WALL};
    assert_int_equal(health_set_override(health, HEALTH_REGION, AP, &drain, WALL), 0);
    assert_int_equal(look(health, EU).rules, 1);
    lose(health, EU_1);
    assert_true(is_held(health, EU));
    assert_int_equal(health_set_override(health, HEALTH_REGION, AP, &none, WALL), 0);
    assert_false(is_held(health, EU));
    health_free(health);
}

static void an_operator_releases(void **state)
{
    (void)state;
    struct health *health = build();
    struct told told;
    listen(health, &told);
    forbid(health, LAG, US, EU, true);
    forbid(health, FREEZE, US, HEALTH_ANYWHERE, true);
    assert_int_equal(health_release_hold(health, US, LAG, WALL), ERROR_CONFLICT); /* nothing is held yet */
    lose(health, US_1);
    assert_int_equal(health_release_hold(health, US, COUNTS, WALL), ERROR_CONFLICT);
    assert_int_equal(health_release_hold(health, US, RULES, WALL), ERROR_NOT_FOUND);
    assert_int_equal(health_release_hold(health, REGIONS, LAG, WALL), ERROR_NOT_FOUND);
    assert_int_equal(health_release_hold(health, US, FREEZE, WALL), 0);
    assert_true(is_held(health, US));
    assert_true(health_is_released(health, US, FREEZE));
    assert_false(health_guard_forbids(health, FREEZE, US, HEALTH_ANYWHERE));
    assert_int_equal(health_release_hold(health, US, LAG, WALL), 0);
    assert_false(is_held(health, US));
    assert_int_equal(told.turn, HEALTH_HOLD_RELEASED);
    assert_int_equal(look(health, US).released, 1u << LAG | 1u << FREEZE);
    forbid(health, LAG, US, EU, false);
    forbid(health, LAG, US, EU, true); /* a word more does not take that back */
    lose(health, US_2);
    assert_false(is_held(health, US));
    heal(health, US_1);
    assert_true(health_is_released(health, US, LAG));
    heal(health, US_2);
    assert_int_equal(look(health, US).released, 0); /* all is well */
    assert_true(health_guard_forbids(health, LAG, US, EU));
    lose(health, US_1);
    assert_true(is_held(health, US));
    health_free(health);
}

static void a_release_counts_for_the_others(void **state)
{
    (void)state;
    struct health *health = build();
    lose(health, EU_1);
    lose(health, AP_1);
    assert_int_equal(health_release_hold(health, AP, COUNTS, WALL), 0);
    assert_false(is_held(health, AP));
    lose(health, US_1);
    lose(health, US_2);
    heal(health, EU_1);
    assert_true(is_held(health, US)); /* ap is gone */
    heal(health, AP_1);
    assert_false(is_held(health, US));
    assert_int_equal(look(health, AP).released, 0);
    health_free(health);
}

/* Rule lag of one pair, us to eu: 10 s at most. */
static struct health *build_lag(bool any_stage)
{
    static const struct health_region_plan regions[] = {{"us", 1}, {"eu", 1}};
    static const struct health_az_plan azs[] = {{"us-a", US, 1}, {"eu-a", EU, 1}};
    static const struct health_endpoint_plan endpoints[] = {{"us1", 0}, {"eu1", 1}};
    static const struct health_monitor_plan monitors[] = {{0, 1, 1, 11, 0}, {1, 1, 1, 12, 0}};
    static const struct health_lag_plan pairs[] = {
        {.kind = HEALTH_REGION, .from = US, .to = EU, .rpo_ms = 10000, .max_age_ms = 60000}};
    static const uint32_t numbers[] = {0};
    static const struct health_way ways[] = {{US, EU}};
    const struct health_lags_plan lags = {pairs, 1};
    const struct health_guard_plan rule = {
        .name = "lag", .lags = numbers, .lag_count = 1, .any_stage = any_stage};
    const struct health_guards_plan guards = {&rule, 1, ways, 1};
    const struct health_plan plan = {.regions = regions,
                                     .region_count = 2,
                                     .azs = azs,
                                     .az_count = 2,
                                     .endpoints = endpoints,
                                     .endpoint_count = 2,
                                     .monitors = monitors,
                                     .monitor_count = 2,
                                     .lags = &lags,
                                     .guards = &guards};
    struct health *health = health_new(&plan, WALL);
    heal(health, 0);
    heal(health, 1);
    return health;
}

static void say_lag(struct health *health, double seconds, enum health_stage stage, int64_t now_ms)
{
    const struct health_lag_report report = {.value = seconds, .stage = stage, .source = HEALTH_LAG_PUSHED};
    assert_int_equal(health_report_lag(health, 0, &report, WALL + now_ms, now_ms), HEALTH_PUSH_TAKEN);
}

static void copies_that_lag_are_no_place_to_go(void **state)
{
    (void)state;
    struct health *health = build_lag(true);
    assert_true(health_guard_forbids(health, 0, US, EU)); /* nothing is known of it */
    assert_int_equal(health_forbid(health, 0, US, EU, false, WALL), ERROR_NOT_FOUND);
    say_lag(health, 1, HEALTH_STAGE_FULL, 1000);
    assert_false(health_guard_forbids(health, 0, US, EU));
    say_lag(health, 11, HEALTH_STAGE_FULL, 2000);
    assert_true(health_guard_forbids(health, 0, US, EU));
    lose(health, 0);
    assert_true(is_held(health, US));
    uint64_t generation = atomic_load(&health_get_table(health)->generation);
    say_lag(health, 2, HEALTH_STAGE_FULL, 3000);
    assert_false(is_held(health, US));
    assert_true(atomic_load(&health_get_table(health)->generation) > generation);
    health_follow_lags(health, WALL + 70000, 70000); /* silence */
    assert_true(health_guard_forbids(health, 0, US, EU));
    assert_false(is_held(health, US));
    struct health *next = build_lag(true);
    health_carry(next, health, WALL);
    assert_true(health_guard_forbids(next, 0, US, EU));
    assert_false(is_held(next, US));
    health_free(next);
    health_free(health);
    health = build_lag(false);
    say_lag(health, 1, HEALTH_STAGE_FULL, 1000);
    assert_true(health_guard_forbids(health, 0, US, EU));
    say_lag(health, 1, HEALTH_STAGE_REAL_TIME, 2000);
    assert_false(health_guard_forbids(health, 0, US, EU));
    health_free(health);
}

/* Three regions, of which eu has a copy of us and ap has none: 10 s at most. */
static struct health *build_strangers(bool only_copies)
{
    static const struct health_region_plan regions[] = {{"us", 1}, {"eu", 1}, {"ap", 1}};
    static const struct health_az_plan azs[] = {{"us-a", US, 1}, {"eu-a", EU, 1}, {"ap-a", AP, 1}};
    static const struct health_endpoint_plan endpoints[] = {{"us1", 0}, {"eu1", 1}, {"ap1", 2}};
    static const struct health_monitor_plan monitors[] = {
        {US, 1, 1, 11, 0}, {EU, 1, 1, 12, 0}, {AP, 1, 1, 13, 0}};
    static const struct health_lag_plan pairs[] = {
        {.kind = HEALTH_REGION, .from = US, .to = EU, .rpo_ms = 10000, .max_age_ms = 60000}};
    static const uint32_t numbers[] = {0};
    static const struct health_way ways[] = {{US, EU}, {US, AP}, {EU, AP}};
    const struct health_lags_plan lags = {pairs, 1};
    const struct health_guard_plan rules[] = {
        {.name = "lag", .lags = numbers, .lag_count = 1, .only_copies = only_copies}, {.name = "told"}};
    const struct health_guards_plan guards = {rules, 2, ways, 3};
    const struct health_plan plan = {.regions = regions,
                                     .region_count = REGIONS,
                                     .azs = azs,
                                     .az_count = REGIONS,
                                     .endpoints = endpoints,
                                     .endpoint_count = REGIONS,
                                     .monitors = monitors,
                                     .monitor_count = REGIONS,
                                     .lags = &lags,
                                     .guards = &guards};
    struct health *health = health_new(&plan, WALL);
    for (uint32_t i = 0; i < REGIONS; i++) {
        heal(health, i);
    }
    return health;
}

/* Whoever has no copy is no better than one whose copy lags, and never good. */
static void strangers_are_no_place_to_go(void **state)
{
    (void)state;
    for (int only_copies = 0; only_copies < 2; only_copies++) {
        struct health *health = build_strangers(only_copies);
        assert_true(health_guard_forbids(health, 0, US, EU)); /* never reported */
        assert_int_equal(health_guard_forbids(health, 0, US, AP), only_copies);
        say_lag(health, 11, HEALTH_STAGE_REAL_TIME, 1000);
        assert_true(health_guard_forbids(health, 0, US, EU));
        assert_int_equal(health_guard_forbids(health, 0, US, AP), only_copies);
        say_lag(health, 1, HEALTH_STAGE_REAL_TIME, 2000);
        assert_false(health_guard_forbids(health, 0, US, EU));
        assert_int_equal(health_guard_forbids(health, 0, US, AP), only_copies);
        assert_false(health_guard_forbids(health, 0, EU, AP)); /* eu copies to nobody */
        health_free(health);
    }
}

/* A region that may go to its copy is not told to be held, nor is its failover no move. */
static void who_has_a_way_to_a_copy_is_not_held(void **state)
{
    (void)state;
    struct health *health = build_strangers(true);
    struct told told;
    say_lag(health, 1, HEALTH_STAGE_REAL_TIME, 1000);
    listen(health, &told);
    assert_int_equal(look(health, US).rules, 0);
    lose(health, US);
    assert_false(is_held(health, US));
    assert_int_equal(told.count, 0);
    assert_int_equal(health_get_last_move(health), WALL);
    assert_int_equal(health_judge_release(health, US, 0), 0); /* for names that have no endpoint in eu */
    lose(health, EU);                                         /* answers go on from there */
    assert_false(is_held(health, US));
    assert_int_equal(told.count, 0);
    heal(health, EU);
    health_follow_lags(health, WALL + 70000, 70000); /* who is dead says no more how far its copy is */
    assert_true(health_guard_forbids(health, 0, US, EU));
    assert_false(is_held(health, US));
    assert_int_equal(health_release_hold(health, US, 0, WALL), 0);
    assert_false(health_guard_forbids(health, 0, US, AP));
    heal(health, US);
    assert_true(health_guard_forbids(health, 0, US, AP));
    health_free(health);
}

static void who_has_no_copy_that_serves_is_held(void **state)
{
    (void)state;
    struct health *health = build_strangers(true);
    struct told told;
    say_lag(health, 1, HEALTH_STAGE_REAL_TIME, 1000);
    listen(health, &told);
    lose(health, EU);
    lose(health, US);
    assert_true(is_held(health, US));
    assert_string_equal(told.region, "us");
    assert_int_equal(told.rules, 1);
    assert_int_equal(health_count_holds(health, 0), 1);
    heal(health, EU);
    assert_false(is_held(health, US));
    assert_int_equal(told.turn, HEALTH_HOLD_ALLOWED);
    health_free(health);
}

static void a_reload_lets_strangers_in(void **state)
{
    (void)state;
    struct health *health = build_strangers(true), *next = build_strangers(false);
    lose(health, US);
    assert_true(is_held(health, US));
    health_carry(next, health, WALL);
    assert_true(health_guard_forbids(next, 0, US, EU));
    assert_false(health_guard_forbids(next, 0, US, AP));
    health_free(health);
    health = build_strangers(true);
    health_carry(health, next, WALL);
    assert_true(health_guard_forbids(health, 0, US, AP)); /* from now on: who has moved stays there */
    uint64_t since = atomic_load(&health_get_table(health)->bans->moving[1].since);
    assert_true(since > atomic_load(&health_get_table(health)->bans->regions[US].fell[HEALTH_ANY]));
    health_free(next);
    health_free(health);
}

static struct health *reload(struct health *old, const struct health_guard_plan *rules, size_t count)
{
    struct health *next = build_with(rules, count);
    health_carry(next, old, WALL);
    health_free(old);
    return next;
}

static void reloads_keep_it(void **state)
{
    (void)state;
    static const struct health_guard_plan others[] = {{.name = "new"}, {.name = "lag"}};
    struct health *health = build();
    forbid(health, LAG, US, EU, true);
    forbid(health, FREEZE, EU, HEALTH_ANYWHERE, true);
    lose(health, US_1);
    lose(health, EU_1);
    health = reload(health, usual_rules, RULES);
    assert_int_equal(look(health, US).rules, 1u << LAG);
    assert_true(is_held(health, US));
    assert_true(is_held(health, EU));
    health = reload(health, others, 2);
    assert_int_equal(look(health, US).rules, 1u << 1);
    assert_true(is_held(health, US));
    assert_false(is_held(health, EU)); /* nobody forbids it any more */
    forbid(health, 0, EU, US, true);
    assert_false(is_held(health, EU));
    struct health *copy = health_new_like(health);
    health_carry(copy, health, WALL);
    assert_true(is_held(copy, US));
    assert_false(is_held(copy, EU));
    forbid(health, 1, US, EU, false);
    assert_false(is_held(health, US));
    assert_true(is_held(copy, US));
    health_free(copy);
    health_free(health);
}

/* ---- time between two moves ---- */

enum { MINUTE = 60000 };

static struct health *build_waiting(void)
{
    static const struct health_guard_plan rules[] = {{.name = "wait", .wait_ms = 10 * MINUTE},
                                                     {.name = "freeze"}};
    return build_with(rules, 2);
}

static void lose_at(struct health *health, uint32_t endpoint, int64_t wall_ms)
{
    health_observe(health, endpoint, HEALTH_OUTCOME_TIMEOUT, wall_ms, 0, 0);
}

static void of_two_that_fall_at_once_one_waits(void **state)
{
    (void)state;
    struct health *health = build_waiting();
    assert_int_equal(health_get_last_move(health), 0);
    lose_at(health, EU_1, WALL);
    lose_at(health, AP_1, WALL);
    assert_false(is_held(health, EU));
    assert_true(is_held(health, AP));
    assert_int_equal(health_get_last_move(health), WALL);
    assert_int_equal(health_forbid(health, 0, US, HEALTH_ANYWHERE, true, WALL), ERROR_NOT_FOUND);
    health_follow_guards(health, WALL + 10 * MINUTE - 1);
    assert_true(is_held(health, AP));
    health_follow_guards(health, WALL + 10 * MINUTE);
    assert_false(is_held(health, AP)); /* and that is the next move */
    assert_int_equal(health_get_last_move(health), WALL + 10 * MINUTE);
    lose_at(health, US_1, WALL + 11 * MINUTE);
    lose_at(health, US_2, WALL + 11 * MINUTE);
    assert_true(is_held(health, US));
    health_free(health);
}

static void who_comes_back_has_moved(void **state)
{
    (void)state;
    struct health *health = build_waiting();
    lose_at(health, EU_1, WALL);
    health_follow_guards(health, WALL + 20 * MINUTE);
    health_observe(health, EU_1, HEALTH_OUTCOME_OK, WALL + 20 * MINUTE, 0, 0);
    lose_at(health, AP_1, WALL + 20 * MINUTE);
    assert_true(is_held(health, AP));
    health_observe(health, AP_1, HEALTH_OUTCOME_OK, WALL + 25 * MINUTE, 0, 0); /* it had never left */
    health_follow_guards(health, WALL + 30 * MINUTE);
    lose_at(health, AP_1, WALL + 30 * MINUTE);
    assert_false(is_held(health, AP));
    health_free(health);
}

static void an_order_is_a_move(void **state)
{
    (void)state;
    struct health *health = build_waiting();
    const struct health_override drain = {.desired = HEALTH_DESIRED_DRAIN, .set_ms = WALL};
    assert_int_equal(health_set_override(health, HEALTH_REGION, EU, &drain, WALL), 0);
    lose_at(health, AP_1, WALL);
    assert_true(is_held(health, AP));
    assert_int_equal(health_set_override(health, HEALTH_REGION, AP, &drain, WALL + MINUTE), 0);
    assert_false(is_held(health, AP)); /* orders are never held */
    assert_int_equal(health_get_last_move(health), WALL + MINUTE);
    health_free(health);
}

/* A freeze ends while two are held by it: they go one after the other. */
static void who_is_let_go_moves_by_itself(void **state)
{
    (void)state;
    struct health *health = build_waiting();
    for (uint32_t region = 0; region < REGIONS; region++) {
        forbid(health, 1, region, HEALTH_ANYWHERE, true);
    }
    lose_at(health, AP_1, WALL);
    lose_at(health, EU_1, WALL);
    assert_true(is_held(health, EU) && is_held(health, AP));
    for (uint32_t region = 0; region < REGIONS; region++) {
        forbid(health, 1, region, HEALTH_ANYWHERE, false);
    }
    assert_false(is_held(health, EU));
    assert_true(is_held(health, AP));
    health_follow_guards(health, WALL + 10 * MINUTE);
    assert_false(is_held(health, AP));
    health_free(health);
}

/* Down to what is below it, and what falls there later; nor does it hold what has left when it is back. */
static void who_has_left_is_not_held_by_its_own_move(void **state)
{
    (void)state;
    struct health *health = build_waiting();
    lose_at(health, US_1, WALL);
    lose_at(health, US_2, WALL);
    assert_false(is_held(health, US));
    health_observe(health, US_1, HEALTH_OUTCOME_OK, WALL + MINUTE, 0, 0);
    assert_false(is_held(health, US));
    health_free(health);
}

static void they_go_one_after_the_other(void **state)
{
    (void)state;
    struct health *health = build_waiting();
    lose_at(health, AP_1, WALL);
    lose_at(health, EU_1, WALL + 1);
    lose_at(health, US_1, WALL + 2);
    lose_at(health, US_2, WALL + 2);
    health_follow_guards(health, WALL + 10 * MINUTE);
    assert_false(is_held(health, EU)); /* which fell first */
    assert_true(is_held(health, US));
    health_follow_guards(health, WALL + 20 * MINUTE);
    assert_false(is_held(health, US));
    health_free(health);
}

static void a_clock_that_is_set_back_ends_a_wait(void **state)
{
    (void)state;
    struct health *health = build_waiting();
    lose_at(health, EU_1, WALL);
    health_follow_guards(health, WALL - 5 * MINUTE);
    assert_int_equal(health_get_last_move(health), 0);
    lose_at(health, AP_1, WALL - 5 * MINUTE);
    assert_false(is_held(health, AP));
    health_free(health);
}

/* Of what fell before it was said; what falls later is another fall. */
static void a_release_that_was_written_down_holds_again(void **state)
{
    (void)state;
    for (int is_later = 0; is_later < 2; is_later++) {
        struct health *health = build(), *next = build();
        forbid(health, FREEZE, AP, HEALTH_ANYWHERE, true);
        lose(health, AP_1);
        assert_int_equal(health_judge_release(health, AP, FREEZE), 0);
        assert_int_equal(health_judge_release(health, AP, LAG), ERROR_CONFLICT);
        assert_int_equal(health_judge_release(health, AP, RULES), ERROR_NOT_FOUND);
        health_carry(next, health, WALL);
        health_restore_release(next, AP, FREEZE, is_later ? WALL : WALL - 1);
        health_restore_release(next, REGIONS, FREEZE, WALL);
        assert_int_equal(is_held(next, AP), !is_later);
        heal(next, AP_1);
        lose(next, AP_1);
        assert_true(is_held(next, AP));
        health_free(next);
        health_free(health);
    }
}

static void a_wait_outlives_a_reload(void **state)
{
    (void)state;
    struct health *health = build_waiting(), *next = build_waiting();
    lose_at(health, EU_1, WALL);
    lose_at(health, AP_1, WALL);
    health_carry(next, health, WALL + MINUTE);
    assert_true(is_held(next, AP));
    assert_false(is_held(next, EU));
    assert_int_equal(health_get_last_move(next), WALL);
    health_follow_guards(next, WALL + 10 * MINUTE);
    assert_false(is_held(next, AP));
    health_free(next);
    health_free(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_rules_no_holds),
        cmocka_unit_test(who_is_told_says_what_it_forbids),
        cmocka_unit_test(a_hold_is_told),
        cmocka_unit_test(what_fell_before_is_not_held),
        cmocka_unit_test(of_two_that_fail_one_goes),
        cmocka_unit_test(weights_and_orders_count),
        cmocka_unit_test(an_operator_releases),
        cmocka_unit_test(a_release_counts_for_the_others),
        cmocka_unit_test(reloads_keep_it),
        cmocka_unit_test(copies_that_lag_are_no_place_to_go),
        cmocka_unit_test(strangers_are_no_place_to_go),
        cmocka_unit_test(who_has_a_way_to_a_copy_is_not_held),
        cmocka_unit_test(who_has_no_copy_that_serves_is_held),
        cmocka_unit_test(a_reload_lets_strangers_in),
        cmocka_unit_test(of_two_that_fall_at_once_one_waits),
        cmocka_unit_test(who_comes_back_has_moved),
        cmocka_unit_test(an_order_is_a_move),
        cmocka_unit_test(who_is_let_go_moves_by_itself),
        cmocka_unit_test(who_has_left_is_not_held_by_its_own_move),
        cmocka_unit_test(they_go_one_after_the_other),
        cmocka_unit_test(a_clock_that_is_set_back_ends_a_wait),
        cmocka_unit_test(a_release_that_was_written_down_holds_again),
        cmocka_unit_test(a_wait_outlives_a_reload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
