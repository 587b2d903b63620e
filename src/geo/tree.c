/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The look-up of the data path: down a binary prefix tree, bit by bit, to a leaf. The depth of the leaf is
 * the ECS scope, because the builder merged all equal neighbours. Large trees have a table of their first 16
 * bits per family, so that the walk begins where networks are; a small tree lies in the cache as it is.
 *
 * Nodes are stored in the order of a walk (a node, what is below its 0, what is below its 1), so a search in
 * one part of the address space stays in one part of memory. Reads only; any thread. */
#include "config.h"

#include "geo/geo.h"

#include "geo/tree.h"

#include "base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Below this many nodes (half a megabyte) two tables of 256 KiB cost more cache than they save steps. */
enum { TABLE_BITS = 16, TABLE_SIZE = 1 << TABLE_BITS, TABLE_WORTH_NODES = 65536, DEPTH_MAX = 128 };

/* Leaves in a table carry their depth above the class. */
enum { CLASS_BITS = 16, CLASS_MASK = (1 << CLASS_BITS) - 1, TABLE_DEPTH_MASK = 0x1f };

struct family {
    uint32_t root;
    uint32_t *table; /* or NULL */
};

struct geo_tree {
    _Atomic uint32_t holders; /* of any thread; everything else is read-only */
    struct geo_node *nodes;
    size_t node_count;
    struct family v4, v6;
};

/* ---- making ---- */

/* Nodes that are reached, in order of a walk from `root`. place[] maps old numbers to new ones; GEO_LEAF: not
 * yet. */
static void number_nodes(struct geo_tree *tree, const struct geo_trie *trie, uint32_t *place, uint32_t root)
{
    uint32_t stack[DEPTH_MAX + 2];
    size_t depth = 0;
    stack[depth++] = root;
    while (depth > 0) {
        uint32_t at = stack[--depth];
        if (geo_is_leaf(at) || place[at] != GEO_LEAF) {
            continue;
        }
        place[at] = (uint32_t)tree->node_count;
        tree->nodes[tree->node_count++] = trie->nodes[at];
        stack[depth++] = trie->nodes[at].child[1];
        stack[depth++] = trie->nodes[at].child[0];
    }
}

static uint32_t new_ref(const uint32_t *place, uint32_t ref)
{
    return geo_is_leaf(ref) ? ref : place[ref];
}

static uint32_t table_entry(const struct geo_node *nodes, uint32_t at, uint32_t bits)
{
    for (unsigned depth = 0; depth < TABLE_BITS; depth++) {
        if (geo_is_leaf(at)) {
            return at | depth << CLASS_BITS;
        }
        at = nodes[at].child[bits >> (TABLE_BITS - 1 - depth) & 1];
    }
    return geo_is_leaf(at) ? at | TABLE_BITS << CLASS_BITS : at;
}

static void fill_table(const struct geo_tree *tree, struct family *family)
{
    if (geo_is_leaf(family->root)) {
        return;
    }
    family->table = memory_alloc_array(TABLE_SIZE, sizeof *family->table);
    for (uint32_t i = 0; i < TABLE_SIZE; i++) {
        family->table[i] = table_entry(tree->nodes, family->root, i);
    }
}

struct geo_tree *geo_tree_new(const struct geo_trie *classes, uint32_t root_v4, uint32_t root_v6)
{
    struct geo_tree *tree = memory_alloc(sizeof *tree);
    atomic_init(&tree->holders, 1);
    uint32_t *place = memory_alloc_array(classes->count, sizeof *place);
    for (size_t i = 0; i < classes->count; i++) {
        place[i] = GEO_LEAF;
    }
    tree->nodes = memory_alloc_array(classes->count, sizeof *tree->nodes);
    number_nodes(tree, classes, place, root_v4);
    number_nodes(tree, classes, place, root_v6);
    for (size_t i = 0; i < tree->node_count; i++) {
        uint32_t *child = tree->nodes[i].child;
        child[0] = new_ref(place, child[0]);
        child[1] = new_ref(place, child[1]);
    }
    tree->v4.root = new_ref(place, root_v4);
    tree->v6.root = new_ref(place, root_v6);
    if (tree->node_count >= TABLE_WORTH_NODES) {
        fill_table(tree, &tree->v4);
        fill_table(tree, &tree->v6);
    }
    free(place);
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
        free(tree->nodes);
        free(tree->v4.table);
        free(tree->v6.table);
        free(tree);
    }
}

size_t geo_tree_size(const struct geo_tree *tree)
{
    size_t tables = (tree->v4.table != NULL) + (size_t)(tree->v6.table != NULL);
    return sizeof *tree + tree->node_count * sizeof *tree->nodes + tables * TABLE_SIZE * sizeof(uint32_t);
}

/* ---- asking ---- */

static inline uint64_t read_bits(const uint8_t *bytes)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++) {
        bits = bits << 8 | bytes[i];
    }
    return bits;
}

struct geo_match geo_find_class(const struct geo_tree *tree, const struct addr *addr)
{
    const struct family *family = addr->family == ADDR_V4 ? &tree->v4 : &tree->v6;
    const struct geo_node *nodes = tree->nodes;
    uint64_t bits = read_bits(addr->bytes);
    uint32_t at = family->root;
    unsigned depth = 0;
    if (family->table != NULL) {
        at = family->table[bits >> (64 - TABLE_BITS)];
        if (geo_is_leaf(at)) {
            return (struct geo_match){.class_id = (uint16_t)(at & CLASS_MASK),
                                      .scope = (uint8_t)(at >> CLASS_BITS & TABLE_DEPTH_MASK)};
        }
        depth = TABLE_BITS;
        bits <<= TABLE_BITS;
    }
    while (!geo_is_leaf(at)) {
        at = nodes[at].child[bits >> 63];
        depth++;
        bits = depth == 64 ? read_bits(addr->bytes + 8) : bits << 1;
    }
    return (struct geo_match){.class_id = (uint16_t)(at & CLASS_MASK), .scope = (uint8_t)depth};
}
