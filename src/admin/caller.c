/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Of a unix socket the kernel says which user, with which groups, has connected; what the configuration says
 * of these is looked up at every request, so that a reload holds at once. */
#include "config.h"

#include "admin/caller.h"

#include "admin/call.h"
#include "admin/door.h"
#include "admin/gate.h"
#include "admin/peers.h"
#include "base/utf8.h"
#include "conf/zones.h"

#include <event2/http.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum { GROUPS_MAX = 1024 };

const char *admin_refusal_text(enum admin_refusal_cause cause)
{
    static const char *const texts[ADMIN_REFUSAL_CAUSES] = {
        [ADMIN_REFUSED_ROLE] = "role",           [ADMIN_REFUSED_NOBODY] = "nobody",
        [ADMIN_REFUSED_TOKEN] = "token",         [ADMIN_REFUSED_SCOPE] = "scope",
        [ADMIN_REFUSED_LOCKOUT] = "lockout",     [ADMIN_REFUSED_REQUEST] = "request",
        [ADMIN_REFUSED_HANDSHAKE] = "handshake", [ADMIN_REFUSED_ORIGIN] = "origin",
        [ADMIN_REFUSED_RULES] = "rules"};
    return texts[cause];
}

static const char *method_text(unsigned method)
{
    switch (method) {
    case ROUTE_GET: return "GET";
    case ROUTE_HEAD: return "HEAD";
    case ROUTE_PUT: return "PUT";
    case ROUTE_POST: return "POST";
    case ROUTE_DELETE: return "DELETE";
    default: return "?";
    }
}

void caller_note_refusal(const struct call *call, enum admin_refusal_cause cause, const char *why)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    char resource[ROUTE_TEXT_SIZE];
    if (verbs->access.note_refusal != NULL) {
        verbs->access.note_refusal(
            verbs->context,
            &(struct admin_refusal){.cause = cause,
                                    .peer = call->caller.peer,
                                    .method = method_text(call->method),
                                    .resource =
                                        call->route.is_found ? route_write(call->route.id, resource) : "?",
                                    .why = why});
    }
}

static const struct roles none_given = {.is_given = false};

/* Of whom the kernel does not say anything is nobody. */
static enum role find_role(const struct roles *roles, int fd)
{
    struct ucred peer;
    gid_t groups[GROUPS_MAX + 1];
    socklen_t len = sizeof peer, groups_len = GROUPS_MAX * sizeof *groups;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == -1) {
        return ROLE_NONE;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_len) == -1) {
        groups_len = 0; /* more than anybody has, or a kernel before 4.13 */
    }
    size_t count = groups_len / sizeof *groups;
    groups[count++] = peer.gid;
    return role_of_user(roles, peer.uid, groups, count);
}

static void find_user(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    const struct roles *roles =
        verbs->access.get_roles == NULL ? &none_given : verbs->access.get_roles(verbs->context, false);
    int fd = connection_fd(call->request);
    peers_write(call->admin->peers, fd, call->caller.peer, sizeof call->caller.peer);
    call->caller.role = roles->is_given ? find_role(roles, fd) : ROLE_ADMIN;
}

/* ---- who comes from elsewhere ---- */

static const char *const name_texts[] = {
    [ROLE_OF_CN] = "cn", [ROLE_OF_DNS] = "dns", [ROLE_OF_EMAIL] = "email", [ROLE_OF_URI] = "uri"};

static const struct guest_name *find_name(const struct guest *guest, const struct role_rule *rule)
{
    for (size_t i = 0; i < guest->name_count; i++) {
        if (guest->names[i].kind == rule->who && strcmp(guest->names[i].text, rule->text) == 0) {
            return &guest->names[i];
        }
    }
    return NULL;
}

/* What the certificate shows: the most that is said of one of its names; else what is said of all. */
static void find_certified(struct call *call, const struct guest *guest)
{
    const struct roles *roles = call->admin->verbs.access.get_roles(call->admin->verbs.context, true);
    const struct guest_name *by = guest->name_count == 0 ? NULL : &guest->names[0];
    enum role of_name = ROLE_NONE, of_all = ROLE_NONE;
    for (size_t i = 0; i < roles->count; i++) {
        const struct role_rule *rule = &roles->rules[i];
        const struct guest_name *name = rule->who == ROLE_OF_ANY ? NULL : find_name(guest, rule);
        if (rule->who == ROLE_OF_ANY) {
            of_all = rule->role;
        } else if (name != NULL && rule->role > of_name) {
            of_name = rule->role;
            by = name;
        }
    }
    call->caller.role = of_name != ROLE_NONE ? of_name : of_all;
    snprintf(call->caller.peer, sizeof call->caller.peer, "cert:%s:%.50s",
             by == NULL ? "" : name_texts[by->kind], by == NULL ? "" : by->text);
    utf8_make_printable(call->caller.peer);
}

