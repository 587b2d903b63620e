/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Tests of the store when something is wrong: with the disk, with the files, with what is in them. */
#include "config.h"

#include "unit.h"

#include "base/error.h"
#include "base/memory.h"
#include "store/database.h"
#include "store/schema.h"
#include "tests/unit/store_disk.h"
#include "tests/unit/store_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void expect_objects(struct store_fixture *fixture, const char *expected)
{
    struct buffer text;
    store_fixture_tell_objects(fixture, "k", &text);
    assert_string_equal(text.bytes, expected);
    buffer_fini(&text);
}

static void expect_whole(struct store_fixture *fixture)
{
    struct store_reader *reader = store_fixture_read(fixture);
    struct store_verdict verdict;
    assert_int_equal(store_verify(reader, 0, NULL, &verdict), 0);
    assert_string_equal(verdict.why, "");
    store_reader_close(reader);
}

static int put(struct store_fixture *fixture, const char *key, const char *value, bool insists)
{
    struct store_op op = {.kind = "k", .key = key, .value = value, .if_revision = STORE_ANY};
    struct store_job job = {.ops = &op, .op_count = 1, .insists = insists};
    return store_fixture_submit(fixture, &job);
}

static bool is_well(struct store_fixture *fixture)
{
    struct store_stats stats;
    store_get_stats(fixture->store, &stats);
    return stats.error == 0 && stats.owed == 0;
}

