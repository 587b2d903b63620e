/* SPDX-License-Identifier: BSD-3-Clause
 *
 * REST/JSON over a unix socket (doc/api.md has the resources). Runs on the control thread's event base. It
 * knows HTTP and JSON; what the verbs do is a table of functions from the application, so nothing below
 * depends on it. Errors are RFC 9457 problem documents. */
#pragma once

#include "admin/access.h"
#include "admin/challenge.h"
#include "admin/bundles.h"
#include "admin/cluster.h"
#include "admin/rollout.h"
#include "admin/serving.h"
#include "admin/condition.h"
#include "admin/documents.h"
#include "admin/moment.h"
#include "admin/restoring.h"
#include "admin/rules.h"
#include "admin/drill_reports.h"
#include "admin/shadow.h"
#include "admin/switchover.h"
#include "admin/traffic.h"
#include "admin/vantage.h"
#include "base/arena.h"
#include "base/buffer.h"
#include "base/progress.h"
#include "base/report.h"
#include "base/worker.h"
#include "health/results.h"
#include "operate/compare.h"
#include "operate/foresee.h"
#include "operate/incident.h"
#include "operate/operate.h"
#include "operate/whatif.h"
#include "past/points.h"

#include <stddef.h>
#include <stdint.h>

struct admin_feed;
struct event_base;

/* Safety rules that are overridden, and who does so. */
struct admin_overruling {
    const char *const *names;
    size_t count;
    const char *actor, *peer, *reason; /* NULL: not said */
};

struct admin_reload {
    const char *zone;                /* NULL: everything */
    bool dry_run;                    /* install nothing */
    size_t limit;                    /* items of each list of what changes */
    const struct admin_edits *edits; /* of documents, which are read with them; NULL: none */
    const char *bundle;              /* whose tree is read; NULL: that of the one that counts, if any is */
    enum role role;                  /* of who brings what is read; NONE: nobody does, it is the server's */
    struct admin_overruling overruling;
    bool is_start; /* safety rules are not asked: it only catches up with what was judged before */
};

/* What POST /v1/reload ends with. */
struct admin_reload_result {
    int error;           /* 0: the new view serves, or would; else the old one still does */
    uint64_t generation; /* that serves now */
    bool dry_run;
    const struct report *report;              /* borrowed for the call, like what follows */
    const struct operate_comparison *changes; /* for traffic; NULL: not known */
    const struct admin_edited *edited;        /* what became of edits; NULL: there were none */
    enum role needed; /* what is read needs a higher role than the one that was said; NONE: it does not */
    /* What safety rules say of it; NULL: they were not asked. And is it refused for that, or would be? */
    struct operate_rules *rules;
    bool is_against_rules;
    const struct admin_overruling *overruling; /* as it was asked; NULL likewise */
};

/* What POST /v1/takeover ends with. */
struct admin_takeover_result {
    int error;                   /* 0: another process answers */
    long pid;                    /* its */
    const char *version;         /* its; borrowed for the call, like what follows */
    int64_t duration_ms;         /* from the request to its answers */
    size_t overrides;            /* that it was given */
    const char *why;             /* of the error, in words */
    const struct report *report; /* what is wrong with its configuration; NULL: nothing is known to be */
};

/* A zone as GET /v1/zones shows it is struct view_zone; a check of an endpoint: */
struct admin_monitor {
    const char *check, *type, *family; /* "web", "http", "ipv4" */
    const char *address;               /* "192.0.2.1:8080", "lb.example.net:8080" */
    struct health_monitor_status status;
    const char *why; /* of a quorum of vantages; NULL: none judges */
    struct health_judgement judgement;
    const struct health_opinion_status *opinions; /* of those in its scope */
    size_t opinion_count;
    uint32_t number; /* of the monitor, for the verb that adds results */
    uint32_t interval_ms, timeout_ms;
    struct health_result results[HEALTH_RESULTS_KEPT]; /* the latest first, once they were added */
    const char *from[HEALTH_RESULTS_KEPT];             /* which vantage each is of; NULL: it is gone */
    size_t result_count;
    char text[HEALTH_TEXT_SIZE]; /* likewise: what it says for people; "": nothing */
    int64_t next_ms;             /* likewise: wall time of the next check as planned; 0: not known */
};

