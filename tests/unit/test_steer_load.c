/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of load in choices: weights shrink by what is shed and draws follow, who sheds everything is left out
 * unless all do, load moves answers between tiers only where spill_below says so, clients of sticky policies
 * move by as much as is shed, and load never takes away what health has left. */
#include "config.h"

#include "unit.h"

#include "steer/steer.h"

#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

enum { TIERS = 3, EACH = 4, MEMBERS = TIERS * EACH, DRAWS = 200000, ALL = HEALTH_SHED_ALL };

struct world {
    _Atomic uint32_t endpoints[MEMBERS], azs[MEMBERS], regions[TIERS];
    struct health_outage endpoints_outage[MEMBERS][HEALTH_VIEWS], azs_outage[MEMBERS], regions_outage[TIERS];
    struct health_table table;
    struct steer_member members[MEMBERS];
    struct steer_place places[MEMBERS];
    uint16_t indices[MEMBERS];
    struct steer_group groups[2];
    struct steer_tier tiers[TIERS];
    struct steer_class class;
    struct steer_policy plan;
    struct steer_set *set;
    const struct steer_policy *policy;
    struct steer_choice choice;
    void *memory;
};

static struct world *world_new(enum steer_pick pick)
{
    struct world *w = memory_alloc(sizeof *w);
    w->table = (struct health_table){.endpoint_count = MEMBERS,
                                     .az_count = MEMBERS,
                                     .region_count = TIERS,
                                     .endpoints = w->endpoints,
                                     .azs = w->azs,
                                     .regions = w->regions,
                                     .endpoints_outage = w->endpoints_outage,
                                     .azs_outage = w->azs_outage,
                                     .regions_outage = w->regions_outage};
    atomic_init(&w->table.generation, 1);
    for (uint16_t i = 0; i < MEMBERS; i++) {
        w->members[i] = (struct steer_member){.endpoint = i, .weight = 10, .types = STEER_HAS_A};
        w->places[i] = (struct steer_place){
            .az = i, .region = i / EACH, .capacity = 100, .identity = 0x9e3779b9u * (i + 1u)};
        w->indices[i] = i;
        w->endpoints[i] = HEALTH_OBSERVED_HEALTHY;
    }
    for (size_t t = 0; t < TIERS; t++) {
        w->tiers[t] = (struct steer_tier){.label = "t", .members = w->indices + t * EACH, .count = EACH};
    }
    w->class = (struct steer_class){.label = "default", .tiers = w->tiers, .tier_count = TIERS};
    w->plan = (struct steer_policy){.pick = pick,
                                    .fallback = STEER_FALLBACK_NODATA,
                                    .answers = 1,
                                    .member_count = MEMBERS,
                                    .class_count = 1,
                                    .members = w->members,
                                    .places = w->places,
                                    .classes = &w->class,
                                    .sticky = {24, 56, 0}};
    return w;
}

static void world_free(struct world *w)
{
    steer_set_free(w->set);
    free(w->memory);
    free(w);
}

/* The plan as it is now becomes the policy. */
static void adopt(struct world *w)
{
    steer_set_free(w->set);
    free(w->memory);
    w->set = steer_set_new();
    w->policy = steer_set_get(w->set, steer_set_add(w->set, &w->plan, NULL, 0));
    struct steer_room room = steer_find_room(w->policy, 0);
    w->memory = memory_alloc_array(steer_room_size(room), 1);
    steer_choice_init(&w->choice, room, w->memory);
}

static void shed(struct world *w, size_t member, unsigned level)
{
    uint32_t word = w->endpoints[member] & ~(uint32_t)HEALTH_WORD_SHED;
    w->endpoints[member] = word | level << HEALTH_WORD_SHED_SHIFT;
}

static void evaluate(struct world *w)
{
    steer_evaluate(w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, NULL);
}

static void fill_odds(struct world *w, double odds[MEMBERS])
{
    double of_choice[MEMBERS];
    evaluate(w);
    memset(odds, 0, MEMBERS * sizeof *odds);
    steer_odds(w->policy, &w->choice, of_choice);
    for (size_t i = 0; i < w->choice.count; i++) {
        odds[w->choice.members[i]] = of_choice[i];
    }
}

static bool is_near(double a, double b)
{
    return a - b < 1e-6 && b - a < 1e-6;
}

