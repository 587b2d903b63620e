/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the TCP threads: streams cut anywhere, peers that do not read, idle and too many connections, and
 * stopping. Waiting is bounded by the clients' GIVE_UP_S; what is asserted is order and content. */
#include "config.h"

#include "test_serve_doubles.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK ((const char *const[]){"127.0.0.1:0"})

enum { LEN = 40, FRAME = 2 + LEN, REPLY = FRAME + TAIL };

static void start(struct fixture *f)
{
    fixture_init(f, LOOPBACK, 1);
    fixture_start(f);
}

static int dial(const struct fixture *f)
{
    int yes = 1, fd = client_connect(serve_get_address(f->serve, 0), NULL, SOCK_STREAM);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes), 0);
    return fd;
}

static void frame_fill(uint8_t *frame, size_t len, unsigned id, uint8_t kind)
{
    frame[0] = (uint8_t)(len >> 8);
    frame[1] = (uint8_t)len;
    query_fill(frame + 2, len, id, kind);
}

static void send_all(int fd, const uint8_t *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

static void expect_bytes(int fd, uint8_t *bytes, size_t len)
{
    assert_int_equal(recv(fd, bytes, len, MSG_WAITALL), len);
}

/* The end of the stream; a reset counts where the server left something unread. */
static void expect_end(int fd)
{
    uint8_t byte;
    ssize_t got = recv(fd, &byte, 1, 0);
    assert_true(got == 0 || (got == -1 && errno == ECONNRESET));
}

static void expect_echo(int fd, size_t len, unsigned id, uint8_t kind)
{
    uint8_t query[200], reply[300];
    query_fill(query, len, id, kind);
    expect_bytes(fd, reply, 2 + len + TAIL);
    assert_int_equal((size_t)reply[0] << 8 | reply[1], len + TAIL);
    assert_true(reply_is_echo(query, len, reply + 2, len + TAIL, fd));
}

static void ask(int fd, unsigned id)
{
    uint8_t frame[FRAME];
    frame_fill(frame, LEN, id, DOUBLE_ECHO);
    send_all(fd, frame, FRAME);
    expect_echo(fd, LEN, id, DOUBLE_ECHO);
}

static void answers_single_queries(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, (const char *const[]){"127.0.0.1:0", "[::1]:0", "0.0.0.0:0"}, 3);
    fixture_start(&f);
    for (size_t i = 0; i < 3; i++) {
        int fd = client_connect(serve_get_address(f.serve, i), i == 2 ? "127.0.0.4" : NULL, SOCK_STREAM);
        ask(fd, 1);
        ask(fd, 2);
        close(fd);
    }
    uint64_t sums[ANSWER_COUNTERS];
    serve_get_counters(f.serve, sums);
    assert_int_equal(sums[ANSWER_COUNT_QUERIES_TCP], 6);
    assert_int_equal(sums[ANSWER_COUNT_QUERIES_UDP], 0);
    assert_int_equal(fixture_answered(3), 6); /* the TCP thread comes behind three UDP threads */
    fixture_stop(&f);
}

static void accepted_sockets_do_not_wait_for_more(void **state)
{
    (void)state;
    struct fixture f;
    int nodelay = 0;
    socklen_t len = sizeof nodelay;
    start(&f);
    int fd = dial(&f);
    ask(fd, 1);
    int peer = client_find_peer(fd);
    assert_int_not_equal(peer, -1);
    assert_int_equal(getsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &nodelay, &len), 0);
    assert_int_not_equal(nodelay, 0);
    close(fd);
    fixture_stop(&f);
}

static void answers_pipelined_queries_in_order(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    struct fixture f;
    uint8_t frames[COUNT * (FRAME + COUNT)];
    size_t len = 0;
    start(&f);
    for (unsigned i = 0; i < COUNT; i++) {
        frame_fill(frames + len, LEN + i, i, DOUBLE_ECHO);
        len += FRAME + i;
    }
    int fd = dial(&f);
    send_all(fd, frames, len);
    for (unsigned i = 0; i < COUNT; i++) {
        expect_echo(fd, LEN + i, i, DOUBLE_ECHO);
    }
    close(fd);
    fixture_stop(&f);
}

static void answers_what_comes_octet_by_octet(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t frames[3][FRAME];
    start(&f);
    int fd = dial(&f);
    for (unsigned i = 0; i < 3; i++) {
        frame_fill(frames[i], LEN, i, DOUBLE_ECHO);
    }
    for (size_t i = 0; i < sizeof frames; i++) {
        send_all(fd, &frames[0][0] + i, 1);
    }
    for (unsigned i = 0; i < 3; i++) {
        expect_echo(fd, LEN, i, DOUBLE_ECHO);
    }
    close(fd);
    fixture_stop(&f);
}

