/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The sockets of DNS at a start: own ones, those of the server before, or those of a supervisor. Private to
 * src/daemon. */
#pragma once

struct report;
struct server;
struct view;

/* Fills the options of the sockets, and binds those that nobody has yet. 0, or a negative error, and all that
 * cannot be bound is in the report. */
int server_open_sockets(struct server *server, const struct view *view, struct report *report);
