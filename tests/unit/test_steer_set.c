/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of policy sets and caches: what counts as the same policy, that nothing of a plan is borrowed, that a
 * cache follows the generation and nothing else. */
#include "config.h"

#include "unit.h"

#include "steer/draw.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct steer_place places[8]; /* all in one az */

/* A plan on the stack that can be wiped afterwards. */
struct plan {
    struct steer_member members[3];
    uint16_t tier_members[3];
    char label[16];
    struct steer_group groups[2];
    struct steer_tier tiers[2];
    struct steer_class classes[2];
    struct steer_policy policy;
};

static void plan_init(struct plan *plan)
{
    memset(plan, 0, sizeof *plan);
    for (uint32_t i = 0; i < 3; i++) {
        plan->members[i] = (struct steer_member){
            .endpoint = i, .weight = (uint16_t)(10 + i), .types = STEER_HAS_A | STEER_HAS_AAAA};
        plan->tier_members[i] = (uint16_t)i;
    }
    strcpy(plan->label, "us-east");
    plan->tiers[0] = (struct steer_tier){.label = plan->label, .members = plan->tier_members, .count = 2};
    plan->tiers[1] = (struct steer_tier){.label = "eu-west", .members = plan->tier_members + 2, .count = 1};
    plan->groups[0] = plan->groups[1] = (struct steer_group){.count = 1};
    plan->classes[0] = (struct steer_class){.label = "default", .tiers = plan->tiers, .tier_count = 2};
    plan->classes[1] = (struct steer_class){.label = "geo[0]", .tiers = plan->tiers + 1, .tier_count = 1};
    plan->policy = (struct steer_policy){.answers = 1,
                                         .member_count = 3,
                                         .class_count = 2,
                                         .members = plan->members,
                                         .places = places,
                                         .classes = plan->classes};
}

static struct steer_ask ask(uint16_t class_id, uint16_t types)
{
    return (struct steer_ask){.class_id = class_id, .types = types};
}

static uint32_t add(struct steer_set *set, const struct plan *plan)
{
    return steer_set_add(set, &plan->policy, NULL, 0);
}

static struct geo_tree *some_tree(void)
{
    struct geo_atlas *atlas = geo_atlas_new(NULL, 0);
    struct geo_tree *tree = geo_build_tree(&(struct geo_plan){.class_count = 1}, atlas);
    geo_atlas_free(atlas);
    return tree;
}

static void plans_are_copied(void **state)
{
    (void)state;
    struct steer_set *set = steer_set_new();
    struct plan plan;
    plan_init(&plan);
    assert_int_equal(add(set, &plan), 0);
    memset(&plan, 0xee, sizeof plan);
    const struct steer_policy *policy = steer_set_get(set, 0);
    assert_int_equal(policy->id, 0);
    assert_int_equal(policy->class_count, 2);
    assert_string_equal(policy->classes[0].tiers[0].label, "us-east");
    assert_int_equal(policy->classes[0].tiers[0].members[1], 1);
    assert_int_equal(policy->classes[1].tiers[0].members[0], 2);
    assert_string_equal(policy->classes[1].label, "geo[0]");
    assert_int_equal(policy->members[2].weight, 12);
    assert_null(policy->geo);
    steer_set_free(set);
}

static void equal_content_is_one_policy(void **state)
{
    (void)state;
    struct steer_set *set = steer_set_new();
    struct plan plan, other;
    plan_init(&plan);
    plan_init(&other);
    other.policy.id = 77;
    other.policy.cache_at = 99;
    assert_int_equal(add(set, &plan), 0);
    assert_int_equal(add(set, &other), 0);
    assert_int_equal(steer_set_count(set), 1);
    steer_set_free(set);
}

/* Expects struct plan plan, struct steer_set *set and uint32_t expected: policies in it so far. */
#define DIFFERENT(change)                                                                                    \
    do {                                                                                                     \
        plan_init(&plan);                                                                                    \
        change;                                                                                              \
        assert_int_equal(add(set, &plan), expected++);                                                       \
        assert_int_equal(add(set, &plan), expected - 1);                                                     \
    } while (0)

