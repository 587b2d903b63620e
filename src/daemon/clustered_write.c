/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What this node says: through etcd first, then to the local store, with the position in the same
 * transaction. What holds already and could not be told goes to the store alone, with a note of what it was,
 * so that it can be told later, also by the next process. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/durable.h"
#include "daemon/server.h"
#include "daemon/switchovers.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "store/kinds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A job on its way: its owner keeps what it points to until it is done. */
struct sharing {
    struct cluster_write write; /* the first, so that one is the other */
    struct store_job job;       /* what the store gets */
    struct clustered *clustered;
    struct store_job *owner;
    struct clustered_order order;
    struct arena *texts;
    struct store_op *shared, *ops;
    size_t shared_count;
    uint64_t *seqs;
    bool is_written; /* by the cluster */
    bool
        is_plain; /* it can be taken back, and was judged for its turn, or by sight: it is written, or none */
    /* Etcd did not answer in time: it is pending by now, and its owner was told. */
    bool is_late, is_stored, is_known;
    struct store_job after; /* what became known then */
    uint64_t mark;          /* of the last part that became pending; 0: none */
};

static struct sharing *find_sharing(struct store_job *job)
{
    return (struct sharing *)(void *)((char *)job - offsetof(struct sharing, job));
}

/* ---- the end ---- */

static void give_back(const struct sharing *sharing)
{
    struct store_job *owner = sharing->owner;
    const struct store_job *job = &sharing->job;
    owner->error = job->error;
    owner->seq = job->seq;
    owner->conflict = job->conflict < owner->op_count ? job->conflict : 0;
    for (size_t i = 0; owner->seqs != NULL && job->error == 0 && i < owner->op_count; i++) {
        owner->seqs[i] = sharing->seqs[i];
    }
    if (!owner->insists && sharing->is_written) {
        owner->error = 0; /* it holds on all nodes, and here as soon as the disk has it */
    }
}

static void finish(struct sharing *sharing)
{
    struct clustered *clustered = sharing->clustered;
    struct store_job *owner = sharing->owner;
    clustered_end_job(clustered, sharing->order.number);
    arena_free(sharing->texts);
    free(sharing);
    owner->done(owner);
    clustered_changes_go_on(clustered);
}

/* When both the store and etcd have done with it. */
static void let_go(struct sharing *sharing)
{
    if (sharing->is_stored && sharing->is_known) {
        arena_free(sharing->texts);
        free(sharing);
    }
}

static void on_stored(struct store_job *job)
{
    struct sharing *sharing = find_sharing(job);
    struct clustered *clustered = sharing->clustered;
    struct store_job *owner = sharing->owner;
    give_back(sharing);
    if (!sharing->is_late) {
        finish(sharing);
        return;
    }
    sharing->is_stored = true;
    clustered_end_job(clustered, sharing->order.number);
    let_go(sharing);
    owner->done(owner);
    clustered_changes_go_on(clustered);
}

/* ---- into the store ---- */

/* With room for some more than its owner's. */
static void begin_job(struct sharing *sharing, size_t more)
{
    const struct store_job *owner = sharing->owner;
    size_t count = owner->op_count + more;
    sharing->ops = arena_alloc(sharing->texts, count * sizeof *sharing->ops);
    sharing->seqs = arena_alloc(sharing->texts, count * sizeof *sharing->seqs);
    for (size_t i = 0; i < owner->op_count; i++) {
        sharing->ops[i] = owner->ops[i];
        sharing->ops[i].if_revision = STORE_ANY; /* it was judged, and holds by now */
    }
    sharing->job = (struct store_job){.cause = owner->cause,
                                      .ops = sharing->ops,
                                      .op_count = owner->op_count,
                                      .insists = true,
                                      .seqs = sharing->seqs,
                                      .done = on_stored};
}

/* An order about it ends what was undecided. */
static void end_conflicts(struct sharing *sharing)
{
    for (size_t i = 0; i < sharing->write.written; i++) {
        const struct store_op *op = &sharing->shared[i];
        if (strcmp(op->kind, CONFLICT_KIND) == 0) {
            sharing->ops[sharing->job.op_count++] = *op;
            clustered_put_conflict(sharing->clustered, op->key, NULL);
        }
    }
}

/* As far as it is written, with the position behind that. */
static void add_written(struct sharing *sharing)
{
    if (sharing->write.written != 0) {
        end_conflicts(sharing);
        sharing->ops[sharing->job.op_count++] = clustered_position_op(&sharing->write.at, sharing->texts);
        clustered_note_fate(sharing->clustered, sharing->order.number, CLUSTERED_WRITTEN,
                            sharing->write.at.seq);
    }
}

