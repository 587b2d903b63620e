/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What vantages say, for those who ask why a verdict is what it is. */
#include "config.h"

#include "health/opinion.h"

#include "health/brake_frame.h"
#include "health/brake_inside.h"
#include "health/opinion_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *health_vantage_turn_text(enum health_vantage_turn turn)
{
    static const char *const texts[] = {"heard", "silent", "set_aside", "returned"};
    return texts[turn];
}

const char *health_discount_text(enum health_discount discount)
{
    static const char *const texts[] = {NULL,        "none", "silent", "drained",
                                        "set_aside", "held", "old",    "awaited"};
    return texts[discount];
}

bool health_has_vantages(const struct health *health)
{
    return health->opinions != NULL;
}

bool health_get_vantage(const struct health *health, unsigned number, int64_t now_ms,
                        struct health_vantage_status *status)
{
    const struct health_opinions *o = health->opinions;
    if (o == NULL || number >= HEALTH_VANTAGES_MAX || (o->present >> number & 1) == 0) {
        return false;
    }
    const struct vantage *v = &o->vantages[number];
    bool was_heard = number != LOCAL && v->heard_ms != INT64_MIN;
    *status = (struct health_vantage_status){
        .name = v->name,
        .number = (uint8_t)number,
        .weight = v->weight,
        .drained = (o->drained >> number & 1) != 0,
        .is_fresh = (o->fresh >> number & 1) != 0,
        .aside = {(o->aside[0] >> number & 1) != 0, (o->aside[1] >> number & 1) != 0},
        .silent_ms = number == LOCAL ? 0
                     : was_heard     ? now_ms - v->heard_ms
                                     : -1,
        .up = v->up,
        .down = v->down};
    return true;
}

int health_find_vantage(const struct health *health, const char *name)
{
    const struct health_opinions *o = health->opinions;
    for (uint32_t left = o == NULL ? 0 : o->present; left != 0; left &= left - 1) {
        int number = __builtin_ctz(left);
        if (strcmp(o->vantages[number].name, name) == 0) {
            return number;
        }
    }
    return -1;
}

bool health_is_in_scope(const struct health *health, unsigned vantage, uint32_t monitor)
{
    return health->opinions != NULL && vantage < HEALTH_VANTAGES_MAX && !health->monitors[monitor].is_told &&
           (opinion_scope_of(health, monitor) >> vantage & 1) != 0;
}

void health_get_judgement(const struct health *health, uint32_t monitor, struct health_judgement *judgement)
{
    const struct health_monitor *m = &health->monitors[monitor];
    *judgement = (struct health_judgement){.is_by_quorum = m->is_judged && health->opinions != NULL};
    if (!judgement->is_by_quorum) {
        return;
    }
    const struct health_quorum *quorum = opinion_quorum_of(health, monitor);
    struct counted counted = opinion_count(health, monitor);
    judgement->judged = health_opinions_judge(health, monitor);
    judgement->own = (enum health_observed)m->own;
    judgement->kind = quorum->kind;
    judgement->count = quorum->count;
    judgement->up = counted.up;
    judgement->down = counted.down;
    judgement->opinions = counted.up + counted.down;
    judgement->could = counted.could;
    judgement->needed = counted.needed;
    judgement->awaited = counted.awaited;
    judgement->weight = counted.weight;
    judgement->weight_down = counted.weight_down;
    judgement->weight_needed = counted.weight_needed;
}

static void describe_local(const struct health *health, uint32_t monitor, int64_t now_ms,
                           struct health_opinion *to)
{
    const struct health_monitor *m = &health->monitors[monitor];
    (void)now_ms;
    *to = (struct health_opinion){.verdict = (enum health_observed)m->own,
                                  .outcome = (enum health_outcome)m->outcome,
                                  .detail = m->detail,
                                  .streak = m->streak,
                                  .duration_us = m->duration_us,
                                  .age_ms = -1};
}

static void describe(const struct cell *cell, int64_t now_ms, struct health_opinion *to)
{
    int64_t age_ms = now_ms - (int64_t)cell->turned_ds * DECISECOND_MS;
    *to = (struct health_opinion){.verdict = (enum health_observed)cell->verdict,
                                  .outcome = (enum health_outcome)cell->outcome,
                                  .detail = cell->detail,
                                  .streak = cell->streak,
                                  .duration_us = cell->duration_us,
                                  .age_ms = age_ms < 0 ? 0 : age_ms};
}

