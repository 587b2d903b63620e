/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What writes objects and entries, in transactions. Of the store's thread. Inside this folder only. */
#pragma once

#include "store/chain.h"
#include "store/database.h"
#include "store/store.h"

enum writer_statement {
    WRITER_BEGIN,
    WRITER_COMMIT,
    WRITER_LAST,
    WRITER_FIND,
    WRITER_ENTER,
    WRITER_TURN,
    WRITER_PUT,
    WRITER_DELETE,
    WRITER_DUE,
    WRITER_MEND,
    WRITER_STATEMENTS,
};

struct writer_name {
    char kind[STORE_KIND_MAX + 1], key[STORE_KEY_MAX + 1];
};

/* The end of the journal. */
struct writer_end {
    uint64_t seq;
    int64_t wall_ms;
    unsigned char hash[STORE_HASH_SIZE];
};

struct writer {
    struct database *db;
    sqlite3_stmt *statements[WRITER_STATEMENTS];
    struct writer_end durable, end; /* end: in the transaction */
    uint64_t mended;                /* objects that were not what the journal says, and are again */
    struct writer_name mended_last;
};

/* What it has mended before, all zero at first, is counted on. */
int writer_open(struct writer *writer, struct database *db);
void writer_close(struct writer *writer); /* also one that is not open */

/* The end has to be where we left it: nobody else writes. */
int writer_begin(struct writer *writer);
int writer_commit(struct writer *writer);
void writer_rollback(struct writer *writer);

/* The ops of a valid job, if its conditions hold; else job->error says so. Returns what the database says. */
int writer_apply(struct writer *writer, struct store_job *job, int64_t now_ms);

/* One entry that was written before, by another writer of this store: as the next one, and what follows from
 * it. ERROR_CONFLICT if it does not chain to the end, or names another object than there is. */
int writer_replay(struct writer *writer, const struct chain_entry *entry,
                  const unsigned char hash[STORE_HASH_SIZE]);
/* One op, without a condition. `always`: with an entry also if it deletes what is not there. */
int writer_write(struct writer *writer, const struct store_op *op, const struct store_cause *cause,
                 int64_t wall_ms, bool always);

/* Of all objects: what is not what the journal says is put right, in the transaction that has begun. */
int writer_mend_all(struct writer *writer);
/* Delete one object that is due. *has: there was one; its names go to `kind` and `key`. */
int writer_expire(struct writer *writer, int64_t now_ms, struct writer_name *name, bool *has);
/* Write something that nobody reads: whether it can be written again. */
int writer_probe(struct writer *writer, int64_t now_ms);
/* When the next one is due; INT64_MAX: there is none. */
int writer_find_due(struct writer *writer, int64_t *due_ms);
