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

#include "steer/index.h"
#include "steer/plan.h"
#include "steer/sticky.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "base/hash.h"
#include "base/memory.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct set_geo {
    uint64_t key;
    struct geo_tree *tree;
};

struct set_table {
    const void *key; /* identities and weights; in a store, as the table */
    size_t len;
    const struct steer_table *table;
};

enum { LIST_SHARED = 16 };

struct set_list {
    const uint16_t *members; /* in a store */
    size_t count;
};

/* Memory of policies, freed with the last set that holds it. */
struct store {
    atomic_uint holders;
    atomic_uint names; /* numbers that were given out; of the first store only */
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
    struct steer_index by_content;
    struct set_geo *geo;
    size_t geo_count, geo_capacity;
    struct steer_index by_geo_key;
    struct set_table *tables;
    size_t table_count, table_capacity;
    struct steer_index by_table_key;
    struct set_list *lists; /* of at least LIST_SHARED members */
    size_t list_count, list_capacity;
    struct steer_index by_list;
    struct steer_index by_classes;    /* the first policy with them */
    const struct steer_place *places; /* NULL: those of the plans */
    uint32_t cache_slots, offered_slots;
    bool has_ttl_failing;
    struct buffer wanted, known; /* scratch: canonical bytes */
};

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

static void add_need(struct buffer *buffer, const struct steer_need *need)
{
    buffer_add(buffer, &need->share, sizeof need->share);
    add_number(buffer, need->count);
}

static void add_list(struct buffer *buffer, const uint16_t *members, size_t count)
{
    add_number(buffer, count);
    buffer_add(buffer, members, count * sizeof *members);
}

static void add_tier(struct buffer *buffer, const struct steer_tier *tier)
{
    add_label(buffer, tier->label);
    add_list(buffer, tier->members, tier->count);
    add_need(buffer, &tier->min_healthy);
    add_need(buffer, &tier->spill_below);
    buffer_add(buffer, &tier->trickle, sizeof tier->trickle);
    add_number(buffer, tier->by_capacity);
    bool divided = tier->groups != NULL && tier->group_count > 1; /* one group is as good as none */
    add_number(buffer, divided ? tier->group_count : 0);
    for (size_t i = 0; divided && i < tier->group_count; i++) {
        add_number(buffer, tier->groups[i].count);
        buffer_add(buffer, &tier->groups[i].share, sizeof tier->groups[i].share);
    }
}

static void add_optional(struct buffer *buffer, const struct steer_tier *tier)
{
    add_number(buffer, tier == NULL);
    if (tier != NULL) {
        add_tier(buffer, tier);
    }
}

static void add_class(struct buffer *buffer, const struct steer_class *class)
{
    add_label(buffer, class->label);
    add_number(buffer, class->tier_count);
    add_number(buffer, (uint64_t) class->spread << 1 | class->fenced);
    for (size_t t = 0; t < class->tier_count; t++) {
        add_tier(buffer, &class->tiers[t]);
    }
    add_number(buffer, class->has_fallback ? 1 + (uint64_t) class->fallback : 0);
    add_optional(buffer, class->pool);
    add_optional(buffer, class->rest);
    add_number(buffer, class->offered == NULL);
    add_list(buffer, class->offered, class->offered_count);
}

enum { TYPE_A = 1, TYPE_AAAA = 28 }; /* RFC 1035, RFC 3596 */

/* Who names no types has A and AAAA. */
static uint16_t count_types(const struct steer_policy *policy)
{
    return policy->type_count < STEER_TYPES_FIXED ? STEER_TYPES_FIXED : policy->type_count;
}

static void write_classes(struct buffer *buffer, const struct steer_policy *policy)
{
    add_number(buffer, policy->class_count);
    for (size_t i = 0; i < policy->class_count; i++) {
        add_class(buffer, &policy->classes[i]);
    }
}

/* Returns where the classes begin. Places are not looked at: there is one per endpoint. */
static size_t write_content(struct buffer *buffer, const struct steer_policy *policy, uint64_t geo_key)
{
    buffer->len = 0;
    add_number(buffer, policy->pick);
    add_number(buffer, policy->fallback);
    add_number(buffer,
               (uint64_t)policy->group << 2 | (unsigned)policy->ignores_subnet << 1 | policy->falls_back);
    add_number(buffer, (uint64_t)policy->ttl_floor << 32 | (uint64_t)policy->apart << 16 | policy->answers);
    add_number(buffer, (uint64_t)policy->has_ttl_failing << 32 | policy->ttl_failing);
    add_number(buffer, (uint64_t)policy->sticky.v4_len << 40 | (uint64_t)policy->sticky.v6_len << 32 |
                           policy->sticky.hold_ms);
    add_number(buffer, geo_key);
    add_label(buffer, policy->geo_label);
    add_list(buffer, policy->types + STEER_TYPES_FIXED, count_types(policy) - STEER_TYPES_FIXED);
    add_number(buffer, policy->member_count);
    buffer_add(buffer, policy->members, policy->member_count * sizeof *policy->members);
    size_t classes_at = buffer->len;
    write_classes(buffer, policy);
    return classes_at;
}

