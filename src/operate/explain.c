/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Why an answer is what it is. The answer itself comes from answer_query(), asked with a query as any client
 * would send it; the reasons come from the same look-up and evaluation, with a trace. Called by the admin API
 * under the health lock of the application, so that both see the same states. */
#include "config.h"

#include "operate/operate.h"

#include "answer/answer.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "dns/key.h"
#include "dns/name.h"
#include "dns/types.h"
#include "operate/message.h"
#include "zone/zone.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLY_MAX = 65535, STEPS_MAX = 400, MEMBER_STEPS_MAX = 100 };

struct work {
    const struct view *view;
    const struct addr *client; /* NULL: unknown */
    uint32_t now_s;
    struct arena *arena;
    struct operate_explanation *to;
    struct message_text reply;
    uint16_t type;
    /* of a steered name */
    const struct steer_policy *policy;
    uint16_t class_id;
    struct steer_choice choice;
    struct steer_trace trace;
    double *odds;            /* per member of the policy */
    const char **tier_label; /* likewise: of the first tier of the class that holds it, or NULL */
};

__attribute__((format(printf, 2, 3))) static void say(struct work *w, const char *format, ...)
{
    char text[DNS_NAME_TEXT_SIZE + 256];
    va_list arguments;
    if (w->to->step_count == STEPS_MAX) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    w->to->steps[w->to->step_count++] = arena_copy_text(w->arena, text);
}

static const char *name_text(struct work *w, const uint8_t *wire)
{
    char text[DNS_NAME_TEXT_SIZE];
    return arena_copy_text(w->arena, dns_name_write(wire, text));
}

/* ---- asking ---- */

/* The real answer, as a client would get it over TCP (so that nothing is left out for want of room). */
static void ask(struct work *w, const uint8_t *name, size_t name_len)
{
    uint8_t query[MESSAGE_QUERY_MAX], *reply = arena_alloc_bytes(w->arena, REPLY_MAX);
    struct sockaddr_storage client;
    struct random random;
    struct answer_counters counters = {.values = {0}};
    struct steer_cache *cache = steer_cache_new(w->view->steer);
    random_init(&random, random_seed());
    if (w->client != NULL) {
        addr_to_sockaddr(&(struct addr_port){.addr = *w->client}, &client);
    }
    struct answer_context context = {.view = w->view,
                                     .table = w->view->table,
                                     .cache = cache,
                                     .random = &random,
                                     .counters = &counters,
                                     .now_s = w->now_s};
    struct answer_request request = {.bytes = query,
                                     .len = message_write_query(name, name_len, w->type, query),
                                     .client = w->client == NULL ? NULL : (const struct sockaddr *)&client,
                                     .transport = ANSWER_TCP};
    size_t len = answer_query(&context, &request, reply, REPLY_MAX);
    message_read(reply, len, w->arena, &w->reply);
    steer_cache_free(cache);
}

/* ---- what stands behind it ---- */

/* The absolute owner of a node, in wire form. */
static void owner_of(const struct zone *zone, const struct zone_node *node, uint8_t wire[DNS_NAME_MAX + 1])
{
    memcpy(wire, zone_node_name(node), node->name_len);
    memcpy(wire + node->name_len, zone->apex, zone->apex_len);
}

static const struct zone_rrset *find_rrset(const struct zone_node *node, uint16_t type)
{
    if (type == DNS_TYPE_ANY) {
        return node->rrset_count == 0 ? NULL : &node->rrsets[0];
    }
    return zone_find_rrset(node, type);
}

static bool has_addresses(uint16_t type)
{
    return type == DNS_TYPE_A || type == DNS_TYPE_AAAA;
}

static const struct zone_rrset *find_steered(const struct zone_node *node)
{
    for (unsigned i = 0; i < node->rrset_count; i++) {
        if ((node->rrsets[i].flags & ZONE_RRSET_STEERED) != 0) {
            return &node->rrsets[i];
        }
    }
    return NULL;
}

