/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A drill in real time where several vantages judge, with clocks, a prober and vantages by hand: what a
 * document does to their opinions leads to what it does in a simulation; what they say in reality, and that
 * they say nothing, counts beside it. The scene is that of simulations (drill_scene.h): fra-1 and sin-1 look
 * besides the server itself. */
#include "config.h"

#include "drill_scene.h"

#include "base/lock.h"
#include "drill/stage.h"
#include "health/brake.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { STEP_MS = 100, INTERVAL_MS = 2000, MONITORS = 4, CONTROL = MONITORS, FRA = 1, SIN = 2, OTHERS = 2 };

struct real {
    struct scene scene;
    struct view_monitor *monitors;
    struct lock lock;
    struct drill_stage *stage;
    int64_t now_ms;
    uint32_t silent; /* in reality */
    struct {
        int64_t starts_ms, ends_ms;
        enum health_outcome outcome;
    } probes[MONITORS];
};

static void say(struct real *real, unsigned vantage, uint32_t target, enum health_observed verdict)
{
    const struct health_heard heard = {
        target,
        {.verdict = verdict,
         .outcome = verdict == HEALTH_OBSERVED_HEALTHY ? HEALTH_OUTCOME_OK : HEALTH_OUTCOME_REFUSED,
         .streak = 3}};
    if (real->stage == NULL) {
        health_hear(real->scene.view.health, vantage, &heard, 1, 0, real->now_ms);
    } else {
        drill_stage_hear(real->stage, vantage, &heard, 1);
    }
}

static void say_all(struct real *real, unsigned vantage)
{
    for (uint32_t i = 0; i <= CONTROL; i++) {
        say(real, vantage, i, HEALTH_OBSERVED_HEALTHY);
    }
}

static void follow(struct real *real)
{
    while (health_follow_vantages(real->scene.view.health, real->now_ms, real->now_ms)) {
    }
    (void)drill_stage_has_moved(real->stage);
}

/* All is well, and known. */
static void begin(struct real *real, const char *quorum, const char *events)
{
    static const struct health_vantage_plan plans[] = {{"fra-1", FRA, 1, false}, {"sin-1", SIN, 1, false}};
    *real = (struct real){.silent = 0};
    struct scene *scene = &real->scene;
    open_scene(scene, quorum, "", "");
    lock_init(&real->lock);
    scene->view.health = view_new_health(scene->topology, &scene->server.vantages, 0);
    scene->view.table = health_get_table(scene->view.health);
    scene->view.monitor_count = view_list_monitors(scene->topology, &real->monitors);
    scene->view.monitors = real->monitors;
    assert_int_equal(scene->view.monitor_count, MONITORS);
    health_set_vantages(scene->view.health, plans, OTHERS, 0);
    for (uint32_t i = 0; i < MONITORS; i++) {
        health_observe(scene->view.health, i, HEALTH_OUTCOME_OK, 0, 0, 0);
        real->probes[i].starts_ms = INTERVAL_MS;
        real->probes[i].ends_ms = -1;
    }
    say_all(real, FRA);
    say_all(real, SIN);
    while (health_follow_vantages(scene->view.health, 0, 0)) {
    }
    struct drill_vantages enrolled;
    drill_list_enrolled(scene->view.health, scene->arena, &enrolled);
    assert_int_equal(enrolled.count, OTHERS);
    const char *text = arena_print(scene->arena, "{\"duration\": \"5m\", \"events\": [%s]}", events);
    int error = drill_parse_document(&(struct drill_source){"d.json", text, strlen(text), scene->errors},
                                     &(struct drill_ground){.topology = scene->topology,
                                                            .vantages = &scene->server.vantages,
                                                            .enrolled = &enrolled,
                                                            .is_real = true},
                                     scene->arena, &scene->document);
    report_write(scene->errors, stderr);
    assert_int_equal(error, 0);
    real->stage = drill_stage_new(&scene->view, &scene->document, &real->lock, NULL);
    drill_stage_begin(real->stage, 0, 0);
}

static void probe(struct real *real, uint32_t monitor)
{
    if (real->probes[monitor].starts_ms == real->now_ms && real->probes[monitor].ends_ms < 0) {
        struct drill_result own = drill_stage_check(real->stage, monitor, real->now_ms);
        real->probes[monitor].ends_ms = real->now_ms + own.took_ms;
        real->probes[monitor].outcome = own.outcome;
        real->probes[monitor].starts_ms += INTERVAL_MS;
    }
    if (real->probes[monitor].ends_ms == real->now_ms) {
        real->probes[monitor].ends_ms = -1;
        (void)drill_stage_note_check(real->stage, monitor, real->probes[monitor].outcome);
        health_observe(real->scene.view.health, monitor, real->probes[monitor].outcome, real->now_ms, 0, 0);
    }
}

