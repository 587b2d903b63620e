/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One event base, one event per check in flight, one timer for all.
 *
 * A check rests in the heap of starts; when it is due it becomes a flight (flight.h), which rests in the heap
 * of deadlines. Descriptors are the scarce thing: when as many checks are in flight as the process can
 * afford, the others stay in the heap of starts, in order. */
#include "config.h"

#include "probe/engine.h"

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "probe/engine_inside.h"
#include "probe/flight.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/resource.h>

enum {
    BATCH = 64,              /* starts between two looks at the sockets */
    RESERVED_FDS = 256,      /* for the rest of the process; a quarter of the limit if that is less */
    LOG_EVERY_US = 60000000, /* the same complaint at most this often */
};

/* ---- what is due ---- */

static bool is_log_due(int64_t *logged_us, int64_t at_us)
{
    if (*logged_us != -1 && at_us - *logged_us < LOG_EVERY_US) {
        return false;
    }
    *logged_us = at_us;
    return true;
}

/* For the check whose start is next? */
static bool is_full(const struct engine *engine, const struct timer_slot *start)
{
    uint32_t most = engine->caps.limits.in_flight;
    bool needs_room = check_get_kind(((const struct check *)start->timer)->ask->type)->shared == NULL;
    return (needs_room && !engine_has_room(engine)) ||
           (most != 0 && atomic_load_explicit(&engine->counters.in_flight, memory_order_relaxed) >= most);
}

/* What the kinds share is looked at once for all that expire, which may end some of them. */
static void look_at_shared(struct engine *engine)
{
    for (int i = 0; i < PROBE_TYPES; i++) {
        const struct check_shared *shared = check_get_kind((enum probe_type)i)->shared;
        if (engine->shared[i] != NULL && shared->look != NULL) {
            shared->look(engine->shared[i]);
        }
    }
}

static void expire_flights(struct engine *engine, int64_t at_us)
{
    const struct timer_slot *first = timer_heap_find_first(&engine->deadlines);
    if (first != NULL && first->at_us <= at_us && engine->shared_count != 0) {
        look_at_shared(engine);
    }
    while ((first = timer_heap_find_first(&engine->deadlines)) != NULL && first->at_us <= at_us) {
        flight_expire((struct flight *)first->timer, at_us);
    }
}

static void note_full(struct engine *engine, int64_t at_us)
{
    if (engine_has_room(engine) || !is_log_due(&engine->full_logged_us, at_us)) {
        return;
    }
    size_t waiting = 0;
    for (size_t i = 0; i < engine->starts.count; i++) {
        waiting += engine->starts.slots[i].at_us <= at_us;
    }
    log_warning("probe checks wait waiting=%zu in_flight=%zu limit=%zu "
                "why=\"the limit of open files (ulimit -n) is too low for the checks that are due\"",
                waiting, engine->deadlines.count, engine->flight_limit);
}

/* Returns true if more is due than one batch. */
static bool start_due(struct engine *engine, int64_t at_us)
{
    const struct timer_slot *first;
    for (int i = 0; (first = timer_heap_find_first(&engine->starts)) != NULL && first->at_us <= at_us; i++) {
        engine->is_held = is_full(engine, first);
        if (engine->is_held) {
            note_full(engine, at_us);
            return false;
        }
        if (caps_find_start(&engine->caps, at_us) > at_us) {
            return false;
        }
        if (i == BATCH) {
            return true;
        }
        struct check *check = (struct check *)first->timer;
        timer_heap_remove(&engine->starts, &check->timer);
        flight_start(engine, check, engine_now_us(engine));
    }
    return false;
}

static int64_t find_next_wake(const struct engine *engine)
{
    const struct timer_slot *deadline = timer_heap_find_first(&engine->deadlines);
    const struct timer_slot *start = timer_heap_find_first(&engine->starts);
    int64_t wake_us = deadline == NULL ? PACE_NEVER : deadline->at_us;
    if (start != NULL && !is_full(engine, start)) {
        int64_t start_us = caps_find_start(&engine->caps, start->at_us);
        wake_us = start_us < wake_us ? start_us : wake_us;
    }
    int64_t tick_us = engine->ran_us + TICK_US;
    return wake_us < tick_us ? tick_us : wake_us;
}

static void note_stall(struct engine *engine)
{
    int64_t lost_us = engine->pace.lost_us - engine->told_lost_us;
    engine->told_lost_us = engine->pace.lost_us;
    engine_count(&engine->counters.stalled_us, (uint64_t)lost_us);
    if (lost_us != 0 && is_log_due(&engine->stall_logged_us, clock_now_us(&engine->clock))) {
        log_warning("probe stalled for_ms=%lld why=\"the process did not run in time\"",
                    (long long)(lost_us / MS));
    }
}

