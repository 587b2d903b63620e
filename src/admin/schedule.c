/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills that are done regularly, as resources; and one that is run now. */
#include "config.h"

#include "admin/call.h"

#include "base/error.h"

static const char *get_name(const void *items, size_t i)
{
    return ((const struct admin_scheduled *)items)[i].name;
}

static json_t *render_item(const void *items, size_t i)
{
    return json_loads(((const struct admin_scheduled *)items)[i].json, 0, NULL);
}

static void look(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    bool is_list = call->route.id == ROUTE_SCHEDULE;
    struct admin_scheduled *items;
    size_t count =
        verbs->schedule.list(verbs->context, is_list ? NULL : call->route.name, call->arena, &items);
    if (is_list) {
        call_reply_page(call, items, count, get_name, render_item);
    } else if (count != 0) {
        call_reply_json(call, 200, render_item(items, 0));
    } else {
        problem_set(&call->problem, PROBLEM_NOT_FOUND, "the configuration has no regular drill \"%s\"",
                    call->route.name);
        call_reply_problem(call);
    }
}

static void run(struct call *call)
{
    const struct admin_verbs *verbs = &call->admin->verbs;
    char actor[HEALTH_ACTOR_SIZE] = "", peer[HEALTH_PEER_SIZE] = "";
    const char *why = NULL;
    call_add_actor(call, actor, peer);
    if (problem_is_set(&call->problem)) {
        call_reply_problem(call);
        return;
    }
    int error = verbs->schedule.run(verbs->context, call->route.name, actor, call->arena, &why);
    if (error == ERROR_BUSY) {
        problem_set(&call->problem, PROBLEM_CONFLICT, "not now: %s", why);
        call_reply_problem(call);
    } else {
        look(call);
    }
}

void handle_schedule(struct call *call)
{
    if (call->method == ROUTE_POST) {
        run(call);
    } else {
        look(call);
    }
}
