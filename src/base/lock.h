/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A mutex that knows how long it was held and waited for. It is meant to be held for microseconds: whoever
 * works longer takes it in steps, and between them everybody else has a turn. Two readings of the clock per
 * turn are what measuring costs. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* Upper bounds of the histograms: 10 µs, 100 µs, 1 ms, 10 ms, 100 ms, 1 s, and no bound. */
enum { LOCK_BUCKETS = 7 };
extern const uint64_t lock_bounds_ns[LOCK_BUCKETS - 1];

struct lock_times {
    uint64_t count, sum_ns, longest_ns;
    uint64_t buckets[LOCK_BUCKETS];
    uint64_t recent_ns[2]; /* longest of this minute, and of the one before */
};

struct lock_stats {
    struct lock_times held, waited; /* waited: 0 where it was free */
};

struct lock {
    pthread_mutex_t mutex;
    _Atomic uint32_t waiting; /* threads */
    uint64_t since_ns;        /* of whoever has it */
    uint64_t minute;          /* that recent_ns[0] is of */
    struct lock_stats stats;
};

void lock_init(struct lock *lock);
void lock_fini(struct lock *lock);
void lock_take(struct lock *lock);
void lock_leave(struct lock *lock);
/* Between the steps of work that takes long: those that wait have their turn first. */
void lock_pass(struct lock *lock);
void lock_get_stats(struct lock *lock, struct lock_stats *stats); /* not by who has it */
/* The longest of the last one to two minutes. */
uint64_t lock_find_recent(const struct lock_times *times);
