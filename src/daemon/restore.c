/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See restore.h. A restore is planned and previewed on a worker, over a snapshot; if overrides have changed
 * by then it is planned again. When a point is saved its targets are marked, as those of an order are: orders
 * about them wait, and come after it. What is written down is applied in turns, so that nothing waits for
 * ten thousand overrides; other answers in between see those that hold already. */
#include "config.h"

#include "daemon/restore.h"

#include "daemon/changes.h"
#include "daemon/expiry.h"
#include "daemon/lanes.h"
#include "daemon/orders.h"
#include "daemon/override_json.h"
#include "daemon/restore_parts.h"
#include "daemon/savepoints.h"
#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum {
    ROUNDS = 3,        /* of planning, then it is believed */
    PATIENCE_MS = 500, /* with the disk */
    MEET_MS = 5,       /* between two looks at orders about the same targets */
    TURN_US = 400,     /* of applying, and */
    TURN_OPS = 64,     /* so many at most */
};

static const char slow[] = "the disk has not answered for half a second; it is written as soon as it does";

static void run(struct worker_job *job)
{
    struct restore *restore = (struct restore *)job;
    restore_look(restore, reader_begin(restore->reader), clock_wall_ms(&restore->all->server->clock));
    reader_end(restore->reader);
    reader_close(restore->reader);
    restore->reader = NULL;
}

/* ---- the end ---- */

static void forget(struct restore *restore)
{
    struct restores *all = restore->all;
    struct restore **at = &all->first;
    while (*at != restore) {
        at = &(*at)->next;
    }
    *at = restore->next;
    for (size_t i = 0; restore->writings != NULL && i < restore->result.transactions; i++) {
        free(restore->writings[i].ops);
    }
    free(restore->writings);
    arena_free(restore->planned);
    arena_free(restore->arena);
    free(restore);
}

static void reply(struct restore *restore)
{
    restore->done(restore->argument, &restore->result);
    restore->done = NULL;
}

static void say(const struct restore *restore)
{
    const struct admin_restore_result *result = &restore->result;
    log_info("restored to=%s added=%zu removed=%zu changed=%zu actor=%s point=%s durable=%s",
             restore->asked.to == NULL ? "(import)" : restore->asked.to, result->fates[ADMIN_RESTORE_ADDED],
             result->fates[ADMIN_RESTORE_REMOVED], result->fates[ADMIN_RESTORE_CHANGED], restore->asked.actor,
             result->saved == NULL ? "none" : result->saved, result->durable ? "yes" : "no");
}

/* The last that happens to it, unless the store is not done with it yet. */
static void end(struct restore *restore)
{
    if (restore->all->current == restore) {
        restore->all->current = NULL;
    }
    if (restore->done != NULL) {
        reply(restore);
    }
    if (restore->unwritten == 0) {
        forget(restore);
    } else {
        restore->stage = RESTORE_LATE;
    }
}

static void note_use_done(void *argument, const struct admin_point_result *result)
{
    (void)argument, (void)result;
}

/* That it was used is worth a note, and no failure. */
static void note_use(const struct restore *restore)
{
    const struct admin_point_order use = {.what = ADMIN_POINT_USE,
                                          .id = restore->result.id,
                                          .reason = restore->asked.reason,
                                          .actor = restore->asked.actor,
                                          .peer = restore->asked.peer,
                                          .request = restore->asked.request};
    if (restore->result.id != NULL) {
        (void)savepoints_change(restore->all->server->savepoints, &use, note_use_done, NULL);
    }
}

/* ---- applying ---- */

static void wait_ms(struct restore *restore, int64_t ms)
{
    const struct timeval timeout = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_add(restore->all->timer, &timeout);
}

static void apply_one(struct restore *restore, struct restore_op *op, int64_t wall_ms)
{
    struct server *server = restore->all->server;
    int64_t by_ms = server->clock_offset_ms - restore->clock_offset_ms;
    bool is_shifted = op->value != NULL && by_ms != 0 && health_override_shift(&op->what, op->planned, by_ms);
    lock_take(&server->lock);
    bool is_put = restore_apply(server->view, op, wall_ms);
    lock_leave(&server->lock);
    if (is_put) {
        changes_tell_override(server->changes, op->kind, op->name, &op->what);
    }
    if (!is_put || is_shifted) { /* what was written is not what is */
        durable_keep(server->durable, op->kind, op->name, "as it came to be");
    }
}

