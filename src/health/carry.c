/* SPDX-License-Identifier: BSD-3-Clause
 *
 * After a reload the new machine takes over what the old one knew; a copy takes over everything. A reload by
 * itself moves no verdict: a monitor that asks what it asked before goes on from where it was; one that is
 * asked otherwise keeps the verdict and begins to count; one that is new at an address where others were has
 * the worst of theirs; one that is new at all knows nothing, but where its az or region is lost it is
 * unhealthy with that until it knows better. Who is who is match.c's. Overrides are people's word about a
 * name, and stay with it. Nobody is told: to the outside nothing happened yet, and the publisher compares old
 * and new if it wants to log.
 *
 * It goes in steps, so that whoever reports results to the old machine never waits for more than some
 * objects. What changes there in the meantime is noted in a journal and taken over again. "Since when" and
 * the last outage of an object follow from what was carried for it and from its state alone, and are put
 * right wherever either changes: so the end is the same as if all had been carried at the last moment. */
#include "config.h"

#include "health/health.h"

#include "base/memory.h"
#include "health/brake_inside.h"
#include "health/carry_inside.h"
#include "health/lag_inside.h"

#include <assert.h>
#include <stdlib.h>

struct health_carrier *health_carrier_new(struct health *to, struct health *from, int64_t wall_ms)
{
    assert(to != from && !to->delivering);
    struct health_carrier *c = memory_alloc(sizeof *c);
    *c = (struct health_carrier){.to = to, .from = from, .wall_ms = wall_ms, .listener = to->listener};
    to->wall_ms = wall_ms;
    to->is_filled = false;
    to->is_joining = true;
    health_guards_rest(to);
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        c->kept[kind] = memory_alloc_array(to->counts[kind], sizeof *c->kept[kind]);
    }
    health_match_init(&c->match, to, from);
    c->stamps = memory_alloc_array(HEALTH_DORMANT_BLOCKS, sizeof *c->stamps);
    return c;
}

void health_carrier_set_hook(struct health_carrier *c, const struct health_carrier_hook *hook)
{
    c->hook = *hook;
}

/* ---- monitors ---- */

static bool is_lost(const struct health *health, enum health_kind kind, uint32_t index)
{
    return index != HEALTH_NEW &&
           health_word_observed(health_word_get(health, kind, index)) == HEALTH_OBSERVED_UNHEALTHY;
}

/* Where the endpoint is now, as the old machine sees that. */
static bool is_in_lost_place(const struct health_carrier *c, uint32_t endpoint)
{
    uint32_t az = c->to->nodes[HEALTH_ENDPOINT][endpoint].parent;
    uint32_t region = c->to->nodes[HEALTH_AZ][az].parent;
    return is_lost(c->from, HEALTH_AZ, health_match_old(&c->match, HEALTH_AZ, az)) ||
           is_lost(c->from, HEALTH_REGION, health_match_old(&c->match, HEALTH_REGION, region));
}

static int severity_of(const struct health_monitor *monitor)
{
    return monitor->verdict == HEALTH_OBSERVED_UNHEALTHY ? 2 : monitor->verdict == HEALTH_OBSERVED_UNKNOWN;
}

/* Is the family of an endpoint lost to which a monitor of it belongs? */
static bool is_family_lost(const struct health *health, uint32_t monitor)
{
    const struct health_monitor *m = &health->monitors[monitor];
    uint32_t word = health_word_get(health, HEALTH_ENDPOINT, m->endpoint);
    enum health_family family = (m->families & 1u << HEALTH_V4) != 0 ? HEALTH_V4 : HEALTH_V6;
    return health_word_observed(health_word_of(word, family)) == HEALTH_OBSERVED_UNHEALTHY;
}

/* Who says the worst of what this monitor looks at; HEALTH_NEW: nobody says anything. What the endpoint did
 * without there does not count. */
static uint32_t find_worst(const struct health_carrier *c, uint32_t endpoint, uint32_t monitor)
{
    uint32_t worst = HEALTH_NEW;
    uint32_t seen = health_match_seen(&c->match, HEALTH_ENDPOINT, endpoint);
    uint64_t subject = c->to->kin[monitor].subject;
    if (seen == HEALTH_NEW || subject == 0) {
        return HEALTH_NEW;
    }
    const struct health_node *old = &c->from->nodes[HEALTH_ENDPOINT][seen];
    for (uint32_t i = old->first_child; i < old->first_child + old->child_count; i++) {
        const struct health_monitor *other = &c->from->monitors[i];
        bool counts = other->role != HEALTH_WATCHED &&
                      (other->verdict != HEALTH_OBSERVED_UNHEALTHY || is_family_lost(c->from, i));
        if (c->from->kin[i].subject == subject && !other->idle && counts &&
            (worst == HEALTH_NEW || severity_of(other) > severity_of(&c->from->monitors[worst]))) {
            worst = i;
        }
    }
    return worst;
}

