/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Response-rate limiting as NSD, Knot and BIND do it: a client prefix gets the same answer so often per
 * second, and beyond that nothing, or now and then an answer that says "ask over TCP", which somebody whose
 * address was forged does not. What "the same answer" is depends on its kind: an attacker must not escape by
 * asking for ever new names below a wildcard, a delegation or an apex, and a resolver that asks for many
 * different names must not be hurt. */
#include "config.h"

#include "answer/guard.h"

#include "answer/cookie.h"
#include "answer/edns.h"

#include <netinet/in.h>
#include <string.h>

static bool is_guarded(const struct answer_context *context, enum view_guard guard)
{
    return (context->view->guards & guard) != 0;
}

static bool is_valid(enum cookie_verdict verdict)
{
    return verdict == COOKIE_VALID || verdict == COOKIE_RENEW;
}

/* Does a client that knows cookies come without a good one of ours? */
static bool lacks_cookie(enum cookie_verdict verdict)
{
    return verdict == COOKIE_NEW || verdict == COOKIE_INVALID;
}

/* ---- access ---- */

/* A client that is not known (explain) may see everything. */
static bool allows(const struct acl *acl, const struct sockaddr *client)
{
    struct addr_port from;
    if (acl == NULL || client == NULL) {
        return true;
    }
    addr_from_sockaddr(client, &from);
    return acl_allows(acl, &from.addr);
}

bool guard_allows_zone(const struct answer_context *context, const struct answer_request *request,
                       const struct zone *zone, struct reply *reply)
{
    if (allows(view_find_acl(context->view, zone), request->client)) {
        return true;
    }
    if (reply->counts[REPLY_ANSWER] == 0) {
        reply->ede = REPLY_EDE_PROHIBITED;
        answer_count(context->counters, ANSWER_COUNT_FORBIDDEN_ZONE);
    }
    return false;
}

/* ---- before ---- */

/* Behind the question there will be nothing but OPT with a fresh cookie. */
static void demand_cookie(const struct dns_query *query, struct reply *reply)
{
    reply->rcode = DNS_RCODE_BADCOOKIE;
    reply->flags &= (uint16_t)~DNS_FLAG_AA;
    reply->truncated = false;
    reply->at = query->question_end != 0 ? query->question_end : DNS_HEADER_SIZE;
    memset(reply->counts, 0, sizeof reply->counts);
}

/* The header, the question and OPT are sent whatever the factor. */
static void bound(const struct answer_context *context, const struct answer_request *request,
                  const struct dns_query *query, struct reply *reply)
{
    size_t most = request->len * context->view->server->amplification;
    size_t opt = query->has_edns ? edns_len(context, request, query) : 0;
    size_t limit = most > reply->at + opt ? most - opt : reply->at;
    if (limit < reply->limit) {
        reply->limit = limit;
        reply->bounded = true;
    }
}

/* Where subnets do not count. A query without one of its source gets an answer for all (RFC 7871 section
 * 7.1.2); of an option that is off nothing is sent back, and there is as much more room. */
static void forget_subnet(const struct answer_context *context, const struct answer_request *request,
                          struct dns_query *query, struct reply *reply)
{
    const struct view *view = context->view;
    size_t listener = (size_t)request->listener - 1;
    enum conf_subnets subnets =
        listener < view->listen_count ? view->listeners[listener].subnets : CONF_SUBNETS_USE;
    if (query->has_ecs && subnets == CONF_SUBNETS_OFF) {
        reply->limit += edns_ecs_len(query);
        query->has_ecs = false;
    } else if (subnets == CONF_SUBNETS_IGNORE) {
        query->ecs.source_len = 0;
    }
}

