/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See stay.h. What is down is known of everything, whatever rule it has: a reload may bring one in the middle
 * of an outage. Ends wait in a heap of times; an entry is put there once and looked at again when its time
 * comes, for what ends later than it seemed is more than what ends sooner. An entry whose object has another
 * time now is left in it and not believed. */
#include "config.h"

#include "health/stay.h"

#include "health/guard_inside.h"
#include "health/machine.h"
#include "health/tally.h"

#include <assert.h>
#include <math.h>
#include <string.h>

const char *health_stay_text(enum health_stay_reason reason)
{
    static const char *const texts[] = {NULL, "hold_down", "failback", "flap", "manual", "data"};
    return texts[reason];
}

/* ---- rules ---- */

static const struct health_rule *find_rule(const struct health *health, uint32_t rule)
{
    static const struct health_rule none = {.hold_down_ms = 0};
    return rule == 0 ? &none : &health->frame->rules[rule - 1];
}

void health_add_rules(struct health *health, const struct health_rules *rules)
{
    if (rules == NULL) {
        return;
    }
    health->frame->rules =
        arena_copy(health->frame->arena, rules->rules, rules->count * sizeof *rules->rules);
    for (uint32_t i = 0; rules->monitors != NULL && i < health->monitor_count; i++) {
        health->monitors[i].rule = rules->monitors[i];
    }
    for (uint32_t i = 0; rules->windows != NULL && i < health->monitor_count; i++) {
        assert(rules->windows[i] <= HEALTH_WINDOW_MAX);
        health->monitors[i].window = rules->windows[i];
    }
    for (uint32_t i = 0; rules->stales != NULL && i < health->monitor_count; i++) {
        health->monitors[i].stale_ms = rules->stales[i];
    }
    for (uint32_t i = 0; rules->azs != NULL && i < health->counts[HEALTH_AZ]; i++) {
        health->groups[HEALTH_AZ][i].rule = rules->azs[i];
    }
    for (uint32_t i = 0; rules->regions != NULL && i < health->counts[HEALTH_REGION]; i++) {
        health->groups[HEALTH_REGION][i].rule = rules->regions[i];
    }
}

static int64_t add_ms(int64_t at_ms, int64_t by_ms)
{
    int64_t sum;
    return __builtin_add_overflow(at_ms, by_ms, &sum) ? INT64_MAX : sum;
}

/* ---- penalties ---- */

static double find_penalty(const struct health_rule *rule, const struct health_stay *stay, int64_t now_ms)
{
    int64_t age_ms = now_ms > stay->penalty_ms ? now_ms - stay->penalty_ms : 0;
    return rule->penalty <= 0 || stay->penalty <= 0
               ? 0
               : (double)stay->penalty * exp2(-(double)age_ms / (double)rule->half_life_ms);
}

static void punish(const struct health_rule *rule, struct health_stay *stay, int64_t now_ms)
{
    if (rule->penalty <= 0) {
        return;
    }
    double most = rule->reuse * exp2((double)rule->max_suppress_ms / (double)rule->half_life_ms);
    double before = find_penalty(rule, stay, now_ms), after = fmin(before + rule->penalty, most);
    stay->suppressed = (stay->suppressed && before > rule->reuse) || after >= rule->suppress;
    stay->penalty = (float)after;
    stay->penalty_ms = now_ms;
}

/* When the penalty has fallen to `reuse`. */
static int64_t find_flap_end(const struct health_rule *rule, const struct health_stay *stay)
{
    if (rule->penalty <= 0 || !stay->suppressed || stay->penalty <= rule->reuse) {
        return INT64_MIN;
    }
    double halves = log2((double)stay->penalty / rule->reuse);
    return add_ms(stay->penalty_ms, (int64_t)ceil(halves * (double)rule->half_life_ms));
}

/* ---- what becomes of one ---- */

static void fall(const struct health_rule *rule, struct health_stay *stay, int64_t now_ms)
{
    stay->is_down = true;
    stay->is_ready = stay->released = false;
    stay->down_ms = now_ms;
    punish(rule, stay, now_ms);
}