static struct health_history find_history(const struct health_carrier *c, uint32_t endpoint, uint32_t monitor)
{
    const struct health_match *match = &c->match;
    uint32_t old = match->is_same_plan ? monitor : match->monitors[monitor];
    uint32_t from = old != HEALTH_NEW ? old : find_worst(c, endpoint, monitor);
    if (from == HEALTH_NEW) {
        bool inherits = is_in_lost_place(c, endpoint);
        return (struct health_history){
            .monitor = {.idle = !inherits && c->to->monitors[monitor].idle,
                        .inherited = inherits,
                        .verdict = inherits ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_UNKNOWN}};
    }
    struct health_history history = health_history_get(c->from, from);
    if (!match->is_same_plan && !match->is_exact[monitor]) {
        struct health_monitor *is = &history.monitor;
        is->streak = 0; /* of another question */
        is->failing = false;
        is->recent = is->verdict == HEALTH_OBSERVED_UNHEALTHY ? UINT64_MAX : 0;
        history.stay.is_ready = false;
    }
    return history;
}

static bool has_history(const struct health_carrier *c, uint32_t endpoint, uint32_t monitor)
{
    return c->match.is_same_plan || c->match.monitors[monitor] != HEALTH_NEW ||
           find_worst(c, endpoint, monitor) != HEALTH_NEW;
}

/* Of the check of that name at that address, whatever it asked then; what others say, of the same question.
 */
static void carry_results(struct health_carrier *c, uint32_t monitor)
{
    uint32_t old = c->match.is_same_plan ? monitor : c->match.monitors[monitor];
    bool is_exact = c->match.is_same_plan || c->match.is_exact[monitor];
    health_opinions_carry(c->to, monitor, c->from, old, is_exact);
    if (old != HEALTH_NEW) {
        health_results_carry(c->to->results, monitor, c->from->results, old);
    }
}

/* Whether it stays down, of an az or region. */
static void carry_stay(struct health_carrier *c, enum health_kind kind, uint32_t index)
{
    uint32_t old = health_match_old(&c->match, kind, index);
    if (old != HEALTH_NEW) {
        c->to->groups[kind][index].stay = c->from->groups[kind][old].stay;
        health_stay_queue(c->to, kind, index);
    }
}

/* How often it turned, of an az or region. */
static void carry_turns(struct health_carrier *c, enum health_kind kind, uint32_t index)
{
    uint32_t old = health_match_old(&c->match, kind, index);
    if (old != HEALTH_NEW) {
        health_take_turns(c->to, kind, index, c->from, old);
    }
}

/* How its weight returns: as the new plan has it. */
static void carry_ramp(struct health_carrier *c, enum health_kind kind, uint32_t index)
{
    uint32_t old = health_match_seen(&c->match, kind, index);
    if (old != HEALTH_NEW) {
        const struct health_ramp *from = &c->from->nodes[kind][old].ramp;
        struct health_ramp *to = &c->to->nodes[kind][index].ramp;
        to->begun_ms = from->begun_ms;
        to->families = from->families;
        to->out = from->out;
        to->told = from->told;
        health_word_set_ramp(c->to, kind, index, health_ramp_step(c->to, kind, index));
    }
}

/* ---- one object ---- */

static int first_family(enum health_kind kind)
{
    return kind == HEALTH_ENDPOINT ? HEALTH_V4 : HEALTH_ANY;
}

static void keep(struct health_carrier *c, enum health_kind kind, uint32_t index)
{
    uint32_t old = health_match_seen(&c->match, kind, index);
    struct health_kept *kept = &c->kept[kind][index];
    if (old == HEALTH_NEW) {
        return;
    }
    kept->since_ms = health_find_since(c->from, kind, old);
    kept->state = health_find_effective(c->from, kind, old).state;
    for (int family = first_family(kind); family <= HEALTH_ANY; family++) {
        health_outage_copy(&kept->outages[family],
                           health_outage_at(c->from, kind, old, (enum health_family)family));
    }
    health_guard_read_fall(c->from, kind, old, &kept->fallen);
}

