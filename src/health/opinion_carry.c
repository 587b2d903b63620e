/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See opinion.h. What one machine knows of vantages goes over to the one that takes its place: who they are
 * at once (health_opinions_share), what they say monitor by monitor (health_opinions_carry). A machine for
 * what is assumed goes without. */
#include "config.h"

#include "health/opinion.h"

#include "health/brake_frame.h"
#include "health/brake_inside.h"
#include "health/opinion_inside.h"

#include <stdlib.h>
#include <string.h>

/* ---- machines that take over ---- */

/* Which of the old control targets it is; UINT32_MAX: none. */
static uint32_t find_control(const struct health *to, const struct health *from, uint32_t control)
{
    const struct health_brake_plan *plan = &to->brake->frame->plan, *old = &from->brake->frame->plan;
    if (to->frame == from->frame) {
        return control;
    }
    for (uint32_t i = 0; plan->control_identities != NULL && i < old->control_count; i++) {
        if (old->control_identities != NULL &&
            old->control_identities[i] == plan->control_identities[control]) {
            return i;
        }
    }
    return UINT32_MAX;
}

/* What all say of control targets that are in both plans. */
static void carry_controls(struct health *to, const struct health *from)
{
    size_t count = to->brake == NULL || from->brake == NULL ? 0 : to->brake->frame->plan.control_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t old = find_control(to, from, i);
        for (uint32_t left = old == UINT32_MAX ? 0 : to->opinions->present; left != 0; left &= left - 1) {
            unsigned number = (unsigned)__builtin_ctz(left);
            opinion_controls_of(to, number)[i] = opinion_controls_of(from, number)[old];
        }
    }
}

/* What was said so far by one who had this number before, and was revoked, is not what this one says. */
static void share_vantage(struct health *to, unsigned number, const struct vantage *from, bool was)
{
    struct vantage *v = &to->opinions->vantages[number];
    if (was && v->enrolled != from->enrolled) {
        free(opinion_remove(to, number));
        was = false;
    }
    struct cell *cells = was ? v->cells : opinion_make_cells(to);
    uint32_t up = v->up, down = v->down;
    *v = *from;
    v->cells = cells;
    v->up = was ? up : 0;
    v->down = was ? down : 0;
}

void health_opinions_share(struct health *to, const struct health *from)
{
    struct health_opinions *o = to->opinions;
    const struct health_opinions *old = from->opinions;
    if (o == NULL || old == NULL) {
        return;
    }
    for (unsigned i = LOCAL + 1; i < HEALTH_VANTAGES_MAX; i++) {
        bool is = (old->present >> i & 1) != 0, was = (o->present >> i & 1) != 0;
        if (was && !is) {
            free(opinion_remove(to, i));
        } else if (is) {
            share_vantage(to, i, &old->vantages[i], was);
        }
    }
    bool is_new = o->stamp != old->stamp || o->present != old->present;
    o->present = old->present;
    o->drained = old->drained;
    o->fresh = old->fresh;
    o->stamp = old->stamp;
    o->asked_ms = old->asked_ms > o->asked_ms ? old->asked_ms : o->asked_ms;
    o->vantages[LOCAL].awaited_ms = old->vantages[LOCAL].awaited_ms;
    memcpy(o->aside, old->aside, sizeof o->aside);
    carry_controls(to, from);
    if (is_new) {
        opinion_share_scopes(to, from);
    }
    opinion_begin_walk(to);
}

/* What it says of the same question; of another one it is awaited, if it had an opinion. */
static struct cell carry_cell(const struct vantage *v, uint32_t old, bool is_exact, int64_t now_ms)
{
    const struct cell *cell = &v->cells[old];
    bool has = cell->epoch == v->epoch && cell->verdict != HEALTH_OBSERVED_UNKNOWN;
    bool waits = cell->epoch == 0 && cell->streak != 0;
    return is_exact || waits
               ? *cell
               : (struct cell){.turned_ds = (int32_t)(now_ms / DECISECOND_MS), .streak = has ? 1 : 0};
}

void health_opinions_carry(struct health *to, uint32_t monitor, const struct health *from, uint32_t old,
                           bool is_exact)
{
    static const struct cell none = {.verdict = HEALTH_OBSERVED_UNKNOWN};
    struct health_opinions *o = to->opinions;
    if (o == NULL) {
        return;
    }
    for (uint32_t left = o->present & ~(uint32_t)LOCAL_BIT; left != 0; left &= left - 1) {
        unsigned i = (unsigned)__builtin_ctz(left);
        bool has = old != UINT32_MAX && from->opinions != NULL && (from->opinions->present >> i & 1) != 0;
        struct cell cell = has ? carry_cell(&from->opinions->vantages[i], old, is_exact, from->now_ms) : none;
        opinion_set_cell(&o->vantages[i], monitor, &cell);
    }
    if (!is_exact) {
        o->asked_ms = from->now_ms + from->frame->quorums.expires_ms + DECISECOND_MS;
    }
}

/* ---- simulations ---- */

static void leave_alone(struct health *health, uint32_t monitor)
{
    struct health_monitor *m = &health->monitors[monitor];
    m->is_judged = m->disputed = false;
    m->own = HEALTH_OBSERVED_UNKNOWN;
}

void health_assume_answers(struct health *health)
{
    health_brake_assume(health);
    for (uint32_t i = 0; health->opinions != NULL && i < health->monitor_count; i++) {
        if (health->monitors[i].is_judged) {
            health_alter_monitor(health, i, HEALTH_OUTCOME_NONE, leave_alone);
        }
    }
    health_opinions_free(health);
    health->opinions = NULL;
}

void health_assume_opinions(struct health *health)
{
    health_brake_assume(health);
    if (health->opinions != NULL) {
        health->opinions->assumes = true;
    }
}
