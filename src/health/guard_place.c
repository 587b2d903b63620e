/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What rules may forbid, and what is down where they do: see guard.h. All that happens gets the next number:
 * a fall, something that begins to be forbidden, an order that began or ended. A fall is held by what has a
 * lower number and is still forbidden; what ends loses its number, so beginning again it holds nothing that
 * fell before. */
#include "config.h"

#include "health/guard_inside.h"
#include "health/lag_inside.h"

#include <assert.h>

enum { NO = UINT32_MAX };

/* ---- what there is ---- */

static struct health_fall *new_falls(struct health *health, enum health_kind kind)
{
    health->guards->counted[kind] = arena_alloc(health->arena, health->counts[kind]);
    return arena_alloc(health->arena, health->counts[kind] * sizeof(struct health_fall));
}

/* Not written to: of what never falls there is no page. */
static void add(struct health *health, const struct health_guards *frame)
{
    uint32_t regions = health->counts[HEALTH_REGION], places = regions + frame->bans.way_count;
    struct health_guards *guards = arena_alloc(health->arena, sizeof *guards);
    *guards = (struct health_guards){.rules = frame->rules, .rule_count = frame->rule_count};
    health->guards = guards;
    guards->bans.ways = frame->bans.ways;
    guards->bans.way_count = frame->bans.way_count;
    guards->bans.first_way = frame->bans.first_way;
    guards->bans.leaving = arena_alloc(health->arena, regions * sizeof(struct health_ban));
    guards->bans.moving = arena_alloc(health->arena, frame->bans.way_count * sizeof(struct health_ban));
    guards->bans.endpoints = new_falls(health, HEALTH_ENDPOINT);
    guards->bans.azs = new_falls(health, HEALTH_AZ);
    guards->bans.regions = new_falls(health, HEALTH_REGION);
    guards->said = arena_alloc(health->arena, places * sizeof *guards->said);
    guards->is_news = arena_alloc(health->arena, places * sizeof *guards->is_news);
    guards->holds = arena_alloc(health->arena, regions * sizeof *guards->holds);
    guards->line = arena_alloc(health->arena, regions * sizeof *guards->line);
    health->table.bans = &guards->bans;
}

static const struct health_guard_rule *copy_rules(struct health *health,
                                                  const struct health_guards_plan *plan)
{
    struct arena *arena = health->frame->arena;
    struct health_guard_rule *rules = arena_alloc(arena, plan->rule_count * sizeof *rules);
    for (size_t i = 0; i < plan->rule_count; i++) {
        const struct health_guard_plan *from = &plan->rules[i];
        size_t count = from->regions == NULL ? 0 : from->region_count;
        double *weights = arena_alloc(arena, count * sizeof *weights);
        for (size_t j = 0; j < count; j++) {
            assert(from->regions[j] < health->counts[HEALTH_REGION]);
            weights[j] = from->weights == NULL ? 1 : from->weights[j];
        }
        rules[i] = (struct health_guard_rule){
            .name = arena_copy_text(arena, from->name),
            .regions = from->regions == NULL
                           ? NULL
                           : arena_copy(arena, from->regions, count * sizeof *from->regions),
            .weights = weights,
            .count = (uint32_t)count,
            .limit = from->limit,
            .counts_ordered = from->counts_ordered,
            .lags = from->lags == NULL ? NULL
                                       : arena_copy(arena, from->lags, from->lag_count * sizeof *from->lags),
            .lag_count = from->lags == NULL ? 0 : (uint32_t)from->lag_count,
            .any_stage = from->any_stage,
            .only_copies = from->only_copies,
            .wait_ms = from->wait_ms,
        };
    }
    return rules;
}

/* By the region that is left: counting sort. */
static void copy_ways(struct health *health, const struct health_guards_plan *plan, struct health_bans *bans)
{
    struct arena *arena = health->frame->arena;
    uint32_t regions = health->counts[HEALTH_REGION];
    struct health_way *ways = arena_alloc(arena, plan->way_count * sizeof *ways);
    uint32_t *first = arena_alloc(arena, (regions + 2u) * sizeof *first);
    for (size_t i = 0; i < plan->way_count; i++) {
        assert(plan->ways[i].from < regions && plan->ways[i].to < regions);
        first[plan->ways[i].from + 2]++;
    }
    for (uint32_t i = 0; i < regions; i++) {
        first[i + 2] += first[i + 1];
    }
    for (size_t i = 0; i < plan->way_count; i++) {
        ways[first[plan->ways[i].from + 1]++] = plan->ways[i];
    }
    bans->ways = ways;
    bans->first_way = first;
    bans->way_count = (uint32_t)plan->way_count;
}

