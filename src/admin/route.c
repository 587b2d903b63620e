/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A table of resources and a strict reading of paths and query parameters (RFC 3986): unknown, repeated and
 * malformed parameters are errors, all of them are told at once. Called for every request, and by the fuzzer.
 */
#include "config.h"

#include "admin/route.h"

#include "admin/route_query.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEGMENTS_MAX = 6, READ = ROUTE_GET | ROUTE_HEAD };

#define PAGING (BIT(ROUTE_LIMIT) | BIT(ROUTE_CURSOR))
#define EDITING                                                                                              \
    (BIT(ROUTE_DRY_RUN) | BIT(ROUTE_LIMIT) | BIT(ROUTE_ACTOR) | BIT(ROUTE_REASON) | BIT(ROUTE_OVERRIDE_RULES))
#define FILTERS (BIT(ROUTE_REGION) | BIT(ROUTE_AZ) | BIT(ROUTE_EFFECTIVE) | BIT(ROUTE_FIELDS))

static const struct resource {
    const char *segments[SEGMENTS_MAX]; /* "*" is a name, "*:verb" one with a verb, "*:*" with any, "%" one of
                                           regions, azs, endpoints, "&" one of the kinds of edits, "@" a zone
                                           or another name before a name */
    unsigned methods;
    uint64_t parameters;
    const char *allow;
    /* Who may change something there. Whoever looks is a viewer; not said: an admin, so that what is new is
     * closed to all others until somebody has thought of it. */
    enum role writer;
    enum role reader; /* not said: a viewer */
    enum route_scope scope;
} resources[ROUTE_IDS] = {
    [ROUTE_STATUS] = {{"v1", "status"}, READ, 0, "GET, HEAD"},
    [ROUTE_TARGETS] = {{"v1", "%"}, READ, PAGING | FILTERS, "GET, HEAD"},
    [ROUTE_TARGET] = {{"v1", "%", "*"}, READ, 0, "GET, HEAD"},
    [ROUTE_OVERRIDE] = {{"v1", "%", "*", "override"},
                        READ | ROUTE_PUT | ROUTE_DELETE,
                        BIT(ROUTE_DRY_RUN) | BIT(ROUTE_ACTOR) | BIT(ROUTE_ALLOW_UNSERVED) |
                            BIT(ROUTE_EMERGENCY) | BIT(ROUTE_REASON) | BIT(ROUTE_OVERRIDE_RULES),
                        "GET, HEAD, PUT, DELETE",
                        .scope = ROUTE_SCOPE_TARGET,
                        .writer = ROLE_OPERATOR},
    [ROUTE_LOAD] = {{"v1", "endpoints", "*", "load"},
                    ROUTE_PUT | ROUTE_DELETE,
                    BIT(ROUTE_DRY_RUN) | BIT(ROUTE_ACTOR),
                    "PUT, DELETE",
                    .scope = ROUTE_SCOPE_TARGET,
                    .writer = ROLE_OPERATOR},
    [ROUTE_REPORT] =
        {{"v1", "report"}, ROUTE_POST, 0, "POST", .scope = ROUTE_SCOPE_BODY, .writer = ROLE_OPERATOR},
    [ROUTE_OVERRIDES] = {{"v1", "overrides"}, READ, PAGING, "GET, HEAD"},
    [ROUTE_ZONES] = {{"v1", "zones"}, READ, PAGING, "GET, HEAD"},
    [ROUTE_NAMES] = {{"v1", "names"}, READ, PAGING | BIT(ROUTE_POLICY), "GET, HEAD"},
    [ROUTE_GEO] = {{"v1", "geo"}, READ, PAGING, "GET, HEAD"},
    [ROUTE_EXPLAIN] = {{"v1", "explain"},
                       READ,
                       BIT(ROUTE_NAME) | BIT(ROUTE_TYPE) | BIT(ROUTE_CLIENT) | BIT(ROUTE_ASSUME) |
                           BIT(ROUTE_AT),
                       "GET, HEAD"},
    [ROUTE_DIFF] = {{"v1", "diff"}, READ, BIT(ROUTE_FROM) | BIT(ROUTE_TO) | BIT(ROUTE_LIMIT), "GET, HEAD"},
    [ROUTE_WHAT_IF] = {{"v1", "what-if"}, ROUTE_POST, PAGING, "POST", .writer = ROLE_VIEWER},
    [ROUTE_RELOAD] = {{"v1", "reload"},
                      ROUTE_POST,
                      BIT(ROUTE_ZONE) | EDITING,
                      "POST",
                      .scope = ROUTE_SCOPE_ZONE,
                      .writer = ROLE_OPERATOR},
    [ROUTE_TAKEOVER] = {{"v1", "takeover"}, ROUTE_POST, 0, "POST"},
    [ROUTE_DRILLS] = {{"v1", "drills"},
                      READ | ROUTE_POST,
                      PAGING | BIT(ROUTE_DRY_RUN) | BIT(ROUTE_KEEP) | BIT(ROUTE_ACTOR) | BIT(ROUTE_REASON),
                      "GET, HEAD, POST",
                      .writer = ROLE_VIEWER},
    [ROUTE_SCHEDULE] = {{"v1", "drills", "schedule"}, READ, PAGING, "GET, HEAD"},
    [ROUTE_SCHEDULE_RUN] = {{"v1", "drills", "schedule", "*:run"},
                            ROUTE_POST,
                            BIT(ROUTE_ACTOR),
                            "POST",
                            .writer = ROLE_OPERATOR},
    [ROUTE_SCHEDULED] = {{"v1", "drills", "schedule", "*"}, READ, 0, "GET, HEAD"},
    [ROUTE_REPORTS] = {{"v1", "drills", "reports"}, READ, PAGING, "GET, HEAD"},
    [ROUTE_OBSERVED] = {{"v1", "drills", "reports", "*", "observed"},
                        ROUTE_PUT,
                        BIT(ROUTE_ACTOR) | BIT(ROUTE_REASON),
                        "PUT",
                        .writer = ROLE_OPERATOR},
    [ROUTE_REPORT_OF_DRILL] = {{"v1", "drills", "reports", "*"},
                               READ | ROUTE_DELETE,
                               BIT(ROUTE_ACTOR) | BIT(ROUTE_REASON),
                               "GET, HEAD, DELETE",
                               .writer = ROLE_OPERATOR},
    [ROUTE_DRILL] = {{"v1", "drills", "*"},
                     READ | ROUTE_DELETE,
                     BIT(ROUTE_ACTOR),
                     "GET, HEAD, DELETE",
                     .scope = ROUTE_SCOPE_BODY,
                     .writer = ROLE_OPERATOR},
    [ROUTE_JOURNAL] = {{"v1", "journal"},
                       READ,
                       PAGING | BIT(ROUTE_KIND) | BIT(ROUTE_KEY) | BIT(ROUTE_ABOUT) | BIT(ROUTE_ACTOR) |
                           BIT(ROUTE_SINCE) | BIT(ROUTE_UNTIL) | BIT(ROUTE_ORDER) | BIT(ROUTE_WAIT),
                       "GET, HEAD"},
    [ROUTE_VERIFY] = {{"v1", "journal:verify"}, ROUTE_POST, BIT(ROUTE_ANCHOR), "POST", .writer = ROLE_VIEWER},
    [ROUTE_BUNDLES] = {{"v1", "bundles"}, READ | ROUTE_POST, 0, "GET, HEAD, POST", .writer = ROLE_EDITOR},
    [ROUTE_BUNDLE_CHECK] =
        {{"v1", "bundles", "*:check"}, ROUTE_POST, BIT(ROUTE_LIMIT), "POST", .writer = ROLE_EDITOR},
    [ROUTE_BUNDLE] = {{"v1", "bundles", "*"},
                      READ | ROUTE_DELETE,
                      BIT(ROUTE_ACTOR) | BIT(ROUTE_REASON),
                      "GET, HEAD, DELETE",
                      .writer = ROLE_EDITOR},
    [ROUTE_BUNDLE_BLOCK] =
        {{"v1", "bundles", "@", "blocks", "*"}, ROUTE_PUT, 0, "PUT", .writer = ROLE_EDITOR},
    [ROUTE_POINTS] =
        {{"v1", "points"}, READ | ROUTE_POST, PAGING, "GET, HEAD, POST", .writer = ROLE_OPERATOR},
    [ROUTE_POINT_USE] = {{"v1", "points", "*:use"}, ROUTE_POST, 0, "POST"},
    [ROUTE_POINT] = {{"v1", "points", "*"},
                     READ | ROUTE_DELETE,
                     BIT(ROUTE_ACTOR) | BIT(ROUTE_REASON),
                     "GET, HEAD, DELETE"},
    [ROUTE_RESTORE] = {{"v1", "restore"}, ROUTE_POST, BIT(ROUTE_DRY_RUN) | BIT(ROUTE_LIMIT), "POST"},
    [ROUTE_IMPORT] = {{"v1", "import"},
                      ROUTE_POST,
                      BIT(ROUTE_DRY_RUN) | BIT(ROUTE_LIMIT) | BIT(ROUTE_ACTOR) | BIT(ROUTE_REASON) |
                          BIT(ROUTE_ALLOW_UNSERVED) | BIT(ROUTE_WITHOUT_POINT) | BIT(ROUTE_REPLACE) |
                          BIT(ROUTE_OVERRIDE_RULES),
                      "POST"},
    [ROUTE_FAILBACK] =
        {{"v1", "failback"}, ROUTE_POST, 0, "POST", .scope = ROUTE_SCOPE_BODY, .writer = ROLE_OPERATOR},
    [ROUTE_METRICS] = {{"metrics"}, READ, 0, "GET, HEAD"},
    [ROUTE_OPENAPI] = {{"v1", "openapi.yaml"}, READ, 0, "GET, HEAD"},
    [ROUTE_CHECKS] = {{"v1", "checks"},
                      READ,
                      PAGING | BIT(ROUTE_REGION) | BIT(ROUTE_AZ) | BIT(ROUTE_ENDPOINT) | BIT(ROUTE_CHECK) |
                          BIT(ROUTE_VERDICT) | BIT(ROUTE_OUTCOME),
                      "GET, HEAD"},
    [ROUTE_TRY] = {{"v1", "checks:run"},
                   ROUTE_POST,
                   BIT(ROUTE_ENDPOINT) | BIT(ROUTE_CHECK) | BIT(ROUTE_FROM),
                   "POST",
                   .scope = ROUTE_SCOPE_ENDPOINT,
                   .writer = ROLE_OPERATOR},
    [ROUTE_VANTAGES] = {{"v1", "vantages"}, READ | ROUTE_POST, 0, "GET, HEAD, POST"},
    [ROUTE_VANTAGE_DRAIN] = {{"v1", "vantages", "*:drain"}, ROUTE_POST, 0, "POST", .writer = ROLE_OPERATOR},
    [ROUTE_VANTAGE_UNDRAIN] =
        {{"v1", "vantages", "*:undrain"}, ROUTE_POST, 0, "POST", .writer = ROLE_OPERATOR},
    [ROUTE_VANTAGE_RENAME] = {{"v1", "vantages", "*:rename"}, ROUTE_POST, 0, "POST"},
    [ROUTE_VANTAGE] = {{"v1", "vantages", "*"},
                       READ | ROUTE_DELETE,
                       BIT(ROUTE_ACTOR) | BIT(ROUTE_REASON),
                       "GET, HEAD, DELETE"},
    [ROUTE_NODES] = {{"v1", "nodes"}, READ | ROUTE_POST, 0, "GET, HEAD, POST"},
    [ROUTE_NODE] = {{"v1", "nodes", "*"}, ROUTE_DELETE, BIT(ROUTE_ACTOR) | BIT(ROUTE_REASON), "DELETE"},
    [ROUTE_SERVING] = {{"v1", "serving"}, READ | ROUTE_PUT, 0, "GET, HEAD, PUT", .writer = ROLE_OPERATOR},
    [ROUTE_CLUSTER] = {{"v1", "cluster"}, READ, 0, "GET, HEAD"},
    [ROUTE_CLUSTER_CONFLICTS] = {{"v1", "cluster", "conflicts"}, READ, 0, "GET, HEAD"},
    [ROUTE_CLUSTER_REFILL] = {{"v1", "cluster:refill"}, ROUTE_POST, BIT(ROUTE_REPLACE), "POST"},
    [ROUTE_CLUSTER_ADOPT] = {{"v1", "cluster:adopt"}, ROUTE_POST, 0, "POST"},
    [ROUTE_BUNDLES_CANCEL] =
        {{"v1", "bundles:cancel"}, ROUTE_POST, BIT(ROUTE_DRY_RUN), "POST", .writer = ROLE_OPERATOR},
    [ROUTE_BUNDLE_ACTIVATE] =
        {{"v1", "bundles", "*:activate"}, ROUTE_POST, BIT(ROUTE_DRY_RUN), "POST", .writer = ROLE_EDITOR},
    [ROUTE_REPLICATION] = {{"v1", "replication"}, READ, PAGING, "GET, HEAD"},
    [ROUTE_ERRORS] = {{"v1", "errors"}, READ, PAGING, "GET, HEAD"},
    [ROUTE_EVENTS] = {{"v1", "events"},
                      ROUTE_GET,
                      BIT(ROUTE_KIND) | BIT(ROUTE_ABOUT) | BIT(ROUTE_SINCE) | BIT(ROUTE_AFTER),
                      "GET"},
    [ROUTE_WEBHOOKS] = {{"v1", "webhooks"}, READ, 0, "GET, HEAD"},
    [ROUTE_WEBHOOK_DEAD] = {{"v1", "webhooks", "*", "dead"}, READ, PAGING, "GET, HEAD"},
    [ROUTE_WEBHOOK_RETRY] = {{"v1", "webhooks", "*:retry"}, ROUTE_POST, 0, "POST", .writer = ROLE_OPERATOR},
    [ROUTE_HOOKS] = {{"v1", "hooks"}, READ, 0, "GET, HEAD"},
    [ROUTE_RULES] = {{"v1", "rules"}, READ, 0, "GET, HEAD"},
    [ROUTE_RULES_CHECK] = {{"v1", "rules:check"}, READ, BIT(ROUTE_WISH), "GET, HEAD"},
    [ROUTE_RULE_RELEASE] = {{"v1", "rules", "*:release"},
                            ROUTE_POST,
                            BIT(ROUTE_DRY_RUN) | BIT(ROUTE_LIMIT),
                            "POST",
                            .scope = ROUTE_SCOPE_BODY,
                            .writer = ROLE_OPERATOR},
    [ROUTE_OBJECTIVES] = {{"v1", "objectives"}, READ, 0, "GET, HEAD"},
    [ROUTE_RULE] = {{"v1", "rules", "*"}, READ, 0, "GET, HEAD"},
    [ROUTE_TOKENS] = {{"v1", "tokens"}, READ | ROUTE_POST, 0, "GET, HEAD, POST", .reader = ROLE_ADMIN},
    [ROUTE_TOKEN_ROTATE] = {{"v1", "tokens", "*:rotate"}, ROUTE_POST, 0, "POST"},
    [ROUTE_TOKEN] = {{"v1", "tokens", "*"},
                     READ | ROUTE_DELETE,
                     BIT(ROUTE_ACTOR) | BIT(ROUTE_REASON),
                     "GET, HEAD, DELETE",
                     .reader = ROLE_ADMIN},
    [ROUTE_CHALLENGES] = {{"v1", "challenges"},
                          READ | ROUTE_POST,
                          PAGING | BIT(ROUTE_DRY_RUN),
                          "GET, HEAD, POST",
                          .scope = ROUTE_SCOPE_BODY,
                          .writer = ROLE_OPERATOR},
    [ROUTE_CHALLENGE] = {{"v1", "challenges", "*"},
                         READ | ROUTE_DELETE,
                         BIT(ROUTE_DRY_RUN) | BIT(ROUTE_ACTOR) | BIT(ROUTE_REASON) | BIT(ROUTE_VALUE),
                         "GET, HEAD, DELETE",
                         .scope = ROUTE_SCOPE_BODY,
                         .writer = ROLE_OPERATOR},
    [ROUTE_OPERATIONS] = {{"v1", "operations"}, READ, PAGING, "GET, HEAD"},
    [ROUTE_OPERATION] = {{"v1", "operations", "*"},
                         READ | ROUTE_DELETE,
                         0,
                         "GET, HEAD, DELETE",
                         .writer = ROLE_VIEWER}, /* of those that he asked for: see operation_calls.c */
    [ROUTE_INCIDENTS] = {{"v1", "incidents"}, READ, PAGING, "GET, HEAD"},
    [ROUTE_INCIDENT] = {{"v1", "incidents", "*"}, READ, 0, "GET, HEAD"},
    [ROUTE_SWITCHOVERS] = {{"v1", "switchovers"},
                           READ | ROUTE_POST,
                           PAGING | BIT(ROUTE_DRY_RUN),
                           "GET, HEAD, POST",
                           .scope = ROUTE_SCOPE_BODY,
                           .writer = ROLE_OPERATOR},
    [ROUTE_SWITCHOVER_VERB] = {{"v1", "switchovers", "*:*"},
                               ROUTE_POST,
                               BIT(ROUTE_DRY_RUN),
                               "POST",
                               .scope = ROUTE_SCOPE_BODY,
                               .writer = ROLE_OPERATOR},
    [ROUTE_SWITCHOVER] = {{"v1", "switchovers", "*"}, READ, 0, "GET, HEAD"},
    [ROUTE_RESOLVERS] = {{"v1", "traffic", "resolvers"}, READ, BIT(ROUTE_LIMIT), "GET, HEAD"},
    [ROUTE_DRAINS] = {{"v1", "drains"}, READ, PAGING, "GET, HEAD"},
    [ROUTE_DRAIN] = {{"v1", "drains", "*"}, READ, 0, "GET, HEAD"},
    [ROUTE_TRAFFIC] = {{"v1", "traffic"}, READ, PAGING | BIT(ROUTE_BY) | BIT(ROUTE_ORDER), "GET, HEAD"},
    [ROUTE_CONFIG] = {{"v1", "config"}, READ, 0, "GET, HEAD"},
    [ROUTE_CONFIG_DRIFT] = {{"v1", "config", "drift"}, READ, BIT(ROUTE_LIMIT), "GET, HEAD"},
    [ROUTE_CONFIG_APPLY] = {{"v1", "config:apply"},
                            ROUTE_POST,
                            BIT(ROUTE_DRY_RUN) | BIT(ROUTE_LIMIT),
                            "POST",
                            .writer = ROLE_EDITOR},
    [ROUTE_CONFIG_IMPORT] = {{"v1", "config:import"}, ROUTE_POST, EDITING | BIT(ROUTE_DOCUMENT), "POST"},
    [ROUTE_CONFIG_THINGS] = {{"v1", "config", "&"}, READ, PAGING, "GET, HEAD"},
    [ROUTE_CONFIG_THING] = {{"v1", "config", "&", "*"},
                            READ | ROUTE_PUT | ROUTE_PATCH | ROUTE_DELETE,
                            EDITING,
                            "GET, HEAD, PUT, PATCH, DELETE",
                            .writer = ROLE_EDITOR},
    [ROUTE_CONFIG_NAMES] = {{"v1", "config", "zones", "@", "names"}, READ, PAGING, "GET, HEAD"},
    [ROUTE_CONFIG_NAME] = {{"v1", "config", "zones", "@", "names", "*"},
                           READ | ROUTE_PUT | ROUTE_PATCH | ROUTE_DELETE,
                           EDITING,
                           "GET, HEAD, PUT, PATCH, DELETE",
                           .writer = ROLE_EDITOR},
};

