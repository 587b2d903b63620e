/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Orders with a worker: who waits for whose question, and what becomes of an answer that does not hold any
 * more. Nothing here depends on time: questions wait for gates. */
#include "config.h"

#include "admin_client.h"

#include "admin/call.h"
#include "base/error.h"

#include <poll.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { ASKED_SIZE = 256 };

struct orders {
    struct world *world;
    int fd;
    struct event *wakes;
    struct worker *worker;
    sem_t begun, gate; /* of questions about us-east */
    char asked[ASKED_SIZE];
    int stale;         /* so many times what was found does not hold any more */
    int unserved_from; /* the question with this number, and all later ones, find somebody */
    int questions, open, put_when_closed;
    bool is_endless; /* questions end when they are given up */
};

static void wake(void *context)
{
    const struct orders *o = context;
    uint64_t one = 1;
    assert_int_equal(write(o->fd, &one, sizeof one), sizeof one);
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    const struct orders *o = context;
    uint64_t count;
    (void)what;
    assert_int_equal(read(fd, &count, sizeof count), sizeof count);
    worker_reap(o->worker);
}

/* The one of the test that runs: verbs know only the world. */
static struct orders *current;

static void *open_live(void *context)
{
    (void)context;
    current->open++;
    return current;
}

static void close_live(void *reader)
{
    struct orders *o = reader;
    o->open--;
    o->put_when_closed = (int)o->world->fake.puts;
}

static bool is_current(void *live)
{
    return ((struct orders *)live)->stale-- <= 0;
}

static int find_unserved(void *live, struct operate_wish *wish, struct arena *arena,
                         struct operate_unserved *unserved)
{
    struct orders *o = live;
    strcat(strcat(o->asked, o->questions++ == 0 ? "" : " "), wish->name);
    unserved->total = o->unserved_from != 0 && o->questions >= o->unserved_from;
    unserved->names = arena_alloc(arena, 1);
    if (strcmp(wish->name, "us-east") == 0) {
        sem_post(&o->begun);
        while (o->is_endless && !progress_is_cancelled(wish->progress)) {
        }
        if (!o->is_endless) {
            sem_wait(&o->gate);
        }
    }
    return o->is_endless ? ERROR_CANCELLED : 0;
}

static int orders_open(void **state)
{
    struct orders *o = current = calloc(1, sizeof *o);
    void *world;
    world_open(&world);
    o->world = world;
    o->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    sem_init(&o->begun, 0, 0);
    sem_init(&o->gate, 0, 0);
    o->wakes = event_new(o->world->base, o->fd, EV_READ | EV_PERSIST, on_wake, o);
    event_add(o->wakes, NULL);
    assert_int_equal(worker_open(
                         &(struct worker_options){
                             .name = "orders", .limit = 64, .in_order = true, .context = o, .wake = wake},
                         &o->worker),
                     0);
    struct admin_verbs *verbs = &o->world->admin->verbs;
    verbs->lanes[ADMIN_ORDERS] = o->worker;
    verbs->open_live = open_live;
    verbs->close_reader = close_live;
    verbs->is_current = is_current;
    verbs->find_unserved = find_unserved;
    *state = o;
    return 0;
}

static int orders_close(void **state)
{
    struct orders *o = *state;
    worker_close(o->worker);
    assert_int_equal(o->open, 0);
    assert_null(o->world->admin->orders);
    event_free(o->wakes);
    close(o->fd);
    sem_destroy(&o->begun);
    sem_destroy(&o->gate);
    void *world = o->world;
    world_close(&world);
    free(o);
    return 0;
}

/* A request for an override of a region, on a connection of its own. */
static int send_order(struct orders *o, const char *region, const char *body)
{
    char request[512];
    int fd = dial(o->world);
    int len = snprintf(request, sizeof request,
                       "PUT /v1/regions/%s/override HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                       "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                       region, strlen(body), body);
    assert_true(say(o->world, fd, request, (size_t)len));
    return fd;
}

static void expect_answer(struct orders *o, int fd, const char *status, const char *part)
{
    struct buffer heard;
    buffer_init(&heard);
    assert_true(hear(o->world, fd, &heard, NULL));
    if (strncmp(heard.bytes, status, strlen(status)) != 0 || strstr(heard.bytes, part) == NULL) {
        fail_msg("expected \"%s\" … %s, got: %s", status, part, heard.bytes);
    }
    buffer_fini(&heard);
    close(fd);
}

/* Turn the loop until the question about us-east has begun. */
static void wait_question(struct orders *o)
{
    while (sem_trywait(&o->begun) == -1) {
        event_base_loop(o->world->base, EVLOOP_NONBLOCK);
    }
}

#define CONFLICT            "HTTP/1.1 409 "
#define DRAIN               "{\"state\": \"drain\", \"reason\": \"x\"}"
#define ALL_THE_SAME(state) "{\"state\": \"" state "\", \"reason\": \"x\", \"allow_unserved\": true}"

static void who_is_not_asked_does_not_wait(void **state)
{
    struct orders *o = *state;
    int slow = send_order(o, "us-east", DRAIN);
    wait_question(o);
    int fast = send_order(o, "eu-west", ALL_THE_SAME("down"));
    expect_answer(o, fast, OK, "\"desired\": \"down\"");
    assert_int_equal(o->world->fake.puts, 1);
    sem_post(&o->gate);
    expect_answer(o, slow, OK, "\"desired\": \"drain\"");
    assert_int_equal(o->world->fake.puts, 2);
    assert_string_equal(o->asked, "us-east");
}

