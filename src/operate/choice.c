/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A choice in words and in shares, for reports and drills. Pure. */
#include "config.h"

#include "operate/choice.h"

#include "base/buffer.h"

/* "tiers us-east 75 %, eu-west 25 %"; parts of one tier (a canary and the others) are one. */
static const char *describe_parts(struct arena *arena, const struct steer_tier *tiers,
                                  const struct steer_choice *choice)
{
    struct buffer text;
    buffer_init(&text);
    buffer_add_text(&text, "tiers");
    for (size_t i = 0; i < choice->part_count;) {
        uint16_t tier = choice->parts[i].tier;
        double share = 0;
        for (; i < choice->part_count && choice->parts[i].tier == tier; i++) {
            share += choice->parts[i].share;
        }
        buffer_print(&text, "%s %s %.3g %%", text.len > sizeof "tiers" ? "," : "", tiers[tier].label,
                     100 * share);
    }
    const char *copy = arena_copy_text(arena, text.bytes);
    buffer_fini(&text);
    return copy;
}

/* Are all parts of one tier? */
static bool is_one_tier(const struct steer_choice *choice)
{
    return choice->part_count <= 1 || choice->parts[choice->part_count - 1].tier == choice->parts[0].tier;
}

/* "fallback first: tier us-east, of which nobody serves" */
static const char *describe_first(const struct steer_class *class, const struct steer_choice *choice,
                                  const char *type, struct arena *arena)
{
    bool is_rest = choice->tier >= class->tier_count;
    return arena_print(arena, "fallback first: %s%s%s%s", is_rest ? "" : "tier ",
                       is_rest ? class->rest->label : class->tiers[choice->tier].label,
                       choice->source == STEER_FROM_SICK ? ", of which nobody serves" : "",
                       choice->count != 0 ? "" : arena_print(arena, " (no %s)", type));
}

const char *operate_describe_choice(const struct steer_class *class, const struct steer_choice *choice,
                                    const char *type, struct arena *arena)
{
    if (choice->source == STEER_FROM_POOL) {
        return arena_print(arena, "fallback pool %s%s", class->pool->label,
                           choice->count != 0 ? "" : arena_print(arena, " (no %s)", type));
    }
    if (choice->source == STEER_FROM_FIRST || choice->source == STEER_FROM_SICK) {
        return describe_first(class, choice, type, arena);
    }
    const char *held = choice->hold == STEER_HOLDS ? " (held)" : "";
    if (choice->source != STEER_FROM_TIER && choice->source != STEER_FROM_HELD) {
        return arena_print(arena, "fallback %s", steer_source_text(choice->source));
    }
    if (!is_one_tier(choice)) {
        return arena_print(arena, "%s%s", describe_parts(arena, class->tiers, choice), held);
    }
    const char *label = class->tiers[choice->tier].label;
    return choice->count != 0 ? arena_print(arena, "tier %s%s", label, held)
                              : arena_print(arena, "tier %s (no %s)", label, type);
}

void operate_find_shares(const struct steer_policy *policy, const struct steer_choice *choice, double *shares)
{
    double all = 0;
    if (choice->count == 0) {
        return;
    }
    steer_odds(policy, choice, shares);
    for (size_t i = 0; i < choice->count; i++) {
        all += shares[i];
    }
    for (size_t i = 0; i < choice->count; i++) {
        shares[i] /= all;
    }
}

bool operate_is_served(const struct steer_policy *policy, const struct steer_choice *choice,
                       const struct health_table *table, enum health_family family)
{
    if (choice->source == STEER_FROM_TIER || choice->source == STEER_FROM_POOL) {
        return choice->count != 0;
    }
    for (size_t i = 0; i < choice->count; i++) {
        const struct steer_place *place = steer_get_place(policy, choice->members[i]);
        uint32_t endpoint = policy->members[choice->members[i]].endpoint;
        if (health_state_serves(
                health_table_effective(table, endpoint, place->az, place->region, family).state)) {
            return true;
        }
    }
    return false;
}