/* Tell what the zone has for the name; the policy is set if it is steered. */
static void describe_node(struct work *w, const struct zone *zone, const struct zone_node *node, bool exact)
{
    uint8_t owner[DNS_NAME_MAX + 1];
    const struct zone_rrset *rrset = find_rrset(node, w->type);
    owner_of(zone, node, owner);
    if (!exact) {
        say(w, "the wildcard %s stands for the name", name_text(w, owner));
    }
    const struct zone_rrset *other = rrset == NULL && has_addresses(w->type) ? find_steered(node) : NULL;
    if (other != NULL) {
        w->to->steered_name = name_text(w, owner);
        say(w, "%s is steered, but none of its endpoints has an address for %s: no data", w->to->steered_name,
            w->to->type);
    } else if (rrset == NULL) {
        say(w, "the name exists, but has no %s records: no data", w->to->type);
    } else if ((rrset->flags & ZONE_RRSET_STEERED) != 0) {
        const struct zone_steered *steered = (const void *)(zone->blob + rrset->block);
        w->policy = steer_set_get(w->view->steer, steered->policy);
        w->type = rrset->type;
        w->to->steered = true;
        w->to->steered_name = name_text(w, owner);
        say(w, "%s is steered: policy %u with %u endpoints", w->to->steered_name, steered->policy,
            w->policy->member_count);
    } else {
        say(w, "the name is not steered: the records of the zone file answer");
    }
}

static void describe_name(struct work *w)
{
    struct dns_key key;
    const char *name = name_text(w, w->reply.target);
    if (w->reply.cname_count != 0) {
        say(w, "%zu CNAME record%s to %s", w->reply.cname_count,
            w->reply.cname_count == 1 ? " leads" : "s lead", name);
    }
    dns_key_fill(&key, w->reply.target, DNS_NAME_MAX);
    const struct zone *zone = zone_table_find(w->view->zones, &key, 0);
    if (zone == NULL) {
        say(w, "no zone of ours holds %s", name);
        return;
    }
    w->to->zone = name_text(w, zone->apex);
    if (zone->failed) {
        say(w, "zone %s could not be loaded: SERVFAIL", w->to->zone);
        return;
    }
    say(w, "zone %s with serial %u holds %s", w->to->zone, zone->serial, name);
    uint32_t at = zone_find_node(zone, &key);
    struct zone_lookup found = zone_look_up(zone, &key, at);
    if (found.cut != NULL) {
        uint8_t owner[DNS_NAME_MAX + 1];
        owner_of(zone, found.cut, owner);
        say(w, "the name is at or below the delegation %s: a referral", name_text(w, owner));
    } else if (found.node == NULL) {
        say(w, "the zone has no such name");
    } else {
        describe_node(w, zone, found.node, at != 0);
    }
}

/* ---- a steered name ---- */

static uint8_t has_bit(uint16_t type)
{
    return type == DNS_TYPE_A ? STEER_HAS_A : STEER_HAS_AAAA;
}

/* "DE, EU, US-VA, Paris, AS64496 at 48.9 2.4" */
static const char *describe_place(struct work *w, const struct geo_place *place)
{
    struct buffer text;
    buffer_init(&text);
    buffer_add_text(&text, place->country);
    if (place->continent[0] != '\0') {
        buffer_print(&text, "%s%s", text.len == 0 ? "" : ", ", place->continent);
    }
    for (size_t i = 0; i < place->subdivision_count; i++) {
        buffer_print(&text, "%s%s", text.len == 0 ? "" : ", ", place->subdivisions[i]);
    }
    if (place->city != NULL) {
        buffer_print(&text, "%s%s", text.len == 0 ? "" : ", ", place->city);
    }
    if (place->asn != 0) {
        buffer_print(&text, "%sAS%u", text.len == 0 ? "" : ", ", place->asn);
    }
    if (place->has_location) {
        buffer_print(&text, "%s%.2f %.2f", text.len == 0 ? "" : " at ", place->latitude, place->longitude);
    }
    const char *copy = text.len == 0 ? NULL : arena_copy_text(w->arena, text.bytes);
    buffer_fini(&text);
    return copy;
}

static const char *prefix_text(struct work *w, const struct addr *addr, unsigned len)
{
    char text[ADDR_TEXT_SIZE];
    struct addr_prefix prefix = {.addr = *addr, .len = (uint8_t)len};
    addr_mask(&prefix.addr, len);
    return arena_print(w->arena, "%s/%u", addr_write(&prefix.addr, text), len);
}

