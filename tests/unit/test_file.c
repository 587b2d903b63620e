/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the one opener: what is no regular file is refused without waiting, sizes have bounds, what was
 * found is said. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "base/file.h"
#include "base/report.h"
#include "base/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[] = "test_file.XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/x", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    assert_int_equal(rmdir(folder), 0);
    return 0;
}

static void write_text(const char *text)
{
    FILE *to = fopen(path, "we");
    assert_non_null(to);
    assert_int_equal(fputs(text, to) < 0, 0);
    assert_int_equal(fclose(to), 0);
}

static void expect_refusal(const char *at, uint64_t max, int code, const char *why)
{
    struct file file;
    assert_int_equal(file_open(at, max, &file), code);
    assert_string_equal(file.why, why);
    assert_int_equal(file.fd, -1);
    size_t len;
    assert_null(file_read_all(at, max, &file, &len, &code));
    assert_string_equal(file.why, why);
}

/* Each of these would hold up a plain open() or read() for ever, or never end. */
static void only_regular_files_are_opened(void **state)
{
    (void)state;
    expect_refusal(path, 10, -ENOENT, "No such file or directory");
    expect_refusal(folder, 10, ERROR_INVALID, "found a folder, expected a regular file");
    expect_refusal("/dev/zero", 10, ERROR_INVALID, "found a device, expected a regular file");
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refusal(path, 10, ERROR_INVALID, "found a FIFO, expected a regular file");
    assert_int_equal(unlink(path), 0);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    expect_refusal(path, 10, ERROR_INVALID, "found a socket, expected a regular file");
    close(fd);
    assert_int_equal(unlink(path), 0);
}

static void sizes_have_bounds(void **state)
{
    (void)state;
    struct file file;
    size_t len;
    int code;
    write_text("0123456789");
    expect_refusal(path, 9, ERROR_TOO_LARGE, "found 10 octets, expected at most 9");
    assert_int_equal(truncate(path, (off_t)10 << 30), 0); /* holes: nothing of it is read */
    expect_refusal(path, 1 << 20, ERROR_TOO_LARGE, "found 10737418240 octets, expected at most 1048576");
    assert_int_equal(truncate(path, 10), 0);
    char *text = file_read_all(path, 10, &file, &len, &code);
    assert_int_equal(code, 0);
    assert_int_equal(len, 10);
    assert_string_equal(text, "0123456789");
    free(text);
    assert_int_equal(truncate(path, 0), 0);
    text = file_read_all(path, 10, &file, &len, &code);
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(unlink(path), 0);
}

/* What is written to the file or cut off meanwhile is nobody's business. */
static void a_file_ends_where_it_did(void **state)
{
    (void)state;
    struct file file, seen;
    char bytes[16];
    size_t len;
    write_text("0123456789");
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(file_open(path, 100, &file), 0);
    assert_int_equal(file.size, 10);
    assert_int_equal(file.mode, 0640);
    assert_int_equal(fcntl(file.fd, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(file.fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(file_read(&file, bytes, 4, &len), 0);
    assert_int_equal(len, 4);
    write_text("0123456789abcdef");
    assert_int_equal(file_read(&file, bytes, sizeof bytes, &len), 0);
    assert_int_equal(len, 6);
    assert_memory_equal(bytes, "456789", 6);
    assert_int_equal(file_read(&file, bytes, sizeof bytes, &len), 0);
    assert_int_equal(len, 0);
    assert_int_equal(file_look(path, &seen), 0);
    assert_int_equal(seen.inode, file.inode);
    assert_int_equal(seen.size, 16);
    file_close(&file);
    file_close(&file);
    assert_int_equal(file_open(path, 100, &file), 0);
    assert_int_equal(truncate(path, 3), 0);
    assert_int_equal(file_read(&file, bytes, sizeof bytes, &len), 0);
    assert_int_equal(len, 3);
    file_close(&file);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(file_look(path, &seen), -ENOENT);
}

/* ---- what was opened for a report (source.h) ---- */

static void assert_absolute(const char *from, const char *to)
{
    char *absolute = source_make_absolute(from);
    assert_string_equal(absolute, to);
    free(absolute);
}

static void paths_become_absolute(void **state)
{
    (void)state;
    assert_absolute("/", "/");
    assert_absolute("/a/b", "/a/b");
    assert_absolute("//a///b//", "/a/b");
    assert_absolute("/a/./b/.", "/a/b");
    assert_absolute("/a/../b", "/b");
    assert_absolute("/../../a", "/a");
    assert_absolute("/a/b/../..", "/");
    assert_absolute("/a/..b/.c/...", "/a/..b/.c/...");
    char *here = getcwd(NULL, 0), *expected = NULL;
    assert_true(asprintf(&expected, "%s/x/y", here) > 0);
    assert_absolute("x/./y", expected);
    free(here);
    free(expected);
}

static void what_is_opened_is_noted(void **state)
{
    (void)state;
    struct report *report = report_new(), *part;
    struct file file;
    char *here = getcwd(NULL, 0), root[4096];
    write_text("text");
    assert_int_equal(source_open(report, path, 100, &file), 0);
    file_close(&file);
    assert_int_equal(source_open(report, "nowhere", 100, &file), -ENOENT);
    struct source_list list = source_take(report);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].path, path);
    assert_int_equal(list.items[0].size, 4);
    assert_true(source_is_same(&list.items[0], &file) == false); /* of the one that is not there */
    assert_int_equal(file_look(path, &file), 0);
    assert_true(source_is_same(&list.items[0], &file));
    source_list_fini(&list);
    snprintf(root, sizeof root, "%s/%s", here, folder);
    report_set_root(report, root);
    part = report_new_part(report);
    assert_int_equal(source_open(part, "/y/../x", 100, &file), 0); /* below the root */
    file_close(&file);
    list = source_take(part);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].path, "/y/../x");
    struct source_list all = source_take(report);
    assert_int_equal(all.count, 0);
    source_list_append(&all, &list);
    assert_int_equal(all.count, 1);
    assert_int_equal(list.count, 0);
    source_list_fini(&all);
    report_free(part);
    report_free(report);
    free(here);
    assert_int_equal(unlink(path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_regular_files_are_opened), cmocka_unit_test(sizes_have_bounds),
        cmocka_unit_test(a_file_ends_where_it_did),      cmocka_unit_test(paths_become_absolute),
        cmocka_unit_test(what_is_opened_is_noted),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
