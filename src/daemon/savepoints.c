/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See savepoints.h. A task is prepared on the worker (read the store, write a blob), then its ops go to the
 * store. A point is put only if there is none of its ID, so whatever a restart, a clock or a takeover does,
 * none is there twice; and it is put behind its blob, so none is without. */
#include "config.h"

#include "daemon/savepoints.h"

#include "daemon/answers.h"
#include "daemon/archive.h"
#include "daemon/durable.h"
#include "daemon/last.h"
#include "daemon/revisions.h"
#include "daemon/server.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "past/depot.h"
#include "past/hold.h"
#include "past/kept.h"
#include "past/lines.h"
#include "past/objects.h"
#include "past/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum {
    TICK_MS = 1000,
    RETRY_MS = 10000,       /* after a failure */
    LOOK_MS = 3600 * 1000,  /* at which have had their time */
    TRIES = 100,            /* IDs of one second, and points that somebody else changes */
    YOUNG_MS = 3600 * 1000, /* blobs that may be somebody's who has not said so yet */
};

enum what {
    LOOK = ADMIN_POINT_ORDERS, /* at which have had their time, and what is kept for nobody */
};

struct task {
    struct worker_job job; /* the first, so that one is the other */
    struct savepoints *all;
    struct task *next;
    int what;       /* enum admin_point_what, or LOOK */
    bool is_forced; /* a backup has held it off for too long */
    bool is_automatic;
    struct admin_point_order order;
    struct points_rule rule;
    struct arena *arena;
    /* what the worker has found: */
    int error;
    const char *why;
    struct point point;
    bool is_held; /* the depot is not swept because of a backup */
    struct points_latest latest;
    struct points_span span; /* of those that there were */
    struct store_op *ops;
    size_t op_count;
    /* on its way into the store: */
    struct store_job write;
    int tries;
    admin_point_done *done;
    void *argument;
};

struct savepoints {
    struct server *server;
    struct event *tick;
    struct task *tasks;
    struct points_latest latest;
    bool is_known; /* `latest` is */
    bool is_stopped, is_failing;
    char why[256];             /* of the latest failure */
    int64_t look_ms, retry_ms; /* monotonic: not before */
    int64_t held_ms;           /* monotonic: a backup holds off the sweep since; 0: none does */
    uint64_t made, failures;
};

/* ---- on the worker ---- */

static void fail(struct task *task, int error, const char *why)
{
    task->error = error;
    task->why = arena_copy_text(task->arena, why != NULL && why[0] != '\0' ? why : error_text(error));
}

static struct store_reader *open_store(struct task *task)
{
    struct report *report = report_new();
    struct store_reader *reader = NULL;
    int error = store_reader_open(durable_get_folder(task->all->server->durable), report, &reader);
    if (error != 0) {
        fail(task, error, report_count(report) == 0 ? NULL : report_get(report, 0)->message);
    } else {
        store_reader_set_progress(reader, &task->job.progress);
    }
    report_free(report);
    return reader;
}

static void add_op(struct task *task, const char *id, const char *value, uint64_t if_revision)
{
    task->ops =
        task->op_count == 0 ? arena_alloc(task->arena, (STORE_OPS_MAX + 1) * sizeof *task->ops) : task->ops;
    task->ops[task->op_count++] =
        (struct store_op){.kind = OBJECTS_POINT, .key = id, .value = value, .if_revision = if_revision};
}

static void add_point(struct task *task, uint64_t if_revision)
{
    char *value = points_write(&task->point);
    add_op(task, task->point.id, arena_copy_text(task->arena, value), if_revision);
    free(value);
}

static int put_blob(struct task *task, const struct objects *objects, char sha[DEPOT_NAME_SIZE])
{
    struct buffer text;
    struct depot depot;
    buffer_init(&text);
    for (size_t i = 0; i < objects_count(objects); i++) {
        lines_write(&text, objects_get(objects, i));
    }
    depot_init(&depot, durable_get_folder(task->all->server->durable));
    int error = depot_put(&depot, text.len == 0 ? "" : text.bytes, text.len, sha);
    error = error != 0 ? error : depot_settle(&depot);
    if (error != 0) {
        fail(task, error, depot.why);
    }
    depot_fini(&depot);
    buffer_fini(&text);
    return error;
}

