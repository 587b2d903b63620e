/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A heap of timers: add, remove any, look at the earliest. Pure. A timer lies inside the thing that waits, so
 * a prober with 100,000 targets needs one timer of the event library and not 100,000.
 *
 * Owned by one thread. The heap borrows the timers: a timer must stay where it is while it is in the heap. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zeroed: in no heap. */
struct timer {
    uint32_t place; /* 1 + its place in the heap; 0: not in one */
};

struct timer_slot {
    int64_t at_us;
    struct timer *timer;
};

struct timer_heap {
    struct timer_slot *slots; /* slots[0] is the earliest */
    size_t count, capacity;
};

void timer_heap_init(struct timer_heap *heap);
void timer_heap_fini(struct timer_heap *heap);
void timer_heap_add(struct timer_heap *heap, struct timer *timer, int64_t at_us); /* not yet in a heap */
void timer_heap_remove(struct timer_heap *heap, struct timer *timer); /* not in it: nothing happens */
void timer_heap_clear(struct timer_heap *heap); /* forgets all; the timers themselves are not touched */

/* The earliest, or NULL if there is none. */
static inline const struct timer_slot *timer_heap_find_first(const struct timer_heap *heap)
{
    return heap->count == 0 ? NULL : &heap->slots[0];
}
