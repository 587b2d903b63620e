/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of sticky picks: weights by chi-square over many clients, how many clients move when members come, go
 * or are held, groups with a share, and that nobody who does not serve is ever picked. */
#include "config.h"

#include "unit.h"

#include "steer/steer.h"

#include "base/arena.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS = 200, CLIENTS = 100000, NOW_MS = 1000000000 };

struct world {
    _Atomic uint32_t endpoints[MEMBERS], azs[1], regions[1];
    struct health_outage endpoints_outage[MEMBERS][HEALTH_VIEWS], azs_outage[1], regions_outage[1];
    struct health_table table;
    struct steer_place places[MEMBERS];
    struct steer_set *set;
    struct steer_cache *cache;
    const struct steer_policy *policy;
    uint64_t now_ms;
};

/* What a test may vary. */
struct plan {
    uint16_t count, answers;
    uint16_t weight; /* of all but the last member */
    uint16_t last_weight;
    uint32_t hold_ms;
    double canary; /* share of the last member */
    uint16_t skip; /* leave this member out */
};

static void world_plan(struct world *w, const struct plan *plan)
{
    struct steer_member members[MEMBERS];
    uint16_t indices[MEMBERS];
    uint16_t count = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        if (plan->skip != 0 && i == plan->skip) {
            continue;
        }
        members[count] =
            (struct steer_member){.endpoint = i,
                                  .weight = i + 1u == plan->count ? plan->last_weight : plan->weight,
                                  .types = STEER_HAS_A};
        w->places[i].identity = 0x12345u * (i + 1);
        indices[count] = count;
        count++;
    }
    struct steer_group groups[2] = {{.count = (uint16_t)(count - 1)}, {.count = 1, .share = plan->canary}};
    struct steer_tier tier = {.label = "all", .members = indices, .count = count};
    if (plan->canary > 0) {
        tier.groups = groups;
        tier.group_count = 2;
    }
    struct steer_class class = {.label = "default", .tiers = &tier, .tier_count = 1};
    uint32_t id = steer_set_add(w->set,
                                &(struct steer_policy){.pick = STEER_PICK_STICKY,
                                                       .answers = plan->answers == 0 ? 1 : plan->answers,
                                                       .member_count = count,
                                                       .class_count = 1,
                                                       .members = members,
                                                       .places = w->places,
                                                       .classes = &class,
                                                       .sticky = {24, 56, plan->hold_ms}},
                                NULL, 0);
    w->policy = steer_set_get(w->set, id);
    steer_cache_free(w->cache);
    w->cache = steer_cache_new(w->set);
}

static struct world *world_new(const struct plan *plan)
{
    struct world *w = memory_alloc(sizeof *w);
    w->table = (struct health_table){.endpoint_count = MEMBERS,
                                     .az_count = 1,
                                     .region_count = 1,
                                     .endpoints = w->endpoints,
                                     .azs = w->azs,
                                     .regions = w->regions,
                                     .endpoints_outage = w->endpoints_outage,
                                     .azs_outage = w->azs_outage,
                                     .regions_outage = w->regions_outage};
    atomic_init(&w->table.generation, 1);
    w->now_ms = NOW_MS;
    w->set = steer_set_new();
    world_plan(w, plan);
    return w;
}

static void world_free(struct world *w)
{
    steer_cache_free(w->cache);
    steer_set_free(w->set);
    free(w);
}

static void set_word(struct world *w, size_t endpoint, uint32_t word)
{
    bool serves = !health_word_blocks(word);
    if (health_word_blocks(w->endpoints[endpoint]) == serves) {
        struct health_outage *outage = &w->endpoints_outage[endpoint][HEALTH_V4];
        *(serves ? &outage->back_ms : &outage->left_ms) = w->now_ms;
    }
    w->endpoints[endpoint] = word;
    atomic_fetch_add(&w->table.generation, 1);
}

static struct steer_choice *choose(struct world *w)
{
    struct steer_ask ask = {.now_ms = w->now_ms, .types = STEER_HAS_A};
    return steer_cache_get(w->cache, w->policy, ask, &w->table);
}

/* Client number n is a host in a /24 of its own. */
static struct steer_key key_of(const struct world *w, uint32_t n)
{
    struct addr addr = {.family = ADDR_V4,
                        .bytes = {(uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, (uint8_t)(n * 7)}};
    return steer_find_key(w->policy, &addr);
}

/* The endpoint of the first answer. */
static uint32_t pick(struct world *w, uint32_t n)
{
    uint16_t out[STEER_ANSWERS_MAX];
    size_t count = steer_pick_sticky(w->policy, choose(w), key_of(w, n).key, out);
    assert_true(count >= 1);
    return w->policy->members[out[0]].endpoint;
}

static void pick_all(struct world *w, uint8_t *picked)
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
    struct world *w = world_new(&(struct plan){.count = 10, .weight = 1, .last_weight = 1});
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
    world_free(w);
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
    struct world *w = world_new(&(struct plan){.count = 10, .weight = 97, .last_weight = 5});
    unsigned seen[10] = {0};
    double expected[10], odds[10];
    for (uint32_t n = 0; n < CLIENTS * 10u; n++) {
        seen[pick(w, n)]++;
    }
    for (size_t i = 0; i < 10; i++) {
        expected[i] = (i == 9 ? 5.0 : 97.0) / (9 * 97 + 5) * CLIENTS * 10;
    }
    assert_true(chi_square(seen, expected, 10) < 44); /* 9 degrees: 1e-6 lies at 45 */
    steer_odds(w->policy, choose(w), odds);
    assert_true(odds[9] * CLIENTS * 10 - expected[9] < 1e-3);
    world_free(w);
}

