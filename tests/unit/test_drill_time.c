/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills in which time passes: what is lost comes back, flaps, fails in part; and every change of answers at
 * its millisecond. us ⊃ us-1 ⊃ a, us-2 ⊃ b; eu ⊃ eu-1 ⊃ e; checks every 2 s, time out after 1 s, 3 failures,
 * 2 successes. The name www goes to us, then to eu. */
#include "config.h"

#include "unit.h"

#include "base/arena.h"
#include "drill/drill.h"
#include "view/view.h"

#include <stdlib.h>
#include <string.h>

struct scene {
    struct conf_topology *topology;
    struct view view;
    struct view_name name;
    struct arena *arena;
    struct report *errors;
    struct drill_document document;
    struct drill_report report;
};

static void add_name(struct scene *scene)
{
    static const struct steer_member members[] = {{.endpoint = 0, .weight = 60, .types = STEER_HAS_A},
                                                  {.endpoint = 1, .weight = 40, .types = STEER_HAS_A},
                                                  {.endpoint = 2, .weight = 100, .types = STEER_HAS_A}};
    static const uint16_t us[] = {0, 1}, eu[] = {2};
    static const struct steer_tier tiers[] = {{.label = "us", .members = us, .count = 2},
                                              {.label = "eu", .members = eu, .count = 1}};
    static const struct steer_class class = {.label = "default", .tiers = tiers, .tier_count = 2};
    static const struct steer_place places[] = {
        {.az = 0, .region = 0}, {.az = 1, .region = 0}, {.az = 2, .region = 1}};
    const struct steer_policy policy = {.pick = STEER_PICK_WEIGHTED,
                                        .fallback = STEER_FALLBACK_FIRST,
                                        .answers = 1,
                                        .member_count = 3,
                                        .class_count = 1,
                                        .members = members,
                                        .classes = &class};
    scene->view.steer = steer_set_new();
    steer_set_give_places(scene->view.steer, places, 3);
    scene->name = (struct view_name){
        "www.example.", "example.", steer_set_add(scene->view.steer, &policy, NULL, 0), 0, 30, STEER_HAS_A};
    scene->view.names = &scene->name;
    scene->view.name_count = 1;
}

/* extra: of the check, and of the topology */
static void open_scene(struct scene *scene, const char *of_check, const char *of_all)
{
    scene->arena = arena_new(0);
    scene->errors = report_new();
    char *text = arena_print(
        scene->arena,
        "{\"regions\": {\"us\": {\"azs\": {\"us-1\": {}, \"us-2\": {}}%s}, \"eu\": {\"azs\": {\"eu-1\": "
        "{}}}},"
        "\"checks\": {\"tcp\": {\"type\": \"http\", \"port\": 80, \"interval\": \"2s\", \"timeout\": \"1s\","
        " \"fall\": 3, \"rise\": 2%s}}, \"endpoints\": {"
        "\"a\": {\"az\": \"us-1\", \"addresses\": [\"192.0.2.1\"], \"checks\": [\"tcp\"]},"
        "\"b\": {\"az\": \"us-2\", \"addresses\": [\"192.0.2.2\"], \"checks\": [\"tcp\"]},"
        "\"e\": {\"az\": \"eu-1\", \"addresses\": [\"192.0.2.3\"], \"checks\": [\"tcp\"]}}, \"rules\": {%s}}",
        strchr(of_all, '}') != NULL
            ? ", \"replicates_to\": [{\"to\": \"eu\", \"lag\": \"push\", \"rpo\": \"5s\"}]"
            : "",
        of_check, of_all);
    scene->topology = conf_parse_topology("t", text, strlen(text), scene->errors);
    report_write(scene->errors, stderr);
    assert_non_null(scene->topology);
    scene->view.topology = scene->topology;
    add_name(scene);
}

static void close_scene(struct scene *scene)
{
    steer_set_free(scene->view.steer);
    conf_free_topology(scene->topology);
    report_free(scene->errors);
    arena_free(scene->arena);
}

static const struct drill_report *play(struct scene *scene, const char *document)
{
    int error = drill_parse_document(
        &(struct drill_source){"d.json", document, strlen(document), scene->errors},
        &(struct drill_ground){.topology = scene->topology}, scene->arena, &scene->document);
    report_write(scene->errors, stderr);
    assert_int_equal(error, 0);
    struct drill_scenario scenario = {.document = &scene->document};
    assert_int_equal(drill_simulate(&scene->view, &scenario, scene->arena, &scene->report), 0);
    return &scene->report;
}

static const struct drill_course *course_of(const struct drill_report *report)
{
    assert_int_equal(report->name_count, 1);
    return &report->courses[report->names[0].course];
}

