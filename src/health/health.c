/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Building the machine from a plan, finding objects by name and looking at them. Loading is O(n log n);
 * nothing here fails except by running out of memory. A plan whose indices do not fit together is a bug of
 * the caller and ends in an assertion. */
#include "config.h"

#include "health/health.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/share.h"
#include "health/brake_inside.h"
#include "health/guard_inside.h"
#include "health/lag_inside.h"
#include "health/machine.h"
#include "health/tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { EVERY_FAMILY = 1 << HEALTH_V4 | 1 << HEALTH_V6 };

static int compare_names(const void *a, const void *b, void *context)
{
    const struct health_node *nodes = context;
    return strcmp(nodes[*(const uint32_t *)a].name, nodes[*(const uint32_t *)b].name);
}

static void sort_names(struct health *health, enum health_kind kind)
{
    uint32_t count = health->counts[kind];
    uint32_t *sorted = arena_alloc(health->frame->arena, count * sizeof *sorted);
    for (uint32_t i = 0; i < count; i++) {
        sorted[i] = i;
    }
    qsort_r(sorted, count, sizeof *sorted, compare_names, health->nodes[kind]);
    health->by_name[kind] = sorted;
}

static void add_nodes(struct health *health, enum health_kind kind, size_t count)
{
    assert(count < UINT32_MAX);
    health->counts[kind] = (uint32_t)count;
    health->nodes[kind] = arena_alloc(health->arena, count * sizeof *health->nodes[kind]);
    if (kind != HEALTH_ENDPOINT) {
        health->groups[kind] = arena_alloc(health->arena, count * sizeof *health->groups[kind]);
    }
}

static void add_shares(struct health *health, enum health_kind kind)
{
    health->lost_at[kind] = arena_alloc(health->frame->arena, health->counts[kind] * sizeof(double));
}

/* Room for the loads of those that are steered by it: others seldom tell of one. */
static void make_loads(struct health *health)
{
    health->loads =
        arena_alloc(health->arena, health->counts[HEALTH_ENDPOINT] * sizeof(struct health_load *));
    for (uint32_t i = 0; i < health->counts[HEALTH_ENDPOINT]; i++) {
        if (health->load_plans[i]->is_given) {
            (void)health_load_make(health, i);
        }
    }
}

static const struct health_load_plan *share_load_plan(struct arena *arena,
                                                      const struct health_load_plan *from)
{
    struct health_load_plan plan;
    memset(&plan, 0, sizeof plan); /* with what lies between its members: equal ones are equal octets */
    plan.is_given = from->is_given;
    plan.low = from->low;
    plan.high = from->high;
    plan.max_age_ms = from->max_age_ms;
    return arena_share(arena, &plan, sizeof plan);
}

static void add_loads(struct health *health, const struct health_load_plan *plans)
{
    static const struct health_load_plan none = {.is_given = false};
    struct arena *arena = health->frame->arena;
    health->load_plans =
        arena_alloc(arena, health->counts[HEALTH_ENDPOINT] * sizeof(const struct health_load_plan *));
    for (uint32_t i = 0; i < health->counts[HEALTH_ENDPOINT]; i++) {
        health->load_plans[i] = share_load_plan(arena, plans == NULL ? &none : &plans[i]);
    }
    make_loads(health);
}