static void expect_odds(struct world *w, const double *expected, size_t count)
{
    double odds[MEMBERS];
    fill_odds(w, odds);
    for (size_t i = 0; i < MEMBERS; i++) {
        if (!is_near(odds[i], i < count ? expected[i] : 0)) {
            fail_msg("member %zu has odds %.7f, expected %.7f", i, odds[i], i < count ? expected[i] : 0);
        }
    }
}

/* ---- weights ---- */

static void weights_shrink_linearly(void **state)
{
    (void)state;
    struct world *w = world_new(STEER_PICK_WEIGHTED);
    adopt(w);
    expect_odds(w, (double[]){0.25, 0.25, 0.25, 0.25}, 4);
    for (unsigned level = 0; level <= ALL; level++) {
        double left = 1 - (double)level / ALL, sum = 3 + left;
        shed(w, 0, level);
        expect_odds(w, (double[]){left / sum, 1 / sum, 1 / sum, 1 / sum}, 4);
        assert_int_equal(w->choice.count, level == ALL ? 3 : 4);
    }
    shed(w, 1, 16);
    shed(w, 2, 24);
    expect_odds(w, (double[]){0, 2.0 / 7, 1.0 / 7, 4.0 / 7}, 4);
    world_free(w);
}

/* chi-square with 3 degrees of freedom: 21.1 is passed once in 10,000 times; the seed is fixed. */
static void draws_follow_what_is_left(void **state)
{
    (void)state;
    struct world *w = world_new(STEER_PICK_WEIGHTED);
    struct random random;
    random_init(&random, 11);
    w->members[3].weight = 65535; /* of any size */
    adopt(w);
    shed(w, 0, 8);
    shed(w, 3, 31);
    evaluate(w);
    const double parts[] = {10 * 24, 10 * 32, 10 * 32, 65535};
    double sum = parts[0] + parts[1] + parts[2] + parts[3], chi = 0;
    size_t seen[MEMBERS] = {0};
    for (int i = 0; i < DRAWS; i++) {
        uint16_t out[STEER_ANSWERS_MAX];
        assert_int_equal(steer_pick(w->policy, &w->choice, &random, out), 1);
        seen[out[0]]++;
    }
    for (size_t i = 0; i < EACH; i++) {
        double expected = DRAWS * parts[i] / sum, off = (double)seen[i] - expected;
        chi += off * off / expected;
    }
    assert_int_equal(seen[0] + seen[1] + seen[2] + seen[3], DRAWS);
    assert_true(chi < 21.1);
    world_free(w);
}

/* Where all shed everything, load says nothing; where one does not, it takes all. */
static void all_that_shed_everything_serve_as_ever(void **state)
{
    (void)state;
    static const enum steer_pick picks[] = {STEER_PICK_WEIGHTED, STEER_PICK_ROUND_ROBIN, STEER_PICK_ALL,
                                            STEER_PICK_STICKY};
    for (size_t p = 0; p < sizeof picks / sizeof *picks; p++) {
        struct world *w = world_new(picks[p]), *calm = world_new(picks[p]);
        w->members[0].weight = calm->members[0].weight = 30;
        adopt(w);
        adopt(calm);
        evaluate(calm);
        for (size_t i = 0; i < EACH; i++) {
            shed(w, i, ALL);
            evaluate(w);
            assert_int_equal(w->choice.count, i + 1 == EACH ? EACH : EACH - 1 - i);
            assert_int_equal(w->choice.tier, 0);
        }
        assert_true(steer_choice_equal(&w->choice, &calm->choice));
        for (uint64_t key = 0; picks[p] == STEER_PICK_STICKY && key < 1000; key++) {
            uint16_t one[STEER_ANSWERS_MAX], other[STEER_ANSWERS_MAX];
            uint64_t mixed = key * 0x9e3779b97f4a7c15u;
            assert_int_equal(steer_pick_sticky(w->policy, &w->choice, mixed, one), 1);
            assert_int_equal(steer_pick_sticky(calm->policy, &calm->choice, mixed, other), 1);
            assert_int_equal(one[0], other[0]);
        }
        world_free(w);
        world_free(calm);
    }
}

