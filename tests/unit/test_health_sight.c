/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of several vantages: who does not see, and what becomes of opinions when a machine takes over. */
#include "config.h"

#include "opinion_scene.h"

#include "base/buffer.h"
#include "health/record.h"

#include <stdio.h>
#include <string.h>

/* ---- sight ---- */

static void who_does_not_see_control_targets_is_set_aside(void **state)
{
    struct scene *s = *state;
    struct health_vantage_status status;
    s->quorum.kind = HEALTH_QUORUM_ANY;
    begin(s);
    start_well(s, 0);
    up(s, SIN, MONITORS);
    up(s, SIN, MONITORS + 1);
    down(s, FRA, MONITORS);
    up(s, FRA, MONITORS + 1);
    down(s, FRA, 0);
    follow(s);
    assert_down(s, 0); /* one of two targets */
    down(s, FRA, MONITORS + 1);
    follow(s);
    assert_int_equal(s->turns[HEALTH_VANTAGE_ASIDE], 1);
    assert_true(health_get_vantage(s->health, 1, s->now_ms, &status));
    assert_true(status.aside[0]);
    assert_false(status.aside[1]);
    assert_up(s, 0);
    up(s, FRA, MONITORS);
    follow(s);
    assert_int_equal(s->turns[HEALTH_VANTAGE_RETURNED], 1);
    assert_down(s, 0);
}

static void when_nobody_sees_control_targets_nobody_is(void **state)
{
    struct scene *s = *state;
    begin(s);
    for (uint32_t target = 0; target < 2; target++) {
        for (unsigned i = FRA; i <= NYC; i++) {
            down(s, i, MONITORS + target);
        }
        health_observe_control(s->health, target, HEALTH_OUTCOME_OK);
    }
    assert_int_equal(s->turns[HEALTH_VANTAGE_ASIDE], 0); /* one of four says up */
    for (uint32_t target = 0; target < 2; target++) {
        health_observe_control(s->health, target, HEALTH_OUTCOME_TIMEOUT);
        health_observe_control(s->health, target, HEALTH_OUTCOME_TIMEOUT);
        up(s, FRA, MONITORS + target);
        up(s, SIN, MONITORS + target);
    }
    assert_int_equal(s->turns[HEALTH_VANTAGE_ASIDE], 2); /* ourselves, and one more */
}

static void what_the_brake_holds_is_no_opinion(void **state)
{
    struct scene *s = *state;
    s->quorum.at_least = 1;
    begin(s);
    for (uint32_t i = 0; i < MONITORS; i++) {
        see(s, i, true, 2);
        up(s, FRA, i);
        up(s, SIN, i);
        up(s, NYC, i);
    }
    s->now_ms += 3000;
    for (uint32_t i = 0; i < MONITORS; i++) {
        see(s, i, false, 3);
    }
    assert_up(s, 0);
    assert_int_equal(judgement(s, MONITORS - 1).opinions, 3);
    down(s, FRA, MONITORS - 1);
    assert_up(s, MONITORS - 1);
    down(s, SIN, MONITORS - 1);
    assert_down(s, MONITORS - 1); /* two of three: ours would be an up that nobody sees */
}

static void what_only_we_said_is_taken_back(void **state)
{
    struct scene *s = *state;
    s->quorum.at_least = 1;
    begin(s);
    for (uint32_t i = 0; i < MONITORS; i++) {
        see(s, i, true, 2);
    }
    s->now_ms += 3000;
    for (uint32_t i = 0; i < MONITORS; i++) {
        see(s, i, false, 3);
    }
    for (uint32_t i = 0; i < MONITORS; i++) {
        assert_up(s, i);
    }
}

/* ---- machines that take over ---- */

static void opinions_are_carried(void **state)
{
    struct scene *s = *state;
    begin(s);
    start_well(s, 0);
    start_well(s, 1);
    see(s, 0, false, 3);
    down(s, FRA, 0);
    down(s, SIN, 0);
    struct health *next = build(s);
    health_carry(next, s->health, WALL + s->now_ms);
    health_free(s->health);
    s->health = next;
    listen_to(s);
    s->changes = 0;
    follow(s);
    assert_int_equal(s->changes, 0);
    assert_down(s, 0);
    assert_up(s, 1);
    assert_int_equal(judgement(s, 0).down, 3);
    up(s, FRA, 0);
    assert_up(s, 0);
    struct health_vantage_status status;
    assert_true(health_get_vantage(s->health, 2, s->now_ms, &status));
    assert_int_equal(status.down, 1);
    assert_int_equal(status.up, 1);
}

