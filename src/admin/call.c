/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Answers: status line, headers, body; and requests that wait for their answer. */
#include "config.h"

#include "admin/call.h"

#include "admin/door.h"
#include "admin/render.h"
#include "base/memory.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct call_pending {
    struct call_pending *next;
    struct admin *admin; /* NULL: the server is gone */
    struct door *door;
    struct evhttp_request *request; /* NULL: the client is gone */
    struct receipt *receipt;
    struct operation *operation; /* NULL: it has a client, or none that would ask for it */
    void *change;                /* NULL: it is none of a cluster */
    struct operation_wish *wish; /* NULL: its client waits as long as it takes. Owned */
    struct event *turn;          /* when it does not any more; NULL: likewise */
    const struct worker_job *job;
    struct connection *watched; /* NULL: not any more */
    bool has_left;              /* its client, whether or not evhttp knows */
    unsigned method;
    struct route route;
    char peer[HEALTH_PEER_SIZE];  /* who asks */
    enum role role;               /* likewise */
    void (*left)(void *argument); /* NULL: nobody has to know */
    void *argument;
    void (*taken)(void *argument); /* of a live one */
    void *taken_argument;
};

static const char *status_text(unsigned status)
{
    switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 409: return "Conflict";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Content";
    case 429: return "Too Many Requests";
    case 503: return "Service Unavailable";
    case 501: return "Not Implemented";
    default: return "Internal Server Error";
    }
}

/* The answer has gone out; the next request of the connection has its deadline from now on. */
static void written(struct evhttp_request *request, void *argument)
{
    connection_written(argument, request);
}

void call_send(struct call *call, const struct call_answer *answer)
{
    if (call->change != NULL && call->admin->hold(call, answer)) {
        return;
    }
    call_end_receipt(call, answer);
    if (answer->objection != NULL) {
        caller_note_refusal(call, ADMIN_REFUSED_RULES, answer->objection);
    }
    if (call->operation != NULL) {
        operation_end(call, answer);
        return;
    }
    if (call->request == NULL) { /* whoever asked has left */
        evbuffer_free(answer->body);
        return;
    }
    struct evkeyvalq *headers = evhttp_request_get_output_headers(call->request);
    struct evbuffer *body = answer->body;
    size_t len = evbuffer_get_length(body);
    bool is_known = conditional_answer(call, answer);
    unsigned status = is_known ? 304 : answer->status;
    if (!is_known) {
        char length[24];
        snprintf(length, sizeof length, "%zu", len);
        evhttp_add_header(headers, "Content-Type", answer->type);
        evhttp_add_header(headers, "Content-Length", length);
    }
    evhttp_add_header(headers, "Cache-Control", "no-store");
    if (call->allow != NULL) {
        evhttp_add_header(headers, "Allow", call->allow);
    }
    if (answer->status == 401) {
        evhttp_add_header(headers, "WWW-Authenticate", "Bearer realm=\"steerd\"");
    }
    if (call->retry_ms != 0) { /* RFC 9110 section 10.2.3: seconds */
        char retry[24];
        snprintf(retry, sizeof retry, "%lld", (long long)((call->retry_ms + 999) / 1000));
        evhttp_add_header(headers, "Retry-After", retry);
    }
    if (call->admin->is_leaving) {
        evhttp_add_header(headers, "Connection", "close");
    }
    if (is_known || evhttp_request_get_command(call->request) == EVHTTP_REQ_HEAD) {
        evbuffer_drain(body, len);
    }
    connection_writing(&call->door->connections, call->request);
    evhttp_request_set_on_complete_cb(call->request, written, &call->door->connections);
    evhttp_send_reply(call->request, (int)status, status_text(status), body);
    evbuffer_free(body);
}

void call_reply_body(struct call *call, unsigned status, const char *type, struct evbuffer *body)
{
    const struct call_answer answer = {
        .status = status, .type = type, .body = body, .objection = call->objection};
    if (call->request == NULL && call->receipt == NULL && call->operation == NULL && call->change == NULL) {
        call->answer = answer;
    } else {
        call_send(call, &answer);
    }
}

/* What is to be written, piece by piece: much text is neither copied at once nor freed at once. */
struct writer {
    struct evbuffer *body;
    struct progress *progress;
    size_t len;
    char piece[16384];
};

