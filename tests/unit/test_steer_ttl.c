/* SPDX-License-Identifier: BSD-3-Clause
 *
 * TTLs of overrides: who lies in the client's tiers has one, the least counts, the floor holds, and what is
 * narrower and in force decides alone. */
#include "config.h"

#include "steer_world.h"

#define DRAINED ((uint32_t)HEALTH_DESIRED_DRAIN << HEALTH_WORD_DESIRED_SHIFT)
#define PARTLY  (UINT32_C(20) << HEALTH_WORD_RAMP_SHIFT | HEALTH_WORD_RAMPING)
#define UP      ((uint32_t)HEALTH_DESIRED_UP << HEALTH_WORD_DESIRED_SHIFT)

struct ttls {
    struct health_marks all;
    _Atomic uint32_t endpoints[MEMBERS], azs[MEMBERS / 2], regions[TIERS];
};

struct place {
    struct world *world;
    struct ttls ttls;
};

static void open_place(struct place *p)
{
    *p = (struct place){.world = world_new()};
    p->ttls.all = (struct health_marks){
        .endpoints = p->ttls.endpoints, .azs = p->ttls.azs, .regions = p->ttls.regions, .count = 1};
    p->world->table.ttls = &p->ttls.all;
}

static uint32_t ttl_of(const struct place *p)
{
    struct world *w = p->world;
    const struct steer_ask ask = {.types = STEER_HAS_A};
    steer_evaluate(&w->policy, ask, &w->table, &w->choice, NULL);
    uint32_t ttl = w->choice.ttl;
    steer_evaluate(&w->policy, ask, &w->table, &w->choice, &w->trace);
    assert_int_equal(w->choice.ttl, ttl); /* a trace changes nothing */
    return ttl;
}

static void the_least_of_all_tiers_counts(void **state)
{
    (void)state;
    struct place p;
    open_place(&p);
    struct world *w = p.world;
    assert_int_equal(ttl_of(&p), STEER_TTL_FREE);
    assert_true(w->choice.is_simple);
    w->azs[7] = DRAINED; /* of the last tier, which is not needed */
    p.ttls.azs[7] = health_ttl_make(30);
    assert_int_equal(ttl_of(&p), 30);
    assert_false(w->choice.is_simple);
    assert_int_equal(w->choice.count, EACH); /* answers are as before */
    assert_int_equal(w->trace.limited_by, HEALTH_AZ);
    assert_int_equal(steer_get_place(&w->policy, (size_t)w->trace.limited)->az, 7);
    w->regions[0] = HEALTH_WORD_PLANNED;
    p.ttls.regions[0] = health_ttl_make(10);
    assert_int_equal(ttl_of(&p), 10);
    assert_int_equal(w->trace.limited_by, HEALTH_REGION);
    p.ttls.regions[0] = health_ttl_make(0); /* a TTL like any other */
    assert_int_equal(ttl_of(&p), 0);
    p.ttls.all.count = 0; /* then nobody looks */
    assert_int_equal(ttl_of(&p), STEER_TTL_FREE);
    world_free(w);
}

static void the_narrowest_in_force_decides_alone(void **state)
{
    (void)state;
    struct place p;
    open_place(&p);
    struct world *w = p.world;
    w->regions[0] = DRAINED;
    p.ttls.regions[0] = health_ttl_make(10);
    for (size_t i = 0; i < EACH; i++) {
        assert_int_equal(ttl_of(&p), 10);
        w->endpoints[i] = UP; /* at last nobody is left who follows the region */
    }
    assert_int_equal(ttl_of(&p), STEER_TTL_FREE);
    p.ttls.endpoints[2] = health_ttl_make(20);
    assert_int_equal(ttl_of(&p), 20);
    assert_int_equal(w->trace.limited_by, HEALTH_ENDPOINT);
    w->endpoints[2] = HEALTH_WORD_PLANNED; /* what is planned decides nothing yet, so both count */
    assert_int_equal(ttl_of(&p), 10);
    world_free(w);
}

static void the_floor_holds_and_policies_may_say_less(void **state)
{
    (void)state;
    struct place p;
    open_place(&p);
    struct world *w = p.world;
    w->endpoints[0] = DRAINED;
    p.ttls.endpoints[0] = health_ttl_make(2);
    w->policy.ttl_floor = 5;
    assert_int_equal(ttl_of(&p), 5);
    assert_int_equal(w->trace.limited, 0);
    w->policy.has_ttl_failing = true;
    w->policy.ttl_failing = 5;
    assert_int_equal(ttl_of(&p), 5);
    assert_int_equal(w->trace.limited, -1); /* it would be as short without */
    assert_int_equal(w->trace.failing, 0);
    w->policy.ttl_failing = 7;
    assert_int_equal(ttl_of(&p), 5);
    assert_int_equal(w->trace.limited, 0);
    assert_int_equal(w->trace.failing, -1);
    p.ttls.endpoints[0] = health_ttl_make(60);
    assert_int_equal(ttl_of(&p), 7);
    world_free(w);
}

