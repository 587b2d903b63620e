/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of health: overrides that are planned for later, in virtual time. They are set at 3000. */
#include "config.h"

#include "health_world.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_TURNS = 8 };

/* What the listener was told of overrides, and what it saw of states at that moment. */
struct turns {
    struct world *world;
    struct health_override_turn turns[MAX_TURNS];
    size_t count;
    bool before_changes; /* all of them */
};

static void remember_turn(void *context, const struct health_override_turn *turn)
{
    struct turns *turns = context;
    assert_true(turns->count < MAX_TURNS);
    turns->before_changes = turns->before_changes && turns->world->change_count == 0;
    turns->turns[turns->count++] = *turn;
}

static void hear(void *context, const struct health_change *change)
{
    remember(((struct turns *)context)->world, change);
}

/* From now on; what was told before is forgotten. */
static void listen(struct turns *turns, struct world *world)
{
    *turns = (struct turns){.world = world, .before_changes = true};
    world->change_count = 0;
    health_set_listener(
        world->health, &(struct health_listener){.context = turns, .changed = hear, .turned = remember_turn});
}

static int plan(struct health *health, enum health_kind kind, uint32_t index, enum health_desired desired,
                const int64_t times[2])
{
    struct health_override override = {
        .desired = desired, .set_ms = 3000, .starts_ms = times[0], .expires_ms = times[1], .actor = "alice"};
    return health_set_override(health, kind, index, &override, 3000);
}

#define PLAN(kind, index, desired, starts, expires)                                                          \
    assert_int_equal(plan(health, kind, index, desired, (const int64_t[]){starts, expires}), 0)

static bool is_announced(const struct health *health, uint32_t endpoint, enum health_kind *kind)
{
    const struct health_table *table = health_get_table(health);
    uint32_t az = health_world_endpoints[endpoint].az;
    return health_find_planned(table->endpoints[endpoint], table->azs[az],
                               table->regions[health_world_azs[az].region], kind);
}

