/* SPDX-License-Identifier: BSD-3-Clause
 *
 * After a reload the new machine takes over what the old one knew. Objects are matched by name, monitors by
 * the identity of what they observe within an endpoint of the same name; so an endpoint that moved to another
 * az or got one more check keeps the history of the checks that stayed. Nobody is told: to the outside
 * nothing happened yet, and the publisher compares old and new if it wants to log. */
#include "config.h"

#include "health/health.h"

#include "health/machine.h"

#include <assert.h>

/* Same identity at or behind `hint`, else from the start: documents mostly keep their order, so this is one
 * step. */
static const struct health_monitor *
find_monitor(const struct health *from, const struct health_node *endpoint, uint64_t identity, uint32_t *hint)
{
    for (uint32_t i = 0; i < endpoint->child_count; i++) {
        uint32_t at = (*hint + i) % endpoint->child_count;
        const struct health_monitor *monitor = &from->monitors[endpoint->first_child + at];
        if (monitor->identity == identity) {
            *hint = at + 1;
            return monitor;
        }
    }
    return NULL;
}

static void carry_monitors(struct health *to, const struct health_node *endpoint, const struct health *from,
                           const struct health_node *old)
{
    uint32_t hint = 0;
    for (uint32_t i = 0; i < endpoint->child_count; i++) {
        struct health_monitor *monitor = &to->monitors[endpoint->first_child + i];
        const struct health_monitor *known = find_monitor(from, old, monitor->identity, &hint);
        if (known == NULL) {
            continue;
        }
        monitor->checked_ms = known->checked_ms;
        monitor->duration_us = known->duration_us;
        monitor->detail = known->detail;
        monitor->streak = known->streak;
        monitor->failing = known->failing;
        monitor->verdict = known->verdict;
        monitor->outcome = known->outcome;
    }
}

static const struct health_node *find_old(const struct health *from, enum health_kind kind, const char *name)
{
    ptrdiff_t at = health_find(from, kind, name);
    return at < 0 ? NULL : &from->nodes[kind][at];
}

static void carry_overrides(struct health *to, const struct health *from)
{
    for (size_t i = 0; i < from->override_count; i++) {
        const struct health_override_entry *entry = &from->overrides[i];
        ptrdiff_t at = health_find(to, entry->kind, from->nodes[entry->kind][entry->index].name);
        if (at >= 0) {
            uint32_t word = health_word_get(from, entry->kind, entry->index);
            health_put_override(to, entry->kind, (uint32_t)at, &entry->what,
                                (word & HEALTH_WORD_PLANNED) != 0);
        }
    }
}

/* What is true now, since when: the old time where the state did not change. */
static void carry_since(struct health *to, const struct health *from, int64_t wall_ms)
{
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < to->counts[kind]; i++) {
            struct health_node *node = &to->nodes[kind][i];
            const struct health_node *old = find_old(from, kind, node->name);
            node->told = health_find_effective(to, kind, i);
            node->told_observed = health_word_observed(health_word_get(to, kind, i));
            node->since_ms = old != NULL && old->told.state == node->told.state ? old->since_ms : wall_ms;
            if (old != NULL) {
                ptrdiff_t at = old - from->nodes[kind];
                *health_back_at(to, kind, i) = *health_back_at(from, kind, (uint32_t)at);
            }
        }
    }
}

void health_carry(struct health *to, const struct health *from, int64_t wall_ms)
{
    assert(to != from && !to->delivering);
    for (uint32_t i = 0; i < to->counts[HEALTH_ENDPOINT]; i++) {
        const struct health_node *endpoint = &to->nodes[HEALTH_ENDPOINT][i];
        const struct health_node *old = find_old(from, HEALTH_ENDPOINT, endpoint->name);
        if (old != NULL) {
            carry_monitors(to, endpoint, from, old);
            health_carry_load(to, i, from, (uint32_t)(old - from->nodes[HEALTH_ENDPOINT]));
        }
    }
    to->wall_ms = wall_ms;
    carry_overrides(to, from);
    health_rebuild(to);
    health_table_advance(to);
    carry_since(to, from, wall_ms);
}
