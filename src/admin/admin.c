/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The HTTP server: opens the socket, checks what evhttp lets through (odd headers, methods, types, sizes),
 * finds the resource and has it answered. Every error that evhttp leaves to us is a problem document. */
#include "config.h"

#include "admin/admin.h"

#include "admin/call.h"
#include "admin/events.h"
#include "admin/follow.h"
#include "admin/peers.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#include <ctype.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    HEADERS_MAX = 65536,
    BODY_MAX = 1048576,
    LINES_BODY_MAX = 16777216, /* of an import */
    IDLE_S = 60,               /* of evhttp; our own deadline is shorter */
    LOOK_S = 1,                /* whether the socket's file is there */
    ALL_METHODS = EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
                  EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE | EVHTTP_REQ_CONNECT | EVHTTP_REQ_PATCH,
};

/* ---- headers ---- */

/* RFC 9110 section 5.6.2 */
static bool is_token(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("!#$%&'*+-.^_`|~", *at) == NULL) {
            return false;
        }
    }
    return text[0] != '\0';
}

static bool is_field_value(const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (((unsigned char)*at < ' ' && *at != '\t') || *at == 127) {
            return false;
        }
    }
    return true;
}

static size_t count_header(const struct evkeyvalq *headers, const char *name)
{
    size_t count = 0;
    for (const struct evkeyval *header = headers->tqh_first; header != NULL; header = header->next.tqe_next) {
        count += strcasecmp(header->key, name) == 0 ? 1 : 0;
    }
    return count;
}

/* What makes two readers of one request disagree is refused (RFC 9112 sections 3.2, 5.1, 6.3). */
static void check_headers(struct call *call)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(call->request);
    struct problem *problem = &call->problem;
    for (const struct evkeyval *header = headers->tqh_first; header != NULL; header = header->next.tqe_next) {
        if (!is_token(header->key)) {
            problem_set(problem, PROBLEM_BAD_REQUEST,
                        "found a header whose name is empty or has odd characters");
        } else if (!is_field_value(header->value)) {
            problem_set(problem, PROBLEM_BAD_REQUEST, "header %s has a control character", header->key);
        }
    }
    size_t hosts = count_header(headers, "Host"), lengths = count_header(headers, "Content-Length");
    size_t codings = count_header(headers, "Transfer-Encoding");
    if (hosts > 1 || lengths > 1 || codings > 1 || count_header(headers, "Content-Type") > 1) {
        problem_set(problem, PROBLEM_BAD_REQUEST,
                    "Host, Content-Length, Transfer-Encoding or Content-Type is given twice");
    } else if (lengths != 0 && codings != 0) {
        problem_set(problem, PROBLEM_BAD_REQUEST, "Content-Length and Transfer-Encoding are given together");
    } else if (hosts == 0 && call->request->major == 1 && call->request->minor >= 1) {
        problem_set(problem, PROBLEM_BAD_REQUEST, "HTTP/1.1 requires a Host header");
    }
    if (problem_is_set(problem)) { /* where its body ends is not certain */
        evhttp_add_header(evhttp_request_get_output_headers(call->request), "Connection", "close");
    }
}

/* ---- body ---- */

static bool is_type(const char *type, const char *wanted)
{
    if (type == NULL || strncasecmp(type, wanted, strlen(wanted)) != 0) {
        return false;
    }
    const char *rest = type + strlen(wanted);
    rest += strspn(rest, " \t");
    return *rest == '\0' || *rest == ';';
}

static void take_body(struct call *call)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(call->request);
    const char *type = evhttp_find_header(evhttp_request_get_input_headers(call->request), "Content-Type");
    const char *wanted = route_takes_lines(&call->route) ? "application/jsonl" : "application/json";
    call->body_len = evbuffer_get_length(input);
    if (call->body_len == 0) {
        call->body = "";
    } else if (!route_takes_body(&call->route, call->method)) {
        problem_set(&call->problem, PROBLEM_BAD_REQUEST, "found a body of %zu octets, expected none",
                    call->body_len);
    } else if (call->body_len > BODY_MAX && !route_takes_lines(&call->route)) {
        problem_set(&call->problem, PROBLEM_TOO_LARGE, "found a body of %zu octets, expected at most %d",
                    call->body_len, BODY_MAX);
        evhttp_add_header(evhttp_request_get_output_headers(call->request), "Connection", "close");
    } else if (!is_type(type, wanted) &&
               !(route_takes_lines(&call->route) && is_type(type, "application/json"))) {
        problem_set(&call->problem, PROBLEM_UNSUPPORTED_MEDIA_TYPE, "found %s, expected %s",
                    type == NULL ? "no Content-Type" : type, wanted);
    } else {
        call->body = (const char *)evbuffer_pullup(input, -1);
    }
}

