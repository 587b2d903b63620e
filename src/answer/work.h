/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One query while it is answered. Private to answer. */
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
    uint8_t scope; /* ECS */
    bool steered, fallback;
    bool is_signed; /* the reply ends in a TSIG record */
    struct tsig_exchange signature;
};
