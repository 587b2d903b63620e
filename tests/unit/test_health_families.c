/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health: the families of an endpoint, each with a verdict of its own. */
#include "config.h"

#include "unit.h"

#include "health/health.h"

#include <string.h>

enum { V4 = 1 << HEALTH_V4, V6 = 1 << HEALTH_V6 };
enum { BOTH, TOGETHER, ONLY_V4, ENDPOINTS };

/* both: two checks of each family; together: one of each, for both; only: one of IPv4. */
enum { BOTH_4, BOTH_6, BOTH_4_TOO, BOTH_6_TOO, TOGETHER_4, TOGETHER_6, ONLY_4 };

struct scene {
    struct health *health;
    struct health_change told;
    size_t told_count;
};

static void hear(void *context, const struct health_change *change)
{
    struct scene *scene = context;
    scene->told = *change;
    scene->told_count++;
}

static struct health *make_health(void)
{
    static const struct health_region_plan regions[] = {{"r", 1}};
    static const struct health_az_plan azs[] = {{"z", 0, 1}, {"other", 0, 1}};
    static const struct health_endpoint_plan endpoints[] = {{"both", 0}, {"together", 1}, {"only", 1}};
    static const struct health_monitor_plan monitors[] = {
        {BOTH, 1, 2, 1, V4},    {BOTH, 1, 2, 2, V6},    {BOTH, 1, 2, 3, V4},   {BOTH, 1, 2, 4, V6},
        {TOGETHER, 1, 2, 5, 0}, {TOGETHER, 1, 2, 6, 0}, {ONLY_V4, 1, 2, 7, V4}};
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = 1,
                                            .azs = azs,
                                            .az_count = 2,
                                            .endpoints = endpoints,
                                            .endpoint_count = ENDPOINTS,
                                            .monitors = monitors,
                                            .monitor_count = 7},
                      1000);
}

static int set_up(void **state)
{
    static struct scene scene;
    scene = (struct scene){.health = make_health()};
    for (uint32_t i = 0; i < health_monitor_count(scene.health); i++) {
        health_observe(scene.health, i, HEALTH_OUTCOME_OK, 1000, 0, 0);
    }
    health_set_listener(scene.health, &(struct health_listener){.context = &scene, .changed = hear});
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    health_free(scene->health);
    return 0;
}

static void lose(struct scene *scene, uint32_t monitor, int64_t wall_ms)
{
    health_observe(scene->health, monitor, HEALTH_OUTCOME_TIMEOUT, wall_ms, 0, 0);
    health_observe(scene->health, monitor, HEALTH_OUTCOME_TIMEOUT, wall_ms, 0, 0);
}

/* As a whole, with IPv4, with IPv6. */
static void expect(const struct scene *scene, uint32_t endpoint, const char *any, const char *v4,
                   const char *v6)
{
    const struct health_table *table = health_get_table(scene->health);
    const char *wanted[HEALTH_VIEWS] = {[HEALTH_V4] = v4, [HEALTH_V6] = v6, [HEALTH_ANY] = any};
    struct health_status status;
    uint32_t az = endpoint == BOTH ? 0 : 1;
    assert_int_equal(health_get_status(scene->health, HEALTH_ENDPOINT, endpoint, &status), 0);
    assert_string_equal(health_observed_text(status.observed), any);
    assert_string_equal(health_observed_text(status.families[HEALTH_V4]), v4);
    assert_string_equal(health_observed_text(status.families[HEALTH_V6]), v6);
    for (int family = HEALTH_V4; family < HEALTH_VIEWS; family++) {
        struct health_effective effective =
            health_table_effective(table, endpoint, az, 0, (enum health_family)family);
        assert_string_equal(health_state_text(effective.state), wanted[family]);
    }
}

static enum health_observed az_observed(const struct scene *scene, uint32_t az)
{
    struct health_status status;
    assert_int_equal(health_get_status(scene->health, HEALTH_AZ, az, &status), 0);
    return status.observed;
}

