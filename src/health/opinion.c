/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See opinion.h. A column of cells is made when a vantage is enrolled, and a verdict judged when one of its
 * cells changes (quorum.c). What changes for all monitors at once, as when a vantage falls silent, is
 * followed in a walk. */
#include "config.h"

#include "health/opinion.h"

#include "base/memory.h"
#include "base/share.h"
#include "health/brake_frame.h"
#include "health/brake_inside.h"
#include "health/opinion_inside.h"
#include "health/results.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* All monitors are to be judged again. */
void opinion_begin_walk(struct health *health)
{
    health->opinions->left = health->monitor_count;
    health->opinions->walked_ms = health->now_ms;
}

static void tell(struct health *health, unsigned number, enum health_vantage_turn turn)
{
    struct health_vantage_change change = {health->opinions->vantages[number].name, (uint8_t)number, turn};
    if (health->listener.heard != NULL && health->is_filled) {
        health->listener.heard(health->listener.context, &change);
    }
}

/* ---- control targets ---- */

struct cell *opinion_controls_of(const struct health *health, unsigned number)
{
    struct cell *cells = health->opinions->vantages[number].cells;
    return number == LOCAL ? cells : cells + health->monitor_count;
}

static enum health_observed control_of(const struct health *health, unsigned number, uint32_t control)
{
    const struct vantage *v = &health->opinions->vantages[number];
    const struct cell *cell = &opinion_controls_of(health, number)[control];
    return cell->epoch == v->epoch ? (enum health_observed)cell->verdict : HEALTH_OBSERVED_UNKNOWN;
}

/* It says down, and most of the weight of the others says up. */
static bool is_alone(const struct health *health, unsigned number, uint32_t control, uint32_t witnesses)
{
    uint64_t up = 0, down = 0;
    for (witnesses &= ~(1u << number); witnesses != 0; witnesses &= witnesses - 1) {
        unsigned other = (unsigned)__builtin_ctz(witnesses);
        uint32_t weight = health->opinions->vantages[other].weight;
        enum health_observed says = control_of(health, other, control);
        up += says == HEALTH_OBSERVED_HEALTHY ? weight : 0;
        down += says == HEALTH_OBSERVED_UNHEALTHY ? weight : 0;
    }
    return control_of(health, number, control) == HEALTH_OBSERVED_UNHEALTHY && up > down;
}

/* What it has not said yet speaks for nothing. */
static bool is_aside(const struct health *health, unsigned number, unsigned family, uint32_t witnesses)
{
    const struct health_brake_plan *plan = &health->brake->frame->plan;
    uint32_t all = 0, alone = 0;
    for (uint32_t i = 0; i < plan->control_count; i++) {
        bool is_there = plan->controls[i] == family;
        all += is_there;
        alone += is_there && is_alone(health, number, i, witnesses);
    }
    return all != 0 && share_is_reached(plan->share, alone, all, all);
}

/* Does it say nothing of the control targets of that family, since it is silent or begins anew? */
static bool says_nothing(const struct health *health, unsigned number, unsigned family)
{
    const struct health_brake_plan *plan = &health->brake->frame->plan;
    bool speaks = false;
    for (uint32_t i = 0; i < plan->control_count && !speaks; i++) {
        speaks = plan->controls[i] == family && control_of(health, number, i) != HEALTH_OBSERVED_UNKNOWN;
    }
    return !speaks || (health->opinions->fresh >> number & 1) == 0;
}

/* Those who were set aside stay so until they say that they see again: what they say of monitors comes first.
 */
static uint32_t find_unseeing(const struct health *health, unsigned family)
{
    const struct health_opinions *o = health->opinions;
    uint32_t stay = 0;
    for (uint32_t left = o->aside[family] & o->present & ~o->drained; left != 0; left &= left - 1) {
        unsigned number = (unsigned)__builtin_ctz(left);
        stay |= says_nothing(health, number, family) ? 1u << number : 0;
    }
    return stay;
}

