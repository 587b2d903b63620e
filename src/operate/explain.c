/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Why an answer is what it is. The answer itself comes from answer_query(), asked with a query as any client
 * would send it; the reasons come from the same look-up and evaluation, with a trace. Called by the admin API
 * under the health lock of the application, so that both see the same states. */
#include "config.h"

#include "operate/explain_parts.h"

#include "answer/answer.h"
#include "answer/challenge.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/words.h"
#include "dns/key.h"
#include "dns/name.h"
#include "dns/types.h"
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

enum { REPLY_MAX = 65535 };

static const char *name_text(struct explain_work *w, const uint8_t *wire)
{
    char text[DNS_NAME_TEXT_SIZE];
    return arena_copy_text(w->arena, dns_name_write(wire, text));
}

/* ---- asking ---- */

/* The real answer, as a client would get it over TCP (so that nothing is left out for want of room), or a
 * resolver that asks in its name: that gets the ECS scope with it. */
static void ask(struct explain_work *w, const uint8_t *name, size_t name_len)
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
    const struct answer_aside aside = {.challenges = w->challenges};
    struct answer_context context = {.view = w->view,
                                     .table = w->view->table,
                                     .cache = cache,
                                     .random = &random,
                                     .counters = &counters,
                                     .aside = w->challenges == NULL ? NULL : &aside,
                                     .now_ms = w->now_ms,
                                     .now_s = w->now_s};
    const struct message_question question = {name, name_len, w->type, w->client};
    struct answer_request request = {.bytes = query,
                                     .len = message_write_query(&question, query),
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

static const struct zone_rrset *find_alias(const struct zone_node *node)
{
    const struct zone_rrset *cname = zone_find_rrset(node, DNS_TYPE_CNAME);
    return cname != NULL && (cname->flags & ZONE_RRSET_STEERED) != 0 ? cname : NULL;
}

/* No records of the type, and no CNAME. */
static void describe_absence(struct explain_work *w, const struct zone_node *node, const uint8_t *owner)
{
    const struct zone_rrset *other = has_addresses(w->type) ? find_steered(node) : NULL;
    if (other == NULL) {
        explain_say(w, "the name exists, but has no %s records: no data", w->to->type);
        return;
    }
    w->to->steered_name = name_text(w, owner);
    if (has_addresses(other->type)) {
        explain_say(w, "%s is steered, but none of its endpoints has an address for %s: no data",
                    w->to->steered_name, w->to->type);
    } else {
        explain_say(w, "%s is steered, but does not answer with addresses of its endpoints: no data",
                    w->to->steered_name);
    }
}

/* Tell what the zone has for the name; the policy is set if it is steered. */
static void describe_node(struct explain_work *w, const struct zone *zone, const struct zone_node *node,
                          bool exact)
{
    uint8_t owner[DNS_NAME_MAX + 1];
    const struct zone_rrset *found = find_rrset(node, w->type), *alias = find_alias(node);
    const struct zone_rrset *rrset = found != NULL ? found : alias;
    owner_of(zone, node, owner);
    if (!exact) {
        explain_say(w, "the wildcard %s stands for the name", name_text(w, owner));
    }
    if (rrset == NULL) {
        describe_absence(w, node, owner);
    } else if ((rrset->flags & ZONE_RRSET_STEERED) != 0) {
        const struct zone_steered *steered = zone_get_steered(zone, rrset);
        w->policy = steer_set_get(w->view->steer, steered->policy);
        w->type = rrset->type;
        w->zone = zone;
        w->rrset = rrset;
        memcpy(w->owner, owner, sizeof owner);
        w->to->steered = true;
        w->to->policy = steered->policy;
        w->to->steered_name = name_text(w, owner);
        explain_say(w, "%s is %s: policy %u with %u endpoint%s", w->to->steered_name,
                    found == NULL ? "an alias, and where it leads is steered" : "steered", steered->policy,
                    w->policy->member_count, words_plural(w->policy->member_count));
    } else {
        explain_say(w, "the name is not steered: the records of the zone file answer");
    }
}

/* Where a name is looked up. */
struct place {
    const uint8_t *name;
    const struct zone *zone; /* NULL: none of ours */
    uint32_t at;
    struct zone_lookup found;
};

static struct place look_up(const struct explain_work *w, const uint8_t *name)
{
    struct dns_key key;
    struct place place = {.name = name};
    dns_key_fill(&key, name, DNS_NAME_MAX);
    place.zone = zone_table_find(w->view->zones, &key, 0);
    if (place.zone != NULL && !place.zone->failed) {
        place.at = zone_find_node(place.zone, &key);
        place.found = zone_look_up(place.zone, &key, place.at);
    }
    return place;
}

/* The name asked, if it is steered itself, even where that leads elsewhere; else the end of the CNAMEs. */
static struct place find_subject(const struct explain_work *w, const uint8_t *asked)
{
    struct place place = look_up(w, asked);
    const struct zone_node *node = place.found.cut == NULL ? place.found.node : NULL;
    const struct zone_rrset *rrset = node == NULL ? NULL : find_rrset(node, w->type);
    rrset = rrset == NULL && node != NULL ? find_alias(node) : rrset;
    bool is_steered = rrset != NULL && (rrset->flags & ZONE_RRSET_STEERED) != 0;
    return is_steered || w->type == DNS_TYPE_CNAME ? place : look_up(w, w->reply.target);
}

/* Beside the zone, where nothing of it is in the way. Returns whether there is nothing else to be told: a
 * wildcard gives way. */
static bool describe_challenges(struct explain_work *w, const struct place *place)
{
    size_t count = answer_challenges_count(w->challenges, place->name);
    const struct zone_node *node = place->at == 0 ? NULL : place->found.node;
    bool is_hidden =
        place->found.cut != NULL || (node != NULL && zone_find_rrset(node, DNS_TYPE_CNAME) != NULL);
    if (count != 0) {
        explain_say(w, "%zu ACME challenge%s set for the name%s", count, count == 1 ? " is" : "s are",
                    is_hidden ? ", and not answered because of what follows"
                              : ": TXT records beside what the zone has; steerctl acme list");
    }
    return count != 0 && !is_hidden && place->at == 0;
}

static void describe_name(struct explain_work *w, const uint8_t *asked)
{
    struct place place = find_subject(w, asked);
    const struct zone *zone = place.zone;
    const char *name = name_text(w, place.name);
    if (w->reply.cname_count != 0) {
        explain_say(w, "%zu CNAME record%s to %s", w->reply.cname_count,
                    w->reply.cname_count == 1 ? " leads" : "s lead", name_text(w, w->reply.target));
    }
    if (zone == NULL) {
        explain_say(w, "no zone of ours holds %s", name);
        return;
    }
    w->to->zone = name_text(w, zone->apex);
    if (zone->failed) {
        explain_say(w, "zone %s could not be loaded: SERVFAIL", w->to->zone);
        return;
    }
    explain_say(w, "zone %s with serial %u holds %s", w->to->zone, zone->serial, name);
    if (describe_challenges(w, &place)) {
        return;
    }
    if (place.found.cut != NULL) {
        uint8_t owner[DNS_NAME_MAX + 1];
        owner_of(zone, place.found.cut, owner);
        explain_say(w, "the name is at or below the delegation %s: a referral", name_text(w, owner));
    } else if (place.found.node == NULL) {
        explain_say(w, "the zone has no such name");
    } else {
        describe_node(w, zone, place.found.node, place.at != 0);
    }
}

/* ---- the answer ---- */

static void read_answer(struct explain_work *w)
{
    struct operate_explanation *to = w->to;
    to->rcode = dns_rcode_text(w->reply.rcode);
    to->ttl = w->reply.ttl;
    to->answers = w->reply.answers;
    to->answer_count = w->reply.answer_count;
}

static void tell_answer(struct explain_work *w)
{
    const struct operate_explanation *to = w->to;
    explain_say(w, "the reply: %s, %zu record%s, TTL %u s", to->rcode, to->answer_count,
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
    struct explain_work w = {.view = view,
                             .client = client,
                             .challenges = question->challenges,
                             .now_ms = (uint64_t)question->wall_ms,
                             .now_s = (uint32_t)(question->wall_ms / 1000),
                             .arena = arena,
                             .to = explanation,
                             .type = question->type};
    explanation->steps = arena_alloc(arena, EXPLAIN_STEPS_MAX * sizeof *explanation->steps);
    explanation->name = name_text(&w, wire);
    explanation->type = arena_copy_text(arena, dns_write_type(question->type, text));
    explanation->client = client == NULL ? NULL : arena_copy_text(arena, addr_write(client, at));
    ask(&w, wire, (size_t)len);
    read_answer(&w);
    describe_name(&w, wire);
    if (w.policy != NULL) {
        explain_class(&w);
        explain_tiers(&w);
        explain_members(&w);
        explain_pick(&w);
        explain_sticky(&w);
    }
    explain_ttl(&w);
    explain_scope(&w);
    tell_answer(&w);
    return 0;
}

void operate_tell_first(struct operate_explanation *explanation, const char *text, struct arena *arena)
{
    const char **steps = arena_alloc(arena, (explanation->step_count + 1) * sizeof *steps);
    steps[0] = text;
    memcpy(steps + 1, explanation->steps, explanation->step_count * sizeof *steps);
    explanation->steps = steps;
    explanation->step_count++;
}
