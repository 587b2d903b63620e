/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Challenges of ACME's DNS-01 (RFC 8555 section 8.4): TXT records of names "_acme-challenge.…" that are there
 * for minutes, beside the zones and not in them. They answer inside a zone that is served, where the zone has
 * neither a delegation, a DNAME nor a CNAME in their way; there they wait. A TXT RRset of the zone at the
 * name is answered together with them, a wildcard gives way to them. Names above them exist (RFC 8020), but
 * a wildcard goes on standing for those: what it serves must not go for the time of a challenge.
 *
 * TTL 0 (RFC 1035 section 3.2.1): a certificate for a name and one for its wildcard have their challenges at
 * one name, and whoever kept the first would not see the second.
 *
 * A set is immutable. It is published in a slot that DNS threads look into once per batch, and belongs to
 * whoever publishes it until no reader has it any more (view_synchronize()). */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct target;
struct work;
struct zone;

enum { ANSWER_CHALLENGE_LEN = 43 }; /* octets of a value: base64url of a SHA-256 */

/* Those of a name. Borrowed. */
struct answer_challenge {
    const uint8_t *owner; /* wire, any case */
    const char *const *values;
    size_t value_count; /* at least 1; each has ANSWER_CHALLENGE_LEN octets */
};

struct answer_challenges;

/* Where the set is; NULL: nobody has set any. */
struct answer_challenge_slot {
    _Atomic(const struct answer_challenges *) current;
};

static inline const struct answer_challenges *answer_read_challenges(const struct answer_challenge_slot *slot)
{
    return slot == NULL ? NULL : atomic_load_explicit(&slot->current, memory_order_acquire);
}

/* Of names that differ. Everything is copied. Returns owned, NULL for none. */
struct answer_challenges *answer_challenges_new(const struct answer_challenge *list, size_t count);
/* For who reads it without being a DNS thread. Any thread; NULL is fine. */
const struct answer_challenges *answer_challenges_hold(const struct answer_challenges *challenges);
void answer_challenges_release(const struct answer_challenges *challenges); /* frees with the last holder */
/* How many values a name (wire, any case) has. */
size_t answer_challenges_count(const struct answer_challenges *challenges, const uint8_t *name);

/* ---- for answer_query() ---- */

/* The answer for a name of the zone, if it is one with challenges or above one. False: nothing was done. For
 * contexts that have challenges. */
bool challenge_answer(struct work *w, const struct zone *zone, struct target target);
