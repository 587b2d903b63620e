/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The wait of a start for the first checks. Until every endpoint that a policy uses and that has checks has
 * been heard of, or "start_wait" is over, queries wait in the sockets, so that nobody is sent to a region
 * that turns out to be dead a moment later. A node of a cluster waits for half a second at most until it has
 * what was ordered while it was down. Runs on the control thread, as a timer: signals, reloads and the
 * admin socket work meanwhile. Private to src/daemon. */
#pragma once

struct server;

/* When all is there, but nobody answers: call `answer` as soon as enough is known, at once if there is
 * nothing to wait for. Returns what that returned, or 0; what it returns later is server->start_error and
 * ends the event loop. */
int opening_begin(struct server *server, int (*answer)(struct server *server));
/* Queries are answered: to the log; and to whoever supervises this process, who hears it from then on. */
void opening_say_ready(struct server *server);
void opening_tell_supervisor(struct server *server);
/* Stop waiting, without answering. Nothing to stop is fine. */
void opening_end(struct server *server);
