/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of steer_evaluate: tiers, roll-up, types, standby, fallbacks. Random cases are checked against a
 * second, differently written computation in this file; seeds are fixed, so a failure repeats. */
#include "config.h"

#include "unit.h"

#include "steer/steer.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- a small world: endpoint e is in az e / 2, az a in region a / 2 ---- */

enum { ENDPOINTS = 16, AZS = 8, REGIONS = 4 };

struct world {
    _Atomic uint32_t endpoints[ENDPOINTS], azs[AZS], regions[REGIONS];
    struct health_table table;
};

static void world_init(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->table = (struct health_table){.endpoint_count = ENDPOINTS,
                                         .az_count = AZS,
                                         .region_count = REGIONS,
                                         .endpoints = world->endpoints,
                                         .azs = world->azs,
                                         .regions = world->regions};
    atomic_store(&world->table.generation, 1);
    for (size_t i = 0; i < ENDPOINTS; i++) {
        world->endpoints[i] = HEALTH_OBSERVED_HEALTHY;
    }
}

static uint32_t word(enum health_observed observed, enum health_desired desired)
{
    return observed | (uint32_t)desired << HEALTH_WORD_DESIRED_SHIFT;
}

static struct steer_member member(uint32_t endpoint, uint16_t weight, uint8_t types)
{
    return (struct steer_member){.endpoint = endpoint, .weight = weight, .types = types};
}

static const struct steer_place places[ENDPOINTS] = {
    {.az = 0, .region = 0}, {.az = 0, .region = 0}, {.az = 1, .region = 0}, {.az = 1, .region = 0},
    {.az = 2, .region = 1}, {.az = 2, .region = 1}, {.az = 3, .region = 1}, {.az = 3, .region = 1},
    {.az = 4, .region = 2}, {.az = 4, .region = 2}, {.az = 5, .region = 2}, {.az = 5, .region = 2},
    {.az = 6, .region = 3}, {.az = 6, .region = 3}, {.az = 7, .region = 3}, {.az = 7, .region = 3}};

/* Members 0..3 in region 0 (azs 0 and 1), 4..7 in region 1; two tiers of four. */
struct sample {
    struct steer_member members[8];
    struct steer_tier tiers[2];
    struct steer_class class;
    struct steer_policy policy;
    uint32_t weights[8];
    uint16_t chosen[8];
    struct steer_part parts[2];
    struct steer_choice choice;
};

static const uint16_t first_four[] = {0, 1, 2, 3}, last_four[] = {4, 5, 6, 7};

static void sample_init(struct sample *sample)
{
    memset(sample, 0, sizeof *sample);
    for (uint32_t i = 0; i < 8; i++) {
        sample->members[i] = member(i, 10, STEER_HAS_A | STEER_HAS_AAAA);
    }
    sample->tiers[0] = (struct steer_tier){.label = "us-east", .members = first_four, .count = 4};
    sample->tiers[1] = (struct steer_tier){.label = "eu-west", .members = last_four, .count = 4};
    sample->class = (struct steer_class){.label = "default", .tiers = sample->tiers, .tier_count = 2};
    sample->policy = (struct steer_policy){.pick = STEER_PICK_WEIGHTED,
                                           .fallback = STEER_FALLBACK_ALL,
                                           .answers = 1,
                                           .member_count = 8,
                                           .class_count = 1,
                                           .members = sample->members,
                                           .places = places,
                                           .classes = &sample->class};
    sample->choice.weights = sample->weights;
    sample->choice.members = sample->chosen;
    sample->choice.parts = sample->parts;
}

static struct steer_choice *evaluate(struct sample *sample, uint8_t types, const struct world *world)
{
    steer_evaluate(&sample->policy, (struct steer_ask){.types = types}, &world->table, &sample->choice, NULL);
    return &sample->choice;
}

static void expect_members(const struct steer_choice *choice, const uint16_t *members, size_t count)
{
    assert_int_equal(choice->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(choice->members[i], members[i]);
    }
}

