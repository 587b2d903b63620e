/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How the names that a switchover touches are spread: over TTLs, which is when resolvers will have moved, and
 * over zones. Pure. */
#pragma once

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct view;

enum { SWITCHOVER_TTLS_MAX = 32 };

/* Names whose resolvers have moved so many seconds after the switch, and not with the row before. */
struct switchover_ttl {
    uint32_t ttl_s; /* the largest of them, if there are more TTLs than rows */
    size_t names;
    double rate; /* of their answers, per second; see has_rates */
};

struct switchover_zone {
    const char *zone; /* origin */
    size_t names;
};

struct switchover_spread {
    struct switchover_ttl *ttls; /* the smallest first; up to SWITCHOVER_TTLS_MAX */
    size_t ttl_count;
    struct switchover_zone *zones; /* those with most names, these first */
    size_t zone_count;             /* that are listed */
    size_t zone_total;
    bool has_rates; /* somebody counted */
    double rate;    /* of all that steered names answer, per second */
};

/* touched: by policy, as switchover_mark_policies() has it. In the arena. */
void switchover_find_spread(const struct view *view, const bool *touched, size_t limit, struct arena *arena,
                            struct switchover_spread *spread);
/* The row of a TTL that it has seen. */
struct switchover_ttl *switchover_find_ttl(const struct switchover_spread *spread, uint32_t ttl_s);
/* How many of the latest answers are of these names. */
struct operate_rates;
void switchover_weigh_spread(const struct view *view, const bool *touched, const struct operate_rates *rates,
                             struct switchover_spread *spread);
