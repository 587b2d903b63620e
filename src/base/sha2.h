/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SHA-2 (FIPS 180-4) by OpenSSL's libcrypto. A state is a plain value: it may lie on the stack, be copied in
 * the middle and be thrown away; nothing is allocated, nothing fails, and any thread may call. OpenSSL stays
 * inside. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA384_SIZE = 48, SHA512_SIZE = 64 }; /* octets of a digest */
enum { SHA256_BLOCK = 64, SHA512_BLOCK = 128 };                /* what is hashed at a time; 512: 384 too */

struct sha256 {
    uint32_t words[28]; /* private */
};

/* SHA-384 too: it differs in how it begins and how much of the end is told. */
struct sha512 {
    uint64_t words[27]; /* private */
};

void sha256_init(struct sha256 *sha);
void sha256_add(struct sha256 *sha, const void *bytes, size_t len);
void sha256_end(struct sha256 *sha, uint8_t digest[SHA256_SIZE]); /* the state is used up */

void sha384_init(struct sha512 *sha);
void sha512_init(struct sha512 *sha);
void sha512_add(struct sha512 *sha, const void *bytes, size_t len);
/* Writes SHA384_SIZE octets if it was begun so, else SHA512_SIZE. */
void sha512_end(struct sha512 *sha, uint8_t *digest);

/* Takes as long whatever differs: for what somebody may try to guess. */
bool sha2_is_equal(const void *a, const void *b, size_t len);
