/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How far a long computation is, and whether anybody still wants it. The thread that computes counts and
 * polls; another one looks and cancels. A computation takes a pointer that may be NULL (nobody looks), polls
 * in its outer loops, so every millisecond or so, and returns ERROR_CANCELLED when it is told to stop. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct progress {
    const struct progress *whole; /* of which it is a part: cancelled with it; NULL: it is none */
    _Atomic bool cancelled;
    _Atomic size_t done, of; /* steps; `of` grows as more of them become known. 0: not known */
};

/* From any thread. */
static inline void progress_cancel(struct progress *progress)
{
    atomic_store_explicit(&progress->cancelled, true, memory_order_relaxed);
}

static inline bool progress_is_cancelled(const struct progress *progress)
{
    return progress != NULL && (atomic_load_explicit(&progress->cancelled, memory_order_relaxed) ||
                                (progress->whole != NULL &&
                                 atomic_load_explicit(&progress->whole->cancelled, memory_order_relaxed)));
}

/* So many more steps are to be made. */
static inline void progress_expect(struct progress *progress, size_t steps)
{
    if (progress != NULL) {
        atomic_fetch_add_explicit(&progress->of, steps, memory_order_relaxed);
    }
}

/* So many were made. Returns whether to go on. */
static inline bool progress_step(struct progress *progress, size_t steps)
{
    if (progress != NULL) {
        atomic_fetch_add_explicit(&progress->done, steps, memory_order_relaxed);
    }
    return !progress_is_cancelled(progress);
}
