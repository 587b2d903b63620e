/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Strict reading of bodies: every field is known, of the right type and within its limits, or there is an
 * error with its name. Called for each request that has a body, and by the fuzzer. */
#include "config.h"

#include "admin/request.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/utf8.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define DAY_MS          INT64_C(86400000)
#define DURATION_MAX_MS (3650 * DAY_MS)
#define TRAFFIC_MAX     1e15
#define TTL_MIN_MS      1000
#define LOAD_MAX        1e15 /* as of watermarks */

static const char *type_text(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "a boolean";
    default: return "null";
    }
}

/* The body as an object (returns owned), or NULL with the problem set. */
static json_t *parse_object(const char *text, size_t len, struct problem *problem)
{
    json_error_t error;
    json_t *body = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (body == NULL) {
        problem_set(problem, PROBLEM_BAD_JSON, "line %d, column %d: %s", error.line, error.column,
                    error.text);
        return NULL;
    }
    if (!json_is_object(body)) {
        problem_set(problem, PROBLEM_INVALID_FIELDS, "found %s, expected an object", type_text(body));
        json_decref(body);
        return NULL;
    }
    return body;
}

static void reject_unknown(json_t *body, const char *const *known, struct problem *problem)
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

/* The text of a field, or NULL if it is not there or not a string (which is an error). */
static const char *get_text(const json_t *body, const char *key, struct problem *problem)
{
    const json_t *value = json_object_get(body, key);
    if (value == NULL) {
        return NULL;
    }
    if (!json_is_string(value)) {
        problem_add_field(problem, key, "found %s, expected a string", type_text(value));
    }
    return json_string_value(value);
}

/* What goes into logs and tables is text: no control characters, of which C1 has some, and nothing that is no
 * UTF-8 (bodies have none, but a parameter may). Returns whether it is. */
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
        if (utf8_is_control(code) || code == 0x2028 || code == 0x2029) {
            problem_add_field(problem, key, "found a control character at offset %zu, expected plain text",
                              at);
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

/* ---- durations ---- */

/* One number with its unit; moves *at behind it. Returns -1 if there is none. */
static int64_t take_duration(const char **at)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", DAY_MS}};
    size_t digits = strspn(*at, "0123456789");
    int64_t value = 0;
    if (digits == 0 || digits > 12) {
        return -1;
    }
    for (size_t i = 0; i < digits; i++) {
        value = value * 10 + ((*at)[i] - '0');
    }
    const char *unit = *at + digits;
    size_t len = strcspn(unit, "0123456789");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strlen(units[i].unit) == len && strncmp(unit, units[i].unit, len) == 0) {
            *at = unit + len;
            return value > DURATION_MAX_MS / units[i].ms ? -1 : value * units[i].ms;
        }
    }
    return -1;
}

int request_parse_duration(const char *text, int64_t *ms)
{
    *ms = 0;
    for (const char *at = text; *at != '\0';) {
        int64_t part = take_duration(&at);
        if (part < 0 || *ms + part > DURATION_MAX_MS) {
            return ERROR_SYNTAX;
        }
        *ms += part;
    }
    return *ms > 0 ? 0 : ERROR_SYNTAX;
}

/* ---- override ---- */

static void check_state(const json_t *body, struct health_override *override, struct problem *problem)
{
    const char *text = get_text(body, "state", problem);
    if (json_object_get(body, "state") == NULL) {
        problem_add_field(problem, "state", "required: drain, up, down or auto");
    } else if (text != NULL && health_parse_desired(text, &override->desired) != 0) {
        problem_add_field(problem, "state", "found \"%s\", expected drain, up, down or auto", text);
    }
}

