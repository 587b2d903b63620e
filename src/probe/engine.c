/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One event base, one event per check in flight, one timer for all.
 *
 * A check rests in the heap of starts; when it is due it becomes a flight, which rests in the heap of
 * deadlines until its socket says something or its time is up. end_check() is the only way out. The flight of
 * an endpoint that answered leaves on good terms then: it reads on until the other side closes, so that
 * nobody's log says that a connection was reset. Descriptors are the scarce thing: when as many checks are in
 * flight as the process can afford, the others stay in the heap of starts, in order. */
#include "config.h"

#include "probe/engine.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/error.h"
#include "probe/trouble.h"

#include <errno.h>
#include <event2/event.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MS = 1000,
    TICK_US = 1000,          /* what is due within one tick starts together: far fewer wake-ups under load */
    BATCH = 64,              /* starts between two looks at the sockets */
    RESERVED_FDS = 256,      /* for the rest of the process; a quarter of the limit if that is less */
    LOG_EVERY_US = 60000000, /* the same complaint at most this often */
};

struct counters {
    _Atomic uint64_t started, ended[HEALTH_OUTCOME_COUNT], targets, in_flight;
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
    size_t flight_limit;
    int64_t ran_us;   /* when the heaps were last looked at */
    int64_t wake_us;  /* when they have to be looked at again */
    int64_t armed_us; /* what the timer is set to; 0: it is not */
    bool woken;       /* wake_fd has become readable */
    int64_t full_logged_us, stall_logged_us;
    struct counters counters;
    struct trouble trouble;
    struct check_scratch scratch;
};

/* Only the owner writes, so no locked instruction is needed. */
static void count(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + value,
                          memory_order_relaxed);
}

static int64_t now_us(struct engine *engine)
{
    return pace_now(&engine->pace, clock_now_us(&engine->clock));
}

/* ---- one check ---- */

static void free_flight(struct engine *engine, struct flight *flight)
{
    timer_heap_remove(&engine->deadlines, &flight->timer);
    if (flight->event != NULL) {
        event_free(flight->event);
    }
    if (flight->fd != -1) {
        check_reset(flight->fd);
    }
    free(flight);
}

static void release_flight(struct engine *engine, struct flight *flight)
{
    count(&engine->counters.in_flight, (uint64_t)-1);
    free_flight(engine, flight);
}

static void leave(struct flight *flight)
{
    enum check_leave how = check_leave(flight->fd, &flight->left);
    if (how == CHECK_LEAVING) {
        return;
    }
    if (how == CHECK_LEFT) {
        event_del(flight->event);
        close(flight->fd);
        flight->fd = -1;
    }
    free_flight(flight->engine, flight);
}

/* What answered, or took the connection, is left on good terms; there is as much time for that as there was
 * for the check. */
static void let_go(struct engine *engine, struct flight *flight, const struct check_end *end)
{
    bool has_answered = end->outcome == HEALTH_OUTCOME_OK || end->outcome == HEALTH_OUTCOME_BAD_STATUS;
    if (!has_answered || flight->event == NULL) {
        release_flight(engine, flight);
        return;
    }
    count(&engine->counters.in_flight, (uint64_t)-1);
    if (check_get_kind(flight->check->type)->closes_first) {
        (void)shutdown(flight->fd, SHUT_WR);
    }
    flight->stage = FLIGHT_LEAVING;
    flight->left = CHECK_LEAVE_MAX;
    flight->check = NULL;
    leave(flight);
}

static void end_check(struct flight *flight, struct check_end end)
{
    struct engine *engine = flight->engine;
    struct check *check = flight->check;
    struct probe_result result = {
        .generation = engine->targets->generation,
        .target = (uint32_t)(check - engine->targets->checks),
        .identity = check->identity,
        .outcome = end.outcome,
        .detail = end.detail,
        .duration_us = (uint32_t)(now_us(engine) - flight->started_us),
        .has_load = end.has_load,
        .load = end.load,
    };
    if (end.outcome == HEALTH_OUTCOME_LOCAL_ERROR && end.cause == PROBE_CAUSE_NONE) {
        end.cause = PROBE_CAUSE_OTHER;
    }
    if (end.cause != check->cause || end.cause != PROBE_CAUSE_NONE) {
        trouble_note(&engine->trouble, check->cause, end.cause, &check->at, now_us(engine));
        check->cause = end.cause;
    }
    check->flight = NULL;
    let_go(engine, flight, &end);
    timer_heap_add(&engine->starts, &check->timer, check->next_us);
    count(&engine->counters.ended[result.outcome], 1);
    engine->hooks.ended(engine->hooks.context, &result);
}

