/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What holds on a node and could not be told to the cluster, as text: it lies so in the node's store, and
 * goes so to other nodes without etcd. What is not understood is refused as a whole: the caller says so.
 * Pure. Callers: clustered_*.c. */
#pragma once

#include "cluster/cluster.h"

enum { CLUSTERED_OVER_MAX = 256 }; /* marks; one more than that is a conflict more */

/* Owned; NULL: it is too long. */
char *clustered_write_pending(const struct cluster_pending *pending, const char *node);
/* Of one that another node has told just now, with its age: since when it holds, monotonic; 0: not known. */
int64_t clustered_find_birth(const char *text, int64_t now_ms);
/* Of such a text, from anywhere: all but the number. 0, ERROR_SYNTAX or ERROR_INVALID, and *why (static). */
int clustered_parse_pending(const char *text, struct arena *arena, struct cluster_pending *pending,
                            const char **why);
