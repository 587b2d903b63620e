/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Words: writing the table, deriving effective states. */
#include "config.h"

#include "health/health.h"

#include "health/guard_inside.h"
#include "health/machine.h"

/* From the first word of a change to its last, readers trust nothing that was derived before. */
static void begin_change(struct health *health)
{
    uint64_t generation = atomic_load_explicit(&health->table.generation, memory_order_relaxed);
    atomic_store_explicit(&health->table.generation, generation | HEALTH_CHANGING, memory_order_relaxed);
}

static void date_outage(struct health_outage *outage, bool begins, uint64_t wall_ms)
{
    if (begins) {
        uint64_t left_ms = atomic_load_explicit(&outage->left_ms, memory_order_relaxed);
        uint64_t back_ms = atomic_load_explicit(&outage->back_ms, memory_order_relaxed);
        atomic_store_explicit(&outage->before_left_ms, left_ms, memory_order_relaxed);
        atomic_store_explicit(&outage->before_back_ms, back_ms, memory_order_relaxed);
    }
    atomic_store_explicit(begins ? &outage->left_ms : &outage->back_ms, wall_ms, memory_order_relaxed);
}

/* An outage begins only for what was known to serve: being down at the first look is not an outage, and
 * coming up after that is not a return. Else what starts together with the server would be out since then,
 * and all of it at once, whenever one of it fails soon after. */
static bool is_dated(const struct health_outage *outage, uint32_t before, uint32_t after, bool begins)
{
    uint64_t left_ms = atomic_load_explicit(&outage->left_ms, memory_order_relaxed);
    uint64_t back_ms = atomic_load_explicit(&outage->back_ms, memory_order_relaxed);
    bool is_first_look = health_word_observed(before) == HEALTH_OBSERVED_UNKNOWN &&
                         health_word_observed(after) == HEALTH_OBSERVED_UNHEALTHY;
    return begins ? !is_first_look : left_ms != 0 && left_ms >= back_ms;
}

static void date_outages(struct health *health, enum health_kind kind, uint32_t index, uint32_t before,
                         uint32_t after)
{
    for (int i = kind == HEALTH_ENDPOINT ? HEALTH_V4 : HEALTH_ANY; i <= HEALTH_ANY; i++) {
        enum health_family family = (enum health_family)i;
        uint32_t was = health_word_of(before, family), is = health_word_of(after, family);
        struct health_outage *outage = health_outage_at(health, kind, index, family);
        bool blocks = health_word_blocks(is);
        if (health_word_blocks(was) != blocks && is_dated(outage, was, is, blocks)) {
            date_outage(outage, blocks, (uint64_t)health->wall_ms);
        }
    }
}

static void store(struct health *health, enum health_kind kind, uint32_t index, uint32_t word)
{
    uint32_t before = health_word_get(health, kind, index);
    if (word == before) {
        return;
    }
    health_note(health, kind, index);
    if (((before ^ word) & (HEALTH_WORD_OBSERVED | HEALTH_WORD_DESIRED)) != 0 && health->is_filled) {
        health_remember(health, kind, index);
    }
    if (((before ^ word) & ~(uint32_t)HEALTH_WORD_WAVERS) != 0 || health->watches_wavering) {
        begin_change(health);
    }
    date_outages(health, kind, index, before, word);
    health_guard_fall(health, kind, index, before, word);
    atomic_store_explicit(health_word_at(health, kind, index), word, memory_order_release);
    health_guard_follow(health, kind, index, before);
}

void health_word_set_verdicts(struct health *health, enum health_kind kind, uint32_t index, uint32_t verdicts)
{
    uint32_t word = (health_word_get(health, kind, index) & ~(uint32_t)HEALTH_WORD_VERDICTS) | verdicts;
    if (kind != HEALTH_ENDPOINT && health_word_observed(word) == HEALTH_OBSERVED_HEALTHY) {
        health->groups[kind][index].was_up = true;
    }
    store(health, kind, index, health_ramp_follow(health, kind, index, word));
}

static void set_mark(struct health *health, struct health_marks *marks, enum health_kind kind, uint32_t index,
                     uint32_t mark)
{
    if (mark != health_mark_get(marks, kind, index)) {
        begin_change(health);
        health_mark_store(marks, kind, index, mark);
    }
}

