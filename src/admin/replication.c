/* SPDX-License-Identifier: BSD-3-Clause
 *
 * GET /v1/replication: how far copies of data lag behind, one row per pair, in the order of the topology; and
 * reports of it. A cursor is the row shown last: "FROM/TO". */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/request.h"
#include "base/error.h"

#include <string.h>

static const char *write_cursor(const struct admin_lag *lag, struct arena *arena)
{
    return arena_print(arena, "%s/%s", lag->status.from, lag->status.to);
}

/* Number of the first row to show; -1: the row of the cursor is not there. */
static ptrdiff_t find_start(const struct call *call, const struct admin_lag *lags, size_t count)
{
    const char *cursor = call->route.parameters[ROUTE_CURSOR];
    size_t at = 0;
    if (cursor == NULL) {
        return 0;
    }
    while (at < count && strcmp(cursor, write_cursor(&lags[at], call->arena)) != 0) {
        at++;
    }
    return at < count ? (ptrdiff_t)at + 1 : -1;
}

void handle_replication(struct call *call)
{
    struct admin_lag *lags = NULL;
    size_t count = call->admin->verbs.list_lags(call->reader, call->arena, &lags);
    ptrdiff_t start = find_start(call, lags, count);
    if (start == -1) {
        problem_add_field(&call->problem, "cursor",
                          "found \"%s\", expected the next_cursor of a list that still has it",
                          call->route.parameters[ROUTE_CURSOR]);
        call_reply_problem(call);
        return;
    }
    size_t first = (size_t)start, end = first;
    json_t *document = json_object(), *items = json_array();
    for (; end < count && end - first < call->route.limit; end++) {
        json_array_append_new(items, render_lag(&lags[end]));
    }
    json_object_set_new(document, "items", items);
    json_object_set_new(document, "next_cursor",
                        end < count ? json_string(write_cursor(&lags[end - 1], call->arena)) : json_null());
    call_reply_json(call, 200, document);
}

static void refuse(struct call *call, const struct request_lag *lag, int error)
{
    if (error == ERROR_NOT_FOUND) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "nothing says that \"%s\" replicates to \"%s\"",
                    lag->from, lag->to);
    } else if (error == ERROR_UNSUPPORTED) {
        problem_add_field(&call->problem, "to",
                          "steerd asks itself how far \"%s\" lags behind \"%s\", expected a pair whose "
                          "\"lag\" is \"push\"",
                          lag->to, lag->from);
    } else {
        call_set_internal(call, error);
    }
    call_reply_problem(call);
}

void reply_lag_report(struct call *call, struct request_report *report)
{
    static const char *const ignored[] = {[HEALTH_PUSH_LATE] = "late", [HEALTH_PUSH_REPLAYED] = "replayed"};
    const struct admin_verbs *verbs = &call->admin->verbs;
    const struct request_lag *lag = &report->lag;
    enum health_push_fate fate = HEALTH_PUSH_TAKEN;
    char peer[HEALTH_PEER_SIZE] = "";
    if (!caller_may_touch(call, HEALTH_REGION, lag->to)) {
        call_reply_problem(call);
        return;
    }
    call_add_actor(call, report->actor, peer);
    const struct health_lag_report said = {.value = lag->value,
                                           .unit = lag->unit,
                                           .stage = lag->stage,
                                           .source = HEALTH_LAG_PUSHED,
                                           .ttl_ms = lag->ttl_ms,
                                           .time_ms = lag->time_ms,
                                           .seq = lag->seq,
                                           .actor = report->actor,
                                           .peer = peer};
    int error = verbs->report_lag(verbs->context, lag->from, lag->to, &said, &fate);
    if (error != 0) {
        refuse(call, lag, error);
        return;
    }
    json_t *document = json_object();
    json_object_set_new(document, "from", json_string(lag->from));
    json_object_set_new(document, "to", json_string(lag->to));
    json_object_set_new(document, "lag", json_real(lag->value));
    json_object_set_new(document, "unit", json_string(health_lag_unit_text(lag->unit)));
    json_object_set_new(document, "taken", json_boolean(fate == HEALTH_PUSH_TAKEN));
    json_object_set_new(document, "ignored",
                        fate == HEALTH_PUSH_TAKEN ? json_null() : json_string(ignored[fate]));
    call_reply_json(call, 200, document);
}
