/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See lock.h. What is measured belongs to whoever has the lock. */
#include "config.h"

#include "base/lock.h"

#include "base/clock.h"

#include <string.h>
#include <time.h>

const uint64_t lock_bounds_ns[LOCK_BUCKETS - 1] = {10000, 100000, 1000000, 10000000, 100000000, 1000000000};

#define MINUTE_NS UINT64_C(60000000000)

void lock_init(struct lock *lock)
{
    memset(lock, 0, sizeof *lock);
    pthread_mutex_init(&lock->mutex, NULL);
}

void lock_fini(struct lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

static void note(struct lock_times *times, uint64_t ns)
{
    unsigned bucket = 0;
    while (bucket < LOCK_BUCKETS - 1 && ns > lock_bounds_ns[bucket]) {
        bucket++;
    }
    times->count++;
    times->sum_ns += ns;
    times->buckets[bucket]++;
    times->longest_ns = ns > times->longest_ns ? ns : times->longest_ns;
    times->recent_ns[0] = ns > times->recent_ns[0] ? ns : times->recent_ns[0];
}

static void turn_minute(struct lock_times *times, uint64_t minutes)
{
    times->recent_ns[1] = minutes == 1 ? times->recent_ns[0] : 0;
    times->recent_ns[0] = 0;
}

static void follow_minutes(struct lock *lock, uint64_t now_ns)
{
    uint64_t minute = now_ns / MINUTE_NS;
    if (minute != lock->minute) {
        turn_minute(&lock->stats.held, minute - lock->minute);
        turn_minute(&lock->stats.waited, minute - lock->minute);
        lock->minute = minute;
    }
}

void lock_take(struct lock *lock)
{
    uint64_t begun_ns = clock_machine_ns(), now_ns = begun_ns;
    if (pthread_mutex_trylock(&lock->mutex) != 0) {
        atomic_fetch_add_explicit(&lock->waiting, 1, memory_order_relaxed);
        pthread_mutex_lock(&lock->mutex);
        atomic_fetch_sub_explicit(&lock->waiting, 1, memory_order_relaxed);
        now_ns = clock_machine_ns();
    }
    follow_minutes(lock, now_ns);
    note(&lock->stats.waited, now_ns - begun_ns);
    lock->since_ns = now_ns;
}

void lock_leave(struct lock *lock)
{
    note(&lock->stats.held, clock_machine_ns() - lock->since_ns);
    pthread_mutex_unlock(&lock->mutex);
}

/* A mutex goes to whoever takes it first, which would be this thread again: those that sleep on it need some
 * time to wake up. If they do not get a processor in all that time, there is nothing to wait for. */
void lock_pass(struct lock *lock)
{
    enum { TRIES = 50, NAP_NS = 20000 };
    lock_leave(lock);
    for (int i = 0; i < TRIES && atomic_load_explicit(&lock->waiting, memory_order_relaxed) != 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = NAP_NS}, NULL);
    }
    lock_take(lock);
}

void lock_get_stats(struct lock *lock, struct lock_stats *stats)
{
    pthread_mutex_lock(&lock->mutex);
    follow_minutes(lock, clock_machine_ns());
    *stats = lock->stats;
    pthread_mutex_unlock(&lock->mutex);
}

uint64_t lock_find_recent(const struct lock_times *times)
{
    return times->recent_ns[0] > times->recent_ns[1] ? times->recent_ns[0] : times->recent_ns[1];
}
