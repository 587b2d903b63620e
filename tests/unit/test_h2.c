/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the client's end of HTTP/2 without a network: frames in pieces of any size, what ends a request,
 * what an endpoint may cost. */
#include "config.h"

#include "unit.h"

#include "base/memory.h"
#include "probe/h2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct heard {
    unsigned heads, fields;
    uint16_t status;
    char data[256];
    size_t len;
    char frames[4096];
};

static void hear_field(void *context, const char *name, const char *value)
{
    struct heard *heard = context;
    assert_true(strlen(name) != 0 && value != NULL);
    heard->fields++;
}

static void hear_head(void *context, uint16_t status)
{
    struct heard *heard = context;
    heard->heads++;
    heard->status = status;
}

static void hear_data(void *context, const uint8_t *bytes, size_t len)
{
    struct heard *heard = context;
    for (size_t i = 0; i < len && heard->len < sizeof heard->data; i++) {
        heard->data[heard->len++] = (char)bytes[i];
    }
}

static void hear_frame(void *context, bool is_sent, const char *text, size_t len)
{
    struct heard *heard = context;
    size_t used = strlen(heard->frames);
    snprintf(heard->frames + used, sizeof heard->frames - used, "%c %.*s\n", is_sent ? '>' : '<', (int)len,
             text);
}

static const struct h2_field fields[] = {
    {":method", "POST"}, {":scheme", "http"}, {":path", "/"}, {":authority", "a"}};
static const struct h2_request request = {
    .fields = fields, .field_count = 4, .body = (const uint8_t *)"hello", .body_len = 5};

static void say_all(struct h2 *h2)
{
    size_t len;
    while (h2_peek(h2, &len) != NULL) {
        h2_consume(h2, len);
    }
}

static struct h2 *ask(struct heard *heard, bool traces)
{
    *heard = (struct heard){.len = 0};
    const struct h2_ear ear = {.context = heard,
                               .field = hear_field,
                               .head = hear_head,
                               .data = hear_data,
                               .traced = traces ? hear_frame : NULL};
    struct h2 *h2 = h2_new(&ear);
    assert_non_null(h2);
    assert_true(h2_is_idle(h2));
    assert_true(h2_ask(h2, &request, 65536));
    assert_false(h2_is_idle(h2));
    assert_false(h2_ask(h2, &request, 65536));
    say_all(h2);
    return h2;
}

#define SETTINGS "\0\0\0\4\0\0\0\0\0"
#define ACK      "\0\0\0\4\1\0\0\0\0"
#define HELLO    SETTINGS ACK
#define OK       "\0\0\1\1\4\0\0\0\1\x88"     /* HEADERS: ":status: 200", indexed */
#define OK_END   "\0\0\1\1\5\0\0\0\1\x88"     /* … with END_STREAM */
#define BODY     "\0\0\2\0\0\0\0\0\1hi"       /* DATA */
#define BODY_END "\0\0\1\0\1\0\0\0\1!"        /* … with END_STREAM */
#define TRAILER  "\0\0\5\1\5\0\0\0\1\0\1a\1b" /* "a: b" */
#define RESET    "\0\0\4\3\0\0\0\0\1\0\0\0\x8"
#define OK_3     "\0\0\1\1\5\0\0\0\3\x88"

struct answer {
    const char *bytes;
    size_t len;
    enum h2_state state;
    uint32_t code;
};
#define ANSWER(bytes, ...)                                                                                   \
    {                                                                                                        \
        (bytes), sizeof(bytes) - 1, __VA_ARGS__                                                              \
    }