static void a_new_run_knows_nothing(void **state)
{
    struct scene *s = *state;
    struct health_opinion_status list[HEALTH_VANTAGES_MAX];
    begin(s);
    start_well(s, 0);
    down(s, FRA, 0);
    health_forget_vantage(s->health, 1);
    follow(s);
    assert_int_equal(judgement(s, 0).opinions, 3);
    assert_int_equal(health_list_opinions(s->health, 0, s->now_ms, list), 4);
    assert_int_equal(list[1].discount, HEALTH_COUNTS_NOT_AWAITED);
    down(s, FRA, 0);
    assert_int_equal(judgement(s, 0).opinions, 4);
}

static void control_targets_are_carried(void **state)
{
    struct scene *s = *state;
    struct health_vantage_status status;
    begin(s);
    for (uint32_t target = 0; target < 2; target++) {
        health_observe_control(s->health, target, HEALTH_OUTCOME_OK);
        up(s, SIN, MONITORS + target);
        down(s, FRA, MONITORS + target);
    }
    struct health *next = build(s);
    health_carry(next, s->health, WALL + s->now_ms);
    health_free(s->health);
    s->health = next;
    up(s, NYC, 0); /* nothing of what was known of them */
    up(s, NYC, MONITORS);
    assert_true(health_get_vantage(s->health, FRA - LOCAL, s->now_ms, &status));
    assert_true(status.aside[0]);
}

