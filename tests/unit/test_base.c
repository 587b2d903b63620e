/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of base: addresses, buffer, clock, cursor, random, report. */
#include "config.h"

#include "unit.h"

#include "base/addr.h"
#include "base/base64.h"
#include "base/budget.h"
#include "base/buffer.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/report.h"
#include "base/share.h"
#include "base/siphash.h"
#include "base/when.h"
#include "base/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void addr_round_trips(void **state)
{
    (void)state;
    static const char *const good[] = {"192.0.2.1:53", "[2001:db8::1]:5300", "0.0.0.0:0", "[::]:65535"};
    static const char *const bad[] = {
        "192.0.2.1",    "192.0.2.1:",   "192.0.2.1:65536", "::1:53", "[192.0.2.1]:53",
        "[::1]53",      "[::1:53",      "host:53",         "",       ":",
        "192.0.2.1:+5", "192.0.2.1: 5", "1.2.3.4:123456"};
    char text[ADDR_TEXT_SIZE];
    struct addr_port at;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(addr_parse_port(good[i], &at), 0);
        assert_string_equal(addr_write_port(&at, text), good[i]);
        assert_string_equal(addr_write_place(&at, text), at.port == 0 ? "0.0.0.0" : good[i]);
        struct sockaddr_storage kernel;
        struct addr_port back;
        addr_to_sockaddr(&at, &kernel);
        addr_from_sockaddr((const struct sockaddr *)&kernel, &back);
        assert_true(addr_equal(&at.addr, &back.addr));
        assert_int_equal(at.port, back.port);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(addr_parse_port(bad[i], &at), ERROR_SYNTAX);
    }
}

static void prefix_contains(void **state)
{
    (void)state;
    struct addr_prefix p;
    struct addr a;
    assert_int_equal(addr_parse_prefix("198.51.100.0/23", &p), 0);
    assert_int_equal(addr_parse("198.51.101.255", &a), 0);
    assert_true(addr_in_prefix(&a, &p));
    assert_int_equal(addr_parse("198.51.102.0", &a), 0);
    assert_false(addr_in_prefix(&a, &p));
    assert_int_equal(addr_parse("::1", &a), 0);
    assert_false(addr_in_prefix(&a, &p));
    assert_int_equal(addr_parse_prefix("198.51.100.1/23", &p), ERROR_INVALID);
    assert_int_equal(addr_parse_prefix("198.51.100.0/33", &p), ERROR_SYNTAX);
    assert_int_equal(addr_parse_prefix("2001:db8::/32", &p), 0);
    assert_int_equal(addr_parse_prefix("0.0.0.0/0", &p), 0);
    assert_int_equal(addr_parse("8.8.8.8", &a), 0);
    assert_true(addr_in_prefix(&a, &p));
}

static void mapped_addresses_are_ipv4(void **state)
{
    (void)state;
    struct addr_port at = {.port = 7}, back;
    struct sockaddr_storage kernel;
    assert_int_equal(addr_parse("::ffff:192.0.2.7", &at.addr), 0);
    addr_to_sockaddr(&at, &kernel);
    addr_from_sockaddr((const struct sockaddr *)&kernel, &back);
    assert_int_equal(back.addr.family, ADDR_V4);
}

static void what_is_printed_fits_to_the_byte(void **state)
{
    (void)state;
    char filler[600];
    memset(filler, 'x', sizeof filler);
    for (int before = 0; before < 300; before++) { /* the first block has 256 octets */
        for (int len = 0; len < 600; len += len < 260 && before > 200 ? 1 : 97) {
            struct buffer b;
            buffer_init(&b);
            buffer_print(&b, "%.*s", before, filler);
            buffer_print(&b, "%.*s!", len, filler);
            assert_int_equal(b.len, before + len + 1);
            assert_int_equal(strlen(b.bytes), b.len);
            assert_int_equal(strspn(b.bytes, "x"), b.len - 1);
            buffer_print(&b, "%s", "");
            assert_int_equal(strlen(b.bytes), b.len);
            buffer_fini(&b);
        }
    }
}

static void buffer_grows(void **state)
{
    (void)state;
    struct buffer b;
    buffer_init(&b);
    for (int i = 0; i < 1000; i++) {
        buffer_print(&b, "%03d", i);
    }
    assert_int_equal(b.len, 3000);
    assert_memory_equal(b.bytes + 2997, "999", 4);
    buffer_remove_front(&b, 2997);
    assert_string_equal(b.bytes, "999");
    buffer_fini(&b);
}