static void store_written(struct sharing *sharing)
{
    struct clustered *clustered = sharing->clustered;
    begin_job(sharing, 1 + sharing->shared_count);
    add_written(sharing);
    durable_submit_here(clustered->server->durable, &sharing->job);
    if (sharing->write.came_after) {
        clustered_put_again(clustered, sharing->shared, sharing->shared_count, &sharing->write.at,
                            "it came behind an order of another node");
    }
}

/* ---- pending ---- */

static void pend_part(struct sharing *sharing, size_t first, int64_t wall_ms)
{
    struct clustered *clustered = sharing->clustered;
    size_t left = sharing->shared_count - first;
    struct cluster_status status = {.has_position = false};
    bool is_open = clustered->cluster != NULL && sharing->write.error != ERROR_CANCELLED;
    bool is_placed =
        is_open || clustered->is_leaving; /* what is given up is so at the position that it had */
    uint64_t over[CLUSTERED_OVER_MAX];
    size_t over_count = 0, count = left < CLUSTER_OPS_MAX ? left : CLUSTER_OPS_MAX;
    if (is_placed) {
        cluster_get_status(clustered->cluster, &status);
    }
    for (size_t i = first; is_open && i < first + count; i++) {
        over_count += cluster_list_marks(clustered->cluster, &sharing->shared[i], over + over_count,
                                         CLUSTERED_OVER_MAX - over_count);
        over_count = over_count < CLUSTERED_OVER_MAX ? over_count : CLUSTERED_OVER_MAX;
    }
    struct cluster_pending pending = {.number = clustered->next_pending++,
                                      .mark = sharing->write.mark + first / CLUSTER_OPS_MAX,
                                      .since_ms = wall_ms,
                                      .born_ms = clock_now_ms(&clustered->server->clock),
                                      .has_position = status.has_position,
                                      .at = status.at,
                                      .cause = sharing->owner->cause,
                                      .ops = sharing->shared + first,
                                      .op_count = count,
                                      .over = over,
                                      .over_count = over_count};
    pending.cause.wall_ms = wall_ms;
    char *text = clustered_write_pending(&pending, clustered->node);
    if (text == NULL) {
        log_error("order not to be told number=%" PRIu64
                  " why=\"it is too long\" effect=\"it holds here only\"",
                  pending.number);
        return;
    }
    sharing->ops[sharing->job.op_count++] =
        (struct store_op){.kind = PENDING_KIND,
                          .key = arena_print(sharing->texts, "%020" PRIu64, pending.number),
                          .value = arena_copy_text(sharing->texts, text),
                          .if_revision = STORE_ANY};
    if (is_open) {
        cluster_pend(clustered->cluster, &pending);
        clustered_tell_peers(clustered, &pending, text);
        sharing->mark = pending.mark;
    }
    free(text);
}

/* What of it was not written. */
static void store_pending(struct sharing *sharing)
{
    struct clustered *clustered = sharing->clustered;
    int64_t wall_ms = clock_wall_ms(&clustered->server->clock);
    begin_job(sharing, sharing->shared_count + sharing->shared_count / CLUSTER_OPS_MAX + 2);
    add_written(sharing);
    for (size_t first = sharing->write.written; first < sharing->shared_count; first += CLUSTER_OPS_MAX) {
        pend_part(sharing, first, wall_ms);
    }
    clustered_note_fate(clustered, sharing->order.number, CLUSTERED_PENDED, sharing->mark);
    log_warning("order provisional kind=%s key=%s actor=\"%s\" why=\"%s\" effect=\"it holds here, and where "
                "this node is linked to; the cluster is told as soon as etcd is back\"",
                sharing->shared[0].kind, sharing->shared[0].key,
                sharing->owner->cause.actor == NULL ? "" : sharing->owner->cause.actor,
                error_text(sharing->is_late ? -ETIMEDOUT : sharing->write.error));
    durable_submit_here(clustered->server->durable, &sharing->job);
}

/* ---- through etcd ---- */

static void fail(struct sharing *sharing)
{
    struct store_job *owner = sharing->owner;
    int error = sharing->write.error;
    bool is_known = error == -ETIMEDOUT || error == ERROR_CANCELLED ||
                    (error == ERROR_PRECONDITION && sharing->write.needs_sight);
    owner->error = is_known ? error : -ENETUNREACH;
    finish(sharing);
}