/* Standbys go on standing by: load is no outage. */
static void standbys_do_not_stand_in_for_load(void **state)
{
    (void)state;
    struct world *w = world_new(STEER_PICK_WEIGHTED);
    w->members[3].weight = 0;
    adopt(w);
    for (size_t i = 0; i < 3; i++) {
        shed(w, i, ALL);
    }
    expect_odds(w, (double[]){1.0 / 3, 1.0 / 3, 1.0 / 3}, 3);
    w->endpoints[0] = w->endpoints[1] = w->endpoints[2] = HEALTH_OBSERVED_UNHEALTHY;
    shed(w, 3, 16);
    expect_odds(w, (double[]){0, 0, 0, 1}, 4);
    world_free(w);
}

/* A canary has its share whatever its load is; what it sheds moves within the group. */
static void groups_keep_their_shares(void **state)
{
    (void)state;
    struct world *w = world_new(STEER_PICK_WEIGHTED);
    w->groups[0] = (struct steer_group){.count = 2};
    w->groups[1] = (struct steer_group){.count = 2, .share = 0.1};
    w->tiers[0].groups = w->groups;
    w->tiers[0].group_count = 2;
    adopt(w);
    shed(w, 2, 16);
    expect_odds(w, (double[]){0.45, 0.45, 0.1 / 3, 0.2 / 3}, 4);
    shed(w, 2, ALL);
    shed(w, 3, ALL);
    expect_odds(w, (double[]){0.45, 0.45, 0.05, 0.05}, 4);
    world_free(w);
}

/* ---- tiers ---- */

static void expect_tiers(struct world *w, double a, double b, double c)
{
    const double expected[TIERS] = {a, b, c};
    double odds[MEMBERS];
    fill_odds(w, odds);
    for (size_t t = 0; t < TIERS; t++) {
        double sum = odds[t * EACH] + odds[t * EACH + 1] + odds[t * EACH + 2] + odds[t * EACH + 3];
        if (!is_near(sum, expected[t])) {
            fail_msg("tier %zu has %.7f, expected %.7f", t, sum, expected[t]);
        }
    }
}

static void shed_tier(struct world *w, size_t tier, unsigned level)
{
    for (size_t i = 0; i < EACH; i++) {
        shed(w, tier * EACH + i, level);
    }
}

static void tiers_spill_what_they_shed(void **state)
{
    (void)state;
    struct world *w = world_new(STEER_PICK_WEIGHTED);
    w->tiers[0].min_healthy.share = 1; /* of health: load does not end a tier */
    adopt(w);
    shed_tier(w, 0, 24);
    expect_tiers(w, 1, 0, 0);
    w->tiers[0].spill_below.share = w->tiers[1].spill_below.share = 1;
    adopt(w);
    expect_tiers(w, 0.25, 0.75, 0);
    shed_tier(w, 1, 16);
    expect_tiers(w, 0.25, 0.5, 0.25);
    shed_tier(w, 1, 0);
    shed_tier(w, 0, 0);
    shed(w, 0, 16);
    expect_tiers(w, 0.875, 0.125, 0);
    w->tiers[0].spill_below.share = 0.5; /* half of it is enough */
    adopt(w);
    expect_tiers(w, 1, 0, 0);
    shed_tier(w, 0, 24);
    expect_tiers(w, 0.5, 0.5, 0);
    w->tiers[0].spill_below = (struct steer_need){.count = 2};
    adopt(w);
    expect_tiers(w, 0.5, 0.5, 0);
    shed_tier(w, 0, ALL);
    expect_tiers(w, 0, 1, 0);
    shed_tier(w, 1, ALL);
    expect_tiers(w, 0, 0, 1);
    world_free(w);
}

static void spreading_follows_what_is_available(void **state)
{
    (void)state;
    struct world *w = world_new(STEER_PICK_WEIGHTED);
    w->class.spread = true;
    for (size_t t = 0; t < TIERS; t++) {
        w->tiers[t].by_capacity = true;
    }
    w->tiers[0].spill_below.share = 1;
    adopt(w);
    for (size_t i = 0; i < EACH; i++) {
        w->endpoints[i] = HEALTH_OBSERVED_UNHEALTHY;
    }
    expect_tiers(w, 0, 0.5, 0.5);
    shed_tier(w, 1, 16); /* half of its capacity is taken */
    expect_tiers(w, 0, 1.0 / 3, 2.0 / 3);
    shed_tier(w, 2, ALL);
    expect_tiers(w, 0, 1, 0);
    world_free(w);
}

/* Where every tier sheds everything load is ignored, so the first one serves; and neither what tiers behind
 * have not nor their trickle counts for more than it is. */
