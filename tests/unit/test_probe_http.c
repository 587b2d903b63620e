/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the http check without a network: the parser over every way to cut its input, the request, the
 * meaning of errno. */
#include "config.h"

#include "unit.h"

#include "base/arena.h"
#include "base/memory.h"
#include "probe/check.h"
#include "probe/http_request.h"
#include "probe/trouble.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One result, whether the input comes at once, byte by byte or cut anywhere in two. */
static enum http_response_progress parse(const char *text, size_t len, uint16_t *status)
{
    struct http_response whole, bytes, cut;
    const uint8_t *input = (const uint8_t *)text;
    http_response_init(&whole);
    enum http_response_progress expected = http_response_feed(&whole, input, len), got = HTTP_RESPONSE_MORE;
    http_response_init(&bytes);
    for (size_t i = 0; i < len; i++) {
        got = http_response_feed(&bytes, input + i, 1);
    }
    assert_int_equal(got, expected);
    for (size_t at = 0; at <= len && len < 2000; at++) {
        http_response_init(&cut);
        http_response_feed(&cut, input, at);
        assert_int_equal(http_response_feed(&cut, input + at, len - at), expected);
        assert_int_equal(cut.status, whole.status);
        assert_int_equal(cut.head_len, whole.head_len);
    }
    *status = whole.status;
    return expected;
}

static void good_heads(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint16_t status;
    } good[] = {
        {"HTTP/1.1 200 OK\r\n\r\n", 200},
        {"HTTP/1.0 404 Not Found\r\n\r\n", 404},
        {"HTTP/1.1 204\r\n\r\n", 204},
        {"HTTP/1.1 204 \r\n\r\n", 204},
        {"HTTP/1.1 503 a b\tc \xc3\xa9\r\nServer: x\r\nX:\r\nY: a:b\r\n\r\n", 503},
        {"HTTP/1.1 200 OK\nServer: x\n\n", 200},
        {"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\tmore\r\n\r\n", 200},
        {"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 500 body, not looked at", 200},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 200},
        {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102\n\nHTTP/1.1 301 M\r\n\r\n", 301},
        {"HTTP/1.1 101 Switching Protocols\r\n\r\n", 101},
        {"HTTP/1.1 999 odd\r\n\r\n", 999},
    };
    uint16_t status;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(parse(good[i].text, strlen(good[i].text), &status), HTTP_RESPONSE_DONE);
        assert_int_equal(status, good[i].status);
    }
}

#define TEXT(text)                                                                                           \
    {                                                                                                        \
        (text), sizeof(text) - 1                                                                             \
    }

static void bad_heads(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
    } bad[] = {
        TEXT("SSH-2.0-OpenSSH_9.2\r\n"),
        TEXT("http/1.1 200 OK\r\n\r\n"),
        TEXT("HTTP/2 200\r\n\r\n"),
        TEXT("HTTP/1.x 200\r\n\r\n"),
        TEXT("HTTP/1.11 200\r\n\r\n"),
        TEXT("HTTP/1.1  200 OK\r\n\r\n"),
        TEXT("HTTP/1.1\t200 OK\r\n\r\n"),
        TEXT("HTTP/1.1 20 OK\r\n\r\n"),
        TEXT("HTTP/1.1 2000 OK\r\n\r\n"),
        TEXT("HTTP/1.1 099 OK\r\n\r\n"),
        TEXT("HTTP/1.1 200OK\r\n\r\n"),
        TEXT("HTTP/1.1 -20 OK\r\n\r\n"),
        TEXT("HTTP/1.1 200 O\0K\r\n\r\n"),
        TEXT("HTTP/1.1 200 O\x7fK\r\n\r\n"),
        TEXT("HTTP/1.1 200 OK\rX: y\r\n\r\n"),
        TEXT("HTTP/1.1 200 OK\r\n folded: nothing\r\n\r\n"),
        TEXT("HTTP/1.1 200 OK\r\nno colon\r\n\r\n"),
        TEXT("HTTP/1.1 200 OK\r\n: no name\r\n\r\n"),
        TEXT("HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n"),
        TEXT("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n"),
        TEXT("HTTP/1.1 200 OK\r\nA: b\r\n\rx"),
        TEXT("HTTP/1.1 100 Continue\r\n\r\nnot HTTP"),
        TEXT("\r\nHTTP/1.1 200 OK\r\n\r\n"),
        TEXT("\0"),
    };
    uint16_t status;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(parse(bad[i].text, bad[i].len, &status), HTTP_RESPONSE_BAD);
    }
}

