/* SPDX-License-Identifier: BSD-3-Clause
 *
 * From the monitors of the current view to what the prober is to do. */
#include "config.h"

#include "daemon/targets.h"

#include "base/hash.h"
#include "base/memory.h"
#include "fleet/describe.h"
#include "probe/probe.h"
#include "view/hosts.h"
#include "view/view.h"

#include <stdlib.h>
#include <string.h>

/* Who is asked for: the host name, with a port that is not the scheme's own (RFC 9110 section 7.2). */
static const char *write_host(const struct conf_host *host, uint16_t port, bool is_tls, struct arena *arena)
{
    enum { HTTP_PORT = 80, HTTPS_PORT = 443 };
    return port == (is_tls ? HTTPS_PORT : HTTP_PORT) ? host->name
                                                     : arena_print(arena, "%s:%u", host->name, port);
}

/* What there is to check of a host name. */
struct aim {
    const struct addr *addresses;
    size_t count;
    bool idle;
};

static bool is_made(const struct view *view, const struct view_monitor *monitor)
{
    return view->topology->checks[monitor->check].type != CONF_CHECK_PUSH;
}

static struct aim find_aim(const struct view *view, const struct view_monitor *monitor)
{
    const struct view_host *host = &view->hosts[view->topology->endpoints[monitor->endpoint].host->index];
    const struct view_addresses *addresses = view_get_addresses(view, host->conf->index);
    enum view_family family = monitor->family == ADDR_V4 ? VIEW_V4 : VIEW_V6;
    bool unresolved = family == VIEW_V4 && view_host_is_unresolved(host, addresses);
    return (struct aim){.addresses = addresses->items[family],
                        .count = addresses->count[family],
                        .idle = !is_made(view, monitor) || (addresses->count[family] == 0 && !unresolved)};
}

static uint64_t identify_host(enum addr_family family, const struct conf_host *host)
{
    uint64_t hash = hash_bytes(HASH_START, host->wire, host->wire_len);
    hash = hash_finish(hash_bytes(hash, &family, sizeof family));
    return hash != 0 ? hash : 1;
}

/* The addresses of a host name are checked in turn. */
static void aim_at_host(const struct view *view, const struct view_monitor *monitor, struct arena *arena,
                        struct probe_target *target)
{
    struct aim aim = find_aim(view, monitor);
    target->in_turn = true;
    target->subject = identify_host(monitor->family, view->topology->endpoints[monitor->endpoint].host);
    target->addresses = aim.addresses;
    target->address_count = aim.count;
    target->idle = aim.idle;
    if (target->host == NULL) {
        target->host = write_host(view->topology->endpoints[monitor->endpoint].host, target->at.port,
                                  target->tls != NULL, arena);
    }
}

/* What a command may be told of whom it is about; of a control target that is its address. */
static const struct probe_exec *describe_exec(const struct conf_check *check,
                                              const struct conf_endpoint *endpoint, const char *name,
                                              struct arena *arena)
{
    struct probe_exec *to = check->exec == NULL ? NULL : arena_alloc(arena, sizeof *to);
    if (to != NULL) {
        *to = (struct probe_exec){.ask = check->exec, .endpoint = name};
        to->host = endpoint == NULL || endpoint->host == NULL ? NULL : endpoint->host->name;
    }
    return to;
}

/* What the endpoint is called there may be its own matter. */
static const struct probe_file *describe_file(const struct view *view, const struct view_monitor *monitor,
                                              struct arena *arena)
{
    const struct conf_check *check = &view->topology->checks[monitor->check];
    const struct conf_endpoint *endpoint = &view->topology->endpoints[monitor->endpoint];
    struct probe_file *to = check->file == NULL ? NULL : arena_alloc(arena, sizeof *to);
    if (to != NULL) {
        *to = (struct probe_file){.ask = check->file,
                                  .endpoint = endpoint->name,
                                  .host = endpoint->host == NULL ? NULL : endpoint->host->name};
    }
    for (size_t i = 0; to != NULL && i < endpoint->check_count; i++) {
        to->key = endpoint->uses[i].check == monitor->check ? endpoint->uses[i].key : to->key;
    }
    return to;
}

static uint64_t identify_control(const struct conf_control *control, const struct conf_check *check)
{
    static const char kind[] = "control";
    uint64_t hash = hash_bytes(HASH_START, kind, sizeof kind);
    hash = hash_bytes(hash, &control->addr, sizeof control->addr);
    return hash_finish(hash_bytes(hash, check->name, strlen(check->name)));
}

uint64_t targets_identify_control(const struct view *view, size_t control)
{
    const struct conf_control *of = &view->topology->brake.controls[control];
    return identify_control(of, &view->topology->checks[of->check]);
}

