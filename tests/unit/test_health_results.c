/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the results that are kept of each monitor, and of what is said to be needed for another verdict.
 */
#include "config.h"

#include "health/results.h"
#include "health_world.h"

#include <pthread.h>
#include <string.h>

enum { MANY = 200000 };

static void note(struct health *health, uint32_t monitor, uint32_t number)
{
    struct health_result result = {.ended_ms = number,
                                   .duration_us = number * 3,
                                   .detail = (uint16_t)(number % 1000),
                                   .outcome = HEALTH_OUTCOME_REFUSED,
                                   .vantage = HEALTH_VANTAGE_LOCAL};
    health_note_result(health, monitor, &result, (int64_t)number + 500);
}

static void expect_latest(const struct health *health, uint32_t monitor, uint32_t last, size_t count)
{
    struct health_result results[HEALTH_RESULTS_KEPT];
    int64_t next_ms;
    assert_int_equal(health_read_results(health, monitor, results, HEALTH_RESULTS_KEPT, &next_ms), count);
    assert_int_equal(next_ms, last == 0 ? 0 : last + 500);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(results[i].ended_ms, last - i);
        assert_int_equal(results[i].duration_us, (last - i) * 3);
        assert_int_equal(results[i].detail, (last - i) % 1000);
        assert_int_equal(results[i].outcome, HEALTH_OUTCOME_REFUSED);
    }
}

static void the_latest_are_kept(void **state)
{
    struct world *world = *state;
    expect_latest(world->health, 1, 0, 0); /* no room was made */
    note(world->health, 1, 1);
    expect_latest(world->health, 1, 0, 0);
    health_keep_results(world->health);
    for (uint32_t i = 1; i <= 3 * HEALTH_RESULTS_KEPT + 1; i++) {
        note(world->health, 1, i);
        expect_latest(world->health, 1, i, i < HEALTH_RESULTS_KEPT ? i : HEALTH_RESULTS_KEPT);
    }
    expect_latest(world->health, 0, 0, 0);
    expect_latest(world->health, 2, 0, 0);
    expect_latest(world->health, 99, 0, 0); /* there is none */
}

static void fewer_may_be_asked_for(void **state)
{
    struct world *world = *state;
    struct health_result results[2];
    int64_t next_ms;
    health_keep_results(world->health);
    note(world->health, 4, 1);
    note(world->health, 4, 2);
    note(world->health, 4, 3);
    assert_int_equal(health_read_results(world->health, 4, results, 2, &next_ms), 2);
    assert_int_equal(results[0].ended_ms, 3);
    assert_int_equal(results[1].ended_ms, 2);
}

/* Each number whole, however they are packed. */
static void nothing_is_cut(void **state)
{
    struct world *world = *state;
    static const struct health_result all[] = {
        {INT64_C(0x7fffffffffff), UINT32_MAX, UINT16_MAX, UINT8_MAX, UINT8_MAX},
        {1, 0, 0, 0, 0},
        {-1, 2, 3, 4, 5}, /* the clock is set to before 1970 */
        {0, 0, UINT16_MAX, 0, UINT8_MAX},
    };
    enum { COUNT = sizeof all / sizeof *all };
    struct health_result results[COUNT];
    int64_t next_ms;
    health_keep_results(world->health);
    for (size_t i = 0; i < COUNT; i++) {
        health_note_result(world->health, 0, &all[i], INT64_MAX);
    }
    assert_int_equal(health_read_results(world->health, 0, results, COUNT, &next_ms), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const struct health_result *is = &results[COUNT - 1 - i];
        assert_int_equal(is->ended_ms, all[i].ended_ms);
        assert_int_equal(is->duration_us, all[i].duration_us);
        assert_int_equal(is->detail, all[i].detail);
        assert_int_equal(is->outcome, all[i].outcome);
        assert_int_equal(is->vantage, all[i].vantage);
    }
    assert_int_equal(next_ms, INT64_MAX);
}

/* What a snapshot shows is what the live one writes, also when that is gone. */
static void copies_share_them(void **state)
{
    struct world *world = *state;
    struct health *live = health_new(&health_world_plan, 1000);
    health_keep_results(live);
    note(live, 3, 1);
    struct health *copy = health_new_like(live);
    health_carry(copy, live, 1000);
    note(live, 3, 2);
    health_free(live);
    expect_latest(copy, 3, 2, 2);
    health_free(copy);
    (void)world;
}

static void a_reload_keeps_those_of_the_same_checks(void **state)
{
    struct world *world = *state;
    struct health_monitor_plan other[5];
    struct health_plan plan = health_world_plan;
    memcpy(other, plan.monitors, sizeof other);
    other[2].identity = 21; /* asks something else now */
    plan.monitors = other;
    health_keep_results(world->health);
    for (uint32_t i = 1; i <= HEALTH_RESULTS_KEPT + 2; i++) {
        note(world->health, 0, i);
        note(world->health, 2, i);
    }
    struct health *next = health_new(&plan, 1000);
    health_keep_results(next);
    struct health_carrier *carrier = health_carrier_new(next, world->health, 1000);
    health_carrier_watch(carrier);
    while (health_carrier_step(carrier, 1)) {
    }
    health_carrier_settle(carrier);
    health_observe(world->health, 0, HEALTH_OUTCOME_REFUSED, 1100, 1, 0);
    note(world->health, 0, HEALTH_RESULTS_KEPT + 3);
    while (health_carrier_catch_up(carrier, 1) != 0) {
    }
    health_carrier_end(carrier);
    health_carrier_free(carrier);
    expect_latest(next, 0, HEALTH_RESULTS_KEPT + 3, HEALTH_RESULTS_KEPT);
    expect_latest(next, 2, 0, 0);
    note(next, 0, HEALTH_RESULTS_KEPT + 4); /* it goes on from there */
    expect_latest(next, 0, HEALTH_RESULTS_KEPT + 4, HEALTH_RESULTS_KEPT);
    health_free(next);
}

