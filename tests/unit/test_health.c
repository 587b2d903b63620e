/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the health machine, rule by rule, in virtual time: verdicts, roll-ups, overrides, changes told,
 * carrying over. test_health_random.c compares it with a slow recomputation. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "health/health.h"

#include <stdio.h>
#include <string.h>

/* ---- a small world: two regions, three azs, five endpoints ----
 *
 * us-east ⊃ use1a ⊃ a1 (two monitors), a2 (one)      monitors 0 1, 2
 *           use1b ⊃ b1 (one)                         monitor 3
 * eu-west ⊃ euw1a ⊃ e1 (one), quiet (none)           monitor 4 */

enum { US, EU };
enum { USE1A, USE1B, EUW1A };
enum { A1, A2, B1, E1, QUIET };

#define MAX_CHANGES 64

struct world {
    struct health *health;
    struct health_change changes[MAX_CHANGES];
    uint64_t generation_told; /* the table's when the first change was told */
    size_t change_count;
};

static const struct health_region_plan regions[] = {{"us-east", 1.0}, {"eu-west", 1.0}};
static const struct health_az_plan azs[] = {{"use1a", US, 1.0}, {"use1b", US, 1.0}, {"euw1a", EU, 1.0}};
static const struct health_endpoint_plan endpoints[] = {
    {"a1", USE1A}, {"a2", USE1A}, {"b1", USE1B}, {"e1", EUW1A}, {"quiet", EUW1A}};
static const struct health_monitor_plan monitors[] = {
    {A1, 2, 3, 10}, {A1, 2, 3, 11}, {A2, 2, 3, 20}, {B1, 2, 3, 30}, {E1, 2, 3, 40}};

static const struct health_plan plan = {.regions = regions,
                                        .region_count = 2,
                                        .azs = azs,
                                        .az_count = 3,
                                        .endpoints = endpoints,
                                        .endpoint_count = 5,
                                        .monitors = monitors,
                                        .monitor_count = 5};

static uint64_t generation(const struct health *health)
{
    return atomic_load(&health_get_table(health)->generation);
}

static void remember(void *context, const struct health_change *change)
{
    struct world *world = context;
    assert_true(world->change_count < MAX_CHANGES);
    if (world->change_count == 0) {
        world->generation_told = generation(world->health);
    }
    world->changes[world->change_count++] = *change;
}

static int set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    world.health = health_new(&plan, 1000);
    health_set_listener(world.health, &(struct health_listener){&world, remember});
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    health_free(world->health);
    return 0;
}

static void observe_times(struct health *health, uint32_t monitor, enum health_outcome outcome, int times)
{
    for (int i = 0; i < times; i++) {
        health_observe(health, monitor, outcome, 2000, 1500, 0);
    }
}

static void make_all_healthy(struct health *health)
{
    for (uint32_t i = 0; i < health_monitor_count(health); i++) {
        observe_times(health, i, HEALTH_OUTCOME_OK, 1);
    }
}

static struct health_status status_of(const struct health *health, enum health_kind kind, uint32_t index)
{
    struct health_status status;
    assert_int_equal(health_get_status(health, kind, index, &status), 0);
    return status;
}

static void expect(const struct health *health, enum health_kind kind, uint32_t index,
                   enum health_state state, enum health_decider decider)
{
    struct health_status status = status_of(health, kind, index);
    assert_string_equal(health_state_text(status.effective.state), health_state_text(state));
    assert_string_equal(health_decider_text(status.effective.decided_by), health_decider_text(decider));
    if (kind == HEALTH_ENDPOINT) {
        uint32_t az = endpoints[index].az;
        struct health_effective from_table =
            health_table_effective(health_get_table(health), index, az, azs[az].region);
        assert_int_equal(from_table.state, state);
        assert_int_equal(from_table.decided_by, decider);
    }
}

