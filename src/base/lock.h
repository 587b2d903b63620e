/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A mutex that knows how long it was held and waited for. It is meant to be held for microseconds: whoever
 * works longer takes it in steps, and between them everybody else has a turn. Two readings of the clock per
 * turn are what measuring costs. */
#pragma once

#include "base/spans.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct lock_stats {
    struct spans held, waited; /* waited: 0 where it was free */
};

struct lock {
    pthread_mutex_t mutex;
    _Atomic uint32_t waiting; /* threads */
    uint64_t since_ns;        /* of whoever has it */
    struct lock_stats stats;
};

void lock_init(struct lock *lock);
void lock_fini(struct lock *lock);
void lock_take(struct lock *lock);
void lock_leave(struct lock *lock);
/* Between the steps of work that takes long: those that wait have their turn first. */
void lock_pass(struct lock *lock);
void lock_get_stats(struct lock *lock, struct lock_stats *stats); /* not by who has it */
