/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A reload in two steps: a bundle of configuration is compiled, and the view is held; later it is installed,
 * at once, unless another view serves by then. One is held at a time. On the control thread. Private to
 * src/daemon. */
#pragma once

#include "admin/admin.h"

struct server;

/* Compile what the tree of this bundle says, instead of what is held: `done` is called once, later, and
 * nothing is held if it could not be, has errors, or contains what the role may not bring. ERROR_CONFLICT:
 * not now, a reload is running. */
int server_hold_bundle(struct server *server, const char *id, enum role role,
                       void (*done)(void *argument, const struct admin_reload_result *result),
                       void *argument);
/* Is it held, and good for what serves now? */
bool server_holds_bundle(const struct server *server, const char *id);
/* Install what is held: `done` likewise, once it serves, or could not. ERROR_CONFLICT: not now; it is held
 * on. */
int server_install_held(struct server *server,
                        void (*done)(void *argument, const struct admin_reload_result *result),
                        void *argument);
void server_drop_held(struct server *server); /* nothing is fine */
