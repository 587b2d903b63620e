/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What few choices need. */
#include "config.h"

#include "answer/pick.h"

/* ADDR_NONE: it is unknown. Returns the address, of *at. */
static const struct addr *find_source(const struct work *w, struct addr_port *at)
{
    if (w->request->client != NULL) {
        addr_from_sockaddr(w->request->client, at);
    } else {
        *at = (struct addr_port){.port = 0};
    }
    return &at->addr;
}

struct geo_match pick_find_class_of_source(const struct work *w, const struct steer_policy *policy)
{
    struct addr_port at;
    const struct addr *source = find_source(w, &at);
    struct geo_match match = geo_look_up(policy->subnets, source);
    return __builtin_expect(match.class_id < policy->class_count, 1) ? match
                                                                     : steer_find_class(policy, source);
}

/* Where a policy ignores the subnet, the query has none from here on, and its answer is good for all (RFC
 * 7871 section 7.2.1): unless an alias before depended on it. */
struct geo_match pick_find_class_elsewhere(struct work *w, const struct steer_policy *policy)
{
    if (!policy->ignores_subnet) {
        return steer_find_class(policy, pick_find_subnet(w));
    }
    w->query.ecs.source_len = w->scope == 0 ? 0 : w->query.ecs.source_len;
    struct geo_match match = pick_find_class_of_source(w, policy);
    match.scope = 0;
    return match;
}

struct steer_choice *pick_make_choice(const struct work *w, const struct zone_rrset *rrset,
                                      const struct steer_policy *policy, uint16_t class_id)
{
    const struct answer_context *context = w->context;
    struct steer_ask ask = {.now_ms = context->now_ms, .types = rrset->types, .class_id = class_id};
    return steer_cache_get(context->cache, policy, ask, context->table);
}

size_t pick_sticky(struct work *w, const struct steer_policy *policy, const struct steer_choice *choice,
                   uint16_t members[STEER_ANSWERS_MAX])
{
    struct addr_port at;
    const struct addr *subnet = pick_find_subnet(w);
    struct steer_key key = steer_find_key(policy, subnet != NULL ? subnet : find_source(w, &at));
    if (choice->count > 1 && key.prefix_len > w->scope) {
        w->scope = key.prefix_len;
    }
    return steer_pick_sticky(policy, choice, key.key, members);
}
