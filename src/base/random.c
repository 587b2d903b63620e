/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Seeding of the generator in random.h by splitmix64. */
#include "config.h"

#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>
#include <time.h>

void random_init(struct random *r, uint64_t seed)
{
    for (int i = 0; i < 2; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        r->s[i] = z ^ (z >> 31);
    }
}

uint64_t random_seed(void)
{
    uint64_t seed = 0;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
        seed = (uint64_t)time(NULL); /* early boot: picks are not secrets */
    }
    return seed;
}

void random_make_secret(void *bytes, size_t len)
{
    ssize_t got;
    assert(len <= 256); /* so much comes at once or not at all, getrandom(2) */
    do {
        got = getrandom(bytes, len, 0);
    } while (got == -1 && errno == EINTR);
    assert(got == (ssize_t)len);
}
