/* SPDX-License-Identifier: BSD-3-Clause
 *
 * After a reload the new machine takes over what the old one knew; a copy takes over everything. Objects are
 * matched by name, monitors by the identity of what they observe within an endpoint of the same name; so an
 * endpoint that moved to another az or got one more check keeps the history of the checks that stayed. Nobody
 * is told: to the outside nothing happened yet, and the publisher compares old and new if it wants to log.
 *
 * It goes in steps, so that whoever reports results to the old machine never waits for more than some
 * objects. What changes there in the meantime is noted in a journal and taken over again. "Since when" and
 * "back since" of an object follow from what was carried for it and from its state alone, and are put right
 * wherever either changes: so the end is the same as if all had been carried at the last moment. */
#include "config.h"

#include "health/health.h"

#include "base/memory.h"
#include "health/machine.h"

#include <assert.h>
#include <stdlib.h>

enum { NEW = UINT32_MAX }; /* there is no such object in the other machine */

/* What the old machine says of an object. */
struct kept {
    int64_t since_ms;
    uint32_t back_s;
    enum health_state state;
};

struct health_carrier {
    struct health *to, *from;
    int64_t wall_ms;
    bool is_same_plan;
    uint32_t *old[HEALTH_KINDS];     /* of each new object; NULL: the same numbers */
    uint32_t *next_of[HEALTH_KINDS]; /* of each old object, while watching; NULL: likewise */
    uint32_t *old_monitors;          /* of each new monitor; NULL: likewise */
    struct kept *kept[HEALTH_KINDS]; /* of each new object */
    size_t done;                     /* of all objects, in the first turn */
    bool watches;
    struct health_journal journal;
    struct health_carrier_hook hook;
    struct health_listener listener; /* of `to`, until the end */
    struct health_place *touched;    /* while catching up: new objects that changed */
    size_t touched_count, touched_capacity;
};

/* ---- who is who ---- */

static uint32_t find_old(const struct health_carrier *c, enum health_kind kind, uint32_t index)
{
    return c->is_same_plan ? index : c->old[kind][index];
}

static uint32_t find_next(const struct health_carrier *c, enum health_kind kind, uint32_t old)
{
    return c->is_same_plan ? old : c->next_of[kind][old];
}

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
    return NEW;
}

static void map_monitors(struct health_carrier *c, uint32_t endpoint)
{
    const struct health_node *node = &c->to->nodes[HEALTH_ENDPOINT][endpoint];
    uint32_t hint = 0, old = c->old[HEALTH_ENDPOINT][endpoint];
    for (uint32_t i = node->first_child; i < node->first_child + node->child_count; i++) {
        c->old_monitors[i] = old == NEW ? NEW
                                        : find_monitor(c->from, &c->from->nodes[HEALTH_ENDPOINT][old],
                                                       c->to->monitors[i].identity, &hint);
    }
}

static void map_objects(struct health_carrier *c, enum health_kind kind)
{
    c->old[kind] = memory_alloc_array(c->to->counts[kind], sizeof *c->old[kind]);
    c->next_of[kind] = memory_alloc_array(c->from->counts[kind], sizeof *c->next_of[kind]);
    for (uint32_t i = 0; i < c->from->counts[kind]; i++) {
        c->next_of[kind][i] = NEW;
    }
    for (uint32_t i = 0; i < c->to->counts[kind]; i++) {
        ptrdiff_t at = health_find(c->from, kind, c->to->nodes[kind][i].name);
        c->old[kind][i] = at < 0 ? NEW : (uint32_t)at;
        if (at >= 0) {
            c->next_of[kind][at] = i;
        }
    }
}

