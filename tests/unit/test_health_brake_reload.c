/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health: what the brake keeps in a reload. */
#include "config.h"

#include "brake_scene.h"

/* A reload in the middle, by a machine of its own and by a copy. */
static void it_goes_on_after_a_reload(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run_rounds(scene, 5);
    for (int copies = 0; copies < 2; copies++) {
        struct health_brake_status before = brake_of(scene);
        reload(scene, copies ? health_new_like(scene->health) : make_health(scene));
        struct health_brake_status after = brake_of(scene);
        assert_true(after.engaged && after.left_ms == before.left_ms && after.failing == 6);
        run_rounds(scene, 3);
        assert_int_equal(unhealthy(scene), 0);
    }
    run_rounds(scene, 30);
    assert_int_equal(unhealthy(scene), ALL);
    assert_int_equal(scene->turns[HEALTH_BRAKE_ENGAGED], 1);
}

/* What a control target said before a reload holds behind it. */
static void a_reload_does_not_forget_control_targets(void **state)
{
    struct scene *scene = *state;
    add_control(scene);
    scene->monitors[5].interval_ms = 10 * INTERVAL_MS;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run(scene, 1);
    control(scene, HEALTH_OUTCOME_OK);
    run_without_last(scene, 3);
    unsigned fallen = unhealthy(scene);
    reload(scene, make_health(scene));
    run(scene, 5);
    assert_int_equal(scene->turns[HEALTH_BRAKE_ENGAGED], 0);
    assert_true(fallen != 0 && (unhealthy(scene) & fallen) == fallen);
}

/* Who was quiet before a reload is quiet behind it: nobody answers again by being read anew. */
static void a_reload_does_not_release_it(void **state)
{
    struct scene *scene = *state;
    scene->monitors[5].interval_ms = 2 * INTERVAL_MS;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run_without_last(scene, 4);
    assert_true(brake_of(scene).engaged);
    reload(scene, make_health(scene));
    run(scene, 2);
    assert_true(brake_of(scene).engaged);
    assert_int_equal(scene->turns[HEALTH_BRAKE_RECOVERED], 0);
    assert_int_equal(unhealthy(scene), 0);
}

/* Each is known by its identity, whatever its place; what has none is new. */
static void control_targets_may_change_places(void **state)
{
    uint8_t families[] = {0, 1};
    uint64_t identities[] = {7, 8};
    struct scene *scene = *state;
    scene->brake.controls = families;
    scene->brake.control_identities = identities;
    scene->brake.control_count = 2;
    begin(scene);
    run_rounds(scene, 1);
    control(scene, HEALTH_OUTCOME_OK);
    families[0] = 1; /* the machine has its own */
    families[1] = 0;
    assert_true(brake_of(scene).controls == 1 && brake_of(scene).controls_answering == 1);
    identities[0] = 8;
    identities[1] = 7;
    reload(scene, make_health(scene));
    assert_true(brake_of(scene).controls == 1 && brake_of(scene).controls_answering == 1);
    scene->brake.control_identities = NULL;
    reload(scene, make_health(scene));
    assert_true(brake_of(scene).controls == 1 && brake_of(scene).controls_answering == 0);
}

static void a_reload_may_turn_it_off_and_on(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run_rounds(scene, 4);
    assert_true(brake_of(scene).engaged);
    scene->is_off = true;
    reload(scene, make_health(scene));
    assert_int_equal(unhealthy(scene), 0); /* a reload moves no verdict */
    run_rounds(scene, 1);
    assert_true(!brake_of(scene).is_on && unhealthy(scene) == ALL);
    scene->is_off = false;
    reload(scene, make_health(scene));
    run_rounds(scene, 2);
    assert_true(brake_of(scene).is_on && !brake_of(scene).engaged && unhealthy(scene) == ALL);
}

/* What began before something answered again says nothing, behind a reload either. */
static void a_reload_does_not_forget_when_it_ended(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run_rounds(scene, 6);
    scene->dead = WEST;
    while (brake_of(scene).engaged) {
        run(scene, 1);
    }
    reload(scene, make_health(scene));
    check(scene, 0, HEALTH_OUTCOME_CONNECT_TIMEOUT, 1000);
    assert_int_equal(unhealthy(scene), 0);
    run_rounds(scene, 1);
    assert_int_equal(unhealthy(scene), WEST);
}

