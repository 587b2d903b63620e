/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who stays. Whatever serves (a tier, standbys, a fallback, a few light ones beside a heavy one that is out,
 * two tiers that share the answers): when one more is lost its clients move and nobody else does, all others
 * get them by weight, and they come back with it. */
#include "config.h"

#include "sticky_world.h"

#include "base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const uint32_t unhealthy = HEALTH_OBSERVED_UNHEALTHY;
static const uint32_t drained = (uint32_t)HEALTH_DESIRED_DRAIN << HEALTH_WORD_DESIRED_SHIFT;

static uint16_t before[STICKY_CLIENTS], after[STICKY_CLIENTS], again[STICKY_CLIENTS];

/* One is lost and comes back. Returns the share of all clients that moved although they could have stayed, of
 * those that were not on the lost one. */
static double lose_and_return(struct sticky_world *w, uint16_t endpoint, uint32_t word)
{
    uint32_t was = w->endpoints[endpoint];
    sticky_world_map(w, before);
    sticky_world_set(w, endpoint, word);
    sticky_world_map(w, after);
    assert_true(sticky_share(before, endpoint) > 0);
    assert_true(sticky_share(after, endpoint) == 0);
    sticky_world_set(w, endpoint, was);
    sticky_world_map(w, again);
    assert_memory_equal(again, before, sizeof before);
    return sticky_needless(before, after, endpoint) / (1 - sticky_share(before, endpoint));
}

/* A loss of one with nobody else moving; its clients go to the others as these share the rest. */
static void expect_only_its_own(struct sticky_world *w, uint16_t endpoint, uint32_t word, double tolerance)
{
    double needless = lose_and_return(w, endpoint, word);
    print_message("# needless %.4f\n", needless);
    assert_true(needless == 0);
    double gone = sticky_share(before, endpoint);
    for (uint16_t i = 0; i < w->count && tolerance > 0; i++) {
        double had = sticky_share(before, i);
        if (i != endpoint && had > 0) {
            assert_true(fabs(sticky_share(after, i) - had / (1 - gone)) < tolerance);
        }
    }
}

static void lose_range(struct sticky_world *w, uint16_t from, uint16_t count, uint32_t word)
{
    for (uint16_t i = from; i < from + count; i++) {
        sticky_world_set(w, i, word);
    }
}

static void standbys_that_serve(void **state)
{
    (void)state;
    struct sticky_world *w = sticky_world_new(&(struct sticky_plan){.groups = {{0, 8, 0, 0}}});
    expect_only_its_own(w, 3, unhealthy, 0.02);
    lose_range(w, 4, 4, unhealthy);
    expect_only_its_own(w, 0, drained, 0.02);
    sticky_world_free(w);
}

static void a_fallback_with_one_drained(void **state)
{
    (void)state;
    struct sticky_world *w = sticky_world_new(
        &(struct sticky_plan){.groups = {{0, 5, 3, 0}, {1, 5, 1, 0}}, .fallback = STEER_FALLBACK_ALL});
    lose_range(w, 0, 10, unhealthy);
    assert_int_equal(sticky_world_choose(w)->source, STEER_FROM_ALL);
    expect_only_its_own(w, 2, drained, 0.02);
    expect_only_its_own(w, 8, drained, 0.02);
    lose_range(w, 0, 8, drained);
    assert_int_equal(sticky_world_choose(w)->source, STEER_FROM_ALL);
    expect_only_its_own(w, 8, drained, 0.02);
    sticky_world_free(w);
}

static void light_ones_beside_a_heavy_one(void **state)
{
    (void)state;
    struct sticky_world *w =
        sticky_world_new(&(struct sticky_plan){.groups = {{0, 1, 1000, 0}, {0, 3, 1, 0}}});
    expect_only_its_own(w, 0, unhealthy, 0);
    sticky_world_set(w, 0, unhealthy);
    for (uint16_t lost = 1; lost < 4; lost++) {
        expect_only_its_own(w, lost, unhealthy, 0.02);
    }
    sticky_world_free(w);
}

