/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The list of the nodes that are known, and who is on it no more: an entry that says whose a name is takes
 * whoever had it off the list at once, and what comes late of that one is passed over. */
#include "config.h"

#include "cluster/inside.h"

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
