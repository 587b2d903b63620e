/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Vantages as resources: hosts that check, too. They are listed on a worker; what changes one of them is
 * answered when it is durable and in force. */
#include "config.h"

#include "admin/call.h"

#include "admin/render_set.h"
#include "admin/request.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- looking ---- */

static json_t *render_list(const struct admin_vantage *vantage)
{
    json_t *object = json_object();
    set(object, "generation",
        vantage->generation == 0 ? json_null() : json_integer((json_int_t)vantage->generation));
    set(object, "current", json_boolean(vantage->is_current));
    set_number(object, "behind_ms", (uint64_t)vantage->behind_ms);
    set_number(object, "targets", vantage->targets);
    set_number(object, "checks", vantage->checks);
    set_number(object, "refused", vantage->refused);
    set_text(object, "refused_because", vantage->refused_why);
    set_text(object, "declined_because", vantage->declined_why);
    return object;
}

static json_t *render_opinions(const struct admin_vantage *vantage)
{
    json_t *object = json_object(), *aside = json_array();
    static const char *const families[] = {"ipv4", "ipv6"};
    set(object, "count", json_boolean(vantage->counts && !vantage->drained));
    for (int i = 0; i < 2; i++) {
        if (vantage->aside[i]) {
            json_array_append_new(aside, json_string(families[i]));
        }
    }
    set_number(object, "up", vantage->up);
    set_number(object, "down", vantage->down);
    set_number(object, "heard", vantage->opinions);
    set_number(object, "outdated", vantage->outdated);
    set(object, "set_aside", aside);
    return object;
}

static json_t *render_node(const struct admin_node_link *node)
{
    if (node == NULL) {
        return json_null();
    }
    json_t *object = json_object();
    set_text(object, "name", node->name);
    set_text(object, "state", node->state);
    set_time(object, "since", node->since_ms);
    set_time(object, "heard", node->heard_ms);
    set(object, "round_trip_us",
        node->round_trip_us == 0 ? json_null() : json_integer((json_int_t)node->round_trip_us));
    set_number(object, "connections", node->connections);
    set_number(object, "targets", node->targets);
    set_number(object, "unknown", node->unknown);
    set_number(object, "told", node->told);
    set_text(object, "ended_because", node->why);
    return object;
}

static json_t *render(const struct admin_vantage *vantage)
{
    json_t *object = json_object();
    set_text(object, "name", vantage->name);
    set_number(object, "number", vantage->number);
    set_text(object, "state", vantage->state);
    set_time(object, "since", vantage->since_ms);
    set_number(object, "weight", vantage->weight);
    set(object, "drained", json_boolean(vantage->drained));
    set_time(object, "invited_until", vantage->invited_until_ms);
    set_time(object, "enrolled", vantage->enrolled_ms);
    set_text(object, "fingerprint", vantage->fingerprint);
    set_text(object, "from", vantage->from);
    set_text(object, "software", vantage->software);
    set_time(object, "heard", vantage->heard_ms);
    set(object, "round_trip_us",
        vantage->round_trip_us == 0 ? json_null() : json_integer((json_int_t)vantage->round_trip_us));
    set_number(object, "connections", vantage->connections);
    set_text(object, "ended_because", vantage->why);
    set(object, "list", render_list(vantage));
    set(object, "opinions", render_opinions(vantage));
    set(object, "node", render_node(vantage->node));
    return object;
}

static void set_none(struct call *call)
{
    problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no vantage \"%s\"", call->route.name);
}

static void look(struct call *call)
{
    struct admin_vantages list;
    int error = call->admin->verbs.list_vantages(call->reader, call->arena, &list);
    if (error != 0) {
        call_set_internal(call, error);
        call_reply_problem(call);
        return;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < list.count; i++) {
        if (call->route.id == ROUTE_VANTAGE && strcmp(list.items[i].name, call->route.name) == 0) {
            json_decref(items);
            call_reply_json(call, 200, render(&list.items[i]));
            return;
        }
        json_array_append_new(items, render(&list.items[i]));
    }
    if (call->route.id == ROUTE_VANTAGE) {
        json_decref(items);
        set_none(call);
        call_reply_problem(call);
        return;
    }
    json_t *document = json_object();
    set(document, "open", json_boolean(list.is_on));
    set_text(document, "fingerprint", list.fingerprint);
    set(document, "items", items);
    call_reply_json(call, 200, document);
}

/* ---- changing ---- */

/* On its way. */
struct changing {
    struct call_pending *pending;
    enum admin_vantage_what what;
    char *name, *to;
};

static void set_refused(struct call *call, const struct changing *changing, int error, const char *why)
{
    const char *name = changing->to != NULL ? changing->to : changing->name;
    if (error == ERROR_NOT_FOUND) {
        set_none(call);
    } else if (error == ERROR_CONFLICT) {
        problem_set(&call->problem, PROBLEM_CONFLICT, "there is a vantage \"%s\" already", name);
    } else if (error == ERROR_INVALID) {
        problem_add_field(
            &call->problem, "name",
            "found \"%s\", expected 1 to 63 letters, digits, \"-\", \"_\" and \".\", and not \"local\"",
            name);
    } else if (error == ERROR_PRECONDITION) {
        call_set_precondition(call);
    } else if (error == ERROR_TOO_LARGE) {
        problem_set(&call->problem, PROBLEM_CONFLICT,
                    "there are 31 vantages, which is all that there can be");
    } else if (error == ERROR_UNSUPPORTED) {
        problem_set(&call->problem, PROBLEM_CONFLICT,
                    "no vantage can come: steerd.json has no \"listen\" in \"vantages\", or their key cannot "
                    "be used");
    } else if (error == ERROR_BUSY) {
        problem_set(&call->problem, PROBLEM_BUSY,
                    "the vantage is just being changed, or nothing can be written now");
    } else {
        problem_set(&call->problem, PROBLEM_NOT_SAVED, "%s", why == NULL ? error_text(error) : why);
    }
}

