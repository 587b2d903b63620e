/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of views that are made from the tree of a bundle: it stands for the folder of steerd.json, so that
 * paths stay what they were; what is said by absolute paths, and what is none of zones and topology, is this
 * machine's own; and without a tree there is nothing. */
#include "config.h"

#include "view_folder.h"

#include "base/memory.h"
#include "base/source.h"
#include "view/sources.h"
#include "view/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOA_AND_NS "$TTL 60\n@ SOA ns host 1 1 1 1 60\n@ NS ns\nns A 192.0.2.53\n"
#define LISTEN     "\"listen\": \"127.0.0.1:1\", \"state\": \"var\", "
#define CLUSTER                                                                                              \
    "\"cluster\": {\"name\": \"prod\", \"node\": \"ns1\", \"etcd\": \"http://127.0.0.1:2379\", "             \
    "\"configuration\": \"bundle\"}, "

static char *tree;

static int set_up(void **state)
{
    (void)state;
    char command[256];
    folder_open();
    snprintf(command, sizeof command, "mkdir -p %s/tree/zones", folder);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): a folder of our own */
    put("steerd.json", "{" LISTEN CLUSTER "\"zones\": \"zones\", \"topology\": \"topology.json\", "
                       "\"keys\": {\"k\": {\"secret_file\": \"k.secret\"}}}");
    put("k.secret", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
    put("tree/topology.json", "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}}, \"endpoints\": {"
                              "\"one\": {\"az\": \"a1\", \"addresses\": [\"192.0.2.1\"]}}}");
    put("tree/zones/a.test.zone", SOA_AND_NS "$INCLUDE common\n");
    put("tree/zones/common", "x TXT common\n");
    put("tree/zones/a.test.json", "{\"names\": {\"www\": {\"endpoints\": [\"*\"]}}}");
    tree = memory_print("%s/tree", folder);
    snprintf(command, sizeof command, "chmod 600 %s/k.secret", folder);
    return system(command); /* NOLINT(cert-env33-c): a folder of our own */
}

static int tear_down(void **state)
{
    free(tree);
    return folder_close(state);
}

/* Good until the fourth one after it. */
static const char *path_of(const char *name)
{
    static char paths[4][160];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static char *choose(void *context, const char *state)
{
    assert_string_equal(state, path_of("var"));
    return memory_copy_text(context);
}

static char *choose_nothing(void *context, const char *state)
{
    (void)context, (void)state;
    return NULL;
}

static struct view *load_with(const struct source_chooser *chooser, const struct view *previous,
                              struct report *report)
{
    char *path = memory_copy_text(path_of("steerd.json"));
    const struct view_load load = {
        .path = path, .previous = previous, .generation = 1, .documents = {.chooser = chooser}};
    struct view *view = view_compile_load(&load, report);
    assert_null(report_get_tree(report));
    free(path);
    return view;
}

static struct view *load(const struct view *previous, struct report *report)
{
    const struct source_chooser chooser = {.context = tree, .choose = choose};
    return load_with(&chooser, previous, report);
}

static void print_all(const struct report *report)
{
    report_write(report, stderr);
}

static struct view *load_good(void)
{
    struct report *report = report_new();
    struct view *view = load(NULL, report);
    print_all(report);
    assert_int_equal(report_errors(report), 0);
    assert_non_null(view);
    report_free(report);
    return view;
}

static const struct source *find_source(const struct source_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].path, path_of(name)) == 0) {
            return &list->items[i];
        }
    }
    fail_msg("%s is not told", name);
    return NULL;
}

static void a_tree_stands_for_the_folder(void **state)
{
    (void)state;
    struct view *view = load_good();
    assert_int_equal(view->zone_count, 1);
    assert_int_equal(view->name_count, 1);
    assert_string_equal(view->zone_list[0].path, path_of("zones/a.test.zone"));
    assert_string_equal(view->server->topology_path, path_of("topology.json"));
    assert_int_equal(view->server->keys[0].secret_len, 32); /* this machine's own */
    struct view_sources *sources = view_take_sources(view);
    const struct source *topology = find_source(&sources->ground, "topology.json");
    assert_string_equal(topology->real, path_of("tree/topology.json"));
    assert_null(find_source(&sources->ground, "k.secret")->real);
    assert_null(find_source(&sources->ground, "steerd.json")->real);
    const struct source_list *files = &sources->zones[0].files;
    assert_int_equal(files->count, 3);
    assert_string_equal(find_source(files, "zones/a.test.json")->real, path_of("tree/zones/a.test.json"));
    assert_string_equal(find_source(files, "zones/common")->path, path_of("zones/common"));
    view_free_sources(sources);
    view_free(view);
}

static void one_zone_comes_from_there(void **state)
{
    (void)state;
    struct view *view = load_good();
    struct report *report = report_new();
    struct view_zone_update *update = view_read_zone(view, 0, report);
    print_all(report);
    assert_non_null(update);
    view_free_update(update);
    report_free(report);
    view_free(view);
}

