/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the real prober against real listeners on loopback: every way a check can end. Asserts what came
 * out, never how long it took. */
#include "config.h"

#include "probe_kit.h"

#include "base/memory.h"
#include "probe/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The outcome of the first three checks of one target has to be the same; returns the first. */
static struct probe_result probe_once(const struct probe_target *target, enum health_outcome expected)
{
    struct record r;
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, target, 1);
    struct probe_result first = record_wait(&r, 1, 0, 0, 0);
    assert_int_equal(first.outcome, expected);
    assert_int_equal(record_wait(&r, 1, 0, 0, 1).outcome, expected);
    assert_int_equal(record_wait(&r, 1, 0, 0, 2).outcome, expected);
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
        {ANSWER, "", HEALTH_OUTCOME_CLOSED, 0},
        {ANSWER, "HTTP/1.1 200 OK\r\nContent-", HEALTH_OUTCOME_CLOSED, 0},
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

/* What a server sees at the end of a connection of which a check has had enough: 0 for a FIN, or an errno. It
 * sends the text first, and if it is to close first, it does. */
static int see_the_end(enum probe_type type, const char *text, bool closes)
{
    struct server s;
    struct record r;
    char rest[1024];
    ssize_t n;
    assert_true(server_listen(&s, AF_INET, 0, 16));
    struct prober *prober = open_prober(&r);
    struct probe_target target = target_at(type, s.port, 1);
    prober_set_targets(prober, 1, &target, 1);
    int fd = accept(s.fd, NULL, NULL);
    assert_true(fd != -1);
    if (type == PROBE_HTTP) {
        assert_true(recv(fd, rest, sizeof rest, 0) > 0);
    }
    int how = 0;
    for (size_t len = strlen(text), done = 0; done < len && how == 0;) {
        n = send(fd, text + done, len - done, MSG_NOSIGNAL);
        done += n > 0 ? (size_t)n : 0;
        how = n > 0 ? 0 : ECONNRESET; /* or EPIPE, for the same reason */
    }
    if (closes) {
        shutdown(fd, SHUT_WR);
    }
    while ((n = recv(fd, rest, sizeof rest, 0)) > 0) {
    }
    how = how == 0 && n == -1 ? errno : how;
    assert_int_equal(record_wait(&r, 1, 0, 0, 0).outcome,
                     strstr(text, " 503 ") != NULL ? HEALTH_OUTCOME_BAD_STATUS : HEALTH_OUTCOME_OK);
    close(fd);
    prober_close(prober);
    record_fini(&r);
    server_close(&s);
    return how;
}

static char *make_answer(const char *head, size_t body)
{
    size_t len = strlen(head);
    char *text = memory_alloc(len + body + 1);
    memcpy(text, head, len);
    memset(text + len, 'x', body);
    return text;
}

/* Bodies that nobody asked for, banners: endpoints do not see a reset, which would be in their logs every few
 * seconds. */
static void checks_end_on_good_terms(void **state)
{
    (void)state;
    for (size_t body = 0; body <= 100000; body = body * 10 + 1) {
        char *good = make_answer("HTTP/1.1 200 OK\r\n\r\n", body),
             *bad = make_answer("HTTP/1.1 503 Busy\r\n\r\n", body);
        assert_int_equal(see_the_end(PROBE_HTTP, good, true), 0);
        assert_int_equal(see_the_end(PROBE_HTTP, bad, true), 0);
        free(good);
        free(bad);
    }
    assert_int_equal(see_the_end(PROBE_TCP, "", false), 0);
    assert_int_equal(see_the_end(PROBE_TCP, "220 mail.example.com ESMTP\r\n", false), 0);
}