static void check_reason(const json_t *body, struct health_override *override, struct problem *problem)
{
    const char *text = get_text(body, "reason", problem);
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
    const char *in = get_text(body, keys[0], problem), *at = get_text(body, keys[1], problem);
    int64_t ms = 0;
    if (in != NULL && at != NULL) {
        problem_add_field(problem, keys[1], "given together with %s, expected one of them", keys[0]);
    } else if (in != NULL && request_parse_duration(in, &ms) != 0) {
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

static void check_body_actor(const json_t *body, char actor[HEALTH_ACTOR_SIZE], struct problem *problem)
{
    const char *text = get_text(body, "actor", problem);
    if (text != NULL) {
        request_check_actor(text, actor, problem);
    }
}

static bool get_flag(const json_t *body, const char *key, struct problem *problem)
{
    const json_t *value = json_object_get(body, key);
    if (value != NULL && !json_is_boolean(value)) {
        problem_add_field(problem, key, "found %s, expected true or false", type_text(value));
    }
    return json_is_true(value);
}

int request_parse_override(const char *text, size_t len, int64_t wall_ms, struct request_override *wanted,
                           struct problem *problem)
{
    static const char *const known[] = {"state",     "reason", "actor",          "expires", "expires_in",
                                        "starts_in", "starts", "allow_unserved", NULL};
    struct health_override *override = &wanted->what;
    *wanted = (struct request_override){.what = {.set_ms = wall_ms}};
    json_t *body = parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    reject_unknown(body, known, problem);
    check_state(body, override, problem);
    check_reason(body, override, problem);
    check_times(body, override, problem);
    check_body_actor(body, override->actor, problem);
    wanted->allows_unserved = get_flag(body, "allow_unserved", problem);
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
        problem_add_field(problem, "value", "found %s, expected a number", type_text(value));
    } else if (load->value < 0 || load->value > LOAD_MAX) {
        problem_add_field(problem, "value", "found %g, expected a number from 0 to %g", load->value,
                          LOAD_MAX);
    }
}

static void check_ttl(const json_t *body, struct request_load *load, struct problem *problem)
{
    const char *ttl = get_text(body, "ttl", problem);
    if (ttl == NULL) {
        return;
    }
    int error = request_parse_duration(ttl, &load->ttl_ms);
    if (error != 0 || load->ttl_ms < TTL_MIN_MS || load->ttl_ms > DAY_MS) {
        problem_add_field(problem, "ttl", "found \"%s\", expected a duration from 1s to 24h", ttl);
    }
}

int request_parse_load(const char *text, size_t len, struct request_load *load, struct problem *problem)
{
    static const char *const known[] = {"value", "ttl", "actor", NULL};
    *load = (struct request_load){.ttl_ms = 0};
    json_t *body = parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    reject_unknown(body, known, problem);
    check_value(body, load, problem);
    check_ttl(body, load, problem);
    check_body_actor(body, load->actor, problem);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

/* ---- drill ---- */

/* Is the field absent or one of the words? Gives the index, 0 if absent or wrong. */
static size_t check_word(const json_t *body, const char *key, const char *const *words,
                         struct problem *problem)
{
    const char *text = get_text(body, key, problem);
    char expected[128] = "";
    if (text == NULL) {
        return 0;
    }
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0) {
            return i;
        }
        size_t used = strlen(expected);
        snprintf(expected + used, sizeof expected - used, "%s%s", i == 0 ? "" : " or ", words[i]);
    }
    problem_add_field(problem, key, "found \"%s\", expected %s", text, expected);
    return 0;
}

/* The strings of an array. Returns how many. */
static size_t take_texts(const json_t *array, const char *key, const char ***texts, struct problem *problem)
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
        problem_add_field(problem, field, "found %s, expected a string", type_text(text));
    }
    return count;
}

static void check_losses(const json_t *body, struct request_drill *drill, struct problem *problem)
{
    const json_t *lose = json_object_get(body, "lose");
    size_t count = json_array_size(lose);
    if (lose == NULL || !json_is_array(lose) || count == 0 || count > REQUEST_LOSSES_MAX) {
        problem_add_field(problem, "lose", "expected an array of 1 to %d targets such as \"region:us-east\"",
                          REQUEST_LOSSES_MAX);
        return;
    }
    drill->loss_count = take_texts(lose, "lose", &drill->losses, problem);
}

int request_parse_drill(const char *text, size_t len, struct request_drill *drill, struct problem *problem)
{
    static const char *const known[] = {"mode", "lose", "failure", "from", NULL};
    static const char *const modes[] = {"simulate", NULL}, *const failures[] = {"timeout", "refused", NULL},
                             *const starts[] = {"live", "healthy", NULL};
    *drill = (struct request_drill){.loss_count = 0};
    json_t *body = parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    reject_unknown(body, known, problem);
    if (json_object_get(body, "mode") == NULL) {
        problem_add_field(problem, "mode", "required: simulate");
    }
    check_word(body, "mode", modes, problem);
    drill->failure = failures[check_word(body, "failure", failures, problem)];
    drill->from_live = check_word(body, "from", starts, problem) == 0;
    check_losses(body, drill, problem);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

/* ---- what-if ---- */

int request_parse_what_if(const char *text, size_t len, struct request_what_if *what_if,
                          struct problem *problem)
{
    static const char *const known[] = {"assume", "traffic", NULL};
    *what_if = (struct request_what_if){.assumed_count = 0};
    json_t *body = parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    reject_unknown(body, known, problem);
    const json_t *assume = json_object_get(body, "assume"), *traffic = json_object_get(body, "traffic");
    if (!json_is_array(assume) || json_array_size(assume) > REQUEST_LOSSES_MAX) {
        problem_add_field(problem, "assume",
                          "expected an array of at most %d assumptions such as \"region:us-east=down\"",
                          REQUEST_LOSSES_MAX);
    } else {
        what_if->assumed_count = take_texts(assume, "assume", &what_if->assumed, problem);
    }
    what_if->traffic = json_number_value(traffic);
    if (traffic != NULL && !(what_if->traffic > 0 && what_if->traffic <= TRAFFIC_MAX)) {
        problem_add_field(problem, "traffic", "expected a number above 0, in requests per second");
    }
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}

int request_parse_empty(const char *text, size_t len, struct problem *problem)
{
    static const char *const known[] = {NULL};
    if (len == 0) {
        return 0;
    }
    json_t *body = parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    reject_unknown(body, known, problem);
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}
