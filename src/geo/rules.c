/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rules.h. Rules without prefixes are found by the values of their narrowest condition, so that a
 * thousand rules by ASN cost a place no more than one. Cannot fail; used while building and explaining only.
 */
#include "config.h"

#include "geo/rules.h"

#include "base/arena.h"
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Names and GeoNames ids of cities share a condition: ids have this bit. */
#define CITY_ID UINT32_C(0x80000000)

/* ---- which rule wins ---- */

/* Of two rules whose prefixes do not decide. */
static bool wins(const struct geo_rules *rules, size_t rule, size_t over)
{
    unsigned kinds = rules->matchers[rule].kinds, other = rules->matchers[over].kinds;
    return kinds != other ? kinds > other : rule < over;
}

static bool has_value(const struct geo_condition *condition, uint32_t value)
{
    size_t low = 0, high = condition->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (condition->values[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < condition->count && condition->values[low] == value;
}

/* The values by which a place can be asked for; 0 where it is not known. */
static size_t list_values(const struct geo_facts *facts, enum geo_kind kind,
                          uint32_t values[GEO_SUBDIVISIONS])
{
    switch (kind) {
    case GEO_CONTINENT: values[0] = facts->continent; return 1;
    case GEO_COUNTRY: values[0] = facts->country; return 1;
    case GEO_SUBDIVISION:
        memcpy(values, facts->subdivision, sizeof facts->subdivision);
        return GEO_SUBDIVISIONS;
    case GEO_CITY:
        values[0] = facts->city;
        values[1] = facts->city_id == 0 ? 0 : facts->city_id | CITY_ID;
        return 2;
    case GEO_ASN: values[0] = facts->asn; return 1;
    case GEO_KINDS: break;
    }
    return 0;
}

bool geo_matcher_holds(const struct geo_matcher *matcher, const struct geo_facts *facts)
{
    for (unsigned kind = 0; kind < GEO_KINDS; kind++) {
        uint32_t values[GEO_SUBDIVISIONS];
        size_t count =
            (matcher->kinds >> kind & 1) == 0 ? 0 : list_values(facts, (enum geo_kind)kind, values);
        bool holds = count == 0;
        for (size_t i = 0; i < count && !holds; i++) {
            holds = values[i] != 0 && has_value(&matcher->conditions[kind], values[i]);
        }
        if (!holds) {
            return false;
        }
    }
    return true;
}

/* The first of the keys with this kind and value. */
static size_t find_key(const struct geo_rules *rules, unsigned kind, uint32_t value)
{
    size_t low = 0, high = rules->key_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct geo_key *key = &rules->keys[middle];
        if (key->kind < kind || (key->kind == kind && key->value < value)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The rule that wins among those with this value of their narrowest condition, or -1. */
static ptrdiff_t match_value(const struct geo_rules *rules, const struct geo_facts *facts, unsigned kind,
                             uint32_t value)
{
    for (size_t i = find_key(rules, kind, value);
         i < rules->key_count && rules->keys[i].kind == kind && rules->keys[i].value == value; i++) {
        if (geo_matcher_holds(&rules->matchers[rules->keys[i].rule], facts)) {
            return (ptrdiff_t)rules->keys[i].rule;
        }
    }
    return -1;
}

ptrdiff_t geo_rules_match_place(const struct geo_rules *rules, const struct geo_facts *facts)
{
    for (unsigned kind = GEO_KINDS; kind-- > 0;) {
        uint32_t values[GEO_SUBDIVISIONS];
        size_t count = list_values(facts, (enum geo_kind)kind, values);
        ptrdiff_t best = -1;
        for (size_t i = 0; i < count; i++) {
            ptrdiff_t rule = values[i] == 0 ? -1 : match_value(rules, facts, kind, values[i]);
            best = best == -1 || (rule != -1 && wins(rules, (size_t)rule, (size_t)best)) ? rule : best;
        }
        if (best != -1) {
            return best;
        }
    }
    return rules->everybody;
}

ptrdiff_t geo_rules_match(const struct geo_rules *rules, const struct geo_facts *facts, uint32_t list)
{
    for (; list != 0; list = rules->links[list - 1].next) {
        uint32_t rule = rules->links[list - 1].rule;
        if (geo_matcher_holds(&rules->matchers[rule], facts)) {
            return (ptrdiff_t)rule;
        }
    }
    return geo_rules_match_place(rules, facts);
}

uint32_t geo_rules_find_text(const struct geo_rules *rules, const char *text)
{
    char folded[GEO_TEXT_MAX + 1];
    size_t len = geo_fold(text, folded);
    return geo_pool_find(&rules->texts, folded, len);
}

/* ---- what databases know ---- */

static bool asks_for_ids(const struct geo_rules *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        const struct geo_condition *cities = &rules->matchers[i].conditions[GEO_CITY];
        if (cities->count != 0 && (cities->values[cities->count - 1] & CITY_ID) != 0) {
            return true;
        }
    }
    return false;
}

static int compare_values(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

void geo_rules_meet(struct geo_rules *rules, const struct geo_pool *texts, const struct geo_pool *facts)
{
    rules->met_texts = arena_alloc(rules->arena, rules->texts.count * sizeof *rules->met_texts);
    for (uint32_t i = 1; i < texts->count; i++) {
        rules->met_texts[geo_rules_find_text(rules, geo_pool_get(texts, i))] = true;
    }
    if (!asks_for_ids(rules)) {
        return;
    }
    rules->met_cities = arena_alloc(rules->arena, facts->count * sizeof *rules->met_cities);
    for (uint32_t i = 0; i < facts->count; i++) {
        const struct geo_facts *of = geo_pool_get(facts, i);
        rules->met_cities[rules->met_city_count] = of->city_id;
        rules->met_city_count += of->city_id != 0;
    }
    qsort(rules->met_cities, rules->met_city_count, sizeof *rules->met_cities, compare_values);
}

/* ---- making ---- */

static uint32_t read_text(struct geo_rules *rules, enum geo_kind kind, const char *text)
{
    char folded[GEO_TEXT_MAX + 1];
    if (kind == GEO_CONTINENT || kind == GEO_COUNTRY) {
        return geo_code_read(text, strlen(text));
    }
    size_t len = geo_fold(text, folded);
    return geo_pool_add(&rules->texts, folded, len);
}

static void read_condition(struct geo_rules *rules, enum geo_kind kind, const struct geo_values *from,
                           struct geo_condition *to)
{
    to->values = arena_alloc(rules->arena, (from->text_count + from->number_count) * sizeof *to->values);
    for (size_t i = 0; i < from->text_count; i++) {
        to->values[to->count++] = read_text(rules, kind, from->texts[i]);
    }
    for (size_t i = 0; i < from->number_count; i++) {
        to->values[to->count++] = from->numbers[i] | (kind == GEO_CITY ? CITY_ID : 0);
    }
    qsort(to->values, to->count, sizeof *to->values, compare_values);
}

static void read_rule(struct geo_rules *rules, const struct geo_rule *rule)
{
    struct geo_matcher *matcher = &rules->matchers[rules->count];
    matcher->target = rule->target;
    for (unsigned kind = 0; kind < GEO_KINDS; kind++) {
        const struct geo_values *values = &rule->values[kind];
        if (values->text_count + values->number_count != 0) {
            matcher->kinds |= 1u << kind;
            read_condition(rules, (enum geo_kind)kind, values, &matcher->conditions[kind]);
        }
    }
    if (matcher->kinds == 0 && rule->prefix_count == 0 && rules->everybody == -1) {
        rules->everybody = (ptrdiff_t)rules->count;
    }
    rules->needs |= matcher->kinds;
    rules->needs |= (rule->target & GEO_NEAREST) != 0 ? 1u << GEO_LOCATION : 0;
    rules->count++;
}

/* ---- keys ---- */

static const struct geo_condition *narrowest(const struct geo_matcher *matcher, unsigned *kind)
{
    *kind = 31 - (unsigned)__builtin_clz(matcher->kinds);
    return &matcher->conditions[*kind];
}

/* Sorts by what qsort can see; the rule that wins among equals is a matter of matchers. */
static int compare_keys(const void *a, const void *b, void *context)
{
    const struct geo_key *left = a, *right = b;
    const struct geo_rules *rules = context;
    if (left->kind != right->kind) {
        return left->kind < right->kind ? -1 : 1;
    }
    if (left->value != right->value) {
        return left->value < right->value ? -1 : 1;
    }
    return left->rule == right->rule ? 0 : wins(rules, left->rule, right->rule) ? -1 : 1;
}

static void list_keys(struct geo_rules *rules, const struct geo_plan *plan)
{
    size_t count = 0;
    unsigned kind;
    for (size_t i = 0; i < rules->count; i++) {
        bool has_key = plan->rules[i].prefix_count == 0 && rules->matchers[i].kinds != 0;
        count += has_key ? narrowest(&rules->matchers[i], &kind)->count : 0;
    }
    rules->keys = memory_alloc_array(count, sizeof *rules->keys);
    for (size_t i = 0; i < rules->count; i++) {
        if (plan->rules[i].prefix_count != 0 || rules->matchers[i].kinds == 0) {
            continue;
        }
        const struct geo_condition *condition = narrowest(&rules->matchers[i], &kind);
        for (size_t v = 0; v < condition->count; v++) {
            rules->keys[rules->key_count++] =
                (struct geo_key){.kind = kind, .value = condition->values[v], .rule = (uint32_t)i};
        }
    }
    qsort_r(rules->keys, rules->key_count, sizeof *rules->keys, compare_keys, rules);
}

/* ---- prefixes ---- */

static int compare_links(const void *a, const void *b, void *context)
{
    const struct geo_link *left = a, *right = b;
    const struct geo_rules *rules = context;
    if (left->prefix.addr.family != right->prefix.addr.family) {
        return left->prefix.addr.family < right->prefix.addr.family ? -1 : 1;
    }
    int order = memcmp(left->prefix.addr.bytes, right->prefix.addr.bytes, sizeof left->prefix.addr.bytes);
    if (order != 0) {
        return order;
    }
    if (left->prefix.len != right->prefix.len) {
        return left->prefix.len < right->prefix.len ? -1 : 1;
    }
    return left->rule == right->rule ? 0 : wins(rules, right->rule, left->rule) ? -1 : 1;
}

static void list_links(struct geo_rules *rules, const struct geo_plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->rule_count; i++) {
        count += plan->rules[i].prefix_count;
    }
    assert(count < INT32_MAX);
    rules->links = memory_alloc_array(count, sizeof *rules->links);
    for (size_t i = 0; i < plan->rule_count; i++) {
        for (size_t p = 0; p < plan->rules[i].prefix_count; p++) {
            rules->links[rules->link_count++] =
                (struct geo_link){.prefix = plan->rules[i].prefixes[p], .rule = (uint16_t)i};
        }
    }
    qsort_r(rules->links, count, sizeof *rules->links, compare_links, rules);
    while (rules->v6_from < count && rules->links[rules->v6_from].prefix.addr.family == ADDR_V4) {
        rules->v6_from++;
    }
}

struct geo_rules *geo_rules_new(const struct geo_plan *plan)
{
    struct geo_rules *rules = memory_alloc(sizeof *rules);
    assert(plan->rule_count <= GEO_RULES_MAX);
    rules->arena = arena_new(0);
    rules->everybody = -1;
    rules->otherwise = plan->otherwise;
    rules->needs = (plan->otherwise & GEO_NEAREST) != 0 ? 1u << GEO_LOCATION : 0;
    rules->matchers = memory_alloc_array(plan->rule_count, sizeof *rules->matchers);
    geo_pool_init(&rules->texts, "", 0);
    for (size_t i = 0; i < plan->rule_count; i++) {
        read_rule(rules, &plan->rules[i]);
    }
    list_keys(rules, plan);
    list_links(rules, plan);
    return rules;
}

void geo_rules_free(struct geo_rules *rules)
{
    if (rules != NULL) {
        arena_free(rules->arena);
        geo_pool_fini(&rules->texts);
        free(rules->matchers);
        free(rules->keys);
        free(rules->links);
        free(rules);
    }
}

size_t geo_rules_size(const struct geo_rules *rules)
{
    size_t size = sizeof *rules + rules->count * sizeof *rules->matchers +
                  rules->key_count * sizeof *rules->keys + rules->link_count * sizeof *rules->links;
    for (size_t i = 0; i < rules->count; i++) {
        for (unsigned kind = 0; kind < GEO_KINDS; kind++) {
            size += rules->matchers[i].conditions[kind].count * sizeof(uint32_t);
        }
    }
    return size;
}