/* ---- who moves ---- */

static void losing_one_moves_its_clients_only(void **state)
{
    (void)state;
    static const uint16_t counts[] = {2, 3, 10, 60, MEMBERS};
    uint8_t *before = memory_alloc(CLIENTS), *after = memory_alloc(CLIENTS), *again = memory_alloc(CLIENTS);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        struct world *w = world_new(&(struct plan){.count = counts[c], .weight = 1, .last_weight = 1});
        pick_all(w, before);
        set_word(w, 1, HEALTH_OBSERVED_UNHEALTHY);
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
        set_word(w, 1, HEALTH_OBSERVED_HEALTHY);
        pick_all(w, again);
        assert_memory_equal(before, again, CLIENTS);
        world_free(w);
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
        struct world *w = world_new(&plan);
        pick_all(w, before);
        plan.skip = 1;
        world_plan(w, &plan);
        pick_all(w, after);
        double share = (double)count_moved(before, after) / CLIENTS * counts[c];
        print_message("# %u members, one removed: %.3f of 1/N moved\n", counts[c], share);
        assert_true(share > 0.8 && share < 2);
        world_free(w);
    }
    free(before);
    free(after);
}

static void several_answers_keep_their_order(void **state)
{
    (void)state;
    struct world *w = world_new(&(struct plan){.count = 8, .weight = 1, .last_weight = 3, .answers = 3});
    uint16_t before[STEER_ANSWERS_MAX], after[STEER_ANSWERS_MAX];
    for (uint32_t n = 0; n < 2000; n++) {
        uint64_t key = key_of(w, n).key;
        assert_int_equal(steer_pick_sticky(w->policy, choose(w), key, before), 3);
        assert_true(before[0] != before[1] && before[0] != before[2] && before[1] != before[2]);
        set_word(w, before[0], HEALTH_OBSERVED_UNHEALTHY);
        assert_int_equal(steer_pick_sticky(w->policy, choose(w), key, after), 3);
        assert_true(after[0] == before[1] && after[1] == before[2]); /* the next one comes up behind */
        set_word(w, before[0], HEALTH_OBSERVED_HEALTHY);
    }
    world_free(w);
}

/* ---- groups ---- */

static void a_canary_has_its_share_of_clients(void **state)
{
    (void)state;
    struct world *w = world_new(&(struct plan){.count = 6, .weight = 1, .last_weight = 1, .canary = 0.05});
    uint8_t *before = memory_alloc(CLIENTS), *after = memory_alloc(CLIENTS);
    unsigned canaries = 0;
    pick_all(w, before);
    for (size_t n = 0; n < CLIENTS; n++) {
        canaries += before[n] == 5;
    }
    assert_true(canaries > 4600 && canaries < 5400); /* 5000 expected, deviation 69 */
    set_word(w, 0, HEALTH_OBSERVED_UNHEALTHY);
    set_word(w, 1, HEALTH_OBSERVED_UNHEALTHY);
    pick_all(w,
             after); /* the share does not grow because others fail, and the canaries are the same clients */
    for (size_t n = 0; n < CLIENTS; n++) {
        assert_int_equal(before[n] == 5, after[n] == 5);
    }
    set_word(w, 5, HEALTH_OBSERVED_UNHEALTHY);
    pick_all(w, after);
    for (size_t n = 0; n < CLIENTS; n++) {
        assert_true(after[n] >= 2 && after[n] <= 4);
    }
    free(before);
    free(after);
    world_free(w);
}

/* ---- nobody else ---- */

static void only_what_serves_is_picked(void **state)
{
    (void)state;
    struct world *w = world_new(&(struct plan){.count = 50, .weight = 1, .last_weight = 0, .answers = 2});
    uint16_t out[STEER_ANSWERS_MAX];
    const uint32_t drained = (uint32_t)HEALTH_DESIRED_DRAIN << HEALTH_WORD_DESIRED_SHIFT;
    for (uint32_t left = 50; left > 0; left--) { /* drain one after another, the standby last */
        for (uint32_t n = 0; n < 500; n++) {
            size_t count = steer_pick_sticky(w->policy, choose(w), key_of(w, n).key, out);
            assert_int_equal(count, left > 2 ? 2 : 1);
            for (size_t i = 0; i < count; i++) {
                assert_int_equal(w->endpoints[out[i]], 0);
                assert_true(left == 1 || out[i] != 49);
            }
        }
        set_word(w, 50 - left, drained);
    }
    assert_int_equal(choose(w)->count, 0);
    assert_int_equal(steer_pick_sticky(w->policy, choose(w), 1, out), 0);
    world_free(w);
}

