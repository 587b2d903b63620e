/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of a server whose sockets another one takes over: two of them in this process, with descriptors of
 * the same sockets. */
#include "config.h"

#include "test_serve_doubles.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SECOND = CACHES / 2, CLIENTS = 60, INHERITED_MAX = 16 };

/* A second server that is offered all sockets of the first. */
struct heir {
    struct fixture fixture;
    struct serve_socket inherited[INHERITED_MAX];
    bool kept[INHERITED_MAX];
    size_t count;
};

static void offer(struct heir *heir, const struct fixture *first, const char *const *listen, size_t count)
{
    struct serve_socket *list = serve_list_sockets(first->serve, &heir->count);
    fixture_init(&heir->fixture, listen, count);
    assert_true(heir->count <= INHERITED_MAX);
    for (size_t i = 0; i < heir->count; i++) {
        heir->inherited[i] = list[i];
        heir->inherited[i].fd = dup(list[i].fd);
    }
    for (size_t i = 0; i < SECOND; i++) {
        heir->fixture.caches[i] = first->caches[SECOND + i];
    }
    heir->fixture.options.inherited = heir->inherited;
    heir->fixture.options.inherited_count = heir->count;
    free(list);
}

/* Open it with what it takes; the rest is closed. Returns how many it took. */
static size_t take(struct heir *heir)
{
    size_t taken = 0;
    fixture_open(&heir->fixture);
    for (size_t i = 0; i < heir->count; i++) {
        heir->kept[i] = heir->inherited[i].fd == -1;
        taken += heir->kept[i];
        if (!heir->kept[i]) {
            close(heir->inherited[i].fd);
        }
    }
    return taken;
}

static void ask(int fd, unsigned id)
{
    uint8_t query[40];
    query_fill(query, sizeof query, id, DOUBLE_ECHO);
    assert_int_equal(send(fd, query, sizeof query, 0), sizeof query);
}

static void hear(int fd, unsigned id)
{
    uint8_t query[40], reply[200];
    query_fill(query, sizeof query, id, DOUBLE_ECHO);
    ssize_t got = recv(fd, reply, sizeof reply, 0);
    assert_true(got > 0 && reply_is_echo(query, sizeof query, reply, (size_t)got, fd));
}

static void ask_tcp(int fd)
{
    uint8_t framed[42] = {0, 40}, reply[200];
    query_fill(framed + 2, 40, 7, DOUBLE_ECHO);
    assert_int_equal(send(fd, framed, sizeof framed, 0), sizeof framed);
    assert_int_equal(recv(fd, reply, 2 + 40 + TAIL, MSG_WAITALL), 2 + 40 + TAIL);
}

static void drain(struct serve *serve)
{
    while (!serve_is_drained(serve)) {
        usleep(1000);
    }
    serve_end_udp(serve);
}

static void another_server_has_the_same_sockets(void **state)
{
    (void)state;
    static const char *const listen[] = {"127.0.0.1:0", "[::1]:0"};
    struct fixture first;
    struct heir heir;
    int clients[CLIENTS];
    size_t before = count_descriptors();
    fixture_init(&first, listen, 2);
    first.options.threads = 2;
    fixture_start(&first);
    const struct addr_port at = *serve_get_address(first.serve, 0);
    int tcp = client_connect(&at, NULL, SOCK_STREAM);
    ask_tcp(tcp);
    offer(&heir, &first, listen, 2);
    heir.fixture.options.threads = 2;
    assert_int_equal(take(&heir), 8);
    assert_int_equal(serve_get_address(heir.fixture.serve, 0)->port, at.port);
    assert_int_equal(serve_start(heir.fixture.serve), 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        clients[i] = client_connect(&at, NULL, SOCK_DGRAM);
        ask(clients[i], i);
    }
    serve_leave(first.serve, heir.kept);
    drain(first.serve);
    for (unsigned i = 0; i < CLIENTS; i++) {
        hear(clients[i], i);
        ask(clients[i], i + 1);
        hear(clients[i], i + 1);
    }
    assert_true(fixture_answered(SECOND) + fixture_answered(SECOND + 1) >= CLIENTS);
    ask_tcp(tcp); /* still where it was */
    struct serve_tcp_stats stats;
    serve_get_tcp_stats(first.serve, &stats);
    assert_int_equal(stats.clients, 1);
    int other = client_connect(&at, NULL, SOCK_STREAM);
    ask_tcp(other);
    serve_get_tcp_stats(heir.fixture.serve, &stats);
    assert_int_equal(stats.clients, 1);
    close(tcp);
    serve_close(first.serve);
    report_free(first.report);
    for (unsigned i = 0; i < CLIENTS; i++) {
        ask(clients[i], i + 2);
        hear(clients[i], i + 2);
        close(clients[i]);
    }
    ask_tcp(other);
    close(other);
    fixture_stop(&heir.fixture);
    assert_int_equal(count_descriptors(), before);
}

