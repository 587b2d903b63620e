/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A store that something has damaged: opening, reading, judging and writing it succeed or say what is wrong.
 * The input says what is done to a good one: a flag (1: the log, too; 2: cut at the first place), then places
 * of three octets and what is put there. With the flag 128 the rest is the file itself. */
#include "config.h"

#include "base/memory.h"
#include "store/store.h"
#include "tests/unit/store_disk.h"

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { PATH_SIZE = 128, CHANGE = 4, LOG = 1, CUT = 2, WHOLE = 128 };

static struct {
    char folder[PATH_SIZE], db[PATH_SIZE], log[PATH_SIZE];
    uint8_t *db_bytes, *log_bytes;
    size_t db_len, log_len;
    sem_t woken;
} world;

static void check(bool truth)
{
    if (!truth) {
        abort();
    }
}

/* ---- a good one ---- */

static uint8_t *read_file(const char *path, size_t *len)
{
    FILE *stream = fopen(path, "rb");
    struct stat status;
    check(stream != NULL && fstat(fileno(stream), &status) == 0);
    *len = (size_t)status.st_size;
    uint8_t *bytes = memory_alloc(*len);
    check(fread(bytes, 1, *len, stream) == *len);
    fclose(stream);
    return bytes;
}

static void write_file(const char *path, const uint8_t *bytes, size_t len)
{
    FILE *stream = fopen(path, "wb");
    check(stream != NULL && (len == 0 || fwrite(bytes, 1, len, stream) == len));
    fclose(stream);
}

static void wake(void *context)
{
    (void)context;
    sem_post(&world.woken);
}

static void end(struct store_job *job)
{
    job->ops = NULL;
}

static int write_op(struct store *store, const struct store_op *op)
{
    struct store_job job = {
        .cause = {.actor = "alice", .reason = "a reason"}, .ops = op, .op_count = 1, .done = end};
    store_submit(store, &job);
    while (job.ops != NULL) {
        sem_wait(&world.woken);
        store_reap(store);
    }
    return job.error;
}

static struct store *open_store(struct report *report)
{
    struct store_options options = {.folder = world.folder, .wake = wake};
    struct store *store = NULL;
    int error = store_open(&options, report, &store);
    check((error == 0) == (store != NULL) && (error == 0) == (report_errors(report) == 0));
    return store;
}

static void fill(struct store *store, int from, int to)
{
    for (int i = from; i < to; i++) {
        char key[32], value[512];
        snprintf(key, sizeof key, "key-%d", i % 40);
        snprintf(value, sizeof value, "\"%0*d\"", 1 + i * 7 % 400, i);
        struct store_op op = {.kind = i % 3 == 0 ? "kind" : "other",
                              .key = key,
                              .value = i % 11 == 5 ? NULL : value,
                              .if_revision = STORE_ANY};
        check(write_op(store, &op) == 0);
    }
}

static void make_world(void)
{
    snprintf(world.folder, sizeof world.folder, "/tmp/fuzz-store-XXXXXX");
    check(mkdtemp(world.folder) != NULL);
    snprintf(world.db, sizeof world.db, "%.64s/store.db", world.folder);
    snprintf(world.log, sizeof world.log, "%.64s/store.db-wal", world.folder);
    sem_init(&world.woken, 0, 0);
    disk_install();
    struct report *report = report_new();
    struct store *store = open_store(report);
    fill(store, 0, 200);
    check(store_close(store, 60000));
    store = open_store(report);
    fill(store, 200, 220);
    world.db_bytes = read_file(world.db, &world.db_len);
    world.log_bytes = read_file(world.log, &world.log_len);
    check(store_close(store, 60000));
    report_free(report);
}

static void remove_world(void)
{
    static const char *const names[] = {"store.db", "store.db-wal", "store.db-shm", "store.lock"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "%.64s/%s", world.folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(world.folder);
    free(world.db_bytes);
    free(world.log_bytes);
}

/* ---- a damaged one ---- */

static void damage(const uint8_t *bytes, size_t len)
{
    uint8_t flags = bytes[0];
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%.64s/store.db-shm", world.folder);
    (void)unlink(path);
    if ((flags & WHOLE) != 0) {
        (void)unlink(world.log);
        write_file(world.db, bytes + 1, len - 1);
        return;
    }
    bool with_log = (flags & LOG) != 0;
    size_t all = world.db_len + (with_log ? world.log_len : 0), db_len = world.db_len;
    uint8_t *copy = memory_alloc(world.db_len + world.log_len);
    memcpy(copy, world.db_bytes, world.db_len);
    memcpy(copy + world.db_len, world.log_bytes, world.log_len);
    for (size_t at = 1; at + CHANGE <= len; at += CHANGE) {
        size_t place = ((size_t)bytes[at] << 16 | (size_t)bytes[at + 1] << 8 | bytes[at + 2]) % all;
        if ((flags & CUT) != 0 && at == 1) {
            db_len = place < world.db_len ? place : world.db_len;
        }
        copy[place] = bytes[at + CHANGE - 1];
    }
    write_file(world.db, copy, db_len);
    if (with_log) {
        write_file(world.log, copy + world.db_len, world.log_len);
    } else {
        (void)unlink(world.log);
    }
    free(copy);
}

/* ---- what may be done with it ---- */

static bool take_object(void *context, const struct store_object *object)
{
    check(object->kind != NULL && object->key != NULL && object->value != NULL);
    ++*(size_t *)context;
    return true;
}

static bool take_entry(void *context, const struct store_entry *entry)
{
    check(entry->kind != NULL && entry->key != NULL && entry->cause.actor != NULL);
    ++*(size_t *)context;
    return true;
}

static bool read_all(void)
{
    struct report *report = report_new();
    struct store_reader *reader = NULL;
    struct store_verdict verdict = {.is_whole = false};
    struct store_filter filters[] = {{.kind = "kind"}, {.key = "key-7"}, {.backward = true}, {.since_ms = 1}};
    size_t count = 0;
    uint64_t seq;
    if (store_reader_open(world.folder, report, &reader) == 0) {
        for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
            (void)store_read_journal(reader, &filters[i], take_entry, &count);
        }
        (void)store_list(reader, "kind", "key-1", NULL, take_object, &count);
        (void)store_list_at(reader, 100, take_object, &count);
        (void)store_find_seq(reader, 1, &seq);
        if (store_verify(reader, 0, NULL, &verdict) != 0) {
            check(store_reader_why(reader)[0] != '\0');
        } else {
            check(verdict.is_whole == (verdict.why[0] == '\0'));
        }
    } else {
        check(report_errors(report) == 1);
    }
    store_reader_close(reader);
    report_free(report);
    return verdict.is_whole;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (world.db_bytes == NULL) {
        make_world();
        (void)atexit(remove_world);
    }
    if (len == 0) {
        return 0;
    }
    disk_reset();
    damage(bytes, len);
    bool whole = read_all();
    struct report *report = report_new();
    struct store *store = open_store(report);
    if (store != NULL) {
        struct store_op op = {.kind = "kind", .key = "key-1", .value = "1", .if_revision = STORE_ANY};
        int error = write_op(store, &op);
        check(store_close(store, 60000));
        check(!whole || error != 0 || read_all());
    }
    report_free(report);
    return 0;
}
