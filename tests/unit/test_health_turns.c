/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Telling in turns: two machines get the same random events. One tells everything at once, the other some now
 * and then. What both show is the same at any moment, and in the end they have told the same. */
#include "config.h"

#include "unit.h"

#include "base/random.h"
#include "health/health.h"

#include <stdio.h>
#include <string.h>

enum { REGIONS = 3, AZS = 7, ENDPOINTS = 2000, KINDS = 3 };

static uint32_t endpoint_count; /* of the test that runs */

/* What a listener knows. */
struct heard {
    struct health_effective effective[KINDS][ENDPOINTS];
    enum health_observed observed[KINDS][ENDPOINTS];
    uint64_t turns[KINDS][ENDPOINTS][HEALTH_STATES]; /* of endpoints: at 0 */
    size_t count, more;
};

struct world {
    struct health *at_once, *in_turns;
    struct heard heard[2];
    int64_t now_ms;
    struct random random;
};

/* Each change begins where the one before of its object ended, and is one. */
static void hear(void *context, const struct health_change *change)
{
    struct heard *heard = context;
    struct health_effective *effective = &heard->effective[change->kind][change->index];
    enum health_observed *observed = &heard->observed[change->kind][change->index];
    assert_int_equal(change->before.state, effective->state);
    assert_int_equal(change->before.decided_by, effective->decided_by);
    assert_int_equal(change->observed_before, *observed);
    assert_true(change->after.state != effective->state ||
                change->after.decided_by != effective->decided_by || change->observed_after != *observed);
    if (change->after.state != effective->state) {
        heard
            ->turns[change->kind][change->kind == HEALTH_ENDPOINT ? 0 : change->index][change->after.state]++;
    }
    *effective = change->after;
    *observed = change->observed_after;
    heard->count++;
}

static void hear_more(void *context)
{
    struct heard *heard = context;
    heard->more++;
}

static size_t count_of(int kind)
{
    return kind == HEALTH_REGION ? REGIONS : kind == HEALTH_AZ ? AZS : endpoint_count;
}

static struct health *build(void)
{
    static char names[KINDS][ENDPOINTS][16];
    struct health_region_plan regions[REGIONS];
    struct health_az_plan azs[AZS];
    struct health_endpoint_plan endpoints[ENDPOINTS];
    struct health_monitor_plan monitors[ENDPOINTS];
    for (int kind = 0; kind < KINDS; kind++) {
        for (size_t i = 0; i < count_of(kind); i++) {
            snprintf(names[kind][i], sizeof names[kind][i], "%c%zu", "ear"[kind], i);
        }
    }
    for (uint32_t i = 0; i < REGIONS; i++) {
        regions[i] = (struct health_region_plan){names[HEALTH_REGION][i], 0.6};
    }
    for (uint32_t i = 0; i < AZS; i++) {
        azs[i] = (struct health_az_plan){names[HEALTH_AZ][i], i % REGIONS, 0.5};
    }
    for (uint32_t i = 0; i < endpoint_count; i++) { /* one az has most of them */
        endpoints[i] = (struct health_endpoint_plan){names[HEALTH_ENDPOINT][i], i % 2 == 0 ? 0 : i % AZS};
        monitors[i] = (struct health_monitor_plan){i, 1, 1, i, 0};
    }
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = REGIONS,
                                            .azs = azs,
                                            .az_count = AZS,
                                            .endpoints = endpoints,
                                            .endpoint_count = endpoint_count,
                                            .monitors = monitors,
                                            .monitor_count = endpoint_count},
                      0);
}

static void compare(const struct world *world)
{
    for (int kind = 0; kind < KINDS; kind++) {
        for (uint32_t i = 0; i < count_of(kind); i++) {
            struct health_status one, other;
            assert_int_equal(health_get_status(world->at_once, kind, i, &one), 0);
            assert_int_equal(health_get_status(world->in_turns, kind, i, &other), 0);
            assert_int_equal(one.effective.state, other.effective.state);
            assert_int_equal(one.effective.decided_by, other.effective.decided_by);
            assert_int_equal(one.observed, other.observed);
            assert_int_equal(one.since_ms, other.since_ms);
        }
    }
}

/* What was told is what is counted. */
static void compare_turns(const struct health *health, const struct heard *heard)
{
    for (int kind = 0; kind < KINDS; kind++) {
        for (uint32_t i = 0; i < (kind == HEALTH_ENDPOINT ? 1 : count_of(kind)); i++) {
            uint64_t turns[HEALTH_STATES];
            health_get_turns(health, (enum health_kind)kind, i, turns);
            assert_memory_equal(turns, heard->turns[kind][i], sizeof turns);
        }
    }
}

static void override_any(struct world *world)
{
    struct random *random = &world->random;
    static const enum health_kind kinds[] = {HEALTH_ENDPOINT, HEALTH_AZ, HEALTH_AZ, HEALTH_REGION};
    enum health_kind kind = kinds[random_below(random, 4)];
    uint32_t index = (uint32_t)random_below(random, count_of((int)kind));
    struct health_override override = {.desired = (enum health_desired)random_below(random, 4),
                                       .expires_ms = world->now_ms + 1 + (int64_t)random_below(random, 60)};
    int one = health_set_override(world->at_once, kind, index, &override, world->now_ms);
    assert_int_equal(health_set_override(world->in_turns, kind, index, &override, world->now_ms), one);
}

