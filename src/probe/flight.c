/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See flight.h. One event per socket, and the time-out in the heap of deadlines. */
#include "config.h"

#include "probe/flight.h"

#include "base/memory.h"
#include "probe/engine_inside.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void close_socket(struct flight *flight)
{
    if (flight->event != NULL) {
        event_free(flight->event);
        flight->event = NULL;
    }
    if (flight->fd != -1 && flight->is_stream) {
        check_reset(flight->fd);
    } else if (flight->fd != -1) {
        (void)close(flight->fd);
    }
    flight->fd = -1;
}

void flight_free(struct flight *flight)
{
    timer_heap_remove(&flight->engine->deadlines, &flight->timer);
    engine_may_start(flight->engine); /* there is a descriptor more */
    if (flight->kind->close != NULL) {
        flight->kind->close(flight);
    }
    flight->engine->shared_count -= flight->shared != NULL;
    close_socket(flight);
    free(flight);
}

/* It is under way no more, as far as limits go: others may start. */
static void has_landed(struct flight *flight)
{
    struct engine *engine = flight->engine;
    struct check *next = caps_leave(&engine->caps, flight->place);
    flight->place = NULL;
    engine_count(&engine->counters.in_flight, (uint64_t)-1);
    if (next != NULL) {
        engine_plan(engine, next);
    }
    engine_may_start(engine);
}

void flight_drop(struct flight *flight)
{
    has_landed(flight);
    flight_free(flight);
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
    flight_free(flight);
}

/* It waits for us: for the next request, or the first one, of a version that is not the one that we want. */
static bool is_ours_to_close(const struct flight *flight, enum health_outcome outcome)
{
    return flight->kind->closes_first || flight->h2 != NULL || flight->check->ask->keeps ||
           outcome == HEALTH_OUTCOME_NO_H2 || check_is_distrusted(outcome);
}

/* What answered, or took the connection, is left on good terms; there is as much time for that as there was
 * for the check. */
static void let_go(struct flight *flight, const struct check_end *end)
{
    if (!flight->is_stream || !check_is_answered(end->outcome) || flight->event == NULL) {
        flight_drop(flight);
        return;
    }
    has_landed(flight);
    if (is_ours_to_close(flight, end->outcome)) {
        (void)shutdown(flight->fd, SHUT_WR);
    }
    flight->stage = FLIGHT_LEAVING;
    flight->left = CHECK_LEAVE_MAX;
    flight->check = NULL;
    leave(flight);
}

/* ---- connections that rest ---- */

static void count_rests(struct engine *engine, bool one_more)
{
    engine->rest_count += one_more ? 1 : (size_t)-1;
    atomic_store_explicit(&engine->counters.resting, engine->rest_count, memory_order_relaxed);
}

/* Those that rest leave room for those that do not. */
static bool rest(struct engine *engine, struct flight *flight, enum health_outcome outcome)
{
    struct check *check = flight->check;
    const struct check_keeper *keeper = flight->kind->keeper;
    if (!check->ask->keeps || keeper == NULL || outcome != HEALTH_OUTCOME_OK || flight->event == NULL ||
        engine->rest_count >= engine->flight_limit / 2 || !keeper->can_rest(flight)) {
        return false;
    }
    has_landed(flight);
    count_rests(engine, true);
    timer_heap_remove(&engine->deadlines, &flight->timer);
    flight->stage = FLIGHT_RESTING;
    check->rest = flight;
    return true;
}

void flight_end_rest(struct check *check)
{
    struct flight *flight = check->rest;
    if (flight == NULL) {
        return;
    }
    check->rest = NULL;
    count_rests(flight->engine, false);
    if (flight->kind->ended != NULL) {
        flight->kind->ended(flight);
    }
    event_del(flight->event);
    close(flight->fd);
    flight->fd = -1;
    flight_free(flight);
}