ptrdiff_t targets_find_control(const struct view *view, uint64_t identity)
{
    for (size_t i = 0; i < view_count_controls(view); i++) {
        if (targets_identify_control(view, i) == identity) {
            return (ptrdiff_t)(view->monitor_count + i);
        }
    }
    return -1;
}

static void add_controls(const struct view *view, struct arena *arena, struct probe_target *targets)
{
    for (size_t i = 0; i < view_count_controls(view); i++) {
        const struct conf_control *control = &view->topology->brake.controls[i];
        const struct conf_check *check = &view->topology->checks[control->check];
        targets[i] = fleet_describe_check(check, arena);
        targets[i].at.addr = control->addr;
        targets[i].exec = describe_exec(check, NULL, NULL, arena);
        targets[i].identity = identify_control(control, check);
    }
}

/* Of both families, as many as are checked in turn. */
static size_t list_addresses(const struct view *view, const struct conf_host *host,
                             struct addr to[PROBE_ADDRESSES_MAX])
{
    const struct view_addresses *known = view_get_addresses(view, host->index);
    size_t count = 0;
    for (size_t i = 0; i < VIEW_ADDRESSES_MAX; i++) {
        for (int family = VIEW_V4; family < VIEW_FAMILIES; family++) {
            if (i < known->count[family] && count < PROBE_ADDRESSES_MAX) {
                to[count++] = known->items[family][i];
            }
        }
    }
    return count;
}

/* Nobody is asked while nothing is known of the host. */
static bool is_unknown(const struct view *view, const struct conf_host *host, size_t count)
{
    return count == 0 &&
           !view_host_is_unresolved(&view->hosts[host->index], view_get_addresses(view, host->index));
}

/* Whom it asks; a command that asks nobody in particular is of this host. */
static void aim_asked(const struct view *view, const struct conf_replication *pair, struct arena *arena,
                      struct probe_target *target)
{
    if (pair->host == NULL) {
        target->at.addr = pair->addr;
        if (pair->addr.family == ADDR_NONE) {
            (void)addr_parse("127.0.0.1", &target->at.addr);
        }
        return;
    }
    struct addr *addresses = arena_alloc(arena, PROBE_ADDRESSES_MAX * sizeof *addresses);
    target->in_turn = true;
    target->subject = identify_host(ADDR_NONE, pair->host);
    target->addresses = addresses;
    target->address_count = list_addresses(view, pair->host, addresses);
    target->idle = is_unknown(view, pair->host, target->address_count);
    if (target->host == NULL) {
        target->host = write_host(pair->host, target->at.port, target->tls != NULL, arena);
    }
}

static const struct probe_file *describe_document(const struct conf_check *check, struct arena *arena)
{
    struct probe_file *to = check->file == NULL ? NULL : arena_alloc(arena, sizeof *to);
    if (to != NULL) {
        *to = (struct probe_file){.ask = check->file};
    }
    return to;
}

static const struct probe_exec *describe_asking(const struct conf_check *check, const struct conf_host *host,
                                                struct arena *arena)
{
    struct probe_exec *to = check->exec == NULL ? NULL : arena_alloc(arena, sizeof *to);
    if (to != NULL) {
        *to = (struct probe_exec){.ask = check->exec, .host = host == NULL ? NULL : host->name};
    }
    return to;
}

static void add_asked(const struct view *view, struct arena *arena, struct probe_target *targets)
{
    static const char kind[] = "lag";
    for (size_t i = 0; i < view_count_asked(view); i++) {
        const struct conf_replication *pair = &view->topology->replications[view_find_asked(view, i)];
        const struct conf_check *check = &view->topology->checks[pair->check];
        targets[i] = fleet_describe_check(check, arena);
        targets[i].exec = describe_asking(check, pair->host, arena);
        targets[i].file = describe_document(check, arena);
        aim_asked(view, pair, arena, &targets[i]);
        uint64_t hash = hash_bytes(hash_bytes(HASH_START, kind, sizeof kind), &pair->from, sizeof pair->from);
        hash = hash_bytes(hash_bytes(hash, &pair->to, sizeof pair->to), &pair->of_azs, sizeof pair->of_azs);
        targets[i].identity = hash_finish(hash);
    }
}

enum health_lag_unit targets_lag_unit(enum conf_lag_unit unit)
{
    return unit == CONF_LAG_SECONDS        ? HEALTH_LAG_SECONDS
           : unit == CONF_LAG_MILLISECONDS ? HEALTH_LAG_MILLISECONDS
                                           : HEALTH_LAG_BYTES;
}

