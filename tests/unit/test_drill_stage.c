/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A drill in real time, with a prober and a clock by hand: what a document says happens is what happens in a
 * simulation of it, at the same times, and a thread that is late mistakes nothing. us ⊃ us-1 ⊃ a, us-2 ⊃ b;
 * eu ⊃ eu-1 ⊃ e; checks every 2 s, time out after 1 s, 3 failures, 2 successes. www goes to us, then to eu.
 */
#include "config.h"

#include "unit.h"

#include "base/arena.h"
#include "base/lock.h"
#include "drill/stage.h"
#include "view/view.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_MS = 100, INTERVAL_MS = 2000, MONITORS = 3 };

struct scene {
    struct conf_topology *topology;
    struct view view;
    struct view_monitor *monitors;
    struct view_name name;
    struct arena *arena;
    struct report *errors;
    struct drill_document document;
    struct lock lock;
    struct drill_stage *stage;
    struct {
        int64_t starts_ms, ends_ms; /* of the next; of the one that has begun, -1: none has */
        enum health_outcome outcome;
    } probes[MONITORS];
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

static int open_scene(void **state)
{
    static const char text[] =
        "{\"regions\": {\"us\": {\"azs\": {\"us-1\": {}, \"us-2\": {}}}, \"eu\": {\"azs\": {\"eu-1\": {}}}},"
        "\"checks\": {\"tcp\": {\"type\": \"http\", \"port\": 80, \"interval\": \"2s\", \"timeout\": \"1s\","
        " \"fall\": 3, \"rise\": 2}}, \"endpoints\": {"
        "\"a\": {\"az\": \"us-1\", \"addresses\": [\"192.0.2.1\"], \"checks\": [\"tcp\"]},"
        "\"b\": {\"az\": \"us-2\", \"addresses\": [\"192.0.2.2\"], \"checks\": [\"tcp\"]},"
        "\"e\": {\"az\": \"eu-1\", \"addresses\": [\"192.0.2.3\"], \"checks\": [\"tcp\"]}}}";
    struct scene *scene = calloc(1, sizeof *scene);
    scene->arena = arena_new(0);
    scene->errors = report_new();
    scene->topology = conf_parse_topology("t", text, strlen(text), scene->errors);
    assert_non_null(scene->topology);
    scene->view.topology = scene->topology;
    add_name(scene);
    lock_init(&scene->lock);
    *state = scene;
    return 0;
}

static int close_scene(void **state)
{
    struct scene *scene = *state;
    lock_fini(&scene->lock);
    steer_set_free(scene->view.steer);
    conf_free_topology(scene->topology);
    report_free(scene->errors);
    arena_free(scene->arena);
    free(scene);
    return 0;
}

static void begin(struct scene *scene, const char *document)
{
    int error = drill_parse_document(
        &(struct drill_source){"d.json", document, strlen(document), scene->errors},
        &(struct drill_ground){.topology = scene->topology}, scene->arena, &scene->document);
    report_write(scene->errors, stderr);
    assert_int_equal(error, 0);
    scene->view.health = view_new_health(scene->topology, NULL, 0);
    scene->view.table = health_get_table(scene->view.health);
    scene->view.monitor_count = view_list_monitors(scene->topology, &scene->monitors);
    scene->view.monitors = scene->monitors;
    assert_int_equal(scene->view.monitor_count, MONITORS);
    for (uint32_t i = 0; i < MONITORS; i++) {
        health_observe(scene->view.health, i, HEALTH_OUTCOME_OK, 0, 0, 0);
        scene->probes[i].starts_ms = INTERVAL_MS;
        scene->probes[i].ends_ms = -1;
    }
    scene->stage = drill_stage_new(&scene->view, &scene->document, &scene->lock, NULL);
    drill_stage_begin(scene->stage, 0, 0);
}

/* Likewise owned. */
static json_t *end(struct scene *scene, int64_t until_ms)
{
    char *text = drill_stage_write(scene->stage, "shadow", until_ms);
    json_t *report = json_loads(text, 0, NULL);
    assert_non_null(report);
    free(text);
    drill_stage_free(scene->stage);
    health_free(scene->view.health);
    free(scene->monitors);
    scene->view.health = NULL;
    scene->view.table = NULL;
    return report;
}

static void probe(struct scene *scene, uint32_t monitor, int64_t now_ms)
{
    if (scene->probes[monitor].starts_ms == now_ms && scene->probes[monitor].ends_ms < 0) {
        struct drill_result own = drill_stage_check(scene->stage, monitor, now_ms);
        scene->probes[monitor].ends_ms = now_ms + own.took_ms;
        scene->probes[monitor].outcome = own.outcome;
        scene->probes[monitor].starts_ms += INTERVAL_MS;
    }
    if (scene->probes[monitor].ends_ms == now_ms) {
        scene->probes[monitor].ends_ms = -1;
        drill_stage_set_time(scene->stage, now_ms, now_ms);
        (void)drill_stage_note_check(scene->stage, monitor, scene->probes[monitor].outcome);
        health_follow_time(scene->view.health, now_ms);
        health_observe(scene->view.health, monitor, scene->probes[monitor].outcome, now_ms, 0, 0);
        (void)drill_stage_has_moved(scene->stage);
    }
}

static void pass(struct scene *scene, int64_t from_ms, int64_t until_ms)
{
    for (int64_t now_ms = from_ms; now_ms <= until_ms; now_ms += STEP_MS) {
        (void)drill_stage_turn(scene->stage, now_ms);
        for (uint32_t i = 0; i < MONITORS; i++) {
            probe(scene, i, now_ms);
        }
        drill_stage_follow(scene->stage);
    }
}

/* "0 tier us; 7000 tier eu", and what each phase led to */
static char *tell(const json_t *report)
{
    static char text[2048];
    size_t i;
    const json_t *item, *course = json_array_get(json_object_get(report, "courses"), 0);
    text[0] = '\0';
    json_array_foreach(course, i, item)
    {
        snprintf(text + strlen(text), sizeof text - strlen(text), "%lld %s; ",
                 (long long)json_integer_value(json_object_get(item, "at_ms")),
                 json_string_value(json_object_get(item, "from")));
    }
    json_array_foreach(json_object_get(report, "phases"), i, item)
    {
        const json_t *detection = json_object_get(item, "detection_ms"),
                     *decision = json_object_get(item, "decision_ms");
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s %lld %lld; ",
                 json_string_value(json_object_get(item, "text")),
                 json_is_null(detection) ? -1LL : (long long)json_integer_value(detection),
                 json_is_null(decision) ? -1LL : (long long)json_integer_value(decision));
    }
    return text;
}

