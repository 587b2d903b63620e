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

/* What is looked at: an address, or those of one family that a host name has. */
static uint64_t hash_subject(uint64_t hash, const struct conf_endpoint *endpoint, bool v6)
{
    if (endpoint->host != NULL) {
        return view_hash_text(hash_bytes(hash, &v6, sizeof v6), endpoint->host->name);
    }
    const struct addr *addr = v6 ? &endpoint->v6 : &endpoint->v4;
    return hash_bytes(hash, addr, sizeof *addr);
}

/* Of another address than the endpoint's, and whose verdict it makes. */
static uint64_t hash_address(uint64_t hash, const struct addr *addr, bool v6)
{
    return hash_bytes(hash_bytes(hash, addr, sizeof *addr), &v6, sizeof v6);
}

/* A change of any of it starts the streak anew; other addresses of a host name do not. */
static void fill_monitor(const struct conf_endpoint *endpoint, const struct conf_use *use,
                         const struct conf_check *check, bool v6, struct view_monitor *monitor)
{
    uint64_t hash = view_hash_text(HASH_START, endpoint->name);
    monitor->role = use->role;
    monitor->family = v6 ? ADDR_V6 : ADDR_V4;
    if (use->addresses != NULL) {
        monitor->addr = &use->addresses[v6];
    } else if (endpoint->host == NULL) {
        monitor->addr = v6 ? &endpoint->v6 : &endpoint->v4;
    }
    hash = use->addresses != NULL ? hash_address(hash, monitor->addr, v6) : hash_subject(hash, endpoint, v6);
    hash = use->key == NULL ? hash : view_hash_text(hash, use->key);
    monitor->identity = view_identify_check(hash, check);
}

static bool is_run_for(const struct conf_endpoint *endpoint, const struct conf_use *use, bool v6)
{
    return (use->families >> v6 & 1) != 0 &&
           (endpoint->host != NULL || (v6 ? endpoint->v6 : endpoint->v4).family != ADDR_NONE);
}

