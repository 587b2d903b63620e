/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What backups need of a store: who it is, whether entries that were read follow each other, and writing
 * entries once more, with their hashes, to a copy from before that nobody has open. What is rebuilt this way
 * is the same journal: whoever has noted a hash of it finds that again. */
#pragma once

#include "store/store.h"

enum { STORE_ID_SIZE = 65 };

/* How far a journal goes. seq 0: it is empty, and the hash is that before the first entry. */
struct store_place {
    uint64_t seq;
    unsigned char hash[STORE_HASH_SIZE];
};

struct store_identity {
    char id[STORE_ID_SIZE];      /* of the store */
    char machine[STORE_ID_SIZE]; /* a hash that stands for where it was written last; "": not known */
    struct store_place last;
};

int store_identify(struct store_reader *reader, struct store_identity *identity);
/* The place of an entry (0: before the first one). ERROR_NOT_FOUND: the journal is not that long. */
int store_find_place(struct store_reader *reader, uint64_t seq, struct store_place *place);
/* Is this the entry behind `place`, with the hash of what it says? Then that is its place from now on. */
bool store_follow(struct store_place *place, const struct store_entry *entry);

struct store_rebuild;
/* A store that no process has open. 0 or, with a report, an error of store_reader_open(). */
int store_rebuild_open(const char *folder, struct report *report, struct store_rebuild **rebuild);
/* The next entry (`before` is not looked at). 0; ERROR_CONFLICT: it is not the next one; else what the
 * database says, in words in *why (borrowed until the next call). */
int store_rebuild_add(struct store_rebuild *rebuild, const struct store_entry *entry, const char **why);
void store_rebuild_get_place(const struct store_rebuild *rebuild, struct store_place *place);
/* Keeps what was added, which is not synced yet, and frees. 0, or an error with a report. */
int store_rebuild_close(struct store_rebuild *rebuild, struct report *report);
/* For one that failed: frees. Of the store nothing can be said then. NULL is fine. */
void store_rebuild_free(struct store_rebuild *rebuild);
