/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The HMACs of TSIG by nettle: a prepared key is a plain value, copied for each message. Nothing is allocated
 * and nothing fails. Private to tsig. */
#pragma once

#include "tsig/tsig.h"

#include <nettle/hmac.h>

struct hmac {
    enum dns_tsig_algorithm algorithm;
    union {
        struct hmac_sha256_ctx sha256;
        struct hmac_sha512_ctx sha512; /* and SHA-384 */
    } state;
};

size_t hmac_size(enum dns_tsig_algorithm algorithm); /* octets of a whole MAC */
void hmac_prepare(struct hmac *hmac, enum dns_tsig_algorithm algorithm, const uint8_t *secret, size_t len);
void hmac_add(struct hmac *hmac, const void *bytes, size_t len);
/* Writes hmac_size() octets; the state is used up. */
void hmac_end(struct hmac *hmac, uint8_t mac[TSIG_MAC_MAX]);
