/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which files a configuration was made of: their paths, sizes and contents, as a JSON document that is kept
 * in the depot itself (doc/continuity.md):
 *
 *     {"version": 1, "main": "/etc/steerd/steerd.json",
 *      "files": [{"path": "/etc/steerd/steerd.json", "size": 310, "sha256": "8f43…"},
 *                {"path": "/var/lib/geo/country.mmdb", "size": 9, "sha256": null, "why": "a geo database",
 *                 "modified": "2026-11-01T03:00:00.000Z"}]}
 *
 * or, of one with many files, with those in parts, which are blobs of their own, each an array of files:
 *
 *     {"version": 2, "main": "/etc/steerd/steerd.json", "count": 100000, "parts": ["77aa…", …]}
 *
 * Files are sorted by path and each is there once, so the same files give the same document. Whatever text is
 * read, what comes out has paths that stay below the folder in which they are laid out. Pure, but for
 * manifest_load(), manifest_keep() and manifest_lay_out(), which wait for the disk. */
#pragma once

#include "past/depot.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MANIFEST_SIZE_MAX = 1 << 30, MANIFEST_PATH_MAX = 4095 };

struct manifest_file {
    char *path; /* absolute, without "." and ".." and empty parts */
    uint64_t size;
    char sha256[DEPOT_NAME_SIZE]; /* "": it is not kept */
    char *why;                    /* not; NULL: not said */
    int64_t modified_ms;          /* of one that is not kept: wall; 0: not known */
};

struct manifest {
    char *main; /* path of steerd.json, which is one of the files */
    struct manifest_file *files;
    size_t count, capacity;
    char (*parts)[DEPOT_NAME_SIZE]; /* owned: the blobs that the files are listed in; NULL: it has none */
    size_t part_count;
    size_t listed; /* files of all parts */
};

void manifest_init(struct manifest *manifest, const char *main);
void manifest_fini(struct manifest *manifest);

/* An absolute path that names one file and one only: "/a//b", "/a/./b", "/a/../b" and "/a/" do not, nor what
 * is no UTF-8, which JSON cannot hold. */
bool manifest_is_path(const char *path);
/* sha256 NULL: not kept, and why. The path has to be one. Returns it, until the next one is added. */
struct manifest_file *manifest_add(struct manifest *manifest, const char *path, uint64_t size,
                                   const char *sha256, const char *why);
/* After the last one: sorted; of those with the same path one stays. */
void manifest_finish(struct manifest *manifest);
const struct manifest_file *manifest_find(const struct manifest *manifest, const char *path); /* NULL: none */
size_t manifest_count_missing(const struct manifest *manifest); /* that are not kept */

/* Returns owned text, one line; NULL: there is no memory for it. Of one in parts it names those. */
char *manifest_write(const struct manifest *manifest);
/* Fills the manifest, which is to be finished with in any case. 0; ERROR_SYNTAX, or ERROR_UNSUPPORTED for a
 * later version: `why` says what was found and expected, and where. Of one in parts there are no files yet:
 * manifest_read_part() adds those of each, and manifest_judge() tells whether all of them are one. */
int manifest_read(const char *text, size_t len, struct manifest *manifest, char *why, size_t why_size);
int manifest_read_part(const char *text, size_t len, struct manifest *manifest, char *why, size_t why_size);
int manifest_judge(struct manifest *manifest, char *why, size_t why_size);
/* Some of its files, as a part. Likewise. */
char *manifest_write_part(const struct manifest_file *files, size_t count);

/* From and to a depot; errors are its, in depot->why. What was kept is there once it is settled. A list of
 * more than MANIFEST_WHOLE_MAX files is kept in parts, so that those that did not change are not written
 * again: it is cut behind paths that their hash chooses, whatever the files hold. */
enum { MANIFEST_WHOLE_MAX = 1024, MANIFEST_PART_MAX = 1024 };
int manifest_load(struct depot *depot, const char *sha256, struct manifest *manifest);
int manifest_keep(struct depot *depot, const struct manifest *manifest, char sha256[DEPOT_NAME_SIZE]);
/* Without the files of its parts, and those of one of them. */
int manifest_load_head(struct depot *depot, const char *sha256, struct manifest *manifest);
int manifest_load_part(struct depot *depot, const char *sha256, struct manifest *manifest);

/* All files that are kept, as a tree: /etc/steerd/x.json becomes ROOT/etc/steerd/x.json. ROOT is there and
 * empty; folders get mode 0700 and files 0600; nothing is synced. Those that are not kept are left out.
 * After an error some of it is there. Errors in depot->why. MANIFEST_TO_READ: where it is possible they are
 * the files of the depot, so nobody else may get there, and nobody may write to them. */
enum manifest_purpose {
    MANIFEST_TO_KEEP, /* copies */
    MANIFEST_TO_READ,
};
int manifest_lay_out(const struct manifest *manifest, struct depot *depot, const char *root,
                     enum manifest_purpose purpose);
