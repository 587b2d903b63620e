/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The files of a store: whose they are, whether they still are where they were, and names for them. Nobody
 * but SQLite opens store.db itself while this process has it open: closing it once more would drop SQLite's
 * locks. Inside this folder only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct files_identity {
    dev_t device;
    ino_t inode; /* 0: not known */
};

enum { FILES_DB, FILES_WAL, FILES_SHM, FILES_COUNT, FILES_WHY_SIZE = 256 };

/* Behind store.db: what was deleted while it was in use and is written anew, until that has its name back. */
#define FILES_RESCUED ".rescued"

struct files {
    char *folder;
    char *paths[FILES_COUNT];
    int lock; /* -1: not ours */
    struct files_identity identities[FILES_COUNT];
    uint64_t least[FILES_COUNT]; /* so large they have to be; 0: not known */
    char why[FILES_WHY_SIZE];    /* of a failure */
};

void files_init(struct files *files, const char *folder);
void files_fini(struct files *files); /* leaves the lock, too */

/* One writer at a time: 0, -EBUSY or -errno. */
int files_lock(struct files *files);
void files_unlock(struct files *files);

/* What is there before anything is opened: 0 (a store, maybe), ERROR_NOT_FOUND (nothing at all), or why it
 * cannot be one. */
int files_look(struct files *files);
/* Does a log lie beside it that its last user did not come to take away? */
bool files_is_unclean(const struct files *files);
/* From now on these are the files. */
void files_note(struct files *files);
/* store.db has the size that it has now, at least. */
void files_note_size(struct files *files);
/* Are they still, and as large as they have to be? 0, or -ENOENT, -ESTALE or ERROR_SYNTAX. */
int files_check(struct files *files);
/* The same for whoever reads: has none come or gone either? */
bool files_are_same(const struct files *files);
uint64_t files_size(const struct files *files);

/* Changes whenever they do; not for an exact answer. */
uint64_t files_stamp(const struct files *files);

/* Give `from` the name of store.db, which is not there: nothing is replaced. */
int files_put(struct files *files, const char *from);
/* Remove a log and an index whose store.db is gone, if they are ours. */
void files_remove_rest(struct files *files);
bool files_has_db(const struct files *files);

/* Entries of the folder are on stable storage. */
int files_sync_folder(struct files *files);
