/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Adding an RRset to the answer: steered or static. In line, because most answers come through here; what
 * adds additional records has a copy of its own. Private to answer. */
#pragma once

#include "answer/work.h"
#include "zone/zone.h"

__attribute__((noinline)) static struct geo_match set_find_class_of_source(const struct work *w,
                                                                           const struct steer_policy *policy)
{
    struct addr_port at = {.port = 0};
    if (w->request->client != NULL) {
        addr_from_sockaddr(w->request->client, &at);
    }
    return steer_find_class(policy, &at.addr);
}

/* The client for geography: the subnet of ECS if given, else the source. */
static inline struct geo_match set_find_class(const struct work *w, const struct steer_policy *policy)
{
    if (w->query.has_ecs && w->query.ecs.source_len != 0) {
        return steer_find_class(policy, &w->query.ecs.addr);
    }
    return set_find_class_of_source(w, policy);
}

enum set_outcome { SET_DONE, SET_EMPTY, SET_FULL, SET_FAILED, SET_USE_STATIC };

static inline __attribute__((always_inline)) enum set_outcome
set_add_picked(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
               const struct steer_policy *policy, struct steer_choice *choice, uint16_t owner)
{
    uint16_t members[STEER_ANSWERS_MAX];
    size_t picked = steer_pick(policy, choice, w->context->random, members);
    if (__builtin_expect(picked == 1, 1)) {
        return reply_add_steered(&w->reply, zone, rrset, members[0], owner) ? SET_DONE : SET_FULL;
    }
    for (size_t i = 0; i < picked; i++) {
        if (!reply_add_steered(&w->reply, zone, rrset, members[i], owner)) {
            return SET_FULL;
        }
    }
    return picked != 0 ? SET_DONE : SET_EMPTY;
}

static inline __attribute__((always_inline)) enum set_outcome
set_add_steered(struct work *w, const struct zone *zone, const struct zone_rrset *rrset, uint16_t owner)
{
    const struct answer_context *context = w->context;
    const struct zone_steered *steered = (const void *)(zone->blob + rrset->block);
    const struct steer_policy *policy = steer_set_get(context->view->steer, steered->policy);
    uint16_t class_id = 0;
    if (policy->geo != NULL) {
        struct geo_match match = set_find_class(w, policy);
        class_id = match.class_id;
        w->scope = match.scope > w->scope ? match.scope : w->scope;
    }
    struct steer_choice *choice =
        steer_cache_get(context->cache, policy, class_id,
                        rrset->type == DNS_TYPE_A ? STEER_HAS_A : STEER_HAS_AAAA, context->table);
    w->steered = true;
    w->fallback |= choice->source != STEER_FROM_TIER;
    switch (choice->source) {
    case STEER_FROM_TIER:
    case STEER_FROM_ALL: return set_add_picked(w, zone, rrset, policy, choice, owner);
    case STEER_FROM_STATIC: return SET_USE_STATIC;
    case STEER_FROM_SERVFAIL: return SET_FAILED;
    case STEER_FROM_NODATA: break;
    }
    return SET_EMPTY;
}

/* The static records, or what the policy chooses; all of them go into the answer section. */
static inline __attribute__((always_inline)) enum set_outcome set_add(struct work *w, const struct zone *zone,
                                                                      const struct zone_node *node,
                                                                      const struct zone_rrset *rrset,
                                                                      struct reply_place place)
{
    if ((rrset->flags & ZONE_RRSET_STEERED) != 0) {
        enum set_outcome outcome = set_add_steered(w, zone, rrset, place.owner);
        if (outcome != SET_USE_STATIC) {
            return outcome;
        }
        uint16_t type = rrset->type; /* the zone file's records of the type stand behind */
        rrset++;
        if (rrset == node->rrsets + node->rrset_count || rrset->type != type) {
            return SET_EMPTY;
        }
    }
    return reply_add_rrset(&w->reply, REPLY_ANSWER, zone, rrset, place) ? SET_DONE : SET_FULL;
}
