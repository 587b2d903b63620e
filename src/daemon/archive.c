/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See archive.h. The control thread notes what serves; when its turn comes the worker takes all that was
 * noted, so that of many reloads the last one is what is kept. Between two turns there are some times of what
 * the last one took, for reloads may come faster than disks are. */
#include "config.h"

#include "daemon/archive.h"

#include "daemon/capture.h"
#include "daemon/durable.h"
#include "daemon/server.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "past/manifest.h"
#include "past/served.h"
#include "store/store.h"
#include "view/sources.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

enum {
    NICE = 10,
    JOBS_MAX = 64,
    TICK_S = 1,
    RETRY_MS = 1000, /* after a failure; doubled up to this: */
    RETRY_MOST_MS = 10000,
    PACE = 4, /* times of what a turn took, */
    PACE_MOST_MS = 30000,
};

/* What serves since. */
struct news {
    struct news *next;
    struct view_sources *all; /* NULL: of one zone */
    struct view_zone_sources zone;
};

/* What a turn came to. */
struct outcome {
    int error;
    char why[ARCHIVE_WHY_SIZE];
    char manifest[DEPOT_NAME_SIZE]; /* "": nothing is to be kept */
    char *main;
    char stored[DEPOT_NAME_SIZE]; /* what the store says, if it was asked */
    size_t files, missing;
    char *first;  /* of those that are missing, and why */
    bool has_gap; /* something served that was replaced before it was copied */
    bool is_lack; /* the depot cannot be written */
};

struct archive {
    struct worker_job job; /* the first, so that one is the other */
    struct server *server;
    char *folder;
    struct worker *worker;
    int fd;
    struct event *wake, *timer;
    bool is_wanted, is_running, is_paused, is_closing, is_failing, has_put;
    bool keeps;         /* the configuration wants it */
    bool knows_current; /* the store was asked */
    bool has_told_lack; /* the store says that what serves is not kept */
    bool has_gap;       /* what served for a while since unkept_ms will never be kept; to be told */
    char *what;         /* what serves comes from */
    uint64_t generation;
    int64_t since_ms;          /* wall: it serves */
    int64_t next_ms;           /* wall: the first did of what is not taken yet, if anything is wanted */
    _Atomic int64_t unkept_ms; /* since when something has served that is not kept yet; 0: all is kept */
    struct news *news, **news_end;
    int64_t begun_ms, due_ms, wait_ms;
    char current[DEPOT_NAME_SIZE]; /* what the store says */
    struct archive_stats stats;
    /* of the worker, while the job runs: */
    bool asks, wanted_keeps, kept_before; /* kept_before: the last time, too */
    struct news *taken;
    char *taken_what;
    uint64_t taken_generation;
    int64_t taken_since_ms, taken_unkept_ms;
    struct capture *capture;
    struct depot depot;
    struct outcome outcome;
};

/* configuration/current on its way. */
struct put {
    struct store_job job; /* the first */
    struct store_op op;
    struct archive *archive;
    char *value, *reason;
    char manifest[DEPOT_NAME_SIZE];
    bool is_lack;
};

static int64_t now_ms(const struct archive *archive)
{
    return clock_now_ms(&archive->server->clock);
}

static void free_news(struct news *news)
{
    while (news != NULL) {
        struct news *next = news->next;
        view_free_sources(news->all);
        view_fini_zone_sources(&news->zone);
        free(news);
        news = next;
    }
}

/* ---- on the worker ---- */

static void apply(struct archive *archive)
{
    while (archive->taken != NULL) {
        struct news *news = archive->taken;
        archive->taken = news->next;
        archive->outcome.has_gap |= archive->kept_before && capture_is_behind(archive->capture);
        if (news->all != NULL) {
            capture_take_all(archive->capture, news->all);
        } else {
            capture_take_zone(archive->capture, &news->zone);
        }
        free(news);
    }
}

static void got_current(void *context, const struct store_object *object)
{
    struct archive *archive = context;
    struct arena *arena = arena_new(0);
    struct served served;
    served_read(object->value, object->written_ms, arena, &served);
    snprintf(archive->outcome.stored, sizeof archive->outcome.stored, "%s",
             served.manifest == NULL ? "" : served.manifest);
    arena_free(arena);
}

/* What was kept last, by this process or one before. */
static int ask_store(struct archive *archive)
{
    struct report *report = report_new();
    struct store_reader *reader;
    int error = store_reader_open(archive->folder, report, &reader);
    if (error == 0) {
        error = store_get(reader, SERVED_KIND, SERVED_KEY, got_current, archive);
        store_reader_close(reader);
    }
    error = error == ERROR_NOT_FOUND ? 0 : error;
    if (error != 0) {
        snprintf(archive->outcome.why, sizeof archive->outcome.why, "the store cannot be read: %s",
                 error_text(error));
    }
    report_free(report);
    return error;
}

