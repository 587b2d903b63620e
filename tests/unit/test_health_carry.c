/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health that moves from one machine to another in steps, while the first one goes on: whatever
 * comes in between which steps, the end is the same as if everything had been carried at once at the last
 * moment. Seeds are fixed: a failure repeats. STEERD_SEEDS=FIRST-LAST has others. */
#include "config.h"

#include "health_random.h"

#include <stdlib.h>

/* Of the stories that a test tells; at: the one that is being told, 0: all were. */
struct seeds {
    uint64_t first, last, at;
};

/* ---- are they alike? ---- */

static void expect_override(const struct health_override *a, const struct health_override *b)
{
    assert_int_equal(a == NULL, b == NULL);
    if (a != NULL) {
        assert_memory_equal(a, b, sizeof *a);
    }
}

static void expect_object(const struct health *a, const struct health *b, enum health_kind kind,
                          uint32_t index)
{
    struct health_status x, y;
    assert_int_equal(health_get_status(a, kind, index, &x), 0);
    assert_int_equal(health_get_status(b, kind, index, &y), 0);
    assert_string_equal(x.name, y.name);
    assert_int_equal(word(a, kind, index), word(b, kind, index));
    for (int family = HEALTH_V4; family < HEALTH_VIEWS; family++) {
        const struct health_outage *one = outage(a, kind, index, (enum health_family)family);
        const struct health_outage *other = outage(b, kind, index, (enum health_family)family);
        assert_int_equal(one->left_ms, other->left_ms);
        assert_int_equal(one->back_ms, other->back_ms);
    }
    assert_int_equal(x.effective.state, y.effective.state);
    assert_int_equal(x.effective.decided_by, y.effective.decided_by);
    assert_int_equal(x.since_ms, y.since_ms);
    assert_int_equal(x.checked_ms, y.checked_ms);
    assert_int_equal(x.members, y.members);
    assert_int_equal(x.members_unhealthy, y.members_unhealthy);
    assert_int_equal(x.load.source, y.load.source);
    assert_int_equal(x.load.until_ms, y.load.until_ms);
    assert_true(x.load.shed == y.load.shed && x.load.value == y.load.value);
    expect_override(health_get_override(a, kind, index), health_get_override(b, kind, index));
}

static void expect_turns(const struct health *a, const struct health *b, enum health_kind kind,
                         uint32_t index)
{
    uint64_t x[HEALTH_STATES], y[HEALTH_STATES];
    health_get_turns(a, kind, index, x);
    health_get_turns(b, kind, index, y);
    assert_memory_equal(x, y, sizeof x);
}

static void expect_brake(const struct health *a, const struct health *b, unsigned family)
{
    struct health_brake_status x, y;
    health_get_brake(a, family, &x);
    health_get_brake(b, family, &y);
    assert_true(x.is_on == y.is_on && x.engaged == y.engaged && x.engagements == y.engagements);
    assert_int_equal(x.targets, y.targets);
    assert_int_equal(x.failing, y.failing);
    assert_int_equal(x.answering, y.answering);
    assert_int_equal(x.controls_answering, y.controls_answering);
    assert_int_equal(x.engaged_ms, y.engaged_ms);
    assert_int_equal(x.left_ms, y.left_ms);
}

/* What is kept with each change is what there is. */
static void expect_hash(const struct health *health)
{
    uint64_t sum = 0;
    struct health_status status;
    for (int kind = HEALTH_ENDPOINT; kind < KINDS; kind++) {
        for (uint32_t i = 0; i < health_count(health, kind); i++) {
            const struct health_override *what = health_get_override(health, kind, i);
            health_get_status(health, kind, i, &status);
            sum += what == NULL ? 0 : health_hash_override(kind, status.name, what);
        }
    }
    struct health_dormant_cursor cursor = {0};
    for (const struct health_dormant *x; (x = health_next_dormant(health, &cursor)) != NULL;) {
        sum += health_hash_override(x->kind, x->name, &x->what);
    }
    assert_true(health_hash_overrides(health) == sum);
}

static void expect_same(const struct health *a, const struct health *b)
{
    for (int kind = HEALTH_ENDPOINT; kind < KINDS; kind++) {
        assert_int_equal(health_count(a, kind), health_count(b, kind));
        for (uint32_t i = 0; i < health_count(a, kind); i++) {
            expect_object(a, b, kind, i);
            expect_turns(a, b, kind, i);
        }
    }
    for (uint32_t i = 0; i < health_monitor_count(a); i++) {
        struct health_monitor_status x = {.endpoint = 0}, y = {.endpoint = 0};
        (void)health_get_monitor(a, i, &x);
        (void)health_get_monitor(b, i, &y);
        assert_true(x.endpoint == y.endpoint && x.verdict == y.verdict && x.outcome == y.outcome &&
                    x.streak == y.streak && x.idle == y.idle && x.checked_ms == y.checked_ms &&
                    x.duration_us == y.duration_us);
    }
    for (unsigned family = 0; family < HEALTH_BRAKES; family++) {
        expect_brake(a, b, family);
    }
    assert_int_equal(health_count_dormant(a), health_count_dormant(b));
    struct health_dormant_cursor cursor = {0};
    for (const struct health_dormant *x; (x = health_next_dormant(a, &cursor)) != NULL;) {
        const struct health_dormant *y = health_find_dormant(b, x->kind, x->name);
        assert_non_null(y);
        assert_true(x->planned == y->planned && x->is_new == y->is_new);
        expect_override(&x->what, &y->what);
    }
    assert_int_equal(health_next_due(a), health_next_due(b));
    expect_hash(a);
    expect_hash(b);
    assert_int_equal(atomic_load(&health_get_table(a)->generation) & HEALTH_CHANGING, 0);
}

