/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See restore.h. A restore is planned and previewed on a worker, over a snapshot; if overrides have changed
 * by then it is planned again. When a point is saved its targets are marked, as those of an order are: orders
 * about them wait, and come after it. What is written down is applied in turns, so that nothing waits for
 * ten thousand overrides; other answers in between see those that hold already. */
#include "config.h"

#include "daemon/restore.h"

#include "daemon/answers.h"
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

enum { ROUNDS = 3 }; /* of planning, then it is believed */

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
    forget(restore);
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

/* ---- carrying out ---- */

static void on_carried_out(void *context, const struct batch_result *done)
{
    struct restore *restore = context;
    if (done->error != 0) {
        restore->planned = arena_new(0);
        (void)restore_refuse(restore, ADMIN_RESTORE_CALLED_OFF, done->error, NULL);
        end(restore);
        return;
    }
    restore->result.durable = done->durable;
    restore->result.not_durable_because = done->not_durable_because;
    restore->result.transactions = done->transactions;
    if (!done->is_refused) {
        say(restore);
        note_use(restore);
    }
    end(restore);
}

static void carry_out(struct restore *restore)
{
    struct store_op *mark = arena_alloc(restore->planned, sizeof *mark);
    unsigned marks = restore->plan.ops.count == 0
                         ? 0 /* nothing is written: to look again is as good */
                         : answers_add_op(restore->asked.receipt, restore->planned, mark);
    const struct batch_plan plan = {
        .arena = restore->planned,
        .ops = restore->plan.ops,
        .others = mark,
        .other_count = marks,
        .cause = {.actor = arena_copy_text(restore->planned, restore->asked.actor),
                  .peer = arena_copy_text(restore->planned, restore->asked.peer),
                  .reason = arena_copy_text(restore->planned, restore->asked.reason),
                  .request = arena_copy_text(restore->planned, restore->asked.request)},
        .sender = {.change = restore->asked.change},
        .clock_offset_ms = restore->clock_offset_ms,
        .context = restore,
        .done = on_carried_out};
    restore->planned = NULL; /* it is the batch's */
    batches_start(restore->all->server->batches, &plan);
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
        carry_out(restore);
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
    } else if (restore->plan.ops.count == 0) {
        result->durable = true;
        end(restore);
    } else if (!operate_rules_allow(&restore->rules, restore->asked.rules, restore->asked.rule_count)) {
        (void)restore_refuse(restore, ADMIN_RESTORE_RULES, ERROR_CONFLICT, NULL);
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
    restore->rounds++;
    arena_free(restore->planned);
    restore->planned = arena_new(0);
    restore->plan = (struct restore_plan){.ops = {.count = 0}};
    restore->unserved = (struct operate_unserved){.total = 0};
    restore->rules = (struct operate_rules){.count = 0};
    restore->result = (struct admin_restore_result){.dry_run = restore->asked.dry_run, .saved = saved};
    if (worker_submit(lane, &restore->job) != 0) {
        (void)restore_refuse(restore, ADMIN_RESTORE_CALLED_OFF, ERROR_BUSY,
                             "too many answers are being computed; ask again later");
        end(restore);
    }
}

/* ---- life ---- */

static const char *const *copy_names(const struct admin_restore *asked, struct arena *arena)
{
    const char **names = arena_alloc(arena, asked->rule_count * sizeof(const char *));
    for (size_t i = 0; i < asked->rule_count; i++) {
        names[i] = arena_copy_text(arena, asked->rules[i]);
    }
    return names;
}

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
    restore->asked.rules = copy_names(asked, arena);
    restore->asked.receipt = answers_copy(asked->receipt, arena);
    all->first = restore;
    if (asked->show != NULL) {
        asked->show(argument, &restore->job);
    }
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
    return all;
}

void restores_close(struct restores *all)
{
    if (all == NULL) {
        return;
    }
    while (all->first != NULL) {
        struct restore *restore = all->first;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): end() takes it off the list */
        if (restore->done != NULL) {
            (void)restore_refuse(restore, ADMIN_RESTORE_CALLED_OFF, ERROR_CANCELLED, NULL);
        }
        end(restore);
    }
    free(all);
}
