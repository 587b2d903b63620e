/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ramp.h: what becomes of the ramp of one object when its word changes, or time passes. It writes no word
 * itself: whoever is about to store one asks what is to be in it, so that what comes back is never seen with
 * all of its weight. */
#include "config.h"

#include "health/ramp.h"

#include "health/machine.h"

#include <assert.h>
#include <string.h>

void health_ramps_add(struct health *health, const struct health_ramps *ramps)
{
    if (ramps == NULL) {
        return;
    }
    const uint32_t *const lists[HEALTH_KINDS] = {ramps->endpoints, ramps->azs, ramps->regions};
    health->frame->ramps =
        arena_copy(health->frame->arena, ramps->plans, ramps->count * sizeof *ramps->plans);
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        for (uint32_t i = 0; lists[kind] != NULL && i < health->counts[kind]; i++) {
            assert(lists[kind][i] <= ramps->count);
            health->nodes[kind][i].ramp.plan = lists[kind][i];
        }
    }
}

static const struct health_ramp_plan *plan_of(const struct health *health, const struct health_ramp *ramp)
{
    static const struct health_ramp_plan none = {.count = 0};
    return ramp->plan == 0 ? &none : &health->frame->ramps[ramp->plan - 1];
}

/* Which families this word says are down; azs and regions have none of their own. */
static unsigned find_bad(enum health_kind kind, uint32_t word)
{
    unsigned bad = 0;
    for (int family = HEALTH_V4; family <= HEALTH_ANY; family++) {
        uint32_t own = kind == HEALTH_ENDPOINT ? health_word_of(word, (enum health_family)family) : word;
        bad |= health_word_observed(own) == HEALTH_OBSERVED_UNHEALTHY ? 1u << family : 0;
    }
    return bad;
}

static bool is_forced_up(const struct health *health, enum health_kind kind, uint32_t index, uint32_t word)
{
    uint32_t az = 0, region = 0;
    if (kind == HEALTH_ENDPOINT) {
        index = health->nodes[HEALTH_ENDPOINT][index].parent;
        az = health_word_get(health, HEALTH_AZ, index);
    }
    if (kind != HEALTH_REGION) {
        region = health_word_get(health, HEALTH_REGION, health->nodes[HEALTH_AZ][index].parent);
    }
    return health_combine(word, az, region).state == HEALTH_FORCED_UP;
}

/* ---- steps ---- */

/* At which step it is by now; the count of them: it is over. */
static size_t find_step(const struct health_ramp_plan *plan, int64_t begun_ms, int64_t now_ms)
{
    int64_t passed_ms = 0;
    if (now_ms > begun_ms && __builtin_sub_overflow(now_ms, begun_ms, &passed_ms)) {
        return plan->count; /* as only a broken record has it */
    }
    return plan->count == 0 || passed_ms / plan->each_ms >= (int64_t)plan->count
               ? plan->count
               : (size_t)(passed_ms / plan->each_ms);
}

static void queue(struct health *health, enum health_kind kind, uint32_t index, int64_t at_ms)
{
    struct health_ramp *ramp = &health->nodes[kind][index].ramp;
    at_ms = at_ms < 1 ? 1 : at_ms;
    if (ramp->queue_ms == 0 || at_ms < ramp->queue_ms) {
        ramp->queue_ms = at_ms;
        health_queue_add(&health->ramps,
                         &(struct health_stay_due){.at_ms = at_ms, .kind = kind, .index = index});
    }
}

/* What an override in force drains of it, percent, as long as that is not all; `word` as it is to be. */
static unsigned find_drained(const struct health *health, enum health_kind kind, uint32_t index,
                             uint32_t word)
{
    uint32_t at = health->nodes[kind][index].override_at;
    bool is_meant = at != 0 && (word & (HEALTH_WORD_PLANNED | HEALTH_WORD_SCOPED)) == 0;
    return is_meant ? health->overrides[at - 1].what.share : 0;
}

static uint32_t withhold(uint32_t word, unsigned percent, unsigned families)
{
    return word | (uint32_t)percent << HEALTH_WORD_RAMP_SHIFT |
           (uint32_t)families << HEALTH_WORD_RAMPING_SHIFT;
}