void health_guards_add(struct health *health, const struct health_guards_plan *plan)
{
    if (plan == NULL || plan->rule_count == 0) {
        return;
    }
    assert(plan->rule_count <= HEALTH_GUARDS_MAX);
    struct health_guards frame = {.rules = copy_rules(health, plan),
                                  .rule_count = (uint32_t)plan->rule_count};
    copy_ways(health, plan, &frame.bans);
    add(health, &frame);
    health->guards->is_due = health->guards->knows_moves = true;
}

void health_guards_add_like(struct health *health, const struct health *from)
{
    if (from->guards != NULL) {
        add(health, from->guards);
    }
}

/* ---- places ---- */

uint32_t health_guard_find_place(const struct health *health, uint32_t from, uint32_t to)
{
    uint32_t regions = health->counts[HEALTH_REGION];
    const struct health_bans *bans = &health->guards->bans;
    if (from >= regions || to == HEALTH_ANYWHERE) {
        return from >= regions ? NO : from;
    }
    for (uint32_t i = bans->first_way[from]; i < bans->first_way[from + 1]; i++) {
        if (bans->ways[i].to == to) {
            return regions + i;
        }
    }
    return NO;
}

uint32_t health_guard_get_region(const struct health *health, uint32_t place)
{
    uint32_t regions = health->counts[HEALTH_REGION];
    return place < regions ? place : health->guards->bans.ways[place - regions].from;
}

struct health_ban *health_ban_at(const struct health *health, uint32_t place)
{
    uint32_t regions = health->counts[HEALTH_REGION];
    return place < regions ? &health->guards->bans.leaving[place]
                           : &health->guards->bans.moving[place - regions];
}

struct health_fall *health_fall_at(const struct health *health, enum health_kind kind, uint32_t index)
{
    const struct health_bans *bans = &health->guards->bans;
    return kind == HEALTH_ENDPOINT ? &bans->endpoints[index]
           : kind == HEALTH_AZ     ? &bans->azs[index]
                                   : &bans->regions[index];
}

void health_guard_look_later(struct health *health, uint32_t region)
{
    struct health_guards *guards = health->guards;
    if (!guards->holds[region].waits) {
        guards->holds[region].waits = true;
        guards->line[guards->line_count++] = region;
    }
}

static void note(struct health_guards *guards, uint32_t place)
{
    guards->changes++;
    guards->news += !guards->is_news[place];
    guards->is_news[place] = true;
}

uint64_t health_guard_find_rules(const struct health *health, uint32_t region)
{
    const struct health_guards *guards = health->guards;
    uint64_t rules = guards->said[region];
    for (uint32_t i = guards->bans.first_way[region]; i < guards->bans.first_way[region + 1]; i++) {
        rules |= guards->said[health->counts[HEALTH_REGION] + i];
    }
    return rules;
}

bool health_guard_is_down(const struct health *health, uint32_t region)
{
    const struct health_hold *hold = &health->guards->holds[region];
    uint32_t word = health_word_get(health, HEALTH_REGION, region);
    bool had_left =
        health_word_observed(word) == HEALTH_OBSERVED_UNHEALTHY &&
        health_number_get(&health_fall_at(health, HEALTH_REGION, region)->fell[HEALTH_ANY]) < hold->from;
    return hold->down != 0 && !had_left && !health_guard_is_ordered(word);
}

/* ---- may it be left? ---- */

/* By when what is down there fell; UINT64_MAX: nothing is, and what may come will. */
static uint64_t find_fall(const struct health *health, uint32_t region)
{
    const struct health_hold *hold = &health->guards->holds[region];
    uint32_t word = health_word_get(health, HEALTH_REGION, region);
    if (hold->down != 0 && health_word_observed(word) == HEALTH_OBSERVED_UNHEALTHY) {
        return health_number_get(&health_fall_at(health, HEALTH_REGION, region)->fell[HEALTH_ANY]);
    }
    return hold->down != 0 ? hold->last_fall : UINT64_MAX;
}