/* ---- paths ---- */

struct path {
    const char *segments[SEGMENTS_MAX];
    size_t count;
};

/* Returns false for a path that cannot be one of ours; malformed encoding sets the problem too. */
static bool split_path(const char *text, size_t len, struct path *path, struct problem *problem)
{
    *path = (struct path){.count = 0};
    if (len == 0 || text[0] != '/') {
        problem_set(problem, PROBLEM_BAD_REQUEST, "the request target does not begin with \"/\"");
        return false;
    }
    for (size_t at = 1; at <= len;) {
        size_t part = 0;
        while (at + part < len && text[at + part] != '/') {
            part++;
        }
        if (path->count == SEGMENTS_MAX) {
            return false;
        }
        const char *segment = route_decode(text + at, part, problem->arena);
        if (segment == NULL) {
            problem_set(problem, PROBLEM_BAD_REQUEST, "the path has a malformed percent encoding");
            return false;
        }
        path->segments[path->count++] = segment;
        at += part + 1;
    }
    return true;
}

static bool parse_plural(const char *text, enum health_kind *kind)
{
    static const char *const plurals[] = {
        [HEALTH_ENDPOINT] = "endpoints", [HEALTH_AZ] = "azs", [HEALTH_REGION] = "regions"};
    for (int i = HEALTH_ENDPOINT; i <= HEALTH_REGION; i++) {
        if (strcmp(text, plurals[i]) == 0) {
            *kind = (enum health_kind)i;
            return true;
        }
    }
    return false;
}

