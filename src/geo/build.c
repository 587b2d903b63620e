/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Compiling rules over databases: three trees are laid over each other. At the bottom the last database, over
 * it the others (the first that knows an address decides), then the prefix rules. A leaf of the prefix tree
 * holds the list of prefix rules that cover it, longest prefix first; such a rule may ask for a country as
 * well, so it decides only where the place below agrees. Everything merges bottom-up while it is built, which
 * is what makes scopes exact.
 *
 * Cannot fail. Time and memory are linear in the nodes of the databases and the bits of the prefixes. */
#include "config.h"

#include "geo/geo.h"

#include "geo/db.h"
#include "geo/tree.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_WORDS = (GEO_CODES + 63) / 64 };

/* What a rule asks of a place. */
struct condition {
    bool any_country, any_continent;
    uint64_t countries[CODE_WORDS], continents[CODE_WORDS];
};

/* A prefix of a rule while sorting; and, by the same index, a link of the lists at the leaves of the prefix
 * tree. */
struct prefix_link {
    const struct addr_prefix *prefix;
    uint32_t rule;
    uint32_t next; /* + 1, of the next rule that covers the same addresses; 0: none */
};

struct builder {
    const struct geo_rule *rules;
    size_t rule_count;
    struct condition *conditions;
    struct prefix_link *links;
    size_t link_count;
    struct geo_trie prefixes; /* leaves: link + 1, or 0 */
    uint32_t prefixes_v4, prefixes_v6;
    /* Class by place of the rules without prefixes, computed when first asked for: + 1, 0: not yet. */
    uint32_t *base[GEO_CODES];
};

/* ---- conditions ---- */

static void set_codes(uint64_t *bits, const char *const *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned code = geo_code_read(codes[i], strlen(codes[i]));
        if (code != GEO_CODE_NONE) {
            bits[code / 64] |= UINT64_C(1) << code % 64;
        }
    }
}

static bool has_code(const uint64_t *bits, unsigned code)
{
    return (bits[code / 64] >> code % 64 & 1) != 0;
}

static bool rule_matches(const struct condition *condition, uint32_t place)
{
    return (condition->any_country || has_code(condition->countries, geo_place_country(place))) &&
           (condition->any_continent || has_code(condition->continents, geo_place_continent(place)));
}

static void read_conditions(struct builder *builder)
{
    builder->conditions = memory_alloc_array(builder->rule_count, sizeof *builder->conditions);
    for (size_t i = 0; i < builder->rule_count; i++) {
        const struct geo_rule *rule = &builder->rules[i];
        struct condition *condition = &builder->conditions[i];
        condition->any_country = rule->country_count == 0;
        condition->any_continent = rule->continent_count == 0;
        set_codes(condition->countries, rule->countries, rule->country_count);
        set_codes(condition->continents, rule->continents, rule->continent_count);
    }
}

/* ---- the tree of prefixes ---- */

static int compare_links(const void *a, const void *b)
{
    const struct prefix_link *left = a, *right = b;
    if (left->prefix->len != right->prefix->len) {
        return left->prefix->len < right->prefix->len ? -1 : 1;
    }
    /* Later rules first: the rule that is put in last comes first in the list. */
    return left->rule > right->rule ? -1 : left->rule < right->rule ? 1 : 0;
}

static void list_prefixes(struct builder *builder)
{
    size_t count = 0;
    for (size_t i = 0; i < builder->rule_count; i++) {
        count += builder->rules[i].prefix_count;
    }
    builder->links = memory_alloc_array(count, sizeof *builder->links);
    for (size_t i = 0; i < builder->rule_count; i++) {
        for (size_t p = 0; p < builder->rules[i].prefix_count; p++) {
            builder->links[builder->link_count++] =
                (struct prefix_link){.prefix = &builder->rules[i].prefixes[p], .rule = (uint32_t)i};
        }
    }
    qsort(builder->links, count, sizeof *builder->links, compare_links);
}

/* Prefixes come shortest first, so nothing is below the place where one goes: a leaf, split on the way. */
static uint32_t insert_prefix(struct builder *builder, uint32_t root, size_t index)
{
    struct geo_trie *trie = &builder->prefixes;
    const struct addr_prefix *prefix = builder->links[index].prefix;
    uint32_t parent = GEO_LEAF, at = root;
    unsigned parent_bit = 0;
    for (unsigned depth = 0; depth < prefix->len; depth++) {
        if (geo_is_leaf(at)) {
            at = geo_trie_add(trie, at, at);
            if (geo_is_leaf(parent)) {
                root = at;
            } else {
                trie->nodes[parent].child[parent_bit] = at;
            }
        }
        parent = at;
        parent_bit = prefix->addr.bytes[depth / 8] >> (7 - depth % 8) & 1u;
        at = trie->nodes[parent].child[parent_bit];
    }
    assert(geo_is_leaf(at));
    builder->links[index].next = at & ~GEO_LEAF;
    uint32_t leaf = GEO_LEAF | (uint32_t)(index + 1);
    if (geo_is_leaf(parent)) {
        return leaf;
    }
    trie->nodes[parent].child[parent_bit] = leaf;
    return root;
}

