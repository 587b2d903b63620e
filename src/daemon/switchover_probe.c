/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See switchover_probe.h. Each listen address is asked by UDP and by TCP, all at the same time. */
#include "config.h"

#include "daemon/switchover_probe.h"

#include "daemon/server.h"
#include "base/memory.h"
#include "operate/switchover_questions.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PATIENCE_MS = 2000, /* in all */
    ROUND_MS = 400,     /* then what has no answer by UDP is asked again */
    AT_ONCE = 32,
    WAYS_MAX = 64,      /* of more listen addresses those are asked that come first */
    QUERIES_MAX = 4096, /* of all ways */
    MESSAGE_MAX = 65535,
    LEN = 2 /* octets before a message by TCP */
};

/* To ask at one address by one protocol. */
struct way {
    char text[ADDR_TEXT_SIZE + 16]; /* "192.0.2.1:53 by udp" */
    int fd;                         /* -1: it is of no use any more */
    bool is_tcp;
    bool answered[SWITCHOVER_QUESTIONS_MAX]; /* or not to be asked this way */
    size_t open;                             /* that are not */
    uint8_t *out, *in;                       /* of TCP; owned */
    size_t out_len, out_done, in_len;
};

struct asking {
    struct switchover_questions *questions;
    struct arena *arena;
    struct way *ways;
    size_t way_count, count, asked, replies, there, failed;
    const char *seen; /* the first that speaks against it */
};

/* ---- ways ---- */