/* What is kept over a restart is what our own results say, and the verdict: others say it again. */
static void a_restart_moves_nothing(void **state)
{
    struct scene *s = *state;
    struct buffer stream;
    struct health_record record;
    struct health_sizes sizes;
    begin(s);
    start_well(s, 0);
    start_well(s, 1);
    see(s, 0, false, 3);
    for (unsigned i = FRA; i <= NYC; i++) {
        down(s, i, 1);
    }
    assert_up(s, 0);
    assert_down(s, 1);
    buffer_init(&stream);
    sizes = health_get_sizes(s->health);
    struct health_writer *writer = health_writer_new(&sizes);
    health_writer_begin(writer, s->health);
    while (health_writer_step(writer, 10, &stream)) {
    }
    health_writer_end(writer);
    health_writer_free(writer);
    struct health_reader *reader = health_reader_new();
    for (size_t at = 0; health_record_next((const uint8_t *)stream.bytes, stream.len, &at, &record) == 0;) {
        assert_int_equal(health_reader_take(reader, &record), 0);
    }
    const struct health_reading reading = {
        .wall_ms = WALL + s->now_ms, .now_ms = s->now_ms, .is_restored = true};
    struct health *kept = health_reader_finish(reader, &reading);
    assert_non_null(kept);
    health_free(s->health);
    s->health = build(s);
    enrol(s);
    health_carry(s->health, kept, WALL + s->now_ms);
    health_free(kept);
    health_reader_free(reader);
    buffer_fini(&stream);
    follow(s);
    assert_up(s, 0);
    assert_down(s, 1);
    assert_int_equal(judgement(s, 0).own, HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(judgement(s, 1).own, HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(judgement(s, 0).opinions, 0);
    see(s, 1, true, 5);
    up(s, FRA, 1);
    assert_up(s, 1); /* two of four are enough */
}

static void it_is_said_in_words(void **state)
{
    static const struct health_vantage_plan plans[] = {
        {"fra-1", 1, 1, false}, {"sin-1", 2, 1, false}, {"nyc-1", 3, 1, true}};
    struct scene *s = *state;
    char text[HEALTH_JUDGEMENT_SIZE];
    s->rule.hold_down_ms = 60000;
    begin(s);
    follow(s);
    health_write_judgement(s->health, 0, s->now_ms, text);
    assert_string_equal(text,
                        "no quorum: 0 of 4 vantages are heard, 2 are needed; the last verdict stands; not "
                        "counted: local (none), fra-1 (silent), sin-1 (silent), nyc-1 (silent)");
    start_well(s, 0);
    see(s, 0, false, 3);
    down(s, FRA, 0);
    health_set_vantages(s->health, plans, VANTAGES, s->now_ms);
    follow(s);
    health_write_judgement(s->health, 0, s->now_ms + 12000, text);
    assert_string_equal(text,
                        "down by majority: 2 of 3 vantages say down; down: local timeout, fra-1 refused for "
                        "13 s; up: sin-1; not counted: nyc-1 (drained)");
    up(s, FRA, 0);
    health_write_judgement(s->health, 0, s->now_ms, text);
    assert_string_equal(text,
                        "up by majority: 2 of 3 vantages say up; down: local timeout; up: fra-1, sin-1; not "
                        "counted: nyc-1 (drained); stays down (hold_down)");
}

/* Thirty-two with long names: cut off, and not beyond the end. */
static void many_words_are_cut_off(void **state)
{
    struct scene *s = *state;
    struct health_vantage_plan plans[HEALTH_VANTAGES_MAX - 1];
    char names[HEALTH_VANTAGES_MAX][80], text[HEALTH_JUDGEMENT_SIZE];
    begin(s);
    for (uint8_t i = 0; i < HEALTH_VANTAGES_MAX - 1; i++) {
        snprintf(names[i], sizeof names[i], "%070u", i);
        plans[i] = (struct health_vantage_plan){names[i], (uint8_t)(i + 1), 1, false};
    }
    health_set_vantages(s->health, plans, HEALTH_VANTAGES_MAX - 1, s->now_ms);
    follow(s);
    health_write_judgement(s->health, 0, s->now_ms, text);
    assert_int_equal(strlen(text), HEALTH_JUDGEMENT_SIZE - 1);
}

static void what_was_not_checked_for_long_is_stale(void **state)
{
    struct scene *s = *state;
    struct health_monitor_status status;
    struct health_status endpoint;
    char why[HEALTH_WHY_SIZE];
    s->stale_ms = 30000;
    begin(s);
    start_well(s, 0);
    pass(s, 30000, ALL_ALIVE);
    assert_int_equal(health_get_monitor(s->health, 0, &status), 0);
    assert_false(status.stale);
    health_observe(s->health, 0, HEALTH_OUTCOME_LOCAL_ERROR, WALL + s->now_ms, 0, 0); /* that is no result */
    pass(s, 5000, ALL_ALIVE);
    assert_int_equal(health_get_monitor(s->health, 0, &status), 0);
    assert_true(status.stale);
    assert_int_equal(status.silent_ms, 35000);
    assert_up(s, 0);
    assert_int_equal(health_get_status(s->health, HEALTH_ENDPOINT, 0, &endpoint), 0);
    assert_true(endpoint.stale);
    health_write_why(&status, why);
    assert_string_equal(why,
                        "no result for 35 s, the check cannot be made: nothing is known now, and the verdict "
                        "stands");
    assert_int_equal(judgement(s, 0).opinions, 3);
    assert_int_equal(health_get_monitor(s->health, 1, &status), 0);
    assert_false(status.stale); /* that it was never checked is unknown enough */
    see(s, 0, true, 1);
    assert_int_equal(health_get_monitor(s->health, 0, &status), 0);
    assert_false(status.stale);
    assert_int_equal(judgement(s, 0).opinions, 4);
}

/* Two of four say down; when our own word that it is up grows old without any other result, that is most. */
static void an_old_word_of_ours_leaves_the_judgement(void **state)
{
    struct scene *s = *state;
    s->stale_ms = 30000;
    begin(s);
    start_well(s, 0);
    down(s, FRA, 0);
    down(s, SIN, 0);
    pass(s, 30000, ALL_ALIVE);
    assert_up(s, 0);
    pass(s, 2 * EXPIRES, ALL_ALIVE);
    assert_down(s, 0);
}

/* The list begins with monitors, and control targets come last. */
static void who_was_set_aside_and_silent_is_set_aside_until_it_sees_again(void **state)
{
    struct scene *s = *state;
    s->quorum.kind = HEALTH_QUORUM_ANY;
    begin(s);
    start_well(s, 0);
    for (uint32_t t = 0; t < 2; t++) {
        health_observe_control(s->health, t, HEALTH_OUTCOME_OK);
        up(s, SIN, MONITORS + t);
        up(s, NYC, MONITORS + t);
        down(s, FRA, MONITORS + t);
    }
    down(s, FRA, 0);
    follow(s);
    assert_up(s, 0); /* it is set aside */
    pass(s, EXPIRES + 2000, 1u << (SIN - LOCAL) | 1u << (NYC - LOCAL));
    assert_up(s, 0);
    keep_alive(s, ALL_ALIVE);
    follow(s);
    down(s, FRA, 0);
    follow(s);
    assert_up(s, 0);
    up(s, FRA, MONITORS);
    follow(s);
    assert_down(s, 0); /* it sees one of them again, and is believed */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_does_not_see_control_targets_is_set_aside),
        TEST(when_nobody_sees_control_targets_nobody_is),
        TEST(what_the_brake_holds_is_no_opinion),
        TEST(what_only_we_said_is_taken_back),
        TEST(opinions_are_carried),
        TEST(a_new_run_knows_nothing),
        TEST(who_was_set_aside_and_silent_is_set_aside_until_it_sees_again),
        TEST(control_targets_are_carried),
        TEST(a_restart_moves_nothing),
        TEST(it_is_said_in_words),
        TEST(what_was_not_checked_for_long_is_stale),
        TEST(an_old_word_of_ours_leaves_the_judgement),
        TEST(many_words_are_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
