/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The tables of store.db: making them, knowing them again, and bringing those of older versions up to date.
 * Inside this folder only. */
#pragma once

#include "store/database.h"

#include "base/report.h"

enum { SCHEMA_VERSION = 1, SCHEMA_ID_SIZE = 65 };

/* From `version` to the next one, as SQL. */
struct schema_step {
    int version;
    const char *sql;
};

/* In an empty database. */
int schema_make(struct database *db, const char *id, const char *machine);
/* Is it a store of this version, with the tables that we make and nothing else? 0; ERROR_SYNTAX,
 * ERROR_UNSUPPORTED (a newer version), ERROR_NOT_FOUND (an older one) or what the database says. */
int schema_check(struct database *db);
int schema_read_version(struct database *db, int *version);
/* Bring an older version up to `to` in one transaction; a copy of what it was is kept beside it first
 * (`path`.version-N). Steps that are not there are ERROR_UNSUPPORTED. */
int schema_migrate(struct database *db, const char *path, const struct schema_step *steps, size_t count,
                   int to);
/* An empty file that only its owner may write; there must be none. */
int schema_make_file(struct database *db, const char *path);
/* All of it to a new file, synced; there must be none. */
int schema_copy(struct database *db, const char *copy);
/* A value of the table meta, "" if there is none; cut to size. */
int schema_read_meta(struct database *db, const char *name, char *value, size_t size);
int schema_write_meta(struct database *db, const char *name, const char *value);
