/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of sticky picks: weights by chi-square over many clients, how many clients move when members come, go
 * or are held, groups with a share, and that nobody who does not serve is ever picked. */
#include "config.h"

#include "sticky_world.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { MEMBERS = 200, CLIENTS = 100000, NOW_MS = STICKY_NOW_MS };

/* One tier of members alike, but for the last one. */
struct plan {
    uint16_t count, answers;
    uint16_t weight; /* of all but the last member */
    uint16_t last_weight;
    uint32_t hold_ms;
    double canary; /* share of the last member */
    uint16_t skip; /* leave this member out */
};

static struct sticky_plan make_plan(const struct plan *plan)
{
    return (struct sticky_plan){.groups = {{.count = (uint16_t)(plan->count - 1), .weight = plan->weight},
                                           {.count = 1, .weight = plan->last_weight, .share = plan->canary}},
                                .answers = plan->answers,
                                .hold_ms = plan->hold_ms,
                                .skip = plan->skip};
}

static struct sticky_world *world_new(const struct plan *plan)
{
    const struct sticky_plan made = make_plan(plan);
    return sticky_world_new(&made);
}

static void world_plan(struct sticky_world *w, const struct plan *plan)
{
    const struct sticky_plan made = make_plan(plan);
    sticky_world_plan(w, &made);
}

/* The endpoint of the first answer. */
static uint32_t pick(struct sticky_world *w, uint32_t n)
{
    uint16_t out[STEER_ANSWERS_MAX];
    size_t count = steer_pick_sticky(w->policy, sticky_world_choose(w), sticky_world_key(w, n), out);
    assert_true(count >= 1);
    return w->policy->members[out[0]].endpoint;
}

static void pick_all(struct sticky_world *w, uint8_t *picked)
{
    for (uint32_t n = 0; n < CLIENTS; n++) {
        picked[n] = (uint8_t)pick(w, n);
    }
}

static unsigned count_moved(const uint8_t *before, const uint8_t *after)
{
    unsigned moved = 0;
    for (size_t n = 0; n < CLIENTS; n++) {
        moved += before[n] != after[n];
    }
    return moved;
}

/* ---- clients ---- */

static void clients_of_a_prefix_are_one(void **state)
{
    (void)state;
    struct sticky_world *w = world_new(&(struct plan){.count = 10, .weight = 1, .last_weight = 1});
    struct addr a, b, c, d;
    assert_int_equal(addr_parse("192.0.2.1", &a), 0);
    assert_int_equal(addr_parse("192.0.2.254", &b), 0);
    struct steer_key key = steer_find_key(w->policy, &a);
    assert_int_equal(key.prefix_len, 24);
    assert_true(key.key == steer_find_key(w->policy, &b).key);
    assert_int_equal(addr_parse("192.0.3.1", &b), 0);
    assert_true(key.key != steer_find_key(w->policy, &b).key);
    assert_int_equal(addr_parse("2001:db8:0:0:1::", &c), 0);
    assert_int_equal(addr_parse("2001:db8:0:ff::", &d), 0);
    assert_int_equal(steer_find_key(w->policy, &c).prefix_len, 56);
    assert_true(steer_find_key(w->policy, &c).key == steer_find_key(w->policy, &d).key);
    assert_int_equal(addr_parse("2001:db8:0:100::", &d), 0);
    assert_true(steer_find_key(w->policy, &c).key != steer_find_key(w->policy, &d).key);
    /* Servers of any version and machine have to agree: this number never changes. */
    assert_true(key.key == UINT64_C(0x6f4904ef38712771));
    sticky_world_free(w);
}

static double chi_square(const unsigned *seen, const double *expected, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double off = seen[i] - expected[i];
        sum += off * off / expected[i];
    }
    return sum;
}

static void weights_are_followed_exactly(void **state)
{
    (void)state;
    struct sticky_world *w = world_new(&(struct plan){.count = 10, .weight = 97, .last_weight = 5});
    unsigned seen[10] = {0};
    double expected[10], odds[10];
    for (uint32_t n = 0; n < CLIENTS * 10u; n++) {
        seen[pick(w, n)]++;
    }
    for (size_t i = 0; i < 10; i++) {
        expected[i] = (i == 9 ? 5.0 : 97.0) / (9 * 97 + 5) * CLIENTS * 10;
    }
    assert_true(chi_square(seen, expected, 10) < 44); /* 9 degrees: 1e-6 lies at 45 */
    steer_odds(w->policy, sticky_world_choose(w), odds);
    assert_true(odds[9] * CLIENTS * 10 - expected[9] < 1e-3);
    sticky_world_free(w);
}

