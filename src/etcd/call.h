/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One call, and one attempt of it at one member: begun, ended, and what came of it. Knows no other calls.
 * Private to steerd-etcd. */
#pragma once

#include "etcd/exchange.h"
#include "etcd/feed.h"

enum call_kind {
    CALL_TXN = ETCD_CALL_TXN,
    CALL_GRANT = ETCD_CALL_GRANT,
    CALL_KEEP = ETCD_CALL_KEEP,
    CALL_REVOKE = ETCD_CALL_REVOKE,
    CALL_WATCH = ETCD_CALL_WATCH,
    CALL_COMPACT = ETCD_CALL_COMPACT,
    CALL_LOOK = ETCD_CALL_LOOK,
    CALL_LOGIN, /* for a token */
    CALL_BEAT,  /* for a watch: is that member still there, and in the cluster? */
};

struct call {
    struct call *next;
    void *desk;      /* whose it is */
    uint64_t number; /* 0: nobody has asked for it */
    enum call_kind kind;
    bool is_write, is_over; /* over: freed when nobody looks at it any more */
    char *body, *beat;
    size_t body_len, beat_len;
    int64_t deadline_us;
    size_t at, tried; /* the member that is asked, and how many were in this round */
    bool is_hard;     /* no member of this round could be reached at all, or was one of etcd's */
    bool waits_for_token, had_token;
    int64_t due_us;            /* of the next attempt; 0: it is under way, or waits for a token */
    int64_t attempt_us;        /* when the one under way is given up; 0: never */
    struct exchange *exchange; /* NULL: none is under way */
    struct etcd_fault fault;   /* the latest */
    struct etcd_fault said;    /* … that a member has told: more than that others are not there */
    size_t said_at;
    /* of a watch */
    struct feed feed;
    bool has_begun, has_failed;
    struct call *beating;
    int64_t beat_us;    /* when its member is asked for the next sign of life */
    int64_t alive_us;   /* the latest one */
    struct call *owner; /* of a beat */
};

struct call *call_new(enum call_kind kind, const char *body, size_t body_len);
void call_free(struct call *call);

struct call_member {
    CURLM *multi;
    const struct etcd_setup *setup;
    const char *token; /* "": none */
    bool (*is_full)(void *call);
    void (*came)(void *call); /* of a watch: call->exchange->in has something */
};
/* False, and call->fault: it cannot be begun. */
bool call_begin(struct call *call, const struct call_member *member);
void call_end(struct call *call);

/* What came of an attempt that has ended: 0 and *answer, or call->fault.error. */
int call_judge(struct call *call, CURLcode code, struct arena *arena, struct etcd_answer *answer);
/* Nothing came of it in time. */
void call_time_out(struct call *call);
