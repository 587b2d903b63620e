/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the configuration was, kept: after each load that serves, a start, a reload or that of one zone, a
 * worker of its own, "archive", copies the files that were read into the depot of the state folder
 * (past/depot.h), writes a manifest of them beside, and then the store is told: configuration/current →
 * {"main", "manifest", "generation"}, if that says anything new. So the files of any moment follow from the
 * journal. Nobody waits for it: neither the load, nor the control thread, nor an order. A file that is
 * another one by the time its turn comes is listed as not kept, never taken for what was loaded. What cannot
 * be written is tried again, and is said once.
 *
 * Belongs to the control thread. Private to src/daemon. */
#pragma once

#include "base/worker.h"
#include "past/depot.h"

#include <stdbool.h>
#include <stdint.h>

struct archive;
struct server;
struct store_job;
struct view;
struct view_zone_update;

/* For the state folder of the current view, where there is one: else *archive is NULL, as all functions here
 * take it. Begins with the current view; `what` it comes from: "start". 0 or -errno. */
int archive_open(struct server *server, const char *what, struct archive **archive);
/* From now on nothing is begun, and what runs ends soon: before the store is closed. */
void archive_hurry(struct archive *archive);
void archive_close(struct archive *archive);

/* The view that serves now, or what serves of one zone: takes what was noted of their files. */
void archive_follow(struct archive *archive, struct view *view, const char *what);
void archive_follow_zone(struct archive *archive, struct view_zone_update *update);

/* For a takeover: nothing is written any more, once it is paused. Or it goes on. */
void archive_pause(struct archive *archive, bool paused);
bool archive_is_paused(const struct archive *archive);

/* ---- for whatever else works on what is kept ---- */

/* A job for the worker; it runs when what serves has been copied, or could not be. `done` is called in any
 * case, and sees in the progress whether it was called off. ERROR_BUSY: too many wait. */
int archive_submit(struct archive *archive, struct worker_job *job);
/* Call one off: if it waits, `done` is called at once. */
void archive_cancel(struct archive *archive, struct worker_job *job);
/* Of `done`, or whenever: into the store, unless this is the end or a takeover; then the job fails at once.
 */
void archive_store(struct archive *archive, struct store_job *job);

/* Any thread. Wall: since when something has served that is not kept yet, so that the journal says what was
 * before; 0: all is kept. */
int64_t archive_get_unkept(const struct archive *archive);

enum { ARCHIVE_WHY_SIZE = 512 };

struct archive_stats {
    const char *state;              /* "ok", "failing", "none": nothing is kept */
    char reason[ARCHIVE_WHY_SIZE];  /* why it fails; "": it does not */
    int64_t since_ms;               /* wall: it fails since then; 0: it does not */
    int64_t kept_ms;                /* wall: when what serves was found to be kept; 0: not yet */
    char manifest[DEPOT_NAME_SIZE]; /* ""; that of kept_ms */
    size_t files, missing;          /* of it; of these not kept */
    uint64_t captures, failures, written;
    /* attempts that succeeded; that failed; files that were new to the depot */
};
void archive_get_stats(const struct archive *archive, struct archive_stats *stats);
