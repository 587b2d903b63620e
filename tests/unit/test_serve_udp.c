/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the UDP threads, and of opening and closing a server. Waiting is bounded by the clients'
 * GIVE_UP_S; nothing is asserted about how long anything takes. */
#include "config.h"

#include "test_serve_doubles.h"

#include "base/error.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK ((const char *const[]){"127.0.0.1:0"})

static void ask_one(int fd, unsigned id, size_t len)
{
    uint8_t query[4096], reply[5000];
    query_fill(query, len, id, DOUBLE_ECHO);
    assert_int_equal(send(fd, query, len, 0), len);
    ssize_t got = recv(fd, reply, sizeof reply, 0);
    assert_true(got > 0 && reply_is_echo(query, len, reply, (size_t)got, fd));
}

static void answers_on_each_address(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, (const char *const[]){"127.0.0.1:0", "127.0.0.3:0", "[::1]:0"}, 3);
    fixture_start(&f);
    assert_int_equal(serve_thread_count(&f.options), 4);
    for (size_t i = 0; i < 3; i++) {
        const struct addr_port *at = serve_get_address(f.serve, i);
        assert_int_not_equal(at->port, 0);
        assert_true(addr_equal(&at->addr, &f.listen[i].addr));
        int fd = client_connect(at, NULL, SOCK_DGRAM);
        for (unsigned n = 0; n < 5; n++) {
            ask_one(fd, n, 30u + n);
        }
        close(fd);
        assert_int_equal(fixture_answered(i), 5);
    }
    uint64_t sums[ANSWER_COUNTERS];
    serve_get_counters(f.serve, sums);
    assert_int_equal(sums[ANSWER_COUNT_QUERIES_UDP], 15);
    assert_int_equal(sums[ANSWER_COUNT_QUERIES_TCP], 0);
    assert_int_equal(sums[ANSWER_COUNT_DROPPED], 0);
    fixture_stop(&f);
}

/* A connected client hears nothing that comes from another address. */
static void wildcard_answers_from_the_address_asked(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "127.0.0.2", "127.200.3.4"};
    struct fixture f;
    fixture_init(&f, (const char *const[]){"0.0.0.0:0"}, 1);
    fixture_open(&f);
    /* Queued before the thread starts, so that different addresses meet in one batch. */
    int fds[3];
    uint8_t query[20], reply[100];
    for (size_t i = 0; i < 3; i++) {
        fds[i] = client_connect(serve_get_address(f.serve, 0), hosts[i], SOCK_DGRAM);
        query_fill(query, sizeof query, i, DOUBLE_SILENT);
        assert_int_equal(send(fds[i], query, sizeof query, 0), sizeof query);
        query_fill(query, sizeof query, i, DOUBLE_ECHO);
        assert_int_equal(send(fds[i], query, sizeof query, 0), sizeof query);
    }
    assert_int_equal(serve_start(f.serve), 0);
    for (size_t i = 0; i < 3; i++) {
        query_fill(query, sizeof query, i, DOUBLE_ECHO);
        ssize_t got = recv(fds[i], reply, sizeof reply, 0);
        assert_true(got > 0 && reply_is_echo(query, sizeof query, reply, (size_t)got, fds[i]));
        for (unsigned n = 0; n < 3; n++) {
            ask_one(fds[i], n, 40);
        }
        close(fds[i]);
    }
    fixture_stop(&f);
}

/* On a port that this process has just given back; whoever else runs here may take it, hence several
 * attempts. */
static void open_on_one_port(struct fixture *f, const char *const *listen, size_t count)
{
    int error = -EADDRINUSE;
    for (int i = 0; i < 20 && error == -EADDRINUSE; i++) {
        fixture_init(f, listen, 1);
        fixture_open(f);
        uint16_t port = serve_get_address(f->serve, 0)->port;
        fixture_stop(f);
        fixture_init(f, listen, count);
        for (size_t n = 0; n < count; n++) {
            f->listen[n].port = port;
        }
        error = serve_open(&f->options, f->report, &f->serve);
        if (error != 0) {
            fixture_stop(f);
        }
    }
    assert_int_equal(error, 0);
}