/* ---- the tests ---- */

static void carry_in_steps(struct scene *s, struct health *to, struct health *from)
{
    struct health_carrier *c = health_carrier_new(to, from, s->now_ms + 100000);
    let_happen(s, from, 5);
    health_carrier_watch(c);
    do {
        let_happen(s, from, 8);
    } while (health_carrier_step(c, 1 + roll(s, 12)));
    let_happen(s, from, 8);
    health_carrier_settle(c);
    for (uint64_t n = roll(s, 6); n > 0; n--) {
        let_happen(s, from, 40);
        (void)health_carrier_catch_up(c, roll(s, 10));
    }
    let_happen(s, from, 8);
    assert_int_equal(health_carrier_catch_up(c, SIZE_MAX), 0);
    health_carrier_end(c);
    health_carrier_free(c);
}

static void run(struct scene *s, bool same_plan)
{
    struct health *from = make_old(s);
    struct random before = s->random;
    struct health *to = same_plan ? health_new_like(from) : make(s);
    struct random after = s->random;
    s->random = before; /* the same plan once more */
    struct health *expected = same_plan ? health_new_like(from) : make(s);
    s->random = after;
    int64_t end_ms = s->now_ms + 100000;
    carry_in_steps(s, to, from);
    health_carry(expected, from, end_ms);
    expect_same(to, expected);
    let_happen(s, from, 20); /* nobody watches any more */
    if (same_plan) {
        health_free(from); /* a copy needs nothing of it */
        expect_same(to, expected);
        from = NULL;
    }
    /* and they go on alike */
    for (int i = 0; i < 50; i++) {
        struct random here = s->random;
        int64_t now_ms = s->now_ms;
        let_something_happen(s, to);
        s->random = here;
        s->now_ms = now_ms;
        let_something_happen(s, expected);
    }
    expect_same(to, expected);
    health_free(from);
    health_free(to);
    health_free(expected);
}

static void tell_story(struct seeds *seeds, const struct scene *begin, uint64_t seed)
{
    struct scene scene = *begin;
    scene.arena = arena_new(0);
    seeds->at = seed;
    random_init(&scene.random, seed);
    run(&scene, seed % 4 == 0);
    arena_free(scene.arena);
}

static void tell_stories(struct seeds *seeds, const struct scene *begin)
{
    static const uint64_t found[] = {6844, 23394, 83638, 151169, 224048}; /* something, once */
    for (uint64_t seed = seeds->first; seed <= seeds->last; seed++) {
        tell_story(seeds, begin, seed);
    }
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        tell_story(seeds, begin, found[i]);
    }
    seeds->at = 0;
}

static int set_seeds(void **state)
{
    static struct seeds seeds;
    const char *given = getenv("STEERD_SEEDS");
    seeds = (struct seeds){.first = 1, .last = 1600};
    if (given != NULL) {
        char *end;
        seeds.first = strtoull(given, &end, 10);
        seeds.last = *end == '-' ? strtoull(end + 1, &end, 10) : 0;
        if (*end != '\0' || seeds.last < seeds.first || seeds.first == 0) {
            fprintf(stderr, "STEERD_SEEDS is \"%s\", expected FIRST-LAST\n", given);
            return -1;
        }
    }
    *state = &seeds;
    return 0;
}

static int say_which_failed(void **state)
{
    const struct seeds *seeds = *state;
    if (seeds->at != 0) {
        fprintf(stderr, "seed %lu\n", (unsigned long)seeds->at);
    }
    return 0;
}

static void steps_are_as_good_as_one(void **state)
{
    tell_stories(*state, &(struct scene){.now_ms = 1000000});
}

/* Likewise what makes the brake hold, and whether it does. Loads do not matter to that. */
static void brakes_go_over_in_steps(void **state)
{
    tell_stories(*state, &(struct scene){.now_ms = 1000000, .brakes = true, .failing = 4});
}

static void a_copy_is_what_it_was_made_from(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS / 4; seed++) {
        struct scene scene = {
            .arena = arena_new(0), .now_ms = 1000000, .brakes = seed % 3 != 0, .failing = 4};
        random_init(&scene.random, seed);
        struct health *from = make(&scene);
        for (int i = 0; i < 300; i++) {
            let_something_happen(&scene, from);
        }
        struct health *copy = health_new_like(from);
        health_carry(copy, from, scene.now_ms);
        expect_same(copy, from);
        health_free(from);
        health_free(copy);
        arena_free(scene.arena);
    }
}

static void what_is_given_up_leaves_no_trace(void **state)
{
    (void)state;
    struct scene scene = {.arena = arena_new(0), .now_ms = 1000000};
    random_init(&scene.random, 7);
    struct health *from = make(&scene);
    for (int i = 0; i < 5; i++) {
        struct health *to = make(&scene);
        struct health_carrier *c = health_carrier_new(to, from, 1);
        health_carrier_watch(c);
        (void)health_carrier_step(c, 3);
        let_happen(&scene, from, 50);
        health_carrier_end(c);
        health_carrier_free(c);
        health_free(to);
        let_happen(&scene, from, 50);
    }
    health_carrier_free(NULL);
    health_free(from);
    arena_free(scene.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(steps_are_as_good_as_one, set_seeds, say_which_failed),
        cmocka_unit_test_setup_teardown(brakes_go_over_in_steps, set_seeds, say_which_failed),
        cmocka_unit_test(a_copy_is_what_it_was_made_from),
        cmocka_unit_test(what_is_given_up_leaves_no_trace),
    };
    return cmocka_run_group_tests_name("health_carry", tests, NULL, NULL);
}