/* The connection of the check before, if it is of use. */
static struct flight *wake(struct engine *engine, struct check *check)
{
    struct flight *flight = check->rest;
    if (flight == NULL) {
        return NULL;
    }
    if (!addr_equal(&flight->addr, &check->at.addr) ||
        !flight->kind->keeper->renew(flight, engine_wall_s(engine))) {
        flight_end_rest(check);
        return NULL;
    }
    check->rest = NULL;
    count_rests(engine, false);
    flight->stage = FLIGHT_WAITING;
    flight->is_again = true;
    flight->sent = 0;
    flight->end = (struct check_end){.detail = 0};
    return flight;
}

/* ---- the end ---- */

/* To all who asked. Returns whether a verdict of them hangs on the next result. */
static bool tell(struct engine *engine, const struct check *check, struct probe_result *result)
{
    const uint32_t *members = &engine->targets->members[check->first_member];
    bool hangs = false;
    for (uint32_t i = 0; i < check->member_count; i++) {
        result->target = members[i];
        result->identity = engine->targets->identities[members[i]];
        hangs |= engine->hooks.ended(engine->hooks.context, result);
    }
    return hangs;
}

/* Sooner if a verdict hangs on it, later if it has failed for long; else as planned when it started. What
 * could not be made is no result, and would not go better sooner. */
static void plan_next(struct engine *engine, struct check *check, int64_t started_us,
                      enum health_outcome outcome, bool hangs)
{
    const struct schedule_pace pace = {.interval_us = (int64_t)check->ask->interval_ms * MS,
                                       .recheck_us = (int64_t)check->ask->recheck_ms * MS,
                                       .back_off_us = (int64_t)check->ask->back_off_ms * MS};
    const struct schedule_end end = {.started_us = started_us,
                                     .at_us = engine_now_us(engine),
                                     .next_us = check->next_us,
                                     .failed = health_outcome_is_failure(outcome),
                                     .hangs = hangs};
    if (outcome != HEALTH_OUTCOME_LOCAL_ERROR) {
        check->next_us = schedule_end(&check->schedule, &pace, &end);
    }
}

static void end_check(struct flight *flight, struct check_end end)
{
    struct engine *engine = flight->engine;
    struct check *check = flight->check;
    const struct check_own *own = check_get_own(check);
    int64_t at_us = engine_now_us(engine), started_us = flight->started_us;
    struct probe_result result = {
        .generation = engine->targets->generation,
        .outcome = end.outcome,
        .detail = end.detail,
        .duration_us = end.duration_us != 0 ? end.duration_us : (uint32_t)(at_us - flight->started_us),
        .next_in_us = check->next_us - at_us,
        .has_load = end.has_load,
        .load = end.load,
        .told = end.told,
        .text = end.outcome == HEALTH_OUTCOME_UNRESOLVED ? NULL : own->said,
        .certificate_s = own->tls == NULL ? 0 : own->tls->end_s,
    };
    bool rests = rest(engine, flight, end.outcome);
    if (!rests && flight->kind->ended != NULL) {
        flight->kind->ended(flight);
    }
    if (end.outcome == HEALTH_OUTCOME_LOCAL_ERROR && end.cause == PROBE_CAUSE_NONE) {
        end.cause = PROBE_CAUSE_OTHER;
    }
    if (end.cause != check->cause || end.cause != PROBE_CAUSE_NONE) {
        trouble_note(&engine->trouble, (enum probe_cause)check->cause, end.cause, &check->at,
                     engine_now_us(engine));
        check->cause = (uint8_t)end.cause;
    }
    check->flight = NULL;
    if (!rests) {
        let_go(flight, &end);
    }
    engine_count(&engine->counters.ended[result.outcome], 1);
    bool hangs = tell(engine, check, &result);
    plan_next(engine, check, started_us, result.outcome, hangs);
    engine_plan(engine, check);
}

/* To all who asked. */
static void trace(const struct flight *flight, enum probe_step step, const void *bytes, size_t len)
{
    struct engine *engine = flight->engine;
    const struct check *check = flight->check;
    for (uint32_t i = 0; i < check->member_count; i++) {
        engine->hooks.traced(
            engine->hooks.context,
            &(struct probe_trace){.target = engine->targets->members[check->first_member + i],
                                  .step = step,
                                  .at_us = (uint32_t)(engine_now_us(engine) - flight->started_us),
                                  .bytes = bytes,
                                  .len = len});
    }
}

