/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See live_stops.h. A place goes through: being written down, written down, being stopped, stopped, being
 * undone, being forgotten. Who wants it undone, or stopped again, in between waits for the step that is under
 * way, which hooks' time limits end. */
#include "config.h"

#include "daemon/live_stops.h"

#include "daemon/changes.h"
#include "daemon/durable.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "herald/hooks.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum { RETRY_MS = 10 * 1000, SOON_MS = 100, KEY_SIZE = 512 };

enum state { WRITING, WRITTEN, STOPPING, STOPPED, UNDOING, FORGETTING };

struct stop {
    struct store_job job; /* the first, so that one is the other */
    struct store_op op;
    struct stop *next;
    struct live_stops *all;
    enum state state;
    bool wants_undo, has_failed;
    bool is_lost_again; /* it is to be stopped once more, when it is undone */
    char key[KEY_SIZE]; /* "20261124T101500Z-1 region:us-east" */
    char id[64], target[KEY_SIZE - 64];
    char actor[HEALTH_ACTOR_SIZE], peer[HEALTH_PEER_SIZE], reason[HEALTH_REASON_SIZE];
    char *value; /* what the store gets */
};

struct live_stops {
    struct server *server;
    struct stop *first;
    struct event *retry;
    live_stops_failed *failed;
    void *context;
};

static void go_on(struct stop *stop);
static void write_down(struct stop *stop, const char *value);

/* ---- the list ---- */

static void drop(struct stop *stop)
{
    struct stop **at = &stop->all->first;
    while (*at != stop) {
        at = &(*at)->next;
    }
    *at = stop->next;
    free(stop->value);
    free(stop);
}

static struct stop *add(struct live_stops *all, const char *id, const char *target)
{
    struct stop *stop = memory_alloc(sizeof *stop);
    stop->all = all;
    snprintf(stop->id, sizeof stop->id, "%s", id);
    snprintf(stop->target, sizeof stop->target, "%s", target);
    snprintf(stop->key, sizeof stop->key, "%.63s %.440s", stop->id, stop->target);
    stop->next = all->first;
    all->first = stop;
    return stop;
}

static struct stop *find(const struct live_stops *all, const char *id, const char *target)
{
    struct stop *stop = all->first;
    while (stop != NULL && (strcmp(stop->id, id) != 0 || strcmp(stop->target, target) != 0)) {
        stop = stop->next;
    }
    return stop;
}

static void retry_in(const struct live_stops *all, int ms)
{
    const struct timeval later = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_add(all->retry, &later);
}

static void tell(const struct stop *stop, const char *turn, const char *why)
{
    changes_tell_shadow(stop->all->server->changes, &(struct changes_shadow){.id = stop->id,
                                                                             .turn = turn,
                                                                             .lost = stop->target,
                                                                             .losses = 1,
                                                                             .live = 100,
                                                                             .why = why,
                                                                             .decision_ms = -1,
                                                                             .sampled = -1,
                                                                             .actor = stop->actor,
                                                                             .peer = stop->peer,
                                                                             .reason = stop->reason});
}

/* ---- the store ---- */

static void on_written(struct store_job *job)
{
    struct stop *stop = (struct stop *)job;
    struct live_stops *all = stop->all;
    if (stop->state == FORGETTING && stop->is_lost_again && job->error == 0) {
        stop->is_lost_again = stop->wants_undo = false;
        stop->state = WRITING;
        write_down(stop, stop->value);
    } else if (stop->state == FORGETTING) {
        drop(stop);
    } else if (job->error != 0) { /* nothing has been stopped */
        char why[128];
        snprintf(why, sizeof why, "what is to be undone could not be written down: %.60s",
                 error_text(job->error));
        all->failed(all->context, stop->id, stop->target, why);
        drop(stop);
    } else {
        stop->state = stop->wants_undo ? STOPPED : WRITTEN;
        go_on(stop);
    }
}

/* value NULL: it is gone. */
static void write_down(struct stop *stop, const char *value)
{
    struct durable *durable = stop->all->server->durable;
    stop->op =
        (struct store_op){.kind = LIVE_STOP_KIND, .key = stop->key, .value = value, .if_revision = STORE_ANY};
    stop->job = (struct store_job){
        .cause = {.actor = stop->actor,
                  .peer = stop->peer,
                  .reason = stop->reason,
                  .request = value == NULL ? "a live drill has undone it" : "a live drill stops it"},
        .ops = &stop->op,
        .op_count = 1,
        .insists = value == NULL,
        .done = on_written};
    durable_submit(durable, &stop->job);
}

