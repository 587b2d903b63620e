/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of what a view was made of: every file that was read is told, also those of one zone; and from a tree
 * of just these files the same view comes about. */
#include "config.h"

#include "view_folder.h"

#include "base/memory.h"
#include "base/source.h"
#include "view/sources.h"
#include "view/view.h"
#include "zone/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOA_AND_NS "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.53\n"

static int set_up(void **state)
{
    (void)state;
    char command[256];
    folder_open();
    put("steerd.json", "{\"listen\": \"127.0.0.1:1\", \"zones\": \"zones\", \"topology\": \"topology.json\","
                       "\"keys\": {\"k\": {\"secret_file\": \"k.secret\"}}}");
    put("k.secret", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
    put("topology.json", "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}}, \"endpoints\": {"
                         "\"one\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.1\"]}}}");
    put("zones/a.test.zone", SOA_AND_NS "$INCLUDE common\n");
    put("zones/common", "x TXT common\n$INCLUDE ./deeper\n");
    put("zones/deeper", "y TXT deeper\n");
    put("zones/b.test.zone", SOA_AND_NS);
    put("zones/a.test.json", "{\"names\": {\"www\": {\"endpoints\": [\"*\"]}}}");
    snprintf(command, sizeof command, "chmod 600 %s/k.secret", folder);
    return system(command); /* NOLINT(cert-env33-c): a folder of our own */
}

static const char *path_of(const char *name)
{
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void assert_list(const struct source_list *list, const char *const *names)
{
    size_t count = 0;
    for (; names[count] != NULL; count++) {
        bool found = false;
        for (size_t i = 0; i < list->count; i++) {
            struct file file;
            char *path = source_make_absolute(list->items[i].path);
            assert_int_equal(file_look(list->items[i].path, &file), 0);
            assert_true(source_is_same(&list->items[i], &file));
            found |= strcmp(path, path_of(names[count])) == 0;
            free(path);
        }
        if (!found) {
            fail_msg("%s is not told", names[count]);
        }
    }
    assert_int_equal(list->count, count);
}

#define ASSERT_LIST(list, ...) assert_list(list, (const char *const[]){__VA_ARGS__, NULL})

static void each_file_is_told(void **state)
{
    (void)state;
    struct view *view = folder_compile("");
    struct view_sources *sources = view_take_sources(view);
    assert_non_null(sources);
    assert_null(view_take_sources(view));
    assert_string_equal(sources->main, path_of("steerd.json"));
    ASSERT_LIST(&sources->ground, "steerd.json", "topology.json", "k.secret");
    assert_int_equal(sources->geo.count, 0);
    assert_int_equal(sources->zone_count, 2);
    assert_string_equal(sources->zones[0].origin, "a.test.");
    assert_false(sources->zones[0].is_stale);
    ASSERT_LIST(&sources->zones[0].files, "zones/a.test.zone", "zones/a.test.json", "zones/common",
                "zones/deeper");
    ASSERT_LIST(&sources->zones[1].files, "zones/b.test.zone");
    view_free_sources(sources);
    view_free(view);
}

static void those_of_one_zone_are(void **state)
{
    (void)state;
    struct view *view = folder_compile("");
    struct report *report = report_new();
    put("zones/b.test.zone", SOA_AND_NS "$INCLUDE common\n");
    struct view_zone_update *update = view_read_zone(view, 1, report);
    assert_non_null(update);
    struct view_zone_sources sources = view_take_zone_sources(update);
    assert_string_equal(sources.origin, "b.test.");
    ASSERT_LIST(&sources.files, "zones/b.test.zone", "zones/common", "zones/deeper");
    view_fini_zone_sources(&sources);
    view_free_update(update);
    update = view_read_zone(view, 0, report); /* and those that nobody takes go */
    view_free_update(update);
    report_free(report);
    view_free(view);
}

static void a_broken_zone_is_told_stale(void **state)
{
    (void)state;
    struct view *before = folder_compile("");
    struct report *report = report_new();
    put("zones/b.test.zone", "nonsense\n");
    struct view *view = view_compile(path_of("steerd.json"), before, 2, 0, 0, report);
    assert_non_null(view);
    struct view_sources *sources = view_take_sources(view);
    assert_false(sources->zones[0].is_stale);
    assert_true(sources->zones[1].is_stale);
    view_free_sources(sources);
    view_free(view);
    view_free(before);
    report_free(report);
}

/* Everything moves below a root, so that nothing is found where it was. */
static char *move_away(void)
{
    char *root = memory_print("%s.root", folder),
         *command = memory_print("mkdir -p %s%s && mv %s/* %s%s", root, folder, folder, root, folder);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a folder of our own */
    free(command);
    return root;
}

static void remove_root(char *root)
{
    char *command = memory_print("rm -r %s", root);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a folder of our own */
    free(command);
    free(root);
}

static void a_tree_makes_the_same_view(void **state)
{
    (void)state;
    struct view *view = folder_compile("");
    struct report *report = report_new();
    char *root = move_away();
    assert_null(view_compile(path_of("steerd.json"), NULL, 1, 0, 1, report));
    report_free(report);
    report = report_new();
    struct view *past = view_compile_past(path_of("steerd.json"), root, NULL, report);
    assert_int_equal(report_count(report), 0);
    assert_non_null(past);
    assert_int_equal(past->zone_count, 2);
    assert_string_equal(past->zone_list[0].path, view->zone_list[0].path);
    assert_int_equal(past->zone_list[0].records, view->zone_list[0].records);
    assert_int_equal(past->name_count, view->name_count);
    assert_int_equal(past->server->keys[0].secret_len, 32);
    assert_null(report_get_root(report));
    view_free(past);
    view_free(view);
    report_free(report);
    remove_root(root);
}

static void what_lacks_in_a_tree_is_said(void **state)
{
    (void)state;
    put("steerd.json", "{\"listen\": \"127.0.0.1:1\", \"zones\": \"zones\", \"topology\": \"topology.json\","
                       "\"geo\": \"gone.mmdb\"}");
    put("zones/b.test.zone", "nonsense\n");
    char *root = move_away(), line[512];
    struct report *report = report_new();
    struct view *past = view_compile_past(path_of("steerd.json"), root, NULL, report);
    assert_non_null(past);
    assert_int_equal(past->geo_count, 0);
    assert_int_equal(past->server->geo_count, 1);
    assert_false(past->zone_list[0].failed);
    assert_true(past->zone_list[1].failed);
    for (size_t i = 0; i < report_count(report); i++) { /* paths are those that they were */
        report_write_item(report_get(report, i), line, sizeof line);
        assert_null(strstr(line, root));
        assert_non_null(strstr(line, folder));
    }
    assert_true(report_errors(report) >= 2);
    view_free(past);
    report_free(report);
    remove_root(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_file_is_told, set_up, folder_close),
        cmocka_unit_test_setup_teardown(those_of_one_zone_are, set_up, folder_close),
        cmocka_unit_test_setup_teardown(a_broken_zone_is_told_stale, set_up, folder_close),
        cmocka_unit_test_setup_teardown(a_tree_makes_the_same_view, set_up, folder_close),
        cmocka_unit_test_setup_teardown(what_lacks_in_a_tree_is_said, set_up, folder_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
