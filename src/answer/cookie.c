/* SPDX-License-Identifier: BSD-3-Clause
 *
 * RFC 9018 section 4: client cookie | version | reserved | timestamp | hash, where the hash is SipHash-2-4
 * over all before it and the client's address. */
#include "config.h"

#include "answer/cookie.h"

#include "base/siphash.h"

#include <string.h>

enum {
    HASHED = COOKIE_CLIENT_SIZE + 8, /* octets of the cookie that the hash covers */
    COOKIE_VERSION = 1,
    EXPIRES_S = 3600, /* RFC 9018 section 4.3, and the next two */
    FUTURE_S = 300,
    RENEW_S = 1800,
};

static void hash_cookie(const uint8_t *secret, const struct addr *client, const uint8_t *cookie,
                        uint8_t hash[SIPHASH_SIZE])
{
    uint8_t input[HASHED + 16];
    size_t address_len = client->family == ADDR_V4 ? 4 : 16;
    memcpy(input, cookie, HASHED);
    memcpy(input + HASHED, client->bytes, address_len);
    siphash_24(secret, input, HASHED + address_len, hash);
}

/* Without a branch that depends on how much is right. */
static bool is_equal(const uint8_t *a, const uint8_t *b)
{
    uint8_t difference = 0;
    for (unsigned i = 0; i < SIPHASH_SIZE; i++) {
        difference |= a[i] ^ b[i];
    }
    return difference == 0;
}

enum cookie_verdict cookie_judge(const struct cookie_secrets *secrets, const struct addr *client,
                                 const uint8_t *cookie, size_t len, uint32_t now_s)
{
    if (len == COOKIE_CLIENT_SIZE) {
        return COOKIE_NEW;
    }
    const uint8_t *stamp = cookie + COOKIE_CLIENT_SIZE + 4;
    if (len != COOKIE_SIZE || cookie[COOKIE_CLIENT_SIZE] != COOKIE_VERSION) {
        return COOKIE_INVALID;
    }
    uint32_t made_s =
        (uint32_t)stamp[0] << 24 | (uint32_t)stamp[1] << 16 | (uint32_t)stamp[2] << 8 | stamp[3];
    int32_t age_s = (int32_t)(now_s - made_s); /* serial number arithmetic, RFC 1982 */
    if (age_s > EXPIRES_S || age_s < -FUTURE_S) {
        return COOKIE_INVALID;
    }
    for (size_t i = 0; i < secrets->count; i++) {
        uint8_t hash[SIPHASH_SIZE];
        hash_cookie(secrets->items[i], client, cookie, hash);
        if (is_equal(hash, cookie + HASHED)) {
            return i != 0 || age_s > RENEW_S ? COOKIE_RENEW : COOKIE_VALID;
        }
    }
    return COOKIE_INVALID;
}

void cookie_make(const struct cookie_secrets *secrets, const struct addr *client, const uint8_t *from,
                 uint32_t now_s, uint8_t cookie[COOKIE_SIZE])
{
    memcpy(cookie, from, COOKIE_CLIENT_SIZE);
    memcpy(cookie + COOKIE_CLIENT_SIZE,
           (uint8_t[]){COOKIE_VERSION, 0, 0, 0, (uint8_t)(now_s >> 24), (uint8_t)(now_s >> 16),
                       (uint8_t)(now_s >> 8), (uint8_t)now_s},
           8);
    hash_cookie(secrets->items[0], client, cookie, cookie + HASHED);
}
