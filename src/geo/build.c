/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Compiling rules over databases: two trees are laid over each other. At the bottom the joined databases,
 * over them the prefixes of rules. A leaf of the prefix tree holds the list of prefixes around it, the
 * longest first; their rules may ask for a country as well, so they decide only where the place below agrees.
 * Everything merges bottom-up while it is built, which is what makes scopes exact.
 *
 * Cannot fail. Time and memory are linear in the nodes of the databases and the bits of the prefixes. */
#include "config.h"

#include "geo/geo.h"

#include "geo/join.h"
#include "geo/nearest.h"
#include "geo/rules.h"
#include "geo/tree.h"
#include "geo/ways.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 128 };

struct builder {
    struct geo_rules *rules;
    const struct geo_joint *joint;
    const struct report *report; /* of the atlas */
    struct geo_sites *sites;
    struct geo_trie prefixes; /* leaves: link + 1, or 0 */
    uint32_t prefixes_v4, prefixes_v6;
    uint32_t *texts;    /* number in the rules by number in the joint */
    uint32_t *classes;  /* by number of facts, of clients that no prefix covers: + 1, or 0: not yet */
    uint16_t **nearest; /* per list of sites: class by number of facts, + 1 */
    size_t nearest_count;
};

/* ---- the tree of prefixes ---- */

/* The links of a span begin with the same `depth` bits. */
struct span {
    size_t low, high, middle;
    unsigned depth;
    uint32_t around; /* link + 1 of the longest prefix around the span, or 0 */
    uint32_t result[2];
    uint8_t done;
};

static unsigned bit_of(const struct geo_link *link, unsigned depth)
{
    return link->prefix.addr.bytes[depth / 8] >> (7 - depth % 8) & 1u;
}

/* Chains the prefixes that are the span itself; then finds where the next bit becomes 1. */
static void open_span(struct geo_link *links, struct span *span)
{
    while (span->low < span->high && links[span->low].prefix.len == span->depth) {
        links[span->low].next = span->around;
        span->around = (uint32_t)++span->low;
    }
    size_t low = span->low, high = span->high;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bit_of(&links[middle], span->depth) == 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    span->middle = low;
}

static uint32_t build_prefixes(struct builder *builder, size_t low, size_t high)
{
    struct span stack[DEPTH_MAX + 1];
    struct geo_link *links = builder->rules->links;
    size_t depth = 1;
    uint32_t result = 0;
    stack[0] = (struct span){.low = low, .high = high};
    open_span(links, &stack[0]);
    while (depth > 0) {
        struct span *top = &stack[depth - 1];
        if (top->low != top->high && top->done < 2) {
            struct span next = {.low = top->done == 0 ? top->low : top->middle,
                                .high = top->done == 0 ? top->middle : top->high,
                                .depth = top->depth + 1,
                                .around = top->around};
            assert(depth <= DEPTH_MAX);
            open_span(links, &next);
            stack[depth++] = next;
            continue;
        }
        result = top->low == top->high ? GEO_LEAF | top->around
                                       : geo_trie_add(&builder->prefixes, top->result[0], top->result[1]);
        if (--depth > 0) {
            top = &stack[depth - 1];
            top->result[top->done++] = result;
        }
    }
    return result;
}

/* ---- classes ---- */

/* Facts of the joint with the texts of the rules. */
static struct geo_facts find_facts(const struct builder *builder, uint32_t number)
{
    struct geo_facts facts = *(const struct geo_facts *)geo_pool_get(&builder->joint->facts, number);
    facts.city = builder->texts[facts.city];
    for (size_t i = 0; i < GEO_SUBDIVISIONS; i++) {
        facts.subdivision[i] = builder->texts[facts.subdivision[i]];
    }
    return facts;
}

static uint16_t find_nearest(struct builder *builder, uint32_t list, uint32_t number)
{
    uint16_t *known = &builder->nearest[list][number];
    if (*known == 0) {
        const struct geo_facts *facts = geo_pool_get(&builder->joint->facts, number);
        struct geo_site site;
        bool is_known = facts->latitude != 0;
        if (is_known) {
            site.latitude = geo_degrees_unpack(facts->latitude, -90);
            site.longitude = geo_degrees_unpack(facts->longitude, -180);
        } else {
            is_known = geo_get_centroid(facts->country, &site.latitude, &site.longitude);
        }
        *known = (uint16_t)(1 + geo_sites_find(builder->sites, list, is_known ? &site : NULL));
    }
    return (uint16_t)(*known - 1);
}

static uint32_t find_class(struct builder *builder, ptrdiff_t rule, uint32_t number)
{
    const struct geo_rules *rules = builder->rules;
    uint32_t target = rule == -1 ? rules->otherwise : rules->matchers[rule].target;
    return (target & GEO_NEAREST) != 0 ? find_nearest(builder, target & ~GEO_NEAREST, number) : target;
}

static uint32_t combine_class(void *context, uint32_t list, uint32_t number)
{
    struct builder *builder = context;
    uint32_t *known = &builder->classes[number];
    if (list != 0) {
        struct geo_facts facts = find_facts(builder, number);
        return find_class(builder, geo_rules_match(builder->rules, &facts, list), number);
    }
    if (*known == 0) {
        struct geo_facts facts = find_facts(builder, number);
        *known = 1 + find_class(builder, geo_rules_match_place(builder->rules, &facts), number);
    }
    return *known - 1;
}