/* A check that was made because somebody wants to see it. Texts are in the arena. */
struct admin_step {
    const char *step, *text; /* "connect", "192.0.2.1:8080" */
    uint32_t at_us;          /* from the start of the check */
};
struct admin_try {
    const char *check, *type, *family, *address; /* as in admin_monitor; of a host name, an address of it */
    const char *expected;                        /* "status 200-299"; NULL: nothing but that it succeeds */
    enum health_outcome outcome;
    uint16_t detail;
    const char *text; /* what it says for people; NULL: nothing */
    uint32_t duration_us, timeout_ms;
    struct admin_step *steps;
    size_t step_count, step_capacity; /* capacity: of who makes it */
};
struct admin_tries {
    const char *endpoint, *check; /* check NULL: all of them */
    const char *from;             /* which vantage makes them; NULL: we do */
    struct progress *progress;
    struct admin_try *items;
    size_t count;
};

/* A geo database. */
enum { ADMIN_GEO_KNOWS_MAX = 8 };
struct admin_geo {
    const char *file, *type;
    bool stale; /* the file is broken or gone: its last good version serves */
    unsigned ip_version;
    int64_t built_ms, loaded_ms;            /* wall: when it was made, and read */
    const char *knows[ADMIN_GEO_KNOWS_MAX]; /* "country", "location" …; NULL ends them */
    size_t networks, places, file_size, memory;
};

/* A file that checks look into. */
struct admin_file {
    const char *path, *format, *state; /* "unread" "good" "refused" "useless" */
    size_t names;                      /* in what stands */
    int64_t written_ms, read_ms;       /* wall: of that; 0: nothing stands */
    uint64_t changes;                  /* contents that were taken */
    const char *why;                   /* it is refused or useless; NULL: it is not */
};

/* One that is told when a zone changes. */
struct admin_secondary {
    const char *address; /* "192.0.2.1:53" */
    const char *key;     /* NULL: not signed */
    const char *state;   /* "idle" "waiting" "acknowledged" "refused" "silent" */
    uint32_t serial;     /* the latest that it was told of */
    bool told;           /* of any */
    unsigned attempts;
    const char *rcode; /* of its latest answer; NULL: none */
    int64_t since_ms;  /* wall; 0: never */
};

/* Where answers are made that take longer than a moment. */
enum admin_lane {
    ADMIN_QUICK, /* lists, counts, metrics, explanations, dry runs */
    ADMIN_LONG,  /* drills, what-if */
    /* What is asked before an override is put, if it asks. In order: the next one is looked at when the one
     * before is in force or refused. */
    ADMIN_ORDERS,
    ADMIN_TRIES, /* checks that somebody wants to see: they wait for an endpoint */
    ADMIN_SPARE, /* what nobody waits for: predictions beside incidents */
    ADMIN_LANES
};

enum { ADMIN_HASH_LEN = 32, ADMIN_HASH_TEXT_SIZE = 2 * ADMIN_HASH_LEN + 1 };

/* Where what operators order is kept. */
struct admin_store {
    const char *state;                  /* "ok", "failing", "none" */
    char reason[256];                   /* why it fails; "": it does not */
    int64_t since_ms;                   /* wall: it fails since then; 0: it does not */
    uint64_t seq;                       /* of the latest entry of the journal; 0: it has none */
    unsigned char hash[ADMIN_HASH_LEN]; /* of that */
    size_t owed;                        /* changes that hold and are not durable yet */
    uint64_t mended; /* objects that somebody changed in the file, and that are again what the journal says */
    bool is_other;   /* it is not the one that was there before, or an older copy of that */
};

/* What is kept of the configuration. */
struct admin_archive {
    const char *state;                   /* "ok", "failing", "none" */
    char reason[512];                    /* why it fails; "": it does not */
    int64_t since_ms;                    /* wall: it fails since then; 0: it does not */
    int64_t kept_ms;                     /* wall: what served then is kept; 0: nothing yet */
    char manifest[ADMIN_HASH_TEXT_SIZE]; /* of that; "": none */
    size_t files, missing;               /* of that; of these without a copy */
};

