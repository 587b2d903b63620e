/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See own.h. Capacity is what plans of switchovers take it for (operate/objectives.h): of endpoints that say
 * theirs, else their number; the least that is left at any time counts. */
#include "config.h"

#include "drill/own.h"

#include "base/memory.h"
#include "base/words.h"
#include "drill/objectives.h"
#include "drill/reasons.h"

#include <stdlib.h>
#include <string.h>

/* ---- capacity ---- */

/* Of some endpoints: by number, too, for where none has a capacity. */
struct sums {
    double all, left, count, count_left;
};

struct moment {
    const struct view *view;
    double *lost; /* by endpoint: the part that it cannot do */
    int64_t at_ms;
};

struct least {
    double share; /* 1: nothing is missing */
    int64_t at_ms;
};

static void add_endpoint(const struct moment *moment, uint32_t index, struct sums *sums)
{
    double capacity = moment->view->topology->endpoints[index].capacity, left = 1 - moment->lost[index];
    sums->all += capacity;
    sums->left += capacity * left;
    sums->count++;
    sums->count_left += left;
}

static void note(const struct moment *moment, double left, double all, struct least *least)
{
    if (all > 0 && left / all < least->share) {
        *least = (struct least){left / all, moment->at_ms};
    }
}

static void look_at_all(const struct moment *moment, struct least *least)
{
    struct sums sums = {.all = 0};
    for (uint32_t i = 0; i < moment->view->topology->endpoint_count; i++) {
        add_endpoint(moment, i, &sums);
    }
    note(moment, sums.all != 0 ? sums.left : sums.count_left, sums.all != 0 ? sums.all : sums.count, least);
}

/* What is there where it goes, beside all that was there where it comes from; while anything is lost there.
 */
static void look_at_pair(const struct moment *moment, const struct conf_objective *pair, struct least *least)
{
    const struct conf_topology *topology = moment->view->topology;
    struct sums from = {.all = 0}, to = {.all = 0};
    for (uint32_t i = 0; i < topology->endpoint_count; i++) {
        uint32_t region = topology->endpoints[i].region;
        if (region == pair->from || region == pair->to) {
            add_endpoint(moment, i, region == pair->from ? &from : &to);
        }
    }
    bool by_number = from.all == 0 || to.all == 0;
    if (from.count_left < from.count - 1e-9) {
        note(moment, by_number ? to.count_left : to.left, by_number ? from.count : from.all, least);
    }
}

static void look_at_policy(const struct moment *moment, uint32_t number, struct least *least)
{
    const struct steer_policy *policy = steer_set_get(moment->view->steer, number);
    struct sums sums = {.all = 0};
    for (size_t i = 0; i < policy->member_count; i++) {
        add_endpoint(moment, policy->members[i].endpoint, &sums);
    }
    note(moment, sums.all != 0 ? sums.left : sums.count_left, sums.all != 0 ? sums.all : sums.count, least);
}

struct capacities {
    struct least all;
    struct least *pairs;    /* by objective */
    struct least *policies; /* by policy; share above 1: no name with it has an objective */
    size_t pair_count, policy_count;
};

static const double not_asked = 2;

static void look(const struct moment *moment, struct capacities *to)
{
    look_at_all(moment, &to->all);
    for (size_t i = 0; i < to->pair_count; i++) {
        look_at_pair(moment, &moment->view->topology->objectives[i], &to->pairs[i]);
    }
    for (size_t i = 0; i < to->policy_count; i++) {
        if (to->policies[i].share < not_asked) {
            look_at_policy(moment, (uint32_t)i, &to->policies[i]);
        }
    }
}

static double capacity_of(const struct conf_topology *topology, const struct view_name *name)
{
    const struct conf_objective *own = conf_find_objective(topology, name->owner);
    return own == NULL ? 0 : own->capacity;
}

