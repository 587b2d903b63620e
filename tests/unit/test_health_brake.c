/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health: the brake, in virtual time: when it holds, and when it lets go. */
#include "config.h"

#include "brake_scene.h"

static void what_fails_all_at_once_is_held_and_then_believed(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run(scene, 5);
    assert_false(brake_of(scene).engaged); /* one is not heard of yet */
    run(scene, 1);
    struct health_brake_status status = brake_of(scene);
    assert_true(status.engaged && status.failing == 6 && status.answering == 0 && status.targets == 6);
    assert_int_equal(status.left_ms, HOLD_MS);
    assert_true(scene->latest.status.engaged && scene->latest.status.failing == 6);
    int64_t engaged_ms = scene->now_ms;
    while (scene->now_ms + STEP_MS < engaged_ms + HOLD_MS) {
        run(scene, 1);
        assert_int_equal(unhealthy(scene), 0);
    }
    struct health_status held;
    assert_int_equal(health_get_status(scene->health, HEALTH_ENDPOINT, 0, &held), 0);
    assert_true(held.held && held.effective.state == HEALTH_HEALTHY);
    assert_int_equal(brake_of(scene).engaged_ms, scene->now_ms - engaged_ms);
    run(scene, 1);
    assert_int_equal(unhealthy(scene), ALL); /* with the first result, all of them */
    assert_false(brake_of(scene).engaged);
    run_rounds(scene, 40);
    assert_int_equal(unhealthy(scene), ALL);
    assert_int_equal(scene->turns[HEALTH_BRAKE_ENGAGED], 1);
    assert_int_equal(scene->turns[HEALTH_BRAKE_EXPIRED], 1);
    scene->dead = 0;
    run_rounds(scene, 3);
    assert_int_equal(unhealthy(scene), 0);
    scene->dead = ALL; /* another time is another brake */
    run_rounds(scene, 4);
    assert_true(brake_of(scene).engaged && unhealthy(scene) == 0);
    assert_int_equal(brake_of(scene).engagements, 2);
}

/* All but one region: who is left answers. */
static void a_region_lost_flips_by_its_fall_count(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = WEST;
    run_rounds(scene, 2);
    assert_int_equal(unhealthy(scene), 0);
    run_rounds(scene, 1);
    assert_int_equal(unhealthy(scene), WEST);
    assert_int_equal(scene->turns[HEALTH_BRAKE_ENGAGED], 0);
    /* and then the rest, all of which is suspected now */
    run_rounds(scene, 30);
    scene->dead = ALL;
    run_rounds(scene, 5);
    assert_int_equal(unhealthy(scene), WEST);
    assert_true(brake_of(scene).engaged && brake_of(scene).failing == 3);
}

static void one_that_is_left_is_enough(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL & ~(1u << 4);
    run_rounds(scene, 3);
    assert_int_equal(unhealthy(scene), scene->dead);
    assert_int_equal(scene->turns[HEALTH_BRAKE_ENGAGED], 0);
}

static void what_answers_again_ends_it(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run_rounds(scene, 6);
    assert_true(brake_of(scene).engaged);
    scene->dead = WEST;
    while (brake_of(scene).engaged) {
        run(scene, 1);
    }
    assert_int_equal(scene->turns[HEALTH_BRAKE_RECOVERED], 1);
    assert_int_equal(unhealthy(scene), 0); /* the others may have been failing for the same reason */
    /* a check that began before says nothing */
    check(scene, 0, HEALTH_OUTCOME_CONNECT_TIMEOUT, 1000);
    assert_int_equal(unhealthy(scene), 0);
    run_rounds(scene, 1);
    assert_int_equal(unhealthy(scene), WEST); /* at once, by the count they have */
}

static void a_link_that_comes_and_goes_is_one_trouble(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run_rounds(scene, 5);
    scene->dead = 0;
    run(scene, 2);
    assert_int_equal(scene->turns[HEALTH_BRAKE_RECOVERED], 1);
    scene->dead = ALL;
    run_rounds(scene, 5);
    assert_int_equal(scene->turns[HEALTH_BRAKE_ENGAGED], 2);
    assert_int_equal(unhealthy(scene), 0);
    run_rounds(scene, 30); /* and the time to hold is not given twice */
    assert_int_equal(unhealthy(scene), ALL);
}

static void what_fell_before_is_taken_back(void **state)
{
    struct scene *scene = *state;
    scene->fall = 1;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run(scene, 3);
    assert_int_equal(unhealthy(scene), WEST);
    run(scene, 2);
    assert_int_not_equal(unhealthy(scene), 0);
    run(scene, 1);
    assert_int_equal(unhealthy(scene), 0);
    struct health_status region;
    assert_int_equal(health_get_status(scene->health, HEALTH_REGION, 0, &region), 0);
    assert_int_equal(region.effective.state, HEALTH_HEALTHY);
    run_rounds(scene, 5);
    assert_int_equal(unhealthy(scene), 0);
}

