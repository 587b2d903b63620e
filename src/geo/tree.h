/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The compiled form of a rule set: made by build.c, asked by tree.c and explain.c. */
#pragma once

#include "geo/geo.h"
#include "geo/rules.h"
#include "geo/trie.h"

#include <stdatomic.h>

/* Four bits of an address: 16 references, one cache line. A reference is the index of a node or, with
 * GEO_LEAF, a class and how many bits fewer than asked lead there. */
enum { GEO_STRIDE = 4, GEO_FANOUT = 1 << GEO_STRIDE };

struct geo_wide_node {
    uint32_t child[GEO_FANOUT];
};

struct geo_family {
    uint32_t root;
    uint32_t *table; /* of the first 16 bits; NULL: there is none, begin at the root */
};

/* The value of a leaf whose class is not told by it: more than any leaf of a class has, and with the class
 * GEO_CLASS_ELSEWHERE. */
#define GEO_ELSEWHERE (UINT32_C(1) << 24 | GEO_CLASS_ELSEWHERE)

static inline bool geo_tells_elsewhere(uint32_t ref)
{
    return geo_is_leaf(ref) && (ref & GEO_ELSEWHERE) == GEO_ELSEWHERE;
}

struct geo_tree {
    _Atomic uint32_t holders; /* of any thread; everything else is read-only */
    struct geo_family v4, v6;
    unsigned ways;                     /* whose clients are looked up as IPv4 (ways.h) */
    const struct geo_wide_node *nodes; /* aligned, in `block` */
    void *block;
    size_t node_count;
    /* for explaining, and for whoever makes classes of orders */
    struct geo_rules *rules;
    struct arena *arena;
    const struct geo_order *orders;
    size_t order_count;
    unsigned *nearest_counts;
};

/* The look-up part. Copies the nodes in the order that look-ups like. Leaves hold classes. */
struct geo_tree *geo_tree_new(const struct geo_trie *classes, uint32_t root_v4, uint32_t root_v6);
