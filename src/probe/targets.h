/* SPDX-License-Identifier: BSD-3-Clause
 *
 * One list of targets, made ready on the thread that brings it, then handed to the prober's thread as a
 * whole. Pure memory: nothing here opens or starts anything. */
#pragma once

#include "probe/check.h"

struct targets {
    uint64_t generation;
    struct check *checks;
    size_t count;
    uint32_t *check_of;   /* of each target, its place in checks */
    uint64_t *identities; /* of each target */
    uint32_t *members;    /* targets, check by check, in the order of those */
    size_t member_count;
    uint32_t *eager; /* those that may be due whenever something changes, their places in checks */
    size_t eager_count;
    uint32_t *index; /* by content: open addressing, 1 + place in checks; 0 is empty; NULL: forgotten */
    size_t index_mask;
    struct arena *requests;
};

struct targets *targets_new(uint64_t generation, const struct probe_target *targets,
                            size_t count);  /* returns owned */
void targets_free(struct targets *targets); /* NULL is fine; nothing may be in flight any more */

/* The check that observes the same as `wanted`: same kind, address, request and patience; NULL if there is
 * none. By an index that can be forgotten when nobody looks any more. */
struct check *targets_find_same(const struct targets *targets, const struct check *wanted);
void targets_forget_index(struct targets *targets);

/* Move schedule and check in flight from a check of the old list to the same check of a new one. The check in
 * flight stays behind if there are other addresses now. */
void targets_carry(struct check *from, struct check *to, int64_t now_us);

/* Returns whether that is new: what is in flight is of no use then. */
bool targets_take_aim(struct check *check, const struct probe_aim *aim);
