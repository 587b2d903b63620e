/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The last place: which names an override would leave unserved, on a real view. */
#include "config.h"

#include "unit.h"

#include "operate_world.h"

#include "base/error.h"
#include "operate/foresee.h"
#include "operate/moments.h"

#include <string.h>

#define FALLBACK(name, fallback) "\"" name "\": {\"endpoints\": [\"b\"], \"fallback\": \"" fallback "\"}"

static const char policy[] =
    "{\"names\": {\"www\": {\"endpoints\": [\"*\"], \"tiers\": [[\"us\"], [\"eu\"]], \"fallback\": "
    "\"static\"},"
    " \"half\": {\"endpoints\": [\"*\"], \"tiers\": [{\"members\": [\"us\"], \"min_healthy\": \"100%\"}]},"
    " \"pool\": {\"endpoints\": [\"b\", \"c\"], \"tiers\": [[\"us\"]],"
    "            \"fallback\": {\"pool\": [\"c\"], \"then\": \"servfail\"}},"
    " " FALLBACK("all", "all") "," FALLBACK("nodata", "nodata") "," FALLBACK("servfail", "servfail") "}}";

static int open_world(void **state)
{
    return world_open(state, NULL, policy);
}

/* At once, but for the time that the override says. */
static struct operate_unserved find_timed(struct world *w, enum health_kind kind, const char *name,
                                          const struct health_override *override, size_t limit)
{
    struct operate_unserved unserved;
    struct health_spell wish, spells[64];
    size_t count = health_list_spells(w->view->health, 0, spells, 64);
    assert_int_equal(count, health_count_overrides(w->view->health));
    assert_int_equal(
        operate_find_spell(w->view, &(struct operate_wish){.kind = kind, .name = name, .override = override},
                           &wish),
        0);
    const struct operate_unserved_ask ask = {.view = w->view,
                                             .wish = &wish,
                                             .spells = spells,
                                             .spell_count = count,
                                             .wall_ms = WORLD_WALL_MS,
                                             .limit = limit};
    assert_int_equal(operate_find_unserved(&ask, w->arena, &unserved), 0);
    return unserved;
}

static struct operate_unserved find(struct world *w, enum health_kind kind, const char *name,
                                    enum health_desired desired, size_t limit)
{
    return find_timed(w, kind, name, &(struct health_override){.desired = desired}, limit);
}

/* "all nodata servfail": the labels of the names. */
static const char *labels(struct world *w, struct operate_unserved unserved)
{
    const char *text = "";
    for (size_t i = 0; i < unserved.count; i++) {
        const char *name = unserved.names[i].name;
        text = arena_print(w->arena, "%s%s%.*s", text, i == 0 ? "" : " ", (int)strcspn(name, "."), name);
    }
    return text;
}

static void last_places_are_found(void **state)
{
    struct world *w = *state;
    static const enum health_desired gone[] = {HEALTH_DESIRED_DRAIN, HEALTH_DESIRED_DOWN};
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(labels(w, find(w, HEALTH_ENDPOINT, "b", gone[i], 10)), "all nodata servfail");
        assert_string_equal(labels(w, find(w, HEALTH_AZ, "us-2", gone[i], 10)), "all nodata servfail");
    }
    /* nobody but a has IPv6 */
    struct operate_unserved found = find(w, HEALTH_REGION, "us", HEALTH_DESIRED_DRAIN, 10);
    assert_string_equal(labels(w, found), "all half nodata servfail www");
    assert_string_equal(found.names[4].types[0], "AAAA");
    assert_null(found.names[4].types[1]);
    assert_string_equal(found.names[4].class_label, "default");
    assert_int_equal(found.names[4].class_count, 1);
    assert_string_equal(found.names[4].zone, "example.com.");
    assert_int_equal(find(w, HEALTH_ENDPOINT, "a", HEALTH_DESIRED_UP, 10).total, 0);
    assert_int_equal(find(w, HEALTH_REGION, "us", HEALTH_DESIRED_AUTO, 10).total, 0);
}

