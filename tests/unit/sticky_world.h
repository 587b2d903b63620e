/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A sticky policy of any tiers, groups and weights over a health table that tests write, and thousands of
 * client subnets that are counted: who answers each, who moved, and who moved although the member that it had
 * stayed. */
#pragma once

#include "unit.h"

#include "steer/steer.h"

enum { STICKY_MEMBERS = 4096, STICKY_CLIENTS = 20000, STICKY_TIERS = 4, STICKY_NOBODY = 0xffff };
enum { STICKY_NOW_MS = 1000000000 }; /* at the beginning */

/* A group of members alike; those of a tier follow each other. */
struct sticky_group {
    uint16_t tier, count, weight;
    double share; /* of the tier; 0: what the others leave; those of a tier are one group */
};

struct sticky_plan {
    struct sticky_group groups[8]; /* up to the first without members */
    double spill_below, trickle;   /* of every tier; the trickle: of all but the first */
    bool spread;
    enum steer_fallback fallback;
    uint32_t hold_ms;
    uint16_t answers; /* 0: 1 */
    uint16_t skip;    /* not 0: this endpoint is left out, and the others keep their numbers */
};

struct sticky_world {
    _Atomic uint32_t endpoints[STICKY_MEMBERS], azs[1], regions[1];
    struct health_outage endpoints_outage[STICKY_MEMBERS][HEALTH_VIEWS], azs_outage[1], regions_outage[1];
    struct health_table table;
    struct steer_place places[STICKY_MEMBERS];
    struct steer_set *set;
    struct steer_cache *cache;
    const struct steer_policy *policy;
    uint16_t count;
    uint64_t now_ms;
};

/* Endpoint n has number n in the order of the groups. */
struct sticky_world *sticky_world_new(const struct sticky_plan *plan);
/* Another policy over the same endpoints. */
void sticky_world_plan(struct sticky_world *w, const struct sticky_plan *plan);
void sticky_world_free(struct sticky_world *w);
void sticky_world_set(struct sticky_world *w, size_t endpoint, uint32_t word);
struct steer_choice *sticky_world_choose(struct sticky_world *w);
/* Client number n is a host in a /24 of its own. */
uint64_t sticky_world_key(const struct sticky_world *w, uint32_t n);
/* The endpoint of each client's first answer, or STICKY_NOBODY. */
void sticky_world_map(struct sticky_world *w, uint16_t map[STICKY_CLIENTS]);

/* Shares of all clients: of those that one endpoint has; that are elsewhere than before; that are elsewhere
 * although they were not on `lost`. */
double sticky_share(const uint16_t *map, uint16_t endpoint);
double sticky_moved(const uint16_t *before, const uint16_t *after);
double sticky_needless(const uint16_t *before, const uint16_t *after, uint16_t lost);