/* Returns whether words of it may have changed. */
static bool carry_override(struct health_carrier *c, enum health_kind kind, uint32_t index)
{
    uint32_t old = health_match_old(&c->match, kind, index);
    if (old == HEALTH_NEW) {
        return false; /* one that was dormant is not its own business */
    }
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

static void carry_words(struct health_carrier *c, uint32_t endpoint)
{
    uint32_t old = health_match_seen(&c->match, HEALTH_ENDPOINT, endpoint);
    if (old != HEALTH_NEW) {
        uint32_t word = health_word_get(c->from, HEALTH_ENDPOINT, old);
        health_word_set_resolved(c->to, endpoint, word & HEALTH_WORD_RESOLVED);
        health_carry_load(c->to, endpoint, c->from, old);
    }
}

static void carry_first(struct health_carrier *c, enum health_kind kind, uint32_t index)
{
    const struct health_node *node = &c->to->nodes[kind][index];
    for (uint32_t i = 0; kind == HEALTH_ENDPOINT && i < node->child_count; i++) {
        struct health_history history = find_history(c, index, node->first_child + i);
        health_opinions_follow(c->to, node->first_child + i);
        health_history_put(c->to, node->first_child + i, &history);
        carry_results(c, node->first_child + i);
    }
    carry_ramp(c, kind, index);
    if (kind == HEALTH_ENDPOINT) {
        carry_words(c, index);
    } else {
        c->to->groups[kind][index].was_lost =
            is_lost(c->from, kind, health_match_old(&c->match, kind, index));
        carry_stay(c, kind, index);
        carry_turns(c, kind, index);
    }
    (void)carry_override(c, kind, index);
    keep(c, kind, index);
}

/* ---- the first turn ---- */

void health_carrier_watch(struct health_carrier *c)
{
    assert(c->from->journal == NULL); /* one at a time */
    health_journal_init(&c->journal, c->from->counts);
    c->from->journal = &c->journal;
    c->watches = true;
}

static void follow_time(struct health_carrier *c)
{
    c->to->now_ms = c->from->now_ms;
    c->to->offset_ms = c->from->offset_ms;
}

bool health_carrier_step(struct health_carrier *c, size_t count)
{
    size_t before = 0;
    follow_time(c);
    if (c->done == 0) {
        health_opinions_share(c->to, c->from);
    }
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        for (; count != 0 && c->done - before < c->to->counts[kind]; count--) {
            carry_first(c, kind, (uint32_t)(c->done++ - before));
        }
        before += c->to->counts[kind];
        if (c->done < before) {
            return true;
        }
    }
    if (health_carrier_take_blocks(c, count) || health_carrier_take_orphans(c, count)) {
        return true;
    }
    health_take_turns(c->to, HEALTH_ENDPOINT, 0, c->from, 0);
    health_brake_carry(c->to, c->from);
    health_lags_carry(c->to, c->from, true);
    health_guards_carry(c->to, c->from, true);
    return false;
}

/* Since when it is as it is: the old time where the state is the old one. */
static void put_right(struct health_carrier *c, enum health_kind kind, uint32_t index)
{
    const struct health_kept *kept = &c->kept[kind][index];
    bool is_known = health_match_seen(&c->match, kind, index) != HEALTH_NEW;
    bool is_same = is_known && (uint8_t)kept->state == c->to->nodes[kind][index].told_state;
    health_set_since(c->to, kind, index, is_same ? kept->since_ms : c->wall_ms);
    for (int family = first_family(kind); family <= HEALTH_ANY; family++) {
        health_outage_copy(health_outage_at(c->to, kind, index, (enum health_family)family),
                           &kept->outages[family]);
    }
    health_guard_put_fall(c->to, kind, index, is_known ? &kept->fallen : NULL);
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
            health_word_set_ramp(to, kind, i, health_ramp_settle(to, kind, i));
            health_node_note_told(node, health_find_effective(to, kind, i));
            node->told_verdicts = health_word_get(to, kind, i) & HEALTH_WORD_VERDICTS;
            put_right(c, kind, i);
        }
    }
    health_set_listener(to, &(struct health_listener){.context = c, .changed = health_carrier_note});
    health_stay_queue_all(to);
    c->is_settled = true;
}

/* ---- what changed since ---- */

/* What is found out inside takes that back. */
static void carry_loss(struct health_carrier *c, enum health_kind kind, uint32_t index)
{
    bool was_lost = is_lost(c->from, kind, health_match_old(&c->match, kind, index));
    carry_stay(c, kind, index);
    health_set_was_lost(c->to, kind, index, was_lost, c->wall_ms);
    carry_ramp(c, kind, index);
}

static void carry_again(struct health_carrier *c, enum health_kind kind, uint32_t index)
{
    const struct health_node *node = &c->to->nodes[kind][index];
    for (uint32_t i = 0; kind == HEALTH_ENDPOINT && i < node->child_count; i++) {
        struct health_history history = find_history(c, index, node->first_child + i);
        health_replace_monitor(c->to, node->first_child + i, &history, c->wall_ms);
        carry_results(c, node->first_child + i);
    }
    if (kind == HEALTH_ENDPOINT) {
        carry_words(c, index);
        carry_ramp(c, kind, index);
        carry_loss(c, HEALTH_AZ, node->parent);
        carry_loss(c, HEALTH_REGION, c->to->nodes[HEALTH_AZ][node->parent].parent);
    } else {
        carry_loss(c, kind, index);
        carry_turns(c, kind, index);
    }
    if (carry_override(c, kind, index)) {
        health_settle(c->to, kind, index, HEALTH_OUTCOME_NONE);
        health_deliver(c->to);
    }
    keep(c, kind, index);
    health_carrier_note(c, &(struct health_change){.kind = kind, .index = index});
    if (kind == HEALTH_ENDPOINT && c->hook.carried != NULL) {
        c->hook.carried(c->hook.context, index);
    }
}

