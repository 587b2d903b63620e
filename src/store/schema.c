/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See schema.h. The journal is what happened; all else follows from it and is kept for speed: objects as they
 * are now, and where the wall time went back (turns), without which it could not be searched. */
#include "config.h"

#include "store/schema.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* By name, as SQLite keeps them. */
static const char *const tables[] = {
    "CREATE TABLE journal(seq INTEGER PRIMARY KEY, wall_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, "
    "revision_before INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, actor TEXT NOT NULL, "
    "peer TEXT NOT NULL, reason TEXT NOT NULL, request TEXT NOT NULL, after TEXT, hash BLOB NOT NULL) STRICT",
    "CREATE INDEX journal_by_key ON journal(key, kind)",
    "CREATE INDEX journal_by_kind ON journal(kind)",
    "CREATE TABLE meta(name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE objects(kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, "
    "revision INTEGER NOT NULL, written_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, "
    "PRIMARY KEY(kind, key)) STRICT, WITHOUT ROWID",
    "CREATE INDEX objects_by_expiry ON objects(expires_ms) WHERE expires_ms <> 0",
    "CREATE TABLE turns(seq INTEGER PRIMARY KEY, wall_ms INTEGER NOT NULL) STRICT",
};

enum { TABLES = sizeof tables / sizeof *tables, PRAGMA_SIZE = 64 };

static int set_version(struct database *db, int version)
{
    char sql[PRAGMA_SIZE];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", version);
    return database_run(db, sql);
}

int schema_read_meta(struct database *db, const char *name, char *value, size_t size)
{
    sqlite3_stmt *statement;
    bool has = false;
    value[0] = '\0';
    int error = database_prepare(db, "SELECT value FROM meta WHERE name = ?1", &statement);
    if (error == 0) {
        (void)sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        error = database_step(db, statement, &has);
    }
    const char *text = has ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    snprintf(value, size, "%s", text == NULL ? "" : text);
    sqlite3_finalize(statement);
    return error;
}

int schema_write_meta(struct database *db, const char *name, const char *value)
{
    sqlite3_stmt *statement;
    bool has;
    int error = database_prepare(db, "INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)", &statement);
    if (error == 0) {
        (void)sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC);
        error = database_step(db, statement, &has);
    }
    sqlite3_finalize(statement);
    return error;
}

int schema_make(struct database *db, const char *id, const char *machine)
{
    char sql[PRAGMA_SIZE];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d", DATABASE_APPLICATION);
    int error = database_run(db, "PRAGMA page_size = 4096; BEGIN IMMEDIATE");
    for (size_t i = 0; i < TABLES && error == 0; i++) {
        error = database_run(db, tables[i]);
    }
    error = error != 0 ? error : schema_write_meta(db, "id", id);
    error = error != 0 ? error : schema_write_meta(db, "machine", machine);
    error = error != 0 ? error : database_run(db, sql);
    error = error != 0 ? error : set_version(db, SCHEMA_VERSION);
    return error != 0 ? error : database_run(db, "COMMIT; PRAGMA journal_mode = WAL");
}

int schema_read_version(struct database *db, int *version)
{
    int64_t application, number = 0;
    *version = 0;
    int error = database_read_number(db, "PRAGMA application_id", &application);
    if (error == 0 && application != DATABASE_APPLICATION) {
        return database_fail(db, ERROR_SYNTAX,
                             "found a database of something else (application id %lld), expected a store of "
                             "steerd; move it away",
                             (long long)application);
    }
    error = error != 0 ? error : database_read_number(db, "PRAGMA user_version", &number);
    *version = (int)number;
    return error;
}

