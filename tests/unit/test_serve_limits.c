/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what TCP clients may take: connections of one client, of all, and what the system gives. What is
 * asserted is who stays and who goes, never how long it took. */
#include "config.h"

#include "test_serve_doubles.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPBACK ((const char *const[]){"127.0.0.1:0"})

enum { LEN = 40, FRAME = 2 + LEN, REPLY = FRAME + TAIL };

static int dial(const struct fixture *f)
{
    return client_connect(serve_get_address(f->serve, 0), NULL, SOCK_STREAM);
}

static void ask(int fd, unsigned id)
{
    uint8_t frame[FRAME] = {0, LEN}, reply[REPLY];
    query_fill(frame + 2, LEN, id, DOUBLE_ECHO);
    assert_int_equal(send(fd, frame, FRAME, MSG_NOSIGNAL), FRAME);
    assert_int_equal(recv(fd, reply, REPLY, MSG_WAITALL), REPLY);
    assert_true(reply_is_echo(frame + 2, LEN, reply + 2, LEN + TAIL, fd));
}

static void expect_end(int fd)
{
    uint8_t byte;
    ssize_t got = recv(fd, &byte, 1, 0);
    assert_true(got == 0 || (got == -1 && errno == ECONNRESET));
}

static int dial_from(const struct fixture *f, const char *source)
{
    struct sockaddr_in from = {.sin_family = AF_INET};
    struct sockaddr_storage to;
    struct timeval wait = {.tv_sec = GIVE_UP_S};
    assert_int_equal(inet_pton(AF_INET, source, &from.sin_addr), 1);
    socklen_t len = addr_to_sockaddr(serve_get_address(f->serve, 0), &to);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_not_equal(fd, -1);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, len), 0);
    return fd;
}

static uint64_t count_ended(const struct fixture *f, enum serve_tcp_end end)
{
    struct serve_tcp_stats stats;
    serve_get_tcp_stats(f->serve, &stats);
    return stats.ended[end];
}

/* How many of them the server has closed; those are closed here too. */
static unsigned count_closed(int *fds, unsigned count)
{
    unsigned closed = 0;
    uint8_t byte;
    for (unsigned i = 0; i < count; i++) {
        ssize_t got = fds[i] == -1 ? 1 : recv(fds[i], &byte, 1, MSG_DONTWAIT);
        if (got == 0 || (got == -1 && errno == ECONNRESET)) {
            close(fds[i]);
            fds[i] = -1;
            closed++;
        }
    }
    return closed;
}

static void close_all(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (fds[i] != -1) {
            close(fds[i]);
        }
    }
}

static void a_client_at_its_limit_loses_its_oldest(void **state)
{
    (void)state;
    struct fixture f;
    struct serve_tcp_stats stats;
    int fds[3];
    fixture_init(&f, LOOPBACK, 1);
    f.options.tcp.clients_per_address = 3;
    fixture_start(&f);
    int other = dial_from(&f, "127.0.0.2");
    ask(other, 1); /* idle longer than all others */
    for (unsigned i = 0; i < 3; i++) {
        fds[i] = dial_from(&f, "127.0.0.1");
        ask(fds[i], i);
    }
    usleep(5000);
    ask(fds[0], 4);
    int fourth = dial_from(&f, "127.0.0.1");
    ask(fourth, 5);
    expect_end(fds[1]);
    ask(fds[0], 6);
    ask(fds[2], 7);
    ask(other, 8);
    assert_int_equal(count_ended(&f, SERVE_TCP_END_ADDRESS), 1);
    serve_get_tcp_stats(f.serve, &stats);
    assert_int_equal(stats.clients, 4);
    assert_int_equal(stats.accepted, 5);
    /* a place that was given back can be had again */
    close(fds[0]);
    close(fds[2]);
    while (count_ended(&f, SERVE_TCP_END_CLIENT) < 2) {
        usleep(1000);
    }
    int fifth = dial_from(&f, "127.0.0.1");
    ask(fifth, 9);
    ask(fourth, 10);
    close_all((const int[]){fds[1], other, fourth, fifth}, 4);
    fixture_stop(&f);
}

