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

#include <stddef.h>
#include <stdint.h>

struct limiter;

struct limiter_key {
    uint64_t who, what; /* anything */
    uint32_t kind;
};

/* In the long run one event per interval. A bucket that was left alone takes depth / interval at once. */
struct limiter_rate {
    uint32_t interval_us; /* 0: any number of events */
    uint32_t depth_us;    /* at least interval_us, at most a minute */
    uint8_t
        slip; /* of the events over the limit the first, and every slip-th after it, slips; 0..15, 0: none */
};

enum limiter_verdict { LIMITER_PASS, LIMITER_SLIP, LIMITER_DROP };

/* With room for so many buckets, rounded up to a power of two. Returns owned: one reference. */
struct limiter *limiter_new(size_t buckets);
void limiter_hold(struct limiter *limiter);
void limiter_release(struct limiter *limiter);      /* frees with the last reference; NULL is fine */
size_t limiter_size(const struct limiter *limiter); /* buckets */

/* One event now. What does not pass costs nothing: however many come, one per interval passes. */
enum limiter_verdict limiter_take(struct limiter *limiter, const struct limiter_key *key,
                                  const struct limiter_rate *rate, uint64_t now_us);

/* ---- who it was ---- */

enum { LIMITER_GROUPS = 2 };

struct limiter_culprit {
    uint64_t who;
    uint32_t group; /* below LIMITER_GROUPS; the same `who` in another group is somebody else */
    uint32_t count; /* at most how often it was blamed: others may have hidden some of it */
};

void limiter_blame(struct limiter *limiter, uint32_t group, uint64_t who);
/* Those that were blamed most since the last call, most first. Returns how many. For one thread. */
size_t limiter_list_culprits(struct limiter *limiter, struct limiter_culprit *culprits, size_t max);
