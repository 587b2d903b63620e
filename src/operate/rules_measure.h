/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What rules go by: who serves, counted on the words of a table. Private to src/operate. */
#pragma once

#include "conf/topology.h"
#include "health/health.h"

struct measure {
    bool *regions, *azs;                           /* of each: does it serve? */
    size_t region_count, az_count, endpoint_count; /* that serve */
    uint64_t capacity;                             /* of those endpoints */
};

void measure_init(struct measure *measure, const struct conf_topology *topology);
void measure_fini(struct measure *measure);
void measure_take(struct measure *measure, const struct conf_topology *topology,
                  const struct health_table *table);
bool measure_serves(const struct measure *measure, const struct conf_topology *topology,
                    const struct health_table *table, const struct conf_place *place);
