/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of shares between tiers: min_healthy, spilling to the next tier or by capacity, trickles, and that
 * draws follow the shares. */
#include "config.h"

#include "steer_world.h"

#include "base/memory.h"
#include "steer/draw.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 200000 };

/* ---- thresholds ---- */

static void too_few_pass_the_tier_over(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->tiers[0].min_healthy.share = 0.5;
    expect_shares(w, 1, 0, 0, 0);
    lose(w, 0, 2);
    expect_shares(w, 1, 0, 0, 0);
    lose(w, 0, 3);
    expect_shares(w, 0, 1, 0, 0);
    assert_true(w->traced[0].considered && !w->traced[0].qualifies && w->traced[0].healthy == 0.25);
    assert_int_equal(w->traced[0].serving, 1);
    w->tiers[0].min_healthy = (struct steer_need){.count = 3};
    lose(w, 0, 1);
    expect_shares(w, 1, 0, 0, 0);
    lose(w, 0, 2);
    expect_shares(w, 0, 1, 0, 0);
    w->tiers[0].min_healthy = (struct steer_need){.share = 1};
    lose(w, 0, 0);
    expect_shares(w, 1, 0, 0, 0);
    lose(w, 0, 1);
    expect_shares(w, 0, 1, 0, 0);
    world_free(w);
}

static void below_every_minimum_is_the_fallback(void **state)
{
    (void)state;
    struct world *w = world_new();
    for (size_t t = 0; t < TIERS; t++) {
        w->tiers[t].min_healthy.share = 0.75;
        lose(w, t, 2);
    }
    expect_shares(w, 0, 0, 0, 0);
    assert_int_equal(w->choice.source, STEER_FROM_NODATA);
    assert_int_equal(w->choice.count, 0);
    w->policy.fallback = STEER_FALLBACK_ALL;
    expect_shares(w, 0, 0, 0, 0);
    assert_int_equal(w->choice.source, STEER_FROM_ALL);
    assert_int_equal(w->choice.count, MEMBERS);
    world_free(w);
}

static void written_thirds_are_thirds(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->tiers[0].count = 3;
    w->tiers[0].min_healthy.share = 0.6667;
    lose(w, 0, 1);
    expect_shares(w, 1, 0, 0, 0);
    world_free(w);
}

/* ---- spilling ---- */

static void the_missing_share_goes_on(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->tiers[0].spill_below.share = 1;
    expect_shares(w, 1, 0, 0, 0);
    lose(w, 0, 1);
    expect_shares(w, 0.75, 0.25, 0, 0);
    w->tiers[0].spill_below.share = 0.8;
    expect_shares(w, 0.9375, 0.0625, 0, 0);
    w->tiers[1].spill_below.share = 1;
    lose(w, 0, 3);
    lose(w, 1, 2);
    expect_shares(w, 0.3125, 0.5, 0.1875, 0);
    w->tiers[0].min_healthy.share = 0.5; /* and below that the tier is passed over */
    expect_shares(w, 0, 0.5, 0.5, 0);
    w->tiers[0] =
        (struct steer_tier){.label = "a", .members = w->indices, .count = EACH, .spill_below = {.count = 3}};
    expect_shares(w, 1.0 / 3, 0.5, 1 - 1.0 / 3 - 0.5, 0);
    world_free(w);
}

static void what_nobody_can_take_is_shared_as_it_is(void **state)
{
    (void)state;
    struct world *w = world_new();
    for (size_t t = 0; t < TIERS; t++) {
        w->tiers[t].spill_below.share = 1;
        lose(w, t, 4);
    }
    lose(w, 0, 2);
    lose(w, 2, 3);
    expect_shares(w, 2.0 / 3, 0, 1.0 / 3, 0);
    lose(w, 2, 4);
    expect_shares(w, 1, 0, 0, 0);
    world_free(w);
}

