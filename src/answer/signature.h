/* SPDX-License-Identifier: BSD-3-Clause
 *
 * TSIG of queries and replies (RFC 8945): who signed a query, whether it is to be answered, and the signature
 * of what answers it. Private to answer. */
#pragma once

#include "answer/reply.h"
#include "answer/request.h"
#include "dns/query.h"
#include "tsig/tsig.h"

/* Judge a query with DNS_QUERY_TSIG and set room for the reply's record aside: OPT goes where both do not
 * fit. Where the query is not to be answered the rcode says why. Returns whether the reply ends in a record.
 */
bool signature_take(const struct answer_context *context, const struct answer_request *request,
                    struct dns_query *query, struct reply *reply, struct tsig_exchange *exchange);
/* Append the record to the finished reply; what a transfer that it begins needs of it is kept there. Returns
 * the length of the whole. */
size_t signature_put(const struct answer_context *context, const struct answer_request *request,
                     struct reply *reply, struct tsig_exchange *exchange);