/* ---- evaluating ---- */

static void first_tier_that_serves_wins(void **state)
{
    (void)state;
    struct world world;
    struct sample sample;
    world_init(&world);
    sample_init(&sample);
    struct steer_choice *choice = evaluate(&sample, STEER_HAS_A, &world);
    assert_int_equal(choice->source, STEER_FROM_TIER);
    assert_int_equal(choice->tier, 0);
    expect_members(choice, first_four, 4);
    assert_int_equal(choice->total_weight, 40);

    world.endpoints[0] = HEALTH_OBSERVED_UNHEALTHY;
    world.endpoints[1] = HEALTH_OBSERVED_UNHEALTHY;
    world.endpoints[2] = HEALTH_OBSERVED_UNHEALTHY;
    expect_members(evaluate(&sample, STEER_HAS_A, &world), (uint16_t[]){3}, 1);
    assert_int_equal(choice->tier, 0);

    world.endpoints[3] = HEALTH_OBSERVED_UNHEALTHY;
    expect_members(evaluate(&sample, STEER_HAS_A, &world), last_four, 4);
    assert_int_equal(choice->tier, 1);

    world.endpoints[2] = HEALTH_OBSERVED_UNKNOWN; /* nothing speaks against it */
    expect_members(evaluate(&sample, STEER_HAS_A, &world), (uint16_t[]){2}, 1);
    assert_int_equal(choice->tier, 0);
}

static void roll_up_takes_az_and_region_out(void **state)
{
    (void)state;
    struct world world;
    struct sample sample;
    world_init(&world);
    sample_init(&sample);
    world.azs[0] = HEALTH_OBSERVED_UNHEALTHY;
    struct steer_choice *choice = evaluate(&sample, STEER_HAS_A, &world);
    expect_members(choice, (uint16_t[]){2, 3}, 2);
    world.regions[0] = HEALTH_OBSERVED_UNHEALTHY;
    expect_members(evaluate(&sample, STEER_HAS_A, &world), last_four, 4);
    world.endpoints[1] = word(HEALTH_OBSERVED_UNHEALTHY, HEALTH_DESIRED_UP); /* narrowest wins */
    expect_members(evaluate(&sample, STEER_HAS_A, &world), (uint16_t[]){1}, 1);
    world.endpoints[1] = HEALTH_OBSERVED_HEALTHY;
    world.regions[0] = word(HEALTH_OBSERVED_HEALTHY, HEALTH_DESIRED_DRAIN);
    world.azs[1] = word(HEALTH_OBSERVED_HEALTHY, HEALTH_DESIRED_UP);
    expect_members(evaluate(&sample, STEER_HAS_A, &world), (uint16_t[]){2, 3}, 2);
}

static void type_does_not_move_the_tier(void **state)
{
    (void)state;
    struct world world;
    struct sample sample;
    world_init(&world);
    sample_init(&sample);
    for (size_t i = 0; i < 4; i++) {
        sample.members[i].types = STEER_HAS_A;
    }
    struct steer_choice *choice = evaluate(&sample, STEER_HAS_AAAA, &world);
    assert_int_equal(choice->source, STEER_FROM_TIER);
    assert_int_equal(choice->tier, 0);
    assert_int_equal(choice->count, 0);
    uint16_t out[STEER_ANSWERS_MAX];
    struct random random;
    random_init(&random, 1);
    assert_int_equal(steer_pick(&sample.policy, choice, &random, out), 0);
}