/* What outlives the process of what is known of health. */
struct admin_last {
    const char
        *start;      /* "restored" "none" "too_old" "unreadable": what became of what the last process kept */
    int64_t down_ms; /* for how long nobody ran; -1: not known */
    unsigned checks, hosts; /* restored */
    int64_t written_ms;     /* wall: until when what this one knows is kept; 0: it is not */
    const char *error;      /* why it is not now; NULL: nothing is wrong */
};

/* Of recovery points. */
struct admin_points_stats {
    bool is_kept; /* there is a store to keep them */
    size_t count;
    int64_t last_ms; /* wall: when the latest was made; 0: there is none */
    uint64_t made, failures;
    char why[256]; /* of the latest failure, until one is made; "": none */
};

struct admin_info {
    const char *version;
    uint64_t generation;
    int64_t started_ms, loaded_ms; /* wall */
    unsigned names, zones;
    struct worker_stats work; /* of the long lane */
    struct admin_store store;
    const char *state_folder; /* absolute; NULL: none is configured */
    struct admin_archive archive;
    struct health_brake_status brakes[HEALTH_BRAKES];
    int64_t wall_ms; /* now: the times of brakes count from it */
    struct admin_last last;
    struct admin_points_stats points;
    struct health_lag_counts lags;
    struct admin_live live; /* a drill that all clients see */
    struct admin_serving serving;
};

/* How far a copy lags behind, and where that is known from. */
struct admin_lag {
    struct health_lag_status status;
    const char *check, *address; /* who is asked what; NULL: it is reported */
    const char *pointer;         /* where the answer says it */
};

/* Which one of an object the store has. */
struct admin_revision {
    uint64_t revision;  /* in the store */
    uint64_t tag;       /* its entity tag: on nodes of a cluster the same for the same content */
    int64_t written_ms; /* wall */
    const char *actor;  /* borrowed for the moment; "": not known since it was before the start */
};

/* What is to outlive the process of a request with an Idempotency-Key, and with it the first answer. */
struct admin_receipt {
    const char *key, *value; /* value: JSON; NULL: nothing any more */
    int64_t expires_ms;      /* wall */
};

/* An override that is ordered; or that its target may come back, or be let go, of which it says who and why.
 */
struct admin_order {
    enum health_kind kind;
    const char *name;
    bool fails_back;
    const char *releases; /* of a region: a rule that is to let go what it holds there; NULL: it is none */
    const char *overrides_rules; /* "room,slowly"; NULL: none */
    const struct health_override *override;
    const char *request;               /* "PUT /v1/regions/us-east/override": for the journal */
    const struct condition *condition; /* of orders: what they take for granted; borrowed; NULL: nothing */
    const char
        *mark; /* the override that is there has a reason that begins so, else ERROR_PRECONDITION; NULL */
    const struct admin_receipt *receipt; /* goes with it into the store; borrowed; NULL: none */
    const void *change;                  /* of a cluster (cluster.h): what it belongs to; NULL: none */
    bool is_emergency;                   /* who ordered it waits for no disk */
    void (*in_force)(void *argument);    /* with that of `done`, before it; NULL: nobody has to know */
};

/* What became of it. */
struct admin_ordered {
    int error;       /* 0: it is in force; else what operate_put_override() or health_fail_back() says */
    bool durable;    /* a restart does not forget it */
    const char *why; /* it is not; NULL: it is, or nothing ever is. Borrowed for the call */
};
typedef void admin_ordered_fn(void *argument, const struct admin_ordered *ordered);

/* "region:us-east=down" … */
struct admin_assumptions {
    const char *const *texts;
    size_t count;
    const char *bad; /* set by the verb: the one that is not understood (ERROR_SYNTAX) or not there */
};

/* A page of a what-if report. */
struct admin_what_if {
    struct admin_assumptions assumptions;
    double traffic; /* requests per second, of all names; 0: not known */
    size_t limit;
    const char *cursor; /* NULL: from the start */
    struct progress *progress;
};

