/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What stays down comes back: because its time has come, because no rule keeps it down any more, or because
 * an operator says so. See stay.h and guard.h. */
#include "config.h"

#include "health/health.h"

#include "base/error.h"
#include "health/guard_inside.h"
#include "health/machine.h"

#include <assert.h>

/* Nothing keeps it down any more. */
static void let_go(struct health *health, enum health_kind kind, uint32_t index, int64_t wall_ms)
{
    if (!health_stay_release(health, kind, index)) {
        return;
    }
    if (kind == HEALTH_ENDPOINT) {
        health_turn_monitor(health, index, HEALTH_OBSERVED_HEALTHY, wall_ms);
    } else {
        health_climb(health, kind, index, wall_ms);
    }
}

/* Several that take a step in one turn. */
struct ramp_turn {
    struct health_place places[HEALTH_STAY_TURN];
    size_t count;
};

/* Is it an endpoint whose step others of its az have taken, too? Then they are told of together. */
static bool tell_together(struct health *health, const struct ramp_turn *turn, size_t first)
{
    const struct health_node *nodes = health->nodes[HEALTH_ENDPOINT];
    const struct health_place *place = &turn->places[first];
    struct health_ramp_change change = {.kind = HEALTH_AZ};
    if (place->kind != HEALTH_ENDPOINT) {
        return false;
    }
    uint32_t az = nodes[place->index].parent;
    change.status = health_find_ramp(health, HEALTH_ENDPOINT, place->index);
    for (size_t i = first; i < turn->count; i++) {
        uint32_t other = turn->places[i].index;
        change.endpoints += turn->places[i].kind == HEALTH_ENDPOINT && nodes[other].parent == az &&
                            nodes[other].ramp.told != change.status.percent &&
                            health_find_ramp(health, HEALTH_ENDPOINT, other).percent == change.status.percent;
    }
    if (change.endpoints < 2) {
        return false;
    }
    for (size_t i = first; i < turn->count; i++) {
        struct health_node *other = &health->nodes[HEALTH_ENDPOINT][turn->places[i].index];
        if (turn->places[i].kind == HEALTH_ENDPOINT && other->parent == az &&
            health_find_ramp(health, HEALTH_ENDPOINT, turn->places[i].index).percent ==
                change.status.percent) {
            other->ramp.told = (uint8_t)change.status.percent;
        }
    }
    change.name = health->nodes[HEALTH_AZ][az].name;
    if (health->listener.ramped != NULL) {
        health->delivering = true;
        health->listener.ramped(health->listener.context, &change);
        health->delivering = false;
    }
    return true;
}

/* All words of the turn are one change. */
static void end_turn(struct health *health, const struct ramp_turn *turn)
{
    if (turn->count == 0) {
        return;
    }
    health_table_advance(health);
    for (size_t i = 0; i < turn->count; i++) {
        if (!tell_together(health, turn, i)) {
            health_ramp_tell(health, turn->places[i].kind, turn->places[i].index);
        }
    }
}

static void follow_ramp(struct health *health, struct ramp_turn *turn)
{
    struct health_stay_due due;
    if (health_ramp_take(health, &due)) {
        health_word_set_ramp(health, due.kind, due.index, health_ramp_step(health, due.kind, due.index));
        turn->places[turn->count++] = (struct health_place){due.kind, due.index};
    }
}

static bool is_ramp_first(const struct health *health)
{
    return health->ramps.count != 0 &&
           (health->stays.count == 0 || health->ramps.items[0].at_ms < health->stays.items[0].at_ms);
}

size_t health_follow_stays(struct health *health, int64_t now_ms, int64_t wall_ms)
{
    struct ramp_turn turn = {.count = 0};
    size_t done = 0;
    health->now_ms = health->now_ms < now_ms ? now_ms : health->now_ms;
    health->offset_ms = wall_ms - health->now_ms;
    for (; done < HEALTH_STAY_TURN && health_next_stay(health) <= health->now_ms; done++) {
        struct health_stay_due due;
        if (is_ramp_first(health)) {
            follow_ramp(health, &turn);
        } else if (health_stay_take(health, &due)) {
            let_go(health, due.kind, due.index, wall_ms);
        }
    }
    end_turn(health, &turn);
    return done;
}

static void follow_returns(struct health *health, int64_t wall_ms)
{
    for (uint32_t i = 0; i < health->counts[HEALTH_REGION]; i++) {
        if (health_stay_is_over(health, i)) {
            health_climb(health, HEALTH_REGION, i, wall_ms);
        }
    }
}

