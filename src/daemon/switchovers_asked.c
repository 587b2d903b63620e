/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an order about a switchover asks for: kept beyond the request, and refused for want of what it is
 * about. */
#include "config.h"

#include "daemon/switchovers_order.h"

#include "daemon/answers.h"
#include "daemon/server.h"

#include <stdio.h>

/* To come back it needs neither where it went nor whose names these were. */
bool switchover_is_refused_for_want(struct switchover_order *order)
{
    const struct view *view = order->all->server->view;
    const struct switchover *what = order->what;
    bool returns = order->asked.id != NULL && order->asked.verb == SWITCHOVER_FAIL_BACK;
    const char *place = NULL, *to = NULL, *group = NULL;
    size_t len = 0;
    for (size_t i = 0; i < what->target_count && place == NULL; i++) {
        bool is_there = operate_find_target(view, what->targets[i].kind, what->targets[i].name) >= 0;
        place = is_there ? NULL : what->targets[i].name;
    }
    if (place == NULL && !returns && what->to[0] != '\0' &&
        operate_find_target(view, HEALTH_REGION, what->to) < 0 &&
        operate_find_target(view, HEALTH_AZ, what->to) < 0) {
        to = what->to;
    }
    (void)health_find_groups(view->health, what->names, &group, &len);
    if (place != NULL) {
        order->refuse(order, ADMIN_SWITCHOVER_TARGET, arena_copy_text(order->arena, place));
    } else if (to != NULL) {
        order->refuse(order, ADMIN_SWITCHOVER_TO, arena_copy_text(order->arena, to));
    } else if (len != 0 && !returns) {
        order->refuse(order, ADMIN_SWITCHOVER_NAMES, arena_print(order->arena, "%.*s", (int)len, group));
    }
    return place != NULL || to != NULL || (len != 0 && !returns);
}

void switchover_copy_asked(struct switchover_order *order, const struct admin_switchover_order *asked)
{
    struct arena *arena = order->arena;
    const char **accepted = arena_alloc(arena, (asked->accepted_count + 1) * sizeof *accepted);
    for (size_t i = 0; i < asked->accepted_count; i++) {
        accepted[i] = arena_copy_text(arena, asked->accepted[i]);
    }
    order->asked = *asked;
    order->asked.id = arena_copy_text(arena, asked->id);
    order->asked.accepted = accepted;
    order->asked.confirm = arena_copy_text(arena, asked->confirm);
    order->asked.to = arena_copy_text(arena, asked->to);
    order->asked.actor = arena_copy_text(arena, asked->actor);
    order->asked.peer = arena_copy_text(arena, asked->peer);
    order->asked.reason = arena_copy_text(arena, asked->reason);
    order->asked.request = arena_copy_text(arena, asked->request);
    order->asked.condition = condition_copy(asked->condition, arena);
    order->asked.receipt = answers_copy(asked->receipt, arena);
}
