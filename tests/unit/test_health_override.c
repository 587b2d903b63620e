/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health: overrides, their expiry, and carrying over to another topology. */
#include "config.h"

#include "health_world.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- overrides ---- */

static void narrowest_override_wins(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    override_as(health, HEALTH_REGION, US, HEALTH_DESIRED_DOWN, 0);
    expect(health, HEALTH_REGION, US, HEALTH_FORCED_DOWN, HEALTH_BY_REGION_OVERRIDE);
    expect(health, HEALTH_AZ, USE1A, HEALTH_FORCED_DOWN, HEALTH_BY_REGION_OVERRIDE);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_FORCED_DOWN, HEALTH_BY_REGION_OVERRIDE);
    override_as(health, HEALTH_AZ, USE1A, HEALTH_DESIRED_DRAIN, 0);
    expect(health, HEALTH_AZ, USE1A, HEALTH_DRAINED, HEALTH_BY_AZ_OVERRIDE);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_DRAINED, HEALTH_BY_AZ_OVERRIDE);
    expect(health, HEALTH_ENDPOINT, B1, HEALTH_FORCED_DOWN, HEALTH_BY_REGION_OVERRIDE);
    override_as(health, HEALTH_ENDPOINT, A1, HEALTH_DESIRED_UP, 0);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_FORCED_UP, HEALTH_BY_ENDPOINT_OVERRIDE);
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_DRAINED, HEALTH_BY_AZ_OVERRIDE);
    assert_int_equal(health_get_override(health, HEALTH_AZ, USE1A)->desired, HEALTH_DESIRED_DRAIN);
    assert_string_equal(health_get_override(health, HEALTH_AZ, USE1A)->reason, "test");
    override_as(health, HEALTH_ENDPOINT, A1, HEALTH_DESIRED_AUTO, 0);
    override_as(health, HEALTH_AZ, USE1A, HEALTH_DESIRED_AUTO, 0);
    override_as(health, HEALTH_REGION, US, HEALTH_DESIRED_AUTO, 0);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    assert_null(health_get_override(health, HEALTH_AZ, USE1A));
    assert_null(health_get_override(health, HEALTH_AZ, 77));
}

