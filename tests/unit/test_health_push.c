/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health: checks that others make, in virtual time. What a report does, which ones are late or were
 * taken before, what silence means, that it goes on to age over a reload and a restart; and random reports
 * beside a model. */
#include "config.h"

#include "unit.h"

#include "base/buffer.h"
#include "base/random.h"
#include "health/health.h"
#include "health/record.h"

#include <stdio.h>
#include <string.h>

enum { TTL = 10000, WALL = 1000000000, NOW = 5000 };

/* "one" has a report that silence leaves unknown, "two" a heartbeat, "three" is checked. */
static struct health *build(int64_t wall_ms)
{
    static const struct health_region_plan regions[] = {{"r", 1}};
    static const struct health_az_plan azs[] = {{"a", 0, 1}};
    static const struct health_endpoint_plan endpoints[] = {{"one", 0}, {"two", 0}, {"three", 0}};
    static const struct health_monitor_plan monitors[] = {
        {.endpoint = 0, .rise = 1, .fall = 1, .identity = 1},
        {.endpoint = 1, .rise = 1, .fall = 2, .identity = 2},
        {.endpoint = 2, .rise = 1, .fall = 1, .identity = 3}};
    static const struct health_push_plan pushes[] = {
        {TTL, false, false}, {TTL, true, false}, {0, false, false}};
    const struct health_plan plan = {.regions = regions,
                                     .region_count = 1,
                                     .azs = azs,
                                     .az_count = 1,
                                     .endpoints = endpoints,
                                     .endpoint_count = 3,
                                     .monitors = monitors,
                                     .monitor_count = 3,
                                     .pushes = pushes};
    return health_new(&plan, wall_ms);
}

enum { ONE, TWO, THREE };

static struct health_monitor_status look(const struct health *health, uint32_t monitor)
{
    struct health_monitor_status status;
    assert_int_equal(health_get_monitor(health, monitor, &status), 0);
    return status;
}

static enum health_push_fate push(struct health *health, uint32_t monitor, struct health_push what,
                                  int64_t at_ms)
{
    return health_push(health, monitor, &what, WALL + at_ms, NOW + at_ms);
}

static void expire(struct health *health, int64_t at_ms)
{
    while (health_expire_pushes(health, WALL + at_ms, NOW + at_ms)) {
    }
}

static void expect_one(const struct health *health, enum health_observed verdict, enum health_outcome outcome)
{
    assert_int_equal(look(health, ONE).verdict, verdict);
    assert_int_equal(look(health, ONE).outcome, outcome);
}

static void a_report_is_a_verdict(void **state)
{
    (void)state;
    struct health *health = build(WALL);
    assert_int_equal(push(health, ONE, (struct health_push){.up = true}, 0), HEALTH_PUSH_TAKEN);
    expect_one(health, HEALTH_OBSERVED_HEALTHY, HEALTH_OUTCOME_OK);
    assert_int_equal(push(health, ONE, (struct health_push){.up = false}, 1), HEALTH_PUSH_TAKEN);
    expect_one(health, HEALTH_OBSERVED_UNHEALTHY, HEALTH_OUTCOME_REPORTED_DOWN);
    health_free(health);
}

static void silence_moves_no_answer(void **state)
{
    (void)state;
    struct health *health = build(WALL);
    (void)push(health, ONE, (struct health_push){.up = true}, 0);
    expire(health, TTL - 1);
    expect_one(health, HEALTH_OBSERVED_HEALTHY, HEALTH_OUTCOME_OK);
    expire(health, TTL);
    expect_one(health, HEALTH_OBSERVED_UNKNOWN, HEALTH_OUTCOME_STALE);
    assert_int_equal(look(health, ONE).checked_ms, WALL); /* its age */
    (void)push(health, ONE, (struct health_push){.up = false, .ttl_ms = 2 * TTL}, TTL + 1);
    expire(health, 3 * TTL);
    expect_one(health, HEALTH_OBSERVED_UNHEALTHY, HEALTH_OUTCOME_REPORTED_DOWN);
    expire(health, 3 * TTL + 1);
    expect_one(health, HEALTH_OBSERVED_UNHEALTHY, HEALTH_OUTCOME_STALE);
    expire(health, 100 * TTL);
    expect_one(health, HEALTH_OBSERVED_UNHEALTHY, HEALTH_OUTCOME_STALE);
    health_free(health);
}