static void differences_of_policies_count(void **state)
{
    (void)state;
    struct steer_set *set = steer_set_new();
    struct plan plan;
    uint32_t expected = 0;
    DIFFERENT((void)0);
    DIFFERENT(plan.policy.pick = STEER_PICK_ALL);
    DIFFERENT(plan.policy.fallback = STEER_FALLBACK_STATIC);
    DIFFERENT(plan.policy.answers = 2);
    DIFFERENT(plan.policy.class_count = 1);
    DIFFERENT(plan.members[0].endpoint = 5);
    DIFFERENT(plan.members[0].has_host = 1);
    DIFFERENT(plan.members[0].is_alias = 1);
    DIFFERENT(plan.members[2].weight = 5);
    DIFFERENT(plan.members[1].types = STEER_HAS_A);
    DIFFERENT(plan.tier_members[2] = 0);
    DIFFERENT(plan.classes[0].tier_count = 1);
    DIFFERENT(plan.classes[1].label = "geo[1]");
    DIFFERENT(plan.classes[0].spread = true);
    DIFFERENT(plan.classes[0].fenced = true);
    DIFFERENT(plan.classes[0].has_fallback = true);
    DIFFERENT((plan.classes[0].offered = plan.tier_members, plan.classes[0].offered_count = 2));
    DIFFERENT(plan.classes[0].rest = plan.classes[0].tiers);
    DIFFERENT(plan.policy.ttl_failing = 5);
    DIFFERENT(plan.policy.has_ttl_failing = true);
    DIFFERENT(plan.policy.pick = STEER_PICK_STICKY);
    DIFFERENT(plan.policy.sticky.v4_len = 24);
    DIFFERENT(plan.policy.sticky.v6_len = 56);
    DIFFERENT(plan.policy.sticky.hold_ms = 5);
    DIFFERENT(plan.policy.geo_label = "by-continent");
    assert_int_equal(steer_set_count(set), expected);
    steer_set_free(set);
}

static void differences_of_tiers_count(void **state)
{
    (void)state;
    struct steer_set *set = steer_set_new();
    struct plan plan;
    uint32_t expected = 0;
    DIFFERENT((void)0);
    DIFFERENT(plan.tiers[0].count = 1);
    DIFFERENT(plan.tiers[0].label = "us");
    DIFFERENT(plan.tiers[0].label = NULL);
    DIFFERENT(plan.tiers[0].label = "");
    DIFFERENT(plan.classes[0].pool = &plan.tiers[1]);
    DIFFERENT(plan.tiers[0].min_healthy.share = 0.5);
    DIFFERENT(plan.tiers[0].min_healthy.count = 2);
    DIFFERENT(plan.tiers[0].spill_below.share = 0.5);
    DIFFERENT(plan.tiers[0].trickle = 0.01);
    DIFFERENT(plan.tiers[0].by_capacity = true);
    DIFFERENT((plan.tiers[0].groups = plan.groups, plan.tiers[0].group_count = 2));
    DIFFERENT(
        (plan.tiers[0].groups = plan.groups, plan.tiers[0].group_count = 2, plan.groups[1].share = 0.2));
    assert_int_equal(steer_set_count(set), expected);
    steer_set_free(set);
}
#undef DIFFERENT

static void trees_are_shared_by_key(void **state)
{
    (void)state;
    struct steer_set *set = steer_set_new();
    struct plan plan;
    plan_init(&plan);
    assert_null(steer_set_find_geo(set, 5));
    assert_null(steer_set_find_geo(set, 0));
    assert_int_equal(steer_set_add(set, &plan.policy, some_tree(), 5), 0);
    assert_ptr_equal(steer_set_find_geo(set, 5), steer_set_get(set, 0)->geo);
    assert_int_equal(steer_set_add(set, &plan.policy, some_tree(), 5), 0);
    assert_int_equal(steer_set_add(set, &plan.policy, NULL, 5), 0);
    assert_int_equal(steer_set_add(set, &plan.policy, some_tree(), 6), 1);
    assert_int_equal(add(set, &plan), 2);
    plan.policy.answers = 3;
    assert_int_equal(steer_set_add(set, &plan.policy, some_tree(), 5), 3);
    assert_ptr_equal(steer_set_get(set, 0)->geo, steer_set_get(set, 3)->geo);
    assert_ptr_not_equal(steer_set_get(set, 0)->geo, steer_set_get(set, 1)->geo);
    assert_null(steer_set_get(set, 2)->geo);
    struct addr client;
    addr_parse("192.0.2.1", &client);
    struct geo_match match = steer_find_class(steer_set_get(set, 0), &client);
    assert_int_equal(match.class_id, 0);
    match = steer_find_class(steer_set_get(set, 2), &client);
    assert_int_equal(match.class_id, 0);
    assert_int_equal(match.scope, 0);
    steer_set_free(set);
}

