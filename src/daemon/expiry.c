/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What happens by itself at a time. */
#include "config.h"

#include "daemon/expiry.h"

#include "daemon/durable.h"
#include "daemon/hosts.h"
#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "base/log.h"

#include <errno.h>

#include <event2/event.h>

/* Wall time may be set: never sleep longer than this on it. Loads are looked at as often, for they grow old
 * without anybody's doing. */
enum { EXPIRY_CHECK_MS = 1000 };

/* Less is no step but the two clocks being read one after the other. */
enum { STEP_MS = 100 };

void server_follow_clock_step(struct server *server)
{
    int64_t offset_ms = clock_offset_ms(&server->clock), by_ms = offset_ms - server->clock_offset_ms;
    size_t done = 0;
    if (by_ms > -STEP_MS && by_ms < STEP_MS) {
        return;
    }
    server->clock_offset_ms = offset_ms;
    log_warning(
        "clock stepped by_ms=%lld overrides=\"those of a duration keep it, those until a time end then\"",
        (long long)by_ms);
    lock_take(&server->lock);
    while (health_shift_clock(server->view->health, by_ms, &done)) {
        lock_pass(&server->lock);
    }
    done = 0;
    while (by_ms < 0 && health_forget_outages(server->view->health, &done)) {
        lock_pass(&server->lock);
    }
    lock_leave(&server->lock);
    durable_keep_durations(server->durable, by_ms);
    hosts_follow_clock(server->hosts, by_ms);
    server_forget_snapshot(server);
}

static void on_expiry(int fd, short events, void *argument)
{
    (void)fd;
    (void)events;
    struct server *server = argument;
    bool any = false;
    server_follow_clock_step(server);
    lock_take(&server->lock);
    int64_t now = clock_wall_ms(&server->clock);
    while (health_follow_turn(server->view->health, now) != 0) {
        any = true;
        lock_pass(&server->lock);
    }
    health_expire_loads(server->view->health, now, clock_now_ms(&server->clock));
    lock_leave(&server->lock);
    durable_follow(server->durable);
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