static int write_piece(const char *bytes, size_t len, void *argument)
{
    struct writer *writer = argument;
    if (writer->len + len > sizeof writer->piece) {
        evbuffer_add(writer->body, writer->piece, writer->len);
        writer->len = 0;
    }
    if (len > sizeof writer->piece) {
        evbuffer_add(writer->body, bytes, len);
    } else {
        memcpy(writer->piece + writer->len, bytes, len);
        writer->len += len;
    }
    return progress_is_cancelled(writer->progress) ? -1 : 0;
}

static void reply_json(struct call *call, unsigned status, const char *type, json_t *document)
{
    struct writer writer = {.body = evbuffer_new(), .progress = call->progress, .len = 0};
    int error = json_dump_callback(document, write_piece, &writer, JSON_INDENT(2) | JSON_REAL_PRECISION(12));
    json_decref(document);
    write_piece("\n", 1, &writer);
    evbuffer_add(writer.body, writer.piece, writer.len);
    if (error != 0) {
        evbuffer_drain(writer.body, evbuffer_get_length(writer.body));
    }
    call_reply_body(call, error != 0 ? 500 : status, type, writer.body);
}

void call_reply_json(struct call *call, unsigned status, json_t *document)
{
    reply_json(call, status, "application/json", document);
}

void call_reply_text(struct call *call, const char *type, const char *text, size_t len)
{
    enum { PIECE = 65536 };
    struct evbuffer *body = evbuffer_new();
    for (size_t at = 0; at < len; at += PIECE) {
        evbuffer_add(body, text + at, len - at < PIECE ? len - at : PIECE);
    }
    call_reply_body(call, 200, type, body);
}

static const char *find_objection(enum problem_kind kind)
{
    return kind == PROBLEM_RULES        ? "safety rules object"
           : kind == PROBLEM_OBJECTIONS ? "a look at the switchover objects"
           : kind == PROBLEM_UNSERVED   ? "names would be served by nobody"
                                        : NULL;
}

void call_reply_problem(struct call *call)
{
    if (!problem_is_set(&call->problem)) {
        problem_set(&call->problem, PROBLEM_INTERNAL, "no reason was given");
    }
    call->objection = find_objection(call->problem.kind);
    reply_json(call, problem_status(call->problem.kind), "application/problem+json",
               render_problem(&call->problem));
}

struct call_page call_page_open(const struct call *call)
{
    const char *cursor = call->route.parameters[ROUTE_CURSOR];
    return (struct call_page){.cursor = cursor, .limit = call->route.limit, .begun = cursor == NULL};
}

bool call_page_reached(struct call_page *page, const char *key)
{
    if (page->begun) {
        return true;
    }
    page->begun = strcmp(page->cursor, key) == 0;
    return false;
}

bool call_page_take(struct call_page *page, const char *key)
{
    page->more = page->taken == page->limit;
    if (page->more) {
        return false;
    }
    page->taken++;
    page->last = key;
    return true;
}

void call_page_add(struct call_page *page, json_t *item)
{
    page->items = page->items == NULL ? json_array() : page->items;
    json_array_append_new(page->items, item);
}

void call_page_reply(struct call *call, struct call_page *page)
{
    if (!page->begun) {
        json_decref(page->items);
        problem_add_field(
            &call->problem, "cursor",
            "found \"%s\", expected the next_cursor of a page; what it names may be gone: begin "
            "anew",
            page->cursor);
        call_reply_problem(call);
        return;
    }
    json_t *document = json_object();
    json_object_set_new(document, "items", page->items == NULL ? json_array() : page->items);
    json_object_set_new(document, "next_cursor", page->more ? json_string(page->last) : json_null());
    call_reply_json(call, 200, document);
}

void call_reply_page(struct call *call, const void *items, size_t count,
                     const char *(*get_id)(const void *items, size_t i),
                     json_t *(*render)(const void *items, size_t i))
{
    struct call_page page = call_page_open(call);
    for (size_t i = 0; i < count && !page.more; i++) {
        const char *id = get_id(items, i);
        if (call_page_reached(&page, id) && call_page_take(&page, id)) {
            call_page_add(&page, render(items, i));
        }
    }
    call_page_reply(call, &page);
}

/* ---- later ---- */

static void tell_left(const struct call_pending *pending)
{
    if (pending->left != NULL) {
        pending->left(pending->argument);
    }
}

static void client_left(void *argument)
{
    struct call_pending *pending = argument;
    pending->watched = NULL;
    pending->has_left = true;
    tell_left(pending);
}

/* Which of the two notices first is open: whoever did not must not be told later, when there is no such call
 * any more. */
