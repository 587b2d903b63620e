/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a vantage thinks and what of it is told, in virtual time. */
#include "config.h"

#include "unit.h"

#include "base/random.h"
#include "fleet/pause.h"
#include "steerprobe/verdicts.h"

#include <stdlib.h>
#include <string.h>

#define NONE HEALTH_OBSERVED_UNKNOWN
#define UP   HEALTH_OBSERVED_HEALTHY
#define DOWN HEALTH_OBSERVED_UNHEALTHY

enum { COUNT = 5, BLIND_MS = 10000 };

static const struct verdicts_plan usual = {.rise = 2, .fall = 3, .interval_ms = 1000};

struct scene {
    struct verdicts_plan plans[COUNT];
    struct verdicts *verdicts;
    int64_t now_ms;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    scene->now_ms = 5000;
    for (size_t i = 0; i < COUNT; i++) {
        scene->plans[i] = usual;
        scene->plans[i].identity = 100 + i;
    }
    scene->verdicts = verdicts_new(scene->plans, COUNT, BLIND_MS, scene->now_ms);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    verdicts_free(scene->verdicts);
    free(scene);
    return 0;
}

/* So many results, a second apart. */
static struct verdicts_turn note(struct scene *scene, uint32_t index, enum health_outcome outcome, int times)
{
    const struct verdicts_result result = {.outcome = outcome, .detail = 200, .duration_us = 700};
    struct verdicts_turn turn = {.tells = false};
    for (int i = 0; i < times; i++) {
        scene->now_ms += 1000;
        turn = verdicts_note(scene->verdicts, index, &result, scene->now_ms);
    }
    return turn;
}

static void expect_change(struct scene *scene, uint32_t index, enum health_observed verdict)
{
    struct fleet_opinion opinions[COUNT];
    assert_int_equal(verdicts_take_changes(scene->verdicts, opinions, COUNT, scene->now_ms), 1);
    assert_int_equal(opinions[0].index, index);
    assert_int_equal(opinions[0].verdict, verdict);
    assert_int_equal(verdicts_take_changes(scene->verdicts, opinions, COUNT, scene->now_ms), 0);
}

static void expect_none(struct scene *scene)
{
    struct fleet_opinion opinion;
    assert_int_equal(verdicts_take_changes(scene->verdicts, &opinion, 1, scene->now_ms), 0);
}

static void rise_and_fall_are_counted_here(void **state)
{
    struct scene *scene = *state;
    assert_true(note(scene, 2, HEALTH_OUTCOME_OK, 1).tells);
    expect_change(scene, 2, UP);
    assert_false(note(scene, 2, HEALTH_OUTCOME_REFUSED, 2).tells);
    expect_none(scene);
    struct verdicts_turn turn = note(scene, 2, HEALTH_OUTCOME_TIMEOUT, 1);
    assert_true(turn.tells && turn.before == UP && turn.after == DOWN);
    expect_change(scene, 2, DOWN);
    assert_false(note(scene, 2, HEALTH_OUTCOME_OK, 1).tells);
    assert_true(note(scene, 2, HEALTH_OUTCOME_OK, 1).tells);
    expect_change(scene, 2, UP);
}

static void an_opinion_has_its_facts(void **state)
{
    struct scene *scene = *state;
    struct fleet_opinion opinion;
    note(scene, 1, HEALTH_OUTCOME_BAD_STATUS, 3);
    scene->now_ms += 250;
    assert_int_equal(verdicts_take_changes(scene->verdicts, &opinion, 1, scene->now_ms), 1);
    assert_int_equal(opinion.outcome, HEALTH_OUTCOME_BAD_STATUS);
    assert_int_equal(opinion.streak, 3);
    assert_int_equal(opinion.detail, 200);
    assert_int_equal(opinion.duration_us, 700);
    assert_int_equal(opinion.age_ms, 250);
}

static void of_what_was_not_told_only_the_latest_is(void **state)
{
    struct scene *scene = *state;
    note(scene, 0, HEALTH_OUTCOME_OK, 1);
    expect_change(scene, 0, UP);
    note(scene, 0, HEALTH_OUTCOME_REFUSED, 3);
    note(scene, 0, HEALTH_OUTCOME_OK, 2); /* and it is again what was told */
    expect_none(scene);
    note(scene, 3, HEALTH_OUTCOME_REFUSED, 3);
    assert_int_equal(verdicts_sum_up(scene->verdicts).down, 1); /* whether it was told or not */
    note(scene, 3, HEALTH_OUTCOME_OK, 2);
    assert_int_equal(verdicts_sum_up(scene->verdicts).up, 2);
    expect_change(scene, 3, UP);
}

