/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Recovery points (past/points.h) of the running server: made when one is due or asked for, dropped when they
 * have had their time, and with them what the depot keeps for nobody. A thread of its own does what waits for
 * the disk, the control thread submits what follows to the store. Everything here belongs to the control
 * thread. Private to src/daemon. */
#pragma once

#include "admin/admin.h"
#include "past/points.h"

struct savepoints;
struct server;

/* Of a store that is open, and its archive; without these there are none. 0 and owned, or a negative error.
 */
int savepoints_open(struct server *server, struct savepoints **savepoints);
/* This is the end: no more of them are made. NULL is fine. */
void savepoints_stop(struct savepoints *savepoints);
/* When the store and the archive have ended; else all of it has to stay. NULL is fine. */
void savepoints_close(struct savepoints *savepoints);

/* Another process is to go on: whoever waits for one that is not on its way into the store is told
 * ERROR_CANCELLED. NULL is fine. */
void savepoints_call_off(struct savepoints *savepoints);
/* Is any on its way? NULL: none. */
bool savepoints_any(const struct savepoints *savepoints);

/* See admin_verbs.change_point; also for those that are made before a restore. */
int savepoints_change(struct savepoints *savepoints, const struct admin_point_order *order,
                      admin_point_done *done, void *argument);
int server_change_point(void *context, const struct admin_point_order *order, admin_point_done *done,
                        void *argument); /* see admin_verbs */

/* What metrics and the status tell. */
void savepoints_get_stats(const struct savepoints *savepoints, struct admin_points_stats *stats);
