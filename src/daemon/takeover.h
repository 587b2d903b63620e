/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Being replaced without losing a query: the running server starts the installed program beside itself, gives
 * it its sockets, locks and what operators said, and ends when that one answers. Whatever goes wrong before,
 * the new one is killed and this one goes on as if nothing had been. The other side is in heir.h; what they
 * say to each other is in doc/architecture.md. On the control thread. Private to src/daemon. */
#pragma once

#include "admin/admin.h"

#include <stdbool.h>

struct server;
struct takeover;

/* The new process finds its end of the channel by this variable: a descriptor. */
#define TAKEOVER_VARIABLE "STEERD_TAKEOVER"

/* By the installed program, which is started; or by a process that waits to be met (heir.h, an invitation).
 * done (may be NULL) is called once, later. 0, ERROR_CONFLICT: a takeover is under way; ERROR_UNSUPPORTED:
 * no program that this process starts can replace it, because whoever started it takes its end for that of
 * the service; ERROR_BUSY: it does not answer yet; or another negative error. */
int takeover_start(struct server *server, bool is_invited,
                   void (*done)(void *argument, const struct admin_takeover_result *result), void *argument);
/* Does another process answer, so that this one only lasts as long as its connections? */
bool takeover_has_left(const struct server *server);
/* Somebody wants a reload, and this process has left: the other one is told. Returns whether that is so. */
bool takeover_pass_hangup(const struct server *server);
/* The server ends: so does the new process, if it does not answer yet. NULL is fine. */
void takeover_close(struct takeover *takeover);