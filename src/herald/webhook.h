/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One receiver of events by HTTP: what waits for it, what is being sent, when it is tried again, and what was
 * given up. No sockets and no clock: times are arguments (monotonic ms, and wall time where that is said).
 *
 * Events are sent in their order, in batches, one at a time; a batch stays what it is until the receiver has
 * taken it, or an event of it is too old. Bounded: what does not fit is counted, and told with the next
 * batch. */
#pragma once

#include "base/buffer.h"
#include "base/random.h"
#include "conf/webhooks.h"
#include "herald/letter.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WEBHOOK_QUEUE_MAX = 1000, WEBHOOK_DEAD_MAX = 1000, WEBHOOK_WHY_SIZE = 256, WEBHOOK_FAILING_AT = 3 };

struct arena;

struct webhook {
    struct arena *arena; /* owns conf */
    struct conf_webhook conf;
    struct letters queue, dead;
    size_t sending;     /* the first ones of the queue are in the batch; 0: there is none */
    struct buffer body; /* of the batch */
    char id[80];
    uint64_t body_missed;
    uint64_t missed; /* that came when the queue was full, and were not told yet */
    bool is_unsure;  /* a process before this one ended suddenly: some may be missing */
    bool body_unsure;
    unsigned failures; /* one after the other */
    bool is_failing;   /* so many that it was said */
    int64_t due_ms;    /* not before */
    /* what became of it, since the start of the process */
    uint64_t delivered, attempts, failed, given_up, lost;
    uint64_t acked_run, acked_seq;        /* the latest that the receiver has; 0: none */
    int64_t acked_wall_ms, tried_wall_ms; /* 0: never */
    int status;                           /* of HTTP, of the latest answer; 0: none */
    char why[WEBHOOK_WHY_SIZE];           /* it failed; "": it did not */
};

struct webhook *webhook_new(const struct conf_webhook *conf);
void webhook_free(struct webhook *webhook);
/* Another configuration of the same name; what waits stays. */
void webhook_configure(struct webhook *webhook, const struct conf_webhook *conf);

bool webhook_wants(const struct webhook *webhook, const struct change *change);
void webhook_take(struct webhook *webhook, struct letter *letter); /* holds it */
void webhook_miss(struct webhook *webhook, uint64_t count); /* so many were lost before they came here */

/* Is there anything to send, and when? Makes the batch. */
bool webhook_prepare(struct webhook *webhook);

struct webhook_outcome {
    int status;             /* of HTTP; 0: there was no answer */
    const char *why;        /* in words, of a failure */
    uint32_t retry_after_s; /* the receiver asks for that; 0: it does not */
    int64_t now_ms, wall_ms;
};

enum webhook_turn {
    WEBHOOK_AS_BEFORE,
    WEBHOOK_FAILS,    /* it has just failed so often that somebody should know */
    WEBHOOK_DELIVERS, /* again */
};

/* *given_up: so many went to the dead ones. */
enum webhook_turn webhook_end(struct webhook *webhook, const struct webhook_outcome *outcome,
                              struct random *random, size_t *given_up);
/* What was given up is tried again, before all else, and at once. Returns how many. */
size_t webhook_retry(struct webhook *webhook, int64_t now_ms);
/* The batch is not under way any more, without an end. */
void webhook_call_off(struct webhook *webhook);