/* All objects as they are right after the last entry. */
static struct objects *read_objects(struct task *task, struct store_reader *reader, struct objects_end *end)
{
    char why[OBJECTS_WHY_SIZE] = "";
    struct objects *objects = NULL;
    const char *folder = durable_get_folder(task->all->server->durable);
    int error = objects_find_end(reader, end);
    if (error != 0) {
        fail(task, error, store_reader_why(reader));
        return NULL;
    }
    const struct objects_ask ask = {.reader = reader, .folder = folder, .seq = end->seq};
    error = objects_open(&ask, &objects, why);
    if (error != 0) {
        fail(task, error, why);
    }
    return error == 0 ? objects : NULL;
}

static void save(struct task *task, struct store_reader *reader)
{
    char id[POINTS_ID_SIZE], sha[DEPOT_NAME_SIZE];
    struct objects_end end;
    struct store_object found;
    if (task->order.id != NULL && kept_get(reader, task->order.id, task->arena, &found) == 0) {
        fail(task, ERROR_CONFLICT, NULL);
        return;
    }
    struct objects *objects = read_objects(task, reader, &end);
    if (objects == NULL || put_blob(task, objects, sha) != 0) {
        objects_close(objects);
        return;
    }
    const struct admin_point_order *order = &task->order;
    task->point = (struct point){.time_ms = clock_wall_ms(&task->all->server->clock),
                                 .seq = end.seq,
                                 .kind = order->kind,
                                 .reason = order->reason,
                                 .actor = order->actor,
                                 .objects = arena_copy_text(task->arena, sha)};
    memcpy(task->point.hash, end.hash, sizeof end.hash);
    kept_find_configuration(objects, task->arena, &task->point);
    objects_close(objects);
    points_write_id(order->kind, task->point.time_ms, id);
    task->point.id = order->id != NULL ? order->id : arena_copy_text(task->arena, id);
    add_point(task, 0);
}

static void amend(struct task *task, struct store_reader *reader)
{
    struct store_object found;
    const char *why = NULL;
    int error = kept_get(reader, task->order.id, task->arena, &found);
    error = error != 0 ? error : points_read(found.key, found.value, task->arena, &task->point, &why);
    if (error != 0) {
        fail(task, error, why != NULL ? why : store_reader_why(reader));
        return;
    }
    if (task->order.condition != NULL && !condition_holds(task->order.condition, true, found.revision)) {
        fail(task, ERROR_PRECONDITION, NULL);
        return;
    }
    if (task->what == ADMIN_POINT_DELETE) {
        add_op(task, task->order.id, NULL, found.revision);
        return;
    }
    struct point *point = &task->point;
    struct point_use *uses = arena_alloc(task->arena, (point->use_count + 1) * sizeof *uses);
    for (size_t i = 0; i < point->use_count; i++) {
        uses[i] = point->uses[i];
    }
    uses[point->use_count++] = (struct point_use){.time_ms = clock_wall_ms(&task->all->server->clock),
                                                  .actor = task->order.actor,
                                                  .reason = task->order.reason};
    point->uses = uses;
    add_point(task, found.revision);
}

