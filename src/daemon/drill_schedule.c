/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See drill_schedule.h. Once a second the clock is asked; what is due then is drill/plan.h's to say. */
#include "config.h"

#include "daemon/drill_schedule_inside.h"

#include "daemon/changes.h"
#include "daemon/drill_reports.h"
#include "daemon/durable.h"
#include "daemon/incidents.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "admin/request.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "view/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum { LOOK_MS = 1000, STEPS_MAX = 4 };

/* ---- the store ---- */

/* `turn`: what has become of it. is_gone: it is not in the configuration any more. */
static void write_down(struct drill_schedule *all, const struct drill_state *state, const char *turn,
                       bool is_gone)
{
    char *value = is_gone ? NULL : drill_state_write(state);
    const struct store_op op = {
        .kind = DRILL_SCHEDULE_KIND, .key = state->name, .value = value, .if_revision = STORE_ANY};
    durable_note(all->server->durable, &op, 1, turn);
    free(value);
}

/* ---- telling ---- */

static void tell(struct drill_schedule *all, const struct drill_state *state, const char *turn,
                 uint64_t count)
{
    changes_tell_schedule(all->server->changes, &(struct changes_schedule){.name = state->name,
                                                                           .turn = turn,
                                                                           .why = state->why,
                                                                           .report = state->report,
                                                                           .due_ms = state->due_ms,
                                                                           .count = count});
    write_down(all, state, turn, false);
}

static void miss(struct drill_schedule *all, struct drill_state *state, const struct plan_step *step)
{
    state->was_missed = true;
    state->missed += step->missed;
    state->due_ms = step->due_ms;
    snprintf(state->why, sizeof state->why, "%s", step->why);
    state->report[0] = '\0';
    tell(all, state, "missed", step->missed);
}

static void finish(struct drill_schedule *all, struct drill_state *state, enum drill_outcome outcome,
                   const char *why, const char *report)
{
    state->is_running = false;
    state->has_outcome = true;
    state->outcome = outcome;
    state->runs[outcome]++;
    snprintf(state->why, sizeof state->why, "%s", why);
    snprintf(state->report, sizeof state->report, "%s", report);
    if (outcome == DRILL_MET) {
        state->success_ms = state->ran_ms;
    }
    tell(all, state, outcome == DRILL_MET ? "met" : "failed", 1);
}

/* ---- running ---- */

/* A drill that belongs to one of these is over, and kept. */
static void on_kept(void *context, const struct drill_fact *fact)
{
    struct drill_schedule *all = context;
    struct scheduled *item = drill_schedule_find(all, fact->schedule);
    if (item != NULL && item->state.is_running) {
        finish(all, &item->state, fact->outcome, fact->figures.why, fact->id);
    }
}

/* It could not begin: that is kept as well, and told by that. */
static void fail(struct drill_schedule *all, const struct drill_state *state, const char *why)
{
    char *drill =
        memory_print("{\"mode\":\"drill\",\"name\":\"%s\"}", state->name); /* a name needs no escape */
    drill_reports_take(
        all->server->drill_reports,
        &(struct drill_origin){
            .at_ms = state->ran_ms, .schedule = state->name, .actor = "steerd", .why_not = why},
        drill, NULL);
    free(drill);
}

static const char *describe(const struct admin_report_result *result)
{
    const struct report *report = result->drill == NULL ? NULL : result->drill->report;
    return report != NULL && report_count(report) != 0 ? report_get(report, 0)->message
                                                       : error_text(result->error);
}

/* What was found is heard of by on_kept(). */
static void on_simulated(void *argument, const struct admin_report_result *result,
                         const struct drill_fact *fact)
{
    struct running *running = argument;
    struct drill_schedule *all = running->all;
    struct scheduled *item = drill_schedule_find(all, running->name);
    (void)fact;
    if (item != NULL && result->error == ERROR_CANCELLED && all->server->is_frozen) {
        item->state.is_running = false; /* whoever takes over runs it */
        item->state.handled_ms = running->before_ms;
        write_down(all, &item->state, "takeover", false);
    } else if (item != NULL && result->error != 0) {
        fail(all, &item->state, describe(result));
    }
    free(running);
}

static void on_begun(void *argument, const struct admin_shadow_result *result)
{
    struct running *running = argument;
    struct scheduled *item = drill_schedule_find(running->all, running->name);
    const struct report *report = result->report;
    if (item != NULL && result->trouble != ADMIN_SHADOW_GOOD) {
        char why[PAGE_WHY_SIZE];
        snprintf(why, sizeof why, "%s%s",
                 result->trouble == ADMIN_SHADOW_OVERLAPS ? "another drill has some of its clients: " : "",
                 report != NULL && report_count(report) != 0 ? report_get(report, 0)->message
                 : result->trouble == ADMIN_SHADOW_DURATION  ? "it does not last 1 s to 1 h"
                 : result->trouble == ADMIN_SHADOW_KEY       ? "there is no such key"
                 : result->what != NULL                      ? result->what
                                                             : "it could not begin");
        fail(running->all, &item->state, why);
    }
    free(running);
}