static void waits_starts_and_ends(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    struct turns turns;
    enum health_kind kind = HEALTH_ENDPOINT;
    make_all_healthy(health);
    listen(&turns, world);
    uint64_t before = generation(health);
    PLAN(HEALTH_REGION, US, HEALTH_DESIRED_DRAIN, 5000, 8000);
    assert_int_equal(generation(health), before + 1); /* TTLs follow at once */
    assert_int_equal(world->change_count, 0);
    assert_true(status_of(health, HEALTH_REGION, US).planned);
    assert_int_equal(status_of(health, HEALTH_REGION, US).desired, HEALTH_DESIRED_AUTO);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    assert_true(is_announced(health, A1, &kind));
    assert_int_equal(kind, HEALTH_REGION);
    assert_false(is_announced(health, E1, &kind));
    assert_int_equal(health_get_override(health, HEALTH_REGION, US)->starts_ms, 5000);
    assert_int_equal(health_next_due(health), 5000);
    assert_int_equal(health_follow_clock(health, 4999), 0);
    expect(health, HEALTH_REGION, US, HEALTH_HEALTHY, HEALTH_BY_VERDICT);

    assert_int_equal(health_follow_clock(health, 5000), 1);
    assert_int_equal(generation(health), before + 2);
    expect(health, HEALTH_ENDPOINT, B1, HEALTH_DRAINED, HEALTH_BY_REGION_OVERRIDE);
    assert_false(status_of(health, HEALTH_REGION, US).planned);
    assert_false(is_announced(health, A1, &kind));
    assert_int_equal(status_of(health, HEALTH_REGION, US).since_ms, 5000);
    assert_int_equal(turns.count, 1);
    assert_true(turns.before_changes);
    assert_string_equal(health_turn_text(turns.turns[0].turn), "started");
    assert_string_equal(turns.turns[0].name, "us-east");
    assert_int_equal(world->change_count, 6); /* the region, two azs, three endpoints */
    assert_int_equal(health_next_due(health), 8000);

    assert_int_equal(health_follow_clock(health, 8000), 1);
    expect(health, HEALTH_ENDPOINT, B1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    assert_int_equal(turns.turns[1].turn, HEALTH_TURN_EXPIRED);
    assert_int_equal(health_next_due(health), 0);
    assert_null(health_get_override(health, HEALTH_REGION, US));
}

/* What is handed from one region to the other changes hands in one generation, seen by all at once. */
static void what_is_due_at_once_is_one_change(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    struct turns turns;
    make_all_healthy(health);
    override_as(health, HEALTH_REGION, EU, HEALTH_DESIRED_DRAIN, 5000);
    PLAN(HEALTH_ENDPOINT, A1, HEALTH_DESIRED_DOWN, 4500, 9000);
    PLAN(HEALTH_REGION, US, HEALTH_DESIRED_DRAIN, 5000, 0);
    listen(&turns, world);
    uint64_t before = generation(health);
    assert_int_equal(health_follow_clock(health, 5000), 3);
    assert_int_equal(generation(health), before + 1);
    assert_int_equal(world->generation_told, before + 1);
    assert_int_equal(turns.count, 3);
    assert_true(turns.before_changes);
    expect(health, HEALTH_REGION, US, HEALTH_DRAINED, HEALTH_BY_REGION_OVERRIDE);
    expect(health, HEALTH_ENDPOINT, A1, HEALTH_FORCED_DOWN, HEALTH_BY_ENDPOINT_OVERRIDE);
    expect(health, HEALTH_ENDPOINT, E1, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    for (size_t i = 0; i < world->change_count; i++) {
        for (size_t j = 0; j < i; j++) { /* nobody is told twice */
            assert_false(world->changes[i].kind == world->changes[j].kind &&
                         world->changes[i].index == world->changes[j].index);
        }
    }
    assert_int_equal(health_next_due(health), 9000);
}

static void a_clock_that_leaps_misses_it(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    struct turns turns;
    enum health_kind kind;
    make_all_healthy(health);
    PLAN(HEALTH_AZ, USE1A, HEALTH_DESIRED_DOWN, 5000, 6000);
    listen(&turns, world);
    uint64_t before = generation(health);
    assert_int_equal(health_follow_clock(health, 7000), 1);
    assert_int_equal(turns.turns[0].turn, HEALTH_TURN_MISSED);
    assert_string_equal(health_turn_text(turns.turns[0].turn), "missed");
    assert_int_equal(world->change_count, 0);
    assert_int_equal(generation(health), before + 1); /* nothing is announced any more */
    assert_false(is_announced(health, A1, &kind));
    assert_false(status_of(health, HEALTH_AZ, USE1A).planned);
    assert_null(health_get_override(health, HEALTH_AZ, USE1A));
    assert_int_equal(health_next_due(health), 0);
}

static void a_clock_that_is_set_back_stops_nothing(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    PLAN(HEALTH_REGION, US, HEALTH_DESIRED_DRAIN, 5000, 9000);
    PLAN(HEALTH_REGION, EU, HEALTH_DESIRED_DRAIN, 8000, 0);
    assert_int_equal(health_follow_clock(health, 5000), 1);
    assert_int_equal(health_follow_clock(health, 1000), 0);
    expect(health, HEALTH_REGION, US, HEALTH_DRAINED, HEALTH_BY_REGION_OVERRIDE);
    struct health *to = health_new(&health_world_plan, 1000); /* neither does a reload then */
    health_carry(to, health, 1000);
    expect(to, HEALTH_REGION, US, HEALTH_DRAINED, HEALTH_BY_REGION_OVERRIDE);
    assert_false(status_of(to, HEALTH_REGION, US).planned);
    assert_true(status_of(to, HEALTH_REGION, EU).planned);
    assert_int_equal(health_follow_clock(to, 7999), 0);
    assert_int_equal(health_follow_clock(to, 9000), 2); /* one ends, one starts */
    expect(to, HEALTH_REGION, US, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
    expect(to, HEALTH_REGION, EU, HEALTH_DRAINED, HEALTH_BY_REGION_OVERRIDE);
    health_free(to);
    expect(health, HEALTH_REGION, EU, HEALTH_HEALTHY, HEALTH_BY_VERDICT);
}

static void what_is_in_force_is_not_planned_away(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    override_as(health, HEALTH_REGION, US, HEALTH_DESIRED_DRAIN, 90000);
    uint64_t before = generation(health);
    assert_int_equal(plan(health, HEALTH_REGION, US, HEALTH_DESIRED_DOWN, (const int64_t[]){5000, 6000}),
                     ERROR_CONFLICT);
    assert_int_equal(plan(health, HEALTH_REGION, US, HEALTH_DESIRED_DOWN, (const int64_t[]){2000, 0}),
                     ERROR_CONFLICT); /* nor if its time came on the way here */
    assert_int_equal(generation(health), before);
    assert_int_equal(health_get_override(health, HEALTH_REGION, US)->expires_ms, 90000);
    assert_int_equal(health_next_due(health), 90000);
    override_as(health, HEALTH_REGION, US, HEALTH_DESIRED_DOWN, 0); /* at once is said on purpose */
    expect(health, HEALTH_REGION, US, HEALTH_FORCED_DOWN, HEALTH_BY_REGION_OVERRIDE);
    override_as(health, HEALTH_REGION, US, HEALTH_DESIRED_AUTO, 0);
    PLAN(HEALTH_REGION, US, HEALTH_DESIRED_DOWN, 2000, 0); /* its time has come */
    expect(health, HEALTH_REGION, US, HEALTH_FORCED_DOWN, HEALTH_BY_REGION_OVERRIDE);
    assert_false(status_of(health, HEALTH_REGION, US).planned);
}

static void plans_are_replaced_and_removed(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    enum health_kind kind;
    PLAN(HEALTH_REGION, US, HEALTH_DESIRED_DRAIN, 5000, 0);
    PLAN(HEALTH_REGION, US, HEALTH_DESIRED_DOWN, 7000, 8000);
    assert_int_equal(health_next_due(health), 7000);
    assert_int_equal(health_follow_clock(health, 5000), 0);
    uint64_t before = generation(health);
    PLAN(HEALTH_REGION, US, HEALTH_DESIRED_DRAIN, 6000, 8000); /* another time, all else as it was */
    assert_int_equal(generation(health), before);
    assert_int_equal(health_next_due(health), 6000);
    override_as(health, HEALTH_REGION, US, HEALTH_DESIRED_AUTO, 0);
    assert_int_equal(generation(health), before + 1);
    assert_false(is_announced(health, A1, &kind));
    assert_null(health_get_override(health, HEALTH_REGION, US));
    assert_int_equal(health_next_due(health), 0);
    PLAN(HEALTH_REGION, US, HEALTH_DESIRED_DRAIN, 5000, 0);
    override_as(health, HEALTH_REGION, US, HEALTH_DESIRED_UP, 4000); /* at once, instead */
    expect(health, HEALTH_REGION, US, HEALTH_FORCED_UP, HEALTH_BY_REGION_OVERRIDE);
    assert_false(status_of(health, HEALTH_REGION, US).planned);
    assert_int_equal(health_follow_clock(health, 6000), 1); /* which ends; nothing starts behind it */
    expect(health, HEALTH_REGION, US, HEALTH_UNKNOWN, HEALTH_BY_VERDICT);
}

static void the_narrowest_plan_counts(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    enum health_kind kind = HEALTH_REGION;
    PLAN(HEALTH_REGION, US, HEALTH_DESIRED_DRAIN, 5000, 0);
    PLAN(HEALTH_ENDPOINT, A1, HEALTH_DESIRED_UP, 6000, 0);
    assert_true(is_announced(health, A1, &kind));
    assert_int_equal(kind, HEALTH_ENDPOINT);
    override_as(health, HEALTH_AZ, USE1A, HEALTH_DESIRED_UP, 0);
    assert_true(is_announced(health, A1, &kind)); /* narrower than what is in force */
    assert_false(is_announced(health, A2, &kind));
    assert_true(is_announced(health, B1, &kind));
    assert_int_equal(kind, HEALTH_REGION);
    override_as(health, HEALTH_AZ, USE1A, HEALTH_DESIRED_AUTO, 0);
    assert_true(is_announced(health, A2, &kind));
    override_as(health, HEALTH_ENDPOINT, A1, HEALTH_DESIRED_UP, 0);
    assert_false(is_announced(health, A1, &kind));
}

/* Nobody waits for ten thousand of them; what was due first goes first. */
static void very_many_go_in_turns(void **state)
{
    (void)state;
    enum { MANY = 1000 };
    static char names[MANY][16];
    static struct health_endpoint_plan endpoints[MANY];
    const struct health_region_plan region = {"r", 1};
    const struct health_az_plan az = {"z", 0, 1};
    struct health_plan plan = {.regions = &region,
                               .region_count = 1,
                               .azs = &az,
                               .az_count = 1,
                               .endpoints = endpoints,
                               .endpoint_count = MANY};
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "e%u", i);
        endpoints[i] = (struct health_endpoint_plan){names[i], 0};
    }
    struct health *health = health_new(&plan, 1);
    for (uint32_t i = 0; i < MANY; i++) {
        struct health_override override = {.desired = HEALTH_DESIRED_DRAIN, .set_ms = 1};
        override.starts_ms = i % 2 == 0 ? 0 : 5000 + (int64_t)i;
        override.expires_ms = 9000 - (int64_t)i;
        for (int twice = 0; twice < 2; twice++) {
            assert_int_equal(health_set_override(health, HEALTH_ENDPOINT, i, &override, 2), 0);
        }
    }
    uint64_t before = generation(health);
    assert_int_equal(health_follow_turn(health, 7000), HEALTH_CLOCK_TURN);
    assert_int_equal(generation(health), before + 1);
    assert_int_equal(status_of(health, HEALTH_ENDPOINT, 127).effective.state, HEALTH_DRAINED);
    assert_int_equal(status_of(health, HEALTH_ENDPOINT, 129).effective.state, HEALTH_UNKNOWN);
    assert_int_equal(health_follow_clock(health, 7000), MANY / 2 - HEALTH_CLOCK_TURN);
    assert_int_equal(health_next_due(health), 9000 - MANY + 1);
    size_t ended = 0, turns = 0;
    for (size_t now = 1; now != 0; turns++) {
        now = health_follow_turn(health, 9000);
        assert_true(now <= HEALTH_CLOCK_TURN);
        ended += now;
    }
    assert_int_equal(ended, MANY);
    assert_int_equal(turns, MANY / HEALTH_CLOCK_TURN + 2);
    assert_int_equal(health_next_due(health), 0);
    health_free(health);
}

static void shift(struct health *health, int64_t by_ms)
{
    size_t done = 0;
    while (health_shift_clock(health, by_ms, &done)) {
    }
}

static void put_timed(struct health *health, uint32_t index, int64_t starts_ms, int64_t expires_ms,
                      bool by_duration)
{
    struct health_override override = {.desired = HEALTH_DESIRED_DRAIN,
                                       .set_ms = 1000,
                                       .starts_ms = starts_ms,
                                       .expires_ms = expires_ms,
                                       .starts_by_duration = by_duration,
                                       .expires_by_duration = by_duration};
    assert_int_equal(health_set_override(health, HEALTH_ENDPOINT, index, &override, 1000), 0);
}

/* The clock is set by a day, forward and back: durations last as long as they were to, times are times. */
static void durations_do_not_follow_a_clock_that_is_set(void **state)
{
    enum { DAY = 86400000 };
    struct health *health = ((struct world *)*state)->health;
    static const int64_t steps[] = {DAY, -DAY};
    for (size_t i = 0; i < 2; i++) {
        int64_t by = steps[i], now = 10 * (int64_t)DAY;
        put_timed(health, A1, 0, now + 30, true);
        put_timed(health, A2, 0, now + 30, false);
        put_timed(health, B1, now + 20, now + 40, true); /* --in --for */
        put_timed(health, E1, now + 20, now + 40, false);
        shift(health, by);
        assert_int_equal(health_follow_clock(health, now + by), by > 0 ? 2 : 0); /* ended; never began */
        assert_int_equal(health_get_override(health, HEALTH_ENDPOINT, A1)->expires_ms, now + by + 30);
        assert_int_equal(health_get_override(health, HEALTH_ENDPOINT, A2) == NULL, by > 0);
        assert_int_equal(health_get_override(health, HEALTH_ENDPOINT, E1) == NULL, by > 0);
        assert_int_equal(health_next_due(health), now + by + 20);
        assert_int_equal(health_follow_clock(health, now + by + 20), 1);
        expect(health, HEALTH_ENDPOINT, B1, HEALTH_DRAINED, HEALTH_BY_ENDPOINT_OVERRIDE);
        assert_int_equal(health_follow_clock(health, now + by + 30), 1); /* a1 */
        shift(health, -by);                                              /* and back, while b1 is in force */
        assert_int_equal(health_follow_clock(health, now + 39), by > 0 ? 0 : 2); /* the times have come */
        assert_int_equal(health_follow_clock(health, now + 40), by > 0 ? 1 : 2);
        assert_int_equal(health_next_due(health), 0);
    }
}

/* Who looks at them from outside knows when to look again, also where no word changes. */
static void spells_are_listed(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    struct health_spell spells[4];
    size_t done = 0;
    assert_int_equal(health_list_spells(health, 0, spells, 4), 0);
    uint64_t before = health_count_override_changes(health), generation_before;
    override_as(health, HEALTH_REGION, EU, HEALTH_DESIRED_UP, 0);
    PLAN(HEALTH_ENDPOINT, A1, HEALTH_DESIRED_DOWN, 4500, 9000);
    assert_true(health_count_override_changes(health) > before);
    assert_int_equal(health_count_overrides(health), 2);
    assert_int_equal(health_list_spells(health, 1, spells, 4), 1);
    assert_int_equal(health_list_spells(health, 0, spells, 4), 2);
    assert_int_equal(spells[0].kind, HEALTH_REGION);
    assert_int_equal(spells[0].desired, HEALTH_DESIRED_UP);
    assert_true(spells[0].from_ms == INT64_MIN && spells[0].until_ms == INT64_MAX);
    assert_int_equal(spells[1].index, A1);
    assert_true(spells[1].from_ms == 4500 && spells[1].until_ms == 9000);
    before = health_count_override_changes(health);
    generation_before = generation(health);
    PLAN(HEALTH_ENDPOINT, A1, HEALTH_DESIRED_DOWN, 5500, 9000);
    assert_int_equal(generation(health), generation_before);
    assert_true(health_count_override_changes(health) > before);
    before = health_count_override_changes(health);
    assert_int_equal(health_follow_clock(health, 5500), 1);
    assert_true(health_count_override_changes(health) > before);
    health_list_spells(health, 1, spells, 1);
    assert_true(spells[0].from_ms == INT64_MIN);
    before = health_count_override_changes(health);
    assert_int_equal(health_follow_clock(health, 9000), 1);
    assert_true(health_count_override_changes(health) > before);
    assert_int_equal(health_count_overrides(health), 1);
    before = health_count_override_changes(health);
    assert_false(health_shift_clock(health, 1000, &done));
    assert_int_equal(health_count_override_changes(health), before); /* it has no end */
}

/* Those of a duration move among those that end at a time, and none is lost or ends twice. */
static void very_many_are_shifted(void **state)
{
    enum { MANY = 3000 };
    static const struct health_region_plan regions[] = {{"r", 1.0}};
    static const struct health_az_plan azs[] = {{"z", 0, 1.0}};
    static struct health_endpoint_plan endpoints[MANY];
    static char names[MANY][8];
    const struct health_plan plan = {.regions = regions,
                                     .region_count = 1,
                                     .azs = azs,
                                     .az_count = 1,
                                     .endpoints = endpoints,
                                     .endpoint_count = MANY};
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof names[i], "e%u", i);
        endpoints[i] = (struct health_endpoint_plan){names[i], 0};
    }
    struct health *health = health_new(&plan, 1);
    for (uint32_t i = 0; i < MANY; i++) {
        put_timed(health, i, 0, 10000 + (int64_t)(i * 7 % MANY), i % 2 == 0);
    }
    shift(health, 100000);
    assert_int_equal(health_next_due(health), 10001);
    assert_int_equal(health_follow_clock(health, 20000), MANY / 2);
    assert_int_equal(health_next_due(health), 110000);
    shift(health, -60000);
    assert_int_equal(health_next_due(health), 50000);
    put_timed(health, 1, 0, 50001, true);
    assert_int_equal(health_follow_clock(health, 50000), 1);
    assert_int_equal(health_follow_clock(health, 60000), MANY / 2);
    assert_int_equal(health_next_due(health), 0);
    health_free(health);
}

