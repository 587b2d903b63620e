/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Limits at run time. On the control thread. Private to src/daemon. */
#pragma once

#include "serve/serve.h"

#include <stddef.h>

struct server;
struct view;

/* As configured, but no more clients than there are descriptors for; says so. */
void server_find_tcp_limits(const struct view *view, struct serve_tcp_limits *limits);
/* How many clients of the admin socket the descriptors permit. */
size_t server_find_admin_places(void);
/* From now on log which prefixes are rate-limited, if any are. 0, or -1 without memory. */
int server_start_reports(struct server *server);
/* TCP clients, checks in flight and admin connections are descriptors: take all that the system permits. */
void server_raise_descriptor_limit(void);
