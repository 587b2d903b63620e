/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what a reload does to verdicts: nothing, by itself. */
#include "config.h"

#include "unit.h"

#include "health_world.h"

#include <stdio.h>
#include <string.h>

enum { WEB = 1, DEEP = 2, ADDR_1 = 101, ADDR_2 = 102, BOTH = 12, MANY = 8 };

static const struct health_region_plan regions[] = {{"us", 1}, {"eu", 1}};
static const struct health_az_plan azs[] = {{"us-1", 0, 1}, {"us-2", 0, 1}, {"eu-1", 1, 1}};

struct endpoint {
    struct health_endpoint_plan plan;
    uint64_t addressed;
};

struct monitor {
    struct health_monitor_plan plan;
    struct health_kin kin;
};

/* a at ADDR_1 and ADDR_2, b and e elsewhere */
static const struct endpoint before_endpoints[] = {{{"a", 0}, BOTH}, {{"b", 1}, 20}, {{"e", 2}, 30}};
static const struct monitor before_monitors[] = {{{0, 2, 3, 1, 0}, {ADDR_1, WEB}},
                                                 {{0, 2, 3, 2, 0}, {ADDR_2, WEB}},
                                                 {{1, 2, 3, 3, 0}, {201, WEB}},
                                                 {{2, 2, 3, 4, 0}, {301, WEB}}};

static struct health *make(const struct endpoint *endpoints, size_t endpoint_count,
                           const struct monitor *monitors, size_t monitor_count)
{
    struct health_endpoint_plan endpoint_plans[MANY];
    struct health_monitor_plan monitor_plans[MANY];
    struct health_kin kin[MANY];
    uint64_t addressed[MANY];
    for (size_t i = 0; i < endpoint_count; i++) {
        endpoint_plans[i] = endpoints[i].plan;
        addressed[i] = endpoints[i].addressed;
    }
    for (size_t i = 0; i < monitor_count; i++) {
        monitor_plans[i] = monitors[i].plan;
        kin[i] = monitors[i].kin;
    }
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = 2,
                                            .azs = azs,
                                            .az_count = 3,
                                            .endpoints = endpoint_plans,
                                            .endpoint_count = endpoint_count,
                                            .monitors = monitor_plans,
                                            .monitor_count = monitor_count,
                                            .kin = kin,
                                            .addressed = addressed},
                      1000);
}

#define MAKE(endpoints, monitors)                                                                            \
    make(endpoints, sizeof(endpoints) / sizeof *(endpoints), monitors, sizeof(monitors) / sizeof *(monitors))

static struct health *make_before(void)
{
    struct health *health = MAKE(before_endpoints, before_monitors);
    make_all_healthy(health);
    return health;
}

static enum health_state state_at(const struct health *health, const char *endpoint)
{
    return status_of(health, HEALTH_ENDPOINT, (uint32_t)health_find(health, HEALTH_ENDPOINT, endpoint))
        .effective.state;
}

static struct health_monitor_status monitor_at(const struct health *health, uint32_t monitor)
{
    struct health_monitor_status status;
    assert_int_equal(health_get_monitor(health, monitor, &status), 0);
    return status;
}

static void expect_carried(const struct health *from, struct health *to, const char *endpoint,
                           enum health_state state)
{
    health_carry(to, from, 5000);
    assert_string_equal(health_state_text(state_at(to, endpoint)), health_state_text(state));
}

static void a_check_with_other_parameters_keeps_the_verdict(void **state)
{
    (void)state;
    static const struct monitor monitors[] = {
        {{0, 2, 2, 91, 0}, {ADDR_1, WEB}}, {{0, 2, 2, 2, 0}, {ADDR_2, WEB}}, {{1, 2, 3, 93, 0}, {201, WEB}}};
    static const struct endpoint endpoints[] = {{{"a", 0}, BOTH}, {{"b", 1}, 20}};
    struct health *from = make_before(), *to = MAKE(endpoints, monitors);
    observe_times(from, 0, HEALTH_OUTCOME_TIMEOUT, 3);
    observe_times(from, 1, HEALTH_OUTCOME_TIMEOUT, 2);
    observe_times(from, 2, HEALTH_OUTCOME_TIMEOUT, 2);
    struct health_status was = status_of(from, HEALTH_ENDPOINT, 0);
    expect_carried(from, to, "a", HEALTH_UNHEALTHY);
    assert_int_equal(state_at(to, "b"), HEALTH_HEALTHY);
    assert_int_equal(status_of(to, HEALTH_ENDPOINT, 0).since_ms, was.since_ms);
    assert_int_equal(status_of(to, HEALTH_ENDPOINT, 0).checked_ms, was.checked_ms);
    assert_int_equal(monitor_at(to, 0).streak, 0); /* of another question */
    assert_int_equal(monitor_at(to, 1).streak, 2); /* of the same one */
    assert_int_equal(monitor_at(to, 2).streak, 0);
    observe_times(to, 1, HEALTH_OUTCOME_OK, 1);
    observe_times(to, 0, HEALTH_OUTCOME_OK, 1);
    assert_int_equal(state_at(to, "a"), HEALTH_UNHEALTHY); /* rise is 2 */
    observe_times(to, 0, HEALTH_OUTCOME_OK, 1);
    assert_int_equal(state_at(to, "a"), HEALTH_HEALTHY);
    health_free(from);
    health_free(to);
}

