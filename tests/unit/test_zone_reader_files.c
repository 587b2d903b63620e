/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the master-file reader: $GENERATE, $INCLUDE and its fences, files that cannot be read. */
#include "config.h"

#include "unit.h"
#include "zone_reader_fixture.h"

#include "base/buffer.h"
#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
        outcome_assert_bad(&cases[i], cases[i].text);
    }
}

static void an_error_ends_the_directive(void **state)
{
    (void)state;
    struct outcome outcome;
    outcome_read(&outcome, "$TTL 5\n$GENERATE 255-400 h$ A 192.0.2.$\na A 192.0.2.1\n");
    assert_int_equal(report_errors(outcome.report), 1);
    assert_string_equal(outcome.records.bytes,
                        "h255.example.com. 5 A c00002ff\na.example.com. 5 A c0000201\n");
    outcome_end(&outcome);
}

static void generate_reaches_its_bound(void **state)
{
    (void)state;
    struct outcome outcome;
    outcome_read(&outcome, "$GENERATE 0-1048575 h$ 5 A 192.0.2.1\n");
    assert_int_equal(outcome.code, 0);
    assert_int_equal(outcome.count, 1048576);
    outcome_end(&outcome);
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

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void remove_folder(char *folder)
{
    assert_int_equal(nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(folder);
}

static void read_file(struct outcome *outcome, const char *folder, const char *name, const char *root)
{
    const struct zone_reader_options options = {.origin = "example.com.", .include_root = root};
    const struct zone_sink sink = {.context = outcome, .record = outcome_collect};
    char *path = memory_print("%s/%s", folder, name);
    outcome_begin(outcome);
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
    outcome_end(&outcome);
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
    outcome_assert_item(&outcome, 0, 1, 10, "outside of");
    outcome_assert_item(&outcome, 1, 2, 10, "outside of");
    outcome_assert_item(&outcome, 2, 3, 10, "outside of");
    outcome_assert_item(&outcome, 3, 6, 10, "outside of"); /* the folder itself */
    outcome_assert_item(&outcome, 4, 7, 10, "No such file");
    outcome_assert_item(&outcome, 5, 8, 10, "not the name of a file");
    outcome_assert_item(&outcome, 6, 9, 10, "not the name of a file");
    outcome_end(&outcome);
    read_file(&outcome, zones, "absolute", NULL);
    assert_int_equal(outcome.count, 1);
    outcome_assert_item(&outcome, 0, 1, 10, "outside of");
    outcome_end(&outcome);
    read_file(&outcome, zones, "main", folder); /* a wider root */
    assert_int_equal(outcome.count, 5);
    assert_int_equal(report_errors(outcome.report), 4);
    outcome_end(&outcome);
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
    outcome_assert_item(&outcome, 0, 2, 10, "includes itself");
    outcome_end(&outcome);
    for (int i = 0; i < 10; i++) {
        char name[16], text[64];
        snprintf(name, sizeof name, "f%d", i);
        snprintf(text, sizeof text, "a 5 A 192.0.2.1\n$INCLUDE f%d\n", i + 1);
        write_file(folder, name, text);
    }
    read_file(&outcome, folder, "f0", NULL);
    assert_int_equal(outcome.count, 9); /* the file and 8 included ones */
    assert_int_equal(report_errors(outcome.report), 1);
    outcome_assert_item(&outcome, 0, 2, 10, "deeper than 8");
    outcome_end(&outcome);
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
    outcome_end(&outcome);
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
    outcome_end(&outcome);
    read_file(&outcome, folder, ".", NULL);
    assert_int_equal(outcome.code, ERROR_INVALID);
    assert_string_equal(report_get(outcome.report, 0)->message,
                        "cannot read the zone file: found a folder, expected a regular file");
    outcome_end(&outcome);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    read_file(&outcome, folder, "fifo", NULL);
    assert_int_equal(outcome.code, ERROR_INVALID);
    assert_string_equal(report_get(outcome.report, 0)->message,
                        "cannot read the zone file: found a FIFO, expected a regular file");
    outcome_end(&outcome);
    write_file(folder, "includes", "$TTL 5\n$INCLUDE fifo\n");
    read_file(&outcome, folder, "includes", NULL);
    assert_non_null(
        strstr(report_get(outcome.report, 0)->message, "fifo: found a FIFO, expected a regular file"));
    outcome_end(&outcome);
    free(fifo);
    remove_folder(folder);
}

static void grow(const char *folder, const char *name, off_t size)
{
    char *path = memory_print("%s/%s", folder, name);
    assert_int_equal(truncate(path, size), 0);
    free(path);
}

/* The first piece says that it is none; nothing behind it is read, and no memory is filled with it. */
static void what_is_no_text_is_refused_at_once(void **state)
{
    (void)state;
    char *folder = make_folder();
    struct outcome outcome;
    write_file(folder, "zeros", "@ 5 A 192.0.2.1\n;");
    grow(folder, "zeros", (off_t)1 << 30);
    read_file(&outcome, folder, "zeros", NULL);
    assert_int_equal(outcome.code, ERROR_INVALID);
    assert_int_equal(report_errors(outcome.report), 1);
    const struct report_item *item = report_get(outcome.report, 0);
    assert_string_equal(item->message, "a NUL octet; expected text");
    assert_int_equal(item->place.line, 2);
    assert_int_equal(item->place.column, 2);
    outcome_end(&outcome);
    write_file(folder, "includes", "$TTL 5\n$INCLUDE zeros\n");
    read_file(&outcome, folder, "includes", NULL);
    assert_non_null(strstr(report_get(outcome.report, 0)->message,
                           "zeros: in line 2, column 2: a NUL octet; expected text"));
    outcome_end(&outcome);
    grow(folder, "zeros", (off_t)10 << 30);
    read_file(&outcome, folder, "zeros", NULL);
    assert_int_equal(outcome.code, ERROR_TOO_LARGE);
    outcome_end(&outcome);
    remove_folder(folder);
}

/* A line across pieces is still one: its place is found, and so is what is behind it. */
static void lines_and_errors_have_limits(void **state)
{
    (void)state;
    enum { MAX = 1 << 20 };
    char *folder = make_folder();
    struct outcome outcome;
    struct buffer text;
    buffer_init(&text);
    buffer_print(&text, "a 5 A 192.0.2.1\n;");
    while (text.len < 16 + MAX) {
        buffer_add(&text, "x", 1);
    }
    buffer_print(&text, "\nb 5 A 192.0.2.2\n");
    write_file(folder, "long", text.bytes);
    read_file(&outcome, folder, "long", NULL);
    assert_int_equal(outcome.code, 0);
    assert_int_equal(outcome.count, 2);
    outcome_end(&outcome);
    text.bytes[16 + MAX] = 'x';
    write_file(folder, "long", text.bytes);
    read_file(&outcome, folder, "long", NULL);
    const struct report_item *item = report_get(outcome.report, 0);
    assert_string_equal(item->message, "the line is longer than 1048576 octets; expected text");
    assert_int_equal(item->place.line, 2);
    outcome_end(&outcome);
    buffer_fini(&text);
    buffer_init(&text);
    for (int i = 0; i < 100000; i++) {
        buffer_print(&text, "a 5 B\n");
    }
    write_file(folder, "errors", text.bytes);
    read_file(&outcome, folder, "errors", NULL);
    assert_int_equal(report_errors(outcome.report), 10002);
    outcome_end(&outcome);
    buffer_fini(&text);
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
    outcome_end(&outcome);
    buffer_fini(&expected);
    free(path);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generate_makes_records),
        cmocka_unit_test(generate_errors_have_places),
        cmocka_unit_test(an_error_ends_the_directive),
        cmocka_unit_test(generate_reaches_its_bound),
        cmocka_unit_test(includes_keep_the_state_of_the_file),
        cmocka_unit_test(includes_stay_inside),
        cmocka_unit_test(includes_have_limits),
        cmocka_unit_test(unreadable_files_are_reported),
        cmocka_unit_test(what_is_no_text_is_refused_at_once),
        cmocka_unit_test(lines_and_errors_have_limits),
        cmocka_unit_test(sample_zone_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
