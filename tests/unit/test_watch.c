/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what `steerctl watch` draws: it fits whatever size there is, what is not well comes first, what
 * changed is marked for a while. */
#include "config.h"

#include "ctl/spark.h"
#include "ctl/watch_frame.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

enum { CHECKS = 40 };

struct scene {
    json_t *status, *regions, *azs, *failing, *checks, *switchovers, *drills, *events;
    const char *no_events;
    struct watch_memory memory;
};

static json_t *make_place(const char *kind, const char *name, const char *region, const char *state)
{
    json_t *place = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i}", "kind", kind, "name", name, "effective",
                              state, "decided_by", "verdict", "members", 4, "members_unhealthy",
                              strcmp(state, "healthy") == 0 ? 0 : 4);
    if (region != NULL) {
        json_object_set_new(place, "region", json_string(region));
    }
    return place;
}

static json_t *make_check(int number, const char *verdict)
{
    char name[32];
    snprintf(name, sizeof name, "web-%d", number);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:f, s:s, s:[{s:s, s:f}, {s:s, s:f}]}", "endpoint", name,
                     "check", "web", "address", "192.0.2.1:80", "verdict", verdict, "outcome", "ok", "status",
                     200, "duration_ms", 1.5, "why", "a reason", "results", "outcome", "ok", "duration_ms",
                     2.0, "outcome", "timeout", "duration_ms", 1000.0);
}

static int set_up(void **state)
{
    static struct scene scene;
    scene = (struct scene){.status = json_pack("{s:s, s:i, s:{s:i, s:i}}", "version", "1", "generation", 7,
                                               "endpoints", "total", CHECKS, "healthy", CHECKS - 1),
                           .regions = json_array(),
                           .azs = json_array(),
                           .failing = json_array(),
                           .checks = json_array()};
    json_array_append_new(scene.regions, make_place("region", "east", NULL, "healthy"));
    json_array_append_new(scene.regions, make_place("region", "west", NULL, "healthy"));
    json_array_append_new(scene.azs, make_place("az", "east-1", "east", "healthy"));
    json_array_append_new(scene.azs, make_place("az", "west-1", "west", "unhealthy"));
    for (int i = 0; i < CHECKS; i++) {
        json_array_append_new(scene.checks, make_check(i, i == 33 ? "unhealthy" : "healthy"));
    }
    json_array_append_new(scene.failing, make_check(33, "unhealthy"));
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    json_decref(scene->status);
    json_decref(scene->regions);
    json_decref(scene->azs);
    json_decref(scene->failing);
    json_decref(scene->checks);
    json_decref(scene->switchovers);
    json_decref(scene->drills);
    json_decref(scene->events);
    watch_forget(&scene->memory);
    return 0;
}

static void draw(struct scene *scene, struct watch_screen screen, struct buffer *out)
{
    const struct watch_data data = {.status = scene->status,
                                    .regions = scene->regions,
                                    .azs = scene->azs,
                                    .failing = scene->failing,
                                    .checks = scene->checks,
                                    .switchovers = scene->switchovers,
                                    .drills = scene->drills,
                                    .events = scene->events,
                                    .no_events = scene->no_events};
    screen.clear = "";
    screen.end = "\n";
    buffer_init(out);
    watch_draw(&scene->memory, &data, &screen, out);
}

static unsigned count_columns(const char *line, size_t len)
{
    unsigned columns = 0;
    for (size_t i = 0; i < len; i++) {
        columns += ((unsigned char)line[i] & 0xc0) != 0x80;
    }
    return columns;
}

/* So many, the latest last; each is about the endpoint of its number. */
static json_t *make_events(int count)
{
    json_t *events = json_array();
    for (int i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "endpoint:e-%d", i);
        json_array_append_new(events, json_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:i}}", "time",
                                                "2026-11-23T04:05:06.789Z", "kind", "health", "name", name,
                                                "actor", "ann", "reason", "a \033[7mstorm", "body",
                                                "observed", "unhealthy", "share", i));
    }
    return events;
}