static void a_round_tells_each_once_and_takes_changes_along(void **state)
{
    struct scene *scene = *state;
    struct fleet_opinion opinions[COUNT];
    bool ends;
    note(scene, 4, HEALTH_OUTCOME_OK, 1);
    assert_int_equal(verdicts_take_next(scene->verdicts, opinions, 3, scene->now_ms, &ends), 3);
    assert_false(ends);
    assert_int_equal(opinions[2].index, 2);
    assert_int_equal(verdicts_take_next(scene->verdicts, opinions, 3, scene->now_ms, &ends), 2);
    assert_true(ends);
    assert_int_equal(opinions[1].verdict, UP);
    expect_none(scene); /* it was told with the others */
    assert_int_equal(verdicts_take_next(scene->verdicts, opinions, 3, scene->now_ms, &ends), 3);
    assert_int_equal(opinions[0].index, 0);
    verdicts_begin_anew(scene->verdicts);
    assert_int_equal(verdicts_take_next(scene->verdicts, opinions, COUNT, scene->now_ms, &ends), COUNT);
    assert_true(ends);
}

static void trouble_of_this_host_is_no_opinion_for_ever(void **state)
{
    struct scene *scene = *state;
    note(scene, 0, HEALTH_OUTCOME_OK, 1);
    expect_change(scene, 0, UP);
    note(scene, 0, HEALTH_OUTCOME_LOCAL_ERROR, BLIND_MS / 1000);
    expect_none(scene);
    note(scene, 0, HEALTH_OUTCOME_LOCAL_ERROR, 1);
    expect_change(scene, 0, NONE);
    note(scene, 0, HEALTH_OUTCOME_OK, 1);
    expect_change(scene, 0, UP);
}

/* Nobody had the time to look: what it was like minutes ago is no opinion of what it is like now. */
static void what_was_not_looked_at_for_long_is_no_opinion(void **state)
{
    struct scene *scene = *state;
    struct fleet_opinion opinions[COUNT];
    bool ends;
    verdicts_free(scene->verdicts);
    scene->plans[0].stale_ms = 60000;
    scene->verdicts = verdicts_new(scene->plans, COUNT, BLIND_MS, scene->now_ms);
    note(scene, 0, HEALTH_OUTCOME_OK, 1);
    note(scene, 1, HEALTH_OUTCOME_OK, 1);
    scene->now_ms += 50000;
    assert_int_equal(verdicts_take_next(scene->verdicts, opinions, COUNT, scene->now_ms, &ends), COUNT);
    assert_int_equal(opinions[0].verdict, UP);
    scene->now_ms += 20000;
    assert_int_equal(verdicts_take_next(scene->verdicts, opinions, COUNT, scene->now_ms, &ends), COUNT);
    assert_int_equal(opinions[0].verdict, NONE);
    assert_int_equal(opinions[1].verdict, UP); /* of which nobody said when */
    note(scene, 0, HEALTH_OUTCOME_OK, 1);
    expect_change(scene, 0, UP);
}

/* A check that is made seldom had better be asked again before it says nothing. */
/* What was thought before this host was suspended is no opinion of now: up is until a result says so again,
 * or as many as it takes say down. */
static void what_is_from_before_a_pause_is_no_opinion(void **state)
{
    struct scene *scene = *state;
    for (uint32_t i = 0; i < 3; i++) {
        note(scene, i, HEALTH_OUTCOME_OK, 2);
        expect_change(scene, i, UP);
    }
    verdicts_hold_up(scene->verdicts, BLIND_MS, scene->now_ms);
    expect_none(scene);
    verdicts_hold_up(scene->verdicts, BLIND_MS + 1, scene->now_ms);
    struct fleet_opinion opinions[COUNT];
    assert_int_equal(verdicts_take_changes(scene->verdicts, opinions, COUNT, scene->now_ms), 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(opinions[i].verdict, NONE);
    }
    assert_int_equal(verdicts_sum_up(scene->verdicts).none, COUNT);
    note(scene, 0, HEALTH_OUTCOME_OK, 1);
    expect_change(scene, 0, UP);
    note(scene, 1, HEALTH_OUTCOME_TIMEOUT, 2);
    expect_none(scene);
    note(scene, 1, HEALTH_OUTCOME_TIMEOUT, 1);
    expect_change(scene, 1, DOWN);
    note(scene, 2, HEALTH_OUTCOME_TIMEOUT, 1);
    expect_none(scene);
    note(scene, 2, HEALTH_OUTCOME_OK, 1);
    expect_change(scene, 2, UP);
}