bool guard_admit(const struct answer_context *context, const struct answer_request *request,
                 struct dns_query *query, struct reply *reply)
{
    if (is_guarded(context, VIEW_GUARD_SUBNET)) {
        forget_subnet(context, request, query, reply);
    }
    if (is_guarded(context, VIEW_GUARD_LISTEN) && !allows(request->allow, request->client)) {
        answer_count(context->counters, ANSWER_COUNT_FORBIDDEN_LISTENER);
        reply->rcode = DNS_RCODE_REFUSED;
        reply->ede = REPLY_EDE_PROHIBITED;
        return false;
    }
    if (request->transport != ANSWER_UDP || reply->rcode != DNS_RCODE_NOERROR || query->question_end == 0) {
        return true; /* there will be no answer */
    }
    enum cookie_verdict verdict = edns_judge_cookie(context, request, query, reply);
    if (is_guarded(context, VIEW_GUARD_COOKIE) && lacks_cookie(verdict)) {
        demand_cookie(query, reply);
        return false;
    }
    if (is_guarded(context, VIEW_GUARD_AMPLIFICATION) && !is_valid(verdict)) {
        bound(context, request, query, reply);
    }
    return true;
}

/* ---- rates ---- */

/* Clients that share a rate, as one number: the first half of an IPv6 address, or an IPv4 address behind what
 * the address of no IPv6 client begins with (ff00::/8). */
enum { IPV4_MARK = 0xff, IPV4_SHIFT = 32 };

static inline uint64_t find_prefix(const struct conf_rrl *rrl, const struct sockaddr *client)
{
    uint64_t half;
    if (client->sa_family == AF_INET) {
        uint32_t addr = ((const struct sockaddr_in *)(const void *)client)->sin_addr.s_addr & rrl->ipv4_mask;
        return (uint64_t)addr << IPV4_SHIFT | IPV4_MARK;
    }
    memcpy(&half, &((const struct sockaddr_in6 *)(const void *)client)->sin6_addr, sizeof half);
    return half & rrl->ipv6_mask;
}

void guard_read_prefix(uint64_t who, struct addr *prefix)
{
    *prefix = (struct addr){.family = (who & 0xff) == IPV4_MARK ? ADDR_V4 : ADDR_V6};
    if (prefix->family == ADDR_V4) {
        uint32_t addr = (uint32_t)(who >> IPV4_SHIFT);
        memcpy(prefix->bytes, &addr, sizeof addr);
    } else {
        memcpy(prefix->bytes, &who, sizeof who);
    }
}

static inline enum conf_rrl_kind find_kind(const struct dns_query *query, const struct reply *reply)
{
    if (reply->rcode == DNS_RCODE_NXDOMAIN) {
        return CONF_RRL_NXDOMAIN;
    }
    if ((reply->rcode != DNS_RCODE_NOERROR && reply->rcode != DNS_RCODE_YXDOMAIN) ||
        query->question_end == 0) {
        return CONF_RRL_ERROR;
    }
    if (reply->counts[REPLY_ANSWER] != 0 || reply->truncated) {
        return CONF_RRL_POSITIVE;
    }
    return (reply->flags & DNS_FLAG_AA) == 0 ? CONF_RRL_REFERRAL : CONF_RRL_NODATA;
}

/* What "the same answer" is. The table's hash is keyed, so nothing has to be well mixed here. */
static inline uint64_t find_subject(enum conf_rrl_kind kind, const struct dns_query *query,
                                    const struct reply *reply)
{
    uint64_t subject = (uint64_t)kind << 32;
    if (kind == CONF_RRL_ERROR) {
        return subject;
    }
    subject += reply->subject != 0 ? reply->subject : dns_key_hash(query->key.name, query->key.len);
    return kind == CONF_RRL_POSITIVE ? subject + query->qtype : subject;
}

/* Send it without answers, or not at all. As BIND does, errors are not worth a second try, and a client that
 * knows cookies is given one rather than sent to TCP. */
static bool send_less(const struct answer_context *context, enum limiter_verdict verdict,
                      const struct dns_query *query, struct reply *reply)
{
    bool again = reply->rcode == DNS_RCODE_BADCOOKIE;
    if (verdict == LIMITER_DROP || (!again && find_kind(query, reply) == CONF_RRL_ERROR)) {
        answer_count(context->counters, ANSWER_COUNT_RRL_DROPPED);
        return false;
    }
    answer_count(context->counters, ANSWER_COUNT_RRL_SLIPPED);
    if (again || (lacks_cookie((enum cookie_verdict)reply->cookie) &&
                  context->view->server->cookies_require != CONF_COOKIES_NEVER)) {
        demand_cookie(query, reply);
    } else {
        reply->truncated = true;
    }
    return true;
}

