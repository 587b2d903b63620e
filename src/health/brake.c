/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See brake.h. Per target two counters, per family the suspected monitors as a list, the oldest first, and
 * per length of interval how many targets answer; so a result costs a few steps whatever the number of
 * targets. */
#include "config.h"

#include "health/brake.h"

#include "base/hash.h"
#include "base/memory.h"
#include "base/share.h"
#include "health/brake_frame.h"
#include "health/brake_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { NO = HEALTH_BRAKE_NONE, TURN = 64 };

const char *health_brake_turn_text(enum health_brake_turn turn)
{
    static const char *const texts[] = {"engaged", "recovered", "believed", "expired"};
    return texts[turn];
}

/* ---- counting targets ---- */

static struct brake_side *side_of(struct health_brake *brake, uint32_t monitor)
{
    return &brake->sides[brake->frame->places[brake->frame->target_of[monitor]].family];
}

static void begin_window(const struct health *health, struct brake_side *side)
{
    uint32_t classes = health->brake->frame->class_count;
    side->window++;
    side->window_ms = health->now_ms;
    memcpy(side->quiet, side->members, classes * sizeof *side->quiet);
}

/* By any of its monitors, in this window. One that stopped being what it was says nothing any more. */
static bool is_heard(const struct brake_side *side, const struct brake_target *target)
{
    return target->window == side->window && target->heard != 0;
}

/* Stands in the counters as `sign` says: 1 or -1. */
static void count_target(struct health_brake *brake, uint32_t target, int sign)
{
    const struct brake_place *place = &brake->frame->places[target];
    struct brake_side *side = &brake->sides[place->family];
    struct brake_target *what = &brake->targets[target];
    if (what->answering != 0) {
        side->answering += (uint32_t)sign;
        side->members[place->class] += (uint32_t)sign;
        side->quiet[place->class] += is_heard(side, what) ? 0 : (uint32_t)sign;
    } else if (what->suspected != 0) {
        side->failing += (uint32_t)sign;
    }
}

/* Of one moment, which a reload may give to several: some order, but the same one in every machine. */
static bool is_suspected_before(const struct health_monitor *monitors, uint32_t a, uint32_t b)
{
    int64_t a_ms = monitors[a].suspected_ms, b_ms = monitors[b].suspected_ms;
    return a_ms != b_ms ? a_ms < b_ms : a < b;
}

/* The newest is the last: only what a reload brings has to be put between others. */
static void link_suspect(struct health *health, struct brake_side *side, uint32_t monitor)
{
    struct brake_link *links = health->brake->links;
    uint32_t prev = side->last;
    while (prev != NO && is_suspected_before(health->monitors, monitor, prev)) {
        prev = links[prev].prev;
    }
    uint32_t *from = prev == NO ? &side->first : &links[prev].next;
    links[monitor] = (struct brake_link){.next = *from, .prev = prev};
    *(*from == NO ? &side->last : &links[*from].prev) = monitor;
    *from = monitor;
}

static void unlink_suspect(struct health *health, struct brake_side *side, uint32_t monitor)
{
    struct brake_link *links = health->brake->links, link = links[monitor];
    if (side->cursor == monitor) {
        side->cursor = link.next;
    }
    *(link.prev == NO ? &side->first : &links[link.prev].next) = link.next;
    *(link.next == NO ? &side->last : &links[link.next].prev) = link.prev;
}

/* In this window, from now on; or not, as if it never was. */
static void note_heard(struct health_brake *brake, uint32_t monitor, bool heard)
{
    struct brake_target *target = &brake->targets[brake->frame->target_of[monitor]];
    const struct brake_place *place = &brake->frame->places[brake->frame->target_of[monitor]];
    struct brake_side *side = &brake->sides[place->family];
    bool was_heard = is_heard(side, target);
    if ((brake->heard[monitor] == side->window) == heard) {
        return;
    }
    brake->heard[monitor] = heard ? side->window : side->window - 1;
    target->heard = (was_heard ? target->heard : 0) + (heard ? 1 : -1u);
    target->window = side->window;
    if (target->answering != 0) {
        side->quiet[place->class] += (uint32_t)was_heard - (uint32_t)is_heard(side, target);
    }
}

