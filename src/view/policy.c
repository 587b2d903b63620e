/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Policies of steered names: from the checked document to the steer set and the zone's rendered records. */
#include "config.h"

#include "view/compile_internal.h"

#include "base/buffer.h"
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

void compile_give_places(struct view *view)
{
    const struct conf_topology *topology = view->topology;
    size_t count = topology == NULL ? 0 : topology->endpoint_count;
    struct steer_place *places = memory_alloc_array(count, sizeof *places);
    for (size_t i = 0; i < count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[i];
        places[i] = (struct steer_place){.az = endpoint->az,
                                         .region = endpoint->region,
                                         .capacity = endpoint->capacity,
                                         .host = endpoint->host == NULL ? 0 : endpoint->host->index + 1,
                                         .identity = identify(endpoint)};
    }
    steer_set_give_places(view->steer, places, count);
    free(places);
}

static const struct steer_member *plan_members(const struct compile_policy *p, struct arena *arena,
                                               const struct conf_name *name,
                                               const struct compile_records *records, uint16_t *types)
{
    const struct conf_topology *topology = p->c->view->topology;
    struct steer_member *members = arena_alloc(arena, name->member_count * sizeof *members);
    bool answers = compile_answers_addresses(name, records, DNS_TYPE_A) ||
                   compile_answers_addresses(name, records, DNS_TYPE_AAAA);
    *types = 0;
    for (size_t i = 0; i < name->member_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[name->members[i].endpoint];
        uint16_t has = compile_find_types(p, name, records, i);
        bool has_host = endpoint->host != NULL && answers;
        members[i] = (struct steer_member){.endpoint = name->members[i].endpoint,
                                           .has_host = has_host,
                                           .is_alias = records->is_alias && endpoint->host != NULL,
                                           .weight = (uint16_t)name->members[i].weight,
                                           .types = has};
        *types = (uint16_t)(*types | has | (has_host ? STEER_HAS_A | STEER_HAS_AAAA : 0));
    }
    return members;
}

static void add_addresses(const struct compile_policy *p, const struct conf_name *name,
                          struct zone_steered_plan *plan)
{
    const struct conf_topology *topology = p->c->view->topology;
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
    zone_builder_add_steered(p->builder, plan);
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
    const struct conf_records *records;
    uint64_t settings; /* pick, spill, answers, nearest of the tiers, addresses, aliases … */
    uint64_t ttl_failing;
    uint64_t group; /* of names */
};

struct policy_id {
    uint32_t id;
    uint16_t types;
};

static void get_shared(const struct conf_name *name, const struct compile_records *records, uint32_t group,
                       struct shared *shared)
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
    shared->sticky.hold_ms = name->sticky.hold_ms;
    shared->settings = (uint64_t)name->answers << 32 | (uint64_t)name->tiers.nearest << 16 |
                       (uint64_t)name->tiers.others << 15 | (uint64_t)name->addresses << 14 |
                       (uint64_t)records->is_alias << 13 | (uint64_t)name->falls_back << 12 |
                       (uint64_t)name->ignores_subnet << 11 | (uint64_t)name->apart << 48 |
                       (uint64_t)name->spill << 8 | (uint64_t)name->pick;
    shared->records = name->records;
    shared->group = group;
    shared->ttl_failing = (uint64_t)name->has_ttl_failing << 32 | name->ttl_failing;
}

/* Enter the policy of a name into the steer set. */
static int enter_policy(const struct compile_policy *p, const struct conf_name *name,
                        const struct compile_records *records, uint32_t group,
                        const struct report_place *place, struct policy_id *to)
{
    struct arena *arena = arena_new(4096);
    struct compile_classes classes;
    struct compile_plan from = {.arena = arena,
                                .name = name,
                                .members = plan_members(p, arena, name, records, &to->types),
                                .places = steer_set_places(p->c->view->steer),
                                .place = place};
    int error = compile_plan_classes(p->c, &from, &classes);
    if (error == 0) {
        struct steer_policy plan = {
            .pick = pick_of(name->pick),
            .fallback = compile_get_fallback(name->fallback->then),
            .falls_back = name->falls_back,
            .ignores_subnet = name->ignores_subnet,
            .answers = (uint16_t)name->answers,
            .apart = (enum steer_apart)name->apart,
            .sticky = {.v4_len = name->sticky.v4_len,
                       .v6_len = name->sticky.v6_len,
                       .hold_ms = name->sticky.hold_ms},
            .has_ttl_failing = name->has_ttl_failing,
            .ttl_failing = name->ttl_failing,
            .ttl_floor = p->policy->ttl_floor,
            .group = group,
            .member_count = (uint16_t)name->member_count,
            .class_count = classes.count,
            .type_count = records->number_count,
            .members = from.members,
            .classes = classes.classes,
            .geo = classes.tree,
            .geo_label = name->geo == NULL ? NULL : name->geo->label,
        };
        memcpy(plan.types, records->numbers, sizeof plan.types);
        to->id = steer_set_add(p->c->view->steer, &plan, classes.tree, classes.key);
    }
    arena_free(arena);
    return error;
}

