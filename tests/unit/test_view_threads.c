/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of loading on many threads: whoever is faster, the view, the numbers of its policies and the report
 * are the same. */
#include "config.h"

#include "view_folder.h"

#include "base/buffer.h"
#include "base/parallel.h"
#include "dns/name.h"
#include "view/view.h"
#include "zone/zone.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ZONES = 120, ROUNDS = 10 };

static const char topology_json[] =
    "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}, \"b\": {\"azs\": {\"b1\": {}}}},"
    "\"endpoints\": {\"one\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.1\", \"2001:db8::1\"]},"
    "\"two\": {\"az\": \"b1\", \"addresses\": [\"192.0.2.2\"], \"weight\": 7}}}";

static FILE *open_file(const char *name, const char *mode)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, mode);
    assert_non_null(file);
    return file;
}

static void write_zone(int number, bool is_broken)
{
    char name[64];
    snprintf(name, sizeof name, "zones/z%03d.test.zone", number);
    FILE *file = open_file(name, "w");
    fprintf(file, "$TTL 60\n@ SOA ns host %d 1 1 1 60\n@ NS ns\nns A 192.0.2.53\n", number);
    for (int i = 0; i < number % 17 * 20; i++) {
        fprintf(file, "n%d A 10.0.0.%d\n", i, i % 256);
    }
    fprintf(file, number % 5 == 0 ? "ns A 192.0.2.53\n" : "");    /* a warning */
    fprintf(file, is_broken ? "x A 1.2.3\ny A 256.0.0.1\n" : ""); /* two errors */
    fclose(file);
}

/* Four kinds of policies, so that names of many zones share one; of every ninth zone it is broken. */
static void write_policy(int number)
{
    char name[64];
    snprintf(name, sizeof name, "zones/z%03d.test.json", number);
    FILE *file = open_file(name, "w");
    fprintf(file,
            "{\"names\": {\"www\": {\"endpoints\": [\"%s\"], \"answers\": %d, \"ttl\": %d}, \"api\": "
            "{\"endpoints\": [\"one\"], \"tiers\": [[\"%s\"]]}}}",
            number % 9 == 0 ? "nobody" : "*", 1 + number % 3, number, number % 2 == 0 ? "a" : "one");
    fclose(file);
}

static void write_site(unsigned threads, bool are_broken)
{
    FILE *file = open_file("steerd.json", "w");
    fprintf(file,
            "{\"listen\": \"127.0.0.1:1\", \"load_threads\": %u, \"zones\": \"zones\", \"topology\": "
            "\"topology.json\"}",
            threads);
    fclose(file);
    for (int i = 0; i < ZONES; i++) {
        write_zone(i, are_broken && i % 7 == 3);
        if (i % 3 != 1) {
            write_policy(i);
        }
    }
}

static int set_up(void **state)
{
    (void)state;
    folder_open();
    FILE *file = open_file("topology.json", "w");
    fputs(topology_json, file);
    fclose(file);
    return 0;
}

static struct view *compile(const struct view *previous, struct report *report)
{
    char path[96];
    snprintf(path, sizeof path, "%s/steerd.json", folder);
    struct view *view = view_compile(path, previous, 1, 0, 1, report);
    assert_non_null(view);
    return view;
}

/* Everything that could depend on the order of events. */
static void describe(const struct view *view, const struct report *report, struct buffer *text)
{
    char line[2048];
    buffer_init(text);
    for (size_t i = 0; i < report_count(report); i++) {
        buffer_print(text, "%s\n", report_write_item(report_get(report, i), line, sizeof line));
    }
    for (size_t i = 0; i < view->zone_count; i++) {
        const struct view_zone *zone = &view->zone_list[i];
        buffer_print(text, "%s serial %u names %u records %u steered %u failed %d stale %d\n", zone->origin,
                     zone->serial, zone->names, zone->records, zone->steered, zone->failed, zone->stale);
    }
    for (size_t i = 0; i < view->name_count; i++) {
        const struct view_name *name = &view->names[i];
        buffer_print(text, "%s of %s policy %u ttl %u\n", name->owner, name->zone, name->policy, name->ttl);
    }
    buffer_print(text, "%zu policies\n", steer_set_count(view->steer));
}

/* Loaded on this many threads, twice: the second time with broken zones that are carried over. */
static void load_twice(unsigned threads, struct buffer *first, struct buffer *second)
{
    struct report *reports[2] = {report_new(), report_new()};
    write_site(threads, false);
    struct view *before = compile(NULL, reports[0]);
    describe(before, reports[0], first);
    write_site(threads, true);
    struct view *after = compile(before, reports[1]);
    describe(after, reports[1], second);
    view_free(after);
    view_free(before);
    report_free(reports[0]);
    report_free(reports[1]);
}

static void threads_make_no_difference(void **state)
{
    (void)state;
    struct buffer expected[2], got[2];
    load_twice(1, &expected[0], &expected[1]);
    assert_non_null(strstr(expected[0].bytes, "nobody"));
    assert_non_null(strstr(expected[0].bytes, "z000.test. serial 0 names 0 records 0 steered 0 failed 1"));
    assert_non_null(strstr(expected[0].bytes, "www.z119.test. of z119.test."));
    assert_non_null(
        strstr(expected[1].bytes, "z003.test. serial 3 names 64 records 63 steered 2 failed 0 stale 1"));
    for (int round = 0; round < ROUNDS; round++) {
        load_twice(2 + (unsigned)round, &got[0], &got[1]);
        for (size_t i = 0; i < 2; i++) {
            assert_string_equal(got[i].bytes, expected[i].bytes);
            buffer_fini(&got[i]);
        }
    }
    buffer_fini(&expected[0]);
    buffer_fini(&expected[1]);
}

static void count_call(void *context, unsigned index)
{
    atomic_uint *calls = context;
    assert_true(index < 8);
    atomic_fetch_add(&calls[index], 1);
}

static void each_thread_works_once(void **state)
{
    (void)state;
    atomic_uint calls[8] = {0};
    parallel_run(8, count_call, calls);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(calls[i], 1);
    }
    parallel_run(0, count_call, calls); /* the caller works anyway */
    assert_int_equal(calls[0], 2);
    assert_true(parallel_processors() >= 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_thread_works_once),
        cmocka_unit_test_setup_teardown(threads_make_no_difference, set_up, folder_close),
    };
    return cmocka_run_group_tests_name("view_threads", tests, NULL, NULL);
}