static void expect_failing(struct store_fixture *fixture, int error, const char *words, size_t owed)
{
    struct store_stats stats;
    store_get_stats(fixture->store, &stats);
    assert_int_equal(stats.error, error);
    if (strstr(stats.reason, words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", stats.reason, words);
    }
    assert_true(stats.failing_since_ms > 0);
    assert_int_equal(stats.owed, owed);
}

static void expect_refused(struct store_fixture *fixture, int error, const char *words)
{
    assert_int_equal(store_fixture_open(fixture), error);
    assert_int_equal(report_errors(fixture->report), 1);
    if (strstr(store_fixture_said(fixture), words) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", store_fixture_said(fixture), words);
    }
}

/* ---- the disk ---- */

static void what_insists_is_owed_and_written_first(void **state)
{
    struct store_fixture *fixture = *state;
    static const struct {
        int code, error;
        const char *words;
    } cases[] = {{SQLITE_FULL, -ENOSPC, "make room"},
                 {SQLITE_IOERR_WRITE, -EIO, "I/O"},
                 {SQLITE_IOERR_FSYNC, -EIO, "I/O"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char expected[128];
        unsigned first = (unsigned)i * 4 + 1;
        assert_int_equal(put(fixture, "a", "1", false), 0);
        disk_set_error(cases[i].code);
        assert_int_equal(put(fixture, "a", "2", false), cases[i].error);
        expect_failing(fixture, cases[i].error, cases[i].words, 0);
        assert_int_equal(put(fixture, "b", "3", true), cases[i].error);
        assert_int_equal(put(fixture, "b", "4", true), cases[i].error);
        assert_int_equal(put(fixture, "c", "5", false), cases[i].error);
        expect_failing(fixture, cases[i].error, cases[i].words, 2);
        disk_set_error(0);
        assert_int_equal(put(fixture, "c", "6", false), 0); /* behind what is owed */
        assert_true(is_well(fixture));
        snprintf(expected, sizeof expected, "k/a=1@%u\nk/b=4@%u\nk/c=6@%u\n", first, first + 2, first + 3);
        expect_objects(fixture, expected);
        expect_whole(fixture);
    }
}

static void it_is_tried_again_by_itself(void **state)
{
    struct store_fixture *fixture = *state;
    disk_set_error(SQLITE_FULL);
    assert_int_equal(put(fixture, "a", "1", true), -ENOSPC);
    disk_set_error(0);
    store_fixture_wait(fixture, is_well);
    expect_objects(fixture, "k/a=1@1\n");
    disk_set_error(SQLITE_FULL);
    assert_int_equal(put(fixture, "b", "1", false), -ENOSPC);
    disk_set_error(0);
    store_fixture_wait(fixture, is_well); /* also if nothing is owed */
    expect_objects(fixture, "k/a=1@1\n");
}

static void what_is_owed_is_written_when_it_is_closed(void **state)
{
    struct store_fixture *fixture = *state;
    disk_set_error(SQLITE_FULL);
    assert_int_equal(put(fixture, "a", "1", true), -ENOSPC);
    disk_set_error(0);
    store_fixture_close(fixture);
    expect_objects(fixture, "k/a=1@1\n");
}

/* Every third operation fails: of each job either all is there or nothing. */
static void what_fails_now_and_then_is_written_or_not(void **state)
{
    struct store_fixture *fixture = *state;
    char expected[64] = "";
    for (unsigned i = 0; i < 60; i++) {
        char value[8];
        snprintf(value, sizeof value, "%u", i);
        disk_set_error_every(i % 2 == 0 ? SQLITE_FULL : SQLITE_IOERR_FSYNC, 3 + i % 5);
        if (put(fixture, "a", value, false) == 0) {
            struct store_stats stats;
            store_get_stats(fixture->store, &stats);
            snprintf(expected, sizeof expected, "k/a=%u@%u\n", i, (unsigned)stats.seq);
        }
    }
    disk_set_error(0);
    store_fixture_wait(fixture, is_well);
    expect_objects(fixture, expected);
    expect_whole(fixture);
}

static void much_that_is_owed_holds_up_nobody(void **state)
{
    struct store_fixture *fixture = *state;
    static struct store_op ops[STORE_OPS_MAX];
    struct store_job job = {.ops = ops, .op_count = STORE_OPS_MAX, .insists = true};
    for (size_t i = 0; i < STORE_OPS_MAX; i++) {
        ops[i] = (struct store_op){.kind = "k", .key = "a", .value = "1", .if_revision = STORE_ANY};
    }
    disk_set_error(SQLITE_FULL);
    assert_int_equal(store_fixture_submit(fixture, &job), -ENOSPC);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(put(fixture, "b", "2", true), -ENOSPC);
    }
    expect_failing(fixture, -ENOSPC, "make room", STORE_OPS_MAX + 100);
    disk_set_error(0);
    store_fixture_wait(fixture, is_well);
    char expected[64];
    snprintf(expected, sizeof expected, "k/a=1@%d\nk/b=2@%d\n", STORE_OPS_MAX, STORE_OPS_MAX + 100);
    expect_objects(fixture, expected);
}

static void only_its_own_thread_calls_sqlite(void **state)
{
    struct store_fixture *fixture = *state;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(put(fixture, "a", "1", false), 0);
    }
    store_fixture_close(fixture);
    assert_int_equal(disk_count_strangers("store"), 0);
}

/* ---- the files ---- */

static void a_deleted_store_is_written_anew(void **state)
{
    static const char *const names[][3] = {{"store.db"},
                                           {"store.db-wal"},
                                           {"store.db-wal", "store.db-shm"},
                                           {"store.db", "store.db-wal", "store.db-shm"}};
    struct store_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char value[8];
        snprintf(value, sizeof value, "%zu", i);
        assert_int_equal(put(fixture, "before", value, false), 0);
        struct store_reader *reader = store_fixture_read(fixture); /* which has it open, too */
        for (size_t n = 0; n < 3 && names[i][n] != NULL; n++) {
            char *path = store_fixture_path(fixture, names[i][n]);
            assert_int_equal(unlink(path), 0);
            free(path);
        }
        assert_int_equal(put(fixture, "after", value, true), -ENOENT);
        expect_failing(fixture, -ENOENT, "deleted", 1);
        store_fixture_wait(fixture, is_well);
        store_reader_close(reader);
        store_fixture_close(fixture);
        char expected[64];
        snprintf(expected, sizeof expected, "k/after=%zu@%zu\nk/before=%zu@%zu\n", i, 2 * i + 2, i,
                 2 * i + 1);
        expect_objects(fixture, expected);
        expect_whole(fixture);
        assert_int_equal(store_fixture_open(fixture), 0);
    }
}

