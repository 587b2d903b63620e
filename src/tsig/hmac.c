/* SPDX-License-Identifier: BSD-3-Clause
 *
 * H((secret ^ opad) || H((secret ^ ipad) || text)), RFC 2104 section 2. What stands before the text and
 * before the inner digest is one block each, hashed when the key is prepared. */
#include "config.h"

#include "tsig/hmac.h"

#include <string.h>

enum { INNER_PAD = 0x36, OUTER_PAD = 0x5c, BLOCK_MAX = SHA512_BLOCK };

static void begin(union hmac_state *state, enum dns_tsig_algorithm algorithm)
{
    switch (algorithm) {
    case DNS_TSIG_HMAC_SHA384: sha384_init(&state->sha512); break;
    case DNS_TSIG_HMAC_SHA512: sha512_init(&state->sha512); break;
    case DNS_TSIG_HMAC_SHA256:
    case DNS_TSIG_ALGORITHMS: sha256_init(&state->sha256); break;
    }
}

static void add(union hmac_state *state, enum dns_tsig_algorithm algorithm, const void *bytes, size_t len)
{
    if (algorithm == DNS_TSIG_HMAC_SHA256) {
        sha256_add(&state->sha256, bytes, len);
    } else {
        sha512_add(&state->sha512, bytes, len);
    }
}

static void end(union hmac_state *state, enum dns_tsig_algorithm algorithm, uint8_t *digest)
{
    if (algorithm == DNS_TSIG_HMAC_SHA256) {
        sha256_end(&state->sha256, digest);
    } else {
        sha512_end(&state->sha512, digest);
    }
}

size_t hmac_size(enum dns_tsig_algorithm algorithm)
{
    static const uint8_t sizes[DNS_TSIG_ALGORITHMS] = {[DNS_TSIG_HMAC_SHA256] = SHA256_SIZE,
                                                       [DNS_TSIG_HMAC_SHA384] = SHA384_SIZE,
                                                       [DNS_TSIG_HMAC_SHA512] = SHA512_SIZE};
    return sizes[algorithm];
}

static void begin_padded(union hmac_state *state, enum dns_tsig_algorithm algorithm,
                         const uint8_t secret[BLOCK_MAX], uint8_t pad)
{
    uint8_t block[BLOCK_MAX];
    size_t len = algorithm == DNS_TSIG_HMAC_SHA256 ? SHA256_BLOCK : SHA512_BLOCK;
    for (size_t i = 0; i < len; i++) {
        block[i] = secret[i] ^ pad;
    }
    begin(state, algorithm);
    add(state, algorithm, block, len);
    explicit_bzero(block, sizeof block);
}

void hmac_prepare(struct hmac_key *key, enum dns_tsig_algorithm algorithm, const uint8_t *secret, size_t len)
{
    uint8_t block[BLOCK_MAX] = {0};
    key->algorithm = algorithm;
    if (len > (algorithm == DNS_TSIG_HMAC_SHA256 ? SHA256_BLOCK : SHA512_BLOCK)) {
        begin(&key->inner, algorithm);
        add(&key->inner, algorithm, secret, len);
        end(&key->inner, algorithm, block);
    } else if (len != 0) {
        memcpy(block, secret, len);
    }
    begin_padded(&key->inner, algorithm, block, INNER_PAD);
    begin_padded(&key->outer, algorithm, block, OUTER_PAD);
    explicit_bzero(block, sizeof block);
}

void hmac_begin(struct hmac *hmac, const struct hmac_key *key)
{
    hmac->key = key;
    if (key->algorithm == DNS_TSIG_HMAC_SHA256) {
        hmac->inner.sha256 = key->inner.sha256;
    } else {
        hmac->inner.sha512 = key->inner.sha512;
    }
}

void hmac_add(struct hmac *hmac, const void *bytes, size_t len)
{
    add(&hmac->inner, hmac->key->algorithm, bytes, len);
}

void hmac_end(struct hmac *hmac, uint8_t mac[TSIG_MAC_MAX])
{
    enum dns_tsig_algorithm algorithm = hmac->key->algorithm;
    uint8_t digest[TSIG_MAC_MAX];
    end(&hmac->inner, algorithm, digest);
    hmac->inner = hmac->key->outer;
    add(&hmac->inner, algorithm, digest, hmac_size(algorithm));
    end(&hmac->inner, algorithm, mac);
}
