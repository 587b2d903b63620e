/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of sheet: what files say in both formats, the place of what is wrong, and files that are followed. */
#include "config.h"

#include "unit.h"

#include "base/log.h"
#include "sheet/sheets.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct sheet_table *parse(enum sheet_format format, const char *text, struct sheet_fault *fault)
{
    return sheet_parse(format, text, strlen(text), fault);
}

/* "up", "down", "-", and the reason behind it. */
static void expect_entry(const struct sheet_table *table, const char *key, const char *expected)
{
    struct sheet_entry entry;
    char seen[300] = "-";
    if (sheet_table_find(table, key, &entry)) {
        snprintf(seen, sizeof seen, "%s%s%s", entry.is_down ? "down" : "up",
                 entry.reason[0] == '\0' ? "" : " ", entry.reason);
    }
    assert_string_equal(seen, expected);
}

static void expect_fault(enum sheet_format format, const char *text, unsigned line, unsigned column,
                         const char *why)
{
    struct sheet_fault fault;
    struct sheet_table *table = parse(format, text, &fault);
    if (table != NULL || fault.line != line || fault.column != column || strstr(fault.why, why) == NULL) {
        print_error("%s: %u:%u: %s\n", text, fault.line, fault.column, table != NULL ? "taken" : fault.why);
        fail();
    }
}

static void json_says_what_it_says(void **state)
{
    struct sheet_fault fault;
    (void)state;
    struct sheet_table *table = parse(SHEET_JSON,
                                      " { \"a\" :\"up\",\"b\": \"down\"\n, \"$comment\": \"x\", \"c\": "
                                      "{\"reason\":\"a \\\"b\\\"\\u00e9\\n\" , \"state\": \"down\"},\r\n\t"
                                      "\"\\u0064\\ud83d\\ude00\\/\": {\"state\":\"up\", \"$comment\":\"\"},"
                                      "\"2001:DB8:0::1\":\"down\"}\n",
                                      &fault);
    assert_non_null(table);
    assert_int_equal(sheet_table_count(table), 5);
    expect_entry(table, "a", "up");
    expect_entry(table, "b", "down");
    expect_entry(table, "c", "down a \"b\"???");
    expect_entry(table, "d\xf0\x9f\x98\x80/", "up");
    expect_entry(table, "2001:db8::1", "down");
    expect_entry(table, "$comment", "-");
    expect_entry(table, "", "-");
    sheet_table_free(table);
    for (int i = 0; i < 2; i++) {
        table = parse(SHEET_JSON, i == 0 ? "" : " {\n} ", &fault);
        assert_int_equal(sheet_table_count(table), 0);
        sheet_table_free(table);
    }
}

static void json_is_read_strictly(void **state)
{
    (void)state;
    expect_fault(SHEET_JSON, "[]", 1, 1, "found '[', expected '{'");
    expect_fault(SHEET_JSON, "{", 1, 2, "found the end of the file");
    expect_fault(SHEET_JSON, "{\"a\"", 1, 5, "expected ':'");
    expect_fault(SHEET_JSON, "{\"a\":\"up\"", 1, 10, "expected ',' or '}'");
    expect_fault(SHEET_JSON, "{\"a\":\"up\",}", 1, 11, "expected '\"' of a name");
    expect_fault(SHEET_JSON, "{\"a\":\"up\"}x", 1, 11, "the end of the file");
    expect_fault(SHEET_JSON, "{\"a\":true}", 1, 6, "found 't'");
    expect_fault(SHEET_JSON, "{\n\"\xc3\xa9\": \"UP\"}", 2, 6, "found \"UP\", expected \"up\"");
    expect_fault(SHEET_JSON, "{\"a\":\"up\",\n\"b\":\"up\",\"a\":\"down\"}", 2, 10, "again, it is in line 1");
    expect_fault(SHEET_JSON, "{\"::1\":\"up\",\"0::1\":\"up\"}", 1, 13, "found \"::1\" again");
    expect_fault(SHEET_JSON, "{\"\":\"up\"}", 1, 2, "a name of 0 octets");
    expect_fault(SHEET_JSON, "{\"a\\u0000\":\"up\"}", 1, 2, "with a NUL");
    expect_fault(SHEET_JSON, "{\"a\":{}}", 1, 2, "found no \"state\"");
    expect_fault(SHEET_JSON, "{\"a\":{\"state\":\"up\",\"state\":\"up\"}}", 1, 20, "once each");
    expect_fault(SHEET_JSON, "{\"a\":{\"stat\":\"up\"}}", 1, 7, "found \"stat\"");
    expect_fault(SHEET_JSON, "{\"a\":{\"state\":{}}}", 1, 15, "expected a text");
    expect_fault(SHEET_JSON, "{\"a\\x\":\"up\"}", 1, 5, "an escape of JSON");
    expect_fault(SHEET_JSON, "{\"\\u12g4\":\"up\"}", 1, 7, "four hexadecimal digits");
    expect_fault(SHEET_JSON, "{\"\\ud83d\":\"up\"}", 1, 9, "a whole pair");
    expect_fault(SHEET_JSON, "{\"\\ud83d\\u0041\":\"up\"}", 1, 15, "a whole pair");
    expect_fault(SHEET_JSON, "{\"\\ude00\":\"up\"}", 1, 9, "a whole pair");
    expect_fault(SHEET_JSON, "{\"a\nb\":\"up\"}", 1, 4, "octet 0x0a");
    expect_fault(SHEET_JSON, "{\n\n\"a\xff\":\"up\"}", 3, 3, "found octet 0xff, expected UTF-8");
    expect_fault(SHEET_JSON, "\xef\xbb\xbf{}", 1, 1, "found octet 0xef");
}

