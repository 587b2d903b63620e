/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drill documents: what is read of them, what is said of bad ones, and what follows from their events at a
 * time. */
#include "config.h"

#include "test_conf.h"

#include "base/error.h"
#include "drill/document.h"

#include <string.h>

static const char topology_text[] =
    "{\"regions\": {\"us\": {\"azs\": {\"us-1\": {}}, \"replicates_to\": [{\"to\": \"eu\", \"lag\": "
    "\"push\"}]},"
    " \"eu\": {\"azs\": {\"eu-1\": {}, \"eu-2\": {}}}},"
    "\"checks\": {\"web\": {\"type\": \"http\", \"port\": 80, \"timeout\": \"1s\", \"interval\": \"2s\"},"
    " \"db\": {\"type\": \"http\", \"port\": 90, \"timeout\": \"500ms\", \"interval\": \"2s\"}},"
    "\"endpoints\": {\"a\": {\"az\": \"us-1\", \"addresses\": [\"192.0.2.1\"], \"checks\": [\"web\", "
    "\"db\"]},"
    " \"b\": {\"az\": \"eu-1\", \"addresses\": [\"192.0.2.2\"], \"checks\": [\"web\"]},"
    " \"c\": {\"az\": \"eu-2\", \"addresses\": [\"192.0.2.3\"], \"checks\": [\"web\"]}}}";

enum { A, B, C };
enum { WEB, DB };

struct scene {
    struct conf_topology *topology;
    struct arena *arena;
    struct report *report;
    struct drill_document document;
    struct drill_causes causes;
};

static int set_up(void **state)
{
    static struct scene scene;
    scene.arena = arena_new(0);
    scene.report = report_new();
    scene.topology = conf_parse_topology("t", topology_text, strlen(topology_text), scene.report);
    assert_non_null(scene.topology);
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    conf_free_topology(scene->topology);
    arena_free(scene->arena);
    report_free(scene->report);
    return 0;
}

static int parse(struct scene *scene, const char *text)
{
    int error = drill_parse_document(&(struct drill_source){"d.json", text, strlen(text), scene->report},
                                     &(struct drill_ground){.topology = scene->topology}, scene->arena,
                                     &scene->document);
    scene->causes = (struct drill_causes){scene->topology, scene->document.causes,
                                          scene->document.cause_count, scene->document.seed};
    return error;
}

static void parse_events(struct scene *scene, const char *events)
{
    assert_int_equal(parse(scene, arena_print(scene->arena, "{\"events\": [%s]}", events)), 0);
}

static enum health_outcome check(struct scene *scene, uint32_t endpoint, uint32_t which, int64_t at_ms)
{
    return drill_causes_check(&scene->causes, endpoint, which, at_ms, 0).outcome;
}

static double fails(struct scene *scene, uint32_t endpoint, int64_t at_ms)
{
    return drill_causes_serve(&scene->causes, endpoint, at_ms).fails;
}

static void a_document_says_all(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(
        parse(scene, "{\"name\": \"n\", \"seed\": 5, \"from\": \"live\", \"duration\": \"7m\", \"events\": ["
                     "{\"at\": \"1m\", \"what\": \"endpoint:b\", \"how\": \"refused\", \"for\": \"5s\"},"
                     "{\"at\": \"0s\", \"what\": \"copy:us/eu\", \"how\": \"lag\", \"value\": \"2s\", "
                     "\"growing\": 0.5}],"
                     "\"objectives\": {\"rto\": \"9s\", \"must_move\": [\"WWW.Example.com\", \"*.x.\"]}}"),
        0);
    const struct drill_document *document = &scene->document;
    assert_string_equal(document->name, "n");
    assert_int_equal(document->seed, 5);
    assert_true(document->from_live);
    assert_int_equal(drill_document_duration(document), 7 * 60 * 1000);
    assert_int_equal(document->objectives.rto_ms, 9000);
    assert_int_equal(document->objectives.must_move_count, 2);
    assert_string_equal(document->objectives.must_move[0], "www.example.com.");
    assert_string_equal(document->objectives.must_move[1], "*.x.");
    assert_int_equal(document->cause_count, 2);
    assert_int_equal(document->causes[0].what, DRILL_COPY); /* by time */
    assert_int_equal(document->causes[1].until_ms, 65000);
    assert_int_equal(document->causes[1].outcome, HEALTH_OUTCOME_REFUSED);
    assert_float_equal(drill_causes_lag(&scene->causes, 0, 4000), 4000, 1e-9);
}

