/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the real prober against real listeners on loopback. Asserts what came out and in which order,
 * never how long it took: waiting ends with the event, and a patience of 20 s only keeps a broken prober from
 * hanging the suite. */
#include "config.h"

#include "unit.h"

#include "base/memory.h"
#include "probe/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_S = 20 };

/* ---- what came out ---- */

struct record {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct probe_result *results;
    size_t count, capacity;
};

static void record_ended(void *context, const struct probe_result *result)
{
    struct record *r = context;
    pthread_mutex_lock(&r->lock);
    r->results = memory_grow(r->results, r->count, &r->capacity, sizeof *r->results);
    r->results[r->count++] = *result;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

/* The nth (from 0) result of a target of a generation that came at or after `from`; fails the test if none
 * comes. */
static struct probe_result wait_result(struct record *r, uint64_t generation, uint32_t target, size_t from,
                                       size_t nth)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    pthread_mutex_lock(&r->lock);
    for (size_t i = from, seen = 0;; i++) {
        int error = 0;
        while (i >= r->count && error == 0) {
            error = pthread_cond_timedwait(&r->changed, &r->lock, &until);
        }
        if (i >= r->count) {
            pthread_mutex_unlock(&r->lock);
            fail_msg("no result %zu of target %u in generation %llu", nth, target,
                     (unsigned long long)generation);
        }
        if (r->results[i].generation == generation && r->results[i].target == target && seen++ == nth) {
            struct probe_result found = r->results[i];
            pthread_mutex_unlock(&r->lock);
            return found;
        }
    }
}

static size_t count_results(struct record *r)
{
    pthread_mutex_lock(&r->lock);
    size_t count = r->count;
    pthread_mutex_unlock(&r->lock);
    return count;
}

static void record_init(struct record *r)
{
    *r = (struct record){.results = NULL};
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
}

static void record_fini(struct record *r)
{
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->changed);
    free(r->results);
}

/* ---- what is checked ---- */

enum behaviour {
    ANSWER,       /* the text, then close */
    ANSWER_BLIND, /* the same without reading the request */
    RESET,        /* read the request, reset */
    CLOSE,        /* the text (perhaps none), then close */
    DRIP,         /* the text, byte by byte, with pauses */
    HOLD,         /* answer when released */
};

struct server {
    int fd;
    uint16_t port;
    enum behaviour behaviour;
    const char *text;
    pthread_t thread;
    bool running;
    _Atomic unsigned accepted;
    _Atomic bool released, stopping;
    char request[1024]; /* the latest; read it after the result */
};

static void nap_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void send_text(int fd, const char *text)
{
    for (size_t len = strlen(text); len > 0;) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return;
        }
        text += n;
        len -= (size_t)n;
    }
}

static void drip(struct server *s, int fd)
{
    for (const char *p = s->text; *p != '\0' && !s->stopping; p++) {
        if (send(fd, p, 1, MSG_NOSIGNAL) != 1) {
            return;
        }
        nap_ms(2);
    }
}

static void serve(struct server *s, int fd)
{
    if (s->behaviour != ANSWER_BLIND) {
        char request[sizeof s->request];
        ssize_t n = recv(fd, request, sizeof request - 1, 0);
        if (n > 0) {
            request[n] = '\0';
            memcpy(s->request, request, (size_t)n + 1);
        }
    }
    if (s->behaviour == RESET) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
        return;
    }
    while (s->behaviour == HOLD && !s->released && !s->stopping) {
        nap_ms(1);
    }
    if (s->behaviour == DRIP) {
        drip(s, fd);
    } else {
        send_text(fd, s->text);
    }
}

static void *run_server(void *context)
{
    struct server *s = context;
    for (int fd; (fd = accept(s->fd, NULL, NULL)) != -1;) {
        s->accepted++;
        serve(s, fd);
        close(fd);
    }
    return NULL;
}

/* A listener on a free port, or on `port`; nobody accepts yet. Returns false if the address cannot be bound.
 */
static bool server_listen(struct server *s, int family, uint16_t port, int backlog)
{
    memset(s, 0, sizeof *s);
    struct sockaddr_in v4 = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr *at = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
    socklen_t len = family == AF_INET ? sizeof v4 : sizeof v6;
    s->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd == -1) {
        return false;
    }
    setsockopt(s->fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(s->fd, at, len) == -1 || listen(s->fd, backlog) == -1 || getsockname(s->fd, at, &len) == -1) {
        close(s->fd);
        return false;
    }
    s->port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
    return true;
}

