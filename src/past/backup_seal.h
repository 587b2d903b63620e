/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The seal at the end of a backup: what follows from the SHA-256 of all octets before it, in a form that the
 * tools of the compression step over. RFC 1952 has members that follow each other, the last of which is empty
 * here and carries a comment; RFC 8878 has frames that are to be skipped. Pure. Inside this folder only. */
#pragma once

#include "past/backup.h"

enum backup_seal_kind { BACKUP_SEAL_NONE, BACKUP_SEAL_GZIP, BACKUP_SEAL_ZSTD };
enum { BACKUP_SEAL_MAX = 128, BACKUP_SEAL_MAGIC = 4 };

/* By the first octets of the file. */
enum backup_seal_kind backup_seal_find(const unsigned char magic[BACKUP_SEAL_MAGIC]);
size_t backup_seal_len(enum backup_seal_kind kind);
/* Returns its length. */
size_t backup_seal_write(enum backup_seal_kind kind, const unsigned char hash[BACKUP_HASH_SIZE],
                         unsigned char bytes[BACKUP_SEAL_MAX]);