/* Who is set aside now? Told of a vantage once, whatever the family. */
static void weigh(struct health *health)
{
    struct health_opinions *o = health->opinions;
    uint32_t witnesses = o->present & o->fresh & ~o->drained, before = o->aside[0] | o->aside[1], after = 0;
    for (unsigned family = 0; health->brake != NULL && family < HEALTH_BRAKES; family++) {
        uint32_t aside = find_unseeing(health, family);
        for (uint32_t left = witnesses; left != 0; left &= left - 1) {
            unsigned number = (unsigned)__builtin_ctz(left);
            aside |= is_aside(health, number, family, witnesses) ? 1u << number : 0;
        }
        if (aside != o->aside[family]) {
            opinion_begin_walk(health);
        }
        o->aside[family] = aside;
        after |= aside;
    }
    for (uint32_t left = before ^ after; left != 0; left &= left - 1) {
        unsigned number = (unsigned)__builtin_ctz(left);
        tell(health, number, (after >> number & 1) != 0 ? HEALTH_VANTAGE_ASIDE : HEALTH_VANTAGE_RETURNED);
    }
}

/* A failure may be a lost packet: two in a row say down, as of a check without rise and fall. */
static void hear_own_control(struct health *health, uint32_t control, bool answers)
{
    enum { FALL = 2 };
    struct cell *cell = &health->opinions->vantages[LOCAL].cells[control];
    uint8_t before = cell->verdict;
    cell->streak = answers ? 0 : cell->streak < FALL ? (uint16_t)(cell->streak + 1) : FALL;
    cell->verdict = answers                ? HEALTH_OBSERVED_HEALTHY
                    : cell->streak == FALL ? HEALTH_OBSERVED_UNHEALTHY
                                           : cell->verdict;
    if (cell->verdict != before) {
        weigh(health);
        health_tell_own(health, health->monitor_count + control);
    }
}

void health_observe_control(struct health *health, uint32_t control, enum health_outcome outcome)
{
    if (health->brake != NULL && control < health->brake->frame->plan.control_count) {
        health_brake_hear_control(health, control, outcome);
        if (health->opinions != NULL) {
            hear_own_control(health, control, health_outcome_is_answer(outcome));
        }
    }
}

/* ---- who looks ---- */

/* A column is one large piece of zeros, which costs nothing before it is used. */
struct cell *opinion_make_cells(const struct health *health)
{
    size_t controls = health->brake == NULL ? 0 : health->brake->frame->plan.control_count;
    return memory_alloc_array(health->monitor_count + controls, sizeof(struct cell));
}

/* Returns its column, owned. */
struct cell *opinion_remove(struct health *health, unsigned number)
{
    struct health_opinions *o = health->opinions;
    uint32_t bit = 1u << number;
    struct cell *cells = o->vantages[number].cells;
    o->vantages[number] = (struct vantage){.weight = 0};
    o->present &= ~bit;
    o->drained &= ~bit;
    o->fresh &= ~bit;
    o->aside[0] &= ~bit;
    o->aside[1] &= ~bit;
    return cells;
}

static void name_vantage(struct vantage *v, const struct health_vantage_plan *plan)
{
    memset(v->name, 0, sizeof v->name);
    memcpy(v->name, plan->name, strnlen(plan->name, sizeof v->name - 1));
    v->weight = plan->weight;
}

/* What those who look need, made before anybody waits for it, and what they do not need any more. */
struct health_enrolment {
    struct vantage vantages[HEALTH_VANTAGES_MAX]; /* names and weights; cells: a column for one that is new */
    uint32_t present, drained;
    uint32_t *scopes;
};

struct health_enrolment *health_enrolment_new(const struct health *health,
                                              const struct health_vantage_plan *plans, size_t count)
{
    const struct health_opinions *o = health->opinions;
    struct health_enrolment *e = memory_alloc(sizeof *e);
    if (o == NULL) {
        return e;
    }
    e->present = LOCAL_BIT;
    e->drained = o->drained & LOCAL_BIT;
    const struct vantage *local =
        &o->vantages[LOCAL]; /* what it has said changes in the lock; this does not: */
    memcpy(e->vantages[LOCAL].name, local->name, sizeof local->name);
    e->vantages[LOCAL].weight = local->weight;
    for (size_t i = 0; i < count; i++) {
        unsigned number = plans[i].number;
        assert(number > LOCAL && number < HEALTH_VANTAGES_MAX && (e->present >> number & 1) == 0);
        e->present |= 1u << number;
        e->drained |= plans[i].drained ? 1u << number : 0;
        name_vantage(&e->vantages[number], &plans[i]);
        if ((o->present >> number & 1) == 0) {
            e->vantages[number].cells = opinion_make_cells(health);
        }
    }
    e->scopes = opinion_make_scopes(health, e->vantages, e->present);
    return e;
}

