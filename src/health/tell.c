/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Telling the listener what changed. A change of a region concerns all that is below it, and telling of ten
 * thousand endpoints takes tens of milliseconds, in which nobody else could have the machine. So it waits in
 * lines, in which an object stands once however often it changes, and goes in turns: regions, then azs, then
 * the endpoints of one az after the other, all compared with what was told of them last. */
#include "config.h"

#include "health/health.h"

#include "health/guard_inside.h"
#include "health/machine.h"

#include <string.h>

/* ---- lines ---- */

static void add_line(struct health *health, enum health_kind kind, uint32_t size)
{
    health->untold[kind] =
        (struct health_line){.items = arena_alloc(health->arena, size * sizeof(uint32_t)),
                             .waits = arena_alloc(health->arena, size * sizeof(bool)),
                             .outcomes = arena_alloc(health->arena, size * sizeof(uint8_t)),
                             .size = size};
}

void health_add_lines(struct health *health)
{
    add_line(health, HEALTH_REGION, health->counts[HEALTH_REGION]);
    add_line(health, HEALTH_AZ, health->counts[HEALTH_AZ]);
    add_line(health, HEALTH_ENDPOINT, health->counts[HEALTH_AZ]);
}

/* The latest cause is told. */
static void push(struct health_line *line, uint32_t index, enum health_outcome outcome)
{
    line->outcomes[index] = (uint8_t)outcome;
    if (!line->waits[index]) {
        line->waits[index] = true;
        line->items[(line->first + line->count++) % line->size] = index;
    }
}

static uint32_t pop(struct health_line *line, enum health_outcome *outcome)
{
    uint32_t index = line->items[line->first];
    line->first = (line->first + 1) % line->size;
    line->count--;
    line->waits[index] = false;
    *outcome = (enum health_outcome)line->outcomes[index];
    return index;
}

static bool has_wide(const struct health *health)
{
    return health->untold[HEALTH_REGION].count != 0 || health->untold[HEALTH_AZ].count != 0;
}

static bool has_any(const struct health *health)
{
    return has_wide(health) || health->untold[HEALTH_ENDPOINT].count != 0 ||
           health->walk.next != health->walk.end;
}

/* ---- objects ---- */

static uint64_t *turns_of(struct health *health, enum health_kind kind, uint32_t index)
{
    return kind == HEALTH_ENDPOINT ? health->endpoint_turns : health->groups[kind][index].turns;
}

void health_take_turns(struct health *to, enum health_kind kind, uint32_t index, const struct health *from,
                       uint32_t old)
{
    health_get_turns(from, kind, old, turns_of(to, kind, index));
    if (kind != HEALTH_ENDPOINT) {
        to->groups[kind][index].was_up |= from->groups[kind][old].was_up;
    }
}

void health_get_turns(const struct health *health, enum health_kind kind, uint32_t index,
                      uint64_t turns[HEALTH_STATES])
{
    const uint64_t *from =
        kind == HEALTH_ENDPOINT ? health->endpoint_turns : health->groups[kind][index].turns;
    memcpy(turns, from, HEALTH_STATES * sizeof *turns);
}

void health_add_turns(struct health *health, enum health_kind kind, uint32_t index,
                      const uint64_t turns[HEALTH_STATES])
{
    uint64_t *to = turns_of(health, kind, index);
    for (int state = 0; state < HEALTH_STATES; state++) {
        to[state] += turns[state];
    }
}

static void count_turn(struct health *health, enum health_kind kind, uint32_t index, enum health_state after)
{
    if (!health->is_joining) {
        turns_of(health, kind, index)[after]++;
    }
}