static void weight_zero_is_standby(void **state)
{
    (void)state;
    struct world world;
    struct sample sample;
    world_init(&world);
    sample_init(&sample);
    sample.members[0].weight = 0;
    sample.members[3].weight = 0;
    struct steer_choice *choice = evaluate(&sample, STEER_HAS_A, &world);
    expect_members(choice, (uint16_t[]){1, 2}, 2);
    world.endpoints[1] = HEALTH_OBSERVED_UNHEALTHY;
    world.endpoints[2] = HEALTH_OBSERVED_UNHEALTHY;
    expect_members(evaluate(&sample, STEER_HAS_A, &world), (uint16_t[]){0, 3}, 2);
    assert_int_equal(choice->tier, 0);
    double odds[8];
    steer_odds(&sample.policy, choice, odds);
    assert_true(odds[0] == 0.5 && odds[1] == 0.5);
}

static void lose_everything(struct world *world)
{
    for (size_t i = 0; i < REGIONS; i++) {
        world->regions[i] = HEALTH_OBSERVED_UNHEALTHY;
    }
}

static void fallbacks(void **state)
{
    (void)state;
    static const struct {
        enum steer_fallback fallback;
        enum steer_source source;
        const char *text;
        size_t count;
    } cases[] = {{STEER_FALLBACK_ALL, STEER_FROM_ALL, "all", 8},
                 {STEER_FALLBACK_STATIC, STEER_FROM_STATIC, "static", 0},
                 {STEER_FALLBACK_NODATA, STEER_FROM_NODATA, "nodata", 0},
                 {STEER_FALLBACK_SERVFAIL, STEER_FROM_SERVFAIL, "servfail", 0}};
    struct world world;
    struct sample sample;
    world_init(&world);
    lose_everything(&world);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sample_init(&sample);
        sample.policy.fallback = cases[i].fallback;
        struct steer_choice *choice = evaluate(&sample, STEER_HAS_A, &world);
        assert_int_equal(choice->source, cases[i].source);
        assert_int_equal(choice->count, cases[i].count);
        assert_string_equal(steer_source_text(choice->source), cases[i].text);
    }
    assert_string_equal(steer_source_text(STEER_FROM_TIER), "tier");
}

static void fail_open_leaves_drained_out(void **state)
{
    (void)state;
    struct world world;
    struct sample sample;
    world_init(&world);
    sample_init(&sample);
    lose_everything(&world);
    world.azs[0] = word(HEALTH_OBSERVED_HEALTHY, HEALTH_DESIRED_DRAIN);
    world.endpoints[5] = word(HEALTH_OBSERVED_HEALTHY, HEALTH_DESIRED_DRAIN);
    world.endpoints[6] = word(HEALTH_OBSERVED_HEALTHY, HEALTH_DESIRED_DOWN);
    struct steer_choice *choice = evaluate(&sample, STEER_HAS_A, &world);
    assert_int_equal(choice->source, STEER_FROM_ALL);
    expect_members(choice, (uint16_t[]){2, 3, 4, 6, 7}, 5);
    /* A member of two tiers is offered once. */
    sample.tiers[1].members = first_four;
    expect_members(evaluate(&sample, STEER_HAS_A, &world), (uint16_t[]){2, 3}, 2);
    sample.tiers[1].members = last_four;
    for (size_t i = 0; i < REGIONS; i++) {
        world.regions[i] = word(HEALTH_OBSERVED_HEALTHY, HEALTH_DESIRED_DRAIN);
    }
    world.endpoints[6] = 0;
    evaluate(&sample, STEER_HAS_A, &world);
    assert_int_equal(choice->source, STEER_FROM_NODATA);
    assert_int_equal(choice->count, 0);
}

