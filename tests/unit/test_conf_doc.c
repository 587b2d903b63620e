/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what all documents have in common: syntax errors, places, files, values, tables. The topology
 * stands for every document where one is needed. */
#include "config.h"

#include "test_conf.h"

#include "base/arena.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/utf8.h"
#include "conf/doc.h"
#include "conf/keytable.h"
#include "conf/locate.h"
#include "conf/suggest.h"
#include "conf/topology.h"
#include "conf/value.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct report *parse(const char *text, size_t len)
{
    struct report *report = report_new();
    assert_null(conf_parse_topology("t.json", text, len, report));
    return report;
}

static void expect_syntax_error(const char *text, unsigned line, const char *message)
{
    struct report *report = parse(text, strlen(text));
    assert_int_equal(report_count(report), 1);
    assert_int_equal(report_get(report, 0)->place.line, line);
    assert_string_equal(report_get(report, 0)->place.file, "t.json");
    assert_non_null(strstr(report_get(report, 0)->message, message));
    report_free(report);
}

static void syntax_errors_have_places(void **state)
{
    (void)state;
    expect_syntax_error("", 1, "not valid JSON");
    expect_syntax_error("{\n\"a\": 1,\n}", 3, "string or '}' expected");
    expect_syntax_error("{\"a\": 1\n, \"a\": 2}", 2, "duplicate object key");
    expect_syntax_error("{\"a\": 1} x", 1, "end of file expected");
    expect_syntax_error("{\"a\": 99999999999999999999}", 1, "too big integer");
    expect_syntax_error("{\"a\": \"\\u0000\"}", 1, "not valid JSON");
    expect_syntax_error("{\"a\": \"\xff\"}", 1, "not valid JSON");
    expect_line(parse("{ \"a\": b }", 10), "t.json:1:8: error: not valid JSON: invalid token near 'b'");
    expect_line(parse("\n []", 4), "t.json:2:2: error: found an array, expected an object (at $)");
}

static void depth_is_bounded(void **state)
{
    (void)state;
    enum { DEPTH = 1000000 };
    char *text = malloc(DEPTH);
    memset(text, '[', DEPTH);
    struct report *report = parse(text, DEPTH);
    assert_int_equal(report_count(report), 1);
    assert_non_null(strstr(report_get(report, 0)->message, "maximum parsing depth"));
    report_free(report);
    free(text);
}

static void put(char *to, const char *text)
{
    while (*text != '\0') {
        *to++ = *text++;
    }
}

/* Columns count characters, and neither long lines nor escapes in keys confuse them. */
static void places_are_exact(void **state)
{
    (void)state;
    expect_line(
        parse("{\"$comment\": \"\xc3\xa9\xe2\x82\xac\\\"}{\", \"x\": 1, \"regions\": {\"r\": {\"azs\": "
              "{\"a\": {}}}}}",
              71),
        "t.json:1:24: error: unknown key \"x\", expected one of \"regions\", \"checks\", \"endpoints\", "
        "\"groups\", \"objectives\", \"rules\", \"brake\", \"geo_rules\", \"families\", \"ramp\", "
        "\"name_groups\" (at $.x)");
    char *text = malloc(30000);
    memset(text, ' ', 30000);
    put(text, "{\"\\u0072egions\":\r\n");
    put(text + 4095, "\n");
    put(text + 12288, "7}");
    expect_line(parse(text, 30000), "t.json:3:8193: error: found 7, expected an object (at $.regions)");
    free(text);
}

static void messages_do_not_steer_terminals(void **state)
{
    (void)state;
    struct report *report = parse("{\"\\u001b[31mx\\u009b\": 1, \"regions\": 1}", 41 - 3);
    assert_int_equal(report_count(report), 2);
    assert_non_null(strstr(report_get(report, 0)->message, "unknown key \"?[31mx??\""));
    assert_string_equal(report_get(report, 0)->place.path, "$[\"?[31mx??\"]");
    report_free(report);
    char text[32] = "a\xe2\x82", good[] = "\xc3\xa9\xf0\x9f\x98\x80";
    utf8_make_printable(text);
    assert_string_equal(text, "a??");
    char turned[] = "a\xe2\x80\xae"
                    "b\xe2\x81\xa9"
                    "c\xd8\x9c"; /* U+202E, U+2069, U+061C */
    utf8_make_printable(turned);
    assert_string_equal(turned, "a???b???c??");
    utf8_make_printable(good);
    assert_string_equal(good, "\xc3\xa9\xf0\x9f\x98\x80");
}