/* Fewer threads: a socket goes, and what waits in it is answered; what comes then goes to the other ones. */
static void what_is_not_kept_is_read_to_its_end(void **state)
{
    (void)state;
    static const char *const listen[] = {"0.0.0.0:0"};
    struct fixture first;
    struct heir heir;
    int clients[CLIENTS];
    fixture_init(&first, listen, 1);
    first.options.threads = 3;
    fixture_open(&first);
    const struct addr_port at = *serve_get_address(first.serve, 0);
    for (unsigned i = 0; i < CLIENTS; i++) { /* they wait in all three */
        clients[i] = client_connect(&at, "127.0.0.1", SOCK_DGRAM);
        ask(clients[i], i);
    }
    offer(&heir, &first, listen, 1);
    assert_int_equal(take(&heir), 2);
    serve_leave(first.serve, heir.kept);
    assert_false(serve_is_drained(first.serve));
    for (unsigned i = 0; i < CLIENTS; i++) {
        ask(clients[i], i + 1); /* to the one that is kept */
    }
    assert_int_equal(serve_start(first.serve), 0);
    drain(first.serve);
    assert_int_equal(serve_start(heir.fixture.serve), 0);
    serve_close(first.serve);
    report_free(first.report);
    for (unsigned i = 0; i < CLIENTS; i++) {
        uint8_t replies[2][200];
        for (unsigned n = 0; n < 2; n++) {
            assert_true(recv(clients[i], replies[n], sizeof replies[n], 0) > 0);
        }
        assert_int_equal(replies[0][1] + replies[1][1], 2 * i + 1);
        close(clients[i]);
    }
    fixture_stop(&heir.fixture);
}

/* More threads, and an address that is new: bound beside those that are taken. */
static void what_is_missing_is_opened(void **state)
{
    (void)state;
    static const char *const before[] = {"127.0.0.1:0"};
    static const char *const after[] = {"127.0.0.1:0"};
    struct fixture first;
    struct heir heir;
    fixture_init(&first, before, 1);
    fixture_start(&first);
    offer(&heir, &first, after, 1);
    heir.fixture.options.threads = 3;
    assert_int_equal(take(&heir), 2);
    serve_leave(first.serve, heir.kept);
    drain(first.serve);
    assert_int_equal(serve_start(heir.fixture.serve), 0);
    for (unsigned i = 0; i < CLIENTS; i++) {
        int fd = client_connect(serve_get_address(heir.fixture.serve, 0), NULL, SOCK_DGRAM);
        ask(fd, i);
        hear(fd, i);
        close(fd);
    }
    serve_close(first.serve);
    report_free(first.report);
    fixture_stop(&heir.fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_server_has_the_same_sockets),
        cmocka_unit_test(what_is_not_kept_is_read_to_its_end),
        cmocka_unit_test(what_is_missing_is_opened),
    };
    return cmocka_run_group_tests_name("serve_leave", tests, NULL, NULL);
}
