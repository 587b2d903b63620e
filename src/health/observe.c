/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A check result: monitor -> endpoint -> az -> region by counters, and only where a verdict changes. A result
 * like the one before costs a few stores into its monitor and never touches the table; one that begins or
 * ends to speak against the verdict is noted in the endpoint's word, and only told (by a new generation) if
 * that is watched. */
#include "config.h"

#include "health/health.h"

#include "health/brake_inside.h"
#include "health/guard_inside.h"
#include "health/machine.h"
#include "health/tally.h"

#include <assert.h>
#include <string.h>

/* ---- rolling up ---- */

/* Count in its parent what a node's counters say. Returns whether that is something else than before. *word:
 * what is to be stored; it may be what is. */
static bool roll_up(struct health *health, enum health_kind kind, uint32_t index, uint32_t *word)
{
    struct health_node *node = &health->nodes[kind][index];
    struct health_group *group = kind == HEALTH_ENDPOINT ? NULL : &health->groups[kind][index];
    unsigned before = node->counted;
    if (group != NULL && group->was_lost && group->tally.healthy + group->tally.unhealthy != 0) {
        health_journal_note(health->diary, kind, index);
        group->was_lost = false;
    }
    *word = kind == HEALTH_ENDPOINT
                ? health_judge_endpoint(health, index)
                : health_stay_group(health, kind, index, health_judge_group(health, kind, index));
    node->counted = (uint8_t)health_find_standing(health, kind, index, *word);
    if (kind != HEALTH_REGION) {
        health_count_standing(&health->groups[kind + 1][node->parent].tally, before, node->counted);
    }
    return node->counted != before;
}

static bool is_stored(const struct health *health, enum health_kind kind, uint32_t index, uint32_t verdicts)
{
    return (health_word_get(health, kind, index) & HEALTH_WORD_VERDICTS) == verdicts;
}

void health_rebuild(struct health *health)
{
    bool was_filled = health->is_filled;
    health->is_filled = false; /* words go through states that are none */
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            if (kind != HEALTH_ENDPOINT) {
                struct health_tally *tally = &health->groups[kind][i].tally;
                tally->healthy = tally->unhealthy = tally->inherited = 0;
            }
            health->nodes[kind][i].counted = HEALTH_OBSERVED_UNKNOWN;
            health_word_set_verdicts(health, kind, i, HEALTH_OBSERVED_UNKNOWN);
        }
    }
    health_clear_ballots(health);
    for (uint32_t i = 0; i < health->monitor_count; i++) {
        health_count_again(health, &health->monitors[i], (struct health_share){.counts = false});
    }
    for (uint32_t i = 0; i < health->counts[HEALTH_ENDPOINT]; i++) {
        health_word_set_wavers(health, i, health_find_wavers(health, i));
    }
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            uint32_t after;
            (void)roll_up(health, kind, i, &after);
            health_word_set_verdicts(health, kind, i, after);
        }
    }
    health->is_filled = was_filled;
    health_brake_rebuild(health);
}

/* What its results say, which has been that so far. */
static enum health_observed judge_results(struct health *health, uint32_t index, enum health_observed verdict)
{
    const struct health_monitor *monitor = &health->monitors[index];
    if (monitor->failing) {
        bool is_told =
            monitor->outcome == HEALTH_OUTCOME_REPORTED_DOWN; /* by others: no matter of our sight */
        return health_is_held(monitor) &&
                       (is_told || !health_brake_holds(health, index, monitor->duration_us))
                   ? HEALTH_OBSERVED_UNHEALTHY
                   : verdict;
    }
    return verdict == HEALTH_OBSERVED_UNKNOWN || monitor->inherited || monitor->untried ||
                   health_is_well(monitor)
               ? HEALTH_OBSERVED_HEALTHY
               : verdict;
}

/* Streaks and rise/fall. Returns whether the verdict changed. */
static bool judge(struct health *health, uint32_t index, bool failing)
{
    struct health_monitor *monitor = &health->monitors[index];
    health_opinions_follow(health, index);
    if (monitor->failing != failing) {
        monitor->failing = failing;
        monitor->streak = 0;
    }
    if (monitor->streak < UINT16_MAX) {
        monitor->streak++;
    }
    monitor->recent = monitor->recent << 1 | failing;
    enum health_observed own = health_get_own(monitor), verdict = judge_results(health, index, own);
    monitor->doubted &= verdict == own && (verdict == HEALTH_OBSERVED_UNHEALTHY) != failing;
    bool changed;
    if (monitor->is_judged) {
        monitor->own = (uint8_t)verdict;
        changed = health_opinions_settle(health, index);
    } else {
        verdict = health_stay_monitor(health, index, verdict);
        changed = verdict != monitor->verdict;
        monitor->inherited = monitor->inherited && !changed && monitor->streak < monitor->fall;
        monitor->verdict = (uint8_t)verdict;
    }
    bool was_untried = monitor->untried;
    monitor->untried = was_untried && failing && monitor->streak < monitor->fall;
    if (was_untried && failing && !monitor->untried) {
        health_ramp_confirm(health, monitor->endpoint);
    }
    return changed;
}