/* Of two about the same target the later one holds, though it was carried out first. */
static void who_is_overtaken_comes_too_late(void **state)
{
    struct orders *o = *state;
    int first = send_order(o, "us-east", DRAIN);
    wait_question(o);
    int waiting = send_order(o, "us-east", "{\"state\": \"down\", \"reason\": \"x\"}");
    event_base_loop(o->world->base, EVLOOP_NONBLOCK);
    int last = send_order(o, "us-east", ALL_THE_SAME("up"));
    expect_answer(o, last, OK, "\"desired\": \"up\"");
    sem_post(&o->gate);
    expect_answer(o, first, CONFLICT, PROBLEM("conflict"));
    sem_post(&o->gate);
    expect_answer(o, waiting, CONFLICT, "another override of region \\\"us-east\\\"");
    assert_int_equal(o->world->fake.puts, 1);
    /* and that is over */
    sem_post(&o->gate);
    expect_answer(o, send_order(o, "us-east", DRAIN), OK, "\"desired\": \"drain\"");
}

/* One that is refused overtakes nobody. */
static void who_fails_overtakes_nobody(void **state)
{
    struct orders *o = *state;
    int first = send_order(o, "us-east", DRAIN);
    wait_question(o);
    o->world->fake.targets[HEALTH_REGION][0].override = &o->world->fake.overrides[HEALTH_REGION][0];
    int planned =
        send_order(o, "us-east",
                   "{\"state\": \"up\", \"reason\": \"x\", \"allow_unserved\": true, \"starts_in\": \"1h\"}");
    expect_answer(o, planned, CONFLICT, PROBLEM("conflict"));
    sem_post(&o->gate);
    expect_answer(o, first, OK, "\"desired\": \"drain\"");
}

/* The question is answered, but nobody has heard it yet. */
static void who_is_refused_already_stays_refused(void **state)
{
    struct orders *o = *state;
    o->unserved_from = 1;
    event_del(o->wakes);
    int first = send_order(o, "eu-west", DRAIN);
    poll(&(struct pollfd){.fd = o->fd, .events = POLLIN}, 1, -1);
    expect_answer(o, send_order(o, "eu-west", ALL_THE_SAME("down")), OK, "\"desired\": \"down\"");
    event_add(o->wakes, NULL);
    expect_answer(o, first, CONFLICT, PROBLEM("unserved"));
    assert_int_equal(o->world->fake.puts, 1);
}

/* Something else happened meanwhile: it is asked again, before the next one's turn. */
static void what_is_put_is_what_was_weighed(void **state)
{
    struct orders *o = *state;
    o->stale = 1;
    int first = send_order(o, "us-east", DRAIN);
    wait_question(o);
    int next = send_order(o, "eu-west", DRAIN);
    sem_post(&o->gate);
    sem_post(&o->gate);
    expect_answer(o, first, OK, "\"desired\": \"drain\"");
    expect_answer(o, next, OK, "\"desired\": \"drain\"");
    assert_string_equal(o->asked, "us-east us-east eu-west");
    assert_int_equal(o->world->fake.puts, 2);
}

static void what_is_found_again_counts(void **state)
{
    struct orders *o = *state;
    o->stale = 1;
    o->unserved_from = 2;
    expect_answer(o, send_order(o, "eu-west", DRAIN), CONFLICT, PROBLEM("unserved"));
    assert_int_equal(o->questions, 2);
    assert_int_equal(o->world->fake.puts, 0);
}

/* Nobody waits for a world that stands still. */
static void questions_come_to_an_end(void **state)
{
    struct orders *o = *state;
    o->stale = 1000;
    expect_answer(o, send_order(o, "eu-west", DRAIN), OK, "\"desired\": \"drain\"");
    assert_int_equal(o->questions, ADMIN_ROUNDS);
    assert_int_equal(o->world->fake.puts, 1);
}

/* What was read may be large and nobody else's: an order does not wait until it is freed. */
static void orders_are_carried_out_before_readers_close(void **state)
{
    struct orders *o = *state;
    o->put_when_closed = -1;
    expect_answer(o, send_order(o, "eu-west", DRAIN), OK, "\"desired\": \"drain\"");
    assert_int_equal(o->put_when_closed, 1);
}

/* And the end is not held up by a question, nor is an order carried out that was not weighed. */
static void the_end_ends_questions(void **state)
{
    struct orders *o = *state;
    o->is_endless = true;
    int fd = send_order(o, "us-east", DRAIN);
    wait_question(o);
    int next = send_order(o, "eu-west", DRAIN);
    event_del(o->wakes);
    worker_close(o->worker);
    o->worker = NULL;
    expect_answer(o, fd, "HTTP/1.1 503 ", PROBLEM("busy"));
    expect_answer(o, next, "HTTP/1.1 503 ", PROBLEM("busy"));
    assert_int_equal(o->world->fake.puts, 0);
    assert_string_equal(o->asked, "us-east");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, orders_open, orders_close)
    const struct CMUnitTest tests[] = {
        TEST(who_is_not_asked_does_not_wait),  TEST(who_is_overtaken_comes_too_late),
        TEST(who_fails_overtakes_nobody),      TEST(who_is_refused_already_stays_refused),
        TEST(what_is_put_is_what_was_weighed), TEST(what_is_found_again_counts),
        TEST(questions_come_to_an_end),        TEST(orders_are_carried_out_before_readers_close),
        TEST(the_end_ends_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