static void capacity_is_the_measure_where_it_is_known(void **state)
{
    (void)state;
    struct world *w = world_new();
    for (size_t i = 0; i < EACH; i++) {
        w->places[i].capacity = i == 0 ? 700 : 100;
    }
    w->tiers[0].by_capacity = true;
    w->tiers[0].min_healthy.share = 0.25;
    w->tiers[0].spill_below.share = 1;
    lose(w, 0, 1); /* the large one */
    expect_shares(w, 0.3, 0.7, 0, 0);
    assert_true(is_near(w->traced[0].healthy, 0.3));
    w->endpoints[1] = HEALTH_OBSERVED_UNHEALTHY;
    expect_shares(w, 0, 1, 0, 0);
    w->tiers[0].min_healthy = (struct steer_need){.count = 2}; /* numbers stay numbers */
    expect_shares(w, 0.2, 0.8, 0, 0);
    world_free(w);
}

static void a_lost_region_is_spread_by_capacity(void **state)
{
    (void)state;
    struct world *w = world_new();
    static const uint32_t capacities[TIERS] = {100, 400, 200, 200};
    for (size_t i = 0; i < MEMBERS; i++) {
        w->places[i].capacity = capacities[i / EACH];
    }
    for (size_t t = 0; t < TIERS; t++) {
        w->tiers[t].by_capacity = true;
    }
    w->class.spread = true;
    expect_shares(w, 1, 0, 0, 0);
    w->regions[0] = HEALTH_OBSERVED_UNHEALTHY;
    expect_shares(w, 0, 0.5, 0.25, 0.25);
    lose(w, 1, 2); /* the first neighbour has half of its capacity left */
    expect_shares(w, 0, 1.0 / 3, 1.0 / 3, 1.0 / 3);
    w->regions[0] = HEALTH_OBSERVED_HEALTHY;
    w->tiers[0].spill_below.share = 1;
    lose(w, 0, 1);
    expect_shares(w, 0.75, 0.25 / 3, 0.25 / 3, 0.25 / 3);
    for (size_t t = 1; t < TIERS; t++) {
        w->regions[t] = HEALTH_OBSERVED_UNHEALTHY;
    }
    expect_shares(w, 1, 0, 0, 0); /* there is nobody else */
    world_free(w);
}

static void a_trickle_shows_that_the_standby_works(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->tiers[1].trickle = 0.01;
    expect_shares(w, 0.99, 0.01, 0, 0);
    w->tiers[3].trickle = 0.04;
    expect_shares(w, 0.95, 0.01, 0, 0.04);
    lose(w, 1, 4);
    expect_shares(w, 0.96, 0, 0, 0.04);
    lose(w, 0, 4);
    expect_shares(w, 0, 0, 0.96, 0.04);
    lose(w, 2, 4);
    expect_shares(w, 0, 0, 0, 1);
    lose(w, 0, 2);
    lose(w, 1, 0);
    w->tiers[0].spill_below.share = 1; /* spilled more than the trickle: that is proof enough */
    expect_shares(w, 0.5 * 0.96, 0.5 * 0.96, 0, 0.04);
    w->tiers[3].min_healthy.count = 4;
    lose(w, 3, 1); /* does not qualify, gets no trickle */
    expect_shares(w, 0.5, 0.5, 0, 0);
    lose(w, 3, 0);
    lose(w, 0, 3);
    w->tiers[0].trickle =
        0.245; /* has 0.25, and gives too much of it to the other one, which trickles, too */
    expect_shares(w, 0.245, 0.715, 0, 0.04);
    assert_true(w->choice.parts[0].trickles && !w->choice.parts[1].trickles && w->choice.parts[2].trickles);
    world_free(w);
}

static void standbys_stand_in_within_their_tier(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->members[3].weight = 0;
    w->tiers[0].spill_below.share = 1;
    expect_shares(w, 1, 0, 0, 0);
    assert_int_equal(w->traced[0].members, 3);
    lose(w, 0, 1);
    expect_shares(w, 2.0 / 3, 1.0 / 3, 0, 0);
    lose(w, 0, 3);
    expect_shares(w, 1.0 / 3, 2.0 / 3, 0, 0);
    assert_int_equal(w->traced[0].serving, 1);
    world_free(w);
}