void health_enrolment_free(struct health_enrolment *e)
{
    for (int i = 0; e != NULL && i < HEALTH_VANTAGES_MAX; i++) {
        free(e->vantages[i].cells);
    }
    if (e != NULL) {
        free(e->scopes);
        free(e);
    }
}

static void put_vantage(struct health *health, struct vantage *from, unsigned number)
{
    struct health_opinions *o = health->opinions;
    struct vantage *v = &o->vantages[number];
    if ((o->present >> number & 1) == 0) {
        assert(from->cells != NULL); /* who is there changes by enrolments only */
        *v = (struct vantage){
            .heard_ms = INT64_MIN, .epoch = 1, .enrolled = o->stamp + 1, .cells = from->cells};
        from->cells = NULL;
    }
    memcpy(v->name, from->name, sizeof v->name);
    v->weight = from->weight;
}

void health_enrol(struct health *health, struct health_enrolment *e, int64_t now_ms)
{
    struct health_opinions *o = health->opinions;
    uint32_t *scopes = e->scopes;
    if (o == NULL) {
        return;
    }
    health->now_ms = now_ms > health->now_ms ? now_ms : health->now_ms;
    for (uint32_t gone = o->present & ~e->present; gone != 0; gone &= gone - 1) {
        unsigned number = (unsigned)__builtin_ctz(gone);
        e->vantages[number].cells = opinion_remove(health, number);
    }
    for (uint32_t left = e->present & ~(uint32_t)LOCAL_BIT; left != 0; left &= left - 1) {
        unsigned number = (unsigned)__builtin_ctz(left);
        put_vantage(health, &e->vantages[number], number);
    }
    o->present = e->present;
    o->drained = e->drained;
    o->stamp++;
    e->scopes = o->scopes;
    o->scopes = scopes;
    weigh(health);
    opinion_begin_walk(health);
}

void health_set_vantages(struct health *health, const struct health_vantage_plan *plans, size_t count,
                         int64_t now_ms)
{
    struct health_enrolment *e = health_enrolment_new(health, plans, count);
    health_enrol(health, e, now_ms);
    health_enrolment_free(e);
}

/* ---- what they say ---- */

static bool is_known(const struct health *health, unsigned vantage)
{
    return health->opinions != NULL && vantage != LOCAL && vantage < HEALTH_VANTAGES_MAX &&
           (health->opinions->present >> vantage & 1) != 0;
}

static struct cell make_cell(const struct health_opinion *opinion, uint16_t epoch, int64_t now_ms)
{
    int64_t turned_ds = (now_ms - (opinion->age_ms < 0 ? 0 : opinion->age_ms)) / DECISECOND_MS;
    turned_ds = turned_ds < INT32_MIN ? INT32_MIN : turned_ds > INT32_MAX ? INT32_MAX : turned_ds;
    bool is_good = opinion->verdict <= HEALTH_OBSERVED_UNHEALTHY &&
                   opinion->outcome < (enum health_outcome)HEALTH_OUTCOME_COUNT;
    return (struct cell){.duration_us = opinion->duration_us,
                         .turned_ds = (int32_t)turned_ds,
                         .detail = opinion->detail,
                         .streak = opinion->streak,
                         .epoch = epoch,
                         .verdict = is_good ? (uint8_t)opinion->verdict : (uint8_t)HEALTH_OBSERVED_UNKNOWN,
                         .outcome = is_good ? (uint8_t)opinion->outcome : (uint8_t)HEALTH_OUTCOME_NONE};
}

/* For those who look: what it met last was something else before. It tells of no more than that, and not when
 * its next check is. */
static void note_turn(struct health *health, unsigned vantage, uint32_t monitor, const struct cell *cell)
{
    const struct health_result result = {.ended_ms = health->wall_ms,
                                         .duration_us = cell->duration_us,
                                         .detail = cell->detail,
                                         .outcome = cell->outcome,
                                         .vantage = (uint8_t)vantage};
    if (cell->outcome != HEALTH_OUTCOME_NONE) {
        health_note_result(health, monitor, &result, HEALTH_RESULTS_SAME_NEXT);
    }
}