static bool match_segment(const char *pattern, const char *segment, struct route *route, struct arena *arena)
{
    if (pattern[0] == '*' && pattern[1] == ':') {
        const char *colon = strrchr(segment, ':');
        bool is_any = pattern[2] == '*';
        if (colon == NULL || colon == segment || (!is_any && strcmp(colon, pattern + 1) != 0)) {
            return false;
        }
        route->verb = colon + 1;
        route->name = arena_print(arena, "%.*s", (int)(colon - segment), segment);
        return true;
    }
    if (strcmp(pattern, "&") == 0) {
        return segment[0] != '\0' && segment[strlen(segment) - 1] == 's' &&
               edit_parse_kind(segment, &route->thing) && route->thing != EDIT_NAME;
    }
    if (strcmp(pattern, "@") == 0) {
        route->zone = segment;
        return segment[0] != '\0';
    }
    if (strcmp(pattern, "*") == 0) {
        route->name = segment;
        return segment[0] != '\0';
    }
    return strcmp(pattern, "%") == 0 ? parse_plural(segment, &route->kind) : strcmp(pattern, segment) == 0;
}

static bool match_path(const struct resource *resource, const struct path *path, struct route *route,
                       struct arena *arena)
{
    for (size_t i = 0; i < SEGMENTS_MAX; i++) {
        if ((resource->segments[i] == NULL) != (i >= path->count)) {
            return false;
        }
        if (i < path->count && !match_segment(resource->segments[i], path->segments[i], route, arena)) {
            return false;
        }
    }
    return true;
}

