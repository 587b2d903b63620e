/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A health machine of many endpoints in some azs, each with a check of IPv4 and one of IPv6, for benchmarks.
 */
#pragma once

#include "base/memory.h"
#include "health/health.h"

#include <stdlib.h>

enum { AZS = 20, PER_ENDPOINT = 2 };

static inline struct health *make(size_t count, int64_t wall_ms)
{
    struct health_region_plan *regions = memory_alloc_array(AZS, sizeof *regions);
    struct health_az_plan *azs = memory_alloc_array(AZS, sizeof *azs);
    struct health_endpoint_plan *endpoints = memory_alloc_array(count, sizeof *endpoints);
    struct health_monitor_plan *monitors = memory_alloc_array(count * PER_ENDPOINT, sizeof *monitors);
    struct health_kin *kin = memory_alloc_array(count * PER_ENDPOINT, sizeof *kin);
    uint64_t *addressed = memory_alloc_array(count, sizeof *addressed);
    for (uint32_t i = 0; i < AZS; i++) {
        regions[i] = (struct health_region_plan){memory_print("region-%u", i), 1};
        azs[i] = (struct health_az_plan){memory_print("region-%u-a", i), i, 1};
    }
    for (uint32_t i = 0; i < count; i++) {
        endpoints[i] = (struct health_endpoint_plan){memory_print("web-%06u", i), i % AZS};
        addressed[i] = i + 1;
        for (uint32_t m = i * PER_ENDPOINT; m < (i + 1) * PER_ENDPOINT; m++) {
            monitors[m] = (struct health_monitor_plan){i, 2, 3, m + 1, (uint8_t)(1 + m % 2)};
            kin[m] = (struct health_kin){m + 1, 1};
        }
    }
    return health_new(&(struct health_plan){.regions = regions,
                                            .region_count = AZS,
                                            .azs = azs,
                                            .az_count = AZS,
                                            .endpoints = endpoints,
                                            .endpoint_count = count,
                                            .monitors = monitors,
                                            .monitor_count = count * PER_ENDPOINT,
                                            .kin = kin,
                                            .addressed = addressed},
                      wall_ms);
}
