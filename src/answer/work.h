/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Everything about one query while it is answered, for the files that answer.c is made of. Private to answer.
 */
#pragma once

#include "answer/reply.h"
#include "answer/request.h"
#include "answer/signature.h"
#include "answer/tap.h"
#include "dns/query.h"
#include "steer/steer.h"
#include "zone/zone.h"

/* Of the steered RRset that answers, or stands in the way of an answer. */
struct work_chosen {
    struct steer_choice *choice;
    uint16_t member;       /* that was drawn alone; ANSWER_NO_MEMBER: */
    uint16_t member_count; /* so many of work->members; with VIEW_GUARD_TAP only */
};

struct work {
    const struct answer_context *context;
    const struct answer_request *request;
    struct dns_query query;
    struct reply reply;
    uint8_t scope;       /* ECS */
    uint8_t alias_scope; /* of the steered CNAMEs that led here */
    uint8_t mark;        /* an enum answer_mark */
    bool is_signed;      /* the reply ends in a TSIG record */
    uint32_t ttl_limit;  /* of a steered name's static records or negative answer; set with that outcome */
    struct work_chosen chosen; /* with ANSWER_STEERED */
    struct tsig_exchange signature;
    uint16_t members[STEER_ANSWERS_MAX]; /* of chosen */
};

/* The name that is being looked up, and where it stands in the message. */
struct target {
    const struct dns_key *key;
    uint16_t name_at;
};

/* What answers for a name returns where in the reply the name stands that the answer leads to, or 0. */
enum { WORK_NOWHERE = 0 };

/* Where the apex of the zone in hand stands. */
static inline uint16_t work_find_apex(const struct work *w, const struct zone *zone, struct target target)
{
    size_t below = (size_t)target.key->len - zone->apex_len;
    return target.name_at == REPLY_QUESTION_AT ? (uint16_t)(REPLY_QUESTION_AT + below)
                                               : reply_find_suffix(&w->reply, target.name_at, below);
}

static inline void work_truncate(struct work *w)
{
    w->reply.truncated = true;
}
