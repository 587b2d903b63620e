/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Incidents (operate/incident.h): opened when a region or an az is observed as lost, ended when it is well
 * again, kept in the store; the oldest go. It looks twice a second at the words of regions and azs, so what
 * it knows does not hang on having seen every change: a reload, a restart and a takeover find the same. Of an
 * az in a region that is lost nothing is opened: that is the region's. Belongs to the control thread. Private
 * to src/daemon. */
#pragma once

#include "base/buffer.h"
#include "operate/incident.h"

struct incidents;
struct server;

#define INCIDENT_KIND "incident" /* of the store's objects */

struct incidents *incidents_open(struct server *server); /* NULL: no memory */
/* When workers and store have ended. NULL is fine. */
void incidents_close(struct incidents *incidents);
/* Read what the store in the folder holds (NULL: there is none), and look from now on. */
void incidents_begin(struct incidents *incidents, const char *folder);
/* One that could not be read then. */
void incidents_regain(struct incidents *incidents, const char *id, const char *value);
/* The ID of one that goes on; NULL: none does. */
const char *incidents_find_real(const struct incidents *incidents);
bool incidents_any(const struct incidents *incidents); /* is one on its way? */

/* Those that go on, by kind of what is lost. */
void incidents_count(const struct incidents *incidents, size_t counts[HEALTH_REGION + 1]);
void incidents_print_metrics(const size_t counts[HEALTH_REGION + 1], struct buffer *out);

/* See admin_verbs. */
size_t server_list_incidents(void *context, struct arena *arena, const struct incident ***items);