/* Whatever withholds more; a drain is of all families. */
static uint32_t withhold_drained(uint32_t word, unsigned drained)
{
    const unsigned all = (1u << HEALTH_VIEWS) - 1;
    unsigned ramped = (word & HEALTH_WORD_RAMP) >> HEALTH_WORD_RAMP_SHIFT;
    word &= ~(uint32_t)(HEALTH_WORD_RAMP | HEALTH_WORD_RAMPING);
    return withhold(word, drained > ramped ? drained : ramped, all);
}

/* Into the word what it is at by now, and a look at it when that ends. */
static uint32_t put(struct health *health, enum health_kind kind, uint32_t index, uint32_t word)
{
    struct health_ramp *ramp = &health->nodes[kind][index].ramp;
    const struct health_ramp_plan *plan = plan_of(health, ramp);
    if (ramp->begun_ms > health->now_ms + HEALTH_RAMP_EARLY_MS) {
        ramp->begun_ms = health->now_ms; /* by another clock */
    }
    size_t step = find_step(plan, ramp->begun_ms, health->now_ms);
    word &= ~(uint32_t)(HEALTH_WORD_RAMP | HEALTH_WORD_RAMPING);
    if (step == plan->count) {
        ramp->families = 0;
    }
    if (ramp->families != 0) {
        queue(health, kind, index, ramp->begun_ms + ((int64_t)step + 1) * plan->each_ms);
        word = withhold(word, HEALTH_RAMP_WHOLE - plan->steps[step], ramp->families);
    }
    unsigned drained = find_drained(health, kind, index, word);
    return drained == 0 ? word : withhold_drained(word, drained);
}

uint32_t health_ramp_step(struct health *health, enum health_kind kind, uint32_t index)
{
    uint32_t word = health_word_get(health, kind, index);
    struct health_ramp *ramp = &health->nodes[kind][index].ramp;
    if (ramp->families != 0 && is_forced_up(health, kind, index, word)) {
        ramp->families = 0;
    }
    return put(health, kind, index, word);
}

bool health_ramp_take(struct health *health, struct health_stay_due *due)
{
    *due = health_queue_take(&health->ramps);
    struct health_ramp *ramp = &health->nodes[due->kind][due->index].ramp;
    if (ramp->queue_ms != due->at_ms) {
        return false;
    }
    ramp->queue_ms = 0;
    return ramp->families != 0;
}

/* ---- what becomes of one ---- */

static void fall(const struct health *health, struct health_ramp *ramp, unsigned families)
{
    ramp->was = (uint8_t)((ramp->was & ~families) | (ramp->families & families));
    ramp->families &= (uint8_t)~families;
    ramp->out |= health->is_first ? 0 : (uint8_t)families;
}

static void come_back(struct health *health, struct health_ramp *ramp, unsigned families)
{
    unsigned out = ramp->out & families;
    ramp->out &= (uint8_t)~families;
    if (health->undone_ms != INT64_MAX) { /* it did not go down: then it is where it was */
        ramp->families |= (uint8_t)(ramp->was & families);
    } else if (out != 0 && plan_of(health, ramp)->count != 0) {
        if (ramp->families == 0) {
            ramp->begun_ms =
                (health->now_ms + HEALTH_RAMP_EARLY_MS - 1) / HEALTH_RAMP_EARLY_MS * HEALTH_RAMP_EARLY_MS;
        }
        ramp->families |= (uint8_t)out;
    }
}

uint32_t health_ramp_follow(struct health *health, enum health_kind kind, uint32_t index, uint32_t word)
{
    struct health_ramp *ramp = &health->nodes[kind][index].ramp;
    uint32_t before = health_word_get(health, kind, index);
    if (!health->is_filled || ((before ^ word) & (HEALTH_WORD_VERDICTS | HEALTH_WORD_DESIRED)) == 0) {
        bool is_calm = (before & HEALTH_WORD_RAMPING) == 0 && find_drained(health, kind, index, word) == 0;
        return is_calm ? word : put(health, kind, index, word);
    }
    unsigned was_bad = find_bad(kind, before), is_bad = find_bad(kind, word);
    if ((is_bad & ~was_bad) != 0) {
        fall(health, ramp, is_bad & ~was_bad);
    }
    if ((was_bad & ~is_bad) != 0) {
        come_back(health, ramp, was_bad & ~is_bad);
    }
    if (ramp->families != 0 && is_forced_up(health, kind, index, word)) {
        ramp->families = 0;
    }
    bool is_calm = (before & HEALTH_WORD_RAMPING) == 0 && ramp->families == 0 &&
                   find_drained(health, kind, index, word) == 0;
    return is_calm ? word : put(health, kind, index, word);
}