/* ---- who moves ---- */

static void losing_one_moves_its_clients_only(void **state)
{
    (void)state;
    static const uint16_t counts[] = {2, 3, 10, 60, MEMBERS};
    uint8_t *before = memory_alloc(CLIENTS), *after = memory_alloc(CLIENTS), *again = memory_alloc(CLIENTS);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct sticky_world *w = world_new(&(struct plan){.count = counts[c], .weight = 1, .last_weight = 1});
        pick_all(w, before);
        sticky_world_set(w, 1, HEALTH_OBSERVED_UNHEALTHY);
        pick_all(w, after);
        unsigned moved = 0, seen[MEMBERS] = {0};
        double expected[MEMBERS];
        for (size_t n = 0; n < CLIENTS; n++) {
            assert_int_not_equal(after[n], 1);
            if (before[n] == 1) {
                moved++;
                seen[after[n]]++;
            } else {
                assert_int_equal(before[n], after[n]);
            }
        }
        double share = (double)moved / CLIENTS * counts[c];
        print_message("# %u members: %.4f of 1/N moved\n", counts[c], share);
        assert_true(share > 0.8 && share < 1.2);
        for (size_t i = 0; i < counts[c]; i++) {
            expected[i] = i == 1 ? 1e9 : (double)moved / (counts[c] - 1);
        }
        seen[1] = (unsigned)1e9;
        if (counts[c] == 10) { /* to all others alike */
            assert_true(chi_square(seen, expected, 10) < 44);
        }
        sticky_world_set(w, 1, HEALTH_OBSERVED_HEALTHY);
        pick_all(w, again);
        assert_memory_equal(before, again, CLIENTS);
        sticky_world_free(w);
    }
    free(before);
    free(after);
    free(again);
}

/* A reload with one endpoint less: tables are made anew, and most slots stay where they were. */
static void one_less_in_the_configuration_moves_few(void **state)
{
    (void)state;
    uint8_t *before = memory_alloc(CLIENTS), *after = memory_alloc(CLIENTS);
    static const uint16_t counts[] = {3, 10, 60};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct plan plan = {.count = counts[c], .weight = 10, .last_weight = 10};
        struct sticky_world *w = world_new(&plan);
        pick_all(w, before);
        plan.skip = 1;
        world_plan(w, &plan);
        pick_all(w, after);
        double share = (double)count_moved(before, after) / CLIENTS * counts[c];
        print_message("# %u members, one removed: %.3f of 1/N moved\n", counts[c], share);
        assert_true(share > 0.8 && share < 2);
        sticky_world_free(w);
    }
    free(before);
    free(after);
}

static void several_answers_keep_their_order(void **state)
{
    (void)state;
    struct sticky_world *w =
        world_new(&(struct plan){.count = 8, .weight = 1, .last_weight = 3, .answers = 3});
    uint16_t before[STEER_ANSWERS_MAX], after[STEER_ANSWERS_MAX];
    for (uint32_t n = 0; n < 2000; n++) {
        uint64_t key = sticky_world_key(w, n);
        assert_int_equal(steer_pick_sticky(w->policy, sticky_world_choose(w), key, before), 3);
        assert_true(before[0] != before[1] && before[0] != before[2] && before[1] != before[2]);
        sticky_world_set(w, before[0], HEALTH_OBSERVED_UNHEALTHY);
        assert_int_equal(steer_pick_sticky(w->policy, sticky_world_choose(w), key, after), 3);
        assert_true(after[0] == before[1] && after[1] == before[2]); /* the next one comes up behind */
        sticky_world_set(w, before[0], HEALTH_OBSERVED_HEALTHY);
    }
    sticky_world_free(w);
}

/* ---- groups ---- */

