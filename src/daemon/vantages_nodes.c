/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The other nodes of the cluster among the vantages: who they are follows from the configuration, or from
 * what the cluster knows, and not from our store. Their numbers are free ones from the top, which stay with
 * the name while it is a node, from process to process. */
#include "config.h"

#include "daemon/vantages_inside.h"

#include "daemon/peers.h"
#include "daemon/server.h"

#include <stdio.h>
#include <string.h>

/* Those who are there now. */
static void place(struct vantages *vantages)
{
    pthread_mutex_lock(&vantages->lock);
    vantages_place_nodes(vantages, vantages->members);
    pthread_mutex_unlock(&vantages->lock);
    if (vantages->server->view != NULL) {
        vantages_tell_all(vantages);
    }
}

static bool is_same(const struct vantages *vantages, const struct vantage_member *nodes, size_t count)
{
    return count == vantages->node_count && memcmp(nodes, vantages->nodes, count * sizeof *nodes) == 0;
}

void vantages_set_nodes(struct vantages *vantages, const struct peer *nodes, size_t count)
{
    struct vantage_member wanted[FLEET_MEMBERS_MAX];
    memset(wanted, 0, sizeof wanted);
    count = count < FLEET_MEMBERS_MAX ? count : (size_t)FLEET_MEMBERS_MAX;
    for (size_t i = 0; i < count; i++) {
        wanted[i].is_node = true;
        wanted[i].is_enrolled = nodes[i].has_fingerprint;
        snprintf(wanted[i].name, sizeof wanted[i].name, PEER_PREFIX "%.*s", (int)CONF_NODE_NAME_MAX,
                 nodes[i].name);
        if (nodes[i].has_fingerprint) {
            memcpy(wanted[i].fingerprint, nodes[i].fingerprint, sizeof wanted[i].fingerprint);
        }
    }
    if (!is_same(vantages, wanted, count)) {
        memcpy(vantages->nodes, wanted, sizeof wanted);
        vantages->node_count = count;
        place(vantages);
    }
}

void vantages_weigh_nodes(struct vantages *vantages, uint32_t weight)
{
    if (vantages->node_weight != weight) {
        vantages->node_weight = weight;
        if (vantages->node_count != 0) {
            place(vantages);
        }
    }
}

bool vantages_get_fingerprint(const struct vantages *vantages, uint8_t fingerprint[TLS_FINGERPRINT_SIZE])
{
    memcpy(fingerprint, vantages->fingerprint, TLS_FINGERPRINT_SIZE);
    return vantages->has_fingerprint;
}
