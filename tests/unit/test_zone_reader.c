/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the master-file reader: each rule of the syntax with good and bad input and the exact place of
 * errors. */
#include "config.h"

#include "unit.h"
#include "zone_reader_fixture.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

static const struct good syntaxes[] = {
    {"", ""},
    {"; nothing", ""},
    {" \t ; nothing\n\n\n", ""},
    {"a 300 IN A 192.0.2.1\n", "a.example.com. 300 A c0000201\n"},
    {"a 300 IN A 192.0.2.1", "a.example.com. 300 A c0000201\n"}, /* no final newline */
    {"a 300 IN A 192.0.2.1\r\nb 300 A 192.0.2.2\r\n",
     "a.example.com. 300 A c0000201\nb.example.com. 300 A c0000202\n"},
    {"a 300 IN A 192.0.2.1\r", "a.example.com. 300 A c0000201\n"},
    {"a IN 300 A 192.0.2.1\n", "a.example.com. 300 A c0000201\n"},
    {"a 300 A 192.0.2.1\n", "a.example.com. 300 A c0000201\n"},
    {"a\t300\tA\t192.0.2.1\t\n", "a.example.com. 300 A c0000201\n"},
    {"a 300 cLaSs1 a 192.0.2.1\n", "a.example.com. 300 A c0000201\n"},
    {"A 300 in a 192.0.2.1\n", "A.example.com. 300 A c0000201\n"}, /* the case of names is kept */
    {"a. 300 A 192.0.2.1\n", "a. 300 A c0000201\n"},
    {"@ 300 A 192.0.2.1\n", "example.com. 300 A c0000201\n"},
    {". 300 A 192.0.2.1\n", ". 300 A c0000201\n"},
    {"\\@ 300 A 192.0.2.1\n", "\\@.example.com. 300 A c0000201\n"},
    {"\\$ttl 300 A 192.0.2.1\n", "\\$ttl.example.com. 300 A c0000201\n"},
    {"a\\.b\\032\\\\ 300 A 192.0.2.1\n", "a\\.b\\032\\\\.example.com. 300 A c0000201\n"},
    {"\\000\\255 300 A 192.0.2.1\n", "\\000\\255.example.com. 300 A c0000201\n"},
    {"* 300 A 192.0.2.1\n", "*.example.com. 300 A c0000201\n"},
    {"in 300 A 192.0.2.1\n", "in.example.com. 300 A c0000201\n"}, /* the first column is always the owner */
    {"300 300 A 192.0.2.1\n", "300.example.com. 300 A c0000201\n"},
    /* inherited owner and TTL */
    {"a 300 A 192.0.2.1\n A 192.0.2.2\n\t60 A 192.0.2.3\n IN A 192.0.2.4\n",
     "a.example.com. 300 A c0000201\na.example.com. 300 A c0000202\na.example.com. 60 A c0000203\n"
     "a.example.com. 60 A c0000204\n"},
    {"$TTL 60\na 300 A 192.0.2.1\n A 192.0.2.2\n",
     "a.example.com. 300 A c0000201\na.example.com. 60 A c0000202\n"},
    {"a 60 A 192.0.2.1\n; comment\n\n   ; more\n A 192.0.2.2\n",
     "a.example.com. 60 A c0000201\na.example.com. 60 A c0000202\n"},
    /* parentheses */
    {"a 300 A ( 192.0.2.1 )\n", "a.example.com. 300 A c0000201\n"},
    {"a ( 300\n IN ; comment )\n\n A\n192.0.2.1) \nb 60 A 192.0.2.2", "a.example.com. 300 A c0000201\n"
                                                                      "b.example.com. 60 A c0000202\n"},
    {"(a 300 A 192.0.2.1)\n", "a.example.com. 300 A c0000201\n"},
    {"a 300 A 192.0.2.1 ()\n", "a.example.com. 300 A c0000201\n"},
    {"a 300 TXT (a)(b)c\n", "a.example.com. 300 TXT 016101620163\n"},
    {"a 300 A 192.0.2.1 (\n)\n A 192.0.2.2\n",
     "a.example.com. 300 A c0000201\na.example.com. 300 A c0000202\n"},
    /* quotes */
    {"a 300 TXT \"\"\n", "a.example.com. 300 TXT 00\n"},
    {"a 300 TXT a\\;b\\(\\\"\\ c;d\n", "a.example.com. 300 TXT 07613b6228222063\n"},
    /* directives */
    {"$ttl 1h\n$OrIgIn org.\na A 192.0.2.1\n", "a.org. 3600 A c0000201\n"},
    {"$TTL 5\n$ORIGIN sub ; relative\na A 192.0.2.1\n$ORIGIN a.b\n@ A 192.0.2.2\n$ORIGIN .\nc A "
     "192.0.2.3\n",
     "a.sub.example.com. 5 A c0000201\na.b.sub.example.com. 5 A c0000202\nc. 5 A c0000203\n"},
    {"$TTL 5\na A 192.0.2.1\n$ORIGIN org.\n A 192.0.2.2\n",
     "a.example.com. 5 A c0000201\na.example.com. 5 A c0000202\n"},
    {"$TTL (\n5 )\na A 192.0.2.1\n", "a.example.com. 5 A c0000201\n"},
    /* periods */
    {"a 1w2d3h4m5s A 192.0.2.1\n", "a.example.com. 788645 A c0000201\n"},
    {"a 1W A 192.0.2.1\n", "a.example.com. 604800 A c0000201\n"},
    {"a 0 A 192.0.2.1\n", "a.example.com. 0 A c0000201\n"},
    {"a 2147483647 A 192.0.2.1\n", "a.example.com. 2147483647 A c0000201\n"},
    {"a 24855d3h14m7s A 192.0.2.1\n", "a.example.com. 2147483647 A c0000201\n"},
};

