/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The running server: everything wired together. The control thread (the caller of server_run) owns the event
 * base, the admin socket, timers and publishing. The health machine of the current view is shared with the
 * prober thread: `lock` is held around every use of it. Private to src/daemon. */
#pragma once

#include "admin/admin.h"
#include "daemon/changes.h"
#include "daemon/ends.h"
#include "daemon/folders.h"
#include "daemon/hosts.h"
#include "daemon/primaries.h"
#include "base/clock.h"
#include "base/lock.h"
#include "probe/probe.h"
#include "serve/serve.h"
#include "view/view.h"

#include <pthread.h>
#include <stdbool.h>

struct event;
struct event_base;
struct copier;
struct geowatch;
struct lanes;
struct reader;
struct reclaim;
struct reload;

struct server {
    const char *path; /* of steerd.json */
    struct clock clock;
    int64_t started_ms; /* wall */
    struct event_base *base;
    struct ends *ends; /* signals, and the end */
    struct folders folders;
    struct changes *changes;            /* the stream of what changes */
    struct event *expiry;               /* timer: the next override to start or end */
    struct event *report;               /* timer: what rates did */
    uint64_t reported[ANSWER_COUNTERS]; /* up to its last run */
    struct view_slot *slot;
    struct view *view; /* current; changed by the control thread under the lock */
    struct lock lock;  /* health machine of `view`, and `view` for the prober */
    struct serve_options serve_options;
    struct serve *serve;
    struct prober *prober;
    struct hosts *hosts; /* endpoints that are host names */
    struct admin *admin;
    struct copier *copier;       /* of snapshots */
    struct lanes *lanes;         /* workers for answers of it that take long */
    struct reader *current;      /* of what serves now, for those that do not */
    struct primaries *primaries; /* zones that others copy */
    struct reclaim *reclaim;     /* of what is not served any more */
    struct reload *reload;       /* NULL: none is running */
    bool reload_again;           /* after this one */
    struct geowatch *geowatch;
    uint64_t reloads, reload_failures;
};

/* Serve what the document at path says until a signal ends it. Returns the exit code. */
int server_run(const char *path);

/* Make a compiled view current, with what it takes over from the one that serves now: prober and DNS threads
 * are switched. The view has been prepared by primaries_prepare(). Takes both; succession NULL: it is the
 * first. */
void server_install_view(struct server *server, struct view *view, struct view_succession *succession);
/* Tell the prober what there is to check in the current view. */
void server_set_targets(struct server *server);
/* Arm the timer for the next override that starts or ends, and loads that grow old. */
void server_schedule_expiry(struct server *server);

/* ---- snapshot.c ---- */

/* The thread that copies. 0 or -errno; to be closed when nobody finishes a snapshot any more. */
int server_open_copier(struct server *server);
void server_close_copier(struct server *server);
/* The current view with a state of its own, for long computations on any thread: what happens to the server
 * meanwhile changes nothing of it, and nothing waits for it. It is begun on the control thread and has to be
 * finished before it is read, on a thread that may wait: then it is a view to be freed on any thread. One
 * that is not finished is to be abandoned (view_abandon_copy). */
struct view *server_begin_snapshot(struct server *server);
void server_finish_snapshot(struct server *server, struct view *snapshot);

/* ---- reload.c ---- */

/* Start compiling on the loader thread: everything, or one zone (origin; NULL: everything). done (may be
 * NULL) is called once on the control thread. Returns 0, ERROR_CONFLICT or ERROR_NOT_FOUND. */
int server_start_reload(struct server *server, const char *zone,
                        void (*done)(void *argument, const struct admin_reload_result *result),
                        void *argument);
/* Reload everything: now, or if a reload is running (it may have read what changed meanwhile) behind that. */
void server_reload_soon(struct server *server);
/* Wait for a running loader and drop its result. */
void server_stop_reload(struct server *server);
/* Write a report to the log. */
void server_log_report(const struct report *report);

/* ---- geowatch.c ---- */

/* From now on, reload when a geo database of the current view changes. 0 or a negative error. */
int geowatch_start(struct server *server, struct geowatch **watch);
void geowatch_stop(struct geowatch *watch); /* NULL is fine */
/* ---- limits.c ---- */

/* As configured, but no more clients than there are descriptors for; says so. */
void server_find_tcp_limits(const struct view *view, struct serve_tcp_limits *limits);
/* From now on log which prefixes are rate-limited, if any are. 0, or -1 without memory. */
int server_start_reports(struct server *server);

/* ---- verbs.c, whatif.c, metrics.c ---- */

void server_fill_verbs(struct server *server, struct admin_verbs *verbs);
/* The verbs that assume something. */
int server_explain_if(void *context, const struct operate_question *question,
                      struct admin_assumptions *assumptions, struct arena *arena,
                      struct admin_explained *explained);
int server_what_if(void *context, struct admin_what_if *what_if, struct arena *arena,
                   struct operate_report *report);
void server_write_metrics(struct reader *reader, struct buffer *out);