static void a_heartbeat_that_stops_is_a_failure_each_time(void **state)
{
    (void)state;
    struct health *health = build(WALL);
    (void)push(health, TWO, (struct health_push){.up = true}, 0);
    expire(health, TTL);
    assert_int_equal(look(health, TWO).outcome, HEALTH_OUTCOME_ABSENT);
    assert_int_equal(look(health, TWO).verdict, HEALTH_OBSERVED_HEALTHY); /* fall: 2 */
    expire(health, 2 * TTL - 1);
    assert_int_equal(look(health, TWO).verdict, HEALTH_OBSERVED_HEALTHY);
    expire(health, 2 * TTL);
    assert_int_equal(look(health, TWO).verdict, HEALTH_OBSERVED_UNHEALTHY);
    (void)push(health, TWO, (struct health_push){.up = true}, 2 * TTL + 1);
    assert_int_equal(look(health, TWO).verdict, HEALTH_OBSERVED_HEALTHY);
    health_free(health);
}

enum { FLEET = 2000 };

static struct health *build_fleet(void)
{
    static const struct health_region_plan regions[] = {{"r", 1}};
    static const struct health_az_plan azs[] = {{"a", 0, 1}};
    static struct health_endpoint_plan endpoints[FLEET];
    static struct health_monitor_plan monitors[FLEET];
    static struct health_push_plan pushes[FLEET];
    static char names[FLEET][8];
    for (uint32_t i = 0; i < FLEET; i++) {
        snprintf(names[i], sizeof names[i], "e%u", i);
        endpoints[i] = (struct health_endpoint_plan){names[i], 0};
        monitors[i] = (struct health_monitor_plan){.endpoint = i, .rise = 1, .fall = 1, .identity = 1 + i};
        pushes[i] = (struct health_push_plan){1000, true, false};
    }
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = 1,
                                            .azs = azs,
                                            .az_count = 1,
                                            .endpoints = endpoints,
                                            .endpoint_count = FLEET,
                                            .monitors = monitors,
                                            .monitor_count = FLEET,
                                            .pushes = pushes},
                      WALL);
}

static uint32_t count_absent(const struct health *health)
{
    uint32_t absent = 0;
    for (uint32_t i = 0; i < FLEET; i++) {
        absent += look(health, i).outcome == HEALTH_OUTCOME_ABSENT;
    }
    return absent;
}

/* In turns, and the last ones as well, however often the first ones are missed again. */
static void a_fleet_that_falls_silent_is_missed(void **state)
{
    (void)state;
    struct health *health = build_fleet();
    uint32_t before = 0;
    expire(health, 0);
    for (int64_t at_ms = 1000; before < FLEET; at_ms += 400) {
        assert_in_range(at_ms, 1000, 1000 + 400 * FLEET / 8);
        (void)health_expire_pushes(health, WALL + at_ms, NOW + at_ms);
        uint32_t absent = count_absent(health);
        assert_in_range(absent - before, 0, 64); /* under the lock */
        before = absent;
    }
    for (uint32_t i = 0; i < FLEET; i++) {
        const struct health_push report = {.up = true, .ttl_ms = 60000};
        assert_int_equal(health_push(health, i, &report, WALL + 1000000, NOW + 1000000), HEALTH_PUSH_TAKEN);
    }
    expire(health, 1000000 + 59999);
    assert_int_equal(count_absent(health), 0);
    expire(health, 1000000 + 60000);
    assert_int_equal(count_absent(health), FLEET);
    health_free(health);
}

static void one_that_never_came_is_missed(void **state)
{
    (void)state;
    struct health *health = build(WALL);
    expire(health, 0);
    for (int i = 1; i <= 2; i++) {
        expire(health, i * TTL);
    }
    assert_int_equal(look(health, TWO).verdict, HEALTH_OBSERVED_UNHEALTHY);
    expect_one(health, HEALTH_OBSERVED_UNKNOWN, HEALTH_OUTCOME_NONE);
    assert_int_equal(look(health, THREE).outcome, HEALTH_OUTCOME_NONE);
    health_free(health);
}