static void another_check_takes_the_worst_of_its_address(void **state)
{
    (void)state;
    static const struct monitor monitors[] = {{{0, 2, 3, 50, 0}, {ADDR_1, DEEP}},
                                              {{0, 2, 3, 51, 0}, {ADDR_2, DEEP}},
                                              {{1, 2, 3, 3, 0}, {201, WEB}},
                                              {{1, 2, 3, 52, 0}, {201, DEEP}}};
    static const struct endpoint endpoints[] = {{{"a", 0}, BOTH}, {{"b", 1}, 20}};
    struct health *from = make_before(), *to = MAKE(endpoints, monitors);
    observe_times(from, 0, HEALTH_OUTCOME_REFUSED, 3);
    expect_carried(from, to, "a", HEALTH_UNHEALTHY);
    assert_int_equal(monitor_at(to, 0).verdict, HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(monitor_at(to, 0).outcome, HEALTH_OUTCOME_REFUSED);
    assert_int_equal(monitor_at(to, 1).verdict, HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(state_at(to, "b"), HEALTH_HEALTHY); /* one more of what is well */
    assert_int_equal(monitor_at(to, 3).verdict, HEALTH_OBSERVED_HEALTHY);
    observe_times(to, 3, HEALTH_OUTCOME_REFUSED, 3);
    assert_int_equal(state_at(to, "b"), HEALTH_UNHEALTHY);
    health_free(from);
    health_free(to);
}

static void without_checks_nothing_is_known(void **state)
{
    (void)state;
    static const struct monitor monitors[] = {{{1, 2, 3, 3, 0}, {201, WEB}}};
    static const struct endpoint endpoints[] = {{{"a", 0}, BOTH}, {{"b", 1}, 20}};
    struct health *from = make_before(), *to = MAKE(endpoints, monitors);
    observe_times(from, 0, HEALTH_OUTCOME_REFUSED, 3);
    expect_carried(from, to, "a", HEALTH_UNKNOWN);
    health_free(from);
    health_free(to);
}

static void a_renamed_endpoint_keeps_its_health(void **state)
{
    (void)state;
    static const struct monitor monitors[] = {{{0, 2, 3, 61, 0}, {201, WEB}},
                                              {{1, 2, 3, 62, 0}, {ADDR_1, WEB}},
                                              {{1, 2, 3, 63, 0}, {ADDR_2, WEB}},
                                              {{2, 2, 3, 64, 0}, {999, WEB}}};
    /* b is what e was not, new is a; e has another address */
    static const struct endpoint endpoints[] = {{{"e", 1}, 20}, {{"new", 0}, BOTH}, {{"x", 2}, 99}};
    struct health *from = make_before(), *to = MAKE(endpoints, monitors);
    observe_times(from, 1, HEALTH_OUTCOME_REFUSED, 3); /* a */
    observe_times(from, 2, HEALTH_OUTCOME_REFUSED, 3); /* b */
    struct health_status was = status_of(from, HEALTH_ENDPOINT, 0);
    expect_carried(from, to, "new", HEALTH_UNHEALTHY);
    assert_int_equal(status_of(to, HEALTH_ENDPOINT, 1).since_ms, was.since_ms);
    assert_int_equal(state_at(to, "e"), HEALTH_UNHEALTHY); /* it is at the address that b was at */
    assert_int_equal(state_at(to, "x"), HEALTH_UNKNOWN);
    health_free(from);
    health_free(to);
}

static void two_that_change_names_change_verdicts(void **state)
{
    (void)state;
    static const struct endpoint endpoints[] = {{{"e", 1}, 20}, {{"b", 2}, 30}};
    static const struct monitor monitors[] = {{{0, 2, 3, 71, 0}, {201, WEB}}, {{1, 2, 3, 72, 0}, {301, WEB}}};
    struct health *from = make_before(), *to = MAKE(endpoints, monitors);
    observe_times(from, 2, HEALTH_OUTCOME_REFUSED, 3); /* b, at 20 */
    expect_carried(from, to, "e", HEALTH_UNHEALTHY);
    assert_int_equal(state_at(to, "b"), HEALTH_HEALTHY);
    health_free(from);
    health_free(to);
}

/* a is lost with us-1, b with us-2: us is lost. */
static struct health *make_lost(void)
{
    struct health *health = make_before();
    observe_times(health, 0, HEALTH_OUTCOME_REFUSED, 3);
    observe_times(health, 2, HEALTH_OUTCOME_REFUSED, 3);
    expect(health, HEALTH_REGION, 0, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    return health;
}

static void a_new_endpoint_in_a_lost_region_waits_for_its_first_verdict(void **state)
{
    (void)state;
    static const struct endpoint endpoints[] = {
        {{"a", 0}, BOTH}, {{"n", 0}, 70}, {{"m", 0}, 80}, {{"b", 1}, 20}, {{"f", 2}, 90}};
    static const struct monitor monitors[] = {
        {{0, 2, 3, 1, 0}, {ADDR_1, WEB}}, {{0, 2, 3, 2, 0}, {ADDR_2, WEB}}, {{1, 2, 3, 81, 0}, {701, WEB}},
        {{2, 2, 3, 82, 0}, {801, WEB}},   {{3, 2, 3, 3, 0}, {201, WEB}},    {{4, 2, 3, 83, 0}, {901, WEB}}};
    struct health *from = make_lost(), *to = MAKE(endpoints, monitors);
    expect_carried(from, to, "n", HEALTH_UNHEALTHY);
    assert_int_equal(status_of(to, HEALTH_REGION, 0).observed, HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(status_of(to, HEALTH_AZ, 0).observed, HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(state_at(to, "f"), HEALTH_UNKNOWN); /* eu-1 is well */
    assert_true(monitor_at(to, 2).inherited && !monitor_at(to, 0).inherited);
    observe_times(to, 2, HEALTH_OUTCOME_OK, 1); /* one is enough */
    assert_int_equal(state_at(to, "n"), HEALTH_HEALTHY);
    assert_int_equal(state_at(to, "a"), HEALTH_UNHEALTHY);
    observe_times(to, 3, HEALTH_OUTCOME_REFUSED, 3); /* now it is its own */
    assert_false(monitor_at(to, 3).inherited);
    observe_times(to, 3, HEALTH_OUTCOME_OK, 1);
    assert_int_equal(state_at(to, "m"), HEALTH_UNHEALTHY);
    health_free(from);
    health_free(to);
}

static void a_region_whose_endpoints_were_all_replaced_is_lost_until_it_is_seen(void **state)
{
    (void)state;
    static const struct endpoint endpoints[] = {{{"n", 0}, 70}, {{"m", 1}, 80}, {{"e", 2}, 30}};
    static const struct monitor monitors[] = {
        {{0, 2, 3, 81, 0}, {701, WEB}}, {{1, 2, 3, 82, 0}, {801, WEB}}, {{2, 2, 3, 4, 0}, {301, WEB}}};
    struct health *from = make_lost(), *to = MAKE(endpoints, monitors);
    expect_carried(from, to, "n", HEALTH_UNHEALTHY);
    expect(to, HEALTH_REGION, 0, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    struct health *again = MAKE(endpoints, monitors);
    expect_carried(to, again, "n", HEALTH_UNHEALTHY); /* and through the next reload */
    assert_true(monitor_at(again, 0).inherited);
    observe_times(again, 1, HEALTH_OUTCOME_OK, 1);
    assert_int_equal(state_at(again, "m"), HEALTH_HEALTHY);
    assert_int_equal(state_at(again, "n"), HEALTH_UNHEALTHY);
    health_free(from);
    health_free(to);
    health_free(again);
}

static void an_address_that_is_new_inherits_likewise(void **state)
{
    (void)state;
    static const struct endpoint endpoints[] = {{{"a", 0}, 13}, {{"b", 1}, 20}, {{"e", 2}, 31}};
    static const struct monitor monitors[] = {
        {{0, 2, 3, 84, 0}, {111, WEB}}, {{1, 2, 3, 3, 0}, {201, WEB}}, {{2, 2, 3, 85, 0}, {302, WEB}}};
    struct health *from = make_lost(), *to = MAKE(endpoints, monitors);
    expect_carried(from, to, "a", HEALTH_UNHEALTHY);
    expect(to, HEALTH_REGION, 0, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    assert_int_equal(state_at(to, "e"), HEALTH_UNKNOWN);
    health_free(from);
    health_free(to);
}

static void one_that_moves_keeps_its_verdict(void **state)
{
    (void)state;
    static const struct endpoint endpoints[] = {{{"a", 2}, BOTH}, {{"b", 1}, 20}, {{"e", 0}, 30}};
    struct health *from = make_lost(), *to = MAKE(endpoints, before_monitors);
    expect_carried(from, to, "a", HEALTH_UNHEALTHY);
    assert_int_equal(state_at(to, "e"), HEALTH_HEALTHY); /* us-1 is what is in it now */
    health_free(from);
    health_free(to);
}

static void reloads_in_a_row_do_not_put_off_a_verdict(void **state)
{
    (void)state;
    struct health *health = make_before();
    for (int i = 0; i < 3; i++) {
        struct health *next = MAKE(before_endpoints, before_monitors);
        observe_times(health, 0, HEALTH_OUTCOME_TIMEOUT, 1);
        health_carry(next, health, 5000);
        health_free(health);
        health = next;
    }
    assert_int_equal(state_at(health, "a"), HEALTH_UNHEALTHY);
    health_free(health);
}

/* ---- overrides ---- */

static struct health_override make_override(int64_t starts_ms, int64_t expires_ms)
{
    struct health_override override = {
        .desired = HEALTH_DESIRED_DRAIN, .set_ms = 1, .starts_ms = starts_ms, .expires_ms = expires_ms};
    snprintf(override.actor, sizeof override.actor, "alice");
    return override;
}

static void drain(struct health *health, enum health_kind kind, const char *name, int64_t starts_ms,
                  int64_t expires_ms)
{
    struct health_override override = make_override(starts_ms, expires_ms);
    uint32_t index = (uint32_t)health_find(health, kind, name);
    assert_int_equal(health_set_override(health, kind, index, &override, 1), 0);
}

static const struct endpoint renamed_endpoints[] = {{{"new", 0}, BOTH}, {{"e", 2}, 30}};
static const struct monitor renamed_monitors[] = {
    {{0, 2, 3, 62, 0}, {ADDR_1, WEB}}, {{0, 2, 3, 63, 0}, {ADDR_2, WEB}}, {{1, 2, 3, 4, 0}, {301, WEB}}};

static struct health *carry_to(struct health *from, struct health *to)
{
    health_carry(to, from, 5000);
    health_free(from);
    return to;
}

static void an_override_without_a_target_sleeps_until_it_is_back(void **state)
{
    (void)state;
    struct health *health = make_before();
    drain(health, HEALTH_ENDPOINT, "a", 0, 0);
    drain(health, HEALTH_ENDPOINT, "b", 7000, 9000);
    drain(health, HEALTH_REGION, "eu", 0, 0);
    health = carry_to(health, MAKE(renamed_endpoints, renamed_monitors));
    assert_int_equal(health_count_dormant(health), 2);
    const struct health_dormant *a = health_find_dormant(health, HEALTH_ENDPOINT, "a");
    assert_true(a->is_new && !a->planned);
    assert_string_equal(a->heir, "new"); /* which is not drained: people say names */
    assert_string_equal(a->what.actor, "alice");
    assert_int_equal(state_at(health, "new"), HEALTH_HEALTHY);
    assert_int_equal(state_at(health, "e"), HEALTH_DRAINED);
    assert_int_equal(health_next_due(health), 7000);
    health = carry_to(health, MAKE(renamed_endpoints, renamed_monitors)); /* and another reload */
    assert_false(health_find_dormant(health, HEALTH_ENDPOINT, "a")->is_new);
    assert_int_equal(health_follow_clock(health, 7000), 1); /* nothing that answers would follow */
    assert_false(health_find_dormant(health, HEALTH_ENDPOINT, "b")->planned);
    struct health *copy = health_new_like(health);
    health_carry(copy, health, 1);
    assert_int_equal(health_count_dormant(copy), 2);
    health_free(copy);
    health = carry_to(health, MAKE(before_endpoints, before_monitors));
    assert_int_equal(health_count_dormant(health), 0);
    assert_int_equal(state_at(health, "a"), HEALTH_DRAINED);
    assert_int_equal(state_at(health, "b"), HEALTH_DRAINED); /* its time had come meanwhile */
    assert_int_equal(health_follow_clock(health, 9000), 1);
    assert_int_equal(state_at(health, "b"), HEALTH_UNKNOWN);
    health_free(health);
}

static size_t turns[HEALTH_TURN_WOKEN + 1];

static void count_turn(void *context, const struct health_override_turn *turn)
{
    (void)context;
    turns[turn->turn]++;
}

static void one_that_sleeps_ends_in_time_or_is_forgotten(void **state)
{
    (void)state;
    struct health_listener listener = {.turned = count_turn};
    struct health *health = make_before();
    memset(turns, 0, sizeof turns);
    drain(health, HEALTH_ENDPOINT, "a", 0, 6000);
    drain(health, HEALTH_ENDPOINT, "b", 0, 0);
    health = carry_to(health, MAKE(renamed_endpoints, renamed_monitors));
    health_set_listener(health, &listener);
    health_tell_carried(health);
    assert_int_equal(turns[HEALTH_TURN_DORMANT], 2);
    assert_int_equal(health_next_due(health), 6000);
    assert_int_equal(health_follow_clock(health, 6000), 1);
    assert_int_equal(turns[HEALTH_TURN_EXPIRED], 1);
    assert_null(health_find_dormant(health, HEALTH_ENDPOINT, "a"));
    struct health *next = MAKE(before_endpoints, before_monitors);
    health_carry(next, health, 5000);
    health_set_listener(next, &listener);
    health_tell_carried(next);
    assert_int_equal(turns[HEALTH_TURN_WOKEN], 1);
    assert_int_equal(state_at(next, "b"), HEALTH_DRAINED);
    health_free(next);
    assert_false(health_forget_dormant(health, HEALTH_AZ, "b"));
    assert_true(health_forget_dormant(health, HEALTH_ENDPOINT, "b"));
    assert_int_equal(health_count_dormant(health), 0);
    health_free(health);
}

static void many_sleep(void **state)
{
    (void)state;
    enum { ALL = 3000 };
    static char names[ALL][16];
    static struct health_endpoint_plan plans[ALL];
    struct health_plan plan = {.regions = regions,
                               .region_count = 2,
                               .azs = azs,
                               .az_count = 3,
                               .endpoints = plans,
                               .endpoint_count = ALL};
    for (uint32_t i = 0; i < ALL; i++) {
        snprintf(names[i], sizeof names[i], "x%u", i);
        plans[i] = (struct health_endpoint_plan){names[i], 0};
    }
    struct health *health = health_new(&plan, 1);
    for (uint32_t i = 0; i < ALL; i++) {
        drain(health, HEALTH_ENDPOINT, names[i], 0, 0);
    }
    health = carry_to(health, MAKE(before_endpoints, before_monitors));
    assert_int_equal(health_count_dormant(health), ALL);
    health = carry_to(health, health_new(&plan, 1));
    assert_int_equal(health_count_dormant(health), 0);
    assert_int_equal(health_count_overrides(health), ALL);
    health_free(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_check_with_other_parameters_keeps_the_verdict),
        cmocka_unit_test(another_check_takes_the_worst_of_its_address),
        cmocka_unit_test(without_checks_nothing_is_known),
        cmocka_unit_test(a_renamed_endpoint_keeps_its_health),
        cmocka_unit_test(two_that_change_names_change_verdicts),
        cmocka_unit_test(a_new_endpoint_in_a_lost_region_waits_for_its_first_verdict),
        cmocka_unit_test(a_region_whose_endpoints_were_all_replaced_is_lost_until_it_is_seen),
        cmocka_unit_test(an_address_that_is_new_inherits_likewise),
        cmocka_unit_test(one_that_moves_keeps_its_verdict),
        cmocka_unit_test(reloads_in_a_row_do_not_put_off_a_verdict),
        cmocka_unit_test(an_override_without_a_target_sleeps_until_it_is_back),
        cmocka_unit_test(one_that_sleeps_ends_in_time_or_is_forgotten),
        cmocka_unit_test(many_sleep),
    };
    return cmocka_run_group_tests_name("health_reload", tests, NULL, NULL);
}