static void overrides_leave_what_is_observed(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    override_as(health, HEALTH_ENDPOINT, E1, HEALTH_DESIRED_DOWN, 0);
    assert_int_equal(status_of(health, HEALTH_ENDPOINT, E1).observed, HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(status_of(health, HEALTH_AZ, EUW1A).observed, HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(status_of(health, HEALTH_AZ, EUW1A).members_unhealthy, 0);
    override_as(health, HEALTH_ENDPOINT, E1, HEALTH_DESIRED_UP, 0);
    observe_times(health, 4, HEALTH_OUTCOME_TIMEOUT, 3); /* lost by verdict, yet the endpoint is forced up */
    expect(health, HEALTH_ENDPOINT, E1, HEALTH_FORCED_UP, HEALTH_BY_ENDPOINT_OVERRIDE);
    expect(health, HEALTH_REGION, EU, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    override_as(health, HEALTH_REGION, EU, HEALTH_DESIRED_UP, 0);
    expect(health, HEALTH_ENDPOINT, QUIET, HEALTH_FORCED_UP, HEALTH_BY_REGION_OVERRIDE);
    assert_int_equal(status_of(health, HEALTH_REGION, EU).observed, HEALTH_OBSERVED_UNHEALTHY);
}

static void overrides_tell_what_changed(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    world->change_count = 0;
    uint64_t before = generation(health);
    override_as(health, HEALTH_AZ, USE1A, HEALTH_DESIRED_DRAIN, 0);
    assert_int_equal(generation(health), before + 1);
    assert_int_equal(world->change_count, 3);
    assert_string_equal(world->changes[0].name, "use1a");
    assert_int_equal(world->changes[0].after.state, HEALTH_DRAINED);
    assert_int_equal(world->changes[0].outcome, HEALTH_OUTCOME_NONE);
    assert_int_equal(world->changes[2].kind, HEALTH_ENDPOINT);
    assert_int_equal(status_of(health, HEALTH_ENDPOINT, A1).since_ms, 3000);
    world->change_count = 0;
    override_as(health, HEALTH_AZ, USE1A, HEALTH_DESIRED_DRAIN, 9000); /* only another expiry */
    assert_int_equal(world->change_count, 0);
    assert_int_equal(generation(health), before + 1);
    assert_int_equal(health_get_override(health, HEALTH_AZ, USE1A)->expires_ms, 9000);
    override_as(health, HEALTH_ENDPOINT, A1, HEALTH_DESIRED_DRAIN, 0); /* another decider, the same state */
    assert_int_equal(world->change_count, 1);
    assert_int_equal(world->changes[0].before.decided_by, HEALTH_BY_AZ_OVERRIDE);
    assert_int_equal(world->changes[0].after.decided_by, HEALTH_BY_ENDPOINT_OVERRIDE);
    world->change_count = 0;
    observe_times(health, 0, HEALTH_OUTCOME_REFUSED,
                  3); /* observed changes below an override: told as well */
    assert_int_equal(world->change_count, 1);
    assert_int_equal(world->changes[0].observed_after, HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(world->changes[0].after.state, HEALTH_DRAINED);
}

static void overrides_expire(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    assert_int_equal(health_next_due(health), 0);
    override_as(health, HEALTH_REGION, EU, HEALTH_DESIRED_DRAIN, 7000);
    override_as(health, HEALTH_ENDPOINT, A1, HEALTH_DESIRED_DOWN, 5000);
    override_as(health, HEALTH_ENDPOINT, A2, HEALTH_DESIRED_DOWN, 6000);
    override_as(health, HEALTH_ENDPOINT, B1, HEALTH_DESIRED_DOWN, 0);
    assert_int_equal(health_next_due(health), 5000);
    assert_int_equal(health_follow_clock(health, 4999), 0);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_FORCED_DOWN, HEALTH_BY_ENDPOINT_OVERRIDE);
    assert_int_equal(health_follow_clock(health, 6000), 2);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    assert_int_equal(status_of(health, HEALTH_ENDPOINT, A1).since_ms, 6000);
    assert_int_equal(health_next_due(health), 7000);
    override_as(health, HEALTH_REGION, EU, HEALTH_DESIRED_DRAIN, 8000); /* prolonged */
    assert_int_equal(health_next_due(health), 8000);
    assert_int_equal(health_follow_clock(health, 7000), 0);
    assert_int_equal(health_follow_clock(health, INT64_MAX), 1);
    assert_int_equal(health_next_due(health), 0);
    expect(health, HEALTH_ENDPOINT, B1, HEALTH_FORCED_DOWN, HEALTH_BY_ENDPOINT_OVERRIDE);
    assert_non_null(health_get_override(health, HEALTH_ENDPOINT, B1));
}

static void late_overrides_do_not_begin(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    override_as(health, HEALTH_AZ, USE1A, HEALTH_DESIRED_DRAIN, 3000); /* expires as it is set */
    expect(health, HEALTH_AZ, USE1A, HEALTH_UNKNOWN, HEALTH_BY_VERDICT);
    assert_null(health_get_override(health, HEALTH_AZ, USE1A));
    struct health_override override = {.desired = HEALTH_DESIRED_DOWN};
    assert_int_equal(health_set_override(health, HEALTH_AZ, 3, &override, 3000), ERROR_NOT_FOUND);
    assert_int_equal(health_set_override(health, HEALTH_ENDPOINT, 5, &override, 3000), ERROR_NOT_FOUND);
    assert_int_equal(health_set_override(health, (enum health_kind)9, 0, &override, 3000), ERROR_NOT_FOUND);
}

static struct health_override until(enum health_desired desired, int64_t starts_ms, int64_t expires_ms)
{
    return (struct health_override){.desired = desired,
                                    .set_ms = 1000,
                                    .starts_ms = starts_ms,
                                    .expires_ms = expires_ms,
                                    .actor = "alice"};
}

static int restore(struct health *health, enum health_kind kind, const char *name,
                   struct health_override override, bool planned)
{
    return health_restore_override(health, kind, name, &override, planned, 5000);
}

static void what_was_written_down_holds_again(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    const struct health_override drain = until(HEALTH_DESIRED_DRAIN, 0, 9000);
    assert_int_equal(restore(health, HEALTH_REGION, "us-east", drain, false), 0);
    expect(health, HEALTH_REGION, US, HEALTH_DRAINED, HEALTH_BY_REGION_OVERRIDE);
    assert_string_equal(health_get_override(health, HEALTH_REGION, US)->actor, "alice");
    assert_int_equal(health_next_due(health), 9000);
    assert_int_equal(restore(health, HEALTH_ENDPOINT, "e1", until(HEALTH_DESIRED_DOWN, 0, 5000), false),
                     ERROR_INVALID);
    assert_null(health_get_override(health, HEALTH_ENDPOINT, E1));
    /* its time has come, was to come, and had come before the clock was set back */
    assert_int_equal(restore(health, HEALTH_ENDPOINT, "a1", until(HEALTH_DESIRED_DOWN, 4000, 0), true), 0);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_FORCED_DOWN, HEALTH_BY_ENDPOINT_OVERRIDE);
    assert_int_equal(restore(health, HEALTH_ENDPOINT, "a2", until(HEALTH_DESIRED_DOWN, 6000, 0), true), 0);
    assert_true(status_of(health, HEALTH_ENDPOINT, A2).planned);
    assert_int_equal(restore(health, HEALTH_ENDPOINT, "b1", until(HEALTH_DESIRED_UP, 7000, 0), false), 0);
    expect(health, HEALTH_ENDPOINT, B1, HEALTH_FORCED_UP, HEALTH_BY_ENDPOINT_OVERRIDE);
}

static void what_has_no_target_lies_dormant(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    assert_int_equal(restore(health, HEALTH_REGION, "gone", until(HEALTH_DESIRED_DRAIN, 0, 9000), false),
                     ERROR_NOT_FOUND);
    assert_int_equal(restore(health, HEALTH_AZ, "gone", until(HEALTH_DESIRED_DOWN, 8000, 0), true),
                     ERROR_NOT_FOUND);
    assert_int_equal(restore(health, HEALTH_AZ, "late", until(HEALTH_DESIRED_DOWN, 0, 4000), false),
                     ERROR_INVALID);
    assert_int_equal(health_count_dormant(health), 2);
    assert_int_equal(health_find_dormant(health, HEALTH_REGION, "gone")->what.desired, HEALTH_DESIRED_DRAIN);
    assert_true(health_find_dormant(health, HEALTH_AZ, "gone")->planned);
    assert_int_equal(health_follow_clock(health, 9000), 2);
    assert_int_equal(health_count_dormant(health), 1);
}

/* On two machines: the same whatever their times and in which order they came, and another one for whatever
 * else differs. */
static void machines_compare_overrides_by_a_hash(void **state)
{
    struct world *world = *state;
    struct health *health = world->health, *other = health_new_like(health);
    assert_true(health_hash_overrides(health) == 0);
    (void)restore(health, HEALTH_REGION, "us", until(HEALTH_DESIRED_DRAIN, 0, 9000), false);
    (void)restore(health, HEALTH_AZ, "gone", until(HEALTH_DESIRED_DOWN, 0, 0), false);
    (void)restore(other, HEALTH_AZ, "gone", until(HEALTH_DESIRED_DOWN, 0, 20000), false);
    assert_true(health_hash_overrides(health) != health_hash_overrides(other));
    (void)restore(other, HEALTH_REGION, "us", until(HEALTH_DESIRED_DRAIN, 8000, 30000), true);
    assert_true(health_hash_overrides(health) == health_hash_overrides(other));
    uint64_t both = health_hash_overrides(health);
    struct health_override what = until(HEALTH_DESIRED_DRAIN, 0, 9000);
    what.share = 5;
    (void)restore(health, HEALTH_REGION, "us", what, false);
    assert_true(health_hash_overrides(health) != both);
    (void)restore(health, HEALTH_REGION, "us", until(HEALTH_DESIRED_DRAIN, 0, 9000), false);
    assert_true(health_hash_overrides(health) == both);
    (void)restore(health, HEALTH_AZ, "us", until(HEALTH_DESIRED_DRAIN, 0, 9000), false); /* of that name */
    assert_true(health_hash_overrides(health) != both);
    assert_int_equal(health_follow_clock(health, 9000), 2);
    assert_true(health_forget_dormant(health, HEALTH_AZ, "gone"));
    assert_true(health_hash_overrides(health) == 0);
    health_free(other);
}

/* Of one name one lies there, the latest, and it is gone when it is removed; with whom it is shared or not.
 */
static void who_sleeps_is_replaced(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    for (int round = 0; round < 2; round++) {
        struct health *other = round == 0 ? NULL : health_new_like(health);
        if (other != NULL) {
            health_carry(other, health, 5000);
        }
        (void)restore(health, HEALTH_REGION, "gone", until(HEALTH_DESIRED_DRAIN, 0, 9000), false);
        (void)restore(health, HEALTH_AZ, "gone", until(HEALTH_DESIRED_DOWN, 0, 0), false);
        (void)restore(health, HEALTH_REGION, "gone", until(HEALTH_DESIRED_UP, 0, 0), false);
        assert_int_equal(health_count_dormant(health), 2);
        assert_int_equal(health_find_dormant(health, HEALTH_REGION, "gone")->what.desired, HEALTH_DESIRED_UP);
        assert_true(health_forget_dormant(health, HEALTH_REGION, "gone"));
        assert_null(health_find_dormant(health, HEALTH_REGION, "gone"));
        if (other != NULL) {
            assert_int_equal(health_count_dormant(other), 1);
            health_free(other);
        }
    }
}

/* Each is found by its name, seen once by a walk, and ends in its time, however many there are. */
static void many_lie_dormant(void **state)
{
    enum { ALL = 20000 };
    static bool seen[ALL];
    struct world *world = *state;
    struct health *health = world->health;
    for (int i = 0; i < ALL; i++) {
        char name[16];
        snprintf(name, sizeof name, "x%d", i);
        (void)restore(health, HEALTH_AZ, name, until(HEALTH_DESIRED_DOWN, 0, i % 2 == 0 ? 9000 : 0), false);
    }
    struct health *other = health_new_like(health);
    health_carry(other, health, 5000);
    assert_int_equal(health_count_dormant(health), ALL);
    assert_int_equal(health_next_due(health), 9000);
    assert_true(health_forget_dormant(health, HEALTH_AZ, "x7"));
    assert_null(health_find_dormant(health, HEALTH_AZ, "x7"));
    assert_non_null(health_find_dormant(other, HEALTH_AZ, "x7"));
    assert_int_equal(health_follow_clock(health, 9000), ALL / 2);
    assert_int_equal(health_count_dormant(health), ALL / 2 - 1);
    assert_int_equal(health_next_due(health), 0);
    struct health_dormant_cursor cursor = {0};
    for (const struct health_dormant *dormant; (dormant = health_next_dormant(other, &cursor)) != NULL;) {
        long i = strtol(dormant->name + 1, NULL, 10);
        assert_false(seen[i]);
        seen[i] = true;
        struct health_dormant_cursor behind = {0};
        assert_true(health_seek_dormant(other, HEALTH_AZ, dormant->name, &behind));
        assert_true(behind.block == cursor.block && behind.at == cursor.at);
        assert_true((health_find_dormant(health, HEALTH_AZ, dormant->name) != NULL) ==
                    (i % 2 == 1 && i != 7));
    }
    for (int i = 0; i < ALL; i++) {
        assert_true(seen[i]);
    }
    health_free(other);
}

static void since_is_the_states(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    for (int i = 0; i < 3; i++) {
        health_observe(health, 2, HEALTH_OUTCOME_TIMEOUT, 4000 + i, 0, 0);
    }
    assert_int_equal(status_of(health, HEALTH_ENDPOINT, A2).since_ms, 4002);
    for (int i = 0; i < 3; i++) {
        health_observe(health, 0, HEALTH_OUTCOME_TIMEOUT, 5000 + i, 0, 0);
    }
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_UNHEALTHY, HEALTH_BY_AZ_LOST);
    assert_int_equal(status_of(health, HEALTH_ENDPOINT, A2).since_ms,
                     4002); /* still unhealthy, for another reason */
    assert_int_equal(status_of(health, HEALTH_ENDPOINT, A1).since_ms, 5002);
    assert_int_equal(status_of(health, HEALTH_AZ, USE1A).since_ms, 5002);
    assert_int_equal(status_of(health, HEALTH_REGION, US).since_ms, 2000);
    health_observe(health, 4, HEALTH_OUTCOME_OK, 9000, 0, 0);
    assert_int_equal(status_of(health, HEALTH_ENDPOINT, E1).since_ms, 2000);
}

/* ---- carrying over ---- */

static void carry_matches_names_and_identities(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    observe_times(health, 2, HEALTH_OUTCOME_TIMEOUT, 3); /* a2 unhealthy */
    observe_times(health, 3, HEALTH_OUTCOME_TIMEOUT, 2); /* b1: one more and it falls */
    override_as(health, HEALTH_AZ, EUW1A, HEALTH_DESIRED_DRAIN, 90000);
    override_as(health, HEALTH_ENDPOINT, A1, HEALTH_DESIRED_UP, 0);
    override_as(health, HEALTH_ENDPOINT, QUIET, HEALTH_DESIRED_DOWN, 50000);

    /* The order is another one, a1 lost a monitor and got another, quiet is gone, new came, b1 moved to
     * use1a. */
    static const struct health_az_plan new_azs[] = {{"euw1a", 1, 1.0}, {"use1a", 0, 1.0}};
    static const struct health_endpoint_plan new_endpoints[] = {
        {"new", 1}, {"b1", 1}, {"e1", 0}, {"a2", 1}, {"a1", 1}};
    static const struct health_monitor_plan new_monitors[] = {{0, 2, 3, 10, 0}, {1, 2, 3, 30, 0},
                                                              {2, 2, 3, 40, 0}, {3, 2, 3, 20, 0},
                                                              {4, 2, 3, 99, 0}, {4, 2, 3, 11, 0}};
    struct health_plan after = {.regions = health_world_regions,
                                .region_count = 2,
                                .azs = new_azs,
                                .az_count = 2,
                                .endpoints = new_endpoints,
                                .endpoint_count = 5,
                                .monitors = new_monitors,
                                .monitor_count = 6};
    struct health *to = health_new(&after, 20000);
    uint64_t before = generation(to);
    health_carry(to, health, 20000);
    assert_true(generation(to) > before);
    struct health_status status = status_of(to, HEALTH_ENDPOINT, 0);
    assert_int_equal(status.observed,
                     HEALTH_OBSERVED_UNKNOWN); /* a1's identity does not leak into another endpoint */
    assert_int_equal(status.since_ms, 20000);
    status = status_of(to, HEALTH_ENDPOINT, 3);
    assert_int_equal(status.observed, HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(status.since_ms, 2000);
    assert_int_equal(status.outcome, HEALTH_OUTCOME_TIMEOUT);
    status = status_of(to, HEALTH_ENDPOINT, 4);
    assert_int_equal(status.observed, HEALTH_OBSERVED_UNKNOWN); /* one of its monitors is new */
    assert_int_equal(status.effective.state, HEALTH_FORCED_UP);
    assert_int_equal(status.since_ms, 3000);
    status = status_of(to, HEALTH_ENDPOINT, 2);
    assert_int_equal(status.effective.state, HEALTH_DRAINED);
    assert_int_equal(status.effective.decided_by, HEALTH_BY_AZ_OVERRIDE);
    assert_int_equal(status.observed, HEALTH_OBSERVED_HEALTHY);
    status = status_of(to, HEALTH_AZ, 1);
    assert_int_equal(status.members, 4);
    assert_int_equal(status.members_unhealthy, 1);
    assert_int_equal(status.observed, HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(health_next_due(to), 50000); /* quiet's override sleeps */
    assert_int_equal(health_follow_clock(to, 50000), 1);
    assert_int_equal(health_next_due(to), 90000);
    health_observe(to, 1, HEALTH_OUTCOME_TIMEOUT, 21000, 0, 0); /* the third failure in a row */
    assert_int_equal(status_of(to, HEALTH_ENDPOINT, 1).observed, HEALTH_OBSERVED_UNHEALTHY);
    health_free(to);
    assert_int_equal(status_of(health, HEALTH_ENDPOINT, B1).observed, HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(health_next_due(health), 50000);
}

static void carry_keeps_a_lost_region(void **state)
{
    struct world *world = *state;
    make_all_healthy(world->health);
    observe_times(world->health, 4, HEALTH_OUTCOME_TIMEOUT, 3);
    struct health *to = health_new(&health_world_plan, 20000);
    health_carry(to, world->health, 20000);
    expect(to, HEALTH_REGION, EU, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    expect(to, HEALTH_ENDPOINT, QUIET, HEALTH_UNHEALTHY, HEALTH_BY_REGION_LOST);
    assert_int_equal(status_of(to, HEALTH_ENDPOINT, QUIET).since_ms, 2000);
    health_observe(to, 4, HEALTH_OUTCOME_OK, 21000, 0, 0);
    health_observe(to, 4, HEALTH_OUTCOME_OK, 22000, 0, 0);
    expect(to, HEALTH_REGION, EU, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    health_free(to);
}

/* As a process does that takes over from another one. */
static void overrides_are_restored_by_name(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    struct health_override drain = {.desired = HEALTH_DESIRED_DRAIN,
                                    .set_ms = 1000,
                                    .starts_ms = 2000,
                                    .expires_ms = 9000,
                                    .reason = "work"};
    make_all_healthy(health);
    health_restore_override(health, HEALTH_AZ, "use1a", &drain, false, 5000);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_DRAINED, HEALTH_BY_AZ_OVERRIDE);
    assert_string_equal(health_get_override(health, HEALTH_AZ, USE1A)->reason, "work");
    assert_int_equal(health_next_due(health), 9000);
    /* in force although the clock has been set back; planned although it is late */
    health_restore_override(health, HEALTH_ENDPOINT, "b1", &drain, false, 1000);
    expect(health, HEALTH_ENDPOINT, B1, HEALTH_DRAINED, HEALTH_BY_ENDPOINT_OVERRIDE);
    health_restore_override(health, HEALTH_ENDPOINT, "e1", &drain, true, 1000);
    expect(health, HEALTH_ENDPOINT, E1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    assert_true(status_of(health, HEALTH_ENDPOINT, E1).planned);
    health_restore_override(health, HEALTH_ENDPOINT, "e1", &drain, true, 3000);
    expect(health, HEALTH_ENDPOINT, E1, HEALTH_DRAINED, HEALTH_BY_ENDPOINT_OVERRIDE);
    /* what is over, and what is not here */
    health_restore_override(health, HEALTH_REGION, "us", &drain, false, 9000);
    assert_null(health_get_override(health, HEALTH_REGION, US));
    health_restore_override(health, HEALTH_REGION, "mars", &drain, false, 3000);
    assert_int_equal(health_count_dormant(health), 1);
    assert_non_null(health_find_dormant(health, HEALTH_REGION, "mars"));
    assert_int_equal(health_follow_clock(health, 9000), 4);
    assert_int_equal(health_count_dormant(health), 0);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, health_set_up, health_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(narrowest_override_wins),
        TEST(overrides_leave_what_is_observed),
        TEST(overrides_tell_what_changed),
        TEST(overrides_expire),
        TEST(late_overrides_do_not_begin),
        TEST(what_was_written_down_holds_again),
        TEST(what_has_no_target_lies_dormant),
        TEST(machines_compare_overrides_by_a_hash),
        TEST(many_lie_dormant),
        TEST(who_sleeps_is_replaced),
        TEST(since_is_the_states),
        TEST(carry_matches_names_and_identities),
        TEST(carry_keeps_a_lost_region),
        TEST(overrides_are_restored_by_name),
    };
    return cmocka_run_group_tests_name("health_override", tests, NULL, NULL);
}
