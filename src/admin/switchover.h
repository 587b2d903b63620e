/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What is asked of the application about switchovers, and what it answers. */
#pragma once

#include "operate/rules.h"
#include "operate/switchover_look.h"

enum { ADMIN_ACCEPTED_MAX = 16 };

struct admin_receipt;
struct condition;

struct admin_switchover_order {
    const char *id;                  /* NULL: a new one */
    const struct switchover *wanted; /* of a new one: targets, to, steps, each_ms, is_emergency */
    bool executes;                   /* a new one: at once */
    bool dry_run;                    /* look only */
    enum switchover_verb verb;       /* else */
    const char *to;                  /* of a redirect */
    bool is_emergency;
    const char *const *accepted; /* findings that are no obstacle */
    size_t accepted_count;
    const char *confirm; /* what was typed; NULL: nothing */
    const char *actor, *peer, *reason, *request;
    const struct condition *condition;   /* of one that is there; NULL: none */
    const struct admin_receipt *receipt; /* goes with it into the store; NULL: none */
    const void *change;                  /* of a cluster (cluster.h): what it belongs to; NULL: none */
};

enum admin_switchover_trouble {
    ADMIN_SWITCHOVER_GOOD,
    ADMIN_SWITCHOVER_NONE,       /* there is none of this ID */
    ADMIN_SWITCHOVER_TARGET,     /* `why` is no target of this topology */
    ADMIN_SWITCHOVER_TO,         /* `why` is no destination in it */
    ADMIN_SWITCHOVER_NAMES,      /* `why` is no group of names of it */
    ADMIN_SWITCHOVER_ORDER,      /* the verb is not right now */
    ADMIN_SWITCHOVER_FINDINGS,   /* something objects: see the look */
    ADMIN_SWITCHOVER_CONFIRM,    /* `why` is to be typed */
    ADMIN_SWITCHOVER_OVERLAPS,   /* another one moves a part of it */
    ADMIN_SWITCHOVER_ACCEPTED,   /* `why` is not what was found, or is good */
    ADMIN_SWITCHOVER_HOOK,       /* `hook` is against it: `why` */
    ADMIN_SWITCHOVER_CONDITION,  /* it is not what it was taken for */
    ADMIN_SWITCHOVER_BUSY,       /* it is being changed; too many; or the server is being taken over */
    ADMIN_SWITCHOVER_UNTOLD,     /* the other nodes of the cluster could not be told: `why` */
    ADMIN_SWITCHOVER_CALLED_OFF, /* the server ends */
};

/* Borrowed for the call. */
struct admin_switchover_result {
    enum admin_switchover_trouble trouble;
    const char *why;                     /* NULL: the trouble says it all */
    const struct switchover *switchover; /* as it is now; NULL: there is none */
    const struct switchover_look *look;  /* NULL: nobody looked */
    const struct operate_rules *ignored; /* safety rules that an emergency violates */
    const char *hook;                    /* NULL: none is against it */
    bool durable;
    const char *not_durable_because; /* NULL: it is, or there is no store, or nothing was written */
};
typedef void admin_switchover_done(void *argument, const struct admin_switchover_result *result);

/* As the API shows it, without its notes. Returns owned (free). */
char *admin_write_switchover(const struct switchover *switchover);
