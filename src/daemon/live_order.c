/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is looked at before a live drill begins: what a switchover off the same would change (one look for
 * both, operate/switchover_look.h), on a worker over a snapshot; and what is on just now. */
#include "config.h"

#include "daemon/live.h"

#include "daemon/incidents_inside.h"
#include "daemon/drilling.h"
#include "daemon/durable.h"
#include "daemon/lanes.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "daemon/shadow_inside.h"
#include "daemon/switchovers_inside.h"
#include "daemon/traffic.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/report.h"
#include "drill/places.h"
#include "health/brake.h"
#include "herald/hooks.h"
#include "operate/operate.h"
#include "operate/switchover_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTED = 20, ALL = 100, CANARY_MS = 60 * 1000, PLACES_MAX = 256 };

struct live_order {
    struct worker_job job; /* the first, so that one is the other */
    struct server *server;
    struct arena *arena;
    struct admin_shadow_order asked;
    struct admin_live_order live;
    live_begin *begin;
    admin_shadow_done *done;
    void *argument;
    const char *confirm;    /* what has to be typed */
    struct switchover plan; /* that would change the same answers */
    struct reader *reader;
    struct switchover_look look;
    const char *missing;
    int error;
};

/* ---- what is on ---- */

static const char *find_incident(const struct server *server, struct arena *arena)
{
    const struct kept_incident *kept = server->incidents->first;
    while (kept != NULL && kept->what.back_ms != 0) {
        kept = kept->next;
    }
    return kept == NULL ? NULL
                        : arena_print(arena, "incident %s is on: %s:%s is lost", kept->what.id,
                                      health_kind_text(kept->what.kind), kept->what.name);
}

static const char *find_brake(const struct server *server)
{
    struct health_brake_status status;
    bool holds = false;
    struct lock *lock = (struct lock *)(uintptr_t)&server->lock;
    lock_take(lock);
    for (unsigned family = 0; family < HEALTH_BRAKES; family++) {
        health_get_brake(server->view->health, family, &status);
        holds |= status.engaged;
    }
    lock_leave(lock);
    return holds ? "the brake holds: nearly everything failed at once" : NULL;
}

static const char *find_switchover(const struct server *server, struct arena *arena)
{
    const struct kept_switchover *kept = server->switchovers->first;
    for (; kept != NULL; kept = kept->next) {
        enum switchover_state state = kept->what->state;
        if (kept->is_busy || kept->what->asks_hooks || state == SWITCHOVER_LOWERING ||
            state == SWITCHOVER_MOVING || state == SWITCHOVER_RETURNING) {
            return arena_print(arena, "switchover %s is being executed: it is %s", kept->what->id,
                               switchover_state_text(state));
        }
    }
    return NULL;
}

const char *live_find_obstacle(const struct server *server, struct arena *arena)
{
    const struct shadow *other = live_find(server->shadows);
    const char *what =
        other != NULL ? arena_print(arena, "live drill %s runs; there is one at a time", other->id) : NULL;
    what = what != NULL ? what : drilling_find_other(server, arena);
    what = what != NULL ? what : find_incident(server, arena);
    what = what != NULL ? what : find_brake(server);
    return what != NULL ? what : find_switchover(server, arena);
}

/* ---- the end ---- */

static void reply(struct live_order *order, enum admin_shadow_trouble trouble, const char *what)
{
    order->done(order->argument, &(struct admin_shadow_result){.trouble = trouble,
                                                               .what = what,
                                                               .look = &order->look,
                                                               .report = order->asked.report,
                                                               .is_dry = order->live.dry_run,
                                                               .confirm = order->confirm});
}

static void forget(struct live_order *order)
{
    report_free(order->asked.report);
    arena_free(order->arena);
    free(order);
}

/* ---- judging ---- */

