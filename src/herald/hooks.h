/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Hooks: commands that are run because of an event, or that are asked before and told after a switch. Each by
 * steerd-exec, a process of their own beside that of the checks, with a time, a bound to what it says and to
 * how many run at once: one that hangs takes its own places and nobody else's. Owned by the control thread,
 * which never waits for them.
 *
 * Events come at most once, in their order: what waits when the process ends, or when too much waits, is not
 * run any more. A webhook is what misses nothing. */
#pragma once

#include "base/buffer.h"
#include "conf/webhooks.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bell;
struct event_base;
struct hooks;
struct stream;

enum { HOOKS_QUEUE_MAX = 256, HOOKS_HISTORY = 16, HOOKS_OUTPUT_SIZE = 513, HOOKS_ABOUT_SIZE = 96 };

struct hooks_options {
    struct event_base *base;
    struct stream *stream;
    struct bell *bell;   /* of this reader, and already a waker of the stream */
    const char *program; /* steerd-exec; borrowed */
};

struct hooks *hooks_open(const struct hooks_options *options); /* returns owned; NULL: no descriptors */
/* The configuration. What runs for one that is gone is ended. */
void hooks_follow(struct hooks *hooks, const struct conf_hook *confs, size_t count);
/* Another process goes on: no further events. What waits here is run as long as there is time. */
void hooks_leave(struct hooks *hooks);
bool hooks_are_idle(const struct hooks *hooks);
void hooks_close(struct hooks *hooks); /* what runs is ended; NULL is fine */

/* ---- switches ---- */

struct hooks_occasion {
    enum conf_hook_when when;
    const char *id;                    /* of the switchover, or the drill */
    const char *phase;                 /* "execute", "rollback" …: what is about to be done, or was */
    const char *target;                /* "region:us-east"; of several the first */
    const char *actor, *peer, *reason; /* who does it; NULL: not told */
    const char *json;                  /* the switchover; of more than HOOKS_JSON_MAX octets not told */
    bool is_emergency;                 /* nothing stops it: hooks are run, but not waited for */
};

enum { HOOKS_JSON_MAX = 4096 };

struct hooks_verdict {
    bool may_go_on;
    const char *hook; /* that is against it; NULL: none. Borrowed for the call, as is why */
    const char *why;
};
typedef void hooks_done(void *argument, const struct hooks_verdict *verdict);

/* Is there one that is asked before a switch? NULL: none. */
bool hooks_are_asked(const struct hooks *hooks);

/* Are there those that stop what a live drill loses, and undo it? NULL: none. */
bool hooks_can_stop(const struct hooks *hooks);
bool hooks_can_undo(const struct hooks *hooks);

/* Run all that are about switches, those before one after the other, until one fails, which stops it; those
 * after at once. Those that stop something likewise as those before; of those that undo all are run, one
 * after the other, and the first that failed is told. `done` is called once, at the end of the last; in an
 * emergency, and where there are none, before this returns, and may_go_on is true. */
void hooks_run(struct hooks *hooks, const struct hooks_occasion *occasion, hooks_done *done, void *argument);

/* ---- looking, on the control thread; borrowed until the next turn of the loop ---- */

enum hooks_outcome {
    HOOKS_OK,
    HOOKS_FAILED,      /* another exit code than 0, or a signal */
    HOOKS_TIMEOUT,     /* and killed */
    HOOKS_NOT_STARTED, /* a fault of ours or of the configuration */
    HOOKS_CALLED_OFF,  /* it is not configured any more */
    HOOKS_OUTCOMES
};
const char *hooks_outcome_text(enum hooks_outcome outcome);

struct hooks_past {
    int64_t begun_wall_ms, duration_ms;
    char about[HOOKS_ABOUT_SIZE]; /* "health region:us-east", "switchover execute" */
    uint64_t seq;                 /* of the event; 0: there was none */
    enum hooks_outcome outcome;
    int exit_code, signal;          /* -1, 0: none */
    char output[HOOKS_OUTPUT_SIZE]; /* the end of what it said, or why it was not started */
};

struct hooks_status {
    const struct conf_hook *conf;
    size_t running, waiting;
    uint64_t outcomes[HOOKS_OUTCOMES], dropped;
    const struct hooks_past *past[HOOKS_HISTORY]; /* the latest first */
    size_t past_count;
};

size_t hooks_count(const struct hooks *hooks);
void hooks_get(const struct hooks *hooks, size_t i, struct hooks_status *status);

/* ---- errands: a command that is told a word ---- */

struct run;
typedef void hooks_told(void *argument, const struct hooks_past *past);

/* Run this command, with the word behind its arguments. `told` is called once, at its end, later. It is
 * nobody's hook: at_once and occasions do not matter, and no event tells of it. */
struct run *hooks_send(struct hooks *hooks, const struct conf_hook *conf, const char *word, hooks_told *told,
                       void *argument);
/* It is ended now, and told so: HOOKS_CALLED_OFF. Before hooks_close(). */
void hooks_call_off(struct run *run);