static bool handle_excess(const struct answer_context *context, enum limiter_verdict verdict, uint64_t who,
                          const struct dns_query *query, struct reply *reply)
{
    limiter_blame(context->view->limiter, who);
    return context->view->server->rrl->log_only || send_less(context, verdict, query, reply);
}

static void count_excess(const struct answer_context *context, enum conf_rrl_kind kind)
{
    answer_count(context->counters, (enum answer_counter)(ANSWER_COUNT_RRL_POSITIVE + (int)kind));
}

/* The rate of all answers together, if there is one. */
static bool limit_all(const struct answer_context *context, uint64_t who, const struct dns_query *query,
                      struct reply *reply)
{
    const struct view *view = context->view;
    enum limiter_verdict verdict =
        limiter_take(view->limiter, &view->server->rrl->rates[CONF_RRL_ALL], who, 0, context->now_us);
    if (verdict == LIMITER_PASS) {
        return true;
    }
    count_excess(context, CONF_RRL_ALL);
    return handle_excess(context, verdict, who, query, reply);
}

static bool is_exempt(const struct answer_context *context, const struct answer_request *request,
                      const struct dns_query *query, struct reply *reply)
{
    const struct acl *exempt = context->view->server->rrl->exempt;
    return is_valid(edns_judge_cookie(context, request, query, reply)) ||
           (exempt != NULL && allows(exempt, request->client));
}

static bool limit_rate(const struct answer_context *context, const struct answer_request *request,
                       const struct dns_query *query, struct reply *reply)
{
    const struct view *view = context->view;
    const struct conf_rrl *rrl = view->server->rrl;
    if (is_exempt(context, request, query, reply)) {
        return true;
    }
    uint64_t who = find_prefix(rrl, request->client);
    enum conf_rrl_kind kind = find_kind(query, reply);
    enum limiter_verdict verdict = limiter_take(view->limiter, &rrl->rates[kind], who,
                                                find_subject(kind, query, reply), context->now_us);
    if (verdict != LIMITER_PASS) {
        count_excess(context, kind);
        return handle_excess(context, verdict, who, query, reply);
    }
    return rrl->rates[CONF_RRL_ALL].interval_us == 0 || limit_all(context, who, query, reply);
}

static __attribute__((noinline)) bool release_rest(const struct answer_context *context,
                                                   const struct answer_request *request,
                                                   const struct dns_query *query, struct reply *reply)
{
    if (reply->bounded && reply->truncated) {
        answer_count(context->counters, ANSWER_COUNT_AMPLIFICATION);
    }
    return !is_guarded(context, VIEW_GUARD_RATE) || limit_rate(context, request, query, reply);
}

/* The usual way of a usual answer is short: only its own rate is to be looked at, and it is within that. */
bool guard_release(const struct answer_context *context, const struct answer_request *request,
                   const struct dns_query *query, struct reply *reply)
{
    const struct view *view = context->view;
    const struct conf_rrl *rrl = view->server->rrl;
    if (request->transport != ANSWER_UDP || request->client == NULL) {
        return true;
    }
    if (view->guards != VIEW_GUARD_RATE || (query->options & DNS_QUERY_COOKIE) != 0 || rrl->exempt != NULL ||
        reply->rcode != DNS_RCODE_NOERROR || reply->counts[REPLY_ANSWER] == 0 ||
        rrl->rates[CONF_RRL_ALL].interval_us != 0 ||
        !limiter_try(view->limiter, &rrl->rates[CONF_RRL_POSITIVE], find_prefix(rrl, request->client),
                     find_subject(CONF_RRL_POSITIVE, query, reply), context->now_us)) {
        return release_rest(context, request, query, reply);
    }
    return true;
}
