/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Query parameters, read strictly: each that is unknown, repeated or malformed is told. */
#include "config.h"

#include "admin/route_query.h"

#include "base/number.h"
#include "base/when.h"

#include <stdlib.h>
#include <string.h>

static const char *const parameter_names[ROUTE_PARAMETERS] = {
    [ROUTE_LIMIT] = "limit",
    [ROUTE_CURSOR] = "cursor",
    [ROUTE_REGION] = "region",
    [ROUTE_AZ] = "az",
    [ROUTE_EFFECTIVE] = "effective",
    [ROUTE_FIELDS] = "fields",
    [ROUTE_NAME] = "name",
    [ROUTE_TYPE] = "type",
    [ROUTE_CLIENT] = "client",
    [ROUTE_DRY_RUN] = "dry_run",
    [ROUTE_ACTOR] = "actor",
    [ROUTE_ZONE] = "zone",
    [ROUTE_POLICY] = "policy",
    [ROUTE_ASSUME] = "assume",
    [ROUTE_ALLOW_UNSERVED] = "allow_unserved",
    [ROUTE_EMERGENCY] = "emergency",
    [ROUTE_KIND] = "kind",
    [ROUTE_KEY] = "key",
    [ROUTE_ABOUT] = "target",
    [ROUTE_SINCE] = "since",
    [ROUTE_UNTIL] = "until",
    [ROUTE_ORDER] = "order",
    [ROUTE_ANCHOR] = "anchor",
    [ROUTE_AT] = "at",
    [ROUTE_FROM] = "from",
    [ROUTE_TO] = "to",
    [ROUTE_REASON] = "reason",
    [ROUTE_WITHOUT_POINT] = "without_point",
    [ROUTE_REPLACE] = "replace",
    [ROUTE_WAIT] = "wait",
    [ROUTE_ENDPOINT] = "endpoint",
    [ROUTE_CHECK] = "check",
    [ROUTE_VERDICT] = "verdict",
    [ROUTE_OUTCOME] = "outcome",
    [ROUTE_AFTER] = "after",
    [ROUTE_WISH] = "wish",
    [ROUTE_OVERRIDE_RULES] = "override_rules",
    [ROUTE_BY] = "by",
    [ROUTE_DOCUMENT] = "document",
    [ROUTE_KEEP] = "keep",
    [ROUTE_VALUE] = "value",
};

/* ---- percent encoding ---- */

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The octet that "%XX" at the start of text[0..len) stands for, or -1. */
static int decode_octet(const char *text, size_t len)
{
    if (len < 3 || hex_value(text[1]) < 0 || hex_value(text[2]) < 0) {
        return -1;
    }
    return hex_value(text[1]) * 16 + hex_value(text[2]);
}

const char *route_decode(const char *text, size_t len, struct arena *arena)
{
    char *out = arena_alloc_bytes(arena, len + 1);
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            c = decode_octet(text + i, len - i);
            i += 2;
        }
        if (c < ' ' || c == 127) {
            return NULL;
        }
        out[count++] = (char)c;
    }
    out[count] = '\0';
    return out;
}

/* ---- parameters ---- */