static void rare_checks_are_blind_later(void **state)
{
    struct scene *scene = *state;
    verdicts_free(scene->verdicts);
    scene->plans[0].interval_ms = 20000;
    scene->verdicts = verdicts_new(scene->plans, COUNT, BLIND_MS, scene->now_ms);
    note(scene, 0, HEALTH_OUTCOME_OK, 1);
    expect_change(scene, 0, UP);
    note(scene, 0, HEALTH_OUTCOME_LOCAL_ERROR, 60);
    expect_none(scene);
    note(scene, 0, HEALTH_OUTCOME_LOCAL_ERROR, 1);
    expect_change(scene, 0, NONE);
}

static void windows_are_judged_here_too(void **state)
{
    struct scene *scene = *state;
    verdicts_free(scene->verdicts);
    scene->plans[0].window = 10;
    scene->plans[0].fall = 5;
    scene->verdicts = verdicts_new(scene->plans, COUNT, BLIND_MS, scene->now_ms);
    note(scene, 0, HEALTH_OUTCOME_OK, 1);
    expect_change(scene, 0, UP);
    for (int i = 0; i < 4; i++) {
        assert_false(note(scene, 0, HEALTH_OUTCOME_TIMEOUT, 1).tells);
        note(scene, 0, HEALTH_OUTCOME_OK, 1);
    }
    assert_true(note(scene, 0, HEALTH_OUTCOME_TIMEOUT, 1).tells);
    expect_change(scene, 0, DOWN);
}

static void a_recheck_is_wanted_while_a_verdict_hangs(void **state)
{
    struct scene *scene = *state;
    verdicts_free(scene->verdicts);
    scene->plans[0].recheck_ms = 100;
    scene->verdicts = verdicts_new(scene->plans, COUNT, BLIND_MS, scene->now_ms);
    assert_false(note(scene, 0, HEALTH_OUTCOME_OK, 1).hangs);
    assert_true(note(scene, 0, HEALTH_OUTCOME_REFUSED, 1).hangs);
    assert_true(note(scene, 0, HEALTH_OUTCOME_REFUSED, 1).hangs);
    assert_false(note(scene, 0, HEALTH_OUTCOME_REFUSED, 1).hangs);
    assert_true(note(scene, 0, HEALTH_OUTCOME_OK, 1).hangs);
    assert_false(note(scene, 0, HEALTH_OUTCOME_OK, 1).hangs);
    assert_false(note(scene, 1, HEALTH_OUTCOME_REFUSED, 1).hangs); /* no recheck is asked for */
}

static void nothing_to_check_is_no_opinion(void **state)
{
    struct scene *scene = *state;
    note(scene, 1, HEALTH_OUTCOME_OK, 1);
    expect_change(scene, 1, UP);
    verdicts_use(scene->verdicts, 1, false, scene->now_ms);
    expect_change(scene, 1, NONE);
    assert_int_equal(verdicts_sum_up(scene->verdicts).idle, 1);
    verdicts_use(scene->verdicts, 1, true, scene->now_ms);
    note(scene, 1, HEALTH_OUTCOME_OK, 1);
    expect_change(scene, 1, UP);
    struct verdicts_counts counts = verdicts_sum_up(scene->verdicts);
    assert_true(counts.up == 1 && counts.none == COUNT - 1 && counts.idle == 0 && counts.down == 0);
}

/* Others come, some stay in other places, all of them down: who is new has no opinion. */
static void the_next_list_goes_on(void **state)
{
    struct scene *scene = *state;
    struct fleet_opinion opinions[3];
    bool ends;
    for (uint32_t i = 0; i < COUNT; i++) {
        note(scene, i, HEALTH_OUTCOME_REFUSED, 3);
    }
    struct verdicts_plan plans[3] = {scene->plans[4], usual, scene->plans[0]};
    plans[1].identity = 999;
    int64_t later_ms = scene->now_ms + 7000;
    struct verdicts *next = verdicts_new(plans, 3, BLIND_MS, later_ms);
    verdicts_carry(next, scene->verdicts, later_ms);
    assert_int_equal(verdicts_sum_up(next).down, 2);
    assert_int_equal(verdicts_take_next(next, opinions, 3, later_ms, &ends), 3);
    assert_int_equal(opinions[0].verdict, DOWN);
    assert_int_equal(opinions[0].streak, 3);
    assert_int_equal(opinions[0].age_ms, 7000);
    assert_int_equal(opinions[1].verdict, NONE);
    assert_int_equal(opinions[2].verdict, DOWN);
    assert_int_equal(opinions[2].age_ms, 7000 + 3000 * (COUNT - 1));
    verdicts_free(next);
}

