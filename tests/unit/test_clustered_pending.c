/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the text of what holds on a node and could not be told: it means the same when it is read, and
 * what is no such text is refused. */
#include "config.h"

#include "unit.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "daemon/clustered_pending.h"

#include <stdlib.h>
#include <string.h>

static int parse(const char *text, struct cluster_pending *pending, struct arena *arena)
{
    const char *why = NULL;
    *pending = (struct cluster_pending){.number = 0};
    int error = clustered_parse_pending(text, arena, pending, &why);
    assert_true(error == 0 || why != NULL);
    return error;
}

static char *write_order(const uint64_t *over, size_t over_count)
{
    const struct store_op op = {.kind = "override", .key = "region:us-east", .value = "{}"};
    const struct cluster_pending pending = {.mark = 0xfeedbeef01234567,
                                            .since_ms = 5000,
                                            .has_position = true,
                                            .at = {.seq = 7},
                                            .cause = {.wall_ms = 5000, .actor = "alice"},
                                            .ops = &op,
                                            .op_count = 1,
                                            .over = over,
                                            .over_count = over_count};
    char *text = clustered_write_pending(&pending, "ns1");
    assert_non_null(text);
    return text;
}

static void what_is_written_is_read_again(void **state)
{
    (void)state;
    static const uint64_t over[CLUSTERED_OVER_MAX] = {1, 0xfedcba9876543210, UINT64_MAX};
    static const size_t counts[] = {0, 3, CLUSTERED_OVER_MAX};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct arena *arena = arena_new(0);
        struct cluster_pending pending;
        char *text = write_order(over, counts[i]);
        assert_int_equal(parse(text, &pending, arena), 0);
        assert_true(pending.has_position && pending.at.seq == 7);
        assert_true(pending.mark == 0xfeedbeef01234567 && pending.since_ms == 5000);
        assert_string_equal(pending.node, "ns1");
        assert_string_equal(pending.ops[0].key, "region:us-east");
        assert_int_equal(pending.over_count, counts[i]);
        assert_memory_equal(pending.over, over, counts[i] * sizeof *over);
        char *again = clustered_write_pending(&pending, pending.node);
        assert_string_equal(again, text);
        free(again);
        free(text);
        arena_free(arena);
    }
}

/* Of a good text with this in the place of its list of marks. */
static int parse_over(const char *over)
{
    struct arena *arena = arena_new(0);
    struct cluster_pending pending;
    struct buffer text;
    char *good = write_order(NULL, 0), *at = strstr(good, "\"over\":[]");
    buffer_init(&text);
    buffer_add(&text, good, (size_t)(at - good));
    buffer_add_text(&text, over);
    buffer_add_text(&text, at + strlen("\"over\":[]"));
    int error = parse(text.bytes, &pending, arena);
    buffer_fini(&text);
    free(good);
    arena_free(arena);
    return error;
}

static void marks_are_sixteen_digits(void **state)
{
    (void)state;
    static const char *const bad[] = {"\"none\":[]",
                                      "\"over\":null",
                                      "\"over\":{}",
                                      "\"over\":\"feedbeef01234567\"",
                                      "\"over\":[7]",
                                      "\"over\":[\"\"]",
                                      "\"over\":[\"0\"]",
                                      "\"over\":[\"feedbeef0123456\"]",
                                      "\"over\":[\"feedbeef012345678\"]",
                                      "\"over\":[\"feedbeef0123456g\"]",
                                      "\"over\":[\"FEEDBEEF01234567\"]",
                                      "\"over\":[\"-000000000000001\"]",
                                      "\"over\":[\"0x00000000000001\"]",
                                      "\"over\":[\"feedbeef01234567\",null]",
                                      "\"over\":[],\"over\":[]"};
    assert_int_equal(parse_over("\"over\":[\"feedbeef01234567\"]"), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (parse_over(bad[i]) == 0) {
            fail_msg("%s was read", bad[i]);
        }
    }
}

static void marks_have_a_limit(void **state)
{
    (void)state;
    for (size_t count = CLUSTERED_OVER_MAX; count <= CLUSTERED_OVER_MAX + 1; count++) {
        struct buffer over;
        buffer_init(&over);
        buffer_add_text(&over, "\"over\":[");
        for (size_t i = 0; i < count; i++) {
            buffer_add_text(&over, i == 0 ? "\"00000000000000aa\"" : ",\"00000000000000aa\"");
        }
        buffer_add_text(&over, "]");
        assert_true((parse_over(over.bytes) == 0) == (count <= CLUSTERED_OVER_MAX));
        buffer_fini(&over);
    }
}

static void what_is_no_text_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "[]", "null", "{}", "{\"at\":null,\"over\":[]}", "{\"at\":null,\"over\":[],\"entry\":{}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct arena *arena = arena_new(0);
        struct cluster_pending pending;
        assert_true(parse(bad[i], &pending, arena) != 0);
        arena_free(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(marks_are_sixteen_digits),
        cmocka_unit_test(marks_have_a_limit),
        cmocka_unit_test(what_is_no_text_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
