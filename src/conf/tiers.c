/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Reading "tiers": which members of a name are in which tier, and what a tier has to have. Part of the
 * selector; equal tiers of equal members are resolved once. */
#include "config.h"

#include "conf/selector_internal.h"

#include "base/memory.h"
#include "conf/need.h"
#include "conf/value.h"

#include <string.h>

#define TRICKLE_MAX 0.5 /* of all answers, of all tiers together: it is a trickle */

/* A tier in the making. */
struct tier_state {
    const struct selector_members *members;
    uint32_t number;      /* from 1 */
    size_t count;         /* members that it got */
    size_t taken;         /* members that an earlier tier has */
    uint32_t first_taken; /* one of them */
    size_t issues_before, refs;
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

/* One reference of a tier. */
static void take_item(struct selector *selector, const struct doc_node *item, struct tier_state *tier)
{
    struct selector_walk walk = {.selector = selector, .members = tier->members, .key = doc_text(item)};
    bool is_pattern = value_is_pattern(walk.key);
    if (!is_pattern && conf_find_place(selector->topology, walk.key) == NULL) {
        selector_report_no_match(selector, item, "no region, az, endpoint or group", CONF_REGION);
        return;
    }
    size_t matched = 0;
    for (const struct conf_member *member; (member = selector_next_match(&walk)) != NULL; matched++) {
        take_member(selector, tier, (size_t)(member - tier->members->items));
    }
    if (is_pattern && matched == 0 && tier->members->complete) {
        doc_error(item, "\"%.100s\" matches none of the name's endpoints", walk.key);
    }
}

static void report_tier(const struct selector *selector, const struct doc_node *node,
                        const struct tier_state *tier, const char *label)
{
    if (!tier->members->complete || tier->issues_before != doc_count_issues(node->doc)) {
        return;
    }
    if (tier->refs == 0) {
        doc_error(node, "the tier is empty, expected names of regions, azs, endpoints or groups");
    } else if (tier->count == 0 && tier->taken > 0) {
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

/* Marks the members of one tier and gives it its label and count. */
static void read_members(struct selector *selector, const struct doc_node *node, struct tier_state *state,
                         struct conf_tier *tier)
{
    struct doc_node item = {0};
    struct buffer label;
    if (!doc_check_array(node,
                         "an array of names of regions, azs, endpoints or groups, such as [\"us-east\"]")) {
        return;
    }
    buffer_init(&label);
    buffer_add_text(&label, "");
    while (doc_next_text(node, "a name", &item)) {
        buffer_print(&label, "%s%s", state->refs++ == 0 ? "" : "+", doc_text(&item));
        take_item(selector, &item, state);
    }
    tier->label = arena_copy_text(selector->arena, label.bytes);
    tier->member_count = state->count;
    report_tier(selector, node, state, tier->label);
    buffer_fini(&label);
}

static double get_trickle(const struct doc_node *node, const struct tier_state *state)
{
    struct doc_node trickle;
    double share = doc_get_share(node, "trickle", 0);
    if (!doc_find(node, "trickle", &trickle)) {
        return 0;
    }
    if (share > TRICKLE_MAX) {
        doc_error_expected(&trickle, "a small share, above 0 and at most 0.5");
        return 0;
    }
    if (state->number == 1) {
        doc_warning(&trickle, "the first tier has no use for a trickle: it is for tiers that wait");
    }
    return share;
}

/* ["us-east"], or an object with more about it. */
static void read_tier(struct selector *selector, const struct doc_node *node, struct tier_state *state,
                      struct conf_tier *tier)
{
    static const char *const keys[] = {"members", "label", "min_healthy", "spill_below", "trickle", NULL};
    struct doc_node members;
    state->issues_before = doc_count_issues(node->doc);
    if (!doc_is_object(node)) {
        read_members(selector, node, state, tier);
        return;
    }
    (void)doc_check_object(node, keys);
    tier->min_healthy = need_get(node, "min_healthy");
    tier->spill_below = need_get(node, "spill_below");
    tier->trickle = get_trickle(node, state);
    if (doc_require(node, "members", &members)) {
        state->issues_before = doc_count_issues(node->doc);
        read_members(selector, &members, state, tier);
    }
    const char *label = doc_get_text(node, "label");
    tier->label = label == NULL ? tier->label : arena_copy_text(selector->arena, label);
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

static void resolve_tiers(struct selector *selector, const struct doc_node *node,
                          const struct selector_members *members, struct conf_tiers *tiers)
{
    struct doc_node child = {0};
    if (!doc_check_array(node, "an array of tiers, such as [[\"us-east\"], [\"eu-west\"]]")) {
        return;
    }
    if (doc_count(node) == 0) {
        doc_error(node, "there are no tiers, expected at least one");
    }
    reset_tier_of(selector, members->count);
    tiers->items = arena_alloc(selector->arena, doc_count(node) * sizeof *tiers->items);
    while (doc_next(node, &child)) {
        struct conf_tier *tier = &tiers->items[tiers->count++];
        struct tier_state state = {.members = members, .number = (uint32_t)tiers->count};
        read_tier(selector, &child, &state, tier);
    }
    gather_members(selector, tiers, members->count);
    double trickles = 0;
    for (size_t i = 0; i < tiers->count; i++) {
        trickles += tiers->items[i].trickle;
    }
    if (trickles > TRICKLE_MAX) {
        doc_error(node, "the trickles add up to %g, expected at most 0.5 of all tiers together", trickles);
    }
}

/* One tier with every member that is not spare. */
static void take_all(struct selector *selector, const struct selector_members *members,
                     struct conf_tiers *tiers)
{
    struct conf_tier *tier = arena_alloc(selector->arena, sizeof *tier);
    *tier = (struct conf_tier){.label = "all"};
    tier->members = arena_alloc(selector->arena, members->count * sizeof *tier->members);
    for (size_t i = 0; i < members->count; i++) {
        if (!members->items[i].is_spare) {
            tier->members[tier->member_count++] = (uint32_t)i;
        }
    }
    *tiers = (struct conf_tiers){.items = tier, .count = 1};
}

/* ---- fallback ---- */

/* Marks, then gathers: as a tier, but with spare members, too. What does not exist was reported already. */
static const struct conf_tier *read_pool(struct selector *selector, const struct doc_node *node,
                                         const struct selector_members *members)
{
    struct conf_tier *pool = arena_alloc(selector->arena, sizeof *pool);
    struct tier_state state = {.members = members, .number = 1};
    struct doc_node item = {0};
    struct buffer label;
    buffer_init(&label);
    buffer_add_text(&label, "");
    reset_tier_of(selector, members->count);
    while (doc_next_text(node, "an endpoint or an array of endpoints", &item)) {
        struct selector_walk walk = {
            .selector = selector, .members = members, .key = doc_text(&item), .spare = true};
        for (const struct conf_member *member; (member = selector_next_match(&walk)) != NULL;) {
            take_member(selector, &state, (size_t)(member - members->items));
        }
        buffer_print(&label, "%s%s", state.refs++ == 0 ? "" : "+", doc_text(&item));
    }
    if (state.refs == 0 && members->complete) {
        doc_error(node, "the pool is empty, expected endpoints");
    }
    *pool = (struct conf_tier){.label = arena_copy_text(selector->arena, label.bytes),
                               .member_count = state.count};
    gather_members(selector, &(struct conf_tiers){.items = pool, .count = 1}, members->count);
    buffer_fini(&label);
    return pool;
}

static enum conf_fallback get_fallback(const struct doc_node *object, const char *key)
{
    static const char *const fallbacks[] = {[CONF_FALLBACK_ALL] = "all",
                                            [CONF_FALLBACK_STATIC] = "static",
                                            [CONF_FALLBACK_NODATA] = "nodata",
                                            [CONF_FALLBACK_SERVFAIL] = "servfail",
                                            NULL};
    return (enum conf_fallback)doc_get_choice(object, key, fallbacks, CONF_FALLBACK_ALL);
}

bool selector_read_fallback(struct selector *selector, const struct doc_node *node,
                            const struct selector_members *members, struct conf_last_resort *fallback)
{
    static const char *const keys[] = {"pool", "then", NULL};
    struct doc_node child, pool;
    *fallback = (struct conf_last_resort){.then = CONF_FALLBACK_ALL};
    if (!doc_find(node, "fallback", &child)) {
        return false;
    }
    if (!doc_is_object(&child)) {
        fallback->then = get_fallback(node, "fallback");
        return true;
    }
    (void)doc_check_object(&child, keys);
    fallback->then = get_fallback(&child, "then");
    if (doc_require(&child, "pool", &pool)) {
        fallback->pool = read_pool(selector, &pool, members);
    }
    return true;
}

/* ---- the interface ---- */

struct conf_tiers selector_read_tiers(struct selector *selector, const struct doc_node *node,
                                      const struct selector_members *members)
{
    struct buffer key;
    uintptr_t identity = (uintptr_t)members;
    buffer_init(&key);
    buffer_add(&key, &identity, sizeof identity);
    if (node != NULL) {
        doc_dump(node, &key);
    }
    struct conf_tiers *tiers = keytable_find(selector->tiers, key.bytes, key.len);
    if (tiers != NULL) {
        buffer_fini(&key);
        return *tiers;
    }
    tiers = arena_alloc(selector->scratch, sizeof *tiers);
    if (node == NULL) {
        take_all(selector, members, tiers);
        selector_remember(selector, selector->tiers, &key, tiers);
        return *tiers;
    }
    size_t issues = doc_count_issues(node->doc);
    resolve_tiers(selector, node, members, tiers);
    selector_remember(selector, selector->tiers, &key, issues == doc_count_issues(node->doc) ? tiers : NULL);
    return *tiers;
}
