/* SPDX-License-Identifier: BSD-3-Clause
 *
 * TSIG of queries: see signature.h. */
#include "config.h"

#include "answer/signature.h"

#include "answer/edns.h"
#include "transfer/transfer.h"

static enum answer_counter counter_of(const struct tsig_exchange *exchange)
{
    switch (exchange->error) {
    case 0: return ANSWER_COUNT_TSIG_GOOD;
    case DNS_TSIG_BADKEY: return ANSWER_COUNT_TSIG_BADKEY;
    case DNS_TSIG_BADTIME: return ANSWER_COUNT_TSIG_BADTIME;
    default: return ANSWER_COUNT_TSIG_BADSIG;
    }
}

/* Room for the record; false: there is none, whatever is left out. */
static bool set_room_aside(const struct answer_context *context, const struct answer_request *request,
                           struct dns_query *query, struct reply *reply, size_t size)
{
    size_t opt = query->has_edns ? edns_len(context, request, query) : 0, room = reply->limit - reply->at;
    if (size > room + opt) {
        return false;
    }
    if (size > room) { /* what proves the reply matters more */
        query->has_edns = false;
        reply->limit += opt;
        reply->rcode = reply->rcode > 15 ? DNS_RCODE_FORMERR : reply->rcode;
    }
    reply->limit -= size;
    return true;
}

bool signature_take(const struct answer_context *context, const struct answer_request *request,
                    struct dns_query *query, struct reply *reply, struct tsig_exchange *exchange)
{
    const struct tsig_message message = {request->bytes, request->len, query->tsig_at};
    enum tsig_result result = tsig_judge_request(exchange, context->view->keys, &message, context->now_s);
    if (result == TSIG_MALFORMED ||
        !set_room_aside(context, request, query, reply, tsig_reply_size(exchange))) {
        reply->rcode = DNS_RCODE_FORMERR;
        return false;
    }
    answer_count(context->counters, counter_of(exchange));
    if (result == TSIG_REJECTED) {
        reply->rcode = DNS_RCODE_NOTAUTH;
    }
    return true;
}

size_t signature_put(const struct answer_context *context, const struct answer_request *request,
                     struct reply *reply, struct tsig_exchange *exchange)
{
    size_t cap = reply->at + tsig_reply_size(exchange);
    reply->at = tsig_sign_reply(exchange, reply->out, reply->at, cap, context->now_s);
    if (request->transfer != NULL && transfer_is_held(request->transfer)) {
        transfer_sign(request->transfer, context->view->keys, exchange);
    }
    return reply->at;
}