/* Two queries cut at every place; the first part's complete queries are answered before the rest is sent. */
static void answers_whatever_the_cut(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t frames[2 * FRAME];
    start(&f);
    int fd = dial(&f);
    frame_fill(frames, LEN, 1, DOUBLE_ECHO);
    frame_fill(frames + FRAME, LEN, 2, DOUBLE_ECHO);
    for (size_t cut = 1; cut < sizeof frames; cut++) {
        send_all(fd, frames, cut);
        if (cut >= FRAME) {
            expect_echo(fd, LEN, 1, DOUBLE_ECHO);
        }
        send_all(fd, frames + cut, sizeof frames - cut);
        if (cut < FRAME) {
            expect_echo(fd, LEN, 1, DOUBLE_ECHO);
        }
        expect_echo(fd, LEN, 2, DOUBLE_ECHO);
    }
    close(fd);
    fixture_stop(&f);
}

static void answers_the_longest_query(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t *frame = malloc(2 + 65535), reply[HEADER + 5];
    assert_non_null(frame);
    start(&f);
    int fd = dial(&f);
    frame_fill(frame, 65535, 3, DOUBLE_LENGTH);
    for (int i = 0; i < 5; i++) {
        send_all(fd, frame, 2 + 65535);
        expect_bytes(fd, reply, sizeof reply);
        assert_int_equal(reply[2 + HEADER + 1] << 8 | reply[2 + HEADER + 2], 65535);
    }
    close(fd);
    free(frame);
    fixture_stop(&f);
}

/* bad follows a good query, which is still answered. */
static void expect_cut(const uint8_t *bad, size_t len, bool with_good)
{
    struct fixture f;
    uint8_t bytes[FRAME + 100];
    start(&f);
    int fd = dial(&f);
    frame_fill(bytes, LEN, 9, DOUBLE_ECHO);
    memcpy(bytes + FRAME, bad, len);
    send_all(fd, with_good ? bytes : bad, with_good ? FRAME + len : len);
    if (with_good) {
        expect_echo(fd, LEN, 9, DOUBLE_ECHO);
    }
    expect_end(fd);
    close(fd);
    fd = dial(&f);
    ask(fd, 10);
    close(fd);
    fixture_stop(&f);
}

static void senseless_lengths_and_silence_close(void **state)
{
    (void)state;
    uint8_t silent[FRAME];
    frame_fill(silent, LEN, 1, DOUBLE_SILENT);
    for (int good = 0; good < 2; good++) {
        expect_cut((const uint8_t[]){0, 0}, 2, good == 1);
        expect_cut((const uint8_t[]){0, 11}, 2, good == 1);
        expect_cut(silent, sizeof silent, good == 1);
    }
}

static void half_closed_clients_get_their_answers(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t frames[4][FRAME];
    start(&f);
    for (int partial = 0; partial < 2; partial++) {
        int fd = dial(&f);
        for (unsigned i = 0; i < 3; i++) {
            frame_fill(frames[i], LEN, i, DOUBLE_ECHO);
        }
        memcpy(frames[3], frames[0], FRAME);
        send_all(fd, frames[0], sizeof frames - (partial ? FRAME - 7 : FRAME));
        assert_int_equal(shutdown(fd, SHUT_WR), 0);
        for (unsigned i = 0; i < 3; i++) {
            expect_echo(fd, LEN, i, DOUBLE_ECHO);
        }
        expect_end(fd);
        close(fd);
    }
    fixture_stop(&f);
}

/* ---- peers that do not read ---- */

enum { BIG = 60000, BIG_COUNT = 300 };

static int dial_narrow(const struct fixture *f)
{
    int size = 128 << 10, fd = dial(f);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    return fd;
}

/* 18 MB of answers: more than any socket buffer takes. */
static void send_big(int fd, unsigned first, unsigned count)
{
    uint8_t frame[FRAME];
    for (unsigned i = first; i < first + count; i++) {
        frame_fill(frame, LEN, i, DOUBLE_BIG);
        frame[2 + HEADER + 1] = BIG >> 8;
        frame[2 + HEADER + 2] = BIG & 0xff;
        send_all(fd, frame, FRAME);
    }
}

static void expect_big(int fd, unsigned first, unsigned count)
{
    uint8_t *reply = malloc(2 + BIG);
    assert_non_null(reply);
    for (unsigned i = first; i < first + count; i++) {
        expect_bytes(fd, reply, 2 + BIG);
        assert_int_equal(reply[0] << 8 | reply[1], BIG);
        assert_int_equal(reply[2] << 8 | reply[3], i);
        for (size_t at = 2 + LEN; at < 2 + BIG; at++) {
            assert_true(reply[at] == (uint8_t)i);
        }
    }
    free(reply);
}