static void few_of_many(void **state)
{
    (void)state;
    struct sticky_world *w = sticky_world_new(&(struct sticky_plan){.groups = {{0, 2000, 7, 0}}});
    lose_range(w, 10, 1990, unhealthy);
    expect_only_its_own(w, 3, unhealthy, 0.02);
    sticky_world_free(w);
}

/* Light ones of many weights, of which nobody is drawn from the table any more. */
static void a_race_is_run_by_weight(void **state)
{
    (void)state;
    struct sticky_world *w = sticky_world_new(&(struct sticky_plan){
        .groups = {{0, 1, 65535, 0}, {0, 2, 1, 0}, {0, 2, 3, 0}, {0, 1, 5, 0}, {0, 300, 60000, 0}}});
    double weights[] = {0, 1, 1, 3, 3, 5}, sum = 13;
    sticky_world_set(w, 0, unhealthy);
    lose_range(w, 6, 300, unhealthy);
    sticky_world_map(w, before);
    for (uint16_t i = 1; i < 6; i++) {
        assert_true(fabs(sticky_share(before, i) - weights[i] / sum) < 0.015); /* 4 deviations */
    }
    for (uint16_t lost = 1; lost < 6; lost++) {
        expect_only_its_own(w, lost, unhealthy, 0.02);
    }
    sticky_world_set(w, 5, UINT32_C(16) << HEALTH_WORD_SHED_SHIFT); /* half of it */
    sticky_world_map(w, after);
    assert_true(fabs(sticky_share(after, 5) - 2.5 / 10.5) < 0.015);
    assert_true(sticky_needless(before, after, 5) == 0);
    sticky_world_free(w);
}

static double share_of_tier(const struct sticky_world *w, const uint16_t *map, uint16_t from, uint16_t count)
{
    double share = 0;
    for (uint16_t i = from; i < from + count && i < w->count; i++) {
        share += sticky_share(map, i);
    }
    return share;
}

/* Whose member is lost goes to the next tier, and nobody else does. */
static void a_tier_that_spills(void **state)
{
    (void)state;
    struct sticky_world *w =
        sticky_world_new(&(struct sticky_plan){.groups = {{0, 5, 1, 0}, {1, 5, 1, 0}}, .spill_below = 1});
    for (uint16_t lost = 0; lost < 4; lost++) {
        expect_only_its_own(w, lost, unhealthy, 0);
        assert_true(fabs(share_of_tier(w, after, 5, 5) - (lost + 1) / 5.0) < 0.015);
        for (uint16_t i = 5; i < 10; i++) { /* all of them alike */
            assert_true(fabs(sticky_share(after, i) - (lost + 1) / 25.0) < 0.01);
        }
        sticky_world_set(w, lost, unhealthy);
    }
    expect_only_its_own(w, 5, unhealthy, 0); /* in the tier behind it, which has room for all of them */
    sticky_world_free(w);
}

/* A tier may lack a fifth before it spills. What is missing then comes from all that are out: so much of the
 * others' clients moves besides, and no more. */
static void a_tier_that_spills_late(void **state)
{
    (void)state;
    struct sticky_world *w =
        sticky_world_new(&(struct sticky_plan){.groups = {{0, 10, 1, 0}, {1, 5, 1, 0}}, .spill_below = 0.8});
    expect_only_its_own(w, 0, unhealthy, 0.02);
    sticky_world_set(w, 0, unhealthy);
    expect_only_its_own(w, 1, unhealthy, 0.02);
    sticky_world_set(w, 1, unhealthy);
    double needless = lose_and_return(w, 2, unhealthy);
    print_message("# beyond the reserve: needless %.4f\n", needless);
    assert_true(needless < 0.125);
    assert_true(fabs(share_of_tier(w, after, 10, 5) - 0.125) < 0.015);
    sticky_world_free(w);
}

/* Weights say who has how many clients, and how much of a tier is there follows from numbers: the light one
 * of five is a fifth of the tier. Its clients do not make up for the answers that leave. */