static const struct answer answers[] = {
    ANSWER(HELLO OK_END, H2_WHOLE, 0),
    ANSWER(HELLO OK BODY BODY_END, H2_WHOLE, 0),
    ANSWER(HELLO OK BODY TRAILER, H2_WHOLE, 0),
    ANSWER(HELLO OK BODY TRAILER RESET, H2_WHOLE, 0),
    ANSWER(HELLO OK BODY TRAILER "no frame at all, but long enough to be seen as one", H2_WHOLE, 0),
    ANSWER(HELLO OK BODY, H2_GOES_ON, 0),
    ANSWER(HELLO OK RESET, H2_RESET, 8),
    ANSWER(HELLO RESET, H2_RESET, 8),
    ANSWER(HELLO "\0\0\x8\7\0\0\0\0\0\0\0\0\0\0\0\0\xb", H2_AWAY, 11),
    ANSWER(HELLO "\0\0\x8\7\0\0\0\0\0\0\0\0\0\0\0\0\0", H2_AWAY, 0),
    ANSWER(HELLO "\0\0\x8\7\0\0\0\0\0\0\0\0\1\0\0\0\0" OK_END, H2_WHOLE, 0),
    ANSWER(HELLO "\0\0\1\1\4\0\0\0\1\xff", H2_GOES_ON, 0), /* a number that goes on */
    ANSWER(HELLO "\0\0\2\1\4\0\0\0\1\xff\0", H2_BROKEN, 0),
    ANSWER(HELLO BODY, H2_BROKEN, 0),
    ANSWER(OK, H2_BROKEN, 0), /* it has to begin with SETTINGS */
    ANSWER("HTTP/1.1 200 OK\r\n\r\n", H2_BROKEN, 0),
};

static void answers_are_heard(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        const struct answer *a = &answers[i];
        for (size_t piece = 1; piece <= a->len; piece++) {
            struct heard heard;
            struct h2 *h2 = ask(&heard, piece % 2 == 0);
            enum h2_state got = H2_GOES_ON;
            for (size_t at = 0; at < a->len; at += piece) {
                got = h2_feed(h2, (const uint8_t *)a->bytes + at, a->len - at < piece ? a->len - at : piece);
                say_all(h2);
            }
            if (got != a->state && !(i == 11 && got == H2_BROKEN)) {
                fail_msg("answer %zu in pieces of %zu: %d", i, piece, (int)got);
            }
            assert_true(a->state != H2_RESET || h2_get_code(h2) == a->code);
            assert_true(a->state != H2_AWAY || (h2_get_code(h2) == a->code && h2_is_leaving(h2)));
            assert_true(a->state != H2_WHOLE || (heard.heads == 1 && heard.status == 200));
            h2_free(h2);
        }
    }
}

static void every_part_is_told(void **state)
{
    (void)state;
    static const char said[] = HELLO "\0\0\5\1\4\0\0\0\1\x08\3"
                                     "103" /* an interim answer */
        OK BODY TRAILER;
    struct heard heard;
    struct h2 *h2 = ask(&heard, true);
    assert_int_equal(h2_feed(h2, (const uint8_t *)said, sizeof said - 1), H2_WHOLE);
    say_all(h2);
    assert_int_equal(heard.heads, 1);
    assert_int_equal(heard.status, 200);
    assert_int_equal(heard.fields, 1);
    assert_int_equal(heard.len, 2);
    assert_memory_equal(heard.data, "hi", 2);
    assert_string_equal(heard.frames,
                        "> SETTINGS\n"
                        "> HEADERS stream 1\n:method: POST\n:scheme: http\n:path: /\n:authority: a\n"
                        "> DATA stream 1, 5 octets, END_STREAM\n"
                        "< SETTINGS\n< SETTINGS, ACK\n"
                        "< HEADERS stream 1\n:status: 103\n"
                        "< HEADERS stream 1\n:status: 200\n"
                        "< DATA stream 1, 2 octets\nhi\n"
                        "< HEADERS stream 1, END_STREAM\na: b\n"
                        "> SETTINGS, ACK\n");
    h2_free(h2);
}

static void one_is_asked_after_the_other(void **state)
{
    (void)state;
    struct heard heard;
    struct h2 *h2 = ask(&heard, false);
    assert_int_equal(h2_feed(h2, (const uint8_t *)HELLO OK_END, sizeof(HELLO OK_END) - 1), H2_WHOLE);
    say_all(h2);
    assert_true(h2_is_idle(h2));
    assert_true(h2_ask(h2, &request, 65536));
    say_all(h2);
    assert_int_equal(h2_feed(h2, (const uint8_t *)OK_3, sizeof OK_3 - 1), H2_WHOLE);
    assert_int_equal(heard.heads, 2);
    assert_true(h2_is_idle(h2));
    assert_int_equal(h2_feed(h2, (const uint8_t *)"\0\0\x8\7\0\0\0\0\0\0\0\0\3\0\0\0\0", 17), H2_WHOLE);
    assert_false(h2_is_idle(h2)); /* it leaves */
    h2_free(h2);
}

