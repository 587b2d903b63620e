/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A small view made from zone texts and a health machine, and a resolver's look at the replies: for tests of
 * answer and for its fuzzer. */
#pragma once

#include "answer/answer.h"
#include "conf/server.h"
#include "health/health.h"
#include "zone/zone.h"

struct fixture_listed;

struct fixture {
    const struct fixture_listed *listed; /* in the first zone */
    size_t listed_count;
    uint32_t listed_policies[32];
    struct view view;
    struct conf_server server;
    struct steer_cache *cache;
    struct random random;
    struct answer_counters counters;
    struct answer_aside aside; /* what the context has of it, once a test says so */
    struct answer_context context;
};

/* Endpoints a1 a2 (region 0, az 0 and 1), b1 (region 1, az 2); policy 0: tiers [[a1 a2], [b1]], fallback
 * static. Zones are texts; steered: "www" of the first zone is steered by policy 0 (A 192.0.2.1, .2, .3; AAAA
 * of b1 only). */
void fixture_init(struct fixture *f, const char *const *origins, const char *const *texts, size_t zones);
/* One zone, RRsets rotate. */
void fixture_init_rotating(struct fixture *f, const char *origin, const char *text);
/* A steered RRset of any rdata in the first zone, with a policy of its own: members and tiers like those of
 * policy 0. */
struct fixture_listed {
    const char *owner; /* relative to the zone */
    uint16_t type;
    enum steer_pick pick;
    uint16_t answers; /* 0: 1 */
    enum steer_fallback fallback;
    /* What a1, a2 and b1 have, separated by "; ": rdata, or "CNAME name" in the place of others. NULL: none.
     */
    const char *members[3];
};
/* listed ends with an owner of NULL. */
void fixture_init_listed(struct fixture *f, const char *const *origins, const char *const *texts,
                         size_t zones, const struct fixture_listed *listed);
void fixture_fini(struct fixture *f);

/* Make a query in wire form; flags as a number, edns_size 0: no OPT. Returns its length. */
size_t fixture_query(uint8_t *to, const char *name, uint16_t type, unsigned flags, unsigned edns_size);
/* Ask, and write the reply as text: "RCODE flags; answer: owner ttl type rdata | …; authority: …; additional:
 * …". */
const char *fixture_ask(struct fixture *f, const char *name, uint16_t type, enum answer_transport transport,
                        unsigned edns_size);
/* What comes is held to fixture_check(). */
size_t fixture_ask_bytes(struct fixture *f, const uint8_t *query, size_t len, enum answer_transport transport,
                         uint8_t *out, size_t cap);
/* To count instructions. */
size_t fixture_ask_unchecked(struct fixture *f, const uint8_t *query, size_t len,
                             enum answer_transport transport, uint8_t *out, size_t cap);
/* Fails unless a strict reader (strict.h) finds no fault with a message. */
void fixture_check(const uint8_t *bytes, size_t len);