static void server_start(struct server *s, enum behaviour behaviour, const char *text)
{
    s->behaviour = behaviour;
    s->text = text;
    s->running = true;
    assert_int_equal(pthread_create(&s->thread, NULL, run_server, s), 0);
}

static void server_open(struct server *s, enum behaviour behaviour, const char *text)
{
    assert_true(server_listen(s, AF_INET, 0, 4096));
    server_start(s, behaviour, text);
}

static void server_close(struct server *s)
{
    s->stopping = true;
    shutdown(s->fd, SHUT_RDWR);
    if (s->running) {
        pthread_join(s->thread, NULL);
    }
    close(s->fd);
}

static struct probe_target target_at(enum probe_type type, uint16_t port, uint64_t identity)
{
    return (struct probe_target){
        .type = type,
        .at = {.addr = {.family = ADDR_V4, .bytes = {127, 0, 0, 1}}, .port = port},
        .interval_ms = 50,
        .timeout_ms = 10000,
        .status_low = 200,
        .status_high = 299,
        .identity = identity,
    };
}

static struct prober *open_prober(struct record *r)
{
    struct prober *prober = NULL;
    record_init(r);
    assert_int_equal(prober_open(&(struct probe_hooks){.context = r, .ended = record_ended}, &prober), 0);
    return prober;
}

/* The outcome of the first three checks of one target has to be the same; returns the first. */
static struct probe_result probe_once(const struct probe_target *target, enum health_outcome expected)
{
    struct record r;
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, target, 1);
    struct probe_result first = wait_result(&r, 1, 0, 0, 0);
    assert_int_equal(first.outcome, expected);
    assert_int_equal(wait_result(&r, 1, 0, 0, 1).outcome, expected);
    assert_int_equal(wait_result(&r, 1, 0, 0, 2).outcome, expected);
    struct probe_stats stats;
    prober_get_stats(prober, &stats);
    assert_int_equal(stats.targets, 1);
    assert_true(stats.ended[expected] >= 3);
    assert_true(stats.started >= stats.ended[expected]);
    assert_true(stats.in_flight <= 1);
    prober_close(prober);
    record_fini(&r);
    return first;
}

static struct probe_result probe_server(struct server *s, uint32_t timeout_ms, enum health_outcome expected)
{
    struct probe_target target = target_at(PROBE_HTTP, s->port, 1);
    target.timeout_ms = timeout_ms;
    struct probe_result result = probe_once(&target, expected);
    server_close(s);
    return result;
}

enum { LONG = 10000, SHORT = 60 };

