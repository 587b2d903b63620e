/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A safety rule lets go what it holds in a region, because an operator says so: an order like an override, or
 * a look at what would be answered then. */
#include "config.h"

#include "admin/call.h"

#include "admin/render.h"
#include "admin/request.h"
#include "base/error.h"

/* On a worker. */
static void foresee(struct call *call)
{
    const struct request_override *wanted = call->data;
    struct admin_release release = {.rule = wanted->releases,
                                    .region = call->route.name,
                                    .limit = call->route.limit,
                                    .progress = call->progress};
    int error = call->admin->verbs.rules.foresee_release(call->reader, &release, call->arena);
    if (error == ERROR_CANCELLED) {
        return;
    }
    if (error != 0) {
        override_refuse_release(call, error, wanted->releases);
        return;
    }
    json_t *document = json_object();
    json_object_set_new(document, "dry_run", json_true());
    json_object_set_new(document, "report", render_what_if(&release.report));
    call_reply_json(call, 200, document);
}

void handle_release(struct call *call)
{
    struct request_override wanted = {.what = {.set_ms = clock_wall_ms(&call->admin->clock)},
                                      .releases = call->route.name};
    const char *region = NULL;
    if (request_parse_release(call->body, call->body_len, &region, &wanted, &call->problem) == 0 &&
        caller_may_touch(call, HEALTH_REGION, region)) {
        call_add_actor(call, wanted.what.actor, wanted.what.peer);
    }
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    call->route.kind = HEALTH_REGION;
    call->route.name = arena_copy_text(call->arena, region);
    call->data = arena_copy(call->arena, &wanted, sizeof wanted);
    if (call->route.dry_run) {
        call_work(call, ADMIN_LONG, "release", foresee);
    } else {
        (void)override_put(call);
    }
}