static enum check_progress advance(struct flight *flight, bool readable)
{
    struct check_end end = {.detail = 0};
    const struct check_kind *kind = check_get_kind(flight->check->type);
    enum check_progress progress = kind->advance(flight, readable, &flight->engine->scratch, &end);
    if (progress == CHECK_ENDED) {
        end_check(flight, end);
    }
    return progress;
}

static void on_socket(evutil_socket_t fd, short what, void *context)
{
    struct flight *flight = context;
    (void)fd;
    if (flight->stage == FLIGHT_LEAVING) {
        leave(flight);
    } else {
        advance(flight, (what & EV_READ) != 0);
    }
}

/* Edge-triggered, both directions at once: one epoll_ctl() per check, and none when it turns from writing to
 * reading. Also reports what happened before the socket was added. */
static int watch(struct engine *engine, struct flight *flight)
{
    flight->event =
        event_new(engine->base, flight->fd, EV_READ | EV_WRITE | EV_ET | EV_PERSIST, on_socket, flight);
    return flight->event != NULL && event_add(flight->event, NULL) == 0 ? 0 : -ENOMEM;
}

/* The next of several addresses. */
static bool take_turn(struct check *check)
{
    if (check->address_count == 0) {
        return false;
    }
    check->at.addr = check->addresses[check->turn++ % check->address_count];
    return true;
}

/* What failed before anything was sent. */
static struct check_end judge_start(int error)
{
    enum probe_cause cause = trouble_find_cause(error);
    return (struct check_end){.outcome = cause == PROBE_CAUSE_NONE
                                             ? check_judge_errno(error, FLIGHT_CONNECTING)
                                             : HEALTH_OUTCOME_LOCAL_ERROR,
                              .cause = cause};
}

static void start_check(struct engine *engine, struct check *check, int64_t at_us)
{
    struct flight *flight = memory_alloc(sizeof *flight);
    *flight = (struct flight){.check = check, .engine = engine, .started_us = at_us, .fd = -1};
    http_response_init(&flight->response);
    check->flight = flight;
    check->next_us =
        schedule_next(&check->schedule, at_us, (int64_t)check->interval_ms * MS, &engine->random);
    timer_heap_add(&engine->deadlines, &flight->timer, at_us + (int64_t)check->timeout_ms * MS);
    count(&engine->counters.started, 1);
    count(&engine->counters.in_flight, 1);
    if (check->in_turn && !take_turn(check)) {
        end_check(flight, (struct check_end){.outcome = HEALTH_OUTCOME_UNRESOLVED});
        return;
    }
    int error = check_connect(check, &flight->fd);
    if (error == 0 && advance(flight, false) == CHECK_ENDED) {
        return;
    }
    if (error == 0 || error == -EINPROGRESS) {
        error = watch(engine, flight);
    }
    if (error != 0) {
        end_check(flight, judge_start(-error));
    }
}

/* ---- what is due ---- */

static bool is_log_due(int64_t *logged_us, int64_t at_us)
{
    if (*logged_us != -1 && at_us - *logged_us < LOG_EVERY_US) {
        return false;
    }
    *logged_us = at_us;
    return true;
}

static bool is_full(const struct engine *engine)
{
    return engine->deadlines.count >= engine->flight_limit;
}

static struct check_end judge_late(const struct flight *flight)
{
    struct check_end end = {.outcome = HEALTH_OUTCOME_TIMEOUT};
    switch (flight->stage) {
    case FLIGHT_CONNECTING: end.outcome = HEALTH_OUTCOME_CONNECT_TIMEOUT; break;
    case FLIGHT_WAITING:
    case FLIGHT_LEAVING: break;
    case FLIGHT_JUDGED: return flight->end;
    }
    /* The way that it took when it began may be gone: nobody hears us then. */
    enum probe_cause cause = trouble_find_cause(check_find_way(&flight->check->at));
    if (cause == PROBE_CAUSE_NO_ROUTE || cause == PROBE_CAUSE_LINK_DOWN || cause == PROBE_CAUSE_NO_ADDRESS) {
        end = (struct check_end){.outcome = HEALTH_OUTCOME_LOCAL_ERROR, .cause = cause};
    }
    return end;
}