/* All that take something over from an object of the old machine. */
static void carry_from(struct health_carrier *c, const struct health_place *place)
{
    const struct health_match *match = &c->match;
    uint32_t index = health_match_next(match, place->kind, place->index);
    if (index != HEALTH_NEW) {
        carry_again(c, place->kind, index);
    } else {
        health_carrier_take_orphan(c, place->kind, place->index);
    }
    if (match->is_same_plan) {
        return;
    }
    if (place->kind != HEALTH_ENDPOINT) {
        c->fresh_left = match->fresh_count; /* it may be lost now, or not any more */
        return;
    }
    for (uint32_t heir = match->first_heir[place->index]; heir != HEALTH_NEW; heir = match->next_heir[heir]) {
        if (heir != index) {
            carry_again(c, HEALTH_ENDPOINT, heir);
        }
    }
}

size_t health_carrier_catch_up(struct health_carrier *c, size_t count)
{
    struct health_journal *journal = &c->journal;
    follow_time(c);
    health_opinions_share(c->to, c->from);
    bool is_told = !health_tell(c->from, count), any = journal->count != 0 || c->fresh_left != 0;
    for (; count != 0 && journal->count != 0; count--) {
        struct health_place place = journal->places[--journal->count];
        journal->noted[place.kind][place.index] = false;
        carry_from(c, &place);
    }
    for (; count != 0 && c->fresh_left != 0; count--) {
        carry_again(c, HEALTH_ENDPOINT, c->match.fresh[--c->fresh_left]);
    }
    any |= health_carrier_take_blocks_again(c);
    if (any) {
        health_table_advance(c->to);
    }
    health_guards_carry(c->to, c->from, false);
    for (size_t i = 0; i < c->touched_count; i++) {
        put_right(c, c->touched[i].kind, c->touched[i].index);
    }
    c->touched_count = 0;
    health_take_turns(c->to, HEALTH_ENDPOINT, 0, c->from, 0);
    health_brake_carry(c->to, c->from);
    health_lags_carry(c->to, c->from, false);
    return is_told ? journal->count + c->fresh_left : SIZE_MAX;
}

void health_carrier_end(struct health_carrier *c)
{
    if (c->watches) { /* who copied only may be without the lock by now: others begin to watch */
        c->from->journal = NULL;
    }
    if (!c->from->keeps_stays) { /* else orders are yet to come: they count, too */
        health_guards_resume(c->to);
    }
    c->to->listener = c->listener;
    c->to->is_joining = false;
}

void health_carrier_free(struct health_carrier *c)
{
    if (c == NULL) {
        return;
    }
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        free(c->kept[kind]);
    }
    health_match_fini(&c->match);
    health_journal_fini(&c->journal);
    free(c->touched);
    free(c->stamps);
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

void health_adopt(struct health *to, const struct health *from, int64_t wall_ms)
{
    struct health_carrier c = {.to = to, .from = (struct health *)(uintptr_t)from, .wall_ms = wall_ms};
    assert(to != from && !to->delivering);
    to->is_joining = true;
    health_match_init(&c.match, to, from);
    for (uint32_t m = 0; m < to->monitor_count; m++) {
        uint32_t endpoint = to->monitors[m].endpoint;
        if (has_history(&c, endpoint, m)) {
            struct health_history history = find_history(&c, endpoint, m);
            if (history.monitor.idle ==
                to->monitors[m].idle) { /* who looked up its name last knows what that leads to */
                health_replace_monitor(to, m, &history, wall_ms);
            }
        }
    }
    for (enum health_kind kind = HEALTH_AZ; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < to->counts[kind]; i++) {
            carry_stay(&c, kind, i);
            health_climb(to, kind, i, wall_ms);
        }
    }
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < to->counts[kind]; i++) {
            carry_ramp(&c, kind, i);
            health_word_set_ramp(to, kind, i, health_ramp_settle(to, kind, i));
        }
    }
    health_guards_adopt(to, from, &c.match);
    health_match_fini(&c.match);
    health_brake_resume(to);
    health_lags_adopt(to, from);
    health_table_advance(to);
    to->is_joining = false;
}