static void what_recovers_is_what_was_lost(void **state)
{
    struct scene *scene = *state;
    parse_events(scene, "{\"at\": \"0s\", \"what\": \"region:us\", \"how\": \"lost\"},"
                        "{\"at\": \"9s\", \"what\": \"vantage:local\", \"how\": \"recovered\"},"
                        "{\"at\": \"9s\", \"what\": \"check:web\", \"how\": \"recovered\"}");
    assert_int_equal(check(scene, A, WEB, 20000), HEALTH_OUTCOME_TIMEOUT);
    assert_float_equal(fails(scene, A, 20000), 1, 1e-9);
}

static void what_has_recovered_turns_no_more(void **state)
{
    struct scene *scene = *state;
    parse_events(scene, "{\"at\": \"0s\", \"what\": \"endpoint:a\", \"how\": \"flapping\", \"up\": \"2s\", "
                        "\"down\": \"2s\"},"
                        "{\"at\": \"0s\", \"what\": \"endpoint:b\", \"how\": \"lost\", \"for\": \"1m\"},"
                        "{\"at\": \"9s\", \"what\": \"region:us\", \"how\": \"recovered\"}");
    assert_int_equal(drill_causes_next(&scene->causes, 9001), 60000);
}

static void refuse(struct scene *scene, const char *rest, const char *why)
{
    assert_int_equal(
        parse(scene,
              arena_print(scene->arena, "{\"events\": [{\"at\": \"1m\", \"what\": \"az:us-1\", %s", rest)),
        ERROR_INVALID);
    FILE *to = tmpfile();
    char text[4096] = "";
    report_write(scene->report, to);
    rewind(to);
    size_t len = fread(text, 1, sizeof text - 1, to);
    text[len] = '\0';
    fclose(to);
    assert_non_null(strstr(text, why));
}

static void what_costs_too_much_is_refused(void **state)
{
    struct scene *scene = *state;
    refuse(scene, "\"how\": \"lost\"}], \"duration\": \"59s\"}", "after the end of the drill");
    refuse(scene, "\"how\": \"lost\"}], \"duration\": \"25h\"}", "of 25 hours, expected 24 at most");
    refuse(scene, "\"how\": \"flapping\", \"up\": \"1ms\", \"down\": \"1ms\"}], \"duration\": \"2m\"}",
           "begin and end 60002 times");
    parse_events(scene, "{\"at\": \"0s\", \"what\": \"az:us-1\", \"how\": \"flapping\", \"up\": \"1s\", "
                        "\"down\": \"1s\", \"for\": \"10m\"}");
}

static void it_lasts_some_minutes_longer(void **state)
{
    struct scene *scene = *state;
    parse_events(scene, "{\"at\": \"1m\", \"what\": \"az:us-1\", \"how\": \"lost\", \"for\": \"2m\"}");
    assert_int_equal(drill_document_duration(&scene->document), (3 + 10) * 60 * 1000);
}

