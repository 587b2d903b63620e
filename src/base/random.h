/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A fast generator for picks and jitter (xoroshiro128++ by Blackman and Vigna, public domain algorithm): two
 * words, because more of them do not stay in registers where queries are answered. One per thread; not for
 * secrets, which random_make_secret() makes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t s[2];
};

void random_init(struct random *r, uint64_t seed); /* the same seed gives the same numbers */
uint64_t random_seed(void);                        /* from the kernel */
void random_make_secret(void *bytes, size_t len);  /* from the kernel, for keys; waits for its pool at boot */

static inline uint64_t random_rotate(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static inline uint64_t random_next(struct random *r)
{
    uint64_t first = r->s[0], both = r->s[1] ^ first;
    uint64_t result = random_rotate(first + r->s[1], 17) + first;
    r->s[0] = random_rotate(first, 49) ^ both ^ both << 21;
    r->s[1] = random_rotate(both, 28);
    return result;
}

/* Below n (n > 0), by multiplication: the bias is below 2^-32 for n < 2^32. */
static inline uint64_t random_below(struct random *r, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)random_next(r) * n) >> 64);
}
