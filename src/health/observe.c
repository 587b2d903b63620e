/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A check result: monitor -> endpoint -> az -> region by counters, and only where a verdict changes. A result
 * like the one before costs a few stores into its monitor and never touches the table; one that begins or
 * ends to speak against the verdict is noted in the endpoint's word, and only told (by a new generation) if
 * that is watched. */
#include "config.h"

#include "health/health.h"

#include "health/brake_inside.h"
#include "health/machine.h"

#include <assert.h>
#include <string.h>

/* ---- counting ---- */

static uint32_t *counter_of(struct health_tally *tally, enum health_observed observed)
{
    return observed == HEALTH_OBSERVED_HEALTHY     ? &tally->healthy
           : observed == HEALTH_OBSERVED_UNHEALTHY ? &tally->unhealthy
                                                   : NULL;
}

/* One member whose verdict went from before to after. */
static void count_verdict(struct health_tally *tally, enum health_observed before, enum health_observed after)
{
    uint32_t *from = counter_of(tally, before), *to = counter_of(tally, after);
    if (from != NULL) {
        (*from)--;
    }
    if (to != NULL) {
        (*to)++;
    }
}

/* Do the latest results speak against the verdict? Or is there none yet, so that any may come? */
static bool wavers(const struct health_monitor *monitor)
{
    return (monitor->verdict == HEALTH_OBSERVED_UNKNOWN && !monitor->idle) ||
           (monitor->streak != 0 && monitor->failing != (monitor->verdict == HEALTH_OBSERVED_UNHEALTHY));
}

/* A monitor as its families have counted it. */
struct share {
    bool counts, wavers;
    enum health_observed verdict;
};

static struct share share_of(const struct health_monitor *monitor)
{
    return (struct share){.counts = !monitor->idle, .wavers = wavers(monitor), .verdict = monitor->verdict};
}

/* It was counted like `before`, and is not like that any more. */
static void count_again(struct health *health, const struct health_monitor *monitor, struct share before)
{
    struct share after = share_of(monitor);
    for (int family = HEALTH_V4; family < HEALTH_FAMILIES; family++) {
        struct health_tally *tally = &health->tallies[monitor->endpoint][family];
        if ((monitor->families >> family & 1) != 0) {
            tally->members += (uint32_t)after.counts - (uint32_t)before.counts;
            tally->wavering += (uint32_t)after.wavers - (uint32_t)before.wavers;
            count_verdict(tally, before.verdict, after.verdict);
        }
    }
}

/* ---- verdicts ---- */

/* What decides about a family: the other one's monitors, if it has none of its own. */
static const struct health_tally *tally_of(const struct health *health, uint32_t endpoint,
                                           enum health_family family)
{
    const struct health_tally *tallies = health->tallies[endpoint];
    return &tallies[tallies[family].members != 0 ? family : !family];
}

/* A family needs all of its monitors. */
static enum health_observed judge_family(const struct health_tally *tally)
{
    return tally->unhealthy != 0                                     ? HEALTH_OBSERVED_UNHEALTHY
           : tally->members != 0 && tally->healthy == tally->members ? HEALTH_OBSERVED_HEALTHY
                                                                     : HEALTH_OBSERVED_UNKNOWN;
}

/* An endpoint is there as soon as a family is. */
static uint32_t judge_endpoint(const struct health *health, uint32_t endpoint)
{
    uint32_t v4 = judge_family(tally_of(health, endpoint, HEALTH_V4));
    uint32_t v6 = judge_family(tally_of(health, endpoint, HEALTH_V6));
    uint32_t any = v4 == v6                                                         ? v4
                   : v4 == HEALTH_OBSERVED_HEALTHY || v6 == HEALTH_OBSERVED_HEALTHY ? HEALTH_OBSERVED_HEALTHY
                                                                                    : HEALTH_OBSERVED_UNKNOWN;
    return any | (any ^ v4) << HEALTH_WORD_FAMILIES_SHIFT | (any ^ v6) << (HEALTH_WORD_FAMILIES_SHIFT + 2);
}

/* An az or region is there as soon as something in it is, until enough is not. */
static uint32_t judge_group(const struct health_node *node)
{
    const struct health_tally *tally = &node->tally;
    return tally->members == 0                   ? HEALTH_OBSERVED_UNKNOWN
           : tally->unhealthy >= node->lost_from ? HEALTH_OBSERVED_UNHEALTHY
           : tally->healthy != 0                 ? HEALTH_OBSERVED_HEALTHY
                                                 : HEALTH_OBSERVED_UNKNOWN;
}

/* Count in its parent that a node's counters say something else than its word. Returns whether they do: then
 * its word is to be stored. */
static bool roll_up(struct health *health, enum health_kind kind, uint32_t index, uint32_t *after)
{
    const struct health_node *node = &health->nodes[kind][index];
    uint32_t before = health_word_get(health, kind, index) & HEALTH_WORD_VERDICTS;
    *after = kind == HEALTH_ENDPOINT ? judge_endpoint(health, index) : judge_group(node);
    if (kind != HEALTH_REGION) {
        count_verdict(&health->nodes[kind + 1][node->parent].tally, health_word_observed(before),
                      health_word_observed(*after));
    }
    return *after != before;
}