/* Which rule, and what is known of the client. */
static void describe_geo(struct work *w)
{
    const struct view *view = w->view;
    struct operate_geo *geo = arena_alloc(w->arena, sizeof *geo);
    bool known = geo_find_place(view->geo, view->geo_count, w->client, w->arena, &geo->place);
    struct geo_reason reason = geo_explain(w->policy->geo, view->geo, view->geo_count, w->client);
    geo->network = prefix_text(w, w->client, w->to->scope);
    say(w, "client %s: %s", w->to->client,
        known ? describe_place(w, &geo->place) : "no geo database knows anything of it");
    if (reason.prefix.addr.family != ADDR_NONE) {
        geo->cidr = prefix_text(w, &reason.prefix.addr, reason.prefix.len);
    }
    if (reason.rule != -1) {
        const char *label = w->policy->geo_label == NULL ? "geo" : w->policy->geo_label;
        geo->rule = arena_print(w->arena, "%s[%td]", label, reason.rule);
        say(w, "rule %s matches%s%s", geo->rule, geo->cidr == NULL ? "" : " by its prefix ",
            geo->cidr == NULL ? "" : geo->cidr);
    } else {
        say(w, "no rule matches");
    }
    w->to->geo = geo;
}

static void describe_class(struct work *w)
{
    static const struct addr unknown = {.family = ADDR_NONE};
    if (w->policy->geo != NULL) {
        struct geo_match match = steer_find_class(w->policy, w->client == NULL ? &unknown : w->client);
        w->class_id = match.class_id;
        w->to->scope = match.scope;
    }
    w->to->class_label = arena_copy_text(w->arena, w->policy->classes[w->class_id].label);
    if (w->policy->geo == NULL) {
        say(w, "there are no geo rules: every client is of class %s", w->to->class_label);
    } else if (w->client == NULL) {
        say(w, "no client address was given: class %s", w->to->class_label);
    } else {
        describe_geo(w);
        say(w, "client %s is of class %s; the same holds for its /%u", w->to->client, w->to->class_label,
            w->to->scope);
    }
}

static const char *pick_text(enum steer_pick pick)
{
    static const char *const picks[] = {[STEER_PICK_WEIGHTED] = "weighted",
                                        [STEER_PICK_ROUND_ROBIN] = "round-robin",
                                        [STEER_PICK_ALL] = "all",
                                        [STEER_PICK_STICKY] = "sticky"};
    return picks[pick];
}

static void evaluate(struct work *w)
{
    const struct steer_policy *policy = w->policy;
    size_t count = policy->member_count;
    struct steer_room room = steer_find_room(policy, w->class_id);
    steer_choice_init(&w->choice, room, arena_alloc(w->arena, steer_room_size(room)));
    w->trace.tiers = arena_alloc(w->arena, policy->classes[w->class_id].tier_count * sizeof *w->trace.tiers);
    struct steer_ask ask = {.now_s = w->now_s, .class_id = w->class_id, .types = has_bit(w->type)};
    steer_evaluate(policy, ask, w->view->table, &w->choice, &w->trace);
    double *odds = arena_alloc(w->arena, (size_t)w->choice.count * sizeof *odds);
    w->odds = arena_alloc(w->arena, count * sizeof *w->odds);
    if (w->choice.count != 0) {
        steer_odds(policy, &w->choice, odds);
    }
    for (size_t i = 0; i < w->choice.count; i++) {
        w->odds[w->choice.members[i]] = odds[i];
    }
    w->to->source = steer_source_text(w->choice.source);
    w->to->pick = pick_text(policy->pick);
}

static void label_members(struct work *w, const struct steer_tier *tier, const char *label)
{
    for (uint16_t i = 0; i < tier->count; i++) {
        const char **to = &w->tier_label[tier->members[i]];
        *to = *to == NULL ? label : *to;
    }
}

static const char *need_text(struct work *w, const struct steer_need *need)
{
    if (need->share > 0) {
        return arena_print(w->arena, "%.4g %%", 100 * need->share);
    }
    return need->count > 0 ? arena_print(w->arena, "%u", need->count) : NULL;
}