static void hear(struct health *health, unsigned vantage, const struct health_heard *heard)
{
    struct vantage *v = &health->opinions->vantages[vantage];
    struct health_monitor *m = &health->monitors[heard->monitor];
    struct cell cell = make_cell(&heard->opinion, v->epoch, health->now_ms), was = v->cells[heard->monitor];
    if (m->idle) {
        return;
    }
    bool is_same = was.verdict == cell.verdict && was.epoch == cell.epoch;
    if (was.epoch == 0 && was.streak != 0 && cell.verdict == HEALTH_OBSERVED_UNKNOWN) {
        return; /* it goes on being awaited */
    }
    v->has_spoken |= cell.verdict != HEALTH_OBSERVED_UNKNOWN;
    health_journal_note(health->journal, HEALTH_ENDPOINT, m->endpoint);
    if (!is_same || was.outcome != cell.outcome) {
        health_journal_note(health->diary, HEALTH_ENDPOINT, m->endpoint);
    }
    if (is_same) { /* the same word again: it is of the same time, however the links delay it */
        cell.turned_ds = was.turned_ds;
    }
    opinion_set_cell(v, heard->monitor, &cell);
    if (was.verdict != cell.verdict || was.outcome != cell.outcome) {
        note_turn(health, vantage, heard->monitor, &cell);
    }
    if (!is_same) {
        health_judge_again(health, heard->monitor, (enum health_outcome)cell.outcome);
    }
}

/* Returns whether it says anything else than before. */
static bool hear_control(struct health *health, unsigned vantage, const struct health_heard *heard)
{
    struct vantage *v = &health->opinions->vantages[vantage];
    struct cell cell = make_cell(&heard->opinion, v->epoch, health->now_ms), *to = &v->cells[heard->monitor];
    bool is_new = to->verdict != cell.verdict || to->epoch != cell.epoch;
    *to = cell;
    return is_new;
}

/* What it has said until now is not what it says. */
static void begin_anew(struct vantage *v)
{
    v->epoch = v->epoch == UINT16_MAX ? 1 : (uint16_t)(v->epoch + 1);
    v->has_spoken = false;
}

static void await(struct health *health, unsigned vantage)
{
    health->opinions->vantages[vantage].awaited_ms = health->now_ms + health->frame->quorums.expires_ms;
}

/* Of one that was silent nobody knows whether it still says what it said then. */
static void note_alive(struct health *health, unsigned vantage, int64_t now_ms)
{
    struct health_opinions *o = health->opinions;
    struct vantage *v = &o->vantages[vantage];
    bool was_fresh = (o->fresh >> vantage & 1) != 0;
    health->now_ms = now_ms > health->now_ms ? now_ms : health->now_ms;
    bool is_late = was_fresh && health->now_ms - v->heard_ms > health->frame->quorums.expires_ms;
    v->heard_ms = health->now_ms;
    if (was_fresh && !is_late) {
        return;
    }
    begin_anew(v);
    o->fresh |= 1u << vantage;
    if (!was_fresh) {
        tell(health, vantage, HEALTH_VANTAGE_HEARD);
    }
    weigh(health);
    opinion_begin_walk(health);
}

void health_hear_vantage(struct health *health, unsigned vantage, int64_t now_ms)
{
    if (is_known(health, vantage)) {
        note_alive(health, vantage, now_ms);
    }
}

static void hear_all(struct health *health, unsigned vantage, const struct health_heard *heard, size_t count,
                     int64_t wall_ms)
{
    struct health_batch batch;
    bool weighs = false;
    assert(!health->delivering && count <= HEALTH_HEAR_MAX);
    size_t controls = health->brake == NULL ? 0 : health->brake->frame->plan.control_count;
    health->wall_ms = wall_ms;
    health->offset_ms = wall_ms - health->now_ms;
    health_batch_begin(health, &batch);
    for (size_t i = 0; i < count; i++) {
        if (heard[i].monitor < health->monitor_count) {
            hear(health, vantage, &heard[i]);
        } else if (heard[i].monitor - health->monitor_count < controls) {
            weighs |= hear_control(health, vantage, &heard[i]);
        }
    }
    health_batch_end(health);
    if (weighs) {
        weigh(health);
    }
}