static void every_prefix_wants_more(void **state)
{
    (void)state;
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n";
    uint16_t status;
    for (size_t len = 0; len < sizeof text - 1; len++) {
        assert_int_equal(parse(text, len, &status), HTTP_RESPONSE_MORE);
    }
    assert_int_equal(parse(text, sizeof text - 1, &status), HTTP_RESPONSE_DONE);
}

static void head_is_limited(void **state)
{
    (void)state;
    static const char start[] = "HTTP/1.1 200 OK\r\nA: ";
    char *text = memory_alloc(HTTP_RESPONSE_HEAD_MAX + 1);
    memset(text, 'x', HTTP_RESPONSE_HEAD_MAX + 1);
    memcpy(text, start, sizeof start - 1);
    memcpy(text + HTTP_RESPONSE_HEAD_MAX - 4, "\r\n\r\n", 4);
    uint16_t status;
    assert_int_equal(parse(text, HTTP_RESPONSE_HEAD_MAX, &status), HTTP_RESPONSE_DONE);
    memcpy(text + HTTP_RESPONSE_HEAD_MAX - 4, "x\r\n\r\n", 5);
    assert_int_equal(parse(text, HTTP_RESPONSE_HEAD_MAX, &status), HTTP_RESPONSE_MORE);
    assert_int_equal(parse(text, HTTP_RESPONSE_HEAD_MAX + 1, &status), HTTP_RESPONSE_BAD);
    free(text);
}

static void interim_responses_are_limited(void **state)
{
    (void)state;
    static const char interim[] = "HTTP/1.1 100\r\n\r\n";
    struct http_response response;
    http_response_init(&response);
    size_t fed = 0;
    while (http_response_feed(&response, (const uint8_t *)interim, sizeof interim - 1) ==
           HTTP_RESPONSE_MORE) {
        fed += sizeof interim - 1;
        assert_true(fed <= HTTP_RESPONSE_HEAD_MAX);
    }
    assert_int_equal(http_response_feed(&response, (const uint8_t *)"", 0), HTTP_RESPONSE_BAD);
}

/* Whether the head comes at once or octet by octet. */
static uint64_t length_of(const char *fields)
{
    char text[256];
    struct http_response whole, bytes;
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%s\r\n\r\n", fields);
    http_response_init(&whole);
    http_response_init(&bytes);
    assert_int_equal(http_response_feed(&whole, (const uint8_t *)text, strlen(text)), HTTP_RESPONSE_DONE);
    for (size_t i = 0; text[i] != '\0'; i++) {
        (void)http_response_feed(&bytes, (const uint8_t *)text + i, 1);
    }
    assert_true(bytes.length == whole.length && bytes.is_chunked == whole.is_chunked);
    return whole.length;
}

static void lengths_are_read(void **state)
{
    (void)state;
    assert_true(length_of("Content-Length: 0") == 0);
    assert_true(length_of("content-length:1234 ") == 1234);
    assert_true(length_of("X: 1\r\nCONTENT-LENGTH: 5\r\nY: 2") == 5);
    assert_true(length_of("Content-Length: 5, 5") == 5);
    assert_true(length_of("Content-Length: 1\r\nTransfer-Encoding: chunked") == 1);
    assert_true(length_of("Content-Length:") == HTTP_LENGTH_UNKNOWN);
    assert_true(length_of("Content-Length: -5") == HTTP_LENGTH_UNKNOWN);
    assert_true(length_of("Content-Length-X: 5") == HTTP_LENGTH_UNKNOWN);
    assert_true(length_of("Content-Lengt: 5") == HTTP_LENGTH_UNKNOWN);
    assert_true(length_of("X-Content-Length: 5") == HTTP_LENGTH_UNKNOWN);
    assert_true(length_of("Content-Length: 99999999999999999999999") > 1 << 30);
}

/* What does not matter is passed over in words: each octet, at each place of one, is what the grammar says.
 */
static void each_octet_at_each_place(void **state)
{
    (void)state;
    static const char *const heads[][2] = {{"HTTP/1.1 200 ", "\r\n\r\n"},
                                           {"HTTP/1.1 200 OK\r\nX", ": v\r\n\r\n"},
                                           {"HTTP/1.1 200 OK\r\nX: ", "\r\nContent-Length: 1\r\n\r\n"}};
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
        for (unsigned i = 0; i < 256 * 18; i++) {
            char text[] = "abcdefghijklmnopqr", head[100];
            uint16_t status;
            unsigned char at = (unsigned char)(i % 256);
            if (at == '\0' || at == '\r' || at == '\n') {
                continue; /* they end the text, or the line */
            }
            text[i / 256] = (char)at;
            int len = snprintf(head, sizeof head, "%s%s%s", heads[h][0], text, heads[h][1]);
            bool is_text = at == '\t' || (at >= ' ' && at != 127);
            assert_int_equal(parse(head, (size_t)len, &status),
                             is_text ? HTTP_RESPONSE_DONE : HTTP_RESPONSE_BAD);
        }
    }
}