static void answers_are_judged(void **state)
{
    (void)state;
    static const struct {
        enum behaviour behaviour;
        const char *text;
        enum health_outcome outcome;
        uint16_t detail;
    } cases[] = {
        {ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", HEALTH_OUTCOME_OK, 200},
        {ANSWER, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 204 No Content\r\n\r\n", HEALTH_OUTCOME_OK, 204},
        {ANSWER, "HTTP/1.1 300 Choices\r\n\r\n", HEALTH_OUTCOME_BAD_STATUS, 300},
        {ANSWER, "HTTP/1.1 503 Down\r\n\r\n", HEALTH_OUTCOME_BAD_STATUS, 503},
        {ANSWER, "220 mail.example.com ESMTP\r\n", HEALTH_OUTCOME_BAD_RESPONSE, 0},
        {CLOSE, "", HEALTH_OUTCOME_CLOSED, 0},
        {CLOSE, "HTTP/1.1 200 OK\r\nContent-", HEALTH_OUTCOME_CLOSED, 0},
        {RESET, "", HEALTH_OUTCOME_RESET, 0},
        {DRIP, "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", HEALTH_OUTCOME_OK, 200},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server s;
        server_open(&s, cases[i].behaviour, cases[i].text);
        struct probe_result result = probe_server(&s, LONG, cases[i].outcome);
        assert_int_equal(result.detail, cases[i].detail);
        assert_true(s.accepted >= 3);
        assert_non_null(strstr(s.request, "GET / HTTP/1.1\r\n"));
    }
}

/* A server that answers without reading and closes resets the connection; its answer counts. */
static void early_answers_count(void **state)
{
    (void)state;
    struct server s;
    server_open(&s, ANSWER_BLIND, "HTTP/1.1 503 Busy\r\n\r\n");
    assert_int_equal(probe_server(&s, LONG, HEALTH_OUTCOME_BAD_STATUS).detail, 503);
}

/* The same when the reset comes first: sending fails, and still the answer counts. */
static void answers_before_a_reset_count(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum health_outcome outcome;
    } cases[] = {{"HTTP/1.1 503 Busy\r\n\r\n", HEALTH_OUTCOME_BAD_STATUS}, {"", HEALTH_OUTCOME_RESET}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server s;
        assert_true(server_listen(&s, AF_INET, 0, 1));
        struct check check = {.at = target_at(PROBE_HTTP, s.port, 1).at,
                              .request = "GET / HTTP/1.1\r\n\r\n",
                              .request_len = 18,
                              .status_low = 200,
                              .status_high = 299};
        struct flight flight = {.check = &check};
        assert_int_equal(check_connect(&check.at, &flight.fd), -EINPROGRESS);
        int fd =
            accept(s.fd, NULL, NULL); /* waits until the kernel stops delaying the handshake's last packet */
        send_text(fd, cases[i].text);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
        close(fd);
        struct check_scratch scratch;
        struct check_end end = {.detail = 0};
        assert_int_equal(check_get_kind(PROBE_HTTP)->advance(&flight, true, &scratch, &end), CHECK_ENDED);
        assert_int_equal(end.outcome, cases[i].outcome);
        close(flight.fd);
        server_close(&s);
    }
}

static void large_heads_are_refused(void **state)
{
    (void)state;
    char *text = memory_alloc(40001);
    memset(text, 'x', 40000);
    memcpy(text, "HTTP/1.1 200 OK\r\nA: ", 20);
    memcpy(text + 39996, "\r\n\r\n", 4);
    struct server s;
    server_open(&s, ANSWER, text);
    probe_server(&s, LONG, HEALTH_OUTCOME_BAD_RESPONSE);
    free(text);
}

static void silence_times_out(void **state)
{
    (void)state;
    struct server s;
    assert_true(server_listen(&s, AF_INET, 0, 4096)); /* the kernel accepts, nobody answers */
    probe_server(&s, SHORT, HEALTH_OUTCOME_TIMEOUT);
}

/* The deadline is for the whole check: bytes that keep coming do not extend it. */
static void endless_dripping_times_out(void **state)
{
    (void)state;
    char *text = memory_alloc(10001);
    memset(text, 'x', 10000);
    memcpy(text, "HTTP/1.1 200 OK\r\nA: ", 20);
    struct server s;
    server_open(&s, DRIP, text);
    probe_server(&s, SHORT, HEALTH_OUTCOME_TIMEOUT);
    free(text);
}

/* A listener whose queue is full ignores further SYNs. */
static void full_queue_is_a_connect_timeout(void **state)
{
    (void)state;
    enum { FILLERS = 4 };
    struct server s;
    int fillers[FILLERS];
    assert_true(server_listen(&s, AF_INET, 0, 0));
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(s.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    for (int i = 0; i < FILLERS; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&at, sizeof at);
    }
    struct probe_target target = target_at(PROBE_TCP, s.port, 1);
    target.timeout_ms = SHORT;
    probe_once(&target, HEALTH_OUTCOME_CONNECT_TIMEOUT);
    probe_server(&s, SHORT, HEALTH_OUTCOME_CONNECT_TIMEOUT);
    for (int i = 0; i < FILLERS; i++) {
        close(fillers[i]);
    }
}

static void closed_ports_are_refused(void **state)
{
    (void)state;
    struct server s;
    assert_true(server_listen(&s, AF_INET, 0, 1));
    server_close(&s);
    struct probe_target target = target_at(PROBE_HTTP, s.port, 1);
    probe_once(&target, HEALTH_OUTCOME_REFUSED);
    target.type = PROBE_TCP;
    probe_once(&target, HEALTH_OUTCOME_REFUSED);
}

/* TCP to the broadcast address: the kernel says ENETUNREACH, whatever routes there are. */
static void no_route_is_unreachable(void **state)
{
    (void)state;
    struct probe_target target = target_at(PROBE_TCP, 80, 1);
    memset(target.at.addr.bytes, 255, 4);
    probe_once(&target, HEALTH_OUTCOME_UNREACHABLE);
    target.type = PROBE_HTTP;
    probe_once(&target, HEALTH_OUTCOME_UNREACHABLE);
}

static void tcp_needs_no_words(void **state)
{
    (void)state;
    struct server s;
    assert_true(server_listen(&s, AF_INET, 0, 4096));
    struct probe_target target = target_at(PROBE_TCP, s.port, 1);
    assert_int_equal(probe_once(&target, HEALTH_OUTCOME_OK).detail, 0);
    server_close(&s);
}

static void ipv6_works(void **state)
{
    (void)state;
    struct server s;
    if (!server_listen(&s, AF_INET6, 0, 4096)) {
        skip();
    }
    server_start(&s, ANSWER, "HTTP/1.1 200 OK\r\n\r\n");
    struct probe_target target = target_at(PROBE_HTTP, s.port, 1);
    target.at.addr = (struct addr){.family = ADDR_V6, .bytes = {[15] = 1}};
    probe_once(&target, HEALTH_OUTCOME_OK);
    char host[64];
    snprintf(host, sizeof host, "\r\nHost: [::1]:%u\r\n", s.port);
    server_close(&s);
    assert_non_null(strstr(s.request, host));
    target.type = PROBE_TCP;
    probe_once(&target, HEALTH_OUTCOME_REFUSED);
}

/* An endpoint that comes and goes: refused, then only ok, then refused again. */
static void changes_are_seen_in_order(void **state)
{
    (void)state;
    struct record r;
    struct server s;
    assert_true(server_listen(&s, AF_INET, 0, 1));
    uint16_t port = s.port;
    server_close(&s);
    struct probe_target target = target_at(PROBE_HTTP, port, 1);
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, &target, 1);
    assert_int_equal(wait_result(&r, 1, 0, 0, 1).outcome, HEALTH_OUTCOME_REFUSED);
    assert_true(server_listen(&s, AF_INET, port, 4096));
    server_start(&s, ANSWER, "HTTP/1.1 200 OK\r\n\r\n");
    size_t from = count_results(&r) + 1; /* one may have been under way */
    assert_int_equal(wait_result(&r, 1, 0, from, 0).outcome, HEALTH_OUTCOME_OK);
    assert_int_equal(wait_result(&r, 1, 0, from, 3).outcome, HEALTH_OUTCOME_OK);
    server_close(&s);
    from = count_results(&r) + 1;
    assert_int_equal(wait_result(&r, 1, 0, from, 0).outcome, HEALTH_OUTCOME_REFUSED);
    prober_close(prober);
    int changes = 0;
    for (size_t i = 1; i < r.count; i++) {
        bool at_the_end =
            r.results[i].outcome == HEALTH_OUTCOME_RESET || r.results[i].outcome == HEALTH_OUTCOME_CLOSED;
        changes += !at_the_end && r.results[i].outcome != r.results[i - 1].outcome;
    }
    assert_in_range(changes, 2, 3);
    record_fini(&r);
}