/* The last one is to be checked next, then the first one. */
static void begin_backwards(struct scene *scene)
{
    scene->brake.share = 0.8;
    begin(scene);
    run_rounds(scene, 2);
    run(scene, ENDPOINTS - 1);
    scene->dead = 1 | 32;
}

/* Who was suspected first is so no more first, whatever place it has. */
static void expect_order(struct scene *scene)
{
    run(scene, 8);
    assert_int_equal(brake_of(scene).failing, 2);
    run(scene, 1);
    assert_int_equal(brake_of(scene).failing, 1);
    run(scene, 1);
    assert_int_equal(brake_of(scene).failing, 0);
}

static void suspects_are_as_old_behind_a_reload(void **state)
{
    struct scene *scene = *state;
    begin_backwards(scene);
    run(scene, 2);
    reload(scene, make_health(scene));
    expect_order(scene);
}

/* A reload whose first turn is over. */
static struct health_carrier *begin_reload(struct scene *scene, struct health **next)
{
    *next = make_health(scene);
    struct health_carrier *carrier = health_carrier_new(*next, scene->health, scene->now_ms);
    health_carrier_watch(carrier);
    assert_false(health_carrier_step(carrier, SIZE_MAX));
    health_carrier_settle(carrier);
    return carrier;
}

static void end_reload(struct scene *scene, struct health_carrier *carrier, struct health *next)
{
    assert_int_equal(health_carrier_catch_up(carrier, SIZE_MAX), 0);
    health_carrier_end(carrier);
    health_carrier_free(carrier);
    health_free(scene->health);
    scene->health = next;
    listen_to(scene);
}

static void suspects_of_the_meantime_are_as_old(void **state)
{
    struct scene *scene = *state;
    struct health *next;
    begin_backwards(scene);
    struct health_carrier *carrier = begin_reload(scene, &next);
    run(scene, 2);
    end_reload(scene, carrier, next);
    expect_order(scene);
}

/* The older one answers and fails anew: it is the younger one now. */
static void suspects_of_the_meantime_may_be_younger(void **state)
{
    struct scene *scene = *state;
    struct health *next;
    begin_backwards(scene);
    run(scene, 2);
    struct health_carrier *carrier = begin_reload(scene, &next);
    check(scene, 5, HEALTH_OUTCOME_OK, 1);
    scene->now_ms += STEP_MS;
    check(scene, 5, scene->failure, 1);
    end_reload(scene, carrier, next);
    run(scene, 8);
    assert_int_equal(brake_of(scene).failing, 2);
    run(scene, 1);
    assert_int_equal(brake_of(scene).failing, 1);
}

/* Who is cleared by the answer of another one is not suspected behind the reload either. */
static void what_is_cleared_in_the_meantime_stays_so(void **state)
{
    struct scene *scene = *state;
    struct health *next;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = 1;
    run(scene, 1);
    struct health_carrier *carrier = begin_reload(scene, &next);
    run(scene, 1);
    assert_int_equal(brake_of(scene).failing, 0);
    end_reload(scene, carrier, next);
    assert_int_equal(brake_of(scene).failing, 0);
}

/* Also if the window began in the meantime, in the moment of an earlier turn. */
static void who_answered_in_the_meantime_is_not_quiet(void **state)
{
    struct scene *scene = *state;
    struct health *next;
    scene->brake.share = 0.8;
    scene->monitors[4].interval_ms = 3 * INTERVAL_MS;
    begin(scene);
    run_rounds(scene, 2);
    scene->now_ms += STEP_MS;
    health_follow_time(scene->health, scene->now_ms);
    struct health_carrier *carrier = begin_reload(scene, &next);
    assert_int_equal(health_carrier_catch_up(carrier, SIZE_MAX), 0);
    check(scene, 0, scene->failure, 1);
    scene->now_ms += STEP_MS;
    check(scene, 4, HEALTH_OUTCOME_OK, 1);
    end_reload(scene, carrier, next);
    scene->now_ms += 3 * INTERVAL_MS;
    check(scene, 1, HEALTH_OUTCOME_OK, 1);
    assert_int_equal(brake_of(scene).failing, 1);
    assert_int_equal(brake_of(scene).answering, 2); /* these two, who is due is not */
}

