/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An order on its way: judged, written to the store, in force, acknowledged. What cannot be written, or not
 * within half a second, is in force all the same, and the answer says that it is not durable. Orders of one
 * target keep their order; others are committed together. Belongs to the control thread. Private to
 * src/daemon. */
#pragma once

#include "admin/admin.h"

struct orders;
struct server;

struct orders *orders_open(struct server *server); /* NULL: no memory */
/* Whoever waits is told ERROR_CANCELLED. Only when the store has ended; NULL is fine. */
void orders_close(struct orders *orders);

/* See admin_verbs.put_override. */
int orders_put(struct orders *orders, const struct admin_order *order, admin_ordered_fn *done,
               void *argument);
/* What they waited for is over: begin those that can be. */
void orders_go_on(struct orders *orders);
/* What those want that are on their way; count: room, returns how many there are. */
size_t orders_list(const struct orders *orders, struct health_spell *spells, size_t count);
/* Is any on its way, not yet in force? */
bool orders_any(const struct orders *orders);
