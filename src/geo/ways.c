/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See ways.h. */
#include "config.h"

#include "geo/ways.h"

#include "geo/tree.h"

#include <string.h>

enum { V4_BITS = 32, DEPTH_MAX = 128 };

static const struct geo_way known[GEO_WAYS] = {
    {{{ADDR_V6, {0}}, 96}, 12, false},                        /* RFC 4291, compatible; ::1 too */
    {{{ADDR_V6, {[10] = 0xff, [11] = 0xff}}, 96}, 12, false}, /* RFC 4291, mapped */
    {{{ADDR_V6, {[8] = 0xff, [9] = 0xff}}, 96}, 12, false},   /* RFC 2765 */
    {{{ADDR_V6, {0x00, 0x64, 0xff, 0x9b}}, 96}, 12, false},   /* RFC 6052, of NAT64 */
    {{{ADDR_V6, {0x20, 0x01}}, 32}, 12, true},                /* RFC 4380, Teredo */
    {{{ADDR_V6, {0x20, 0x02}}, 16}, 2, false},                /* RFC 3056, 6to4 */
};

static bool has_prefix_inside(const struct geo_rules *rules, const struct addr_prefix *range)
{
    for (size_t i = rules->v6_from; i < rules->link_count; i++) {
        const struct addr_prefix *prefix = &rules->links[i].prefix;
        if (prefix->len >= range->len && addr_in_prefix(&prefix->addr, range)) {
            return true;
        }
    }
    return false;
}

unsigned geo_ways_of_rules(const struct geo_rules *rules)
{
    unsigned ways = 0;
    for (unsigned i = 0; i < GEO_WAYS; i++) {
        ways |= has_prefix_inside(rules, &known[i].range) ? 0 : 1u << i;
    }
    return ways;
}

const struct geo_way *geo_find_way(const struct addr *addr, unsigned ways)
{
    for (unsigned i = 0; i < GEO_WAYS && addr->family == ADDR_V6; i++) {
        if ((ways >> i & 1) != 0 && addr_in_prefix(addr, &known[i].range)) {
            return &known[i];
        }
    }
    return NULL;
}

struct addr geo_way_address(const struct geo_way *way, const struct addr *addr)
{
    struct addr v4 = {.family = ADDR_V4};
    for (unsigned i = 0; i < V4_BITS / 8; i++) {
        v4.bytes[i] = (uint8_t)(addr->bytes[way->at + i] ^ (way->flipped ? 0xff : 0));
    }
    return v4;
}

static unsigned bit_of(const struct addr *addr, unsigned bit)
{
    return addr->bytes[bit / 8] >> (7 - bit % 8) & 1u;
}

/* The tree with something else at a prefix. What is shared with other parts of it stays as it is. */
static uint32_t put(struct geo_trie *trie, uint32_t root, const struct addr_prefix *at, uint32_t what)
{
    uint32_t way[DEPTH_MAX], ref = root;
    for (unsigned depth = 0; depth < at->len; depth++) {
        way[depth] = ref;
        ref = geo_trie_child(trie, ref, bit_of(&at->addr, depth));
    }
    ref = what;
    for (unsigned depth = at->len; depth-- > 0;) {
        unsigned bit = bit_of(&at->addr, depth);
        uint32_t other = geo_trie_child(trie, way[depth], !bit);
        ref = bit == 0 ? geo_trie_join(trie, ref, other) : geo_trie_join(trie, other, ref);
    }
    return ref;
}

uint32_t geo_ways_graft(struct geo_trie *trie, uint32_t root_v6, uint32_t root_v4, unsigned ways)
{
    for (unsigned i = 0; i < GEO_WAYS; i++) {
        bool is_elsewhere = known[i].flipped && !geo_is_leaf(root_v4);
        if ((ways >> i & 1) != 0) {
            root_v6 = put(trie, root_v6, &known[i].range, is_elsewhere ? GEO_LEAF | GEO_ELSEWHERE : root_v4);
        }
    }
    return root_v6;
}