static void syntax_is_read(void **state)
{
    (void)state;
    ASSERT_GOOD(syntaxes);
}

static void quotes_separate_texts(void **state)
{
    (void)state;
    static const struct good cases[] = {
        {"a 300 TXT \"a b;(\\\"\\\\\\065\" \"\" c\n", "a.example.com. 300 TXT 086120623b28225c41000163\n"},
        {"a 300 TXT \"a\"\"b\"c \"d\"\n", "a.example.com. 300 TXT 0161016201630164\n"},
    };
    ASSERT_GOOD(cases);
}

static const struct bad syntax_errors[] = {
    {"a 300 TXT \"open\nb 300 A 192.0.2.1\n", 1, 11, "quote is not closed", 1},
    {"a 300 TXT \"open", 1, 11, "quote is not closed", 0},
    {"a 300 TXT \"open\\\"\n", 1, 11, "quote is not closed", 0},
    {"a 300 HTTPS 1 . alpn=\"h2\n", 1, 22, "quote is not closed", 0},
    {"a 300 TXT o\"pen\"\nb 300 A 192.0.2.1\n", 1, 12, "quote inside a word", 1},
    {"a 300 TXT \"a\\\n\"", 1, 11, "quote is not closed", 0},
    {"a 300 A (\n192.0.2.1\nb 300 A 192.0.2.1\n", 1, 9, "parenthesis is not closed", 0},
    {"a 300 A ( ; )", 1, 9, "parenthesis is not closed", 0},
    {"a 300 A 192.0.2.1 )\nb 300 A 192.0.2.1\n", 1, 19, "closing parenthesis without", 1},
    {"a 300 A ( ( 192.0.2.1 ) )\nb 300 A 192.0.2.1\n", 1, 11,
     "inside the one that was opened in line 1, column 9", 1},
    {"a 300 A 192.0.2.1 \\\nb 300 A 192.0.2.1\n", 1, 19, "backslash ends the line", 1},
    {"a 300 A 192.0.2.1\rb 300 A 192.0.2.1\n", 1, 18, "carriage return", 0},
    {"\xef\xbb\xbf"
     "a 300 A 192.0.2.1\n",
     1, 1, "byte order mark", 1},
    {" 300 A 192.0.2.1\nb 300 A 192.0.2.1\n", 1, 2, "no owner name", 1},
    {"\"a\" 300 A 192.0.2.1\n A 192.0.2.2\n", 1, 1, "in quotes; expected a name", 0},
    {"a..b 300 A 192.0.2.1\n A 192.0.2.2\nb 300 A 192.0.2.3\n", 1, 1, "empty label", 1},
    {".a 300 A 192.0.2.1\n", 1, 1, "empty label", 0},
    {"a\\256 300 A 192.0.2.1\n", 1, 1, "broken escape", 0},
    {"a\\25 300 A 192.0.2.1\n", 1, 1, "broken escape", 0},
    {"a\\.\\1b 300 A 192.0.2.1\n", 1, 1, "broken escape", 0},
    {"a\n", 1, 2, "the line ends where a type is expected", 0},
    {"a 300\n", 1, 6, "the line ends where a type is expected", 0},
    {"a 300 IN ; A\n", 1, 9, "the line ends where a type is expected", 0},
    {"a 300 300 A 192.0.2.1\n", 1, 7, "a second TTL", 0},
    {"a IN IN A 192.0.2.1\n", 1, 6, "not a type", 0},
    {"a 300 CH A 192.0.2.1\n", 1, 7, "only IN is served", 0},
    {"a hs 300 A 192.0.2.1\n", 1, 3, "only IN is served", 0},
    {"a 300 CLASS3 A 192.0.2.1\n", 1, 7, "only IN is served", 0},
    {"a 300 ANY A 192.0.2.1\n", 1, 7, "only IN is served", 0},
    {"a 300 FOO 192.0.2.1\n", 1, 7, "\"FOO\" is not a type", 0},
    {"a 300 TYPE65536 \\# 0\n", 1, 7, "not a type", 0},
    {"a 300 TYPE \\# 0\n", 1, 7, "not a type", 0},
    {"a 300 \"A\" 192.0.2.1\n", 1, 7, "not a type", 0},
    {"a 300 TYPE0 \\# 0\n", 1, 7, "cannot be stored", 0},
    {"a 300 OPT \\# 0\n", 1, 7, "OPT cannot be stored", 0},
    {"a 300 AXFR \\# 0\n", 1, 7, "cannot be stored", 0},
    {"a 2147483648 A 192.0.2.1\n", 1, 3, "above 2147483647", 0},
    {"a 99999999999999999999 A 192.0.2.1\n", 1, 3, "above 2147483647", 0},
    {"a 3551w A 192.0.2.1\n", 1, 3, "above 2147483647", 0},
    {"a 5x A 192.0.2.1\n", 1, 3, "is not a TTL", 0},
    {"a 1h30 A 192.0.2.1\n", 1, 3, "is not a TTL", 0},
    {"a 1hm A 192.0.2.1\n", 1, 3, "is not a TTL", 0},
    {"$TTL\na 300 A 192.0.2.1\n", 1, 5, "where a TTL for $TTL is expected", 1},
    {"$TTL x\n", 1, 6, "is not a TTL", 0},
    {"$TTL 2147483648\n", 1, 6, "above 2147483647", 0},
    {"$TTL 5 6\n", 1, 8, "after the end of the directive", 0},
    {"$ORIGIN\n", 1, 8, "where a name for $ORIGIN is expected", 0},
    {"$ORIGIN a..\na 5 A 192.0.2.1\n$ORIGIN b.\na 5 A 192.0.2.1\n", 1, 9, "empty label", 1},
    {"$ORIGIN a b\n", 1, 11, "after the end", 0},
    {"$FOO 1\nb 300 A 192.0.2.1\n", 1, 1, "is not a directive", 1},
    {"$ 1\n", 1, 1, "is not a directive", 0},
    {"b 5 A 192.0.2.1\n $TTL 5\n", 2, 2, "not a type", 1},
    {"$INCLUDE\n", 1, 9, "name of a file", 0},
    {"$INCLUDE x\n", 1, 10, "cannot be found", 0},
    {"a A 192.0.2.1\nb A 192.0.2.1\n", 1, 1, "no TTL", 2}, /* reported once */
    {"\n\na 300 A 192.0.2.1 x\n", 3, 19, "\"x\" after the end of the rdata of type A", 0},
    {"a 300 A\n", 1, 8, "where an IPv4 address is expected", 0},
    {"a 300 TXT (\n\"abc\"\n  \"open\n)\nb 300 A 192.0.2.1\n", 3, 3, "quote is not closed", 1},
    {"a 300 TXT \"o\n A 192.0.2.1\n", 1, 11, "quote", 1}, /* whose TTL is not missed as well */
};

