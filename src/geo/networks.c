/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Many clients at once: the networks of a country or an AS, and the classes of all addresses of a network.
 * Nothing is joined for that: where a database does not know, the walk goes on in the next one. Both walks
 * keep what is still to be looked at in a list of bounded length. */
#include "config.h"

#include "geo/geo.h"

#include "geo/db.h"
#include "geo/tree.h"

#include <assert.h>
#include <string.h>

enum { BITS_MAX = 128, PENDING_MAX = BITS_MAX / GEO_STRIDE * GEO_FANOUT, CLASS_MASK = 0xffff };

uint32_t geo_number_country(const char *text)
{
    return geo_code_read(text, strlen(text));
}

static uint32_t value_of(const struct geo_db *db, uint32_t facts, enum geo_kind kind)
{
    const struct geo_facts *own = geo_pool_get(&db->facts, facts);
    return kind == GEO_COUNTRY ? own->country : kind == GEO_ASN ? own->asn : 0;
}

bool geo_knows(struct geo_db *const *dbs, size_t db_count, enum geo_kind kind, uint32_t value)
{
    for (size_t d = 0; d < db_count; d++) {
        for (size_t i = 1; i < dbs[d]->facts.count; i++) {
            if (value_of(dbs[d], (uint32_t)i, kind) == value) {
                return true;
            }
        }
    }
    return false;
}

/* ---- networks ---- */

struct frame {
    size_t db;
    uint32_t ref;
    struct addr_prefix at;
};

static unsigned bit_of(const struct addr *addr, unsigned bit)
{
    return addr->bytes[bit / 8] >> (7 - bit % 8) & 1u;
}

static uint32_t root_of(const struct geo_db *db, uint8_t family)
{
    return family == ADDR_V4 ? db->root_v4 : db->root_v6;
}

/* Where a prefix goes on in a database. */
static uint32_t descend(const struct geo_db *db, const struct addr_prefix *to)
{
    uint32_t ref = root_of(db, to->addr.family);
    for (unsigned bit = 0; bit < to->len && !geo_is_leaf(ref); bit++) {
        ref = geo_trie_child(&db->networks, ref, bit_of(&to->addr, bit));
    }
    return ref;
}

/* IPv4 as IPv6 spells it: mapped and compatible addresses, NAT64, Teredo, 6to4. */
static bool is_translated(const struct addr_prefix *at)
{
    static const struct addr_prefix ways[] = {{{ADDR_V6, {0}}, 64},
                                              {{ADDR_V6, {0x00, 0x64, 0xff, 0x9b}}, 96},
                                              {{ADDR_V6, {0x20, 0x01}}, 32},
                                              {{ADDR_V6, {0x20, 0x02}}, 16}};
    for (size_t i = 0; at->addr.family == ADDR_V6 && i < sizeof ways / sizeof *ways; i++) {
        if (ways[i].len == at->len && addr_equal(&ways[i].addr, &at->addr)) {
            return true;
        }
    }
    return false;
}

/* The halves of a frame, the lower one to be looked at first. */
static size_t split(const struct geo_db *db, const struct frame *frame, struct frame *pending, size_t count)
{
    for (unsigned bit = 2; bit-- > 0;) {
        struct frame half = *frame;
        half.ref = geo_trie_child(&db->networks, frame->ref, bit);
        half.at.addr.bytes[frame->at.len / 8] |= (uint8_t)(bit << (7 - frame->at.len % 8));
        half.at.len++;
        pending[count++] = half;
    }
    return count;
}

/* Returns whether to go on. */
static bool visit_family(struct geo_db *const *dbs, size_t db_count, enum geo_kind kind, uint8_t family,
                         const struct geo_network_visitor *to)
{
    struct frame pending[BITS_MAX + 2];
    size_t count = 0;
    pending[count++] = (struct frame){0, root_of(dbs[0], family), {{family, {0}}, 0}};
    bool goes_on = true;
    while (count > 0 && goes_on) {
        struct frame frame = pending[--count];
        const struct geo_db *db = dbs[frame.db];
        if (is_translated(&frame.at)) {
            continue;
        }
        if (!geo_is_leaf(frame.ref)) {
            assert(count + 2 <= sizeof pending / sizeof *pending);
            count = split(db, &frame, pending, count);
            continue;
        }
        uint32_t value = value_of(db, frame.ref & ~GEO_LEAF, kind);
        if (value != 0) {
            goes_on = to->visit(to->context, value, &frame.at);
        } else if (frame.db + 1 < db_count) {
            frame.ref = descend(dbs[++frame.db], &frame.at);
            pending[count++] = frame;
        }
    }
    return goes_on;
}

void geo_visit_networks(struct geo_db *const *dbs, size_t db_count, enum geo_kind kind,
                        const struct geo_network_visitor *to)
{
    if (db_count != 0 && visit_family(dbs, db_count, kind, ADDR_V4, to)) {
        (void)visit_family(dbs, db_count, kind, ADDR_V6, to);
    }
}

/* ---- classes ---- */

struct part {
    uint32_t ref;
    unsigned depth;
    double weight;
};

/* The children of a node that hold addresses of the network: `count` of them from `first` on. */
static unsigned find_children(const struct addr_prefix *network, unsigned depth, unsigned *count)
{
    unsigned first = 0, known = 0;
    for (unsigned bit = depth; bit < network->len && known < GEO_STRIDE; bit++) {
        first = first << 1 | bit_of(&network->addr, bit);
        known++;
    }
    *count = 1u << (GEO_STRIDE - known);
    return first << (GEO_STRIDE - known);
}

void geo_weigh_classes(const struct geo_tree *tree, const struct addr_prefix *network, double weight,
                       double *by_class, size_t class_count)
{
    struct part pending[PENDING_MAX];
    size_t pending_count = 0;
    uint32_t root = network->addr.family == ADDR_V4 ? tree->v4.root : tree->v6.root;
    pending[pending_count++] = (struct part){root, 0, weight};
    while (pending_count > 0) {
        struct part part = pending[--pending_count];
        unsigned count;
        if (geo_tells_elsewhere(part.ref)) {
            pending[pending_count++] = (struct part){tree->v4.root, BITS_MAX, part.weight};
            continue;
        }
        if (geo_is_leaf(part.ref)) {
            uint32_t class_id = part.ref & CLASS_MASK;
            by_class[class_id < class_count ? class_id : 0] += part.weight;
            continue;
        }
        unsigned first = find_children(network, part.depth, &count);
        for (unsigned i = first; i < first + count; i++) {
            assert(pending_count < PENDING_MAX);
            pending[pending_count++] =
                (struct part){tree->nodes[part.ref].child[i], part.depth + GEO_STRIDE, part.weight / count};
        }
    }
}
