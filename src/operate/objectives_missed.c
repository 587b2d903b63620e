/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See objectives.h: the first objective that an order would miss. */
#include "config.h"

#include "operate/objectives.h"

#include "base/words.h"

#include <string.h>

/* ---- capacity ---- */

/* Of some endpoints: by number, too, for where none has a capacity. */
struct sums {
    double all, left, count, count_left;
};

static void add_endpoint(const struct objectives_order *order, uint32_t index, struct sums *sums)
{
    const struct view *view = order->view;
    const struct conf_endpoint *endpoint = &view->topology->endpoints[index];
    enum health_state state =
        health_table_effective(view->table, index, endpoint->az, endpoint->region, HEALTH_ANY).state;
    bool is_left = !order->inside[index] && health_state_serves(state);
    sums->all += endpoint->capacity;
    sums->left += is_left ? endpoint->capacity : 0;
    sums->count++;
    sums->count_left += is_left;
}

/* The part of it that is left, 0..1; -1: there is none. */
static double find_left(const struct sums *sums)
{
    return sums->all != 0 ? sums->left / sums->all : sums->count != 0 ? sums->count_left / sums->count : -1;
}

static bool is_short(double left, double wanted)
{
    return left >= 0 && left < wanted - 1e-9;
}

static const char *judge_capacity(const struct objectives_order *order, struct arena *arena)
{
    const struct conf_topology *topology = order->view->topology;
    struct sums sums = {.all = 0};
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        add_endpoint(order, i, &sums);
    }
    double left = find_left(&sums);
    return !is_short(left, topology->objective.capacity)
               ? NULL
               : arena_print(arena, "%.1f %% of the capacity would be left, expected at least %g %%",
                             100 * left, 100 * topology->objective.capacity);
}

/* What serves where it goes, beside all that there is where it comes from. */
static const char *judge_pair_capacity(const struct objectives_order *order,
                                       const struct conf_objective *pair, struct arena *arena)
{
    const struct conf_topology *topology = order->view->topology;
    struct sums from = {.all = 0}, to = {.all = 0};
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        uint32_t region = topology->endpoints[i].region;
        if (region == pair->from || region == pair->to) {
            add_endpoint(order, i, region == pair->from ? &from : &to);
        }
    }
    bool by_number = from.all == 0 || to.all == 0;
    double whole = by_number ? from.count : from.all, there = by_number ? to.count_left : to.left;
    double share = whole == 0 ? -1 : there / whole;
    return !is_short(share, pair->capacity)
               ? NULL
               : arena_print(arena, "%s has %.1f %% of the capacity of %s, expected at least %g %%",
                             topology->regions[pair->to].name, 100 * share,
                             topology->regions[pair->from].name, 100 * pair->capacity);
}

static double find_left_of(const struct objectives_order *order, uint32_t number)
{
    const struct steer_policy *policy = steer_set_get(order->view->steer, number);
    struct sums sums = {.all = 0};
    for (size_t i = 0; i < policy->member_count; i++) {
        add_endpoint(order, policy->members[i].endpoint, &sums);
    }
    return find_left(&sums);
}

/* ---- copies ---- */

static double in_ms(const struct health_lag_status *lag)
{
    return lag->unit == HEALTH_LAG_SECONDS ? lag->value * 1000 : lag->value;
}

/* A copy that is not known to be as near as that. */
static const struct health_lag_status *find_behind(const struct objectives_order *order, uint32_t rpo_ms)
{
    for (size_t i = 0; i < order->copy_count; i++) {
        const struct health_lag_status *copy = &order->copies[i];
        if (!copy->is_known || copy->unit == HEALTH_LAG_BYTES || in_ms(copy) > rpo_ms) {
            return copy;
        }
    }
    return NULL;
}

static bool has_copy(const struct objectives_order *order, const struct conf_objective *pair)
{
    const struct conf_topology *topology = order->view->topology;
    for (size_t i = 0; i < topology->replication_count; i++) {
        const struct conf_replication *copy = &topology->replications[i];
        if (!copy->of_azs && copy->from == pair->from && copy->to == pair->to) {
            return true;
        }
    }
    return false;
}

/* ---- pairs ---- */

