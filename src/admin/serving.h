/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Whether this server is one to be asked: cut off or not, withdrawn or not. What is asked of the application,
 * and what it answers. Plain data. */
#pragma once

#include "health/contact.h"
#include "health/health.h"

struct arena;

/* Of the command that withdraws and announces. */
struct admin_serving_hook {
    const char *settled; /* what it was told last with success: "withdraw", "announce"; NULL: nothing yet */
    const char *running; /* it is told now; NULL: nothing */
    uint64_t runs, failures; /* failures: in a row */
    const char *outcome;     /* of the latest run, "ok", "failed", …; NULL: there was none */
    const char *output;      /* the end of what it said; "" */
    int64_t ended_ms;        /* wall; 0: not yet */
};

struct admin_serving {
    bool is_known;      /* false: it is not said yet */
    bool has_withdrawn; /* by itself, since it is cut off */
    bool is_ordered;    /* by an operator */
    const char *how;    /* "stop_answering", "hook" */
    int64_t since_ms;   /* wall: withdrawn since then; 0: it is not */
    char actor[HEALTH_ACTOR_SIZE], peer[HEALTH_PEER_SIZE], reason[HEALTH_REASON_SIZE]; /* of the order */
    bool is_cut;                                                                       /* off */
    int64_t cut_ms, age_ms;             /* wall: since when; and for how long: 0: it is not */
    int64_t withdraws_ms, announces_ms; /* wall: when it will, if nothing changes; 0: it will not */
    struct contact_signs signs;
    bool has_hook;
    struct admin_serving_hook hook;
};

struct admin_serving_order {
    bool withdraws;
    const char *actor, *peer, *reason;
};

/* Each gets the context of admin_verbs, on the control thread. */
struct admin_serving_verbs {
    void (*get)(void *context, struct arena *arena,
                struct admin_serving *serving); /* NULL: cannot be known */
    /* It is in force when this returns. false: another process takes over. */
    bool (*order)(void *context, const struct admin_serving_order *order);
};