static void slow_readers_get_everything(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    int fd = dial_narrow(&f), other = dial(&f);
    send_big(fd, 0, BIG_COUNT);
    for (unsigned i = 0; i < 50; i++) {
        ask(other, i); /* nobody else waits for it */
    }
    expect_big(fd, 0, BIG_COUNT);
    ask(fd, 1);
    /* And with the end of its stream behind the queries. */
    send_big(fd, 7, BIG_COUNT);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    expect_big(fd, 7, BIG_COUNT);
    expect_end(fd);
    close(fd);
    close(other);
    fixture_stop(&f);
}

/* At some of these sizes the last answers before the bad length are the first that the peer does not take. */
static void answers_due_precede_the_end_of_a_bad_stream(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    for (unsigned count = 3; count <= 120; count += 3) {
        int fd = dial_narrow(&f);
        send_big(fd, 0, count);
        send_all(fd, (const uint8_t[]){0, 3}, 2);
        usleep(2000);
        expect_big(fd, 0, count);
        expect_end(fd);
        close(fd);
    }
    fixture_stop(&f);
}

static void readers_that_never_read_are_cut(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t bytes[4096];
    size_t total = 0;
    ssize_t got;
    fixture_init(&f, LOOPBACK, 1);
    f.options.tcp.idle_ms = 100;
    fixture_start(&f);
    size_t before = count_descriptors();
    int fd = dial_narrow(&f);
    ask(fd, 1); /* accepted by now */
    send_big(fd, 0, BIG_COUNT);
    for (int i = 0; i < GIVE_UP_S * 100 && count_descriptors() != before + 1; i++) {
        usleep(10000);
    }
    assert_int_equal(count_descriptors(), before + 1); /* ours is left, the server's is gone */
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0) {
        total += (size_t)got;
    }
    assert_true(total < (size_t)BIG * BIG_COUNT);
    close(fd);
    fixture_stop(&f);
}

/* ---- idle and many ---- */

static void idle_clients_are_closed_in_order(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, LOOPBACK, 1);
    f.options.tcp.idle_ms = 300;
    fixture_start(&f);
    int first = dial(&f), second = dial(&f);
    ask(second, 1);
    ask(first, 2); /* the second is idle for longer now */
    struct pollfd fds[2] = {{.fd = first, .events = POLLIN}, {.fd = second, .events = POLLIN}};
    assert_true(poll(fds, 2, GIVE_UP_S * 1000) >= 1);
    assert_int_not_equal(fds[1].revents, 0);
    expect_end(second);
    expect_end(first);
    close(first);
    close(second);
    fixture_stop(&f);
}

