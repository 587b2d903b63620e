/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See tier.h. Weight 0 means standby: such a member is offered only where no member with a weight serves, of
 * any type (else A and AAAA of a name could come from different places). */
#include "config.h"

#include "steer/tier.h"

/* A share that is written with four digits means the fraction: 0.6667 of 3 is 2 (of members alike). */
#define SHARE_TOLERANCE 0.0005

/* Members of one kind: with a weight, or standbys. */
struct sums {
    uint32_t members, serving;
    double units, serving_units;
};

static enum health_state read_state(const struct steer_reading *reading, uint16_t index)
{
    const struct steer_member *member = &reading->policy->members[index];
    return health_table_effective(reading->table, member->endpoint, member->az, member->region).state;
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
    if ((member->types & reading->types) != 0) {
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

void tier_read(struct steer_reading *reading, const struct steer_tier *tier, struct steer_part *part,
               struct steer_measure *measure)
{
    struct sums sums[2] = {{.members = 0}, {.members = 0}};
    tier_begin(reading, part);
    for (size_t i = 0; i < tier->count; i++) {
        uint16_t index = tier->members[i];
        const struct steer_member *member = &reading->policy->members[index];
        bool serves = health_state_serves(read_state(reading, index));
        count_member(&sums[member->weight == 0], tier->by_capacity ? member->capacity : 1, serves);
        if (serves) {
            add_member(reading, index, part);
        }
    }
    part->count = (uint16_t)(reading->used - part->first);
    measure_tier(tier, sums, measure);
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
