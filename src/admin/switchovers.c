/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Switchovers as resources. What they are is in operate/switchover.h, what becomes of them the application's
 * business. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/request.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- looking ---- */

static void set_none(struct call *call)
{
    problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no switchover \"%s\"", call->route.name);
}

static const char *get_id(const void *items, size_t i)
{
    return ((const struct switchover *const *)items)[i]->id;
}

static json_t *render_item(const void *items, size_t i)
{
    return render_switchover(((const struct switchover *const *)items)[i], false);
}

static void look(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    const struct switchover **items;
    size_t count = verbs->list_switchovers(verbs->context, call->arena, &items);
    if (call->route.id == ROUTE_SWITCHOVERS) {
        call_reply_page(call, items, count, get_id, render_item);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(items[i]->id, call->route.name) == 0) {
            call_reply_json(call, 200, render_switchover(items[i], true));
            return;
        }
    }
    set_none(call);
    call_reply_problem(call);
}

/* ---- changing ---- */

/* On its way. */
struct changing {
    struct call_pending *pending;
    char *id; /* NULL: a new one */
    bool dry_run;
};

static void set_objections(struct call *call, const struct switchover_look *look)
{
    problem_set(&call->problem, PROBLEM_OBJECTIONS,
                "nothing was done; what objects can be accepted by name, with \"accept\" and a reason");
    for (size_t i = 0; i < look->finding_count; i++) {
        if (!look->findings[i].is_good) {
            problem_add_field(&call->problem, look->findings[i].name, "%s", look->findings[i].text);
        }
    }
}

static void set_hook(struct call *call, const struct admin_switchover_result *result)
{
    const struct switchover *as_before = result->switchover;
    problem_set(&call->problem, PROBLEM_HOOK,
                "hook \"%s\" is against it, and nothing was done: switchover \"%s\" is %s", result->hook,
                as_before == NULL ? "" : as_before->id,
                as_before == NULL ? "gone" : switchover_state_text(as_before->state));
    problem_add_field(&call->problem, arena_print(call->arena, "hook:%s", result->hook), "%s", result->why);
}

/* It does not lead on from there: what does, as a program reads it. */
static void set_order(struct call *call, const struct admin_switchover_result *result)
{
    const char **allowed = arena_alloc(call->arena, SWITCHOVER_VERBS * sizeof *allowed);
    size_t count = 0;
    for (int verb = 0; result->switchover != NULL && verb < SWITCHOVER_VERBS; verb++) {
        if (switchover_allows(result->switchover, (enum switchover_verb)verb, false)) {
            allowed[count++] = switchover_verb_text((enum switchover_verb)verb);
        }
    }
    problem_set(&call->problem, PROBLEM_CONFLICT, "%s", result->why);
    call->problem.allowed = allowed;
    call->problem.allowed_count = count;
}

static void set_trouble(struct call *call, const struct admin_switchover_result *result)
{
    struct problem *problem = &call->problem;
    switch (result->trouble) {
    case ADMIN_SWITCHOVER_NONE: set_none(call); break;
    case ADMIN_SWITCHOVER_TARGET:
        problem_add_field(problem, "source", "there is no \"%s\" in the topology", result->why);
        break;
    case ADMIN_SWITCHOVER_TO:
        problem_add_field(problem, "to", "there is no region or az \"%s\" in the topology", result->why);
        break;
    case ADMIN_SWITCHOVER_NAMES:
        problem_add_field(problem, "names", "the topology has no group of names \"%s\" (name_groups)",
                          result->why);
        break;
    case ADMIN_SWITCHOVER_FINDINGS: set_objections(call, result->look); break;
    case ADMIN_SWITCHOVER_CONFIRM:
        problem_add_field(problem, "confirm",
                          "nothing says that data flow back, so what \"%s\" holds may be lost for good: "
                          "type its name here",
                          result->why);
        break;
    case ADMIN_SWITCHOVER_OVERLAPS:
        problem_set(problem, PROBLEM_CONFLICT,
                    "switchover \"%s\" has moved a part of it: roll that back or close it first",
                    result->why);
        break;
    case ADMIN_SWITCHOVER_ACCEPTED:
        problem_add_field(problem, "accept", "\"%s\" is nothing that objects", result->why);
        break;
    case ADMIN_SWITCHOVER_ORDER: set_order(call, result); break;
    case ADMIN_SWITCHOVER_HOOK: set_hook(call, result); break;
    case ADMIN_SWITCHOVER_CONDITION: call_set_precondition(call); break;
    case ADMIN_SWITCHOVER_UNTOLD: problem_set(problem, PROBLEM_CLUSTER_UNREACHABLE, "%s", result->why); break;
    case ADMIN_SWITCHOVER_BUSY: problem_set(problem, PROBLEM_BUSY, "%s", result->why); break;
    default: problem_set(problem, PROBLEM_BUSY, "the server ends"); break;
    }
}