/* Why it gets the share that it gets. */
static void tell_tier(struct work *w, const struct operate_tier *tier, bool spreads)
{
    char have[128];
    int used = snprintf(have, sizeof have, "%u of its %u members may (%.4g %%)", tier->serving, tier->members,
                        100 * tier->healthy);
    if (tier->available < tier->healthy) {
        snprintf(have + used, sizeof have - (size_t)used, ", of which load leaves %.4g %%",
                 100 * tier->available);
    }
    if (tier->serving == 0 && tier->considered) {
        say(w, "tier %s does not serve: none of its %u members may", tier->label, tier->members);
    } else if (!tier->considered) {
        say(w, "tier %s is not needed", tier->label);
    } else if (!tier->qualifies) {
        say(w, "tier %s does not serve: %s, min_healthy is %s", tier->label, have, tier->min_healthy);
    } else if (tier->share >= 1) {
        say(w, "tier %s serves: %s", tier->label, have);
    } else if (tier->share <= 0) {
        say(w, "tier %s would serve, but none of its members has %s", tier->label, w->to->type);
    } else {
        say(w, "tier %s gets %.4g %% of the answers: %s%s%s%s", tier->label, 100 * tier->share, have,
            tier->spill_below == NULL ? "" : ", spill_below is ",
            tier->spill_below == NULL ? "" : tier->spill_below,
            tier->trickle > 0 && tier->share <= tier->trickle ? ", a trickle"
            : spreads                                         ? ", spread by capacity"
                                                              : "");
    }
}

static void describe_tiers(struct work *w)
{
    const struct steer_class *class = &w->policy->classes[w->class_id];
    w->tier_label = arena_alloc(w->arena, w->policy->member_count * sizeof *w->tier_label);
    w->to->tiers = arena_alloc(w->arena, class->tier_count * sizeof *w->to->tiers);
    for (uint16_t t = 0; t < class->tier_count; t++) {
        struct operate_tier *tier = &w->to->tiers[w->to->tier_count++];
        const struct steer_tier *from = &class->tiers[t];
        const struct steer_trace_tier *seen = &w->trace.tiers[t];
        *tier = (struct operate_tier){.label = arena_copy_text(w->arena, from->label),
                                      .members = seen->members,
                                      .serving = seen->serving,
                                      .healthy = seen->healthy,
                                      .available = seen->available,
                                      .min_healthy = need_text(w, &from->min_healthy),
                                      .spill_below = need_text(w, &from->spill_below),
                                      .trickle = from->trickle,
                                      .share = seen->share,
                                      .considered = seen->considered,
                                      .qualifies = seen->qualifies,
                                      .selected = seen->share > 0};
        label_members(w, from, tier->label);
        tell_tier(w, tier, class->spread);
    }
    if (class->pool != NULL) {
        label_members(w, class->pool,
                      arena_print(w->arena, "pool %s", arena_copy_text(w->arena, class->pool->label)));
    }
    if (class->fenced) {
        say(w, "class %s is fenced: its answers never leave these tiers", w->to->class_label);
    }
}

static const char *address_of(const struct work *w, const struct conf_endpoint *endpoint)
{
    const struct addr *addr = w->type == DNS_TYPE_A ? &endpoint->v4 : &endpoint->v6;
    char text[ADDR_TEXT_SIZE];
    return addr->family == ADDR_NONE ? NULL : arena_copy_text(w->arena, addr_write(addr, text));
}

static void describe_member(struct work *w, uint16_t index, struct operate_member *member)
{
    const struct conf_topology *topology = w->view->topology;
    const struct steer_member *from = &w->policy->members[index];
    const struct conf_endpoint *endpoint = &topology->endpoints[from->endpoint];
    *member = (struct operate_member){
        .endpoint = arena_copy_text(w->arena, endpoint->name),
        .az = arena_copy_text(w->arena, topology->azs[from->az].name),
        .region = arena_copy_text(w->arena, topology->regions[from->region].name),
        .tier = w->tier_label[index],
        .effective = health_table_effective(w->view->table, from->endpoint, from->az, from->region),
        .weight = from->weight,
        .odds = w->odds[index],
        .chosen = w->odds[index] > 0,
        .address = address_of(w, endpoint),
        .held_ms = (int64_t)steer_find_hold(w->policy, w->view->table, index, w->now_s) * 1000};
    struct health_status status;
    (void)health_get_status(w->view->health, HEALTH_ENDPOINT, from->endpoint, &status);
    bool ignored = w->choice.source == STEER_FROM_ALL || (member->chosen && status.load.shed >= 1);
    member->shed = status.load.shed;
    member->counts = ignored ? from->weight : from->weight * (1 - member->shed);
}