/* Members 0 and 1 without a share, 2 and 3 with one of their own each. */
static void a_failing_group_leaves_its_share_to_those_without_one(void **state)
{
    (void)state;
    struct world *w = world_new();
    const struct steer_group groups[] = {
        {.count = 2}, {.count = 1, .share = 0.1}, {.count = 1, .share = 0.2}};
    w->tiers[0].groups = groups;
    w->tiers[0].group_count = 3;
    free(w->memory);
    struct steer_room room = steer_find_room(&w->policy, 0);
    w->memory = memory_alloc_array(steer_room_size(room), 1);
    steer_choice_init(&w->choice, room, w->memory);
    const struct steer_part *parts = w->choice.parts;
    expect_shares(w, 1, 0, 0, 0);
    assert_true(is_near(parts[0].share, 0.7) && is_near(parts[1].share, 0.1) && is_near(parts[2].share, 0.2));
    w->endpoints[2] = HEALTH_OBSERVED_UNHEALTHY;
    expect_shares(w, 1, 0, 0, 0);
    assert_int_equal(w->choice.part_count, 2);
    assert_true(is_near(parts[0].share, 0.8) && is_near(parts[1].share, 0.2));
    w->endpoints[2] = HEALTH_OBSERVED_HEALTHY;
    lose(w, 0, 2); /* nobody else is left: as 1 to 2 */
    expect_shares(w, 1, 0, 0, 0);
    assert_int_equal(w->choice.part_count, 2);
    assert_true(is_near(parts[0].share, 1.0 / 3) && is_near(parts[1].share, 2.0 / 3));
    world_free(w);
}

/* ---- types ---- */

static void a_tier_without_the_type_leaves_it_to_the_others(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->tiers[0].spill_below.share = 1;
    lose(w, 0, 2);
    for (size_t i = 0; i < EACH; i++) {
        w->members[EACH + i].types = STEER_HAS_AAAA;
    }
    expect_shares(w, 1, 0, 0, 0);
    assert_int_equal(w->choice.part_count, 1);
    for (size_t i = 0; i < EACH; i++) {
        w->members[i].types = STEER_HAS_AAAA;
    }
    expect_shares(w, 0, 0, 0, 0); /* none of those that serve has an A: no data, not the tier behind */
    assert_int_equal(w->choice.source, STEER_FROM_TIER);
    assert_int_equal(w->choice.count, 0);
    w->members[EACH].types = STEER_HAS_A;
    expect_shares(w, 0, 1, 0, 0);
    assert_int_equal(w->choice.count, 1);
    assert_int_equal(w->choice.members[0], EACH);
    world_free(w);
}

/* ---- drawing ---- */

static void draws_follow_shares_and_weights(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct random random;
    random_init(&random, 5);
    w->tiers[0].spill_below.share = 1;
    w->tiers[2].trickle = 0.05;
    lose(w, 0, 2);
    w->members[2].weight = 30;
    expect_shares(w, 0.475, 0.475, 0.05, 0);
    double odds[MEMBERS], sum = 0;
    unsigned seen[MEMBERS] = {0};
    uint16_t out[STEER_ANSWERS_MAX];
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(steer_pick(&w->policy, &w->choice, &random, out), 1);
        seen[out[0]]++;
    }
    steer_odds(&w->policy, &w->choice, odds);
    assert_true(is_near(odds[0], 0.475 * 0.75) && is_near(odds[1], 0.475 * 0.25) && is_near(odds[9], 0.0125));
    for (size_t i = 0; i < w->choice.count; i++) {
        double expected = odds[i] * ROUNDS, off = seen[w->choice.members[i]] - expected;
        sum += off * off / expected;
    }
    assert_int_equal(w->choice.count, 10);
    assert_true(sum < 44); /* 9 degrees: 1e-6 lies at 45 */
    world_free(w);
}

static void an_answer_comes_from_one_tier(void **state)
{
    (void)state;
    static const enum steer_pick picks[] = {STEER_PICK_WEIGHTED, STEER_PICK_ROUND_ROBIN, STEER_PICK_ALL};
    for (size_t p = 0; p < sizeof picks / sizeof *picks; p++) {
        struct world *w = world_new();
        struct random random;
        random_init(&random, 6);
        w->policy.pick = picks[p];
        w->policy.answers = 2;
        w->tiers[0].spill_below.share = 1;
        lose(w, 0, 1);
        expect_shares(w, 0.75, 0.25, 0, 0);
        unsigned from[TIERS] = {0};
        uint16_t out[STEER_ANSWERS_MAX];
        for (int i = 0; i < 10000; i++) {
            size_t count = steer_pick(&w->policy, &w->choice, &random, out);
            size_t tier = out[0] / EACH;
            assert_int_equal(count, picks[p] != STEER_PICK_ALL ? 2 : tier == 0 ? 3 : 4);
            for (size_t k = 1; k < count; k++) {
                assert_int_equal(out[k] / EACH, tier);
            }
            from[tier]++;
        }
        assert_true(from[0] > 7300 && from[0] < 7700 && from[0] + from[1] == 10000);
        world_free(w);
    }
}