static void tell(struct health *health, enum health_kind kind, uint32_t index, enum health_outcome outcome)
{
    struct health_node *node = &health->nodes[kind][index];
    struct health_effective after = health_find_effective(health, kind, index),
                            before = health_node_get_told(node);
    uint32_t verdicts = health_word_get(health, kind, index) & HEALTH_WORD_VERDICTS;
    int64_t since_ms = health_find_since(health, kind, index);
    bool is_same = after.state == before.state && after.decided_by == before.decided_by &&
                   verdicts == node->told_verdicts;
    if (!is_same || since_ms != node->since_ms) {
        health_note(health, kind, index);
    }
    health_set_since(health, kind, index, since_ms);
    if (is_same) {
        health_ramp_tell(health, kind, index);
        return;
    }
    struct health_change change = {.kind = kind,
                                   .index = index,
                                   .name = node->name,
                                   .observed_before = health_word_observed(node->told_verdicts),
                                   .observed_after = health_word_observed(verdicts),
                                   .before = before,
                                   .after = after,
                                   .outcome = outcome};
    for (int family = HEALTH_V4; family < HEALTH_FAMILIES; family++) {
        change.families_before[family] =
            health_word_observed(health_word_of(node->told_verdicts, (enum health_family)family));
        change.families_after[family] =
            health_word_observed(health_word_of(verdicts, (enum health_family)family));
    }
    if (after.state != before.state) {
        count_turn(health, kind, index, after.state);
    }
    health_node_note_told(node, after);
    node->told_verdicts = verdicts;
    if (health->listener.changed != NULL) {
        health->delivering = true;
        health->listener.changed(health->listener.context, &change);
        health->delivering = false;
    }
    health_ramp_tell(health, kind, index);
}

static void tell_region(struct health *health)
{
    enum health_outcome outcome;
    uint32_t region = pop(&health->untold[HEALTH_REGION], &outcome);
    const struct health_node *node = &health->nodes[HEALTH_REGION][region];
    tell(health, HEALTH_REGION, region, outcome);
    for (uint32_t i = 0; i < node->child_count; i++) {
        push(&health->untold[HEALTH_AZ], health->children[HEALTH_AZ][node->first_child + i], outcome);
    }
}

static void tell_az(struct health *health)
{
    enum health_outcome outcome;
    uint32_t az = pop(&health->untold[HEALTH_AZ], &outcome);
    tell(health, HEALTH_AZ, az, outcome);
    push(&health->untold[HEALTH_ENDPOINT], az, outcome);
}

static void tell_endpoint(struct health *health)
{
    struct health_walk *walk = &health->walk;
    if (walk->next == walk->end) {
        const struct health_node *az;
        walk->az = pop(&health->untold[HEALTH_ENDPOINT], &walk->outcome);
        az = &health->nodes[HEALTH_AZ][walk->az];
        walk->next = az->first_child;
        walk->end = az->first_child + az->child_count;
    }
    if (walk->next != walk->end) {
        tell(health, HEALTH_ENDPOINT, health->children[HEALTH_ENDPOINT][walk->next++], walk->outcome);
    }
}

/* ---- turns ---- */

void health_tell_wide(struct health *health)
{
    while (health->untold[HEALTH_REGION].count != 0) {
        tell_region(health);
    }
    while (health->untold[HEALTH_AZ].count != 0) {
        tell_az(health);
    }
}

bool health_tell(struct health *health, size_t max)
{
    for (; max != 0 && has_any(health); max--) {
        if (health->untold[HEALTH_REGION].count != 0) {
            tell_region(health);
        } else if (health->untold[HEALTH_AZ].count != 0) {
            tell_az(health);
        } else {
            tell_endpoint(health);
        }
    }
    if (has_any(health)) {
        return true;
    }
    health->past_count = 0; /* all nodes have been looked at since */
    return false;
}

void health_settle(struct health *health, enum health_kind kind, uint32_t index, enum health_outcome outcome)
{
    if (kind == HEALTH_ENDPOINT) {
        tell(health, kind, index, outcome);
    } else {
        push(&health->untold[kind], index, outcome);
    }
}

void health_deliver(struct health *health)
{
    health_guard_tell(health);
    if (health->listener.more == NULL) {
        (void)health_tell(health, SIZE_MAX);
    } else if (health_tell(health, HEALTH_TURN)) {
        health->listener.more(health->listener.context);
    }
}
