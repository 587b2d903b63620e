/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of zones that a load does not read: which go on, and what makes one be read again. */
#include "config.h"

#include "view_folder.h"

#include "base/source.h"
#include "dns/name.h"
#include "view/sources.h"
#include "view/view.h"
#include "zone/zone.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define RECORDS "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.53\n"
#define SERVER  "{\"listen\": \"127.0.0.1:1\", \"zones\": \"zones\", \"topology\": \"topology.json\""
#define WARNING                                                                                              \
    "zones/w.test.zone:3:1: warning: the name server ns.w.test. has no address (A or AAAA) in this zone"

static void put_topology(const char *address)
{
    char text[256];
    snprintf(text, sizeof text,
             "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}}, \"endpoints\": {"
             "\"one\": {\"az\": \"a1\", \"addresses\": [\"%s\"]}}}",
             address);
    put("topology.json", text);
}

static int set_up(void **state)
{
    (void)state;
    folder_open();
    put("steerd.json", SERVER "}");
    put_topology("192.0.2.1");
    put("zones/a.test.zone", RECORDS);
    put("zones/i.test.zone", RECORDS "$INCLUDE more.inc\n");
    put("zones/more.inc", "more A 192.0.2.9\n");
    put("zones/s.test.zone", RECORDS);
    put("zones/s.test.json", "{\"names\": {\"www\": {\"endpoints\": [\"one\"]}}}");
    put("zones/t.test.zone", RECORDS);
    put("zones/t.test.json", "{\"names\": {\"api\": {\"endpoints\": [\"one\"]}}}");
    put("zones/w.test.zone", "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\n");
    return 0;
}

static const struct zone *find_zone(const struct view *view, const char *origin)
{
    uint8_t wire[DNS_NAME_MAX + 1];
    assert_true(dns_name_parse(origin, NULL, wire) > 0);
    return zone_table_get(view->zones, wire);
}

/* Takes the previous view. The only thing that there is to say is the warning. */
static struct view *load(struct view *previous)
{
    char path[96], line[512];
    struct report *report = report_new();
    snprintf(path, sizeof path, "%s/steerd.json", folder);
    struct view *view = view_compile(path, previous, 1, 0, 1, report);
    assert_non_null(view);
    assert_int_equal(report_count(report), 1);
    report_write_item(report_get(report, 0), line, sizeof line);
    assert_string_equal(line + strlen(folder) + 1, WARNING);
    report_free(report);
    return view;
}

/* Load until nothing is read any more: the files have to be a while old. */
static struct view *settle(struct view *view)
{
    for (bool is_settled = false; !is_settled;) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
        struct view *next = load(view);
        is_settled = true;
        static const char *const origins[] = {"a.test.", "i.test.", "s.test.", "t.test.", "w.test."};
        for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
            is_settled &= zone_is_unchanged(find_zone(view, origins[i]), find_zone(next, origins[i]));
        }
        view_free(view);
        view = next;
    }
    return view;
}

/* Loads once more: which zones are read? By the first letters of their names. Frees `before`. */
static struct view *assert_read(struct view *before, const char *letters)
{
    static const char all[] = "aistw";
    struct view *after = load(before);
    char read[sizeof all] = "";
    size_t count = 0;
    for (size_t i = 0; i < sizeof all - 1; i++) {
        char origin[] = {all[i], '.', 't', 'e', 's', 't', '.', '\0'};
        if (!zone_is_unchanged(find_zone(before, origin), find_zone(after, origin))) {
            read[count++] = all[i];
        }
    }
    assert_string_equal(read, letters);
    view_free(before);
    return after;
}

static void assert_steered(const struct view *view)
{
    static const char *const owners[] = {"api.t.test.", "www.s.test."};
    assert_int_equal(view->name_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(view->names[i].owner, owners[i]);
        assert_int_equal(steer_set_get(view->steer, view->names[i].policy)->members[0].endpoint, 0);
    }
}

static void what_did_not_change_goes_on(void **state)
{
    (void)state;
    struct view *before = settle(load(NULL)), *after = load(before);
    assert_ptr_equal(find_zone(before, "a.test."), find_zone(after, "a.test."));
    assert_ptr_equal(find_zone(before, "i.test."), find_zone(after, "i.test."));
    assert_ptr_equal(find_zone(before, "w.test."), find_zone(after, "w.test."));
    assert_true(zone_is_unchanged(find_zone(before, "s.test."), find_zone(after, "s.test.")));
    assert_steered(after);
    struct view_sources *sources = view_take_sources(after);
    assert_int_equal(sources->zones[0].files.count, 1); /* they are told as if they had been read */
    assert_int_equal(sources->zones[1].files.count, 2);
    assert_int_equal(sources->zones[2].files.count, 2);
    assert_true(sources->zones[2].files.items[1].inode != 0);
    view_free_sources(sources);
    view_free(before); /* what goes on outlives it */
    assert_steered(after);
    after = assert_read(after, "");
    assert_steered(after);
    view_free(after);
}