struct health_carrier *health_carrier_new(struct health *to, struct health *from, int64_t wall_ms)
{
    assert(to != from && !to->delivering);
    struct health_carrier *c = memory_alloc(sizeof *c);
    *c = (struct health_carrier){.to = to,
                                 .from = from,
                                 .wall_ms = wall_ms,
                                 .is_same_plan = to->frame == from->frame,
                                 .listener = to->listener};
    to->wall_ms = wall_ms;
    to->is_filled = false;
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        c->kept[kind] = memory_alloc_array(to->counts[kind], sizeof *c->kept[kind]);
        if (!c->is_same_plan) {
            map_objects(c, kind);
        }
    }
    if (!c->is_same_plan) {
        c->old_monitors = memory_alloc_array(to->monitor_count, sizeof *c->old_monitors);
        for (uint32_t i = 0; i < to->counts[HEALTH_ENDPOINT]; i++) {
            map_monitors(c, i);
        }
    }
    return c;
}

void health_carrier_set_hook(struct health_carrier *c, const struct health_carrier_hook *hook)
{
    c->hook = *hook;
}

/* ---- one object ---- */

static void keep(struct health_carrier *c, enum health_kind kind, uint32_t index, uint32_t old)
{
    c->kept[kind][index] = (struct kept){
        .since_ms = health_find_since(c->from, kind, old),
        .back_s = atomic_load_explicit(health_back_at(c->from, kind, old), memory_order_relaxed),
        .state = health_find_effective(c->from, kind, old).state};
}

/* Returns whether words of it may have changed. */
static bool carry_override(struct health_carrier *c, enum health_kind kind, uint32_t index, uint32_t old)
{
    uint32_t at = c->from->nodes[kind][old].override_at;
    if (at != 0) {
        uint32_t word = health_word_get(c->from, kind, old);
        health_put_override(c->to, kind, index, &c->from->overrides[at - 1].what,
                            (word & HEALTH_WORD_PLANNED) != 0);
    } else if (c->to->nodes[kind][index].override_at != 0) {
        health_drop_override(c->to, kind, index);
    } else {
        return false;
    }
    return true;
}

static void carry_words(struct health_carrier *c, uint32_t endpoint, uint32_t old)
{
    uint32_t word = health_word_get(c->from, HEALTH_ENDPOINT, old);
    health_word_set_resolved(c->to, endpoint, word & HEALTH_WORD_RESOLVED);
    health_carry_load(c->to, endpoint, c->from, old);
}

static uint32_t find_old_monitor(const struct health_carrier *c, uint32_t monitor)
{
    return c->is_same_plan ? monitor : c->old_monitors[monitor];
}

static void carry_first(struct health_carrier *c, enum health_kind kind, uint32_t index)
{
    const struct health_node *node = &c->to->nodes[kind][index];
    uint32_t old = find_old(c, kind, index);
    if (old == NEW) {
        return;
    }
    for (uint32_t i = 0; kind == HEALTH_ENDPOINT && i < node->child_count; i++) {
        uint32_t from = find_old_monitor(c, node->first_child + i);
        if (from != NEW) {
            health_copy_history(&c->to->monitors[node->first_child + i], &c->from->monitors[from]);
        }
    }
    if (kind == HEALTH_ENDPOINT) {
        carry_words(c, index, old);
    }
    (void)carry_override(c, kind, index, old);
    keep(c, kind, index, old);
}

/* ---- the first turn ---- */

void health_carrier_watch(struct health_carrier *c)
{
    size_t all = 0;
    assert(c->from->journal == NULL); /* one at a time */
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        c->journal.noted[kind] = memory_alloc_array(c->from->counts[kind], sizeof(bool));
        all += c->from->counts[kind];
    }
    c->journal.places = memory_alloc_array(all, sizeof *c->journal.places);
    c->from->journal = &c->journal;
    c->watches = true;
}

bool health_carrier_step(struct health_carrier *c, size_t count)
{
    size_t before = 0;
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        for (; count != 0 && c->done - before < c->to->counts[kind]; count--) {
            carry_first(c, kind, (uint32_t)(c->done++ - before));
        }
        before += c->to->counts[kind];
        if (c->done < before) {
            return true;
        }
    }
    return false;
}