static void late_ones_and_replayed_ones_change_nothing(void **state)
{
    (void)state;
    struct health *health = build(WALL);
    assert_int_equal(push(health, ONE, (struct health_push){.up = false, .time_ms = WALL - TTL}, 0),
                     HEALTH_PUSH_LATE);
    expect_one(health, HEALTH_OBSERVED_UNKNOWN, HEALTH_OUTCOME_NONE);
    const struct health_push first = {.up = true, .time_ms = WALL - 1000, .seq = 7};
    assert_int_equal(push(health, ONE, first, 0), HEALTH_PUSH_TAKEN);
    assert_int_equal(push(health, ONE, first, 1), HEALTH_PUSH_REPLAYED);
    assert_int_equal(push(health, ONE, (struct health_push){.up = false, .time_ms = WALL - 2000}, 1),
                     HEALTH_PUSH_REPLAYED);
    assert_int_equal(push(health, ONE, (struct health_push){.up = false, .seq = 6}, 1), HEALTH_PUSH_REPLAYED);
    expire(health, TTL - 1000 - 1);
    expect_one(health, HEALTH_OBSERVED_HEALTHY, HEALTH_OUTCOME_OK);
    expire(health, TTL - 1000); /* it counts from its own time on */
    expect_one(health, HEALTH_OBSERVED_UNKNOWN, HEALTH_OUTCOME_STALE);
    assert_int_equal(push(health, ONE, (struct health_push){.up = true, .seq = 7}, TTL),
                     HEALTH_PUSH_REPLAYED);
    assert_int_equal(push(health, ONE, (struct health_push){.up = true, .seq = 1}, TTL), HEALTH_PUSH_TAKEN);
    /* a clock that runs ahead makes nothing last longer */
    assert_int_equal(push(health, ONE, (struct health_push){.up = true, .time_ms = WALL + 99 * TTL}, TTL),
                     HEALTH_PUSH_TAKEN);
    expire(health, 2 * TTL);
    expect_one(health, HEALTH_OBSERVED_UNKNOWN, HEALTH_OUTCOME_STALE);
    health_free(health);
}

