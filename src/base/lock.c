/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See lock.h. What is measured belongs to whoever has the lock. */
#include "config.h"

#include "base/lock.h"

#include "base/clock.h"

#include <string.h>
#include <time.h>

void lock_init(struct lock *lock)
{
    memset(lock, 0, sizeof *lock);
    pthread_mutex_init(&lock->mutex, NULL);
}

void lock_fini(struct lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
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
    spans_note(&lock->stats.waited, now_ns - begun_ns, now_ns);
    lock->since_ns = now_ns;
}

void lock_leave(struct lock *lock)
{
    uint64_t now_ns = clock_machine_ns();
    spans_note(&lock->stats.held, now_ns - lock->since_ns, now_ns);
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
    *stats = lock->stats;
    pthread_mutex_unlock(&lock->mutex);
}
