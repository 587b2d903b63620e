/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The list of the nodes that are known, and who is on it no more: an entry that says whose a name is takes
 * whoever had it off the list at once, and what comes late of that one is passed over. */
#include "config.h"

#include "cluster/inside.h"

#include <stdio.h>
#include <string.h>

size_t cluster_nodes_find(const struct nodes *nodes, const char *name)
{
    size_t at = 1;
    while (at < nodes->count && strcmp(nodes->list[at].name, name) < 0) {
        at++;
    }
    return at;
}

void cluster_nodes_forget(struct cluster *cluster, size_t at)
{
    struct nodes *nodes = &cluster->nodes;
    nodes->count--;
    memmove(&nodes->list[at], &nodes->list[at + 1], (nodes->count - at) * sizeof nodes->list[0]);
    nodes->has_changed = true;
}

bool cluster_nodes_is_gone(const struct nodes *nodes, uint64_t run)
{
    size_t i = 0;
    while (i < GONE_MAX && nodes->gone[i] != run) {
        i++;
    }
    return i < GONE_MAX;
}

void cluster_nodes_hear(struct cluster *cluster, const struct cluster_entry *entry)
{
    struct nodes *nodes = &cluster->nodes;
    for (size_t i = 0; i < entry->op_count; i++) {
        const char *name = entry->ops[i].key;
        if (strcmp(entry->ops[i].kind, CLUSTER_MEMBER_KIND) != 0 || strcmp(name, cluster->node) == 0) {
            continue;
        }
        size_t at = cluster_nodes_find(nodes, name);
        if (at < nodes->count && strcmp(nodes->list[at].name, name) == 0) {
            nodes->gone[nodes->gone_next++ % GONE_MAX] = nodes->list[at].run;
            cluster_nodes_forget(cluster, at);
        }
    }
}

/* ---- who lives ---- */

void cluster_nodes_take_alive(struct cluster *cluster, const char *name, const struct etcd_kv *kv)
{
    struct nodes *nodes = &cluster->nodes;
    struct cluster_holder who;
    bool is_read = kv != NULL && cluster_read_holder(kv->value, kv->value_len, &who) == 0;
    uint64_t run = is_read ? who.run : 0;
    size_t at = cluster_nodes_find(nodes, name);
    if (strcmp(name, cluster->node) == 0) {
        cluster_claim_see_alive(cluster, run);
    } else if (at < nodes->count && strcmp(nodes->list[at].name, name) == 0) {
        struct cluster_node *node = &nodes->list[at];
        bool was_there = node->is_leased && node->alive_run == node->run;
        node->is_lost = was_there ? run != node->run : node->is_lost && run != node->run;
        node->alive_run = run;
    }
}

void cluster_nodes_read_alive(struct cluster *cluster, const struct etcd_answer *answer, int64_t at_ms)
{
    struct nodes *nodes = &cluster->nodes;
    char key[CLUSTER_NAME_MAX + 8];
    nodes->term = answer->raft_term;
    if (answer->revision < cluster->follow.watch_revision) {
        return; /* the watch has told what came later */
    }
    for (size_t i = 0; i < nodes->count; i++) {
        struct cluster_node *node = &nodes->list[i];
        snprintf(key, sizeof key, "alive/%s", node->name);
        cluster_nodes_take_alive(cluster, node->name, cluster_find(cluster, answer, key));
        bool is_heard = i > 0 && node->is_leased && node->alive_run == node->run && node->term >= nodes->term;
        if (is_heard && node->heard_ms != INT64_MIN && node->heard_ms < at_ms) {
            node->heard_ms = at_ms;
        }
    }
}