static void every_error_is_told(void **state)
{
    struct scene *scene = *state;
    static const char text[] =
        "{\"mode\": \"game\",\n\"events\": [\n"
        "{\"at\": \"0s\", \"what\": \"region:ue\", \"how\": \"lost\"},\n"
        "{\"at\": 5, \"what\": \"vantage:far\", \"how\": \"lost\"},\n"
        "{\"at\": \"0s\", \"what\": \"copy:eu/us\", \"how\": \"lag\"},\n"
        "{\"at\": \"0s\", \"what\": \"az:us-1\", \"how\": \"lost\", \"after\": \"1s\"},\n"
        "{\"at\": \"0s\", \"what\": \"az:us-1\", \"how\": \"lag\"},\n"
        "{\"at\": \"0s\", \"what\": \"check:web\", \"how\": \"partial\", \"endpoints\": 0.5},\n"
        "{\"at\": \"0s\", \"what\": \"az:us-1\", \"how\": \"gone\"}]}";
    static const char *const lines[] = {
        "d.json:1:10: error: found \"game\", expected \"simulate\", \"shadow\" or \"live\" (at $.mode)",
        "d.json:3:22: error: there is no region \"ue\", did you mean \"eu\"? There are \"us\" and \"eu\" (at "
        "$.events[0].what)",
    };
    char line[2048];
    assert_int_equal(parse(scene, text), ERROR_INVALID);
    assert_true(report_errors(scene->report) >= 8);
    assert_string_equal(report_write_item(report_get(scene->report, 0), line, sizeof line), lines[0]);
    (void)report_write_item(report_get(scene->report, 1), line, sizeof line);
    assert_non_null(strstr(line, "d.json:3:"));
    assert_non_null(strstr(line, "there is no region \"ue\""));
    static const char *const parts[] = {"d.json:4:",
                                        "there is no vantage \"",
                                        "d.json:5:",
                                        "\"replicates_to\" declares",
                                        "\"after\", which does nothing where \"how\" is \"lost\"",
                                        "only a copy lags",
                                        "expected \"checks\"",
                                        "d.json:9:"};
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        bool found = false;
        for (size_t i = 0; i < report_count(scene->report); i++) {
            found = found || strstr(report_write_item(report_get(scene->report, i), line, sizeof line),
                                    parts[p]) != NULL;
        }
        if (!found) {
            fail_msg("nothing says %s", parts[p]);
        }
    }
}

static void no_events_is_no_drill(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(parse(scene, "{\"events\": []}"), ERROR_INVALID);
    assert_int_equal(parse(scene, "{}"), ERROR_INVALID);
    assert_int_equal(parse(scene, "[]"), ERROR_INVALID);
}