/* ---- what a rule kept down, or held ---- */

void health_follow_guards(struct health *health, int64_t wall_ms)
{
    if (health->guards != NULL && !health->guards->rests) {
        health->wall_ms = wall_ms;
        health_guard_follow_time(health, wall_ms);
        health_guard_step(health);
        health_guards_publish(health);
        follow_returns(health, wall_ms);
    }
}

int health_release_hold(struct health *health, uint32_t region, size_t rule, int64_t wall_ms)
{
    assert(!health->delivering);
    int error = health_judge_release(health, region, rule);
    if (error != 0) {
        return error;
    }
    struct health_hold *hold = &health->guards->holds[region];
    health->wall_ms = wall_ms;
    hold->released |= UINT64_C(1) << rule;
    hold->is_let_go = true;
    health_guard_follow_region(health, region);
    health_guard_step(health);
    health_guards_publish(health);
    follow_returns(health, wall_ms);
    return 0;
}

void health_restore_release(struct health *health, uint32_t region, size_t rule, int64_t said_ms)
{
    if (rule >= health_count_guards(health) || region >= health->counts[HEALTH_REGION]) {
        return;
    }
    struct health_hold *hold = &health->guards->holds[region];
    int64_t kept_ms = (health_stay_keeps(health, region) >> rule & 1) == 0
                          ? 0
                          : health_find_stay(health, HEALTH_REGION, region).down_ms;
    bool is_held = hold->since_ms != 0 && hold->since_ms <= said_ms;
    if (!is_held && (kept_ms == 0 || kept_ms > said_ms)) {
        return;
    }
    if (health->guards->rests) { /* who counts then finds it so */
        hold->released |= UINT64_C(1) << rule;
    } else {
        (void)health_release_hold(health, region, rule, health->wall_ms);
    }
}

/* ---- operators ---- */

/* It is there without them: a monitor that stays down, of which others are enough. */
static bool has_spare_stay(const struct health *health, uint32_t endpoint)
{
    const struct health_node *node = &health->nodes[HEALTH_ENDPOINT][endpoint];
    uint32_t word = health_word_get(health, HEALTH_ENDPOINT, endpoint), i = 0;
    while (i < node->child_count &&
           health_find_monitor_stay(health, node->first_child + i).reason == HEALTH_STAY_NONE) {
        i++;
    }
    return i < node->child_count &&
           health_word_observed(health_word_of(word, HEALTH_V4)) != HEALTH_OBSERVED_UNHEALTHY &&
           health_word_observed(health_word_of(word, HEALTH_V6)) != HEALTH_OBSERVED_UNHEALTHY;
}

int health_judge_failback(const struct health *health, enum health_kind kind, uint32_t index)
{
    if (index >= health->counts[kind]) {
        return ERROR_NOT_FOUND;
    }
    bool stays = health_find_stay(health, kind, index).reason != HEALTH_STAY_NONE ||
                 (kind == HEALTH_ENDPOINT && has_spare_stay(health, index));
    return stays ? 0 : ERROR_CONFLICT;
}

/* A monitor that is not well is not meant: others of its endpoint are. */
static void forgive(struct health *health, enum health_kind kind, uint32_t index, int64_t wall_ms)
{
    health_stay_forgive(health, kind, index);
    if (kind != HEALTH_ENDPOINT || health->monitor_stays[index].is_ready) {
        let_go(health, kind, index, wall_ms);
    }
}

int health_fail_back(struct health *health, enum health_kind kind, uint32_t index, int64_t wall_ms)
{
    int error = health_judge_failback(health, kind, index);
    if (error != 0) {
        return error;
    }
    if (kind != HEALTH_ENDPOINT) {
        forgive(health, kind, index, wall_ms);
        return 0;
    }
    const struct health_node *node = &health->nodes[HEALTH_ENDPOINT][index];
    for (uint32_t i = node->first_child; i < node->first_child + node->child_count; i++) {
        forgive(health, HEALTH_ENDPOINT, i, wall_ms);
    }
    return 0;
}

void health_restore_failback(struct health *health, enum health_kind kind, uint32_t index, int64_t said_ms)
{
    if (kind != HEALTH_ENDPOINT) {
        health_stay_restore(health, kind, index, said_ms);
        return;
    }
    const struct health_node *node = &health->nodes[HEALTH_ENDPOINT][index];
    for (uint32_t i = node->first_child; i < node->first_child + node->child_count; i++) {
        health_stay_restore(health, HEALTH_ENDPOINT, i, said_ms);
    }
}
