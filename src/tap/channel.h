/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One way out: a ring per DNS thread, and the thread that takes records out of them and gives them to a sink.
 * While the sink cannot be opened records stay in the rings; what finds a ring full is dropped and counted,
 * and no DNS thread ever waits or wakes anybody: the channel looks every 10 ms. Private to tap. */
#pragma once

#include "base/random.h"
#include "tap/options.h"
#include "tap/sink.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TAP_RING_SIZE = 2 << 20 };

struct tap_channel;

/* What a DNS thread has of a channel. Its own, but for what is atomic. */
struct tap_lane {
    _Atomic(struct ring *) ring; /* made when the channel is first switched on; NULL: never yet */
    _Atomic uint32_t one_of;     /* 0: off */
    _Atomic bool by_client;
    uint32_t left;        /* until one is drawn */
    struct random random; /* seeded by the number of the thread: the same queries, the same sample */
    _Atomic uint64_t dropped;
};

/* Counted since the start. */
struct tap_stats {
    bool is_on, is_open;
    uint64_t taken;   /* out of the rings */
    uint64_t dropped; /* a ring was full */
    uint64_t lost;    /* of those taken: on the way, as a connection or a disk failed */
};

/* lanes[i]: of DNS thread i; borrowed until the channel is closed. Returns owned. */
struct tap_channel *tap_channel_new(const char *name, const struct tap_sink *sink, struct tap_lane **lanes,
                                    size_t lane_count);
/* Takes the options. Starts the thread when it is first needed. By one thread; waits for nobody. 0 or a
 * negative error: nothing changed. */
int tap_channel_configure(struct tap_channel *channel, struct tap_options *options);
/* If its file was moved away, begin a new one now. */
void tap_channel_reopen(struct tap_channel *channel);
void tap_channel_get_stats(const struct tap_channel *channel, struct tap_stats *stats);
/* End: what is in the rings is written, as far as the receiver takes it. The DNS threads have ended. Two
 * steps, so that two channels end at once. */
void tap_channel_end(struct tap_channel *channel);
/* Returns whether it has ended and everything is freed; if not, its thread hangs in a file system, and goes
 * on using what it has, the lanes included. */
bool tap_channel_free(struct tap_channel *channel, int patience_ms);

/* Is this query drawn? */
static inline bool tap_lane_draws(struct tap_lane *lane)
{
    uint32_t one_of = atomic_load_explicit(&lane->one_of, memory_order_relaxed);
    if (one_of <= 1) {
        return one_of == 1;
    }
    if (lane->left == 0 || lane->left > 2 * (uint64_t)one_of) {
        lane->left = 1 + (uint32_t)random_below(&lane->random, 2 * (uint64_t)one_of - 1);
    }
    return --lane->left == 0;
}
