/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Steered addresses of members some of which are host names (ZONE_RRSET_HOSTS). Private to answer. */
#pragma once

#include "answer/pick.h"

/* The addresses of members that the choice gives. Returns false if they do not fit. */
bool hosts_add(struct work *w, const struct zone *zone, const struct zone_rrset *rrset,
               struct steer_choice *choice, uint16_t owner);
