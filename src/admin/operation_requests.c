/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Operations as resources: who would like one, who may see it, and its end before its time. */
#include "config.h"

#include "admin/call.h"

#include "admin/operations.h"
#include "admin/prefer.h"

#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- who would like one ---- */

/* What may take long; all else is answered before anybody could ask how far it is. */
static bool may_take_long(const struct call *call)
{
    switch (call->route.id) {
    case ROUTE_DRILLS: return call->method == ROUTE_POST;
    case ROUTE_WHAT_IF:
    case ROUTE_VERIFY:
    case ROUTE_RELOAD:
    case ROUTE_BUNDLE_CHECK:
    case ROUTE_RESTORE:
    case ROUTE_IMPORT:
    case ROUTE_CONFIG_APPLY:
    case ROUTE_CONFIG_IMPORT: return true;
    case ROUTE_DIFF:
    case ROUTE_CONFIG_DRIFT: return call->method == ROUTE_GET;
    case ROUTE_EXPLAIN: return call->method == ROUTE_GET && call->route.parameters[ROUTE_AT] != NULL;
    default: return false;
    }
}

void operation_wish(struct call *call)
{
    struct prefer prefer = {.is_async = false};
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(call->request);
    for (const struct evkeyval *header = headers->tqh_first; header != NULL; header = header->next.tqe_next) {
        if (strcasecmp(header->key, "Prefer") == 0) {
            prefer_add(header->value, &prefer);
        }
    }
    if (!prefer.is_async || !may_take_long(call)) {
        return;
    }
    struct operation_wish *wish = arena_alloc(call->arena, sizeof *wish);
    char path[ROUTE_TEXT_SIZE];
    *wish = (struct operation_wish){.wait_ms = prefer.wait_s * INT64_C(1000),
                                    .role = route_get_role(call->route.id, call->method)};
    snprintf(wish->peer, sizeof wish->peer, "%s", call->caller.peer);
    snprintf(wish->request, sizeof wish->request, "%s %s%s", call->method == ROUTE_POST ? "POST" : "GET",
             route_write(call->route.id, path), call->route.dry_run ? "?dry_run=true" : "");
    call->wish = wish;
}

static void tell(struct call *call, unsigned status, const struct operation *operation)
{
    call_send(call, &(struct call_answer){
                        .status = status, .type = "application/json", .body = operation_write(operation)});
}

bool operation_tell_again(struct call *call, const struct receipt *receipt)
{
    for (const struct operation *at = call->admin->operations.first; at != NULL; at = at->next) {
        if (call->wish != NULL && at->pending != NULL && call_get_receipt(at->pending) == receipt) {
            operation_add_headers(call->request, at);
            tell(call, 202, at);
            return true;
        }
    }
    return false;
}

/* ---- resources ---- */

/* "uid:1000(alice)" is "uid:1000" before the name has been looked up. */
static bool is_same_peer(const char *a, const char *b)
{
    size_t len = strcspn(a, "("), other = strcspn(b, "(");
    bool are_users = strncmp(a, "uid:", 4) == 0 && strncmp(b, "uid:", 4) == 0;
    return strcmp(a, b) == 0 || (are_users && len == other && strncmp(a, b, len) == 0);
}

/* Whoever has asked, as long as he still may, and admins. */
static bool may_see(const struct call *call, const struct operation *operation)
{
    return call->caller.role >= ROLE_ADMIN || (call->caller.role >= operation->wish.role &&
                                               is_same_peer(call->caller.peer, operation->wish.peer));
}

static const char *get_id(const void *items, size_t i)
{
    return ((const struct operation *const *)items)[i]->id;
}

static json_t *render_item(const void *items, size_t i)
{
    return operation_render(((const struct operation *const *)items)[i]);
}

static void list(struct call *call)
{
    const struct operations *operations = &call->admin->operations;
    const struct operation **items = arena_alloc(call->arena, (operations->count + 1) * sizeof *items);
    size_t count = 0;
    for (const struct operation *at = operations->first; at != NULL; at = at->next) {
        if (may_see(call, at)) {
            items[count++] = at;
        }
    }
    call_reply_page(call, items, count, get_id, render_item);
}

static void set_none(struct call *call)
{
    const char *id = call->route.name;
    if (operations_has_given(&call->admin->operations, id)) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND,
                    "operation \"%s\" is not kept any more, or somebody else's", id);
    } else if (operations_is_id(id)) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND,
                    "operation \"%s\" is not of this process: operations end with theirs, in a restart or "
                    "takeover; the journal has what was changed",
                    id);
    } else {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no operation \"%s\"", id);
    }
    call_reply_problem(call);
}

static void cancel(struct call *call, struct operation *operation)
{
    if (operation->state == OPERATION_CANCELLING) {
        tell(call, 202, operation);
        return;
    }
    if (!operation_can_be_cancelled(operation)) {
        problem_set(&call->problem, PROBLEM_CONFLICT,
                    operation->ended_ms != 0 ? "it has ended (%s)" : "it is %s, and not given up halfway",
                    operation_state_text(operation->state));
        call_reply_problem(call);
        return;
    }
    operation->state = OPERATION_CANCELLING;
    call_cancel(operation->pending); /* one that waited has ended then */
    tell(call, operation->ended_ms != 0 ? 200 : 202, operation);
}

void handle_operations(struct call *call)
{
    struct operations *operations = &call->admin->operations;
    operations_trim(operations, clock_wall_ms(&call->admin->clock));
    if (call->route.id == ROUTE_OPERATIONS) {
        list(call);
        return;
    }
    struct operation *operation = operations_find(operations, call->route.name);
    if (operation == NULL || !may_see(call, operation)) {
        set_none(call);
    } else if (call->method == ROUTE_DELETE) {
        cancel(call, operation);
    } else {
        tell(call, 200, operation);
    }
}
