/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A bucket is one word: 20 bits of the key's hash, 4 bits that count what is over the limit, and 40 bits of
 * time: when the bucket will be full again (the "theoretical arrival time" of the generic cell rate
 * algorithm, ITU-T I.371). An event passes if that lies no more than depth ahead, and then moves it on by one
 * interval. One compare-and-swap per event; a thread that loses it three times in a row has decided rightly
 * all the same, only its event is not counted.
 *
 * The 40 bits turn round after 12 days: a time too far ahead to be true is that of a bucket that nobody used
 * since, and counts as full. */
#include "config.h"

#include "base/limiter.h"

#include "base/memory.h"
#include "base/random.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 4, TIME_BITS = 40, TAG_SHIFT = 44, SLACK_US = 1000000, ATTEMPTS = 3, CULPRITS = 64 };

#define TIME_MASK (((uint64_t)1 << TIME_BITS) - 1)
#define SLIP_ONE  ((uint64_t)1 << TIME_BITS)
#define SLIP_MASK ((uint64_t)15 << TIME_BITS)

struct set {
    _Atomic uint64_t buckets[WAYS];
} __attribute__((aligned(32)));

struct culprit {
    _Atomic uint64_t who;
    _Atomic uint32_t count;
};

struct limiter {
    uint64_t secrets[3];
    uint64_t mask;    /* sets - 1 */
    struct set *sets; /* in `memory` */
    void *memory;
    _Atomic uint32_t references;
    struct culprit culprits[LIMITER_GROUPS][CULPRITS];
};

struct limiter *limiter_new(size_t buckets)
{
    struct limiter *limiter = memory_alloc(sizeof *limiter);
    size_t sets = 1;
    while (sets * WAYS < buckets) {
        sets *= 2;
    }
    random_make_secret(limiter->secrets, sizeof limiter->secrets);
    limiter->mask = sets - 1;
    /* zeroed by the system page by page as it is used; a set shall not lie across two cache lines */
    limiter->memory = memory_alloc((sets + 1) * sizeof *limiter->sets);
    limiter->sets = (struct set *)(((uintptr_t)limiter->memory + sizeof(struct set) - 1) &
                                   ~(uintptr_t)(sizeof(struct set) - 1));
    atomic_init(&limiter->references, 1);
    return limiter;
}

void limiter_hold(struct limiter *limiter)
{
    atomic_fetch_add_explicit(&limiter->references, 1, memory_order_relaxed);
}

void limiter_release(struct limiter *limiter)
{
    if (limiter != NULL && atomic_fetch_sub_explicit(&limiter->references, 1, memory_order_acq_rel) == 1) {
        free(limiter->memory);
        free(limiter);
    }
}

size_t limiter_size(const struct limiter *limiter)
{
    return (limiter->mask + 1) * WAYS;
}

static inline uint64_t load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* Both halves of the product, folded: every bit of a and b reaches every bit. */
static inline uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_key(const struct limiter *limiter, const struct limiter_key *key)
{
    uint64_t hash = fold(key->who ^ limiter->secrets[0], key->what ^ limiter->secrets[1]);
    return fold(hash ^ key->kind, limiter->secrets[2] | 1);
}

/* How far ahead of now the bucket's time is. */
static inline uint64_t lead_of(uint64_t word, uint64_t now_us, uint64_t depth_us)
{
    uint64_t lead = (word - now_us) & TIME_MASK;
    return lead <= depth_us + SLACK_US ? lead : 0;
}

static inline bool has_tag(uint64_t word, uint64_t hash)
{
    return (word ^ hash) >> TAG_SHIFT == 0;
}

/* The key's bucket, or the one that makes place for it. */
static _Atomic uint64_t *find_bucket(struct limiter *limiter, uint64_t hash, uint64_t now_us,
                                     uint64_t depth_us)
{
    struct set *set = &limiter->sets[hash & limiter->mask];
    for (unsigned i = 0; i < WAYS; i++) {
        if (has_tag(load(&set->buckets[i]), hash)) {
            return &set->buckets[i];
        }
    }
    unsigned best = 0;
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < WAYS; i++) {
        uint64_t lead = lead_of(load(&set->buckets[i]), now_us, depth_us);
        best = lead < least ? i : best;
        least = lead < least ? lead : least;
    }
    return &set->buckets[best];
}