/* By what it says: into the counters and the list, or out of them. */
static void stand(struct health *health, uint32_t monitor, int sign)
{
    struct health_brake *brake = health->brake;
    enum health_says says = health->monitors[monitor].says;
    uint32_t target = brake->frame->target_of[monitor];
    struct brake_side *side = side_of(brake, monitor);
    bool begins = side->failing == 0;
    if (says == HEALTH_SAYS_NOTHING) {
        return;
    }
    if (says == HEALTH_SAYS_SUSPECT) {
        (sign > 0 ? link_suspect : unlink_suspect)(health, side, monitor);
    }
    count_target(brake, target, -1);
    *(says == HEALTH_SAYS_SUSPECT ? &brake->targets[target].suspected : &brake->targets[target].answering) +=
        (uint32_t)sign;
    count_target(brake, target, 1);
    if (begins && side->failing != 0) { /* not if another monitor of the only one joins or leaves */
        begin_window(health, side);
    }
}

void health_brake_leave(struct health *health, uint32_t monitor)
{
    if (health->brake != NULL) {
        stand(health, monitor, -1);
        note_heard(health->brake, monitor, false);
    }
}

void health_brake_enter(struct health *health, uint32_t monitor)
{
    if (health->brake == NULL) {
        return;
    }
    stand(health, monitor, 1);
    if (health->monitors[monitor].answered_ms >= side_of(health->brake, monitor)->window_ms) {
        note_heard(health->brake, monitor, true);
    }
}

void health_brake_replace(struct health *health, uint32_t monitor, const struct health_history *history)
{
    struct brake_side *side = health->brake == NULL ? NULL : side_of(health->brake, monitor);
    uint32_t window = side == NULL ? 0 : side->window;
    health_brake_leave(health, monitor);
    health_history_put(health, monitor, history);
    health_brake_enter(health, monitor);
    if (side != NULL && side->window != window) {
        side->window_ms = 0; /* it began elsewhere: health_brake_carry(), health_brake_resume() */
    }
}

static void say(struct health *health, uint32_t monitor, enum health_says says)
{
    struct health_monitor *m = &health->monitors[monitor];
    if (m->says != says) {
        health_note(health, HEALTH_ENDPOINT, m->endpoint); /* the result may be another one's */
        stand(health, monitor, -1);
        m->says = (uint8_t)says;
        stand(health, monitor, 1);
    }
}

/* ---- on and off ---- */

/* Those that answer, as far as is known. */
static uint32_t count_answering(const struct health *health, const struct brake_side *side)
{
    const struct brake_frame *frame = health->brake->frame;
    uint32_t count = side->answering;
    int64_t age_ms = health->now_ms - side->window_ms;
    for (uint32_t i = 0; i < frame->class_count && !health->brake->assumes && side->failing != 0; i++) {
        count -= age_ms * 10 >= (int64_t)frame->intervals_ms[i] * 9 ? side->quiet[i] : 0;
    }
    return count;
}

static bool is_mass(const struct health *health, const struct brake_side *side)
{
    const struct health_brake_plan *plan = &health->brake->frame->plan;
    if (side->failing < plan->targets) {
        return false;
    }
    uint32_t all = side->failing + count_answering(health, side);
    return share_is_reached(plan->share, side->failing, all, all);
}

static bool control_answers(const struct health_brake *brake, const struct brake_side *side, size_t control)
{
    return brake->frame->plan.controls[control] == side - brake->sides && brake->controls[control].answers;
}

/* Has a control target answered since the first failure? Where somebody always fails that may be long ago, so
 * its answer is not to be older than a window before the first that still counts, either. There is one. */
static bool is_believed(const struct health *health, const struct brake_side *side)
{
    const struct health_brake *brake = health->brake;
    int64_t least_ms = health->monitors[side->first].suspected_ms - brake->frame->window_ms;
    least_ms = least_ms < side->window_ms ? side->window_ms : least_ms;
    bool believed = false;
    for (size_t i = 0; i < brake->frame->plan.control_count; i++) {
        believed |=
            control_answers(brake, side, i) && (brake->assumes || brake->controls[i].at_ms >= least_ms);
    }
    return believed;
}

void health_get_brake(const struct health *health, unsigned family, struct health_brake_status *status)
{
    const struct health_brake *brake = health->brake;
    *status = (struct health_brake_status){.is_on = brake != NULL};
    if (brake == NULL) {
        return;
    }
    const struct brake_side *side = &brake->sides[family];
    status->engaged = side->engaged && health->now_ms < side->until_ms;
    status->targets = brake->frame->totals[family];
    status->failing = side->failing;
    status->answering = count_answering(health, side);
    status->engagements = side->engagements;
    if (status->engaged) {
        status->engaged_ms = health->now_ms - side->engaged_ms;
        status->left_ms = side->until_ms - health->now_ms;
    }
    for (size_t i = 0; i < brake->frame->plan.control_count; i++) {
        status->controls += brake->frame->plan.controls[i] == family;
        status->controls_answering += control_answers(brake, side, i);
    }
}

