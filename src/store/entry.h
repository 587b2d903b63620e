/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rows of the journal as entries. Inside this folder only. */
#pragma once

#include "store/chain.h"
#include "store/database.h"

/* Of what is called j in the statement. */
#define ENTRY_COLUMNS                                                                                        \
    "j.seq, j.wall_ms, j.expires_ms, j.revision_before, j.kind, j.key, j.actor, j.peer, j.reason, "          \
    "j.request, "                                                                                            \
    "j.after, j.hash"
enum { ENTRY_COLUMN_COUNT = 12 };

enum entry_way {
    ENTRY_TEXTS,  /* with a NUL behind them */
    ENTRY_OCTETS, /* without: nothing is copied */
};

/* Borrowed from the row in hand. 0, or ERROR_SYNTAX or -ENOMEM. */
int entry_read(struct database *db, sqlite3_stmt *statement, enum entry_way way, struct chain_entry *entry,
               const unsigned char **hash);
