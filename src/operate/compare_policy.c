/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Two policies that the same names have before and after: members gained and lost, and settings that differ
 * even where the answers of this moment do not, such as a fallback, a threshold, or the order of tiers that
 * nobody needs now. Members that one side lacks are told as such, and left out of everything else. */
#include "config.h"

#include "operate/compare_internal.h"

#include <assert.h>
#include <string.h>

/* Settings by the keys of the policy document. */
enum trait {
    PICK,
    ANSWERS,
    STICKY,
    TTL_FAILING,
    WEIGHTS,
    TIERS,
    MIN_HEALTHY,
    SPILL,
    TRICKLE,
    ON_HOLD,
    CLIENT_SUBNET,
    APART,
    FALLBACK,
    TRAITS
};

struct look {
    struct comparing *c;
    const struct compare_entry *entry;
    const struct steer_policy *policy[2];
    bool is_aligned; /* the same members in the same order, with the same weights and types */
    unsigned traits; /* bits: these differ */
};

static void differ(struct look *look, enum trait trait, bool differs)
{
    look->traits |= differs ? 1u << trait : 0;
}

/* ---- members ---- */

static bool is_aligned(const struct look *look)
{
    const struct steer_policy *a = look->policy[0], *b = look->policy[1];
    if (a->member_count != b->member_count || a->type_count != b->type_count ||
        memcmp(a->types, b->types, a->type_count * sizeof *a->types) != 0) {
        return false;
    }
    for (size_t i = 0; i < a->member_count; i++) {
        const struct steer_member *left = &a->members[i], *right = &b->members[i];
        if (left->endpoint != look->c->same[right->endpoint] || left->weight != right->weight ||
            left->types != right->types || left->is_alias != right->is_alias ||
            left->has_host != right->has_host) {
            return false;
        }
    }
    return true;
}

static void note_member(struct comparing *c, struct operate_members *members, uint32_t endpoint, int side)
{
    if (members->count < OPERATE_MEMBERS_LISTED) {
        members->names[members->count++] =
            arena_copy_text(c->arena, c->compare->view[side]->topology->endpoints[endpoint].name);
    }
    members->total++;
}

/* What is known of each member of a side: something that is not 0. */
static uint64_t *note_of(struct look *look, int side, size_t member)
{
    return &look->c->notes[side][compare_number(look->c, look->policy[side], member, side)];
}

static void clear_notes(struct look *look)
{
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < look->policy[side]->member_count; i++) {
            *note_of(look, side, i) = 0;
        }
    }
}

/* 1 + its weight: so who is on both sides has two notes. */
static void note_members(struct look *look)
{
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < look->policy[side]->member_count; i++) {
            *note_of(look, side, i) = 1u + look->policy[side]->members[i].weight;
        }
    }
}

static bool is_common(struct look *look, int side, size_t member)
{
    return look->c->notes[1 - side][compare_number(look->c, look->policy[side], member, side)] != 0;
}

/* Those of one side that the other one lacks. */
static void list_missing(struct look *look, int side, struct operate_members *members)
{
    const struct steer_policy *own = look->policy[side];
    for (size_t i = 0; i < own->member_count; i++) {
        if (!is_common(look, side, i)) {
            note_member(look->c, members, own->members[i].endpoint, side);
        }
    }
}

static bool has_same_notes(struct look *look)
{
    bool same = true;
    for (size_t i = 0; same && i < look->policy[1]->member_count; i++) {
        uint32_t number = compare_number(look->c, look->policy[1], i, 1);
        same = look->c->notes[0][number] == 0 || look->c->notes[0][number] == look->c->notes[1][number];
    }
    return same;
}

static void compare_members(struct look *look)
{
    struct comparing *c = look->c;
    struct operate_comparison *to = c->comparison;
    struct operate_membership membership = {.name_count = look->entry->count};
    note_members(look);
    list_missing(look, 1, &membership.gained);
    list_missing(look, 0, &membership.lost);
    differ(look, WEIGHTS, !has_same_notes(look));
    clear_notes(look);
    if (membership.gained.total + membership.lost.total == 0) {
        return;
    }
    to->gained += membership.gained.total * membership.name_count;
    to->lost += membership.lost.total * membership.name_count;
    if (to->membership_count < c->compare->limit) {
        membership.name = arena_copy_text(c->arena, look->entry->owner);
        to->memberships[to->membership_count++] = membership;
    }
    to->membership_total++;
}

