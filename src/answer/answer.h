/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Query bytes -> reply bytes (RFC 1034 section 4.3.2, 2181, 2308, 4592, 4892, 6891, 7871, 9018). The one
 * function that UDP, TCP, explain, drills, tests and fuzzers call. It neither allocates nor locks nor logs,
 * and any bytes are acceptable input. */
#pragma once

#include "base/addr.h"
#include "base/random.h"
#include "view/view.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct transfer;

enum answer_transport { ANSWER_UDP, ANSWER_TCP };

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

struct answer_counters {
    _Atomic uint64_t values[ANSWER_COUNTERS];
} __attribute__((aligned(64)));

const char *answer_counter_text(enum answer_counter counter); /* metric-style name */

/* One writer per thread: a plain add that others may read. */
static inline void answer_count(struct answer_counters *counters, enum answer_counter counter)
{
    _Atomic uint64_t *value = &counters->values[counter];
    atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + 1, memory_order_relaxed);
}

struct answer_context {
    const struct view *view;
    const struct health_table *table; /* the view's, or a simulated one */
    struct steer_cache *cache;        /* this thread's */
    struct random *random;
    struct answer_counters *counters;
    uint32_t now_s;  /* wall time, for cookies and holds; read once per batch */
    uint64_t now_us; /* monotonic, for rates; needed with VIEW_GUARD_RATE, read once per batch */
};

struct answer_request {
    const uint8_t *bytes;
    size_t len;
    const struct sockaddr *client; /* for geography and cookies; NULL: unknown */
    enum answer_transport transport;
    const struct acl *allow; /* of the address that it came in on; NULL: everybody */
    uint16_t idle_ds;        /* TCP: how long the connection may idle, in 100 ms (RFC 7828); 0: not said */
    /* TCP: what a granted transfer is kept in, closed when called. If it is open afterwards the reply is the
     * first of several messages: the caller writes the others, and ends it in any case. NULL: no transfer can
     * begin now. */
    struct transfer *transfer;
};

/* Who is behind a number that rates were blamed on (struct limiter_culprit): the prefix, as long as
 * configured.
 */
void answer_read_prefix(uint64_t who, struct addr *prefix);

/* Returns the length of the reply in out (cap >= 512), or 0: no reply is due. in and out must not overlap. */
size_t answer_query(const struct answer_context *context, const struct answer_request *request, uint8_t *out,
                    size_t cap);
