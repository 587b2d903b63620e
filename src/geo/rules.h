/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Rules in the form in which they are matched: by the builder for every place and prefix once, and by
 * geo_explain() for one address. Immutable once made. */
#pragma once

#include "geo/facts.h"
#include "geo/geo.h"
#include "geo/pool.h"

/* A prefix of a rule. Sorted by address, then length, then the rule that wins comes last. */
struct geo_link {
    struct addr_prefix prefix;
    uint16_t rule;
    uint32_t next; /* + 1, of the link that comes next for the addresses of this one; 0: none */
};

struct geo_condition {
    uint32_t *values; /* ascending */
    size_t count;
};

struct geo_matcher {
    struct geo_condition conditions[GEO_KINDS];
    unsigned kinds; /* bits of the conditions that are given: the more it is as a number, the narrower */
    uint32_t target;
};

/* One value of the narrowest condition of a rule without prefixes. */
struct geo_key {
    uint32_t kind, value, rule;
};

struct geo_rules {
    struct arena *arena;
    struct geo_pool texts; /* of cities and subdivisions, folded */
    struct geo_matcher *matchers;
    size_t count;
    struct geo_key *keys; /* sorted by kind and value, then the rule that wins comes first */
    size_t key_count;
    struct geo_link *links;
    size_t link_count, v6_from; /* IPv4 first */
    ptrdiff_t everybody;        /* the rule without any condition, or -1 */
    uint32_t otherwise;
    unsigned needs; /* what its rules and targets ask of databases */
    /* What of that a database has: by number of `texts`, and GeoNames ids of cities, ascending. */
    bool *met_texts;
    uint32_t *met_cities;
    size_t met_city_count;
};

struct geo_rules *geo_rules_new(const struct geo_plan *plan);
void geo_rules_free(struct geo_rules *rules);
size_t geo_rules_size(const struct geo_rules *rules); /* bytes */

/* The rule that wins for facts whose texts are numbers of rules->texts; `list` is the link + 1 of the longest
 * prefix around the address, or 0. -1: none. */
ptrdiff_t geo_rules_match(const struct geo_rules *rules, const struct geo_facts *facts, uint32_t list);
/* Of the rules without prefixes. */
ptrdiff_t geo_rules_match_place(const struct geo_rules *rules, const struct geo_facts *facts);
bool geo_matcher_holds(const struct geo_matcher *matcher, const struct geo_facts *facts);
/* Take down what the databases know of what the rules ask for: all texts, and all facts. Once. */
void geo_rules_meet(struct geo_rules *rules, const struct geo_pool *texts, const struct geo_pool *facts);
/* Number in rules->texts of a text as databases spell it, or 0. */
uint32_t geo_rules_find_text(const struct geo_rules *rules, const char *text);