/* Does it serve, or did it when that fell? Then answers went there, and on from there. */
static bool has_served_since(const struct health *health, uint32_t region, uint64_t fell)
{
    const struct health_fall *fall = health_fall_at(health, HEALTH_REGION, region);
    uint32_t word = health_word_get(health, HEALTH_REGION, region);
    uint64_t ended =
        health_number_get(health_guard_is_ordered(word) ? &fall->ordered : &fall->fell[HEALTH_ANY]);
    return !health_word_blocks(word) || ended > fell;
}

/* Were all copies open when something fell there, and did one of them serve? */
static bool has_way_out(const struct health *health, const struct health_guard_rule *rule, uint32_t region)
{
    uint64_t fell = find_fall(health, region);
    bool serves = false;
    for (uint32_t i = 0; i < rule->lag_count; i++) {
        const struct health_lag_plan *plan = &health->lags->plans[rule->lags[i]];
        if (plan->kind != HEALTH_REGION || plan->from != region) {
            continue;
        }
        uint32_t place = health_guard_find_place(health, region, plan->to);
        uint64_t since = health_number_get(&health_ban_at(health, place)->since);
        if (since != 0 && since <= fell) {
            return false;
        }
        serves |= has_served_since(health, plan->to, fell);
    }
    return serves;
}

uint64_t health_guard_find_closed(const struct health *health, uint32_t region)
{
    const struct health_guards *guards = health->guards;
    uint64_t rules = health_guard_find_rules(health, region);
    for (uint32_t rule = 0; rules != 0 && rule < guards->rule_count; rule++) {
        if (guards->rules[rule].only_copies && has_way_out(health, &guards->rules[rule], region)) {
            rules &= ~(UINT64_C(1) << rule);
        }
    }
    return rules;
}

bool health_guard_is_held(const struct health *health, uint32_t region)
{
    return health_guard_is_down(health, region) &&
           (health_guard_find_closed(health, region) & ~health->guards->holds[region].released) != 0;
}

void health_guard_note(struct health *health, uint32_t place)
{
    note(health->guards, place);
}

/* Nothing is forbidden there, nor released: what falls from now on is not counted. */
static void end_if_over(struct health *health, uint32_t region)
{
    struct health_hold *hold = &health->guards->holds[region];
    if (hold->from != 0 && hold->released == 0 && health_guard_find_rules(health, region) == 0) {
        hold->is_allowed = hold->down != 0;
        hold->from = 0;
        hold->down = 0;
        note(health->guards, region);
    }
}

/* The oldest of these times is forgotten for it. */
static void note_time(struct health_ban *ban, uint64_t was, uint64_t ended)
{
    for (int i = HEALTH_BAN_TIMES - 1; i > 0; i--) {
        health_ban_copy_time(&ban->times[i], &ban->times[i - 1]);
    }
    health_number_set(&ban->times[0].was, was);
    health_number_set(&ban->times[0].ended, ended);
}

/* It begins, or ends. A time in which nothing fell says nothing, and takes no other one's place. */
static void turn(struct health_ban *ban, uint64_t number, uint64_t last_fall)
{
    uint64_t since = health_number_get(&ban->since);
    if (since != 0 && last_fall >= since) {
        note_time(ban, since, number);
    }
    health_number_set(&ban->since, since == 0 ? number : 0);
}

/* Since when it is forbidden, by whoever does. */
static void follow_place(struct health *health, uint32_t place)
{
    struct health_guards *guards = health->guards;
    uint32_t region = health_guard_get_region(health, place);
    struct health_hold *hold = &guards->holds[region];
    struct health_ban *ban = health_ban_at(health, place);
    bool was_on = health_number_get(&ban->since) != 0, is_on = (guards->said[place] & ~hold->released) != 0;
    note(guards, place);
    if (is_on != was_on) {
        uint32_t count = atomic_load_explicit(&guards->bans.count, memory_order_relaxed);
        turn(ban, ++guards->number, hold->last_fall);
        atomic_store_explicit(&guards->bans.count, is_on ? count + 1 : count - 1, memory_order_relaxed);
        guards->has_changed |= !is_on;
        guards->is_due = true;
    }
    if (is_on && hold->from == 0) {
        hold->from = guards->number;
    }
    end_if_over(health, region);
    health_guard_look_later(health, region);
}

