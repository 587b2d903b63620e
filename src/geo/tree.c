/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The look-up of the data path: down a tree of four bits per step to a leaf. Where the binary tree ended
 * within a step, the leaf tells how many bits too many were taken; so the bits of the way, less those, are
 * the ECS scope, which is exact because the builder merged all equal neighbours. Large trees have a table of
 * their first 16 bits per family, so that the walk begins where networks are.
 *
 * A node is one cache line. The children of a node lie side by side, and what is below the first of them
 * follows, so a search in one part of the address space stays in one part of memory. Reads only; any thread.
 */
#include "config.h"

#include "geo/geo.h"

#include "geo/tree.h"
#include "geo/ways.h"

#include "base/memory.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE_BITS = 16, TABLE_SIZE = 1 << TABLE_BITS };
/* Below this many nodes (half a megabyte) two tables of 256 KiB cost more cache than they save steps. */
enum { TABLE_WORTH_NODES = 8192 };
enum { CLASS_BITS = 16, CLASS_MASK = (1 << CLASS_BITS) - 1, SPARE_MASK = 0x1f };
/* On the way down each of 128 / GEO_STRIDE nodes leaves its other children behind. */
enum { PENDING_MAX = 128 / GEO_STRIDE * GEO_FANOUT };

/* ---- making ---- */

struct maker {
    const struct geo_trie *trie;
    uint32_t *numbers; /* of wide nodes by binary node; GEO_LEAF: none yet */
    struct geo_wide_node *nodes;
    size_t count, capacity;
    uint32_t pending[PENDING_MAX]; /* binary nodes whose children are not filled yet */
    size_t pending_count;
};

/* From a binary node `bits` bits down, or until a leaf; *spare: how many of them were not needed. */
static uint32_t descend(const struct geo_trie *trie, uint32_t at, uint32_t path, unsigned bits,
                        unsigned *spare)
{
    while (bits > 0 && !geo_is_leaf(at)) {
        bits--;
        at = trie->nodes[at].child[path >> bits & 1];
    }
    *spare = bits;
    return at;
}

static uint32_t number_node(struct maker *maker, uint32_t at)
{
    if (maker->numbers[at] == GEO_LEAF) {
        maker->nodes = memory_grow(maker->nodes, maker->count, &maker->capacity, sizeof *maker->nodes);
        maker->numbers[at] = (uint32_t)maker->count++;
        assert(maker->pending_count < PENDING_MAX);
        maker->pending[maker->pending_count++] = at;
    }
    return maker->numbers[at];
}

static uint32_t make_reference(struct maker *maker, uint32_t at, unsigned spare)
{
    return geo_is_leaf(at) ? at | spare << CLASS_BITS : number_node(maker, at);
}

/* From the last to the first, so that the first is the next to be filled. */
static void fill_node(struct maker *maker, uint32_t at)
{
    for (uint32_t path = GEO_FANOUT; path-- > 0;) {
        unsigned spare;
        uint32_t below = descend(maker->trie, at, path, GEO_STRIDE, &spare);
        uint32_t reference = make_reference(maker, below, spare);
        maker->nodes[maker->numbers[at]].child[path] = reference;
    }
}

static uint32_t make_nodes(struct maker *maker, uint32_t root)
{
    uint32_t reference = make_reference(maker, root, 0);
    while (maker->pending_count > 0) {
        fill_node(maker, maker->pending[--maker->pending_count]);
    }
    return reference;
}

static uint32_t *make_table(struct maker *maker, uint32_t root)
{
    if (geo_is_leaf(root)) {
        return NULL;
    }
    uint32_t *table = memory_alloc_array(TABLE_SIZE, sizeof *table);
    for (uint32_t path = 0; path < TABLE_SIZE; path++) {
        unsigned spare;
        uint32_t at = descend(maker->trie, root, path, TABLE_BITS, &spare);
        table[path] = geo_is_leaf(at) ? at | spare << CLASS_BITS : maker->numbers[at];
    }
    return table;
}

static void keep_nodes(struct geo_tree *tree, struct maker *maker)
{
    size_t line = sizeof *maker->nodes, size = maker->count * line;
    tree->block = memory_alloc(size + line);
    uintptr_t aligned = ((uintptr_t)tree->block + line - 1) & ~(uintptr_t)(line - 1);
    struct geo_wide_node *nodes = (struct geo_wide_node *)aligned;
    for (size_t i = 0; i < maker->count; i++) {
        nodes[i] = maker->nodes[i];
    }
    tree->nodes = nodes;
    tree->node_count = maker->count;
}

struct geo_tree *geo_tree_new(const struct geo_trie *classes, uint32_t root_v4, uint32_t root_v6)
{
    struct geo_tree *tree = memory_alloc(sizeof *tree);
    struct maker maker = {.trie = classes};
    atomic_init(&tree->holders, 1);
    maker.numbers = memory_alloc_array(classes->count, sizeof *maker.numbers);
    for (size_t i = 0; i < classes->count; i++) {
        maker.numbers[i] = GEO_LEAF;
    }
    tree->v4.root = make_nodes(&maker, root_v4);
    tree->v6.root = make_nodes(&maker, root_v6);
    if (maker.count >= TABLE_WORTH_NODES) {
        tree->v4.table = make_table(&maker, root_v4);
        tree->v6.table = make_table(&maker, root_v6);
    }
    keep_nodes(tree, &maker);
    free(maker.numbers);
    free(maker.nodes);
    return tree;
}

