/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What was said of each pair, and what that makes of its RPO and its stage: see lag.h. There are some dozens
 * of pairs, so all are looked at when something is due. */
#include "config.h"

#include "health/lag.h"

#include "base/arena.h"
#include "health/guard_inside.h"
#include "health/lag_inside.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { MS = 1000 };

/* ---- words ---- */

const char *health_lag_unit_text(enum health_lag_unit unit)
{
    return unit == HEALTH_LAG_SECONDS ? "s" : unit == HEALTH_LAG_MILLISECONDS ? "ms" : "bytes";
}

const char *health_stage_text(enum health_stage stage)
{
    static const char *const texts[HEALTH_STAGES] = {NULL, "start", "full", "real_time"};
    return (unsigned)stage < HEALTH_STAGES ? texts[stage] : NULL;
}

const char *health_rpo_text(enum health_rpo rpo)
{
    static const char *const texts[] = {NULL, "unknown", "kept", "over"};
    return rpo <= HEALTH_RPO_OVER ? texts[rpo] : NULL;
}

const char *health_lag_source_text(enum health_lag_source source)
{
    return source == HEALTH_LAG_FROM_CHECK ? "check" : source == HEALTH_LAG_PUSHED ? "push" : NULL;
}

/* ---- what there is ---- */

static void add(struct health *health, const struct health_lag_plan *plans, uint32_t count)
{
    struct health_lags *lags = arena_alloc(health->arena, sizeof *lags);
    *lags = (struct health_lags){
        .plans = plans,
        .items = arena_alloc(health->arena, count * sizeof *lags->items),
        .count = count,
    };
    for (uint32_t i = 0; i < count; i++) {
        lags->items[i].rpo = plans[i].rpo_ms == 0 ? HEALTH_RPO_NONE : HEALTH_RPO_UNKNOWN;
        lags->items[i].stage = (uint8_t)plans[i].stage;
    }
    health->lags = lags;
}

void health_lags_add(struct health *health, const struct health_lags_plan *plan)
{
    size_t count = plan == NULL ? 0 : plan->count;
    for (size_t i = 0; i < count; i++) {
        assert(plan->items[i].kind != HEALTH_ENDPOINT && plan->items[i].max_age_ms > 0 &&
               plan->items[i].from < health->counts[plan->items[i].kind] &&
               plan->items[i].to < health->counts[plan->items[i].kind]);
    }
    if (count != 0) {
        add(health, arena_copy(health->frame->arena, plan->items, count * sizeof *plan->items),
            (uint32_t)count);
    }
}

void health_lags_add_like(struct health *health, const struct health *from)
{
    if (from->lags != NULL) {
        add(health, from->lags->plans, from->lags->count);
    }
}

/* ---- what is made of it ---- */

static int64_t find_end(const struct health_lag *lag, const struct health_lag_plan *plan)
{
    return lag->begun_ms + (lag->ttl_ms != 0 ? lag->ttl_ms : plan->max_age_ms);
}

static bool is_known(const struct health_lag *lag, const struct health_lag_plan *plan, int64_t now_ms)
{
    return health_lag_is_said(lag) && now_ms < find_end(lag, plan);
}

static bool is_over(const struct health_lag *lag, const struct health_lag_plan *plan)
{
    double ms = lag->unit == HEALTH_LAG_SECONDS ? lag->value * MS : lag->value;
    return ms > (double)plan->rpo_ms;
}

/* By what was said alone. */
static enum health_rpo find_rpo(const struct health_lag *lag, const struct health_lag_plan *plan,
                                int64_t now_ms)
{
    if (plan->rpo_ms == 0) {
        return HEALTH_RPO_NONE;
    }
    if (!is_known(lag, plan, now_ms) || lag->unit == HEALTH_LAG_BYTES) {
        return HEALTH_RPO_UNKNOWN;
    }
    return is_over(lag, plan) ? HEALTH_RPO_OVER : HEALTH_RPO_KEPT;
}

/* What was said last stands, however long ago that was: a declaration knows no better. */
static enum health_stage find_stage(const struct health_lag *lag, const struct health_lag_plan *plan)
{
    return lag->said != HEALTH_STAGE_UNKNOWN ? (enum health_stage)lag->said : plan->stage;
}