/* ---- standbys ---- */

/* A canary of 5 % and eight others, of which the last four are standbys: all in tier 0. */
static struct world *world_with_canary(struct steer_group groups[2], struct steer_tier *tier)
{
    struct world *w = world_new();
    groups[0] = (struct steer_group){.count = 8};
    groups[1] = (struct steer_group){.count = 1, .share = 0.05};
    *tier = (struct steer_tier){
        .label = "a", .members = w->indices, .count = 9, .groups = groups, .group_count = 2};
    for (size_t i = 4; i < 8; i++) {
        w->members[i].weight = 0;
    }
    w->tiers[0] = *tier;
    w->tiers[1] = w->tiers[3];
    w->class.tier_count = 2;
    free(w->memory);
    struct steer_room room = steer_find_room(&w->policy, 0);
    w->memory = memory_alloc_array(steer_room_size(room), 1);
    steer_choice_init(&w->choice, room, w->memory);
    return w;
}

static void standbys_that_stand_in_count(void **state)
{
    (void)state;
    struct steer_group groups[2];
    struct steer_tier tier;
    struct world *w = world_with_canary(groups, &tier);
    w->tiers[0].spill_below.share = 1;
    w->tiers[0].min_healthy.share = 0.5;
    lose(w, 0, 4); /* those with a weight: standbys stand in */
    expect_shares(w, 1, 0, 0, 0);
    assert_int_equal(w->traced[0].members, 5);
    assert_int_equal(w->traced[0].serving, 5);
    assert_true(is_near(w->traced[0].healthy, 1));
    assert_int_equal(w->choice.part_count, 2);
    assert_true(is_near(w->choice.parts[0].share, 0.95));
    assert_int_equal(w->choice.members[0], 4);
    lose(w, 2, 1); /* the canary, too */
    expect_shares(w, 0.8, 0.2, 0, 0);
    assert_int_equal(w->traced[0].serving, 4);
    lose(w, 2, 0);
    lose(w, 1, 2); /* two standbys for four */
    expect_shares(w, 0.6, 0.4, 0, 0);
    lose(w, 1, 4); /* the canary alone */
    expect_shares(w, 0, 1, 0, 0);
    assert_int_equal(w->traced[0].serving, 1);
    assert_true(is_near(w->traced[0].healthy, 0.2));
    world_free(w);
}

/* Eight standbys for four, and no canary: they cannot make up for it. */
static void standbys_stand_in_for_their_group(void **state)
{
    (void)state;
    struct steer_group groups[2];
    struct steer_tier tier;
    struct world *w = world_with_canary(groups, &tier);
    w->tiers[0].spill_below.share = 1;
    w->members[2].weight = w->members[3].weight = 0;
    lose(w, 0, 2);
    expect_shares(w, 1, 0, 0, 0);
    assert_int_equal(w->traced[0].members, 3);
    lose(w, 2, 1);
    expect_shares(w, 2.0 / 3, 1.0 / 3, 0, 0);
    assert_int_equal(w->traced[0].serving, 6);
    world_free(w);
}

/* ---- pools ---- */

static void a_pool_serves_where_no_tier_does(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct steer_tier pool = w->tiers[3];
    w->class.tier_count = 2;
    w->class.pool = &pool;
    w->class.has_fallback = true;
    w->class.fallback = STEER_FALLBACK_SERVFAIL;
    expect_shares(w, 1, 0, 0, 0);
    for (size_t t = 0; t < 2; t++) {
        lose(w, t, 4);
    }
    lose(w, 3, 1);
    steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, &w->trace);
    assert_int_equal(w->choice.source, STEER_FROM_POOL);
    assert_string_equal(steer_source_text(w->choice.source), "pool");
    assert_int_equal(w->choice.count, 3);
    assert_int_equal(w->choice.members[0], 13);
    lose(w, 3, 4);
    steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, NULL);
    assert_int_equal(w->choice.source, STEER_FROM_SERVFAIL); /* of the class, not of the policy */
    assert_int_equal(w->choice.count, 0);
    w->class.fallback = STEER_FALLBACK_ALL;
    steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, NULL);
    assert_int_equal(w->choice.source, STEER_FROM_ALL);
    assert_int_equal(w->choice.count, 8); /* the tiers, not the pool */
    world_free(w);
}