static void what_became_idle_is_so_after_the_carry(void **state)
{
    struct scene *scene = *state;
    struct fleet_opinion opinion;
    bool ends;
    note(scene, 0, HEALTH_OUTCOME_OK, 1);
    struct verdicts_plan plan = scene->plans[0];
    plan.idle = true;
    struct verdicts *next = verdicts_new(&plan, 1, BLIND_MS, scene->now_ms);
    verdicts_carry(next, scene->verdicts, scene->now_ms);
    assert_int_equal(verdicts_take_next(next, &opinion, 1, scene->now_ms, &ends), 1);
    assert_int_equal(opinion.verdict, NONE);
    assert_int_equal(verdicts_sum_up(next).idle, 1);
    verdicts_free(next);
}

static void an_empty_list_is_one(void **state)
{
    struct fleet_opinion opinion;
    bool ends = false;
    (void)state;
    struct verdicts *none = verdicts_new(NULL, 0, BLIND_MS, 1);
    assert_int_equal(verdicts_take_next(none, &opinion, 1, 1, &ends), 0);
    assert_true(ends);
    assert_int_equal(verdicts_take_changes(none, &opinion, 1, 1), 0);
    verdicts_begin_anew(none);
    verdicts_free(none);
}

/* Random results, told at random times by changes and by rounds: who was told all knows the same as a plain
 * count of the same results. */
static void whoever_listens_knows_what_counting_gives(void **state)
{
    struct scene *scene = *state;
    struct random random;
    enum health_observed told[COUNT] = {NONE}, model[COUNT] = {NONE};
    unsigned good[COUNT] = {0}, bad[COUNT] = {0};
    random_init(&random, 7);
    for (int round = 0; round < 20000; round++) {
        struct fleet_opinion opinions[COUNT];
        uint32_t index = (uint32_t)random_below(&random, COUNT);
        bool fails = random_below(&random, 2) == 0, ends;
        note(scene, index, fails ? HEALTH_OUTCOME_TIMEOUT : HEALTH_OUTCOME_OK, 1);
        bad[index] = fails ? bad[index] + 1 : 0;
        good[index] = fails ? 0 : good[index] + 1;
        if (fails ? bad[index] >= usual.fall : good[index] >= usual.rise || model[index] == NONE) {
            model[index] = fails ? DOWN : UP;
        }
        size_t max = (size_t)random_below(&random, COUNT + 1);
        size_t count = random_below(&random, 3) == 0
                           ? verdicts_take_next(scene->verdicts, opinions, max, scene->now_ms, &ends)
                           : verdicts_take_changes(scene->verdicts, opinions, max, scene->now_ms);
        assert_true(count <= max);
        for (size_t i = 0; i < count; i++) {
            told[opinions[i].index] = opinions[i].verdict;
        }
        if (round % 100 == 0) {
            while ((count = verdicts_take_changes(scene->verdicts, opinions, COUNT, scene->now_ms)) != 0) {
                for (size_t i = 0; i < count; i++) {
                    told[opinions[i].index] = opinions[i].verdict;
                }
            }
            assert_memory_equal(told, model, sizeof told);
        }
    }
}

static void pauses_double_up_to_five_seconds(void **state)
{
    struct pause pause = {0};
    struct random random;
    (void)state;
    random_init(&random, 3);
    uint32_t expected = PAUSE_LEAST_MS;
    for (int i = 0; i < 20; i++) {
        uint32_t ms = pause_next(&pause, &random);
        assert_true(ms >= expected / 2 && ms <= expected);
        expected = expected * 2 < PAUSE_MOST_MS ? expected * 2 : PAUSE_MOST_MS;
    }
    pause_reset(&pause);
    assert_true(pause_next(&pause, &random) <= PAUSE_LEAST_MS);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SCENE(rise_and_fall_are_counted_here),
        SCENE(an_opinion_has_its_facts),
        SCENE(of_what_was_not_told_only_the_latest_is),
        SCENE(a_round_tells_each_once_and_takes_changes_along),
        SCENE(trouble_of_this_host_is_no_opinion_for_ever),
        SCENE(what_was_not_looked_at_for_long_is_no_opinion),
        SCENE(what_is_from_before_a_pause_is_no_opinion),
        SCENE(rare_checks_are_blind_later),
        SCENE(windows_are_judged_here_too),
        SCENE(a_recheck_is_wanted_while_a_verdict_hangs),
        SCENE(nothing_to_check_is_no_opinion),
        SCENE(the_next_list_goes_on),
        SCENE(what_became_idle_is_so_after_the_carry),
        cmocka_unit_test(an_empty_list_is_one),
        SCENE(whoever_listens_knows_what_counting_gives),
        cmocka_unit_test(pauses_double_up_to_five_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
