/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bodies of PUT /v1/drills/reports/{id}/observed: what `steerctl observe` saw of a drill. Each member is
 * looked at, since pages and scripts draw from it what they find there. */
#include "config.h"

#include "admin/request.h"

#include "admin/request_inside.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "past/found.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 16, LOST_MAX = 256, SECONDS_MAX = 3601, OBSERVED_MAX = 256 << 10, KEY_SIZE = 80 };

#define COUNT_MAX (INT64_C(1) << 53) /* what any reader of JSON counts to */

enum member_kind {
    MEMBER_COUNT,        /* a whole number, 0 or more */
    MEMBER_TIME_OR_NULL, /* likewise, or null */
    MEMBER_SHARE,        /* a number, 0 or more */
    MEMBER_FLAG,
    MEMBER_MOMENT, /* "2026-11-21T04:05:06Z" */
    MEMBER_TEXTS,
    MEMBER_SHARES, /* by second */
    MEMBER_MOVED,  /* after which time so many percent have */
    MEMBER_SECONDS,
    MEMBER_USERS,
};

struct member {
    const char *key;
    enum member_kind kind;
    size_t most; /* of a list */
};

static const struct member moved[] = {{"50", MEMBER_TIME_OR_NULL, 0},
                                      {"90", MEMBER_TIME_OR_NULL, 0},
                                      {"99", MEMBER_TIME_OR_NULL, 0},
                                      {"100", MEMBER_TIME_OR_NULL, 0},
                                      {NULL, 0, 0}};
static const struct member seconds[] = {{"failed", MEMBER_SHARES, SECONDS_MAX},
                                        {"failed_first_address", MEMBER_SHARES, SECONDS_MAX},
                                        {"failed_all_addresses", MEMBER_SHARES, SECONDS_MAX},
                                        {"to_lost", MEMBER_SHARES, SECONDS_MAX},
                                        {NULL, 0, 0}};
static const struct member users[] = {{"failed_share", MEMBER_SHARE, 0},
                                      {"failed_share_first_address", MEMBER_SHARE, 0},
                                      {"failed_share_all_addresses", MEMBER_SHARE, 0},
                                      {"failed_seconds", MEMBER_SHARE, 0},
                                      {"failed_first_ms", MEMBER_TIME_OR_NULL, 0},
                                      {"failed_last_ms", MEMBER_TIME_OR_NULL, 0},
                                      {"moved_ms", MEMBER_MOVED, 0},
                                      {"by_second", MEMBER_SECONDS, 0},
                                      {NULL, 0, 0}};
static const struct member all[] = {{"names", MEMBER_TEXTS, NAMES_MAX},
                                    {"started", MEMBER_MOMENT, 0},
                                    {"duration_ms", MEMBER_COUNT, 0},
                                    {"resolvers", MEMBER_COUNT, 0},
                                    {"ttl_s", MEMBER_COUNT, 0},
                                    {"lost", MEMBER_TEXTS, LOST_MAX},
                                    {"lost_ms", MEMBER_TIME_OR_NULL, 0},
                                    {"decision_ms", MEMBER_TIME_OR_NULL, 0},
                                    {"users", MEMBER_USERS, 0},
                                    {"questions", MEMBER_COUNT, 0},
                                    {"retries", MEMBER_COUNT, 0},
                                    {"unanswered", MEMBER_COUNT, 0},
                                    {"by_tcp", MEMBER_COUNT, 0},
                                    {"requests", MEMBER_COUNT, 0},
                                    {"requests_failed", MEMBER_COUNT, 0},
                                    {"late_ms", MEMBER_COUNT, 0},
                                    {"cut", MEMBER_FLAG, 0},
                                    {NULL, 0, 0}};

static bool is_count(const json_t *value)
{
    return json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) <= COUNT_MAX;
}

static bool is_moment(const json_t *value)
{
    int64_t ms;
    return json_is_string(value) && clock_parse_rfc3339(json_string_value(value), &ms) == 0;
}