/* Who never ends is cut off. */
static void endless_bodies_are_cut_off(void **state)
{
    (void)state;
    char *endless = make_answer("HTTP/1.1 200 OK\r\n\r\n", 8000000);
    assert_int_equal(see_the_end(PROBE_HTTP, endless, false), ECONNRESET);
    free(endless);
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
        const struct check_ask ask = {.request = "GET / HTTP/1.1\r\n\r\n",
                                      .request_len = 18,
                                      .statuses = (const uint64_t[PROBE_STATUS_WORDS]){0, 0, 0, 0}};
        struct check check = {.at = target_at(PROBE_HTTP, s.port, 1).at, .ask = &ask};
        struct flight flight = {.check = &check};
        assert_int_equal(check_connect(&check, &flight.fd), -EINPROGRESS);
        int fd =
            accept(s.fd, NULL, NULL); /* waits until the kernel stops delaying the handshake's last packet */
        send_text(fd, cases[i].text);
        reset_on_close(fd);
        close(fd);
        struct check_scratch scratch;
        struct check_end end = {.detail = 0};
        assert_int_equal(check_get_kind(PROBE_HTTP)->advance(&flight, true, &scratch, &end), CHECK_ENDED);
        assert_int_equal(end.outcome, cases[i].outcome);
        close(flight.fd);
        server_close(&s);
    }
}

/* A check that says nothing completes the handshake: the other side sees a connection. */
static void silent_checks_connect(void **state)
{
    (void)state;
    struct server s;
    assert_true(server_listen(&s, AF_INET, 0, 1));
    const struct check_ask ask = {.type = PROBE_TCP};
    struct check check = {.at = target_at(PROBE_TCP, s.port, 1).at, .ask = &ask};
    int fd;
    assert_int_equal(check_connect(&check, &fd), -EINPROGRESS);
    int quick = 0;
    socklen_t len = sizeof quick;
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &quick, &len), 0);
    assert_int_equal(quick, 1);
    int accepted = accept(s.fd, NULL, NULL);
    assert_true(accepted != -1);
    close(accepted);
    close(fd);
    server_close(&s);
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
        (void)connect(fillers[i], (struct sockaddr *)&at, sizeof at);
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

/* TCP to the broadcast address: the kernel says ENETUNREACH, whatever routes there are. What it says without
 * asking anybody is not about the target. */
static void no_route_is_a_local_error(void **state)
{
    (void)state;
    struct probe_target target = target_at(PROBE_TCP, 80, 1);
    memset(target.at.addr.bytes, 255, 4);
    probe_once(&target, HEALTH_OUTCOME_LOCAL_ERROR);
    target.type = PROBE_HTTP;
    probe_once(&target, HEALTH_OUTCOME_LOCAL_ERROR);
}