static void fill_nodes(struct health *health, const struct health_plan *plan)
{
    add_nodes(health, HEALTH_REGION, plan->region_count);
    add_nodes(health, HEALTH_AZ, plan->az_count);
    add_nodes(health, HEALTH_ENDPOINT, plan->endpoint_count);
    add_shares(health, HEALTH_REGION);
    add_shares(health, HEALTH_AZ);
    health->addressed = arena_alloc(health->frame->arena, plan->endpoint_count * sizeof *health->addressed);
    health_add_ballots(health);
    add_loads(health, plan->loads);
    for (size_t i = 0; i < plan->region_count; i++) {
        health->nodes[HEALTH_REGION][i].name = arena_copy_text(health->frame->arena, plan->regions[i].name);
        health->lost_at[HEALTH_REGION][i] = plan->regions[i].lost_at;
    }
    for (size_t i = 0; i < plan->az_count; i++) {
        struct health_node *az = &health->nodes[HEALTH_AZ][i];
        assert(plan->azs[i].region < plan->region_count);
        az->name = arena_copy_text(health->frame->arena, plan->azs[i].name);
        az->parent = plan->azs[i].region;
        health->lost_at[HEALTH_AZ][i] = plan->azs[i].lost_at;
    }
    for (size_t i = 0; i < plan->endpoint_count; i++) {
        struct health_node *endpoint = &health->nodes[HEALTH_ENDPOINT][i];
        assert(plan->endpoints[i].az < plan->az_count);
        endpoint->name = arena_copy_text(health->frame->arena, plan->endpoints[i].name);
        endpoint->parent = plan->endpoints[i].az;
        health->addressed[i] = plan->addressed == NULL ? 0 : plan->addressed[i];
        if (plan->needs != NULL) {
            endpoint->at_least = plan->needs[i].at_least;
            endpoint->together = plan->needs[i].together;
        }
    }
}

/* Children of a kind, grouped by parent: counting sort, so that each parent finds its own side by side. */
static void group_children(struct health *health, enum health_kind kind)
{
    struct health_node *parents = health->nodes[kind + 1], *nodes = health->nodes[kind];
    uint32_t *children = arena_alloc(health->frame->arena, health->counts[kind] * sizeof *children);
    for (uint32_t i = 0; i < health->counts[kind]; i++) {
        parents[nodes[i].parent].child_count++;
    }
    for (uint32_t i = 0, first = 0; i < health->counts[kind + 1]; i++) {
        parents[i].first_child = first;
        first += parents[i].child_count;
        parents[i].child_count = 0;
    }
    for (uint32_t i = 0; i < health->counts[kind]; i++) {
        struct health_node *parent = &parents[nodes[i].parent];
        children[parent->first_child + parent->child_count++] = i;
    }
    health->children[kind] = children;
}

static size_t count_pushes(const struct health_plan *plan)
{
    size_t count = 0;
    for (size_t i = 0; plan->pushes != NULL && i < plan->monitor_count; i++) {
        count += plan->pushes[i].ttl_ms != 0;
    }
    return count;
}

static void add_pushes(struct health *health, const struct health_plan *plan)
{
    struct health_frame *frame = health->frame;
    size_t count = count_pushes(plan);
    frame->pushes = arena_alloc(frame->arena, count * sizeof *frame->pushes);
    health->push_news = arena_alloc(health->arena, count * sizeof *health->push_news);
    if (count != 0) {
        frame->push_plans =
            arena_copy(frame->arena, plan->pushes, plan->monitor_count * sizeof *plan->pushes);
    }
}

static void fill_monitors(struct health *health, const struct health_plan *plan)
{
    assert(plan->monitor_count < UINT32_MAX);
    health->monitor_count = (uint32_t)plan->monitor_count;
    health->monitors = arena_alloc(health->arena, plan->monitor_count * sizeof *health->monitors);
    health->kin = arena_alloc(health->frame->arena, plan->monitor_count * sizeof *health->kin);
    add_pushes(health, plan);
    health_history_add(health);
    for (uint32_t i = 0; i < health->monitor_count; i++) {
        const struct health_monitor_plan *from = &plan->monitors[i];
        assert(from->endpoint < plan->endpoint_count);
        assert(i == 0 || plan->monitors[i - 1].endpoint <= from->endpoint);
        health->monitors[i] =
            (struct health_monitor){.identity = from->identity,
                                    .endpoint = from->endpoint,
                                    .rise = from->rise == 0 ? 1 : from->rise,
                                    .fall = from->fall == 0 ? 1 : from->fall,
                                    .families = from->families == 0 ? EVERY_FAMILY : from->families};
        if (plan->roles != NULL) {
            health->monitors[i].role = plan->roles[i];
        }
        if (plan->kin != NULL) {
            health->kin[i] = plan->kin[i];
        }
        if (plan->pushes != NULL) {
            health->monitors[i].is_told = plan->pushes[i].is_told || plan->pushes[i].ttl_ms != 0;
        }
        if (plan->pushes != NULL && plan->pushes[i].ttl_ms != 0) {
            health->frame->pushes[health->frame->push_count++] = i;
        }
        struct health_node *endpoint = &health->nodes[HEALTH_ENDPOINT][from->endpoint];
        if (endpoint->child_count++ == 0) {
            endpoint->first_child = i;
        }
    }
}