static void what_changed_is_read(void **state)
{
    (void)state;
    struct view *view = settle(load(NULL));
    put("zones/more.inc", "more A 192.0.2.8\n");
    view = assert_read(view, "i");
    view = assert_read(view, "i"); /* another change within the same tick would not show */
    view = settle(view);
    put("zones/s.test.json", "{\"names\": {\"web\": {\"endpoints\": [\"one\"]}}}");
    view = assert_read(view, "s");
    assert_string_equal(view->names[1].owner, "web.s.test.");
    view = settle(view);
    remove_file("zones/t.test.json");
    view = assert_read(view, "t");
    assert_int_equal(view->name_count, 1);
    view_free(view);
}

/* Another file with the same size and times, as cp -p and rsync -t make them. */
static void copied_times_deceive_nobody(void **state)
{
    (void)state;
    char path[96], beside[96];
    struct stat status;
    struct view *view = settle(load(NULL));
    snprintf(path, sizeof path, "%s/zones/a.test.zone", folder);
    snprintf(beside, sizeof beside, "%s/beside", folder);
    assert_int_equal(stat(path, &status), 0);
    const struct timespec times[2] = {status.st_atim, status.st_mtim};
    put("beside", RECORDS);
    assert_int_equal(utimensat(AT_FDCWD, beside, times, 0), 0);
    assert_int_equal(rename(beside, path), 0);
    view = settle(assert_read(view, "a"));
    put("zones/a.test.zone", RECORDS); /* in place */
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    view_free(assert_read(view, "a"));
}

static void settings_count(void **state)
{
    (void)state;
    struct view *view = settle(load(NULL));
    put("steerd.json", SERVER ", \"rotate\": true}");
    view = assert_read(view, "aistw");
    put("steerd.json", SERVER ", \"rotate\": true,"
                              "\"zone_options\": {\"a.test\": {\"serial\": \"unixtime\"}}}");
    view = assert_read(view, "a");
    assert_true(zone_keeps_serial(find_zone(view, "a.test.")));
    put("steerd.json", SERVER ", \"rotate\": true}");
    view = assert_read(view, "a");
    assert_false(zone_keeps_serial(find_zone(view, "a.test.")));
    view = settle(view);
    put_topology("192.0.2.77");
    view = assert_read(view, "st");
    put("zones/b.test.zone", RECORDS);
    view_free(assert_read(view, "st")); /* the topology is still too new; others do not mind a new zone */
}

static void a_broken_one_comes_back(void **state)
{
    (void)state;
    char path[96], aside[96];
    struct view *view = settle(load(NULL));
    const struct zone *good = find_zone(view, "a.test.");
    struct report *report = report_new();
    snprintf(path, sizeof path, "%s/zones/a.test.zone", folder);
    snprintf(aside, sizeof aside, "%s/aside", folder);
    assert_int_equal(rename(path, aside), 0);
    put("zones/a.test.zone", "broken\n");
    char main[96];
    snprintf(main, sizeof main, "%s/steerd.json", folder);
    struct view *stale = view_compile(main, view, 1, 0, 1, report);
    assert_ptr_equal(find_zone(stale, "a.test."), good);
    assert_true(stale->zone_list[0].stale);
    assert_true(report_errors(report) != 0);
    report_free(report);
    view_free(view);
    assert_int_equal(rename(aside, path), 0);
    view = load(stale);
    assert_false(view->zone_list[0].stale);
    view_free(stale);
    view_free(view);
}

/* ---- the whole ---- */

/* One configuration each, in folders of their own, so that all are old after one wait. */
static const struct change {
    const char *name;
    const char *file, *text; /* of what changes; text NULL: it goes */
} changes[] = {
    {"nothing", NULL, NULL},
    {"zone", "zones/a.test.zone", RECORDS "new A 192.0.2.1\n"},
    {"times", "zones/a.test.zone", RECORDS}, /* and they are set back */
    {"included", "zones/more.inc", "more A 192.0.2.8\n"},
    {"new-zone", "zones/b.test.zone", RECORDS},
    {"zone-gone", "zones/a.test.zone", NULL},
    {"policy", "zones/s.test.json", "{\"names\": {\"web\": {\"endpoints\": [\"one\"]}}}"},
    {"new-policy", "zones/a.test.json", "{\"names\": {\"web\": {\"endpoints\": [\"one\"]}}}"},
    {"topology", "topology.json", "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}}}"},
    {"part", "parts/1.json", "{}"},
    {"new-part", "parts/2.json", "{}"},
    {"main", "steerd.json", "{}"},
    {"secret", "secret", "c3RlZXJkIHNlY3JldCAyIQ=="},
    {"door", "door.pem", "another one"},
};
enum { CHANGES = sizeof changes / sizeof *changes };

static const char *name_in(const struct change *change, const char *file)
{
    static char name[96];
    snprintf(name, sizeof name, "%s/%s", change->name, file);
    return name;
}

