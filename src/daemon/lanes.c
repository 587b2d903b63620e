/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Five workers, each with an eventfd that wakes the control thread, and a line in the log every now and then
 * while something takes long. */
#include "config.h"

#include "daemon/lanes.h"

#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

enum {
    NICE = 10, /* what answers queries goes first */
    NICEST = 19,
    SAY_S = 5
};

/* Orders are what somebody in an emergency wants, and take no longer than they have to: they give way to
 * nobody. */
static const struct {
    const char *name;
    size_t limit;
    int nice;
} kinds[ADMIN_LANES] = {
    [ADMIN_QUICK] = {"quick", 640, NICE}, /* more than the unix socket has places: lists are not refused */
    [ADMIN_LONG] = {"long", 15, NICE},     [ADMIN_ORDERS] = {"orders", 64, 0},
    [ADMIN_TRIES] = {"tries", 15, 0}, /* as the prober: what it sees should not depend on who runs last */
    [ADMIN_SPARE] = {"spare", 15, NICEST},
};

struct lane {
    struct worker *worker;
    int fd;
    struct event *event;
};

struct lanes {
    struct lane lane[ADMIN_LANES];
    struct event *say;
};

/* ---- on the worker ---- */

/* Written to below its maximum, an eventfd never blocks. */
static void wake(void *context)
{
    const struct lane *lane = context;
    uint64_t one = 1;
    ssize_t written = write(lane->fd, &one, sizeof one);
    (void)written;
}

/* ---- on the control thread ---- */

static void on_wake(evutil_socket_t fd, short what, void *argument)
{
    const struct lane *lane = argument;
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)what, (void)got;
    worker_reap(lane->worker);
}

static void on_say(evutil_socket_t fd, short what, void *argument)
{
    const struct lanes *lanes = argument;
    (void)fd, (void)what;
    for (int i = 0; i < ADMIN_LANES; i++) {
        struct worker_stats stats;
        worker_get_stats(lanes->lane[i].worker, &stats);
        if (stats.running != NULL && stats.running_ms >= SAY_S * 1000) {
            log_info("computing what=%s done=%zu of=%zu running_ms=%ld waiting=%zu", stats.running,
                     stats.done, stats.of, (long)stats.running_ms, stats.waiting);
        }
    }
}

static int open_lane(struct event_base *base, enum admin_lane kind, struct lane *lane)
{
    lane->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (lane->fd == -1) {
        return -errno;
    }
    lane->event = event_new(base, lane->fd, EV_READ | EV_PERSIST, on_wake, lane);
    if (lane->event == NULL || event_add(lane->event, NULL) != 0) {
        return -ENOMEM;
    }
    return worker_open(&(struct worker_options){.name = kinds[kind].name,
                                                .limit = kinds[kind].limit,
                                                .nice = kinds[kind].nice,
                                                .in_order = kind == ADMIN_ORDERS,
                                                .context = lane,
                                                .wake = wake},
                       &lane->worker);
}

int lanes_open(struct event_base *base, struct lanes **to)
{
    const struct timeval interval = {.tv_sec = SAY_S};
    struct lanes *lanes = memory_alloc(sizeof *lanes);
    int error = 0;
    for (int i = 0; i < ADMIN_LANES; i++) {
        lanes->lane[i].fd = -1;
    }
    for (int i = 0; i < ADMIN_LANES && error == 0; i++) {
        error = open_lane(base, (enum admin_lane)i, &lanes->lane[i]);
    }
    lanes->say = event_new(base, -1, EV_PERSIST, on_say, lanes);
    if (error == 0 && (lanes->say == NULL || event_add(lanes->say, &interval) != 0)) {
        error = -ENOMEM;
    }
    if (error != 0) {
        lanes_close(lanes);
        return error;
    }
    *to = lanes;
    return 0;
}

void lanes_close(struct lanes *lanes)
{
    if (lanes == NULL) {
        return;
    }
    for (int i = 0; i < ADMIN_LANES; i++) {
        struct lane *lane = &lanes->lane[i];
        worker_close(lane->worker);
        if (lane->event != NULL) {
            event_free(lane->event);
        }
        if (lane->fd != -1) {
            close(lane->fd);
        }
    }
    if (lanes->say != NULL) {
        event_free(lanes->say);
    }
    free(lanes);
}

struct worker *lanes_get(const struct lanes *lanes, enum admin_lane lane)
{
    return lanes == NULL ? NULL : lanes->lane[lane].worker;
}
