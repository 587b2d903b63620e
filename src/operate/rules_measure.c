/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See rules_measure.h. One walk over four octets per endpoint and its word, az by az. */
#include "config.h"

#include "operate/rules_measure.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void measure_init(struct measure *measure, const struct conf_topology *topology)
{
    *measure = (struct measure){
        .regions = memory_alloc_array(topology->region_count, sizeof *measure->regions),
        .azs = memory_alloc_array(topology->az_count, sizeof *measure->azs),
    };
}

void measure_fini(struct measure *measure)
{
    free(measure->regions);
    free(measure->azs);
}

static uint32_t read_word(const _Atomic uint32_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

void measure_take(struct measure *measure, const struct conf_topology *topology,
                  const struct health_table *table)
{
    const struct conf_rules *rules = &topology->rules;
    measure->region_count = measure->az_count = measure->endpoint_count = 0;
    measure->capacity = 0;
    memset(measure->regions, 0, topology->region_count * sizeof *measure->regions);
    for (size_t az = 0; az < topology->az_count; az++) {
        uint32_t region = topology->azs[az].region;
        uint32_t az_word = read_word(&table->azs[az]), region_word = read_word(&table->regions[region]);
        size_t before = measure->endpoint_count;
        for (uint32_t i = rules->az_first[az]; i < rules->az_first[az + 1]; i++) {
            uint32_t word = read_word(&table->endpoints[rules->by_az[i]]);
            bool serves = health_state_serves(health_combine(word, az_word, region_word).state);
            measure->endpoint_count += serves;
            measure->capacity += serves ? rules->capacities[i] : 0;
        }
        measure->azs[az] = measure->endpoint_count != before;
        measure->az_count += measure->azs[az];
        measure->region_count += measure->azs[az] && !measure->regions[region];
        measure->regions[region] |= measure->azs[az];
    }
}

static bool endpoint_serves(const struct conf_topology *topology, const struct health_table *table,
                            uint32_t index)
{
    const struct conf_endpoint *conf = &topology->endpoints[index];
    return health_state_serves(
        health_table_effective(table, index, conf->az, conf->region, HEALTH_ANY).state);
}

bool measure_serves(const struct measure *measure, const struct conf_topology *topology,
                    const struct health_table *table, const struct conf_place *place)
{
    switch (place->kind) {
    case CONF_REGION: return measure->regions[place->index];
    case CONF_AZ: return measure->azs[place->index];
    case CONF_ENDPOINT: return endpoint_serves(topology, table, place->index);
    default: break;
    }
    const struct conf_group *group = &topology->groups[place->index];
    for (size_t i = 0; i < group->endpoint_count; i++) {
        if (endpoint_serves(topology, table, group->endpoints[i])) {
            return true;
        }
    }
    return false;
}