/* Linear searches at load would make this take minutes. */
static void many_policies_stay_apart(void **state)
{
    (void)state;
    enum { COUNT = 50000 };
    struct steer_set *set = steer_set_new();
    struct plan plan;
    plan_init(&plan);
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            plan.members[0].weight = i;
            assert_int_equal(add(set, &plan), i);
        }
    }
    assert_int_equal(steer_set_count(set), COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        assert_int_equal(steer_set_get(set, i)->members[0].weight, i);
        assert_int_equal(steer_set_get(set, i)->cache_at, i * 4);
    }
    steer_set_free(set);
}

/* ---- caches ---- */

struct world {
    _Atomic uint32_t endpoints[3], azs[1], regions[1];
    struct health_table table;
};

static void world_init(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->table = (struct health_table){.endpoint_count = 3,
                                         .az_count = 1,
                                         .region_count = 1,
                                         .endpoints = world->endpoints,
                                         .azs = world->azs,
                                         .regions = world->regions};
    atomic_store(&world->table.generation, 1);
}

static void cache_follows_the_generation(void **state)
{
    (void)state;
    struct steer_set *set = steer_set_new();
    struct plan plan;
    struct world world;
    plan_init(&plan);
    world_init(&world);
    add(set, &plan);
    struct steer_cache *cache = steer_cache_new(set);
    const struct steer_policy *policy = steer_set_get(set, 0);
    struct steer_choice *choice = steer_cache_get(cache, policy, ask(0, STEER_HAS_A), &world.table);
    assert_int_equal(choice->count, 2);
    assert_int_equal(choice->generation, 1);
    choice->next = 1;
    /* A word changes without its generation: not seen, so it was not evaluated again. */
    world.endpoints[0] = HEALTH_OBSERVED_UNHEALTHY;
    assert_ptr_equal(steer_cache_get(cache, policy, ask(0, STEER_HAS_A), &world.table), choice);
    assert_int_equal(choice->count, 2);
    atomic_fetch_add(&world.table.generation, 1);
    assert_ptr_equal(steer_cache_get(cache, policy, ask(0, STEER_HAS_A), &world.table), choice);
    assert_int_equal(choice->count, 1);
    assert_int_equal(choice->members[0], 1);
    assert_int_equal(choice->generation, 2);
    assert_int_equal(choice->next, 1); /* the round goes on */
    steer_cache_free(cache);
    steer_set_free(set);
}

/* A policy with further types has a choice for each in each class, and what stands behind it in the cache is
 * another's. */
