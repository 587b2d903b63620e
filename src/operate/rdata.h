/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a member of a steered RRset answers with, as text. Internal to the folder. */
#pragma once

#include "base/arena.h"
#include "zone/zone.h"

struct rdata_place {
    const struct zone *zone;
    const struct zone_rrset *rrset;
    const uint8_t *owner; /* wire */
};

/* The rdata in presentation form, in the arena; the member has records. */
const char **rdata_list(const struct rdata_place *place, unsigned member, struct arena *arena, size_t *count);