static void it_is_as_in_a_simulation(void **state)
{
    struct scene *scene = *state;
    static const char *const documents[] = {
        "{\"duration\": \"40s\", \"events\": [{\"at\": \"0s\", \"what\": \"region:us\", \"how\": \"lost\", "
        "\"for\": \"20s\"}]}",
        "{\"duration\": \"40s\", \"events\": [{\"at\": \"0s\", \"what\": \"az:us-1\", \"how\": "
        "\"refused\"}, {\"at\": \"20s\", \"what\": \"region:us\", \"how\": \"recovered\"}]}",
        "{\"duration\": \"40s\", \"events\": [{\"at\": \"4s\", \"what\": \"check:tcp\", \"how\": \"slow\", "
        "\"after\": \"3s\", \"for\": \"20s\"}]}",
        "{\"duration\": \"60s\", \"events\": [{\"at\": \"0s\", \"what\": \"region:us\", \"how\": "
        "\"flapping\", \"down\": \"10s\", \"up\": \"10s\", \"for\": \"40s\"}]}",
        "{\"duration\": \"60s\", \"events\": [{\"at\": \"0s\", \"what\": \"region:us\", \"how\": \"lost\"}, "
        "{\"at\": \"20s\", \"what\": \"region:eu\", \"how\": \"lost\", \"for\": \"10s\"}, {\"at\": \"40s\", "
        "\"what\": \"region:us\", \"how\": \"recovered\"}]}",
        "{\"duration\": \"40s\", \"vantages\": {\"local\": {\"region\": \"eu\"}}, \"events\": [{\"at\": "
        "\"0s\", "
        "\"what\": \"link:eu/us\", \"how\": \"lost\"}, {\"at\": \"20s\", \"what\": \"link:local/us\", "
        "\"how\": \"recovered\"}]}",
        "{\"duration\": \"30s\", \"events\": [{\"at\": \"0s\", \"what\": \"az:us-2\", \"how\": \"partial\", "
        "\"endpoints\": 1}]}",
    };
    for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
        begin(scene, documents[i]);
        int64_t duration_ms = drill_document_duration(&scene->document);
        pass(scene, 0, duration_ms);
        json_t *measured = end(scene, duration_ms);
        struct drill_report report;
        struct drill_scenario scenario = {.document = &scene->document};
        assert_int_equal(drill_simulate(&scene->view, &scenario, scene->arena, &report), 0);
        char *text = drill_write_json(&report), *told = strdup(tell(measured));
        json_t *simulated = json_loads(text, 0, NULL);
        assert_string_equal(told, tell(simulated));
        for (const char *const *key = (const char *const[]){"answers_changed", "answers_unserved", "failed",
                                                            "answers_to_lost", "decision_ms", "users", NULL};
             *key != NULL; key++) {
            assert_true(json_equal(json_object_get(measured, *key), json_object_get(simulated, *key)));
        }
        assert_string_equal(json_string_value(json_object_get(measured, "mode")), "shadow");
        json_decref(simulated);
        json_decref(measured);
        free(told);
        free(text);
    }
}

