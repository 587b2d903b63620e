/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The ways in which IPv6 spells IPv4 addresses: their clients are looked up as IPv4, in databases and in
 * rules. In the tree of classes the IPv4 part stands in their ranges, so a look-up pays nothing for them. A
 * way in whose range a rule has a prefix of its own is as that rule says. Inside this folder; cannot fail. */
#pragma once

#include "geo/rules.h"
#include "geo/trie.h"

struct geo_way {
    struct addr_prefix range;
    uint8_t at;   /* the octet where the IPv4 address begins */
    bool flipped; /* all of its bits are */
};

enum { GEO_WAYS = 6, GEO_WAYS_ALL = (1 << GEO_WAYS) - 1 };

/* Those, as bits, in whose range no rule has a prefix. */
unsigned geo_ways_of_rules(const struct geo_rules *rules);
/* The way that an address goes, of `ways`; NULL: it is an IPv6 address like any other, or an IPv4 one. */
const struct geo_way *geo_find_way(const struct addr *addr, unsigned ways);
struct addr geo_way_address(const struct geo_way *way, const struct addr *addr);
/* Gives the IPv6 part of a tree of classes the IPv4 part wherever a way leads there. Teredo, whose addresses
 * stand at the end and flipped, becomes a leaf that says GEO_ELSEWHERE. Returns the new root. */
uint32_t geo_ways_graft(struct geo_trie *trie, uint32_t root_v6, uint32_t root_v4, unsigned ways);
