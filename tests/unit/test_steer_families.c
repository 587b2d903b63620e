/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of families apart: each type of record goes where its family works. */
#include "config.h"

#include "steer_world.h"

/* Who is well, but for one of the families. */
static uint32_t word_without(enum health_family family)
{
    return HEALTH_OBSERVED_HEALTHY | (uint32_t)(HEALTH_OBSERVED_HEALTHY ^ HEALTH_OBSERVED_UNHEALTHY)
                                         << (HEALTH_WORD_FAMILIES_SHIFT + 2 * (unsigned)family);
}

static const struct steer_choice *ask_for(struct world *w, uint16_t type)
{
    steer_evaluate(&w->policy, (struct steer_ask){.types = type}, &w->table, &w->choice, &w->trace);
    return &w->choice;
}

static void each_family_goes_where_it_works(void **state)
{
    (void)state;
    struct world *w = world_new();
    lose(w, 0, 0);
    lose(w, 1, 0);
    w->endpoints[2] = word_without(HEALTH_V6);
    assert_int_equal(ask_for(w, STEER_HAS_A)->count, EACH);
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->count, EACH - 1); /* it leaves AAAA alone */
    assert_int_equal(w->traced[0].serving, EACH - 1);
    for (size_t i = 0; i < EACH; i++) {
        w->endpoints[i] = word_without(HEALTH_V6);
    }
    assert_int_equal(ask_for(w, STEER_HAS_A)->tier, 0);
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->tier, 1);
    for (size_t i = 0; i < EACH; i++) {
        w->endpoints[i] = word_without(HEALTH_V4);
    }
    assert_int_equal(ask_for(w, STEER_HAS_A)->tier, 1);
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->tier, 0);
    w->azs[0] = w->azs[1] = HEALTH_OBSERVED_UNHEALTHY; /* what is lost as a whole is lost for both */
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->tier, 1);
    world_free(w);
}

/* One of the first tier has IPv6, and of the next one all. */
static struct world *make_mixed(void)
{
    struct world *w = world_new();
    lose(w, 0, 0);
    lose(w, 1, 0);
    for (size_t i = 1; i < EACH; i++) {
        w->members[i].types = STEER_HAS_A;
    }
    return w;
}

/* Who has no IPv6 says nothing about it: whose fails is missing as if the tier had nobody else. */
static void who_lacks_a_family_does_not_hide_that_it_fails(void **state)
{
    (void)state;
    struct world *w = make_mixed();
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->tier, 0);
    assert_int_equal(w->choice.count, 1);
    assert_int_equal(w->traced[0].members, 1);
    w->endpoints[0] = word_without(HEALTH_V6);
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->tier, 1);
    assert_int_equal(w->choice.count, EACH);
    assert_int_equal(ask_for(w, STEER_HAS_A)->tier, 0);
    assert_int_equal(w->choice.count, EACH);
    w->endpoints[0] = HEALTH_OBSERVED_HEALTHY;
    for (size_t i = 1; i < EACH; i++) {
        w->endpoints[i] = HEALTH_OBSERVED_UNHEALTHY;
    }
    w->tiers[0].min_healthy = (struct steer_need){.share = 0.5};
    assert_int_equal(ask_for(w, STEER_HAS_A)->tier, 1);
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->tier, 0); /* all of its IPv6 is there */
    world_free(w);
}

/* Without any there is nothing that could fail: no AAAA, and clients take A, in the same place. */
static void a_tier_without_a_family_has_no_answer_and_gives_none_away(void **state)
{
    (void)state;
    struct world *w = make_mixed();
    w->members[0].types = STEER_HAS_A;
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->count, 0);
    assert_int_equal(w->choice.source, STEER_FROM_TIER);
    lose(w, 0, EACH);
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->tier, 1);
    assert_int_equal(w->choice.count, EACH);
    world_free(w);
}

static void a_standby_stands_in_for_a_family(void **state)
{
    (void)state;
    struct world *w = make_mixed();
    w->members[3] = (struct steer_member){.endpoint = 3, .types = STEER_HAS_A | STEER_HAS_AAAA};
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->members[0], 0);
    w->endpoints[0] = word_without(HEALTH_V6);
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->tier, 0);
    assert_int_equal(w->choice.count, 1);
    assert_int_equal(w->choice.members[0], 3);
    assert_int_equal(ask_for(w, STEER_HAS_A)->count, EACH - 1);
    w->endpoints[3] = word_without(HEALTH_V6);
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->tier, 1);
    w->endpoints[3] = HEALTH_OBSERVED_HEALTHY;
    w->members[0].types = STEER_HAS_A; /* who is not needed is no reason for AAAA */
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->count, 0);
    assert_int_equal(w->choice.source, STEER_FROM_TIER);
    world_free(w);
}

