/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is asked of the application about shadow drills, and what it answers. */
#pragma once

#include "base/addr.h"
#include "health/health.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    ADMIN_SHADOW_PREFIXES_MAX = 32,
    ADMIN_SHADOW_LISTEN_MAX = 16,
    ADMIN_SHADOW_LOSSES_MAX = 32,
    ADMIN_LIVE_ACCEPTED_MAX = 64,
    ADMIN_SHADOW_MIN_MS = 1000, /* that one may last */
    ADMIN_SHADOW_MAX_MS = 3600 * 1000
};

/* Who sees it. */
struct admin_shadow_clients {
    struct addr_prefix sources[ADMIN_SHADOW_PREFIXES_MAX], subnets[ADMIN_SHADOW_PREFIXES_MAX];
    size_t source_count, subnet_count;
    const char *key;                                  /* the name of a key; NULL: none */
    struct addr_port listen[ADMIN_SHADOW_LISTEN_MAX]; /* listen addresses: all that comes in there */
    size_t listen_count;
};

struct report;

/* How the loss of a live drill comes about. */
enum admin_live_by {
    ADMIN_LIVE_UNSAID,
    ADMIN_LIVE_INJECT,   /* where outcomes enter a health machine of its own */
    ADMIN_LIVE_OVERRIDE, /* by overrides of what is lost: only the switch is rehearsed */
    ADMIN_LIVE_HOOKS,    /* by commands that stop it */
};

static inline const char *admin_live_by_text(enum admin_live_by by)
{
    return by == ADMIN_LIVE_OVERRIDE ? "override" : by == ADMIN_LIVE_HOOKS ? "hooks" : "inject";
}

/* That all clients see it, with real TTLs: what goes before, and what ends it. 0: not given; then a document
 * says it. */
struct admin_live_order {
    unsigned canary; /* percent of all clients that see it first; 100: all at once */
    int64_t canary_ms;
    enum admin_live_by by;
    unsigned capacity;           /* percent of its high watermark that an endpoint, or a region, may report */
    double errors;               /* share of requests that may fail */
    int64_t recovery_ms;         /* for so long answers may lead to what is lost */
    const char *const *accepted; /* findings of the look */
    size_t accepted_count;
    const char *confirm; /* what was typed; NULL: nothing */
    bool dry_run;        /* look, and begin nothing */
    bool has_looked;     /* of the application: it begins */
};

struct admin_shadow_order {
    const char *document; /* NULL: the losses are the short form of one */
    size_t document_len;
    struct report *report; /* with a document: what is wrong with it */
    const char *const
        *losses; /* "region:us-east" …; with a document those places that it has, to be judged */
    size_t loss_count;
    const char *failure; /* of the short form: "timeout" or "refused" */
    int64_t duration_ms; /* likewise */
    struct admin_shadow_clients clients;
    const struct admin_live_order *live; /* then there are no such clients; NULL: a shadow drill */
    const char *schedule;                /* that it belongs to; NULL: none */
    const char *actor, *peer, *reason;
    const void *change; /* of a cluster (cluster.h): what it belongs to; NULL: none */
};

enum admin_shadow_trouble {
    ADMIN_SHADOW_GOOD,
    ADMIN_SHADOW_LOSS,     /* `what` is no target of this topology */
    ADMIN_SHADOW_DOCUMENT, /* the report says why */
    ADMIN_SHADOW_DURATION, /* it would take too long, or no time */
    ADMIN_SHADOW_KEY,      /* the configuration has no such key */
    ADMIN_SHADOW_LISTEN,   /* `what` is wrong with its listen addresses, in words */
    ADMIN_SHADOW_OVERLAPS, /* the drill `what` has some of these clients */
    ADMIN_SHADOW_BUSY,     /* `what`: why not now */
    /* Of live drills: */
    ADMIN_SHADOW_BY,       /* `what`: it cannot be done so */
    ADMIN_SHADOW_STATE,    /* `what` is on */
    ADMIN_SHADOW_FINDINGS, /* something in the look objects */
    ADMIN_SHADOW_ACCEPTED, /* `what` was accepted, and does not */
    ADMIN_SHADOW_CONFIRM,  /* it has to be confirmed by typing `what` */
};

/* A drill as JSON text; borrowed. */
struct admin_shadow {
    const char *id;
    const char *json; /* without what is long, but of the one that is asked for */
};

struct switchover_look;
struct admin_shadow_result {
    enum admin_shadow_trouble trouble;
    const struct switchover_look *look; /* of a live drill, borrowed for the call; NULL: nobody looked */
    bool is_dry;                        /* that look is all; then `what` is in the way, and NULL: nothing */
    const char *confirm;                /* likewise: what has to be typed */
    const char *what;                   /* borrowed for the call */
    const char *json;                   /* of the one that has begun; likewise */
    const struct report *report;        /* of DOCUMENT; likewise */
};
typedef void admin_shadow_done(void *argument, const struct admin_shadow_result *result);

/* The live drill that runs, for whoever looks at the server. */
enum { ADMIN_LIVE_LOSE_SIZE = 512 };
struct admin_live {
    char id[64];                     /* "": there is none */
    char lose[ADMIN_LIVE_LOSE_SIZE]; /* "region:us-east,az:eu-west-1a", as far as there is room */
    char actor[HEALTH_ACTOR_SIZE], reason[HEALTH_REASON_SIZE];
    enum admin_live_by by;
    unsigned share;    /* percent of all clients that see it */
    int64_t ends_ms;   /* wall, at the latest */
    size_t not_undone; /* also without one: places that hooks have stopped, and could not undo so far */
};

struct arena;
struct admin_shadow_verbs {
    /* Called back when it has begun, or has not. */
    void (*start)(void *context, const struct admin_shadow_order *order, admin_shadow_done *done,
                  void *argument);
    int (*stop)(void *context, const char *id, const char *actor); /* 0 or ERROR_NOT_FOUND */
    /* The latest first, in short; with an ID that one alone, in full. Returns how many. */
    size_t (*list)(void *context, const char *id, struct arena *arena, struct admin_shadow **drills);
};
