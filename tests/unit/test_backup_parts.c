/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What backups are made of: entries that are written once more, names of files, manifests. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "base/memory.h"
#include "past/backup_parts.h"
#include "past/lines.h"
#include "tests/unit/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int setup(void **state)
{
    struct store_fixture *fixture = store_fixture_new();
    *state = fixture;
    return store_fixture_open(fixture);
}

static int teardown(void **state)
{
    store_fixture_free(*state);
    return 0;
}

static void entries_that_do_not_follow_are_refused(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_rebuild *rebuild = NULL;
    struct store_entry entry = {.seq = 1,
                                .cause = {.wall_ms = 1, .actor = "", .peer = "", .reason = "", .request = ""},
                                .kind = "kind",
                                .key = "key",
                                .after = "1"};
    struct store_place place;
    const char *why;
    store_fixture_close(fixture);
    struct report *report = report_new();
    for (int i = 0; i < 4; i++) {
        struct store_entry other = entry;
        assert_int_equal(store_rebuild_open(fixture->folder, report, &rebuild), 0);
        store_rebuild_get_place(rebuild, &place);
        assert_int_equal(place.seq, 0);
        (void)store_follow(&place, &entry); /* makes the hash that it has to have */
        memcpy(other.hash, place.hash, sizeof other.hash);
        other.seq = i == 0 ? 2 : 1;
        other.hash[3] ^= i == 1;
        other.revision_before = i == 2 ? 1 : 0;
        assert_int_equal(store_rebuild_add(rebuild, &other, &why), i == 3 ? 0 : ERROR_CONFLICT);
        if (i == 3) {
            assert_int_equal(store_rebuild_close(rebuild, report), 0);
        } else {
            assert_string_not_equal(why, "");
            store_rebuild_free(rebuild);
        }
    }
    report_free(report);
    assert_int_equal(store_fixture_open(fixture), 0);
    struct buffer text;
    store_fixture_tell_objects(fixture, "kind", &text);
    assert_string_equal(text.bytes, "kind/key=1@1\n");
    buffer_fini(&text);
}

static void names_that_are_none(void **state)
{
    static const char digits[] = "ab/abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd";
    char path[256];
    (void)state;
    snprintf(path, sizeof path, "depot/%s", digits);
    assert_true(backup_has_path(path) && backup_has_path("serials") && backup_has_path("last-health") &&
                backup_has_path("health/0.trail"));
    for (size_t i = 0; i < strlen(path); i++) { /* whatever is changed, it is none */
        static const char odd[] = "/.A\n\x80g";
        for (size_t j = 0; j < sizeof odd - 1; j++) {
            char was = path[i];
            path[i] = odd[j];
            assert_int_equal(backup_has_path(path), was == odd[j]);
            path[i] = was;
        }
    }
    static const char *const none[] = {"",
                                       "/",
                                       "..",
                                       "store.db",
                                       "store.lock",
                                       "lock",
                                       "health/",
                                       "health/.trail",
                                       "health/1.trail/",
                                       "health/a.trail",
                                       "serials/",
                                       "./serials",
                                       "/serials",
                                       "depot/../ab",
                                       "health/../serials",
                                       "health/12345678901234567890.trail"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        assert_false(backup_has_path(none[i]));
    }
}

static bool parses(const char *text)
{
    struct report *report = report_new();
    struct backup_manifest manifest;
    int error = backup_manifest_parse(text, strlen(text), "file", report, &manifest);
    assert_int_equal(error != 0, report_errors(report) != 0);
    if (error == 0) {
        backup_manifest_fini(&manifest);
    }
    report_free(report);
    return error == 0;
}

/* Its own text is read; with any one octet taken out it is another one, or none; and nothing else happens. */
static void manifests_are_strict(void **state)
{
    unsigned char hash[BACKUP_HASH_SIZE] = {1};
    struct backup_manifest manifest = {
        .kind = BACKUP_INCREMENTAL, .made_ms = 1763800000000, .to = {.seq = 9}};
    struct buffer text;
    (void)state;
    memset(manifest.store, '0', STORE_ID_SIZE - 1);
    memset(manifest.base.id, '1', BACKUP_ID_SIZE - 1);
    manifest.base.to.seq = 7;
    backup_members_add(&manifest.members, BACKUP_JOURNAL, 17, hash);
    backup_members_add(&manifest.members, "serials", 0, hash);
    backup_members_add(&manifest.before, "health/1.trail", 5, hash);
    buffer_init(&text);
    backup_manifest_write(&manifest, &text);
    assert_true(parses(text.bytes));
    size_t good = 0;
    for (size_t i = 0; i < text.len; i++) {
        char *copy = memory_copy_text(text.bytes);
        memmove(copy + i, copy + i + 1, text.len - i);
        good += parses(copy);
        free(copy);
    }
    assert_true(good < text.len / 2); /* white space, and digits of times and numbers */
    buffer_fini(&text);
    backup_manifest_fini(&manifest);
}

/* Manifests of backups have hashes of these lines: another form would make all of them look broken. */
static void lines_of_objects_stay_as_they_are(void **state)
{
    struct store_object object = {.kind = "override",
                                  .key = "region:\"us\"",
                                  .value = "{\"state\":\"drain\"}",
                                  .revision = 12,
                                  .written_ms = 1763800000000,
                                  .expires_ms = 7};
    struct buffer line;
    (void)state;
    buffer_init(&line);
    lines_write(&line, &object);
    assert_string_equal(line.bytes, "{\"kind\":\"override\",\"key\":\"region:\\\"us\\\"\",\"revision\":12,"
                                    "\"written_ms\":1763800000000,\"expires_ms\":7,"
                                    "\"value\":{\"state\":\"drain\"}}\n");
    buffer_fini(&line);
}

/* Nothing of it is left in memory, which a sanitizer sees, and nothing more is written. */
static void one_that_is_given_up(void **state)
{
    const struct store_fixture *fixture = *state;
    struct report *report = report_new();
    char member_name[] = "last-health";
    const struct backup_member member = {.path = member_name, .size = 1000};
    for (int is_zstd = 0; is_zstd < 2; is_zstd++) {
        char *path = memory_print("%s/given-up-%d", fixture->folder, is_zstd);
        struct backup_writer *writer = NULL;
        assert_int_equal(backup_writer_open(path, is_zstd != 0, "a backup", report, &writer), 0);
        assert_int_equal(backup_writer_begin(writer, &member, 0), 0);
        assert_int_equal(backup_writer_add(writer, "half", 4), 0);
        backup_writer_free(writer);
        struct stat status;
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_size, 0);
        free(path);
    }
    assert_int_equal(report_count(report), 0);
    report_free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(entries_that_do_not_follow_are_refused, setup, teardown),
        cmocka_unit_test(names_that_are_none),
        cmocka_unit_test(manifests_are_strict),
        cmocka_unit_test(lines_of_objects_stay_as_they_are),
        cmocka_unit_test_setup_teardown(one_that_is_given_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