static void files_are_checked(void **state)
{
    (void)state;
    char folder[] = "test_conf_doc.XXXXXX", path[64];
    struct report *report = report_new();
    assert_non_null(mkdtemp(folder));
    assert_null(conf_load_topology(folder, report));
    assert_string_equal(report_get(report, 0)->message,
                        "cannot be read: found a folder, expected a regular file");
    snprintf(path, sizeof path, "%s/x", folder);
    assert_null(conf_load_topology(path, report));
    assert_string_equal(report_get(report, 1)->message, "cannot be read: No such file or directory");
    assert_string_equal(report_get(report, 1)->place.file, path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_null(conf_load_topology(path, report));
    assert_string_equal(report_get(report, 2)->message,
                        "cannot be read: found a FIFO, expected a regular file");
    assert_int_equal(unlink(path), 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), (256 << 20) + 1), 0);
    assert_int_equal(fclose(file), 0);
    assert_null(conf_load_topology(path, report));
    assert_string_equal(report_get(report, 3)->message,
                        "too large: found 268435457 octets, expected at most 268435456");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(folder), 0);
    report_free(report);
}

static void durations_are_parsed(void **state)
{
    (void)state;
    uint64_t ms;
    char text[VALUE_DURATION_SIZE];
    static const char *const bad[] = {"",     "s",   "2",   "2 s", " 2s", "2S",
                                      "1.5s", "-1s", "+1s", "1sm", "1d",  "0x1s"};
    static const char *const good[] = {"0s", "1ms", "999ms", "1s", "59s", "1m", "1h", "999999999999h"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(value_parse_duration(bad[i], &ms), ERROR_SYNTAX);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(value_parse_duration(good[i], &ms), 0);
        assert_string_equal(value_write_duration(ms, text), good[i]);
    }
    assert_int_equal(value_parse_duration("1000000000000h", &ms), ERROR_TOO_LARGE);
    assert_int_equal(value_parse_duration("90s", &ms), 0);
    assert_int_equal(ms, 90000);
}

static void sizes_are_parsed(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      "MiB",   "1",      "1MB",   "1 MiB",
                                      " 1MiB", "-1MiB", "1.5GiB", "1GiB ", "0x1MiB"};
    uint64_t size;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(value_parse_size(bad[i], &size), ERROR_SYNTAX);
    }
    assert_int_equal(value_parse_size("1234567KiB", &size), ERROR_TOO_LARGE);
    assert_int_equal(value_parse_size("0KiB", &size), 0);
    assert_int_equal(size, 0);
    assert_int_equal(value_parse_size("3MiB", &size), 0);
    assert_int_equal(size, 3 << 20);
    assert_int_equal(value_parse_size("999999TiB", &size), 0);
    assert_int_equal(size >> 40, 999999);
}

static void patterns_match(void **state)
{
    (void)state;
    assert_true(value_matches("*", ""));
    assert_true(value_matches("web-*", "web-"));
    assert_true(value_matches("web-*", "web-a"));
    assert_false(value_matches("web-*", "xweb-a"));
    assert_true(value_matches("*-a", "b-a-a"));
    assert_false(value_matches("*-a", "b-a-"));
    assert_true(value_matches("a*b*c", "axxbyybzc"));
    assert_false(value_matches("a*b*c", "axxcyybz"));
    assert_true(value_matches("a", "a"));
    assert_false(value_matches("a", "A"));
    assert_false(value_matches("a?", "ab"));
    assert_true(value_matches("***", "x"));
    assert_false(value_matches("", "x"));
}

static void suggestions_are_bounded(void **state)
{
    (void)state;
    struct thing {
        const char *name;
        int other;
    } things[12];
    char names[12][8];
    for (int i = 0; i < 12; i++) {
        snprintf(names[i], sizeof names[i], "thing%d", i);
        things[i].name = names[i];
    }
    struct suggest_list list = {things, 12, sizeof *things};
    struct buffer words;
    buffer_init(&words);
    suggest_write("qqqqqq", &list, 1, &words);
    assert_string_equal(words.bytes,
                        "; there are \"thing0\", \"thing1\", \"thing2\", \"thing3\", \"thing4\", \"thing5\", "
                        "\"thing6\", \"thing7\" and 4 more");
    buffer_fini(&words);
}

static void tables_find_what_was_added(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    struct arena *arena = arena_new(0);
    struct keytable *table = keytable_new(arena);
    static int values[COUNT];
    for (int i = 0; i < COUNT; i++) {
        char *key = arena_print(arena, "key-%d", i);
        assert_true(keytable_add(table, key, strlen(key), &values[i]));
        assert_false(keytable_add(table, key, strlen(key), NULL));
    }
    for (int i = 0; i < COUNT; i++) {
        char key[16];
        snprintf(key, sizeof key, "key-%d", i);
        assert_ptr_equal(keytable_find(table, key, strlen(key)), &values[i]);
        assert_null(keytable_find(table, key, strlen(key) + 1));
    }
    assert_null(keytable_find(table, "", 0));
    arena_free(arena);
}

