/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The resources that change something or compute long: loads, reload, drills. Overrides are in override.c. */
#include "config.h"

#include "admin/call.h"

#include "admin/peers.h"
#include "admin/render.h"
#include "admin/request.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- load ---- */

static void reply_load_plan(struct call *call, const struct health_load_report *report)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct operate_target target;
    bool is_put = report->source != HEALTH_LOAD_NONE;
    double shed = 0;
    int error = verbs->get_target(call->reader, HEALTH_ENDPOINT, call->route.name, call->arena, &target);
    if (error == 0 && is_put) {
        error = verbs->foresee_shed(call->reader, call->route.name, report->load, &shed);
    }
    if (error != 0) {
        call_set_missing(call);
        call_reply_problem(call);
        return;
    }
    struct health_load_status *load = &target.status.load;
    *load = (struct health_load_status){.shed = shed};
    if (is_put) {
        int64_t ttl_ms = report->ttl_ms != 0 ? report->ttl_ms : conf_get_load(target.endpoint)->max_age_ms;
        load->source = report->source;
        load->value = report->load;
        load->reported_ms = clock_wall_ms(&call->admin->clock);
        load->until_ms = load->reported_ms + ttl_ms;
        memcpy(load->actor, report->actor, strlen(report->actor) + 1);
        memcpy(load->peer, report->peer, strlen(report->peer) + 1);
    }
    json_t *document = render_target(&target, FIELDS_ALL);
    json_object_set_new(document, "dry_run", json_true());
    json_object_set_new(document, "changes", json_array());
    call_reply_json(call, 200, document);
}

static void put_load(struct call *call, const struct health_load_report *report)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    int error = verbs->put_load(verbs->context, call->route.name, report);
    if (error == 0) {
        handle_target(call);
        return;
    }
    if (error == ERROR_NOT_FOUND) {
        call_set_missing(call);
    } else {
        call_set_internal(call, error);
    }
    call_reply_problem(call);
}

void handle_load(struct call *call)
{
    struct request_load load = {.ttl_ms = 0};
    char peer[HEALTH_PEER_SIZE] = "";
    bool is_put = call->method == ROUTE_PUT;
    call->route.kind = HEALTH_ENDPOINT;
    if (is_put) {
        request_parse_load(call->body, call->body_len, &load, &call->problem);
    }
    if (!problem_is_set(&call->problem)) {
        call_add_actor(call, load.actor, peer);
    }
    struct health_load_report report = {.load = load.value,
                                        .source = is_put ? HEALTH_LOAD_PUSHED : HEALTH_LOAD_NONE,
                                        .ttl_ms = load.ttl_ms,
                                        .actor = load.actor,
                                        .peer = peer};
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
    } else if (call->route.dry_run) {
        reply_load_plan(call, &report);
    } else {
        put_load(call, &report);
    }
}

/* ---- reports ---- */

static void refuse_report(struct call *call, const struct request_report *report, int error)
{
    struct problem *problem = &call->problem;
    if (error == ERROR_NOT_FOUND) {
        problem_set(problem, PROBLEM_NOT_FOUND, "there is no endpoint \"%s\"", report->endpoint);
    } else if (error == ERROR_INVALID) {
        problem_add_field(problem, "check", "found \"%s\", expected a check of endpoint \"%s\"",
                          report->check, report->endpoint);
    } else if (error == ERROR_UNSUPPORTED) {
        problem_add_field(problem, "check", "steerd makes check \"%s\" itself, expected one of type \"push\"",
                          report->check);
    } else {
        call_set_internal(call, error);
    }
    call_reply_problem(call);
}

void handle_report(struct call *call)
{
    static const char *const ignored[] = {[HEALTH_PUSH_LATE] = "late", [HEALTH_PUSH_REPLAYED] = "replayed"};
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct request_report report;
    enum health_push_fate fate = HEALTH_PUSH_TAKEN;
    if (request_parse_report(call->body, call->body_len, &report, &call->problem) != 0) {
        call_reply_problem(call);
        return;
    }
    if (report.is_lag) {
        reply_lag_report(call, &report);
        return;
    }
    if (report.is_errors) {
        reply_errors_report(call, &report);
        return;
    }
    if (!caller_may_touch(call, HEALTH_ENDPOINT, report.endpoint)) {
        call_reply_problem(call);
        return;
    }
    int error = verbs->push(verbs->context, report.endpoint, report.check, &report.push, &fate);
    if (error != 0) {
        refuse_report(call, &report, error);
        return;
    }
    json_t *document = json_object();
    json_object_set_new(document, "endpoint", json_string(report.endpoint));
    json_object_set_new(document, "check", json_string(report.check));
    json_object_set_new(document, "state", json_string(report.push.up ? "up" : "down"));
    json_object_set_new(document, "taken", json_boolean(fate == HEALTH_PUSH_TAKEN));
    json_object_set_new(document, "ignored",
                        fate == HEALTH_PUSH_TAKEN ? json_null() : json_string(ignored[fate]));
    call_reply_json(call, 200, document);
}

/* ---- reload ---- */

static void reload_done(void *argument, const struct admin_reload_result *result)
{
    struct call call;
    if (!call_resume(argument, &call)) {
        return;
    }
    if (result->error == 0) {
        call_reply_json(&call, 200, render_reload(result));
    } else if (!caller_may_load(&call, result) || !rules_allow_load(&call, result)) {
        call_reply_problem(&call);
    } else {
        size_t count = result->report == NULL ? 0 : report_errors(result->report);
        problem_set(&call.problem, PROBLEM_RELOAD_FAILED, "%s; %zu error%s, generation %llu still serves",
                    error_text(result->error), count, count == 1 ? "" : "s",
                    (unsigned long long)result->generation);
        if (result->report != NULL) {
            problem_add_report(&call.problem, result->report);
        }
        call_reply_problem(&call);
    }
    call_finish(&call);
}

