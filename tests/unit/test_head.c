/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "unit.h"

#include "admin/head.h"

#include <string.h>

#define LINE "GET /v1/status HTTP/1.1\r\n"
#define HOST "Host: x\r\n"
#define POST "POST /v1/reload HTTP/1.1\r\n" HOST

/* In pieces of this size. NULL: nothing is wrong with it. */
static const char *scan(const char *text, size_t len, size_t piece, bool *is_idle)
{
    struct head_scan scan;
    size_t at = 0;
    head_scan_init(&scan);
    for (size_t i = 0; i < len; i += piece) {
        const char *why = head_scan_feed(&scan, text + i, len - i < piece ? len - i : piece, &at);
        if (why != NULL) {
            assert_true(i + at < len);
            assert_non_null(head_scan_feed(&scan, "GET", 3, &at)); /* and for good */
            return why;
        }
    }
    *is_idle = head_scan_is_idle(&scan);
    return NULL;
}

static const char *scan_all(const char *text, size_t len, bool *is_idle)
{
    const char *why = scan(text, len, len == 0 ? 1 : len, is_idle);
    for (size_t piece = 1; piece < 7; piece++) {
        bool is_idle_too = *is_idle;
        const char *same = scan(text, len, piece, &is_idle_too);
        assert_ptr_equal(why, same);
        assert_int_equal(*is_idle, is_idle_too);
    }
    return why;
}

static void good_ones_pass(void **state)
{
    static const char *const good[] = {
        LINE HOST "\r\n",
        LINE HOST "\r\n" LINE HOST "\r\n",
        LINE "hOsT: [2001:db8::1]:8443\r\nX-Empty:\r\nX:\t a b \t\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\n" HOST "\r\n",
        POST "Content-Length: 0\r\n\r\n" LINE HOST "\r\n",
        POST "Content-Length:  5  \r\n\r\nab\r\n\n" LINE HOST "\r\n",
        POST "Transfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" LINE HOST "\r\n",
        POST "Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n00\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        bool is_idle = false;
        assert_null(scan_all(good[i], strlen(good[i]), &is_idle));
        assert_true(is_idle);
    }
}

static void half_ones_are_waited_for(void **state)
{
    static const char text[] = POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    (void)state;
    for (size_t len = 1; len < sizeof text - 1; len++) {
        bool is_idle = false;
        assert_null(scan_all(text, len, &is_idle));
        assert_false(is_idle);
    }
}

#define BAD(text)                                                                                            \
    {                                                                                                        \
        text, sizeof(text) - 1                                                                               \
    }

static void bad_ones_are_refused(void **state)
{
    static const struct {
        const char *text;
        size_t len;
    } bad[] = {
        /* lines */
        BAD("\r\n" LINE HOST "\r\n"),
        BAD("GET /v1/status HTTP/1.1\n" HOST "\r\n"),
        BAD(LINE "Host: x\n\r\n"),
        BAD(LINE HOST "\n"),
        BAD(LINE HOST "\r\r\n"),
        BAD(LINE "Host: x\rY: z\r\n\r\n"),
        BAD(LINE "Host: x\r\n y\r\n\r\n"),
        BAD(LINE "Host: x\r\n\ty\r\n\r\n"),
        /* request lines */
        BAD("get / HTTP/1.1\r\n"),
        BAD(" GET / HTTP/1.1\r\n"),
        BAD("GET  / HTTP/1.1\r\n"),
        BAD("GET /a b HTTP/1.1\r\n"),
        BAD("GET /\x80 HTTP/1.1\r\n"),
        BAD("GET /\0 HTTP/1.1\r\n"),
        BAD("GET http://y/v1/status HTTP/1.1\r\n"),
        BAD("GET / HTTP/1.2\r\n"),
        BAD("GET / HTTP/2.0\r\n"),
        BAD("GET / HTTP/1.1 \r\n"),
        BAD("GET /\r\n"),
        BAD("ABCDEFGHIJKLMNOPQRSTUVWXYZ / HTTP/1.1\r\n"),
        BAD("\x16\x03\x01"),
        /* fields */
        BAD(LINE "Host : x\r\n\r\n"),
        BAD(LINE ": x\r\n\r\n"),
        BAD(LINE "Ho(st: x\r\n\r\n"),
        BAD(LINE HOST "X\r\n\r\n"),
        BAD(LINE HOST "X: a\0b\r\n\r\n"),
        BAD(LINE HOST "X: a\001b\r\n\r\n"),
        BAD(LINE HOST "X: a\177b\r\n\r\n"),
        BAD(LINE "\r\n"),
        BAD(LINE HOST HOST "\r\n"),
        BAD(LINE "Host: a b\r\n\r\n"),
        BAD(LINE "Host: a/b\r\n\r\n"),
        /* where the body ends */
        BAD(POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n"),
        BAD(POST "Content-Length: 1, 1\r\n\r\n"),
        BAD(POST "Content-Length: +1\r\n\r\n"),
        BAD(POST "Content-Length: 0x1\r\n\r\n"),
        BAD(POST "Content-Length: 1 1\r\n\r\n"),
        BAD(POST "Content-Length:\r\n\r\n"),
        BAD(POST "Content-Length: 99999999999999999999\r\n\r\n"),
        BAD(POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
        BAD(POST "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"),
        BAD(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        BAD(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"),
        BAD(POST "Transfer-Encoding: identity\r\n\r\n"),
        BAD(POST "Transfer-Encoding: chunkedx\r\n\r\n"),
        BAD(POST "Transfer-Encoding:\r\n\r\n"),
        BAD("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        BAD("TRACE / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n"),
        /* chunks */
        BAD(POST "Transfer-Encoding: chunked\r\n\r\n\r\n"),
        BAD(POST "Transfer-Encoding: chunked\r\n\r\n 2\r\n"),
        BAD(POST "Transfer-Encoding: chunked\r\n\r\n2 \r\n"),
        BAD(POST "Transfer-Encoding: chunked\r\n\r\n0x2\r\n"),
        BAD(POST "Transfer-Encoding: chunked\r\n\r\n-2\r\n"),
        BAD(POST "Transfer-Encoding: chunked\r\n\r\n123456789\r\n"),
        BAD(POST "Transfer-Encoding: chunked\r\n\r\n2\n{}\r\n"),
        BAD(POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}x"),
        BAD(POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\n"),
        BAD(POST "Transfer-Encoding: chunked\r\n\r\n2;a\nb\r\n"),
        BAD(POST "Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\n\r\n"),
        BAD(POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n"),
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bool is_idle = false;
        if (scan_all(bad[i].text, bad[i].len, &is_idle) == NULL) {
            fail_msg("let through: %s", bad[i].text);
        }
    }
}

static void fields_are_counted(void **state)
{
    struct head_scan scan;
    size_t at;
    (void)state;
    head_scan_init(&scan);
    assert_null(head_scan_feed(&scan, LINE HOST, strlen(LINE HOST), &at));
    for (int i = 1; i < HEAD_FIELDS_MAX; i++) {
        assert_null(head_scan_feed(&scan, "X: y\r\n", 6, &at));
    }
    assert_non_null(head_scan_feed(&scan, "X: y\r\n", 6, &at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_ones_pass),
        cmocka_unit_test(half_ones_are_waited_for),
        cmocka_unit_test(bad_ones_are_refused),
        cmocka_unit_test(fields_are_counted),
    };
    return cmocka_run_group_tests_name("head", tests, NULL, NULL);
}