static void each_type_and_class_has_a_choice(void **state)
{
    (void)state;
    enum { POLICIES = 3, CLASSES = 2, MX = 15, TXT = 16 };
    struct steer_set *set = steer_set_new();
    struct steer_choice *seen[POLICIES * CLASSES * STEER_TYPES_MAX];
    struct world world;
    struct plan plan;
    size_t count = 0;
    world_init(&world);
    for (uint16_t i = 0; i < POLICIES; i++) {
        plan_init(&plan);
        plan.policy.type_count = i == 1 ? STEER_TYPES_MAX : 4;
        for (uint16_t bit = 2; bit < plan.policy.type_count; bit++) {
            plan.policy.types[bit] = bit == 2 ? MX : (uint16_t)(TXT + i + bit);
        }
        for (size_t m = 0; m < 3; m++) {
            plan.members[m].types =
                (uint16_t)(STEER_HAS_A | 4u | (m == 1 ? 1u << (plan.policy.type_count - 1) : 0));
        }
        assert_int_equal(add(set, &plan), i);
    }
    struct steer_cache *cache = steer_cache_new(set);
    for (uint32_t i = 0; i < POLICIES; i++) {
        const struct steer_policy *policy = steer_set_get(set, i);
        assert_int_equal(steer_find_type(policy, 1), STEER_HAS_A);
        assert_int_equal(steer_find_type(policy, 28), STEER_HAS_AAAA);
        assert_int_equal(steer_find_type(policy, MX), 4);
        assert_int_equal(steer_find_type(policy, 99), 0);
        uint16_t last = (uint16_t)(1u << (policy->type_count - 1));
        for (uint16_t class_id = 0; class_id < CLASSES; class_id++) {
            for (uint16_t bit = 1; bit <= last && bit != 0; bit = (uint16_t)(bit << 1)) {
                struct steer_choice *choice =
                    steer_cache_get(cache, policy, ask(class_id, bit), &world.table);
                size_t expected = class_id == 0 ? (bit == STEER_HAS_A || bit == 4 ? 2 : bit == last)
                                                : bit == STEER_HAS_A || bit == 4;
                assert_int_equal(choice->count, expected);
                for (size_t k = 0; k < count; k++) {
                    assert_ptr_not_equal(seen[k], choice);
                }
                seen[count++] = choice;
            }
        }
    }
    for (size_t k = 0; k < count; k++) { /* none was made over by a later one */
        assert_int_equal(seen[k]->generation, 1);
    }
    assert_int_equal(count, CLASSES * (4 + STEER_TYPES_MAX + 4));
    steer_cache_free(cache);
    steer_set_free(set);
}

/* Policies that differ in types alone are two. */
static void types_tell_policies_apart(void **state)
{
    (void)state;
    struct steer_set *set = steer_set_new();
    struct plan plan;
    plan_init(&plan);
    assert_int_equal(add(set, &plan), 0);
    plan.policy.type_count = 2; /* as if nothing was said */
    assert_int_equal(add(set, &plan), 0);
    plan.policy.type_count = 3;
    plan.policy.types[2] = 15;
    assert_int_equal(add(set, &plan), 1);
    plan.policy.types[2] = 16;
    assert_int_equal(add(set, &plan), 2);
    plan.members[0].types |= 4;
    assert_int_equal(add(set, &plan), 3);
    assert_int_equal(steer_set_get(set, 0)->type_count, 2);
    assert_int_equal(steer_set_get(set, 2)->types[2], 16);
    assert_int_equal(steer_set_get(set, 2)->types[0], 1);
    steer_set_free(set);
}

/* While words are being stored, whoever asks reads them anew, whatever it knew. */
static void caches_are_not_trusted_during_a_change(void **state)
{
    (void)state;
    struct steer_set *set = steer_set_new();
    struct plan plan;
    struct world world;
    plan_init(&plan);
    world_init(&world);
    add(set, &plan);
    struct steer_cache *cache = steer_cache_new(set);
    const struct steer_policy *policy = steer_set_get(set, 0);
    assert_int_equal(steer_cache_get(cache, policy, ask(0, STEER_HAS_A), &world.table)->count, 2);
    atomic_store(&world.table.generation, 1 | HEALTH_CHANGING);
    assert_int_equal(steer_cache_get(cache, policy, ask(0, STEER_HAS_A), &world.table)->count, 2);
    world.endpoints[0] = HEALTH_OBSERVED_UNHEALTHY;
    assert_int_equal(steer_cache_get(cache, policy, ask(0, STEER_HAS_A), &world.table)->count, 1);
    world.regions[0] = HEALTH_OBSERVED_UNHEALTHY;
    assert_int_equal(steer_cache_get(cache, policy, ask(0, STEER_HAS_A), &world.table)->source,
                     STEER_FROM_ALL);
    world.regions[0] = world.endpoints[0] = HEALTH_OBSERVED_UNKNOWN; /* the same number once more, later */
    atomic_store(&world.table.generation, 2);
    struct steer_choice *choice = steer_cache_get(cache, policy, ask(0, STEER_HAS_A), &world.table);
    assert_int_equal(choice->count, 2);
    assert_int_equal(choice->generation, 2);
    steer_cache_free(cache);
    steer_set_free(set);
}