static void finish(struct restore *restore)
{
    struct server *server = restore->all->server;
    durable_end(server->durable, &restore->mark);
    server_schedule_expiry(server);
    orders_go_on(server->orders);
    say(restore);
    note_use(restore);
    end(restore);
}

/* Those that remove come first where the list has them first; each target is there once. */
static void apply_some(struct restore *restore)
{
    struct server *server = restore->all->server;
    server_follow_clock_step(server); /* it knows the time as it is now */
    int64_t until_us = clock_now_us(&server->clock) + TURN_US, wall_ms = clock_wall_ms(&server->clock);
    for (size_t i = 0; i < TURN_OPS && restore->applied < restore->plan.count; i++) {
        apply_one(restore, &restore->plan.ops[restore->applied++], wall_ms);
        if (clock_now_us(&server->clock) >= until_us) {
            break;
        }
    }
    server_forget_snapshot(server);
    if (restore->applied < restore->plan.count) {
        wait_ms(restore, 0);
    } else {
        finish(restore);
    }
}

static void begin_to_apply(struct restore *restore, bool durable, const char *why)
{
    restore->stage = RESTORE_APPLYING;
    restore->result.durable = durable;
    restore->result.not_durable_because = arena_copy_text(restore->arena, why);
    apply_some(restore);
}

/* ---- the store's part ---- */

static void on_written(struct store_job *job)
{
    struct restore *restore = ((struct restore_writing *)job)->restore;
    struct server *server = restore->all->server;
    restore->unwritten--;
    if (job->error != 0 && restore->stage == RESTORE_WRITING) {
        struct durable_status status;
        durable_get_status(server->durable, &status);
        const char *reason = status.stats.reason;
        restore->result.not_durable_because =
            arena_copy_text(restore->arena, reason[0] == '\0' ? error_text(job->error) : reason);
    }
    if (restore->stage == RESTORE_WRITING) {
        if (restore->unwritten == 0) {
            const char *why = restore->result.not_durable_because;
            event_del(restore->all->timer);
            begin_to_apply(restore, why == NULL, why);
        }
        return;
    }
    durable_note_late(server->durable, -1);
    if (restore->stage == RESTORE_LATE && restore->unwritten == 0) {
        forget(restore);
    }
}

static void write_ops(struct restore *restore, struct restore_writing *writing, size_t first)
{
    const struct restore_plan *plan = &restore->plan;
    size_t count = plan->count - first < STORE_OPS_MAX ? plan->count - first : STORE_OPS_MAX;
    writing->restore = restore;
    writing->ops = memory_alloc_array(count, sizeof *writing->ops);
    for (size_t i = 0; i < count; i++) {
        const struct restore_op *op = &plan->ops[first + i];
        writing->ops[i] = (struct store_op){
            .kind = "override", .key = op->key, .value = op->written, .if_revision = STORE_ANY};
    }
    writing->job = (struct store_job){.cause = {.actor = restore->asked.actor,
                                                .peer = restore->asked.peer,
                                                .reason = restore->asked.reason,
                                                .request = restore->asked.request},
                                      .ops = writing->ops,
                                      .op_count = count,
                                      .insists = true,
                                      .done = on_written};
}

static void write_down(struct restore *restore)
{
    struct server *server = restore->all->server;
    size_t count = (restore->plan.count + STORE_OPS_MAX - 1) / STORE_OPS_MAX;
    if (!durable_has_store(server->durable)) {
        begin_to_apply(restore, false, NULL);
        return;
    }
    restore->stage = RESTORE_WRITING;
    restore->until_ms = clock_now_ms(&server->clock) + PATIENCE_MS;
    restore->writings = memory_alloc_array(count, sizeof *restore->writings);
    restore->result.transactions = restore->unwritten = count;
    for (size_t i = 0; i < count; i++) {
        write_ops(restore, &restore->writings[i], i * STORE_OPS_MAX);
        durable_submit(server->durable, &restore->writings[i].job);
    }
    wait_ms(restore, PATIENCE_MS);
}

