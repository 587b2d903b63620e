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
        cmocka_unit_test(other_types_need_any_family),
        cmocka_unit_test(a_family_shortens_its_own_ttl),
    };
    return cmocka_run_group_tests_name("steer_families", tests, NULL, NULL);
}
