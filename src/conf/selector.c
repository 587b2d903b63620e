/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Three caches: pattern to endpoints, (endpoints, weights) to members, (tiers, members) to tiers. The keys of
 * the latter two are the JSON as written. Nothing with an error or warning is cached, so that each place
 * where it is written gets its own message. */
#include "config.h"

#include "conf/selector_internal.h"

#include "base/memory.h"
#include "conf/suggest.h"
#include "conf/value.h"

#include <stdlib.h>
#include <string.h>

#define SHARE_TOLERANCE 1e-9

/* The endpoints that a pattern matches, ascending. */
struct selection {
    const uint32_t *endpoints;
    size_t count;
};

struct selector *selector_new(const struct conf_topology *topology, struct arena *arena)
{
    struct selector *selector = memory_alloc(sizeof *selector);
    selector->topology = topology;
    selector->arena = arena;
    selector->scratch = arena_new(0);
    selector->selections = keytable_new(selector->scratch);
    selector->members = keytable_new(selector->scratch);
    selector->tiers = keytable_new(selector->scratch);
    selector->seen = memory_alloc_array(topology->endpoint_count, sizeof *selector->seen);
    selector->matched = memory_alloc_array(topology->endpoint_count, sizeof *selector->matched);
    selector->chosen = memory_alloc_array(topology->endpoint_count, sizeof *selector->chosen);
    return selector;
}

void selector_free(struct selector *selector)
{
    arena_free(selector->scratch);
    free(selector->seen);
    free(selector->matched);
    free(selector->chosen);
    free(selector->tier_of);
    free(selector);
}

/* ---- messages ---- */

void selector_report_no_match(const struct selector *selector, const struct doc_node *node, const char *what,
                              enum conf_kind first)
{
    const struct conf_topology *topology = selector->topology;
    const struct suggest_list lists[] = {
        [CONF_REGION] = {topology->regions, topology->region_count, sizeof *topology->regions},
        [CONF_AZ] = {topology->azs, topology->az_count, sizeof *topology->azs},
        [CONF_ENDPOINT] = {topology->endpoints, topology->endpoint_count, sizeof *topology->endpoints},
        [CONF_GROUP] = {topology->groups, topology->group_count, sizeof *topology->groups},
    };
    struct buffer words;
    buffer_init(&words);
    if (doc_wants_detail(node->doc)) {
        suggest_write(doc_text(node), lists + first, CONF_GROUP + 1 - first, &words);
    }
    doc_error(node, "%s \"%.100s\"%s", what, doc_text(node), words.bytes != NULL ? words.bytes : "");
    buffer_fini(&words);
}

/* ---- members ---- */

static const struct selection *match_pattern(struct selector *selector, const char *pattern)
{
    struct selection *selection = keytable_find(selector->selections, pattern, strlen(pattern));
    if (selection != NULL) {
        return selection;
    }
    selection = arena_alloc(selector->scratch, sizeof *selection);
    for (uint32_t i = 0; i < selector->topology->endpoint_count; i++) {
        if (value_matches(pattern, selector->topology->endpoints[i].name)) {
            selector->matched[selection->count++] = i;
        }
    }
    selection->endpoints =
        arena_copy(selector->scratch, selector->matched, selection->count * sizeof *selector->matched);
    pattern = arena_copy_text(selector->scratch, pattern);
    (void)keytable_add(selector->selections, pattern, strlen(pattern), selection);
    return selection;
}

/* What one item of "endpoints" stands for; count 0: reported. *one is the room for a single endpoint. */
static struct selection resolve_item(struct selector *selector, const struct doc_node *item, uint32_t *one)
{
    const char *text = doc_text(item);
    if (value_is_pattern(text)) {
        const struct selection *selection = match_pattern(selector, text);
        if (selection->count == 0) {
            selector_report_no_match(selector, item, "no endpoint matches", CONF_ENDPOINT);
        }
        return *selection;
    }
    const struct conf_place *place = conf_find_place(selector->topology, text);
    if (place != NULL && place->kind == CONF_ENDPOINT) {
        *one = place->index;
        return (struct selection){one, 1};
    }
    if (place != NULL && place->kind == CONF_GROUP) {
        const struct conf_group *group = &selector->topology->groups[place->index];
        return (struct selection){group->endpoints, group->endpoint_count};
    }
    if (place != NULL) {
        doc_error(item, "\"%.100s\" is %s, expected an endpoint, a pattern of endpoints or a group", text,
                  conf_kind_text(place->kind));
    } else {
        selector_report_no_match(selector, item, "no endpoint", CONF_ENDPOINT);
    }
    return (struct selection){NULL, 0};
}

