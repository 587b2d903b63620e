/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills at which several vantages look: who sees what, when their quorum decides, and what clients notice.
 */
#include "config.h"

#include "drill_scene.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Under each rule, of three who look (the server itself with them), how many are wrong before answers move?
 */
static void quorums_decide(void **state)
{
    static const struct {
        const char *of_check, *vantages, *events, *steps;
    } cases[] = {
        {", \"quorum\": \"majority\"", THREE, LOSE("fra-1", "0s"), STAY},
        {"", THREE, LOSE("fra-1", "0s"), STAY}, /* the default */
        {"", THREE, LOSE("fra-1", "0s") "," LOSE("sin-1", "10s"), "0 us; 16000 eu-from-us"},
        {"", THREE, LOSE("fra-1", "0s") "," LOSE("local", "0s"), MOVE},
        {", \"quorum\": \"any\"", THREE, LOSE("fra-1", "0s"), MOVE},
        {", \"quorum\": \"any\"", THREE, LOSE("local", "0s"), MOVE},
        {", \"quorum\": \"all\"", THREE, LOSE("fra-1", "0s") "," LOSE("sin-1", "0s"), STAY},
        {", \"quorum\": \"all\"", THREE, LOSE("fra-1", "0s") "," LOSE("sin-1", "0s") "," LOSE("local", "7s"),
         "0 us; 13000 eu-from-us"},
        {", \"quorum\": 2", THREE, LOSE("fra-1", "0s"), STAY},
        {", \"quorum\": 2", THREE, LOSE("fra-1", "0s") "," LOSE("sin-1", "0s"), MOVE},
        {", \"quorum\": 3", THREE, LOSE("fra-1", "0s") "," LOSE("sin-1", "0s"), STAY},
        {", \"quorum\": 1", THREE, LOSE("sin-1", "0s"), MOVE},
        /* weights: 3 of 5 */
        {"", HEAVY, LOSE("fra-1", "0s"), MOVE},
        {"", HEAVY, LOSE("local", "0s") "," LOSE("sin-1", "0s"), STAY},
        {", \"quorum\": 3", HEAVY, LOSE("fra-1", "0s"), MOVE},
        {", \"quorum\": 3", HEAVY, LOSE("local", "0s") "," LOSE("sin-1", "0s"), STAY},
        {", \"quorum\": 4", HEAVY, LOSE("fra-1", "0s"), STAY},
        /* who counts */
        {", \"vantages\": [\"fra-*\"]", THREE, LOSE("fra-1", "0s"), MOVE},
        {", \"vantages\": [\"fra-*\"]", THREE, LOSE("local", "0s") "," LOSE("sin-1", "0s"), STAY},
        {", \"vantages\": [\"local\"]", THREE, LOSE("local", "0s"), MOVE},
        {", \"quorum\": \"any\", \"recheck\": \"500ms\"", THREE, LOSE("fra-1", "0s"),
         "0 us; 3000 eu-from-us"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scene scene;
        open_scene(&scene, cases[i].of_check, "", "");
        expect_steps(play(&scene, cases[i].vantages, cases[i].events), 0, cases[i].steps);
        close_scene(&scene);
    }
}

static void the_weight_of_the_server_counts_as_configured(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, "", "", "");
    scene.server.vantages.local_weight = 0;
    expect_steps(play(&scene, THREE, LOSE("local", "0s")), 0, STAY);
    expect_steps(play(&scene, THREE, LOSE("fra-1", "0s")), 0, STAY); /* one of two is no majority */
    scene.server.vantages.local_weight = 3;
    expect_steps(play(&scene, THREE, LOSE("local", "0s")), 0, MOVE);
    close_scene(&scene);
}

static void what_is_lost_is_so_for_all(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, "", "", "");
    const struct drill_report *report =
        play(&scene, THREE, "{\"at\": \"0s\", \"what\": \"region:us\", \"how\": \"lost\", \"for\": \"2m\"}");
    expect_steps(report, 0, "0 us; 7000 eu-from-us; 124000 us");
    assert_int_equal(report->phases[0].detection_ms, 3000);
    assert_int_equal(report->phases[1].decision_ms, 4000);
    assert_true(report->users->share > 0);
    close_scene(&scene);
}