static void override_as(struct health *health, enum health_kind kind, uint32_t index,
                        enum health_desired desired, int64_t expires_ms)
{
    struct health_override override = {.desired = desired, .set_ms = 3000, .expires_ms = expires_ms};
    snprintf(override.reason, sizeof override.reason, "test");
    assert_int_equal(health_set_override(health, kind, index, &override, 3000), 0);
}

/* ---- verdicts ---- */

static void starts_unknown(void **state)
{
    struct world *world = *state;
    for (uint32_t i = 0; i < 5; i++) {
        expect(world->health, HEALTH_ENDPOINT, i, HEALTH_UNKNOWN, HEALTH_BY_VERDICT);
        assert_int_equal(status_of(world->health, HEALTH_ENDPOINT, i).since_ms, 1000);
        assert_int_equal(status_of(world->health, HEALTH_ENDPOINT, i).outcome, HEALTH_OUTCOME_NONE);
        assert_int_equal(status_of(world->health, HEALTH_ENDPOINT, i).checked_ms, 0);
    }
    assert_int_equal(generation(world->health), 1);
    assert_int_equal(health_count(world->health, HEALTH_AZ), 3);
    struct health_status status;
    assert_int_equal(health_get_status(world->health, HEALTH_REGION, 2, &status), ERROR_NOT_FOUND);
}

