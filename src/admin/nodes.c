/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The cluster as resources: its nodes, how this one is with it, what is in conflict, and the ways out. Small,
 * and the control thread's own: answered at once. */
#include "config.h"

#include "admin/call.h"

#include "admin/render_set.h"
#include "admin/request.h"
#include "base/error.h"
#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_on(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    if (verbs->cluster.is_on != NULL && verbs->cluster.is_on(verbs->context)) {
        return true;
    }
    problem_set(&call->problem, PROBLEM_NOT_FOUND,
                "this server is by itself: its steerd.json has no \"cluster\" with \"etcd\"");
    call_reply_problem(call);
    return false;
}

static json_t *render_filled(const char *text)
{
    return text[0] == '\0' ? json_null() : render_text(text);
}

static json_t *render_hash(uint64_t hash)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, hash);
    return json_string(text);
}

/* ---- nodes ---- */

static json_t *render_bundle(const struct admin_node *node)
{
    if (!node->bundle.is_told) {
        return json_null();
    }
    json_t *object = json_object();
    set(object, "own_files", json_boolean(node->bundle.has_own_files));
    set(object, "serves", render_filled(node->bundle.serves));
    set_text(object, "is", node->bundle.is);
    set(object, "id", render_filled(node->bundle.id));
    set_number(object, "done", node->bundle.done);
    set(object, "why", render_filled(node->bundle.why));
    return object;
}

static json_t *render_node(const struct admin_node *node)
{
    json_t *object = json_object();
    set_text(object, "name", node->name);
    set(object, "self", json_boolean(node->is_self));
    set(object, "fresh", json_boolean(node->is_fresh));
    set(object, "heard_ms", node->heard_ms < 0 ? json_null() : json_integer(node->heard_ms));
    set(object, "clock_ahead_ms", json_integer(node->ahead_ms));
    set(object, "phase", render_filled(node->phase));
    set_number(object, "applied", node->applied);
    set_number(object, "behind", node->behind);
    set(object, "works", json_boolean(node->has_work));
    set_number(object, "generation", node->generation);
    set(object, "health", render_hash(node->health));
    set(object, "same_health", json_boolean(node->has_same_health));
    set(object, "configuration", render_hash(node->configuration));
    set(object, "same_configuration", json_boolean(node->has_same_configuration));
    set(object, "software", render_filled(node->software));
    set(object, "listen", render_filled(node->listen));
    set_text(object, "fingerprint", node->fingerprint);
    set(object, "bundle", render_bundle(node));
    return object;
}

void handle_nodes(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct admin_node *nodes;
    if ((call->method & (ROUTE_GET | ROUTE_HEAD)) == 0) {
        handle_member(call);
        return;
    }
    if (!is_on(call)) {
        return;
    }
    size_t count = verbs->cluster.list_nodes(verbs->context, call->arena, &nodes);
    json_t *document = json_object(), *items = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(items, render_node(&nodes[i]));
    }
    struct admin_serving serving;
    verbs->serving.get(verbs->context, call->arena, &serving);
    set(document, "cut_off", json_boolean(serving.is_cut));
    set(document, "items", items);
    call_reply_json(call, 200, document);
}

/* ---- the cluster ---- */

static json_t *render_etcd(const struct admin_cluster *cluster)
{
    json_t *object = json_object();
    set(object, "reached", json_boolean(cluster->etcd_is_reached));
    set(object, "endpoint", render_filled(cluster->etcd_endpoint));
    set(object, "why", render_filled(cluster->etcd_why));
    set_number(object, "requests", cluster->requests);
    set_number(object, "failures", cluster->failures);
    set_number(object, "restarts", cluster->restarts);
    set(object, "size", cluster->room_is_known ? json_integer(cluster->etcd_size) : json_null());
    set(object, "quota", cluster->etcd_quota != 0 ? json_integer(cluster->etcd_quota) : json_null());
    set(object, "alarm", cluster->etcd_alarm == NULL ? json_null() : json_string(cluster->etcd_alarm));
    return object;
}

