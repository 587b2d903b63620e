/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What an RRset brings along into the additional section (RFC 1034 section 4.3.2): the records that were
 * rendered with it, and the addresses of steered names as they are chosen now. Private to answer. */
#pragma once

#include "answer/listed.h"

/* Whole RRsets, as far as they fit, for an RRset with ZONE_RRSET_ADDITIONAL whose block stands at block_at of
 * the reply, wherever that is. Returns false, and writes nothing, if those that a referral cannot do without
 * do not fit. */
bool additional_add(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                    struct reply_place place, uint16_t block_at);

/* A static RRset that rotates, or brings something along on which the answer does not depend. */
void additional_add_static(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                           struct reply_place place);
/* What RRSET_LISTED stands for, with what it brings along. */
enum rrset_outcome additional_add_listed(struct work *w, const struct zone *zone,
                                         const struct zone_node *node, const struct zone_rrset *rrset,
                                         struct reply_place place);
