/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See store_fixture.h. */
#include "config.h"

#include "tests/unit/store_fixture.h"

#include "base/error.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

enum { PATIENCE_MS = 60000 };

struct store_fixture *store_fixture_new(void)
{
    struct store_fixture *fixture = memory_alloc(sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/steerd-store-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    sem_init(&fixture->woken, 0, 0);
    buffer_init(&fixture->expired);
    return fixture;
}

static void remove_folder(const char *folder)
{
    DIR *stream = opendir(folder);
    for (const struct dirent *entry; stream != NULL && (entry = readdir(stream)) != NULL;) {
        char *path = memory_print("%s/%s", folder, entry->d_name);
        (void)unlink(path);
        free(path);
    }
    if (stream != NULL) {
        closedir(stream);
    }
    (void)rmdir(folder);
}

void store_fixture_free(struct store_fixture *fixture)
{
    store_fixture_close(fixture);
    remove_folder(fixture->folder);
    report_free(fixture->report);
    buffer_fini(&fixture->expired);
    sem_destroy(&fixture->woken);
    free(fixture);
}

static void wake(void *context)
{
    struct store_fixture *fixture = context;
    sem_post(&fixture->woken);
}

static void note_expired(void *context, const char *kind, const char *key, uint64_t seq)
{
    struct store_fixture *fixture = context;
    buffer_print(&fixture->expired, "%s/%s@%llu\n", kind, key, (unsigned long long)seq);
}

int store_fixture_open(struct store_fixture *fixture)
{
    struct store_options options = {.folder = fixture->folder,
                                    .context = fixture,
                                    .wake = wake,
                                    .expired = note_expired,
                                    .may_fail = fixture->may_fail};
    report_free(fixture->report);
    fixture->report = report_new();
    int error = store_open(&options, fixture->report, &fixture->store);
    assert_true(error == 0 || fixture->store == NULL);
    return error;
}

void store_fixture_close(struct store_fixture *fixture)
{
    if (fixture->store != NULL) {
        assert_true(store_close(fixture->store, PATIENCE_MS));
        fixture->store = NULL;
    }
}

char *store_fixture_path(const struct store_fixture *fixture, const char *name)
{
    return memory_print("%s/%s", fixture->folder, name);
}

const char *store_fixture_said(const struct store_fixture *fixture)
{
    return report_count(fixture->report) == 0 ? "" : report_get(fixture->report, 0)->message;
}

/* ---- writing ---- */

struct waiting {
    struct store_job job;
    bool is_done;
};

static void end(struct store_job *job)
{
    ((struct waiting *)job)->is_done = true;
}

static void wait_once(struct store_fixture *fixture)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 10000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)sem_timedwait(&fixture->woken, &until);
    store_reap(fixture->store);
}

int store_fixture_submit(struct store_fixture *fixture, struct store_job *job)
{
    struct waiting waiting = {.job = *job};
    waiting.job.done = end;
    store_submit(fixture->store, &waiting.job);
    for (int i = 0; !waiting.is_done && i < PATIENCE_MS / 10; i++) {
        wait_once(fixture);
    }
    assert_true(waiting.is_done);
    *job = waiting.job;
    return job->error;
}

int store_fixture_write(struct store_fixture *fixture, const struct store_op *op, uint64_t *seq)
{
    struct store_job job = {
        .cause = {.actor = "alice", .peer = "uid:0", .reason = "a test", .request = "PUT /x"},
        .ops = op,
        .op_count = 1};
    int error = store_fixture_submit(fixture, &job);
    if (seq != NULL) {
        *seq = job.seq;
    }
    return error;
}

int store_fixture_put(struct store_fixture *fixture, const char *kind, const char *key, const char *value)
{
    struct store_op op = {.kind = kind, .key = key, .value = value, .if_revision = STORE_ANY};
    return store_fixture_write(fixture, &op, NULL);
}

void store_fixture_wait(struct store_fixture *fixture, bool (*holds)(struct store_fixture *fixture))
{
    for (int i = 0; !holds(fixture); i++) {
        assert_true(i < PATIENCE_MS / 10);
        wait_once(fixture);
    }
}

/* ---- reading ---- */

struct store_reader *store_fixture_read(struct store_fixture *fixture)
{
    struct store_reader *reader = NULL;
    struct report *report = report_new();
    if (store_reader_open(fixture->folder, report, &reader) != 0) {
        fail_msg("%s", report_get(report, 0)->message);
    }
    report_free(report);
    return reader;
}

static bool tell_object(void *context, const struct store_object *object)
{
    buffer_print(context, "%s/%s=%s@%llu\n", object->kind, object->key, object->value,
                 (unsigned long long)object->revision);
    return true;
}

void store_fixture_tell_objects(struct store_fixture *fixture, const char *kind, struct buffer *text)
{
    struct store_reader *reader = store_fixture_read(fixture);
    buffer_init(text);
    buffer_add_text(text, "");
    assert_int_equal(store_list(reader, kind, NULL, NULL, tell_object, text), 0);
    store_reader_close(reader);
}

static bool tell_entry(void *context, const struct store_entry *entry)
{
    buffer_print(context, "%llu %s/%s %s>%s\n", (unsigned long long)entry->seq, entry->kind, entry->key,
                 entry->before == NULL ? "-" : entry->before, entry->after == NULL ? "-" : entry->after);
    return true;
}

void store_fixture_tell_journal(struct store_fixture *fixture, const struct store_filter *filter,
                                struct buffer *text)
{
    struct store_reader *reader = store_fixture_read(fixture);
    buffer_init(text);
    buffer_add_text(text, "");
    assert_int_equal(store_read_journal(reader, filter, tell_entry, text), 0);
    store_reader_close(reader);
}

void store_fixture_sql(struct store_fixture *fixture, const char *sql)
{
    char *path = store_fixture_path(fixture, "store.db"), *why = NULL;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        fail_msg("%s: %s", sql, why);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    free(path);
}
