/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the load in a check's answer: the search in the JSON text, chunks, and real checks that meet
 * servers whose answers have a load, or none, or end too early. */
#include "config.h"

#include "probe_kit.h"

#include "base/memory.h"
#include "probe/http_body.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* As loads are looked for. */
static enum load_progress judge(enum json_scan_progress progress, const struct json_scan *scan)
{
    bool is_load = scan->kind == JSON_SCAN_NUMBER && !signbit(scan->number);
    return progress == JSON_SCAN_MORE               ? LOAD_MORE
           : progress == JSON_SCAN_FOUND && is_load ? LOAD_FOUND
                                                    : LOAD_ABSENT;
}

/* One result, whether the text comes at once, byte by byte, or cut anywhere in two with a move between. */
static enum json_scan_progress scan_for(const char *pointer, const char *wanted, const char *text,
                                        struct json_scan *whole)
{
    struct json_scan bytes, cut;
    size_t len = strlen(text);
    const uint8_t *input = (const uint8_t *)text;
    json_scan_init(whole, pointer, wanted);
    json_scan_init(&bytes, pointer, wanted);
    enum json_scan_progress expected = json_scan_feed(whole, input, len), got = JSON_SCAN_MORE;
    for (size_t i = 0; i < len; i++) {
        got = json_scan_feed(&bytes, input + i, 1);
    }
    assert_int_equal(got, expected);
    char other[64], text_elsewhere[64];
    snprintf(other, sizeof other, "%s", pointer);
    snprintf(text_elsewhere, sizeof text_elsewhere, "%s", wanted == NULL ? "" : wanted);
    for (size_t at = 0; at <= len; at++) {
        json_scan_init(&cut, pointer, wanted);
        json_scan_feed(&cut, input, at);
        json_scan_move(&cut, other, wanted == NULL ? NULL : text_elsewhere);
        assert_int_equal(json_scan_feed(&cut, input + at, len - at), expected);
        assert_true(expected != JSON_SCAN_FOUND || (cut.kind == whole->kind && cut.number == whole->number &&
                                                    cut.is_text == whole->is_text));
    }
    return expected;
}

static enum load_progress scan(const char *pointer, const char *text, double *value)
{
    struct json_scan whole;
    enum json_scan_progress progress = scan_for(pointer, NULL, text, &whole);
    *value = whole.number;
    return judge(progress, &whole);
}

static void numbers_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *pointer, *text;
        double value;
    } found[] = {
        {"/load", "{\"load\":0.75}", 0.75},
        {"/load", " \r\n\t{ \"load\" : 12 , \"x\":1}", 12},
        {"/load", "{\"load\":0}", 0},
        {"/load", "{\"load\":1.5e2\n}", 150},
        {"/load", "{\"load\":25E-2 ", 0.25},
        {"/load", "{\"load\":0.1}", 0.1},
        {"/load", "{\"load\":1,\"load\":2}", 1},
        {"/load", "{\"loads\":1,\"loa\":2,\"x\":{\"load\":3},\"y\":[\"load\",4],\"load\":5}", 5},
        {"/load", "{\"a\":\"\\\"}{\\\\\",\"b\":[[],{},[{\"c\":null}]],\"t\":true,\"load\":6}", 6},
        {"/load", "{\"l\\u006Fad\":7}", 7},
        {"/load", "{\"\":{},\"load\":8}", 8},
        {"/a/b/c", "{\"a\":{\"x\":[1],\"b\":{\"c\":9}}}", 9},
        {"/a/2", "{\"a\":[1,{\"2\":5},3.25]}", 3.25},
        {"/0", "[10]", 10},
        {"/10", "[0,1,2,3,4,5,6,7,8,9,11]", 11},
        {"/2", "{\"2\":12}", 12},
        {"/1/0/x", "[[],[{\"x\":13}]]", 13},
        {"/", "{\"\":14}", 14},
        {"/a~1b", "{\"a/b\":15}", 15},
        {"/m~0n", "{\"m\\u007en\":16}", 16},
        {"/~01", "{\"~1\":17}", 17},
        {"/\xc3\xa9", "{\"\\u00e9\":18}", 18},
        {"/\xe2\x82\xac/x", "{\"\\u20AC\":{\"x\":19}}", 19},
        {"/\xe2\x82\xac", "{\"\xe2\x82\xac\":20}", 20},
        {"/\xf0\x9f\x98\x80", "{\"\\ud83d\\ude00\":21}", 21},
    };
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        double value;
        assert_int_equal(scan(found[i].pointer, found[i].text, &value), LOAD_FOUND);
        assert_true(value == found[i].value);
    }
}

