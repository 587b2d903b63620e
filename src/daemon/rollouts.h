/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bundles of configuration on their way into force on all nodes (doc/cluster.md, "Bundles"). Private to
 * src/daemon. */
#pragma once

#include "past/bundle.h"

#include <stdbool.h>

struct server;

/* Which tree of the state folder is to be served: the active bundle's. False: there is none. Any thread;
 * waits for the disk. */
bool rollouts_choose(const char *state, char id[BUNDLE_ID_SIZE]);
/* Is it active, or was before, or comes next, or serves here? Then its tree stays. */
bool rollouts_needs(const struct server *server, const char *id);
/* For the admin API, a JSON object, owned (free); NULL: there is nothing to tell. */
char *rollouts_write(const struct server *server);
