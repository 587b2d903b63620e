/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Short runs of octets on the data path, eight or sixteen at a time. They are shorter there than the way into
 * the C library and back; where they may be long or it does not matter, memcpy() and memcmp() are better. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    BYTES_WORD = 8,
    BYTES_BLOCK = 16,
    BYTES_SHORT = 128, /* from here on the library copies faster */
};

typedef uint8_t bytes_block __attribute__((vector_size(BYTES_BLOCK)));

static inline uint64_t bytes_load_word(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

static inline void bytes_store_word(uint8_t *to, uint64_t word)
{
    memcpy(to, &word, sizeof word);
}

static inline bytes_block bytes_load_block(const uint8_t *from)
{
    bytes_block block;
    memcpy(&block, from, sizeof block);
    return block;
}

static inline void bytes_store_block(uint8_t *to, bytes_block block)
{
    memcpy(to, &block, sizeof block);
}

/* Copy n octets that do not overlap. The last piece is laid over the one before it, so that nothing behind
 * the n octets is read or written. */
static inline void bytes_copy(uint8_t *to, const uint8_t *from, size_t n)
{
    if (n < BYTES_WORD || n > BYTES_SHORT) {
        memcpy(to, from, n);
        return;
    }
    if (n < BYTES_BLOCK) {
        bytes_store_word(to, bytes_load_word(from));
        bytes_store_word(to + n - BYTES_WORD, bytes_load_word(from + n - BYTES_WORD));
        return;
    }
    for (size_t at = 0; at + BYTES_BLOCK < n; at += BYTES_BLOCK) {
        bytes_store_block(to + at, bytes_load_block(from + at));
    }
    bytes_store_block(to + n - BYTES_BLOCK, bytes_load_block(from + n - BYTES_BLOCK));
}

/* Are the n octets the same? BYTES_WORD - 1 more behind each must be readable; they do not count. */
static inline bool bytes_equal(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (; n >= BYTES_WORD; n -= BYTES_WORD, a += BYTES_WORD, b += BYTES_WORD) {
        if (bytes_load_word(a) != bytes_load_word(b)) {
            return false;
        }
    }
    if (n == 0) {
        return true;
    }
    uint64_t differ = bytes_load_word(a) ^ bytes_load_word(b);
    unsigned behind = (unsigned)(BYTES_WORD - n) * 8;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return differ << behind == 0;
#else
    return differ >> behind == 0;
#endif
}
