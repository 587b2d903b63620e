/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See health_world.h. */
#include "config.h"

#include "health_world.h"

#include <stdio.h>
#include <string.h>

const struct health_region_plan health_world_regions[] = {{"us-east", 1.0}, {"eu-west", 1.0}};
const struct health_az_plan health_world_azs[] = {{"use1a", US, 1.0}, {"use1b", US, 1.0}, {"euw1a", EU, 1.0}};
const struct health_endpoint_plan health_world_endpoints[] = {
    {"a1", USE1A}, {"a2", USE1A}, {"b1", USE1B}, {"e1", EUW1A}, {"quiet", EUW1A}};
static const struct health_monitor_plan monitors[] = {
    {A1, 2, 3, 10, 0}, {A1, 2, 3, 11, 0}, {A2, 2, 3, 20, 0}, {B1, 2, 3, 30, 0}, {E1, 2, 3, 40, 0}};

const struct health_plan health_world_plan = {.regions = health_world_regions,
                                              .region_count = 2,
                                              .azs = health_world_azs,
                                              .az_count = 3,
                                              .endpoints = health_world_endpoints,
                                              .endpoint_count = 5,
                                              .monitors = monitors,
                                              .monitor_count = 5};

uint64_t generation(const struct health *health)
{
    uint64_t generation = atomic_load(&health_get_table(health)->generation);
    assert_int_equal(generation & HEALTH_CHANGING, 0); /* every change that began has ended */
    return generation;
}

void remember(void *context, const struct health_change *change)
{
    struct world *world = context;
    assert_true(world->change_count < MAX_CHANGES);
    if (world->change_count == 0) {
        world->generation_told = generation(world->health);
    }
    world->changes[world->change_count++] = *change;
}

int health_set_up(void **state)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    world.health = health_new(&health_world_plan, 1000);
    health_set_listener(world.health, &(struct health_listener){.context = &world, .changed = remember});
    *state = &world;
    return 0;
}

int health_tear_down(void **state)
{
    struct world *world = *state;
    health_free(world->health);
    return 0;
}

void observe_times(struct health *health, uint32_t monitor, enum health_outcome outcome, int times)
{
    for (int i = 0; i < times; i++) {
        health_observe(health, monitor, outcome, 2000, 1500, 0);
    }
}

void make_all_healthy(struct health *health)
{
    for (uint32_t i = 0; i < health_monitor_count(health); i++) {
        observe_times(health, i, HEALTH_OUTCOME_OK, 1);
    }
}

struct health_status status_of(const struct health *health, enum health_kind kind, uint32_t index)
{
    struct health_status status;
    assert_int_equal(health_get_status(health, kind, index, &status), 0);
    return status;
}

void expect(const struct health *health, enum health_kind kind, uint32_t index, enum health_state state,
            enum health_decider decider)
{
    struct health_status status = status_of(health, kind, index);
    assert_string_equal(health_state_text(status.effective.state), health_state_text(state));
    assert_string_equal(health_decider_text(status.effective.decided_by), health_decider_text(decider));
    if (kind == HEALTH_ENDPOINT) {
        uint32_t az = health_world_endpoints[index].az;
        struct health_effective from_table = health_table_effective(health_get_table(health), index, az,
                                                                    health_world_azs[az].region, HEALTH_ANY);
        assert_int_equal(from_table.state, state);
        assert_int_equal(from_table.decided_by, decider);
    }
}

void override_as(struct health *health, enum health_kind kind, uint32_t index, enum health_desired desired,
                 int64_t expires_ms)
{
    struct health_override override = {.desired = desired, .set_ms = 3000, .expires_ms = expires_ms};
    snprintf(override.reason, sizeof override.reason, "test");
    assert_int_equal(health_set_override(health, kind, index, &override, 3000), 0);
}
