/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The pure parts of admin: request targets, bodies, problems, rendering, dry runs. No sockets. */
#include "config.h"

#include "unit.h"

#include "admin/render.h"
#include "admin/request.h"
#include "admin/route.h"
#include "admin_fake.h"
#include "base/error.h"

#include <string.h>

enum { WALL_MS = 1000000 };

struct scratch {
    struct arena *arena;
    struct problem problem;
};

static int scratch_open(void **state)
{
    struct scratch *s = malloc(sizeof *s);
    s->arena = arena_new(0);
    problem_init(&s->problem, s->arena);
    *state = s;
    return 0;
}

static int scratch_close(void **state)
{
    struct scratch *s = *state;
    arena_free(s->arena);
    free(s);
    return 0;
}

static const char *field_message(const struct problem *problem, const char *field)
{
    for (size_t i = 0; i < problem->error_count; i++) {
        if (problem->errors[i].field != NULL && strcmp(problem->errors[i].field, field) == 0) {
            return problem->errors[i].message;
        }
    }
    return NULL;
}

/* ---- routes ---- */

static void routes_are_found(void **state)
{
    struct scratch *s = *state;
    static const struct {
        const char *target;
        unsigned method;
        enum route_id id;
        enum health_kind kind;
        const char *name;
    } good[] = {
        {"/v1/status", ROUTE_GET, ROUTE_STATUS, 0, NULL},
        {"/v1/status?", ROUTE_HEAD, ROUTE_STATUS, 0, NULL},
        {"/v1/regions", ROUTE_GET, ROUTE_TARGETS, HEALTH_REGION, NULL},
        {"/v1/azs/a%2Fb", ROUTE_GET, ROUTE_TARGET, HEALTH_AZ, "a/b"},
        {"/v1/endpoints/web-1/override?dry_run=true", ROUTE_PUT, ROUTE_OVERRIDE, HEALTH_ENDPOINT, "web-1"},
        {"/v1/endpoints/override/override", ROUTE_DELETE, ROUTE_OVERRIDE, HEALTH_ENDPOINT, "override"},
        {"/v1/endpoints/web-1/load?dry_run=true&actor=x", ROUTE_PUT, ROUTE_LOAD, 0, "web-1"},
        {"/v1/endpoints/load/load", ROUTE_DELETE, ROUTE_LOAD, 0, "load"},
        {"/v1/drills", ROUTE_POST, ROUTE_DRILLS, 0, NULL},
        {"/metrics", ROUTE_GET, ROUTE_METRICS, 0, NULL},
        {"/v1/openapi.yaml", ROUTE_HEAD, ROUTE_OPENAPI, 0, NULL},
        {"/v1/events?kind=health&target=az:a&after=x", ROUTE_GET, ROUTE_EVENTS, 0, NULL},
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct route route;
        const char *allow;
        problem_init(&s->problem, s->arena);
        assert_int_equal(route_parse(good[i].target, good[i].method, &route, &allow, &s->problem), 0);
        assert_int_equal(route.id, good[i].id);
        if (good[i].name != NULL) {
            assert_int_equal(route.kind, good[i].kind);
            assert_string_equal(route.name, good[i].name);
        }
        assert_int_equal(route.limit, ROUTE_LIMIT_DEFAULT);
    }
}

