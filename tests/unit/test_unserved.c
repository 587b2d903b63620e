/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The last place: which names an override would leave unserved, on a real view. */
#include "config.h"

#include "unit.h"

#include "operate_world.h"

#include "base/error.h"
#include "operate/foresee.h"

#include <stdlib.h>
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

static struct operate_unserved find(struct world *w, enum health_kind kind, const char *name,
                                    enum health_desired desired, size_t limit)
{
    struct operate_unserved unserved;
    ptrdiff_t index = operate_find_target(w->view, kind, name);
    struct health_table *after = health_foresee_override(w->view->table, kind, (uint32_t)index, desired);
    const struct operate_unserved_ask ask = {
        .view = w->view, .after = after, .wall_ms = WORLD_WALL_MS, .limit = limit};
    operate_find_unserved(&ask, w->arena, &unserved);
    free(after);
    return unserved;
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
        TEST(last_places_are_found), TEST(lists_are_bounded),         TEST(nobody_is_blamed_twice),
        TEST(orders_add_up),         TEST(dry_runs_say_what_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
