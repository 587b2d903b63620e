/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Policies of steered names: from the checked document to the steer set and the zone's rendered records. */
#include "config.h"

#include "view/compile_internal.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "conf/keytable.h"
#include "dns/name.h"
#include "dns/types.h"

#include <stdlib.h>
#include <string.h>

static enum steer_pick pick_of(enum conf_pick pick)
{
    switch (pick) {
    case CONF_PICK_ROUND_ROBIN: return STEER_PICK_ROUND_ROBIN;
    case CONF_PICK_ALL: return STEER_PICK_ALL;
    case CONF_PICK_STICKY: return STEER_PICK_STICKY;
    case CONF_PICK_WEIGHTED: break;
    }
    return STEER_PICK_WEIGHTED;
}

/* By name: the same in every topology that has it, and on every server. */
static uint64_t identify(const struct conf_endpoint *endpoint)
{
    return hash_finish(hash_bytes(HASH_START, endpoint->name, strlen(endpoint->name)));
}

static const struct steer_member *plan_members(struct arena *arena, const struct conf_name *name,
                                               const struct conf_topology *topology, uint8_t *types)
{
    struct steer_member *members = arena_alloc(arena, name->member_count * sizeof *members);
    *types = 0;
    for (size_t i = 0; i < name->member_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[name->members[i].endpoint];
        bool is_host = endpoint->host != NULL;
        uint8_t has = (uint8_t)((endpoint->v4.family != ADDR_NONE ? STEER_HAS_A : 0) |
                                (endpoint->v6.family != ADDR_NONE ? STEER_HAS_AAAA : 0));
        members[i] = (struct steer_member){.endpoint = name->members[i].endpoint,
                                           .az = endpoint->az,
                                           .region = endpoint->region,
                                           .weight = name->members[i].weight,
                                           .types = has,
                                           .capacity = endpoint->capacity,
                                           .host = is_host ? endpoint->host->index + 1 : 0,
                                           .identity = identify(endpoint)};
        *types |= is_host ? STEER_HAS_A | STEER_HAS_AAAA : has;
    }
    return members;
}

static void add_records(const struct compiler *c, const struct conf_name *name, struct zone_builder *builder,
                        struct zone_steered_plan *plan)
{
    const struct conf_topology *topology = c->view->topology;
    bool v4 = plan->type == DNS_TYPE_A;
    plan->rdata_len = v4 ? 4 : 16;
    plan->has_hosts = false;
    uint8_t *rdata = memory_alloc_array(name->member_count, plan->rdata_len);
    for (size_t i = 0; i < name->member_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[name->members[i].endpoint];
        plan->has_hosts |= endpoint->host != NULL;
        memcpy(rdata + i * plan->rdata_len, v4 ? endpoint->v4.bytes : endpoint->v6.bytes, plan->rdata_len);
    }
    plan->rdata = rdata;
    zone_builder_add_steered(builder, plan);
    free(rdata);
}

void compile_add_name(struct compiler *c, const struct view_name *name)
{
    struct view *view = c->view;
    view->names = memory_grow(view->names, view->name_count, &c->name_capacity, sizeof *view->names);
    view->names[view->name_count] = *name;
    view->names[view->name_count].owner = arena_copy_text(view->arena, name->owner);
    view->names[view->name_count++].zone = arena_copy_text(view->arena, name->zone);
}

/* What names that are written alike have in common: found by what they share (conf/policy.h). Compared as
 * bytes, so it is zeroed before it is filled. */
struct shared {
    const struct conf_member *members;
    const struct conf_tier *tiers;
    const struct conf_geo *geo;
    const struct conf_tiers *outcomes;
    const struct conf_last_resort *fallback;
    struct conf_need min_healthy, spill_below;
    struct conf_sticky sticky;
    uint64_t settings; /* pick, spill, answers, nearest of the tiers */
    uint64_t ttl_failing;
};

struct policy_id {
    uint32_t id;
    uint8_t types;
};

static void get_shared(const struct conf_name *name, struct shared *shared)
{
    memset(shared, 0, sizeof *shared);
    shared->members = name->members;
    shared->tiers = name->tiers.items;
    shared->geo = name->geo;
    shared->outcomes = name->outcomes;
    shared->fallback = name->fallback;
    shared->min_healthy.share = name->min_healthy.share;
    shared->min_healthy.count = name->min_healthy.count;
    shared->spill_below.share = name->spill_below.share;
    shared->spill_below.count = name->spill_below.count;
    shared->sticky.v4_len = name->sticky.v4_len;
    shared->sticky.v6_len = name->sticky.v6_len;
    shared->sticky.hold_s = name->sticky.hold_s;
    shared->settings = (uint64_t)name->answers << 32 | (uint64_t)name->tiers.nearest << 16 |
                       (uint64_t)name->tiers.others << 15 | (uint64_t)name->spill << 8 | (uint64_t)name->pick;
    shared->ttl_failing = (uint64_t)name->has_ttl_failing << 32 | name->ttl_failing;
}

