/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See incidents.h. */
#include "config.h"

#include "daemon/incidents_inside.h"

#include "daemon/changes.h"
#include "daemon/durable.h"
#include "daemon/incident_json.h"
#include "daemon/incident_predict.h"
#include "daemon/lanes.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

enum { LOOK_MS = 500 };

/* ---- the look ---- */

static void prepare(struct worker_job *job)
{
    struct kept_incident *kept = (struct kept_incident *)job;
    if (kept->reader == NULL) {
        kept->reader = reader_open(kept->all->server);
    }
}

static void run(struct worker_job *job)
{
    struct kept_incident *kept = (struct kept_incident *)job;
    struct arena *arena = arena_new(0);
    const struct view *view = reader_begin(kept->reader);
    if (view->topology != NULL) {
        incident_look(&kept->found, view, clock_now_ms(&kept->all->server->clock), arena);
    }
    reader_end(kept->reader);
    reader_close(kept->reader);
    kept->reader = NULL;
    arena_free(arena);
}

static void predict(struct worker_job *job)
{
    struct kept_incident *kept = (struct kept_incident *)job;
    incident_predict(&kept->found, reader_begin(kept->reader), &job->progress);
    reader_end(kept->reader);
    reader_close(kept->reader);
    kept->reader = NULL;
}

static void on_predicted(struct worker_job *job)
{
    struct kept_incident *kept = (struct kept_incident *)job;
    kept->is_predicting = false;
    kept->what.predicted = kept->found.predicted;
    if (kept->what.predicted.is_known && !kept->all->server->is_frozen) { /* the store is this process's */
        incidents_write_down(kept->all, &kept->what, "predicted");
    }
}

/* Where nobody waits for it. If there is too much to do, or the server ends, nothing is predicted. */
static void begin_to_predict(struct kept_incident *kept)
{
    struct worker *lane = lanes_get(kept->all->server->lanes, ADMIN_SPARE);
    kept->job =
        (struct worker_job){.name = "prediction", .prepare = prepare, .run = predict, .done = on_predicted};
    kept->found = kept->what;
    kept->is_predicting = lane != NULL && worker_submit(lane, &kept->job) == 0;
}

static void on_looked(struct worker_job *job)
{
    struct kept_incident *kept = (struct kept_incident *)job;
    int64_t back_ms = kept->what.back_ms;
    const struct incident_course course = kept->what.course;
    kept->is_looking = false;
    kept->has_looked = true;
    kept->what = kept->found;
    kept->what.back_ms = back_ms;
    kept->what.course = course;
    (void)incidents_measure(kept);
    incidents_tell(kept->all, &kept->what, "lost");
    if (back_ms != 0) {
        incidents_tell(kept->all, &kept->what, "back");
    }
    begin_to_predict(kept);
}

static void begin_to_look(struct kept_incident *kept)
{
    struct worker *lane = lanes_get(kept->all->server->lanes, ADMIN_QUICK);
    kept->job = (struct worker_job){.name = "incident", .prepare = prepare, .run = run, .done = on_looked};
    kept->found = kept->what;
    kept->is_looking = true;
    if (lane == NULL || worker_submit(lane, &kept->job) != 0) {
        on_looked(&kept->job); /* it is told with what is known */
    }
}

/* ---- what is lost ---- */

static void write_id(const struct incidents *all, struct incident *what)
{
    time_t seconds = (time_t)(what->lost_ms / 1000);
    struct tm parts;
    char stamp[20];
    gmtime_r(&seconds, &parts);
    strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &parts);
    snprintf(what->id, sizeof what->id, "%.17s-%.30s", stamp, what->name);
    for (int i = 2; i < 1000 && incidents_find(all, what->id) != NULL; i++) {
        snprintf(what->id, sizeof what->id, "%.17s-%.30s-%d", stamp, what->name, i);
    }
}

struct seen {
    enum health_kind kind;
    const char *name;
    bool is_lost, was_overridden, is_held;
    int64_t since_ms;
};

static void follow(struct incidents *all, const struct seen *seen)
{
    struct kept_incident *kept = incidents_find_open(all, seen->kind, seen->name);
    int64_t wall_ms = clock_wall_ms(&all->server->clock);
    bool is_since = seen->since_ms != 0 && seen->since_ms <= wall_ms && !seen->was_overridden;
    if (seen->is_lost && kept == NULL) {
        struct incident what = {.kind = seen->kind,
                                .lost_ms = is_since ? seen->since_ms : wall_ms,
                                .was_overridden = seen->was_overridden};
        snprintf(what.name, sizeof what.name, "%s", seen->name);
        write_id(all, &what);
        kept = incidents_keep(all, &what);
        kept->is_held = seen->is_held;
        (void)incidents_measure(kept);
        begin_to_look(kept);
    } else if (!seen->is_lost && kept != NULL) {
        kept->what.back_ms = is_since && seen->since_ms > kept->what.lost_ms ? seen->since_ms : wall_ms;
        if (!kept->is_looking) {
            incidents_tell(all, &kept->what, "back");
        }
    }
}