static void clock_is_virtual(void **state)
{
    (void)state;
    struct clock c;
    clock_init_virtual(&c, 1000, 5000);
    clock_advance(&c, 250);
    assert_int_equal(clock_now_ms(&c), 1250);
    assert_int_equal(clock_wall_ms(&c), 5250);
    clock_init(&c);
    assert_true(clock_now_us(&c) > 0);
}

static void times_round_trip(void **state)
{
    (void)state;
    char text[CLOCK_TEXT_SIZE];
    int64_t ms;
    assert_string_equal(clock_write_rfc3339(1795233906789, text), "2026-11-21T04:05:06.789Z");
    assert_int_equal(clock_parse_rfc3339(text, &ms), 0);
    assert_int_equal(ms, 1795233906789);
    assert_int_equal(clock_parse_rfc3339("2026-11-21T05:05:06.789+01:00", &ms), 0);
    assert_int_equal(ms, 1795233906789);
    assert_int_equal(clock_parse_rfc3339("2024-02-29T00:00:00Z", &ms), 0);
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-13-01T00:00:00Z",
                                      "2026-02-30T00:00:00Z",
                                      "2026-11-21T04:05:06",
                                      "2026-11-21T04:05:06Zx",
                                      "2026-11-21 04:05:06Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(clock_parse_rfc3339(bad[i], &ms), ERROR_SYNTAX);
    }
}

static void cursor_error_sticks(void **state)
{
    (void)state;
    uint8_t bytes[5] = {0};
    struct cursor c = cursor_init(bytes, sizeof bytes);
    cursor_write_u16(&c, 0x0102);
    cursor_write_u32(&c, 7);
    assert_true(c.failed);
    cursor_write_u8(&c, 9);
    assert_int_equal(bytes[2], 0);
    c = cursor_init_const(bytes, sizeof bytes);
    assert_int_equal(cursor_read_u16(&c), 0x0102);
    assert_int_equal(cursor_left(&c), 3);
    assert_int_equal(cursor_read_u32(&c), 0);
    assert_true(c.failed);
}

static void random_is_even_and_repeats(void **state)
{
    (void)state;
    struct random a, b;
    random_init(&a, 42);
    random_init(&b, 42);
    unsigned counts[10] = {0};
    for (int i = 0; i < 100000; i++) {
        uint64_t n = random_below(&a, 10);
        assert_int_equal(n, random_below(&b, 10));
        counts[n]++;
    }
    for (int i = 0; i < 10; i++) {
        assert_in_range(counts[i], 9500, 10500);
    }
}

static void report_says_where(void **state)
{
    (void)state;
    char line[256];
    struct report *r = report_new();
    report_add(r, REPORT_ERROR,
               &(struct report_place){.file = "a.json", .line = 3, .column = 7, .path = "$.x"},
               "found %d, expected %s", 5, "text");
    report_add(r, REPORT_WARNING, NULL, "odd");
    assert_int_equal(report_errors(r), 1);
    assert_int_equal(report_warnings(r), 1);
    assert_string_equal(report_write_item(report_get(r, 0), line, sizeof line),
                        "a.json:3:7: error: found 5, expected text (at $.x)");
    assert_string_equal(report_write_item(report_get(r, 1), line, sizeof line), "warning: odd");
    for (int i = 0; i < 2 * REPORT_MAX_ITEMS; i++) {
        report_add(r, REPORT_ERROR, NULL, "again");
    }
    assert_int_equal(report_count(r), REPORT_MAX_ITEMS);
    assert_int_equal(report_errors(r), 2 * REPORT_MAX_ITEMS + 1);
    struct report *sum = report_new();
    report_append(sum, r);
    assert_int_equal(report_errors(sum), report_errors(r));
    report_free(sum);
    report_free(r);
}