static void expire_flights(struct engine *engine, int64_t at_us)
{
    const struct timer_slot *first;
    while ((first = timer_heap_find_first(&engine->deadlines)) != NULL && first->at_us <= at_us) {
        struct flight *flight = (struct flight *)first->timer;
        /* A flight that ends leaves the heap before it is freed, which the analyser does not follow. */
        if (flight->stage == FLIGHT_LEAVING) { // NOLINT(clang-analyzer-unix.Malloc)
            free_flight(engine, flight);
            continue;
        }
        /* A last look: what already waits in the socket is not late because the prober is. */
        if (advance(flight, true) == CHECK_GOES_ON) { // NOLINT(clang-analyzer-unix.Malloc)
            end_check(flight, judge_late(flight));
        }
    }
}

static void note_full(struct engine *engine, int64_t at_us)
{
    if (!is_log_due(&engine->full_logged_us, at_us)) {
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
        if (is_full(engine)) {
            note_full(engine, at_us);
            return false;
        }
        if (i == BATCH) {
            return true;
        }
        struct check *check = (struct check *)first->timer;
        timer_heap_remove(&engine->starts, &check->timer);
        start_check(engine, check, now_us(engine));
    }
    return false;
}

static int64_t find_next_wake(const struct engine *engine)
{
    const struct timer_slot *deadline = timer_heap_find_first(&engine->deadlines);
    const struct timer_slot *start = is_full(engine) ? NULL : timer_heap_find_first(&engine->starts);
    int64_t wake_us = deadline == NULL ? PACE_NEVER : deadline->at_us;
    if (start != NULL && start->at_us < wake_us) {
        wake_us = start->at_us;
    }
    int64_t tick_us = engine->ran_us + TICK_US;
    return wake_us < tick_us ? tick_us : wake_us;
}

static void note_stall(struct engine *engine, int64_t lost_us)
{
    if (is_log_due(&engine->stall_logged_us, clock_now_us(&engine->clock))) {
        log_warning("probe stalled for_ms=%lld why=\"the process did not run in time\"",
                    (long long)(lost_us / MS));
    }
}

static void arm(struct engine *engine)
{
    if (engine->wake_us == PACE_NEVER || engine->wake_us == engine->armed_us) {
        return;
    }
    int64_t left_us = engine->wake_us - now_us(engine);
    left_us = left_us < 0 ? 0 : left_us;
    struct timeval left = {.tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000};
    evtimer_add(engine->timer, &left);
    engine->armed_us = engine->wake_us;
}

static void sleep_until_wake(struct engine *engine)
{
    int64_t lost_us = engine->pace.lost_us;
    arm(engine);
    pace_sleep(&engine->pace, engine->wake_us);
    event_base_loop(engine->base, EVLOOP_ONCE);
    if (engine->pace.lost_us != lost_us) {
        note_stall(engine, engine->pace.lost_us - lost_us);
    }
}

bool engine_run(struct engine *engine)
{
    bool more = false;
    int64_t at_us = now_us(engine);
    if (at_us >= engine->wake_us) {
        expire_flights(engine, at_us);
        more = start_due(engine, at_us);
        engine->ran_us = at_us;
    }
    engine->wake_us = more ? at_us : find_next_wake(engine);
    engine->woken = false;
    sleep_until_wake(engine);
    return engine->woken;
}

/* ---- the list ---- */

static size_t carry_what_stays(struct engine *engine, struct targets *targets, int64_t at_us)
{
    size_t fresh = 0;
    for (size_t i = 0; i < targets->count; i++) {
        struct check *check = &targets->checks[i], *from = targets_find_same(engine->targets, check);
        if (from != NULL) {
            targets_carry(from, check, at_us);
        }
        fresh += check->next_us == 0 && !check->idle;
    }
    return fresh;
}

static void plan_first(struct check *check, int64_t at_us, size_t nth, size_t of)
{
    schedule_init(&check->schedule, at_us, (int64_t)check->interval_ms * MS, nth, of);
    check->next_us = check->schedule.grid_us;
}

