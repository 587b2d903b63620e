/* SPDX-License-Identifier: BSD-3-Clause
 *
 * JSON request bodies -> checked structs. Pure: bytes and the time in, plain data in the problem's arena out.
 */
#pragma once

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

/* A drill to simulate. */
struct request_drill {
    const char **losses; /* "region:us-east" … as written */
    size_t loss_count;
    const char *failure; /* "timeout" or "refused" */
    bool from_live;
};

/* What is assumed for a report. */
struct request_what_if {
    const char **assumed; /* "region:us-east=down" … as written */
    size_t assumed_count;
    double traffic; /* requests per second, of all names; 0: not given */
};

/* Each returns 0, or ERROR_INVALID with every error in the problem: BAD_JSON with line and column, or
 * INVALID_FIELDS with one entry per field. */

/* An override that is wanted. */
struct request_override {
    struct health_override what; /* complete but for an actor that was not given ("") */
    bool allows_unserved;
};

/* PUT …/override */
int request_parse_override(const char *text, size_t len, int64_t wall_ms, struct request_override *wanted,
                           struct problem *problem);
/* PUT …/load. Likewise. */
int request_parse_load(const char *text, size_t len, struct request_load *load, struct problem *problem);
/* POST /v1/drills */
int request_parse_drill(const char *text, size_t len, struct request_drill *drill, struct problem *problem);
/* POST /v1/what-if */
int request_parse_what_if(const char *text, size_t len, struct request_what_if *what_if,
                          struct problem *problem);
/* POST /v1/reload: nothing, or an object without fields. */
int request_parse_empty(const char *text, size_t len, struct problem *problem);

/* "90s", "30m", "1h30m", "500ms": a sum of numbers with the units ms s m h d, above 0 and at most 3650 days.
 * Returns 0 or ERROR_SYNTAX. */
int request_parse_duration(const char *text, int64_t *ms);

/* Copy text to actor if it is one: not empty, short enough, no control characters; else a field error. */
void request_check_actor(const char *text, char actor[HEALTH_ACTOR_SIZE], struct problem *problem);
