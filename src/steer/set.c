/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The set of all policies of a view. A policy is judged by its content: its canonical bytes (every field that
 * changes an answer or what explain says, and the key of its geo tree) are hashed, and a plan whose bytes are
 * known already gets the id of the one that is there. So a hundred thousand names with the same policy share
 * one, and a flip is evaluated once for all of them. Geo trees are shared likewise, by their key.
 *
 * Plans are copied into stores that live as long as the set and those that extend it. Built by the loader;
 * read-only afterwards. A plan that contradicts itself (an index out of range, no class) is a bug of the
 * compiler of views: assert. */
#include "config.h"

#include "steer/steer.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/hash.h"
#include "base/memory.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Open addressing, a power of two, at most half full. Equal hashes may occur more than once. */
struct index_slot {
    uint64_t hash;
    uint32_t value; /* + 1; 0: free */
};

struct index {
    struct index_slot *slots;
    size_t room, used;
};

struct set_geo {
    uint64_t key;
    struct geo_tree *tree;
};

/* Memory of policies, freed with the last set that holds it. */
struct store {
    atomic_uint holders;
    struct arena *arena;
};

struct steer_set {
    struct store **stores; /* of the sets that this one extends, then its own */
    size_t store_count;
    struct arena *arena; /* of its own store */
    size_t original;     /* policies of the first set of those that extend each other; 0: this is the first */
    const struct steer_policy **policies;
    uint64_t *geo_keys; /* of each policy; 0 without geography */
    size_t count, policy_capacity, key_capacity;
    struct index by_content;
    struct set_geo *geo;
    size_t geo_count, geo_capacity;
    struct index by_geo_key;
    uint32_t cache_slots;
    struct buffer wanted, known; /* scratch: canonical bytes */
};

/* ---- the index ---- */

static void index_put(struct index *index, uint64_t hash, uint32_t value);

static void index_grow(struct index *index)
{
    struct index old = *index;
    index->room = old.room == 0 ? 64 : old.room * 2;
    index->slots = memory_alloc_array(index->room, sizeof *index->slots);
    index->used = 0;
    for (size_t i = 0; i < old.room; i++) {
        if (old.slots[i].value != 0) {
            index_put(index, old.slots[i].hash, old.slots[i].value - 1);
        }
    }
    free(old.slots);
}

static void index_put(struct index *index, uint64_t hash, uint32_t value)
{
    if (index->used * 2 >= index->room) {
        index_grow(index);
    }
    size_t at = hash & (index->room - 1);
    while (index->slots[at].value != 0) {
        at = (at + 1) & (index->room - 1);
    }
    index->slots[at] = (struct index_slot){hash, value + 1};
    index->used++;
}

/* The next value with this hash, or -1. *step begins at 0 and counts the slots that were looked at. */
static int64_t index_find_next(const struct index *index, uint64_t hash, size_t *step)
{
    while (index->room != 0) {
        const struct index_slot *slot = &index->slots[(hash + *step) & (index->room - 1)];
        (*step)++;
        if (slot->value == 0) {
            break;
        }
        if (slot->hash == hash) {
            return (int64_t)slot->value - 1;
        }
    }
    return -1;
}

/* ---- canonical bytes ---- */

static void add_number(struct buffer *buffer, uint64_t number)
{
    buffer_add(buffer, &number, sizeof number);
}

/* With its NUL, so that two labels cannot run together. A missing one differs from an empty one. */
static void add_label(struct buffer *buffer, const char *label)
{
    buffer_add(buffer, label == NULL ? "\1" : label, label == NULL ? 2 : strlen(label) + 1);
}

