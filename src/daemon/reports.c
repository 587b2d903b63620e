/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See reports.h. */
#include "config.h"

#include "daemon/reports.h"

#include "daemon/changes.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "daemon/snapshot.h"
#include "base/log.h"
#include "operate/operate.h"

/* Reports may come every second from every endpoint: what follows from them is logged, not they. */
int server_put_load(void *context, const char *endpoint, const struct health_load_report *report)
{
    struct server *server = context;
    lock_take(&server->lock);
    int error = operate_put_load(server->view, endpoint, report, clock_wall_ms(&server->clock),
                                 clock_now_ms(&server->clock));
    if (error == 0) {
        shadows_take_load(server->shadows, endpoint, report, clock_wall_ms(&server->clock));
    }
    lock_leave(&server->lock);
    server_forget_snapshot(server);
    if (error == 0 && report->source == HEALTH_LOAD_NONE) {
        changes_tell_forgotten(server->changes, endpoint, report);
    } else if (error == 0) {
        log_debug("load endpoint=%s load=%g actor=%s", endpoint, report->load, report->actor);
    }
    return error;
}

/* Likewise. */
int server_push(void *context, const char *endpoint, const char *check, const struct health_push *push,
                enum health_push_fate *fate)
{
    struct server *server = context;
    lock_take(&server->lock);
    health_follow_time(server->view->health, clock_now_ms(&server->clock));
    int error = operate_push(server->view, endpoint, check, push, clock_wall_ms(&server->clock),
                             clock_now_ms(&server->clock), fate);
    if (error == 0) {
        shadows_take_push(server->shadows, endpoint, check, push, clock_wall_ms(&server->clock));
    }
    lock_leave(&server->lock);
    server_forget_snapshot(server);
    if (error == 0) {
        atomic_fetch_add_explicit(&server->reports[*fate], 1, memory_order_relaxed);
        log_debug("report endpoint=%s check=%s state=%s taken=%d", endpoint, check, push->up ? "up" : "down",
                  *fate == HEALTH_PUSH_TAKEN);
    }
    return error;
}
