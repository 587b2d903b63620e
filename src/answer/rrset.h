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
static inline size_t rrset_pick(struct work *w, const struct steer_policy *policy,
                                struct steer_choice *choice, uint16_t members[STEER_ANSWERS_MAX])
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

/* What a choice gives that is not one address: several records, other rdata, a fallback, a TTL of its own, or
 * nothing. */
enum rrset_outcome rrset_add_chosen(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                    struct steer_choice *choice, struct reply_place place);

/* The choice for this client, as it stands or made anew. */
static inline __attribute__((always_inline)) struct steer_choice *
rrset_find_choice(struct work *w, const struct zone_rrset *rrset, const struct steer_policy *policy)
{
    const struct answer_context *context = w->context;
    struct steer_ask ask = {.now_s = context->now_s, .types = rrset->types};
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
rrset_add_steered(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                  struct reply_place place)
{
    const struct zone_steered *steered = (const void *)(zone->blob + rrset->block);
    const struct steer_policy *policy = steer_cache_get_policy(w->context->cache, steered->policy);
    struct steer_choice *choice = rrset_find_choice(w, rrset, policy);
    w->steered = true;
    if (__builtin_expect(!choice->is_simple || (rrset->flags & (ZONE_RRSET_LISTED | ZONE_RRSET_HOSTS)) != 0,
                         0)) {
        return rrset_add_chosen(w, zone, rrset, choice, place);
    }
    uint16_t member = steer_draw_simple(choice, w->context->random);
    return reply_add_steered(&w->reply, zone, rrset, member, place.owner) ? RRSET_DONE : RRSET_FULL;
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
/* Does this answer bring nothing along that it can do without? */
static inline bool rrset_is_minimal(const struct work *w)
{
    return w->query.qtype == DNS_TYPE_ANY /* RFC 8482 */ || w->context->view->server->minimal_responses;
}
