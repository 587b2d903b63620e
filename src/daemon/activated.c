/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See activated.h. $WATCHDOG_PID is not looked at: after a takeover it is the number of a process that is
 * gone, while the supervisor goes on waiting. */
#include "config.h"

#include "daemon/activated.h"

#include "daemon/server.h"
#include "daemon/spawn.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/number.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

/* systemd calls its own by this name, too; there are no others to be told apart. */
#define STORE_NAME "dns"

enum { FIRST_FD = 3, SOCKETS_MAX = 4096, TURNS_PER_WATCH = 3 };

struct activated {
    struct serve_socket *sockets;
    size_t count;
    struct event *watch; /* timer: the watchdog; NULL: there is none */
};

/* ---- sockets ---- */

/* 0 if there is no such number, or another one than a count of descriptors can be. */
static long read_number(const char *name, long most)
{
    const char *text = getenv(name);
    uint64_t number;
    return text != NULL && number_read(text, 10, (uint64_t)most, &number) ? (long)number : 0;
}

static void take_socket(struct activated *activated, int fd)
{
    int flags = fcntl(fd, F_GETFD), error = flags == -1 ? ERROR_INVALID : 0;
    struct serve_socket *socket = &activated->sockets[activated->count];
    if (error == 0) {
        (void)fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
        error = serve_adopt_socket(fd, socket);
    }
    if (error != 0) {
        log_warning("socket refused fd=%d why=\"%s\" hint=\"sockets of UDP, or of TCP that listen; of IPv6 "
                    "with BindIPv6Only=ipv6-only\"",
                    fd, error_text(error));
        (void)(flags != -1 && close(fd));
    } else {
        activated->count++;
    }
}

struct activated *activated_new(void)
{
    enum { PID_MOST = 1 << 30 };
    struct activated *activated = memory_alloc(sizeof *activated);
    bool is_meant = read_number("LISTEN_PID", PID_MOST) == (long)getpid();
    int count = is_meant ? (int)read_number("LISTEN_FDS", SOCKETS_MAX) : 0;
    activated->sockets = memory_alloc_array((size_t)count, sizeof *activated->sockets);
    for (int i = 0; i < count; i++) {
        take_socket(activated, FIRST_FD + i);
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return activated;
}

static void close_all(struct activated *activated)
{
    for (size_t i = 0; i < activated->count; i++) {
        if (activated->sockets[i].fd != -1) {
            (void)close(activated->sockets[i].fd);
            activated->sockets[i].fd = -1;
        }
    }
}

static void end_watch(struct activated *activated)
{
    if (activated->watch != NULL) {
        event_free(activated->watch);
        activated->watch = NULL;
    }
}

void activated_free(struct activated *activated)
{
    if (activated != NULL) {
        close_all(activated);
        end_watch(activated);
        free(activated->sockets);
        free(activated);
    }
}

void activated_lend_sockets(struct activated *activated, struct serve_options *options)
{
    options->inherited = activated->sockets;
    options->inherited_count = activated->count;
}

void activated_note_sockets(struct activated *activated, struct serve_options *options)
{
    size_t unused = 0;
    for (size_t i = 0; i < activated->count; i++) {
        unused += activated->sockets[i].fd != -1;
    }
    if (activated->count != 0) {
        log_info("sockets given count=%zu unused=%zu", activated->count, unused);
    }
    close_all(activated);
    options->inherited = NULL;
    options->inherited_count = 0;
}

/* ---- while it serves ---- */

static void store_sockets(const struct serve *serve)
{
    enum { STORED_MAX = 253 }; /* the kernel takes no more at a time */
    size_t count = 0;
    struct serve_socket *list = serve_list_sockets(serve, &count);
    spawn_tell_supervisor("FDSTOREREMOVE=1\nFDNAME=" STORE_NAME);
    for (size_t at = 0; at < count;) {
        int fds[STORED_MAX];
        size_t part = 0;
        while (part < STORED_MAX && at < count) {
            fds[part++] = list[at++].fd;
        }
        spawn_give_supervisor(fds, part, "FDSTORE=1\nFDNAME=" STORE_NAME);
    }
    free(list);
}

static void on_watch(int fd, short what, void *context)
{
    (void)fd, (void)what, (void)context;
    spawn_tell_supervisor("WATCHDOG=1");
}

static void start_watch(struct activated *activated, struct event_base *base)
{
    enum { SECOND_US = 1000000 };
    static const long most_us = 1L << 40;
    long each_us = read_number("WATCHDOG_USEC", most_us) / TURNS_PER_WATCH;
    if (each_us == 0 || !spawn_has_supervisor()) {
        return;
    }
    struct timeval each = {.tv_sec = each_us / SECOND_US, .tv_usec = each_us % SECOND_US};
    activated->watch = event_new(base, -1, EV_PERSIST, on_watch, NULL);
    if (activated->watch == NULL || event_add(activated->watch, &each) != 0) {
        log_warning("watchdog off why=\"no memory\"");
    }
    spawn_tell_supervisor("WATCHDOG=1");
}

void activated_begin(struct activated *activated, struct server *server)
{
    if (read_number("FDSTORE", SOCKETS_MAX) != 0 && spawn_has_supervisor()) {
        store_sockets(server->serve);
    }
    start_watch(activated, server->base);
}

void activated_hand(struct activated *activated, pid_t to)
{
    end_watch(activated);
    spawn_tell_supervisor("MAINPID=%ld\nREADY=1", (long)to);
}
