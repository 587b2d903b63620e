/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The compiled form of a rule set, shared by the builder (build.c) and the look-up (tree.c) inside this folder.
 *
 * A reference is either the index of a node or, with GEO_LEAF set, a class. A node is the pair of references for
 * the next bit of the address, 0 and 1. Nodes may be shared by several parents (the IPv4 part of an IPv6 tree). */
#pragma once

#include "geo/geo.h"

#define GEO_LEAF UINT32_C(0x80000000)

struct geo_node {
    uint32_t child[2];
};

struct geo_tree {
    struct geo_node *nodes;
    size_t node_count;
    uint32_t root_v4, root_v6;
};
