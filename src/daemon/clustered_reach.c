/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Where what holds here without etcd is in force: told to other nodes, as far as that has come; and whether
 * what another one says was given on top of what is here. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/peers.h"
#include "daemon/server.h"
#include "base/log.h"

#include <inttypes.h>
#include <string.h>

/* Has this node what it was laid over, and nothing else? Then it holds as it is; else the safer of the two,
 * as of what is in conflict. */
bool clustered_is_laid_over(const struct clustered *clustered, const struct cluster_pending *pending,
                            const struct store_op *op)
{
    enum { MARKS_MAX = 64 };
    uint64_t marks[MARKS_MAX];
    struct cluster_status status;
    cluster_get_status(clustered->cluster, &status);
    bool is_so = pending->has_position == status.has_position &&
                 (!status.has_position || cluster_is_at(&pending->at, &status.at));
    size_t count = cluster_list_marks(clustered->cluster, op, marks, MARKS_MAX);
    for (size_t i = 0; i < count && is_so; i++) {
        bool is_known = marks[i] == pending->mark;
        for (size_t k = 0; k < pending->over_count && !is_known; k++) {
            is_known = pending->over[k] == marks[i];
        }
        is_so = is_known;
    }
    return is_so;
}

/* ---- telling ---- */

void clustered_tell_peers(struct clustered *clustered, const struct cluster_pending *pending,
                          const char *text)
{
    enum { TEXT_MAX = FLEET_ORDER_MAX - PEER_ORDER_AGE_MAX };
    if (pending->mark == 0 || strlen(text) > TEXT_MAX) {
        log_warning("order not told to other nodes mark=%016" PRIx64 " why=\"it is too long\"",
                    pending->mark);
        return;
    }
    peers_put_order(clustered->server->peers, pending->mark, text, pending->born_ms);
}

static void add(struct clustered_reach *reach, const char *name, bool holds)
{
    for (size_t i = 0; i < reach->in_force_count; i++) {
        if (strcmp(reach->in_force_on[i], name) == 0) {
            return;
        }
    }
    for (size_t i = 0; i < reach->waiting_count; i++) {
        if (strcmp(reach->waiting_for[i], name) == 0) {
            return;
        }
    }
    if (holds && reach->in_force_count < CLUSTER_NODES_MAX) {
        reach->in_force_on[reach->in_force_count++] = name;
    } else if (!holds && reach->waiting_count < CLUSTER_NODES_MAX) {
        reach->waiting_for[reach->waiting_count++] = name;
    }
}

void clustered_find_reach(const struct clustered *clustered, uint64_t mark, struct clustered_reach *reach)
{
    struct peer_order_status status;
    const struct cluster_node *nodes;
    const char *name;
    bool is_known = false, may_come = false;
    *reach = (struct clustered_reach){.in_force_count = 0};
    add(reach, clustered->node, true);
    for (size_t i = 0;
         (name = peers_look_at_order(clustered->server->peers, i, mark, &status, &is_known)) != NULL; i++) {
        bool holds = status.state == PEER_ORDER_HOLDS;
        add(reach, name, holds);
        may_come = may_come || (is_known && status.is_linked && !holds && status.state != PEER_ORDER_REFUSED);
    }
    size_t count = cluster_list_nodes(clustered->cluster, &nodes);
    for (size_t i = 1; i < count; i++) {
        add(reach, nodes[i].name, false);
    }
    bool is_majority = reach->in_force_count > reach->waiting_count;
    reach->is_over = !may_come || clustered->acknowledge == CLUSTER_LOCAL ||
                     (clustered->acknowledge == CLUSTER_MAJORITY && is_majority);
}