static void a_family_fails_alone(void **state)
{
    struct scene *scene = *state;
    uint64_t generation = atomic_load(&health_get_table(scene->health)->generation);
    lose(scene, BOTH_6_TOO, 2000);
    expect(scene, BOTH, "healthy", "healthy", "unhealthy");
    assert_int_equal(atomic_load(&health_get_table(scene->health)->generation), generation + 1);
    assert_int_equal(az_observed(scene, 0), HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(scene->told_count, 1); /* of the endpoint: its state is what it was */
    assert_int_equal(scene->told.before.state, scene->told.after.state);
    assert_int_equal(scene->told.families_before[HEALTH_V6], HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(scene->told.families_after[HEALTH_V6], HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(scene->told.families_after[HEALTH_V4], HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(scene->told.outcome, HEALTH_OUTCOME_TIMEOUT);
    struct health_status status;
    assert_int_equal(health_get_status(scene->health, HEALTH_ENDPOINT, BOTH, &status), 0);
    assert_int_equal(status.since_ms, 1000); /* the endpoint's state did not change */
    health_observe(scene->health, BOTH_6_TOO, HEALTH_OUTCOME_OK, 3000, 0, 0);
    expect(scene, BOTH, "healthy", "healthy", "healthy");
    assert_int_equal(scene->told_count, 2);
}

static void the_last_family_takes_the_endpoint_along(void **state)
{
    struct scene *scene = *state;
    lose(scene, BOTH_4, 2000);
    expect(scene, BOTH, "healthy", "unhealthy", "healthy");
    lose(scene, BOTH_6, 3000);
    expect(scene, BOTH, "unhealthy", "unhealthy", "unhealthy");
    assert_int_equal(az_observed(scene, 0), HEALTH_OBSERVED_UNHEALTHY);
    health_observe(scene->health, BOTH_6, HEALTH_OUTCOME_OK, 4000, 0, 0);
    expect(scene, BOTH, "healthy", "unhealthy", "healthy");
    assert_int_equal(az_observed(scene, 0), HEALTH_OBSERVED_HEALTHY);
    /* each came back when it did */
    const struct health_outage *outage = health_get_table(scene->health)->endpoints_outage[BOTH];
    assert_int_equal(outage[HEALTH_V4].back_ms, 0);
    assert_int_equal(outage[HEALTH_V6].back_ms, 4000);
    assert_int_equal(outage[HEALTH_ANY].back_ms, 4000);
    health_observe(scene->health, BOTH_4, HEALTH_OUTCOME_OK, 9000, 0, 0);
    assert_int_equal(outage[HEALTH_V4].back_ms, 9000);
    assert_int_equal(outage[HEALTH_V6].back_ms, 4000);
    assert_int_equal(outage[HEALTH_ANY].back_ms, 4000);
}

static void families_together_fail_together(void **state)
{
    struct scene *scene = *state;
    lose(scene, TOGETHER_6, 2000);
    expect(scene, TOGETHER, "unhealthy", "unhealthy", "unhealthy");
}

static void who_has_one_family_has_it_for_both(void **state)
{
    struct scene *scene = *state;
    lose(scene, ONLY_4, 2000);
    expect(scene, ONLY_V4, "unhealthy", "unhealthy", "unhealthy");
}

/* A host name whose IPv6 addresses come and go. */
static void a_family_that_is_not_there_has_no_say(void **state)
{
    struct scene *scene = *state;
    lose(scene, BOTH_6, 2000);
    assert_true(health_use_monitor(scene->health, BOTH_6, false, 3000));
    assert_true(health_use_monitor(scene->health, BOTH_6_TOO, false, 3000));
    expect(scene, BOTH, "healthy", "healthy", "healthy");
    lose(scene, BOTH_4, 4000);
    expect(scene, BOTH, "unhealthy", "unhealthy", "unhealthy");
    assert_true(health_use_monitor(scene->health, BOTH_6, true, 5000)); /* it is known to be dead */
    expect(scene, BOTH, "unhealthy", "unhealthy", "unhealthy");
    health_observe(scene->health, BOTH_6, HEALTH_OUTCOME_OK, 6000, 0, 0);
    expect(scene, BOTH, "healthy", "unhealthy", "healthy");
}

static void nothing_known_of_one_family_is_no_loss(void **state)
{
    struct scene *scene = *state;
    health_free(scene->health);
    scene->health = make_health();
    lose(scene, BOTH_4, 2000);
    expect(scene, BOTH, "unknown", "unhealthy", "unknown");
    health_observe(scene->health, BOTH_6, HEALTH_OUTCOME_OK, 3000, 0, 0);
    expect(scene, BOTH, "unknown", "unhealthy", "unknown"); /* its other check has not ended */
    health_observe(scene->health, BOTH_6_TOO, HEALTH_OUTCOME_OK, 3000, 0, 0);
    expect(scene, BOTH, "healthy", "unhealthy", "healthy");
}

static void overrides_hold_for_both(void **state)
{
    struct scene *scene = *state;
    lose(scene, BOTH_6, 2000);
    struct health_override override = {.desired = HEALTH_DESIRED_UP, .set_ms = 3000};
    assert_int_equal(health_set_override(scene->health, HEALTH_ENDPOINT, BOTH, &override, 3000), 0);
    const struct health_table *table = health_get_table(scene->health);
    for (int family = HEALTH_V4; family < HEALTH_VIEWS; family++) {
        assert_int_equal(health_table_effective(table, BOTH, 0, 0, (enum health_family)family).state,
                         HEALTH_FORCED_UP);
    }
    assert_int_equal(table->endpoints_outage[BOTH][HEALTH_V6].back_ms, 3000);
    assert_int_equal(table->endpoints_outage[BOTH][HEALTH_ANY].back_ms, 0);
}

static bool wavers(const struct scene *scene, uint32_t endpoint, enum health_family family)
{
    return health_word_wavers(atomic_load(&health_get_table(scene->health)->endpoints[endpoint]), family);
}

static void each_family_wavers_by_itself(void **state)
{
    struct scene *scene = *state;
    health_observe(scene->health, BOTH_6, HEALTH_OUTCOME_TIMEOUT, 2000, 0, 0);
    assert_true(wavers(scene, BOTH, HEALTH_V6));
    assert_false(wavers(scene, BOTH, HEALTH_V4));
    assert_true(wavers(scene, BOTH, HEALTH_ANY));
    health_observe(scene->health, ONLY_4, HEALTH_OUTCOME_TIMEOUT, 2000, 0, 0);
    assert_true(wavers(scene, ONLY_V4, HEALTH_V6));
    (void)health_use_monitor(scene->health, BOTH_6, false, 3000);
    assert_false(wavers(scene, BOTH, HEALTH_ANY));
}

/* A reload that says "together" where families were apart, and back. */
static void what_is_known_outlives_a_change_of_the_rule(void **state)
{
    struct scene *scene = *state;
    static const struct health_region_plan regions[] = {{"r", 1}};
    static const struct health_az_plan azs[] = {{"z", 0, 1}};
    static const struct health_endpoint_plan endpoints[] = {{"both", 0}};
    static const struct health_monitor_plan monitors[] = {
        {0, 1, 2, 1, 0}, {0, 1, 2, 2, 0}, {0, 1, 2, 3, 0}, {0, 1, 2, 4, 0}};
    lose(scene, BOTH_6, 2000);
    struct health *next = health_new(&(struct health_plan){.regions = regions,
                                                           .region_count = 1,
                                                           .azs = azs,
                                                           .az_count = 1,
                                                           .endpoints = endpoints,
                                                           .endpoint_count = 1,
                                                           .monitors = monitors,
                                                           .monitor_count = 4},
                                     3000);
    health_carry(next, scene->health, 3000);
    struct health *before = scene->health;
    scene->health = next;
    expect(scene, BOTH, "unhealthy", "unhealthy", "unhealthy");
    scene->health = make_health();
    health_carry(scene->health, next, 4000);
    expect(scene, BOTH, "healthy", "healthy", "unhealthy");
    health_free(before);
    health_free(next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_family_fails_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_last_family_takes_the_endpoint_along, set_up, tear_down),
        cmocka_unit_test_setup_teardown(families_together_fail_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_has_one_family_has_it_for_both, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_family_that_is_not_there_has_no_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_known_of_one_family_is_no_loss, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overrides_hold_for_both, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_family_wavers_by_itself, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_known_outlives_a_change_of_the_rule, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("health_families", tests, NULL, NULL);
}