static int find_parameter(const char *name)
{
    for (int i = 0; i < ROUTE_PARAMETERS; i++) {
        if (strcmp(parameter_names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

static void add_assumed(struct route *route, const char *name, const char *value, struct problem *problem)
{
    if (route->assumed == NULL) {
        route->assumed = arena_alloc(problem->arena, ROUTE_ASSUMED_MAX * sizeof *route->assumed);
    }
    if (route->assumed_count == ROUTE_ASSUMED_MAX) {
        problem_add_field(problem, name, "expected at most %d of them", ROUTE_ASSUMED_MAX);
    } else {
        route->assumed[route->assumed_count++] = value;
    }
}

static void take_parameter(const char *text, size_t len, uint64_t known, struct route *route,
                           struct problem *problem)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals == NULL ? len : (size_t)(equals - text);
    const char *name = route_decode(text, name_len, problem->arena);
    const char *value = equals == NULL ? "" : route_decode(equals + 1, len - name_len - 1, problem->arena);
    if (name == NULL || value == NULL) {
        problem_set(problem, PROBLEM_BAD_REQUEST, "the query has a malformed percent encoding");
        return;
    }
    int parameter = find_parameter(name);
    if (parameter < 0 || (known & BIT(parameter)) == 0) {
        problem_add_field(problem, name, "unknown query parameter of this resource");
    } else if (value[0] == '\0') {
        problem_add_field(problem, name, "query parameter has no value");
    } else if (parameter == ROUTE_ASSUME || parameter == ROUTE_WISH) {
        add_assumed(route, name, value, problem);
    } else if (route->parameters[parameter] != NULL) {
        problem_add_field(problem, name, "query parameter is given twice");
    } else {
        route->parameters[parameter] = value;
    }
}

static void check_limit(struct route *route, struct problem *problem)
{
    const char *text = route->parameters[ROUTE_LIMIT];
    bool is_short = route->id == ROUTE_RELOAD || route->id == ROUTE_DIFF || route->id == ROUTE_RESTORE ||
                    route->id == ROUTE_IMPORT || route->id == ROUTE_CONFIG_APPLY ||
                    route->id == ROUTE_CONFIG_IMPORT || route->id == ROUTE_CONFIG_THING ||
                    route->id == ROUTE_CONFIG_NAME;
    size_t most = is_short ? ROUTE_CHANGES_MAX : ROUTE_LIMIT_MAX;
    route->limit = ROUTE_LIMIT_DEFAULT;
    if (text == NULL) {
        return;
    }
    uint64_t value;
    if (!number_read(text, 10, most, &value) || value == 0) {
        problem_add_field(problem, "limit", "found \"%s\", expected a number from 1 to %zu", text, most);
    } else {
        route->limit = value;
    }
}

static void check_policy(struct route *route, struct problem *problem)
{
    const char *text = route->parameters[ROUTE_POLICY];
    route->policy = -1;
    if (text == NULL) {
        return;
    }
    uint64_t number;
    if (!number_read(text, 10, INT32_MAX, &number)) {
        problem_add_field(problem, "policy", "found \"%s\", expected the number of a policy", text);
    } else {
        route->policy = (int64_t)number;
    }
}

static bool check_flag(const struct route *route, enum route_parameter parameter, struct problem *problem)
{
    const char *text = route->parameters[parameter];
    if (text != NULL && strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
        problem_add_field(problem, parameter_names[parameter], "found \"%s\", expected true or false", text);
    }
    return text != NULL && strcmp(text, "true") == 0;
}

static void check_effective(const struct route *route, struct problem *problem)
{
    const char *text = route->parameters[ROUTE_EFFECTIVE];
    for (int i = HEALTH_UNKNOWN; text != NULL && i <= HEALTH_FORCED_DOWN; i++) {
        if (strcmp(text, health_state_text((enum health_state)i)) == 0) {
            return;
        }
    }
    if (text != NULL) {
        problem_add_field(
            problem, "effective",
            "found \"%s\", expected unknown, healthy, unhealthy, drained, forced_up or forced_down", text);
    }
}

static void check_verdict(const struct route *route, struct problem *problem)
{
    const char *text = route->parameters[ROUTE_VERDICT];
    for (int i = HEALTH_OBSERVED_UNKNOWN; text != NULL && i <= HEALTH_OBSERVED_UNHEALTHY; i++) {
        if (strcmp(text, health_observed_text((enum health_observed)i)) == 0) {
            return;
        }
    }
    if (text != NULL) {
        problem_add_field(problem, "verdict", "found \"%s\", expected unknown, healthy or unhealthy", text);
    }
}

static void check_outcome(const struct route *route, struct problem *problem)
{
    const char *text = route->parameters[ROUTE_OUTCOME];
    for (int i = HEALTH_OUTCOME_NONE; text != NULL && i < HEALTH_OUTCOME_COUNT; i++) {
        if (strcmp(text, health_outcome_text((enum health_outcome)i)) == 0) {
            return;
        }
    }
    if (text != NULL) {
        problem_add_field(problem, "outcome", "found \"%s\", expected an outcome, such as ok or timeout",
                          text);
    }
}

void route_parse_query(const char *query, uint64_t known, struct route *route, struct problem *problem)
{
    for (const char *at = query; *at != '\0';) {
        size_t len = strcspn(at, "&");
        if (len != 0) {
            take_parameter(at, len, known, route, problem);
        }
        at += len + (at[len] == '&' ? 1 : 0);
    }
    check_limit(route, problem);
    check_policy(route, problem);
    route->dry_run = check_flag(route, ROUTE_DRY_RUN, problem);
    route->allow_unserved = check_flag(route, ROUTE_ALLOW_UNSERVED, problem);
    route->emergency = check_flag(route, ROUTE_EMERGENCY, problem);
    route->without_point = check_flag(route, ROUTE_WITHOUT_POINT, problem);
    route->replace = check_flag(route, ROUTE_REPLACE, problem);
    route->keep = check_flag(route, ROUTE_KEEP, problem);
    check_effective(route, problem);
    check_verdict(route, problem);
    check_outcome(route, problem);
    if (route->id == ROUTE_EXPLAIN && route->parameters[ROUTE_NAME] == NULL) {
        problem_add_field(problem, "name", "query parameter is required");
    }
    if (route->id == ROUTE_RULES_CHECK && route->assumed_count == 0) {
        problem_add_field(problem, "wish", "query parameter is required, such as region:us-east=drain");
    }
    if (route->id == ROUTE_TRY && route->parameters[ROUTE_ENDPOINT] == NULL) {
        problem_add_field(problem, "endpoint", "query parameter is required");
    }
    if (route->id == ROUTE_DIFF && route->parameters[ROUTE_FROM] == NULL) {
        problem_add_field(problem, "from", "query parameter is required: " WHEN_EXPECTED);
    }
}
