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
#include "view/hosts.h"

#include <stdlib.h>
#include <string.h>

enum {
    DUES = 32, /* that end in one turn at the lock */
    LAGS_PACE_MS = 1000
};

/* ---- checks ---- */

static const struct conf_check *check_of(const struct view *view, uint32_t monitor)
{
    return &view->topology->checks[view->monitors[monitor].check];
}

static void note_end(struct shadow *shadow, uint32_t monitor, enum health_outcome outcome)
{
    bool is_first = drill_stage_note_check(shadow->stage, monitor, outcome);
    if (is_first && health_outcome_is_failure(outcome)) {
        shadow_note_failed(shadow);
    }
}

/* Its verdict hangs on the next check, and the real prober may not know. */
static void look_again(struct shadow *shadow, uint32_t monitor, uint32_t duration_us)
{
    const struct view *view = shadow->world->view;
    if (!drill_stage_touches(shadow->stage, monitor) || !targets_hang(view, monitor)) {
        return;
    }
    int64_t now_us = clock_now_us(&shadow->all->server->clock),
            at_us = now_us - duration_us + (int64_t)check_of(view, monitor)->recheck_ms * 1000;
    const struct shadow_due due = {
        .at_us = at_us < now_us ? now_us : at_us, .monitor = monitor, .begins = true};
    shadow_add_due(shadow, &due);
}

/* In the drill. */
static void end_check(struct shadow *shadow, uint32_t monitor, const struct probe_result *result)
{
    struct health *health = shadow_lead_health(shadow);
    int64_t wall_ms = clock_wall_ms(&shadow->all->server->clock);
    if (shadow->runs) {
        note_end(shadow, monitor, result->outcome);
    }
    health_observe(health, monitor, result->outcome, wall_ms, result->duration_us, result->detail);
    (void)health_follow_brake(health, VIEW_TURN, wall_ms);
    if (shadow->runs) {
        look_again(shadow, monitor, result->duration_us);
    }
    shadow_settle(shadow);
}

/* One that began then and will end so: now, or when its time is up. */
static void go_on(struct shadow *shadow, uint32_t monitor, int64_t began_us, const struct drill_result *own)
{
    int64_t now_us = clock_now_us(&shadow->all->server->clock), at_us = began_us + own->took_ms * 1000;
    if (at_us > now_us) {
        const struct shadow_due due = {
            .at_us = at_us, .began_us = began_us, .monitor = monitor, .outcome = own->outcome};
        shadow_add_due(shadow, &due);
        return;
    }
    const struct probe_result result = {.outcome = own->outcome,
                                        .duration_us = (uint32_t)(now_us - began_us)};
    end_check(shadow, monitor, &result);
}

/* What the document says of it goes before a real success; a real failure is one in the drill, too. */
static void take(struct shadow *shadow, uint32_t monitor, const struct probe_result *result, int64_t wall_ms)
{
    const struct clock *clock = &shadow->all->server->clock;
    struct health *health = shadow_lead_health(shadow);
    int64_t began_us = clock_now_us(clock) - result->duration_us;
    struct drill_result own = {.outcome = HEALTH_OUTCOME_OK};
    if (shadow->is_due[monitor]) {
        return;
    }
    if (shadow_injects(shadow)) {
        own = drill_stage_check(shadow->stage, monitor, shadow_since_ms(shadow, began_us));
    }
    if (result->has_load && own.outcome == HEALTH_OUTCOME_OK) {
        const struct health_load_report report = {.load = result->load, .source = HEALTH_LOAD_FROM_CHECK};
        health_report_load(health, shadow->world->view->monitors[monitor].endpoint, &report, wall_ms,
                           clock_now_ms(clock));
    }
    if (result->outcome == HEALTH_OUTCOME_OK && (own.outcome != HEALTH_OUTCOME_OK || own.took_ms != 0)) {
        go_on(shadow, monitor, began_us, &own);
    } else {
        end_check(shadow, monitor, result);
    }
}

/* A check that the real prober does not make: what nothing happens to is as it was found last. */
static void begin_check(struct shadow *shadow, uint32_t monitor)
{
    int64_t now_us = clock_now_us(&shadow->all->server->clock);
    struct drill_result own = {.outcome = HEALTH_OUTCOME_OK};
    struct health_monitor_status real;
    if (shadow_injects(shadow)) {
        own = drill_stage_check(shadow->stage, monitor, shadow_since_ms(shadow, now_us));
    }
    if (own.outcome == HEALTH_OUTCOME_OK &&
        health_get_monitor(shadow->all->server->view->health, monitor, &real) == 0) {
        own.outcome = real.outcome == HEALTH_OUTCOME_NONE ? HEALTH_OUTCOME_OK : real.outcome;
    }
    go_on(shadow, monitor, now_us, &own);
}

