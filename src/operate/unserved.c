/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See unserved.h. It stands between an operator in an emergency and what he wants, so it does no more than it
 * has to: states first, then the policies that have one of those that differ, and their names in the end. */
#include "config.h"

#include "operate/unserved.h"

#include "base/memory.h"
#include "dns/types.h"
#include "operate/choice.h"

#include <stdlib.h>

/* What is found of a policy. */
struct found {
    uint16_t types, class_id, class_count;
};

struct search {
    const struct operate_unserved_ask *ask;
    const struct steer_set *set;
    uint64_t *differs; /* a bit per endpoint */
    uint32_t *touched; /* policies */
    size_t touched_count;
    struct found *found; /* by policy */
    struct steer_choice choice;
};

/* ---- who is concerned ---- */

static bool is_moved(const struct search *search, uint32_t endpoint, enum health_family family)
{
    const struct view *view = search->ask->view;
    const struct conf_endpoint *conf = &view->topology->endpoints[endpoint];
    return health_table_effective(view->table, endpoint, conf->az, conf->region, family).state !=
           health_table_effective(search->ask->after, endpoint, conf->az, conf->region, family).state;
}

/* Returns whether there is any. */
static bool find_differences(struct search *search)
{
    const struct view *view = search->ask->view;
    bool any = false;
    for (uint32_t i = 0; i < view->topology->endpoint_count; i++) {
        if (is_moved(search, i, HEALTH_V4) || is_moved(search, i, HEALTH_V6)) {
            search->differs[i / 64] |= UINT64_C(1) << (i % 64);
            any = true;
        }
    }
    return any;
}

static bool is_touched(const struct search *search, const struct steer_policy *policy)
{
    for (size_t i = 0; i < policy->member_count; i++) {
        uint32_t endpoint = policy->members[i].endpoint;
        if ((search->differs[endpoint / 64] >> (endpoint % 64) & 1) != 0) {
            return true;
        }
    }
    return false;
}

/* Returns the room that one of their choices takes at most. */
static struct steer_room find_touched(struct search *search)
{
    const struct steer_policy *const *policies = steer_set_policies(search->set);
    struct steer_room room = {.members = 0};
    size_t count = steer_set_count(search->set);
    for (size_t i = 0; i < count; i++) {
        if (is_touched(search, policies[i])) {
            search->touched[search->touched_count++] = (uint32_t)i;
            steer_widen_room(&room, policies[i]);
        }
    }
    return room;
}

/* ---- what they lose ---- */

static bool is_served_with(struct search *search, const struct steer_policy *policy, struct steer_ask ask,
                           const struct health_table *table)
{
    steer_evaluate(policy, ask, table, &search->choice, NULL);
    return operate_is_served(policy, &search->choice, table, steer_get_family(ask.types));
}

/* All types that a member may have. */
static uint16_t find_types(const struct steer_policy *policy)
{
    uint16_t types = 0;
    for (size_t i = 0; i < policy->member_count; i++) {
        const struct steer_member *member = &policy->members[i];
        types |= (uint16_t)(member->types | (member->has_host ? STEER_HAS_A | STEER_HAS_AAAA : 0));
    }
    return types;
}

static void look_at_policy(struct search *search, const struct steer_policy *policy)
{
    const struct operate_unserved_ask *asked = search->ask;
    struct found *found = &search->found[policy->id];
    uint16_t types = find_types(policy);
    for (uint16_t class_id = 0; class_id < policy->class_count; class_id++) {
        uint16_t lost = 0;
        for (unsigned type = 1; type <= types; type <<= 1) {
            const struct steer_ask ask = {
                .now_ms = (uint64_t)asked->wall_ms, .class_id = class_id, .types = (uint16_t)type};
            if ((types & type) != 0 && !is_served_with(search, policy, ask, asked->after) &&
                is_served_with(search, policy, ask, asked->view->table)) {
                lost |= (uint16_t)type;
            }
        }
        if (lost != 0) {
            found->class_id = found->types == 0 ? class_id : found->class_id;
            found->types |= lost;
            found->class_count++;
        }
    }
}

/* ---- whose names these are ---- */

static void tell_name(const struct search *search, const struct view_name *name, uint16_t types,
                      struct arena *arena, struct operate_unserved_name *to)
{
    const struct steer_policy *policy = steer_set_get(search->set, name->policy);
    const struct found *found = &search->found[name->policy];
    char text[DNS_TYPE_TEXT_SIZE];
    size_t count = 0;
    *to = (struct operate_unserved_name){.name = arena_copy_text(arena, name->owner),
                                         .zone = arena_copy_text(arena, name->zone),
                                         .class_label =
                                             arena_copy_text(arena, policy->classes[found->class_id].label),
                                         .class_count = found->class_count};
    for (unsigned i = 0; i < policy->type_count; i++) {
        if ((types >> i & 1) != 0) {
            to->types[count++] = arena_copy_text(arena, dns_write_type(policy->types[i], text));
        }
    }
}

static void list_names(const struct search *search, struct arena *arena, struct operate_unserved *unserved)
{
    const struct view *view = search->ask->view;
    size_t limit = search->ask->limit < view->name_count ? search->ask->limit : view->name_count;
    unserved->names = arena_alloc(arena, limit * sizeof *unserved->names);
    for (size_t i = 0; i < view->name_count; i++) {
        const struct view_name *name = &view->names[i];
        uint16_t types = search->found[name->policy].types & name->types;
        if (types == 0) {
            continue;
        }
        if (unserved->count < limit) {
            tell_name(search, name, types, arena, &unserved->names[unserved->count++]);
        }
        unserved->total++;
    }
}

void operate_find_unserved(const struct operate_unserved_ask *ask, struct arena *arena,
                           struct operate_unserved *unserved)
{
    const struct view *view = ask->view;
    *unserved = (struct operate_unserved){.count = 0};
    if (view->topology == NULL || view->name_count == 0) {
        return;
    }
    size_t policies = steer_set_count(view->steer);
    struct search search = {
        .ask = ask,
        .set = view->steer,
        .differs = memory_alloc_array(view->topology->endpoint_count / 64 + 1, sizeof *search.differs)};
    if (find_differences(&search)) {
        search.touched = memory_alloc_array(policies, sizeof *search.touched);
        search.found = memory_alloc_array(policies, sizeof *search.found);
        struct steer_room room = find_touched(&search);
        void *memory = memory_alloc(steer_room_size(room));
        steer_choice_init(&search.choice, room, memory);
        bool any = false;
        for (size_t i = 0; i < search.touched_count; i++) {
            look_at_policy(&search, steer_set_get(view->steer, search.touched[i]));
            any |= search.found[search.touched[i]].types != 0;
        }
        if (any) {
            list_names(&search, arena, unserved);
        }
        free(memory);
    }
    free(search.differs);
    free(search.touched);
    free(search.found);
}
