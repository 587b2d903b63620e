/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Another configuration in the place of the one that serves, as rules see it (rules_inside.h): both are
 * measured by the names that both have, each with its own policies, and what comes is told in the places of
 * what stands. A policy may be of several names, which need not have one policy afterwards; so what is used
 * of a member is found name by name, and counts as much as the name is asked for. */
#include "config.h"

#include "operate/rules_inside.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define NONE    UINT32_MAX
#define STANDBY (-1.0f) /* of a group in which nobody has a weight: they all serve */

enum { KINDS = HEALTH_REGION + 1 };

struct changing {
    struct judging *judging;
    const struct view *view[SIDES];
    const struct conf_topology *topology[SIDES];
    struct measure next; /* AFTER, in its own numbers */
    struct health_table *table;
    uint32_t *same[KINDS]; /* of each object before: the one of that name after, or NONE */
    uint32_t *was;         /* of each endpoint after: the one before, or NONE */
    double *weights[SIDES];
    size_t *first[SIDES];
    float *uses[SIDES];
    float *worth; /* of members of a policy: see weigh_policy() */
    float *known; /* of endpoints after: their worth in the policy before; 0: none */
    float *parts; /* of members of a policy after: how much of each is used */
};

/* ---- what is what ---- */

static size_t count_objects(const struct conf_topology *topology, int kind)
{
    return topology == NULL          ? 0
           : kind == HEALTH_ENDPOINT ? topology->endpoint_count
           : kind == HEALTH_AZ       ? topology->az_count
                                     : topology->region_count;
}

static ptrdiff_t find_same(const struct changing *c, int kind, size_t index)
{
    const struct conf_topology *from = c->topology[BEFORE], *to = c->topology[AFTER];
    return to == NULL                ? -1
           : kind == HEALTH_ENDPOINT ? conf_find_endpoint(to, from->endpoints[index].name)
           : kind == HEALTH_AZ       ? conf_find_az(to, from->azs[index].name)
                                     : conf_find_region(to, from->regions[index].name);
}

static void match(struct changing *c)
{
    size_t count = count_objects(c->topology[AFTER], HEALTH_ENDPOINT);
    c->was = memory_alloc_array(count + 1, sizeof *c->was);
    memset(c->was, 0xff, count * sizeof *c->was);
    for (int kind = 0; kind < KINDS; kind++) {
        size_t all = count_objects(c->topology[BEFORE], kind);
        c->same[kind] = memory_alloc_array(all + 1, sizeof **c->same);
        for (size_t i = 0; i < all; i++) {
            ptrdiff_t found = find_same(c, kind, i);
            c->same[kind][i] = found < 0 ? NONE : (uint32_t)found;
            if (found >= 0 && kind == HEALTH_ENDPOINT) {
                c->was[found] = (uint32_t)i;
            }
        }
    }
}

/* ---- states ---- */

/* Groups of names have other numbers. */
static uint64_t match_groups(const struct changing *c, uint64_t groups)
{
    const struct conf_topology *from = c->topology[BEFORE], *to = c->topology[AFTER];
    uint64_t matched = 0;
    for (size_t i = 0; i < from->name_group_count; i++) {
        for (size_t j = 0; (groups >> i & 1) != 0 && j < to->name_group_count; j++) {
            bool is_same = strcmp(from->name_groups[i].name, to->name_groups[j].name) == 0;
            matched |= is_same ? UINT64_C(1) << j : 0;
        }
    }
    return matched;
}

