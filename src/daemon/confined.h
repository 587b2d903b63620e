/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the server takes away from itself, by "confine" of its configuration. Private to src/daemon. */
#pragma once

struct conf_confine;
struct server;

/* Before there is any other thread, and before anything else is read or opened: whatever works at the start
 * works in a reload as well. Says why on stderr if it cannot. */
int confined_begin(const char *path);
/* What holds, and what a DNS thread has to begin with. Before serve_open(). */
void confined_prepare(struct server *server, const struct conf_confine *conf);
