/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Geo databases are files that others replace. On the control thread. Private to src/daemon. */
#pragma once

struct geowatch;
struct server;

/* From now on, reload when a geo database of the current view changes. 0 or a negative error. */
int geowatch_start(struct server *server, struct geowatch **watch);
void geowatch_stop(struct geowatch *watch); /* NULL is fine */