static void gdnsd_says_what_it_says(void **state)
{
    struct sheet_fault fault;
    (void)state;
    struct sheet_table *table =
        parse(SHEET_GDNSD,
              "192.0.2.1 => UP/300 # comment\n192.0.2.2=down,; another\n\"a b\" => \"DOWN/0\" "
              "x\\.\\y\\0321\n=>\nUp\n2001:DB8::1 => dOwN/268435455\na$b=UP\"c\"=\"UP\"d=UP",
              &fault);
    assert_non_null(table);
    assert_int_equal(sheet_table_count(table), 8);
    expect_entry(table, "192.0.2.1", "up");
    expect_entry(table, "192.0.2.2", "down");
    expect_entry(table, "a b", "down");
    expect_entry(table, "x.y 1", "up");
    expect_entry(table, "2001:db8::1", "down");
    expect_entry(table, "a$b", "up");
    expect_entry(table, "c", "up");
    expect_entry(table, "d", "up");
    sheet_table_free(table);
}

/* All of these gdnsd 3.8.1 refuses as well, but for the empty name, the sign, and includes. */
static void gdnsd_is_read_strictly(void **state)
{
    (void)state;
    expect_fault(SHEET_GDNSD, "a => UP\na => DOWN\n", 2, 1, "found \"a\" again, it is in line 1");
    expect_fault(SHEET_GDNSD, "a => MAYBE", 1, 6, "found \"MAYBE\"");
    expect_fault(SHEET_GDNSD, "a => UP/268435456", 1, 6, "a TTL of at most");
    expect_fault(SHEET_GDNSD, "a => UP/", 1, 6, "UP or DOWN");
    expect_fault(SHEET_GDNSD, "a => UPS", 1, 6, "UP or DOWN");
    expect_fault(SHEET_GDNSD, "a => \"UP/+5\"", 1, 6, "UP or DOWN");
    expect_fault(SHEET_GDNSD, "{ a => UP }", 1, 1, "found '{', expected a name");
    expect_fault(SHEET_GDNSD, "a => [ UP ]", 1, 6, "found '['");
    expect_fault(SHEET_GDNSD, "a UP", 1, 3, "expected '=>'");
    expect_fault(SHEET_GDNSD, "a = > UP", 1, 5, "UP or DOWN");
    expect_fault(SHEET_GDNSD, "a => UP,,b => UP", 1, 9, "found ','");
    expect_fault(SHEET_GDNSD, ",a => UP", 1, 1, "found ','");
    expect_fault(SHEET_GDNSD, "a\\12x => UP", 1, 5, "three digits");
    expect_fault(SHEET_GDNSD, "a\\256 => UP", 1, 6, "at most \\255");
    expect_fault(SHEET_GDNSD, "a\\000 => UP", 1, 1, "with a NUL");
    expect_fault(SHEET_GDNSD, "a => \"U\"P", 1, 6, "found \"U\"");
    expect_fault(SHEET_GDNSD, "$include{x}", 1, 1, "$include is not followed");
    expect_fault(SHEET_GDNSD, "a => \"UP", 1, 9, "at the end of a string");
    expect_fault(SHEET_GDNSD, "a =>", 1, 5, "the end of the file");
    expect_fault(SHEET_GDNSD, "\"\" => UP", 1, 1, "a name of 0 octets");
    expect_fault(SHEET_GDNSD, "a\\", 1, 3, "the end of the file");
}