static void lift(struct health_stay *stay)
{
    stay->is_down = stay->is_ready = stay->released = stay->suppressed = false;
}

/* The latest of the ends, and whose it is. Not ready: the earliest at which it could be over. */
static int64_t find_end(const struct health_rule *rule, const struct health_stay *stay,
                        enum health_stay_reason *reason)
{
    int64_t end_ms = stay->is_ready ? stay->ready_ms : INT64_MIN;
    *reason = HEALTH_STAY_NONE;
    if (stay->released) {
        return end_ms;
    }
    const int64_t ends_ms[] = {
        [HEALTH_STAY_HOLD_DOWN] =
            rule->hold_down_ms == 0 ? end_ms : add_ms(stay->down_ms, rule->hold_down_ms),
        [HEALTH_STAY_FAILBACK] = stay->is_ready ? add_ms(stay->ready_ms, rule->failback_ms) : end_ms,
        [HEALTH_STAY_FLAP] = find_flap_end(rule, stay)};
    for (unsigned i = HEALTH_STAY_HOLD_DOWN; i <= HEALTH_STAY_FLAP; i++) {
        if (ends_ms[i] > end_ms) {
            end_ms = ends_ms[i];
            *reason = (enum health_stay_reason)i;
        }
    }
    *reason = rule->failback_ms == HEALTH_MANUAL ? HEALTH_STAY_MANUAL : *reason;
    return rule->failback_ms == HEALTH_MANUAL ? HEALTH_MANUAL : end_ms;
}

/* ---- objects ---- */

static struct health_stay *stay_of(const struct health *health, enum health_kind kind, uint32_t index)
{
    return kind == HEALTH_ENDPOINT ? &health->monitor_stays[index] : &health->groups[kind][index].stay;
}

static int64_t *queued_of(const struct health *health, enum health_kind kind, uint32_t index)
{
    return kind == HEALTH_ENDPOINT ? &health->queued_ms[index] : &health->groups[kind][index].queue_ms;
}

static const struct health_rule *rule_of(const struct health *health, enum health_kind kind, uint32_t index)
{
    return find_rule(health, kind == HEALTH_ENDPOINT ? health->monitors[index].rule
                                                     : health->groups[kind][index].rule);
}

uint64_t health_stay_keeps(const struct health *health, uint32_t region)
{
    const struct health_stay *stay = stay_of(health, HEALTH_REGION, region);
    return stay->is_down && stay->is_ready ? health_guard_keeps(health, region) : 0;
}

/* The same for an object; who has newer data keeps a region for as long as that is so. */
static int64_t find_end_of(const struct health *health, enum health_kind kind, uint32_t index,
                           enum health_stay_reason *reason)
{
    int64_t end_ms = find_end(rule_of(health, kind, index), stay_of(health, kind, index), reason);
    if (kind == HEALTH_REGION && health_stay_keeps(health, index) != 0) {
        *reason = HEALTH_STAY_DATA;
        end_ms = INT64_MAX;
    }
    return end_ms;
}

static void note(struct health *health, enum health_kind kind, uint32_t index)
{
    health_note(health, kind, kind == HEALTH_ENDPOINT ? health->monitors[index].endpoint : index);
}

void health_stay_queue(struct health *health, enum health_kind kind, uint32_t index)
{
    const struct health_stay *stay = stay_of(health, kind, index);
    struct health_stay_queue *queue = &health->stays;
    enum health_stay_reason reason;
    int64_t *queued_ms = queued_of(health, kind, index);
    if (!stay->is_down || health->keeps_stays) {
        return;
    }
    int64_t at_ms = find_end_of(health, kind, index, &reason), least_ms = health->now_ms;
    if (at_ms == INT64_MAX || (!stay->is_ready && at_ms <= least_ms)) {
        return;
    }
    least_ms = least_ms < 1 ? 1 : least_ms;
    at_ms = at_ms < least_ms ? least_ms : at_ms;
    if (*queued_ms != 0 && *queued_ms <= at_ms) {
        return; /* it is looked at before that */
    }
    *queued_ms = at_ms;
    health_queue_add(queue, &(struct health_stay_due){.at_ms = at_ms, .kind = kind, .index = index});
}

