/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Overrides: put, removed, or only foreseen. Before one is put it is asked whom it would leave unserved, on a
 * worker that does nothing else; what is found there is decided on the control thread, before the next order
 * is looked at. So of two that are harmless alone and not together the second one is told so. Who wants it
 * all the same is not asked, so he does not wait for those who are: his order is carried out at once, and
 * earlier ones about the same target that are still being looked at come too late. Safety rules are asked by
 * everybody: with the rest on the worker, and in the moment in which the order is put, which is short. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/request.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/words.h"

#include <stdlib.h>
#include <string.h>

static json_t *render_changes(const struct operate_change *changes, size_t count)
{
    json_t *items = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *item = json_object();
        json_object_set_new(item, "kind", json_string(health_kind_text(changes[i].kind)));
        json_object_set_new(item, "name", render_text(changes[i].name));
        json_object_set_new(item, "before", json_string(health_state_text(changes[i].before.state)));
        json_object_set_new(item, "after", json_string(health_state_text(changes[i].after.state)));
        json_array_append_new(items, item);
    }
    return items;
}

/* Something is planned where an override is in force. */
static void set_in_force(struct call *call, const struct operate_target *target)
{
    char text[CLOCK_TEXT_SIZE], what[HEALTH_OVERRIDE_TEXT_SIZE];
    const struct health_override *override = target->override;
    problem_set(
        &call->problem, PROBLEM_CONFLICT,
        "%s of %s \"%s\" by %s is in force until %s: remove it first (auto), or replace it at once,"
        " without a start",
        health_override_text(override, what), health_kind_text(target->kind), target->name, override->actor,
        override->expires_ms == 0 ? "it is removed" : clock_write_rfc3339(override->expires_ms, text));
}

static void set_conflict(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct operate_target target;
    int error = verbs->get_target(call->reader, call->route.kind, call->route.name, call->arena, &target);
    if (error == 0 && target.override != NULL) {
        set_in_force(call, &target);
    } else { /* it has ended a moment ago */
        problem_set(&call->problem, PROBLEM_CONFLICT, "%s", error_text(ERROR_CONFLICT));
    }
}

static void set_nothing_to_let_back(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct operate_target target;
    bool is_down =
        verbs->get_target(call->reader, call->route.kind, call->route.name, call->arena, &target) == 0 &&
        target.status.observed == HEALTH_OBSERVED_UNHEALTHY;
    problem_set(&call->problem, PROBLEM_CONFLICT, "%s \"%s\" %s", health_kind_text(call->route.kind),
                call->route.name,
                is_down
                    ? "is down because of its checks, or of what is inside it: it can be let back when those "
                      "are well"
                    : "is not down: there is nothing to let back");
}

void override_refuse_release(struct call *call, int error, const char *rule)
{
    if (error == ERROR_NOT_FOUND) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND,
                    "there is no region \"%s\", or no rule \"%s\" for what is lost by itself",
                    call->route.name, rule);
    } else if (error == ERROR_CONFLICT) {
        problem_set(&call->problem, PROBLEM_CONFLICT, "rule \"%s\" holds nothing in region \"%s\"", rule,
                    call->route.name);
    } else {
        call_set_internal(call, error);
    }
    call_reply_problem(call);
}

/* A verb refused it. */
static void reply_refused(struct call *call, int error, bool fails_back, const char *releases)
{
    if (releases != NULL) {
        override_refuse_release(call, error, releases);
        return;
    }
    if (error == ERROR_NOT_FOUND) {
        call_set_missing(call);
    } else if (error == ERROR_PRECONDITION) {
        call_set_precondition(call);
    } else if (error == ERROR_CONFLICT && fails_back) {
        set_nothing_to_let_back(call);
    } else if (error == ERROR_SYNTAX) {
        problem_add_field(&call->problem, "names", "the topology has no such group of names (name_groups)");
    } else if (error == ERROR_INVALID) {
        problem_add_field(&call->problem, "expires", "expected a time in the future");
    } else if (error == ERROR_CONFLICT) {
        set_conflict(call);
    } else {
        call_set_internal(call, error);
    }
    call_reply_problem(call);
}

static struct operate_wish wish_of(const struct call *call)
{
    const struct request_override *wanted = call->data;
    return (struct operate_wish){.kind = call->route.kind,
                                 .name = call->route.name,
                                 .override = &wanted->what,
                                 .limit = ADMIN_UNSERVED_MAX,
                                 .progress = call->progress};
}

