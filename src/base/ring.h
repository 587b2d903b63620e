/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A bounded queue of byte records: any number of writers, one reader. A writer never waits and never calls
 * the system: there is room, or there is none. Records come out in the order in which they were claimed; one
 * that is claimed but not committed holds up the reader (which need not wait either), not the writers. */
#pragma once

#include <stddef.h>

struct ring;

/* Room for `size` octets of records with their heads (8 each); a power of two, at least 64. Returns owned. */
struct ring *ring_new(size_t size);
void ring_free(struct ring *ring); /* NULL is fine */

/* Room for len octets, aligned to 8, or NULL: the ring is full. To be filled and committed at once. */
void *ring_claim(struct ring *ring, size_t len);
void ring_commit(struct ring *ring, void *record, size_t len);

/* The oldest record, or NULL: there is none, or it is not committed yet. It stays until ring_remove(). */
const void *ring_peek(struct ring *ring);
/* Remove what ring_peek() returned. */
void ring_remove(struct ring *ring);
