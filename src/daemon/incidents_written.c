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

/* On its way there. What happened has happened, whether or not it can be written. */
struct writing {
    struct store_job job; /* the first */
    struct store_op ops[2];
    char *value, *key, *surplus;
    char reason[64];
};

static void on_written(struct store_job *job)
{
    struct writing *writing = (struct writing *)job;
    free(writing->value);
    free(writing->key);
    free(writing->surplus);
    free(writing);
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
    struct server *server = all->server;
    char *surplus = drop_surplus(all, what);
    if (!durable_has_store(server->durable)) {
        free(surplus);
        return;
    }
    struct writing *writing = memory_alloc(sizeof *writing);
    writing->value = incident_write_json(what);
    writing->key = memory_copy_text(what->id);
    writing->surplus = surplus;
    writing->ops[0] = (struct store_op){
        .kind = INCIDENT_KIND, .key = writing->key, .value = writing->value, .if_revision = STORE_ANY};
    writing->ops[1] =
        (struct store_op){.kind = INCIDENT_KIND, .key = writing->surplus, .if_revision = STORE_ANY};
    snprintf(writing->reason, sizeof writing->reason, "%s", turn);
    writing->job = (struct store_job){.cause = {.actor = "steerd", .reason = writing->reason},
                                      .ops = writing->ops,
                                      .op_count = surplus == NULL ? 1 : 2,
                                      .insists = true,
                                      .done = on_written};
    durable_submit(server->durable, &writing->job);
}

void incidents_tell(struct incidents *all, const struct incident *what, const char *turn)
{
    incidents_write_down(all, what, turn);
    changes_tell_incident(all->server->changes, what, turn);
}