static bool forbids(const struct conf_topology *topology, const char *from, const char *to)
{
    bool forbids = !topology->objective.may_move;
    for (size_t i = 0; i < topology->objective_count && to != NULL; i++) {
        if (objectives_is_pair(topology, i, from, to)) {
            forbids = !topology->objectives[i].may_move;
        }
    }
    return forbids;
}

/* How near a copy is its own RPO says, by which the plan judges the copying. */
static const char *judge_pair(const struct objectives_order *order, const struct conf_objective *pair,
                              struct arena *arena)
{
    const struct conf_topology *topology = order->view->topology;
    if (pair->rpo_ms != 0 && !has_copy(order, pair)) {
        return arena_print(
            arena, "no copy from %s to %s is declared (replicates_to in the topology), the RPO is %g s",
            topology->regions[pair->from].name, topology->regions[pair->to].name, pair->rpo_ms / 1000.0);
    }
    return judge_pair_capacity(order, pair, arena);
}

static const char *judge_from(const struct objectives_order *order, const char *from, struct arena *arena)
{
    const struct conf_topology *topology = order->view->topology;
    const struct conf_objective *pair;
    uint32_t rto_ms = objectives_find_rto(topology, from, order->to, &pair);
    if (forbids(topology, from, order->to)) {
        return arena_print(arena, "\"may_move\" is false for it");
    }
    if (rto_ms != 0 && (int64_t)order->ttl_s * 1000 > rto_ms) {
        const char *of = pair == NULL ? ""
                                      : arena_print(arena, " of the pair %s to %s", from,
                                                    topology->regions[pair->to].name);
        return arena_print(arena, "resolvers take up to %u s to follow, the RTO%s is %g s", order->ttl_s, of,
                           rto_ms / 1000.0);
    }
    for (size_t i = 0; i < topology->objective_count && order->to != NULL; i++) {
        const char *missed = objectives_is_pair(topology, i, from, order->to)
                                 ? judge_pair(order, &topology->objectives[i], arena)
                                 : NULL;
        if (missed != NULL) {
            return missed;
        }
    }
    return NULL;
}

/* ---- names ---- */

/* Those with an objective that counts there, and the first one. */
struct tally {
    size_t count;
    const char *first;
};

static void tally_name(struct tally *tally, bool counts, const char *name)
{
    tally->first = counts && tally->count == 0 ? name : tally->first;
    tally->count += counts;
}

static const char *judge_names(const struct objectives_order *order, struct arena *arena)
{
    const struct view *view = order->view;
    struct objectives_names names;
    struct tally scarce = {.count = 0}, behind = {.count = 0};
    objectives_count(view, order->touched, 0, &names);
    for (size_t i = 0; i < view->name_count && names.with != 0; i++) {
        const struct view_name *name = &view->names[i];
        const struct conf_objective *own =
            order->touched[name->policy] ? conf_find_objective(view->topology, name->owner) : NULL;
        if (own != NULL) {
            tally_name(&scarce,
                       own->capacity > 0 && is_short(find_left_of(order, name->policy), own->capacity),
                       name->owner);
            tally_name(&behind, own->rpo_ms != 0 && find_behind(order, own->rpo_ms) != NULL, name->owner);
        }
    }
    return names.fixed != 0  ? arena_print(arena, "%zu name%s may not be moved (%s)", names.fixed,
                                           words_plural(names.fixed), names.first_fixed)
           : names.late != 0 ? arena_print(arena, "TTLs of %zu name%s are above their own RTO (%s)",
                                           names.late, words_plural(names.late), names.worst)
           : scarce.count != 0
               ? arena_print(arena, "%zu name%s would have less capacity left than their own objective (%s)",
                             scarce.count, words_plural(scarce.count), scarce.first)
           : behind.count != 0
               ? arena_print(arena, "copies are not known to be within the RPO of %zu name%s (%s)",
                             behind.count, words_plural(behind.count), behind.first)
               : NULL;
}

const char *objectives_find_missed(const struct objectives_order *order, struct arena *arena)
{
    for (size_t i = 0; i < order->from_count; i++) {
        const char *missed = judge_from(order, order->froms[i], arena);
        if (missed != NULL) {
            return missed;
        }
    }
    const char *missed = judge_names(order, arena);
    return missed != NULL ? missed : judge_capacity(order, arena);
}
