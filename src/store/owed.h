/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What has taken effect and could not be written: copies, in their order. A disk may fail for hours, so there
 * is a bound: beyond it a change takes the place of the latest one of the same object, and its entry will say
 * of how many it is the last. So there are never more than OWED_MAX and one per object. Of the store's
 * thread. Inside this folder only. */
#pragma once

#include "store/writer.h"

enum {
    OWED_MAX = 10000,           /* changes, one by one */
    OWED_OCTETS_MAX = 32 << 20, /* likewise */
};

struct owed_entry;

struct owed {
    struct owed_entry *first, *last;
    size_t count, octets;
    uint64_t folded; /* since the beginning */
    struct owed_entry **table;
    size_t size; /* of the table, a power of 2 */
};

void owed_init(struct owed *owed);
void owed_fini(struct owed *owed);

/* A valid job whose changes hold since `wall_ms`, unless it says when itself. */
void owed_add(struct owed *owed, const struct store_job *job, int64_t wall_ms);
/* Write from the beginning, at least `ops` of them or all, whole jobs. *end: the first that was not written.
 */
int owed_write(struct owed *owed, struct writer *writer, size_t ops, struct owed_entry **end);
/* Those before it are durable. NULL: all. */
void owed_drop(struct owed *owed, const struct owed_entry *end);
