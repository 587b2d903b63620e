/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See live_errors.h. */
#include "config.h"

#include "daemon/live_errors.h"

#include "daemon/server.h"
#include "daemon/shadow_inside.h"
#include "operate/operate.h"
#include "view/content.h"

#include <stdlib.h>

struct errors_list live_list_reporters(const struct server *server)
{
    struct errors_list list = errors_look(server->errors, clock_now_ms(&server->clock));
    size_t kept = 0;
    for (size_t i = 0; i < list.count; i++) {
        if (list.items[i].is_known) {
            list.items[kept++] = list.items[i];
        }
    }
    list.count = kept;
    return list;
}

static bool lies_in(const struct conf_endpoint *endpoint, uint32_t index, enum health_kind kind, uint32_t of)
{
    return kind == HEALTH_ENDPOINT ? index == of
           : kind == HEALTH_AZ     ? endpoint->az == of
                                   : endpoint->region == of;
}

/* Nobody hears of any of its endpoints; or it is not there any more. */
static bool is_lost(const struct shadow *shadow, const struct errors_status *status)
{
    const struct view *view = shadow->all->server->view;
    struct lock *lock = &shadow->all->server->lock;
    ptrdiff_t place = operate_find_target(view, status->kind, status->name);
    bool is_lost = true;
    lock_take(lock);
    for (uint32_t i = 0; place >= 0 && is_lost && i < view->topology->endpoint_count; i++) {
        is_lost = !lies_in(&view->topology->endpoints[i], i, status->kind, (uint32_t)place) ||
                  drill_stage_is_silent(shadow->stage, i, NULL);
        if (i % VIEW_TURN == VIEW_TURN - 1) {
            lock_pass(lock);
        }
    }
    lock_leave(lock);
    return is_lost;
}

static bool is_known(const struct errors_list *list, const struct errors_status *status)
{
    const struct errors_status *now = errors_find(list, status->kind, status->name);
    return now != NULL && now->is_known;
}

void live_see_errors(const struct shadow *shadow, const struct errors_list *reporters,
                     struct errors_status *seen, struct drill_sight *sight)
{
    const struct server *server = shadow->all->server;
    struct errors_list list = errors_look(server->errors, clock_now_ms(&server->clock));
    const struct errors_status *found = NULL;
    for (size_t i = 0; found == NULL && i < reporters->count; i++) {
        const struct errors_status *status = &reporters->items[i];
        found = !is_known(&list, status) && !is_lost(shadow, status) ? status : NULL;
    }
    sight->errors = found == NULL ? 0 : -1;
    for (size_t i = 0; sight->errors != -1 && i < list.count; i++) {
        const struct errors_status *status = &list.items[i];
        if (status->is_known && status->share > sight->errors && !is_lost(shadow, status)) {
            found = status;
            sight->errors = status->share;
        }
    }
    if (found != NULL) {
        *seen = *found;
        sight->failing_kind = health_kind_text(seen->kind);
        sight->failing = seen->name;
    }
    free(list.items);
}