static bool is_share(const json_t *value)
{
    return json_is_number(value) && isfinite(json_number_value(value)) && json_number_value(value) >= 0;
}

static bool is_list(const json_t *value, size_t most, bool (*is_item)(const json_t *item))
{
    bool is_good = json_is_array(value) && json_array_size(value) <= most;
    for (size_t i = 0; is_good && i < json_array_size(value); i++) {
        is_good = is_item(json_array_get(value, i));
    }
    return is_good;
}

static bool is_text(const json_t *value)
{
    return json_is_string(value);
}

/* What is expected, or NULL: it is so, or has members of its own. */
static const char *find_fault(const struct member *member, const json_t *value)
{
    switch (member->kind) {
    case MEMBER_COUNT: return is_count(value) ? NULL : "a whole number, 0 or more";
    case MEMBER_TIME_OR_NULL:
        return is_count(value) || json_is_null(value) ? NULL : "milliseconds, 0 or more, or null";
    case MEMBER_SHARE: return is_share(value) ? NULL : "a number, 0 or more";
    case MEMBER_FLAG: return json_is_boolean(value) ? NULL : "true or false";
    case MEMBER_MOMENT: return is_moment(value) ? NULL : "a time such as 2026-11-21T04:05:06Z";
    case MEMBER_TEXTS: return is_list(value, member->most, is_text) ? NULL : "a list of texts, not too long";
    case MEMBER_SHARES:
        return is_list(value, member->most, is_share) ? NULL : "numbers, 0 or more, one for each second";
    case MEMBER_MOVED:
    case MEMBER_SECONDS:
    case MEMBER_USERS: break;
    }
    return json_is_object(value) ? NULL : "an object";
}

static const struct member *find_inner(const struct member *member)
{
    return member->kind == MEMBER_MOVED     ? moved
           : member->kind == MEMBER_SECONDS ? seconds
           : member->kind == MEMBER_USERS   ? users
                                            : NULL;
}

static void check_members(json_t *object, const char *place, const struct member *members,
                          struct problem *problem)
{
    const char *known[sizeof all / sizeof *all];
    size_t count = 0;
    for (const struct member *member = members; member->key != NULL; member++) {
        const json_t *value = json_object_get(object, member->key);
        const char *fault = value == NULL ? "it" : find_fault(member, value);
        char key[KEY_SIZE];
        snprintf(key, sizeof key, "%s%s%s", place, place[0] == '\0' ? "" : ".", member->key);
        known[count++] = member->key;
        if (value == NULL) {
            problem_add_field(problem, key, "required, as steerctl observe --json has it");
        } else if (fault != NULL) {
            problem_add_field(problem, key, "found %s, expected %s", found_text(value), fault);
        }
    }
    known[count] = NULL;
    request_reject_unknown(object, known, problem);
    for (const struct member *member = members; member->key != NULL; member++) {
        json_t *value = json_object_get(object, member->key);
        if (find_inner(member) != NULL && json_is_object(value)) {
            char key[KEY_SIZE];
            snprintf(key, sizeof key, "%s%s%s", place, place[0] == '\0' ? "" : ".", member->key);
            check_members(value, key, find_inner(member), problem);
        }
    }
}

int request_parse_observed(const char *text, size_t len, const char **json, struct problem *problem)
{
    json_t *body = request_parse_object(text, len, problem);
    *json = NULL;
    if (body == NULL) {
        return ERROR_INVALID;
    }
    check_members(body, "", all, problem);
    json_object_del(body, "$comment");
    char *compact = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (!problem_is_set(problem) && strlen(compact) > OBSERVED_MAX) {
        problem_add_field(problem, "users", "found %zu octets in all, expected %d at most", strlen(compact),
                          OBSERVED_MAX);
    } else if (!problem_is_set(problem)) {
        *json = arena_copy_text(problem->arena, compact);
    }
    free(compact);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}
