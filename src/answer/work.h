/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Everything about one query while it is answered, for the files that answer.c is made of. Private to answer.
 */
#pragma once

#include "answer/answer.h"
#include "answer/reply.h"
#include "answer/signature.h"
#include "dns/query.h"
#include "zone/zone.h"

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

/* The name that is being looked up, and where it stands in the message. */
struct target {
    const struct dns_key *key;
    uint16_t name_at;
    uint16_t apex_at; /* of the zone in hand */
};

/* What answers for a name returns where in the reply the name stands that the answer leads to, or 0. */
enum { WORK_NOWHERE = 0 };

static inline void work_truncate(struct work *w)
{
    w->reply.truncated = true;
}
