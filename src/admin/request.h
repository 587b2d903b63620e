/* SPDX-License-Identifier: BSD-3-Clause
 *
 * JSON request bodies -> checked structs. Pure: bytes and the time in, plain data in the problem's arena out.
 */
#pragma once

#include "admin/access.h"
#include "admin/admin.h"
#include "admin/problem.h"
#include "health/health.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REQUEST_LOSSES_MAX = 256 };

/* A load that is pushed. */
struct request_load {
    double value;
    int64_t ttl_ms; /* 0: not given */
    char actor[HEALTH_ACTOR_SIZE];
};

/* How far a copy lags behind. */
struct request_lag {
    const char *from, *to;
    double value;
    enum health_lag_unit unit;
    enum health_stage stage; /* UNKNOWN: not given */
    int64_t ttl_ms, time_ms; /* 0: not given */
    uint64_t seq;            /* likewise */
};

/* What somebody has found out about an endpoint, a copy, or requests that fail. */
struct request_report {
    bool is_lag, is_errors;
    const char *endpoint, *check;
    struct health_push push;
    struct request_lag lag;
    struct errors_report errors; /* but for who reports */
    char actor[HEALTH_ACTOR_SIZE];
};

/* A drill to simulate. */
struct request_drill {
    const char **losses; /* "region:us-east" … as written */
    size_t loss_count;
    const char *failure; /* "timeout" or "refused" */
    bool from_live;
    bool is_document;     /* nothing of it was read but that it is an object */
    bool sweeps;          /* all losses, one after the other; the document is a member, or there is none */
    const char *document; /* of a sweep; NULL: it has none */
};

/* One that some clients see on this server. */
struct request_shadow {
    struct admin_shadow_order order; /* but for those below */
    const char *losses[ADMIN_SHADOW_LOSSES_MAX];
    struct admin_live_order live;
    const char *accepted[ADMIN_LIVE_ACCEPTED_MAX];
    char reason[HEALTH_REASON_SIZE], actor[HEALTH_ACTOR_SIZE];
};

/* What is assumed for a report. */
struct request_what_if {
    const char **assumed; /* "region:us-east=down" … as written */
    size_t assumed_count;
    double traffic; /* requests per second, of all names; 0: not given */
};

/* Each returns 0, or ERROR_INVALID with every error in the problem: BAD_JSON with line and column, or
 * INVALID_FIELDS with one entry per field. */

/* Safety rules that an order overrides, by their names, in the problem's arena. */
struct request_rules {
    const char **names;
    size_t count;
};

/* A recovery point that is wanted, its use, or a restore. */
enum request_point_kind { REQUEST_SAVE, REQUEST_USE, REQUEST_RESTORE };

struct request_point {
    const char *name, *to; /* NULL: not given */
    char reason[HEALTH_REASON_SIZE], actor[HEALTH_ACTOR_SIZE];
    bool allows_unserved, without_point;
    struct request_rules rules;
    unsigned weight; /* of a vantage */
};

/* An override that is wanted. */
struct request_override {
    struct health_override what; /* complete but for an actor that was not given ("") */
    bool allows_unserved, is_emergency;
    struct request_rules rules;
    bool fails_back;      /* none at all: what is well again may come back */
    const char *releases; /* likewise: the rule that lets a region go; NULL: none */
};

/* PUT …/override */
int request_parse_override(const char *text, size_t len, int64_t wall_ms, struct request_override *wanted,
                           struct problem *problem);
/* PUT /v1/drills/reports/{id}/observed: the same, compact, in the problem's arena. */
int request_parse_observed(const char *text, size_t len, const char **json, struct problem *problem);
/* POST /v1/report */
int request_parse_report(const char *text, size_t len, struct request_report *report,
                         struct problem *problem);
/* POST /v1/failback: its target, and of `what` reason and actor. */
int request_parse_failback(const char *text, size_t len, enum health_kind *kind, const char **name,
                           struct request_override *wanted, struct problem *problem);
/* POST /v1/rules/{name}:release: the region, and of `what` reason and actor. */
int request_parse_release(const char *text, size_t len, const char **region, struct request_override *wanted,
                          struct problem *problem);
