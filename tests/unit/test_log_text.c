/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the lines of the log look like, and that no value gets out of its field. */
#include "config.h"

#include "base/log.h"
#include "base/log_record.h"
#include "base/log_text.h"
#include "base/utf8.h"
#include "unit.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((format(printf, 2, 3))) static void print(struct log_record *record, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    memset(record->bytes, 'x', sizeof record->bytes); /* of the one before */
    record->wall_ms = 1000;
    record->level = LOG_LEVEL_INFO;
    log_record_print(record, format, arguments);
    va_end(arguments);
    assert_true(record->len <= LOG_RECORD_ROOM);
}

static void expect(const struct log_record *record, void (*write)(const struct log_record *, struct buffer *),
                   const char *expected)
{
    struct buffer out;
    buffer_init(&out);
    write(record, &out);
    assert_string_equal(out.bytes, expected);
    buffer_fini(&out);
}

#define BODY(expected, ...)                                                                                  \
    do {                                                                                                     \
        struct log_record printed;                                                                           \
        print(&printed, __VA_ARGS__);                                                                        \
        expect(&printed, log_write_body, expected);                                                          \
    } while (0)

static void test_event_and_fields(void **state)
{
    (void)state;
    BODY("stopped", "stopped");
    BODY("stopped exit=0", "stopped exit=%d", 0);
    BODY("a=1 b=2", "a=%d b=%u", 1, 2u);
    BODY("serve.accept pauses clients=3", "serve.accept %s clients=%zu", "pauses", (size_t)3);
    BODY("override turn=started name=us-east at=192.0.2.1:53", "override turn=%s name=%s at=%s:%u", "started",
         "us-east", "192.0.2.1", 53u);
    BODY("x mode=simulate n=1", "x mode=simulate n=%d", 1);
}

static void test_every_conversion(void **state)
{
    (void)state;
    BODY("n a=-1 b=-128 c=-32768 d=-5 e=-6 f=-7 g=8 h=-9",
         "n a=%d b=%hhd c=%hd d=%ld e=%lld f=%jd g=%zd h=%td", -1, -128, -32768, -5L, -6LL, (intmax_t)-7,
         (ssize_t)8, (ptrdiff_t)-9);
    BODY("n a=4294967295 b=255 c=65535 d=18446744073709551615 e=1f f=0X1F g=17",
         "n a=%u b=%hhu c=%hu d=%lu e=%x f=%#X g=%o", UINT_MAX, 255u, 65535u, ULONG_MAX, 0x1fu, 0x1fu, 15u);
    BODY("n a=0.5 b=1.50 c=1e+20 d=x", "n a=%g b=%.2f c=%g d=%c", 0.5, 1.5, 1e20, 'x');
    BODY("n a=007 b=\"  7\" c=+7 d=ab e=\"   ab\"", "n a=%03d b=%*d c=%+d d=%.*s e=\"   %.2s\"", 7, 3, 7, 7,
         2, "abc", "abc");
    BODY("n a=abc b=100%", "n a=%.*s b=100%%", -1, "abc");
}

static void test_quoting(void **state)
{
    (void)state;
    BODY("x why=\"\"", "x why=%s", "");
    BODY("x why=\"a b\" n=1", "x why=%s n=%d", "a b", 1);
    BODY("x why=\"a b\" n=1", "x why=\"%s\" n=%d", "a b", 1); /* by hand: the same */
    BODY("x why=ab", "x why=\"%s\"", "ab");
    BODY("x why=\"the file is gone\"", "x why=\"the file is gone\"");
    BODY("x why=\"cannot open: No such file\" n=1", "x why=cannot open: %s n=%d", "No such file", 1);
    BODY("x why=\"a=b\"", "x why=%s", "a=b");
    BODY("x why=\"a\\\"b\"", "x why=%s", "a\"b");
    BODY("x why=\"a\\\\b\"", "x why=%s", "a\\b");
    BODY("x why=äöü→", "x why=%s", "äöü→");
}

static void test_nothing_can_be_forged(void **state)
{
    (void)state;
    BODY("override reason=\"x\\\" state=up\\nfoo\" state=drain", "override reason=%s state=%s",
         "x\" state=up\nfoo", "drain");
    BODY("x a=\"\\u0001\\u001b[2J\\r\\t\\u007f\\u0085\\u2028\"", "x a=%s",
         "\x01\x1b[2J\r\t\x7f\xc2\x85\xe2\x80\xa8");
    BODY("x a=\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd b=1", "x a=%s b=%d", "\xff\xc0\x80", 1);
    BODY("x a? b? c? d? n=1", "x %s n=%d", "a= b\" c\n d\x1b", 1);
    BODY("x a=\"%s%n y=\"", "x a=%s", "%s%n y=");
}

static void test_fields_are_left_out(void **state)
{
    (void)state;
    const char *volatile none = NULL; /* else the compiler warns */
    BODY("x b=1", "x a=%s b=%d", none, 1);
    BODY("x a=1", "x a=%d b=%s", 1, none);
    BODY("x b=1", "x a=\"%s/%d\" b=%d", none, 5, 1);
    BODY("x", "x a=%s", none);
}

