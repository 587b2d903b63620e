/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See entry.h. */
#include "config.h"

#include "store/entry.h"

#include "base/error.h"

static int fail(struct database *db, const struct chain_entry *entry, const char *what)
{
    return sqlite3_errcode(db->sql) == SQLITE_NOMEM
               ? database_note(db, SQLITE_NOMEM)
               : database_fail(db, ERROR_SYNTAX, "entry %llu %s; restore a backup, or: steerctl salvage",
                               (unsigned long long)entry->seq, what);
}

/* Of octets there is no pointer where there are none of them. */
static const void *read_text(sqlite3_stmt *statement, enum entry_way way, int at)
{
    if (way == ENTRY_TEXTS) {
        return sqlite3_column_text(statement, at);
    }
    const void *octets = sqlite3_column_blob(statement, at);
    return octets != NULL || sqlite3_column_type(statement, at) != SQLITE_TEXT ? octets : "";
}

int entry_read(struct database *db, sqlite3_stmt *statement, enum entry_way way, struct chain_entry *entry,
               const unsigned char **hash)
{
    entry->seq = (uint64_t)sqlite3_column_int64(statement, 0);
    entry->wall_ms = sqlite3_column_int64(statement, 1);
    entry->expires_ms = sqlite3_column_int64(statement, 2);
    entry->revision_before = (uint64_t)sqlite3_column_int64(statement, 3);
    for (int i = 0; i < CHAIN_TEXTS; i++) {
        const void *text = read_text(statement, way, 4 + i);
        entry->texts[i] = (struct chain_text){text, (size_t)sqlite3_column_bytes(statement, 4 + i)};
        if (text == NULL && (i != CHAIN_AFTER || sqlite3_column_type(statement, 4 + i) != SQLITE_NULL)) {
            return fail(db, entry, "is damaged");
        }
    }
    *hash = sqlite3_column_blob(statement, ENTRY_COLUMN_COUNT - 1);
    if (*hash == NULL || sqlite3_column_bytes(statement, ENTRY_COLUMN_COUNT - 1) != STORE_HASH_SIZE) {
        return fail(db, entry, "has no hash");
    }
    return 0;
}
