/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What operators have ordered, in the store (store/store.h): read from it before the first answer, written to
 * it once it is in force and before that is acknowledged (orders.h), and kept true when something starts or
 * ends by itself.
 * Belongs to the control thread, but for durable_note_turn(). Private to src/daemon. */
#pragma once

#include "base/report.h"
#include "health/health.h"
#include "store/store.h"

struct durable;
struct server;
struct view;

/* Opens the store in the folder; without one (NULL) nothing is durable. A store that cannot be opened is in
 * the report and does not stop the start: answers go on, and what is ordered is not durable. 0 and owned, or
 * a negative error: there is no thread or no memory for it. */
int durable_open(struct server *server, const char *folder, struct report *report, struct durable **durable);
/* Writes what waits, and ends the store. false: the disk hangs; then orders have to stay, and so has this.
 * NULL is fine. Other threads may go on to ask for the folder, until durable_free(). */
bool durable_close(struct durable *durable);
void durable_free(struct durable *durable);

/* For a takeover: the store is closed, so that another process can open it, and opened, for the first time or
 * again. Nothing is durable in between. It may be closed while durable_is_calm(): nothing is on its way into
 * it. *is_owed: something could not be written by then, and is forgotten with the store. */
bool durable_is_calm(const struct durable *durable, bool *is_owed);
bool durable_detach(
    struct durable *durable); /* false: the disk hangs; it is attached as soon as that does not */
int durable_attach(struct durable *durable, const char *folder, struct report *report);

/* What the store holds goes into the view; what has ended meanwhile goes out of the store. If it cannot be
 * read that is tried until it can, and what it holds comes into force then (regain.h). */
void durable_restore(struct durable *durable, struct view *view, struct report *report);

/* ---- orders ---- */

/* One is in force, and goes to the store now. */
void durable_note_order(struct durable *durable, enum health_kind kind, const char *name);

/* Many that are put in turns (batch.h): until all are, the store is not told what their targets are by
 * themselves. */
struct durable_order {
    bool (*covers)(const struct durable_order *order, enum health_kind kind, const char *name);
    struct durable_order *next;
};
void durable_begin(struct durable *durable, struct durable_order *order);
void durable_end(struct durable *durable, struct durable_order *order);
bool durable_is_begun(const struct durable *durable, enum health_kind kind, const char *name);

/* How long whoever ordered something that is in force waits for the disk, and what he is told then. */
int64_t durable_patience_us(const struct durable *durable, bool is_emergency);
const char *durable_slow_text(bool is_emergency);
/* One that holds and is not written yet, because the disk takes its time; and now it is, or has failed. */
void durable_note_late(struct durable *durable, int by);
/* What became of such a one, in its `done`. since_us: when it was in force. */
void durable_tell_late(struct durable *durable, const struct store_job *job, int64_t since_us);

/* Is there a store at all? */
bool durable_has_store(const struct durable *durable);
/* It could not be read at the start, and has not been since: what it holds is not known. */
bool durable_is_unread(const struct durable *durable);
void durable_submit(struct durable *durable, struct store_job *job);
/* Where there is a cluster: whose order a job is. */
struct durable_sender {
    /* An operator's: clustered_begin_change(). NULL: of the server's own accord, or of whose request is
     * handled just now. Only compared: it may be over. */
    const void *change;
    /* Without an order: it is written as long as nothing has changed since durable_see() said `sight`, before
     * it was judged, or not at all. */
    bool needs_sight;
    uint64_t sight;
};
/* One that insists and gets ERROR_CONFLICT was taken back: what held before holds again, and the store has
 * that. One that needs sight gets ERROR_PRECONDITION if it does not insist. */
void durable_send(struct durable *durable, struct store_job *job, const struct durable_sender *sender);
uint64_t durable_see(const struct durable *durable);
/* Of steerd's own accord, and nobody waits for it: what has happened has happened, whether or not it can be
 * written. Keys and values are copied, kinds are constants. Without a store nothing is written. */
void durable_note(struct durable *durable, const struct store_op *ops, size_t count, const char *why);

/* By which jobs go that are not this server's alone (clustered.h). NULL: none, each goes to the store.
 * Copied. */
struct durable_way {
    void *context;
    void (*submit)(void *context, struct store_job *job, const struct durable_sender *sender);
    uint64_t (*see)(void *context);
    bool (*is_calm)(void *context);
    uint32_t (*find_patience_ms)(void *context); /* how much longer that may take */
};
void durable_set_way(struct durable *durable, const struct durable_way *way);
void durable_submit_here(struct durable *durable, struct store_job *job); /* whatever way there is */

/* NULL: there is no store. It ends with that, also for a takeover. */
struct store_watch *durable_watch(struct durable *durable, const struct store_watch_options *options);

/* ---- what comes about ---- */

/* Under the health lock, on the control thread: an override has started or ended; durable_follow() is to be
 * called without the lock. */
void durable_note_turn(void *context, const struct health_override_turn *turn);
void durable_follow(struct durable *durable);
/* The store is to hold of the target what the current view does. */
void durable_keep(struct durable *durable, enum health_kind kind, const char *name, const char *why);
/* It is to hold nothing of it. */
void durable_forget(struct durable *durable, enum health_kind kind, const char *name, const char *why);
/* It is to hold all whose times have been moved along with the clock: in turns, the first of them now. */
void durable_keep_durations(struct durable *durable, int64_t by_ms);

/* ---- looking; any thread ---- */

struct durable_status {
    const char *state;        /* "ok"; "failing": what holds and what is durable differ; "none" */
    struct store_stats stats; /* `owed` with what the disk takes its time for */
};
/* NULL: there is none. */
const char *durable_get_folder(const struct durable *durable);
void durable_get_status(const struct durable *durable, struct durable_status *status);