void health_stay_queue_all(struct health *health)
{
    for (uint32_t i = 0; i < health->monitor_count; i++) {
        health_stay_queue(health, HEALTH_ENDPOINT, i);
    }
    for (enum health_kind kind = HEALTH_AZ; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            health_stay_queue(health, kind, i);
        }
    }
}

static struct health_stay_status describe(const struct health *health, enum health_kind kind, uint32_t index)
{
    const struct health_stay *stay = stay_of(health, kind, index);
    const struct health_rule *rule = rule_of(health, kind, index);
    struct health_stay_status status = {.penalty = find_penalty(rule, stay, health->now_ms)};
    enum health_stay_reason reason;
    if (!stay->is_down) {
        return status;
    }
    status.down_ms = stay->down_ms + health->offset_ms;
    int64_t end_ms = find_end_of(health, kind, index, &reason);
    if (stay->is_ready) {
        uint64_t rules = reason == HEALTH_STAY_DATA ? health_stay_keeps(health, index) : 0;
        status.reason = reason;
        status.is_return = reason == HEALTH_STAY_DATA && stay->ready_ms == stay->down_ms;
        status.rule = rules == 0 ? NULL : health->guards->rules[__builtin_ctzll(rules)].name;
        if (reason != HEALTH_STAY_NONE && end_ms != INT64_MAX) {
            status.ends_ms = end_ms + health->offset_ms;
            status.left_ms = end_ms > health->now_ms ? end_ms - health->now_ms : 0;
        }
    }
    return status;
}

struct health_stay_status health_find_monitor_stay(const struct health *health, uint32_t monitor)
{
    return describe(health, HEALTH_ENDPOINT, monitor);
}

/* Until when; INT64_MAX: somebody has to say so. */
static int64_t end_of(const struct health_stay_status *status)
{
    return status->ends_ms == 0 ? INT64_MAX : status->ends_ms;
}

static bool has_unhealthy_family(uint32_t verdicts)
{
    return health_word_observed(health_word_of(verdicts, HEALTH_V4)) == HEALTH_OBSERVED_UNHEALTHY ||
           health_word_observed(health_word_of(verdicts, HEALTH_V6)) == HEALTH_OBSERVED_UNHEALTHY;
}

/* It is down although it is well, and would be back by then. */
static bool is_back_by(const struct health *health, uint32_t monitor, int64_t until_ms)
{
    struct health_stay_status stay = describe(health, HEALTH_ENDPOINT, monitor);
    return health->monitors[monitor].verdict == HEALTH_OBSERVED_UNHEALTHY &&
           stay.reason != HEALTH_STAY_NONE && end_of(&stay) <= until_ms;
}

/* Of its monitors that stay down the one whose end makes it well; of none if that is not enough. */
static struct health_stay_status describe_endpoint(const struct health *health, uint32_t endpoint)
{
    const struct health_node *node = &health->nodes[HEALTH_ENDPOINT][endpoint];
    struct health_stay_status best = {.reason = HEALTH_STAY_NONE};
    double penalty = 0;
    bool may = has_unhealthy_family(health_word_get(health, HEALTH_ENDPOINT, endpoint)) &&
               !has_unhealthy_family(health_foresee_endpoint(health, endpoint, INT64_MAX, is_back_by));
    for (uint32_t i = node->first_child; i < node->first_child + node->child_count; i++) {
        struct health_stay_status status = describe(health, HEALTH_ENDPOINT, i);
        bool counts = may && health->monitors[i].role != HEALTH_WATCHED &&
                      health->monitors[i].verdict == HEALTH_OBSERVED_UNHEALTHY &&
                      status.reason != HEALTH_STAY_NONE;
        penalty = fmax(penalty, status.penalty);
        if (counts && (best.reason == HEALTH_STAY_NONE || end_of(&status) < end_of(&best)) &&
            !has_unhealthy_family(health_foresee_endpoint(health, endpoint, end_of(&status), is_back_by))) {
            best = status;
        }
    }
    best.penalty = penalty;
    return best;
}

