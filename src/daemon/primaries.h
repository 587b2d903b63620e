/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The zones that others copy from this server: which serial each one has, what copies hold of its steered
 * names, and who is told when either changes. Owned by the control thread.
 *
 * Serials that are not the files' are kept in the file "serials" of the state folder, written before they are
 * served. Flips are looked for once a second, so a hundred of them in that time are one new serial. */
#pragma once

#include "base/arena.h"
#include "notify/notify.h"
#include "view/view.h"

#include <stddef.h>
#include <stdint.h>

struct buffer;
struct server;
struct primaries;

/* Reads the state. `view` is the first one: its state folder holds for the life of the server. */
struct primaries *primaries_open(struct server *server, const struct view *view);
void primaries_close(struct primaries *primaries); /* NULL is fine */

/* Before a view is published, its health being carried over: give its zones their serials. */
void primaries_prepare(struct primaries *primaries, struct view *view);
/* After that: list the secondaries, tell them the news. */
void primaries_follow(struct primaries *primaries, struct view *view);

/* Likewise for one zone that is going to take its place in the current view, or did. */
void primaries_prepare_zone(struct primaries *primaries, struct zone *zone, uint64_t fingerprint);
void primaries_follow_zone(struct primaries *primaries, const struct zone *zone);

/* The secondaries of the zone of this origin; *count of them, in the arena. */
const struct notify_status *primaries_list(const struct primaries *primaries, const char *origin,
                                           struct arena *arena, size_t *count);
void primaries_get_stats(const struct primaries *primaries, struct notify_stats *stats);
