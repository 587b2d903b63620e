/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See scenario.h: what the steps of a scenario do. */
#include "config.h"

#include "scenario_world.h"

#include <stdlib.h>
#include <string.h>

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* ---- what happens ---- */

static bool do_result(struct scenario_world *w, const char *const *words)
{
    struct scenario_target target;
    enum health_outcome outcome;
    unsigned long times = 1;
    if (words[0] == NULL || !scenario_find_target(w, words[0], &target) ||
        !scenario_find_outcome(w, words[1], &outcome)) {
        return scenario_break(w, "expected \"result ENDPOINT OUTCOME\"");
    }
    if (words[2] != NULL) {
        char *end;
        times = strtoul(words[2], &end, 10);
        if (*end != '\0' || times == 0 || words[3] == NULL || !is(words[3], "times") || words[4] != NULL) {
            return scenario_break(w, "expected \"NUMBER times\"");
        }
    }
    if (target.count == 0) {
        return scenario_break(w, "nothing of %s is checked", words[0]);
    }
    for (uint32_t i = 0; i < w->monitor_count; i++) {
        for (unsigned long n = 0; n < times && scenario_is_meant(w, &target, i); n++) {
            scenario_observe(w, i, outcome);
        }
    }
    return true;
}

static bool do_meet(struct scenario_world *w, const char *const *words)
{
    struct scenario_target target;
    enum health_outcome outcome;
    if (words[0] == NULL || !scenario_find_target(w, words[0], &target) ||
        !scenario_find_outcome(w, words[1], &outcome) || words[2] != NULL || target.count == 0) {
        return scenario_break(w, "expected \"meet ENDPOINT OUTCOME\"");
    }
    for (uint32_t i = 0; i < w->monitor_count; i++) {
        w->checks[i].meets = scenario_is_meant(w, &target, i) ? outcome : w->checks[i].meets;
    }
    return true;
}

/* Checks begin, by their schedule. */
static bool do_run(struct scenario_world *w, const char *const *words)
{
    if (words[0] != NULL || w->runs) {
        return scenario_break(w, "expected \"run\", once");
    }
    w->runs = true;
    for (size_t i = 0; i < w->monitor_count; i++) {
        scenario_begin_checks(w, i);
    }
    return true;
}

static bool do_start(struct scenario_world *w, const char *const *words)
{
    health_begin(w->health);
    return words[0] == NULL || scenario_break(w, "expected \"start\" alone");
}

static bool do_control(struct scenario_world *w, const char *const *words)
{
    struct addr addr;
    enum health_outcome outcome;
    bool found = false;
    if (words[0] == NULL || addr_parse(words[0], &addr) != 0 ||
        !scenario_find_outcome(w, words[1], &outcome)) {
        return scenario_break(w, "expected \"control ADDRESS OUTCOME\"");
    }
    for (uint32_t i = 0; i < w->topology->brake.control_count; i++) {
        if (memcmp(&w->topology->brake.controls[i].addr, &addr, sizeof addr) == 0) {
            found = true;
            health_follow_time(w->health, w->now_ms);
            health_observe_control(w->health, i, outcome);
        }
    }
    scenario_follow(w);
    return found || scenario_break(w, "%s is no control target", words[0]);
}

static bool do_report(struct scenario_world *w, const char *const *words)
{
    struct scenario_target target;
    bool is_known = words[0] != NULL && words[1] != NULL && (is(words[1], "up") || is(words[1], "down"));
    if (!is_known || words[2] != NULL || !scenario_find_target(w, words[0], &target) || target.count == 0) {
        return scenario_break(w, "expected \"report ENDPOINT up\" or \"down\"");
    }
    const struct health_push push = {.up = is(words[1], "up")};
    for (uint32_t i = 0; i < w->monitor_count; i++) {
        if (scenario_is_meant(w, &target, i)) {
            (void)health_push(w->health, i, &push, scenario_wall(w), w->now_ms);
        }
    }
    return true;
}

static bool do_failback(struct scenario_world *w, const char *const *words)
{
    struct scenario_target target;
    if (words[0] == NULL || words[1] != NULL || !scenario_find_target(w, words[0], &target)) {
        return scenario_break(w, "expected \"failback NAME\"");
    }
    return health_fail_back(w->health, target.kind, target.index, scenario_wall(w)) == 0 ||
           scenario_miss(w, "nothing but its results keeps %s down", words[0]);
}

static bool do_override(struct scenario_world *w, const char *const *words)
{
    struct scenario_target target;
    struct health_override override = {.set_ms = scenario_wall(w), .reason = "scenario"};
    if (words[0] == NULL || words[1] == NULL || words[2] != NULL ||
        health_parse_desired(words[1], &override.desired) != 0 ||
        !scenario_find_target(w, words[0], &target)) {
        return scenario_break(w, "expected \"override NAME auto\", \"drain\", \"up\" or \"down\"");
    }
    return health_set_override(w->health, target.kind, target.index, &override, scenario_wall(w)) == 0;
}