static void a_way_back_takes_the_quorum_too(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, ", \"hold_down\": \"1m\"", "", "");
    expect_steps(
        play(&scene, THREE,
             LOSE("fra-1", "0s") "," LOSE(
                 "sin-1", "0s") ","
                                "{\"at\": \"20s\", \"what\": \"link:fra-1/us\", \"how\": \"recovered\"}"),
        0, "0 us; 6000 eu-from-us; 66000 us");
    close_scene(&scene);
}

/* ---- links between places ---- */

#define FROM_US ", \"vantages\": [\"local\", \"us-*\"]"
#define FROM_EU ", \"vantages\": \"eu-*\""

static void a_partition_moves_the_clients_of_one_side(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, "", FROM_US, FROM_EU);
    const struct drill_report *report =
        play(&scene, SIDES,
             "{\"at\": \"0s\", \"what\": \"link:eu/us\", \"how\": \"lost\", \"for\": \"2m\"},"
             "{\"at\": \"3m\", \"what\": \"link:us/eu\", \"how\": \"lost\"}");
    expect_steps(report, 0, "0 us"); /* each is served where it is */
    expect_steps(report, 1, "0 eu");
    assert_int_equal(report->phase_count, 3);
    assert_string_equal(report->phases[0].text, "link:eu/us lost");
    assert_int_equal(report->phases[0].detection_ms, 3000);
    assert_float_equal(report->users->share, 0, 1e-9);
    report = play(&scene, SIDES,
                  "{\"at\": \"0s\", \"what\": \"region:eu\", \"how\": \"lost\"},"
                  "{\"at\": \"1m\", \"what\": \"link:eu/us\", \"how\": \"lost\"}");
    expect_steps(report, 0, "0 us");
    expect_steps(report, 1, "0 eu; 7000 us-from-eu; 67000 fallback first: tier eu, of which nobody serves");
    close_scene(&scene);
}

/* Those of eu are led to us, where they cannot go; those of us notice nothing. */
static void clients_fail_by_the_side_that_they_are_on(void **state)
{
    static const char events[] = "{\"at\": \"0s\", \"what\": \"endpoint:e\", \"how\": \"refused\"},"
                                 "{\"at\": \"1m\", \"what\": \"link:%s/us\", \"how\": \"%s\"%s}";
    struct scene scene;
    (void)state;
    open_scene(&scene, "", FROM_US, FROM_EU);
    const struct drill_report *report =
        play(&scene, SIDES, arena_print(scene.arena, events, "eu", "lost", ""));
    double whole = report->users->failed[120];
    assert_float_equal(whole, 0.5, 0.01); /* both classes count alike */
    report = play(&scene, SIDES, arena_print(scene.arena, events, "eu", "partial", ", \"checks\": 0.2"));
    assert_float_equal(report->users->failed[60], 0.1, 0.01);
    report = play(&scene, SIDES, arena_print(scene.arena, events, "us", "lost", ""));
    assert_float_equal(report->users->failed[61], 0.5, 0.01); /* a, as us sees it */
    report = play(&scene, SIDES, arena_print(scene.arena, events, "eu-x", "lost", ""));
    assert_float_equal(report->users->failed[120], 0, 1e-9); /* a vantage has no clients */
    close_scene(&scene);
}

static void a_link_may_be_slow_and_heal(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, "", FROM_US, FROM_EU);
    const struct drill_report *report =
        play(&scene, SIDES,
             "{\"at\": \"0s\", \"what\": \"link:us/us-1\", \"how\": \"slow\", \"after\": \"3s\"},"
             "{\"at\": \"1m\", \"what\": \"link:us/us\", \"how\": \"recovered\"}");
    expect_steps(report, 0, "0 us; 7000 eu-from-us; 64000 us");
    expect_steps(report, 1, "0 eu");
    close_scene(&scene);
}

/* ---- what vantages are ---- */

static void one_without_sight_is_set_aside(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, ", \"quorum\": \"any\"", "", "");
    const struct drill_report *report = play(
        &scene, THREE, "{\"at\": \"0s\", \"what\": \"vantage:fra-1\", \"how\": \"lost\", \"for\": \"1m\"}");
    expect_steps(report, 0, "0 us"); /* its control target is down before the third failure */
    bool is_aside = false, is_back = false;
    for (size_t i = 0; i < report->event_count; i++) {
        is_aside |= strcmp(report->events[i].text, "vantage fra-1 does not count any more (set aside)") == 0;
        is_back |= strcmp(report->events[i].text, "vantage fra-1 counts again") == 0;
    }
    assert_true(is_aside && is_back);
    close_scene(&scene);
}

