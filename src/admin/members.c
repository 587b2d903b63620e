/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who may become a node of the cluster, and who is one no more. A token is in one answer only, that to
 * whoever invites. */
#include "config.h"

#include "admin/call.h"

#include "admin/render_set.h"
#include "admin/request.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* On its way. */
struct changing {
    struct call_pending *pending;
    bool removes;
    char *name;
};

static void set_refused(struct call *call, const struct admin_node_result *result)
{
    const char *why = result->why != NULL && result->why[0] != '\0' ? result->why : error_text(result->error);
    if (result->error == ERROR_NOT_FOUND) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "%s", why);
    } else if (result->error == ERROR_CONFLICT) {
        problem_set(&call->problem, PROBLEM_CONFLICT, "%s", why);
    } else if (result->error == ERROR_BUSY) {
        problem_set(&call->problem, PROBLEM_BUSY, "%s", why);
    } else {
        problem_set(&call->problem, PROBLEM_NOT_SAVED, "%s", why);
    }
}

static json_t *render_brings(const struct admin_node_result *result)
{
    json_t *list = json_array();
    if (result->brings_certificate) {
        json_array_append_new(list, json_string("certificate"));
        json_array_append_new(list, json_string("key"));
    }
    if (result->brings_password) {
        json_array_append_new(list, json_string("password"));
    }
    return list;
}

static void reply(struct call *call, const struct changing *changing, const struct admin_node_result *result)
{
    json_t *document = json_object();
    set_text(document, "name", changing->name);
    if (changing->removes) {
        set(document, "removed", json_true());
    } else {
        set_text(document, "token", result->token);
        set_time(document, "expires", result->until_ms);
        set(document, "brings", render_brings(result));
    }
    call_reply_json(call, changing->removes ? 200 : 201, document);
}

static void on_changed(void *argument, const struct admin_node_result *result)
{
    struct changing *changing = argument;
    struct call call;
    if (call_resume(changing->pending, &call)) {
        if (result->error != 0) {
            set_refused(&call, result);
            call_reply_problem(&call);
        } else {
            reply(&call, changing, result);
        }
        call_finish(&call);
    }
    free(changing->name);
    free(changing);
}

static void parse(struct call *call, bool removes, struct request_node *wanted)
{
    const char *reason = call->route.parameters[ROUTE_REASON];
    if (!removes) {
        (void)request_parse_node(call->body, call->body_len, wanted, &call->problem);
    } else if (reason != NULL) {
        request_check_reason(reason, wanted->reason, &call->problem);
    }
}

void handle_member(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    bool removes = call->route.id == ROUTE_NODE;
    struct request_node wanted = {.name = NULL};
    char peer[HEALTH_PEER_SIZE] = "";
    if (verbs->cluster.is_on == NULL || !verbs->cluster.is_on(verbs->context)) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND,
                    "this server is by itself: its steerd.json has no \"cluster\" with \"etcd\"");
    } else {
        parse(call, removes, &wanted);
    }
    if (!problem_is_set(&call->problem)) {
        call_add_actor(call, wanted.actor, peer);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    const char *name = removes ? call->route.name : wanted.name;
    const struct admin_node_order order = {
        .removes = removes,
        .name = name,
        .lasts_ms = wanted.lasts_ms,
        .replaces = wanted.replaces,
        .actor = wanted.actor,
        .peer = peer,
        .reason = wanted.reason,
        .request = removes ? arena_print(call->arena, "DELETE /v1/nodes/%s", name) : "POST /v1/nodes",
        .receipt = call_make_receipt(call)};
    struct changing *changing = memory_alloc(sizeof *changing);
    *changing =
        (struct changing){.pending = call_defer(call), .removes = removes, .name = memory_copy_text(name)};
    verbs->cluster.change_node(verbs->context, &order, on_changed, changing);
}
