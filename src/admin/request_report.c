/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bodies of POST /v1/report: what somebody has found out for a check, or how far a copy lags behind. */
#include "config.h"

#include "admin/request_inside.h"
#include "base/clock.h"
#include "base/error.h"
#include "past/found.h"

#include <string.h>

#define LAG_MAX 1e15

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

int request_parse_report(const char *text, size_t len, struct request_report *report, struct problem *problem)
{
    *report = (struct request_report){.endpoint = NULL};
    json_t *body = request_parse_object(text, len, problem);
    if (body == NULL) {
        return ERROR_INVALID;
    }
    report->is_lag = json_object_get(body, "from") != NULL || json_object_get(body, "lag") != NULL;
    if (report->is_lag) {
        parse_lag(body, report, problem);
    } else {
        parse_check(body, report, problem);
    }
    json_decref(body);
    return problem_is_set(problem) ? ERROR_INVALID : 0;
}
