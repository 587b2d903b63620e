/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The hash that chains the entries of the journal: SHA-256 over the hash before and an encoding of the entry
 * that has one reading only (doc/store.md). Pure. */
#pragma once

#include "store/store.h"

enum { CHAIN_ID_SIZE = 32 };

/* What stands before the first entry: made of the store's id, so that entries of another store do not fit. */
void chain_begin(const char *id, unsigned char hash[STORE_HASH_SIZE]);

struct chain_text {
    const void *bytes; /* NULL: none */
    size_t len;
};

enum {
    CHAIN_KIND,
    CHAIN_KEY,
    CHAIN_ACTOR,
    CHAIN_PEER,
    CHAIN_REASON,
    CHAIN_REQUEST,
    CHAIN_AFTER,
    CHAIN_TEXTS
};

struct chain_entry {
    uint64_t seq, revision_before;
    int64_t wall_ms, expires_ms;
    struct chain_text texts[CHAIN_TEXTS];
};

/* `hash` is that of the entry before, then that of this one. */
void chain_add(unsigned char hash[STORE_HASH_SIZE], const struct chain_entry *entry);
