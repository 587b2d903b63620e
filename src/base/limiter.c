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
#include "base/sanitizer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ATTEMPTS = 3, CULPRITS = 128, CULPRIT_WAYS = 4 };

#define SLIP_ONE ((uint64_t)1 << LIMITER_TIME_BITS)

struct culprit {
    _Atomic uint64_t who;
    _Atomic uint32_t count;
};

struct limiter {
    struct limiter_table table; /* its sets lie in `memory` */
    void *memory;
    _Atomic uint32_t references;
    struct culprit culprits[CULPRITS];
};

struct limiter *limiter_new(size_t buckets)
{
    struct limiter *limiter = memory_alloc(sizeof *limiter);
    size_t sets = 1;
    while (sets * LIMITER_WAYS < buckets) {
        sets *= 2;
    }
    random_make_secret(limiter->table.secrets, sizeof limiter->table.secrets);
    limiter->table.secrets[2] |= 1; /* a factor */
    limiter->table.mask = sets - 1;
    /* zeroed by the system page by page as it is used; a set shall not lie across two cache lines */
    limiter->memory = memory_alloc((sets + 1) * sizeof *limiter->table.sets);
    limiter->table.sets =
        (struct limiter_set *)(((uintptr_t)limiter->memory + sizeof(struct limiter_set) - 1) &
                               ~(uintptr_t)(sizeof(struct limiter_set) - 1));
    const unsigned char *from = limiter->memory, *begin = (const void *)limiter->table.sets,
                        *end = (const void *)(limiter->table.sets + sets);
    sanitizer_poison(from, (size_t)(begin - from)); /* what the alignment leaves over */
    sanitizer_poison(end, (size_t)(from + (sets + 1) * sizeof *limiter->table.sets - end));
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
    return (limiter->table.mask + 1) * LIMITER_WAYS;
}

/* The bucket that makes place for another key: the one that is least in debt. */
static __attribute__((noinline)) _Atomic uint64_t *find_place(struct limiter_set *set, uint64_t now_us,
                                                              uint64_t depth_us)
{
    unsigned best = 0;
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < LIMITER_WAYS; i++) {
        uint64_t lead = limiter_lead(limiter_load(&set->buckets[i]), now_us, depth_us);
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
    uint64_t counted = (old & LIMITER_SLIP_MASK) + SLIP_ONE;
    *changed = (old & ~LIMITER_SLIP_MASK) | (counted >= slip * SLIP_ONE ? 0 : counted);
    return (old & LIMITER_SLIP_MASK) == 0 ? LIMITER_SLIP : LIMITER_DROP;
}

static inline bool has_tag(uint64_t word, uint64_t hash)
{
    return (word ^ hash) >> LIMITER_TAG_SHIFT == 0;
}

enum limiter_verdict limiter_take(struct limiter *limiter, const struct limiter_rate *rate, uint64_t who,
                                  uint64_t what, uint64_t now_us)
{
    uint64_t interval_us = rate->interval_us, depth_us = rate->depth_us;
    if (interval_us == 0) {
        return LIMITER_PASS;
    }
    uint64_t hash = limiter_hash(&limiter->table, who, what);
    _Atomic uint64_t *bucket = limiter_find(&limiter->table, hash);
    if (bucket == NULL) {
        bucket = find_place(&limiter->table.sets[hash & limiter->table.mask], now_us, depth_us);
    }
    for (unsigned i = 0;; i++) {
        uint64_t old = limiter_load(bucket), changed;
        uint64_t lead = has_tag(old, hash) ? limiter_lead(old, now_us, depth_us) : 0;
        enum limiter_verdict verdict = LIMITER_PASS;
        if (lead + interval_us <= depth_us) {
            changed = limiter_advance(old, hash, lead, now_us, interval_us);
        } else {
            verdict = refuse(old, rate->slip, &changed);
        }
        if (atomic_compare_exchange_strong_explicit(bucket, &old, changed, memory_order_relaxed,
                                                    memory_order_relaxed) ||
            i == ATTEMPTS) {
            return verdict;
        }
    }
}

/* ---- who it was ---- */

static uint32_t load_count(const struct culprit *culprit)
{
    return atomic_load_explicit(&culprit->count, memory_order_relaxed);
}

static void store_count(struct culprit *culprit, uint32_t count)
{
    atomic_store_explicit(&culprit->count, count, memory_order_relaxed);
}

/* Frequent items after Misra and Gries, set by set: whoever has more than a fifth of the blame in a set of
 * four is in it, however many others there are. Threads may lose each other's votes, which changes nothing
 * for a flood. */
void limiter_blame(struct limiter *limiter, uint64_t who)
{
    uint64_t at =
        limiter_fold(who ^ limiter->table.secrets[0], limiter->table.secrets[2]) % (CULPRITS / CULPRIT_WAYS);
    struct culprit *set = &limiter->culprits[at * CULPRIT_WAYS], *free_place = NULL;
    for (unsigned i = 0; i < CULPRIT_WAYS; i++) {
        uint32_t count = load_count(&set[i]);
        if (count == 0) {
            free_place = &set[i];
        } else if (limiter_load(&set[i].who) == who) {
            store_count(&set[i], count + (count != UINT32_MAX));
            return;
        }
    }
    if (free_place != NULL) {
        atomic_store_explicit(&free_place->who, who, memory_order_relaxed);
        store_count(free_place, 1);
        return;
    }
    for (unsigned i = 0; i < CULPRIT_WAYS; i++) {
        uint32_t count = load_count(&set[i]);
        store_count(&set[i], count - (count != 0));
    }
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
    for (size_t i = 0; i < CULPRITS; i++) {
        struct culprit *culprit = &limiter->culprits[i];
        struct limiter_culprit item = {.who = limiter_load(&culprit->who)};
        item.count = atomic_exchange_explicit(&culprit->count, 0, memory_order_relaxed);
        len = item.count != 0 ? insert(culprits, len, max, item) : len;
    }
    return len;
}
