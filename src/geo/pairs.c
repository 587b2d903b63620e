/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Two trees side by side: which class of the one and which of the other some client has at once. Both are
 * walked down by the same addresses, four bits per step; where one has ended its leaf stands for all that is
 * below. Leaves that fill several slots of a node follow each other there, and are told once. */
#include "config.h"

#include "geo/geo.h"

#include "geo/tree.h"

#include <assert.h>
#include <string.h>

enum { CLASS_MASK = 0xffff, DEPTH_MAX = 128 / GEO_STRIDE };
enum { PENDING_MAX = DEPTH_MAX * GEO_FANOUT };

/* What two references lead to is to be looked at. */
struct both {
    uint32_t at[2];
};

struct pairing {
    const struct geo_tree *trees[2];
    geo_pair_visit *visit;
    void *context;
    struct both pending[PENDING_MAX];
    size_t count;
    bool has_told;
    uint16_t last[2]; /* the pair that was told last */
};

static void tell(struct pairing *p, const struct both *leaves)
{
    uint16_t a = leaves->at[0] & CLASS_MASK, b = leaves->at[1] & CLASS_MASK;
    if (geo_tells_elsewhere(leaves->at[0]) || geo_tells_elsewhere(leaves->at[1])) {
        return; /* they have the classes of IPv4 clients, and in both trees nearly always */
    }
    if (p->has_told && p->last[0] == a && p->last[1] == b) {
        return;
    }
    p->has_told = true;
    p->last[0] = a;
    p->last[1] = b;
    p->visit(p->context, a, b);
}

static uint32_t step(const struct geo_tree *tree, uint32_t at, unsigned i)
{
    return geo_is_leaf(at) ? at : tree->nodes[at].child[i];
}

static void walk(struct pairing *p, uint32_t root_a, uint32_t root_b)
{
    p->pending[p->count++] = (struct both){{root_a, root_b}};
    while (p->count > 0) {
        const struct both at = p->pending[--p->count];
        if (geo_is_leaf(at.at[0]) && geo_is_leaf(at.at[1])) {
            tell(p, &at);
            continue;
        }
        for (unsigned i = 0; i < GEO_FANOUT; i++) {
            const struct both below = {{step(p->trees[0], at.at[0], i), step(p->trees[1], at.at[1], i)}};
            if (geo_is_leaf(below.at[0]) && geo_is_leaf(below.at[1])) {
                tell(p, &below);
            } else {
                assert(p->count < PENDING_MAX);
                p->pending[p->count++] = below;
            }
        }
    }
}

static bool is_same(const struct geo_tree *a, const struct geo_tree *b)
{
    return a == b ||
           (a->node_count == b->node_count && a->v4.root == b->v4.root && a->v6.root == b->v6.root &&
            (a->node_count == 0 || memcmp(a->nodes, b->nodes, a->node_count * sizeof *a->nodes) == 0));
}

static void tell_leaf(struct pairing *p, uint32_t at)
{
    if (geo_is_leaf(at)) {
        tell(p, &(struct both){{at, at}});
    }
}

/* The same tree twice: its leaves, in whatever order. */
static void list_leaves(struct pairing *p)
{
    const struct geo_tree *tree = p->trees[0];
    tell_leaf(p, tree->v4.root);
    tell_leaf(p, tree->v6.root);
    for (size_t n = 0; n < tree->node_count; n++) {
        for (unsigned i = 0; i < GEO_FANOUT; i++) {
            tell_leaf(p, tree->nodes[n].child[i]);
        }
    }
}

void geo_pair_classes(const struct geo_tree *a, const struct geo_tree *b, geo_pair_visit *visit,
                      void *context)
{
    static const struct geo_tree none = {.v4.root = GEO_LEAF, .v6.root = GEO_LEAF}; /* all are class 0 */
    struct pairing p = {
        .trees = {a == NULL ? &none : a, b == NULL ? &none : b}, .visit = visit, .context = context};
    if (is_same(p.trees[0], p.trees[1])) {
        list_leaves(&p);
        return;
    }
    walk(&p, p.trees[0]->v4.root, p.trees[1]->v4.root);
    walk(&p, p.trees[0]->v6.root, p.trees[1]->v6.root);
}
