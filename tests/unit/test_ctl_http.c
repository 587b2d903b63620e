/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The HTTP client's parser: each text whole and octet by octet, with the same result. */
#include "config.h"

#include "unit.h"

#include "ctl/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 64 };

/* Feed all in pieces; end: the other side closes then. */
static enum http_progress feed(struct http_answer *answer, const char *text, size_t piece, bool ends)
{
    enum http_progress progress = HTTP_MORE;
    http_answer_init(answer, BODY_MAX);
    for (size_t at = 0, len = strlen(text); at < len; at += piece) {
        progress = http_answer_feed(answer, text + at, len - at < piece ? len - at : piece);
    }
    return ends ? http_answer_end(answer) : progress;
}

static void assert_answer(const char *text, bool ends, int status, const char *body)
{
    for (size_t piece = 1; piece <= 1000; piece += 999) {
        struct http_answer answer;
        enum http_progress progress = feed(&answer, text, piece, ends);
        if (progress != HTTP_DONE || answer.status != status || answer.fault != NULL) {
            fail_msg("found %d, status %d, %s in pieces of %zu: %s", (int)progress, answer.status,
                     answer.fault, piece, text);
        }
        assert_string_equal(answer.body.bytes == NULL ? "" : answer.body.bytes, body);
        assert_int_equal(http_answer_feed(&answer, "more", 4), HTTP_DONE);
        assert_int_equal(http_answer_end(&answer), HTTP_DONE);
        assert_string_equal(answer.body.bytes == NULL ? "" : answer.body.bytes, body);
        http_answer_fini(&answer);
    }
}

static void assert_fault(const char *text, const char *fault)
{
    for (size_t piece = 1; piece <= 1000; piece += 999) {
        struct http_answer answer;
        enum http_progress progress = feed(&answer, text, piece, true);
        if (progress != HTTP_BAD || strstr(answer.fault, fault) == NULL) {
            fail_msg("found %d, fault %s, expected %s: %s", (int)progress, answer.fault, fault, text);
        }
        assert_int_equal(http_answer_feed(&answer, "\r\n\r\n", 4), HTTP_BAD);
        assert_int_equal(http_answer_end(&answer), HTTP_BAD);
        http_answer_fini(&answer);
    }
}

static void lengths(void **state)
{
    (void)state;
    assert_answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, 200, "ok");
    assert_answer("HTTP/1.1 200 OK\r\ncontent-length:002 \t\r\nA: b\r\n\r\nokmore", false, 200, "ok");
    assert_answer("HTTP/1.1 413 \r\nContent-Length: 0\r\n\r\n", false, 413, "");
    assert_answer("HTTP/1.1 204\r\n\r\n", false, 204, "");
    assert_answer("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, 304, "");
    assert_answer("HTTP/1.0 200 OK\r\n\r\nto the end", true, 200, "to the end");
    assert_answer("HTTP/1.1 500 no reason?\r\n\r\n", true, 500, "");
    assert_answer("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: a\r\n\r\n"
                  "HTTP/1.1 201 Made\r\nContent-Length: 1\r\n\r\n.",
                  false, 201, ".");
}

