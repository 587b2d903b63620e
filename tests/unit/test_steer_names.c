/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drains for some names only: whatever overrides are put, replaced, planned, ended, carried through a reload
 * and copied, each name answers as if there were only those that are about its group. What is expected is
 * found from the list of overrides by itself. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "health/health.h"
#include "steer/steer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { REGIONS = 3, AZS = 6, ENDPOINTS = 12, GROUPS = 3, STEPS = 400, RUNS = 40, WALL_MS = 1000000 };

static const char *const region_names[REGIONS] = {"r0", "r1", "r2"};
static const char *const az_names[AZS] = {"z0", "z1", "z2", "z3", "z4", "z5"};
static const char *const endpoint_names[ENDPOINTS] = {"e0", "e1", "e2", "e3", "e4",  "e5",
                                                      "e6", "e7", "e8", "e9", "e10", "e11"};
static const char *const lists[] = {"", "", "a", "b", "c", "a,b", "c,a", "gone", "gone,b"};
static const unsigned list_groups[] = {7, 7, 1, 2, 4, 3, 5, 0, 2}; /* of those that have a group */
enum { LISTS = sizeof lists / sizeof *lists };

struct scene {
    struct random random;
    struct health *health;
    struct steer_policy policies[GROUPS + 1]; /* [0]: of no group */
    struct steer_member members[ENDPOINTS];
    struct steer_place places[ENDPOINTS];
    struct steer_class class;
    struct steer_tier tiers[REGIONS];
    uint16_t indices[ENDPOINTS];
    struct steer_choice choice;
    void *memory;
    int64_t wall_ms;
    int order; /* of the groups in the plan, which a reload changes */
};

/* The groups of the plan are in this order, so that a bit is of another one after a reload. */
static const char *const orders[2][GROUPS] = {{"a", "b", "c"}, {"c", "a", "b"}};

static struct health *make_health(int order)
{
    struct health_region_plan regions[REGIONS];
    struct health_az_plan azs[AZS];
    struct health_endpoint_plan endpoints[ENDPOINTS];
    for (uint32_t i = 0; i < REGIONS; i++) {
        regions[i] = (struct health_region_plan){region_names[i], 1};
    }
    for (uint32_t i = 0; i < AZS; i++) {
        azs[i] = (struct health_az_plan){az_names[i], i / 2, 1};
    }
    for (uint32_t i = 0; i < ENDPOINTS; i++) {
        endpoints[i] = (struct health_endpoint_plan){endpoint_names[i], i / 2};
    }
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = REGIONS,
                                            .azs = azs,
                                            .az_count = AZS,
                                            .endpoints = endpoints,
                                            .endpoint_count = ENDPOINTS,
                                            .groups = orders[order],
                                            .group_count = GROUPS},
                      WALL_MS);
}

/* 1 + its place in the plan. */
static uint32_t find_number(const struct scene *s, int group)
{
    static const char *const names[] = {"a", "b", "c"};
    uint32_t i = 0;
    while (strcmp(orders[s->order][i], names[group]) != 0) {
        i++;
    }
    return i + 1;
}

static void make_policies(struct scene *s)
{
    for (uint16_t i = 0; i < ENDPOINTS; i++) {
        s->members[i] = (struct steer_member){.endpoint = i, .weight = 10, .types = STEER_HAS_A};
        s->places[i] = (struct steer_place){.az = i / 2u, .region = i / 4u};
        s->indices[i] = i;
    }
    for (size_t t = 0; t < REGIONS; t++) {
        s->tiers[t] =
            (struct steer_tier){.label = region_names[t], .members = s->indices + t * 4, .count = 4};
    }
    s->class = (struct steer_class){.label = "default", .tiers = s->tiers, .tier_count = REGIONS};
    for (int g = 0; g <= GROUPS; g++) {
        s->policies[g] = (struct steer_policy){.pick = STEER_PICK_WEIGHTED,
                                               .fallback = STEER_FALLBACK_NODATA,
                                               .answers = 1,
                                               .member_count = ENDPOINTS,
                                               .class_count = 1,
                                               .members = s->members,
                                               .places = s->places,
                                               .classes = &s->class,
                                               .group = g == 0 ? 0 : find_number(s, g - 1)};
    }
}

/* ---- what is expected ---- */

static bool is_about(const struct health_override *override, int group)
{
    for (int i = 0; i < LISTS; i++) {
        if (strcmp(lists[i], override->names) == 0) {
            return override->names[0] == '\0' || (group != 0 && (list_groups[i] >> (group - 1) & 1) != 0);
        }
    }
    fail();
    return false;
}

/* The override of an object that is about names of a group, and in force; NULL: none. */
static const struct health_override *find_override(const struct scene *s, enum health_kind kind,
                                                   uint32_t index, int group)
{
    const struct health_override *override = health_get_override(s->health, kind, index);
    bool is_on = override != NULL && health_is_overridden(s->health, kind, index);
    return is_on && is_about(override, group) ? override : NULL;
}