static void open_capacities(const struct view *view, struct capacities *to)
{
    const struct conf_topology *topology = view->topology;
    to->all = (struct least){1, 0};
    to->pair_count = topology->objective_count - topology->objective_name_count;
    to->policy_count = topology->objective_name_count == 0 ? 0 : steer_set_count(view->steer);
    to->pairs = memory_alloc_array(to->pair_count, sizeof *to->pairs);
    to->policies = memory_alloc_array(to->policy_count, sizeof *to->policies);
    for (size_t i = 0; i < to->pair_count; i++) {
        to->pairs[i].share = 1e9; /* it may be more than there was at the other place */
    }
    for (size_t i = 0; i < to->policy_count; i++) {
        to->policies[i].share = not_asked;
    }
    for (size_t i = 0; i < view->name_count && to->policy_count != 0; i++) {
        if (capacity_of(topology, &view->names[i]) > 0) {
            to->policies[view->names[i].policy].share = 1;
        }
    }
}

static void find_capacities(const struct view *view, const struct drill_causes *causes, int64_t duration_ms,
                            struct capacities *to)
{
    size_t endpoints = view->topology->endpoint_count;
    struct moment moment = {view, memory_alloc_array(endpoints, sizeof *moment.lost), 0};
    for (size_t turns = 0; moment.at_ms <= duration_ms && turns <= DRILL_TURNS_MAX; turns++) {
        for (uint32_t i = 0; i < endpoints; i++) {
            moment.lost[i] = drill_causes_lose(causes, i, moment.at_ms);
        }
        look(&moment, to);
        moment.at_ms = drill_causes_next(causes, moment.at_ms + 1);
    }
    free(moment.lost);
}

static bool is_short(const struct least *least, double wanted)
{
    return wanted > 0 && least->share < wanted - 1e-9;
}

static void tell_capacities(const struct view *view, const struct capacities *found, struct arena *arena,
                            struct drill_report *report)
{
    char at[DRILL_SECONDS_SIZE];
    const struct conf_topology *topology = view->topology;
    if (is_short(&found->all, topology->objective.capacity)) {
        drill_add_miss(report, arena,
                       arena_print(arena,
                                   "%.1f %% of the capacity of all is left at %s, the objective is %g %%",
                                   100 * found->all.share, drill_write_seconds(found->all.at_ms, at),
                                   100 * topology->objective.capacity));
    }
    for (size_t i = 0; i < found->pair_count; i++) {
        const struct conf_objective *pair = &topology->objectives[i];
        if (is_short(&found->pairs[i], pair->capacity)) {
            drill_add_miss(
                report, arena,
                arena_print(arena,
                            "%s has %.1f %% of the capacity of %s at %s, the objective of the pair is %g %%",
                            topology->regions[pair->to].name, 100 * found->pairs[i].share,
                            topology->regions[pair->from].name,
                            drill_write_seconds(found->pairs[i].at_ms, at), 100 * pair->capacity));
        }
    }
}

/* The first name tells the figures. */
static void tell_names(const struct view *view, const struct capacities *found, struct arena *arena,
                       struct drill_report *report)
{
    char at[DRILL_SECONDS_SIZE];
    size_t count = 0;
    const struct view_name *first = NULL;
    for (size_t i = 0; i < view->name_count && found->policy_count != 0; i++) {
        const struct view_name *name = &view->names[i];
        if (is_short(&found->policies[name->policy], capacity_of(view->topology, name))) {
            first = count++ == 0 ? name : first;
        }
    }
    if (first != NULL) {
        const struct least *least = &found->policies[first->policy];
        drill_add_miss(report, arena,
                       arena_print(arena,
                                   "%zu name%s less capacity left than the objective of the name: %s %.1f %% "
                                   "at %s, of %g %%",
                                   count, count == 1 ? " has" : "s have", first->owner, 100 * least->share,
                                   drill_write_seconds(least->at_ms, at),
                                   100 * capacity_of(view->topology, first)));
    }
}