size_t view_list_monitors(const struct conf_topology *topology, struct view_monitor **monitors)
{
    size_t count = 0, capacity = 0;
    *monitors = NULL;
    for (size_t e = 0; e < topology->endpoint_count; e++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[e];
        for (size_t c = 0; c < endpoint->check_count * 2; c++) {
            const struct conf_use *use = &endpoint->uses[c / 2];
            bool v6 = c % 2 != 0;
            if (is_run_for(endpoint, use, v6)) {
                *monitors = memory_grow(*monitors, count, &capacity, sizeof **monitors);
                (*monitors)[count] = (struct view_monitor){.endpoint = (uint32_t)e, .check = use->check};
                fill_monitor(endpoint, use, &topology->checks[use->check], v6, &(*monitors)[count++]);
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
static uint8_t family_of(const struct view_monitor *monitor)
{
    return (uint8_t)(1u << (monitor->family == ADDR_V6 ? HEALTH_V6 : HEALTH_V4));
}

struct plan_parts {
    struct health_region_plan *regions;
    struct health_az_plan *azs;
    struct health_endpoint_plan *endpoints;
    struct health_need *needs;
    struct health_load_plan *loads;
    struct health_monitor_plan *monitors;
    struct health_kin *kin;
    uint8_t *roles;
    struct health_push_plan *pushes;
    struct health_brake_monitor *brakes;
    uint8_t *controls;
    uint64_t *control_identities;
    struct health_brake_plan brake;
    uint64_t *addressed;
    struct view_monitor *list;
    size_t monitor_count;
    struct health_rule *rules;
    size_t rule_count, rule_capacity;
    uint32_t *monitor_rules, *az_rules, *region_rules, *stales;
    uint8_t *windows;
    struct health_ramp_plan *ramp_plans;
    size_t ramp_plan_count, ramp_capacity;
    uint32_t *endpoint_ramps, *az_ramps, *region_ramps;
    struct health_quorum *quorum_list;
    uint32_t *monitor_quorums;
    struct health_quorums quorums; /* count 0: nobody else looks */
};

static uint64_t identify_endpoint(const struct conf_endpoint *endpoint)
{
    return hash_finish(hash_subject(hash_subject(HASH_START, endpoint, false), endpoint, true));
}

static struct health_monitor_plan plan_monitor(const struct conf_topology *topology,
                                               const struct view_monitor *monitor)
{
    const struct conf_check *check = &topology->checks[monitor->check];
    bool has_window = check->window.of != 0; /* NOLINT: it has a check */
    return (struct health_monitor_plan){.endpoint = monitor->endpoint,
                                        .rise = check->rise,
                                        .fall = has_window ? check->window.fail : check->fall,
                                        .identity = monitor->identity,
                                        .families = family_of(monitor)};
}

static struct health_kin find_kin(const struct conf_topology *topology, const struct view_monitor *monitor)
{
    const struct conf_endpoint *endpoint = &topology->endpoints[monitor->endpoint];
    const char *check = topology->checks[monitor->check].name;
    uint64_t subject = hash_subject(HASH_START, endpoint, monitor->family == ADDR_V6);
    return (struct health_kin){.subject = hash_finish(subject),
                               .check = hash_finish(view_hash_text(HASH_START, check))};
}

static uint64_t identify_control(const struct conf_topology *topology, const struct conf_control *control)
{
    uint64_t hash = hash_bytes(HASH_START, &control->addr, sizeof control->addr);
    return hash_finish(view_hash_text(hash, topology->checks[control->check].name));
}

/* At another address than the one that is served: what the brake hears is from there. */
static bool is_asked_elsewhere(const struct conf_topology *topology, const struct view_monitor *monitor)
{
    const struct conf_endpoint *endpoint = &topology->endpoints[monitor->endpoint];
    return monitor->addr != NULL && monitor->addr != &endpoint->v4 && monitor->addr != &endpoint->v6;
}

static void fill_brake(const struct conf_topology *topology, struct plan_parts *parts)
{
    const struct conf_brake *brake = &topology->brake;
    parts->brakes = memory_alloc_array(parts->monitor_count, sizeof *parts->brakes);
    parts->controls = memory_alloc_array(brake->control_count, sizeof *parts->controls);
    parts->control_identities = memory_alloc_array(brake->control_count, sizeof *parts->control_identities);
    for (size_t i = 0; i < parts->monitor_count; i++) {
        const struct conf_check *check = &topology->checks[parts->list[i].check];
        const struct addr *addr = parts->list[i].addr;
        bool is_elsewhere = is_asked_elsewhere(topology, &parts->list[i]);
        parts->brakes[i] = (struct health_brake_monitor){
            .subject = is_elsewhere ? hash_finish(hash_bytes(HASH_START, addr, sizeof *addr))
                                    : parts->kin[i].subject,
            .interval_ms = check->interval_ms,
            .timeout_ms = check->timeout_ms,
            .family = (is_elsewhere ? addr->family : parts->list[i].family) == ADDR_V6};
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
        parts->needs[i] =
            (struct health_need){topology->endpoints[i].at_least, topology->endpoints[i].together};
        parts->addressed[i] = identify_endpoint(&topology->endpoints[i]);
        const struct conf_load *load = conf_get_load(&topology->endpoints[i]);
        parts->loads[i] = (struct health_load_plan){
            .is_given = load->is_given, .low = load->low, .high = load->high, .max_age_ms = load->max_age_ms};
    }
    parts->monitor_count = view_list_monitors(topology, &parts->list);
    parts->monitors = memory_alloc_array(parts->monitor_count, sizeof *parts->monitors);
    parts->kin = memory_alloc_array(parts->monitor_count, sizeof *parts->kin);
    parts->roles = memory_alloc_array(parts->monitor_count, 1);
    parts->pushes = memory_alloc_array(parts->monitor_count, sizeof *parts->pushes);
    for (size_t i = 0; i < parts->monitor_count; i++) {
        parts->monitors[i] = plan_monitor(topology, &parts->list[i]);
        parts->kin[i] = find_kin(topology, &parts->list[i]);
        parts->roles[i] = parts->list[i].role;
        const struct conf_check *check = &topology->checks[parts->list[i].check];
        parts->pushes[i] = (struct health_push_plan){.ttl_ms = check->ttl_ms,
                                                     .absent_fails = check->absent_fails,
                                                     .is_told = check->type == CONF_CHECK_FILE};
    }
    fill_brake(topology, parts);
}

/* ---- how long what went down stays so ---- */

static struct health_rule make_rule(const struct conf_stay *hold_down, uint32_t failback_ms,
                                    const struct conf_flap *flap)
{
    struct health_rule rule = {.hold_down_ms = hold_down->hold_down_ms,
                               .failback_ms = failback_ms == CONF_MANUAL ? HEALTH_MANUAL : failback_ms};
    if (flap->is_on) {
        rule.penalty = flap->penalty;
        rule.suppress = flap->suppress;
        rule.reuse = flap->reuse;
        rule.half_life_ms = flap->half_life_ms;
        rule.max_suppress_ms = flap->max_suppress_ms;
    }
    return rule;
}

static bool is_same_rule(const struct health_rule *a, const struct health_rule *b)
{
    return a->hold_down_ms == b->hold_down_ms && a->failback_ms == b->failback_ms &&
           a->penalty == b->penalty && a->suppress == b->suppress && a->reuse == b->reuse &&
           a->half_life_ms == b->half_life_ms && a->max_suppress_ms == b->max_suppress_ms;
}

/* Those of one check follow each other: usually it is the latest. */
static uint32_t add_rule(struct plan_parts *parts, const struct health_rule *rule)
{
    static const struct health_rule none = {.hold_down_ms = 0};
    if (is_same_rule(rule, &none)) {
        return 0;
    }
    if (parts->rule_count == 0 || !is_same_rule(rule, &parts->rules[parts->rule_count - 1])) {
        parts->rules =
            memory_grow(parts->rules, parts->rule_count, &parts->rule_capacity, sizeof *parts->rules);
        parts->rules[parts->rule_count++] = *rule;
    }
    return (uint32_t)parts->rule_count;
}

static uint32_t add_group_rule(struct plan_parts *parts, const struct conf_stay *stay)
{
    struct health_rule rule = make_rule(stay, stay->failback_ms, &stay->flap);
    return add_rule(parts, &rule);
}

static void fill_rules(const struct conf_topology *topology, struct plan_parts *parts)
{
    parts->monitor_rules = memory_alloc_array(parts->monitor_count, sizeof *parts->monitor_rules);
    parts->windows = memory_alloc_array(parts->monitor_count, sizeof *parts->windows);
    parts->stales = memory_alloc_array(parts->monitor_count, sizeof *parts->stales);
    parts->az_rules = memory_alloc_array(topology->az_count, sizeof *parts->az_rules);
    parts->region_rules = memory_alloc_array(topology->region_count, sizeof *parts->region_rules);
    for (size_t i = 0; i < parts->monitor_count; i++) {
        const struct conf_stay *check = &topology->checks[parts->list[i].check].stay;
        const struct conf_stay *own = &conf_get_manner(&topology->endpoints[parts->list[i].endpoint])->stay;
        struct health_rule rule = make_rule(own->has_hold_down ? own : check, own->failback_ms,
                                            own->has_flap ? &own->flap : &check->flap);
        parts->monitor_rules[i] = add_rule(parts, &rule);
        parts->stales[i] = topology->checks[parts->list[i].check].stale_ms;
        parts->windows[i] = topology->checks[parts->list[i].check].window.of;
    }
    for (size_t i = 0; i < topology->az_count; i++) {
        parts->az_rules[i] = add_group_rule(parts, &topology->azs[i].stay);
    }
    for (size_t i = 0; i < topology->region_count; i++) {
        parts->region_rules[i] = add_group_rule(parts, &topology->regions[i].stay);
    }
}

static void free_rules(struct plan_parts *parts)
{
    free(parts->rules);
    free(parts->monitor_rules);
    free(parts->az_rules);
    free(parts->region_rules);
    free(parts->windows);
    free(parts->stales);
}

/* ---- how its weight returns ---- */

/* Who has the same as who comes before has it in common. */
static uint32_t add_ramp(struct plan_parts *parts, const struct conf_ramp *from)
{
    struct health_ramp_plan plan = {.count = from->count, .each_ms = from->each_ms};
    memcpy(plan.steps, from->steps, from->count);
    if (from->count == 0) {
        return 0;
    }
    const struct health_ramp_plan *last =
        parts->ramp_plan_count == 0 ? NULL : &parts->ramp_plans[parts->ramp_plan_count - 1];
    bool is_same = last != NULL && last->count == plan.count && last->each_ms == plan.each_ms &&
                   memcmp(last->steps, plan.steps, sizeof plan.steps) == 0;
    if (!is_same) {
        parts->ramp_plans = memory_grow(parts->ramp_plans, parts->ramp_plan_count, &parts->ramp_capacity,
                                        sizeof *parts->ramp_plans);
        parts->ramp_plans[parts->ramp_plan_count++] = plan;
    }
    return (uint32_t)parts->ramp_plan_count;
}

static void fill_ramps(const struct conf_topology *topology, struct plan_parts *parts)
{
    parts->endpoint_ramps = memory_alloc_array(topology->endpoint_count, sizeof *parts->endpoint_ramps);
    parts->az_ramps = memory_alloc_array(topology->az_count, sizeof *parts->az_ramps);
    parts->region_ramps = memory_alloc_array(topology->region_count, sizeof *parts->region_ramps);
    for (size_t i = 0; i < topology->endpoint_count; i++) {
        parts->endpoint_ramps[i] = add_ramp(parts, &conf_get_manner(&topology->endpoints[i])->ramp);
    }
    for (size_t i = 0; i < topology->az_count; i++) {
        parts->az_ramps[i] = add_ramp(parts, &topology->azs[i].ramp);
    }
    for (size_t i = 0; i < topology->region_count; i++) {
        parts->region_ramps[i] = add_ramp(parts, &topology->regions[i].ramp);
    }
}

static void free_ramps(struct plan_parts *parts)
{
    free(parts->ramp_plans);
    free(parts->endpoint_ramps);
    free(parts->az_ramps);
    free(parts->region_ramps);
}

/* ---- who has to agree ---- */

static struct health_quorum make_quorum(const struct conf_quorum *own, const struct conf_quorum *all)
{
    static const enum health_quorum_kind kinds[] = {[CONF_QUORUM_DEFAULT] = HEALTH_QUORUM_MAJORITY,
                                                    [CONF_QUORUM_ANY] = HEALTH_QUORUM_ANY,
                                                    [CONF_QUORUM_MAJORITY] = HEALTH_QUORUM_MAJORITY,
                                                    [CONF_QUORUM_ALL] = HEALTH_QUORUM_ALL,
                                                    [CONF_QUORUM_COUNT] = HEALTH_QUORUM_COUNT};
    const struct conf_quorum *from = own->kind != CONF_QUORUM_DEFAULT ? own : all;
    return (struct health_quorum){.kind = kinds[from->kind],
                                  .count = from->count,
                                  .at_least = own->at_least != 0 ? own->at_least : all->at_least,
                                  .names = own->names,
                                  .name_count = own->name_count};
}

/* Of each check one, and one more where an endpoint says itself who counts. */
static void fill_quorums(const struct conf_topology *topology, const struct conf_vantages *vantages,
                         struct plan_parts *parts)
{
    static const struct conf_quorum none = {.kind = CONF_QUORUM_DEFAULT};
    size_t count = topology->check_count;
    parts->quorum_list = memory_alloc_array(count + 1 + parts->monitor_count, sizeof *parts->quorum_list);
    parts->monitor_quorums = memory_alloc_array(parts->monitor_count, sizeof *parts->monitor_quorums);
    for (size_t i = 0; i < count; i++) {
        parts->quorum_list[i] = make_quorum(&topology->checks[i].quorum, &vantages->quorum);
    }
    parts->quorum_list[count++] = make_quorum(&none, &vantages->quorum);
    for (size_t i = 0; i < parts->monitor_count; i++) {
        uint32_t check = parts->list[i].check;
        const struct conf_quorum *own =
            &conf_get_manner(&topology->endpoints[parts->list[i].endpoint])->quorum;
        parts->monitor_quorums[i] = own->name_count == 0 ? check : (uint32_t)count;
        if (own->name_count != 0) {
            parts->quorum_list[count] = parts->quorum_list[check];
            parts->quorum_list[count].names = own->names;
            parts->quorum_list[count++].name_count = own->name_count;
        }
    }
    parts->quorums = (struct health_quorums){.quorums = parts->quorum_list,
                                             .count = count,
                                             .monitors = parts->monitor_quorums,
                                             .local_weight = vantages->local_weight,
                                             .local_name = vantages->local_name,
                                             .expires_ms = vantages->expires_ms};
}

/* Nobody has said yet what the host names lead to. */
static void rest_hosts(struct health *health, const struct conf_topology *topology,
                       const struct plan_parts *parts, int64_t wall_ms)
{
    for (size_t i = 0; i < parts->monitor_count; i++) {
        if (topology->endpoints[parts->list[i].endpoint].host != NULL) {
            (void)health_use_monitor(health, (uint32_t)i, false, wall_ms);
        }
    }
}

static size_t list_name_groups(const struct conf_topology *topology, const char *groups[HEALTH_GROUPS_MAX])
{
    for (size_t i = 0; i < topology->name_group_count; i++) {
        groups[i] = topology->name_groups[i].name;
    }
    return topology->name_group_count;
}

static void free_parts(struct plan_parts *parts)
{
    free(parts->quorum_list);
    free(parts->monitor_quorums);
    free(parts->list);
    free(parts->kin);
    free(parts->roles);
    free(parts->needs);
    free(parts->pushes);
    free(parts->brakes);
    free(parts->controls);
    free(parts->control_identities);
    free(parts->addressed);
    free(parts->regions);
    free(parts->azs);
    free(parts->endpoints);
    free(parts->loads);
}

struct health *view_new_health(const struct conf_topology *topology, const struct conf_vantages *vantages,
                               int64_t wall_ms)
{
    if (topology == NULL) {
        return health_new(&(struct health_plan){.regions = NULL}, wall_ms);
    }
    struct plan_parts parts = {
        .regions = memory_alloc_array(topology->region_count, sizeof *parts.regions),
        .azs = memory_alloc_array(topology->az_count, sizeof *parts.azs),
        .endpoints = memory_alloc_array(topology->endpoint_count, sizeof *parts.endpoints),
        .needs = memory_alloc_array(topology->endpoint_count, sizeof *parts.needs),
        .loads = memory_alloc_array(topology->endpoint_count, sizeof *parts.loads),
        .addressed = memory_alloc_array(topology->endpoint_count, sizeof *parts.addressed),
    };
    fill_parts(topology, &parts);
    fill_rules(topology, &parts);
    fill_ramps(topology, &parts);
    if (vantages != NULL && vantages->is_on) {
        fill_quorums(topology, vantages, &parts);
    }
    const struct health_ramps ramps = {.plans = parts.ramp_plans,
                                       .count = parts.ramp_plan_count,
                                       .endpoints = parts.endpoint_ramps,
                                       .azs = parts.az_ramps,
                                       .regions = parts.region_ramps};
    const struct health_rules rules = {.rules = parts.rules,
                                       .count = parts.rule_count,
                                       .monitors = parts.monitor_rules,
                                       .azs = parts.az_rules,
                                       .regions = parts.region_rules,
                                       .stales = parts.stales,
                                       .windows = parts.windows};
    const struct health_lags_plan lags = compile_lags(topology);
    const char *groups[HEALTH_GROUPS_MAX];
    struct compile_holds guards;
    compile_holds(topology, &guards);
    struct health *health =
        health_new(&(struct health_plan){.regions = parts.regions,
                                         .region_count = topology->region_count,
                                         .azs = parts.azs,
                                         .az_count = topology->az_count,
                                         .endpoints = parts.endpoints,
                                         .endpoint_count = topology->endpoint_count,
                                         .loads = parts.loads,
                                         .kin = parts.kin,
                                         .needs = parts.needs,
                                         .roles = parts.roles,
                                         .pushes = parts.pushes,
                                         .brake = topology->brake.is_on ? &parts.brake : NULL,
                                         .rules = &rules,
                                         .ramps = &ramps,
                                         .quorums = parts.quorums.count == 0 ? NULL : &parts.quorums,
                                         .lags = &lags,
                                         .groups = groups,
                                         .group_count = list_name_groups(topology, groups),
                                         .guards = guards.plan.rule_count == 0 ? NULL : &guards.plan,
                                         .addressed = parts.addressed,
                                         .monitors = parts.monitors,
                                         .monitor_count = parts.monitor_count},
                   wall_ms);
    rest_hosts(health, topology, &parts, wall_ms);
    free_rules(&parts);
    free_ramps(&parts);
    free_parts(&parts);
    free((void *)(uintptr_t)lags.items);
    compile_free_holds(&guards);
    free(parts.monitors);
    return health;
}

struct health *view_copy_health(const struct view *view, int64_t wall_ms, struct lock *lock)
{
    if (view->health == NULL) {
        return view_new_health(view->topology, NULL, wall_ms);
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