/* May the length of its streak, or what is in its window, yet decide something? */
static bool counts_on(const struct health_monitor *monitor)
{
    uint16_t least = monitor->failing ? monitor->fall : monitor->rise;
    return monitor->streak <= (monitor->window > least ? monitor->window : least);
}

void health_begin(struct health *health)
{
    health_guards_resume(health);
    for (uint32_t i = 0; i < health->monitor_count; i++) {
        struct health_monitor *monitor = &health->monitors[i];
        monitor->untried |= monitor->outcome == HEALTH_OUTCOME_NONE && !monitor->inherited;
    }
}

/* Does a family begin or end to waver? Stored, not yet told. Returns whether it is to be told. */
static bool follow_wavers(struct health *health, uint32_t endpoint)
{
    uint32_t wavers = health_find_wavers(health, endpoint);
    if (wavers == (health_word_get(health, HEALTH_ENDPOINT, endpoint) & HEALTH_WORD_WAVERS)) {
        return false;
    }
    health_word_set_wavers(health, endpoint, wavers);
    return health->watches_wavering;
}

/* Words that change, the lowest object's first: at most one of each kind. */
struct rise {
    struct health_place places[HEALTH_KINDS];
    uint32_t after[HEALTH_KINDS]; /* of HEALTH_WORD_VERDICTS */
    int count;
};

/* A region is lost by its own word, and what is below follows as said already; it is back when everything
 * below is. So one store decides for all names. */
static void store_rise(struct health *health, const struct rise *rise)
{
    health_guard_begin_step(health);
    for (int i = 0; i < rise->count; i++) {
        bool falls = health_word_observed(rise->after[0]) == HEALTH_OBSERVED_UNHEALTHY;
        int at = falls ? rise->count - 1 - i : i;
        health_word_set_verdicts(health, rise->places[at].kind, rise->places[at].index, rise->after[at]);
    }
    health_guard_step(health);
}

/* What an object consists of is another: up as far as that changes something. */
static void climb(struct health *health, enum health_kind kind, uint32_t index, enum health_outcome outcome,
                  bool turned)
{
    struct rise rise = {.count = 0};
    for (bool goes_on = true; goes_on; kind++) {
        uint32_t after;
        goes_on = roll_up(health, kind, index, &after) && kind != HEALTH_REGION;
        if (!is_stored(health, kind, index, after)) {
            rise.places[rise.count] = (struct health_place){kind, index};
            rise.after[rise.count++] = after;
        }
        index = health->nodes[kind][index].parent;
    }
    store_rise(health, &rise);
    const struct health_place *top = rise.count == 0 ? NULL : &rise.places[rise.count - 1];
    if (health->batch != NULL && (top != NULL || turned)) {
        health_batch_note(health->batch, top, outcome);
        return;
    }
    if (top != NULL || turned) { /* else another monitor of the endpoint still decides */
        health_table_advance(health);
    }
    if (top != NULL) {
        health_settle(health, top->kind, top->index, outcome);
        health_deliver(health);
    }
}

/* The monitor is not what was counted `before`. */
static void follow_monitor(struct health *health, const struct health_monitor *monitor,
                           struct health_share before, enum health_outcome outcome)
{
    struct health_share after = health_share_of(monitor);
    health_count_again(health, monitor, before);
    bool turned = follow_wavers(health, monitor->endpoint);
    if (after.verdict != before.verdict || after.inherited != before.inherited ||
        after.counts != before.counts) {
        climb(health, HEALTH_ENDPOINT, monitor->endpoint, outcome, turned);
    } else if (turned && health->batch != NULL) {
        health_batch_note(health->batch, NULL, outcome);
    } else if (turned) {
        health_table_advance(health);
    }
}

/* ---- results ---- */

static bool is_in_lost_place(const struct health *health, uint32_t endpoint)
{
    uint32_t az = health->nodes[HEALTH_ENDPOINT][endpoint].parent;
    uint32_t region = health->nodes[HEALTH_AZ][az].parent;
    return health_word_observed(health_word_get(health, HEALTH_AZ, az)) == HEALTH_OBSERVED_UNHEALTHY ||
           health_word_observed(health_word_get(health, HEALTH_REGION, region)) == HEALTH_OBSERVED_UNHEALTHY;
}

/* Nothing was found out, which may go on for ever: what was inherited does not last longer than that from
 * which it comes. */
