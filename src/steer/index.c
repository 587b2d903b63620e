/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See index.h. */
#include "config.h"

#include "steer/index.h"

#include "base/memory.h"

#include <stdlib.h>

enum { FIRST_ROOM = 64 };

static void enter(struct steer_index *index, uint64_t hash, uint32_t value)
{
    size_t at = hash & (index->room - 1);
    while (index->slots[at].value != 0) {
        at = (at + 1) & (index->room - 1);
    }
    index->slots[at] = (struct steer_index_slot){hash, value + 1};
    index->used++;
}

static void grow(struct steer_index *index)
{
    struct steer_index old = *index;
    index->room = old.room == 0 ? FIRST_ROOM : old.room * 2;
    index->slots = memory_alloc_array(index->room, sizeof *index->slots);
    index->used = 0;
    for (size_t i = 0; i < old.room; i++) {
        if (old.slots[i].value != 0) {
            enter(index, old.slots[i].hash, old.slots[i].value - 1);
        }
    }
    free(old.slots);
}

void index_put(struct steer_index *index, uint64_t hash, uint32_t value)
{
    if (index->used * 2 >= index->room) {
        grow(index);
    }
    enter(index, hash, value);
}

int64_t index_find_next(const struct steer_index *index, uint64_t hash, size_t *step)
{
    while (index->room != 0) {
        const struct steer_index_slot *slot = &index->slots[(hash + *step) & (index->room - 1)];
        (*step)++;
        if (slot->value == 0) {
            break;
        }
        if (slot->hash == hash) {
            return (int64_t)slot->value - 1;
        }
    }
    return -1;
}

void index_copy(struct steer_index *to, const struct steer_index *from)
{
    *to = *from;
    to->slots = memory_copy(from->slots, from->room * sizeof *from->slots);
}
