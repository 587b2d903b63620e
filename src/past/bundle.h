/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bundles: a whole configuration as a tree of files, named by its content (doc/cluster.md). Its manifest is
 * one line of JSON, in one way of writing only, so the same files have the same name everywhere:
 *
 *     {"version":1,"files":[{"path":"topology.json","size":310,"sha256":"8f43…"},…]}
 *
 * sorted by path; the ID is the SHA-256 of that text. The contents of the files, one behind the other in that
 * order, are the stream of the bundle, which travels in blocks of BUNDLE_BLOCK_SIZE octets, whatever files
 * those cover. In a state folder STATE/bundles/ID is the tree, ID.json its manifest, and ID.part a tree that
 * is coming. Whatever manifest is read, its paths stay below the folder of the tree.
 *
 * Functions return 0 or an error, and say in `why` what is wrong. Those of the tree and of the store wait for
 * the disk. */
#pragma once

#include "base/sha2.h"
#include "past/depot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct progress;

enum {
    BUNDLE_ID_SIZE = DEPOT_NAME_SIZE, /* 64 hexadecimal digits in lower case, and NUL */
    BUNDLE_FILES_MAX = 131072,
    BUNDLE_PATH_MAX = 1023,         /* octets */
    BUNDLE_MANIFEST_MAX = 48 << 20, /* octets */
    BUNDLE_BLOCK_SIZE = 256 << 10,  /* the last block of a stream is shorter */
    BUNDLE_BLOCKS_MAX = 65536,
    BUNDLE_KEEP = 5, /* trees that are kept, needed ones included */
    BUNDLE_WHY_SIZE = 1536,
};
#define BUNDLE_SIZE_MAX (UINT64_C(16) << 30) /* octets of all files */
#define BUNDLE_FOLDER   "bundles"            /* of the state */

struct bundle_file {
    const char *path;  /* from the folder of the tree, such as "zones/example.com.zone" */
    uint64_t size, at; /* octets; where it begins in the stream */
    uint8_t sha256[SHA256_SIZE];
};

/* Immutable. */
struct bundle {
    char id[BUNDLE_ID_SIZE];
    char *manifest; /* its text, which can be sent in blocks likewise; NUL behind it */
    size_t manifest_len;
    struct bundle_file *files; /* by path */
    size_t count;
    uint64_t size;       /* of the stream */
    struct arena *arena; /* of the files */
};

/* ---- the manifest; pure ---- */

bool bundle_is_id(const char *text);
/* Relative, of parts that are neither empty nor begin with "."; UTF-8 without control characters, or ones
 * that change the direction of text. */
bool bundle_is_path(const char *path);
/* Returns owned in *bundle. ERROR_SYNTAX; ERROR_UNSUPPORTED: of a later version; ERROR_TOO_LARGE. */
int bundle_read(const char *text, size_t len, struct bundle **bundle, char why[BUNDLE_WHY_SIZE]);
/* Of these files, whose `at` does not matter: sorts them and writes the manifest. Likewise. */
int bundle_make(struct bundle_file *files, size_t count, struct bundle **bundle, char why[BUNDLE_WHY_SIZE]);
void bundle_free(struct bundle *bundle); /* NULL is fine */

const struct bundle_file *bundle_find(const struct bundle *bundle, const char *path); /* or NULL */
/* The file in which this octet of the stream is; `at` has to be below bundle->size. */
size_t bundle_find_at(const struct bundle *bundle, uint64_t at);

/* Blocks of so many octets, and the length of one of them (0: there is none of this number). */
uint32_t bundle_count_blocks(uint64_t size);
size_t bundle_block_len(uint64_t size, uint32_t block);

/* ---- trees ---- */

/* What an operator's folder would be as a bundle: all regular files, also those that symbolic links lead to;
 * without what begins with ".", files named steerd.json and folders named var. Reads all of it. Anything else
 * is an error: ERROR_INVALID. `skipped` (may be NULL) counts what was left out. */
