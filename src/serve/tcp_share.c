/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Counters and limits of all TCP threads: see tcp_share.h. */
#include "config.h"

#include "serve/tcp_share.h"

#include "base/memory.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

enum { CELLS_MIN = 4096, CELLS_MAX = 1 << 22, CELLS_PER_CLIENT = 4 };

void tcp_share_set_limits(struct tcp_share *share, const struct serve_tcp_limits *limits)
{
    atomic_store_explicit(&share->idle_ms, limits->idle_ms, memory_order_relaxed);
    atomic_store_explicit(&share->clients, limits->clients, memory_order_relaxed);
    atomic_store_explicit(&share->clients_per_address, limits->clients_per_address, memory_order_relaxed);
    atomic_store_explicit(&share->ipv4_prefix, limits->ipv4_prefix, memory_order_relaxed);
    atomic_store_explicit(&share->ipv6_prefix, limits->ipv6_prefix, memory_order_relaxed);
}

struct tcp_share *tcp_share_new(size_t threads, const struct serve_tcp_limits *limits)
{
    struct tcp_share *share = memory_alloc(sizeof *share + threads * sizeof share->threads[0]);
    uint32_t cells = CELLS_MIN;
    while (cells < CELLS_MAX && cells / CELLS_PER_CLIENT < limits->clients) {
        cells *= 2;
    }
    share->mask = cells - 1;
    share->rows[0] = memory_alloc_array(cells, sizeof *share->rows[0]);
    share->rows[1] = memory_alloc_array(cells, sizeof *share->rows[1]);
    random_make_secret(share->secrets, sizeof share->secrets);
    share->thread_count = threads;
    for (size_t i = 0; i < threads; i++) {
        share->threads[i].wake = (struct wake){-1, -1};
    }
    tcp_share_set_limits(share, limits);
    return share;
}

void tcp_share_free(struct tcp_share *share)
{
    if (share != NULL) {
        free(share->rows[0]);
        free(share->rows[1]);
        free(share);
    }
}

/* ---- clients ---- */

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t tcp_share_find_peer(const struct tcp_share *share, const struct addr *addr)
{
    uint64_t halves[2];
    struct addr masked = *addr;
    const _Atomic uint8_t *prefix = addr->family == ADDR_V4 ? &share->ipv4_prefix : &share->ipv6_prefix;
    addr_mask(&masked, atomic_load_explicit(prefix, memory_order_relaxed));
    memcpy(halves, masked.bytes, sizeof halves);
    uint64_t hash = fold(halves[0] ^ share->secrets[0], halves[1] ^ share->secrets[1]);
    return fold(hash ^ addr->family, share->secrets[2] | 1);
}

static _Atomic uint32_t *cell(const struct tcp_share *share, unsigned row, uint64_t peer)
{
    return &share->rows[row][(row == 0 ? peer : peer >> 32) & share->mask];
}

uint32_t tcp_share_count_peer(const struct tcp_share *share, uint64_t peer)
{
    uint32_t first = tcp_share_load(cell(share, 0, peer)), second = tcp_share_load(cell(share, 1, peer));
    return first < second ? first : second;
}

static void add(_Atomic uint32_t *value, uint32_t n)
{
    atomic_fetch_add_explicit(value, n, memory_order_relaxed);
}

void tcp_share_enter(struct tcp_share *share, size_t thread, uint64_t peer)
{
    add(&share->count, 1);
    add(&share->threads[thread].count, 1);
    add(cell(share, 0, peer), 1);
    add(cell(share, 1, peer), 1);
    atomic_fetch_add_explicit(&share->accepted, 1, memory_order_relaxed);
}

void tcp_share_leave(struct tcp_share *share, size_t thread, uint64_t peer, enum serve_tcp_end end)
{
    add(&share->count, UINT32_MAX); /* unsigned: minus one */
    add(&share->threads[thread].count, UINT32_MAX);
    add(cell(share, 0, peer), UINT32_MAX);
    add(cell(share, 1, peer), UINT32_MAX);
    atomic_fetch_add_explicit(&share->ended[end], 1, memory_order_relaxed);
}

void tcp_share_turn_away(struct tcp_share *share)
{
    atomic_fetch_add_explicit(&share->accepted, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&share->ended[SERVE_TCP_END_WITHDRAWN], 1, memory_order_relaxed);
}

/* ---- threads ---- */

void tcp_share_demand(struct tcp_share *share, enum serve_tcp_end end)
{
    struct tcp_share_thread *most = &share->threads[0];
    for (size_t i = 1; i < share->thread_count; i++) {
        most = tcp_share_load(&share->threads[i].count) > tcp_share_load(&most->count) ? &share->threads[i]
                                                                                       : most;
    }
    add(&most->demands[end], 1);
    wake_ring(&most->wake);
}