/* Assumptions are made on words of one's own. */
static void words_are_copied(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    make_all_healthy(health);
    PLAN(HEALTH_AZ, 0, HEALTH_DESIRED_DRAIN, 4500, 9000);
    struct health_table *copy = health_copy_words(health_get_table(health));
    health_assume(copy,
                  &(struct health_spell){.kind = HEALTH_AZ, .index = 0, .desired = HEALTH_DESIRED_DOWN});
    health_assume(copy,
                  &(struct health_spell){.kind = HEALTH_REGION, .index = EU, .desired = HEALTH_DESIRED_UP});
    assert_int_equal(copy->azs[0] & HEALTH_WORD_PLANNED, 0);
    assert_int_equal(health_table_effective(copy, A1, 0, US, HEALTH_V4).state, HEALTH_FORCED_DOWN);
    assert_int_equal(health_table_effective(health_get_table(health), A1, 0, US, HEALTH_V4).state,
                     HEALTH_HEALTHY);
    assert_int_equal(health_table_effective(copy, E1, health_world_endpoints[E1].az, EU, HEALTH_V4).state,
                     HEALTH_FORCED_UP);
    health_assume(copy,
                  &(struct health_spell){.kind = HEALTH_AZ, .index = 0, .desired = HEALTH_DESIRED_AUTO});
    assert_int_equal(health_table_effective(copy, A1, 0, US, HEALTH_V4).state, HEALTH_HEALTHY);
    free(copy);
}

