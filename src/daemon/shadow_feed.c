/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What goes into the private health of drills. All of it in the lock of the server, beside what goes into the
 * machine that serves: so both hear the same in the same order, and nobody waits for one more lock. */
#include "config.h"

#include "daemon/shadow_inside.h"

#include "daemon/server.h"
#include "daemon/targets.h"
#include "base/memory.h"
#include "health/brake.h"
#include "health/lag.h"
#include "health/stay.h"
#include "operate/operate.h"
#include "probe/probe.h"
#include "view/content.h"

#include <stdlib.h>
#include <string.h>

enum { DUES = 32 }; /* that end in one turn at the lock */

/* ---- what happens in there ---- */

static int64_t since_ms(const struct shadow *shadow, int64_t now_us)
{
    return (now_us - shadow->began_us) / 1000;
}

/* Takes the text. With the drill's lock. */
static void add_event(struct shadow *shadow, int64_t now_us, bool is_detail, char *text)
{
    if (shadow->event_count == SHADOW_EVENTS_MAX) {
        shadow->events_left_out++;
        free(text);
        return;
    }
    shadow->events =
        memory_grow(shadow->events, shadow->event_count, &shadow->event_capacity, sizeof *shadow->events);
    shadow->events[shadow->event_count++] =
        (struct drill_event){.at_ms = since_ms(shadow, now_us), .text = text, .is_detail = is_detail};
}

static void wake(struct shadow *shadow)
{
    shadow->has_news = true;
    pthread_cond_signal(&shadow->news);
}

static void hear(void *context, const struct health_change *change)
{
    struct shadow *shadow = context;
    int64_t now_us = clock_now_us(&shadow->all->server->clock);
    bool is_verdict = change->observed_after != change->observed_before;
    const char *what =
        is_verdict ? health_observed_text(change->observed_after) : health_state_text(change->after.state);
    if (is_verdict && change->kind != HEALTH_ENDPOINT &&
        change->observed_after == HEALTH_OBSERVED_UNHEALTHY) {
        what = "lost";
    }
    pthread_mutex_lock(&shadow->lock);
    shadow->times.verdict_us = now_us;
    if (is_verdict || change->after.state != change->before.state) {
        add_event(shadow, now_us, change->kind == HEALTH_ENDPOINT,
                  memory_print("%s %s %s", health_kind_text(change->kind), change->name, what));
    }
    wake(shadow);
    pthread_mutex_unlock(&shadow->lock);
}

static void hear_brake(void *context, const struct health_brake_change *change)
{
    struct shadow *shadow = context;
    int64_t now_us = clock_now_us(&shadow->all->server->clock);
    bool holds = change->turn == HEALTH_BRAKE_ENGAGED;
    pthread_mutex_lock(&shadow->lock);
    add_event(shadow, now_us, false,
              memory_print("the brake %s over %s", holds ? "holds" : "lets go",
                           change->family == 0 ? "IPv4" : "IPv6"));
    wake(shadow);
    pthread_mutex_unlock(&shadow->lock);
}

static void note_failure(struct shadow *shadow, uint32_t endpoint)
{
    int64_t now_us = clock_now_us(&shadow->all->server->clock);
    if (shadow->times.failed_us != 0) { /* nobody else writes it */
        return;
    }
    pthread_mutex_lock(&shadow->lock);
    shadow->times.failed_us = now_us;
    add_event(shadow, now_us, false,
              memory_print("first failed check of %s (%s)",
                           shadow->world->view->topology->endpoints[endpoint].name,
                           health_outcome_text(shadow->failure)));
    pthread_mutex_unlock(&shadow->lock);
}

/* ---- what comes in ---- */

static struct health *health_of(const struct shadow *shadow)
{
    struct health *health = shadow->world->view->health;
    health_follow_time(health, clock_now_ms(&shadow->all->server->clock));
    return health;
}

static bool is_lost(const struct shadow *shadow, uint32_t endpoint)
{
    return shadow->loses && drill_watch_is_lost(shadow->watch, endpoint);
}

static bool takes_its_timeout(const struct shadow *shadow)
{
    return shadow->failure == HEALTH_OUTCOME_TIMEOUT;
}

static const struct conf_check *check_of(const struct view *view, uint32_t monitor)
{
    return &view->topology->checks[view->monitors[monitor].check];
}

