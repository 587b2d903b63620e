/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The functions that EVP stands upon. OpenSSL 3 prefers that EVP is called, whose contexts are allocated: one
 * allocation for each digest at the least (when a context is used again), two for each HMAC, and 40 ns. */
#include "config.h"

#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/sha2.h"

#include <assert.h>

#include <openssl/crypto.h>
#include <openssl/sha.h>

static_assert(sizeof(SHA256_CTX) <= sizeof(struct sha256), "struct sha256 holds the library's state");
static_assert(sizeof(SHA512_CTX) <= sizeof(struct sha512), "struct sha512 holds the library's state");
static_assert(_Alignof(SHA256_CTX) <= _Alignof(struct sha256), "and lies as it has to");
static_assert(_Alignof(SHA512_CTX) <= _Alignof(struct sha512), "and lies as it has to");

static SHA256_CTX *of_256(struct sha256 *sha)
{
    return (SHA256_CTX *)(void *)sha;
}

static SHA512_CTX *of_512(struct sha512 *sha)
{
    return (SHA512_CTX *)(void *)sha;
}

void sha256_init(struct sha256 *sha)
{
    SHA256_Init(of_256(sha));
}

void sha256_add(struct sha256 *sha, const void *bytes, size_t len)
{
    SHA256_Update(of_256(sha), bytes, len);
}

void sha256_end(struct sha256 *sha, uint8_t digest[SHA256_SIZE])
{
    SHA256_Final(digest, of_256(sha));
}

void sha384_init(struct sha512 *sha)
{
    SHA384_Init(of_512(sha));
}

void sha512_init(struct sha512 *sha)
{
    SHA512_Init(of_512(sha));
}

void sha512_add(struct sha512 *sha, const void *bytes, size_t len)
{
    SHA512_Update(of_512(sha), bytes, len);
}

void sha512_end(struct sha512 *sha, uint8_t *digest)
{
    SHA512_Final(digest, of_512(sha)); /* the state knows how much of it */
}

bool sha2_is_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