static void without_control_targets_it_is_believed(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, ", \"quorum\": \"any\"", "", "");
    scene.topology->brake.control_count = 0;
    expect_steps(play(&scene, THREE,
                      "{\"at\": \"0s\", \"what\": \"vantage:fra-1\", \"how\": \"lost\", \"for\": \"1m\"}"),
                 0, "0 us; 7000 fallback first: tier us, of which nobody serves; 64000 us");
    close_scene(&scene);
}

/* Control targets are lost with the sight: they do not speak for what it says, and the brake holds for a
 * minute. */
static void the_server_alone_distrusts_itself(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, "", "", "");
    expect_steps(
        play(&scene, "\"vantages\": {},", "{\"at\": \"0s\", \"what\": \"vantage:local\", \"how\": \"lost\"}"),
        0, "0 us; 63000 fallback first: tier us, of which nobody serves");
    expect_steps(play(&scene, "\"vantages\": {},", /* and do so when it is all else that is lost */
                      "{\"at\": \"0s\", \"what\": \"check:web\", \"how\": \"lost\"}"),
                 0, "0 us; 7000 fallback first: tier us, of which nobody serves");
    close_scene(&scene);
}

static void all_blind_move_nothing_but_by_their_quorum(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, "", "", "");
    expect_steps(play(&scene, THREE,
                      "{\"at\": \"0s\", \"what\": \"vantage:local\", \"how\": \"lost\"},"
                      "{\"at\": \"0s\", \"what\": \"vantage:fra-1\", \"how\": \"silent\"}"),
                 0, "0 us"); /* the brake holds what the server sees */
    close_scene(&scene);
}

#define SILENCE(who, at) "{\"at\": \"" at "\", \"what\": \"vantage:" who "\", \"how\": \"silent\"}"

/* Who is silent goes on counting for `expires`, and then leaves the judgement. */
static void silence_leaves_the_judgement(void **state)
{
    struct scene scene;
    static const char alone[] = LOSE("local", "0s") "," SILENCE("fra-1", "20s") "," SILENCE("sin-1", "40s");
    (void)state;
    open_scene(&scene, "", "", "");
    const struct drill_report *report = play(
        &scene, THREE, "{\"at\": \"0s\", \"what\": \"vantage:fra-1\", \"how\": \"silent\", \"for\": \"1m\"}");
    expect_steps(report, 0, STAY);
    assert_string_equal(report->phases[0].text, "vantage:fra-1 silent");
    assert_string_equal(report->phases[1].text, "vantage:fra-1 heard again");
    /* one of three says down, and then one of two; with the third one silent as well it is alone … */
    expect_steps(play(&scene, THREE, LOSE("local", "0s") "," SILENCE("fra-1", "20s")), 0, STAY);
    expect_steps(play(&scene, THREE, alone), 0, STAY); /* … which is too few to judge by */
    close_scene(&scene);
    open_scene(&scene, ", \"at_least\": 1", "", "");
    expect_steps(play(&scene, THREE, alone), 0, "0 us; 50001 eu-from-us");
    expect_steps(play(&scene, THREE, /* both at nearly the same time */
                      LOSE("local", "0s") "," SILENCE("fra-1", "20s") "," SILENCE("sin-1", "25s")),
                 0, "0 us; 35001 eu-from-us");
    close_scene(&scene);
}

/* What it has seen meanwhile it says when it is heard again. */
static void who_is_heard_again_says_all(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, ", \"quorum\": \"any\"", "", "");
    const struct drill_report *report =
        play(&scene, THREE,
             LOSE("fra-1", "5s") "," SILENCE(
                 "fra-1", "0s") ","
                                "{\"at\": \"90s\", \"what\": \"vantage:fra-1\", \"how\": \"recovered\"}");
    expect_steps(report, 0, "0 us; 90000 eu-from-us");
    assert_int_equal(report->phases[1].detection_ms, -1); /* it sees something, and nobody knows */
    assert_int_equal(report->phases[2].decision_ms, 0);
    close_scene(&scene);
}

