/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See batch.h. */
#include "config.h"

#include "daemon/batch.h"

#include "daemon/changes.h"
#include "daemon/durable.h"
#include "daemon/expiry.h"
#include "daemon/orders.h"
#include "daemon/revisions.h"
#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "base/error.h"
#include "base/memory.h"
#include "store/kinds.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

enum {
    TURN_US = 400, /* of putting, and */
    TURN_OPS = 64, /* so many at most */
};

enum stage {
    WAITING,  /* for another one */
    PUTTING,  /* in turns, while the disk works */
    SETTLING, /* in force, and the store is not done */
    LATE,     /* likewise, and that was told */
};

struct batch;

/* One transaction. */
struct writing {
    struct store_job job; /* the first, so that one is the other */
    struct batch *batch;
    struct store_op *ops;
    uint64_t *seqs; /* of their entries */
};

struct batch {
    struct durable_order mark; /* the first, likewise */
    struct batches *all;
    struct batch *next;
    enum stage stage;
    struct batch_plan plan;
    struct batch_result result;
    struct writing *writings;
    size_t unwritten, put;
    int64_t since_us; /* monotonic: when the first was in force */
};

struct batches {
    struct server *server;
    struct batch *first, **last; /* in the order in which they came */
    struct batch *current;       /* that is put; one at a time */
    struct event *timer;         /* its next turn, or somebody's patience ends */
};

/* ---- ops ---- */

bool batch_apply(const struct view *view, const struct batch_op *op, int64_t wall_ms)
{
    if (op->value == NULL) {
        const struct health_override none = {.desired = HEALTH_DESIRED_AUTO, .set_ms = wall_ms};
        (void)operate_put_override(view, op->kind, op->name, &none, wall_ms);
        return true;
    }
    return health_restore_override(view->health, op->kind, op->name, &op->what, op->planned, wall_ms) !=
           ERROR_INVALID;
}

const struct batch_op *batch_find(const struct batch_ops *ops, enum health_kind kind, const char *name)
{
    size_t low = 0, high = ops->count;
    const char *word = health_kind_text(kind);
    size_t len = strlen(word);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *key = ops->items[middle].key;
        int order = strncmp(key, word, len);
        order = order != 0        ? order
                : key[len] != ':' ? (key[len] < ':' ? -1 : 1)
                                  : strcmp(key + len + 1, name);
        if (order == 0) {
            return &ops->items[middle];
        }
        low = order < 0 ? middle + 1 : low;
        high = order < 0 ? high : middle;
    }
    return NULL;
}

/* ---- the end ---- */

static void forget(struct batch *batch)
{
    struct batch **at = &batch->all->first;
    while (*at != batch) {
        at = &(*at)->next;
    }
    *at = batch->next;
    if (*at == NULL) {
        batch->all->last = at;
    }
    for (size_t i = 0; batch->writings != NULL && i < batch->result.transactions; i++) {
        free(batch->writings[i].ops);
        free(batch->writings[i].seqs);
    }
    free(batch->writings);
    arena_free(batch->plan.arena);
    free(batch);
}

/* The last that happens to it, unless the store is not done with it yet. */
static void end(struct batch *batch)
{
    void (*done)(void *context, const struct batch_result *result) = batch->plan.done;
    batch->stage = LATE;
    batch->plan.done = NULL;
    if (done != NULL) {
        done(batch->plan.context, &batch->result);
    }
    if (batch->unwritten == 0) {
        forget(batch);
    }
}

/* ---- putting ---- */

static int64_t find_until_us(const struct batch *batch)
{
    return batch->since_us + durable_patience_us(batch->all->server->durable, batch->plan.is_emergency);
}

/* One where it burns goes before the others. */
static struct batch *find_next(const struct batches *all)
{
    struct batch *found = NULL;
    for (struct batch *batch = all->first; batch != NULL; batch = batch->next) {
        bool is_better = found == NULL || (batch->plan.is_emergency && !found->plan.is_emergency);
        found = batch->stage == WAITING && is_better ? batch : found;
    }
    return found;
}

