/* SPDX-License-Identifier: BSD-3-Clause
 *
 * This server as a node of a cluster (doc/cluster.md): what operators say goes through etcd before the local
 * store has it, and what others say comes into force here. Without "cluster" in steerd.json it does nothing.
 * Belongs to the control thread, but for what says otherwise. Private to src/daemon. */
#pragma once

#include "admin/cluster.h"

#include <stdint.h>

struct buffer;
struct clustered;
struct server;
struct view;

/* Of a server that has this view at first. NULL: no memory. */
struct clustered *clustered_new(struct server *server, const struct view *view);
/* What the store of the folder holds is in force, and it can be written: be a node from now on, if the
 * configuration says so, and follow that. Once more after clustered_stop() is fine. */
void clustered_begin(struct clustered *clustered, const char *folder);
/* Whoever waits is told; what was not written is provisional. While the store is open. `is_end`: what
 * is this node's is given back before this returns, if etcd answers in a moment. NULL is fine. */
void clustered_stop(struct clustered *clustered, bool is_end);
void clustered_free(struct clustered *clustered); /* when the store has ended; NULL is fine */

/* Another node, which is known by its certificate, says that this holds there and etcd does not know it yet:
 * vantages_answer_order() will be called. Any thread. */
void clustered_hear_order(struct clustered *clustered, unsigned number, const char *node, uint64_t mark,
                          const char *text);
/* Is there an etcd to be heard of, and is it? NULL: none. */
bool clustered_uses_etcd(const struct clustered *clustered, bool *is_reached);
/* It is a node, and it is not known yet whether all that the cluster was told is in force here. NULL: no. */
bool clustered_is_behind(const struct clustered *clustered);
/* Somebody wants to be a node: fleet_answer_join() comes later. */
void clustered_admit(struct server *server, uint64_t connection, const char *from, const char *what);

/* All nodes that are known, this one first, with what they say of bundles; room for twice CLUSTER_NODES_MAX.
 * Borrowed until something changes. 0: this is no node. */
struct rollout_node;
size_t clustered_list_said(const struct clustered *clustered, struct rollout_node *nodes);
/* Nothing is on its way, to etcd or from there: what is known is what durable_see() says. */
bool clustered_is_calm(const struct clustered *clustered);

void clustered_fill_verbs(struct admin_cluster_verbs *verbs);

enum { CLUSTERED_SELF_SIZE = 96 };
/* This process, as a node: "ns1/feedbeef01234567"; "": it is none. */
const char *clustered_write_self(const struct clustered *clustered, char text[CLUSTERED_SELF_SIZE]);
/* Is it another node that is heard of now? */
bool clustered_hears(const struct clustered *clustered, const char *self);

/* ---- an order that waits for something outside; `change` is of admin_cluster_verbs.begin_change ---- */

/* Others may have the turn, as soon as it is known what has become of what it has written by now: that is
 * told, once, at once or later. NULL, or over: it has no turn to give. */
void clustered_rest_change(struct clustered *clustered, const void *change, admin_spread_fn *rests,
                           void *argument);
/* It wants the turn again: what holds then is what it is to be judged on. Likewise. */
void clustered_resume_change(struct clustered *clustered, const void *change, admin_turn_fn *ready,
                             void *argument);
/* Nothing, where there is no cluster. Any thread. */
void clustered_write_metrics(struct clustered *clustered, struct buffer *out);
