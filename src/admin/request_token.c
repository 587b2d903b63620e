/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bodies of POST /v1/tokens, /v1/tokens/NAME:rotate and /v1/nodes. */
#include "config.h"

#include "admin/request_inside.h"
#include "base/error.h"
#include "base/when.h"
#include "conf/cluster.h"
#include "conf/value.h"
#include "conf/zones.h"

#include <string.h>

#define DAY_MS     INT64_C(86400000)
#define LASTS_MS   (90 * DAY_MS)
#define LASTS_MAX  (3650 * DAY_MS)
#define OVERLAP_MS (DAY_MS / 24)
#define INVITE_MS  (DAY_MS / 24)
#define INVITE_MAX (7 * DAY_MS)

enum { ZONE_MAX = 255 };

static void check_name(const json_t *body, struct request_token *wanted, struct problem *problem)
{
    const char *name = request_get_text(body, "name", problem);
    if (json_object_get(body, "name") == NULL) {
        problem_add_field(problem, "name", "required: a name for the token");
    } else if (name != NULL && !value_is_name(name)) {
        problem_add_field(problem, "name", "found \"%s\", expected " VALUE_NAME_RULE, name);
    }
    wanted->name = arena_copy_text(problem->arena, name == NULL ? "" : name);
}

static void check_role(const json_t *body, struct request_token *wanted, struct problem *problem)
{
    const char *role = request_get_text(body, "role", problem);
    wanted->role = role == NULL ? ROLE_NONE : role_parse(role);
    if (json_object_get(body, "role") == NULL) {
        problem_add_field(problem, "role", "required: viewer, operator, editor or admin");
    } else if (role != NULL && wanted->role == ROLE_NONE) {
        problem_add_field(problem, "role", "found \"%s\", expected viewer, operator, editor or admin", role);
    }
}

/* A region as it is called, a zone by its one spelling. NULL: it is none. */
static const char *read_scope(const char *text, bool of_zones, struct arena *arena)
{
    const char *scope = NULL;
    if (text != NULL && of_zones) {
        scope = zones_parse_origin(arena, text);
    } else if (text != NULL && value_is_name(text)) {
        scope = arena_copy_text(arena, text);
    }
    return scope != NULL && strlen(scope) <= ZONE_MAX ? scope : NULL;
}

static size_t check_scopes(const json_t *body, const char *key, const char **scopes, struct problem *problem)
{
    const json_t *list = json_object_get(body, key), *item;
    bool of_zones = strcmp(key, "zones") == 0;
    size_t i, count = 0;
    if (list == NULL) {
        return 0;
    }
    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > ADMIN_SCOPES_MAX) {
        problem_add_field(problem, key, "expected an array of 1 to %d names", ADMIN_SCOPES_MAX);
        return 0;
    }
    json_array_foreach(list, i, item)
    {
        const char *scope = read_scope(json_string_value(item), of_zones, problem->arena);
        if (scope == NULL) {
            problem_add_field(problem, key, "found something that is no name of a %s",
                              of_zones ? "zone" : "region");
        } else {
            scopes[count++] = scope;
        }
    }
    return count;
}

static int64_t check_span(const json_t *body, const char *key, const int64_t range[2], int64_t otherwise,
                          struct problem *problem)
{
    const char *text = request_get_text(body, key, problem);
    int64_t ms = otherwise;
    if (text != NULL && range[0] == 0 && strcmp(text, "0s") == 0) {
        return 0;
    }
    if (text != NULL && (when_parse_duration(text, &ms) != 0 || ms < range[0] || ms > range[1])) {
        problem_add_field(problem, key, "found \"%s\", expected a duration from %llds to %lldd", text,
                          (long long)range[0] / 1000, (long long)(range[1] / DAY_MS));
    }
    return ms;
}

int request_parse_token(const char *text, size_t len, bool is_new, struct request_token *wanted,
                        struct problem *problem)
{
    static const char *const made[] = {"name",       "role",   "regions", "zones",
                                       "expires_in", "reason", "actor",   NULL},
                             *const rotated[] = {"expires_in", "overlap", "reason", "actor", NULL};
    static const int64_t lasts[2] = {1000, LASTS_MAX}, overlaps[2] = {0, 30 * DAY_MS};
    *wanted = (struct request_token){.name = NULL};
    json_t *body = len == 0 ? json_object() : request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    request_reject_unknown(body, is_new ? made : rotated, problem);
    if (is_new) {
        check_name(body, wanted, problem);
        check_role(body, wanted, problem);
        wanted->scopes.region_count = check_scopes(body, "regions", wanted->scopes.regions, problem);
        wanted->scopes.zone_count = check_scopes(body, "zones", wanted->scopes.zones, problem);
    }
    wanted->lasts_ms = check_span(body, "expires_in", lasts, is_new ? LASTS_MS : 0, problem);
    wanted->overlap_ms = is_new ? 0 : check_span(body, "overlap", overlaps, OVERLAP_MS, problem);
    request_check_body_cause(body, wanted->reason, wanted->actor, problem);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

static void check_node_name(const json_t *body, struct request_node *wanted, struct problem *problem)
{
    const char *name = request_get_text(body, "name", problem);
    if (json_object_get(body, "name") == NULL) {
        problem_add_field(problem, "name", "required: the name that the node is to have");
    } else if (name != NULL && !conf_is_node_name(name)) {
        problem_add_field(
            problem, "name",
            "found \"%s\", expected 1 to %d letters, digits or \"-\", which is not the first or "
            "last",
            name, CONF_NODE_NAME_MAX);
    }
    wanted->name = arena_copy_text(problem->arena, name == NULL ? "" : name);
}

int request_parse_node(const char *text, size_t len, struct request_node *wanted, struct problem *problem)
{
    static const char *const known[] = {"name", "expires_in", "replace", "reason", "actor", NULL};
    static const int64_t lasts[2] = {1000, INVITE_MAX};
    *wanted = (struct request_node){.name = NULL};
    json_t *body = request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    request_reject_unknown(body, known, problem);
    check_node_name(body, wanted, problem);
    wanted->lasts_ms = check_span(body, "expires_in", lasts, INVITE_MS, problem);
    const json_t *replace = json_object_get(body, "replace");
    wanted->replaces = json_is_true(replace);
    if (replace != NULL && !json_is_boolean(replace)) {
        problem_add_field(problem, "replace", "expected true or false");
    }
    request_check_body_cause(body, wanted->reason, wanted->actor, problem);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}
