/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Incidents on their way into the store, where so many of them are kept, and told of. */
#include "config.h"

#include "daemon/incidents_inside.h"

#include "daemon/changes.h"
#include "daemon/durable.h"
#include "daemon/incident_json.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEPT_MAX = 200 };

void incidents_drop(struct incidents *all, struct kept_incident *kept)
{
    struct kept_incident **at = &all->first;
    while (*at != kept) {
        at = &(*at)->next;
    }
    *at = kept->next;
    if (kept->reader != NULL) {
        reader_close(kept->reader);
    }
    free(kept);
}

/* The oldest other one that is over, if there are too many of them. Returns its ID, owned. */
static char *drop_surplus(struct incidents *all, const struct incident *what)
{
    size_t over = 0;
    struct kept_incident *oldest = NULL;
    for (struct kept_incident *kept = all->first; kept != NULL; kept = kept->next) {
        if (kept->what.back_ms != 0 && !kept->is_looking && !kept->is_predicting && !kept->is_judging) {
            over++;
            oldest = &kept->what == what ? oldest : kept;
        }
    }
    if (over <= KEPT_MAX) {
        return NULL;
    }
    char *id = memory_copy_text(oldest->what.id);
    incidents_drop(all, oldest);
    return id;
}

void incidents_write_down(struct incidents *all, const struct incident *what, const char *turn)
{
    char *surplus = drop_surplus(all, what), *value = incident_write_json(what);
    const struct store_op ops[] = {
        {.kind = INCIDENT_KIND, .key = what->id, .value = value, .if_revision = STORE_ANY},
        {.kind = INCIDENT_KIND, .key = surplus, .if_revision = STORE_ANY}};
    durable_note(all->server->durable, ops, surplus == NULL ? 1 : 2, turn);
    free(surplus);
    free(value);
}

void incidents_tell(struct incidents *all, const struct incident *what, const char *turn)
{
    incidents_write_down(all, what, turn);
    changes_tell_incident(all->server->changes, what, turn);
}
