/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The timer for what happens by itself at a time: overrides that start or end, loads that grow old. On the
 * control thread. Private to src/daemon. */
#pragma once

struct server;

/* 0 or -ENOMEM; it is armed by the next function. The event is the server's. */
int server_open_expiry(struct server *server);
/* Arm the timer for the next override that starts or ends, and loads that grow old. */
/* If the wall clock was set since the last look: what was given as a duration keeps its length. Before an
 * override is put, and once a second. */
void server_follow_clock_step(struct server *server);
void server_schedule_expiry(struct server *server);
