/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The last stream of a connection (RFC 9113 section 5.1.1), which is two thousand million requests away: the
 * test reaches into the session to be there. */
#include "config.h"

#include "unit.h"

#include "probe/h2.c" // NOLINT(bugprone-suspicious-include): there is no other way to be there

static void ignore_field(void *context, const char *name, const char *value)
{
    (void)context, (void)name, (void)value;
}

static void ignore_head(void *context, uint16_t status)
{
    (void)context, (void)status;
}

static void ignore_data(void *context, const uint8_t *bytes, size_t len)
{
    (void)context, (void)bytes, (void)len;
}

static void say_all(struct h2 *h2)
{
    size_t len;
    while (h2_peek(h2, &len) != NULL) {
        h2_consume(h2, len);
    }
}

static void no_stream_is_left(void **state)
{
    (void)state;
    static const struct h2_field fields[] = {
        {":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {":authority", "a"}};
    static const struct h2_request request = {.fields = fields, .field_count = 4};
    static const struct h2_ear ear = {.field = ignore_field, .head = ignore_head, .data = ignore_data};
    static const char said[] = "\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0" /* SETTINGS, and an ACK of ours */
                               "\0\0\1\1\5\x7f\xff\xff\xff\x88";
    struct h2 *h2 = h2_new(&ear);
    assert_non_null(h2);
    assert_int_equal(nghttp2_session_set_next_stream_id(h2->session, INT32_MAX), 0);
    assert_true(h2_is_idle(h2));
    assert_true(h2_ask(h2, &request, 65536));
    say_all(h2);
    assert_int_equal(h2->stream, INT32_MAX);
    assert_int_equal(h2_feed(h2, (const uint8_t *)said, sizeof said - 1), H2_WHOLE);
    say_all(h2);
    assert_false(h2_is_idle(h2));
    assert_false(h2_ask(h2, &request, 65536));
    h2_free(h2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_stream_is_left)};
    return cmocka_run_group_tests_name("h2_last", tests, NULL, NULL);
}