/* Filters that cannot apply: a region is in no region, and so on. */
static uint64_t known_parameters(const struct route *route)
{
    uint64_t known = resources[route->id].parameters;
    if (route->id == ROUTE_TARGETS && route->kind == HEALTH_REGION) {
        known &= ~(BIT(ROUTE_REGION) | BIT(ROUTE_AZ));
    }
    if (route->id == ROUTE_TARGETS && route->kind == HEALTH_AZ) {
        known &= ~BIT(ROUTE_AZ);
    }
    return known;
}

int route_parse(const char *target, unsigned method, struct route *route, const char **allow,
                struct problem *problem)
{
    size_t path_len = strcspn(target, "?");
    struct path path;
    bool found = false;
    *allow = NULL;
    *route = (struct route){.id = ROUTE_STATUS};
    if (split_path(target, path_len, &path, problem)) {
        for (int i = 0; i < ROUTE_IDS && !found; i++) {
            found = match_path(&resources[i], &path, route, problem->arena);
            route->id = (enum route_id)i;
        }
    }
    if (!found) {
        problem_set(problem, PROBLEM_NOT_FOUND, "there is no resource at %.*s", (int)path_len, target);
        return ERROR_INVALID;
    }
    if ((resources[route->id].methods & method) == 0) {
        *allow = resources[route->id].allow;
        problem_set(problem, PROBLEM_METHOD_NOT_ALLOWED, "expected one of %s", *allow);
        return ERROR_INVALID;
    }
    route->is_found = true;
    route_parse_query(target[path_len] == '?' ? target + path_len + 1 : "", known_parameters(route), route,
                      problem);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

bool route_is_shared(enum route_id id, unsigned method)
{
    switch (id) {
    case ROUTE_OVERRIDE:
    case ROUTE_FAILBACK:
    case ROUTE_RULE_RELEASE:
    case ROUTE_RESTORE:
    case ROUTE_IMPORT:
    case ROUTE_SWITCHOVERS:
    case ROUTE_SWITCHOVER_VERB:
    case ROUTE_SCHEDULE_RUN:
    case ROUTE_TOKENS:
    case ROUTE_TOKEN:
    case ROUTE_TOKEN_ROTATE:
    case ROUTE_CHALLENGES:
    case ROUTE_CHALLENGE:
    case ROUTE_NODES:
    case ROUTE_NODE:
    case ROUTE_BUNDLES_CANCEL:
    case ROUTE_BUNDLE_ACTIVATE:
    case ROUTE_VANTAGES:
    case ROUTE_VANTAGE:
    case ROUTE_VANTAGE_DRAIN:
    case ROUTE_VANTAGE_UNDRAIN:
    case ROUTE_VANTAGE_RENAME: return (method & READ) == 0;
    default: return false;
    }
}

enum role route_get_role(enum route_id id, unsigned method)
{
    enum role writer = resources[id].writer;
    if ((method & READ) != 0) {
        return resources[id].reader == ROLE_NONE ? ROLE_VIEWER : resources[id].reader;
    }
    return writer == ROLE_NONE ? ROLE_ADMIN : writer;
}

enum route_scope route_get_scope(enum route_id id, unsigned method)
{
    return (method & READ) != 0 || resources[id].writer == ROLE_VIEWER ? ROUTE_SCOPE_ANY
                                                                       : resources[id].scope;
}

const char *route_write(enum route_id id, char text[ROUTE_TEXT_SIZE])
{
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < SEGMENTS_MAX && resources[id].segments[i] != NULL; i++) {
        const char *segment = resources[id].segments[i];
        len += (size_t)snprintf(text + len, ROUTE_TEXT_SIZE - len, "/%s", segment[0] == '%' ? "*" : segment);
    }
    return text;
}
