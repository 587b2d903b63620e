/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The thread of the vantages from inside: what listener.c (sockets, mail, time), session.c (one conversation)
 * and trial.c share. All of it belongs to that thread, but for what a lock is named for. Private to this
 * folder. */
#pragma once

#include "base/clock.h"
#include "fleet/line.h"
#include "fleet/listener.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

struct event;
struct event_base;

enum { FLEET_TICK_MS = 100 };

enum session_state { SESSION_GREETING, SESSION_ENROLLING, SESSION_CONNECTED };

struct parcel;
STAILQ_HEAD(parcels, parcel);

struct session {
    LIST_ENTRY(session) link;
    struct fleet *fleet;
    uint64_t id;
    int fd;
    struct fleet_line *line;
    struct event *reads, *writes, *again;
    char from[ADDR_TEXT_SIZE];
    enum session_state state;
    bool is_shaken, is_paused;     /* paused: too much was said; until the next tick */
    unsigned number;               /* of the member; 0: a stranger */
    char name[FLEET_NAME_MAX + 1]; /* of the member, also when it is one no more */
    uint8_t fingerprint[TLS_FINGERPRINT_SIZE];
    int64_t opened_ms, heard_ms, moved_ms, beat_ms, sent_ms; /* monotonic; sent: all of a list */
    int64_t fresh_ms;                /* monotonic: the latest line by which what it thinks stays valid */
    size_t waiting;                  /* octets, when that was looked at last */
    uint32_t lines_left, items_left; /* until the next tick */
    struct fleet_share *used, *sending;
    bool can_change;        /* it takes changes of its list */
    bool has_claim;         /* it says that it has a list of ours, from before: */
    uint64_t claim;         /* … of that mark */
    uint64_t used_since;    /* the list has been the same since that generation */
    uint64_t declined_mark; /* of the list that it does not take, */
    size_t declined_count;  /* … which has so many targets; 0: none */
    uint64_t seq;
    struct parcels parcels; /* of bundles, on their way to it */
    bool has_parcels;       /* there were some */
    char why[160];          /* it is to end; "": it is not */
};
LIST_HEAD(sessions, session);

struct mail {
    STAILQ_ENTRY(mail) link;
    void (*take)(struct fleet *fleet, struct mail *mail);
};
STAILQ_HEAD(mails, mail);

struct trial {
    LIST_ENTRY(trial) link;
    uint32_t id;
    bool is_asked;
    struct fleet_trial what;
};
LIST_HEAD(trials, trial);

struct fleet {
    const struct clock *clock;
    struct fleet_hooks hooks;
    char *server;
    pthread_t thread;
    struct event_base *base;
    struct event *mail, *tick;
    int wake_fd;
    struct event *listeners[FLEET_MEMBERS_MAX];
    size_t listener_count;
    struct tls_context *context;
    uint32_t heartbeat_ms, expires_ms;
    struct fleet_limits limits;
    struct fleet_member members[FLEET_MEMBERS_MAX]; /* by number; number 0: none */
    uint64_t runs[FLEET_MEMBERS_MAX];               /* their last one; 0: not known */
    struct fleet_list *list;                        /* the latest; NULL: none yet */
    struct sessions sessions;
    unsigned accepts_left;
    uint64_t last_id;
    bool is_closing;

    pthread_mutex_t mail_lock;
    struct mails mails;

    pthread_mutex_t status_lock;
    struct fleet_status statuses[FLEET_MEMBERS_MAX];
    struct fleet_stats stats;
    uint64_t list_generation; /* of the latest list; 0: none yet */
    int64_t list_ms;          /* since when */
    _Atomic unsigned session_count;
    _Atomic uint64_t sent;

    pthread_mutex_t trial_lock;
    struct trials trials;
    uint32_t last_trial;
};

/* ---- room.c ---- */

/* Takes the mail. */
void fleet_send(struct fleet *fleet, struct mail *mail);
struct mail *fleet_take_mail(struct fleet *fleet); /* NULL: there is none; owned */
struct session *fleet_find_session(const struct fleet *fleet,
                                   unsigned number); /* NULL: it is not connected */
/* False: it takes nothing. */
bool session_say(struct session *session, const struct fleet_message *message);
void session_end(struct session *session, const char *why);
struct fleet_status *session_status(const struct session *session); /* under the lock */

/* ---- client.c ---- */

struct fleet_client;
/* A line that came, without its end. */
void fleet_client_hear_line(struct fleet_client *client, const char *text, size_t len);

/* ---- session.c ---- */

/* Takes the socket. NULL: no memory, and it is closed. */
struct session *session_open(struct fleet *fleet, int fd, const struct addr_port *from);
void session_close(struct session *session);
/* Hear, say, until there is nothing more to do now. False: it has ended, session->why says why; the caller
 * closes it. */
bool session_go_on(struct session *session);
/* A line that came, without its end; while session->why is "". */
void session_hear_line(struct session *session, const char *text, size_t len);
/* The time. False likewise. */
bool session_tick(struct session *session);
void session_say_limits(struct session *session);
/* What it is told: FLEET_ENROLLED or FLEET_JOINED. why: NULL: that; else it is refused. */
void session_answer(struct session *session, const struct fleet_message *message, const char *why);

/* ---- session_list.c ---- */

/* There is a list, other addresses, or another name. */
void session_follow(struct session *session);
/* Some targets of the latest list have other addresses. */
void session_aim(struct session *session, const struct fleet_aim *aims, size_t count);
void session_hear_taken(struct session *session, const struct fleet_message *message);
/* It says so at once, maybe while there is more of the list to be sent. */
void session_hear_untaken(struct session *session, const struct fleet_message *message);

/* ---- parcel.c ---- */

void session_fill_parcels(struct session *session); /* as much as is worth keeping for it */
void session_drop_parcels(struct session *session);

/* ---- trial.c ---- */

void trial_ask(struct fleet *fleet, struct session *session); /* what nobody was asked yet */
void trial_trace(struct fleet *fleet, unsigned number, const struct fleet_message *message);
void trial_end(struct fleet *fleet, unsigned number, const struct fleet_message *message);
void trial_end_all(struct fleet *fleet, unsigned number, const char *why);
