/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the master-file reader: each rule of the syntax with good and bad input and the exact place of
 * errors, rdata of the types against octets worked out by hand or taken from RFCs, $INCLUDE and its fences,
 * $GENERATE. */
#include "config.h"

#include "unit.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"
#include "dns/name.h"
#include "dns/types.h"
#include "zone/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- one reading, as text ---- */

struct outcome {
    struct buffer records; /* "owner TTL type rdata", rdata in hexadecimal */
    struct buffer places;  /* "file:line:column" of each */
    struct report *report;
    size_t count, stop_at;
    int code;
};

static int collect(void *context, const struct zone_record *record)
{
    struct outcome *outcome = context;
    char name[DNS_NAME_TEXT_SIZE], type[DNS_TYPE_TEXT_SIZE];
    assert_int_equal(record->rclass, DNS_CLASS_IN);
    assert_int_equal(dns_name_len(record->owner, record->owner_len), record->owner_len);
    buffer_print(&outcome->records, "%s %u %s ", dns_name_write(record->owner, name), record->ttl,
                 dns_write_type(record->type, type));
    for (size_t i = 0; i < record->rdata_len; i++) {
        buffer_print(&outcome->records, "%02x", record->rdata[i]);
    }
    buffer_add_text(&outcome->records, "\n");
    const char *slash = strrchr(record->file, '/');
    buffer_print(&outcome->places, "%s:%u:%u\n", slash == NULL ? record->file : slash + 1, record->line,
                 record->column);
    return ++outcome->count == outcome->stop_at ? 77 : 0;
}

static void begin(struct outcome *outcome)
{
    memset(outcome, 0, sizeof *outcome);
    buffer_add_text(&outcome->records, "");
    buffer_add_text(&outcome->places, "");
    outcome->report = report_new();
}

static void end(struct outcome *outcome)
{
    buffer_fini(&outcome->records);
    buffer_fini(&outcome->places);
    report_free(outcome->report);
}

static void read_bytes(struct outcome *outcome, const char *text, size_t len)
{
    const struct zone_reader_options options = {.origin = "example.com.", .include_root = "/nonexistent"};
    const struct zone_sink sink = {.context = outcome, .record = collect};
    begin(outcome);
    outcome->code = zone_read_text("test.zone", text, len, &options, &sink, outcome->report);
    assert_int_equal(outcome->code == ERROR_SYNTAX, report_errors(outcome->report) != 0);
}

static void read_string(struct outcome *outcome, const char *text)
{
    read_bytes(outcome, text, strlen(text));
}

/* The item of the report that has this place must hold this text. */
static void assert_item(const struct outcome *outcome, size_t index, unsigned line, unsigned column,
                        const char *text)
{
    assert_true(index < report_count(outcome->report));
    const struct report_item *item = report_get(outcome->report, index);
    if (item->place.line != line || item->place.column != column || strstr(item->message, text) == NULL) {
        fail_msg("expected %u:%u with \"%s\", got %u:%u %s", line, column, text, item->place.line,
                 item->place.column, item->message);
    }
}

/* ---- syntax ---- */

struct good {
    const char *text, *records;
};

static void assert_good(const struct good *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct outcome outcome;
        read_string(&outcome, cases[i].text);
        if (report_count(outcome.report) != 0) {
            fail_msg("%s: %s", cases[i].text, report_get(outcome.report, 0)->message);
        }
        assert_string_equal(outcome.records.bytes, cases[i].records);
        assert_int_equal(outcome.code, 0);
        end(&outcome);
    }
}

#define ASSERT_GOOD(cases) assert_good(cases, sizeof(cases) / sizeof *(cases))

