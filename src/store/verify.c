/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Judging the whole store: the chain in pieces on all processors, each with a connection of its own; then
 * that objects and turns are what follows from the journal. */
#include "config.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "store/audit.h"
#include "store/reader.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 16384 };

struct work {
    const struct store_reader *reader;
    uint64_t last;
    _Atomic uint64_t next; /* piece */
    _Atomic bool ends;     /* somebody found that there is no use in going on */
    pthread_mutex_t lock;
    struct audit sum; /* under the lock, as all below; bad_seq is the least */
    struct database failed;
};

static void add_up(struct work *work, const struct audit *audit)
{
    pthread_mutex_lock(&work->lock);
    work->sum.checked += audit->checked;
    work->sum.objects += audit->objects;
    work->sum.turns += audit->turns;
    if (audit->bad_seq != 0 && (work->sum.bad_seq == 0 || audit->bad_seq < work->sum.bad_seq)) {
        work->sum.bad_seq = audit->bad_seq;
        work->sum.why = audit->why;
    }
    pthread_mutex_unlock(&work->lock);
}

/* Pieces are taken in their order, so that what one thread finds bad is behind all pieces that are not begun.
 */
static int check_pieces(struct work *work, struct database *db)
{
    int error = 0;
    while (error == 0 && !atomic_load(&work->ends)) {
        uint64_t from = atomic_fetch_add(&work->next, 1) * PIECE + 1;
        if (from > work->last) {
            break;
        }
        if (progress_is_cancelled(work->reader->progress)) {
            return database_fail(db, ERROR_CANCELLED, "cancelled");
        }
        struct audit audit = {.from = from, .to = work->last - from < PIECE ? work->last : from + PIECE - 1};
        error = audit_check(db, work->reader->id, &audit);
        add_up(work, &audit);
        (void)progress_step(work->reader->count, (size_t)audit.checked);
        if (audit.bad_seq != 0) {
            atomic_store(&work->ends, true);
        }
    }
    return error;
}

static void run(void *context, unsigned index)
{
    struct work *work = context;
    struct database db;
    (void)index;
    int error = database_open(&db, work->reader->files.paths[FILES_DB], DATABASE_READ);
    if (error == 0) {
        error = check_pieces(work, &db);
        database_close(&db);
    }
    if (error != 0) {
        pthread_mutex_lock(&work->lock);
        (void)database_fail(&work->failed, error, "%s", db.why);
        pthread_mutex_unlock(&work->lock);
        atomic_store(&work->ends, true);
    }
}

static void condemn(struct store_verdict *verdict, uint64_t seq, const char *why)
{
    verdict->is_whole = false;
    verdict->bad_seq = seq;
    snprintf(verdict->why, sizeof verdict->why, "%s", why);
}

/* ---- what follows from the journal ---- */

/* The names in their order, which rises by itself: a damaged tree cannot lead round in circles. */
static const char objects_sql[] =
    "SELECT o.kind, o.key, j.seq IS NULL OR j.kind <> o.kind OR j.key <> o.key OR j.after IS NOT o.value "
    "OR j.wall_ms <> o.written_ms OR j.expires_ms <> o.expires_ms "
    "OR (SELECT max(l.seq) FROM journal l INDEXED BY journal_by_key WHERE l.key = o.key AND l.kind = o.kind) "
    "<> o.revision FROM objects o LEFT JOIN journal j ON j.seq = o.revision ORDER BY o.kind, o.key";
static const char turns_sql[] =
    "SELECT t.seq, j.wall_ms IS NOT t.wall_ms OR b.wall_ms IS NULL OR j.wall_ms >= b.wall_ms FROM turns t "
    "LEFT JOIN journal j ON j.seq = t.seq LEFT JOIN journal b ON b.seq = t.seq - 1 ORDER BY t.seq";

struct name {
    char kind[STORE_KIND_MAX + 1], key[STORE_KEY_MAX + 1];
};

/* Behind the one before, which it takes the place of? */
static bool advance(struct name *name, const char *kind, const char *key)
{
    if (kind == NULL || key == NULL || strlen(kind) > STORE_KIND_MAX || strlen(key) > STORE_KEY_MAX) {
        return false;
    }
    int order = strcmp(kind, name->kind);
    if (order < 0 || (order == 0 && strcmp(key, name->key) <= 0)) {
        return false;
    }
    memcpy(name->kind, kind, strlen(kind) + 1);
    memcpy(name->key, key, strlen(key) + 1);
    return true;
}