static void what_is_no_load_is_told(void **state)
{
    (void)state;
    static const char *const absent[][2] = {
        {"/load", "{}"},
        {"/load", "[]"},
        {"/load", "0.5 "},
        {"/load", "\"load\""},
        {"/load", "{\"load\":\"0.5\"}"},
        {"/load", "{\"load\":null}"},
        {"/load", "{\"load\":-1}"},
        {"/load", "{\"load\":[1]}"},
        {"/load", "{\"load\":{\"load\":1}}"},
        {"/load", "{\"load\":01}"},
        {"/load", "{\"load\":1.}"},
        {"/load", "{\"load\":1e}"},
        {"/load", "{\"load\":1.2.3}"},
        {"/load", "{\"load\":1e999}"},
        {"/load", "{\"load\":0x10}"},
        {"/load", "{\"load\":0.12345678901234567890123456789012}"},
        {"/load", "{\"x\":1}"},
        {"/load", "{load:1}"},
        {"/load", "{\"load\" 1}"},
        {"/load", "{\"x\":1 \"load\":1}"},
        {"/load", "{\"load\\x\":1}"},
        {"/load", "{\"load\\u00zz\":1}"},
        {"/load", "{\"lo\nad\":1}"},
        {"/load", "<html>"},
        {"/a/1", "{\"a\":[1]}"},
        {"/a/01", "{\"a\":[1,2]}"},
        {"/a/-", "{\"a\":[1,2]}"},
        {"/a/b", "{\"a\":5,\"b\":6}"},
        {"/a/b", "{\"a\":{},\"b\":6}"},
        {"/4294967297", "[1,2]"},
        {"/\xf0\x9f\x98\x80", "{\"\\ud83d\":1,\"\\ude00\":1,\"\\ud83dx\":2}"},
    };
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        double value;
        assert_int_equal(scan(absent[i][0], absent[i][1], &value), LOAD_ABSENT);
    }
}

static void values_of_all_kinds_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *pointer, *text;
        enum json_scan_kind kind;
        double number;
    } found[] = {
        {"/a", "{\"a\":-12.5e1}", JSON_SCAN_NUMBER, -125},
        {"/a", "{\"a\":true}", JSON_SCAN_TRUE, 0},
        {"/a", "{\"a\" : false }", JSON_SCAN_FALSE, 0},
        {"/a/0", "{\"a\":[null]}", JSON_SCAN_NULL, 0},
        {"/a", "{\"a\":[", JSON_SCAN_CONTAINER, 0},
        {"/a", "{\"b\":{\"a\":1},\"a\":{", JSON_SCAN_CONTAINER, 0},
        {"/a", "{\"a\":\"\"", JSON_SCAN_TEXT, 0},
        /* The nearest double, as the configuration's own numbers are, which "==" compares with: */
        {"/a", "{\"a\":1234567890123456789}", JSON_SCAN_NUMBER, 1234567890123456789},
        {"/a", "{\"a\":0.15838287025480557}", JSON_SCAN_NUMBER, 0.15838287025480557},
        {"/a", "{\"a\":1.7976931348623157e308}", JSON_SCAN_NUMBER, 1.7976931348623157e308},
        {"/a", "{\"a\":5e-324}", JSON_SCAN_NUMBER, 5e-324},
    };
    struct json_scan scan;
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        assert_int_equal(scan_for(found[i].pointer, NULL, found[i].text, &scan), JSON_SCAN_FOUND);
        assert_int_equal(scan.kind, found[i].kind);
        assert_true(scan.number == found[i].number && !scan.is_text);
    }
    static const char *const absent[][2] = {
        {"/a", "{}"}, {"/a", "[1]"}, {"/a", "{\"b\":{\"a\":1}}"}, {"/a/b", "{\"a\":1"}, {"/0", "[]"}};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        assert_int_equal(scan_for(absent[i][0], NULL, absent[i][1], &scan), JSON_SCAN_ABSENT);
    }
    static const char *const broken[] = {"{\"a\":tru}", "{\"a\":--1}", "{\"a\":+1}",
                                         "{a",          "{\"a\":-}",   "<html>"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        assert_int_equal(scan_for("/a", NULL, broken[i], &scan), JSON_SCAN_BROKEN);
    }
}