/* ---- classes ---- */

#define IN_TIER (UINT64_C(1) << 63)

static const struct steer_group *group_of(const struct steer_tier *tier, size_t *group, size_t *left)
{
    if (tier->group_count == 0) {
        return NULL;
    }
    while (*left == 0 && *group + 1 < tier->group_count) {
        *left = tier->groups[++*group].count;
    }
    (*left)--;
    return &tier->groups[*group];
}

/* Where the members that both sides have are: in which of the tiers with such, and the share of their group.
 */
static void note_tiers(struct look *look, int side, const struct steer_class *class)
{
    uint64_t number = 0;
    for (size_t t = 0; t < class->tier_count; t++) {
        const struct steer_tier *tier = &class->tiers[t];
        size_t group = 0, left = tier->group_count == 0 ? 0 : tier->groups[0].count, common = 0;
        for (size_t i = 0; i < tier->count; i++) {
            const struct steer_group *of = group_of(tier, &group, &left);
            double share = of == NULL ? 0 : of->share;
            if (is_common(look, side, tier->members[i])) {
                *note_of(look, side, tier->members[i]) =
                    IN_TIER | (compare_hash(COMPARE_HASH_START, &share, sizeof share) + number);
                common++;
            }
        }
        number += common != 0;
    }
}

static void note_pool(struct look *look, int side, const struct steer_class *class)
{
    for (size_t i = 0; class->pool != NULL && i < class->pool->count; i++) {
        *note_of(look, side, class->pool->members[i]) |= IN_TIER;
    }
}

/* One without a share is as good as none. */
static bool has_groups(const struct steer_tier *tier)
{
    return tier->group_count > 1 || (tier->group_count == 1 && tier->groups[0].share > 0);
}

static bool has_same_groups(const struct steer_tier *a, const struct steer_tier *b)
{
    if (!has_groups(a) || !has_groups(b)) {
        return has_groups(a) == has_groups(b);
    }
    bool same = a->group_count == b->group_count;
    for (size_t i = 0; same && i < a->group_count; i++) {
        same = a->groups[i].count == b->groups[i].count && a->groups[i].share == b->groups[i].share;
    }
    return same;
}

/* To the letter; the order of members within a group means nothing, but is the same more often than not. */
static bool is_same_tier(const struct steer_tier *a, const struct steer_tier *b)
{
    return a->count == b->count &&
           (a->count == 0 || memcmp(a->members, b->members, a->count * sizeof *a->members) == 0) &&
           has_same_groups(a, b);
}

static bool is_same_plan(const struct look *look, const struct steer_class *a, const struct steer_class *b)
{
    bool same = look->is_aligned && a->tier_count == b->tier_count;
    for (size_t i = 0; same && i < a->tier_count; i++) {
        same = is_same_tier(&a->tiers[i], &b->tiers[i]);
    }
    return same;
}

/* Are the members that both sides have in the same places? Those that came or went do not count. */
static bool has_same_tiers(struct look *look, const struct steer_class *a, const struct steer_class *b)
{
    if (is_same_plan(look, a, b)) {
        return true;
    }
    bool same = true;
    note_members(look);
    note_tiers(look, 0, a);
    note_tiers(look, 1, b);
    for (size_t i = 0; same && i < look->policy[1]->member_count; i++) {
        uint32_t number = compare_number(look->c, look->policy[1], i, 1);
        uint64_t before = look->c->notes[0][number], after = look->c->notes[1][number];
        same = before == 0 || before == after || ((before | after) & IN_TIER) == 0;
    }
    clear_notes(look);
    return same;
}

static bool has_same_pool(struct look *look, const struct steer_class *a, const struct steer_class *b)
{
    if (a->pool == NULL || b->pool == NULL || (look->is_aligned && is_same_tier(a->pool, b->pool))) {
        return (a->pool == NULL) == (b->pool == NULL);
    }
    bool same = true;
    note_members(look);
    note_pool(look, 0, a);
    note_pool(look, 1, b);
    for (size_t i = 0; same && i < look->policy[1]->member_count; i++) {
        uint32_t number = compare_number(look->c, look->policy[1], i, 1);
        uint64_t before = look->c->notes[0][number];
        same = before == 0 || ((before ^ look->c->notes[1][number]) & IN_TIER) == 0;
    }
    clear_notes(look);
    return same;
}