static void carry(const struct changing *c, int kind, _Atomic uint32_t *to, struct health_scope *to_scopes)
{
    const struct health_table *before = c->judging->tables[BEFORE];
    const _Atomic uint32_t *const words[] = {before->endpoints, before->azs, before->regions};
    const struct health_scope *const scopes[] = {before->scopes->endpoints, before->scopes->azs,
                                                 before->scopes->regions};
    for (size_t i = 0; i < count_objects(c->topology[BEFORE], kind); i++) {
        uint32_t word = atomic_load_explicit(&words[kind][i], memory_order_relaxed), at = c->same[kind][i];
        if (at == NONE) {
            continue;
        }
        atomic_store_explicit(&to[at], word, memory_order_relaxed);
        if ((word & HEALTH_WORD_SCOPED) != 0) {
            const struct health_scope *scope = &scopes[kind][i];
            uint64_t groups = atomic_load_explicit(&scope->groups, memory_order_relaxed);
            atomic_store_explicit(&to_scopes[at].groups, match_groups(c, groups), memory_order_relaxed);
            atomic_store_explicit(&to_scopes[at].wish,
                                  atomic_load_explicit(&scope->wish, memory_order_relaxed),
                                  memory_order_relaxed);
        }
    }
}

static void make_table(struct changing *c)
{
    struct health_table *table = health_copy_words(c->view[AFTER]->table);
    carry(c, HEALTH_ENDPOINT, table->endpoints, table->scopes->endpoints);
    carry(c, HEALTH_AZ, table->azs, table->scopes->azs);
    carry(c, HEALTH_REGION, table->regions, table->scopes->regions);
    health_assume_no_ramps(table);
    c->table = table;
}

/* ---- how much of members is used ---- */

struct group {
    const uint16_t *members;
    size_t count;
    double share;
};

/* Group number `at` of a tier; false: there are no more. */
static bool get_group(const struct steer_tier *tier, size_t at, struct group *group)
{
    size_t first = 0;
    if (tier->groups == NULL) {
        *group = (struct group){tier->members, tier->count, 0};
        return at == 0;
    }
    for (size_t i = 0; i < at && i < tier->group_count; i++) {
        first += tier->groups[i].count;
    }
    if (at < tier->group_count) {
        *group = (struct group){tier->members + first, tier->groups[at].count, tier->groups[at].share};
    }
    return at < tier->group_count;
}

/* As answers have it: who has a weight is drawn by that, and where nobody of a group has one, all are. */
static void weigh_tier(const struct steer_policy *policy, const struct steer_tier *tier, float *worth)
{
    struct group group;
    for (size_t i = 0; get_group(tier, i, &group); i++) {
        bool any = false;
        for (size_t m = 0; m < group.count; m++) {
            any |= policy->members[group.members[m]].weight != 0;
        }
        for (size_t m = 0; m < group.count; m++) {
            uint16_t member = group.members[m];
            double weight = policy->members[member].weight * (group.share > 0 ? group.share : 1);
            worth[member] = any ? (float)weight : STANDBY;
        }
    }
}

/* Tiers, and the pool; NULL: there are no more. Who is in none of them is a last resort. */
static const struct steer_tier *get_tier(const struct steer_class *class, size_t at)
{
    return at < class->tier_count ? &class->tiers[at] : at == class->tier_count ? class->pool : NULL;
}

/* The most of what a member has with any class; 0: it is never drawn while others serve. */
static void weigh_policy(struct changing *c, const struct steer_policy *policy, float *worth)
{
    float *now = c->parts;
    memset(worth, 0, policy->member_count * sizeof *worth);
    for (uint16_t i = 0; i < policy->class_count; i++) {
        const struct steer_tier *tier;
        for (size_t t = 0; (tier = get_tier(&policy->classes[i], t)) != NULL; t++) {
            weigh_tier(policy, tier, now);
            for (size_t m = 0; m < tier->count; m++) {
                uint16_t member = tier->members[m];
                bool is_less = now[member] == 0 || now[member] < worth[member];
                worth[member] = worth[member] != 0 && is_less ? worth[member] : now[member];
            }
        }
    }
}