static enum health_state expect_state(const struct scene *s, uint32_t endpoint, int group)
{
    const uint32_t at[] = {endpoint, endpoint / 2, endpoint / 4};
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        const struct health_override *override = find_override(s, (enum health_kind)kind, at[kind], group);
        if (override != NULL && override->share == 0) {
            return override->desired == HEALTH_DESIRED_DRAIN ? HEALTH_DRAINED
                   : override->desired == HEALTH_DESIRED_UP  ? HEALTH_FORCED_UP
                                                             : HEALTH_FORCED_DOWN;
        }
    }
    return HEALTH_UNKNOWN;
}

/* Will one that is planned decide: of the narrowest that has any? */
static bool expect_planned(const struct scene *s, uint32_t endpoint, int group)
{
    const uint32_t at[] = {endpoint, endpoint / 2, endpoint / 4};
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        const struct health_override *override =
            health_get_override(s->health, (enum health_kind)kind, at[kind]);
        bool is_meant = override != NULL && is_about(override, group);
        bool is_on = is_meant && health_is_overridden(s->health, (enum health_kind)kind, at[kind]);
        if (is_meant && !is_on) {
            return true;
        }
        if (is_on && override->share == 0) {
            return false;
        }
    }
    return false;
}

/* Percent that are withheld from who serves. */
static unsigned expect_withheld(const struct scene *s, uint32_t endpoint, int group)
{
    const uint32_t at[] = {endpoint, endpoint / 2, endpoint / 4};
    unsigned most = 0;
    for (int kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        const struct health_override *override = find_override(s, (enum health_kind)kind, at[kind], group);
        most = override != NULL && override->share > most ? override->share : most;
    }
    return expect_state(s, endpoint, group) == HEALTH_FORCED_UP ? 0 : most;
}

static bool is_chosen(const struct scene *s, uint16_t member)
{
    for (uint32_t i = 0; i < s->choice.count; i++) {
        if (s->choice.members[i] == member) {
            return true;
        }
    }
    return false;
}

/* The first region of which somebody serves answers, with all that serve, and if it is whole nobody else. */
static void check_answers(struct scene *s, const struct health_table *table, int group)
{
    const struct steer_policy *policy = &s->policies[group];
    uint16_t region = 0;
    steer_evaluate(policy, (struct steer_ask){.now_ms = (uint64_t)s->wall_ms, .types = STEER_HAS_A}, table,
                   &s->choice, NULL);
    for (uint16_t i = 0; i < ENDPOINTS; i++) {
        bool serves = health_state_serves(expect_state(s, i, group));
        assert_true(!is_chosen(s, i) || serves);
    }
    for (bool any = false; region < REGIONS && !any; region += !any) {
        for (uint16_t i = region * 4u; i < (region + 1) * 4u; i++) {
            any |= health_state_serves(expect_state(s, i, group));
        }
    }
    assert_int_equal(s->choice.source == STEER_FROM_TIER, region < REGIONS);
    for (uint16_t i = region * 4u; region < REGIONS && i < (region + 1) * 4u; i++) {
        assert_int_equal(is_chosen(s, i), health_state_serves(expect_state(s, i, group)));
    }
}

static void check(struct scene *s, const struct health_table *table)
{
    for (int group = 0; group <= GROUPS; group++) {
        for (uint32_t i = 0; i < ENDPOINTS; i++) {
            uint32_t number = s->policies[group].group;
            struct health_effective is =
                health_table_effective_within(table, i, i / 2, i / 4, HEALTH_ANY, number);
            const uint32_t words[] = {
                health_word_within(table->endpoints[i], &table->scopes->endpoints[i], number),
                health_word_within(table->azs[i / 2], &table->scopes->azs[i / 2], number),
                health_word_within(table->regions[i / 4], &table->scopes->regions[i / 4], number)};
            enum health_kind kind;
            assert_int_equal(is.state, expect_state(s, i, group));
            assert_int_equal(health_find_planned(words[0], words[1], words[2], &kind),
                             expect_planned(s, i, group));
            assert_int_equal(health_find_withheld(words, HEALTH_V4, is.state), expect_withheld(s, i, group));
        }
        check_answers(s, table, group);
    }
}

/* ---- what happens ---- */

static void put(struct scene *s)
{
    enum health_kind kind = (enum health_kind)random_below(&s->random, 3);
    const uint32_t counts[] = {ENDPOINTS, AZS, REGIONS};
    uint32_t index = (uint32_t)random_below(&s->random, counts[kind]),
             list = (uint32_t)random_below(&s->random, LISTS);
    struct health_override what = {.desired = HEALTH_DESIRED_DRAIN, .set_ms = s->wall_ms};
    struct health_override before = {.desired = HEALTH_DESIRED_AUTO};
    bool had = health_is_overridden(s->health, kind, index);
    if (had) {
        before = *health_get_override(s->health, kind, index);
    }
    if (lists[list][0] == '\0') {
        what.desired = (enum health_desired)random_below(&s->random, 4);
    }
    memcpy(what.names, lists[list], strlen(lists[list]) + 1);
    what.share = what.desired == HEALTH_DESIRED_DRAIN && random_below(&s->random, 4) == 0 ? 30 : 0;
    what.starts_ms =
        random_below(&s->random, 4) == 0 ? s->wall_ms + 1 + (int64_t)random_below(&s->random, 50) : 0;
    what.expires_ms =
        random_below(&s->random, 3) == 0 ? s->wall_ms + 60 + (int64_t)random_below(&s->random, 50) : 0;
    int error = health_set_override(s->health, kind, index, &what, s->wall_ms);
    for (int group = 0; error == 0 && had && what.names[0] != '\0' && group <= GROUPS; group++) {
        assert_true(!is_about(&before, group) || is_about(&what, group)); /* nobody is let back by it */
    }
}

