/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One switch per operation, so that a prepared key needs no pointers and can be copied. */
#include "config.h"

#include "tsig/hmac.h"

size_t hmac_size(enum dns_tsig_algorithm algorithm)
{
    static const uint8_t sizes[DNS_TSIG_ALGORITHMS] = {[DNS_TSIG_HMAC_SHA256] = SHA256_DIGEST_SIZE,
                                                       [DNS_TSIG_HMAC_SHA384] = SHA384_DIGEST_SIZE,
                                                       [DNS_TSIG_HMAC_SHA512] = SHA512_DIGEST_SIZE};
    return sizes[algorithm];
}

void hmac_prepare(struct hmac *hmac, enum dns_tsig_algorithm algorithm, const uint8_t *secret, size_t len)
{
    hmac->algorithm = algorithm;
    switch (algorithm) {
    case DNS_TSIG_HMAC_SHA384: hmac_sha384_set_key(&hmac->state.sha512, len, secret); break;
    case DNS_TSIG_HMAC_SHA512: hmac_sha512_set_key(&hmac->state.sha512, len, secret); break;
    case DNS_TSIG_HMAC_SHA256:
    case DNS_TSIG_ALGORITHMS: hmac_sha256_set_key(&hmac->state.sha256, len, secret); break;
    }
}

void hmac_add(struct hmac *hmac, const void *bytes, size_t len)
{
    if (hmac->algorithm == DNS_TSIG_HMAC_SHA256) {
        hmac_sha256_update(&hmac->state.sha256, len, bytes);
    } else {
        hmac_sha512_update(&hmac->state.sha512, len, bytes); /* SHA-384 differs in how it begins and ends */
    }
}

void hmac_end(struct hmac *hmac, uint8_t mac[TSIG_MAC_MAX])
{
    switch (hmac->algorithm) {
    case DNS_TSIG_HMAC_SHA384: hmac_sha384_digest(&hmac->state.sha512, SHA384_DIGEST_SIZE, mac); break;
    case DNS_TSIG_HMAC_SHA512: hmac_sha512_digest(&hmac->state.sha512, SHA512_DIGEST_SIZE, mac); break;
    case DNS_TSIG_HMAC_SHA256:
    case DNS_TSIG_ALGORITHMS: hmac_sha256_digest(&hmac->state.sha256, SHA256_DIGEST_SIZE, mac); break;
    }
}
