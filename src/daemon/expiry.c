/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What happens by itself at a time. */
#include "config.h"

#include "daemon/expiry.h"

#include "daemon/durable.h"
#include "daemon/hosts.h"
#include "daemon/rules_watch.h"
#include "daemon/server.h"
#include "daemon/shadows.h"
#include "daemon/snapshot.h"
#include "daemon/switchovers.h"
#include "daemon/vantages.h"
#include "base/log.h"

#include <errno.h>

#include <event2/event.h>

/* Wall time may be set: never sleep longer than this on it. Loads are looked at as often, for they grow old
 * without anybody's doing. */
enum { EXPIRY_CHECK_MS = 1000 };

/* Of the control thread, at a time. */
enum { WHILE_US = 300 };

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
        "clock stepped by_ms=%lld effect=\"overrides of a duration keep it, those until a time end then\"",
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
    shadows_follow_clock_step(server->shadows, by_ms);
    switchovers_follow_clock_step(server->switchovers, by_ms);
    server_forget_snapshot(server);
}

/* What is due, in turns at the lock, but no longer than a while. Returns whether there is more. */
static bool follow_for_a_while(struct server *server, int64_t wall_ms, bool *any)
{
    int64_t until_us = clock_now_us(&server->clock) + WHILE_US;
    size_t turned;
    do {
        lock_take(&server->lock);
        turned = health_follow_turn(server->view->health, wall_ms);
        turned += health_follow_stays(server->view->health, clock_now_ms(&server->clock), wall_ms);
        lock_leave(&server->lock);
        durable_follow(server->durable);
        *any |= turned != 0;
    } while (turned != 0 && clock_now_us(&server->clock) < until_us);
    return turned != 0;
}

static void on_expiry(int fd, short events, void *argument)
{
    (void)fd;
    (void)events;
    const struct timeval soon = {.tv_usec = 0};
    struct server *server = argument;
    bool any = false;
    server_follow_clock_step(server);
    int64_t now = clock_wall_ms(&server->clock);
    bool more = follow_for_a_while(server, now, &any);
    if (any) {
        server_forget_snapshot(server);
    }
    if (more) { /* thousands at once: others of this thread have their turn in between */
        event_add(server->expiry, &soon);
        return;
    }
    lock_take(&server->lock);
    health_follow_time(server->view->health, clock_now_ms(&server->clock));
    health_expire_loads(server->view->health, now, clock_now_ms(&server->clock));
    health_follow_lags(server->view->health, now, clock_now_ms(&server->clock));
    more = health_expire_pushes(server->view->health, now, clock_now_ms(&server->clock));
    if (!vantages_are_heard(
            server->vantages)) { /* else the thread that hears them: it reads before it judges */
        more |= health_follow_vantages(server->view->health, now, clock_now_ms(&server->clock));
    }
    lock_leave(&server->lock);
    if (more) {
        event_add(server->expiry, &soon);
        return;
    }
    server_forget_old_snapshot(server);
    rules_watch_follow(server->rules);
    server_schedule_expiry(server);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Nothing stays down for less than EXPIRY_CHECK_MS, so that its end is known here in time. */
void server_schedule_expiry(struct server *server)
{
    lock_take(&server->lock);
    int64_t next = health_next_due(server->view->health), left = EXPIRY_CHECK_MS;
    int64_t stay = health_next_stay(server->view->health);
    lock_leave(&server->lock);
    if (next != 0) {
        left = least(left, next - clock_wall_ms(&server->clock));
    }
    if (stay != INT64_MAX) {
        left = least(left, stay - clock_now_ms(&server->clock));
    }
    left = left < 1 ? 1 : left;
    struct timeval timeout = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    event_add(server->expiry, &timeout);
}

int server_open_expiry(struct server *server)
{
    server->expiry = evtimer_new(server->base, on_expiry, server);
    return server->expiry == NULL ? -ENOMEM : 0;
}