static void pass(struct real *real, int64_t until_ms)
{
    for (; real->now_ms <= until_ms; real->now_ms += STEP_MS) {
        bool beats = real->now_ms % INTERVAL_MS == 0;
        (void)drill_stage_turn(real->stage, real->now_ms);
        drill_stage_set_time(real->stage, real->now_ms, real->now_ms);
        health_follow_time(real->scene.view.health, real->now_ms);
        for (unsigned i = FRA; beats && i <= SIN; i++) {
            if ((real->silent >> i & 1) == 0) {
                drill_stage_hear_alive(real->stage, i, false);
            }
        }
        for (uint32_t i = 0; i < MONITORS; i++) {
            probe(real, i);
        }
        if (beats) {
            health_observe_control(real->scene.view.health, 0,
                                   drill_stage_is_blind(real->stage) ? HEALTH_OUTCOME_TIMEOUT
                                                                     : HEALTH_OUTCOME_OK);
        }
        drill_stage_set_silent(real->stage, real->silent);
        (void)drill_stage_look(real->stage, SIZE_MAX);
        (void)health_follow_brake(real->scene.view.health, SIZE_MAX, real->now_ms);
        follow(real);
        drill_stage_follow(real->stage);
    }
}

/* Where clients of us go. */
static bool is_away(const struct real *real)
{
    struct health_status status;
    assert_int_equal(health_get_status(real->scene.view.health, HEALTH_ENDPOINT, A, &status), 0);
    return status.observed == HEALTH_OBSERVED_UNHEALTHY;
}

static json_t *end(struct real *real)
{
    char *text = drill_stage_write(real->stage, "shadow", real->now_ms);
    json_t *report = json_loads(text, 0, NULL);
    assert_non_null(report);
    free(text);
    drill_stage_free(real->stage);
    health_free(real->scene.view.health);
    free(real->monitors);
    lock_fini(&real->lock);
    close_scene(&real->scene);
    return report;
}

static int64_t number(const json_t *report, size_t phase, const char *key)
{
    const json_t *value = json_object_get(json_array_get(json_object_get(report, "phases"), phase), key);
    return json_is_integer(value) ? json_integer_value(value) : -1;
}

#define LOST "{\"at\": \"0s\", \"what\": \"region:us\", \"how\": \"lost\", \"for\": \"40s\"}"

/* Of the worst moment a simulation says when; here nobody is later, and nobody an interval sooner. */
static void it_is_as_in_a_simulation(void **state)
{
    static const char *const quorums[] = {", \"quorum\": \"majority\"", ", \"quorum\": \"any\"",
                                          ", \"quorum\": \"all\"", ", \"quorum\": 3"};
    (void)state;
    for (size_t i = 0; i < sizeof quorums / sizeof quorums[0]; i++) {
        struct scene foreseen;
        struct real real;
        open_scene(&foreseen, quorums[i], "", "");
        const struct drill_report *report = play(&foreseen, THREE, LOST);
        begin(&real, quorums[i], LOST);
        pass(&real, 60000);
        json_t *measured = end(&real);
        for (size_t n = 0; n < 2; n++) {
            int64_t decided_ms = number(measured, n, "decision_ms"),
                    soonest_ms = report->phases[n].decision_ms;
            assert_in_range(decided_ms, soonest_ms - INTERVAL_MS, soonest_ms + STEP_MS);
            assert_in_range(number(measured, n, "detection_ms"), 0, report->phases[n].detection_ms + STEP_MS);
        }
        assert_int_equal(json_array_size(json_object_get(measured, "vantages")), 3);
        json_decref(measured);
        close_scene(&foreseen);
    }
}

static void one_of_three_moves_nothing(void **state)
{
    struct real real;
    (void)state;
    begin(&real, "", LOSE("fra-1", "0s"));
    pass(&real, 60000);
    assert_false(is_away(&real));
    json_t *report = end(&real);
    assert_int_equal(json_integer_value(json_object_get(report, "answers_changed")), 0);
    char *text = json_dumps(json_object_get(report, "timeline"), 0);
    assert_non_null(strstr(text, "first failed check of a by fra-1 (refused)"));
    free(text);
    json_decref(report);

    begin(&real, "", LOSE("fra-1", "0s") "," LOSE("sin-1", "0s"));
    pass(&real, 10000);
    assert_true(is_away(&real));
    json_decref(end(&real));
}

/* A real "down" is one, and a real "up" of what is lost is none. */
static void reality_counts_beside_it(void **state)
{
    struct real real;
    (void)state;
    begin(&real, "", LOSE("fra-1", "0s"));
    pass(&real, 8000);
    say(&real, SIN, A, HEALTH_OBSERVED_UNHEALTHY);
    assert_true(is_away(&real));
    say(&real, FRA, A, HEALTH_OBSERVED_HEALTHY);
    assert_true(is_away(&real));
    say(&real, FRA, A, HEALTH_OBSERVED_UNHEALTHY);
    say(&real, SIN, A, HEALTH_OBSERVED_HEALTHY);
    assert_false(is_away(&real));
    json_decref(end(&real));
}