static void fail(struct shadow *shadow, uint32_t monitor, uint32_t duration_us)
{
    const struct view *view = shadow->world->view;
    const struct conf_check *check = check_of(view, monitor);
    struct health *health = health_of(shadow);
    const struct clock *clock = &shadow->all->server->clock;
    int64_t wall_ms = clock_wall_ms(clock), took_ms = takes_its_timeout(shadow) ? check->timeout_ms : 0;
    note_failure(shadow, view->monitors[monitor].endpoint);
    health_observe(health, monitor, shadow->failure, wall_ms, duration_us, 0);
    (void)health_follow_brake(health, VIEW_TURN, wall_ms);
    if (targets_hang(view, monitor)) { /* it would be looked at sooner */
        int64_t step_ms = check->recheck_ms > took_ms ? check->recheck_ms : took_ms;
        shadow_add_due(shadow, monitor, clock_now_us(clock) + step_ms * 1000);
    }
}

/* It ended well, and would have failed: now, or when its time is up. */
static void take_lost(struct shadow *shadow, uint32_t monitor, const struct probe_result *result)
{
    int64_t left_us =
        (int64_t)check_of(shadow->world->view, monitor)->timeout_ms * 1000 - result->duration_us;
    if (takes_its_timeout(shadow) && left_us > 0) {
        shadow_add_due(shadow, monitor, clock_now_us(&shadow->all->server->clock) + left_us);
    } else {
        fail(shadow, monitor, result->duration_us);
    }
}

static void take(struct shadow *shadow, uint32_t monitor, const struct probe_result *result, int64_t wall_ms)
{
    struct health *health = health_of(shadow);
    uint32_t endpoint = shadow->world->view->monitors[monitor].endpoint;
    bool lost = is_lost(shadow, endpoint);
    if (lost && shadow->is_due[monitor]) {
        return;
    }
    if (lost && result->outcome == HEALTH_OUTCOME_OK) {
        take_lost(shadow, monitor, result);
        return;
    }
    health_observe(health, monitor, result->outcome, wall_ms, result->duration_us, result->detail);
    if (result->has_load && !lost) {
        const struct health_load_report report = {.load = result->load, .source = HEALTH_LOAD_FROM_CHECK};
        health_report_load(health, endpoint, &report, wall_ms, clock_now_ms(&shadow->all->server->clock));
    }
    (void)health_follow_brake(health, VIEW_TURN, wall_ms);
}

void shadows_take_result(struct shadows *all, uint32_t monitor, const struct probe_result *result,
                         int64_t wall_ms)
{
    for (size_t i = 0; i < all->fed_count; i++) {
        take(all->fed[i], monitor, result, wall_ms);
    }
}

void shadows_take_control(struct shadows *all, uint32_t control, const struct probe_result *result)
{
    for (size_t i = 0; i < all->fed_count; i++) {
        health_observe_control(health_of(all->fed[i]), control, result->outcome);
    }
}

static bool is_lost_by_name(const struct shadow *shadow, const char *endpoint)
{
    ptrdiff_t index = conf_find_endpoint(shadow->world->view->topology, endpoint);
    return index != -1 && is_lost(shadow, (uint32_t)index);
}

/* Who is lost reports nothing. */
void shadows_take_push(struct shadows *all, const char *endpoint, const char *check,
                       const struct health_push *push, int64_t wall_ms)
{
    enum health_push_fate fate;
    for (size_t i = 0; i < all->fed_count; i++) {
        (void)health_of(all->fed[i]);
        if (!is_lost_by_name(all->fed[i], endpoint)) {
            (void)operate_push(all->fed[i]->world->view, endpoint, check, push, wall_ms,
                               clock_now_ms(&all->server->clock), &fate);
        }
    }
}

void shadows_take_load(struct shadows *all, const char *endpoint, const struct health_load_report *report,
                       int64_t wall_ms)
{
    for (size_t i = 0; i < all->fed_count; i++) {
        if (!is_lost_by_name(all->fed[i], endpoint)) {
            (void)operate_put_load(all->fed[i]->world->view, endpoint, report, wall_ms,
                                   clock_now_ms(&all->server->clock));
        }
    }
}

/* ---- time ---- */

static void end_dues(struct shadow *shadow, int64_t now_us)
{
    struct lock *lock = &shadow->all->server->lock;
    for (size_t done = 1; shadow->due_count != 0 && shadow->dues[0].at_us <= now_us; done++) {
        struct shadow_due due = shadow_take_due(shadow);
        fail(shadow, due.monitor, 0);
        if (done % DUES == 0) {
            lock_pass(lock);
        }
    }
}

int64_t shadows_end_dues(struct shadows *all)
{
    struct lock *lock = &all->server->lock;
    int64_t now_us = clock_now_us(&all->server->clock), next_us = INT64_MAX;
    lock_take(lock);
    for (size_t i = 0; i < all->fed_count; i++) {
        struct shadow *shadow = all->fed[i];
        end_dues(shadow, now_us);
        if (shadow->due_count != 0 && shadow->dues[0].at_us < next_us) {
            next_us = shadow->dues[0].at_us;
        }
    }
    lock_leave(lock);
    int64_t left_us = next_us - clock_now_us(&all->server->clock);
    return next_us == INT64_MAX ? -1 : left_us < 0 ? 0 : left_us;
}