static int compare_members(const void *a, const void *b)
{
    uint32_t first = ((const struct conf_member *)a)->endpoint,
             second = ((const struct conf_member *)b)->endpoint;
    return (first > second) - (first < second);
}

static int compare_indices(const void *a, const void *b)
{
    uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
    return (first > second) - (first < second);
}

/* Every endpoint of the list that was not seen before goes to selector->chosen, behind `count` of them, and
 * is marked as seen in this round. Returns how many there are then. */
static size_t choose_endpoints(struct selector *selector, const struct doc_node *list, size_t count,
                               uint32_t round)
{
    struct doc_node item = {0};
    uint32_t one;
    while (doc_next_text(list, "an endpoint or an array of endpoints", &item)) {
        struct selection selection = resolve_item(selector, &item, &one);
        for (size_t i = 0; i < selection.count; i++) {
            uint32_t endpoint = selection.endpoints[i];
            if (selector->seen[endpoint] < selector->round) {
                selector->seen[endpoint] = round;
                selector->chosen[count++] = endpoint;
            }
        }
    }
    return count;
}

/* "pool" of "fallback" of a name or rule. */
static bool find_pool(const struct doc_node *node, struct doc_node *fallback, struct doc_node *pool)
{
    return doc_find(node, "fallback", fallback) && doc_is_object(fallback) &&
           doc_find(fallback, "pool", pool);
}

/* The endpoints of all pools of a name, behind those that are chosen. */
static size_t choose_spares(struct selector *selector, const struct doc_node *name, size_t count)
{
    struct doc_node fallback, pool, geo, rule = {0};
    if (find_pool(name, &fallback, &pool)) {
        count = choose_endpoints(selector, &pool, count, selector->round + 1);
    }
    bool has_rules = doc_find(name, "geo", &geo) && doc_is_array(&geo);
    while (has_rules && doc_next(&geo, &rule)) {
        if (find_pool(&rule, &fallback, &pool)) {
            count = choose_endpoints(selector, &pool, count, selector->round + 1);
        }
    }
    return count;
}

struct conf_member *selector_find_member(const struct selector_members *members, uint32_t endpoint)
{
    struct conf_member key = {.endpoint = endpoint};
    return members->count == 0 ? NULL
                               : bsearch(&key, members->items, members->count, sizeof key, compare_members);
}

static struct conf_member *next_in(struct selector_walk *walk, const uint32_t *endpoints, size_t count)
{
    while (walk->at < count) {
        struct conf_member *member = selector_find_member(walk->members, endpoints[walk->at++]);
        if (member != NULL && (walk->spare || !member->is_spare)) {
            return member;
        }
    }
    return NULL;
}

static bool is_inside(const struct selector_walk *walk, const struct conf_place *place,
                      const struct conf_member *member)
{
    const struct conf_endpoint *endpoint = &walk->selector->topology->endpoints[member->endpoint];
    if (place == NULL) {
        return value_is_pattern(walk->key) && value_matches(walk->key, endpoint->name);
    }
    return place->index == (place->kind == CONF_REGION ? endpoint->region : endpoint->az);
}

struct conf_member *selector_next_match(struct selector_walk *walk)
{
    const struct conf_topology *topology = walk->selector->topology;
    const struct conf_place *place = conf_find_place(topology, walk->key);
    if (place != NULL && place->kind == CONF_GROUP) {
        const struct conf_group *group = &topology->groups[place->index];
        return next_in(walk, group->endpoints, group->endpoint_count);
    }
    if (place != NULL && place->kind == CONF_ENDPOINT) {
        return next_in(walk, &place->index, 1);
    }
    while (walk->at < walk->members->count) {
        struct conf_member *member = &walk->members->items[walk->at++];
        if (is_inside(walk, place, member) && (walk->spare || !member->is_spare)) {
            return member;
        }
    }
    return NULL;
}

/* A number, or a share of all that are meant together. */
struct weight {
    uint32_t number, group;
    double share; /* 0: a number */
};

/* Sets the weight where the key matches; returns how many members it matched. */
static size_t set_weights(const struct selector *selector, const struct selector_members *members,
                          const char *key, const struct weight *weight)
{
    struct selector_walk walk = {.selector = selector, .members = members, .key = key, .spare = true};
    size_t matched = 0;
    for (struct conf_member *member; (member = selector_next_match(&walk)) != NULL; matched++) {
        member->weight = weight->share > 0 ? member->weight : weight->number;
        member->share = weight->share;
        member->group = weight->group;
    }
    return matched;
}

/* 60, or "5%". Shares of one key are one group. */
static bool read_weight(const struct doc_node *node, struct weight *weight)
{
    static const uint32_t range[2] = {0, 65535};
    *weight = (struct weight){.number = 0};
    if (!doc_is_text(node)) {
        return doc_read_number(node, range, &weight->number);
    }
    if (value_parse_percent(doc_text(node), &weight->share) != 0) {
        doc_error_expected(node, "a whole number from 0 to 65535, or a share such as \"5%\"");
        return false;
    }
    weight->group = (uint32_t)node->ordinal + 1;
    return true;
}

