/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the server takes away from itself, by "confine" of its configuration. Private to src/daemon. */
#pragma once

struct conf_confine;
struct server;

/* What became of what the process is to have no more: 0: it has not; CONFINED_OFF; or an error. */
enum { CONFINED_OFF = 1 };
struct confined {
    int no_new_privileges, files;
};

/* Before there is any other thread, and before anything else is read or opened: whatever works at the start
 * works in a reload as well. Says why on stderr if it cannot become the user; what else does not hold is left
 * to confined_prepare(). */
int confined_begin(const char *path, struct confined *held);
/* Says what holds, and what a DNS thread has to begin with. Before serve_open(). */
void confined_prepare(struct server *server, const struct conf_confine *conf);
