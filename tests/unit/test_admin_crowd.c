/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Many clients of the admin socket, and clients that are slow, idle or gone: who makes room for whom. */
#include "config.h"

#include "admin_client.h"

#include "admin/call.h"
#include "admin/door.h"
#include "base/error.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void turn(struct world *w)
{
    event_base_loop(w->base, EVLOOP_NONBLOCK);
}

static void wait_until_empty(struct world *w)
{
    for (int i = 0; i < 5000 && w->admin->local->connections.count != 0; i++) {
        turn(w);
        usleep(i < 100 ? 0 : 1000);
    }
    assert_int_equal(w->admin->local->connections.count, 0);
}

static void slow_requests_meet_their_deadline(void **state)
{
    struct world *w = *state;
    static const char request[] = "GET /v1/status HTTP/1.1\r\nHost: x\r\nX: ";
    w->admin->local->connections.deadline_ms = 60;
    int fd = dial(w);
    struct buffer heard;
    buffer_init(&heard);
    bool open = say(w, fd, request, sizeof request - 1);
    unsigned drops = 0;
    for (; open && drops < 5000; drops++) { /* never idle, never done */
        open = say(w, fd, "x", 1);
        usleep(1000);
    }
    assert_false(open);
    assert_true(hear(w, fd, &heard, NULL));
    assert_int_equal(heard.len, 0);
    close(fd);
    wait_until_empty(w);
    buffer_fini(&heard);
    w->admin->local->connections.deadline_ms = CONNECTION_DEADLINE_MS;
    assert_answer(w, GET("/v1/status"), OK, "generation");
}

/* A client that does not take its answer is dropped too. */
static void slow_readers_meet_their_deadline(void **state)
{
    struct world *w = *state;
    static const char request[] = "GET /v1/endpoints HTTP/1.1\r\nHost: x\r\n\r\n";
    w->admin->local->connections.deadline_ms = 60;
    int fd = dial(w), small = 2048;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 500; i++) {
        send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
    }
    for (unsigned turns = 0; turns < 5000 && (turns < 10 || w->admin->local->connections.count != 0);
         turns++) {
        event_base_loop(w->base, EVLOOP_NONBLOCK);
        usleep(1000);
    }
    assert_int_equal(w->admin->local->connections.count, 0);
    close(fd);
}

/* An answer to this client, whatever the others do. */
static void assert_served(struct world *w)
{
    assert_answer(w, GET("/v1/status"), OK, "generation");
}

/* The one idle longest makes room, and only that one. */
static void idle_connections_make_room(void **state)
{
    struct world *w = *state;
    int fds[CONNECTION_MAX];
    for (int i = 0; i < CONNECTION_MAX; i++) {
        fds[i] = dial(w);
        turn(w);
    }
    assert_int_equal(w->admin->local->connections.count, CONNECTION_MAX);
    usleep(150000); /* a client has that long to say what it wants */
    assert_served(w);
    turn(w);
    char octet;
    assert_int_equal(recv(fds[0], &octet, 1, MSG_DONTWAIT), 0);
    assert_int_equal(recv(fds[1], &octet, 1, MSG_DONTWAIT), -1);
    for (int i = 0; i < CONNECTION_MAX; i++) {
        close(fds[i]);
    }
    wait_until_empty(w);
}