static void tiers_that_all_shed_everything_serve_as_ever(void **state)
{
    (void)state;
    struct world *w = world_new(STEER_PICK_WEIGHTED);
    for (size_t t = 0; t < TIERS; t++) {
        w->tiers[t].spill_below.share = 1;
        shed_tier(w, t, ALL);
    }
    adopt(w);
    expect_tiers(w, 1, 0, 0);
    w->endpoints[0] = HEALTH_OBSERVED_UNHEALTHY; /* what health takes away moves on as ever */
    expect_tiers(w, 0.75, 0.25, 0);
    w->class.spread = true;
    shed_tier(w, 0, 16); /* the others cannot take what it sheds */
    w->endpoints[0] = HEALTH_OBSERVED_UNHEALTHY;
    adopt(w);
    expect_tiers(w, 1, 0, 0);
    w->class.spread = false;
    shed_tier(w, 0, ALL);
    w->tiers[1].trickle = 0.01;
    w->endpoints[0] = HEALTH_OBSERVED_HEALTHY | ALL << HEALTH_WORD_SHED_SHIFT;
    adopt(w);
    expect_tiers(w, 0.99, 0.01, 0);
    world_free(w);
}

/* Members that shed nothing, but have no records of the type, do not keep an answer from those that have. */
static void load_of_those_with_records_is_ignored(void **state)
{
    (void)state;
    struct world *w = world_new(STEER_PICK_WEIGHTED);
    w->tiers[0].spill_below.share = 1;
    for (size_t i = EACH; i < MEMBERS; i++) {
        w->members[i].types = STEER_HAS_AAAA;
    }
    shed_tier(w, 0, ALL);
    adopt(w);
    expect_tiers(w, 1, 0, 0);
    world_free(w);
}

/* ---- sticky ---- */

/* Clients move away from who sheds as its part of all weights shrinks, and nobody else moves. */
static void clients_leave_as_weight_does(void **state)
{
    (void)state;
    enum { CLIENTS = 40000 };
    struct world *w = world_new(STEER_PICK_STICKY);
    adopt(w);
    uint16_t *home = memory_alloc_array(CLIENTS, sizeof *home), out[STEER_ANSWERS_MAX];
    size_t at_home = 0;
    evaluate(w);
    for (uint64_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(steer_pick_sticky(w->policy, &w->choice, i * 0x9e3779b97f4a7c15u, out), 1);
        home[i] = out[0];
        at_home += out[0] == 0;
    }
    size_t left_before = 0;
    for (unsigned level = 0; level <= ALL; level += 8) {
        size_t left = 0;
        shed(w, 0, level);
        evaluate(w);
        for (uint64_t i = 0; i < CLIENTS; i++) {
            assert_int_equal(steer_pick_sticky(w->policy, &w->choice, i * 0x9e3779b97f4a7c15u, out), 1);
            assert_true(out[0] == home[i] || home[i] == 0);
            left += out[0] != home[i];
        }
        double weight = 1 - (double)level / ALL, share = (double)left / (double)at_home,
               wanted = 1 - weight / (3 + weight) * EACH; /* of four members alike */
        assert_true(share > wanted - 0.02 && share < wanted + 0.02);
        assert_true(left >= left_before && (level < ALL || left == at_home));
        left_before = left;
    }
    free(home);
    world_free(w);
}

/* ---- whatever happens ---- */

static void scramble(struct world *w, struct random *random)
{
    static const uint32_t observed[] = {HEALTH_OBSERVED_HEALTHY, HEALTH_OBSERVED_HEALTHY,
                                        HEALTH_OBSERVED_UNHEALTHY, HEALTH_OBSERVED_UNKNOWN};
    for (size_t i = 0; i < MEMBERS; i++) {
        uint32_t desired = random_below(random, 4) == 0 ? (uint32_t)random_below(random, 4) : 0;
        w->endpoints[i] = observed[random_below(random, 4)] | desired << HEALTH_WORD_DESIRED_SHIFT;
        shed(w, i, random_below(random, 3) == 0 ? ALL : (unsigned)random_below(random, ALL + 1));
    }
}

static bool is_in(const struct steer_choice *choice, uint16_t member)
{
    size_t i = 0;
    while (i < choice->count && choice->members[i] != member) {
        i++;
    }
    return i < choice->count;
}

/* Beside the same world without load: where that has an answer, this has one, of members that it could have
 * given, and without spill_below from the same tier. */
