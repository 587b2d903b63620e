/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From query to reply: RFC 1034 section 4.3.2 over prepared zones. The reply is header and question as they
 * came, then rendered blocks, then OPT. */
#include "config.h"

#include "answer/answer.h"

#include "answer/chaos.h"
#include "answer/edns.h"
#include "answer/reply.h"
#include "dns/query.h"
#include "zone/zone.h"

enum {
    CHAIN_MAX = 10,  /* CNAMEs followed in one answer */
    PLAIN_UDP = 512, /* RFC 1035 section 4.2.1 */
};

/* Everything about one query while it is answered. */
struct work {
    const struct answer_context *context;
    const struct answer_request *request;
    struct dns_query query;
    struct reply reply;
    uint8_t scope; /* ECS */
    bool steered, fallback;
    struct dns_key alias; /* the end of a CNAME, while it is followed */
};

/* The name that is being looked up, and where it stands in the message. */
struct target {
    const struct dns_key *key;
    uint16_t name_at;
    uint16_t apex_at; /* of the zone in hand */
};

const char *answer_counter_text(enum answer_counter counter)
{
    static const char *const texts[ANSWER_COUNTERS] = {
        [ANSWER_COUNT_QUERIES_UDP] = "queries_udp",
        [ANSWER_COUNT_QUERIES_TCP] = "queries_tcp",
        [ANSWER_COUNT_NOERROR] = "noerror",
        [ANSWER_COUNT_FORMERR] = "formerr",
        [ANSWER_COUNT_SERVFAIL] = "servfail",
        [ANSWER_COUNT_NXDOMAIN] = "nxdomain",
        [ANSWER_COUNT_NOTIMP] = "notimp",
        [ANSWER_COUNT_REFUSED] = "refused",
        [ANSWER_COUNT_YXDOMAIN] = "yxdomain",
        [ANSWER_COUNT_BADVERS] = "badvers",
        [ANSWER_COUNT_DROPPED] = "dropped",
        [ANSWER_COUNT_TRUNCATED] = "truncated",
        [ANSWER_COUNT_STEERED] = "steered",
        [ANSWER_COUNT_FALLBACK] = "fallback",
        [ANSWER_COUNT_COOKIE_VALID] = "cookie_valid",
        [ANSWER_COUNT_COOKIE_INVALID] = "cookie_invalid",
        [ANSWER_COUNT_COOKIE_NEW] = "cookie_new",
    };
    return texts[counter];
}

static void count(const struct answer_context *context, enum answer_counter counter)
{
    answer_count(context->counters, counter);
}

/* ---- steering ---- */

/* The client for geography: the subnet of ECS if given, else the source. */
static struct geo_match find_class(const struct work *w, const struct steer_policy *policy)
{
    if (w->query.has_ecs && w->query.ecs.source_len != 0) {
        return steer_find_class(policy, &w->query.ecs.addr);
    }
    struct addr_port at = {.port = 0};
    if (w->request->client != NULL) {
        addr_from_sockaddr(w->request->client, &at);
    }
    return steer_find_class(policy, &at.addr);
}

enum outcome { DONE, EMPTY, FULL, FAILED, USE_STATIC };

static inline __attribute__((always_inline)) enum outcome
add_picked(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
           const struct steer_policy *policy, struct steer_choice *choice, uint16_t owner)
{
    uint16_t members[STEER_ANSWERS_MAX];
    size_t picked = steer_pick(policy, choice, w->context->random, members);
    if (__builtin_expect(picked == 1, 1)) {
        return reply_add_steered(&w->reply, zone, rrset, members[0], owner) ? DONE : FULL;
    }
    for (size_t i = 0; i < picked; i++) {
        if (!reply_add_steered(&w->reply, zone, rrset, members[i], owner)) {
            return FULL;
        }
    }
    return picked != 0 ? DONE : EMPTY;
}

