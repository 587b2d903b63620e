/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The verbs that read the journal, on a worker, each with a reader of the store of its own. Private to
 * src/daemon. */
#pragma once

#include "admin/admin.h"

/* See admin_verbs. */
int server_read_journal(void *context, struct admin_journal *journal, struct arena *arena);
int server_verify_journal(void *context, struct admin_audit *audit, struct arena *arena);
int server_list_points(void *context, struct admin_points *points, struct arena *arena);
