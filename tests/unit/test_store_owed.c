/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What has taken effect while a disk fails for hours: bounded, in its order, and whole in the end; and what
 * is submitted by whoever is told of the last jobs when the store closes. */
#include "config.h"

#include "unit.h"

#include "base/memory.h"
#include "tests/unit/store_disk.h"
#include "tests/unit/store_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>

enum {
    CHANGES = 100000,
    OPS = 10,
    KEYS = 3000,
    ONE_BY_ONE = 10000, /* owed.h: OWED_MAX */
    OCTETS_EACH = 1000,
};

static int setup(void **state)
{
    struct store_fixture *fixture = store_fixture_new();
    disk_reset();
    *state = fixture;
    return store_fixture_open(fixture);
}

static int teardown(void **state)
{
    disk_reset();
    store_fixture_free(*state);
    return 0;
}

static bool is_well(struct store_fixture *fixture)
{
    struct store_stats stats;
    store_get_stats(fixture->store, &stats);
    return stats.error == 0 && stats.owed == 0;
}

static void expect_whole(struct store_fixture *fixture)
{
    struct store_reader *reader = store_fixture_read(fixture);
    struct store_verdict verdict;
    assert_int_equal(store_verify(reader, 0, NULL, &verdict), 0);
    assert_string_equal(verdict.why, "");
    store_reader_close(reader);
}

/* What the objects have to be in the end: the number of the change that was the last; 0: it is deleted. */
static unsigned last[KEYS];

/* Changes from `from` on, of one transaction; every seventh deletes. */
static void change(struct store_fixture *fixture, unsigned from, unsigned count)
{
    static char keys[STORE_OPS_MAX][16], values[STORE_OPS_MAX][16];
    static struct store_op ops[STORE_OPS_MAX];
    struct store_job job = {.cause = {.wall_ms = 1000 + from, .actor = "alice", .reason = "fire"},
                            .ops = ops,
                            .op_count = count,
                            .insists = true};
    for (unsigned i = 0; i < count; i++) {
        unsigned number = from + i, key = number * 7919 % KEYS;
        last[key] = number % 7 == 0 ? 0 : number;
        snprintf(keys[i], sizeof keys[i], "x%04u", key);
        snprintf(values[i], sizeof values[i], "%u", number);
        ops[i] = (struct store_op){.kind = "k",
                                   .key = keys[i],
                                   .value = last[key] == 0 ? NULL : values[i],
                                   .if_revision = STORE_ANY};
    }
    assert_int_equal(store_fixture_submit(fixture, &job), -ENOSPC);
}

static bool check_object(void *context, const struct store_object *object)
{
    unsigned *count = context, key = (unsigned)strtoul(object->key + 1, NULL, 10);
    assert_int_equal(strtoul(object->value, NULL, 10), last[key]);
    ++*count;
    return true;
}

struct walk {
    int64_t wall_ms;
    size_t entries, changes;
};

/* In the order of time; each tells of how many changes it is the last. */
static bool check_entry(void *context, const struct store_entry *entry)
{
    struct walk *walk = context;
    const char *note = strstr(entry->cause.reason, "the last of ");
    assert_true(entry->cause.wall_ms >= walk->wall_ms);
    assert_int_equal(strncmp(entry->cause.reason, "fire", 4), 0);
    assert_string_equal(entry->cause.actor, "alice");
    walk->wall_ms = entry->cause.wall_ms;
    walk->entries++;
    walk->changes += note == NULL ? 1 : strtoul(note + strlen("the last of "), NULL, 10);
    return true;
}

static void a_full_disk_for_hours(void **state)
{
    struct store_fixture *fixture = *state;
    struct store_stats stats;
    memset(last, 0, sizeof last);
    disk_set_error(SQLITE_FULL);
    for (unsigned done = 1, count; done <= CHANGES; done += count) {
        count = done == 1 ? STORE_OPS_MAX : OPS;
        change(fixture, done, count);
        store_get_stats(fixture->store, &stats);
        assert_true(stats.owed <= ONE_BY_ONE + KEYS);
        assert_true(stats.owed_octets <= (size_t)(ONE_BY_ONE + KEYS) * OCTETS_EACH);
    }
    assert_true(stats.folded >= CHANGES - ONE_BY_ONE - KEYS);
    disk_set_error(0);
    store_fixture_wait(fixture, is_well);
    struct store_reader *reader = store_fixture_read(fixture);
    unsigned found = 0, expected = 0;
    for (size_t i = 0; i < KEYS; i++) {
        expected += last[i] != 0;
    }
    assert_int_equal(store_list(reader, "k", NULL, NULL, check_object, &found), 0);
    assert_int_equal(found, expected);
    struct walk walk = {.entries = 0};
    struct store_filter all = {.kind = "k"};
    assert_int_equal(store_read_journal(reader, &all, check_entry, &walk), 0);
    assert_true(walk.entries <= ONE_BY_ONE + KEYS);
    assert_true(walk.changes + stats.folded >= CHANGES);
    assert_true(walk.changes <= CHANGES + OPS + STORE_OPS_MAX);
    store_reader_close(reader);
    store_get_stats(fixture->store, &stats);
    assert_true(stats.commits >= stats.entries / (2 * STORE_OPS_MAX)); /* in pieces */
    expect_whole(fixture);
}