void handle_reload(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    const char *said = call->route.parameters[ROUTE_REASON];
    char reason[HEALTH_REASON_SIZE] = "", actor[HEALTH_ACTOR_SIZE] = "", peer[HEALTH_PEER_SIZE] = "";
    struct request_rules rules;
    (void)request_parse_empty(call->body, call->body_len, &call->problem);
    rules_take_query(call, &rules);
    if (said != NULL) {
        request_check_reason(said, reason, &call->problem);
    }
    if (!problem_is_set(&call->problem)) {
        call_add_actor(call, actor, peer);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    bool is_bounded = call->route.parameters[ROUTE_LIMIT] != NULL;
    const struct admin_reload asked = {.zone = call->route.parameters[ROUTE_ZONE],
                                       .dry_run = call->route.dry_run,
                                       .limit = is_bounded ? call->route.limit : ADMIN_CHANGES,
                                       .role = call->caller.role,
                                       .overruling = {rules.names, rules.count, actor, peer, reason}};
    struct call_pending *pending = call_defer(call);
    int error = verbs->reload(verbs->context, &asked, reload_done, pending);
    if (error == 0) {
        return;
    }
    struct call again;
    if (call_resume(pending, &again)) {
        if (error == ERROR_CONFLICT) {
            problem_set(&again.problem, PROBLEM_RELOAD_RUNNING, "wait for it to end, then ask again");
        } else if (error == ERROR_NOT_FOUND) {
            problem_set(&again.problem, PROBLEM_NOT_FOUND,
                        "there is no such zone; a reload without zone finds new ones");
        } else {
            call_set_internal(&again, error);
        }
        call_reply_problem(&again);
        call_finish(&again);
    }
}

/* ---- takeover ---- */

static void takeover_done(void *argument, const struct admin_takeover_result *result)
{
    struct call call;
    if (!call_resume(argument, &call)) {
        return;
    }
    if (result->error == 0) {
        call_reply_json(&call, 200, render_takeover(result));
    } else {
        problem_set(&call.problem, PROBLEM_TAKEOVER_FAILED, "%s", result->why);
        if (result->report != NULL) {
            problem_add_report(&call.problem, result->report);
        }
        call_reply_problem(&call);
    }
    call_finish(&call);
}

void handle_takeover(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    bool is_invited;
    if (request_parse_takeover(call->body, call->body_len, &is_invited, &call->problem) != 0) {
        call_reply_problem(call);
        return;
    }
    struct call_pending *pending = call_defer(call);
    int error = verbs->take_over(verbs->context, is_invited, takeover_done, pending);
    struct call again;
    if (error == 0 || !call_resume(pending, &again)) {
        return;
    }
    if (error == ERROR_CONFLICT) {
        problem_set(&again.problem, PROBLEM_TAKEOVER_RUNNING, "wait for it to end, then ask again");
    } else if (error == ERROR_UNSUPPORTED) {
        problem_set(
            &again.problem, PROBLEM_UNSUPPORTED,
            "whoever started this process takes its end for that of the service: it is process 1 of a "
            "container, or of a unit of systemd that is not Type=notify");
    } else if (error == ERROR_BUSY) {
        problem_set(&again.problem, PROBLEM_CONFLICT, "this process does not answer queries yet");
    } else {
        problem_set(&again.problem, PROBLEM_TAKEOVER_FAILED, "it could not be %s: %s",
                    is_invited ? "met" : "started", error_text(error));
    }
    call_reply_problem(&again);
    call_finish(&again);
}

/* ---- drills ---- */

void drill_set_problem(struct call *call, const struct admin_drill *asked, int error)
{
    if (report_errors(asked->report) != 0) {
        problem_set(&call->problem, PROBLEM_INVALID_FIELDS, "the drill document cannot be used");
        problem_add_report(&call->problem, asked->report);
    } else if (asked->bad != NULL) {
        problem_add_field(&call->problem, "lose",
                          "found \"%s\", expected region:NAME, az:NAME or endpoint:NAME of one that exists",
                          asked->bad);
    } else if (error == ERROR_INVALID) {
        problem_add_field(&call->problem, asked->document != NULL ? "events" : "lose",
                          "nothing can be lost: the configuration has no topology");
    } else {
        call_set_internal(call, error);
    }
}

void handle_drill(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct request_drill drill;
    char *json = NULL;
    if (request_parse_drill(call->body, call->body_len, &drill, &call->problem) != 0) {
        call_reply_problem(call);
        return;
    }
    struct admin_drill asked = {.losses = drill.losses,
                                .count = drill.loss_count,
                                .failure = drill.failure,
                                .from_live = drill.from_live,
                                .document = drill.is_document ? call->body : drill.document,
                                .document_len = drill.is_document        ? call->body_len
                                                : drill.document != NULL ? strlen(drill.document)
                                                                         : 0,
                                .sweeps = drill.sweeps,
                                .report = report_new(),
                                .progress = call->progress};
    int error = verbs->simulate(call->reader, &asked, &json);
    if (error == 0) {
        call_reply_text(call, "application/json", json, strlen(json));
    } else {
        drill_set_problem(call, &asked, error);
        call_reply_problem(call);
    }
    report_free(asked.report);
    free(json);
}
