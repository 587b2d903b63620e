/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What follows from opinions for one monitor: a pure function of those that count (opinion.h). Each vantage
 * has a column of cells, one for each monitor; a word of bits says who counts. */
#include "config.h"

#include "health/opinion.h"

#include "base/memory.h"
#include "health/brake_frame.h"
#include "health/opinion_inside.h"

#include <assert.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* ---- the plan ---- */

static bool is_in_scope(const struct health_quorum *quorum, const char *name)
{
    bool is = quorum->name_count == 0;
    for (size_t i = 0; i < quorum->name_count && !is; i++) {
        is = fnmatch(quorum->names[i], name, FNM_NOESCAPE) == 0;
    }
    return is;
}

uint32_t *opinion_make_scopes(const struct health *health, const struct vantage *vantages, uint32_t present)
{
    const struct health_quorums *quorums = &health->frame->quorums;
    uint32_t *scopes = memory_alloc_array(quorums->count, sizeof *scopes);
    for (size_t q = 0; q < quorums->count; q++) {
        for (uint32_t left = present; left != 0; left &= left - 1) {
            unsigned number = (unsigned)__builtin_ctz(left);
            const struct vantage *v = &vantages[number];
            const struct health_quorum *quorum = &quorums->quorums[q];
            bool is_us = number == LOCAL && quorums->local_name != NULL;
            bool is = v->weight != 0 &&
                      (is_in_scope(quorum, v->name) || (is_us && is_in_scope(quorum, quorums->local_name)));
            scopes[q] |= is ? 1u << number : 0;
        }
    }
    return scopes;
}

void opinion_share_scopes(struct health *to, const struct health *from)
{
    struct health_opinions *o = to->opinions;
    if (to->frame == from->frame) { /* as they are */
        memcpy(o->scopes, from->opinions->scopes, to->frame->quorums.count * sizeof *o->scopes);
        return;
    }
    free(o->scopes);
    o->scopes = opinion_make_scopes(to, o->vantages, o->present);
}

static void add(struct health *health)
{
    const struct health_quorums *quorums = &health->frame->quorums;
    if (quorums->count == 0) {
        return;
    }
    struct health_opinions *o = health->opinions = arena_alloc(health->arena, sizeof *o);
    memcpy(o->vantages[LOCAL].name, HEALTH_LOCAL_NAME, sizeof HEALTH_LOCAL_NAME);
    o->vantages[LOCAL].weight = quorums->local_weight;
    o->present = o->fresh = LOCAL_BIT;
    size_t controls = health->brake == NULL ? 0 : health->brake->frame->plan.control_count;
    o->vantages[LOCAL].cells = memory_alloc_array(controls, sizeof(struct cell));
    o->scopes = opinion_make_scopes(health, o->vantages, o->present);
}

void health_opinions_add_like(struct health *health)
{
    add(health);
}

/* Equal ones are one: thousands of endpoints may say who counts, and few of them anything of their own. */
static const struct health_quorum *share_quorum(struct arena *arena, const struct health_quorum *from)
{
    struct health_quorum quorum;
    const char **names = memory_alloc_array(from->name_count, sizeof(const char *));
    for (size_t i = 0; i < from->name_count; i++) {
        names[i] = arena_share_text(arena, from->names[i]);
    }
    memset(&quorum, 0, sizeof quorum); /* with what lies between its members: equal ones are equal octets */
    quorum.kind = from->kind;
    quorum.count = from->count;
    quorum.at_least = from->at_least;
    quorum.names = arena_share(arena, names, from->name_count * sizeof(const char *));
    quorum.name_count = from->name_count;
    if (from->name_count == 0) {
        quorum.names = NULL;
    }
    free(names);
    return arena_share(arena, &quorum, sizeof quorum);
}

static int compare_places(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t) * (const struct health_quorum *const *)left;
    uintptr_t b = (uintptr_t) * (const struct health_quorum *const *)right;
    return a < b ? -1 : a > b;
}

/* Sorted, each once. Returns how many are left. */
static size_t sort_out(const struct health_quorum **all, size_t count)
{
    size_t left = 0;
    qsort(all, count, sizeof *all, compare_places);
    for (size_t i = 0; i < count; i++) {
        if (left == 0 || all[i] != all[left - 1]) {
            all[left++] = all[i];
        }
    }
    return left;
}

/* Those of all monitors, and which of them is whose. */
static void merge_quorums(struct health *health, const struct health_quorums *from)
{
    struct arena *arena = health->frame->arena;
    struct health_quorums *to = &health->frame->quorums;
    size_t count = from->monitors == NULL ? 1 : from->count;
    const struct health_quorum **shared = memory_alloc_array(count, sizeof *shared);
    const struct health_quorum **sorted = memory_alloc_array(count, sizeof *sorted);
    for (size_t i = 0; i < count; i++) {
        sorted[i] = shared[i] = share_quorum(arena, &from->quorums[i]);
    }
    to->count = sort_out(sorted, count);
    struct health_quorum *quorums = arena_alloc(arena, to->count * sizeof *quorums);
    for (size_t i = 0; i < to->count; i++) {
        quorums[i] = *sorted[i];
    }
    to->quorums = quorums;
    if (from->monitors != NULL) {
        uint32_t *monitors = arena_alloc(arena, health->monitor_count * sizeof *monitors);
        for (uint32_t i = 0; i < health->monitor_count; i++) {
            const struct health_quorum **at =
                bsearch(&shared[from->monitors[i]], sorted, to->count, sizeof *sorted, compare_places);
            monitors[i] = (uint32_t)(at - sorted);
        }
        to->monitors = monitors;
    }
    free(sorted);
    free(shared);
}