void health_ramp_confirm(struct health *health, uint32_t endpoint)
{
    uint32_t word = health_word_get(health, HEALTH_ENDPOINT, endpoint);
    health->nodes[HEALTH_ENDPOINT][endpoint].ramp.out |= (uint8_t)find_bad(HEALTH_ENDPOINT, word);
}

uint32_t health_ramp_settle(struct health *health, enum health_kind kind, uint32_t index)
{
    struct health_ramp *ramp = &health->nodes[kind][index].ramp;
    unsigned bad = find_bad(kind, health_word_get(health, kind, index));
    ramp->families &= (uint8_t)~bad;
    come_back(health, ramp, ramp->out & ~bad);
    return health_ramp_step(health, kind, index);
}

void health_ramp_prune(struct health *health, enum health_kind kind, uint32_t index)
{
    struct health_ramp *ramp = &health->nodes[kind][index].ramp;
    unsigned bad = find_bad(kind, health_word_get(health, kind, index));
    ramp->families &= (uint8_t)~bad;
    ramp->out &= (uint8_t)bad;
}

/* ---- looking ---- */

struct health_ramp_status health_find_ramp(const struct health *health, enum health_kind kind, uint32_t index)
{
    const struct health_ramp *ramp = &health->nodes[kind][index].ramp;
    const struct health_ramp_plan *plan = plan_of(health, ramp);
    struct health_ramp_status status = {.percent = 0};
    uint32_t word = health_word_get(health, kind, index);
    bool is_drained = find_drained(health, kind, index, word) != 0;
    if ((word & HEALTH_WORD_RAMPING) == 0 || (is_drained && ramp->families == 0)) {
        return status;
    }
    status.percent = HEALTH_RAMP_WHOLE - ((word & HEALTH_WORD_RAMP) >> HEALTH_WORD_RAMP_SHIFT);
    for (unsigned family = 0; family < HEALTH_VIEWS; family++) {
        unsigned families = is_drained ? ramp->families : word >> HEALTH_WORD_RAMPING_SHIFT;
        status.families[family] = (families >> family & 1) != 0;
    }
    if (is_drained) { /* which the word may be about */
        size_t at = find_step(plan, ramp->begun_ms, health->now_ms);
        status.percent = at < plan->count ? plan->steps[at] : HEALTH_RAMP_WHOLE;
    }
    size_t step = 0;
    while (step < plan->count && plan->steps[step] != status.percent) {
        step++;
    }
    if (step < plan->count) {
        int64_t begun_ms = ramp->begun_ms + health->offset_ms;
        status.next_percent = step + 1 < plan->count ? plan->steps[step + 1] : HEALTH_RAMP_WHOLE;
        status.next_ms = begun_ms + ((int64_t)step + 1) * plan->each_ms;
        status.ends_ms = begun_ms + (int64_t)plan->count * plan->each_ms;
    }
    return status;
}

void health_ramp_tell(struct health *health, enum health_kind kind, uint32_t index)
{
    struct health_ramp *ramp = &health->nodes[kind][index].ramp;
    const struct health_listener *listener = &health->listener;
    uint32_t word = health_word_get(health, kind, index);
    if (ramp->told == 0 && (word & HEALTH_WORD_RAMPING) == 0) {
        return;
    }
    struct health_ramp_change change = {.kind = kind,
                                        .name = health->nodes[kind][index].name,
                                        .status = health_find_ramp(health, kind, index)};
    if (ramp->told == change.status.percent) {
        return;
    }
    ramp->told = (uint8_t)change.status.percent;
    health_note(health, kind, index);
    if (listener->ramped != NULL) {
        bool was_delivering = health->delivering;
        health->delivering = true;
        listener->ramped(listener->context, &change);
        health->delivering = was_delivering;
    }
}