static void an_exchanged_store_is_not_written_to(void **state)
{
    struct store_fixture *fixture = *state;
    char *path = store_fixture_path(fixture, "store.db"), *away = store_fixture_path(fixture, "away");
    assert_int_equal(put(fixture, "a", "1", false), 0);
    assert_int_equal(rename(path, away), 0);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    fputs("somebody else's", stream);
    fclose(stream);
    assert_int_equal(put(fixture, "a", "2", false), -ESTALE);
    expect_failing(fixture, -ESTALE, "exchanged", 0);
    assert_int_equal(put(fixture, "a", "3", true), -ESTALE);
    assert_int_equal(rename(away, path), 0);
    store_fixture_wait(fixture, is_well);
    expect_objects(fixture, "k/a=3@2\n");
    expect_whole(fixture);
    free(path);
    free(away);
}

static void a_truncated_store_is_noticed(void **state)
{
    static const char *const names[] = {"store.db", "store.db-wal"};
    struct store_fixture *fixture = *state;
    for (size_t i = 0; i < 2; i++) {
        char *path = store_fixture_path(fixture, names[i]);
        assert_int_equal(put(fixture, "a", "1", false), 0);
        assert_int_equal(truncate(path, 100), 0);
        assert_int_equal(put(fixture, "a", "2", true), ERROR_SYNTAX);
        expect_failing(fixture, ERROR_SYNTAX, "truncated", 1);
        store_fixture_close(fixture);
        free(path);
        (void)store_set_aside(fixture->folder, fixture->report, NULL);
        assert_int_equal(store_fixture_open(fixture), 0);
    }
}

static void a_reader_follows_the_file(void **state)
{
    struct store_fixture *fixture = *state;
    assert_int_equal(put(fixture, "a", "1", false), 0);
    struct store_reader *reader = store_fixture_read(fixture);
    uint64_t seq;
    assert_int_equal(store_find_seq(reader, INT64_MAX, &seq), 0);
    assert_int_equal(seq, 1);
    store_fixture_close(fixture);
    assert_int_equal(store_set_aside(fixture->folder, fixture->report, NULL), 0);
    assert_int_equal(store_find_seq(reader, INT64_MAX, &seq), ERROR_NOT_FOUND);
    assert_int_equal(store_fixture_open(fixture), 0);
    assert_int_equal(store_find_seq(reader, INT64_MAX, &seq), 0);
    assert_int_equal(seq, 0);
    store_reader_close(reader);
}

static void one_has_it(void **state)
{
    struct store_fixture *fixture = *state, other = *fixture;
    other.store = NULL;
    other.report = NULL;
    expect_refused(&other, -EBUSY, "the process ");
    report_free(other.report);
    assert_int_equal(put(fixture, "a", "1", false), 0);
}

static void a_lock_of_others_is_waited_for(void **state)
{
    struct store_fixture *fixture = *state;
    char *path = store_fixture_path(fixture, "store.db");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(put(fixture, "a", "1", true), -EBUSY);
    expect_failing(fixture, -EBUSY, "locked", 1);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    store_fixture_wait(fixture, is_well);
    expect_objects(fixture, "k/a=1@1\n");
    free(path);
}

static void what_others_write_is_noticed(void **state)
{
    struct store_fixture *fixture = *state;
    assert_int_equal(put(fixture, "a", "1", false), 0);
    store_fixture_sql(
        fixture,
        "INSERT INTO journal SELECT 2, wall_ms, 0, 0, kind, 'b', '', '', '', '', '2', hash FROM journal");
    assert_int_equal(put(fixture, "a", "2", false), ERROR_LIBRARY);
    expect_failing(fixture, ERROR_LIBRARY, "somebody else", 0);
    store_fixture_close(fixture);
    expect_refused(fixture, ERROR_SYNTAX, "entry 2");
}