/* ---- hooks ---- */

static void run(struct stop *stop, enum conf_hook_when when, hooks_done *done)
{
    json_t *object =
        json_pack("{s:s, s:s, s:s}", "drill", stop->id, "target", stop->target, "reason", stop->reason);
    char *json = json_dumps(object, JSON_COMPACT);
    hooks_run(stop->all->server->hooks,
              &(struct hooks_occasion){.when = when,
                                       .id = stop->id,
                                       .phase = when == CONF_HOOK_STOP ? "stop" : "undo",
                                       .target = stop->target,
                                       .actor = stop->actor,
                                       .peer = stop->peer,
                                       .reason = stop->reason,
                                       .json = json},
              done, stop);
    free(json);
    json_decref(object);
}

static void on_stopped(void *argument, const struct hooks_verdict *verdict)
{
    struct stop *stop = argument;
    struct live_stops *all = stop->all;
    stop->state = STOPPED;
    if (!verdict->may_go_on) { /* whatever it has done until then is undone */
        char why[256];
        snprintf(why, sizeof why, "hook %.63s: %.180s", verdict->hook, verdict->why);
        stop->wants_undo = true;
        all->failed(all->context, stop->id, stop->target, why);
    }
    retry_in(all, SOON_MS);
}

static void on_undone(void *argument, const struct hooks_verdict *verdict)
{
    struct stop *stop = argument;
    stop->has_failed = !verdict->may_go_on;
    if (verdict->may_go_on) {
        log_info("live drill undone id=%s target=%s", stop->id, stop->target);
        stop->state = FORGETTING;
        write_down(stop, NULL);
        return;
    }
    stop->state = STOPPED;
    log_error(
        "live drill not undone id=%s target=%s hook=%s why=\"%s\" effect=\"what the drill has stopped is "
        "still so; it is tried again every %d s, and at the next start\"",
        stop->id, stop->target, verdict->hook, verdict->why, RETRY_MS / 1000);
    tell(stop, "not_undone", verdict->why);
    if (!event_pending(stop->all->retry, EV_TIMEOUT, NULL)) { /* another place may be due sooner */
        retry_in(stop->all, RETRY_MS);
    }
}

static bool may_go_on(const struct live_stops *all)
{
    return all->server->hooks != NULL && !all->server->is_frozen; /* else whoever comes next undoes it */
}

static void go_on(struct stop *stop)
{
    const struct hooks *hooks = stop->all->server->hooks;
    bool may = may_go_on(stop->all);
    if (stop->state == WRITTEN && may) {
        stop->state = STOPPING;
        run(stop, CONF_HOOK_STOP, on_stopped);
    } else if (stop->state == WRITTEN) {
        stop->state = STOPPED;
        stop->wants_undo = true;
        retry_in(stop->all, SOON_MS);
    } else if (stop->state == STOPPED && stop->wants_undo && may && hooks_can_undo(hooks)) {
        stop->state = UNDOING;
        run(stop, CONF_HOOK_UNDO, on_undone);
    } else if (stop->state == STOPPED && stop->wants_undo && may) { /* nothing that is run undoes nothing */
        on_undone(stop, &(struct hooks_verdict){.hook = "-", .why = "no hook that undoes is configured"});
    }
}

static void on_retry(evutil_socket_t fd, short what, void *argument)
{
    struct live_stops *all = argument;
    bool waits = false;
    (void)fd, (void)what;
    for (struct stop *stop = all->first, *next; stop != NULL; stop = next) {
        next = stop->next;
        go_on(stop);
        waits |= stop->state == STOPPED && stop->wants_undo;
    }
    if (waits && !may_go_on(all)) { /* another process has the store just now, or this one is not up yet */
        retry_in(all, 10 * SOON_MS);
    }
}

/* ---- orders ---- */

