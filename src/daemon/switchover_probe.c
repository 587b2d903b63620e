/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchover_probe.h. */
#include "config.h"

#include "daemon/switchover_probe.h"

#include "daemon/server.h"
#include "operate/switchover_questions.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 2000, /* in all */
    ROUND_MS = 400,     /* then what has no answer is asked again */
    AT_ONCE = 32,
    REPLY_MAX = 4096
};

struct asking {
    struct switchover_questions *questions;
    bool answered[SWITCHOVER_QUESTIONS_MAX];
    size_t count, replies, there, failed;
    const char *seen; /* the first that speaks against it */
    int fd;
};

/* At the first address that it listens at; one that stands for all is asked at loopback. */
static int open_socket(const struct server *server)
{
    struct addr_port at = *serve_get_address(server->serve, 0);
    static const uint8_t zeros[16] = {0};
    struct sockaddr_storage to;
    if (memcmp(at.addr.bytes, zeros, addr_len(&at.addr)) == 0) {
        (void)addr_parse(at.addr.family == ADDR_V4 ? "127.0.0.1" : "::1", &at.addr);
    }
    socklen_t len = addr_to_sockaddr(&at, &to);
    int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd != -1 && connect(fd, (struct sockaddr *)&to, len) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void take_replies(struct asking *a)
{
    uint8_t reply[REPLY_MAX];
    for (ssize_t len; (len = recv(a->fd, reply, sizeof reply, 0)) > 0;) {
        const char *seen = NULL;
        size_t id = len < 2 ? SIZE_MAX : (size_t)reply[0] << 8 | reply[1];
        enum switchover_reply said = switchover_read_reply(a->questions, reply, (size_t)len, &seen);
        if (said == SWITCHOVER_REPLY_NONE) {
            continue;
        }
        a->answered[id] = true;
        a->replies++;
        a->there += said == SWITCHOVER_REPLY_THERE;
        a->failed += said == SWITCHOVER_REPLY_FAILED;
        a->seen = a->seen == NULL ? seen : a->seen;
    }
}

/* Ask what has no answer yet, some at a time. */
static void ask_round(struct asking *a, const struct clock *clock, int64_t until_ms)
{
    uint8_t query[SWITCHOVER_QUERY_MAX];
    size_t open = 0;
    struct pollfd wait = {.fd = a->fd, .events = POLLIN};
    for (size_t i = 0; i < a->count; i++) {
        if (!a->answered[i]) {
            size_t len = switchover_write_question(a->questions, i, query);
            (void)send(a->fd, query, len, 0);
            open++;
        }
        if (open == AT_ONCE) {
            (void)poll(&wait, 1, 1);
            take_replies(a);
            open = 0;
        }
    }
    while (a->replies < a->count && clock_now_ms(clock) < until_ms) {
        (void)poll(&wait, 1, (int)(until_ms - clock_now_ms(clock)) + 1);
        take_replies(a);
    }
}

static void judge(const struct asking *a, bool has_come_back, struct arena *arena,
                  struct switchover_look *look)
{
    size_t silent = a->count - a->replies;
    if (a->count == 0) {
        switchover_add_finding(look, "answers", true, "there is no steered name to ask for");
    } else if (silent != 0) {
        switchover_add_finding(
            look, "answers", false,
            arena_print(arena, "%zu of %zu queries to ourselves had no answer", silent, a->count));
    } else if (a->failed != 0 || (a->there != 0 && !has_come_back)) {
        switchover_add_finding(
            look, "answers", false,
            arena_print(arena, "%zu of %zu answers %s: %s", a->failed + a->there, a->count,
                        a->failed != 0 ? "are errors, or lead there" : "still lead to what was moved off",
                        a->seen));
    } else {
        switchover_add_finding(
            look, "answers", true,
            has_come_back ? arena_print(arena, "%zu of %zu answers lead there again", a->there, a->count)
                          : arena_print(arena, "none of %zu answers leads to what was moved off", a->count));
    }
}

void switchover_probe(const struct server *server, const struct view *view, const struct switchover_ask *ask,
                      struct arena *arena, struct switchover_look *look)
{
    struct asking a = {.fd = open_socket(server)};
    if (a.fd == -1) {
        switchover_add_finding(look, "answers", false,
                               arena_print(arena, "we cannot ask ourselves: %s", strerror(errno)));
        return;
    }
    a.questions = switchover_ask_questions(ask->switchover, view, arena);
    a.count = switchover_count_questions(a.questions);
    int64_t until_ms = clock_now_ms(&server->clock) + PATIENCE_MS;
    while (a.replies < a.count && clock_now_ms(&server->clock) < until_ms &&
           !progress_is_cancelled(ask->progress)) {
        ask_round(&a, &server->clock, clock_now_ms(&server->clock) + ROUND_MS);
    }
    close(a.fd);
    judge(&a, ask->aim == SWITCHOVER_AIM_RETURN, arena, look);
}
