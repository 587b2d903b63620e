/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which classes clients are in with the one policy and with the other: from both trees at once, so that a
 * rule that was put in front of another, or a new database, is seen for what it does. What was found is kept
 * for the next policies with the same trees. */
#include "config.h"

#include "operate/compare_internal.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_MIN = 64 };

static size_t first_of(const struct compare_pairs *pairs)
{
    return pairs->trees[pairs->tree_count - 1].first;
}

static size_t find_slot(const struct compare_pairs *pairs, uint16_t a, uint16_t b)
{
    uint32_t hash = ((uint32_t)a << 16 | b) * UINT32_C(0x9e3779b1);
    size_t at = (hash ^ hash >> 15) & (pairs->slot_count - 1);
    for (; pairs->slots[at] != 0; at = (at + 1) & (pairs->slot_count - 1)) {
        const uint16_t *item = pairs->items[first_of(pairs) + pairs->slots[at] - 1];
        if (item[0] == a && item[1] == b) {
            break;
        }
    }
    return at;
}

/* Empty, or with the pairs of the last trees. */
static void make_slots(struct compare_pairs *pairs, size_t count)
{
    size_t first = first_of(pairs);
    if (pairs->slot_count != count) {
        free(pairs->slots);
        pairs->slots = memory_alloc_array(count, sizeof *pairs->slots);
        pairs->slot_count = count;
    } else {
        memset(pairs->slots, 0, count * sizeof *pairs->slots);
    }
    for (size_t i = first; i < pairs->count; i++) {
        pairs->slots[find_slot(pairs, pairs->items[i][0], pairs->items[i][1])] = (uint32_t)(i - first) + 1;
    }
}

static void add_pair(void *context, uint16_t a, uint16_t b)
{
    struct compare_pairs *pairs = context;
    size_t at = find_slot(pairs, a, b);
    if (pairs->slots[at] != 0) {
        return;
    }
    pairs->items = memory_grow(pairs->items, pairs->count, &pairs->capacity, sizeof *pairs->items);
    pairs->items[pairs->count][0] = a;
    pairs->items[pairs->count++][1] = b;
    pairs->slots[at] = (uint32_t)(pairs->count - first_of(pairs));
    if (pairs->slots[at] > pairs->slot_count / 2) {
        make_slots(pairs, 2 * pairs->slot_count);
    }
}

/* ---- trees ---- */

static size_t find_trees(const struct compare_pairs *pairs, const struct geo_tree *const tree[2])
{
    const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t hash = ((uintptr_t)tree[0] * odd ^ (uintptr_t)tree[1]) * odd;
    size_t at = (size_t)(hash ^ hash >> 32) & (pairs->tree_slot_count - 1);
    for (; pairs->tree_slots[at] != 0; at = (at + 1) & (pairs->tree_slot_count - 1)) {
        const struct compare_trees *trees = &pairs->trees[pairs->tree_slots[at] - 1];
        if (trees->tree[0] == tree[0] && trees->tree[1] == tree[1]) {
            break;
        }
    }
    return at;
}

static void grow_tree_slots(struct compare_pairs *pairs)
{
    if (pairs->tree_slots != NULL && pairs->tree_count < pairs->tree_slot_count / 2) {
        return;
    }
    free(pairs->tree_slots);
    pairs->tree_slot_count = pairs->tree_slot_count == 0 ? SLOTS_MIN : 2 * pairs->tree_slot_count;
    pairs->tree_slots = memory_alloc_array(pairs->tree_slot_count, sizeof *pairs->tree_slots);
    for (size_t i = 0; i < pairs->tree_count; i++) {
        pairs->tree_slots[find_trees(pairs, pairs->trees[i].tree)] = (uint32_t)i + 1;
    }
}

const uint16_t (*compare_find_pairs(struct comparing *c, const struct compare_entry *entry, size_t *count))[2]
{
    struct compare_pairs *pairs = &c->pairs;
    const struct geo_tree *tree[2];
    for (int side = 0; side < 2; side++) {
        const struct steer_policy *policy = compare_policy(c, entry, side);
        tree[side] = policy == NULL ? NULL : policy->geo;
    }
    grow_tree_slots(pairs);
    size_t at = find_trees(pairs, tree);
    if (pairs->tree_slots[at] == 0) {
        pairs->trees =
            memory_grow(pairs->trees, pairs->tree_count, &pairs->tree_capacity, sizeof *pairs->trees);
        pairs->trees[pairs->tree_count++] = (struct compare_trees){{tree[0], tree[1]}, pairs->count, 0};
        pairs->tree_slots[at] = (uint32_t)pairs->tree_count;
        make_slots(pairs, SLOTS_MIN);
        geo_pair_classes(tree[0], tree[1], add_pair, pairs);
        pairs->trees[pairs->tree_count - 1].count = pairs->count - first_of(pairs);
    }
    const struct compare_trees *trees = &pairs->trees[pairs->tree_slots[at] - 1];
    *count = trees->count;
    return (const uint16_t(*)[2])(pairs->items + trees->first);
}

void compare_free_pairs(struct compare_pairs *pairs)
{
    free(pairs->items);
    free(pairs->trees);
    free(pairs->tree_slots);
    free(pairs->slots);
}