static void a_light_one_spills_more_than_it_has(void **state)
{
    (void)state;
    struct sticky_world *w = sticky_world_new(
        &(struct sticky_plan){.groups = {{0, 4, 9, 0}, {0, 1, 1, 0}, {1, 5, 1, 0}}, .spill_below = 1});
    double needless = lose_and_return(w, 4, unhealthy);
    assert_true(fabs(share_of_tier(w, after, 5, 5) - 0.2) < 0.015);
    assert_true(fabs(needless - (0.2 - 1 / 37.0) / (36 / 37.0)) < 0.015);
    needless = lose_and_return(w, 0, unhealthy); /* it has more: what is over stays in the tier */
    assert_true(fabs(share_of_tier(w, after, 5, 5) - 0.2) < 0.015);
    assert_true(needless == 0);
    sticky_world_free(w);
}

static void clients_of_a_trickle_are_the_same(void **state)
{
    (void)state;
    struct sticky_world *w = sticky_world_new(&(struct sticky_plan){
        .groups = {{0, 5, 1, 0}, {1, 2, 1, 0}, {2, 2, 1, 0}}, .spill_below = 1, .trickle = 0.02});
    sticky_world_map(w, before);
    assert_true(fabs(share_of_tier(w, before, 5, 2) - 0.02) < 0.006);
    assert_true(fabs(share_of_tier(w, before, 7, 2) - 0.02) < 0.006);
    /* 20 % are missing, of which 2 % are there already: these 2 % of clients find another one at home */
    double needless = lose_and_return(w, 0, unhealthy);
    assert_true(needless == 0);
    assert_true(fabs(share_of_tier(w, after, 5, 4) - 0.22) < 0.015);
    assert_true(lose_and_return(w, 5, unhealthy) == 0);
    sticky_world_free(w);
}

static void groups_of_a_tier(void **state)
{
    (void)state;
    struct sticky_world *w = sticky_world_new(
        &(struct sticky_plan){.groups = {{0, 4, 1, 0}, {0, 1, 1, 0.05}, {0, 2, 1, 0.10}, {1, 3, 1, 0}}});
    sticky_world_map(w, before);
    assert_true(fabs(sticky_share(before, 4) - 0.05) < 0.008);
    assert_true(fabs(share_of_tier(w, before, 5, 2) - 0.10) < 0.01);
    for (uint16_t lost = 0; lost < 7; lost++) {
        expect_only_its_own(w, lost, unhealthy, 0);
    }
    lose_range(w, 0, 4, unhealthy);
    sticky_world_map(w, before);
    assert_true(fabs(sticky_share(before, 4) - 1 / 3.0) < 0.02);
    expect_only_its_own(w, 4, unhealthy, 0);
    expect_only_its_own(w, 5, unhealthy, 0);
    sticky_world_free(w);
}

static void groups_of_a_tier_that_spills(void **state)
{
    (void)state;
    struct sticky_world *w = sticky_world_new(
        &(struct sticky_plan){.groups = {{0, 8, 1, 0}, {0, 2, 1, 0.2}, {1, 3, 1, 0}}, .spill_below = 1});
    for (uint16_t lost = 0; lost < 10; lost += 3) {
        expect_only_its_own(w, lost, unhealthy, 0);
        assert_true(fabs(share_of_tier(w, after, 10, 3) - 0.1) < 0.012);
    }
    lose_range(w, 8, 1, unhealthy);
    expect_only_its_own(w, 9, unhealthy, 0); /* the group is out, and so are all of its clients */
    assert_true(fabs(share_of_tier(w, after, 10, 3) - 0.2) < 0.012);
    sticky_world_free(w);
}

