/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of rollouts share: what is known (rollouts_kept.c), this node's part (rollouts_own.c), what
 * the one that works decides, and what operators order (rollouts_order.c), and looking (rollouts_look.c).
 * Private to src/daemon. */
#pragma once

#include "daemon/rollouts.h"

#include <pthread.h>

struct store_op;

/* For metrics, which are written on other threads. */
struct rollouts_figures {
    bool is_on, is_active_here;
    enum cluster_bundle_is is;
    unsigned done;
    size_t serving, nodes; /* nodes that are fresh: that serve the active one; all of them */
    uint64_t ended[ROLLOUT_CANCELLED + 1];
};

/* What this node is at. */
struct rollouts_own {
    char id[CLUSTER_BUNDLE_ID_SIZE]; /* "": nothing */
    uint64_t round;                  /* 0: it is active, and not served here yet */
    enum cluster_bundle_is is;
    bool is_here;    /* its tree is */
    bool is_loading; /* it is being compiled, or installed */
    bool is_checked; /* it could be compiled; with files of its own nothing more is wanted */
    unsigned done;
    char why[ROLLOUT_WHY_SIZE], told[ROLLOUT_WHY_SIZE]; /* told: of why it could not be */
    int64_t looked_ms;                                  /* monotonic: for the tree, or when it failed */
};

struct rollouts {
    struct server *server;
    struct rollout now;   /* as all nodes were told */
    bool is_known;        /* that has been read from the store */
    bool is_deciding;     /* what ends it is on its way */
    int64_t unsettled_ms; /* monotonic: when it was last not known who is there */
    int64_t undecided_ms; /* likewise: when a decision could not be written */
    struct rollouts_own own;
    pthread_mutex_t lock; /* guards: */
    struct rollouts_figures figures;
};

/* It is this from now on; what that changes is told. */
void rollouts_take(struct rollouts *rollouts, const struct rollout *next);

/* ---- rollouts_own.c ---- */

void rollouts_go_on_own(struct rollouts *rollouts, int64_t now_ms);
/* By which it is judged: the least that may activate, if none is said. */
enum role rollouts_read_role(const struct rollout_said *said);
const char *rollouts_get_served(const struct server *server); /* an ID; "": none */
bool rollouts_has_own_files(const struct server *server);

/* ---- rollouts_order.c ---- */

void rollouts_decide(struct rollouts *rollouts, int64_t now_ms);

/* ---- rollouts_look.c ---- */

void rollouts_count(struct rollouts *rollouts);
