/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the files that are kept by their content: each once, found again only as it was, written whole or
 * not at all, and with names that lead nowhere else. */
#include "config.h"

#include "unit.h"

#include "past/depot.h"

#include "base/error.h"
#include "base/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* FIPS 180-2, "abc" */
#define ABC     "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define NOWHERE "00000000000000000000000000000000000000000000000000000000000000ff"

enum { LARGE = (9 << 20) + 7, MANY = 300 };

static char folder[] = "test_depot.XXXXXX";
static char source[64];

static int make_folder(void **state)
{
    static struct depot depot;
    if (strstr(folder, "XXXXXX") != NULL) {
        assert_non_null(mkdtemp(folder));
        snprintf(source, sizeof source, "%s/source", folder);
    }
    depot_init(&depot, folder);
    *state = &depot;
    return 0;
}

static int remove_depot(void **state)
{
    char command[128];
    depot_fini(*state);
    snprintf(command, sizeof command, "rm -rf %s/*", folder);
    return system(command); /* NOLINT(cert-env33-c): a folder of our own */
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static const char *path_of(const char *name, const char *suffix)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/depot/%.2s/%s%s", folder, name, name, suffix);
    return path;
}

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, len, stream), len);
    assert_int_equal(fclose(stream), 0);
}

static void put(struct depot *depot, const char *text, char name[DEPOT_NAME_SIZE])
{
    assert_int_equal(depot_put(depot, text, strlen(text), name), 0);
    assert_int_equal(depot_settle(depot), 0);
}

static void assert_kept(struct depot *depot, const char *name, const void *bytes, size_t len)
{
    size_t found;
    int error;
    char *have = depot_get(depot, name, UINT64_MAX, &found, &error);
    assert_non_null(have);
    assert_int_equal(found, len);
    assert_memory_equal(have, bytes, len);
    assert_int_equal(have[len], 0);
    free(have);
}