/* Beside what it was; negative: nothing to compare with, so all of it is used. */
static float find_ratio(const struct changing *c, const struct steer_policy *policy, uint16_t member)
{
    float now = c->worth[member], was = c->known[policy->members[member].endpoint];
    return now == 0 ? 0 : now > 0 && was > 0 ? now / was : -1;
}

/* Of a policy after, whose names had another one before: weights are compared within a tier, beside the one
 * that grew most, as only their proportion counts. */
static void use_tier(struct changing *c, const struct steer_policy *policy, const struct steer_tier *tier)
{
    float most = 0;
    weigh_tier(policy, tier, c->worth);
    for (size_t m = 0; m < tier->count; m++) {
        float ratio = find_ratio(c, policy, tier->members[m]);
        most = ratio > most ? ratio : most;
    }
    for (size_t m = 0; m < tier->count; m++) {
        uint16_t member = tier->members[m];
        float ratio = find_ratio(c, policy, member), part = ratio < 0 ? 1 : ratio == 0 ? 0 : ratio / most;
        c->parts[member] = part > c->parts[member] ? part : c->parts[member];
    }
}

static void set_known(struct changing *c, const struct steer_policy *policy, bool clears)
{
    for (size_t m = 0; m < policy->member_count; m++) {
        uint32_t at = c->same[HEALTH_ENDPOINT][policy->members[m].endpoint];
        if (at != NONE) {
            c->known[at] = clears ? 0 : c->worth[m];
        }
    }
}

/* Names of this weight had the one policy, and get the other one. */
static void use_pair(struct changing *c, const uint32_t ids[SIDES], double weight)
{
    const struct steer_policy *before = steer_set_get(c->view[BEFORE]->steer, ids[BEFORE]),
                              *after = steer_set_get(c->view[AFTER]->steer, ids[AFTER]);
    float *uses = c->uses[AFTER] + c->first[AFTER][ids[AFTER]];
    weigh_policy(c, before, c->worth);
    for (size_t m = 0; m < before->member_count; m++) {
        c->uses[BEFORE][c->first[BEFORE][ids[BEFORE]] + m] = c->worth[m] != 0;
    }
    set_known(c, before, false);
    memset(c->parts, 0, after->member_count * sizeof *c->parts);
    for (uint16_t i = 0; i < after->class_count; i++) {
        const struct steer_tier *tier;
        for (size_t t = 0; (tier = get_tier(&after->classes[i], t)) != NULL; t++) {
            use_tier(c, after, tier);
        }
    }
    set_known(c, before, true);
    for (size_t m = 0; m < after->member_count; m++) {
        uses[m] += (float)weight * c->parts[m];
    }
    c->weights[BEFORE][ids[BEFORE]] += weight;
    c->weights[AFTER][ids[AFTER]] += weight;
}

static void make_room(struct changing *c)
{
    size_t most = 0;
    for (unsigned side = 0; side < SIDES; side++) {
        const struct steer_set *set = c->view[side]->steer;
        size_t count = steer_set_count(set), members = 0;
        c->weights[side] = memory_alloc_array(count + 1, sizeof **c->weights);
        c->first[side] = memory_alloc_array(count + 1, sizeof **c->first);
        for (uint32_t i = 0; i < count; i++) {
            size_t own = steer_set_get(set, i)->member_count;
            c->first[side][i] = members;
            members += own;
            most = own > most ? own : most;
        }
        c->uses[side] = memory_alloc_array(members + 1, sizeof **c->uses);
    }
    c->worth = memory_alloc_array(most + 1, sizeof *c->worth);
    c->parts = memory_alloc_array(most + 1, sizeof *c->parts);
    c->known = memory_alloc_array(count_objects(c->topology[AFTER], HEALTH_ENDPOINT) + 1, sizeof *c->known);
}