static int keep(struct archive *archive)
{
    struct outcome *outcome = &archive->outcome;
    struct depot *depot = &archive->depot;
    struct manifest manifest;
    int error = capture_run(archive->capture, depot);
    if (error == 0) {
        capture_list(archive->capture, &manifest);
        outcome->main = memory_copy_text(manifest.main);
        outcome->files = manifest.count;
        outcome->missing = capture_count_missing(&manifest, &outcome->first);
        error = manifest_keep(depot, &manifest, outcome->manifest);
        error = error == 0 ? depot_settle(depot) : error;
        manifest_fini(&manifest);
    }
    if (error != 0) {
        outcome->is_lack = true;
        snprintf(outcome->why, sizeof outcome->why, "%.*s", ARCHIVE_WHY_SIZE - 1, depot->why);
    }
    return error;
}

static void run(struct worker_job *job)
{
    struct archive *archive = (struct archive *)job;
    archive->outcome = (struct outcome){.error = 0};
    apply(archive);
    int error = archive->asks ? ask_store(archive) : 0;
    if (error == 0 && archive->wanted_keeps) {
        error = keep(archive);
    }
    archive->kept_before = archive->wanted_keeps;
    archive->outcome.error = error;
}

/* On the worker, too. */
static void wake(void *context)
{
    const struct archive *archive = context;
    uint64_t one = 1;
    ssize_t written = write(archive->fd, &one, sizeof one);
    (void)written; /* an eventfd below its maximum takes it */
}

/* ---- on the control thread: turns ---- */

static void prepare(struct worker_job *job)
{
    struct archive *archive = (struct archive *)job;
    archive->has_gap |= archive->is_failing && archive->news != NULL;
    archive->taken = archive->news;
    free(archive->taken_what);
    archive->taken_what = memory_copy_text(archive->what);
    archive->taken_generation = archive->generation;
    archive->taken_since_ms = archive->since_ms;
    archive->taken_unkept_ms = atomic_load(&archive->unkept_ms);
    archive->news = NULL;
    archive->news_end = &archive->news;
    archive->wanted_keeps = archive->keeps;
    archive->asks = !archive->knows_current;
    archive->is_wanted = false;
    archive->begun_ms = now_ms(archive);
}

static void begin(struct archive *archive)
{
    bool may = archive->is_wanted && !archive->is_running && !archive->is_paused && !archive->is_closing &&
               !archive->has_put;
    if (may) {
        archive->is_running = true;
        atomic_store_explicit(&archive->job.progress.cancelled, false, memory_order_relaxed);
        if (worker_submit(archive->worker, &archive->job) != 0) {
            archive->is_running = false; /* so many others are waiting: with the next tick */
        }
    }
}

static void begin_if_due(struct archive *archive)
{
    if (now_ms(archive) >= archive->due_ms) {
        begin(archive);
    }
}

static void note_failure(struct archive *archive, const char *why)
{
    struct archive_stats *stats = &archive->stats;
    if (!archive->is_failing) {
        log_error(
            "archive failing folder=%s error=\"%s\" effect=\"what serves now is not kept yet; tried again "
            "every few seconds\"",
            archive->folder, why);
        stats->since_ms = clock_wall_ms(&archive->server->clock);
    }
    archive->is_failing = archive->is_wanted = true;
    snprintf(stats->reason, sizeof stats->reason, "%s", why);
    stats->failures++;
    archive->due_ms = now_ms(archive) + archive->wait_ms;
    archive->wait_ms = archive->wait_ms * 2 < RETRY_MOST_MS ? archive->wait_ms * 2 : RETRY_MOST_MS;
}

/* What serves is kept, and the store says so. */
static void note_success(struct archive *archive)
{
    struct archive_stats *stats = &archive->stats;
    if (archive->is_failing) {
        log_info("archive well folder=%s manifest=%s", archive->folder, archive->current);
    }
    archive->is_failing = archive->has_gap = archive->has_told_lack = false;
    archive->wait_ms = RETRY_MS;
    memcpy(stats->manifest, archive->current, sizeof stats->manifest);
    stats->reason[0] = '\0';
    stats->since_ms = 0;
    stats->kept_ms = clock_wall_ms(&archive->server->clock);
    stats->captures++;
    atomic_store(&archive->unkept_ms, archive->is_wanted ? archive->next_ms : 0);
}