/* Who drips is as idle as who is silent. */
static void dripping_connections_make_room(void **state)
{
    struct world *w = *state;
    int fds[CONNECTION_MAX * 2];
    for (int i = 0; i < CONNECTION_MAX * 2; i++) {
        fds[i] = dial(w);
        say(w, fds[i], "GET /v1/status HTTP/1.1\r\n", 25);
    }
    for (int i = 0; i < 20; i++) {
        for (int j = 0; j < CONNECTION_MAX * 2; j++) {
            send(fds[j], "X", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        turn(w);
        usleep(10000);
        if (i % 5 == 0) {
            assert_served(w);
        }
    }
    for (int i = 0; i < CONNECTION_MAX * 2; i++) {
        close(fds[i]);
    }
    wait_until_empty(w);
}

/* A crowd that comes at once is served, all of it. */
static void a_crowd_waits_its_turn(void **state)
{
    struct world *w = *state;
    enum { MANY = 120 };
    static const char request[] = GET("/v1/status");
    int fds[MANY];
    for (int i = 0; i < MANY; i++) {
        fds[i] = dial(w);
    }
    turn(w);
    for (int i = 0; i < MANY; i++) {
        send(fds[i], request, sizeof request - 1, MSG_NOSIGNAL);
    }
    for (int i = 0; i < MANY; i++) {
        struct buffer heard;
        buffer_init(&heard);
        assert_true(hear(w, fds[i], &heard, NULL));
        assert_memory_equal(heard.bytes, OK, strlen(OK));
        buffer_fini(&heard);
        close(fds[i]);
    }
    wait_until_empty(w);
}

/* The kernel calls it an error when something is unread, and libevent does not call that closed. While its
 * request is worked on, nobody else would notice. */
static void who_leaves_with_an_answer_unread_is_gone(void **state)
{
    struct world *w = *state;
    static const char two[] = "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
                              "POST /v1/reload HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = dial(w);
    send(fd, two, sizeof two - 1, MSG_NOSIGNAL);
    for (int i = 0; i < 1000 && w->fake.done == NULL; i++) {
        turn(w);
    }
    assert_non_null(w->fake.done);
    assert_int_equal(w->admin->local->connections.count, 1);
    close(fd);
    wait_until_empty(w);
    fake_reload_ends(&w->fake, &(struct admin_reload_result){.generation = 8, .report = w->report});
    assert_served(w);
}

static void who_leaves_early_frees_his_place(void **state)
{
    struct world *w = *state;
    static const char request[] = "GET /v1/endpoints HTTP/1.1\r\nHost: x\r\n\r\n";
    for (int way = 0; way < 4; way++) {
        int fds[CONNECTION_MAX];
        for (int i = 0; i < CONNECTION_MAX; i++) {
            fds[i] = dial(w);
            if (way >= 1) {
                send(fds[i], request, sizeof request - (way == 3 ? 5 : 1), MSG_NOSIGNAL);
            }
            if (way != 2) { /* else it has left before anybody looked */
                turn(w);
                turn(w);
            }
        }
        for (int i = 0; i < CONNECTION_MAX; i++) {
            close(fds[i]);
        }
        wait_until_empty(w);
        assert_served(w);
        wait_until_empty(w);
    }
}

/* Who says that he sends no more and then leaves is gone at once, not at his deadline. */
static void half_requests_leave_nothing_behind(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < CONNECTION_MAX * 2; i++) {
        int fd = dial(w);
        say(w, fd, "GET /", 5);
        shutdown(fd, SHUT_WR);
        event_base_loop(w->base, EVLOOP_NONBLOCK);
        close(fd);
    }
    assert_answer(w, GET("/v1/status"), OK, "generation");
}

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) != -1 ? 1 : 0;
    }
    return count;
}

/* What is closed after the answer has been read is closed in its own time, on a slow machine a turn later. */
static int count_fewest_descriptors(struct world *w)
{
    int fewest = count_descriptors();
    for (int i = 0; i < 50; i++) {
        turn(w);
        usleep(1000);
        int count = count_descriptors();
        fewest = count < fewest ? count : fewest;
    }
    return fewest;
}

static void descriptors_do_not_leak(void **state)
{
    struct world *w = *state;
    assert_answer(w, GET("/v1/status"), OK, "generation");
    wait_until_empty(w);
    int before = count_fewest_descriptors(w);
    for (int i = 0; i < 200; i++) {
        assert_answer(w, i % 2 == 0 ? GET("/v1/status") : "nonsense\r\n\r\n", i % 2 == 0 ? OK : "HTTP/1.",
                      "");
    }
    wait_until_empty(w);
    int after = count_fewest_descriptors(w);
    for (int i = 0; i < 100 && after > before; i++) {
        after = count_fewest_descriptors(w);
    }
    assert_int_equal(after, before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(slow_requests_meet_their_deadline),
        TEST(slow_readers_meet_their_deadline),
        TEST(idle_connections_make_room),
        TEST(dripping_connections_make_room),
        TEST(a_crowd_waits_its_turn),
        TEST(who_leaves_with_an_answer_unread_is_gone),
        TEST(who_leaves_early_frees_his_place),
        TEST(half_requests_leave_nothing_behind),
        TEST(descriptors_do_not_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