static const char live_refused[] = "a live drill needs somebody who has seen what it changes";

static void begin_shadow(struct drill_schedule *all, struct running *running,
                         const struct conf_schedule *conf, const char *reason)
{
    struct arena *arena = arena_new(0);
    struct problem problem;
    struct request_shadow wanted;
    problem_init(&problem, arena);
    int error = request_parse_shadow(conf->document, conf->document_len, &wanted, &problem);
    if (error != 0 || wanted.order.live != NULL) {
        const struct scheduled *item = drill_schedule_find(all, running->name);
        fail(all, &item->state,
             wanted.order.live != NULL  ? live_refused
             : problem.error_count != 0 ? problem.errors[0].message
             : problem.detail != NULL   ? problem.detail
                                        : "the document cannot be used");
        free(running);
    } else {
        struct admin_shadow_order order = wanted.order;
        struct admin_shadow_verbs verbs;
        order.schedule = running->name;
        order.actor = "steerd";
        order.peer = "";
        order.reason = reason;
        order.report = report_new();
        shadows_fill_verbs(&verbs);
        struct report *report = order.report;
        verbs.start(all->server, &order, on_begun, running);
        report_free(report);
    }
    arena_free(arena);
}

static void run(struct drill_schedule *all, struct scheduled *item, const struct conf_schedule *conf,
                const char *actor, int64_t before_ms)
{
    struct drill_state *state = &item->state;
    struct server *server = all->server;
    char reason[HEALTH_REASON_SIZE];
    struct running *running = memory_alloc(sizeof *running);
    *running = (struct running){.all = all, .before_ms = before_ms};
    snprintf(running->name, sizeof running->name, "%s", state->name);
    snprintf(reason, sizeof reason, "scheduled: %s", state->name);
    state->is_running = true;
    state->was_missed = false;
    state->ran_ms = clock_wall_ms(&server->clock);
    state->why[0] = state->report[0] = '\0';
    write_down(all, state, "begun", false);
    if (request_is_shadow(conf->document, conf->document_len)) {
        begin_shadow(all, running, conf, reason);
        return;
    }
    const struct admin_drill drill = {
        .document = conf->document, .document_len = conf->document_len, .failure = "timeout"};
    (void)drill_reports_simulate(
        server->drill_reports,
        &(struct drill_simulation){
            .drill = &drill,
            .origin = {.at_ms = state->ran_ms, .schedule = state->name, .actor = actor, .reason = reason},
            .done = on_simulated,
            .argument = running});
}

/* ---- what is in the way ---- */

static const char unread[] = "the store cannot be read"; /* so nobody knows what was handled */

static const char *find_obstacle(const struct drill_schedule *all, const struct scheduled *of)
{
    if (durable_is_unread(all->server->durable)) {
        return unread;
    }
    const char *incident = incidents_find_real(all->server->incidents);
    for (const struct scheduled *item = all->first; item != NULL; item = item->next) {
        if (item->state.is_running) {
            return item == of ? "the one before is running" : "another drill is running";
        }
    }
    return all->server->is_frozen ? "another process takes over"
           : incident != NULL     ? "an incident is open"
                                  : NULL;
}

/* ---- time ---- */

static void follow_one(struct drill_schedule *all, struct scheduled *item, const struct conf_schedule *conf)
{
    const struct server *server = all->server;
    const struct plan_entry entry = {.cron = &conf->cron,
                                     .zone = conf->zone,
                                     .blackouts = conf->blackouts.freeze_count == 0 ? NULL : &conf->blackouts,
                                     .deadline_ms = conf->deadline_ms};
    struct plan_step step = {.what = PLAN_MISSED};
    for (int i = 0; i < STEPS_MAX && step.what == PLAN_MISSED; i++) {
        int64_t before_ms = item->state.handled_ms;
        const struct plan_moment moment = {.wall_ms = clock_wall_ms(&server->clock),
                                           .began_ms = server->started_ms,
                                           .obstacle = find_obstacle(all, item),
                                           .was = item->was};
        step = plan_decide(&entry, &item->state.handled_ms, &moment);
        if (step.what == PLAN_MISSED) {
            miss(all, &item->state, &step);
        } else if (step.what == PLAN_RUN) {
            item->state.due_ms = step.due_ms;
            run(all, item, conf, "steerd", before_ms);
        } else if (item->state.handled_ms != before_ms) { /* it is new, or the clock was wrong */
            write_down(all, &item->state, "seen", false);
        }
    }
    item->was = step.what == PLAN_WAIT ? step.why : NULL;
    item->next_ms = step.what == PLAN_WAIT ? step.due_ms : 0;
}