/* A new list: what stays keeps its check in flight and reports under its new name, what goes is silent. */
static void new_lists_keep_what_stays(void **state)
{
    (void)state;
    enum { STAYS = 11, GOES, BUSY };
    struct record r;
    struct server stays, goes, busy;
    server_open(&stays, HOLD, "HTTP/1.1 200 OK\r\n\r\n");
    server_open(&goes, HOLD, "HTTP/1.1 200 OK\r\n\r\n");
    server_open(&busy, ANSWER, "HTTP/1.1 404 No\r\n\r\n");
    struct probe_target before[] = {target_at(PROBE_HTTP, stays.port, STAYS),
                                    target_at(PROBE_HTTP, goes.port, GOES),
                                    target_at(PROBE_HTTP, busy.port, BUSY)};
    before[0].interval_ms = before[1].interval_ms = 60000; /* one check only */
    before[0].timeout_ms = before[1].timeout_ms = 60000;
    struct probe_target after[] = {before[2], before[0]};
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 7, before, 3);
    wait_result(&r, 7, 2, 0, 2);
    while (stays.accepted == 0 || goes.accepted == 0) {
        nap_ms(1);
    }
    prober_set_targets(prober, 8, after, 2);
    wait_result(&r, 8, 0, 0, 0);
    stays.released = goes.released = true;
    struct probe_result kept = wait_result(&r, 8, 1, 0, 0);
    assert_int_equal(kept.outcome, HEALTH_OUTCOME_OK);
    wait_result(&r, 8, 0, 0, 5);
    prober_set_targets(prober, 9, NULL, 0);
    prober_close(prober);

    assert_int_equal(stays.accepted, 1);
    for (size_t i = 0; i < r.count; i++) {
        assert_true(i == 0 || r.results[i].generation >= r.results[i - 1].generation);
        assert_false(r.results[i].generation == 7 &&
                     r.results[i].target != 2); /* the held ones said nothing then */
    }
    record_fini(&r);
    server_close(&stays);
    server_close(&goes);
    server_close(&busy);
}

