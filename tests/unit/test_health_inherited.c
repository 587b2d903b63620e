/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of verdicts that are inherited from a lost az or region: they end, whatever checks come to, and never
 * hold that from which they come. */
#include "config.h"

#include "unit.h"

#include "health_world.h"

#include <string.h>

enum { MANY = 8 };

struct shares {
    double az, region;
};

static const struct shares all = {1, 1}, half = {0.5, 0.5}, half_of_regions = {1, 0.5}, most = {0.75, 1};

/* "a1 b2 c26": endpoint a in az 1, b in az 2, c in az 2 with IPv6, too. Azs 1 to 3 are of one region, az 4 of
 * another. Each endpoint has one check, of each of its addresses. */
static struct health *make(const char *endpoints, const struct shares *shares)
{
    static const char *const names[] = {"1", "2", "3", "4"};
    struct health_region_plan regions[] = {{"r", shares->region}, {"s", 1}};
    struct health_az_plan azs[4];
    struct health_endpoint_plan plans[MANY];
    struct health_monitor_plan monitors[MANY * 2];
    char texts[MANY][2] = {""};
    size_t count = 0, monitor_count = 0;
    for (uint32_t i = 0; i < 4; i++) {
        azs[i] = (struct health_az_plan){names[i], i / 3, shares->az};
    }
    for (const char *at = endpoints; *at != '\0'; at += strcspn(at, " "), at += strspn(at, " ")) {
        texts[count][0] = at[0];
        plans[count] = (struct health_endpoint_plan){texts[count], (uint32_t)(at[1] - '1')};
        for (unsigned family = 0; family < (at[2] == '6' ? 2u : 1u); family++) {
            monitors[monitor_count++] = (struct health_monitor_plan){.endpoint = (uint32_t)count,
                                                                     .rise = 2,
                                                                     .fall = 3,
                                                                     .identity = (uint64_t)at[0] * 2 + family,
                                                                     .families = (uint8_t)(1u << family)};
        }
        count++;
    }
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = 2,
                                            .azs = azs,
                                            .az_count = 4,
                                            .endpoints = plans,
                                            .endpoint_count = count,
                                            .monitors = monitors,
                                            .monitor_count = monitor_count},
                      1000);
}

static uint32_t at(const struct health *health, const char *endpoint)
{
    ptrdiff_t index = health_find(health, HEALTH_ENDPOINT, endpoint);
    assert_true(index >= 0);
    return (uint32_t)index;
}

/* Its monitor of a family. */
static uint32_t monitor_of(const struct health *health, const char *endpoint, unsigned family)
{
    struct health_monitor_status status;
    uint32_t monitor = 0;
    while (health_get_monitor(health, monitor, &status) == 0 && status.endpoint != at(health, endpoint)) {
        monitor++;
    }
    return monitor + family;
}

static void observe(struct health *health, const char *endpoint, enum health_outcome outcome, int times)
{
    observe_times(health, monitor_of(health, endpoint, 0), outcome, times);
}

static void expect_endpoint(const struct health *health, const char *endpoint, enum health_state state)
{
    enum health_state is = status_of(health, HEALTH_ENDPOINT, at(health, endpoint)).effective.state;
    assert_string_equal(health_state_text(is), health_state_text(state));
}

static enum health_observed observed(const struct health *health, enum health_kind kind, const char *name)
{
    return status_of(health, kind, (uint32_t)health_find(health, kind, name)).observed;
}

static bool is_lost(const struct health *health, enum health_kind kind, const char *name)
{
    return observed(health, kind, name) == HEALTH_OBSERVED_UNHEALTHY;
}

static struct health *reload(struct health *from, const char *endpoints, const struct shares *shares)
{
    struct health *to = make(endpoints, shares);
    health_carry(to, from, 5000);
    health_free(from);
    return to;
}

/* All are healthy, and then those are dead whose name is among these. */
static struct health *make_lost(const char *endpoints, const char *dead, const struct shares *shares)
{
    struct health *health = make(endpoints, shares);
    make_all_healthy(health);
    for (const char *name = dead; *name != '\0'; name++) {
        observe(health, (const char[]){*name, '\0'}, HEALTH_OUTCOME_REFUSED, 3);
    }
    return health;
}