static void syntax_errors_have_places(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof syntax_errors / sizeof *syntax_errors; i++) {
        outcome_assert_bad(&syntax_errors[i], syntax_errors[i].text);
    }
}

static void entries_after_an_error_keep_their_owner(void **state)
{
    (void)state;
    struct outcome outcome;
    outcome_read(&outcome,
                 "$TTL 5\na A 192.0.2.1\nb TXT \"open\n A 192.0.2.2\n\"c\" A 192.0.2.3\n A 192.0.2.4\n"
                 "d A bad\n A 192.0.2.5\n");
    assert_string_equal(outcome.records.bytes, "a.example.com. 5 A c0000201\nb.example.com. 5 A c0000202\n"
                                               "d.example.com. 5 A c0000205\n");
    assert_int_equal(report_errors(outcome.report), 3);
    outcome_assert_item(&outcome, 0, 3, 7, "quote");
    outcome_assert_item(&outcome, 1, 5, 1, "name");
    outcome_assert_item(&outcome, 2, 7, 5, "IPv4");
    outcome_end(&outcome);
}

static void nul_octets_are_errors(void **state)
{
    (void)state;
    static const char text[] =
        "a 5 A 192.0.2.1\nb\0 5 A 192.0.2.2\nc 5 TXT \"\0\"\n; \0\nd 5 A 192.0.2.3\n\0";
    struct outcome outcome;
    outcome_read_bytes(&outcome, text, sizeof text - 1);
    assert_string_equal(outcome.records.bytes, "a.example.com. 5 A c0000201\nd.example.com. 5 A c0000203\n");
    assert_int_equal(report_errors(outcome.report), 4);
    outcome_assert_item(&outcome, 0, 2, 2, "NUL");
    outcome_assert_item(&outcome, 1, 3, 9, "quote");
    outcome_assert_item(&outcome, 2, 4, 3, "NUL");
    outcome_assert_item(&outcome, 3, 6, 1, "NUL");
    outcome_end(&outcome);
}