struct health_opinion health_get_opinion(const struct health *health, unsigned vantage, uint32_t monitor)
{
    struct health_opinion opinion = {.verdict = HEALTH_OBSERVED_UNKNOWN};
    const struct health_opinions *o = health->opinions;
    size_t controls = health->brake == NULL ? 0 : health->brake->frame->plan.control_count;
    if (o != NULL && vantage > LOCAL && vantage < HEALTH_VANTAGES_MAX && (o->present >> vantage & 1) != 0 &&
        monitor < health->monitor_count + controls) {
        const struct vantage *v = &o->vantages[vantage];
        if (v->cells[monitor].epoch == v->epoch) {
            describe(&v->cells[monitor], health->now_ms, &opinion);
        }
    }
    return opinion;
}

static struct health_opinion describe_control(const struct health *health, uint32_t control)
{
    struct health_opinion opinion = {.verdict = HEALTH_OBSERVED_UNKNOWN};
    if (health->opinions != NULL && health->brake != NULL &&
        control < health->brake->frame->plan.control_count) {
        const struct cell *cell = &opinion_controls_of(health, LOCAL)[control];
        opinion.verdict = (enum health_observed)cell->verdict;
        opinion.streak = cell->streak;
    }
    return opinion;
}

struct health_opinion health_get_own_opinion(const struct health *health, uint32_t monitor)
{
    if (monitor >= health->monitor_count) {
        return describe_control(health, monitor - health->monitor_count);
    }
    const struct health_monitor *m = &health->monitors[monitor];
    return (struct health_opinion){.verdict = health_find_seen(health, monitor),
                                   .outcome = (enum health_outcome)m->outcome,
                                   .detail = m->detail,
                                   .streak = m->streak,
                                   .duration_us = m->duration_us};
}

static enum health_discount find_discount(const struct health *health, unsigned number, uint32_t monitor)
{
    const struct health_opinions *o = health->opinions;
    const struct health_monitor *m = &health->monitors[monitor];
    const struct vantage *v = &o->vantages[number];
    bool is_aside = (o->aside[opinion_family_of(health, monitor)] >> number & 1) != 0;
    bool is_old = number == LOCAL ? m->restored || m->doubted || health_is_stale(m, health->now_ms)
                                  : v->cells[monitor].epoch != v->epoch && v->cells[monitor].verdict != 0;
    bool waits = opinion_of(health, number, monitor) == HEALTH_OBSERVED_UNKNOWN &&
                 opinion_is_awaited(health, number, monitor);
    return (o->drained >> number & 1) != 0            ? HEALTH_COUNTS_NOT_DRAINED
           : waits && !is_aside                       ? HEALTH_COUNTS_NOT_AWAITED
           : (o->fresh >> number & 1) == 0            ? HEALTH_COUNTS_NOT_SILENT
           : is_aside                                 ? HEALTH_COUNTS_NOT_ASIDE
           : number == LOCAL && health_is_held(m)     ? HEALTH_COUNTS_NOT_HELD
           : is_old                                   ? HEALTH_COUNTS_NOT_OLD
           : opinion_of(health, number, monitor) == 0 ? HEALTH_COUNTS_NOT_NONE
                                                      : HEALTH_COUNTS;
}

size_t health_list_opinions(const struct health *health, uint32_t monitor, int64_t now_ms,
                            struct health_opinion_status list[HEALTH_VANTAGES_MAX])
{
    const struct health_opinions *o = health->opinions;
    size_t count = 0;
    if (o == NULL || !health->monitors[monitor].is_judged) {
        return 0;
    }
    for (uint32_t left = opinion_scope_of(health, monitor); left != 0; left &= left - 1) {
        unsigned number = (unsigned)__builtin_ctz(left);
        struct health_opinion_status *to = &list[count++];
        *to = (struct health_opinion_status){.vantage = o->vantages[number].name,
                                             .number = (uint8_t)number,
                                             .weight = o->vantages[number].weight,
                                             .discount = find_discount(health, number, monitor)};
        if (number == LOCAL) {
            describe_local(health, monitor, now_ms, &to->opinion);
        } else {
            describe(&o->vantages[number].cells[monitor], now_ms, &to->opinion);
        }
    }
    return count;
}

/* ---- in words ---- */

const char *health_quorum_text(enum health_quorum_kind kind)
{
    static const char *const texts[] = {"majority", "any", "all", "count"};
    return texts[kind];
}