static void trace_connect(const struct flight *flight)
{
    char text[ADDR_TEXT_SIZE];
    addr_write_place(&flight->check->at, text);
    flight_trace(flight, PROBE_STEP_CONNECT, text, strlen(text));
}

/* For the first time since it is? */
static void trace_connected(struct flight *flight)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof at, local_len = sizeof at;
    struct addr_port local;
    char text[ADDR_TEXT_SIZE];
    if (!flight->is_stream || getpeername(flight->fd, (struct sockaddr *)&at, &len) == -1 ||
        getsockname(flight->fd, (struct sockaddr *)&at, &local_len) == -1) {
        return;
    }
    addr_from_sockaddr((struct sockaddr *)&at, &local);
    addr_write_port(&local, text);
    flight_trace(flight, PROBE_STEP_CONNECTED, text, strlen(text));
    flight->is_connected = true;
}

static void on_socket(evutil_socket_t fd, short what, void *context);

/* Edge-triggered, both directions at once: one epoll_ctl() per check, and none when it turns from writing to
 * reading. Also reports what happened before the socket was added. */
static int watch(struct engine *engine, struct flight *flight)
{
    flight->event =
        event_new(engine->base, flight->fd, EV_READ | EV_WRITE | EV_ET | EV_PERSIST, on_socket, flight);
    return flight->event != NULL && event_add(flight->event, NULL) == 0 ? 0 : -ENOMEM;
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

static int open_fresh(struct flight *flight)
{
    flight->addr = flight->check->at.addr;
    flight->wall_s = check_get_own(flight->check)->tls == NULL ? 0 : engine_wall_s(flight->engine);
    if (flight->traced != NULL && !flight->kind->has_own_way) {
        trace_connect(flight);
    }
    return flight->kind->open(flight);
}

/* In the heap of deadlines, for what comes first. */
static void arm(struct flight *flight)
{
    bool is_woken = flight->again_us != 0 && flight->again_us < flight->deadline_us;
    timer_heap_remove(&flight->engine->deadlines, &flight->timer);
    timer_heap_add(&flight->engine->deadlines, &flight->timer,
                   is_woken ? flight->again_us : flight->deadline_us);
}

static enum check_progress open_anew(struct flight *flight)
{
    close_socket(flight);
    flight->is_again = flight->is_connected = false;
    flight->stage = FLIGHT_CONNECTING;
    flight->sent = flight->sent_head = 0;
    int error = open_fresh(flight);
    error = error == 0 || error == -EINPROGRESS ? watch(flight->engine, flight) : error;
    if (error != 0) {
        end_check(flight, judge_start(-error));
        return CHECK_ENDED;
    }
    return CHECK_GOES_ON;
}

/* A connection that was closed while it rested says nothing of the endpoint: the same once more, anew. */
static enum check_progress ask_anew(struct flight *flight)
{
    flight->kind->close(flight);
    return open_anew(flight);
}

static bool is_stale(const struct flight *flight, const struct check_end *end)
{
    return flight->is_again && !flight->kind->keeper->has_heard(flight) &&
           (end->outcome == HEALTH_OUTCOME_CLOSED || end->outcome == HEALTH_OUTCOME_RESET ||
            end->outcome == HEALTH_OUTCOME_GOAWAY || end->is_unasked);
}

static enum check_progress follow(struct flight *flight, enum check_progress progress,
                                  const struct check_end *end)
{
    switch (progress) {
    case CHECK_GOES_ON: break;
    case CHECK_TURNS: return open_anew(flight);
    case CHECK_ENDED:
        if (is_stale(flight, end)) {
            return ask_anew(flight);
        }
        end_check(flight, *end);
        break;
    }
    return progress;
}

/* The head of the PROXY protocol, before all else and once for each connection: who checks speaks for itself,
 * which is LOCAL of version 2, and UNKNOWN of version 1, which has no better word for it (sections 2.1, 2.2).
 * 0: it is said; or a positive errno. */
static int say_head(struct flight *flight)
{
    static const char heads[][17] = {"PROXY UNKNOWN\r\n", "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"};
    static const size_t lens[] = {15, 16};
    unsigned version = flight->check->ask->proxy;
    while (version != 0 && !flight->is_again && flight->sent_head < lens[version - 1]) {
        const char *rest = heads[version - 1] + flight->sent_head;
        ssize_t n = send(flight->fd, rest, lens[version - 1] - flight->sent_head, MSG_NOSIGNAL);
        if (n == -1) {
            return errno;
        }
        flight_trace(flight, PROBE_STEP_SENT, rest, (size_t)n);
        flight->sent_head += (uint32_t)n;
    }
    return 0;
}

static enum check_progress advance(struct flight *flight, bool readable)
{
    struct check_end end = {.detail = 0};
    if (flight->traced != NULL && !flight->is_connected) {
        trace_connected(flight);
    }
    int error = say_head(flight);
    if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR) {
        return CHECK_GOES_ON;
    }
    if (error != 0) {
        end.outcome = check_judge_errno(error, flight->stage);
        return follow(flight, CHECK_ENDED, &end);
    }
    return follow(flight, flight->kind->advance(flight, readable, &flight->engine->scratch, &end), &end);
}