struct health_stay_status health_find_stay(const struct health *health, enum health_kind kind, uint32_t index)
{
    return kind == HEALTH_ENDPOINT ? describe_endpoint(health, index) : describe(health, kind, index);
}

static void tell(struct health *health, enum health_kind kind, uint32_t index)
{
    const struct health_listener *listener = &health->listener;
    uint32_t object = kind == HEALTH_ENDPOINT ? health->monitors[index].endpoint : index;
    if (listener->stayed == NULL || !health->is_filled) {
        return;
    }
    struct health_stay_change change = {kind, health->nodes[kind][object].name,
                                        health_find_stay(health, kind, object)};
    if (change.status.reason != HEALTH_STAY_NONE) {
        bool was_delivering = health->delivering;
        health->delivering = true;
        listener->stayed(listener->context, &change);
        health->delivering = was_delivering;
    }
}

/* It is well. Returns whether it may come back. */
static bool get_ready(struct health *health, enum health_kind kind, uint32_t index)
{
    struct health_stay *stay = stay_of(health, kind, index);
    enum health_stay_reason reason;
    bool begins = !stay->is_ready;
    if (begins) {
        stay->is_ready = true;
        stay->ready_ms = health->now_ms;
        note(health, kind, index);
    }
    if (find_end_of(health, kind, index, &reason) <= health->now_ms) {
        lift(stay);
        note(health, kind, index);
        return true;
    }
    health_stay_queue(health, kind, index);
    if (begins) {
        tell(health, kind, index);
    }
    return false;
}

/* It was well, and is not any more. */
static void relapse(struct health *health, enum health_kind kind, uint32_t index)
{
    struct health_stay *stay = stay_of(health, kind, index);
    if (stay->is_ready) {
        stay->is_ready = false;
        if (health->is_filled) { /* else that is not what happened, but how it is put together */
            punish(rule_of(health, kind, index), stay, health->now_ms);
        }
        health_stay_queue(health, kind, index);
        note(health, kind, index);
    }
}

static void go_down(struct health *health, enum health_kind kind, uint32_t index)
{
    fall(rule_of(health, kind, index), stay_of(health, kind, index), health->now_ms);
    health_stay_queue(health, kind, index);
    note(health, kind, index);
}

enum health_observed health_stay_monitor(struct health *health, uint32_t monitor,
                                         enum health_observed verdict)
{
    const struct health_monitor *m = &health->monitors[monitor];
    if (m->verdict == HEALTH_OBSERVED_HEALTHY && verdict == HEALTH_OBSERVED_UNHEALTHY) {
        go_down(health, HEALTH_ENDPOINT, monitor);
        return verdict;
    }
    if (!health->monitor_stays[monitor].is_down) {
        return verdict;
    }
    if (verdict != HEALTH_OBSERVED_HEALTHY && (m->is_judged || !health_is_well(m))) {
        relapse(health, HEALTH_ENDPOINT, monitor);
        return HEALTH_OBSERVED_UNHEALTHY;
    }
    return get_ready(health, HEALTH_ENDPOINT, monitor) ? HEALTH_OBSERVED_HEALTHY : HEALTH_OBSERVED_UNHEALTHY;
}

void health_stay_undo(struct health *health, uint32_t monitor)
{
    const struct health_rule *rule = rule_of(health, HEALTH_ENDPOINT, monitor);
    struct health_stay *stay = &health->monitor_stays[monitor];
    lift(stay);
    stay->penalty = (float)fmax(0, (double)stay->penalty - rule->penalty);
}

/* It went down with what the brake takes back. */
static bool is_undone(const struct health *health, const struct health_stay *stay)
{
    return stay->down_ms >= health->undone_ms;
}

