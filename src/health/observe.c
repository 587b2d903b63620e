/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A check result: monitor -> endpoint -> az -> region by counters, and only where a verdict changes. A result
 * like the one before costs a few stores into its monitor and never touches the table; one that begins or
 * ends to speak against the verdict is noted in the endpoint's word, and only told (by a new generation) if
 * that is watched. */
#include "config.h"

#include "health/health.h"

#include "health/machine.h"

#include <assert.h>
#include <string.h>

enum health_observed health_node_verdict(const struct health_node *node, enum health_kind kind)
{
    if (node->members == 0) {
        return HEALTH_OBSERVED_UNKNOWN;
    }
    if (node->unhealthy >= node->lost_from) {
        return HEALTH_OBSERVED_UNHEALTHY;
    }
    /* An endpoint needs all its monitors; an az or region is there as soon as something in it is. */
    uint32_t enough = kind == HEALTH_ENDPOINT ? node->members : 1;
    return node->healthy >= enough ? HEALTH_OBSERVED_HEALTHY : HEALTH_OBSERVED_UNKNOWN;
}

static uint32_t *counter_of(struct health_node *node, enum health_observed observed)
{
    return observed == HEALTH_OBSERVED_HEALTHY     ? &node->healthy
           : observed == HEALTH_OBSERVED_UNHEALTHY ? &node->unhealthy
                                                   : NULL;
}

void health_node_count(struct health_node *node, enum health_observed before, enum health_observed after)
{
    uint32_t *from = counter_of(node, before), *to = counter_of(node, after);
    if (from != NULL) {
        (*from)--;
    }
    if (to != NULL) {
        (*to)++;
    }
}

/* Count in its parent that a node's counters say something else than its word. Returns whether they do: then
 * its word is to be stored. */
static bool roll_up(struct health *health, enum health_kind kind, uint32_t index, enum health_observed *after)
{
    const struct health_node *node = &health->nodes[kind][index];
    enum health_observed before = health_word_observed(health_word_get(health, kind, index));
    *after = health_node_verdict(node, kind);
    if (*after != before && kind != HEALTH_REGION) {
        health_node_count(&health->nodes[kind + 1][node->parent], before, *after);
    }
    return *after != before;
}

/* Do the latest results speak against the verdict? */
static bool wavers(const struct health_monitor *monitor)
{
    return monitor->streak != 0 && monitor->failing != (monitor->verdict == HEALTH_OBSERVED_UNHEALTHY);
}

void health_rebuild(struct health *health)
{
    bool was_filled = health->is_filled;
    health->is_filled = false; /* words go through states that are none */
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            struct health_node *node = &health->nodes[kind][i];
            node->healthy = node->unhealthy = node->wavering = 0;
            node->members = kind == HEALTH_ENDPOINT ? 0 : node->members;
            health_word_set_observed(health, kind, i, HEALTH_OBSERVED_UNKNOWN);
        }
    }
    for (uint32_t i = 0; i < health->monitor_count; i++) {
        const struct health_monitor *monitor = &health->monitors[i];
        struct health_node *endpoint = &health->nodes[HEALTH_ENDPOINT][monitor->endpoint];
        endpoint->members += !monitor->idle;
        health_node_count(endpoint, HEALTH_OBSERVED_UNKNOWN, monitor->verdict);
        endpoint->wavering += wavers(monitor);
    }
    for (uint32_t i = 0; i < health->counts[HEALTH_ENDPOINT]; i++) {
        health_word_set_wavers(health, i, health->nodes[HEALTH_ENDPOINT][i].wavering != 0);
    }
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            enum health_observed after;
            if (roll_up(health, kind, i, &after)) {
                health_word_set_observed(health, kind, i, after);
            }
        }
    }
    health->is_filled = was_filled;
}

/* Streaks and rise/fall. Returns whether the verdict changed. */
static bool judge(struct health_monitor *monitor, bool failing)
{
    if (monitor->failing != failing) {
        monitor->failing = failing;
        monitor->streak = 0;
    }
    if (monitor->streak < UINT16_MAX) {
        monitor->streak++;
    }
    enum health_observed verdict = monitor->verdict;
    if (failing) {
        if (monitor->streak >= monitor->fall) {
            verdict = HEALTH_OBSERVED_UNHEALTHY;
        }
    } else if (verdict == HEALTH_OBSERVED_UNKNOWN || monitor->inherited || monitor->streak >= monitor->rise) {
        verdict = HEALTH_OBSERVED_HEALTHY;
    }
    bool changed = verdict != monitor->verdict;
    monitor->inherited = monitor->inherited && !changed && monitor->streak < monitor->fall;
    monitor->verdict = (uint8_t)verdict;
    return changed;
}

