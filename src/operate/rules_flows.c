/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where answers go that an order moves, see rules_inside.h: each policy is evaluated with and without it, as
 * queries are. Only rules about copies ask, and only of copies that are not good. */
#include "config.h"

#include "operate/rules_inside.h"

#include "base/memory.h"
#include "operate/choice.h"

#include <stdlib.h>
#include <string.h>

struct flowing {
    struct judging *judging;
    struct steer_choice choice[SIDES];
    double *shares;        /* of the members of a choice */
    double *places[SIDES]; /* of azs, and regions behind them */
    void *memory[SIDES];
};

/* Nobody in particular: what is served from no endpoint leaves none. */
static void add_shares(struct flowing *flowing, const struct steer_policy *policy, unsigned side)
{
    const struct conf_topology *topology = flowing->judging->topology;
    const struct steer_choice *choice = &flowing->choice[side];
    memset(flowing->places[side], 0,
           (topology->az_count + topology->region_count) * sizeof *flowing->places[side]);
    operate_find_shares(policy, choice, flowing->shares);
    for (uint32_t i = 0; i < choice->count; i++) {
        const struct steer_place *place = steer_get_place(policy, choice->members[i]);
        flowing->places[side][place->az] += flowing->shares[i];
        flowing->places[side][topology->az_count + place->region] += flowing->shares[i];
    }
}

static bool flows(const struct flowing *flowing, size_t from, size_t to)
{
    const double *before = flowing->places[BEFORE], *after = flowing->places[AFTER];
    return measure_is_less(after[from], before[from]) && measure_is_less(before[to], after[to]);
}

static void note(const struct flowing *flowing)
{
    const struct conf_topology *topology = flowing->judging->topology;
    size_t regions = topology->region_count, azs = topology->az_count;
    for (size_t i = 0; i < regions * regions; i++) {
        flowing->judging->flows[i] |= flows(flowing, azs + i / regions, azs + i % regions);
    }
    for (size_t i = 0; i < topology->replication_count; i++) {
        const struct conf_replication *pair = &topology->replications[i];
        flowing->judging->flows[regions * regions + i] |=
            pair->of_azs && flows(flowing, pair->from, pair->to);
    }
}

/* By each type whose family may be served elsewhere. */
static void look_at_class(struct flowing *flowing, const struct steer_policy *policy, uint16_t class_id)
{
    for (unsigned type = 0; type < policy->type_count; type++) {
        const struct steer_ask ask = {.now_ms = (uint64_t)flowing->judging->at_ms,
                                      .class_id = class_id,
                                      .types = (uint16_t)(1u << type)};
        for (unsigned side = 0; side < SIDES; side++) {
            steer_evaluate(policy, ask, flowing->judging->tables[side], &flowing->choice[side], NULL);
        }
        if (!steer_choice_equal(&flowing->choice[BEFORE], &flowing->choice[AFTER])) {
            add_shares(flowing, policy, BEFORE);
            add_shares(flowing, policy, AFTER);
            note(flowing);
        }
    }
}

static void begin(struct flowing *flowing)
{
    const struct conf_topology *topology = flowing->judging->topology;
    const struct steer_set *set = flowing->judging->ask->view->steer;
    struct steer_room room = {.members = 0};
    for (uint32_t i = 0; i < steer_set_count(set); i++) {
        steer_widen_room(&room, steer_set_get(set, i));
    }
    flowing->shares = memory_alloc_array(room.members, sizeof *flowing->shares);
    for (unsigned side = 0; side < SIDES; side++) {
        flowing->memory[side] = memory_alloc(steer_room_size(room));
        steer_choice_init(&flowing->choice[side], room, flowing->memory[side]);
        flowing->places[side] =
            memory_alloc_array(topology->az_count + topology->region_count, sizeof *flowing->places[side]);
    }
}

static void look(struct judging *judging)
{
    const struct steer_set *set = judging->ask->view->steer;
    struct flowing flowing = {.judging = judging};
    begin(&flowing);
    for (uint32_t i = 0; i < steer_set_count(set); i++) {
        const struct steer_policy *policy = steer_set_get(set, i);
        for (uint16_t class_id = 0; class_id < policy->class_count; class_id++) {
            look_at_class(&flowing, policy, class_id);
        }
    }
    for (unsigned side = 0; side < SIDES; side++) {
        free(flowing.memory[side]);
        free(flowing.places[side]);
    }
    free(flowing.shares);
}

/* Policies before and after have other classes, so nobody is asked where exactly answers go: to whomever
 * serves. */
static void assume_flows(const struct judging *judging)
{
    const struct conf_topology *topology = judging->topology;
    const struct measure *before = &judging->sides[BEFORE], *after = &judging->sides[AFTER];
    size_t regions = topology->region_count;
    for (size_t i = 0; i < regions * regions; i++) {
        size_t from = i / regions, to = i % regions;
        judging->flows[i] =
            after->regions[to] > 0 && measure_is_less(after->regions[from], before->regions[from]);
    }
    for (size_t i = 0; i < topology->replication_count; i++) {
        const struct conf_replication *pair = &topology->replications[i];
        judging->flows[regions * regions + i] =
            pair->of_azs && after->azs[pair->to] > 0 &&
            measure_is_less(after->azs[pair->from], before->azs[pair->from]);
    }
}

static void find(struct judging *judging)
{
    size_t count = judging->topology->region_count * judging->topology->region_count +
                   judging->topology->replication_count;
    if (!judging->has_flows) {
        judging->flows = arena_alloc(judging->arena, count * sizeof *judging->flows);
        memset(judging->flows, 0, count * sizeof *judging->flows);
        if (judging->next != NULL) {
            assume_flows(judging);
        } else {
            look(judging);
        }
        judging->has_flows = true;
    }
}

bool rules_flow_between(struct judging *judging, uint32_t from, uint32_t to)
{
    find(judging);
    return judging->flows[from * judging->topology->region_count + to];
}

bool rules_flow_along(struct judging *judging, uint32_t pair)
{
    const struct conf_replication *what = &judging->topology->replications[pair];
    size_t regions = judging->topology->region_count;
    find(judging);
    return what->of_azs ? judging->flows[regions * regions + pair]
                        : rules_flow_between(judging, what->from, what->to);
}
