/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of transfers over TCP: a stream of messages comes whole and in order, queries behind it wait, nobody
 * else does, who does not read is cut, and there are no more at once than may be. */
#include "config.h"

#include "test_serve_doubles.h"

#include "base/log.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK ((const char *const[]){"127.0.0.1:0"})

enum { LEN = 40, FRAME = 2 + LEN, MANY = 2000 /* messages: 32 MB, more than any socket buffer takes */ };

static int dial(const struct fixture *f)
{
    int yes = 1, size = 128 << 10, fd = client_connect(serve_get_address(f->serve, 0), NULL, SOCK_STREAM);
    assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
    return fd;
}

static size_t fill(uint8_t *frame, unsigned id, uint8_t kind, unsigned count)
{
    frame[0] = 0;
    frame[1] = LEN;
    query_fill(frame + 2, LEN, id, kind);
    if (kind == DOUBLE_STREAM) {
        frame[2 + HEADER + 1] = (uint8_t)(count >> 8);
        frame[2 + HEADER + 2] = (uint8_t)count;
    }
    return FRAME;
}

static void ask(int fd, unsigned id, uint8_t kind, unsigned count)
{
    uint8_t frame[FRAME];
    size_t len = fill(frame, id, kind, count);
    assert_int_equal(send(fd, frame, len, MSG_NOSIGNAL), len);
}

/* The reply to one query, which is an echo; returns whether a transfer was refused. */
static bool expect_reply(int fd, unsigned id, uint8_t kind, unsigned count)
{
    uint8_t frame[FRAME], reply[FRAME + TAIL];
    (void)fill(frame, id, kind, count);
    assert_int_equal(recv(fd, reply, sizeof reply, MSG_WAITALL), sizeof reply);
    bool refused = reply[4] == 0xff;
    reply[4] = refused ? 0x80 : reply[4];
    assert_int_equal(reply[0] << 8 | reply[1], LEN + TAIL);
    assert_true(reply_is_echo(frame + 2, LEN, reply + 2, LEN + TAIL, fd));
    return refused;
}