/* What is wrong here is no harm: the next look will do it. */
static void look(struct task *task, struct store_reader *reader)
{
    struct kept_list list;
    struct server *server = task->all->server;
    char why[OBJECTS_WHY_SIZE] = "";
    int error = kept_list(reader, task->arena, &list);
    if (error != 0) {
        fail(task, error, store_reader_why(reader));
        return;
    }
    points_find_latest(list.items, list.count, &task->latest);
    points_find_span(list.items, list.count, task->arena, &task->span);
    bool *gone = arena_alloc(task->arena, list.count * sizeof *gone);
    points_find_gone(&task->rule, list.items, list.count, clock_wall_ms(&server->clock), gone);
    for (size_t i = 0; i < list.count && task->op_count < STORE_OPS_MAX; i++) {
        if (gone[i]) {
            add_op(task, list.items[i].id, NULL, list.revisions[i]);
        }
    }
    if (archive_get_unkept(server->archive) != 0) {
        return; /* files are in the depot that the store could not be told of, perhaps for hours */
    }
    const struct kept_sweep sweep = {.reader = reader,
                                     .folder = durable_get_folder(server->durable),
                                     .points = list.items,
                                     .count = list.count,
                                     .before_ms = clock_wall_ms(&server->clock) - YOUNG_MS,
                                     .is_forced = task->is_forced,
                                     .progress = &task->job.progress};
    error = kept_sweep_depot(&sweep, why);
    task->is_held = error == ERROR_BUSY;
    if (error != 0 && error != ERROR_CANCELLED && error != ERROR_BUSY) {
        log_warning("depot not swept why=\"%s\"", why);
    }
}

static void run(struct worker_job *job)
{
    struct task *task = (struct task *)job;
    struct store_reader *reader = open_store(task);
    if (reader == NULL) {
        return;
    }
    if (task->what == LOOK) {
        look(task, reader);
    } else if (task->what == ADMIN_POINT_SAVE) {
        save(task, reader);
    } else {
        amend(task, reader);
    }
    store_reader_close(reader);
}

/* ---- what became of it ---- */

static void unlink_task(struct task *task)
{
    struct task **at = &task->all->tasks;
    while (*at != task) {
        at = &(*at)->next;
    }
    *at = task->next;
}

static void note_failure(struct savepoints *all, const struct task *task)
{
    all->failures++;
    all->retry_ms = clock_now_ms(&all->server->clock) + RETRY_MS;
    snprintf(all->why, sizeof all->why, "%s", task->why);
    if (!all->is_failing) {
        log_error("recovery point not saved error=\"%s\" effect=\"it is tried again every %d s; the journal "
                  "goes on\"",
                  task->why, RETRY_MS / 1000);
    }
    all->is_failing = true;
}

/* As long as these points are there, and so long that a point that was just made is not all there is. */
static void keep_health(const struct savepoints *all, const struct points_span *span)
{
    int64_t young_ms = clock_wall_ms(&all->server->clock) - YOUNG_MS;
    last_keep(all->server->last,
              &(struct recorder_span){.keep_ms = span->since_ms < young_ms ? span->since_ms : young_ms,
                                      .moments = span->named_ms,
                                      .moment_count = span->named_count});
}

static void note_hold(struct savepoints *all, bool is_held)
{
    int64_t now_ms = clock_now_ms(&all->server->clock);
    all->held_ms = !is_held ? 0 : all->held_ms == 0 ? now_ms : all->held_ms;
}

static void note_success(struct savepoints *all, const struct task *task)
{
    int64_t now_ms = clock_now_ms(&all->server->clock);
    if (task->what == ADMIN_POINT_SAVE) {
        points_note_latest(&task->point, &all->latest);
        all->made++;
        all->look_ms = 0;
        log_info("recovery point saved id=%s kind=%s seq=%llu actor=%s", task->point.id,
                 points_kind_text(task->point.kind), (unsigned long long)task->point.seq, task->point.actor);
    } else if (task->what == ADMIN_POINT_DELETE) {
        all->look_ms = 0;
    }
    if (task->what == LOOK) {
        all->is_known = true;
        all->latest = task->latest;
        keep_health(all, &task->span);
        note_hold(all, task->is_held);
        all->look_ms = task->op_count != 0 ? 0 : task->is_held ? now_ms + HOLD_RETRY_MS : now_ms + LOOK_MS;
    } else if (all->is_failing && task->what == ADMIN_POINT_SAVE) {
        log_info("recovery points are saved again");
        all->is_failing = false;
        all->why[0] = '\0';
    }
}