/* Has what is better stayed so for long enough? */
static bool has_held(int64_t *since_ms, bool is_better, int64_t hold_ms, int64_t now_ms)
{
    if (!is_better) {
        *since_ms = 0;
        return true;
    }
    *since_ms = *since_ms == 0 ? now_ms : *since_ms;
    bool has = now_ms - *since_ms >= hold_ms;
    *since_ms = has ? 0 : *since_ms;
    return has;
}

/* Returns whether it changed. */
static bool judge(struct health_lag *lag, const struct health_lag_plan *plan, int64_t now_ms)
{
    enum health_rpo rpo = find_rpo(lag, plan, now_ms);
    enum health_stage stage = find_stage(lag, plan);
    bool is_kept = lag->rpo == HEALTH_RPO_OVER && rpo == HEALTH_RPO_KEPT;
    bool is_later =
        lag->stage != HEALTH_STAGE_UNKNOWN && stage > lag->stage && lag->said != HEALTH_STAGE_UNKNOWN;
    uint8_t rpo_before = lag->rpo, stage_before = lag->stage;
    if (has_held(&lag->rpo_better_ms, is_kept, plan->hold_ms, now_ms)) {
        lag->rpo = (uint8_t)rpo;
    }
    if (has_held(&lag->stage_better_ms, is_later, plan->hold_ms, now_ms)) {
        lag->stage = (uint8_t)stage;
    }
    return lag->rpo != rpo_before || lag->stage != stage_before;
}

/* ---- to look at ---- */

size_t health_count_lags(const struct health *health)
{
    return health->lags == NULL ? 0 : health->lags->count;
}

ptrdiff_t health_find_lag(const struct health *health, enum health_kind kind, uint32_t from, uint32_t to)
{
    for (size_t i = 0; i < health_count_lags(health); i++) {
        const struct health_lag_plan *plan = &health->lags->plans[i];
        if (plan->kind == kind && plan->from == from && plan->to == to) {
            return (ptrdiff_t)i;
        }
    }
    return -1;
}

void health_get_lag(const struct health *health, size_t index, int64_t now_ms,
                    struct health_lag_status *status)
{
    assert(index < health_count_lags(health));
    const struct health_lag *lag = &health->lags->items[index];
    const struct health_lag_plan *plan = &health->lags->plans[index];
    const struct health_node *nodes = health->nodes[plan->kind];
    bool is_said = health_lag_is_said(lag);
    int64_t age_ms = now_ms > lag->begun_ms ? now_ms - lag->begun_ms : 0;
    *status = (struct health_lag_status){
        .kind = plan->kind,
        .from = nodes[plan->from].name,
        .to = nodes[plan->to].name,
        .is_asked = plan->is_asked,
        .is_known = is_known(lag, plan, now_ms),
        .value = lag->value,
        .unit = (enum health_lag_unit)lag->unit,
        .source = (enum health_lag_source)lag->source,
        .age_ms = is_said ? age_ms : -1,
        .reported_ms = lag->reported_ms,
        .max_age_ms = lag->ttl_ms != 0 ? lag->ttl_ms : plan->max_age_ms,
        .stage = (enum health_stage)lag->stage,
        .is_stage_said = lag->said != HEALTH_STAGE_UNKNOWN,
        .rpo_ms = plan->rpo_ms,
        .rpo = (enum health_rpo)lag->rpo,
        .since_ms = lag->since_ms,
        .asked_ms = lag->asked_ms,
        .outcome = (enum health_outcome)lag->outcome,
        .had_value = lag->had_value,
    };
    bool is_behind = !status->is_known || status->rpo == HEALTH_RPO_NONE; /* nobody has followed yet */
    if (plan->rpo_ms == 0 || is_behind) {
        status->rpo = plan->rpo_ms == 0 ? HEALTH_RPO_NONE : HEALTH_RPO_UNKNOWN;
    }
    memcpy(status->actor, lag->actor, sizeof status->actor);
    memcpy(status->peer, lag->peer, sizeof status->peer);
}