static const char *path_of(const struct change *change, const char *file)
{
    static char path[192];
    snprintf(path, sizeof path, "%s/%s", folder, name_in(change, file));
    return path;
}

static void lay_out(const struct change *change)
{
    static const char *const folders[] = {"", "zones", "parts"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        assert_int_equal(mkdir(path_of(change, folders[i]), 0700), 0);
    }
    put(name_in(change, "steerd.json"),
        "{\"listen\": \"127.0.0.1:1\", \"zones\": \"zones\", \"topology\": [\"topology.json\", "
        "\"parts/*.json\"],"
        "\"keys\": {\"k.test\": {\"algorithm\": \"hmac-sha256\", \"secret_file\": \"secret\"}},"
        "\"admin\": {\"socket\": \"s\", \"listen\": [{\"address\": \"127.0.0.1:2\", \"certificate\": "
        "\"door.pem\","
        " \"key\": \"door.pem\"}]}}");
    put(name_in(change, "topology.json"), "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}}, \"endpoints\": {"
                                          "\"one\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.1\"]}}}");
    put(name_in(change, "parts/1.json"),
        "{\"endpoints\": {\"two\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.2\"]}}}");
    put(name_in(change, "secret"), "c3RlZXJkIHNlY3JldCAxIQ==");
    put(name_in(change, "door.pem"), "none");
    put(name_in(change, "zones/a.test.zone"), RECORDS);
    put(name_in(change, "zones/i.test.zone"), RECORDS "$INCLUDE more.inc\n");
    put(name_in(change, "zones/more.inc"), "more A 192.0.2.9\n");
    put(name_in(change, "zones/s.test.zone"), RECORDS);
    put(name_in(change, "zones/s.test.json"), "{\"names\": {\"www\": {\"endpoints\": [\"one\"]}}}");
    put(name_in(change, "zones/w.test.zone"), "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\n");
}

static struct view *load_of(const struct change *change, const struct view *previous, struct report *report)
{
    struct view *view = view_compile(path_of(change, "steerd.json"), previous, 1, 0, 1, report);
    assert_non_null(view);
    assert_int_equal(report_errors(report), 0);
    return view;
}

/* And is the same said again? */
static bool is_unchanged(const struct view *view, const struct report *said)
{
    struct report *again = report_new();
    bool is_same = view_is_unchanged(view, NULL, again);
    assert_int_equal(report_count(again), is_same ? report_count(said) : 0);
    for (size_t i = 0; i < report_count(again); i++) {
        assert_string_equal(report_get(again, i)->message, report_get(said, i)->message);
    }
    report_free(again);
    return is_same;
}

static void change_it(const struct change *change)
{
    struct stat status;
    if (change->file == NULL) {
        return;
    }
    bool is_there = stat(path_of(change, change->file), &status) == 0;
    if (change->text == NULL) {
        remove_file(name_in(change, change->file));
    } else {
        put(name_in(change, change->file), change->text);
    }
    if (is_there && strcmp(change->name, "times") == 0) {
        const struct timespec times[2] = {status.st_atim, status.st_mtim};
        assert_int_equal(utimensat(AT_FDCWD, path_of(change, change->file), times, 0), 0);
    }
}

static void a_whole_that_did_not_change_is_known(void **state)
{
    (void)state;
    struct view *views[CHANGES];
    struct report *reports[CHANGES];
    folder_open();
    for (size_t i = 0; i < CHANGES; i++) {
        lay_out(&changes[i]);
        reports[i] = report_new();
        views[i] = load_of(&changes[i], NULL, reports[i]);
        assert_true(report_warnings(reports[i]) != 0);
        assert_false(is_unchanged(views[i], reports[i])); /* too new: what comes now might not show */
    }
    (void)nanosleep(&(struct timespec){.tv_sec = 2, .tv_nsec = 100 * 1000 * 1000}, NULL);
    for (size_t i = 0; i < CHANGES; i++) {
        struct report *report = report_new();
        struct view *view = load_of(&changes[i], views[i], report);
        assert_true(is_unchanged(view, report));
        change_it(&changes[i]);
        if (is_unchanged(view, report) != (changes[i].file == NULL)) {
            fail_msg("wrong: %s", changes[i].name);
        }
        view_free(view);
        view_free(views[i]);
        report_free(report);
        report_free(reports[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_did_not_change_goes_on, set_up, folder_close),
        cmocka_unit_test_setup_teardown(what_changed_is_read, set_up, folder_close),
        cmocka_unit_test_setup_teardown(copied_times_deceive_nobody, set_up, folder_close),
        cmocka_unit_test_setup_teardown(settings_count, set_up, folder_close),
        cmocka_unit_test_setup_teardown(a_broken_one_comes_back, set_up, folder_close),
        cmocka_unit_test_teardown(a_whole_that_did_not_change_is_known, folder_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
