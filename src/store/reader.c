/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Readers, and objects as they are now. What a walk gets has to rise: a damaged file cannot lead it round in
 * circles. */
#include "config.h"

#include "store/reader.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/progress.h"

#include <stdlib.h>
#include <string.h>

#define OBJECT_COLUMNS                                                                                       \
    "kind, key, value, revision, written_ms, expires_ms, (SELECT actor FROM journal WHERE seq = revision)"
#define LIVES "(expires_ms = 0 OR expires_ms > ?3)"

static int look(struct store_reader *reader)
{
    int error = files_look(&reader->files);
    return error == 0                 ? 0
           : error == ERROR_NOT_FOUND ? database_fail(&reader->db, error, "there is none")
                                      : database_fail(&reader->db, error, "%s", reader->files.why);
}

/* SQLite asks. */
static int is_cancelled(void *context)
{
    const struct store_reader *reader = context;
    return progress_is_cancelled(reader->progress);
}

static void watch(struct store_reader *reader)
{
    enum { STEPS = 10000 }; /* of its machine: less than a millisecond */
    if (reader->db.sql != NULL) {
        sqlite3_progress_handler(reader->db.sql, STEPS, is_cancelled, reader);
    }
}

static int open_it(struct store_reader *reader)
{
    int error = look(reader);
    error = error != 0 ? error : database_open(&reader->db, reader->files.paths[FILES_DB], DATABASE_READ);
    error = error != 0 ? error : schema_check(&reader->db);
    error = error == ERROR_NOT_FOUND && reader->db.sql != NULL ? ERROR_UNSUPPORTED
                                                               : error; /* who writes migrates it */
    error = error != 0 ? error : schema_read_meta(&reader->db, "id", reader->id, sizeof reader->id);
    files_note(&reader->files);
    if (error != 0) {
        database_close(&reader->db);
    }
    watch(reader);
    return error;
}

int store_reader_open(const char *folder, struct report *report, struct store_reader **to)
{
    struct store_reader *reader = memory_alloc(sizeof *reader);
    files_init(&reader->files, folder);
    int error = open_it(reader);
    if (error != 0) {
        report_add(report, REPORT_ERROR, &(struct report_place){.file = reader->files.paths[FILES_DB]},
                   "the store cannot be read: %s", reader->db.why);
        store_reader_close(reader);
        return error;
    }
    *to = reader;
    return 0;
}

void store_reader_close(struct store_reader *reader)
{
    if (reader != NULL) {
        database_close(&reader->db);
        files_fini(&reader->files);
        free(reader);
    }
}

void store_reader_set_progress(struct store_reader *reader, const struct progress *progress)
{
    reader->progress = progress;
    watch(reader);
}

void store_reader_set_count(struct store_reader *reader, struct progress *count)
{
    reader->count = count;
}

const char *store_reader_why(const struct store_reader *reader)
{
    return reader->db.why;
}

/* The files may have been exchanged, or written anew, since. */
static int follow(struct store_reader *reader)
{
    if (reader->db.sql != NULL && files_are_same(&reader->files)) {
        return 0;
    }
    database_close(&reader->db);
    return open_it(reader);
}

int store_reader_begin(struct store_reader *reader)
{
    int error = follow(reader);
    return error != 0 ? error : database_run(&reader->db, "BEGIN");
}

int store_reader_end(struct store_reader *reader, int error)
{
    if (reader->db.sql != NULL && sqlite3_get_autocommit(reader->db.sql) == 0) {
        (void)sqlite3_exec(reader->db.sql, "ROLLBACK", NULL, NULL, NULL);
    }
    return error;
}

