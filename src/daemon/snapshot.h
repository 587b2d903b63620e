/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Snapshots of what serves now: the view with a state of its own, for long computations on any thread. What
 * happens to the server meanwhile changes nothing of it, and nothing waits for it. Who asks soon after
 * another gets the same one, unless something was acknowledged or other answers are given since. Private to
 * src/daemon. */
#pragma once

#include "daemon/server.h"

struct snapshot;

/* The thread that copies. 0 or -errno; to be closed when nobody looks at a snapshot any more. */
int server_open_copier(struct server *server);
void server_close_copier(struct server *server);

/* ---- on the control thread ---- */

/* Returns held. */
struct snapshot *server_get_snapshot(struct server *server);
/* Whoever asks from now on sees what was changed. */
void server_forget_snapshot(struct server *server);
/* Nor is memory kept for those who might ask. */
void server_forget_old_snapshot(struct server *server);

/* ---- on any thread ---- */

/* Made when somebody looks for the first time, which takes its time. Read only: assumptions go on a copy. */
const struct view *snapshot_look(struct snapshot *snapshot);
void snapshot_release(struct snapshot *snapshot);