static void it_fits_every_size(void **state)
{
    struct scene *scene = *state;
    scene->events = make_events(30);
    for (unsigned rows = 1; rows < 60; rows++) {
        for (unsigned columns = 1; columns < 140; columns += 7) {
            struct buffer out;
            unsigned lines = 0;
            draw(scene, (struct watch_screen){.rows = rows, .columns = columns, .bars = true}, &out);
            for (const char *at = out.bytes; *at != '\0'; lines++) {
                size_t len = strcspn(at, "\n");
                assert_true(count_columns(at, len) <= columns);
                at += len + (at[len] == '\n');
            }
            assert_true(lines <= rows);
            assert_true(rows < 3 || lines > 1);
            buffer_fini(&out);
        }
    }
}

static size_t place_of(const struct buffer *out, const char *text)
{
    const char *found = strstr(out->bytes, text);
    assert_non_null(found);
    return (size_t)(found - out->bytes);
}

static void what_is_not_well_comes_first_and_once(void **state)
{
    struct scene *scene = *state;
    struct buffer out;
    draw(scene, (struct watch_screen){.columns = 200}, &out);
    assert_true(place_of(&out, "web-33 ") < place_of(&out, "web-0 "));
    assert_null(strstr(out.bytes + place_of(&out, "web-33 ") + 1, "web-33 "));
    assert_true(place_of(&out, "east-1") < place_of(&out, " west ")); /* azs below their region */
    place_of(&out, "39 of 40 healthy");
    place_of(&out, "web-39 ");
    place_of(&out, "x.  a reason");
    buffer_fini(&out);
}

static void azs_that_are_well_give_way(void **state)
{
    struct scene *scene = *state;
    struct buffer out;
    draw(scene, (struct watch_screen){.columns = 80, .rows = 7}, &out);
    place_of(&out, "west-1");
    place_of(&out, "and 1 more azs");
    assert_null(strstr(out.bytes, "east-1"));
    buffer_fini(&out);
}

static void what_changed_is_marked_for_a_while(void **state)
{
    struct scene *scene = *state;
    struct buffer out;
    struct watch_screen screen = {.columns = 80, .rows = 24, .colour = true, .now_ms = 1000};
    draw(scene, screen, &out);
    assert_null(strstr(out.bytes, "!")); /* nothing is known of before */
    buffer_fini(&out);
    json_object_set_new(json_array_get(scene->regions, 0), "effective", json_string("unhealthy"));
    screen.now_ms += 1000;
    draw(scene, screen, &out);
    place_of(&out, "\033[7m!east ");
    assert_null(strstr(out.bytes, "!west"));
    buffer_fini(&out);
    screen.now_ms += WATCH_MARKS_MS - 1;
    draw(scene, screen, &out);
    place_of(&out, "!east ");
    buffer_fini(&out);
    screen.now_ms += 1;
    draw(scene, screen, &out);
    assert_null(strstr(out.bytes, "!"));
    buffer_fini(&out);
}

/* Above the regions; what is over, and a live drill, which stands in the first lines, is not. */
static void what_goes_on_is_shown(void **state)
{
    struct scene *scene = *state;
    struct buffer out;
    struct watch_screen screen = {.columns = 200, .rows = 40, .now_ms = 1000};
    json_decref(scene->switchovers);
    scene->switchovers =
        json_pack("[{s:s, s:s, s:i, s:[s], s:s, s:{s:s}}, {s:s, s:s, s:i, s:[s], s:s}]", "id", "S-1", "state",
                  "moving", "share", 20, "source", "region:us-east", "actor", "ann", "held", "by", "capacity",
                  "id", "S-0", "state", "closed", "share", 100, "source", "az:gone", "actor", "bob");
    json_decref(scene->drills);
    scene->drills = json_pack("[{s:s, s:s, s:s, s:[s], s:s, s:{s:i}}, {s:s, s:s, s:s}, {s:s, s:s, s:s}]",
                              "id", "D-1", "state", "running", "mode", "shadow", "lose", "az:us-east-1a",
                              "actor", "carl", "progress", "percent", 40, "id", "D-2", "state", "running",
                              "mode", "live", "id", "D-3", "state", "ended", "mode", "shadow");
    draw(scene, screen, &out);
    size_t switchover =
        place_of(&out, " switchover S-1: moving, 20 % off region:us-east, HELD by capacity; by ann");
    assert_true(switchover < place_of(&out,
                                      " drill D-1: 40 %, its clients are answered as if az:us-east-1a were "
                                      "lost; by carl"));
    assert_null(strstr(out.bytes, "S-0"));
    assert_null(strstr(out.bytes, "D-2"));
    assert_null(strstr(out.bytes, "D-3"));
    buffer_fini(&out);
    json_object_set_new(json_array_get(scene->switchovers, 0), "share", json_integer(60));
    screen.now_ms = 2000;
    draw(scene, screen, &out);
    (void)place_of(&out, "!switchover S-1: moving, 60 %");
    buffer_fini(&out);
}

