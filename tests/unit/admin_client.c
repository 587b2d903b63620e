/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "admin_client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int dial(const struct world *w)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", w->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

bool say(struct world *w, int fd, const void *bytes, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t n = send(fd, (const char *)bytes + at, len - at, MSG_NOSIGNAL);
        if (n == -1 && errno != EAGAIN) {
            return false;
        }
        at += n > 0 ? (size_t)n : 0;
        event_base_loop(w->base, EVLOOP_NONBLOCK);
    }
    return true;
}

bool hear(struct world *w, int fd, struct buffer *heard, const char *wanted)
{
    for (unsigned idle = 0; idle < 5000;) {
        char bytes[4096];
        event_base_loop(w->base, EVLOOP_NONBLOCK);
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n > 0) {
            buffer_add(heard, bytes, (size_t)n);
            idle = 0;
        } else if (n == 0 || errno != EAGAIN) {
            return true;
        } else {
            usleep(1000);
            idle++;
        }
        if (wanted != NULL && heard->len != 0 && strstr(heard->bytes, wanted) != NULL) {
            return true;
        }
    }
    return false;
}

void ask_bytes(struct world *w, const void *request, size_t len, struct buffer *heard)
{
    int fd = dial(w);
    buffer_init(heard);
    say(w, fd, request, len);
    assert_true(hear(w, fd, heard, NULL));
    close(fd);
    buffer_add_text(heard, "");
}

void assert_answer(struct world *w, const char *request, const char *status, const char *part)
{
    struct buffer heard;
    ask_bytes(w, request, strlen(request), &heard);
    if (strncmp(heard.bytes, status, strlen(status)) != 0 || strstr(heard.bytes, part) == NULL) {
        fail_msg("asked:\n%s\nheard:\n%s\nexpected: %s ... %s", request, heard.bytes, status, part);
    }
    buffer_fini(&heard);
}
