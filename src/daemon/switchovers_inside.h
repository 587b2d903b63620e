/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of switchovers share: keeping (switchovers_kept.c), carrying out (switchovers.c), orders
 * (switchovers_order.c), and time, which begins and ends with all of it (switchovers_steps.c). Private to
 * src/daemon. */
#pragma once

#include "daemon/batch.h"
#include "daemon/switchovers.h"

struct clock;
struct event;
struct switchover_order;

struct kept_switchover {
    struct kept_switchover *next;    /* the latest first */
    struct switchover *what;         /* owned */
    struct switchover *coming;       /* what is on its way to take its place, borrowed; NULL: nothing is */
    bool is_busy;                    /* a verb, or a step, is under way */
    bool is_looking;                 /* whether a step may be taken */
    int64_t looked_ms, look_took_ms; /* the latest such look; monotonic */
    int64_t
        left_ms; /* monotonic: since then nobody is heard of who runs its hooks; 0: it has none, or he is */
};

/* By this it is held if somebody has overridden what it moves: he knows better. */
#define SWITCHOVER_MEDDLED "override"

struct switchovers {
    struct server *server;
    struct kept_switchover *first;
    struct event *timer;
    struct switchover_order *orders; /* on their way */
    /* Nothing is done with that one any more. NULL: nobody has ordered anything yet. */
    void (*rests)(struct switchovers *all, const char *id);
};

struct kept_switchover *switchovers_find(const struct switchovers *all, const char *id);
struct kept_switchover *switchovers_keep(struct switchovers *all, struct switchover *what); /* takes it */
void switchovers_drop(struct switchovers *all, struct kept_switchover *kept);

/* One that is to take the place of what is kept (NULL: it is new): written with the overrides that it wants,
 * if `moves`, in force, and told. `done` is called once, at once or later, and the kept one is busy till
 * then. Takes `next`. */
struct switchover_change {
    struct switchover *next;
    bool moves, is_emergency;
    struct store_cause cause;            /* borrowed for the call */
    const struct admin_receipt *receipt; /* likewise; NULL: none */
    struct durable_sender sender;
    void *context;
    void (*done)(void *context, struct kept_switchover *kept, const struct batch_result *result);
};
void switchovers_carry_out(struct switchovers *all, struct kept_switchover *kept,
                           const struct switchover_change *change);
/* A change of it, to whoever wants to know: before NULL: it is new. */
void switchovers_tell(const struct switchovers *all, const struct switchover *before,
                      const struct switchover *after, const struct store_cause *cause);
/* Whoever ran its hooks has ended: nothing has moved by then; some of them have been run, or have begun to.
 */
void switchovers_note_interruption(struct switchover *what, const struct clock *clock);
/* Are its hooks run by this process? */
bool switchovers_asks_here(const struct switchovers *all, const char *id);
/* The next step of any of them. */
void switchovers_schedule(struct switchovers *all);
/* NULL: all is as the switchover wants it, or nothing can be said; else a target that somebody has overridden
 * since. Borrowed from it. */
const char *switchovers_find_meddled(const struct switchovers *all, const struct switchover *what);
/* What is desired of its targets by others, by this moment, into it; before it moves. */
void switchovers_note_before(const struct switchovers *all, struct switchover *next);

/* Does one of them move something of what the other one moves? */
bool switchovers_overlap(const struct view *view, const struct switchover *a, const struct switchover *b);

void switchovers_free(struct switchovers *all); /* when nobody waits any more */