void reader_bind(sqlite3_stmt *statement, int at, const char *text)
{
    (void)sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

/* ---- objects ---- */

static int read_object(struct store_reader *reader, sqlite3_stmt *statement, struct store_object *object)
{
    *object = (struct store_object){.kind = (const char *)sqlite3_column_text(statement, 0),
                                    .key = (const char *)sqlite3_column_text(statement, 1),
                                    .value = (const char *)sqlite3_column_text(statement, 2),
                                    .revision = (uint64_t)sqlite3_column_int64(statement, 3),
                                    .written_ms = sqlite3_column_int64(statement, 4),
                                    .expires_ms = sqlite3_column_int64(statement, 5),
                                    .actor = (const char *)sqlite3_column_text(statement, 6)};
    if (object->kind == NULL || object->key == NULL || object->value == NULL) {
        return sqlite3_errcode(reader->db.sql) == SQLITE_NOMEM
                   ? database_note(&reader->db, SQLITE_NOMEM)
                   : database_fail(&reader->db, ERROR_SYNTAX,
                                   "an object is damaged; restore a backup, or: steerctl salvage");
    }
    return 0;
}

static void bind_now(sqlite3_stmt *statement)
{
    struct clock clock;
    clock_init(&clock);
    (void)sqlite3_bind_int64(statement, 3, clock_wall_ms(&clock));
}

int store_get(struct store_reader *reader, const char *kind, const char *key,
              void (*got)(void *context, const struct store_object *object), void *context)
{
    sqlite3_stmt *statement = NULL;
    struct store_object object;
    bool has = false;
    int error = store_reader_begin(reader);
    error = error != 0 ? error
                       : database_prepare(&reader->db,
                                          "SELECT " OBJECT_COLUMNS
                                          " FROM objects WHERE kind = ?1 AND key = ?2 AND " LIVES,
                                          &statement);
    if (error == 0) {
        reader_bind(statement, 1, kind);
        reader_bind(statement, 2, key);
        bind_now(statement);
        error = database_step(&reader->db, statement, &has);
    }
    error = error != 0 ? error : has ? read_object(reader, statement, &object) : ERROR_NOT_FOUND;
    if (error == 0) {
        got(context, &object);
    }
    sqlite3_finalize(statement);
    return store_reader_end(reader, error);
}

/* The list ends with the prefix. */
static int walk(struct store_reader *reader, sqlite3_stmt *statement, const char *prefix,
                bool (*got)(void *context, const struct store_object *object), void *context)
{
    char before[STORE_KEY_MAX + 1] = "";
    size_t prefix_len = strlen(prefix);
    struct store_object object;
    bool has;
    for (;;) {
        int error = database_step(&reader->db, statement, &has);
        error = error != 0 || !has ? error : read_object(reader, statement, &object);
        if (error != 0 || !has || strncmp(object.key, prefix, prefix_len) != 0) {
            return error;
        }
        if (strcmp(object.key, before) <= 0 || strlen(object.key) > STORE_KEY_MAX) {
            return database_fail(&reader->db, ERROR_SYNTAX,
                                 "objects are out of order; restore a backup, or: steerctl salvage");
        }
        memcpy(before, object.key, strlen(object.key) + 1);
        if (!got(context, &object)) {
            return 0;
        }
    }
}

int store_list(struct store_reader *reader, const char *kind, const char *prefix, const char *after,
               bool (*got)(void *context, const struct store_object *object), void *context)
{
    sqlite3_stmt *statement = NULL;
    prefix = prefix == NULL ? "" : prefix;
    after = after == NULL ? "" : after;
    int error = store_reader_begin(reader);
    error = error != 0 ? error
                       : database_prepare(&reader->db,
                                          "SELECT " OBJECT_COLUMNS
                                          " FROM objects WHERE kind = ?1 AND key >= ?2 AND key > ?4 "
                                          "AND " LIVES " ORDER BY key",
                                          &statement);
    if (error == 0) {
        reader_bind(statement, 1, kind);
        reader_bind(statement, 2, prefix);
        bind_now(statement);
        reader_bind(statement, 4, after);
        error = walk(reader, statement, prefix, got, context);
    }
    sqlite3_finalize(statement);
    return store_reader_end(reader, error);
}

int store_copy(struct store_reader *reader, const char *path)
{
    int error = follow(reader);
    error = error != 0 ? error : database_run(&reader->db, "PRAGMA query_only = OFF");
    error = error != 0 ? error : schema_copy(&reader->db, path);
    if (reader->db.sql != NULL) {
        (void)sqlite3_exec(reader->db.sql, "PRAGMA query_only = ON", NULL, NULL, NULL);
    }
    return error;
}