static void both_wildcards_on_one_port(void **state)
{
    (void)state;
    struct fixture f;
    /* And a specific address inside a wildcard. */
    open_on_one_port(&f, (const char *const[]){"[::]:0", "0.0.0.0:0", "127.0.0.9:0"}, 3);
    assert_int_equal(serve_start(f.serve), 0);
    static const char *const hosts[] = {"::1", "127.0.0.8", "127.0.0.9"};
    for (size_t i = 0; i < 3; i++) {
        int fd = client_connect(serve_get_address(f.serve, i), hosts[i], SOCK_DGRAM);
        ask_one(fd, 1, 40);
        ask_one(fd, 2, 40);
        close(fd);
        assert_int_equal(fixture_answered(i), 2);
    }
    fixture_stop(&f);
}

/* Queries of one client: expects a reply to each that is not silent or refused, each once. */
static void expect_replies(int fd, const uint8_t *kinds, unsigned count)
{
    uint8_t reply[200], query[60];
    bool seen[512] = {false};
    unsigned expected = 0;
    for (unsigned i = 0; i < count; i++) {
        expected += kinds[i] == DOUBLE_ECHO;
    }
    for (unsigned i = 0; i < expected; i++) {
        ssize_t got = recv(fd, reply, sizeof reply, 0);
        assert_true(got > TAIL);
        unsigned id = (unsigned)reply[0] << 8 | reply[1];
        assert_true(id < count && !seen[id] && kinds[id] == DOUBLE_ECHO);
        seen[id] = true;
        size_t len = 20 + id % 30;
        query_fill(query, len, id, DOUBLE_ECHO);
        assert_true(reply_is_echo(query, len, reply, (size_t)got, fd));
    }
    assert_int_equal(recv(fd, reply, sizeof reply, MSG_DONTWAIT), -1);
}

static void batches_leave_out_what_gets_no_reply(void **state)
{
    (void)state;
    enum { COUNT = 201 };
    struct fixture f;
    uint8_t kinds[COUNT], query[60];
    fixture_init(&f, LOOPBACK, 1);
    fixture_open(&f);
    int fd = client_connect(serve_get_address(f.serve, 0), NULL, SOCK_DGRAM);
    for (unsigned i = 0; i < COUNT; i++) {
        kinds[i] = i % 5 == 2 ? DOUBLE_SILENT : i % 7 == 3 ? DOUBLE_REFUSED : DOUBLE_ECHO;
        /* The first of a batch, the last of one, a run of them. */
        kinds[i] = i == 0 || i == 63 || (i >= 128 && i < 192) ? DOUBLE_REFUSED : kinds[i];
        kinds[i] = i == 64 || i == 127 ? DOUBLE_SILENT : kinds[i];
        query_fill(query, 20 + i % 30, i, kinds[i]);
        assert_int_equal(send(fd, query, 20 + i % 30, 0), 20 + i % 30);
    }
    assert_int_equal(serve_start(f.serve), 0);
    expect_replies(fd, kinds, COUNT); /* the last one is an echo: all before it have been dealt with */
    fixture_stop(&f);
    close(fd);
}

static void refused_messages_are_counted(void **state)
{
    (void)state;
    struct fixture f;
    uint8_t query[20];
    uint64_t sums[ANSWER_COUNTERS];
    fixture_init(&f, LOOPBACK, 1);
    fixture_open(&f);
    int fd = client_connect(serve_get_address(f.serve, 0), NULL, SOCK_DGRAM);
    for (unsigned i = 0; i < 100; i++) {
        query_fill(query, sizeof query, i, i % 2 == 0 ? DOUBLE_REFUSED : DOUBLE_SILENT);
        assert_int_equal(send(fd, query, sizeof query, 0), sizeof query);
    }
    assert_int_equal(serve_start(f.serve), 0);
    ask_one(fd, 7, 20);
    serve_get_counters(f.serve, sums);
    assert_int_equal(sums[ANSWER_COUNT_DROPPED], 50);
    assert_int_equal(sums[ANSWER_COUNT_QUERIES_UDP], 101);
    close(fd);
    fixture_stop(&f);
}

