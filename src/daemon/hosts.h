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

/* A view was published, with what its hosts had in the one before. From now on the resolver looks up the
 * hosts of this view; what is known of them by now is brought in from the event loop, some hosts at a time,
 * and the prober, which has a list of this view, is told. On the control thread, without the health lock. */
void hosts_follow(struct hosts *hosts, const struct view *view);
/* The wall clock was set by so much: what is known of TTLs goes along. */
void hosts_follow_clock(struct hosts *hosts, int64_t by_ms);
/* All zero if nothing was ever to be resolved. */
void hosts_get_stats(const struct hosts *hosts, struct resolve_stats *stats);
