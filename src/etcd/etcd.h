/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A client of etcd (v3, JSON gateway) that never waits: what is asked goes to steerd-etcd, a process of its
 * own (the one with libcurl for this), as requests of webhooks go to steerd-post, and what comes back is told
 * by a callback on the loop of whoever asked. Knows no steerd: keys, values, conditions, a watch, leases. One
 * thread. doc/cluster.md tells what is kept there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct etcd;
struct event_base;

enum {
    ETCD_ENDPOINTS_MAX = 9,
    ETCD_KEY_MAX = 2048, /* octets */
    ETCD_VALUE_MAX =
        1 << 20,        /* octets; a request as a whole has a limit of etcd's own (1.5 MiB by default) */
    ETCD_OPS_MAX = 128, /* of one transaction, as etcd has it by default */
    ETCD_WHY_SIZE = 256,
};

/* Texts are borrowed for the call and copied. */
struct etcd_options {
    struct event_base *base;
    const char *program; /* steerd-etcd; borrowed for good; NULL: there is none, and each request says so */
    const char *const *endpoints; /* "https://10.0.0.1:2379" */
    size_t endpoint_count;
    const char *ca, *certificate, *key; /* files; NULL: of the system, none, none */
    const char *user, *password;        /* of etcd's own authentication; NULL: none */
};

int etcd_open(const struct etcd_options *options, struct etcd **etcd); /* 0 and owned, or -errno */
/* Nobody is told anything any more; what is under way may have effect or not. Not within a callback. NULL is
 * fine. */
void etcd_close(struct etcd *etcd);

/* Waits until all requests are answered, for so long at most, and not at all while etcd is not reached: for
 * an end. Callbacks are called. Not within one. */
void etcd_settle(struct etcd *etcd, uint32_t patience_ms);

struct etcd_kv {
    const char *key, *value; /* NUL at the end, which lengths do not count */
    size_t key_len, value_len;
    int64_t mod_revision, create_revision, version, lease;
};

/* What the member that answered has on its disk, and alarms of the cluster, which hold until they are
 * disarmed. */
struct etcd_room {
    bool is_known;
    int64_t size, quota;      /* octets; quota 0: this version of etcd does not say */
    bool is_full, is_corrupt; /* NOSPACE: nothing is written any more; CORRUPT: members differ */
};

/* What is asked came back: on the loop, once, never within the call that asked. Borrowed. */
struct etcd_answer {
    int error; /* 0; ERROR_CONFLICT: a condition did not hold (kvs: of `otherwise`); ERROR_NOT_FOUND: a
                * revision that was compacted, or a lease that is gone; ERROR_INVALID: etcd says that the
                * request is none; ERROR_TOO_LARGE: the request, or what it would bring; ERROR_BUSY: too many
                * are under way; -EACCES: it does not let us; -ENOSPC: it is full; -ENOENT: steerd-etcd is not
                * there; -ETIMEDOUT, -ECONNREFUSED, -ECONNRESET, -EAGAIN (no leader) and the like: nobody
                * answered */
    bool may_have_effect; /* of an error of a request that writes: it is open whether it has been written, or
                           * will be. Not set: it has not, and will not be */
    const char *why;      /* of an error, in words that help; else "" */
    const char *endpoint; /* that answered; "": none */
    int64_t revision;     /* of etcd, in its header */
    uint64_t cluster_id, member_id, raft_term;
    const struct etcd_kv *kvs; /* of ranges, in the order of the ops, one after the other */
    size_t kv_count;
    bool more;             /* a range had a limit, and there is more */
    int64_t lease, ttl_s;  /* of etcd_grant(), etcd_keep() */
    struct etcd_room room; /* of etcd_look() */
};
typedef void etcd_fn(void *context, const struct etcd_answer *answer);

enum etcd_condition_kind {
    ETCD_IF_ABSENT,
    ETCD_IF_MOD_REVISION,    /* number */
    ETCD_IF_CREATE_REVISION, /* number */
    ETCD_IF_VALUE,           /* value */
};
struct etcd_condition {
    enum etcd_condition_kind kind;
    const char *key, *value;
    int64_t number;
};