/* Of the reference implementation: key 00..0f, message 00 01 02 … of that length. */
static void siphash_is_the_reference(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint8_t hash[8];
    } vectors[] = {
        {0, {0x31, 0x0e, 0x0e, 0xdd, 0x47, 0xdb, 0x6f, 0x72}},
        {1, {0xfd, 0x67, 0xdc, 0x93, 0xc5, 0x39, 0xf8, 0x74}},
        {2, {0x5a, 0x4f, 0xa9, 0xd9, 0x09, 0x80, 0x6c, 0x0d}},
        {3, {0x2d, 0x7e, 0xfb, 0xd7, 0x96, 0x66, 0x67, 0x85}},
        {7, {0x37, 0xd1, 0x01, 0x8b, 0xf5, 0x00, 0x02, 0xab}},
        {8, {0x62, 0x24, 0x93, 0x9a, 0x79, 0xf5, 0xf5, 0x93}},
        {15, {0xe5, 0x45, 0xbe, 0x49, 0x61, 0xca, 0x29, 0xa1}},
    };
    uint8_t key[16], message[16], hash[8];
    for (uint8_t i = 0; i < 16; i++) {
        key[i] = message[i] = i;
    }
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        siphash_24(key, message, vectors[i].len, hash);
        assert_memory_equal(hash, vectors[i].hash, 8);
    }
}

static void errors_have_texts(void **state)
{
    (void)state;
    assert_string_equal(error_text(-ENOENT), strerror(ENOENT));
    assert_string_equal(error_text(0), "success");
    for (int code = ERROR_SYNTAX; code <= ERROR_LIBRARY; code++) {
        assert_null(strstr(error_text(code), "nknown error")); /* ours or strerror's */
        for (int other = ERROR_SYNTAX; other < code; other++) {
            assert_string_not_equal(error_text(code), error_text(other));
        }
    }
    assert_string_equal(error_text(ERROR_INVALID), "value not acceptable");
    assert_string_equal(error_text(ERROR_SYNTAX - 1), "unknown error");
    assert_string_equal(error_text(-5000), "unknown error");
}

/* The examples of RFC 4648 section 10, and what is not base64. */
static void base64_is_strict(void **state)
{
    (void)state;
    static const char *const good[][2] = {{"", ""},
                                          {"Zg==", "f"},
                                          {"Zm8=", "fo"},
                                          {"Zm9v", "foo"},
                                          {"Zm9vYg==", "foob"},
                                          {"Zm9vYmE=", "fooba"},
                                          {"Zm9vYmFy", "foobar"}};
    static const char *const bad[] = {
        "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm9\n", "Zm-_"};
    uint8_t out[8];
    char text[16];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int len = (int)strlen(good[i][1]);
        assert_int_equal(base64_decode(good[i][0], strlen(good[i][0]), out, sizeof out), len);
        assert_memory_equal(out, good[i][1], (size_t)len);
        assert_int_equal(base64_decode(good[i][0], strlen(good[i][0]), out, (size_t)len), len);
        assert_int_equal(BASE64_LEN((size_t)len), strlen(good[i][0]));
        memset(text, '!', sizeof text);
        base64_encode(good[i][1], (size_t)len, text);
        assert_memory_equal(text, good[i][0], BASE64_LEN((size_t)len));
        assert_int_equal(text[BASE64_LEN((size_t)len)], '!');
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(base64_decode(bad[i], strlen(bad[i]), out, sizeof out), ERROR_SYNTAX);
    }
    assert_int_equal(base64_decode("Zm9v", 4, out, 2), ERROR_TOO_LARGE);
}

/* Every length: all of it, and nothing behind it. */
static void bytes_of_every_length(void **state)
{
    (void)state;
    enum { MOST = 304 };
    uint8_t from[MOST], to[MOST + 1], other[MOST] = {0};
    for (size_t i = 0; i < MOST; i++) {
        from[i] = (uint8_t)(i * 7 + 1);
    }
    for (size_t n = 0; n <= MOST; n++) {
        uint8_t *exact = malloc(n + 1); /* so that sanitizers see one octet too many */
        memcpy(exact, from, n);
        memset(to, 0xee, sizeof to);
        bytes_copy(to, exact, n);
        assert_memory_equal(to, from, n);
        assert_int_equal(to[n], 0xee);
        free(exact);
    }
    for (size_t n = 0; n < BYTES_WORD; n++) {
        uint8_t word[BYTES_WORD] = {0};
        memcpy(word, from, n);
        assert_true(bytes_load_short(from, n) == bytes_load_word(word));
    }
    for (size_t n = 1; n <= BYTES_WORD; n++) {
        uint8_t word[BYTES_WORD] = {0};
        memcpy(word, from + 20 - n, n);
        assert_true(bytes_load_before(from + 20, n) == bytes_load_word(word));
    }
    for (size_t n = 0; n <= MOST; n++) {
        size_t whole = bytes_whole_words(n);
        assert_true(whole % BYTES_WORD == 0 && whole >= n && whole < n + BYTES_WORD);
        memcpy(other, from, whole);
        assert_true(bytes_equal_words(from, other, n));
        for (size_t i = 0; i < MOST; i++) {
            other[i] ^= 0x80;
            assert_int_equal(bytes_equal_words(from, other, n), i >= whole);
            other[i] ^= 0x80;
        }
    }
}

