/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Two versions of one zone: their names side by side, and is an RRset the same? Whoever compares whole zones
 * asks that of each, so what did not change costs a memcmp. */
#pragma once

#include "zone/zone.h"

enum zone_difference {
    ZONE_SAME,
    ZONE_OTHER_TTL,  /* and the same records, in whatever order */
    ZONE_OTHER_DATA, /* the serial of an SOA is none: it says that something else did change */
};

/* An RRset of a zone, and its node there. */
struct zone_at {
    const struct zone *zone;
    const struct zone_node *node;
    const struct zone_rrset *rrset;
};

/* A walk over the names of two versions of one zone, each name once. Begins with the zones alone. */
struct zone_pairs {
    const struct zone *zone[2];
    size_t slot[2], last; /* last: the slot of zone[0] that was walked last */
};
/* The nodes of the next name, NULL where a version does not have it. false: there are no more. */
bool zone_next_pair(struct zone_pairs *pairs, const struct zone_node *node[2]);

/* Of the same owner and type, both static or both steered: of steered ones the TTL alone is looked at, for
 * who their members are only their policies know. Both zones have the same apex. */
enum zone_difference zone_compare_rrsets(const struct zone_at *before, const struct zone_at *after);

/* Of the first record, or of a steered RRset as a whole; seconds. */
uint32_t zone_get_ttl(const struct zone_at *at);

/* A number of the records that a member of a listed RRset has, in whatever order, without TTL; 0: none. */
uint64_t zone_sum_set(const struct zone *zone, const struct zone_rrset *rrset, unsigned member);