/* Number `nth` and so on of those that are new, in the order in which they begin. Returns the next number. */
static size_t plan_fresh(struct targets *targets, bool is_first, size_t nth, size_t fresh, int64_t at_us)
{
    for (size_t i = 0; i < targets->count; i++) {
        struct check *check = &targets->checks[i];
        if (check->next_us == 0 && !check->idle && check->is_first == is_first) {
            plan_first(check, at_us, nth++, fresh);
        }
    }
    return nth;
}

static void schedule_the_rest(struct engine *engine, struct targets *targets, size_t fresh, int64_t at_us)
{
    size_t nth = plan_fresh(targets, true, 0, fresh, at_us);
    (void)plan_fresh(targets, false, nth, fresh, at_us);
    for (size_t i = 0; i < targets->count; i++) {
        struct check *check = &targets->checks[i];
        if (check->idle) {
            check->next_us = 0; /* to be planned when it is used */
        } else if (check->flight == NULL) {
            timer_heap_add(&engine->starts, &check->timer, check->next_us);
        }
    }
}

static void drop_targets(struct engine *engine)
{
    for (size_t i = 0; i < engine->targets->count; i++) {
        struct check *check = &engine->targets->checks[i];
        if (check->flight != NULL) {
            release_flight(engine, check->flight);
        }
        if (!check->carried) {
            trouble_forget(&engine->trouble, check->cause, now_us(engine));
        }
    }
    targets_free(engine->targets);
}

void engine_replace_targets(struct engine *engine, struct targets *targets)
{
    int64_t at_us = now_us(engine);
    size_t fresh = carry_what_stays(engine, targets, at_us);
    drop_targets(engine);
    timer_heap_clear(&engine->starts);
    schedule_the_rest(engine, targets, fresh, at_us);
    engine->targets = targets;
    engine->wake_us = 0;
    atomic_store_explicit(&engine->counters.targets, targets->count, memory_order_relaxed);
}

/* Returns the check if it is not planned any more, or not yet: NULL where nothing is new. */
static struct check *take_aim(struct engine *engine, const struct probe_aim *aim)
{
    struct check *check = aim->target < engine->targets->count ? &engine->targets->checks[aim->target] : NULL;
    if (check == NULL || !targets_take_aim(check, aim)) {
        return NULL;
    }
    if (check->flight != NULL) {
        release_flight(engine, check->flight);
        check->flight = NULL;
    }
    timer_heap_remove(&engine->starts, &check->timer);
    check->next_us = check->idle ? 0 : check->next_us;
    return check;
}

void engine_aim(struct engine *engine, uint64_t generation, const struct probe_aim *aims, size_t count)
{
    struct check **taken = memory_alloc_array(count, sizeof *taken);
    size_t taken_count = 0, fresh = 0, nth = 0;
    int64_t at_us = now_us(engine);
    for (size_t i = 0; generation == engine->targets->generation && i < count; i++) {
        taken[taken_count] = take_aim(engine, &aims[i]);
        if (taken[taken_count] != NULL && !taken[taken_count]->idle) {
            fresh += taken[taken_count++]->next_us == 0;
        }
    }
    for (size_t i = 0; i < taken_count; i++) {
        if (taken[i]->next_us == 0) {
            plan_first(taken[i], at_us, nth++, fresh);
        }
        timer_heap_add(&engine->starts, &taken[i]->timer, taken[i]->next_us);
    }
    engine->wake_us = 0;
    free(taken);
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
    drop_targets(engine);
    const struct timer_slot *first;
    while ((first = timer_heap_find_first(&engine->deadlines)) != NULL) { /* those that leave */
        free_flight(engine, (struct flight *)first->timer);
    }
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

static uint64_t look(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void engine_get_stats(const struct engine *engine, struct probe_stats *stats)
{
    stats->started = look(&engine->counters.started);
    stats->targets = look(&engine->counters.targets);
    stats->in_flight = look(&engine->counters.in_flight);
    for (int i = 0; i < HEALTH_OUTCOME_COUNT; i++) {
        stats->ended[i] = look(&engine->counters.ended[i]);
    }
    trouble_look(&engine->trouble, stats);
}
