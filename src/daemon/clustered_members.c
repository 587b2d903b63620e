/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who is a node, and who may become one: what operators order of that (doc/cluster.md, "Members"). It is
 * judged with the turn, on what the local store has then, which is all that was said before. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/answers.h"
#include "daemon/changes.h"
#include "daemon/durable.h"
#include "daemon/server.h"
#include "base/arena.h"
#include "base/error.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/sha2.h"
#include "conf/cluster.h"
#include "fleet/admission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)ADMISSION_NAME_MAX == (int)CONF_NODE_NAME_MAX, "a name has to fit");
_Static_assert((int)ADMISSION_PRINT_SIZE == (int)CLUSTER_FINGERPRINT_SIZE, "a fingerprint has to fit");

/* On its way to etcd and the store. */
struct ordering {
    struct store_job job; /* the first, so that one is the other */
    struct clustered *clustered;
    struct arena *texts;
    struct store_op ops[3];
    uint64_t seqs[3];
    char *token; /* owned; NULL: none */
    const char *name, *turn;
    struct admin_node_result result;
    admin_node_done *done;
    void *argument;
};

/* ---- what was said of a name ---- */

int clustered_read_name(const struct clustered *clustered, const char *name, struct clustered_name *said)
{
    struct arena *arena = arena_new(0);
    struct store_op ops[] = {{.kind = CLUSTER_MEMBER_KIND, .key = name},
                             {.kind = CLUSTER_INVITE_KIND, .key = name}};
    *said = (struct clustered_name){.is_member = false};
    int error = clustered_read_values(clustered, ops, 2, arena);
    if (error == 0 && ops[0].value != NULL) {
        said->is_member = true;
        error = cluster_read_member(ops[0].value, strlen(ops[0].value), &said->member);
    }
    if (error == 0 && ops[1].value != NULL) {
        said->is_invited = true;
        error = cluster_read_invite(ops[1].value, strlen(ops[1].value), &said->invite);
    }
    arena_free(arena);
    return error;
}

const struct cluster_node *clustered_find_node(const struct clustered *clustered, const char *name)
{
    const struct cluster_node *nodes;
    size_t count = cluster_list_nodes(clustered->cluster, &nodes), i = 0;
    while (i < count && strcmp(nodes[i].name, name) != 0) {
        i++;
    }
    return i == count ? NULL : &nodes[i];
}

struct store_op clustered_member_op(const char *name, const struct cluster_member *member,
                                    struct arena *arena)
{
    char *text = cluster_write_member(member);
    struct store_op op = {.kind = CLUSTER_MEMBER_KIND,
                          .key = arena_copy_text(arena, name),
                          .value = arena_copy_text(arena, text),
                          .if_revision = STORE_ANY};
    free(text);
    return op;
}

struct store_op clustered_invite_op(const char *name, const struct cluster_invite *invite,
                                    struct arena *arena)
{
    char *text = invite == NULL ? NULL : cluster_write_invite(invite);
    struct store_op op = {.kind = CLUSTER_INVITE_KIND,
                          .key = arena_copy_text(arena, name),
                          .value = arena_copy_text(arena, text),
                          .if_revision = STORE_ANY};
    free(text);
    return op;
}

void clustered_hash_secret(const char *secret, unsigned char hash[STORE_HASH_SIZE])
{
    struct sha256 sha;
    _Static_assert((int)STORE_HASH_SIZE == (int)SHA256_SIZE, "a hash has to fit");
    sha256_init(&sha);
    sha256_add(&sha, secret, strlen(secret));
    sha256_end(&sha, hash);
}

/* ---- it is so ---- */

void clustered_tell_member(struct clustered *clustered, const char *name, const char *turn,
                           const char *reason)
{
    if (strcmp(turn, "removed") == 0) {
        log_warning("node removed node=%s why=\"%s\"", name, reason == NULL ? "" : reason);
    } else {
        log_info("node %s node=%s", turn, name);
    }
    changes_tell_node(clustered->server->changes,
                      &(struct changes_node){.name = name, .turn = turn, .why = reason});
}

/* Whatever is known of who had that name is of no use any more. */
void clustered_follow_member(struct clustered *clustered, const char *name, const char *value)
{
    struct cluster_member member;
    bool good = value != NULL && cluster_read_member(value, strlen(value), &member) == 0;
    clustered_forget_known(clustered, name);
    if (good) {
        clustered_tell_member(clustered, name, member.is_removed ? "removed" : "joined", NULL);
    }
}

