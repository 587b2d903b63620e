/* SPDX-License-Identifier: BSD-3-Clause
 *
 * An order about a switchover on its way: looked at (switchovers_look.c), asked about (switchovers_hooks.c),
 * judged and carried out (switchovers_order.c). Private to these. */
#pragma once

#include "daemon/switchovers_inside.h"

#include "base/worker.h"
#include "operate/rules.h"

struct reader;

struct switchover_order {
    struct worker_job job; /* the first, so that one is the other */
    /* What becomes of it once hooks were asked. It goes on: what may have become of answers meanwhile is
     * looked at again. Or it ends: what comes of it is told, and it is freed. */
    void (*go_on)(struct switchover_order *order);
    void (*refuse)(struct switchover_order *order, enum admin_switchover_trouble trouble, const char *why);
    struct switchovers *all;
    struct switchover_order *next;
    struct arena *arena;
    struct admin_switchover_order asked;
    admin_switchover_done *done;
    void *argument;
    /* A copy, as it was when it was asked about; of a new one as it will be; owned. */
    struct switchover *what;
    uint32_t changes;            /* of the kept one then */
    uint32_t begins;             /* how often it was looked at from the beginning */
    bool waits;                  /* for what is just being done with the kept one */
    bool asks_hooks;             /* these are asked, and it waits for them */
    bool has_asked;              /* they have nothing against it */
    const char *hook, *hook_why; /* one that has */
    struct reader *reader;
    struct switchover_look look;
    bool has_looked;
    int error;                    /* of the look */
    struct operate_rules ignored; /* of an emergency: those that it violates */
    const char *missing;
    const char *flows; /* of reprotect */
    bool flows_back;
};

/* What it says, with what was found for the notes. */
struct switchover_wish switchover_order_wish(struct switchover_order *order, enum switchover_verb verb);
/* The verb that it comes down to; of a new one EXECUTE. */
enum switchover_verb switchover_order_verb(const struct switchover_order *order);

/* ---- what is asked ---- */

void switchover_copy_asked(struct switchover_order *order, const struct admin_switchover_order *asked);
/* Of what it is about something is not there: then it was refused. */
bool switchover_is_refused_for_want(struct switchover_order *order);

/* ---- looking ---- */

bool switchover_needs_look(const struct switchover_order *order);
void switchover_prepare_look(struct worker_job *job);
void switchover_run_look(struct worker_job *job); /* on the worker */

/* ---- hooks ---- */

/* Are there hooks that this order has to wait for? */
bool switchover_waits_for_hooks(const struct switchover_order *order);
/* Ask them, once that is noted durably: `kept` is NULL for a new one, `next` as it is while they run, and
 * taken. */
void switchover_ask_before(struct switchover_order *order, struct kept_switchover *kept,
                           struct switchover *next);
/* What scripts are run for is in their hands: data that were promoted do not flow any more. */
bool switchover_is_for_hooks(const struct switchover_order *order, const struct switchover_finding *finding);
/* They are run as well, and nobody waits: an emergency, and the way back. */
void switchover_run_before(const struct switchover_order *order, const struct switchover *what);
/* They are not run any more, and what they were asked about is not done: that is noted. Does nothing for an
 * order that asks none. */
void switchover_end_asking(struct switchover_order *order, enum admin_switchover_trouble trouble,
                           const char *why);

/* Which rules an emergency violates: told, not obeyed. On the control thread; a moment. */
void switchover_find_ignored(struct switchover_order *order, const struct switchover *next);
void switchover_tell_ignored(const struct switchover_order *order);