static void trace_counts_serving_members(void **state)
{
    (void)state;
    struct world world;
    struct sample sample;
    world_init(&world);
    sample_init(&sample);
    struct steer_trace trace = {.tiers = memory_alloc_array(2, sizeof *trace.tiers)};
    world.regions[0] = HEALTH_OBSERVED_UNHEALTHY;
    world.endpoints[4] = HEALTH_OBSERVED_UNHEALTHY;
    sample.members[5].types = STEER_HAS_AAAA;
    steer_evaluate(&sample.policy, (struct steer_ask){.types = STEER_HAS_A}, &world.table, &sample.choice,
                   &trace);
    assert_true(trace.tiers[0].considered && trace.tiers[1].considered);
    assert_int_equal(trace.tiers[0].serving, 0);
    assert_int_equal(trace.tiers[1].members, 3); /* one has no A, and is not counted */
    assert_int_equal(trace.tiers[1].serving, 2);
    assert_false(trace.tiers[0].qualifies);
    assert_true(trace.tiers[1].healthy == 2.0 / 3 && trace.tiers[1].share == 1);
    world.regions[0] = 0;
    steer_evaluate(&sample.policy, (struct steer_ask){.types = STEER_HAS_A}, &world.table, &sample.choice,
                   &trace);
    assert_true(trace.tiers[0].considered && !trace.tiers[1].considered);
    assert_int_equal(trace.tiers[0].serving, 4);
    assert_int_equal(trace.tiers[1].serving, 2); /* looked at all the same */
    free(trace.tiers);
}

/* The most members with the greatest weights, counted in parts of 32 because one sheds half of its own. */
static void huge_weights_do_not_overflow(void **state)
{
    (void)state;
    enum { COUNT = STEER_MEMBERS_MAX };
    struct world world;
    struct steer_choice choice;
    world_init(&world);
    world.endpoints[7] |= 16u << HEALTH_WORD_SHED_SHIFT;
    struct steer_member *members = memory_alloc_array(COUNT, sizeof *members);
    uint16_t *list = memory_alloc_array(COUNT, sizeof *list);
    for (uint32_t i = 0; i < COUNT; i++) {
        members[i] = member(i == 1 ? 7 : i % 7, i == 2 ? 1 : UINT16_MAX, STEER_HAS_A);
        list[i] = (uint16_t)i;
    }
    const struct steer_tier tier = {.label = "all", .members = list, .count = COUNT};
    const struct steer_class class = {.label = "default", .tiers = &tier, .tier_count = 1};
    const struct steer_policy policy = {.answers = 1,
                                        .member_count = COUNT,
                                        .class_count = 1,
                                        .members = members,
                                        .places = places,
                                        .classes = &class};
    struct steer_room room = steer_find_room(&policy, 0);
    void *memory = memory_alloc(steer_room_size(room));
    steer_choice_init(&choice, room, memory);
    steer_evaluate(&policy, (struct steer_ask){.types = STEER_HAS_A}, &world.table, &choice, NULL);
    assert_int_equal(choice.count, COUNT);
    assert_int_equal(choice.weights[COUNT - 1], choice.total_weight);
    uint32_t each = choice.weights[0];
    assert_true(each > 30000);
    assert_int_equal(choice.weights[1] - each, each / 2);
    assert_int_equal(choice.weights[2] - choice.weights[1], 1);
    for (size_t i = 3; i < COUNT; i++) {
        assert_int_equal(choice.weights[i] - choice.weights[i - 1], each);
    }
    free(memory);
    free(members);
    free(list);
}

/* ---- random cases against a second computation ---- */

enum standing { SERVES, SICK, DOWN, DRAINED };

static enum standing judge_slowly(const struct world *world, const struct steer_member *m)
{
    /* Desired states from the widest to the narrowest, so the last one that is set stands. */
    const uint32_t words[] = {world->regions[places[m->endpoint].region], world->azs[places[m->endpoint].az],
                              world->endpoints[m->endpoint]};
    uint32_t desired = 0, ill = 0;
    for (size_t i = 0; i < 3; i++) {
        desired = words[i] >> 2 != 0 ? words[i] >> 2 : desired;
        ill += (words[i] & 3) == HEALTH_OBSERVED_UNHEALTHY;
    }
    static const enum standing forced[] = {
        [HEALTH_DESIRED_DRAIN] = DRAINED, [HEALTH_DESIRED_UP] = SERVES, [HEALTH_DESIRED_DOWN] = DOWN};
    return desired != HEALTH_DESIRED_AUTO ? forced[desired] : ill == 0 ? SERVES : SICK;
}