/* Does the endpoint begin or end to waver with this monitor? Stored, not yet told. */
static bool count_wavering(struct health *health, const struct health_monitor *m, bool wavered)
{
    struct health_node *endpoint = &health->nodes[HEALTH_ENDPOINT][m->endpoint];
    uint32_t before = endpoint->wavering;
    endpoint->wavering += wavered ? UINT32_MAX : 1;
    if ((before != 0) == (endpoint->wavering != 0)) {
        return false;
    }
    health_word_set_wavers(health, m->endpoint, endpoint->wavering != 0);
    return true;
}

/* An object that changed, of each kind. */
struct rise {
    uint32_t indices[HEALTH_KINDS];
    enum health_observed after[HEALTH_KINDS];
    int count;
};

/* A region is lost by its own word, and what is below follows as said already; it is back when everything
 * below is. So one store decides for all names. */
static void store_rise(struct health *health, const struct rise *rise)
{
    for (int i = 0; i < rise->count; i++) {
        int kind = rise->after[0] == HEALTH_OBSERVED_UNHEALTHY ? rise->count - 1 - i : i;
        health_word_set_observed(health, kind, rise->indices[kind], rise->after[kind]);
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
    enum health_observed before = m->verdict;
    bool wavered = wavers(m), changed = judge(m, health_outcome_is_failure(outcome));
    bool turned = wavers(m) != wavered && count_wavering(health, m, wavered);
    turned = turned && health->watches_wavering;
    if (changed) {
        health_node_count(&health->nodes[HEALTH_ENDPOINT][m->endpoint], before, m->verdict);
        climb(health, m->endpoint, outcome, turned);
    } else if (turned) {
        health_table_advance(health);
    }
}

/* ---- histories from elsewhere ---- */

void health_replace_monitor(struct health *health, uint32_t monitor, const struct health_monitor *history,
                            int64_t wall_ms)
{
    struct health_monitor *m = &health->monitors[monitor];
    struct health_node *endpoint = &health->nodes[HEALTH_ENDPOINT][m->endpoint];
    enum health_observed before = m->verdict;
    bool wavered = wavers(m), was_idle = m->idle;
    health_copy_history(m, history);
    health->wall_ms = wall_ms;
    endpoint->members += (uint32_t)was_idle - (uint32_t)m->idle;
    health_node_count(endpoint, before, m->verdict);
    bool turned = wavers(m) != wavered && count_wavering(health, m, wavered) && health->watches_wavering;
    climb(health, m->endpoint, HEALTH_OUTCOME_NONE, turned);
}

/* ---- endpoints that are a host name ---- */

bool health_use_monitor(struct health *health, uint32_t monitor, bool used, int64_t wall_ms)
{
    assert(monitor < health->monitor_count && !health->delivering);
    struct health_monitor *m = &health->monitors[monitor];
    if (m->idle == !used) {
        return false;
    }
    struct health_node *endpoint = &health->nodes[HEALTH_ENDPOINT][m->endpoint];
    enum health_observed before = m->verdict;
    bool wavered = wavers(m);
    health_note(health, HEALTH_ENDPOINT, m->endpoint);
    health->wall_ms = wall_ms;
    m->idle = !used;
    m->inherited = false;
    m->verdict = HEALTH_OBSERVED_UNKNOWN;
    m->streak = m->detail = 0;
    m->outcome = HEALTH_OUTCOME_NONE;
    m->checked_ms = 0;
    m->duration_us = 0;
    endpoint->members += used ? 1 : UINT32_MAX;
    health_node_count(endpoint, before, HEALTH_OBSERVED_UNKNOWN);
    bool turned = wavered && count_wavering(health, m, true) && health->watches_wavering;
    climb(health, m->endpoint, HEALTH_OUTCOME_NONE, turned);
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