void health_opinions_add(struct health *health, const struct health_quorums *from)
{
    if (from == NULL) {
        return;
    }
    assert(from->count != 0);
    health->frame->quorums = *from;
    health->frame->quorums.local_name = arena_copy_text(health->frame->arena, from->local_name);
    merge_quorums(health, from);
    add(health);
}

void health_opinions_free(struct health *health)
{
    for (int i = 0; health->opinions != NULL && i < HEALTH_VANTAGES_MAX; i++) {
        free(health->opinions->vantages[i].cells);
    }
    if (health->opinions != NULL) {
        free(health->opinions->scopes);
    }
}

static uint32_t quorum_index(const struct health *health, uint32_t monitor)
{
    const struct health_quorums *quorums = &health->frame->quorums;
    return quorums->monitors == NULL ? 0 : quorums->monitors[monitor];
}

const struct health_quorum *opinion_quorum_of(const struct health *health, uint32_t monitor)
{
    return &health->frame->quorums.quorums[quorum_index(health, monitor)];
}

uint32_t opinion_scope_of(const struct health *health, uint32_t monitor)
{
    return health->opinions->scopes[quorum_index(health, monitor)];
}

unsigned opinion_family_of(const struct health *health, uint32_t monitor)
{
    const struct health_brake *brake = health->brake;
    return brake == NULL ? 0 : brake->frame->places[brake->frame->target_of[monitor]].family;
}

/* ---- cells ---- */

static void count_cell(struct vantage *v, const struct cell *cell, int sign)
{
    v->up += cell->verdict == HEALTH_OBSERVED_HEALTHY ? (uint32_t)sign : 0;
    v->down += cell->verdict == HEALTH_OBSERVED_UNHEALTHY ? (uint32_t)sign : 0;
}

void opinion_set_cell(struct vantage *v, uint32_t monitor, const struct cell *cell)
{
    count_cell(v, &v->cells[monitor], -1);
    v->cells[monitor] = *cell;
    count_cell(v, cell, 1);
}

void health_opinions_forget(struct health *health, uint32_t monitor)
{
    static const struct cell none = {.verdict = HEALTH_OBSERVED_UNKNOWN};
    struct health_opinions *o = health->opinions;
    for (uint32_t left = o == NULL ? 0 : o->present & ~(uint32_t)LOCAL_BIT; left != 0; left &= left - 1) {
        opinion_set_cell(&o->vantages[__builtin_ctz(left)], monitor, &none);
    }
}

/* ---- judging ---- */

/* Our own sight, while it says anything. */
static enum health_observed find_local(const struct health *health, const struct health_monitor *m)
{
    bool is_stale = !health->opinions->assumes && health_is_stale(m, health->now_ms);
    return m->idle || m->restored || m->doubted || health_is_held(m) || is_stale
               ? HEALTH_OBSERVED_UNKNOWN
               : (enum health_observed)m->own;
}

enum health_observed opinion_of(const struct health *health, unsigned vantage, uint32_t monitor)
{
    const struct vantage *v = &health->opinions->vantages[vantage];
    if (vantage == LOCAL) {
        return find_local(health, &health->monitors[monitor]);
    }
    const struct cell *cell = &v->cells[monitor];
    return cell->epoch == v->epoch ? (enum health_observed)cell->verdict : HEALTH_OBSERVED_UNKNOWN;
}

bool opinion_is_awaited(const struct health *health, unsigned vantage, uint32_t monitor)
{
    const struct vantage *v = &health->opinions->vantages[vantage];
    const struct health_monitor *m = &health->monitors[monitor];
    const struct cell *cell = vantage == LOCAL ? NULL : &v->cells[monitor];
    if (m->verdict == HEALTH_OBSERVED_UNKNOWN || m->inherited || m->idle) {
        return false; /* there is nothing that it could have said */
    }
    if (cell == NULL) {
        return health->now_ms < v->awaited_ms && (m->restored || m->doubted);
    }
    return health->now_ms < v->awaited_ms ||
           (cell->epoch == 0 && cell->streak != 0 &&
            health->now_ms - (int64_t)cell->turned_ds * DECISECOND_MS < health->frame->quorums.expires_ms);
}

