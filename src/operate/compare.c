/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See compare.h. Names are sorted in both views, so those that both have are found side by side; what they
 * are steered by is looked at once per pair of policies. */
#include "config.h"

#include "operate/compare_internal.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_MIN = 1024 };

/* Does one side steer a type that the other one does not? Addresses have the same bits in all policies. */
static bool has_other_types(const struct comparing *c, const struct compare_entry *entry)
{
    const struct steer_policy *a = compare_policy(c, entry, 0), *b = compare_policy(c, entry, 1);
    uint16_t types[COMPARE_TYPES_MAX];
    if (a == NULL || b == NULL) {
        return true;
    }
    if (entry->types[0] == entry->types[1] && entry->types[0] < 1 << STEER_TYPES_FIXED) {
        return false;
    }
    unsigned count = compare_list_types(c, entry, types);
    for (unsigned i = 0; i < count; i++) {
        if ((steer_find_type(a, types[i]) & entry->types[0]) == 0 ||
            (steer_find_type(b, types[i]) & entry->types[1]) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- pairs of policies ---- */

static bool is_same_entry(const struct compare_entry *a, const struct compare_entry *b)
{
    return a->policy[0] == b->policy[0] && a->policy[1] == b->policy[1] && a->statics == b->statics;
}

static size_t slot_of(const struct comparing *c, const struct compare_entry *wanted)
{
    uint64_t hash = compare_hash(COMPARE_HASH_START, wanted->policy, sizeof wanted->policy) ^ wanted->statics;
    size_t at = (size_t)(hash ^ hash >> 32) & (c->slot_count - 1);
    while (c->slots[at] != 0 && !is_same_entry(&c->entries[c->slots[at] - 1], wanted)) {
        at = (at + 1) & (c->slot_count - 1);
    }
    return at;
}

static void grow_slots(struct comparing *c)
{
    if (c->slots != NULL && c->entry_count < c->slot_count / 2) {
        return;
    }
    free(c->slots);
    c->slot_count = c->slot_count == 0 ? SLOTS_MIN : 2 * c->slot_count;
    c->slots = memory_alloc_array(c->slot_count, sizeof *c->slots);
    for (size_t i = 0; i < c->entry_count; i++) {
        c->slots[slot_of(c, &c->entries[i])] = (uint32_t)i + 1;
    }
}

/* The static records of a side that stand in for steered ones of the other one: of one number, alike. */
static uint64_t number_statics(const struct compare_entry *entry, int side)
{
    uint64_t hash = COMPARE_HASH_START + (uint64_t)side;
    for (unsigned i = 0; entry->node[side] != NULL && i < entry->node[side]->rrset_count; i++) {
        const struct zone_rrset *rrset = &entry->node[side]->rrsets[i];
        if ((rrset->flags & ZONE_RRSET_STEERED) == 0) {
            hash = compare_hash(hash, &rrset->type, sizeof rrset->type);
            hash = compare_hash(hash, entry->zone[side]->blob + rrset->block, rrset->len);
        }
    }
    return hash;
}

/* Returns whether the name is there on both sides. */
static bool find_statics(const struct comparing *c, struct compare_entry *entry)
{
    for (int side = 0; side < 2; side++) {
        entry->node[side] = compare_find_node(c, side, entry->owner, &entry->zone[side]);
        entry->statics += number_statics(entry, side);
    }
    return entry->node[0] != NULL && entry->node[1] != NULL;
}

static void count_steering(struct comparing *c, const struct compare_entry *entry)
{
    enum operate_fate fate = entry->policy[0] == COMPARE_NONE ? OPERATE_STEERED : OPERATE_UNSTEERED;
    const uint32_t records[2] = {compare_count_records(entry->node[0]),
                                 compare_count_records(entry->node[1])};
    compare_count(c, &c->comparison->names[fate], entry->owner, records);
}

/* One that is steered on one side only: before or after is NULL; any: one of them. */
static void add_name(struct comparing *c, const struct view_name *before, const struct view_name *after,
                     const struct view_name *any)
{
    struct compare_entry entry = {
        .policy = {before == NULL ? COMPARE_NONE : before->policy,
                   after == NULL ? COMPARE_NONE : after->policy},
        .types = {before == NULL ? 0 : before->types, after == NULL ? 0 : after->types},
        .owner = any->owner};
    if (has_other_types(c, &entry)) {
        bool is_there = find_statics(c, &entry);
        if (before == NULL || after == NULL) {
            if (!is_there) {
                return; /* it comes or goes as a whole */
            }
            count_steering(c, &entry);
        }
    }
    grow_slots(c);
    size_t at = slot_of(c, &entry);
    if (c->slots[at] == 0) {
        c->entries = memory_grow(c->entries, c->entry_count, &c->entry_capacity, sizeof *c->entries);
        c->entries[c->entry_count] = entry;
        c->slots[at] = (uint32_t)++c->entry_count;
    }
    struct compare_entry *found = &c->entries[c->slots[at] - 1];
    found->count++;
    found->types[0] |= entry.types[0];
    found->types[1] |= entry.types[1];
}

static bool is_meant(const struct comparing *c, const struct view_name *name)
{
    return c->compare->zone == NULL || strcmp(name->zone, c->compare->zone) == 0;
}

static void list_entries(struct comparing *c)
{
    const struct view *before = c->compare->view[0], *after = c->compare->view[1];
    size_t i = 0, j = 0;
    while (i < before->name_count || j < after->name_count) {
        int order = i == before->name_count  ? 1
                    : j == after->name_count ? -1
                                             : strcmp(before->names[i].owner, after->names[j].owner);
        const struct view_name *left = order <= 0 ? &before->names[i++] : NULL;
        const struct view_name *right = order >= 0 ? &after->names[j++] : NULL;
        const struct view_name *any = right != NULL ? right : left;
        assert(any != NULL);
        if (is_meant(c, any)) {
            add_name(c, left, right, any);
        }
        c->comparison->steered[0] += left != NULL && is_meant(c, left);
        c->comparison->steered[1] += right != NULL && is_meant(c, right);
    }
}

/* ---- the whole ---- */

static void make_room(struct comparing *c)
{
    struct steer_room room = {.members = 0};
    for (size_t i = 0; i < c->entry_count; i++) {
        for (int side = 0; side < 2; side++) {
            const struct steer_policy *policy = compare_policy(c, &c->entries[i], side);
            if (policy != NULL) {
                steer_widen_room(&room, policy);
            }
        }
    }
    for (int side = 0; side < 2; side++) {
        steer_choice_init(&c->choice[side], room, memory_alloc(steer_room_size(room)));
    }
    c->shares = memory_alloc_array(room.members + 1, sizeof *c->shares);
}

static void compare_steered(struct comparing *c)
{
    list_entries(c);
    make_room(c);
    c->comparison->memberships =
        arena_alloc(c->arena, c->compare->limit * sizeof *c->comparison->memberships);
    for (uint32_t i = 0; i < c->entry_count && !(i % 64 == 0 && compare_is_called_off(c)); i++) {
        const struct compare_entry *entry = &c->entries[i];
        bool is_same = entry->policy[0] != COMPARE_NONE && entry->policy[1] != COMPARE_NONE &&
                       compare_policies(c, entry);
        if (!is_same || !c->is_same_state) {
            compare_answers(c, i);
        }
    }
    compare_tell_moves(c);
}

static void let_go(struct comparing *c)
{
    for (int side = 0; side < 2; side++) {
        free(c->keys[side]);
        free(c->share[side]);
        free(c->notes[side]);
        free(c->choice[side].parts); /* and all that lies behind */
    }
    free(c->shares);
    free(c->entries);
    free(c->slots);
    free(c->same);
    free(c->rows);
    compare_free_pairs(&c->pairs);
}

void operate_compare_views(const struct operate_compare *compare, struct arena *arena,
                           struct operate_comparison *comparison)
{
    struct comparing c = {.compare = compare, .arena = arena, .comparison = comparison};
    bool is_other = compare->view[0] != compare->view[1]; /* else a zone in it is, and no policy */
    *comparison = (struct operate_comparison){.gained = 0};
    if (!is_other && compare->read == NULL) {
        comparison->steered[0] = comparison->steered[1] = compare->view[0]->name_count;
        compare_tell_story(arena, comparison);
        return;
    }
    if (is_other) {
        compare_match_endpoints(&c);
        compare_documents(&c);
    }
    compare_zones(&c);
    if (is_other) {
        compare_steered(&c);
    }
    compare_tell_story(arena, comparison);
    let_go(&c);
}
