/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The running server: its parts, which find each other here. Plain data, below all of them; what puts them
 * together is run.c. The control thread (the caller of server_run) owns the event base, the admin socket,
 * timers and publishing. The health machine of the current view is shared with the prober thread: `lock` is
 * held around every use of it. Private to src/daemon. */
#pragma once

#include "daemon/checked.h"
#include "daemon/confined.h"
#include "daemon/counted.h"
#include "daemon/drilling.h"
#include "daemon/folders.h"
#include "daemon/last.h"
#include "daemon/program.h"
#include "daemon/refusals.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/lock.h"
#include "base/spans.h"
#include "serve/serve.h"
#include "view/view.h"

#include <stdbool.h>
#include <stdint.h>

struct activated;
struct admin;
struct admin_feed;
struct archive;
struct batches;
struct bundles;
struct challenges;
struct changes;
struct clustered;
struct copier;
struct documents;
struct durable;
struct ends;
struct errors_feed;
struct event;
struct event_base;
struct geowatch;
struct heir;
struct herald;
struct hooks;
struct hosts;
struct drill_reports;
struct drill_schedule;
struct incidents;
struct witness;
struct kind;
struct lanes;
struct opening;
struct orders;
struct peers;
struct porter;
struct primaries;
struct prober;
struct reader;
struct reclaim;
struct reload;
struct restores;
struct rollouts;
struct serials;
struct revisions;
struct rules_watch;
struct shadows;
struct savepoints;
struct sheets;
struct snapshot;
struct switchovers;
struct takeover;
struct taps;
struct teller;
struct tidings;
struct tokens;
struct traffic;
struct vantages;
struct withdrawal;

struct server {
    const char *path; /* of steerd.json */
    char *const *argv;
    bool is_invited;          /* takes over from whoever serves with this configuration, if anybody does */
    char *runner;             /* the program that runs commands of checks */
    struct sheets *sheets;    /* the files that checks look into */
    struct confined confined; /* what the process cannot do any more */
    struct program program;   /* the file of argv[0] as it was at the start */
    struct refusals refusals; /* at the admin API */
    struct tokens *tokens;    /* of it */
    struct challenges *challenges; /* of ACME */
    struct documents *documents;   /* that the API may own */
    struct clock clock;
    int64_t started_ms;        /* wall */
    int64_t clock_offset_ms;   /* between the clocks: what durations of overrides go by */
    char boot[FILE_BOOT_SIZE]; /* of the machine, by which that is told */
    int start_error;           /* what ended the start after it had waited; 0: nothing */
    struct event_base *base;
    struct spans turns; /* of the control thread: its processor time between two waits */
    struct ends *ends;  /* signals, and the end */
    struct folders folders;
    struct changes *changes;            /* the stream of what changes */
    struct teller *teller;              /* of wide changes */
    struct event *expiry;               /* timer: the next override to start or end */
    struct event *report;               /* timer: what rates did */
    uint64_t reported[ANSWER_COUNTERS]; /* up to its last run */
    struct view_slot *slot;
    struct view *view; /* current; changed by the control thread under the lock */
    struct lock lock;  /* health machine of `view`, and `view` for the prober */
    struct serve_options serve_options;
    struct serve *serve;
    struct taps *taps;           /* of dnstap and the query log */
    struct opening *opening;     /* of the start, until queries are answered; then NULL */
    struct activated *activated; /* what a supervisor gave */
    struct heir *heir;           /* of the server before, until that one ends; NULL: none */
    struct takeover *takeover;   /* by another one; NULL: none */
    struct prober *prober;
    struct checked checked;    /* by the prober: how checks ended */
    struct hosts *hosts;       /* endpoints that are host names */
    struct vantages *vantages; /* hosts that check, too */
    struct peers *peers;       /* the other nodes of the cluster, which are some of them */
    struct porter *porter;     /* of bundles, to and from them */
    struct admin *admin;
    struct admin_feed *feed;       /* its streams of events */
    struct tidings *tidings;       /* what these two need */
    struct herald *herald;         /* webhooks */
    struct hooks *hooks;           /* commands that are run because of events */
    struct copier *copier;         /* of snapshots */
    struct snapshot *snapshot;     /* the last one, while others may get it; NULL: none */
    struct lanes *lanes;           /* workers for answers of it that take long */
    struct reader *current;        /* of what serves now, for those that do not */
    struct primaries *primaries;   /* zones that others copy */
    struct serials *serials;       /* of these, at all nodes of the cluster */
    const struct kind *kinds;      /* kinds.h: of objects in the store, by enum store_kind_id */
    struct durable *durable;       /* the store of what operators order */
    struct clustered *clustered;   /* its part in a cluster */
    struct rollouts *rollouts;     /* bundles of configuration, likewise */
    bool is_node;                  /* of a cluster */
    char node[DRILLING_NODE_SIZE]; /* "ns1/feedbeef01234567": this process as one; "": it is none */
    struct drilling drilling;      /* which node runs a live drill */
    bool works_elsewhere;          /* another node does what one of them does */
    struct withdrawal *withdrawal; /* whether it is to be asked at all */
    struct revisions *revisions;   /* of what it holds */
    void (*store_is_read)(struct server *server); /* what could not be read at the start */
    struct orders *orders;                        /* overrides on their way */
    struct batches *batches;                      /* of overrides, on their way */
    struct rules_watch *rules;                    /* since when safety rules are kept or violated */
    struct restores *restores;                    /* on their way */
    struct switchovers *switchovers;
    struct shadows *shadows;               /* drills that only some clients see */
    struct incidents *incidents;           /* losses of regions and azs */
    struct witness *witness;               /* when answers had followed */
    struct drill_reports *drill_reports;   /* of drills that are over */
    struct drill_schedule *drill_schedule; /* those that are done regularly */
    struct traffic *traffic;               /* answers that were given */
    struct errors_feed *errors;            /* of requests that fail, as reported */
    struct savepoints *savepoints;         /* recovery points; NULL: there are none */
    struct reclaim *reclaim;               /* of what is not served any more */
    struct reload *reload;                 /* NULL: none is running */
    bool reload_again;                     /* after a takeover */
    struct reload *edits;                  /* those that wait for it to end: of documents, or everything */
    struct reload *held;                   /* what was compiled and does not serve yet; NULL: nothing is */
    bool is_frozen; /* another process reads the state: nothing others may hear of changes */
    struct geowatch *geowatch;
    struct bundles *bundles;                     /* of configuration; NULL: there is no place for any */
    struct archive *archive;                     /* what the configuration was; NULL: it is not kept */
    struct last *last;                           /* what is kept of health; NULL: nothing */
    struct last_outcome restored;                /* what of that the start found */
    struct counted counted;                      /* of the processes before; reloads of this one as well */
    _Atomic uint64_t reports[HEALTH_PUSH_FATES]; /* that were pushed */
};