static void a_canary_has_its_share_of_clients(void **state)
{
    (void)state;
    struct sticky_world *w =
        world_new(&(struct plan){.count = 6, .weight = 1, .last_weight = 1, .canary = 0.05});
    uint8_t *before = memory_alloc(CLIENTS), *after = memory_alloc(CLIENTS);
    unsigned canaries = 0;
    pick_all(w, before);
    for (size_t n = 0; n < CLIENTS; n++) {
        canaries += before[n] == 5;
    }
    assert_true(canaries > 4600 && canaries < 5400); /* 5000 expected, deviation 69 */
    sticky_world_set(w, 0, HEALTH_OBSERVED_UNHEALTHY);
    sticky_world_set(w, 1, HEALTH_OBSERVED_UNHEALTHY);
    pick_all(w,
             after); /* the share does not grow because others fail, and the canaries are the same clients */
    for (size_t n = 0; n < CLIENTS; n++) {
        assert_int_equal(before[n] == 5, after[n] == 5);
    }
    sticky_world_set(w, 5, HEALTH_OBSERVED_UNHEALTHY);
    pick_all(w, after);
    for (size_t n = 0; n < CLIENTS; n++) {
        assert_true(after[n] >= 2 && after[n] <= 4);
    }
    free(before);
    free(after);
    sticky_world_free(w);
}

/* ---- nobody else ---- */

static void only_what_serves_is_picked(void **state)
{
    (void)state;
    struct sticky_world *w =
        world_new(&(struct plan){.count = 50, .weight = 1, .last_weight = 0, .answers = 2});
    uint16_t out[STEER_ANSWERS_MAX];
    const uint32_t drained = (uint32_t)HEALTH_DESIRED_DRAIN << HEALTH_WORD_DESIRED_SHIFT;
    for (uint32_t left = 50; left > 0; left--) { /* drain one after another, the standby last */
        for (uint32_t n = 0; n < 500; n++) {
            size_t count = steer_pick_sticky(w->policy, sticky_world_choose(w), sticky_world_key(w, n), out);
            assert_int_equal(count, left > 2 ? 2 : 1);
            for (size_t i = 0; i < count; i++) {
                assert_int_equal(w->endpoints[out[i]], 0);
                assert_true(left == 1 || out[i] != 49);
            }
        }
        sticky_world_set(w, 50 - left, drained);
    }
    assert_int_equal(sticky_world_choose(w)->count, 0);
    assert_int_equal(steer_pick_sticky(w->policy, sticky_world_choose(w), 1, out), 0);
    sticky_world_free(w);
}

/* ---- holds ---- */

static void clients_return_when_the_hold_is_over(void **state)
{
    (void)state;
    struct sticky_world *w =
        world_new(&(struct plan){.count = 4, .weight = 1, .last_weight = 1, .hold_ms = 600});
    uint8_t *before = memory_alloc(CLIENTS), *after = memory_alloc(CLIENTS), *now = memory_alloc(CLIENTS);
    pick_all(w, before);
    sticky_world_set(w, 2, HEALTH_OBSERVED_UNHEALTHY);
    pick_all(w, after);
    w->now_ms = NOW_MS + 100;
    sticky_world_set(w, 2, HEALTH_OBSERVED_HEALTHY);
    pick_all(w, now);
    assert_memory_equal(now, after, CLIENTS); /* they stay where they are */
    assert_int_equal(sticky_world_choose(w)->made_ms + sticky_world_choose(w)->lasts_ms,
                     (uint32_t)(NOW_MS + 700));
    assert_int_equal(steer_find_hold(w->policy, &w->table, 2, HEALTH_V4, w->now_ms), NOW_MS + 700);
    w->now_ms = NOW_MS + 699;
    pick_all(w, now);
    assert_memory_equal(now, after, CLIENTS);
    w->now_ms = NOW_MS + 700; /* nothing changed but the time */
    pick_all(w, now);
    assert_memory_equal(now, before, CLIENTS);
    w->now_ms = NOW_MS + 1300;
    pick_all(w, now);
    assert_true(sticky_world_choose(w)->lasts_ms == UINT32_MAX);
    free(before);
    free(after);
    free(now);
    sticky_world_free(w);
}

static void who_is_held_is_better_than_nobody(void **state)
{
    (void)state;
    struct sticky_world *w =
        world_new(&(struct plan){.count = 3, .weight = 1, .last_weight = 1, .hold_ms = 600});
    w->azs_outage[0].left_ms = NOW_MS - 50;
    w->azs_outage[0].back_ms = NOW_MS - 10; /* the whole az came back */
    atomic_fetch_add(&w->table.generation, 1);
    assert_int_equal(sticky_world_choose(w)->count, 3);
    assert_int_equal(sticky_world_choose(w)->source, STEER_FROM_TIER);
    w->azs_outage[0].left_ms = w->azs_outage[0].back_ms = 0;
    w->endpoints_outage[1][HEALTH_V4].left_ms = NOW_MS - 20;
    w->endpoints_outage[1][HEALTH_V4].back_ms = NOW_MS - 10;
    atomic_fetch_add(&w->table.generation, 1);
    assert_int_equal(sticky_world_choose(w)->count, 2);
    w->now_ms = NOW_MS - 6000; /* a clock that was set back ends it */
    atomic_fetch_add(&w->table.generation, 1);
    assert_int_equal(sticky_world_choose(w)->count, 3);
    sticky_world_free(w);
}

