/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From health words to a choice. One pass over each tier, each member's words read once: what is chosen was
 * seen not drained in that very read, whatever other threads store meanwhile. The choice carries the
 * generation that was read before any word, so a store that raced with the pass makes it out of date at once.
 *
 * Weight 0 means standby: such a member is chosen only where no member with a weight qualifies, of any type
 * (else A and AAAA of a name could come from different places). */
#include "config.h"

#include "steer/steer.h"

#include <string.h>

/* Members that qualify in one group (a tier, or all tiers for the fallback). */
struct group {
    const struct steer_policy *policy;
    struct steer_choice *choice;
    uint8_t types;
    bool weighted;    /* a member with a weight qualified: those without are out */
    uint32_t serving; /* of any type */
};

const char *steer_source_text(enum steer_source source)
{
    static const char *const texts[] = {[STEER_FROM_TIER] = "tier",
                                        [STEER_FROM_ALL] = "all",
                                        [STEER_FROM_STATIC] = "static",
                                        [STEER_FROM_NODATA] = "nodata",
                                        [STEER_FROM_SERVFAIL] = "servfail"};
    return (size_t)source < sizeof texts / sizeof *texts ? texts[source] : "unknown";
}

static enum health_state read_state(const struct group *group, const struct health_table *table,
                                    uint16_t index)
{
    const struct steer_member *member = &group->policy->members[index];
    return health_table_effective(table, member->endpoint, member->az, member->region).state;
}

static void add_member(struct group *group, uint16_t index)
{
    const struct steer_member *member = &group->policy->members[index];
    struct steer_choice *choice = group->choice;
    group->serving++;
    if (member->weight > 0 && !group->weighted) {
        group->weighted = true;
        choice->count = 0;
    }
    if (member->weight == 0 && group->weighted) {
        return;
    }
    if ((member->types & group->types) != 0) {
        choice->members[choice->count++] = index;
    }
}

/* Cumulative weights. Where their sum does not fit, all are halved until it does, none below 1: 2^32 still
 * tells weights apart to a part in a thousand with the largest possible policy. */
static void sum_weights(struct group *group)
{
    struct steer_choice *choice = group->choice;
    const struct steer_member *members = group->policy->members;
    uint64_t sum = 0;
    for (size_t i = 0; i < choice->count; i++) {
        sum += members[choice->members[i]].weight;
    }
    unsigned shift = 0;
    while ((sum >> shift) + choice->count > UINT32_MAX) {
        shift++;
    }
    uint32_t total = 0;
    for (size_t i = 0; i < choice->count; i++) {
        uint32_t weight = members[choice->members[i]].weight >> shift;
        total += weight > 0 ? weight : 1;
        choice->weights[i] = total;
    }
    choice->total_weight = total;
}

static struct group begin_group(const struct steer_policy *policy, uint8_t types, struct steer_choice *choice)
{
    choice->count = 0;
    return (struct group){.policy = policy, .choice = choice, .types = types};
}

static bool take_tier(struct group *group, const struct steer_tier *tier, const struct health_table *table)
{
    for (size_t i = 0; i < tier->count; i++) {
        if (health_state_serves(read_state(group, table, tier->members[i]))) {
            add_member(group, tier->members[i]);
        }
    }
    return group->serving > 0;
}

/* Every member of the class once, in the order of its tiers, unless it is drained. */
static bool take_all(struct group *group, const struct steer_class *class, const struct health_table *table)
{
    uint64_t seen[(STEER_MEMBERS_MAX + 64) / 64];
    memset(seen, 0, (group->policy->member_count + 63u) / 64u * sizeof *seen);
    for (size_t t = 0; t < class->tier_count; t++) {
        for (size_t i = 0; i < class->tiers[t].count; i++) {
            uint16_t index = class->tiers[t].members[i];
            uint64_t bit = UINT64_C(1) << (index % 64u);
            if ((seen[index / 64u] & bit) == 0 && read_state(group, table, index) != HEALTH_DRAINED) {
                add_member(group, index);
            }
            seen[index / 64u] |= bit;
        }
    }
    return group->serving > 0;
}

static void take_fallback(const struct steer_policy *policy, const struct steer_class *class, uint8_t types,
                          const struct health_table *table, struct steer_choice *choice)
{
    choice->count = 0;
    choice->total_weight = 0;
    switch (policy->fallback) {
    case STEER_FALLBACK_ALL: {
        struct group group = begin_group(policy, types, choice);
        if (take_all(&group, class, table)) {
            choice->source = STEER_FROM_ALL;
            sum_weights(&group);
        } else {
            choice->source = STEER_FROM_NODATA;
        }
        return;
    }
    case STEER_FALLBACK_STATIC: choice->source = STEER_FROM_STATIC; return;
    case STEER_FALLBACK_NODATA: choice->source = STEER_FROM_NODATA; return;
    case STEER_FALLBACK_SERVFAIL: choice->source = STEER_FROM_SERVFAIL; return;
    }
    choice->source = STEER_FROM_SERVFAIL;
}

void steer_evaluate(const struct steer_policy *policy, uint16_t class_id, uint8_t types,
                    const struct health_table *table, struct steer_choice *choice, struct steer_trace *trace)
{
    const struct steer_class *class = &policy->classes[class_id];
    choice->generation = atomic_load_explicit(&table->generation, memory_order_acquire);
    choice->tier = 0;
    for (uint16_t t = 0; t < class->tier_count; t++) {
        struct group group = begin_group(policy, types, choice);
        bool serves = take_tier(&group, &class->tiers[t], table);
        if (trace != NULL) {
            trace->tiers[t].serving = (uint16_t)group.serving;
            trace->considered = (uint16_t)(t + 1);
        }
        if (serves) {
            choice->source = STEER_FROM_TIER;
            choice->tier = t;
            sum_weights(&group);
            return;
        }
    }
    if (trace != NULL && class->tier_count == 0) {
        trace->considered = 0;
    }
    take_fallback(policy, class, types, table, choice);
}