/* A bucket that is over the limit counts it, round and round. */
static inline enum limiter_verdict refuse(uint64_t old, unsigned slip, uint64_t *changed)
{
    if (slip == 0) {
        *changed = old;
        return LIMITER_DROP;
    }
    uint64_t counted = (old & SLIP_MASK) + SLIP_ONE;
    *changed = (old & ~SLIP_MASK) | (counted >= slip * SLIP_ONE ? 0 : counted);
    return (old & SLIP_MASK) == 0 ? LIMITER_SLIP : LIMITER_DROP;
}

enum limiter_verdict limiter_take(struct limiter *limiter, const struct limiter_key *key,
                                  const struct limiter_rate *rate, uint64_t now_us)
{
    if (rate->interval_us == 0) {
        return LIMITER_PASS;
    }
    uint64_t hash = hash_key(limiter, key), tag = hash >> TAG_SHIFT << TAG_SHIFT;
    _Atomic uint64_t *bucket = find_bucket(limiter, hash, now_us, rate->depth_us);
    uint64_t old = load(bucket), changed;
    enum limiter_verdict verdict = LIMITER_PASS;
    for (unsigned i = 0; i < ATTEMPTS; i++) {
        uint64_t lead = has_tag(old, hash) ? lead_of(old, now_us, rate->depth_us) : 0;
        if (lead + rate->interval_us <= rate->depth_us) {
            uint64_t slips = lead != 0 ? old & SLIP_MASK : 0;
            verdict = LIMITER_PASS;
            changed = tag | slips | ((now_us + lead + rate->interval_us) & TIME_MASK);
        } else {
            verdict = refuse(old, rate->slip, &changed);
        }
        if (changed == old || atomic_compare_exchange_weak_explicit(
                                  bucket, &old, changed, memory_order_relaxed, memory_order_relaxed)) {
            break;
        }
    }
    return verdict;
}

/* ---- who it was ---- */

/* A majority vote (Boyer and Moore) per place: whoever is blamed more often than all others there together
 * ends up in it. Threads may lose each other's votes, which changes nothing for a flood. */
void limiter_blame(struct limiter *limiter, uint32_t group, uint64_t who)
{
    uint64_t at = fold(who ^ limiter->secrets[0], limiter->secrets[2] | 1) % CULPRITS;
    struct culprit *culprit = &limiter->culprits[group][at];
    uint32_t count = atomic_load_explicit(&culprit->count, memory_order_relaxed);
    if (count == 0) {
        atomic_store_explicit(&culprit->who, who, memory_order_relaxed);
        count = 1;
    } else if (load(&culprit->who) == who) {
        count += count != UINT32_MAX;
    } else {
        count--;
    }
    atomic_store_explicit(&culprit->count, count, memory_order_relaxed);
}

/* Into the list, which is sorted and full at max. Returns its new length. */
static size_t insert(struct limiter_culprit *list, size_t len, size_t max, struct limiter_culprit item)
{
    size_t at = len;
    while (at > 0 && list[at - 1].count < item.count) {
        at--;
    }
    if (at == max) {
        return len;
    }
    len += len < max;
    memmove(list + at + 1, list + at, (len - at - 1) * sizeof *list);
    list[at] = item;
    return len;
}

size_t limiter_list_culprits(struct limiter *limiter, struct limiter_culprit *culprits, size_t max)
{
    size_t len = 0;
    for (uint32_t group = 0; group < LIMITER_GROUPS; group++) {
        for (size_t i = 0; i < CULPRITS; i++) {
            struct culprit *culprit = &limiter->culprits[group][i];
            struct limiter_culprit item = {.who = load(&culprit->who), .group = group};
            item.count = atomic_exchange_explicit(&culprit->count, 0, memory_order_relaxed);
            len = item.count != 0 ? insert(culprits, len, max, item) : len;
        }
    }
    return len;
}