static bool read_number(const char *word, double *number, const char **rest)
{
    char *end;
    *number = word == NULL ? 0 : strtod(word, &end);
    *rest = word == NULL ? NULL : end;
    return word != NULL && end != word;
}

/* "load ENDPOINT 0.75", "load ENDPOINT forgotten" */
static bool do_load(struct scenario_world *w, const char *const *words)
{
    struct scenario_target target;
    struct health_load_report report = {.source = HEALTH_LOAD_PUSHED};
    const char *rest;
    bool is_forgotten = words[0] != NULL && words[1] != NULL && is(words[1], "forgotten");
    bool is_known =
        is_forgotten || (words[0] != NULL && read_number(words[1], &report.load, &rest) && *rest == '\0');
    if (!is_known || words[2] != NULL || !scenario_find_target(w, words[0], &target) ||
        target.kind != HEALTH_ENDPOINT) {
        return scenario_break(w, "expected \"load ENDPOINT NUMBER\" or \"forgotten\"");
    }
    return (is_forgotten
                ? health_forget_load(w->health, target.index, scenario_wall(w), w->now_ms)
                : health_report_load(w->health, target.index, &report, scenario_wall(w), w->now_ms)) == 0;
}

static bool find_stage(const char *word, enum health_stage *stage)
{
    for (int i = HEALTH_STAGE_START; i < HEALTH_STAGES; i++) {
        if (word != NULL && is(word, health_stage_text((enum health_stage)i))) {
            *stage = (enum health_stage)i;
            return true;
        }
    }
    return false;
}

/* "lag FROM TO 45s", "lag FROM TO 4096bytes", behind it maybe "stage full" */
static bool do_lag(struct scenario_world *w, const char *const *words)
{
    ptrdiff_t lag;
    int64_t ms = 0;
    const char *rest = NULL;
    struct health_lag_report report = {.source = HEALTH_LAG_PUSHED, .unit = HEALTH_LAG_BYTES};
    if (!scenario_find_lag(w, words, &lag)) {
        return false;
    }
    bool is_time = words[2] != NULL && scenario_read_time(words[2], &ms) == 0;
    bool is_known = is_time || (read_number(words[2], &report.value, &rest) && is(rest, "bytes"));
    bool has_stage = is_known && words[3] != NULL;
    if (!is_known ||
        (has_stage && (!is(words[3], "stage") || !find_stage(words[4], &report.stage) || words[5] != NULL))) {
        return scenario_break(
            w, "expected \"lag FROM TO TIME\" or so many \"bytes\", and maybe \"stage STAGE\"");
    }
    if (is_time) {
        report.unit = HEALTH_LAG_MILLISECONDS;
        report.value = (double)ms;
    }
    return health_report_lag(w->health, (size_t)lag, &report, scenario_wall(w), w->now_ms) ==
               HEALTH_PUSH_TAKEN ||
           scenario_miss(w, "that is not taken");
}

/* ---- vantages ---- */

static bool read_weight(const char *const *words, uint32_t *weight)
{
    char *end;
    if (words[0] == NULL) {
        return true;
    }
    if (!is(words[0], "weight") || words[1] == NULL || words[2] != NULL) {
        return false;
    }
    *weight = (uint32_t)strtoul(words[1], &end, 10);
    return *end == '\0';
}

static bool do_vantage(struct scenario_world *w, const char *const *words)
{
    uint32_t weight = 1;
    if (words[0] == NULL || !w->has_quorums || w->vantage_count == HEALTH_VANTAGES_MAX - 1 ||
        scenario_find_vantage(w, words[0]) != -1 || !read_weight(words + 1, &weight)) {
        return scenario_break(w,
                              "expected \"vantage NAME\" or \"vantage NAME weight NUMBER\", each once, and "
                              "vantages in the server's document");
    }
    size_t place = w->vantage_count++;
    w->vantages[place] =
        (struct health_vantage_plan){.name = words[0], .number = (uint8_t)(place + 1), .weight = weight};
    health_set_vantages(w->health, w->vantages, w->vantage_count, w->now_ms);
    health_hear_vantage(w->health, (unsigned)place + 1, w->now_ms);
    scenario_follow(w);
    return true;
}

static bool say_opinion(struct scenario_world *w, unsigned vantage, uint32_t monitor,
                        enum health_observed verdict)
{
    const struct health_heard heard = {.monitor = monitor,
                                       .opinion = {.verdict = verdict,
                                                   .outcome = verdict == HEALTH_OBSERVED_UNHEALTHY
                                                                  ? HEALTH_OUTCOME_TIMEOUT
                                                                  : HEALTH_OUTCOME_OK,
                                                   .streak = 3}};
    health_hear(w->health, vantage, &heard, 1, scenario_wall(w), w->now_ms);
    return true;
}

static bool say_of_control(struct scenario_world *w, unsigned vantage, const char *word,
                           enum health_observed verdict)
{
    struct addr addr;
    bool found = false;
    if (word == NULL || addr_parse(word, &addr) != 0) {
        return scenario_break(w, "expected the address of a control target");
    }
    for (uint32_t i = 0; i < w->topology->brake.control_count; i++) {
        if (memcmp(&w->topology->brake.controls[i].addr, &addr, sizeof addr) == 0) {
            found = say_opinion(w, vantage, (uint32_t)w->monitor_count + i, verdict);
        }
    }
    return found || scenario_break(w, "%s is no control target", word);
}

