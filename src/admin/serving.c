/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Is this server one to be asked? For anycast daemons and others that decide whether clients are sent here:
 * 200 if it is, 503 if it has withdrawn. And the order to withdraw, or not to. Small, and the control
 * thread's own: answered at once. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/render_set.h"
#include "admin/request.h"
#include "admin/request_inside.h"

static json_t *render_filled(const char *text)
{
    return text == NULL || text[0] == '\0' ? json_null() : render_text(text);
}

static json_t *render_signs(const struct contact_signs *signs)
{
    json_t *object = json_object();
    for (int i = 0; i < CONTACT_WITNESSES; i++) {
        json_t *sign = json_object();
        set_number(sign, "known", signs->witnesses[i].known);
        set_number(sign, "heard", signs->witnesses[i].heard);
        set(object, contact_witness_text((enum contact_witness)i), sign);
    }
    json_t *targets = json_object();
    set_number(targets, "known", signs->targets);
    set_number(targets, "heard", signs->answering);
    set(object, "targets", targets);
    return object;
}

static json_t *render_hook(const struct admin_serving *serving)
{
    const struct admin_serving_hook *hook = &serving->hook;
    if (!serving->has_hook) {
        return json_null();
    }
    json_t *object = json_object();
    set(object, "settled", render_filled(hook->settled));
    set(object, "running", render_filled(hook->running));
    set_number(object, "runs", hook->runs);
    set_number(object, "failures", hook->failures);
    set(object, "outcome", render_filled(hook->outcome));
    set(object, "output", render_filled(hook->output));
    set_time(object, "ended", hook->ended_ms);
    return object;
}

static const char *find_by(const struct admin_serving *serving)
{
    return serving->is_ordered ? "operator" : serving->has_withdrawn ? "itself" : NULL;
}

json_t *render_contact(const struct admin_serving *serving)
{
    json_t *object = json_object();
    set(object, "serving", json_boolean(find_by(serving) == NULL));
    set_text(object, "withdrawn_by", find_by(serving));
    set_time(object, "since", serving->since_ms);
    set(object, "cut_off", json_boolean(serving->is_cut));
    set_time(object, "cut_off_since", serving->cut_ms);
    set_time(object, "withdraws", serving->withdraws_ms);
    return object;
}

static void reply(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct admin_serving serving;
    verbs->serving.get(verbs->context, call->arena, &serving);
    json_t *document = render_contact(&serving);
    set_time(document, "announces", serving.announces_ms);
    set_text(document, "how", serving.how);
    set(document, "actor", render_filled(serving.actor));
    set(document, "reason", render_filled(serving.reason));
    set(document, "heard", render_signs(&serving.signs));
    set(document, "command", render_hook(&serving));
    bool is_asked = (call->method & (ROUTE_GET | ROUTE_HEAD)) != 0;
    call_reply_json(call, is_asked && find_by(&serving) != NULL ? 503 : 200, document);
}

static bool parse(struct call *call, struct admin_serving_order *order, char *actor, char *reason)
{
    static const char *const known[] = {"withdrawn", "reason", "actor", NULL};
    struct problem *problem = &call->problem;
    json_t *body = request_parse_object(call->body, call->body_len, problem);
    if (body == NULL) {
        return false;
    }
    request_reject_unknown(body, known, problem);
    if (!json_is_boolean(json_object_get(body, "withdrawn"))) {
        problem_add_field(problem, "withdrawn", "required: true or false");
    }
    order->withdraws = json_is_true(json_object_get(body, "withdrawn"));
    const char *text = request_get_text(body, "reason", problem);
    if (text != NULL) {
        request_check_reason(text, reason, problem);
    } else if (order->withdraws && json_object_get(body, "reason") == NULL) {
        problem_add_field(problem, "reason", "required: why it is not to be asked");
    }
    request_check_body_actor(body, actor, problem);
    json_decref(body);
    return !problem_is_set(problem);
}

static void change(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    char actor[HEALTH_ACTOR_SIZE] = "", peer[HEALTH_PEER_SIZE] = "", reason[HEALTH_REASON_SIZE] = "";
    struct admin_serving_order order = {.actor = actor, .peer = peer, .reason = reason};
    if (parse(call, &order, actor, reason)) {
        call_add_actor(call, actor, peer);
    }
    if (!problem_is_set(&call->problem) && !verbs->serving.order(verbs->context, &order)) {
        problem_set(&call->problem, PROBLEM_BUSY, "another process takes over: ask that one");
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
    } else {
        reply(call);
    }
}

void handle_serving(struct call *call)
{
    if ((call->method & ROUTE_PUT) != 0) {
        change(call);
    } else {
        reply(call);
    }
}