static void on_socket(evutil_socket_t fd, short what, void *context)
{
    struct flight *flight = context;
    (void)fd;
    if (flight->stage == FLIGHT_LEAVING) {
        leave(flight);
    } else if (flight->stage == FLIGHT_RESTING) {
        if (!flight->kind->keeper->is_quiet(flight)) {
            flight_end_rest(flight->check);
        }
    } else {
        advance(flight, (what & EV_READ) != 0);
    }
}

/* The next of several addresses; false: there is none. */
static bool find_turn(struct check *check)
{
    const struct check_turns *turns = check_get_own(check)->turns;
    if (turns != NULL && turns->address_count != 0) {
        check->at.addr = turns->addresses[turns->turn % turns->address_count];
    }
    return turns == NULL || turns->address_count != 0;
}

const uint32_t probe_late_bounds_ms[PROBE_LATE_BUCKETS - 1] = {1,   2,   5,   10,   20,   50,
                                                               100, 200, 500, 1000, 2000, 5000};

static void note_late(struct engine *engine, int64_t late_us)
{
    int i = 0;
    late_us = late_us < 0 ? 0 : late_us;
    while (i < PROBE_LATE_BUCKETS - 1 && late_us > (int64_t)probe_late_bounds_ms[i] * MS) {
        i++;
    }
    engine_count(&engine->counters.late[i], 1);
    engine_count(&engine->counters.late_us, (uint64_t)late_us);
}

static void begin(struct flight *flight, struct caps_address *place, int64_t at_us)
{
    struct engine *engine = flight->engine;
    struct check *check = flight->check;
    flight->started_us = at_us;
    flight->place = place;
    check->flight = flight;
    note_late(engine, at_us - check->next_us);
    caps_spend(&engine->caps, at_us);
    check->next_us =
        schedule_next(&check->schedule, at_us, (int64_t)check->ask->interval_ms * MS, &engine->random);
    flight->deadline_us = at_us + (int64_t)check->ask->timeout_ms * MS;
    flight->again_us = 0;
    flight->dice = random_next(&engine->random);
    timer_heap_add(&engine->deadlines, &flight->timer, flight->deadline_us);
    engine_count(&engine->counters.started, 1);
    engine_count(&engine->counters.in_flight, 1);
}

/* From what its kind shares. */
static void on_heard(void *context, const void *bytes, size_t len)
{
    struct flight *flight = context;
    if (bytes != NULL) {
        flight_trace(flight, PROBE_STEP_RECEIVED, bytes, len);
    }
    (void)advance(flight, true);
}

