/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health: a brake that needs a part of the targets only, and control targets. */
#include "config.h"

#include "brake_scene.h"

/* A round in which two of the first three fail, each for two rounds in a row: somebody is suspected all the
 * time. */
static void run_flapping(struct scene *scene)
{
    unsigned round = scene->round / ENDPOINTS;
    scene->dead = 0;
    for (unsigned i = 0; i < 3; i++) {
        scene->dead |= (round + 3 - i) % 3 < 2 ? 1u << i : 0;
    }
    run_rounds(scene, 1);
    assert_int_not_equal(brake_of(scene).failing, 0);
}

static void a_share_is_enough_if_so_wanted(void **state)
{
    struct scene *scene = *state;
    scene->brake.share = 0.6;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = WEST;
    run_rounds(scene, 3);
    assert_int_equal(unhealthy(scene), WEST);
    scene->dead = 0;
    run_rounds(scene, 10);
    scene->dead = 15; /* 4 of 6 */
    run_rounds(scene, 5);
    assert_int_equal(unhealthy(scene), 0);
    assert_true(brake_of(scene).engaged && brake_of(scene).answering == 2);
}

/* Though enough of them fail still: the sight is back, and the others are to be looked at. */
static void one_that_is_back_ends_it(void **state)
{
    struct scene *scene = *state;
    scene->brake.share = 0.6;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run_rounds(scene, 2);
    assert_true(brake_of(scene).engaged);
    scene->dead = ALL & ~1u;
    run(scene, 1);
    assert_false(brake_of(scene).engaged);
    assert_int_equal(scene->turns[HEALTH_BRAKE_RECOVERED], 1);
}

static void control_targets_speak_for_steerd(void **state)
{
    struct scene *scene = *state;
    add_control(scene);
    begin(scene);
    run_rounds(scene, 2);
    control(scene, HEALTH_OUTCOME_OK);
    scene->dead = ALL;
    run_rounds(scene, 1); /* it has not been asked since */
    assert_true(brake_of(scene).engaged && brake_of(scene).controls == 1);
    run_rounds(scene, 3);
    assert_true(brake_of(scene).engaged && unhealthy(scene) == 0);
    control(scene, HEALTH_OUTCOME_OK);
    assert_int_equal(unhealthy(scene), ALL); /* at once */
    assert_int_equal(scene->turns[HEALTH_BRAKE_BELIEVED], 1);
}

/* It failed as all others did: nobody falls because it is the first to be seen again. */
static void a_control_target_that_is_back_proves_that_sight_was_lost(void **state)
{
    struct scene *scene = *state;
    add_control(scene);
    begin(scene);
    run_rounds(scene, 2);
    control(scene, HEALTH_OUTCOME_OK);
    for (int outage = 0; outage < 2; outage++) {
        scene->dead = ALL;
        run_rounds(scene, 1);
        control(scene, outage == 0 ? HEALTH_OUTCOME_TIMEOUT : HEALTH_OUTCOME_LOCAL_ERROR);
        run_rounds(scene, 3);
        assert_true(brake_of(scene).engaged && unhealthy(scene) == 0);
        control(scene, HEALTH_OUTCOME_OK);
        assert_false(brake_of(scene).engaged);
        assert_int_equal(unhealthy(scene), 0);
        scene->dead = outage == 0 ? 0 : ALL;
        run_rounds(scene, 2);
        assert_int_equal(unhealthy(scene), outage == 0 ? 0 : ALL); /* by failures of its own */
        run_rounds(scene, 10);
    }
    assert_int_equal(scene->turns[HEALTH_BRAKE_RECOVERED], 2);
    assert_int_equal(scene->turns[HEALTH_BRAKE_BELIEVED], 0);
}

static void a_control_target_that_answers_in_time_prevents_it(void **state)
{
    struct scene *scene = *state;
    add_control(scene);
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run(scene, 3);
    control(scene, HEALTH_OUTCOME_OK);
    run(scene, 3);
    run_rounds(scene, 2);
    assert_int_equal(unhealthy(scene), ALL);
    assert_int_equal(scene->turns[HEALTH_BRAKE_ENGAGED], 0);
}