void handle_cluster(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct admin_cluster cluster;
    if (!is_on(call)) {
        return;
    }
    verbs->cluster.get_status(verbs->context, call->arena, &cluster);
    json_t *document = json_object();
    set_text(document, "name", cluster.name);
    set_text(document, "node", cluster.node);
    set_text(document, "phase", cluster.phase);
    set_time(document, "since", cluster.since_ms);
    set(document, "why", render_filled(cluster.why));
    set(document, "id", cluster.has_position ? json_string(cluster.id) : json_null());
    set(document, "position", cluster.has_position ? json_integer((json_int_t)cluster.seq) : json_null());
    set(document, "hash", cluster.has_position ? json_string(cluster.hash) : json_null());
    set_number(document, "head", cluster.head);
    set(document, "turn", render_filled(cluster.turn_node));
    set(document, "works", render_filled(cluster.work_node));
    set_number(document, "pending", cluster.pending);
    set_number(document, "conflicts", cluster.conflicts);
    set_text(document, "acknowledge", cluster.acknowledge);
    set_number(document, "deadline_ms", cluster.deadline_ms);
    set(document, "etcd", render_etcd(&cluster));
    call_reply_json(call, 200, document);
}

/* What the store keeps as a text, and times as milliseconds. */
static void open_conflict(json_t *conflict)
{
    static const char *const sides[] = {"ours", "theirs"};
    static const char *const times[] = {"ours_expires", "theirs_expires", "since"};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        const char *text = json_string_value(json_object_get(conflict, sides[i]));
        json_t *value = text == NULL ? NULL : json_loads(text, JSON_DECODE_ANY, NULL);
        if (value != NULL) {
            set(conflict, sides[i], value);
        }
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        const json_t *time = json_object_get(conflict, times[i]);
        if (json_is_integer(time)) {
            set_time(conflict, times[i], json_integer_value(time));
        }
    }
}

static json_t *render_conflict(const char *text)
{
    json_t *conflict = json_loads(text, 0, NULL), *earlier;
    size_t i;
    open_conflict(conflict);
    json_array_foreach(json_object_get(conflict, "earlier"), i, earlier)
    {
        open_conflict(earlier);
    }
    return conflict;
}

void handle_conflicts(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct admin_conflict *conflicts;
    if (!is_on(call)) {
        return;
    }
    size_t count = verbs->cluster.list_conflicts(verbs->context, call->arena, &conflicts);
    json_t *document = json_object(), *items = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object();
        set_text(item, "id", conflicts[i].id);
        set(item, "conflict", render_conflict(conflicts[i].json));
        json_array_append_new(items, item);
    }
    set(document, "items", items);
    call_reply_json(call, 200, document);
}

/* ---- ways out ---- */

static void on_mended(void *argument, int error, const char *why)
{
    struct call call;
    if (!call_resume(argument, &call)) {
        return;
    }
    if (error == 0) {
        handle_cluster(&call);
    } else if (error == ERROR_BUSY) {
        problem_set(&call.problem, PROBLEM_CONFLICT, "one is under way");
        call_reply_problem(&call);
    } else if (error == ERROR_CONFLICT) {
        problem_set(&call.problem, PROBLEM_CONFLICT, "%s",
                    why[0] != '\0' ? why : "there is nothing to mend: this node follows the cluster");
        call_reply_problem(&call);
    } else {
        problem_set(&call.problem, PROBLEM_CLUSTER_UNREACHABLE, "%s",
                    why[0] != '\0' ? why : error_text(error));
        call_reply_problem(&call);
    }
    call_finish(&call);
}

void handle_mend(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    enum admin_mend what = call->route.id == ROUTE_CLUSTER_ADOPT ? ADMIN_MEND_ADOPT
                           : call->route.replace                 ? ADMIN_MEND_REPLACE
                                                                 : ADMIN_MEND_REFILL;
    if (is_on(call)) {
        verbs->cluster.mend(verbs->context, what, on_mended, call_defer(call));
    }
}