void health_hear(struct health *health, unsigned vantage, const struct health_heard *heard, size_t count,
                 int64_t wall_ms, int64_t now_ms)
{
    if (is_known(health, vantage)) {
        note_alive(health, vantage, now_ms);
        hear_all(health, vantage, heard, count, wall_ms);
    }
}

void health_hear_instead(struct health *health, unsigned vantage, const struct health_heard *heard,
                         size_t count, int64_t wall_ms, int64_t now_ms)
{
    if (is_known(health, vantage) && (health->opinions->fresh >> vantage & 1) != 0) {
        health->now_ms = now_ms > health->now_ms ? now_ms : health->now_ms;
        hear_all(health, vantage, heard, count, wall_ms);
    }
}

void health_await_vantages(struct health *health, int64_t now_ms)
{
    if (health->opinions == NULL) {
        return;
    }
    health->now_ms = now_ms > health->now_ms ? now_ms : health->now_ms;
    for (uint32_t left = health->opinions->present; left != 0; left &= left - 1) {
        await(health, (unsigned)__builtin_ctz(left));
    }
}

bool health_hold_up(struct health *health, int64_t for_ms, int64_t now_ms)
{
    if (health->opinions == NULL || for_ms <= health->frame->quorums.expires_ms) {
        return false;
    }
    health_doubt(health);
    health_await_vantages(health, now_ms);
    opinion_begin_walk(health);
    return true;
}

/* One that is started again and again is not awaited again and again. */
void health_forget_vantage(struct health *health, unsigned vantage)
{
    if (is_known(health, vantage)) {
        struct vantage *v = &health->opinions->vantages[vantage];
        if (v->has_spoken && (health->opinions->fresh >> vantage & 1) != 0) {
            await(health, vantage);
        }
        begin_anew(v);
        weigh(health);
        opinion_begin_walk(health);
    }
}

/* Returns whether one was. */
static bool fall_silent(struct health *health)
{
    struct health_opinions *o = health->opinions;
    bool any = false;
    for (uint32_t left = o->fresh & ~(uint32_t)LOCAL_BIT; left != 0; left &= left - 1) {
        unsigned number = (unsigned)__builtin_ctz(left);
        if (health->now_ms - o->vantages[number].heard_ms > health->frame->quorums.expires_ms) {
            o->fresh &= ~(1u << number);
            any = true;
            tell(health, number, HEALTH_VANTAGE_SILENT);
        }
    }
    return any;
}

/* Returns whether somebody was awaited until now. */
static bool give_up(struct health_opinions *o, int64_t now_ms)
{
    bool is_over = o->asked_ms != 0 && now_ms >= o->asked_ms;
    o->asked_ms = is_over ? 0 : o->asked_ms;
    for (uint32_t left = o->present; left != 0; left &= left - 1) {
        struct vantage *v = &o->vantages[__builtin_ctz(left)];
        if (v->awaited_ms != 0 && now_ms >= v->awaited_ms) {
            v->awaited_ms = 0;
            is_over = true;
        }
    }
    return is_over;
}

bool health_follow_vantages(struct health *health, int64_t wall_ms, int64_t now_ms)
{
    struct health_opinions *o = health->opinions;
    struct health_batch batch;
    if (o == NULL) {
        return false;
    }
    assert(!health->delivering);
    health->now_ms = now_ms > health->now_ms ? now_ms : health->now_ms;
    health->offset_ms = wall_ms - health->now_ms;
    health->wall_ms = wall_ms;
    bool is_over = give_up(o, health->now_ms), is_silent = fall_silent(health);
    bool is_due = o->left == 0 && o->present != LOCAL_BIT &&
                  health->now_ms - o->walked_ms > health->frame->quorums.expires_ms;
    if (is_silent) {
        weigh(health);
    }
    if (is_over || is_silent || is_due) {
        opinion_begin_walk(health);
    }
    health_batch_begin(health, &batch);
    for (size_t i = 0; i < HEALTH_HEAR_MAX && o->left != 0; i++, o->left--) {
        o->at = o->at < health->monitor_count ? o->at : 0;
        health_judge_again(health, o->at++, HEALTH_OUTCOME_NONE);
    }
    health_batch_end(health);
    return o->left != 0;
}
