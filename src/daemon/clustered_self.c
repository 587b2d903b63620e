/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How this node is, as the others are told: what it counts everything as, and what it was loaded from, as
 * hashes; and what becomes of it, as this server is told: phases, nodes that come and go, and that differ. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/changes.h"
#include "daemon/documents.h"
#include "daemon/drill_schedule.h"
#include "daemon/drilling.h"
#include "daemon/rollouts.h"
#include "daemon/server.h"
#include "daemon/switchovers.h"
#include "daemon/metrics_kept.h"
#include "base/hash.h"
#include "base/log.h"
#include "conf/topology.h"
#include "health/table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SELF_MS = 250,    /* a look at all objects is worth its time not more often */
    DIFFER_MS = 1000, /* what differs for longer is told */
    CLOCK_MS = 1000,  /* by more than that clocks are not the same */
};

/* ---- hashes ---- */

static uint64_t hash_state(const char *kind, const char *name, uint32_t state)
{
    uint64_t hash = hash_bytes(HASH_START, kind, strlen(kind) + 1);
    hash = hash_bytes(hash, name, strlen(name) + 1);
    return hash_finish(hash_bytes(hash, &state, sizeof state));
}

/* What is observed and desired; not how much is shed or withheld, which each node finds out by itself. */
static uint32_t get_state(const _Atomic uint32_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed) &
           (HEALTH_WORD_OBSERVED | HEALTH_WORD_DESIRED | HEALTH_WORD_SCOPED);
}

/* A sum: the order of the topology's lists is nobody's business. Words are read one by one, and not under the
 * lock: what changes meanwhile is looked at again. */
static uint64_t hash_health(const struct conf_topology *topology, const struct health_table *table)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < topology->region_count; i++) {
        sum += hash_state("region", topology->regions[i].name, get_state(&table->regions[i]));
    }
    for (size_t i = 0; i < topology->az_count; i++) {
        sum += hash_state("az", topology->azs[i].name, get_state(&table->azs[i]));
    }
    for (size_t i = 0; i < topology->endpoint_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[i];
        uint32_t region = topology->azs[endpoint->az].region;
        struct health_effective effective =
            health_table_effective(table, (uint32_t)i, endpoint->az, region, HEALTH_ANY);
        sum += hash_state("endpoint", endpoint->name, effective.state);
    }
    return hash_finish(sum);
}

static uint64_t hash_name(uint64_t hash, const char *name)
{
    return hash_bytes(hash, name, strlen(name) + 1);
}

static uint64_t hash_endpoint(uint64_t hash, const struct conf_endpoint *endpoint)
{
    char text[ADDR_TEXT_SIZE];
    hash = hash_name(hash, endpoint->name);
    hash = hash_name(hash, endpoint->v4.family == ADDR_NONE ? "" : addr_write(&endpoint->v4, text));
    hash = hash_name(hash, endpoint->v6.family == ADDR_NONE ? "" : addr_write(&endpoint->v6, text));
    hash = hash_bytes(hash, &endpoint->weight, sizeof endpoint->weight);
    return hash_bytes(hash, &endpoint->capacity, sizeof endpoint->capacity);
}

/* What has to be the same on all nodes of what was loaded: which objects, zones and steered names there are,
 * and where endpoints are; or which bundle. Addresses to listen at and the like are each node's own. */
static uint64_t hash_configuration(const struct view *view, const char *bundle)
{
    const struct conf_topology *topology = view->topology;
    uint64_t hash = bundle[0] == '\0' ? HASH_START : hash_name(HASH_START, bundle);
    for (size_t i = 0; topology != NULL && i < topology->endpoint_count; i++) {
        const struct conf_endpoint *endpoint = &topology->endpoints[i];
        hash = hash_endpoint(hash, endpoint);
        hash = hash_name(hash, topology->azs[endpoint->az].name);
    }
    char text[80];
    for (size_t i = 0; i < view->zone_count; i++) {
        const struct view_zone *zone = &view->zone_list[i];
        snprintf(text, sizeof text, "%u %u %u %d %d", zone->names, zone->records, zone->steered, zone->failed,
                 zone->stale);
        hash = hash_name(hash_name(hash, zone->origin), text);
    }
    for (size_t i = 0; i < view->name_count; i++) {
        snprintf(text, sizeof text, "%u %u", view->names[i].ttl, view->names[i].types);
        hash = hash_name(hash_name(hash, view->names[i].owner), text);
    }
    return hash_finish(hash);
}