/* Each was due again since then but the last one, which still is: how many answer, as far as is known? */
static unsigned answering_when_others_are_due(struct scene *scene)
{
    scene->now_ms += 3 * INTERVAL_MS;
    check(scene, 2, HEALTH_OUTCOME_OK, 1);
    assert_int_equal(brake_of(scene).failing, 1);
    return brake_of(scene).answering;
}

static void begin_with_twins(struct scene *scene, unsigned twin, unsigned of)
{
    scene->brake.share = 0.8;
    scene->monitors[twin].subject = scene->monitors[of].subject;
    scene->monitors[5].interval_ms = 3 * INTERVAL_MS;
    begin(scene);
    run_rounds(scene, 2);
    scene->now_ms += STEP_MS;
    check(scene, 0, scene->failure, 1);
    scene->now_ms += STEP_MS;
}

/* Nothing new is suspected: who was heard since the first failure goes on being so. */
static void a_check_less_of_the_only_suspect_begins_no_window(void **state)
{
    struct scene *scene = *state;
    begin_with_twins(scene, 1, 0);
    check(scene, 1, scene->failure, 1);
    scene->now_ms += STEP_MS;
    check(scene, 4, HEALTH_OUTCOME_OK, 1);
    scene->now_ms += STEP_MS;
    health_follow_time(scene->health, scene->now_ms);
    assert_true(health_use_monitor(scene->health, 1, false, scene->now_ms));
    assert_int_equal(answering_when_others_are_due(scene), 2);
}

/* What a check heard goes with it, behind a reload like before one. */
static void who_was_heard_by_a_check_that_is_over_is_quiet(void **state)
{
    struct scene *scene = *state;
    struct health *next;
    begin_with_twins(scene, 3, 4);
    check(scene, 4, HEALTH_OUTCOME_OK, 1);
    struct health_carrier *carrier = begin_reload(scene, &next);
    assert_true(health_use_monitor(scene->health, 4, false, scene->now_ms));
    assert_int_equal(answering_when_others_are_due(scene), 1);
    end_reload(scene, carrier, next);
    assert_int_equal(brake_of(scene).answering, 1);
    reload(scene, make_health(scene));
    assert_int_equal(brake_of(scene).answering, 1);
}

/* The last word of the brake was not followed yet: it is behind the reload, and behind the next one. */
static void what_waits_to_fall_falls_after_a_reload(void **state)
{
    struct scene *scene = *state;
    add_control(scene);
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run_rounds(scene, 5);
    assert_true(brake_of(scene).engaged);
    health_observe_control(scene->health, 0, HEALTH_OUTCOME_OK);
    assert_int_equal(scene->turns[HEALTH_BRAKE_BELIEVED], 1);
    reload(scene, make_health(scene));
    reload(scene, health_new_like(scene->health));
    assert_int_equal(unhealthy(scene), 0);
    while (health_follow_brake(scene->health, 2, scene->now_ms)) {
    }
    assert_int_equal(unhealthy(scene), ALL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_goes_on_after_a_reload),
        TEST(a_reload_does_not_forget_control_targets),
        TEST(a_reload_does_not_release_it),
        TEST(control_targets_may_change_places),
        TEST(a_reload_may_turn_it_off_and_on),
        TEST(a_reload_does_not_forget_when_it_ended),
        TEST(suspects_are_as_old_behind_a_reload),
        TEST(suspects_of_the_meantime_are_as_old),
        TEST(suspects_of_the_meantime_may_be_younger),
        TEST(who_answered_in_the_meantime_is_not_quiet),
        TEST(what_is_cleared_in_the_meantime_stays_so),
        TEST(a_check_less_of_the_only_suspect_begins_no_window),
        TEST(who_was_heard_by_a_check_that_is_over_is_quiet),
        TEST(what_waits_to_fall_falls_after_a_reload),
    };
    return cmocka_run_group_tests_name("health_brake_reload", tests, NULL, NULL);
}
