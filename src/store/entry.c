/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See entry.h. */
#include "config.h"

#include "store/entry.h"

#include "base/error.h"

int entry_read(struct database *db, sqlite3_stmt *statement, struct chain_entry *entry,
               const unsigned char **hash)
{
    entry->seq = (uint64_t)sqlite3_column_int64(statement, 0);
    entry->wall_ms = sqlite3_column_int64(statement, 1);
    entry->expires_ms = sqlite3_column_int64(statement, 2);
    entry->revision_before = (uint64_t)sqlite3_column_int64(statement, 3);
    for (int i = 0; i < CHAIN_TEXTS; i++) {
        const void *text = sqlite3_column_text(statement, 4 + i);
        entry->texts[i] = (struct chain_text){text, (size_t)sqlite3_column_bytes(statement, 4 + i)};
        if (text == NULL && (i != CHAIN_AFTER || sqlite3_column_type(statement, 4 + i) != SQLITE_NULL)) {
            return sqlite3_errcode(db->sql) == SQLITE_NOMEM
                       ? database_note(db, SQLITE_NOMEM)
                       : database_fail(db, ERROR_SYNTAX, "entry %llu is damaged; restore it, or set it aside",
                                       (unsigned long long)entry->seq);
        }
    }
    *hash = sqlite3_column_blob(statement, ENTRY_COLUMN_COUNT - 1);
    if (*hash == NULL || sqlite3_column_bytes(statement, ENTRY_COLUMN_COUNT - 1) != STORE_HASH_SIZE) {
        return database_fail(db, ERROR_SYNTAX, "entry %llu has no hash; restore it, or set it aside",
                             (unsigned long long)entry->seq);
    }
    return 0;
}
