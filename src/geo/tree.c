/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The look-up of the data path: one walk down a binary prefix tree, bit by bit, to a leaf. The depth of the
 * leaf is the ECS scope, because the builder merged all equal neighbours. Reads only; any thread. */
#include "config.h"

#include "geo/geo.h"

#include "geo/tree.h"

#include <stdlib.h>

void geo_free_tree(struct geo_tree *tree)
{
    if (tree != NULL) {
        free(tree->nodes);
        free(tree);
    }
}

struct geo_match geo_find_class(const struct geo_tree *tree, const struct addr *addr)
{
    uint32_t at = addr->family == ADDR_V4 ? tree->root_v4 : tree->root_v6;
    unsigned depth = 0;
    while ((at & GEO_LEAF) == 0) {
        at = tree->nodes[at].child[addr->bytes[depth / 8] >> (7 - depth % 8) & 1];
        depth++;
    }
    return (struct geo_match){.class_id = (uint16_t)at, .scope = (uint8_t)depth};
}

size_t geo_tree_size(const struct geo_tree *tree)
{
    return sizeof *tree + tree->node_count * sizeof *tree->nodes;
}
