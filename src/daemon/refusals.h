/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who was refused at the admin API: counted, and told as long as that are few. Private to src/daemon. */
#pragma once

#include "admin/admin.h"
#include "base/buffer.h"

#include <stdatomic.h>

struct server;

/* In struct server. The control thread notes, others read the counters. */
struct refusals {
    _Atomic uint64_t counts[ADMIN_REFUSAL_CAUSES];
    unsigned tokens;   /* events that may be told now */
    int64_t filled_ms; /* monotonic: when the last one was added */
    uint64_t untold;   /* since the last one that was */
};

/* See admin_verbs.note_refusal. */
void server_note_refusal(void *server, const struct admin_refusal *refusal);
void refusals_write_metrics(const struct server *server, struct buffer *out);