static inline __attribute__((always_inline)) enum outcome
add_steered(struct work *w, const struct zone *zone, const struct zone_rrset *rrset, uint16_t owner)
{
    const struct answer_context *context = w->context;
    const struct zone_steered *steered = (const void *)(zone->blob + rrset->block);
    const struct steer_policy *policy = steer_set_get(context->view->steer, steered->policy);
    uint16_t class_id = 0;
    if (policy->geo != NULL) {
        struct geo_match match = find_class(w, policy);
        class_id = match.class_id;
        w->scope = match.scope > w->scope ? match.scope : w->scope;
    }
    struct steer_choice *choice =
        steer_cache_get(context->cache, policy, class_id,
                        rrset->type == DNS_TYPE_A ? STEER_HAS_A : STEER_HAS_AAAA, context->table);
    w->steered = true;
    w->fallback |= choice->source != STEER_FROM_TIER;
    switch (choice->source) {
    case STEER_FROM_TIER:
    case STEER_FROM_ALL: return add_picked(w, zone, rrset, policy, choice, owner);
    case STEER_FROM_STATIC: return USE_STATIC;
    case STEER_FROM_SERVFAIL: return FAILED;
    case STEER_FROM_NODATA: break;
    }
    return EMPTY;
}

/* ---- sections ---- */

/* Inlined where most answers come through; additional records have a copy of their own. */
static inline __attribute__((always_inline)) enum outcome add_set(struct work *w, const struct zone *zone,
                                                                  const struct zone_node *node,
                                                                  const struct zone_rrset *rrset,
                                                                  struct reply_place place)
{
    if ((rrset->flags & ZONE_RRSET_STEERED) != 0) {
        enum outcome outcome = add_steered(w, zone, rrset, place.owner);
        if (outcome != USE_STATIC) {
            return outcome;
        }
        uint16_t type = rrset->type; /* the zone file's records of the type stand behind */
        rrset++;
        if (rrset == node->rrsets + node->rrset_count || rrset->type != type) {
            return EMPTY;
        }
    }
    return reply_add_rrset(&w->reply, REPLY_ANSWER, zone, rrset, place) ? DONE : FULL;
}

static void truncate_reply(struct reply *reply)
{
    reply->truncated = true;
}

static void add_negative(struct work *w, const struct zone *zone, uint16_t apex_at)
{
    struct reply_place place = {.owner = apex_at, .apex_at = apex_at};
    if (!reply_add_rrset(&w->reply, REPLY_AUTHORITY, zone, &zone->negative, place)) {
        truncate_reply(&w->reply);
    }
}

/* ---- the additional section ---- */

/* RFC 7871 section 7.3.1: no network is attached to additional records, so none depend on one. */
static bool is_tied_to_network(const struct work *w, const struct zone *zone, const struct zone_rrset *rrset)
{
    const struct zone_steered *steered = (const void *)(zone->blob + rrset->block);
    return w->query.has_ecs && steer_set_get(w->context->view->steer, steered->policy)->geo != NULL;
}

/* The addresses of one type of a name that stands at place.owner, all or none. */
static __attribute__((noinline)) void add_address(struct work *w, const struct zone *zone,
                                                  const struct zone_node *node, struct reply_place place,
                                                  uint16_t type)
{
    struct reply *reply = &w->reply;
    const struct zone_rrset *rrset = zone_find_rrset(node, type);
    if (rrset == NULL || ((rrset->flags & ZONE_RRSET_STEERED) != 0 && is_tied_to_network(w, zone, rrset))) {
        return;
    }
    size_t at = reply->at;
    uint16_t answers = reply->counts[REPLY_ANSWER];
    bool steered = w->steered, fallback = w->fallback;
    if (add_set(w, zone, node, rrset, place) == DONE) {
        reply->counts[REPLY_ADDITIONAL] =
            (uint16_t)(reply->counts[REPLY_ADDITIONAL] + reply->counts[REPLY_ANSWER] - answers);
    } else {
        reply->at = at;
    }
    reply->counts[REPLY_ANSWER] = answers;
    w->steered = steered; /* these tell about the answer */
    w->fallback = fallback;
}

/* What an RRset that was added last brings along. Returns false if a referral cannot do without what does not
 * fit. */
static __attribute__((noinline)) bool add_additional(struct work *w, const struct zone *zone,
                                                     const struct zone_rrset *rrset, struct reply_place place)
{
    uint16_t block_at = (uint16_t)(w->reply.at - rrset->len);
    const struct zone_extra *extra = zone_get_extra(zone, rrset);
    if (!reply_add_additional(&w->reply, zone, rrset, place, block_at)) {
        return false;
    }
    const struct zone_target *targets = zone_get_targets(extra);
    for (size_t i = 0; i < extra->target_count; i++) {
        const struct zone_node *node = zone_get_node(zone, targets[i].node);
        struct reply_place owner = {reply_resolve_link(&w->reply, place, block_at, targets[i].link),
                                    place.apex_at};
        add_address(w, zone, node, owner, DNS_TYPE_A);
        add_address(w, zone, node, owner, DNS_TYPE_AAAA);
    }
    return true;
}

