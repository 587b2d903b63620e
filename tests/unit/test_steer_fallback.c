/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of fallback "first": whoever serves, tier by tier, and whom it offers where nobody does. */
#include "config.h"

#include "steer_world.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static struct world *new_world(void)
{
    struct world *w = world_new();
    w->policy.fallback = STEER_FALLBACK_FIRST;
    return w;
}

static uint32_t overridden(enum health_desired desired)
{
    return HEALTH_OBSERVED_HEALTHY | (uint32_t)desired << HEALTH_WORD_DESIRED_SHIFT;
}

static void expect(struct world *w, enum steer_source source, uint16_t tier, const char *members)
{
    char text[256] = "";
    steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, NULL);
    assert_string_equal(steer_source_text(w->choice.source), steer_source_text(source));
    for (size_t i = 0; i < w->choice.count; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%u", i == 0 ? "" : " ",
                 w->choice.members[i]);
    }
    assert_string_equal(text, members);
    if (steer_source_has_tier(source)) {
        assert_int_equal(w->choice.tier, tier);
    }
}

static void whoever_serves_tier_by_tier(void **state)
{
    (void)state;
    struct world *w = new_world();
    for (size_t t = 0; t < TIERS; t++) {
        w->tiers[t].min_healthy.share = 0.75;
        w->tiers[t].spill_below.share = 1;
        lose(w, t, 2);
    }
    expect(w, STEER_FROM_FIRST, 0, "2 3");
    assert_string_equal(steer_source_text(STEER_FROM_FIRST), "first");
    steer_evaluate(&w->policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &w->choice, &w->trace);
    assert_true(is_near(w->traced[0].share, 1) && !w->traced[0].qualifies && w->traced[1].share <= 0);
    assert_false(w->choice.is_simple); /* it is counted */
    lose(w, 0, 4);
    expect(w, STEER_FROM_FIRST, 1, "6 7");
    w->endpoints[6] = overridden(HEALTH_DESIRED_DRAIN);
    expect(w, STEER_FROM_FIRST, 1, "7");
    lose(w, 3, 1); /* enough: no fallback */
    expect(w, STEER_FROM_TIER, 3, "13 14 15");
    world_free(w);
}

static void nobody_serves(void **state)
{
    (void)state;
    struct world *w = new_world();
    for (size_t t = 0; t < TIERS; t++) {
        lose(w, t, 4);
    }
    expect(w, STEER_FROM_SICK, 0, "0 1 2 3");
    assert_string_equal(steer_source_text(STEER_FROM_SICK), "first_sick");
    w->endpoints[1] = overridden(HEALTH_DESIRED_DRAIN);
    expect(w, STEER_FROM_SICK, 0, "0 2 3");
    w->regions[0] = overridden(HEALTH_DESIRED_DRAIN); /* of the first tier nobody is left */
    expect(w, STEER_FROM_SICK, 1, "4 5 6 7");
    for (size_t t = 0; t < TIERS; t++) {
        w->regions[t] = overridden(HEALTH_DESIRED_DRAIN);
    }
    expect(w, STEER_FROM_NODATA, 0, "");
    world_free(w);
}

/* Checks may be mistaken where all of them fail, an operator is not; but only drain means nothing at all. */
static void down_is_what_is_offered_last(void **state)
{
    (void)state;
    struct world *w = new_world();
    for (size_t t = 0; t < TIERS; t++) {
        lose(w, t, 4);
    }
    w->endpoints[0] = overridden(HEALTH_DESIRED_DOWN);
    expect(w, STEER_FROM_SICK, 0, "1 2 3");
    w->regions[0] = overridden(HEALTH_DESIRED_DOWN);
    expect(w, STEER_FROM_SICK, 1, "4 5 6 7");
    for (size_t t = 1; t < TIERS; t++) {
        w->regions[t] = overridden(HEALTH_DESIRED_DOWN);
    }
    w->endpoints[2] = overridden(HEALTH_DESIRED_DRAIN);
    expect(w, STEER_FROM_SICK, 0, "0 1 3");
    w->endpoints[14] = overridden(HEALTH_DESIRED_UP);
    expect(w, STEER_FROM_TIER, 3, "14");
    world_free(w);
}

/* A standby that may not be writable gets nothing while there is somebody with a weight in its tier. */
static void standbys_and_groups_are_as_in_a_tier(void **state)
{
    (void)state;
    struct world *w = new_world();
    const struct steer_group groups[] = {{.count = 3}, {.count = 1, .share = 0.1}};
    w->tiers[0].groups = groups;
    w->tiers[0].group_count = 2;
    w->members[1].weight = 0;
    struct steer_room room = steer_find_room(&w->policy, 0);
    void *memory = memory_alloc(steer_room_size(room));
    steer_choice_init(&w->choice, room, memory);
    for (size_t t = 0; t < TIERS; t++) {
        lose(w, t, 4);
    }
    expect(w, STEER_FROM_SICK, 0, "0 2 3");
    assert_int_equal(w->choice.part_count, 2);
    assert_true(is_near(w->choice.parts[1].share, 0.1));
    w->tiers[0].min_healthy.count = 4;
    w->endpoints[0] = w->endpoints[1] = HEALTH_OBSERVED_HEALTHY;
    expect(w, STEER_FROM_FIRST, 0, "0");
    w->endpoints[0] = HEALTH_OBSERVED_UNHEALTHY;
    expect(w, STEER_FROM_FIRST, 0, "1");
    world_free(w);
    free(memory);
}

