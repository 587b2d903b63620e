/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Snapshots of the current view for whatever computes longer than a moment: answers, explain and reports read
 * one as they read the view that serves, and nobody waits for them. Taken on the control thread. */
#include "config.h"

#include "daemon/server.h"

struct view *server_take_snapshot(struct server *server)
{
    return view_copy(server->view, clock_wall_ms(&server->clock), &server->lock);
}

void server_free_snapshot(struct server *server, struct view *snapshot)
{
    (void)server;
    view_free(snapshot);
}