static void a_document_is_said_as_it_is(void **state)
{
    struct sheet_fault fault;
    (void)state;
    struct sheet_table *table = parse(SHEET_DOCUMENT, " \n{\"lag\": 5}\n", &fault);
    assert_non_null(table);
    expect_entry(table, SHEET_DOCUMENT_KEY, "up {\"lag\": 5}");
    sheet_table_free(table);
    table = parse(SHEET_DOCUMENT, "[]", &fault);
    expect_entry(table, SHEET_DOCUMENT_KEY, "up []");
    sheet_table_free(table);
    table = parse(SHEET_DOCUMENT, " \n", &fault);
    assert_int_equal(sheet_table_count(table), 0);
    sheet_table_free(table);
    expect_fault(SHEET_DOCUMENT, "\n {\"lag\": 5", 2, 2, "from its beginning to its end");
    expect_fault(SHEET_DOCUMENT, "{", 1, 1, "from its beginning to its end");
    expect_fault(SHEET_DOCUMENT, "{]", 1, 1, "from its beginning to its end");
    expect_fault(SHEET_DOCUMENT, "7", 1, 1, "from its beginning to its end");
    assert_null(sheet_parse(SHEET_DOCUMENT, "{\0}", 3, &fault));
    char *large = calloc(1, SHEET_DOCUMENT_MAX + 2);
    assert_non_null(large);
    memset(large, ' ', SHEET_DOCUMENT_MAX + 1);
    large[0] = '[';
    large[SHEET_DOCUMENT_MAX] = ']';
    expect_fault(SHEET_DOCUMENT, large, 1, 1, "found a file of 65537 octets, expected at most 65536");
    free(large);
}

static void many_names_are_found(void **state)
{
    enum { COUNT = 20000 };
    char key[32];
    (void)state;
    struct sheet_table *table = sheet_table_new();
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "host-%u", i);
        const struct sheet_entry entry = {.key = key, .reason = "", .line = i + 1, .is_down = i % 3 == 0};
        assert_int_equal(sheet_table_add(table, &entry), 0);
        assert_int_equal(sheet_table_add(table, &entry), i + 1);
    }
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "host-%u", i);
        expect_entry(table, key, i % 3 == 0 ? "down" : "up");
    }
    expect_entry(table, "host-20000", "-");
    sheet_table_free(table);
}

/* ---- files that are followed ---- */

struct scene {
    char folder[64], path[96], beside[96];
    struct sheets *sheets;
    struct sheet *sheet;
    int bell;
};

static void put(const struct scene *s, const char *text)
{
    FILE *file = fopen(s->beside, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(s->beside, s->path), 0);
}

/* However long it takes. "": it says nothing about it, so nothing is wrong any more. */
static void wait_word(const struct scene *s, const char *key, enum sheet_word word, const char *text)
{
    struct sheet_answer answer;
    for (;;) {
        sheet_find(s->sheet, key, 0, &answer);
        bool says = text[0] == '\0' ? answer.text[0] == '\0' : strstr(answer.text, text) != NULL;
        if (answer.word == word && says) {
            assert_int_equal(sheet_look(s->sheet, key, 0), answer.mark);
            return;
        }
        uint64_t rings;
        (void)poll(&(struct pollfd){.fd = s->bell, .events = POLLIN}, 1, 1000);
        ssize_t got = read(s->bell, &rings, sizeof rings);
        (void)got;
    }
}

