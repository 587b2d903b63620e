/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Pages of the journal that wait: for news, for their time, for a client that leaves, for the server's end;
 * and that those who wait take no place from others. */
#include "config.h"

#include "admin_client.h"

#include "admin/call.h"
#include "admin/door.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAGE "/v1/journal?order=oldest&cursor=2&kind=later&wait="

static void turn(struct world *w)
{
    event_base_loop(w->base, EVLOOP_NONBLOCK);
}

static void wait_for_watches(struct world *w, size_t count)
{
    for (int i = 0; i < 5000 && w->fake.watches != count; i++) {
        turn(w);
        usleep(100);
    }
    assert_int_equal(w->fake.watches, count);
}

static int ask(struct world *w, const char *request)
{
    int fd = dial(w);
    assert_true(say(w, fd, request, strlen(request)));
    wait_for_watches(w, 1);
    return fd;
}

static void expect(struct world *w, int fd, const char *status, const char *part)
{
    struct buffer heard;
    buffer_init(&heard);
    assert_true(hear(w, fd, &heard, NULL));
    buffer_add_text(&heard, "");
    if (strncmp(heard.bytes, status, strlen(status)) != 0 || strstr(heard.bytes, part) == NULL) {
        fail_msg("heard:\n%s\nexpected: %s ... %s", heard.bytes, status, part);
    }
    buffer_fini(&heard);
    close(fd);
}

static void news_makes_a_page(void **state)
{
    struct world *w = *state;
    int fd = ask(w, GET(PAGE "5m"));
    fake_news(&w->fake, 0, NULL);
    expect(w, fd, OK, "\"next_cursor\": \"2\"");
    fd = ask(w, GET(PAGE "5m"));
    fake_news(&w->fake, ERROR_CANCELLED, "the store is closed");
    expect(w, fd, OK, "\"next_cursor\": \"2\"");
}

static void so_does_the_end_of_its_time(void **state)
{
    struct world *w = *state;
    expect(w, ask(w, GET(PAGE "10ms")), OK, "\"next_cursor\": \"2\"");
    wait_for_watches(w, 0);
}

static void without_a_store_it_does_not_wait(void **state)
{
    assert_answer(*state, GET("/v1/journal?order=oldest&wait=5m"), OK, "\"next_cursor\": \"2\"");
}

static void what_is_wrong_is_told(void **state)
{
    struct world *w = *state;
    int fd = ask(w, GET(PAGE "5m"));
    fake_news(&w->fake, ERROR_NOT_FOUND, "entry 2 is not there");
    expect(w, fd, "HTTP/1.1 409 ", "entry 2 is not there");
    fd = ask(w, GET(PAGE "5m"));
    fake_news(&w->fake, ERROR_SYNTAX, "entry 3 is damaged");
    expect(w, fd, "HTTP/1.1 503 ", PROBLEM("no-journal"));
    assert_answer(w, GET("/v1/journal?wait=5m"), "HTTP/1.1 422 ", "order=oldest");
    assert_answer(w, GET("/v1/journal?order=oldest&wait=301s"), "HTTP/1.1 422 ", "at most 300s");
    assert_answer(w, GET("/v1/journal?order=oldest&wait=-1s"), "HTTP/1.1 422 ", "-1s");
    assert_answer(w, GET("/v1/journal?order=oldest&until=1h&wait=1s"), "HTTP/1.1 422 ", "until");
}

static void who_leaves_ends_his_watch(void **state)
{
    struct world *w = *state;
    for (int way = 0; way < 2; way++) {
        int fd = ask(w, "GET " PAGE "5m HTTP/1.1\r\nHost: x\r\n\r\n");
        if (way == 1) {
            shutdown(fd, SHUT_WR);
            turn(w);
        }
        close(fd);
        wait_for_watches(w, 0);
        assert_int_equal(w->admin->follow_count, 0);
    }
    assert_answer(w, GET("/v1/status"), OK, "generation");
}

static void others_have_their_place(void **state)
{
    struct world *w = *state;
    enum { MOST = CONNECTION_MAX / 4 };
    int fds[MOST];
    for (size_t i = 0; i < MOST; i++) {
        fds[i] = dial(w);
        assert_true(say(w, fds[i], GET(PAGE "5m"), strlen(GET(PAGE "5m"))));
        wait_for_watches(w, i + 1);
    }
    assert_answer(w, GET(PAGE "5m"), "HTTP/1.1 503 ", PROBLEM("busy"));
    assert_answer(w, GET("/v1/journal"), OK, "next_cursor");
    admin_pause(w->admin);
    admin_leave(w->admin, true); /* another process goes on */
    for (size_t i = 0; i < MOST; i++) {
        expect(w, fds[i], OK, "\"next_cursor\": \"2\"");
    }
    assert_int_equal(w->fake.watches, 0);
}

static void the_server_may_end(void **state)
{
    struct world *w = *state;
    int fd = ask(w, GET(PAGE "5m"));
    admin_close(w->admin);
    w->admin = NULL;
    assert_int_equal(w->fake.watches, 0);
    close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(news_makes_a_page),
        TEST(so_does_the_end_of_its_time),
        TEST(without_a_store_it_does_not_wait),
        TEST(what_is_wrong_is_told),
        TEST(who_leaves_ends_his_watch),
        TEST(others_have_their_place),
        TEST(the_server_may_end),
    };
    return cmocka_run_group_tests_name("admin_follow", tests, NULL, NULL);
}
