/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A watch, as octets come: lines of JSON in, changes out. Only whole revisions are told, so whoever begins
 * again after the last one that was told misses nothing and hears nothing twice, also where etcd cut a
 * revision into pieces. Bounded by the longest line and the largest transaction. */
#pragma once

#include "base/buffer.h"
#include "etcd/reply.h"

struct feed {
    void *context;
    void (*begun)(void *context, int64_t revision);
    /* All up to this revision; no changes: there were none until then. */
    void (*changed)(void *context, const struct etcd_change *changes, size_t count, int64_t revision);
    struct buffer in;
    size_t looked_at;    /* octets of it, without an end of a line */
    struct arena *arena; /* of what is held: changes of a revision that may have more */
    struct etcd_change *held;
    size_t held_count, held_capacity, held_len;
};

void feed_init(struct feed *feed);
void feed_fini(struct feed *feed);
/* Returns 0, or fault->error: it is over. */
int feed_add(struct feed *feed, const char *bytes, size_t len, struct etcd_fault *fault);
