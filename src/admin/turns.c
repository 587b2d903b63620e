/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See turns.h. Between its turn and its answer a call has its change, wherever it is deferred. */
#include "config.h"

#include "admin/turns.h"

#include "admin/call.h"
#include "admin/render_set.h"
#include "admin/request.h"
#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

/* ---- before ---- */

struct waiting {
    struct call call;
    struct call_pending *pending;
    void *change;
    void (*handle)(struct call *call);
};

static void set_busy(struct call *call, const struct admin_turn *turn)
{
    call->retry_ms = 1000;
    if (turn->node[0] == '\0') {
        problem_set(&call->problem, PROBLEM_CLUSTER_BUSY,
                    "this node did not get its turn to change what all nodes share; try again in a moment");
    } else {
        problem_set(&call->problem, PROBLEM_CLUSTER_BUSY,
                    "node \"%s\" has the turn to change what all nodes share; try again in a moment",
                    turn->node);
    }
}

static void refuse(struct call *call, const struct admin_turn *turn)
{
    if (turn->error == ERROR_BUSY) {
        set_busy(call, turn);
    } else if (turn->error == ERROR_CONFLICT) {
        problem_set(
            &call->problem, PROBLEM_CLUSTER_ESTRANGED,
            "this node does not follow the cluster any more: %s; steerctl nodes shows which node is ahead, "
            "and steerctl cluster refill or adopt ends it",
            turn->why[0] == '\0' ? "etcd has something else" : turn->why);
    } else if (turn->error == ERROR_CANCELLED) {
        problem_set(&call->problem, PROBLEM_TAKEOVER_RUNNING, "ask again in a moment");
    } else {
        problem_set(
            &call->problem, PROBLEM_CLUSTER_UNREACHABLE,
            "etcd cannot be reached, so that no other node would know%s%s; an override or a switchover with "
            "\"emergency\" holds here at once, and is told when etcd is back",
            turn->why[0] == '\0' ? "" : ": ", turn->why);
    }
    call_reply_problem(call);
}

static void on_ready(void *argument, const struct admin_turn *turn)
{
    struct waiting *waiting = argument;
    struct call *call = &waiting->call, fresh;
    if (!call_resume(waiting->pending, &fresh)) { /* who asked has left, or the server ends */
        call->admin->verbs.cluster.end_change(waiting->change, NULL, NULL);
        call_finish(call);
        free(waiting);
        return;
    }
    call_finish(&fresh);
    call->request = fresh.request;
    call->receipt = fresh.receipt;
    call->operation = fresh.operation;
    call->change = waiting->change;
    if (turn->error != 0 || call->admin->is_paused) {
        refuse(call, turn->error != 0 ? turn : &(struct admin_turn){.error = ERROR_CANCELLED});
    } else {
        waiting->handle(call);
    }
    call_finish(call);
    free(waiting);
}

/* It may stand in the body; whether that is right is found out later. */
static bool is_emergency(const struct call *call)
{
    static const char word[] = "\"emergency\"";
    bool may_have = call->route.id == ROUTE_OVERRIDE || call->route.id == ROUTE_SWITCHOVERS ||
                    call->route.id == ROUTE_SWITCHOVER_VERB;
    if (call->route.emergency || !may_have || call->body_len == 0 ||
        memmem(call->body, call->body_len, word, sizeof word - 1) == NULL) {
        return call->route.emergency;
    }
    json_t *body = json_loadb(call->body, call->body_len, 0, NULL);
    bool is = json_is_true(json_object_get(body, "emergency"));
    json_decref(body);
    return is;
}

/* Live drills are no orders of others; that one begins is what all nodes have to know. */
static bool is_shared(const struct call *call)
{
    return route_is_shared(call->route.id, call->method) ||
           (call->route.id == ROUTE_DRILLS && (call->method & ROUTE_POST) != 0 &&
            request_is_live(call->body, call->body_len));
}

