/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A topology as the health machine and the prober see it: which monitors there are, in which order. */
#include "config.h"

#include "view/view.h"

#include "base/hash.h"
#include "base/lock.h"
#include "base/memory.h"
#include "view/content.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return text == NULL ? hash_bytes(hash, "", 1) : hash_bytes(hash, text, strlen(text) + 1);
}

/* What decides what a result means, but for where it comes from. */
static uint64_t identify(uint64_t hash, const struct conf_check *check)
{
    hash = hash_text(hash_text(hash_text(hash, check->name), check->host), check->path);
    const uint32_t numbers[] = {(uint32_t)check->type, check->port, check->interval_ms, check->timeout_ms,
                                check->fall,           check->rise, check->status_low,  check->status_high};
    return hash_finish(hash_bytes(hash, numbers, sizeof numbers));
}

/* A change of any of it starts the history anew; other addresses of a host name do not. */
static void fill_monitor(const struct conf_endpoint *endpoint, const struct conf_check *check, bool v6,
                         struct view_monitor *monitor)
{
    uint64_t hash = hash_text(HASH_START, endpoint->name);
    monitor->family = v6 ? ADDR_V6 : ADDR_V4;
    if (endpoint->host != NULL) {
        hash = hash_text(hash_bytes(hash, &v6, sizeof v6), endpoint->host->name);
    } else {
        monitor->addr = v6 ? &endpoint->v6 : &endpoint->v4;
        hash = hash_bytes(hash, monitor->addr, sizeof *monitor->addr);
    }
    monitor->identity = identify(hash, check);
}

static bool has_family(const struct conf_endpoint *endpoint, bool v6)
{
    return endpoint->host != NULL || (v6 ? endpoint->v6 : endpoint->v4).family != ADDR_NONE;
}

size_t view_list_monitors(const struct conf_topology *topology, struct view_monitor **monitors)
{
    size_t count = 0, capacity = 0;
    *monitors = NULL;
    for (size_t e = 0; e < topology->endpoint_count; e++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[e];
        for (size_t c = 0; c < endpoint->check_count * 2; c++) {
            uint32_t check = endpoint->checks[c / 2];
            bool v6 = c % 2 != 0;
            if (has_family(endpoint, v6)) {
                *monitors = memory_grow(*monitors, count, &capacity, sizeof **monitors);
                (*monitors)[count] = (struct view_monitor){.endpoint = (uint32_t)e, .check = check};
                fill_monitor(endpoint, &topology->checks[check], v6, &(*monitors)[count++]);
            }
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
    struct view_monitor *list;
    size_t monitor_count;
};

static void fill_parts(const struct conf_topology *topology, struct plan_parts *parts)
{
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
    parts->monitor_count = view_list_monitors(topology, &parts->list);
    parts->monitors = memory_alloc_array(parts->monitor_count, sizeof *parts->monitors);
    for (size_t i = 0; i < parts->monitor_count; i++) {
        const struct conf_check *check = &topology->checks[parts->list[i].check];
        parts->monitors[i] = (struct health_monitor_plan){.endpoint = parts->list[i].endpoint,
                                                          .rise = check->rise, /* NOLINT: it has a check */
                                                          .fall = check->fall,
                                                          .identity = parts->list[i].identity};
    }
}

/* Nobody has said yet what the host names lead to. */
static void rest_hosts(struct health *health, const struct plan_parts *parts, int64_t wall_ms)
{
    for (size_t i = 0; i < parts->monitor_count; i++) {
        if (parts->list[i].addr == NULL) {
            (void)health_use_monitor(health, (uint32_t)i, false, wall_ms);
        }
    }
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
    rest_hosts(health, &parts, wall_ms);
    free(parts.list);
    free(parts.regions);
    free(parts.azs);
    free(parts.endpoints);
    free(parts.loads);
    free(parts.monitors);
    return health;
}

struct health *view_copy_health(const struct view *view, int64_t wall_ms, struct lock *lock)
{
    if (view->health == NULL) {
        return view_new_health(view->topology, wall_ms);
    }
    struct health *copy = health_new_like(view->health);
    struct health_carrier *carrier = health_carrier_new(copy, view->health, wall_ms);
    if (lock != NULL) {
        lock_take(lock);
    }
    while (health_carrier_step(carrier, VIEW_TURN)) {
        if (lock != NULL) {
            lock_pass(lock);
        }
    }
    if (lock != NULL) {
        lock_leave(lock);
    }
    health_carrier_settle(carrier);
    health_carrier_end(carrier);
    health_carrier_free(carrier);
    return copy;
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