/* Where what is moved off is to go is in the table while the override is in force, and is a change like any.
 */
static void a_drain_may_have_a_destination(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    const struct health_marks *exits = health_get_table(health)->exits;
    struct health_override drain = {.desired = HEALTH_DESIRED_DRAIN, .to = "eu-west"};
    assert_int_equal(health_set_override(health, HEALTH_REGION, US, &drain, 3000), 0);
    assert_int_equal(exits->regions[US], health_exit_make(HEALTH_REGION, EU));
    assert_int_equal(exits->count, 1);
    uint64_t before = generation(health);
    snprintf(drain.to, sizeof drain.to, "euw1a");
    assert_int_equal(health_set_override(health, HEALTH_REGION, US, &drain, 3000), 0);
    assert_int_equal(exits->regions[US], health_exit_make(HEALTH_AZ, EUW1A));
    assert_int_equal(generation(health), before + 1); /* the word is the same */
    struct health *next = health_new(&health_world_plan, 4000);
    health_carry(next, health, 4000);
    assert_int_equal(health_get_table(next)->exits->regions[US], health_exit_make(HEALTH_AZ, EUW1A));
    assert_int_equal(health_get_table(next)->exits->count, 1);
    health_free(next);
    snprintf(drain.to, sizeof drain.to, "mars");
    assert_int_equal(health_set_override(health, HEALTH_REGION, US, &drain, 3000), 0);
    assert_int_equal(exits->regions[US] + exits->count, 0);
    snprintf(drain.to, sizeof drain.to, "eu-west");
    assert_int_equal(health_set_override(health, HEALTH_REGION, US, &drain, 3000), 0);
    override_as(health, HEALTH_REGION, US, HEALTH_DESIRED_AUTO, 0);
    assert_int_equal(exits->regions[US] + exits->count, 0);
    drain.starts_ms = 9000; /* not before it begins */
    drain.expires_ms = 10000;
    assert_int_equal(health_set_override(health, HEALTH_ENDPOINT, A1, &drain, 3000), 0);
    assert_int_equal(exits->endpoints[A1], 0);
    assert_int_equal(health_follow_clock(health, 9000), 1);
    assert_int_equal(exits->endpoints[A1], health_exit_make(HEALTH_REGION, EU));
    assert_int_equal(health_follow_clock(health, 10000), 1);
    assert_int_equal(exits->endpoints[A1] + exits->count, 0);
}