/* ---- requests ---- */

static unsigned method_of(const struct evhttp_request *request)
{
    switch (evhttp_request_get_command(request)) {
    case EVHTTP_REQ_GET: return ROUTE_GET;
    case EVHTTP_REQ_HEAD: return ROUTE_HEAD;
    case EVHTTP_REQ_PUT: return ROUTE_PUT;
    case EVHTTP_REQ_POST: return ROUTE_POST;
    case EVHTTP_REQ_DELETE: return ROUTE_DELETE;
    default: return 0;
    }
}

/* What takes no longer than a moment is answered at once; all else on a worker, named for logs and metrics.
 */
static void dispatch(struct call *call)
{
    static const struct {
        void (*handle)(struct call *);
        const char *work; /* NULL: at once */
        enum admin_lane lane;
    } handlers[ROUTE_IDS] = {
        [ROUTE_TARGET] = {.handle = handle_target},
        [ROUTE_OVERRIDE] = {.handle = handle_override},
        [ROUTE_LOAD] = {.handle = handle_load},
        [ROUTE_REPORT] = {.handle = handle_report},
        [ROUTE_FAILBACK] = {.handle = handle_failback},
        [ROUTE_RELOAD] = {.handle = handle_reload},
        [ROUTE_TAKEOVER] = {.handle = handle_takeover},
        [ROUTE_STATUS] = {handle_status, "status", ADMIN_QUICK},
        [ROUTE_TARGETS] = {handle_targets, "targets", ADMIN_QUICK},
        [ROUTE_OVERRIDES] = {handle_overrides, "overrides", ADMIN_QUICK},
        [ROUTE_ZONES] = {handle_zones, "zones", ADMIN_QUICK},
        [ROUTE_NAMES] = {handle_names, "names", ADMIN_QUICK},
        [ROUTE_GEO] = {handle_geo, "geo", ADMIN_QUICK},
        [ROUTE_EXPLAIN] = {handle_explain, "explain", ADMIN_QUICK},
        [ROUTE_CHECKS] = {handle_checks, "checks", ADMIN_QUICK},
        [ROUTE_REPLICATION] = {handle_replication, "replication", ADMIN_QUICK},
        [ROUTE_RULES] = {handle_rules, "rules", ADMIN_QUICK},
        [ROUTE_RULE] = {handle_rules, "rules", ADMIN_QUICK},
        [ROUTE_RULES_CHECK] = {handle_rules_check, "rules-check", ADMIN_QUICK},
        [ROUTE_TRY] = {handle_try, "check", ADMIN_TRIES},
        [ROUTE_METRICS] = {handle_metrics, "metrics", ADMIN_QUICK},
        [ROUTE_JOURNAL] = {.handle = handle_pages},
        [ROUTE_VERIFY] = {handle_verify, "verify", ADMIN_LONG},
        [ROUTE_DIFF] = {handle_diff, "diff", ADMIN_LONG},
        [ROUTE_POINTS] = {.handle = handle_points},
        [ROUTE_POINT] = {.handle = handle_point},
        [ROUTE_POINT_USE] = {.handle = handle_point_use},
        [ROUTE_VANTAGES] = {.handle = handle_vantages},
        [ROUTE_VANTAGE] = {.handle = handle_vantages},
        [ROUTE_VANTAGE_DRAIN] = {.handle = handle_vantages},
        [ROUTE_VANTAGE_UNDRAIN] = {.handle = handle_vantages},
        [ROUTE_VANTAGE_RENAME] = {.handle = handle_vantages},
        [ROUTE_RESTORE] = {.handle = handle_restore},
        [ROUTE_IMPORT] = {.handle = handle_import},
        [ROUTE_WHAT_IF] = {handle_what_if, "what-if", ADMIN_LONG},
        [ROUTE_EVENTS] = {.handle = handle_events},
        [ROUTE_WEBHOOKS] = {.handle = handle_webhooks},
        [ROUTE_WEBHOOK_DEAD] = {.handle = handle_dead},
        [ROUTE_WEBHOOK_RETRY] = {.handle = handle_retry},
        [ROUTE_HOOKS] = {.handle = handle_hooks},
        [ROUTE_DRILLS] = {handle_drill, "drill", ADMIN_LONG},
    };
    check_headers(call);
    if (!problem_is_set(&call->problem)) {
        (void)route_parse(evhttp_request_get_uri(call->request), call->method, &call->route, &call->allow,
                          &call->problem);
    }
    if (call->route.is_found) {
        caller_judge(call);
    }
    if (!problem_is_set(&call->problem)) {
        take_body(call);
    }
    if (call->admin->connections.is_paused && !problem_is_set(&call->problem)) { /* sent before the pause */
        problem_set(&call->problem, PROBLEM_TAKEOVER_RUNNING, "ask again in a moment");
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
    } else if (handlers[call->route.id].work != NULL) {
        bool is_past = call->route.parameters[ROUTE_AT] != NULL; /* a configuration is loaded for it */
        call_work(call, is_past ? ADMIN_LONG : handlers[call->route.id].lane, handlers[call->route.id].work,
                  handlers[call->route.id].handle);
    } else {
        handlers[call->route.id].handle(call);
    }
}