static void pass_over(struct health *health, struct health_monitor *monitor)
{
    if (monitor->inherited && !is_in_lost_place(health, monitor->endpoint)) {
        struct health_share before = health_share_of(monitor);
        health_journal_note(health->diary, HEALTH_ENDPOINT, monitor->endpoint);
        monitor->inherited = false;
        monitor->verdict = HEALTH_OBSERVED_UNKNOWN;
        follow_monitor(health, monitor, before, HEALTH_OUTCOME_NONE);
    }
}

/* Nothing is known any more, and nothing speaks against it. */
static void forget(struct health *health, struct health_monitor *monitor, enum health_outcome outcome)
{
    if (outcome == HEALTH_OUTCOME_STALE && monitor->verdict == HEALTH_OBSERVED_HEALTHY) {
        struct health_share before = health_share_of(monitor);
        health_journal_note(health->diary, HEALTH_ENDPOINT, monitor->endpoint);
        monitor->verdict = HEALTH_OBSERVED_UNKNOWN;
        monitor->streak = 0;
        monitor->failing = false;
        follow_monitor(health, monitor, before, outcome);
    }
}

/* Nobody was heard. */
static bool is_silence(enum health_outcome outcome)
{
    return outcome == HEALTH_OUTCOME_STALE || outcome == HEALTH_OUTCOME_ABSENT;
}

/* What a result says, by how it ended. */
static void take_result(struct health *health, uint32_t monitor, enum health_outcome outcome)
{
    struct health_monitor *m = &health->monitors[monitor];
    if (outcome == HEALTH_OUTCOME_LOCAL_ERROR || outcome == HEALTH_OUTCOME_STALE) {
        pass_over(health, m);
        forget(health, m, outcome);
        return;
    }
    m->judged_ms = health->wall_ms;
    m->result_ms = health->now_ms;
    m->restored = false;
    if (!m->is_told) { /* what others see says nothing of our own sight */
        health_brake_hear(health, monitor, outcome);
    }
    struct health_share before = health_share_of(m);
    bool changed = judge(health, monitor, health_outcome_is_failure(outcome));
    if (changed || counts_on(m)) {
        health_journal_note(health->diary, HEALTH_ENDPOINT, m->endpoint);
    }
    if (changed || health_wavers(m) != before.wavers || m->inherited != before.inherited) {
        health->is_first = m->untried;
        follow_monitor(health, m, before, outcome);
        health->is_first = false;
    }
}

void health_observe(struct health *health, uint32_t monitor, enum health_outcome outcome, int64_t wall_ms,
                    uint32_t duration_us, uint16_t detail)
{
    assert(monitor < health->monitor_count && !health->delivering);
    assert(outcome > HEALTH_OUTCOME_NONE && outcome < (enum health_outcome)HEALTH_OUTCOME_COUNT);
    struct health_monitor *m = &health->monitors[monitor];
    if (m->idle) {
        return; /* too late */
    }
    health_journal_note(health->journal, HEALTH_ENDPOINT, m->endpoint);
    if (m->outcome != outcome || m->detail != detail || m->restored) {
        health_journal_note(health->diary, HEALTH_ENDPOINT, m->endpoint);
    }
    health->wall_ms = wall_ms;
    health->offset_ms = wall_ms - health->now_ms;
    m->outcome = (uint8_t)outcome;
    m->checked_ms = is_silence(outcome) ? m->checked_ms : wall_ms;
    m->duration_us = duration_us;
    m->detail = detail;
    enum health_observed own = health_see_own(health, monitor);
    take_result(health, monitor, outcome);
    health_follow_own(health, monitor, own);
}

/* ---- what is decided later ---- */

void health_turn_monitor(struct health *health, uint32_t monitor, enum health_observed verdict,
                         int64_t wall_ms)
{
    struct health_monitor *m = &health->monitors[monitor];
    struct health_share before = health_share_of(m);
    health_note(health, HEALTH_ENDPOINT, m->endpoint);
    health->wall_ms = wall_ms;
    m->verdict = (uint8_t)verdict;
    follow_monitor(health, m, before, m->outcome);
}

void health_climb(struct health *health, enum health_kind kind, uint32_t index, int64_t wall_ms)
{
    health->wall_ms = wall_ms;
    climb(health, kind, index, HEALTH_OUTCOME_NONE, false);
}

void health_alter_monitor(struct health *health, uint32_t monitor, enum health_outcome outcome,
                          void (*alter)(struct health *health, uint32_t monitor))
{
    struct health_monitor *m = &health->monitors[monitor];
    struct health_share before = health_share_of(m);
    alter(health, monitor);
    if (m->verdict != before.verdict) {
        health_note(health, HEALTH_ENDPOINT, m->endpoint);
    }
    health->is_first = before.verdict == HEALTH_OBSERVED_UNKNOWN;
    follow_monitor(health, m, before, outcome);
    health->is_first = false;
}