static int find_policy(const struct compile_policy *p, const struct conf_name *name,
                       const struct compile_records *records, const struct report_place *place,
                       struct policy_id *to)
{
    struct shared shared;
    uint32_t group = conf_find_name_group(p->c->view->topology, name->owner);
    get_shared(name, records, group, &shared);
    const struct policy_id *found = keytable_find(p->by_shared, &shared, sizeof shared);
    if (found != NULL) {
        *to = *found;
        return 0;
    }
    int error = enter_policy(p, name, records, group, place, to);
    if (error == 0) {
        (void)keytable_add(p->by_shared, arena_copy(p->arena, &shared, sizeof shared), sizeof shared,
                           arena_copy(p->arena, to, sizeof *to));
    }
    return error;
}

/* The records of names that are written alike are read once; so are their errors reported. */
static const struct compile_records *find_records(const struct compile_policy *p,
                                                  const struct conf_name *name, bool with_aliases)
{
    struct {
        const struct conf_records *records;
        const struct conf_member *members;
        uint64_t addresses;
    } key = {name->records, name->members, (uint64_t)with_aliases << 1 | name->addresses};
    const struct compile_records *found = keytable_find(p->by_records, &key, sizeof key);
    if (found != NULL) {
        return found;
    }
    struct compile_records *records = arena_alloc(p->arena, sizeof *records);
    if (with_aliases && compile_has_hosts(p, name)) {
        compile_make_aliases(p, name, records);
    } else {
        records->is_broken = compile_read_records(p, name, records) != 0;
    }
    (void)keytable_add(p->by_records, arena_copy(p->arena, &key, sizeof key), sizeof key, records);
    return records;
}

static void add_name(const struct compile_policy *p, const struct conf_name *name,
                     const struct compile_records *records, const uint8_t *owner, struct policy_id entered)
{
    struct zone_steered_plan plan = {.owner = owner,
                                     .member_count = (uint16_t)name->member_count,
                                     .ttl = name->ttl,
                                     .policy = entered.id,
                                     .name = steer_set_number_name(p->c->view->steer),
                                     .line = name->line,
                                     .column = name->column,
                                     .file = p->policy->path};
    for (uint16_t bit = STEER_HAS_A; bit <= STEER_HAS_AAAA; bit <<= 1) {
        plan.type = bit == STEER_HAS_A ? DNS_TYPE_A : DNS_TYPE_AAAA;
        if ((entered.types & bit) != 0 && compile_answers_addresses(name, records, plan.type)) {
            add_addresses(p, name, &plan);
        }
    }
    compile_add_listed(p->builder, records, &plan);
    compile_add_name(p->c, &(struct view_name){.owner = name->owner,
                                               .zone = p->policy->origin,
                                               .policy = entered.id,
                                               .number = plan.name,
                                               .ttl = name->ttl,
                                               .types = entered.types});
}

/* May endpoints that are host names be answered as CNAMEs? *error: they have to, and may not. */
static bool may_alias(const struct compile_policy *p, const struct conf_name *name, const uint8_t *owner,
                      const struct report_place *place, int *error)
{
    char type[DNS_TYPE_TEXT_SIZE];
    *error = 0;
    if (!name->may_alias || p->c->view->topology->host_count == 0) {
        return false;
    }
    uint16_t other = zone_builder_find_obstacle(p->builder, owner);
    if (other != 0 && name->host_answer == CONF_HOST_CNAME) {
        report_add(
            p->c->report, REPORT_ERROR, place,
            "%s: found \"host_answer\": \"cname\" where the zone file has a record of type %s; a CNAME has "
            "to be alone",
            name->owner, dns_write_type(other, type));
        *error = ERROR_INVALID;
    }
    return other == 0;
}

/* ---- fallback static ---- */

/* The name's types, one bit each, of which the zone file has records. */
static uint16_t find_static_types(const struct compile_policy *p, const struct compile_records *records,
                                  const uint8_t *owner)
{
    uint16_t found = 0;
    for (unsigned bit = 0; bit < records->number_count; bit++) {
        if (zone_builder_has_static(p->builder, owner, records->numbers[bit])) {
            found = (uint16_t)(found | 1u << bit);
        }
    }
    return found;
}

/* What the zone file lacks where its records are to stand in. A client that finds no address of one family
 * takes the other, and without HTTPS it takes these; nothing stands in for any other type. The CNAMEs of a
 * name whose hosts are answered by them are in the place of its addresses. */
static uint16_t find_lacking(const struct compile_records *records, uint16_t types, uint16_t has)
{
    const uint16_t addresses = STEER_HAS_A | STEER_HAS_AAAA;
    uint16_t lacking = types & (uint16_t)~has;
    bool has_address = (types & has & addresses) != 0;
    lacking &= (uint16_t) ~(has_address ? addresses : 0);
    for (unsigned bit = STEER_TYPES_FIXED; bit < records->number_count; bit++) {
        bool may_lack = records->is_alias || (has_address && records->numbers[bit] == DNS_TYPE_HTTPS);
        lacking &= (uint16_t) ~(may_lack ? 1u << bit : 0);
    }
    return lacking;
}