static void schedule(struct batches *all)
{
    int64_t now_us = clock_now_us(&all->server->clock), until_us = INT64_MAX;
    if (all->current != NULL || find_next(all) != NULL) {
        until_us = now_us;
    }
    for (const struct batch *batch = all->first; batch != NULL; batch = batch->next) {
        int64_t its_us = batch->stage == SETTLING ? find_until_us(batch) : INT64_MAX;
        until_us = its_us < until_us ? its_us : until_us;
    }
    if (until_us == INT64_MAX) {
        event_del(all->timer);
        return;
    }
    int64_t left_us = until_us > now_us ? until_us - now_us : 0;
    const struct timeval timeout = {.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};
    event_add(all->timer, &timeout);
}

static void put_one(struct batch *batch, struct batch_op *op, int64_t wall_ms)
{
    struct server *server = batch->all->server;
    int64_t by_ms = server->clock_offset_ms - batch->plan.clock_offset_ms;
    bool is_shifted = op->value != NULL && by_ms != 0 && health_override_shift(&op->what, op->planned, by_ms);
    lock_take(&server->lock);
    bool is_put = batch_apply(server->view, op, wall_ms);
    lock_leave(&server->lock);
    durable_note_order(server->durable, op->kind, op->name);
    if (is_put) {
        changes_tell_override(server->changes, op->kind, op->name, &op->what);
    }
    if (!is_put || is_shifted) { /* what was written is not what is */
        durable_keep(server->durable, op->kind, op->name, "as it came to be");
    }
}

/* All are in force; who waits for the disk, too, does so without holding up others. */
static void finish(struct batch *batch)
{
    struct server *server = batch->all->server;
    struct batches *all = batch->all;
    durable_end(server->durable, &batch->mark);
    server_schedule_expiry(server);
    all->current = NULL;
    batch->stage = SETTLING;
    if (batch->unwritten == 0) {
        end(batch);
    }
    orders_go_on(server->orders);
}

/* Those that remove come first where the list has them first; each target is there once. */
static void put_some(struct batch *batch)
{
    struct server *server = batch->all->server;
    const struct batch_ops *ops = &batch->plan.ops;
    server_follow_clock_step(server); /* it knows the time as it is now */
    int64_t until_us = clock_now_us(&server->clock) + TURN_US, wall_ms = clock_wall_ms(&server->clock);
    for (size_t i = 0; i < TURN_OPS && batch->put < ops->count; i++) {
        put_one(batch, &ops->items[batch->put++], wall_ms);
        if (clock_now_us(&server->clock) >= until_us) {
            break;
        }
    }
    server_forget_snapshot(server);
    if (batch->put == ops->count) {
        finish(batch);
    }
}

/* ---- the store's part ---- */

static const char *find_reason(const struct batch *batch, int error)
{
    struct durable_status status;
    durable_get_status(batch->all->server->durable, &status); /* it may be well again */
    const char *reason = status.stats.reason;
    return arena_copy_text(batch->plan.arena, reason[0] == '\0' ? error_text(error) : reason);
}

static void settle_late(struct batch *batch, const struct store_job *job)
{
    struct server *server = batch->all->server;
    durable_note_late(server->durable, -1);
    if (batch->unwritten == 0) {
        durable_tell_late(server->durable, job, batch->since_us);
        forget(batch);
    }
}

static void on_written(struct store_job *job)
{
    struct batch *batch = ((struct writing *)job)->batch;
    struct batches *all = batch->all;
    batch->unwritten--;
    revisions_end(all->server->revisions, job);
    if (batch->stage == LATE) {
        settle_late(batch, job);
        return;
    }
    if (job->error != 0) {
        batch->result.is_refused = batch->result.is_refused || job->error == ERROR_CONFLICT;
        batch->result.durable = false;
        batch->result.not_durable_because = find_reason(batch, job->error);
    }
    if (batch->stage == SETTLING && batch->unwritten == 0) {
        end(batch);
        schedule(all);
    }
}

/* Others go with the last one: what they tell of is whole then. */
static void write_ops(struct batch *batch, struct writing *writing, size_t first, size_t count)
{
    const struct batch_plan *plan = &batch->plan;
    bool is_last = writing == &batch->writings[batch->result.transactions - 1];
    size_t others = is_last ? plan->other_count : 0;
    writing->batch = batch;
    writing->ops = memory_alloc_array(others + count, sizeof *writing->ops);
    writing->seqs = memory_alloc_array(others + count, sizeof *writing->seqs);
    for (size_t i = 0; i < others; i++) {
        writing->ops[i] = plan->others[i];
    }
    for (size_t i = 0; i < count; i++) {
        const struct batch_op *op = &plan->ops.items[first + i];
        writing->ops[others + i] = (struct store_op){
            .kind = OVERRIDE_KIND, .key = op->key, .value = op->written, .if_revision = STORE_ANY};
    }
    writing->job = (struct store_job){.cause = plan->cause,
                                      .ops = writing->ops,
                                      .seqs = writing->seqs,
                                      .op_count = others + count,
                                      .insists = true,
                                      .done = on_written};
}

