/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A connection to store.db, and what went wrong with it in words. Of one thread; connections are opened
 * without SQLite's own mutexes. Inside this folder only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#define STORE_FILE "store.db"

enum {
    DATABASE_APPLICATION = 0x73746572, /* "ster", in the file's header */
    DATABASE_WHY_SIZE = 256,
};

struct database {
    sqlite3 *sql; /* NULL: not open */
    int error;    /* of the last failure */
    char why[DATABASE_WHY_SIZE];
};

enum database_way { DATABASE_READ, DATABASE_WRITE, DATABASE_MAKE };

/* The file has to be there unless it is made. 0, or an error and why; then there is nothing to close. */
int database_open(struct database *db, const char *path, enum database_way way);
void database_close(struct database *db); /* also one that is not open */

/* Note what SQLite said. Returns the error: ERROR_SYNTAX if the file is damaged, -EBUSY if another process
 * has it locked, -errno of the disk, else ERROR_LIBRARY. SQLITE_OK, _ROW and _DONE are 0. */
int database_note(struct database *db, int code);
/* The same for what we found ourselves. Returns `error`. */
int database_fail(struct database *db, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

int database_run(struct database *db, const char *sql);
int database_prepare(struct database *db, const char *sql, sqlite3_stmt **statement);
/* The one number of the one row, 0 if there is none. */
int database_read_number(struct database *db, const char *sql, int64_t *number);
/* To the next row; *has says whether there is one. */
int database_step(struct database *db, sqlite3_stmt *statement, bool *has);
