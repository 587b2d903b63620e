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

/* A row, and what the cursor behind it says. */
struct row {
    const char *cursor;
    const struct admin_errors *errors;
};

static const char *get_cursor(const void *rows, size_t i)
{
    return ((const struct row *)rows)[i].cursor;
}

static json_t *render_row(const void *rows, size_t i)
{
    return render_errors(((const struct row *)rows)[i].errors);
}

void handle_errors(struct call *call)
{
    struct admin_errors *errors = NULL;
    size_t count = call->admin->verbs.list_errors(call->reader, call->arena, &errors);
    struct row *rows = arena_alloc(call->arena, (count + 1) * sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        const struct errors_status *status = errors[i].status;
        rows[i] = (struct row){
            arena_print(call->arena, "%s:%s", health_kind_text(status->kind), status->name), &errors[i]};
    }
    call_reply_page(call, rows, count, get_cursor, render_row);
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
