/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Several vantages and drills. What they say goes into the health of drills beside that which serves, in the
 * lock of the server; what they would say of what is lost is the stage's (drill/stage.h). Those look in a
 * drill that were enrolled when it was asked for. */
#include "config.h"

#include "daemon/shadow_inside.h"

#include "daemon/server.h"
#include "health/brake.h"
#include "health/opinion.h"
#include "view/content.h"

#include <string.h>

enum {
    LOOKS = 32, /* that end in one turn at the lock */
    LATE =
        2 /* heartbeats, after which one says nothing: it is given up later, and not known to be well now */
};

/* ---- what they say ---- */

/* After anything of it: who is set aside, or was awaited, is judged again. */
static void settle(struct shadow *shadow)
{
    const struct clock *clock = &shadow->all->server->clock;
    struct health *health = shadow->world->view->health;
    int64_t wall_ms = clock_wall_ms(clock);
    (void)health_follow_vantages(health, wall_ms, clock_now_ms(clock));
    (void)health_follow_brake(health, VIEW_TURN, wall_ms);
    shadow_settle(shadow);
}

static void hear(struct shadow *shadow, unsigned vantage, const struct health_heard *heard, size_t count)
{
    const struct clock *clock = &shadow->all->server->clock;
    struct health *health = shadow_lead_health(shadow);
    if (shadow_injects(shadow)) {
        drill_stage_hear(shadow->stage, vantage, heard, count);
    } else {
        health_hear(health, vantage, heard, count, clock_wall_ms(clock), clock_now_ms(clock));
    }
    settle(shadow);
}

void shadows_hear(struct shadows *all, unsigned vantage, const struct health_heard *heard, size_t count)
{
    all->gone &= ~(1u << vantage);
    for (size_t i = 0; i < all->fed_count; i++) {
        hear(all->fed[i], vantage, heard, count);
    }
}

static void hear_alive(struct shadow *shadow, unsigned vantage, bool is_new)
{
    struct health *health = shadow_lead_health(shadow);
    if (shadow_injects(shadow)) {
        drill_stage_hear_alive(shadow->stage, vantage, is_new);
    } else {
        if (is_new) {
            health_forget_vantage(health, vantage);
        }
        health_hear_vantage(health, vantage, clock_now_ms(&shadow->all->server->clock));
    }
    settle(shadow);
}

void shadows_hear_alive(struct shadows *all, unsigned vantage, bool is_new)
{
    all->gone &= ~(1u << vantage);
    for (size_t i = 0; i < all->fed_count; i++) {
        hear_alive(all->fed[i], vantage, is_new);
    }
}

void shadows_lose_vantage(struct shadows *all, unsigned vantage)
{
    all->gone |= 1u << vantage;
}

/* ---- what they would say ---- */

static bool is_silent(const struct shadows *all, unsigned vantage)
{
    const struct view *view = all->server->view;
    struct health_vantage_status status;
    return (all->gone >> vantage & 1) != 0 ||
           !health_get_vantage(view->health, vantage, clock_now_ms(&all->server->clock), &status) ||
           status.silent_ms < 0 || status.silent_ms > (int64_t)LATE * view->server->vantages.heartbeat_ms;
}

static uint32_t find_silent(const struct shadows *all)
{
    uint32_t silent = 0;
    for (unsigned i = 1; i < HEALTH_VANTAGES_MAX; i++) {
        silent |= is_silent(all, i) ? 1u << i : 0;
    }
    return silent;
}

int64_t shadow_end_looks(struct shadow *shadow, int64_t now_us)
{
    struct lock *lock = &shadow->all->server->lock;
    int64_t now_ms = (now_us - shadow->began_us) / 1000;
    if (!shadow_injects(shadow)) {
        return INT64_MAX;
    }
    while (drill_stage_next_look(shadow->stage) <= now_ms) {
        (void)shadow_lead_health(shadow);
        drill_stage_set_silent(shadow->stage, find_silent(shadow->all));
        if (drill_stage_look(shadow->stage, LOOKS)) {
            shadow_note_failed(shadow);
        }
        settle(shadow);
        lock_pass(lock);
    }
    int64_t next_ms = drill_stage_next_look(shadow->stage);
    return next_ms == INT64_MAX ? INT64_MAX : shadow->began_us + next_ms * 1000;
}

/* One whose silence the document ends says all that it thinks. */
static void say_all(struct shadow *shadow, unsigned vantage)
{
    const struct view *view = shadow->all->server->view;
    size_t all = view->monitor_count + view_count_controls(view), count = 0;
    struct health_heard heard[HEALTH_HEAR_MAX];
    for (uint32_t i = 0; i < all; i++) {
        heard[count] = (struct health_heard){i, health_get_opinion(view->health, vantage, i)};
        count += heard[count].opinion.verdict != HEALTH_OBSERVED_UNKNOWN;
        if (count == HEALTH_HEAR_MAX) {
            hear(shadow, vantage, heard, count);
            count = 0;
            lock_pass(&shadow->all->server->lock);
        }
    }
    hear(shadow, vantage, heard, count);
}

void shadow_follow_silence(struct shadow *shadow)
{
    struct health *health = shadow_lead_health(shadow);
    const struct clock *clock = &shadow->all->server->clock;
    uint32_t returned = 0;
    if (shadow_injects(shadow)) {
        drill_stage_set_silent(shadow->stage, find_silent(shadow->all));
        returned = drill_stage_take_returned(shadow->stage);
    }
    for (; returned != 0; returned &= returned - 1) {
        unsigned vantage = (unsigned)__builtin_ctz(returned);
        if (!is_silent(shadow->all, vantage)) {
            say_all(shadow, vantage);
        }
    }
    while (health_follow_vantages(health, clock_wall_ms(clock), clock_now_ms(clock))) {
        lock_pass(&shadow->all->server->lock);
    }
    shadow_settle(shadow);
}

/* ---- who they are ---- */

static bool looks(const struct shadow *shadow, const struct health_vantage_plan *plan)
{
    const struct drill_vantages *all = &shadow->document->vantages;
    bool is = false;
    for (size_t i = 0; i < all->count && !is; i++) {
        is = all->items[i].number == plan->number && strcmp(all->items[i].name, plan->name) == 0;
    }
    return is;
}

void shadow_follow_members(struct shadow *shadow, const struct health_vantage_plan *plans, size_t count)
{
    struct server *server = shadow->all->server;
    struct health *health = shadow->world->view->health;
    struct health_vantage_plan kept[HEALTH_VANTAGES_MAX];
    size_t kept_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (looks(shadow, &plans[i])) {
            kept[kept_count++] = plans[i];
        }
    }
    struct health_enrolment *enrolment = health_enrolment_new(health, kept, kept_count);
    lock_take(&server->lock);
    (void)shadow_lead_health(shadow);
    health_enrol(health, enrolment, clock_now_ms(&server->clock));
    settle(shadow);
    lock_leave(&server->lock);
    health_enrolment_free(enrolment);
}

void shadows_follow_members(struct shadows *all, const struct health_vantage_plan *plans, size_t count)
{
    for (struct shadow *shadow = all == NULL ? NULL : all->first; shadow != NULL; shadow = shadow->next) {
        if (shadow->state == SHADOW_RUNNING) {
            shadow_follow_members(shadow, plans, count);
        }
    }
}