/* Can what holds by it become what the store has again? */
static bool can_be_taken_back(const struct store_op *op)
{
    return strcmp(op->kind, OVERRIDE_KIND) == 0 || strcmp(op->kind, CONFLICT_KIND) == 0 ||
           strcmp(op->kind, SWITCHOVER_KIND) == 0;
}

static void follow_others(struct clustered *clustered, const struct store_op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        clustered_follow_object(clustered, ops[i].kind, ops[i].key, ops[i].value);
    }
}

/* What of it the store has something of, overrides or others. */
static size_t list_kept(const struct sharing *sharing, bool are_overrides, struct arena *arena,
                        struct store_op *ops)
{
    size_t count = 0;
    for (size_t i = 0; i < sharing->shared_count; i++) {
        const struct store_op *from = &sharing->shared[i];
        if ((strcmp(from->kind, OVERRIDE_KIND) == 0) == are_overrides &&
            strcmp(from->kind, CONFLICT_KIND) != 0) { /* a conflict is not over before that is written */
            ops[count++] = (struct store_op){.kind = arena_copy_text(arena, from->kind),
                                             .key = arena_copy_text(arena, from->key),
                                             .if_revision = STORE_ANY};
        }
    }
    return count;
}

/* What the store has of all this holds again: what was ordered instead was judged by a turn that is over, or
 * before somebody's emergency, or nobody else would know of it. */
static void take_back(struct sharing *sharing)
{
    struct clustered *clustered = sharing->clustered;
    struct arena *arena = arena_new(0);
    struct store_op *ops = arena_alloc(arena, (sharing->shared_count + 1) * sizeof *ops);
    size_t overrides = list_kept(sharing, true, arena, ops);
    size_t count = overrides + list_kept(sharing, false, arena, ops + overrides);
    int error = clustered_read_values(clustered, ops, count, arena);
    log_warning("order taken back kind=%s key=%s why=\"%s\" effect=\"what held before holds again\"",
                sharing->shared[0].kind, sharing->shared[0].key, error_text(sharing->write.error));
    clustered_note_fate(clustered, sharing->order.number,
                        sharing->write.error == ERROR_CANCELLED ? CLUSTERED_UNKNOWN : CLUSTERED_REFUSED, 0);
    sharing->owner->error = ERROR_CONFLICT;
    finish(sharing);
    if (error == 0 && overrides != 0) {
        clustered_put_again(clustered, ops, overrides, NULL, "the order was not written");
    }
    if (error == 0) {
        follow_others(clustered, ops + overrides, count - overrides);
    }
    arena_free(arena);
}

/* ---- late ---- */

static void on_after(struct store_job *job)
{
    struct sharing *sharing = (struct sharing *)(void *)((char *)job - offsetof(struct sharing, after));
    sharing->is_known = true;
    let_go(sharing);
}

/* It was pending by then. If it is written all the same, its mark has settled that; else it is brought. */
static void end_late(struct sharing *sharing)
{
    struct clustered *clustered = sharing->clustered;
    const struct cluster_write *write = &sharing->write;
    if (write->written == 0) {
        sharing->is_known = true;
        let_go(sharing);
        return;
    }
    struct store_op *ops = arena_alloc(sharing->texts, (sharing->shared_count + 1) * sizeof *ops);
    size_t count = 0;
    for (size_t i = 0; i < write->written; i++) {
        if (strcmp(sharing->shared[i].kind, CONFLICT_KIND) == 0) {
            ops[count++] = sharing->shared[i];
            clustered_put_conflict(clustered, sharing->shared[i].key, NULL);
        }
    }
    ops[count++] = clustered_position_op(&write->at, sharing->texts);
    sharing->after = (struct store_job){
        .cause = write->cause, .ops = ops, .op_count = count, .insists = true, .done = on_after};
    durable_submit_here(clustered->server->durable, &sharing->after);
    if (write->came_after) {
        clustered_put_again(clustered, sharing->shared, sharing->shared_count, &write->at,
                            "it came behind an order of another node");
    }
}

/* From here on it is as if etcd were away: what holds lies in the store before anybody is told that it does.
 */
static void on_late(struct cluster_write *write)
{
    struct sharing *sharing = (struct sharing *)write;
    if (sharing->owner->insists && !sharing->is_plain) {
        sharing->is_late = true;
        store_pending(sharing);
    }
}

