/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bodies of POST /v1/report: what somebody has found out for a check, how far a copy lags behind, or how many
 * requests fail. */
#include "config.h"

#include "admin/request_inside.h"
#include "base/clock.h"
#include "base/error.h"
#include "past/found.h"

#include <string.h>

#define LAG_MAX   1e15
#define COUNT_MAX 1e15

static const char *require_name(const json_t *body, const char *key, struct problem *problem)
{
    const char *name = request_get_text(body, key, problem);
    if (json_object_get(body, key) == NULL) {
        problem_add_field(problem, key, "required: a name");
    }
    return name == NULL ? NULL : arena_copy_text(problem->arena, name);
}

static void check_up(const json_t *body, struct health_push *push, struct problem *problem)
{
    const char *state = request_get_text(body, "state", problem);
    push->up = state != NULL && strcmp(state, "up") == 0;
    if (json_object_get(body, "state") == NULL) {
        problem_add_field(problem, "state", "required: \"up\" or \"down\"");
    } else if (state != NULL && !push->up && strcmp(state, "down") != 0) {
        problem_add_field(problem, "state", "found \"%s\", expected \"up\" or \"down\"", state);
    }
}

static void check_order(const json_t *body, int64_t *time_ms, uint64_t *number, struct problem *problem)
{
    const char *time = request_get_text(body, "time", problem);
    const json_t *seq = json_object_get(body, "seq");
    if (time != NULL && (clock_parse_rfc3339(time, time_ms) != 0 || *time_ms <= 0)) {
        problem_add_field(problem, "time", "found \"%s\", expected a time such as 2026-11-21T04:05:06Z",
                          time);
    }
    if (seq != NULL && (!json_is_integer(seq) || json_integer_value(seq) < 1)) {
        problem_add_field(problem, "seq", "expected a whole number from 1");
    } else if (seq != NULL) {
        *number = (uint64_t)json_integer_value(seq);
    }
}

static void parse_check(json_t *body, struct request_report *report, struct problem *problem)
{
    static const char *const known[] = {"endpoint", "check", "state", "ttl", "time", "seq", "actor", NULL};
    request_reject_unknown(body, known, problem);
    report->endpoint = require_name(body, "endpoint", problem);
    report->check = require_name(body, "check", problem);
    check_up(body, &report->push, problem);
    request_check_ttl(body, &report->push.ttl_ms, problem);
    check_order(body, &report->push.time_ms, &report->push.seq, problem);
    request_check_body_actor(body, report->actor, problem);
}

static void check_lag(const json_t *body, struct request_lag *lag, struct problem *problem)
{
    const json_t *value = json_object_get(body, "lag");
    const char *unit = request_get_text(body, "unit", problem);
    lag->unit = HEALTH_LAG_SECONDS;
    while (unit != NULL && lag->unit <= HEALTH_LAG_BYTES &&
           strcmp(unit, health_lag_unit_text(lag->unit)) != 0) {
        lag->unit++;
    }
    if (lag->unit > HEALTH_LAG_BYTES) {
        problem_add_field(problem, "unit", "found \"%s\", expected \"s\", \"ms\" or \"bytes\"", unit);
    }
    if (value == NULL) {
        problem_add_field(problem, "lag", "required: a number, 0 or more");
    } else if (!json_is_number(value)) {
        problem_add_field(problem, "lag", "found %s, expected a number", found_text(value));
    } else if (!(json_number_value(value) >= 0 && json_number_value(value) <= LAG_MAX)) {
        problem_add_field(problem, "lag", "found %g, expected a number from 0 to %g",
                          json_number_value(value), LAG_MAX);
    } else {
        lag->value = json_number_value(value);
    }
}

static void check_stage(const json_t *body, struct request_lag *lag, struct problem *problem)
{
    const char *stage = request_get_text(body, "stage", problem);
    int i = HEALTH_STAGE_START;
    while (stage != NULL && i < HEALTH_STAGES &&
           strcmp(stage, health_stage_text((enum health_stage)i)) != 0) {
        i++;
    }
    if (stage != NULL && i == HEALTH_STAGES) {
        problem_add_field(problem, "stage", "found \"%s\", expected \"start\", \"full\" or \"real_time\"",
                          stage);
    } else if (stage != NULL) {
        lag->stage = (enum health_stage)i;
    }
}