/* An agent that was started anew counts from 1. Silence that is a failure goes on, and is no report. */
static void a_heartbeat_that_begins_anew_is_taken(void **state)
{
    (void)state;
    struct health *health = build(WALL);
    (void)push(health, TWO, (struct health_push){.up = true, .seq = 7}, 0);
    for (int i = 1; i <= 3; i++) {
        expire(health, i * TTL);
    }
    assert_int_equal(look(health, TWO).verdict, HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(push(health, TWO, (struct health_push){.up = true, .seq = 7}, 3 * TTL + 1),
                     HEALTH_PUSH_REPLAYED);
    assert_int_equal(push(health, TWO, (struct health_push){.up = true, .seq = 1}, 3 * TTL + 1),
                     HEALTH_PUSH_TAKEN);
    assert_int_equal(look(health, TWO).verdict, HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(push(health, TWO, (struct health_push){.up = false, .seq = 1}, 3 * TTL + 2),
                     HEALTH_PUSH_REPLAYED);
    health_free(health);
}

static void a_clock_that_ran_ahead_may_be_put_right(void **state)
{
    (void)state;
    const struct health_push ahead = {.up = true, .time_ms = WALL + 99 * TTL};
    for (uint32_t monitor = ONE; monitor <= TWO; monitor++) {
        struct health *health = build(WALL);
        assert_int_equal(push(health, monitor, ahead, 0), HEALTH_PUSH_TAKEN);
        assert_int_equal(push(health, monitor, (struct health_push){.up = true, .time_ms = WALL + 1}, 1),
                         HEALTH_PUSH_REPLAYED);
        expire(health, TTL);
        assert_int_equal(push(health, monitor, ahead, TTL), HEALTH_PUSH_REPLAYED);
        assert_int_equal(push(health, monitor, (struct health_push){.up = true, .time_ms = WALL + TTL}, TTL),
                         HEALTH_PUSH_TAKEN);
        assert_int_equal(look(health, monitor).verdict, HEALTH_OBSERVED_HEALTHY);
        assert_int_equal(push(health, monitor, (struct health_push){.up = true, .time_ms = WALL + TTL}, TTL),
                         HEALTH_PUSH_REPLAYED);
        health_free(health);
    }
}

/* ---- from one process to the next ---- */

static struct health *read_back(const struct buffer *stream, int64_t at_ms, int64_t shift_ms)
{
    struct health_reader *reader = health_reader_new();
    struct health_record record;
    size_t at = 0;
    while (health_record_next((const uint8_t *)stream->bytes, stream->len, &at, &record) == 0) {
        assert_int_equal(health_reader_take(reader, &record), 0);
    }
    assert_int_equal(at, stream->len);
    struct health *read =
        health_reader_finish(reader, &(struct health_reading){.wall_ms = WALL + at_ms,
                                                              .now_ms = NOW + at_ms + shift_ms,
                                                              .shift_ms = shift_ms,
                                                              .is_restored = true});
    struct health *after = build(WALL + at_ms);
    health_carry(after, read, WALL + at_ms);
    health_begin(after);
    health_free(read);
    health_reader_free(reader);
    return after;
}

/* Of three reports one is in the file as it is begun, one follows, and one came last. */
static void write_down(struct health *health, struct buffer *stream)
{
    struct health_sizes sizes = health_get_sizes(health);
    struct health_writer *writer = health_writer_new(&sizes);
    buffer_init(stream);
    (void)push(health, ONE, (struct health_push){.up = true, .seq = 6}, 0);
    health_writer_begin(writer, health);
    while (health_writer_step(writer, 2, stream)) {
    }
    (void)push(health, ONE, (struct health_push){.up = true, .seq = 7}, 1000);
    assert_int_equal(health_writer_catch_up(writer, 64, stream), 0);
    (void)push(health, ONE, (struct health_push){.up = true, .seq = 8, .time_ms = WALL + 2000}, 3000);
    (void)push(health, TWO, (struct health_push){.up = true}, 3000);
    while (health_writer_catch_up(writer, 1, stream) != 0) {
    }
    size_t len = stream->len;
    assert_int_equal(health_writer_catch_up(writer, 64, stream), 0);
    assert_int_equal(stream->len, len);
    health_writer_end(writer);
    health_writer_free(writer);
}

static void the_next_process_knows_the_last_report(void **state)
{
    enum { SHIFT = 100 };
    struct buffer stream;
    (void)state;
    struct health *health = build(WALL);
    write_down(health, &stream);
    struct health *after = read_back(&stream, 4000, SHIFT);
    for (uint64_t seq = 6; seq <= 8; seq++) {
        const struct health_push again = {.up = false, .seq = seq};
        assert_int_equal(health_push(after, ONE, &again, WALL + 4000, NOW + 4000 + SHIFT),
                         HEALTH_PUSH_REPLAYED);
    }
    const struct health_push earlier = {.up = false, .time_ms = WALL + 2000};
    assert_int_equal(health_push(after, ONE, &earlier, WALL + 4000, NOW + 4000 + SHIFT),
                     HEALTH_PUSH_REPLAYED);
    while (health_expire_pushes(after, WALL + 1999 + TTL, NOW + 1999 + TTL + SHIFT)) {
    }
    expect_one(after, HEALTH_OBSERVED_HEALTHY, HEALTH_OUTCOME_OK);
    while (health_expire_pushes(after, WALL + 2000 + TTL, NOW + 2000 + TTL + SHIFT)) {
    }
    expect_one(after, HEALTH_OBSERVED_UNKNOWN, HEALTH_OUTCOME_STALE);
    assert_int_equal(look(after, TWO).verdict, HEALTH_OBSERVED_HEALTHY);
    health_free(after);
    health_free(health);
    buffer_fini(&stream);
}

/* The machine may have been up for less than nobody ran. */
static void a_report_that_ended_meanwhile_has_ended(void **state)
{
    struct buffer stream;
    (void)state;
    struct health *health = build(WALL);
    write_down(health, &stream);
    struct health *after = read_back(&stream, 2 * TTL, -NOW - 2 * TTL - 1);
    while (health_expire_pushes(after, WALL + 2 * TTL, 1)) {
    }
    expect_one(after, HEALTH_OBSERVED_UNKNOWN, HEALTH_OUTCOME_STALE);
    const struct health_push again = {.up = true, .seq = 8}, anew = {.up = true, .seq = 1};
    assert_int_equal(health_push(after, ONE, &again, WALL + 2 * TTL, 1), HEALTH_PUSH_REPLAYED);
    assert_int_equal(health_push(after, ONE, &anew, WALL + 2 * TTL, 1), HEALTH_PUSH_TAKEN);
    health_free(after);
    health_free(health);
    buffer_fini(&stream);
}

/* The clock may be set meanwhile. */
static void ages_go_on_over_a_reload(void **state)
{
    (void)state;
    struct health *from = build(WALL), *to = build(WALL);
    (void)push(from, ONE, (struct health_push){.up = true, .seq = 3, .ttl_ms = 3 * TTL}, 0);
    health_carry(to, from, WALL + 1);
    health_free(from);
    assert_int_equal(push(to, ONE, (struct health_push){.up = false, .seq = 3}, 1), HEALTH_PUSH_REPLAYED);
    (void)health_expire_pushes(to, WALL * 2, NOW + 3 * TTL - 1);
    expect_one(to, HEALTH_OBSERVED_HEALTHY, HEALTH_OUTCOME_OK);
    (void)health_expire_pushes(to, WALL * 2, NOW + 3 * TTL);
    expect_one(to, HEALTH_OBSERVED_UNKNOWN, HEALTH_OUTCOME_STALE);
    health_free(to);
}

/* ---- a model ---- */

struct model {
    enum health_observed verdict;
    int64_t ends_ms, time_ms;
    uint64_t seq;
};

static enum health_push_fate follow(struct model *model, const struct health_push *push, int64_t at_ms)
{
    int64_t ttl_ms = push->ttl_ms == 0 ? TTL : push->ttl_ms, now_ms = WALL + at_ms;
    int64_t from_ms = push->time_ms == 0 || push->time_ms > now_ms ? now_ms : push->time_ms;
    bool lives = model->ends_ms > now_ms;
    if (from_ms + ttl_ms <= now_ms) {
        return HEALTH_PUSH_LATE;
    }
    if ((push->time_ms != 0 && push->time_ms <= model->time_ms) ||
        (push->seq != 0 && model->seq != 0 &&
         (push->seq == model->seq || (lives && push->seq < model->seq)))) {
        return HEALTH_PUSH_REPLAYED;
    }
    *model = (struct model){.verdict = push->up ? HEALTH_OBSERVED_HEALTHY : HEALTH_OBSERVED_UNHEALTHY,
                            .ends_ms = from_ms + ttl_ms,
                            .time_ms = push->time_ms == 0 ? model->time_ms : push->time_ms,
                            .seq = push->seq};
    return HEALTH_PUSH_TAKEN;
}

static void as_a_model_says(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 1);
    for (int round = 0; round < 200; round++) {
        struct health *health = build(WALL);
        struct model model = {.verdict = HEALTH_OBSERVED_UNKNOWN};
        int64_t at_ms = 0;
        for (int i = 0; i < 200; i++) {
            at_ms += (int64_t)random_below(&random, TTL / 2);
            expire(health, at_ms);
            if (model.ends_ms != 0 && model.ends_ms <= WALL + at_ms &&
                model.verdict == HEALTH_OBSERVED_HEALTHY) {
                model.verdict = HEALTH_OBSERVED_UNKNOWN;
            }
            struct health_push what = {.up = random_below(&random, 3) != 0,
                                       .ttl_ms = (int64_t)random_below(&random, 3) * TTL};
            what.time_ms =
                random_below(&random, 2) == 0 ? 0 : WALL + at_ms - (int64_t)random_below(&random, 2 * TTL);
            what.seq = random_below(&random, 2) == 0 ? 0 : 1 + random_below(&random, 50);
            if (random_below(&random, 4) == 0) {
                assert_int_equal(push(health, ONE, what, at_ms), follow(&model, &what, at_ms));
            }
            if (random_below(&random, 20) == 0) {
                struct health *next = build(WALL + at_ms);
                health_carry(next, health, WALL + at_ms);
                health_free(health);
                health = next;
            }
            assert_int_equal(look(health, ONE).verdict, model.verdict);
        }
        health_free(health);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_is_a_verdict),
        cmocka_unit_test(silence_moves_no_answer),
        cmocka_unit_test(a_heartbeat_that_stops_is_a_failure_each_time),
        cmocka_unit_test(a_fleet_that_falls_silent_is_missed),
        cmocka_unit_test(one_that_never_came_is_missed),
        cmocka_unit_test(late_ones_and_replayed_ones_change_nothing),
        cmocka_unit_test(a_heartbeat_that_begins_anew_is_taken),
        cmocka_unit_test(a_clock_that_ran_ahead_may_be_put_right),
        cmocka_unit_test(the_next_process_knows_the_last_report),
        cmocka_unit_test(a_report_that_ended_meanwhile_has_ended),
        cmocka_unit_test(ages_go_on_over_a_reload),
        cmocka_unit_test(as_a_model_says),
    };
    return cmocka_run_group_tests_name("health_push", tests, NULL, NULL);
}