struct bundle_skipped {
    size_t hidden, settings, states;
};
int bundle_scan(const char *folder, const struct progress *progress, struct bundle **bundle,
                struct bundle_skipped *skipped, char why[BUNDLE_WHY_SIZE]);
/* A block of the stream, from the files below this folder; room for bundle_block_len(). ERROR_CONFLICT: a
 * file is shorter than it was. What else has changed shows in hashes only. */
int bundle_read_block(const char *folder, const struct bundle *bundle, uint32_t block, void *bytes,
                      char why[BUNDLE_WHY_SIZE]);

/* ---- what a state folder holds; any thread, any process ---- */

char *bundle_locate(const char *state, const char *id); /* STATE/bundles/ID: owned; touches no disk */
bool bundle_is_here(const char *state, const char *id); /* whole, as far as names say */
/* Its manifest. ERROR_NOT_FOUND; ERROR_SYNTAX: it is damaged. */
int bundle_load(const char *state, const char *id, struct bundle **bundle, char why[BUNDLE_WHY_SIZE]);

struct bundle_item {
    char id[BUNDLE_ID_SIZE];
    int64_t came_ms; /* wall: since when it is here */
};
/* Whole ones, the latest first: owned array. Damage does not show. */
int bundle_list(const char *state, struct bundle_item **items, size_t *count, char why[BUNDLE_WHY_SIZE]);

/* ---- the store: what is coming and going; any thread of one process ---- */

struct bundle_store;

struct bundle_store *bundle_store_new(const char *state); /* touches no disk */
void bundle_store_free(struct bundle_store *store);       /* no part is open any more; NULL is fine */
const char *bundle_store_state(const struct bundle_store *store);
/* Removes a whole one. ERROR_NOT_FOUND; ERROR_BUSY: it is coming. Whether somebody needs it is for the caller
 * to know. */
int bundle_store_remove(struct bundle_store *store, const char *id, char why[BUNDLE_WHY_SIZE]);
/* Removes all but those that are needed or among the BUNDLE_KEEP that came last, and what processes left that
 * ended. Returns how many bundles went. */
size_t bundle_store_sweep(struct bundle_store *store, bool (*is_needed)(void *context, const char *id),
                          void *context);

/* One that is coming: of one thread at a time. */
struct bundle_part;

/* Takes the bundle, whatever it returns. What an earlier try left is thrown away. Files that other bundles
 * have here already are theirs (hard links), and their blocks are there. ERROR_CONFLICT: it is here already;
 * ERROR_BUSY: somebody else is at it; -ENOSPC. `progress` (may be NULL) is borrowed: what takes long ends
 * with ERROR_CANCELLED. */
int bundle_part_begin(struct bundle_store *store, struct bundle *bundle, const struct progress *progress,
                      struct bundle_part **part, char why[BUNDLE_WHY_SIZE]);
const struct bundle *bundle_part_get(const struct bundle_part *part);
bool bundle_part_has(const struct bundle_part *part, uint32_t block);
uint32_t bundle_part_count_missing(const struct bundle_part *part);
/* ERROR_INVALID: there is no such block, or it has another length. One that is there already is let go. */
int bundle_part_put(struct bundle_part *part, uint32_t block, const void *bytes, size_t len,
                    char why[BUNDLE_WHY_SIZE]);
/* A block that is there, for somebody else; it may turn out to be damaged. Room for bundle_block_len(). */
int bundle_part_read(const struct bundle_part *part, uint32_t block, void *bytes, char why[BUNDLE_WHY_SIZE]);
/* When none is missing: looks at each file, and puts the tree in its place, on stable storage. ERROR_SYNTAX:
 * files are not what the manifest says, and their blocks are missing again; ERROR_CONFLICT: some are missing;
 * else it cannot be written. */
int bundle_part_end(struct bundle_part *part, char why[BUNDLE_WHY_SIZE]);
/* Closes it; unless it came to its end what is there of it is removed. NULL is fine. */
void bundle_part_close(struct bundle_part *part);
/* The same for a process that ends and has no time: the next sweep, or the next try, removes it. */
void bundle_part_leave(struct bundle_part *part);
