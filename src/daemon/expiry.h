/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The timer for what happens by itself at a time: overrides that start or end, loads that grow old. On the
 * control thread. Private to src/daemon. */
#pragma once

struct server;

/* 0 or -ENOMEM; it is armed by the next function. The event is the server's. */
int server_open_expiry(struct server *server);
/* Arm the timer for the next override that starts or ends, and loads that grow old. */
void server_schedule_expiry(struct server *server);
