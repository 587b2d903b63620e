/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the prober checks. On the control thread. Private to src/daemon. */
#pragma once

struct server;

/* Tell the prober what there is to check in the current view. */
void server_set_targets(struct server *server);