/* Returns whether it is another one. */
static bool take_overrides(struct server *server, uint64_t *overrides)
{
    uint64_t before = *overrides;
    lock_take(&server->lock);
    uint64_t sum = server->view->health == NULL ? 0 : health_hash_overrides(server->view->health);
    lock_leave(&server->lock);
    *overrides = sum == 0 ? 1 : sum; /* 0 would say nothing */
    return *overrides != before;
}

void clustered_follow_self(struct clustered *clustered, int64_t now_ms)
{
    const struct view *view = clustered->server->view;
    struct clustered_self_seen *seen = &clustered->seen;
    if (view == NULL) {
        return;
    }
    bool is_elsewhere = clustered_take_own(clustered, &seen->self);
    is_elsewhere = rollouts_take_own(clustered->server->rollouts, &seen->self.bundle) || is_elsewhere;
    is_elsewhere = take_overrides(clustered->server, &seen->self.overrides) || is_elsewhere;
    uint64_t generation = view->table == NULL ? 1 : atomic_load(&view->table->generation);
    bool is_other = view_number(view) != seen->view;
    if (!is_other && !is_elsewhere && (generation == seen->generation || now_ms - seen->at_ms < SELF_MS)) {
        return;
    }
    if (is_other) {
        seen->self.configuration =
            hash_configuration(view, documents_get_bundle(clustered->server->documents));
    }
    seen->self.health =
        view->topology == NULL || view->table == NULL ? 0 : hash_health(view->topology, view->table);
    seen->self.generation = view_number(view);
    seen->generation = generation;
    seen->view = view_number(view);
    seen->at_ms = now_ms;
    cluster_set_self(clustered->cluster, &seen->self);
}

/* ---- which it is ---- */

static const char *write_self(const char *name, uint64_t run, char text[CLUSTERED_SELF_SIZE])
{
    snprintf(text, CLUSTERED_SELF_SIZE, "%s/%016" PRIx64, name, run);
    return text;
}

const char *clustered_write_self(const struct clustered *clustered, char text[CLUSTERED_SELF_SIZE])
{
    bool is_node = clustered != NULL && clustered->cluster != NULL;
    text[0] = '\0';
    return is_node ? write_self(clustered->node, clustered->run, text) : text;
}

bool clustered_hears(const struct clustered *clustered, const char *self)
{
    const struct cluster_node *nodes;
    char text[CLUSTERED_SELF_SIZE];
    size_t count =
        clustered == NULL || clustered->cluster == NULL ? 0 : cluster_list_nodes(clustered->cluster, &nodes);
    for (size_t i = 1; i < count; i++) {
        if (nodes[i].is_fresh && strcmp(write_self(nodes[i].name, nodes[i].run, text), self) == 0) {
            return true;
        }
    }
    return false;
}

/* ---- what becomes of it ---- */

static void tell_phase(struct clustered *clustered, const struct cluster_status *status)
{
    if (status->phase == clustered->phase) {
        return;
    }
    const char *before = cluster_phase_text(clustered->phase), *after = cluster_phase_text(status->phase);
    clustered->phase = status->phase;
    if (status->phase == CLUSTER_FOLLOWING) {
        drilling_clean(clustered->server);
    }
    if (status->phase == CLUSTER_AWAY || status->phase == CLUSTER_ESTRANGED) {
        log_warning("cluster phase before=%s after=%s position=%llu why=\"%s\"", before, after,
                    (unsigned long long)status->at.seq, status->why);
    } else {
        log_info("cluster phase before=%s after=%s position=%llu", before, after,
                 (unsigned long long)status->at.seq);
    }
    changes_tell_node(clustered->server->changes,
                      &(struct changes_node){
                          .name = clustered->node, .turn = after, .why = status->why, .seq = status->at.seq});
}