void geo_hold_tree(const struct geo_tree *tree)
{
    if (tree != NULL) {
        /* Holding changes nothing that a reader sees. */
        atomic_fetch_add_explicit(&((struct geo_tree *)(uintptr_t)tree)->holders, 1, memory_order_relaxed);
    }
}

void geo_free_tree(struct geo_tree *tree)
{
    if (tree != NULL && atomic_fetch_sub_explicit(&tree->holders, 1, memory_order_acq_rel) == 1) {
        free(tree->block);
        free(tree->v4.table);
        free(tree->v6.table);
        geo_rules_free(tree->rules);
        arena_free(tree->arena);
        free(tree);
    }
}

size_t geo_tree_size(const struct geo_tree *tree)
{
    size_t tables = (tree->v4.table != NULL) + (size_t)(tree->v6.table != NULL);
    size_t orders = 0;
    for (size_t i = 0; i < tree->order_count; i++) {
        orders += sizeof *tree->orders + tree->orders[i].count * sizeof *tree->orders->sites;
    }
    return sizeof *tree + (tree->node_count + 1) * sizeof *tree->nodes +
           tables * TABLE_SIZE * sizeof(uint32_t) + orders + geo_rules_size(tree->rules);
}

size_t geo_get_orders(const struct geo_tree *tree, const struct geo_order **orders)
{
    *orders = tree->orders;
    return tree->order_count;
}

unsigned geo_get_nearest_count(const struct geo_tree *tree, uint32_t nearest)
{
    return tree->nearest_counts[nearest];
}

unsigned geo_tree_needs(const struct geo_tree *tree)
{
    return tree->rules->needs;
}

/* ---- asking ---- */

static inline uint32_t read_32(const uint8_t *bytes)
{
    uint32_t bits;
    memcpy(&bits, bytes, sizeof bits);
    return be32toh(bits);
}

static inline uint64_t read_64(const uint8_t *bytes)
{
    uint64_t bits;
    memcpy(&bits, bytes, sizeof bits);
    return be64toh(bits);
}

static inline struct geo_match make_match(uint32_t leaf, unsigned depth)
{
    return (struct geo_match){.class_id = (uint16_t)(leaf & CLASS_MASK),
                              .scope = (uint8_t)(depth - (leaf >> CLASS_BITS & SPARE_MASK))};
}

static struct geo_match find_v4(const struct geo_tree *tree, const uint8_t *bytes)
{
    const struct geo_wide_node *nodes = tree->nodes;
    uint32_t at = tree->v4.root, bits = read_32(bytes);
    unsigned depth = 0;
    if (tree->v4.table != NULL) {
        at = tree->v4.table[bits >> TABLE_BITS];
        bits <<= TABLE_BITS;
        depth = TABLE_BITS;
    }
    for (; !geo_is_leaf(at); depth += GEO_STRIDE) {
        at = nodes[at].child[bits >> (32 - GEO_STRIDE)];
        bits <<= GEO_STRIDE;
    }
    return make_match(at, depth);
}

static struct geo_match find_v6(const struct geo_tree *tree, const uint8_t *bytes)
{
    const struct geo_wide_node *nodes = tree->nodes;
    uint64_t bits = read_64(bytes);
    uint32_t at = tree->v6.root;
    unsigned depth = 0;
    if (tree->v6.table != NULL) {
        at = tree->v6.table[bits >> (64 - TABLE_BITS)];
        bits <<= TABLE_BITS;
        depth = TABLE_BITS;
    }
    while (!geo_is_leaf(at)) {
        at = nodes[at].child[bits >> (64 - GEO_STRIDE)];
        depth += GEO_STRIDE;
        bits = depth == 64 ? read_64(bytes + 8) : bits << GEO_STRIDE;
    }
    return make_match(at, depth);
}

struct geo_match geo_look_up(const struct geo_tree *tree, const struct addr *addr)
{
    return addr->family == ADDR_V4 ? find_v4(tree, addr->bytes) : find_v6(tree, addr->bytes);
}

struct geo_match geo_find_class(const struct geo_tree *tree, const struct addr *addr)
{
    struct geo_match match = geo_look_up(tree, addr);
    const struct geo_way *way = match.class_id == GEO_CLASS_ELSEWHERE ? geo_find_way(addr, tree->ways) : NULL;
    if (way != NULL) {
        struct addr v4 = geo_way_address(way, addr);
        match = geo_look_up(tree, &v4);
        match.scope = (uint8_t)(match.scope + way->at * 8u);
    }
    return match;
}

const struct geo_tree *geo_get_nowhere(void)
{
    static const struct geo_tree nowhere = {.v4.root = GEO_LEAF | GEO_ELSEWHERE,
                                            .v6.root = GEO_LEAF | GEO_ELSEWHERE};
    return &nowhere;
}