/* The kernel deals connections out to the threads; the limit is that of the server. */
static void limits_hold_over_all_threads(void **state)
{
    (void)state;
    enum { WORKERS = 3, EACH = 10, ALL = 30, CLIENTS = 60 };
    struct fixture f;
    struct serve_tcp_stats stats;
    int first[CLIENTS], second[CLIENTS];
    fixture_init(&f, LOOPBACK, 1);
    f.options.threads = WORKERS;
    f.options.tcp.clients_per_address = EACH;
    f.options.tcp.clients = ALL;
    fixture_start(&f);
    for (unsigned i = 0; i < CLIENTS; i++) {
        first[i] = dial_from(&f, "127.0.0.1");
        ask(first[i], i);
        second[i] = i < EACH / 2 ? dial_from(&f, "127.0.0.2") : -1;
        if (second[i] != -1) {
            ask(second[i], i);
        }
    }
    unsigned left = CLIENTS - count_closed(first, CLIENTS);
    assert_in_range(left, EACH, EACH + WORKERS - 1);
    assert_int_equal(count_closed(second, CLIENTS), 0);
    /* many clients with one connection each */
    int many[CLIENTS];
    for (unsigned i = 0; i < CLIENTS; i++) {
        char source[16];
        snprintf(source, sizeof source, "127.0.1.%u", i + 1);
        many[i] = dial_from(&f, source);
        ask(many[i], i);
    }
    do { /* a thread may still be about to close what another one asked it to */
        usleep(1000);
        serve_get_tcp_stats(f.serve, &stats);
    } while (stats.clients > ALL);
    assert_in_range(stats.clients, ALL - WORKERS, ALL);
    assert_true(stats.ended[SERVE_TCP_END_CLIENTS] >= CLIENTS - ALL);
    assert_int_equal(count_closed(many, CLIENTS - ALL / 2) != 0, true);
    ask(many[CLIENTS - 1], 7);
    close_all(first, CLIENTS);
    close_all(second, CLIENTS);
    close_all(many, CLIENTS);
    fixture_stop(&f);
}

static void limits_change_while_it_runs(void **state)
{
    (void)state;
    enum { BEFORE = 8, AFTER = 5 };
    struct fixture f;
    int fds[BEFORE + AFTER];
    fixture_init(&f, LOOPBACK, 1);
    fixture_start(&f);
    for (unsigned i = 0; i < BEFORE; i++) {
        fds[i] = dial(&f);
        ask(fds[i], i);
    }
    struct serve_tcp_limits limits = {.idle_ms = 3 * GIVE_UP_S * 1000, .clients_per_address = 4};
    serve_set_tcp_limits(f.serve, &limits);
    for (unsigned i = BEFORE; i < BEFORE + AFTER;
         i++) { /* each that comes sends two away, until there are four */
        fds[i] = dial(&f);
        ask(fds[i], i);
    }
    assert_int_equal(count_closed(fds, BEFORE + AFTER), BEFORE + AFTER - 4);
    limits.idle_ms = 1; /* the timers that run were set for a minute */
    serve_set_tcp_limits(f.serve, &limits);
    for (unsigned i = 0; i < BEFORE + AFTER; i++) {
        if (fds[i] != -1) {
            expect_end(fds[i]);
        }
    }
    close_all(fds, BEFORE + AFTER);
    fixture_stop(&f);
}

static void a_lack_of_descriptors_closes_the_one_idle_longest(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, LOOPBACK, 1);
    fixture_start(&f);
    int idle = dial(&f), busy = dial(&f);
    ask(idle, 1);
    ask(busy, 2);
    double_fail_accept(1);
    int fd = dial(&f);
    ask(fd, 3);
    expect_end(idle);
    ask(busy, 4);
    assert_int_equal(double_accept_failures(), 1);
    assert_int_equal(count_ended(&f, SERVE_TCP_END_DESCRIPTORS), 1);
    close_all((const int[]){idle, busy, fd}, 3);
    fixture_stop(&f);
}

static void accepting_pauses_where_there_is_none_to_close(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f, LOOPBACK, 1);
    fixture_start(&f);
    double_fail_accept(2);
    int fd = dial(&f);
    ask(fd, 3); /* after two pauses */
    assert_int_equal(double_accept_failures(), 2);
    close(fd);
    fixture_stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_at_its_limit_loses_its_oldest),
        cmocka_unit_test(limits_hold_over_all_threads),
        cmocka_unit_test(limits_change_while_it_runs),
        cmocka_unit_test(a_lack_of_descriptors_closes_the_one_idle_longest),
        cmocka_unit_test(accepting_pauses_where_there_is_none_to_close),
    };
    return cmocka_run_group_tests_name("serve_limits", tests, NULL, NULL);
}