static bool is_same_need(const struct steer_need *a, const struct steer_need *b)
{
    return a->share == b->share && a->count == b->count;
}

static enum steer_fallback fallback_of(const struct steer_policy *policy, const struct steer_class *class)
{
    return class->has_fallback ? class->fallback : policy->fallback;
}

static void compare_class(struct look *look, const struct steer_class *a, const struct steer_class *b)
{
    differ(look, TIERS, !has_same_tiers(look, a, b));
    differ(look, SPILL, a->spread != b->spread || a->fenced != b->fenced);
    differ(look, FALLBACK, fallback_of(look->policy[0], a) != fallback_of(look->policy[1], b));
    differ(look, FALLBACK, !has_same_pool(look, a, b));
    for (size_t i = 0; i < a->tier_count && a->tier_count == b->tier_count; i++) {
        const struct steer_tier *left = &a->tiers[i], *right = &b->tiers[i];
        differ(look, MIN_HEALTHY, !is_same_need(&left->min_healthy, &right->min_healthy));
        differ(look, SPILL, !is_same_need(&left->spill_below, &right->spill_below));
        differ(look, TRICKLE, left->trickle != right->trickle);
    }
}

static void compare_classes(struct look *look)
{
    size_t count;
    const uint16_t(*pairs)[2] = compare_find_pairs(look->c, look->entry, &count);
    for (size_t i = 0; i < count; i++) {
        if (pairs[i][0] < look->policy[0]->class_count && pairs[i][1] < look->policy[1]->class_count) {
            compare_class(look, &look->policy[0]->classes[pairs[i][0]],
                          &look->policy[1]->classes[pairs[i][1]]);
        }
    }
}

/* ---- the whole ---- */

static void compare_plain(struct look *look)
{
    const struct steer_policy *a = look->policy[0], *b = look->policy[1];
    bool sticks = a->pick == STEER_PICK_STICKY && b->pick == STEER_PICK_STICKY;
    differ(look, PICK, a->pick != b->pick);
    differ(look, ANSWERS, a->answers != b->answers && b->pick != STEER_PICK_ALL);
    differ(look, STICKY,
           sticks && (a->sticky.v4_len != b->sticky.v4_len || a->sticky.v6_len != b->sticky.v6_len ||
                      a->sticky.hold_ms != b->sticky.hold_ms));
    differ(look, ON_HOLD, a->falls_back != b->falls_back);
    differ(look, APART, a->apart != b->apart);
    differ(look, CLIENT_SUBNET, a->ignores_subnet != b->ignores_subnet);
    differ(look, TTL_FAILING,
           a->has_ttl_failing != b->has_ttl_failing ||
               (a->has_ttl_failing && a->ttl_failing != b->ttl_failing));
}

bool compare_policies(struct comparing *c, const struct compare_entry *entry)
{
    static const char *const keys[TRAITS] = {[PICK] = "pick",
                                             [ANSWERS] = "answers",
                                             [STICKY] = "sticky",
                                             [TTL_FAILING] = "ttl_failing",
                                             [WEIGHTS] = "weights",
                                             [TIERS] = "tiers",
                                             [MIN_HEALTHY] = "min_healthy",
                                             [SPILL] = "spill",
                                             [TRICKLE] = "trickle",
                                             [ON_HOLD] = "on_hold",
                                             [CLIENT_SUBNET] = "client_subnet",
                                             [APART] = "apart",
                                             [FALLBACK] = "fallback"};
    struct look look = {
        .c = c, .entry = entry, .policy = {compare_policy(c, entry, 0), compare_policy(c, entry, 1)}};
    assert(look.policy[0] != NULL && look.policy[1] != NULL);
    look.is_aligned = is_aligned(&look);
    if (!look.is_aligned) {
        compare_members(&look);
    }
    compare_plain(&look);
    compare_classes(&look);
    for (unsigned i = 0; i < TRAITS; i++) {
        if ((look.traits >> i & 1) != 0) {
            compare_note(c, OPERATE_OF_NAME, keys[i], entry->owner, entry->count);
        }
    }
    return look.is_aligned && look.traits == 0 && entry->types[0] == entry->types[1];
}