static void texts_are_compared(void **state)
{
    (void)state;
    static const struct {
        const char *wanted, *text;
        bool is_text;
    } cases[] = {
        {"up", "{\"a\":\"up\"}", true},
        {"up", "{\"a\":\"u\\u0070\"}", true},
        {"up", "{\"a\":\"upper\"}", false},
        {"up", "{\"a\":\"u\"}", false},
        {"up", "{\"a\":\"u\\u0000p\"}", false},
        {"", "{\"a\":\"\"}", true},
        {"", "{\"a\":\"\\u0000\"}", false},
        {"a/b~1", "{\"a\":\"a\\/b~1\"}", true}, /* no token of a pointer */
        {"\xf0\x9f\x98\x80", "{\"a\":\"\\uD83D\\uDE00\"}", true},
        {"\xf0\x9f\x98\x80", "{\"a\":\"\xf0\x9f\x98\x80\"}", true},
        {"", "{\"a\":\"\\ud83d\"}", false},
        {"x", "{\"a\":\"\\ud83dx\"}", false},
    };
    struct json_scan scan;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(scan_for("/a", cases[i].wanted, cases[i].text, &scan), JSON_SCAN_FOUND);
        assert_true(scan.kind == JSON_SCAN_TEXT && scan.is_text == cases[i].is_text);
    }
}

static void every_prefix_wants_more(void **state)
{
    (void)state;
    static const char text[] = " {\"a\":[1,\"\\u0041\",{\"b\":true}],\"load\":12.5";
    for (size_t len = 0; len < sizeof text; len++) {
        struct json_scan prefix;
        json_scan_init(&prefix, "/load", NULL);
        assert_int_equal(json_scan_feed(&prefix, (const uint8_t *)text, len), JSON_SCAN_MORE);
    }
}

static void begin_body(struct http_body *body, bool is_chunked)
{
    struct http_response response = {.status = 200, .is_chunked = is_chunked, .length = HTTP_LENGTH_UNKNOWN};
    http_body_init(body, &response, &(struct http_seek){.pointer = "/load"});
}

static enum load_progress feed_load(struct http_body *body, const void *bytes, size_t len)
{
    http_body_feed(body, bytes, len);
    return body->load;
}

/* Nesting costs nothing, and whatever comes, no more than HTTP_BODY_MAX bytes are looked at. */
static void bodies_are_bounded(void **state)
{
    (void)state;
    struct http_body body;
    uint8_t *deep = memory_alloc_array(HTTP_BODY_MAX, 1);
    memset(deep, '[', HTTP_BODY_MAX);
    memcpy(deep, "{\"x\":", 5);
    begin_body(&body, false);
    assert_int_equal(feed_load(&body, deep, HTTP_BODY_MAX - 1), LOAD_MORE);
    assert_int_equal(body.scan.depth, HTTP_BODY_MAX - 1 - 4);
    assert_int_equal(feed_load(&body, deep, 2), LOAD_ABSENT);
    assert_int_equal(feed_load(&body, deep, HTTP_BODY_MAX), LOAD_ABSENT);
    assert_int_equal(body.len, HTTP_BODY_MAX);
    free(deep);
}

