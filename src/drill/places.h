/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Endpoints, named as shortly as it goes: a region of which all are meant is the region. Pure. */
#pragma once

#include "drill/causes.h"

/* Regions, then azs, then endpoints, of which the marked ones are; the arena has them. Returns how many. */
size_t drill_list_places(const struct conf_topology *topology, const bool *is_marked, struct arena *arena,
                         struct drill_loss **places);
const char *drill_place_name(const struct conf_topology *topology, const struct drill_loss *place);

/* Mark each endpoint that anything of these causes may take from clients, or from checks, at any time. */
void drill_mark_concerned(const struct drill_causes *causes, bool *is_marked);