/* "VANTAGE says ENDPOINT up", "VANTAGE says control ADDRESS down" */
static bool do_says(struct scenario_world *w, unsigned vantage, const char *const *words)
{
    struct scenario_target target;
    bool is_control = words[0] != NULL && is(words[0], "control");
    words += is_control;
    const char *word = words[0] == NULL || words[1] == NULL || words[2] != NULL ? "" : words[1];
    enum health_observed verdict = is(word, "up")     ? HEALTH_OBSERVED_HEALTHY
                                   : is(word, "down") ? HEALTH_OBSERVED_UNHEALTHY
                                                      : HEALTH_OBSERVED_UNKNOWN;
    if (verdict == HEALTH_OBSERVED_UNKNOWN && !is(word, "nothing")) {
        return scenario_break(w, "a vantage says \"NAME up\", \"down\" or \"nothing\"");
    }
    if (is_control) {
        return say_of_control(w, vantage, words[0], verdict);
    }
    if (!scenario_find_target(w, words[0], &target) || target.count == 0) {
        return scenario_break(w, "nothing of %s is checked", words[0]);
    }
    for (uint32_t i = 0; i < w->monitor_count; i++) {
        if (scenario_is_meant(w, &target, i)) {
            (void)say_opinion(w, vantage, i, verdict);
        }
    }
    return true;
}

static bool do_of_vantage(struct scenario_world *w, int place, const char *const *words)
{
    const char *word = words[0] == NULL ? "" : words[0];
    bool is_alone = words[0] != NULL && words[1] == NULL;
    if (is(word, "says")) {
        bool done = do_says(w, (unsigned)place + 1, words + 1);
        scenario_follow(w);
        return done;
    }
    if (is_alone && (is(word, "falls_silent") || is(word, "is_back"))) {
        w->silent[place] = is(word, "falls_silent");
    } else if (is_alone && is(word, "begins_anew")) {
        health_forget_vantage(w->health, (unsigned)place + 1);
    } else if (is_alone && (is(word, "is_drained") || is(word, "is_undrained"))) {
        w->vantages[place].drained = is(word, "is_drained");
        health_set_vantages(w->health, w->vantages, w->vantage_count, w->now_ms);
    } else {
        return scenario_break(w, "\"%s\" is nothing that a vantage does", word);
    }
    scenario_keep_alive(w);
    scenario_follow(w);
    return true;
}

/* ---- all of it ---- */

static bool take_step(struct scenario_world *w, const struct scenario_step *step)
{
    static const struct {
        const char *word;
        bool (*take)(struct scenario_world *w, const char *const *words);
    } verbs[] = {{"result", do_result},
                 {"meet", do_meet},
                 {"run", do_run},
                 {"start", do_start},
                 {"control", do_control},
                 {"report", do_report},
                 {"failback", do_failback},
                 {"override", do_override},
                 {"vantage", do_vantage},
                 {"load", do_load},
                 {"lag", do_lag},
                 {"reload", scenario_reload},
                 {"restart", scenario_restart},
                 {"expect", scenario_expect}};
    w->step = step;
    scenario_pass(w, step->at_ms);
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (is(step->words[0], verbs[i].word)) {
            return verbs[i].take(w, step->words + 1);
        }
    }
    int place = scenario_find_vantage(w, step->words[0]);
    return place != -1 ? do_of_vantage(w, place, step->words + 1)
                       : scenario_break(w, "nothing is known of the word \"%s\"", step->words[0]);
}

/* Without a word: "vantage a weight 2" is "vantage a", and what it begins with, what a vantage says of it, or
 * "a begins_anew" does not happen. False: nothing is left. */
static bool leave_out(struct scenario_step *step, const char *without)
{
    bool is_said = step->words[1] != NULL && is(step->words[1], "says") && step->words[2] != NULL;
    bool is_done = step->words[1] != NULL && step->words[2] == NULL && is(step->words[1], without);
    if (is(step->words[0], without) || (is_said && is(step->words[2], without)) || is_done) {
        return false;
    }
    for (size_t i = 1; step->words[i] != NULL && is(step->words[0], "vantage"); i++) {
        if (is(step->words[i], without)) {
            step->words[i] = NULL;
            break;
        }
    }
    return true;
}

enum scenario_end scenario_run(const struct scenario *scenario, const char *without, uint64_t seed,
                               char why[SCENARIO_WHY_SIZE])
{
    struct scenario_world w = {.scenario = scenario, .why = why};
    why[0] = '\0';
    random_init(&w.random, seed);
    if (scenario_open(&w, without)) {
        for (size_t i = 0; i < scenario->step_count && w.end == SCENARIO_HOLDS; i++) {
            struct scenario_step step = scenario->steps[i];
            if (without == NULL || leave_out(&step, without)) {
                (void)take_step(&w, &step);
            }
        }
    }
    scenario_close(&w);
    return w.end;
}
