/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the engine's parts share: engine.c goes its rounds and sleeps, listed.c follows the list, flight.c
 * makes one check. Private to them. */
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "probe/caps.h"
#include "probe/engine.h"
#include "probe/runner.h"
#include "probe/trouble.h"

#include <stdatomic.h>

struct event;
struct event_base;

enum {
    MS = 1000,
    TICK_US = 1000, /* what is due within one tick starts together: far fewer wake-ups under load */
};

struct counters {
    _Atomic uint64_t started, ended[HEALTH_OUTCOME_COUNT], targets, checks, in_flight, resting;
    _Atomic uint64_t late[PROBE_LATE_BUCKETS], late_us, stalled_us, turns;
};

struct engine {
    struct event_base *base;
    struct event *timer, *wake;
    struct targets *targets; /* never NULL */
    struct timer_heap starts, deadlines;
    struct pace pace;
    struct clock clock;
    struct random random;
    struct probe_hooks hooks;
    struct caps caps;
    struct runner runner;        /* of commands */
    size_t flight_limit;         /* by descriptors */
    size_t rest_count;           /* connections that rest */
    size_t shared_count;         /* flights without a descriptor of their own */
    void *shared[PROBE_TYPES];   /* what the kinds share; NULL: nothing yet */
    size_t hurry_at, hurry_left; /* of what may be due at once: the next to look at, and how many */
    bool is_held;                /* something that is due waits for a flight to end */
    int64_t ran_us;              /* when the heaps were last looked at */
    int64_t wake_us;             /* when they have to be looked at again */
    int64_t armed_us;            /* what the timer is set to; 0: it is not */
    bool woken;                  /* wake_fd has become readable */
    int64_t told_lost_us;        /* of what the pace has lost */
    int64_t full_logged_us, stall_logged_us;
    struct counters counters;
    struct trouble trouble;
    struct check_scratch scratch;
};

/* Only the owner writes, so no locked instruction is needed. */
static inline void engine_count(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + value,
                          memory_order_relaxed);
}

static inline int64_t engine_now_us(struct engine *engine)
{
    return pace_now(&engine->pace, clock_now_us(&engine->clock));
}

/* By how much the world's time is ahead of clock_boot_ms(), as somebody has said; 0: nobody has. */
static inline int64_t engine_told_ahead_ms(const struct engine *engine)
{
    const _Atomic int64_t *ahead_ms = engine->hooks.ahead_ms;
    return ahead_ms == NULL ? 0 : atomic_load_explicit(ahead_ms, memory_order_relaxed);
}

static inline int64_t engine_ahead_ms(const struct engine *engine)
{
    int64_t told_ms = engine_told_ahead_ms(engine);
    return told_ms != 0 ? told_ms : clock_offset_ms(&engine->clock);
}

/* The world's time, for certificates. */
static inline int64_t engine_wall_s(const struct engine *engine)
{
    int64_t told_ms = engine_told_ahead_ms(engine);
    return (told_ms != 0 ? clock_boot_ms() + told_ms : clock_wall_ms(&engine->clock)) / 1000;
}

/* The check waits for its time, which may have come. */
static inline void engine_plan(struct engine *engine, struct check *check)
{
    timer_heap_add(&engine->starts, &check->timer, check->next_us);
    engine->wake_us = check->next_us < engine->wake_us ? check->next_us : engine->wake_us;
}

/* A flight has ended: what waited for that may go. */
static inline void engine_may_start(struct engine *engine)
{
    int64_t soon_us = engine->ran_us + TICK_US;
    if (engine->is_held && soon_us < engine->wake_us) {
        engine->wake_us = soon_us;
    }
}

/* Room for one that has a descriptor of its own? */
static inline bool engine_has_room(const struct engine *engine)
{
    return engine->deadlines.count - engine->shared_count + engine->rest_count < engine->flight_limit;
}

/* Something has changed that some checks may look at: those that would end in another way are due. They are
 * found in turns. */
static inline void engine_hurry(struct engine *engine)
{
    engine->hurry_left = engine->targets->eager_count;
    engine->wake_us = 0;
}

/* ---- listed.c ---- */

/* A turn of that. */
void listed_hurry(struct engine *engine);

/* All that stand in line for their address wait for their time again, which has come. */
void listed_leave_lines(struct engine *engine);
/* Nothing of the current list is in flight any more, and it is freed. */
void listed_drop(struct engine *engine);