static bool is_held(const struct view *view, enum health_kind kind, uint32_t index)
{
    struct health_hold_status hold;
    uint32_t region = kind == HEALTH_AZ ? view->topology->azs[index].region : index;
    return health_get_hold(view->health, region, &hold) == 0 && hold.is_held;
}

/* Names are those of the view, which nobody exchanges but this thread. */
static size_t look(struct incidents *all, enum health_kind kind, struct seen *seen)
{
    const struct health *health = all->server->view->health;
    const struct conf_topology *topology = all->server->view->topology;
    size_t count = 0;
    for (uint32_t i = 0; i < health_count(health, kind); i++) {
        struct health_status status,
            above = {.observed = HEALTH_OBSERVED_UNKNOWN, .desired = HEALTH_DESIRED_AUTO};
        (void)health_get_status(health, kind, i, &status);
        if (kind == HEALTH_AZ) {
            (void)health_get_status(health, HEALTH_REGION, topology->azs[i].region, &above);
        }
        bool is_lost = status.observed == HEALTH_OBSERVED_UNHEALTHY;
        bool is_open = incidents_find_open(all, kind, status.name) != NULL;
        if (is_lost && (!status.was_up || (status.stay.is_return && !is_open))) {
            continue; /* neither the first verdict on what was never up is a loss, nor a return that waits */
        }
        if (status.observed == HEALTH_OBSERVED_UNKNOWN) {
            continue; /* nothing is known of it: then what was known stands */
        }
        if (is_lost && above.observed == HEALTH_OBSERVED_UNHEALTHY && !above.stay.is_return && !is_open) {
            continue;
        }
        if (is_lost != is_open) {
            seen[count++] = (struct seen){.kind = kind,
                                          .name = status.name,
                                          .is_lost = is_lost,
                                          .was_overridden = status.desired != HEALTH_DESIRED_AUTO ||
                                                            above.desired != HEALTH_DESIRED_AUTO,
                                          .is_held = is_held(all->server->view, kind, i),
                                          .since_ms = status.since_ms};
        }
    }
    return count;
}

/* What is not in the topology any more is not lost any more. */
static void end_those_that_went(struct incidents *all)
{
    const struct health *health = all->server->view->health;
    for (struct kept_incident *kept = all->first; kept != NULL; kept = kept->next) {
        if (kept->what.back_ms == 0 && health_find(health, kept->what.kind, kept->what.name) < 0) {
            kept->what.back_ms = clock_wall_ms(&all->server->clock);
            incidents_tell(all, &kept->what, "gone");
            return; /* the list may be another one; the next turn goes on */
        }
    }
}

static void look_at_all(struct incidents *all)
{
    struct server *server = all->server;
    if (server->view->topology == NULL || server->is_frozen) {
        return;
    }
    size_t most =
        health_count(server->view->health, HEALTH_AZ) + health_count(server->view->health, HEALTH_REGION);
    struct seen *seen = memory_alloc_array(most, sizeof *seen);
    lock_take(&server->lock);
    size_t count = look(all, HEALTH_REGION, seen);
    count += look(all, HEALTH_AZ, seen + count);
    for (struct kept_incident *kept = all->first; kept != NULL; kept = kept->next) {
        ptrdiff_t index = kept->what.back_ms != 0 || kept->what.course.decided_ms != 0
                              ? -1
                              : health_find(server->view->health, kept->what.kind, kept->what.name);
        kept->is_held = index >= 0 && is_held(server->view, kept->what.kind, (uint32_t)index);
    }
    lock_leave(&server->lock);
    for (size_t i = 0; i < count; i++) {
        follow(all, &seen[i]);
    }
    free(seen);
    end_those_that_went(all);
    incidents_follow_course(all);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    look_at_all(argument);
}

/* ---- life ---- */

void incidents_begin(struct incidents *all, const char *folder)
{
    const struct timeval every = {.tv_usec = LOOK_MS * 1000};
    struct report *report = report_new();
    struct store_reader *reader;
    int error = folder == NULL ? ERROR_NOT_FOUND : store_reader_open(folder, report, &reader);
    if (error == 0) {
        error = store_list(reader, INCIDENT_KIND, "", NULL, incidents_read_one, all);
        store_reader_close(reader);
    }
    report_free(report);
    if (error != 0 && error != ERROR_NOT_FOUND) {
        log_warning("incidents cannot be read why=\"%s\" effect=\"those from before are not listed\"",
                    error_text(error));
    }
    event_add(all->timer, &every);
}

bool incidents_any(const struct incidents *all)
{
    const struct kept_incident *kept = all == NULL ? NULL : all->first;
    while (kept != NULL && !kept->is_looking && !kept->is_judging) {
        kept = kept->next;
    }
    return kept != NULL || (all != NULL && all->is_measuring);
}

struct incidents *incidents_open(struct server *server)
{
    struct incidents *all = memory_alloc(sizeof *all);
    all->server = server;
    all->timer = event_new(server->base, -1, EV_PERSIST, on_timer, all);
    if (all->timer == NULL) {
        free(all);
        return NULL;
    }
    return all;
}

void incidents_close(struct incidents *all)
{
    if (all == NULL) {
        return;
    }
    while (all->first != NULL) {
        incidents_drop(all, all->first);
    }
    event_free(all->timer);
    free(all);
}