/* ---- dry runs, on a worker ---- */

/* One whose target is gone, if there is one and it would be removed: returns whether that was answered. */
static bool reply_forgotten(struct call *call)
{
    const struct request_override *wanted = call->data;
    struct health_dormant_cursor behind;
    bool is = wanted->what.desired == HEALTH_DESIRED_AUTO &&
              call->admin->verbs.seek_dormant(call->reader, call->route.kind, call->route.name, &behind);
    if (is) {
        json_t *document = render_forgotten(call->route.kind, call->route.name);
        json_object_set_new(document, "dry_run", json_true());
        call_reply_json(call, 200, document);
    }
    return is;
}

static void reply_foresight(struct call *call)
{
    struct operate_wish wish = wish_of(call);
    struct operate_foresight foresight;
    int error = call->admin->verbs.foresee_override(call->reader, &wish, call->arena, &foresight);
    if (error == ERROR_CANCELLED || (error == ERROR_NOT_FOUND && reply_forgotten(call))) {
        return; /* nobody waits for it, or it is told already */
    }
    if (error != 0) {
        reply_refused(call, error, false, NULL);
        return;
    }
    json_t *document = render_target(&foresight.target, FIELDS_ALL);
    json_object_set_new(document, "dry_run", json_true());
    json_object_set_new(document, "changes", render_changes(foresight.changes, foresight.change_count));
    json_object_set_new(document, "unserved", render_unserved(&foresight.unserved));
    json_object_set_new(document, "rules", render_violated(&foresight.rules));
    call_reply_json(call, 200, document);
}

/* ---- orders ---- */

static const char *describe(enum health_desired desired)
{
    return desired == HEALTH_DESIRED_AUTO ? "removing the override" : health_desired_text(desired);
}

/* "drain of region \"us-east\"" */
static const char *describe_order(const struct call *call)
{
    const struct request_override *wanted = call->data;
    return arena_print(call->arena, "%s of %s \"%s\"", describe(wanted->what.desired),
                       health_kind_text(call->route.kind), call->route.name);
}

static void reply_unserved(struct call *call, const struct operate_unserved *unserved)
{
    char from[CLOCK_TEXT_SIZE];
    bool is_later = unserved->from_ms != 0;
    problem_set(&call->problem, PROBLEM_UNSERVED,
                "%s would leave %zu name%s without anybody who serves %s%s%s; with"
                " allow_unserved it is done all the same",
                describe_order(call), unserved->total, words_plural(unserved->total),
                unserved->total == 1 ? "it" : "them", is_later ? ", from " : "",
                is_later ? clock_write_rfc3339(unserved->from_ms, from) : "");
    call->problem.unserved = arena_copy(call->arena, unserved, sizeof *unserved);
    call_reply_problem(call);
}

/* An order that is on its way. */
struct ordered {
    struct admin *admin; /* NULL: the server ends */
    struct ordered *next;
    struct call_pending *pending; /* NULL: nobody waits for the answer */
    enum health_kind kind;
    char *name;
    bool fails_back, holds_others;
    char *releases; /* NULL: it is no such order */
};

/* The new state, and whether a restart will know of it. */
static void reply_ordered(struct call *call, const struct admin_ordered *ordered)
{
    struct operate_target target;
    bool is_there = call->admin->verbs.get_target(call->reader, call->route.kind, call->route.name,
                                                  call->arena, &target) == 0;
    json_t *document = is_there ? call_render_target(call, &target, FIELDS_ALL)
                                : render_forgotten(call->route.kind, call->route.name);
    json_object_set_new(document, "durable", json_boolean(ordered->durable));
    json_object_set_new(document, "not_durable_because", render_text(ordered->why));
    call_reply_json(call, 200, document);
}

void override_tell(struct call *call)
{
    reply_ordered(call, &(struct admin_ordered){.durable = true});
}

/* What comes next is looked at when this one is in force, written or not: not before, or it would not be
 * seen. Where many are on their way, after each of them. */
static void hold_others(struct ordered *ordered, bool held)
{
    struct worker *lane = ordered->admin == NULL ? NULL : ordered->admin->verbs.lanes[ADMIN_ORDERS];
    if (lane != NULL && ordered->holds_others != held) {
        ordered->holds_others = held;
        worker_hold(lane, held);
    }
}

static void on_force(void *argument)
{
    hold_others(argument, false);
}

