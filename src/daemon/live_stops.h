/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What live drills have stopped by hooks, place by place, and have to undo: written to the store before the
 * first hook is run, and gone from there when the last one that undoes it has ended well. Until then it is
 * tried again, by this process and those after it. Belongs to the control thread, which waits for none of
 * it. Private to src/daemon. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define LIVE_STOP_KIND "drill-stop" /* of the store's objects */

struct live_stops;
struct server;

/* A place could not be stopped: why, in words; what was done of it is undone. */
typedef void live_stops_failed(void *context, const char *id, const char *target, const char *why);

struct live_stops *live_stops_open(struct server *server, live_stops_failed *failed, void *context);
/* Hooks have ended; and the store, or what it may come back to stays. NULL is fine. */
void live_stops_close(struct live_stops *stops, bool has_ended);
/* Those of a process before: they are undone. */
void live_stops_learn(struct live_stops *stops, const char *folder);
/* Likewise, of a store that could not be read at the start (regain.h). */
void live_stops_regain(struct live_stops *stops, const char *key, const char *value);

struct live_stop {
    const char *id, *target; /* of the drill; "region:us-east" */
    const char *actor, *peer, *reason;
};
/* One that is being undone is stopped again after that. */
void live_stops_begin(struct live_stops *stops, const struct live_stop *what);
/* Once it is stopped, if it is not yet. */
void live_stops_undo(struct live_stops *stops, const char *id, const char *target);
/* Is a step of any under way? */
bool live_stops_any(const struct live_stops *stops);
/* That could not be undone so far; NULL: none. */
size_t live_stops_count_failed(const struct live_stops *stops);
