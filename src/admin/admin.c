/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The HTTP server: opens the socket, checks what evhttp lets through (odd headers, methods, types, sizes),
 * finds the resource and has it answered. Every error that evhttp leaves to us is a problem document. */
#include "config.h"

#include "admin/admin.h"

#include "admin/call.h"
#include "admin/door.h"
#include "admin/events.h"
#include "admin/follow.h"
#include "admin/gate.h"
#include "admin/peers.h"
#include "admin/replay.h"
#include "admin/turns.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum {
    BODY_MAX = 1048576,
    OCTETS_MAX = 4 << 20, /* of a file */
    MUCH_MAX = 16 << 20,  /* of an import, of a whole document */
    LOOK_S = 1,           /* whether the socket's file is there */
};

/* ---- headers ---- */

static size_t count_header(const struct evkeyvalq *headers, const char *name)
{
    size_t count = 0;
    for (const struct evkeyval *header = headers->tqh_first; header != NULL; header = header->next.tqe_next) {
        count += strcasecmp(header->key, name) == 0 ? 1 : 0;
    }
    return count;
}

/* What head.h does not look at. */
static void check_headers(struct call *call)
{
    if (count_header(evhttp_request_get_input_headers(call->request), "Content-Type") > 1) {
        problem_set(&call->problem, PROBLEM_BAD_REQUEST, "Content-Type is given twice");
    }
    if (problem_is_set(&call->problem)) { /* nobody is let in: what else it says does not matter */
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

/* What is a text has no end in the middle: octets 0 become 1, which no text may have either. */
static const char *take_octets(const struct call *call, struct evbuffer *input)
{
    char *octets = (char *)evbuffer_pullup(input, -1);
    for (char *at = octets; !route_takes_octets(&call->route) && at < octets + call->body_len; at++) {
        *at = *at == '\0' ? 1 : *at;
    }
    return octets;
}

static size_t most_of(const struct route *route)
{
    bool is_much = route_takes_lines(route) || route_takes_much(route);
    return route->id == ROUTE_BUNDLES  ? BUNDLE_MANIFEST_MAX
           : route_takes_octets(route) ? OCTETS_MAX
                                       : (is_much ? MUCH_MAX : BODY_MAX);
}

static void take_body(struct call *call)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(call->request);
    const char *type = evhttp_find_header(evhttp_request_get_input_headers(call->request), "Content-Type");
    const char *wanted = route_takes_lines(&call->route)    ? "application/jsonl"
                         : route_takes_octets(&call->route) ? "application/octet-stream"
                                                            : "application/json";
    size_t max = most_of(&call->route);
    call->body_len = evbuffer_get_length(input);
    if (call->body_len == 0) {
        call->body = "";
    } else if (!route_takes_body(&call->route, call->method)) {
        problem_set(&call->problem, PROBLEM_BAD_REQUEST, "found a body of %zu octets, expected none",
                    call->body_len);
    } else if (call->body_len > max) {
        problem_set(&call->problem, PROBLEM_TOO_LARGE, "found a body of %zu octets, expected at most %zu",
                    call->body_len, max);
        evhttp_add_header(evhttp_request_get_output_headers(call->request), "Connection", "close");
    } else if (!is_type(type, wanted) &&
               !(route_takes_lines(&call->route) && is_type(type, "application/json")) &&
               !(call->method == ROUTE_PATCH && is_type(type, "application/merge-patch+json"))) {
        problem_set(&call->problem, PROBLEM_UNSUPPORTED_MEDIA_TYPE, "found %s, expected %s",
                    type == NULL ? "no Content-Type" : type, wanted);
    } else {
        call->body = take_octets(call, input);
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
    case EVHTTP_REQ_PATCH: return ROUTE_PATCH;
    default: return 0;
    }
}

/* What takes no longer than a moment is answered at once; all else on a worker, named for logs and metrics.
 */
static const struct handler {
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
    [ROUTE_ERRORS] = {handle_errors, "errors", ADMIN_QUICK},
    [ROUTE_RULES] = {handle_rules, "rules", ADMIN_QUICK},
    [ROUTE_RULE_RELEASE] = {.handle = handle_release},
    [ROUTE_OBJECTIVES] = {handle_objectives, "objectives", ADMIN_QUICK},
    [ROUTE_RULE] = {handle_rules, "rules", ADMIN_QUICK},
    [ROUTE_RULES_CHECK] = {handle_rules_check, "rules-check", ADMIN_QUICK},
    [ROUTE_TRY] = {handle_try, "check", ADMIN_TRIES},
    [ROUTE_METRICS] = {handle_metrics, "metrics", ADMIN_QUICK},
    [ROUTE_OPENAPI] = {handle_openapi, "openapi", ADMIN_QUICK},
    [ROUTE_JOURNAL] = {.handle = handle_pages},
    [ROUTE_VERIFY] = {handle_verify, "verify", ADMIN_LONG},
    [ROUTE_DIFF] = {handle_diff, "diff", ADMIN_LONG},
    [ROUTE_BUNDLES] = {.handle = handle_bundles},
    [ROUTE_BUNDLE] = {.handle = handle_bundle},
    [ROUTE_BUNDLE_BLOCK] = {.handle = handle_bundle_block},
    [ROUTE_BUNDLE_CHECK] = {.handle = handle_bundle_check},
    [ROUTE_POINTS] = {.handle = handle_points},
    [ROUTE_POINT] = {.handle = handle_point},
    [ROUTE_POINT_USE] = {.handle = handle_point_use},
    [ROUTE_VANTAGES] = {.handle = handle_vantages},
    [ROUTE_VANTAGE] = {.handle = handle_vantages},
    [ROUTE_VANTAGE_DRAIN] = {.handle = handle_vantages},
    [ROUTE_VANTAGE_UNDRAIN] = {.handle = handle_vantages},
    [ROUTE_VANTAGE_RENAME] = {.handle = handle_vantages},
    [ROUTE_NODES] = {.handle = handle_nodes},
    [ROUTE_SERVING] = {.handle = handle_serving},
    [ROUTE_NODE] = {.handle = handle_member},
    [ROUTE_CLUSTER] = {.handle = handle_cluster},
    [ROUTE_CLUSTER_CONFLICTS] = {.handle = handle_conflicts},
    [ROUTE_CLUSTER_REFILL] = {.handle = handle_mend},
    [ROUTE_CLUSTER_ADOPT] = {.handle = handle_mend},
    [ROUTE_BUNDLES_CANCEL] = {.handle = handle_rollout},
    [ROUTE_BUNDLE_ACTIVATE] = {.handle = handle_rollout},
    [ROUTE_TOKENS] = {.handle = handle_tokens},
    [ROUTE_TOKEN] = {.handle = handle_tokens},
    [ROUTE_TOKEN_ROTATE] = {.handle = handle_tokens},
    [ROUTE_CHALLENGES] = {.handle = handle_challenges},
    [ROUTE_CHALLENGE] = {.handle = handle_challenges},
    [ROUTE_OPERATIONS] = {.handle = handle_operations},
    [ROUTE_OPERATION] = {.handle = handle_operations},
    [ROUTE_INCIDENTS] = {.handle = handle_incidents},
    [ROUTE_INCIDENT] = {.handle = handle_incidents},
    [ROUTE_RESOLVERS] = {handle_resolvers, "resolvers", ADMIN_QUICK},
    [ROUTE_DRAINS] = {handle_drains, "drains", ADMIN_QUICK},
    [ROUTE_DRAIN] = {handle_drains, "drains", ADMIN_QUICK},
    [ROUTE_TRAFFIC] = {handle_traffic, "traffic", ADMIN_QUICK},
    [ROUTE_SWITCHOVERS] = {.handle = handle_switchovers},
    [ROUTE_SWITCHOVER] = {.handle = handle_switchovers},
    [ROUTE_SWITCHOVER_VERB] = {.handle = handle_switchover_verb},
    [ROUTE_CONFIG] = {handle_config, "config", ADMIN_QUICK},
    [ROUTE_CONFIG_DRIFT] = {handle_drift, "config-drift", ADMIN_LONG},
    [ROUTE_CONFIG_APPLY] = {.handle = handle_edits},
    [ROUTE_CONFIG_IMPORT] = {.handle = handle_edits},
    [ROUTE_CONFIG_THINGS] = {handle_things, "config-list", ADMIN_QUICK},
    [ROUTE_CONFIG_THING] = {.handle = handle_thing},
    [ROUTE_CONFIG_NAMES] = {handle_things, "config-list", ADMIN_QUICK},
    [ROUTE_CONFIG_NAME] = {.handle = handle_thing},
    [ROUTE_RESTORE] = {.handle = handle_restore},
    [ROUTE_IMPORT] = {.handle = handle_import},
    [ROUTE_WHAT_IF] = {handle_what_if, "what-if", ADMIN_LONG},
    [ROUTE_EVENTS] = {.handle = handle_events},
    [ROUTE_WEBHOOKS] = {.handle = handle_webhooks},
    [ROUTE_WEBHOOK_DEAD] = {.handle = handle_dead},
    [ROUTE_WEBHOOK_RETRY] = {.handle = handle_retry},
    [ROUTE_HOOKS] = {.handle = handle_hooks},
    [ROUTE_DRILLS] = {.handle = handle_drills},
    [ROUTE_DRILL] = {.handle = handle_drills},
    [ROUTE_REPORTS] = {.handle = handle_reports},
    [ROUTE_SCHEDULE] = {.handle = handle_schedule},
    [ROUTE_SCHEDULE_RUN] = {.handle = handle_schedule},
    [ROUTE_SCHEDULED] = {.handle = handle_schedule},
    [ROUTE_REPORT_OF_DRILL] = {.handle = handle_reports},
    [ROUTE_OBSERVED] = {.handle = handle_observed},
};

static void handle(struct call *call)
{
    if (handlers[call->route.id].work != NULL) {
        bool is_past = call->route.parameters[ROUTE_AT] != NULL; /* a configuration is loaded for it */
        call_work(call, is_past ? ADMIN_LONG : handlers[call->route.id].lane, handlers[call->route.id].work,
                  handlers[call->route.id].handle);
    } else {
        handlers[call->route.id].handle(call);
    }
}

static void dispatch(struct call *call)
{
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
    if (call->admin->is_paused && !problem_is_set(&call->problem)) { /* sent before the pause */
        problem_set(&call->problem, PROBLEM_TAKEOVER_RUNNING, "ask again in a moment");
    }
    if (!problem_is_set(&call->problem)) {
        operation_wish(call);
        if (replay_begin(call)) {
            return;
        }
        conditional_begin(call);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
    } else if (!turns_begin(call, handle)) {
        handle(call);
    }
}

static void on_request(struct evhttp_request *request, void *argument)
{
    struct door *door = argument;
    struct admin *admin = door->admin;
    struct call call = {.admin = admin,
                        .door = door,
                        .request = request,
                        .method = method_of(request),
                        .reader = admin->verbs.current,
                        .arena = arena_new(0)};
    problem_init(&call.problem, call.arena);
    caller_find(&call);
    connection_working(&door->connections, request);
    dispatch(&call);
    call_finish(&call);
}

/* ---- opening and closing ---- */

/* Somebody deleted the socket's file, or put something else there: nobody can connect any more. The old one
 * is listened to until the new one is there. Says it once. */
static void on_look(int fd, short events, void *argument)
{
    struct admin *admin = argument;
    struct admin_socket made;
    (void)fd, (void)events;
    doors_look(admin);
    if (admin_socket_is_there(&admin->socket)) {
        admin->lost = false;
        return;
    }
    struct report *report = report_new();
    if (admin_socket_open(admin->socket.path, admin->mode, report, &made) == 0) {
        free(admin->socket.path);
        admin->socket = made;
        bool good = door_listen(admin->local, made.fd) == 0;
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
    admin->local = door_new(admin, on_request);
    admin->look = event_new(admin->base, -1, EV_PERSIST, on_look, admin);
    if (admin->local == NULL || admin->look == NULL || event_add(admin->look, &interval) != 0) {
        close(admin->socket.fd);
        return ERROR_LIBRARY;
    }
    return door_listen(admin->local, admin->socket.fd);
}

static struct admin *new_admin(struct event_base *base, unsigned mode, const struct admin_verbs *verbs)
{
    struct admin *admin = memory_alloc(sizeof *admin);
    admin->verbs = *verbs;
    admin->base = base;
    admin->mode = mode;
    clock_init(&admin->clock);
    admin->peers = peers_new();
    admin->on_request = on_request;
    admin->hold = turns_hold;
    uint64_t secret;
    random_make_secret(&secret, sizeof secret);
    lockout_init(&admin->lockout, secret);
    precedence_init(&admin->precedence);
    random_make_secret(&admin->operations.instance, sizeof admin->operations.instance);
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

static void pause_all(struct admin *admin, bool is_paused)
{
    admin->is_paused = is_paused;
    connection_set_pause(&admin->local->connections, is_paused);
    for (struct door *door = admin->remotes; door != NULL; door = door->next) {
        connection_set_pause(&door->connections, is_paused);
    }
}

void admin_pause(struct admin *admin)
{
    pause_all(admin, true);
    (void)event_del(admin->look);
}

void admin_resume(struct admin *admin)
{
    const struct timeval interval = {.tv_sec = LOOK_S};
    pause_all(admin, false);
    (void)event_add(admin->look, &interval);
}

void admin_set_places(struct admin *admin, size_t places)
{
    admin->local->connections.max = places < CONNECTION_MAX         ? CONNECTION_MAX
                                    : places > CONNECTION_LOCAL_MAX ? CONNECTION_LOCAL_MAX
                                                                    : places;
}

int admin_get_socket(const struct admin *admin)
{
    return admin->socket.fd;
}

size_t admin_list_listeners(const struct admin *admin, int *fds, size_t max)
{
    size_t count = 0;
    for (const struct door *door = admin->remotes; door != NULL; door = door->next) {
        if (door->bound != NULL && count < max) {
            fds[count++] = door->fd;
        }
    }
    return count;
}

void admin_listen(struct admin *admin, const struct conf_door *doors, size_t count, int *inherited,
                  size_t inherited_count)
{
    doors_follow(admin, doors, count, inherited, inherited_count);
}

void admin_leave(struct admin *admin, bool adopted)
{
    admin->is_leaving = true;
    if (adopted) {
        admin_socket_disown(&admin->socket);
    } else {
        admin_socket_remove(&admin->socket);
    }
    follow_send_home(admin);
    events_send_home(admin);
    door_shut(admin->local);
    for (struct door *door = admin->remotes; door != NULL; door = door->next) {
        door_shut(door);
    }
}

void admin_disown(struct admin *admin)
{
    admin_socket_disown(&admin->socket);
}

bool admin_is_idle(const struct admin *admin)
{
    size_t count = admin->local->connections.count;
    for (const struct door *door = admin->remotes; door != NULL; door = door->next) {
        count += door->connections.count;
    }
    return count == 0;
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
    while (admin->remotes != NULL) {
        struct door *door = admin->remotes;
        admin->remotes = door->next;
        door_free(door);
    }
    gate_close(admin->gate);
    gate_close(admin->late_gate);
    door_free(admin->local);
    if (admin->look != NULL) {
        event_free(admin->look);
    }
    admin_socket_remove(&admin->socket);
    peers_free(admin->peers);
    operations_fini(&admin->operations);
    receipts_fini(&admin->receipts);
    receipts_fini(&admin->passing);
    free(admin);
}