/* Something that was ordered and taken back leaves a trace although nothing was there before and nothing is
 * now. */
static void what_was_and_is_not_is_told(void **state)
{
    struct store_fixture *fixture = *state;
    struct buffer text;
    disk_set_error(SQLITE_FULL);
    for (unsigned done = 1; done <= 3 * STORE_OPS_MAX; done += STORE_OPS_MAX) {
        change(fixture, done, STORE_OPS_MAX);
    }
    for (int i = 0; i < 3; i++) {
        struct store_op op = {
            .kind = "k", .key = "new", .value = i == 2 ? NULL : "1", .if_revision = STORE_ANY};
        struct store_job job = {
            .cause = {.reason = i == 2 ? "é over" : "x"}, .ops = &op, .op_count = 1, .insists = true};
        assert_int_equal(store_fixture_submit(fixture, &job), -ENOSPC);
    }
    disk_set_error(0);
    store_fixture_wait(fixture, is_well);
    struct store_filter filter = {.kind = "k", .key = "new"};
    store_fixture_tell_journal(fixture, &filter, &text);
    assert_non_null(strstr(text.bytes, "k/new ->-\n"));
    assert_ptr_equal(strchr(text.bytes, '\n'), strrchr(text.bytes, '\n'));
    buffer_fini(&text);
    expect_whole(fixture);
}

/* ---- the end ---- */

struct chatty {
    struct store_job job;
    struct store_op op;
    struct store *store;
    char key[16];
    int left;
    int *done;
};

/* Whoever is told of a job submits the next. */
static void go_on(struct store_job *job)
{
    struct chatty *chatty = (struct chatty *)job;
    ++*chatty->done;
    assert_int_equal(job->error, 0);
    if (chatty->left-- == 0) {
        free(chatty);
        return;
    }
    snprintf(chatty->key, sizeof chatty->key, "a%d", chatty->left);
    store_submit(chatty->store, &chatty->job);
}

static void what_is_submitted_while_it_closes_is_written(void **state)
{
    struct store_fixture *fixture = *state;
    struct chatty *chatty = memory_alloc(sizeof *chatty);
    int done = 0;
    *chatty = (struct chatty){.store = fixture->store, .key = "a", .left = 3, .done = &done};
    chatty->op = (struct store_op){.kind = "k", .key = chatty->key, .value = "1", .if_revision = STORE_ANY};
    chatty->job = (struct store_job){.ops = &chatty->op, .op_count = 1, .insists = true, .done = go_on};
    store_submit(fixture->store, &chatty->job);
    store_fixture_close(fixture);
    assert_int_equal(done, 4);
    struct buffer text;
    store_fixture_tell_objects(fixture, "k", &text);
    assert_string_equal(text.bytes, "k/a=1@1\nk/a0=1@4\nk/a1=1@3\nk/a2=1@2\n");
    buffer_fini(&text);
}

/* ---- many at once ---- */

enum { MANY = 1000 };

static struct store_job many[MANY];
static int ended;

static void count_ended(struct store_job *job)
{
    assert_int_equal(job->error, 0);
    assert_ptr_equal(job, &many[ended]);
    ended++;
}

/* They are done with in pieces, so that the owner does something else in between; each wake brings some. */
static void who_is_told_of_many_is_woken_again(void **state)
{
    struct store_fixture *fixture = *state;
    static const struct store_op op = {.kind = "k", .key = "a", .value = "1", .if_revision = STORE_ANY};
    int most = 0;
    for (int i = 0; i < MANY; i++) {
        many[i] = (struct store_job){.ops = &op, .op_count = 1, .done = count_ended};
        store_submit(fixture->store, &many[i]);
    }
    while (ended < MANY) {
        struct timespec until;
        int before = ended;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 30;
        assert_int_equal(sem_timedwait(&fixture->woken, &until), 0);
        store_reap(fixture->store);
        most = ended - before > most ? ended - before : most;
    }
    assert_true(most <= 64);
}

int main(void)
{
    disk_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_disk_for_hours, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_and_is_not_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_told_of_many_is_woken_again, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_submitted_while_it_closes_is_written, setup, teardown),
    };
    return cmocka_run_group_tests_name("store_owed", tests, NULL, NULL);
}