static void one_that_cannot_be_checked_follows_those_that_can(void **state)
{
    (void)state;
    struct health *health = reload(make_lost("a1 e4", "a", &all), "a1 n1 e4", &all);
    observe(health, "n", HEALTH_OUTCOME_LOCAL_ERROR, 9);
    expect_endpoint(health, "n", HEALTH_UNHEALTHY);
    observe(health, "a", HEALTH_OUTCOME_OK, 2);
    expect_endpoint(health, "a", HEALTH_HEALTHY);
    observe(health, "n", HEALTH_OUTCOME_LOCAL_ERROR, 1);
    expect_endpoint(health, "n", HEALTH_UNKNOWN);
    observe(health, "n", HEALTH_OUTCOME_REFUSED, 2); /* it begins like one that is new */
    expect_endpoint(health, "n", HEALTH_UNKNOWN);
    observe(health, "n", HEALTH_OUTCOME_REFUSED, 1);
    expect_endpoint(health, "n", HEALTH_UNHEALTHY);
    health_free(health);
}

static void failures_in_a_place_that_is_well_are_no_reason_to_be_served(void **state)
{
    (void)state;
    struct health *health = reload(make_lost("a1 e4", "a", &all), "a1 n1 e4", &all);
    observe(health, "a", HEALTH_OUTCOME_OK, 2);
    observe(health, "n", HEALTH_OUTCOME_REFUSED, 1);
    expect_endpoint(health, "n", HEALTH_UNHEALTHY);
    observe(health, "n", HEALTH_OUTCOME_OK, 1);
    expect_endpoint(health, "n", HEALTH_HEALTHY);
    health_free(health);
}

static void an_az_is_not_held_by_those_that_inherited_from_it(void **state)
{
    (void)state;
    struct health *health = reload(make_lost("a1 b1 e4", "ab", &half), "a1 b1 n1 m1 e4", &half);
    assert_true(is_lost(health, HEALTH_AZ, "1"));
    struct health_status az = status_of(health, HEALTH_AZ, 0);
    assert_int_equal(az.members, 2);
    assert_int_equal(az.members_unhealthy, 2);
    observe(health, "a", HEALTH_OUTCOME_OK, 2);
    assert_true(is_lost(health, HEALTH_AZ, "1")); /* by b, one of two that have a say */
    observe(health, "b", HEALTH_OUTCOME_OK, 2);
    assert_int_equal(observed(health, HEALTH_AZ, "1"), HEALTH_OBSERVED_HEALTHY);
    expect_endpoint(health, "a", HEALTH_HEALTHY);
    observe(health, "m", HEALTH_OUTCOME_REFUSED, 3); /* who has failed itself does count */
    observe(health, "a", HEALTH_OUTCOME_REFUSED, 3);
    assert_true(is_lost(health, HEALTH_AZ, "1"));
    health_free(health);
}

static void a_region_is_not_held_by_an_az_that_has_nothing_of_its_own(void **state)
{
    (void)state;
    const struct shares *shares = &half_of_regions;
    struct health *health = reload(make_lost("a1 b2 e4", "a", shares), "a1 b2 n3 e4", shares);
    assert_true(is_lost(health, HEALTH_REGION, "r"));
    assert_false(is_lost(health, HEALTH_AZ, "3"));
    expect_endpoint(health, "n", HEALTH_UNHEALTHY);
    observe(health, "a", HEALTH_OUTCOME_OK, 2);
    assert_int_equal(observed(health, HEALTH_REGION, "r"), HEALTH_OBSERVED_HEALTHY);
    expect_endpoint(health, "n", HEALTH_UNHEALTHY);
    observe(health, "n", HEALTH_OUTCOME_LOCAL_ERROR, 1);
    expect_endpoint(health, "n", HEALTH_UNKNOWN);
    health_free(health);
}

static void where_all_are_new_the_first_that_is_seen_decides(void **state)
{
    (void)state;
    struct health *health = reload(make_lost("a1 b1 e4", "ab", &half), "n1 m1 e4", &half);
    assert_true(is_lost(health, HEALTH_AZ, "1") && is_lost(health, HEALTH_REGION, "r"));
    observe(health, "n", HEALTH_OUTCOME_LOCAL_ERROR, 20); /* nothing is known that was not */
    observe(health, "m", HEALTH_OUTCOME_LOCAL_ERROR, 20);
    health = reload(health, "n1 m1 e4", &half);
    assert_true(is_lost(health, HEALTH_AZ, "1") && is_lost(health, HEALTH_REGION, "r"));
    assert_int_equal(status_of(health, HEALTH_AZ, 0).members_unhealthy, 2);
    observe(health, "m", HEALTH_OUTCOME_OK, 1);
    assert_false(is_lost(health, HEALTH_AZ, "1") || is_lost(health, HEALTH_REGION, "r"));
    observe(health, "n", HEALTH_OUTCOME_LOCAL_ERROR, 1);
    expect_endpoint(health, "n", HEALTH_UNKNOWN);
    (void)health_use_monitor(health, monitor_of(health, "m", 0), false, 6000);
    assert_int_equal(observed(health, HEALTH_AZ, "1"), HEALTH_OBSERVED_UNKNOWN); /* that was long ago */
    health_free(health);
}