/* The TTL of an override is in the table from its announcement on, and a change like any. */
static void an_override_may_have_a_ttl(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    const struct health_marks *ttls = health_get_table(health)->ttls;
    struct health_override drain = {
        .desired = HEALTH_DESIRED_DRAIN, .starts_ms = 9000, .expires_ms = 10000, .has_ttl = true, .ttl_s = 0};
    assert_int_equal(health_set_override(health, HEALTH_AZ, EUW1A, &drain, 3000), 0);
    assert_int_equal(ttls->azs[EUW1A], health_ttl_make(0));
    assert_int_equal(ttls->count, 1);
    uint64_t before = generation(health);
    drain.ttl_s = HEALTH_TTL_MAX_S;
    assert_int_equal(health_set_override(health, HEALTH_AZ, EUW1A, &drain, 3000), 0);
    assert_int_equal(ttls->azs[EUW1A], health_ttl_make(HEALTH_TTL_MAX_S));
    assert_int_equal(generation(health), before + 1); /* the word is the same */
    assert_int_equal(health_set_override(health, HEALTH_AZ, EUW1A, &drain, 3000), 0);
    assert_int_equal(generation(health), before + 1);
    struct health *next = health_new(&health_world_plan, 4000);
    health_carry(next, health, 4000);
    assert_int_equal(health_get_table(next)->ttls->azs[EUW1A], health_ttl_make(HEALTH_TTL_MAX_S));
    health_free(next);
    assert_int_equal(health_follow_clock(health, 9000), 1);
    assert_int_equal(ttls->azs[EUW1A], health_ttl_make(HEALTH_TTL_MAX_S));
    assert_int_equal(health_follow_clock(health, 10000), 1);
    assert_int_equal(ttls->azs[EUW1A] + ttls->count, 0);
}

