/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What happens by itself at a time. */
#include "config.h"

#include "daemon/expiry.h"

#include "daemon/server.h"
#include "daemon/snapshot.h"

#include <errno.h>

#include <event2/event.h>

/* Wall time may be set: never sleep longer than this on it. Loads are looked at as often, for they grow old
 * without anybody's doing. */
enum { EXPIRY_CHECK_MS = 1000 };

static void on_expiry(int fd, short events, void *argument)
{
    (void)fd;
    (void)events;
    struct server *server = argument;
    bool any = false;
    lock_take(&server->lock);
    int64_t now = clock_wall_ms(&server->clock);
    while (health_follow_turn(server->view->health, now) != 0) {
        any = true;
        lock_pass(&server->lock);
    }
    health_expire_loads(server->view->health, now);
    lock_leave(&server->lock);
    if (any) {
        server_forget_snapshot(server);
    }
    server_forget_old_snapshot(server);
    server_schedule_expiry(server);
}

void server_schedule_expiry(struct server *server)
{
    lock_take(&server->lock);
    int64_t next = health_next_due(server->view->health), left = EXPIRY_CHECK_MS;
    lock_leave(&server->lock);
    if (next != 0) {
        left = next - clock_wall_ms(&server->clock);
        left = left < 1 ? 1 : left > EXPIRY_CHECK_MS ? EXPIRY_CHECK_MS : left;
    }
    struct timeval timeout = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    event_add(server->expiry, &timeout);
}

int server_open_expiry(struct server *server)
{
    server->expiry = evtimer_new(server->base, on_expiry, server);
    return server->expiry == NULL ? -ENOMEM : 0;
}
