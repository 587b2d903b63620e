/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Moments at which objects are looked at again, the next one first: a binary heap. */
#include "config.h"

#include "base/memory.h"
#include "health/stay_inside.h"

static void sift_up(struct health_stay_due *heap, size_t at)
{
    struct health_stay_due moved = heap[at];
    for (; at != 0 && moved.at_ms < heap[(at - 1) / 2].at_ms; at = (at - 1) / 2) {
        heap[at] = heap[(at - 1) / 2];
    }
    heap[at] = moved;
}

static void sift_down(struct health_stay_due *heap, size_t count, size_t at)
{
    struct health_stay_due moved = heap[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && heap[child + 1].at_ms < heap[child].at_ms;
        if (heap[child].at_ms >= moved.at_ms) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

void health_queue_add(struct health_stay_queue *queue, const struct health_stay_due *due)
{
    queue->items = memory_grow(queue->items, queue->count, &queue->capacity, sizeof *queue->items);
    queue->items[queue->count] = *due;
    sift_up(queue->items, queue->count++);
}

struct health_stay_due health_queue_take(struct health_stay_queue *queue)
{
    struct health_stay_due first = queue->items[0];
    queue->items[0] = queue->items[--queue->count];
    if (queue->count != 0) {
        sift_down(queue->items, queue->count, 0);
    }
    return first;
}
