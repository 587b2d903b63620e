/* SPDX-License-Identifier: BSD-3-Clause
 *
 * When something happens to overrides: a heap of times. An entry whose override has gone, or has another time
 * now, is left in it and not believed when it comes up; when such ones are many it is made anew. */
#include "config.h"

#include "health/health.h"

#include "base/memory.h"
#include "health/machine.h"

#include <stdlib.h>

enum { STALE_MAX = 64 };

/* What ends goes before what starts. */
static bool is_before(const struct health_due *a, const struct health_due *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : !a->starts && b->starts;
}

static void sift_up(struct health_due *heap, size_t at)
{
    struct health_due moved = heap[at];
    while (at != 0 && is_before(&moved, &heap[(at - 1) / 2])) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = moved;
}

static void sift_down(struct health_due *heap, size_t count, size_t at)
{
    struct health_due moved = heap[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && is_before(&heap[child + 1], &heap[child]);
        if (!is_before(&heap[child], &moved)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

/* False: nothing ever happens to it. */
static bool find_due(const struct health *health, const struct health_override_entry *entry,
                     struct health_due *due)
{
    bool planned = (health_word_get(health, entry->kind, entry->index) & HEALTH_WORD_PLANNED) != 0;
    *due = (struct health_due){.at_ms = planned ? entry->what.starts_ms : entry->what.expires_ms,
                               .kind = entry->kind,
                               .index = entry->index,
                               .starts = planned};
    return due->at_ms != 0;
}

static bool is_true(const struct health *health, const struct health_due *due)
{
    uint32_t at = health->nodes[due->kind][due->index].override_at;
    struct health_due now;
    return at != 0 && find_due(health, &health->overrides[at - 1], &now) && now.at_ms == due->at_ms &&
           now.starts == due->starts;
}

static void drop_first(struct health_dues *dues)
{
    dues->items[0] = dues->items[--dues->count];
    if (dues->count != 0) {
        sift_down(dues->items, dues->count, 0);
    }
}

static void add(const struct health *health, struct health_dues *dues,
                const struct health_override_entry *entry)
{
    struct health_due due;
    if (find_due(health, entry, &due)) {
        dues->items = memory_grow(dues->items, dues->count, &dues->capacity, sizeof *dues->items);
        dues->items[dues->count] = due;
        sift_up(dues->items, dues->count++);
    }
}

void health_due_add(struct health *health, const struct health_override_entry *entry)
{
    add(health, &health->dues, entry);
    if (health->dues.count > 2 * health->override_count + STALE_MAX) {
        health->dues.count = 0;
        for (size_t i = 0; i < health->override_count; i++) {
            add(health, &health->dues, &health->overrides[i]);
        }
    }
    health_due_tidy(health);
}

void health_due_renew_begin(struct health *health)
{
    size_t room = health->override_count + 1;
    health->next_dues =
        (struct health_dues){.items = memory_alloc_array(room, sizeof(struct health_due)), .capacity = room};
}

void health_due_renew(struct health *health, const struct health_override_entry *entry)
{
    add(health, &health->next_dues, entry);
}

void health_due_renew_end(struct health *health)
{
    free(health->dues.items);
    health->dues = health->next_dues;
    health->next_dues = (struct health_dues){.items = NULL};
}

void health_due_tidy(struct health *health)
{
    struct health_dues *dues = &health->dues;
    while (dues->count != 0 && !is_true(health, &dues->items[0])) {
        drop_first(dues);
    }
}

bool health_due_take(struct health *health, int64_t wall_ms, struct health_due *due)
{
    struct health_dues *dues = &health->dues;
    health_due_tidy(health);
    if (dues->count == 0 || dues->items[0].at_ms > wall_ms) {
        return false;
    }
    *due = dues->items[0];
    drop_first(dues);
    return true;
}

/* A duration until the end counts from the start. */
bool health_override_shift(struct health_override *override, bool planned, int64_t by_ms)
{
    bool moves_start = planned && override->starts_by_duration;
    bool moves_end = override->expires_by_duration && (!planned || moves_start);
    override->starts_ms += moves_start ? by_ms : 0;
    override->expires_ms += moves_end ? by_ms : 0;
    return moves_start || moves_end;
}
