/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Recovery points as resources. They are read on a worker; what changes them is answered when it is durable.
 */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/request.h"
#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- looking ---- */

static void set_unread(struct call *call, int error, const char *why)
{
    problem_set(&call->problem, PROBLEM_NO_JOURNAL, "%s", why == NULL ? error_text(error) : why);
}

static void set_no_point(struct call *call)
{
    problem_set(&call->problem, PROBLEM_NOT_FOUND, "there is no recovery point \"%s\"", call->route.name);
}

static const char *get_id(const void *items, size_t i)
{
    return ((const struct point *)items)[i].id;
}

static json_t *render_item(const void *items, size_t i)
{
    return render_point(&((const struct point *)items)[i]);
}

static void look(struct call *call)
{
    struct admin_points points = {.progress = call->progress};
    int error = call->admin->verbs.list_points(call->reader, &points, call->arena);
    if (error != 0) {
        set_unread(call, error, points.why);
        call_reply_problem(call);
        return;
    }
    if (call->route.id == ROUTE_POINTS) {
        call_reply_page(call, points.items, points.count, get_id, render_item);
        return;
    }
    for (size_t i = 0; i < points.count; i++) {
        if (strcmp(points.items[i].id, call->route.name) == 0) {
            call_reply_json(call, 200, render_point(&points.items[i]));
            return;
        }
    }
    set_no_point(call);
    call_reply_problem(call);
}

/* ---- changing ---- */

/* On its way. */
struct changing {
    struct call_pending *pending;
    enum admin_point_what what;
    char id[POINTS_ID_SIZE];
};

static void set_refused(struct call *call, enum admin_point_what what, int error, const char *why)
{
    if (error == ERROR_NOT_FOUND) {
        set_no_point(call);
    } else if (error == ERROR_CONFLICT && what == ADMIN_POINT_SAVE) {
        problem_set(&call->problem, PROBLEM_CONFLICT,
                    "there is a recovery point \"%s\"; delete it first, or take another name",
                    call->route.name);
    } else if (error == ERROR_CONFLICT) {
        problem_set(&call->problem, PROBLEM_CONFLICT, "somebody else is changing \"%s\"; ask again",
                    call->route.name);
    } else if (error == ERROR_PRECONDITION) {
        call_set_precondition(call);
    } else if (error == ERROR_UNSUPPORTED) {
        set_unread(call, error, why != NULL ? why : "steerd.json has no \"state\": nothing is kept");
    } else if (error == ERROR_BUSY) {
        problem_set(&call->problem, PROBLEM_BUSY, "too many recovery points are being made; ask again later");
    } else {
        problem_set(&call->problem, PROBLEM_NOT_SAVED, "%s", why == NULL ? error_text(error) : why);
    }
}

static void on_changed(void *argument, const struct admin_point_result *result)
{
    struct changing *changing = argument;
    struct call call;
    if (call_resume(changing->pending, &call)) {
        call.route.name = changing->id;
        if (result->error != 0) {
            set_refused(&call, changing->what, result->error, result->why);
            call_reply_problem(&call);
        } else if (changing->what == ADMIN_POINT_DELETE) {
            json_t *document = json_object();
            json_object_set_new(document, "id", json_string(changing->id));
            json_object_set_new(document, "deleted", json_true());
            call_reply_json(&call, 200, document);
        } else {
            call_reply_json(&call, changing->what == ADMIN_POINT_SAVE ? 201 : 200,
                            render_point(result->point));
        }
        call_finish(&call);
    }
    free(changing);
}

static void change(struct call *call, enum admin_point_what what, struct request_point *wanted)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    char peer[HEALTH_PEER_SIZE] = "";
    if (!problem_is_set(&call->problem)) {
        call_add_actor(call, wanted->actor, peer);
    }
    if (!problem_is_set(&call->problem) && !points_is_id(call->route.name)) {
        set_no_point(call);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    const char *name = call->route.name;
    const struct admin_point_order order = {
        .what = what,
        .kind = POINTS_NAMED,
        .id = name,
        .reason = wanted->reason,
        .actor = wanted->actor,
        .peer = peer,
        .condition = call->condition,
        .receipt = call_make_receipt(call),
        .request = what == ADMIN_POINT_SAVE  ? "POST /v1/points"
                   : what == ADMIN_POINT_USE ? arena_print(call->arena, "POST /v1/points/%s:use", name)
                                             : arena_print(call->arena, "DELETE /v1/points/%s", name)};
    struct changing *changing = memory_alloc(sizeof *changing);
    *changing = (struct changing){.pending = call_defer(call), .what = what};
    snprintf(changing->id, sizeof changing->id, "%s", name);
    int error = verbs->change_point(verbs->context, &order, on_changed, changing);
    if (error != 0) {
        on_changed(changing, &(struct admin_point_result){.error = error});
    }
}

void handle_points(struct call *call)
{
    struct request_point wanted;
    if (call->method != ROUTE_POST) {
        call_work(call, ADMIN_QUICK, "points", look);
        return;
    }
    if (request_parse_point(call->body, call->body_len, REQUEST_SAVE, &wanted, &call->problem) == 0) {
        call->route.name = wanted.name;
    }
    change(call, ADMIN_POINT_SAVE, &wanted);
}

void handle_point(struct call *call)
{
    struct request_point wanted = {.name = NULL};
    const char *reason = call->route.parameters[ROUTE_REASON];
    if (call->method != ROUTE_DELETE) {
        call_work(call, ADMIN_QUICK, "points", look);
        return;
    }
    if (reason != NULL) {
        request_check_reason(reason, wanted.reason, &call->problem);
    }
    change(call, ADMIN_POINT_DELETE, &wanted);
}

void handle_point_use(struct call *call)
{
    struct request_point wanted;
    (void)request_parse_point(call->body, call->body_len, REQUEST_USE, &wanted, &call->problem);
    change(call, ADMIN_POINT_USE, &wanted);
}