static void on_request(struct evhttp_request *request, void *argument)
{
    struct admin *admin = argument;
    struct call call = {.admin = admin,
                        .request = request,
                        .method = method_of(request),
                        .reader = admin->verbs.current,
                        .arena = arena_new(0)};
    problem_init(&call.problem, call.arena);
    caller_find(&call);
    connection_working(&admin->connections, request);
    dispatch(&call);
    call_finish(&call);
}

/* ---- opening and closing ---- */

/* Takes the descriptor of the socket. */
static int listen_there(struct admin *admin)
{
    enum { LISTENS_ALREADY = 0 };
    struct evconnlistener *listener =
        evconnlistener_new(admin->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
                           LISTENS_ALREADY, admin->socket.fd);
    if (listener == NULL) {
        close(admin->socket.fd);
        return ERROR_LIBRARY;
    }
    struct evhttp_bound_socket *bound = evhttp_bind_listener(admin->http, listener);
    if (bound == NULL) {
        evconnlistener_free(listener);
        return ERROR_LIBRARY;
    }
    if (admin->bound != NULL) {
        evhttp_del_accept_socket(admin->http, admin->bound);
    }
    admin->bound = bound;
    connection_set_listener(&admin->connections, listener);
    return 0;
}

/* Somebody deleted the socket's file, or put something else there: nobody can connect any more. The old one
 * is listened to until the new one is there. Says it once. */
static void on_look(int fd, short events, void *argument)
{
    struct admin *admin = argument;
    struct admin_socket made;
    (void)fd, (void)events;
    if (admin_socket_is_there(&admin->socket)) {
        admin->lost = false;
        return;
    }
    struct report *report = report_new();
    if (admin_socket_open(admin->socket.path, admin->mode, report, &made) == 0) {
        free(admin->socket.path);
        admin->socket = made;
        bool good = listen_there(admin) == 0;
        log_warning("admin socket made anew path=%s result=%s why=\"its file was gone\"", made.path,
                    good ? "ok" : "failed");
        admin->lost = false;
    } else if (!admin->lost) {
        log_error("admin socket lost path=%s error=%s", admin->socket.path,
                  report_count(report) == 0 ? "not known" : report_get(report, 0)->message);
        admin->lost = true;
    }
    report_free(report);
}