static void messages_name_the_paths_as_they_were(void **state)
{
    (void)state;
    char line[512];
    struct report *report = report_new();
    put("tree/zones/a.test.zone", SOA_AND_NS "$INCLUDE none\n");
    put("tree/topology.json", "{\"regions\": 7}");
    assert_null(load(NULL, report));
    assert_int_equal(report_errors(report), 1);
    report_write_item(report_get(report, 0), line, sizeof line);
    assert_null(strstr(line, tree));
    assert_non_null(strstr(line, path_of("topology.json")));
    report_free(report);
    report = report_new(); /* and when everything is looked for */
    const struct source_chooser chooser = {.context = tree, .choose = choose};
    report_set_chooser(report, &chooser);
    char *path = memory_copy_text(path_of("steerd.json"));
    view_check(path, report);
    free(path);
    assert_int_equal(report_errors(report), 2);
    report_write_item(report_get(report, 1), line, sizeof line);
    assert_non_null(strstr(line, path_of("zones/a.test.zone")));
    report_free(report);
}

/* A zone of a bundle reads nothing but what lies with it. */
static void nothing_is_included_from_outside(void **state)
{
    (void)state;
    put("secret", "x TXT secret\n");
    put("tree/topology.txt", "x TXT topology\n");
    static const char *const names[] = {"../topology.txt", "../../secret", "/etc/hostname"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[256];
        struct report *report = report_new();
        snprintf(text, sizeof text, SOA_AND_NS "$INCLUDE %s\n", names[i]);
        put("tree/zones/a.test.zone", text);
        struct view *view = load(NULL, report);
        assert_int_equal(report_errors(report), 1);
        assert_non_null(strstr(report_get(report, 0)->message, "cannot include"));
        view_free(view);
        report_free(report);
    }
}

static void absolute_paths_are_of_this_machine(void **state)
{
    (void)state;
    char text[1024];
    put("zones/own.zone", SOA_AND_NS "own TXT here\nmore TXT here\n");
    put("own.json", "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}}, \"endpoints\": {}}");
    put("tree/zones/own.zone", SOA_AND_NS);
    snprintf(text, sizeof text,
             "{" LISTEN CLUSTER "\"zones\": [{\"origin\": \"own.test\", \"file\": \"%s/zones/own.zone\"}, "
             "{\"origin\": \"a.test\", \"file\": \"zones/common.zone\"}], \"topology\": \"%s/own.json\"}",
             folder, folder);
    put("tree/zones/common.zone", SOA_AND_NS);
    put("steerd.json", text);
    struct view *view = load_good();
    assert_int_equal(view->zone_count, 2);
    assert_int_equal(view->zone_list[0].records, 5);
    assert_int_equal(view->zone_list[1].records, 3);
    assert_int_equal(view->topology->endpoint_count, 0);
    view_free(view);
    snprintf(text, sizeof text, "{" LISTEN CLUSTER "\"zones\": \"%s/zones\"}", folder);
    put("steerd.json", text);
    view = load_good();
    assert_int_equal(view->zone_count, 1);
    assert_int_equal(view->zone_list[0].records, 5);
    view_free(view);
}

static void without_a_tree_there_is_nothing(void **state)
{
    (void)state;
    const struct source_chooser chooser = {.choose = choose_nothing},
                                asked = {.choose = choose_nothing, .is_asked = true};
    struct report *report = report_new();
    put("zones/own.zone", SOA_AND_NS);
    put("steerd.json", "{" LISTEN CLUSTER "\"zones\": \"zones\", \"topology\": \"topology.json\", "
                       "\"geo\": \"x.mmdb\", \"zone_options\": {\"a.test\": {\"notify\": \"192.0.2.1\"}}}");
    struct view *view = load_with(&chooser, NULL, report);
    print_all(report);
    assert_non_null(view);
    assert_int_equal(report_errors(report), 0);
    assert_true(view->server->is_bare);
    assert_int_equal(view->zone_count, 0);
    assert_null(view->topology);
    view_free(view);
    assert_null(load_with(&asked, NULL, report));
    assert_non_null(strstr(report_get(report, 0)->message, "is not here"));
    report_free(report);
}

/* A tree that is asked for is read whatever the configuration says: files go on being those of files. */
static void a_tree_may_be_asked_for(void **state)
{
    (void)state;
    const struct source_chooser chooser = {.context = tree, .choose = choose},
                                asked = {.context = tree, .choose = choose, .is_asked = true};
    struct report *report = report_new();
    put("zones/b.test.zone", SOA_AND_NS);
    put("steerd.json", "{" LISTEN "\"zones\": \"zones\", \"topology\": \"topology.json\"}");
    put("topology.json", "{\"regions\": {\"a\": {\"azs\": {\"a1\": {}}}}, \"endpoints\": {}}");
    struct view *files = load_with(&chooser, NULL, report), *view = load_with(&asked, files, report);
    print_all(report);
    assert_null(files->server->tree);
    assert_string_equal(files->zone_list[0].origin, "b.test.");
    assert_non_null(view->server->tree);
    assert_string_equal(view->zone_list[0].origin, "a.test.");
    assert_int_equal(report_errors(report), 0);
    view_free(view);
    view_free(files);
    report_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_tree_stands_for_the_folder, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_zone_comes_from_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(messages_name_the_paths_as_they_were, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_included_from_outside, set_up, tear_down),
        cmocka_unit_test_setup_teardown(absolute_paths_are_of_this_machine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_tree_there_is_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_tree_may_be_asked_for, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