/* Nobody's tier suffices: whoever has the family and is well, and only then who is not. */
static void a_fallback_looks_for_the_family(void **state)
{
    (void)state;
    struct world *w = make_mixed();
    w->policy.fallback = STEER_FALLBACK_FIRST;
    w->tiers[0].min_healthy = w->tiers[1].min_healthy = (struct steer_need){.count = EACH + 1};
    w->tiers[2].min_healthy = w->tiers[3].min_healthy = w->tiers[0].min_healthy;
    w->endpoints[0] = word_without(HEALTH_V6);
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->source, STEER_FROM_FIRST);
    assert_int_equal(w->choice.tier, 1);
    assert_int_equal(ask_for(w, STEER_HAS_A)->tier, 0);
    world_free(w);
}

/* Behind the tiers stand those that are in none, whoever else is in the list. */
static void what_is_behind_the_tiers_counts_by_itself(void **state)
{
    (void)state;
    struct world *w = make_mixed();
    const struct steer_tier all = {.label = "others", .members = w->indices, .count = EACH + 1};
    w->class.tier_count = 1;
    w->class.rest = &all;
    w->policy.fallback = STEER_FALLBACK_FIRST;
    w->members[EACH].types = STEER_HAS_A;
    w->endpoints[0] = word_without(HEALTH_V6);
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->count, 0); /* nothing has failed there */
    assert_int_equal(w->choice.source, STEER_FROM_FIRST);
    w->endpoints[EACH] = HEALTH_OBSERVED_UNHEALTHY;
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->source, STEER_FROM_SICK);
    assert_int_equal(w->choice.members[0], 0);
    w->members[EACH].types = STEER_HAS_A | STEER_HAS_AAAA;
    w->endpoints[EACH] = HEALTH_OBSERVED_HEALTHY;
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->source, STEER_FROM_FIRST);
    assert_int_equal(w->choice.members[0], EACH);
    world_free(w);
}

/* Records of other types lead to names whose addresses are looked up then. */
static void other_types_need_any_family(void **state)
{
    (void)state;
    struct world *w = world_new();
    const uint16_t mx = 1u << STEER_TYPES_FIXED;
    lose(w, 0, EACH);
    lose(w, 1, 0);
    for (size_t i = 0; i < MEMBERS; i++) {
        w->members[i].types = mx;
    }
    w->endpoints[0] = word_without(HEALTH_V6);
    w->endpoints[1] = word_without(HEALTH_V4);
    const struct steer_choice *choice = ask_for(w, mx);
    assert_int_equal(choice->tier, 0);
    assert_int_equal(choice->count, 2);
    world_free(w);
}

static void a_family_shortens_its_own_ttl(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->policy.has_ttl_failing = true;
    w->policy.ttl_failing = 5;
    lose(w, 0, 0);
    w->endpoints[1] |= HEALTH_WORD_WAVERS_V6;
    assert_int_equal(ask_for(w, STEER_HAS_A)->ttl, STEER_TTL_FREE);
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->ttl, 5);
    w->endpoints[1] = word_without(HEALTH_V4);
    assert_int_equal(ask_for(w, STEER_HAS_A)->ttl, 5);
    assert_int_equal(ask_for(w, STEER_HAS_AAAA)->ttl, STEER_TTL_FREE);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_family_goes_where_it_works),
        cmocka_unit_test(who_lacks_a_family_does_not_hide_that_it_fails),
        cmocka_unit_test(a_tier_without_a_family_has_no_answer_and_gives_none_away),
        cmocka_unit_test(a_standby_stands_in_for_a_family),
        cmocka_unit_test(a_fallback_looks_for_the_family),
        cmocka_unit_test(what_is_behind_the_tiers_counts_by_itself),
        cmocka_unit_test(other_types_need_any_family),
        cmocka_unit_test(a_family_shortens_its_own_ttl),
    };
    return cmocka_run_group_tests_name("steer_families", tests, NULL, NULL);
}
