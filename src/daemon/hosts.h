/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Endpoints that are host names: runs the resolver on the control thread, brings what it hears into the
 * current view, tells the prober and the log. */
#pragma once

#include "probe/resolve.h"
#include "view/view.h"

struct hosts;
struct server;

struct hosts *hosts_open(struct server *server);
void hosts_close(struct hosts *hosts); /* NULL is fine */

/* Before a view is published, its health being carried over, under the health lock: what is known of its
 * hosts so far. The resolver looks up the hosts of this view from now on. */
void hosts_prepare(struct hosts *hosts, struct view *view);
/* All zero if nothing was ever to be resolved. */
void hosts_get_stats(const struct hosts *hosts, struct resolve_stats *stats);