/* A line that grows as far as there is room. */
struct line {
    char *text;
    size_t used;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *line, const char *format, ...)
{
    va_list list;
    size_t left = HEALTH_JUDGEMENT_SIZE - line->used;
    va_start(list, format);
    int len = vsnprintf(line->text + line->used, left, format, list);
    va_end(list);
    line->used += len < 0 ? 0 : (size_t)len < left ? (size_t)len : left - 1;
}

static const char *say(enum health_observed verdict)
{
    return verdict == HEALTH_OBSERVED_UNHEALTHY ? "down" : "up";
}

/* Who says so, and why if that is down. */
static void add_sayers(struct line *line, const struct health_opinion_status *list, size_t count,
                       enum health_observed verdict, const char *before)
{
    for (size_t i = 0; i < count; i++) {
        const struct health_opinion *opinion = &list[i].opinion;
        if (list[i].discount != HEALTH_COUNTS || opinion->verdict != verdict) {
            continue;
        }
        add(line, "%s%s", before, list[i].vantage);
        before = ", ";
        if (verdict == HEALTH_OBSERVED_UNHEALTHY) {
            add(line, " %s", health_outcome_text(opinion->outcome));
            if (opinion->age_ms >= 0) {
                add(line, " for %lld s", (long long)opinion->age_ms / 1000);
            }
        }
    }
}

static void add_others(struct line *line, const struct health_opinion_status *list, size_t count)
{
    const char *before = "; not counted: ";
    for (size_t i = 0; i < count; i++) {
        if (list[i].discount != HEALTH_COUNTS) {
            add(line, "%s%s (%s)", before, list[i].vantage, health_discount_text(list[i].discount));
            before = ", ";
        }
    }
}

/* Why nothing is judged. */
static void add_unjudged(struct line *line, const struct health_judgement *judgement)
{
    if (judgement->opinions < judgement->needed) {
        add(line, "no quorum: %u of %u vantages %s heard, %u %s needed; the last verdict stands",
            judgement->opinions, judgement->could, judgement->opinions == 1 ? "is" : "are", judgement->needed,
            judgement->needed == 1 ? "is" : "are");
    } else if (judgement->weight < judgement->weight_needed && judgement->weight_down != 0) {
        add(line, "no quorum: a weight of %u is heard, %u is needed; the last verdict stands",
            judgement->weight, judgement->weight_needed);
    } else {
        add(line,
            "awaited: %u of %u vantages begin%s anew, and may say the contrary; the last verdict stands",
            judgement->awaited, judgement->could, judgement->awaited == 1 ? "s" : "");
    }
}

static void add_judged(struct line *line, const struct health_judgement *judgement)
{
    if (judgement->judged == HEALTH_OBSERVED_UNKNOWN) {
        add_unjudged(line, judgement);
        return;
    }
    bool is_down = judgement->judged == HEALTH_OBSERVED_UNHEALTHY;
    add(line, "%s by ", say(judgement->judged));
    if (judgement->kind == HEALTH_QUORUM_COUNT) {
        add(line, "weight %u", judgement->weight_needed);
    } else {
        add(line, "%s", health_quorum_text(judgement->kind));
    }
    add(line, ": %u of %u vantages say %s", is_down ? judgement->down : judgement->up, judgement->opinions,
        say(judgement->judged));
}

void health_write_judgement(const struct health *health, uint32_t monitor, int64_t now_ms,
                            char text[HEALTH_JUDGEMENT_SIZE])
{
    struct health_opinion_status list[HEALTH_VANTAGES_MAX];
    struct health_judgement judgement;
    struct line line = {text, 0};
    text[0] = '\0';
    health_get_judgement(health, monitor, &judgement);
    if (!judgement.is_by_quorum) {
        return;
    }
    size_t count = health_list_opinions(health, monitor, now_ms, list);
    struct health_stay_status stay = health_find_monitor_stay(health, monitor);
    add_judged(&line, &judgement);
    add_sayers(&line, list, count, HEALTH_OBSERVED_UNHEALTHY, "; down: ");
    add_sayers(&line, list, count, HEALTH_OBSERVED_HEALTHY, "; up: ");
    add_others(&line, list, count);
    if (stay.reason != HEALTH_STAY_NONE) {
        add(&line, "; stays down (%s)", health_stay_text(stay.reason));
    }
}
