/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An order on its way: judged and in force in one turn, then written to the store and acknowledged. No disk
 * is asked before answers have changed. What cannot be written, or not within durable_patience_us(), is
 * acknowledged all the same, and the answer says that it is not durable. Orders reach the store in the order
 * in which they came into force; those that meet there are committed together. Belongs to the control thread.
 * Private to src/daemon. */
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
/* What those want that are not in force yet; count: room, returns how many there are. */
size_t orders_list(const struct orders *orders, struct health_spell *spells, size_t count);
/* Is any not in force yet? */
bool orders_wait(const struct orders *orders);
/* Or not acknowledged? */
bool orders_any(const struct orders *orders);