/* An entry of the journal. */
struct admin_entry {
    uint64_t seq;
    int64_t time_ms;                             /* wall */
    const char *actor, *peer, *reason, *request; /* "": not known */
    const char *kind, *key;                      /* "override", "region:us-east" */
    const char *before, *after;                  /* JSON; NULL: none */
    unsigned char hash[ADMIN_HASH_LEN];
};

/* A page of it. One may have fewer entries than `limit`, or none, and not be the last: what a filter leaves
 * out takes time, too. */
struct admin_journal {
    const char *kind, *key, *actor; /* NULL: any; a key comes with its kind; actor: claimed or proven */
    int64_t since_ms, until_ms;     /* wall, both included; 0: any */
    uint64_t cursor;                /* `next` of the page before; 0: from the start */
    bool oldest_first;
    int64_t wait_ms; /* how long it may wait for an entry behind the cursor; 0: not at all */
    size_t limit;
    struct progress *progress;
    struct admin_entry *items; /* in the arena, like why */
    size_t count;
    uint64_t next; /* 0: that was all */
    uint64_t last; /* if it may wait: all up to this entry was looked at, unless there is a next page */
    const char *why;
};
enum { ADMIN_WAIT_MAX_MS = 300000 };
/* There is an entry (error 0), or there never will be: ERROR_CANCELLED: the store is closed; ERROR_NOT_FOUND,
 * ERROR_CONFLICT: it is not the journal of the cursor; else it cannot be read. */
typedef void admin_news(void *argument, int error, const char *why);

/* Is the journal whole? */
struct admin_audit {
    const unsigned char *anchor; /* a hash that was noted; NULL: none */
    uint64_t anchor_seq;
    struct progress *progress;
    bool is_whole;
    uint64_t entries, bad_seq; /* 0: not one entry */
    uint64_t last_seq;         /* of the last entry when it began; 0: there was none */
    unsigned char last_hash[ADMIN_HASH_LEN];
    int64_t duration_ms;
    const char *why; /* it is not, or it cannot be read; in the arena */
};

/* ---- recovery points ---- */

enum admin_point_what { ADMIN_POINT_SAVE, ADMIN_POINT_USE, ADMIN_POINT_DELETE, ADMIN_POINT_ORDERS };

struct admin_point_order {
    enum admin_point_what what;
    enum points_kind kind; /* of one that is saved */
    const char *id;        /* NULL: it gets one by itself */
    const char *reason, *actor, *peer, *request;
    const struct condition *condition;
    const struct admin_receipt *receipt;
};

/* What became of it. */
struct admin_point_result {
    int error; /* ERROR_CONFLICT: there is one of this name; ERROR_NOT_FOUND; else it could not be done */
    const char *why;           /* of the error, in words */
    const struct point *point; /* borrowed for the call */
    uint64_t seq;              /* of the entry of the journal */
};
typedef void admin_point_done(void *argument, const struct admin_point_result *result);

/* All of them, the latest first. */
struct admin_points {
    struct progress *progress;
    struct point *items; /* in the arena, like why */
    size_t count;
    const char *why;
};

/* One question on assumptions. */
struct admin_explained {
    struct operate_explanation before, after;
    struct operate_report report; /* of the name's policy; no rows where the name is not steered */
};
enum { ADMIN_TYPE_SIZE = 16, ADMIN_UNSERVED_MAX = 100, ADMIN_CHANGES = 20 };

/* int: 0 or a negative error. Results live in the arena.
 *
 * Verbs that change something get the context and are called on the control thread. Verbs that read get a
 * reader: `current` on the control thread, for a single object; all else is made on a worker, which reads a
 * snapshot that open_reader made for it. */
struct admin_verbs {
    void *context, *current;
    struct admin_feed *feed; /* NULL: there are no streams of events */
    struct admin_rules_verbs rules;
    struct admin_cluster_verbs cluster;
    struct admin_serving_verbs serving;
    struct admin_traffic_verbs traffic;
    struct admin_access_verbs access; /* on the control thread */
    struct admin_challenge_verbs challenges;
    struct worker *lanes[ADMIN_LANES]; /* owned by the control thread; NULL: everything is answered at once */
    void *(*open_reader)(void *context); /* on the control thread, when the turn of the answer has come */
    void (*close_reader)(void *reader);  /* on any thread */
    /* Of what serves, as it changes, for orders: read by find_unserved() only. */
    void *(*open_live)(void *context);
    /* Would find_unserved() find the same now? On the control thread. */
    bool (*is_current)(void *live);

