/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Queries of those who copy a zone: AXFR (RFC 5936) and IXFR (RFC 1995). Private to answer. */
#pragma once

#include "answer/reply.h"
#include "answer/request.h"
#include "dns/query.h"

static inline bool copy_is_asked(const struct dns_query *query)
{
    return query->qtype == DNS_TYPE_AXFR || query->qtype == DNS_TYPE_IXFR;
}

/* Refuse it, or fill the first message. key: index of the key that signed the query, TSIG_NO_KEY: none did.
 */
void copy_answer(const struct answer_context *context, const struct answer_request *request,
                 const struct dns_query *query, struct reply *reply, int key);