/* A static RRset that rotates, or brings something along on which the answer does not depend. */
static __attribute__((noinline)) void answer_with_more(struct work *w, const struct zone *zone,
                                                       const struct zone_rrset *rrset,
                                                       struct reply_place place)
{
    size_t at = w->reply.at;
    if (!reply_add_rrset(&w->reply, REPLY_ANSWER, zone, rrset, place)) {
        truncate_reply(&w->reply);
        return;
    }
    if ((rrset->flags & ZONE_RRSET_ROTATES) != 0) {
        reply_rotate(&w->reply, at, (unsigned)random_below(w->context->random, rrset->count));
    }
    bool minimal =
        w->query.qtype == DNS_TYPE_ANY /* RFC 8482 */ || w->context->view->server->minimal_responses;
    if ((rrset->flags & ZONE_RRSET_ADDITIONAL) != 0 && !minimal) {
        (void)add_additional(w, zone, rrset, place);
    }
}

/* ---- referrals ---- */

static void add_referral(struct work *w, const struct zone *zone, const struct zone_lookup *found,
                         const struct target *target)
{
    uint16_t cut_at = reply_find_suffix(&w->reply, target->name_at, target->key->at[found->cut_label]);
    struct reply_place place = {.owner = cut_at, .apex_at = target->apex_at};
    const struct zone_rrset *ns = zone_find_rrset(found->cut, DNS_TYPE_NS);
    if (!reply_add_rrset(&w->reply, REPLY_AUTHORITY, zone, ns, place)) {
        truncate_reply(&w->reply);
        return;
    }
    if ((ns->flags & ZONE_RRSET_ADDITIONAL) != 0 &&
        !add_additional(w, zone, ns, place)) { /* RFC 9471: a referral without its glue is of no use */
        truncate_reply(&w->reply);
    }
}

/* ---- one name ---- */

enum step { STEP_DONE, STEP_CHAIN };

static void no_data(struct work *w, const struct zone *zone, const struct target *target)
{
    add_negative(w, zone, target->apex_at);
}

/* A steered RRset has nothing to offer at the moment: that must not be believed for longer than what it
 * offers at other times (RFC 2308 section 5 takes the TTL of the SOA). */
static __attribute__((noinline)) void no_data_now(struct work *w, const struct zone *zone,
                                                  const struct target *target, const struct zone_rrset *rrset)
{
    const struct zone_steered *steered = (const void *)(zone->blob + rrset->block);
    const uint8_t *ttl = steered->records + REPLY_TTL_AT;
    uint8_t *soa = w->reply.out + w->reply.at;
    w->reply.ede = w->fallback ? REPLY_EDE_NO_ENDPOINT : REPLY_EDE_NONE;
    no_data(w, zone, target);
    if (!w->reply.truncated && memcmp(ttl, soa + REPLY_TTL_AT, 4) < 0) {
        memcpy(soa + REPLY_TTL_AT, ttl, 4);
    }
}

/* ANY is answered with one RRset, the shortest (RFC 8482 section 4.1); never with what only stands in for a
 * steered one. */
static __attribute__((noinline)) const struct zone_rrset *choose_any(const struct zone_node *node)
{
    const struct zone_rrset *shortest = NULL, *before = NULL;
    for (unsigned i = 0; i < node->rrset_count; i++) {
        const struct zone_rrset *rrset = &node->rrsets[i];
        bool stands_in = before != NULL && before->type == rrset->type;
        if (!stands_in && (shortest == NULL || rrset->len < shortest->len)) {
            shortest = rrset;
        }
        before = rrset;
    }
    return shortest;
}

static const struct zone_rrset *choose_rrset(const struct zone_node *node, uint16_t qtype)
{
    if (qtype == DNS_TYPE_ANY) {
        return choose_any(node);
    }
    return zone_find_rrset(node, qtype);
}