static void count(struct counted *counted, const struct health *health, unsigned number, uint32_t monitor)
{
    const struct health_opinions *o = health->opinions;
    bool is_fresh = (o->fresh >> number & 1) != 0;
    enum health_observed opinion = is_fresh ? opinion_of(health, number, monitor) : HEALTH_OBSERVED_UNKNOWN;
    uint32_t weight = o->vantages[number].weight;
    if (opinion != HEALTH_OBSERVED_UNKNOWN) {
        bool is_down = opinion == HEALTH_OBSERVED_UNHEALTHY;
        counted->weight += weight;
        counted->weight_down += is_down ? weight : 0;
        counted->down += is_down;
        counted->up += !is_down;
    } else if (opinion_is_awaited(health, number, monitor)) {
        counted->weight_awaited += weight;
        counted->awaited++;
    }
}

static uint32_t find_weight_needed(const struct health *health, const struct health_quorum *quorum,
                                   uint32_t could)
{
    uint64_t weight = 0;
    for (uint32_t left = quorum->kind == HEALTH_QUORUM_COUNT ? could : 0; left != 0; left &= left - 1) {
        weight += health->opinions->vantages[__builtin_ctz(left)].weight;
    }
    return weight < quorum->count ? (uint32_t)weight : quorum->count;
}

struct counted opinion_count(const struct health *health, uint32_t monitor)
{
    const struct health_opinions *o = health->opinions;
    const struct health_quorum *quorum = opinion_quorum_of(health, monitor);
    uint32_t could = opinion_scope_of(health, monitor) & ~o->drained;
    uint32_t voters = could & ~o->aside[opinion_family_of(health, monitor)];
    struct counted counted = {.could = (unsigned)__builtin_popcount(could),
                              .weight_needed = find_weight_needed(health, quorum, could)};
    for (; voters != 0; voters &= voters - 1) {
        count(&counted, health, (unsigned)__builtin_ctz(voters), monitor);
    }
    unsigned least = quorum->at_least;
    least = least == 0 ? (counted.could + 1) / 2 : least < counted.could ? least : counted.could;
    counted.needed = least == 0 ? 1 : least;
    return counted;
}

/* Of all the weight, and what says down. */
static bool is_down(enum health_quorum_kind kind, uint32_t needed, uint64_t weight, uint64_t weight_down)
{
    switch (kind) {
    case HEALTH_QUORUM_ANY: return weight_down != 0;
    case HEALTH_QUORUM_MAJORITY: return 2 * weight_down > weight;
    case HEALTH_QUORUM_ALL: return weight_down == weight;
    default: return weight_down >= needed;
    }
}

/* Those who say anything could not say down, all of them together; and not all of them say up. */
static bool has_too_little_weight(const struct counted *counted)
{
    return counted->weight < counted->weight_needed && counted->weight_down != 0;
}

/* Those who are awaited may all say the contrary. */
enum health_observed health_opinions_judge(const struct health *health, uint32_t monitor)
{
    struct counted counted = opinion_count(health, monitor);
    enum health_quorum_kind kind = opinion_quorum_of(health, monitor)->kind;
    if (counted.up + counted.down < counted.needed || has_too_little_weight(&counted)) {
        return HEALTH_OBSERVED_UNKNOWN;
    }
    bool falls = is_down(kind, counted.weight_needed, counted.weight, counted.weight_down);
    uint64_t weight = (uint64_t)counted.weight + counted.weight_awaited;
    uint64_t against = (uint64_t)counted.weight_down + (falls ? 0 : counted.weight_awaited);
    if (counted.awaited != 0 && is_down(kind, counted.weight_needed, weight, against) != falls) {
        return HEALTH_OBSERVED_UNKNOWN;
    }
    return falls ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_HEALTHY;
}

bool health_opinions_differ(const struct health *health, uint32_t monitor)
{
    const struct health_monitor *m = &health->monitors[monitor];
    struct counted counted = opinion_count(health, monitor);
    bool is_local = (opinion_scope_of(health, monitor) & LOCAL_BIT) != 0;
    bool hangs = is_local && m->streak != 0 && m->failing != (m->own == HEALTH_OBSERVED_UNHEALTHY);
    return hangs || (m->verdict == HEALTH_OBSERVED_UNHEALTHY ? counted.up : counted.down) != 0;
}

void health_opinions_follow(struct health *health, uint32_t monitor)
{
    struct health_monitor *m = &health->monitors[monitor];
    if (health->opinions == NULL) {
        return;
    }
    bool is_judged = opinion_scope_of(health, monitor) != LOCAL_BIT && !m->is_told;
    if (m->is_judged != is_judged) {
        uint8_t own = (uint8_t)health_find_own(m, &health->monitor_stays[monitor]);
        m->is_judged = is_judged;
        m->own = is_judged ? own : HEALTH_OBSERVED_UNKNOWN;
        m->disputed = false;
    }
}

bool health_opinions_settle(struct health *health, uint32_t index)
{
    struct health_monitor *monitor = &health->monitors[index];
    enum health_observed judged = health_opinions_judge(health, index), verdict = monitor->verdict;
    if (judged != HEALTH_OBSERVED_UNKNOWN) {
        verdict = health_stay_monitor(health, index, judged);
        monitor->inherited = false;
    }
    bool changed = verdict != monitor->verdict;
    monitor->verdict = (uint8_t)verdict;
    monitor->disputed = health_opinions_differ(health, index);
    return changed;
}