/* A body that stands elsewhere by the time it is said. */
static void a_body_may_move(void **state)
{
    (void)state;
    struct heard heard = {.len = 0};
    const struct h2_ear ear = {.context = &heard, .field = hear_field, .head = hear_head, .data = hear_data};
    struct h2 *h2 = h2_new(&ear);
    size_t len;
    assert_true(h2_ask(h2, &request, 65536));
    h2_move(h2, (const uint8_t *)"HELLO");
    const uint8_t *bytes = h2_peek(h2, &len);
    assert_non_null(memmem(bytes, len, "HELLO", 5));
    assert_null(memmem(bytes, len, "hello", 5));
    h2_free(h2);
}

/* The same frame until it is enough. Returns how many octets that took. */
static size_t flood(const void *first, size_t first_len, const void *frame, size_t len, bool says)
{
    struct heard heard;
    struct h2 *h2 = ask(&heard, false);
    size_t taken = 0;
    assert_int_equal(h2_feed(h2, first, first_len), H2_GOES_ON);
    while (h2_feed(h2, frame, len) == H2_GOES_ON) {
        taken += len;
        assert_true(taken <= 65536);
        if (says) {
            say_all(h2);
        }
    }
    assert_int_equal(h2_feed(h2, (const uint8_t *)OK_END, sizeof OK_END - 1), H2_BROKEN);
    h2_free(h2);
    return taken;
}

#define FLOOD(first, frame, says) flood(first, sizeof(first) - 1, frame, sizeof(frame) - 1, says)

static void floods_end(void **state)
{
    (void)state;
    static const char ping[] = "\0\0\x8\6\0\0\0\0\0\0\0\0\0\0\0\0\0";
    assert_true(FLOOD(HELLO, ping, false) < 1200 * sizeof ping); /* nobody hears the answers */
    assert_true(FLOOD(HELLO, ping, true) > 60000);
    assert_true(FLOOD(HELLO, SETTINGS, false) < 2100 * sizeof SETTINGS);
    assert_true(FLOOD(HELLO OK, "\0\0\0\0\0\0\0\0\1", true) > 60000); /* DATA with nothing in it */
    assert_true(FLOOD(HELLO OK, BODY, true) > 60000);
    assert_true(FLOOD(HELLO "\0\0\1\1\0\0\0\0\1\x88", "\0\0\0\x9\0\0\0\0\1", true) < 300); /* CONTINUATION */
    assert_true(FLOOD(HELLO,
                      "\0\0\5\1\4\0\0\0\1\x08\3"
                      "100",
                      true) <= 14 * H2_FIELDS_MAX / 42);
}

/* A field of 4000 octets that is told again by one octet: RFC 9113 section 10.5.1. */
static void what_unpacks_to_much_is_refused(void **state)
{
    (void)state;
    enum { BOMB = 4000 };
    struct heard heard;
    struct h2 *h2 = ask(&heard, false);
    uint8_t *frame = memory_alloc(9 + 6 + BOMB + 100);
    size_t len = 1 + 1 + 2 + 3 + BOMB + 100;
    static const uint8_t head[] = {0x88, 0x40, 1, 'x', 0x7f, 0xa1, 0x1e};
    memcpy(frame, "\0\0\0\1\4\0\0\0\1", 9);
    len = sizeof head + BOMB + 50;
    frame[1] = (uint8_t)(len >> 8);
    frame[2] = (uint8_t)len;
    memcpy(frame + 9, head, sizeof head);
    memset(frame + 9 + sizeof head, 'y', BOMB);
    memset(frame + 9 + sizeof head + BOMB, 0xbe, 50);
    assert_int_equal(h2_feed(h2, (const uint8_t *)HELLO, sizeof HELLO - 1), H2_GOES_ON);
    assert_int_equal(h2_feed(h2, frame, 9 + len), H2_BROKEN);
    assert_true(heard.fields < 6);
    free(frame);
    h2_free(h2);
}

#define LATE     "\0\0\2\0\0\0\0\0\1no" /* of an answer that was given up */
#define LATE_END "\0\0\0\0\1\0\0\0\1"