static void what_stands_before_the_lists_is_a_report(void **state)
{
    struct scene *scene = *state;
    begin(scene, "{\"duration\": \"30s\", \"events\": [{\"at\": \"0s\", \"what\": \"region:us\", \"how\": "
                 "\"lost\"}]}");
    pass(scene, 0, 30000);
    json_t *whole = end(scene, 30000), *value;
    struct drill_report report;
    struct drill_scenario scenario = {.document = &scene->document};
    assert_int_equal(drill_simulate(&scene->view, &scenario, scene->arena, &report), 0);
    char *text = drill_write_json(&report), *head = drill_cut_json(text);
    json_t *root = json_loads(head, JSON_REJECT_DUPLICATES, NULL), *simulated = json_loads(text, 0, NULL);
    const char *key;
    assert_int_equal(json_array_size(json_object_get(root, "left_out")), 4);
    assert_int_equal(json_array_size(json_object_get(root, "answers")), 0);
    json_object_del(root, "left_out");
    json_object_del(root, "answers");
    json_object_del(root, "timeline");
    assert_true(json_is_integer(json_object_get(root, "recovery_ms")));
    json_object_foreach(root, key, value)
    {
        assert_true(json_equal(value, json_object_get(simulated, key)));
    }
    assert_null(drill_cut_json("{}"));
    json_decref(simulated);
    json_decref(whole);
    json_decref(root);
    free(head);
    free(text);
}

/* What has not begun, as far as the thread is, is not seen by any check; and its end marks what it did. */
static void who_is_late_mistakes_nothing(void **state)
{
    struct scene *scene = *state;
    begin(scene, "{\"duration\": \"1m\", \"events\": [{\"at\": \"2s\", \"what\": \"region:us\", \"how\": "
                 "\"refused\", \"for\": \"10s\"}], \"objectives\": {\"must_move\": \"www.example\"}}");
    assert_null(drill_stage_get_step(scene->stage));
    assert_int_equal(drill_stage_turn(scene->stage, 1000), 2000);
    assert_true(drill_stage_touches(scene->stage, 0) && !drill_stage_touches(scene->stage, 2));
    assert_int_equal(drill_stage_check(scene->stage, 0, 5000).outcome, HEALTH_OUTCOME_OK);
    assert_int_equal(drill_stage_turn(scene->stage, 5000), 12000);
    assert_string_equal(drill_stage_get_step(scene->stage), "region:us lost");
    assert_int_equal(drill_stage_check(scene->stage, 0, 5000).outcome, HEALTH_OUTCOME_REFUSED);
    assert_true(drill_stage_is_silent(scene->stage, 0, NULL) &&
                !drill_stage_is_silent(scene->stage, 2, "tcp"));
    for (int64_t at_ms = 4000; at_ms <= 8000; at_ms += INTERVAL_MS) {
        for (uint32_t i = 0; i < 2; i++) {
            drill_stage_set_time(scene->stage, at_ms, at_ms);
            assert_int_equal(drill_stage_note_check(scene->stage, i, HEALTH_OUTCOME_REFUSED),
                             at_ms == 4000 && i == 0);
            health_observe(scene->view.health, i, HEALTH_OUTCOME_REFUSED, at_ms, 0, 0);
            (void)drill_stage_has_moved(scene->stage);
        }
    }
    /* nobody has looked: the loss is not over yet, however late it is */
    assert_int_equal(drill_stage_check(scene->stage, 0, 30000).outcome, HEALTH_OUTCOME_REFUSED);
    assert_int_equal(drill_stage_turn(scene->stage, 30000), INT64_MAX);
    assert_int_equal(drill_stage_check(scene->stage, 0, 30000).outcome, HEALTH_OUTCOME_OK);
    int64_t decided_ms;
    assert_int_equal(drill_stage_count_changes(scene->stage, &decided_ms), 1);
    assert_int_equal(decided_ms, 8000);
    assert_int_equal(drill_stage_count_unserved(scene->stage), 0);
    json_t *report = end(scene, 31000);
    assert_string_equal(tell(report),
                        "0 tier us; 8000 tier eu; region:us lost 2000 6000; region:us back -1 -1; ");
    assert_true(json_is_false(json_object_get(report, "failed")));
    json_decref(report);
}