/* What is there: data, a CNAME to follow, or nothing of that type. */
static enum step answer_node(struct work *w, const struct zone *zone, const struct zone_node *node,
                             struct target *target)
{
    struct reply_place place = {.owner = target->name_at, .apex_at = target->apex_at};
    const struct zone_rrset *rrset = choose_rrset(node, w->query.qtype);
    if (rrset != NULL) {
        if (__builtin_expect((rrset->flags & (ZONE_RRSET_ADDITIONAL | ZONE_RRSET_ROTATES)) != 0, 0)) {
            answer_with_more(w, zone, rrset, place);
            return STEP_DONE;
        }
        switch (add_set(w, zone, node, rrset, place)) {
        case DONE: break;
        case FULL: truncate_reply(&w->reply); break;
        case FAILED:
            w->reply.rcode = DNS_RCODE_SERVFAIL;
            w->reply.ede = REPLY_EDE_NO_ENDPOINT;
            break;
        case EMPTY:
        case USE_STATIC: no_data_now(w, zone, target, rrset); break;
        }
        return STEP_DONE;
    }
    const struct zone_rrset *cname = zone_find_rrset(node, DNS_TYPE_CNAME);
    if (cname == NULL) {
        no_data(w, zone, target);
        return STEP_DONE;
    }
    uint16_t rdata_at = (uint16_t)(w->reply.at + 12);
    if (!reply_add_rrset(&w->reply, REPLY_ANSWER, zone, cname, place)) {
        truncate_reply(&w->reply);
        return STEP_DONE;
    }
    target->name_at = rdata_at;
    return STEP_CHAIN;
}

/* RFC 6672 section 3.2: the DNAME, and a CNAME from the name asked to the one that it becomes. */
static enum step answer_dname(struct work *w, const struct zone *zone, const struct zone_lookup *found,
                              struct target *target)
{
    struct reply *reply = &w->reply;
    const struct zone_rrset *dname = zone_find_rrset(found->cut, DNS_TYPE_DNAME);
    size_t prefix = target->key->at[found->cut_label], dname_at = reply->at;
    struct reply_place place = {.owner = reply_find_suffix(reply, target->name_at, prefix),
                                .apex_at = target->apex_at};
    if (!reply_add_rrset(reply, REPLY_ANSWER, zone, dname, place)) {
        truncate_reply(reply);
        return STEP_DONE;
    }
    const uint8_t *record = reply->out + dname_at;
    size_t suffix = (size_t)(record[10] << 8 | record[11]);
    if (prefix + suffix > DNS_NAME_MAX) {
        reply->rcode = DNS_RCODE_YXDOMAIN;
        return STEP_DONE;
    }
    uint16_t record_at = (uint16_t)reply->at;
    if (!reply_add_cname(reply, target->name_at, prefix, dname_at)) {
        truncate_reply(reply);
        return STEP_DONE;
    }
    target->name_at = (uint16_t)(record_at + 12);
    return w->query.qtype == DNS_TYPE_CNAME ? STEP_DONE : STEP_CHAIN;
}

/* A name at or below a cut, or below a DNAME. */
static enum step answer_hidden(struct work *w, const struct zone *zone, const struct zone_lookup *found,
                               struct target *target)
{
    if ((found->cut->flags & ZONE_NODE_DNAME) != 0) {
        return answer_dname(w, zone, found, target);
    }
    if (w->reply.counts[REPLY_ANSWER] == 0) {
        w->reply.flags &= (uint16_t)~DNS_FLAG_AA;
    }
    add_referral(w, zone, found, target);
    return STEP_DONE;
}

static enum step answer_in_zone(struct work *w, const struct zone *zone, struct target *target)
{
    struct zone_lookup found;
    zone_look_up(zone, target->key, &found);
    /* RFC 4035 section 3.1.4.1: the parent answers for DS */
    bool ds_at_cut = w->query.qtype == DNS_TYPE_DS && found.exact && found.node == found.cut;
    if (found.cut != NULL && !ds_at_cut) {
        return answer_hidden(w, zone, &found, target);
    }
    if (found.node == NULL) {
        w->reply.rcode = DNS_RCODE_NXDOMAIN;
        add_negative(w, zone, target->apex_at);
        return STEP_DONE;
    }
    return answer_node(w, zone, found.node, target);
}

/* ---- CNAME chains ---- */

/* Is it the question, or the end of one of the CNAMEs before this one? By hash: who makes two alike by intent
 * cuts off a chain of his own. */
static bool is_known(const struct work *w, uint64_t *seen, unsigned hop, const struct dns_key *key)
{
    uint64_t hash = dns_key_hash_suffix(key, 0);
    seen[0] = hop == 0 ? dns_key_hash_suffix(&w->query.key, 0) : seen[0];
    for (unsigned i = 0; i <= hop; i++) {
        if (seen[i] == hash) {
            return true;
        }
    }
    seen[hop + 1] = hash;
    return false;
}