/* PUT …/load. Likewise. */
int request_parse_load(const char *text, size_t len, struct request_load *load, struct problem *problem);
/* POST /v1/drills */
int request_parse_drill(const char *text, size_t len, struct request_drill *drill, struct problem *problem);
/* Is it the body of one that clients see, some or all? Then: */
bool request_is_shadow(const char *text, size_t len);
bool request_is_live(const char *text, size_t len); /* a live drill */
int request_parse_shadow(const char *text, size_t len, struct request_shadow *wanted,
                         struct problem *problem);
/* POST /v1/what-if */
int request_parse_what_if(const char *text, size_t len, struct request_what_if *what_if,
                          struct problem *problem);
/* POST /v1/takeover: nothing, or an object with "to": is it one that waits to be met? */
int request_parse_takeover(const char *text, size_t len, bool *is_invited, struct problem *problem);
/* POST /v1/points, /v1/points/{id}:use, /v1/restore; an empty body is an object without fields. */
int request_parse_point(const char *text, size_t len, enum request_point_kind kind,
                        struct request_point *point, struct problem *problem);
/* POST /v1/vantages and /v1/vantages/NAME:rename, which have a name; and its other verbs. */
int request_parse_vantage(const char *text, size_t len, bool has_name, struct request_point *wanted,
                          struct problem *problem);
/* "room,slowly" */
void request_split_rules(const char *text, struct request_rules *rules, struct problem *problem);
/* Copy a reason if it is one, likewise. */
void request_check_reason(const char *text, char reason[HEALTH_REASON_SIZE], struct problem *problem);
/* POST /v1/tokens and /v1/tokens/NAME:rotate */
struct request_token {
    const char *name;
    enum role role;
    struct admin_scopes scopes;
    int64_t lasts_ms; /* 0: not given */
    int64_t overlap_ms;
    char reason[HEALTH_REASON_SIZE], actor[HEALTH_ACTOR_SIZE];
};
int request_parse_token(const char *text, size_t len, bool is_new, struct request_token *wanted,
                        struct problem *problem);
/* POST /v1/challenges */
struct request_challenge {
    const char *name, *value; /* "": not given */
    int64_t lasts_ms;
    char reason[HEALTH_REASON_SIZE], actor[HEALTH_ACTOR_SIZE];
};
#define REQUEST_CHALLENGE_EXPECTED                                                                           \
    "43 letters, digits, \"-\" or \"_\": the base64url of a SHA-256, as ACME clients make it (RFC 8555 "     \
    "section 8.4)"
bool request_is_challenge(const char *text);
int request_parse_challenge(const char *text, size_t len, struct request_challenge *wanted,
                            struct problem *problem);
/* POST /v1/nodes */
struct request_node {
    const char *name;
    int64_t lasts_ms;
    bool replaces;
    char reason[HEALTH_REASON_SIZE], actor[HEALTH_ACTOR_SIZE];
};
int request_parse_node(const char *text, size_t len, struct request_node *wanted, struct problem *problem);
/* A switchover that is wanted, or a verb of one. */
struct request_switchover {
    struct switchover what; /* of a new one: targets (room for SWITCHOVER_TARGETS_MAX), to, steps, each_ms */
    const char *groups[SWITCHOVER_TARGETS_MAX]; /* whose endpoints are targets, too */
    size_t group_count;
    bool executes, is_emergency;
    const char *accepted[ADMIN_ACCEPTED_MAX];
    size_t accepted_count;
    const char *confirm; /* NULL: nothing was typed */
    char reason[HEALTH_REASON_SIZE], actor[HEALTH_ACTOR_SIZE];
};
enum request_switchover_kind {
    REQUEST_SWITCHOVER_NEW,  /* POST /v1/switchovers */
    REQUEST_SWITCHOVER_VERB, /* /v1/switchovers/{id}:VERB */
    REQUEST_SWITCHOVER_TURN, /* /v1/switchovers/{id}:redirect, which has a destination */
};
int request_parse_switchover(const char *text, size_t len, enum request_switchover_kind kind,
                             struct request_switchover *wanted, struct problem *problem);
/* POST /v1/reload: nothing, or an object without fields. */
int request_parse_empty(const char *text, size_t len, struct problem *problem);

/* Copy text to actor if it is one: not empty, short enough, no control characters; else a field error. */
void request_check_actor(const char *text, char actor[HEALTH_ACTOR_SIZE], struct problem *problem);