/* That a drain is in part stands beside its TTL while it is in force. */
static void a_drain_in_part_says_so(void **state)
{
    struct world *world = *state;
    struct health *health = world->health;
    const struct health_marks *ttls = health_get_table(health)->ttls;
    struct health_override drain = {
        .desired = HEALTH_DESIRED_DRAIN, .starts_ms = 9000, .expires_ms = 10000, .share = 20};
    make_all_healthy(health);
    assert_int_equal(health_set_override(health, HEALTH_REGION, US, &drain, 3000), 0);
    assert_int_equal(ttls->regions[US], 0); /* it is planned, and says that */
    assert_int_equal(health_follow_clock(health, 9000), 1);
    assert_int_equal(ttls->regions[US], HEALTH_TTL_PARTLY);
    assert_int_equal(ttls->count, 1);
    struct health *next = health_new(&health_world_plan, 9500);
    health_carry(next, health, 9500);
    assert_int_equal(health_get_table(next)->ttls->regions[US], HEALTH_TTL_PARTLY);
    health_free(next);
    assert_int_equal(health_follow_clock(health, 10000), 1);
    assert_int_equal(ttls->regions[US] + ttls->count, 0);
    drain = (struct health_override){
        .desired = HEALTH_DESIRED_DRAIN, .share = 60, .has_ttl = true, .ttl_s = HEALTH_TTL_MAX_S};
    assert_int_equal(health_set_override(health, HEALTH_REGION, US, &drain, 11000), 0);
    assert_int_equal(ttls->regions[US], HEALTH_TTL_PARTLY | health_ttl_make(HEALTH_TTL_MAX_S));
    drain.share = 0; /* the whole */
    assert_int_equal(health_set_override(health, HEALTH_REGION, US, &drain, 12000), 0);
    assert_int_equal(ttls->regions[US], health_ttl_make(HEALTH_TTL_MAX_S));
    assert_int_equal(ttls->regions[US] & HEALTH_TTL_PARTLY, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, health_set_up, health_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(spells_are_listed),
        TEST(words_are_copied),
        TEST(an_override_may_have_a_ttl),
        TEST(a_drain_in_part_says_so),
        TEST(a_drain_may_have_a_destination),
        TEST(waits_starts_and_ends),
        TEST(what_is_due_at_once_is_one_change),
        TEST(a_clock_that_leaps_misses_it),
        TEST(a_clock_that_is_set_back_stops_nothing),
        TEST(what_is_in_force_is_not_planned_away),
        TEST(plans_are_replaced_and_removed),
        TEST(the_narrowest_plan_counts),
        cmocka_unit_test(very_many_go_in_turns),
        cmocka_unit_test(very_many_are_shifted),
        cmocka_unit_test_setup_teardown(durations_do_not_follow_a_clock_that_is_set, health_set_up,
                                        health_tear_down),
    };
    return cmocka_run_group_tests_name("health_planned", tests, NULL, NULL);
}