void health_guard_say(struct health *health, uint32_t place, uint64_t said)
{
    health->guards->said[place] = said;
    follow_place(health, place);
}

/* ---- falls ---- */

static bool is_bad(uint32_t word, enum health_family family)
{
    return health_word_observed(health_word_of(word, family)) == HEALTH_OBSERVED_UNHEALTHY;
}

static uint32_t find_region(const struct health *health, enum health_kind kind, uint32_t index)
{
    for (; kind != HEALTH_REGION; kind++) {
        index = health->nodes[kind][index].parent;
    }
    return index;
}

void health_guard_uncount(struct health *health, enum health_kind kind, uint32_t index)
{
    struct health_guards *guards = health->guards;
    struct health_hold *hold = &guards->holds[find_region(health, kind, index)];
    unsigned counted = guards->counted[kind][index];
    for (enum health_family family = health_first_family(kind); counted != 0 && family <= HEALTH_ANY;
         family++) {
        bool is_of_now = hold->from != 0 &&
                         health_number_get(&health_fall_at(health, kind, index)->fell[family]) >= hold->from;
        hold->down -= (counted >> family & 1) != 0 && is_of_now && hold->down != 0;
    }
    if (counted != 0) {
        guards->counted[kind][index] = 0;
    }
}

void health_guard_count(struct health *health, enum health_kind kind, uint32_t index)
{
    struct health_guards *guards = health->guards;
    uint32_t region = find_region(health, kind, index), word = health_word_get(health, kind, index);
    struct health_hold *hold = &guards->holds[region];
    health_guard_uncount(health, kind, index);
    for (enum health_family family = health_first_family(kind); hold->from != 0 && family <= HEALTH_ANY;
         family++) {
        if (is_bad(word, family) &&
            health_number_get(&health_fall_at(health, kind, index)->fell[family]) >= hold->from) {
            if (hold->down == 0 && hold->since_ms == 0) {
                hold->since_ms = health->wall_ms;
                note(guards, region);
            }
            hold->down++;
            guards->counted[kind][index] |= (uint8_t)(1u << family);
        }
    }
    health_guard_look_later(health, region);
}

/* The next one; but what falls in a place that is lost already fell with that. */
static uint64_t number_fall(struct health *health, enum health_kind kind, uint32_t index)
{
    uint64_t number = UINT64_MAX;
    for (; kind != HEALTH_REGION; kind++) {
        index = health->nodes[kind][index].parent;
        uint64_t above = health_number_get(&health_fall_at(health, kind + 1, index)->fell[HEALTH_ANY]);
        bool is_lost = is_bad(health_word_get(health, kind + 1, index), HEALTH_ANY);
        number = is_lost && above < number ? above : number;
    }
    return number == UINT64_MAX ? ++health->guards->number : number;
}

void health_guard_fall(struct health *health, enum health_kind kind, uint32_t index, uint32_t before,
                       uint32_t after)
{
    struct health_guards *guards = health->guards;
    if (guards == NULL || guards->rests || !health->is_filled) {
        return;
    }
    struct health_fall *fall = health_fall_at(health, kind, index);
    if (((before ^ after) & HEALTH_WORD_VERDICTS) != 0) {
        health_guard_uncount(health, kind, index);
    }
    for (enum health_family family = health_first_family(kind); family <= HEALTH_ANY; family++) {
        if (is_bad(after, family) && !is_bad(before, family)) {
            uint64_t number = number_fall(health, kind, index);
            uint64_t *last = &guards->holds[find_region(health, kind, index)].last_fall;
            health_number_set(&fall->fell[family], number);
            *last = number > *last ? number : *last;
        }
    }
    if (health_word_desired(before) != health_word_desired(after) &&
        (health_guard_is_ordered(before) || health_guard_is_ordered(after))) {
        health_number_set(&fall->ordered, ++guards->number);
    }
}

uint64_t health_guard_get_order(const struct health *health, enum health_kind kind, uint32_t index)
{
    return health->guards == NULL ? 0 : health_number_get(&health_fall_at(health, kind, index)->ordered);
}

void health_guard_put_order(struct health *health, enum health_kind kind, uint32_t index, uint64_t number)
{
    if (number != 0) {
        health_number_set(&health_fall_at(health, kind, index)->ordered, number);
    }
}