/* What its load does to it. */
static void tell_load(struct work *w, const struct operate_member *member, const struct conf_load *marks)
{
    bool has_weights = w->policy->pick == STEER_PICK_WEIGHTED || w->policy->pick == STEER_PICK_STICKY;
    char shed[160];
    snprintf(shed, sizeof shed, "%s sheds %.4g %% of its weight, load being above %g", member->endpoint,
             100 * member->shed, marks->low);
    if (member->shed <= 0 || !health_state_serves(member->effective.state)) {
        return;
    }
    if (w->choice.source == STEER_FROM_ALL) {
        say(w, "%s: ignored, since a fallback serves", shed);
    } else if (member->shed >= 1 && member->chosen) {
        say(w, "%s: ignored, since nobody else could serve for it", shed);
    } else if (member->shed >= 1) {
        say(w, "%s: it is left out", shed);
    } else if (has_weights) {
        say(w, "%s: %.4g of %u count", shed, member->counts, member->weight);
    } else {
        say(w, "%s: pick %s knows no weights", shed, w->to->pick);
    }
}

/* Why it is not in the answer, if that is not because of its tier. */
static void tell_exclusion(struct work *w, const struct operate_member *member)
{
    if (member->chosen) {
        return;
    }
    if (member->tier == NULL) {
        say(w, "%s is excluded: no tier of this class holds it", member->endpoint);
    } else if (!health_state_serves(member->effective.state)) {
        say(w, "%s is excluded: %s, decided by %s", member->endpoint,
            health_state_text(member->effective.state), health_decider_text(member->effective.decided_by));
    } else if (member->held_ms != 0) {
        char at[CLOCK_TEXT_SIZE];
        say(w, "%s came back a moment ago: clients stick to it again from %s on", member->endpoint,
            clock_write_rfc3339(member->held_ms, at));
    } else if (member->address == NULL) {
        say(w, "%s is excluded: it has no %s address", member->endpoint, w->to->type);
    }
}

static void describe_members(struct work *w)
{
    w->to->members = arena_alloc(w->arena, w->policy->member_count * sizeof *w->to->members);
    for (uint16_t i = 0; i < w->policy->member_count; i++) {
        struct operate_member *member = &w->to->members[w->to->member_count++];
        describe_member(w, i, member);
        if (i < MEMBER_STEPS_MAX) {
            uint32_t endpoint = w->policy->members[i].endpoint;
            tell_exclusion(w, member);
            tell_load(w, member, &w->view->topology->endpoints[endpoint].load);
        }
    }
}

/* Whom this client gets, and everybody of its prefix. */
static void describe_sticky(struct work *w)
{
    static const struct addr unknown = {.family = ADDR_NONE};
    struct steer_key key = steer_find_key(w->policy, w->client == NULL ? &unknown : w->client);
    uint16_t picked[STEER_ANSWERS_MAX];
    char text[ADDR_TEXT_SIZE];
    if (w->client == NULL || w->choice.count <= 1) {
        return;
    }
    struct addr prefix = *w->client;
    addr_mask(&prefix, key.prefix_len);
    w->to->sticks = arena_print(w->arena, "%s/%u", addr_write(&prefix, text), key.prefix_len);
    w->to->scope = key.prefix_len > w->to->scope ? key.prefix_len : w->to->scope;
    size_t count = steer_pick_sticky(w->policy, &w->choice, key.key, picked);
    for (size_t i = 0; i < count; i++) {
        uint32_t endpoint = w->policy->members[picked[i]].endpoint;
        say(w, "clients of %s stick to %s", w->to->sticks, w->view->topology->endpoints[endpoint].name);
    }
}