static void end_due(struct shadow *shadow, const struct shadow_due *due)
{
    const struct drill_result own = {.outcome = due->outcome};
    if (due->begins) {
        begin_check(shadow, due->monitor);
    } else {
        go_on(shadow, due->monitor, due->began_us, &own);
    }
}

/* ---- what comes in ---- */

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
        struct shadow *shadow = all->fed[i];
        bool is_blind = shadow_injects(shadow) && drill_stage_is_blind(shadow->stage);
        health_observe_control(shadow_lead_health(shadow), control,
                               is_blind ? HEALTH_OUTCOME_TIMEOUT : result->outcome);
        shadow_settle(shadow);
    }
}

/* Who is lost reports nothing. */
static bool is_silent(const struct shadow *shadow, const char *endpoint, const char *check)
{
    const struct conf_topology *topology = shadow->world->view->topology;
    ptrdiff_t index = conf_find_endpoint(topology, endpoint);
    return shadow_injects(shadow) && index != -1 &&
           drill_stage_is_silent(shadow->stage, (uint32_t)index, check);
}

void shadows_take_push(struct shadows *all, const char *endpoint, const char *check,
                       const struct health_push *push, int64_t wall_ms)
{
    enum health_push_fate fate;
    for (size_t i = 0; i < all->fed_count; i++) {
        struct shadow *shadow = all->fed[i];
        (void)shadow_lead_health(shadow);
        if (!is_silent(shadow, endpoint, check)) {
            (void)operate_push(shadow->world->view, endpoint, check, push, wall_ms,
                               clock_now_ms(&all->server->clock), &fate);
            shadow_settle(shadow);
        }
    }
}

void shadows_take_load(struct shadows *all, const char *endpoint, const struct health_load_report *report,
                       int64_t wall_ms)
{
    for (size_t i = 0; i < all->fed_count; i++) {
        struct shadow *shadow = all->fed[i];
        (void)shadow_lead_health(shadow);
        if (!is_silent(shadow, endpoint, NULL)) {
            (void)operate_put_load(shadow->world->view, endpoint, report, wall_ms,
                                   clock_now_ms(&all->server->clock));
            shadow_settle(shadow);
        }
    }
}

void shadows_take_lag(struct shadows *all, size_t pair, const struct health_lag_report *report,
                      int64_t wall_ms)
{
    for (size_t i = 0; i < all->fed_count; i++) {
        struct shadow *shadow = all->fed[i];
        struct health *health = shadow_lead_health(shadow);
        if (!shadow_injects(shadow) || drill_stage_find_lag(shadow->stage, (uint32_t)pair) < 0) {
            (void)health_report_lag(health, pair, report, wall_ms, clock_now_ms(&all->server->clock));
            shadow_settle(shadow);
        }
    }
}

/* ---- addresses of host names ---- */

void shadows_take_hosts(struct shadows *all, const struct view_host_update *updates, size_t count)
{
    struct lock *lock = &all->server->lock;
    for (struct shadow *shadow = all->first; shadow != NULL; shadow = shadow->next) {
        if (shadow->state == SHADOW_RUNNING) { /* else it catches up when it begins */
            (void)view_update_hosts(shadow->world->view, updates, count, clock_wall_ms(&all->server->clock),
                                    lock);
            lock_take(lock);
            shadow_settle(shadow);
            lock_leave(lock);
        }
    }
}

void shadow_catch_up_hosts(struct shadow *shadow)
{
    const struct view *from = shadow->all->server->view;
    struct view *to = shadow->world->view;
    struct lock *lock = &shadow->all->server->lock;
    int64_t wall_ms = clock_wall_ms(&shadow->all->server->clock);
    lock_take(lock);
    for (size_t i = 0; i < to->host_count; i++) {
        bool has_news = view_carry_host(&to->hosts[i], &from->hosts[i]);
        for (size_t e = 0; has_news && e < to->hosts[i].endpoint_count; e++) {
            view_apply_host(to, to->hosts[i].endpoints[e], wall_ms);
        }
        if (i % VIEW_TURN == VIEW_TURN - 1) {
            lock_pass(lock);
        }
    }
    lock_leave(lock);
}

/* ---- time ---- */

