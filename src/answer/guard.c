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
                       const struct zone *zone)
{
    if (allows(view_find_acl(context->view, zone), request->client)) {
        return true;
    }
    answer_count(context->counters, ANSWER_COUNT_FORBIDDEN_ZONE);
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

bool guard_admit(const struct answer_context *context, const struct answer_request *request,
                 const struct dns_query *query, struct reply *reply)
{
    if (is_guarded(context, VIEW_GUARD_LISTEN) && !allows(request->allow, request->client)) {
        answer_count(context->counters, ANSWER_COUNT_FORBIDDEN_LISTENER);
        reply->rcode = DNS_RCODE_REFUSED;
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

/* IPv4 and IPv6 in different groups; false: neither. */
static bool find_prefix(const struct conf_rrl *rrl, const struct sockaddr *client, struct limiter_key *key)
{
    if (client == NULL) {
        return false;
    }
    if (client->sa_family == AF_INET) {
        key->who = ((const struct sockaddr_in *)(const void *)client)->sin_addr.s_addr & rrl->ipv4_mask;
        key->kind = 0;
        return true;
    }
    uint64_t half;
    memcpy(&half, &((const struct sockaddr_in6 *)(const void *)client)->sin6_addr, sizeof half);
    key->who = half & rrl->ipv6_mask;
    key->kind = 1;
    return client->sa_family == AF_INET6;
}

static enum conf_rrl_kind find_kind(const struct dns_query *query, const struct reply *reply)
{
    if (reply->rcode == DNS_RCODE_NXDOMAIN) {
        return CONF_RRL_NXDOMAIN;
    }
    bool is_good = reply->rcode == DNS_RCODE_NOERROR || reply->rcode == DNS_RCODE_YXDOMAIN;
    if (!is_good || query->question_end == 0) {
        return CONF_RRL_ERROR;
    }
    if (reply->counts[REPLY_ANSWER] != 0 || reply->truncated) {
        return CONF_RRL_POSITIVE;
    }
    return (reply->flags & DNS_FLAG_AA) == 0 ? CONF_RRL_REFERRAL : CONF_RRL_NODATA;
}

/* What "the same answer" is. */
static uint64_t find_subject(enum conf_rrl_kind kind, const struct dns_query *query,
                             const struct reply *reply)
{
    if (kind == CONF_RRL_ERROR) {
        return 0;
    }
    uint64_t subject = reply->subject != 0 ? reply->subject : dns_key_hash(query->key.name, query->key.len);
    return kind == CONF_RRL_POSITIVE ? subject + query->qtype : subject;
}

/* Over which rate is it, if any? *kind: the one. */
static enum limiter_verdict judge_rate(const struct answer_context *context, struct limiter_key key,
                                       uint64_t subject, enum conf_rrl_kind *kind)
{
    const struct conf_rrl *rrl = context->view->server->rrl;
    struct limiter *limiter = context->view->limiter;
    uint32_t family = key.kind;
    key.what = subject;
    key.kind |= (uint32_t)*kind << 1;
    enum limiter_verdict verdict = limiter_take(limiter, &key, &rrl->rates[*kind], context->now_us);
    if (verdict == LIMITER_PASS && rrl->rates[CONF_RRL_ALL].interval_us != 0) {
        *kind = CONF_RRL_ALL;
        key.what = 0;
        key.kind = family | CONF_RRL_ALL << 1;
        verdict = limiter_take(limiter, &key, &rrl->rates[CONF_RRL_ALL], context->now_us);
    }
    return verdict;
}

static bool is_exempt(const struct conf_rrl *rrl, const struct sockaddr *client)
{
    return rrl->exempt != NULL && allows(rrl->exempt, client);
}

/* Over the rate: send it without answers, or not at all. As BIND does, errors are not worth a second try, and
 * a client that knows cookies is given one rather than sent to TCP. */
static bool send_less(const struct answer_context *context, enum limiter_verdict verdict,
                      const struct dns_query *query, struct reply *reply)
{
    bool again =
        reply->rcode == DNS_RCODE_BADCOOKIE || (lacks_cookie((enum cookie_verdict)reply->cookie) &&
                                                context->view->server->cookies_require != CONF_COOKIES_NEVER);
    bool is_error = find_kind(query, reply) == CONF_RRL_ERROR && reply->rcode != DNS_RCODE_BADCOOKIE;
    if (verdict == LIMITER_DROP || is_error) {
        answer_count(context->counters, ANSWER_COUNT_RRL_DROPPED);
        return false;
    }
    answer_count(context->counters, ANSWER_COUNT_RRL_SLIPPED);
    if (again) {
        demand_cookie(query, reply);
    } else {
        reply->truncated = true;
    }
    return true;
}

static bool limit_rate(const struct answer_context *context, const struct answer_request *request,
                       const struct dns_query *query, struct reply *reply)
{
    const struct conf_rrl *rrl = context->view->server->rrl;
    struct limiter_key key;
    enum conf_rrl_kind kind = find_kind(query, reply);
    if (is_valid(edns_judge_cookie(context, request, query, reply)) ||
        !find_prefix(rrl, request->client, &key)) {
        return true;
    }
    enum limiter_verdict verdict = judge_rate(context, key, find_subject(kind, query, reply), &kind);
    if (verdict == LIMITER_PASS || is_exempt(rrl, request->client)) {
        return true;
    }
    answer_count(context->counters, (enum answer_counter)(ANSWER_COUNT_RRL_POSITIVE + (int)kind));
    limiter_blame(context->view->limiter, key.kind, key.who);
    return rrl->log_only || send_less(context, verdict, query, reply);
}

bool guard_release(const struct answer_context *context, const struct answer_request *request,
                   const struct dns_query *query, struct reply *reply)
{
    if (request->transport != ANSWER_UDP) {
        return true;
    }
    if (reply->bounded && reply->truncated) {
        answer_count(context->counters, ANSWER_COUNT_AMPLIFICATION);
    }
    return !is_guarded(context, VIEW_GUARD_RATE) || limit_rate(context, request, query, reply);
}