static void unwatch(struct call_pending *pending)
{
    connection_unwatch(pending->watched);
    pending->watched = NULL;
}

/* evhttp knows it, too, and the request goes with the connection, or has been left to us. */
static void connection_closed(struct evhttp_connection *connection, void *argument)
{
    (void)connection;
    struct call_pending *pending = argument;
    if (evhttp_request_get_connection(pending->request) == NULL) {
        evhttp_request_free(pending->request);
    }
    pending->request = NULL;
    unwatch(pending);
    tell_left(pending);
}

void call_watch(struct call_pending *pending, void (*left)(void *argument), void *argument)
{
    pending->left = left;
    pending->argument = argument;
}

/* The client has waited long enough: it is told where to ask, and the request goes on without it. */
static void on_turn(evutil_socket_t fd, short what, void *argument)
{
    struct call_pending *pending = argument;
    struct call call = {.admin = pending->admin,
                        .door = pending->door,
                        .request = pending->request,
                        .method = pending->method,
                        .route = pending->route};
    (void)fd, (void)what;
    if (pending->request == NULL || pending->has_left) {
        return; /* and what could be given up was */
    }
    struct operation *operation =
        operations_add(&call.admin->operations, pending->wish, clock_wall_ms(&call.admin->clock));
    if (operation == NULL) {
        return; /* there are too many: it waits, as RFC 7240 lets us choose */
    }
    operation->pending = pending;
    operation->job = pending->job;
    operation->only_computes = pending->left != NULL;
    pending->operation = operation;
    unwatch(pending);
    evhttp_connection_set_closecb(evhttp_request_get_connection(pending->request), NULL, NULL);
    pending->request = NULL;
    operation_add_headers(call.request, operation);
    call_send(&call, &(struct call_answer){
                         .status = 202, .type = "application/json", .body = operation_write(operation)});
}

/* At once: behind whatever its handler does yet, which may be to refuse it. */
static void begin_turn(struct call_pending *pending, const struct operation_wish *wish)
{
    const struct timeval wait = {.tv_sec = wish->wait_ms / 1000, .tv_usec = wish->wait_ms % 1000 * 1000};
    pending->turn = evtimer_new(pending->admin->base, on_turn, pending);
    if (pending->turn == NULL) {
        return;
    }
    pending->wish = memory_alloc(sizeof *wish);
    *pending->wish = *wish;
    if (wish->wait_ms == 0) {
        event_active(pending->turn, EV_TIMEOUT, 1);
    } else {
        (void)event_add(pending->turn, &wait);
    }
}

static void end_turn(struct call_pending *pending)
{
    if (pending->turn != NULL) {
        event_free(pending->turn);
    }
    free(pending->wish);
    pending->turn = NULL;
    pending->wish = NULL;
}

void call_show(struct call_pending *pending, const struct worker_job *job)
{
    pending->job = job;
}

const struct receipt *call_get_receipt(const struct call_pending *pending)
{
    return pending->receipt;
}

void call_cancel(struct call_pending *pending)
{
    tell_left(pending);
}

struct call_pending *call_defer(struct call *call)
{
    struct call_pending *pending = memory_alloc(sizeof *pending);
    *pending = (struct call_pending){.next = call->admin->pendings,
                                     .admin = call->admin,
                                     .door = call->door,
                                     .request = call->request,
                                     .receipt = call->receipt,
                                     .operation = call->operation,
                                     .change = call->change,
                                     .method = call->method,
                                     .route = {.id = call->route.id, .is_found = call->route.is_found}};
    memcpy(pending->peer, call->caller.peer, sizeof pending->peer);
    pending->role = call->caller.role;
    call->admin->pendings = pending;
    if (call->request != NULL) {
        evhttp_connection_set_closecb(evhttp_request_get_connection(call->request), connection_closed,
                                      pending);
        pending->watched = connection_watch(&call->door->connections, call->request, client_left, pending);
        if (call->wish != NULL) {
            begin_turn(pending, call->wish);
        }
    }
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
    bool waiting = pending->admin != NULL && (pending->request != NULL || pending->receipt != NULL ||
                                              pending->operation != NULL || pending->change != NULL);
    end_turn(pending);
    unwatch(pending);
    if (pending->admin != NULL) {
        unlink_pending(pending);
    }
    if (waiting && pending->request != NULL) {
        evhttp_connection_set_closecb(evhttp_request_get_connection(pending->request), NULL, NULL);
    }
    if (waiting) {
        *call = (struct call){.admin = pending->admin,
                              .door = pending->door,
                              .request = pending->request,
                              .receipt = pending->receipt,
                              .operation = pending->operation,
                              .change = pending->change,
                              .method = pending->method,
                              .route = pending->route,
                              .reader = pending->admin->verbs.current,
                              .arena = arena_new(0)};
        problem_init(&call->problem, call->arena);
        memcpy(call->caller.peer, pending->peer, sizeof pending->peer);
        call->caller.role = pending->role;
    }
    if (waiting && pending->operation != NULL) {
        operation_note_end(pending->operation);
    }
    free(pending);
    return waiting;
}

