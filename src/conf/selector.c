/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Three caches: pattern to endpoints, (endpoints, weights) as written to members, (refs, members) to tiers.
 * Nothing with an error or warning is cached, so that each place where it is written gets its own message. */
#include "config.h"

#include "conf/selector.h"

#include "base/memory.h"
#include "conf/keytable.h"
#include "conf/sites.h"
#include "conf/value.h"

#include <stdlib.h>
#include <string.h>

/* The endpoints that a pattern matches, ascending. */
struct selection {
    const uint32_t *endpoints;
    size_t count;
};

struct selector {
    const struct conf_topology *topology;
    struct arena *arena;   /* of the caller, for results */
    struct arena *scratch; /* for the caches */
    struct keytable *selections, *members, *tiers;
    uint32_t *seen; /* per endpoint: the round in which it was chosen */
    uint32_t round;
    uint32_t *tier_of; /* per member of the name at hand: its tier + 1, or 0 */
    size_t tier_of_size;
    uint32_t *matched, *chosen; /* room for all endpoints: of a pattern, of a name */
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
            refs_report_missing(selector->topology, item, "no endpoint matches", CONF_ENDPOINT);
        }
        return *selection;
    }
    const struct conf_place *place = conf_find_place(selector->topology, text);
    if (place != NULL && place->kind == CONF_ENDPOINT) {
        *one = place->index;
        return (struct selection){one, 1};
    }
    if (place != NULL) {
        doc_error(item, "\"%.100s\" is %s %s, expected an endpoint or a pattern of endpoints", text,
                  place->kind == CONF_REGION ? "a" : "an", conf_kind_text(place->kind));
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

/* Every chosen endpoint once, ascending, in selector->chosen; returns how many. */
static size_t choose_endpoints(struct selector *selector, const struct doc_node *list)
{
    struct doc_node item = {0};
    size_t count = 0;
    uint32_t round = ++selector->round, one;
    while (doc_next_text(list, "an endpoint or an array of endpoints", &item)) {
        struct selection selection = resolve_item(selector, &item, &one);
        for (size_t i = 0; i < selection.count; i++) {
            uint32_t endpoint = selection.endpoints[i];
            if (selector->seen[endpoint] != round) {
                selector->seen[endpoint] = round;
                selector->chosen[count++] = endpoint;
            }
        }
    }
    qsort(selector->chosen, count, sizeof *selector->chosen, compare_indices);
    return count;
}

static struct conf_member *find_member(const struct selector_members *members, uint32_t endpoint)
{
    struct conf_member key = {.endpoint = endpoint};
    return members->count == 0 ? NULL
                               : bsearch(&key, members->items, members->count, sizeof key, compare_members);
}

/* Sets the weight where the key matches; returns how many members it matched. */
static size_t set_weights(const struct selector *selector, const struct selector_members *members,
                          const char *key, uint32_t weight)
{
    size_t matched = 0;
    if (!value_is_pattern(key)) {
        ptrdiff_t endpoint = conf_find_endpoint(selector->topology, key);
        struct conf_member *member = endpoint < 0 ? NULL : find_member(members, (uint32_t)endpoint);
        if (member != NULL) {
            member->weight = weight;
        }
        return member != NULL;
    }
    for (size_t i = 0; i < members->count; i++) {
        if (value_matches(key, selector->topology->endpoints[members->items[i].endpoint].name)) {
            members->items[i].weight = weight;
            matched++;
        }
    }
    return matched;
}

/* Patterns first, in the order of the document, so that a later one wins; then exact names, which always win.
 */
static void read_weights(struct selector *selector, const struct doc_node *weights,
                         const struct selector_members *members)
{
    static const uint32_t range[2] = {0, 65535};
    for (int exact = 0; exact <= 1; exact++) {
        struct doc_node node = {0};
        uint32_t weight;
        while (doc_next(weights, &node)) {
            if (value_is_pattern(node.key) == (exact != 0) || !doc_read_number(&node, range, &weight)) {
                continue;
            }
            if (set_weights(selector, members, node.key, weight) == 0 && members->complete) {
                doc_error_at_key(&node, "\"%.100s\" matches none of the name's endpoints", node.key);
            }
        }
    }
}

static void resolve_members(struct selector *selector, const struct doc_node *name,
                            struct selector_members *members)
{
    struct doc_node endpoints, weights;
    size_t issues = doc_count_issues(name->doc);
    if (doc_require(name, "endpoints", &endpoints)) {
        size_t count = choose_endpoints(selector, &endpoints);
        if (count > SELECTOR_MEMBERS_MAX) {
            doc_error(&endpoints, "found %zu endpoints, expected at most %d for a name", count,
                      SELECTOR_MEMBERS_MAX);
            count = 0;
        } else if (count == 0 && issues == doc_count_issues(name->doc)) {
            doc_error(&endpoints, "there are no endpoints, expected at least one");
        }
        members->items = arena_alloc(selector->arena, count * sizeof *members->items);
        members->count = count;
    }
    for (size_t i = 0; i < members->count; i++) {
        uint32_t endpoint = selector->chosen[i];
        members->items[i] = (struct conf_member){endpoint, selector->topology->endpoints[endpoint].weight};
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

const struct selector_members *selector_read_members(struct selector *selector, const struct doc_node *name)
{
    struct buffer key;
    buffer_init(&key);
    dump_member(name, "endpoints", &key);
    dump_member(name, "weights", &key);
    struct selector_members *members = keytable_find(selector->members, key.bytes, key.len);
    if (members != NULL) {
        buffer_fini(&key);
        return members;
    }
    size_t issues = doc_count_issues(name->doc);
    members = arena_alloc(selector->scratch, sizeof *members);
    resolve_members(selector, name, members);
    remember(selector, selector->members, &key, issues == doc_count_issues(name->doc) ? members : NULL);
    return members;
}

/* ---- tiers ---- */

/* A tier in the making. */
struct tier_state {
    const struct selector_members *members;
    uint32_t number;      /* from 1 */
    size_t count;         /* members that it got */
    size_t taken;         /* members that an earlier tier has */
    uint32_t first_taken; /* one of them */
};

static void take_member(struct selector *selector, struct tier_state *tier, size_t member)
{
    uint32_t *tier_of = &selector->tier_of[member];
    if (*tier_of == 0) {
        *tier_of = tier->number;
        tier->count++;
    } else if (*tier_of != tier->number && tier->taken++ == 0) {
        tier->first_taken = (uint32_t)member;
    }
}

static void take_place(struct selector *selector, struct tier_state *tier, const struct conf_place *place)
{
    const struct selector_members *members = tier->members;
    if (place->kind == CONF_ENDPOINT) {
        const struct conf_member *member = find_member(members, place->index);
        if (member != NULL) {
            take_member(selector, tier, (size_t)(member - members->items));
        }
        return;
    }
    for (size_t i = 0; i < members->count; i++) {
        const struct conf_endpoint *endpoint = &selector->topology->endpoints[members->items[i].endpoint];
        if ((place->kind == CONF_REGION ? endpoint->region : endpoint->az) == place->index) {
            take_member(selector, tier, i);
        }
    }
}

static void report_tier(const struct selector *selector, const struct doc_node *node,
                        const struct tier_state *tier, const char *label)
{
    if (tier->count == 0 && tier->taken > 0) {
        doc_error(node, "the tier \"%.200s\" has no members left: all of them are in earlier tiers", label);
    } else if (tier->count == 0) {
        doc_error(node, "the tier \"%.200s\" has no members: none of the name's endpoints is there", label);
    } else if (tier->taken > 0) {
        uint32_t endpoint = tier->members->items[tier->first_taken].endpoint;
        const char *name = selector->topology->endpoints[endpoint].name;
        if (tier->taken == 1) {
            doc_warning(node, "\"%.100s\" is in an earlier tier already and stays in that one only", name);
        } else {
            doc_warning(node, "\"%.100s\" and %zu more are in earlier tiers already and stay in those only",
                        name, tier->taken - 1);
        }
    }
}

static void reset_tier_of(struct selector *selector, size_t count)
{
    if (count > selector->tier_of_size) {
        selector->tier_of = memory_resize(selector->tier_of, count, sizeof *selector->tier_of);
        selector->tier_of_size = count;
    }
    if (count > 0) {
        memset(selector->tier_of, 0, count * sizeof *selector->tier_of);
    }
}

/* The marks, as a list of members per tier. */
static void gather_members(struct selector *selector, const struct conf_tiers *tiers, size_t member_count)
{
    for (size_t i = 0; i < tiers->count; i++) {
        struct conf_tier *tier = &tiers->items[i];
        tier->members = arena_alloc(selector->arena, tier->member_count * sizeof *tier->members);
        tier->member_count = 0;
    }
    for (size_t i = 0; i < member_count; i++) {
        if (selector->tier_of[i] != 0) {
            struct conf_tier *tier = &tiers->items[selector->tier_of[i] - 1];
            tier->members[tier->member_count++] = (uint32_t)i;
        }
    }
}

/* In a shared set a tier that nobody of the name is in does not count. */
static void resolve_listed(struct selector *selector, const struct refs *refs,
                           const struct selector_members *members, const struct selector_place *place,
                           struct conf_tiers *tiers)
{
    struct doc_node child = {0};
    reset_tier_of(selector, members->count);
    tiers->items = arena_alloc(selector->arena, refs->count * sizeof *tiers->items);
    for (size_t t = 0; t < refs->count; t++) {
        const struct refs_tier *from = &refs->tiers[t];
        struct tier_state state = {.members = members, .number = (uint32_t)tiers->count + 1};
        for (size_t i = 0; i < from->count; i++) {
            take_place(selector, &state, from->places[i]);
        }
        if (place->set == NULL) {
            (void)doc_next(place->node, &child);
            if (members->complete && from->complete) {
                report_tier(selector, &child, &state, from->label);
            }
        } else if (state.count == 0) {
            continue;
        }
        tiers->items[tiers->count++] = (struct conf_tier){.label = from->label, .member_count = state.count};
    }
    if (place->set != NULL && tiers->count == 0 && members->complete) {
        doc_error(place->node, "the name has no endpoint in any tier of rule %zu of \"%.100s\"", place->rule,
                  place->set->label);
    }
    gather_members(selector, tiers, members->count);
}

static void take_all(struct selector *selector, const struct selector_members *members,
                     struct conf_tiers *tiers)
{
    struct conf_tier *tier = arena_alloc(selector->arena, sizeof *tier);
    *tier = (struct conf_tier){.label = "all", .member_count = members->count};
    tier->members = arena_alloc(selector->arena, members->count * sizeof *tier->members);
    for (size_t i = 0; i < members->count; i++) {
        tier->members[i] = (uint32_t)i;
    }
    *tiers = (struct conf_tiers){.items = tier, .count = 1};
}

static void resolve_tiers(struct selector *selector, const struct refs *refs,
                          const struct selector_members *members, const struct selector_place *place,
                          struct conf_tiers *tiers)
{
    if (refs == NULL) {
        take_all(selector, members, tiers);
    } else if (refs->nearest == 0) {
        resolve_listed(selector, refs, members, place, tiers);
    } else {
        struct sites_source source = {selector->topology, members->items, members->count};
        sites_gather(&source, place->node, selector->arena, tiers);
        tiers->nearest = refs->nearest;
        tiers->others = refs->others;
    }
}

struct conf_tiers selector_resolve_tiers(struct selector *selector, const struct refs *refs,
                                         const struct selector_members *members,
                                         const struct selector_place *place)
{
    /* A shared set forgives what is an error where it is written for one name. */
    const struct {
        const void *members, *refs;
        uintptr_t is_shared;
    } identity = {members, refs, place->set != NULL};
    struct conf_tiers *tiers = keytable_find(selector->tiers, &identity, sizeof identity);
    if (tiers != NULL) {
        return *tiers;
    }
    tiers = arena_alloc(selector->scratch, sizeof *tiers);
    size_t issues = doc_count_issues(place->node->doc);
    resolve_tiers(selector, refs, members, place, tiers);
    if (issues == doc_count_issues(place->node->doc)) {
        (void)keytable_add(selector->tiers, arena_copy(selector->scratch, &identity, sizeof identity),
                           sizeof identity, tiers);
    }
    return *tiers;
}
