/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whoever waits for the next entry of the journal, by a watch of the store. On the control thread. Private to
 * src/daemon. */
#pragma once

#include "admin/admin.h"

/* See admin_verbs. */
void *server_watch_journal(void *context, const struct admin_journal *journal, admin_news *news,
                           void *argument);
void server_unwatch_journal(void *watch);
bool server_has_journal(void *context);
