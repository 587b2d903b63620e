/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where what is moved off is sent: answers that came from there alone go to the destination of the override
 * before anybody else, and as policies have it where that does not serve. */
#include "config.h"

#include "steer_world.h"

struct exits {
    struct health_marks all;
    _Atomic uint32_t endpoints[MEMBERS], azs[MEMBERS / 2], regions[TIERS];
};

static void open_exits(struct world *w, struct exits *exits)
{
    *exits =
        (struct exits){.all = {.endpoints = exits->endpoints, .azs = exits->azs, .regions = exits->regions}};
    w->table.exits = &exits->all;
}

/* Drained in part (percent that go on being served) or in whole, and sent to a region. */
static void drain(struct world *w, struct exits *exits, size_t region, size_t to, unsigned left)
{
    w->regions[region] = left == 0 ? (uint32_t)HEALTH_DESIRED_DRAIN << HEALTH_WORD_DESIRED_SHIFT
                                   : (100 - left) << HEALTH_WORD_RAMP_SHIFT | HEALTH_WORD_RAMPING;
    exits->regions[region] = health_exit_make(HEALTH_REGION, (uint32_t)to);
    exits->all.count = 1;
}

static void they_go_where_they_are_sent(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct exits exits;
    open_exits(w, &exits);
    drain(w, &exits, 0, 2, 0);
    expect_shares(w, 0, 0, 1, 0);
    assert_true(w->trace.is_sent);
    exits.regions[0] = 0;
    exits.all.count = 0;
    expect_shares(w, 0, 1, 0, 0);
    assert_false(w->trace.is_sent);
    world_free(w);
}

static void in_steps_they_go_there_too(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct exits exits;
    open_exits(w, &exits);
    drain(w, &exits, 0, 3, 75);
    expect_shares(w, 0.75, 0, 0, 0.25);
    world_free(w);
}

static void one_that_does_not_serve_takes_none(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct exits exits;
    open_exits(w, &exits);
    drain(w, &exits, 0, 2, 0);
    lose(w, 2, EACH);
    expect_shares(w, 0, 1, 0, 0);
    assert_false(w->trace.is_sent);
    drain(w, &exits, 0, 17, 0); /* no such region */
    expect_shares(w, 0, 1, 0, 0);
    world_free(w);
}

/* Who does not serve where it is drained did before: it is sent, too. */
static void what_had_been_lost_is_sent(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct exits exits;
    open_exits(w, &exits);
    lose(w, 0, EACH);
    drain(w, &exits, 0, 3, 0);
    expect_shares(w, 0, 0, 0, 1);
    world_free(w);
}

static void who_was_elsewhere_stays(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct exits exits;
    open_exits(w, &exits);
    drain(w, &exits, 1, 3, 0); /* answers are in tier 0 */
    expect_shares(w, 1, 0, 0, 0);
    drain(w, &exits, 0, 3, 0); /* and of both they go to the same place */
    exits.all.count = 2;
    expect_shares(w, 0, 0, 0, 1);
    world_free(w);
}

/* Half of the tier is another az: that takes the rest, as policies have it, since its own part may not move.
 */
static void a_tier_of_several_places_is_left_alone(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct exits exits;
    open_exits(w, &exits);
    w->azs[0] = (uint32_t)HEALTH_DESIRED_DRAIN << HEALTH_WORD_DESIRED_SHIFT;
    exits.azs[0] = health_exit_make(HEALTH_REGION, 2);
    exits.all.count = 1;
    expect_shares(w, 1, 0, 0, 0);
    assert_int_equal(w->choice.count, EACH / 2);
    exits.azs[0] = health_exit_make(HEALTH_AZ, 1); /* which is what it would be anyway */
    expect_shares(w, 1, 0, 0, 0);
    assert_int_equal(w->choice.members[0], 2);
    world_free(w);
}

static void an_az_is_a_destination(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct exits exits;
    open_exits(w, &exits);
    drain(w, &exits, 0, 0, 0);
    exits.regions[0] = health_exit_make(HEALTH_AZ, 5); /* the second one of region 2 */
    expect_shares(w, 0, 0, 1, 0);
    assert_int_equal(w->choice.count, EACH / 2);
    assert_int_equal(w->choice.members[0], 10);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_go_where_they_are_sent),
        cmocka_unit_test(in_steps_they_go_there_too),
        cmocka_unit_test(one_that_does_not_serve_takes_none),
        cmocka_unit_test(what_had_been_lost_is_sent),
        cmocka_unit_test(who_was_elsewhere_stays),
        cmocka_unit_test(a_tier_of_several_places_is_left_alone),
        cmocka_unit_test(an_az_is_a_destination),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