struct health_lag_counts health_count_lag_states(const struct health *health, int64_t now_ms)
{
    struct health_lag_counts counts = {.pairs = health_count_lags(health)};
    for (size_t i = 0; i < counts.pairs; i++) {
        const struct health_lag *lag = &health->lags->items[i];
        bool counts_now = is_known(lag, &health->lags->plans[i], now_ms);
        counts.unknown += !counts_now;
        counts.over += counts_now && lag->rpo == HEALTH_RPO_OVER;
    }
    return counts;
}

/* ---- what follows ---- */

static void wake_at(struct health_lags *lags, int64_t at_ms)
{
    if (lags->next_ms == 0 || at_ms < lags->next_ms) {
        lags->next_ms = at_ms;
    }
}

static void wake(struct health_lags *lags, uint32_t index, int64_t now_ms)
{
    const struct health_lag *lag = &lags->items[index];
    const struct health_lag_plan *plan = &lags->plans[index];
    if (lag->rpo_better_ms != 0) {
        wake_at(lags, lag->rpo_better_ms + plan->hold_ms);
    }
    if (lag->stage_better_ms != 0) {
        wake_at(lags, lag->stage_better_ms + plan->hold_ms);
    }
    if (is_known(lag, plan, now_ms)) {
        wake_at(lags, find_end(lag, plan));
    }
}

/* What was said like the one before is news when a quarter of its time is over. */
static void note(struct health_lags *lags, struct health_lag *lag, int64_t now_ms)
{
    lag->is_news = true;
    lag->noted_ms = now_ms;
    lags->changes++;
}

static void follow(struct health *health, uint32_t index, int64_t wall_ms, int64_t now_ms)
{
    struct health_lags *lags = health->lags;
    struct health_lag *lag = &lags->items[index];
    const struct health_lag before = *lag;
    if (judge(lag, &lags->plans[index], now_ms)) {
        lag->since_ms = lag->rpo != before.rpo ? wall_ms : lag->since_ms;
        note(lags, lag, now_ms);
        if (health->listener.lagged != NULL) {
            struct health_lag_status status;
            health_get_lag(health, index, now_ms, &status);
            struct health_lag_change change = {.status = &status,
                                               .rpo_before = (enum health_rpo)before.rpo,
                                               .stage_before = (enum health_stage)before.stage};
            health->listener.lagged(health->listener.context, &change);
        }
        health_guard_hear_lag(health, index);
        health_guard_step(health);
        health_guards_publish(health);
    }
    wake(lags, index, now_ms);
}

void health_follow_lags(struct health *health, int64_t wall_ms, int64_t now_ms)
{
    struct health_lags *lags = health->lags;
    assert(!health->delivering);
    if (lags == NULL || lags->next_ms == 0 || now_ms < lags->next_ms) {
        return;
    }
    lags->next_ms = 0;
    for (uint32_t i = 0; i < lags->count; i++) {
        follow(health, i, wall_ms, now_ms);
    }
}

/* ---- to tell ---- */

/* A counter may begin anew once it was silent; and a clock that ran ahead may have been put right by then. */
static bool is_replayed(const struct health_lag *lag, const struct health_lag_plan *plan,
                        const struct health_lag_report *report, int64_t wall_ms, int64_t now_ms)
{
    bool may_begin_anew = !is_known(lag, plan, now_ms);
    bool was_ahead = may_begin_anew && lag->time_ms > wall_ms;
    if (report->time_ms != 0 && lag->time_ms != 0 &&
        (was_ahead ? report->time_ms == lag->time_ms : report->time_ms <= lag->time_ms)) {
        return true;
    }
    return report->seq != 0 && lag->seq != 0 &&
           (may_begin_anew ? report->seq == lag->seq : report->seq <= lag->seq);
}

static void copy_text(char to[HEALTH_LAG_NAME_SIZE], const char *from)
{
    memset(to, 0, HEALTH_LAG_NAME_SIZE);
    if (from != NULL) {
        strncpy(to, from, HEALTH_LAG_NAME_SIZE - 1);
    }
}