static void follow_time(const struct shadow *shadow, int64_t wall_ms)
{
    struct health *health = health_of(shadow);
    int64_t now_ms = clock_now_ms(&shadow->all->server->clock);
    (void)health_follow_turn(health, wall_ms);
    (void)health_follow_stays(health, now_ms, wall_ms);
    (void)health_follow_brake(health, VIEW_TURN, wall_ms);
    health_expire_loads(health, wall_ms, now_ms);
    (void)health_expire_pushes(health, wall_ms, now_ms);
}

void shadows_follow_time(struct shadows *all)
{
    int64_t wall_ms = clock_wall_ms(&all->server->clock);
    lock_take(&all->server->lock);
    for (size_t i = 0; i < all->fed_count; i++) {
        follow_time(all->fed[i], wall_ms);
        lock_pass(&all->server->lock);
    }
    lock_leave(&all->server->lock);
}

void shadows_follow_clock_step(struct shadows *all, int64_t by_ms)
{
    lock_take(&all->server->lock);
    for (size_t i = 0; i < all->fed_count; i++) {
        struct health *health = all->fed[i]->world->view->health;
        size_t done = 0;
        while (health_shift_clock(health, by_ms, &done)) {
            lock_pass(&all->server->lock);
        }
        done = 0;
        while (by_ms < 0 && health_forget_outages(health, &done)) {
            lock_pass(&all->server->lock);
        }
    }
    lock_leave(&all->server->lock);
}

/* ---- what operators order ---- */

/* As far as answers go by it: not who said so, and when. */
static bool is_alike(const struct health_override *a, const struct health_override *b)
{
    return a->desired == b->desired && a->share == b->share && a->starts_ms == b->starts_ms &&
           a->expires_ms == b->expires_ms && a->starts_by_duration == b->starts_by_duration &&
           a->expires_by_duration == b->expires_by_duration && strcmp(a->to, b->to) == 0 &&
           strcmp(a->names, b->names) == 0;
}

static void follow_override(struct shadow *shadow, enum health_kind kind, uint32_t index, int64_t wall_ms)
{
    static const struct health_override none = {.desired = HEALTH_DESIRED_AUTO};
    const struct health *from = shadow->all->server->view->health;
    struct health *to = shadow->world->view->health;
    const struct health_override *is = health_get_override(from, kind, index),
                                 *was = health_get_override(to, kind, index);
    struct health_status status;
    if ((is == NULL) == (was == NULL) && (is == NULL || is_alike(is, was))) {
        return;
    }
    if (was != NULL) {
        (void)health_set_override(to, kind, index, &none, wall_ms);
    }
    if (is != NULL && health_get_status(from, kind, index, &status) == 0) {
        (void)health_restore_override(to, kind, status.name, is, status.planned, wall_ms);
    }
}

void shadow_follow_overrides(struct shadow *shadow)
{
    struct lock *lock = &shadow->all->server->lock;
    int64_t wall_ms = clock_wall_ms(&shadow->all->server->clock);
    size_t done = 0;
    lock_take(lock);
    (void)health_of(shadow);
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        size_t count = health_count(shadow->world->view->health, kind);
        for (uint32_t i = 0; i < count; i++) {
            follow_override(shadow, kind, i, wall_ms);
            if (++done % VIEW_TURN == 0) {
                lock_pass(lock);
            }
        }
    }
    lock_leave(lock);
}

/* ---- from and to ---- */

void shadow_begin_feed(struct shadow *shadow)
{
    struct shadows *all = shadow->all;
    const struct view *view = shadow->world->view;
    shadow->is_due = memory_alloc_array(view->monitor_count, sizeof *shadow->is_due);
    shadow->dues = memory_alloc_array(view->monitor_count, sizeof *shadow->dues);
    shadow->override_changes = health_count_override_changes(all->server->view->health);
    shadow->is_fed = true;
    all->fed[all->fed_count++] = shadow;
}

void shadow_begin_loss(struct shadow *shadow)
{
    shadow->began_us = clock_now_us(&shadow->all->server->clock);
    health_set_listener(shadow->world->view->health,
                        &(struct health_listener){.context = shadow, .changed = hear, .braked = hear_brake});
    shadow->loses = true;
}

void shadow_end_feed(struct shadow *shadow)
{
    struct shadows *all = shadow->all;
    for (size_t i = 0; i < all->fed_count; i++) {
        if (all->fed[i] == shadow) {
            all->fed[i] = all->fed[--all->fed_count];
        }
    }
    shadow->is_fed = false;
    health_set_listener(shadow->world->view->health, &(struct health_listener){.context = NULL});
}
