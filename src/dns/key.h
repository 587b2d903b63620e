/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A name prepared for look-up: lower case, and the place of every label. Made once per query; zones and
 * tables are then searched without touching the name again.
 *
 * Only the suffixes that are looked for are hashed: a table of zones knows how many labels its apexes have,
 * and a zone is asked for the whole name first. */
#pragma once

#include "base/bytes.h"
#include "dns/types.h"

#include <stddef.h>
#include <stdint.h>

enum { DNS_KEY_PAD = BYTES_BLOCK };

struct dns_key {
    uint8_t len;                                  /* octets, final 0 included */
    uint8_t labels;                               /* without the root */
    uint8_t at[DNS_LABELS_MAX + 1];               /* at[i]: where label i begins; at[labels] is the final 0 */
    uint8_t name[DNS_NAME_MAX + 1 + DNS_KEY_PAD]; /* DNS_KEY_PAD zeros behind the name */
};

/* Sixteen octets to lower case; length octets are never letters. Without vector instructions the compiler
 * takes them apart. */
static inline bytes_block dns_key_lower_block(bytes_block x)
{
    bytes_block upper = (bytes_block)(x - 'A' < 'Z' - 'A' + 1);
    return x | (upper & 0x20);
}

/* Copy n > 0 octets of a name in lower case. The last piece is laid over the one before it, so that nothing
 * behind the name is read; `to` has room for a block. */
static inline void dns_key_lower(uint8_t *to, const uint8_t *from, size_t n)
{
    if (n >= BYTES_BLOCK) {
        for (size_t at = 0; at + BYTES_BLOCK < n; at += BYTES_BLOCK) {
            bytes_store_block(to + at, dns_key_lower_block(bytes_load_block(from + at)));
        }
        from += n - BYTES_BLOCK;
        bytes_store_block(to + n - BYTES_BLOCK, dns_key_lower_block(bytes_load_block(from)));
        return;
    }
    uint64_t first, last;
    if (n >= BYTES_WORD) {
        first = bytes_load_word(from);
        last = bytes_load_word(from + n - BYTES_WORD);
    } else {
        first = last = bytes_load_short(from, n);
        n = BYTES_WORD;
    }
    bytes_block both = dns_key_lower_block(bytes_join(first, last));
    bytes_store_word(to, bytes_first_word(both));
    bytes_store_word(to + n - BYTES_WORD, bytes_last_word(both));
}

/* A hash of len octets of a key's name, by multiplying blocks to 128 bits; its upper half is the better one.
 * Whatever fills up the last block (the rest of the name, then zeros) goes into it too, so hashes of names
 * that are cut off in front of a common suffix compare with each other. Not keyed: tables hold names of the
 * operator's, and the longest way of a query through one is as long as they make it. */
static inline uint64_t dns_key_hash(const uint8_t *name, size_t len)
{
    uint64_t hash = len;
    size_t at = 0;
    do {
        uint64_t first = bytes_load_word(name + at) ^ hash;
        uint64_t second = bytes_load_word(name + at + BYTES_WORD) ^ 0xd6e8feb86659fd93u;
        unsigned __int128 product = (unsigned __int128)first * second;
        hash = (uint64_t)product ^ (uint64_t)(product >> 64);
        at += BYTES_BLOCK;
    } while (at < len);
    return hash * 0x9e3779b97f4a7c15u;
}

/* The hash of the suffix that begins at a label. */
static inline uint64_t dns_key_hash_suffix(const struct dns_key *key, unsigned label)
{
    return dns_key_hash(key->name + key->at[label], (size_t)key->len - key->at[label]);
}

/* Its labels are noted, of which there are so many. */
static inline size_t dns_key_finish(struct dns_key *key, const uint8_t *wire, size_t len, size_t labels)
{
    key->labels = (uint8_t)labels;
    key->len = (uint8_t)len;
    dns_key_lower(key->name, wire, len);
    memset(key->name + len, 0, DNS_KEY_PAD);
    return len;
}

/* dns_key_fill() in line, for where queries are parsed. */
static inline size_t dns_key_read(struct dns_key *key, const uint8_t *wire, size_t max)
{
    size_t limit = max < DNS_NAME_MAX ? max : DNS_NAME_MAX, at = 0, labels = 0;
    while (at < limit) {
        size_t octets = wire[at];
        key->at[labels] = (uint8_t)at;
        if (octets - 1 >= DNS_LABEL_MAX) {
            return octets == 0 ? dns_key_finish(key, wire, at + 1, labels) : 0;
        }
        at += octets + 1;
        labels++;
    }
    return 0;
}

/* Prepare the uncompressed wire name at `wire`; at most max octets may be read. Returns its length, or 0 if
 * it is not a name (RFC 1035 limits, compression pointer, end of input). */
size_t dns_key_fill(struct dns_key *key, const uint8_t *wire, size_t max);