static void without_a_folder_it_waits_for_one(void **state)
{
    struct store_fixture *fixture = *state;
    store_fixture_close(fixture);
    char *moved = memory_print("%s.moved", fixture->folder);
    assert_int_equal(rename(fixture->folder, moved), 0);
    expect_refused(fixture, -ENOENT, "lock");
    fixture->may_fail = true;
    assert_int_equal(store_fixture_open(fixture), 0);
    assert_int_equal(report_errors(fixture->report), 0);
    assert_int_equal(report_warnings(fixture->report), 1);
    assert_int_equal(put(fixture, "a", "1", false), -ENOENT);
    assert_int_equal(put(fixture, "a", "2", true), -ENOENT);
    assert_int_equal(rename(moved, fixture->folder), 0);
    store_fixture_wait(fixture, is_well);
    expect_objects(fixture, "k/a=2@1\n");
    free(moved);
}

static void on_a_disk_that_cannot_be_written_it_is_read(void **state)
{
    struct store_fixture *fixture = *state;
    assert_int_equal(put(fixture, "a", "1", false), 0);
    store_fixture_close(fixture);
    disk_set_read_only(true);
    expect_objects(fixture, "k/a=1@1\n");
    expect_whole(fixture);
    expect_refused(fixture, -EROFS, "writable");
    fixture->may_fail = true;
    assert_int_equal(store_fixture_open(fixture), 0);
    assert_int_equal(put(fixture, "b", "2", true), -EROFS);
    disk_set_read_only(false);
    store_fixture_wait(fixture, is_well);
    expect_objects(fixture, "k/a=1@1\nk/b=2@2\n");
}

/* ---- what is in them ---- */

static void write_file(struct store_fixture *fixture, const char *text, size_t len)
{
    char *path = store_fixture_path(fixture, "store.db");
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(text, 1, len, stream), len);
    fclose(stream);
    free(path);
}

static void what_is_no_store_is_refused(void **state)
{
    static const char text[] =
        "this is a text that somebody has put here, and which is no database at all; it is long enough";
    struct store_fixture *fixture = *state;
    char *path = store_fixture_path(fixture, "store.db"), *aside = NULL;
    store_fixture_close(fixture);
    write_file(fixture, text, sizeof text);
    expect_refused(fixture, ERROR_SYNTAX, "not a database");
    write_file(fixture, "", 0);
    expect_refused(fixture, ERROR_SYNTAX, "truncated");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_refused(fixture, ERROR_SYNTAX, "no regular file");
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0700), 0);
    expect_refused(fixture, ERROR_SYNTAX, "no regular file");
    assert_int_equal(unlink(path), 0);
    store_fixture_sql(fixture, "CREATE TABLE x(y)");
    expect_refused(fixture, ERROR_SYNTAX, "something else");
    assert_int_equal(store_set_aside(fixture->folder, fixture->report, &aside), 0);
    assert_int_equal(access(aside, F_OK), 0);
    assert_non_null(strstr(aside, "store.db.damaged-"));
    assert_int_equal(store_fixture_open(fixture), 0);
    assert_int_equal(put(fixture, "a", "1", false), 0);
    free(aside);
    free(path);
}

static void a_log_without_its_file_is_kept(void **state)
{
    struct store_fixture *fixture = *state;
    store_fixture_close(fixture);
    char *path = store_fixture_path(fixture, "store.db"), *log = store_fixture_path(fixture, "store.db-wal");
    assert_int_equal(rename(path, log), 0);
    expect_refused(fixture, ERROR_SYNTAX, "store.db-wal is there");
    assert_int_equal(access(log, F_OK), 0);
    free(path);
    free(log);
}

