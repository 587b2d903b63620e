/* SPDX-License-Identifier: BSD-3-Clause
 *
 * /v1/challenges: TXT records of ACME's DNS-01 (RFC 8555 section 8.4), which are there for minutes. Who may
 * change one zone only may set those of that zone, which is the least that an ACME client needs. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/render_set.h"
#include "admin/request.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* ---- looking ---- */

static json_t *show_value(const struct admin_challenge_value *value)
{
    json_t *object = json_object();
    set_text(object, "value", value->value);
    set_time(object, "set", value->set_ms);
    set_time(object, "expires", value->expires_ms);
    set_text(object, "actor", value->actor);
    set_text(object, "peer", value->peer);
    set(object, "reason", value->reason[0] == '\0' ? json_null() : render_text(value->reason));
    return object;
}

static json_t *show_one(const struct admin_challenge *challenge)
{
    json_t *object = json_object(), *values = json_array();
    for (size_t i = 0; i < challenge->value_count; i++) {
        json_array_append_new(values, show_value(&challenge->values[i]));
    }
    set_text(object, "name", challenge->name);
    set(object, "zone", challenge->zone == NULL ? json_null() : render_text(challenge->zone));
    set(object, "answered", json_boolean(challenge->why == NULL));
    set(object, "why", challenge->why == NULL ? json_null() : render_text(challenge->why));
    set(object, "values", values);
    return object;
}

static const char *get_id(const void *items, size_t i)
{
    return ((const struct admin_challenge *)items)[i].name;
}

static json_t *show_item(const void *items, size_t i)
{
    return show_one(&((const struct admin_challenge *)items)[i]);
}

static struct admin_challenge_place find_place(const struct call *call, const char *text)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct admin_challenge_place place;
    verbs->challenges.find_place(verbs->context, text, call->arena, &place);
    return place;
}

static void set_none(struct call *call, const char *name, const char *value)
{
    if (value == NULL) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no challenge at \"%s\"", name);
    } else {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no challenge \"%s\" at \"%s\"", value, name);
    }
}

static void look(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct admin_challenge *items;
    bool is_list = call->route.id == ROUTE_CHALLENGES;
    const char *name = is_list ? NULL : find_place(call, call->route.name).name;
    if (!is_list && name == NULL) {
        set_none(call, call->route.name, NULL);
        call_reply_problem(call);
        return;
    }
    size_t count = verbs->challenges.list(verbs->context, name, call->arena, &items);
    if (is_list) {
        call_reply_page(call, items, count, get_id, show_item);
    } else if (count != 0) {
        call_reply_json(call, 200, show_one(items));
    } else {
        set_none(call, name, NULL);
        call_reply_problem(call);
    }
}

/* ---- changing ---- */

/* On its way. */
struct changing {
    struct call_pending *pending;
    bool clears;
    char *name, *value; /* value NULL: all */
};

static void set_refused(struct call *call, const struct changing *changing,
                        const struct admin_challenge_result *result)
{
    bool is_said = result->why != NULL && result->why[0] != '\0';
    if (result->error == ERROR_NOT_FOUND) {
        set_none(call, changing->name, changing->value);
    } else if (result->error == ERROR_TOO_LARGE) {
        problem_set(&call->problem, PROBLEM_CONFLICT,
                    "%s has %d challenges, which is all that it can have: clear some", changing->name,
                    ADMIN_CHALLENGE_VALUES_MAX);
    } else if (result->error == ERROR_CONFLICT) {
        problem_set(&call->problem, PROBLEM_CONFLICT,
                    "%d names have challenges, which is all that there can be: clear some",
                    ADMIN_CHALLENGE_NAMES_MAX);
    } else if (result->error == ERROR_BUSY) {
        problem_set(&call->problem, PROBLEM_BUSY, "nothing can be written now; ask again in a moment");
    } else {
        problem_set(&call->problem, PROBLEM_NOT_SAVED, "%s",
                    is_said ? result->why : error_text(result->error));
    }
}

static void set_challenge(const struct call *call, json_t *document, const char *name)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct admin_challenge *items;
    size_t count = verbs->challenges.list(verbs->context, name, call->arena, &items);
    set(document, "challenge", count == 0 ? json_null() : show_one(items));
}

