/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What a supervisor such as systemd has for the server: sockets that it has bound (socket activation,
 * sd_listen_fds(3)) or kept while no process was there (its store of descriptors), and a watchdog. It is told
 * by spawn.h. On the control thread. Private to src/daemon. */
#pragma once

#include "serve/serve.h"

#include <sys/types.h>

struct activated;
struct server;

/* The sockets that this process was started with ($LISTEN_FDS); the environment forgets them, so there is no
 * other thread yet. What is no socket of a name server is closed, and the log says so. Owned. */
struct activated *activated_new(void);
/* Closes what is left of them. NULL is fine. */
void activated_free(struct activated *activated);
/* The options of the sockets: those of the same addresses are taken. To be called before serve_open(), and
 * after: what nobody wants is closed. */
void activated_lend_sockets(struct activated *activated, struct serve_options *options);
void activated_note_sockets(struct activated *activated, struct serve_options *options);
/* Queries are answered: the supervisor keeps these sockets from now on ($FDSTORE), instead of those that it
 * had, and hears that the control thread is alive ($WATCHDOG_USEC). */
void activated_begin(struct activated *activated, struct server *server);
/* That process is the service from now on: the supervisor is told, and hears nothing of this one any more. */
void activated_hand(struct activated *activated, pid_t to);