/* Since when it is as it is: the old time where the state is the old one. */
static void put_right(struct health_carrier *c, enum health_kind kind, uint32_t index)
{
    const struct kept *kept = &c->kept[kind][index];
    bool is_known = find_old(c, kind, index) != NEW;
    bool is_same = is_known && kept->state == c->to->nodes[kind][index].told.state;
    health_set_since(c->to, kind, index, is_same ? kept->since_ms : c->wall_ms);
    atomic_store_explicit(health_back_at(c->to, kind, index), kept->back_s, memory_order_relaxed);
}

static void note_change(void *context, const struct health_change *change)
{
    struct health_carrier *c = context;
    c->touched = memory_grow(c->touched, c->touched_count, &c->touched_capacity, sizeof *c->touched);
    c->touched[c->touched_count++] = (struct health_place){change->kind, change->index};
}

void health_carrier_settle(struct health_carrier *c)
{
    struct health *to = c->to;
    health_rebuild(to);
    health_table_advance(to);
    to->is_filled = true;
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < to->counts[kind]; i++) {
            struct health_node *node = &to->nodes[kind][i];
            node->told = health_find_effective(to, kind, i);
            node->told_observed = health_word_observed(health_word_get(to, kind, i));
            put_right(c, kind, i);
        }
    }
    health_set_listener(to, &(struct health_listener){.context = c, .changed = note_change});
}

/* ---- what changed since ---- */

static void carry_again(struct health_carrier *c, enum health_kind kind, uint32_t index, uint32_t old)
{
    const struct health_node *node = &c->to->nodes[kind][index];
    for (uint32_t i = 0; kind == HEALTH_ENDPOINT && i < node->child_count; i++) {
        uint32_t from = find_old_monitor(c, node->first_child + i);
        if (from != NEW) {
            health_replace_monitor(c->to, node->first_child + i, &c->from->monitors[from], c->wall_ms);
        }
    }
    if (kind == HEALTH_ENDPOINT) {
        carry_words(c, index, old);
    }
    if (carry_override(c, kind, index, old)) {
        health_settle(c->to, kind, index, HEALTH_OUTCOME_NONE);
        health_deliver(c->to);
    }
    keep(c, kind, index, old);
    note_change(c, &(struct health_change){.kind = kind, .index = index});
    if (kind == HEALTH_ENDPOINT && c->hook.carried != NULL) {
        c->hook.carried(c->hook.context, index);
    }
}

size_t health_carrier_catch_up(struct health_carrier *c, size_t count)
{
    struct health_journal *journal = &c->journal;
    bool is_told = !health_tell(c->from, count), any = journal->count != 0;
    for (; count != 0 && journal->count != 0; count--) {
        struct health_place place = journal->places[--journal->count];
        uint32_t index = find_next(c, place.kind, place.index);
        journal->noted[place.kind][place.index] = false;
        if (index != NEW) {
            carry_again(c, place.kind, index, place.index);
        }
    }
    if (any) {
        health_table_advance(c->to);
    }
    for (size_t i = 0; i < c->touched_count; i++) {
        put_right(c, c->touched[i].kind, c->touched[i].index);
    }
    c->touched_count = 0;
    return is_told ? journal->count : SIZE_MAX;
}

void health_carrier_end(struct health_carrier *c)
{
    if (c->watches) { /* who copied only may be without the lock by now: others begin to watch */
        c->from->journal = NULL;
    }
    c->to->listener = c->listener;
}

void health_carrier_free(struct health_carrier *c)
{
    if (c == NULL) {
        return;
    }
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        free(c->old[kind]);
        free(c->next_of[kind]);
        free(c->kept[kind]);
        free(c->journal.noted[kind]);
    }
    free(c->old_monitors);
    free(c->journal.places);
    free(c->touched);
    free(c);
}

void health_carry(struct health *to, const struct health *from, int64_t wall_ms)
{
    /* without watch() nothing of `from` is written */
    struct health_carrier *c = health_carrier_new(to, (struct health *)(uintptr_t)from, wall_ms);
    (void)health_carrier_step(c, SIZE_MAX);
    health_carrier_settle(c);
    health_carrier_end(c);
    health_carrier_free(c);
}