/* ---- orders ---- */

static void answer(struct ordering *ordering)
{
    ordering->done(ordering->argument, &ordering->result);
    if (ordering->token != NULL) {
        explicit_bzero(ordering->token, strlen(ordering->token));
    }
    free(ordering->token);
    arena_free(ordering->texts);
    free(ordering);
}

static void on_written(struct store_job *job)
{
    struct ordering *ordering = (struct ordering *)job;
    struct clustered *clustered = ordering->clustered;
    ordering->result.error = job->error;
    ordering->result.why = job->error == 0 ? "" : error_text(job->error);
    if (job->error == 0) {
        if (strcmp(ordering->turn, "removed") == 0) {
            clustered_forget_known(clustered, ordering->name);
        }
        clustered_tell_member(clustered, ordering->name, ordering->turn, job->cause.reason);
    }
    answer(ordering);
}

static void refuse(struct ordering *ordering, int error, const char *why)
{
    ordering->result.error = error;
    ordering->result.why = why;
}

static const char *print_name(struct ordering *ordering, const char *format, const char *name)
    __attribute__((format(printf, 2, 0)));
static const char *print_name(struct ordering *ordering, const char *format, const char *name)
{
    return arena_print(ordering->texts, format, name);
}

static bool is_own(const struct clustered *clustered, const char *name)
{
    return strcmp(name, clustered->node) == 0;
}

static void plan_removal(struct ordering *ordering, const char *name)
{
    struct clustered *clustered = ordering->clustered;
    struct clustered_name said;
    const struct cluster_node *nodes;
    bool is_listed = clustered_find_node(clustered, name) != NULL || clustered_knows(clustered, name);
    if (is_own(clustered, name)) {
        bool is_last = cluster_list_nodes(clustered->cluster, &nodes) == 1 && clustered->known_count == 0;
        refuse(ordering, ERROR_CONFLICT,
               print_name(
                   ordering,
                   is_last ? "%s is the only node there is: take \"cluster\" out of its steerd.json instead"
                           : "this is %s itself: say it at another node",
                   name));
    } else if (clustered_read_name(clustered, name, &said) != 0) {
        refuse(ordering, ERROR_CONFLICT, "what was said of that name cannot be understood");
    } else if (said.is_member && said.member.is_removed) {
        refuse(ordering, ERROR_NOT_FOUND, print_name(ordering, "%s was removed already", name));
    } else if (!is_listed && !said.is_member && !(said.is_invited && said.invite.used_ms == 0)) {
        refuse(ordering, ERROR_NOT_FOUND,
               print_name(ordering, "there is no node %s: steerctl nodes shows which there are", name));
    } else {
        struct cluster_member member = {.is_removed = true,
                                        .at_ms = clock_wall_ms(&clustered->server->clock)};
        snprintf(member.by, sizeof member.by, "%s", clustered->node);
        ordering->ops[ordering->job.op_count++] = clustered_member_op(name, &member, ordering->texts);
        if (said.is_invited) { /* who has its token is not to come after all */
            ordering->ops[ordering->job.op_count++] = clustered_invite_op(name, NULL, ordering->texts);
        }
    }
}

/* ---- invitations ---- */

static void add_place(struct admission_token *token, const struct cluster_self *self)
{
    if (token->place_count < ADMISSION_PLACES_MAX && self->has_fingerprint && self->listen_count != 0) {
        struct admission_place *place = &token->places[token->place_count++];
        memcpy(place->fingerprint, self->fingerprint, sizeof place->fingerprint);
        place->at = self->listen[0];
    }
}

/* This node first, then others that run: any of them can be asked. */
static void fill_places(const struct clustered *clustered, struct admission_token *token)
{
    const struct cluster_node *nodes;
    size_t count = cluster_list_nodes(clustered->cluster, &nodes);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || nodes[i].is_fresh) {
            add_place(token, &nodes[i].self);
        }
    }
}