/* One region after the other, within a window: between them the second one answered. */
static void what_fell_before_others_answered_is_not(void **state)
{
    struct scene *scene = *state;
    scene->fall = 1;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = WEST;
    run_rounds(scene, 1);
    assert_int_equal(unhealthy(scene), WEST);
    scene->dead = ALL;
    run_rounds(scene, 1);
    assert_true(brake_of(scene).engaged);
    assert_int_equal(brake_of(scene).failing, 3);
    assert_int_equal(unhealthy(scene), WEST);
}

static void what_fell_long_before_is_not(void **state)
{
    struct scene *scene = *state;
    scene->fall = 1;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = 1;
    run_rounds(scene, 3);
    scene->dead = ALL;
    run_rounds(scene, 2);
    assert_true(brake_of(scene).engaged);
    assert_int_equal(unhealthy(scene), 1);
}

static void two_targets_are_too_few(void **state)
{
    struct scene *scene = *state;
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        scene->monitors[i].subject = 1 + i % 2;
    }
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run_rounds(scene, 3);
    assert_int_equal(unhealthy(scene), ALL);
    assert_int_equal(brake_of(scene).targets, 2);
}

static void families_are_apart(void **state)
{
    struct scene *scene = *state;
    for (uint32_t i = 3; i < ENDPOINTS; i++) {
        scene->monitors[i].family = 1;
    }
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = EAST;
    run_rounds(scene, 5);
    assert_int_equal(unhealthy(scene), 0);
    assert_false(brake_of(scene).engaged);
    struct health_brake_status v6;
    health_get_brake(scene->health, 1, &v6);
    assert_true(v6.engaged && v6.failing == 3);
}

/* A subject is one target in each of them, in whatever order its monitors come. */
static void a_subject_is_a_target_in_each_family(void **state)
{
    struct scene *scene = *state;
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        scene->monitors[i].subject = 1;
        scene->monitors[i].family = i % 2;
    }
    begin(scene);
    struct health_brake_status v6;
    health_get_brake(scene->health, 1, &v6);
    assert_true(brake_of(scene).targets == 1 && v6.targets == 1);
}

static void what_was_never_seen_does_not_count(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    scene->dead = ALL;
    run_rounds(scene, 3);
    assert_int_equal(unhealthy(scene), ALL);
    assert_int_equal(scene->turns[HEALTH_BRAKE_ENGAGED], 0);
}

static void a_wrong_answer_is_an_answer(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    scene->failure = HEALTH_OUTCOME_BAD_STATUS;
    scene->dead = ALL;
    run_rounds(scene, 3);
    assert_int_equal(unhealthy(scene), ALL);
}

static void it_can_be_off(void **state)
{
    struct scene *scene = *state;
    scene->fall = 2;
    begin(scene);
    health_free(scene->health);
    static const struct health_region_plan region = {"r", 1};
    static const struct health_az_plan az = {"z", 0, 1};
    static const struct health_endpoint_plan endpoint = {"e", 0};
    static const struct health_monitor_plan monitor = {.fall = 1};
    scene->health = health_new(&(struct health_plan){.regions = &region,
                                                     .region_count = 1,
                                                     .azs = &az,
                                                     .az_count = 1,
                                                     .endpoints = &endpoint,
                                                     .endpoint_count = 1,
                                                     .monitors = &monitor,
                                                     .monitor_count = 1},
                               0);
    assert_false(brake_of(scene).is_on);
    check(scene, 0, HEALTH_OUTCOME_OK, 1);
    check(scene, 0, HEALTH_OUTCOME_REFUSED, 1);
    health_observe_control(scene->health, 0, HEALTH_OUTCOME_OK);
}

static void slow_targets_answer_as_far_as_is_known(void **state)
{
    struct scene *scene = *state;
    scene->monitors[5].interval_ms = 20 * INTERVAL_MS;
    begin(scene);
    run_rounds(scene, 1);
    scene->dead = ALL;
    run_without_last(scene, 3);
    assert_int_equal(unhealthy(scene), ALL & ~32u);
    scene->now_ms += 10000;
    check(scene, 5, HEALTH_OUTCOME_CONNECT_TIMEOUT, 1000);
    assert_true(brake_of(scene).engaged);
    assert_int_equal(unhealthy(scene), 0);
}

/* What fell before the slow one was due is taken back as soon as that is. */
static void it_engages_because_others_are_quiet(void **state)
{
    struct scene *scene = *state;
    scene->fall = 1;
    scene->monitors[5].interval_ms = 3 * INTERVAL_MS;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run_without_last(scene, 2);
    assert_int_equal(unhealthy(scene), ALL & ~32u);
    assert_int_equal(brake_of(scene).answering, 1);
    run_without_last(scene, 1);
    run(scene, 1);
    assert_true(brake_of(scene).engaged && brake_of(scene).answering == 0);
    assert_int_equal(unhealthy(scene), 0);
}

