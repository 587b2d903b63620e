/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What RRsets bring into the additional section (ZONE_RRSET_ADDITIONAL). Off the usual way: never in line.
 * Private to answer. */
#pragma once

#include "answer/work.h"
#include "zone/zone.h"

/* What an RRset that was added last, at `place`, brings along. Returns false if a referral cannot do without
 * what does not fit. */
bool additional_add(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                    struct reply_place place);
/* A static RRset that rotates, or brings something along on which the answer does not depend: itself and
 * that. */
void additional_add_answer(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                           struct reply_place place);