static void end_dues(struct shadow *shadow, int64_t now_us)
{
    struct lock *lock = &shadow->all->server->lock;
    for (size_t done = 1; shadow->due_count != 0 && shadow->dues[0].at_us <= now_us; done++) {
        struct shadow_due due = shadow_take_due(shadow);
        end_due(shadow, &due);
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
        int64_t looks_us = shadow_end_looks(shadow, now_us);
        next_us = looks_us < next_us ? looks_us : next_us;
        if (shadow->due_count != 0 && shadow->dues[0].at_us < next_us) {
            next_us = shadow->dues[0].at_us;
        }
    }
    lock_leave(lock);
    int64_t left_us = next_us - clock_now_us(&all->server->clock);
    return next_us == INT64_MAX ? -1 : left_us < 0 ? 0 : left_us;
}

/* Of copies of which the document says how far they are behind. */
static void tell_lags(struct shadow *shadow, struct health *health, int64_t wall_ms, int64_t now_ms)
{
    int64_t at_ms = now_ms - shadow->began_us / 1000;
    if (!shadow_injects(shadow) || at_ms < shadow->lags_ms) {
        return;
    }
    shadow->lags_ms = at_ms + LAGS_PACE_MS;
    for (uint32_t i = 0; i < health_count_lags(health); i++) {
        const struct health_lag_report report = {.value = drill_stage_find_lag(shadow->stage, i),
                                                 .unit = HEALTH_LAG_MILLISECONDS,
                                                 .source = HEALTH_LAG_PUSHED};
        if (report.value >= 0) {
            (void)health_report_lag(health, i, &report, wall_ms, now_ms);
        }
    }
}

static void follow_time(struct shadow *shadow, int64_t wall_ms)
{
    struct health *health = shadow_lead_health(shadow);
    int64_t now_ms = clock_now_ms(&shadow->all->server->clock);
    tell_lags(shadow, health, wall_ms, now_ms);
    health_follow_lags(health, wall_ms, now_ms);
    (void)health_follow_turn(health, wall_ms);
    (void)health_follow_stays(health, now_ms, wall_ms);
    (void)health_follow_brake(health, VIEW_TURN, wall_ms);
    health_expire_loads(health, wall_ms, now_ms);
    (void)health_expire_pushes(health, wall_ms, now_ms);
    shadow_settle(shadow);
}

void shadows_follow_time(struct shadows *all)
{
    int64_t wall_ms = clock_wall_ms(&all->server->clock);
    lock_take(&all->server->lock);
    for (size_t i = 0; i < all->fed_count; i++) {
        follow_time(all->fed[i], wall_ms);
        shadow_follow_silence(all->fed[i]);
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
           a->expires_by_duration == b->expires_by_duration && a->has_ttl == b->has_ttl &&
           a->ttl_s == b->ttl_s && strcmp(a->to, b->to) == 0 && strcmp(a->names, b->names) == 0;
}

static void follow_override(struct shadow *shadow, enum health_kind kind, uint32_t index, int64_t wall_ms)
{
    static const struct health_override none = {.desired = HEALTH_DESIRED_AUTO};
    const struct health *from = shadow->all->server->view->health;
    struct health *to = shadow->world->view->health;
    const struct health_override *is = health_get_override(from, kind, index),
                                 *was = health_get_override(to, kind, index);
    struct health_status status;
    if (health_get_status(from, kind, index, &status) == 0 &&
        drill_stage_keep_before(shadow->stage, kind, &status, is)) {
        return;
    }
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
    (void)shadow_lead_health(shadow);
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        size_t count = health_count(shadow->world->view->health, kind);
        for (uint32_t i = 0; i < count; i++) {
            follow_override(shadow, kind, i, wall_ms);
            shadow_settle(shadow);
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

void shadow_begin_time(struct shadow *shadow)
{
    shadow->began_us = clock_now_us(&shadow->all->server->clock);
    drill_stage_begin(shadow->stage, shadow->began_us / 1000, clock_wall_ms(&shadow->all->server->clock));
    shadow->runs = true;
}

void shadow_end_feed(struct shadow *shadow)
{
    struct shadows *all = shadow->all;
    for (size_t i = 0; i < all->fed_count; i++) {
        if (all->fed[i] == shadow) {
            all->fed[i] = all->fed[--all->fed_count];
        }
    }
    shadow->is_fed = shadow->runs = false;
    health_set_listener(shadow->world->view->health, &(struct health_listener){.context = NULL});
}