static bool is_named(const struct live_order *order, const char *name)
{
    for (size_t i = 0; i < order->live.accepted_count; i++) {
        if (strcmp(order->live.accepted[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_objections(const struct live_order *order)
{
    for (size_t i = 0; i < order->look.finding_count; i++) {
        if (!order->look.findings[i].is_good && !is_named(order, order->look.findings[i].name)) {
            return true;
        }
    }
    return false;
}

/* What is accepted although nothing is wrong with it, or NULL: a mistake in what was meant. */
static const char *find_idle(const struct live_order *order)
{
    for (size_t i = 0; i < order->live.accepted_count; i++) {
        bool is_needed = false;
        for (size_t f = 0; f < order->look.finding_count; f++) {
            is_needed |= !order->look.findings[f].is_good &&
                         strcmp(order->look.findings[f].name, order->live.accepted[i]) == 0;
        }
        if (!is_needed) {
            return order->live.accepted[i];
        }
    }
    return NULL;
}

/* By override it would be lost otherwise than it is. */
static const char *find_override(const struct live_order *order)
{
    const struct health *health = order->server->view->health;
    const struct switchover_target *found = NULL;
    struct lock *lock = &order->server->lock;
    if (order->live.by != ADMIN_LIVE_OVERRIDE) {
        return NULL;
    }
    lock_take(lock);
    for (size_t i = 0; i < order->plan.target_count && found == NULL; i++) {
        const struct switchover_target *target = &order->plan.targets[i];
        ptrdiff_t index = health_find(health, target->kind, target->name);
        bool is_there = index >= 0 && health_get_override(health, target->kind, (uint32_t)index) != NULL;
        found = is_there ? target : NULL;
    }
    lock_leave(lock);
    return found == NULL ? NULL
                         : arena_print(order->arena, "%s:%s is overridden already",
                                       health_kind_text(found->kind), found->name);
}

static const char *find_obstacle(const struct live_order *order)
{
    const char *what = live_find_obstacle(order->server, order->arena);
    return what != NULL ? what : find_override(order);
}

/* All nodes know by now that this one runs one. */
static void on_told(void *argument, int error)
{
    struct live_order *order = argument;
    struct server *server = order->server;
    if (error != 0) {
        reply(order, ADMIN_SHADOW_BUSY, "the other nodes of the cluster could not be told; try again");
    } else {
        order->live.has_looked = true;
        order->begin(server, &order->asked, order->done, order->argument);
        if (live_find(server->shadows) == NULL) { /* it did not begin: that was told */
            drilling_end(server);
        }
    }
    forget(order);
}

static void tell_nodes(struct live_order *order)
{
    const struct store_cause cause = {
        .actor = order->asked.actor, .peer = order->asked.peer, .reason = order->asked.reason};
    drilling_begin(order->server, &cause, order->asked.change, on_told, order);
}

/* Returns whether it ends with that. */
static bool settle(struct live_order *order)
{
    const char *obstacle = find_obstacle(order), *idle = find_idle(order);
    const char *name = order->confirm;
    if (order->live.dry_run) {
        reply(order, ADMIN_SHADOW_GOOD, obstacle);
    } else if (obstacle != NULL) {
        reply(order, ADMIN_SHADOW_STATE, obstacle);
    } else if (idle != NULL) {
        reply(order, ADMIN_SHADOW_ACCEPTED, idle);
    } else if (has_objections(order)) {
        reply(order, ADMIN_SHADOW_FINDINGS, NULL);
    } else if (order->live.confirm == NULL || strcmp(order->live.confirm, name) != 0) {
        reply(order, ADMIN_SHADOW_CONFIRM, name);
    } else {
        tell_nodes(order);
        return false;
    }
    return true;
}

static void on_looked(struct worker_job *job)
{
    struct live_order *order = (struct live_order *)job;
    bool ends = true;
    if (progress_is_cancelled(&job->progress) || order->error == ERROR_CANCELLED) {
        reply(order, ADMIN_SHADOW_BUSY, "the server ends");
    } else if (order->error != 0) {
        reply(order, ADMIN_SHADOW_LOSS, order->missing);
    } else {
        ends = settle(order);
    }
    if (ends) {
        forget(order);
    }
}

/* ---- looking ---- */

static void prepare(struct worker_job *job)
{
    struct live_order *order = (struct live_order *)job;
    order->reader = reader_open(order->server);
}

/* That something moves off is said of switchovers; here it is told only what would not. */
static void drop_drained(struct switchover_look *look)
{
    size_t kept = 0;
    for (size_t i = 0; i < look->finding_count; i++) {
        if (!look->findings[i].is_good || strcmp(look->findings[i].name, "drained") != 0) {
            look->findings[kept++] = look->findings[i];
        }
    }
    look->finding_count = kept;
}

static void run(struct worker_job *job)
{
    struct live_order *order = (struct live_order *)job;
    struct server *server = order->server;
    const struct view *view = reader_begin(order->reader);
    const struct switchover_ask ask = {.switchover = &order->plan,
                                       .aim = SWITCHOVER_AIM_PLAN,
                                       .view = view,
                                       .rates = traffic_measure_rates(server->traffic, view, order->arena),
                                       .wall_ms = clock_wall_ms(&server->clock),
                                       .now_ms = clock_now_ms(&server->clock),
                                       .last_move_ms = order->reader->last_move_ms,
                                       .errors = &order->reader->errors,
                                       .limit = LISTED,
                                       .progress = &job->progress};
    order->error = switchover_look(&ask, order->arena, &order->look, &order->missing);
    reader_end(order->reader);
    reader_close(order->reader);
    drop_drained(&order->look);
    const char *share =
        order->error == 0 ? traffic_tell_share(server->traffic, &order->plan, order->arena) : NULL;
    if (share != NULL) {
        switchover_add_finding(&order->look, "traffic", true, share);
    }
}

/* ---- asking ---- */

static void copy_asked(struct live_order *order, const struct admin_shadow_order *asked)
{
    struct arena *arena = order->arena;
    const char **losses = arena_alloc(arena, asked->loss_count * sizeof *losses);
    const char **accepted = arena_alloc(arena, (asked->live->accepted_count + 1) * sizeof *accepted);
    for (size_t i = 0; i < asked->loss_count; i++) {
        losses[i] = arena_copy_text(arena, asked->losses[i]);
    }
    for (size_t i = 0; i < asked->live->accepted_count; i++) {
        accepted[i] = arena_copy_text(arena, asked->live->accepted[i]);
    }
    order->asked = *asked;
    order->asked.losses = losses;
    order->asked.report = report_new();
    order->asked.document = arena_copy_text(arena, asked->document);
    order->asked.live = &order->live;
    order->asked.failure = arena_copy_text(arena, asked->failure);
    order->asked.actor = arena_copy_text(arena, asked->actor);
    order->asked.peer = arena_copy_text(arena, asked->peer);
    order->asked.reason = arena_copy_text(arena, asked->reason);
    order->live = *asked->live;
    order->live.accepted = accepted;
    order->live.confirm = arena_copy_text(arena, asked->live->confirm);
}

static void add_target(struct live_order *order, enum health_kind kind, const char *name)
{
    struct switchover_target *target = &order->plan.targets[order->plan.target_count++];
    *target = (struct switchover_target){.kind = kind};
    snprintf(target->name, sizeof target->name, "%s", name);
}

/* Returns what of it is not there; NULL: nothing. */
static const char *plan_losses(struct live_order *order)
{
    const struct admin_shadow_order *asked = &order->asked;
    order->plan.targets = arena_alloc(order->arena, asked->loss_count * sizeof *order->plan.targets);
    for (size_t i = 0; i < asked->loss_count; i++) {
        enum health_kind kind;
        const char *name;
        uint32_t index;
        if (operate_parse_target(order->server->view, asked->losses[i], &kind, &index) != 0 ||
            health_parse_target(asked->losses[i], &kind, &name) != 0) {
            return asked->losses[i];
        }
        add_target(order, kind, name);
    }
    order->confirm = order->plan.targets[0].name;
    return NULL;
}

/* All that anything of it ever happens to, as if that were at once: no moment of it is worse. Of very many
 * places their regions. */
static void plan_causes(struct live_order *order, const struct drill_document *document)
{
    const struct conf_topology *topology = order->server->view->topology;
    const struct drill_causes causes = {
        .topology = topology, .items = document->causes, .count = document->cause_count};
    bool *is_marked = memory_alloc_array(topology->endpoint_count, sizeof *is_marked);
    struct drill_loss *places;
    drill_mark_concerned(&causes, is_marked);
    for (size_t i = 0; i < document->move_count; i++) {
        const bool *moved =
            switchover_mark_endpoints(&document->moves[i].plan, order->server->view, order->arena);
        for (uint32_t e = 0; e < topology->endpoint_count; e++) {
            is_marked[e] |= moved[e];
        }
    }
    size_t count = drill_list_places(topology, is_marked, order->arena, &places);
    if (count > PLACES_MAX) {
        bool *is_near = memory_alloc_array(topology->region_count, sizeof *is_near);
        for (uint32_t i = 0; i < topology->endpoint_count; i++) {
            is_near[topology->endpoints[i].region] |= is_marked[i];
        }
        for (uint32_t i = 0; i < topology->endpoint_count; i++) {
            is_marked[i] = is_near[topology->endpoints[i].region];
        }
        count = drill_list_places(topology, is_marked, order->arena, &places);
        free(is_near);
    }
    order->plan.targets = arena_alloc(order->arena, (count + 1) * sizeof *order->plan.targets);
    for (size_t i = 0; i < count; i++) {
        add_target(order, places[i].kind, drill_place_name(topology, &places[i]));
    }
    free(is_marked);
}

/* What is not said is as in the document, or as usual. */
static void complete(struct admin_live_order *live, const struct drill_live *own, double usual_errors)
{
    live->canary = live->canary != 0 ? live->canary : own->canary != 0 ? own->canary : ALL;
    live->canary_ms = live->canary_ms != 0  ? live->canary_ms
                      : own->canary_ms != 0 ? own->canary_ms
                                            : CANARY_MS;
    live->canary_ms = live->canary == ALL ? 0 : live->canary_ms;
    live->capacity = live->capacity != 0 ? live->capacity : own->capacity != 0 ? own->capacity : ALL;
    live->by = live->by != ADMIN_LIVE_UNSAID ? live->by
               : own->by_override            ? ADMIN_LIVE_OVERRIDE
               : own->by_hooks               ? ADMIN_LIVE_HOOKS
                                             : ADMIN_LIVE_INJECT;
    live->errors = live->errors != 0 ? live->errors : own->errors != 0 ? own->errors : usual_errors;
    live->recovery_ms = live->recovery_ms != 0 ? live->recovery_ms : own->recovery_ms;
}

/* Overrides are for everybody. */
static enum admin_shadow_trouble judge_way(const struct live_order *order,
                                           const struct drill_document *document, const char **what)
{
    if (order->live.by == ADMIN_LIVE_INJECT) {
        return ADMIN_SHADOW_GOOD;
    }
    *what = order->live.canary != ALL
                ? arena_print(order->arena, "found a canary of %u percent: %s is seen by all clients at once",
                              order->live.canary, admin_live_by_text(order->live.by))
            : order->live.by == ADMIN_LIVE_HOOKS && !hooks_can_stop(order->server->hooks)
                ? "steerd.json has no hooks with \"when\": \"stop\" and \"undo\""
            : order->live.by == ADMIN_LIVE_HOOKS && !durable_has_store(order->server->durable)
                ? "there is no store (\"state\" of steerd.json) that would know what is to be undone"
                : live_real_judge(document, order->arena);
    return *what == NULL ? ADMIN_SHADOW_GOOD : ADMIN_SHADOW_BY;
}

/* ADMIN_SHADOW_GOOD, or what is wrong, with `what`. */
static enum admin_shadow_trouble make_plan(struct live_order *order, const char **what)
{
    struct admin_shadow_order *asked = &order->asked;
    double usual_errors = order->server->view->topology->objective.errors;
    struct drill_document document;
    drill_init_document(&document);
    *what = NULL;
    if (asked->document == NULL) {
        complete(&order->live, &document.live, usual_errors);
        *what = plan_losses(order);
        enum admin_shadow_trouble trouble = *what == NULL ? ADMIN_SHADOW_GOOD : ADMIN_SHADOW_LOSS;
        return trouble == ADMIN_SHADOW_GOOD ? judge_way(order, &document, what) : trouble;
    }
    if (shadow_parse_document(order->server, asked, order->arena, &document) != 0) {
        return ADMIN_SHADOW_DOCUMENT;
    }
    int64_t duration_ms = drill_document_duration(&document);
    if (duration_ms < ADMIN_SHADOW_MIN_MS || duration_ms > ADMIN_SHADOW_MAX_MS) {
        return ADMIN_SHADOW_DURATION;
    }
    complete(&order->live, &document.live, usual_errors);
    plan_causes(order, &document);
    order->confirm = strchr(document.causes[0].text, ':') + 1;
    *what = "nothing in it happens to an endpoint: there is nothing to rehearse with clients";
    return order->plan.target_count == 0 ? ADMIN_SHADOW_STATE : judge_way(order, &document, what);
}

void live_look(struct server *server, const struct admin_shadow_order *asked, live_begin *begin,
               admin_shadow_done *done, void *argument)
{
    struct live_order *order = memory_alloc(sizeof *order);
    *order = (struct live_order){.server = server,
                                 .arena = arena_new(0),
                                 .begin = begin,
                                 .done = done,
                                 .argument = argument,
                                 .job = {.name = "drill", .prepare = prepare, .run = run, .done = on_looked}};
    copy_asked(order, asked);
    const char *what;
    enum admin_shadow_trouble trouble = make_plan(order, &what);
    const char *obstacle = order->live.dry_run ? NULL : find_obstacle(order);
    if (trouble != ADMIN_SHADOW_GOOD) {
        reply(order, trouble, what);
    } else if (obstacle != NULL) {
        reply(order, ADMIN_SHADOW_STATE, obstacle);
    } else if (worker_submit(lanes_get(server->lanes, ADMIN_LONG), &order->job) != 0) {
        reply(order, ADMIN_SHADOW_BUSY, "too many answers are being computed; ask again later");
    } else {
        return;
    }
    forget(order);
}