static void reply(struct call *call, const struct changing *changing,
                  const struct admin_switchover_result *result)
{
    json_t *document = render_switchover(result->switchover, true);
    json_object_set_new(document, "look",
                        result->look == NULL ? json_null() : render_switchover_look(result->look));
    if (changing->dry_run) {
        json_object_set_new(document, "dry_run", json_true());
    } else {
        json_object_set_new(document, "rules_ignored", render_ignored_rules(result->ignored));
        json_object_set_new(document, "durable", json_boolean(result->durable));
        json_object_set_new(document, "not_durable_because", render_text(result->not_durable_because));
    }
    call_reply_json(call, changing->id == NULL && !changing->dry_run ? 201 : 200, document);
}

static void on_changed(void *argument, const struct admin_switchover_result *result)
{
    struct changing *changing = argument;
    struct call call;
    if (call_resume(changing->pending, &call)) {
        call.route.name = changing->id;
        if (result->trouble != ADMIN_SWITCHOVER_GOOD) {
            set_trouble(&call, result);
            call_reply_problem(&call);
        } else {
            reply(&call, changing, result);
        }
        call_finish(&call);
    }
    free(changing->id);
    free(changing);
}

static const struct switchover *find(struct call *call, const char *id)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    const struct switchover **items;
    size_t count = verbs->list_switchovers(verbs->context, call->arena, &items), at = 0;
    while (at < count && strcmp(items[at]->id, id) != 0) {
        at++;
    }
    return at == count ? NULL : items[at];
}

/* Whoever may change some regions only leads what lies within them: all that is moved, and where it goes. */
static bool is_within_scopes(struct call *call, const struct switchover *what, const char *to)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct operate_target target;
    if (call->caller.scopes == NULL || what == NULL) {
        return true;
    }
    for (size_t i = 0; i < what->target_count; i++) {
        if (!caller_may_touch(call, what->targets[i].kind, what->targets[i].name)) {
            return false;
        }
    }
    if (to[0] == '\0') {
        caller_refuse_scope(call, "where it goes as policies have it: name its destination (to)", NULL);
        return false;
    }
    bool is_az = verbs->get_target(verbs->current, HEALTH_REGION, to, call->arena, &target) != 0;
    return caller_may_touch(call, is_az ? HEALTH_AZ : HEALTH_REGION, to);
}

static void add_endpoint(struct call *call, struct switchover *what, const char *name)
{
    for (size_t i = 0; i < what->target_count; i++) {
        if (what->targets[i].kind == HEALTH_ENDPOINT && strcmp(what->targets[i].name, name) == 0) {
            return;
        }
    }
    if (what->target_count == SWITCHOVER_TARGETS_MAX) {
        problem_add_field(&call->problem, "source", "more than %d targets with the endpoints of its groups",
                          SWITCHOVER_TARGETS_MAX);
        return;
    }
    struct switchover_target *to = &what->targets[what->target_count++];
    memset(to, 0, sizeof *to);
    to->kind = HEALTH_ENDPOINT;
    snprintf(to->name, sizeof to->name, "%s", name);
}

