/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What GET /v1/events of the admin API reads. Private to src/daemon. */
#pragma once

#include "base/buffer.h"

struct admin_feed;
struct server;

int feed_open(struct server *server);   /* before the stream is; returns 0 or -errno */
void feed_begin(struct server *server); /* when it is */
void feed_close(struct server *server); /* when nobody publishes any more */
/* And what was written of webhooks and hooks; NULL: nothing. */
void feed_write_metrics(const struct admin_feed *feed, const char *tidings, struct buffer *out);
