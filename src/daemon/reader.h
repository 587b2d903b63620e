/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the verbs that read look at: what serves now (on the control thread, under the lock, for moments), or
 * a snapshot, on a worker and without a lock. Orders are in a hurry and look at the health table itself. */
#pragma once

#include "daemon/archive.h"
#include "daemon/keeping.h"
#include "daemon/rules_watch.h"
#include "daemon/switchovers.h"
#include "admin/admin.h"
#include "base/spans.h"
#include "base/worker.h"
#include "notify/notify.h"
#include "operate/errors.h"
#include "probe/resolve.h"

struct answer_challenges;
struct lock;
struct server;
struct snapshot;
struct view;

struct reader {
    struct server *server;
    struct snapshot *snapshot; /* NULL: what serves now */
    struct view *live; /* of an order: content and words of what served when its turn came; else NULL */
    struct health_spell *spells; /* of an order: the overrides that were accepted then */
    size_t spell_count;
    struct health_lag_status *lags; /* likewise, as far as safety rules ask for them */
    size_t lag_count;
    uint64_t generation, override_changes; /* likewise: of the health table, and of overrides */
    /* What else the control thread knew when the snapshot was taken: */
    struct worker_stats work[ADMIN_LANES];
    struct notify_stats notifies;
    struct keeping_stats keeping;
    struct archive_stats archive;
    struct resolve_stats resolutions;
    struct admin_points_stats points;
    struct rules_seen rules;
    struct errors_list errors; /* owned */
    int64_t last_move_ms;      /* of a region: rules_watch.h */
    struct switchovers_counts switchovers;
    size_t incidents[HEALTH_REGION + 1]; /* that go on, by kind of what is lost */
    struct admin_live live_drill;        /* that runs */
    struct admin_serving serving;
    const struct answer_challenges *challenges; /* held; NULL: there are none */
    struct spans turns;                         /* of the control thread */
    uint64_t reloads, reload_failures;
    char *tidings;  /* metrics of webhooks and hooks, as text; NULL: there are none */
    char *schedule; /* likewise of regular drills */
};

/* A reader of a snapshot, returns owned; on the control thread. */
struct reader *reader_open(struct server *server);
/* Of the words that answers follow, which go on changing; only when overrides hold is copied. Likewise. */
struct reader *reader_open_live(struct server *server);
/* Is all that such a reader shows as it was when it was opened? On the control thread. */
bool reader_is_current(struct reader *reader);
/* On any thread. A view that was live may be all that is left of what served: it is freed where nobody waits.
 */
void reader_close(struct reader *reader);

/* What to read, between the two. */
const struct view *reader_begin(struct reader *reader);
void reader_end(struct reader *reader);