/* A rule's tiers are looked through first, then the rest of the name, unless a fence keeps answers in. */
static void behind_the_tiers_is_the_rest(void **state)
{
    (void)state;
    struct world *w = new_world();
    const struct steer_tier rest = {.label = "others", .members = w->indices, .count = MEMBERS};
    w->class.tier_count = 1;
    lose(w, 0, 4);
    expect(w, STEER_FROM_SICK, 0, "0 1 2 3");
    w->class.rest = &rest;
    lose(w, 1, 3);
    lose(w, 2, 4);
    lose(w, 3, 4);
    expect(w, STEER_FROM_FIRST, 1, "7");
    expect_shares(w, 0, 0, 0, 0);
    lose(w, 1, 4);
    expect(w, STEER_FROM_SICK, 0, "0 1 2 3");
    w->regions[0] = overridden(HEALTH_DESIRED_DRAIN);
    expect(w, STEER_FROM_SICK, 1, "4 5 6 7 8 9 10 11 12 13 14 15");
    struct steer_room room = steer_find_room(&w->policy, 0);
    assert_int_equal(room.members, MEMBERS);
    world_free(w);
}

/* A host name that has no addresses is nowhere, however it is. */
static void nowhere_is_passed_over(void **state)
{
    (void)state;
    struct world *w = new_world();
    for (size_t t = 0; t < TIERS; t++) {
        lose(w, t, 4);
    }
    for (size_t i = 0; i < EACH; i++) {
        w->members[i].has_host = 1;
        w->members[i].types = 0;
    }
    expect(w, STEER_FROM_SICK, 1, "4 5 6 7");
    w->endpoints[3] |= HEALTH_WORD_RESOLVED_V4;
    expect(w, STEER_FROM_SICK, 0, "3");
    world_free(w);
}

static void a_pool_comes_first(void **state)
{
    (void)state;
    struct world *w = new_world();
    struct steer_tier pool = w->tiers[3];
    w->class.tier_count = 2;
    w->class.pool = &pool;
    w->tiers[0].min_healthy.count = w->tiers[1].min_healthy.count = 4;
    lose(w, 0, 1);
    lose(w, 1, 1);
    expect(w, STEER_FROM_POOL, 0, "12 13 14 15");
    lose(w, 3, 4);
    expect(w, STEER_FROM_FIRST, 0, "1 2 3");
    world_free(w);
}

/* Clients of a sticky policy stay where they were when steering loses its sight. */
static void a_loss_of_sight_moves_no_client(void **state)
{
    (void)state;
    struct world *w = new_world();
    uint16_t before[STEER_ANSWERS_MAX], after[STEER_ANSWERS_MAX];
    for (uint32_t i = 0; i < MEMBERS; i++) {
        w->places[i].identity = 7 + i;
    }
    w->policy.pick = STEER_PICK_STICKY;
    w->policy.sticky.v4_len = 24;
    struct steer_set *set = steer_set_new();
    const struct steer_policy *policy = steer_set_get(set, steer_set_add(set, &w->policy, NULL, 0));
    struct steer_room room = steer_find_room(policy, 0);
    void *memory[] = {memory_alloc(steer_room_size(room)), memory_alloc(steer_room_size(room))};
    struct steer_choice calm, blind;
    steer_choice_init(&calm, room, memory[0]);
    steer_choice_init(&blind, room, memory[1]);
    steer_evaluate(policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &calm, NULL);
    for (size_t t = 0; t < TIERS; t++) {
        lose(w, t, 4);
    }
    steer_evaluate(policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table, &blind, NULL);
    assert_int_equal(blind.source, STEER_FROM_SICK);
    for (uint64_t key = 1; key < 5000; key++) {
        (void)steer_pick_sticky(policy, &calm, key * UINT64_C(0x9e3779b97f4a7c15), before);
        (void)steer_pick_sticky(policy, &blind, key * UINT64_C(0x9e3779b97f4a7c15), after);
        assert_int_equal(before[0], after[0]);
    }
    free(memory[0]);
    free(memory[1]);
    steer_set_free(set);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_serves_tier_by_tier),
        cmocka_unit_test(nobody_serves),
        cmocka_unit_test(down_is_what_is_offered_last),
        cmocka_unit_test(standbys_and_groups_are_as_in_a_tier),
        cmocka_unit_test(behind_the_tiers_is_the_rest),
        cmocka_unit_test(nowhere_is_passed_over),
        cmocka_unit_test(a_pool_comes_first),
        cmocka_unit_test(a_loss_of_sight_moves_no_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