static void on_put(struct store_job *job)
{
    struct put *put = (struct put *)job;
    struct archive *archive = put->archive;
    archive->has_put = false;
    if (job->error == 0 && put->is_lack) {
        archive->has_told_lack = true;
        archive->current[0] = '\0';
    } else if (job->error == 0) {
        memcpy(archive->current, put->manifest, sizeof archive->current);
        note_success(archive);
    } else if (!archive->is_closing && !put->is_lack) {
        char why[128];
        snprintf(why, sizeof why, "the store cannot be written: %s", error_text(job->error));
        note_failure(archive, why);
    }
    free(put->value);
    free(put->reason);
    free(put);
    begin_if_due(archive);
}

static void tell_store(struct archive *archive, const struct served *served)
{
    char *value = served_write(served);
    if (value == NULL) {
        note_failure(archive, error_text(-ENOMEM));
        return;
    }
    struct put *put = memory_alloc(sizeof *put);
    *put = (struct put){.archive = archive,
                        .value = value,
                        .reason = memory_copy_text(archive->taken_what),
                        .is_lack = served->why != NULL};
    memcpy(put->manifest, archive->outcome.manifest, sizeof put->manifest);
    put->op = (struct store_op){
        .kind = SERVED_KIND, .key = SERVED_KEY, .value = put->value, .if_revision = STORE_ANY};
    put->job = (struct store_job){
        .cause = {.actor = "steerd", .reason = put->reason}, .ops = &put->op, .op_count = 1, .done = on_put};
    archive->has_put = true;
    archive_store(archive, &put->job);
}

/* Should this process end before the depot can be written, nobody takes what served before for it. */
static void tell_lack(struct archive *archive)
{
    if (!archive->has_told_lack && !archive->is_closing) {
        tell_store(archive, &(struct served){.generation = archive->taken_generation,
                                             .since_ms = archive->taken_unkept_ms,
                                             .why = archive->outcome.why});
    }
}

/* What serves is in the depot. Reloads that changed no file say nothing. */
static void note_kept(struct archive *archive)
{
    const struct outcome *outcome = &archive->outcome;
    int64_t took_ms = now_ms(archive) - archive->begun_ms;
    if (archive->asks) {
        memcpy(archive->current, outcome->stored, sizeof archive->current);
        archive->knows_current = true;
    }
    archive->due_ms = now_ms(archive) + (took_ms * PACE < PACE_MOST_MS ? took_ms * PACE : PACE_MOST_MS);
    archive->stats.files = outcome->files;
    archive->stats.missing = outcome->missing;
    archive->stats.written = archive->depot.written;
    if (strcmp(outcome->manifest, archive->current) == 0 && !archive->has_gap) {
        note_success(archive);
        return;
    }
    if (outcome->missing != 0) {
        log_warning("configuration not kept as a whole files=%zu missing=%zu first=\"%s\"", outcome->files,
                    outcome->missing, outcome->first);
    }
    tell_store(archive, &(struct served){.main = outcome->main,
                                         .manifest = outcome->manifest[0] == '\0' ? NULL : outcome->manifest,
                                         .generation = archive->taken_generation,
                                         .since_ms = archive->taken_since_ms,
                                         .gap_ms = archive->has_gap ? archive->taken_unkept_ms : 0});
}

static void done(struct worker_job *job)
{
    struct archive *archive = (struct archive *)job;
    struct outcome *outcome = &archive->outcome;
    archive->is_running = false;
    archive->has_gap |= outcome->has_gap;
    if (outcome->error == ERROR_CANCELLED || progress_is_cancelled(&job->progress)) {
        archive->is_wanted = true;
    } else if (outcome->error != 0) {
        note_failure(archive, outcome->why);
        if (outcome->is_lack) {
            tell_lack(archive);
        }
    } else {
        note_kept(archive);
    }
    free(outcome->main);
    free(outcome->first);
    *outcome = (struct outcome){.error = 0};
}

static void on_wake(evutil_socket_t fd, short events, void *argument)
{
    const struct archive *archive = argument;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)events, (void)got;
    worker_reap(archive->worker);
}

static void on_tick(evutil_socket_t fd, short events, void *argument)
{
    (void)fd, (void)events;
    begin_if_due(argument);
}

/* ---- what serves ---- */

static void add_news(struct archive *archive, const struct news *from)
{
    struct news *news = memory_copy(from, sizeof *from);
    *archive->news_end = news;
    archive->news_end = &news->next;
}

static void note(struct archive *archive, char *what)
{
    free(archive->what);
    archive->what = what;
    archive->generation = view_number(archive->server->view);
    archive->since_ms = clock_wall_ms(&archive->server->clock);
    archive->next_ms = archive->is_wanted ? archive->next_ms : archive->since_ms;
    if (atomic_load(&archive->unkept_ms) == 0) {
        atomic_store(&archive->unkept_ms, archive->since_ms);
    }
    archive->is_wanted = true;
    begin_if_due(archive);
}