static void distances_count_edits(void **state)
{
    (void)state;
    assert_int_equal(words_get_distance("interval", "interval"), 0);
    assert_int_equal(words_get_distance("intervall", "Interval"), 1);
    assert_int_equal(words_get_distance("itnerval", "interval"), 1);
    assert_int_equal(words_get_distance("", "abc"), 3);
    assert_int_equal(words_get_distance("kitten", "sitting"), 3);
    char a[66], b[66];
    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    a[64] = b[64] = '\0';
    assert_int_equal(words_get_distance(a, b), 64);
    b[64] = 'b';
    b[65] = '\0';
    assert_true(words_get_distance(a, b) > 1000);
    assert_false(words_are_close("a", 1));
}

static void the_nearest_word_is_found(void **state)
{
    (void)state;
    struct words_nearest nearest = {.found = "us-eats"};
    assert_null(words_nearest(&nearest));
    words_offer(&nearest, "ap-south");
    assert_null(words_nearest(&nearest));
    words_offer(&nearest, "us-east");
    words_offer(&nearest, "us-west");
    assert_string_equal(words_nearest(&nearest), "us-east");
    assert_string_equal(words_plural(1), "");
    assert_string_equal(words_plural(0), "s");
}

static void budgets_are_spent_once(void **state)
{
    (void)state;
    enum { MIB = 1 << 20 };
    struct budget budget;
    char text[BUDGET_TEXT_SIZE];
    budget_open(&budget);
    assert_true(budget.limit > 0);
    budget.limit = 64 * MIB;
    assert_true(budget_has_room(&budget, 0));
    assert_true(budget_has_room(&budget, 32 * MIB));
    budget_note_file(&budget, "innocent");
    struct report *report = report_new(), *part;
    report_set_budget(report, &budget);
    part = report_new_part(report);
    assert_false(report_is_cancelled(part));
    char *pages = memory_map(128 * MIB);
    assert_true(budget_has_room(&budget, 0)); /* nobody wrote to them */
    memset(pages, 1, 128 * MIB);
    unsigned looks = 0;
    while (!report_is_cancelled(part)) {
        assert_true(++looks < 1000);
    }
    memory_unmap(pages, 128 * MIB);
    assert_false(budget_has_room(&budget, 0)); /* for good */
    report_note_file(part, "culprit");
    report_note_file(report, "another");
    assert_string_equal(budget.file, "culprit");
    assert_true(report_is_cancelled(report));
    report_set_budget(report, NULL);
    assert_false(report_is_cancelled(report));
    assert_true(report_has_room(report, SIZE_MAX));
    report_free(part);
    report_free(report);
    budget_close(&budget);
    assert_string_equal(budget_write_size(0, text), "0 octets");
    assert_string_equal(budget_write_size(1536 * MIB, text), "1.5 GiB");
    assert_string_equal(budget_write_size(300u * MIB, text), "300 MiB");
}

/* A look costs more than what most callers do between two of them. */
/* What counts and what measures agree, for every fraction that is written with four digits. */
static void shares_mean_fractions(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= 300; count++) {
        for (uint32_t part = 1; part <= count; part++) {
            double share = (double)(uint32_t)(10000.0 * part / count + 0.5) / 10000;
            assert_int_equal(share_count(share, count), part);
            assert_true(share_is_reached(share, part, count, count));
            assert_false(share_is_reached(share, part - 1, count, count));
            assert_true(share_is_reached(share, 100.0 * part, 100.0 * count, count)); /* by capacity */
        }
    }
    assert_int_equal(share_count(0.33, 3), 1);
    assert_int_equal(share_count(0.34, 3), 2);
    assert_int_equal(share_count(0.67, 3), 3);
    assert_int_equal(share_count(1, 7), 7);
    assert_int_equal(share_count(1, 65535), 65535);
    assert_int_equal(share_count(0.5, 65536), 32768);
    assert_int_equal(share_count(0.0001, 7), 1);
    assert_true(share_is_reached(0.33, 1, 3, 3));
    assert_false(share_is_reached(0.34, 1, 3, 3));
}

