/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See link.h. */
#include "config.h"

#include "etcd/link.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "probe/runner.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

enum {
    AGAIN_MS = 20,        /* it is being started */
    AGAIN_LATER_MS = 200, /* it has just ended, or cannot be started */
    PING_MS = 1000,
    PATIENCE = 5,       /* pings: none is lost while this process itself is stopped */
    PIECES = 16,        /* of a turn of the loop */
    OUT_MAX = 32 << 20, /* octets that it has not taken: far beyond what may be under way */
};

struct etcd_link {
    struct etcd_link_options options;
    struct runner runner;
    struct clock clock;
    struct etcd_wire wire; /* fd -1: it is down */
    struct event *reads, *writes, *timer;
    unsigned unanswered; /* pings */
    uint64_t starts;
    bool is_wanted, is_starting;
    const char *broken; /* why it is to be broken; NULL: it is not */
};

static void arm(struct etcd_link *link, int64_t ms)
{
    const struct timeval after = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    (void)evtimer_add(link->timer, &after);
}

/* ---- down ---- */

static void hang_up(struct etcd_link *link)
{
    if (link->reads != NULL) {
        event_free(link->reads);
    }
    if (link->writes != NULL) {
        event_free(link->writes);
    }
    link->reads = link->writes = NULL;
    if (link->wire.fd != -1) {
        (void)close(link->wire.fd);
    }
    etcd_wire_fini(&link->wire);
    etcd_wire_init(&link->wire, -1);
}

/* It ends by itself when the stream does; but for one that is stopped, or stuck. */
static void go_down(struct etcd_link *link, int error, const char *why)
{
    hang_up(link);
    if (link->runner.pid != 0) {
        (void)kill(link->runner.pid, SIGKILL);
    }
    link->broken = NULL;
    link->options.down(link->options.context, error, why);
    arm(link, AGAIN_MS);
}

void etcd_link_break(struct etcd_link *link, const char *why)
{
    link->broken = why;
    arm(link, 0);
}

/* ---- frames ---- */

static void flush(struct etcd_link *link)
{
    if (link->wire.fd == -1 || etcd_wire_flush(&link->wire) != 0) {
        return; /* an end is what is read next */
    }
    size_t waiting = etcd_wire_count_waiting(&link->wire);
    if (waiting > OUT_MAX) {
        etcd_link_break(link, "steerd-etcd takes nothing");
    } else if (waiting != 0) {
        (void)event_add(link->writes, NULL);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *argument)
{
    (void)fd, (void)what;
    flush(argument);
}

/* Returns 0, or why there is nothing more to read. */
static int take_frames(struct etcd_link *link)
{
    struct etcd_frame frame;
    int error = etcd_wire_receive(&link->wire);
    if (error != 0) {
        return error;
    }
    link->unanswered = 0;
    while (link->broken == NULL && (error = etcd_wire_next(&link->wire, &frame)) == 0) {
        if (frame.kind != ETCD_FRAME_PONG) {
            link->options.took(link->options.context, &frame);
        }
    }
    return error == -EAGAIN ? 0 : error;
}

static void on_readable(evutil_socket_t fd, short what, void *argument)
{
    struct etcd_link *link = argument;
    int error = 0;
    (void)fd, (void)what;
    for (int i = 0; i < PIECES && error == 0 && link->broken == NULL; i++) {
        error = take_frames(link);
    }
    if (link->broken != NULL) {
        go_down(link, -EPROTO, link->broken);
    } else if (error == -EBADMSG) {
        go_down(link, -EPROTO, "what steerd-etcd says is not understood");
    } else if (error != 0 && error != -EAGAIN) {
        go_down(link, -ECONNRESET, "steerd-etcd has ended");
    }
}

struct buffer *etcd_link_get_out(struct etcd_link *link)
{
    return &link->wire.out;
}

void etcd_link_send(struct etcd_link *link)
{
    flush(link);
}

bool etcd_link_wait(struct etcd_link *link, int ms)
{
    flush(link);
    bool has_more = link->wire.fd != -1 && etcd_wire_count_waiting(&link->wire) != 0;
    struct pollfd one = {.fd = link->wire.fd, .events = (short)(POLLIN | (has_more ? POLLOUT : 0))};
    if (one.fd == -1 || poll(&one, 1, ms) <= 0) {
        return false;
    }
    on_readable(one.fd, EV_READ, link);
    return link->wire.fd != -1;
}

bool etcd_link_is_up(const struct etcd_link *link)
{
    return link->wire.fd != -1;
}

uint64_t etcd_link_count_starts(const struct etcd_link *link)
{
    return link->starts;
}

/* ---- up ---- */

static bool watch_stream(struct etcd_link *link, int fd)
{
    struct event_base *base = link->options.base;
    etcd_wire_init(&link->wire, fd);
    link->reads = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, link);
    link->writes = event_new(base, fd, EV_WRITE, on_writable, link);
    return link->reads != NULL && link->writes != NULL && event_add(link->reads, NULL) == 0;
}