static void bad_routes_are_refused(void **state)
{
    struct scratch *s = *state;
    static const struct {
        const char *target;
        unsigned method;
        enum problem_kind kind;
    } bad[] = {
        {"", ROUTE_GET, PROBLEM_BAD_REQUEST},
        {"*", ROUTE_GET, PROBLEM_BAD_REQUEST},
        {"http://x/v1/status", ROUTE_GET, PROBLEM_BAD_REQUEST},
        {"/", ROUTE_GET, PROBLEM_NOT_FOUND},
        {"/v1", ROUTE_GET, PROBLEM_NOT_FOUND},
        {"/v1/status/", ROUTE_GET, PROBLEM_NOT_FOUND},
        {"//v1/status", ROUTE_GET, PROBLEM_NOT_FOUND},
        {"/v1/azs//override", ROUTE_PUT, PROBLEM_NOT_FOUND},
        {"/v1/azs/a/override/more", ROUTE_PUT, PROBLEM_NOT_FOUND},
        {"/v1/azs/a/b/c/d/e", ROUTE_GET, PROBLEM_NOT_FOUND},
        {"/v1/azs/%", ROUTE_GET, PROBLEM_BAD_REQUEST},
        {"/v1/azs/%4", ROUTE_GET, PROBLEM_BAD_REQUEST},
        {"/v1/azs/%zz", ROUTE_GET, PROBLEM_BAD_REQUEST},
        {"/v1/azs/%0a", ROUTE_GET, PROBLEM_BAD_REQUEST},
        {"/v1/status", ROUTE_POST, PROBLEM_METHOD_NOT_ALLOWED},
        {"/v1/status", 0, PROBLEM_METHOD_NOT_ALLOWED},
        {"/v1/status?limit=3", ROUTE_GET, PROBLEM_INVALID_FIELDS},
        {"/v1/regions?region=x", ROUTE_GET, PROBLEM_INVALID_FIELDS},
        {"/v1/azs?limit=1001", ROUTE_GET, PROBLEM_INVALID_FIELDS},
        {"/v1/reload?limit=101", ROUTE_POST, PROBLEM_INVALID_FIELDS},
        {"/v1/azs?limit=-1", ROUTE_GET, PROBLEM_INVALID_FIELDS},
        {"/v1/azs?limit=99999999999999999999999", ROUTE_GET, PROBLEM_INVALID_FIELDS},
        {"/v1/azs?limit", ROUTE_GET, PROBLEM_INVALID_FIELDS},
        {"/v1/azs?limit=1&limit=1", ROUTE_GET, PROBLEM_INVALID_FIELDS},
        {"/v1/azs?%", ROUTE_GET, PROBLEM_BAD_REQUEST},
        {"/v1/azs/a/override?dry_run=yes", ROUTE_PUT, PROBLEM_INVALID_FIELDS},
        {"/v1/azs/a/load", ROUTE_PUT, PROBLEM_NOT_FOUND},
        {"/v1/endpoints/a/load", ROUTE_GET, PROBLEM_METHOD_NOT_ALLOWED},
        {"/v1/explain", ROUTE_GET, PROBLEM_INVALID_FIELDS},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct route route;
        const char *allow;
        problem_init(&s->problem, s->arena);
        assert_int_equal(route_parse(bad[i].target, bad[i].method, &route, &allow, &s->problem),
                         ERROR_INVALID);
        if (s->problem.kind != bad[i].kind) {
            fail_msg("%s: found problem %s, expected %s", bad[i].target, problem_name(s->problem.kind),
                     problem_name(bad[i].kind));
        }
        assert_int_equal(allow != NULL, bad[i].kind == PROBLEM_METHOD_NOT_ALLOWED);
    }
}

/* ---- bodies ---- */

static int parse_override(struct scratch *s, const char *text, struct health_override *override)
{
    struct request_override wanted;
    problem_init(&s->problem, s->arena);
    int error = request_parse_override(text, strlen(text), WALL_MS, &wanted, &s->problem);
    *override = wanted.what;
    return error;
}

