/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One member answers with its records as a static RRset does. Of several members each distinct record goes
 * into the answer once. */
#include "config.h"

#include "answer/listed.h"

static bool add_records(struct work *w, const struct zone *zone, const struct listed_crowd *crowd,
                        struct reply_place place)
{
    struct listed_numbers seen;
    listed_clear(&seen, crowd->listed->single_count);
    for (size_t i = 0; i < crowd->count; i++) {
        const struct zone_set *set = zone_get_set(zone, crowd->listed, crowd->members[i]);
        const uint16_t *singles = set == NULL ? NULL : zone_get_singles(zone, set);
        for (unsigned k = 0; set != NULL && k < set->rrset.count; k++) {
            const struct zone_single *single = zone_get_single(zone, crowd->listed, singles[k]);
            if (listed_note(&seen, singles[k]) &&
                !reply_add_rrset(&w->reply, REPLY_ANSWER, zone, &single->rrset, place)) {
                return false;
            }
        }
    }
    return true;
}

static enum rrset_outcome add_crowd(struct work *w, const struct zone *zone, const struct listed_crowd *crowd,
                                    struct reply_place place)
{
    if (!add_records(w, zone, crowd, place)) {
        return RRSET_FULL;
    }
    reply_limit_ttl(&w->reply, crowd->from, w->chosen.choice->ttl);
    return RRSET_DONE;
}

static enum rrset_outcome add_one(struct work *w, const struct zone *zone, const struct listed_crowd *crowd,
                                  struct reply_place place)
{
    if (!rrset_put(w, zone, crowd->rrset, place)) {
        return RRSET_FULL;
    }
    if (w->chosen.choice->ttl != STEER_TTL_FREE) {
        reply_limit_ttl(&w->reply, crowd->from, w->chosen.choice->ttl);
    }
    bool is_asked = w->query.qtype == DNS_TYPE_CNAME || w->query.qtype == DNS_TYPE_ANY;
    return crowd->rrset->type == DNS_TYPE_CNAME && !is_asked ? RRSET_ALIAS : RRSET_DONE;
}

enum rrset_outcome listed_add(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                              struct reply_place place, struct listed_crowd *crowd)
{
    const struct steer_policy *policy;
    crowd->listed = zone_get_listed(zone, rrset);
    crowd->from = w->reply.at;
    policy = steer_set_get(w->context->view->steer, crowd->listed->policy);
    crowd->count = pick_members(w, policy, zone_get_steered(zone, rrset), w->chosen.choice, crowd->members);
    pick_note_members(w, crowd->members, crowd->count);
    if (crowd->count > 1) {
        return add_crowd(w, zone, crowd, place);
    }
    const struct zone_set *set =
        crowd->count == 0 ? NULL : zone_get_set(zone, crowd->listed, crowd->members[0]);
    if (set == NULL) {
        return rrset_get_empty(rrset);
    }
    crowd->rrset = &set->rrset;
    return add_one(w, zone, crowd, place);
}