static void observe_any(struct world *world, unsigned failing_of_8)
{
    uint32_t monitor = (uint32_t)random_below(&world->random, endpoint_count);
    enum health_outcome outcome =
        random_below(&world->random, 8) < failing_of_8 ? HEALTH_OUTCOME_TIMEOUT : HEALTH_OUTCOME_OK;
    health_observe(world->at_once, monitor, outcome, world->now_ms, 0, 0);
    health_observe(world->in_turns, monitor, outcome, world->now_ms, 0, 0);
}

/* A reload, or a snapshot: no matter what is not told yet. */
static void carry_over(const struct world *world)
{
    struct world copy = *world;
    copy.in_turns = health_new_like(world->in_turns);
    health_carry(copy.in_turns, world->in_turns, world->now_ms);
    compare(&copy);
    compare_turns(copy.in_turns, &world->heard[1]);
    health_free(copy.in_turns);
    copy.in_turns = build();
    health_carry(copy.in_turns, world->in_turns, world->now_ms);
    compare(&copy);
    compare_turns(copy.in_turns, &world->heard[1]);
    health_free(copy.in_turns);
}

static void step(struct world *world, unsigned *failing_of_8)
{
    uint64_t what = random_below(&world->random, 100);
    world->now_ms += (int64_t)random_below(&world->random, 5);
    if (what < 2) {
        *failing_of_8 = (unsigned)random_below(&world->random, 9);
    } else if (what < 60) {
        observe_any(world, *failing_of_8);
    } else if (what < 90) {
        override_any(world);
    } else if (what < 95) {
        assert_int_equal(health_follow_clock(world->at_once, world->now_ms),
                         health_follow_clock(world->in_turns, world->now_ms));
    } else {
        carry_over(world);
    }
}

/* patience: of so many steps one is followed by a turn. */
static void run_world(uint64_t seed, unsigned patience, int steps)
{
    static struct world world;
    unsigned failing_of_8 = 4;
    world = (struct world){.at_once = build(), .in_turns = build()};
    random_init(&world.random, seed);
    health_set_listener(world.at_once,
                        &(struct health_listener){.context = &world.heard[0], .changed = hear});
    health_set_listener(world.in_turns, &(struct health_listener){
                                            .context = &world.heard[1], .changed = hear, .more = hear_more});
    for (int i = 0; i < steps; i++) {
        step(&world, &failing_of_8);
        compare(&world);
        if (random_below(&world.random, patience) == 0) {
            (void)health_tell(world.in_turns, random_below(&world.random, 40));
            compare(&world);
        }
    }
    while (health_tell(world.in_turns, 7)) {
        compare(&world);
    }
    compare(&world);
    assert_memory_equal(world.heard[0].effective, world.heard[1].effective, sizeof world.heard[0].effective);
    assert_memory_equal(world.heard[0].observed, world.heard[1].observed, sizeof world.heard[0].observed);
    compare_turns(world.at_once, &world.heard[0]);
    compare_turns(world.in_turns, &world.heard[1]);
    assert_true(world.heard[1].more != 0 && world.heard[1].count <= world.heard[0].count);
    health_free(world.at_once);
    health_free(world.in_turns);
}

static void turns_tell_what_one_telling_does(void **state)
{
    (void)state;
    endpoint_count = 90;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        run_world(seed, 1 + (unsigned)seed % 4, 3000);
    }
}

/* More changes than are remembered before anything is told. */
static void nobody_tells_for_long(void **state)
{
    (void)state;
    endpoint_count = ENDPOINTS;
    run_world(11, 100000, 600);
    run_world(12, 100, 600);
}

static void the_rest_waits_and_regions_go_first(void **state)
{
    (void)state;
    static struct heard heard;
    endpoint_count = 90;
    struct health *health = build();
    struct health_override down = {.desired = HEALTH_DESIRED_DOWN};
    struct health_status status;
    health_set_listener(health,
                        &(struct health_listener){.context = &heard, .changed = hear, .more = hear_more});
    assert_int_equal(health_set_override(health, HEALTH_REGION, 0, &down, 5), 0);
    assert_int_equal(heard.more, 1);
    assert_in_range(heard.count, 1, HEALTH_TURN);
    health_get_status(health, HEALTH_ENDPOINT, 84, &status); /* not told yet */
    assert_int_equal(heard.effective[HEALTH_ENDPOINT][84].state, HEALTH_UNKNOWN);
    assert_int_equal(status.effective.state, HEALTH_FORCED_DOWN);
    assert_int_equal(status.since_ms, 5);
    assert_int_equal(health_set_override(health, HEALTH_REGION, 1, &down, 6), 0);
    assert_int_equal(heard.effective[HEALTH_REGION][1].state, HEALTH_FORCED_DOWN);
    assert_int_equal(heard.effective[HEALTH_AZ][1].state, HEALTH_FORCED_DOWN);
    while (health_tell(health, 1)) {
    }
    assert_int_equal(heard.effective[HEALTH_ENDPOINT][84].state, HEALTH_FORCED_DOWN);
    assert_false(health_tell(health, 1));
    health_free(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_tell_what_one_telling_does),
        cmocka_unit_test(nobody_tells_for_long),
        cmocka_unit_test(the_rest_waits_and_regions_go_first),
    };
    return cmocka_run_group_tests_name("health_turns", tests, NULL, NULL);
}