static void prepare_check(struct check *check, struct check_ask *ask, const struct probe_target *target,
                          struct arena *arena)
{
    *check = (struct check){.at = target->at, .ask = ask};
    *ask = (struct check_ask){.type = PROBE_HTTP};
    check_get_kind(PROBE_HTTP)->prepare(check, ask, target, arena);
}

static const char *request_of(struct arena *arena, const char *at, const char *host, const char *path)
{
    struct probe_target target = {.type = PROBE_HTTP, .host = host, .path = path};
    struct check check;
    struct check_ask ask;
    assert_int_equal(addr_parse_port(at, &target.at), 0);
    prepare_check(&check, &ask, &target, arena);
    struct check_scratch scratch;
    const char *request = http_request_write(&check, &scratch);
    assert_int_equal(ask.host_len != 0, host == NULL);
    return arena_print(arena, "%.*s", (int)ask.request_len, request);
}

static void requests(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    assert_string_equal(request_of(arena, "192.0.2.1:8080", NULL, NULL),
                        "GET / HTTP/1.1\r\nHost: 192.0.2.1:8080\r\nUser-Agent: steerd/" PACKAGE_VERSION
                        "\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    assert_non_null(
        strstr(request_of(arena, "192.0.2.1:80", NULL, "/x?y"), "GET /x?y HTTP/1.1\r\nHost: 192.0.2.1\r\n"));
    assert_non_null(strstr(request_of(arena, "[2001:db8::1]:80", NULL, "/"), "\r\nHost: [2001:db8::1]\r\n"));
    assert_non_null(
        strstr(request_of(arena, "[2001:db8::1]:81", NULL, "/"), "\r\nHost: [2001:db8::1]:81\r\n"));
    assert_non_null(
        strstr(request_of(arena, "192.0.2.1:8080", "www.example.com", "/"), "\r\nHost: www.example.com\r\n"));
    arena_free(arena);
}

/* Checks that differ in the address alone keep one text; what is too long for that is kept whole. */
static void requests_are_kept_once(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct check_scratch scratch;
    struct probe_target target = {
        .type = PROBE_HTTP, .at.port = 80, .expect = (const uint8_t *)"x", .expect_len = 1};
    struct check first, second, third;
    struct check_ask asks[3];
    assert_int_equal(addr_parse("192.0.2.1", &target.at.addr), 0);
    prepare_check(&first, &asks[0], &target, arena);
    assert_int_equal(addr_parse("2001:db8::1", &target.at.addr), 0);
    prepare_check(&second, &asks[1], &target, arena);
    assert_ptr_equal(asks[0].request, asks[1].request);
    assert_ptr_equal(asks[0].expect, asks[1].expect);
    assert_int_equal(asks[1].request_len - asks[0].request_len,
                     strlen("[2001:db8::1]") - strlen("192.0.2.1"));
    char *headers = arena_alloc(arena, sizeof scratch.bytes + 1);
    memset(headers, 'a', sizeof scratch.bytes);
    memcpy(headers, "x:", 2);
    target.headers = headers;
    prepare_check(&third, &asks[2], &target, arena);
    assert_int_equal(asks[2].host_len, 0);
    assert_ptr_equal(http_request_write(&third, &scratch), asks[2].request);
    arena_free(arena);
}

static void requests_have_bodies(void **state)
{
    (void)state;
    struct arena *arena = arena_new(0);
    struct probe_target target = {.type = PROBE_HTTP,
                                  .host = "h",
                                  .method = "POST",
                                  .headers = "user-agent: me\r\nX-A: b\r\n",
                                  .send = (const uint8_t *)"a\0b",
                                  .send_len = 3};
    static const char head[] = "POST / HTTP/1.1\r\nHost: h\r\nAccept: */*\r\nuser-agent: me\r\nX-A: b\r\n"
                               "Content-Length: 3\r\nConnection: close\r\n\r\na\0b";
    struct check check;
    struct check_ask ask;
    prepare_check(&check, &ask, &target, arena);
    assert_int_equal(ask.request_len, sizeof head - 1);
    assert_memory_equal(ask.request, head, sizeof head - 1);
    arena_free(arena);
}

