/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An RRset into the reply: as the zone has it, or member by member, as the policy chooses for the client.
 * Private to answer. */
#pragma once

#include "answer/pick.h"

enum rrset_outcome {
    RRSET_DONE,
    RRSET_EMPTY,      /* steered, and there is nothing to offer */
    RRSET_FULL,       /* it does not fit */
    RRSET_FAILED,     /* the policy wants SERVFAIL */
    RRSET_USE_STATIC, /* the policy wants the zone file's records */
    RRSET_LISTED,     /* its members are lists of records, of which work->choice tells: listed_add() */
    RRSET_ALIAS,      /* a CNAME was added: its target answers for the type asked */
};

/* Steering has nothing to offer. A zone is never without NS: then those of its file answer. */
static inline enum rrset_outcome rrset_get_empty(const struct zone_rrset *rrset)
{
    return rrset->type == DNS_TYPE_NS ? RRSET_USE_STATIC : RRSET_EMPTY;
}

/* Does each member have one record, an address that is rendered? */
static inline bool rrset_is_fixed(const struct zone_rrset *rrset)
{
    return (rrset->flags & (ZONE_RRSET_LISTED | ZONE_RRSET_HOSTS)) == 0;
}

/* What a choice gives that is not one address: several records, other rdata, a fallback, a TTL of its own, or
 * nothing; of lists only the choice. owner: its offset. */
enum rrset_outcome rrset_add_chosen(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                    struct steer_choice *choice, uint16_t owner);

static inline __attribute__((always_inline)) enum rrset_outcome
rrset_add_steered(struct work *w, const struct zone *zone, const struct zone_rrset *rrset, uint16_t owner)
{
    const struct zone_steered *steered = zone_get_steered(zone, rrset);
    const struct steer_policy *policy = steer_cache_get_policy(w->context->cache, steered->policy);
    struct steer_choice *choice = pick_find_choice(w, rrset, policy);
    w->mark |= ANSWER_STEERED;
    tally_answer(w, steered, choice);
    w->chosen.choice = choice;
    if (__builtin_expect(!choice->is_simple || !rrset_is_fixed(rrset), 0)) {
        return rrset_add_chosen(w, zone, rrset, choice, owner);
    }
    uint16_t member = steer_draw_simple(choice, w->context->random);
    tally_member(choice, member);
    w->chosen.member = member;
    if (tally_is_noted(w)) {
        tally_note_here(w, policy, steered, choice, policy->members[member].endpoint);
    }
    return reply_add_steered(&w->reply, zone, rrset, member, owner) ? RRSET_DONE : RRSET_FULL;
}

/* The zone file's records where steering has none. */
enum rrset_outcome rrset_add_static(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                    struct reply_place place);

/* Steering wants the records of the zone file, which stand behind the steered ones. */
static inline enum rrset_outcome rrset_add_stand_in(struct work *w, const struct zone *zone,
                                                    const struct zone_node *node,
                                                    const struct zone_rrset *rrset, struct reply_place place)
{
    uint16_t type = rrset->type;
    rrset++;
    if (rrset == node->rrsets + node->rrset_count || rrset->type != type) {
        return RRSET_EMPTY;
    }
    return rrset_add_static(w, zone, rrset, place);
}

/* Inlined where most answers come through; additional records have a copy of their own. */
static inline __attribute__((always_inline)) enum rrset_outcome
rrset_add(struct work *w, const struct zone *zone, const struct zone_node *node,
          const struct zone_rrset *rrset, struct reply_place place)
{
    if ((rrset->flags & ZONE_RRSET_STEERED) != 0) {
        enum rrset_outcome outcome = rrset_add_steered(w, zone, rrset, place.owner);
        return outcome != RRSET_USE_STATIC ? outcome : rrset_add_stand_in(w, zone, node, rrset, place);
    }
    return reply_add_rrset(&w->reply, REPLY_ANSWER, zone, rrset, place) ? RRSET_DONE : RRSET_FULL;
}

/* An RRset that may rotate. Returns false if it does not fit. */
bool rrset_put(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
               struct reply_place place);
