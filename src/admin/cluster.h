/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is asked of the application where it is a node of a cluster, and what it answers. Plain data. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct admin_receipt;
struct arena;

/* May it be judged now? Borrowed for the call. */
struct admin_turn {
    int error; /* 0; -ENETUNREACH: etcd is away; ERROR_CONFLICT: what etcd has is not what this node followed;
                * ERROR_BUSY: `node` has the turn; ERROR_CANCELLED: the server ends, or is being taken over */
    const char *why;  /* in words; "": there is nothing to add */
    const char *node; /* "": not known */
};
typedef void admin_turn_fn(void *argument, const struct admin_turn *turn);

/* Where a change is in force by now. Borrowed for the call. */
struct admin_spread {
    uint64_t seq;                                        /* of its entry; 0: it has none */
    const char *const *in_force_on, *const *waiting_for; /* nodes */
    size_t in_force_count, waiting_count;
    bool is_provisional; /* it holds here, and the cluster was not told */
    bool is_refused;     /* it could not be written, and was taken back */
    bool is_open;        /* whether it is written is not known yet, or never will be */
};
typedef void admin_spread_fn(void *argument, const struct admin_spread *spread);

/* All texts are the arena's; times are wall time, 0: not known. */
struct admin_node {
    const char *name, *software, *phase,
        *listen; /* "ns1", "1.0", "following", "10.0.0.1:5308"; "": not known */
    bool is_self, is_fresh, has_work;
    int64_t heard_ms; /* ago; -1: never */
    int64_t ahead_ms; /* its clock, of this node's */
    uint64_t applied, behind;
    uint64_t generation;
    uint64_t health, configuration;               /* hashes */
    bool has_same_health, has_same_configuration; /* as this one */
    const char *fingerprint; /* of the certificate that it shows to others; NULL: not known */
    struct {
        bool is_told; /* else it says nothing of bundles */
        bool has_own_files;
        const char *serves, *id; /* ""; that it serves; that it is to have */
        const char *is;          /* "none" "fetching" "checking" "ready" "failed" */
        unsigned done;           /* percent */
        const char *why;
    } bundle;
};

struct admin_cluster {
    const char *name, *node, *phase, *why;
    int64_t since_ms; /* wall: in this phase */
    bool has_position;
    uint64_t seq, head;
    char id[33], hash[65];             /* hexadecimal digits */
    const char *turn_node, *work_node; /* "": nobody's, or not known */
    size_t pending, conflicts;
    const char *acknowledge;
    uint32_t deadline_ms;
    bool etcd_is_reached;
    const char *etcd_endpoint, *etcd_why;
    uint64_t requests, failures, restarts;
    bool room_is_known;
    int64_t etcd_size, etcd_quota; /* octets; quota 0: etcd does not say */
    const char *etcd_alarm;        /* NULL: there is none */
};

struct admin_conflict {
    const char *id;   /* "override/region:us-east" */
    const char *json; /* the whole of it */
};

/* A machine may become a node, or a node is one no more. Borrowed for the call. */
struct admin_node_order {
    bool removes;
    const char *name;
    int64_t lasts_ms;                            /* of an invitation */
    bool replaces;                               /* … another machine is to have that name */
    const char *actor, *peer, *reason, *request; /* "": not said */
    const struct admin_receipt *receipt;         /* NULL: none */
};
struct admin_node_result {
    int error; /* 0; ERROR_CONFLICT, ERROR_NOT_FOUND: why not; else it was not written */
    const char *why;
    const char *token; /* of an invitation */
    int64_t until_ms;
    bool brings_certificate, brings_password; /* of etcd: that machine has to have these itself */
};
typedef void admin_node_done(void *argument, const struct admin_node_result *result);

enum admin_mend { ADMIN_MEND_REFILL, ADMIN_MEND_REPLACE, ADMIN_MEND_ADOPT };
/* 0; ERROR_CONFLICT: there is nothing to mend, or not in this way; else it failed. */
typedef void admin_mend_fn(void *argument, int error, const char *why);

/* Each gets the context of admin_verbs, on the control thread. NULL: there is no cluster, as far as the
 * application is able to tell. */
struct admin_cluster_verbs {
    bool (*is_on)(void *context);
    /* Something is to be changed that all nodes share: `ready` is called once, later, when it may be judged.
     * The change is to be ended whatever came of it. An emergency does not wait for long, and is ready
     * without a turn if there is none. */
    void *(*begin_change)(void *context, bool is_emergency, admin_turn_fn *ready, void *argument);
    /* It has been carried out, or refused: others may have the turn. `done` (NULL: nobody asks) is called
     * once, later, when enough nodes have it in force, or have had their time. If it was not ready by now,
     * `ready` is not called any more. */
    void (*end_change)(void *change, admin_spread_fn *done, void *argument);
    /* This node first. Returns how many. */
    size_t (*list_nodes)(void *context, struct arena *arena, struct admin_node **nodes);
    void (*get_status)(void *context, struct arena *arena, struct admin_cluster *status);
    size_t (*list_conflicts)(void *context, struct arena *arena, struct admin_conflict **conflicts);
    void (*mend)(void *context, enum admin_mend what, admin_mend_fn *done, void *argument);
    /* `done` is called once, maybe within the call. */
    void (*change_node)(void *context, const struct admin_node_order *order, admin_node_done *done,
                        void *argument);
};