/* Everything is carried to a machine whose plan has the groups in another order, or to a like one. */
static void reload(struct scene *s, bool is_like)
{
    s->order ^= !is_like;
    struct health *made = is_like ? health_new_like(s->health) : make_health(s->order);
    health_carry(made, s->health, s->wall_ms);
    health_free(s->health);
    s->health = made;
    make_policies(s);
}

static void step(struct scene *s)
{
    switch (random_below(&s->random, 8)) {
    case 0: reload(s, false); break;
    case 1:
        s->wall_ms += (int64_t)random_below(&s->random, 40);
        health_follow_clock(s->health, s->wall_ms);
        break;
    case 2: reload(s, true); break;
    default: put(s);
    }
    check(s, health_get_table(s->health));
    struct health_table *copy = health_copy_words(health_get_table(s->health));
    check(s, copy);
    free(copy);
}

static void each_name_sees_what_is_about_it(void **state)
{
    (void)state;
    for (uint64_t run = 0; run < RUNS; run++) {
        struct scene *s = memory_alloc(sizeof *s);
        random_init(&s->random, run + 1);
        s->wall_ms = WALL_MS;
        s->health = make_health(0);
        make_policies(s);
        struct steer_room room = steer_find_room(&s->policies[0], 0);
        s->memory = memory_alloc_array(steer_room_size(room), 1);
        steer_choice_init(&s->choice, room, s->memory);
        for (int i = 0; i < STEPS; i++) {
            step(s);
        }
        health_free(s->health);
        free(s->memory);
        free(s);
    }
}

/* ---- what a reader sees of a change that is under way ---- */

struct watch {
    const struct health_table *table;
    atomic_uint turn; /* odd: group 1 is drained, of whatever else the drain is */
    atomic_bool is_over;
    unsigned let_back, early;
    atomic_uint looked;
};

/* Throughout an odd turn a name of group 1 is drained, and one of group 2 is not, but in part. */
static void *look_on(void *context)
{
    struct watch *watch = context;
    while (!atomic_load(&watch->is_over)) {
        unsigned turn = atomic_load(&watch->turn);
        enum health_state first = health_table_effective_within(watch->table, 0, 0, 0, HEALTH_ANY, 1).state;
        enum health_state second = health_table_effective_within(watch->table, 4, 2, 1, HEALTH_ANY, 2).state;
        if (turn % 2 != 0 && atomic_load(&watch->turn) == turn) {
            watch->let_back += first != HEALTH_DRAINED;
            watch->early += second == HEALTH_DRAINED;
            watch->looked++;
        }
    }
    return NULL;
}

static void drain(struct health *health, uint32_t region, const char *names, uint8_t share)
{
    struct health_override what = {.desired = HEALTH_DESIRED_DRAIN, .share = share};
    memcpy(what.names, names, strlen(names) + 1);
    assert_int_equal(health_set_override(health, HEALTH_REGION, region, &what, WALL_MS), 0);
}

static void nobody_is_let_back_in_between(void **state)
{
    (void)state;
    enum { TURNS = 100000 };
    const struct health_override none = {.desired = HEALTH_DESIRED_AUTO};
    struct health *health = make_health(0);
    struct watch watch = {.table = health_get_table(health)};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, look_on, &watch), 0);
    for (unsigned i = 0; i < TURNS || watch.looked == 0; i++) {
        drain(health, 0, "a", 0);
        drain(health, 1, "a", 0);
        atomic_fetch_add(&watch.turn, 1);
        drain(health, 0, "", 0);     /* of all, so of group 1 as well */
        drain(health, 1, "a,b", 30); /* of more, but only in part */
        atomic_fetch_add(&watch.turn, 1);
        assert_int_equal(health_set_override(health, HEALTH_REGION, 0, &none, WALL_MS), 0);
        assert_int_equal(health_set_override(health, HEALTH_REGION, 1, &none, WALL_MS), 0);
    }
    atomic_store(&watch.is_over, true);
    pthread_join(thread, NULL);
    assert_int_equal(watch.let_back, 0);
    assert_int_equal(watch.early, 0);
    health_free(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_name_sees_what_is_about_it),
                                       cmocka_unit_test(nobody_is_let_back_in_between)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