static void a_slow_vantage_fails_by_its_timeout(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, ", \"quorum\": \"any\"", "", "");
    scene.topology->brake.control_count = 0;
    expect_steps(
        play(&scene, THREE,
             "{\"at\": \"0s\", \"what\": \"vantage:fra-1\", \"how\": \"slow\", \"after\": \"900ms\"}"),
        0, "0 us");
    expect_steps(play(&scene, THREE,
                      "{\"at\": \"0s\", \"what\": \"vantage:fra-1\", \"how\": \"slow\", \"after\": \"1s\"}"),
                 0, "0 us; 7000 fallback first: tier us, of which nobody serves");
    close_scene(&scene);
}

static void a_vantage_that_comes_and_goes(void **state)
{
    static const char partial[] = "{\"at\": \"0s\", \"what\": \"vantage:%s\", \"how\": \"partial\", "
                                  "\"checks\": 0.7}";
    struct scene scene;
    size_t events[3];
    (void)state;
    open_scene(&scene, ", \"quorum\": \"any\"", "", "");
    scene.topology->brake.control_count = 0;
    expect_steps(
        play(&scene, THREE,
             "{\"at\": \"0s\", \"what\": \"vantage:fra-1\", \"how\": \"flapping\", \"down\": \"20s\", "
             "\"up\": \"20s\", \"for\": \"80s\", \"failure\": \"refused\"}"),
        0,
        "0 us; 6000 fallback first: tier us, of which nobody serves; 24000 us; "
        "46000 fallback first: tier us, of which nobody serves; 64000 us");
    for (int i = 0; i < 3; i++) { /* each draws for itself, and the same again */
        events[i] =
            play(&scene, THREE, arena_print(scene.arena, partial, i == 2 ? "sin-1" : "fra-1"))->event_count;
    }
    assert_true(events[0] > 10);
    assert_int_equal(events[0], events[1]);
    assert_int_not_equal(events[0], events[2]);
    close_scene(&scene);
}

static void hours_pass_and_nobody_grows_old(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, ", \"stale\": \"10s\"", "", "");
    expect_steps(play(&scene, THREE,
                      "{\"at\": \"3m\", \"what\": \"vantage:fra-1\", \"how\": \"silent\", \"for\": \"1m\"},"
                      "{\"at\": \"3m\", \"what\": \"link:sin-1/us\", \"how\": \"refused\"}"),
                 0, "0 us"); /* the server itself says up, as it has for minutes */
    close_scene(&scene);
}

/* ---- documents ---- */

static void expect_error(struct scene *scene, const char *text, const char *said)
{
    char *out = NULL;
    size_t len = 0;
    report_free(scene->errors);
    scene->errors = report_new();
    assert_int_equal(parse(scene, text), ERROR_INVALID);
    FILE *to = open_memstream(&out, &len);
    report_write(scene->errors, to);
    fclose(to);
    if (strstr(out, said) == NULL) {
        fail_msg("%s does not have: %s", out, said);
    }
    free(out);
}

#define EVENT(what, how)                                                                                     \
    "{\"vantages\": {\"fra-1\": {}}, \"events\": [{\"at\": \"0s\", \"what\": \"" what "\", \"how\": \"" how  \
    "\"}]}"
#define LOOK(who)                                                                                            \
    "{\"vantages\": " who ", \"events\": [{\"at\": \"0s\", \"what\": \"region:us\", \"how\": \"lost\"}]}"

