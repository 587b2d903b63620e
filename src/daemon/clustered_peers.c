/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Nodes tell each other through etcd where they listen for each other, and what they show there: so what is
 * seen goes from node to node (peers.h). Who is known stays so while etcd is away. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/peers.h"
#include "daemon/server.h"
#include "base/hash.h"

#include <string.h>

_Static_assert((int)CLUSTER_FINGERPRINT_SIZE == (int)TLS_FINGERPRINT_SIZE, "a fingerprint has to fit");

/* What it says itself of that. Returns whether it is something else than before. */
bool clustered_take_own(const struct clustered *clustered, struct cluster_self *self)
{
    const struct peers *peers = clustered->server->peers;
    struct cluster_self before = *self;
    struct peer_own own = {.listen_count = 0};
    if (peers != NULL) {
        peers_get_own(peers, &own);
    }
    memset(self->listen, 0, sizeof self->listen);
    memset(self->fingerprint, 0, sizeof self->fingerprint);
    self->listen_count = own.listen_count < CLUSTER_LISTEN_MAX ? own.listen_count : CLUSTER_LISTEN_MAX;
    for (size_t i = 0; i < self->listen_count; i++) {
        self->listen[i] = own.listen[i];
    }
    self->has_fingerprint = own.has_fingerprint;
    if (own.has_fingerprint) {
        memcpy(self->fingerprint, own.fingerprint, sizeof self->fingerprint);
    }
    bool is_same = before.listen_count == self->listen_count &&
                   before.has_fingerprint == self->has_fingerprint &&
                   memcmp(before.fingerprint, self->fingerprint, sizeof self->fingerprint) == 0;
    for (size_t i = 0; is_same && i < self->listen_count; i++) {
        is_same = before.listen[i].port == self->listen[i].port &&
                  addr_equal(&before.listen[i].addr, &self->listen[i].addr);
    }
    return !is_same;
}

static uint64_t hash_node(uint64_t hash, const struct clustered_known *node)
{
    const struct cluster_self *self = &node->self;
    char text[ADDR_TEXT_SIZE];
    hash = hash_bytes(hash, node->name, strlen(node->name) + 1);
    hash = hash_bytes(hash, self->fingerprint, sizeof self->fingerprint);
    for (size_t i = 0; i < self->listen_count; i++) {
        const char *at = addr_write_port(&self->listen[i], text);
        hash = hash_bytes(hash, at, strlen(at) + 1);
    }
    return hash;
}

static void set_peers(struct clustered *clustered)
{
    struct peer list[CLUSTER_NODES_MAX];
    uint64_t hash = HASH_START;
    for (size_t i = 0; i < clustered->known_count; i++) {
        const struct clustered_known *node = &clustered->known[i];
        list[i] = (struct peer){.name = node->name,
                                .addresses = node->self.listen,
                                .address_count = node->self.listen_count,
                                .has_fingerprint = true};
        memcpy(list[i].fingerprint, node->self.fingerprint, sizeof list[i].fingerprint);
        hash = hash_node(hash, node);
    }
    if (hash != clustered->peers) {
        clustered->peers = hash;
        peers_set(clustered->server->peers, list, clustered->known_count);
    }
}

/* Before etcd has answered nobody but who was known before is known, and whether there is nobody is not. */
void clustered_follow_peers(struct clustered *clustered)
{
    struct cluster_status status;
    const struct cluster_node *nodes;
    size_t count = cluster_list_nodes(clustered->cluster, &nodes);
    cluster_get_status(clustered->cluster, &status);
    if (status.is_shut) {
        clustered_forget_all(clustered);
    } else if (status.phase == CLUSTER_FOLLOWING) {
        clustered_follow_known(clustered, nodes, count);
    }
    if (clustered->server->peers != NULL &&
        (status.phase == CLUSTER_FOLLOWING || clustered->known_count != 0 || clustered->peers != 0)) {
        set_peers(clustered);
    }
}