static int walk_objects(struct store_reader *reader, sqlite3_stmt *statement, int64_t *count,
                        struct store_verdict *verdict)
{
    struct name name = {.kind = ""};
    for (;; ++*count) {
        bool has;
        int error = database_step(&reader->db, statement, &has);
        if (error != 0 || !has) {
            return error;
        }
        if (!advance(&name, (const char *)sqlite3_column_text(statement, 0),
                     (const char *)sqlite3_column_text(statement, 1))) {
            condemn(verdict, 0, "objects are out of order");
            return 0;
        }
        if (sqlite3_column_int(statement, 2) != 0) {
            char why[sizeof verdict->why];
            snprintf(why, sizeof why, "the object %s %.120s is not what the journal says", name.kind,
                     name.key);
            condemn(verdict, 0, why);
            return 0;
        }
    }
}

static int check_objects(struct store_reader *reader, const struct audit *sum, struct store_verdict *verdict)
{
    sqlite3_stmt *statement;
    int64_t count = 0;
    int error = database_prepare(&reader->db, objects_sql, &statement);
    error = error != 0 ? error : walk_objects(reader, statement, &count, verdict);
    sqlite3_finalize(statement);
    if (error == 0 && verdict->is_whole && count != sum->objects) {
        char why[sizeof verdict->why];
        snprintf(why, sizeof why, "found %lld objects, expected %lld by the journal", (long long)count,
                 (long long)sum->objects);
        condemn(verdict, 0, why);
    }
    return error;
}

static int check_turns(struct store_reader *reader, const struct audit *sum, struct store_verdict *verdict)
{
    sqlite3_stmt *statement;
    uint64_t count = 0;
    int64_t before = 0;
    bool has = true, good = true;
    int error = database_prepare(&reader->db, turns_sql, &statement);
    while (error == 0 && good && (error = database_step(&reader->db, statement, &has)) == 0 && has) {
        int64_t seq = sqlite3_column_int64(statement, 0);
        good = seq > before && sqlite3_column_int(statement, 1) == 0;
        before = seq;
        count++;
    }
    sqlite3_finalize(statement);
    if (error == 0 && (!good || count != sum->turns)) {
        condemn(verdict, 0, "the notes of where the time goes back are not what the journal says");
    }
    return error;
}

static int check_anchor(struct store_reader *reader, uint64_t seq, const unsigned char *anchor,
                        struct store_verdict *verdict)
{
    sqlite3_stmt *statement;
    bool has = false;
    int error = database_prepare(&reader->db, "SELECT hash FROM journal WHERE seq = ?1", &statement);
    if (error == 0) {
        (void)sqlite3_bind_int64(statement, 1, (int64_t)seq);
        error = database_step(&reader->db, statement, &has);
    }
    const void *hash = has ? sqlite3_column_blob(statement, 0) : NULL;
    if (error == 0 && !has) {
        condemn(verdict, seq, "it is missing: the journal was cut, or begun anew, after it was noted");
    } else if (error == 0 && (hash == NULL || sqlite3_column_bytes(statement, 0) != STORE_HASH_SIZE ||
                              memcmp(hash, anchor, STORE_HASH_SIZE) != 0)) {
        condemn(verdict, seq, "it is not the one that was noted: the journal was written anew");
    }
    sqlite3_finalize(statement);
    return error;
}

/* ---- all of it ---- */

static int check_chain(struct store_reader *reader, uint64_t last, struct audit *sum)
{
    struct work work = {.reader = reader, .last = last};
    progress_expect(reader->count, (size_t)last);
    pthread_mutex_init(&work.lock, NULL);
    parallel_run(parallel_processors(), run, &work);
    pthread_mutex_destroy(&work.lock);
    *sum = work.sum;
    return work.failed.error == 0 ? 0 : database_fail(&reader->db, work.failed.error, "%s", work.failed.why);
}

static int verify(struct store_reader *reader, uint64_t anchor_seq, const unsigned char *anchor,
                  struct store_verdict *verdict)
{
    struct audit sum;
    int64_t last;
    int error = database_read_number(&reader->db, "SELECT max(seq) FROM journal", &last);
    error = error != 0 ? error : check_chain(reader, (uint64_t)last, &sum);
    if (error != 0) {
        return error;
    }
    verdict->is_whole = true;
    verdict->entries = sum.checked;
    if (sum.bad_seq != 0) {
        condemn(verdict, sum.bad_seq, sum.why);
    }
    if (verdict->is_whole && anchor != NULL) {
        error = check_anchor(reader, anchor_seq, anchor, verdict);
    }
    if (error == 0 && verdict->is_whole) {
        error = check_objects(reader, &sum, verdict);
    }
    if (error == 0 && verdict->is_whole) {
        error = check_turns(reader, &sum, verdict);
    }
    return error;
}

int store_verify(struct store_reader *reader, uint64_t anchor_seq, const unsigned char *anchor,
                 struct store_verdict *verdict)
{
    *verdict = (struct store_verdict){.is_whole = false};
    int error = store_reader_begin(reader);
    error = error != 0 ? error : verify(reader, anchor_seq, anchor, verdict);
    return store_reader_end(reader, error);
}