/* Counted by cause, for as long as there is a target that has it. */
static void causes_are_counted(void **state)
{
    (void)state;
    struct record r;
    struct probe_stats stats;
    struct probe_target target = target_at(PROBE_TCP, 80, 1), other = target;
    memset(target.at.addr.bytes, 255, 4);
    struct prober *prober = open_prober(&r);
    prober_set_targets(prober, 1, &target, 1);
    (void)record_wait(&r, 1, 0, 0, 2);
    prober_get_stats(prober, &stats);
    assert_true(stats.causes[PROBE_CAUSE_NO_ROUTE].checks >= 2);
    assert_int_equal(stats.causes[PROBE_CAUSE_NO_ROUTE].targets, 1);
    prober_set_targets(prober, 2, (struct probe_target[]){target, other}, 2); /* one goes on, one is new */
    (void)record_wait(&r, 2, 0, 0, 0);
    (void)record_wait(&r, 2, 1, 0, 0);
    prober_get_stats(prober, &stats);
    assert_int_equal(stats.causes[PROBE_CAUSE_NO_ROUTE].targets, 1);
    other.identity++;
    prober_set_targets(prober, 3, &other, 1);
    (void)record_wait(&r, 3, 0, 0, 0);
    prober_get_stats(prober, &stats);
    assert_int_equal(stats.causes[PROBE_CAUSE_NO_ROUTE].targets, 0);
    prober_close(prober);
    record_fini(&r);
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

static struct probe_target talk_at(uint16_t port, const char *send, const char *expect)
{
    struct probe_target target = target_at(PROBE_TCP, port, 1);
    target.send = (const uint8_t *)send;
    target.send_len = send == NULL ? 0 : strlen(send);
    target.expect = (const uint8_t *)expect;
    target.expect_len = strlen(expect);
    return target;
}

static void tcp_may_expect_an_answer(void **state)
{
    (void)state;
    static const struct {
        enum behaviour behaviour;
        const char *text, *send, *expect;
        enum health_outcome outcome;
    } cases[] = {
        {ANSWER, "+PONG\r\n", "PING\r\n\r\n", "+PONG", HEALTH_OUTCOME_OK},
        {DRIP, "# Replication\r\nrole:master\r\n", "INFO\r\n\r\n", "role:master", HEALTH_OUTCOME_OK},
        {ANSWER_BLIND, "220 mx.example.net\r\n", NULL, "220 ", HEALTH_OUTCOME_OK},
        {ANSWER, "-LOADING\r\n", "PING\r\n\r\n", "+PONG", HEALTH_OUTCOME_CLOSED},
        {RESET, "", "PING\r\n\r\n", "+PONG", HEALTH_OUTCOME_RESET},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server s;
        server_open(&s, cases[i].behaviour, cases[i].text);
        struct probe_target target = talk_at(s.port, cases[i].send, cases[i].expect);
        probe_once(&target, cases[i].outcome);
        server_close(&s);
    }
}

static void tcp_reads_no_endless_answer(void **state)
{
    (void)state;
    static char text[40000];
    struct server s;
    memset(text, 'x', sizeof text - 1);
    server_open(&s, ANSWER, text);
    struct probe_target target = talk_at(s.port, "?\r\n\r\n", "y");
    probe_once(&target, HEALTH_OUTCOME_BAD_RESPONSE);
    server_close(&s);
}

/* The kernel accepts for a process that does not: only who expects something sees that. */
static void tcp_sees_who_does_not_answer(void **state)
{
    (void)state;
    struct server s;
    assert_true(server_listen(&s, AF_INET, 0, 4096));
    struct probe_target target = talk_at(s.port, "PING\r\n", "PONG");
    target.timeout_ms = 100;
    probe_once(&target, HEALTH_OUTCOME_TIMEOUT);
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

/* What is expected of a body decides; where it ends is said by its length, its chunks or the connection. */
static void bodies_are_judged(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum behaviour behaviour;
        enum health_outcome outcome;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\n\r\nall is well", ANSWER, HEALTH_OUTCOME_OK},
        {"HTTP/1.1 200 OK\r\n\r\nall is well", DRIP, HEALTH_OUTCOME_OK},
        {"HTTP/1.1 200 OK\r\n\r\nall is ill", ANSWER, HEALTH_OUTCOME_BAD_BODY},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nall is ill", STALL, HEALTH_OUTCOME_BAD_BODY},
        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall is we", STALL, HEALTH_OUTCOME_BAD_BODY},
        {"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nall is ill", ANSWER, HEALTH_OUTCOME_CLOSED},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n is\r\n3\r\n we\r\n2\r\nll\r\n0\r\n\r\n",
         STALL, HEALTH_OUTCOME_OK},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nill\r\n0\r\n\r\n", STALL,
         HEALTH_OUTCOME_BAD_BODY},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nill\r\n", ANSWER, HEALTH_OUTCOME_CLOSED},
        {"HTTP/1.1 204 No\r\n\r\n", STALL, HEALTH_OUTCOME_BAD_BODY},
        {"HTTP/1.1 500 No\r\n\r\nis well", ANSWER, HEALTH_OUTCOME_BAD_STATUS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server s;
        server_open(&s, cases[i].behaviour, cases[i].text);
        struct probe_target target = target_at(PROBE_HTTP, s.port, 1);
        target.expect = (const uint8_t *)"is well";
        target.expect_len = 7;
        (void)probe_once(&target, cases[i].outcome);
        server_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_judged),
        cmocka_unit_test(checks_end_on_good_terms),
        cmocka_unit_test(endless_bodies_are_cut_off),
        cmocka_unit_test(early_answers_count),
        cmocka_unit_test(answers_before_a_reset_count),
        cmocka_unit_test(silent_checks_connect),
        cmocka_unit_test(large_heads_are_refused),
        cmocka_unit_test(silence_times_out),
        cmocka_unit_test(endless_dripping_times_out),
        cmocka_unit_test(full_queue_is_a_connect_timeout),
        cmocka_unit_test(closed_ports_are_refused),
        cmocka_unit_test(no_route_is_a_local_error),
        cmocka_unit_test(causes_are_counted),
        cmocka_unit_test(tcp_needs_no_words),
        cmocka_unit_test(tcp_may_expect_an_answer),
        cmocka_unit_test(tcp_reads_no_endless_answer),
        cmocka_unit_test(tcp_sees_who_does_not_answer),
        cmocka_unit_test(ipv6_works),
        cmocka_unit_test(bodies_are_judged),
    };
    return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