static void syntax_is_read(void **state)
{
    (void)state;
    static const struct good cases[] = {
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
        {"in 300 A 192.0.2.1\n",
         "in.example.com. 300 A c0000201\n"}, /* the first column is always the owner */
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
    ASSERT_GOOD(cases);
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

struct bad {
    const char *text;
    unsigned line, column;
    const char *message;
    size_t records; /* that were fine */
};

static void syntax_errors_have_places(void **state)
{
    (void)state;
    static const struct bad cases[] = {
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
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome outcome;
        read_string(&outcome, cases[i].text);
        if (report_errors(outcome.report) == 0 || outcome.count != cases[i].records) {
            fail_msg("%s: %zu errors, %zu records", cases[i].text, report_errors(outcome.report),
                     outcome.count);
        }
        assert_item(&outcome, 0, cases[i].line, cases[i].column, cases[i].message);
        assert_int_equal(outcome.code, ERROR_SYNTAX);
        end(&outcome);
    }
}

static void entries_after_an_error_keep_their_owner(void **state)
{
    (void)state;
    struct outcome outcome;
    read_string(&outcome,
                "$TTL 5\na A 192.0.2.1\nb TXT \"open\n A 192.0.2.2\n\"c\" A 192.0.2.3\n A 192.0.2.4\n"
                "d A bad\n A 192.0.2.5\n");
    assert_string_equal(outcome.records.bytes, "a.example.com. 5 A c0000201\nb.example.com. 5 A c0000202\n"
                                               "d.example.com. 5 A c0000205\n");
    assert_int_equal(report_errors(outcome.report), 3);
    assert_item(&outcome, 0, 3, 7, "quote");
    assert_item(&outcome, 1, 5, 1, "name");
    assert_item(&outcome, 2, 7, 5, "IPv4");
    end(&outcome);
}

static void nul_octets_are_errors(void **state)
{
    (void)state;
    static const char text[] =
        "a 5 A 192.0.2.1\nb\0 5 A 192.0.2.2\nc 5 TXT \"\0\"\n; \0\nd 5 A 192.0.2.3\n\0";
    struct outcome outcome;
    read_bytes(&outcome, text, sizeof text - 1);
    assert_string_equal(outcome.records.bytes, "a.example.com. 5 A c0000201\nd.example.com. 5 A c0000203\n");
    assert_int_equal(report_errors(outcome.report), 4);
    assert_item(&outcome, 0, 2, 2, "NUL");
    assert_item(&outcome, 1, 3, 9, "quote");
    assert_item(&outcome, 2, 4, 3, "NUL");
    assert_item(&outcome, 3, 6, 1, "NUL");
    end(&outcome);
}

static void missing_ttls_come_from_the_soa(void **state)
{
    (void)state;
    struct outcome outcome;
    read_string(&outcome, "@ SOA a b 1 2 3 4 600\n A 192.0.2.1\n");
    assert_int_equal(outcome.code, 0);
    assert_string_equal(outcome.places.bytes, "test.zone:1:1\ntest.zone:2:2\n");
    assert_non_null(strstr(outcome.records.bytes, "example.com. 600 SOA "));
    assert_non_null(strstr(outcome.records.bytes, "example.com. 600 A "));
    assert_int_equal(report_warnings(outcome.report), 1);
    assert_item(&outcome, 0, 1, 1, "minimum, 600, is used");
    end(&outcome);
    read_string(&outcome, "@ SOA a b 1 2 3 4 4294967295\n");
    assert_non_null(strstr(outcome.records.bytes, "example.com. 2147483647 SOA "));
    end(&outcome);
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
    read_string(&outcome, text);
    assert_int_equal(outcome.count, 1);
    assert_item(&outcome, 0, 2, 1, "label of more than 63");
    assert_item(&outcome, 1, 3, 1, "label of more than 63");
    end(&outcome);
    /* 3 * 64 + 61 + 1 + 1 = 255 */
    snprintf(text, sizeof text, "%s.%s.%s.%.61s. 5 A 192.0.2.1\n%s.%s.%s.%.62s. 5 A 192.0.2.1\n", label,
             label, label, label, label, label, label, label);
    read_string(&outcome, text);
    assert_int_equal(outcome.count, 1);
    assert_item(&outcome, 0, 2, 1, "longer than 255");
    end(&outcome);
    /* with the origin, 13 octets: 3 * 64 + 50 + 13 = 255 */
    snprintf(
        text, sizeof text,
        "%s.%s.%s.%.49s 5 A 192.0.2.1\n%s.%s.%s.%.50s 5 A 192.0.2.1\n%s.%s.%s.%.49s\\120 5 A 192.0.2.1\n",
        label, label, label, label, label, label, label, label, label, label, label, label);
    read_string(&outcome, text);
    assert_int_equal(outcome.count, 1);
    assert_item(&outcome, 0, 2, 1, "longer than 255");
    assert_item(&outcome, 1, 3, 1, "longer than 255");
    end(&outcome);
}

static void records_have_places(void **state)
{
    (void)state;
    struct outcome outcome;
    read_string(
        &outcome,
        "$TTL 5\n\na A 192.0.2.1\n   A (\n 192.0.2.2 )\n(\n  b A 192.0.2.3 )\n$GENERATE 1-2 c$ A 192.0.2.$\n"
        "d A 192.0.2.4");
    assert_int_equal(outcome.code, 0);
    assert_string_equal(outcome.places.bytes, "test.zone:3:1\ntest.zone:4:4\ntest.zone:7:3\ntest.zone:8:1\n"
                                              "test.zone:8:1\ntest.zone:9:1\n");
    end(&outcome);
}

static void the_sink_ends_the_reading(void **state)
{
    (void)state;
    struct outcome outcome;
    const struct zone_sink sink = {.context = &outcome, .record = collect};
    begin(&outcome);
    outcome.stop_at = 2;
    static const char text[] = "$TTL 5\na A 192.0.2.1\n$GENERATE 1-5 b$ A 192.0.2.$\nc A bad\n";
    outcome.code = zone_read_text("t", text, sizeof text - 1, NULL, &sink, outcome.report);
    assert_int_equal(outcome.code, 77);
    assert_string_equal(outcome.records.bytes, "a. 5 A c0000201\nb1. 5 A c0000201\n");
    end(&outcome);
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
    read_bytes(&outcome, text.bytes, text.len);
    assert_int_equal(report_errors(outcome.report), REPORT_MAX_ITEMS + 500);
    assert_int_equal(report_count(outcome.report), REPORT_MAX_ITEMS);
    assert_int_equal(outcome.count, 1);
    end(&outcome);
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
    read_bytes(&outcome, text.bytes, text.len);
    assert_int_equal(outcome.code, 0); /* 65535 octets */
    end(&outcome);
    text.len -= 1;
    buffer_add_text(&text, " \"\"\nb 5 A 192.0.2.1\nc 5 TXT ");
    for (int i = 0; i < 300000; i++) {
        buffer_add_text(&text, "x ");
    }
    read_bytes(&outcome, text.bytes, text.len);
    assert_int_equal(outcome.count, 1);
    assert_int_equal(report_errors(outcome.report), 2);
    assert_item(&outcome, 0, 1, 9, "longer than 65535");
    assert_int_equal(report_get(outcome.report, 1)->place.line, 3);
    assert_non_null(strstr(report_get(outcome.report, 1)->message, "too many words"));
    end(&outcome);
    buffer_fini(&text);
}

/* ---- rdata ---- */

struct rdata {
    const char *text, *wire;
};

/* Each with the origin example.com. */
static const struct rdata rdatas[] = {
    {"A 192.0.2.1", "c0000201"},
    {"A 255.255.255.255", "ffffffff"},
    {"AAAA 2001:db8::1", "20010db8000000000000000000000001"},
    {"AAAA ::ffff:192.0.2.1", "00000000000000000000ffffc0000201"},
    {"NS ns", "026e73076578616d706c6503636f6d00"},
    {"NS ns.example.net.", "026e73076578616d706c65036e657400"},
    {"CNAME @", "076578616d706c6503636f6d00"},
    {"PTR .", "00"},
    {"DNAME a\\.b", "03612e62076578616d706c6503636f6d00"},
    {"SOA ns host 1 2h 30m 1w 5m", "026e73076578616d706c6503636f6d0004686f7374076578616d706c6503636f6d0000000"
                                   "00100001c200000070800093a800000012c"},
    {"SOA ns host 4294967295 4294967295 0 1 2", "026e73076578616d706c6503636f6d0004686f7374076578616d706c6503"
                                                "636f6d00ffffffffffffffff000000000000000100000002"},
    {"MX 10 mail", "000a046d61696c076578616d706c6503636f6d00"},
    {"TXT a \"b c\" \"\"", "01610362206300"},
    {"SRV 1 2 65535 target", "00010002ffff06746172676574076578616d706c6503636f6d00"},
    {"HINFO \"PC\" Linux", "025043054c696e7578"},
    {"RP mbox txt", "046d626f78076578616d706c6503636f6d0003747874076578616d706c6503636f6d00"},
    {"AFSDB 1 host", "000104686f7374076578616d706c6503636f6d00"},
    {"X25 311061700956", "0c333131303631373030393536"},
    {"ISDN 150862028003217 004", "0f31353038363230323830303332313703303034"},
    {"ISDN 150862028003217", "0f313530383632303238303033323137"},
    {"RT 10 host", "000a04686f7374076578616d706c6503636f6d00"},
    {"NSAP 0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00", "47000580005a0000000001e133ffffff00016100"},
    {"PX 10 a b", "000a0161076578616d706c6503636f6d000162076578616d706c6503636f6d00"},
    {"GPOS -32.6882 116.8652 10.0", "082d33322e36383832083131362e383635320431302e30"},
    {"LOC 52 14 05 N 00 08 50 E 10m", "001216138b3556c88008165000989a68"},
    {"LOC 42 21 54 N 71 06 18 W -24m 30m", "0033161389172dd070be15f000988d20"},
    {"LOC 42 21 43.952 N 71 5 6.344 W -24.25m 1m 200m 0.5m", "001224518917069070bf2dd800988d07"},
    {"LOC 90 S 180 W 0m", "001216136cb0270059604e0000989680"},
    {"NAPTR 100 50 \"s\" \"z3950+I2L\" \"\" _z3950._tcp",
     "006400320173097a333935302b49324c00065f7a33393530045f746370076578616d706c6503636f6d00"},
    {"KX 10 host", "000a04686f7374076578616d706c6503636f6d00"},
    {"CERT PKIX 1 RSASHA256 AQID", "0001000108010203"},
    {"CERT 65534 1 5 AQIDBA==", "fffe00010501020304"},
    {"APL 1:192.168.32.0/21 !1:192.168.38.0/28 2:2001:db8::/32",
     "00011503c0a82000011c83c0a8260002200420010db8"},
    {"APL 1:0.0.0.0/0", "00010000"},
    {"DS 60485 5 1 2BB183AF5F22588179A53B0A 98631FAD1A292118",
     "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
    {"DS 60485 RSASHA1 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
     "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
    {"SSHFP 2 1 123456789abcdef67890123456789abcdef67890", "0201123456789abcdef67890123456789abcdef67890"},
    {"IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
     "0a0102c0000226010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82ab7801"},
    {"IPSECKEY 10 0 2 . AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
     "0a0002010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82ab7801"},
    {"IPSECKEY 10 3 2 mygateway AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
     "0a0302096d7967617465776179076578616d706c6503636f6d00010351537986ed35533b6064478eeeb27b5bd74dae149b6e81b"
     "a3a0521af82ab7801"},
    {"IPSECKEY 10 2 2 2001:db8::1 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
     "0a020220010db8000000000000000000000001010351537986ed35533b6064478eeeb27b5bd74dae149b6e81ba3a0521af82ab7"
     "801"},
    {"RRSIG A 5 3 1d 20030322173103 20030220173103 2642 example.com. "
     "oJB1W6WNGv+ldvQ3WDG0MQkg5IEhjRip8WTrPYGv07h108dUKGMe",
     "00010503000151803e7c9dd73e5510d70a52076578616d706c6503636f6d00a090755ba58d1affa576f4375831b4310920e4812"
     "18d18a9f164eb3d81afd3b875d3c75428631e"},
    {"RRSIG TYPE65534 13 0 0 1048354263 0 65535 . AAAA", "fffe0d00000000003e7c9dd700000000ffff00000000"},
    {"NSEC host A MX RRSIG NSEC TYPE1234", "04686f7374076578616d706c6503636f6d000006400100000003041b000000000"
                                           "000000000000000000000000000000000000000000020"},
    {"NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG",
     "0101000c04aabbccdd1417f3df17b2b2adaef615257de4d2020b80ac6c7c0006400000000002"},
    {"NSEC3 1 0 0 - 2vptu5timamqttgl4luu9kg21e0aor3s",
     "01000000001417f3df17b2b2adaef615257de4d2020b80ac6c7c"},
    {"NSEC3PARAM 1 0 12 aabbccdd", "0100000c04aabbccdd"},
    {"NSEC3PARAM 1 0 0 -", "0100000000"},
    {"DNSKEY 257 3 RSASHA256 AwEA AaNk Uw==", "0101030803010001a36453"},
    {"DNSKEY 256 3 13 AwEAAaNkUw==", "0100030d03010001a36453"},
    {"DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
     "000201636fc0b8271c82825bb1ac5c41cf5351aa69b4febd94e8f17cdb95000da48c40"},
    {"TLSA 3 1 1 0123456789abcdef 0123", "0301010123456789abcdef0123"},
    {"SMIMEA 3 0 0 0011", "0300000011"},
    {"HIP 2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc rvs1 rvs2.example.net.",
     "1002000c200100107b1a74df365639cc39f1d57803010001b771ca136e4aeb5c0472767331076578616d706c6503636f6d00047"
     "2767332076578616d706c65036e657400"},
    {"HIP 2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc",
     "1002000c200100107b1a74df365639cc39f1d57803010001b771ca136e4aeb5c"},
    {"CDS 0 0 0 00", "0000000000"},
    {"CDNSKEY 0 3 0 AA==", "0000030000"},
    {"OPENPGPKEY AQIDBA==", "01020304"},
    {"CSYNC 66 3 A NS AAAA", "000000420003000460000008"},
    {"ZONEMD 2018031500 1 1 "
     "FEBE3D4CE2EC2FFA4BA99D46CD69D6D29711E55217057BEE7EB1A7B641A47BA7FED2DD5B97AE499FAFA4F22C6BD647DE",
     "7848b78c0101febe3d4ce2ec2ffa4ba99d46cd69d6d29711e55217057bee7eb1a7b641a47ba7fed2dd5b97ae499fafa4f22c6bd"
     "647de"},
    {"SPF \"v=spf1 -all\"", "0b763d73706631202d616c6c"},
    {"NID 10 0014:4fff:ff20:ee64", "000a00144fffff20ee64"},
    {"L32 10 10.1.2.0", "000a0a010200"},
    {"L64 10 2001:0DB8:1140:1000", "000a20010db811401000"},
    {"LP 10 host", "000a04686f7374076578616d706c6503636f6d00"},
    {"EUI48 00-00-5e-00-53-2a", "00005e00532a"},
    {"EUI64 00-00-5e-ef-10-00-00-2a", "00005eef1000002a"},
    {"URI 10 1 \"ftp://ftp1.example.com/public\"",
     "000a00016674703a2f2f667470312e6578616d706c652e636f6d2f7075626c6963"},
    {"CAA 0 issue \"ca.example.net; policy=ev\"",
     "0005697373756563612e6578616d706c652e6e65743b20706f6c6963793d6576"},
    {"CAA 128 tbs Unknown", "8003746273556e6b6e6f776e"},
    {"DLV 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
     "ec4505012bb183af5f22588179a53b0a98631fad1a292118"},
    {"TYPE731 \\# 6 abcd (ef01) 23 45", "abcdef012345"},
    {"TYPE62347 \\# 0", ""},
    {"TYPE1 \\# 4 0A000001", "0a000001"},
    {"MX \\# 5 000a 0161 00", "000a016100"},
    {"SVCB 0 foo.example.org.", "000003666f6f076578616d706c65036f726700"},
    {"SVCB 16 foo.example.org. port=53", "001003666f6f076578616d706c65036f726700000300020035"},
    {"SVCB 1 foo.example.org. key667=hello", "000103666f6f076578616d706c65036f726700029b000568656c6c6f"},
    {"SVCB 1 foo.example.org. key667=\"hello\\210qoo\"",
     "000103666f6f076578616d706c65036f726700029b000968656c6c6fd2716f6f"},
    {"SVCB 1 foo.example.org. ipv6hint=\"2001:db8::1,2001:db8::53:1\"",
     "000103666f6f076578616d706c65036f7267000006002020010db800000000000000000000000120010db800000000000000000"
     "0530001"},
    {"SVCB 1 example.com. ipv6hint=\"2001:db8:ffff:ffff:ffff:ffff:198.51.100.100\"",
     "0001076578616d706c6503636f6d000006001020010db8ffffffffffffffffc6336464"},
    {"SVCB 16 foo.example.org. alpn=h2,h3-19 mandatory=ipv4hint,alpn ipv4hint=192.0.2.1",
     "001003666f6f076578616d706c65036f7267000000000400010004000100090268320568332d313900040004c0000201"},
    {"SVCB 16 foo.example.org. alpn=\"f\\\\\\\\oo\\\\,bar,h2\"",
     "001003666f6f076578616d706c65036f7267000001000c08665c6f6f2c626172026832"},
    {"SVCB 16 foo.example.org. alpn=f\\\\\\092oo\\092,bar,h2",
     "001003666f6f076578616d706c65036f7267000001000c08665c6f6f2c626172026832"},
    {"SVCB 1 . alpn=dot key7=\"/dns-query{?dns}\"",
     "0001000001000403646f74000700102f646e732d71756572797b3f646e737d"},
    {"HTTPS 1 . alpn=h2 no-default-alpn ech=AEn+DQ== key65000",
     "0001000001000302683200020000000500040049fe0dfde80000"},
    {"HTTPS 1 @ key1=\\002h2 key3=\\001\\187 key2",
     "0001076578616d706c6503636f6d0000010003026832000200000003000201bb"},
    {"TLSA PKIX-TA Cert Full 01", "00000001"},
    {"WKS 192.0.2.1 TCP 25 80 0", "c0000201068000004000000000000080"},
    {"WKS 192.0.2.1 17", "c000020111"},
};

static void rdata_is_written(void **state)
{
    (void)state;
    struct buffer text, expected;
    for (size_t i = 0; i < sizeof rdatas / sizeof *rdatas; i++) {
        char type[16];
        buffer_init(&text);
        buffer_init(&expected);
        size_t type_len = strcspn(rdatas[i].text, " ");
        uint16_t number;
        snprintf(type, sizeof type, "%.*s", (int)type_len, rdatas[i].text);
        if (dns_parse_type(type, &number) != 0) {
            number = 0; /* a type that only ldns knows */
        }
        struct outcome outcome;
        buffer_print(&text, "a 5 %s\n", rdatas[i].text);
        read_string(&outcome, text.bytes);
        if (outcome.code != 0) {
            fail_msg("%s: %s", rdatas[i].text, report_get(outcome.report, 0)->message);
        }
        const char *wire = strrchr(outcome.records.bytes, ' ') + 1;
        buffer_print(&expected, "%s\n", rdatas[i].wire);
        if (strcmp(wire, expected.bytes) != 0) {
            fail_msg("%s: %s", rdatas[i].text, wire);
        }
        if (number != 0) {
            buffer_init(&expected);
            buffer_print(&expected, "a.example.com. 5 %s %s\n", dns_write_type(number, type), rdatas[i].wire);
            assert_string_equal(outcome.records.bytes, expected.bytes);
        }
        end(&outcome);
        buffer_fini(&text);
        buffer_fini(&expected);
    }
}

/* What was written from the type's own form is taken in the form of RFC 3597, and one octet less or more is
 * not where the type's form can tell. */
static void rdata_is_read_as_octets(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rdatas / sizeof *rdatas; i++) {
        struct buffer text;
        struct outcome outcome;
        size_t type_len = strcspn(rdatas[i].text, " "), octets = strlen(rdatas[i].wire) / 2;
        buffer_init(&text);
        buffer_print(&text, "a 5 %.*s \\# %zu %s\n", (int)type_len, rdatas[i].text, octets, rdatas[i].wire);
        read_string(&outcome, text.bytes);
        if (outcome.code != 0) {
            fail_msg("%s: %s", text.bytes, report_get(outcome.report, 0)->message);
        }
        buffer_fini(&text);
        end(&outcome);
    }
}

/* Rdata of the record "a 5 ...": columns count from there. */
static void rdata_errors_have_places(void **state)
{
    (void)state;
    static const struct bad cases[] = {
        {"A 192.0.2", 1, 7, "not an IPv4 address", 0},
        {"A 192.0.2.256", 1, 7, "not an IPv4 address", 0},
        {"A 192.0.2.01", 1, 7, "not an IPv4 address", 0},
        {"A 192.0.2.1.", 1, 7, "not an IPv4 address", 0},
        {"A 192.0..1", 1, 7, "not an IPv4 address", 0},
        {"A +1.0.2.1", 1, 7, "not an IPv4 address", 0},
        {"A 1922.0.2.1", 1, 7, "not an IPv4 address", 0},
        {"A \"192.0.2.1\"", 1, 7, "not an IPv4 address", 0},
        {"A 2001:db8::1", 1, 7, "not an IPv4 address", 0},
        {"AAAA 192.0.2.1", 1, 10, "not an IPv6 address", 0},
        {"AAAA 2001:db8:::1", 1, 10, "not an IPv6 address", 0},
        {"AAAA 2001:db8::1%lo", 1, 10, "not an IPv6 address", 0},
        {"NS", 1, 7, "where a name is expected", 0},
        {"NS a b", 1, 10, "after the end of the rdata of type NS", 0},
        {"NS \"a\"", 1, 8, "in quotes", 0},
        {"CNAME a..b", 1, 11, "empty label", 0},
        {"SOA a b 1 2 3 4", 1, 20, "where the minimum TTL is expected", 0},
        {"SOA a b 1h 2 3 4 5", 1, 13, "where a serial is expected", 0},
        {"SOA a b 4294967296 2 3 4 5", 1, 13, "from 0 to 4294967295", 0},
        {"SOA a b -1 2 3 4 5", 1, 13, "where a serial is expected", 0},
        {"SOA a b 1 2 x 4 5", 1, 17, "where the retry interval is expected", 0},
        {"MX mail 10", 1, 8, "where a preference is expected", 0},
        {"MX 65536 mail", 1, 8, "from 0 to 65535", 0},
        {"SRV 1 2 3", 1, 14, "where the name of a target is expected", 0},
        {"SRV 1 2 http a", 1, 13, "where a port is expected", 0},
        {"TXT", 1, 8, "where a text is expected", 0},
        {"TXT \\256", 1, 9, "broken escape", 0},
        {"TXT \"\\12\"", 1, 9, "broken escape", 0},
        {"TXT a=\"b\"", 1, 9, "quotes inside of", 0},
        {"HINFO PC", 1, 13, "where a text is expected", 0},
        {"CAA 256 issue x", 1, 9, "from 0 to 255", 0},
        {"CAA 0 is-sue x", 1, 11, "is not a value", 0},
        {"CAA 0 issue", 1, 16, "where a text is expected", 0},
        {"CAA 0 issue x y", 1, 19, "after the end", 0},
        {"DS 1 2 3 abc", 1, 14, "odd number", 0},
        {"DS 1 2 3 xy", 1, 14, "not hexadecimal", 0},
        {"DS 1 FOO 3 ab", 1, 10, "is not a value", 0},
        {"DS 1 300 3 ab", 1, 10, "from 0 to 255", 0},
        {"DS 1 2 3", 1, 13, "where hexadecimal digits is expected", 0},
        {"DNSKEY 256 3 13 AwEA*", 1, 21, "not base64", 0},
        {"DNSKEY 256 3 13 AwE", 1, 21, "the end of base64", 0},
        {"DNSKEY 256 3 13 AwF=", 1, 21, "the end of base64", 0},
        {"DNSKEY 256 3 13 A===", 1, 21, "not base64", 0},
        {"DNSKEY 256 3 13 AA== AA==", 1, 26, "not base64", 0},
        {"DNSKEY 256 3 13", 1, 20, "where base64 is expected", 0},
        {"NSEC a FOO", 1, 12, "not a type", 0},
        {"NSEC3 1 0 0 - 2vptu5timamqttgl4luu9kg21e0aor3w", 1, 19, "not base32hex", 0},
        {"NSEC3 1 0 0 - 2vp", 1, 19, "not base32hex", 0},
        {"NSEC3PARAM 1 0 0 abc", 1, 22, "odd number", 0},
        {"RRSIG A 5 3 5 20031322173103 1 1 . AAAA", 1, 19, "not a time", 0},
        {"RRSIG A 5 3 5 20030230000000 1 1 . AAAA", 1, 19, "not a time", 0},
        {"RRSIG A 5 3 5 2003 x 1 . AAAA", 1, 24, "not a time", 0},
        {"LOC 91 N 0 E 0", 1, 9, "part of a latitude", 0},
        {"LOC 52 60 N 0 E 0", 1, 12, "part of a latitude", 0},
        {"LOC 90 0 0.001 N 0 E 0", 1, 14, "within the range", 0},
        {"LOC 52 N 181 E 0", 1, 14, "part of a longitude", 0},
        {"LOC 52 N 0 E", 1, 17, "where an altitude is expected", 0},
        {"LOC 52 N 0 E -100000.01m", 1, 18, "not an altitude", 0},
        {"LOC 52 N 0 E 0 x", 1, 20, "not a size", 0},
        {"LOC 52 14 05 06 N 0 E 0", 1, 18, "part of a latitude", 0},
        {"APL 3:192.0.2.0/24", 1, 9, "not a prefix", 0},
        {"APL 1:192.0.2.0/33", 1, 9, "not a prefix", 0},
        {"APL 1:2001:db8::/32", 1, 9, "not a prefix", 0},
        {"APL 1:192.0.2.0", 1, 9, "not a prefix", 0},
        {"WKS 192.0.2.1 foo 25", 1, 19, "not a protocol", 0},
        {"WKS 192.0.2.1 TCP nosuchservice", 1, 23, "not a service", 0},
        {"WKS 192.0.2.1 TCP 65536", 1, 23, "not a service", 0},
        {"NSAP 47", 1, 10, "not an NSAP", 0},
        {"NSAP 0x4", 1, 10, "not an NSAP", 0},
        {"IPSECKEY 1 4 2 . AAAA", 1, 16, "not a gateway type", 0},
        {"IPSECKEY 1 0 2 a AAAA", 1, 20, "a dot", 0},
        {"IPSECKEY 1 1 2 a AAAA", 1, 20, "not an IPv4 address", 0},
        {"HIP 2 00", 1, 13, "where base64 is expected", 0},
        {"EUI48 00-00-5e-00-53", 1, 11, "is not a value", 0},
        {"NID 10 0014:4fff:ff20", 1, 12, "is not a value", 0},
        {"NULL abc", 1, 10, "expected \\#", 0},
        {"TYPE731 abc", 1, 13, "type TYPE731; expected \\#", 0},
        {"TYPE731", 1, 12, "where rdata is expected", 0},
        {"TYPE731 \\#", 1, 15, "where the length", 0},
        {"TYPE731 \\# x", 1, 16, "where the length", 0},
        {"TYPE731 \\# 65536 00", 1, 16, "where the length", 0},
        {"TYPE731 \\# 2 00", 1, 16, "length is 2, but 1 octets follow", 0},
        {"TYPE731 \\# 0 00", 1, 16, "length is 0, but 1 octets follow", 0},
        {"TYPE731 \\# 1 0", 1, 18, "odd number", 0},
        {"A \\# 3 000000", 1, 7, "not rdata of type A", 0},
        {"A \\# 5 0000000000", 1, 7, "not rdata of type A", 0},
        {"A \\# 0", 1, 7, "not rdata of type A", 0},
        {"NS \\# 3 016100ff", 1, 11, "octets follow", 0},
        {"NS \\# 2 c000", 1, 8, "not rdata of type NS", 0}, /* a compressed name */
        {"MX \\# 3 000a01", 1, 8, "not rdata of type MX", 0},
        {"TXT \\# 2 0261", 1, 9, "not rdata of type TXT", 0},
        {"SOA \\# 2 0000", 1, 9, "not rdata of type SOA", 0},
        {"HTTPS \\# 3 000100", 1, 0, NULL, 1},
        {"HTTPS \\# 7 00010000030001", 1, 11, "not rdata", 0},
        {"HTTPS \\# 15 00010000030002003500030002 0035", 1, 11, "not rdata", 0},
        {"SVCB x .", 1, 10, "a number", 0},
        {"SVCB 1 . foo=1", 1, 14, "not a parameter", 0},
        {"SVCB 1 . key065=1", 1, 14, "not a parameter", 0},
        {"SVCB 1 . key65535=1", 1, 14, "not a parameter", 0},
        {"SVCB 1 . \"alpn=h2\"", 1, 14, "not a parameter", 0},
        {"SVCB 1 . port=65536", 1, 19, "a port", 0},
        {"SVCB 1 . port", 1, 14, "= and a value", 0},
        {"SVCB 1 . port=", 1, 19, "a port", 0},
        {"SVCB 1 . port=1 port=2", 1, 21, "each key once", 0},
        {"SVCB 1 . alpn=", 1, 19, "protocol names", 0},
        {"SVCB 1 . alpn=h2,,h3", 1, 19, "protocol names", 0},
        {"SVCB 1 . alpn=h2, port=1", 1, 19, "protocol names", 0},
        {"SVCB 1 . alpn=\"h2\"x\"\"", 1, 24, "quote inside a word", 0},
        {"SVCB 1 . alpn=h2\\\\x", 1, 19, "before a comma or a backslash", 0},
        {"SVCB 1 . no-default-alpn", 1, 14, "alpn as well", 0},
        {"SVCB 1 . alpn=h2 no-default-alpn=1", 1, 22, "no value", 0},
        {"SVCB 1 . ipv4hint=192.0.2.1,x", 1, 33, "IPv4 addresses", 0},
        {"SVCB 1 . ipv4hint=", 1, 23, "IPv4 addresses", 0},
        {"SVCB 1 . ipv6hint=192.0.2.1", 1, 23, "IPv6 addresses", 0},
        {"SVCB 1 . ech=*", 1, 18, "not base64", 0},
        {"SVCB 1 . mandatory=port", 1, 14, "mandatory are there", 0},
        {"SVCB 1 . mandatory=mandatory", 1, 24, "mandatory may list", 0},
        {"SVCB 1 . mandatory=port,port port=1", 1, 24, "each key once", 0},
        {"SVCB 1 . key3=abc", 1, 14, "of the form", 0},
        {"SVCB 1 . key1=\\003h2", 1, 14, "of the form", 0},
        {"SVCB 1 . dohpath=", 1, 14, "of the form", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        struct outcome outcome;
        snprintf(text, sizeof text, "a 5 %s\n", cases[i].text);
        read_string(&outcome, text);
        if (outcome.count != cases[i].records) {
            fail_msg("%s: %zu records", cases[i].text, outcome.count);
        }
        if (cases[i].message != NULL) {
            assert_int_equal(report_errors(outcome.report), 1);
            assert_item(&outcome, 0, cases[i].line, cases[i].column, cases[i].message);
        }
        end(&outcome);
    }
}

static void alias_mode_with_parameters_is_a_warning(void **state)
{
    (void)state;
    struct outcome outcome;
    read_string(&outcome, "a 5 HTTPS 0 b port=1\n");
    assert_int_equal(outcome.code, 0);
    assert_int_equal(report_warnings(outcome.report), 1);
    assert_item(&outcome, 0, 1, 15, "alias mode");
    end(&outcome);
}

static void texts_have_a_limit(void **state)
{
    (void)state;
    char text[512], octets[257];
    memset(octets, 'x', 256);
    octets[256] = '\0';
    struct outcome outcome;
    snprintf(text, sizeof text, "a 5 TXT %.255s\n", octets);
    read_string(&outcome, text);
    assert_int_equal(outcome.count, 1);
    end(&outcome);
    snprintf(text, sizeof text, "a 5 TXT \"%s\"\n", octets);
    read_string(&outcome, text);
    assert_item(&outcome, 0, 1, 9, "longer than 255 octets");
    end(&outcome);
}

/* ---- $GENERATE ---- */

static void generate_makes_records(void **state)
{
    (void)state;
    static const struct good cases[] = {
        {"$TTL 5\n$GENERATE 1-3 h$ A 192.0.2.$\n",
         "h1.example.com. 5 A c0000201\nh2.example.com. 5 A c0000202\nh3.example.com. 5 A c0000203\n"},
        {"$generate 8-16/4 $ 5 in ptr h${1}\n", "8.example.com. 5 PTR 026839076578616d706c6503636f6d00\n"
                                                "12.example.com. 5 PTR 03683133076578616d706c6503636f6d00\n"
                                                "16.example.com. 5 PTR 03683137076578616d706c6503636f6d00\n"},
        {"$GENERATE 10-10 a${-10}b${0,4}c${0,0,x}d${0,4,X}e${245,2,o}f$$g\\$h IN 5 A 192.0.2.1\n",
         "a0b0010cad000Ae377f\\$g\\$h.example.com. 5 A c0000201\n"},
        {"$GENERATE 10-10 ${0,0,n}.${1,5,n}.${160,3,N}.${1,1,N} 5 A 192.0.2.1\n",
         "a.b.0.0.A.A.B.example.com. 5 A c0000201\n"},
        {"$GENERATE 5-6 @ 5 MX \"1$ mail$\"\n",
         "example.com. 5 MX 000f056d61696c35076578616d706c6503636f6d00\n"
         "example.com. 5 MX 0010056d61696c36076578616d706c6503636f6d00\n"},
        {"$GENERATE 5-5 @ 5 MX 1$ mail$\n", "example.com. 5 MX 000f056d61696c35076578616d706c6503636f6d00\n"},
        {"$GENERATE 5-5 @ 5 TXT \"\\\"a $;\\\"\"\n", "example.com. 5 TXT 046120353b\n"},
        {"$GENERATE 5-5 @ 5 TXT \"a $\" b$\n", "example.com. 5 TXT 03612035026235\n"},
        /* state comes back */
        {"$TTL 5\na A 192.0.2.1\n$GENERATE 1-1 b$ 60 A 192.0.2.$\n A 192.0.2.2\n",
         "a.example.com. 5 A c0000201\nb1.example.com. 60 A c0000201\na.example.com. 5 A c0000202\n"},
        {"$GENERATE 2147483647-2147483647 $ 5 A 192.0.2.1\n", "2147483647.example.com. 5 A c0000201\n"},
    };
    ASSERT_GOOD(cases);
}

static void generate_errors_have_places(void **state)
{
    (void)state;
    static const struct bad cases[] = {
        {"$GENERATE", 1, 10, "a range for $GENERATE", 0},
        {"$GENERATE 1", 1, 11, "not a range", 0},
        {"$GENERATE 2-1 $ 5 A 192.0.2.1", 1, 11, "not a range", 0},
        {"$GENERATE 1-2/0 $ 5 A 192.0.2.1", 1, 11, "not a range", 0},
        {"$GENERATE 1-2x $ 5 A 192.0.2.1", 1, 11, "not a range", 0},
        {"$GENERATE -1-2 $ 5 A 192.0.2.1", 1, 11, "not a range", 0},
        {"$GENERATE 1-2147483648 $ 5 A 192.0.2.1", 1, 11, "not a range", 0},
        {"$GENERATE 0-1048576 $ 5 A 192.0.2.1", 1, 11, "would make 1048577 records; at most 1048576", 0},
        {"$GENERATE 1-2", 1, 14, "an owner name", 0},
        {"$GENERATE 1-2 $", 1, 16, "a type", 0},
        {"$GENERATE 1-2 $ FOO x", 1, 17, "not a type", 0},
        {"$GENERATE 1-2 $ CH A x", 1, 17, "only IN", 0},
        {"$GENERATE 1-2 $ 5 A", 1, 20, "rdata for $GENERATE", 0},
        {"$GENERATE 1-2 ${ 5 A 192.0.2.1", 1, 15, "cannot be filled in", 0},
        {"$GENERATE 1-2 ${0,256} 5 A 192.0.2.1", 1, 15, "cannot be filled in", 0},
        {"$GENERATE 1-2 ${0,1,z} 5 A 192.0.2.1", 1, 15, "cannot be filled in", 0},
        {"$GENERATE 1-2 ${0,1,d 5 A 192.0.2.1", 1, 15, "cannot be filled in", 0},
        {"$GENERATE 1-2 ${-2} 5 A 192.0.2.1", 1, 15, "an offset that leaves", 0},
        {"$GENERATE 254-400 h$ 5 A 192.0.2.$", 1, 1,
         "not an IPv4 address; expected four numbers such as 192.0.2.1 "
         "(in $GENERATE at 256)",
         2}, /* once, then it ends */
        {"$GENERATE 1-2 h$ 5 TXT \"(\"", 1, 1, "parenthesis is not closed", 0},
        {"$GENERATE 1-2 \"h$\" 5 A 192.0.2.1", 1, 15, "in quotes", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome outcome;
        read_string(&outcome, cases[i].text);
        assert_item(&outcome, 0, cases[i].line, cases[i].column, cases[i].message);
        assert_int_equal(report_errors(outcome.report), 1);
        assert_int_equal(outcome.count, cases[i].records);
        end(&outcome);
    }
}

static void generate_reaches_its_bound(void **state)
{
    (void)state;
    struct outcome outcome;
    read_string(&outcome, "$GENERATE 0-1048575 h$ 5 A 192.0.2.1\n");
    assert_int_equal(outcome.code, 0);
    assert_int_equal(outcome.count, 1048576);
    end(&outcome);
}

/* ---- files ---- */

static char *make_folder(void)
{
    char *folder = memory_copy_text("/tmp/steerd-reader-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

static void write_file(const char *folder, const char *name, const char *text)
{
    char *path = memory_print("%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static void remove_folder(char *folder)
{
    char *command = memory_print("rm -rf -- '%s'", folder);
    assert_int_equal(system(command), 0);
    free(command);
    free(folder);
}

static void read_file(struct outcome *outcome, const char *folder, const char *name, const char *root)
{
    const struct zone_reader_options options = {.origin = "example.com.", .include_root = root};
    const struct zone_sink sink = {.context = outcome, .record = collect};
    char *path = memory_print("%s/%s", folder, name);
    begin(outcome);
    outcome->code = zone_read_file(path, &options, &sink, outcome->report);
    free(path);
}

static void includes_keep_the_state_of_the_file(void **state)
{
    (void)state;
    char *folder = make_folder(), *sub = memory_print("%s/sub", folder);
    struct outcome outcome;
    assert_int_equal(mkdir(sub, 0700), 0);
    write_file(folder, "main",
               "$TTL 5\na A 192.0.2.1\n$INCLUDE sub/one other ; comment\n A 192.0.2.2\nb A 192.0.2.3\n"
               "$include \"sub/\\116wo\"\n A 192.0.2.5");
    write_file(sub, "one",
               " A 192.0.2.10\nc A 192.0.2.11\n$TTL 60\n$ORIGIN org.\nd A 192.0.2.12\n$INCLUDE two");
    write_file(sub, "two", "e A 192.0.2.20");
    read_file(&outcome, folder, "main", NULL);
    assert_int_equal(outcome.code, 0);
    assert_string_equal(
        outcome.records.bytes,
        "a.example.com. 5 A c0000201\na.example.com. 5 A c000020a\nc.other.example.com. 5 A c000020b\n"
        "d.org. 60 A c000020c\ne.org. 60 A c0000214\na.example.com. 5 A c0000202\n"
        "b.example.com. 5 A c0000203\ne.example.com. 5 A c0000214\nb.example.com. 5 A c0000205\n");
    assert_string_equal(outcome.places.bytes,
                        "main:2:1\none:1:2\none:2:1\none:5:1\ntwo:1:1\nmain:4:2\nmain:5:1\n"
                        "two:1:1\nmain:7:2\n");
    end(&outcome);
    free(sub);
    remove_folder(folder);
}

static void includes_stay_inside(void **state)
{
    (void)state;
    char *folder = make_folder(), *zones = memory_print("%s/zones", folder),
         *link = memory_print("%s/link", zones);
    char *outside = memory_print("%s/outside", folder), *sibling = memory_print("%s/zones2", folder);
    char *absolute = memory_print("$INCLUDE %s/outside\n$INCLUDE %s/good\n", folder, zones);
    struct outcome outcome;
    assert_int_equal(mkdir(zones, 0700), 0);
    assert_int_equal(mkdir(sibling, 0700), 0);
    write_file(folder, "outside", "secret 5 A 192.0.2.66\n");
    write_file(sibling, "file", "secret 5 A 192.0.2.66\n");
    write_file(zones, "good", "a 5 A 192.0.2.1\n");
    assert_int_equal(symlink(outside, link), 0);
    write_file(zones, "main",
               "$INCLUDE ../outside\n$INCLUDE link\n$INCLUDE ../zones2/file\n$INCLUDE good\n"
               "$INCLUDE ../zones/good\n$INCLUDE .\n$INCLUDE nosuch\n$INCLUDE \"\"\n$INCLUDE \"a\\000b\"\n");
    write_file(zones, "absolute", absolute);
    read_file(&outcome, zones, "main", NULL);
    assert_string_equal(outcome.records.bytes, "a.example.com. 5 A c0000201\na.example.com. 5 A c0000201\n");
    assert_int_equal(report_errors(outcome.report), 7);
    assert_item(&outcome, 0, 1, 10, "outside of");
    assert_item(&outcome, 1, 2, 10, "outside of");
    assert_item(&outcome, 2, 3, 10, "outside of");
    assert_item(&outcome, 3, 6, 10, "outside of"); /* the folder itself */
    assert_item(&outcome, 4, 7, 10, "No such file");
    assert_item(&outcome, 5, 8, 10, "not the name of a file");
    assert_item(&outcome, 6, 9, 10, "not the name of a file");
    end(&outcome);
    read_file(&outcome, zones, "absolute", NULL);
    assert_int_equal(outcome.count, 1);
    assert_item(&outcome, 0, 1, 10, "outside of");
    end(&outcome);
    read_file(&outcome, zones, "main", folder); /* a wider root */
    assert_int_equal(outcome.count, 5);
    assert_int_equal(report_errors(outcome.report), 4);
    end(&outcome);
    free(zones);
    free(link);
    free(outside);
    free(sibling);
    free(absolute);
    remove_folder(folder);
}

static void includes_have_limits(void **state)
{
    (void)state;
    char *folder = make_folder();
    struct outcome outcome;
    write_file(folder, "loop", "a 5 A 192.0.2.1\n$INCLUDE loop2\n");
    write_file(folder, "loop2", "b 5 A 192.0.2.1\n$INCLUDE loop\nc 5 A 192.0.2.1\n");
    read_file(&outcome, folder, "loop", NULL);
    assert_int_equal(outcome.count, 3);
    assert_int_equal(report_errors(outcome.report), 1);
    assert_item(&outcome, 0, 2, 10, "includes itself");
    end(&outcome);
    for (int i = 0; i < 10; i++) {
        char name[16], text[64];
        snprintf(name, sizeof name, "f%d", i);
        snprintf(text, sizeof text, "a 5 A 192.0.2.1\n$INCLUDE f%d\n", i + 1);
        write_file(folder, name, text);
    }
    read_file(&outcome, folder, "f0", NULL);
    assert_int_equal(outcome.count, 9); /* the file and 8 included ones */
    assert_int_equal(report_errors(outcome.report), 1);
    assert_item(&outcome, 0, 2, 10, "deeper than 8");
    end(&outcome);
    /* Files that include the next one ten times each: 10^7 in all. */
    for (int i = 0; i < 7; i++) {
        struct buffer text;
        char name[16];
        buffer_init(&text);
        for (int j = 0; j < 10; j++) {
            buffer_print(&text, "$INCLUDE g%d\n", i + 1);
        }
        snprintf(name, sizeof name, "g%d", i);
        write_file(folder, name, text.bytes);
        buffer_fini(&text);
    }
    write_file(folder, "g7", "a 5 A 192.0.2.1\n");
    read_file(&outcome, folder, "g0", NULL);
    assert_true(outcome.count < 10000);
    assert_true(report_errors(outcome.report) < 1000);
    assert_non_null(strstr(report_get(outcome.report, 0)->message, "more than 10000 files"));
    end(&outcome);
    remove_folder(folder);
}

static void unreadable_files_are_reported(void **state)
{
    (void)state;
    char *folder = make_folder(), *fifo = memory_print("%s/fifo", folder);
    struct outcome outcome;
    read_file(&outcome, folder, "nosuch", NULL);
    assert_int_equal(outcome.code, -ENOENT);
    assert_int_equal(report_errors(outcome.report), 1);
    end(&outcome);
    read_file(&outcome, folder, ".", NULL);
    assert_int_equal(outcome.code, -EISDIR);
    end(&outcome);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    read_file(&outcome, folder, "fifo", NULL);
    assert_int_equal(outcome.code, -EINVAL);
    end(&outcome);
    free(fifo);
    remove_folder(folder);
}

/* The sample zones: what they hold was compared with named-compilezone, nsd-checkzone, kzonecheck and
 * dnspython. */
static void sample_zone_is_read(void **state)
{
    (void)state;
    const char *source = getenv("srcdir");
    struct outcome outcome;
    char *folder = memory_print("%s/tests/data/zones", source != NULL ? source : ".");
    char *path = memory_print("%s/mixed.records", folder);
    struct buffer expected;
    buffer_init(&expected);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    for (int c; (c = getc(file)) != EOF;) {
        buffer_add(&expected, &(char){(char)c}, 1);
    }
    fclose(file);
    read_file(&outcome, folder, "mixed.zone", NULL);
    assert_int_equal(report_count(outcome.report), 0);
    assert_string_equal(outcome.records.bytes, expected.bytes);
    end(&outcome);
    buffer_fini(&expected);
    free(path);
    free(folder);
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
        cmocka_unit_test(rdata_is_written),
        cmocka_unit_test(rdata_is_read_as_octets),
        cmocka_unit_test(rdata_errors_have_places),
        cmocka_unit_test(alias_mode_with_parameters_is_a_warning),
        cmocka_unit_test(texts_have_a_limit),
        cmocka_unit_test(generate_makes_records),
        cmocka_unit_test(generate_errors_have_places),
        cmocka_unit_test(generate_reaches_its_bound),
        cmocka_unit_test(includes_keep_the_state_of_the_file),
        cmocka_unit_test(includes_stay_inside),
        cmocka_unit_test(includes_have_limits),
        cmocka_unit_test(unreadable_files_are_reported),
        cmocka_unit_test(sample_zone_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
