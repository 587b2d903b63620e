/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills on the server that serves: queries of drill clients are answered from another view, that of the
 * drill (the same content with health of its own), and counted there. A client is told by a key that signs
 * the query, by its client subnet (RFC 7871), by where the query comes from, or by where it comes in, in this
 * order. What drill clients get carries TTL 0 and, if it was the subnet that told, a scope that is no wider
 * than the drill's prefix: so no resolver carries it to others. Transfers, and classes other than IN, are
 * never the drill's.
 *
 * A live drill is seen by a share of all clients instead, whoever is in no other one: what they get is as it
 * would be if the loss were real, TTLs and scopes included, and counts, limits and taps take them for what
 * they are, clients of production. Who belongs to the share is told by a hash of the prefix of the client
 * (its subnet, or else where the query comes from): the same ones every time, and those of a smaller share
 * are among those of a larger one.
 *
 * A set is immutable. It is published in a slot that DNS threads look into once per batch, and belongs to
 * whoever publishes it until no reader has it any more (view_synchronize()). */
#pragma once

#include "answer/counter.h"
#include "answer/request.h"
#include "base/addr.h"
#include "dns/query.h"

#include <endian.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { ANSWER_SHADOWS_MAX = 8, ANSWER_SHADOW_PREFIXES_MAX = 32, ANSWER_LISTENERS_MAX = 64 };

/* Who belongs to a drill. Borrowed. */
struct answer_clients {
    const struct addr_prefix *sources, *subnets;
    size_t source_count, subnet_count; /* up to ANSWER_SHADOW_PREFIXES_MAX each */
    const uint8_t *key;                /* the name of a key, lower case wire; NULL: none */
    size_t key_len;
    uint64_t listeners; /* a bit for each number of struct answer_request, below ANSWER_LISTENERS_MAX */
};

/* A drill, as DNS threads see it. Borrowed by the set; everything has to live as long as it is read. */
struct answer_shadow {
    const struct view *view;          /* with a cache for each DNS thread */
    struct answer_counters *counters; /* of each DNS thread; written by it only */
    struct answer_clients clients;
    bool is_live;   /* it has no such clients, but a share of all: */
    uint64_t below; /* so many of 2^32, above 0; read when a set is made only */
    /* Nobody sees it from the moment that any thread says so, whatever set it is in. */
    _Atomic bool is_over;
};

#define ANSWER_SHARE_ALL (UINT64_C(1) << 32)

/* The beginning of a set: what tells most queries of others, in a dozen instructions. A bit for each twelve
 * bits that addresses of clients may begin with (of IPv6 a hash of 32). */
enum { SHADOW_GATE_BITS = 1 << 12 };
struct shadow_gate {
    bool has_subnets, has_keys;
    uint64_t live_below; /* 0: there is no live drill */
    uint64_t open;       /* by listener: whoever asks there has to be looked at */
    uint64_t v4[SHADOW_GATE_BITS / 64], v6[SHADOW_GATE_BITS / 64];
};

struct answer_shadows;

/* Where the set is; NULL: there is no drill. */
struct answer_shadow_slot {
    _Atomic(const struct answer_shadows *) current;
};

static inline const struct answer_shadows *answer_read_shadows(const struct answer_shadow_slot *slot)
{
    return slot == NULL ? NULL : atomic_load_explicit(&slot->current, memory_order_acquire);
}

/* Of drills that have no clients in common, up to ANSWER_SHADOWS_MAX, of which one may be live. Returns
 * owned: free(). NULL for none. */
struct answer_shadows *answer_shadows_new(const struct answer_shadow *const *drills, size_t count);
/* Is there an address, subnet, key or listener that both have? */
bool answer_clients_overlap(const struct answer_clients *a, const struct answer_clients *b);
/* Where in 0..2^32-1 a client is: it sees a live drill that is below. By /24 or /48, or what is known of it.
 */
uint32_t answer_find_share(const struct addr *addr, unsigned len);

/* ---- for answer_query() and who samples what it says ---- */

static inline uint32_t shadow_hash_v4(uint32_t address) /* network order */
{
    return be32toh(address) >> 20;
}

static inline uint32_t shadow_hash_v6(uint32_t first) /* 32 bits of it, likewise */
{
    return (first ^ first >> 12 ^ first >> 20) % SHADOW_GATE_BITS;
}

static inline bool shadow_has_bit(const uint64_t *bits, uint32_t at)
{
    return (bits[at / 64] >> (at % 64) & 1) != 0;
}

/* False: the query is no drill's. */
static inline bool shadow_passes(const struct answer_shadows *shadows, const struct answer_request *request,
                                 const struct dns_query *query)
{
    const struct shadow_gate *gate = (const struct shadow_gate *)(const void *)shadows;
    uint32_t address;
    if ((query->has_ecs && gate->has_subnets) ||
        (gate->open >> request->listener % ANSWER_LISTENERS_MAX & 1) != 0 ||
        ((query->options & DNS_QUERY_TSIG) != 0 && gate->has_keys)) {
        return true;
    }
    if (request->client == NULL) {
        return false;
    }
    if (request->client->sa_family == AF_INET) {
        memcpy(&address, (const uint8_t *)request->client + offsetof(struct sockaddr_in, sin_addr), 4);
        return shadow_has_bit(gate->v4, shadow_hash_v4(address));
    }
    memcpy(&address, (const uint8_t *)request->client + offsetof(struct sockaddr_in6, sin6_addr), 4);
    return shadow_has_bit(gate->v6, shadow_hash_v6(address));
}

/* The drill that a well-formed query belongs to, or NULL: none. *scope: how wide its answer may be at the
 * least; 0: that does not matter. A few steps, whatever the number of prefixes. */
const struct answer_shadow *shadow_find(const struct answer_shadows *shadows,
                                        const struct answer_request *request, const struct dns_query *query,
                                        uint8_t *scope);
/* The context for a query of the drill, with nothing aside; of a live one all else but the health is
 * production's. */
struct answer_context shadow_enter(const struct answer_context *context, const struct answer_shadow *shadow,
                                   uint8_t scope);
/* No record of the finished reply may be kept, and its client subnet is good for no more than that. */
void shadow_blank(uint8_t *reply, size_t len, uint8_t scope);