enum health_stage targets_told_stage(uint8_t told)
{
    return (told & 1) != 0   ? HEALTH_STAGE_START
           : (told & 2) != 0 ? HEALTH_STAGE_FULL
           : (told & 4) != 0 ? HEALTH_STAGE_REAL_TIME
                             : HEALTH_STAGE_UNKNOWN;
}

static bool is_suspicious(const struct view *view, size_t monitor)
{
    struct health_monitor_status status;
    bool is_known = health_get_monitor(view->health, (uint32_t)monitor, &status) == 0;
    return !is_known || status.verdict != HEALTH_OBSERVED_HEALTHY ||
           health_outcome_is_failure(status.outcome);
}

struct probe_target targets_describe(const struct view *view, size_t monitor, struct arena *arena)
{
    const struct view_monitor *from = &view->monitors[monitor];
    struct probe_target target = fleet_describe_check(&view->topology->checks[from->check], arena);
    const struct conf_endpoint *endpoint = &view->topology->endpoints[from->endpoint];
    target.exec = describe_exec(&view->topology->checks[from->check], endpoint, endpoint->name, arena);
    target.file = describe_file(view, from, arena);
    target.identity = from->identity;
    if (from->addr != NULL) {
        target.at.addr = *from->addr;
        target.idle = !is_made(view, from);
    } else {
        aim_at_host(view, from, arena, &target);
    }
    return target;
}

/* The list of targets has the order of the health machine's monitors; control targets stand behind them, and
 * behind those who is asked how far copies lag. */
static struct targets *make(const struct view *view, bool orders)
{
    size_t made = view->monitor_count + view_count_controls(view), count = made + view_count_asked(view);
    struct probe_target *targets = memory_alloc_array(count, sizeof *targets);
    struct arena *arena = arena_new(0);
    for (size_t i = 0; i < view->monitor_count; i++) {
        targets[i] = targets_describe(view, i, arena);
        targets[i].is_first = orders && is_suspicious(view, i);
    }
    add_controls(view, arena, targets + view->monitor_count);
    add_asked(view, arena, targets + made);
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

bool targets_hang(const struct view *view, size_t monitor)
{
    const struct conf_check *check = &view->topology->checks[view->monitors[monitor].check];
    struct health_monitor_status status;
    if (check->recheck_ms == 0 || health_get_monitor(view->health, (uint32_t)monitor, &status) != 0) {
        return false;
    }
    return health_hangs(&status, status.verdict);
}

static bool asks_host(const struct view *view, size_t asked, size_t host)
{
    const struct conf_host *of = view->topology->replications[view_find_asked(view, asked)].host;
    return of != NULL && of->index == host;
}

static size_t aim_lags(const struct view *view, size_t host, struct probe_aim *aims)
{
    size_t done = 0, before = view->monitor_count + view_count_controls(view);
    for (size_t i = 0; i < view_count_asked(view); i++) {
        if (asks_host(view, i, host)) {
            struct probe_aim *to = &aims[done++];
            *to = (struct probe_aim){.target = (uint32_t)(before + i)};
            to->address_count = (uint8_t)list_addresses(view, view->hosts[host].conf, to->addresses);
            to->idle = is_unknown(view, view->hosts[host].conf, to->address_count);
        }
    }
    return done;
}

size_t targets_count_of_host(const struct view *view, size_t host)
{
    size_t all = 0;
    for (size_t e = 0; e < view->hosts[host].endpoint_count; e++) {
        size_t count;
        (void)view_find_monitors(view, view->hosts[host].endpoints[e], &count);
        all += count;
    }
    for (size_t i = 0; i < view_count_asked(view); i++) {
        all += asks_host(view, i, host);
    }
    return all;
}

size_t targets_aim(const struct view *view, size_t host, struct probe_aim *aims)
{
    size_t done = 0;
    for (size_t e = 0; e < view->hosts[host].endpoint_count; e++) {
        size_t count, first = view_find_monitors(view, view->hosts[host].endpoints[e], &count);
        for (size_t m = first; m < first + count; m++) {
            if (view->monitors[m].addr != NULL) {
                continue; /* it is asked elsewhere */
            }
            struct aim aim = find_aim(view, &view->monitors[m]);
            struct probe_aim *to = &aims[done++];
            *to = (struct probe_aim){.target = (uint32_t)m, .idle = aim.idle};
            to->address_count = (uint8_t)(aim.count < PROBE_ADDRESSES_MAX ? aim.count : PROBE_ADDRESSES_MAX);
            memcpy(to->addresses, aim.addresses, to->address_count * sizeof *to->addresses);
        }
    }
    return done + aim_lags(view, host, aims + done);
}
