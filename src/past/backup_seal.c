/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See backup_seal.h. */
#include "config.h"

#include "past/backup_seal.h"

#include "past/backup_parts.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_SIZE = 7 + BACKUP_ID_SIZE }; /* "sha256 ", the digits, a NUL */

/* A member of gzip that has a comment (FLG.FCOMMENT), no time, no system; behind that comment one last block
 * of fixed Huffman codes with nothing in it, the CRC of nothing and its length. */
static const unsigned char gzip_head[] = {0x1f, 0x8b, 8, 0x10, 0, 0, 0, 0, 0, 0xff};
static const unsigned char gzip_tail[] = {3, 0, 0, 0, 0, 0, 0, 0, 0, 0};
/* A frame that is skipped, and its length, the least significant octet first. */
static const unsigned char zstd_head[] = {0x50, 0x2a, 0x4d, 0x18, TEXT_SIZE, 0, 0, 0};

_Static_assert(sizeof gzip_head + TEXT_SIZE + sizeof gzip_tail <= BACKUP_SEAL_MAX, "a seal has to fit");

enum backup_seal_kind backup_seal_find(const unsigned char magic[BACKUP_SEAL_MAGIC])
{
    static const unsigned char zstd[BACKUP_SEAL_MAGIC] = {0x28, 0xb5, 0x2f, 0xfd};
    return memcmp(magic, gzip_head, 3) == 0              ? BACKUP_SEAL_GZIP
           : memcmp(magic, zstd, BACKUP_SEAL_MAGIC) == 0 ? BACKUP_SEAL_ZSTD
                                                         : BACKUP_SEAL_NONE;
}

size_t backup_seal_len(enum backup_seal_kind kind)
{
    return kind == BACKUP_SEAL_ZSTD ? sizeof zstd_head + TEXT_SIZE
                                    : sizeof gzip_head + TEXT_SIZE + sizeof gzip_tail;
}

size_t backup_seal_write(enum backup_seal_kind kind, const unsigned char hash[BACKUP_HASH_SIZE],
                         unsigned char bytes[BACKUP_SEAL_MAX])
{
    bool is_zstd = kind == BACKUP_SEAL_ZSTD;
    size_t head_len = is_zstd ? sizeof zstd_head : sizeof gzip_head;
    char text[TEXT_SIZE], digits[BACKUP_ID_SIZE];
    backup_write_hex(hash, digits);
    snprintf(text, sizeof text, "sha256 %s", digits);
    memcpy(bytes, is_zstd ? zstd_head : gzip_head, head_len);
    memcpy(bytes + head_len, text, TEXT_SIZE);
    if (!is_zstd) {
        memcpy(bytes + head_len + TEXT_SIZE, gzip_tail, sizeof gzip_tail);
    }
    return backup_seal_len(kind);
}
