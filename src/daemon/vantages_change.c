/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Changes of who vantages are: written to the store first, then in force, then acknowledged. One at a time
 * for each of them. */
#include "config.h"

#include "daemon/vantages_inside.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"
#include "daemon/changes.h"
#include "daemon/answers.h"
#include "daemon/durable.h"
#include "daemon/revisions.h"
#include "daemon/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_MS = 3600 * 1000 };

/* One that is on its way to the store. */
struct vantage_change {
    struct store_job job; /* the first, so that one is the other */
    struct vantage_change *next;
    struct vantages *vantages;
    struct vantage_member member; /* as it will be */
    bool is_gone;                 /* there will be none */
    const char *turn;             /* "enrolled" … */
    char was[FLEET_NAME_MAX + 1];
    char token[VANTAGE_TOKEN_SIZE];
    struct store_op ops[3];
    uint64_t seqs[3]; /* of their entries */
    struct durable_sender sender;
    struct arena *texts;
    const struct enrolling *enrolling; /* in texts; NULL: an order */
    admin_vantage_done *done;
    void *argument;
};

static void forget(struct vantage_change *change)
{
    struct vantage_change **at = &change->vantages->changes;
    while (*at != change) {
        at = &(*at)->next;
    }
    *at = change->next;
    change->vantages->is_busy[change->member.number] = false;
    explicit_bzero(change->token, sizeof change->token);
    if (change->enrolling != NULL) {
        explicit_bzero(change->enrolling->token, strlen(change->enrolling->token));
    }
    arena_free(change->texts);
    free(change);
}

static void answer(struct vantage_change *change, int error, const char *why)
{
    const struct vantage_member *member = &change->member;
    if (change->done != NULL) {
        change->done(change->argument,
                     &(struct admin_vantage_result){.error = error,
                                                    .why = why,
                                                    .token = change->token[0] == '\0' ? NULL : change->token,
                                                    .until_ms = member->token_until_ms});
    } else if (change->vantages->fleet != NULL) {
        fleet_answer_enrol(change->vantages->fleet, change->enrolling->connection, member->name,
                           error == 0 ? NULL : "it cannot be written down who this is; try again");
    }
}

/* Another node was told something just before: it is judged on that. */
static void enrol_again(struct vantage_change *change)
{
    struct vantages *vantages = change->vantages;
    struct enrolling enrolling = *change->enrolling;
    enrolling.token = memory_copy_text(enrolling.token);
    forget(change);
    vantages_enrol(vantages, &enrolling);
    explicit_bzero(enrolling.token, strlen(enrolling.token));
    free(enrolling.token);
}

static void on_written(struct store_job *job)
{
    struct vantage_change *change = (struct vantage_change *)job;
    struct vantages *vantages = change->vantages;
    struct durable_status status;
    if (job->error == ERROR_PRECONDITION && change->enrolling != NULL) {
        enrol_again(change);
        return;
    }
    revisions_note(vantages->server->revisions, job);
    vantages->is_busy[change->member.number] = false; /* a node may wait for it */
    if (job->error == 0) {
        vantages_put_member(vantages, change->member.number, change->is_gone ? NULL : &change->member);
        changes_tell_vantage(vantages->server->changes,
                             &(struct changes_vantage){.name = change->member.name,
                                                       .turn = change->turn,
                                                       .was = change->was[0] == '\0' ? NULL : change->was,
                                                       .actor = job->cause.actor,
                                                       .peer = job->cause.peer,
                                                       .reason = job->cause.reason});
        answer(change, 0, NULL);
    } else {
        durable_get_status(vantages->server->durable, &status);
        answer(change, job->error,
               job->error == ERROR_CONFLICT ? NULL : arena_copy_text(change->texts, status.stats.reason));
    }
    forget(change);
}

/* The key, and what stands there: nothing may be there under a name that is new. */
static void add_op(struct vantage_change *change, const char *name, const struct vantage_member *member,
                   bool is_new)
{
    char *value = member == NULL ? NULL : vantage_write_member(member);
    change->ops[change->job.op_count++] = (struct store_op){.kind = VANTAGE_KIND,
                                                            .key = arena_copy_text(change->texts, name),
                                                            .value = arena_copy_text(change->texts, value),
                                                            .if_revision = is_new ? 0 : STORE_ANY};
    free(value);
}