void health_word_set_desired(struct health *health, enum health_kind kind, uint32_t index,
                             const struct health_effect *effect)
{
    uint32_t word = health_word_get(health, kind, index);
    word &= ~(HEALTH_WORD_DESIRED | HEALTH_WORD_PLANNED | HEALTH_WORD_SCOPED);
    word |= effect->planned ? HEALTH_WORD_PLANNED : (uint32_t)effect->desired << HEALTH_WORD_DESIRED_SHIFT;
    word |= effect->is_scoped ? HEALTH_WORD_SCOPED : 0;
    set_mark(health, &health->exits, kind, index, effect->exit);
    set_mark(health, &health->ttls, kind, index, effect->ttl);
    if (effect->is_scoped && health_scope_differs(health, kind, index, effect)) {
        begin_change(health);
        health_scope_store(health, kind, index, effect);
    }
    health_guard_begin_step(health);
    store(health, kind, index, health_ramp_follow(health, kind, index, word));
    health_guard_step(health);
}

void health_word_set_ramp(struct health *health, enum health_kind kind, uint32_t index, uint32_t ramp)
{
    const uint32_t all = HEALTH_WORD_RAMP | HEALTH_WORD_RAMPING;
    store(health, kind, index, (health_word_get(health, kind, index) & ~all) | (ramp & all));
}

void health_word_set_shed(struct health *health, uint32_t endpoint, unsigned level)
{
    uint32_t word = health_word_get(health, HEALTH_ENDPOINT, endpoint) & ~(uint32_t)HEALTH_WORD_SHED;
    store(health, HEALTH_ENDPOINT, endpoint, word | (uint32_t)level << HEALTH_WORD_SHED_SHIFT);
}

void health_word_set_wavers(struct health *health, uint32_t endpoint, uint32_t wavers)
{
    uint32_t word = health_word_get(health, HEALTH_ENDPOINT, endpoint) & ~(uint32_t)HEALTH_WORD_WAVERS;
    store(health, HEALTH_ENDPOINT, endpoint, word | wavers);
}

void health_word_set_resolved(struct health *health, uint32_t endpoint, uint32_t resolved)
{
    uint32_t word = health_word_get(health, HEALTH_ENDPOINT, endpoint) & ~(uint32_t)HEALTH_WORD_RESOLVED;
    store(health, HEALTH_ENDPOINT, endpoint, word | resolved);
}

void health_table_advance(struct health *health)
{
    uint64_t generation = atomic_load_explicit(&health->table.generation, memory_order_relaxed);
    atomic_store_explicit(&health->table.generation, (generation & ~HEALTH_CHANGING) + 1,
                          memory_order_release);
}

bool health_forget_outages(struct health *health, size_t *done)
{
    const struct health_outage none = {.left_ms = 0};
    size_t before = 0, from = *done;
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (; *done - before < health->counts[kind] && *done - from < HEALTH_CLOCK_TURN; (*done)++) {
            uint32_t index = (uint32_t)(*done - before);
            health_note(health, kind, index);
            for (int i = kind == HEALTH_ENDPOINT ? HEALTH_V4 : HEALTH_ANY; i <= HEALTH_ANY; i++) {
                health_outage_copy(health_outage_at(health, kind, index, (enum health_family)i), &none);
            }
        }
        before += health->counts[kind];
    }
    if (*done < before) {
        return true;
    }
    health_table_advance(health);
    return false;
}

struct health_effective health_find_effective(const struct health *health, enum health_kind kind,
                                              uint32_t index)
{
    uint32_t word = health_word_get(health, kind, index), az = 0, region = 0;
    if (kind == HEALTH_ENDPOINT) {
        uint32_t az_index = health->nodes[HEALTH_ENDPOINT][index].parent;
        az = health_word_get(health, HEALTH_AZ, az_index);
        region = health_word_get(health, HEALTH_REGION, health->nodes[HEALTH_AZ][az_index].parent);
    } else if (kind == HEALTH_AZ) {
        region = health_word_get(health, HEALTH_REGION, health->nodes[HEALTH_AZ][index].parent);
    }
    struct health_effective effective = health_combine(word, az, region);
    if (effective.decided_by == HEALTH_BY_ENDPOINT_OVERRIDE && kind != HEALTH_ENDPOINT) {
        effective.decided_by = kind == HEALTH_AZ ? HEALTH_BY_AZ_OVERRIDE : HEALTH_BY_REGION_OVERRIDE;
    }
    return effective;
}