/* Who has a say: monitors in their endpoint, endpoints that have monitors in their az, azs that have such
 * endpoints in their region. */
static void count_members(struct health *health)
{
    for (uint32_t i = 0; i < health->monitor_count; i++) {
        health_count_again(health, &health->monitors[i], (struct health_share){.counts = false});
    }
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            struct health_node *node = &health->nodes[kind][i];
            uint32_t members = kind == HEALTH_ENDPOINT ? health_has_voters(health, i)
                                                       : health->groups[kind][i].tally.members;
            if (kind != HEALTH_ENDPOINT) {
                health->groups[kind][i].lost_from = share_count(health->lost_at[kind][i], members);
            }
            if (kind != HEALTH_REGION && members != 0) {
                health->groups[kind + 1][node->parent].tally.members++;
            }
        }
    }
}

static void add_words(struct health *health)
{
    struct health_table *table = &health->table;
    table->endpoint_count = health->counts[HEALTH_ENDPOINT];
    table->az_count = health->counts[HEALTH_AZ];
    table->region_count = health->counts[HEALTH_REGION];
    table->endpoints = arena_alloc(health->arena, table->endpoint_count * sizeof *table->endpoints);
    table->azs = arena_alloc(health->arena, table->az_count * sizeof *table->azs);
    table->regions = arena_alloc(health->arena, table->region_count * sizeof *table->regions);
    size_t size = sizeof(struct health_outage);
    table->endpoints_outage = arena_alloc(health->arena, table->endpoint_count * size * HEALTH_VIEWS);
    table->azs_outage = arena_alloc(health->arena, table->az_count * size);
    table->regions_outage = arena_alloc(health->arena, table->region_count * size);
    table->exits = &health->exits;
    table->ttls = &health->ttls;
    health_marks_add(health, &health->exits);
    health_marks_add(health, &health->ttls);
    health_scopes_add(health);
    atomic_init(&table->generation, 1);
}

static void fill_name_groups(struct health_frame *frame, const struct health_plan *plan)
{
    assert(plan->group_count <= HEALTH_GROUPS_MAX);
    frame->group_count = plan->group_count;
    frame->groups = arena_alloc(frame->arena, plan->group_count * sizeof *frame->groups);
    for (size_t i = 0; i < plan->group_count; i++) {
        frame->groups[i] = arena_copy_text(frame->arena, plan->groups[i]);
    }
}

struct health *health_new(const struct health_plan *plan, int64_t wall_ms)
{
    struct health *health = memory_alloc(sizeof *health);
    health->arena = arena_new(0);
    health->frame = memory_alloc(sizeof *health->frame);
    *health->frame = (struct health_frame){.holders = 1, .arena = arena_new(0)};
    fill_nodes(health, plan);
    fill_name_groups(health->frame, plan);
    fill_monitors(health, plan);
    group_children(health, HEALTH_ENDPOINT);
    group_children(health, HEALTH_AZ);
    count_members(health);
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        sort_names(health, kind);
        for (uint32_t i = 0; i < health->counts[kind]; i++) {
            health->nodes[kind][i].since_ms = wall_ms;
        }
    }
    add_words(health);
    for (uint32_t i = 0; i < health->counts[HEALTH_ENDPOINT]; i++) {
        health_word_set_wavers(health, i, health_find_wavers(health, i)); /* nothing is known of anybody */
    }
    health_add_lines(health);
    health_brake_add(health, plan->brake);
    health_add_rules(health, plan->rules);
    health_ramps_add(health, plan->ramps);
    health_opinions_add(health, plan->quorums);
    health_lags_add(health, plan->lags);
    health_guards_add(health, plan->guards);
    health_guard_hear_lags(health);
    health_guard_settle(health);
    health->offset_ms = wall_ms;
    health->undone_ms = INT64_MAX;
    health->is_filled = true;
    return health;
}