static void expect_message(int fd, unsigned id, uint32_t number)
{
    uint8_t message[2 + STREAM_LEN], expected[2 + STREAM_LEN];
    const uint8_t head[] = {
        STREAM_LEN >> 8,         STREAM_LEN & 0xff,       (uint8_t)(id >> 8),     (uint8_t)id,
        (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
    memset(expected, (uint8_t)number, sizeof expected);
    memcpy(expected, head, sizeof head);
    assert_int_equal(recv(fd, message, sizeof message, MSG_WAITALL), sizeof message);
    assert_memory_equal(message, expected, sizeof message);
}

static void expect_stream(int fd, unsigned id, unsigned count)
{
    assert_false(expect_reply(fd, id, DOUBLE_STREAM, count));
    for (uint32_t number = 1; number <= count; number++) {
        expect_message(fd, id, number);
    }
}

static void start(struct fixture *f)
{
    fixture_init(f, LOOPBACK, 1);
    fixture_start(f);
}

static uint64_t counted(const struct fixture *f, enum answer_counter counter)
{
    uint64_t sums[ANSWER_COUNTERS];
    serve_get_counters(f->serve, sums);
    return sums[counter];
}

static void wait_counted(const struct fixture *f, enum answer_counter counter)
{
    for (int i = 0; i < GIVE_UP_S * 1000 && counted(f, counter) == 0; i++) {
        usleep(1000);
    }
    assert_int_equal(counted(f, counter), 1);
}

/* A stream is counted as ended a moment before what it held is let go. */
static void wait_held(unsigned left)
{
    for (int i = 0; i < GIVE_UP_S * 1000 && double_transfers() != left; i++) {
        usleep(1000);
    }
    assert_int_equal(double_transfers(), left);
}

static void streams_come_whole(void **state)
{
    (void)state;
    static const unsigned counts[] = {0, 1, 2, 9, MANY};
    struct fixture f;
    start(&f);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        int fd = dial(&f);
        ask(fd, 7, DOUBLE_STREAM, counts[i]);
        expect_stream(fd, 7, counts[i]);
        ask(fd, 8, DOUBLE_ECHO, 0);
        assert_false(expect_reply(fd, 8, DOUBLE_ECHO, 0));
        wait_held(0);
        assert_int_equal(counted(&f, ANSWER_COUNT_TRANSFER_FINISHED), i + 1);
        close(fd);
    }
    assert_int_equal(counted(&f, ANSWER_COUNT_TRANSFER_STARTED), 5);
    assert_int_equal(counted(&f, ANSWER_COUNT_TRANSFER_ABORTED), 0);
    fixture_stop(&f);
}

/* Pipelined: what comes behind a transfer is answered behind it, in order, transfers among it. */
static void queries_behind_a_stream_wait(void **state)
{
    (void)state;
    uint8_t frames[9 * FRAME];
    size_t len = 0;
    struct fixture f;
    start(&f);
    for (unsigned i = 0; i < 9; i++) {
        len += fill(frames + len, i, i % 3 == 1 ? DOUBLE_STREAM : DOUBLE_ECHO, 20 * i);
    }
    for (size_t cut = 0; cut < 3; cut++) { /* and with the last query in part */
        int fd = dial(&f);
        assert_int_equal(send(fd, frames, len - cut, MSG_NOSIGNAL), len - cut);
        for (unsigned i = 0; i < 9; i++) {
            if (i == 8 && cut != 0) {
                assert_int_equal(send(fd, frames + len - cut, cut, MSG_NOSIGNAL), cut);
            }
            if (i % 3 == 1) {
                expect_stream(fd, i, 20 * i);
            } else {
                assert_false(expect_reply(fd, i, DOUBLE_ECHO, 0));
            }
        }
        close(fd);
    }
    fixture_stop(&f);
}

/* A peer that does not read holds up nobody else, and gets everything when it does. */
static void others_do_not_wait(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    int fd = dial(&f), other = dial(&f);
    ask(fd, 1, DOUBLE_STREAM, MANY);
    for (unsigned i = 0; i < 200; i++) {
        ask(other, i, DOUBLE_ECHO, 0);
        assert_false(expect_reply(other, i, DOUBLE_ECHO, 0));
    }
    expect_stream(fd, 1, MANY);
    close(fd);
    close(other);
    fixture_stop(&f);
}

static void streams_go_on_side_by_side(void **state)
{
    (void)state;
    enum { CLIENTS = 100, COUNT = 300 };
    struct fixture f;
    int fds[CLIENTS];
    start(&f);
    for (unsigned i = 0; i < CLIENTS; i++) {
        fds[i] = dial(&f);
        ask(fds[i], i, DOUBLE_STREAM, COUNT);
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        assert_false(expect_reply(fds[i], i, DOUBLE_STREAM, COUNT));
    }
    for (uint32_t number = 1; number <= COUNT; number++) {
        for (unsigned i = 0; i < CLIENTS; i++) {
            expect_message(fds[i], i, number);
        }
    }
    for (unsigned i = 0; i < CLIENTS; i++) {
        close(fds[i]);
    }
    fixture_stop(&f);
}

static void no_more_at_once_than_may_be(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, LOOPBACK, 1);
    f.server.max_transfers = 2;
    fixture_start(&f);
    int fds[3];
    for (unsigned i = 0; i < 3; i++) {
        fds[i] = dial(&f);
        ask(fds[i], i, DOUBLE_STREAM, MANY);
        assert_int_equal(expect_reply(fds[i], i, DOUBLE_STREAM, MANY), i == 2);
    }
    for (uint32_t number = 1; number <= MANY; number++) {
        expect_message(fds[0], 0, number);
    }
    wait_counted(&f, ANSWER_COUNT_TRANSFER_FINISHED);
    ask(fds[2], 3, DOUBLE_STREAM, 5); /* there is room again */
    expect_stream(fds[2], 3, 5);
    for (unsigned i = 0; i < 3; i++) {
        close(fds[i]);
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
    int fd = dial(&f);
    ask(fd, 1, DOUBLE_STREAM, MANY);
    wait_counted(&f, ANSWER_COUNT_TRANSFER_ABORTED);
    wait_held(0);
    while ((got = recv(fd, bytes, sizeof bytes, 0)) > 0) {
        total += (size_t)got;
    }
    assert_true(total < (size_t)MANY * STREAM_LEN);
    close(fd);
    fixture_stop(&f);
}

/* Who reads, slowly, is not: every message that was taken is a sign of life. Here the whole takes several
 * times what a connection may idle. */
static void slow_readers_are_not_cut(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, LOOPBACK, 1);
    f.options.tcp.idle_ms = 1000;
    fixture_start(&f);
    int fd = dial(&f);
    ask(fd, 1, DOUBLE_STREAM, MANY);
    assert_false(expect_reply(fd, 1, DOUBLE_STREAM, MANY));
    for (uint32_t number = 1; number <= MANY; number++) {
        expect_message(fd, 1, number);
        if (number % 20 == 0) {
            usleep(30000);
        }
    }
    close(fd);
    fixture_stop(&f);
}

static void streams_end_with_their_peers_and_with_the_server(void **state)
{
    (void)state;
    struct fixture f;
    start(&f);
    int fd = dial(&f), other = dial(&f);
    ask(fd, 1, DOUBLE_STREAM, MANY);
    ask(other, 2, DOUBLE_STREAM, MANY);
    assert_false(expect_reply(fd, 1, DOUBLE_STREAM, MANY));
    assert_false(expect_reply(other, 2, DOUBLE_STREAM, MANY));
    close(fd);
    wait_counted(&f, ANSWER_COUNT_TRANSFER_ABORTED);
    wait_held(1);
    fixture_stop(&f); /* which holds that none is left */
    close(other);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_come_whole),
        cmocka_unit_test(queries_behind_a_stream_wait),
        cmocka_unit_test(others_do_not_wait),
        cmocka_unit_test(streams_go_on_side_by_side),
        cmocka_unit_test(no_more_at_once_than_may_be),
        cmocka_unit_test(readers_that_never_read_are_cut),
        cmocka_unit_test(slow_readers_are_not_cut),
        cmocka_unit_test(streams_end_with_their_peers_and_with_the_server),
    };
    log_set_level(LOG_LEVEL_WARNING); /* one line per transfer is too many here */
    return cmocka_run_group_tests_name("serve_stream", tests, NULL, NULL);
}