/* Of HEALTH_WORD_WAVERS. */
static uint32_t find_wavers(const struct health *health, uint32_t endpoint)
{
    return (tally_of(health, endpoint, HEALTH_V4)->wavering != 0 ? HEALTH_WORD_WAVERS_V4 : 0u) |
           (tally_of(health, endpoint, HEALTH_V6)->wavering != 0 ? HEALTH_WORD_WAVERS_V6 : 0u);
}

void health_rebuild(struct health *health)
{
    bool was_filled = health->is_filled;
    health->is_filled = false; /* words go through states that are none */
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            struct health_tally *tally = &health->nodes[kind][i].tally;
            tally->healthy = tally->unhealthy = 0;
            health_word_set_verdicts(health, kind, i, HEALTH_OBSERVED_UNKNOWN);
        }
    }
    memset(health->tallies, 0, health->counts[HEALTH_ENDPOINT] * sizeof *health->tallies);
    for (uint32_t i = 0; i < health->monitor_count; i++) {
        count_again(health, &health->monitors[i], (struct share){.counts = false});
    }
    for (uint32_t i = 0; i < health->counts[HEALTH_ENDPOINT]; i++) {
        health_word_set_wavers(health, i, find_wavers(health, i));
    }
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            uint32_t after;
            if (roll_up(health, kind, i, &after)) {
                health_word_set_verdicts(health, kind, i, after);
            }
        }
    }
    health->is_filled = was_filled;
    health_brake_rebuild(health);
}

/* Streaks and rise/fall. Returns whether the verdict changed. */
static bool judge(struct health *health, uint32_t index, bool failing)
{
    struct health_monitor *monitor = &health->monitors[index];
    if (monitor->failing != failing) {
        monitor->failing = failing;
        monitor->streak = 0;
    }
    if (monitor->streak < UINT16_MAX) {
        monitor->streak++;
    }
    enum health_observed verdict = monitor->verdict;
    if (failing) {
        if (health_is_held(monitor) && !health_brake_holds(health, index, monitor->duration_us)) {
            verdict = HEALTH_OBSERVED_UNHEALTHY;
        }
    } else if (verdict == HEALTH_OBSERVED_UNKNOWN || monitor->inherited || monitor->untried ||
               monitor->streak >= monitor->rise) {
        verdict = HEALTH_OBSERVED_HEALTHY;
    }
    bool changed = verdict != monitor->verdict;
    monitor->inherited = monitor->inherited && !changed && monitor->streak < monitor->fall;
    monitor->untried = monitor->untried && failing && monitor->streak < monitor->fall;
    monitor->verdict = (uint8_t)verdict;
    return changed;
}

void health_begin(struct health *health)
{
    for (uint32_t i = 0; i < health->monitor_count; i++) {
        health->monitors[i].untried = true;
    }
}

/* Does a family begin or end to waver? Stored, not yet told. Returns whether it is to be told. */
static bool follow_wavers(struct health *health, uint32_t endpoint)
{
    uint32_t wavers = find_wavers(health, endpoint);
    if (wavers == (health_word_get(health, HEALTH_ENDPOINT, endpoint) & HEALTH_WORD_WAVERS)) {
        return false;
    }
    health_word_set_wavers(health, endpoint, wavers);
    return health->watches_wavering;
}

/* An object that changed, of each kind. */
struct rise {
    uint32_t indices[HEALTH_KINDS];
    uint32_t after[HEALTH_KINDS]; /* of HEALTH_WORD_VERDICTS */
    int count;
};

/* A region is lost by its own word, and what is below follows as said already; it is back when everything
 * below is. So one store decides for all names. */
static void store_rise(struct health *health, const struct rise *rise)
{
    for (int i = 0; i < rise->count; i++) {
        bool falls = health_word_observed(rise->after[0]) == HEALTH_OBSERVED_UNHEALTHY;
        int kind = falls ? rise->count - 1 - i : i;
        health_word_set_verdicts(health, kind, rise->indices[kind], rise->after[kind]);
    }
}

/* What an endpoint consists of has another verdict: up as far as that changes something. */
static void climb(struct health *health, uint32_t endpoint, enum health_outcome outcome, bool turned)
{
    struct rise rise = {.count = 0};
    uint32_t index = endpoint;
    while (rise.count < HEALTH_KINDS && roll_up(health, rise.count, index, &rise.after[rise.count])) {
        rise.indices[rise.count] = index;
        index = health->nodes[rise.count++][index].parent;
    }
    store_rise(health, &rise);
    if (rise.count != 0 || turned) { /* else another monitor of the endpoint still decides */
        health_table_advance(health);
    }
    if (rise.count != 0) {
        int top = rise.count - 1;
        health_settle(health, top, rise.indices[top], outcome);
        health_deliver(health);
    }
}

