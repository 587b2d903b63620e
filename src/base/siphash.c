/* SPDX-License-Identifier: BSD-3-Clause
 *
 * SipHash-2-4, from its paper: two rounds per eight octets, four at the end. */
#include "config.h"

#include "base/siphash.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static uint64_t read_le(const uint8_t *bytes, size_t len)
{
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

static void mix(struct state *s, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        s->v0 += s->v1;
        s->v2 += s->v3;
        s->v1 = rotate(s->v1, 13) ^ s->v0;
        s->v3 = rotate(s->v3, 16) ^ s->v2;
        s->v0 = rotate(s->v0, 32);
        s->v2 += s->v1;
        s->v0 += s->v3;
        s->v1 = rotate(s->v1, 17) ^ s->v2;
        s->v3 = rotate(s->v3, 21) ^ s->v0;
        s->v2 = rotate(s->v2, 32);
    }
}

static void absorb(struct state *s, uint64_t word)
{
    s->v3 ^= word;
    mix(s, 2);
    s->v0 ^= word;
}

void siphash_24(const uint8_t key[SIPHASH_KEY_SIZE], const uint8_t *bytes, size_t len,
                uint8_t hash[SIPHASH_SIZE])
{
    uint64_t k0 = read_le(key, 8), k1 = read_le(key + 8, 8);
    struct state s = {.v0 = k0 ^ 0x736f6d6570736575u,
                      .v1 = k1 ^ 0x646f72616e646f6du,
                      .v2 = k0 ^ 0x6c7967656e657261u,
                      .v3 = k1 ^ 0x7465646279746573u};
    size_t whole = len & ~(size_t)7;
    for (size_t at = 0; at < whole; at += 8) {
        absorb(&s, read_le(bytes + at, 8));
    }
    absorb(&s, read_le(bytes + whole, len - whole) | (uint64_t)len << 56);
    s.v2 ^= 0xff;
    mix(&s, 4);
    uint64_t result = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
    for (unsigned i = 0; i < SIPHASH_SIZE; i++) {
        hash[i] = (uint8_t)(result >> (8 * i));
    }
}
