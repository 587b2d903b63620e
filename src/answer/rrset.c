/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What few RRsets need. */
#include "config.h"

#include "answer/rrset.h"

#include "answer/hosts.h"
#include "answer/whoami.h"

static enum rrset_outcome add_picked(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                     struct steer_choice *choice, uint16_t owner)
{
    const struct zone_steered *steered = zone_get_steered(zone, rrset);
    const struct steer_policy *policy = steer_cache_get_policy(w->context->cache, steered->policy);
    uint16_t members[STEER_ANSWERS_MAX];
    size_t picked = pick_members(w, policy, steered, choice, members), from = w->reply.at, len = rrset->len;
    const uint8_t *blob = zone->blob;
    pick_note_members(w, members, picked);
    for (size_t i = 0; i < picked; i++) {
        if (!reply_add_record(&w->reply, blob + steered->records[members[i]], len, owner)) {
            return RRSET_FULL;
        }
    }
    if (choice->ttl != STEER_TTL_FREE) {
        reply_limit_ttl(&w->reply, from, choice->ttl);
    }
    return picked != 0 ? RRSET_DONE : RRSET_EMPTY;
}

static enum rrset_outcome add_members(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                      struct steer_choice *choice, uint16_t owner)
{
    if ((rrset->flags & ZONE_RRSET_LISTED) != 0) {
        return RRSET_LISTED;
    }
    if ((rrset->flags & ZONE_RRSET_HOSTS) != 0) {
        size_t from = w->reply.at;
        bool fits = hosts_add(w, zone, rrset, choice, owner);
        return !fits ? RRSET_FULL : w->reply.at != from ? RRSET_DONE : RRSET_EMPTY;
    }
    return add_picked(w, zone, rrset, choice, owner);
}

static void note(const struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                 const struct steer_choice *choice, uint16_t member)
{
    if (tally_is_noted(w)) {
        const struct zone_steered *steered = zone_get_steered(zone, rrset);
        tally_note(w, steer_cache_get_policy(w->context->cache, steered->policy), steered, choice, member);
    }
}

/* One address, as in the short way, but from one of several parts, or not from a tier, or with another TTL.
 */
static __attribute__((noinline)) enum rrset_outcome add_single(struct work *w, const struct zone *zone,
                                                               const struct zone_rrset *rrset,
                                                               const struct steer_choice *choice,
                                                               uint16_t owner)
{
    size_t from = w->reply.at;
    uint16_t member = steer_draw_single(choice, w->context->random);
    tally_member(choice, member);
    w->chosen.member = member;
    note(w, zone, rrset, choice, member);
    if (!reply_add_steered(&w->reply, zone, rrset, member, owner)) {
        return RRSET_FULL;
    }
    if (choice->ttl != STEER_TTL_FREE) {
        reply_limit_ttl(&w->reply, from, choice->ttl);
    }
    return RRSET_DONE;
}

static __attribute__((noinline)) enum rrset_outcome add_from_source(struct work *w, const struct zone *zone,
                                                                    const struct zone_rrset *rrset,
                                                                    struct steer_choice *choice,
                                                                    uint16_t owner)
{
    switch (choice->source) {
    case STEER_FROM_TIER:
    case STEER_FROM_POOL:
    case STEER_FROM_FIRST:
    case STEER_FROM_SICK:
    case STEER_FROM_HELD:
    case STEER_FROM_ALL: return add_members(w, zone, rrset, choice, owner);
    case STEER_FROM_STATIC:
    case STEER_FROM_SERVFAIL:
    case STEER_FROM_NODATA: break;
    }
    note(w, zone, rrset, choice, UINT16_MAX);
    if (choice->source != STEER_FROM_NODATA) {
        return choice->source == STEER_FROM_STATIC ? RRSET_USE_STATIC : RRSET_FAILED;
    }
    return rrset_get_empty(rrset);
}

enum rrset_outcome rrset_add_chosen(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                    struct steer_choice *choice, uint16_t owner)
{
    w->mark |= choice->source != STEER_FROM_TIER ? ANSWER_FALLEN_BACK : ANSWER_PLAIN;
    w->chosen.member = ANSWER_NO_MEMBER;
    w->chosen.member_count = 0;
    w->ttl_limit = choice->ttl;
    return choice->is_single && rrset_is_fixed(rrset) ? add_single(w, zone, rrset, choice, owner)
                                                      : add_from_source(w, zone, rrset, choice, owner);
}

enum rrset_outcome rrset_add_static(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                    struct reply_place place)
{
    size_t from = w->reply.at;
    if (!reply_add_rrset(&w->reply, REPLY_ANSWER, zone, rrset, place)) {
        return RRSET_FULL;
    }
    reply_limit_ttl(&w->reply, from, w->ttl_limit);
    return RRSET_DONE;
}

bool rrset_put(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
               struct reply_place place)
{
    size_t at = w->reply.at;
    if (!reply_add_rrset(&w->reply, REPLY_ANSWER, zone, rrset, place)) {
        return false;
    }
    if ((rrset->flags & (ZONE_RRSET_ROTATES | ZONE_RRSET_WHOAMI)) == 0) {
        return true;
    }
    if ((rrset->flags & ZONE_RRSET_WHOAMI) != 0) {
        w->reply.at = at;
        w->reply.counts[REPLY_ANSWER] = (uint16_t)(w->reply.counts[REPLY_ANSWER] - rrset->count);
        return whoami_put(w, zone, rrset, place);
    }
    reply_rotate(&w->reply, at, (unsigned)random_below(w->context->random, rrset->count));
    return true;
}
