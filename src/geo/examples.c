/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One client of each class: the tree is walked down, lowest addresses first, IPv4 before IPv6, until each
 * class has one or the tree has ended. */
#include "config.h"

#include "geo/geo.h"

#include "geo/tree.h"

#include <assert.h>
#include <string.h>

enum { CLASS_MASK = 0xffff, DEPTH_MAX = 128 / GEO_STRIDE, PENDING_MAX = DEPTH_MAX * GEO_FANOUT + 1 };

struct spot {
    uint32_t ref;
    unsigned depth; /* bits of the address that led there */
    struct addr at;
};

struct search {
    const struct geo_tree *tree;
    struct addr *examples;
    size_t count, left;
};

static void take(struct search *s, const struct spot *spot)
{
    size_t class_id = spot->ref & CLASS_MASK;
    if (class_id < s->count && s->examples[class_id].family == ADDR_NONE) {
        s->examples[class_id] = spot->at;
        s->left--;
    }
}

/* Depths are multiples of the stride: a child is half an octet. */
static struct spot step(const struct geo_tree *tree, const struct spot *spot, unsigned child)
{
    struct spot below = *spot;
    below.ref = tree->nodes[spot->ref].child[child];
    below.at.bytes[spot->depth / 8] |= (uint8_t)(spot->depth % 8 == 0 ? child << GEO_STRIDE : child);
    below.depth += GEO_STRIDE;
    return below;
}

static void search_family(struct search *s, enum addr_family family, uint32_t root)
{
    struct spot pending[PENDING_MAX];
    size_t count = 0;
    pending[count++] = (struct spot){.ref = root, .at = {.family = family}};
    while (count > 0 && s->left > 0) {
        const struct spot spot = pending[--count];
        if (geo_is_leaf(spot.ref)) {
            take(s, &spot);
            continue;
        }
        for (unsigned child = GEO_FANOUT; child-- > 0;) {
            assert(count < PENDING_MAX);
            pending[count++] = step(s->tree, &spot, child);
        }
    }
}

void geo_find_examples(const struct geo_tree *tree, struct addr *examples, size_t count)
{
    struct search search = {.tree = tree, .examples = examples, .count = count, .left = count};
    memset(examples, 0, count * sizeof *examples);
    for (size_t i = 0; i < count; i++) {
        examples[i].family = ADDR_NONE;
    }
    search_family(&search, ADDR_V4, tree->v4.root);
    search_family(&search, ADDR_V6, tree->v6.root);
}
