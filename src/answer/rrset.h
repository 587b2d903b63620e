/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An RRset into the reply: a steered one member by member, as the policy chooses for the client; and what an
 * RRset brings along into the additional section. Private to answer. */
#pragma once

#include "answer/work.h"

enum rrset_outcome {
    RRSET_DONE,
    RRSET_EMPTY,      /* steered, and there is nothing to offer */
    RRSET_FULL,       /* it does not fit */
    RRSET_FAILED,     /* the policy wants SERVFAIL */
    RRSET_USE_STATIC, /* the policy wants the zone file's records */
    RRSET_ALIAS,      /* a CNAME was added: its target answers for the type asked */
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

/* Members for this very client; the scope becomes what the answer is good for. */
size_t rrset_pick_sticky(struct work *w, const struct steer_policy *policy, const struct steer_choice *choice,
                         uint16_t members[STEER_ANSWERS_MAX]);

/* Draw from the choice. Returns how many. */
static inline __attribute__((always_inline)) size_t rrset_pick(struct work *w,
                                                               const struct steer_policy *policy,
                                                               struct steer_choice *choice,
                                                               uint16_t members[STEER_ANSWERS_MAX])
{
    return policy->pick == STEER_PICK_STICKY ? rrset_pick_sticky(w, policy, choice, members)
                                             : steer_pick(policy, choice, w->context->random, members);
}

/* Steering has nothing to offer. A zone is never without NS: then those of its file answer. */
static inline enum rrset_outcome rrset_get_empty(const struct zone_rrset *rrset)
{
    return rrset->type == DNS_TYPE_NS ? RRSET_USE_STATIC : RRSET_EMPTY;
}

/* Members whose rdata are lists (listed.c). */
enum rrset_outcome rrset_add_listed(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                    struct steer_choice *choice, struct reply_place place);

/* Some members have the addresses of a host (hosts.c). */
enum rrset_outcome rrset_add_hosts(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                   struct steer_choice *choice, uint16_t owner);

static inline enum rrset_outcome rrset_add_rarer(struct work *w, const struct zone *zone,
                                                 const struct zone_rrset *rrset, struct steer_choice *choice,
                                                 struct reply_place place)
{
    return (rrset->flags & ZONE_RRSET_LISTED) != 0 ? rrset_add_listed(w, zone, rrset, choice, place)
                                                   : rrset_add_hosts(w, zone, rrset, choice, place.owner);
}

static inline __attribute__((always_inline)) enum rrset_outcome
rrset_add_picked(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                 const struct steer_policy *policy, struct steer_choice *choice, uint16_t owner)
{
    uint16_t members[STEER_ANSWERS_MAX];
    size_t picked = rrset_pick(w, policy, choice, members), from = w->reply.at;
    if (__builtin_expect(picked == 1 && choice->ttl == STEER_TTL_FREE, 1)) {
        return reply_add_steered(&w->reply, zone, rrset, members[0], owner) ? RRSET_DONE : RRSET_FULL;
    }
    for (size_t i = 0; i < picked; i++) {
        if (!reply_add_steered(&w->reply, zone, rrset, members[i], owner)) {
            return RRSET_FULL;
        }
    }
    if (choice->ttl != STEER_TTL_FREE) {
        reply_limit_ttl(&w->reply, from, choice->ttl);
    }
    w->ttl_limit = choice->ttl;
    return picked != 0 ? RRSET_DONE : RRSET_EMPTY;
}

static inline __attribute__((always_inline)) enum rrset_outcome
rrset_add_steered(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                  struct reply_place place)
{
    const struct answer_context *context = w->context;
    const struct zone_steered *steered = (const void *)(zone->blob + rrset->block);
    const struct steer_policy *policy = steer_set_get(context->view->steer, steered->policy);
    uint16_t class_id = 0;
    if (policy->geo != NULL) {
        struct geo_match match = rrset_find_class(w, policy);
        class_id = match.class_id;
        w->scope = match.scope > w->scope ? match.scope : w->scope;
    }
    struct steer_ask ask = {.now_s = context->now_s, .class_id = class_id, .types = rrset->types};
    struct steer_choice *choice = steer_cache_get(context->cache, policy, ask, context->table);
    w->steered = true;
    w->fallback |= choice->source != STEER_FROM_TIER;
    switch (choice->source) {
    case STEER_FROM_TIER:
    case STEER_FROM_POOL:
    case STEER_FROM_ALL:
        return __builtin_expect((rrset->flags & (ZONE_RRSET_LISTED | ZONE_RRSET_HOSTS)) != 0, 0)
                   ? rrset_add_rarer(w, zone, rrset, choice, place)
                   : rrset_add_picked(w, zone, rrset, policy, choice, place.owner);
    case STEER_FROM_STATIC: w->ttl_limit = choice->ttl; return RRSET_USE_STATIC;
    case STEER_FROM_SERVFAIL: return RRSET_FAILED;
    case STEER_FROM_NODATA: break;
    }
    w->ttl_limit = choice->ttl;
    return rrset_get_empty(rrset);
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
        enum rrset_outcome outcome = rrset_add_steered(w, zone, rrset, place);
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

/* An RRset that may rotate. Returns false if it does not fit. */
bool rrset_put(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
               struct reply_place place);
/* A static RRset that rotates, or brings something along on which the answer does not depend. */
void rrset_add_more(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                    struct reply_place place);
/* What an RRset brings along whose block stands at block_at. Returns false if a referral cannot do without
 * what does not fit. */
bool rrset_add_additional(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                          struct reply_place place, uint16_t block_at);
/* Does this answer bring nothing along that it can do without? */
static inline bool rrset_is_minimal(const struct work *w)
{
    return w->query.qtype == DNS_TYPE_ANY /* RFC 8482 */ || w->context->view->server->minimal_responses;
}