/* Names that both have, which are sorted; neighbours are often steered alike. */
static void use_names(struct changing *c)
{
    const struct view *before = c->view[BEFORE], *after = c->view[AFTER];
    uint32_t ids[SIDES] = {NONE, NONE};
    double weight = 0;
    for (size_t i = 0, j = 0; i < before->name_count && j < after->name_count;) {
        const struct view_name *left = &before->names[i], *right = &after->names[j];
        int order = strcmp(left->owner, right->owner);
        if (order == 0 && (left->policy != ids[BEFORE] || right->policy != ids[AFTER])) {
            if (weight > 0) {
                use_pair(c, ids, weight);
            }
            ids[BEFORE] = left->policy;
            ids[AFTER] = right->policy;
            weight = 0;
        }
        weight += order == 0 ? measure_weigh_name(c->judging->ask->rates, i) : 0;
        i += order <= 0;
        j += order >= 0;
    }
    if (weight > 0) {
        use_pair(c, ids, weight);
    }
    for (uint32_t i = 0; i < steer_set_count(after->steer); i++) {
        size_t count = steer_set_get(after->steer, i)->member_count;
        for (size_t m = 0; m < count && c->weights[AFTER][i] > 0; m++) {
            c->uses[AFTER][c->first[AFTER][i] + m] /= (float)c->weights[AFTER][i];
        }
    }
}

/* ---- what is left ---- */

/* Of a place, numbers as of shares: what names will have of it, of what they had; `otherwise` if none has it.
 */
static double find_part(const struct changing *c, size_t before, size_t after, double otherwise)
{
    double all = c->judging->sides[BEFORE].shares[before].all, left = c->next.shares[after].left;
    return all <= 0 ? measure_share_of(&c->next, after, otherwise) : left < all ? left / all : 1;
}

/* Of an endpoint after: who is new counts as far as it is used. */
static double find_next_part(const struct changing *c, uint32_t index)
{
    const struct measure_share *share = &c->next.shares[index];
    return c->was[index] != NONE ? c->judging->sides[AFTER].endpoints[c->was[index]]
           : share->all > 0      ? share->left / share->all
                                 : 0;
}

static void find_endpoints(struct changing *c)
{
    struct measure *to = &c->judging->sides[AFTER];
    size_t count = c->topology[BEFORE]->endpoint_count;
    to->endpoints = memory_alloc_array(count + 1, sizeof *to->endpoints);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = c->same[HEALTH_ENDPOINT][i];
        to->endpoints[i] = at == NONE ? 0 : find_part(c, i, at, measure_words(&c->next, at));
    }
}

/* Azs and regions. */
static void find_places(struct changing *c)
{
    struct measure *to = &c->judging->sides[AFTER];
    const struct conf_topology *before = c->topology[BEFORE], *after = c->topology[AFTER];
    double *azs = memory_alloc_array(after->az_count + 1, sizeof *azs),
           *regions = memory_alloc_array(after->region_count + 1, sizeof *regions);
    for (uint32_t i = 0; i < after->endpoint_count; i++) {
        const struct conf_endpoint *endpoint = &after->endpoints[i];
        double left = measure_words(&c->next, i);
        azs[endpoint->az] = left > azs[endpoint->az] ? left : azs[endpoint->az];
        regions[endpoint->region] = left > regions[endpoint->region] ? left : regions[endpoint->region];
    }
    for (size_t i = 0; i < before->az_count; i++) {
        uint32_t at = c->same[HEALTH_AZ][i];
        to->azs[i] =
            at == NONE ? 0 : find_part(c, before->endpoint_count + i, after->endpoint_count + at, azs[at]);
    }
    for (size_t i = 0; i < before->region_count; i++) {
        uint32_t at = c->same[HEALTH_REGION][i];
        size_t from = before->endpoint_count + before->az_count + i;
        to->regions[i] =
            at == NONE ? 0 : find_part(c, from, after->endpoint_count + after->az_count + at, regions[at]);
    }
    free(azs);
    free(regions);
}

