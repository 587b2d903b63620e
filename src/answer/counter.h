/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is counted while queries are answered. */
#pragma once

#include "base/count.h"

/* Counted per DNS thread by that thread, read by others. */
enum answer_counter {
    ANSWER_COUNT_QUERIES_UDP,
    ANSWER_COUNT_QUERIES_TCP,
    ANSWER_COUNT_NOERROR,
    ANSWER_COUNT_FORMERR,
    ANSWER_COUNT_SERVFAIL,
    ANSWER_COUNT_NXDOMAIN,
    ANSWER_COUNT_NOTIMP,
    ANSWER_COUNT_REFUSED,
    ANSWER_COUNT_YXDOMAIN,
    ANSWER_COUNT_NOTAUTH,
    ANSWER_COUNT_BADCOOKIE,
    ANSWER_COUNT_BADVERS,
    ANSWER_COUNT_DROPPED,
    ANSWER_COUNT_TRUNCATED,
    ANSWER_COUNT_STEERED,
    ANSWER_COUNT_FALLBACK,
    ANSWER_COUNT_COOKIE_VALID,
    ANSWER_COUNT_COOKIE_INVALID,
    ANSWER_COUNT_COOKIE_NEW,
    ANSWER_COUNT_TSIG_GOOD,
    ANSWER_COUNT_TSIG_BADKEY,
    ANSWER_COUNT_TSIG_BADSIG,
    ANSWER_COUNT_TSIG_BADTIME,
    ANSWER_COUNT_TRANSFER_REFUSED, /* by the zone's list, or because too many go on */
    ANSWER_COUNT_TRANSFER_STARTED, /* the last three by whoever writes the messages */
    ANSWER_COUNT_TRANSFER_FINISHED,
    ANSWER_COUNT_TRANSFER_ABORTED,
    ANSWER_COUNT_FORBIDDEN_LISTENER, /* by access lists: of where it came in, of the zone */
    ANSWER_COUNT_FORBIDDEN_ZONE,
    ANSWER_COUNT_AMPLIFICATION, /* truncated for the sake of it */
    ANSWER_COUNT_RRL_DROPPED,
    ANSWER_COUNT_RRL_SLIPPED,
    ANSWER_COUNT_RRL_POSITIVE, /* over the rate, in the order of enum conf_rrl_kind */
    ANSWER_COUNT_RRL_NODATA,
    ANSWER_COUNT_RRL_NXDOMAIN,
    ANSWER_COUNT_RRL_REFERRAL,
    ANSWER_COUNT_RRL_ERROR,
    ANSWER_COUNT_RRL_ALL,
    ANSWER_COUNTERS
};

/* What a reply is besides its response code. */
enum answer_mark { ANSWER_PLAIN, ANSWER_STEERED, ANSWER_FALLEN_BACK = 3, ANSWER_MARKS }; /* or-ed */
enum { ANSWER_RCODES = ANSWER_COUNT_YXDOMAIN - ANSWER_COUNT_NOERROR + 1 }; /* those that are usual */
enum { ANSWER_RCODE_ROOM = 8 }; /* a power of two finds them faster */

struct answer_counters {
    _Atomic uint64_t values[ANSWER_COUNTERS]; /* but for what is in replies */
    _Atomic uint64_t replies[ANSWER_MARKS][ANSWER_RCODE_ROOM];
} __attribute__((aligned(64)));

const char *answer_counter_text(enum answer_counter counter); /* metric-style name */

/* One writer per thread: a plain add that others may read. */
static inline void answer_count(struct answer_counters *counters, enum answer_counter counter)
{
    count_up64(&counters->values[counter]);
}

static inline uint64_t answer_read_value(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

/* By anybody. */
static inline uint64_t answer_read_counter(const struct answer_counters *counters,
                                           enum answer_counter counter)
{
    uint64_t sum = answer_read_value(&counters->values[counter]);
    if (counter >= ANSWER_COUNT_NOERROR && counter <= ANSWER_COUNT_YXDOMAIN) {
        for (int mark = 0; mark < ANSWER_MARKS; mark++) {
            sum += answer_read_value(&counters->replies[mark][counter - ANSWER_COUNT_NOERROR]);
        }
    }
    for (int rcode = 0; rcode < ANSWER_RCODES; rcode++) {
        sum += counter == ANSWER_COUNT_STEERED ? answer_read_value(&counters->replies[ANSWER_STEERED][rcode])
                                               : 0;
        sum += counter == ANSWER_COUNT_STEERED || counter == ANSWER_COUNT_FALLBACK
                   ? answer_read_value(&counters->replies[ANSWER_FALLEN_BACK][rcode])
                   : 0;
    }
    return sum;
}
