/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills on this server that clients see, some or all, as resources; and what of POST /v1/drills is whose.
 * What is simulated is in changes.c. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/request.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- looking ---- */

static const char *get_id(const void *items, size_t i)
{
    return ((const struct admin_shadow *)items)[i].id;
}

static json_t *render_item(const void *items, size_t i)
{
    return json_loads(((const struct admin_shadow *)items)[i].json, 0, NULL);
}

static void set_none(struct call *call)
{
    problem_set(&call->problem, PROBLEM_NOT_FOUND,
                "there is no drill \"%s\"; those of before a restart are gone", call->route.name);
}

static void look(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct admin_shadow *items;
    size_t count = verbs->shadows.list(verbs->context, call->route.name, call->arena, &items);
    if (call->route.id == ROUTE_DRILLS) {
        call_reply_page(call, items, count, get_id, render_item);
    } else if (count != 0) { /* a report may have megabytes: it is not read again */
        call_reply_text(call, "application/json", items[0].json, strlen(items[0].json));
    } else {
        set_none(call);
        call_reply_problem(call);
    }
}

/* ---- beginning ---- */

static void set_objections(struct call *call, const struct switchover_look *look)
{
    problem_set(&call->problem, PROBLEM_OBJECTIONS,
                "nothing has begun; what objects can be accepted by name, with \"accept\"");
    for (size_t i = 0; i < look->finding_count; i++) {
        if (!look->findings[i].is_good) {
            problem_add_field(&call->problem, look->findings[i].name, "%s", look->findings[i].text);
        }
    }
}

static void set_trouble(struct call *call, const struct admin_shadow_result *result)
{
    struct problem *problem = &call->problem;
    switch (result->trouble) {
    case ADMIN_SHADOW_GOOD: break;
    case ADMIN_SHADOW_LOSS:
        problem_add_field(problem, "lose",
                          "found \"%s\", expected region:NAME, az:NAME or endpoint:NAME of one that exists",
                          result->what);
        break;
    case ADMIN_SHADOW_DOCUMENT:
        problem_set(problem, PROBLEM_INVALID_FIELDS, "the drill document cannot be used");
        problem_add_report(problem, result->report);
        break;
    case ADMIN_SHADOW_DURATION:
        problem_add_field(problem, "duration",
                          "found a document that lasts otherwise, expected 1s to 1h: say a \"duration\"; by "
                          "default it ends ten minutes after its last event");
        break;
    case ADMIN_SHADOW_KEY:
        problem_add_field(problem, "clients.tsig_key", "the configuration has no key of this name");
        break;
    case ADMIN_SHADOW_LISTEN: problem_add_field(problem, "clients.listen", "%s", result->what); break;
    case ADMIN_SHADOW_OVERLAPS:
        problem_set(problem, PROBLEM_CONFLICT, "drill %s has some of these clients", result->what);
        break;
    case ADMIN_SHADOW_BUSY: problem_set(problem, PROBLEM_BUSY, "%s", result->what); break;
    case ADMIN_SHADOW_BY: problem_add_field(problem, "by", "%s", result->what); break;
    case ADMIN_SHADOW_STATE: problem_set(problem, PROBLEM_CONFLICT, "%s", result->what); break;
    case ADMIN_SHADOW_FINDINGS: set_objections(call, result->look); break;
    case ADMIN_SHADOW_ACCEPTED:
        problem_add_field(problem, "accept", "\"%s\" is nothing that objects", result->what);
        break;
    case ADMIN_SHADOW_CONFIRM:
        problem_add_field(problem, "confirm", "all clients will see it: type \"%s\" here", result->what);
        break;
    }
}

/* What would happen, and what is in the way. */
static json_t *render_preview(const struct admin_shadow_result *result)
{
    json_t *object = json_object();
    json_object_set_new(object, "mode", json_string("live"));
    json_object_set_new(object, "dry_run", json_true());
    json_object_set_new(object, "obstacle", result->what == NULL ? json_null() : json_string(result->what));
    json_object_set_new(object, "confirm", json_string(result->confirm));
    json_object_set_new(object, "look", render_switchover_look(result->look));
    return object;
}

static void on_begun(void *pending, const struct admin_shadow_result *result)
{
    struct call call;
    if (!call_resume(pending, &call)) {
        return;
    }
    if (result->trouble == ADMIN_SHADOW_GOOD && result->is_dry) {
        call_reply_json(&call, 200, render_preview(result));
    } else if (result->trouble == ADMIN_SHADOW_GOOD) {
        call_reply_json(&call, 201, json_loads(result->json, 0, NULL));
    } else {
        set_trouble(&call, result);
        call_reply_problem(&call);
    }
    call_finish(&call);
}

/* Whoever may lead some regions only may rehearse the loss of those. */
static bool is_within_scopes(struct call *call, const struct admin_shadow_order *order)
{
    enum health_kind kind;
    const char *name;
    for (size_t i = 0; i < order->loss_count && !problem_is_set(&call->problem); i++) {
        if (health_parse_target(order->losses[i], &kind, &name) == 0) {
            (void)caller_may_touch(call, kind, name);
        } else if (order->document != NULL && call->caller.scopes != NULL) {
            caller_refuse_scope(call, "all regions, as in", order->losses[i]);
        }
    }
    return !problem_is_set(&call->problem);
}

static void begin(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct request_shadow wanted;
    char peer[HEALTH_PEER_SIZE] = "";
    if (!caller_has(call, ROLE_OPERATOR)) {
        call_reply_problem(call);
        return;
    }
    (void)request_parse_shadow(call->body, call->body_len, &wanted, &call->problem);
    if (!problem_is_set(&call->problem)) {
        call_add_actor(call, wanted.actor, peer);
    }
    if (call->route.dry_run && wanted.order.live == NULL && !problem_is_set(&call->problem)) {
        problem_add_field(&call->problem, "dry_run",
                          "found it with \"mode\": \"shadow\", which changes nothing");
    }
    if (problem_is_set(&call->problem) || !is_within_scopes(call, &wanted.order)) {
        call_reply_problem(call);
        return;
    }
    struct admin_shadow_order order = wanted.order;
    wanted.live.dry_run = call->route.dry_run;
    order.actor = wanted.actor;
    order.peer = peer;
    order.reason = wanted.reason;
    order.change = call->change;
    order.report = report_new();
    call->wish = NULL; /* it begins at once, or does not */
    verbs->shadows.start(verbs->context, &order, on_begun, call_defer(call));
    report_free(order.report);
}

/* ---- ending ---- */

static void stop(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    char actor[HEALTH_ACTOR_SIZE] = "", peer[HEALTH_PEER_SIZE] = "";
    call_add_actor(call, actor, peer);
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
    } else if (verbs->shadows.stop(verbs->context, call->route.name, actor) != 0) {
        set_none(call);
        call_reply_problem(call);
    } else {
        look(call);
    }
}

void handle_drills(struct call *call)
{
    if ((call->method & (ROUTE_GET | ROUTE_HEAD)) != 0) {
        look(call);
    } else if (call->method == ROUTE_DELETE) {
        stop(call);
    } else if (request_is_shadow(call->body, call->body_len)) {
        begin(call);
    } else if (call->route.keep) {
        drill_keep(call);
    } else {
        call_work(call, ADMIN_LONG, "drill", handle_drill);
    }
}