/* Sets of members as bits. */
static uint32_t keep_by_type(const struct steer_policy *policy, uint32_t set, uint8_t types)
{
    uint32_t typed = 0;
    for (uint32_t i = 0; i < policy->member_count; i++) {
        typed |= (policy->members[i].types & types) != 0 ? 1u << i : 0;
    }
    return set & typed;
}

static uint32_t keep_by_weight(const struct steer_policy *policy, uint32_t set)
{
    uint32_t heavy = 0;
    for (uint32_t i = 0; i < policy->member_count; i++) {
        heavy |= policy->members[i].weight > 0 ? set & 1u << i : 0;
    }
    return heavy != 0 ? heavy : set;
}

static uint32_t keep_by_weight_and_type(const struct steer_policy *policy, uint32_t set, uint8_t types)
{
    return keep_by_type(policy, keep_by_weight(policy, set), types);
}

/* Of a tier: those with the type, if any of those who normally answer has it. */
static uint32_t keep_counted(const struct steer_policy *policy, uint32_t tier, uint8_t types)
{
    return keep_by_weight_and_type(policy, tier, types) != 0 ? keep_by_type(policy, tier, types) : tier;
}

static uint32_t set_of(const struct steer_tier *tier)
{
    uint32_t set = 0;
    for (size_t i = 0; i < tier->count; i++) {
        set |= 1u << tier->members[i];
    }
    return set;
}

static uint32_t expected_set(const struct steer_policy *policy, uint8_t types, const struct world *world,
                             enum steer_source *source)
{
    uint32_t at_worst[DRAINED + 1] = {0}, in_tiers = 0, offered;
    for (uint32_t i = 0; i < policy->member_count; i++) {
        for (enum standing worst = judge_slowly(world, &policy->members[i]); worst <= DRAINED; worst++) {
            at_worst[worst] |= 1u << i;
        }
    }
    for (size_t t = 0; t < policy->classes[0].tier_count; t++) {
        in_tiers |= set_of(&policy->classes[0].tiers[t]);
    }
    offered = at_worst[DOWN];
    for (enum standing worst = SERVES; worst <= (policy->fallback == STEER_FALLBACK_FIRST ? DOWN : SERVES);
         worst++) {
        *source = worst == SERVES ? STEER_FROM_TIER : STEER_FROM_SICK;
        for (size_t t = 0; t < policy->classes[0].tier_count; t++) {
            uint32_t tier = keep_counted(policy, set_of(&policy->classes[0].tiers[t]), types);
            if ((tier & at_worst[worst]) != 0) {
                return keep_by_weight_and_type(policy, tier & at_worst[worst], types);
            }
        }
    }
    if (policy->fallback == STEER_FALLBACK_FIRST) {
        *source = STEER_FROM_NODATA;
        return 0;
    }
    *source = (enum steer_source)(policy->fallback + STEER_FROM_ALL);
    if (policy->fallback != STEER_FALLBACK_ALL) {
        return 0;
    }
    *source = (in_tiers & offered) != 0 ? STEER_FROM_ALL : STEER_FROM_NODATA;
    return keep_by_weight_and_type(policy, in_tiers & offered, types);
}

static void randomize_world(struct world *world, struct random *random)
{
    static const uint32_t skewed[] = {0, 1, 2, 2, 2, 2};
    _Atomic uint32_t *const words[] = {world->endpoints, world->azs, world->regions};
    static const size_t counts[] = {ENDPOINTS, AZS, REGIONS};
    uint64_t overrides = 1 + random_below(random, 12), illness = 1 + random_below(random, 6);
    for (size_t kind = 0; kind < 3; kind++) {
        for (size_t i = 0; i < counts[kind]; i++) {
            enum health_desired desired =
                (enum health_desired)(random_below(random, overrides) == 0 ? random_below(random, 4) : 0);
            words[kind][i] = word((enum health_observed)skewed[random_below(random, illness)], desired);
        }
    }
}