static void reply(struct call *call, const struct changing *changing,
                  const struct admin_vantage_result *result)
{
    json_t *document = json_object();
    set_text(document, "name", changing->to != NULL ? changing->to : changing->name);
    if (changing->what == ADMIN_VANTAGE_ENROL) {
        set_text(document, "token", result->token);
        set_time(document, "expires", result->until_ms);
    } else if (changing->what == ADMIN_VANTAGE_RENAME) {
        set_text(document, "was", changing->name);
    } else if (changing->what == ADMIN_VANTAGE_REVOKE) {
        set(document, "revoked", json_true());
    } else {
        set(document, "drained", json_boolean(changing->what == ADMIN_VANTAGE_DRAIN));
    }
    call_reply_json(call, changing->what == ADMIN_VANTAGE_ENROL ? 201 : 200, document);
}

static void on_changed(void *argument, const struct admin_vantage_result *result)
{
    struct changing *changing = argument;
    struct call call;
    if (call_resume(changing->pending, &call)) {
        call.route.name = changing->name;
        if (result->error != 0) {
            set_refused(&call, changing, result->error, result->why);
            call_reply_problem(&call);
        } else {
            reply(&call, changing, result);
        }
        call_finish(&call);
    }
    free(changing->name);
    free(changing->to);
    free(changing);
}

static enum admin_vantage_what what_of(const struct call *call)
{
    switch (call->route.id) {
    case ROUTE_VANTAGE_DRAIN: return ADMIN_VANTAGE_DRAIN;
    case ROUTE_VANTAGE_UNDRAIN: return ADMIN_VANTAGE_UNDRAIN;
    case ROUTE_VANTAGE_RENAME: return ADMIN_VANTAGE_RENAME;
    case ROUTE_VANTAGE: return ADMIN_VANTAGE_REVOKE;
    default: return ADMIN_VANTAGE_ENROL;
    }
}

static const char *write_request(const struct call *call, enum admin_vantage_what what)
{
    static const char *const verbs[] = {[ADMIN_VANTAGE_DRAIN] = ":drain",
                                        [ADMIN_VANTAGE_UNDRAIN] = ":undrain",
                                        [ADMIN_VANTAGE_RENAME] = ":rename"};
    if (what == ADMIN_VANTAGE_ENROL) {
        return "POST /v1/vantages";
    }
    return what == ADMIN_VANTAGE_REVOKE
               ? arena_print(call->arena, "DELETE /v1/vantages/%s", call->route.name)
               : arena_print(call->arena, "POST /v1/vantages/%s%s", call->route.name, verbs[what]);
}

/* Name, reason and so on, from the body or of a DELETE. */
static void parse(struct call *call, enum admin_vantage_what what, struct request_point *wanted)
{
    const char *reason = call->route.parameters[ROUTE_REASON];
    bool has_name = what == ADMIN_VANTAGE_ENROL || what == ADMIN_VANTAGE_RENAME;
    if (what != ADMIN_VANTAGE_REVOKE) {
        (void)request_parse_vantage(call->body, call->body_len, has_name, wanted, &call->problem);
    } else if (reason != NULL) {
        request_check_reason(reason, wanted->reason, &call->problem);
    }
}

static void change(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    enum admin_vantage_what what = what_of(call);
    struct request_point wanted = {.name = NULL};
    char peer[HEALTH_PEER_SIZE] = "";
    parse(call, what, &wanted);
    if (!problem_is_set(&call->problem)) {
        call_add_actor(call, wanted.actor, peer);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    const char *name = what == ADMIN_VANTAGE_ENROL ? wanted.name : call->route.name;
    const struct admin_vantage_order order = {.what = what,
                                              .name = name,
                                              .to = what == ADMIN_VANTAGE_RENAME ? wanted.name : NULL,
                                              .weight = wanted.weight,
                                              .reason = wanted.reason,
                                              .actor = wanted.actor,
                                              .peer = peer,
                                              .request = write_request(call, what),
                                              .condition = call->condition,
                                              .receipt = call_make_receipt(call),
                                              .change = call->change};
    struct changing *changing = memory_alloc(sizeof *changing);
    *changing = (struct changing){.pending = call_defer(call),
                                  .what = what,
                                  .name = memory_copy_text(name),
                                  .to = memory_copy_text(order.to)};
    int error = verbs->change_vantage(verbs->context, &order, on_changed, changing);
    if (error != 0) {
        on_changed(changing, &(struct admin_vantage_result){.error = error});
    }
}

void handle_vantages(struct call *call)
{
    bool reads = (call->method & (ROUTE_GET | ROUTE_HEAD)) != 0;
    if (reads) {
        call_work(call, ADMIN_QUICK, "vantages", look);
    } else {
        change(call);
    }
}
