/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the load in a check's answer: the search in the JSON text, chunks, and real checks that meet
 * servers whose answers have a load, or none, or end too early. */
#include "config.h"

#include "probe_kit.h"

#include "base/memory.h"
#include "probe/http_body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* One result, whether the text comes at once, byte by byte, or cut anywhere in two with a move between. */
static enum load_progress scan(const char *pointer, const char *text, double *value)
{
    struct load_scan whole, bytes, cut;
    size_t len = strlen(text);
    const uint8_t *input = (const uint8_t *)text;
    load_scan_init(&whole, pointer);
    load_scan_init(&bytes, pointer);
    enum load_progress expected = load_scan_feed(&whole, input, len), got = LOAD_MORE;
    for (size_t i = 0; i < len; i++) {
        got = load_scan_feed(&bytes, input + i, 1);
    }
    assert_int_equal(got, expected);
    char other[64];
    snprintf(other, sizeof other, "%s", pointer);
    for (size_t at = 0; at <= len; at++) {
        load_scan_init(&cut, pointer);
        load_scan_feed(&cut, input, at);
        load_scan_move(&cut, other);
        assert_int_equal(load_scan_feed(&cut, input + at, len - at), expected);
        assert_true(expected != LOAD_FOUND || cut.value == whole.value);
    }
    *value = whole.value;
    return expected;
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
        {"/\xf0\x9f\x98\x80", "{\"\\ud83d\\ude00\":1}"}, /* bodies that escape such keys are not looked for */
    };
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) {
        double value;
        assert_int_equal(scan(absent[i][0], absent[i][1], &value), LOAD_ABSENT);
    }
}

static void every_prefix_wants_more(void **state)
{
    (void)state;
    static const char text[] = " {\"a\":[1,\"\\u0041\",{\"b\":true}],\"load\":12.5";
    for (size_t len = 0; len < sizeof text; len++) {
        struct load_scan prefix;
        load_scan_init(&prefix, "/load");
        assert_int_equal(load_scan_feed(&prefix, (const uint8_t *)text, len), LOAD_MORE);
    }
}

/* Nesting costs nothing, and whatever comes, no more than HTTP_BODY_MAX bytes are looked at. */
static void bodies_are_bounded(void **state)
{
    (void)state;
    struct http_body body;
    uint8_t *deep = memory_alloc_array(HTTP_BODY_MAX, 1);
    memset(deep, '[', HTTP_BODY_MAX);
    memcpy(deep, "{\"x\":", 5);
    http_body_init(&body, false, "/load");
    assert_int_equal(http_body_feed(&body, deep, HTTP_BODY_MAX - 1), LOAD_MORE);
    assert_int_equal(body.scan.depth, HTTP_BODY_MAX - 1 - 4);
    assert_int_equal(http_body_feed(&body, deep, 2), LOAD_ABSENT);
    assert_int_equal(http_body_feed(&body, deep, HTTP_BODY_MAX), LOAD_ABSENT);
    assert_int_equal(body.len, HTTP_BODY_MAX);
    free(deep);
}

static enum load_progress read_chunks(const char *text, double *value)
{
    struct http_body whole, bytes;
    enum load_progress got = LOAD_MORE;
    http_body_init(&whole, true, "/load");
    http_body_init(&bytes, true, "/load");
    enum load_progress expected = http_body_feed(&whole, (const uint8_t *)text, strlen(text));
    for (size_t i = 0; text[i] != '\0'; i++) {
        got = http_body_feed(&bytes, (const uint8_t *)text + i, 1);
    }
    assert_int_equal(got, expected);
    *value = whole.scan.value;
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
        char load[] = "/load";
        struct probe_target target = target_at(PROBE_HTTP, s.port, 1);
        target.load = load;
        prober_set_targets(prober, i, &target, 1);
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
        cmocka_unit_test(every_prefix_wants_more),
        cmocka_unit_test(bodies_are_bounded),
        cmocka_unit_test(chunks_are_joined),
        cmocka_unit_test(loads_come_with_answers),
        cmocka_unit_test(stalled_bodies_are_no_failure),
        cmocka_unit_test(new_lists_keep_what_was_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
