/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the file that is written on: wherever it is cut, and whatever octet is another, what is read is a
 * beginning of what was written; what cannot be written leaves it as it was. */
#include "config.h"

#include "unit.h"

#include "base/trail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define TITLE "a trail 1\n"

enum { FRAMES = 5, LONGEST = 4000 };

static char folder[] = "test_trail.XXXXXX";
static char path[64], beside[64];

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/x", folder);
    snprintf(beside, sizeof beside, "%s/x.new", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(folder); /* nothing is left beside */
}

/* What was read: frames of one letter each. */
struct seen {
    char letters[FRAMES * 4];
    size_t count, refuse_at;
};

static int see(void *context, const uint8_t *bytes, size_t len)
{
    struct seen *seen = context;
    if (seen->count == seen->refuse_at) {
        return -EINVAL;
    }
    for (size_t i = 1; i < len; i++) {
        assert_int_equal(bytes[i], bytes[0]);
    }
    seen->letters[seen->count++] = (char)bytes[0];
    return 0;
}

static struct trail_reading look(struct seen *seen)
{
    struct trail_reading reading = {.total = 0};
    *seen = (struct seen){.refuse_at = SIZE_MAX};
    trail_read(path, TITLE, see, seen, &reading);
    return reading;
}

static void expect_letters(const char *wanted, enum trail_end end)
{
    struct seen seen;
    struct trail_reading reading = look(&seen);
    assert_string_equal(seen.letters, wanted);
    assert_int_equal(reading.end, end);
}

static int add(struct trail *trail, char letter)
{
    char bytes[LONGEST];
    memset(bytes, letter, sizeof bytes);
    return trail_add(trail, bytes, (size_t)(letter - 'a') * 700 + 1);
}

static void write_five(void)
{
    struct trail trail;
    trail_init(&trail, path, TITLE);
    assert_int_equal(trail_begin(&trail), 0);
    for (char letter = 'a'; letter < 'a' + FRAMES; letter++) {
        if (letter == 'c') {
            assert_int_equal(trail_settle(&trail), 0);
        }
        assert_int_equal(add(&trail, letter), 0);
    }
    trail_fini(&trail);
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(look(&seen).end, TRAIL_UNREAD);
    assert_int_equal(look(&seen).error, -ENOENT);
    write_five();
    expect_letters("abcde", TRAIL_WHOLE);
    struct trail_reading reading = look(&seen);
    assert_int_equal(reading.good, reading.total);
}

static void a_new_one_takes_its_place_when_it_is_whole(void **state)
{
    (void)state;
    struct trail trail;
    write_five();
    trail_init(&trail, path, TITLE);
    assert_int_equal(add(&trail, 'a'), -EBADF); /* of another writer */
    assert_int_equal(trail_begin(&trail), 0);
    assert_int_equal(add(&trail, 'b'), 0);
    expect_letters("abcde", TRAIL_WHOLE);
    assert_int_equal(trail_settle(&trail), 0);
    expect_letters("b", TRAIL_WHOLE);
    assert_int_equal(trail_begin(&trail), 0); /* and given up: the old one goes on */
    assert_int_equal(add(&trail, 'c'), 0);
    trail_abandon(&trail);
    assert_int_equal(add(&trail, 'd'), 0);
    expect_letters("bd", TRAIL_WHOLE);
    assert_int_equal(access(beside, F_OK), -1);
    trail_fini(&trail);
}

/* A crash of the machine, a disk that lies. */
static void a_torn_one_is_read_up_to_the_tear(void **state)
{
    (void)state;
    struct seen seen;
    write_five();
    struct trail_reading whole = look(&seen);
    uint64_t total = whole.total;
    size_t most = FRAMES;
    for (uint64_t size = total - 1; size > strlen(TITLE); size -= size > 100 ? 37 : 1) {
        assert_int_equal(truncate(path, (off_t)size), 0);
        struct trail_reading reading = look(&seen);
        assert_int_equal(memcmp(seen.letters, "abcde", seen.count), 0);
        assert_true(seen.count <= most && reading.good <= size);
        assert_int_equal(reading.end, reading.good == size ? TRAIL_WHOLE : TRAIL_TORN);
        most = seen.count;
    }
    assert_int_equal(most, 0);
    assert_int_equal(truncate(path, 3), 0);
    expect_letters("", TRAIL_FOREIGN);
}