static void begin(struct scene *s)
{
    snprintf(s->folder, sizeof s->folder, "/tmp/sheet.XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    snprintf(s->path, sizeof s->path, "%s/f", s->folder);
    snprintf(s->beside, sizeof s->beside, "%s/f.new", s->folder);
    log_set_level(LOG_LEVEL_ERROR);
    s->sheets = sheets_open();
    s->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    sheets_listen(s->sheets, s->bell);
}

static void end(struct scene *s)
{
    sheet_release(s->sheet);
    sheets_forget(s->sheets, s->bell);
    sheets_close(s->sheets);
    close(s->bell);
    (void)unlink(s->path);
    assert_int_equal(rmdir(s->folder), 0);
}

static void a_file_is_followed(void **state)
{
    struct scene s;
    struct sheet_status *list;
    (void)state;
    begin(&s);
    s.sheet = sheets_hold(s.sheets, s.path, SHEET_JSON);
    wait_word(&s, "a", SHEET_USELESS, "No such file");
    put(&s, "{\"a\":{\"state\":\"down\",\"reason\":\"why\"}}");
    wait_word(&s, "a", SHEET_DOWN, "why");
    wait_word(&s, "b", SHEET_UNNAMED, "does not name it");
    put(&s, "{\"a\":\"up\"}");
    wait_word(&s, "a", SHEET_UP, "");
    unsigned mark = sheet_look(s.sheet, "a", 0);
    put(&s, "{\"a\":\"down\",}");
    wait_word(&s, "a", SHEET_UP, "line 1, column 13");
    assert_int_not_equal(sheet_look(s.sheet, "a", 0), mark);
    assert_int_equal(sheets_list(s.sheets, &list), 1);
    assert_string_equal(list[0].path, s.path);
    assert_int_equal(list[0].state, SHEET_STATE_REFUSED);
    assert_int_equal(list[0].names, 1);
    assert_string_equal(sheet_format_text(list[0].format), "steerd");
    assert_non_null(strstr(list[0].why, "line 1, column 13: "));
    assert_true(list[0].read_ms >= list[0].modified_ms && list[0].modified_ms != 0);
    sheets_free_list(list, 1);
    put(&s, "{\"a\":\"up\"}");
    wait_word(&s, "a", SHEET_UP, "");
    assert_int_equal(sheets_list(s.sheets, &list), 1);
    assert_int_equal(list[0].state, SHEET_STATE_GOOD);
    assert_string_equal(list[0].why, "");
    sheets_free_list(list, 1);
    assert_int_equal(unlink(s.path), 0);
    wait_word(&s, "a", SHEET_USELESS, "No such file");
    assert_int_equal(sheets_list(s.sheets, &list), 1);
    assert_int_equal(list[0].state, SHEET_STATE_USELESS);
    assert_int_equal(list[0].modified_ms, 0);
    assert_int_equal(list[0].read_ms, 0);
    sheets_free_list(list, 1);
    put(&s, " \n");
    wait_word(&s, "a", SHEET_USELESS, "no name is in it");
    put(&s, "{");
    wait_word(&s, "a", SHEET_USELESS, "line 1, column 2");
    end(&s);
}

static void holders_share_it(void **state)
{
    struct scene s;
    struct sheet_status *list;
    (void)state;
    begin(&s);
    put(&s, "a => UP");
    s.sheet = sheets_hold(s.sheets, s.path, SHEET_GDNSD);
    struct sheet *again = sheets_hold(s.sheets, s.path, SHEET_GDNSD);
    struct sheet *other = sheets_hold(s.sheets, s.path, SHEET_JSON);
    assert_ptr_equal(again, s.sheet);
    assert_ptr_not_equal(other, s.sheet);
    wait_word(&s, "a", SHEET_UP, "");
    sheet_release(again);
    sheet_release(other);
    put(&s, "a => DOWN");
    wait_word(&s, "a", SHEET_DOWN, "");
    assert_int_equal(sheets_list(s.sheets, &list), 1);
    sheets_free_list(list, 1);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_says_what_it_says),      cmocka_unit_test(json_is_read_strictly),
        cmocka_unit_test(gdnsd_says_what_it_says),     cmocka_unit_test(gdnsd_is_read_strictly),
        cmocka_unit_test(a_document_is_said_as_it_is), cmocka_unit_test(many_names_are_found),
        cmocka_unit_test(a_file_is_followed),          cmocka_unit_test(holders_share_it),
    };
    return cmocka_run_group_tests_name("sheet", tests, NULL, NULL);
}
