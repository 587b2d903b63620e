/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Policies of steered names: from the checked document to the steer set and the zone's rendered records. */
#include "config.h"

#include "view/compile_internal.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
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

static const struct steer_class *plan_classes(const struct compile_classes *plan)
{
    const struct conf_name *name = plan->name;
    struct steer_class *classes = arena_alloc(plan->arena, (name->geo_count + 1) * sizeof *classes);
    classes[0].label = "default";
    classes[0].spread = name->spill == CONF_SPILL_CAPACITY;
    compile_plan_class(plan, &name->tiers, NULL, &classes[0]);
    for (size_t g = 0; g < name->geo_count; g++) {
        classes[g + 1].label = arena_print(plan->arena, "geo[%zu]", g);
        classes[g + 1].spread = name->geo[g].spill == CONF_SPILL_CAPACITY;
        classes[g + 1].fenced = name->geo[g].fence;
        const struct conf_geo_rule *rule = &name->geo[g];
        compile_plan_class(plan, &rule->tiers, rule->has_fallback ? &rule->fallback : NULL, &classes[g + 1]);
    }
    return classes;
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
        uint8_t has = (uint8_t)((endpoint->v4.family != ADDR_NONE ? STEER_HAS_A : 0) |
                                (endpoint->v6.family != ADDR_NONE ? STEER_HAS_AAAA : 0));
        members[i] = (struct steer_member){.endpoint = name->members[i].endpoint,
                                           .az = endpoint->az,
                                           .region = endpoint->region,
                                           .weight = name->members[i].weight,
                                           .types = has,
                                           .capacity = endpoint->capacity,
                                           .identity = identify(endpoint)};
        *types |= has;
    }
    return members;
}

static uint64_t hash_texts(uint64_t hash, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hash = hash_bytes(hash, texts[i], strlen(texts[i]) + 1);
    }
    return hash_bytes(hash, &count, sizeof count);
}

/* Rules of equal content over the same databases make equal trees: the set has it then, and shares it by key.
 */
static struct geo_tree *plan_geo(const struct compiler *c, const struct conf_name *name, uint64_t *key)
{
    *key = 0;
    if (name->geo_count == 0) {
        return NULL;
    }
    struct geo_rule *rules = memory_alloc_array(name->geo_count, sizeof *rules);
    uint64_t hash = hash_bytes(HASH_START, &c->geo_key, sizeof c->geo_key);
    for (size_t g = 0; g < name->geo_count; g++) {
        const struct conf_geo_rule *rule = &name->geo[g];
        rules[g] = (struct geo_rule){.countries = rule->countries,
                                     .country_count = rule->country_count,
                                     .continents = rule->continents,
                                     .continent_count = rule->continent_count,
                                     .prefixes = rule->prefixes,
                                     .prefix_count = rule->prefix_count,
                                     .class_id = (uint16_t)(g + 1)};
        hash = hash_texts(hash, rule->countries, rule->country_count);
        hash = hash_texts(hash, rule->continents, rule->continent_count);
        hash = hash_bytes(hash, &rule->prefix_count, sizeof rule->prefix_count);
        for (size_t p = 0; p < rule->prefix_count; p++) {
            hash = hash_bytes(hash, &rule->prefixes[p].addr, sizeof rule->prefixes[p].addr);
            hash = hash_bytes(hash, &rule->prefixes[p].len, 1);
        }
    }
    *key = hash_finish(hash);
    struct geo_tree *tree = NULL;
    if (!steer_set_has_geo(c->view->steer, *key)) {
        tree = geo_build_tree(rules, name->geo_count, c->view->geo, c->view->geo_count);
    }
    free(rules);
    return tree;
}

static void add_records(const struct compiler *c, const struct conf_name *name, struct zone_builder *builder,
                        struct zone_steered_plan *plan)
{
    const struct conf_topology *topology = c->view->topology;
    bool v4 = plan->type == DNS_TYPE_A;
    plan->rdata_len = v4 ? 4 : 16;
    uint8_t *rdata = memory_alloc_array(name->member_count, plan->rdata_len);
    for (size_t i = 0; i < name->member_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[name->members[i].endpoint];
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

static int compile_name(struct compiler *c, const struct conf_policy *policy, const struct conf_name *name,
                        struct zone_builder *builder)
{
    uint8_t owner[DNS_NAME_MAX + 1], types;
    struct report_place place = {.file = policy->path, .line = name->line, .column = name->column};
    if (name->member_count > STEER_MEMBERS_MAX || name->geo_count >= STEER_CLASSES_MAX) {
        report_add(c->report, REPORT_ERROR, &place, "%s: more than %d endpoints or geo rules", name->owner,
                   STEER_MEMBERS_MAX);
        return ERROR_INVALID;
    }
    int len = dns_name_parse(name->owner, NULL, owner);
    if (len < 0) {
        report_add(c->report, REPORT_ERROR, &place, "%s is not a domain name", name->owner);
        return ERROR_INVALID;
    }
    dns_name_lower(owner, (size_t)len);
    struct arena *arena = arena_new(4096);
    uint64_t geo_key;
    struct geo_tree *geo = plan_geo(c, name, &geo_key);
    struct compile_classes classes = {
        .arena = arena, .name = name, .members = plan_members(arena, name, c->view->topology, &types)};
    struct steer_policy plan = {
        .pick = pick_of(name->pick),
        .fallback = compile_get_fallback(name->fallback.then),
        .answers = (uint16_t)name->answers,
        .has_ttl_failing = name->has_ttl_failing,
        .ttl_failing = name->ttl_failing,
        .sticky = {.v4_len = name->sticky.v4_len,
                   .v6_len = name->sticky.v6_len,
                   .hold_s = name->sticky.hold_s},
        .member_count = (uint16_t)name->member_count,
        .class_count = (uint16_t)(name->geo_count + 1),
        .members = classes.members,
        .classes = plan_classes(&classes),
        .geo = geo,
    };
    uint32_t id = steer_set_add(c->view->steer, &plan, geo, geo_key);
    struct zone_steered_plan records = {.owner = owner,
                                        .member_count = plan.member_count,
                                        .ttl = name->ttl,
                                        .policy = id,
                                        .line = name->line,
                                        .column = name->column,
                                        .file = policy->path};
    for (uint8_t type = STEER_HAS_A; type <= STEER_HAS_AAAA; type <<= 1) {
        records.type = type == STEER_HAS_A ? DNS_TYPE_A : DNS_TYPE_AAAA;
        if ((types & type) != 0) {
            add_records(c, name, builder, &records);
        }
    }
    compile_add_name(
        c, &(struct view_name){
               .owner = name->owner, .zone = policy->origin, .policy = id, .ttl = name->ttl, .types = types});
    arena_free(arena);
    return 0;
}

int compile_policy(struct compiler *c, const struct conf_policy *policy, struct zone_builder *builder)
{
    int result = 0;
    for (size_t i = 0; i < policy->name_count; i++) {
        int error = compile_name(c, policy, &policy->names[i], builder);
        result = error != 0 ? error : result;
    }
    return result;
}