void health_observe(struct health *health, uint32_t monitor, enum health_outcome outcome, int64_t wall_ms,
                    uint32_t duration_us, uint16_t detail)
{
    assert(monitor < health->monitor_count && !health->delivering);
    assert(outcome > HEALTH_OUTCOME_NONE && outcome <= HEALTH_OUTCOME_LOCAL_ERROR);
    struct health_monitor *m = &health->monitors[monitor];
    if (m->idle) {
        return; /* too late */
    }
    health_note(health, HEALTH_ENDPOINT, m->endpoint);
    health->wall_ms = wall_ms;
    m->outcome = (uint8_t)outcome;
    m->checked_ms = wall_ms;
    m->duration_us = duration_us;
    m->detail = detail;
    if (outcome == HEALTH_OUTCOME_LOCAL_ERROR) {
        return;
    }
    m->judged_ms = wall_ms;
    health_brake_hear(health, monitor, outcome);
    struct share before = share_of(m);
    bool changed = judge(health, monitor, health_outcome_is_failure(outcome)), turned = false;
    if (changed || wavers(m) != before.wavers) {
        count_again(health, m, before);
        turned = follow_wavers(health, m->endpoint);
    }
    if (changed) {
        climb(health, m->endpoint, outcome, turned);
    } else if (turned) {
        health_table_advance(health);
    }
}

/* ---- what the brake decides ---- */

/* Another verdict for a monitor, by no result of its own. */
static void turn_monitor(struct health *health, uint32_t monitor, enum health_observed verdict,
                         int64_t wall_ms)
{
    struct health_monitor *m = &health->monitors[monitor];
    struct share before = share_of(m);
    health_note(health, HEALTH_ENDPOINT, m->endpoint);
    health->wall_ms = wall_ms;
    m->verdict = (uint8_t)verdict;
    count_again(health, m, before);
    climb(health, m->endpoint, m->outcome, follow_wavers(health, m->endpoint));
}

bool health_follow_brake(struct health *health, size_t max, int64_t wall_ms)
{
    uint32_t monitor;
    enum health_observed verdict;
    for (; max != 0 && health_brake_take(health, &monitor, &verdict); max--) {
        if (verdict != health->monitors[monitor].verdict) {
            turn_monitor(health, monitor, verdict, wall_ms);
        }
    }
    return health_brake_waits(health);
}

/* ---- histories from elsewhere ---- */

void health_replace_monitor(struct health *health, uint32_t monitor, const struct health_monitor *history,
                            int64_t wall_ms)
{
    struct health_monitor *m = &health->monitors[monitor];
    struct share before = share_of(m);
    health_brake_leave(health, monitor);
    health_copy_history(m, history);
    health_brake_enter(health, monitor);
    health->wall_ms = wall_ms;
    count_again(health, m, before);
    climb(health, m->endpoint, HEALTH_OUTCOME_NONE, follow_wavers(health, m->endpoint));
}

/* ---- endpoints that are a host name ---- */

bool health_use_monitor(struct health *health, uint32_t monitor, bool used, int64_t wall_ms)
{
    assert(monitor < health->monitor_count && !health->delivering);
    struct health_monitor *m = &health->monitors[monitor];
    if (m->idle == !used) {
        return false;
    }
    struct share before = share_of(m);
    health_note(health, HEALTH_ENDPOINT, m->endpoint);
    health->wall_ms = wall_ms;
    health_brake_leave(health, monitor);
    m->says = HEALTH_SAYS_NOTHING;
    m->idle = !used;
    m->inherited = false;
    m->verdict = HEALTH_OBSERVED_UNKNOWN;
    m->streak = m->detail = 0;
    m->outcome = HEALTH_OUTCOME_NONE;
    m->checked_ms = m->judged_ms = 0;
    m->duration_us = 0;
    count_again(health, m, before);
    climb(health, m->endpoint, HEALTH_OUTCOME_NONE, follow_wavers(health, m->endpoint));
    return true;
}

void health_set_resolved(struct health *health, uint32_t endpoint, uint32_t resolved)
{
    assert(endpoint < health->counts[HEALTH_ENDPOINT] && (resolved & ~(uint32_t)HEALTH_WORD_RESOLVED) == 0);
    health_word_set_resolved(health, endpoint, resolved);
    health_table_advance(health);
}

void health_copy_resolved(struct health *to, const struct health *from)
{
    assert(to->monitor_count == from->monitor_count);
    assert(to->counts[HEALTH_ENDPOINT] == from->counts[HEALTH_ENDPOINT]);
    for (uint32_t i = 0; i < to->monitor_count; i++) {
        to->monitors[i].idle = from->monitors[i].idle;
    }
    for (uint32_t i = 0; i < to->counts[HEALTH_ENDPOINT]; i++) {
        uint32_t word = health_word_get(from, HEALTH_ENDPOINT, i);
        health_word_set_resolved(to, i, word & HEALTH_WORD_RESOLVED);
    }
    health_rebuild(to);
    health_table_advance(to);
}