static void tell(const struct health *health, const struct brake_side *side, enum health_brake_turn turn)
{
    struct health_brake_change change = {.family = (uint8_t)(side - health->brake->sides), .turn = turn};
    if (health->listener.braked != NULL) {
        health_get_brake(health, change.family, &change.status);
        health->listener.braked(health->listener.context, &change);
    }
}

static void release(struct health *health, struct brake_side *side, enum health_brake_turn turn)
{
    bool waits = turn == HEALTH_BRAKE_RECOVERED;
    side->engaged = false;
    side->freed_ms = waits ? health->now_ms : 0;
    side->cursor = waits ? NO : side->first;
    tell(health, side, turn);
}

static void engage_if_due(struct health *health, struct brake_side *side)
{
    bool is_late = side->until_ms != 0 && health->now_ms >= side->until_ms;
    if (side->engaged || is_late || !is_mass(health, side) || is_believed(health, side)) {
        return;
    }
    side->engaged = true;
    side->engaged_ms = health->now_ms;
    side->until_ms =
        side->until_ms == 0 ? health->now_ms + health->brake->frame->plan.hold_ms : side->until_ms;
    side->engagements++;
    side->cursor = side->first;
    tell(health, side, HEALTH_BRAKE_ENGAGED);
}

/* Time has passed. */
static void pass(struct health *health, struct brake_side *side)
{
    if (side->engaged && health->now_ms >= side->until_ms) {
        release(health, side, HEALTH_BRAKE_EXPIRED);
    } else if (side->engaged &&
               !is_mass(health, side)) { /* a reload took suspects away, or names lead nowhere */
        release(health, side, HEALTH_BRAKE_RECOVERED);
    }
    for (int i = 0; i < TURN && !side->engaged && side->cursor == NO && side->first != NO; i++) {
        int64_t since_ms = health->monitors[side->first].suspected_ms;
        since_ms = since_ms < side->freed_ms ? side->freed_ms : since_ms;
        if (health->now_ms - since_ms <= health->brake->frame->window_ms) {
            break;
        }
        say(health, side->first, HEALTH_SAYS_NOTHING);
    }
    /* When a window has passed since then, who is suspected is so of something new. */
    bool is_over = side->until_ms != 0 && side->cursor == NO &&
                   health->now_ms - side->until_ms > health->brake->frame->window_ms;
    if ((side->failing == 0 || is_over) && !side->engaged) {
        side->until_ms = 0;
    }
}

/* ---- results ---- */

/* Who failed before somebody answered did not fail with whoever fails next. Where a part may answer and
 * steerd still have lost its sight, and once it was on, an answer proves nothing for the others. */
static void clear_older(struct health *health, const struct brake_side *side)
{
    bool proves = health->brake->frame->plan.share >= 1 && side->until_ms == 0 && side->cursor == NO;
    for (int i = 0; i < TURN && proves && side->first != NO; i++) {
        if (health->monitors[side->first].suspected_ms >= health->now_ms) {
            break;
        }
        say(health, side->first, HEALTH_SAYS_NOTHING);
    }
}

static void hear_answer(struct health *health, struct brake_side *side, uint32_t monitor)
{
    const struct health_brake *brake = health->brake;
    uint32_t target = brake->frame->target_of[monitor];
    bool was_suspected = brake->targets[target].answering == 0 && brake->targets[target].suspected != 0;
    health->monitors[monitor].answered_ms = health->now_ms;
    say(health, monitor, HEALTH_SAYS_ANSWERS);
    note_heard(health->brake, monitor, true);
    if (side->engaged && (was_suspected || !is_mass(health, side))) {
        release(health, side, HEALTH_BRAKE_RECOVERED);
    }
    clear_older(health, side);
}

/* Returns whether one more is suspected. */
static bool hear_failure(struct health *health, uint32_t monitor)
{
    struct health_monitor *m = &health->monitors[monitor];
    bool begins = m->says == HEALTH_SAYS_ANSWERS || (!m->failing && m->says == HEALTH_SAYS_NOTHING);
    if (begins && health_get_own(m) == HEALTH_OBSERVED_HEALTHY) {
        m->suspected_ms = health->now_ms;
        say(health, monitor, HEALTH_SAYS_SUSPECT);
        return true;
    }
    if (begins) {
        say(health, monitor, HEALTH_SAYS_NOTHING);
    }
    return false;
}

