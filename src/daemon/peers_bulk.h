/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Parts of bundles on our links to other nodes: what is to be asked of them, from the porter's thread, and
 * blocks that come in pieces, to it (porter.h). Private to src/daemon. */
#pragma once

#include "conf/cluster.h"
#include "fleet/message.h"

#include <stdbool.h>

/* ---- what is to be asked; any thread ---- */

struct peer_wants;

/* A message as it is, for that node in that very connection. */
struct peer_want {
    struct peer_want *next;
    char node[CONF_NODE_NAME_MAX + 1];
    uint64_t connection;
    struct fleet_message message; /* its texts and items are of this */
    char bundle[FLEET_BUNDLE_SIZE];
    struct fleet_blocks items[];
};

struct peer_wants *peer_wants_new(void);
void peer_wants_free(struct peer_wants *wants); /* NULL is fine */
/* Copies. Returns whether it is the first one: whoever takes them is to be told. */
bool peer_wants_put(struct peer_wants *wants, const char *node, uint64_t connection,
                    const struct fleet_message *message);
/* All that there are, in their order: owned, each by itself (free). NULL: none. */
struct peer_want *peer_wants_take(struct peer_wants *wants);

/* ---- blocks; on the thread of the link ---- */

struct peer_block {
    uint8_t *octets; /* of the one that is coming; owned. NULL: none is */
    struct fleet_piece piece;
    char bundle[FLEET_BUNDLE_SIZE];
    uint32_t have;
};

/* Adds a piece. Returns the octets of the block that is whole with it, owned, and *block (texts borrowed
 * until the next call), or NULL: there are more to come, or it was not the next one, and what came of it is
 * gone. */
uint8_t *peer_block_add(struct peer_block *coming, const struct fleet_piece *piece,
                        struct fleet_message *block);
void peer_block_drop(struct peer_block *coming); /* nothing more will come of it */
