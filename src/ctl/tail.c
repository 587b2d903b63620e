/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See tail.h. */
#include "config.h"

#include "ctl/tail.h"

#include "ctl/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_MS = 5000, PIECE = 65536 };

static bool ask(const struct steerctl *ctl, const char *target, int fd, struct buffer *why)
{
    struct buffer head, request;
    buffer_init(&head);
    buffer_init(&request);
    if (ctl->url == NULL) {
        buffer_add_text(&head, "Host: localhost\r\n");
    }
    bool is_good = ctl->url == NULL || remote_write_head(ctl, &head, why);
    if (is_good) {
        http_write_request(&request, head.bytes, "GET", target, NULL);
        is_good = send(fd, request.bytes, request.len, MSG_NOSIGNAL) == (ssize_t)request.len;
    }
    if (head.len != 0) {
        explicit_bzero(head.bytes, head.len);
    }
    if (request.len != 0) {
        explicit_bzero(request.bytes, request.len);
    }
    buffer_fini(&head);
    buffer_fini(&request);
    return is_good;
}

bool tail_open(const struct steerctl *ctl, const char *target, struct tail *tail, struct buffer *why)
{
    int ms = ctl->answer_ms == 0 ? CONNECT_MS : ctl->answer_ms;
    const struct socket_limits limits = {.connect_ms = ms, .answer_ms = ms};
    tail->fd = -1;
    clock_init(&tail->clock);
    tail->heard_ms = clock_now_ms(&tail->clock);
    http_answer_init(&tail->answer, 0);
    sse_init(&tail->sse);
    bool is_there = ctl->url != NULL ? remote_connect(ctl, &tail->fd, why)
                                     : socket_connect(ctl->socket, &limits, &tail->fd, why);
    if (!is_there) {
        tail->fd = -1;
        return false;
    }
    return ask(ctl, target, tail->fd, why);
}

static bool is_silent(const struct tail *tail)
{
    return clock_now_ms(&tail->clock) - tail->heard_ms >= TAIL_SILENCE_MS;
}

enum http_progress tail_read(struct tail *tail, void (*take)(void *context, const struct sse_event *event),
                             void *context)
{
    char piece[PIECE];
    struct http_answer *answer = &tail->answer;
    ssize_t n = recv(tail->fd, piece, sizeof piece, MSG_DONTWAIT);
    if (n == -1 && (errno == EINTR || errno == EAGAIN)) {
        return is_silent(tail) ? http_answer_end(answer) : HTTP_MORE;
    }
    tail->heard_ms = clock_now_ms(&tail->clock);
    enum http_progress progress =
        n > 0 ? http_answer_feed(answer, piece, (size_t)n) : http_answer_end(answer);
    if (answer->status == 200 && answer->body.len != 0) {
        bool is_good = sse_feed(&tail->sse, answer->body.bytes, answer->body.len, take, context);
        progress = is_good ? progress : HTTP_BAD;
        buffer_remove_front(&answer->body, answer->body.len);
    }
    return progress;
}

void tail_close(struct tail *tail)
{
    if (tail->fd != -1) {
        close(tail->fd);
        tail->fd = -1;
    }
    sse_fini(&tail->sse);
    http_answer_fini(&tail->answer);
}
