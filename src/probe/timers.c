/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A heap with four children per node: half as deep as a binary one, and four slots lie in one cache line.
 * Times are kept in the slots, so that comparing does not touch the timers. */
#include "config.h"

#include "probe/timers.h"

#include "base/memory.h"

#include <stdlib.h>

enum { CHILDREN = 4 };

void timer_heap_init(struct timer_heap *heap)
{
    *heap = (struct timer_heap){.slots = NULL};
}

void timer_heap_fini(struct timer_heap *heap)
{
    free(heap->slots);
    timer_heap_init(heap);
}

void timer_heap_clear(struct timer_heap *heap)
{
    heap->count = 0;
}

static void put(struct timer_heap *heap, size_t at, struct timer_slot slot)
{
    heap->slots[at] = slot;
    slot.timer->place = (uint32_t)at + 1;
}

static void sift_up(struct timer_heap *heap, size_t at, struct timer_slot slot)
{
    while (at > 0) {
        size_t parent = (at - 1) / CHILDREN;
        if (heap->slots[parent].at_us <= slot.at_us) {
            break;
        }
        put(heap, at, heap->slots[parent]);
        at = parent;
    }
    put(heap, at, slot);
}

static size_t find_least_child(const struct timer_heap *heap, size_t at)
{
    size_t first = at * CHILDREN + 1, least = first;
    for (size_t i = first + 1; i < first + CHILDREN && i < heap->count; i++) {
        if (heap->slots[i].at_us < heap->slots[least].at_us) {
            least = i;
        }
    }
    return least;
}

static void sift_down(struct timer_heap *heap, size_t at, struct timer_slot slot)
{
    for (;;) {
        size_t child = find_least_child(heap, at);
        if (child >= heap->count || heap->slots[child].at_us >= slot.at_us) {
            break;
        }
        put(heap, at, heap->slots[child]);
        at = child;
    }
    put(heap, at, slot);
}

void timer_heap_add(struct timer_heap *heap, struct timer *timer, int64_t at_us)
{
    heap->slots = memory_grow(heap->slots, heap->count, &heap->capacity, sizeof *heap->slots);
    heap->count++;
    sift_up(heap, heap->count - 1, (struct timer_slot){.at_us = at_us, .timer = timer});
}

void timer_heap_remove(struct timer_heap *heap, struct timer *timer)
{
    if (timer->place == 0) {
        return;
    }
    size_t at = timer->place - 1;
    timer->place = 0;
    struct timer_slot last = heap->slots[--heap->count];
    if (at == heap->count) {
        return;
    }
    if (at > 0 && heap->slots[(at - 1) / CHILDREN].at_us > last.at_us) {
        sift_up(heap, at, last);
    } else {
        sift_down(heap, at, last);
    }
}