/* ---- holds ---- */

static void clients_return_when_the_hold_is_over(void **state)
{
    (void)state;
    struct world *w = world_new(&(struct plan){.count = 4, .weight = 1, .last_weight = 1, .hold_ms = 600});
    uint8_t *before = memory_alloc(CLIENTS), *after = memory_alloc(CLIENTS), *now = memory_alloc(CLIENTS);
    pick_all(w, before);
    set_word(w, 2, HEALTH_OBSERVED_UNHEALTHY);
    pick_all(w, after);
    w->now_ms = NOW_MS + 100;
    set_word(w, 2, HEALTH_OBSERVED_HEALTHY);
    pick_all(w, now);
    assert_memory_equal(now, after, CLIENTS); /* they stay where they are */
    assert_int_equal(choose(w)->made_ms + choose(w)->lasts_ms, (uint32_t)(NOW_MS + 700));
    assert_int_equal(steer_find_hold(w->policy, &w->table, 2, HEALTH_V4, w->now_ms), NOW_MS + 700);
    w->now_ms = NOW_MS + 699;
    pick_all(w, now);
    assert_memory_equal(now, after, CLIENTS);
    w->now_ms = NOW_MS + 700; /* nothing changed but the time */
    pick_all(w, now);
    assert_memory_equal(now, before, CLIENTS);
    w->now_ms = NOW_MS + 1300;
    pick_all(w, now);
    assert_true(choose(w)->lasts_ms == UINT32_MAX);
    free(before);
    free(after);
    free(now);
    world_free(w);
}

static void who_is_held_is_better_than_nobody(void **state)
{
    (void)state;
    struct world *w = world_new(&(struct plan){.count = 3, .weight = 1, .last_weight = 1, .hold_ms = 600});
    w->azs_outage[0].left_ms = NOW_MS - 50;
    w->azs_outage[0].back_ms = NOW_MS - 10; /* the whole az came back */
    atomic_fetch_add(&w->table.generation, 1);
    assert_int_equal(choose(w)->count, 3);
    assert_int_equal(choose(w)->source, STEER_FROM_TIER);
    w->azs_outage[0].left_ms = w->azs_outage[0].back_ms = 0;
    w->endpoints_outage[1][HEALTH_V4].left_ms = NOW_MS - 20;
    w->endpoints_outage[1][HEALTH_V4].back_ms = NOW_MS - 10;
    atomic_fetch_add(&w->table.generation, 1);
    assert_int_equal(choose(w)->count, 2);
    w->now_ms = NOW_MS - 6000; /* a clock that was set back ends it */
    atomic_fetch_add(&w->table.generation, 1);
    assert_int_equal(choose(w)->count, 3);
    world_free(w);
}

/* ---- sharing ---- */

static void equal_groups_share_a_table(void **state)
{
    (void)state;
    struct world *w = world_new(&(struct plan){.count = 5, .weight = 1, .last_weight = 1});
    const struct steer_table *table = w->policy->classes[0].tiers[0].groups[0].table;
    assert_non_null(table);
    world_plan(w, &(struct plan){.count = 5, .weight = 1, .last_weight = 1, .answers = 2});
    assert_int_equal(steer_set_count(w->set), 2);
    assert_ptr_equal(w->policy->classes[0].tiers[0].groups[0].table, table);
    world_plan(w, &(struct plan){.count = 5, .weight = 1, .last_weight = 2});
    assert_ptr_not_equal(w->policy->classes[0].tiers[0].groups[0].table, table);
    world_plan(w, &(struct plan){.count = 5, .weight = 1, .last_weight = 1});
    assert_int_equal(w->policy->id, 0); /* known as it was entered, table or not */
    world_free(w);
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
    struct world *w = world_new(&(struct plan){.count = 2, .weight = 1, .last_weight = 1});
    w->table.endpoints = endpoints;
    struct steer_cache *cache = steer_cache_new(set);
    const struct steer_policy *policy = steer_set_get(set, 0);
    struct steer_choice *choice =
        steer_cache_get(cache, policy, (struct steer_ask){.types = STEER_HAS_A}, &w->table);
    uint16_t out[STEER_ANSWERS_MAX];
    for (uint32_t n = 0; n < 1000; n++) {
        assert_int_equal(steer_pick_sticky(policy, choice, key_of(w, n).key, out), 64);
    }
    steer_cache_free(cache);
    steer_set_free(set);
    world_free(w);
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
