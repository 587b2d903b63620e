/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is shown of vantages: who they are, how they are connected, and what their opinions count. On any
 * thread. */
#include "config.h"

#include "daemon/vantages_inside.h"

#include "base/error.h"
#include "base/hex.h"
#include "daemon/peers.h"
#include "daemon/reader.h"
#include "daemon/server.h"
#include "daemon/stored.h"
#include "health/opinion.h"
#include "view/view.h"

#include <string.h>

static const char *keep(const char *text, struct arena *arena)
{
    return text[0] == '\0' ? NULL : arena_copy_text(arena, text);
}

static void add_connection(const struct fleet_status *status, const struct server *server,
                           struct arena *arena, struct admin_vantage *to)
{
    int64_t ahead_ms = clock_wall_ms(&server->clock) - clock_now_ms(&server->clock);
    to->state = status->is_connected ? "connected" : to->enrolled_ms != 0 ? "away" : "invited";
    to->since_ms = status->since_ms == 0 ? 0 : status->since_ms + ahead_ms;
    to->heard_ms = status->heard_ms == 0 ? 0 : status->heard_ms + ahead_ms;
    to->from = keep(status->from, arena);
    to->software = keep(status->software, arena);
    to->why = keep(status->why, arena);
    to->generation = status->generation;
    to->is_current = status->is_current;
    to->behind_ms = status->behind_ms;
    to->targets = status->targets;
    to->checks = status->checks;
    to->refused = status->refused;
    to->refused_why = keep(status->refused_why, arena);
    to->declined_why = keep(status->declined_why, arena);
    to->round_trip_us = status->is_connected ? status->round_trip_us : 0;
    to->connections = status->connections;
    to->lines = status->lines;
    to->opinions = status->opinions;
    to->outdated = status->outdated;
    to->waiting = status->waiting;
}

/* How we are connected there, whose vantage we are. */
static void add_node(const struct vantage_member *member, const struct server *server, struct arena *arena,
                     struct admin_vantage *to)
{
    struct peer_status status = {.state = FLEET_LINK_WAITING};
    int64_t ahead_ms = clock_wall_ms(&server->clock) - clock_now_ms(&server->clock);
    struct admin_node_link *node = arena_alloc(arena, sizeof *node);
    const char *name = to->name + strlen(PEER_PREFIX);
    (void)peers_get_status(server->peers, name, &status);
    *node = (struct admin_node_link){.name = name,
                                     .state = fleet_link_state_text(status.state),
                                     .why = keep(status.why, arena),
                                     .since_ms = status.since_ms == 0 ? 0 : status.since_ms + ahead_ms,
                                     .heard_ms = status.heard_ms == 0 ? 0 : status.heard_ms + ahead_ms,
                                     .round_trip_us = status.round_trip_us,
                                     .connections = status.connections,
                                     .told = status.told,
                                     .targets = status.targets,
                                     .unknown = status.unknown};
    to->node = node;
    to->state = strcmp(to->state, "invited") == 0 && member->is_enrolled ? "away" : to->state;
}

static void add_opinions(const struct view *view, const struct server *server, struct admin_vantage *to)
{
    struct health_vantage_status status;
    if (health_get_vantage(view->health, to->number, clock_now_ms(&server->clock), &status)) {
        to->counts = status.is_fresh;
        to->aside[0] = status.aside[0];
        to->aside[1] = status.aside[1];
        to->up = status.up;
        to->down = status.down;
    }
}

static void describe(struct vantages *vantages, const struct vantage_member *member, struct arena *arena,
                     struct admin_vantage *to)
{
    struct fleet_status status = {.is_connected = false};
    char text[2 * TLS_FINGERPRINT_SIZE + 1];
    *to = (struct admin_vantage){.name = arena_copy_text(arena, member->name),
                                 .number = member->number,
                                 .weight = member->weight,
                                 .drained = member->drained,
                                 .invited_until_ms = member->has_token ? member->token_until_ms : 0,
                                 .enrolled_ms = member->is_enrolled ? member->enrolled_ms : 0};
    if (member->is_enrolled) {
        to->fingerprint =
            arena_copy_text(arena, hex_write(member->fingerprint, sizeof member->fingerprint, text));
    }
    if (vantages->fleet != NULL) {
        fleet_get_status(vantages->fleet, member->number, &status);
    }
    add_connection(&status, vantages->server, arena, to);
    if (member->is_node) {
        add_node(member, vantages->server, arena, to);
    }
}

int server_list_vantages(void *context, struct arena *arena, struct admin_vantages *list)
{
    struct reader *reader = context;
    struct vantages *vantages = reader->server->vantages;
    char text[2 * TLS_FINGERPRINT_SIZE + 1];
    *list = (struct admin_vantages){.items = arena_alloc(arena, FLEET_MEMBERS_MAX * sizeof *list->items)};
    pthread_mutex_lock(&vantages->lock);
    list->is_on = vantages->fleet != NULL && vantages->has_fingerprint;
    if (vantages->has_fingerprint) {
        list->fingerprint =
            arena_copy_text(arena, hex_write(vantages->fingerprint, sizeof vantages->fingerprint, text));
    }
    for (unsigned i = 1; i < FLEET_MEMBERS_MAX; i++) {
        if (vantages->members[i].number != 0) {
            describe(vantages, &vantages->members[i], arena, &list->items[list->count++]);
        }
    }
    pthread_mutex_unlock(&vantages->lock);
    const struct view *view = reader_begin(reader);
    for (size_t i = 0; i < list->count && view->health != NULL; i++) {
        add_opinions(view, reader->server, &list->items[i]);
    }
    reader_end(reader);
    return 0;
}