static void odd_sizes(void **state)
{
    (void)state;
    struct fixture f;
    static uint8_t query[60000];
    uint8_t reply[5000];
    fixture_init(&f, (const char *const[]){"127.0.0.1:0", "0.0.0.0:0"}, 2);
    fixture_start(&f);
    for (size_t a = 0; a < 2; a++) {
        int fd = client_connect(serve_get_address(f.serve, a), "127.0.0.1", SOCK_DGRAM);
        for (size_t len = 0; len <= HEADER; len++) {
            assert_int_equal(send(fd, query, len, 0), len);
        }
        ask_one(fd, 1, 13);
        ask_one(fd, 2, 4096 - TAIL);
        static const size_t sizes[] = {4095, 4096, 4097, 60000};
        for (size_t i = 0; i < 4; i++) {
            query_fill(query, sizes[i], 5, DOUBLE_LENGTH);
            assert_int_equal(send(fd, query, sizes[i], 0), sizes[i]);
            assert_int_equal(recv(fd, reply, sizeof reply, 0), HEADER + 3);
            size_t seen = (size_t)reply[HEADER + 1] << 8 | reply[HEADER + 2];
            assert_int_equal(seen, sizes[i] > 4096 ? 4096 : sizes[i]);
        }
        for (unsigned n = 0; n < 20; n++) { /* whole replies lie side by side in a batch */
            query_fill(query, 20, n, DOUBLE_BIG);
            query[HEADER + 1] = 4096 >> 8;
            query[HEADER + 2] = 0;
            assert_int_equal(send(fd, query, 20, 0), 20);
        }
        for (unsigned n = 0; n < 20; n++) {
            assert_int_equal(recv(fd, reply, sizeof reply, 0), 4096);
            assert_int_equal(reply[4095], reply[1]);
            assert_int_equal(reply[20], reply[1]);
        }
        close(fd);
    }
    fixture_stop(&f);
}

static void several_threads_share_an_address(void **state)
{
    (void)state;
    enum { CLIENTS = 60, WORKERS = 3 };
    struct fixture f;
    uint64_t sums[ANSWER_COUNTERS], total = 0;
    unsigned busy = 0;
    fixture_init(&f, LOOPBACK, 1);
    f.options.threads = WORKERS;
    fixture_start(&f);
    assert_int_equal(serve_thread_count(&f.options), 2 * WORKERS);
    for (unsigned i = 0; i < CLIENTS; i++) {
        int fd = client_connect(serve_get_address(f.serve, 0), NULL, SOCK_DGRAM);
        ask_one(fd, i, 50);
        close(fd);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        busy += fixture_answered(i) != 0;
        total += fixture_answered(i);
    }
    assert_int_equal(busy, WORKERS); /* 60 clients missing one of 3: 3e-11 */
    assert_int_equal(total, CLIENTS);
    serve_get_counters(f.serve, sums);
    assert_int_equal(sums[ANSWER_COUNT_QUERIES_UDP], CLIENTS);
    fixture_stop(&f);
}

static void address_in_use_is_reported(void **state)
{
    (void)state;
    struct fixture first, second;
    char line[400];
    fixture_init(&first, LOOPBACK, 1);
    first.options.threads = 2;
    fixture_start(&first);
    fixture_init(&second, (const char *const[]){"127.0.0.1:0", "127.0.0.1:0"}, 2);
    second.listen[1].port = serve_get_address(first.serve, 0)->port;
    second.options.threads = 2;
    size_t before = count_descriptors();
    assert_int_equal(serve_open(&second.options, second.report, &second.serve), -EADDRINUSE);
    assert_null(second.serve);
    assert_int_equal(count_descriptors(), before);
    assert_int_equal(report_errors(second.report), 2);
    report_write_item(report_get(second.report, 0), line, sizeof line);
    assert_non_null(strstr(line, "UDP 127.0.0.1:"));
    assert_non_null(strstr(line, "$.listen[1]"));
    assert_non_null(strstr(line, "is another server running"));
    report_write_item(report_get(second.report, 1), line, sizeof line);
    assert_non_null(strstr(line, "TCP 127.0.0.1:"));
    report_free(second.report);
    fixture_stop(&first);
}

/* It may come: of IPv6 it is tentative at first, and the standby of VRRP has it later. */
static void address_that_is_not_there_is_a_warning(void **state)
{
    (void)state;
    struct fixture f;
    char line[400];
    fixture_init(&f, (const char *const[]){"127.0.0.1:0", "192.0.2.77:0", "[2001:db8::77]:0"}, 3);
    assert_int_equal(serve_open(&f.options, f.report, &f.serve), 0);
    assert_int_equal(report_errors(f.report), 0);
    assert_int_equal(report_warnings(f.report), 2);
    report_write_item(report_get(f.report, 0), line, sizeof line);
    assert_non_null(strstr(line, "192.0.2.77"));
    assert_non_null(strstr(line, "$.listen[1]"));
    report_write_item(report_get(f.report, 1), line, sizeof line);
    assert_non_null(strstr(line, "2001:db8::77"));
    fixture_stop(&f);
}

