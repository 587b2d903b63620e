/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of bundles: one text for a list of files and no other, and what a folder is as one. */
#include "config.h"

#include "bundle_folder.h"

#include "base/error.h"
#include "base/progress.h"

#include <errno.h>

/* ---- the manifest ---- */

static void assert_refused(const char *text, int expected, const char *says)
{
    struct bundle *bundle;
    assert_int_equal(bundle_read(text, strlen(text), &bundle, why), expected);
    assert_null(bundle);
    if (strstr(why, says) == NULL) {
        fail_msg("found \"%s\", expected \"%s\" for %s", why, says, text);
    }
}

static void test_manifest(void **state)
{
    (void)state;
    static const char text[] = "{\"version\":1,\"files\":["
                               "{\"path\":\"geo/\\\"ü\\\\\",\"size\":300000,\"sha256\":\"" ABC "\"},"
                               "{\"path\":\"topology.json\",\"size\":0,\"sha256\":\"" EMPTY "\"},"
                               "{\"path\":\"zones/example.com.zone\",\"size\":3,\"sha256\":\"" ABC "\"}]}";
    struct bundle *bundle = read_good(text), *again;
    assert_int_equal(bundle->count, 3);
    assert_int_equal(bundle->size, 300003);
    assert_string_equal(bundle->files[0].path, "geo/\"ü\\");
    assert_int_equal(bundle->files[1].at, 300000);
    assert_int_equal(bundle->files[2].at, 300000);
    assert_ptr_equal(bundle_find(bundle, "topology.json"), &bundle->files[1]);
    assert_null(bundle_find(bundle, "zones"));
    assert_int_equal(bundle_find_at(bundle, 299999), 0);
    assert_int_equal(bundle_find_at(bundle, 300000), 2);
    assert_int_equal(bundle_count_blocks(bundle->size), 2);
    assert_int_equal(bundle_block_len(bundle->size, 0), BUNDLE_BLOCK_SIZE);
    assert_int_equal(bundle_block_len(bundle->size, 1), 300003 - BUNDLE_BLOCK_SIZE);
    assert_int_equal(bundle_block_len(bundle->size, 2), 0);
    struct bundle_file files[3] = {bundle->files[2], bundle->files[0], bundle->files[1]};
    assert_int_equal(bundle_make(files, 3, &again, why), 0);
    assert_string_equal(again->manifest, text);
    assert_string_equal(again->id, bundle->id);
    bundle_free(bundle);
    bundle_free(again);
}

#define FILE_ABC(path) "{\"path\":\"" path "\",\"size\":3,\"sha256\":\"" ABC "\"}"
#define FILES(list)    "{\"version\":1,\"files\":[" list "]}"

static void test_refused(void **state)
{
    (void)state;
    bundle_free(read_good(FILES(FILE_ABC("a"))));
    assert_refused("", ERROR_SYNTAX, "expected a manifest");
    assert_refused("{\"version\":1,\"files\": []}", ERROR_SYNTAX, "expected a manifest");
    assert_refused(FILES(""), ERROR_SYNTAX, "files[0]");
    assert_refused("{\"version\":2,\"pieces\":[]}", ERROR_UNSUPPORTED, "a later version");
    assert_refused("{\"version\":01,\"files\":[]}", ERROR_SYNTAX, "expected a manifest");
    assert_refused(FILES(FILE_ABC("a")) " ", ERROR_SYNTAX, "behind the end");
    assert_refused(FILES(FILE_ABC("a") " "), ERROR_SYNTAX, "files[1]: expected \",\"");
    assert_refused(FILES(FILE_ABC("b") "," FILE_ABC("a")), ERROR_SYNTAX,
                   "files[1].path: found \"a\", expected files in");
    assert_refused(FILES(FILE_ABC("a") "," FILE_ABC("a")), ERROR_SYNTAX, "each once");
    assert_refused(FILES(FILE_ABC("a") "," FILE_ABC("a-b") "," FILE_ABC("a/b")), ERROR_SYNTAX,
                   "the file a and files in a folder");
    bundle_free(read_good(FILES(FILE_ABC("a-b") "," FILE_ABC("a/b") "," FILE_ABC("ab"))));
    assert_refused(FILES("{\"path\":\"a\",\"size\":03,\"sha256\":\"" ABC "\"}"), ERROR_SYNTAX, ".size");
    assert_refused(FILES("{\"path\":\"a\",\"size\":-1,\"sha256\":\"" ABC "\"}"), ERROR_SYNTAX, ".size");
    assert_refused(FILES("{\"path\":\"a\",\"size\":17179869185,\"sha256\":\"" ABC "\"}"), ERROR_SYNTAX,
                   ".size");
    assert_refused(FILES("{\"path\":\"a\",\"size\":99999999999999999999999,\"sha256\":\"" ABC "\"}"),
                   ERROR_SYNTAX, ".size");
    assert_refused(FILES("{\"path\":\"a\",\"size\":17179869184,\"sha256\":\"" ABC "\"}," FILE_ABC("b")),
                   ERROR_TOO_LARGE, "16 GiB");
    assert_refused(FILES("{\"path\":\"a\",\"size\":0,\"sha256\":\"" ABC "\"}"), ERROR_SYNTAX, "no octets");
    assert_refused(FILES("{\"path\":\"a\",\"size\":3,\"sha256\":\"BA7816\"}"), ERROR_SYNTAX, ".sha256");
    assert_refused(FILES("{\"path\":\"a\",\"size\":3,\"sha256\":\"" ABC), ERROR_SYNTAX, "behind \"sha256\"");
    assert_refused(FILES(FILE_ABC("a") "," FILE_ABC("b/../c")), ERROR_SYNTAX,
                   "files[1].path: found \"b/../c\", expected a relative path");
    assert_refused(FILES(FILE_ABC("zones/var/x")), ERROR_SYNTAX,
                   "files[0].path: found \"zones/var/x\", expected");
    assert_refused(FILES(FILE_ABC("b/\xe2\x80\xae.c")), ERROR_SYNTAX, "found \"b/???.c\", expected");
    assert_refused(FILES("{\"path\":\"\\u0061\",\"size\":3,\"sha256\":\"" ABC "\"}"), ERROR_SYNTAX, ".path");
}

