/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health: the brake, in virtual time. Endpoints 0 to 5 stand in two regions of three; each is
 * checked every 2 s, one after the other, with a time-out of 1 s. */
#include "config.h"

#include "unit.h"

#include "health/health.h"

enum { ENDPOINTS = 6, INTERVAL_MS = 2000, TIMEOUT_MS = 1000, STEP_MS = INTERVAL_MS / ENDPOINTS };
enum { HOLD_MS = 60000, ALL = (1 << ENDPOINTS) - 1, WEST = 7, EAST = 56 };

struct scene {
    struct health *health;
    struct health_brake_plan brake;
    struct health_brake_monitor monitors[ENDPOINTS];
    uint16_t fall;
    int64_t now_ms;
    unsigned dead; /* bits of endpoints */
    enum health_outcome failure;
    unsigned turns[4], round;
};

static void hear(void *context, const struct health_brake_change *change)
{
    ((struct scene *)context)->turns[change->turn]++;
}

static struct health *make_health(const struct scene *scene)
{
    static const struct health_region_plan regions[] = {{"west", 1}, {"east", 1}};
    static const struct health_az_plan azs[] = {{"west-1", 0, 1}, {"east-1", 1, 1}};
    static const struct health_endpoint_plan endpoints[] = {{"w1", 0}, {"w2", 0}, {"w3", 0},
                                                            {"e1", 1}, {"e2", 1}, {"e3", 1}};
    struct health_monitor_plan monitors[ENDPOINTS];
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        monitors[i] =
            (struct health_monitor_plan){.endpoint = i, .rise = 2, .fall = scene->fall, .identity = i + 1};
    }
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = 2,
                                            .azs = azs,
                                            .az_count = 2,
                                            .endpoints = endpoints,
                                            .endpoint_count = ENDPOINTS,
                                            .monitors = monitors,
                                            .monitor_count = ENDPOINTS,
                                            .brake = &scene->brake},
                      0);
}

static void listen_to(struct scene *scene)
{
    health_set_listener(scene->health, &(struct health_listener){.context = scene, .braked = hear});
}

static void begin(struct scene *scene)
{
    scene->brake.monitors = scene->monitors;
    scene->health = make_health(scene);
    listen_to(scene);
}

static void follow(struct scene *scene)
{
    while (health_follow_brake(scene->health, 2, scene->now_ms)) {
    }
}

static void check(struct scene *scene, uint32_t endpoint, enum health_outcome outcome, uint32_t duration_ms)
{
    health_follow_time(scene->health, scene->now_ms);
    health_observe(scene->health, endpoint, outcome, scene->now_ms, duration_ms * 1000, 0);
    follow(scene);
}

/* The next checks, one each STEP_MS. */
static void run(struct scene *scene, unsigned checks)
{
    for (; checks != 0; checks--) {
        uint32_t endpoint = scene->round++ % ENDPOINTS;
        bool is_dead = (scene->dead >> endpoint & 1) != 0;
        scene->now_ms += STEP_MS;
        check(scene, endpoint, is_dead ? scene->failure : HEALTH_OUTCOME_OK, 1);
    }
}

static void run_rounds(struct scene *scene, unsigned rounds)
{
    run(scene, rounds * ENDPOINTS);
}

static unsigned unhealthy(const struct scene *scene)
{
    struct health_status status;
    unsigned bits = 0;
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        assert_int_equal(health_get_status(scene->health, HEALTH_ENDPOINT, i, &status), 0);
        bits |= status.observed == HEALTH_OBSERVED_UNHEALTHY ? 1u << i : 0;
    }
    return bits;
}

static struct health_brake_status brake_of(const struct scene *scene)
{
    struct health_brake_status status;
    health_get_brake(scene->health, 0, &status);
    return status;
}

static int set_up(void **state)
{
    static struct scene scene;
    scene = (struct scene){.brake = {.share = 1, .targets = 3, .hold_ms = HOLD_MS},
                           .fall = 3,
                           .now_ms = 1000000,
                           .failure = HEALTH_OUTCOME_CONNECT_TIMEOUT};
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        scene.monitors[i] = (struct health_brake_monitor){
            .subject = i + 1, .interval_ms = INTERVAL_MS, .timeout_ms = TIMEOUT_MS};
    }
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    health_free(((struct scene *)*state)->health);
    return 0;
}

/* ---- tests ---- */

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
    int64_t engaged_ms = scene->now_ms;
    while (scene->now_ms + STEP_MS < engaged_ms + HOLD_MS) {
        run(scene, 1);
        assert_int_equal(unhealthy(scene), 0);
    }
    struct health_status held;
    assert_int_equal(health_get_status(scene->health, HEALTH_ENDPOINT, 0, &held), 0);
    assert_true(held.held && held.effective.state == HEALTH_HEALTHY);
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

static void control(struct scene *scene, enum health_outcome outcome)
{
    health_follow_time(scene->health, scene->now_ms);
    health_observe_control(scene->health, 0, outcome);
    follow(scene);
}