static void forget(struct ordered *ordered)
{
    struct admin *admin = ordered->admin;
    if (admin != NULL) {
        struct ordered **at = &admin->ordered;
        while (*at != ordered) {
            at = &(*at)->next;
        }
        *at = ordered->next;
    }
    free(ordered->name);
    free(ordered->releases);
    free(ordered);
}

static void on_ordered(void *argument, const struct admin_ordered *result)
{
    struct ordered *ordered = argument;
    struct call call;
    if (ordered->pending != NULL && call_resume(ordered->pending, &call)) {
        call.route.kind = ordered->kind;
        call.route.name = ordered->name;
        if (result->error == 0) {
            reply_ordered(&call, result);
        } else {
            reply_refused(&call, result->error, ordered->fails_back, ordered->releases);
        }
        call_finish(&call);
    }
    hold_others(ordered, false);
    forget(ordered);
}

void override_drop_all(struct admin *admin)
{
    for (struct ordered *ordered = admin->ordered; ordered != NULL; ordered = ordered->next) {
        ordered->admin = NULL;
    }
    admin->ordered = NULL;
}

/* For the journal: with the rules that it overrides, as a query. */
static const char *describe_request(const struct call *call)
{
    const struct request_override *wanted = call->data;
    return wanted->releases != NULL ? arena_print(call->arena, "POST /v1/rules/%s:release", wanted->releases)
           : wanted->fails_back
               ? "POST /v1/failback"
               : rules_write_request(call,
                                     arena_print(call->arena, "%s /v1/%ss/%s/override",
                                                 call->method == ROUTE_PUT ? "PUT" : "DELETE",
                                                 health_kind_text(call->route.kind), call->route.name),
                                     &wanted->rules);
}

bool override_put(struct call *call)
{
    struct admin *admin = call->admin;
    const struct request_override *wanted = call->data;
    struct admin_order order = {.kind = call->route.kind,
                                .name = call->route.name,
                                .overrides_rules = rules_join(call, &wanted->rules),
                                .override = &wanted->what,
                                .fails_back = wanted->fails_back,
                                .releases = wanted->releases,
                                .request = describe_request(call),
                                .condition = call->condition,
                                .receipt = call_make_receipt(call),
                                .change = call->change,
                                .is_emergency = wanted->is_emergency,
                                .in_force = on_force};
    struct ordered *ordered = memory_alloc(sizeof *ordered);
    *ordered = (struct ordered){
        .admin = admin,
        .next = admin->ordered,
        .pending =
            call->request == NULL && call->receipt == NULL && call->change == NULL ? NULL : call_defer(call),
        .kind = call->route.kind,
        .name = memory_copy_text(call->route.name),
        .fails_back = wanted->fails_back,
        .releases = wanted->releases == NULL ? NULL : memory_copy_text(wanted->releases)};
    admin->ordered = ordered;
    hold_others(ordered, true);
    int error = admin->verbs.put_override(admin->verbs.context, &order, on_ordered, ordered);
    if (error != 0) {
        on_ordered(ordered, &(struct admin_ordered){.error = error});
    }
    return error == 0;
}

/* Likewise. What it finds is so when the order is put, whatever others do. A target that is not there is told
 * by who puts it. */
static bool judge_now(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    const struct request_override *wanted = call->data;
    struct operate_wish wish = wish_of(call);
    struct operate_rules rules = {.count = 0};
    if (verbs->rules.judge_now(verbs->context, &wish, call->arena, &rules) != 0 ||
        rules_allow(&rules, &wanted->rules, describe_order(call), &call->problem)) {
        return true;
    }
    call_reply_problem(call);
    return false;
}

/* Likewise: nobody would be left unserved. */
static void settle(struct call *call)
{
    if (!call->overtaken) {
        if (judge_now(call)) {
            (void)override_put(call);
        }
        return;
    }
    problem_set(&call->problem, PROBLEM_CONFLICT,
                "another override of %s \"%s\" has been put while it was found out whom this one would leave"
                " unserved",
                health_kind_text(call->route.kind), call->route.name);
    call_reply_problem(call);
}

/* On the worker of orders: all that speaks against it is told at once. A target that is not there is told by
 * the verb. */