static void missing_ttls_come_from_the_soa(void **state)
{
    (void)state;
    struct outcome outcome;
    outcome_read(&outcome, "@ SOA a b 1 2 3 4 600\n A 192.0.2.1\n 60 A 192.0.2.2\n TXT x\n");
    assert_int_equal(outcome.code, 0);
    assert_string_equal(outcome.places.bytes, "test.zone:1:1\ntest.zone:2:2\ntest.zone:3:2\ntest.zone:4:2\n");
    assert_non_null(strstr(outcome.records.bytes, "example.com. 600 SOA "));
    assert_non_null(strstr(outcome.records.bytes, "example.com. 600 A c0000201"));
    assert_non_null(strstr(outcome.records.bytes, "example.com. 600 TXT ")); /* not the 60 before */
    assert_int_equal(report_warnings(outcome.report), 1);
    outcome_assert_item(&outcome, 0, 1, 1, "minimum, 600, is used");
    outcome_end(&outcome);
    outcome_read(&outcome, "@ SOA a b 1 2 3 4 4294967295\n");
    assert_non_null(strstr(outcome.records.bytes, "example.com. 2147483647 SOA "));
    outcome_end(&outcome);
}

static void names_have_limits(void **state)
{
    (void)state;
    char label[64], text[2048];
    memset(label, 'x', 63);
    label[63] = '\0';
    struct outcome outcome;
    snprintf(text, sizeof text, "%s 5 A 192.0.2.1\n%sx 5 A 192.0.2.1\n%s\\120 5 A 192.0.2.1\n", label, label,
             label);
    outcome_read(&outcome, text);
    assert_int_equal(outcome.count, 1);
    outcome_assert_item(&outcome, 0, 2, 1, "label of more than 63");
    outcome_assert_item(&outcome, 1, 3, 1, "label of more than 63");
    outcome_end(&outcome);
    /* 3 * 64 + 61 + 1 + 1 = 255 */
    snprintf(text, sizeof text, "%s.%s.%s.%.61s. 5 A 192.0.2.1\n%s.%s.%s.%.62s. 5 A 192.0.2.1\n", label,
             label, label, label, label, label, label, label);
    outcome_read(&outcome, text);
    assert_int_equal(outcome.count, 1);
    outcome_assert_item(&outcome, 0, 2, 1, "longer than 255");
    outcome_end(&outcome);
    /* with the origin, 13 octets: 3 * 64 + 50 + 13 = 255 */
    snprintf(
        text, sizeof text,
        "%s.%s.%s.%.49s 5 A 192.0.2.1\n%s.%s.%s.%.50s 5 A 192.0.2.1\n%s.%s.%s.%.49s\\120 5 A 192.0.2.1\n",
        label, label, label, label, label, label, label, label, label, label, label, label);
    outcome_read(&outcome, text);
    assert_int_equal(outcome.count, 1);
    outcome_assert_item(&outcome, 0, 2, 1, "longer than 255");
    outcome_assert_item(&outcome, 1, 3, 1, "longer than 255");
    outcome_end(&outcome);
}

