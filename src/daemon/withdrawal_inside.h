/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of a withdrawal share: its life and moves (withdrawal.c), its file (withdrawal_kept.c), and
 * looking (withdrawal_look.c). Private to them. */
#pragma once

#include "daemon/withdrawal.h"
#include "base/clock.h"
#include "herald/hooks.h"

#include <pthread.h>

struct event;
struct scribe;
struct server;

/* What outlives the process. Times are wall time. */
struct withdrawal_past {
    bool has_withdrawn, is_ordered;
    int64_t since_ms;  /* withdrawn; 0: it is not */
    int64_t silent_ms; /* nothing is heard since then; 0: something is */
    char actor[HEALTH_ACTOR_SIZE], peer[HEALTH_PEER_SIZE], reason[HEALTH_REASON_SIZE]; /* of the order */
};

/* The file, and the thread that writes it. */
struct withdrawal_kept {
    char *path;            /* NULL: there is none */
    struct scribe *scribe; /* likewise */
    pthread_mutex_t lock;  /* guards: */
    char *text;            /* to be written; owned */
};

struct withdrawal {
    struct server *server;
    struct event *timer;
    struct withdrawal_kept *kept; /* NULL: not begun */
    struct contact contact;
    struct contact_signs signs;
    struct withdrawal_past past; /* what is kept of it now */
    bool has_settled;
    /* the command: */
    struct run *run;           /* under way; NULL: none */
    uint64_t configured;       /* hash of the command; 0: none */
    bool run_withdraws;        /* what it is told */
    int settled;               /* 1: withdrawn; 0: announced; -1: not known */
    uint64_t runs, failures;   /* failures: in a row */
    int64_t next_ms, ended_ms; /* monotonic: the next try; wall: of the latest run, 0: there was none */
    enum hooks_outcome outcome;
    char output[HOOKS_OUTPUT_SIZE];
};

static inline bool withdrawal_is_wanted(const struct withdrawal *withdrawal)
{
    return withdrawal->contact.has_withdrawn || withdrawal->past.is_ordered;
}

/* ---- withdrawal_kept.c ---- */

/* Nothing that could be read: all zero. Returns owned. */
struct withdrawal_kept *withdrawal_kept_open(const char *folder, struct withdrawal_past *past);
void withdrawal_kept_write(struct withdrawal_kept *kept, const struct withdrawal_past *past);
bool withdrawal_kept_is_idle(const struct withdrawal_kept *kept);
void withdrawal_kept_close(struct withdrawal_kept *kept); /* NULL is fine */

/* ---- withdrawal_look.c ---- */

/* Who is heard of now, under the health lock for moments. */
void withdrawal_find_signs(struct server *server, struct contact_signs *signs);
/* "etcd 0 of 1, nodes 0 of 2" */
enum { WITHDRAWAL_SIGNS_SIZE = 160 };
const char *withdrawal_write_signs(const struct contact_signs *signs, char text[WITHDRAWAL_SIGNS_SIZE]);