static void expect_steps(const struct drill_report *report, const char *expected)
{
    char text[1024] = "";
    const struct drill_course *course = course_of(report);
    for (size_t i = 0; i < course->step_count; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%lld %s %zu", i == 0 ? "" : "; ",
                 (long long)course->steps[i].at_ms, course->steps[i].from, course->steps[i].part_count);
    }
    assert_string_equal(text, expected);
}

static void what_is_lost_comes_back(void **state)
{
    struct scene scene = {.topology = NULL};
    (void)state;
    open_scene(&scene, "", "");
    const struct drill_report *report = play(
        &scene, "{\"name\": \"d\", \"duration\": \"5m\", \"events\": [{\"at\": \"0s\", \"what\": "
                "\"region:us\", \"how\": \"lost\", \"for\": \"2m\"}], \"objectives\": {\"rto\": \"37s\"}}");
    /* lost: 3 rounds and a timeout; back: 2 rounds after 120 s */
    expect_steps(report, "0 tier us 2; 7000 tier eu 1; 124000 tier us 2");
    assert_int_equal(report->phase_count, 2);
    assert_string_equal(report->phases[0].text, "region:us lost");
    assert_int_equal(report->phases[0].detection_ms, 3000);
    assert_int_equal(report->phases[0].decision_ms, 7000);
    assert_int_equal(report->phases[0].lost_count, 1);
    assert_string_equal(report->phases[0].lost[0], "region:us");
    assert_int_equal(report->phases[1].lost_count, 0);
    assert_string_equal(report->phases[1].text, "region:us back");
    assert_true(report->phases[1].is_back);
    assert_int_equal(report->phases[1].detection_ms, 2000);
    assert_int_equal(report->phases[1].decision_ms, 4000);
    assert_int_equal(report->recovery_ms, 37000);
    assert_true(report->meets_rto);
    assert_int_equal(report->reason_count, 0);
    assert_string_equal(report->names[0].after, "tier eu");
    assert_true(report->names[0].changes);
    assert_int_equal(report->duration_ms, 300000);
    close_scene(&scene);
}

static void who_is_held_down_comes_back_later(void **state)
{
    struct scene scene = {.topology = NULL};
    (void)state;
    open_scene(&scene, ", \"hold_down\": \"3m\"", "");
    const struct drill_report *report =
        play(&scene,
             "{\"events\": [{\"at\": \"0s\", \"what\": \"region:us\", \"how\": \"lost\", \"for\": \"1m\"}]}");
    expect_steps(report, "0 tier us 2; 7000 tier eu 1; 187000 tier us 2");
    assert_int_equal(report->phases[1].decision_ms, 127000);
    close_scene(&scene);
}

static void a_short_outage_is_not_noticed(void **state)
{
    struct scene scene = {.topology = NULL};
    (void)state;
    open_scene(&scene, "", "");
    const struct drill_report *report =
        play(&scene,
             "{\"events\": [{\"at\": \"0s\", \"what\": \"region:us\", \"how\": \"lost\", \"for\": \"5s\"}]}");
    expect_steps(report, "0 tier us 2");
    assert_int_equal(report->decision_ms, -1);
    assert_int_equal(report->to_lost_count, 1); /* while it lasted */
    close_scene(&scene);
}

static void two_losses_one_after_the_other(void **state)
{
    struct scene scene = {.topology = NULL};
    (void)state;
    open_scene(&scene, "", "");
    const struct drill_report *report =
        play(&scene, "{\"events\": [{\"at\": \"0s\", \"what\": \"az:us-1\", \"how\": \"refused\"},"
                     "{\"at\": \"1m\", \"what\": \"az:us-2\", \"how\": \"lost\"},"
                     "{\"at\": \"2m\", \"what\": \"region:eu\", \"how\": \"lost\", \"for\": \"1m\"},"
                     "{\"at\": \"4m\", \"what\": \"region:us\", \"how\": \"recovered\"}]}");
    expect_steps(
        report,
        "0 tier us 2; 6000 tier us 1; 67000 tier eu 1; "
        "127000 fallback first: tier us, of which nobody serves 2; 184000 tier eu 1; 244000 tier us 2");
    assert_int_equal(report->unserved_count, 1);
    assert_string_equal(report->names[0].after, "fallback first: tier us, of which nobody serves");
    assert_int_equal(report->decision_ms, 7000);
    close_scene(&scene);
}

static void a_flapping_region_moves_answers_each_time(void **state)
{
    struct scene scene = {.topology = NULL};
    (void)state;
    open_scene(&scene, "", "");
    const struct drill_report *report =
        play(&scene, "{\"duration\": \"3m\", \"events\": [{\"at\": \"0s\", \"what\": \"region:us\", \"how\": "
                     "\"flapping\", \"down\": \"20s\", \"up\": \"20s\", \"for\": \"80s\"}]}");
    expect_steps(report, "0 tier us 2; 7000 tier eu 1; 24000 tier us 2; 47000 tier eu 1; 64000 tier us 2");
    assert_int_equal(report->phase_count, 4);
    close_scene(&scene);
}

