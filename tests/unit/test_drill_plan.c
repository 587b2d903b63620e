/* SPDX-License-Identifier: BSD-3-Clause
 *
 * When regular drills are run, and missed, in virtual time. */
#include "config.h"

#include "unit.h"

#include "base/arena.h"
#include "base/clock.h"
#include "drill/plan.h"

#include <string.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

struct scene {
    struct arena *arena;
    struct cron cron;
    struct plan_entry entry;
    int64_t handled_ms;
    struct plan_moment moment;
};

static int64_t at(const char *text)
{
    int64_t wall_ms;
    assert_int_equal(clock_parse_rfc3339(text, &wall_ms), 0);
    return wall_ms;
}

static void begin(struct scene *scene, const char *cron, const char *zone, const char *now)
{
    char why[TZIF_WHY_SIZE];
    *scene = (struct scene){.arena = arena_new(0)};
    assert_int_equal(cron_parse(cron, &scene->cron), 0);
    scene->entry = (struct plan_entry){
        .cron = &scene->cron, .zone = tzif_load(NULL, zone, scene->arena, why), .deadline_ms = 15 * MINUTE};
    assert_non_null(scene->entry.zone);
    scene->moment = (struct plan_moment){.wall_ms = at(now), .began_ms = at(now)};
}

static struct plan_step decide(struct scene *scene, const char *now)
{
    scene->moment.wall_ms = at(now);
    return plan_decide(&scene->entry, &scene->handled_ms, &scene->moment);
}

static void expect(struct scene *scene, const char *now, enum plan_what what, const char *due,
                   const char *why)
{
    struct plan_step step = decide(scene, now);
    assert_int_equal(step.what, what);
    assert_int_equal(step.due_ms, at(due));
    if (why == NULL) {
        assert_null(step.why);
    } else {
        assert_string_equal(step.why, why);
    }
}

static void it_runs_once(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "30 3 * * *", "UTC", "2026-11-24T02:00:00Z");
    expect(&scene, "2026-11-24T02:00:00Z", PLAN_WAIT, "2026-11-24T03:30:00Z", NULL);
    expect(&scene, "2026-11-24T03:29:59Z", PLAN_WAIT, "2026-11-24T03:30:00Z", NULL);
    expect(&scene, "2026-11-24T03:30:00Z", PLAN_RUN, "2026-11-24T03:30:00Z", NULL);
    expect(&scene, "2026-11-24T03:30:00Z", PLAN_WAIT, "2026-11-25T03:30:00Z", NULL);
    arena_free(scene.arena);
}

static void what_is_in_the_way_is_waited_for_until_the_deadline(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "30 3 * * *", "UTC", "2026-11-24T03:00:00Z");
    (void)decide(&scene, "2026-11-24T03:00:00Z");
    scene.moment.obstacle = "incident";
    expect(&scene, "2026-11-24T03:30:00Z", PLAN_WAIT, "2026-11-24T03:30:00Z", "incident");
    scene.moment.obstacle = NULL;
    expect(&scene, "2026-11-24T03:44:00Z", PLAN_RUN, "2026-11-24T03:30:00Z", NULL);
    scene.moment.obstacle = "incident";
    expect(&scene, "2026-11-25T03:45:00Z", PLAN_WAIT, "2026-11-25T03:30:00Z", "incident");
    expect(&scene, "2026-11-25T03:45:01Z", PLAN_MISSED, "2026-11-25T03:30:00Z", "incident");
    expect(&scene, "2026-11-25T03:45:01Z", PLAN_WAIT, "2026-11-26T03:30:00Z", NULL);
    scene.moment.obstacle = NULL;
    scene.moment.was = "a drill";
    expect(&scene, "2026-11-26T03:46:00Z", PLAN_MISSED, "2026-11-26T03:30:00Z", "a drill");
    arena_free(scene.arena);
}

static void blackouts_are_windows_of_rules(void **state)
{
    struct scene scene;
    struct conf_freeze freeze = {.begin_ms = at("2026-11-24T03:00:00Z"),
                                 .end_ms = at("2026-11-24T03:40:00Z")};
    const struct conf_rule rule = {.freezes = &freeze, .freeze_count = 1};
    (void)state;
    begin(&scene, "30 3 * * *", "UTC", "2026-11-24T03:00:00Z");
    scene.entry.blackouts = &rule;
    (void)decide(&scene, "2026-11-24T03:00:00Z");
    expect(&scene, "2026-11-24T03:30:00Z", PLAN_WAIT, "2026-11-24T03:30:00Z", "blackout");
    expect(&scene, "2026-11-24T03:40:00Z", PLAN_RUN, "2026-11-24T03:30:00Z", NULL);
    freeze.end_ms = at("2026-11-25T03:45:30Z");
    expect(&scene, "2026-11-25T03:46:00Z", PLAN_MISSED, "2026-11-25T03:30:00Z", "blackout");
    arena_free(scene.arena);
}