/* What fails before a packet is sent is no word about the target, unless the target is on this host. */
static void errors_at_once_have_causes(void **state)
{
    (void)state;
    static const struct {
        int error;
        enum probe_cause cause;
    } cases[] = {
        {0, PROBE_CAUSE_NONE},
        {ECONNREFUSED, PROBE_CAUSE_NONE},
        {ETIMEDOUT, PROBE_CAUSE_NONE},
        {ENETUNREACH, PROBE_CAUSE_NO_ROUTE},
        {EHOSTUNREACH, PROBE_CAUSE_NO_ROUTE},
        {ENETDOWN, PROBE_CAUSE_LINK_DOWN},
        {EADDRNOTAVAIL, PROBE_CAUSE_NO_ADDRESS},
        {EMFILE, PROBE_CAUSE_DESCRIPTORS},
        {ENFILE, PROBE_CAUSE_DESCRIPTORS},
        {ENOBUFS, PROBE_CAUSE_MEMORY},
        {ENOMEM, PROBE_CAUSE_MEMORY},
        {EAGAIN, PROBE_CAUSE_MEMORY},
        {EACCES, PROBE_CAUSE_FORBIDDEN},
        {EPERM, PROBE_CAUSE_FORBIDDEN},
        {EAFNOSUPPORT, PROBE_CAUSE_OTHER},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(trouble_find_cause(cases[i].error), cases[i].cause);
    }
}

static void errors_have_outcomes(void **state)
{
    (void)state;
    static const struct {
        int error;
        enum health_outcome connecting, waiting;
    } cases[] = {
        {ECONNREFUSED, HEALTH_OUTCOME_REFUSED, HEALTH_OUTCOME_REFUSED},
        {ETIMEDOUT, HEALTH_OUTCOME_CONNECT_TIMEOUT, HEALTH_OUTCOME_TIMEOUT},
        {ECONNRESET, HEALTH_OUTCOME_RESET, HEALTH_OUTCOME_RESET},
        {EPIPE, HEALTH_OUTCOME_CLOSED, HEALTH_OUTCOME_CLOSED},
        {ENETUNREACH, HEALTH_OUTCOME_UNREACHABLE, HEALTH_OUTCOME_UNREACHABLE},
        {EHOSTUNREACH, HEALTH_OUTCOME_UNREACHABLE, HEALTH_OUTCOME_UNREACHABLE},
        {EACCES, HEALTH_OUTCOME_UNREACHABLE, HEALTH_OUTCOME_UNREACHABLE},
        {EMFILE, HEALTH_OUTCOME_LOCAL_ERROR, HEALTH_OUTCOME_LOCAL_ERROR},
        {ENFILE, HEALTH_OUTCOME_LOCAL_ERROR, HEALTH_OUTCOME_LOCAL_ERROR},
        {ENOBUFS, HEALTH_OUTCOME_LOCAL_ERROR, HEALTH_OUTCOME_LOCAL_ERROR},
        {ENOMEM, HEALTH_OUTCOME_LOCAL_ERROR, HEALTH_OUTCOME_LOCAL_ERROR},
        {EADDRNOTAVAIL, HEALTH_OUTCOME_LOCAL_ERROR, HEALTH_OUTCOME_LOCAL_ERROR},
        {EAFNOSUPPORT, HEALTH_OUTCOME_LOCAL_ERROR, HEALTH_OUTCOME_LOCAL_ERROR},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(check_judge_errno(cases[i].error, FLIGHT_CONNECTING), cases[i].connecting);
        assert_int_equal(check_judge_errno(cases[i].error, FLIGHT_WAITING), cases[i].waiting);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_heads),
        cmocka_unit_test(bad_heads),
        cmocka_unit_test(every_prefix_wants_more),
        cmocka_unit_test(head_is_limited),
        cmocka_unit_test(interim_responses_are_limited),
        cmocka_unit_test(lengths_are_read),
        cmocka_unit_test(each_octet_at_each_place),
        cmocka_unit_test(requests),
        cmocka_unit_test(requests_are_kept_once),
        cmocka_unit_test(requests_have_bodies),
        cmocka_unit_test(errors_at_once_have_causes),
        cmocka_unit_test(errors_have_outcomes),
    };
    return cmocka_run_group_tests_name("probe_http", tests, NULL, NULL);
}
