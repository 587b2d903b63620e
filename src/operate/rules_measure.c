/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rules_measure.h. One walk over four octets per endpoint and its word, az by az; where somebody is
 * drained for some names one over the members of all policies besides. */
#include "config.h"

#include "operate/rules_measure.h"

#include "base/memory.h"
#include "operate/whatif.h"

#include <stdlib.h>
#include <string.h>

enum { WHOLE = HEALTH_RAMP_WHOLE };
/* A name that nobody asks for lately weighs that much: among such names all are alike. */
#define LEAST 1e-9

/* ---- traffic of names ---- */

double measure_weigh_name(const struct operate_rates *rates, size_t index)
{
    return rates == NULL ? 1 : rates->names[index] + LEAST;
}

double *measure_weigh_policies(const struct view *view, const struct operate_rates *rates)
{
    double *weights = memory_alloc_array(steer_set_count(view->steer), sizeof *weights);
    for (size_t i = 0; i < view->name_count; i++) {
        weights[view->names[i].policy] += measure_weigh_name(rates, i);
    }
    return weights;
}

void measure_init(struct measure *measure, const struct view *view, const double *weights)
{
    const struct conf_topology *topology = view->topology;
    *measure = (struct measure){
        .regions = memory_alloc_array(topology->region_count, sizeof *measure->regions),
        .azs = memory_alloc_array(topology->az_count, sizeof *measure->azs),
        .view = view,
        .weights = weights,
    };
    if (weights != NULL) {
        measure->shares = memory_alloc_array(
            topology->endpoint_count + topology->az_count + topology->region_count, sizeof *measure->shares);
    }
}

void measure_fini(struct measure *measure)
{
    free(measure->regions);
    free(measure->azs);
    free(measure->shares);
    free(measure->endpoints);
    free(measure->groups);
}

/* ---- one endpoint ---- */

/* Percent of what it would be given by names of a group; as answers find it (steer/tier.c). */
static unsigned find_left(const uint32_t words[3], bool *serves)
{
    enum health_state state = health_combine(words[0], words[1], words[2]).state;
    *serves = health_state_serves(state);
    return *serves ? WHOLE - health_find_withheld(words, HEALTH_ANY, state) : 0;
}

/* ---- drains for some names ---- */

static void add_member(struct measure *measure, const struct steer_policy *policy, size_t member,
                       double weight)
{
    const struct conf_topology *topology = measure->view->topology;
    const struct steer_place *place = steer_get_place(policy, member);
    const uint32_t at[] = {policy->members[member].endpoint, place->az, place->region};
    const size_t first[] = {0, topology->endpoint_count, topology->endpoint_count + topology->az_count};
    double use = measure->uses == NULL ? 1 : measure->uses[measure->first_use[policy->id] + member];
    uint32_t words[3], others[3];
    bool serves, would;
    (void)health_table_load_within(measure->table, at, HEALTH_ANY, policy->group, words);
    (void)health_table_load_within(measure->table, at, HEALTH_ANY, 0, others);
    double left = use * find_left(words, &serves);
    (void)find_left(others, &would);
    would &= use > 0;
    measure->shares[at[0]].is_member = true;
    measure->shares[at[0]].left += weight * left / WHOLE;
    measure->shares[at[0]].all += would ? weight : 0;
    for (int kind = HEALTH_AZ; kind <= HEALTH_REGION; kind++) {
        struct measure_share *share = &measure->shares[first[kind] + at[kind]];
        share->policy_left = left > share->policy_left ? left : share->policy_left;
        share->policy_all |= would;
        share->is_member = true;
    }
}

/* Azs and regions have what one of their members has. */
static void end_policy(struct measure *measure, const struct steer_policy *policy, double weight)
{
    const struct conf_topology *topology = measure->view->topology;
    for (size_t m = 0; m < policy->member_count; m++) {
        const struct steer_place *place = steer_get_place(policy, m);
        struct measure_share *const both[] = {
            &measure->shares[topology->endpoint_count + place->az],
            &measure->shares[topology->endpoint_count + topology->az_count + place->region]};
        for (int i = 0; i < 2; i++) { /* each once: it is empty then */
            both[i]->left += weight * both[i]->policy_left / WHOLE;
            both[i]->all += both[i]->policy_all ? weight : 0;
            both[i]->policy_left = 0;
            both[i]->policy_all = false;
        }
    }
}

