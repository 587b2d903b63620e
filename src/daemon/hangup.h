/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What SIGHUP asks for: a reload, or, by configuration and after an upgrade, a takeover. On the control
 * thread. Private to src/daemon. */
#pragma once

struct server;

void server_hang_up(struct server *server);