/* When it is over, what is said is what is said in reality: one still says down. */
static void what_was_said_meanwhile_stands_afterwards(void **state)
{
    static const char links[] =
        "{\"at\": \"0s\", \"what\": \"link:fra-1/us\", \"how\": \"lost\", \"for\": \"20s\"},"
        "{\"at\": \"0s\", \"what\": \"link:sin-1/us\", \"how\": \"lost\", \"for\": \"20s\"}";
    struct real real;
    (void)state;
    begin(&real, ", \"quorum\": \"any\"", links);
    pass(&real, 10000);
    assert_true(is_away(&real));
    say(&real, FRA, A, HEALTH_OBSERVED_UNHEALTHY);
    pass(&real, 40000);
    assert_true(is_away(&real));
    say(&real, FRA, A, HEALTH_OBSERVED_HEALTHY);
    assert_false(is_away(&real));
    json_decref(end(&real));
}

/* Nobody hears what it would think, nor that it lives; given up, it leaves the judgement. */
static void who_is_silent_in_reality_is_so_in_it(void **state)
{
    struct real real;
    (void)state;
    begin(&real, ", \"quorum\": \"all\"", "{\"at\": \"2s\", \"what\": \"region:us\", \"how\": \"refused\"}");
    real.silent = 1u << FRA;
    pass(&real, 9900); /* it was heard at 0 s */
    assert_false(is_away(&real));
    pass(&real, 12000);
    assert_true(is_away(&real));
    real.silent = 0;
    drill_stage_hear_alive(real.stage, FRA, true);
    say_all(&real, FRA); /* it says that all is well, but for what it does not see */
    pass(&real, 20000);
    assert_true(is_away(&real));
    json_decref(end(&real));

    begin(&real, ", \"quorum\": \"all\"", "{\"at\": \"2s\", \"what\": \"region:us\", \"how\": \"refused\"}");
    real.silent = 1u << FRA;
    pass(&real, 8400);
    assert_false(is_away(&real));
    real.silent = 0; /* late, and not gone: it says what it thinks by now */
    pass(&real, 8500);
    assert_true(is_away(&real));
    json_decref(end(&real));
}

static void the_document_silences_one(void **state)
{
    struct real real;
    (void)state;
    begin(
        &real, ", \"quorum\": \"all\"",
        LOSE("local", "0s") "," LOSE("sin-1", "0s") ",{\"at\": \"0s\", \"what\": \"vantage:fra-1\", \"how\": "
                                                    "\"silent\", \"for\": \"20s\"}");
    pass(&real, 9900);
    assert_false(is_away(&real));
    pass(&real, 19900);
    assert_true(is_away(&real));
    assert_int_equal(drill_stage_take_returned(real.stage), 0);
    pass(&real, 20100);
    assert_int_equal(drill_stage_take_returned(real.stage), 1u << FRA);
    say_all(&real, FRA);
    pass(&real, 22000);
    assert_false(is_away(&real));
    json_decref(end(&real));
}

/* One that sees nothing is set aside by those who see the control target; with two of them nobody is. */
static void one_without_sight_is_set_aside(void **state)
{
    struct health_vantage_status status;
    struct real real;
    (void)state;
    begin(&real, ", \"quorum\": \"any\"", "{\"at\": \"0s\", \"what\": \"vantage:fra-1\", \"how\": \"lost\"}");
    pass(&real, 20000);
    assert_true(health_get_vantage(real.scene.view.health, FRA, real.now_ms, &status) && status.aside[0]);
    assert_true(health_get_vantage(real.scene.view.health, SIN, real.now_ms, &status) && !status.aside[0]);
    assert_false(drill_stage_is_blind(real.stage)); /* the server itself sees */
    assert_false(is_away(&real));
    json_decref(end(&real));
}

/* Those that are not in the document, or not enrolled any more, are nobody. */
static void others_do_not_matter(void **state)
{
    struct real real;
    (void)state;
    begin(&real, "", LOST);
    pass(&real, 10000);
    say(&real, 9, A, HEALTH_OBSERVED_HEALTHY);
    drill_stage_hear_alive(real.stage, 9, true);
    assert_true(is_away(&real));
    health_set_vantages(real.scene.view.health, NULL, 0, real.now_ms);
    pass(&real, 60000);
    assert_false(is_away(&real));
    json_decref(end(&real));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_as_in_a_simulation),
        cmocka_unit_test(one_of_three_moves_nothing),
        cmocka_unit_test(reality_counts_beside_it),
        cmocka_unit_test(what_was_said_meanwhile_stands_afterwards),
        cmocka_unit_test(who_is_silent_in_reality_is_so_in_it),
        cmocka_unit_test(the_document_silences_one),
        cmocka_unit_test(one_without_sight_is_set_aside),
        cmocka_unit_test(others_do_not_matter),
    };
    return cmocka_run_group_tests_name("drill_sights", tests, NULL, NULL);
}
