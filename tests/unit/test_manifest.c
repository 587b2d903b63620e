/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the list of files that a configuration was made of: what is written is read as it was, what is
 * none is refused with its place, and laid out it is the tree that it was. */
#include "config.h"

#include "unit.h"

#include "past/manifest.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void test_round(void **state)
{
    (void)state;
    struct manifest manifest, again;
    char why[256];
    manifest_init(&manifest, "/etc/steerd/steerd.json");
    manifest_add(&manifest, "/x.mmdb", 9, NULL, "a geo database")->modified_ms = 1500;
    manifest_add(&manifest, "/etc/steerd/steerd.json", 3, ABC, NULL);
    manifest_add(&manifest, "/etc/steerd/\"ü\"", UINT64_C(1) << 40, NULL, NULL);
    manifest_add(&manifest, "/etc/steerd/steerd.json", 3, ABC, NULL); /* read twice */
    manifest_finish(&manifest);
    assert_int_equal(manifest.count, 3);
    assert_int_equal(manifest_count_missing(&manifest), 2);
    char *text = manifest_write(&manifest);
    assert_string_equal(text, "{\"version\":1,\"main\":\"/etc/steerd/steerd.json\",\"files\":["
                              "{\"path\":\"/etc/steerd/\\\"ü\\\"\",\"size\":1099511627776,\"sha256\":null},"
                              "{\"path\":\"/etc/steerd/steerd.json\",\"size\":3,\"sha256\":\"" ABC "\"},"
                              "{\"path\":\"/x.mmdb\",\"size\":9,\"sha256\":null,\"why\":\"a geo "
                              "database\",\"modified\":\"1970-01-01T00:00:01.500Z\"}]}");
    assert_int_equal(manifest_read(text, strlen(text), &again, why, sizeof why), 0);
    assert_string_equal(again.main, manifest.main);
    assert_int_equal(again.count, 3);
    const struct manifest_file *file = manifest_find(&again, "/x.mmdb");
    assert_non_null(file);
    assert_int_equal(file->size, 9);
    assert_string_equal(file->sha256, "");
    assert_string_equal(file->why, "a geo database");
    assert_int_equal(file->modified_ms, 1500);
    assert_string_equal(manifest_find(&again, "/etc/steerd/steerd.json")->sha256, ABC);
    assert_null(manifest_find(&again, "/etc"));
    char *second = manifest_write(&again);
    assert_string_equal(second, text);
    free(text);
    free(second);
    manifest_fini(&manifest);
    manifest_fini(&again);
}