/* Patterns and groups first, in the order of the document, so that a later one wins; then exact names, which
 * always win. */
static void read_weights(struct selector *selector, const struct doc_node *weights,
                         const struct selector_members *members)
{
    double shares = 0;
    for (int exact = 0; exact <= 1; exact++) {
        struct doc_node node = {0};
        struct weight weight;
        while (doc_next(weights, &node)) {
            const struct conf_place *place = conf_find_place(selector->topology, node.key);
            bool is_many = value_is_pattern(node.key) || (place != NULL && place->kind == CONF_GROUP);
            if (is_many == (exact != 0) || !read_weight(&node, &weight)) {
                continue;
            }
            shares += weight.share;
            if (set_weights(selector, members, node.key, &weight) == 0 && members->complete) {
                doc_error_at_key(&node, "\"%.100s\" matches none of the name's endpoints", node.key);
            }
        }
    }
    if (shares > 1 + SHARE_TOLERANCE) {
        doc_error(weights, "the shares add up to %.6g %%, expected at most 100 %%", 100 * shares);
    }
}

static void resolve_members(struct selector *selector, const struct doc_node *name,
                            struct selector_members *members)
{
    struct doc_node endpoints, weights;
    size_t issues = doc_count_issues(name->doc);
    selector->round += 2;
    size_t count = 0;
    if (doc_require(name, "endpoints", &endpoints)) {
        count = choose_endpoints(selector, &endpoints, 0, selector->round);
        if (count == 0 && issues == doc_count_issues(name->doc)) {
            doc_error(&endpoints, "there are no endpoints, expected at least one");
        }
        count = choose_spares(selector, name, count);
        if (count > SELECTOR_MEMBERS_MAX) {
            doc_error(&endpoints, "found %zu endpoints, expected at most %d for a name", count,
                      SELECTOR_MEMBERS_MAX);
            count = 0;
        }
    }
    qsort(selector->chosen, count, sizeof *selector->chosen, compare_indices);
    members->items = arena_alloc(selector->arena, count * sizeof *members->items);
    members->count = count;
    for (size_t i = 0; i < members->count; i++) {
        uint32_t endpoint = selector->chosen[i];
        members->items[i] = (struct conf_member){.endpoint = endpoint,
                                                 .weight = selector->topology->endpoints[endpoint].weight,
                                                 .is_spare = selector->seen[endpoint] > selector->round};
    }
    members->complete = issues == doc_count_issues(name->doc);
    if (doc_find(name, "weights", &weights) && doc_check_object(&weights, NULL)) {
        read_weights(selector, &weights, members);
    }
}

/* Adds what was written under a key, or nothing. */
static void dump_member(const struct doc_node *object, const char *key, struct buffer *to)
{
    struct doc_node node;
    if (doc_find(object, key, &node)) {
        doc_dump(&node, to);
    }
    buffer_add_text(to, "\n");
}

/* Adds the pools of a name and of the rules that are written at it. */
static void dump_pools(const struct doc_node *name, struct buffer *to)
{
    struct doc_node fallback, pool, geo, rule = {0};
    if (find_pool(name, &fallback, &pool)) {
        doc_dump(&pool, to);
    }
    bool has_rules = doc_find(name, "geo", &geo) && doc_is_array(&geo);
    while (has_rules && doc_next(&geo, &rule)) {
        if (find_pool(&rule, &fallback, &pool)) {
            buffer_add_text(to, "\n");
            doc_dump(&pool, to);
        }
    }
}

void selector_remember(struct selector *selector, struct keytable *table, struct buffer *key, void *value)
{
    if (value != NULL) {
        (void)keytable_add(table, arena_copy(selector->scratch, key->bytes, key->len), key->len, value);
    }
    buffer_fini(key);
}

const struct selector_members *selector_read_members(struct selector *selector, const struct doc_node *name)
{
    struct buffer key;
    buffer_init(&key);
    dump_member(name, "endpoints", &key);
    dump_member(name, "weights", &key);
    dump_pools(name, &key);
    struct selector_members *members = keytable_find(selector->members, key.bytes, key.len);
    if (members != NULL) {
        buffer_fini(&key);
        return members;
    }
    size_t issues = doc_count_issues(name->doc);
    members = arena_alloc(selector->scratch, sizeof *members);
    resolve_members(selector, name, members);
    selector_remember(selector, selector->members, &key,
                      issues == doc_count_issues(name->doc) ? members : NULL);
    return members;
}
