/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Restores and imports: what is wanted against what there is, previewed on a copy of what serves, and carried
 * out: a recovery point is saved, all changes are one transaction of the store (of several thousand ops
 * each), and hold when that is written, or after half a second. One engine, one at a time. Belongs to the
 * control thread. Private to src/daemon. */
#pragma once

#include "admin/admin.h"

struct restores;
struct server;

/* NULL: no memory. */
struct restores *restores_open(struct server *server);
/* Whoever waits is told ERROR_CANCELLED. Only when workers and store have ended; NULL is fine. */
void restores_close(struct restores *restores);

/* Is any under way that is more than a preview? NULL: none. */
bool restores_any(const struct restores *restores);

/* See admin_verbs.restore. */
void restores_start(struct restores *restores, const struct admin_restore *asked, admin_restore_done *done,
                    void *argument);
