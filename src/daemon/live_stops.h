/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What live drills have stopped by hooks, place by place, and have to undo: written to the store before the
 * first hook is run, and gone from there when the last one that undoes it has ended well. Until then it is
 * tried again, by this process and those after it. Belongs to the control thread, which waits for none of
 * it. Private to src/daemon. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct live_stops;
struct server;

/* A place could not be stopped: why, in words; what was done of it is undone. */
typedef void live_stops_failed(void *context, const char *id, const char *target, const char *why);

struct live_stops *live_stops_open(struct server *server, live_stops_failed *failed, void *context);
void live_stops_close(struct live_stops *stops); /* hooks and store have ended; NULL is fine */
/* Those of a process before: they are undone. */
void live_stops_learn(struct live_stops *stops, const char *folder);

struct live_stop {
    const char *id, *target; /* of the drill; "region:us-east" */
    const char *actor, *peer, *reason;
};
void live_stops_begin(struct live_stops *stops, const struct live_stop *what);
/* Once it is stopped, if it is not yet. */
void live_stops_undo(struct live_stops *stops, const char *id, const char *target);
/* Is a step of any under way? */
bool live_stops_any(const struct live_stops *stops);
/* That could not be undone so far; NULL: none. */
size_t live_stops_count_failed(const struct live_stops *stops);
