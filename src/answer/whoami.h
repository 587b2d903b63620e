/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Names that tell who asks (ZONE_RRSET_WHOAMI): the resolver, the client subnet that it gives, and the class
 * that this client has of a steered name. Private to answer. */
#pragma once

#include "answer/work.h"

/* The records for the type of the RRset, or what says that there are none. Returns false if they do not fit.
 */
bool whoami_put(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
                struct reply_place place);
