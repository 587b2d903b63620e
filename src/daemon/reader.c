/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Readers: see reader.h. */
#include "config.h"

#include "daemon/reader.h"

#include "daemon/challenges.h"
#include "daemon/drill_schedule.h"
#include "daemon/hosts.h"
#include "daemon/incidents.h"
#include "daemon/lanes.h"
#include "daemon/primaries.h"
#include "daemon/reclaim.h"
#include "daemon/rules_lags.h"
#include "daemon/savepoints.h"
#include "daemon/switchovers.h"
#include "daemon/live.h"
#include "daemon/server.h"
#include "daemon/snapshot.h"
#include "daemon/tidings.h"
#include "daemon/withdrawal.h"
#include "answer/challenge.h"
#include "base/memory.h"

#include <stdlib.h>

struct reader *reader_open(struct server *server)
{
    struct reader *reader = memory_alloc(sizeof *reader);
    reader->server = server;
    reader->snapshot = server_get_snapshot(server);
    reader->turns = server->turns;
    reader->reloads = server->counted.reloads;
    reader->reload_failures = server->counted.reload_failures;
    primaries_get_stats(server->primaries, &reader->notifies);
    primaries_get_keeping(server->primaries, &reader->keeping);
    archive_get_stats(server->archive, &reader->archive);
    hosts_get_stats(server->hosts, &reader->resolutions);
    savepoints_get_stats(server->savepoints, &reader->points);
    reader->tidings = tidings_write_metrics(server);
    reader->schedule = drill_schedule_write_metrics(server->drill_schedule);
    rules_watch_get(server->rules, &reader->rules);
    reader->last_move_ms = rules_watch_get_last_move(server->rules);
    switchovers_count(server->switchovers, &reader->switchovers);
    incidents_count(server->incidents, reader->incidents);
    live_get_note(server->shadows, &reader->live_drill);
    withdrawal_get_note(server->withdrawal, &reader->serving);
    reader->challenges = challenges_hold(server->challenges);
    reader->errors = errors_look(server->errors, clock_now_ms(&server->clock));
    for (int lane = 0; lane < ADMIN_LANES; lane++) {
        worker_get_stats(lanes_get(server->lanes, (enum admin_lane)lane), &reader->work[lane]);
    }
    return reader;
}

static void list_spells(struct reader *reader, struct lock *lock)
{
    lock_take(lock);
    reader->override_changes = health_count_override_changes(reader->live->health);
    lock_leave(lock);
    reader->spells = rules_list_spells(reader->live, lock, &reader->spell_count);
}

struct reader *reader_open_live(struct server *server)
{
    struct reader *reader = memory_alloc(sizeof *reader);
    reader->server = server;
    reader->live = view_begin_copy(server->view);
    reader->generation = atomic_load_explicit(&reader->live->table->generation, memory_order_acquire);
    list_spells(reader, &server->lock);
    reader->lags = rules_list_lags(server, &reader->lag_count);
    reader->last_move_ms = rules_watch_get_last_move(server->rules);
    return reader;
}

bool reader_is_current(struct reader *reader)
{
    const struct view *live = reader->live, *now = reader->server->view;
    if (live->content != now->content || live->state != now->state) {
        return false;
    }
    lock_take(&reader->server->lock);
    bool is_same =
        atomic_load_explicit(&now->table->generation, memory_order_acquire) == reader->generation &&
        health_count_override_changes(now->health) == reader->override_changes;
    lock_leave(&reader->server->lock);
    return is_same;
}

static void abandon_live(void *live)
{
    view_abandon_copy(live);
}

void reader_close(struct reader *reader)
{
    if (reader->live != NULL) {
        reclaim_add(reader->server->reclaim, reader->live, abandon_live);
        free(reader->spells);
        free(reader->lags);
    } else {
        snapshot_release(reader->snapshot);
    }
    free(reader->errors.items);
    answer_challenges_release(reader->challenges);
    free(reader->tidings);
    free(reader->schedule);
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
