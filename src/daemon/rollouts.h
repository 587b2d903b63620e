/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bundles of configuration on their way into force on all nodes (doc/cluster.md, "Bundles"; rules:
 * cluster/rollout.h). What is under way is fetched (porter.h), compiled as a reload would, and the compiled
 * view is held until all are ready; then it is installed at once. The node that has the work decides. Belongs
 * to the control thread, but for what says otherwise. Private to src/daemon. */
#pragma once

#include "admin/rollout.h"
#include "cluster/rollout.h"

#include <stdbool.h>
#include <stdint.h>

struct buffer;
struct rollouts;
struct server;

struct rollouts *rollouts_open(struct server *server);
void rollouts_free(struct rollouts *rollouts); /* when the store has ended; NULL is fine */

/* What the store in the folder has (NULL: there is none); it waits for the disk. */
void rollouts_learn(struct rollouts *rollouts, const char *folder);
/* What could not be read then. */
void rollouts_regain(struct rollouts *rollouts, const char *value);
/* It is this now (NULL: gone), because another node said so. */
void rollouts_follow(struct rollouts *rollouts, const char *value);
/* What is due: several times a second, as long as this is a node. Never waits. */
void rollouts_go_on(struct rollouts *rollouts, int64_t now_ms);
void rollouts_leave(struct rollouts *rollouts); /* this is no node any more */
/* What it says of itself. Returns whether it is something else than before. */
bool rollouts_take_own(const struct rollouts *rollouts, struct cluster_bundle *bundle);

/* Is it active, or was before, or comes next, or serves here? Then its tree stays. */
bool rollouts_needs(const struct server *server, const char *id);

/* For the admin API, a JSON object, owned (free): {"active", "before", "next", "last", "nodes"}; NULL: this
 * is no node of a cluster. */
char *rollouts_write(const struct server *server);
/* See admin_verbs. */
void server_change_rollout(void *context, const struct admin_rollout_order *order, admin_rollout_done *done,
                           void *argument);
/* Any thread. */
void rollouts_write_metrics(struct rollouts *rollouts, struct buffer *out);
