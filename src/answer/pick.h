/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which members of a steered RRset answer this query: the choice for its client, and what is drawn from that.
 * Private to answer. */
#pragma once

#include "answer/tally.h"
#include "steer/draw.h"

#include <string.h>

struct geo_match pick_find_class_of_source(const struct work *w, const struct steer_policy *policy);
/* Of a subnet of which the usual look-up tells nothing. */
struct geo_match pick_find_class_elsewhere(struct work *w, const struct steer_policy *policy);

/* What ECS says of the client; NULL: nothing. */
static inline const struct addr *pick_find_subnet(const struct work *w)
{
    return w->query.has_ecs && w->query.ecs.source_len != 0 ? &w->query.ecs.addr : NULL;
}

/* The client for geography: the subnet of ECS if given, else the source. */
static inline struct geo_match pick_find_class(struct work *w, const struct steer_policy *policy)
{
    const struct addr *subnet = pick_find_subnet(w);
    if (subnet == NULL) {
        return pick_find_class_of_source(w, policy);
    }
    struct geo_match match = geo_look_up(policy->subnets, subnet);
    return __builtin_expect(match.class_id < policy->class_count, 1) ? match
                                                                     : pick_find_class_elsewhere(w, policy);
}

/* Members for this very client; the scope becomes what the answer is good for. */
size_t pick_sticky(struct work *w, const struct steer_policy *policy, const struct steer_choice *choice,
                   uint16_t members[STEER_ANSWERS_MAX]);

/* Draw from the choice. Returns how many. */
static inline size_t pick_members(struct work *w, const struct steer_policy *policy,
                                  const struct zone_steered *steered, struct steer_choice *choice,
                                  uint16_t members[STEER_ANSWERS_MAX])
{
    size_t count = policy->pick == STEER_PICK_STICKY
                       ? pick_sticky(w, policy, choice, members)
                       : steer_pick(policy, choice, w->context->random, members);
    if (__builtin_expect(count == 1, 1)) {
        tally_member(choice, members[0]);
    } else {
        for (size_t i = 0; i < count; i++) {
            tally_member(choice, members[i]);
        }
    }
    if (tally_is_noted(w)) {
        tally_note(w, policy, steered, choice, count == 0 ? UINT16_MAX : members[0]);
    }
    return count;
}

/* Several were drawn, or none: for those who are told of answers. */
static inline void pick_note_members(struct work *w, const uint16_t *members, size_t count)
{
    if (__builtin_expect((w->context->view->guards & VIEW_GUARD_TAP) != 0, 0)) {
        memcpy(w->members, members, count * sizeof *members);
        w->chosen.member_count = (uint16_t)count;
    }
}

/* It has to be made anew. */
struct steer_choice *pick_make_choice(const struct work *w, const struct zone_rrset *rrset,
                                      const struct steer_policy *policy, uint16_t class_id);

/* The choice for this client, as it stands or made anew. */
static inline __attribute__((always_inline)) struct steer_choice *
pick_find_choice(struct work *w, const struct zone_rrset *rrset, const struct steer_policy *policy)
{
    const struct answer_context *context = w->context;
    uint16_t class_id = 0;
    uint32_t slot = policy->cache_at + (unsigned)__builtin_ctz(rrset->types);
    if (policy->subnets != NULL) {
        struct geo_match match = pick_find_class(w, policy);
        class_id = match.class_id;
        slot += (uint32_t)class_id * policy->type_count;
        w->scope = match.scope > w->scope ? match.scope : w->scope;
    }
    struct steer_choice *choice = &context->cache->choices[slot];
    return __builtin_expect(steer_choice_holds(choice, context->now_ms, context->table), 1)
               ? choice
               : pick_make_choice(w, rrset, policy, class_id);
}