/* A reload with another weight: as many move as the weights differ, and few besides. */
static void another_weight_moves_its_share(void **state)
{
    (void)state;
    struct sticky_plan plan = {.groups = {{0, 9, 10, 0}, {0, 1, 10, 0}}};
    struct sticky_world *w = sticky_world_new(&plan);
    sticky_world_map(w, before);
    plan.groups[1].weight = 20;
    sticky_world_plan(w, &plan);
    sticky_world_map(w, after);
    double gained = sticky_share(after, 9) - sticky_share(before, 9);
    double moved = sticky_moved(before, after);
    print_message("# gained %.4f, moved %.4f\n", gained, moved);
    assert_true(fabs(gained - (20 / 110.0 - 10 / 100.0)) < 0.01);
    assert_true(moved < 1.5 * gained);
    sticky_world_free(w);
}

/* ---- holds ---- */

enum { HOLD_MS = 60000 };

/* Nobody moves who was not on the endpoint that is lost or comes back; returns the largest share of one. */
static double step(struct sticky_world *w, uint16_t endpoint, uint32_t word)
{
    bool is_loss = word != HEALTH_OBSERVED_HEALTHY;
    sticky_world_map(w, before);
    w->now_ms += 1000;
    sticky_world_set(w, endpoint, word);
    sticky_world_map(w, after);
    double needless = sticky_needless(before, after, is_loss ? endpoint : STICKY_NOBODY), most = 0;
    for (uint16_t i = 0; i < w->count; i++) {
        most = fmax(most, sticky_share(after, i));
    }
    print_message("# %s %u: needless %.4f, most %.3f\n", is_loss ? "lose" : "return", endpoint, needless,
                  most);
    assert_true(needless == 0);
    return most;
}

/* Rolling restarts: each moves the clients of who stops, to all others by weight. */
static void a_rolling_restart_moves_whom_it_stops(void **state)
{
    (void)state;
    static const uint16_t counts[] = {3, 10};
    for (size_t c = 0; c < 2; c++) {
        struct sticky_world *w =
            sticky_world_new(&(struct sticky_plan){.groups = {{0, counts[c], 1, 0}}, .hold_ms = HOLD_MS});
        sticky_world_map(w, again);
        for (uint16_t i = 0; i < counts[c]; i++) {
            double most = step(w, i, unhealthy);
            assert_true(most < 2.1 / counts[c]);
            (void)step(w, i, HEALTH_OBSERVED_HEALTHY);
        }
        w->now_ms += HOLD_MS;
        sticky_world_map(w, after);
        assert_memory_equal(again, after, sizeof after);
        sticky_world_free(w);
    }
}

/* All of an az, one a moment after the other, there and back; and some of it once more. */
static void a_return_in_steps_moves_nobody(void **state)
{
    (void)state;
    struct sticky_world *w =
        sticky_world_new(&(struct sticky_plan){.groups = {{0, 9, 1, 0}}, .hold_ms = HOLD_MS});
    sticky_world_map(w, again);
    for (uint16_t i = 0; i < 4; i++) {
        (void)step(w, i, unhealthy);
    }
    for (uint16_t i = 0; i < 4; i++) {
        (void)step(w, i, HEALTH_OBSERVED_HEALTHY);
    }
    (void)step(w, 7, unhealthy);
    (void)step(w, 2, unhealthy);
    (void)step(w, 2, HEALTH_OBSERVED_HEALTHY);
    (void)step(w, 7, HEALTH_OBSERVED_HEALTHY);
    w->now_ms += HOLD_MS;
    sticky_world_map(w, after);
    assert_memory_equal(again, after, sizeof after);
    sticky_world_free(w);
}

/* Two tiers, the first of which is lost and comes back: its clients stay where they are, also where it gives
 * away only a part. */
static void a_hold_keeps_to_the_next_tier(void **state)
{
    (void)state;
    for (int spills = 0; spills < 2; spills++) {
        struct sticky_world *w = sticky_world_new(&(struct sticky_plan){
            .groups = {{0, 3, 1, 0}, {1, 3, 1, 0}}, .hold_ms = HOLD_MS, .spill_below = spills});
        sticky_world_map(w, again);
        for (uint16_t i = 0; i < 3; i++) {
            (void)step(w, i, unhealthy);
        }
        for (uint16_t i = 0; i < 3; i++) {
            (void)step(w, i, HEALTH_OBSERVED_HEALTHY);
            assert_true(fabs(share_of_tier(w, after, 3, 3) - 1) < 1e-9);
        }
        w->now_ms += HOLD_MS;
        sticky_world_map(w, after);
        assert_memory_equal(again, after, sizeof after);
        sticky_world_free(w);
    }
}

