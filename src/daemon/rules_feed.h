/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What safety rules forbid that go by the time: waits and freezes are judged here, and the health machine is
 * told (health_forbid()). On the control thread. Private to src/daemon. */
#pragma once

#include <stdint.h>

struct rules_feed;
struct server;

struct rules_feed *rules_feed_new(struct server *server);
void rules_feed_free(struct rules_feed *feed); /* NULL is fine */
/* What they forbid now. Takes the health lock for moments. */
void rules_feed_follow(struct rules_feed *feed, int64_t wall_ms);
/* Wall time: when a region left or came back last, by itself or by an order; 0: never. One that is held has
 * not left. */
int64_t rules_feed_get_last_move(const struct rules_feed *feed);
