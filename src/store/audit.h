/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Does a run of entries chain? Since each keeps its hash, runs are judged by themselves, several at once.
 * Inside this folder only. */
#pragma once

#include "store/database.h"
#include "store/store.h"

struct audit {
    uint64_t from, to; /* entries, both included */
    uint64_t checked;
    uint64_t bad_seq;                    /* the first that is not what it was; 0: none */
    const char *why;                     /* it is not; static */
    int64_t objects;                     /* made less deleted */
    uint64_t turns;                      /* where the wall time goes back */
    unsigned char hash[STORE_HASH_SIZE]; /* of the last one */
};

/* What stands before entry `from`; for the first, it is made of the store's id. 0 or what the database says.
 */
int audit_check(struct database *db, const char *id, struct audit *audit);
