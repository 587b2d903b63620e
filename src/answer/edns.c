/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Writing OPT. Most queries with EDNS ask for no option but perhaps the client subnet: they pay for one test
 * of query->options. */
#include "config.h"

#include "answer/edns.h"

#include <string.h>

enum {
    OPTION_HEADER = 4,
    ECS_MAX = OPTION_HEADER + 4 + 16,
    COOKIE_OPTION = OPTION_HEADER + COOKIE_SIZE,
    KEEPALIVE_OPTION = OPTION_HEADER + 2,
    OPT_MAX =
        DNS_EDNS_OPT_SIZE + ECS_MAX + OPTION_HEADER + CONF_IDENTITY_MAX + COOKIE_OPTION + KEEPALIVE_OPTION,
    PLAIN_UDP = 512,
};

/* The longest question and all options fit the smallest reply, so nothing has to be left out. */
_Static_assert(DNS_HEADER_SIZE + DNS_NAME_MAX + 4 + OPT_MAX <= PLAIN_UDP,
               "OPT has to fit behind any question");

/* ---- which options are due ---- */

static size_t nsid_len(const struct answer_context *context, const struct dns_query *query)
{
    const struct conf_server *server = context->view->server;
    bool due = (query->options & DNS_QUERY_NSID) != 0 && server->identity != NULL;
    return due ? OPTION_HEADER + strlen(server->identity) : 0;
}

/* Without an address there is nothing to bind a cookie to. */
static bool has_cookie(const struct answer_context *context, const struct answer_request *request,
                       const struct dns_query *query)
{
    return (query->options & DNS_QUERY_COOKIE) != 0 && context->view->secret_count != 0 &&
           request->client != NULL;
}

/* RFC 7828 section 3.2.1: never over UDP. */
static bool has_keepalive(const struct answer_request *request, const struct dns_query *query)
{
    return (query->options & DNS_QUERY_KEEPALIVE) != 0 && request->transport == ANSWER_TCP &&
           request->idle_ds != 0;
}

size_t edns_options_len(const struct answer_context *context, const struct answer_request *request,
                        const struct dns_query *query)
{
    return nsid_len(context, query) + (has_cookie(context, request, query) ? COOKIE_OPTION : 0) +
           (has_keepalive(request, query) ? KEEPALIVE_OPTION : 0);
}

/* ---- writing them; each returns where the next one goes ---- */

static uint8_t *put_header(uint8_t *to, enum dns_option code, size_t len)
{
    reply_put16(to, code);
    reply_put16(to + 2, (unsigned)len);
    return to + OPTION_HEADER;
}

/* RFC 7871 section 7.2.1: family, source and address as they came, our scope. */
static inline uint8_t *put_ecs(uint8_t *to, const struct dns_query *query, uint8_t scope)
{
    const struct dns_ecs *ecs = &query->ecs;
    size_t len = edns_ecs_len(query);
    bytes_copy(to, ecs->option - OPTION_HEADER, len);
    to[OPTION_HEADER + 3] = ecs->source_len == 0 ? 0 : scope;
    return to + len;
}

static uint8_t *put_nsid(uint8_t *to, const struct answer_context *context, size_t len)
{
    to = put_header(to, DNS_OPTION_NSID, len);
    memcpy(to, context->view->server->identity, len);
    return to + len;
}

static struct cookie_secrets find_secrets(const struct answer_context *context)
{
    return (struct cookie_secrets){.items = context->view->secrets, .count = context->view->secret_count};
}

enum cookie_verdict edns_judge_cookie(const struct answer_context *context,
                                      const struct answer_request *request, const struct dns_query *query,
                                      struct reply *reply)
{
    if (reply->cookie == COOKIE_UNJUDGED && has_cookie(context, request, query)) {
        struct cookie_secrets secrets = find_secrets(context);
        struct addr_port client;
        addr_from_sockaddr(request->client, &client);
        reply->cookie =
            cookie_judge(&secrets, &client.addr, query->cookie, query->cookie_len, context->now_s);
    } else if (reply->cookie == COOKIE_UNJUDGED) {
        reply->cookie = COOKIE_NONE;
    }
    return (enum cookie_verdict)reply->cookie;
}

