/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health: verdicts, roll-up, names. Overrides and carrying over are in test_health_override.c. */
#include "config.h"

#include "health_world.h"

#include "base/error.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

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

/* After a start the first result decides, either way, and one success takes a failure back. */
static void the_first_result_after_a_start_decides(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    health_begin(health);
    assert_int_not_equal(atomic_load(&health_get_table(health)->endpoints[A2]) & HEALTH_WORD_WAVERS, 0);
    observe_times(health, 2, HEALTH_OUTCOME_TIMEOUT, 1);
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    observe_times(health, 2, HEALTH_OUTCOME_OK, 1);
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    observe_times(health, 2, HEALTH_OUTCOME_TIMEOUT, 1); /* established: that takes more */
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
}

static uint64_t left_of(const struct health *health)
{
    return atomic_load(&health_get_table(health)->endpoints_outage[A2][HEALTH_ANY].left_ms);
}

/* It is down before it was ever up, and comes up: an outage soon after begins when it begins. */
static void what_comes_up_with_the_server_was_not_out(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    const struct health_outage *outage = &health_get_table(health)->endpoints_outage[A2][HEALTH_ANY];
    health_begin(health);
    for (uint32_t i = 0; i < 5; i++) {
        observe_times(health, i, HEALTH_OUTCOME_REFUSED, 3);
    }
    expect(health, HEALTH_REGION, US, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    assert_int_equal(left_of(health), 0);
    for (uint32_t i = 0; i < 5; i++) {
        observe_times(health, i, HEALTH_OUTCOME_OK, 3);
    }
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    assert_int_equal(left_of(health), 0);
    assert_int_equal(atomic_load(&outage->back_ms), 0);
    assert_int_equal(atomic_load(&health_get_table(health)->regions_outage[US].left_ms), 0);
    assert_int_equal(atomic_load(&health_get_table(health)->regions_outage[US].back_ms), 0);
    observe_times(health, 2, HEALTH_OUTCOME_REFUSED, 3);
    assert_int_not_equal(left_of(health), 0);
    assert_int_equal(atomic_load(&outage->before_left_ms), 0);
    assert_int_equal(atomic_load(&outage->before_back_ms), 0);
    observe_times(health, 2, HEALTH_OUTCOME_OK, 3);
    assert_true(atomic_load(&outage->back_ms) >= left_of(health));
}

/* A failure that was repeated often enough is a verdict like any other. */
static void a_first_failure_becomes_a_verdict(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    health_begin(health);
    observe_times(health, 2, HEALTH_OUTCOME_TIMEOUT, 3);
    observe_times(health, 2, HEALTH_OUTCOME_OK, 1);
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    observe_times(health, 2, HEALTH_OUTCOME_OK, 1);
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
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

/* ---- why an az or region is there or lost ---- */

static void expect_why(const struct health *health, enum health_kind kind, uint32_t index, const char *wanted)
{
    const struct health_status status = status_of(health, kind, index);
    char why[HEALTH_WHY_SIZE];
    health_write_group_why(kind, &status, why);
    assert_string_equal(why, wanted);
}

static void groups_say_why(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    uint32_t list[4];
    expect_why(health, HEALTH_AZ, USE1A,
               "0 of 2 endpoints are unhealthy, lost from 2 on; of the others nothing is known");
    make_all_healthy(health);
    expect_why(health, HEALTH_AZ, USE1A, "0 of 2 endpoints are unhealthy, lost from 2 on; 2 more to be lost");
    assert_int_equal(health_list_missing(health, HEALTH_AZ, USE1A, list, 4), 0);
    observe_times(health, 2, HEALTH_OUTCOME_TIMEOUT, 3);
    expect_why(health, HEALTH_AZ, USE1A, "1 of 2 endpoints is unhealthy, lost from 2 on; 1 more to be lost");
    assert_int_equal(health_list_missing(health, HEALTH_AZ, USE1A, list, 4), 1);
    assert_int_equal(list[0], A2);
    observe_times(health, 0, HEALTH_OUTCOME_TIMEOUT, 3);
    observe_times(health, 3, HEALTH_OUTCOME_TIMEOUT, 3);
    expect_why(health, HEALTH_REGION, US, "2 of 2 azs are lost, lost from 2 on; 1 has to come back");
    expect_why(health, HEALTH_AZ, USE1A,
               "2 of 2 endpoints are unhealthy, lost from 2 on; 1 has to come back; its region is lost");
    assert_int_equal(health_list_missing(health, HEALTH_REGION, US, list, 1), 1);
    assert_int_equal(health_list_missing(health, HEALTH_REGION, US, list, 4), 2);
    const struct health_override drain = {.desired = HEALTH_DESIRED_DRAIN, .set_ms = 1};
    assert_int_equal(health_set_override(health, HEALTH_REGION, US, &drain, 1), 0);
    expect_why(health, HEALTH_REGION, US,
               "2 of 2 azs are lost, lost from 2 on; 1 has to come back; drained by an override of it");
}

struct watcher {
    const struct health_table *table;
    _Atomic bool stop;
    unsigned mixed; /* times that the endpoint was seen lost and its region was not */
};

/* A DNS thread: whoever sees the endpoint lost sees its region lost, and that something is going on. */
static void *watch(void *argument)
{
    struct watcher *watcher = argument;
    const struct health_table *table = watcher->table;
    while (!atomic_load(&watcher->stop)) {
        uint64_t before = atomic_load(&table->generation);
        uint32_t endpoint = atomic_load(&table->endpoints[E1]), region = atomic_load(&table->regions[EU]);
        uint32_t again = atomic_load(&table->endpoints[E1]); /* else it came back meanwhile */
        uint64_t after = atomic_load(&table->generation);
        bool is_lost = health_word_observed(endpoint) == HEALTH_OBSERVED_UNHEALTHY && again == endpoint;
        if (before == after && is_lost) { /* one moment */
            watcher->mixed += health_word_observed(region) != HEALTH_OBSERVED_UNHEALTHY;
        }
    }
    return NULL;
}

static void a_region_is_lost_in_one_store(void **state)
{
    struct health *health = ((struct world *)*state)->health;
    struct watcher watcher = {.table = health_get_table(health)};
    pthread_t thread;
    make_all_healthy(health);
    health_set_listener(health, &(struct health_listener){.context = NULL});
    assert_int_equal(pthread_create(&thread, NULL, watch, &watcher), 0);
    for (int i = 0; i < 500000; i++) {
        observe_times(health, 4, HEALTH_OUTCOME_REFUSED, 3);
        observe_times(health, 4, HEALTH_OUTCOME_OK, 2);
    }
    atomic_store(&watcher.stop, true);
    pthread_join(thread, NULL);
    assert_int_equal(watcher.mixed, 0);
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

static bool wavers(const struct health *health, uint32_t endpoint)
{
    return (health_get_table(health)->endpoints[endpoint] & HEALTH_WORD_WAVERS) != 0;
}

static void wavering_is_noted_and_told_if_watched(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    assert_false(wavers(health, A1));
    uint64_t before = generation(health);
    observe_times(health, 0, HEALTH_OUTCOME_TIMEOUT, 1);
    assert_true(wavers(health, A1));
    assert_int_equal(generation(health), before); /* nobody wants to know */
    observe_times(health, 0, HEALTH_OUTCOME_OK, 1);
    assert_false(wavers(health, A1));
    health_watch_wavering(health, true);
    observe_times(health, 0, HEALTH_OUTCOME_TIMEOUT, 1);
    assert_int_equal(generation(health), before + 1);
    observe_times(health, 1, HEALTH_OUTCOME_TIMEOUT, 2); /* the second monitor adds nothing */
    observe_times(health, 0, HEALTH_OUTCOME_OK, 1);
    assert_true(wavers(health, A1));
    assert_int_equal(generation(health), before + 1);
    observe_times(health, 1, HEALTH_OUTCOME_TIMEOUT, 1); /* falls: it wavers no more, all in one change */
    assert_false(wavers(health, A1));
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    assert_int_equal(generation(health), before + 2);
    observe_times(health, 1, HEALTH_OUTCOME_OK, 1); /* on its way back */
    assert_true(wavers(health, A1));
    struct health *next = health_new(&health_world_plan, 7000);
    health_carry(next, health, 7000);
    assert_true(wavers(next, A1));
    assert_false(wavers(next, A2));
    health_free(next);
}

static void coming_back_is_dated(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    const struct health_table *table = health_get_table(health);
    make_all_healthy(health);
    assert_int_equal(table->endpoints_outage[A2][HEALTH_ANY].back_ms, 0);
    observe_times(health, 2, HEALTH_OUTCOME_REFUSED, 3);
    assert_int_equal(table->endpoints_outage[A2][HEALTH_ANY].back_ms, 0);
    health_observe(health, 2, HEALTH_OUTCOME_OK, 50000, 10, 200);
    health_observe(health, 2, HEALTH_OUTCOME_OK, 52000, 10, 200);
    expect(health, HEALTH_ENDPOINT, A2, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    assert_int_equal(table->endpoints_outage[A2][HEALTH_ANY].back_ms, 52000);
    override_as(health, HEALTH_REGION, US, HEALTH_DESIRED_DRAIN, 0);
    assert_int_equal(table->regions_outage[US].back_ms, 0);
    struct health_override none = {.desired = HEALTH_DESIRED_AUTO};
    assert_int_equal(health_set_override(health, HEALTH_REGION, US, &none, 61000), 0);
    assert_int_equal(table->regions_outage[US].back_ms, 61000);
    struct health *next = health_new(&health_world_plan, 70000);
    health_carry(next, health, 70000);
    assert_int_equal(health_get_table(next)->endpoints_outage[A2][HEALTH_ANY].back_ms, 52000);
    assert_int_equal(health_get_table(next)->regions_outage[US].back_ms, 61000);
    assert_true(table->endpoints_outage[A2][HEALTH_ANY].left_ms > 0 &&
                table->endpoints_outage[A2][HEALTH_ANY].left_ms < 50000);
    assert_int_equal(health_get_table(next)->endpoints_outage[A2][HEALTH_ANY].left_ms,
                     table->endpoints_outage[A2][HEALTH_ANY].left_ms);
    assert_int_equal(health_get_table(next)->regions_outage[US].left_ms, table->regions_outage[US].left_ms);
    assert_int_equal(health_get_table(next)->azs_outage[USE1A].back_ms, 0);
    uint64_t generation = health_get_table(next)->generation;
    size_t done = 0;
    while (health_forget_outages(next, &done)) {
    }
    assert_int_equal(health_get_table(next)->endpoints_outage[A2][HEALTH_ANY].back_ms, 0);
    assert_int_equal(health_get_table(next)->regions_outage[US].left_ms, 0);
    assert_int_equal(health_get_table(next)->generation, generation + 1);
    health_free(next);
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
    static const struct health_monitor_plan one[] = {{0, 1, 1, 1, 0}};
    struct health_plan small = {.regions = health_world_regions,
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
        checks[i] = (struct health_monitor_plan){i, 1, 1, i, 0};
    }
    struct health_az_plan az = {"az", 0, lost_at};
    struct health_plan p = {.regions = health_world_regions,
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

/* ---- names, texts, scale ---- */

static void finds_by_name(void **state)
{
    struct world *world = *state;
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(health_find(world->health, HEALTH_ENDPOINT, health_world_endpoints[i].name), i);
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
    assert_int_equal(health_follow_clock(health, 1), 0);
    health_carry(to, health, 1);
    health_free(health);
    health_free(to);
    health_free(NULL);
}

/* ---- endpoints that are a host name ---- */

static void monitors_that_are_not_used_have_no_say(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    observe_times(health, 1, HEALTH_OUTCOME_TIMEOUT, 3);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    assert_true(health_use_monitor(health, 1, false, 3000));
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    assert_false(health_use_monitor(health, 1, false, 3000));
    observe_times(health, 1, HEALTH_OUTCOME_TIMEOUT, 3); /* too late */
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    assert_true(health_use_monitor(health, 1, true, 4000)); /* as it left */
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    observe_times(health, 1, HEALTH_OUTCOME_OK, 1);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    assert_true(health_use_monitor(health, 1, false, 5000));
    assert_true(health_use_monitor(health, 1, true, 6000)); /* nothing is known of it yet */
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_UNKNOWN, HEALTH_BY_VERDICT);
}

static void an_endpoint_without_used_monitors_is_unknown(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    observe_times(health, 4, HEALTH_OUTCOME_UNRESOLVED, 3);
    expect(health, HEALTH_REGION, EU, HEALTH_UNHEALTHY, HEALTH_BY_VERDICT);
    assert_true(health_use_monitor(health, 4, false, 3000));
    expect(health, HEALTH_ENDPOINT, E1, HEALTH_UNKNOWN, HEALTH_BY_VERDICT);
    expect(health, HEALTH_REGION, EU, HEALTH_UNKNOWN, HEALTH_BY_VERDICT);
    assert_int_equal(status_of(health, HEALTH_AZ, EUW1A).members, 1);
}

static void what_names_resolve_to_is_in_the_word_and_can_be_copied(void **state)
{
    struct world *world = *state;
    struct health *health = world->health, *other = health_new(&health_world_plan, 0);
    make_all_healthy(health);
    uint64_t before = generation(health);
    health_set_resolved(health, A1, HEALTH_WORD_RESOLVED_V6);
    assert_int_equal(atomic_load(&health_get_table(health)->endpoints[A1]),
                     HEALTH_WORD_RESOLVED_V6 | HEALTH_OBSERVED_HEALTHY);
    assert_true(generation(health) > before);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    health_use_monitor(health, 0, false, 0);
    health_copy_resolved(other, health);
    assert_int_equal(atomic_load(&health_get_table(other)->endpoints[A1]),
                     HEALTH_WORD_RESOLVED_V6 | HEALTH_WORD_WAVERS); /* its other monitor is unknown */
    observe_times(other, 1, HEALTH_OUTCOME_OK, 1);                  /* the other one does not count */
    expect(other, HEALTH_ENDPOINT, A1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    health_free(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, health_set_up, health_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(starts_unknown),
        TEST(first_success_makes_healthy),
        TEST(unknown_needs_fall_failures),
        TEST(the_first_result_after_a_start_decides),
        TEST(what_comes_up_with_the_server_was_not_out),
        TEST(a_first_failure_becomes_a_verdict),
        TEST(streaks_are_consecutive),
        TEST(long_streaks_saturate),
        TEST(local_errors_change_nothing),
        TEST(all_monitors_have_a_say),
        TEST(unhealthy_wins_over_unknown),
        TEST(one_instance_never_takes_its_az),
        TEST(az_then_region_are_lost),
        TEST(groups_say_why),
        TEST(a_region_is_lost_in_one_store),
        TEST(one_change_is_one_generation),
        TEST(wavering_is_noted_and_told_if_watched),
        TEST(coming_back_is_dated),
        TEST(unmonitored_have_no_say),
        TEST(lost_at_means_what_it_says),
        TEST(finds_by_name),
        TEST(texts_go_both_ways),
        TEST(nothing_is_a_topology_too),
        cmocka_unit_test_setup_teardown(monitors_that_are_not_used_have_no_say, health_set_up,
                                        health_tear_down),
        cmocka_unit_test_setup_teardown(an_endpoint_without_used_monitors_is_unknown, health_set_up,
                                        health_tear_down),
        cmocka_unit_test_setup_teardown(what_names_resolve_to_is_in_the_word_and_can_be_copied, health_set_up,
                                        health_tear_down),
    };
    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