/* What the plan says of nodes, and no result changes. */
static void copy_nodes(struct health *health, enum health_kind kind, const struct health *from)
{
    add_nodes(health, kind, from->counts[kind]);
    for (uint32_t i = 0; i < from->counts[kind]; i++) {
        const struct health_node *node = &from->nodes[kind][i];
        health->nodes[kind][i] = (struct health_node){.name = node->name,
                                                      .parent = node->parent,
                                                      .first_child = node->first_child,
                                                      .child_count = node->child_count,
                                                      .at_least = node->at_least,
                                                      .together = node->together,
                                                      .ramp.plan = node->ramp.plan};
        if (kind != HEALTH_ENDPOINT) {
            const struct health_group *group = &from->groups[kind][i];
            health->groups[kind][i] = (struct health_group){
                .tally.members = group->tally.members, .lost_from = group->lost_from, .rule = group->rule};
        }
    }
    health->by_name[kind] = from->by_name[kind];
    health->children[kind] = from->children[kind];
    health->lost_at[kind] = from->lost_at[kind];
}

struct health *health_new_like(const struct health *from)
{
    struct health *health = memory_alloc(sizeof *health);
    health->arena = arena_new(0);
    health->frame = from->frame;
    atomic_fetch_add_explicit(&health->frame->holders, 1, memory_order_relaxed);
    for (int kind = HEALTH_ENDPOINT; kind < HEALTH_KINDS; kind++) {
        copy_nodes(health, kind, from);
    }
    health->load_plans = from->load_plans;
    make_loads(health);
    health_add_ballots(health);
    health->addressed = from->addressed;
    health->kin = from->kin;
    health->monitor_count = from->monitor_count;
    health->monitors = arena_alloc(health->arena, from->monitor_count * sizeof *health->monitors);
    for (uint32_t i = 0; i < from->monitor_count; i++) {
        const struct health_monitor *monitor = &from->monitors[i];
        health->monitors[i] = (struct health_monitor){.identity = monitor->identity,
                                                      .endpoint = monitor->endpoint,
                                                      .rise = monitor->rise,
                                                      .fall = monitor->fall,
                                                      .is_told = monitor->is_told,
                                                      .families = monitor->families,
                                                      .role = monitor->role,
                                                      .window = monitor->window,
                                                      .stale_ms = monitor->stale_ms,
                                                      .rule = monitor->rule};
    }
    health_history_add(health);
    health->push_news = arena_alloc(health->arena, health->frame->push_count * sizeof *health->push_news);
    health->results = health_results_hold(from->results);
    health->undone_ms = INT64_MAX;
    add_words(health);
    health_add_lines(health);
    health_brake_add_like(health, from);
    health_opinions_add_like(health);
    health_lags_add_like(health, from);
    health_guards_add_like(health, from);
    return health;
}

void health_drop_results(struct health *health)
{
    health_results_release(health->results);
    health->results = NULL;
}

void health_keep_results(struct health *health)
{
    health_results_release(health->results);
    health->results = health_results_new(health->monitor_count);
}

void health_note_result(struct health *health, uint32_t monitor, const struct health_result *result,
                        int64_t next_ms)
{
    health_results_note(health->results, monitor, result, next_ms);
}