/* Each (policy, class, type) has its own slot and arrays: fill all, then look at all again. */
static void slots_do_not_overlap(void **state)
{
    (void)state;
    enum { POLICIES = 50 };
    struct steer_set *set = steer_set_new();
    struct plan plan;
    struct world world;
    plan_init(&plan);
    world_init(&world);
    plan.members[1].types = STEER_HAS_A;
    for (uint32_t i = 0; i < POLICIES; i++) {
        plan.members[0].weight = i + 1;
        add(set, &plan);
    }
    struct steer_cache *cache = steer_cache_new(set);
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < POLICIES; i++) {
            const struct steer_policy *policy = steer_set_get(set, i);
            struct steer_choice *a = steer_cache_get(cache, policy, ask(0, STEER_HAS_A), &world.table);
            assert_int_equal(a->count, 2);
            assert_int_equal(a->total_weight, i + 1 + 11);
            struct steer_choice *aaaa = steer_cache_get(cache, policy, ask(0, STEER_HAS_AAAA), &world.table);
            assert_int_equal(aaaa->count, 1);
            assert_int_equal(aaaa->total_weight, i + 1);
            struct steer_choice *second = steer_cache_get(cache, policy, ask(1, STEER_HAS_A), &world.table);
            assert_int_equal(second->count, 1);
            assert_int_equal(second->members[0], 2);
        }
    }
    steer_cache_free(cache);
    steer_set_free(set);
}

static void check_counts(const struct steer_set *set, const struct steer_cache *cache,
                         uint32_t answered[][2][2], const uint32_t *offered)
{
    struct steer_counts counts;
    steer_cache_get_counts(cache, &counts);
    for (uint32_t id = 0; id < steer_set_count(set); id++) {
        const struct steer_policy *policy = steer_set_get(set, id);
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(counts.answered[steer_find_slot(policy, i / 2, i % 2)],
                             answered[id][i / 2][i % 2]);
        }
        assert_int_equal(counts.offered[policy->offered_at + 1], offered[id]);
        assert_int_equal(counts.offered[policy->offered_at], 0);
    }
}

/* Numbers are given out once, also by sets that extend others, and by those that are let go again. */
static void names_have_numbers(void **state)
{
    (void)state;
    struct steer_set *first = steer_set_new();
    assert_int_equal(steer_set_number_name(first), 0);
    struct steer_set *second = steer_set_extend(first);
    assert_int_equal(steer_set_number_name(second), 1);
    steer_set_free(second);
    struct steer_set *third = steer_set_extend(first);
    assert_int_equal(steer_set_number_name(third), 2);
    assert_int_equal(steer_set_count_names(first), 3);
    steer_set_free(first);
    assert_int_equal(steer_set_number_name(third), 3);
    struct steer_cache *cache = steer_cache_new(third);
    struct steer_counts counts;
    steer_cache_get_counts(cache, &counts);
    assert_int_equal(counts.name_count, 4 + STEER_NAMES_SPARE);
    steer_cache_free(cache);
    steer_set_free(third);
}

/* Where memory is short the oldest choices go, and whoever asks for them again gets what an evaluation says.
 */