static void write_content(struct buffer *buffer, const struct steer_policy *policy, uint64_t geo_key)
{
    buffer->len = 0;
    add_number(buffer, policy->pick);
    add_number(buffer, policy->fallback);
    add_number(buffer, policy->answers);
    add_number(buffer, geo_key);
    add_label(buffer, policy->geo_label);
    add_number(buffer, policy->member_count);
    for (size_t i = 0; i < policy->member_count; i++) {
        const struct steer_member *member = &policy->members[i];
        add_number(buffer, (uint64_t)member->endpoint << 32 | member->az);
        add_number(buffer, (uint64_t)member->region << 32 | member->weight);
        add_number(buffer, member->types);
    }
    add_number(buffer, policy->class_count);
    for (size_t i = 0; i < policy->class_count; i++) {
        const struct steer_class *class = &policy->classes[i];
        add_label(buffer, class->label);
        add_number(buffer, class->tier_count);
        for (size_t t = 0; t < class->tier_count; t++) {
            add_label(buffer, class->tiers[t].label);
            add_number(buffer, class->tiers[t].count);
            buffer_add(buffer, class->tiers[t].members, class->tiers[t].count * sizeof(uint16_t));
        }
    }
}

static int64_t find_policy(struct steer_set *set, uint64_t hash)
{
    size_t step = 0;
    for (int64_t id; (id = index_find_next(&set->by_content, hash, &step)) != -1;) {
        write_content(&set->known, set->policies[id], set->geo_keys[id]);
        if (set->known.len == set->wanted.len &&
            memcmp(set->known.bytes, set->wanted.bytes, set->known.len) == 0) {
            return id;
        }
    }
    return -1;
}

/* ---- copying ---- */

static void check_plan(const struct steer_policy *plan)
{
    assert(plan->class_count >= 1);
    assert(plan->answers >= 1 && plan->answers <= STEER_ANSWERS_MAX);
    for (size_t i = 0; i < plan->class_count; i++) {
        for (size_t t = 0; t < plan->classes[i].tier_count; t++) {
            const struct steer_tier *tier = &plan->classes[i].tiers[t];
            assert(tier->count <= plan->member_count);
            for (size_t m = 0; m < tier->count; m++) {
                assert(tier->members[m] < plan->member_count);
            }
        }
    }
}

static const struct steer_class *copy_classes(struct arena *arena, const struct steer_policy *plan)
{
    struct steer_class *classes = arena_copy(arena, plan->classes, plan->class_count * sizeof *classes);
    for (size_t i = 0; i < plan->class_count; i++) {
        struct steer_tier *tiers = arena_copy(arena, classes[i].tiers, classes[i].tier_count * sizeof *tiers);
        for (size_t t = 0; t < classes[i].tier_count; t++) {
            tiers[t].label = arena_copy_text(arena, tiers[t].label);
            tiers[t].members = arena_copy(arena, tiers[t].members, tiers[t].count * sizeof *tiers[t].members);
        }
        classes[i].label = arena_copy_text(arena, classes[i].label);
        classes[i].tiers = tiers;
    }
    return classes;
}

static ptrdiff_t find_geo(const struct steer_set *set, uint64_t key)
{
    size_t step = 0;
    return (ptrdiff_t)index_find_next(&set->by_geo_key, key, &step);
}

/* Takes one hold of the tree: keeps it, or gives it back if one with this key is there (maybe this very
 * tree). */
static const struct geo_tree *keep_geo(struct steer_set *set, struct geo_tree *tree, uint64_t key)
{
    ptrdiff_t at = key == 0 ? -1 : find_geo(set, key);
    if (at != -1) {
        geo_free_tree(tree);
        return set->geo[at].tree;
    }
    if (tree == NULL) {
        assert(key == 0);
        return NULL;
    }
    set->geo = memory_grow(set->geo, set->geo_count, &set->geo_capacity, sizeof *set->geo);
    set->geo[set->geo_count] = (struct set_geo){key, tree};
    index_put(&set->by_geo_key, key, (uint32_t)set->geo_count);
    set->geo_count++;
    return tree;
}

/* ---- the interface ---- */

/* With room for `inherited` stores in front of the set's own. */
static struct steer_set *set_new(size_t inherited)
{
    struct steer_set *set = memory_alloc(sizeof *set);
    struct store *own = memory_alloc(sizeof *own);
    atomic_init(&own->holders, 1);
    own->arena = set->arena = arena_new(0);
    set->stores = memory_alloc_array(inherited + 1, sizeof(struct store *));
    set->stores[inherited] = own;
    set->store_count = inherited + 1;
    buffer_init(&set->wanted);
    buffer_init(&set->known);
    return set;
}

struct steer_set *steer_set_new(void)
{
    return set_new(0);
}