/* A cookie that is good is sent back as it came; else, and when it grows old, a fresh one. */
static uint8_t *put_cookie(uint8_t *to, const struct answer_context *context,
                           const struct answer_request *request, const struct dns_query *query,
                           struct reply *reply)
{
    static const uint8_t counters[] = {
        [COOKIE_NEW] = ANSWER_COUNT_COOKIE_NEW,
        [COOKIE_INVALID] = ANSWER_COUNT_COOKIE_INVALID,
        [COOKIE_RENEW] = ANSWER_COUNT_COOKIE_VALID,
        [COOKIE_VALID] = ANSWER_COUNT_COOKIE_VALID,
    };
    enum cookie_verdict verdict = edns_judge_cookie(context, request, query, reply);
    answer_count(context->counters, (enum answer_counter)counters[verdict]);
    to = put_header(to, DNS_OPTION_COOKIE, COOKIE_SIZE);
    if (verdict == COOKIE_VALID) {
        memcpy(to, query->cookie, COOKIE_SIZE);
    } else {
        struct cookie_secrets secrets = find_secrets(context);
        struct addr_port client;
        addr_from_sockaddr(request->client, &client);
        cookie_make(&secrets, &client.addr, query->cookie, context->now_s, to);
    }
    return to + COOKIE_SIZE;
}

static uint8_t *put_ede(uint8_t *to, const struct answer_context *context, const struct reply *reply)
{
    static const struct {
        uint16_t code;
        const char *text;
    } errors[] = {
        [REPLY_EDE_NONE] = {0, ""},
        [REPLY_EDE_NOT_AUTHORITATIVE] = {20, ""},
        [REPLY_EDE_NOT_SUPPORTED] = {21, ""},
        [REPLY_EDE_PROHIBITED] = {18, ""},
        [REPLY_EDE_INVALID_DATA] = {24, "zone not loaded"},
        [REPLY_EDE_NO_ENDPOINT] = {0, "no healthy endpoint"},
        [REPLY_EDE_WITHDRAWN] = {14, "withdrawn"},
    };
    size_t len = strlen(errors[reply->ede].text);
    if (!context->view->server->extended_errors || reply->at + OPTION_HEADER + 2 + len > reply->limit) {
        return to;
    }
    to = put_header(to, DNS_OPTION_EDE, 2 + len);
    reply_put16(to, errors[reply->ede].code);
    memcpy(to + 2, errors[reply->ede].text, len);
    return to + 2 + len;
}

/* Not in line: most queries would only pay for its frame. */
__attribute__((noinline)) static uint8_t *put_options(uint8_t *to, const struct answer_context *context,
                                                      const struct answer_request *request,
                                                      const struct dns_query *query, struct reply *reply)
{
    size_t nsid = nsid_len(context, query);
    if (nsid != 0) {
        to = put_nsid(to, context, nsid - OPTION_HEADER);
    }
    if (has_cookie(context, request, query)) {
        to = put_cookie(to, context, request, query, reply);
    }
    if (has_keepalive(request, query)) {
        to = put_header(to, DNS_OPTION_KEEPALIVE, 2);
        reply_put16(to, request->idle_ds);
        to += 2;
    }
    return reply->ede != REPLY_EDE_NONE ? put_ede(to, context, reply) : to;
}

/* RFC 6891 section 7: an OPT in the query gets one in the reply. */
void edns_add_opt(const struct answer_context *context, const struct answer_request *request,
                  const struct dns_query *query, struct reply *reply, uint8_t scope)
{
    uint8_t *opt = reply->out + reply->at, *to = opt + DNS_EDNS_OPT_SIZE;
    opt[0] = 0;
    reply_put16(opt + 1, DNS_TYPE_OPT);
    reply_put16(opt + 3, context->view->server->edns_size);
    opt[5] = (uint8_t)(reply->rcode >> 4);
    opt[6] = 0;
    reply_put16(opt + 7, query->dnssec_ok ? 0x8000 : 0);
    if (query->has_ecs) {
        to = put_ecs(to, query, scope);
    }
    if (__builtin_expect((query->options | reply->ede) != 0, 0)) {
        to = put_options(to, context, request, query, reply);
    }
    reply_put16(opt + 9, (unsigned)(to - opt) - DNS_EDNS_OPT_SIZE);
    reply->at = (size_t)(to - reply->out);
    reply->counts[REPLY_ADDITIONAL]++;
}