/* One address that stands for all is asked at loopback. */
static void open_way(struct way *way, struct addr_port at, bool is_tcp)
{
    static const uint8_t zeros[16] = {0};
    struct sockaddr_storage to;
    char text[ADDR_TEXT_SIZE];
    if (memcmp(at.addr.bytes, zeros, addr_len(&at.addr)) == 0) {
        (void)addr_parse(at.addr.family == ADDR_V4 ? "127.0.0.1" : "::1", &at.addr);
    }
    socklen_t len = addr_to_sockaddr(&at, &to);
    way->is_tcp = is_tcp;
    snprintf(way->text, sizeof way->text, "%s by %s", addr_write_place(&at, text), is_tcp ? "tcp" : "udp");
    way->fd = socket(to.ss_family, (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (way->fd != -1 && connect(way->fd, (struct sockaddr *)&to, len) == -1 && errno != EINPROGRESS) {
        close(way->fd);
        way->fd = -1;
    }
}

static void close_way(struct way *way)
{
    if (way->fd != -1) {
        close(way->fd);
        way->fd = -1;
    }
}

static void open_ways(struct asking *a, const struct server *server)
{
    size_t listens = server->serve_options.listen_count;
    listens = listens > WAYS_MAX / 2 ? WAYS_MAX / 2 : listens;
    a->way_count = 2 * listens;
    a->ways = memory_alloc_array(a->way_count, sizeof *a->ways);
    for (size_t i = 0; i < a->way_count; i++) {
        open_way(&a->ways[i], *serve_get_address(server->serve, i / 2), i % 2 != 0);
    }
}

/* Of too many queries each address gets a part, so that all together are asked every question. Both of its
 * ways get the same: what is truncated by UDP says nothing, and is judged by what comes by TCP. */
static void share_out(struct asking *a)
{
    size_t every = (a->count * a->way_count + QUERIES_MAX - 1) / QUERIES_MAX;
    for (size_t w = 0; w < a->way_count; w++) {
        struct way *way = &a->ways[w];
        for (size_t i = 0; i < a->count; i++) {
            way->answered[i] = (i + w / 2) % every != 0;
            way->open += !way->answered[i];
        }
        a->asked += way->open;
    }
}

/* ---- by TCP: all at once ---- */

static void fill_stream(struct asking *a, struct way *way)
{
    way->out = memory_alloc(way->open * (LEN + SWITCHOVER_QUERY_MAX));
    way->in = memory_alloc(LEN + MESSAGE_MAX);
    for (size_t i = 0; i < a->count; i++) {
        if (!way->answered[i]) {
            uint8_t *at = way->out + way->out_len;
            size_t len = switchover_write_question(a->questions, i, at + LEN);
            at[0] = (uint8_t)(len >> 8);
            at[1] = (uint8_t)len;
            way->out_len += LEN + len;
        }
    }
}

static void write_stream(struct way *way)
{
    ssize_t sent = send(way->fd, way->out + way->out_done, way->out_len - way->out_done, MSG_NOSIGNAL);
    if (sent > 0) {
        way->out_done += (size_t)sent;
    } else if (sent == -1 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN) {
        close_way(way);
    }
}

/* ---- replies ---- */

static void take_reply(struct asking *a, struct way *way, const uint8_t *bytes, size_t len)
{
    const char *seen = NULL;
    size_t index;
    enum switchover_reply said = switchover_read_reply(a->questions, bytes, len, &index, &seen);
    if (said == SWITCHOVER_REPLY_NONE || way->answered[index] ||
        (said == SWITCHOVER_REPLY_CUT && way->is_tcp)) { /* which is no answer there */
        return;
    }
    way->answered[index] = true;
    way->open--;
    a->replies++;
    a->there += said == SWITCHOVER_REPLY_THERE;
    a->failed += said == SWITCHOVER_REPLY_FAILED;
    if (a->seen == NULL && seen != NULL) {
        a->seen = arena_print(a->arena, "%s, at %s", seen, way->text);
    }
}

/* Whole messages of what has come. */
static void take_messages(struct asking *a, struct way *way)
{
    size_t at = 0;
    while (way->in_len - at >= LEN) {
        size_t len = (size_t)way->in[at] << 8 | way->in[at + 1];
        if (way->in_len - at - LEN < len) {
            break;
        }
        take_reply(a, way, way->in + at + LEN, len);
        at += LEN + len;
    }
    way->in_len -= at;
    memmove(way->in, way->in + at, way->in_len);
}

static void read_stream(struct asking *a, struct way *way)
{
    ssize_t len = recv(way->fd, way->in + way->in_len, LEN + MESSAGE_MAX - way->in_len, 0);
    if (len > 0) {
        way->in_len += (size_t)len;
        take_messages(a, way);
    } else if (len == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_way(way);
    }
}

static void read_datagrams(struct asking *a, struct way *way)
{
    uint8_t reply[MESSAGE_MAX];
    for (ssize_t len; (len = recv(way->fd, reply, sizeof reply, 0)) > 0;) {
        take_reply(a, way, reply, (size_t)len);
    }
}

/* ---- asking ---- */

static void wait_for_some(struct asking *a, int64_t wait_ms)
{
    struct pollfd polls[WAYS_MAX];
    for (size_t i = 0; i < a->way_count; i++) {
        const struct way *way = &a->ways[i];
        short out = way->is_tcp && way->out_done < way->out_len ? POLLOUT : 0;
        polls[i] = (struct pollfd){.fd = way->open == 0 ? -1 : way->fd, .events = (short)(POLLIN | out)};
    }
    (void)poll(polls, a->way_count, (int)wait_ms);
    for (size_t i = 0; i < a->way_count; i++) {
        struct way *way = &a->ways[i];
        if ((polls[i].revents & POLLOUT) != 0) {
            write_stream(way);
        }
        if (way->fd != -1 && (polls[i].revents & ~POLLOUT) != 0) {
            (way->is_tcp ? read_stream : read_datagrams)(a, way);
        }
    }
}

static bool is_done(const struct asking *a)
{
    size_t open = 0;
    for (size_t i = 0; i < a->way_count; i++) {
        open += a->ways[i].fd == -1 ? 0 : a->ways[i].open;
    }
    return open == 0;
}

/* What has no answer yet by UDP, some at a time. */
static void ask_round(struct asking *a, const struct clock *clock, int64_t until_ms)
{
    uint8_t query[SWITCHOVER_QUERY_MAX];
    for (size_t i = 0; i < a->count; i++) {
        for (size_t w = 0; w < a->way_count; w++) {
            const struct way *way = &a->ways[w];
            if (!way->is_tcp && way->fd != -1 && !way->answered[i]) {
                size_t len = switchover_write_question(a->questions, i, query);
                (void)send(way->fd, query, len, 0);
            }
        }
        if (i % AT_ONCE == AT_ONCE - 1) {
            wait_for_some(a, 1);
        }
    }
    for (int64_t now_ms; !is_done(a) && (now_ms = clock_now_ms(clock)) < until_ms;) {
        wait_for_some(a, until_ms - now_ms);
    }
}

/* ---- what came of it ---- */

/* "192.0.2.1:53 by tcp (12 of 12), 192.0.2.2:53 by udp (1 of 12)" */
static const char *name_silent(const struct asking *a)
{
    enum { NAMED = 4 };
    const char *text = NULL;
    size_t named = 0;
    for (size_t i = 0; i < a->way_count; i++) {
        const struct way *way = &a->ways[i];
        if (way->open != 0 && named++ < NAMED) {
            text = arena_print(a->arena, "%s%s%s (%zu)", text == NULL ? "" : text, text == NULL ? "" : ", ",
                               way->text, way->open);
        }
    }
    return named > NAMED ? arena_print(a->arena, "%s and %zu more", text, named - NAMED) : text;
}

/* What was asked where. */
static const char *tell_asked(const struct asking *a)
{
    return arena_print(a->arena, "%zu name%s for %zu client%s, at %zu address%s by udp and tcp",
                       switchover_count_asked_names(a->questions),
                       switchover_count_asked_names(a->questions) == 1 ? "" : "s",
                       switchover_count_asked_classes(a->questions),
                       switchover_count_asked_classes(a->questions) == 1 ? "" : "s", a->way_count / 2,
                       a->way_count == 2 ? "" : "es");
}

static void judge(const struct asking *a, bool has_come_back, struct switchover_look *look)
{
    size_t silent = a->asked - a->replies;
    const char *asked = tell_asked(a);
    if (a->count == 0) {
        switchover_add_finding(look, "answers", true, "there is no steered name to ask for");
    } else if (a->failed != 0 || (a->there != 0 && !has_come_back)) {
        switchover_add_finding(
            look, "answers", false,
            arena_print(a->arena, "%zu of %zu answers %s: %s", a->failed + a->there, a->replies,
                        a->failed != 0 ? "are errors, or lead there" : "still lead to what was moved off",
                        a->seen));
    } else if (silent != 0) {
        switchover_add_finding(look, "answers", false,
                               arena_print(a->arena, "%zu of %zu queries to ourselves had no answer: at %s",
                                           silent, a->asked, name_silent(a)));
    } else if (has_come_back) {
        switchover_add_finding(
            look, "answers", true,
            arena_print(a->arena, "%zu of %zu answers lead there again (%s)", a->there, a->replies, asked));
    } else {
        switchover_add_finding(
            look, "answers", true,
            arena_print(a->arena, "none of %zu answers leads to what was moved off (%s)", a->replies, asked));
    }
}

void switchover_probe(const struct server *server, const struct view *view, const struct switchover_ask *ask,
                      struct arena *arena, struct switchover_look *look)
{
    struct asking a = {.arena = arena, .questions = switchover_ask_questions(ask->switchover, view, arena)};
    int64_t until_ms = clock_now_ms(&server->clock) + PATIENCE_MS;
    a.count = switchover_count_questions(a.questions);
    open_ways(&a, server);
    share_out(&a);
    for (size_t i = 0; i < a.way_count; i++) {
        if (a.ways[i].is_tcp && a.ways[i].open != 0) {
            fill_stream(&a, &a.ways[i]);
        }
    }
    while (!is_done(&a) && clock_now_ms(&server->clock) < until_ms && !progress_is_cancelled(ask->progress)) {
        ask_round(&a, &server->clock, clock_now_ms(&server->clock) + ROUND_MS);
    }
    judge(&a, ask->aim == SWITCHOVER_AIM_RETURN, look);
    for (size_t i = 0; i < a.way_count; i++) {
        close_way(&a.ways[i]);
        free(a.ways[i].out);
        free(a.ways[i].in);
    }
    free(a.ways);
}