/* A group is who belongs to it now: that does not change while it is under way. */
static void add_groups(struct call *call, struct request_switchover *wanted)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    for (size_t i = 0; i < wanted->group_count; i++) {
        const char *const *names;
        size_t count = 0;
        if (verbs->list_group(verbs->current, wanted->groups[i], call->arena, &names, &count) != 0) {
            problem_add_field(&call->problem, "source", "there is no group \"%.100s\"", wanted->groups[i]);
        }
        for (size_t j = 0; j < count && !problem_is_set(&call->problem); j++) {
            add_endpoint(call, &wanted->what, names[j]);
        }
    }
}

/* All that it moves now, and where that is to go; what goes elsewhere leaves where it went. */
static bool may_change(struct call *call, const struct request_switchover *wanted)
{
    const struct switchover *what =
        call->route.id == ROUTE_SWITCHOVERS ? &wanted->what : find(call, call->route.name);
    if (what == NULL) {
        return true;
    }
    bool turns = what != &wanted->what && wanted->what.to[0] != '\0';
    return (turns && what->to[0] == '\0' ? is_within_scopes(call, what, wanted->what.to)
                                         : is_within_scopes(call, what, what->to)) &&
           (!turns || is_within_scopes(call, what, wanted->what.to));
}

static enum request_switchover_kind find_kind(bool is_new, enum switchover_verb verb)
{
    return is_new                        ? REQUEST_SWITCHOVER_NEW
           : verb == SWITCHOVER_REDIRECT ? REQUEST_SWITCHOVER_TURN
                                         : REQUEST_SWITCHOVER_VERB;
}

static void change(struct call *call, enum switchover_verb verb)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct request_switchover wanted;
    bool is_new = call->route.id == ROUTE_SWITCHOVERS;
    char peer[HEALTH_PEER_SIZE] = "";
    (void)request_parse_switchover(call->body, call->body_len, find_kind(is_new, verb), &wanted,
                                   &call->problem);
    if (!problem_is_set(&call->problem)) {
        call_add_actor(call, wanted.actor, peer);
        add_groups(call, &wanted);
    }
    if (problem_is_set(&call->problem) || !may_change(call, &wanted)) {
        call_reply_problem(call);
        return;
    }
    const struct admin_switchover_order order = {
        .id = is_new ? NULL : call->route.name,
        .wanted = is_new ? &wanted.what : NULL,
        .executes = wanted.executes,
        .dry_run = call->route.dry_run,
        .verb = verb,
        .to = is_new ? NULL : wanted.what.to,
        .is_emergency = wanted.is_emergency,
        .accepted = wanted.accepted,
        .accepted_count = wanted.accepted_count,
        .confirm = wanted.confirm,
        .actor = wanted.actor,
        .peer = peer,
        .reason = wanted.reason,
        .condition = call->condition,
        .receipt = call_make_receipt(call),
        .change = call->change,
        .request = is_new ? "POST /v1/switchovers"
                          : arena_print(call->arena, "POST /v1/switchovers/%s:%s", call->route.name,
                                        switchover_verb_text(verb))};
    struct changing *changing = memory_alloc(sizeof *changing);
    *changing = (struct changing){
        .pending = call_defer(call), .id = memory_copy_text(order.id), .dry_run = call->route.dry_run};
    verbs->change_switchover(verbs->context, &order, on_changed, changing);
}

void handle_switchovers(struct call *call)
{
    if ((call->method & (ROUTE_GET | ROUTE_HEAD)) != 0) {
        look(call);
    } else {
        change(call, SWITCHOVER_EXECUTE);
    }
}

void handle_switchover_verb(struct call *call)
{
    enum switchover_verb verb;
    if (switchover_parse_verb(call->route.verb, &verb) != 0) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND,
                    "a switchover has no verb \"%s\"; it has execute, verify, commit, rollback, reprotect, "
                    "failback, cancel, close, resume and redirect",
                    call->route.verb);
        call_reply_problem(call);
        return;
    }
    change(call, verb);
}
