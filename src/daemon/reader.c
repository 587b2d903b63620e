/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Readers: see reader.h. */
#include "config.h"

#include "daemon/reader.h"

#include "daemon/hosts.h"
#include "daemon/lanes.h"
#include "daemon/primaries.h"
#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "base/memory.h"

#include <stdlib.h>

struct reader *reader_open(struct server *server)
{
    struct reader *reader = memory_alloc(sizeof *reader);
    reader->server = server;
    reader->snapshot = server_get_snapshot(server);
    reader->turns = server->turns;
    reader->reloads = server->reloads;
    reader->reload_failures = server->reload_failures;
    primaries_get_stats(server->primaries, &reader->notifies);
    primaries_get_keeping(server->primaries, &reader->keeping);
    hosts_get_stats(server->hosts, &reader->resolutions);
    for (int lane = 0; lane < ADMIN_LANES; lane++) {
        worker_get_stats(lanes_get(server->lanes, (enum admin_lane)lane), &reader->work[lane]);
    }
    return reader;
}

struct reader *reader_open_live(struct server *server)
{
    struct reader *reader = memory_alloc(sizeof *reader);
    reader->server = server;
    reader->live = view_begin_copy(server->view);
    return reader;
}

void reader_close(struct reader *reader)
{
    if (reader->live != NULL) {
        view_abandon_copy(reader->live);
    } else {
        snapshot_release(reader->snapshot);
    }
    free(reader);
}

const struct view *reader_begin(struct reader *reader)
{
    if (reader->snapshot != NULL) {
        return snapshot_look(reader->snapshot);
    }
    lock_take(&reader->server->lock);
    return reader->server->view;
}

void reader_end(struct reader *reader)
{
    if (reader->snapshot == NULL) {
        lock_leave(&reader->server->lock);
    }
}
