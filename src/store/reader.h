/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the calls of a reader share. Inside this folder only. */
#pragma once

#include "store/database.h"
#include "store/files.h"
#include "store/schema.h"
#include "store/store.h"

struct store_reader {
    struct database db;
    struct files files;
    char id[SCHEMA_ID_SIZE];
    const struct progress *progress; /* may be NULL */
    struct progress *count;          /* likewise */
};

/* One state of the store from here to store_reader_end(), which returns `error`. */
int store_reader_begin(struct store_reader *reader);
int store_reader_end(struct store_reader *reader, int error);
/* Bind the text, which has to stay. */
void reader_bind(sqlite3_stmt *statement, int at, const char *text);