enum etcd_op_kind { ETCD_PUT, ETCD_DELETE, ETCD_GET, ETCD_LIST /* of a prefix */ };
struct etcd_op {
    enum etcd_op_kind kind;
    const char *key, *value; /* value: of PUT */
    int64_t lease;           /* of PUT; 0: none */
    const char *after;       /* of LIST: keys behind this one; NULL: from the first */
    size_t limit;        /* of LIST: keys; 0: all. More than about 6 MiB in one answer is ERROR_TOO_LARGE */
    int64_t at_revision; /* of GET and LIST: as it was then, for lists of several pages; 0: now */
};

/* If all conditions hold, `then`, else `otherwise` (GET and LIST only). One after the other over all members
 * until one answers, until deadline_ms is over, or at once if none can be reached; a transaction with PUT or
 * DELETE is sent again only if it cannot have had effect. Linearizable. Returns a number by which it can be
 * called off. */
struct etcd_request {
    const struct etcd_condition *conditions;
    size_t condition_count;
    const struct etcd_op *then, *otherwise;
    size_t then_count, otherwise_count;
    uint32_t deadline_ms;
    etcd_fn *done;
    void *context;
};
uint64_t etcd_ask(struct etcd *etcd, const struct etcd_request *request);
void etcd_call_off(struct etcd *etcd,
                   uint64_t number); /* `done` is not called; 0, or one that is over, is fine */

uint64_t etcd_grant(struct etcd *etcd, int64_t ttl_s, uint32_t deadline_ms, etcd_fn *done, void *context);
uint64_t etcd_keep(struct etcd *etcd, int64_t lease, uint32_t deadline_ms, etcd_fn *done, void *context);
uint64_t etcd_revoke(struct etcd *etcd, int64_t lease, uint32_t deadline_ms, etcd_fn *done, void *context);

/* History before this revision may go, of all keys: a watch that has not come so far yet ends with
 * ERROR_NOT_FOUND. A revision that was compacted, or is yet to come, is an error that changes nothing. */
uint64_t etcd_compact(struct etcd *etcd, int64_t revision, uint32_t deadline_ms, etcd_fn *done,
                      void *context);

/* How full it is. */
uint64_t etcd_look(struct etcd *etcd, uint32_t deadline_ms, etcd_fn *done, void *context);

struct etcd_change {
    bool is_delete;
    struct etcd_kv kv;
};
struct etcd_watch_options {
    const char *prefix;
    int64_t from_revision; /* the first that may be told; 0: from now on */
    void *context;
    /* It stands: what changes from now on comes. Again after each reconnection, which etcd.c makes by itself
     * from where it was. The revision is that of etcd then: one that is lower than what was told before means
     * that etcd is not what it was (restored, emptied), and that nothing comes until it is as far again: call
     * it off and look. */
    void (*begun)(void *context, int64_t revision);
    /* In order, each change once, a revision never in parts: all that there was up to this one. Borrowed. */
    void (*changed)(void *context, const struct etcd_change *changes, size_t count, int64_t revision);
    /* Nothing comes at the moment (no quorum, no member), noticed within 3 s: it is tried again every so
     * often. Once, until it has begun again. */
    void (*lost)(void *context, const char *why);
    /* The watch is over: ERROR_NOT_FOUND: compacted; -EACCES. */
    void (*ended)(void *context, int error, const char *why);
};
uint64_t etcd_watch(struct etcd *etcd,
                    const struct etcd_watch_options *options); /* etcd_call_off() ends it */

struct etcd_status {
    bool is_reached;            /* the latest request or watch was answered */
    int64_t since_ms;           /* monotonic: reached, or not */
    const char *endpoint, *why; /* borrowed until the next turn */
    uint64_t requests, failures, restarts /* of steerd-etcd */;
};
void etcd_get_status(const struct etcd *etcd, struct etcd_status *status);
