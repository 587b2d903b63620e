/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Octets in a circle. `claimed` counts what writers took, `removed` what the reader gave back, both for ever.
 * A writer claims by compare-and-swap, which fails only when another writer succeeded. The head of a record
 * is 0 until the record is committed: the reader clears whatever it gives back, so heads may lie anywhere. A
 * record does not go round the end; what is left there is skipped as a record of its own. */
#include "config.h"

#include "base/ring.h"

#include "base/memory.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 8, HEAD = 8 };
/* The lowest bits of a head; the rest is the size of the record with its head, a multiple of 8. */
enum { IS_COMMITTED = 1, IS_SKIPPED = 2, FLAGS = 3 };

struct ring {
    _Alignas(64) _Atomic uint64_t claimed;
    _Alignas(64) _Atomic uint64_t removed;
    _Alignas(64) unsigned char *bytes;
    uint64_t size;
};

struct ring *ring_new(size_t size)
{
    assert(size >= 64 && (size & (size - 1)) == 0);
    struct ring *ring = aligned_alloc(64, sizeof *ring);
    assert(ring != NULL);
    atomic_init(&ring->claimed, 0);
    atomic_init(&ring->removed, 0);
    ring->bytes = memory_map(size);
    ring->size = size;
    return ring;
}

void ring_free(struct ring *ring)
{
    if (ring != NULL) {
        memory_unmap(ring->bytes, ring->size);
        free(ring);
    }
}

static _Atomic uint64_t *head_at(const struct ring *ring, uint64_t position)
{
    return (_Atomic uint64_t *)(void *)(ring->bytes + (position & (ring->size - 1)));
}

static uint64_t size_of(size_t len)
{
    return HEAD + ((len + ALIGN - 1) & ~(uint64_t)(ALIGN - 1));
}

void *ring_claim(struct ring *ring, size_t len)
{
    uint64_t size = size_of(len), at = atomic_load_explicit(&ring->claimed, memory_order_relaxed), skip;
    do {
        uint64_t to_end = ring->size - (at & (ring->size - 1));
        uint64_t removed = atomic_load_explicit(&ring->removed, memory_order_acquire);
        skip = to_end < size ? to_end : 0;
        if (size > ring->size || (at >= removed && at + skip + size - removed > ring->size)) {
            return NULL;
        }
        /* where `removed` is ahead of a stale `at`, the exchange fails and brings the new one */
    } while (!atomic_compare_exchange_weak_explicit(&ring->claimed, &at, at + skip + size,
                                                    memory_order_relaxed, memory_order_relaxed));
    if (skip != 0) {
        atomic_store_explicit(head_at(ring, at), skip | IS_SKIPPED | IS_COMMITTED, memory_order_release);
    }
    return ring->bytes + ((at + skip) & (ring->size - 1)) + HEAD;
}

void ring_commit(struct ring *ring, void *record, size_t len)
{
    (void)ring;
    _Atomic uint64_t *head = (_Atomic uint64_t *)(void *)((unsigned char *)record - HEAD);
    atomic_store_explicit(head, size_of(len) | IS_COMMITTED, memory_order_release);
}

/* Only the reader changes `removed`. */
static void remove_first(struct ring *ring, uint64_t at, uint64_t size)
{
    memset(ring->bytes + (at & (ring->size - 1)), 0, size);
    atomic_store_explicit(&ring->removed, at + size, memory_order_release);
}

const void *ring_peek(struct ring *ring)
{
    for (;;) {
        uint64_t at = atomic_load_explicit(&ring->removed, memory_order_relaxed);
        uint64_t head = atomic_load_explicit(head_at(ring, at), memory_order_acquire);
        if ((head & IS_SKIPPED) == 0) {
            return head == 0 ? NULL : ring->bytes + (at & (ring->size - 1)) + HEAD;
        }
        remove_first(ring, at, head & ~(uint64_t)FLAGS);
    }
}

void ring_remove(struct ring *ring)
{
    uint64_t at = atomic_load_explicit(&ring->removed, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(head_at(ring, at), memory_order_relaxed);
    remove_first(ring, at, head & ~(uint64_t)FLAGS);
}
