/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What sets the next bundle, and what ends that: operators' orders, which have the turn, and the decision of
 * the node that has the work, which is written only if nothing else was since it was made. */
#include "config.h"

#include "daemon/rollouts_inside.h"

#include "daemon/answers.h"
#include "daemon/changes.h"
#include "daemon/clustered.h"
#include "daemon/durable.h"
#include "daemon/server.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "conf/cluster.h"
#include "past/bundle.h"

#include <stdlib.h>
#include <string.h>

enum {
    SETTLE_MS = 10000, /* after a time in which nobody could be heard of */
    RETRY_MS = 1000,
};

/* On its way to etcd and the store. */
struct writing {
    struct store_job job; /* the first, so that one is the other */
    struct rollouts *all;
    struct arena *texts;
    struct store_op ops[2];
    uint64_t seqs[2];
    struct rollout next;
    const char *overrides_rules; /* in texts, "room,slowly"; NULL: none */
    bool is_decision;
    struct admin_rollout_result result;
    admin_rollout_done *done; /* NULL: nobody asked */
    void *argument;
};

static struct writing *new_writing(struct rollouts *all)
{
    struct writing *writing = memory_alloc(sizeof *writing);
    *writing = (struct writing){.all = all, .texts = arena_new(0), .next = all->now};
    return writing;
}

static void finish(struct writing *writing)
{
    if (writing->done != NULL) {
        char *json = rollouts_write(writing->all->server);
        writing->result.json = json;
        writing->done(writing->argument, &writing->result);
        free(json);
    }
    arena_free(writing->texts);
    free(writing);
}

static void tell_overridden(const struct writing *writing)
{
    const struct store_cause *cause = &writing->job.cause;
    if (writing->overrides_rules != NULL) {
        changes_tell_overridden(writing->all->server->changes, writing->overrides_rules,
                                &(struct changes_overriding){.target = "configuration",
                                                             .by = "bundle",
                                                             .actor = cause->actor,
                                                             .peer = cause->peer,
                                                             .reason = cause->reason});
    }
}

static void on_written(struct store_job *job)
{
    struct writing *writing = (struct writing *)job;
    struct rollouts *all = writing->all;
    if (writing->is_decision) {
        all->is_deciding = false;
    }
    writing->result.error = job->error;
    writing->result.why = job->error == 0 ? "" : error_text(job->error);
    if (job->error == 0) {
        rollouts_take(all, &writing->next);
        tell_overridden(writing);
    } else if (writing->is_decision) { /* something else came before, or etcd is away: looked at again */
        all->undecided_ms = clock_now_ms(&all->server->clock);
    }
    finish(writing);
}

static void write_it(struct writing *writing, const struct store_cause *cause,
                     const struct admin_receipt *receipt, const struct durable_sender *sender)
{
    struct arena *texts = writing->texts;
    char *text = rollout_write(&writing->next);
    writing->ops[0] = (struct store_op){.kind = ROLLOUT_KIND,
                                        .key = ROLLOUT_KEY,
                                        .value = arena_copy_text(texts, text),
                                        .if_revision = STORE_ANY};
    free(text);
    writing->job = (struct store_job){.cause = {.actor = arena_copy_text(texts, cause->actor),
                                                .peer = arena_copy_text(texts, cause->peer),
                                                .reason = arena_copy_text(texts, cause->reason),
                                                .request = arena_copy_text(texts, cause->request)},
                                      .ops = writing->ops,
                                      .op_count = 1 + answers_add_op(receipt, texts, &writing->ops[1]),
                                      .seqs = writing->seqs,
                                      .done = on_written};
    if (sender == NULL) {
        durable_submit(writing->all->server->durable, &writing->job);
    } else {
        durable_send(writing->all->server->durable, &writing->job, sender);
    }
}

/* ---- what operators order ---- */

static void refuse(struct writing *writing, int error, const char *why)
{
    writing->result.error = error;
    writing->result.why = why;
}

/* What brings no more than the active bundle has is covered by who activated that, so it holds on nodes, too,
 * that have not had it. */
static enum role choose_role(const struct writing *writing, const struct admin_rollout_order *order)
{
    const struct server *server = writing->all->server;
    const struct rollout_said *active = &writing->all->now.active;
    bool is_of_active = order->generation == view_number(server->view) && active->id[0] != '\0' &&
                        strcmp(rollouts_get_served(server), active->id) == 0;
    enum role before = is_of_active ? rollouts_read_role(active) : ROLE_NONE;
    return order->role > before ? order->role : before;
}