void health_brake_hear(struct health *health, uint32_t monitor, enum health_outcome outcome)
{
    if (health->brake == NULL) {
        return;
    }
    struct brake_side *side = side_of(health->brake, monitor);
    bool is_more = false;
    pass(health, side);
    if (outcome == HEALTH_OUTCOME_UNRESOLVED) {
        say(health, monitor, HEALTH_SAYS_NOTHING); /* nobody was asked */
    } else if (health_outcome_is_answer(outcome)) {
        hear_answer(health, side, monitor);
    } else {
        is_more = hear_failure(health, monitor);
    }
    if (is_more || side->until_ms == 0) { /* that others are quiet makes it due as well, but not again */
        engage_if_due(health, side);
    }
}

bool health_brake_holds(struct health *health, uint32_t monitor, uint32_t duration_us)
{
    if (health->brake == NULL) {
        return false;
    }
    struct brake_side *side = side_of(health->brake, monitor);
    engage_if_due(health, side);
    return side->engaged ||
           (side->freed_ms != 0 && health->now_ms - (int64_t)duration_us / 1000 <= side->freed_ms);
}

/* One that did not answer the last time: what failed meanwhile may have failed by our sight. */
static bool has_failing_control(const struct health_brake *brake, const struct brake_side *side)
{
    bool any = false;
    for (size_t i = 0; i < brake->frame->plan.control_count; i++) {
        any |= brake->frame->plan.controls[i] == side - brake->sides && brake->controls[i].at_ms != 0 &&
               !brake->controls[i].answers;
    }
    return any;
}

void health_brake_hear_control(struct health *health, uint32_t control, enum health_outcome outcome)
{
    struct health_brake *brake = health->brake;
    struct brake_side *side = &brake->sides[brake->frame->plan.controls[control]];
    bool answers = health_outcome_is_answer(outcome);
    bool was_blind = has_failing_control(brake, side);
    pass(health, side);
    brake->controls[control] = (struct brake_control){.answers = answers, .at_ms = health->now_ms};
    if (answers && side->engaged) {
        release(health, side, was_blind ? HEALTH_BRAKE_RECOVERED : HEALTH_BRAKE_BELIEVED);
    } else if (!answers) {
        engage_if_due(health, side);
    }
}

/* ---- what waits ---- */

/* What it is to be; its own if that may stand. */
static enum health_observed reconsider(const struct health_monitor *m, bool engaged)
{
    enum health_observed own = health_get_own(m);
    return engaged && own == HEALTH_OBSERVED_UNHEALTHY ? HEALTH_OBSERVED_HEALTHY
           : !engaged && health_is_held(m)             ? HEALTH_OBSERVED_UNHEALTHY
                                                       : own;
}

bool health_brake_waits(const struct health *health)
{
    bool waits = false;
    for (int i = 0; health->brake != NULL && i < HEALTH_BRAKES; i++) {
        waits |= health->brake->sides[i].cursor != NO;
    }
    return waits;
}

bool health_brake_take(struct health *health, uint32_t *monitor, enum health_observed *verdict)
{
    for (int i = 0; health->brake != NULL && i < HEALTH_BRAKES; i++) {
        struct brake_side *side = &health->brake->sides[i];
        if (side->cursor != NO) {
            *monitor = side->cursor;
            *verdict = reconsider(&health->monitors[*monitor], side->engaged);
            side->cursor = health->brake->links[*monitor].next;
            return true;
        }
    }
    return false;
}

int64_t health_brake_find_first(const struct health *health, uint32_t monitor)
{
    uint32_t first = side_of(health->brake, monitor)->first;
    return health->monitors[first == NO ? monitor : first].suspected_ms;
}

void health_follow_time(struct health *health, int64_t now_ms)
{
    health->now_ms = now_ms;
}

int64_t health_get_time(const struct health *health)
{
    return health->now_ms;
}

void health_brake_assume(struct health *health)
{
    struct health_brake *brake = health->brake;
    if (brake != NULL) {
        brake->assumes = true;
        for (size_t i = 0; i < brake->frame->plan.control_count; i++) {
            brake->controls[i].answers = true;
        }
    }
}

/* ---- machines that take over ---- */

static int compare_suspects(const void *left, const void *right, void *context)
{
    const uint32_t *a = left, *b = right;
    return *a == *b ? 0 : is_suspected_before(context, *a, *b) ? -1 : 1;
}

