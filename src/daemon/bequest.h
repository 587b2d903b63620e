/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a process that goes gives to the next one: see takeover.h, and doc/architecture.md for the messages.
 * Private to src/daemon. */
#pragma once

#include "serve/serve.h"

#include <jansson.h>

struct outbox;
struct server;

/* {"say": …}, owned */
json_t *bequest_say(const char *what);
/* At the beginning; descriptors are borrowed until they are sent. */
void bequest_send_files(struct outbox *outbox, const struct server *server);
void bequest_send_sockets(struct outbox *outbox, const struct serve_socket *sockets, size_t count);
/* When nothing changes any more, and the store is still open. If it is owed something (which could not be
 * written) that is the next one's to write, and *owed, owned: a list for handed_keep(), should there be no
 * next one. Else NULL. 0, or an error of reading the store, and nothing was sent. */
int bequest_send_state(struct outbox *outbox, struct server *server, json_t **owed);
/* When the store is closed: the next one may begin. */
void bequest_send_end(struct outbox *outbox, bool is_owed);