static int64_t find_policy(struct steer_set *set, uint64_t hash)
{
    size_t step = 0;
    for (int64_t id; (id = index_find_next(&set->by_content, hash, &step)) != -1;) {
        (void)write_content(&set->known, set->policies[id], set->geo_keys[id]);
        if (set->known.len == set->wanted.len &&
            memcmp(set->known.bytes, set->wanted.bytes, set->known.len) == 0) {
            return id;
        }
    }
    return -1;
}

/* ---- tables of sticky picks ---- */

static const struct steer_table *find_table(struct steer_set *set, uint64_t hash)
{
    size_t step = 0;
    for (int64_t at; (at = index_find_next(&set->by_table_key, hash, &step)) != -1;) {
        const struct set_table *known = &set->tables[at];
        if (known->len == set->known.len && memcmp(known->key, set->known.bytes, known->len) == 0) {
            return known->table;
        }
    }
    return NULL;
}

/* Groups of the same endpoints with the same weights share a table. */
static const struct steer_table *get_table(struct steer_set *set, const struct steer_policy *policy,
                                           const uint16_t *group, size_t count)
{
    set->known.len = 0;
    for (size_t i = 0; i < count; i++) {
        add_number(&set->known, steer_get_place(policy, group[i])->identity);
        add_number(&set->known, policy->members[group[i]].weight);
    }
    uint64_t hash = hash_finish(hash_bytes(HASH_START, set->known.bytes, set->known.len));
    const struct steer_table *table = find_table(set, hash);
    if (table != NULL) {
        return table;
    }
    table = sticky_new_table(set->arena, policy, group, count);
    set->tables = memory_grow(set->tables, set->table_count, &set->table_capacity, sizeof *set->tables);
    set->tables[set->table_count] =
        (struct set_table){arena_copy(set->arena, set->known.bytes, set->known.len), set->known.len, table};
    index_put(&set->by_table_key, hash, (uint32_t)set->table_count++);
    return table;
}

static const struct steer_group *copy_groups(struct steer_set *set, const struct steer_policy *plan,
                                             const struct steer_tier *tier)
{
    struct steer_group whole = {.count = tier->count}, *groups;
    size_t count = tier->groups == NULL ? 1 : tier->group_count;
    groups = arena_copy(set->arena, tier->groups == NULL ? &whole : tier->groups, count * sizeof *groups);
    const uint16_t *members = tier->members;
    for (size_t i = 0; i < count; i++) {
        groups[i].table =
            plan->pick == STEER_PICK_STICKY ? get_table(set, plan, members, groups[i].count) : NULL;
        members += groups[i].count;
    }
    return groups;
}

/* ---- copying ---- */

/* Long lists are often those of other policies: all members in their order. */
static const uint16_t *keep_list(struct steer_set *set, const uint16_t *list, size_t count)
{
    size_t len = count * sizeof *list, step = 0;
    if (count < LIST_SHARED) {
        return arena_copy(set->arena, list, len);
    }
    uint64_t hash = hash_finish(hash_bytes(HASH_START, list, len));
    for (int64_t at; (at = index_find_next(&set->by_list, hash, &step)) != -1;) {
        const struct set_list *known = &set->lists[at];
        if (known->count == count && memcmp(known->members, list, len) == 0) {
            return known->members;
        }
    }
    set->lists = memory_grow(set->lists, set->list_count, &set->list_capacity, sizeof *set->lists);
    struct set_list *made = &set->lists[set->list_count];
    *made = (struct set_list){arena_copy(set->arena, list, len), count};
    index_put(&set->by_list, hash, (uint32_t)set->list_count++);
    return made->members;
}

/* Members that must not be in one answer stand side by side in their groups, so that they are cut out at once
 * (pick.c). Sorting by insertion keeps what is in order already, which it mostly is. */