/* Everybody stands anew, suspects the oldest first. */
static void stand_all(struct health *health)
{
    uint32_t count = 0, *suspects = memory_alloc_array(health->monitor_count, sizeof *suspects);
    for (uint32_t i = 0; i < health->monitor_count; i++) {
        if (health->monitors[i].says == HEALTH_SAYS_SUSPECT) {
            suspects[count++] = i;
        } else {
            stand(health, i, 1);
        }
    }
    qsort_r(suspects, count, sizeof *suspects, compare_suspects, health->monitors);
    for (uint32_t i = 0; i < count; i++) {
        stand(health, suspects[i], 1);
    }
    free(suspects);
}

/* The window is the one that began then (0: with the oldest suspect): who was not heard in it is quiet. */
static void resume_window(struct health *health, struct brake_side *side, int64_t window_ms)
{
    struct health_brake *brake = health->brake;
    if (window_ms == 0 && side->first != NO) {
        window_ms = health->monitors[side->first].suspected_ms;
    }
    if (side->failing == 0 || side->window_ms == window_ms) {
        side->window_ms = window_ms;
        return;
    }
    begin_window(health, side);
    side->window_ms = window_ms;
    for (uint32_t i = 0; i < health->monitor_count; i++) {
        if (health->monitors[i].answered_ms >= window_ms && side_of(brake, i) == side) {
            note_heard(brake, i, true);
        }
    }
}

void health_brake_resume(struct health *health)
{
    for (int i = 0; health->brake != NULL && i < HEALTH_BRAKES; i++) {
        if (health->brake->sides[i].window_ms == 0) {
            resume_window(health, &health->brake->sides[i], 0);
        }
    }
}

void health_brake_rebuild(struct health *health)
{
    struct health_brake *brake = health->brake;
    int64_t windows_ms[HEALTH_BRAKES];
    bool walks[HEALTH_BRAKES];
    if (brake == NULL) {
        return;
    }
    memset(brake->targets, 0, brake->frame->target_count * sizeof *brake->targets);
    for (int i = 0; i < HEALTH_BRAKES; i++) {
        struct brake_side *side = &brake->sides[i];
        walks[i] = side->cursor != NO || side->engaged;
        windows_ms[i] = side->window_ms;
        side->first = side->last = side->cursor = NO;
        side->answering = side->failing = 0;
        side->window++; /* nobody is heard in it yet */
        memset(side->members, 0, brake->frame->class_count * sizeof *side->members);
        memset(side->quiet, 0, brake->frame->class_count * sizeof *side->quiet);
    }
    stand_all(health);
    for (int i = 0; i < HEALTH_BRAKES; i++) {
        struct brake_side *side = &brake->sides[i];
        side->window_ms = 0;
        resume_window(health, side, windows_ms[i]);
        side->cursor = walks[i] ? side->first : NO;
    }
}

/* What was heard of control targets that are in both plans. */
static void carry_controls(struct health_brake *to, const struct health_brake *from)
{
    const struct health_brake_plan *plan = &to->frame->plan, *old = &from->frame->plan;
    bool is_same = to->frame == from->frame;
    for (size_t i = 0; i < plan->control_count; i++) {
        for (size_t j = 0; j < old->control_count; j++) {
            if (is_same ? i == j
                        : plan->control_identities != NULL && old->control_identities != NULL &&
                              plan->control_identities[i] == old->control_identities[j]) {
                to->controls[i] = from->controls[j];
            }
        }
    }
}

void health_brake_carry(struct health *to, const struct health *from)
{
    to->now_ms = from->now_ms;
    to->offset_ms = from->offset_ms;
    if (to->brake == NULL || from->brake == NULL) {
        return;
    }
    for (int i = 0; i < HEALTH_BRAKES; i++) {
        struct brake_side *side = &to->brake->sides[i];
        const struct brake_side *old = &from->brake->sides[i];
        side->engaged = old->engaged;
        side->engaged_ms = old->engaged_ms;
        side->until_ms = old->until_ms;
        side->freed_ms = old->freed_ms;
        side->engagements = old->engagements;
        resume_window(to, side, old->failing != 0 ? old->window_ms : 0);
        bool walks = old->cursor != NO || old->engaged;
        uint32_t start =
            to->is_filled ? side->first : 0; /* else health_brake_rebuild() knows where that is */
        side->cursor = walks ? start : NO;
    }
    carry_controls(to->brake, from->brake);
}