bool turns_begin(struct call *call, void (*handle)(struct call *call))
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    const struct admin_cluster_verbs *cluster = &verbs->cluster;
    if (call->route.dry_run || cluster->is_on == NULL || !cluster->is_on(verbs->context) ||
        !is_shared(call)) {
        return false;
    }
    bool burns = is_emergency(call);
    struct waiting *waiting = memory_alloc(sizeof *waiting);
    *waiting = (struct waiting){.call = *call, .handle = handle};
    struct call *kept = &waiting->call;
    kept->request = NULL;
    kept->receipt = NULL;
    if (call->body_len != 0) { /* it is the request's, whose client may leave */
        char *body = arena_alloc_bytes(call->arena, call->body_len + 1);
        memcpy(body, call->body, call->body_len);
        body[call->body_len] = '\0';
        kept->body = body;
    }
    waiting->pending = call_defer(call);
    call->arena = NULL; /* it goes along */
    waiting->change = cluster->begin_change(verbs->context, burns, on_ready, waiting);
    return true;
}

/* ---- after ---- */

struct held {
    struct call_pending *pending;
    struct call_answer answer;
    uint64_t revision;
};

static json_t *list_names(const char *const *names, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, render_text(names[i]));
    }
    return list;
}

static json_t *render_spread(const struct admin_spread *spread)
{
    json_t *object = json_object();
    set(object, "seq", spread->seq == 0 ? json_null() : json_integer((json_int_t)spread->seq));
    set(object, "in_force_on", list_names(spread->in_force_on, spread->in_force_count));
    set(object, "waiting_for", list_names(spread->waiting_for, spread->waiting_count));
    set(object, "provisional", json_boolean(spread->is_provisional));
    return object;
}

/* The answer was made before it was known where it is in force. */
static void add_spread(struct evbuffer *body, const struct admin_spread *spread)
{
    size_t len = evbuffer_get_length(body);
    json_t *document = json_loadb((const char *)evbuffer_pullup(body, -1), len, 0, NULL);
    json_object_set_new(document, "cluster", render_spread(spread));
    char *text = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    json_decref(document);
    if (text != NULL) {
        evbuffer_drain(body, len);
        evbuffer_add(body, text, strlen(text));
        evbuffer_add(body, "\n", 1);
    }
    free(text);
}

static void on_spread(void *argument, const struct admin_spread *spread)
{
    struct held *held = argument;
    struct call call;
    if (!call_resume(held->pending, &call)) {
        evbuffer_free(held->answer.body);
    } else if (spread->is_refused || spread->is_open) {
        evbuffer_free(held->answer.body);
        problem_set(
            &call.problem, PROBLEM_CLUSTER_UNREACHABLE, "%s",
            spread->is_refused
                ? "it could not be written to etcd, or another order came first: it was taken back"
                : "etcd has not said whether it is written: whether it holds is seen when that is known");
        call_reply_problem(&call);
        call_finish(&call);
    } else {
        if (spread->seq != 0 || spread->is_provisional) {
            add_spread(held->answer.body, spread);
        }
        call.revision = held->revision;
        call_send(&call, &held->answer);
        call_finish(&call);
    }
    free(held);
}

bool turns_hold(struct call *call, const struct call_answer *answer)
{
    void *change = call->change;
    bool is_asked = call->request != NULL || call->receipt != NULL || call->operation != NULL;
    if (change == NULL) {
        return false;
    }
    call->change = NULL;
    const struct admin_cluster_verbs *cluster = &call->admin->verbs.cluster;
    if (answer->status >= 300 || !is_asked) {
        cluster->end_change(change, NULL, NULL);
        return false;
    }
    struct held *held = memory_alloc(sizeof *held);
    *held = (struct held){.pending = call_defer(call), .answer = *answer, .revision = call->revision};
    cluster->end_change(change, on_spread, held);
    return true;
}