static enum load_progress read_chunks(const char *text, double *value)
{
    struct http_body whole, bytes;
    enum load_progress got = LOAD_MORE;
    begin_body(&whole, true);
    begin_body(&bytes, true);
    enum load_progress expected = feed_load(&whole, text, strlen(text));
    for (size_t i = 0; text[i] != '\0'; i++) {
        got = feed_load(&bytes, text + i, 1);
    }
    assert_int_equal(got, expected);
    *value = whole.scan.number;
    return expected;
}

static void chunks_are_joined(void **state)
{
    (void)state;
    double value;
    assert_int_equal(read_chunks("c\r\n{\"load\":3.5}\r\n0\r\n\r\n", &value), LOAD_FOUND);
    assert_true(value == 3.5);
    assert_int_equal(read_chunks("4;a=b\r\n{\"lo\r\n009\r\nad\":0.25}\r\n0\r\n", &value), LOAD_FOUND);
    assert_true(value == 0.25);
    assert_int_equal(read_chunks("A\n{\"load\":42\n1\n \n", &value), LOAD_FOUND);
    assert_true(value == 42);
    assert_int_equal(read_chunks("8\r\n{\"load\":\r\n0\r\n\r\n", &value), LOAD_ABSENT);
    assert_int_equal(read_chunks("\r\n", &value), LOAD_ABSENT);
    assert_int_equal(read_chunks("1\r\n{}\r\n", &value), LOAD_ABSENT);
    assert_int_equal(read_chunks("fffffffff\r\n{\"x\":1", &value), LOAD_MORE);
}

/* A connection may go on when the answer on it has ended, and nothing else has come. */
static void ends_are_seen(void **state)
{
    (void)state;
    static const struct {
        struct http_response response;
        const char *text;
        bool is_complete, is_done;
    } cases[] = {
        {{.status = 200, .length = 2}, "ok", true, true},
        {{.status = 200, .length = 3}, "ok", false, false},
        {{.status = 200, .length = 2}, "okay", false, true},
        {{.status = 200, .length = 0}, "", true, true},
        {{.status = 204, .length = HTTP_LENGTH_UNKNOWN}, "", true, true},
        {{.status = 200, .length = HTTP_LENGTH_UNKNOWN}, "ok", false, false},
        {{.status = 200, .length = 40},
         "0123456789012345678901234567890123456789",
         false,
         true}, /* too long */
        {{.status = 200, .is_chunked = true}, "2\r\nok\r\n0\r\n\r\n", true, true},
        {{.status = 200, .is_chunked = true}, "2\r\nok\r\n0\r\n", false, false},
        {{.status = 200, .is_chunked = true}, "0\r\nX: y\r\nZ:\r\n\r\n", true, true},
        {{.status = 200, .is_chunked = true}, "0\r\nX: y\r\n", false, false},
        {{.status = 200, .is_chunked = true}, "0\r\n\r\nHTTP", false, true},
        {{.status = 200, .is_chunked = true}, "2\r\nokay", false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t piece = 1; piece < 50; piece += 12) {
            struct http_body body;
            size_t len = strlen(cases[i].text);
            http_body_init(&body, &cases[i].response, &(struct http_seek){.max = 32});
            for (size_t at = 0; at < len; at += piece) {
                http_body_feed(&body, (const uint8_t *)cases[i].text + at,
                               len - at < piece ? len - at : piece);
            }
            assert_int_equal(body.is_complete, cases[i].is_complete);
            assert_int_equal(http_body_is_done(&body), cases[i].is_done);
        }
    }
}

/* ---- over sockets ---- */

