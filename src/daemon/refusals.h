/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who was refused at the admin API. Counted; told as events as long as those are few; and kept: one entry of
 * the journal per cause, peer and minute, with how often. However many knock, that is a bounded number of
 * entries, of all other peers of a minute one per cause. Nobody waits for any of it. A sudden end (kill -9)
 * loses what has not been written of the last minute. Private to src/daemon. */
#pragma once

#include "admin/admin.h"
#include "base/buffer.h"

#include <stdatomic.h>

struct refusal_minute;
struct server;

#define REFUSAL_KIND "refusal" /* of the store's objects: by cause, the latest */

/* Strangers, and those who were let in but may not do what they asked for. Each has room of its own: however
 * many strangers knock, what an operator was refused is told and kept by his name. */
enum { REFUSALS_OF_STRANGERS, REFUSALS_OF_KNOWN, REFUSAL_CLASSES };

struct refusals_told {
    unsigned tokens;   /* events that may be told now */
    int64_t filled_ms; /* monotonic: when the last one was added */
    uint64_t untold;   /* since the last one that was */
};

/* In struct server. The control thread notes, others read the counters. */
struct refusals {
    _Atomic uint64_t counts[ADMIN_REFUSAL_CAUSES];
    struct refusals_told told[REFUSAL_CLASSES];
    struct refusal_minute *minute; /* what is to be written; NULL: nobody was ever refused */
};

/* See admin_verbs.note_refusal. */
void server_note_refusal(void *server, const struct admin_refusal *refusal);
void refusals_write_metrics(const struct server *server, struct buffer *out);
/* Write what there is now: another process goes on. */
void refusals_flush(struct server *server);
void refusals_end(struct server *server); /* likewise, and nothing follows */
