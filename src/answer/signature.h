/* SPDX-License-Identifier: BSD-3-Clause
 *
 * TSIG of queries and replies (RFC 8945): who signed a query, whether it is to be answered, and the signature
 * of what answers it. Private to answer. */
#pragma once

#include "answer/answer.h"
#include "answer/reply.h"
#include "dns/query.h"
#include "tsig/tsig.h"

struct signature {
    bool due; /* the reply ends in a TSIG record */
    struct tsig_exchange exchange;
};

/* Judge a query with DNS_QUERY_TSIG, count the verdict, and set room for the reply's record aside: OPT goes
 * where both do not fit. false: it is not to be answered, and the rcode says why. */
bool signature_take(const struct answer_context *context, const struct answer_request *request,
                    struct dns_query *query, struct reply *reply, struct signature *signature);
/* Append the record to the finished reply. */
void signature_put(const struct answer_context *context, struct reply *reply, struct signature *signature);

/* The key that a query is signed with, or TSIG_NO_KEY. */
static inline int signature_key(const struct signature *signature)
{
    return signature->due ? signature->exchange.key : TSIG_NO_KEY;
}