static void test_paths(void **state)
{
    (void)state;
    static const char *const good[] = {"/a", "/a/b.c", "/.a/..b/c..", "/...", "/ü", "/a b"};
    static const char *const bad[] = {"",    "a",       "/",      "//",   "/a/",   "/a//b", "/.",
                                      "/..", "/a/../b", "/a/./b", "../a", "/a/..", "/\xff", "/a\xc3"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(manifest_is_path(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(manifest_is_path(bad[i]));
    }
    char name[300];
    memset(name, 'a', sizeof name - 1);
    name[0] = '/';
    name[257] = '\0';
    assert_false(manifest_is_path(name));
    name[256] = '\0';
    assert_true(manifest_is_path(name));
}

#define FILE_A     "{\"path\":\"/a\",\"size\":3,\"sha256\":\"" ABC "\"}"
#define ALL(files) "{\"version\":1,\"main\":\"/a\",\"files\":[" files "]}"

struct bad_case {
    const char *text, *why;
    int error;
};

static void test_bad(void **state)
{
    (void)state;
    static const struct bad_case cases[] = {
        {"", "line 1", ERROR_SYNTAX},
        {"[]", "$: expected an object", ERROR_SYNTAX},
        {"{\"main\":\"/a\",\"files\":[]}", "$.version", ERROR_SYNTAX},
        {"{\"version\":\"1\",\"main\":\"/a\",\"files\":[]}", "$.version", ERROR_SYNTAX},
        {"{\"version\":0,\"main\":\"/a\",\"files\":[]}", "$.version", ERROR_SYNTAX},
        {"{\"version\":3,\"main\":\"/a\",\"files\":[]}", "later", ERROR_UNSUPPORTED},
        {"{\"version\":2,\"main\":\"/a\",\"files\":[]}", "$.parts", ERROR_SYNTAX},
        {"{\"version\":2,\"main\":\"/a\",\"count\":1,\"parts\":[]}", "$.parts", ERROR_SYNTAX},
        {"{\"version\":2,\"main\":\"/a\",\"count\":0,\"parts\":[\"" ABC "\"]}", "$.count", ERROR_SYNTAX},
        {"{\"version\":2,\"main\":\"/a\",\"count\":1,\"parts\":[\"" ABC "\",1]}", "$.parts[1]", ERROR_SYNTAX},
        {"{\"version\":2,\"main\":\"/a\",\"count\":1,\"parts\":[\"../../x\"]}", "$.parts[0]", ERROR_SYNTAX},
        {"{\"version\":2,\"count\":1,\"parts\":[\"" ABC "\"]}", "$.main", ERROR_SYNTAX},
        {"{\"version\":2,\"main\":\"/a\",\"count\":1,\"parts\":[\"" ABC "\"],\"files\":[]}", "only",
         ERROR_SYNTAX},
        {"{\"version\":1,\"files\":[" FILE_A "]}", "$.main", ERROR_SYNTAX},
        {"{\"version\":1,\"main\":\"a\",\"files\":[" FILE_A "]}", "$.main", ERROR_SYNTAX},
        {"{\"version\":1,\"main\":\"/b\",\"files\":[" FILE_A "]}", "one of the files", ERROR_SYNTAX},
        {"{\"version\":1,\"main\":\"/a\"}", "$.files", ERROR_SYNTAX},
        {"{\"version\":1,\"main\":\"/a\",\"files\":[" FILE_A "],\"more\":1}", "only", ERROR_SYNTAX},
        {"{\"version\":1,\"version\":1,\"main\":\"/a\",\"files\":[" FILE_A "]}", "duplicate", ERROR_SYNTAX},
        {ALL(""), "one of the files", ERROR_SYNTAX},
        {ALL("1"), "$.files[0]: expected an object", ERROR_SYNTAX},
        {ALL(FILE_A "," FILE_A), "once", ERROR_SYNTAX},
        {ALL(FILE_A ",{\"path\":\"/a/../../etc/passwd\",\"size\":3,\"sha256\":null}"), "$.files[1].path",
         ERROR_SYNTAX},
        {ALL("{\"path\":\"/a\\u0000b\",\"size\":3,\"sha256\":null}"), "", ERROR_SYNTAX},
        {ALL("{\"path\":\"/a\",\"size\":-1,\"sha256\":null}"), ".size", ERROR_SYNTAX},
        {ALL("{\"path\":\"/a\",\"size\":1.5,\"sha256\":null}"), ".size", ERROR_SYNTAX},
        {ALL("{\"path\":\"/a\",\"size\":3}"), ".sha256", ERROR_SYNTAX},
        {ALL("{\"path\":\"/a\",\"size\":3,\"sha256\":\"../../../a\"}"), ".sha256", ERROR_SYNTAX},
        {ALL("{\"path\":\"/a\",\"size\":3,\"sha256\":\"" ABC "\",\"why\":\"x\"}"), ".why", ERROR_SYNTAX},
        {ALL("{\"path\":\"/a\",\"size\":3,\"sha256\":null,\"why\":1}"), ".why", ERROR_SYNTAX},
        {ALL("{\"path\":\"/a\",\"size\":3,\"sha256\":null,\"mode\":1}"), "only", ERROR_SYNTAX},
        {ALL("{\"path\":\"/a\",\"size\":3,\"sha256\":null,\"modified\":1}"), ".modified", ERROR_SYNTAX},
        {ALL("{\"path\":\"/a\",\"size\":3,\"sha256\":null,\"modified\":\"now\"}"), ".modified", ERROR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct manifest manifest;
        char why[256] = "";
        assert_int_equal(manifest_read(cases[i].text, strlen(cases[i].text), &manifest, why, sizeof why),
                         cases[i].error);
        if (strstr(why, cases[i].why) == NULL) {
            fail_msg("%s: found \"%s\"", cases[i].text, why);
        }
        manifest_fini(&manifest);
    }
}

/* ---- in a folder ---- */

struct place {
    struct depot depot;
    char folder[32], root[64];
};

static int make_place(void **state)
{
    static struct place place;
    snprintf(place.folder, sizeof place.folder, "test_manifest.XXXXXX");
    assert_non_null(mkdtemp(place.folder));
    snprintf(place.root, sizeof place.root, "%s/root", place.folder);
    assert_int_equal(mkdir(place.root, 0700), 0);
    depot_init(&place.depot, place.folder);
    *state = &place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    char command[64];
    depot_fini(&place->depot);
    snprintf(command, sizeof command, "rm -rf %s", place->folder);
    return system(command); /* NOLINT(cert-env33-c): a folder of our own */
}

static void keep(struct place *place, struct manifest *manifest, const char *path, const char *text)
{
    char name[DEPOT_NAME_SIZE];
    assert_int_equal(depot_put(&place->depot, text, strlen(text), name), 0);
    manifest_add(manifest, path, strlen(text), name, NULL);
}

static void assert_file(const struct place *place, const char *path, const char *text)
{
    struct file file;
    size_t len;
    int error;
    char *full = memory_print("%s%s", place->root, path);
    char *have = file_read_all(full, UINT64_MAX, &file, &len, &error);
    assert_non_null(have);
    assert_string_equal(have, text);
    assert_int_equal(file.mode, 0600);
    free(have);
    free(full);
}

static void test_tree(void **state)
{
    struct place *place = *state;
    struct manifest manifest, again;
    char name[DEPOT_NAME_SIZE];
    manifest_init(&manifest, "/etc/steerd/steerd.json");
    keep(place, &manifest, "/etc/steerd/zones/b.zone", "b");
    keep(place, &manifest, "/etc/steerd/steerd.json", "{}");
    keep(place, &manifest, "/etc/steerd/zones/a.zone", "a");
    keep(place, &manifest, "/etc/steerd.more/x/y/z", "b");
    keep(place, &manifest, "/top", "");
    manifest_add(&manifest, "/geo/x.mmdb", 5, NULL, "a geo database");
    manifest_finish(&manifest);
    assert_int_equal(manifest_keep(&place->depot, &manifest, name), 0);
    assert_int_equal(depot_settle(&place->depot), 0);
    assert_int_equal(manifest_load(&place->depot, name, &again), 0);
    assert_int_equal(manifest_lay_out(&again, &place->depot, place->root, MANIFEST_TO_KEEP), 0);
    assert_file(place, "/etc/steerd/zones/b.zone", "b");
    assert_file(place, "/etc/steerd/zones/a.zone", "a");
    assert_file(place, "/etc/steerd/steerd.json", "{}");
    assert_file(place, "/etc/steerd.more/x/y/z", "b");
    assert_file(place, "/top", "");
    char *geo = memory_print("%s/geo", place->root);
    assert_int_equal(access(geo, F_OK), -1);
    free(geo);
    assert_int_equal(manifest_lay_out(&again, &place->depot, place->root, MANIFEST_TO_KEEP), -EEXIST);
    manifest_fini(&manifest);
    manifest_fini(&again);
}

static void test_tree_fails(void **state)
{
    struct place *place = *state;
    struct manifest manifest;
    char name[DEPOT_NAME_SIZE];
    manifest_init(&manifest, "/a");
    manifest_add(&manifest, "/a", 3, ABC, NULL);
    manifest_finish(&manifest);
    assert_int_equal(manifest_lay_out(&manifest, &place->depot, place->root, MANIFEST_TO_READ),
                     ERROR_NOT_FOUND);
    assert_non_null(strstr(place->depot.why, ABC));
    keep(place, &manifest, "/a/b", "what is a file is no folder");
    assert_int_equal(depot_put(&place->depot, "abc", 3, name), 0);
    assert_int_equal(depot_settle(&place->depot), 0);
    assert_int_equal(manifest_lay_out(&manifest, &place->depot, place->root, MANIFEST_TO_READ), -ENOTDIR);
    manifest_fini(&manifest);
    assert_int_equal(manifest_load(&place->depot, ABC, &manifest), ERROR_SYNTAX); /* "abc" */
    assert_non_null(strstr(place->depot.why, "no manifest"));
    manifest_fini(&manifest);
}

static nlink_t count_links(const struct place *place, const char *name)
{
    struct stat status;
    char *path = memory_print("%s/%s", place->root, name);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    free(path);
    return status.st_nlink;
}

/* What is to be kept is another file; what is only read need not be, and what is damaged is neither. */
static void test_links(void **state)
{
    struct place *place = *state;
    struct manifest manifest;
    char root[sizeof place->root + 8], name[DEPOT_NAME_SIZE];
    manifest_init(&manifest, "/a");
    keep(place, &manifest, "/a", "abc");
    keep(place, &manifest, "/b/c", "abc");
    manifest_finish(&manifest);
    assert_int_equal(depot_settle(&place->depot), 0);
    assert_int_equal(manifest_lay_out(&manifest, &place->depot, place->root, MANIFEST_TO_READ), 0);
    assert_int_equal(count_links(place, "a"), 3);
    assert_file(place, "/b/c", "abc");
    snprintf(root, sizeof root, "%s/kept", place->root);
    assert_int_equal(mkdir(root, 0700), 0);
    assert_int_equal(manifest_lay_out(&manifest, &place->depot, root, MANIFEST_TO_KEEP), 0);
    assert_int_equal(count_links(place, "kept/a"), 1);
    memcpy(name, manifest.files[0].sha256, sizeof name);
    char *path = memory_print("%s/depot/%.2s/%s", place->folder, name, name);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    assert_int_equal(fputs("abd", stream) >= 0, 1);
    assert_int_equal(fclose(stream), 0);
    free(path);
    snprintf(root, sizeof root, "%s/third", place->root);
    assert_int_equal(mkdir(root, 0700), 0);
    assert_int_equal(manifest_lay_out(&manifest, &place->depot, root, MANIFEST_TO_READ), ERROR_SYNTAX);
    assert_non_null(strstr(place->depot.why, "damaged"));
    assert_int_equal(manifest_lay_out(&manifest, &place->depot, root, MANIFEST_TO_KEEP), ERROR_SYNTAX);
    manifest_fini(&manifest);
}

/* ---- in parts ---- */

enum { MANY = 6000 };

static void fill(struct manifest *manifest, size_t count, size_t changed)
{
    char path[64], sha256[DEPOT_NAME_SIZE];
    manifest_init(manifest, "/etc/steerd.json");
    (void)manifest_add(manifest, "/etc/steerd.json", 3, ABC, NULL);
    for (size_t i = 1; i < count; i++) {
        snprintf(path, sizeof path, "/etc/zones/%zu%s", i, i % 7 == 0 ? "\"\\" : "");
        snprintf(sha256, sizeof sha256, "%064zx", i == changed ? count : i);
        (void)manifest_add(manifest, path, i, i % 5 == 0 ? NULL : sha256, i % 5 == 0 ? "why" : NULL);
    }
    manifest_finish(manifest);
}

static uint64_t keep_many(struct place *place, size_t count, size_t changed, char name[DEPOT_NAME_SIZE])
{
    struct manifest manifest, again;
    uint64_t before = place->depot.written;
    fill(&manifest, count, changed);
    assert_int_equal(manifest_keep(&place->depot, &manifest, name), 0);
    assert_int_equal(depot_settle(&place->depot), 0);
    assert_int_equal(manifest_load(&place->depot, name, &again), 0);
    assert_int_equal(again.part_count != 0, count > MANIFEST_WHOLE_MAX);
    again.part_count = 0;
    char *expected = manifest_write(&manifest), *found = manifest_write(&again);
    assert_string_equal(found, expected);
    free(expected);
    free(found);
    manifest_fini(&manifest);
    manifest_fini(&again);
    return place->depot.written - before;
}

/* Of which what changed is written. */
static void test_parts(void **state)
{
    struct place *place = *state;
    char first[DEPOT_NAME_SIZE], second[DEPOT_NAME_SIZE];
    assert_int_equal(keep_many(place, MANIFEST_WHOLE_MAX, 0, first), 1);
    assert_in_range(keep_many(place, MANY, 0, first), 8, 60);
    assert_int_equal(keep_many(place, MANY, 0, second), 0);
    assert_string_equal(first, second);
    for (size_t i = 1; i < MANY; i += 997) {
        assert_int_equal(keep_many(place, MANY, i, second), i % 5 == 0 ? 0 : 2);
    }
    assert_in_range(keep_many(place, MANY + 1, 0, second), 2, 3);
}

/* However the paths are, a part has an end, and the others stay. */
static void test_parts_end(void **state)
{
    struct place *place = *state;
    struct manifest manifest;
    char name[DEPOT_NAME_SIZE];
    keep_many(place, MANY, 0, name);
    assert_int_equal(manifest_load_head(&place->depot, name, &manifest), 0);
    assert_true(manifest.count == 0 && manifest.listed == MANY);
    for (size_t i = 0, before = 0; i < manifest.part_count; i++, before = manifest.count) {
        assert_int_equal(manifest_load_part(&place->depot, manifest.parts[i], &manifest), 0);
        assert_in_range(manifest.count - before, 1, MANIFEST_PART_MAX);
    }
    assert_int_equal(manifest.count, MANY);
    assert_int_equal(depot_remove(&place->depot, manifest.parts[1]), 0);
    char gone[DEPOT_NAME_SIZE];
    memcpy(gone, manifest.parts[1], sizeof gone);
    manifest_fini(&manifest);
    assert_int_equal(manifest_load(&place->depot, name, &manifest), ERROR_NOT_FOUND);
    assert_non_null(strstr(place->depot.why, gone));
    manifest_fini(&manifest);
}

static void test_parts_that_are_no_manifest(void **state)
{
    struct place *place = *state;
    static const struct {
        const char *part, *head, *why;
    } cases[] = {
        {"[" FILE_A "]", "{\"version\":2,\"main\":\"/a\",\"count\":2,\"parts\":[", "$.count"},
        {"[" FILE_A "]", "{\"version\":2,\"main\":\"/b\",\"count\":1,\"parts\":[", "$.main"},
        {"[" FILE_A "," FILE_A "]", "{\"version\":2,\"main\":\"/a\",\"count\":2,\"parts\":[", "once"},
        {"{}", "{\"version\":2,\"main\":\"/a\",\"count\":2,\"parts\":[", "$: expected an array"},
        {"[", "{\"version\":2,\"main\":\"/a\",\"count\":2,\"parts\":[", "line 1"},
        {"[1]", "{\"version\":2,\"main\":\"/a\",\"count\":2,\"parts\":[", "$[0]: expected an object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char part[DEPOT_NAME_SIZE], name[DEPOT_NAME_SIZE], text[256];
        struct manifest manifest;
        assert_int_equal(depot_put(&place->depot, cases[i].part, strlen(cases[i].part), part), 0);
        snprintf(text, sizeof text, "%s\"%s\"]}", cases[i].head, part);
        assert_int_equal(depot_put(&place->depot, text, strlen(text), name), 0);
        assert_int_equal(depot_settle(&place->depot), 0);
        assert_int_equal(manifest_load(&place->depot, name, &manifest), ERROR_SYNTAX);
        assert_non_null(strstr(place->depot.why, cases[i].why));
        manifest_fini(&manifest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_bad),
        cmocka_unit_test_setup_teardown(test_tree, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_tree_fails, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_links, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_parts, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_parts_end, make_place, remove_place),
        cmocka_unit_test_setup_teardown(test_parts_that_are_no_manifest, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