/* The sight of the server, a copy, and a check. */
static void other_things_than_places(void **state)
{
    struct scene *scene = *state;
    begin(scene, "{\"duration\": \"1m\", \"events\": [{\"at\": \"0s\", \"what\": \"vantage:local\", \"how\": "
                 "\"lost\", \"for\": \"10s\"}, {\"at\": \"20s\", \"what\": \"check:tcp\", \"how\": "
                 "\"slow\", \"after\": \"400ms\"}]}");
    assert_false(drill_stage_is_blind(scene->stage));
    (void)drill_stage_turn(scene->stage, 0);
    assert_true(drill_stage_is_blind(scene->stage));
    assert_int_equal(drill_stage_check(scene->stage, 2, 2000).outcome, HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(drill_stage_check(scene->stage, 2, 2000).took_ms, 1000);
    (void)drill_stage_turn(scene->stage, 20000);
    assert_false(drill_stage_is_blind(scene->stage));
    struct drill_result slow = drill_stage_check(scene->stage, 2, 22000);
    assert_true(slow.outcome == HEALTH_OUTCOME_OK && slow.took_ms == 400);
    json_decref(end(scene, 30000));
}

/* Ended before anything happened, and by somebody who does not wait. */
static void it_may_end_at_any_time(void **state)
{
    struct scene *scene = *state;
    static const char text[] = "{\"duration\": \"1m\", \"events\": [{\"at\": \"1s\", \"what\": \"az:us-1\", "
                               "\"how\": \"lost\"}], \"clients\": {\"requests_per_second\": 10}}";
    begin(scene, text);
    json_t *report = end(scene, 0);
    assert_int_equal(json_array_size(json_object_get(report, "phases")), 0);
    json_decref(report);
    struct progress progress = {.cancelled = false};
    begin(scene, text);
    drill_stage_free(scene->stage);
    scene->stage = drill_stage_new(&scene->view, &scene->document, &scene->lock, &progress);
    progress_cancel(&progress);
    assert_null(drill_stage_write(scene->stage, "shadow", 0));
    drill_stage_free(scene->stage);
    health_free(scene->view.health);
    free(scene->monitors);
}

/* Stopped before that, nothing can be said of its objectives. */
static void it_is_complete_when_all_has_ended(void **state)
{
    struct scene *scene = *state;
    begin(scene, "{\"duration\": \"1m\", \"events\": [{\"at\": \"1s\", \"what\": \"az:us-1\", \"how\": "
                 "\"lost\", \"for\": \"5s\"}, {\"at\": \"8s\", \"what\": \"az:us-2\", \"how\": \"lost\"}, "
                 "{\"at\": \"9s\", \"what\": \"region:us\", \"how\": \"recovered\"}]}");
    assert_false(drill_stage_is_complete(scene->stage));
    pass(scene, 0, 7000);
    assert_false(drill_stage_is_complete(scene->stage)); /* another one is to come */
    pass(scene, 7100, 8900);
    assert_false(drill_stage_is_complete(scene->stage));
    pass(scene, 9000, 9000);
    assert_true(drill_stage_is_complete(scene->stage));
    json_decref(end(scene, 9000));
    begin(scene, "{\"duration\": \"1m\", \"events\": [{\"at\": \"1s\", \"what\": \"az:us-1\", \"how\": "
                 "\"lost\"}]}");
    pass(scene, 0, 20000);
    assert_false(drill_stage_is_complete(scene->stage));
    json_decref(end(scene, 20000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_as_in_a_simulation, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(who_is_late_mistakes_nothing, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(what_stands_before_the_lists_is_a_report, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(other_things_than_places, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(it_may_end_at_any_time, open_scene, close_scene),
        cmocka_unit_test_setup_teardown(it_is_complete_when_all_has_ended, open_scene, close_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
