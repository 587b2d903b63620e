/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a recovery has to reach (conf/topology.h), of names with a member in what is lost or moved. What is
 * said of a name counts for it, else what is said of all. Pure. */
#pragma once

#include "base/arena.h"
#include "health/lag.h"
#include "view/view.h"

struct objectives_names {
    size_t with;       /* names that have an objective of their own */
    size_t late;       /* whose recovery takes longer than their own RTO */
    size_t fixed;      /* that may not be moved */
    const char *worst; /* the first one that is late; borrowed; NULL: none */
    const char *first_fixed;
};

/* decision_ms: from the loss, or the order, until answers have moved; TTLs are added to that. */
void objectives_count(const struct view *view, const bool *touched, int64_t decision_ms,
                      struct objectives_names *names);
/* The least RTO of all, and of pairs that begin in this region (and end in `to`, unless that is NULL), ms; 0:
 * there is none. A pair's own takes the place of that of all: *pair (may be NULL) is that, or NULL. */
uint32_t objectives_find_rto(const struct conf_topology *topology, const char *from, const char *to,
                             const struct conf_objective **pair);
/* Is that objective of a pair that begins in this region, and ends in `to`, unless that is NULL? */
bool objectives_is_pair(const struct conf_topology *topology, size_t index, const char *from, const char *to);

/* An order that takes traffic off; all borrowed. */
struct objectives_order {
    const struct view *view;
    const bool *inside;       /* endpoints that it is taken off */
    const bool *touched;      /* policies with a member there */
    const char *const *froms; /* regions that are left as a whole; "": something else is */
    size_t from_count;
    const char *to; /* the region or az where it is to go; NULL: wherever steering leads */
    uint32_t ttl_s; /* the largest of the names that move */
    const struct health_lag_status *copies; /* of the data, to where they would be needed */
    size_t copy_count;
};
/* Which objective it would miss, in words; NULL: none. */
const char *objectives_find_missed(const struct objectives_order *order, struct arena *arena);
