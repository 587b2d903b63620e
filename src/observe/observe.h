/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A population of small caching resolvers and of clients, of real sockets, for as long as a loss lasts: each
 * resolver has a cache of its own and asks again when an answer has run out; which of the addresses that they
 * have fail is known, or found out by real requests. Runs in its caller's thread until it is over: it belongs
 * to a program of its own, and not to the server that it observes. Bounded: questions and requests per
 * second, and those under way. */
#pragma once

#include "base/addr.h"
#include "dns/types.h"
#include "observe/tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OBSERVE_CACHES_MAX = 20000, /* resolvers × names */
    OBSERVE_NAMES_MAX = 16,
    OBSERVE_SERVERS_MAX = 16,
    OBSERVE_FOR_MAX_MS = 24 * 3600 * 1000,
};

struct observe_name {
    uint8_t wire[DNS_NAME_MAX];
    uint16_t type; /* A or AAAA */
};

/* Plain data; borrows what it points to. */
struct observe_plan {
    const struct observe_name *names;
    size_t name_count;
    const struct addr_port *servers; /* who is asked: by turns, and the next one if one does not answer */
    size_t server_count;
    uint32_t resolvers;
    int64_t duration_ms;
    const struct addr_prefix *sources; /* addresses of resolvers, by turns; none: on loopback one each */
    size_t source_count;
    const struct addr_prefix *subnets; /* they say that their clients are there, by turns */
    size_t subnet_count;
    uint32_t ttl_s;          /* for answers that say 0, as those to clients of drills do */
    const struct addr *lost; /* these fail, … */
    size_t lost_count;
    int64_t lost_at_ms;           /* … from this time on: 0 or more */
    uint16_t port;                /* or: requests go there, and it is seen what fails; 0: none do */
    const char *path;             /* by HTTP; NULL: a connection is enough */
    int64_t patience_ms;          /* of clients */
    const volatile bool *is_over; /* NULL, or: end when this is true */
    /* NULL, or: it is over, and what failed is noted now (tally_note_service()), and until when of it all
     * counts (ms since it began, not more than now). began_us: when it did, as clock_now_us() has it. */
    void (*settle)(void *context, struct tally *tally, int64_t began_us, int64_t *duration_ms);
    void (*meanwhile)(void *context); /* NULL, or: called every few ms until then, for moments */
    void *context;                    /* of both */
};

struct observe_report {
    int64_t started_ms; /* wall time */
    int64_t duration_ms;
    uint64_t questions, retries, unanswered, by_tcp; /* unanswered: after all tries */
    uint64_t requests, requests_failed;
    int64_t late_ms; /* how late the latest question was asked that was due: the harness is to be trusted if
                        it is little */
    bool is_cut;     /* there was more than can be noted */
    struct tally_sum sum;
};

/* Has this machine the address that the first resolver of the prefix would have? */
bool observe_has_source(const struct addr_prefix *prefix);
/* Fills the report (owned: observe_fini()). */
void observe_run(const struct observe_plan *plan, struct observe_report *report);
void observe_fini(struct observe_report *report);
