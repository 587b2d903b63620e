/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From query to reply: RFC 1034 section 4.3.2 over prepared zones. The reply is header and question as they
 * came, then rendered blocks, then OPT. */
#include "config.h"

#include "answer/answer.h"

#include "answer/additional.h"
#include "answer/challenge.h"
#include "answer/chaos.h"
#include "answer/copy.h"
#include "answer/edns.h"
#include "answer/guard.h"
#include "answer/negative.h"
#include "answer/redirect.h"
#include "answer/rrset.h"
#include "answer/shadow.h"
#include "answer/tell.h"
#include "answer/work.h"

enum {
    CHAIN_MAX = 10,      /* CNAMEs followed in one answer */
    PLAIN_UDP = 512,     /* RFC 1035 section 4.2.1 */
    CNAME_RDATA_AT = 12, /* in a record whose owner is a pointer */
};

static void count(const struct answer_context *context, enum answer_counter counter)
{
    answer_count(context->counters, counter);
}

/* ---- one name ---- */

/* A steered RRset has nothing to offer at the moment: that must not be believed for longer than what it
 * offers at other times (RFC 2308 section 5 takes the TTL of the SOA). */
static __attribute__((noinline)) void add_negative_for_now(struct work *w, const struct zone *zone,
                                                           const struct zone_rrset *rrset, uint16_t apex_at)
{
    const uint8_t *ttl = zone_get_steered(zone, rrset)->ttl;
    size_t from = w->reply.at;
    uint8_t *soa = w->reply.out + from;
    w->reply.ede = w->mark == ANSWER_FALLEN_BACK ? REPLY_EDE_NO_ENDPOINT : REPLY_EDE_NONE;
    negative_add(w, zone, apex_at);
    if (!w->reply.truncated && memcmp(ttl, soa + REPLY_TTL_AT, 4) < 0) {
        memcpy(soa + REPLY_TTL_AT, ttl, 4);
    }
    reply_limit_ttl(&w->reply, from, w->ttl_limit);
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

/* The RRset for the type asked. */
static inline const struct zone_rrset *choose_rrset(const struct zone_node *node, uint16_t qtype)
{
    const struct zone_rrset *first = node->rrsets;
    if (node->rrset_count != 0 && first->type == qtype) {
        return first; /* A, mostly: they are in the order of types */
    }
    return __builtin_expect(qtype == DNS_TYPE_ANY, 0) ? choose_any(node) : zone_find_rrset(node, qtype);
}

/* What a steered RRset gives that is not in the reply yet. */
static enum rrset_outcome add_pending(struct work *w, const struct zone *zone, const struct zone_node *node,
                                      const struct zone_rrset *rrset, struct reply_place place,
                                      enum rrset_outcome outcome)
{
    return outcome == RRSET_USE_STATIC ? rrset_add_stand_in(w, zone, node, rrset, place)
           : outcome == RRSET_LISTED   ? additional_add_listed(w, zone, node, rrset, place)
                                       : outcome;
}

/* Returns whether a CNAME was added that is to be followed. */
static bool finish_steered(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                           struct reply_place place, enum rrset_outcome outcome)
{
    switch (outcome) {
    case RRSET_DONE:
    case RRSET_LISTED: break;
    case RRSET_ALIAS: w->alias_scope = w->scope; return true;
    case RRSET_FULL: work_truncate(w); break;
    case RRSET_FAILED:
        w->reply.rcode = DNS_RCODE_SERVFAIL;
        w->reply.ede = REPLY_EDE_NO_ENDPOINT;
        w->reply.flags &= (uint16_t)~DNS_FLAG_AA;
        break;
    case RRSET_EMPTY:
    case RRSET_USE_STATIC: add_negative_for_now(w, zone, rrset, place.apex_at); break;
    }
    return false;
}

static inline struct reply_place find_place(const struct work *w, const struct zone *zone,
                                            struct target target)
{
    return (struct reply_place){.owner = target.name_at, .apex_at = work_find_apex(w, zone, target)};
}

/* All but the usual outcome. */
__attribute__((noinline)) static uint16_t finish_other(struct work *w, const struct zone *zone,
                                                       const struct zone_node *node,
                                                       const struct zone_rrset *rrset, struct target target,
                                                       enum rrset_outcome outcome)
{
    struct reply_place place = find_place(w, zone, target);
    uint16_t leads_to = (uint16_t)(w->reply.at + CNAME_RDATA_AT);
    outcome = add_pending(w, zone, node, rrset, place, outcome);
    return finish_steered(w, zone, rrset, place, outcome) ? leads_to : WORK_NOWHERE;
}

/* The name is an alias, and where it leads to is steered. A CNAME of the zone file may stand in. */
__attribute__((noinline)) static uint16_t answer_alias(struct work *w, const struct zone *zone,
                                                       const struct zone_node *node,
                                                       const struct zone_rrset *cname,
                                                       struct reply_place place)
{
    uint16_t leads_to = (uint16_t)(w->reply.at + CNAME_RDATA_AT);
    enum rrset_outcome outcome = rrset_add_steered(w, zone, cname, place.owner);
    outcome = add_pending(w, zone, node, cname, place, outcome);
    outcome = outcome == RRSET_DONE ? RRSET_ALIAS : outcome;
    return finish_steered(w, zone, cname, place, outcome) ? leads_to : WORK_NOWHERE;
}

/* What is there: data, a CNAME to follow, or nothing of that type. */
static inline __attribute__((always_inline)) uint16_t
answer_node(struct work *w, const struct zone *zone, const struct zone_node *node, struct target target)
{
    const struct zone_rrset *rrset = choose_rrset(node, w->query.qtype);
    if (rrset != NULL && reply_is_plain(rrset) && target.name_at == REPLY_QUESTION_AT) {
        if (!reply_add_plain(&w->reply, REPLY_ANSWER, zone, rrset)) {
            work_truncate(w);
        }
        return WORK_NOWHERE;
    }
    if (rrset != NULL && (rrset->flags & ZONE_RRSET_STEERED) != 0) {
        enum rrset_outcome outcome = rrset_add_steered(w, zone, rrset, target.name_at);
        return __builtin_expect(outcome == RRSET_DONE, 1)
                   ? WORK_NOWHERE
                   : finish_other(w, zone, node, rrset, target, outcome);
    }
    struct reply_place place = find_place(w, zone, target);
    if (rrset != NULL) {
        additional_add_static(w, zone, rrset, place);
        return WORK_NOWHERE;
    }
    const struct zone_rrset *cname = zone_find_rrset(node, DNS_TYPE_CNAME);
    if (cname == NULL) {
        negative_add(w, zone, place.apex_at);
        return WORK_NOWHERE;
    }
    if ((cname->flags & ZONE_RRSET_STEERED) != 0) {
        return answer_alias(w, zone, node, cname, place);
    }
    uint16_t rdata_at = (uint16_t)(w->reply.at + CNAME_RDATA_AT);
    if (!reply_add_rrset(&w->reply, REPLY_ANSWER, zone, cname, place)) {
        work_truncate(w);
        return WORK_NOWHERE;
    }
    return rdata_at;
}

__attribute__((noinline)) static uint16_t
answer_other_node(struct work *w, const struct zone *zone, const struct zone_node *node, struct target target)
{
    return answer_node(w, zone, node, target);
}

__attribute__((noinline)) static uint16_t answer_no_name(struct work *w, const struct zone *zone,
                                                         struct target target)
{
    w->reply.subject = reply_subject(zone, NULL);
    w->reply.rcode = DNS_RCODE_NXDOMAIN;
    negative_add(w, zone, work_find_apex(w, zone, target));
    return WORK_NOWHERE;
}

/* A name of which there is no data, or not here. What is called comes last: so nothing has to be kept. */
__attribute__((noinline)) static uint16_t answer_other(struct work *w, const struct zone *zone,
                                                       struct target target, uint32_t at)
{
    struct zone_lookup found = zone_look_up(zone, target.key, at);
    /* RFC 4035 section 3.1.4.1: the parent answers for DS */
    bool ds_at_cut = at != 0 && w->query.qtype == DNS_TYPE_DS && found.node == found.cut;
    if (found.cut != NULL && !ds_at_cut) {
        return redirect_answer(w, zone, found.cut, target);
    }
    if (found.node == NULL) {
        return answer_no_name(w, zone, target);
    }
    if (at == 0) { /* all names that a wildcard stands for are one */
        w->reply.subject = reply_subject(zone, found.node);
    }
    return answer_other_node(w, zone, found.node, target);
}

/* The usual case is in line: the name that was asked is there. */
static inline __attribute__((always_inline)) uint16_t answer_in_zone(struct work *w, const struct zone *zone,
                                                                     struct target target)
{
    uint32_t at = zone_find_node(zone, target.key);
    const struct zone_node *node = zone_get_node(zone, at);
    if (at == 0 || node->cut != 0) {
        return answer_other(w, zone, target, at);
    }
    return answer_node(w, zone, node, target);
}

/* ---- CNAME chains ---- */

/* Is it the question, or the end of one of the hop - 1 CNAMEs before? By hash: who makes two alike by intent
 * cuts off a chain of his own. */
static bool is_known(uint64_t *seen, unsigned hop, const struct dns_key *key)
{
    seen[hop] = dns_key_hash_suffix(key, 0);
    unsigned same = 0;
    while (seen[same] != seen[hop]) {
        same++;
    }
    return same != hop;
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

/* NULL also for a zone that the client may not query. */
static inline const struct zone *find_zone(struct work *w, const struct dns_key *key)
{
    const struct view *view = w->context->view;
    const struct zone *zone =
        w->query.qtype == DNS_TYPE_DS ? find_parent(w, key) : zone_table_find(view->zones, key, 0);
    if (__builtin_expect((view->guards & VIEW_GUARD_ZONE) != 0, 0) && zone != NULL &&
        !guard_allows_zone(w->context, w->request, zone, &w->reply)) {
        return NULL;
    }
    return zone;
}

/* Answer for what the CNAMEs lead to, as long as that is in zones of ours. */
static inline __attribute__((always_inline)) void follow(struct work *w, uint16_t name_at,
                                                         bool with_challenges)
{
    struct dns_key key;
    uint8_t wire[DNS_NAME_MAX + 1];
    uint64_t seen[CHAIN_MAX] = {dns_key_hash_suffix(&w->query.key, 0)};
    for (unsigned hop = 1; name_at != WORK_NOWHERE; hop++) {
        size_t len = reply_copy_name(&w->reply, name_at, sizeof wire, wire);
        dns_key_fill(&key, wire, len);
        if (hop == CHAIN_MAX || is_known(seen, hop, &key)) {
            return; /* a loop or a web: what there is so far is the answer */
        }
        const struct zone *zone = find_zone(w, &key);
        if (zone == NULL || zone->failed) {
            return;
        }
        const struct target target = {&key, name_at};
        if (with_challenges && challenge_answer(w, zone, target)) {
            return;
        }
        name_at = answer_other(w, zone, target, zone_find_node(zone, &key));
    }
}

__attribute__((noinline)) static void follow_chain(struct work *w, uint16_t name_at, bool with_challenges)
{
    if (with_challenges) {
        follow(w, name_at, true);
    } else {
        follow(w, name_at, false);
    }
}

static void refuse(struct work *w, enum reply_ede why)
{
    w->reply.rcode = DNS_RCODE_REFUSED;
    w->reply.ede = w->reply.ede != REPLY_EDE_NONE ? w->reply.ede : (uint8_t)why;
}

/* Another class, or a transfer. Returns whether it is to be answered as a question of class IN. */
__attribute__((noinline)) static bool answer_unusual(struct work *w)
{
    if (w->query.qclass == DNS_CLASS_CH) {
        chaos_answer(w->context->view->server, &w->query, &w->reply);
    } else if (w->query.qclass == DNS_CLASS_IN) {
        copy_answer(w->context, w->request, &w->query, &w->reply,
                    w->is_signed ? w->signature.key : TSIG_NO_KEY);
    } else if (w->query.qclass == DNS_CLASS_ANY && !copy_is_asked(&w->query)) {
        return true;
    } else {
        refuse(w, REPLY_EDE_NOT_SUPPORTED);
    }
    return false;
}

static inline __attribute__((always_inline)) void answer_question(struct work *w, bool with_challenges)
{
    const struct dns_query *query = &w->query;
    uint16_t flags = DNS_FLAG_AA;
    if (__builtin_expect(query->qclass != DNS_CLASS_IN || copy_is_asked(query), 0)) {
        if (!answer_unusual(w)) {
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
    struct target target = {.key = &query->key, .name_at = REPLY_QUESTION_AT};
    if (with_challenges && challenge_answer(w, zone, target)) {
        return;
    }
    uint16_t leads_to = answer_in_zone(w, zone, target);
    if (__builtin_expect(leads_to != WORK_NOWHERE, 0)) {
        follow_chain(w, leads_to, with_challenges);
    }
}

/* ---- the message ---- */

/* Header and question as they came. */
static size_t copy_question(const struct dns_query *query, const uint8_t *bytes, uint8_t *out)
{
    size_t len = query->question_end;
    if (__builtin_expect(len == 0, 0)) {
        memcpy(out, bytes, DNS_HEADER_SIZE);
        reply_put16(out + 4, 0);
        return DNS_HEADER_SIZE;
    }
    bytes_copy(out, bytes, len);
    return len;
}

/* How much the reply may take, OPT set aside. Inlined by order: answer_query() has another caller beside it.
 */
static inline __attribute__((always_inline)) size_t find_limit(const struct work *w, size_t cap)
{
    bool is_udp = w->request->transport == ANSWER_UDP;
    if (!w->query.has_edns) {
        return is_udp ? PLAIN_UDP : cap;
    }
    size_t limit = cap;
    if (is_udp) {
        size_t ours = w->context->view->server->edns_size, theirs = w->query.udp_size;
        limit = theirs < ours ? theirs : ours;
        limit = limit < cap ? limit : cap;
    }
    return limit - edns_len(w->context, w->request, &w->query);
}

static inline __attribute__((always_inline)) void finish_header(struct work *w)
{
    struct reply *reply = &w->reply;
    uint8_t *out = reply->out;
    unsigned keep = w->query.flags & (DNS_FLAGS_OPCODE | DNS_FLAG_RD | DNS_FLAG_CD);
    reply_put16(out + 2, keep | DNS_FLAG_QR | reply->flags | (reply->rcode & 15));
    reply_put16(out + 6, reply->counts[0]);
    reply_put16(out + 8, reply->counts[1]);
    reply_put16(out + 10, reply->counts[2]);
}

_Static_assert(ANSWER_COUNT_QUERIES_UDP + ANSWER_TCP == ANSWER_COUNT_QUERIES_TCP &&
                   (int)ANSWER_RCODES - 1 == (int)DNS_RCODE_YXDOMAIN &&
                   (int)ANSWER_RCODES <= (int)ANSWER_RCODE_ROOM,
               "the counters of transports and response codes have to be in the order of these");

static inline __attribute__((always_inline)) void count_reply(const struct work *w)
{
    unsigned rcode = w->reply.rcode;
    if (__builtin_expect(rcode < ANSWER_RCODES, 1)) {
        count_up64(&w->context->counters->replies[w->mark][rcode]);
        return;
    }
    count(w->context, rcode == DNS_RCODE_NOTAUTH     ? ANSWER_COUNT_NOTAUTH
                      : rcode == DNS_RCODE_BADCOOKIE ? ANSWER_COUNT_BADCOOKIE
                                                     : ANSWER_COUNT_BADVERS);
}

/* RFC 7873 section 5.4: a query for a cookie alone says whether the one that came with it is good. */
static void judge_cookie(struct work *w)
{
    enum cookie_verdict verdict = edns_judge_cookie(w->context, w->request, &w->query, &w->reply);
    if (verdict == COOKIE_INVALID && w->reply.rcode == DNS_RCODE_NOERROR) {
        w->reply.rcode = DNS_RCODE_BADCOOKIE;
    }
}

/* A query that is no plain question, or a view with guards: is there an answer to be looked for? */
__attribute__((noinline)) static bool admit(struct work *w, enum dns_query_result result)
{
    bool due = result == DNS_QUERY_OK || result == DNS_QUERY_SIGNED;
    w->reply.rcode = reply_rcode(result);
    w->reply.ede = result == DNS_QUERY_NOTIMP ? REPLY_EDE_NOT_SUPPORTED : REPLY_EDE_NONE;
    if ((w->query.options & DNS_QUERY_TSIG) != 0 && result != DNS_QUERY_FORMERR) {
        w->is_signed = signature_take(w->context, w->request, &w->query, &w->reply, &w->signature);
        due &= w->reply.rcode == DNS_RCODE_NOERROR;
    }
    if ((w->context->view->guards & ~(unsigned)(VIEW_GUARD_RATE | VIEW_GUARD_TAP)) != 0) {
        due &= guard_admit(w->context, w->request, &w->query, &w->reply);
    }
    if (!due && result == DNS_QUERY_COOKIE_ONLY) {
        judge_cookie(w);
    }
    return due;
}

/* A plain question to a view with guards that only look at the answer: there is nothing to admit. */
static inline bool is_looked_at(const struct work *w, enum dns_query_result result)
{
    return result == DNS_QUERY_OK &&
           (w->context->view->guards & ~(unsigned)(VIEW_GUARD_RATE | VIEW_GUARD_TAP)) == 0;
}

/* A truncated reply keeps the question and OPT only: half an answer helps nobody (RFC 2181 section 9). */
__attribute__((noinline)) static void drop_sections(struct work *w)
{
    w->reply.at = w->query.question_end;
    w->reply.flags |= DNS_FLAG_TC;
    memset(w->reply.counts, 0, sizeof w->reply.counts);
    count(w->context, ANSWER_COUNT_TRUNCATED);
}

__attribute__((noinline)) static size_t sign(struct work *w)
{
    if (w->context->in_shadow) {
        shadow_blank(w->reply.out, w->reply.at, w->context->least_scope);
    }
    return signature_put(w->context, w->request, &w->reply, &w->signature);
}

/* What the question led to is in the reply: the rest of the message. */
static inline __attribute__((always_inline)) size_t finish(struct work *w)
{
    if (__builtin_expect(w->reply.truncated, 0)) {
        drop_sections(w);
    }
    if (w->query.has_edns) {
        edns_add_opt(w->context, w->request, &w->query, &w->reply, w->scope);
    }
    finish_header(w);
    count_reply(w);
    return __builtin_expect(!w->is_signed, 1) ? w->reply.at : sign(w);
}

/* The same where somebody wants to know. */
__attribute__((noinline)) static size_t finish_told(struct work *w)
{
    bool is_due = guard_release(w->context, w->request, &w->query, &w->reply);
    size_t len = is_due ? finish(w) : 0;
    struct answer_tap *tap = w->context->tap;
    unsigned drawn = tap == NULL ? 0 : tap->draw(tap, w->request);
    if (drawn != 0) {
        tell_answer(w, len, drawn);
    }
    return len;
}

/* A query that is parsed. What w points to is here, too: whoever parsed it had w in hand. */
struct parsed {
    const struct answer_context *context;
    const struct answer_request *request;
    enum dns_query_result result;
    uint8_t *out;
    size_t cap;
};

static inline __attribute__((always_inline)) size_t answer_parsed(struct work *w, const struct parsed *parsed,
                                                                  bool with_challenges)
{
    const struct answer_context *context = parsed->context;
    const struct answer_request *request = parsed->request;
    const enum dns_query_result result = parsed->result;
    count(context, ANSWER_COUNT_QUERIES_UDP + request->transport);
    if (result == DNS_QUERY_DROP) {
        count(context, ANSWER_COUNT_DROPPED);
        return 0;
    }
    w->reply = (struct reply){.out = parsed->out,
                              .at = copy_question(&w->query, request->bytes, parsed->out),
                              .limit = find_limit(w, parsed->cap)};
    bool plain = result == DNS_QUERY_OK && context->view->guards == 0;
    if (__builtin_expect(plain, 1) || is_looked_at(w, result) || admit(w, result)) {
        answer_question(w, with_challenges);
    }
    if (__builtin_expect(!plain && context->view->guards != 0, 0)) {
        if (__builtin_expect((context->view->guards & VIEW_GUARD_TAP) != 0, 0)) {
            return finish_told(w);
        }
        if (!guard_release(context, request, &w->query, &w->reply)) {
            return 0;
        }
    }
    return finish(w);
}

/* A query of a drill's client: the same, in the drill. Returns whether it was one. */
__attribute__((noinline)) static bool answer_in_shadow(const struct parsed *parsed,
                                                       const struct dns_query *query, size_t *len)
{
    uint8_t scope;
    const struct answer_context *context = parsed->context;
    const struct answer_aside *aside = context->aside;
    const struct answer_shadow *shadow = parsed->result == DNS_QUERY_OK || parsed->result == DNS_QUERY_SIGNED
                                             ? shadow_find(aside->shadows, parsed->request, query, &scope)
                                             : NULL;
    if (shadow == NULL) {
        return false;
    }
    const struct answer_aside rest = {.challenges = aside->challenges};
    struct answer_context inside = shadow_enter(context, shadow, scope);
    inside.aside = rest.challenges == NULL ? NULL : &rest;
    *len = answer_query(&inside, parsed->request, parsed->out, parsed->cap);
    if (shadow->is_live) {
        answer_count(&shadow->counters[context->thread],
                     ANSWER_COUNT_QUERIES_UDP + parsed->request->transport);
    } else {
        shadow_blank(parsed->out, *len, scope);
    }
    return true;
}

/* A drill has clients here, or there are challenges. */
__attribute__((noinline)) static size_t answer_aside(struct work *w, struct parsed parsed)
{
    const struct answer_aside *aside = w->context->aside;
    size_t len;
    if (aside->shadows != NULL && shadow_passes(aside->shadows, w->request, &w->query) &&
        answer_in_shadow(&parsed, &w->query, &len)) {
        return len;
    }
    return answer_parsed(w, &parsed, aside->challenges != NULL);
}

size_t answer_query(const struct answer_context *context, const struct answer_request *request, uint8_t *out,
                    size_t cap)
{
    struct work w;
    w.context = context;
    w.request = request;
    w.scope = w.alias_scope = 0;
    w.mark = ANSWER_PLAIN;
    w.is_signed = false;
    const struct parsed parsed = {context, request, dns_query_parse(&w.query, request->bytes, request->len),
                                  out, cap};
    return __builtin_expect(context->aside != NULL, 0) ? answer_aside(&w, parsed)
                                                       : answer_parsed(&w, &parsed, false);
}

void answer_read_prefix(uint64_t who, struct addr *prefix)
{
    guard_read_prefix(who, prefix);
}

size_t answer_withdrawn(const struct answer_context *context, const struct answer_request *request,
                        uint8_t *out, size_t cap)
{
    struct work w;
    w.context = context;
    w.request = request;
    w.scope = w.alias_scope = 0;
    w.mark = ANSWER_PLAIN;
    w.is_signed = false;
    enum dns_query_result result = dns_query_parse(&w.query, request->bytes, request->len);
    count(context, ANSWER_COUNT_QUERIES_UDP + request->transport);
    if (result == DNS_QUERY_DROP) {
        count(context, ANSWER_COUNT_DROPPED);
        return 0;
    }
    w.reply = (struct reply){
        .out = out, .at = copy_question(&w.query, request->bytes, out), .limit = find_limit(&w, cap)};
    w.reply.rcode = DNS_RCODE_SERVFAIL;
    w.reply.ede = REPLY_EDE_WITHDRAWN;
    if ((context->view->guards & VIEW_GUARD_RATE) != 0 &&
        !guard_release(context, request, &w.query, &w.reply)) {
        return 0;
    }
    return finish(&w);
}
