/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Which tree of a state folder is to be served, by what its store says. Any thread; both wait for the disk.
 * Private to src/daemon. */
#pragma once

#include "cluster/rollout.h"

#include <stdbool.h>

/* The one that served last here (rollouts_note()): another one that is active has to be taken as an order is,
 * by what its order may bring. Where nothing was noted the active one; if that is not here the one before it,
 * else the one that came last. False: there is none, or nothing is active. */
bool rollouts_choose(const char *state, char id[CLUSTER_BUNDLE_ID_SIZE]);
/* That this bundle serves. "": none does yet; NULL: the configuration is not that of a bundle. */
void rollouts_note(const char *state, const char *id);
/* What all nodes were told, as the store has it. 0; ERROR_NOT_FOUND: nothing; else why it cannot be read, and
 * *why (static; "": the error says it all). */
int rollouts_read(const char *folder, struct rollout *rollout, const char **why);
