/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Strict reading of bodies: every field is known, of the right type and within its limits, or there is an
 * error with its name. Called for each request that has a body, and by the fuzzer. */
#include "config.h"

#include "admin/request.h"

#include "admin/request_inside.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/utf8.h"
#include "base/when.h"
#include "past/found.h"
#include "past/points.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS      INT64_C(86400000)
#define TRAFFIC_MAX 1e15
#define TTL_MIN_MS  1000
#define LOAD_MAX    1e15 /* as of watermarks */

json_t *request_parse_object(const char *text, size_t len, struct problem *problem)
{
    json_error_t error;
    json_t *body = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (body == NULL) {
        problem_set(problem, PROBLEM_BAD_JSON, "line %d, column %d: %s", error.line, error.column,
                    error.text);
        return NULL;
    }
    if (!json_is_object(body)) {
        problem_set(problem, PROBLEM_INVALID_FIELDS, "found %s, expected an object", found_text(body));
        json_decref(body);
        return NULL;
    }
    return body;
}

void request_reject_unknown(json_t *body, const char *const *known, struct problem *problem)
{
    const char *key;
    json_t *value;
    json_object_foreach(body, key, value)
    {
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], key) != 0) {
            i++;
        }
        if (known[i] == NULL && strcmp(key, "$comment") != 0) {
            problem_add_field(problem, key, "unknown field");
        }
    }
}

const char *request_get_text(const json_t *body, const char *key, struct problem *problem)
{
    const json_t *value = json_object_get(body, key);
    if (value == NULL) {
        return NULL;
    }
    if (!json_is_string(value)) {
        problem_add_field(problem, key, "found %s, expected a string", found_text(value));
    }
    return json_string_value(value);
}

/* What goes into logs and tables is text: no control characters, nothing that reorders the characters around
 * it, and nothing that is not UTF-8 (bodies have none, but a parameter may). Returns whether it is. */
static bool check_text(const char *key, const char *text, struct problem *problem)
{
    uint32_t code;
    size_t len = strlen(text), at = 0;
    for (size_t size; at < len; at += size) {
        size = utf8_read(text + at, len - at, &code);
        if (size == 0) {
            problem_add_field(problem, key,
                              "found an octet that is no UTF-8 at offset %zu, expected plain text", at);
            return false;
        }
        if (utf8_is_deceptive(code)) {
            problem_add_field(problem, key,
                              "found a control character (U+%04X) at offset %zu, expected plain text",
                              (unsigned)code, at);
            return false;
        }
    }
    return true;
}

static void copy_text(const char *key, const char *text, char *to, size_t size, struct problem *problem)
{
    size_t len = strlen(text);
    if (!check_text(key, text, problem)) {
        return;
    }
    if (strspn(text, " ") == len) {
        problem_add_field(problem, key, "found an empty text, expected 1 to %zu octets", size - 1);
    } else if (len >= size) {
        problem_add_field(problem, key, "found %zu octets, expected at most %zu", len, size - 1);
    } else {
        memcpy(to, text, len + 1);
    }
}

void request_check_actor(const char *text, char actor[HEALTH_ACTOR_SIZE], struct problem *problem)
{
    copy_text("actor", text, actor, HEALTH_ACTOR_SIZE, problem);
}

/* ---- override ---- */

static void check_state(const json_t *body, struct health_override *override, struct problem *problem)
{
    const char *text = request_get_text(body, "state", problem);
    if (json_object_get(body, "state") == NULL) {
        problem_add_field(problem, "state", "required: drain, up, down or auto");
    } else if (text != NULL && health_parse_desired(text, &override->desired) != 0) {
        problem_add_field(problem, "state", "found \"%s\", expected drain, up, down or auto", text);
    }
}

static void check_reason(const json_t *body, struct health_override *override, struct problem *problem)
{
    const char *text = request_get_text(body, "reason", problem);
    if (text != NULL) {
        copy_text("reason", text, override->reason, sizeof override->reason, problem);
    } else if (json_object_get(body, "reason") == NULL && override->desired != HEALTH_DESIRED_AUTO) {
        problem_add_field(problem, "reason", "required for everything but auto");
    }
}