static void on_changed(void *argument, const struct admin_challenge_result *result)
{
    struct changing *changing = argument;
    struct call call;
    if (call_resume(changing->pending, &call)) {
        if (result->error != 0) {
            set_refused(&call, changing, result);
            call_reply_problem(&call);
        } else {
            json_t *document = json_object();
            set(document, "dry_run", json_false());
            set(document, "durable", json_boolean(result->is_durable));
            set_text(document, "name", changing->name);
            set_challenge(&call, document, changing->name);
            call_reply_json(&call, result->is_new ? 201 : 200, document);
        }
        call_finish(&call);
    }
    free(changing->name);
    free(changing->value);
    free(changing);
}

/* What would be refused is, but for what many others may do until then. */
static void foresee(struct call *call, const struct admin_challenge_order *order)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct admin_challenge *items;
    size_t count = verbs->challenges.list(verbs->context, order->name, call->arena, &items), held = 0;
    for (size_t i = 0; count != 0 && i < items->value_count; i++) {
        held += order->value == NULL || strcmp(items->values[i].value, order->value) == 0;
    }
    if (order->clears && held == 0) {
        set_none(call, order->name, order->value);
        call_reply_problem(call);
        return;
    }
    json_t *document = json_object();
    set(document, "dry_run", json_true());
    set(document, "durable", json_false());
    set_text(document, "name", order->name);
    set_challenge(call, document, order->name);
    call_reply_json(call, 200, document);
}

static void send_order(struct call *call, const struct admin_challenge_order *order)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct changing *changing = memory_alloc(sizeof *changing);
    *changing = (struct changing){.pending = call_defer(call),
                                  .clears = order->clears,
                                  .name = memory_copy_text(order->name),
                                  .value = memory_copy_text(order->value)};
    int error = verbs->challenges.change(verbs->context, order, on_changed, changing);
    if (error != 0) {
        on_changed(changing, &(struct admin_challenge_result){.error = error});
    }
}

/* Who may change some zones only: the one that has it, or, of a name that no zone has any more, one above. */
static void judge_scope(struct call *call, const struct admin_challenge_place *place)
{
    if (place->zone != NULL) {
        (void)caller_may_touch_zone(call, place->zone);
    } else {
        (void)caller_may_touch_below(call, place->name);
    }
}

static void judge(struct call *call, bool clears, struct admin_challenge_place *place, const char *text)
{
    *place = find_place(call, text);
    if (clears ? place->name == NULL : place->name == NULL || place->why != NULL) {
        problem_add_field(&call->problem, "name", "found \"%.255s\": %s", text, place->why);
    }
    if (place->name != NULL && (clears || place->zone != NULL)) {
        judge_scope(call, place); /* what is in the way is not for everybody to know */
    }
}

static void parse_clear(struct call *call, struct request_challenge *wanted)
{
    const char *reason = call->route.parameters[ROUTE_REASON];
    *wanted =
        (struct request_challenge){.name = call->route.name, .value = call->route.parameters[ROUTE_VALUE]};
    if (reason != NULL) {
        request_check_reason(reason, wanted->reason, &call->problem);
    }
}

static void change(struct call *call)
{
    bool clears = call->method == ROUTE_DELETE;
    struct request_challenge wanted;
    struct admin_challenge_place place = {.name = NULL};
    char peer[HEALTH_PEER_SIZE] = "";
    if (clears) {
        parse_clear(call, &wanted);
    } else {
        (void)request_parse_challenge(call->body, call->body_len, &wanted, &call->problem);
    }
    if (wanted.name != NULL && wanted.name[0] != '\0') {
        judge(call, clears, &place, wanted.name);
    }
    if (!problem_is_set(&call->problem)) {
        call_add_actor(call, wanted.actor, peer);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    const struct admin_challenge_order order = {
        .clears = clears,
        .name = place.name,
        .value = wanted.value,
        .lasts_ms = wanted.lasts_ms,
        .reason = wanted.reason,
        .actor = wanted.actor,
        .peer = peer,
        .request =
            clears ? arena_print(call->arena, "DELETE /v1/challenges/%s", place.name) : "POST /v1/challenges",
        .receipt = call_make_receipt(call),
        .change = call->change};
    if (call->route.dry_run) {
        foresee(call, &order);
    } else {
        send_order(call, &order);
    }
}

void handle_challenges(struct call *call)
{
    if ((call->method & (ROUTE_GET | ROUTE_HEAD)) != 0) {
        look(call);
    } else {
        change(call);
    }
}