static bool decides_class(void *context, uint32_t list)
{
    const struct builder *builder = context;
    if (list == 0) {
        return false;
    }
    const struct geo_matcher *matcher = &builder->rules->matchers[builder->rules->links[list - 1].rule];
    return matcher->kinds == 0 && (matcher->target & GEO_NEAREST) == 0;
}

/* ---- all together ---- */

static void prepare(struct builder *builder, const struct geo_plan *plan, struct geo_atlas *atlas)
{
    struct geo_rules *rules = geo_rules_new(plan);
    const struct geo_joint *joint = geo_atlas_join(atlas, rules->needs);
    *builder = (struct builder){.rules = rules,
                                .joint = joint,
                                .report = geo_atlas_report(atlas),
                                .nearest_count = plan->nearest_count};
    builder->sites = geo_sites_new(plan);
    builder->prefixes_v4 = build_prefixes(builder, 0, rules->v6_from);
    builder->prefixes_v6 = build_prefixes(builder, rules->v6_from, rules->link_count);
    builder->texts = memory_alloc_array(joint->texts.count, sizeof *builder->texts);
    for (uint32_t i = 1; i < joint->texts.count; i++) {
        builder->texts[i] = geo_rules_find_text(rules, geo_pool_get(&joint->texts, i));
    }
    geo_rules_meet(rules, &joint->texts, &joint->facts);
    builder->classes = memory_alloc_array(joint->facts.count, sizeof *builder->classes);
    builder->nearest = memory_alloc_array(plan->nearest_count, sizeof(uint16_t *));
    for (size_t i = 0; i < plan->nearest_count; i++) {
        builder->nearest[i] = memory_alloc_array(joint->facts.count, sizeof **builder->nearest);
    }
}

static void finish(struct builder *builder)
{
    for (size_t i = 0; i < builder->nearest_count; i++) {
        free(builder->nearest[i]);
    }
    free(builder->nearest);
    free(builder->classes);
    free(builder->texts);
    geo_trie_fini(&builder->prefixes);
    geo_sites_free(builder->sites);
}

static void lay(struct builder *builder, struct geo_trie *classes, uint32_t *root_v4, uint32_t *root_v6)
{
    struct geo_overlay overlay = {.upper = &builder->prefixes,
                                  .lower = &builder->joint->networks,
                                  .out = classes,
                                  .context = builder,
                                  .report = builder->report,
                                  .combine = combine_class,
                                  .decides = decides_class};
    *root_v4 = geo_overlay_run(&overlay, builder->prefixes_v4, builder->joint->root_v4);
    *root_v6 = geo_overlay_run(&overlay, builder->prefixes_v6, builder->joint->root_v6);
    geo_overlay_fini(&overlay);
}

static void forget_classes(struct builder *builder)
{
    size_t count = builder->joint->facts.count;
    memset(builder->classes, 0, count * sizeof *builder->classes);
    for (size_t i = 0; i < builder->nearest_count; i++) {
        memset(builder->nearest[i], 0, count * sizeof **builder->nearest);
    }
}

struct geo_tree *geo_build_tree(const struct geo_plan *plan, struct geo_atlas *atlas)
{
    struct builder builder;
    struct geo_trie classes = {0};
    uint32_t root_v4, root_v6;
    assert(plan->class_count > 0 && (plan->otherwise == 0 || (plan->otherwise & GEO_NEAREST) != 0));
    prepare(&builder, plan, atlas);
    lay(&builder, &classes, &root_v4, &root_v6);
    while (geo_sites_shorten(builder.sites)) {
        geo_trie_fini(&classes);
        forget_classes(&builder);
        lay(&builder, &classes, &root_v4, &root_v6);
    }
    unsigned ways = geo_ways_of_rules(builder.rules);
    root_v6 = geo_ways_graft(&classes, root_v6, root_v4, ways);
    struct geo_tree *tree = geo_tree_new(&classes, root_v4, root_v6);
    tree->ways = ways;
    tree->rules = builder.rules;
    tree->arena = arena_new(0);
    tree->order_count = geo_sites_list(builder.sites, tree->arena, &tree->orders);
    tree->nearest_counts = arena_alloc(tree->arena, plan->nearest_count * sizeof *tree->nearest_counts);
    for (uint32_t i = 0; i < plan->nearest_count; i++) {
        tree->nearest_counts[i] = geo_sites_count(builder.sites, i);
    }
    geo_trie_fini(&classes);
    finish(&builder);
    return tree;
}

bool geo_tree_knows(const struct geo_tree *tree, const char *text)
{
    return tree->rules->met_texts[geo_rules_find_text(tree->rules, text)];
}

bool geo_tree_knows_city(const struct geo_tree *tree, uint32_t id)
{
    const struct geo_rules *rules = tree->rules;
    size_t low = 0, high = rules->met_city_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (rules->met_cities[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < rules->met_city_count && rules->met_cities[low] == id;
}
