/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The HMACs of TSIG (RFC 2104) over base/sha2: a prepared key is a plain value, used for any number of
 * messages at once. Nothing is allocated and nothing fails. Private to tsig. */
#pragma once

#include "base/sha2.h"
#include "tsig/tsig.h"

union hmac_state {
    struct sha256 sha256;
    struct sha512 sha512; /* and SHA-384 */
};

/* Both hashes behind the block that is the secret. Immutable; to be wiped as the secret is. */
struct hmac_key {
    enum dns_tsig_algorithm algorithm;
    union hmac_state inner, outer;
};

/* Of one message. Borrows the key. */
struct hmac {
    const struct hmac_key *key;
    union hmac_state inner;
};

size_t hmac_size(enum dns_tsig_algorithm algorithm); /* octets of a whole MAC */
void hmac_prepare(struct hmac_key *key, enum dns_tsig_algorithm algorithm, const uint8_t *secret, size_t len);
void hmac_begin(struct hmac *hmac, const struct hmac_key *key);
void hmac_add(struct hmac *hmac, const void *bytes, size_t len);
/* Writes hmac_size() octets; the state is used up. */
void hmac_end(struct hmac *hmac, uint8_t mac[TSIG_MAC_MAX]);
