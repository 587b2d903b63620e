/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which sites are nearest to a place, by great circle; and the classes that this makes. */
#pragma once

#include "geo/geo.h"
#include "geo/pool.h"

struct geo_sites; /* of all lists of a plan */

struct geo_sites *geo_sites_new(const struct geo_plan *plan);
void geo_sites_free(struct geo_sites *sites);

/* The class of clients at a place; location NULL: nobody knows where. 0 if the list has more classes than it
 * may: then geo_sites_shorten() and begin again. */
uint16_t geo_sites_find(struct geo_sites *sites, uint32_t list, const struct geo_site *location);
/* Were there lists with too many classes? Those tell one site less apart from now on, and all classes are
 * forgotten. */
bool geo_sites_shorten(struct geo_sites *sites);

/* The orders that were met, as classes are numbered; in the arena. */
size_t geo_sites_list(const struct geo_sites *sites, struct arena *arena, const struct geo_order **orders);
unsigned geo_sites_count(const struct geo_sites *sites, uint32_t list); /* how many nearest ones */
