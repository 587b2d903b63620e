/* SPDX-License-Identifier: BSD-3-Clause
 *
 * REST/JSON over a unix socket (doc/api.md has the resources). Runs on the control thread's event base. It
 * knows HTTP and JSON; what the verbs do is a table of functions from the application, so nothing below
 * depends on it. Errors are RFC 9457 problem documents. */
#pragma once

#include "base/arena.h"
#include "base/buffer.h"
#include "base/progress.h"
#include "base/report.h"
#include "base/worker.h"
#include "operate/compare.h"
#include "operate/foresee.h"
#include "operate/operate.h"
#include "operate/whatif.h"

#include <stddef.h>
#include <stdint.h>

struct event_base;

struct admin_reload {
    const char *zone; /* NULL: everything */
    bool dry_run;     /* install nothing */
    size_t limit;     /* items of each list of what changes */
};

/* What POST /v1/reload ends with. */
struct admin_reload_result {
    int error;           /* 0: the new view serves, or would; else the old one still does */
    uint64_t generation; /* that serves now */
    bool dry_run;
    const struct report *report;              /* borrowed for the call, like what follows */
    const struct operate_comparison *changes; /* for traffic; NULL: not known */
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

struct admin_info {
    const char *version;
    uint64_t generation;
    int64_t started_ms, loaded_ms; /* wall */
    unsigned names, zones;
    struct worker_stats work; /* of the long lane */
    struct admin_store store;
    struct health_brake_status brakes[HEALTH_BRAKES];
    int64_t wall_ms; /* now: the times of brakes count from it */
    struct admin_last last;
};

/* An override that is ordered. */
struct admin_order {
    enum health_kind kind;
    const char *name;
    const struct health_override *override;
    const char *request; /* "PUT /v1/regions/us-east/override": for the journal */
};

/* What became of it. */
struct admin_ordered {
    int error;       /* 0: it is in force; else what operate_put_override() says */
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

/* A loss to be simulated. */
struct admin_drill {
    const char *const *losses; /* "region:us-east" … */
    size_t count;
    const char *failure; /* "timeout" or "refused" */
    bool from_live;
    struct progress *progress;
    const char *bad; /* set by the verb: the loss that it did not understand */
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
    size_t limit;
    struct progress *progress;
    struct admin_entry *items; /* in the arena, like why */
    size_t count;
    uint64_t next; /* 0: that was all */
    const char *why;
};

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
    ptrdiff_t (*find_target)(void *reader, enum health_kind kind, const char *name);
    int (*get_target)(void *reader, enum health_kind kind, const char *name, struct arena *arena,
                      struct operate_target *target);
    size_t (*list_dormant)(void *reader, struct arena *arena,
                           struct health_dormant **items); /* operate_list_dormant() */
    size_t (*list_monitors)(void *reader, const char *endpoint, struct arena *arena,
                            struct admin_monitor **monitors);
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
    /* ERROR_SYNTAX without a bad assumption: the cursor is none; ERROR_CANCELLED. */
    int (*what_if)(void *reader, struct admin_what_if *what_if, struct arena *arena,
                   struct operate_report *report);
    /* On success *json is owned by the caller (free). ERROR_CANCELLED; else the drill says what is bad. */
    int (*simulate)(void *reader, struct admin_drill *drill, char **json);
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
    /* Append the Prometheus text exposition of all metrics. */
    void (*write_metrics)(void *reader, struct buffer *out);

    /* ---- on the control thread ---- */

    /* Of the zone of this origin; returns how many. */
    size_t (*list_secondaries)(void *context, const char *origin, struct arena *arena,
                               struct admin_secondary **secondaries);
    /* 0: `done` is called once, at once or later, when it is in force or refused; else it was refused. */
    int (*put_override)(void *context, const struct admin_order *order, admin_ordered_fn *done,
                        void *argument);
    /* What an endpoint says of its load; of no source: forget what it said. */
    int (*put_load)(void *context, const char *endpoint, const struct health_load_report *report);
    /* Start a reload, of everything or of one zone; `done` is called later on the control thread, once.
     * ERROR_CONFLICT: one is running; ERROR_NOT_FOUND: no such zone. */
    int (*reload)(void *context, const struct admin_reload *asked,
                  void (*done)(void *argument, const struct admin_reload_result *result), void *argument);
    /* Start the installed program beside this one; `done` likewise. ERROR_CONFLICT: a takeover is under
     * way; ERROR_UNSUPPORTED: this process cannot be replaced; ERROR_BUSY: it does not answer yet. */
    int (*take_over)(void *context, void (*done)(void *argument, const struct admin_takeover_result *result),
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
/* Nobody is let in and no request is read: they wait, in the socket. */
void admin_pause(struct admin *admin);
void admin_resume(struct admin *admin);
/* The listening socket, borrowed. */
int admin_get_socket(const struct admin *admin);
/* While it is paused: another process listens from now on (adopted: at this socket, so the file stays).
 * Requests that wait for their answer get it, all other connections end. */
void admin_leave(struct admin *admin, bool adopted);
bool admin_is_idle(const struct admin *admin); /* no connection is left */
void admin_close(struct admin *admin);         /* also removes the socket file; NULL is fine */