static void plan_begin(struct writing *writing, const struct admin_rollout_order *order)
{
    const struct server *server = writing->all->server;
    const struct conf_cluster *conf = server->view->server->cluster;
    const struct rollout *now = &writing->all->now;
    enum role role = choose_role(writing, order);
    struct rollout_wish wish = {.id = order->id,
                                .role = role_text(role),
                                .may_more = role > rollouts_read_role(&now->active),
                                .actor = order->actor,
                                .reason = order->reason,
                                .now_ms = clock_wall_ms(&server->clock),
                                .within_ms = conf->activate_within_ms,
                                .require = conf->activate == CONF_ACTIVATE_MAJORITY ? ROLLOUT_MAJORITY
                                                                                    : ROLLOUT_ALL};
    if (!cluster_is_bundle_id(order->id) || !bundle_is_here(server->view->server->state_path, order->id)) {
        refuse(writing, ERROR_NOT_FOUND,
               "there is no such bundle on this node, or not all of it: steerctl push goes on with it");
        return;
    }
    do {
        random_make_secret(&wish.round, sizeof wish.round);
    } while (wish.round == 0);
    if (rollout_begin(&writing->next, &wish) == ERROR_BUSY) {
        refuse(writing, ERROR_CONFLICT,
               arena_print(writing->texts, "%s is under way%s%s: wait for it, or cancel it", now->next.id,
                           now->next.actor[0] == '\0' ? "" : ", by ", now->next.actor));
        return;
    }
    writing->result.has_changed = writing->next.round == wish.round; /* else it is active already */
}

static void plan_cancel(struct writing *writing, const struct admin_rollout_order *order)
{
    const struct rollout *now = &writing->all->now;
    bool is_other = order->id != NULL && strcmp(order->id, now->next.id) != 0;
    const char *why = order->reason == NULL || order->reason[0] == '\0'
                          ? "it was called off"
                          : arena_print(writing->texts, "called off: %s", order->reason);
    if (is_other || rollout_cancel(&writing->next, why, clock_wall_ms(&writing->all->server->clock)) != 0) {
        refuse(writing, ERROR_NOT_FOUND, "no bundle is under way");
    }
    writing->result.has_changed = true;
}

void server_change_rollout(void *context, const struct admin_rollout_order *order, admin_rollout_done *done,
                           void *argument)
{
    struct server *server = context;
    struct rollouts *all = server->rollouts;
    struct writing *writing = new_writing(all);
    writing->done = done;
    writing->argument = argument;
    writing->result.why = "";
    if (server->is_frozen || !durable_has_store(server->durable) || !server->is_node || all->is_deciding) {
        refuse(writing, ERROR_BUSY, "not in this moment: ask again");
    } else if (order->cancels) {
        plan_cancel(writing, order);
    } else {
        plan_begin(writing, order);
    }
    if (writing->result.error != 0 || order->dry_run || !writing->result.has_changed) {
        finish(writing);
        return;
    }
    const struct store_cause cause = {
        .actor = order->actor, .peer = order->peer, .reason = order->reason, .request = order->request};
    writing->overrides_rules = arena_copy_text(writing->texts, order->overrides_rules);
    write_it(writing, &cause, order->receipt, NULL);
}

/* ---- what the one that works decides ---- */

/* Where etcd was not reached nobody was heard of, and others may not have come back yet. */
static bool is_settled(struct rollouts *all, int64_t now_ms)
{
    const struct server *server = all->server;
    bool is_reached;
    bool uses_etcd = clustered_uses_etcd(server->clustered, &is_reached);
    if (!uses_etcd || !is_reached) {
        all->unsettled_ms = now_ms;
    }
    return now_ms - all->unsettled_ms >= SETTLE_MS;
}

void rollouts_decide(struct rollouts *all, int64_t now_ms)
{
    struct server *server = all->server;
    struct rollout_node nodes[2 * CLUSTER_NODES_MAX];
    struct rollout_look look = {
        .nodes = nodes, .now_ms = clock_wall_ms(&server->clock), .is_settled = is_settled(all, now_ms)};
    if (!server->is_node || server->works_elsewhere || all->is_deciding || all->now.next.id[0] == '\0' ||
        (all->undecided_ms != 0 && now_ms - all->undecided_ms < RETRY_MS)) {
        return;
    }
    const uint64_t sight = durable_see(server->durable);
    look.count = clustered_list_said(server->clustered, nodes);
    struct rollout next = all->now;
    if (look.count == 0 || !clustered_is_calm(server->clustered) || !rollout_decide(&next, &look)) {
        return;
    }
    struct writing *writing = new_writing(all);
    writing->next = next;
    writing->is_decision = all->is_deciding = true;
    all->undecided_ms = 0;
    write_it(
        writing,
        &(struct store_cause){.actor = "steerd",
                              .reason = next.last.result == ROLLOUT_ACTIVE
                                            ? (all->now.next.reason[0] == '\0' ? "all that is needed is ready"
                                                                               : all->now.next.reason)
                                            : next.last.why,
                              .request = "a bundle is under way"},
        NULL, &(struct durable_sender){.needs_sight = true, .sight = sight});
}
