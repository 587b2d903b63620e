/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The zones that others copy from this server: which serial each one has, what copies hold of its steered
 * names, and who is told when either changes. Owned by the control thread.
 *
 * Serials that are not the files' are kept in the file "serials" of the state folder, in blocks and before
 * they are served (keeper.h, keeping.h): a flip waits for no disk. Flips are looked for once a second, so a
 * hundred of them in that time are one new serial. */
#pragma once

#include "base/arena.h"
#include "notify/notify.h"
#include "view/view.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keeping_stats;
struct server;
struct primaries;
struct serials;

/* Reads the state. `view` is the first one: its state folder holds for the life of the server. */
struct primaries *primaries_open(struct server *server, const struct view *view);
/* The process ends: whoever waits for the disk here goes on. From any thread. NULL is fine. */
void primaries_hurry(struct primaries *primaries);
void primaries_close(struct primaries *primaries); /* NULL is fine */

/* ---- another process takes over ---- */

/* As keeping_give(), keeping_is_given() and keeping_take_back(). */
void primaries_give(struct primaries *primaries);
bool primaries_are_given(struct primaries *primaries);
void primaries_take_back(struct primaries *primaries);

/* ---- a new view, in four steps ---- */

/* 1. On the thread that loads: what serials the view may need are kept. Waits for the disk, and needs no
 * lock. */
void primaries_reserve(struct primaries *primaries, const struct view *view);
/* 2. On any thread, without a lock, the health that is going to be served being in the view: what copies hold
 * is rendered, zones get their serials. From here to step 4 flips of the current view get none, so the view
 * has to be published, or primaries_drop() called. */
void primaries_prepare(struct primaries *primaries, struct view *view);
void primaries_drop(struct primaries *primaries);
/* 3. On the control thread, before the current view or a part of it goes away: nobody here reads it any more.
 */
void primaries_let_go(struct primaries *primaries);
/* 4. On the control thread, when the view is published: list the secondaries, tell them the news. */
void primaries_follow(struct primaries *primaries, struct view *view);

/* Likewise for one zone that is going to take its place in the view (1, 2), or did (4). Only the first is for
 * the thread that loads. */
void primaries_reserve_zone(struct primaries *primaries, const struct view *view, const struct zone *zone,
                            uint64_t fingerprint);
void primaries_prepare_zone(struct primaries *primaries, struct zone *zone, uint64_t fingerprint);
void primaries_follow_zone(struct primaries *primaries, const struct zone *zone);

/* The secondaries of the zone of this origin; *count of them, in the arena. */
const struct notify_status *primaries_list(const struct primaries *primaries, const char *origin,
                                           struct arena *arena, size_t *count);
void primaries_get_stats(const struct primaries *primaries, struct notify_stats *stats);
void primaries_get_keeping(const struct primaries *primaries, struct keeping_stats *stats);
