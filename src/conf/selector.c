/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Caches: pattern to endpoints, (endpoints, weights, pools) as written to members, (refs, members) to tiers.
 * Nothing with an error or warning is cached, so that each place where it is written gets its own message. */
#include "config.h"

#include "conf/selector_internal.h"

#include "base/memory.h"
#include "conf/keytable.h"
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
    selector->fallbacks = keytable_new(selector->scratch);
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

/* An endpoint or a group. *one is the room for a single endpoint. */
static struct selection select_place(const struct selector *selector, const struct conf_place *place,
                                     uint32_t *one)
{
    if (place->kind == CONF_GROUP) {
        const struct conf_group *group = &selector->topology->groups[place->index];
        return (struct selection){group->endpoints, group->endpoint_count};
    }
    *one = place->index;
    return (struct selection){one, 1};
}

/* What one item of "endpoints" stands for; count 0: reported. *one is the room for a single endpoint. */
static struct selection resolve_item(struct selector *selector, const struct doc_node *item, uint32_t *one)
{
    const char *text = doc_text(item);
    if (value_is_pattern(text)) {
        const struct selection *selection = match_pattern(selector, text);
        if (selection->count == 0) {
            refs_report_missing(selector->topology, item, "no endpoint matches", CONF_ENDPOINT);
        }
        return *selection;
    }
    const struct conf_place *place = conf_find_place(selector->topology, text);
    if (place != NULL && place->kind >= CONF_ENDPOINT) {
        return select_place(selector, place, one);
    }
    if (place != NULL) {
        doc_error(item, "\"%.100s\" is %s, expected an endpoint, a pattern of endpoints or a group", text,
                  conf_kind_text(place->kind));
    } else {
        refs_report_missing(selector->topology, item, "no endpoint", CONF_ENDPOINT);
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

/* Endpoints that were not seen before in this round or the next go to selector->chosen, behind `count` of
 * them, and are marked. Returns how many there are then. */
static size_t choose(struct selector *selector, const struct selection *selection, uint32_t round,
                     size_t count)
{
    for (size_t i = 0; i < selection->count; i++) {
        uint32_t endpoint = selection->endpoints[i];
        if (selector->seen[endpoint] < selector->round) {
            selector->seen[endpoint] = round;
            selector->chosen[count++] = endpoint;
        }
    }
    return count;
}

static size_t choose_endpoints(struct selector *selector, const struct doc_node *list)
{
    struct doc_node item = {0};
    size_t count = 0;
    uint32_t one;
    while (doc_next_text(list, "an endpoint or an array of endpoints", &item)) {
        struct selection selection = resolve_item(selector, &item, &one);
        count = choose(selector, &selection, selector->round, count);
    }
    return count;
}

/* Endpoints of a pool that are not the name's otherwise: marked with the next round. */
static size_t choose_spares(struct selector *selector, const struct refs_fallback *fallback, size_t count)
{
    const struct refs_tier *pool = fallback == NULL ? NULL : fallback->pool;
    for (size_t i = 0; pool != NULL && i < pool->count; i++) {
        const struct refs_item *item = &pool->items[i];
        uint32_t one;
        struct selection selection = item->place == NULL ? *match_pattern(selector, item->text)
                                                         : select_place(selector, item->place, &one);
        count = choose(selector, &selection, selector->round + 1, count);
    }
    return count;
}

static size_t choose_all_spares(struct selector *selector, const struct selector_pools *pools, size_t count)
{
    count = choose_spares(selector, pools->own, count);
    for (size_t i = 0; pools->geo != NULL && i < pools->geo->outcome_count; i++) {
        count = choose_spares(selector, pools->geo->outcomes[i].fallback, count);
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

static bool is_inside(const struct selector_walk *walk, const struct conf_member *member)
{
    const struct conf_place *place = walk->item.place;
    const struct conf_endpoint *endpoint = &walk->selector->topology->endpoints[member->endpoint];
    if (place == NULL) {
        return value_is_pattern(walk->item.text) && value_matches(walk->item.text, endpoint->name);
    }
    return place->index == (place->kind == CONF_REGION ? endpoint->region : endpoint->az);
}

struct conf_member *selector_next_match(struct selector_walk *walk)
{
    const struct conf_topology *topology = walk->selector->topology;
    const struct conf_place *place = walk->item.place;
    if (place != NULL && place->kind == CONF_GROUP) {
        const struct conf_group *group = &topology->groups[place->index];
        return next_in(walk, group->endpoints, group->endpoint_count);
    }
    if (place != NULL && place->kind == CONF_ENDPOINT) {
        return next_in(walk, &place->index, 1);
    }
    while (walk->at < walk->members->count) {
        struct conf_member *member = &walk->members->items[walk->at++];
        if (is_inside(walk, member) && (walk->spare || !member->is_spare)) {
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
    struct selector_walk walk = {.selector = selector,
                                 .members = members,
                                 .item = {.text = key, .place = conf_find_place(selector->topology, key)},
                                 .spare = true};
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
                            const struct selector_pools *pools, struct selector_members *members)
{
    struct doc_node endpoints, weights;
    size_t issues = doc_count_issues(name->doc), count = 0;
    selector->round += 2;
    if (doc_require(name, "endpoints", &endpoints)) {
        count = choose_endpoints(selector, &endpoints);
        if (count == 0 && issues == doc_count_issues(name->doc)) {
            doc_error(&endpoints, "there are no endpoints, expected at least one");
        }
        count = choose_all_spares(selector, pools, count);
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

/* The key of a cache in the scratch arena, from the buffer, which ends. */
static void remember(struct selector *selector, struct keytable *table, struct buffer *key, void *value)
{
    if (value != NULL) {
        (void)keytable_add(table, arena_copy(selector->scratch, key->bytes, key->len), key->len, value);
    }
    buffer_fini(key);
}

const struct selector_members *selector_read_members(struct selector *selector, const struct doc_node *name,
                                                     const struct selector_pools *pools)
{
    struct buffer key;
    buffer_init(&key);
    buffer_add(&key, pools, sizeof *pools);
    dump_member(name, "endpoints", &key);
    dump_member(name, "weights", &key);
    struct selector_members *members = keytable_find(selector->members, key.bytes, key.len);
    if (members != NULL) {
        buffer_fini(&key);
        return members;
    }
    size_t issues = doc_count_issues(name->doc);
    members = arena_alloc(selector->scratch, sizeof *members);
    resolve_members(selector, name, pools, members);
    remember(selector, selector->members, &key, issues == doc_count_issues(name->doc) ? members : NULL);
    return members;
}
