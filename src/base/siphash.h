/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): a keyed hash that nobody
 * without the key can predict. For DNS cookies; hash tables use base/hash.h. Any input is fine. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY_SIZE = 16, SIPHASH_SIZE = 8 };

/* The hash as octets, in the order of the paper (little endian). */
void siphash_24(const uint8_t key[SIPHASH_KEY_SIZE], const uint8_t *bytes, size_t len,
                uint8_t hash[SIPHASH_SIZE]);