static struct vantage_change *begin(struct vantages *vantages, const struct vantage_member *member,
                                    const char *turn)
{
    struct vantage_change *change = memory_alloc(sizeof *change);
    *change = (struct vantage_change){.job = {.done = on_written},
                                      .next = vantages->changes,
                                      .vantages = vantages,
                                      .member = *member,
                                      .turn = turn,
                                      .texts = arena_new(0)};
    vantages->changes = change;
    vantages->is_busy[member->number] = true;
    return change;
}

static void submit(struct vantage_change *change)
{
    change->job.ops = change->ops;
    change->job.seqs = change->seqs;
    durable_send(change->vantages->server->durable, &change->job, &change->sender);
}

/* ---- orders ---- */

static unsigned find_number(const struct vantages *vantages)
{
    unsigned number = 1;
    while (number < FLEET_MEMBERS_MAX &&
           (vantages->members[number].number != 0 || vantages->is_busy[number])) {
        number++;
    }
    return number;
}

/* A new member, or a new token for one that nobody has come for yet. */
static int plan_enrol(struct vantages *vantages, const struct admin_vantage_order *order,
                      struct vantage_change **change)
{
    int64_t wall_ms = clock_wall_ms(&vantages->server->clock);
    const struct vantage_member *known = vantages_find(vantages, order->name);
    struct vantage_member member = {.weight = order->weight, .made_ms = wall_ms};
    if (!vantages->has_fingerprint) {
        return ERROR_UNSUPPORTED;
    }
    if (known != NULL) {
        member = *known;
        member.weight = order->weight;
    }
    if (known == NULL) {
        unsigned number = find_number(vantages);
        if (number == FLEET_MEMBERS_MAX) {
            return ERROR_TOO_LARGE;
        }
        member.number = (uint8_t)number;
        snprintf(member.name, sizeof member.name, "%s", order->name);
    }
    *change = begin(vantages, &member, "invited");
    vantage_make_token(&(*change)->member, vantages->fingerprint, wall_ms + TOKEN_MS, (*change)->token);
    add_op(*change, member.name, &(*change)->member, known == NULL);
    return 0;
}

static int plan_rename(struct vantages *vantages, const struct vantage_member *known,
                       const struct admin_vantage_order *order, struct vantage_change **change)
{
    struct vantage_member member = *known;
    if (!vantage_is_name(order->to)) {
        return ERROR_INVALID;
    }
    if (vantages_find(vantages, order->to) != NULL) {
        return ERROR_CONFLICT;
    }
    snprintf(member.name, sizeof member.name, "%s", order->to);
    *change = begin(vantages, &member, "renamed");
    snprintf((*change)->was, sizeof(*change)->was, "%s", known->name);
    add_op(*change, known->name, NULL, false);
    add_op(*change, member.name, &member, true);
    return 0;
}

static int plan_known(struct vantages *vantages, const struct admin_vantage_order *order,
                      struct vantage_change **change)
{
    const struct vantage_member *known = vantages_find(vantages, order->name);
    if (known == NULL) {
        return ERROR_NOT_FOUND;
    }
    struct vantage_member member = *known;
    if (order->what == ADMIN_VANTAGE_RENAME) {
        return plan_rename(vantages, known, order, change);
    }
    if (order->what == ADMIN_VANTAGE_REVOKE) {
        *change = begin(vantages, &member, "revoked");
        (*change)->is_gone = true;
        add_op(*change, member.name, NULL, false);
        return 0;
    }
    member.drained = order->what == ADMIN_VANTAGE_DRAIN;
    *change = begin(vantages, &member, member.drained ? "drained" : "undrained");
    add_op(*change, member.name, &member, false);
    return 0;
}