static void follow_all(struct drill_schedule *all)
{
    const struct server *server = all->server;
    const struct conf_drills *drills = &server->view->server->drills;
    int64_t wall_ms = clock_wall_ms(&server->clock);
    bool is_set = wall_ms < all->looked_ms || all->conf != drills; /* back, or what is done is other things */
    drill_schedule_match(all, drills);
    for (size_t i = 0; i < drills->schedule_count; i++) {
        struct scheduled *item = drill_schedule_find(all, drills->schedule[i].name);
        if (drills->schedule[i].enabled && (is_set || wall_ms >= item->next_ms)) {
            follow_one(all, item, &drills->schedule[i]);
        } else if (!drills->schedule[i].enabled) {
            item->state.handled_ms = 0; /* when it is done again, it counts from then */
        }
    }
    all->conf = drills;
    all->looked_ms = wall_ms;
}

static void wait_for_store(struct drill_schedule *all)
{
    drill_schedule_match(all, &all->server->view->server->drills);
    for (struct scheduled *item = all->first; item != NULL; item = item->next) {
        item->was = unread;
    }
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct drill_schedule *all = argument;
    (void)fd, (void)what;
    if (all->server->is_frozen || all->server->works_elsewhere || all->server->view == NULL) {
        return;
    }
    if (durable_is_unread(all->server->durable)) {
        wait_for_store(all);
    } else {
        follow_all(all);
    }
}

/* ---- verbs ---- */

static int run_now(void *context, const char *name, const char *actor, struct arena *arena, const char **why)
{
    struct server *server = context;
    struct drill_schedule *all = server->drill_schedule;
    const struct conf_schedule *conf = drill_schedule_find_conf(server, name);
    if (conf == NULL) {
        return ERROR_NOT_FOUND;
    }
    drill_schedule_match(all, &server->view->server->drills);
    struct scheduled *item = drill_schedule_find(all, name);
    *why = arena_copy_text(arena, find_obstacle(all, item));
    if (*why != NULL) {
        return ERROR_BUSY;
    }
    item->state.due_ms = clock_wall_ms(&server->clock);
    run(all, item, conf, actor, item->state.handled_ms);
    return 0;
}

void drill_schedule_fill_verbs(struct admin_schedule_verbs *verbs)
{
    *verbs = (struct admin_schedule_verbs){.list = drill_schedule_list, .run = run_now};
}

/* ---- life ---- */

/* The process before had begun it. */
static void end_if_interrupted(struct drill_schedule *all, struct scheduled *item)
{
    if (item->state.is_running) {
        finish(all, &item->state, DRILL_NOT_RUN, "interrupted: restart", "");
    }
}

static void end_interrupted(struct drill_schedule *all)
{
    for (struct scheduled *item = all->first; item != NULL; item = item->next) {
        end_if_interrupted(all, item);
    }
}

void drill_schedule_regain(struct drill_schedule *all, const char *name, const char *value)
{
    drill_schedule_follow(all, name, value);
    struct scheduled *item = drill_schedule_find(all, name);
    if (item == NULL) {
        return;
    }
    item->was = NULL;
    if (!all->server->works_elsewhere) {
        end_if_interrupted(all, item);
    }
}

void drill_schedule_take_over(struct drill_schedule *all)
{
    end_interrupted(all);
}

void drill_schedule_begin(struct drill_schedule *all, const char *folder)
{
    const struct timeval every = {.tv_sec = LOOK_MS / 1000};
    drill_reports_begin(all->server->drill_reports, folder);
    drill_schedule_learn(all, folder);
    if (!all->server->works_elsewhere) { /* else another node may run it */
        end_interrupted(all);
    }
    drill_reports_hook(all->server->drill_reports, on_kept, all);
    event_add(all->timer, &every);
}

struct drill_schedule *drill_schedule_open(struct server *server)
{
    struct drill_schedule *all = memory_alloc(sizeof *all);
    all->server = server;
    all->timer = event_new(server->base, -1, EV_PERSIST, on_timer, all);
    if (all->timer == NULL) {
        free(all);
        return NULL;
    }
    return all;
}

void drill_schedule_close(struct drill_schedule *all)
{
    if (all != NULL) {
        drill_schedule_drop_all(all);
        event_free(all->timer);
        free(all);
    }
}