static void load_never_takes_the_last_answer(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 17);
    struct world *w = world_new(STEER_PICK_WEIGHTED), *calm = world_new(STEER_PICK_WEIGHTED);
    for (int round = 0; round < 4000; round++) {
        bool spills = random_below(&random, 2) == 0;
        w->plan.fallback = calm->plan.fallback = (enum steer_fallback)random_below(&random, 4);
        w->plan.pick = calm->plan.pick = (enum steer_pick)random_below(&random, 4);
        for (size_t t = 0; t < TIERS; t++) {
            w->tiers[t].min_healthy.share = calm->tiers[t].min_healthy.share =
                (double)random_below(&random, 5) / 4;
            w->tiers[t].spill_below.share = calm->tiers[t].spill_below.share = spills ? 1 : 0;
        }
        adopt(w);
        adopt(calm);
        scramble(w, &random);
        for (size_t i = 0; i < MEMBERS; i++) {
            calm->endpoints[i] = w->endpoints[i] & ~(uint32_t)HEALTH_WORD_SHED;
        }
        evaluate(w);
        evaluate(calm);
        assert_int_equal(w->choice.source, calm->choice.source);
        assert_int_equal(w->choice.count == 0, calm->choice.count == 0);
        for (size_t i = 0; i < w->choice.count; i++) {
            uint16_t index = w->choice.members[i];
            assert_true(spills || is_in(&calm->choice, index));
            struct health_effective effective = health_table_effective(&w->table, index, w->places[index].az,
                                                                       w->places[index].region, HEALTH_V4);
            assert_true(w->choice.source == STEER_FROM_ALL || health_state_serves(effective.state));
            assert_int_not_equal(effective.state, HEALTH_DRAINED);
        }
    }
    world_free(w);
    world_free(calm);
}

/* One look says "surely" only of what an evaluation finds; and it does say so, of most. */
static void what_surely_serves_is_found(void **state)
{
    (void)state;
    enum { ROUNDS = 4000 };
    struct random random;
    size_t sure = 0, served = 0;
    random_init(&random, 23);
    struct world *w = world_new(STEER_PICK_WEIGHTED);
    for (int round = 0; round < ROUNDS; round++) {
        static const uint16_t types[] = {STEER_HAS_A, STEER_HAS_AAAA, STEER_HAS_A | STEER_HAS_AAAA};
        w->plan.pick = (enum steer_pick)random_below(&random, 4);
        for (size_t t = 0; t < TIERS; t++) {
            w->tiers[t].min_healthy.share = random_below(&random, 3) == 0 ? .5 : 0;
            w->tiers[t].spill_below.share = random_below(&random, 2) == 0 ? 1 : 0;
        }
        for (size_t i = 0; i < MEMBERS; i++) {
            w->members[i].types = types[random_below(&random, 3)];
            w->members[i].weight = (uint16_t)random_below(&random, 3);
        }
        adopt(w);
        scramble(w, &random);
        for (size_t i = 0; round % 2 == 0 && i < MEMBERS; i++) {
            shed(w, i, 0);
        }
        evaluate(w);
        const struct steer_ask ask = {.types = STEER_HAS_A};
        bool is_sure = steer_surely_serves(w->policy, ask, &w->table);
        bool is_served = w->choice.source == STEER_FROM_TIER && w->choice.count != 0;
        assert_true(is_served || !is_sure);
        sure += is_sure;
        served += is_served;
    }
    assert_true(sure > ROUNDS / 10 && sure < served);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_surely_serves_is_found),
        cmocka_unit_test(weights_shrink_linearly),
        cmocka_unit_test(draws_follow_what_is_left),
        cmocka_unit_test(all_that_shed_everything_serve_as_ever),
        cmocka_unit_test(standbys_do_not_stand_in_for_load),
        cmocka_unit_test(groups_keep_their_shares),
        cmocka_unit_test(tiers_spill_what_they_shed),
        cmocka_unit_test(spreading_follows_what_is_available),
        cmocka_unit_test(tiers_that_all_shed_everything_serve_as_ever),
        cmocka_unit_test(load_of_those_with_records_is_ignored),
        cmocka_unit_test(clients_leave_as_weight_does),
        cmocka_unit_test(load_never_takes_the_last_answer),
    };
    return cmocka_run_group_tests_name("steer load", tests, NULL, NULL);
}