static bool has_capacities(const struct conf_topology *topology)
{
    bool has = topology->objective.capacity > 0;
    for (size_t i = 0; i < topology->objective_count; i++) {
        has = has || topology->objectives[i].capacity > 0;
    }
    return has;
}

static void judge_capacities(const struct view *view, const struct drill_causes *causes, struct arena *arena,
                             struct drill_report *report)
{
    struct capacities found = {.pair_count = 0};
    if (!has_capacities(view->topology)) {
        return;
    }
    open_capacities(view, &found);
    find_capacities(view, causes, report->duration_ms, &found);
    tell_capacities(view, &found, arena, report);
    tell_names(view, &found, arena, report);
    free(found.pairs);
    free(found.policies);
}

/* ---- data ---- */

/* Does it leave the region of the copy that is lost for that of the other one? */
static bool needs(const struct drill_name *name, const struct drill_copy *copy)
{
    bool leaves = false, comes = false;
    for (size_t i = 0; i < name->share_count && name->changes; i++) {
        const struct drill_share *own = &name->shares[i];
        leaves =
            leaves || (own->region != NULL && strcmp(own->region, copy->from_region) == 0 && own->before > 0);
        comes = comes || (own->region != NULL && strcmp(own->region, copy->to_region) == 0 && own->after > 0);
    }
    return leaves && comes;
}

/* Of the first answer that needs this copy and may not lose so much. */
static void judge_names(const struct view *view, const struct drill_copy *copy, struct arena *arena,
                        struct drill_report *report)
{
    char lag[DRILL_SECONDS_SIZE], rpo[DRILL_SECONDS_SIZE];
    uint32_t last = UINT32_MAX;
    size_t count = 0;
    const struct conf_objective *first = NULL;
    for (size_t i = 0; i < report->changed_count; i++) { /* these come first */
        const struct drill_name *name = &report->names[i];
        const struct conf_objective *own =
            name->owner == last ? NULL : conf_find_objective(view->topology, name->name);
        if (own != NULL && own->rpo_ms != 0 && copy->lag_ms > own->rpo_ms && needs(name, copy)) {
            first = count++ == 0 ? own : first;
            last = name->owner;
        }
    }
    if (first != NULL) {
        drill_add_miss(
            report, arena,
            arena_print(arena,
                        "the copy from %s to %s is %s behind when %s is lost, %zu name%s by it miss%s "
                        "the RPO of the name: %s, %s",
                        copy->from, copy->to, drill_write_seconds(copy->lag_ms, lag), copy->lost, count,
                        words_plural(count), count == 1 ? "es" : "", first->name,
                        drill_write_seconds(first->rpo_ms, rpo)));
    }
}

/* What nobody knows is a miss of a document's RPO only: a drill from healthy seldom says how far copies are.
 */
static void judge_copies(const struct view *view, bool is_judged, struct arena *arena,
                         struct drill_report *report)
{
    char lag[DRILL_SECONDS_SIZE], rpo[DRILL_SECONDS_SIZE];
    for (size_t i = 0; i < report->copy_count; i++) {
        const struct drill_copy *copy = &report->copies[i];
        if (!is_judged && copy->rpo_ms != 0 && copy->lag_ms > copy->rpo_ms) {
            drill_add_miss(
                report, arena,
                arena_print(arena, "the copy from %s to %s is %s behind when %s is lost, the RPO of %s is %s",
                            copy->from, copy->to, drill_write_seconds(copy->lag_ms, lag), copy->lost,
                            copy->rpo_ms == view->topology->rpo_ms ? "all" : "the copy",
                            drill_write_seconds(copy->rpo_ms, rpo)));
        }
        if (view->topology->objective_name_count != 0) {
            judge_names(view, copy, arena, report);
        }
    }
}

void drill_judge_topology(const struct view *view, const struct drill_causes *causes,
                          const struct drill_objectives *objectives, struct arena *arena,
                          struct drill_report *report)
{
    judge_capacities(view, causes, arena, report);
    judge_copies(view, objectives != NULL && objectives->rpo_ms != 0, arena, report);
}