/* DS belongs to the parent: at an apex of ours the zone above answers, if that is ours too. */
__attribute__((noinline)) static const struct zone *find_parent(const struct work *w,
                                                                const struct dns_key *key)
{
    const struct zone *zone = zone_table_find(w->context->view->zones, key, 0);
    if (zone != NULL && zone->apex_len == key->len && key->labels != 0) {
        const struct zone *parent = zone_table_find(w->context->view->zones, key, 1);
        zone = parent != NULL ? parent : zone;
    }
    return zone;
}

static inline const struct zone *find_zone(const struct work *w, const struct dns_key *key)
{
    if (w->query.qtype == DNS_TYPE_DS) {
        return find_parent(w, key);
    }
    return zone_table_find(w->context->view->zones, key, 0);
}

/* Answer for the question and for what its CNAMEs lead to, as long as that is in zones of ours. */
static void follow(struct work *w, const struct zone *zone, struct target *target)
{
    struct dns_key *key = &w->alias;
    uint8_t wire[DNS_NAME_MAX + 1];
    uint64_t seen[CHAIN_MAX];
    for (unsigned hop = 0; answer_in_zone(w, zone, target) == STEP_CHAIN; hop++) {
        size_t len = reply_copy_name(&w->reply, target->name_at, sizeof wire, wire);
        dns_key_fill(key, wire, len);
        if (hop + 1 == CHAIN_MAX || is_known(w, seen, hop, key)) {
            return; /* a loop or a web: what there is so far is the answer */
        }
        const struct zone *next = find_zone(w, key);
        if (next == NULL || next->failed) {
            return;
        }
        target->apex_at = reply_find_suffix(&w->reply, target->name_at, len - next->apex_len);
        zone = next;
        target->key = key;
    }
}

static void refuse(struct work *w, enum reply_ede why)
{
    w->reply.rcode = DNS_RCODE_REFUSED;
    w->reply.ede = why;
}

/* What is not asked of class IN, or not a question. Returns whether it is to be answered as if it were IN. */
static __attribute__((noinline)) bool is_any_class(struct work *w)
{
    const struct dns_query *query = &w->query;
    if (query->qtype == DNS_TYPE_AXFR || query->qtype == DNS_TYPE_IXFR) {
        refuse(w, REPLY_EDE_PROHIBITED);
    } else if (query->qclass == DNS_CLASS_CH) {
        chaos_answer(w->context->view->server, query, &w->reply);
    } else if (query->qclass == DNS_CLASS_ANY) {
        return true;
    } else {
        refuse(w, REPLY_EDE_NOT_SUPPORTED);
    }
    return false;
}

static void answer_question(struct work *w)
{
    const struct dns_query *query = &w->query;
    bool transfer = query->qtype == DNS_TYPE_AXFR || query->qtype == DNS_TYPE_IXFR;
    uint16_t flags = DNS_FLAG_AA;
    if (__builtin_expect(query->qclass != DNS_CLASS_IN || transfer, 0)) {
        if (!is_any_class(w)) {
            return;
        }
        flags = 0; /* RFC 1035 section 6.2: not for all classes */
    }
    const struct zone *zone = find_zone(w, &query->key);
    if (zone == NULL) {
        refuse(w, REPLY_EDE_NOT_AUTHORITATIVE);
        return;
    }
    if (zone->failed) {
        w->reply.rcode = DNS_RCODE_SERVFAIL;
        w->reply.ede = REPLY_EDE_INVALID_DATA;
        return;
    }
    w->reply.flags |= flags;
    struct target target = {.key = &query->key,
                            .name_at = DNS_HEADER_SIZE,
                            .apex_at = (uint16_t)(DNS_HEADER_SIZE + query->key.len - zone->apex_len)};
    follow(w, zone, &target);
    if (w->reply.rcode == DNS_RCODE_SERVFAIL) {
        w->reply.flags &= (uint16_t)~DNS_FLAG_AA;
    }
}

/* ---- the message ---- */