static void arm(struct engine *engine)
{
    if (engine->wake_us == PACE_NEVER || engine->wake_us == engine->armed_us) {
        return;
    }
    int64_t left_us = engine->wake_us - engine_now_us(engine);
    left_us = left_us < 0 ? 0 : left_us;
    struct timeval left = {.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};
    evtimer_add(engine->timer, &left);
    engine->armed_us = engine->wake_us;
}

static void sleep_until_wake(struct engine *engine)
{
    arm(engine);
    pace_sleep(&engine->pace, engine->wake_us);
    event_base_loop(engine->base, EVLOOP_ONCE);
}

bool engine_run(struct engine *engine)
{
    bool more = false;
    int64_t at_us = engine_now_us(engine);
    engine_count(&engine->counters.turns, 1);
    note_stall(engine);
    listed_hurry(engine);
    if (at_us >= engine->wake_us) {
        expire_flights(engine, at_us);
        more = start_due(engine, at_us);
        engine->ran_us = at_us;
    }
    engine->wake_us = more || engine->hurry_left != 0 ? at_us : find_next_wake(engine);
    engine->woken = false;
    sleep_until_wake(engine);
    return engine->woken;
}

void engine_set_limits(struct engine *engine, const struct probe_limits *limits)
{
    listed_leave_lines(engine);
    engine->caps.limits = *limits;
    engine->wake_us = 0;
}

/* ---- life ---- */

static size_t find_flight_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur > UINT32_MAX) {
        return UINT32_MAX;
    }
    size_t reserved = limit.rlim_cur / 4 < RESERVED_FDS ? limit.rlim_cur / 4 : RESERVED_FDS;
    size_t left = limit.rlim_cur - reserved;
    return left == 0 ? 1 : left;
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    ((struct engine *)context)->woken = true;
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    ((struct engine *)context)->armed_us = 0; /* to wake up was all */
}

static struct event_base *open_base(void)
{
    struct event_config *config = event_config_new();
    if (config == NULL) {
        return NULL;
    }
    /* Without precise timers libevent reads a clock that may be 4 ms late. No locks: one thread owns the
     * base. */
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER | EVENT_BASE_FLAG_NOLOCK);
    event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_O1);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

int engine_open(const struct probe_hooks *hooks, int wake_fd, struct engine **engine)
{
    struct engine *e = memory_alloc(sizeof *e);
    e->hooks = *hooks;
    e->flight_limit = find_flight_limit();
    e->full_logged_us = e->stall_logged_us = -1;
    e->targets = targets_new(0, NULL, 0);
    clock_init(&e->clock);
    pace_init(&e->pace);
    random_init(&e->random, random_seed());
    caps_init(&e->caps);
    runner_init(&e->runner, hooks->runner);
    timer_heap_init(&e->starts);
    timer_heap_init(&e->deadlines);
    e->base = open_base();
    if (e->base != NULL) {
        e->timer = evtimer_new(e->base, on_timer, e);
        e->wake = event_new(e->base, wake_fd, EV_READ | EV_PERSIST, on_wake, e);
    }
    if (e->timer == NULL || e->wake == NULL || event_add(e->wake, NULL) != 0) {
        engine_close(e);
        return ERROR_LIBRARY;
    }
    *engine = e;
    return 0;
}

void engine_close(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    listed_drop(engine);
    const struct timer_slot *first;
    while ((first = timer_heap_find_first(&engine->deadlines)) != NULL) { /* those that leave */
        flight_free((struct flight *)first->timer);
    }
    for (int i = 0; i < PROBE_TYPES; i++) {
        if (engine->shared[i] != NULL) {
            check_get_kind((enum probe_type)i)->shared->close(engine->shared[i]);
        }
    }
    runner_fini(&engine->runner);
    caps_fini(&engine->caps);
    timer_heap_fini(&engine->starts);
    timer_heap_fini(&engine->deadlines);
    if (engine->timer != NULL) {
        event_free(engine->timer);
    }
    if (engine->wake != NULL) {
        event_free(engine->wake);
    }
    if (engine->base != NULL) {
        event_base_free(engine->base);
    }
    free(engine);
}

bool engine_is_busy(const struct engine *engine)
{
    return engine->deadlines.count != 0;
}

static uint64_t look(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void engine_get_stats(const struct engine *engine, struct probe_stats *stats)
{
    stats->started = look(&engine->counters.started);
    stats->targets = look(&engine->counters.targets);
    stats->checks = look(&engine->counters.checks);
    stats->in_flight = look(&engine->counters.in_flight);
    stats->resting = look(&engine->counters.resting);
    stats->late_us = look(&engine->counters.late_us);
    stats->stalled_us = look(&engine->counters.stalled_us);
    stats->turns = look(&engine->counters.turns);
    for (int i = 0; i < PROBE_LATE_BUCKETS; i++) {
        stats->late[i] = look(&engine->counters.late[i]);
    }
    for (int i = 0; i < HEALTH_OUTCOME_COUNT; i++) {
        stats->ended[i] = look(&engine->counters.ended[i]);
    }
    trouble_look(&engine->trouble, stats);
}
