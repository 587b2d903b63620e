/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of scratch folders: they go away with all that is in them, also those of who was killed; those in
 * which somebody works stay. */
#include "config.h"

#include "unit.h"

#include "base/memory.h"
#include "daemon/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void put_file(const char *folder, const char *name)
{
    char *path = memory_print("%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_not_equal(fd, -1);
    assert_int_equal(close(fd), 0);
    free(path);
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void what_is_in_it_goes_with_it(void **state)
{
    char folder[] = "/tmp/steerd-scratch-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(folder));
    struct scratch one, other;
    assert_int_equal(scratch_open(folder, "moment", &one), 0);
    assert_int_equal(scratch_open(folder, "moment", &other), 0);
    assert_string_not_equal(one.path, other.path);
    char *inner = memory_print("%s/etc", one.path), *path = memory_copy_text(one.path);
    assert_int_equal(mkdir(inner, 0700), 0);
    put_file(inner, "steerd.json");
    char *link = memory_print("%s/link", one.path);
    assert_int_equal(symlink("/tmp", link), 0);
    free(link);
    scratch_close(&one);
    assert_false(is_there(path));
    assert_true(is_there("/tmp"));
    assert_true(is_there(other.path));
    scratch_close(&other);
    free(inner);
    free(path);
    char *tmp = memory_print("%s/tmp", folder);
    assert_int_equal(rmdir(tmp), 0);
    assert_int_equal(rmdir(folder), 0);
    free(tmp);
}

static void what_the_dead_left_is_swept(void **state)
{
    char folder[] = "/tmp/steerd-scratch-XXXXXX", name[256] = "";
    (void)state;
    assert_non_null(mkdtemp(folder));
    struct scratch mine;
    int ends[2];
    assert_int_equal(scratch_open(folder, "moment", &mine), 0);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct scratch left;
        if (scratch_open(folder, "moment", &left) == 0) {
            put_file(left.path, "file");
            (void)(write(ends[1], left.path, strlen(left.path)) > 0);
        }
        raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(read(ends[0], name, sizeof name - 1) > 0);
    assert_true(is_there(name));
    assert_int_equal(scratch_sweep(folder), 1);
    assert_false(is_there(name));
    assert_true(is_there(mine.path));
    scratch_close(&mine);
    assert_int_equal(scratch_sweep(folder), 0);
    assert_int_equal(scratch_sweep("/nowhere"), 0);
    char *tmp = memory_print("%s/tmp", folder);
    assert_int_equal(rmdir(tmp), 0);
    assert_int_equal(rmdir(folder), 0);
    free(tmp);
    close(ends[0]), close(ends[1]);
}

static void why_there_is_none_is_said(void **state)
{
    (void)state;
    struct scratch scratch;
    assert_int_equal(scratch_open("/nowhere", "moment", &scratch), -ENOENT);
    assert_string_equal(scratch.path, "/nowhere/tmp");
    scratch_close(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_in_it_goes_with_it),
        cmocka_unit_test(what_the_dead_left_is_swept),
        cmocka_unit_test(why_there_is_none_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