/* With who is in it now, and who was. */
static void find_groups(struct changing *c)
{
    struct measure *to = &c->judging->sides[AFTER];
    const struct conf_topology *before = c->topology[BEFORE], *after = c->topology[AFTER];
    to->groups = memory_alloc_array(before->group_count + 1, sizeof *to->groups);
    for (size_t i = 0; i < before->group_count; i++) {
        const struct conf_group *group = &before->groups[i];
        const struct conf_place *place = conf_find_place(after, group->name);
        for (size_t m = 0; m < group->endpoint_count; m++) {
            double left = to->endpoints[group->endpoints[m]];
            to->groups[i] = left > to->groups[i] ? left : to->groups[i];
        }
        const struct conf_group *now =
            place != NULL && place->kind == CONF_GROUP ? &after->groups[place->index] : NULL;
        for (size_t m = 0; now != NULL && m < now->endpoint_count; m++) {
            double left = find_next_part(c, now->endpoints[m]);
            to->groups[i] = left > to->groups[i] ? left : to->groups[i];
        }
    }
}

/* In the units of what stands, and of that as a whole. */
static void find_capacity(struct changing *c)
{
    struct measure *to = &c->judging->sides[AFTER];
    const struct conf_topology *before = c->topology[BEFORE], *after = c->topology[AFTER];
    for (uint32_t i = 0; i < after->endpoint_count; i++) {
        uint32_t own = after->endpoints[i].capacity;
        own = own == 0 && c->was[i] != NONE ? before->endpoints[c->was[i]].capacity : own;
        to->capacity += find_next_part(c, i) * (before->rules.is_by_number ? 1 : own);
    }
}

static void measure_before(struct changing *c)
{
    struct measure *measure = &c->judging->sides[BEFORE];
    size_t count = c->topology[BEFORE]->endpoint_count;
    measure_fini(measure);
    measure_init(measure, c->view[BEFORE], c->weights[BEFORE]);
    measure->uses = c->uses[BEFORE];
    measure->first_use = c->first[BEFORE];
    measure_take(measure, c->judging->tables[BEFORE]);
    double *endpoints = memory_alloc_array(count + 1, sizeof *endpoints);
    for (uint32_t i = 0; i < count; i++) {
        endpoints[i] = measure_endpoint(measure, i);
    }
    measure->endpoints = endpoints;
}

static void measure_after(struct changing *c)
{
    make_table(c);
    measure_init(&c->next, c->view[AFTER], c->weights[AFTER]);
    c->next.uses = c->uses[AFTER];
    c->next.first_use = c->first[AFTER];
    measure_take_names(&c->next, c->table);
    find_endpoints(c);
    find_places(c);
    find_groups(c);
    find_capacity(c);
    measure_fini(&c->next);
}

static void fini(struct changing *c)
{
    for (unsigned side = 0; side < SIDES; side++) {
        c->judging->sides[side].weights = NULL; /* all that is asked for was found */
        c->judging->sides[side].uses = NULL;
        free(c->weights[side]);
        free(c->first[side]);
        free(c->uses[side]);
    }
    for (int kind = 0; kind < KINDS; kind++) {
        free(c->same[kind]);
    }
    free(c->was);
    free(c->worth);
    free(c->known);
    free(c->parts);
    free(c->table);
}

void rules_measure_change(struct judging *judging)
{
    const struct view *view[SIDES] = {judging->ask->view, judging->next};
    struct changing c = {.judging = judging,
                         .view = {view[BEFORE], view[AFTER]},
                         .topology = {view[BEFORE]->topology, view[AFTER]->topology}};
    make_room(&c);
    match(&c);
    use_names(&c);
    measure_before(&c);
    if (c.topology[AFTER] == NULL) { /* nothing is left */
        struct measure *after = &judging->sides[AFTER];
        after->endpoints =
            memory_alloc_array(c.topology[BEFORE]->endpoint_count + 1, sizeof *after->endpoints);
    } else {
        measure_after(&c);
    }
    fini(&c);
}