/* One that fails now and then does not use it up for ever. */
static void it_is_ready_again_though_somebody_always_fails(void **state)
{
    struct scene *scene = *state;
    scene->fall = 10; /* who fails now and then stays healthy */
    scene->brake.share = 0.8;
    begin(scene);
    run_rounds(scene, 2);
    for (int outage = 0; outage < 2; outage++) {
        scene->dead = ALL;
        run_rounds(scene, 2);
        assert_true(brake_of(scene).engaged);
        for (int64_t until_ms = scene->now_ms + 2 * (int64_t)HOLD_MS; scene->now_ms < until_ms;) {
            run_flapping(scene);
        }
    }
    assert_int_equal(scene->turns[HEALTH_BRAKE_ENGAGED], 2);
}

/* It was over before. */
static void a_control_target_is_too_late_when_its_time_is_up(void **state)
{
    struct scene *scene = *state;
    add_control(scene);
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run_rounds(scene, 3);
    assert_true(brake_of(scene).engaged);
    scene->now_ms += HOLD_MS;
    control(scene, HEALTH_OUTCOME_OK);
    assert_int_equal(scene->turns[HEALTH_BRAKE_EXPIRED], 1);
    assert_int_equal(scene->turns[HEALTH_BRAKE_BELIEVED], 0);
    assert_int_equal(unhealthy(scene), ALL);
}

/* The failures are believed because of what it says now, not because of what it said. */
static void a_control_target_that_fails_is_believed_no_more(void **state)
{
    struct scene *scene = *state;
    scene->fall = 1;
    add_control(scene);
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run(scene, 1);
    control(scene, HEALTH_OUTCOME_OK);
    run(scene, 5);
    assert_int_equal(unhealthy(scene), ALL);
    assert_int_equal(brake_of(scene).controls_answering, 1);
    control(scene, HEALTH_OUTCOME_CONNECT_TIMEOUT);
    assert_true(brake_of(scene).engaged);
    assert_int_equal(unhealthy(scene), 0);
}

/* Where somebody always fails, the first failure is long past. */
static void a_control_target_does_not_speak_for_what_fails_long_after(void **state)
{
    struct scene *scene = *state;
    scene->fall = 4;
    scene->brake.share = 0.8;
    add_control(scene);
    begin(scene);
    run_rounds(scene, 2);
    for (int i = 0; i < 4; i++) {
        run_flapping(scene);
    }
    control(scene, HEALTH_OUTCOME_OK);
    for (int i = 0; i < 20; i++) {
        run_flapping(scene);
    }
    scene->dead = ALL;
    run_rounds(scene, 5);
    assert_true(brake_of(scene).engaged);
    assert_int_equal(unhealthy(scene), 0);
}

/* But for what fails with those that had failed already, although the first of these say nothing any more. */
static void a_control_target_speaks_for_what_fails_soon_after(void **state)
{
    struct scene *scene = *state;
    scene->fall = 4;
    scene->brake.share = 0.8;
    add_control(scene);
    begin(scene);
    run_rounds(scene, 2);
    for (int i = 0; i < 20; i++) {
        run_flapping(scene);
    }
    scene->dead = ALL;
    run(scene, 2);
    control(scene, HEALTH_OUTCOME_OK);
    run(scene, 4);
    run_rounds(scene, 3);
    assert_int_equal(unhealthy(scene), ALL);
    assert_int_equal(scene->turns[HEALTH_BRAKE_ENGAGED], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_share_is_enough_if_so_wanted),
        TEST(one_that_is_back_ends_it),
        TEST(control_targets_speak_for_steerd),
        TEST(a_control_target_that_is_back_proves_that_sight_was_lost),
        TEST(a_control_target_that_answers_in_time_prevents_it),
        TEST(a_control_target_is_too_late_when_its_time_is_up),
        TEST(a_control_target_that_fails_is_believed_no_more),
        TEST(a_control_target_does_not_speak_for_what_fails_long_after),
        TEST(a_control_target_speaks_for_what_fails_soon_after),
        TEST(it_is_ready_again_though_somebody_always_fails),
    };
    return cmocka_run_group_tests_name("health_brake_share", tests, NULL, NULL);
}