/* ---- TTL ---- */

static uint32_t ttl_of(struct world *w)
{
    steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, NULL);
    return w->choice.ttl;
}

static void whatever_fails_shortens_the_ttl(void **state)
{
    (void)state;
    struct world *w = world_new();
    lose(w, 3, 1);
    assert_int_equal(ttl_of(w), STEER_TTL_FREE); /* not asked for */
    w->policy.has_ttl_failing = true;
    w->policy.ttl_failing = 0; /* a TTL like any other */
    assert_int_equal(ttl_of(w), 0);
    w->policy.ttl_failing = 7;
    assert_int_equal(ttl_of(w), 7); /* in a tier that is not needed */
    lose(w, 3, 0);
    assert_int_equal(ttl_of(w), STEER_TTL_FREE);
    w->endpoints[1] = HEALTH_OBSERVED_HEALTHY | HEALTH_WORD_WAVERS;
    assert_int_equal(ttl_of(w), 7);
    steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, &w->trace);
    assert_int_equal(w->trace.failing, 1);
    assert_int_equal(w->choice.count, EACH); /* it serves as before */
    w->azs[0] = (uint32_t)HEALTH_DESIRED_UP
                << HEALTH_WORD_DESIRED_SHIFT; /* what checks say does not matter */
    assert_int_equal(ttl_of(w), STEER_TTL_FREE);
    w->azs[0] = (uint32_t)HEALTH_DESIRED_DRAIN << HEALTH_WORD_DESIRED_SHIFT;
    assert_int_equal(ttl_of(w), 7);
    w->azs[0] = 0;
    w->endpoints[1] = HEALTH_OBSERVED_UNKNOWN;
    assert_int_equal(ttl_of(w), STEER_TTL_FREE);
    world_free(w);
}

/* A plan is as good a reason, unless something narrower is in force; where it is for is told apart. */
static void what_is_planned_shortens_the_ttl(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->azs[1] = HEALTH_WORD_PLANNED; /* of the second tier, which is not needed */
    assert_int_equal(ttl_of(w), STEER_TTL_FREE);
    w->policy.has_ttl_failing = true;
    w->policy.ttl_failing = 7;
    assert_int_equal(ttl_of(w), 7);
    steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, &w->trace);
    assert_int_equal(w->trace.failing, -1);
    assert_int_equal(steer_get_place(&w->policy, (size_t)w->trace.planned)->az, 1);
    assert_int_equal(w->choice.count, EACH); /* answers are as before */
    w->azs[1] |= (uint32_t)HEALTH_DESIRED_UP << HEALTH_WORD_DESIRED_SHIFT;
    assert_int_equal(ttl_of(w), STEER_TTL_FREE);
    w->azs[1] = 0;
    w->endpoints[0] = HEALTH_OBSERVED_HEALTHY | HEALTH_WORD_PLANNED;
    assert_int_equal(ttl_of(w), 7);
    lose(w, 3, 1);
    steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, &w->trace);
    assert_true(w->trace.failing > 0); /* both are told */
    assert_int_equal(w->trace.planned, 0);
    w->policy.has_ttl_failing = false;
    steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, &w->trace);
    assert_int_equal(w->trace.failing, -1);
    assert_int_equal(w->trace.planned, -1);
    world_free(w);
}

/* ---- the short way ---- */

static bool is_simple(struct world *w)
{
    steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, NULL);
    return w->choice.is_simple;
}