static void choices_give_way(void **state)
{
    (void)state;
    enum { POLICIES = 40, ROUNDS = 20000 };
    struct steer_set *set = steer_set_new();
    struct plan plan;
    struct world world;
    plan_init(&plan);
    world_init(&world);
    for (uint32_t i = 0; i < POLICIES; i++) {
        plan.members[0].weight = i + 1;
        add(set, &plan);
    }
    struct steer_room room = {.members = 0};
    steer_widen_room(&room, steer_set_get(set, 0));
    void *memory = memory_alloc(steer_room_size(room));
    struct steer_choice fresh;
    struct random random;
    random_init(&random, 8);
    for (size_t most = 0; most <= 8 * steer_room_size(room); most += steer_room_size(room) / 2) {
        struct steer_cache *cache = steer_cache_new_bounded(set, most);
        uint32_t answered[POLICIES][2][2] = {{{0}}}, offered[POLICIES] = {0};
        for (int round = 0; round < ROUNDS; round++) {
            const struct steer_policy *policy = steer_set_get(set, (uint32_t)random_below(&random, POLICIES));
            struct steer_ask asked = ask((uint16_t)random_below(&random, 2),
                                         random_below(&random, 2) == 0 ? STEER_HAS_A : STEER_HAS_AAAA);
            if (random_below(&random, 50) == 0) {
                world.endpoints[random_below(&random, 3)] =
                    random_below(&random, 2) == 0 ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_UNKNOWN;
                atomic_fetch_add(&world.table.generation, 1);
            }
            struct steer_choice *choice = steer_cache_get(cache, policy, asked, &world.table);
            steer_choice_init(&fresh, room, memory);
            steer_evaluate(policy, asked, &world.table, &fresh, NULL);
            assert_true(steer_choice_equal(choice, &fresh));
            assert_int_equal(choice->generation, fresh.generation);
            (*choice->answered)++; /* what is counted stays where it is */
            choice->offered[1]++;
            answered[policy->id][asked.class_id][asked.types == STEER_HAS_A ? 0 : 1]++;
            offered[policy->id]++;
        }
        check_counts(set, cache, answered, offered);
        steer_cache_free(cache);
    }
    free(memory);
    steer_set_free(set);
}

/* What both have is shared, and outlives whichever goes first. */
static void a_set_may_be_extended(void **state)
{
    (void)state;
    struct steer_set *base = steer_set_new();
    struct plan plan;
    plan_init(&plan);
    assert_int_equal(add(base, &plan), 0);
    plan.policy.answers = 2;
    assert_int_equal(steer_set_add(base, &plan.policy, some_tree(), 5), 1);
    struct steer_set *set = steer_set_extend(base);
    assert_ptr_equal(steer_set_get(set, 1), steer_set_get(base, 1));
    assert_int_equal(steer_set_count_added(set), 0);
    assert_non_null(steer_set_find_geo(set, 5));
    assert_int_equal(steer_set_add(set, &plan.policy, NULL, 5), 1); /* known */
    for (uint16_t i = 3; i < 60; i++) {
        plan.policy.answers = i;
        assert_int_equal(add(set, &plan), i - 1);
    }
    assert_int_equal(steer_set_count(base), 2);
    assert_int_equal(steer_set_count_added(set), 57);
    struct steer_set *third = steer_set_extend(set);
    plan.policy.answers = 60;
    assert_int_equal(add(third, &plan), 59);
    assert_int_equal(steer_set_count_added(third), 58);
    steer_set_free(set);
    steer_set_free(base);
    for (uint32_t i = 0; i < 60; i++) {
        assert_string_equal(steer_set_get(third, i)->classes[0].tiers[0].label, "us-east");
    }
    struct steer_cache *cache = steer_cache_new(third);
    steer_cache_free(cache);
    steer_set_free(third);
    struct steer_set *none = steer_set_new(), *some = steer_set_extend(none);
    steer_set_free(none);
    assert_int_equal(add(some, &plan), 0);
    steer_set_free(some);
}

static void cache_of_nothing(void **state)
{
    (void)state;
    struct steer_set *set = steer_set_new();
    steer_cache_free(steer_cache_new(set));
    steer_cache_free(NULL);
    steer_set_free(set);
    steer_set_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_copied),
        cmocka_unit_test(equal_content_is_one_policy),
        cmocka_unit_test(differences_of_policies_count),
        cmocka_unit_test(differences_of_tiers_count),
        cmocka_unit_test(trees_are_shared_by_key),
        cmocka_unit_test(many_policies_stay_apart),
        cmocka_unit_test(each_type_and_class_has_a_choice),
        cmocka_unit_test(types_tell_policies_apart),
        cmocka_unit_test(cache_follows_the_generation),
        cmocka_unit_test(caches_are_not_trusted_during_a_change),
        cmocka_unit_test(slots_do_not_overlap),
        cmocka_unit_test(names_have_numbers),
        cmocka_unit_test(choices_give_way),
        cmocka_unit_test(cache_of_nothing),
        cmocka_unit_test(a_set_may_be_extended),
    };
    return cmocka_run_group_tests_name("steer_set", tests, NULL, NULL);
}