static void *write_many(void *argument)
{
    for (uint32_t i = 1; i <= MANY; i++) {
        note(argument, 1, i);
    }
    return NULL;
}

/* Each is whole, and they are in a row. */
static void readers_need_no_lock(void **state)
{
    struct world *world = *state;
    struct health_result results[HEALTH_RESULTS_KEPT];
    pthread_t writer;
    int64_t next_ms = 0;
    health_keep_results(world->health);
    assert_int_equal(pthread_create(&writer, NULL, write_many, world->health), 0);
    while (next_ms != MANY + 500) {
        size_t count = health_read_results(world->health, 1, results, HEALTH_RESULTS_KEPT, &next_ms);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(results[i].ended_ms, next_ms - 500 - (int64_t)i);
            assert_int_equal(results[i].duration_us, 3 * results[i].ended_ms);
        }
    }
    pthread_join(writer, NULL);
}

/* ---- what has to happen ---- */

static struct health_monitor_status look(const struct health *health, uint32_t monitor)
{
    struct health_monitor_status status;
    assert_int_equal(health_get_monitor(health, monitor, &status), 0);
    return status;
}

/* So many more results bring the verdict that was told, and not one fewer. */
static void expect_outlook_holds(const struct health *health, uint32_t monitor)
{
    struct health_monitor_status status = look(health, monitor);
    struct health_outlook outlook = health_find_outlook(&status);
    struct health *copy = health_new_like(health);
    health_carry(copy, health, 1000);
    assert_int_not_equal(outlook.to, status.verdict);
    assert_true(outlook.have < outlook.need);
    for (unsigned i = outlook.have; i < outlook.need; i++) {
        assert_int_equal(look(copy, monitor).verdict, status.verdict);
        health_observe(copy, monitor, outlook.by_failure ? HEALTH_OUTCOME_TIMEOUT : HEALTH_OUTCOME_OK, 1000,
                       1, 0);
    }
    assert_int_equal(look(copy, monitor).verdict, outlook.to);
    health_free(copy);
}

static void what_is_told_to_be_needed_is_what_is(void **state)
{
    struct world *world = *state;
    unsigned long seed = 1;
    health_set_listener(world->health, NULL);
    for (int begun = 0; begun < 2; begun++) {
        for (int i = 0; i < 2000; i++) {
            uint32_t monitor = (uint32_t)(i % 5);
            expect_outlook_holds(world->health, monitor);
            seed = seed * 6364136223846793005UL + 1442695040888963407UL;
            enum health_outcome outcome = (seed >> 33) % 5 == 0   ? HEALTH_OUTCOME_LOCAL_ERROR
                                          : (seed >> 33) % 2 == 0 ? HEALTH_OUTCOME_OK
                                                                  : HEALTH_OUTCOME_TIMEOUT;
            health_observe(world->health, monitor, outcome, 1000, 1, 0);
        }
        health_free(world->health);
        world->health = health_new(&health_world_plan, 1000);
        health_begin(world->health); /* as after a start: first results decide */
    }
}

static void it_is_told_in_words(void **state)
{
    struct world *world = *state;
    char why[HEALTH_WHY_SIZE];
    struct health_monitor_status status = look(world->health, 0);
    health_write_why(&status, why);
    assert_string_equal(why, "no result yet; 0 of 1 success to become healthy");
    observe_times(world->health, 0, HEALTH_OUTCOME_OK, 5);
    observe_times(world->health, 0, HEALTH_OUTCOME_TIMEOUT, 2);
    status = look(world->health, 0);
    health_write_why(&status, why);
    assert_string_equal(why, "2 failures in a row; 2 of 3 failures in a row to become unhealthy");
    observe_times(world->health, 0, HEALTH_OUTCOME_TIMEOUT, 7);
    observe_times(world->health, 0, HEALTH_OUTCOME_OK, 1);
    status = look(world->health, 0);
    health_write_why(&status, why);
    assert_string_equal(why, "1 success; 1 of 2 successes in a row to become healthy");
    health_use_monitor(world->health, 0, false, 1000);
    status = look(world->health, 0);
    health_write_why(&status, why);
    assert_string_equal(why, "nothing is observed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_latest_are_kept, health_set_up, health_tear_down),
        cmocka_unit_test_setup_teardown(fewer_may_be_asked_for, health_set_up, health_tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_cut, health_set_up, health_tear_down),
        cmocka_unit_test_setup_teardown(copies_share_them, health_set_up, health_tear_down),
        cmocka_unit_test_setup_teardown(a_reload_keeps_those_of_the_same_checks, health_set_up,
                                        health_tear_down),
        cmocka_unit_test_setup_teardown(readers_need_no_lock, health_set_up, health_tear_down),
        cmocka_unit_test_setup_teardown(what_is_told_to_be_needed_is_what_is, health_set_up,
                                        health_tear_down),
        cmocka_unit_test_setup_teardown(it_is_told_in_words, health_set_up, health_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