static void control_targets_speak_for_steerd(void **state)
{
    static const uint8_t families[] = {0};
    struct scene *scene = *state;
    scene->brake.controls = families;
    scene->brake.control_count = 1;
    begin(scene);
    run_rounds(scene, 2);
    control(scene, HEALTH_OUTCOME_OK);
    scene->dead = ALL;
    run_rounds(scene, 1); /* it has not been asked since */
    assert_true(brake_of(scene).engaged && brake_of(scene).controls == 1);
    control(scene, HEALTH_OUTCOME_TIMEOUT);
    control(scene, HEALTH_OUTCOME_LOCAL_ERROR);
    run_rounds(scene, 3);
    assert_true(brake_of(scene).engaged && unhealthy(scene) == 0);
    control(scene, HEALTH_OUTCOME_OK);
    assert_int_equal(unhealthy(scene), ALL); /* at once */
    assert_int_equal(scene->turns[HEALTH_BRAKE_BELIEVED], 1);
}

static void a_control_target_that_answers_in_time_prevents_it(void **state)
{
    static const uint8_t families[] = {0};
    struct scene *scene = *state;
    scene->brake.controls = families;
    scene->brake.control_count = 1;
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

static void slow_targets_answer_as_far_as_is_known(void **state)
{
    struct scene *scene = *state;
    scene->monitors[5].interval_ms = 20 * INTERVAL_MS;
    begin(scene);
    run_rounds(scene, 1);
    scene->dead = ALL;
    for (int i = 0; i < 3; i++) {
        run(scene, 5);
        scene->round++; /* the last one is not asked */
    }
    assert_int_equal(unhealthy(scene), ALL & ~32u);
    scene->now_ms += 10000;
    check(scene, 5, HEALTH_OUTCOME_CONNECT_TIMEOUT, 1000);
    assert_true(brake_of(scene).engaged);
    assert_int_equal(unhealthy(scene), 0);
}

static void reload(struct scene *scene, struct health *next)
{
    health_carry(next, scene->health, scene->now_ms);
    health_free(scene->health);
    scene->health = next;
    listen_to(scene);
}

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
    scene->brake.controls = (const uint8_t[]){0};
    scene->brake.control_identities = (const uint64_t[]){7};
    scene->brake.control_count = 1;
    scene->monitors[5].interval_ms = 10 * INTERVAL_MS;
    begin(scene);
    run_rounds(scene, 2);
    scene->dead = ALL;
    run(scene, 1);
    control(scene, HEALTH_OUTCOME_OK);
    for (int i = 0; i < 3; i++) {
        run(scene, 5);
        scene->round++; /* the slow one is not asked */
    }
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
    for (int i = 0; i < 4; i++) {
        run(scene, 5);
        scene->round++; /* a check of the slow one is under way */
    }
    assert_true(brake_of(scene).engaged);
    reload(scene, make_health(scene));
    run(scene, 2);
    assert_true(brake_of(scene).engaged);
    assert_int_equal(scene->turns[HEALTH_BRAKE_RECOVERED], 0);
    assert_int_equal(unhealthy(scene), 0);
}

/* One that fails now and then does not use it up for ever. */
static void it_is_ready_again_though_somebody_always_fails(void **state)
{
    struct scene *scene = *state;
    scene->brake.share = 0.8;
    begin(scene);
    run_rounds(scene, 2);
    for (int outage = 0; outage < 2; outage++) {
        scene->dead = ALL;
        run_rounds(scene, 2);
        assert_true(brake_of(scene).engaged);
        for (int64_t until_ms = scene->now_ms + 2 * (int64_t)HOLD_MS; scene->now_ms < until_ms;) {
            scene->dead = scene->round / ENDPOINTS % 2 == 0 ? 1 : 2; /* somebody is suspected all the time */
            run(scene, 1);
        }
    }
    assert_int_equal(scene->turns[HEALTH_BRAKE_ENGAGED], 2);
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

static void simulations_observe_only_what_is_lost(void **state)
{
    struct scene *scene = *state;
    begin(scene);
    run_rounds(scene, 2);
    health_assume_answers(scene->health);
    for (int i = 0; i < 30; i++) { /* 3 of 6, and nothing else is checked for a minute */
        scene->now_ms += INTERVAL_MS;
        check(scene, (uint32_t)(i % 3), HEALTH_OUTCOME_TIMEOUT, 1000);
    }
    assert_int_equal(unhealthy(scene), WEST);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

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
        TEST(what_was_never_seen_does_not_count),
        TEST(a_wrong_answer_is_an_answer),
        TEST(a_share_is_enough_if_so_wanted),
        TEST(it_can_be_off),
        TEST(control_targets_speak_for_steerd),
        TEST(a_control_target_that_answers_in_time_prevents_it),
        TEST(slow_targets_answer_as_far_as_is_known),
        TEST(it_goes_on_after_a_reload),
        TEST(a_reload_does_not_forget_control_targets),
        TEST(a_reload_does_not_release_it),
        TEST(it_is_ready_again_though_somebody_always_fails),
        TEST(it_does_not_hold_for_those_that_are_gone),
        TEST(simulations_observe_only_what_is_lost),
    };
    return cmocka_run_group_tests_name("health_brake", tests, NULL, NULL);
}
