/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health that is written down and read by the next process, in virtual time: what is known goes on,
 * says that it is from before, and no damage to what is written does harm. That nothing is missing in what is
 * written is for test_health_kept.c. */
#include "config.h"

#include "unit.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/random.h"
#include "health/record.h"
#include "health_world.h"

#include <stdlib.h>
#include <string.h>

enum { NOW_MS = 100000, LATER_MS = 160000 };

/* ---- from one process to the next ---- */

static void write_down(struct health *health, struct buffer *to)
{
    struct health_sizes sizes = health_get_sizes(health);
    struct health_writer *writer = health_writer_new(&sizes);
    buffer_init(to);
    health_writer_begin(writer, health);
    while (health_writer_step(writer, 2, to)) {
    }
    health_writer_end(writer);
    health_writer_free(writer);
}

static struct health *read_back(const char *bytes, size_t len, int64_t shift_ms)
{
    struct health_reader *reader = health_reader_new();
    struct health_record record;
    size_t at = 0;
    while (health_record_next((const uint8_t *)bytes, len, &at, &record) == 0 &&
           health_reader_take(reader, &record) == 0) {
    }
    struct health *health = health_reader_finish(
        reader, &(struct health_reading){.wall_ms = LATER_MS, .shift_ms = shift_ms, .is_restored = true});
    health_reader_free(reader);
    return health;
}

/* The machine of the next process, which has this plan. */
static struct health *restart(struct health *before, const struct health_plan *plan, int64_t shift_ms)
{
    struct buffer stream;
    write_down(before, &stream);
    struct health *read = read_back(stream.bytes, stream.len, shift_ms), *after = health_new(plan, LATER_MS);
    assert_non_null(read);
    health_carry(after, read, LATER_MS);
    health_begin(after);
    health_free(read);
    buffer_fini(&stream);
    return after;
}

static struct health_monitor_status monitor_of(const struct health *health, uint32_t monitor)
{
    struct health_monitor_status status;
    assert_int_equal(health_get_monitor(health, monitor, &status), 0);
    return status;
}

static enum health_state state_of(const struct health *health, uint32_t endpoint)
{
    return status_of(health, HEALTH_ENDPOINT, endpoint).effective.state;
}

/* ---- verdicts ---- */

static void streaks_go_on(void **state)
{
    struct world *world = *state;
    make_all_healthy(world->health);
    observe_times(world->health, 3, HEALTH_OUTCOME_TIMEOUT, 2); /* of three */
    observe_times(world->health, 4, HEALTH_OUTCOME_TIMEOUT, 3);
    observe_times(world->health, 4, HEALTH_OUTCOME_OK, 1); /* of two */
    struct health *after = restart(world->health, &health_world_plan, 0);
    assert_int_equal(state_of(after, B1), HEALTH_HEALTHY);
    assert_int_equal(state_of(after, E1), HEALTH_UNHEALTHY);
    observe_times(after, 3, HEALTH_OUTCOME_TIMEOUT, 1);
    observe_times(after, 4, HEALTH_OUTCOME_OK, 1);
    assert_int_equal(state_of(after, B1), HEALTH_UNHEALTHY);
    assert_int_equal(state_of(after, E1), HEALTH_HEALTHY);
    health_free(after);
}

/* Nobody who is known is judged by the first result, as those are who are not. */
static void the_first_result_decides_about_the_unknown_only(void **state)
{
    struct world *world = *state;
    health_begin(world->health);
    observe_times(world->health, 3, HEALTH_OUTCOME_OK, 1);
    struct health *after = restart(world->health, &health_world_plan, 0);
    observe_times(after, 3, HEALTH_OUTCOME_TIMEOUT, 1);
    observe_times(after, 4, HEALTH_OUTCOME_TIMEOUT, 1);
    assert_int_equal(state_of(after, B1), HEALTH_HEALTHY);
    assert_int_equal(state_of(after, E1), HEALTH_UNHEALTHY);
    health_free(after);
}