static void tell_work(struct clustered *clustered, const struct cluster_status *status)
{
    struct server *server = clustered->server;
    server->works_elsewhere = !status->has_work;
    if (status->has_work == clustered->had_work) {
        return;
    }
    clustered->had_work = status->has_work;
    log_info("cluster work here=%s", status->has_work ? "yes" : "no");
    if (status->has_work) {
        drill_schedule_take_over(server->drill_schedule);
        switchovers_take_over(server->switchovers);
    }
}

static bool was_fresh(const struct clustered *clustered, const char *name)
{
    for (size_t i = 0; i < clustered->fresh_count; i++) {
        if (strcmp(clustered->fresh[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static void tell_node(struct clustered *clustered, const char *name, bool is_fresh)
{
    log_info("node %s node=%s", is_fresh ? "come" : "gone", name);
    changes_tell_node(clustered->server->changes,
                      &(struct changes_node){.name = name, .turn = is_fresh ? "come" : "gone"});
}

static void tell_nodes(struct clustered *clustered, const struct cluster_node *nodes, size_t count)
{
    char fresh[CLUSTER_NODES_MAX][CLUSTER_NAME_MAX + 1];
    size_t fresh_count = 0;
    for (size_t i = 1; i < count && fresh_count < CLUSTER_NODES_MAX; i++) {
        if (nodes[i].is_fresh) {
            snprintf(fresh[fresh_count++], sizeof *fresh, "%s", nodes[i].name);
        }
    }
    for (size_t i = 0; i < fresh_count; i++) {
        if (!was_fresh(clustered, fresh[i])) {
            tell_node(clustered, fresh[i], true);
        }
    }
    for (size_t i = 0; i < clustered->fresh_count; i++) {
        size_t at = 0;
        while (at < fresh_count && strcmp(fresh[at], clustered->fresh[i]) != 0) {
            at++;
        }
        if (at == fresh_count) {
            tell_node(clustered, clustered->fresh[i], false);
        }
    }
    memcpy(clustered->fresh, fresh, sizeof fresh);
    clustered->fresh_count = fresh_count;
}

/* While nodes apply what others have said they differ, for a moment. */
static void tell_difference(struct clustered *clustered, struct clustered_difference *difference,
                            const char *what, bool differs, int64_t now_ms)
{
    if (!differs) {
        if (difference->is_told) {
            log_info("cluster agrees what=%s", what);
            changes_tell_node(clustered->server->changes,
                              &(struct changes_node){.name = clustered->node, .turn = "agrees", .why = what});
        }
        *difference = (struct clustered_difference){.since_ms = 0};
        return;
    }
    difference->since_ms = difference->since_ms == 0 ? now_ms : difference->since_ms;
    if (!difference->is_told && now_ms - difference->since_ms > DIFFER_MS) {
        difference->is_told = true;
        log_warning("cluster differs what=%s hint=\"steerctl nodes shows which\"", what);
        changes_tell_node(clustered->server->changes,
                          &(struct changes_node){.name = clustered->node, .turn = "differs", .why = what});
    }
}

static void take_figures(struct clustered *clustered, const struct cluster_status *status,
                         const struct cluster_node *nodes, size_t count)
{
    struct clustered_figures figures = {.is_on = true,
                                        .phase = status->phase,
                                        .seq = status->at.seq,
                                        .head = status->head_seq,
                                        .pending = status->pending,
                                        .has_work = status->has_work,
                                        .written = clustered->written,
                                        .provisional = clustered->pended,
                                        .conflicts_found = clustered->conflict_count,
                                        .nodes = count};
    for (size_t i = 0; i < count; i++) {
        figures.fresh += nodes[i].is_fresh || i == 0;
        figures.differ_health += nodes[i].is_fresh && nodes[i].self.health != nodes[0].self.health;
        figures.differ_configuration +=
            nodes[i].is_fresh && nodes[i].self.configuration != nodes[0].self.configuration;
        figures.differ_clock += nodes[i].is_fresh && llabs(nodes[i].ahead_ms) > CLOCK_MS;
    }
    for (const struct clustered_conflict *at = clustered->conflicts; at != NULL; at = at->next) {
        figures.conflicts++;
    }
    pthread_mutex_lock(&clustered->lock);
    clustered->figures = figures;
    pthread_mutex_unlock(&clustered->lock);
}

void clustered_tell(struct clustered *clustered, int64_t now_ms)
{
    struct cluster_status status;
    const struct cluster_node *nodes;
    cluster_get_status(clustered->cluster, &status);
    size_t count = cluster_list_nodes(clustered->cluster, &nodes);
    take_figures(clustered, &status, nodes, count);
    tell_phase(clustered, &status);
    tell_work(clustered, &status);
    tell_nodes(clustered, nodes, count);
    tell_difference(clustered, &clustered->health, "health", clustered->figures.differ_health != 0, now_ms);
    tell_difference(clustered, &clustered->configuration, "configuration",
                    clustered->figures.differ_configuration != 0, now_ms);
    tell_difference(clustered, &clustered->clock, "clock", clustered->figures.differ_clock != 0, now_ms);
}

/* ---- metrics ---- */

static void print_number(struct buffer *out, const char *name, const char *help, uint64_t value)
{
    size_t len = strlen(name);
    bool is_total = len > 6 && strcmp(name + len - 6, "_total") == 0;
    print_head(out, name, is_total ? "counter" : "gauge", help);
    buffer_print(out, "%s %llu\n", name, (unsigned long long)value);
}

void clustered_write_metrics(struct clustered *clustered, struct buffer *out)
{
    if (clustered == NULL) {
        return;
    }
    pthread_mutex_lock(&clustered->lock);
    const struct clustered_figures figures = clustered->figures;
    pthread_mutex_unlock(&clustered->lock);
    if (!figures.is_on) {
        return;
    }
    print_head(out, "steerd_cluster_phase", "gauge",
               "How this node is with what the cluster was told: 1 for the one that is so.");
    for (int phase = CLUSTER_AWAY; phase <= CLUSTER_ESTRANGED; phase++) {
        buffer_print(out, "steerd_cluster_phase{phase=\"%s\"} %d\n",
                     cluster_phase_text((enum cluster_phase)phase),
                     figures.phase == (enum cluster_phase)phase);
    }
    print_number(out, "steerd_cluster_position", "Number of the last entry that this node has applied.",
                 figures.seq);
    print_number(out, "steerd_cluster_head",
                 "Number of the last entry of the cluster, as far as it is known.", figures.head);
    print_number(out, "steerd_cluster_nodes", "Nodes that are known, this one included.", figures.nodes);
    print_number(out, "steerd_cluster_nodes_fresh", "Nodes that were heard of within three seconds.",
                 figures.fresh);
    print_number(out, "steerd_cluster_nodes_other_health",
                 "Such nodes that count something as another state than this one.", figures.differ_health);
    print_number(out, "steerd_cluster_nodes_other_configuration",
                 "Such nodes that were loaded from something else than this one.",
                 figures.differ_configuration);
    print_number(out, "steerd_cluster_nodes_other_clock",
                 "Such nodes whose clock differs from this one's by more than a second.",
                 figures.differ_clock);
    print_number(out, "steerd_cluster_work", "Whether this node does what one of them does.",
                 figures.has_work);
    print_number(out, "steerd_cluster_pending", "Orders that hold here and that the cluster was not told of.",
                 figures.pending);
    print_number(out, "steerd_cluster_conflicts", "Conflicts that wait for an operator.", figures.conflicts);
    print_number(out, "steerd_cluster_conflicts_total", "Conflicts that were found here.",
                 figures.conflicts_found);
    print_number(out, "steerd_cluster_written_total", "Orders of this node that were written.",
                 figures.written);
    print_number(out, "steerd_cluster_provisional_total",
                 "Orders of this node that were provisional at first.", figures.provisional);
}