static void a_check_that_fails_moves_answers_from_what_is_well(void **state)
{
    struct scene scene = {.topology = NULL};
    (void)state;
    open_scene(&scene, "", "");
    const struct drill_report *report = play(
        &scene,
        "{\"events\": [{\"at\": \"0s\", \"what\": \"endpoint:a\", \"how\": \"slow\", \"after\": "
        "\"5s\"}, {\"at\": \"1m\", \"what\": \"endpoint:b\", \"how\": \"slow\", \"after\": \"900ms\"}]}");
    expect_steps(report, "0 tier us 2; 7000 tier us 1");
    assert_int_equal(report->to_lost_count, 0);
    close_scene(&scene);
}

static void the_same_seed_the_same_drill(void **state)
{
    struct scene scene = {.topology = NULL};
    static const char text[] =
        "{\"seed\": %d, \"duration\": \"10m\", \"events\": [{\"at\": \"0s\", \"what\": "
        "\"region:us\", \"how\": \"partial\", \"checks\": 0.6}]}";
    size_t steps[3], events[3];
    (void)state;
    open_scene(&scene, "", "");
    for (int i = 0; i < 3; i++) {
        const struct drill_report *report = play(&scene, arena_print(scene.arena, text, i == 2 ? 9 : 4));
        steps[i] = course_of(report)->step_count;
        events[i] = report->event_count;
    }
    assert_true(steps[0] > 2);
    assert_int_equal(steps[0], steps[1]);
    assert_int_equal(events[0], events[1]);
    assert_true(events[0] != events[2] || steps[0] != steps[2]);
    close_scene(&scene);
}

static void a_copy_behind_its_rpo_holds_a_failover(void **state)
{
    struct scene scene = {.topology = NULL};
    static const char rule[] = "\"data\": {\"type\": \"lag\", \"regions\": [\"us\"], \"stage\": \"any\"}";
    (void)state;
    open_scene(&scene, "", rule);
    const struct drill_report *report = play(
        &scene,
        "{\"events\": [{\"at\": \"0s\", \"what\": \"copy:us/eu\", \"how\": \"lag\", \"value\": \"1s\","
        "\"growing\": 0.1, \"for\": \"2m\"}, {\"at\": \"1m\", \"what\": \"region:us\", \"how\": \"lost\"}]}");
    assert_int_equal(report->held_count, 1); /* from 40 s on it is over 5 s */
    const struct drill_course *course = course_of(report);
    assert_string_equal(course->steps[course->step_count - 1].from, "tier eu"); /* and then it may go */
    assert_true(course->steps[course->step_count - 1].at_ms >= 120000);
    assert_true(course->steps[course->step_count - 1].at_ms <= 200000);
    close_scene(&scene);
}

static void objectives_are_judged(void **state)
{
    struct scene scene = {.topology = NULL};
    (void)state;
    open_scene(&scene, "", "");
    const struct drill_report *report =
        play(&scene,
             "{\"events\": [{\"at\": \"0s\", \"what\": \"endpoint:e\", \"how\": \"lost\"}],"
             "\"objectives\": {\"must_move\": [\"www.example\", \"x.example\"], \"must_not_move\": \"*\"}}");
    assert_int_equal(report->reason_count, 2);
    assert_string_equal(report->reasons[0], "www.example. A (default) must move, and stays at tier us");
    assert_string_equal(report->reasons[1], "no steered name is x.example., which must move");
    close_scene(&scene);
}

static void nobody_sees_anything_and_nothing_moves(void **state)
{
    struct scene scene = {.topology = NULL};
    (void)state;
    open_scene(&scene, "", "");
    const struct drill_report *report = play(
        &scene, "{\"events\": [{\"at\": \"0s\", \"what\": \"vantage:local\", \"how\": \"lost\", \"for\": "
                "\"30s\"}]}");
    expect_steps(report, "0 tier us 2"); /* the brake holds */
    assert_int_equal(report->unserved_count, 0);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_lost_comes_back),
        cmocka_unit_test(who_is_held_down_comes_back_later),
        cmocka_unit_test(a_short_outage_is_not_noticed),
        cmocka_unit_test(two_losses_one_after_the_other),
        cmocka_unit_test(a_flapping_region_moves_answers_each_time),
        cmocka_unit_test(a_check_that_fails_moves_answers_from_what_is_well),
        cmocka_unit_test(the_same_seed_the_same_drill),
        cmocka_unit_test(a_copy_behind_its_rpo_holds_a_failover),
        cmocka_unit_test(objectives_are_judged),
        cmocka_unit_test(nobody_sees_anything_and_nothing_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