static void a_bent_octet_ends_it(void **state)
{
    (void)state;
    struct seen seen;
    write_five();
    struct trail_reading whole = look(&seen);
    uint64_t total = whole.total;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_not_equal(fd, -1);
    for (off_t at = 0; at < (off_t)total; at += 13) {
        char was;
        assert_int_equal(pread(fd, &was, 1, at), 1);
        assert_int_equal(pwrite(fd, &(char){(char)(was ^ 16)}, 1, at), 1);
        struct trail_reading reading = look(&seen);
        assert_int_equal(reading.end, at < (off_t)strlen(TITLE) ? TRAIL_FOREIGN : TRAIL_TORN);
        assert_true((off_t)reading.good <= at && memcmp(seen.letters, "abcde", seen.count) == 0);
        assert_int_equal(pwrite(fd, &was, 1, at), 1);
    }
    close(fd);
    expect_letters("abcde", TRAIL_WHOLE);
}

static void what_the_reader_refuses_is_not_good(void **state)
{
    (void)state;
    struct seen seen = {.refuse_at = 2};
    struct trail_reading reading;
    write_five();
    trail_read(path, TITLE, see, &seen, &reading);
    assert_string_equal(seen.letters, "ab");
    assert_int_equal(reading.end, TRAIL_TORN);
}

/* No room: the limit of file sizes is as good as a full disk. */
static void what_finds_no_room_leaves_nothing(void **state)
{
    (void)state;
    struct rlimit before, small;
    struct trail trail;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    trail_init(&trail, path, TITLE);
    assert_int_equal(trail_begin(&trail), 0);
    assert_int_equal(add(&trail, 'a'), 0);
    assert_int_equal(trail_settle(&trail), 0);
    small = (struct rlimit){.rlim_cur = trail.size + 1000, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(add(&trail, 'e'), -EFBIG);
    expect_letters("a", TRAIL_WHOLE);
    assert_int_equal(add(&trail, 'b'), 0); /* there is room for that */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(add(&trail, 'e'), 0);
    expect_letters("abe", TRAIL_WHOLE);
    trail_fini(&trail);
}

/* By another process, behind what it could read. */
static void it_is_gone_on_with_behind_the_tear(void **state)
{
    (void)state;
    struct seen seen;
    struct trail trail;
    write_five();
    struct trail_reading reading = look(&seen);
    assert_int_equal(truncate(path, (off_t)reading.total - 1), 0);
    trail_init(&trail, path, TITLE);
    reading = look(&seen);
    assert_int_equal(trail_resume(&trail, reading.good), 0);
    assert_int_equal(trail.size, reading.good);
    assert_int_equal(add(&trail, 'b'), 0);
    expect_letters("abcdb", TRAIL_WHOLE);
    trail_fini(&trail);
    trail_init(&trail, "test_trail.none/x", TITLE);
    assert_int_equal(trail_resume(&trail, 0), -ENOENT);
    assert_int_equal(add(&trail, 'b'), -EBADF);
    trail_fini(&trail);
}

static void a_folder_that_is_gone_is_an_error(void **state)
{
    (void)state;
    struct trail trail;
    trail_init(&trail, "test_trail.none/x", TITLE);
    assert_int_equal(trail_begin(&trail), -ENOENT);
    assert_int_equal(trail_settle(&trail), -EBADF);
    trail_fini(&trail);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_read),
        cmocka_unit_test(a_new_one_takes_its_place_when_it_is_whole),
        cmocka_unit_test(a_torn_one_is_read_up_to_the_tear),
        cmocka_unit_test(a_bent_octet_ends_it),
        cmocka_unit_test(what_the_reader_refuses_is_not_good),
        cmocka_unit_test(what_finds_no_room_leaves_nothing),
        cmocka_unit_test(it_is_gone_on_with_behind_the_tear),
        cmocka_unit_test(a_folder_that_is_gone_is_an_error),
    };
    return cmocka_run_group_tests_name("trail", tests, make_folder, remove_folder);
}