static size_t count_transactions(const struct batch_plan *plan)
{
    size_t all = plan->ops.count + plan->other_count;
    return (all + STORE_OPS_MAX - 1) / STORE_OPS_MAX;
}

static void write_down(struct batch *batch)
{
    struct server *server = batch->all->server;
    const struct batch_plan *plan = &batch->plan;
    size_t count = count_transactions(plan), at = 0;
    if (!durable_has_store(server->durable) || count == 0) {
        return;
    }
    batch->result.durable = true; /* unless it fails */
    batch->writings = memory_alloc_array(count, sizeof *batch->writings);
    batch->result.transactions = batch->unwritten = count;
    for (size_t i = 0; i < count; i++) {
        size_t left = plan->ops.count - at, some = left < STORE_OPS_MAX ? left : STORE_OPS_MAX;
        write_ops(batch, &batch->writings[i], at, some);
        at += some;
        revisions_begin(server->revisions, &batch->writings[i].job);
        if (plan->is_local) {
            durable_submit_here(server->durable, &batch->writings[i].job);
        } else {
            durable_send(server->durable, &batch->writings[i].job, &plan->sender);
        }
    }
}

static bool covers(const struct durable_order *order, enum health_kind kind, const char *name)
{
    const struct batch *batch = (const struct batch *)order;
    return batch_find(&batch->plan.ops, kind, name) != NULL;
}

/* The disk is asked in the turn in which the first are put, and works while the others are. */
static void begin(struct batches *all, struct batch *batch)
{
    all->current = batch;
    batch->stage = PUTTING;
    batch->since_us = clock_now_us(&all->server->clock);
    durable_begin(all->server->durable, &batch->mark);
    write_down(batch);
    put_some(batch);
}

static void lose_patience(struct batch *batch)
{
    durable_note_late(batch->all->server->durable, (int)batch->unwritten);
    batch->result.durable = false;
    batch->result.not_durable_because = durable_slow_text(batch->plan.is_emergency);
    end(batch);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct batches *all = argument;
    (void)fd, (void)what;
    struct batch *next = find_next(all);
    if (all->current != NULL) {
        put_some(all->current);
    } else if (next != NULL) {
        begin(all, next);
    }
    int64_t now_us = clock_now_us(&all->server->clock);
    for (struct batch *batch = all->first; batch != NULL; batch = batch->next) {
        if (batch->stage == SETTLING && find_until_us(batch) <= now_us) {
            lose_patience(batch); /* it stays in the list: the store has it */
        }
    }
    schedule(all);
}

/* ---- life ---- */

void batches_start(struct batches *all, const struct batch_plan *plan)
{
    struct batch *batch = memory_alloc(sizeof *batch);
    *batch = (struct batch){.mark = {.covers = covers}, .all = all, .plan = *plan};
    *all->last = batch;
    all->last = &batch->next;
    if (all->current == NULL) {
        begin(all, find_next(all));
    }
    schedule(all);
}

bool batches_any(const struct batches *all)
{
    const struct batch *batch = all == NULL ? NULL : all->first;
    while (batch != NULL && batch->stage == LATE) {
        batch = batch->next;
    }
    return batch != NULL;
}

struct batches *batches_open(struct server *server)
{
    struct batches *all = memory_alloc(sizeof *all);
    *all = (struct batches){.server = server, .last = &all->first};
    all->timer = evtimer_new(server->base, on_timer, all);
    if (all->timer == NULL) {
        free(all);
        return NULL;
    }
    return all;
}

void batches_close(struct batches *all)
{
    if (all == NULL) {
        return;
    }
    while (all->first != NULL) {
        struct batch *batch = all->first;
        batch->unwritten = 0; /* NOLINT(clang-analyzer-unix.Malloc): end() takes it off the list */
        batch->result.error = ERROR_CANCELLED;
        end(batch);
    }
    event_free(all->timer);
    free(all);
}
