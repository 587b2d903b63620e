/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From the monitors of the current view to what the prober is to do. */
#include "config.h"

#include "daemon/targets.h"

#include "base/hash.h"
#include "base/memory.h"
#include "probe/probe.h"
#include "view/hosts.h"
#include "view/view.h"

#include <stdlib.h>
#include <string.h>

static enum probe_type probe_type_of(enum conf_check_type type)
{
    return type == CONF_CHECK_TCP ? PROBE_TCP : PROBE_HTTP;
}

/* Who is asked for: the host name, with a port that is not the scheme's own (RFC 9110 section 7.2). */
static const char *write_host(const struct conf_host *host, uint16_t port, struct arena *arena)
{
    enum { HTTP_PORT = 80 };
    return port == HTTP_PORT ? host->name : arena_print(arena, "%s:%u", host->name, port);
}

/* What there is to check of a host name. */
struct aim {
    const struct addr *addresses;
    size_t count;
    bool idle;
};

static struct aim find_aim(const struct view *view, const struct view_monitor *monitor)
{
    const struct view_host *host = &view->hosts[view->topology->endpoints[monitor->endpoint].host->index];
    const struct view_addresses *addresses = view_get_addresses(view, host->conf->index);
    enum view_family family = monitor->family == ADDR_V4 ? VIEW_V4 : VIEW_V6;
    bool unresolved = family == VIEW_V4 && view_host_is_unresolved(host, addresses);
    return (struct aim){.addresses = addresses->items[family],
                        .count = addresses->count[family],
                        .idle = addresses->count[family] == 0 && !unresolved};
}

/* The addresses of a host name are checked in turn. */
static void aim_at_host(const struct view *view, const struct view_monitor *monitor, struct arena *arena,
                        struct probe_target *target)
{
    struct aim aim = find_aim(view, monitor);
    target->in_turn = true;
    target->addresses = aim.addresses;
    target->address_count = aim.count;
    target->idle = aim.idle;
    if (target->host == NULL) {
        target->host = write_host(view->topology->endpoints[monitor->endpoint].host, target->at.port, arena);
    }
}

static struct probe_target describe_check(const struct conf_check *check)
{
    return (struct probe_target){.type = probe_type_of(check->type),
                                 .at.port = check->port,
                                 .interval_ms = check->interval_ms,
                                 .timeout_ms = check->timeout_ms,
                                 .host = check->host,
                                 .path = check->path,
                                 .load = check->load,
                                 .send = check->send,
                                 .send_len = check->send_len,
                                 .expect = check->expect,
                                 .expect_len = check->expect_len,
                                 .status_low = check->status_low,
                                 .status_high = check->status_high};
}

static uint64_t identify_control(const struct conf_control *control, const struct conf_check *check)
{
    static const char kind[] = "control";
    uint64_t hash = hash_bytes(HASH_START, kind, sizeof kind);
    hash = hash_bytes(hash, &control->addr, sizeof control->addr);
    return hash_finish(hash_bytes(hash, check->name, strlen(check->name)));
}

static void add_controls(const struct view *view, struct probe_target *targets)
{
    for (size_t i = 0; i < view_count_controls(view); i++) {
        const struct conf_control *control = &view->topology->brake.controls[i];
        const struct conf_check *check = &view->topology->checks[control->check];
        targets[i] = describe_check(check);
        targets[i].at.addr = control->addr;
        targets[i].identity = identify_control(control, check);
    }
}

static bool is_suspicious(const struct view *view, size_t monitor)
{
    struct health_monitor_status status;
    bool is_known = health_get_monitor(view->health, (uint32_t)monitor, &status) == 0;
    return !is_known || status.verdict != HEALTH_OBSERVED_HEALTHY ||
           health_outcome_is_failure(status.outcome);
}

/* The list of targets has the order of the health machine's monitors; control targets stand behind them. */
static struct targets *make(const struct view *view, bool orders)
{
    size_t count = view->monitor_count + view_count_controls(view);
    struct probe_target *targets = memory_alloc_array(count, sizeof *targets);
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < view->monitor_count; i++) {
        const struct view_monitor *monitor = &view->monitors[i];
        targets[i] = describe_check(&view->topology->checks[monitor->check]);
        targets[i].identity = monitor->identity;
        targets[i].is_first = orders && is_suspicious(view, i);
        if (monitor->addr != NULL) {
            targets[i].at.addr = *monitor->addr;
        } else {
            aim_at_host(view, monitor, arena, &targets[i]);
        }
    }
    add_controls(view, targets + view->monitor_count);
    struct targets *list = prober_make_targets(view->generation, targets, count);
    arena_free(arena);
    free(targets);
    return list;
}

struct targets *targets_make(const struct view *view)
{
    return make(view, false);
}

struct targets *targets_make_first(const struct view *view)
{
    return make(view, true);
}

size_t targets_count_of_host(const struct view *view, size_t host)
{
    size_t all = 0;
    for (size_t e = 0; e < view->hosts[host].endpoint_count; e++) {
        size_t count;
        (void)view_find_monitors(view, view->hosts[host].endpoints[e], &count);
        all += count;
    }
    return all;
}

size_t targets_aim(const struct view *view, size_t host, struct probe_aim *aims)
{
    size_t done = 0;
    for (size_t e = 0; e < view->hosts[host].endpoint_count; e++) {
        size_t count, first = view_find_monitors(view, view->hosts[host].endpoints[e], &count);
        for (size_t m = first; m < first + count; m++) {
            struct aim aim = find_aim(view, &view->monitors[m]);
            struct probe_aim *to = &aims[done++];
            *to = (struct probe_aim){.target = (uint32_t)m, .idle = aim.idle};
            to->address_count = (uint8_t)(aim.count < PROBE_ADDRESSES_MAX ? aim.count : PROBE_ADDRESSES_MAX);
            memcpy(to->addresses, aim.addresses, to->address_count * sizeof *to->addresses);
        }
    }
    return done;
}
