/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How often is too often: a table of token buckets, found by key, that all threads of a process use at once
 * without locks. Its size is fixed: where there is no room, the bucket that is least in debt makes place, so
 * that whoever floods stays known. Two keys share a bucket by chance only (about one in 2^18), and nobody
 * without the secret of the table can choose keys that do. Time is an argument, in microseconds of any
 * monotonic clock; threads may be up to a second apart.
 *
 * Who was refused most often is remembered roughly, for people. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limiter;

/* In the long run one event per interval. A bucket that was left alone takes depth / interval at once. */
struct limiter_rate {
    uint32_t interval_us; /* 0: any number of events */
    uint32_t depth_us;    /* at least interval_us, at most a minute */
    /* Of the events over the limit the first slips, and every slip-th after it; 0: none, at most 15. */
    uint8_t slip;
};

enum limiter_verdict { LIMITER_PASS, LIMITER_SLIP, LIMITER_DROP };

/* With room for so many buckets, rounded up to a power of two. Returns owned: one reference. */
struct limiter *limiter_new(size_t buckets);
void limiter_hold(struct limiter *limiter);
void limiter_release(struct limiter *limiter);      /* frees with the last reference; NULL is fine */
size_t limiter_size(const struct limiter *limiter); /* buckets */

/* One event now, of the key that `who` and `what` are together: any two numbers. What does not pass costs
 * nothing: however many come, one per interval passes. */
enum limiter_verdict limiter_take(struct limiter *limiter, const struct limiter_rate *rate, uint64_t who,
                                  uint64_t what, uint64_t now_us);

/* The commonest case of limiter_take() in line: true if the event passes. false: nothing was done yet, call
 * limiter_take(). */
static inline bool limiter_try(struct limiter *limiter, const struct limiter_rate *rate, uint64_t who,
                               uint64_t what, uint64_t now_us);

/* ---- who it was ---- */

struct limiter_culprit {
    uint64_t who;
    uint32_t count; /* at most how often it was blamed: others may have hidden some of it */
};

void limiter_blame(struct limiter *limiter, uint64_t who);
/* Those that were blamed most since the last call, most first. Returns how many. For one thread. */
size_t limiter_list_culprits(struct limiter *limiter, struct limiter_culprit *culprits, size_t max);

/* ---- private: what limiter_try() needs of the table ---- */

enum { LIMITER_WAYS = 4, LIMITER_TIME_BITS = 40, LIMITER_TAG_SHIFT = 44, LIMITER_SLACK_US = 1000000 };

#define LIMITER_TIME_MASK (((uint64_t)1 << LIMITER_TIME_BITS) - 1)
#define LIMITER_SLIP_MASK ((uint64_t)15 << LIMITER_TIME_BITS)
#define LIMITER_TAG_MASK  (UINT64_MAX << LIMITER_TAG_SHIFT)

struct limiter_set {
    _Atomic uint64_t buckets[LIMITER_WAYS];
} __attribute__((aligned(32)));

/* The beginning of struct limiter. */
struct limiter_table {
    uint64_t secrets[3];
    uint64_t mask; /* sets - 1 */
    struct limiter_set *sets;
};

static inline uint64_t limiter_load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* Both halves of the product, folded: every bit of a and b reaches every bit. */
static inline uint64_t limiter_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t limiter_hash(const struct limiter_table *table, uint64_t who, uint64_t what)
{
    return limiter_fold(limiter_fold(who ^ table->secrets[0], what ^ table->secrets[1]), table->secrets[2]);
}

/* The key's bucket; NULL: it has none. */
static inline _Atomic uint64_t *limiter_find(const struct limiter_table *table, uint64_t hash)
{
    _Atomic uint64_t *buckets = table->sets[hash & table->mask].buckets;
    for (unsigned i = 0; i < LIMITER_WAYS; i++) {
        if ((limiter_load(&buckets[i]) ^ hash) >> LIMITER_TAG_SHIFT == 0) {
            return &buckets[i];
        }
    }
    return NULL;
}

/* How far ahead of now the bucket's time is. */
static inline uint64_t limiter_lead(uint64_t word, uint64_t now_us, uint64_t depth_us)
{
    uint64_t lead = (word - now_us) & LIMITER_TIME_MASK;
    return lead <= depth_us + LIMITER_SLACK_US ? lead : 0;
}

/* The bucket after one more event that passes. */
static inline uint64_t limiter_advance(uint64_t word, uint64_t hash, uint64_t lead, uint64_t now_us,
                                       uint64_t interval_us)
{
    uint64_t slips = lead != 0 ? word & LIMITER_SLIP_MASK : 0;
    return (hash & LIMITER_TAG_MASK) | slips | ((now_us + lead + interval_us) & LIMITER_TIME_MASK);
}

static inline bool limiter_try(struct limiter *limiter, const struct limiter_rate *rate, uint64_t who,
                               uint64_t what, uint64_t now_us)
{
    const struct limiter_table *table = (const struct limiter_table *)(const void *)limiter;
    uint64_t hash = limiter_hash(table, who, what), interval_us = rate->interval_us,
             depth_us = rate->depth_us;
    _Atomic uint64_t *bucket = limiter_find(table, hash);
    if (__builtin_expect(bucket == NULL, 0)) {
        return false;
    }
    uint64_t old = limiter_load(bucket), lead = limiter_lead(old, now_us, depth_us);
    return lead + interval_us <= depth_us &&
           atomic_compare_exchange_strong_explicit(bucket, &old,
                                                   limiter_advance(old, hash, lead, now_us, interval_us),
                                                   memory_order_relaxed, memory_order_relaxed);
}