static void test_paths(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "a/b.c", "ü/b", "a b", "a/b..", "%2e.zone"};
    static const char *const bad[] = {"",      "/",    "/a",    "a/",       "a//b",   ".",
                                      "..",    "./a",  "a/..",  "a/.b",     ".git/x", "\xff",
                                      "a\xc3", "a\nb", "a\x7f", "a\xc2\x85"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(bundle_is_path(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(bundle_is_path(bad[i]));
    }
    char path[BUNDLE_PATH_MAX + 2];
    memset(path, 'a', sizeof path);
    for (size_t i = 250; i < BUNDLE_PATH_MAX; i += 250) {
        path[i] = '/';
    }
    path[BUNDLE_PATH_MAX] = '\0';
    assert_true(bundle_is_path(path));
    path[BUNDLE_PATH_MAX] = 'a';
    path[BUNDLE_PATH_MAX + 1] = '\0';
    assert_false(bundle_is_path(path));
    path[256] = '\0';
    memset(path, 'a', 256);
    assert_false(bundle_is_path(path));
}

/* ---- folders ---- */

static void test_scan(void **state)
{
    (void)state;
    struct bundle_skipped skipped;
    struct bundle *bundle;
    write_file(in("src/topology.json"), "abc", 3);
    write_file(in("src/steerd.json"), "{}", 2);
    write_file(in("src/var/store.db"), "x", 1);
    write_file(in("src/.git/config"), "x", 1);
    write_file(in("src/zones/.example.com.zone.swp"), "x", 1);
    write_file(in("src/zones/example.com.zone"), "", 0);
    write_file(in("geo.mmdb"), "abc", 3);
    assert_int_equal(mkdir(in("src/empty"), 0700), 0);
    assert_int_equal(symlink("../geo.mmdb", in("src/geo.mmdb")), 0);
    assert_int_equal(bundle_scan(in("src"), NULL, &bundle, &skipped, why), 0);
    assert_int_equal(skipped.hidden, 2);
    assert_int_equal(skipped.settings, 1);
    assert_int_equal(skipped.states, 1);
    assert_string_equal(
        bundle->manifest,
        FILES(FILE_ABC("geo.mmdb") "," FILE_ABC(
            "topology.json") ","
                             "{\"path\":\"zones/example.com.zone\",\"size\":0,\"sha256\":\"" EMPTY "\"}"));
    bundle_free(bundle);
}

static void test_scan_fails(void **state)
{
    (void)state;
    struct bundle *bundle;
    struct progress progress = {.cancelled = true};
    assert_int_equal(bundle_scan(in("none"), NULL, &bundle, NULL, why), -ENOENT);
    assert_int_equal(mkdir(in("src"), 0700), 0);
    assert_int_equal(bundle_scan(in("src"), NULL, &bundle, NULL, why), ERROR_INVALID);
    assert_non_null(strstr(why, "no files"));
    write_file(in("src/a"), "a", 1);
    assert_int_equal(bundle_scan(in("src"), &progress, &bundle, NULL, why), ERROR_CANCELLED);
    assert_int_equal(symlink(".", in("src/again")), 0);
    assert_int_equal(bundle_scan(in("src"), NULL, &bundle, NULL, why), ERROR_INVALID);
    assert_non_null(strstr(why, "again: found a symbolic link to a folder"));
    assert_int_equal(unlink(in("src/again")), 0);
    assert_int_equal(mkfifo(in("src/pipe"), 0600), 0);
    assert_int_equal(bundle_scan(in("src"), NULL, &bundle, NULL, why), ERROR_INVALID);
    assert_non_null(strstr(why, "pipe: found something that is no file"));
    assert_int_equal(unlink(in("src/pipe")), 0);
    write_file(in("src/a\nb"), "a", 1);
    assert_int_equal(bundle_scan(in("src"), NULL, &bundle, NULL, why), ERROR_INVALID);
    assert_null(bundle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_paths),
        cmocka_unit_test_setup_teardown(test_scan, make_folder, clean_folder),
        cmocka_unit_test_setup_teardown(test_scan_fails, make_folder, clean_folder),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