static const uint16_t *put_together(struct steer_set *set, const struct steer_policy *plan,
                                    const struct steer_tier *tier)
{
    uint16_t *members = arena_copy(set->arena, tier->members, tier->count * sizeof *members),
             *group = members;
    size_t groups = tier->groups == NULL ? 1 : tier->group_count;
    for (size_t g = 0; g < groups; g++) {
        size_t count = tier->groups == NULL ? tier->count : tier->groups[g].count;
        for (size_t i = 1; i < count; i++) {
            uint16_t member = group[i];
            size_t at = i;
            for (; at > 0 && steer_get_apart(plan, group[at - 1]) > steer_get_apart(plan, member); at--) {
                group[at] = group[at - 1];
            }
            group[at] = member;
        }
        group += count;
    }
    return members;
}

static void copy_tier(struct steer_set *set, const struct steer_policy *plan, struct steer_tier *tier)
{
    if (plan->apart != STEER_APART_NOTHING) {
        tier->members = put_together(set, plan, tier);
    }
    if (tier->groups != NULL || plan->pick == STEER_PICK_STICKY) {
        tier->group_count = tier->groups == NULL ? 1 : tier->group_count;
        tier->groups = copy_groups(set, plan, tier);
    }
    tier->label = arena_copy_text(set->arena, tier->label);
    tier->members = keep_list(set, tier->members, tier->count);
}

/* All that the fallback of a class offers, for sticky picks from it. */
static void make_offer(struct steer_set *set, const struct steer_policy *plan, struct steer_class *class)
{
    enum steer_fallback fallback = class->has_fallback ? class->fallback : plan->fallback;
    size_t count = class->offered_count, used = 0;
    class->offer = NULL;
    class->offer_group = NULL;
    if (plan->pick != STEER_PICK_STICKY || fallback != STEER_FALLBACK_ALL) {
        return;
    }
    for (size_t t = 0; class->offered == NULL && t < class->tier_count; t++) {
        count += class->tiers[t].count;
    }
    uint16_t *all = memory_alloc_array(count + 1, sizeof *all);
    for (size_t t = 0; class->offered == NULL && t < class->tier_count; t++) {
        memcpy(all + used, class->tiers[t].members, class->tiers[t].count * sizeof *all);
        used += class->tiers[t].count;
    }
    struct steer_group group = {.count = (uint16_t)count};
    class->offer = class->offered != NULL ? class->offered : keep_list(set, all, count);
    group.table = get_table(set, plan, class->offer, count);
    class->offer_group = arena_copy(set->arena, &group, sizeof group);
    free(all);
}

static const struct steer_tier *keep_tier(struct steer_set *set, const struct steer_policy *plan,
                                          const struct steer_tier *tier)
{
    struct steer_tier *copy = tier == NULL ? NULL : arena_copy(set->arena, tier, sizeof *tier);
    if (copy != NULL) {
        copy_tier(set, plan, copy);
    }
    return copy;
}

static const struct steer_class *copy_classes(struct steer_set *set, const struct steer_policy *plan)
{
    struct arena *arena = set->arena;
    struct steer_class *classes = arena_copy(arena, plan->classes, plan->class_count * sizeof *classes);
    for (size_t i = 0; i < plan->class_count; i++) {
        struct steer_tier *tiers = arena_copy(arena, classes[i].tiers, classes[i].tier_count * sizeof *tiers);
        for (size_t t = 0; t < classes[i].tier_count; t++) {
            copy_tier(set, plan, &tiers[t]);
        }
        classes[i].label = arena_copy_text(arena, classes[i].label);
        classes[i].tiers = tiers;
        classes[i].pool = keep_tier(set, plan, classes[i].pool);
        classes[i].rest = keep_tier(set, plan, classes[i].rest);
        if (classes[i].offered != NULL) {
            classes[i].offered = keep_list(set, classes[i].offered, classes[i].offered_count);
        }
        make_offer(set, plan, &classes[i]);
    }
    return classes;
}

/* Classes name members by number, so policies with other endpoints may have the same ones; but for sticky
 * picks, which have tables of endpoints. wanted: the canonical bytes of the plan's. */