/* The rest of an answer is not wanted: what still comes of it is not heard, and the next one is. */
static void an_answer_is_given_up(void **state)
{
    (void)state;
    struct heard heard;
    struct h2 *h2 = ask(&heard, true);
    assert_int_equal(h2_feed(h2, (const uint8_t *)HELLO OK BODY, sizeof(HELLO OK BODY) - 1), H2_GOES_ON);
    h2_give_up(h2);
    say_all(h2);
    assert_true(h2_is_idle(h2));
    assert_non_null(strstr(heard.frames, "> RST_STREAM stream 1, CANCEL\n"));
    assert_int_equal(h2_feed(h2, (const uint8_t *)LATE, sizeof LATE - 1), H2_WHOLE);
    assert_true(h2_is_idle(h2));
    assert_true(h2_ask(h2, &request, 65536));
    say_all(h2);
    static const char rest[] = LATE TRAILER LATE_END OK_3;
    assert_int_equal(h2_feed(h2, (const uint8_t *)rest, sizeof rest - 1), H2_WHOLE);
    assert_int_equal(heard.heads, 2);
    assert_int_equal(heard.fields, 0);
    assert_int_equal(heard.len, 2);
    assert_memory_equal(heard.data, "hi", 2);
    h2_give_up(h2); /* nothing is left of it */
    say_all(h2);
    assert_null(strstr(heard.frames, "> RST_STREAM stream 3"));
    assert_true(h2_is_idle(h2));
    h2_free(h2);
}

static size_t feed_late(struct h2 *h2, size_t max)
{
    static const uint8_t frame[9 + 10000] = {0x00, 0x27, 0x10, 0, 0, 0, 0, 0, 1};
    size_t taken = 0;
    while (taken < max && h2_feed(h2, frame, sizeof frame) != H2_BROKEN && h2_is_idle(h2)) {
        taken += sizeof frame;
        say_all(h2);
    }
    return taken;
}

/* As much as was on its way may come of it, before and behind the next request; whoever goes on is not heard.
 */
static void what_comes_late_is_bounded(void **state)
{
    (void)state;
    struct heard heard;
    struct h2 *h2 = ask(&heard, false);
    assert_int_equal(h2_feed(h2, (const uint8_t *)HELLO OK, sizeof(HELLO OK) - 1), H2_GOES_ON);
    h2_give_up(h2);
    say_all(h2);
    assert_true(feed_late(h2, 65536) >= 65536);
    assert_true(h2_ask(h2, &request, 100));
    say_all(h2);
    static const uint8_t frame[9 + 10000] = {0x00, 0x27, 0x10, 0, 0, 0, 0, 0, 1};
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(h2_feed(h2, frame, sizeof frame), H2_GOES_ON);
        say_all(h2);
    }
    assert_int_equal(h2_feed(h2, (const uint8_t *)OK_3, sizeof OK_3 - 1), H2_WHOLE);
    assert_true(feed_late(h2, 1 << 20) < 65536);
    assert_false(h2_is_idle(h2));
    h2_free(h2);
}

/* A server that takes no streams now is not asked. */
static void no_streams_no_requests(void **state)
{
    (void)state;
    struct heard heard;
    struct h2 *h2 = ask(&heard, false);
    static const char said[] = HELLO OK_END "\0\0\6\4\0\0\0\0\0\0\3\0\0\0\0";
    assert_int_equal(h2_feed(h2, (const uint8_t *)said, sizeof said - 1), H2_WHOLE);
    say_all(h2);
    assert_false(h2_is_idle(h2));
    assert_int_equal(h2_feed(h2, (const uint8_t *)"\0\0\6\4\0\0\0\0\0\0\3\0\0\0\1", 15), H2_WHOLE);
    assert_true(h2_is_idle(h2));
    h2_free(h2);
}

static void codes_have_names(void **state)
{
    (void)state;
    assert_string_equal(h2_code_text(0), "NO_ERROR");
    assert_string_equal(h2_code_text(7), "REFUSED_STREAM");
    assert_string_equal(h2_code_text(13), "HTTP_1_1_REQUIRED");
    assert_string_equal(h2_code_text(14), "?");
    assert_string_equal(h2_code_text(UINT32_MAX), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_heard),
        cmocka_unit_test(every_part_is_told),
        cmocka_unit_test(one_is_asked_after_the_other),
        cmocka_unit_test(a_body_may_move),
        cmocka_unit_test(floods_end),
        cmocka_unit_test(what_unpacks_to_much_is_refused),
        cmocka_unit_test(an_answer_is_given_up),
        cmocka_unit_test(what_comes_late_is_bounded),
        cmocka_unit_test(no_streams_no_requests),
        cmocka_unit_test(codes_have_names),
    };
    return cmocka_run_group_tests_name("h2", tests, NULL, NULL);
}
