/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The rehearsal: virtual time from one thing that happens to the next, the real health machine deciding, the
 * real steering following. What happens is the end of a check, the begin or end of a cause, and an override
 * that starts or ends, or something that has stayed down long enough. All that ends in the same millisecond
 * is one moment: answers are compared between moments. */
#include "config.h"

#include "drill/drill.h"

#include "base/error.h"
#include "base/memory.h"
#include "drill/run.h"

#include <stdlib.h>

/* ---- set-up ---- */

static void take_losses(struct run *run, const struct drill_scenario *scenario)
{
    run->causes.items = drill_list_losses(run->topology, scenario->losses, scenario->loss_count,
                                          scenario->failure, run->arena);
    run->causes.count = scenario->loss_count;
    run->until_ms = run->lags_ms = INT64_MAX;
}

static void take_document(struct run *run, const struct drill_scenario *scenario)
{
    const struct drill_document *document = scenario->document;
    bool has_lags = !scenario->from_live;
    run->causes.items = document->causes;
    run->causes.count = document->cause_count;
    run->causes.seed = document->seed;
    run->until_ms = drill_document_duration(document);
    run->vantages.items = document->vantages.items;
    run->vantages.count = document->vantages.count;
    for (size_t i = 0; i < document->cause_count; i++) {
        has_lags = has_lags || document->causes[i].what == DRILL_COPY;
    }
    run->lags_ms = has_lags && run->topology->replication_count != 0 ? 0 : INT64_MAX;
}

static void start_health(struct run *run)
{
    const struct view *view = run->view;
    if (run->scenario->from_live) {
        run->health = view_copy_health(view, 0, NULL);
        run->began_ms = health_get_time(run->health);
        run_introduce_vantages(run);
        return;
    }
    bool is_judged = run_has_vantages(run);
    run->health = view_new_health(view->topology, is_judged ? &view->server->vantages : NULL, 0);
    if (view->health != NULL) { /* names resolve as they do now */
        health_copy_resolved(run->health, view->health);
    }
    run_introduce_vantages(run);
    for (uint32_t i = 0; i < health_monitor_count(run->health); i++) {
        health_observe(run->health, i, HEALTH_OUTCOME_OK, 0, 0, 0);
    }
}

static void start(struct run *run)
{
    const struct drill_scenario *scenario = run->scenario;
    run->causes.topology = run->topology;
    if (scenario->document != NULL) {
        take_document(run, scenario);
    } else {
        take_losses(run, scenario);
    }
    run->is_lost = memory_alloc_array(run->topology->endpoint_count, sizeof *run->is_lost);
    run->monitor_count = view_list_monitors(run->topology, &run->monitors);
    start_health(run);
    run_open_lookouts(run);
    size_t count = run->monitor_count + run->vantages.lookout_count;
    run->states = memory_alloc_array(count, sizeof *run->states);
    run->heap = memory_alloc_array(count, sizeof *run->heap);
    run_start_checks(run);
    run_open_moves(run);
    run->turn_ms = run_find_turn(run, 0);
    if (run->lags_ms == 0) { /* what is known of copies is part of how it begins */
        run_tell_lags(run);
    }
    run->answers =
        drill_answers_new(run->view, health_get_table(run->health), run->arena, scenario->progress);
    run->generation = atomic_load(&health_get_table(run->health)->generation);
    run_listen(run);
}

static void finish(struct run *run)
{
    drill_answers_free(run->answers);
    run_close_lookouts(run);
    run_close_moves(run);
    health_free(run->health);
    free(run->phases);
    free(run->news);
    free(run->events);
    free(run->heap);
    free(run->states);
    free(run->monitors);
    free(run->is_lost);
}

/* ---- the run ---- */

/* Since the start: when an override starts or ends next, or something that stays down may come back. */
static int64_t find_due(const struct run *run)
{
    int64_t due_ms = health_next_due(run->health), stay_ms = health_next_stay(run->health);
    int64_t at_ms = due_ms == 0 ? INT64_MAX : due_ms > run->wall_ms ? due_ms - run->wall_ms : 0;
    int64_t back_ms = stay_ms == INT64_MAX      ? INT64_MAX
                      : stay_ms > run->began_ms ? stay_ms - run->began_ms
                                                : 0;
    return back_ms < at_ms ? back_ms : at_ms;
}