static const char *judge_invitation(struct ordering *ordering, const struct admin_node_order *order,
                                    const struct clustered_name *said)
{
    const struct clustered *clustered = ordering->clustered;
    const char *name = order->name;
    const struct cluster_node *node = clustered_find_node(clustered, name);
    bool is_taken =
        node != NULL || clustered_knows(clustered, name) || (said->is_member && !said->member.is_removed);
    if (!clustered->seen.self.has_fingerprint || clustered->seen.self.listen_count == 0) {
        return "nobody can come here: \"cluster\" of steerd.json has no \"listen\", or its key cannot be "
               "used";
    }
    if (is_own(clustered, name) || (node != NULL && node->is_fresh)) {
        return print_name(
            ordering, "the name %s is taken, by a node that runs: steerctl cluster remove it first", name);
    }
    if (is_taken && !order->replaces) {
        return print_name(ordering, "the name %s is taken: --replace gives it to another machine", name);
    }
    if (!is_taken && order->replaces) {
        return print_name(ordering, "there is no node %s that could be replaced", name);
    }
    if (!is_taken && clustered->known_count + 1 >= CLUSTER_NODES_MAX) {
        return "there are 31 nodes, which is all that there can be";
    }
    return NULL;
}

static void plan_invitation(struct ordering *ordering, const struct admin_node_order *order)
{
    struct clustered *clustered = ordering->clustered;
    const struct conf_cluster *conf = clustered->server->view->server->cluster;
    struct clustered_name said;
    struct admission_token token = {.place_count = 0};
    uint8_t secret[ADMISSION_SECRET_SIZE];
    const char *why = clustered_read_name(clustered, order->name, &said) != 0
                          ? "what was said of that name cannot be understood"
                          : judge_invitation(ordering, order, &said);
    if (why != NULL) {
        refuse(ordering, ERROR_CONFLICT, why);
        return;
    }
    struct cluster_invite invite = {.until_ms = clock_wall_ms(&clustered->server->clock) + order->lasts_ms,
                                    .replaces = order->replaces};
    snprintf(token.cluster, sizeof token.cluster, "%s", clustered->name);
    snprintf(token.node, sizeof token.node, "%s", order->name);
    token.brings_certificate = conf->certificate != NULL && !conf->shares_credentials;
    token.brings_password = conf->user != NULL && !conf->shares_credentials;
    random_make_secret(secret, sizeof secret);
    (void)hex_write(secret, sizeof secret, token.secret);
    fill_places(clustered, &token);
    clustered_hash_secret(token.secret, invite.hash);
    ordering->token = admission_write_token(&token);
    ordering->result = (struct admin_node_result){.token = ordering->token,
                                                  .until_ms = invite.until_ms,
                                                  .brings_certificate = token.brings_certificate,
                                                  .brings_password = token.brings_password};
    ordering->ops[ordering->job.op_count++] = clustered_invite_op(order->name, &invite, ordering->texts);
    explicit_bzero(&token, sizeof token);
    explicit_bzero(secret, sizeof secret);
}

static void fill_cause(struct ordering *ordering, const struct admin_node_order *order)
{
    struct arena *texts = ordering->texts;
    ordering->job = (struct store_job){.cause = {.actor = arena_copy_text(texts, order->actor),
                                                 .peer = arena_copy_text(texts, order->peer),
                                                 .reason = arena_copy_text(texts, order->reason),
                                                 .request = arena_copy_text(texts, order->request)},
                                       .ops = ordering->ops,
                                       .seqs = ordering->seqs,
                                       .done = on_written};
}

void clustered_change_node(void *context, const struct admin_node_order *order, admin_node_done *done,
                           void *argument)
{
    struct server *server = context;
    struct ordering *ordering = memory_alloc(sizeof *ordering);
    *ordering = (struct ordering){.clustered = server->clustered,
                                  .texts = arena_new(0),
                                  .turn = order->removes ? "removed" : "invited",
                                  .done = done,
                                  .argument = argument};
    ordering->name = arena_copy_text(ordering->texts, order->name);
    fill_cause(ordering, order);
    if (server->is_frozen || !durable_has_store(server->durable) || server->clustered->cluster == NULL) {
        refuse(ordering, ERROR_BUSY, "nothing can be written now");
    } else if (!conf_is_node_name(order->name)) {
        refuse(ordering, ERROR_NOT_FOUND, "there is no node of that name");
    } else if (order->removes) {
        plan_removal(ordering, ordering->name);
    } else {
        plan_invitation(ordering, order);
    }
    if (ordering->result.error != 0) {
        answer(ordering);
        return;
    }
    ordering->job.op_count +=
        answers_add_op(order->receipt, ordering->texts, &ordering->ops[ordering->job.op_count]);
    durable_submit(server->durable, &ordering->job);
}