/* A point in time, as a duration from `from_ms` on or as a time after it; 0: not given, or wrong. */
static int64_t check_time(const json_t *body, const char *const keys[2], int64_t from_ms,
                          const char *expected, bool *by_duration, struct problem *problem)
{
    const char *in = request_get_text(body, keys[0], problem), *at = request_get_text(body, keys[1], problem);
    int64_t ms = 0;
    if (in != NULL && at != NULL) {
        problem_add_field(problem, keys[1], "given together with %s, expected one of them", keys[0]);
    } else if (in != NULL && when_parse_duration(in, &ms) != 0) {
        problem_add_field(problem, keys[0], "found \"%s\", expected a duration such as 90s, 30m or 1h30m",
                          in);
    } else if (in != NULL) {
        *by_duration = true;
        return from_ms + ms;
    } else if (at != NULL && clock_parse_rfc3339(at, &ms) != 0) {
        problem_add_field(problem, keys[1], "found \"%s\", expected a time such as 2026-11-21T04:05:06Z", at);
    } else if (at != NULL && ms <= from_ms) {
        problem_add_field(problem, keys[1], "found %s, expected a time %s", at, expected);
    } else if (at != NULL) {
        return ms;
    }
    return 0;
}

/* When it begins and ends. A duration until the end counts from the start: --in 10m --for 30m is half an
 * hour. */
static void check_times(const json_t *body, struct health_override *override, struct problem *problem)
{
    static const char *const starts[] = {"starts_in", "starts"}, *const expires[] = {"expires_in", "expires"};
    static const char *const all[] = {"starts_in", "starts", "expires_in", "expires"};
    bool is_auto = override->desired == HEALTH_DESIRED_AUTO && json_object_get(body, "state") != NULL;
    for (size_t i = 0; is_auto && i < sizeof all / sizeof *all; i++) {
        if (json_object_get(body, all[i]) != NULL) {
            problem_add_field(problem, all[i], "has no meaning with auto, which is at once and has no end");
        }
    }
    if (is_auto) {
        return;
    }
    override->starts_ms =
        check_time(body, starts, override->set_ms, "in the future", &override->starts_by_duration, problem);
    bool is_planned = override->starts_ms != 0;
    int64_t from_ms = is_planned ? override->starts_ms : override->set_ms;
    override->expires_ms =
        check_time(body, expires, from_ms, is_planned ? "after the start" : "in the future",
                   &override->expires_by_duration, problem);
}

void request_check_body_actor(const json_t *body, char actor[HEALTH_ACTOR_SIZE], struct problem *problem)
{
    const char *text = request_get_text(body, "actor", problem);
    if (text != NULL) {
        request_check_actor(text, actor, problem);
    }
}

void request_check_body_cause(const json_t *body, char reason[HEALTH_REASON_SIZE],
                              char actor[HEALTH_ACTOR_SIZE], struct problem *problem)
{
    const char *text = request_get_text(body, "reason", problem);
    if (text != NULL) {
        request_check_reason(text, reason, problem);
    }
    request_check_body_actor(body, actor, problem);
}

bool request_get_flag(const json_t *body, const char *key, struct problem *problem)
{
    const json_t *value = json_object_get(body, key);
    if (value != NULL && !json_is_boolean(value)) {
        problem_add_field(problem, key, "found %s, expected true or false", found_text(value));
    }
    return json_is_true(value);
}

/* Of a drain, how much: what is not all of it. */
static void check_share(const json_t *body, struct health_override *override, struct problem *problem)
{
    const json_t *value = json_object_get(body, "share");
    json_int_t share = json_integer_value(value);
    if (value == NULL) {
        return;
    }
    if (override->desired != HEALTH_DESIRED_DRAIN) {
        problem_add_field(problem, "share", "only a drain has one");
    } else if (!json_is_integer(value)) {
        problem_add_field(problem, "share", "found %s, expected percent from 1 to 100", found_text(value));
    } else if (share < 1 || share > HEALTH_RAMP_WHOLE) {
        problem_add_field(problem, "share", "found %lld, expected percent from 1 to 100", (long long)share);
    } else {
        override->share = (uint8_t)(share % HEALTH_RAMP_WHOLE); /* all of it is a drain like any other */
    }
}

