/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the TCP threads of a server share: the limits, which may change at any time, and how many connections
 * there are, in all, per thread and per client. Touched when a connection comes and goes, not while queries
 * are answered. Everything is atomic, nothing waits.
 *
 * How many a client has is counted by two hashes of its prefix (a count-min sketch): now and then a client
 * seems to have one or two more than it has, never fewer, and nobody can aim at that. */
#pragma once

#include "base/addr.h"
#include "base/wake.h"
#include "serve/serve.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A thread, as the others see it. */
struct tcp_share_thread {
    _Atomic uint32_t count;                   /* connections */
    _Atomic uint32_t demands[SERVE_TCP_ENDS]; /* how many others want it to close, and why */
    struct wake wake;                         /* borrowed; written once, before the threads start */
};

struct tcp_share {
    _Atomic uint32_t idle_ms, clients, clients_per_address;
    _Atomic uint8_t ipv4_prefix, ipv6_prefix;
    _Atomic bool leaves; /* clients are asked to go */
    _Atomic uint32_t count;
    _Atomic uint64_t accepted, ended[SERVE_TCP_ENDS];
    uint64_t secrets[3];
    uint32_t mask;
    _Atomic uint32_t *rows[2];
    size_t thread_count;
    struct tcp_share_thread threads[];
};

/* Returns owned. */
struct tcp_share *tcp_share_new(size_t threads, const struct serve_tcp_limits *limits);
void tcp_share_free(struct tcp_share *share); /* NULL is fine */
void tcp_share_set_limits(struct tcp_share *share, const struct serve_tcp_limits *limits);

/* Who it is, as far as limits are concerned: a number for its prefix. */
uint64_t tcp_share_find_peer(const struct tcp_share *share, const struct addr *addr);
/* A connection of `peer` came to a thread, or went. */
void tcp_share_enter(struct tcp_share *share, size_t thread, uint64_t peer);
void tcp_share_leave(struct tcp_share *share, size_t thread, uint64_t peer, enum serve_tcp_end end);
/* One came that nobody wants. */
void tcp_share_turn_away(struct tcp_share *share);
uint32_t tcp_share_count_peer(const struct tcp_share *share, uint64_t peer);

/* Let the thread that has most connections close the one that is idle longest. */
void tcp_share_demand(struct tcp_share *share, enum serve_tcp_end end);

static inline uint32_t tcp_share_load(const _Atomic uint32_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}
