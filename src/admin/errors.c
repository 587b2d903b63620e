/* SPDX-License-Identifier: BSD-3-Clause
 *
 * GET /v1/errors: how many requests fail, as others report it, one row per region, az and endpoint of which
 * there was a word lately; and such reports. A cursor is the row shown last: "KIND:NAME". */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/render_set.h"
#include "admin/request.h"
#include "base/error.h"

#include <string.h>

json_t *render_errors(const struct admin_errors *errors)
{
    const struct errors_status *status = errors->status;
    bool is_counted = status->requests > 0;
    json_t *object = json_object();
    set_text(object, "kind", health_kind_text(status->kind));
    set_text(object, "name", status->name);
    set(object, "share", status->is_known ? json_real(status->share) : json_null());
    set(object, "last_share", json_real(status->share));
    set(object, "errors", is_counted ? json_real(status->errors) : json_null());
    set(object, "requests", is_counted ? json_real(status->requests) : json_null());
    set(object, "most", errors->most == 0 ? json_null() : json_real(errors->most));
    set(object, "over",
        status->is_known && errors->most != 0 ? json_boolean(status->share > errors->most) : json_null());
    set_number(object, "sources", status->sources);
    set_number(object, "age_ms", (uint64_t)status->age_ms);
    set_number(object, "max_age_ms", (uint64_t)status->max_age_ms);
    set_text(object, "actor", status->actor);
    set_text(object, "peer", status->peer);
    set_time(object, "reported", status->reported_ms);
    return object;
}

/* ---- to look at ---- */

static const char *write_cursor(const struct admin_errors *errors, struct arena *arena)
{
    return arena_print(arena, "%s:%s", health_kind_text(errors->status->kind), errors->status->name);
}

/* Number of the first row to show; -1: the row of the cursor is not there. */
static ptrdiff_t find_start(const struct call *call, const struct admin_errors *rows, size_t count)
{
    const char *cursor = call->route.parameters[ROUTE_CURSOR];
    size_t at = 0;
    if (cursor == NULL) {
        return 0;
    }
    while (at < count && strcmp(cursor, write_cursor(&rows[at], call->arena)) != 0) {
        at++;
    }
    return at < count ? (ptrdiff_t)at + 1 : -1;
}

void handle_errors(struct call *call)
{
    struct admin_errors *rows = NULL;
    size_t count = call->admin->verbs.list_errors(call->reader, call->arena, &rows);
    ptrdiff_t start = find_start(call, rows, count);
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
        json_array_append_new(items, render_errors(&rows[end]));
    }
    json_object_set_new(document, "items", items);
    json_object_set_new(document, "next_cursor",
                        end < count ? json_string(write_cursor(&rows[end - 1], call->arena)) : json_null());
    call_reply_json(call, 200, document);
}

/* ---- reports ---- */

static void refuse(struct call *call, const struct errors_report *errors, int error)
{
    if (error == ERROR_NOT_FOUND) {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no %s \"%s\"",
                    health_kind_text(errors->kind), errors->name);
    } else if (error == ERROR_BUSY) {
        problem_set(&call->problem, PROBLEM_BUSY,
                    "there are as many sources whose reports count as there may be: %d of a place, %d of one "
                    "peer, %d in all",
                    ERRORS_PLACE_MAX, ERRORS_PEER_MAX, ERRORS_SOURCES_MAX);
    } else {
        call_set_internal(call, error);
    }
    call_reply_problem(call);
}

void reply_errors_report(struct call *call, struct request_report *report)
{
    static const char *const ignored[] = {[HEALTH_PUSH_LATE] = "late", [HEALTH_PUSH_REPLAYED] = "replayed"};
    const struct admin_verbs *verbs = &call->admin->verbs;
    struct errors_report *errors = &report->errors;
    enum health_push_fate fate = HEALTH_PUSH_TAKEN;
    char peer[HEALTH_PEER_SIZE] = "";
    if (!caller_may_touch(call, errors->kind, errors->name)) {
        call_reply_problem(call);
        return;
    }
    call_add_actor(call, report->actor, peer);
    errors->actor = report->actor;
    errors->peer = peer;
    int error = verbs->report_errors(verbs->context, errors, &fate);
    if (error != 0) {
        refuse(call, errors, error);
        return;
    }
    json_t *document = json_object();
    set_text(document, "kind", health_kind_text(errors->kind));
    set_text(document, "name", errors->name);
    set(document, "share",
        json_real(!errors->is_counted     ? errors->share
                  : errors->requests == 0 ? 0
                                          : errors->errors / errors->requests));
    set_text(document, "actor", errors->actor);
    set(document, "taken", json_boolean(fate == HEALTH_PUSH_TAKEN));
    set_text(document, "ignored", fate == HEALTH_PUSH_TAKEN ? NULL : ignored[fate]);
    call_reply_json(call, 200, document);
}