static void describe_pick(struct work *w)
{
    switch (w->choice.source) {
    case STEER_FROM_TIER: break;
    case STEER_FROM_POOL:
        say(w, "no tier serves: the pool %s stands in", w->policy->classes[w->class_id].pool->label);
        break;
    case STEER_FROM_ALL: say(w, "no tier serves: fallback all offers everything that is not drained"); break;
    case STEER_FROM_STATIC:
        say(w, "no tier serves: fallback static, the records of the zone file answer");
        return;
    case STEER_FROM_NODATA: say(w, "no tier serves and there is nothing to fall back to: no data"); return;
    case STEER_FROM_SERVFAIL: say(w, "no tier serves: fallback servfail"); return;
    }
    if (w->choice.count == 0) {
        say(w, "no member that serves has an address of the type: no data");
    } else if (w->policy->pick == STEER_PICK_ALL) {
        say(w, "pick all gives every one of %u candidates", w->choice.count);
    } else {
        say(w, "pick %s draws %u of %u candidates", pick_text(w->policy->pick),
            w->policy->answers < w->choice.count ? w->policy->answers : w->choice.count, w->choice.count);
    }
}

/* Why the TTL is what it is, of a steered name. */
static void describe_ttl(struct work *w)
{
    bool is_failing = w->choice.ttl != STEER_TTL_FREE;
    bool from_zone = w->choice.source == STEER_FROM_STATIC || w->choice.count == 0;
    w->to->ttl_reason = is_failing ? "ttl_failing" : from_zone ? "zone" : "ttl";
    if (is_failing && w->trace.failing >= 0) {
        const struct operate_member *member = &w->to->members[w->trace.failing];
        bool serves = health_state_serves(member->effective.state);
        say(w, "the TTL is at most %u s (ttl_failing): %s %s", w->choice.ttl, member->endpoint,
            serves ? "is about to change" : "does not serve");
    }
}

static void describe_answer(struct work *w)
{
    struct operate_explanation *to = w->to;
    to->rcode = dns_rcode_text(w->reply.rcode);
    to->ttl = w->reply.ttl;
    to->answers = w->reply.answers;
    to->answer_count = w->reply.answer_count;
    if (to->answer_count == 0 && to->scope != 0 && w->reply.rcode == DNS_RCODE_NOERROR) {
        to->scope = 0;
        say(w, "a negative answer holds for every client: scope 0");
    }
    say(w, "the reply: %s, %zu record%s, TTL %u s", to->rcode, to->answer_count,
        to->answer_count == 1 ? "" : "s", to->ttl);
}

int operate_explain(const struct view *view, const struct operate_question *question, struct arena *arena,
                    struct operate_explanation *explanation)
{
    const char *name = question->name;
    const struct addr *client = question->client;
    uint8_t wire[DNS_NAME_MAX];
    char text[DNS_TYPE_TEXT_SIZE], at[ADDR_TEXT_SIZE];
    *explanation = (struct operate_explanation){.name = NULL};
    int len = dns_name_parse(name, NULL, wire);
    if (len < 0 || strcmp(name, "@") == 0) {
        return ERROR_SYNTAX;
    }
    struct work w = {.view = view,
                     .client = client,
                     .now_s = (uint32_t)(question->wall_ms / 1000),
                     .arena = arena,
                     .to = explanation,
                     .type = question->type};
    explanation->steps = arena_alloc(arena, STEPS_MAX * sizeof *explanation->steps);
    explanation->name = name_text(&w, wire);
    explanation->type = arena_copy_text(arena, dns_write_type(question->type, text));
    explanation->client = client == NULL ? NULL : arena_copy_text(arena, addr_write(client, at));
    ask(&w, wire, (size_t)len);
    describe_name(&w);
    if (w.policy != NULL) {
        describe_class(&w);
        evaluate(&w);
        describe_tiers(&w);
        describe_members(&w);
        describe_pick(&w);
        describe_ttl(&w);
        if (w.policy->pick == STEER_PICK_STICKY) {
            describe_sticky(&w);
        }
    }
    describe_answer(&w);
    return 0;
}
