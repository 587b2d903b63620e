/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One query on its way through answer.c and steered.h. Private to these. */
#pragma once

#include "answer/answer.h"
#include "answer/reply.h"
#include "answer/signature.h"
#include "dns/query.h"

/* Everything about one query while it is answered. */
struct work {
    const struct answer_context *context;
    const struct answer_request *request;
    struct dns_query query;
    struct reply reply;
    uint8_t scope;      /* ECS */
    uint32_t ttl_limit; /* of a steered name's static records or negative answer; set with that outcome */
    bool steered, fallback;
    bool is_signed; /* the reply ends in a TSIG record */
    struct tsig_exchange signature;
};

/* What became of an RRset. */
enum outcome { DONE, EMPTY, FULL, FAILED, USE_STATIC };