static void overrides_are_read(void **state)
{
    struct scratch *s = *state;
    struct health_override override;
    assert_int_equal(parse_override(s,
                                    "{\"state\":\"drain\",\"reason\":\"r\\u00e9\",\"expires_in\":\"1h30m\","
                                    "\"actor\":\"bob\",\"$comment\":1}",
                                    &override),
                     0);
    assert_int_equal(override.desired, HEALTH_DESIRED_DRAIN);
    assert_int_equal(override.set_ms, WALL_MS);
    assert_int_equal(override.expires_ms, WALL_MS + 5400000);
    assert_string_equal(override.reason, "r\xc3\xa9");
    assert_string_equal(override.actor, "bob");
    assert_int_equal(
        parse_override(s, "{\"state\":\"up\",\"reason\":\"r\",\"expires\":\"1970-01-01T00:16:41Z\"}",
                       &override),
        0);
    assert_int_equal(override.expires_ms, 1001000);
    assert_int_equal(parse_override(s, "{\"state\":\"auto\"}", &override), 0);
    assert_int_equal(override.expires_ms, 0);
    static const char text[] = "{\"state\":\"auto\",\"allow_unserved\":true}";
    struct request_override wanted;
    assert_int_equal(request_parse_override(text, sizeof text - 1, WALL_MS, &wanted, &s->problem), 0);
    assert_true(wanted.allows_unserved);
    assert_int_equal(parse_override(s, "{\"state\":\"auto\",\"allow_unserved\":1}", &override),
                     ERROR_INVALID);
}

/* WALL_MS is 00:16:40. */
static void starts_are_read(void **state)
{
    struct scratch *s = *state;
    struct health_override override;
    assert_int_equal(parse_override(s,
                                    "{\"state\":\"drain\",\"reason\":\"r\",\"starts_in\":\"10m\","
                                    "\"expires_in\":\"30m\"}",
                                    &override),
                     0);
    assert_int_equal(override.starts_ms, WALL_MS + 600000);
    assert_int_equal(override.expires_ms, WALL_MS + 2400000); /* half an hour from the start on */
    assert_int_equal(parse_override(s,
                                    "{\"state\":\"up\",\"reason\":\"r\",\"starts\":\"1970-01-01T00:16:41Z\","
                                    "\"expires\":\"1970-01-01T00:16:42Z\"}",
                                    &override),
                     0);
    assert_int_equal(override.starts_ms, 1001000);
    assert_int_equal(override.expires_ms, 1002000);
    assert_int_equal(
        parse_override(s, "{\"state\":\"down\",\"reason\":\"r\",\"starts_in\":\"1s\"}", &override), 0);
    assert_int_equal(override.expires_ms, 0);
}

static void loads_are_read(void **state)
{
    struct scratch *s = *state;
    static const char *const good[] = {"{\"value\":0}", "{\"value\":1e15,\"ttl\":\"1s\"}",
                                       "{\"value\":3,\"ttl\":\"24h\",\"actor\":\"x\",\"$comment\":1}"};
    static const char *const bad[][2] = {
        {"{}", "value"},
        {"{\"value\":\"1\"}", "value"},
        {"{\"value\":-0.1}", "value"},
        {"{\"value\":1.1e15}", "value"},
        {"{\"value\":1,\"ttl\":30}", "ttl"},
        {"{\"value\":1,\"ttl\":\"999ms\"}", "ttl"},
        {"{\"value\":1,\"ttl\":\"25h\"}", "ttl"},
        {"{\"value\":1,\"actor\":\"\"}", "actor"},
        {"{\"value\":1,\"reason\":\"x\"}", "reason"},
    };
    struct request_load load;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        problem_init(&s->problem, s->arena);
        assert_int_equal(request_parse_load(good[i], strlen(good[i]), &load, &s->problem), 0);
    }
    assert_true(load.value == 3 && load.ttl_ms == 86400000);
    assert_string_equal(load.actor, "x");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        problem_init(&s->problem, s->arena);
        assert_int_equal(request_parse_load(bad[i][0], strlen(bad[i][0]), &load, &s->problem), ERROR_INVALID);
        assert_int_equal(s->problem.error_count, 1);
        assert_string_equal(s->problem.errors[0].field, bad[i][1]);
    }
}