/* ---- sharing ---- */

static void equal_groups_share_a_table(void **state)
{
    (void)state;
    struct sticky_world *w = world_new(&(struct plan){.count = 5, .weight = 1, .last_weight = 1});
    const struct steer_table *table = w->policy->classes[0].tiers[0].groups[0].table;
    assert_non_null(table);
    world_plan(w, &(struct plan){.count = 5, .weight = 1, .last_weight = 1, .answers = 2});
    assert_int_equal(steer_set_count(w->set), 2);
    assert_ptr_equal(w->policy->classes[0].tiers[0].groups[0].table, table);
    world_plan(w, &(struct plan){.count = 5, .weight = 1, .last_weight = 2});
    assert_ptr_not_equal(w->policy->classes[0].tiers[0].groups[0].table, table);
    world_plan(w, &(struct plan){.count = 5, .weight = 1, .last_weight = 1});
    assert_int_equal(w->policy->id, 0); /* known as it was entered, table or not */
    sticky_world_free(w);
}

static void huge_groups_have_a_table_too(void **state)
{
    (void)state;
    enum { COUNT = STEER_MEMBERS_MAX };
    struct steer_member *members = memory_alloc_array(COUNT, sizeof *members);
    struct steer_place *places = memory_alloc_array(COUNT, sizeof *places);
    _Atomic uint32_t *endpoints = memory_alloc_array(COUNT, sizeof *endpoints);
    uint16_t *indices = memory_alloc_array(COUNT, sizeof *indices);
    for (uint32_t i = 0; i < COUNT; i++) {
        members[i] =
            (struct steer_member){.endpoint = i, .weight = (uint16_t)(1 + i % 100), .types = STEER_HAS_A};
        places[i].identity = UINT64_C(0x9e3779b97f4a7c15) * (i + 1);
        indices[i] = (uint16_t)i;
    }
    struct steer_tier tier = {.label = "all", .members = indices, .count = COUNT};
    struct steer_class class = {.label = "default", .tiers = &tier, .tier_count = 1};
    struct steer_set *set = steer_set_new();
    steer_set_add(set,
                  &(struct steer_policy){.pick = STEER_PICK_STICKY,
                                         .answers = 64,
                                         .member_count = COUNT,
                                         .class_count = 1,
                                         .members = members,
                                         .places = places,
                                         .classes = &class,
                                         .sticky = {24, 56, 0}},
                  NULL, 0);
    struct sticky_world *w = world_new(&(struct plan){.count = 2, .weight = 1, .last_weight = 1});
    w->table.endpoints = endpoints;
    struct steer_cache *cache = steer_cache_new(set);
    const struct steer_policy *policy = steer_set_get(set, 0);
    struct steer_choice *choice =
        steer_cache_get(cache, policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table);
    uint16_t out[STEER_ANSWERS_MAX];
    for (uint32_t n = 0; n < 1000; n++) {
        assert_int_equal(steer_pick_sticky(policy, choice, sticky_world_key(w, n), out), 64);
    }
    steer_cache_free(cache);
    steer_set_free(set);
    sticky_world_free(w);
    free(members);
    free(places);
    free(endpoints);
    free(indices);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_of_a_prefix_are_one),
        cmocka_unit_test(weights_are_followed_exactly),
        cmocka_unit_test(losing_one_moves_its_clients_only),
        cmocka_unit_test(one_less_in_the_configuration_moves_few),
        cmocka_unit_test(several_answers_keep_their_order),
        cmocka_unit_test(a_canary_has_its_share_of_clients),
        cmocka_unit_test(only_what_serves_is_picked),
        cmocka_unit_test(clients_return_when_the_hold_is_over),
        cmocka_unit_test(who_is_held_is_better_than_nobody),
        cmocka_unit_test(equal_groups_share_a_table),
        cmocka_unit_test(huge_groups_have_a_table_too),
    };
    return cmocka_run_group_tests_name("steer_sticky", tests, NULL, NULL);
}