void health_note_text(struct health *health, uint32_t monitor, const char *text)
{
    health_results_note_text(health->results, monitor, text);
}

const char *health_read_text(const struct health *health, uint32_t monitor, char text[HEALTH_TEXT_SIZE])
{
    health_results_read_text(health->results, monitor, text);
    return text;
}

size_t health_read_results(const struct health *health, uint32_t monitor, struct health_result *results,
                           size_t max, int64_t *next_ms)
{
    return health_results_read(health->results, monitor, results, max, next_ms);
}

static void release_frame(struct health_frame *frame)
{
    if (atomic_fetch_sub_explicit(&frame->holders, 1, memory_order_acq_rel) == 1) {
        arena_free(frame->arena);
        free(frame);
    }
}

void health_free(struct health *health)
{
    if (health == NULL) {
        return;
    }
    health_opinions_free(health);
    arena_free(health->arena);
    release_frame(health->frame);
    health_results_release(health->results);
    free(health->overrides);
    free(health->dues.items);
    free(health->next_dues.items);
    free(health->stays.items);
    free(health->ramps.items);
    free(health->woken);
    health_dormants_drop(health);
    free(health);
}

void health_set_listener(struct health *health, const struct health_listener *listener)
{
    memset(&health->listener, 0, sizeof health->listener);
    if (listener != NULL) {
        health->listener = *listener;
    }
}

void health_watch_wavering(struct health *health, bool watched)
{
    health->watches_wavering = watched;
}

const struct health_table *health_get_table(const struct health *health)
{
    return &health->table;
}

size_t health_count(const struct health *health, enum health_kind kind)
{
    return (unsigned)kind < HEALTH_KINDS ? health->counts[kind] : 0;
}

