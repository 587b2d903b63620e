/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What databases know of one address, as facts. */
#pragma once

#include "geo/db.h"

/* Fill the facts, the first database that knows a thing deciding; their texts are numbers of `texts`, spelled
 * as in the database. Returns within how many bits all databases say the same. */
unsigned geo_find_facts(struct geo_db *const *dbs, size_t db_count, const struct addr *addr,
                        struct geo_pool *texts, struct geo_facts *facts);