/* Seconds, as policies and answers have them. */
static void check_ttl(const json_t *body, struct health_override *override, struct problem *problem)
{
    const json_t *value = json_object_get(body, "ttl");
    json_int_t ttl_s = json_integer_value(value);
    if (value == NULL) {
        return;
    }
    if (!json_is_integer(value)) {
        problem_add_field(problem, "ttl", "found %s, expected whole seconds, such as 30", found_text(value));
    } else if (ttl_s < 0 || ttl_s > HEALTH_TTL_MAX_S) {
        problem_add_field(problem, "ttl", "found %lld, expected seconds from 0 to %d", (long long)ttl_s,
                          HEALTH_TTL_MAX_S);
    } else {
        override->has_ttl = true;
        override->ttl_s = (uint32_t)ttl_s;
    }
}

int request_parse_override(const char *text, size_t len, int64_t wall_ms, struct request_override *wanted,
                           struct problem *problem)
{
    static const char *const known[] = {
        "state",          "reason",         "actor", "expires", "expires_in", "starts_in", "starts",
        "allow_unserved", "override_rules", "share", "names",   "emergency",  "ttl",       NULL};
    struct health_override *override = &wanted->what;
    *wanted = (struct request_override){.what = {.set_ms = wall_ms}};
    json_t *body = request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    request_reject_unknown(body, known, problem);
    check_state(body, override, problem);
    check_share(body, override, problem);
    check_ttl(body, override, problem);
    request_check_names(body, override->names, problem);
    if (override->names[0] != '\0' && override->desired != HEALTH_DESIRED_DRAIN) {
        problem_add_field(problem, "names", "only a drain is about some names");
    }
    check_reason(body, override, problem);
    check_times(body, override, problem);
    request_check_body_actor(body, override->actor, problem);
    wanted->allows_unserved = request_get_flag(body, "allow_unserved", problem);
    wanted->is_emergency = request_get_flag(body, "emergency", problem);
    request_check_rules(body, &wanted->rules, problem);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

/* ---- load ---- */

static void check_value(const json_t *body, struct request_load *load, struct problem *problem)
{
    const json_t *value = json_object_get(body, "value");
    if (value == NULL) {
        problem_add_field(problem, "value", "required: a number, 0 or more");
        return;
    }
    load->value = json_number_value(value);
    if (!json_is_number(value)) {
        problem_add_field(problem, "value", "found %s, expected a number", found_text(value));
    } else if (load->value < 0 || load->value > LOAD_MAX) {
        problem_add_field(problem, "value", "found %g, expected a number from 0 to %g", load->value,
                          LOAD_MAX);
    }
}

void request_check_ttl(const json_t *body, int64_t *ttl_ms, struct problem *problem)
{
    const char *ttl = request_get_text(body, "ttl", problem);
    if (ttl == NULL) {
        return;
    }
    int error = when_parse_duration(ttl, ttl_ms);
    if (error != 0 || *ttl_ms < TTL_MIN_MS || *ttl_ms > DAY_MS) {
        problem_add_field(problem, "ttl", "found \"%s\", expected a duration from 1s to 24h", ttl);
    }
}

int request_parse_load(const char *text, size_t len, struct request_load *load, struct problem *problem)
{
    static const char *const known[] = {"value", "ttl", "actor", NULL};
    *load = (struct request_load){.ttl_ms = 0};
    json_t *body = request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    request_reject_unknown(body, known, problem);
    check_value(body, load, problem);
    request_check_ttl(body, &load->ttl_ms, problem);
    request_check_body_actor(body, load->actor, problem);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

/* ---- what-if ---- */

/* The strings of an array. Returns how many. */
size_t request_take_texts(const json_t *array, const char *key, const char ***texts, struct problem *problem)
{
    size_t count = 0, size = json_array_size(array);
    *texts = arena_alloc(problem->arena, size * sizeof **texts);
    for (size_t i = 0; i < size; i++) {
        const json_t *text = json_array_get(array, i);
        if (json_is_string(text)) {
            (*texts)[count++] = arena_copy_text(problem->arena, json_string_value(text));
            continue;
        }
        char field[32];
        snprintf(field, sizeof field, "%s[%zu]", key, i);
        problem_add_field(problem, field, "found %s, expected a string", found_text(text));
    }
    return count;
}

int request_parse_what_if(const char *text, size_t len, struct request_what_if *what_if,
                          struct problem *problem)
{
    static const char *const known[] = {"assume", "traffic", NULL};
    *what_if = (struct request_what_if){.assumed_count = 0};
    json_t *body = request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    request_reject_unknown(body, known, problem);
    const json_t *assume = json_object_get(body, "assume"), *traffic = json_object_get(body, "traffic");
    if (!json_is_array(assume) || json_array_size(assume) > REQUEST_LOSSES_MAX) {
        problem_add_field(problem, "assume",
                          "expected an array of at most %d assumptions such as \"region:us-east=down\"",
                          REQUEST_LOSSES_MAX);
    } else {
        what_if->assumed_count = request_take_texts(assume, "assume", &what_if->assumed, problem);
    }
    what_if->traffic = json_number_value(traffic);
    if (traffic != NULL && !(what_if->traffic > 0 && what_if->traffic <= TRAFFIC_MAX)) {
        problem_add_field(problem, "traffic", "expected a number above 0, in requests per second");
    }
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

int request_parse_takeover(const char *text, size_t len, bool *is_invited, struct problem *problem)
{
    static const char *const known[] = {"to", NULL};
    *is_invited = false;
    if (len == 0) {
        return 0;
    }
    json_t *body = request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    request_reject_unknown(body, known, problem);
    const char *to = request_get_text(body, "to", problem);
    *is_invited = to != NULL && strcmp(to, "heir") == 0;
    if (to != NULL && !*is_invited && strcmp(to, "program") != 0) {
        problem_add_field(problem, "to", "found \"%s\", expected \"program\" or \"heir\"", to);
    }
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

/* ---- recovery points ---- */

void request_check_reason(const char *text, char reason[HEALTH_REASON_SIZE], struct problem *problem)
{
    copy_text("reason", text, reason, HEALTH_REASON_SIZE, problem);
}

static void check_name(const json_t *body, struct request_point *point, struct problem *problem)
{
    const char *name = request_get_text(body, "name", problem);
    if (json_object_get(body, "name") == NULL) {
        problem_add_field(problem, "name", "required: a name for the point");
    } else if (name != NULL && strlen(name) != json_string_length(json_object_get(body, "name"))) {
        problem_add_field(problem, "name", "found a NUL in it");
    } else if (name != NULL && points_judge_name(name) != NULL) {
        problem_add_field(problem, "name", "found \"%s\", %s", name, points_judge_name(name));
    }
    point->name = arena_copy_text(problem->arena, name);
}

static void check_to(const json_t *body, struct request_point *point, struct problem *problem)
{
    const char *to = request_get_text(body, "to", problem);
    if (json_object_get(body, "to") == NULL) {
        problem_add_field(problem, "to",
                          "required: the ID of a recovery point, a time, or how long ago it was");
    } else if (to != NULL && check_text("to", to, problem) && to[0] == '\0') {
        problem_add_field(problem, "to", "found an empty text");
    }
    point->to = arena_copy_text(problem->arena, to);
}

int request_parse_point(const char *text, size_t len, enum request_point_kind kind,
                        struct request_point *point, struct problem *problem)
{
    static const char *const save[] = {"name", "reason", "actor", NULL},
                             *const use[] = {"reason", "actor", NULL}, *const restore[] = {"to",
                                                                                           "reason",
                                                                                           "actor",
                                                                                           "allow_unserved",
                                                                                           "override_rules",
                                                                                           "without_point",
                                                                                           NULL};
    static const char *const *const known[] = {
        [REQUEST_SAVE] = save, [REQUEST_USE] = use, [REQUEST_RESTORE] = restore};
    *point = (struct request_point){.name = NULL};
    json_t *body = len == 0 ? json_object() : request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    request_reject_unknown(body, known[kind], problem);
    request_check_body_cause(body, point->reason, point->actor, problem);
    if (kind == REQUEST_SAVE) {
        check_name(body, point, problem);
    } else if (kind == REQUEST_RESTORE) {
        check_to(body, point, problem);
        point->allows_unserved = request_get_flag(body, "allow_unserved", problem);
        point->without_point = request_get_flag(body, "without_point", problem);
        request_check_rules(body, &point->rules, problem);
    }
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

/* The target of a body: kind and name. */
static void check_target(const json_t *body, enum health_kind *kind, const char **name,
                         struct problem *problem)
{
    const char *kind_text = request_get_text(body, "kind", problem),
               *name_text = request_get_text(body, "name", problem);
    if (json_object_get(body, "kind") == NULL) {
        problem_add_field(problem, "kind", "required: \"region\", \"az\" or \"endpoint\"");
    } else if (kind_text != NULL && health_parse_kind(kind_text, kind) != 0) {
        problem_add_field(problem, "kind", "found \"%.100s\", expected \"region\", \"az\" or \"endpoint\"",
                          kind_text);
    }
    if (json_object_get(body, "name") == NULL) {
        problem_add_field(problem, "name", "required: the name of a region, az or endpoint");
    } else if (name_text != NULL && check_text("name", name_text, problem)) {
        *name = arena_copy_text(problem->arena, name_text);
    }
}

static void take_reason(const json_t *body, char *to, struct problem *problem)
{
    const char *reason = request_get_text(body, "reason", problem);
    if (json_object_get(body, "reason") == NULL) {
        problem_add_field(problem, "reason", "required");
    } else if (reason != NULL) {
        request_check_reason(reason, to, problem);
    }
}

int request_parse_failback(const char *text, size_t len, enum health_kind *kind, const char **name,
                           struct request_override *wanted, struct problem *problem)
{
    static const char *const known[] = {"kind", "name", "reason", "actor", NULL};
    json_t *body = request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    wanted->fails_back = true;
    request_reject_unknown(body, known, problem);
    check_target(body, kind, name, problem);
    take_reason(body, wanted->what.reason, problem);
    request_check_body_actor(body, wanted->what.actor, problem);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

int request_parse_release(const char *text, size_t len, const char **region, struct request_override *wanted,
                          struct problem *problem)
{
    static const char *const known[] = {"region", "reason", "actor", NULL};
    json_t *body = request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    request_reject_unknown(body, known, problem);
    const char *name = request_get_text(body, "region", problem);
    if (json_object_get(body, "region") == NULL) {
        problem_add_field(problem, "region", "required: the name of a region");
    } else if (name != NULL && check_text("region", name, problem)) {
        *region = arena_copy_text(problem->arena, name);
    }
    take_reason(body, wanted->what.reason, problem);
    request_check_body_actor(body, wanted->what.actor, problem);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

int request_parse_empty(const char *text, size_t len, struct problem *problem)
{
    static const char *const known[] = {NULL};
    if (len == 0) {
        return 0;
    }
    json_t *body = request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    request_reject_unknown(body, known, problem);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

int request_parse_vantage(const char *text, size_t len, bool has_name, struct request_point *wanted,
                          struct problem *problem)
{
    static const char *const known[] = {"reason", "actor", "name", "weight", NULL}, *const rest[] = {"reason",
                                                                                                     "actor",
                                                                                                     NULL};
    enum { WEIGHT_MAX = 100 };
    *wanted = (struct request_point){.weight = 1};
    json_t *body = len == 0 ? json_object() : request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    request_reject_unknown(body, has_name ? known : rest, problem);
    const char *reason = request_get_text(body, "reason", problem),
               *name = request_get_text(body, "name", problem);
    const json_t *weight = json_object_get(body, "weight");
    json_int_t number = weight == NULL ? 1 : json_integer_value(weight);
    if (reason != NULL) {
        request_check_reason(reason, wanted->reason, problem);
    }
    request_check_body_actor(body, wanted->actor, problem);
    if (has_name && json_object_get(body, "name") == NULL) {
        problem_add_field(problem, "name", "required: a name for the vantage");
    }
    if (number < 1 || number > WEIGHT_MAX) {
        problem_add_field(problem, "weight", "found %s, expected a number from 1 to %d", found_text(weight),
                          WEIGHT_MAX);
    }
    wanted->weight = (unsigned)number;
    wanted->name = arena_copy_text(problem->arena, name);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}
