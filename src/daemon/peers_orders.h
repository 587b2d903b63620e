/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What holds here, is no entry of the cluster yet, and is told to the other nodes over our links to them:
 * each of them, in the order in which it came to hold here, in each connection, until it says that it holds
 * there or it is forgotten here. Any thread. Private to src/daemon. */
#pragma once

#include "conf/cluster.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PEER_ORDER_AGE_MAX = 40 }; /* octets by which a text that is told is longer */

struct fleet_link;
struct peer_orders;

/* `fd` (borrowed) is written to whenever another node says something of one. */
struct peer_orders *peer_orders_new(int fd);
void peer_orders_free(struct peer_orders *orders); /* NULL is fine */

/* Copies the text, an object of JSON; it is told with "age_ms", for how long it holds by then. What is there
 * already stays as it is. It has held since born_ms (monotonic; 0: not known). */
void peer_orders_put(struct peer_orders *orders, uint64_t mark, const char *text, int64_t born_ms);
void peer_orders_drop(struct peer_orders *orders, uint64_t mark);
void peer_orders_drop_all(struct peer_orders *orders);

enum peer_order_state { PEER_ORDER_UNTOLD, PEER_ORDER_TOLD, PEER_ORDER_HOLDS, PEER_ORDER_REFUSED };
/* Of that node. False: it is forgotten. */
bool peer_orders_get(struct peer_orders *orders, uint64_t mark, const char *node,
                     enum peer_order_state *state);

/* ---- on the thread of the link ---- */

/* What that node was not told in this connection, or long ago and has not answered; it goes with the next
 * fleet_link_tell(). */
void peer_orders_tell(struct peer_orders *orders, const char *node, struct fleet_link *link, int64_t now_ms);
/* Why: "": it holds there. */
void peer_orders_hear(struct peer_orders *orders, const char *node, uint64_t mark, const char *why);
