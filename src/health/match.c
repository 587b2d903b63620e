/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Objects are matched by name. What was observed belongs to addresses, though: an endpoint that has all those
 * of one that is gone under its name, or has other ones now, is that one under another name. Its monitors are
 * matched by identity, else by whom and what they ask. */
#include "config.h"

#include "health/match.h"

#include "base/memory.h"
#include "health/machine.h"

#include <stdlib.h>

static void match_names(struct health_match *match, enum health_kind kind, const struct health *to,
                        const struct health *from)
{
    match->old[kind] = memory_alloc_array(to->counts[kind], sizeof *match->old[kind]);
    match->next[kind] = memory_alloc_array(from->counts[kind], sizeof *match->next[kind]);
    for (uint32_t i = 0; i < from->counts[kind]; i++) {
        match->next[kind][i] = HEALTH_NEW;
    }
    match->gone_count += from->counts[kind];
    for (uint32_t i = 0; i < to->counts[kind]; i++) {
        ptrdiff_t at = health_find(from, kind, to->nodes[kind][i].name);
        match->old[kind][i] = at < 0 ? HEALTH_NEW : (uint32_t)at;
        if (at >= 0) {
            match->gone_count--;
            match->next[kind][at] = i;
        }
    }
}

/* ---- who was renamed ---- */

struct addressed {
    uint64_t identity;
    uint32_t endpoint;
};

static int compare_addressed(const void *left, const void *right)
{
    const struct addressed *a = left, *b = right;
    if (a->identity != b->identity) {
        return a->identity < b->identity ? -1 : 1;
    }
    return a->endpoint < b->endpoint ? -1 : a->endpoint > b->endpoint;
}

/* Old endpoints whose addresses nobody of their name has any more. Returns owned, sorted. */
static struct addressed *list_free(const struct health_match *match, const struct health *to,
                                   const struct health *from, size_t *count)
{
    uint32_t all = from->counts[HEALTH_ENDPOINT];
    struct addressed *free_ones = memory_alloc_array(all, sizeof *free_ones);
    *count = 0;
    for (uint32_t i = 0; i < all; i++) {
        uint32_t next = match->next[HEALTH_ENDPOINT][i];
        bool stays = next != HEALTH_NEW && to->addressed[next] == from->addressed[i];
        if (!stays && from->addressed[i] != 0) {
            free_ones[(*count)++] = (struct addressed){from->addressed[i], i};
        }
    }
    qsort(free_ones, *count, sizeof *free_ones, compare_addressed);
    return free_ones;
}

/* The first one of this identity, or HEALTH_NEW. */
static uint32_t find_addressed(const struct addressed *items, size_t count, uint64_t identity)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (items[middle].identity < identity) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && items[low].identity == identity ? items[low].endpoint : HEALTH_NEW;
}

static void match_addresses(struct health_match *match, const struct health *to, const struct health *from)
{
    size_t count;
    struct addressed *free_ones = list_free(match, to, from, &count);
    match->seen = memory_alloc_array(to->counts[HEALTH_ENDPOINT], sizeof *match->seen);
    match->next_heir = memory_alloc_array(to->counts[HEALTH_ENDPOINT], sizeof *match->next_heir);
    match->first_heir = memory_alloc_array(from->counts[HEALTH_ENDPOINT], sizeof *match->first_heir);
    for (uint32_t i = 0; i < from->counts[HEALTH_ENDPOINT]; i++) {
        match->first_heir[i] = HEALTH_NEW;
    }
    for (uint32_t i = 0; i < to->counts[HEALTH_ENDPOINT]; i++) {
        uint32_t old = match->old[HEALTH_ENDPOINT][i];
        uint64_t identity = to->addressed[i];
        if (identity != 0 && (old == HEALTH_NEW || from->addressed[old] != identity)) {
            uint32_t renamed = find_addressed(free_ones, count, identity);
            old = renamed != HEALTH_NEW ? renamed : old;
        }
        match->seen[i] = old;
        match->next_heir[i] = HEALTH_NEW;
        if (old != HEALTH_NEW) {
            match->next_heir[i] = match->first_heir[old];
            match->first_heir[old] = i;
        }
    }
    free(free_ones);
}

/* ---- monitors ---- */

/* Same identity at or behind `hint`, else from the start: documents mostly keep their order, so this is one
 * step. */
static uint32_t find_monitor(const struct health *from, const struct health_node *endpoint, uint64_t identity,
                             uint32_t *hint)
{
    for (uint32_t i = 0; i < endpoint->child_count; i++) {
        uint32_t at = (*hint + i) % endpoint->child_count;
        if (from->monitors[endpoint->first_child + at].identity == identity) {
            *hint = at + 1;
            return endpoint->first_child + at;
        }
    }
    return HEALTH_NEW;
}

/* The same check of the same address, as it was. */
static uint32_t find_kin(const struct health *from, const struct health_node *endpoint,
                         const struct health_kin *kin)
{
    for (uint32_t i = endpoint->first_child; i < endpoint->first_child + endpoint->child_count; i++) {
        if (kin->subject != 0 && from->kin[i].subject == kin->subject && from->kin[i].check == kin->check) {
            return i;
        }
    }
    return HEALTH_NEW;
}

/* Returns whether each has one to go on from. */
static bool match_monitors(struct health_match *match, uint32_t endpoint, const struct health *to,
                           const struct health *from)
{
    const struct health_node *node = &to->nodes[HEALTH_ENDPOINT][endpoint], *old;
    uint32_t hint = 0, seen = match->seen[endpoint];
    bool all = true;
    for (uint32_t i = node->first_child; i < node->first_child + node->child_count; i++) {
        match->monitors[i] = HEALTH_NEW;
        if (seen != HEALTH_NEW) {
            old = &from->nodes[HEALTH_ENDPOINT][seen];
            match->monitors[i] = find_monitor(from, old, to->monitors[i].identity, &hint);
            match->is_exact[i] = match->monitors[i] != HEALTH_NEW;
            match->monitors[i] = match->is_exact[i] ? match->monitors[i] : find_kin(from, old, &to->kin[i]);
        }
        all = all && match->monitors[i] != HEALTH_NEW;
    }
    return all;
}

void health_match_init(struct health_match *match, const struct health *to, const struct health *from)
{
    *match = (struct health_match){.is_same_plan = to->frame == from->frame};
    if (match->is_same_plan) {
        return;
    }
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        match_names(match, kind, to, from);
    }
    match_addresses(match, to, from);
    match->monitors = memory_alloc_array(to->monitor_count, sizeof *match->monitors);
    match->is_exact = memory_alloc_array(to->monitor_count, sizeof *match->is_exact);
    match->fresh = memory_alloc_array(to->counts[HEALTH_ENDPOINT], sizeof *match->fresh);
    for (uint32_t i = 0; i < to->counts[HEALTH_ENDPOINT]; i++) {
        if (!match_monitors(match, i, to, from)) {
            match->fresh[match->fresh_count++] = i;
        }
    }
}

void health_match_fini(struct health_match *match)
{
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        free(match->old[kind]);
        free(match->next[kind]);
    }
    free(match->seen);
    free(match->first_heir);
    free(match->next_heir);
    free(match->monitors);
    free(match->is_exact);
    free(match->fresh);
}
