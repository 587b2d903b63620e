/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bundles as the admin API and metrics show them: what is active, what is under way, and how each node is
 * with it. */
#include "config.h"

#include "daemon/rollouts_inside.h"

#include "daemon/clustered.h"
#include "daemon/documents.h"
#include "daemon/metrics_kept.h"
#include "daemon/server.h"
#include "daemon/stored.h"
#include "base/buffer.h"

#include <string.h>

/* ---- which are needed ---- */

bool rollouts_needs(const struct server *server, const char *id)
{
    const struct rollouts *all = server->rollouts;
    return all == NULL || !all->is_known || strcmp(id, documents_get_bundle(server->documents)) == 0 ||
           (strcmp(id, all->now.active.id) == 0 || strcmp(id, all->now.before) == 0 ||
            strcmp(id, all->now.next.id) == 0 || strcmp(id, all->own.id) == 0);
}

/* ---- for the admin API ---- */

static json_t *write_id(const char *id)
{
    return id[0] == '\0' ? json_null() : json_string(id);
}

static json_t *write_said(const struct rollout_said *said)
{
    if (said->id[0] == '\0') {
        return json_null();
    }
    json_t *object = json_object();
    json_object_set_new(object, "id", json_string(said->id));
    stored_set_time(object, "since", said->since_ms);
    stored_set_text(object, "actor", said->actor);
    stored_set_text(object, "reason", said->reason);
    stored_set_text(object, "role", said->role);
    return object;
}

static json_t *write_next(const struct rollout *now)
{
    json_t *object = write_said(&now->next);
    if (json_is_object(object)) {
        stored_set_time(object, "until", now->until_ms);
        json_object_set_new(object, "require", json_string(rollout_require_text(now->require)));
    }
    return object;
}

static json_t *write_last(const struct rollout *now)
{
    if (now->last.id[0] == '\0') {
        return json_null();
    }
    json_t *object = json_object(), *nodes = json_array();
    json_object_set_new(object, "id", json_string(now->last.id));
    json_object_set_new(object, "result", json_string(rollout_result_text(now->last.result)));
    stored_set_text(object, "why", now->last.why);
    stored_set_time(object, "at", now->last.at_ms);
    for (size_t i = 0; i < now->last.node_count; i++) {
        json_t *node = json_object();
        stored_set_text(node, "name", now->last.nodes[i].node);
        stored_set_text(node, "why", now->last.nodes[i].why);
        json_array_append_new(nodes, node);
    }
    json_object_set_new(object, "nodes", nodes);
    return object;
}

static json_t *write_node(const struct rollout_node *node, bool is_self)
{
    const struct cluster_bundle *bundle = node->bundle;
    bool is_told = bundle != NULL && bundle->is_told;
    json_t *object = json_object();
    stored_set_text(object, "name", node->name);
    json_object_set_new(object, "self", json_boolean(is_self));
    json_object_set_new(object, "fresh", json_boolean(node->is_fresh));
    json_object_set_new(object, "own_files", json_boolean(is_told && bundle->has_own_files));
    json_object_set_new(object, "serves", is_told ? write_id(bundle->serves) : json_null());
    json_object_set_new(object, "is", is_told ? json_string(cluster_bundle_text(bundle->is)) : json_null());
    if (is_told && bundle->is != CLUSTER_BUNDLE_NONE) {
        json_object_set_new(object, "id", write_id(bundle->id));
        json_object_set_new(object, "done", json_integer(bundle->done));
        stored_set_text(object, "why", bundle->why);
    }
    return object;
}

char *rollouts_write(const struct server *server)
{
    struct rollout_node nodes[2 * CLUSTER_NODES_MAX];
    const struct rollouts *all = server->rollouts;
    size_t count = clustered_list_said(server->clustered, nodes);
    if (all == NULL || count == 0) {
        return NULL;
    }
    json_t *object = json_object(), *list = json_array();
    json_object_set_new(object, "active", write_said(&all->now.active));
    json_object_set_new(object, "before", write_id(all->now.before));
    json_object_set_new(object, "next", write_next(&all->now));
    json_object_set_new(object, "last", write_last(&all->now));
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, write_node(&nodes[i], i == 0));
    }
    json_object_set_new(object, "nodes", list);
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

/* ---- metrics ---- */

void rollouts_count(struct rollouts *all)
{
    struct rollout_node nodes[2 * CLUSTER_NODES_MAX];
    const char *active = all->now.active.id;
    size_t count = clustered_list_said(all->server->clustered, nodes), fresh = 0, serving = 0;
    for (size_t i = 0; i < count; i++) {
        const struct cluster_bundle *bundle = nodes[i].bundle;
        fresh += nodes[i].is_fresh;
        serving += nodes[i].is_fresh && active[0] != '\0' && bundle != NULL && bundle->is_told &&
                   strcmp(bundle->serves, active) == 0;
    }
    pthread_mutex_lock(&all->lock);
    all->figures.is_on = count != 0;
    all->figures.is_active_here =
        active[0] != '\0' && strcmp(documents_get_bundle(all->server->documents), active) == 0;
    all->figures.is = all->own.is;
    all->figures.done = all->own.is == CLUSTER_BUNDLE_NONE ? 0 : all->own.done;
    all->figures.nodes = fresh;
    all->figures.serving = serving;
    pthread_mutex_unlock(&all->lock);
}

static void print_number(struct buffer *out, const char *name, const char *help, uint64_t value)
{
    print_head(out, name, "gauge", help);
    buffer_print(out, "%s %llu\n", name, (unsigned long long)value);
}

void rollouts_write_metrics(struct rollouts *all, struct buffer *out)
{
    if (all == NULL) {
        return;
    }
    pthread_mutex_lock(&all->lock);
    const struct rollouts_figures figures = all->figures;
    pthread_mutex_unlock(&all->lock);
    if (!figures.is_on) {
        return;
    }
    print_number(out, "steerd_bundle_active_here", "Whether this node serves the bundle that is active.",
                 figures.is_active_here);
    print_head(out, "steerd_bundle_state", "gauge",
               "How this node is with the bundle that it is to have: 1 for the one that is so.");
    for (int is = CLUSTER_BUNDLE_NONE; is <= CLUSTER_BUNDLE_FAILED; is++) {
        buffer_print(out, "steerd_bundle_state{state=\"%s\"} %d\n",
                     cluster_bundle_text((enum cluster_bundle_is)is),
                     figures.is == (enum cluster_bundle_is)is);
    }
    print_number(out, "steerd_bundle_done_percent", "Of the bundle that is fetched, what is here.",
                 figures.done);
    print_number(out, "steerd_bundle_nodes_serving",
                 "Nodes that were heard of within three seconds and serve the active bundle.",
                 figures.serving);
    print_number(out, "steerd_bundle_nodes", "Nodes that were heard of within three seconds.", figures.nodes);
    print_head(out, "steerd_bundle_rollouts_total", "counter",
               "Bundles that were to be active, by how that ended, as this process saw it.");
    for (int result = ROLLOUT_ACTIVE; result <= ROLLOUT_CANCELLED; result++) {
        buffer_print(out, "steerd_bundle_rollouts_total{result=\"%s\"} %llu\n",
                     rollout_result_text((enum rollout_result)result),
                     (unsigned long long)figures.ended[result]);
    }
}
