/* SPDX-License-Identifier: BSD-3-Clause
 *
 * How a node of a cluster is, as it says itself: JSON and back (doc/cluster.md). Pure. */
#pragma once

#include "base/addr.h"
#include "cluster/entry.h"

enum {
    CLUSTER_SOFTWARE_SIZE = 64,
    CLUSTER_LISTEN_MAX = 4,
    CLUSTER_NODES_MAX = 31, /* as many as vantages can be */
    CLUSTER_FRESH_MS = 3000,
    CLUSTER_BEAT_MS = 1000,  /* a node looks so often, and tells how it is when it is asked to */
    CLUSTER_TELL_MS = 10000, /* … else when something changes, and so often */
    CLUSTER_AHEADS = 8,
    CLUSTER_FINGERPRINT_SIZE = 32,
    CLUSTER_BUNDLE_ID_SIZE = 65, /* 64 hexadecimal digits */
    CLUSTER_BUNDLE_WHY_SIZE = 256,
};

enum cluster_phase {
    CLUSTER_AWAY,     /* etcd is not reached */
    CLUSTER_CATCHING, /* it is, and there are entries that are not applied, or pending ones */
    CLUSTER_FOLLOWING,
    CLUSTER_ESTRANGED, /* see why */
};
const char *cluster_phase_text(enum cluster_phase phase); /* "away" "catching_up" "following" "estranged" */

bool cluster_is_bundle_id(const char *text);

/* How a node is with bundles of configuration (rollout.h). */
enum cluster_bundle_is {
    CLUSTER_BUNDLE_NONE, /* nothing is under way, as far as it knows */
    CLUSTER_BUNDLE_FETCHING,
    CLUSTER_BUNDLE_CHECKING,
    CLUSTER_BUNDLE_READY, /* fetched and checked; the whole of it can be taken at once */
    CLUSTER_BUNDLE_FAILED,
};
const char *cluster_bundle_text(enum cluster_bundle_is is); /* "none" "fetching" … */
struct cluster_bundle {
    bool is_told;                        /* else it has none to do with, or is an older version */
    bool has_own_files;                  /* it holds bundles, and does not serve them */
    char serves[CLUSTER_BUNDLE_ID_SIZE]; /* "": none */
    enum cluster_bundle_is is;
    /* unless it is none: */
    char id[CLUSTER_BUNDLE_ID_SIZE];
    uint64_t round;                    /* of that which is under way; 0: what is active */
    unsigned done;                     /* percent that it has */
    char why[CLUSTER_BUNDLE_WHY_SIZE]; /* it failed, or waits; "" */
};

struct cluster_self {
    uint64_t health;        /* hash over names and effective states */
    uint64_t configuration; /* … over what was loaded */
    uint64_t overrides;     /* … over which there are, whatever their times; 0: not told */
    uint64_t generation;
    struct addr_port listen[CLUSTER_LISTEN_MAX]; /* for the other nodes */
    size_t listen_count;
    bool has_fingerprint;
    uint8_t fingerprint[CLUSTER_FINGERPRINT_SIZE]; /* of the certificate there */
    struct cluster_bundle bundle;
};

struct cluster_node {
    char name[CLUSTER_NAME_MAX + 1];
    char software[CLUSTER_SOFTWARE_SIZE];
    uint32_t protocol; /* 1 */
    uint64_t run, beat;
    int64_t wall_ms; /* by its own clock, then */
    uint64_t applied;
    unsigned char hash[STORE_HASH_SIZE];
    struct cluster_self self;
    uint64_t over; /* the last entry with an override that had ended there when it came; 0: none */
    bool has_work;
    /* Whether it lives is told by "alive/NAME", which has a lease of 2 s; false: by its beats, one a second.
     * A new leader of etcd gives each lease its whole length again, also that of a node which is dead: so it
     * says which leader's term it knows. */
    bool is_leased;
    uint64_t term;
    const char *phase; /* "following" …; static; "": one that is not known here */
    /* as this node sees it; not in its JSON: */
    /* monotonic: the latest beat that was another one, when "alive/NAME" was there, or when it was first
     * seen; INT64_MIN: since the last tick */
    int64_t heard_ms;
    uint64_t alive_run; /* at "alive/NAME"; 0: nothing is there */
    bool is_lost;       /* … any more, since the last tick */
    bool is_fresh;
    /* How far its clock is ahead of this one's, by its latest beats: the most, since on its way a beat only
     * grows old. 0 until there are some. */
    int64_t ahead_ms;
    bool is_beat_new; /* its clock is to be compared */
    int64_t aheads[CLUSTER_AHEADS];
    size_t ahead_count; /* ever */
};

char *cluster_write_node(const struct cluster_node *node); /* owned (free) */
/* Unknown members are passed over: it may be a later version. 0, ERROR_SYNTAX or ERROR_INVALID and *why
 * (static).
 */
int cluster_read_node(const char *text, size_t len, struct cluster_node *node, const char **why);
