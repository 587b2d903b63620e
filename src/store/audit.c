/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See audit.h. */
#include "config.h"

#include "store/audit.h"

#include "base/error.h"
#include "store/entry.h"

#include <string.h>

static void find_bad(struct audit *audit, uint64_t seq, const char *why)
{
    audit->bad_seq = seq;
    audit->why = why;
}

/* The row before the run, which another run judges. */
static int take_before(struct database *db, sqlite3_stmt *statement, struct audit *audit, int64_t *wall_ms)
{
    struct chain_entry entry;
    const unsigned char *hash;
    bool has;
    int error = database_step(db, statement, &has);
    if (error == 0 && (!has || (uint64_t)sqlite3_column_int64(statement, 0) != audit->from - 1)) {
        find_bad(audit, audit->from - 1, "it is missing");
        return 0;
    }
    error = error != 0 ? error : entry_read(db, statement, ENTRY_OCTETS, &entry, &hash);
    if (error == 0) {
        memcpy(audit->hash, hash, STORE_HASH_SIZE);
        *wall_ms = entry.wall_ms;
    }
    return error;
}

static void judge(struct audit *audit, const struct chain_entry *entry, const unsigned char *hash)
{
    chain_add(audit->hash, entry);
    if (memcmp(audit->hash, hash, STORE_HASH_SIZE) != 0) {
        find_bad(audit, entry->seq, "its hash is not that of what it says and of the entry before");
    } else if (entry->revision_before >= entry->seq) {
        find_bad(audit, entry->seq, "it follows one that came later");
    }
    bool was = entry->revision_before != 0, is = entry->texts[CHAIN_AFTER].bytes != NULL;
    audit->objects += (int64_t)is - (int64_t)was;
    audit->checked++;
}

static int check_rows(struct database *db, sqlite3_stmt *statement, struct audit *audit)
{
    int64_t wall_ms = INT64_MIN;
    bool has;
    int error = audit->from == 1 ? 0 : take_before(db, statement, audit, &wall_ms);
    for (uint64_t seq = audit->from; error == 0 && audit->bad_seq == 0 && seq <= audit->to; seq++) {
        struct chain_entry entry;
        const unsigned char *hash;
        error = database_step(db, statement, &has);
        if (error == 0 && (!has || (uint64_t)sqlite3_column_int64(statement, 0) != seq)) {
            find_bad(audit, seq, "it is missing");
            break;
        }
        error = error != 0 ? error : entry_read(db, statement, ENTRY_OCTETS, &entry, &hash);
        if (error == 0) {
            judge(audit, &entry, hash);
            audit->turns += entry.wall_ms < wall_ms;
            wall_ms = entry.wall_ms;
        }
    }
    return error;
}

int audit_check(struct database *db, const char *id, struct audit *audit)
{
    sqlite3_stmt *statement;
    int error = database_prepare(
        db, "SELECT " ENTRY_COLUMNS " FROM journal j WHERE j.seq >= ?1 AND j.seq <= ?2 ORDER BY j.seq",
        &statement);
    chain_begin(id, audit->hash);
    if (error == 0) {
        (void)sqlite3_bind_int64(statement, 1, (int64_t)audit->from - 1);
        (void)sqlite3_bind_int64(statement, 2, (int64_t)audit->to);
        error = check_rows(db, statement, audit);
    }
    sqlite3_finalize(statement);
    return error;
}
