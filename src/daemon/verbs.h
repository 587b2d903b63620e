/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The admin API's table of functions. Private to src/daemon. */
#pragma once

#include "admin/admin.h"

struct server;

void server_fill_verbs(struct server *server, struct admin_verbs *verbs);
