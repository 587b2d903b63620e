/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Request targets -> resources and checked query parameters. Pure: text in, plain data in an arena out. */
#pragma once

#include "admin/problem.h"
#include "base/addr.h"
#include "conf/edit.h"
#include "conf/roles.h"
#include "health/outcome.h"
#include "health/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum route_method {
    ROUTE_GET = 1,
    ROUTE_HEAD = 2,
    ROUTE_PUT = 4,
    ROUTE_POST = 8,
    ROUTE_DELETE = 16,
    ROUTE_PATCH = 32,
};

enum route_id {
    ROUTE_STATUS,
    ROUTE_TARGETS,
    ROUTE_TARGET,
    ROUTE_OVERRIDE,
    ROUTE_LOAD,
    ROUTE_REPORT,
    ROUTE_OVERRIDES,
    ROUTE_ZONES,
    ROUTE_NAMES,
    ROUTE_GEO,
    ROUTE_EXPLAIN,
    ROUTE_DIFF,
    ROUTE_WHAT_IF,
    ROUTE_RELOAD,
    ROUTE_TAKEOVER,
    ROUTE_DRILLS,
    ROUTE_REPORTS, /* these before the next one, which has the same beginning */
    ROUTE_OBSERVED,
    ROUTE_REPORT_OF_DRILL,
    ROUTE_SCHEDULE,
    ROUTE_SCHEDULE_RUN,
    ROUTE_SCHEDULED,
    ROUTE_DRILL,
    ROUTE_JOURNAL,
    ROUTE_VERIFY,
    ROUTE_BUNDLES_CANCEL,
    ROUTE_BUNDLE_ACTIVATE, /* before that of a bundle, which has the same beginning */
    ROUTE_BUNDLES,
    ROUTE_BUNDLE_CHECK, /* before the next one, which has the same beginning */
    ROUTE_BUNDLE,
    ROUTE_BUNDLE_BLOCK,
    ROUTE_POINTS,
    ROUTE_POINT_USE, /* before the next one, which has the same beginning */
    ROUTE_POINT,
    ROUTE_RESTORE,
    ROUTE_IMPORT,
    ROUTE_FAILBACK,
    ROUTE_METRICS,
    ROUTE_OPENAPI,
    ROUTE_CHECKS,
    ROUTE_TRY,
    ROUTE_VANTAGES,
    ROUTE_VANTAGE_DRAIN, /* these before the next one, which has the same beginning */
    ROUTE_VANTAGE_UNDRAIN,
    ROUTE_VANTAGE_RENAME,
    ROUTE_VANTAGE,
    ROUTE_NODES,
    ROUTE_SERVING,
    ROUTE_NODE,
    ROUTE_CLUSTER,
    ROUTE_CLUSTER_CONFLICTS,
    ROUTE_CLUSTER_REFILL,
    ROUTE_CLUSTER_ADOPT,
    ROUTE_REPLICATION,
    ROUTE_ERRORS,
    ROUTE_EVENTS,
    ROUTE_WEBHOOKS,
    ROUTE_WEBHOOK_DEAD,
    ROUTE_WEBHOOK_RETRY,
    ROUTE_HOOKS,
    ROUTE_RULES,
    ROUTE_RULES_CHECK,
    ROUTE_RULE_RELEASE,
    ROUTE_OBJECTIVES,
    ROUTE_RULE,
    ROUTE_TOKENS,
    ROUTE_TOKEN_ROTATE, /* before the next one, which has the same beginning */
    ROUTE_TOKEN,
    ROUTE_CHALLENGES,
    ROUTE_CHALLENGE,
    ROUTE_OPERATIONS,
    ROUTE_OPERATION,
    ROUTE_INCIDENTS,
    ROUTE_INCIDENT,
    ROUTE_SWITCHOVERS,
    ROUTE_SWITCHOVER_VERB, /* before the next one, which has the same beginning */
    ROUTE_SWITCHOVER,
    ROUTE_TRAFFIC,
    ROUTE_RESOLVERS,
    ROUTE_DRAINS,
    ROUTE_DRAIN,
    ROUTE_CONFIG,
    ROUTE_CONFIG_DRIFT, /* these before those of kinds */
    ROUTE_CONFIG_APPLY,
    ROUTE_CONFIG_IMPORT,
    ROUTE_CONFIG_THINGS,
    ROUTE_CONFIG_THING,
    ROUTE_CONFIG_NAMES,
    ROUTE_CONFIG_NAME,
    ROUTE_IDS
};