static int compare_tables(struct database *db)
{
    sqlite3_stmt *statement;
    size_t count = 0;
    bool has = false, same = true;
    int error = database_prepare(
        db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name COLLATE BINARY", &statement);
    while (error == 0 && (error = database_step(db, statement, &has)) == 0 && has) {
        const char *sql = (const char *)sqlite3_column_text(statement, 0);
        same = same && count < TABLES && sql != NULL && strcmp(sql, tables[count]) == 0;
        count++;
    }
    sqlite3_finalize(statement);
    if (error == 0 && (!same || count != TABLES)) {
        return database_fail(
            db, ERROR_SYNTAX,
            "its tables are not those of a store of version %d; restore a backup, or: steerctl salvage",
            SCHEMA_VERSION);
    }
    return error;
}

int schema_check(struct database *db)
{
    int version;
    int error = schema_read_version(db, &version);
    if (error == 0 && version > SCHEMA_VERSION) {
        return database_fail(
            db, ERROR_UNSUPPORTED,
            "found version %d, expected at most %d: a newer steerd has written it; run that, or "
            "restore what was before",
            version, SCHEMA_VERSION);
    }
    if (error == 0 && version < SCHEMA_VERSION) {
        return database_fail(db, ERROR_NOT_FOUND, "found version %d, expected %d", version, SCHEMA_VERSION);
    }
    return error != 0 ? error : compare_tables(db);
}

/* ---- from older versions ---- */

static const struct schema_step *find_step(const struct schema_step *steps, size_t count, int version)
{
    for (size_t i = 0; i < count; i++) {
        if (steps[i].version == version) {
            return &steps[i];
        }
    }
    return NULL;
}

static int fail_copy(struct database *db, const char *copy, int error)
{
    return database_fail(db, error, "cannot make %.120s: %s", copy, error_text(error));
}

/* What it holds is not for everybody. */
int schema_make_file(struct database *db, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd == -1) {
        return fail_copy(db, path, -errno);
    }
    (void)close(fd);
    return 0;
}

static int sync_copy(struct database *db, const char *copy)
{
    int fd = open(copy, O_WRONLY | O_CLOEXEC | O_NONBLOCK);
    int error = fd == -1 || fsync(fd) == -1 ? -errno : 0;
    if (fd != -1) {
        (void)close(fd);
    }
    return error == 0 ? 0 : fail_copy(db, copy, error);
}

int schema_copy(struct database *db, const char *copy)
{
    sqlite3_stmt *statement = NULL;
    bool has;
    int error = schema_make_file(db, copy);
    if (error != 0) {
        return error;
    }
    error = database_prepare(db, "VACUUM INTO ?1", &statement);
    if (error == 0) {
        (void)sqlite3_bind_text(statement, 1, copy, -1, SQLITE_STATIC);
        error = database_step(db, statement, &has);
    }
    sqlite3_finalize(statement);
    error = error != 0 ? error : sync_copy(db, copy);
    if (error != 0) {
        (void)unlink(copy);
    }
    return error;
}

/* What is there from an attempt before was not finished, or is the same. */
static int keep_copy(struct database *db, const char *path, int version)
{
    char *copy = memory_print("%s.version-%d", path, version);
    (void)unlink(copy);
    int error = schema_copy(db, copy);
    free(copy);
    return error;
}

int schema_migrate(struct database *db, const char *path, const struct schema_step *steps, size_t count,
                   int to)
{
    int version, found;
    int error = schema_read_version(db, &version);
    for (int at = version; error == 0 && at < to; at++) {
        if (find_step(steps, count, at) == NULL) {
            return database_fail(db, ERROR_UNSUPPORTED,
                                 "found version %d, which this steerd cannot read; expected %d", version, to);
        }
    }
    error = error != 0 ? error : keep_copy(db, path, version);
    error = error != 0 ? error : database_run(db, "BEGIN IMMEDIATE");
    if (error != 0) {
        return error;
    }
    error = schema_read_version(db, &found);
    for (int at = found; error == 0 && at < to; at++) {
        error = database_run(db, find_step(steps, count, at)->sql);
    }
    error = error != 0 ? error : set_version(db, to);
    error = error != 0 ? error : database_run(db, "COMMIT");
    if (error != 0) {
        (void)sqlite3_exec(db->sql, "ROLLBACK", NULL, NULL, NULL); /* why it failed stays noted */
    }
    return error;
}
