/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where the members of a name are: for tiers by distance. */
#pragma once

#include "base/arena.h"
#include "conf/doc.h"
#include "conf/policy.h"

enum { SITES_MAX = 1024 };

struct sites_source {
    const struct conf_topology *topology;
    const struct conf_member *members; /* ascending by endpoint */
    size_t count;
};

/* One item per distinct location, in the order of the topology, with the members that are there. The location
 * of an endpoint is its own, else that of its az, else that of its region. Members without any are an error
 * at the node. */
void sites_gather(const struct sites_source *source, const struct doc_node *node, struct arena *arena,
                  struct conf_tiers *tiers);
