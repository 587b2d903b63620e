/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See outlet.h. */
#include "config.h"

#include "tap/outlet.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    SLICE_MS = 20,
    TALK_MS = 2000,   /* to connect, to answer */
    STALL_MS = 30000, /* without an octet taken */
    HURRY_MS = 100,   /* for what is due, once somebody hurries */
    FILE_MODE = 0640,
};

void tap_outlet_init(struct tap_outlet *outlet, const struct tap_options *options, struct tap_hurry hurry,
                     bool appends)
{
    *outlet = (struct tap_outlet){.options = options, .hurry = hurry, .fd = -1, .appends = appends};
}

static int64_t now_ms(void)
{
    return (int64_t)(clock_machine_ns() / 1000000);
}

/* Is the thread wanted elsewhere, and has it had the time for what is due? */
static bool must_leave(struct tap_outlet *outlet)
{
    if (!outlet->hurry.is_due(outlet->hurry.context)) {
        outlet->hurried_ms = 0;
        return false;
    }
    outlet->hurried_ms = outlet->hurried_ms == 0 ? now_ms() : outlet->hurried_ms;
    return now_ms() - outlet->hurried_ms >= HURRY_MS;
}

static int wait_for(struct tap_outlet *outlet, short events, int64_t patience_ms)
{
    struct pollfd poll_fd = {.fd = outlet->fd, .events = events};
    int64_t until_ms = now_ms() + patience_ms;
    for (;;) {
        int ready = poll(&poll_fd, 1, SLICE_MS);
        if (ready == 1) {
            return 0;
        }
        if (ready == -1 && errno != EINTR) {
            return -errno;
        }
        if (must_leave(outlet)) {
            return -ECANCELED;
        }
        if (now_ms() >= until_ms) {
            return -ETIMEDOUT;
        }
    }
}

/* ---- sockets ---- */

static socklen_t find_address(const struct tap_options *options, struct sockaddr_storage *to)
{
    if (options->target == TAP_TARGET_TCP) {
        return addr_to_sockaddr(&options->at, to);
    }
    struct sockaddr_un *local = (struct sockaddr_un *)(void *)to;
    memset(local, 0, sizeof *local);
    local->sun_family = AF_UNIX;
    (void)snprintf(local->sun_path, sizeof local->sun_path, "%s", options->path);
    return sizeof *local;
}

/* A unix socket whose queue is full says EAGAIN, and there is nothing to wait for. */
static int connect_socket(struct tap_outlet *outlet)
{
    struct sockaddr_storage at;
    socklen_t len = find_address(outlet->options, &at);
    int why = 0;
    socklen_t why_len = sizeof why;
    outlet->fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (outlet->fd == -1) {
        return -errno;
    }
    if (connect(outlet->fd, (const struct sockaddr *)&at, len) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS) {
        return -errno;
    }
    int error = wait_for(outlet, POLLOUT, TALK_MS);
    if (error == 0 && getsockopt(outlet->fd, SOL_SOCKET, SO_ERROR, &why, &why_len) == -1) {
        why = errno;
    }
    return error != 0 ? error : -why;
}

static int send_all(struct tap_outlet *outlet, const uint8_t *bytes, size_t len)
{
    while (len != 0) {
        ssize_t sent = send(outlet->fd, bytes, len, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            len -= (size_t)sent;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            int error = wait_for(outlet, POLLOUT, STALL_MS);
            if (error != 0) {
                return error;
            }
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

int tap_outlet_read(struct tap_outlet *outlet, void *bytes, size_t len)
{
    uint8_t *to = bytes;
    while (len != 0) {
        ssize_t got = recv(outlet->fd, to, len, 0);
        if (got > 0) {
            to += got;
            len -= (size_t)got;
        } else if (got == 0) {
            return -EPIPE;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            int error = wait_for(outlet, POLLIN, TALK_MS);
            if (error != 0) {
                return error;
            }
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/* ---- files ---- */

static int open_path(struct tap_outlet *outlet, struct stat *state)
{
    enum { FLAGS = O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };
    outlet->fd = open(outlet->options->path, O_WRONLY | FLAGS, FILE_MODE);
    if (outlet->fd == -1 || fstat(outlet->fd, state) == -1) {
        return -errno;
    }
    return S_ISREG(state->st_mode) ? 0 : -EINVAL;
}

/* What somebody wrote there before, maybe this very process, maybe one that still does, is kept under the
 * time of its last change: a stream is whole from its beginning, and goes on in no other. */
static int set_aside(const char *path, const struct stat *state)
{
    char beside[4096], time[CLOCK_TEXT_SIZE];
    int64_t ms = (int64_t)state->st_mtim.tv_sec * 1000 + state->st_mtim.tv_nsec / 1000000;
    for (unsigned i = 0; i < 100; i++) {
        int len = snprintf(beside, sizeof beside, "%s.%s", path, clock_write_rfc3339(ms + i, time));
        if (len < 0 || (size_t)len >= sizeof beside) {
            return -ENAMETOOLONG;
        }
        if (link(path, beside) == 0) {
            return unlink(path) == 0 ? 0 : -errno;
        }
        if (errno != EEXIST) {
            return -errno;
        }
    }
    return -EEXIST;
}

static int open_file(struct tap_outlet *outlet)
{
    struct stat state = {.st_size = 0};
    int error = open_path(outlet, &state);
    if (error == 0 && !outlet->appends && state.st_size != 0) {
        tap_outlet_close(outlet);
        error = set_aside(outlet->options->path, &state);
        error = error == 0 ? open_path(outlet, &state) : error;
    }
    outlet->good = error == 0 ? (uint64_t)state.st_size : 0;
    return error;
}

/* Somebody else may append to it as well: then nothing is cut. */
static void cut(const struct tap_outlet *outlet, size_t added)
{
    struct stat state;
    if (added != 0 && fstat(outlet->fd, &state) == 0 && (uint64_t)state.st_size == outlet->good + added) {
        int error = ftruncate(outlet->fd, (off_t)outlet->good);
        (void)error; /* there is a torn end then, for which readers have to be ready anyway */
    }
}

static int write_all(struct tap_outlet *outlet, const uint8_t *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t written = write(outlet->fd, bytes + done, len - done);
        if (written > 0) {
            done += (size_t)written;
        } else if (written == 0 || errno != EINTR) {
            int error = written == 0 ? -ENOSPC : -errno;
            cut(outlet, done);
            return error;
        }
    }
    outlet->good += len;
    return 0;
}

bool tap_outlet_has_moved(const struct tap_outlet *outlet)
{
    struct stat opened, found;
    if (outlet->fd == -1 || outlet->options->target != TAP_TARGET_FILE || fstat(outlet->fd, &opened) == -1) {
        return false;
    }
    return stat(outlet->options->path, &found) == -1
               ? errno == ENOENT
               : found.st_dev != opened.st_dev || found.st_ino != opened.st_ino;
}

/* ---- both ---- */

int tap_outlet_open(struct tap_outlet *outlet)
{
    int error = outlet->options->target == TAP_TARGET_FILE ? open_file(outlet) : connect_socket(outlet);
    if (error != 0) {
        tap_outlet_close(outlet);
    }
    return error;
}

int tap_outlet_write(struct tap_outlet *outlet, const void *bytes, size_t len)
{
    return outlet->options->target == TAP_TARGET_FILE ? write_all(outlet, bytes, len)
                                                      : send_all(outlet, bytes, len);
}

void tap_outlet_close(struct tap_outlet *outlet)
{
    if (outlet->fd != -1) {
        (void)close(outlet->fd);
        outlet->fd = -1;
    }
}