static void copy_index(struct index *to, const struct index *from)
{
    *to = *from;
    to->slots = memory_copy(from->slots, from->room * sizeof *from->slots);
}

struct steer_set *steer_set_extend(const struct steer_set *base)
{
    struct steer_set *set = set_new(base->store_count);
    for (size_t i = 0; i < base->store_count; i++) {
        set->stores[i] = base->stores[i];
        atomic_fetch_add_explicit(&set->stores[i]->holders, 1, memory_order_relaxed);
    }
    set->original = base->original != 0 ? base->original : base->count;
    set->count = set->policy_capacity = set->key_capacity = base->count;
    set->policies = memory_copy(base->policies, base->count * sizeof(const struct steer_policy *));
    set->geo_keys = memory_copy(base->geo_keys, base->count * sizeof *base->geo_keys);
    copy_index(&set->by_content, &base->by_content);
    set->geo_count = set->geo_capacity = base->geo_count;
    set->geo = memory_copy(base->geo, base->geo_count * sizeof *base->geo);
    for (size_t i = 0; i < set->geo_count; i++) {
        geo_hold_tree(set->geo[i].tree);
    }
    copy_index(&set->by_geo_key, &base->by_geo_key);
    set->cache_slots = base->cache_slots;
    return set;
}

static void release_store(struct store *store)
{
    if (atomic_fetch_sub_explicit(&store->holders, 1, memory_order_acq_rel) == 1) {
        arena_free(store->arena);
        free(store);
    }
}

void steer_set_free(struct steer_set *set)
{
    if (set == NULL) {
        return;
    }
    for (size_t i = 0; i < set->geo_count; i++) {
        geo_free_tree(set->geo[i].tree);
    }
    free(set->geo);
    free(set->by_geo_key.slots);
    free(set->by_content.slots);
    free(set->policies);
    free(set->geo_keys);
    buffer_fini(&set->wanted);
    buffer_fini(&set->known);
    for (size_t i = 0; i < set->store_count; i++) {
        release_store(set->stores[i]);
    }
    free(set->stores);
    free(set);
}

const struct geo_tree *steer_set_find_geo(const struct steer_set *set, uint64_t geo_key)
{
    ptrdiff_t at = geo_key == 0 ? -1 : find_geo(set, geo_key);
    return at == -1 ? NULL : set->geo[at].tree;
}

uint32_t steer_set_add(struct steer_set *set, const struct steer_policy *plan, struct geo_tree *geo,
                       uint64_t geo_key)
{
    check_plan(plan);
    const struct geo_tree *tree = keep_geo(set, geo, geo_key);
    write_content(&set->wanted, plan, geo_key);
    uint64_t hash = hash_finish(hash_bytes(HASH_START, set->wanted.bytes, set->wanted.len));
    int64_t known = find_policy(set, hash);
    if (known != -1) {
        return (uint32_t)known;
    }
    uint32_t id = (uint32_t)set->count;
    struct steer_policy *policy = arena_copy(set->arena, plan, sizeof *plan);
    policy->id = id;
    policy->members = arena_copy(set->arena, plan->members, plan->member_count * sizeof *plan->members);
    policy->classes = copy_classes(set->arena, plan);
    policy->geo = tree;
    policy->geo_label = arena_copy_text(set->arena, plan->geo_label);
    policy->cache_at = set->cache_slots;
    assert(set->cache_slots <= UINT32_MAX - 2u * plan->class_count);
    set->cache_slots += 2u * plan->class_count;
    set->policies =
        memory_grow(set->policies, set->count, &set->policy_capacity, sizeof(const struct steer_policy *));
    set->geo_keys = memory_grow(set->geo_keys, set->count, &set->key_capacity, sizeof *set->geo_keys);
    set->policies[id] = policy;
    set->geo_keys[id] = geo_key;
    set->count++;
    index_put(&set->by_content, hash, id);
    return id;
}

size_t steer_set_count(const struct steer_set *set)
{
    return set->count;
}

size_t steer_set_count_added(const struct steer_set *set)
{
    return set->original == 0 ? 0 : set->count - set->original;
}

const struct steer_policy *steer_set_get(const struct steer_set *set, uint32_t id)
{
    assert(id < set->count);
    return set->policies[id];
}
