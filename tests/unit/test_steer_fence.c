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
    assert_int_equal(w->trace.exit, STEER_EXIT_SENT);
    exits.regions[0] = 0;
    exits.all.count = 0;
    expect_shares(w, 0, 1, 0, 0);
    assert_int_equal(w->trace.exit, STEER_EXIT_NOWHERE);
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
    assert_int_equal(w->trace.exit, STEER_EXIT_ELSEWHERE);
    drain(w, &exits, 0, 17, 0); /* no such region */
    expect_shares(w, 0, 1, 0, 0);
    world_free(w);
}

/* What has moved goes by policy then, and what has not stays: nobody comes back. */
static void in_steps_they_go_elsewhere_then(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct exits exits;
    open_exits(w, &exits);
    drain(w, &exits, 0, 3, 40);
    lose(w, 3, EACH);
    expect_shares(w, 0.4, 0.6, 0, 0);
    assert_int_equal(w->trace.exit, STEER_EXIT_ELSEWHERE);
    w->tiers[1].spill_below.share = 1; /* half of it is there: the rest goes on */
    lose(w, 1, EACH / 2);
    expect_shares(w, 0.4, 0.3, 0.3, 0);
    lose(w, 2, EACH);
    expect_shares(w, 0.4, 0.6, 0, 0);
    lose(w, 1, EACH); /* nobody else */
    expect_shares(w, 1, 0, 0, 0);
    assert_int_equal(w->trace.exit, STEER_EXIT_NOWHERE);
    world_free(w);
}

/* The destination has not enough for all by its tier's rules: that is no reason to come back. */
static void a_small_destination_takes_them(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct exits exits;
    open_exits(w, &exits);
    w->tiers[2].spill_below.share = 1;
    lose(w, 2, EACH / 2);
    drain(w, &exits, 0, 2, 20);
    expect_shares(w, 0.2, 0, 0.8, 0);
    world_free(w);
}

/* What is moved off has two tiers, of which the second one takes nothing of the first. */
static void a_source_of_several_tiers_moves(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct exits exits;
    open_exits(w, &exits);
    drain(w, &exits, 1, 3, 40);
    drain(w, &exits, 0, 3, 40);
    exits.all.count = 2;
    expect_shares(w, 0.4, 0, 0, 0.6);
    lose(w, 3, EACH);
    expect_shares(w, 0.4, 0, 0.6, 0);
    w->tiers[0].spill_below.share = 1;
    lose(w, 0, EACH / 2);
    drain(w, &exits, 0, 3, 40);
    expect_shares(w, 0.2, 0, 0.8, 0); /* who is lost there moves in any case */
    world_free(w);
}

/* The first tier of what is moved off is lost, so answers are in its second one: so many percent of them
 * move. */
static void a_lost_tier_has_nothing_to_move(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct exits exits;
    open_exits(w, &exits);
    lose(w, 0, EACH);
    drain(w, &exits, 0, 3, 80);
    drain(w, &exits, 1, 3, 80);
    exits.all.count = 2;
    expect_shares(w, 0, 0.8, 0, 0.2);
    lose(w, 3, EACH);
    expect_shares(w, 0, 0.8, 0.2, 0);
    lose(w, 0, 0);
    expect_shares(w, 0.8, 0, 0.2, 0);
    world_free(w);
}

/* Others had a half: they keep it, and of the rest so much moves as is said. */
static void who_had_a_part_keeps_it(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct exits exits;
    open_exits(w, &exits);
    w->tiers[0].spill_below.share = 1;
    lose(w, 0, EACH / 2);
    drain(w, &exits, 1, 3, 60);
    expect_shares(w, 0.5, 0.3, 0.2, 0);
    assert_int_equal(w->trace.exit, STEER_EXIT_SHARED);
    drain(w, &exits, 1, 3, 0);
    expect_shares(w, 0.5, 0, 0.5, 0);
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

/* ---- at random ---- */

static double find_share(const struct world *w, size_t tier)
{
    double share = 0;
    for (size_t i = 0; w->choice.source == STEER_FROM_TIER && i < w->choice.part_count; i++) {
        share += w->choice.parts[i].tier == tier ? w->choice.parts[i].share : 0;
    }
    return share;
}

/* Others die and come back, the source is sent elsewhere, steps go on: as long as anybody else serves so much
 * has left it as was said, and all of that is at the destination if that serves. */
static void what_is_said_is_what_is_seen(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct random random;
        struct exits exits;
        struct world *w = world_new();
        bool serves[TIERS] = {true, true, true, true};
        unsigned moved = 0;
        size_t to = 1;
        random_init(&random, seed);
        open_exits(w, &exits);
        for (size_t t = 1; t < TIERS; t++) {
            w->tiers[t].spill_below.share = random_below(&random, 2) == 0 ? 0 : 1;
        }
        for (int event = 0; event < 40; event++) {
            size_t tier = 1 + random_below(&random, TIERS - 1), lost = random_below(&random, EACH + 1);
            switch (random_below(&random, 3)) {
            case 0: moved += moved < 100 ? 1 + (unsigned)random_below(&random, 100 - moved) : 0; break;
            case 1: to = tier; break;
            default: lose(w, tier, lost); serves[tier] = lost < EACH;
            }
            if (moved == 0) {
                continue;
            }
            drain(w, &exits, 0, to, 100 - moved);
            steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, NULL);
            bool any = serves[1] || serves[2] || serves[3];
            double left = !any && moved < 100 ? 1 : (100 - moved) / 100.0;
            bool is_right =
                is_near(find_share(w, 0), left) && (!serves[to] || is_near(find_share(w, to), moved / 100.0));
            if (!is_right) {
                fail_msg("seed %d, event %d: %u %% moved to %zu, but the source has %.6f and it %.6f",
                         (int)seed, event, moved, to, find_share(w, 0), find_share(w, to));
            }
        }
        world_free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_go_where_they_are_sent),
        cmocka_unit_test(in_steps_they_go_there_too),
        cmocka_unit_test(one_that_does_not_serve_takes_none),
        cmocka_unit_test(in_steps_they_go_elsewhere_then),
        cmocka_unit_test(a_small_destination_takes_them),
        cmocka_unit_test(a_source_of_several_tiers_moves),
        cmocka_unit_test(a_lost_tier_has_nothing_to_move),
        cmocka_unit_test(who_had_a_part_keeps_it),
        cmocka_unit_test(what_had_been_lost_is_sent),
        cmocka_unit_test(who_was_elsewhere_stays),
        cmocka_unit_test(a_tier_of_several_places_is_left_alone),
        cmocka_unit_test(an_az_is_a_destination),
        cmocka_unit_test(what_is_said_is_what_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
