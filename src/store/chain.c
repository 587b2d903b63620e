/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See chain.h. Numbers are 8 octets, the most significant first; a text is its length in 4 and its octets;
 * one that is not there has the length 2^32 - 1. */
#include "config.h"

#include "store/chain.h"

#include "base/sha2.h"

#include <assert.h>
#include <string.h>

static const char beginning[] = "steerd journal 1\n";

enum { NUMBERS = 4, HEAD_SIZE = NUMBERS * 8, LEN_SIZE = 4, SHORT = 2048 };

static_assert(STORE_HASH_SIZE == (int)SHA256_SIZE, "the hash is SHA-256");

static unsigned char *put_number(unsigned char *to, uint64_t value, size_t octets)
{
    for (size_t i = 0; i < octets; i++) {
        to[i] = (unsigned char)(value >> 8 * (octets - 1 - i));
    }
    return to + octets;
}

static unsigned char *put_head(unsigned char *to, const struct chain_entry *entry)
{
    to = put_number(to, entry->seq, 8);
    to = put_number(to, (uint64_t)entry->wall_ms, 8);
    to = put_number(to, (uint64_t)entry->expires_ms, 8);
    return put_number(to, entry->revision_before, 8);
}

void chain_begin(const char *id, unsigned char hash[STORE_HASH_SIZE])
{
    struct sha256 sha;
    sha256_init(&sha);
    sha256_add(&sha, beginning, sizeof beginning - 1);
    sha256_add(&sha, id, strlen(id));
    sha256_end(&sha, hash);
}

/* One piece for the library: many short ones cost more than what is hashed. */
static void add_short(struct sha256 *sha, const struct chain_entry *entry,
                      const unsigned char hash[STORE_HASH_SIZE])
{
    unsigned char all[STORE_HASH_SIZE + HEAD_SIZE + CHAIN_TEXTS * LEN_SIZE + SHORT];
    memcpy(all, hash, STORE_HASH_SIZE);
    unsigned char *to = put_head(all + STORE_HASH_SIZE, entry);
    for (size_t i = 0; i < CHAIN_TEXTS; i++) {
        const struct chain_text *text = &entry->texts[i];
        to = put_number(to, text->bytes == NULL ? UINT32_MAX : text->len, LEN_SIZE);
        if (text->bytes != NULL) {
            memcpy(to, text->bytes, text->len);
            to += text->len;
        }
    }
    sha256_add(sha, all, (size_t)(to - all));
}

static void add_long(struct sha256 *sha, const struct chain_entry *entry,
                     const unsigned char hash[STORE_HASH_SIZE])
{
    unsigned char head[HEAD_SIZE], len[LEN_SIZE];
    put_head(head, entry);
    sha256_add(sha, hash, STORE_HASH_SIZE);
    sha256_add(sha, head, sizeof head);
    for (size_t i = 0; i < CHAIN_TEXTS; i++) {
        const struct chain_text *text = &entry->texts[i];
        put_number(len, text->bytes == NULL ? UINT32_MAX : text->len, LEN_SIZE);
        sha256_add(sha, len, sizeof len);
        if (text->bytes != NULL) {
            sha256_add(sha, text->bytes, text->len);
        }
    }
}

void chain_add(unsigned char hash[STORE_HASH_SIZE], const struct chain_entry *entry)
{
    struct sha256 sha;
    size_t sum = 0;
    for (size_t i = 0; i < CHAIN_TEXTS; i++) {
        sum += entry->texts[i].bytes == NULL ? 0 : entry->texts[i].len;
    }
    sha256_init(&sha);
    if (sum <= SHORT) {
        add_short(&sha, entry, hash);
    } else {
        add_long(&sha, entry, hash);
    }
    sha256_end(&sha, hash);
}
