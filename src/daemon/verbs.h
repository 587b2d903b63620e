/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The admin API's table of functions. Private to src/daemon. */
#pragma once

#include "admin/admin.h"

struct server;

/* What they need. */
void verbs_open(struct server *server);
void verbs_close(struct server *server); /* nobody calls them any more */

void server_fill_verbs(struct server *server, struct admin_verbs *verbs);
