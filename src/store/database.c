/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See database.h. What a damaged or hostile file could make SQLite do beyond reading it is switched off. */
#include "config.h"

#include "store/database.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_MS = 1000, ROW_MAX = 8 << 20 };

static int find_errno(sqlite3 *sql, int otherwise)
{
    int number = sql == NULL ? 0 : sqlite3_system_errno(sql);
    return number > 0 ? -number : otherwise;
}

static int find_error(sqlite3 *sql, int code)
{
    switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_MISMATCH: return ERROR_SYNTAX;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return -EBUSY;
    case SQLITE_FULL: return -ENOSPC;
    case SQLITE_READONLY: return -EROFS;
    case SQLITE_NOMEM: return -ENOMEM;
    case SQLITE_INTERRUPT: return ERROR_CANCELLED;
    case SQLITE_PERM: return -EACCES;
    case SQLITE_CANTOPEN: return find_errno(sql, -EACCES);
    case SQLITE_IOERR: return find_errno(sql, -EIO);
    default: return ERROR_LIBRARY;
    }
}

static const char *find_advice(int error)
{
    switch (error) {
    case ERROR_SYNTAX: return "; restore a backup, or: steerctl salvage";
    case -EBUSY: return "; another process has it locked";
    case -ENOSPC: return "; make room on its disk";
    case -EROFS:
    case -EACCES: return "; make it and its folder writable";
    default: return "";
    }
}

int database_note(struct database *db, int code)
{
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) {
        return 0;
    }
    int error = find_error(db->sql, code);
    const char *said = db->sql != NULL ? sqlite3_errmsg(db->sql) : sqlite3_errstr(code);
    const char *system = error < 0 && error > ERROR_OK - 1000 ? error_text(error) : NULL;
    return database_fail(db, error, "%s%s%s%s%s", said, system != NULL ? " (" : "",
                         system != NULL ? system : "", system != NULL ? ")" : "", find_advice(error));
}

int database_fail(struct database *db, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(db->why, sizeof db->why, format, arguments);
    va_end(arguments);
    db->error = error;
    return error;
}

int database_run(struct database *db, const char *sql)
{
    return database_note(db, sqlite3_exec(db->sql, sql, NULL, NULL, NULL));
}

int database_prepare(struct database *db, const char *sql, sqlite3_stmt **statement)
{
    *statement = NULL;
    return database_note(db,
                         sqlite3_prepare_v3(db->sql, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL));
}

int database_step(struct database *db, sqlite3_stmt *statement, bool *has)
{
    int code = sqlite3_step(statement);
    *has = code == SQLITE_ROW;
    return database_note(db, code);
}

int database_read_number(struct database *db, const char *sql, int64_t *number)
{
    sqlite3_stmt *statement;
    bool has = false;
    *number = 0;
    int error = database_prepare(db, sql, &statement);
    if (error == 0) {
        error = database_step(db, statement, &has);
    }
    if (has) {
        *number = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return error;
}

/* Nothing that the schema of a foreign file says is run, and no row larger than ours is taken. */
static int restrict_it(struct database *db)
{
    (void)sqlite3_extended_result_codes(db->sql, 1);
    (void)sqlite3_busy_timeout(db->sql, BUSY_MS);
    (void)sqlite3_limit(db->sql, SQLITE_LIMIT_LENGTH, ROW_MAX);
    (void)sqlite3_limit(db->sql, SQLITE_LIMIT_WORKER_THREADS, 0);
    (void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    (void)sqlite3_db_config(db->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return database_run(db, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; PRAGMA cache_size = -8192; "
                            "PRAGMA temp_store = MEMORY;"
                            "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0");
}

/* Where nothing can be written, or there is no room, not even the index of the log can be made. */
static bool is_unwritable(const struct database *db)
{
    int code = sqlite3_errcode(db->sql) & 0xff;
    return code == SQLITE_CANTOPEN || code == SQLITE_READONLY || code == SQLITE_IOERR || code == SQLITE_FULL;
}

/* With its log and without writing: the index of the log is in memory, which takes the file for oneself
 * alone, and that without locks, which are writes, too. Nobody can change it meanwhile. */
static int open_unchanging(struct database *db, const char *name)
{
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    database_close(db);
    int error = database_note(db, sqlite3_open_v2(name, &db->sql, flags, "unix-none"));
    error = error != 0 ? error : database_run(db, "PRAGMA locking_mode = EXCLUSIVE");
    return error != 0 ? error : restrict_it(db);
}

/* A name that begins with "file:" is a file, too. */
static char *make_name(const char *path)
{
    return path[0] == '/' || path[0] == ':' ? memory_copy_text(path) : memory_print("./%s", path);
}

/* It holds hashes of tokens and whatever the configuration does. Its log and index get the mode of the file.
 * What it has no right to change somebody else has opened to whom he wanted. */
static void keep_to_owner(const char *path, bool makes)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | (makes ? O_CREAT : 0), S_IRUSR | S_IWUSR);
    if (fd != -1) {
        (void)fchmod(fd, S_IRUSR | S_IWUSR);
        close(fd);
    }
}

int database_open(struct database *db, const char *path, enum database_way way)
{
    *db = (struct database){.sql = NULL};
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (way == DATABASE_MAKE ? SQLITE_OPEN_CREATE : 0);
    char *name = make_name(path);
    if (way != DATABASE_READ && path[0] != ':') {
        keep_to_owner(name, way == DATABASE_MAKE);
    }
    int error = database_note(db, sqlite3_open_v2(name, &db->sql, flags, NULL));
    error = error != 0 ? error : restrict_it(db);
    if (way == DATABASE_READ) {
        error = error != 0 && db->sql != NULL && is_unwritable(db) ? open_unchanging(db, name) : error;
        error = error != 0 ? error : database_run(db, "PRAGMA query_only = ON");
    } else if (db->sql != NULL && sqlite3_db_readonly(db->sql, "main") == 1) {
        error = database_fail(db, -EROFS, "it cannot be written%s", find_advice(-EROFS));
    }
    free(name);
    if (error != 0) {
        database_close(db);
    }
    return error;
}

void database_close(struct database *db)
{
    if (db->sql != NULL) {
        (void)sqlite3_close_v2(db->sql);
        db->sql = NULL;
    }
}