static void what_changes_at_its_start_a_check_does_not_see(void **state)
{
    struct scene *scene = *state;
    parse_events(scene, "{\"at\": \"1s\", \"what\": \"region:eu\", \"how\": \"lost\", \"for\": \"1s\"}");
    assert_int_equal(check(scene, B, WEB, 1000), HEALTH_OUTCOME_OK);
    assert_int_equal(check(scene, B, WEB, 1001), HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(drill_causes_check(&scene->causes, B, WEB, 1001, 0).took_ms, 1000);
    assert_int_equal(check(scene, B, WEB, 2000), HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(check(scene, B, WEB, 2001), HEALTH_OUTCOME_OK);
    assert_int_equal(check(scene, A, WEB, 1500), HEALTH_OUTCOME_OK);
    assert_float_equal(fails(scene, C, 999), 0, 0); /* clients see it at once */
    assert_float_equal(fails(scene, C, 1000), 1, 0);
    assert_float_equal(fails(scene, C, 2000), 0, 0);
    assert_int_equal(drill_causes_next(&scene->causes, 0), 1000);
    assert_int_equal(drill_causes_next(&scene->causes, 1001), 2000);
    assert_true(drill_causes_next(&scene->causes, 2001) == INT64_MAX);
}

static void slow_is_lost_to_those_who_do_not_wait(void **state)
{
    struct scene *scene = *state;
    parse_events(scene,
                 "{\"at\": \"0s\", \"what\": \"endpoint:a\", \"how\": \"slow\", \"after\": \"700ms\"}");
    assert_int_equal(check(scene, A, WEB, 1), HEALTH_OUTCOME_OK);
    assert_int_equal(drill_causes_check(&scene->causes, A, WEB, 1, 0).took_ms, 700);
    assert_int_equal(check(scene, A, DB, 1), HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(drill_causes_serve(&scene->causes, A, 1).slow_ms, 700);
    assert_float_equal(fails(scene, A, 1), 0, 0);
}

static void a_flap_is_down_first(void **state)
{
    struct scene *scene = *state;
    parse_events(scene,
                 "{\"at\": \"1s\", \"what\": \"az:us-1\", \"how\": \"flapping\", \"down\": \"2s\", \"up\": "
                 "\"3s\", \"for\": \"9s\"}");
    static const int64_t turns[] = {1000, 3000, 6000, 8000, 10000};
    int64_t at_ms = 0;
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        assert_int_equal(drill_causes_next(&scene->causes, at_ms), turns[i]);
        bool is_down = i % 2 == 0 && turns[i] != 10000;
        assert_float_equal(fails(scene, A, turns[i]), is_down, 0);
        at_ms = turns[i] + 1;
    }
    assert_int_equal(drill_cause_turns(&scene->causes.items[0], 3000), DRILL_TURN_ENDS);
    assert_int_equal(drill_cause_turns(&scene->causes.items[0], 6000), DRILL_TURN_BEGINS);
    assert_int_equal(drill_cause_turns(&scene->causes.items[0], 10000), DRILL_TURN_NONE); /* it was up */
}

static void what_is_recovered_is_well_whatever_was_before(void **state)
{
    struct scene *scene = *state;
    parse_events(scene, "{\"at\": \"0s\", \"what\": \"region:eu\", \"how\": \"lost\"},"
                        "{\"at\": \"5s\", \"what\": \"az:eu-1\", \"how\": \"recovered\"},"
                        "{\"at\": \"6s\", \"what\": \"endpoint:b\", \"how\": \"refused\", \"for\": \"1s\"}");
    assert_int_equal(check(scene, B, WEB, 5001), HEALTH_OUTCOME_OK);
    assert_int_equal(check(scene, C, WEB, 5001), HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(check(scene, B, WEB, 6001), HEALTH_OUTCOME_REFUSED);
    assert_float_equal(fails(scene, B, 7000), 0, 0);
    assert_float_equal(fails(scene, C, 7000), 1, 0);
}

static void a_check_fails_and_clients_do_not_care(void **state)
{
    struct scene *scene = *state;
    parse_events(scene, "{\"at\": \"0s\", \"what\": \"check:db\", \"how\": \"lost\"},"
                        "{\"at\": \"9s\", \"what\": \"vantage:local\", \"how\": \"lost\"}");
    assert_int_equal(check(scene, A, DB, 1), HEALTH_OUTCOME_TIMEOUT);
    assert_int_equal(check(scene, A, WEB, 1), HEALTH_OUTCOME_OK);
    assert_int_equal(check(scene, A, WEB, 9001), HEALTH_OUTCOME_TIMEOUT);
    assert_float_equal(fails(scene, A, 9001), 0, 0);
}

static void chance_is_what_it_is_said_to_be_and_hangs_on_the_seed(void **state)
{
    enum { CHECKS = 20000 };
    struct scene *scene = *state;
    parse_events(scene,
                 "{\"at\": \"0s\", \"what\": \"region:eu\", \"how\": \"partial\", \"checks\": \"30%\"}");
    size_t failed = 0, same = 0;
    struct drill_causes others = scene->causes;
    others.seed = 99;
    for (uint64_t round = 0; round < CHECKS; round++) {
        struct drill_result result = drill_causes_check(&scene->causes, B, WEB, 1, round);
        assert_true(result.is_chance);
        assert_int_equal(drill_causes_check(&scene->causes, B, WEB, 1, round).outcome, result.outcome);
        failed += result.outcome != HEALTH_OUTCOME_OK;
        same += drill_causes_check(&others, B, WEB, 1, round).outcome == result.outcome;
    }
    assert_in_range(failed, CHECKS * 28 / 100, CHECKS * 32 / 100);
    assert_in_range(same, CHECKS * 55 / 100, CHECKS * 61 / 100); /* 0.3² + 0.7² */
    assert_float_equal(fails(scene, B, 0), 0.3, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_document_says_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_lasts_some_minutes_longer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_error_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_events_is_no_drill, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_changes_at_its_start_a_check_does_not_see, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slow_is_lost_to_those_who_do_not_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_recovers_is_what_was_lost, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_has_recovered_turns_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_costs_too_much_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flap_is_down_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_recovered_is_well_whatever_was_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_check_fails_and_clients_do_not_care, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chance_is_what_it_is_said_to_be_and_hangs_on_the_seed, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