/* RFC 6750 section 2.1: the text behind "Bearer"; NULL: there is no such header. */
static const char *find_bearer(const struct call *call)
{
    const char *header = evhttp_find_header(evhttp_request_get_input_headers(call->request), "Authorization");
    if (header == NULL || strncasecmp(header, "Bearer ", 7) != 0) {
        return NULL;
    }
    return header + 7 + strspn(header + 7, " ");
}

static void copy_scopes(struct call *call, const struct admin_scopes *from)
{
    struct admin_scopes *to = arena_copy(call->arena, from, sizeof *from);
    for (size_t i = 0; i < to->region_count; i++) {
        to->regions[i] = arena_copy_text(call->arena, to->regions[i]);
    }
    for (size_t i = 0; i < to->zone_count; i++) {
        to->zones[i] = arena_copy_text(call->arena, to->zones[i]);
    }
    call->caller.scopes = to;
}

static const struct admin_token *judge_token(struct call *call, const struct guest *guest, const char *text)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    int64_t now_ms = clock_now_ms(&call->admin->clock);
    const char *why = "this server knows no tokens";
    bool is_again = call->caller.is_again;
    call->retry_ms = is_again ? 0 : lockout_get_wait_ms(&call->admin->lockout, &guest->from.addr, now_ms);
    if (call->retry_ms != 0) {
        problem_set(&call->problem, PROBLEM_TOO_MANY, "no token from %s is looked at now", guest->address);
        caller_note_refusal(call, ADMIN_REFUSED_LOCKOUT, call->problem.detail);
        return NULL;
    }
    const struct admin_token *token =
        verbs->access.judge_token == NULL ? NULL : verbs->access.judge_token(verbs->context, text, &why);
    if (!is_again) {
        (token != NULL ? lockout_note_good : lockout_note_bad)(&call->admin->lockout, &guest->from.addr,
                                                               now_ms);
    }
    if (token != NULL) {
        return token;
    }
    problem_set(&call->problem, PROBLEM_UNAUTHORIZED, "%s", why);
    caller_note_refusal(call, ADMIN_REFUSED_TOKEN, call->problem.detail);
    return NULL;
}

/* A token comes before a certificate, which may be that of the program and not of whoever uses it. */
static void find_bearer_role(struct call *call, const struct guest *guest, const char *text)
{
    snprintf(call->caller.peer, sizeof call->caller.peer, "%s", guest->address);
    const struct admin_token *token = judge_token(call, guest, text);
    if (token == NULL) {
        return;
    }
    call->caller.is_known = true;
    call->caller.role = token->role;
    snprintf(call->caller.peer, sizeof call->caller.peer, "token:%.50s", token->name);
    if (token->scopes.region_count + token->scopes.zone_count != 0) {
        copy_scopes(call, &token->scopes);
    }
}

static void find_guest(struct call *call)
{
    const char *bearer = find_bearer(call);
    const struct guest *guest = connection_guest(&call->door->connections, call->request);
    call->caller.role = ROLE_NONE;
    if (guest == NULL || !atomic_load_explicit(&guest->is_shaken, memory_order_acquire)) {
        snprintf(call->caller.peer, sizeof call->caller.peer, "unknown");
    } else if (bearer != NULL) {
        find_bearer_role(call, guest, bearer);
    } else if (guest->has_certificate && call->admin->verbs.access.get_roles != NULL) {
        find_certified(call, guest);
        call->caller.is_known = true;
    } else {
        snprintf(call->caller.peer, sizeof call->caller.peer, "%s", guest->address);
    }
    if (guest != NULL && call->caller.role != ROLE_NONE) {
        precedence_learn(&call->admin->precedence, &guest->from.addr, clock_now_ms(&call->admin->clock));
    }
}

/* ---- what they may do ---- */

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void caller_refuse_scope(struct call *call, const char *what, const char *name)
{
    problem_init(&call->problem, call->arena);
    problem_set(&call->problem, PROBLEM_FORBIDDEN, "%s may not change %s%s%s", call->caller.peer, what,
                name == NULL ? "" : " ", name == NULL ? "" : name);
    caller_note_refusal(call, ADMIN_REFUSED_SCOPE, call->problem.detail);
}

bool caller_may_touch(struct call *call, enum health_kind kind, const char *name)
{
    const struct admin_scopes *scopes = call->caller.scopes;
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct operate_target target;
    const char *region = kind == HEALTH_REGION ? name : NULL;
    if (scopes == NULL) {
        return true;
    }
    if (kind != HEALTH_REGION && name != NULL &&
        verbs->get_target(verbs->current, kind, name, call->arena, &target) == 0) {
        region = target.region;
    }
    if (region != NULL && is_among(region, scopes->regions, scopes->region_count)) {
        return true;
    }
    caller_refuse_scope(call, health_kind_text(kind), name);
    return false;
}

bool caller_may_touch_zone(struct call *call, const char *zone)
{
    const struct admin_scopes *scopes = call->caller.scopes;
    if (scopes == NULL || is_among(zone, scopes->zones, scopes->zone_count)) {
        return true;
    }
    caller_refuse_scope(call, "zone", zone);
    return false;
}