void measure_take_names(struct measure *measure, const struct health_table *table)
{
    measure->table = table;
    const struct conf_topology *topology = measure->view->topology;
    const struct steer_set *set = measure->view->steer;
    memset(measure->shares, 0,
           (topology->endpoint_count + topology->az_count + topology->region_count) *
               sizeof *measure->shares);
    for (uint32_t i = 0; i < steer_set_count(set); i++) {
        const struct steer_policy *policy = steer_set_get(set, i);
        for (size_t m = 0; measure->weights[i] > 0 && m < policy->member_count; m++) {
            add_member(measure, policy, m, measure->weights[i]);
        }
        if (measure->weights[i] > 0) {
            end_policy(measure, policy, measure->weights[i]);
        }
    }
}

double measure_share_of(const struct measure *measure, size_t number, double otherwise)
{
    const struct measure_share *share = measure->shares == NULL ? NULL : &measure->shares[number];
    bool is_idle = share != NULL && measure->uses != NULL && share->is_member;
    return share == NULL || share->all <= 0 ? (is_idle ? 0 : otherwise) : share->left / share->all;
}

/* ---- all of it ---- */

static double load_left(const struct measure *measure, uint32_t index, bool *is_by_names)
{
    const struct conf_endpoint *conf = &measure->view->topology->endpoints[index];
    const uint32_t at[] = {index, conf->az, conf->region};
    uint32_t words[3];
    bool serves, is_scoped = health_table_load_within(measure->table, at, HEALTH_ANY, 0, words);
    double left = (double)find_left(words, &serves) / WHOLE;
    *is_by_names = serves && (is_scoped || measure->uses != NULL);
    return left;
}

double measure_words(const struct measure *measure, uint32_t index)
{
    bool is_by_names;
    return load_left(measure, index, &is_by_names);
}

double measure_endpoint(const struct measure *measure, uint32_t index)
{
    bool is_by_names;
    if (measure->endpoints != NULL) {
        return measure->endpoints[index];
    }
    double left = load_left(measure, index, &is_by_names);
    return is_by_names ? measure_share_of(measure, index, left) : left;
}

/* Returns what is left of the az. */
static double take_az(struct measure *measure, uint32_t az)
{
    const struct conf_topology *topology = measure->view->topology;
    const struct conf_rules *rules = &topology->rules;
    double best = 0;
    for (uint32_t i = rules->az_first[az]; i < rules->az_first[az + 1]; i++) {
        double left = measure_endpoint(measure, rules->by_az[i]);
        best = left > best ? left : best;
        measure->capacity += left * rules->capacities[i];
    }
    return best;
}

static bool is_scoped(const struct measure *measure, uint32_t az)
{
    const struct conf_topology *topology = measure->view->topology;
    const struct conf_rules *rules = &topology->rules;
    bool any = measure->uses != NULL;
    for (uint32_t i = rules->az_first[az]; i < rules->az_first[az + 1] && !any; i++) {
        uint32_t words[3], at[] = {rules->by_az[i], az, topology->azs[az].region};
        any = health_table_load_within(measure->table, at, HEALTH_ANY, 0, words);
    }
    return any;
}

void measure_take(struct measure *measure, const struct health_table *table)
{
    const struct conf_topology *topology = measure->view->topology;
    measure->table = table;
    measure->capacity = 0;
    memset(measure->regions, 0, topology->region_count * sizeof *measure->regions);
    if (measure->shares != NULL) {
        measure_take_names(measure, table);
    }
    for (uint32_t az = 0; az < topology->az_count; az++) {
        double left = take_az(measure, az), *region = &measure->regions[topology->azs[az].region];
        bool by_names = measure->shares != NULL && left > 0 && is_scoped(measure, az);
        measure->azs[az] = by_names ? measure_share_of(measure, topology->endpoint_count + az, left) : left;
        *region = left > *region ? left : *region;
    }
    for (uint32_t az = 0; measure->shares != NULL && az < topology->az_count; az++) {
        uint32_t region = topology->azs[az].region;
        if (measure->regions[region] > 0 && is_scoped(measure, az)) {
            measure->regions[region] = measure_share_of(
                measure, topology->endpoint_count + topology->az_count + region, measure->regions[region]);
        }
    }
}

double measure_place(const struct measure *measure, const struct conf_place *place)
{
    switch (place->kind) {
    case CONF_REGION: return measure->regions[place->index];
    case CONF_AZ: return measure->azs[place->index];
    case CONF_ENDPOINT: return measure_endpoint(measure, place->index);
    default: break;
    }
    if (measure->groups != NULL) {
        return measure->groups[place->index];
    }
    const struct conf_group *group = &measure->view->topology->groups[place->index];
    double best = 0;
    for (size_t i = 0; i < group->endpoint_count; i++) {
        double left = measure_endpoint(measure, group->endpoints[i]);
        best = left > best ? left : best;
    }
    return best;
}