static struct flight *make_flight(struct engine *engine, struct check *check)
{
    const struct check_kind *kind = check_get_kind(check->ask->type);
    struct flight *flight = memory_alloc(sizeof *flight);
    *flight = (struct flight){.check = check, .kind = kind, .engine = engine, .fd = -1};
    flight->traced = engine->hooks.traced == NULL ? NULL : trace;
    if (kind->shared != NULL && engine->shared[check->ask->type] == NULL) {
        engine->shared[check->ask->type] = kind->shared->open(engine, on_heard);
    }
    flight->shared = engine->shared[check->ask->type];
    engine->shared_count += flight->shared != NULL;
    return flight;
}

/* Returns false if it has to wait in line. */
static bool find_place(struct engine *engine, struct check *check, struct caps_address **place)
{
    if (check_get_kind(check->ask->type)->asks_nobody) {
        return true;
    }
    return check->ask->type == PROBE_EXEC ? caps_enter_command(&engine->caps, check, place)
                                          : caps_enter(&engine->caps, &check->at.addr, check, place);
}

void flight_start(struct engine *engine, struct check *check, int64_t at_us)
{
    struct caps_address *place = NULL;
    bool has_address = find_turn(check) || check_get_kind(check->ask->type)->asks_nobody;
    if (has_address && !find_place(engine, check, &place)) {
        return;
    }
    if (check_get_own(check)->turns != NULL) {
        check->own->turns->turn++;
    }
    struct flight *flight = has_address ? wake(engine, check) : NULL;
    if (flight == NULL) {
        flight = make_flight(engine, check);
    }
    begin(flight, place, at_us);
    if (!has_address) {
        end_check(flight, (struct check_end){.outcome = HEALTH_OUTCOME_UNRESOLVED});
        return;
    }
    int error = flight->is_again ? 0 : open_fresh(flight);
    if (error == 0 && advance(flight, false) == CHECK_ENDED) {
        return;
    }
    if ((error == 0 || error == -EINPROGRESS) && flight->event == NULL && flight->shared == NULL) {
        error = watch(engine, flight);
    }
    if (error != 0) {
        end_check(flight, judge_start(-error));
    } else if (flight->again_us != 0) {
        arm(flight);
    }
}

static struct check_end judge_late(struct flight *flight)
{
    struct check_end end = {.outcome = HEALTH_OUTCOME_TIMEOUT};
    switch (flight->stage) {
    case FLIGHT_CONNECTING: end.outcome = HEALTH_OUTCOME_CONNECT_TIMEOUT; break;
    case FLIGHT_SHAKING: end.outcome = HEALTH_OUTCOME_TLS_TIMEOUT; break;
    case FLIGHT_WAITING:
    case FLIGHT_RESTING:
    case FLIGHT_LEAVING: break;
    case FLIGHT_JUDGED: return flight->end;
    }
    if (flight->kind->judge_late != NULL && flight->kind->judge_late(flight, &end)) {
        return end;
    }
    /* The way that it took when it began may be gone: nobody hears us then. */
    enum probe_cause cause = trouble_find_cause(check_find_way(&flight->check->at));
    bool is_known = cause != PROBE_CAUSE_DESCRIPTORS && cause != PROBE_CAUSE_MEMORY; /* else nobody looked */
    if (cause != PROBE_CAUSE_NONE && is_known) {
        end = (struct check_end){.outcome = HEALTH_OUTCOME_LOCAL_ERROR, .cause = cause};
    }
    return end;
}

static void call_again(struct flight *flight)
{
    struct check_end end = {.detail = 0};
    flight->again_us = 0;
    if (follow(flight, flight->kind->wake(flight, &flight->engine->scratch, &end), &end) == CHECK_GOES_ON) {
        arm(flight);
    }
}

void flight_expire(struct flight *flight, int64_t at_us)
{
    if (flight->stage == FLIGHT_LEAVING) {
        flight_free(flight);
        return;
    }
    if (at_us < flight->deadline_us) { /* which is later than when it was armed, perhaps */
        flight->again_us != 0 ? call_again(flight) : arm(flight);
        return;
    }
    /* A last look: what already waits in the socket is not late because the prober is. */
    if (advance(flight, true) == CHECK_GOES_ON) {
        end_check(flight, judge_late(flight));
    }
}