static void parse_lag(json_t *body, struct request_report *report, struct problem *problem)
{
    static const char *const known[] = {"from", "to",   "lag", "unit",  "stage",
                                        "ttl",  "time", "seq", "actor", NULL};
    struct request_lag *lag = &report->lag;
    request_reject_unknown(body, known, problem);
    lag->from = require_name(body, "from", problem);
    lag->to = require_name(body, "to", problem);
    check_lag(body, lag, problem);
    check_stage(body, lag, problem);
    request_check_ttl(body, &lag->ttl_ms, problem);
    check_order(body, &lag->time_ms, &lag->seq, problem);
    request_check_body_actor(body, report->actor, problem);
}

/* ---- errors ---- */

/* Of exactly one place. */
static void check_place(const json_t *body, struct errors_report *errors, struct problem *problem)
{
    static const char *const keys[] = {"region", "az", "endpoint"};
    static const enum health_kind kinds[] = {HEALTH_REGION, HEALTH_AZ, HEALTH_ENDPOINT};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *name = request_get_text(body, keys[i], problem);
        if (name != NULL && errors->name != NULL) {
            problem_add_field(problem, keys[i], "found two places, expected one of region, az and endpoint");
        } else if (name != NULL) {
            errors->kind = kinds[i];
            errors->name = arena_copy_text(problem->arena, name);
        }
    }
    if (errors->name == NULL && !problem_is_set(problem)) {
        problem_add_field(problem, "region", "required: a region, an az or an endpoint");
    }
}

static double get_number(const json_t *body, const char *key, double most, struct problem *problem)
{
    const json_t *value = json_object_get(body, key);
    double number = json_number_value(value);
    if (value != NULL && !json_is_number(value)) {
        problem_add_field(problem, key, "found %s, expected a number", found_text(value));
    } else if (value != NULL && !(number >= 0 && number <= most)) {
        problem_add_field(problem, key, "found %g, expected a number from 0 to %g", number, most);
    }
    return number;
}

static void check_counts(const json_t *body, struct errors_report *errors, struct problem *problem)
{
    bool has_share = json_object_get(body, "share") != NULL,
         has_errors = json_object_get(body, "errors") != NULL,
         has_requests = json_object_get(body, "requests") != NULL;
    errors->share = get_number(body, "share", 1, problem);
    errors->errors = get_number(body, "errors", COUNT_MAX, problem);
    errors->requests = get_number(body, "requests", COUNT_MAX, problem);
    errors->is_counted = !has_share;
    if (has_share && (has_errors || has_requests)) {
        problem_add_field(problem, "share", "found it beside counts, expected either of them");
    } else if (!has_share && (!has_errors || !has_requests)) {
        problem_add_field(problem, has_errors ? "requests" : "errors",
                          "required: \"errors\" and \"requests\", or else \"share\"");
    } else if (errors->errors > errors->requests && !problem_is_set(problem)) {
        problem_add_field(problem, "errors", "found %g, expected no more than the %g requests",
                          errors->errors, errors->requests);
    }
}

static void parse_errors(json_t *body, struct request_report *report, struct problem *problem)
{
    static const char *const known[] = {"region", "az",   "endpoint", "errors", "requests", "share",
                                        "ttl",    "time", "seq",      "actor",  NULL};
    struct errors_report *errors = &report->errors;
    request_reject_unknown(body, known, problem);
    check_place(body, errors, problem);
    check_counts(body, errors, problem);
    request_check_ttl(body, &errors->ttl_ms, problem);
    check_order(body, &errors->time_ms, &errors->seq, problem);
    request_check_body_actor(body, report->actor, problem);
}

static bool has_any(const json_t *body, const char *const *keys)
{
    while (*keys != NULL && json_object_get(body, *keys) == NULL) {
        keys++;
    }
    return *keys != NULL;
}

int request_parse_report(const char *text, size_t len, struct request_report *report, struct problem *problem)
{
    *report = (struct request_report){.endpoint = NULL};
    json_t *body = request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    report->is_lag = has_any(body, (const char *const[]){"from", "lag", NULL});
    report->is_errors = !report->is_lag && has_any(body, (const char *const[]){"region", "az", "errors",
                                                                               "requests", "share", NULL});
    if (report->is_lag) {
        parse_lag(body, report, problem);
    } else if (report->is_errors) {
        parse_errors(body, report, problem);
    } else {
        parse_check(body, report, problem);
    }
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}
