/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What safety rules forbid that go by the time: freezes are judged here, and the health machine is told
 * (health_forbid()); and time passes for those that wait. On the control thread. Private to src/daemon. */
#pragma once

#include <stdint.h>

struct server;

/* What they forbid now. Takes the health lock for moments. */
void rules_feed_follow(struct server *server, int64_t wall_ms);
