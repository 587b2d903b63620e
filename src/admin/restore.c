/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Restores and imports. What they find and do is the application's; here is what is asked, and the answer. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/request.h"
#include "base/error.h"
#include "base/words.h"

static void set_unserved(struct call *call, const struct admin_restore_result *result)
{
    const struct operate_unserved *unserved = result->unserved;
    char from[CLOCK_TEXT_SIZE];
    bool is_later = unserved->from_ms != 0;
    problem_set(&call->problem, PROBLEM_UNSERVED,
                "it would leave %zu name%s without anybody who serves %s%s%s; with allow_unserved it is done "
                "all the same",
                unserved->total, words_plural(unserved->total), unserved->total == 1 ? "it" : "them",
                is_later ? ", from " : "", is_later ? clock_write_rfc3339(unserved->from_ms, from) : "");
    call->problem.unserved = unserved;
}

static void set_rules(struct call *call, const struct admin_restore_result *result)
{
    const struct request_rules overridden = {(const char **)(uintptr_t)result->rule_names,
                                             result->rule_count};
    (void)rules_allow(result->rules, &overridden, "it", &call->problem);
    if (call->problem.kind == PROBLEM_RULES && result->unserved->total != 0) {
        call->problem.unserved = result->unserved;
    }
}

static void set_moment(struct call *call, const struct admin_restore_result *result)
{
    if (result->error == ERROR_NOT_FOUND) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "%s", result->why);
    } else {
        problem_add_field(&call->problem, "to", "%s", result->why);
    }
}

static void set_lines(struct call *call, const struct admin_restore_result *result)
{
    if (result->line == 0) {
        problem_set(&call->problem, PROBLEM_INVALID_FIELDS, "%s", result->why);
    } else {
        problem_set(&call->problem, PROBLEM_INVALID_FIELDS, "line %zu: %s", result->line, result->why);
    }
}

static void set_trouble(struct call *call, const struct admin_restore_result *result)
{
    switch (result->trouble) {
    case ADMIN_RESTORE_MOMENT: set_moment(call, result); break;
    case ADMIN_RESTORE_LINES: set_lines(call, result); break;
    case ADMIN_RESTORE_STORE: problem_set(&call->problem, PROBLEM_NO_JOURNAL, "%s", result->why); break;
    case ADMIN_RESTORE_UNSERVED: set_unserved(call, result); break;
    case ADMIN_RESTORE_RULES: set_rules(call, result); break;
    case ADMIN_RESTORE_NO_POINT:
        problem_set(&call->problem, PROBLEM_NOT_SAVED,
                    "nothing was done: the recovery point before it cannot be saved: %s; with without_point "
                    "it is done all the same",
                    result->why);
        break;
    case ADMIN_RESTORE_RUNNING: problem_set(&call->problem, PROBLEM_CONFLICT, "%s", result->why); break;
    default: problem_set(&call->problem, PROBLEM_BUSY, "%s", result->why);
    }
}

static void on_restored(void *argument, const struct admin_restore_result *result)
{
    struct call call;
    if (!call_resume(argument, &call)) {
        return;
    }
    if (result->trouble == ADMIN_RESTORE_GOOD) {
        call_reply_json(&call, 200, render_restore(result));
    } else {
        set_trouble(&call, result);
        call_reply_problem(&call);
    }
    call_finish(&call);
}

static void show(void *argument, const struct worker_job *job)
{
    call_show(argument, job);
}

/* Without a reason nothing is done, only previewed. */
static void restore(struct call *call, struct request_point *wanted, struct admin_restore *asked)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    char peer[HEALTH_PEER_SIZE] = "";
    if (!problem_is_set(&call->problem) && wanted->reason[0] == '\0' && !call->route.dry_run) {
        problem_add_field(&call->problem, "reason", "required, but for a dry run");
    }
    if (!problem_is_set(&call->problem)) {
        call_add_actor(call, wanted->actor, peer);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    asked->dry_run = call->route.dry_run;
    asked->actor = wanted->actor;
    asked->peer = peer;
    asked->show = show;
    asked->reason = wanted->reason;
    asked->receipt = call_make_receipt(call);
    asked->change = call->change;
    asked->limit = call->route.parameters[ROUTE_LIMIT] != NULL ? call->route.limit : ADMIN_CHANGES;
    verbs->restore(verbs->context, asked, on_restored, call_defer(call));
}

/* The journal has their names in the request. */
static void take_rules(struct call *call, const struct request_rules *rules, struct admin_restore *asked)
{
    asked->rules = rules->names;
    asked->rule_count = rules->count;
    asked->request = rules_write_request(call, asked->request, rules);
}

void handle_restore(struct call *call)
{
    struct request_point wanted;
    (void)request_parse_point(call->body, call->body_len, REQUEST_RESTORE, &wanted, &call->problem);
    struct admin_restore asked = {.to = wanted.to,
                                  .allow_unserved = wanted.allows_unserved,
                                  .without_point = wanted.without_point,
                                  .request = "POST /v1/restore"};
    take_rules(call, &wanted.rules, &asked);
    restore(call, &wanted, &asked);
}

void handle_import(struct call *call)
{
    struct request_point wanted = {.name = NULL};
    const char *reason = call->route.parameters[ROUTE_REASON];
    if (reason != NULL) {
        request_check_reason(reason, wanted.reason, &call->problem);
    }
    struct request_rules rules = {.count = 0};
    if (call->route.parameters[ROUTE_OVERRIDE_RULES] != NULL) {
        request_split_rules(call->route.parameters[ROUTE_OVERRIDE_RULES], &rules, &call->problem);
    }
    struct admin_restore asked = {.lines = call->body,
                                  .lines_len = call->body_len,
                                  .replaces = call->route.replace,
                                  .allow_unserved = call->route.allow_unserved,
                                  .without_point = call->route.without_point,
                                  .request = "POST /v1/import"};
    take_rules(call, &rules, &asked);
    if (call->body_len == 0) { /* with replace it would remove everything */
        problem_add_field(&call->problem, "body", "expected at least one line");
    }
    restore(call, &wanted, &asked);
}