    /* ---- reading; list_monitors is called once per endpoint that is shown ---- */

    void (*get_info)(void *reader, struct admin_info *info);
    void (*list_targets)(void *reader, enum health_kind kind, struct arena *arena,
                         struct operate_targets *targets);
    void (*list_some)(void *reader, enum health_kind kind, struct arena *arena,
                      struct operate_targets *targets); /* operate_list_some() */
    void (*list_overridden)(void *reader, enum health_kind kind, struct arena *arena,
                            struct operate_targets *targets); /* operate_list_overridden() */
    /* Names of the endpoints of a group; 0 or ERROR_NOT_FOUND. */
    int (*list_group)(void *reader, const char *name, struct arena *arena, const char *const **names,
                      size_t *count);
    ptrdiff_t (*find_target)(void *reader, enum health_kind kind, const char *name);
    int (*get_target)(void *reader, enum health_kind kind, const char *name, struct arena *arena,
                      struct operate_target *target);
    size_t (*count_dormant)(void *reader);
    bool (*seek_dormant)(void *reader, enum health_kind kind, const char *name,
                         struct health_dormant_cursor *cursor); /* operate_seek_dormant() */
    size_t (*list_dormant)(void *reader, struct health_dormant_cursor *cursor, struct arena *arena,
                           struct health_dormant *items); /* operate_list_dormant() */
    size_t (*list_monitors)(void *reader, const char *endpoint, struct arena *arena,
                            struct admin_monitor **monitors);
    /* Has endpoint number `endpoint` of the topology a check with this verdict and outcome (NULL: any)? Of a
     * hundred thousand endpoints a filter leaves few, and names and addresses are for those. */
    bool (*has_monitor)(void *reader, size_t endpoint, const char *verdict, const char *outcome);
    void (*add_results)(void *reader, struct arena *arena,
                        struct admin_monitor *monitor); /* of list_monitors() */
    size_t (*list_files)(void *reader, struct arena *arena, struct admin_file **items); /* returns how many */
    size_t (*list_lags)(void *reader, struct arena *arena, struct admin_lag **items);   /* returns how many */
    size_t (*list_errors)(void *reader, struct arena *arena, struct admin_errors **items); /* likewise */
    /* Check an endpoint that exists, now; on a worker, which waits for it. 0, ERROR_NOT_FOUND: it has no such
     * check, ERROR_CANCELLED, or why it could not be done. */
    int (*try_checks)(void *reader, struct admin_tries *tries, struct arena *arena);
    /* What an endpoint would shed (0..1) with a load, were that reported now. */
    int (*foresee_shed)(void *reader, const char *endpoint, double load, double *shed);
    /* What an override would do (wish->wall_ms is the application's to fill in). On a snapshot. */
    int (*foresee_override)(void *reader, struct operate_wish *wish, struct arena *arena,
                            struct operate_foresight *foresight);
    /* Whom it would leave unserved. 0, ERROR_NOT_FOUND or ERROR_CANCELLED; likewise, of what serves. */
    int (*find_unserved)(void *live, struct operate_wish *wish, struct arena *arena,
                         struct operate_unserved *unserved);
    /* The time of the question is the application's to fill in. */
    int (*explain)(void *reader, const struct operate_question *question, struct arena *arena,
                   struct operate_explanation *explanation);
    /* The same with and without assumptions. */
    int (*explain_if)(void *reader, const struct operate_question *question,
                      struct admin_assumptions *assumptions, struct arena *arena,
                      struct admin_explained *explained);
    /* The same at a moment of the past, and what differs between two. They take long, and wait for a disk. 0;
     * ERROR_SYNTAX: the name is none; ERROR_INVALID: a moment is bad; ERROR_CANCELLED; else a moment says
     * why. */
    int (*explain_at)(void *reader, const struct operate_question *question, struct admin_moment *moment,
                      struct arena *arena, struct operate_explanation *explanation);
    int (*compare_moments)(void *reader, struct admin_difference *difference, struct arena *arena);
    /* ERROR_SYNTAX without a bad assumption: the cursor is none; ERROR_CANCELLED. */
    int (*what_if)(void *reader, struct admin_what_if *what_if, struct arena *arena,
                   struct operate_report *report);
    /* On success *json is owned by the caller (free). ERROR_CANCELLED; else the drill says what is bad. */
    int (*simulate)(void *reader, struct admin_drill *drill, char **json);
    struct admin_shadow_verbs shadows;    /* drills on this server that some clients see */
    struct admin_report_verbs reports;    /* of drills that are over */
    struct admin_schedule_verbs schedule; /* of those that are done regularly */
    void (*list_zones)(void *reader, const struct view_zone **zones, size_t *count);
    void (*list_geo)(void *reader, struct arena *arena, struct admin_geo **items, size_t *count);
    void (*list_names)(void *reader, const struct view_name **names, size_t *count);
    /* Mnemonic of the type that a bit of the name's types stands for. */
    void (*write_type)(void *reader, const struct view_name *name, unsigned bit, char text[ADMIN_TYPE_SIZE]);
    /* What decides the name's answers; valid until the reader is closed. NULL: not known. */
    const struct steer_policy *(*get_policy)(void *reader, const struct view_name *name);
    /* On a worker: they wait for a disk. 0; ERROR_CANCELLED; else it cannot be read, and says why. */
    int (*read_journal)(void *reader, struct admin_journal *journal, struct arena *arena);
    int (*verify_journal)(void *reader, struct admin_audit *audit, struct arena *arena);
    int (*list_points)(void *reader, struct admin_points *points, struct arena *arena); /* likewise */
    /* Documents: all, with what their files say if that is wanted, which takes longer. */
    void (*list_documents)(void *reader, bool with_files, struct arena *arena, struct admin_documents *list);
    /* The one that such an edit would be about (what, value do not matter), or its file: owned
     * (edit_close()), or NULL and why; what it is in *document. *text: all of it, in the arena; may be NULL.
     */
    struct edit_document *(*read_document)(void *reader, const struct edit *about, unsigned how,
                                           struct arena *arena, struct admin_opened *opened);
    /* Append the Prometheus text exposition of all metrics. */
    void (*write_metrics)(void *reader, struct buffer *out);