/* ---- from the plan to the store ---- */

static bool covers(const struct durable_order *order, enum health_kind kind, const char *name)
{
    const struct restore *restore =
        (const struct restore *)((const char *)order - offsetof(struct restore, mark));
    return restore_find(&restore->plan, kind, name) != NULL;
}

/* Orders about its targets that came before it are carried out first: each takes half a second at most. */
static void meet(struct restore *restore)
{
    struct server *server = restore->all->server;
    if (restore->stage != RESTORE_MEETING) {
        restore->stage = RESTORE_MEETING;
        restore->mark.covers = covers;
    }
    if (durable_meets(server->durable, &restore->mark)) {
        wait_ms(restore, MEET_MS);
        return;
    }
    durable_begin(server->durable, &restore->mark);
    write_down(restore);
}

static void plan_again(struct restore *restore);

/* On the control thread: has any override changed since it was planned? */
static bool is_current(const struct restore *restore)
{
    struct server *server = restore->all->server;
    lock_take(&server->lock);
    uint64_t changes = health_count_override_changes(server->view->health);
    lock_leave(&server->lock);
    return changes == restore->override_changes || restore->rounds >= ROUNDS;
}

static void on_saved(void *argument, const struct admin_point_result *result)
{
    struct restore *restore = argument;
    if (result->error == ERROR_CANCELLED) {
        (void)restore_refuse(restore, ADMIN_RESTORE_CALLED_OFF, result->error, NULL);
        end(restore);
        return;
    }
    restore->result.saved = result->error == 0 ? arena_copy_text(restore->arena, result->point->id) : NULL;
    if (result->error != 0 && !restore->asked.without_point) {
        (void)restore_refuse(restore, ADMIN_RESTORE_NO_POINT, result->error, result->why);
        end(restore);
    } else if (!is_current(restore)) {
        plan_again(restore);
    } else {
        meet(restore);
    }
}

static void save_point(struct restore *restore)
{
    const struct admin_restore *asked = &restore->asked;
    const char *what =
        asked->to == NULL ? "an import" : arena_print(restore->arena, "a restore to %s", asked->to);
    const struct admin_point_order order = {.what = ADMIN_POINT_SAVE,
                                            .kind = POINTS_BEFORE_RESTORE,
                                            .reason = arena_print(restore->arena, "before %s", what),
                                            .actor = asked->actor,
                                            .peer = asked->peer,
                                            .request = asked->request};
    restore->stage = RESTORE_SAVING;
    int error = savepoints_change(restore->all->server->savepoints, &order, on_saved, restore);
    if (error != 0) {
        on_saved(restore, &(struct admin_point_result){.error = error, .why = error_text(error)});
    }
}

static void on_planned(struct worker_job *job)
{
    struct restore *restore = (struct restore *)job;
    struct admin_restore_result *result = &restore->result;
    struct restores *all = restore->all;
    if (restore->reader != NULL) { /* it was called off before it ran */
        reader_close(restore->reader);
        restore->reader = NULL;
    }
    if (result->trouble == ADMIN_RESTORE_GOOD && progress_is_cancelled(&job->progress)) {
        (void)restore_refuse(restore, ADMIN_RESTORE_CALLED_OFF, ERROR_CANCELLED, NULL);
    }
    if (result->trouble != ADMIN_RESTORE_GOOD || restore->asked.dry_run) {
        end(restore);
    } else if (all->server->is_frozen) {
        (void)restore_refuse(restore, ADMIN_RESTORE_CALLED_OFF, ERROR_BUSY,
                             "another process is taking over: ask again in a moment");
        end(restore);
    } else if (restore->plan.count == 0) {
        result->durable = true;
        end(restore);
    } else if (restore->unserved.total != 0 && !restore->asked.allow_unserved) {
        (void)restore_refuse(restore, ADMIN_RESTORE_UNSERVED, ERROR_CONFLICT, NULL);
        end(restore);
    } else if (all->current != NULL && all->current != restore) {
        (void)restore_refuse(restore, ADMIN_RESTORE_RUNNING, ERROR_CONFLICT,
                             "another one is being carried out");
        end(restore);
    } else if (!is_current(restore)) {
        plan_again(restore);
    } else {
        all->current = restore;
        save_point(restore);
    }
}