static void first_success_makes_healthy(void **state)
{
    struct world *world = *state;
    health_observe(world->health, 2, HEALTH_OUTCOME_OK, 2000, 700, 204);
    expect(world->health, HEALTH_ENDPOINT, A2, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    struct health_status status = status_of(world->health, HEALTH_ENDPOINT, A2);
    assert_int_equal(status.since_ms, 2000);
    assert_int_equal(status.checked_ms, 2000);
    assert_int_equal(status.duration_us, 700);
    assert_int_equal(status.detail, 204);
    assert_int_equal(status.outcome, HEALTH_OUTCOME_OK);
}

static void unknown_needs_fall_failures(void **state)
{
    struct world *world = *state;
    observe_times(world->health, 2, HEALTH_OUTCOME_REFUSED, 2);
    expect(world->health, HEALTH_ENDPOINT, A2, HEALTH_UNKNOWN, HEALTH_BY_VERDICT);
    assert_int_equal(generation(world->health), 1);
    observe_times(world->health, 2, HEALTH_OUTCOME_REFUSED, 1);
    expect(world->health, HEALTH_ENDPOINT, A2, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
}

static void streaks_are_consecutive(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    for (int i = 0; i < 5; i++) {
        observe_times(health, 2, HEALTH_OUTCOME_TIMEOUT, 2);
        observe_times(health, 2, HEALTH_OUTCOME_OK, 1);
    }
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    observe_times(health, 2, HEALTH_OUTCOME_TIMEOUT, 1);
    observe_times(health, 2, HEALTH_OUTCOME_RESET, 2); /* different failures are one streak */
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    observe_times(health, 2, HEALTH_OUTCOME_OK, 1);
    observe_times(health, 2, HEALTH_OUTCOME_BAD_STATUS, 1);
    observe_times(health, 2, HEALTH_OUTCOME_OK, 1);
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    observe_times(health, 2, HEALTH_OUTCOME_OK, 1);
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    struct health_monitor_status monitor;
    assert_int_equal(health_get_monitor(health, 2, &monitor), 0);
    assert_int_equal(monitor.streak, 2);
    assert_int_equal(health_get_monitor(health, 5, &monitor), ERROR_NOT_FOUND);
}

static void long_streaks_saturate(void **state)
{
    struct world *world = *state;
    observe_times(world->health, 2, HEALTH_OUTCOME_OK, UINT16_MAX + 10);
    struct health_monitor_status monitor;
    health_get_monitor(world->health, 2, &monitor);
    assert_int_equal(monitor.streak, UINT16_MAX);
}

static void local_errors_change_nothing(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    uint64_t before = generation(health);
    observe_times(health, 2, HEALTH_OUTCOME_TIMEOUT, 2);
    observe_times(health, 2, HEALTH_OUTCOME_LOCAL_ERROR, 10);
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    assert_int_equal(generation(health), before);
    assert_int_equal(status_of(health, HEALTH_ENDPOINT, A2).outcome, HEALTH_OUTCOME_LOCAL_ERROR);
    observe_times(health, 2, HEALTH_OUTCOME_TIMEOUT, 1); /* the streak is not broken either */
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
}

static void all_monitors_have_a_say(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    observe_times(health, 0, HEALTH_OUTCOME_OK, 5);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_UNKNOWN, HEALTH_BY_VERDICT);
    observe_times(health, 1, HEALTH_OUTCOME_OK, 1);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    health_observe(health, 1, HEALTH_OUTCOME_BAD_STATUS, 2000, 10, 503);
    observe_times(health, 0, HEALTH_OUTCOME_OK, 1);
    struct health_status status = status_of(health, HEALTH_ENDPOINT, A1);
    assert_int_equal(status.outcome, HEALTH_OUTCOME_BAD_STATUS); /* the failing one is shown */
    assert_int_equal(status.detail, 503);
    observe_times(health, 1, HEALTH_OUTCOME_CLOSED, 2);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    uint64_t before = generation(health);
    observe_times(health, 0, HEALTH_OUTCOME_TIMEOUT, 3); /* the second failing changes nothing more */
    assert_int_equal(generation(health), before);
    observe_times(health, 1, HEALTH_OUTCOME_OK, 2);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    observe_times(health, 0, HEALTH_OUTCOME_OK, 2);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
}

static void unhealthy_wins_over_unknown(void **state)
{
    struct world *world = *state;
    observe_times(world->health, 0, HEALTH_OUTCOME_TIMEOUT, 3);
    expect(world->health, HEALTH_ENDPOINT, A1, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
}

/* ---- roll-up ---- */

static void one_instance_never_takes_its_az(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    observe_times(health, 2, HEALTH_OUTCOME_TIMEOUT, 3);
    expect(health, HEALTH_AZ, USE1A, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    assert_int_equal(status_of(health, HEALTH_AZ, USE1A).members, 2);
    assert_int_equal(status_of(health, HEALTH_AZ, USE1A).members_unhealthy, 1);
}

static void az_then_region_are_lost(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    observe_times(health, 2, HEALTH_OUTCOME_TIMEOUT, 3);
    observe_times(health, 0, HEALTH_OUTCOME_TIMEOUT, 3);
    expect(health, HEALTH_AZ, USE1A, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    expect(health, HEALTH_REGION, US, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_UNHEALTHY, HEALTH_BY_AZ_LOST);
    expect(health, HEALTH_ENDPOINT, B1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    observe_times(health, 3, HEALTH_OUTCOME_TIMEOUT, 3);
    expect(health, HEALTH_REGION, US, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    expect(health, HEALTH_AZ, USE1A, HEALTH_UNHEALTHY, HEALTH_BY_REGION_LOST);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_UNHEALTHY, HEALTH_BY_REGION_LOST);
    expect(health, HEALTH_ENDPOINT, E1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    assert_int_equal(status_of(health, HEALTH_REGION, US).members, 2);
    assert_int_equal(status_of(health, HEALTH_REGION, US).members_unhealthy, 2);
    observe_times(health, 2, HEALTH_OUTCOME_OK, 2); /* one back: its az is back, so is the region */
    expect(health, HEALTH_REGION, US, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
}

static void one_change_is_one_generation(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    uint64_t before = generation(health);
    world->change_count = 0;
    observe_times(health, 4, HEALTH_OUTCOME_UNREACHABLE, 3); /* e1 -> euw1a -> eu-west at once */
    assert_int_equal(generation(health), before + 1);
    assert_int_equal(world->generation_told, before + 1);
    assert_int_equal(world->change_count, 4);
    assert_string_equal(world->changes[0].name, "eu-west");
    assert_string_equal(world->changes[1].name, "euw1a");
    assert_string_equal(world->changes[2].name, "e1");
    assert_string_equal(world->changes[3].name, "quiet");
    assert_int_equal(world->changes[0].kind, HEALTH_REGION);
    assert_int_equal(world->changes[0].observed_before, HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(world->changes[0].observed_after, HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(world->changes[2].outcome, HEALTH_OUTCOME_UNREACHABLE);
    assert_int_equal(world->changes[2].after.decided_by, HEALTH_BY_REGION_LOST);
    assert_int_equal(world->changes[3].before.state, HEALTH_UNKNOWN);
    assert_int_equal(world->changes[3].after.state, HEALTH_UNHEALTHY);
    assert_int_equal(world->changes[3].observed_after, HEALTH_OBSERVED_UNKNOWN);
}

static void unmonitored_have_no_say(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    expect(health, HEALTH_ENDPOINT, QUIET, HEALTH_UNKNOWN, HEALTH_BY_VERDICT);
    assert_int_equal(status_of(health, HEALTH_AZ, EUW1A).members, 1);
    /* An az of unmonitored endpoints is unknown for ever and does not keep its region. */
    static const struct health_az_plan two[] = {{"seen", 0, 1.0}, {"unseen", 0, 1.0}, {"empty", 0, 1.0}};
    static const struct health_endpoint_plan some[] = {{"x", 0}, {"y", 1}};
    static const struct health_monitor_plan one[] = {{0, 1, 1, 1}};
    struct health_plan small = {.regions = regions,
                                .region_count = 1,
                                .azs = two,
                                .az_count = 3,
                                .endpoints = some,
                                .endpoint_count = 2,
                                .monitors = one,
                                .monitor_count = 1};
    struct health *other = health_new(&small, 0);
    health_observe(other, 0, HEALTH_OUTCOME_REFUSED, 5, 0, 0);
    assert_int_equal(status_of(other, HEALTH_REGION, 0).observed, HEALTH_OBSERVED_UNHEALTHY);
    assert_int_equal(status_of(other, HEALTH_REGION, 0).members, 1);
    assert_int_equal(status_of(other, HEALTH_AZ, 1).observed, HEALTH_OBSERVED_UNKNOWN);
    assert_int_equal(status_of(other, HEALTH_AZ, 2).observed, HEALTH_OBSERVED_UNKNOWN);
    assert_int_equal(status_of(other, HEALTH_AZ, 1).effective.decided_by, HEALTH_BY_REGION_LOST);
    health_free(other);
}

/* How many of `members` endpoints have to fail for an az with this lost_at. */
static int count_until_lost(double lost_at, uint32_t members)
{
    static struct health_endpoint_plan many[1000];
    static struct health_monitor_plan checks[1000];
    static char names[1000][8];
    for (uint32_t i = 0; i < members; i++) {
        snprintf(names[i], sizeof names[i], "e%u", i);
        many[i] = (struct health_endpoint_plan){names[i], 0};
        checks[i] = (struct health_monitor_plan){i, 1, 1, i};
    }
    struct health_az_plan az = {"az", 0, lost_at};
    struct health_plan p = {.regions = regions,
                            .region_count = 1,
                            .azs = &az,
                            .az_count = 1,
                            .endpoints = many,
                            .endpoint_count = members,
                            .monitors = checks,
                            .monitor_count = members};
    struct health *health = health_new(&p, 0);
    int failed = 0;
    while (status_of(health, HEALTH_AZ, 0).observed != HEALTH_OBSERVED_UNHEALTHY) {
        health_observe(health, (uint32_t)failed++, HEALTH_OUTCOME_TIMEOUT, 1, 0, 0);
    }
    health_free(health);
    return failed;
}

static void lost_at_means_what_it_says(void **state)
{
    (void)state;
    assert_int_equal(count_until_lost(1.0, 1), 1);
    assert_int_equal(count_until_lost(1.0, 3), 3);
    assert_int_equal(count_until_lost(1.0, 1000), 1000);
    assert_int_equal(count_until_lost(0.999, 1000), 999);
    assert_int_equal(count_until_lost(0.5, 2), 1);
    assert_int_equal(count_until_lost(0.5, 3), 2);
    assert_int_equal(count_until_lost(0.5, 4), 2);
    assert_int_equal(count_until_lost(0.501, 2), 2);
    assert_int_equal(count_until_lost(0.3333, 3), 1);
    assert_int_equal(count_until_lost(0.34, 3), 2);
    assert_int_equal(count_until_lost(0.6667, 3), 2);
    assert_int_equal(count_until_lost(2.0 / 3.0, 3), 2);
    assert_int_equal(count_until_lost(0.1, 10), 1);
    assert_int_equal(count_until_lost(0.7, 10), 7);
    assert_int_equal(count_until_lost(0.3, 10), 3);
    assert_int_equal(count_until_lost(0.0001, 5), 1);
}

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
    assert_int_equal(health_next_expiry(health), 0);
    override_as(health, HEALTH_REGION, EU, HEALTH_DESIRED_DRAIN, 7000);
    override_as(health, HEALTH_ENDPOINT, A1, HEALTH_DESIRED_DOWN, 5000);
    override_as(health, HEALTH_ENDPOINT, A2, HEALTH_DESIRED_DOWN, 6000);
    override_as(health, HEALTH_ENDPOINT, B1, HEALTH_DESIRED_DOWN, 0);
    assert_int_equal(health_next_expiry(health), 5000);
    assert_int_equal(health_expire(health, 4999), 0);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_FORCED_DOWN, HEALTH_BY_ENDPOINT_OVERRIDE);
    assert_int_equal(health_expire(health, 6000), 2);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    assert_int_equal(status_of(health, HEALTH_ENDPOINT, A1).since_ms, 6000);
    assert_int_equal(health_next_expiry(health), 7000);
    override_as(health, HEALTH_REGION, EU, HEALTH_DESIRED_DRAIN, 8000); /* prolonged */
    assert_int_equal(health_next_expiry(health), 8000);
    assert_int_equal(health_expire(health, 7000), 0);
    assert_int_equal(health_expire(health, INT64_MAX), 1);
    assert_int_equal(health_next_expiry(health), 0);
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
    static const struct health_monitor_plan new_monitors[] = {{0, 2, 3, 10}, {1, 2, 3, 30}, {2, 2, 3, 40},
                                                              {3, 2, 3, 20}, {4, 2, 3, 99}, {4, 2, 3, 11}};
    struct health_plan after = {.regions = regions,
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
    assert_int_equal(health_next_expiry(to), 90000);            /* quiet's override went with it */
    health_observe(to, 1, HEALTH_OUTCOME_TIMEOUT, 21000, 0, 0); /* the third failure in a row */
    assert_int_equal(status_of(to, HEALTH_ENDPOINT, 1).observed, HEALTH_OBSERVED_UNHEALTHY);
    health_free(to);
    assert_int_equal(status_of(health, HEALTH_ENDPOINT, B1).observed, HEALTH_OBSERVED_HEALTHY);
    assert_int_equal(health_next_expiry(health), 50000);
}

static void carry_keeps_a_lost_region(void **state)
{
    struct world *world = *state;
    make_all_healthy(world->health);
    observe_times(world->health, 4, HEALTH_OUTCOME_TIMEOUT, 3);
    struct health *to = health_new(&plan, 20000);
    health_carry(to, world->health, 20000);
    expect(to, HEALTH_REGION, EU, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    expect(to, HEALTH_ENDPOINT, QUIET, HEALTH_UNHEALTHY, HEALTH_BY_REGION_LOST);
    assert_int_equal(status_of(to, HEALTH_ENDPOINT, QUIET).since_ms, 2000);
    health_observe(to, 4, HEALTH_OUTCOME_OK, 21000, 0, 0);
    health_observe(to, 4, HEALTH_OUTCOME_OK, 22000, 0, 0);
    expect(to, HEALTH_REGION, EU, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    health_free(to);
}

/* ---- names, texts, scale ---- */

static void finds_by_name(void **state)
{
    struct world *world = *state;
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(health_find(world->health, HEALTH_ENDPOINT, endpoints[i].name), i);
    }
    assert_int_equal(health_find(world->health, HEALTH_AZ, "use1b"), USE1B);
    assert_int_equal(health_find(world->health, HEALTH_REGION, "eu-west"), EU);
    assert_int_equal(health_find(world->health, HEALTH_REGION, "use1b"), -1);
    assert_int_equal(health_find(world->health, HEALTH_ENDPOINT, ""), -1);
}

static void texts_go_both_ways(void **state)
{
    (void)state;
    enum health_desired desired;
    enum health_kind kind;
    for (int i = 0; i <= HEALTH_DESIRED_DOWN; i++) {
        assert_int_equal(health_parse_desired(health_desired_text((enum health_desired)i), &desired), 0);
        assert_int_equal(desired, i);
    }
    for (int i = 0; i <= HEALTH_REGION; i++) {
        assert_int_equal(health_parse_kind(health_kind_text((enum health_kind)i), &kind), 0);
        assert_int_equal(kind, i);
    }
    assert_int_equal(health_parse_desired("UP", &desired), ERROR_NOT_FOUND);
    assert_int_equal(health_parse_kind("zone", &kind), ERROR_NOT_FOUND);
    assert_string_equal(health_outcome_text(HEALTH_OUTCOME_LOCAL_ERROR), "local_error");
    assert_string_equal(health_outcome_text(HEALTH_OUTCOME_BAD_STATUS), "bad_status");
    assert_string_equal(health_outcome_text((enum health_outcome)99), "?");
    assert_string_equal(health_state_text(HEALTH_FORCED_DOWN), "forced_down");
    assert_string_equal(health_decider_text(HEALTH_BY_REGION_OVERRIDE), "region_override");
    assert_false(health_outcome_is_failure(HEALTH_OUTCOME_LOCAL_ERROR));
    assert_false(health_outcome_is_failure(HEALTH_OUTCOME_OK));
    assert_true(health_outcome_is_failure(HEALTH_OUTCOME_BAD_RESPONSE));
}

static void nothing_is_a_topology_too(void **state)
{
    (void)state;
    struct health *health = health_new(&(struct health_plan){0}, 0),
                  *to = health_new(&(struct health_plan){0}, 0);
    assert_int_equal(health_count(health, HEALTH_ENDPOINT), 0);
    assert_int_equal(health_find(health, HEALTH_ENDPOINT, "a"), -1);
    assert_int_equal(health_expire(health, 1), 0);
    health_carry(to, health, 1);
    health_free(health);
    health_free(to);
    health_free(NULL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(starts_unknown),
        TEST(first_success_makes_healthy),
        TEST(unknown_needs_fall_failures),
        TEST(streaks_are_consecutive),
        TEST(long_streaks_saturate),
        TEST(local_errors_change_nothing),
        TEST(all_monitors_have_a_say),
        TEST(unhealthy_wins_over_unknown),
        TEST(one_instance_never_takes_its_az),
        TEST(az_then_region_are_lost),
        TEST(one_change_is_one_generation),
        TEST(unmonitored_have_no_say),
        TEST(lost_at_means_what_it_says),
        TEST(narrowest_override_wins),
        TEST(overrides_leave_what_is_observed),
        TEST(overrides_tell_what_changed),
        TEST(overrides_expire),
        TEST(late_overrides_do_not_begin),
        TEST(since_is_the_states),
        TEST(carry_matches_names_and_identities),
        TEST(carry_keeps_a_lost_region),
        TEST(finds_by_name),
        TEST(texts_go_both_ways),
        TEST(nothing_is_a_topology_too),
    };
    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