/* ---- an answer that goes on ---- */

static struct bufferevent *get_transport(const struct call_pending *pending)
{
    return evhttp_connection_get_bufferevent(evhttp_request_get_connection(pending->request));
}

/* evhttp would end it after a minute in which the client says nothing. */
struct call_pending *call_begin_live(struct call *call, const char *type)
{
    enum { SAID_MAX = 4096 }; /* nothing more is to be said */
    struct call_pending *pending = call_defer(call);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(call->request);
    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_add_header(headers, "Connection", "close");
    evhttp_send_reply_start(call->request, 200, status_text(200));
    bufferevent_set_timeouts(get_transport(pending), NULL, NULL);
    bufferevent_setwatermark(get_transport(pending), EV_READ, 0, SAID_MAX);
    return pending;
}

bool call_is_live(const struct call_pending *pending)
{
    return pending->request != NULL;
}

bool call_is_let_in(const struct call_pending *pending)
{
    if (pending->request == NULL || pending->has_left) {
        return true;
    }
    struct call call = {.admin = pending->admin,
                        .door = pending->door,
                        .request = pending->request,
                        .method = pending->method,
                        .route = pending->route,
                        .arena = arena_new(0)};
    problem_init(&call.problem, call.arena);
    bool is_let_in = caller_find_again(&call);
    arena_free(call.arena);
    return is_let_in;
}

static void all_taken(struct evhttp_connection *connection, void *argument)
{
    (void)connection;
    const struct call_pending *pending = argument;
    pending->taken(pending->taken_argument);
}

void call_add_live(struct call_pending *pending, const char *bytes, size_t len, void (*taken)(void *argument),
                   void *argument)
{
    if (pending->request != NULL) {
        struct evbuffer *piece = evbuffer_new();
        evbuffer_add(piece, bytes, len);
        pending->taken = taken;
        pending->taken_argument = argument;
        evhttp_send_reply_chunk_with_cb(pending->request, piece, all_taken, pending);
        evbuffer_free(piece);
    }
}

size_t call_measure_live(const struct call_pending *pending)
{
    return pending->request == NULL ? 0 : evbuffer_get_length(bufferevent_get_output(get_transport(pending)));
}

void call_cut_live(const struct call_pending *pending)
{
    if (pending->request != NULL) {
        shutdown(connection_fd(pending->request), SHUT_RDWR);
    }
}

static struct evhttp_request *release(struct call_pending *pending)
{
    struct evhttp_request *request = pending->request;
    unwatch(pending);
    if (request != NULL) {
        evhttp_connection_set_closecb(evhttp_request_get_connection(request), NULL, NULL);
    }
    unlink_pending(pending);
    return request;
}

void call_end_live(struct call_pending *pending)
{
    struct connection_set *connections = &pending->door->connections;
    struct evhttp_request *request = release(pending);
    if (request != NULL) {
        connection_writing(connections, request);
        evhttp_request_set_on_complete_cb(request, written, connections);
        evhttp_send_reply_end(request);
    }
    free(pending);
}

/* Of a unix socket: the octets are those of HTTP there. */
void call_drop_live(struct call_pending *pending)
{
    static const char end[] = "0\r\n\r\n";
    int domain = 0, fd = pending->request == NULL ? -1 : connection_fd(pending->request);
    socklen_t len = sizeof domain;
    if (fd != -1 && call_measure_live(pending) == 0 && pending->request->minor != 0 &&
        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX) {
        (void)!send(fd, end, sizeof end - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    (void)release(pending);
    free(pending);
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
        unwatch(pending);
        end_turn(pending);
        if (pending->change != NULL) {
            admin->verbs.cluster.end_change(pending->change, NULL, NULL);
        }
        pending->change = NULL;
        pending->admin = NULL;
        pending->request = NULL;
        pending->operation = NULL;
    }
}