static void follow_dues(struct run *run, int64_t at_ms)
{
    run->now_ms = at_ms > run->now_ms ? at_ms : run->now_ms;
    health_follow_clock(run->health, run->wall_ms + run->now_ms);
    while (health_follow_stays(run->health, run->began_ms + run->now_ms, run->now_ms) != 0) {
    }
    run_follow_answers(run, 0, &(struct drill_decider){.failed_ms = -1});
}

/* A share of checks that fails can move answers for hours, and each time is kept: a report has to fit in
 * memory. */
static bool is_full(const struct run *run)
{
    enum { EVENTS_MAX = 200 * 1000, CHANGES_MAX = 2 * 1000 * 1000 };
    return run->scenario->document != NULL && (run->event_count > EVENTS_MAX || run->changed > CHANGES_MAX);
}

/* The next thing that happens. False: there is none any more. */
static bool take_step(struct run *run)
{
    int64_t checks_ms = run->heap_count == 0 ? INT64_MAX : run->heap[0].ends_ms, due_ms = find_due(run);
    int64_t next_ms = checks_ms < run->turn_ms ? checks_ms : run->turn_ms;
    int64_t beat_ms = run_find_beat(run);
    next_ms = run->lags_ms < next_ms ? run->lags_ms : next_ms;
    bool is_short = run->until_ms == INT64_MAX;
    if (is_short && next_ms == INT64_MAX) {
        return false;
    }
    next_ms = due_ms < next_ms ? due_ms : next_ms;
    next_ms = beat_ms < next_ms ? beat_ms : next_ms;
    if (next_ms > run->until_ms || next_ms == INT64_MAX) {
        return false;
    }
    if (run->turn_ms == next_ms) {
        run_turn(run);
    } else if (due_ms == next_ms) {
        follow_dues(run, due_ms);
    } else if (beat_ms == next_ms) {
        run_follow_beat(run);
    } else if (run->lags_ms == next_ms) {
        run_tell_lags(run);
    } else {
        run_end_checks(run);
    }
    return true;
}

/* ---- the whole ---- */

/* Others look by the rules of the server's configuration. */
static bool has_judges(const struct view *view, const struct drill_scenario *scenario)
{
    return scenario->document == NULL || scenario->document->vantages.count == 0 ||
           (view->server != NULL && view->server->vantages.is_on);
}

static bool is_valid(const struct view *view, const struct drill_scenario *scenario)
{
    const struct conf_topology *topology = view->topology;
    bool has_causes = scenario->document != NULL && scenario->document->cause_count != 0;
    if (topology == NULL || (scenario->loss_count != 0) == has_causes ||
        (scenario->from_live && view->health == NULL) || !has_judges(view, scenario) ||
        (scenario->failure != HEALTH_OUTCOME_NONE && !health_outcome_is_failure(scenario->failure))) {
        return false;
    }
    for (size_t i = 0; i < scenario->loss_count; i++) {
        const struct drill_loss *loss = &scenario->losses[i];
        size_t count = loss->kind == HEALTH_ENDPOINT ? topology->endpoint_count
                       : loss->kind == HEALTH_AZ     ? topology->az_count
                       : loss->kind == HEALTH_REGION ? topology->region_count
                                                     : 0;
        if (loss->index >= count) {
            return false;
        }
    }
    return true;
}

int drill_simulate(const struct view *view, const struct drill_scenario *scenario, struct arena *arena,
                   struct drill_report *report)
{
    *report = (struct drill_report){.detection_ms = -1};
    if (!is_valid(view, scenario)) {
        return ERROR_INVALID;
    }
    struct run run = {.view = view,
                      .topology = view->topology,
                      .scenario = scenario,
                      .wall_ms = scenario->wall_ms,
                      .arena = arena};
    start(&run);
    while (!progress_is_cancelled(scenario->progress) && !is_full(&run) && take_step(&run)) {
    }
    if (is_full(&run)) {
        report->is_cut = true;
        run.until_ms = run.now_ms;
    }
    run_mark_answers(&run);
    run_make_report(&run, report);
    finish(&run);
    return progress_is_cancelled(scenario->progress) ? ERROR_CANCELLED : 0;
}