void archive_follow(struct archive *archive, struct view *view, const char *what)
{
    if (archive == NULL) {
        return;
    }
    struct view_sources *sources = view_take_sources(view);
    archive->keeps = view->server->keep_configuration;
    if (sources != NULL) {
        add_news(archive, &(struct news){.all = sources});
    }
    note(archive, memory_copy_text(what));
}

void archive_follow_zone(struct archive *archive, struct view_zone_update *update)
{
    if (archive == NULL || update == NULL) {
        return;
    }
    struct news news = {.zone = view_take_zone_sources(update)};
    char *what = memory_print("reload of %s", news.zone.origin);
    add_news(archive, &news);
    note(archive, what);
}

/* ---- life ---- */

static int open_events(struct archive *archive)
{
    const struct timeval tick = {.tv_sec = TICK_S};
    struct event_base *base = archive->server->base;
    archive->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (archive->fd == -1) {
        return -errno;
    }
    archive->wake = event_new(base, archive->fd, EV_READ | EV_PERSIST, on_wake, archive);
    archive->timer = event_new(base, -1, EV_PERSIST, on_tick, archive);
    bool good = archive->wake != NULL && archive->timer != NULL && event_add(archive->wake, NULL) == 0 &&
                event_add(archive->timer, &tick) == 0;
    return good ? 0 : -ENOMEM;
}

int archive_open(struct server *server, const char *what, struct archive **to)
{
    const char *folder = server->view->server->state_path;
    *to = NULL;
    if (folder == NULL) {
        return 0;
    }
    struct archive *archive = memory_alloc(sizeof *archive);
    *archive = (struct archive){
        .job = {.name = "archive", .prepare = prepare, .run = run, .done = done},
        .server = server,
        .folder = memory_copy_text(folder),
        .fd = -1,
        .wait_ms = RETRY_MS,
        .capture = capture_new(),
        .kept_before = true,
    };
    archive->news_end = &archive->news;
    depot_init(&archive->depot, folder);
    archive->depot.progress = &archive->job.progress;
    int error = open_events(archive);
    error =
        error == 0
            ? worker_open(
                  &(struct worker_options){
                      .name = "archive", .limit = JOBS_MAX, .nice = NICE, .context = archive, .wake = wake},
                  &archive->worker)
            : error;
    if (error != 0) {
        archive_close(archive);
        return error;
    }
    archive_follow(archive, server->view, what);
    *to = archive;
    return 0;
}

void archive_hurry(struct archive *archive)
{
    if (archive != NULL) {
        archive->is_closing = true;
        progress_cancel(&archive->job.progress);
    }
}

void archive_close(struct archive *archive)
{
    if (archive == NULL) {
        return;
    }
    archive_hurry(archive);
    worker_close(archive->worker);
    struct event *events[] = {archive->wake, archive->timer};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (events[i] != NULL) {
            event_free(events[i]);
        }
    }
    if (archive->fd != -1) {
        (void)close(archive->fd);
    }
    free_news(archive->news);
    free_news(archive->taken);
    capture_free(archive->capture);
    depot_fini(&archive->depot);
    free(archive->what);
    free(archive->taken_what);
    free(archive->folder);
    free(archive);
}

void archive_pause(struct archive *archive, bool paused)
{
    if (archive != NULL) {
        archive->is_paused = paused;
        worker_hold(archive->worker, paused);
        if (paused && archive->is_running) {
            progress_cancel(&archive->job.progress);
        } else if (!paused) {
            archive->knows_current = false; /* another process had the store for a while */
            begin(archive);
        }
    }
}

bool archive_is_paused(const struct archive *archive)
{
    struct worker_stats stats = {.running = NULL};
    if (archive != NULL) {
        worker_get_stats(archive->worker, &stats);
    }
    return archive == NULL || (archive->is_paused && stats.running == NULL && !archive->has_put);
}

/* ---- for others ---- */

int archive_submit(struct archive *archive, struct worker_job *job)
{
    begin(archive); /* before it */
    return worker_submit(archive->worker, job);
}

void archive_cancel(struct archive *archive, struct worker_job *job)
{
    worker_cancel(archive->worker, job);
}

void archive_store(struct archive *archive, struct store_job *job)
{
    struct durable *durable = archive->server->durable;
    if (archive->is_closing || !durable_has_store(durable)) {
        job->error = ERROR_CANCELLED;
        job->done(job);
    } else {
        durable_submit(durable, job);
    }
}

int64_t archive_get_unkept(const struct archive *archive)
{
    return archive == NULL ? 0 : atomic_load(&archive->unkept_ms);
}

void archive_get_stats(const struct archive *archive, struct archive_stats *stats)
{
    *stats = (struct archive_stats){.state = "none"};
    if (archive != NULL && archive->keeps) {
        *stats = archive->stats;
        stats->state = archive->is_failing ? "failing" : "ok";
    }
}