/* Nobody was left, so nobody is anywhere: who comes back first is not to carry all the others. */
static void after_a_total_loss_load_is_shared(void **state)
{
    (void)state;
    struct sticky_world *w = sticky_world_new(&(struct sticky_plan){
        .groups = {{0, 3, 1, 0}}, .hold_ms = HOLD_MS, .fallback = STEER_FALLBACK_NODATA});
    sticky_world_map(w, again);
    for (uint16_t i = 0; i < 3; i++) {
        w->now_ms += 1000;
        sticky_world_set(w, i, unhealthy);
    }
    for (uint16_t i = 0; i < 3; i++) {
        w->now_ms += 1000;
        sticky_world_set(w, i, HEALTH_OBSERVED_HEALTHY);
        sticky_world_map(w, after);
        for (uint16_t k = 0; k <= i; k++) {
            assert_true(fabs(sticky_share(after, k) - 1.0 / (i + 1)) < 0.02);
        }
    }
    assert_memory_equal(again, after, sizeof after);
    sticky_world_free(w);
}

static void a_hold_is_exact(void **state)
{
    (void)state;
    struct sticky_world *w =
        sticky_world_new(&(struct sticky_plan){.groups = {{0, 5, 1, 0}}, .hold_ms = 1000});
    sticky_world_map(w, again);
    w->now_ms += 999;
    (void)step(w, 3, unhealthy);
    (void)step(w, 3, HEALTH_OBSERVED_HEALTHY);
    memcpy(before, after, sizeof before);
    w->now_ms += 999;
    sticky_world_map(w, after);
    assert_memory_equal(before, after, sizeof after);
    w->now_ms += 1;
    sticky_world_map(w, after);
    assert_memory_equal(again, after, sizeof after);
    sticky_world_free(w);
}

/* Who answers knows the time of the last tick, which may be before the return. */
static void a_hold_begins_before_the_next_tick(void **state)
{
    (void)state;
    struct sticky_world *w =
        sticky_world_new(&(struct sticky_plan){.groups = {{0, 5, 1, 0}}, .hold_ms = HOLD_MS});
    (void)step(w, 3, unhealthy);
    sticky_world_map(w, before);
    w->now_ms += 1000;
    sticky_world_set(w, 3, HEALTH_OBSERVED_HEALTHY);
    w->now_ms -= 4;
    sticky_world_map(w, after);
    assert_memory_equal(before, after, sizeof after);
    w->now_ms += 1000;
    sticky_world_map(w, after);
    assert_memory_equal(before, after, sizeof after);
    sticky_world_free(w);
}

static void a_clock_set_back_ends_a_hold(void **state)
{
    (void)state;
    struct sticky_world *w =
        sticky_world_new(&(struct sticky_plan){.groups = {{0, 5, 1, 0}}, .hold_ms = HOLD_MS});
    sticky_world_map(w, again);
    (void)step(w, 3, unhealthy);
    (void)step(w, 3, HEALTH_OBSERVED_HEALTHY);
    w->now_ms -= 86400000; /* nothing else changes */
    sticky_world_map(w, after);
    assert_memory_equal(again, after, sizeof after);
    sticky_world_free(w);
}

/* ---- moved off ---- */

enum { SOURCE, NEXT, TO, REGIONS, EACH = 4 };

/* Tiers are regions of EACH endpoints; the first one is moved off in part, to the last one. */
struct moved {
    struct health_marks exits;
    _Atomic uint32_t endpoint_exits[STICKY_MEMBERS], az_exits[1], region_exits[REGIONS], regions[REGIONS];
};

