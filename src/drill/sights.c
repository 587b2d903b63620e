/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Several vantages in a drill in real time. What they say in reality is heard, but where something happens to
 * what they look at: there lookouts (lookouts.c) count as the vantage would, at the pace of its checks, and
 * while one of them thinks that it is down, that is heard in the place of a real "up". A real "down" stays
 * one, and who says nothing in reality says nothing here. */
#include "config.h"

#include "drill/run.h"

#include <stdlib.h>
#include <string.h>

static int64_t now_of(const struct run *run)
{
    return run->began_ms + run->now_ms;
}

static bool is_in(uint32_t set, unsigned vantage)
{
    return (set >> vantage & 1) != 0;
}

/* ---- their pace ---- */

/* The same check at the same phase all the time (splitmix64). */
int64_t run_find_delay(const struct run *run, uint32_t number, int64_t interval_ms)
{
    uint64_t x = run->causes.seed + 0x9e3779b97f4a7c15u * ((uint64_t)number + 1);
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    uint64_t interval = interval_ms < 1 ? 1 : (uint64_t)interval_ms, phase = (x ^ x >> 31) % interval;
    uint64_t in_turn = ((uint64_t)run->now_ms + phase) % interval;
    return (int64_t)(interval - in_turn);
}

/* Those who are enrolled are listed by their numbers, and so are lookouts, and by target. -1: nothing happens
 * to it. */
static ptrdiff_t find_lookout(const struct run *run, unsigned vantage, uint32_t target)
{
    const struct run_vantages *v = &run->vantages;
    size_t low = 0, high = v->lookout_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct run_lookout *own = &v->lookouts[middle];
        if (own->vantage < vantage || (own->vantage == vantage && own->target < target)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    bool is =
        low < v->lookout_count && v->lookouts[low].vantage == vantage && v->lookouts[low].target == target;
    return is ? (ptrdiff_t)low : -1;
}

/* ---- what they think ---- */

static void say(struct run *run, uint32_t lookout, const struct health_opinion *opinion)
{
    const struct run_lookout *own = &run->vantages.lookouts[lookout];
    const struct health_heard heard = {.monitor = own->target, .opinion = *opinion};
    health_hear_instead(run->health, own->vantage, &heard, 1, run->vantages.wall_ms, now_of(run));
}

static struct health_opinion opinion_of(const struct run_sight *sight)
{
    return (struct health_opinion){
        .verdict = HEALTH_OBSERVED_UNHEALTHY, .outcome = (enum health_outcome)sight->outcome, .streak = 1};
}

/* What is thought of it is said, unless that is said already, or nothing can be said now. */
static void settle(struct run *run, uint32_t lookout)
{
    struct run_vantages *v = &run->vantages;
    struct run_sight *sight = &v->sights[lookout];
    const struct run_lookout *own = &v->lookouts[lookout];
    if (sight->is_down == sight->is_said) {
        return;
    }
    if (is_in(v->silent, own->vantage)) {
        v->unsaid |= 1u << own->vantage;
        return;
    }
    sight->is_said = sight->is_down;
    if (sight->is_down) {
        sight->real = health_get_opinion(run->health, own->vantage, own->target);
    }
    if (sight->real.verdict == HEALTH_OBSERVED_HEALTHY) {
        struct health_opinion down = opinion_of(sight);
        sight->real.age_ms = 0;
        say(run, lookout, sight->is_down ? &down : &sight->real);
    }
}

void run_think(struct run *run, uint32_t lookout, const struct health_monitor_status *status)
{
    struct run_sight *sight = &run->vantages.sights[lookout];
    bool was_down = sight->is_down;
    sight->is_down = status->verdict == HEALTH_OBSERVED_UNHEALTHY;
    if (sight->is_down && !was_down) {
        sight->outcome = (uint8_t)status->outcome;
    }
    settle(run, lookout);
}

/* ---- what they say ---- */

/* In the drill; and what it says in reality is kept. */
static void translate(struct run *run, unsigned vantage, struct health_heard *heard)
{
    ptrdiff_t lookout = find_lookout(run, vantage, heard->monitor);
    struct run_sight *sight = lookout < 0 ? NULL : &run->vantages.sights[lookout];
    if (sight != NULL && sight->is_said) {
        sight->real = heard->opinion;
        heard->opinion =
            heard->opinion.verdict == HEALTH_OBSERVED_HEALTHY ? opinion_of(sight) : heard->opinion;
    }
}

void run_hear(struct run *run, unsigned vantage, const struct health_heard *heard, size_t count)
{
    struct health_heard own[HEALTH_HEAR_MAX];
    if (is_in(run->vantages.hushed, vantage)) {
        return; /* it says all of it when it is heard again */
    }
    for (size_t i = 0; i < count; i++) {
        own[i] = heard[i];
        if (run->vantages.sights != NULL) {
            translate(run, vantage, &own[i]);
        }
    }
    health_hear(run->health, vantage, own, count, run->vantages.wall_ms, now_of(run));
}

static void forget(struct run *run, unsigned vantage)
{
    struct run_vantages *v = &run->vantages;
    for (size_t i = 0; i < v->lookout_count; i++) {
        if (v->lookouts[i].vantage == vantage) {
            v->sights[i].real = (struct health_opinion){.verdict = HEALTH_OBSERVED_UNKNOWN};
        }
    }
}

void run_hear_alive(struct run *run, unsigned vantage, bool is_new)
{
    if (is_in(run->vantages.hushed, vantage)) {
        return;
    }
    if (is_new) {
        health_forget_vantage(run->health, vantage);
        forget(run, vantage);
    }
    health_hear_vantage(run->health, vantage, now_of(run));
}

/* ---- silence ---- */

void run_set_silent(struct run *run, uint32_t silent)
{
    struct run_vantages *v = &run->vantages;
    v->silent = silent | v->hushed;
    uint32_t speak = v->unsaid & ~v->silent;
    v->unsaid &= v->silent;
    for (uint32_t i = 0; speak != 0 && i < v->lookout_count; i++) {
        if (is_in(speak, v->lookouts[i].vantage)) {
            settle(run, i);
        }
    }
}

void run_turn_hush(struct run *run)
{
    struct run_vantages *v = &run->vantages;
    uint32_t hushed = drill_causes_find_silent(&run->causes, run->now_ms);
    v->returned = (v->returned | (v->hushed & ~hushed)) & ~hushed;
    v->silent |= hushed;
    v->hushed = hushed;
}