static void no_address_is_an_error(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, NULL, 0);
    assert_int_equal(serve_open(&f.options, f.report, &f.serve), ERROR_INVALID);
    assert_int_equal(report_errors(f.report), 1);
    fixture_stop(&f);
}

static void opens_and_closes_without_leaks(void **state)
{
    (void)state;
    struct fixture f;
    size_t before = count_descriptors();
    for (int i = 0; i < 30; i++) {
        fixture_init(&f, (const char *const[]){"127.0.0.1:0", "[::1]:0", "0.0.0.0:0"}, 3);
        f.options.threads = 2;
        fixture_open(&f);
        if (i % 3 != 0) {
            assert_int_equal(serve_start(f.serve), 0);
        }
        if (i % 3 == 2) {
            int fd = client_connect(serve_get_address(f.serve, 0), NULL, SOCK_DGRAM);
            ask_one(fd, 1, 20);
            close(fd);
        }
        fixture_stop(&f);
    }
    assert_int_equal(count_descriptors(), before);
}

/* A server with connections, closed and opened again on its port: 0 or what serve_open() said. */
static int try_restart(void)
{
    struct fixture f;
    fixture_init(&f, LOOPBACK, 1);
    fixture_start(&f);
    uint16_t port = serve_get_address(f.serve, 0)->port;
    int tcp = client_connect(serve_get_address(f.serve, 0), NULL, SOCK_STREAM);
    int udp = client_connect(serve_get_address(f.serve, 0), NULL, SOCK_DGRAM);
    ask_one(udp, 1, 20);
    fixture_stop(&f); /* the server closes first: TIME_WAIT is on its side */
    close(tcp);
    fixture_init(&f, LOOPBACK, 1);
    f.listen[0].port = port;
    int error = serve_open(&f.options, f.report, &f.serve);
    if (error == 0) {
        assert_int_equal(serve_start(f.serve), 0);
        ask_one(udp, 2, 20);
    }
    fixture_stop(&f);
    close(udp);
    return error;
}

static void restarts_on_the_same_port(void **state)
{
    (void)state;
    int error = -EADDRINUSE;
    for (int i = 0; i < 5 && error == -EADDRINUSE;
         i++) { /* somebody else may take the port, but not always */
        error = try_restart();
    }
    assert_int_equal(error, 0);
}

struct asker {
    const struct addr_port *at;
    atomic_bool stop;
};

static void *keep_asking(void *argument)
{
    struct asker *asker = argument;
    uint8_t query[30], reply[100];
    int fd = client_connect(asker->at, NULL, SOCK_DGRAM);
    query_fill(query, sizeof query, 1, DOUBLE_ECHO);
    while (!atomic_load(&asker->stop)) {
        (void)send(fd, query, sizeof query, 0);
        (void)recv(fd, reply, sizeof reply, MSG_DONTWAIT);
    }
    close(fd);
    return NULL;
}

static void stops_while_busy(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct fixture f;
        pthread_t thread;
        uint64_t sums[ANSWER_COUNTERS];
        fixture_init(&f, LOOPBACK, 1);
        fixture_start(&f);
        struct addr_port at = *serve_get_address(f.serve, 0);
        struct asker asker = {.at = &at};
        assert_int_equal(pthread_create(&thread, NULL, keep_asking, &asker), 0);
        do {
            serve_get_counters(f.serve, sums);
        } while (sums[ANSWER_COUNT_QUERIES_UDP] < 200);
        fixture_stop(&f);
        atomic_store(&asker.stop, true);
        pthread_join(thread, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_on_each_address),
        cmocka_unit_test(wildcard_answers_from_the_address_asked),
        cmocka_unit_test(both_wildcards_on_one_port),
        cmocka_unit_test(batches_leave_out_what_gets_no_reply),
        cmocka_unit_test(refused_messages_are_counted),
        cmocka_unit_test(odd_sizes),
        cmocka_unit_test(several_threads_share_an_address),
        cmocka_unit_test(address_in_use_is_reported),
        cmocka_unit_test(address_that_is_not_there_is_a_warning),
        cmocka_unit_test(no_address_is_an_error),
        cmocka_unit_test(opens_and_closes_without_leaks),
        cmocka_unit_test(restarts_on_the_same_port),
        cmocka_unit_test(stops_while_busy),
    };
    return cmocka_run_group_tests_name("serve_udp", tests, NULL, NULL);
}
