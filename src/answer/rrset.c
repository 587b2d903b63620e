/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What few RRsets need. */
#include "config.h"

#include "answer/rrset.h"

#include "answer/additional.h"

struct geo_match rrset_find_class_of_source(const struct work *w, const struct steer_policy *policy)
{
    struct addr_port at = {.port = 0};
    if (w->request->client != NULL) {
        addr_from_sockaddr(w->request->client, &at);
    }
    return steer_find_class(policy, &at.addr);
}

/* The subnet of ECS if given, else the source. */
static struct addr find_client(const struct work *w)
{
    struct addr_port at = {.port = 0};
    if (w->query.has_ecs && w->query.ecs.source_len != 0) {
        return w->query.ecs.addr;
    }
    if (w->request->client != NULL) {
        addr_from_sockaddr(w->request->client, &at);
    }
    return at.addr;
}

size_t rrset_pick_sticky(struct work *w, const struct steer_policy *policy, const struct steer_choice *choice,
                         uint16_t members[STEER_ANSWERS_MAX])
{
    struct addr client = find_client(w);
    struct steer_key key = steer_find_key(policy, &client);
    if (choice->count > 1 && key.prefix_len > w->scope) {
        w->scope = key.prefix_len;
    }
    return steer_pick_sticky(policy, choice, key.key, members);
}

static enum rrset_outcome add_picked(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                     struct steer_choice *choice, uint16_t owner)
{
    const struct zone_steered *steered = (const void *)(zone->blob + rrset->block);
    const struct steer_policy *policy = steer_cache_get_policy(w->context->cache, steered->policy);
    uint16_t members[STEER_ANSWERS_MAX];
    size_t picked = rrset_pick(w, policy, choice, members), from = w->reply.at;
    for (size_t i = 0; i < picked; i++) {
        if (!reply_add_steered(&w->reply, zone, rrset, members[i], owner)) {
            return RRSET_FULL;
        }
    }
    if (choice->ttl != STEER_TTL_FREE) {
        reply_limit_ttl(&w->reply, from, choice->ttl);
    }
    return picked != 0 ? RRSET_DONE : RRSET_EMPTY;
}

enum rrset_outcome rrset_add_chosen(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                                    struct steer_choice *choice, struct reply_place place)
{
    w->fallback |= choice->source != STEER_FROM_TIER;
    w->ttl_limit = choice->ttl;
    switch (choice->source) {
    case STEER_FROM_TIER:
    case STEER_FROM_POOL:
    case STEER_FROM_ALL:
        return (rrset->flags & ZONE_RRSET_LISTED) != 0  ? rrset_add_listed(w, zone, rrset, choice, place)
               : (rrset->flags & ZONE_RRSET_HOSTS) != 0 ? rrset_add_hosts(w, zone, rrset, choice, place.owner)
                                                        : add_picked(w, zone, rrset, choice, place.owner);
    case STEER_FROM_STATIC: return RRSET_USE_STATIC;
    case STEER_FROM_SERVFAIL: return RRSET_FAILED;
    case STEER_FROM_NODATA: break;
    }
    return rrset_get_empty(rrset);
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
    if ((rrset->flags & ZONE_RRSET_ROTATES) != 0) {
        reply_rotate(&w->reply, at, (unsigned)random_below(w->context->random, rrset->count));
    }
    return true;
}

void rrset_add_more(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                    struct reply_place place)
{
    uint16_t at = (uint16_t)w->reply.at;
    if (!rrset_put(w, zone, rrset, place)) {
        work_truncate(w);
        return;
    }
    if ((rrset->flags & ZONE_RRSET_ADDITIONAL) != 0 && !rrset_is_minimal(w)) {
        (void)additional_add(w, zone, rrset, place, at);
    }
}