static void randomize_policy(struct sample *sample, struct random *random, uint16_t tier_members[2][8])
{
    sample_init(sample);
    for (uint32_t i = 0; i < 8; i++) {
        sample->members[i] =
            member((uint32_t)random_below(random, ENDPOINTS), (uint32_t)random_below(random, 3),
                   (uint8_t)(1 + random_below(random, 3)));
    }
    for (size_t t = 0; t < 2; t++) {
        uint16_t count = 0;
        for (uint16_t i = 0; i < 8; i++) {
            if (random_below(random, 3) == 0) {
                tier_members[t][count++] = i;
            }
        }
        sample->tiers[t] = (struct steer_tier){.label = "t", .members = tier_members[t], .count = count};
    }
    sample->class.tier_count = (uint16_t)random_below(random, 3);
    sample->policy.fallback = (enum steer_fallback)random_below(random, 5);
    sample->policy.pick = (enum steer_pick)random_below(random, 3);
    sample->policy.answers = (uint16_t)(1 + random_below(random, 9));
}

static void check_picks(struct sample *sample, const struct world *world, uint32_t expected,
                        struct random *random)
{
    uint16_t out[STEER_ANSWERS_MAX];
    for (int draw = 0; draw < 4; draw++) {
        size_t count = steer_pick(&sample->policy, &sample->choice, random, out),
               wanted = sample->choice.count;
        if (sample->policy.pick != STEER_PICK_ALL && wanted > sample->policy.answers) {
            wanted = sample->policy.answers;
        }
        assert_int_equal(count, wanted);
        uint32_t seen = 0;
        for (size_t i = 0; i < count; i++) {
            assert_int_not_equal(judge_slowly(world, &sample->members[out[i]]), DRAINED);
            assert_int_equal(seen >> out[i] & 1, 0);
            seen |= 1u << out[i];
        }
        assert_int_equal(seen & ~expected, 0);
    }
}

static void random_cases_agree(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, 20261121);
    unsigned sources[STEER_FROM_SICK + 1] = {0};
    for (int round = 0; round < 100000; round++) {
        struct world world;
        struct sample sample;
        uint16_t tier_members[2][8];
        world_init(&world);
        randomize_world(&world, &random);
        randomize_policy(&sample, &random, tier_members);
        uint8_t types = random_below(&random, 2) == 0 ? STEER_HAS_A : STEER_HAS_AAAA;
        enum steer_source source;
        uint32_t expected = expected_set(&sample.policy, types, &world, &source), got = 0;
        struct steer_choice *choice = evaluate(&sample, types, &world);
        assert_int_equal(choice->source, source);
        for (size_t i = 0; i < choice->count; i++) {
            got |= 1u << choice->members[i];
            assert_true(choice->weights[i] > (i == 0 ? 0 : choice->weights[i - 1]));
        }
        assert_int_equal(got, expected);
        assert_int_equal(__builtin_popcount(got), choice->count);
        check_picks(&sample, &world, expected, &random);
        sources[source]++;
    }
    for (size_t i = 0; i <= STEER_FROM_SICK; i++) {
        bool can_be = i != STEER_FROM_POOL && i != STEER_FROM_FIRST; /* these need a pool, or min_healthy */
        assert_int_equal(sources[i] > 1000, can_be);                 /* every outcome was tried */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_tier_that_serves_wins),
        cmocka_unit_test(roll_up_takes_az_and_region_out),
        cmocka_unit_test(type_does_not_move_the_tier),
        cmocka_unit_test(weight_zero_is_standby),
        cmocka_unit_test(fallbacks),
        cmocka_unit_test(fail_open_leaves_drained_out),
        cmocka_unit_test(trace_counts_serving_members),
        cmocka_unit_test(huge_weights_do_not_overflow),
        cmocka_unit_test(random_cases_agree),
    };
    return cmocka_run_group_tests_name("steer", tests, NULL, NULL);
}