/* Enter the policy of a name into the steer set. */
static int enter_policy(struct compiler *c, const struct conf_name *name, const struct report_place *place,
                        struct policy_id *to)
{
    struct arena *arena = arena_new(4096);
    struct compile_classes classes;
    struct compile_plan from = {.arena = arena,
                                .name = name,
                                .members = plan_members(arena, name, c->view->topology, &to->types),
                                .place = place};
    int error = compile_plan_classes(c, &from, &classes);
    if (error == 0) {
        struct steer_policy plan = {
            .pick = pick_of(name->pick),
            .fallback = compile_get_fallback(name->fallback->then),
            .answers = (uint16_t)name->answers,
            .sticky = {.v4_len = name->sticky.v4_len,
                       .v6_len = name->sticky.v6_len,
                       .hold_s = name->sticky.hold_s},
            .has_ttl_failing = name->has_ttl_failing,
            .ttl_failing = name->ttl_failing,
            .member_count = (uint16_t)name->member_count,
            .class_count = classes.count,
            .members = from.members,
            .classes = classes.classes,
            .geo = classes.tree,
            .geo_label = name->geo == NULL ? NULL : name->geo->label,
        };
        to->id = steer_set_add(c->view->steer, &plan, classes.tree, classes.key);
    }
    arena_free(arena);
    return error;
}

/* Names with a policy of one document that was entered already. */
struct known_policies {
    struct arena *arena;
    struct keytable *by_shared; /* struct shared -> struct policy_id */
};

static int find_policy(struct compiler *c, const struct conf_name *name, const struct report_place *place,
                       struct known_policies *known, struct policy_id *to)
{
    struct shared shared;
    get_shared(name, &shared);
    const struct policy_id *found = keytable_find(known->by_shared, &shared, sizeof shared);
    if (found != NULL) {
        *to = *found;
        return 0;
    }
    int error = enter_policy(c, name, place, to);
    if (error == 0) {
        (void)keytable_add(known->by_shared, arena_copy(known->arena, &shared, sizeof shared), sizeof shared,
                           arena_copy(known->arena, to, sizeof *to));
    }
    return error;
}

static int compile_name(struct compiler *c, const struct conf_policy *policy, const struct conf_name *name,
                        struct zone_builder *builder, struct known_policies *known)
{
    uint8_t owner[DNS_NAME_MAX + 1];
    struct policy_id entered;
    struct report_place place = {.file = policy->path, .line = name->line, .column = name->column};
    if (name->member_count > STEER_MEMBERS_MAX) {
        report_add(c->report, REPORT_ERROR, &place, "%s: more than %d endpoints", name->owner,
                   STEER_MEMBERS_MAX);
        return ERROR_INVALID;
    }
    int len = dns_name_parse(name->owner, NULL, owner);
    if (len < 0) {
        report_add(c->report, REPORT_ERROR, &place, "%s is not a domain name", name->owner);
        return ERROR_INVALID;
    }
    dns_name_lower(owner, (size_t)len);
    int error = find_policy(c, name, &place, known, &entered);
    if (error != 0) {
        return ERROR_INVALID;
    }
    struct zone_steered_plan records = {.owner = owner,
                                        .member_count = (uint16_t)name->member_count,
                                        .ttl = name->ttl,
                                        .policy = entered.id,
                                        .line = name->line,
                                        .column = name->column,
                                        .file = policy->path};
    for (uint8_t type = STEER_HAS_A; type <= STEER_HAS_AAAA; type <<= 1) {
        records.type = type == STEER_HAS_A ? DNS_TYPE_A : DNS_TYPE_AAAA;
        if ((entered.types & type) != 0) {
            add_records(c, name, builder, &records);
        }
    }
    compile_add_name(c, &(struct view_name){.owner = name->owner,
                                            .zone = policy->origin,
                                            .policy = entered.id,
                                            .ttl = name->ttl,
                                            .types = entered.types});
    return 0;
}

int compile_policy(struct compiler *c, const struct conf_policy *policy, struct zone_builder *builder)
{
    int result = 0;
    struct known_policies known = {.arena = arena_new(0)};
    known.by_shared = keytable_new(known.arena);
    for (size_t i = 0; i < policy->name_count; i++) {
        int error = compile_name(c, policy, &policy->names[i], builder, &known);
        result = error != 0 ? error : result;
    }
    arena_free(known.arena);
    return result;
}
