/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See tier.h. Weight 0 means standby: such a member is offered only where no member with a weight serves, of
 * any type (else A and AAAA of a name could come from different places). */
#include "config.h"

#include "steer/tier.h"

#include "steer/sticky.h"

/* A share that is written with four digits means the fraction: 0.6667 of 3 is 2 (of members alike). */
#define SHARE_TOLERANCE 0.0005

/* Members of one kind: with a weight, or standbys. */
struct sums {
    uint32_t members, serving;
    double units, serving_units;
};

static uint32_t load(const _Atomic uint32_t *words, uint32_t index)
{
    return atomic_load_explicit(&words[index], memory_order_relaxed);
}

static void note_plan(struct steer_reading *reading, uint16_t index, const uint32_t words[3])
{
    enum health_kind kind;
    if (reading->planned < 0 && health_find_planned(words[0], words[1], words[2], &kind)) {
        reading->planned = index;
    }
}

/* An override ends all wavering: what checks say does not matter under it. */
static enum health_state read_state(struct steer_reading *reading, uint16_t index)
{
    const struct steer_member *member = &reading->policy->members[index];
    const struct health_table *table = reading->table;
    const uint32_t words[] = {load(table->endpoints, member->endpoint), load(table->azs, member->az),
                              load(table->regions, member->region)};
    struct health_effective effective = health_combine(words[0], words[1], words[2]);
    bool wavers = (words[0] & HEALTH_WORD_WAVERS) != 0 && effective.decided_by == HEALTH_BY_VERDICT;
    note_plan(reading, index, words);
    if (reading->failing < 0 && (wavers || !health_state_serves(effective.state))) {
        reading->failing = index;
    }
    return effective.state;
}

static void add_member(struct steer_reading *reading, uint16_t index, const struct steer_part *part)
{
    const struct steer_member *member = &reading->policy->members[index];
    if (member->weight > 0 && !reading->weighted) {
        reading->weighted = true;
        reading->used = part->first;
    }
    if (member->weight == 0 && reading->weighted) {
        return;
    }
    if ((member->types & reading->ask.types) != 0) {
        reading->choice->members[reading->used++] = index;
    }
}

/* ---- measuring ---- */

static void count_member(struct sums *sums, double units, bool serves)
{
    sums->members++;
    sums->units += units;
    if (serves) {
        sums->serving++;
        sums->serving_units += units;
    }
}

static bool has(const struct steer_need *need, const struct sums *whole, const struct sums *serving)
{
    if (need->share > 0) {
        double tolerance = SHARE_TOLERANCE * whole->units / whole->members;
        return serving->serving_units + tolerance >= need->share * whole->units;
    }
    return serving->serving >= (need->count > 1 ? need->count : 1);
}

/* How much of the need is met. */
static double meets(const struct steer_need *need, const struct sums *whole, const struct sums *serving)
{
    if (has(need, whole, serving)) {
        return 1;
    }
    return need->share > 0 ? serving->serving_units / (need->share * whole->units)
                           : (double)serving->serving / need->count;
}

/* sums[0]: with a weight, sums[1]: standbys. */
static void measure_tier(const struct steer_tier *tier, const struct sums sums[2],
                         struct steer_measure *measure)
{
    const struct sums *whole = &sums[sums[0].members == 0], *serving = &sums[sums[0].serving == 0];
    *measure = (struct steer_measure){
        .members = whole->members, .serving = serving->serving, .available = serving->serving_units};
    if (serving->serving == 0) {
        return;
    }
    measure->healthy = serving->serving_units < whole->units ? serving->serving_units / whole->units : 1;
    if (has(&tier->min_healthy, whole, serving)) {
        measure->suffices = meets(&tier->spill_below, whole, serving);
    }
}

void tier_begin(struct steer_reading *reading, struct steer_part *part)
{
    *part = (struct steer_part){.first = reading->used};
    reading->weighted = false;
}

/* When the last thing ended that kept the member from serving; 0: nothing ever did. */
static uint32_t find_back(const struct health_table *table, const struct steer_member *member)
{
    uint32_t back[] = {atomic_load_explicit(&table->endpoints_back[member->endpoint], memory_order_relaxed),
                       atomic_load_explicit(&table->azs_back[member->az], memory_order_relaxed),
                       atomic_load_explicit(&table->regions_back[member->region], memory_order_relaxed)};
    uint32_t latest = back[0] > back[1] ? back[0] : back[1];
    return latest > back[2] ? latest : back[2];
}

/* A clock that was set back ends a hold. */
uint32_t steer_find_hold(const struct steer_policy *policy, const struct health_table *table, uint16_t member,
                         uint32_t now_s)
{
    uint32_t hold_s = policy->pick == STEER_PICK_STICKY ? policy->sticky.hold_s : 0;
    uint32_t back = hold_s == 0 ? 0 : find_back(table, &policy->members[member]);
    return back == 0 || now_s < back || now_s - back >= hold_s ? 0 : back + hold_s;
}

