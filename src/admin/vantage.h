/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Hosts that check, too, as verbs tell of them, and what may be ordered of them. Plain data. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admin_receipt;
struct condition;

/* What we are to a node that is a vantage of ours. */
struct admin_node_link {
    const char *name, *state, *why; /* "ns2"; "connected" …; why it is not, NULL: not known */
    int64_t since_ms, heard_ms;     /* wall; 0: not known */
    uint32_t round_trip_us;         /* 0: not known */
    uint64_t connections, told, targets, unknown;
};

/* A host that checks, too. */
struct admin_vantage {
    const char *name;
    const char *state; /* "invited": nobody has come with its token yet; "away", "connected" */
    unsigned number, weight;
    bool drained;
    bool counts;   /* it was heard of lately, so that its opinions count unless it is drained or set aside */
    bool aside[2]; /* for IPv4, IPv6: it does not agree with the others about control targets */
    int64_t since_ms;                      /* wall: connected, or away; 0: it was never here */
    int64_t heard_ms;                      /* wall: its latest line; 0: none yet */
    int64_t invited_until_ms, enrolled_ms; /* wall; 0: no */
    const char *from, *software, *why;     /* why its last connection has ended; NULL where not known */
    const char *fingerprint; /* of its certificate, in hexadecimal digits; NULL: it has not enrolled */
    uint64_t generation;     /* of the list that it goes by; 0: none */
    bool is_current;
    int64_t behind_ms; /* else: since when there is a later list */
    uint32_t targets, checks, refused;
    const char *refused_why;  /* one of those; NULL: there are none */
    const char *declined_why; /* it does not take the latest list; NULL: it does */
    uint32_t up, down;        /* opinions */
    uint32_t round_trip_us;   /* 0: not known */
    uint64_t connections, lines, opinions, outdated;
    size_t waiting;
    const struct admin_node_link *node; /* it is a node of the cluster; NULL: it is not */
};
struct admin_vantages {
    bool is_on; /* vantages can come */
    const char *fingerprint;
    struct admin_vantage *items;
    size_t count;
};

enum admin_vantage_what {
    ADMIN_VANTAGE_ENROL,
    ADMIN_VANTAGE_DRAIN,
    ADMIN_VANTAGE_UNDRAIN,
    ADMIN_VANTAGE_RENAME,
    ADMIN_VANTAGE_REVOKE,
};

struct admin_vantage_order {
    enum admin_vantage_what what;
    const char *name;
    const char *to;  /* of RENAME */
    unsigned weight; /* of ENROL */
    const char *reason, *actor, *peer, *request;
    const struct condition *condition;
    const struct admin_receipt *receipt;
    const void *change; /* of a cluster (cluster.h): what it belongs to; NULL: none */
};

struct admin_vantage_result {
    /* 0; ERROR_NOT_FOUND, ERROR_CONFLICT, ERROR_INVALID: a name that is none, ERROR_BUSY: it is being
     * changed, or there are too many, ERROR_UNSUPPORTED: no vantages can come; else it cannot be written */
    int error;
    const char *why;
    const char *token; /* of ENROL: shown now and never again */
    int64_t until_ms;  /* wall: how long it can be used */
};
typedef void admin_vantage_done(void *argument, const struct admin_vantage_result *result);