static void test_too_long_is_cut(void **state)
{
    (void)state;
    static char longest[10000];
    struct log_record record;
    struct buffer out;
    memset(longest, 'a', sizeof longest - 1);
    buffer_init(&out);
    print(&record, "x a=%s b=%d", longest, 1);
    log_write_body(&record, &out);
    assert_true(out.len > LOG_VALUE_MAX && out.len < LOG_VALUE_MAX + 20);
    assert_non_null(strstr(out.bytes, "aaa… b=1"));
    buffer_fini(&out);
    print(&record, "%s a=%s b=%s c=%s d=%d", longest, longest, longest, longest, 1);
    log_write_body(&record, &out);
    assert_true(out.len < LOG_RECORD_ROOM + 20);
    buffer_fini(&out);
    for (size_t i = 0; i + 2 < sizeof longest; i += 2) { /* characters of two octets are not cut in two */
        memcpy(longest + i, "ä", 2);
    }
    for (int pad = 0; pad < 2; pad++) {
        print(&record, "x a=%.*s%s", pad, "x", longest);
        log_write_body(&record, &out);
        assert_null(strstr(out.bytes, UTF8_REPLACEMENT_TEXT));
        buffer_fini(&out);
    }
}

static void test_text_and_json(void **state)
{
    (void)state;
    struct log_record record;
    print(&record, "load shed load=%g n=%d word=%s id=%03d inf=%g pair=%d/%d why=%s", 0.5, -3, "7", 7,
          INFINITY, 1, 2, "a \"b\"\n\x1b\xff");
    expect(&record, log_write_text,
           "1970-01-01T00:00:01.000Z info load shed load=0.5 n=-3 word=7 id=007 inf=inf pair=1/2 "
           "why=\"a \\\"b\\\"\\n\\u001b\xef\xbf\xbd\"\n");
    expect(&record, log_write_json,
           "{\"time\":\"1970-01-01T00:00:01.000Z\",\"level\":\"info\",\"event\":\"load "
           "shed\",\"load\":0.5,\"n\":-3,"
           "\"word\":\"7\",\"id\":\"007\",\"inf\":\"inf\",\"pair\":\"1/2\",\"why\":\"a "
           "\\\"b\\\"\\n\\u001b\xef\xbf\xbd\"}\n");
}

static void test_journal(void **state)
{
    (void)state;
    struct log_record record;
    struct buffer out;
    print(&record, "zone changed zone=%s retry.after=%d why=%s", "example.com.", 5, "a\nPRIORITY=0");
    static const char expected[] =
        "MESSAGE=zone changed zone=example.com. retry.after=5 why=\"a\\nPRIORITY=0\"\n"
        "PRIORITY=6\nSYSLOG_IDENTIFIER=steerprobe\nSTEERD_EVENT=zone changed\n"
        "STEERD_ZONE=example.com.\nSTEERD_RETRY_AFTER=5\n"
        "STEERD_WHY\n\x0c\0\0\0\0\0\0\0a\nPRIORITY=0\n";
    buffer_init(&out);
    log_write_journal(&record, "steerprobe", &out);
    assert_int_equal(out.len, sizeof expected - 1);
    assert_memory_equal(out.bytes, expected, sizeof expected);
    buffer_fini(&out);
}

static void test_syslog(void **state)
{
    (void)state;
    struct log_record record;
    struct buffer out;
    char head[64];
    print(&record, "stopped exit=%d", 0);
    buffer_init(&out);
    log_write_syslog(&record, "steerprobe", false, &out);
    snprintf(head, sizeof head, "<30>Jan  1 00:00:01 steerprobe[%d]: stopped exit=0", (int)getpid());
    assert_string_equal(out.bytes, head);
    buffer_fini(&out);
    log_write_syslog(&record, "steerprobe", true, &out);
    assert_non_null(strstr(out.bytes, "]: {\"time\":"));
    assert_int_equal(out.bytes[out.len - 1], '}');
    buffer_fini(&out);
}

static void test_fields_can_be_added(void **state)
{
    (void)state;
    struct log_record record;
    log_record_begin(&record, 0, LOG_LEVEL_ERROR, "health");
    log_record_add(&record, "a", "b c", false);
    log_record_add(&record, "none", NULL, false);
    log_record_add(&record, "n", "1", true);
    expect(&record, log_write_body, "health a=\"b c\" n=1");
    for (int i = 0; i < 1000; i++) {
        log_record_add(&record, "key", "a value that fills the record up", false);
    }
    assert_true(record.len <= LOG_RECORD_ROOM);
}

static void test_utf8(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t good;
    } cases[] = {
        {"", 0},
        {"abc", 3},
        {"ä€\xf0\x9f\x98\x80z", 10},
        {"\x80", 0},
        {"a\xc3", 1},
        {"a\xc0\x80", 1},                /* overlong */
        {"a\xe0\x80\x80", 1},            /* likewise */
        {"a\xf0\x80\x80\x80", 1},        /* likewise */
        {"a\xed\xa0\x80", 1},            /* a surrogate */
        {"a\xf4\x90\x80\x80", 1},        /* above U+10FFFF */
        {"\xf4\x8f\xbf\xbf", 4},         /* U+10FFFF */
        {"\xed\x9f\xbf\xee\x80\x80", 6}, /* around the surrogates */
        {"a\xff", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(utf8_check(cases[i].text, strlen(cases[i].text)), cases[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event_and_fields),
        cmocka_unit_test(test_every_conversion),
        cmocka_unit_test(test_quoting),
        cmocka_unit_test(test_nothing_can_be_forged),
        cmocka_unit_test(test_fields_are_left_out),
        cmocka_unit_test(test_too_long_is_cut),
        cmocka_unit_test(test_text_and_json),
        cmocka_unit_test(test_journal),
        cmocka_unit_test(test_syslog),
        cmocka_unit_test(test_fields_can_be_added),
        cmocka_unit_test(test_utf8),
    };
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
