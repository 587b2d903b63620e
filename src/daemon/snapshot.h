/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Snapshots of what serves now. Private to src/daemon. */
#pragma once

struct server;
struct view;

/* The thread that copies. 0 or -errno; to be closed when nobody finishes a snapshot any more. */
int server_open_copier(struct server *server);
void server_close_copier(struct server *server);
/* The current view with a state of its own, for long computations on any thread: what happens to the server
 * meanwhile changes nothing of it, and nothing waits for it. It is begun on the control thread and has to be
 * finished before it is read, on a thread that may wait: then it is a view to be freed on any thread. One
 * that is not finished is to be abandoned (view_abandon_copy). */
struct view *server_begin_snapshot(struct server *server);
void server_finish_snapshot(struct server *server, struct view *snapshot);
