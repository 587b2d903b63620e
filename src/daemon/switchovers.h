/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Switchovers (operate/switchover.h) of the running server: kept in the store with the overrides that they
 * want, in one transaction; carried out by batches; led on by time, also after a restart. Those that are over
 * are kept for looking, the oldest go. Belongs to the control thread. Private to src/daemon. */
#pragma once

#include "admin/admin.h"

#define SWITCHOVER_KIND "switchover" /* of the store's objects */

struct buffer;
struct server;
struct switchovers;

struct switchovers *switchovers_open(struct server *server); /* NULL: no memory */
/* When workers and store have ended; whoever waits is told ERROR_CANCELLED. NULL is fine. */
void switchovers_close(struct switchovers *switchovers);
/* Read what the store in the folder holds (NULL: there is none); it waits for the disk. To be called once
 * what the store says of overrides is in force. */
void switchovers_learn(struct switchovers *switchovers, const char *folder);
/* One that could not be read then. */
void switchovers_regain(struct switchovers *switchovers, const char *id, const char *value);
/* Their steps are taken here from now on: of hooks that another node has begun to run nobody knows more. */
void switchovers_take_over(struct switchovers *switchovers);
/* It is this now (NULL: gone), because another node said so. */
void switchovers_follow(struct switchovers *switchovers, const char *id, const char *value);
/* The wall clock was set by so much. NULL is fine. */
void switchovers_follow_clock_step(struct switchovers *switchovers, int64_t by_ms);

/* Is a verb under way? NULL: none. */
bool switchovers_any(const struct switchovers *switchovers);

/* How many there are. */
struct switchovers_counts {
    size_t states[SWITCHOVER_STATES];
    size_t held; /* whose steps are */
};
void switchovers_count(const struct switchovers *switchovers, struct switchovers_counts *counts);
void switchovers_print_metrics(const struct switchovers_counts *counts, struct buffer *out);

/* See admin_verbs. */
size_t server_list_switchovers(void *context, struct arena *arena, const struct switchover ***items);
void server_change_switchover(void *context, const struct admin_switchover_order *order,
                              admin_switchover_done *done, void *argument);
