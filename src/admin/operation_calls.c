/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Operations as resources: who would like one, 202 for a request that goes on without its client, and what
 * became of it. An answer that is kept is never parsed: it is put into the document as it is. */
#include "config.h"

#include "admin/call.h"

#include "admin/operations.h"
#include "admin/prefer.h"
#include "admin/render_set.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- who would like one ---- */

/* What may take long; all else is answered before anybody could ask how far it is. */
static bool may_take_long(const struct call *call)
{
    switch (call->route.id) {
    case ROUTE_DRILLS:
    case ROUTE_WHAT_IF:
    case ROUTE_VERIFY:
    case ROUTE_RELOAD:
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

/* ---- documents ---- */

static const struct worker_job *get_job(const struct operation *operation)
{
    return operation->pending == NULL ? NULL : call_get_job(operation->pending);
}

static void find_progress(const struct operation *operation, size_t *done, size_t *of)
{
    const struct worker_job *job = get_job(operation);
    *done = operation->done;
    *of = operation->of;
    if (job != NULL) {
        *done = atomic_load_explicit(&job->progress.done, memory_order_relaxed);
        *of = atomic_load_explicit(&job->progress.of, memory_order_relaxed);
    }
}

void operation_note_end(struct operation *operation)
{
    find_progress(operation, &operation->done, &operation->of);
    operation->pending = NULL;
}

static bool can_cancel(const struct operation *operation)
{
    return operation->state == OPERATION_RUNNING && operation->pending != NULL &&
           call_can_cancel(operation->pending);
}

static void set_progress(json_t *object, const struct operation *operation)
{
    size_t done, of;
    find_progress(operation, &done, &of);
    if (of == 0) {
        set(object, "progress", json_null());
        return;
    }
    json_t *progress = json_object();
    set_number(progress, "done", done < of ? done : of);
    set_number(progress, "of", of);
    set(object, "progress", progress);
}

static json_t *render(const struct operation *operation)
{
    json_t *object = json_object();
    const struct worker_job *job = get_job(operation);
    bool waits = operation->state == OPERATION_RUNNING && job != NULL && job->is_waiting;
    set_text(object, "id", operation->id);
    set_text(object, "request", operation->wish.request);
    set_text(object, "peer", operation->wish.peer);
    set_text(object, "state", waits ? "waiting" : operation_state_text(operation->state));
    set(object, "cancellable", json_boolean(can_cancel(operation)));
    set_time(object, "created", operation->made_ms);
    set_time(object, "ended", operation->ended_ms);
    set_time(object, "expires", operation->ended_ms == 0 ? 0 : operation->ended_ms + OPERATIONS_KEPT_MS);
    set_progress(object, operation);
    set(object, "status", operation->status == 0 ? json_null() : json_integer(operation->status));
    set_text(object, "detail", operation->is_cut ? "it has ended; its answer is too long to be kept" : NULL);
    return object;
}

/* Its members, then the answer as it was made. */
static struct evbuffer *write_whole(const struct operation *operation)
{
    struct evbuffer *out = evbuffer_new();
    json_t *object = render(operation);
    char *text = json_dumps(object, JSON_INDENT(2));
    json_decref(object);
    bool is_problem = operation->state == OPERATION_FAILED;
    size_t len = strlen(text) - 2; /* without the brace at the end, which stands on a line of its own */
    evbuffer_add(out, text, len);
    free(text);
    evbuffer_add_printf(out, ",\n  \"%s\": null,\n  \"%s\": ", is_problem ? "result" : "problem",
                        is_problem ? "problem" : "result");
    if (operation->body == NULL || evbuffer_add_buffer_reference(out, operation->body) != 0) {
        evbuffer_add(out, "null", 4);
    }
    evbuffer_add(out, "}\n", 2);
    return out;
}

static void tell(struct call *call, unsigned status, const struct operation *operation)
{
    call_send(call, &(struct call_answer){
                        .status = status, .type = "application/json", .body = write_whole(operation)});
}

static void accept_call(struct call *call, const struct operation *operation)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(call->request);
    char location[OPERATIONS_ID_SIZE + 32];
    snprintf(location, sizeof location, "/v1/operations/%s", operation->id);
    evhttp_add_header(headers, "Location", location);
    evhttp_add_header(headers, "Preference-Applied", "respond-async");
    tell(call, 202, operation);
}

/* ---- on its way ---- */

struct operation *operation_begin(struct call *call, const struct operation_wish *wish,
                                  struct call_pending *pending)
{
    struct operation *operation =
        operations_add(&call->admin->operations, wish, clock_wall_ms(&call->admin->clock));
    if (operation != NULL) {
        operation->pending = pending;
    }
    return operation;
}

void operation_tell_begun(struct call *call, const struct operation *operation)
{
    accept_call(call, operation);
}

void operation_end(struct call *call, const struct call_answer *answer)
{
    struct operation *operation = call->operation;
    call->operation = NULL;
    operations_end(&call->admin->operations, operation, answer->status, answer->body,
                   clock_wall_ms(&call->admin->clock));
}

bool operation_tell_again(struct call *call, const struct receipt *receipt)
{
    for (const struct operation *at = call->admin->operations.first; at != NULL; at = at->next) {
        if (call->wish != NULL && at->pending != NULL && call_get_receipt(at->pending) == receipt) {
            accept_call(call, at);
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
    return render(((const struct operation *const *)items)[i]);
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
    if (!can_cancel(operation)) {
        problem_set(&call->problem, PROBLEM_CONFLICT,
                    operation->ended_ms != 0 ? "it has ended (%s)"
                                             : "it is %s, and changes something: it is carried out",
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