static bool is_held(struct steer_reading *reading, uint16_t index)
{
    uint32_t until_s = steer_find_hold(reading->policy, reading->table, index, reading->ask.now_s);
    if (until_s == 0) {
        return false;
    }
    reading->has_held = true;
    reading->choice->until_s = until_s < reading->choice->until_s ? until_s : reading->choice->until_s;
    return true;
}

static bool serves(struct steer_reading *reading, uint16_t index)
{
    return health_state_serves(read_state(reading, index)) && !(reading->holds && is_held(reading, index));
}

static void list_accepted(struct steer_reading *reading, const struct steer_group *group, size_t position,
                          bool takes)
{
    reading->choice->accepted[reading->listed++] =
        takes && group->table != NULL ? group->table->accept[position] : 0;
}

static void read_group(struct steer_reading *reading, const struct steer_tier *tier,
                       const struct steer_group *group, struct steer_part *part, struct sums sums[2])
{
    const uint16_t *members = part->group_members;
    bool is_sticky = reading->policy->pick == STEER_PICK_STICKY;
    for (size_t i = 0; i < group->count; i++) {
        const struct steer_member *member = &reading->policy->members[members[i]];
        bool is_there = serves(reading, members[i]);
        count_member(&sums[member->weight == 0], tier->by_capacity ? member->capacity : 1, is_there);
        if (is_there) {
            add_member(reading, members[i], part);
        }
        if (is_sticky) {
            list_accepted(reading, group, i, is_there && (member->types & reading->ask.types) != 0);
        }
    }
    part->count = (uint16_t)(reading->used - part->first);
}

/* What each group has of the tier: its share, or what the others leave; of those that have somebody to offer.
 */
static void divide_tier(const struct steer_group *groups, struct steer_part *parts, size_t count)
{
    double rest = 1, sum = 0;
    for (size_t i = 0; i < count; i++) {
        rest -= groups[i].share;
    }
    for (size_t i = 0; i < count; i++) {
        double share = groups[i].share > 0 ? groups[i].share : rest > 0 ? rest : 0;
        parts[i].fraction = parts[i].count == 0 ? 0 : share;
        sum += parts[i].fraction;
    }
    for (size_t i = 0; i < count; i++) {
        parts[i].fraction = parts[i].count == 0 ? 0 : sum > 0 ? parts[i].fraction / sum : 1;
    }
}

size_t tier_read(struct steer_reading *reading, const struct steer_tier *tier, struct steer_part *parts,
                 struct steer_measure *measure)
{
    struct sums sums[2] = {{.members = 0}, {.members = 0}};
    const struct steer_group whole = {.count = tier->count};
    const struct steer_group *groups = tier->groups == NULL ? &whole : tier->groups;
    size_t count = tier->groups == NULL ? 1 : tier->group_count;
    const uint16_t *members = tier->members;
    for (size_t i = 0; i < count; i++) {
        tier_begin(reading, &parts[i]);
        parts[i].listed = reading->listed;
        parts[i].group = tier->groups == NULL ? NULL : &groups[i];
        parts[i].group_members = members;
        read_group(reading, tier, &groups[i], &parts[i], sums);
        members += groups[i].count;
    }
    divide_tier(groups, parts, count);
    measure_tier(tier, sums, measure);
    return count;
}

/* ---- fallback ---- */

bool tier_offer(struct steer_reading *reading, const uint16_t *members, size_t count, struct steer_part *part,
                uint64_t *seen)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        uint64_t bit = UINT64_C(1) << (members[i] % 64u);
        if ((seen[members[i] / 64u] & bit) == 0 && read_state(reading, members[i]) != HEALTH_DRAINED) {
            any = true;
            add_member(reading, members[i], part);
        }
        seen[members[i] / 64u] |= bit;
    }
    part->count = (uint16_t)(reading->used - part->first);
    return any;
}

/* ---- weights ---- */

/* Where the sum of weights does not fit, all are halved until it does, none below 1: 2^32 still tells weights
 * apart to a part in a thousand with the largest possible policy. */
void tier_weigh(const struct steer_reading *reading, struct steer_part *part)
{
    const struct steer_member *members = reading->policy->members;
    const uint16_t *chosen = reading->choice->members + part->first;
    uint32_t *weights = reading->choice->weights + part->first;
    uint64_t sum = 0;
    for (size_t i = 0; i < part->count; i++) {
        sum += members[chosen[i]].weight;
    }
    unsigned shift = 0;
    while ((sum >> shift) + part->count > UINT32_MAX) {
        shift++;
    }
    uint32_t total = 0;
    for (size_t i = 0; i < part->count; i++) {
        uint32_t weight = members[chosen[i]].weight >> shift;
        total += weight > 0 ? weight : 1;
        weights[i] = total;
    }
    part->total_weight = total;
}
