/* SPDX-License-Identifier: BSD-3-Clause
 *
 * /v1/tokens: who may come from elsewhere without a certificate. A secret is in one answer only, that to
 * whoever had it made. */
#include "config.h"

#include "admin/call.h"

#include "admin/render_set.h"
#include "admin/request.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static json_t *render_names(const char *const *names, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(names[i]));
    }
    return list;
}

static json_t *render(const struct admin_token *token, int64_t wall_ms)
{
    json_t *object = json_object();
    set_text(object, "name", token->name);
    set_text(object, "role", role_text(token->role));
    set(object, "regions", render_names(token->scopes.regions, token->scopes.region_count));
    set(object, "zones", render_names(token->scopes.zones, token->scopes.zone_count));
    set_time(object, "made", token->made_ms);
    set_text(object, "made_by", token->made_by);
    set_time(object, "expires", token->expires_ms);
    set(object, "expired", json_boolean(wall_ms >= token->expires_ms));
    set_time(object, "rotated", token->rotated_ms);
    set_time(object, "overlap", token->overlap_ms > wall_ms ? token->overlap_ms : 0);
    set_time(object, "used", token->used_ms);
    return object;
}

/* ---- looking ---- */

static void set_none(struct call *call)
{
    problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no token \"%s\"", call->route.name);
}

static void look(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct admin_token *tokens;
    int64_t wall_ms = clock_wall_ms(&call->admin->clock);
    size_t count = verbs->access.list_tokens(verbs->context, call->arena, &tokens);
    if (call->route.id == ROUTE_TOKENS) {
        json_t *document = json_object(), *items = json_array();
        for (size_t i = 0; i < count; i++) {
            json_array_append_new(items, render(&tokens[i], wall_ms));
        }
        set(document, "items", items);
        call_reply_json(call, 200, document);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (strcmp(tokens[i].name, call->route.name) == 0) {
            call_reply_json(call, 200, render(&tokens[i], wall_ms));
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
    enum admin_token_what what;
    char *name;
};

static void set_refused(struct call *call, int error, const char *why)
{
    if (error == ERROR_NOT_FOUND) {
        set_none(call);
    } else if (error == ERROR_CONFLICT) {
        problem_set(&call->problem, PROBLEM_CONFLICT, "there is a token \"%s\" already", call->route.name);
    } else if (error == ERROR_PRECONDITION) {
        call_set_precondition(call);
    } else if (error == ERROR_TOO_LARGE) {
        problem_set(&call->problem, PROBLEM_CONFLICT, "there are 256 tokens, which is all that there can be");
    } else if (error == ERROR_BUSY) {
        problem_set(&call->problem, PROBLEM_BUSY,
                    "the token is just being changed, or nothing can be written now");
    } else if (error == ERROR_UNSUPPORTED) {
        problem_set(&call->problem, PROBLEM_CONFLICT,
                    "steerd.json has no \"state\", a folder where it is kept who may come");
    } else {
        bool is_said = why != NULL && why[0] != '\0';
        problem_set(&call->problem, PROBLEM_NOT_SAVED, "%s", is_said ? why : error_text(error));
    }
}

static void reply(struct call *call, enum admin_token_what what, const struct admin_token_result *result)
{
    json_t *document = json_object();
    if (what == ADMIN_TOKEN_DELETE) {
        set_text(document, "name", result->token->name);
        set(document, "deleted", json_true());
    } else {
        json_object_update_new(document, render(result->token, clock_wall_ms(&call->admin->clock)));
        set_text(document, "secret", result->secret);
    }
    call_reply_json(call, what == ADMIN_TOKEN_MAKE ? 201 : 200, document);
}

static void on_changed(void *argument, const struct admin_token_result *result)
{
    struct changing *changing = argument;
    struct call call;
    if (call_resume(changing->pending, &call)) {
        call.route.name = changing->name;
        if (result->error != 0) {
            set_refused(&call, result->error, result->why);
            call_reply_problem(&call);
        } else {
            reply(&call, changing->what, result);
        }
        call_finish(&call);
    }
    free(changing->name);
    free(changing);
}

static const char *write_request(const struct call *call, enum admin_token_what what)
{
    if (what == ADMIN_TOKEN_MAKE) {
        return "POST /v1/tokens";
    }
    return what == ADMIN_TOKEN_ROTATE
               ? arena_print(call->arena, "POST /v1/tokens/%s:rotate", call->route.name)
               : arena_print(call->arena, "DELETE /v1/tokens/%s", call->route.name);
}

static void parse(struct call *call, enum admin_token_what what, struct request_token *wanted)
{
    const char *reason = call->route.parameters[ROUTE_REASON];
    if (what != ADMIN_TOKEN_DELETE) {
        bool is_new = what == ADMIN_TOKEN_MAKE;
        (void)request_parse_token(call->body, call->body_len, is_new, wanted, &call->problem);
    } else if (reason != NULL) {
        request_check_reason(reason, wanted->reason, &call->problem);
    }
}

static void change(struct call *call, enum admin_token_what what)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct request_token wanted = {.name = NULL};
    char peer[HEALTH_PEER_SIZE] = "";
    parse(call, what, &wanted);
    if (!problem_is_set(&call->problem)) {
        call_add_actor(call, wanted.actor, peer);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    const struct admin_token_order order = {.what = what,
                                            .name = what == ADMIN_TOKEN_MAKE ? wanted.name : call->route.name,
                                            .role = wanted.role,
                                            .scopes = wanted.scopes,
                                            .lasts_ms = wanted.lasts_ms,
                                            .overlap_ms = wanted.overlap_ms,
                                            .reason = wanted.reason,
                                            .actor = wanted.actor,
                                            .peer = peer,
                                            .request = write_request(call, what),
                                            .condition = call->condition,
                                            .receipt = call_make_receipt(call),
                                            .change = call->change};
    struct changing *changing = memory_alloc(sizeof *changing);
    *changing =
        (struct changing){.pending = call_defer(call), .what = what, .name = memory_copy_text(order.name)};
    int error = verbs->access.change_token(verbs->context, &order, on_changed, changing);
    if (error != 0) {
        on_changed(changing, &(struct admin_token_result){.error = error});
    }
}

void handle_tokens(struct call *call)
{
    enum admin_token_what what = call->route.id == ROUTE_TOKENS         ? ADMIN_TOKEN_MAKE
                                 : call->route.id == ROUTE_TOKEN_ROTATE ? ADMIN_TOKEN_ROTATE
                                                                        : ADMIN_TOKEN_DELETE;
    if ((call->method & (ROUTE_GET | ROUTE_HEAD)) != 0) {
        look(call);
    } else {
        change(call, what);
    }
}
