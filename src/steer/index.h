/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Numbers by hash, for what a steer set keeps once: the caller compares what the numbers stand for. Internal
 * to the folder. A zeroed index is an empty one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct steer_index_slot {
    uint64_t hash;
    uint32_t value; /* + 1; 0: free */
};

/* Open addressing, a power of two, at most half full. Equal hashes may occur more than once. */
struct steer_index {
    struct steer_index_slot *slots; /* owned: to be freed */
    size_t room, used;
};

void index_put(struct steer_index *index, uint64_t hash, uint32_t value);
/* The next value with this hash, or -1. *step begins at 0 and counts the slots that were looked at. */
int64_t index_find_next(const struct steer_index *index, uint64_t hash, size_t *step);
void index_copy(struct steer_index *to, const struct steer_index *from);