static int start(struct admin *admin)
{
    struct timeval interval = {.tv_sec = LOOK_S};
    admin->http = evhttp_new(admin->base);
    admin->look = event_new(admin->base, -1, EV_PERSIST, on_look, admin);
    if (admin->http == NULL || admin->look == NULL || event_add(admin->look, &interval) != 0 ||
        connection_set_init(&admin->connections, admin->base) != 0) {
        close(admin->socket.fd);
        return ERROR_LIBRARY;
    }
    evhttp_set_bevcb(admin->http, connection_accept, &admin->connections);
    evhttp_set_gencb(admin->http, on_request, admin);
    evhttp_set_allowed_methods(admin->http, ALL_METHODS);
    evhttp_set_max_headers_size(admin->http, HEADERS_MAX);
    evhttp_set_max_body_size(admin->http, LINES_BODY_MAX);
    evhttp_set_timeout(admin->http, IDLE_S);
    /* a body that is too long is read to its end, so that the client hears so instead of a reset */
    (void)evhttp_set_flags(admin->http, EVHTTP_SERVER_LINGERING_CLOSE);
    return listen_there(admin);
}

static struct admin *new_admin(struct event_base *base, unsigned mode, const struct admin_verbs *verbs)
{
    struct admin *admin = memory_alloc(sizeof *admin);
    admin->verbs = *verbs;
    admin->base = base;
    admin->mode = mode;
    clock_init(&admin->clock);
    admin->peers = peers_new();
    return admin;
}

int admin_open(struct event_base *base, const char *socket_path, unsigned mode,
               const struct admin_verbs *verbs, struct report *report, struct admin **admin)
{
    struct admin *made = new_admin(base, mode, verbs);
    int error = admin_socket_open(socket_path, mode, report, &made->socket);
    if (error != 0) {
        peers_free(made->peers);
        free(made);
        return error;
    }
    error = start(made);
    if (error != 0) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = socket_path},
                   "admin socket: cannot listen");
        admin_close(made);
        return error;
    }
    *admin = made;
    return 0;
}

/* ---- a takeover ---- */

int admin_adopt(struct event_base *base, int fd, const char *socket_path, unsigned mode,
                const struct admin_verbs *verbs, struct admin **admin)
{
    struct admin *made = new_admin(base, mode, verbs);
    int error = admin_socket_adopt(fd, socket_path, mode, &made->socket);
    if (error != 0) {
        peers_free(made->peers);
        free(made);
        return error;
    }
    error = start(made);
    if (error != 0) {
        admin_socket_disown(&made->socket);
        admin_close(made);
        return error;
    }
    admin_pause(made);
    *admin = made;
    return 0;
}

void admin_pause(struct admin *admin)
{
    connection_set_pause(&admin->connections, true);
    (void)event_del(admin->look);
}

void admin_resume(struct admin *admin)
{
    const struct timeval interval = {.tv_sec = LOOK_S};
    connection_set_pause(&admin->connections, false);
    (void)event_add(admin->look, &interval);
}

int admin_get_socket(const struct admin *admin)
{
    return admin->socket.fd;
}

void admin_leave(struct admin *admin, bool adopted)
{
    admin->is_leaving = true;
    connection_set_listener(&admin->connections, NULL);
    evhttp_del_accept_socket(admin->http, admin->bound); /* closes it */
    admin->bound = NULL;
    if (adopted) {
        admin_socket_disown(&admin->socket);
    } else {
        admin_socket_remove(&admin->socket);
    }
    follow_send_home(admin);
    events_send_home(admin);
    connection_set_send_home(&admin->connections);
}

void admin_disown(struct admin *admin)
{
    admin_socket_disown(&admin->socket);
}

bool admin_is_idle(const struct admin *admin)
{
    return admin->connections.count == 0;
}

void admin_close(struct admin *admin)
{
    if (admin == NULL) {
        return;
    }
    events_close(admin);
    override_drop_all(admin);
    call_drop_all(admin);
    follow_drop_all(admin);
    connection_set_fini(&admin->connections);
    if (admin->look != NULL) {
        event_free(admin->look);
    }
    admin_socket_remove(&admin->socket);
    if (admin->http != NULL) {
        evhttp_free(admin->http);
    }
    peers_free(admin->peers);
    free(admin);
}