static void what_is_not_there_is_an_error(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, "", "", "");
    assert_int_equal(parse(&scene, EVENT("link:fra-1/us-1", "lost")), 0);
    assert_int_equal(scene.document.causes[0].from, 1 << 1);
    expect_error(&scene, EVENT("vantage:fra-2", "lost"), "there is no vantage \"fra-2\"");
    expect_error(&scene, EVENT("link:fra-1/mars", "lost"), "there is no region or az \"mars\"");
    expect_error(&scene, EVENT("link:mars/us", "lost"), "there is no region or vantage \"mars\"");
    expect_error(&scene, EVENT("link:us", "lost"), "expected \"link:FROM/TO\"");
    expect_error(&scene, EVENT("link:us/eu", "lost"), "link from region \"us\", in which nobody looks");
    expect_error(&scene, EVENT("link:fra-1/eu", "silent"), "only another vantage than the server itself");
    expect_error(&scene, EVENT("vantage:local", "silent"), "only another vantage than the server itself");
    expect_error(&scene, EVENT("link:fra-1/eu", "lag"), "only a copy lags");
    expect_error(&scene, LOOK("{\"fra-1\": {\"region\": \"mars\"}}"), "vantages.fra-1.region");
    expect_error(&scene, LOOK("{\"fra-1\": {\"weight\": 0}}"), "vantages.fra-1.weight");
    expect_error(&scene, LOOK("{\"local\": {\"weight\": 1}}"), "vantages.local");
    expect_error(&scene, LOOK("{\"-x\": {}}"), "found vantage \"-x\", expected 1 to 63 letters");
    expect_error(&scene, LOOK("[]"), "vantages");
    scene.server.vantages.is_on = false;
    expect_error(&scene, LOOK("{\"fra-1\": {}}"), "steerd.json has no \"vantages\"");
    assert_int_equal(parse(&scene, LOOK("{\"local\": {\"region\": \"us\"}}")), 0);
    close_scene(&scene);
}

static void a_drill_on_a_server_has_those_who_are_enrolled(void **state)
{
    struct scene scene;
    static const char text[] = LOOK("{\"fra-1\": {\"region\": \"eu\"}, \"local\": {\"region\": \"us\"}}");
    struct drill_vantage fra = {.name = "fra-1", .number = 7, .weight = 3, .region = DRILL_NO_REGION};
    struct drill_vantages nobody = {.count = 0}, enrolled = {.items = &fra, .count = 1};
    (void)state;
    open_scene(&scene, "", "", "");
    const struct drill_source source = {"d.json", text, strlen(text), scene.errors};
    struct drill_ground ground = {.topology = scene.topology, .enrolled = &nobody, .is_real = true};
    assert_int_equal(drill_parse_document(&source, &ground, scene.arena, &scene.document), ERROR_INVALID);
    assert_int_equal(scene.document.vantages.count, 0);
    ground.enrolled = &enrolled;
    assert_int_equal(drill_parse_document(&source, &ground, scene.arena, &scene.document), 0);
    const struct drill_vantage *own = scene.document.vantages.items;
    assert_true(scene.document.vantages.count == 1 && own->number == 7 && own->weight == 3 &&
                own->region == 1);
    close_scene(&scene);
}

/* A document with vantages against a configuration that has none is not run. */
static void a_simulation_asks_for_the_rules(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene, "", "", "");
    assert_int_equal(parse(&scene, LOOK("{\"fra-1\": {}}")), 0);
    scene.server.vantages.is_on = false;
    const struct drill_scenario scenario = {.document = &scene.document};
    assert_int_equal(drill_simulate(&scene.view, &scenario, scene.arena, &scene.report), ERROR_INVALID);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quorums_decide),
        cmocka_unit_test(the_weight_of_the_server_counts_as_configured),
        cmocka_unit_test(what_is_lost_is_so_for_all),
        cmocka_unit_test(a_way_back_takes_the_quorum_too),
        cmocka_unit_test(a_partition_moves_the_clients_of_one_side),
        cmocka_unit_test(clients_fail_by_the_side_that_they_are_on),
        cmocka_unit_test(a_link_may_be_slow_and_heal),
        cmocka_unit_test(one_without_sight_is_set_aside),
        cmocka_unit_test(without_control_targets_it_is_believed),
        cmocka_unit_test(the_server_alone_distrusts_itself),
        cmocka_unit_test(all_blind_move_nothing_but_by_their_quorum),
        cmocka_unit_test(silence_leaves_the_judgement),
        cmocka_unit_test(who_is_heard_again_says_all),
        cmocka_unit_test(a_slow_vantage_fails_by_its_timeout),
        cmocka_unit_test(a_vantage_that_comes_and_goes),
        cmocka_unit_test(hours_pass_and_nobody_grows_old),
        cmocka_unit_test(what_is_not_there_is_an_error),
        cmocka_unit_test(a_drill_on_a_server_has_those_who_are_enrolled),
        cmocka_unit_test(a_simulation_asks_for_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