static void an_empty_list_stops_everything(void **state)
{
    (void)state;
    struct record r;
    struct server s;
    server_open(&s, ANSWER, "HTTP/1.1 200 OK\r\n\r\n");
    struct probe_target target = target_at(PROBE_HTTP, s.port, 1);
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, &target, 1);
    wait_result(&r, 1, 0, 0, 0);
    prober_set_targets(prober, 2, NULL, 0);
    struct probe_stats stats;
    do {
        nap_ms(1);
        prober_get_stats(prober, &stats);
    } while (stats.targets != 0);
    assert_int_equal(stats.in_flight, 0);
    prober_set_targets(prober, 3, &target, 1); /* and it begins again */
    wait_result(&r, 3, 0, 0, 0);
    prober_close(prober);
    record_fini(&r);
    server_close(&s);
}

static void closing_drops_what_is_in_flight(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    struct record r;
    struct server s;
    struct probe_target targets[COUNT];
    assert_true(server_listen(&s, AF_INET, 0, 4096));
    for (int i = 0; i < COUNT; i++) {
        targets[i] = target_at(PROBE_HTTP, s.port, (uint64_t)i);
    }
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, targets, COUNT);
    struct probe_stats stats;
    do {
        nap_ms(1);
        prober_get_stats(prober, &stats);
    } while (stats.in_flight != COUNT);
    prober_close(prober);
    assert_int_equal(r.count, 0);
    record_fini(&r);
    server_close(&s);
    prober_close(NULL);
}

static void closing_at_once_is_fine(void **state)
{
    (void)state;
    struct record r;
    struct probe_target target = target_at(PROBE_TCP, 1, 1);
    for (int i = 0; i < 20; i++) {
        struct prober *prober = open_prober(&r);
        if (i % 2 == 0) {
            prober_set_targets(prober, 1, &target, 1);
        }
        prober_close(prober);
        record_fini(&r);
    }
}

struct changer {
    struct prober *prober;
    struct probe_target targets[20];
    uint64_t first_generation;
};

static void *change_lists(void *context)
{
    struct changer *c = context;
    for (uint64_t i = 0; i < 100; i++) {
        prober_set_targets(c->prober, c->first_generation + i, c->targets + i % 7, 1 + i % 13);
        nap_ms(1);
    }
    return NULL;
}

/* Lists from several threads while checks run; mostly for the sanitizers. */
static void lists_come_from_any_thread(void **state)
{
    (void)state;
    struct record r;
    struct server s;
    server_open(&s, ANSWER, "HTTP/1.1 200 OK\r\n\r\n");
    struct changer changers[2] = {{.first_generation = 1000}, {.first_generation = 2000}};
    pthread_t threads[2];
    struct prober *prober = open_prober(&r);
    for (int k = 0; k < 2; k++) {
        changers[k].prober = prober;
        for (int i = 0; i < 20; i++) {
            changers[k].targets[i] = target_at(i % 2 == 0 ? PROBE_HTTP : PROBE_TCP, s.port, (uint64_t)i);
        }
        assert_int_equal(pthread_create(&threads[k], NULL, change_lists, &changers[k]), 0);
    }
    for (int k = 0; k < 2; k++) {
        pthread_join(threads[k], NULL);
    }
    prober_set_targets(prober, 3000, changers[0].targets, 20);
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(wait_result(&r, 3000, i, 0, 0).outcome, HEALTH_OUTCOME_OK);
    }
    prober_close(prober);
    for (size_t i = 0; i < r.count; i++) {
        assert_int_equal(r.results[i].outcome, HEALTH_OUTCOME_OK);
    }
    record_fini(&r);
    server_close(&s);
}

struct staller {
    struct record record;
    struct prober *prober;
    struct server *held;
    _Atomic bool ready, done;
};

/* When the first target's check ends while the second's is in flight: let that one be answered, and keep the
 * prober's thread from looking for longer than its timeout. */
static void stall_once(void *context, const struct probe_result *result)
{
    struct staller *s = context;
    record_ended(&s->record, result);
    if (!s->ready || s->done || result->target != 0) {
        return;
    }
    struct probe_stats stats;
    prober_get_stats(s->prober, &stats);
    if (stats.in_flight == 1) {
        s->done = true;
        s->held->released = true;
        nap_ms(1500);
    }
}