static const struct steer_class *keep_classes(struct steer_set *set, const struct steer_policy *plan,
                                              const char *wanted, size_t len)
{
    uint64_t hash = hash_finish(hash_bytes(HASH_START, wanted, len));
    size_t step = 0;
    if (plan->pick == STEER_PICK_STICKY) {
        return copy_classes(set, plan);
    }
    for (int64_t id; (id = index_find_next(&set->by_classes, hash, &step)) != -1;) {
        set->known.len = 0;
        write_classes(&set->known, set->policies[id]);
        if (set->known.len == len && memcmp(set->known.bytes, wanted, len) == 0) {
            return set->policies[id]->classes;
        }
    }
    index_put(&set->by_classes, hash, (uint32_t)set->count);
    return copy_classes(set, plan);
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
    atomic_init(&own->names, 0);
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

void steer_set_give_places(struct steer_set *set, const struct steer_place *places, size_t count)
{
    set->places = arena_copy(set->arena, places, count * sizeof *places);
}

const struct steer_place *steer_set_places(const struct steer_set *set)
{
    return set->places;
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
    index_copy(&set->by_content, &base->by_content);
    set->geo_count = set->geo_capacity = base->geo_count;
    set->geo = memory_copy(base->geo, base->geo_count * sizeof *base->geo);
    for (size_t i = 0; i < set->geo_count; i++) {
        geo_hold_tree(set->geo[i].tree);
    }
    index_copy(&set->by_geo_key, &base->by_geo_key);
    set->table_count = set->table_capacity = base->table_count;
    set->tables = memory_copy(base->tables, base->table_count * sizeof *base->tables);
    index_copy(&set->by_table_key, &base->by_table_key);
    set->list_count = set->list_capacity = base->list_count;
    set->lists = memory_copy(base->lists, base->list_count * sizeof *base->lists);
    index_copy(&set->by_list, &base->by_list);
    index_copy(&set->by_classes, &base->by_classes);
    set->places = base->places;
    set->has_ttl_failing = base->has_ttl_failing;
    set->cache_slots = base->cache_slots;
    set->offered_slots = base->offered_slots;
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
    free(set->by_table_key.slots);
    free(set->by_list.slots);
    free(set->by_classes.slots);
    free(set->tables);
    free(set->lists);
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
    plan_check(plan);
    const struct geo_tree *tree = keep_geo(set, geo, geo_key);
    size_t classes_at = write_content(&set->wanted, plan, geo_key);
    uint64_t hash = hash_finish(hash_bytes(HASH_START, set->wanted.bytes, set->wanted.len));
    int64_t known = find_policy(set, hash);
    if (known != -1) {
        return (uint32_t)known;
    }
    uint32_t id = (uint32_t)set->count;
    struct steer_policy *policy = arena_copy(set->arena, plan, sizeof *plan);
    policy->id = id;
    policy->type_count = count_types(plan);
    policy->types[0] = TYPE_A;
    policy->types[1] = TYPE_AAAA;
    policy->members = arena_copy(set->arena, plan->members, plan->member_count * sizeof *plan->members);
    policy->places = set->places != NULL ? set->places : plan->places;
    policy->classes = keep_classes(set, policy, set->wanted.bytes + classes_at, set->wanted.len - classes_at);
    policy->geo = tree;
    bool by_client = tree != NULL || plan->pick == STEER_PICK_STICKY;
    policy->subnets = by_client && plan->ignores_subnet ? geo_get_nowhere() : tree;
    policy->geo_label = arena_copy_text(set->arena, plan->geo_label);
    set->has_ttl_failing |= plan->has_ttl_failing;
    policy->cache_at = set->cache_slots;
    uint32_t slots = (uint32_t)policy->type_count * plan->class_count;
    assert(set->cache_slots <= UINT32_MAX - slots);
    set->cache_slots += slots;
    policy->offered_at = set->offered_slots;
    assert(set->offered_slots <= UINT32_MAX - plan->member_count);
    set->offered_slots += plan->member_count;
    set->policies =
        memory_grow(set->policies, set->count, &set->policy_capacity, sizeof(const struct steer_policy *));
    set->geo_keys = memory_grow(set->geo_keys, set->count, &set->key_capacity, sizeof *set->geo_keys);
    set->policies[id] = policy;
    set->geo_keys[id] = geo_key;
    set->count++;
    index_put(&set->by_content, hash, id);
    return id;
}

/* What extends a set and is let go again has given out numbers, too: so they are told by what they share. */
uint32_t steer_set_number_name(struct steer_set *set)
{
    return atomic_fetch_add_explicit(&set->stores[0]->names, 1, memory_order_relaxed);
}

size_t steer_set_count_names(const struct steer_set *set)
{
    return atomic_load_explicit(&set->stores[0]->names, memory_order_relaxed);
}

uint16_t steer_find_type(const struct steer_policy *policy, uint16_t type)
{
    for (unsigned i = 0; i < policy->type_count; i++) {
        if (policy->types[i] == type) {
            return (uint16_t)(1u << i);
        }
    }
    return 0;
}

bool steer_set_has_ttl_failing(const struct steer_set *set)
{
    return set->has_ttl_failing;
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

const struct steer_policy *const *steer_set_policies(const struct steer_set *set)
{
    return set->policies;
}