static int check_static(const struct compile_policy *p, const struct conf_name *name,
                        const struct compile_records *records, const uint8_t *owner, uint16_t types)
{
    char type[DNS_TYPE_TEXT_SIZE];
    struct buffer text;
    bool matters = name->wants_static != NULL && p->is_whole;
    uint16_t lacking = matters ? find_lacking(records, types, find_static_types(p, records, owner)) : 0;
    if (lacking == 0) {
        return 0;
    }
    buffer_init(&text);
    for (unsigned bit = 0; bit < records->number_count; bit++) {
        if ((lacking & 1u << bit) != 0) {
            buffer_print(&text, "%s%s", text.len == 0 ? "" : ", ",
                         dns_write_type(records->numbers[bit], type));
        }
    }
    struct report_place place = *name->wants_static;
    place.file = p->policy->path;
    report_add(
        p->c->report, REPORT_ERROR, &place,
        "found \"static\", expected records of %s in the zone file that could answer: it has none of %s",
        name->owner, text.bytes);
    buffer_fini(&text);
    return ERROR_INVALID;
}

static int compile_name(const struct compile_policy *p, const struct conf_name *name)
{
    uint8_t owner[DNS_NAME_MAX + 1];
    struct policy_id entered;
    struct report_place place = {.file = p->policy->path, .line = name->line, .column = name->column};
    if (name->member_count > STEER_MEMBERS_MAX) {
        report_add(p->c->report, REPORT_ERROR, &place, "%s: more than %d endpoints", name->owner,
                   STEER_MEMBERS_MAX);
        return ERROR_INVALID;
    }
    int len = dns_name_parse(name->owner, NULL, owner);
    if (len < 0) {
        report_add(p->c->report, REPORT_ERROR, &place, "%s is not a domain name", name->owner);
        return ERROR_INVALID;
    }
    dns_name_lower(owner, (size_t)len);
    int error;
    bool with_aliases = may_alias(p, name, owner, &place, &error);
    const struct compile_records *records = find_records(p, name, with_aliases);
    if (error != 0 || records->is_broken || find_policy(p, name, records, &place, &entered) != 0 ||
        check_static(p, name, records, owner, entered.types) != 0) {
        return ERROR_INVALID;
    }
    add_name(p, name, records, owner, entered);
    return 0;
}

_Static_assert((int)STEER_APART_AZ == (int)CONF_APART_AZ && (int)STEER_APART_REGION == (int)CONF_APART_REGION,
               "documents and policies number them alike");

/* ---- names that tell who asks ---- */

/* By owner, among those that were entered last: the names of this policy. */
static uint32_t find_policy_of(const struct compile_policy *p, const char *owner)
{
    const struct view *view = p->c->view;
    for (size_t i = view->name_count; owner != NULL && i > 0; i--) {
        if (strcmp(view->names[i - 1].owner, owner) == 0) {
            return view->names[i - 1].policy;
        }
    }
    return ZONE_NO_POLICY;
}

static void add_whoami(const struct compile_policy *p, const struct conf_whoami *from)
{
    static const uint8_t addresses[] = {[CONF_WHOAMI_BEST] =
                                            ZONE_WHOAMI_RESOLVER | ZONE_WHOAMI_SUBNET | ZONE_WHOAMI_EITHER,
                                        [CONF_WHOAMI_RESOLVER] = ZONE_WHOAMI_RESOLVER,
                                        [CONF_WHOAMI_SUBNET] = ZONE_WHOAMI_SUBNET,
                                        [CONF_WHOAMI_BOTH] = ZONE_WHOAMI_RESOLVER | ZONE_WHOAMI_SUBNET};
    struct zone_whoami whoami = {.policy = find_policy_of(p, from->of), .address = addresses[from->address]};
    uint8_t owner[DNS_NAME_MAX + 1];
    int len = dns_name_parse(from->owner, NULL, owner);
    if (len >= 0) {
        dns_name_lower(owner, (size_t)len);
        zone_builder_add_whoami(p->builder, owner, &whoami, &from->place);
    }
}

int compile_policy(struct compiler *c, const struct compile_zone *zone)
{
    int result = 0;
    const struct conf_policy *policy = zone->policy;
    struct compile_policy p = {.c = c,
                               .policy = policy,
                               .builder = zone->builder,
                               .is_whole = zone->error == 0,
                               .arena = arena_new(0)};
    p.by_shared = keytable_new(p.arena);
    p.by_records = keytable_new(p.arena);
    for (size_t i = 0; i < policy->name_count && result != ERROR_CANCELLED; i++) {
        int error = report_is_cancelled(c->report) ? ERROR_CANCELLED : compile_name(&p, &policy->names[i]);
        result = error != 0 ? error : result;
    }
    for (size_t i = 0; i < policy->whoami_count && result == 0; i++) {
        add_whoami(&p, &policy->whoamis[i]);
    }
    arena_free(p.arena);
    return result;
}