/* "a.b." is below "b."; the dot in "a\\.b." ends no label. */
static bool is_below(const char *name, const char *zone)
{
    size_t len = strlen(name), zone_len = strlen(zone), front = len - zone_len;
    if (len < zone_len || strcmp(name + front, zone) != 0) {
        return false;
    }
    return front == 0 || zone_len == 1 || (name[front - 1] == '.' && (front < 2 || name[front - 2] != '\\'));
}

bool caller_may_touch_below(struct call *call, const char *name)
{
    const struct admin_scopes *scopes = call->caller.scopes;
    bool may = scopes == NULL;
    for (size_t i = 0; !may && i < scopes->zone_count; i++) {
        may = is_below(name, scopes->zones[i]);
    }
    if (!may) {
        caller_refuse_scope(call, "name", name);
    }
    return may;
}

static void judge_zone(struct call *call)
{
    const char *given = call->route.parameters[ROUTE_ZONE],
               *zone = given == NULL ? NULL : zones_parse_origin(call->arena, given);
    const struct admin_scopes *scopes = call->caller.scopes;
    if (zone == NULL || !is_among(zone, scopes->zones, scopes->zone_count)) {
        caller_refuse_scope(call, given == NULL ? "all zones" : "zone", given);
    }
}

static void judge_scope(struct call *call)
{
    const struct route *route = &call->route;
    switch (route_get_scope(route->id, call->method)) {
    case ROUTE_SCOPE_ANY:
    case ROUTE_SCOPE_BODY: break;
    case ROUTE_SCOPE_TARGET:
        (void)caller_may_touch(call, route->id == ROUTE_LOAD ? HEALTH_ENDPOINT : route->kind, route->name);
        break;
    case ROUTE_SCOPE_ENDPOINT:
        (void)caller_may_touch(call, HEALTH_ENDPOINT, route->parameters[ROUTE_ENDPOINT]);
        break;
    case ROUTE_SCOPE_ZONE: judge_zone(call); break;
    default: caller_refuse_scope(call, "this: it is about more than its regions and zones", NULL); break;
    }
}

bool caller_has(struct call *call, enum role needed)
{
    if (call->caller.role >= needed) {
        return true;
    }
    problem_init(&call->problem, call->arena);
    problem_set(&call->problem, PROBLEM_FORBIDDEN, "this needs the role %s; %s has %s", role_text(needed),
                call->caller.peer, call->caller.role == ROLE_NONE ? "none" : role_text(call->caller.role));
    caller_note_refusal(call, ADMIN_REFUSED_ROLE, call->problem.detail);
    return false;
}

bool caller_may_load(struct call *call, const struct admin_reload_result *result)
{
    if (result->needed == ROLE_NONE || caller_has(call, result->needed)) {
        return true;
    }
    problem_add_report(&call->problem, result->report);
    return false;
}

/* "https://host:443" is of the Host "host", as browsers leave the usual port out of both. */
static bool is_own_origin(const char *origin, const char *host)
{
    static const char scheme[] = "https://";
    size_t len = sizeof scheme - 1;
    return host != NULL && strncasecmp(origin, scheme, len) == 0 && strcasecmp(origin + len, host) == 0;
}

/* A browser sends the certificate of its user with whatever request any page makes: one that changes
 * something is refused when it comes from another site than this server. */
static bool judge_origin(struct call *call)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(call->request);
    const char *site = evhttp_find_header(headers, "Sec-Fetch-Site"),
               *origin = evhttp_find_header(headers, "Origin"), *host = evhttp_find_header(headers, "Host");
    bool is_read = call->method == ROUTE_GET || call->method == ROUTE_HEAD;
    bool is_ours = (site == NULL || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0) &&
                   (origin == NULL || is_own_origin(origin, host));
    if (call->door->is_remote && !is_read && !is_ours) {
        problem_init(&call->problem, call->arena);
        problem_set(
            &call->problem, PROBLEM_FORBIDDEN,
            "the request comes from a page of another site: its Origin has to be https:// and the Host, "
            "its Sec-Fetch-Site same-origin or none");
        caller_note_refusal(call, ADMIN_REFUSED_ORIGIN, call->problem.detail);
        return false;
    }
    return true;
}

void caller_judge(struct call *call)
{
    if (judge_origin(call) && caller_has(call, route_get_role(call->route.id, call->method)) &&
        call->caller.scopes != NULL) {
        judge_scope(call);
    }
}

void caller_find(struct call *call)
{
    if (!call->door->is_remote) {
        call->caller.is_known = true;
        find_user(call);
        return;
    }
    find_guest(call);
    if (!call->caller.is_known && !problem_is_set(&call->problem)) {
        problem_set(&call->problem, PROBLEM_UNAUTHORIZED,
                    "expected a client certificate, or a token: Authorization: Bearer TOKEN");
        caller_note_refusal(call, ADMIN_REFUSED_NOBODY, call->problem.detail);
    }
}

bool caller_find_again(struct call *call)
{
    call->caller = (struct caller){.is_again = true};
    caller_find(call);
    return !problem_is_set(&call->problem) && caller_has(call, route_get_role(call->route.id, call->method));
}
