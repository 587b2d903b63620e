/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An RRset into the reply: a steered one member by member, as the policy chooses for the client; and what an
 * RRset brings along into the additional section. Private to answer. */
#pragma once

#include "answer/work.h"
#include "steer/draw.h"

enum rrset_outcome {
    RRSET_DONE,
    RRSET_EMPTY,      /* steered, and there is nothing to offer */
    RRSET_FULL,       /* it does not fit */
    RRSET_FAILED,     /* the policy wants SERVFAIL */
    RRSET_USE_STATIC, /* the policy wants the zone file's records */
};

struct geo_match rrset_find_class_of_source(const struct work *w, const struct steer_policy *policy);

/* The client for geography: the subnet of ECS if given, else the source. */
static inline struct geo_match rrset_find_class(const struct work *w, const struct steer_policy *policy)
{
    if (w->query.has_ecs && w->query.ecs.source_len != 0) {
        return steer_find_class(policy, &w->query.ecs.addr);
    }
    return rrset_find_class_of_source(w, policy);
}

/* What a choice gives that is not simple: several records, a fallback, a TTL of its own, or nothing. */
enum rrset_outcome rrset_add_chosen(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                    struct steer_choice *choice, uint16_t owner);

/* The choice for this client, as it stands or made anew. */
static inline __attribute__((always_inline)) struct steer_choice *
rrset_find_choice(struct work *w, const struct zone_rrset *rrset, const struct steer_policy *policy)
{
    const struct answer_context *context = w->context;
    struct steer_ask ask = {.now_s = context->now_s,
                            .types = rrset->type == DNS_TYPE_A ? STEER_HAS_A : STEER_HAS_AAAA};
    if (policy->geo != NULL) {
        struct geo_match match = rrset_find_class(w, policy);
        ask.class_id = match.class_id;
        w->scope = match.scope > w->scope ? match.scope : w->scope;
    }
    struct steer_choice *choice = steer_cache_find(context->cache, policy, ask);
    return __builtin_expect(steer_choice_holds(choice, ask.now_s, context->table), 1)
               ? choice
               : steer_cache_get(context->cache, policy, ask, context->table);
}

static inline __attribute__((always_inline)) enum rrset_outcome
rrset_add_steered(struct work *w, const struct zone *zone, const struct zone_rrset *rrset, uint16_t owner)
{
    const struct zone_steered *steered = (const void *)(zone->blob + rrset->block);
    const struct steer_policy *policy = steer_cache_get_policy(w->context->cache, steered->policy);
    struct steer_choice *choice = rrset_find_choice(w, rrset, policy);
    w->steered = true;
    if (__builtin_expect(!choice->is_simple, 0)) {
        return rrset_add_chosen(w, zone, rrset, choice, owner);
    }
    uint16_t member = steer_draw_simple(choice, w->context->random);
    return reply_add_steered(&w->reply, zone, rrset, member, owner) ? RRSET_DONE : RRSET_FULL;
}

/* The zone file's records where steering has none. */
enum rrset_outcome rrset_add_static(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                    struct reply_place place);

/* Inlined where most answers come through; additional records have a copy of their own. */
static inline __attribute__((always_inline)) enum rrset_outcome
rrset_add(struct work *w, const struct zone *zone, const struct zone_node *node,
          const struct zone_rrset *rrset, struct reply_place place)
{
    if ((rrset->flags & ZONE_RRSET_STEERED) != 0) {
        enum rrset_outcome outcome = rrset_add_steered(w, zone, rrset, place.owner);
        if (outcome != RRSET_USE_STATIC) {
            return outcome;
        }
        uint16_t type = rrset->type; /* the zone file's records of the type stand behind */
        rrset++;
        if (rrset == node->rrsets + node->rrset_count || rrset->type != type) {
            return RRSET_EMPTY;
        }
        return rrset_add_static(w, zone, rrset, place);
    }
    return reply_add_rrset(&w->reply, REPLY_ANSWER, zone, rrset, place) ? RRSET_DONE : RRSET_FULL;
}

/* A static RRset that rotates, or brings something along on which the answer does not depend. */
void rrset_add_more(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                    struct reply_place place);
/* What an RRset that was added last brings along. Returns false if a referral cannot do without what does not
 * fit. */
bool rrset_add_additional(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                          struct reply_place place);
