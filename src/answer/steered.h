/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Records that a policy chooses. Inlined into answer.c, where most of these answers come through; what few
 * policies need is in steered.c. Private to answer. */
#pragma once

#include "answer/work.h"
#include "zone/zone.h"

struct geo_match steered_find_class_of_source(const struct work *w, const struct steer_policy *policy);

/* The client for geography: the subnet of ECS if given, else the source. */
static inline struct geo_match steered_find_class(const struct work *w, const struct steer_policy *policy)
{
    if (w->query.has_ecs && w->query.ecs.source_len != 0) {
        return steer_find_class(policy, &w->query.ecs.addr);
    }
    return steered_find_class_of_source(w, policy);
}

/* Members for this very client; the scope becomes what the answer is good for. */
size_t steered_pick_sticky(struct work *w, const struct steer_policy *policy,
                           const struct steer_choice *choice, uint16_t members[STEER_ANSWERS_MAX]);

static inline __attribute__((always_inline)) enum outcome
steered_add_picked(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                   const struct steer_policy *policy, struct steer_choice *choice, uint16_t owner)
{
    uint16_t members[STEER_ANSWERS_MAX];
    size_t picked = policy->pick == STEER_PICK_STICKY
                        ? steered_pick_sticky(w, policy, choice, members)
                        : steer_pick(policy, choice, w->context->random, members);
    size_t from = w->reply.at;
    if (__builtin_expect(picked == 1 && choice->ttl == STEER_TTL_FREE, 1)) {
        return reply_add_steered(&w->reply, zone, rrset, members[0], owner) ? DONE : FULL;
    }
    for (size_t i = 0; i < picked; i++) {
        if (!reply_add_steered(&w->reply, zone, rrset, members[i], owner)) {
            return FULL;
        }
    }
    if (choice->ttl != STEER_TTL_FREE) {
        reply_limit_ttl(&w->reply, from, choice->ttl);
    }
    w->ttl_limit = choice->ttl;
    return picked != 0 ? DONE : EMPTY;
}

static inline __attribute__((always_inline)) enum outcome
steered_add(struct work *w, const struct zone *zone, const struct zone_rrset *rrset, uint16_t owner)
{
    const struct answer_context *context = w->context;
    const struct zone_steered *steered = (const void *)(zone->blob + rrset->block);
    const struct steer_policy *policy = steer_set_get(context->view->steer, steered->policy);
    uint16_t class_id = 0;
    if (policy->geo != NULL) {
        struct geo_match match = steered_find_class(w, policy);
        class_id = match.class_id;
        w->scope = match.scope > w->scope ? match.scope : w->scope;
    }
    struct steer_ask ask = {.now_s = context->now_s,
                            .class_id = class_id,
                            .types = rrset->type == DNS_TYPE_A ? STEER_HAS_A : STEER_HAS_AAAA};
    struct steer_choice *choice = steer_cache_get(context->cache, policy, ask, context->table);
    w->steered = true;
    w->fallback |= choice->source != STEER_FROM_TIER;
    switch (choice->source) {
    case STEER_FROM_TIER:
    case STEER_FROM_POOL:
    case STEER_FROM_ALL: return steered_add_picked(w, zone, rrset, policy, choice, owner);
    case STEER_FROM_STATIC: w->ttl_limit = choice->ttl; return USE_STATIC;
    case STEER_FROM_SERVFAIL: return FAILED;
    case STEER_FROM_NODATA: break;
    }
    w->ttl_limit = choice->ttl;
    return EMPTY;
}