/* Suspects that are not observed any more leave too few to hold for. */
static void it_does_not_hold_for_those_that_are_gone(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run_rounds(scene, 5);
    assert_true(brake_of(scene).engaged);
    for (uint32_t i = 0; i < 4; i++) {
        (void)health_use_monitor(scene->health, i, false, scene->now_ms);
    }
    run_rounds(scene, 2);
    assert_false(brake_of(scene).engaged);
    assert_int_equal(unhealthy(scene), 48);
}

/* One that is unhealthy and was back for a moment neither answers nor is suspected. */
static void what_is_back_for_a_moment_does_not_count(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = 1;
    run_rounds(scene, 5);
    scene->dead = 0;
    run_rounds(scene, 1);
    assert_int_equal(unhealthy(scene), 1);
    assert_int_equal(brake_of(scene).answering, 6);
    scene->dead = ALL;
    run_rounds(scene, 1);
    assert_true(brake_of(scene).engaged);
    assert_true(brake_of(scene).answering == 0 && brake_of(scene).failing == 5);
}

static void what_has_no_address_is_not_suspected(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    scene->failure = HEALTH_OUTCOME_UNRESOLVED;
    scene->dead = ALL;
    run_rounds(scene, 1);
    assert_true(brake_of(scene).failing == 0 && brake_of(scene).answering == 0);
    run_rounds(scene, 2);
    assert_int_equal(unhealthy(scene), ALL);
}

/* What ends in the same moment has no order. */
static void an_answer_of_the_same_moment_clears_nobody(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    scene->now_ms += STEP_MS;
    check(scene, 0, scene->failure, 1);
    check(scene, 1, HEALTH_OUTCOME_OK, 1);
    assert_int_equal(brake_of(scene).failing, 1);
    scene->now_ms++;
    check(scene, 1, HEALTH_OUTCOME_OK, 1);
    assert_int_equal(brake_of(scene).failing, 0);
}

/* A window is not longer than it would hold. */
static void what_fails_over_longer_than_it_would_hold_is_no_mass(void **state)
{
    struct scene *scene = *state;
    scene->brake.hold_ms = 1000;
    scene->brake.targets = 5;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run_rounds(scene, 4);
    assert_int_equal(scene->turns[HEALTH_BRAKE_ENGAGED], 0);
    assert_int_equal(unhealthy(scene), ALL);
}

/* One that waits to be taken back, and is not observed any more. */
static void what_waits_may_go(void **state)
{
    struct scene *scene = *state;
    scene->fall = 1;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run(scene, 5);
    scene->now_ms += STEP_MS;
    health_follow_time(scene->health, scene->now_ms);
    health_observe(scene->health, 5, scene->failure, scene->now_ms, 1000, 0);
    assert_true(health_follow_brake(scene->health, 2, scene->now_ms));
    assert_int_equal(unhealthy(scene), 28);
    assert_true(health_use_monitor(scene->health, 2, false, scene->now_ms));
    while (health_follow_brake(scene->health, 1, scene->now_ms)) {
    }
    assert_true(brake_of(scene).engaged && brake_of(scene).failing == 5);
    assert_int_equal(unhealthy(scene), 0);
}

static void simulations_observe_only_what_is_lost(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    health_assume_answers(scene->health);
    for (int i = 0; i < 30; i++) { /* 3 of 6, and nothing else is checked for a minute */
        scene->now_ms += INTERVAL_MS;
        for (uint32_t endpoint = 0; endpoint < 3; endpoint++) {
            check(scene, endpoint, HEALTH_OUTCOME_TIMEOUT, 1000);
        }
    }
    assert_int_equal(scene->turns[HEALTH_BRAKE_ENGAGED], 0);
    assert_int_equal(unhealthy(scene), WEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_fails_all_at_once_is_held_and_then_believed),
        TEST(a_region_lost_flips_by_its_fall_count),
        TEST(one_that_is_left_is_enough),
        TEST(what_answers_again_ends_it),
        TEST(a_link_that_comes_and_goes_is_one_trouble),
        TEST(what_fell_before_is_taken_back),
        TEST(what_fell_before_others_answered_is_not),
        TEST(what_fell_long_before_is_not),
        TEST(two_targets_are_too_few),
        TEST(families_are_apart),
        TEST(a_subject_is_a_target_in_each_family),
        TEST(what_was_never_seen_does_not_count),
        TEST(a_wrong_answer_is_an_answer),
        TEST(it_can_be_off),
        TEST(slow_targets_answer_as_far_as_is_known),
        TEST(it_engages_because_others_are_quiet),
        TEST(it_does_not_hold_for_those_that_are_gone),
        TEST(what_is_back_for_a_moment_does_not_count),
        TEST(what_has_no_address_is_not_suspected),
        TEST(an_answer_of_the_same_moment_clears_nobody),
        TEST(what_fails_over_longer_than_it_would_hold_is_no_mass),
        TEST(what_waits_may_go),
        TEST(simulations_observe_only_what_is_lost),
    };
    return cmocka_run_group_tests_name("health_brake", tests, NULL, NULL);
}
