/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the parts of herald.h share: requests and what comes (herald.c), what outlives the process (kept.c),
 * and where one of several servers tells (shared.c). Inside this folder only. */
#pragma once

#include "base/clock.h"
#include "base/random.h"
#include "events/stream.h"
#include "herald/herald.h"
#include "herald/keep.h"
#include "herald/share.h"
#include "probe/runner.h"

struct event;

struct courier {
    struct courier *next;
    struct herald *herald;
    struct webhook *webhook;
    struct stream_reader reader; /* its own place in the stream */
    struct event *timer, *heard; /* heard: NULL while nothing is under way */
    int story;                   /* -1: nothing is */
    struct share share;          /* where one of several servers tells */
    bool is_writing;             /* a record, */
    bool is_handed;              /* … that is whole: it is in the queue */
};

struct herald {
    struct event_base *base;
    struct clock clock;
    struct random random;
    struct bell *bell;
    struct event *rung, *more;
    struct stream *stream;
    struct runner runner;
    struct courier *couriers;
    struct keep *keep; /* NULL: what waits is kept nowhere */
    struct box box;    /* what was read, for webhooks that are not configured yet */
    bool is_frozen, has_begun;
    enum herald_part part;
    struct herald_share_hooks sharing; /* unless it is alone */
};

/* ---- kept.c ---- */

void herald_note_changed(struct herald *herald);
void herald_take_kept(struct courier *courier); /* what was written down for it */

/* ---- shared.c ---- */

void courier_take(struct courier *courier, struct letter *letter);
void courier_note_end(struct courier *courier); /* of a request */
void courier_share(struct courier *courier);    /* there may be something to record, or to send */
void courier_hear(struct courier *courier, const char *text);
void courier_note_written(struct courier *courier, int error);
void courier_set_part(struct courier *courier, enum herald_part before); /* herald's is another one */
