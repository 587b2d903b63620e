/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which members of a name are in which tier, and in the pool of its fallback. Part of the selector: what is
 * equal is resolved once. */
#include "config.h"

#include "conf/selector_internal.h"

#include "base/memory.h"
#include "conf/sites.h"

#include <string.h>

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

/* Returns how many members the reference stands for. */
static size_t take_item(struct selector *selector, const struct refs_item *item, bool spare,
                        struct tier_state *tier)
{
    struct selector_walk walk = {
        .selector = selector, .members = tier->members, .item = *item, .spare = spare};
    size_t matched = 0;
    for (const struct conf_member *member; (member = selector_next_match(&walk)) != NULL; matched++) {
        take_member(selector, tier, (size_t)(member - tier->members->items));
    }
    return matched;
}

/* idle: a pattern that no endpoint of the name matches, or NULL. */
static void report_tier(const struct selector *selector, const struct doc_node *node,
                        const struct tier_state *tier, const char *label, const struct refs_item *idle)
{
    if (idle != NULL) {
        doc_error(node, "\"%.100s\" matches none of the name's endpoints", idle->text);
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
        const struct refs_item *idle = NULL;
        for (size_t i = 0; i < from->count; i++) {
            size_t matched = take_item(selector, &from->items[i], false, &state);
            idle = matched == 0 && from->items[i].place == NULL ? &from->items[i] : idle;
        }
        if (place->set == NULL) {
            (void)doc_next(place->node, &child);
            if (members->complete && from->complete) {
                report_tier(selector, &child, &state, from->label, idle);
            }
        } else if (state.count == 0) {
            continue;
        }
        tiers->items[tiers->count++] = (struct conf_tier){.label = from->label,
                                                          .member_count = state.count,
                                                          .min_healthy = from->min_healthy,
                                                          .spill_below = from->spill_below,
                                                          .trickle = from->trickle};
    }
    if (place->set != NULL && tiers->count == 0 && members->complete) {
        doc_error(place->node, "the name has no endpoint in any tier of rule %zu of \"%.100s\"", place->rule,
                  place->set->label);
    }
    gather_members(selector, tiers, members->count);
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

/* ---- fallback ---- */

/* As a tier, but with spare members, too. */
static const struct conf_tier *resolve_pool(struct selector *selector, const struct refs_tier *from,
                                            const struct selector_members *members)
{
    struct conf_tier *pool = arena_alloc(selector->arena, sizeof *pool);
    struct tier_state state = {.members = members, .number = 1};
    reset_tier_of(selector, members->count);
    for (size_t i = 0; i < from->count; i++) {
        (void)take_item(selector, &from->items[i], true, &state);
    }
    *pool = (struct conf_tier){.label = from->label, .member_count = state.count};
    gather_members(selector, &(struct conf_tiers){.items = pool, .count = 1}, members->count);
    return pool;
}

const struct conf_last_resort *selector_resolve_fallback(struct selector *selector,
                                                         const struct refs_fallback *fallback,
                                                         const struct selector_members *members)
{
    const void *identity[] = {fallback, members};
    struct conf_last_resort *resort = keytable_find(selector->fallbacks, identity, sizeof identity);
    if (resort == NULL) {
        resort = arena_alloc(selector->arena, sizeof *resort);
        if (fallback != NULL) {
            resort->then = fallback->then;
            resort->pool = fallback->pool == NULL ? NULL : resolve_pool(selector, fallback->pool, members);
        }
        (void)keytable_add(selector->fallbacks, arena_copy(selector->scratch, identity, sizeof identity),
                           sizeof identity, resort);
    }
    return resort;
}
