/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One shadow drill, for the files that shadows.c is made of: shadows.c begins and ends it (control thread),
 * shadow_feed.c leads its health (whoever has the lock of the server), shadow_run.c looks and proves (a
 * thread of the drill's own), shadow_json.c tells, live.c and live_order.c are about those that all see.
 * Private to src/daemon. */
#pragma once

#include "daemon/drill_fact.h"
#include "daemon/shadows.h"
#include "drill/proof.h"
#include "drill/stage.h"

#include <pthread.h>
#include <stdatomic.h>

struct conf_key;
struct event;
struct json_t;
struct live;
struct live_real;
struct live_stops;
struct limiter;
struct shadow_notes;

enum { SHADOW_ID_SIZE = 64, SHADOW_KEPT_MAX = 32 };

enum shadow_state { SHADOW_STARTING, SHADOW_RUNNING, SHADOW_ENDING, SHADOW_ENDED };

/* A check that is yet to end, or to begin. Times are monotonic. */
struct shadow_due {
    int64_t at_us, began_us; /* when it is due; and, of one that ends, when it has begun */
    uint32_t monitor;
    bool begins;
    enum health_outcome outcome; /* of one that ends */
};

/* What DNS threads read while it is published. */
struct shadow_world {
    struct answer_shadow seen;
    struct view *view;    /* the private one */
    struct view *without; /* what serves, as it would be without drills */
    struct limiter *limiter;
    struct admin_shadow_clients clients;
    size_t thread_count;
};

/* When it happened, monotonic µs; 0: not yet. */
struct shadow_times {
    int64_t failed_us;   /* the first check of what is lost */
    int64_t decided_us;  /* the latest that changed an answer */
    int64_t followed_us; /* all answers were seen to follow it */
    int64_t ended_us;    /* nobody was to see it any more */
    int64_t returned_us; /* nobody did */
};

struct shadow {
    struct shadow *next;
    struct shadows *all;
    char id[SHADOW_ID_SIZE];
    struct arena *arena;
    struct drill_document *document; /* in it */
    const char **lose;               /* likewise, to be shown */
    size_t lose_count;
    const char *failure;      /* of the short form, static; NULL: the events of the document say it */
    struct progress progress; /* of the report */
    char actor[HEALTH_ACTOR_SIZE], peer[HEALTH_PEER_SIZE], reason[HEALTH_REASON_SIZE];
    int64_t duration_ms, started_ms, ended_ms; /* the latter two wall; 0: not yet */
    int64_t began_us;                          /* monotonic */
    enum shadow_state state;                   /* of the control thread */
    const char *because;                       /* it ends or has ended */
    bool is_complete;                          /* it ran as long as it had to; when it ends */
    char stopped_by[HEALTH_ACTOR_SIZE];
    admin_shadow_done *done; /* until it has begun */
    void *argument;
    struct shadow_world *world; /* until it has ended */
    struct live *live;          /* live.h; NULL: a shadow drill */
    struct live_real *real;     /* in the arena; NULL: what is lost is so by injection */
    struct drill_stage *stage;  /* NULL: not made yet */
    pthread_t thread;
    uint64_t override_changes; /* of the machine that serves, when it began */
    bool overrides_moved;      /* since then */
    bool is_kept;              /* as a report */
    struct {
        size_t steps, moves, changed; /* that others were told of; */
        bool was_seen;                /* of the latest step, that it was; */
        int64_t moved_ms;             /* and when that answers have changed; monotonic */
    } told;
    bool is_left;                       /* by a process before, with what it did in production */
    char schedule[DRILL_SCHEDULE_SIZE]; /* that it belongs to; "": none */
    /* In the lock of the server: */
    bool is_fed, runs;       /* results come in; and what the document says happens */
    int64_t lags_ms;         /* when lags are told of next, since it began */
    struct shadow_due *dues; /* a heap, the earliest first; of each monitor one at most */
    size_t due_count;
    bool *is_due;              /* by monitor: one of these is, and its real results do not count */
    uint64_t queries, steered; /* of drill clients, when somebody looked the last time */
    struct json_t *clients;    /* as the API shows them; NULL: nobody has looked yet */

    pthread_mutex_t lock; /* of what follows; held for moments */
    pthread_cond_t news;
    bool has_news, begins, ends, is_ready, is_over;
    struct shadow_times times;
    size_t changed; /* answers */
    size_t unserved, unserved_before;
    size_t misled;           /* answers of a live drill that lead to what is lost */
    int64_t misled_since_ms; /* since it began: there have been any; -1: there are none */
    const char *moved;       /* of it: a name that must not move; the stage has it; NULL: none does */
    struct drill_proved proved;
    struct drill_round before, after;
    bool has_proof, has_before, has_after;
    char *past;        /* all that is known of one of a process before; NULL: it is one of this */
    char *report;      /* as JSON, when it is over; NULL: none was made, or it is not kept any more */
    size_t report_len; /* of one that has ended */
};

struct shadows {
    struct server *server;
    struct answer_shadow_slot slot;
    struct shadow *first; /* the latest; those that have ended behind it */
    int fd;               /* a thread has news */
    struct event *wake, *tick, *due;
    struct live_stops *stops;               /* what live drills have stopped */
    struct shadow_kept *kept;               /* what is yet to be learned of a store */
    struct shadow_notes *notes;             /* which of them run; NULL: that is not written down */
    struct shadow *fed[ANSWER_SHADOWS_MAX]; /* in the lock of the server */
    size_t fed_count;
    uint32_t gone; /* likewise: vantages that have left, a bit for each number */
};

/* ---- shadow_tick.c ---- */

void shadows_tick_soon(const struct shadows *shadows); /* time is looked at */

/* ---- shadow_world.c ---- */

/* A key of the configuration that serves; NULL: there is none of that name. */
const struct conf_key *shadow_find_key(const struct server *server, const char *name);
/* By number, for struct answer_clients. What is wrong with them, in the arena, or NULL. */
const char *shadow_find_listeners(const struct server *server, const struct admin_shadow_clients *clients,
                                  struct arena *arena, uint64_t *listeners);
/* Without views and listeners. Returns owned. */
struct shadow_world *shadow_world_new(const struct server *server, const struct admin_shadow_clients *clients,
                                      const struct conf_key *key);
void shadow_world_free(void *world); /* no DNS thread reads it any more */

/* ---- shadow_run.c ---- */

void *shadow_run(void *shadow);

/* ---- shadow_feed.c ---- */

/* From now on results come in, the document happens, and no more; in the lock of the server. */
void shadow_begin_feed(struct shadow *shadow);
void shadow_begin_time(struct shadow *shadow); /* by the control thread */
void shadow_end_feed(struct shadow *shadow);
/* What became known of hosts while its world was made; the lock is taken, before anybody reads that world. */
void shadow_catch_up_hosts(struct shadow *shadow);
/* What happens by itself; by the control thread. */
void shadows_follow_time(struct shadows *shadows);
/* Checks that have ended by now; returns how long the next one takes, µs; -1: there is none. Likewise. */
int64_t shadows_end_dues(struct shadows *shadows);
/* The lock is taken; others have their turn in between. */
void shadow_follow_overrides(struct shadow *shadow);

/* ---- shadow_lead.c ---- */

/* Before something is done to its health, in the lock, and after it. */
struct health *shadow_lead_health(const struct shadow *shadow);
void shadow_settle(struct shadow *shadow);
int64_t shadow_since_ms(const struct shadow *shadow, int64_t at_us); /* it began */
bool shadow_injects(const struct shadow *shadow); /* what its document says happens to what is heard now */
void shadow_note_failed(struct shadow *shadow);   /* a check of what is lost has, the first one */

/* ---- shadow_vantages.c ---- */

/* Checks of theirs that have ended by now; returns when the next one does, µs; INT64_MAX: none does. In the
 * lock, as the next one is, and by the control thread; others have their turn in between. */
int64_t shadow_end_looks(struct shadow *shadow, int64_t now_us);
void shadow_follow_silence(struct shadow *shadow);
/* Of those that are enrolled, who look in it. The lock is taken. */
void shadow_follow_members(struct shadow *shadow, const struct health_vantage_plan *plans, size_t count);

/* ---- shadow_document.c ---- */

/* As drill_parse_document(), for drills on this server. */
int shadow_parse_document(struct server *server, const struct admin_shadow_order *order, struct arena *arena,
                          struct drill_document *document);
/* Of a new one. False: the result says what is wrong. */
bool shadow_take_document(struct shadow *shadow, const struct admin_shadow_order *order,
                          struct admin_shadow_result *result);

/* ---- shadow_tell.c ---- */

/* Who began it is told whether it has, once; nobody may wait. */
void shadow_answer(struct shadow *shadow, enum admin_shadow_trouble trouble, const char *what);
/* To the stream of events: "started", "whole", "ended". */
void shadow_tell(struct shadow *shadow, const char *turn);
/* How it has gone on since the last call. */
void shadow_tell_steps(struct shadow *shadow);
/* As a report, once. A drill that did not run to its end says why. */
void shadow_keep(struct shadow *shadow);

/* ---- shadow_due.c ---- */

/* A check ends, or begins, at that time, whatever the real ones of the monitor say until then. In the lock of
 * the server; wakes the control thread if it is the first. */
void shadow_add_due(struct shadow *shadow, const struct shadow_due *due);
struct shadow_due shadow_take_due(struct shadow *shadow); /* the first of those that there are */

/* ---- shadow_kept.c ---- */

struct shadow_kept {
    struct shadow_kept *next;
    char *kind, *key, *value;
};
struct shadow_kept *shadow_pop_kept(struct shadows *shadows); /* returns owned; NULL: there is no more */
void shadow_free_kept(struct shadow_kept *kept);

/* ---- shadow_past.c ---- */

void shadows_learn_late(struct shadows *shadows); /* what was kept */
void shadows_write_down(struct shadows *shadows); /* which of them run, when that has changed */
void shadows_forget_notes(struct shadows *shadows);

/* ---- shadow_json.c ---- */

/* What is to be known of its world, as long as that is there. */
void shadow_count_queries(struct shadow *shadow);
/* Returns owned. Whole: with the report. */
char *shadow_write(struct shadow *shadow, bool is_whole);
