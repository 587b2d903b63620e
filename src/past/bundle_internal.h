/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the files of bundles share. Inside this folder only. */
#pragma once

#include "past/bundle.h"

/* Says why and returns the error. */
int bundle_fail(char why[BUNDLE_WHY_SIZE], int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int bundle_fail_errno(char why[BUNDLE_WHY_SIZE], const char *path, int number);

/* Names of the file and the folder that belong to a node and to no bundle. */
bool bundle_is_own_file(const char *name);
bool bundle_is_own_folder(const char *name);

/* The pieces of a block: a file, from where in it, and how many octets. */
struct bundle_piece {
    size_t file;
    uint64_t from;
    size_t len;
};
struct bundle_cut {
    const struct bundle *bundle;
    uint64_t at, end; /* of the stream */
    size_t next;
};
/* Those of one block (bundle_block_len() of it is not 0). */
struct bundle_cut bundle_cut_block(const struct bundle *bundle, uint32_t block);
bool bundle_next_piece(struct bundle_cut *cut, struct bundle_piece *piece);

/* The SHA-256 of the file at `path`, of `size` octets. ERROR_SYNTAX: it has another size. */
int bundle_hash_file(const char *path, uint64_t size, const struct progress *progress,
                     uint8_t sha256[SHA256_SIZE], char why[BUNDLE_WHY_SIZE]);
