/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A name prepared for look-up: lower case, the place of every label, and a hash of every suffix. Made once
 * per query; zones and tables are then searched without touching the name again.
 *
 * The hash of a name is chained from the root: hash(a.b.) mixes the label "a" into hash(b.). */
#pragma once

#include "dns/types.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { DNS_KEY_PAD = 8 };

struct dns_key {
    uint8_t len;                       /* octets, final 0 included */
    uint8_t labels;                    /* without the root */
    uint8_t at[DNS_LABELS_MAX + 1];    /* at[i]: where label i begins; at[labels] is the final 0 */
    uint64_t hash[DNS_LABELS_MAX + 1]; /* hash[i]: of the suffix that begins at label i */
    uint8_t name[DNS_NAME_MAX + 1 + DNS_KEY_PAD];
};

#define DNS_KEY_ROOT_HASH 0x9ae16a3b2f90404fu

/* Eight octets to lower case at once; length octets are never letters. */
static inline uint64_t dns_key_lower8(uint64_t x)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t low7 = x & (ones * 0x7f);
    uint64_t above_z = low7 + ones * (0x7f - 'Z'), from_a = low7 + ones * (0x80 - 'A');
    uint64_t upper = (from_a & ~above_z & ~x) & (ones * 0x80);
    return x | upper >> 2;
}

/* Mix a label (its length octet and n more, lower case, DNS_KEY_PAD readable octets behind) into a hash. */
static inline uint64_t dns_key_mix(uint64_t hash, const uint8_t *label)
{
    unsigned left = label[0] + 1u;
    uint64_t chunk;
    for (; left > 8; left -= 8, label += 8) {
        memcpy(&chunk, label, 8);
        hash = (hash ^ chunk) * 0x9fb21c651e98df25u;
        hash ^= hash >> 29;
    }
    memcpy(&chunk, label, 8);
    chunk &= ~(uint64_t)0 >> (64 - left * 8); /* little endian: the first `left` octets */
    hash = (hash ^ chunk) * 0x9fb21c651e98df25u;
    return hash ^ (hash >> 32);
}

/* Prepare the uncompressed wire name at `wire`; at most max octets may be read. Returns its length, or 0 if
 * it is not a name (RFC 1035 limits, compression pointer, end of input). */
size_t dns_key_fill(struct dns_key *key, const uint8_t *wire, size_t max);