static int plan(struct vantages *vantages, const struct admin_vantage_order *order,
                struct vantage_change **change)
{
    const struct vantage_member *known = vantages_find(vantages, order->name);
    if (!vantage_is_name(order->name)) {
        return ERROR_INVALID;
    }
    if (known != NULL && vantages->is_busy[known->number]) {
        return ERROR_BUSY;
    }
    if (known != NULL && revisions_judge(vantages->server->revisions, VANTAGE_KIND, order->name, true,
                                         order->condition) != 0) {
        return ERROR_PRECONDITION;
    }
    return order->what == ADMIN_VANTAGE_ENROL ? plan_enrol(vantages, order, change)
                                              : plan_known(vantages, order, change);
}

int server_change_vantage(void *context, const struct admin_vantage_order *order, admin_vantage_done *done,
                          void *argument)
{
    struct server *server = context;
    struct vantages *vantages = server->vantages;
    struct vantage_change *change = NULL;
    if (vantages == NULL || vantages->fleet == NULL || !vantages->has_begun) {
        return ERROR_UNSUPPORTED;
    }
    if (server->is_frozen || !durable_has_store(server->durable) || !vantages->has_read) {
        return ERROR_BUSY;
    }
    int error = plan(vantages, order, &change); /* this thread alone changes members */
    if (error != 0) {
        return error;
    }
    change->done = done;
    change->argument = argument;
    change->sender.change = order->change;
    change->job.cause = (struct store_cause){.actor = arena_copy_text(change->texts, order->actor),
                                             .peer = arena_copy_text(change->texts, order->peer),
                                             .reason = arena_copy_text(change->texts, order->reason),
                                             .request = arena_copy_text(change->texts, order->request)};
    change->job.op_count += answers_add_op(order->receipt, change->texts, &change->ops[change->job.op_count]);
    submit(change);
    return 0;
}

/* ---- a host with a token ---- */

static const char *judge(const struct vantages *vantages, const struct enrolling *enrolling)
{
    const struct server *server = vantages->server;
    const struct vantage_member *known = vantages_find(vantages, enrolling->name);
    if (server->is_frozen || !durable_has_store(server->durable) || !vantages->has_read) {
        return "it cannot be written down now who this is; try again";
    }
    if (known == NULL) {
        return "there is no vantage of this name: steerctl vantage enrol makes one";
    }
    if (vantages->is_busy[known->number]) {
        return "this vantage is just being changed; try again";
    }
    for (unsigned i = 1; i < FLEET_MEMBERS_MAX; i++) {
        const struct vantage_member *other = &vantages->members[i];
        if (other->number != 0 && other != known && other->is_enrolled &&
            memcmp(other->fingerprint, enrolling->fingerprint, sizeof other->fingerprint) == 0) {
            return "this host is enrolled here by another name";
        }
    }
    return vantage_judge_token(known, enrolling->token, clock_wall_ms(&server->clock));
}

void vantages_answer_join(struct vantages *vantages, uint64_t connection, const char *what, const char *why)
{
    if (vantages != NULL && vantages->fleet != NULL) {
        fleet_answer_join(vantages->fleet, connection, what, why);
    }
}

void vantages_enrol(struct vantages *vantages, const struct enrolling *enrolling)
{
    const char *why = judge(vantages, enrolling);
    if (vantages->fleet == NULL) {
        return;
    }
    if (why != NULL) {
        fleet_answer_enrol(vantages->fleet, enrolling->connection, enrolling->name, why);
        return;
    }
    struct vantage_member member = *vantages_find(vantages, enrolling->name);
    member.is_enrolled = true;
    member.enrolled_ms = clock_wall_ms(&vantages->server->clock);
    member.has_token = false;
    member.token_until_ms = 0;
    memcpy(member.fingerprint, enrolling->fingerprint, sizeof member.fingerprint);
    struct vantage_change *change = begin(vantages, &member, "enrolled");
    struct enrolling *copy = arena_copy(change->texts, enrolling, sizeof *enrolling);
    copy->token = arena_print(change->texts, "%s", enrolling->token);
    change->enrolling = copy;
    change->sender =
        (struct durable_sender){.needs_sight = true, .sight = durable_see(vantages->server->durable)};
    change->job.cause = (struct store_cause){
        .actor = arena_copy_text(change->texts, member.name), .reason = "", .request = "enrol with a token"};
    add_op(change, member.name, &member, false);
    submit(change);
}