static void a_newer_version_is_refused(void **state)
{
    struct store_fixture *fixture = *state;
    store_fixture_close(fixture);
    store_fixture_sql(fixture, "PRAGMA user_version = 2");
    expect_refused(fixture, ERROR_UNSUPPORTED, "newer steerd");
    store_fixture_sql(fixture, "PRAGMA user_version = 0");
    expect_refused(fixture, ERROR_UNSUPPORTED, "version 0");
    store_fixture_sql(fixture, "PRAGMA user_version = 1; CREATE TABLE extra(x)");
    expect_refused(fixture, ERROR_SYNTAX, "tables");
}

static void another_machine_is_told_once(void **state)
{
    struct store_fixture *fixture = *state;
    if (access("/etc/machine-id", R_OK) == -1) {
        skip();
    }
    store_fixture_close(fixture);
    store_fixture_sql(fixture, "UPDATE meta SET value = 'other' WHERE name = 'machine'");
    assert_int_equal(store_fixture_open(fixture), 0);
    assert_int_equal(report_warnings(fixture->report), 1);
    assert_non_null(strstr(store_fixture_said(fixture), "another machine"));
    store_fixture_close(fixture);
    assert_int_equal(store_fixture_open(fixture), 0);
    assert_int_equal(report_warnings(fixture->report), 0);
}

static void the_end_of_the_chain_is_checked_when_it_is_opened(void **state)
{
    struct store_fixture *fixture = *state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(put(fixture, "a", "1", false), 0);
    }
    store_fixture_close(fixture);
    store_fixture_sql(fixture, "UPDATE journal SET reason = 'none' WHERE seq = 4");
    expect_refused(fixture, ERROR_SYNTAX, "entry 4");
    fixture->may_fail = true;
    assert_int_equal(store_fixture_open(fixture), 0);
    assert_int_equal(put(fixture, "a", "2", true), ERROR_SYNTAX);
    expect_objects(fixture, "k/a=1@5\n"); /* nothing was written to it */
    expect_failing(fixture, ERROR_SYNTAX, "entry 4", 1);
    assert_int_equal(store_set_aside(fixture->folder, fixture->report, NULL), 0); /* while it runs without */
    store_fixture_wait(fixture, is_well);
    expect_objects(fixture, "k/a=2@1\n");
}

static void a_damaged_page_is_found(void **state)
{
    struct store_fixture *fixture = *state;
    char *value = memory_alloc(3001), *path = store_fixture_path(fixture, "store.db");
    memset(value, '7', 3000);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(put(fixture, "a", value, false), 0);
    }
    store_fixture_close(fixture);
    FILE *stream = fopen(path, "r+b");
    assert_non_null(stream);
    static const char zeros[4096];
    fseek(stream, 20 * 4096L, SEEK_SET);
    assert_int_equal(fwrite(zeros, 1, sizeof zeros, stream), sizeof zeros);
    fclose(stream);
    expect_refused(fixture, ERROR_SYNTAX, "restore a backup, or: steerctl salvage");
    free(value);
    free(path);
}

/* ---- versions ---- */