/* Query parameters that a resource may know. */
enum route_parameter {
    ROUTE_LIMIT,
    ROUTE_CURSOR,
    ROUTE_REGION,
    ROUTE_AZ,
    ROUTE_EFFECTIVE,
    ROUTE_FIELDS,
    ROUTE_NAME,
    ROUTE_TYPE,
    ROUTE_CLIENT,
    ROUTE_DRY_RUN,
    ROUTE_ALLOW_UNSERVED,
    ROUTE_EMERGENCY,
    ROUTE_ACTOR,
    ROUTE_ZONE,
    ROUTE_POLICY,
    ROUTE_ASSUME,
    ROUTE_KIND,
    ROUTE_KEY,
    ROUTE_ABOUT, /* "target" */
    ROUTE_SINCE,
    ROUTE_UNTIL,
    ROUTE_ORDER,
    ROUTE_ANCHOR,
    ROUTE_AT,
    ROUTE_FROM,
    ROUTE_TO,
    ROUTE_REASON,
    ROUTE_WITHOUT_POINT,
    ROUTE_REPLACE,
    ROUTE_WAIT,
    ROUTE_ENDPOINT,
    ROUTE_CHECK,
    ROUTE_VERDICT,
    ROUTE_OUTCOME,
    ROUTE_AFTER,
    ROUTE_WISH,
    ROUTE_OVERRIDE_RULES,
    ROUTE_BY,
    ROUTE_DOCUMENT,
    ROUTE_KEEP,
    ROUTE_VALUE,
    ROUTE_PARAMETERS
};

enum { ROUTE_LIMIT_DEFAULT = 100, ROUTE_LIMIT_MAX = 1000, ROUTE_CHANGES_MAX = 100, ROUTE_ASSUMED_MAX = 64 };

struct route {
    enum route_id id;
    enum health_kind kind;                    /* of targets */
    const char *name;                         /* of a target; decoded */
    enum edit_kind thing;                     /* of ROUTE_CONFIG_THING */
    const char *zone;                         /* of ROUTE_CONFIG_NAME; as it was written; the ID of
                                                 ROUTE_BUNDLE_BLOCK */
    const char *verb;                         /* of ROUTE_SWITCHOVER_VERB */
    const char *parameters[ROUTE_PARAMETERS]; /* decoded; NULL: not given */
    const char **assumed;                     /* each `assume` or `wish`: they may be repeated */
    size_t assumed_count;
    size_t limit;   /* of a reload, diff, restore, import 1..ROUTE_CHANGES_MAX, else 1..ROUTE_LIMIT_MAX */
    int64_t policy; /* -1: not given */
    bool dry_run, allow_unserved, emergency, without_point, replace, keep;
    bool is_found; /* the resource has this method, whatever is wrong with the parameters */
};

/* Find the resource of a request target ("/v1/azs/x?y=z", origin form) and check its parameters. `method` is
 * an enum route_method, or 0 for one that no resource has. Returns 0, or ERROR_INVALID with the problem set;
 * *allow is then the value of the Allow header if the problem is METHOD_NOT_ALLOWED. */
int route_parse(const char *target, unsigned method, struct route *route, const char **allow,
                struct problem *problem);

/* Objects as lines, of which there may be many: not application/json. */
static inline bool route_takes_lines(const struct route *route)
{
    return route->id == ROUTE_IMPORT;
}
/* Octets of a file. */
static inline bool route_takes_octets(const struct route *route)
{
    return route->id == ROUTE_BUNDLE_BLOCK;
}
/* JSON, of which there may be much. */
static inline bool route_takes_much(const struct route *route)
{
    return route->id == ROUTE_CONFIG_APPLY || route->id == ROUTE_BUNDLES ||
           (route->id == ROUTE_CONFIG_THING && route->thing == EDIT_DOCUMENT);
}
/* Is what the method changes there the same on all nodes of a cluster? */
bool route_is_shared(enum route_id id, unsigned method);
/* What whoever asks has to be for a method of a resource. */
enum role route_get_role(enum route_id id, unsigned method);
/* What of it somebody may change who may not change everything. */
enum route_scope {
    ROUTE_SCOPE_NONE,     /* nothing of it */
    ROUTE_SCOPE_TARGET,   /* that of the path, in his regions */
    ROUTE_SCOPE_ENDPOINT, /* that of the query, likewise */
    ROUTE_SCOPE_ZONE,     /* that of the query, if it is one of his */
    ROUTE_SCOPE_BODY,     /* the handler knows: caller_may_touch() */
    ROUTE_SCOPE_ANY,      /* it changes nothing */
};
enum route_scope route_get_scope(enum route_id id, unsigned method);
/* Its path, with * for what is a name. Returns text. */
enum { ROUTE_TEXT_SIZE = 64 };
const char *route_write(enum route_id id, char text[ROUTE_TEXT_SIZE]);
/* May the resource's method have a body, and must it? */
bool route_takes_body(const struct route *route, unsigned method);