static void fail_start(struct etcd_link *link, int error)
{
    char why[ETCD_WHY_SIZE];
    (void)snprintf(why, sizeof why, "steerd-etcd cannot be started: %s",
                   link->options.program == NULL ? "there is none"
                   : error == -ECHILD            ? "it ends at once"
                                                 : error_text(error));
    link->is_starting = false;
    link->options.down(link->options.context, error, why);
    arm(link, AGAIN_LATER_MS);
}

static void start(struct etcd_link *link)
{
    uint32_t version = ETCD_VERSION;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == -1) {
        fail_start(link, -errno);
        return;
    }
    int error = runner_order(&link->runner, &version, sizeof version, ends[1], clock_now_us(&link->clock));
    (void)close(ends[1]);
    if (error == 0 && !watch_stream(link, ends[0])) {
        hang_up(link);
        fail_start(link, -ENOMEM);
        return;
    }
    if (error == 0) {
        link->is_starting = false;
        link->starts++;
        link->unanswered = 0;
        arm(link, PING_MS);
        link->options.up(link->options.context);
        flush(link);
        return;
    }
    (void)close(ends[0]);
    if (error == -EAGAIN || (error == -ECHILD && !link->is_starting)) {
        link->is_starting = error == -EAGAIN;
        arm(link, AGAIN_MS);
    } else {
        fail_start(link, error);
    }
}

/* Its answer tells that it lives; nobody waits for it. */
static void ping(struct etcd_link *link)
{
    if (link->unanswered++ == PATIENCE) {
        go_down(link, -ETIMEDOUT, "steerd-etcd does not answer");
        return;
    }
    etcd_write_mark(ETCD_FRAME_PING, 0, &link->wire.out);
    arm(link, PING_MS);
    flush(link);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct etcd_link *link = argument;
    (void)fd, (void)what;
    if (link->broken != NULL && link->wire.fd != -1) {
        go_down(link, -EPROTO, link->broken);
    } else if (link->wire.fd != -1) {
        ping(link);
    } else if (link->is_wanted) {
        start(link);
    }
}

/* ---- life ---- */

struct etcd_link *etcd_link_open(const struct etcd_link_options *options)
{
    struct etcd_link *link = memory_alloc(sizeof *link);
    link->options = *options;
    clock_init(&link->clock);
    runner_init(&link->runner, options->program);
    etcd_wire_init(&link->wire, -1);
    link->timer = evtimer_new(options->base, on_timer, link);
    if (link->timer == NULL) {
        free(link);
        return NULL;
    }
    return link;
}

void etcd_link_close(struct etcd_link *link)
{
    hang_up(link);
    event_free(link->timer);
    runner_leave(&link->runner); /* it may be stopped, or stuck */
    free(link);
}

void etcd_link_want(struct etcd_link *link)
{
    if (!link->is_wanted) {
        link->is_wanted = true;
        arm(link, 0);
    }
}