/* ---- histories from elsewhere ---- */

void health_replace_monitor(struct health *health, uint32_t monitor, const struct health_history *history,
                            int64_t wall_ms)
{
    const struct health_monitor *m = &health->monitors[monitor], *next = &history->monitor;
    struct health_share before = health_share_of(m);
    bool stays = m->says == HEALTH_SAYS_SUSPECT && next->says == HEALTH_SAYS_SUSPECT &&
                 m->suspected_ms == next->suspected_ms && /* where it stands among suspects */
                 m->answered_ms == next->answered_ms;
    health->pushes = (struct health_push_round){.next_ms = 0};
    health_opinions_follow(health, monitor);
    if (stays) {
        health_history_put(health, monitor, history);
    } else {
        health_brake_replace(health, monitor, history);
    }
    health->wall_ms = wall_ms;
    health_stay_queue(health, HEALTH_ENDPOINT, monitor);
    follow_monitor(health, m, before, HEALTH_OUTCOME_NONE);
}

void health_set_was_lost(struct health *health, enum health_kind kind, uint32_t index, bool was_lost,
                         int64_t wall_ms)
{
    health->groups[kind][index].was_lost = was_lost;
    health_climb(health, kind, index, wall_ms);
}

/* ---- endpoints that are a host name ---- */

/* What it knew is forgotten, but for that it was not well: when it is used again one success is asked for. So
 * it is where the endpoint is known to be dead by its other addresses. */
static void set_used(struct health *health, uint32_t monitor, bool used)
{
    struct health_monitor *m = &health->monitors[monitor];
    uint32_t word = health_word_get(health, HEALTH_ENDPOINT, m->endpoint);
    bool was_unhealthy = m->idle ? m->left_unhealthy : m->verdict == HEALTH_OBSERVED_UNHEALTHY;
    bool inherits = used && (was_unhealthy || health_word_observed(word) == HEALTH_OBSERVED_UNHEALTHY);
    struct health_history history = {
        .monitor = {.idle = !used,
                    .left_unhealthy = !used && was_unhealthy,
                    .untried = m->untried,
                    .inherited = inherits,
                    .verdict = inherits ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_UNKNOWN}};
    if (was_unhealthy) { /* nor does that end before its time */
        history.stay = health->monitor_stays[monitor];
        history.stay.is_ready = false;
    }
    health_brake_leave(health, monitor);
    health_history_put(health, monitor, &history);
    health_brake_enter(health, monitor);
    health_opinions_forget(health, monitor);
    health->pushes = (struct health_push_round){.next_ms = 0}; /* it is to be looked at */
}

bool health_use_monitor(struct health *health, uint32_t monitor, bool used, int64_t wall_ms)
{
    assert(monitor < health->monitor_count && !health->delivering);
    struct health_monitor *m = &health->monitors[monitor];
    if (m->idle == !used) {
        return false;
    }
    struct health_share before = health_share_of(m);
    health_note(health, HEALTH_ENDPOINT, m->endpoint);
    health->wall_ms = wall_ms;
    set_used(health, monitor, used);
    follow_monitor(health, m, before, HEALTH_OUTCOME_NONE);
    return true;
}

/* Returns false if there is nothing to move. */
static bool may_move(const struct health *health, const struct health_move *move)
{
    for (uint32_t i = 0; i < move->count; i++) {
        if (health->monitors[move->from + i * move->step].idle ||
            !health->monitors[move->to + i * move->step].idle) {
            return false;
        }
    }
    return move->count != 0;
}

bool health_move_monitors(struct health *health, const struct health_move *move, int64_t wall_ms)
{
    assert(!health->delivering);
    if (!may_move(health, move)) {
        return false;
    }
    uint32_t endpoint = health->monitors[move->from].endpoint;
    health_note(health, HEALTH_ENDPOINT, endpoint);
    health->wall_ms = wall_ms;
    for (uint32_t i = 0; i < move->count; i++) { /* between two of them the endpoint would be in no state */
        uint32_t from = move->from + i * move->step, to = move->to + i * move->step;
        const struct health_monitor *source = &health->monitors[from], *target = &health->monitors[to];
        struct health_share before = health_share_of(source), target_before = health_share_of(target);
        struct health_history history = health_history_get(health, from);
        history.monitor.says = HEALTH_SAYS_NOTHING; /* of the other family */
        history.monitor.answered_ms = 0;
        set_used(health, from, false);
        health_history_put(health, to, &history);
        health->monitor_stays[from] = (struct health_stay){.is_down = false};
        health_stay_queue(health, HEALTH_ENDPOINT, to);
        health_count_again(health, source, before);
        health_count_again(health, target, target_before);
    }
    climb(health, HEALTH_ENDPOINT, endpoint, HEALTH_OUTCOME_NONE, follow_wavers(health, endpoint));
    return true;
}
