/* SPDX-License-Identifier: BSD-3-Clause
 *
 * All databases as one, reduced to what rules need. */
#pragma once

#include "geo/facts.h"
#include "geo/geo.h"
#include "geo/pool.h"
#include "geo/trie.h"

struct geo_joint {
    unsigned needs;
    struct geo_trie networks; /* leaves: numbers of facts */
    uint32_t root_v4, root_v6;
    struct geo_pool facts, texts; /* texts are spelled as in the databases */
    struct geo_joint *next;
};

/* What was joined for the same needs before, else joined now; lives as long as the atlas. */
const struct geo_joint *geo_atlas_join(struct geo_atlas *atlas, unsigned needs);
const struct report *geo_atlas_report(const struct geo_atlas *atlas);
