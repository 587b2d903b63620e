/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The OPT record of a reply (RFC 6891) and its options: client subnet (RFC 7871), NSID (RFC 5001), cookie
 * (RFC 7873, 9018), TCP keepalive (RFC 7828), extended error (RFC 8914). What edns_len() says before the
 * answer is built is what edns_add_opt() takes behind it, but for an extended error, which goes into what is
 * left over. Private to answer. */
#pragma once

#include "answer/cookie.h"
#include "answer/reply.h"
#include "answer/request.h"
#include "dns/query.h"

#include <stddef.h>
#include <stdint.h>

/* Of the client subnet option, header included: as long as it came, also where its source does not count. */
static inline size_t edns_ecs_len(const struct dns_query *query)
{
    return 8u + (query->ecs.option[2] + 7u) / 8; /* the length of its source, as it came */
}

/* Of all other options; most queries have none. */
size_t edns_options_len(const struct answer_context *context, const struct answer_request *request,
                        const struct dns_query *query);

/* For a query with EDNS: octets of the OPT record. */
static inline size_t edns_len(const struct answer_context *context, const struct answer_request *request,
                              const struct dns_query *query)
{
    size_t len = DNS_EDNS_OPT_SIZE + (query->has_ecs ? edns_ecs_len(query) : 0);
    if (__builtin_expect(query->options != 0, 0)) {
        len += edns_options_len(context, request, query);
    }
    return len;
}

/* The query's cookie; judged once per query, the reply remembers. Never COOKIE_UNJUDGED. */
enum cookie_verdict edns_judge_cookie(const struct answer_context *context,
                                      const struct answer_request *request, const struct dns_query *query,
                                      struct reply *reply);
/* Write it where the reply stands; scope: of the client subnet. Counts what became of a cookie. */
void edns_add_opt(const struct answer_context *context, const struct answer_request *request,
                  const struct dns_query *query, struct reply *reply, uint8_t scope);
