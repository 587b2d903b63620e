/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steered RRsets of any rdata. One member answers with its records as a static RRset does. Of several members
 * each distinct record goes into the answer once, and each target brings its addresses along once. */
#include "config.h"

#include "answer/additional.h"

/* Numbers that were seen. */
struct numbers {
    uint64_t words[ZONE_SINGLES_MAX / 64];
};

static void clear(struct numbers *numbers, unsigned count)
{
    memset(numbers->words, 0, (count + 63u) / 64 * sizeof *numbers->words);
}

/* Returns whether it is the first time. */
static bool note(struct numbers *numbers, unsigned number)
{
    uint64_t *word = &numbers->words[number / 64], bit = UINT64_C(1) << number % 64;
    bool is_new = (*word & bit) == 0;
    *word |= bit;
    return is_new;
}

/* Members that answer together, and where their records are. */
struct crowd {
    const struct zone *zone;
    const struct zone_listed *listed;
    const uint16_t *members;
    size_t count;
    struct reply_place place;
};

static bool add_records(struct work *w, const struct crowd *crowd)
{
    struct numbers seen;
    clear(&seen, crowd->listed->single_count);
    for (size_t i = 0; i < crowd->count; i++) {
        const struct zone_set *set = zone_get_set(crowd->zone, crowd->listed, crowd->members[i]);
        const uint16_t *singles = set == NULL ? NULL : zone_get_singles(crowd->zone, set);
        for (unsigned k = 0; set != NULL && k < set->rrset.count; k++) {
            const struct zone_single *single = zone_get_single(crowd->zone, crowd->listed, singles[k]);
            if (note(&seen, singles[k]) &&
                !reply_add_rrset(&w->reply, REPLY_ANSWER, crowd->zone, &single->rrset, crowd->place)) {
                return false;
            }
        }
    }
    return true;
}

/* Once more over the same records, which stand from `at` on in this order. */
static void add_additional(struct work *w, const struct crowd *crowd, size_t at)
{
    struct numbers seen, targets;
    clear(&seen, crowd->listed->single_count);
    clear(&targets, crowd->listed->single_count);
    for (size_t i = 0; i < crowd->count; i++) {
        const struct zone_set *set = zone_get_set(crowd->zone, crowd->listed, crowd->members[i]);
        const uint16_t *singles = set == NULL ? NULL : zone_get_singles(crowd->zone, set);
        for (unsigned k = 0; set != NULL && k < set->rrset.count; k++) {
            const struct zone_single *single = zone_get_single(crowd->zone, crowd->listed, singles[k]);
            if (!note(&seen, singles[k])) {
                continue;
            }
            if ((single->rrset.flags & ZONE_RRSET_ADDITIONAL) != 0 && note(&targets, single->target)) {
                (void)additional_add(w, crowd->zone, &single->rrset, crowd->place, (uint16_t)at);
            }
            at += single->rrset.len;
        }
    }
}

static enum rrset_outcome add_crowd(struct work *w, const struct crowd *crowd, uint32_t ttl)
{
    size_t from = w->reply.at;
    if (!add_records(w, crowd)) {
        return RRSET_FULL;
    }
    reply_limit_ttl(&w->reply, from, ttl);
    if (!rrset_is_minimal(w)) {
        add_additional(w, crowd, from);
    }
    return RRSET_DONE;
}

static enum rrset_outcome add_one(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                  struct reply_place place, uint32_t ttl)
{
    size_t from = w->reply.at;
    if (!rrset_put(w, zone, rrset, place)) {
        return RRSET_FULL;
    }
    if (ttl != STEER_TTL_FREE) {
        reply_limit_ttl(&w->reply, from, ttl);
    }
    if ((rrset->flags & ZONE_RRSET_ADDITIONAL) != 0 && !rrset_is_minimal(w)) {
        (void)additional_add(w, zone, rrset, place, (uint16_t)from);
    }
    bool is_asked = w->query.qtype == DNS_TYPE_CNAME || w->query.qtype == DNS_TYPE_ANY;
    return rrset->type == DNS_TYPE_CNAME && !is_asked ? RRSET_ALIAS : RRSET_DONE;
}

enum rrset_outcome rrset_add_listed(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                    struct steer_choice *choice, struct reply_place place)
{
    const struct zone_listed *listed = zone_get_listed(zone, rrset);
    const struct steer_policy *policy = steer_set_get(w->context->view->steer, listed->policy);
    uint16_t members[STEER_ANSWERS_MAX];
    struct crowd crowd = {zone, listed, members, rrset_pick(w, policy, choice, members), place};
    w->ttl_limit = choice->ttl;
    if (crowd.count > 1) {
        return add_crowd(w, &crowd, choice->ttl);
    }
    const struct zone_set *set = crowd.count == 0 ? NULL : zone_get_set(zone, listed, members[0]);
    return set == NULL ? rrset_get_empty(rrset) : add_one(w, zone, &set->rrset, place, choice->ttl);
}