/* On text that is no JSON the walker's answers mean nothing, but it ends and stays inside. */
static void locating_in_garbage_ends(void **state)
{
    (void)state;
    static const char *const garbage[] = {"",       "\"",      "{",    "[",  "[,,,", "{\"a",
                                          "{\"a\\", "{\"a\":", "[[[[", "{]", "[}"};
    const size_t path[LOCATE_MAX_DEPTH + 1] = {0};
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        char *text = malloc(strlen(garbage[i]) + 1); /* so that a sanitizer sees its end */
        memcpy(text, garbage[i], strlen(garbage[i]));
        struct locate *locate = locate_new(text, strlen(garbage[i]));
        size_t key, value;
        unsigned line, column;
        for (size_t depth = 0; depth <= LOCATE_MAX_DEPTH + 1; depth++) {
            if (locate_find_value(locate, path, depth, &key, &value) == 0) {
                locate_get_place(locate, value, &line, &column);
                assert_int_equal(line, 1);
            }
        }
        locate_free(locate);
        free(text);
    }
}

/* All members of "names" as they are read, or NULL if the document is refused. */
static char *read_names(struct doc *doc)
{
    struct buffer text;
    struct doc_node root, names, child = {0};
    buffer_init(&text);
    buffer_add_text(&text, "");
    if (doc != NULL) {
        root = doc_get_root(doc);
        bool has_names = doc_find(&root, "names", &names) && doc_is_object(&names);
        while (has_names && doc_next(&names, &child)) {
            unsigned line, column;
            doc_find_key_place(&child, &line, &column);
            buffer_print(&text, "%s %u:%u %zu ", child.key, line, column, child.ordinal);
            doc_dump(&child, &text);
        }
    }
    char *read = doc == NULL || doc_has_errors(doc) ? NULL : memory_copy_text(text.bytes);
    buffer_fini(&text);
    doc_free(doc);
    return read;
}

static void hold_split_to_whole(const char *text, size_t len)
{
    struct report *reports[] = {report_new(), report_new()};
    char *whole = read_names(doc_parse("t.json", text, len, reports[0]));
    char *split = read_names(doc_parse_split("t.json", &(struct doc_text){text, len}, "names", reports[1]));
    if (whole == NULL) {
        char line[2][2000];
        assert_null(split);
        assert_int_equal(report_errors(reports[1]), 1);
        assert_string_equal(report_write_item(report_get(reports[1], 0), line[1], sizeof line[1]),
                            report_write_item(report_get(reports[0], 0), line[0], sizeof line[0]));
    } else {
        assert_non_null(split);
        assert_string_equal(split, whole);
    }
    for (size_t i = 0; i < 2; i++) {
        report_free(reports[i]);
    }
    free(whole);
    free(split);
}

/* A document whose names are read one by one is judged like any other, whatever is wrong with it. */
static void names_are_read_one_by_one(void **state)
{
    (void)state;
    static const char text[] =
        "{\"ttl_floor\": 5, \"$comment\": [1, \"}\"],\n \"names\" : { \"www\": {\"a\": "
        "[1, {}, \"x\\\"y\"]},\n\t\"$comment\": \"no name\", \"\\u0061pi.ex\": [ true ],"
        "\n\"*\":null , \"empty\":{},\"last!\": -1.5e3 },\n \"sets\": {\"q\": {}} }\n";
    enum { LEN = sizeof text - 1, ROUNDS = 20000 };
    static const char bytes[] = "{}[]\",:\\ \nnt1-\xff";
    struct random random;
    random_init(&random, 1);
    hold_split_to_whole(text, LEN);
    static const char *const others[] = {"{\"names\": {}}", "{\"names\": 1}", "{\"names\": {\"a\": 1]}",
                                         "{\"names\": {\"a\": 1}, \"names\": {}}"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        hold_split_to_whole(others[i], strlen(others[i]));
    }
    for (size_t len = 0; len < LEN; len++) {
        hold_split_to_whole(text, len);
    }
    for (int round = 0; round < ROUNDS; round++) {
        char changed[LEN];
        memcpy(changed, text, LEN);
        for (uint64_t i = random_below(&random, 3) + 1; i > 0; i--) {
            changed[random_below(&random, LEN)] = bytes[random_below(&random, sizeof bytes - 1)];
        }
        hold_split_to_whole(changed, LEN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(syntax_errors_have_places), cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(places_are_exact),          cmocka_unit_test(messages_do_not_steer_terminals),
        cmocka_unit_test(files_are_checked),         cmocka_unit_test(durations_are_parsed),
        cmocka_unit_test(sizes_are_parsed),          cmocka_unit_test(patterns_match),
        cmocka_unit_test(suggestions_are_bounded),   cmocka_unit_test(tables_find_what_was_added),
        cmocka_unit_test(locating_in_garbage_ends),  cmocka_unit_test(names_are_read_one_by_one),
    };
    return cmocka_run_group_tests_name("conf documents", tests, NULL, NULL);
}