static void finish(struct task *task)
{
    struct savepoints *all = task->all;
    bool is_called_off = task->error == ERROR_CANCELLED;
    bool is_refused =
        task->error == ERROR_CONFLICT || task->error == ERROR_NOT_FOUND || task->error == ERROR_PRECONDITION;
    if (task->error == 0) {
        note_success(all, task);
    } else if (!is_called_off && !(is_refused && task->done != NULL)) {
        note_failure(all, task);
    }
    if (task->done != NULL) {
        task->done(task->argument, &(struct admin_point_result){.error = task->error,
                                                                .why = task->why,
                                                                .point = &task->point,
                                                                .seq = task->write.seq});
    }
    unlink_task(task);
    arena_free(task->arena);
    free(task);
}

static void submit(struct task *task)
{
    task->write.ops = task->ops;
    task->write.op_count =
        task->op_count + answers_add_op(task->order.receipt, task->arena, &task->ops[task->op_count]);
    task->write.seqs = arena_alloc(task->arena, task->write.op_count * sizeof *task->write.seqs);
    archive_store(task->all->server->archive, &task->write);
}

/* Another one was faster. Of what gets its ID by itself the next second is as good; what was changed
 * meanwhile is read again. Returns whether it goes on. */
static bool try_again(struct task *task)
{
    if (task->error != ERROR_CONFLICT || task->all->is_stopped || ++task->tries > TRIES) {
        return false;
    }
    if (task->what == ADMIN_POINT_SAVE && task->order.id == NULL) {
        char id[POINTS_ID_SIZE];
        points_write_id(task->order.kind, task->point.time_ms + task->tries * 1000, id);
        task->point.id = arena_copy_text(task->arena, id);
        task->ops->key = task->point.id;
        submit(task);
        return true;
    }
    if (task->what == ADMIN_POINT_SAVE) {
        return false;
    }
    task->op_count = 0;
    task->error = 0;
    return archive_submit(task->all->server->archive, &task->job) == 0;
}

static void on_written(struct store_job *job)
{
    struct task *task = (struct task *)((char *)job - offsetof(struct task, write));
    task->error = job->error;
    revisions_note(task->all->server->revisions, job);
    if (job->error != 0) {
        struct durable_status status;
        durable_get_status(task->all->server->durable, &status);
        fail(task, job->error, job->error == ERROR_CONFLICT ? NULL : status.stats.reason);
    }
    if (!try_again(task)) {
        finish(task);
    }
}

static void on_run(struct worker_job *job)
{
    struct task *task = (struct task *)job;
    if (progress_is_cancelled(&job->progress) || task->all->is_stopped) {
        fail(task, ERROR_CANCELLED, NULL);
    }
    if (task->error != 0 || task->op_count == 0) {
        finish(task);
    } else {
        submit(task);
    }
}

/* ---- tasks ---- */

static struct task *new_task(struct savepoints *all, int what, const struct admin_point_order *order)
{
    const struct conf_points *conf = &all->server->view->server->points;
    struct arena *arena = arena_new(0);
    struct task *task = memory_alloc(sizeof *task);
    *task = (struct task){
        .job = {.name = "point", .run = run, .done = on_run},
        .all = all,
        .next = all->tasks,
        .what = what,
        .rule = {.every_ms = conf->every_ms, .keep_count = conf->keep_count, .keep_days = conf->keep_days},
        .arena = arena,
        .order = *order,
        .write = {.done = on_written},
    };
    task->order.id = arena_copy_text(arena, order->id);
    task->order.reason = arena_copy_text(arena, order->reason);
    task->order.actor = arena_copy_text(arena, order->actor);
    task->order.condition = condition_copy(order->condition, arena);
    task->order.receipt = answers_copy(order->receipt, arena);
    task->write.cause = (struct store_cause){.actor = task->order.actor,
                                             .peer = arena_copy_text(arena, order->peer),
                                             .reason = task->order.reason,
                                             .request = arena_copy_text(arena, order->request)};
    all->tasks = task;
    return task;
}