void live_stops_begin(struct live_stops *all, const struct live_stop *what)
{
    char at[CLOCK_TEXT_SIZE];
    struct stop *stop = find(all, what->id, what->target);
    if (stop != NULL) { /* it is stopped already, or it is after it has been undone */
        stop->is_lost_again = stop->wants_undo;
        return;
    }
    stop = add(all, what->id, what->target);
    snprintf(stop->actor, sizeof stop->actor, "%s", what->actor);
    snprintf(stop->peer, sizeof stop->peer, "%s", what->peer);
    snprintf(stop->reason, sizeof stop->reason, "%s", what->reason);
    clock_write_rfc3339(clock_wall_ms(&all->server->clock), at);
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s}", "drill", stop->id, "target", stop->target,
                               "actor", stop->actor, "reason", stop->reason, "time", at);
    stop->value = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    write_down(stop, stop->value);
}

void live_stops_undo(struct live_stops *all, const char *id, const char *target)
{
    struct stop *stop = find(all, id, target);
    if (stop != NULL) {
        stop->wants_undo = true;
        stop->is_lost_again = false;
        go_on(stop);
        retry_in(all, SOON_MS);
    }
}

bool live_stops_any(const struct live_stops *all)
{
    const struct stop *stop = all->first;
    while (stop != NULL && stop->state == STOPPED) {
        stop = stop->next;
    }
    return stop != NULL;
}

size_t live_stops_count_failed(const struct live_stops *all)
{
    size_t count = 0;
    for (const struct stop *stop = all == NULL ? NULL : all->first; stop != NULL; stop = stop->next) {
        count += stop->has_failed;
    }
    return count;
}

/* ---- of a process before ---- */

static void copy(const json_t *value, const char *key, char *to, size_t size)
{
    const char *text = json_string_value(json_object_get(value, key));
    snprintf(to, size, "%s", text == NULL ? "" : text);
}

static bool read_one(void *context, const struct store_object *object)
{
    struct live_stops *all = context;
    json_t *value = json_loads(object->value, JSON_REJECT_DUPLICATES, NULL);
    const char *id = json_string_value(json_object_get(value, "drill")),
               *target = json_string_value(json_object_get(value, "target"));
    if (id == NULL || target == NULL) {
        log_error("live drill not understood key=\"%s\" effect=\"what it has stopped is not undone\"",
                  object->key);
    } else if (find(all, id, target) == NULL) {
        struct stop *stop = add(all, id, target);
        copy(value, "actor", stop->actor, sizeof stop->actor);
        copy(value, "reason", stop->reason, sizeof stop->reason);
        stop->state = STOPPED;
        stop->wants_undo = true;
        log_warning("live drill left id=%s target=%s effect=\"what it has stopped is undone now\"", id,
                    target);
    }
    json_decref(value);
    return true;
}

void live_stops_learn(struct live_stops *all, const char *folder)
{
    struct report *report = report_new();
    struct store_reader *reader;
    int error = store_reader_open(folder, report, &reader);
    if (error == 0) {
        error = store_list(reader, LIVE_STOP_KIND, "", NULL, read_one, all);
        store_reader_close(reader);
    }
    if (error != 0 && error != ERROR_NOT_FOUND) {
        log_error("live drills unread folder=%s error=\"%s\" effect=\"what those of a process before have "
                  "stopped is undone when the store can be read, or at the next start\"",
                  folder, error_text(error));
    }
    report_free(report);
    retry_in(all, SOON_MS);
}

void live_stops_regain(struct live_stops *all, const char *key, const char *value)
{
    (void)read_one(all, &(struct store_object){.key = key, .value = value});
    retry_in(all, SOON_MS);
}

/* ---- life ---- */

struct live_stops *live_stops_open(struct server *server, live_stops_failed *failed, void *context)
{
    struct live_stops *all = memory_alloc(sizeof *all);
    *all = (struct live_stops){.server = server, .failed = failed, .context = context};
    all->retry = evtimer_new(server->base, on_retry, all);
    return all;
}

void live_stops_close(struct live_stops *all, bool has_ended)
{
    if (all == NULL) {
        return;
    }
    for (struct stop *stop = all->first, *next; stop != NULL; stop = next) {
        next = stop->next;
        log_warning(
            "live drill not undone id=%s target=%s effect=\"what it has stopped is undone at the next "
            "start\"",
            stop->id, stop->target);
        if (has_ended) {
            free(stop->value);
            free(stop);
        }
    }
    if (all->retry != NULL) {
        event_free(all->retry);
    }
    if (has_ended) {
        free(all);
    }
}