/* When its turn has come, on the control thread. */
static void prepare(struct worker_job *job)
{
    struct restore *restore = (struct restore *)job;
    struct server *server = restore->all->server;
    if (restore->reader != NULL) {
        return;
    }
    lock_take(&server->lock);
    restore->override_changes = health_count_override_changes(server->view->health);
    lock_leave(&server->lock);
    restore->clock_offset_ms = server->clock_offset_ms;
    restore->reader = reader_open(server);
}

static void plan_again(struct restore *restore)
{
    const char *saved = restore->result.saved;
    struct worker *lane = lanes_get(restore->all->server->lanes, ADMIN_LONG);
    restore->stage = RESTORE_PLANNING;
    restore->rounds++;
    arena_free(restore->planned);
    restore->planned = arena_new(0);
    restore->plan = (struct restore_plan){.count = 0};
    restore->unserved = (struct operate_unserved){.total = 0};
    restore->result = (struct admin_restore_result){.dry_run = restore->asked.dry_run, .saved = saved};
    if (worker_submit(lane, &restore->job) != 0) {
        (void)restore_refuse(restore, ADMIN_RESTORE_CALLED_OFF, ERROR_BUSY,
                             "too many answers are being computed; ask again later");
        end(restore);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct restores *all = argument;
    struct restore *restore = all->current;
    (void)fd, (void)what;
    if (restore == NULL) {
        return;
    }
    if (restore->stage == RESTORE_MEETING) {
        meet(restore);
    } else if (restore->stage == RESTORE_APPLYING) {
        apply_some(restore);
    } else if (restore->stage == RESTORE_WRITING) {
        durable_note_late(all->server->durable, (int)restore->unwritten);
        begin_to_apply(restore, false, slow);
    }
}

/* ---- life ---- */

void restores_start(struct restores *all, const struct admin_restore *asked, admin_restore_done *done,
                    void *argument)
{
    struct restore *restore = memory_alloc(sizeof *restore);
    struct arena *arena = arena_new(0);
    *restore = (struct restore){
        .job = {.name = "restore", .prepare = prepare, .run = run, .done = on_planned},
        .all = all,
        .next = all->first,
        .arena = arena,
        .asked = *asked,
        .done = done,
        .argument = argument,
    };
    restore->asked.to = arena_copy_text(arena, asked->to);
    restore->asked.lines = asked->lines == NULL ? NULL : arena_copy(arena, asked->lines, asked->lines_len);
    restore->asked.actor = arena_copy_text(arena, asked->actor);
    restore->asked.peer = arena_copy_text(arena, asked->peer);
    restore->asked.reason = arena_copy_text(arena, asked->reason);
    restore->asked.request = arena_copy_text(arena, asked->request);
    all->first = restore;
    plan_again(restore);
}

bool restores_any(const struct restores *all)
{
    const struct restore *restore = all == NULL ? NULL : all->first;
    while (restore != NULL && restore->asked.dry_run) {
        restore = restore->next;
    }
    return restore != NULL;
}

struct restores *restores_open(struct server *server)
{
    struct restores *all = memory_alloc(sizeof *all);
    all->server = server;
    all->timer = evtimer_new(server->base, on_timer, all);
    if (all->timer == NULL) {
        free(all);
        return NULL;
    }
    return all;
}

void restores_close(struct restores *all)
{
    if (all == NULL) {
        return;
    }
    while (all->first != NULL) {
        struct restore *restore = all->first;
        restore->unwritten = 0; /* NOLINT(clang-analyzer-unix.Malloc): end() takes it off the list */
        if (restore->done != NULL) {
            (void)restore_refuse(restore, ADMIN_RESTORE_CALLED_OFF, ERROR_CANCELLED, NULL);
        }
        end(restore);
    }
    event_free(all->timer);
    free(all);
}
