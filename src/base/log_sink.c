/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Sockets are never waited for in a system call that only they can end: a send that would block polls, in
 * slices, so that the end of the process and another target are noticed. stderr belongs to others as well and
 * stays blocking. */
#include "config.h"

#include "base/log_sink.h"

#include "base/log_text.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SLICE_MS = 50 };

void log_sink_init(struct log_sink *sink, bool (*hurries)(void))
{
    *sink = (struct log_sink){.fd = -1, .hurries = hurries};
    buffer_init(&sink->line);
}

static void close_socket(struct log_sink *sink)
{
    if (sink->fd != -1) {
        close(sink->fd);
    }
    sink->fd = -1;
}

void log_sink_fini(struct log_sink *sink)
{
    close_socket(sink);
    free((void *)(uintptr_t)sink->options.socket);
    buffer_fini(&sink->line);
}

void log_sink_configure(struct log_sink *sink, const struct log_options *options)
{
    close_socket(sink);
    free((void *)(uintptr_t)sink->options.socket);
    sink->options = *options;
    sink->complained = false;
}

/* ---- stderr ---- */

static void wait_for(int fd)
{
    (void)poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, SLICE_MS);
}

static bool is_full(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS;
}

static bool write_stderr(const struct log_sink *sink)
{
    size_t done = 0;
    while (done < sink->line.len) {
        ssize_t written = write(STDERR_FILENO, sink->line.bytes + done, sink->line.len - done);
        if (written != -1) {
            done += (size_t)written;
        } else if (is_full(errno) && !sink->hurries()) { /* somebody else made it so */
            wait_for(STDERR_FILENO);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

static bool print_stderr(struct log_sink *sink, const struct log_record *record)
{
    sink->line.len = 0;
    if (sink->options.format == LOG_FORMAT_JSON) {
        log_write_json(record, &sink->line);
    } else {
        log_write_text(record, &sink->line);
    }
    return write_stderr(sink);
}

/* ---- sockets ---- */

static const char *socket_of(const struct log_options *options)
{
    return options->socket != NULL                 ? options->socket
           : options->target == LOG_TARGET_JOURNAL ? "/run/systemd/journal/socket"
                                                   : "/dev/log";
}

/* 0 or an errno. */
static int open_socket(struct log_sink *sink)
{
    const char *path = socket_of(&sink->options);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof at.sun_path) {
        return ENAMETOOLONG;
    }
    strcpy(at.sun_path, path);
    sink->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sink->fd == -1) {
        return errno;
    }
    if (connect(sink->fd, (const struct sockaddr *)&at, sizeof at) == -1) {
        int error = errno;
        close_socket(sink);
        return error;
    }
    return 0;
}

/* 0 or an errno; EAGAIN: the end of the process does not wait for it. */
static int send_line(const struct log_sink *sink)
{
    while (send(sink->fd, sink->line.bytes, sink->line.len, MSG_NOSIGNAL) == -1) {
        if (is_full(errno) && !sink->hurries()) {
            wait_for(sink->fd);
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/* One that was restarted has a new socket at the same path. 0 or an errno. */
static int deliver(struct log_sink *sink)
{
    int error = 0;
    for (int attempt = 0; attempt < 2; attempt++) {
        error = sink->fd == -1 ? open_socket(sink) : 0;
        if (error == 0 && (error = send_line(sink)) == 0) {
            break;
        }
        if (error == EAGAIN || error == EMSGSIZE) {
            break;
        }
        close_socket(sink);
    }
    return error;
}

static void complain(struct log_sink *sink, const struct log_record *about, int error)
{
    struct log_record record;
    if (!sink->complained) {
        sink->complained = true;
        log_record_begin(&record, about->wall_ms, LOG_LEVEL_ERROR, "log target failed");
        log_record_add(&record, "socket", socket_of(&sink->options), false);
        log_record_add(&record, "error", strerror(error), false);
        log_record_add(&record, "effect", "lines go to stderr until it is back", false);
        (void)print_stderr(sink, &record);
    }
}

bool log_sink_write(struct log_sink *sink, const struct log_record *record)
{
    if (sink->options.target == LOG_TARGET_STDERR) {
        return print_stderr(sink, record);
    }
    const char *identifier = sink->options.identifier == NULL ? "steerd" : sink->options.identifier;
    sink->line.len = 0;
    if (sink->options.target == LOG_TARGET_JOURNAL) {
        log_write_journal(record, identifier, &sink->line);
    } else {
        log_write_syslog(record, identifier, sink->options.format == LOG_FORMAT_JSON, &sink->line);
    }
    int error = deliver(sink);
    if (error == 0 || is_full(error)) {
        sink->complained = false;
        return error == 0;
    }
    complain(sink, record, error);
    return print_stderr(sink, record);
}
