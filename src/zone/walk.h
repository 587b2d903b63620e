/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Every record of a loaded zone, for dumps and transfers: what is served, put back into records with whole
 * names. Allocates; not for the data path. */
#pragma once

#include "zone/reader.h"
#include "zone/zone.h"

struct zone_visitor {
    void *context;
    /* A static record; everything is borrowed for the call, file and place are empty, the owner is lower
     * case. Non-zero ends the walk with that code. */
    int (*record)(void *context, const struct zone_record *record);
    /* A steered RRset, at whose block is a struct zone_steered; before the static RRset of its type. May be
     * NULL. */
    int (*steered)(void *context, const uint8_t *owner, const struct zone_rrset *rrset);
};

/* The records of a member of a steered RRset; an address is given also where the member has none (all zero).
 */
int zone_walk_member(const struct zone *zone, const uint8_t *owner, const struct zone_rrset *rrset,
                     unsigned member, const struct zone_sink *sink);

/* The records of a static RRset of this owner. */
int zone_walk_rrset(const struct zone *zone, const uint8_t *owner, const struct zone_rrset *rrset,
                    const struct zone_sink *sink);

/* The SOA first, then all other records in the canonical order of their owners (RFC 4034 section 6.1), of one
 * owner by type, of one RRset in the order of the file. Not for failed zones. Returns 0 or the visitor's
 * code. */
int zone_walk(const struct zone *zone, const struct zone_visitor *visitor);