ptrdiff_t health_find(const struct health *health, enum health_kind kind, const char *name)
{
    size_t low = 0, high = health_count(health, kind);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        uint32_t index = health->by_name[kind][middle];
        int order = strcmp(name, health->nodes[kind][index].name);
        if (order == 0) {
            return (ptrdiff_t)index;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return -1;
}

static int rank_of(const struct health_monitor *monitor)
{
    if (monitor->role == HEALTH_WATCHED) {
        return -1;
    }
    if (monitor->verdict == HEALTH_OBSERVED_UNHEALTHY) {
        return 3;
    }
    if (health_is_held(monitor)) {
        return 2;
    }
    return health_outcome_is_failure(monitor->outcome) ? 1 : 0;
}

/* The monitor whose result explains the endpoint, or a family of it: one that made it unhealthy before one
 * that failed lately before the rest, and among these the latest. */
static const struct health_monitor *find_telling_monitor(const struct health *health, uint32_t endpoint,
                                                         unsigned families)
{
    const struct health_node *node = &health->nodes[HEALTH_ENDPOINT][endpoint];
    unsigned wanted = node->together ? EVERY_FAMILY : families;
    const struct health_monitor *best = NULL;
    for (uint32_t i = 0; i < node->child_count; i++) {
        const struct health_monitor *monitor = &health->monitors[node->first_child + i];
        int order = best == NULL ? 1 : rank_of(monitor) - rank_of(best);
        if ((monitor->families & wanted) != 0 &&
            (order > 0 || (order == 0 && monitor->checked_ms > best->checked_ms))) {
            best = monitor;
        }
    }
    return best;
}

int health_get_status(const struct health *health, enum health_kind kind, uint32_t index,
                      struct health_status *status)
{
    if (index >= health_count(health, kind)) {
        return ERROR_NOT_FOUND;
    }
    const struct health_node *node = &health->nodes[kind][index];
    uint32_t word = health_word_get(health, kind, index);
    *status = (struct health_status){.name = node->name,
                                     .observed = health_word_observed(word),
                                     .desired = health_word_desired(word),
                                     .planned = (word & HEALTH_WORD_PLANNED) != 0,
                                     .effective = health_find_effective(health, kind, index),
                                     .since_ms = health_find_since(health, kind, index),
                                     .stay = health_find_stay(health, kind, index),
                                     .ramp = health_find_ramp(health, kind, index)};
    if (kind != HEALTH_ENDPOINT) {
        const struct health_group *group = &health->groups[kind][index];
        const struct health_tally *tally = &group->tally;
        bool is_all = tally->inherited == tally->members; /* it is as it was: they all are */
        status->members = is_all ? tally->members : tally->members - tally->inherited;
        status->members_unhealthy = is_all ? tally->inherited : tally->unhealthy;
        status->members_healthy = tally->healthy;
        status->is_inherited = is_all && tally->members != 0;
        status->was_up = health->groups[kind][index].was_up;
        status->lost_from = is_all ? group->lost_from : health_find_lost_from(health, kind, index);
        return 0;
    }
    for (int family = HEALTH_V4; family < HEALTH_FAMILIES; family++) {
        status->families[family] = health_word_observed(health_word_of(word, (enum health_family)family));
        status->combinations[family] = health_find_combination(health, index, (enum health_family)family);
    }
    status->load = health_load_get(health, index)->status;
    status->load.shed = (double)health_word_shed(word) / HEALTH_SHED_ALL;
    const struct health_monitor *monitor = find_telling_monitor(health, index, EVERY_FAMILY);
    if (monitor != NULL) {
        status->outcome = monitor->outcome;
        status->detail = monitor->detail;
        status->duration_us = monitor->duration_us;
        status->checked_ms = monitor->checked_ms;
        status->judged_ms = monitor->judged_ms;
        status->held = health_is_held(monitor);
        status->restored = monitor->restored;
        status->stale = health_is_stale(monitor, health->now_ms);
        status->silent_ms = monitor->result_ms == 0 ? 0 : health->now_ms - monitor->result_ms;
        status->is_judged = monitor->is_judged && health->opinions != NULL;
        status->telling = (uint32_t)(monitor - health->monitors);
    }
    return 0;
}

size_t health_monitor_count(const struct health *health)
{
    return health->monitor_count;
}

int health_get_telling(const struct health *health, uint32_t endpoint, enum health_family family,
                       struct health_monitor_status *status)
{
    const struct health_monitor *telling = endpoint >= health->counts[HEALTH_ENDPOINT]
                                               ? NULL
                                               : find_telling_monitor(health, endpoint, 1u << family);
    return telling == NULL ? ERROR_NOT_FOUND
                           : health_get_monitor(health, (uint32_t)(telling - health->monitors), status);
}

int health_get_monitor(const struct health *health, uint32_t monitor, struct health_monitor_status *status)
{
    if (monitor >= health->monitor_count) {
        return ERROR_NOT_FOUND;
    }
    const struct health_monitor *from = &health->monitors[monitor];
    *status = (struct health_monitor_status){.endpoint = from->endpoint,
                                             .role = (enum health_role)from->role,
                                             .verdict = from->verdict,
                                             .idle = from->idle,
                                             .inherited = from->inherited,
                                             .outcome = from->outcome,
                                             .detail = from->detail,
                                             .streak = from->streak,
                                             .duration_us = from->duration_us,
                                             .held = health_is_held(from),
                                             .rise = from->rise,
                                             .window = from->window,
                                             .failures = (uint8_t)health_count_failures(from),
                                             .fall = from->fall,
                                             .failing = from->failing,
                                             .untried = from->untried,
                                             .restored = from->restored,
                                             .doubted = from->doubted,
                                             .stale = health_is_stale(from, health->now_ms),
                                             .silent_ms =
                                                 from->result_ms == 0 ? 0 : health->now_ms - from->result_ms,
                                             .judged_ms = from->judged_ms,
                                             .checked_ms = from->checked_ms,
                                             .certificate_s = health->certificates[monitor].ends_s,
                                             .certificate_near = health->certificates[monitor].is_near,
                                             .stay = health_find_monitor_stay(health, monitor)};
    return 0;
}
