/* SPDX-License-Identifier: BSD-3-Clause
 *
 * When several vantages move answers in a drill: as a model of the rules says; and from the present health,
 * with those who are enrolled. */
#include "config.h"

#include "drill_scene.h"

#include "base/error.h"

/* ---- against a model ---- */

enum { WATCHERS = 5, CASES = 400, STARTS = 4 };

/* A check of its own for chance: the same every time. */
static uint32_t draw(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525 + 1013904223;
    return (*state >> 16) % below;
}

struct model {
    uint32_t weight[WATCHERS]; /* the first is the server itself */
    int64_t down_ms[WATCHERS]; /* when it says down; INT64_MAX: never */
    unsigned kind, count;
};

static bool model_is_down(const struct model *model, int64_t at_ms)
{
    uint32_t all = 0, down = 0;
    for (int i = 0; i < WATCHERS; i++) {
        all += model->weight[i];
        down += model->down_ms[i] <= at_ms ? model->weight[i] : 0;
    }
    uint32_t needed = model->count < all ? model->count : all;
    return model->kind == 0   ? down > 0
           : model->kind == 1 ? 2 * down > all
           : model->kind == 2 ? down == all
                              : down >= needed;
}

/* The first moment at which those who say down by then are enough. */
static int64_t model_find(const struct model *model)
{
    int64_t first_ms = INT64_MAX;
    for (int i = 0; i < WATCHERS; i++) {
        bool is_it = model->down_ms[i] != INT64_MAX && model_is_down(model, model->down_ms[i]);
        first_ms = is_it && model->down_ms[i] < first_ms ? model->down_ms[i] : first_ms;
    }
    return first_ms;
}

static void play_model(uint32_t *chance)
{
    static const char *const names[WATCHERS] = {"local", "v-1", "v-2", "v-3", "v-4"}, *const kinds[] = {
                                                                                          "\"any\"",
                                                                                          "\"majority\"",
                                                                                          "\"all\""};
    struct scene scene;
    struct model model = {.kind = draw(chance, 4), .count = 1 + draw(chance, 12)};
    struct arena *arena = arena_new(0);
    const char *quorum = model.kind == 3 ? arena_print(arena, "%u", model.count) : kinds[model.kind];
    const char *vantages = "", *events = "";
    for (int i = 0; i < WATCHERS; i++) {
        model.weight[i] = 1 + draw(chance, 4);
        uint32_t at_s = draw(chance, STARTS + 1) * 7; /* of some never */
        model.down_ms[i] = at_s == STARTS * 7 ? INT64_MAX : at_s * 1000 + 6000;
        if (i > 0) {
            vantages = arena_print(arena, "%s%s\"%s\": {\"weight\": %u}", vantages, i == 1 ? "" : ",",
                                   names[i], model.weight[i]);
        }
        if (model.down_ms[i] != INT64_MAX) {
            events =
                arena_print(arena, "%s{\"at\": \"%us\", \"what\": \"link:%s/us\", \"how\": \"refused\"},",
                            events, at_s, names[i]);
        }
    }
    events = arena_print(arena, "%s{\"at\": \"2m\", \"what\": \"check:control\", \"how\": \"lost\"}", events);
    open_scene(&scene, arena_print(arena, ", \"quorum\": %s", quorum), "", "");
    scene.server.vantages.local_weight = model.weight[0];
    int64_t at_ms = model_find(&model);
    expect_steps(play(&scene, arena_print(arena, "\"vantages\": {%s},", vantages), events), 0,
                 at_ms == INT64_MAX ? "0 us" : arena_print(arena, "0 us; %lld eu-from-us", (long long)at_ms));
    close_scene(&scene);
    arena_free(arena);
}

static void quorums_decide_as_a_model_says(void **state)
{
    uint32_t chance = 7;
    (void)state;
    for (int i = 0; i < CASES; i++) {
        play_model(&chance);
    }
}

/* ---- from the present health ---- */

enum { FRA = 3, SIN = 7 };

static void hear_all(struct scene *scene, unsigned vantage, enum health_observed of_a)
{
    for (uint32_t i = 0; i < 4; i++) {
        bool is_a = i == A && of_a == HEALTH_OBSERVED_UNHEALTHY;
        const struct health_heard heard = {
            .monitor = i,
            .opinion = {.verdict = is_a ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_HEALTHY,
                        .outcome = is_a ? HEALTH_OUTCOME_REFUSED : HEALTH_OUTCOME_OK,
                        .streak = 5}};
        health_hear(scene->view.health, vantage, &heard, 1, 5000, 5000);
    }
}

