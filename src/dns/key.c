/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Preparing a name for look-up. */
#include "config.h"

#include "dns/key.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the label hash reads eight octets at a time and expects a little-endian machine"
#endif

size_t dns_key_fill(struct dns_key *key, const uint8_t *wire, size_t max)
{
    size_t limit = max < DNS_NAME_MAX ? max : DNS_NAME_MAX, at = 0;
    unsigned labels = 0;
    while (at < limit && wire[at] != 0) {
        if (wire[at] > DNS_LABEL_MAX) {
            return 0;
        }
        key->at[labels++] = (uint8_t)at;
        at += wire[at] + 1u;
    }
    if (at >= limit) {
        return 0;
    }
    key->at[labels] = (uint8_t)at;
    key->labels = (uint8_t)labels;
    key->len = (uint8_t)(at + 1);
    memcpy(key->name, wire, at + 1);
    memset(key->name + at + 1, 0, DNS_KEY_PAD);
    for (size_t i = 0; i <= at; i += 8) {
        uint64_t chunk;
        memcpy(&chunk, key->name + i, 8);
        chunk = dns_key_lower8(chunk);
        memcpy(key->name + i, &chunk, 8);
    }
    uint64_t hash = DNS_KEY_ROOT_HASH;
    key->hash[labels] = hash;
    while (labels-- > 0) {
        hash = dns_key_mix(hash, key->name + key->at[labels]);
        key->hash[labels] = hash;
    }
    return at + 1;
}
