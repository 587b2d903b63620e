/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Drills on the server that serves: queries of drill clients are answered from another view, that of the
 * drill (the same content with health of its own), and counted there. A client is told by a key that signs
 * the query, by its client subnet (RFC 7871), or by where the query comes from, in this order. What drill
 * clients get carries TTL 0 and, if it was the subnet that told, a scope that is no wider than the drill's
 * prefix: so no resolver carries it to others. Transfers, and classes other than IN, are never the drill's.
 *
 * A set is immutable. It is published in a slot that DNS threads look into once per batch, and belongs to
 * whoever publishes it until no reader has it any more (view_synchronize()). */
#pragma once

#include "answer/counter.h"
#include "answer/request.h"
#include "base/addr.h"
#include "dns/query.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_SHADOWS_MAX = 8, ANSWER_SHADOW_PREFIXES_MAX = 32 };

/* Who belongs to a drill. Borrowed. */
struct answer_clients {
    const struct addr_prefix *sources, *subnets;
    size_t source_count, subnet_count; /* up to ANSWER_SHADOW_PREFIXES_MAX each */
    const uint8_t *key;                /* the name of a key, lower case wire; NULL: none */
    size_t key_len;
};

/* A drill, as DNS threads see it. Borrowed by the set; everything has to live as long as it is read. */
struct answer_shadow {
    const struct view *view;          /* with a cache for each DNS thread */
    struct answer_counters *counters; /* of each DNS thread; written by it only */
    struct answer_clients clients;
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

/* Of drills that have no clients in common, up to ANSWER_SHADOWS_MAX. Returns owned: free(). NULL for none.
 */
struct answer_shadows *answer_shadows_new(const struct answer_shadow *const *drills, size_t count);
/* Is there an address, subnet or key that both have? */
bool answer_clients_overlap(const struct answer_clients *a, const struct answer_clients *b);

/* ---- for answer_query() and who samples what it says ---- */

/* The drill that a well-formed query belongs to, or NULL: none. *scope: how wide its answer may be at the
 * least; 0: that does not matter. A few steps, whatever the number of prefixes. */
const struct answer_shadow *shadow_find(const struct answer_shadows *shadows,
                                        const struct answer_request *request, const struct dns_query *query,
                                        uint8_t *scope);
/* The context for a query of the drill. */
struct answer_context shadow_enter(const struct answer_context *context, const struct answer_shadow *shadow,
                                   uint8_t scope);
/* No record of the finished reply may be kept, and its client subnet is good for no more than that. */
void shadow_blank(uint8_t *reply, size_t len, uint8_t scope);