/* fra-1 (weight 2) and sin-1 are enrolled; sin-1 does not reach a. */
static void open_live(struct scene *scene, const char *of_check)
{
    const struct health_vantage_plan plans[] = {{.name = "fra-1", .number = FRA, .weight = 2},
                                                {.name = "sin-1", .number = SIN, .weight = 1}};
    open_scene(scene, of_check, "", "");
    struct health *health = scene->view.health =
        view_new_health(scene->topology, &scene->server.vantages, 5000);
    health_set_vantages(health, plans, 2, 5000);
    for (uint32_t i = 0; i < 4; i++) {
        health_observe(health, i, HEALTH_OUTCOME_OK, 5000, 0, 0);
    }
    hear_all(scene, FRA, HEALTH_OBSERVED_HEALTHY);
    hear_all(scene, SIN, HEALTH_OBSERVED_UNHEALTHY);
    while (health_follow_vantages(health, 5000, 5000)) {
    }
}

static void close_live(struct scene *scene)
{
    health_free(scene->view.health);
    close_scene(scene);
}

static void those_who_are_enrolled_look(void **state)
{
    struct scene scene;
    (void)state;
    open_live(&scene, "");
    const struct drill_report *report = play(&scene, "", LOSE("fra-1", "0s")); /* 2 of 4 */
    expect_steps(report, 0, STAY);
    assert_int_equal(report->watcher_count, 3);
    assert_string_equal(report->watchers[1].name, "fra-1");
    assert_int_equal(report->watchers[1].weight, 2);
    expect_steps(play(&scene, "", LOSE("fra-1", "0s") "," LOSE("sin-1", "0s")), 0, MOVE);
    close_live(&scene);
}

static void from_live_they_begin_with_what_they_think(void **state)
{
    struct scene scene;
    (void)state;
    open_live(&scene, "");
    expect_steps(play(&scene, "\"from\": \"live\",", LOSE("fra-1", "0s")), 0, MOVE); /* 3 of 4 */
    expect_steps(play(&scene, "\"from\": \"live\",", LOSE("local", "0s")), 0, STAY); /* 2 */
    const struct drill_report *report =
        play(&scene, "\"from\": \"live\", \"vantages\": {\"fra-1\": {\"region\": \"eu\", \"weight\": 2}},",
             "{\"at\": \"0s\", \"what\": \"link:eu/us\", \"how\": \"lost\", \"for\": \"1m\"}");
    expect_steps(report, 0, "0 us; 7000 eu-from-us; 64000 us");
    assert_string_equal(report->watchers[1].region, "eu");
    assert_int_equal(health_get_time(scene.view.health), 5000); /* which is as it was */
    close_live(&scene);
}

/* In reality sin-1 is not heard: no event wakes it. */
static void who_is_silent_in_reality_stays_so(void **state)
{
    struct scene scene;
    (void)state;
    open_live(&scene, "");
    health_hear_vantage(scene.view.health, FRA, 14000);
    health_follow_vantages(scene.view.health, 15500, 15500);
    while (health_follow_vantages(scene.view.health, 15500, 15500)) {
    }
    expect_steps(
        play(&scene, "\"from\": \"live\",", /* fra-1 has 2 of 3 */
             LOSE("fra-1", "0s") ",{\"at\": \"20s\", \"what\": \"vantage:sin-1\", \"how\": \"recovered\"}"),
        0, MOVE);
    expect_steps(play(&scene, "\"from\": \"live\",", LOSE("local", "0s")), 0, STAY);
    close_live(&scene);
}

static void from_live_nobody_else_looks(void **state)
{
    static const char *const bad[] = {"\"nyc-1\": {}", "\"fra-1\": {\"weight\": 1}"};
    struct scene scene;
    (void)state;
    open_live(&scene, "");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            parse(&scene,
                  arena_print(scene.arena, "{\"from\": \"live\", \"vantages\": {%s}, \"events\": [%s]}",
                              bad[i], LOSE("fra-1", "0s"))),
            ERROR_INVALID);
    }
    assert_int_equal(report_errors(scene.errors), 2);
    close_live(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quorums_decide_as_a_model_says),
        cmocka_unit_test(those_who_are_enrolled_look),
        cmocka_unit_test(from_live_they_begin_with_what_they_think),
        cmocka_unit_test(who_is_silent_in_reality_stays_so),
        cmocka_unit_test(from_live_nobody_else_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
