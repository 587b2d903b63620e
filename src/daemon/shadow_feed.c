/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What goes into the private health of drills. All of it in the lock of the server, beside what goes into the
 * machine that serves: so both hear the same in the same order, and nobody waits for one more lock. */
#include "config.h"

#include "daemon/shadow_inside.h"

#include "daemon/server.h"
#include "base/memory.h"
#include "health/brake.h"
#include "health/lag.h"
#include "health/stay.h"
#include "operate/operate.h"
#include "probe/probe.h"
#include "view/content.h"

#include <stdlib.h>

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
    return drill_watch_is_lost(shadow->watch, endpoint);
}

static void take(struct shadow *shadow, uint32_t monitor, const struct probe_result *result, int64_t wall_ms)
{
    struct health *health = health_of(shadow);
    uint32_t endpoint = shadow->world->view->monitors[monitor].endpoint;
    enum health_outcome outcome = result->outcome;
    bool fails = is_lost(shadow, endpoint) && outcome == HEALTH_OUTCOME_OK;
    if (fails) {
        note_failure(shadow, endpoint);
        outcome = shadow->failure;
    }
    health_observe(health, monitor, outcome, wall_ms, result->duration_us, fails ? 0 : result->detail);
    if (result->has_load && !is_lost(shadow, endpoint)) {
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

/* ---- from and to ---- */

void shadow_begin_feed(struct shadow *shadow)
{
    struct shadows *all = shadow->all;
    shadow->began_us = clock_now_us(&all->server->clock);
    shadow->override_changes = health_count_override_changes(all->server->view->health);
    health_set_listener(shadow->world->view->health,
                        &(struct health_listener){.context = shadow, .changed = hear, .braked = hear_brake});
    all->fed[all->fed_count++] = shadow;
}

void shadow_end_feed(struct shadow *shadow)
{
    struct shadows *all = shadow->all;
    for (size_t i = 0; i < all->fed_count; i++) {
        if (all->fed[i] == shadow) {
            all->fed[i] = all->fed[--all->fed_count];
        }
    }
    health_set_listener(shadow->world->view->health, &(struct health_listener){.context = NULL});
}