/* A query of 2,000 octets, one by one: it would take ten seconds, and does not hold the connection. */
static void a_dripping_query_is_no_activity(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t frame[2002], byte;
    size_t sent = 0;
    fixture_init(&f, LOOPBACK, 1);
    f.options.tcp.idle_ms = 50;
    fixture_start(&f);
    int fd = dial(&f);
    frame_fill(frame, 2000, 1, DOUBLE_ECHO);
    while (sent < sizeof frame && send(fd, frame + sent, 1, MSG_NOSIGNAL) == 1 &&
           recv(fd, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN) {
        sent++;
        usleep(5000);
    }
    assert_true(sent < sizeof frame);
    assert_int_equal(fixture_answered(1), 0);
    close(fd);
    fixture_stop(&f);
}

static void the_one_idle_longest_makes_room(void **state)
{
    (void)state;
    struct fixture f;
    int fds[4];
    fixture_init(&f, LOOPBACK, 1);
    f.options.tcp.clients = 3;
    fixture_start(&f);
    for (unsigned i = 0; i < 3; i++) {
        fds[i] = dial(&f);
        ask(fds[i], i);
    }
    usleep(5000); /* order is kept in the list, not in milliseconds: this only makes a mistake visible */
    ask(fds[0], 10);
    fds[3] = dial(&f);
    ask(fds[3], 3);
    expect_end(fds[1]);
    ask(fds[0], 11);
    ask(fds[2], 12);
    ask(fds[3], 13);
    for (size_t i = 0; i < 4; i++) {
        close(fds[i]);
    }
    fixture_stop(&f);
}

static void several_threads_accept(void **state)
{
    (void)state;
    enum { CLIENTS = 60, WORKERS = 3, UDP_THREADS = 2 * WORKERS };
    struct fixture f;
    int fds[CLIENTS];
    unsigned busy = 0;
    fixture_init(&f, (const char *const[]){"127.0.0.1:0", "[::1]:0"}, 2);
    f.options.threads = WORKERS;
    fixture_start(&f);
    for (unsigned i = 0; i < CLIENTS; i++) {
        fds[i] = client_connect(serve_get_address(f.serve, i % 2), NULL, SOCK_STREAM);
        ask(fds[i], i);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        ask(fds[i], i);
        close(fds[i]);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        busy += fixture_answered(UDP_THREADS + i) != 0;
    }
    assert_int_equal(busy, WORKERS);
    fixture_stop(&f);
}

/* ---- stopping ---- */

struct late {
    int waiting; /* a client */
};

/* Likely after the thread was told to stop: either order has to work. */
static void *ask_and_open_gate(void *argument)
{
    const struct late *late = argument;
    uint8_t frame[FRAME];
    usleep(20000);
    frame_fill(frame, LEN, 4, DOUBLE_ECHO);
    (void)send(late->waiting, frame, FRAME, MSG_NOSIGNAL);
    double_open_gate();
    return NULL;
}

static void answers_due_are_written_when_stopping(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t frame[FRAME];
    pthread_t thread;
    start(&f);
    struct late late = {.waiting = dial(&f)};
    int slow = dial(&f);
    ask(slow, 1);
    ask(late.waiting, 2);
    frame_fill(frame, LEN, 3, DOUBLE_GATE);
    send_all(slow, frame, FRAME);
    while (!double_gate_reached()) {
        usleep(100);
    }
    assert_int_equal(pthread_create(&thread, NULL, ask_and_open_gate, &late), 0);
    fixture_stop(&f);
    pthread_join(thread, NULL);
    expect_echo(slow, LEN, 3, DOUBLE_GATE);
    expect_end(slow);
    expect_echo(late.waiting, LEN, 4, DOUBLE_ECHO);
    expect_end(late.waiting);
    close(slow);
    close(late.waiting);
}

/* Connected by the test: a thread that cannot connect any more could not say so (cmocka asserts are the main
 * thread's). */
struct asker {
    int fd;
    uint64_t answers;
};

static void *keep_asking(void *argument)
{
    struct asker *asker = argument;
    uint8_t frames[20][FRAME], replies[20 * REPLY];
    for (unsigned i = 0; i < 20; i++) {
        frame_fill(frames[i], LEN, i, DOUBLE_ECHO);
    }
    while (send(asker->fd, frames, sizeof frames, MSG_NOSIGNAL) == sizeof frames &&
           recv(asker->fd, replies, sizeof replies, MSG_WAITALL) == sizeof replies) {
        asker->answers += 20;
    }
    close(asker->fd);
    return NULL;
}

static void stops_while_busy(void **state)
{
    (void)state;
    size_t before = count_descriptors();
    for (int i = 0; i < 5; i++) {
        struct fixture f;
        struct asker askers[3];
        pthread_t threads[3];
        uint64_t sums[ANSWER_COUNTERS];
        fixture_init(&f, LOOPBACK, 1);
        f.options.threads = 2;
        fixture_start(&f);
        for (size_t t = 0; t < 3; t++) {
            askers[t] = (struct asker){.fd = dial(&f)};
            assert_int_equal(pthread_create(&threads[t], NULL, keep_asking, &askers[t]), 0);
        }
        do {
            serve_get_counters(f.serve, sums);
        } while (sums[ANSWER_COUNT_QUERIES_TCP] < 500);
        int idle = dial(&f), partial = dial(&f), unread = dial_narrow(&f);
        send_all(partial, (const uint8_t[]){0, 99, 1}, 3);
        send_big(unread, 0, 50);
        fixture_stop(&f);
        for (size_t t = 0; t < 3; t++) {
            pthread_join(threads[t], NULL);
        }
        close(idle);
        close(partial);
        close(unread);
    }
    assert_int_equal(count_descriptors(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_single_queries),
        cmocka_unit_test(accepted_sockets_do_not_wait_for_more),
        cmocka_unit_test(answers_pipelined_queries_in_order),
        cmocka_unit_test(answers_what_comes_octet_by_octet),
        cmocka_unit_test(answers_whatever_the_cut),
        cmocka_unit_test(answers_the_longest_query),
        cmocka_unit_test(senseless_lengths_and_silence_close),
        cmocka_unit_test(half_closed_clients_get_their_answers),
        cmocka_unit_test(slow_readers_get_everything),
        cmocka_unit_test(answers_due_precede_the_end_of_a_bad_stream),
        cmocka_unit_test(readers_that_never_read_are_cut),
        cmocka_unit_test(idle_clients_are_closed_in_order),
        cmocka_unit_test(a_dripping_query_is_no_activity),
        cmocka_unit_test(the_one_idle_longest_makes_room),
        cmocka_unit_test(several_threads_accept),
        cmocka_unit_test(answers_due_are_written_when_stopping),
        cmocka_unit_test(stops_while_busy),
    };
    return cmocka_run_group_tests_name("serve_tcp", tests, NULL, NULL);
}
