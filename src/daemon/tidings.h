/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Webhooks and hooks of the server: when they begin, follow the configuration and end. On the control thread.
 * Private to src/daemon. */
#pragma once

#include "base/buffer.h"

#include <stdbool.h>

struct server;
struct tidings;

int tidings_open(struct server *server);    /* before the stream is; returns 0 or -errno */
int tidings_begin(struct server *server);   /* when the state folder is ours alone, and the view serves */
void tidings_follow(struct server *server); /* another view serves */
/* Another process is about to go on with webhooks: they are written down. False: it does not after all. */
void tidings_freeze(struct server *server, bool is_frozen);
bool tidings_are_calm(const struct server *server); /* they are, or cannot be */
void tidings_leave(struct server *server);          /* it does: what waits for hooks here is run yet */
bool tidings_are_idle(const struct server *server);
void tidings_stop(struct server *server);  /* nobody is told any more */
void tidings_close(struct server *server); /* when nobody publishes any more */
/* Returns owned text of metrics; NULL: there are none. */
char *tidings_write_metrics(const struct server *server);