    /* ---- on the control thread ---- */

    /* Of the zone of this origin; returns how many. */
    size_t (*list_secondaries)(void *context, const char *origin, struct arena *arena,
                               struct admin_secondary **secondaries);
    /* 0: `done` is called once, at once or later, when it is in force or refused; else it was refused. */
    int (*put_override)(void *context, const struct admin_order *order, admin_ordered_fn *done,
                        void *argument);
    /* Wait for an entry behind the cursor that the filter lets pass: `news` is called once, later, and the
     * watch is gone then. NULL: there is no store. */
    void *(*watch_journal)(void *context, const struct admin_journal *journal, admin_news *news,
                           void *argument);
    void (*unwatch_journal)(void *watch);
    /* 0: `done` is called once, later; else ERROR_UNSUPPORTED: there is no store, or ERROR_BUSY. */
    int (*change_point)(void *context, const struct admin_point_order *order, admin_point_done *done,
                        void *argument);
    /* Likewise what is known when the request has been answered; nobody waits for it. */
    void (*keep_answer)(void *context, const struct admin_receipt *receipt);
    /* What the store has of an object. false: nothing, or not yet what holds. */
    bool (*find_revision)(void *context, const char *kind, const char *key, struct admin_revision *revision);
    /* Of those that check as well; none where no vantages can come. */
    int (*list_vantages)(void *reader, struct arena *arena, struct admin_vantages *list);
    /* 0: `done` is called once, later; else the error of its result. */
    int (*change_vantage)(void *context, const struct admin_vantage_order *order, admin_vantage_done *done,
                          void *argument);
    /* `done` is called once, at once or later. */
    void (*restore)(void *context, const struct admin_restore *asked, admin_restore_done *done,
                    void *argument);
    /* All of them, the latest first; valid until something else is done. Returns how many. */
    size_t (*list_incidents)(void *context, struct arena *arena, const struct incident ***items);
    size_t (*list_switchovers)(void *context, struct arena *arena, const struct switchover ***items);
    /* `done` is called once, at once or later. */
    void (*change_switchover)(void *context, const struct admin_switchover_order *order,
                              admin_switchover_done *done, void *argument);
    /* Likewise. */
    void (*change_rollout)(void *context, const struct admin_rollout_order *order, admin_rollout_done *done,
                           void *argument);
    /* What an endpoint says of its load; of no source: forget what it said. */
    int (*put_load)(void *context, const char *endpoint, const struct health_load_report *report);
    /* What somebody has found out for a check of type push. ERROR_NOT_FOUND: no such endpoint; ERROR_INVALID:
     * it has no such check; ERROR_UNSUPPORTED: that one is made by steerd. */
    int (*push)(void *context, const char *endpoint, const char *check, const struct health_push *push,
                enum health_push_fate *fate);
    /* How many requests of a place fail. ERROR_NOT_FOUND: there is no such place; ERROR_BUSY: too many others
     * report. */
    int (*report_errors)(void *context, const struct errors_report *report, enum health_push_fate *fate);
    /* How far a copy lags behind. ERROR_NOT_FOUND: that is no pair; ERROR_UNSUPPORTED: steerd asks itself. */
    int (*report_lag)(void *context, const char *from, const char *to, const struct health_lag_report *report,
                      enum health_push_fate *fate);
    /* `done` is called once, at once or later. */
    void (*change_bundle)(void *context, const struct admin_bundle_ask *ask, admin_bundle_done *done,
                          void *argument);
    /* Start a reload, of everything or of one zone; `done` is called later on the control thread, once.
     * ERROR_CONFLICT: one is running; ERROR_NOT_FOUND: no such zone. */
    int (*reload)(void *context, const struct admin_reload *asked,
                  void (*done)(void *argument, const struct admin_reload_result *result), void *argument);
    /* Start the installed program beside this one, or meet one that listens beside the admin socket; `done`
     * likewise. ERROR_CONFLICT: a takeover is under way; ERROR_UNSUPPORTED: this process cannot be replaced
     * by one that it starts; ERROR_BUSY: it does not answer yet. */
    int (*take_over)(void *context, bool is_invited,
                     void (*done)(void *argument, const struct admin_takeover_result *result),
                     void *argument);
};

