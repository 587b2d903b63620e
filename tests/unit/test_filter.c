/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What readers of events ask for and are shown: filters, marks, changes as JSON, and the bell. */
#include "config.h"

#include "base/buffer.h"
#include "base/error.h"
#include "events/bell.h"
#include "events/filter.h"
#include "events/mark.h"
#include "events/render.h"
#include "events/stream.h"
#include "unit.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

static bool passes(const struct filter *filter, enum change_kind kind, const char *name)
{
    return filter_passes(filter, &(struct change){.kind = kind, .name = name});
}

static void filters_pass_what_they_name(void **state)
{
    (void)state;
    char bad[FILTER_BAD_SIZE];
    struct filter filter = {0};
    assert_true(passes(&filter, CHANGE_DRILL, "all"));
    assert_int_equal(filter_parse_kinds(&filter, "health,override", bad), 0);
    assert_true(passes(&filter, CHANGE_HEALTH, "region:a"));
    assert_false(passes(&filter, CHANGE_RELOAD, "all"));
    assert_int_equal(filter_parse_targets(&filter, "region:us-east,endpoint:web-*,az:*", bad), 0);
    assert_true(passes(&filter, CHANGE_HEALTH, "region:us-east"));
    assert_false(passes(&filter, CHANGE_HEALTH, "region:us-east-2"));
    assert_true(passes(&filter, CHANGE_HEALTH, "endpoint:web-1"));
    assert_false(passes(&filter, CHANGE_HEALTH, "endpoint:web"));
    assert_true(passes(&filter, CHANGE_OVERRIDE, "az:x"));
    assert_false(passes(&filter, CHANGE_DRILL, "az:x"));
}

static void what_is_no_filter(void **state)
{
    (void)state;
    char bad[FILTER_BAD_SIZE], many[33 * 5 + 1] = "";
    struct filter filter = {0};
    static const char *const kinds[] = {"", "weather", "health,", ",health", "health,,load", "Health"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        assert_int_equal(filter_parse_kinds(&filter, kinds[i], bad), ERROR_SYNTAX);
    }
    static const char *const targets[] = {
        "", "us-east", "region:", ":x", "region:a*b", "region:**", "az:a b", "az:a\tb", "al", "az:a,,b", "*"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        assert_int_equal(filter_parse_targets(&filter, targets[i], bad), ERROR_SYNTAX);
    }
    for (int i = 0; i < 33; i++) {
        strcat(many, i == 0 ? "az:a" : ",az:a");
    }
    filter = (struct filter){0};
    assert_int_equal(filter_parse_targets(&filter, many, bad), ERROR_TOO_LARGE);
    assert_string_equal(bad, "az:a");
}

static void marks_come_back(void **state)
{
    (void)state;
    char text[MARK_TEXT_SIZE];
    struct mark mark;
    const struct mark known = {.run = 0xfedcba9876543210, .seq = 12, .wall_ms = 1763910000123};
    assert_string_equal(mark_write(&known, text), "fedcba9876543210-12-1763910000123");
    assert_int_equal(mark_parse(text, &mark), 0);
    assert_memory_equal(&mark, &known, sizeof mark);
    assert_int_equal(mark_parse("0000000000000001-0", &mark), 0);
    assert_true(mark.run == 1 && mark.seq == 0 && mark.wall_ms == 0);
    static const char *const odd[] = {"",
                                      "12",
                                      "0000000000000001",
                                      "0000000000000001-",
                                      "0000000000000001-1-",
                                      "0000000000000001-01",
                                      "0000000000000001-1-0",
                                      "0000000000000001-1-2-3",
                                      "000000000000000A-1",
                                      "0000000000000001-1234567890123456789"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        assert_int_equal(mark_parse(odd[i], &mark), ERROR_SYNTAX);
    }
}

static void changes_become_json(void **state)
{
    (void)state;
    struct buffer out;
    buffer_init(&out);
    change_render(
        &out, &(struct change){
                  .seq = 7,
                  .wall_ms = 1763910000123,
                  .kind = CHANGE_OVERRIDE,
                  .name = "region:us-east",
                  .actor = "al\"ice\\",
                  .reason = "a\nb\x01\xc3\xbc\xff",
                  .body = "n:=-5\nzero:=0\nid=007\nbig:=1234567890123456\nregion=12\nshare:=0.25\nto=up\n"});
    assert_string_equal(out.bytes,
                        "{\"seq\":7,\"time\":\"2025-11-23T15:00:00.123Z\",\"kind\":\"override\",\"name\":"
                        "\"region:us-east\",\"actor\":\"al\\\"ice\\\\\",\"reason\":\"a\\nb\\u0001\xc3\xbc"
                        "\xef\xbf\xbd\",\"body\":{\"n\":-5,\"zero\":0,\"id\":\"007\",\"big\":"
                        "\"1234567890123456\",\"region\":\"12\",\"share\":0.25,\"to\":\"up\"}}");
    buffer_remove_front(&out, out.len);
    change_render(&out, &(struct change){.seq = 1, .wall_ms = 1763910000123});
    assert_string_equal(out.bytes,
                        "{\"seq\":1,\"time\":\"2025-11-23T15:00:00.123Z\",\"kind\":\"brake\",\"body\":{}}");
    buffer_fini(&out);
}

static bool is_heard(const struct bell *bell)
{
    struct pollfd one = {.fd = bell->fd, .events = POLLIN};
    return poll(&one, 1, 0) == 1;
}

static void bells_ring_for_who_listens(void **state)
{
    (void)state;
    struct bell bell;
    struct stream *stream = stream_new(64), *other = stream_new(64);
    const struct change change = {.kind = CHANGE_HEALTH, .name = "region:a"};
    assert_true(stream_get_run(stream) != stream_get_run(other));
    assert_int_equal(bell_init(&bell), 0);
    stream_add_waker(stream, bell_ring, &bell);
    stream_publish(stream, &change);
    assert_false(is_heard(&bell));
    bell_listen(&bell, true);
    stream_publish(stream, &change);
    stream_publish(stream, &change);
    assert_true(is_heard(&bell));
    bell_take(&bell);
    assert_false(is_heard(&bell));
    stream_publish(stream, &change);
    assert_true(is_heard(&bell));
    bell_fini(&bell);
    stream_free(stream);
    stream_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_pass_what_they_name),
        cmocka_unit_test(what_is_no_filter),
        cmocka_unit_test(marks_come_back),
        cmocka_unit_test(changes_become_json),
        cmocka_unit_test(bells_ring_for_who_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
