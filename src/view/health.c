/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A topology as the health machine and the prober see it: which monitors there are, in which order. */
#include "config.h"

#include "view/view.h"

#include "base/hash.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return text == NULL ? hash_bytes(hash, "", 1) : hash_bytes(hash, text, strlen(text) + 1);
}

/* Everything that decides what a result means: a change of any of it starts the history anew. */
static uint64_t identify(const struct conf_check *check, const struct conf_endpoint *endpoint,
                         const struct addr *addr)
{
    uint64_t hash = hash_text(HASH_START, endpoint->name);
    hash = hash_bytes(hash, addr, sizeof *addr);
    hash = hash_text(hash_text(hash_text(hash, check->name), check->host), check->path);
    const uint32_t numbers[] = {(uint32_t)check->type, check->port, check->interval_ms, check->timeout_ms,
                                check->fall,           check->rise, check->status_low,  check->status_high};
    return hash_finish(hash_bytes(hash, numbers, sizeof numbers));
}

size_t view_list_monitors(const struct conf_topology *topology, struct view_monitor **monitors)
{
    size_t count = 0, capacity = 0;
    *monitors = NULL;
    for (size_t e = 0; e < topology->endpoint_count; e++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[e];
        for (size_t c = 0; c < endpoint->check_count * 2; c++) {
            const struct addr *addr = c % 2 == 0 ? &endpoint->v4 : &endpoint->v6;
            uint32_t check = endpoint->checks[c / 2];
            if (addr->family == ADDR_NONE) {
                continue;
            }
            *monitors = memory_grow(*monitors, count, &capacity, sizeof **monitors);
            (*monitors)[count++] = (struct view_monitor){
                .endpoint = (uint32_t)e,
                .check = check,
                .addr = addr,
                .identity = identify(&topology->checks[check], endpoint, addr),
            };
        }
    }
    return count;
}

struct plan_parts {
    struct health_region_plan *regions;
    struct health_az_plan *azs;
    struct health_endpoint_plan *endpoints;
    struct health_load_plan *loads;
    struct health_monitor_plan *monitors;
    size_t monitor_count;
};

static void fill_parts(const struct conf_topology *topology, struct plan_parts *parts)
{
    struct view_monitor *monitors;
    for (size_t i = 0; i < topology->region_count; i++) {
        parts->regions[i] =
            (struct health_region_plan){topology->regions[i].name, topology->regions[i].lost_at};
    }
    for (size_t i = 0; i < topology->az_count; i++) {
        const struct conf_az *az = &topology->azs[i];
        parts->azs[i] = (struct health_az_plan){az->name, az->region, az->lost_at};
    }
    for (size_t i = 0; i < topology->endpoint_count; i++) {
        parts->endpoints[i] =
            (struct health_endpoint_plan){topology->endpoints[i].name, topology->endpoints[i].az};
        const struct conf_load *load = &topology->endpoints[i].load;
        parts->loads[i] = (struct health_load_plan){
            .is_given = load->is_given, .low = load->low, .high = load->high, .max_age_ms = load->max_age_ms};
    }
    parts->monitor_count = view_list_monitors(topology, &monitors);
    parts->monitors = memory_alloc_array(parts->monitor_count, sizeof *parts->monitors);
    for (size_t i = 0; i < parts->monitor_count; i++) {
        const struct conf_check *check = &topology->checks[monitors[i].check];
        parts->monitors[i] = (struct health_monitor_plan){.endpoint = monitors[i].endpoint,
                                                          .rise = check->rise, /* NOLINT: it has a check */
                                                          .fall = check->fall,
                                                          .identity = monitors[i].identity};
    }
    free(monitors);
}

struct health *view_new_health(const struct conf_topology *topology, int64_t wall_ms)
{
    if (topology == NULL) {
        return health_new(&(struct health_plan){.regions = NULL}, wall_ms);
    }
    struct plan_parts parts = {
        .regions = memory_alloc_array(topology->region_count, sizeof *parts.regions),
        .azs = memory_alloc_array(topology->az_count, sizeof *parts.azs),
        .endpoints = memory_alloc_array(topology->endpoint_count, sizeof *parts.endpoints),
        .loads = memory_alloc_array(topology->endpoint_count, sizeof *parts.loads),
    };
    fill_parts(topology, &parts);
    struct health *health = health_new(&(struct health_plan){.regions = parts.regions,
                                                             .region_count = topology->region_count,
                                                             .azs = parts.azs,
                                                             .az_count = topology->az_count,
                                                             .endpoints = parts.endpoints,
                                                             .endpoint_count = topology->endpoint_count,
                                                             .loads = parts.loads,
                                                             .monitors = parts.monitors,
                                                             .monitor_count = parts.monitor_count},
                                       wall_ms);
    free(parts.regions);
    free(parts.azs);
    free(parts.endpoints);
    free(parts.loads);
    free(parts.monitors);
    return health;
}

/* The first monitor whose endpoint is not below `endpoint`; they are sorted by it. */
static size_t first_from(const struct view *view, uint32_t endpoint)
{
    size_t low = 0, high = view->monitor_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (view->monitors[middle].endpoint < endpoint) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

size_t view_find_monitors(const struct view *view, uint32_t endpoint, size_t *count)
{
    size_t first = first_from(view, endpoint);
    *count = first_from(view, endpoint + 1) - first;
    return first;
}