static void budgets_are_looked_at_seldom_while_little_happens(void **state)
{
    (void)state;
    enum { MIB = 1 << 20, TAKEN = 24 * MIB }; /* a sanitizer takes as much and more besides */
    struct budget budget;
    struct budget_pace pace = {.wait = 0};
    budget_open(&budget);
    budget.limit = 256 * MIB;
    budget.limit_addresses = SIZE_MAX;
    for (int i = 0; i < 100000; i++) {
        assert_true(budget_goes_on(&budget, &pace));
    }
    assert_true(pace.every > 8 * BUDGET_OFTEN);
    budget_hurry(&pace);
    assert_true(pace.wait <= BUDGET_OFTEN);
    for (int i = 0; i < 100000; i++) {
        assert_true(budget_goes_on(&budget, &pace));
    }
    char *pages = memory_map(TAKEN);
    memset(pages, 1, TAKEN);
    for (unsigned every = pace.every; pace.every == every;) {
        assert_true(budget_goes_on(&budget, &pace));
    }
    assert_int_equal(pace.every, BUDGET_OFTEN);
    memory_unmap(pages, TAKEN);
    budget_close(&budget);
}

static void durations_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"1ms", 1}, {"90s", 90000}, {"30m", 1800000}, {"1h30m", 5400000}, {"3650d", 315360000000}};
    static const char *const bad[] = {"",
                                      "0s",
                                      "5",
                                      "s",
                                      "1w",
                                      "-1s",
                                      "1.5h",
                                      "1 h",
                                      "1h ",
                                      "3651d",
                                      "3650d1ms",
                                      "9999999999999s",
                                      "999999999999d"};
    int64_t ms;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(when_parse_duration(good[i].text, &ms), 0);
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (when_parse_duration(bad[i], &ms) != ERROR_SYNTAX) {
            fail_msg("\"%s\" was taken for %lld ms", bad[i], (long long)ms);
        }
    }
}

static void moments_are_read(void **state)
{
    (void)state;
    enum { NOW = 2000000000 };
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"1970-01-02T00:00:00Z", 86400000},
                {"1970-01-02 00:00:00Z", 86400000},
                {"1970-01-02 00:00Z", 86400000},
                {"1970-01-02T01:00+01:00", 86400000},
                {"1970-01-02T00:00:00.250Z", 86400250},
                {"90m", NOW - 5400000},
                {"-2h", NOW - 7200000},
                {"2d ago", NOW - 172800000},
                {"1h30m ago", NOW - 5400000},
                {"3650d", 1}};
    static const char *const bad[] = {"",
                                      "-",
                                      " ago",
                                      "ago",
                                      "2d  ago",
                                      "tuesday",
                                      "--2h",
                                      "2h-",
                                      "1970-01-02",
                                      "1970-01-02 00:00",
                                      "1970-01-02  00:00Z",
                                      "1970-01-02_00:00Z",
                                      "1970-13-02 00:00Z",
                                      "1970-01-02T00:00:00.000000000000000000000000000000000000Z",
                                      "1111111111111111111111111111111111111111111111111111111111111111111h"};
    int64_t ms;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(when_parse(good[i].text, NOW, &ms), 0);
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (when_parse(bad[i], NOW, &ms) != ERROR_SYNTAX) {
            fail_msg("\"%s\" was taken for %lld ms", bad[i], (long long)ms);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addr_round_trips),
        cmocka_unit_test(base64_is_strict),
        cmocka_unit_test(prefix_contains),
        cmocka_unit_test(mapped_addresses_are_ipv4),
        cmocka_unit_test(buffer_grows),
        cmocka_unit_test(what_is_printed_fits_to_the_byte),
        cmocka_unit_test(budgets_are_spent_once),
        cmocka_unit_test(budgets_are_looked_at_seldom_while_little_happens),
        cmocka_unit_test(shares_mean_fractions),
        cmocka_unit_test(clock_is_virtual),
        cmocka_unit_test(times_round_trip),
        cmocka_unit_test(cursor_error_sticks),
        cmocka_unit_test(random_is_even_and_repeats),
        cmocka_unit_test(report_says_where),
        cmocka_unit_test(siphash_is_the_reference),
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(moments_are_read),
        cmocka_unit_test(errors_have_texts),
        cmocka_unit_test(bytes_of_every_length),
        cmocka_unit_test(distances_count_edits),
        cmocka_unit_test(the_nearest_word_is_found),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
