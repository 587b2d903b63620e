/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The resources that say why, and what if: explain, what-if. They change nothing. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/request.h"
#include "base/error.h"

static const struct admin_verbs *verbs_of(const struct call *call)
{
    return &call->admin->verbs;
}

/* Why a verb did not take the assumptions; bad: the one that it is about, or NULL. */
static void add_bad_assumption(struct call *call, int error, const char *bad)
{
    problem_add_field(&call->problem, "assume",
                      error == ERROR_NOT_FOUND
                          ? "found \"%s\", expected the name of a region, az or endpoint that exists"
                          : "found \"%s\", expected region:NAME=STATE, az:NAME=STATE or endpoint:NAME=STATE; "
                            "STATE is down, drain, drain:PERCENT (1 to 99), up or auto",
                      bad);
}

/* ---- explain ---- */

static void reply_explanation(struct call *call, const struct operate_question *question)
{
    struct operate_explanation explanation = {.name = NULL};
    if (verbs_of(call)->explain(call->reader, question, call->arena, &explanation) != 0) {
        problem_add_field(&call->problem, "name", "found \"%s\", expected a domain name", question->name);
        call_reply_problem(call);
        return;
    }
    call_reply_json(call, 200, render_explained(&explanation, NULL));
}

static void reply_assumed(struct call *call, const struct operate_question *question)
{
    struct admin_assumptions assumptions = {.texts = call->route.assumed, .count = call->route.assumed_count};
    struct admin_explained explained;
    int error = verbs_of(call)->explain_if(call->reader, question, &assumptions, call->arena, &explained);
    if (assumptions.bad != NULL) {
        add_bad_assumption(call, error, assumptions.bad);
    } else if (error != 0) {
        problem_add_field(&call->problem, "name", "found \"%s\", expected a domain name", question->name);
    }
    if (error != 0) {
        call_reply_problem(call);
        return;
    }
    json_t *document = render_explanation(&explained.after);
    json_object_set_new(document, "before", render_explanation(&explained.before));
    json_object_set_new(document, "report", render_what_if(&explained.report));
    json_object_set_new(document, "at", json_null());
    call_reply_json(call, 200, document);
}

void handle_explain(struct call *call)
{
    const char *const *given = call->route.parameters;
    const char *type_name = given[ROUTE_TYPE] != NULL ? given[ROUTE_TYPE] : "A",
               *client = given[ROUTE_CLIENT];
    struct addr addr = {.family = ADDR_NONE};
    struct operate_question question = {.name = given[ROUTE_NAME], .client = client == NULL ? NULL : &addr};
    if (operate_parse_type(type_name, &question.type) != 0) {
        problem_add_field(&call->problem, "type", "found \"%s\", expected a type such as A, AAAA or TYPE257",
                          type_name);
    }
    if (client != NULL && addr_parse(client, &addr) != 0) {
        problem_add_field(&call->problem, "client", "found \"%s\", expected an IPv4 or IPv6 address", client);
    }
    if (given[ROUTE_AT] != NULL && call->route.assumed_count != 0) {
        problem_add_field(&call->problem, "assume",
                          "at and assume exclude each other: what was is not what would be");
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
    } else if (given[ROUTE_AT] != NULL) {
        reply_explained_at(call, &question);
    } else if (call->route.assumed_count == 0) {
        reply_explanation(call, &question);
    } else {
        reply_assumed(call, &question);
    }
}

/* ---- what-if ---- */

void handle_what_if(struct call *call)
{
    struct request_what_if body;
    struct operate_report report;
    if (request_parse_what_if(call->body, call->body_len, &body, &call->problem) != 0) {
        call_reply_problem(call);
        return;
    }
    struct admin_what_if what_if = {.assumptions = {.texts = body.assumed, .count = body.assumed_count},
                                    .traffic = body.traffic,
                                    .limit = call->route.limit,
                                    .cursor = call->route.parameters[ROUTE_CURSOR],
                                    .progress = call->progress};
    int error = verbs_of(call)->what_if(call->reader, &what_if, call->arena, &report);
    if (error == 0) {
        call_reply_json(call, 200, render_what_if(&report));
        return;
    }
    if (what_if.assumptions.bad != NULL) {
        add_bad_assumption(call, error, what_if.assumptions.bad);
    } else {
        problem_add_field(&call->problem, "cursor", "found \"%s\", expected the next_cursor of a report",
                          what_if.cursor);
    }
    call_reply_problem(call);
}
