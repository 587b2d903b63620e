/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who wants to know of answers: what answer_query() tells of each when the view says that somebody does
 * (VIEW_GUARD_TAP) and the DNS thread has somebody to tell. When nobody does it costs nothing: who looks at
 * guards anyway looks at this as well. */
#pragma once

#include "answer/request.h"
#include "base/addr.h"
#include "dns/query.h"
#include "steer/steer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_NO_MEMBER = UINT16_MAX };

/* A query and its answer, as they are when the answer is about to leave. Everything is borrowed for the call.
 */
struct answer_seen {
    const struct answer_context *context;
    const struct answer_request *request;
    const struct dns_query *query; /* parsed as far as it is well-formed */
    const uint8_t *reply;
    size_t reply_len; /* 0: no answer leaves */
    uint16_t rcode;   /* with the bits of EDNS */
    size_t apex_len; /* of the zone that answers: so many octets at the end of the question's name; 0: none */
    /* Steering; policy NULL: it had no part in the answer. */
    const struct steer_policy *policy;
    const struct steer_choice *choice;
    uint16_t class_id;
    const uint16_t *members; /* of the policy: who is in the answer */
    size_t member_count;
    unsigned drawn; /* what draw() said */
};

/* Of one DNS thread, which calls it. */
struct answer_tap {
    /* Neither allocates nor waits. Is this one wanted? Called once for each; 0: it is not. */
    unsigned (*draw)(struct answer_tap *tap, const struct answer_request *request);
    void (*tell)(struct answer_tap *tap, const struct answer_seen *seen);
    const struct addr_port *local; /* where this batch of queries came in; of the thread */
};