static void test_round(void **state)
{
    struct depot *depot = *state;
    char name[DEPOT_NAME_SIZE];
    struct stat status;
    assert_false(depot_has(depot, ABC));
    assert_int_equal(depot_put(depot, "abc", 3, name), 0);
    assert_string_equal(name, ABC);
    assert_false(depot_has(depot, ABC)); /* not yet in its place */
    assert_int_equal(depot_settle(depot), 0);
    assert_true(depot_has(depot, ABC));
    assert_kept(depot, ABC, "abc", 3);
    assert_int_equal(stat(path_of(ABC, ""), &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    char inner[64];
    snprintf(inner, sizeof inner, "%s/depot", folder);
    assert_int_equal(stat(inner, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    put(depot, "", name); /* nothing is a content, too */
    assert_kept(depot, name, "", 0);
}

static void test_once(void **state)
{
    struct depot *depot = *state;
    char name[DEPOT_NAME_SIZE];
    struct stat before, after;
    assert_int_equal(depot_put(depot, "abc", 3, name), 0);
    assert_int_equal(depot_put(depot, "abc", 3, name), 0); /* twice in one go */
    assert_int_equal(depot_settle(depot), 0);
    assert_int_equal(depot->written, 1);
    assert_int_equal(stat(path_of(ABC, ""), &before), 0);
    put(depot, "abc", name);
    assert_int_equal(stat(path_of(ABC, ""), &after), 0);
    assert_true(before.st_ino == after.st_ino);
    assert_int_equal(depot->written, 1);
}

static void test_damage(void **state)
{
    struct depot *depot = *state;
    char name[DEPOT_NAME_SIZE];
    size_t len;
    int error;
    put(depot, "abc", name);
    assert_int_equal(chmod(path_of(ABC, ""), 0600), 0);
    write_file(path_of(ABC, ""), "abd", 3);
    assert_null(depot_get(depot, ABC, UINT64_MAX, &len, &error));
    assert_int_equal(error, ERROR_SYNTAX);
    assert_non_null(strstr(depot->why, "damaged"));
    assert_non_null(strstr(depot->why, ABC));
    assert_int_equal(depot_check(depot, ABC, NULL), ERROR_SYNTAX);
    assert_int_equal(depot_copy(depot, ABC, source), ERROR_SYNTAX);
    assert_int_equal(access(source, F_OK), -1); /* what is not what it was is not handed out */
    put(depot, "abc", name);
    assert_kept(depot, ABC, "abc", 3); /* who puts it again mends it */
}

static void test_names(void **state)
{
    struct depot *depot = *state;
    static const char *const bad[] = {"",
                                      "abc",
                                      "../../../../../../../../../../../../../../../../etc/passwd00000000",
                                      "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
                                      ABC "0", /* NOLINT(bugprone-suspicious-missing-comma) */
                                      "..7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"};
    size_t len;
    int error;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(depot_is_name(bad[i]));
        assert_false(depot_has(depot, bad[i]));
        assert_null(depot_get(depot, bad[i], UINT64_MAX, &len, &error));
        assert_int_equal(error, ERROR_INVALID);
        assert_int_equal(depot_copy(depot, bad[i], source), ERROR_INVALID);
        assert_int_equal(depot_check(depot, bad[i], NULL), ERROR_INVALID);
        assert_int_equal(depot_remove(depot, bad[i]), ERROR_INVALID);
    }
    assert_null(depot_get(depot, NOWHERE, UINT64_MAX, &len, &error));
    assert_int_equal(error, ERROR_NOT_FOUND);
    assert_int_equal(depot_remove(depot, NOWHERE), ERROR_NOT_FOUND);
}

static void test_limit(void **state)
{
    struct depot *depot = *state;
    char name[DEPOT_NAME_SIZE];
    size_t len;
    int error;
    put(depot, "abc", name);
    assert_null(depot_get(depot, ABC, 2, &len, &error));
    assert_int_equal(error, ERROR_TOO_LARGE);
}

static void put_file(struct depot *depot, int expected, char name[DEPOT_NAME_SIZE])
{
    struct file file;
    assert_int_equal(file_open(source, UINT64_MAX, &file), 0);
    assert_int_equal(depot_put_file(depot, source, &file, name), expected);
    assert_int_equal(file.fd, -1);
}

static void test_files(void **state)
{
    struct depot *depot = *state;
    char name[DEPOT_NAME_SIZE], copy[64];
    write_file(source, "abc", 3);
    put_file(depot, 0, name);
    assert_string_equal(name, ABC);
    char *bytes = malloc(LARGE);
    for (size_t i = 0; i < LARGE; i++) {
        bytes[i] = (char)(i * 7 + i / 251);
    }
    write_file(source, bytes, LARGE);
    put_file(depot, 0, name);
    assert_int_equal(depot_settle(depot), 0);
    assert_kept(depot, name, bytes, LARGE);
    put_file(depot, 0, name);
    assert_int_equal(depot_settle(depot), 0);
    assert_int_equal(depot->written, 2);
    snprintf(copy, sizeof copy, "%s/copy", folder);
    assert_int_equal(depot_copy(depot, name, copy), 0);
    assert_int_equal(depot_copy(depot, name, copy), -EEXIST); /* writes over nothing */
    uint64_t size;
    assert_int_equal(depot_check(depot, name, &size), 0);
    assert_int_equal(size, LARGE);
    free(bytes);
}

static void test_shrinking(void **state)
{
    struct depot *depot = *state;
    static char bytes[6 << 20];
    char name[DEPOT_NAME_SIZE];
    for (size_t size = 3; size <= sizeof bytes; size *= 100) {
        struct file file;
        write_file(source, bytes, size);
        assert_int_equal(file_open(source, UINT64_MAX, &file), 0);
        assert_int_equal(truncate(source, (off_t)size - 1), 0);
        assert_int_equal(depot_put_file(depot, source, &file, name), ERROR_CONFLICT);
        assert_non_null(strstr(depot->why, source));
    }
    struct file file;
    write_file(source, bytes, sizeof bytes);
    assert_int_equal(file_open(source, UINT64_MAX, &file), 0);
    assert_int_equal(truncate(source, sizeof bytes - 1), 0);
    assert_int_equal(depot_put_file(depot, source, &file, name), ERROR_CONFLICT);
    assert_int_equal(depot_settle(depot), 0);
    assert_int_equal(depot->written, 0);
}

static void test_cancelled(void **state)
{
    struct depot *depot = *state;
    struct progress progress = {.cancelled = false};
    static char bytes[6 << 20];
    char name[DEPOT_NAME_SIZE];
    write_file(source, bytes, sizeof bytes);
    depot->progress = &progress;
    progress_cancel(&progress);
    put_file(depot, ERROR_CANCELLED, name);
}

static int count_item(void *context, const struct depot_item *item)
{
    assert_true(depot_is_name(item->name));
    assert_true(item->modified_ns > 0);
    ++*(size_t *)context;
    return item->size == 3 && strcmp(item->name, ABC) != 0 ? -EINVAL : 0;
}

static bool keep_abc(void *context, const struct depot_item *item)
{
    (void)context;
    return strcmp(item->name, ABC) == 0;
}

/* More than are synced one by one. */
static void test_many(void **state)
{
    struct depot *depot = *state;
    char name[DEPOT_NAME_SIZE], text[16];
    size_t count = 0;
    assert_int_equal(depot_list(depot, count_item, &count), 0); /* none at all */
    for (int i = 0; i < MANY; i++) {
        snprintf(text, sizeof text, "number %d", i);
        assert_int_equal(depot_put(depot, text, strlen(text), name), 0);
    }
    assert_int_equal(depot_put(depot, "abc", 3, name), 0);
    assert_int_equal(depot_settle(depot), 0);
    assert_int_equal(depot->written, MANY + 1);
    assert_int_equal(depot_list(depot, count_item, &count), 0);
    assert_int_equal(count, MANY + 1);
}

static void test_sweep(void **state)
{
    struct depot *depot = *state;
    char name[DEPOT_NAME_SIZE], rest[256], foreign[256];
    put(depot, "number one", name);
    put(depot, "abc", name);
    snprintf(rest, sizeof rest, "%s", path_of(ABC, ".new"));
    write_file(rest, "ab", 2); /* of a writer that was killed */
    snprintf(foreign, sizeof foreign, "%s/depot/%.2s/README", folder, ABC);
    write_file(foreign, "mine", 4);
    struct depot_swept swept;
    assert_int_equal(depot_sweep(depot, keep_abc, NULL, &swept), 0);
    assert_int_equal(swept.removed, 1);
    assert_int_equal(swept.octets, 10);
    assert_int_equal(swept.kept, 1);
    assert_int_equal(swept.kept_octets, 3);
    assert_int_equal(access(rest, F_OK), -1);
    assert_int_equal(access(foreign, F_OK), 0);
    assert_kept(depot, ABC, "abc", 3);
}

static void test_rest(void **state)
{
    struct depot *depot = *state;
    char name[DEPOT_NAME_SIZE];
    put(depot, "abc", name);
    assert_int_equal(depot_remove(depot, ABC), 0);
    write_file(path_of(ABC, ".new"), "ab and more", 11); /* of a writer that was killed */
    put(depot, "abc", name);
    assert_kept(depot, ABC, "abc", 3);
}

/* A disk that is full in the middle: nothing of it is there, and it can be tried again. */
static void test_full(void **state)
{
    struct depot *depot = *state;
    static char bytes[1 << 20];
    char name[DEPOT_NAME_SIZE];
    struct rlimit limit, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){.rlim_cur = 4096, .rlim_max = limit.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int error = depot_put(depot, bytes, sizeof bytes, name);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(error, -EFBIG);
    assert_non_null(strstr(depot->why, name));
    assert_int_equal(access(path_of(name, ".new"), F_OK), -1);
    assert_int_equal(depot_settle(depot), 0);
    assert_false(depot_has(depot, name));
    assert_int_equal(depot_put(depot, bytes, sizeof bytes, name), 0);
    assert_int_equal(depot_settle(depot), 0);
    assert_kept(depot, name, bytes, sizeof bytes);
}

/* What was put is gone before it had its place: said, and not counted as kept. */
static void test_lost(void **state)
{
    struct depot *depot = *state;
    char name[DEPOT_NAME_SIZE];
    assert_int_equal(depot_put(depot, "abc", 3, name), 0);
    assert_int_equal(unlink(path_of(ABC, ".new")), 0);
    assert_int_equal(depot_settle(depot), -ENOENT);
    assert_int_equal(depot_settle(depot), 0);
    put(depot, "abc", name);
    assert_kept(depot, ABC, "abc", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round, make_folder, remove_depot),
        cmocka_unit_test_setup_teardown(test_once, make_folder, remove_depot),
        cmocka_unit_test_setup_teardown(test_damage, make_folder, remove_depot),
        cmocka_unit_test_setup_teardown(test_names, make_folder, remove_depot),
        cmocka_unit_test_setup_teardown(test_limit, make_folder, remove_depot),
        cmocka_unit_test_setup_teardown(test_files, make_folder, remove_depot),
        cmocka_unit_test_setup_teardown(test_shrinking, make_folder, remove_depot),
        cmocka_unit_test_setup_teardown(test_cancelled, make_folder, remove_depot),
        cmocka_unit_test_setup_teardown(test_many, make_folder, remove_depot),
        cmocka_unit_test_setup_teardown(test_sweep, make_folder, remove_depot),
        cmocka_unit_test_setup_teardown(test_rest, make_folder, remove_depot),
        cmocka_unit_test_setup_teardown(test_full, make_folder, remove_depot),
        cmocka_unit_test_setup_teardown(test_lost, make_folder, remove_depot),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
