/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One live drill at a time on all nodes of a cluster: the shared object "drilling" / "live" says which node
 * runs one, and until when at most. It is written before the drill begins, with the turn of who ordered it.
 * Where there is no cluster nothing of this is needed. Belongs to the control thread. Private to src/daemon.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DRILLING_KIND "drilling"

enum { DRILLING_NODE_SIZE = 96 };

/* "ns1/feedbeef01234567"; "": nobody runs one. */
struct drilling {
    char node[DRILLING_NODE_SIZE];
    int64_t ends_ms; /* wall */
};

struct arena;
struct server;
struct store_cause;

/* What the store in the folder has; and another node has said this (NULL: it is over). */
void drilling_learn(struct server *server, const char *folder);
void drilling_follow(struct server *server, const char *value);
/* In words that another node runs one; NULL: none does. What a node has begun before it was started anew is
 * over. */
const char *drilling_find_other(const struct server *server, struct arena *arena);
/* This node wants to. `done` is called once, at once or later: 0, or it cannot be written. `change`: of
 * admin_cluster_verbs. */
void drilling_begin(struct server *server, const struct store_cause *cause, const void *change,
                    void (*done)(void *argument, int error), void *argument);
void drilling_end(struct server *server); /* or never began; does nothing if it is not this process's */
/* What a process before this one has left behind is over. */
void drilling_clean(struct server *server);
