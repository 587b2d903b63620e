/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See sign.h. */
#include "config.h"

#include "herald/sign.h"

#include "base/sha2.h"

#include <stdio.h>
#include <string.h>

static void begin(struct sha256 *sha, const uint8_t key[SHA256_BLOCK], uint8_t pad)
{
    uint8_t block[SHA256_BLOCK];
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] = key[i] ^ pad;
    }
    sha256_init(sha);
    sha256_add(sha, block, sizeof block);
    explicit_bzero(block, sizeof block);
}

const char *sign_write(const struct sign_secret *secret, int64_t time_s, const char *body, size_t len,
                       char hex[SIGN_HEX_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t key[SHA256_BLOCK] = {0}, digest[SHA256_SIZE];
    struct sha256 sha;
    char time[32];
    if (secret->len > sizeof key) {
        sha256_init(&sha);
        sha256_add(&sha, secret->bytes, secret->len);
        sha256_end(&sha, key);
    } else {
        memcpy(key, secret->bytes, secret->len);
    }
    int time_len = snprintf(time, sizeof time, "%ld.", (long)time_s);
    begin(&sha, key, 0x36);
    sha256_add(&sha, time, (size_t)time_len);
    sha256_add(&sha, body, len);
    sha256_end(&sha, digest);
    begin(&sha, key, 0x5c);
    sha256_add(&sha, digest, sizeof digest);
    sha256_end(&sha, digest);
    explicit_bzero(key, sizeof key);
    for (size_t i = 0; i < sizeof digest; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * sizeof digest] = '\0';
    return hex;
}