static void of_some_names_it_limits_these(void **state)
{
    (void)state;
    struct place p;
    struct health_scope regions[TIERS] = {{.groups = 2, .wish = DRAINED}};
    struct health_scopes scopes = {.regions = regions,
                                   .azs = (struct health_scope[MEMBERS / 2]){{.groups = 0}},
                                   .endpoints = (struct health_scope[MEMBERS]){{.groups = 0}}};
    open_place(&p);
    struct world *w = p.world;
    w->table.scopes = &scopes;
    w->regions[0] = HEALTH_WORD_SCOPED;
    p.ttls.regions[0] = health_ttl_make(10);
    assert_int_equal(ttl_of(&p), STEER_TTL_FREE);
    w->policy.group = 1;
    assert_int_equal(ttl_of(&p), STEER_TTL_FREE);
    w->policy.group = 2;
    assert_int_equal(ttl_of(&p), 10);
    world_free(w);
}

/* It is about to be whole, or to end, so ttl_failing counts as for what is planned. */
static void a_drain_in_part_is_about_to_change(void **state)
{
    (void)state;
    struct place p;
    open_place(&p);
    struct world *w = p.world;
    w->azs[7] = PARTLY; /* of the last tier, which is not needed */
    p.ttls.azs[7] = HEALTH_TTL_PARTLY;
    assert_int_equal(ttl_of(&p), STEER_TTL_FREE); /* the policy has none */
    w->policy.has_ttl_failing = true;
    w->policy.ttl_failing = 7;
    assert_int_equal(ttl_of(&p), 7);
    assert_int_equal(w->trace.failing, -1);
    assert_int_equal(steer_get_place(&w->policy, (size_t)w->trace.planned)->az, 7);
    assert_int_equal(w->trace.planned_by, HEALTH_AZ);
    p.ttls.azs[7] = HEALTH_TTL_PARTLY | health_ttl_make(5); /* of its own */
    assert_int_equal(ttl_of(&p), 5);
    assert_int_equal(w->trace.limited_by, HEALTH_AZ);
    assert_int_equal(w->trace.planned, -1);
    p.ttls.azs[7] = HEALTH_TTL_PARTLY | health_ttl_make(60);
    assert_int_equal(ttl_of(&p), 7);
    w->azs[7] = 0; /* what if it ended? */
    p.ttls.azs[7] = HEALTH_TTL_PARTLY;
    assert_int_equal(ttl_of(&p), STEER_TTL_FREE);
    w->azs[7] = PARTLY;
    for (size_t i = 0; i < MEMBERS; i++) {
        w->endpoints[i] = UP; /* nobody is left who follows the az */
    }
    assert_int_equal(ttl_of(&p), STEER_TTL_FREE);
    world_free(w);
}

static void in_part_for_some_names_it_is_so_for_these(void **state)
{
    (void)state;
    struct place p;
    struct health_scope regions[TIERS] = {{.groups = 2, .wish = PARTLY}};
    struct health_scopes scopes = {.regions = regions,
                                   .azs = (struct health_scope[MEMBERS / 2]){{.groups = 0}},
                                   .endpoints = (struct health_scope[MEMBERS]){{.groups = 0}}};
    open_place(&p);
    struct world *w = p.world;
    w->table.scopes = &scopes;
    w->regions[0] = HEALTH_WORD_SCOPED;
    p.ttls.regions[0] = HEALTH_TTL_PARTLY;
    w->policy.has_ttl_failing = true;
    w->policy.ttl_failing = 7;
    assert_int_equal(ttl_of(&p), STEER_TTL_FREE);
    w->policy.group = 1;
    assert_int_equal(ttl_of(&p), STEER_TTL_FREE);
    w->policy.group = 2;
    assert_int_equal(ttl_of(&p), 7);
    assert_int_equal(w->trace.planned_by, HEALTH_REGION);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_of_all_tiers_counts),
        cmocka_unit_test(the_narrowest_in_force_decides_alone),
        cmocka_unit_test(the_floor_holds_and_policies_may_say_less),
        cmocka_unit_test(of_some_names_it_limits_these),
        cmocka_unit_test(a_drain_in_part_is_about_to_change),
        cmocka_unit_test(in_part_for_some_names_it_is_so_for_these),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
