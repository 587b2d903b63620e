/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Is it to be seen from outside? Queries to the addresses that this server listens at, as any client would
 * send them, on a worker. Private to src/daemon. */
#pragma once

#include "operate/switchover_look.h"

struct server;

/* Adds the finding "answers": of 4096 queries and two seconds at most, to each listen address by UDP and TCP.
 */
void switchover_probe(const struct server *server, const struct view *view, const struct switchover_ask *ask,
                      struct arena *arena, struct switchover_look *look);