static void lists_are_bounded(void **state)
{
    struct world *w = *state;
    struct operate_unserved found = find(w, HEALTH_ENDPOINT, "b", HEALTH_DESIRED_DRAIN, 1);
    assert_int_equal(found.total, 3);
    assert_string_equal(labels(w, found), "all");
    found = find(w, HEALTH_ENDPOINT, "b", HEALTH_DESIRED_DRAIN, 0);
    assert_int_equal(found.total, 3);
    assert_int_equal(found.count, 0);
}

/* Who was unserved before is not blamed on anybody. */
static void nobody_is_blamed_twice(void **state)
{
    struct world *w = *state;
    world_observe(w, "b", HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(find(w, HEALTH_ENDPOINT, "b", HEALTH_DESIRED_DRAIN, 10).total, 0);
    /* but now a is the last place of what b stood for, too */
    world_observe(w, "c", HEALTH_OUTCOME_TIMEOUT);
    assert_string_equal(labels(w, find(w, HEALTH_ENDPOINT, "a", HEALTH_DESIRED_DRAIN, 10)), "half www");
    assert_int_equal(world_put(w, HEALTH_ENDPOINT, "b", HEALTH_DESIRED_UP, 0), 0);
    assert_string_equal(labels(w, find(w, HEALTH_ENDPOINT, "b", HEALTH_DESIRED_AUTO, 10)),
                        "all nodata pool servfail");
    assert_string_equal(labels(w, find(w, HEALTH_ENDPOINT, "b", HEALTH_DESIRED_DOWN, 10)),
                        "all nodata pool servfail");
}

/* Two that are harmless alone. */
static void orders_add_up(void **state)
{
    struct world *w = *state;
    assert_string_equal(labels(w, find(w, HEALTH_REGION, "eu", HEALTH_DESIRED_DRAIN, 10)), "");
    assert_int_equal(world_put(w, HEALTH_REGION, "us", HEALTH_DESIRED_DRAIN, 0), 0);
    struct operate_unserved found = find(w, HEALTH_REGION, "eu", HEALTH_DESIRED_DRAIN, 10);
    assert_string_equal(labels(w, found), "half pool www");
    assert_string_equal(found.names[2].types[0], "A");
}

/* From and until are seconds after now; 0: at once, for ever. */
static struct health_override timed(enum health_desired desired, int from_s, int until_s)
{
    return (struct health_override){.desired = desired,
                                    .set_ms = WORLD_WALL_MS,
                                    .starts_ms = from_s == 0 ? 0 : WORLD_WALL_MS + 1000 * from_s,
                                    .expires_ms = until_s == 0 ? 0 : WORLD_WALL_MS + 1000 * until_s,
                                    .reason = "test",
                                    .actor = "tester"};
}

static void plan(struct world *w, enum health_kind kind, const char *name, struct health_override override)
{
    assert_int_equal(operate_put_override(w->view, kind, name, &override, WORLD_WALL_MS), 0);
}

static void expect(struct world *w, enum health_kind kind, const char *name, struct health_override override,
                   const char *expected)
{
    assert_string_equal(labels(w, find_timed(w, kind, name, &override, 10)), expected);
}

/* Two that are harmless alone, and hold together for a while. */
static void plans_add_up(void **state)
{
    struct world *w = *state;
    plan(w, HEALTH_REGION, "us", timed(HEALTH_DESIRED_DRAIN, 100, 200));
    const struct health_override ends_before = timed(HEALTH_DESIRED_DRAIN, 0, 100),
                                 ends_after = timed(HEALTH_DESIRED_DOWN, 0, 101),
                                 lies_within = timed(HEALTH_DESIRED_DRAIN, 120, 130),
                                 begins_before = timed(HEALTH_DESIRED_DRAIN, 199, 0),
                                 begins_after = timed(HEALTH_DESIRED_DRAIN, 200, 0);
    expect(w, HEALTH_REGION, "eu", ends_before, "");
    expect(w, HEALTH_REGION, "eu", ends_after, "half pool www");
    expect(w, HEALTH_REGION, "eu", lies_within, "half pool www");
    expect(w, HEALTH_REGION, "eu", begins_before, "half pool www");
    expect(w, HEALTH_REGION, "eu", begins_after, "");
    expect(w, HEALTH_ENDPOINT, "c", timed(HEALTH_DESIRED_DRAIN, 0, 0), "half pool www");
    /* from when on */
    assert_int_equal(find_timed(w, HEALTH_REGION, "eu", &ends_after, 10).from_ms, WORLD_WALL_MS + 100000);
    assert_int_equal(find_timed(w, HEALTH_REGION, "eu", &begins_before, 10).from_ms, WORLD_WALL_MS + 199000);
    assert_int_equal(find(w, HEALTH_ENDPOINT, "b", HEALTH_DESIRED_DRAIN, 10).from_ms, 0);
}

/* The plan itself was allowed: the next one answers for what it adds. */
static void plans_are_not_blamed_twice(void **state)
{
    struct world *w = *state;
    plan(w, HEALTH_REGION, "us", timed(HEALTH_DESIRED_DRAIN, 100, 200));
    expect(w, HEALTH_AZ, "us-2", timed(HEALTH_DESIRED_DRAIN, 100, 200), "");
    expect(w, HEALTH_AZ, "us-2", timed(HEALTH_DESIRED_DRAIN, 100, 201), "all nodata servfail");
    expect(w, HEALTH_AZ, "us-2", timed(HEALTH_DESIRED_DRAIN, 99, 200), "all nodata servfail");
    /* what replaces it is compared with it, and not with itself */
    expect(w, HEALTH_REGION, "us", timed(HEALTH_DESIRED_DRAIN, 120, 180), "");
    expect(w, HEALTH_REGION, "us", timed(HEALTH_DESIRED_DRAIN, 120, 220), "all half nodata servfail www");
    expect(w, HEALTH_REGION, "us", timed(HEALTH_DESIRED_AUTO, 0, 0), "");
}

/* What is up keeps names only while it is up. */
static void ups_end(void **state)
{
    struct world *w = *state;
    world_observe(w, "b", HEALTH_OUTCOME_TIMEOUT);
    plan(w, HEALTH_ENDPOINT, "b", timed(HEALTH_DESIRED_UP, 0, 0));
    expect(w, HEALTH_ENDPOINT, "b", timed(HEALTH_DESIRED_UP, 0, 0), "");
    struct health_override shorter = timed(HEALTH_DESIRED_UP, 0, 60);
    expect(w, HEALTH_ENDPOINT, "b", shorter, "all nodata servfail");
    assert_int_equal(find_timed(w, HEALTH_ENDPOINT, "b", &shorter, 10).from_ms, WORLD_WALL_MS + 60000);
    /* two hold each other's place: c until 50, b from then on */
    plan(w, HEALTH_ENDPOINT, "b", timed(HEALTH_DESIRED_UP, 0, 50));
    expect(w, HEALTH_REGION, "eu", timed(HEALTH_DESIRED_DRAIN, 0, 50), "");
    expect(w, HEALTH_REGION, "eu", timed(HEALTH_DESIRED_DRAIN, 0, 51), "pool");
}

static int open_six(void **state)
{
    return world_open(
        state, NULL,
        "{\"names\": {\"six\": {\"endpoints\": [\"a\", \"b\"], \"tiers\": [[\"us-2\"], [\"us-1\"]]}}}");
}

/* While b is away clients get the IPv6 of a. Who wants b back is not asked about that, now or later. */
static void what_is_given_back_is_not_asked_about(void **state)
{
    struct world *w = *state;
    struct operate_foresight seen;
    expect(w, HEALTH_ENDPOINT, "a", timed(HEALTH_DESIRED_DRAIN, 0, 0), "");
    plan(w, HEALTH_ENDPOINT, "b", timed(HEALTH_DESIRED_DRAIN, 100, 200));
    expect(w, HEALTH_ENDPOINT, "a", timed(HEALTH_DESIRED_DRAIN, 0, 0), "six");
    expect(w, HEALTH_ENDPOINT, "b", timed(HEALTH_DESIRED_AUTO, 0, 0), "");
    expect(w, HEALTH_ENDPOINT, "b", timed(HEALTH_DESIRED_UP, 0, 0), "");
    expect(w, HEALTH_ENDPOINT, "b", timed(HEALTH_DESIRED_DRAIN, 150, 160), "");
    plan(w, HEALTH_ENDPOINT, "b", timed(HEALTH_DESIRED_DRAIN, 0, 0));
    expect(w, HEALTH_ENDPOINT, "b", timed(HEALTH_DESIRED_AUTO, 0, 0), "");
    expect(w, HEALTH_ENDPOINT, "b", timed(HEALTH_DESIRED_DOWN, 0, 100), "");
    /* and what cannot be planned is refused for that */
    plan(w, HEALTH_ENDPOINT, "b", timed(HEALTH_DESIRED_UP, 0, 0));
    plan(w, HEALTH_ENDPOINT, "a", timed(HEALTH_DESIRED_DOWN, 0, 0));
    const struct health_override drain = timed(HEALTH_DESIRED_DRAIN, 10, 0);
    expect(w, HEALTH_ENDPOINT, "b", drain, "");
    const struct operate_wish wish = {
        .kind = HEALTH_ENDPOINT, .name = "b", .override = &drain, .wall_ms = WORLD_WALL_MS, .limit = 10};
    assert_int_equal(operate_foresee_override(w->view, &wish, w->arena, &seen), ERROR_CONFLICT);
}

/* Of more than can be looked at one by one none is forgotten. */
static void many_moments_are_taken_together(void **state)
{
    struct world *w = *state;
    static const char *const names[] = {"a", "b", "us-1", "us-2", "us", "c", "eu-1", "eu"};
    static const enum health_kind kinds[] = {HEALTH_ENDPOINT, HEALTH_ENDPOINT, HEALTH_AZ, HEALTH_AZ,
                                             HEALTH_REGION,   HEALTH_ENDPOINT, HEALTH_AZ, HEALTH_REGION};
    struct moments moments;
    struct health_spell others[40];
    const struct health_spell wish = {.desired = HEALTH_DESIRED_DRAIN, .from_ms = 10, .until_ms = INT64_MAX},
                              old = {.desired = HEALTH_DESIRED_AUTO};
    for (int count = 0; count <= 40; count++) {
        moments_find(&moments, &wish, &old, others, (size_t)count, 20);
        assert_int_equal(moments.count, count < MOMENTS_MAX ? count + 1 : MOMENTS_MAX);
        assert_int_equal(moments.spans[0].from_ms, 20);
        for (size_t i = 1; i < moments.count; i++) {
            assert_int_equal(moments.spans[i].from_ms, moments.spans[i - 1].until_ms);
            assert_true(moments.spans[i].from_ms < moments.spans[i].until_ms);
        }
        assert_true(moments.spans[moments.count - 1].until_ms == INT64_MAX);
        if (count < 40) {
            others[count] = (struct health_spell){
                .desired = HEALTH_DESIRED_UP, .from_ms = INT64_MIN, .until_ms = 1000 - 7 * count};
        }
    }
    const struct moments_span span = {100, 200};
    const struct health_spell part = {.desired = HEALTH_DESIRED_DRAIN, .from_ms = 150, .until_ms = 160},
                              up = {.desired = HEALTH_DESIRED_UP, .from_ms = 100, .until_ms = 160};
    assert_int_equal(moments_get(&part, span, false).desired, HEALTH_DESIRED_DRAIN);
    assert_int_equal(moments_get(&part, span, true).desired, HEALTH_DESIRED_AUTO);
    assert_int_equal(moments_get(&up, span, false).desired, HEALTH_DESIRED_AUTO);
    assert_int_equal(moments_get(&up, span, true).desired, HEALTH_DESIRED_UP);
    for (int i = 0; i < 8; i++) {
        plan(w, kinds[i], names[i], timed(HEALTH_DESIRED_DRAIN, 10 * i + 10, 10 * i + 11));
    }
    expect(w, HEALTH_REGION, "eu", timed(HEALTH_DESIRED_DRAIN, 0, 0), "half pool www");
    expect(w, HEALTH_REGION, "eu", timed(HEALTH_DESIRED_DRAIN, 0, 50), "pool");
}

static void who_gives_up_is_heard(void **state)
{
    struct world *w = *state;
    struct operate_unserved unserved;
    struct operate_foresight seen;
    struct progress progress = {.done = 0};
    const struct health_override drain = timed(HEALTH_DESIRED_DRAIN, 0, 0);
    struct operate_wish wish = {.kind = HEALTH_REGION,
                                .name = "us",
                                .override = &drain,
                                .wall_ms = WORLD_WALL_MS,
                                .limit = 10,
                                .progress = &progress};
    struct health_spell spell;
    assert_int_equal(operate_find_spell(w->view, &wish, &spell), 0);
    const struct operate_unserved_ask ask = {
        .view = w->view, .wish = &spell, .wall_ms = WORLD_WALL_MS, .limit = 10, .progress = &progress};
    assert_int_equal(operate_find_unserved(&ask, w->arena, &unserved), 0);
    assert_int_equal(progress.done, progress.of);
    assert_int_equal(progress.done, 6);
    progress_cancel(&progress);
    assert_int_equal(operate_find_unserved(&ask, w->arena, &unserved), ERROR_CANCELLED);
    assert_int_equal(unserved.total, 0);
    assert_int_equal(operate_foresee_override(w->view, &wish, w->arena, &seen), ERROR_CANCELLED);
}

/* What a dry run says is what happens. */
static void dry_runs_say_what_happens(void **state)
{
    struct world *w = *state;
    struct operate_foresight seen;
    const struct health_override drain = {.desired = HEALTH_DESIRED_DRAIN,
                                          .set_ms = WORLD_WALL_MS,
                                          .starts_ms = WORLD_WALL_MS + 1000,
                                          .expires_ms = WORLD_WALL_MS + 2000,
                                          .reason = "test",
                                          .actor = "tester"};
    struct operate_wish wish = {
        .kind = HEALTH_REGION, .name = "us", .override = &drain, .wall_ms = WORLD_WALL_MS, .limit = 10};
    assert_int_equal(operate_foresee_override(w->view, &wish, w->arena, &seen), 0);
    assert_int_equal(seen.change_count, 5); /* the region, two azs, two endpoints */
    assert_string_equal(seen.changes[0].name, "us");
    assert_int_equal(seen.changes[0].before.state, HEALTH_UNKNOWN);
    assert_int_equal(seen.changes[4].after.state, HEALTH_DRAINED);
    assert_int_equal(seen.changes[4].after.decided_by, HEALTH_BY_REGION_OVERRIDE);
    assert_true(seen.target.status.planned);
    assert_int_equal(seen.target.status.effective.state, HEALTH_UNKNOWN);
    assert_int_equal(seen.target.override->starts_ms, WORLD_WALL_MS + 1000);
    assert_string_equal(labels(w, seen.unserved), "all half nodata servfail www");
    struct operate_target now;
    assert_int_equal(operate_get_target(w->view, HEALTH_REGION, "us", w->arena, &now), 0);
    assert_null(now.override); /* nothing has happened */
    assert_int_equal(world_put(w, HEALTH_REGION, "us", HEALTH_DESIRED_DOWN, 0), 0);
    assert_int_equal(operate_foresee_override(w->view, &wish, w->arena, &seen), ERROR_CONFLICT);
    wish.name = "mars";
    assert_int_equal(operate_foresee_override(w->view, &wish, w->arena, &seen), ERROR_NOT_FOUND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, world_close)
    const struct CMUnitTest tests[] = {
        TEST(last_places_are_found),
        TEST(lists_are_bounded),
        TEST(nobody_is_blamed_twice),
        TEST(orders_add_up),
        TEST(dry_runs_say_what_happens),
        TEST(plans_add_up),
        TEST(plans_are_not_blamed_twice),
        TEST(ups_end),
        cmocka_unit_test_setup_teardown(what_is_given_back_is_not_asked_about, open_six, world_close),
        TEST(many_moments_are_taken_together),
        TEST(who_gives_up_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