static void on_written(struct cluster_write *write)
{
    struct sharing *sharing = (struct sharing *)write;
    struct clustered *clustered = sharing->clustered;
    bool is_again = !sharing->is_late && !sharing->is_plain && sharing->owner->insists &&
                    write->error == ERROR_PRECONDITION && write->written == 0;
    if (is_again) { /* somebody's emergency came before it, and it holds here by now all the same */
        write->needs_turn = write->needs_sight = false;
        cluster_submit(clustered->cluster, write);
        return;
    }
    clustered_note_known(clustered, sharing->order.number);
    if (sharing->is_late) {
        end_late(sharing);
        return;
    }
    sharing->is_written = write->error == 0;
    if (write->error != 0 && sharing->is_plain &&
        write->written == 0) { /* else some of it is in force elsewhere */
        if (write->error == ERROR_CANCELLED && clustered->is_leaving) {
            fail(sharing); /* if it is written, it comes as an entry */
        } else {
            take_back(sharing);
        }
    } else if (write->error == 0) {
        store_written(sharing);
    } else if (sharing->owner->insists) {
        store_pending(sharing);
    } else {
        fail(sharing);
    }
}

static size_t count_shared(const struct store_job *job)
{
    size_t count = 0;
    for (size_t i = 0; i < job->op_count; i++) {
        count += cluster_is_shared(job->ops[i].kind);
    }
    return count;
}

/* Its own: it may be under way for longer than its owner waits. */
static void copy_shared(struct sharing *sharing, const struct store_op *op)
{
    struct arena *arena = sharing->texts;
    struct store_op *copy = &sharing->shared[sharing->shared_count++];
    *copy = *op;
    copy->kind = arena_copy_text(arena, op->kind);
    copy->key = arena_copy_text(arena, op->key);
    copy->value = arena_copy_text(arena, op->value);
}

static struct store_cause copy_cause(const struct store_cause *cause, struct arena *arena)
{
    struct store_cause copy = *cause;
    copy.actor = arena_copy_text(arena, cause->actor);
    copy.peer = arena_copy_text(arena, cause->peer);
    copy.reason = arena_copy_text(arena, cause->reason);
    copy.request = arena_copy_text(arena, cause->request);
    return copy;
}

static bool is_revocable(const struct sharing *sharing)
{
    bool is = true;
    for (size_t i = 0; i < sharing->shared_count; i++) {
        is = is && can_be_taken_back(&sharing->shared[i]);
    }
    return is;
}

static void list_shared(struct sharing *sharing)
{
    const struct clustered *clustered = sharing->clustered;
    const struct store_job *owner = sharing->owner;
    for (size_t i = 0; i < owner->op_count; i++) {
        const struct store_op *op = &owner->ops[i];
        if (!cluster_is_shared(op->kind)) {
            continue;
        }
        copy_shared(sharing, op);
        const char *key = arena_print(sharing->texts, "%s:%s", op->kind, op->key);
        if (strcmp(op->kind, CONFLICT_KIND) != 0 && clustered_find_conflict(clustered, key) != NULL) {
            sharing->shared[sharing->shared_count++] =
                (struct store_op){.kind = CONFLICT_KIND, .key = key, .if_revision = STORE_ANY};
        }
    }
}

void clustered_submit(void *context, struct store_job *job, const struct durable_sender *sender)
{
    struct clustered *clustered = context;
    size_t count = count_shared(job);
    if (count == 0) {
        durable_submit_here(clustered->server->durable, job);
        return;
    }
    struct sharing *sharing = memory_alloc(sizeof *sharing);
    *sharing = (struct sharing){.clustered = clustered,
                                .owner = job,
                                .order = clustered_find_order(clustered, sender),
                                .texts = arena_new(0)};
    sharing->shared = arena_alloc(sharing->texts, 2 * count * sizeof *sharing->shared);
    list_shared(sharing);
    sharing->write =
        (struct cluster_write){.cause = copy_cause(&job->cause, sharing->texts),
                               .ops = sharing->shared,
                               .op_count = sharing->shared_count,
                               .deadline_ms = clustered_find_deadline(clustered, sharing->order.is_emergency),
                               .needs_turn = sharing->order.has_turn,
                               .needs_sight = sender->needs_sight && !sharing->order.has_turn,
                               .sight = sender->sight,
                               .late = on_late,
                               .done = on_written};
    bool is_judged = (sharing->order.has_turn && !sharing->order.is_emergency) || sender->needs_sight;
    sharing->is_plain = job->insists && is_judged && is_revocable(sharing);
    random_make_secret(&sharing->write.mark, sizeof sharing->write.mark);
    clustered_begin_job(clustered, sharing->order.number);
    cluster_submit(clustered->cluster, &sharing->write);
    clustered_poke(clustered);
}
