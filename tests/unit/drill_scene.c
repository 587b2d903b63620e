/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See drill_scene.h. */
#include "config.h"

#include "drill_scene.h"

#include <stdio.h>
#include <string.h>

static void add_name(struct scene *scene)
{
    static const struct steer_member members[] = {{.endpoint = A, .weight = 1, .types = STEER_HAS_A},
                                                  {.endpoint = B, .weight = 1, .types = STEER_HAS_A},
                                                  {.endpoint = E, .weight = 1, .types = STEER_HAS_A},
                                                  {.endpoint = F, .weight = 1, .types = STEER_HAS_A}};
    static const uint16_t a[] = {0}, b[] = {1}, e[] = {2}, f[] = {3};
    static const struct steer_tier us_tiers[] = {{.label = "us", .members = a, .count = 1},
                                                 {.label = "eu-from-us", .members = f, .count = 1}},
                                   eu_tiers[] = {{.label = "eu", .members = e, .count = 1},
                                                 {.label = "us-from-eu", .members = b, .count = 1}};
    static const struct steer_class classes[] = {{.label = "default", .tiers = us_tiers, .tier_count = 2},
                                                 {.label = "eu", .tiers = eu_tiers, .tier_count = 2}};
    static const struct steer_place places[] = {
        {.az = 0, .region = 0}, {.az = 0, .region = 0}, {.az = 1, .region = 1}, {.az = 1, .region = 1}};
    const struct steer_policy policy = {.pick = STEER_PICK_WEIGHTED,
                                        .fallback = STEER_FALLBACK_FIRST,
                                        .answers = 1,
                                        .member_count = 4,
                                        .class_count = 2,
                                        .members = members,
                                        .classes = classes};
    scene->view.steer = steer_set_new();
    steer_set_give_places(scene->view.steer, places, 4);
    scene->name = (struct view_name){
        "www.example.", "example.", steer_set_add(scene->view.steer, &policy, NULL, 0), 0, 30, STEER_HAS_A};
    scene->view.names = &scene->name;
    scene->view.name_count = 1;
}

void open_scene(struct scene *scene, const char *of_check, const char *us, const char *eu)
{
    *scene = (struct scene){.arena = arena_new(0), .errors = report_new()};
    char *text = arena_print(
        scene->arena,
        "{\"regions\": {\"us\": {\"azs\": {\"us-1\": {}}}, \"eu\": {\"azs\": {\"eu-1\": {}}}},"
        "\"brake\": {\"control\": [{\"address\": \"203.0.113.1\", \"check\": \"control\"}]},"
        "\"checks\": {\"web\": {\"type\": \"http\", \"port\": 80, \"interval\": \"2s\", \"timeout\": \"1s\","
        " \"fall\": 3, \"rise\": 2%s}, \"control\": {\"type\": \"http\", \"port\": 80, \"interval\": \"2s\", "
        "\"timeout\": \"1s\", \"fall\": 2}}, \"endpoints\": {"
        "\"a\": {\"az\": \"us-1\", \"addresses\": [\"192.0.2.1\"], \"checks\": [\"web\"]%s},"
        "\"b\": {\"az\": \"us-1\", \"addresses\": [\"192.0.2.2\"], \"checks\": [\"web\"]%s},"
        "\"e\": {\"az\": \"eu-1\", \"addresses\": [\"192.0.2.3\"], \"checks\": [\"web\"]%s},"
        "\"f\": {\"az\": \"eu-1\", \"addresses\": [\"192.0.2.4\"], \"checks\": [\"web\"]%s}}}",
        of_check, us, eu, eu, us);
    scene->topology = conf_parse_topology("t", text, strlen(text), scene->errors);
    report_write(scene->errors, stderr);
    assert_non_null(scene->topology);
    scene->server.vantages =
        (struct conf_vantages){.is_on = true, .expires_ms = 10000, .heartbeat_ms = 2000, .local_weight = 1};
    scene->view.topology = scene->topology;
    scene->view.server = &scene->server;
    add_name(scene);
}

void close_scene(struct scene *scene)
{
    steer_set_free(scene->view.steer);
    conf_free_topology(scene->topology);
    report_free(scene->errors);
    arena_free(scene->arena);
}

int parse(struct scene *scene, const char *text)
{
    struct drill_vantages enrolled;
    drill_list_enrolled(scene->view.health, scene->arena, &enrolled);
    return drill_parse_document(&(struct drill_source){"d.json", text, strlen(text), scene->errors},
                                &(struct drill_ground){.topology = scene->topology,
                                                       .vantages = &scene->server.vantages,
                                                       .enrolled = &enrolled},
                                scene->arena, &scene->document);
}

const struct drill_report *play(struct scene *scene, const char *more, const char *events)
{
    const char *text = arena_print(scene->arena, "{\"duration\": \"5m\", %s \"events\": [%s]}", more, events);
    int error = parse(scene, text);
    report_write(scene->errors, stderr);
    assert_int_equal(error, 0);
    const struct drill_scenario scenario = {.document = &scene->document,
                                            .from_live = scene->document.from_live};
    assert_int_equal(drill_simulate(&scene->view, &scenario, scene->arena, &scene->report), 0);
    return &scene->report;
}

void expect_steps(const struct drill_report *report, size_t class, const char *expected)
{
    char text[1024] = "";
    assert_int_equal(report->name_count, 2);
    size_t row =
        strcmp(report->names[class].class_label, class == 0 ? "default" : "eu") == 0 ? class : !class;
    const struct drill_course *course = &report->courses[report->names[row].course];
    for (size_t i = 0; i < course->step_count; i++) {
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%lld %s", i == 0 ? "" : "; ",
                 (long long)course->steps[i].at_ms,
                 strncmp(course->steps[i].from, "tier ", 5) == 0 ? course->steps[i].from + 5
                                                                 : course->steps[i].from);
    }
    assert_string_equal(text, expected);
}