static void build_prefixes(struct builder *builder)
{
    list_prefixes(builder);
    builder->prefixes_v4 = builder->prefixes_v6 = GEO_LEAF | 0;
    for (size_t i = 0; i < builder->link_count; i++) {
        uint32_t *root =
            builder->links[i].prefix->addr.family == ADDR_V4 ? &builder->prefixes_v4 : &builder->prefixes_v6;
        *root = insert_prefix(builder, *root, i);
    }
}

/* ---- classes ---- */

static uint32_t find_base_class(struct builder *builder, uint32_t place)
{
    uint32_t **row = &builder->base[geo_place_continent(place)];
    if (*row == NULL) {
        *row = memory_alloc_array(GEO_CODES, sizeof **row);
    }
    uint32_t *known = &(*row)[geo_place_country(place)];
    for (size_t i = 0; i < builder->rule_count && *known == 0; i++) {
        if (builder->rules[i].prefix_count == 0 && rule_matches(&builder->conditions[i], place)) {
            *known = 1u + builder->rules[i].class_id;
        }
    }
    *known = *known == 0 ? 1 : *known;
    return *known - 1;
}

static uint32_t combine_class(void *context, uint32_t list, uint32_t place)
{
    struct builder *builder = context;
    for (; list != 0; list = builder->links[list - 1].next) {
        uint32_t rule = builder->links[list - 1].rule;
        if (rule_matches(&builder->conditions[rule], place)) {
            return builder->rules[rule].class_id;
        }
    }
    return find_base_class(builder, place);
}

static bool decides_class(void *context, uint32_t list)
{
    const struct builder *builder = context;
    if (list == 0) {
        return false;
    }
    const struct condition *condition = &builder->conditions[builder->links[list - 1].rule];
    return condition->any_country && condition->any_continent;
}

/* ---- several databases ---- */

static uint32_t combine_place(void *context, uint32_t upper, uint32_t lower)
{
    (void)context;
    return upper != GEO_PLACE_UNKNOWN ? upper : lower;
}

static bool decides_place(void *context, uint32_t upper)
{
    (void)context;
    return upper != GEO_PLACE_UNKNOWN;
}

struct places {
    const struct geo_trie *trie; /* of a database, or `own` */
    struct geo_trie own;
    uint32_t root_v4, root_v6;
};

static void add_database(struct places *places, const struct geo_db *db)
{
    struct geo_trie merged = {0};
    struct geo_overlay overlay = {.upper = &db->places,
                                  .lower = places->trie,
                                  .out = &merged,
                                  .combine = combine_place,
                                  .decides = decides_place};
    places->root_v4 = geo_overlay_run(&overlay, db->root_v4, places->root_v4);
    places->root_v6 = geo_overlay_run(&overlay, db->root_v6, places->root_v6);
    geo_overlay_fini(&overlay);
    geo_trie_fini(&places->own);
    places->own = merged;
    places->trie = &places->own;
}

static void join_databases(struct places *places, struct geo_db *const *dbs, size_t count)
{
    *places =
        (struct places){.root_v4 = GEO_LEAF | GEO_PLACE_UNKNOWN, .root_v6 = GEO_LEAF | GEO_PLACE_UNKNOWN};
    places->trie = &places->own;
    if (count == 0) {
        return;
    }
    const struct geo_db *last = dbs[count - 1];
    places->trie = &last->places;
    places->root_v4 = last->root_v4;
    places->root_v6 = last->root_v6;
    for (size_t i = count - 1; i > 0; i--) {
        add_database(places, dbs[i - 1]);
    }
}

/* ---- all together ---- */

struct geo_tree *geo_build_tree(const struct geo_rule *rules, size_t rule_count, struct geo_db *const *dbs,
                                size_t db_count)
{
    struct builder builder = {.rules = rules, .rule_count = rule_count};
    struct places places;
    struct geo_trie classes = {0};
    read_conditions(&builder);
    build_prefixes(&builder);
    join_databases(&places, dbs, db_count);
    struct geo_overlay overlay = {.upper = &builder.prefixes,
                                  .lower = places.trie,
                                  .out = &classes,
                                  .context = &builder,
                                  .combine = combine_class,
                                  .decides = decides_class};
    uint32_t root_v4 = geo_overlay_run(&overlay, builder.prefixes_v4, places.root_v4);
    uint32_t root_v6 = geo_overlay_run(&overlay, builder.prefixes_v6, places.root_v6);
    struct geo_tree *tree = geo_tree_new(&classes, root_v4, root_v6);
    geo_overlay_fini(&overlay);
    geo_trie_fini(&classes);
    geo_trie_fini(&places.own);
    geo_trie_fini(&builder.prefixes);
    for (size_t i = 0; i < GEO_CODES; i++) {
        free(builder.base[i]);
    }
    free(builder.links);
    free(builder.conditions);
    return tree;
}