static void bad_overrides_name_every_field(void **state)
{
    struct scratch *s = *state;
    struct health_override override;
    assert_int_equal(parse_override(s,
                                    "{\"state\":\"off\",\"reason\":7,\"expires_in\":\"soon\",\"actor\":\"\","
                                    "\"colour\":1}",
                                    &override),
                     ERROR_INVALID);
    assert_int_equal(s->problem.kind, PROBLEM_INVALID_FIELDS);
    assert_int_equal(s->problem.error_count, 5);
    static const char *const fields[] = {"state", "reason", "expires_in", "actor", "colour"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        assert_non_null(field_message(&s->problem, fields[i]));
    }
    assert_string_equal(field_message(&s->problem, "state"),
                        "found \"off\", expected drain, up, down or auto");
    static const char *const bad[][2] = {
        {"{}", "state"},
        {"{\"state\":\"drain\"}", "reason"},
        {"{\"state\":\"drain\",\"reason\":\"  \"}", "reason"},
        {"{\"state\":\"drain\",\"reason\":\"a\\nb\"}", "reason"},
        {"{\"state\":\"drain\",\"reason\":null}", "reason"},
        {"{\"state\":\"up\",\"reason\":\"r\",\"expires\":\"1970-01-01T00:16:40Z\"}", "expires"},
        {"{\"state\":\"up\",\"reason\":\"r\",\"expires\":\"tomorrow\"}", "expires"},
        {"{\"state\":\"up\",\"reason\":\"r\",\"expires\":\"2999-01-01T00:00:00Z\",\"expires_in\":\"1m\"}",
         "expires"},
        {"{\"state\":\"up\",\"reason\":\"r\",\"expires_in\":\"0s\"}", "expires_in"},
        {"{\"state\":\"auto\",\"expires_in\":\"1m\"}", "expires_in"},
        {"{\"state\":\"up\",\"reason\":\"r\",\"expires\":\"1970-01-01T00:00:00Z\"}", "expires"},
        {"{\"state\":\"auto\",\"starts_in\":\"1m\"}", "starts_in"},
        {"{\"state\":\"auto\",\"starts\":\"2999-01-01T00:00:00Z\"}", "starts"},
        {"{\"state\":\"up\",\"reason\":\"r\",\"starts\":\"1970-01-01T00:16:40Z\"}", "starts"},
        {"{\"state\":\"up\",\"reason\":\"r\",\"starts\":7}", "starts"},
        {"{\"state\":\"up\",\"reason\":\"r\",\"starts_in\":\"soon\"}", "starts_in"},
        {"{\"state\":\"up\",\"reason\":\"r\",\"starts\":\"2999-01-01T00:00:00Z\",\"starts_in\":\"1m\"}",
         "starts"},
        {"{\"state\":\"up\",\"reason\":\"r\",\"starts_in\":\"2m\",\"expires\":\"1970-01-01T00:18:40Z\"}",
         "expires"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(parse_override(s, bad[i][0], &override), ERROR_INVALID);
        if (field_message(&s->problem, bad[i][1]) == NULL) {
            fail_msg("%s: expected an error of field %s", bad[i][0], bad[i][1]);
        }
    }
}

static void long_texts_are_refused(void **state)
{
    struct scratch *s = *state;
    struct health_override override;
    char text[512], reason[HEALTH_REASON_SIZE + 1];
    memset(reason, 'x', sizeof reason);
    reason[HEALTH_REASON_SIZE - 1] = '\0';
    snprintf(text, sizeof text, "{\"state\":\"up\",\"reason\":\"%s\"}", reason);
    assert_int_equal(parse_override(s, text, &override), 0);
    assert_string_equal(override.reason, reason);
    reason[HEALTH_REASON_SIZE - 1] = 'x';
    reason[HEALTH_REASON_SIZE] = '\0';
    snprintf(text, sizeof text, "{\"state\":\"up\",\"reason\":\"%s\"}", reason);
    assert_int_equal(parse_override(s, text, &override), ERROR_INVALID);
    assert_string_equal(field_message(&s->problem, "reason"), "found 256 octets, expected at most 255");
}

static void bad_json_says_where(void **state)
{
    struct scratch *s = *state;
    struct health_override override;
    static const char *const bad[] = {"",
                                      "{",
                                      "nonsense",
                                      "{\"a\":1,\"a\":2}",
                                      "{\"a\":1}}",
                                      "{\"state\":\"\\u0000\"}",
                                      "{\"state\":\"\xff\"}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(parse_override(s, bad[i], &override), ERROR_INVALID);
        assert_int_equal(s->problem.kind, PROBLEM_BAD_JSON);
        assert_non_null(strstr(s->problem.detail, "line 1, column "));
    }
    assert_int_equal(parse_override(s, "[]", &override), ERROR_INVALID);
    assert_string_equal(s->problem.detail, "found an array, expected an object");
}

static void drills_are_read(void **state)
{
    struct scratch *s = *state;
    struct request_drill drill;
    static const char good[] =
        "{\"mode\":\"simulate\",\"lose\":[\"region:a\",\"az:b\"],\"failure\":\"refused\","
        "\"from\":\"healthy\"}";
    assert_int_equal(request_parse_drill(good, sizeof good - 1, &drill, &s->problem), 0);
    assert_int_equal(drill.loss_count, 2);
    assert_string_equal(drill.losses[1], "az:b");
    assert_string_equal(drill.failure, "refused");
    assert_false(drill.from_live);
    static const char plain[] = "{\"mode\":\"simulate\",\"lose\":[\"region:a\"]}";
    assert_int_equal(request_parse_drill(plain, sizeof plain - 1, &drill, &s->problem), 0);
    assert_string_equal(drill.failure, "timeout");
    assert_true(drill.from_live);
    static const char bad[] =
        "{\"mode\":\"alive\",\"lose\":[\"region:a\",3],\"failure\":\"fire\",\"from\":1,\"x\":2}";
    assert_int_equal(request_parse_drill(bad, sizeof bad - 1, &drill, &s->problem), ERROR_INVALID);
    assert_int_equal(s->problem.error_count, 5);
    assert_string_equal(field_message(&s->problem, "lose[1]"), "found a number, expected a string");
    assert_string_equal(field_message(&s->problem, "failure"), "found \"fire\", expected timeout or refused");
}

static void assumptions_are_read(void **state)
{
    struct scratch *s = *state;
    struct request_what_if what_if;
    static const char good[] = "{\"assume\":[\"region:a=down\",\"x\"],\"traffic\":12.5}";
    assert_int_equal(request_parse_what_if(good, sizeof good - 1, &what_if, &s->problem), 0);
    assert_int_equal(what_if.assumed_count, 2);
    assert_string_equal(what_if.assumed[0], "region:a=down");
    assert_true(what_if.traffic == 12.5);
    static const char plain[] = "{\"assume\":[]}";
    assert_int_equal(request_parse_what_if(plain, sizeof plain - 1, &what_if, &s->problem), 0);
    assert_true(what_if.assumed_count == 0 && what_if.traffic == 0);
    static const char bad[] = "{\"assume\":[1,\"a\"],\"traffic\":-1,\"x\":2}";
    assert_int_equal(request_parse_what_if(bad, sizeof bad - 1, &what_if, &s->problem), ERROR_INVALID);
    assert_int_equal(s->problem.error_count, 3);
    assert_string_equal(field_message(&s->problem, "assume[0]"), "found a number, expected a string");
}

static void a_takeover_is_read(void **state)
{
    struct scratch *s = *state;
    static const struct {
        const char *text;
        int error;
        bool is_invited;
    } cases[] = {{"", 0, false},
                 {"{}", 0, false},
                 {"{\"to\":\"program\"}", 0, false},
                 {"{\"to\":\"heir\"}", 0, true},
                 {"{\"to\":\"me\"}", ERROR_INVALID, false},
                 {"{\"to\":1}", ERROR_INVALID, false},
                 {"{\"path\":\"/tmp/x\"}", ERROR_INVALID, false},
                 {"[]", ERROR_INVALID, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct problem problem;
        bool is_invited;
        problem_init(&problem, s->arena);
        assert_int_equal(request_parse_takeover(cases[i].text, strlen(cases[i].text), &is_invited, &problem),
                         cases[i].error);
        assert_true(is_invited == cases[i].is_invited);
        assert_true(problem_is_set(&problem) == (cases[i].error != 0));
    }
}

/* The one parameter that may be repeated, and its value has an "=" of its own. */
static void repeated_parameters_are_listed(void **state)
{
    struct scratch *s = *state;
    struct route route;
    const char *allow;
    assert_int_equal(route_parse("/v1/explain?name=x&assume=region:a=down&assume=az:b%3Dup", ROUTE_GET,
                                 &route, &allow, &s->problem),
                     0);
    assert_int_equal(route.assumed_count, 2);
    assert_string_equal(route.assumed[0], "region:a=down");
    assert_string_equal(route.assumed[1], "az:b=up");
    assert_int_equal(route.policy, -1);
    assert_int_equal(route_parse("/v1/names?policy=12", ROUTE_GET, &route, &allow, &s->problem), 0);
    assert_int_equal(route.policy, 12);
    assert_int_equal(route_parse("/v1/names?policy=1x&assume=y", ROUTE_GET, &route, &allow, &s->problem),
                     ERROR_INVALID);
    assert_int_equal(s->problem.error_count, 2);
}

/* ---- rendering ---- */

/* The document as text; freed by the arena. */
static const char *write_json(struct scratch *s, json_t *document)
{
    char *text = json_dumps(document, JSON_COMPACT | JSON_SORT_KEYS);
    const char *copy = arena_copy_text(s->arena, text);
    free(text);
    json_decref(document);
    return copy;
}

static void problems_are_rendered(void **state)
{
    struct scratch *s = *state;
    problem_add_field(&s->problem, "state", "found %d", 5);
    assert_string_equal(
        write_json(s, render_problem(&s->problem)),
        "{\"errors\":[{\"field\":\"state\",\"message\":\"found 5\"}],\"status\":422,"
        "\"title\":\"Some fields are not acceptable\",\"type\":\"urn:steerd:problem:invalid-fields\"}");
    for (int kind = PROBLEM_BAD_REQUEST; kind < PROBLEM_KINDS; kind++) {
        assert_in_range(problem_status((enum problem_kind)kind), 400, 503);
        assert_non_null(problem_title((enum problem_kind)kind));
        for (int other = PROBLEM_NONE; other < kind; other++) {
            assert_string_not_equal(problem_name((enum problem_kind)kind),
                                    problem_name((enum problem_kind)other));
        }
    }
}

static void targets_are_rendered(void **state)
{
    struct scratch *s = *state;
    struct fake fake;
    fake_init(&fake);
    fake.overrides[HEALTH_AZ][0] = (struct health_override){
        .desired = HEALTH_DESIRED_DRAIN, .set_ms = 1000, .reason = "r", .actor = "a", .peer = "uid:7"};
    fake.targets[HEALTH_AZ][0].override = &fake.overrides[HEALTH_AZ][0];
    assert_string_equal(
        write_json(s, render_target(&fake.targets[HEALTH_AZ][0], FIELDS_ALL)),
        "{\"decided_by\":\"verdict\",\"desired\":\"auto\",\"effective\":\"healthy\",\"kind\":\"az\","
        "\"lost_from\":2,\"members\":2,\"members_healthy\":2,\"members_unhealthy\":0,\"missing\":[],"
        "\"name\":\"us-east-1a\",\"observed\":\"healthy\",\"outlook\":{\"by\":\"failures\",\"have\":0,"
        "\"need\":2,\"to\":"
        "\"unhealthy\"},\"override\":{\"actor\":"
        "\"a\",\"expires\":null,\"names\":null,\"peer\":\"uid:7\",\"planned\":false,\"reason\":\"r\",\"set\":"
        "\"1970-01-"
        "01T00:00:01.000Z\","
        "\"share\":null,\"starts\":null,\"state\":\"drain\",\"to\":null,\"ttl\":null},"
        "\"ramp\":null,\"region\":\"us-east\",\"since\":\"2026-11-21T04:05:06.789Z\",\"stays_down\":null,"
        "\"why\":\"0 of 2 endpoints are unhealthy, lost from 2 on; 2 more to be lost\"}");
    fake.overrides[HEALTH_AZ][0].starts_ms = 2000;
    fake.targets[HEALTH_AZ][0].status.planned = true;
    const char *planned = write_json(s, render_override_item(&fake.targets[HEALTH_AZ][0]));
    assert_non_null(strstr(planned, "\"effective\":\"healthy\""));
    assert_non_null(strstr(planned, "\"planned\":true"));
    assert_non_null(strstr(planned, "\"starts\":\"1970-01-01T00:00:02.000Z\""));
    struct operate_target *endpoint = &fake.targets[HEALTH_ENDPOINT][0];
    endpoint->status.outcome = HEALTH_OUTCOME_BAD_STATUS;
    endpoint->status.detail = 503;
    endpoint->status.duration_us = 1500;
    endpoint->status.checked_ms = 1000;
    const char *text = write_json(s, render_target(endpoint, FIELDS_ALL));
    assert_non_null(strstr(text, "\"addresses\":[\"192.0.2.1\"]"));
    assert_non_null(strstr(text, "\"capacity\":null"));
    assert_non_null(strstr(text, "\"last_duration_ms\":1.5"));
    assert_non_null(strstr(text, "\"last_outcome\":\"bad_status\",\"last_status\":503"));
}

/* Null where there is nothing to say; watermarks are shown before the first report. */
static void loads_are_rendered(void **state)
{
    struct scratch *s = *state;
    struct fake fake;
    fake_init(&fake);
    struct operate_target *endpoint = &fake.targets[HEALTH_ENDPOINT][0];
    assert_non_null(strstr(write_json(s, render_target(endpoint, FIELDS_ALL)), "\"load\":null"));
    fake.endpoints[0].load = &(struct conf_load){.is_given = true, .low = 0.5, .high = 2};
    assert_non_null(strstr(
        write_json(s, render_target(endpoint, FIELDS_ALL)),
        "\"load\":{\"actor\":null,\"high\":2.0,\"low\":0.5,\"peer\":null,\"reported\":null,\"shed\":0.0,"
        "\"source\":null,\"until\":null,\"value\":null}"));
    endpoint->status.load = (struct health_load_status){.source = HEALTH_LOAD_PUSHED,
                                                        .value = 1.25,
                                                        .shed = 0.5,
                                                        .reported_ms = 1000,
                                                        .until_ms = 61000,
                                                        .actor = "agent",
                                                        .peer = "uid:7"};
    assert_non_null(
        strstr(write_json(s, render_target(endpoint, FIELDS_ALL)),
               "\"load\":{\"actor\":\"agent\",\"high\":2.0,\"low\":0.5,\"peer\":\"uid:7\",\"reported\":"
               "\"1970-01-01T00:00:"
               "01.000Z\",\"shed\":0.5,\"source\":\"push\",\"until\":\"1970-01-01T00:01:01.000Z\","
               "\"value\":1.25}"));
    endpoint->status.load.source = HEALTH_LOAD_NONE; /* too old: when it was said, not what */
    endpoint->status.load.shed = 0;
    assert_non_null(strstr(write_json(s, render_target(endpoint, FIELDS_ALL)), "\"source\":null"));
    assert_non_null(strstr(write_json(s, render_target(endpoint, FIELDS_ALL)), "\"value\":null"));
    fake.endpoints[0].load = NULL;
    assert_non_null(strstr(write_json(s, render_target(endpoint, FIELDS_ALL)), "\"low\":null"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_open, scratch_close)
    const struct CMUnitTest tests[] = {
        TEST(routes_are_found),
        TEST(bad_routes_are_refused),
        TEST(loads_are_read),
        TEST(loads_are_rendered),
        TEST(overrides_are_read),
        TEST(starts_are_read),
        TEST(bad_overrides_name_every_field),
        TEST(long_texts_are_refused),
        TEST(bad_json_says_where),
        TEST(drills_are_read),
        TEST(assumptions_are_read),
        TEST(a_takeover_is_read),
        TEST(repeated_parameters_are_listed),
        TEST(problems_are_rendered),
        TEST(targets_are_rendered),
    };
    return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