static void move_off(struct sticky_world *w, struct moved *moved, unsigned percent)
{
    moved->regions[SOURCE] = percent << HEALTH_WORD_RAMP_SHIFT | HEALTH_WORD_RAMPING;
    atomic_fetch_add(&w->table.generation, 1);
}

/* Nobody is back, and who is in the source still has the member that it had, unless that is lost. */
static void expect_no_way_back(struct sticky_world *w, uint16_t lost, bool serves_else)
{
    memcpy(before, after, sizeof before);
    sticky_world_map(w, after);
    for (size_t n = 0; n < STICKY_CLIENTS; n++) {
        bool was_there = before[n] < EACH, is_there = after[n] < EACH;
        assert_false(!was_there && is_there && serves_else);
        assert_false(was_there && is_there && before[n] != after[n] && before[n] != lost);
    }
}

static void who_was_moved_off_does_not_come_back(void **state)
{
    (void)state;
    struct sticky_world *w = sticky_world_new(
        &(struct sticky_plan){.groups = {{SOURCE, EACH, 1, 0}, {NEXT, EACH, 1, 0}, {TO, EACH, 1, 0}}});
    struct moved *moved = memory_alloc(sizeof *moved);
    moved->exits = (struct health_marks){
        .endpoints = moved->endpoint_exits, .azs = moved->az_exits, .regions = moved->region_exits};
    atomic_store(&moved->exits.count, 1);
    moved->region_exits[SOURCE] = health_exit_make(HEALTH_REGION, TO);
    w->table.exits = &moved->exits;
    w->table.regions = moved->regions;
    for (size_t i = 0; i < (size_t)REGIONS * EACH; i++) {
        w->places[i].region = (uint32_t)(i / EACH);
    }
    sticky_world_map(w, after);
    move_off(w, moved, 40);
    expect_no_way_back(w, STICKY_NOBODY, true);
    sticky_world_set(w, 2, unhealthy);
    expect_no_way_back(w, 2, true);
    move_off(w, moved, 60);
    expect_no_way_back(w, STICKY_NOBODY, true);
    lose_range(w, TO * EACH, EACH, unhealthy);
    expect_no_way_back(w, STICKY_NOBODY, true);
    lose_range(w, NEXT * EACH, EACH, unhealthy); /* nobody else */
    expect_no_way_back(w, STICKY_NOBODY, false);
    lose_range(w, NEXT * EACH, EACH, 0);
    expect_no_way_back(w, STICKY_NOBODY, false);
    lose_range(w, TO * EACH, EACH, 0);
    expect_no_way_back(w, STICKY_NOBODY, true);
    sticky_world_free(w);
    free(moved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standbys_that_serve),
        cmocka_unit_test(a_fallback_with_one_drained),
        cmocka_unit_test(light_ones_beside_a_heavy_one),
        cmocka_unit_test(few_of_many),
        cmocka_unit_test(a_race_is_run_by_weight),
        cmocka_unit_test(a_tier_that_spills),
        cmocka_unit_test(a_tier_that_spills_late),
        cmocka_unit_test(a_light_one_spills_more_than_it_has),
        cmocka_unit_test(clients_of_a_trickle_are_the_same),
        cmocka_unit_test(groups_of_a_tier),
        cmocka_unit_test(groups_of_a_tier_that_spills),
        cmocka_unit_test(another_weight_moves_its_share),
        cmocka_unit_test(a_rolling_restart_moves_whom_it_stops),
        cmocka_unit_test(a_return_in_steps_moves_nobody),
        cmocka_unit_test(a_hold_keeps_to_the_next_tier),
        cmocka_unit_test(after_a_total_loss_load_is_shared),
        cmocka_unit_test(a_hold_is_exact),
        cmocka_unit_test(a_hold_begins_before_the_next_tick),
        cmocka_unit_test(a_clock_set_back_ends_a_hold),
        cmocka_unit_test(who_was_moved_off_does_not_come_back),
    };
    return cmocka_run_group_tests_name("steer_stay", tests, NULL, NULL);
}
