/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a recovery has to reach (conf/topology.h), of names with a member in what is lost or moved. What is
 * said of a name counts for it, else what is said of all. Pure. */
#pragma once

#include "base/arena.h"
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
 * there is none. A pair's own takes the place of that of all. */
uint32_t objectives_find_rto(const struct conf_topology *topology, const char *from, const char *to);
/* Is a switchover from there to there not wanted? */
bool objectives_forbid(const struct conf_topology *topology, const char *from, const char *to);
/* Of the capacity of all endpoints the part of those that may be chosen and are not inside, 0..1; -1: there
 * is none. By number where no endpoint has a capacity. */
double objectives_find_left(const struct view *view, const bool *inside);
