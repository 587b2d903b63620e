/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What every DNS thread has, UDP or TCP. Filled before the thread starts, then owned by it; the stop flag is
 * written by serve_close() and the counters are read by anybody. */
#pragma once

#include "answer/answer.h"
#include "answer/challenge.h"
#include "answer/shadow.h"
#include "answer/tap.h"
#include "base/clock.h"
#include "base/random.h"
#include "view/view.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>

struct worker {
    struct view_slot *slot;
    struct answer_counters *counters; /* written by this thread only */
    const atomic_bool *stop;
    const atomic_bool *is_withdrawn;                /* of the server: nobody is to ask here */
    size_t index;                                   /* of the thread: its cache in the view */
    struct answer_tap *tap;                         /* borrowed; NULL: nobody is told of answers */
    struct sights *sights;                          /* written by this thread only; NULL: none */
    const struct answer_shadow_slot *shadows;       /* borrowed; NULL: there are no drills */
    const struct answer_challenge_slot *challenges; /* likewise */
    struct answer_aside aside;                      /* of the batch */
    struct random random;
};

static inline uint64_t worker_generation(const struct view *view)
{
    return atomic_load_explicit(&view->table->generation, memory_order_relaxed);
}

/* For the answers of one batch: the thread is online to the view. */
static inline struct answer_context worker_context(struct worker *worker, const struct view *view)
{
    assert(view != NULL && worker->index < view->cache_count);
    const bool is_guarded = __builtin_expect(view->guards != 0, 0);
    uint64_t now_ms = clock_coarse_wall_ms();
    worker->aside = (struct answer_aside){.shadows = answer_read_shadows(worker->shadows),
                                          .challenges = answer_read_challenges(worker->challenges)};
    const bool is_aside = worker->aside.shadows != NULL || worker->aside.challenges != NULL;
    const uint32_t now_s = (uint32_t)(now_ms / 1000);
    return (struct answer_context){
        .view = view,
        .table = view->table,
        .cache = view->caches[worker->index],
        .random = &worker->random,
        .counters = worker->counters,
        .sights = worker->sights,
        .below = worker->sights == NULL ? 0 : sights_get_below(worker->sights),
        .moment = worker->sights == NULL ? 0 : sights_get_moment(now_s, worker_generation(view)),
        .now_ms = now_ms,
        .now_s = now_s,
        .now_us = is_guarded ? clock_coarse_now_us() : 0,
        .tap = worker->tap,
        .aside = is_aside ? &worker->aside : NULL,
        .thread = (uint32_t)worker->index,
        .received_ns = is_guarded && (view->guards & VIEW_GUARD_TAP) != 0 ? clock_precise_wall_ns() : 0};
}

/* Single writer: a load and a store are enough, and cheaper than an atomic addition. */
static inline void worker_count(struct worker *worker, enum answer_counter counter, uint64_t n)
{
    _Atomic uint64_t *value = &worker->counters->values[counter];
    atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + n, memory_order_relaxed);
}
