/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What peers.c, whom the control thread calls, and peers_link.c, one conversation, share. Private to them. */
#pragma once

#include "daemon/peers.h"

/* ---- peers_link.c: on the thread "peers" ---- */

struct peer_link;

/* What a link needs; borrowed, and longer there than it. */
struct peer_world {
    struct server *server;
    struct event_base *base;
    uint64_t run;
    char node[CONF_NODE_NAME_MAX + 1]; /* what this node is called */
    struct tls_context *context;
    struct peer_orders *orders; /* that each of them is told */
};

/* Begins to reach it. Copies. Returns owned; NULL: no memory. */
struct peer_link *peer_link_open(const struct peer_world *world, const struct peer *peer);
void peer_link_close(struct peer_link *link);
const char *peer_link_name(const struct peer_link *link);
/* May it go on as this one? Then it is sought where that is from now on. */
bool peer_link_adopt(struct peer_link *link, const struct peer *peer);
/* What is seen of that may be another; of anything may. To be told by peer_link_tell(). */
void peer_link_note(struct peer_link *link, uint64_t identity);
void peer_link_note_all(struct peer_link *link);
void peer_link_tell(struct peer_link *link); /* and orders, if it is connected */
/* In that very connection, if it is that still. */
void peer_link_ask(struct peer_link *link, uint64_t connection, const struct fleet_message *message);
void peer_link_get_status(const struct peer_link *link, struct peer_status *status);