struct admin;

/* Listen on the unix socket (an abandoned socket file is replaced, a live one is ERROR_CONFLICT; permissions
 * are `mode` or narrower from the first moment on). The process has to ignore SIGPIPE. Returns 0 and owned,
 * or a negative error with an entry in the report. */
int admin_open(struct event_base *base, const char *socket_path, unsigned mode,
               const struct admin_verbs *verbs, struct report *report, struct admin **admin);
/* Likewise, on the socket that another process made there, and paused. ERROR_NOT_FOUND, without a report: the
 * path does not lead to it; then `fd` is still the caller's. */
int admin_adopt(struct event_base *base, int fd, const char *socket_path, unsigned mode,
                const struct admin_verbs *verbs, struct admin **admin);
/* An answer that a process before has kept. 0 or ERROR_SYNTAX. */
int admin_learn_answer(struct admin *admin, const char *key, const char *value);
/* For so many clients of the unix socket there is room, within CONNECTION_MAX (as at the beginning) and
 * CONNECTION_LOCAL_MAX. */
void admin_set_places(struct admin *admin, size_t places);
/* Nobody is let in and no request is read: they wait, in the socket. */
void admin_pause(struct admin *admin);
void admin_resume(struct admin *admin);
/* The listening socket, borrowed. */
int admin_get_socket(const struct admin *admin);
/* While it is paused: another process listens from now on (adopted: at this socket, so the file stays).
 * Requests that wait for their answer get it, all other connections end. */
void admin_leave(struct admin *admin, bool adopted);
/* It was adopted, and the process that made it goes on: the file stays when this is closed. */
void admin_disown(struct admin *admin);
bool admin_is_idle(const struct admin *admin); /* no connection is left */
void admin_close(struct admin *admin);         /* also removes the socket file; NULL is fine */
