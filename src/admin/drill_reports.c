/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reports of drills that are over, as resources, and POST /v1/drills with "keep". */
#include "config.h"

#include "admin/call.h"

#include "admin/request.h"
#include "base/error.h"
#include "base/memory.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

/* ---- looking ---- */

static const char *get_id(const void *items, size_t i)
{
    return ((const struct admin_report *)items)[i].id;
}

static json_t *render_item(const void *items, size_t i)
{
    return json_loads(((const struct admin_report *)items)[i].json, 0, NULL);
}

static void set_none(struct call *call)
{
    problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no report \"%s\"; the oldest go",
                call->route.name);
}

/* The figures, an object, with the report in it: what is long is not taken apart for that. */
static void reply_whole(struct call *call, unsigned status, const char *json, const char *report,
                        const char *observed, const char *more)
{
    struct evbuffer *body = evbuffer_new();
    evbuffer_add_printf(body, "%.*s,\"report\":", (int)(strlen(json) - 1), json);
    evbuffer_add(body, report == NULL ? "null" : report, strlen(report == NULL ? "null" : report));
    evbuffer_add_printf(body, ",\"observed\":%s%s}", observed == NULL ? "null" : observed, more);
    call_reply_body(call, status, "application/json", body);
}

/* On a worker, with what the control thread knew. */
static void read_report(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    const struct admin_report *item = call->data;
    const char *report = item->report, *observed = item->observed, *why = NULL;
    int error = 0;
    if (report == NULL && item->has_report) {
        error = verbs->reports.read(call->reader, item->id, ADMIN_REPORT, call->arena, &report, &why);
    }
    if (error == 0 && observed == NULL) {
        error =
            verbs->reports.read(call->reader, item->id, ADMIN_REPORT_OBSERVED, call->arena, &observed, &why);
        error = error == ERROR_NOT_FOUND ? 0 : error;
    }
    if (error == 0) {
        reply_whole(call, 200, item->json, report, observed, "");
        return;
    }
    if (error == ERROR_NOT_FOUND) {
        set_none(call);
    } else {
        problem_set(&call->problem, PROBLEM_NO_JOURNAL, "%s", why == NULL ? error_text(error) : why);
    }
    call_reply_problem(call);
}

static void look(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    bool is_list = call->route.id == ROUTE_REPORTS;
    struct admin_report *items;
    size_t count =
        verbs->reports.list(verbs->context, is_list ? NULL : call->route.name, call->arena, &items);
    if (is_list) {
        call_reply_page(call, items, count, get_id, render_item);
    } else if (count != 0) {
        call->data = items;
        call_work(call, ADMIN_QUICK, "drill-report", read_report);
    } else {
        set_none(call);
        call_reply_problem(call);
    }
}

/* ---- changing ---- */

static void set_trouble(struct call *call, const struct admin_report_result *result)
{
    struct problem *problem = &call->problem;
    if (result->error == ERROR_UNSUPPORTED) {
        problem_set(problem, PROBLEM_CONFLICT, "steerd.json has no \"state\": nothing is kept");
    } else if (result->error == ERROR_BUSY) {
        problem_set(problem, PROBLEM_BUSY, "too much is being computed, or nothing can be written now");
    } else if (result->drill != NULL && result->error != ERROR_CANCELLED) {
        drill_set_problem(call, result->drill, result->error);
    } else if (result->error == ERROR_NOT_FOUND) {
        set_none(call);
    } else {
        problem_set(problem, PROBLEM_NOT_SAVED, "%s", error_text(result->error));
    }
}

struct asking {
    struct call_pending *pending;
    char *id; /* that is deleted, or was observed; NULL: one is made */
    const char *answer;
};

static void on_done(void *argument, const struct admin_report_result *result)
{
    struct asking *asking = argument;
    struct call call;
    if (call_resume(asking->pending, &call)) {
        call.route.name = asking->id == NULL ? "" : asking->id;
        if (result->error != 0) {
            set_trouble(&call, result);
            call_reply_problem(&call);
        } else if (asking->id != NULL) {
            call_reply_json(&call, 200, json_pack("{s:s, s:b}", "id", asking->id, asking->answer, 1));
        } else {
            reply_whole(&call, 201, result->json, result->report, NULL,
                        result->is_durable ? ",\"durable\":true" : ",\"durable\":false");
        }
        call_finish(&call);
    }
    free(asking->id);
    free(asking);
}

static struct asking *defer(struct call *call, const char *id)
{
    struct asking *asking = memory_alloc(sizeof *asking);
    *asking = (struct asking){.pending = call_defer(call), .id = memory_copy_text(id), .answer = "deleted"};
    return asking;
}

/* Who does it, and why. Returns whether he may. */
static bool read_cause(struct call *call, char reason[HEALTH_REASON_SIZE], char actor[HEALTH_ACTOR_SIZE],
                       char peer[HEALTH_PEER_SIZE])
{
    const char *given = call->route.parameters[ROUTE_REASON];
    if (given != NULL) {
        request_check_reason(given, reason, &call->problem);
    }
    if (!problem_is_set(&call->problem)) {
        call_add_actor(call, actor, peer);
    }
    return !problem_is_set(&call->problem);
}

void drill_keep(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct request_drill drill;
    char reason[HEALTH_REASON_SIZE] = "", actor[HEALTH_ACTOR_SIZE] = "", peer[HEALTH_PEER_SIZE] = "";
    if (!caller_has(call, ROLE_OPERATOR) ||
        request_parse_drill(call->body, call->body_len, &drill, &call->problem) != 0 ||
        !read_cause(call, reason, actor, peer)) {
        call_reply_problem(call);
        return;
    }
    if (drill.sweeps) {
        problem_add_field(&call->problem, "keep", "found it with a sweep, of which nothing is kept");
        call_reply_problem(call);
        return;
    }
    const struct admin_drill asked = {.losses = drill.losses,
                                      .count = drill.loss_count,
                                      .failure = drill.failure,
                                      .from_live = drill.from_live,
                                      .document = drill.is_document ? call->body : NULL,
                                      .document_len = call->body_len};
    const struct admin_report_order order = {.drill = &asked, .actor = actor, .peer = peer, .reason = reason};
    struct asking *asking = defer(call, NULL);
    const struct worker_job *job = verbs->reports.simulate(verbs->context, &order, on_done, asking);
    if (job != NULL) {
        call_show(asking->pending, job);
    }
}

void handle_reports(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    char reason[HEALTH_REASON_SIZE] = "", actor[HEALTH_ACTOR_SIZE] = "", peer[HEALTH_PEER_SIZE] = "";
    if (call->method != ROUTE_DELETE) {
        look(call);
    } else if (!read_cause(call, reason, actor, peer)) {
        call_reply_problem(call);
    } else {
        const struct admin_report_order order = {.actor = actor, .peer = peer, .reason = reason};
        struct asking *asking = defer(call, call->route.name);
        verbs->reports.remove(verbs->context, asking->id, &order, on_done, asking);
    }
}

void handle_observed(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    char reason[HEALTH_REASON_SIZE] = "", actor[HEALTH_ACTOR_SIZE] = "", peer[HEALTH_PEER_SIZE] = "";
    const char *json;
    if (request_parse_observed(call->body, call->body_len, &json, &call->problem) != 0 ||
        !read_cause(call, reason, actor, peer)) {
        call_reply_problem(call);
        return;
    }
    const struct admin_report_order order = {.actor = actor, .peer = peer, .reason = reason};
    struct asking *asking = defer(call, call->route.name);
    asking->answer = "observed";
    verbs->reports.observe(verbs->context, asking->id, json, &order, on_done, asking);
}
