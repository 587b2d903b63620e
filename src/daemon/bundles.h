/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Bundles (past/bundle.h) as somebody brings them here, looks at them and takes them away, by the admin API;
 * and the clean-up of old ones. A thread of its own, "bundles", is the one that waits for the disk. What
 * other nodes have comes by porter.h, into the same store. Belongs to the control thread. Private to
 * src/daemon. */
#pragma once

#include "admin/bundles.h"

struct bundles;
struct server;

/* For the state folder of the current view, where there is one: else *bundles is NULL, as all functions here
 * take it. 0 or -errno. */
int bundles_open(struct server *server, struct bundles **bundles);
/* This is the end: what is coming is lost, and who waits is told. Before the admin API is closed. */
void bundles_stop(struct bundles *bundles);
void bundles_close(struct bundles *bundles); /* nobody uses the store any more */

struct bundle_store *bundles_get_store(const struct bundles *bundles); /* NULL for NULL */
/* Old ones go, as far as rollouts_needs() does not say that they are needed; later. */
void bundles_tidy(struct bundles *bundles);

/* See admin_verbs.change_bundle. */
void server_change_bundle(void *context, const struct admin_bundle_ask *ask, admin_bundle_done *done,
                          void *argument);
