/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Answers: status line, headers, body; and requests that wait for their answer. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "base/memory.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct call_pending {
    struct call_pending *next;
    struct admin *admin;            /* NULL: the server is gone */
    struct evhttp_request *request; /* NULL: the client is gone */
    unsigned method;
    struct route route;
};

static const char *status_text(unsigned status)
{
    switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 501: return "Not Implemented";
    default: return "Internal Server Error";
    }
}

/* The answer has gone out; the next request of the connection has its deadline from now on. */
static void written(struct evhttp_request *request, void *argument)
{
    connection_writing(argument, request);
}

static void reply(struct call *call, unsigned status, const char *type, struct evbuffer *body)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(call->request);
    size_t len = evbuffer_get_length(body);
    char length[24];
    snprintf(length, sizeof length, "%zu", len);
    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Content-Length", length);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    if (call->allow != NULL) {
        evhttp_add_header(headers, "Allow", call->allow);
    }
    if (evhttp_request_get_command(call->request) == EVHTTP_REQ_HEAD) {
        evbuffer_drain(body, len);
    }
    connection_writing(&call->admin->connections, call->request);
    evhttp_request_set_on_complete_cb(call->request, written, &call->admin->connections);
    evhttp_send_reply(call->request, (int)status, status_text(status), body);
    evbuffer_free(body);
}

static void free_text(const void *bytes, size_t len, void *text)
{
    (void)bytes, (void)len;
    free(text);
}

static void reply_json(struct call *call, unsigned status, const char *type, json_t *document)
{
    struct evbuffer *body = evbuffer_new();
    char *text = json_dumps(document, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    json_decref(document);
    if (text != NULL) {
        evbuffer_add_reference(body, text, strlen(text), free_text, text);
        evbuffer_add(body, "\n", 1);
    }
    reply(call, text == NULL ? 500 : status, type, body);
}

void call_reply_json(struct call *call, unsigned status, json_t *document)
{
    reply_json(call, status, "application/json", document);
}

void call_reply_text(struct call *call, const char *type, const char *text, size_t len)
{
    struct evbuffer *body = evbuffer_new();
    evbuffer_add(body, text, len);
    reply(call, 200, type, body);
}

void call_reply_problem(struct call *call)
{
    if (!problem_is_set(&call->problem)) {
        problem_set(&call->problem, PROBLEM_INTERNAL, "no reason was given");
    }
    reply_json(call, problem_status(call->problem.kind), "application/problem+json",
               render_problem(&call->problem));
}

/* ---- later ---- */

static void client_left(struct evhttp_connection *connection, void *argument)
{
    (void)connection;
    struct call_pending *pending = argument;
    pending->request = NULL;
}

struct call_pending *call_defer(struct call *call)
{
    struct call_pending *pending = memory_alloc(sizeof *pending);
    *pending = (struct call_pending){.next = call->admin->pendings,
                                     .admin = call->admin,
                                     .request = call->request,
                                     .method = call->method,
                                     .route = {.id = call->route.id}};
    call->admin->pendings = pending;
    evhttp_connection_set_closecb(evhttp_request_get_connection(call->request), client_left, pending);
    return pending;
}

static void unlink_pending(struct call_pending *pending)
{
    struct call_pending **at = &pending->admin->pendings;
    while (*at != pending) {
        at = &(*at)->next;
    }
    *at = pending->next;
}

bool call_resume(struct call_pending *pending, struct call *call)
{
    bool waiting = pending->admin != NULL && pending->request != NULL;
    if (pending->admin != NULL) {
        unlink_pending(pending);
    }
    if (waiting) {
        evhttp_connection_set_closecb(evhttp_request_get_connection(pending->request), NULL, NULL);
        *call = (struct call){.admin = pending->admin,
                              .request = pending->request,
                              .method = pending->method,
                              .route = pending->route,
                              .arena = arena_new(0)};
        problem_init(&call->problem, call->arena);
    }
    free(pending);
    return waiting;
}

void call_finish(struct call *call)
{
    arena_free(call->arena);
}

void call_drop_all(struct admin *admin)
{
    while (admin->pendings != NULL) {
        struct call_pending *pending = admin->pendings;
        admin->pendings = pending->next;
        if (pending->request != NULL) {
            evhttp_connection_set_closecb(evhttp_request_get_connection(pending->request), NULL, NULL);
        }
        pending->admin = NULL;
        pending->request = NULL;
    }
}