static void an_older_version_is_migrated(void **state)
{
    static const struct schema_step steps[] = {
        {0, "ALTER TABLE things ADD COLUMN more TEXT; UPDATE things SET more = 'yes'"},
        {1, "CREATE INDEX things_by_more ON things(more)"},
        {2, "UPDATE nothing SET x = 1"},
    };
    struct store_fixture *fixture = *state;
    char *path = store_fixture_path(fixture, "old.db"),
         *copy = store_fixture_path(fixture, "old.db.version-0");
    struct database db;
    int64_t number;
    int version;
    assert_int_equal(database_open(&db, path, DATABASE_MAKE), 0);
    assert_int_equal(database_run(&db, "PRAGMA application_id = 1937007986; PRAGMA journal_mode = WAL;"
                                       "CREATE TABLE things(x); INSERT INTO things VALUES(7)"),
                     0);
    assert_int_equal(schema_migrate(&db, path, steps, 3, 4), ERROR_UNSUPPORTED); /* there is no way */
    assert_int_equal(schema_migrate(&db, path, steps, 3, 3),
                     ERROR_LIBRARY); /* and this one fails at its end */
    assert_int_equal(schema_read_version(&db, &version), 0);
    assert_int_equal(version, 0);
    assert_int_equal(database_read_number(&db, "SELECT count(*) FROM pragma_table_info('things')", &number),
                     0);
    assert_int_equal(number, 1);
    assert_int_equal(schema_migrate(&db, path, steps, 3, 2), 0);
    assert_int_equal(schema_read_version(&db, &version), 0);
    assert_int_equal(version, 2);
    assert_int_equal(database_read_number(&db, "SELECT count(*) FROM things WHERE more = 'yes'", &number), 0);
    assert_int_equal(number, 1);
    database_close(&db);
    assert_int_equal(database_open(&db, copy, DATABASE_READ), 0);
    assert_int_equal(schema_read_version(&db, &version), 0);
    assert_int_equal(version, 0);
    assert_int_equal(database_read_number(&db, "SELECT x FROM things", &number), 0);
    assert_int_equal(number, 7);
    database_close(&db);
    free(path);
    free(copy);
}

/* ---- a disk that hangs ---- */

static int count_threads(void)
{
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (const struct dirent *task; (task = readdir(tasks)) != NULL;) {
        count += task->d_name[0] != '.';
    }
    (void)closedir(tasks);
    return count;
}

static void a_disk_that_hangs_holds_up_nobody(void **state)
{
    static struct store_job jobs[2]; /* they outlive the test */
    static const struct store_op op = {.kind = "k", .key = "a", .value = "1", .if_revision = STORE_ANY};
    static struct store_fixture *fixture;
    struct store_stats stats;
    (void)state;
    disk_reset();
    fixture = store_fixture_new();
    int threads = count_threads();
    assert_int_equal(store_fixture_open(fixture), 0);
    disk_set_hang(true);
    for (size_t i = 0; i < 2; i++) {
        jobs[i] = (struct store_job){.ops = &op, .op_count = 1};
        store_submit(fixture->store, &jobs[i]);
    }
    store_reap(fixture->store);
    store_get_stats(fixture->store, &stats);
    assert_int_equal(stats.waiting, 2);
    assert_false(store_close(fixture->store, 20));
    fixture->store = NULL;
    disk_set_hang(false); /* it goes on by itself, and leaves nothing behind */
    while (count_threads() != threads) {
        usleep(1000);
    }
    assert_int_equal(store_fixture_open(fixture), 0);
    struct buffer text;
    buffer_init(&text);
    store_fixture_tell_objects(fixture, "k", &text);
    assert_string_equal(text.bytes, "k/a=1@2\n");
    buffer_fini(&text);
    store_fixture_free(fixture);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_insists_is_owed_and_written_first, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_tried_again_by_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_owed_is_written_when_it_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_fails_now_and_then_is_written_or_not, setup, teardown),
        cmocka_unit_test_setup_teardown(much_that_is_owed_holds_up_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(only_its_own_thread_calls_sqlite, setup, teardown),
        cmocka_unit_test_setup_teardown(a_deleted_store_is_written_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(an_exchanged_store_is_not_written_to, setup, teardown),
        cmocka_unit_test_setup_teardown(a_truncated_store_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_follows_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(one_has_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_lock_of_others_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(what_others_write_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_folder_it_waits_for_one, setup, teardown),
        cmocka_unit_test_setup_teardown(on_a_disk_that_cannot_be_written_it_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_store_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_log_without_its_file_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(a_newer_version_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(another_machine_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_of_the_chain_is_checked_when_it_is_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_page_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(an_older_version_is_migrated, setup, teardown),
        cmocka_unit_test(a_disk_that_hangs_holds_up_nobody),
    };
    disk_install();
    return cmocka_run_group_tests_name("store_failures", tests, NULL, NULL);
}