/* An answer is not late because the prober is. */
static void stalls_cause_no_timeouts(void **state)
{
    (void)state;
    struct server quick, held;
    server_open(&quick, ANSWER, "HTTP/1.1 200 OK\r\n\r\n");
    server_open(&held, HOLD, "HTTP/1.1 200 OK\r\n\r\n");
    struct probe_target targets[] = {target_at(PROBE_HTTP, quick.port, 1),
                                     target_at(PROBE_HTTP, held.port, 2)};
    targets[1].timeout_ms = 1000;
    struct staller s = {.held = &held};
    record_init(&s.record);
    assert_int_equal(prober_open(&(struct probe_hooks){.context = &s, .ended = stall_once}, &s.prober), 0);
    prober_set_targets(s.prober, 1, targets, 2);
    s.ready = true;
    for (size_t nth = 0; !s.done; nth++) {
        wait_result(&s.record, 1, 0, 0, nth);
    }
    size_t from = count_results(&s.record);
    assert_int_equal(wait_result(&s.record, 1, 1, from, 0).outcome, HEALTH_OUTCOME_OK);
    assert_int_equal(wait_result(&s.record, 1, 1, from, 2).outcome, HEALTH_OUTCOME_OK);
    prober_close(s.prober);
    record_fini(&s.record);
    server_close(&quick);
    server_close(&held);
}

static rlim_t set_fd_limit(rlim_t wanted)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = wanted;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

/* More checks than descriptors: they wait, all have their turn, none fails. */
static void checks_wait_for_descriptors(void **state)
{
    (void)state;
    enum { COUNT = 100, FDS = 64, LIMIT = FDS - FDS / 4 };
    struct record r;
    struct server s;
    struct probe_target targets[COUNT];
    assert_true(server_listen(&s, AF_INET, 0, 4096));
    for (int i = 0; i < COUNT; i++) {
        targets[i] = target_at(PROBE_HTTP, s.port, (uint64_t)i);
        targets[i].timeout_ms = SHORT;
    }
    rlim_t before = set_fd_limit(FDS);
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, targets, COUNT);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < COUNT; i++) {
            assert_int_equal(wait_result(&r, 1, i, 0, round).outcome, HEALTH_OUTCOME_TIMEOUT);
            struct probe_stats stats;
            prober_get_stats(prober, &stats);
            assert_true(stats.in_flight <= LIMIT);
        }
    }
    prober_close(prober);
    set_fd_limit(before);
    record_fini(&r);
    server_close(&s);
}

/* No descriptor at all says nothing about the endpoint, and ends by itself. */
static void no_descriptor_is_a_local_error(void **state)
{
    (void)state;
    struct record r;
    struct server s;
    assert_true(server_listen(&s, AF_INET, 0, 4096));
    struct probe_target target = target_at(PROBE_TCP, s.port, 1);
    struct prober *prober = open_prober(&r);
    rlim_t before = set_fd_limit(3);
    prober_set_targets(prober, 1, &target, 1);
    struct probe_result result = wait_result(&r, 1, 0, 0, 1);
    set_fd_limit(before);
    assert_int_equal(result.outcome, HEALTH_OUTCOME_LOCAL_ERROR);
    size_t from = count_results(&r) + 1;
    assert_int_equal(wait_result(&r, 1, 0, from, 0).outcome, HEALTH_OUTCOME_OK);
    prober_close(prober);
    record_fini(&r);
    server_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_judged),
        cmocka_unit_test(early_answers_count),
        cmocka_unit_test(answers_before_a_reset_count),
        cmocka_unit_test(large_heads_are_refused),
        cmocka_unit_test(silence_times_out),
        cmocka_unit_test(endless_dripping_times_out),
        cmocka_unit_test(full_queue_is_a_connect_timeout),
        cmocka_unit_test(closed_ports_are_refused),
        cmocka_unit_test(no_route_is_unreachable),
        cmocka_unit_test(tcp_needs_no_words),
        cmocka_unit_test(ipv6_works),
        cmocka_unit_test(changes_are_seen_in_order),
        cmocka_unit_test(new_lists_keep_what_stays),
        cmocka_unit_test(an_empty_list_stops_everything),
        cmocka_unit_test(closing_drops_what_is_in_flight),
        cmocka_unit_test(closing_at_once_is_fine),
        cmocka_unit_test(lists_come_from_any_thread),
        cmocka_unit_test(stalls_cause_no_timeouts),
        cmocka_unit_test(checks_wait_for_descriptors),
        cmocka_unit_test(no_descriptor_is_a_local_error),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