/* Only what is one record of a tier with its own TTL: the short way knows nothing else. */
static void one_record_of_one_tier_is_simple(void **state)
{
    (void)state;
    struct world *w = world_new();
    assert_true(is_simple(w));
    w->policy.answers = 2;
    assert_false(is_simple(w));
    assert_false(w->choice.is_single);
    w->policy.answers = 1;
    w->policy.pick = STEER_PICK_ROUND_ROBIN;
    assert_false(is_simple(w));
    lose(w, 0, EACH - 1);
    assert_true(is_simple(w)); /* one member is left, however it is picked */
    assert_int_equal(w->choice.count, 1);
    w->policy.has_ttl_failing = true;
    w->policy.ttl_failing = 7;
    assert_false(is_simple(w));
    assert_true(w->choice.is_single);
    w->policy.has_ttl_failing = false;
    w->tiers[0].spill_below.share = 1; /* two parts */
    assert_false(is_simple(w));
    assert_false(w->choice.is_single); /* round robin */
    w->policy.pick = STEER_PICK_WEIGHTED;
    assert_false(is_simple(w));
    assert_true(w->choice.is_single);
    for (uint16_t tier = 0; tier < TIERS; tier++) {
        lose(w, tier, EACH);
    }
    w->policy.fallback = STEER_FALLBACK_ALL;
    assert_false(is_simple(w)); /* a fallback is counted as one */
    assert_true(w->choice.is_single);
    assert_int_equal(w->choice.source, STEER_FROM_ALL);
    w->policy.fallback = STEER_FALLBACK_NODATA;
    assert_false(is_simple(w));
    assert_false(w->choice.is_single);
    world_free(w);
}

/* ---- keeping ---- */

static void choices_are_copied_and_compared(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct steer_room room = steer_find_room(&w->policy, 0);
    void *memory = memory_alloc_array(steer_room_size(room), 1);
    struct steer_choice copy;
    steer_choice_init(&copy, room, memory);
    w->tiers[0].spill_below.share = 1;
    lose(w, 0, 1);
    expect_shares(w, 0.75, 0.25, 0, 0);
    steer_choice_copy(&copy, &w->choice);
    assert_true(steer_choice_equal(&copy, &w->choice));
    assert_ptr_not_equal(copy.members, w->choice.members);
    w->tiers[0].spill_below.share = 0.9; /* the same members, other shares */
    steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, NULL);
    assert_false(steer_choice_equal(&copy, &w->choice));
    free(memory);
    world_free(w);
}

/* Members of one weight are drawn without looking for them; the same ones as by their weights. */
static void one_weight_draws_the_same(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct random straight, by_weight;
    assert_true(is_simple(w));
    assert_true(w->choice.is_even);
    random_init(&straight, 1), random_init(&by_weight, 1);
    for (int i = 0; i < 1000; i++) {
        uint16_t member = steer_draw_simple(&w->choice, &straight);
        w->choice.is_even = false;
        assert_int_equal(steer_draw_simple(&w->choice, &by_weight), member);
        w->choice.is_even = true;
    }
    w->members[w->choice.members[0]].weight++;
    assert_true(is_simple(w));
    assert_false(w->choice.is_even);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_few_pass_the_tier_over),
        cmocka_unit_test(below_every_minimum_is_the_fallback),
        cmocka_unit_test(written_thirds_are_thirds),
        cmocka_unit_test(the_missing_share_goes_on),
        cmocka_unit_test(what_nobody_can_take_is_shared_as_it_is),
        cmocka_unit_test(capacity_is_the_measure_where_it_is_known),
        cmocka_unit_test(a_lost_region_is_spread_by_capacity),
        cmocka_unit_test(a_trickle_shows_that_the_standby_works),
        cmocka_unit_test(standbys_stand_in_within_their_tier),
        cmocka_unit_test(a_failing_group_leaves_its_share_to_those_without_one),
        cmocka_unit_test(a_tier_without_the_type_leaves_it_to_the_others),
        cmocka_unit_test(draws_follow_shares_and_weights),
        cmocka_unit_test(an_answer_comes_from_one_tier),
        cmocka_unit_test(standbys_that_stand_in_count),
        cmocka_unit_test(standbys_stand_in_for_their_group),
        cmocka_unit_test(a_pool_serves_where_no_tier_does),
        cmocka_unit_test(one_record_of_one_tier_is_simple),
        cmocka_unit_test(one_weight_draws_the_same),
        cmocka_unit_test(whatever_fails_shortens_the_ttl),
        cmocka_unit_test(what_is_planned_shortens_the_ttl),
        cmocka_unit_test(choices_are_copied_and_compared),
    };
    return cmocka_run_group_tests_name("steer_tiers", tests, NULL, NULL);
}