static void finish_header(struct work *w)
{
    struct reply *reply = &w->reply;
    uint8_t *out = reply->out;
    unsigned keep = w->query.flags & (DNS_FLAGS_OPCODE | DNS_FLAG_RD | DNS_FLAG_CD);
    unsigned flags =
        keep | DNS_FLAG_QR | reply->flags | (reply->truncated ? DNS_FLAG_TC : 0) | (reply->rcode & 15);
    reply_put16(out + 2, flags);
    reply_put16(out + 4, w->query.question_end != 0);
    reply_put16(out + 6, reply->counts[0]);
    reply_put16(out + 8, reply->counts[1]);
    reply_put16(out + 10, reply->counts[2]);
}

static void count_reply(const struct work *w)
{
    static const uint8_t by_rcode[] = {
        [DNS_RCODE_NOERROR] = ANSWER_COUNT_NOERROR,   [DNS_RCODE_FORMERR] = ANSWER_COUNT_FORMERR,
        [DNS_RCODE_SERVFAIL] = ANSWER_COUNT_SERVFAIL, [DNS_RCODE_NXDOMAIN] = ANSWER_COUNT_NXDOMAIN,
        [DNS_RCODE_NOTIMP] = ANSWER_COUNT_NOTIMP,     [DNS_RCODE_REFUSED] = ANSWER_COUNT_REFUSED,
        [DNS_RCODE_YXDOMAIN] = ANSWER_COUNT_YXDOMAIN,
    };
    count(w->context, w->reply.rcode < sizeof by_rcode ? by_rcode[w->reply.rcode] : ANSWER_COUNT_BADVERS);
    if (w->reply.truncated) {
        count(w->context, ANSWER_COUNT_TRUNCATED);
    }
    if (w->steered) {
        count(w->context, ANSWER_COUNT_STEERED);
    }
    if (w->fallback) {
        count(w->context, ANSWER_COUNT_FALLBACK);
    }
}

/* How much the reply may take, OPT set aside. */
static size_t find_limit(const struct work *w, size_t cap)
{
    size_t limit = cap;
    if (w->request->transport == ANSWER_UDP) {
        size_t ours = w->context->view->server->edns_size;
        size_t theirs = w->query.has_edns ? w->query.udp_size : PLAIN_UDP;
        limit = theirs < ours ? theirs : ours;
        limit = limit < cap ? limit : cap;
    }
    return w->query.has_edns ? limit - edns_len(w->context, w->request, &w->query) : limit;
}

static unsigned rcode_of(enum dns_query_result result)
{
    switch (result) {
    case DNS_QUERY_FORMERR: return DNS_RCODE_FORMERR;
    case DNS_QUERY_NOTIMP: return DNS_RCODE_NOTIMP;
    case DNS_QUERY_BADVERS: return DNS_RCODE_BADVERS;
    case DNS_QUERY_OK:
    case DNS_QUERY_COOKIE_ONLY:
    case DNS_QUERY_DROP: break;
    }
    return DNS_RCODE_NOERROR;
}

/* A truncated reply keeps the question and OPT only: half an answer helps nobody (RFC 2181 section 9). */
static void drop_sections(struct work *w)
{
    w->reply.at = w->query.question_end;
    memset(w->reply.counts, 0, sizeof w->reply.counts);
}

size_t answer_query(const struct answer_context *context, const struct answer_request *request, uint8_t *out,
                    size_t cap)
{
    struct work w;
    w.context = context;
    w.request = request;
    w.scope = 0;
    w.steered = w.fallback = false;
    count(context, request->transport == ANSWER_UDP ? ANSWER_COUNT_QUERIES_UDP : ANSWER_COUNT_QUERIES_TCP);
    enum dns_query_result result = dns_query_parse(&w.query, request->bytes, request->len);
    if (result == DNS_QUERY_DROP) {
        count(context, ANSWER_COUNT_DROPPED);
        return 0;
    }
    size_t copied = w.query.question_end != 0 ? w.query.question_end : DNS_HEADER_SIZE;
    bytes_copy(out, request->bytes, copied);
    w.reply =
        (struct reply){.out = out, .at = copied, .limit = find_limit(&w, cap), .rcode = rcode_of(result)};
    if (result == DNS_QUERY_OK) {
        answer_question(&w);
    } else if (result == DNS_QUERY_NOTIMP) {
        w.reply.ede = REPLY_EDE_NOT_SUPPORTED;
    }
    if (w.reply.truncated) {
        drop_sections(&w);
    }
    if (w.query.has_edns) {
        edns_add_opt(context, request, &w.query, &w.reply, w.scope);
    }
    finish_header(&w);
    count_reply(&w);
    return w.reply.at;
}
