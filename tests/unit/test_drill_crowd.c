/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills over sticky policies with many members: what a drill keeps of each has the room that it takes.
 * AddressSanitizer is the judge of that; any build sees that the shares are right.
 *
 * us ⊃ us-1 ⊃ a, eu ⊃ eu-1 ⊃ e; the members of a policy are those two in turn. */
#include "config.h"

#include "unit.h"

#include "base/arena.h"
#include "base/memory.h"
#include "base/sanitizer.h"
#include "drill/drill.h"
#include "view/view.h"

#include <stdlib.h>

struct crowd {
    struct conf_region regions[2];
    struct conf_az azs[2];
    struct conf_check check;
    struct conf_endpoint endpoints[2];
    struct conf_use check_at;
    struct conf_topology topology;
    struct view_name names[2];
    struct view view;
    struct arena *arena;
};

static int set_up(void **state)
{
    struct crowd *crowd = memory_alloc(sizeof *crowd);
    static const char *const regions[] = {"us", "eu"}, *const azs[] = {"us-1", "eu-1"},
                             *const endpoints[] = {"a", "e"};
    crowd->check =
        (struct conf_check){.name = "tcp", .interval_ms = 1000, .timeout_ms = 500, .fall = 2, .rise = 2};
    crowd->check_at.families = 3;
    for (uint32_t i = 0; i < 2; i++) {
        crowd->regions[i] = (struct conf_region){.name = regions[i], .lost_at = 1};
        crowd->azs[i] = (struct conf_az){.name = azs[i], .region = i, .lost_at = 1};
        crowd->endpoints[i] = (struct conf_endpoint){.name = endpoints[i],
                                                     .az = i,
                                                     .region = i,
                                                     .v4 = {ADDR_V4, {192, 0, 2, (uint8_t)i}},
                                                     .uses = &crowd->check_at,
                                                     .check_count = 1};
    }
    crowd->topology = (struct conf_topology){.regions = crowd->regions,
                                             .region_count = 2,
                                             .azs = crowd->azs,
                                             .az_count = 2,
                                             .endpoints = crowd->endpoints,
                                             .endpoint_count = 2,
                                             .checks = &crowd->check,
                                             .check_count = 1};
    crowd->arena = arena_new(0);
    crowd->view.topology = &crowd->topology;
    crowd->view.steer = steer_set_new();
    crowd->view.names = crowd->names;
    *state = crowd;
    return 0;
}

static int tear_down(void **state)
{
    struct crowd *crowd = *state;
    steer_set_free(crowd->view.steer);
    arena_free(crowd->arena);
    free(crowd);
    return 0;
}

/* A name of a sticky policy with one tier of so many members. */
static void add_name(struct crowd *crowd, const char *owner, uint16_t count)
{
    struct steer_member *members = memory_alloc_array(count, sizeof *members);
    uint16_t *list = memory_alloc_array(count, sizeof *list);
    for (uint16_t i = 0; i < count; i++) {
        members[i] = (struct steer_member){.endpoint = i % 2u, .weight = 10, .types = STEER_HAS_A};
        list[i] = i;
    }
    static const struct steer_place places[] = {{.az = 0, .region = 0, .identity = 1000},
                                                {.az = 1, .region = 1, .identity = 1001}};
    const struct steer_tier tier = {.label = "all", .members = list, .count = count};
    const struct steer_class class = {.label = "default", .tiers = &tier, .tier_count = 1};
    const struct steer_policy policy = {.pick = STEER_PICK_STICKY,
                                        .fallback = STEER_FALLBACK_ALL,
                                        .answers = 1,
                                        .member_count = count,
                                        .class_count = 1,
                                        .members = members,
                                        .places = places,
                                        .classes = &class,
                                        .sticky = {.v4_len = 24, .v6_len = 56}};
    uint32_t id = steer_set_add(crowd->view.steer, &policy, NULL, 0);
    crowd->names[crowd->view.name_count++] = (struct view_name){owner, "example.", id, 0, 30, STEER_HAS_A};
    free(list);
    free(members);
}

static void lose_one_region(struct crowd *crowd)
{
    struct drill_loss loss = {HEALTH_REGION, 0};
    struct drill_scenario scenario = {
        .losses = &loss, .loss_count = 1, .failure = HEALTH_OUTCOME_REFUSED, .wall_ms = 10000};
    struct drill_report report = {.name_count = 0};
    assert_int_equal(drill_simulate(&crowd->view, &scenario, crowd->arena, &report), 0);
    assert_int_equal(report.owner_count, crowd->view.name_count);
    assert_int_equal(report.changed_count, crowd->view.name_count);
    for (size_t i = 0; i < report.name_count; i++) {
        const struct drill_name *row = &report.names[i];
        assert_int_equal(row->share_count, 2);
        assert_string_equal(row->shares[1].region, "eu");
        assert_float_equal(row->shares[1].before, 0.5, 0.01);
        assert_float_equal(row->shares[1].after, 1, 1e-9);
    }
}

static void a_thousand_sticky_members(void **state)
{
    add_name(*state, "www.example.", 1000);
    lose_one_region(*state);
}

/* The price grows with the square: ThreadSanitizer, which has nothing to judge on one thread, is spared
 * minutes. */
#if defined(SANITIZER_THREAD)
enum { MANY = 4000 };
#else
enum { MANY = STEER_MEMBERS_MAX };
#endif

static void as_many_sticky_members_as_there_may_be(void **state)
{
    add_name(*state, "www.example.", MANY);
    lose_one_region(*state);
}

static void the_room_of_the_largest_serves_all(void **state)
{
    add_name(*state, "large.example.", 1000);
    add_name(*state, "small.example.", 10);
    lose_one_region(*state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_thousand_sticky_members),
        TEST(as_many_sticky_members_as_there_may_be),
        TEST(the_room_of_the_largest_serves_all),
    };
    return cmocka_run_group_tests_name("drill crowd", tests, NULL, NULL);
}