enum health_push_fate health_report_lag(struct health *health, size_t index,
                                        const struct health_lag_report *report, int64_t wall_ms,
                                        int64_t now_ms)
{
    assert(index < health_count_lags(health) && report->source != HEALTH_LAG_NONE);
    assert(isfinite(report->value) && report->value >= 0);
    struct health_lags *lags = health->lags;
    struct health_lag *lag = &lags->items[index];
    const struct health_lag_plan *plan = &lags->plans[index];
    int64_t ttl_ms = report->ttl_ms != 0 ? report->ttl_ms : plan->max_age_ms;
    int64_t age_ms = report->time_ms != 0 && report->time_ms < wall_ms ? wall_ms - report->time_ms : 0;
    if (age_ms >= ttl_ms) {
        return HEALTH_PUSH_LATE;
    }
    if (is_replayed(lag, plan, report, wall_ms, now_ms)) {
        return HEALTH_PUSH_REPLAYED;
    }
    bool was_known = is_known(lag, plan, now_ms), is_other = lag->said != report->stage;
    lag->value = report->value;
    lag->unit = (uint8_t)report->unit;
    lag->said = (uint8_t)report->stage;
    lag->source = (uint8_t)report->source;
    lag->reported_ms = wall_ms - age_ms;
    lag->begun_ms = now_ms - age_ms;
    lag->ttl_ms = report->ttl_ms;
    lag->time_ms = report->time_ms != 0 ? report->time_ms : lag->time_ms;
    lag->seq = report->seq;
    copy_text(lag->actor, report->actor);
    copy_text(lag->peer, report->peer);
    if (!was_known || is_other || now_ms - lag->noted_ms >= ttl_ms / 4) {
        note(lags, lag, now_ms);
    }
    lags->changes++;
    follow(health, (uint32_t)index, wall_ms, now_ms);
    return HEALTH_PUSH_TAKEN;
}

void health_note_lag_asked(struct health *health, size_t index, enum health_outcome outcome, bool had_value,
                           int64_t wall_ms)
{
    assert(index < health_count_lags(health));
    struct health_lag *lag = &health->lags->items[index];
    lag->asked_ms = wall_ms;
    lag->outcome = (uint8_t)outcome;
    lag->had_value = had_value;
    health->lags->changes++;
}

/* ---- from another machine ---- */

static bool is_same_pair(const struct health *a, const struct health_lag_plan *of_a, const struct health *b,
                         const struct health_lag_plan *of_b)
{
    const struct health_node *left = a->nodes[of_a->kind], *right = b->nodes[of_b->kind];
    return of_a->kind == of_b->kind && strcmp(left[of_a->from].name, right[of_b->from].name) == 0 &&
           strcmp(left[of_a->to].name, right[of_b->to].name) == 0;
}

static const struct health_lag *find_same(const struct health *from, const struct health *to, uint32_t index)
{
    const struct health_lags *old = from->lags;
    const struct health_lag_plan *plan = &to->lags->plans[index];
    for (uint32_t i = 0; i < old->count; i++) {
        uint32_t at = (index + i) % old->count; /* mostly where it was */
        if (is_same_pair(from, &old->plans[at], to, plan)) {
            return &old->items[at];
        }
    }
    return NULL;
}

/* What the plan says now is told when there is a listener. */
static void take(struct health *to, uint32_t index, const struct health_lag *from)
{
    struct health_lag *lag = &to->lags->items[index];
    *lag = *from;
    lag->is_news = true;
    wake_at(to->lags, INT64_MIN);
}

void health_lags_carry(struct health *to, const struct health *from, bool all)
{
    if (to->lags == NULL || from->lags == NULL || (!all && to->lags->seen == from->lags->changes)) {
        return;
    }
    to->lags->seen = from->lags->changes;
    for (uint32_t i = 0; i < to->lags->count; i++) {
        const struct health_lag *old = find_same(from, to, i);
        if (old != NULL) {
            take(to, i, old);
        }
    }
}

void health_lags_adopt(struct health *to, const struct health *from)
{
    for (uint32_t i = 0; to->lags != NULL && from->lags != NULL && i < to->lags->count; i++) {
        const struct health_lag *other = find_same(from, to, i);
        if (other != NULL && health_lag_is_said(other) && other->begun_ms > to->lags->items[i].begun_ms) {
            take(to, i, other);
        }
    }
}
