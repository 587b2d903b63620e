/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Webhooks: all of a server's. A place in the stream and a queue per receiver, at most one request under way
 * to each, so that one that hangs holds up no other. Requests are made by steerd-post, a process of its own;
 * what waits is written down by a thread. Owned by the control thread, whose turns stay short: it reads,
 * signs and hands over, and never waits for a receiver, a disk or a name server. */
#pragma once

#include "conf/webhooks.h"
#include "herald/webhook.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bell;
struct event_base;
struct herald;
struct stream;

struct herald_options {
    struct event_base *base;
    struct stream *stream;
    struct bell *bell;   /* of this reader, and already a waker of the stream */
    const char *program; /* steerd-post; borrowed */
};

/* Returns owned; NULL: out of descriptors. Nothing is read of the stream before herald_follow(). */
struct herald *herald_open(const struct herald_options *options);
/* Where what waits outlives the process: reads what there is, and keeps it from now on. NULL: nowhere.
 * Returns 0, or why it could not be read: then it begins with nothing. */
int herald_keep(struct herald *herald, const char *path);
/* The configuration: who is new begins with what comes next (at the first call: with all that there is), who
 * is gone gets nothing more, also of what is under way. */
void herald_follow(struct herald *herald, const struct conf_webhook *confs, size_t count);
/* What is under way is called off and nothing begun, and what waits is written down: another process is to go
 * on with it. */
void herald_freeze(struct herald *herald, bool is_frozen);
bool herald_is_calm(struct herald *herald); /* it is written down, or could not be */
/* Unless it is frozen what waits is written down, if the disk takes it in a moment. NULL is fine. */
void herald_close(struct herald *herald);

/* ---- one of several servers ---- */

enum herald_part {
    HERALD_ALONE, /* it tells all that it sees; at first */
    HERALD_HOLDS, /* what all see another one tells, or this one when it works */
    HERALD_WORKS, /* it tells what all see, once a record of that is written */
};
struct herald_share_hooks {
    void *context;
    uint64_t salt; /* the same on all of them: IDs of what is shared follow from it */
    /* So that all of them see it (herald_hear()), also those that come later the latest of that name; then
     * herald_written(), later and not within this. */
    void (*write)(void *context, const char *name, const char *text);
};
/* hooks: NULL: as before; never at first, but where it is alone. May be called as often as one likes. */
void herald_set_part(struct herald *herald, enum herald_part part, const struct herald_share_hooks *hooks);
void herald_hear(struct herald *herald, const char *name, const char *text);
void herald_written(struct herald *herald, const char *name, int error);

/* ---- looking, on the control thread ---- */

size_t herald_count(const struct herald *herald);
/* Borrowed until the next turn of the loop. */
const struct webhook *herald_get(const struct herald *herald, size_t i);
const struct webhook *herald_find(const struct herald *herald, const char *name); /* NULL: there is none */
bool herald_is_sending(const struct herald *herald, const struct webhook *webhook);
/* What was given up is tried again, and what waits at once. ERROR_NOT_FOUND: there is no such webhook. */
int herald_retry(struct herald *herald, const char *name, size_t *count);
int herald_error(
    const struct herald *herald); /* of the latest writing; 0: it is kept, or has nowhere to be */