static void chunks(void **state)
{
    (void)state;
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"
    assert_answer(CHUNKED "0\r\n\r\n", false, 200, "");
    assert_answer(CHUNKED "3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n", false, 200, "abc0123456789");
    assert_answer(CHUNKED "3;name=\"x\"\r\nabc\r\n3 ;x\r\ndef\r\n0\r\nTrailer: x\r\n\r\n", false, 200,
                  "abcdef");
    assert_fault(CHUNKED "\r\n", "size of a chunk");
    assert_fault(CHUNKED "-1\r\n", "size of a chunk");
    assert_fault(CHUNKED "0x1\r\n", "size of a chunk");
    assert_fault(CHUNKED "3 \r\nabc\r\n", "size of a chunk");
    assert_fault(CHUNKED "3\r\nabcd\r\n", "longer than it says");
    assert_fault(CHUNKED "3\r\nab\r\n", "no CRLF");
    assert_fault(CHUNKED "3\r\nabc\r\n0\r\nno trailer\r\n\r\n", "trailer");
    assert_fault(CHUNKED "3\r\nabc\r\n0\r\n", "in the middle");
    assert_fault(CHUNKED "3\r\nabc\r\n", "in the middle");
    assert_fault("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "coding");
    assert_fault("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
                 "coding");
    assert_fault("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "coding");
}

static void faults(void **state)
{
    (void)state;
    assert_fault("", "without an answer");
    assert_fault("SSH-2.0-OpenSSH_9.2\r\n", "not HTTP/1.1");
    assert_fault("HTTP/2 200\r\n", "not HTTP/1.1");
    assert_fault("HTTP/1.1 20 OK\r\n", "status");
    assert_fault("HTTP/1.1 2000 OK\r\n", "status");
    assert_fault("HTTP/1.1 099 OK\r\n", "status");
    assert_fault("HTTP/1.1 200OK\r\n", "status");
    assert_fault("HTTP/1.1 101 Switching\r\n\r\n", "protocol");
    assert_fault("HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "no CRLF");
    assert_fault("HTTP/1.1 200 OK\r\nA: \rb\r\n\r\n", "control");
    assert_fault("HTTP/1.1 200 OK\r\n: b\r\n\r\n", "no name");
    assert_fault("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "no name");
    assert_fault("HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "no name");
    assert_fault("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "two lengths");
    assert_fault("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", "no number");
    assert_fault("HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", "no number");
    assert_fault("HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", "no number");
    assert_fault("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 "both");
    assert_fault("HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\nok", "interim");
    assert_fault("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", "in the middle");
    assert_fault("HTTP/1.1 200 OK\r\nA: b\r\n", "in the middle");
    assert_fault("HTTP/1.1 20", "in the middle");
}

static void limits(void **state)
{
    (void)state;
    struct http_answer answer;
    char text[512], body[BODY_MAX + 2];
    memset(body, 'x', sizeof body - 1);
    body[BODY_MAX + 1] = '\0';
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n\r\n%s", body);
    assert_fault(text, "too large");
    snprintf(text, sizeof text, CHUNKED "20\r\n%.32s\r\n21\r\n%.33s\r\n0\r\n\r\n", body, body);
    assert_fault(text, "too large");
    snprintf(text, sizeof text, CHUNKED "20\r\n%.32s\r\n20\r\n%.32s\r\n0\r\n\r\n", body, body);
    body[BODY_MAX] = '\0';
    assert_answer(text, false, 200, body);
    assert_fault("HTTP/1.1 200 OK\r\nContent-Length: 65\r\n\r\n", "too large");
    assert_fault("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\n", "too large");
    assert_fault(CHUNKED "ffffffffffffffffffffff\r\n", "too large");
    char *head = malloc(HTTP_HEAD_MAX + 100);
    int len = snprintf(head, 100, "HTTP/1.1 200 OK\r\nA: ");
    memset(head + len, 'x', HTTP_HEAD_MAX);
    http_answer_init(&answer, 0);
    assert_int_equal(http_answer_feed(&answer, head, HTTP_HEAD_MAX - 1), HTTP_MORE);
    assert_int_equal(http_answer_feed(&answer, "x", 1), HTTP_BAD);
    assert_string_equal(answer.fault, "the head of the answer is too large");
    http_answer_fini(&answer);
    http_answer_init(&answer, 0);
    assert_int_equal(http_answer_feed(&answer, CHUNKED "1;", strlen(CHUNKED) + 2), HTTP_MORE);
    assert_int_equal(http_answer_feed(&answer, head + len, HTTP_CHUNK_LINE_MAX - 3), HTTP_MORE);
    assert_int_equal(http_answer_feed(&answer, "x", 1), HTTP_BAD);
    http_answer_fini(&answer);
    free(head);
}

static void nul_octets(void **state)
{
    (void)state;
    static const char head[] = "HTTP/1.1 200 OK\0\r\n\r\n",
                      body[] = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na\0b";
    struct http_answer answer;
    http_answer_init(&answer, 0);
    assert_int_equal(http_answer_feed(&answer, head, sizeof head - 1), HTTP_BAD);
    http_answer_fini(&answer);
    http_answer_init(&answer, 0);
    assert_int_equal(http_answer_feed(&answer, body, sizeof body - 1), HTTP_DONE);
    assert_int_equal(answer.body.len, 3);
    assert_memory_equal(answer.body.bytes, "a\0b", 3);
    http_answer_fini(&answer);
}

static void requests(void **state)
{
    (void)state;
    struct buffer request;
    buffer_init(&request);
    http_write_request(&request, "Host: localhost\r\n", "GET", "/v1/status?a=%20", NULL);
    assert_string_equal(request.bytes,
                        "GET /v1/status?a=%20 HTTP/1.1\r\nHost: localhost\r\nUser-Agent: "
                        "steerctl/" PACKAGE_VERSION "\r\nAccept: */*\r\nConnection: close\r\n\r\n");
    buffer_fini(&request);
    http_write_request(&request, "Host: localhost\r\n", "PUT", "/x", "{}");
    assert_non_null(
        strstr(request.bytes, "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"));
    buffer_fini(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths), cmocka_unit_test(chunks),     cmocka_unit_test(faults),
        cmocka_unit_test(limits),  cmocka_unit_test(nul_octets), cmocka_unit_test(requests),
    };
    return cmocka_run_group_tests_name("ctl http", tests, NULL, NULL);
}