static void weigh(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    const struct request_override *wanted = call->data;
    struct operate_wish wish = wish_of(call);
    struct operate_unserved unserved = {.total = 0};
    struct operate_rules rules = {.count = 0};
    int error = verbs->rules.judge(call->reader, &wish, call->arena, &rules);
    (void)verbs->find_unserved(call->reader, &wish, call->arena, &unserved);
    if (error == 0 && !rules_allow(&rules, &wanted->rules, describe_order(call), &call->problem)) {
        if (unserved.total != 0 && call->problem.kind == PROBLEM_RULES) {
            call->problem.unserved = arena_copy(call->arena, &unserved, sizeof unserved);
        }
        call_reply_problem(call);
    } else if (unserved.total != 0) {
        reply_unserved(call, &unserved);
    } else {
        call->settle = settle;
    }
}

/* NULL: there is none. */
static json_t *render_forlorn(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    const struct route *route = &call->route;
    struct health_dormant_cursor behind, cursor = {0};
    struct health_dormant items[OPERATE_DORMANT_PAGE];
    if (!verbs->seek_dormant(call->reader, route->kind, route->name, &behind)) {
        return NULL;
    }
    for (size_t count; (count = verbs->list_dormant(call->reader, &cursor, call->arena, items)) != 0;) {
        for (size_t i = 0; i < count; i++) {
            if (items[i].kind == route->kind && strcmp(items[i].name, route->name) == 0) {
                return render_dormant(&items[i]);
            }
        }
    }
    return NULL;
}

/* What is ordered, and nothing that changes by itself. */
static void look(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    const struct route *route = &call->route;
    struct operate_target target;
    json_t *document = NULL;
    int error = verbs->get_target(call->reader, route->kind, route->name, call->arena, &target);
    if (error == 0 && target.override != NULL) {
        document = render_override_item(&target);
    } else if (error != 0) {
        document = render_forlorn(call);
    }
    if (document == NULL) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no override of %s \"%s\"",
                    health_kind_text(route->kind), route->name);
        call_reply_problem(call);
        return;
    }
    json_object_del(document, "effective");
    call_reply_json(call, 200, document);
}

/* What a body says, of a DELETE, which has none. */
static void take_parameters(struct call *call, struct request_override *wanted)
{
    const char *reason = call->route.parameters[ROUTE_REASON],
               *rules = call->route.parameters[ROUTE_OVERRIDE_RULES];
    if (call->method == ROUTE_PUT && (reason != NULL || rules != NULL)) {
        problem_add_field(&call->problem, reason != NULL ? "reason" : "override_rules",
                          "query parameter is for DELETE only, here it stands in the body");
        return;
    }
    if (reason != NULL) {
        request_check_reason(reason, wanted->what.reason, &call->problem);
    }
    if (rules != NULL) {
        rules_take_query(call, &wanted->rules);
    }
}

void handle_override(struct call *call)
{
    if ((call->method & (ROUTE_GET | ROUTE_HEAD)) != 0) {
        look(call);
        return;
    }
    struct request_override wanted = {.what = {.set_ms = clock_wall_ms(&call->admin->clock)}};
    if (call->method == ROUTE_PUT) {
        request_parse_override(call->body, call->body_len, wanted.what.set_ms, &wanted, &call->problem);
    }
    take_parameters(call, &wanted);
    if (!problem_is_set(&call->problem)) {
        call_add_actor(call, wanted.what.actor, wanted.what.peer);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    if (call->condition != NULL && call->route.dry_run && !conditional_holds_now(call)) {
        call_set_precondition(call);
        call_reply_problem(call);
        return;
    }
    wanted.is_emergency |= call->route.emergency;
    wanted.allows_unserved |= call->route.allow_unserved || wanted.is_emergency;
    call->data = arena_copy(call->arena, &wanted, sizeof wanted);
    if (call->route.dry_run) {
        call_work(call, ADMIN_QUICK, "dry-run", reply_foresight);
    } else if (wanted.allows_unserved) {
        if (judge_now(call) && override_put(call)) {
            call_overtake(call);
        }
    } else {
        call_work(call, ADMIN_ORDERS, "override", weigh);
    }
}

/* Whom that leaves unserved is nobody: it brings back. */
void handle_failback(struct call *call)
{
    struct request_override wanted = {.what = {.set_ms = clock_wall_ms(&call->admin->clock)}};
    const char *name = NULL;
    if (request_parse_failback(call->body, call->body_len, &call->route.kind, &name, &wanted,
                               &call->problem) == 0 &&
        caller_may_touch(call, call->route.kind, name)) {
        call_add_actor(call, wanted.what.actor, wanted.what.peer);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    call->route.name = arena_copy_text(call->arena, name);
    call->data = arena_copy(call->arena, &wanted, sizeof wanted);
    (void)override_put(call);
}