static void it_says_that_it_is_from_before(void **state)
{
    struct world *world = *state;
    observe_times(world->health, 3, HEALTH_OUTCOME_OK, 1);
    struct health *after = restart(world->health, &health_world_plan, 0);
    assert_true(monitor_of(after, 3).restored && status_of(after, HEALTH_ENDPOINT, B1).restored);
    assert_int_equal(monitor_of(after, 3).checked_ms, 2000);
    assert_false(monitor_of(after, 4).restored); /* nothing is known */
    observe_times(after, 3, HEALTH_OUTCOME_LOCAL_ERROR, 1);
    assert_true(monitor_of(after, 3).restored); /* says nothing of it */
    struct health *again = restart(after, &health_world_plan, 0);
    assert_true(monitor_of(again, 3).restored);
    observe_times(again, 3, HEALTH_OUTCOME_TIMEOUT, 1);
    assert_false(monitor_of(again, 3).restored || status_of(again, HEALTH_ENDPOINT, B1).restored);
    health_free(after);
    health_free(again);
}

static void a_lost_region_is_lost_since_then(void **state)
{
    struct world *world = *state;
    make_all_healthy(world->health);
    observe_times(world->health, 4, HEALTH_OUTCOME_REFUSED, 3); /* all of eu-west */
    struct health *after = restart(world->health, &health_world_plan, 0);
    expect(after, HEALTH_REGION, EU, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    expect(after, HEALTH_ENDPOINT, E1, HEALTH_UNHEALTHY, HEALTH_BY_REGION_LOST);
    expect(after, HEALTH_ENDPOINT, QUIET, HEALTH_UNHEALTHY, HEALTH_BY_REGION_LOST);
    assert_int_equal(status_of(after, HEALTH_REGION, EU).since_ms, 2000);
    assert_int_equal(status_of(after, HEALTH_ENDPOINT, QUIET).since_ms, 2000);
    assert_int_equal(status_of(after, HEALTH_ENDPOINT, E1).outcome, HEALTH_OUTCOME_REFUSED);
    assert_int_equal(atomic_load(&health_get_table(after)->regions_outage[EU].left_ms), 2000);
    health_free(after);
}

/* An override is no part of it: what was drained is healthy, since when nobody knows. */
static void overrides_are_kept_elsewhere(void **state)
{
    struct world *world = *state;
    make_all_healthy(world->health);
    override_as(world->health, HEALTH_ENDPOINT, B1, HEALTH_DESIRED_DRAIN, 0);
    struct health *after = restart(world->health, &health_world_plan, 0);
    assert_null(health_get_override(after, HEALTH_ENDPOINT, B1));
    assert_int_equal(state_of(after, B1), HEALTH_HEALTHY);
    assert_int_equal(status_of(after, HEALTH_ENDPOINT, B1).since_ms, LATER_MS);
    health_free(after);
}

/* A time that is yet to come is none. */
static void nothing_is_so_since_tomorrow(void **state)
{
    struct world *world = *state;
    health_observe(world->health, 3, HEALTH_OUTCOME_OK, LATER_MS + 86400000, 1500, 0);
    struct health *after = restart(world->health, &health_world_plan, 0);
    assert_int_equal(state_of(after, B1), HEALTH_HEALTHY);
    assert_int_equal(status_of(after, HEALTH_ENDPOINT, B1).since_ms, LATER_MS);
    health_free(after);
}

/* ---- what is of the monotonic clock ---- */

static const struct health_load_plan loads[] = {{.is_given = true, .low = 1, .high = 2, .max_age_ms = 30000}};
static const struct health_region_plan one_region[] = {{"us", 1}};
static const struct health_az_plan one_az[] = {{"us-1", 0, 1}};
static const struct health_endpoint_plan one_endpoint[] = {{"a", 0}};

/* The next process' clock began anew, and 5 s went by. */
static void loads_grow_old_meanwhile(void **state)
{
    (void)state;
    const struct health_plan plan = {.regions = one_region,
                                     .region_count = 1,
                                     .azs = one_az,
                                     .az_count = 1,
                                     .endpoints = one_endpoint,
                                     .endpoint_count = 1,
                                     .loads = loads};
    struct health *before = health_new(&plan, NOW_MS);
    const struct health_load_report report = {
        .load = 2, .source = HEALTH_LOAD_PUSHED, .actor = "alice", .peer = "uid:1000"};
    assert_int_equal(health_report_load(before, 0, &report, NOW_MS, 500000), 0);
    struct health *after = restart(before, &plan, 7000 - 505000); /* 505 s there are 7 s here */
    struct health_load_status load = status_of(after, HEALTH_ENDPOINT, 0).load;
    assert_true(load.source == HEALTH_LOAD_PUSHED && load.value == 2 && load.shed == 1);
    assert_string_equal(load.actor, "alice");
    assert_string_equal(load.peer, "uid:1000");
    assert_int_equal(load.until_ms, NOW_MS + 30000);
    health_expire_loads(after, LATER_MS, 7000 + 24999);
    assert_int_equal(status_of(after, HEALTH_ENDPOINT, 0).load.source, HEALTH_LOAD_PUSHED);
    health_expire_loads(after, LATER_MS, 7000 + 25000);
    assert_int_equal(status_of(after, HEALTH_ENDPOINT, 0).load.source, HEALTH_LOAD_NONE);
    assert_true(status_of(after, HEALTH_ENDPOINT, 0).load.shed == 0);
    health_free(before);
    health_free(after);
}

enum { BRAKED = 4, HOLD_MS = 60000 };

static struct health_plan plan_brake(struct health_endpoint_plan endpoints[BRAKED],
                                     struct health_monitor_plan monitors[BRAKED],
                                     struct health_brake_monitor braked[BRAKED],
                                     struct health_brake_plan *brake)
{
    static const char *const names[BRAKED] = {"a", "b", "c", "d"};
    for (uint32_t i = 0; i < BRAKED; i++) {
        endpoints[i] = (struct health_endpoint_plan){names[i], 0};
        monitors[i] = (struct health_monitor_plan){i, 2, 2, i + 1, 0};
        braked[i] = (struct health_brake_monitor){i + 1, 1000, 500, 0};
    }
    *brake = (struct health_brake_plan){.share = 1, .targets = 3, .hold_ms = HOLD_MS, .monitors = braked};
    return (struct health_plan){.regions = one_region,
                                .region_count = 1,
                                .azs = one_az,
                                .az_count = 1,
                                .endpoints = endpoints,
                                .endpoint_count = BRAKED,
                                .monitors = monitors,
                                .monitor_count = BRAKED,
                                .brake = brake};
}

static void observe_all(struct health *health, enum health_outcome outcome, int64_t now_ms)
{
    for (uint32_t i = 0; i < BRAKED; i++) {
        health_follow_time(health, now_ms + i);
        health_observe(health, i, outcome, LATER_MS, 100000, 0);
        while (health_follow_brake(health, 64, LATER_MS)) {
        }
    }
}

/* A restart while steerd is blind: it goes on holding, for as long as it would have, and not anew. */
static void the_brake_goes_on_holding(void **state)
{
    (void)state;
    struct health_endpoint_plan endpoints[BRAKED];
    struct health_monitor_plan monitors[BRAKED];
    struct health_brake_monitor braked[BRAKED];
    struct health_brake_plan brake;
    const struct health_plan plan = plan_brake(endpoints, monitors, braked, &brake);
    struct health_brake_status status;
    struct health *before = health_new(&plan, NOW_MS);
    observe_all(before, HEALTH_OUTCOME_OK, 1000);
    for (int second = 2; second < 10; second++) {
        observe_all(before, HEALTH_OUTCOME_TIMEOUT, second * 1000);
    }
    health_get_brake(before, 0, &status);
    assert_true(status.engaged);
    int64_t left_ms = status.left_ms;
    struct health *after = restart(before, &plan, 100000);
    health_follow_time(after, 109000 + BRAKED - 1);
    health_get_brake(after, 0, &status);
    assert_true(status.engaged && status.failing == BRAKED);
    assert_int_equal(status.left_ms, left_ms);
    observe_all(after, HEALTH_OUTCOME_TIMEOUT, 110000);
    assert_int_equal(state_of(after, 0), HEALTH_HEALTHY);
    observe_all(after, HEALTH_OUTCOME_TIMEOUT, 110000 + left_ms);
    assert_int_equal(state_of(after, 0), HEALTH_UNHEALTHY);
    health_free(before);
    health_free(after);
}

/* And one that begins blind: nobody answers any more, all at once. */
static void it_begins_where_all_fail_after_a_start(void **state)
{
    (void)state;
    struct health_endpoint_plan endpoints[BRAKED];
    struct health_monitor_plan monitors[BRAKED];
    struct health_brake_monitor braked[BRAKED];
    struct health_brake_plan brake;
    const struct health_plan plan = plan_brake(endpoints, monitors, braked, &brake);
    struct health *before = health_new(&plan, NOW_MS);
    observe_all(before, HEALTH_OUTCOME_OK, 1000);
    struct health *after = restart(before, &plan, 100000);
    observe_all(after, HEALTH_OUTCOME_TIMEOUT, 102000);
    observe_all(after, HEALTH_OUTCOME_TIMEOUT, 103000);
    for (uint32_t i = 0; i < BRAKED; i++) {
        assert_int_equal(state_of(after, i), HEALTH_HEALTHY);
    }
    health_free(before);
    health_free(after);
}

/* ---- damage ---- */

/* Behind the plan every beginning is a machine, as it was before what is missing. */
static void a_stream_may_end_anywhere(void **state)
{
    struct world *world = *state;
    struct buffer stream;
    bool was_machine = false;
    make_all_healthy(world->health);
    observe_times(world->health, 4, HEALTH_OUTCOME_TIMEOUT, 3);
    write_down(world->health, &stream);
    for (size_t len = 0; len <= stream.len; len++) {
        struct health *health = read_back(stream.bytes, len, 0);
        assert_false(was_machine && health == NULL);
        was_machine = health != NULL;
        if (health != NULL) {
            struct health *after = health_new(&health_world_plan, LATER_MS);
            health_carry(after, health, LATER_MS);
            assert_true(state_of(after, B1) == HEALTH_HEALTHY || state_of(after, B1) == HEALTH_UNKNOWN);
            health_free(after);
        }
        health_free(health);
    }
    assert_true(was_machine);
    buffer_fini(&stream);
}

/* Whatever is taken of it makes a machine that can be used. */
static void bent_octets_do_no_harm(void **state)
{
    struct world *world = *state;
    struct random random;
    struct buffer stream;
    random_init(&random, 1);
    make_all_healthy(world->health);
    write_down(world->health, &stream);
    char *bent = malloc(stream.len);
    assert_non_null(bent);
    for (int round = 0; round < 3000; round++) {
        memcpy(bent, stream.bytes, stream.len);
        for (uint64_t n = 1 + random_below(&random, 3); n > 0; n--) {
            bent[random_below(&random, stream.len)] = (char)random_below(&random, 256);
        }
        struct health *health = read_back(bent, stream.len, 0);
        if (health != NULL) {
            struct health *after = health_new(&health_world_plan, LATER_MS);
            health_carry(after, health, LATER_MS);
            observe_times(after, 0, HEALTH_OUTCOME_TIMEOUT, 3);
            health_free(after);
        }
        health_free(health);
    }
    free(bent);
    buffer_fini(&stream);
}

static void records_have_their_place(void **state)
{
    (void)state;
    struct health_reader *reader = health_reader_new();
    static const uint8_t machine[22] = {1}, other[22] = {2};
    struct health_record record = {.kind = 2, .body = machine, .len = sizeof machine};
    assert_int_equal(health_reader_take(reader, &record), ERROR_SYNTAX); /* not first */
    record = (struct health_record){.kind = 1, .body = other, .len = sizeof other};
    assert_int_equal(health_reader_take(reader, &record), ERROR_SYNTAX); /* of another version */
    record.body = machine;
    assert_int_equal(health_reader_take(reader, &record), 0);
    assert_int_equal(health_reader_take(reader, &record), ERROR_SYNTAX); /* there is one */
    record.kind = HEALTH_RECORD_KINDS;
    assert_int_equal(health_reader_take(reader, &record), ERROR_SYNTAX); /* somebody else's */
    struct health *empty = health_reader_finish(reader, &(struct health_reading){.wall_ms = 1});
    assert_non_null(empty);
    health_free(empty);
    health_reader_free(reader);
    health_reader_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(streaks_go_on, health_set_up, health_tear_down),
        cmocka_unit_test_setup_teardown(the_first_result_decides_about_the_unknown_only, health_set_up,
                                        health_tear_down),
        cmocka_unit_test_setup_teardown(it_says_that_it_is_from_before, health_set_up, health_tear_down),
        cmocka_unit_test_setup_teardown(a_lost_region_is_lost_since_then, health_set_up, health_tear_down),
        cmocka_unit_test_setup_teardown(overrides_are_kept_elsewhere, health_set_up, health_tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_so_since_tomorrow, health_set_up, health_tear_down),
        cmocka_unit_test(loads_grow_old_meanwhile),
        cmocka_unit_test(the_brake_goes_on_holding),
        cmocka_unit_test(it_begins_where_all_fail_after_a_start),
        cmocka_unit_test_setup_teardown(a_stream_may_end_anywhere, health_set_up, health_tear_down),
        cmocka_unit_test_setup_teardown(bent_octets_do_no_harm, health_set_up, health_tear_down),
        cmocka_unit_test(records_have_their_place),
    };
    return cmocka_run_group_tests_name("health_record", tests, NULL, NULL);
}
