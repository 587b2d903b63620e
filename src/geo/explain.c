/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which rule decided for an address: the same matching as while building, for the facts of this one address.
 * Not for the data path. */
#include "config.h"

#include "geo/geo.h"

#include "geo/place.h"
#include "geo/rules.h"
#include "geo/tree.h"
#include "geo/ways.h"

#include <string.h>

/* Behind the last link with this prefix, in the order of links. */
static size_t find_behind(const struct geo_rules *rules, const struct addr_prefix *prefix)
{
    size_t low = prefix->addr.family == ADDR_V4 ? 0 : rules->v6_from,
           high = prefix->addr.family == ADDR_V4 ? rules->v6_from : rules->link_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct addr_prefix *other = &rules->links[middle].prefix;
        int order = memcmp(other->addr.bytes, prefix->addr.bytes, sizeof prefix->addr.bytes);
        if (order < 0 || (order == 0 && other->len <= prefix->len)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The rule that wins by a prefix of exactly this length, or -1. */
static ptrdiff_t match_prefix(const struct geo_rules *rules, const struct geo_facts *facts,
                              const struct addr_prefix *prefix)
{
    for (size_t i = find_behind(rules, prefix); i > 0; i--) {
        const struct geo_link *link = &rules->links[i - 1];
        if (link->prefix.len != prefix->len || !addr_equal(&link->prefix.addr, &prefix->addr)) {
            break;
        }
        if (geo_matcher_holds(&rules->matchers[link->rule], facts)) {
            return link->rule;
        }
    }
    return -1;
}

static void translate(const struct geo_rules *rules, const struct geo_pool *texts, struct geo_facts *facts)
{
    facts->city = geo_rules_find_text(rules, geo_pool_get(texts, facts->city));
    for (size_t i = 0; i < GEO_SUBDIVISIONS; i++) {
        facts->subdivision[i] = geo_rules_find_text(rules, geo_pool_get(texts, facts->subdivision[i]));
    }
}

struct geo_reason geo_explain(const struct geo_tree *tree, struct geo_db *const *dbs, size_t db_count,
                              const struct addr *client)
{
    const struct geo_rules *rules = tree->rules;
    const struct geo_way *way = geo_find_way(client, tree->ways);
    struct geo_reason reason = {.rule = -1};
    struct addr v4;
    const struct addr *addr = client;
    if (way != NULL) {
        v4 = geo_way_address(way, client);
        addr = &v4;
    }
    struct geo_pool texts;
    struct geo_facts facts;
    geo_pool_init(&texts, "", 0);
    (void)geo_find_facts(dbs, db_count, addr, &texts, &facts);
    translate(rules, &texts, &facts);
    geo_pool_fini(&texts);
    for (size_t len = addr_len(addr) * 8 + 1; addr->family != ADDR_NONE && len-- > 0;) {
        struct addr_prefix prefix = {.addr = *addr, .len = (uint8_t)len};
        addr_mask(&prefix.addr, prefix.len);
        reason.rule = match_prefix(rules, &facts, &prefix);
        if (reason.rule != -1) {
            reason.prefix = prefix;
            return reason;
        }
    }
    reason.rule = geo_rules_match_place(rules, &facts);
    return reason;
}
