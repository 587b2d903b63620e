/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A check result: monitor -> endpoint -> az -> region by counters, and only where a verdict changes. A result
 * like the one before costs a few stores into its monitor and never touches the table; one that begins or
 * ends to speak against the verdict is noted in the endpoint's word, and only told (by a new generation) if
 * that is watched. */
#include "config.h"

#include "health/health.h"

#include "base/share.h"
#include "health/brake_inside.h"
#include "health/machine.h"

#include <assert.h>
#include <string.h>

/* ---- counting ---- */

/* standing: enum health_observed or enum health_standing */
static uint32_t *counter_of(struct health_tally *tally, unsigned standing)
{
    return standing == HEALTH_OBSERVED_HEALTHY     ? &tally->healthy
           : standing == HEALTH_OBSERVED_UNHEALTHY ? &tally->unhealthy
           : standing == HEALTH_STANDS_INHERITED   ? &tally->inherited
                                                   : NULL;
}

/* One member that was counted as `before`, and is as `after` now. */
static void count_standing(struct health_tally *tally, unsigned before, unsigned after)
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
    bool counts, wavers, inherited;
    enum health_observed verdict;
};

static struct share share_of(const struct health_monitor *monitor)
{
    return (struct share){.counts = !monitor->idle,
                          .wavers = wavers(monitor),
                          .inherited = monitor->inherited && !monitor->idle,
                          .verdict = monitor->verdict};
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
            tally->inherited += (uint32_t)after.inherited - (uint32_t)before.inherited;
            count_standing(tally, before.verdict, after.verdict);
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
static uint32_t judge_families(uint32_t v4, uint32_t v6)
{
    return v4 == v6                                                         ? v4
           : v4 == HEALTH_OBSERVED_HEALTHY || v6 == HEALTH_OBSERVED_HEALTHY ? HEALTH_OBSERVED_HEALTHY
                                                                            : HEALTH_OBSERVED_UNKNOWN;
}

/* Of HEALTH_WORD_VERDICTS. */
static uint32_t judge_endpoint(const struct health *health, uint32_t endpoint)
{
    uint32_t v4 = judge_family(tally_of(health, endpoint, HEALTH_V4));
    uint32_t v6 = judge_family(tally_of(health, endpoint, HEALTH_V6));
    uint32_t any = judge_families(v4, v6);
    return any | (any ^ v4) << HEALTH_WORD_FAMILIES_SHIFT | (any ^ v6) << (HEALTH_WORD_FAMILIES_SHIFT + 2);
}

/* An az or region is there as soon as something in it is, until enough is not. What was inherited has no say:
 * it would hold that from which it comes. While nobody has one, it is as it was. */
static uint32_t judge_group(const struct health *health, enum health_kind kind, uint32_t index)
{
    const struct health_node *node = &health->nodes[kind][index];
    const struct health_tally *tally = &node->tally;
    if (tally->healthy + tally->unhealthy == 0) {
        return node->was_lost && tally->inherited != 0 ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_UNKNOWN;
    }
    uint32_t lost_from = tally->inherited == 0
                             ? node->lost_from
                             : share_count(health->lost_at[kind][index], tally->members - tally->inherited);
    return tally->unhealthy >= lost_from ? HEALTH_OBSERVED_UNHEALTHY
           : tally->healthy != 0         ? HEALTH_OBSERVED_HEALTHY
                                         : HEALTH_OBSERVED_UNKNOWN;
}

/* ---- what counts above ---- */

static struct health_tally without_inherited(const struct health_tally *tally)
{
    return (struct health_tally){.members = tally->members - tally->inherited,
                                 .healthy = tally->healthy,
                                 .unhealthy = tally->unhealthy - tally->inherited};
}

/* As if the monitors that inherited their verdict were not there. */
static unsigned find_endpoint_standing(const struct health *health, uint32_t endpoint, uint32_t word)
{
    const struct health_tally *tallies = health->tallies[endpoint];
    if ((tallies[HEALTH_V4].inherited | tallies[HEALTH_V6].inherited) == 0) {
        return health_word_observed(word);
    }
    struct health_tally v4 = without_inherited(&tallies[HEALTH_V4]);
    struct health_tally v6 = without_inherited(&tallies[HEALTH_V6]);
    if ((v4.members | v6.members) == 0) {
        return HEALTH_STANDS_INHERITED;
    }
    return judge_families(judge_family(v4.members != 0 ? &v4 : &v6),
                          judge_family(v6.members != 0 ? &v6 : &v4));
}

static unsigned find_standing(const struct health *health, enum health_kind kind, uint32_t index,
                              uint32_t word)
{
    const struct health_node *node = &health->nodes[kind][index];
    if (kind == HEALTH_ENDPOINT) {
        return find_endpoint_standing(health, index, word);
    }
    bool is_all = node->tally.inherited != 0 && node->tally.inherited == node->tally.members;
    return is_all && !node->was_lost ? HEALTH_STANDS_INHERITED : health_word_observed(word);
}

/* Count in its parent what a node's counters say. Returns whether that is something else than before. *word:
 * what is to be stored; it may be what is. */
static bool roll_up(struct health *health, enum health_kind kind, uint32_t index, uint32_t *word)
{
    struct health_node *node = &health->nodes[kind][index];
    unsigned before = node->counted;
    if (node->was_lost && node->tally.healthy + node->tally.unhealthy != 0) {
        health_journal_note(health->diary, kind, index);
        node->was_lost = false;
    }
    *word = kind == HEALTH_ENDPOINT ? judge_endpoint(health, index) : judge_group(health, kind, index);
    node->counted = (uint8_t)find_standing(health, kind, index, *word);
    if (kind != HEALTH_REGION) {
        count_standing(&health->nodes[kind + 1][node->parent].tally, before, node->counted);
    }
    return node->counted != before;
}

static bool is_stored(const struct health *health, enum health_kind kind, uint32_t index, uint32_t verdicts)
{
    return (health_word_get(health, kind, index) & HEALTH_WORD_VERDICTS) == verdicts;
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
            tally->healthy = tally->unhealthy = tally->inherited = 0;
            health->nodes[kind][i].counted = HEALTH_OBSERVED_UNKNOWN;
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
            (void)roll_up(health, kind, i, &after);
            health_word_set_verdicts(health, kind, i, after);
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

/* May the length of its streak yet decide something? */
static bool counts_on(const struct health_monitor *monitor)
{
    return monitor->streak <= (monitor->failing ? monitor->fall : monitor->rise);
}

void health_begin(struct health *health)
{
    for (uint32_t i = 0; i < health->monitor_count; i++) {
        struct health_monitor *monitor = &health->monitors[i];
        monitor->untried |= monitor->outcome == HEALTH_OUTCOME_NONE && !monitor->inherited;
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
    for (int i = 0; i < rise->count; i++) {
        bool falls = health_word_observed(rise->after[0]) == HEALTH_OBSERVED_UNHEALTHY;
        int at = falls ? rise->count - 1 - i : i;
        health_word_set_verdicts(health, rise->places[at].kind, rise->places[at].index, rise->after[at]);
    }
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
    if (rise.count != 0 || turned) { /* else another monitor of the endpoint still decides */
        health_table_advance(health);
    }
    if (rise.count != 0) {
        const struct health_place *top = &rise.places[rise.count - 1];
        health_settle(health, top->kind, top->index, outcome);
        health_deliver(health);
    }
}

/* The monitor is not what was counted `before`. */
static void follow_monitor(struct health *health, const struct health_monitor *monitor, struct share before,
                           enum health_outcome outcome)
{
    struct share after = share_of(monitor);
    count_again(health, monitor, before);
    bool turned = follow_wavers(health, monitor->endpoint);
    if (after.verdict != before.verdict || after.inherited != before.inherited ||
        after.counts != before.counts) {
        climb(health, HEALTH_ENDPOINT, monitor->endpoint, outcome, turned);
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
        struct share before = share_of(monitor);
        health_journal_note(health->diary, HEALTH_ENDPOINT, monitor->endpoint);
        monitor->inherited = false;
        monitor->verdict = HEALTH_OBSERVED_UNKNOWN;
        follow_monitor(health, monitor, before, HEALTH_OUTCOME_NONE);
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
    health_journal_note(health->journal, HEALTH_ENDPOINT, m->endpoint);
    if (m->outcome != outcome || m->detail != detail || m->restored) {
        health_journal_note(health->diary, HEALTH_ENDPOINT, m->endpoint);
    }
    health->wall_ms = wall_ms;
    m->outcome = (uint8_t)outcome;
    m->checked_ms = wall_ms;
    m->duration_us = duration_us;
    m->detail = detail;
    if (outcome == HEALTH_OUTCOME_LOCAL_ERROR) {
        pass_over(health, m);
        return;
    }
    m->judged_ms = wall_ms;
    m->restored = false;
    health_brake_hear(health, monitor, outcome);
    struct share before = share_of(m);
    bool changed = judge(health, monitor, health_outcome_is_failure(outcome));
    if (changed || counts_on(m)) {
        health_journal_note(health->diary, HEALTH_ENDPOINT, m->endpoint);
    }
    if (changed || wavers(m) != before.wavers || m->inherited != before.inherited) {
        follow_monitor(health, m, before, outcome);
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
    follow_monitor(health, m, before, m->outcome);
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
    bool stays = m->says == HEALTH_SAYS_SUSPECT && history->says == HEALTH_SAYS_SUSPECT &&
                 m->suspected_ms == history->suspected_ms; /* where it stands among suspects */
    if (!stays) {
        health_brake_leave(health, monitor);
    }
    health_copy_history(m, history);
    if (!stays) {
        health_brake_enter(health, monitor);
    }
    health->wall_ms = wall_ms;
    follow_monitor(health, m, before, HEALTH_OUTCOME_NONE);
}

void health_set_was_lost(struct health *health, enum health_kind kind, uint32_t index, bool was_lost,
                         int64_t wall_ms)
{
    health->nodes[kind][index].was_lost = was_lost;
    health->wall_ms = wall_ms;
    climb(health, kind, index, HEALTH_OUTCOME_NONE, false);
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
    struct health_monitor history = {.idle = !used,
                                     .left_unhealthy = !used && was_unhealthy,
                                     .untried = m->untried,
                                     .inherited = inherits,
                                     .verdict =
                                         inherits ? HEALTH_OBSERVED_UNHEALTHY : HEALTH_OBSERVED_UNKNOWN};
    health_brake_leave(health, monitor);
    health_copy_history(m, &history);
    health_brake_enter(health, monitor);
}

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
        struct health_monitor *source = &health->monitors[from], *target = &health->monitors[to];
        struct share before = share_of(source), target_before = share_of(target);
        struct health_monitor history = *source;
        history.says = HEALTH_SAYS_NOTHING; /* of the other family */
        set_used(health, from, false);
        health_copy_history(target, &history);
        count_again(health, source, before);
        count_again(health, target, target_before);
    }
    climb(health, HEALTH_ENDPOINT, endpoint, HEALTH_OUTCOME_NONE, follow_wavers(health, endpoint));
    return true;
}

void health_set_resolved(struct health *health, uint32_t endpoint, uint32_t resolved)
{
    assert(endpoint < health->counts[HEALTH_ENDPOINT] && (resolved & ~(uint32_t)HEALTH_WORD_RESOLVED) == 0);
    health_note(health, HEALTH_ENDPOINT, endpoint); /* its addresses are other ones, whatever families */
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