static void records_have_places(void **state)
{
    (void)state;
    struct outcome outcome;
    outcome_read(
        &outcome,
        "$TTL 5\n\na A 192.0.2.1\n   A (\n 192.0.2.2 )\n(\n  b A 192.0.2.3 )\n$GENERATE 1-2 c$ A 192.0.2.$\n"
        "d A 192.0.2.4");
    assert_int_equal(outcome.code, 0);
    assert_string_equal(outcome.places.bytes, "test.zone:3:1\ntest.zone:4:4\ntest.zone:7:3\ntest.zone:8:1\n"
                                              "test.zone:8:1\ntest.zone:9:1\n");
    outcome_end(&outcome);
}

static void the_sink_ends_the_reading(void **state)
{
    (void)state;
    struct outcome outcome;
    const struct zone_sink sink = {.context = &outcome, .record = outcome_collect};
    outcome_begin(&outcome);
    outcome.stop_at = 2;
    static const char text[] = "$TTL 5\na A 192.0.2.1\n$GENERATE 1-5 b$ A 192.0.2.$\nc A bad\n";
    outcome.code = zone_read_text("t", text, sizeof text - 1, NULL, &sink, outcome.report);
    assert_int_equal(outcome.code, 77);
    assert_string_equal(outcome.records.bytes, "a. 5 A c0000201\nb1. 5 A c0000201\n");
    outcome_end(&outcome);
}

static void errors_beyond_the_report_are_counted(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text);
    for (int i = 0; i < REPORT_MAX_ITEMS + 500; i++) {
        buffer_add_text(&text, "a 5 A bad\n");
    }
    buffer_add_text(&text, "a 5 A 192.0.2.1\n");
    struct outcome outcome;
    outcome_read_bytes(&outcome, text.bytes, text.len);
    assert_int_equal(report_errors(outcome.report), REPORT_MAX_ITEMS + 500);
    assert_int_equal(report_count(outcome.report), REPORT_MAX_ITEMS);
    assert_int_equal(outcome.count, 1);
    outcome_end(&outcome);
    buffer_fini(&text);
}

static void rdata_has_a_limit(void **state)
{
    (void)state;
    struct buffer text;
    buffer_init(&text);
    buffer_add_text(&text, "a 5 TXT");
    for (int i = 0; i < 32767; i++) {
        buffer_add_text(&text, " x");
    }
    buffer_add_text(&text, " \"\"\n");
    struct outcome outcome;
    outcome_read_bytes(&outcome, text.bytes, text.len);
    assert_int_equal(outcome.code, 0); /* 65535 octets */
    outcome_end(&outcome);
    text.len -= 1;
    buffer_add_text(&text, " \"\"\nb 5 A 192.0.2.1\nc 5 TXT ");
    for (int i = 0; i < 300000; i++) {
        buffer_add_text(&text, "x ");
    }
    outcome_read_bytes(&outcome, text.bytes, text.len);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(report_errors(outcome.report), 2);
    outcome_assert_item(&outcome, 0, 1, 9, "longer than 65535");
    assert_int_equal(report_get(outcome.report, 1)->place.line, 3);
    assert_non_null(strstr(report_get(outcome.report, 1)->message, "too many words"));
    outcome_end(&outcome);
    buffer_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syntax_is_read),
        cmocka_unit_test(quotes_separate_texts),
        cmocka_unit_test(syntax_errors_have_places),
        cmocka_unit_test(entries_after_an_error_keep_their_owner),
        cmocka_unit_test(nul_octets_are_errors),
        cmocka_unit_test(missing_ttls_come_from_the_soa),
        cmocka_unit_test(names_have_limits),
        cmocka_unit_test(records_have_places),
        cmocka_unit_test(the_sink_ends_the_reading),
        cmocka_unit_test(errors_beyond_the_report_are_counted),
        cmocka_unit_test(rdata_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