static int start(struct task *task)
{
    int error = archive_submit(task->all->server->archive, &task->job);
    if (error != 0) {
        unlink_task(task);
        arena_free(task->arena);
        free(task);
    }
    return error;
}

int savepoints_change(struct savepoints *all, const struct admin_point_order *order, admin_point_done *done,
                      void *argument)
{
    if (all == NULL) {
        return ERROR_UNSUPPORTED;
    }
    if (all->is_stopped || all->server->is_frozen || !durable_has_store(all->server->durable)) {
        return ERROR_BUSY;
    }
    struct task *task = new_task(all, (int)order->what, order);
    task->done = done;
    task->argument = argument;
    return start(task);
}

int server_change_point(void *context, const struct admin_point_order *order, admin_point_done *done,
                        void *argument)
{
    const struct server *server = context;
    return savepoints_change(server->savepoints, order, done, argument);
}

static bool is_due(const struct savepoints *all)
{
    const struct conf_points *conf = &all->server->view->server->points;
    const struct points_rule rule = {.every_ms = conf->every_ms};
    struct durable_status status;
    durable_get_status(all->server->durable, &status);
    return points_is_due(&rule, &all->latest, clock_wall_ms(&all->server->clock), status.stats.seq);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    static const struct admin_point_order by_itself = {
        .kind = POINTS_HOURLY, .actor = "steerd", .peer = "", .reason = "", .request = ""};
    struct savepoints *all = argument;
    int64_t now_ms = clock_now_ms(&all->server->clock);
    (void)fd, (void)what;
    if (all->tasks != NULL || all->server->is_frozen || !durable_has_store(all->server->durable) ||
        now_ms < all->retry_ms) {
        return;
    }
    if (!all->is_known || now_ms >= all->look_ms) {
        struct task *task = new_task(all, LOOK, &by_itself);
        task->is_forced = all->held_ms != 0 && now_ms - all->held_ms >= HOLD_MOST_MS;
        (void)start(task);
    } else if (is_due(all)) {
        (void)start(new_task(all, ADMIN_POINT_SAVE, &by_itself));
    }
}

bool savepoints_any(const struct savepoints *all)
{
    return all != NULL && all->tasks != NULL;
}

void savepoints_get_stats(const struct savepoints *all, struct admin_points_stats *stats)
{
    *stats = (struct admin_points_stats){.why = ""};
    if (all != NULL) {
        stats->is_kept = true;
        stats->count = all->latest.count;
        stats->last_ms = all->latest.any_ms;
        stats->made = all->made;
        stats->failures = all->failures;
        snprintf(stats->why, sizeof stats->why, "%s", all->why);
    }
}

/* ---- life ---- */

int savepoints_open(struct server *server, struct savepoints **to)
{
    const struct timeval interval = {.tv_sec = TICK_MS / 1000};
    if (!durable_has_store(server->durable) || server->archive == NULL) {
        return 0;
    }
    struct savepoints *all = memory_alloc(sizeof *all);
    *all =
        (struct savepoints){.server = server, .tick = event_new(server->base, -1, EV_PERSIST, on_tick, all)};
    *to = all;
    return all->tick == NULL || event_add(all->tick, &interval) != 0 ? -ENOMEM : 0;
}

void savepoints_stop(struct savepoints *all)
{
    if (all != NULL) {
        all->is_stopped = true;
    }
}

void savepoints_call_off(struct savepoints *all)
{
    for (struct task *task = all == NULL ? NULL : all->tasks, *next; task != NULL; task = next) {
        next = task->next;
        archive_cancel(all->server->archive, &task->job);
    }
}

void savepoints_close(struct savepoints *all)
{
    if (all == NULL) {
        return;
    }
    while (all->tasks != NULL) { /* the store has not come to them */
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): finish() takes it off the list */
        fail(all->tasks, ERROR_CANCELLED, NULL);
        finish(all->tasks);
    }
    if (all->tick != NULL) {
        event_free(all->tick);
    }
    free(all);
}
