/* SPDX-License-Identifier: BSD-3-Clause
 *
 * When every DNS thread answered from a new state: a thread that follows the stream of changes, waits for
 * readers of the words before (a batch that began with those has been answered then), and notes the time.
 * That is at the latest: it begins a moment after the change. Of regions and azs only, the latest ones; what
 * was before a start is not known. Private to src/daemon. */
#pragma once

#include "base/clock.h"
#include "events/change.h"

struct changes;
struct stream;
struct witness;

int witness_open(const struct clock *clock, struct changes *changes,
                 struct witness **witness); /* before the stream is: 0 and owned, or -errno */
/* The stream is there. 0 or -errno. */
int witness_begin(struct witness *witness, struct stream *stream);
/* When nobody publishes any more. NULL is fine. */
void witness_close(struct witness *witness);

struct witness_note {
    int64_t at_ms, published_ms; /* wall */
};
/* The first of so many ms after the Epoch, or later, of a target ("region:us-east"): that it counts as
 * something else (CHANGE_HEALTH), or that safety rules let it go (CHANGE_HOLD). Any thread; for a moment. */
bool witness_find(struct witness *witness, enum change_kind kind, const char *target, int64_t from_ms,
                  struct witness_note *note);
