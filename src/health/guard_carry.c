/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is forbidden, after a reload: by the names of rules and regions. Falls and begins keep their numbers,
 * so what was held is held by the same rules, and what had moved before them stays where it is. What is down
 * only since the reload fell with it. A rule that is gone holds nothing any more; one that is new, nothing
 * that is down already. */
#include "config.h"

#include "health/guard_inside.h"

#include <string.h>

/* Most never fell: no page. */
static void set(_Atomic uint64_t *number, uint64_t to)
{
    if (health_number_get(number) != to) {
        health_number_set(number, to);
    }
}

static unsigned find_bad(const struct health *health, enum health_kind kind, uint32_t index)
{
    uint32_t word = health_word_get(health, kind, index);
    unsigned bad = 0;
    for (enum health_family family = health_first_family(kind); family <= HEALTH_ANY; family++) {
        bool is_bad = health_word_observed(health_word_of(word, family)) == HEALTH_OBSERVED_UNHEALTHY;
        bad |= is_bad ? 1u << family : 0;
    }
    return bad;
}

void health_guard_read_fall(const struct health *health, enum health_kind kind, uint32_t index,
                            struct health_fallen *fallen)
{
    *fallen = (struct health_fallen){.bad = (uint8_t)find_bad(health, kind, index)};
    if (health->guards == NULL) {
        return;
    }
    const struct health_fall *fall = health_fall_at(health, kind, index);
    for (enum health_family family = health_first_family(kind); family <= HEALTH_ANY; family++) {
        fallen->fell[family] = health_number_get(&fall->fell[family]);
    }
    fallen->ordered = health_number_get(&fall->ordered);
}

void health_guard_put_fall(struct health *health, enum health_kind kind, uint32_t index,
                           const struct health_fallen *fallen)
{
    static const struct health_fallen none = {.bad = 0};
    if (health->guards == NULL) {
        return;
    }
    const struct health_fallen *was = fallen == NULL ? &none : fallen;
    struct health_fall *fall = health_fall_at(health, kind, index);
    unsigned bad = find_bad(health, kind, index);
    health_guard_uncount(health, kind, index);
    for (enum health_family family = health_first_family(kind); family <= HEALTH_ANY; family++) {
        bool is_new = (bad & ~(unsigned)was->bad) >> family & 1;
        set(&fall->fell[family], is_new ? health->guards->number : was->fell[family]);
    }
    set(&fall->ordered, was->ordered);
    health_guard_count(health, kind, index);
}

/* ---- what is forbidden ---- */

/* The same set, as the rules of `to` are numbered. */
static uint64_t translate(const struct health *to, const struct health *from, uint64_t rules)
{
    uint64_t translated = 0;
    for (uint32_t i = 0; i < from->guards->rule_count; i++) {
        ptrdiff_t rule = (rules >> i & 1) == 0 ? -1 : health_find_guard(to, from->guards->rules[i].name);
        translated |= rule < 0 ? 0 : UINT64_C(1) << rule;
    }
    return translated;
}

static uint32_t find_same(const struct health *to, const struct health *from, uint32_t region)
{
    if (to->frame == from->frame) {
        return region;
    }
    ptrdiff_t same = health_find(to, HEALTH_REGION, from->nodes[HEALTH_REGION][region].name);
    return same < 0 ? UINT32_MAX : (uint32_t)same;
}

static void carry_place(struct health *to, const struct health *from, uint32_t place)
{
    uint32_t regions = from->counts[HEALTH_REGION];
    uint32_t region = health_guard_get_region(from, place), target = HEALTH_ANYWHERE;
    uint32_t same = find_same(to, from, region);
    if (place >= regions) {
        target = find_same(to, from, from->guards->bans.ways[place - regions].to);
    }
    if (same == UINT32_MAX || (place >= regions && target == UINT32_MAX)) {
        return;
    }
    uint32_t at = health_guard_find_place(to, same, target);
    if (at == UINT32_MAX) {
        return;
    }
    if (place < regions) {
        struct health_hold *hold = &to->guards->holds[same];
        const struct health_hold *old = &from->guards->holds[region];
        hold->from = old->from;
        hold->since_ms = old->since_ms;
        hold->released = translate(to, from, old->released);
        hold->is_told = old->is_told;
        hold->is_gone = old->is_gone;
        hold->told_rules = translate(to, from, old->told_rules);
    }
    to->guards->said[at] = translate(to, from, from->guards->said[place]);
    struct health_ban *ban = health_ban_at(to, at), *old = health_ban_at(from, place);
    health_number_copy(&ban->since, &old->since);
    for (int i = 0; i < HEALTH_BAN_TIMES; i++) {
        health_ban_copy_time(&ban->times[i], &old->times[i]);
    }
}

static void forget(struct health *to)
{
    for (uint32_t i = 0; i < health_guard_count_places(to); i++) {
        to->guards->said[i] = 0;
        set(&health_ban_at(to, i)->since, 0);
    }
}

void health_guards_rest(struct health *health)
{
    if (health->guards != NULL) {
        health->guards->rests = true;
    }
}

void health_guards_carry(struct health *to, const struct health *from, bool all)
{
    if (to->guards == NULL || from->guards == NULL || (!all && to->guards->seen == from->guards->changes)) {
        return;
    }
    to->guards->seen = from->guards->changes;
    to->guards->number = from->guards->number;
    to->guards->last_move_ms = from->guards->last_move_ms;
    to->guards->knows_moves = from->guards->knows_moves;
    forget(to);
    for (uint32_t i = 0; i < health_guard_count_places(from); i++) {
        carry_place(to, from, i);
    }
}

/* A place that nobody of the old rules forbids any more is free, and begins anew if others do. */
void health_guards_resume(struct health *health)
{
    struct health_guards *guards = health->guards;
    if (guards == NULL || !guards->rests) {
        return;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < health_guard_count_places(health); i++) {
        count += health_number_get(&health_ban_at(health, i)->since) != 0;
    }
    for (uint32_t i = 0; i < health->counts[HEALTH_REGION]; i++) {
        guards->holds[i].last_fall = guards->number; /* at most */
    }
    atomic_store_explicit(&guards->bans.count, count, memory_order_relaxed);
    guards->rests = false;
    for (uint32_t i = 0; i < health_guard_count_places(health); i++) {
        health_guard_say(health, i, guards->said[i]);
    }
    guards->is_due = true;
    health_guard_hear_lags(health);
    health_guard_resume_moves(health);
    health_guard_settle(health);
}

void health_guards_adopt(struct health *to, const struct health *from, const struct health_match *match)
{
    if (to->guards == NULL || from->guards == NULL) {
        return;
    }
    health_guards_rest(to);
    health_guards_carry(to, from, true);
    for (enum health_kind kind = HEALTH_ENDPOINT; kind <= HEALTH_REGION; kind++) {
        for (uint32_t i = 0; i < to->counts[kind]; i++) {
            struct health_fallen fallen;
            uint32_t old = health_match_seen(match, kind, i);
            if (old != HEALTH_NEW) {
                health_guard_read_fall(from, kind, old, &fallen);
            }
            health_guard_put_fall(to, kind, i, old == HEALTH_NEW ? NULL : &fallen);
        }
    }
    health_guards_resume(to);
}
