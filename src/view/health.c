/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A topology as the health machine and the prober see it: which monitors there are, in which order. */
#include "config.h"

#include "view/view.h"

#include "base/hash.h"
#include "base/lock.h"
#include "base/memory.h"
#include "view/compile_internal.h"
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
    hash = hash_bytes(hash_bytes(hash, check->send, check->send_len), check->expect, check->expect_len);
    const uint32_t numbers[] = {
        (uint32_t)check->type, check->port,       check->interval_ms, check->timeout_ms, check->fall,
        check->rise,           check->status_low, check->status_high, check->send_len,   check->expect_len};
    return hash_finish(hash_bytes(hash, numbers, sizeof numbers));
}

/* What is looked at: an address, or those of one family that a host name has. */
static uint64_t hash_subject(uint64_t hash, const struct conf_endpoint *endpoint, bool v6)
{
    if (endpoint->host != NULL) {
        return hash_text(hash_bytes(hash, &v6, sizeof v6), endpoint->host->name);
    }
    const struct addr *addr = v6 ? &endpoint->v6 : &endpoint->v4;
    return hash_bytes(hash, addr, sizeof *addr);
}

/* A change of any of it starts the streak anew; other addresses of a host name do not. */
static void fill_monitor(const struct conf_endpoint *endpoint, const struct conf_check *check, bool v6,
                         struct view_monitor *monitor)
{
    monitor->family = v6 ? ADDR_V6 : ADDR_V4;
    if (endpoint->host == NULL) {
        monitor->addr = v6 ? &endpoint->v6 : &endpoint->v4;
    }
    monitor->identity = identify(hash_subject(hash_text(HASH_START, endpoint->name), endpoint, v6), check);
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

static int compare_identities(const void *left, const void *right, void *context)
{
    const struct view_monitor *monitors = context;
    uint64_t a = monitors[*(const uint32_t *)left].identity, b = monitors[*(const uint32_t *)right].identity;
    return a < b ? -1 : a > b;
}

void compile_monitors(struct view *view)
{
    if (view->topology == NULL) {
        return;
    }
    view->monitor_count = view_list_monitors(view->topology, &view->monitors);
    size_t size = view->monitor_count * sizeof *view->monitors_by_identity;
    view->monitors_by_identity = arena_alloc(view->arena, size);
    for (size_t i = 0; i < view->monitor_count; i++) {
        view->monitors_by_identity[i] = (uint32_t)i;
    }
    qsort_r(view->monitors_by_identity, view->monitor_count, sizeof *view->monitors_by_identity,
            compare_identities, view->monitors);
}

ptrdiff_t view_find_monitor(const struct view *view, uint64_t identity)
{
    size_t low = 0, high = view->monitor_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t monitor = view->monitors_by_identity[middle];
        uint64_t found = view->monitors[monitor].identity;
        if (found == identity) {
            return monitor;
        }
        if (found < identity) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -1;
}

/* A check of one address speaks for its family. (An endpoint that has no other family has its verdict for
 * both: health.h.) */
static uint8_t families_of(const struct conf_endpoint *endpoint, const struct view_monitor *monitor)
{
    return endpoint->together ? 0 : (uint8_t)(1u << (monitor->family == ADDR_V6 ? HEALTH_V6 : HEALTH_V4));
}

struct plan_parts {
    struct health_region_plan *regions;
    struct health_az_plan *azs;
    struct health_endpoint_plan *endpoints;
    struct health_load_plan *loads;
    struct health_monitor_plan *monitors;
    struct health_kin *kin;
    struct health_brake_monitor *brakes;
    uint8_t *controls;
    uint64_t *control_identities;
    struct health_brake_plan brake;
    uint64_t *addressed;
    struct view_monitor *list;
    size_t monitor_count;
};

static uint64_t identify_endpoint(const struct conf_endpoint *endpoint)
{
    return hash_finish(hash_subject(hash_subject(HASH_START, endpoint, false), endpoint, true));
}

static struct health_monitor_plan plan_monitor(const struct conf_topology *topology,
                                               const struct view_monitor *monitor)
{
    const struct conf_check *check = &topology->checks[monitor->check];
    const struct conf_endpoint *endpoint = &topology->endpoints[monitor->endpoint];
    return (struct health_monitor_plan){.endpoint = monitor->endpoint,
                                        .rise = check->rise, /* NOLINT: it has a check */
                                        .fall = check->fall,
                                        .identity = monitor->identity,
                                        .families = families_of(endpoint, monitor)};
}

static struct health_kin find_kin(const struct conf_topology *topology, const struct view_monitor *monitor)
{
    const struct conf_endpoint *endpoint = &topology->endpoints[monitor->endpoint];
    const char *check = topology->checks[monitor->check].name;
    uint64_t subject = hash_subject(HASH_START, endpoint, monitor->family == ADDR_V6);
    return (struct health_kin){.subject = hash_finish(subject),
                               .check = hash_finish(hash_text(HASH_START, check))};
}

static uint64_t identify_control(const struct conf_topology *topology, const struct conf_control *control)
{
    uint64_t hash = hash_bytes(HASH_START, &control->addr, sizeof control->addr);
    return hash_finish(hash_text(hash, topology->checks[control->check].name));
}

static void fill_brake(const struct conf_topology *topology, struct plan_parts *parts)
{
    const struct conf_brake *brake = &topology->brake;
    parts->brakes = memory_alloc_array(parts->monitor_count, sizeof *parts->brakes);
    parts->controls = memory_alloc_array(brake->control_count, sizeof *parts->controls);
    parts->control_identities = memory_alloc_array(brake->control_count, sizeof *parts->control_identities);
    for (size_t i = 0; i < parts->monitor_count; i++) {
        const struct conf_check *check = &topology->checks[parts->list[i].check];
        parts->brakes[i] = (struct health_brake_monitor){.subject = parts->kin[i].subject,
                                                         .interval_ms = check->interval_ms,
                                                         .timeout_ms = check->timeout_ms,
                                                         .family = parts->list[i].family == ADDR_V6};
    }
    for (size_t i = 0; i < brake->control_count; i++) {
        parts->controls[i] = brake->controls[i].addr.family == ADDR_V6;
        parts->control_identities[i] = identify_control(topology, &brake->controls[i]);
    }
    parts->brake = (struct health_brake_plan){.share = brake->share,
                                              .targets = brake->targets,
                                              .hold_ms = brake->hold_ms,
                                              .monitors = parts->brakes,
                                              .controls = parts->controls,
                                              .control_identities = parts->control_identities,
                                              .control_count = brake->control_count};
}

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
        parts->addressed[i] = identify_endpoint(&topology->endpoints[i]);
        const struct conf_load *load = &topology->endpoints[i].load;
        parts->loads[i] = (struct health_load_plan){
            .is_given = load->is_given, .low = load->low, .high = load->high, .max_age_ms = load->max_age_ms};
    }
    parts->monitor_count = view_list_monitors(topology, &parts->list);
    parts->monitors = memory_alloc_array(parts->monitor_count, sizeof *parts->monitors);
    parts->kin = memory_alloc_array(parts->monitor_count, sizeof *parts->kin);
    for (size_t i = 0; i < parts->monitor_count; i++) {
        parts->monitors[i] = plan_monitor(topology, &parts->list[i]);
        parts->kin[i] = find_kin(topology, &parts->list[i]);
    }
    fill_brake(topology, parts);
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
        .addressed = memory_alloc_array(topology->endpoint_count, sizeof *parts.addressed),
    };
    fill_parts(topology, &parts);
    struct health *health =
        health_new(&(struct health_plan){.regions = parts.regions,
                                         .region_count = topology->region_count,
                                         .azs = parts.azs,
                                         .az_count = topology->az_count,
                                         .endpoints = parts.endpoints,
                                         .endpoint_count = topology->endpoint_count,
                                         .loads = parts.loads,
                                         .kin = parts.kin,
                                         .brake = topology->brake.is_on ? &parts.brake : NULL,
                                         .addressed = parts.addressed,
                                         .monitors = parts.monitors,
                                         .monitor_count = parts.monitor_count},
                   wall_ms);
    rest_hosts(health, &parts, wall_ms);
    free(parts.list);
    free(parts.kin);
    free(parts.brakes);
    free(parts.controls);
    free(parts.control_identities);
    free(parts.addressed);
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
