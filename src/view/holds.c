/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Safety rules as the health machine sees them (health/guard.h): those that count regions it judges itself,
 * of the others it is told what they forbid. A region without endpoints never serves and is never lost, so it
 * is not counted. */
#include "config.h"

#include "view/view.h"

#include "base/memory.h"
#include "view/compile_internal.h"

#include <stdlib.h>

_Static_assert((int)CONF_RULES_MAX <= (int)HEALTH_GUARDS_MAX, "each rule may hold something");

/* What each region has, of all that rules count; 0: it has no endpoints. */
static uint64_t *sum_capacities(const struct conf_topology *topology, uint64_t *endpoints)
{
    const struct conf_rules *rules = &topology->rules;
    uint64_t *sums = memory_alloc_array(topology->region_count, sizeof *sums);
    for (size_t az = 0; az < topology->az_count; az++) {
        uint32_t region = topology->azs[az].region;
        endpoints[region] += rules->az_first[az + 1] - rules->az_first[az];
        for (uint32_t i = rules->az_first[az]; i < rules->az_first[az + 1]; i++) {
            sums[region] += rules->capacities[i];
        }
    }
    return sums;
}

struct filling {
    const struct conf_topology *topology;
    uint64_t *endpoints, *capacities; /* by region */
    struct compile_holds *guards;
};

static bool is_target(const struct conf_rule *rule, uint32_t region)
{
    for (size_t i = 0; i < rule->target_count; i++) {
        if (rule->targets[i]->index == region) {
            return true;
        }
    }
    return rule->target_count == 0;
}

static void count_regions(const struct filling *filling, const struct conf_rule *rule,
                          struct health_guard_plan *plan)
{
    size_t all = filling->topology->region_count;
    uint32_t *regions = memory_alloc_array(all, sizeof *regions);
    double *weights = memory_alloc_array(all, sizeof *weights);
    for (uint32_t i = 0; i < all; i++) {
        bool weighs = rule->type == CONF_RULE_CAPACITY ? filling->capacities[i] != 0
                                                       : filling->endpoints[i] != 0 && is_target(rule, i);
        if (weighs) {
            weights[plan->region_count] =
                rule->type == CONF_RULE_CAPACITY ? (double)filling->capacities[i] : 1;
            regions[plan->region_count++] = i;
        }
    }
    plan->regions = regions;
    plan->weights = weights;
}

static double find_limit(const struct conf_topology *topology, const struct conf_rule *rule, size_t count)
{
    double limit = rule->type == CONF_RULE_SERVING ? (double)count - rule->count
                   : rule->type == CONF_RULE_LOST  ? rule->count
                   : rule->type == CONF_RULE_NOT_ALL_OF
                       ? (double)count - 1
                       : (1 - rule->share) * (double)topology->rules.capacity;
    return limit < 0 ? 0 : limit;
}

static bool is_counting(const struct conf_rule *rule)
{
    return rule->type == CONF_RULE_SERVING || rule->type == CONF_RULE_LOST ||
           rule->type == CONF_RULE_NOT_ALL_OF || rule->type == CONF_RULE_CAPACITY;
}

/* The machine looks at those of regions itself: what is forbidden follows a lag at once. */
static void list_lags(const struct conf_topology *topology, const struct conf_rule *rule,
                      struct health_guard_plan *plan)
{
    uint32_t *lags = memory_alloc_array(rule->pair_count, sizeof *lags);
    for (size_t i = 0; i < rule->pair_count; i++) {
        if (!topology->replications[rule->pairs[i]].of_azs) {
            lags[plan->lag_count++] = rule->pairs[i];
        }
    }
    plan->lags = lags;
    plan->any_stage = rule->any_stage;
    plan->only_copies = rule->only_copies;
}

static void add_rule(const struct filling *filling, const struct conf_rule *rule)
{
    struct health_guard_plan *plan = &filling->guards->rules[filling->guards->plan.rule_count++];
    *plan = (struct health_guard_plan){.name = rule->name};
    if (is_counting(rule)) {
        count_regions(filling, rule, plan);
        plan->limit = find_limit(filling->topology, rule, plan->region_count);
        plan->counts_ordered = rule->type != CONF_RULE_LOST;
    } else if (rule->type == CONF_RULE_LAG) {
        list_lags(filling->topology, rule, plan);
    } else if (rule->type == CONF_RULE_WAIT) {
        plan->wait_ms = rule->wait_ms;
    }
}

/* From which only copies take over, whatever else there is: all ways may be forbidden. */
static bool *find_strict(const struct conf_topology *topology)
{
    bool *are_strict = memory_alloc_array(topology->region_count, sizeof *are_strict);
    for (size_t i = 0; i < topology->rules.count; i++) {
        const struct conf_rule *rule = &topology->rules.items[i];
        for (size_t j = 0; rule->automatic && rule->only_copies && j < rule->pair_count; j++) {
            const struct conf_replication *pair = &topology->replications[rule->pairs[j]];
            if (!pair->of_azs) {
                are_strict[pair->from] = true;
            }
        }
    }
    return are_strict;
}

static void add_ways(const struct conf_topology *topology, struct compile_holds *guards)
{
    uint32_t regions = (uint32_t)topology->region_count;
    bool *are_strict = find_strict(topology);
    size_t room = topology->replication_count;
    for (uint32_t from = 0; from < regions; from++) {
        room += are_strict[from] ? regions : 0;
    }
    guards->ways = memory_alloc_array(room, sizeof *guards->ways);
    guards->plan.ways = guards->ways;
    for (uint32_t from = 0; from < regions; from++) {
        for (uint32_t to = 0; are_strict[from] && to < regions; to++) {
            if (to != from) {
                guards->ways[guards->plan.way_count++] = (struct health_way){from, to};
            }
        }
    }
    for (size_t i = 0; i < topology->replication_count; i++) {
        const struct conf_replication *pair = &topology->replications[i];
        if (!pair->of_azs && !are_strict[pair->from]) {
            guards->ways[guards->plan.way_count++] = (struct health_way){pair->from, pair->to};
        }
    }
    free(are_strict);
}

void compile_holds(const struct conf_topology *topology, struct compile_holds *guards)
{
    *guards = (struct compile_holds){.rules = NULL};
    if (topology->rules.count == 0) {
        return;
    }
    uint64_t *endpoints = memory_alloc_array(topology->region_count, sizeof *endpoints);
    const struct filling filling = {.topology = topology,
                                    .endpoints = endpoints,
                                    .capacities = sum_capacities(topology, endpoints),
                                    .guards = guards};
    guards->rules = memory_alloc_array(topology->rules.count, sizeof *guards->rules);
    guards->plan = (struct health_guards_plan){.rules = guards->rules};
    for (size_t i = 0; i < topology->rules.count; i++) {
        if (topology->rules.items[i].automatic) {
            add_rule(&filling, &topology->rules.items[i]);
        }
    }
    add_ways(topology, guards);
    free(filling.capacities);
    free(endpoints);
}

void compile_free_holds(struct compile_holds *guards)
{
    for (size_t i = 0; i < guards->plan.rule_count; i++) {
        free((void *)(uintptr_t)guards->rules[i].regions);
        free((void *)(uintptr_t)guards->rules[i].weights);
        free((void *)(uintptr_t)guards->rules[i].lags);
    }
    free(guards->rules);
    free(guards->ways);
}