static void what_was_due_while_nothing_ran_is_missed(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "30 3 * * *", "UTC", "2026-11-24T03:00:00Z");
    (void)decide(&scene, "2026-11-24T03:00:00Z");
    scene.moment.began_ms = at("2026-11-27T03:40:00Z");
    struct plan_step step = decide(&scene, "2026-11-27T03:40:01Z");
    assert_int_equal(step.what, PLAN_MISSED);
    assert_int_equal(step.missed, 3);
    assert_int_equal(step.due_ms, at("2026-11-26T03:30:00Z"));
    assert_string_equal(step.why, "steerd did not run");
    expect(&scene, "2026-11-27T03:40:01Z", PLAN_RUN, "2026-11-27T03:30:00Z", NULL); /* within its deadline */
    scene.moment.began_ms = at("2026-11-28T04:00:00Z");
    expect(&scene, "2026-11-28T04:00:00Z", PLAN_MISSED, "2026-11-28T03:30:00Z", "steerd did not run");
    arena_free(scene.arena);
    begin(&scene, "* * * * *", "UTC", "2026-01-01T00:00:00Z"); /* a year of minutes is not gone through */
    (void)decide(&scene, "2026-01-01T00:00:00Z");
    step = decide(&scene, "2027-01-01T00:00:00Z");
    assert_int_equal(step.missed, 1000);
    expect(&scene, "2027-01-01T00:00:00Z", PLAN_WAIT, "2027-01-01T00:01:00Z", NULL);
    arena_free(scene.arena);
}

static void a_clock_that_is_set_runs_nothing_twice(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "0 * * * *", "UTC", "2026-11-24T03:30:00Z");
    (void)decide(&scene, "2026-11-24T03:30:00Z");
    expect(&scene, "2026-11-24T04:00:00Z", PLAN_RUN, "2026-11-24T04:00:00Z", NULL);
    expect(&scene, "2026-11-24T03:00:00Z", PLAN_WAIT, "2026-11-24T05:00:00Z", NULL); /* an hour back */
    expect(&scene, "2026-11-24T04:00:00Z", PLAN_WAIT, "2026-11-24T05:00:00Z", NULL);
    expect(&scene, "2026-11-24T05:00:00Z", PLAN_RUN, "2026-11-24T05:00:00Z", NULL);
    expect(&scene, "2030-01-01T00:00:00Z", PLAN_MISSED, "2027-01-04T21:00:00Z", "it was noticed too late");
    arena_free(scene.arena);
}

static void a_wrong_clock_does_not_end_it(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "0 3 * * *", "UTC", "2026-11-24T02:00:00Z");
    scene.handled_ms = at("2036-11-24T03:00:00Z"); /* by a clock that was ten years ahead */
    expect(&scene, "2026-11-24T02:00:00Z", PLAN_WAIT, "2026-11-24T03:00:00Z", NULL);
    expect(&scene, "2026-11-24T03:00:00Z", PLAN_RUN, "2026-11-24T03:00:00Z", NULL);
    arena_free(scene.arena);
}

static void clocks_of_a_place_are_followed(void **state)
{
    struct scene scene;
    (void)state;
    begin(&scene, "30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z"); /* 02:30 is skipped on the 29th */
    (void)decide(&scene, "2026-03-28T12:00:00Z");
    expect(&scene, "2026-03-29T00:59:00Z", PLAN_WAIT, "2026-03-29T01:00:00Z", NULL);
    expect(&scene, "2026-03-29T01:00:00Z", PLAN_RUN, "2026-03-29T01:00:00Z", NULL);
    expect(&scene, "2026-03-29T01:30:00Z", PLAN_WAIT, "2026-03-30T00:30:00Z", NULL);
    arena_free(scene.arena);
    begin(&scene, "30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z"); /* and shown twice on the 25th */
    (void)decide(&scene, "2026-10-24T12:00:00Z");
    expect(&scene, "2026-10-25T00:30:00Z", PLAN_RUN, "2026-10-25T00:30:00Z", NULL);
    expect(&scene, "2026-10-25T01:30:00Z", PLAN_WAIT, "2026-10-26T01:30:00Z", NULL);
    arena_free(scene.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_runs_once),
        cmocka_unit_test(what_is_in_the_way_is_waited_for_until_the_deadline),
        cmocka_unit_test(blackouts_are_windows_of_rules),
        cmocka_unit_test(what_was_due_while_nothing_ran_is_missed),
        cmocka_unit_test(a_clock_that_is_set_runs_nothing_twice),
        cmocka_unit_test(a_wrong_clock_does_not_end_it),
        cmocka_unit_test(clocks_of_a_place_are_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
