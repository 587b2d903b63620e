/* SPDX-License-Identifier: BSD-3-Clause
 *
 * GET /v1/replication: how far copies of data lag behind, one row per pair, in the order of the topology; and
 * reports of it. A cursor is the row shown last: "FROM/TO". */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/request.h"
#include "base/error.h"

/* A row, and what the cursor behind it says. */
struct row {
    const char *cursor;
    const struct admin_lag *lag;
};

static const char *get_cursor(const void *rows, size_t i)
{
    return ((const struct row *)rows)[i].cursor;
}

static json_t *render_row(const void *rows, size_t i)
{
    return render_lag(((const struct row *)rows)[i].lag);
}

void handle_replication(struct call *call)
{
    struct admin_lag *lags = NULL;
    size_t count = call->admin->verbs.list_lags(call->reader, call->arena, &lags);
    struct row *rows = arena_alloc(call->arena, (count + 1) * sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        const struct health_lag_status *status = &lags[i].status;
        rows[i] = (struct row){arena_print(call->arena, "%s/%s", status->from, status->to), &lags[i]};
    }
    call_reply_page(call, rows, count, get_cursor, render_row);
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