static struct probe_result probe_load(struct server *s, uint32_t timeout_ms)
{
    struct record r;
    struct prober *prober = open_prober(&r);
    struct probe_target target = target_at(PROBE_HTTP, s->port, 1);
    target.load = "/load";
    target.timeout_ms = timeout_ms;
    prober_set_targets(prober, 1, &target, 1);
    struct probe_result result = record_wait(&r, 1, 0, 0, 1);
    prober_close(prober);
    record_fini(&r);
    server_close(s);
    return result;
}

static void loads_come_with_answers(void **state)
{
    (void)state;
    static const struct {
        enum behaviour behaviour;
        const char *text;
        enum health_outcome outcome;
        bool has_load;
    } cases[] = {
        {ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"load\":0.5}\n", HEALTH_OUTCOME_OK, true},
        {DRIP, "HTTP/1.1 200 OK\r\n\r\n{\"load\":0.5}", HEALTH_OUTCOME_OK, true},
        {DRIP,
         "HTTP/1.1 200 OK\r\nTransfer-encoding:\r\n gzip, Chunked\r\nX: y\r\n\r\n"
         "3\r\n{\"l\r\n9\r\noad\":0.5}\r\n0\r\n\r\n",
         HEALTH_OUTCOME_OK, true},
        {ANSWER,
         "HTTP/1.1 103 Early\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{\"load\":0.5}",
         HEALTH_OUTCOME_OK, true},
        {ANSWER, "HTTP/1.1 200 OK\r\nX-Transfer-Encoding: chunked\r\n\r\n{\"load\":0.5}", HEALTH_OUTCOME_OK,
         true},
        {ANSWER, "HTTP/1.1 200 OK\r\n\r\n{\"load\":0.5", HEALTH_OUTCOME_OK, false}, /* it may have gone on */
        {ANSWER, "HTTP/1.1 200 OK\r\n\r\n", HEALTH_OUTCOME_OK, false},
        {ANSWER, "HTTP/1.1 204 No Content\r\n\r\n", HEALTH_OUTCOME_OK, false},
        {ANSWER, "HTTP/1.1 200 OK\r\n\r\n<html>", HEALTH_OUTCOME_OK, false},
        {ANSWER, "HTTP/1.1 503 Down\r\n\r\n{\"load\":0.5}", HEALTH_OUTCOME_BAD_STATUS, false},
        {ANSWER_BLIND, "HTTP/1.1 200 OK\r\n\r\n", HEALTH_OUTCOME_OK, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct server s;
        server_open(&s, cases[i].behaviour, cases[i].text);
        struct probe_result result = probe_load(&s, 10000);
        assert_int_equal(result.outcome, cases[i].outcome);
        assert_int_equal(result.has_load, cases[i].has_load);
        assert_true(!result.has_load || result.load == 0.5);
        assert_true(result.detail >= 200);
    }
}

static struct probe_result probe_body(enum behaviour behaviour, const char *text,
                                      const struct probe_body *body)
{
    struct server s;
    struct record r;
    server_open(&s, behaviour, text);
    struct prober *prober = open_prober(&r);
    struct probe_target target = target_at(PROBE_HTTP, s.port, 1);
    target.body = body;
    target.timeout_ms = 10000;
    prober_set_targets(prober, 1, &target, 1);
    struct probe_result result = record_wait(&r, 1, 0, 0, 1);
    prober_close(prober);
    record_fini(&r);
    server_close(&s);
    return result;
}

static void bodies_have_to_match(void **state)
{
    (void)state;
    static const struct {
        const char *regex;
        enum behaviour behaviour;
        const char *text;
        enum health_outcome outcome;
    } cases[] = {
        {"o[k]$", ANSWER, "HTTP/1.1 200 OK\r\n\r\nok", HEALTH_OUTCOME_OK}, /* $ is where it closes, */
        {"^ok$", DRIP, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokay",
         HEALTH_OUTCOME_OK}, /* its length, */
        {"^ok$", DRIP, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
         HEALTH_OUTCOME_OK}, /* or the last chunk */
        {"^ok$", ANSWER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nx",
         HEALTH_OUTCOME_CLOSED},
        {"^ok$", ANSWER, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", HEALTH_OUTCOME_CLOSED},
        {"^ok$", ANSWER, "HTTP/1.1 200 OK\r\n\r\nok\n", HEALTH_OUTCOME_BAD_BODY},
        {"^$", ANSWER, "HTTP/1.1 204 None\r\n\r\n", HEALTH_OUTCOME_OK},
        {"x", ANSWER, "HTTP/1.1 204 None\r\n\r\n", HEALTH_OUTCOME_BAD_BODY},
        {"ok", ANSWER, "HTTP/1.1 503 Down\r\n\r\nok", HEALTH_OUTCOME_BAD_STATUS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char why[REGEX_WHY_SIZE];
        struct probe_body body = {.regex = regex_new(cases[i].regex, why)};
        assert_int_equal(probe_body(cases[i].behaviour, cases[i].text, &body).outcome, cases[i].outcome);
        regex_drop(body.regex);
    }
}

static void documents_have_to_say_it(void **state)
{
    (void)state;
    static const struct wish wishes[] = {
        {.pointer = "/status", .op = WISH_EQUAL, .kind = WISH_TEXT, .text = "up"},
        {.pointer = "/db/lag", .op = WISH_LESS, .kind = WISH_NUMBER, .number = 5},
        {.pointer = "/error", .op = WISH_EXISTS, .kind = WISH_FALSE},
    };
    static const struct {
        const char *text;
        enum health_outcome outcome;
    } cases[] = {
        {"{\"status\":\"up\",\"db\":{\"lag\":-4.5}}", HEALTH_OUTCOME_OK},
        {"{\"db\":{\"lag\":4.5,\"x\":[]},\"x\":{\"error\":1},\"status\":\"up\"} ", HEALTH_OUTCOME_OK},
        {"{\"status\":\"down\",\"db\":{\"lag\":4}}", HEALTH_OUTCOME_BAD_BODY},
        {"{\"status\":\"up\",\"db\":{\"lag\":5}}", HEALTH_OUTCOME_BAD_BODY},
        {"{\"status\":\"up\",\"db\":{\"lag\":\"4\"}}", HEALTH_OUTCOME_BAD_BODY},
        {"{\"status\":\"up\",\"db\":{}}", HEALTH_OUTCOME_BAD_BODY},
        {"{\"status\":\"up\",\"db\":{\"lag\":4},\"error\":null}", HEALTH_OUTCOME_BAD_BODY},
        {"{\"status\":\"up\",\"db\":{\"lag\":4}", HEALTH_OUTCOME_BAD_BODY}, /* "error" may have come */
        {"up", HEALTH_OUTCOME_BAD_BODY},
        {"", HEALTH_OUTCOME_BAD_BODY},
    };
    const struct probe_body body = {.wishes = wishes, .wish_count = 3};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int dripping = 0; dripping < 2; dripping++) {
            char text[256];
            snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n\r\n%s", cases[i].text);
            assert_int_equal(probe_body(dripping ? DRIP : ANSWER, text, &body).outcome, cases[i].outcome);
        }
    }
}

/* What is only looked for, behind a condition: no verdict hangs on it. */
static void what_is_not_wanted_is_told(void **state)
{
    (void)state;
    static const struct wish wishes[] = {
        {.pointer = "/ok", .op = WISH_EQUAL, .kind = WISH_TRUE},
        {.pointer = "/stage", .op = WISH_EQUAL, .kind = WISH_TEXT, .text = "start"},
        {.pointer = "/stage", .op = WISH_EQUAL, .kind = WISH_TEXT, .text = "full"},
    };
    static const struct {
        const char *text;
        enum health_outcome outcome;
        uint8_t told;
    } cases[] = {
        {"{\"stage\":\"start\",\"ok\":true}", HEALTH_OUTCOME_OK, 1},
        {"{\"ok\":true,\"stage\":\"full\"}", HEALTH_OUTCOME_OK, 2},
        {"{\"ok\":true,\"stage\":\"f\"}", HEALTH_OUTCOME_OK, 0},
        {"{\"ok\":true,\"stage\":[\"full\"]}", HEALTH_OUTCOME_OK, 0},
        {"{\"ok\":true}", HEALTH_OUTCOME_OK, 0},
        {"{\"ok\":true,", HEALTH_OUTCOME_OK, 0},
        {"{\"stage\":\"full\",\"ok\":false}", HEALTH_OUTCOME_BAD_BODY, 0},
    };
    const struct probe_body body = {.wishes = wishes, .wish_count = 3, .told_count = 2};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int dripping = 0; dripping < 2; dripping++) {
            char text[256];
            snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n\r\n%s", cases[i].text);
            const struct probe_result result = probe_body(dripping ? DRIP : ANSWER, text, &body);
            assert_int_equal(result.outcome, cases[i].outcome);
            assert_int_equal(result.told, cases[i].told);
        }
    }
}

