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

/* Less than a word, zeros behind it. */
static inline uint64_t bytes_load_short(const uint8_t *from, size_t n)
{
    uint64_t word = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (size_t i = n; i > 0; i--) {
        word = word << 8 | from[i - 1];
    }
#else
    for (size_t i = 0; i < n; i++) {
        word |= (uint64_t)from[i] << (56 - i * 8);
    }
#endif
    return word;
}

/* The n octets that end here, 1 to 8 of them, zeros behind them. A whole word in front of the end is
 * readable.
 */
static inline uint64_t bytes_load_before(const uint8_t *end, size_t n)
{
    unsigned others = (unsigned)(BYTES_WORD - n) * 8;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return bytes_load_word(end - BYTES_WORD) >> others;
#else
    return bytes_load_word(end - BYTES_WORD) << others;
#endif
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

typedef uint64_t bytes_words __attribute__((vector_size(BYTES_BLOCK)));

static inline bytes_block bytes_join(uint64_t first, uint64_t last)
{
    return (bytes_block)(bytes_words){first, last};
}

static inline uint64_t bytes_first_word(bytes_block block)
{
    return ((bytes_words)block)[0];
}

static inline uint64_t bytes_last_word(bytes_block block)
{
    return ((bytes_words)block)[1];
}

/* Copy n octets that do not overlap. The last piece is laid over the one before it, so that nothing behind
 * the n octets is read or written. */
static inline void bytes_copy(uint8_t *to, const uint8_t *from, size_t n)
{
    if (n > BYTES_SHORT) {
        memcpy(to, from, n);
    } else if (n >= BYTES_BLOCK) {
        for (size_t at = 0; at + BYTES_BLOCK < n; at += BYTES_BLOCK) {
            bytes_store_block(to + at, bytes_load_block(from + at));
        }
        bytes_store_block(to + n - BYTES_BLOCK, bytes_load_block(from + n - BYTES_BLOCK));
    } else if (n >= BYTES_WORD) {
        bytes_store_word(to, bytes_load_word(from));
        bytes_store_word(to + n - BYTES_WORD, bytes_load_word(from + n - BYTES_WORD));
    } else if (n >= BYTES_WORD / 2) {
        memcpy(to, from, BYTES_WORD / 2);
        memcpy(to + n - BYTES_WORD / 2, from + n - BYTES_WORD / 2, BYTES_WORD / 2);
    } else if (n != 0) {
        to[0] = from[0];
        to[n / 2] = from[n / 2];
        to[n - 1] = from[n - 1];
    }
}

/* How long n octets become with what fills up the last word. */
static inline size_t bytes_whole_words(size_t n)
{
    return (n + BYTES_WORD - 1) & ~(size_t)(BYTES_WORD - 1);
}

/* Are n octets the same, and what fills up the last word? */
static inline bool bytes_equal_words(const uint8_t *a, const uint8_t *b, size_t n)
{
    for (size_t at = 0; at < n; at += BYTES_WORD) {
        if (bytes_load_word(a + at) != bytes_load_word(b + at)) {
            return false;
        }
    }
    return true;
}