uint32_t health_stay_group(struct health *health, enum health_kind kind, uint32_t index, uint32_t judged)
{
    struct health_stay *stay = stay_of(health, kind, index);
    enum health_observed before = health_word_observed(health_word_get(health, kind, index));
    if (judged == HEALTH_OBSERVED_UNHEALTHY) {
        if (before == HEALTH_OBSERVED_HEALTHY && !health->is_first) {
            go_down(health, kind, index);
        } else if (stay->is_down) {
            relapse(health, kind, index);
        }
        return judged;
    }
    if (!stay->is_down) {
        return judged;
    }
    if (health->keeps_stays) {
        return HEALTH_OBSERVED_UNHEALTHY;
    }
    if (is_undone(health, stay)) {
        lift(stay);
        stay->penalty = (float)fmax(0, (double)stay->penalty - rule_of(health, kind, index)->penalty);
        note(health, kind, index);
        return judged;
    }
    return get_ready(health, kind, index) ? judged : HEALTH_OBSERVED_UNHEALTHY;
}

void health_stay_return(struct health *health, uint32_t region)
{
    struct health_stay *stay = stay_of(health, HEALTH_REGION, region);
    if (stay->is_down || health->keeps_stays || !health->is_filled ||
        health_guard_keeps(health, region) == 0) {
        return;
    }
    *stay = (struct health_stay){.is_down = true, .down_ms = health->now_ms};
    (void)get_ready(health, HEALTH_REGION, region);
    health_word_set_verdicts(health, HEALTH_REGION, region, HEALTH_OBSERVED_UNHEALTHY);
}

bool health_stay_is_over(const struct health *health, uint32_t region)
{
    const struct health_stay *stay = stay_of(health, HEALTH_REGION, region);
    enum health_stay_reason reason;
    return stay->is_down && stay->is_ready &&
           find_end_of(health, HEALTH_REGION, region, &reason) <= health->now_ms;
}

/* ---- ends ---- */

int64_t health_next_stay(const struct health *health)
{
    int64_t stay_ms = health->stays.count == 0 ? INT64_MAX : health->stays.items[0].at_ms;
    int64_t ramp_ms = health->ramps.count == 0 ? INT64_MAX : health->ramps.items[0].at_ms;
    return stay_ms < ramp_ms ? stay_ms : ramp_ms;
}

/* Is it so by now that nothing keeps it down any more? Else it is looked at again. */
static bool is_over(struct health *health, const struct health_stay_due *due)
{
    const struct health_stay *stay = stay_of(health, due->kind, due->index);
    int64_t *queued_ms = queued_of(health, due->kind, due->index);
    enum health_stay_reason reason;
    if (*queued_ms != due->at_ms) {
        return false;
    }
    *queued_ms = 0;
    if (stay->is_ready && find_end_of(health, due->kind, due->index, &reason) <= health->now_ms) {
        return true;
    }
    health_stay_queue(health, due->kind, due->index);
    return false;
}

bool health_stay_take(struct health *health, struct health_stay_due *due)
{
    *due = health_queue_take(&health->stays);
    return is_over(health, due);
}

bool health_stay_release(struct health *health, enum health_kind kind, uint32_t index)
{
    struct health_stay *stay = stay_of(health, kind, index);
    bool goes = stay->is_down && stay->is_ready;
    note(health, kind, index);
    if (kind == HEALTH_ENDPOINT && goes) {
        lift(stay);
    }
    stay->released = stay->is_down;
    return goes;
}

void health_stay_forgive(struct health *health, enum health_kind kind, uint32_t index)
{
    stay_of(health, kind, index)->penalty = 0;
    note(health, kind, index);
}

void health_stay_restore(struct health *health, enum health_kind kind, uint32_t index, int64_t said_ms)
{
    struct health_stay *stay = stay_of(health, kind, index);
    if (stay->is_down && stay->down_ms + health->offset_ms <= said_ms) {
        stay->released = true;
        stay->penalty = 0;
        health_stay_queue(health, kind, index);
        note(health, kind, index);
    }
}