/* A quarter of the lines is theirs, and what checks leave; the latest comes first. */
static void the_latest_events_stand_below(void **state)
{
    struct scene *scene = *state;
    struct buffer out;
    scene->events = make_events(30);
    draw(scene, (struct watch_screen){.columns = 200, .rows = 40}, &out);
    assert_true(place_of(&out, "web-33 ") < place_of(&out, "EVENTS"));
    assert_true(place_of(&out, "EVENTS") < place_of(&out, " 04:05:06Z health      endpoint:e-29 "));
    assert_true(place_of(&out, "endpoint:e-29 ") < place_of(&out, "endpoint:e-28 "));
    place_of(&out, "observed=unhealthy share=29 actor=ann reason=\"a ");
    place_of(&out, "endpoint:e-22 ");
    assert_null(strstr(out.bytes, "endpoint:e-21 ")); /* 40 / 4, without the heading and the line above */
    assert_null(strchr(out.bytes, '\033'));
    buffer_fini(&out);
    draw(scene, (struct watch_screen){.columns = 200, .rows = 100}, &out);
    place_of(&out, "endpoint:e-0 "); /* there is room for all */
    place_of(&out, "web-39 ");
    buffer_fini(&out);
    draw(scene, (struct watch_screen){.columns = 200}, &out);
    place_of(&out, "endpoint:e-10 ");
    assert_null(strstr(out.bytes, "endpoint:e-9 "));
    buffer_fini(&out);
}

static void what_is_missing_is_said(void **state)
{
    struct scene *scene = *state;
    struct buffer out;
    scene->no_events = "nobody may look";
    draw(scene, (struct watch_screen){.columns = 200}, &out);
    place_of(&out, "NO EVENTS ARE HEARD OF: nobody may look");
    buffer_fini(&out);
    scene->no_events = "";
    scene->events = json_pack("[{s:b, s:i, s:s}]", "gap", true, "missed", 12, "because", "slow");
    draw(scene, (struct watch_screen){.columns = 200}, &out);
    place_of(&out, "-- 12 events are missing here (slow)");
    buffer_fini(&out);
}

static void nothing_known_is_nothing_shown(void **state)
{
    struct scene *scene = *state;
    struct buffer out;
    const struct watch_data none = {.status = NULL};
    const struct watch_screen screen = {
        .columns = 80, .rows = 24, .is_stale = true, .clear = "", .end = "\n"};
    buffer_init(&out);
    watch_draw(&scene->memory, &none, &screen, &out);
    place_of(&out, "DOES NOT ANSWER");
    buffer_fini(&out);
}

static void results_are_bars(void **state)
{
    char text[SPARK_SIZE];
    (void)state;
    json_t *results = json_pack("[{s:s, s:f}, {s:s, s:f}, {s:s, s:f}, {s:s, s:f}]", "outcome", "ok",
                                "duration_ms", 8.0, "outcome", "timeout", "duration_ms", 1000.0, "outcome",
                                "local_error", "duration_ms", 0.0, "outcome", "ok", "duration_ms", 0.1);
    assert_string_equal(spark_write(results, 8, true, text), "▁?✗█"); /* the latest at the right */
    assert_string_equal(spark_write(results, 8, false, text), ".?x.");
    assert_string_equal(spark_write(results, 1, false, text), ".");
    assert_string_equal(spark_write(NULL, 8, true, text), "");
    json_decref(results);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_fits_every_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_not_well_comes_first_and_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(azs_that_are_well_give_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_changed_is_marked_for_a_while, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_goes_on_is_shown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_latest_events_stand_below, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_missing_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_known_is_nothing_shown, set_up, tear_down),
        cmocka_unit_test(results_are_bars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