/* The verdict is the head's: a body that never ends costs the load, and the time until the deadline. */
static void stalled_bodies_are_no_failure(void **state)
{
    (void)state;
    struct server s;
    assert_true(server_listen(&s, AF_INET, 0, 8));
    server_start(&s, STALL, "HTTP/1.1 200 OK\r\n\r\n{\"load\":0.");
    struct probe_result result = probe_load(&s, 60);
    assert_int_equal(result.outcome, HEALTH_OUTCOME_OK);
    assert_int_equal(result.detail, 200);
    assert_false(result.has_load);
}

/* A check that reads a body goes on, whatever lists come. */
static void new_lists_keep_what_was_read(void **state)
{
    (void)state;
    enum { LISTS = 20 };
    struct server s;
    struct record r;
    server_open(&s, DRIP, "HTTP/1.1 200 OK\r\n\r\n{\"lost\":[1,2,3],\"load\":12.5}");
    struct prober *prober = open_prober(&r);
    for (uint64_t i = 1; i <= LISTS; i++) {
        char load[] = "/load", why[REGEX_WHY_SIZE];
        struct wish wish = {.pointer = load, .op = WISH_MORE, .kind = WISH_NUMBER, .number = 12};
        struct probe_body body = {.regex = regex_new("3\\].*12", why), .wishes = &wish, .wish_count = 1};
        struct probe_target target = target_at(PROBE_HTTP, s.port, 1);
        target.load = load;
        target.body = &body;
        prober_set_targets(prober, i, &target, 1);
        regex_drop(body.regex);
        memset(load, 'x', sizeof load - 1);
        nap_ms(5);
    }
    struct probe_result result = record_wait(&r, LISTS, 0, 0, 0);
    assert_int_equal(result.outcome, HEALTH_OUTCOME_OK);
    assert_true(result.has_load && result.load == 12.5);
    prober_close(prober);
    record_fini(&r);
    server_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_found),
        cmocka_unit_test(what_is_no_load_is_told),
        cmocka_unit_test(values_of_all_kinds_are_found),
        cmocka_unit_test(texts_are_compared),
        cmocka_unit_test(every_prefix_wants_more),
        cmocka_unit_test(bodies_are_bounded),
        cmocka_unit_test(chunks_are_joined),
        cmocka_unit_test(ends_are_seen),
        cmocka_unit_test(loads_come_with_answers),
        cmocka_unit_test(bodies_have_to_match),
        cmocka_unit_test(documents_have_to_say_it),
        cmocka_unit_test(what_is_not_wanted_is_told),
        cmocka_unit_test(stalled_bodies_are_no_failure),
        cmocka_unit_test(new_lists_keep_what_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