static void where_all_are_new_under_new_names_the_region_remembers(void **state)
{
    (void)state;
    struct health *health = reload(make_lost("a1 b1 e4", "ab", &half), "n2 m3 e4", &half);
    assert_true(is_lost(health, HEALTH_REGION, "r"));
    observe(health, "n", HEALTH_OUTCOME_REFUSED, 3);
    assert_true(is_lost(health, HEALTH_AZ, "2") && is_lost(health, HEALTH_REGION, "r"));
    observe(health, "n", HEALTH_OUTCOME_OK, 2);
    assert_false(is_lost(health, HEALTH_REGION, "r"));
    observe(health, "m", HEALTH_OUTCOME_LOCAL_ERROR, 1);
    expect_endpoint(health, "m", HEALTH_UNKNOWN);
    health_free(health);
}

static void an_az_whose_own_were_replaced_still_counts_in_its_region(void **state)
{
    (void)state;
    const struct shares *shares = &half_of_regions;
    struct health *health = reload(make_lost("a1 b2 e4", "a", shares), "n1 b2 e4", shares);
    assert_true(is_lost(health, HEALTH_AZ, "1") && is_lost(health, HEALTH_REGION, "r"));
    expect_endpoint(health, "b", HEALTH_UNHEALTHY);
    observe(health, "n", HEALTH_OUTCOME_OK, 1);
    expect_endpoint(health, "b", HEALTH_HEALTHY);
    health_free(health);
}

static void an_endpoint_that_gets_an_address_counts_by_what_it_had(void **state)
{
    (void)state;
    struct health *health = reload(make_lost("a1 b1 c1 d1 e4", "abc", &most), "a16 b1 c1 d1 e4", &most);
    assert_true(is_lost(health, HEALTH_AZ, "1"));
    observe(health, "a", HEALTH_OUTCOME_OK, 2);
    assert_false(is_lost(health, HEALTH_AZ, "1"));
    expect_endpoint(health, "a", HEALTH_HEALTHY);
    struct health_status status = status_of(health, HEALTH_ENDPOINT, at(health, "a"));
    assert_int_equal(status.families[HEALTH_V6], HEALTH_OBSERVED_UNHEALTHY);
    observe_times(health, monitor_of(health, "a", 1), HEALTH_OUTCOME_LOCAL_ERROR, 1);
    status = status_of(health, HEALTH_ENDPOINT, at(health, "a"));
    assert_int_equal(status.families[HEALTH_V6], HEALTH_OBSERVED_UNKNOWN);
    health_free(health);
}

static void one_that_is_moved_to_a_place_that_is_well_is_unknown_there(void **state)
{
    (void)state;
    struct health *health = reload(make_lost("a1 e4", "a", &all), "a1 n1 e4", &all);
    health = reload(health, "a1 n4 e4", &all);
    assert_int_equal(observed(health, HEALTH_REGION, "s"), HEALTH_OBSERVED_HEALTHY);
    observe(health, "n", HEALTH_OUTCOME_LOCAL_ERROR, 1);
    expect_endpoint(health, "n", HEALTH_UNKNOWN);
    health_free(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_cannot_be_checked_follows_those_that_can),
        cmocka_unit_test(failures_in_a_place_that_is_well_are_no_reason_to_be_served),
        cmocka_unit_test(an_az_is_not_held_by_those_that_inherited_from_it),
        cmocka_unit_test(a_region_is_not_held_by_an_az_that_has_nothing_of_its_own),
        cmocka_unit_test(where_all_are_new_the_first_that_is_seen_decides),
        cmocka_unit_test(where_all_are_new_under_new_names_the_region_remembers),
        cmocka_unit_test(an_az_whose_own_were_replaced_still_counts_in_its_region),
        cmocka_unit_test(an_endpoint_that_gets_an_address_counts_by_what_it_had),
        cmocka_unit_test(one_that_is_moved_to_a_place_that_is_well_is_unknown_there),
    };
    return cmocka_run_group_tests_name("health_inherited", tests, NULL, NULL);
}
