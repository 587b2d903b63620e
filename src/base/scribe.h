/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A thread that keeps something on stable storage, so that nobody else waits for a disk. Whoever changed what
 * is to be kept asks, and goes on; the thread saves once for all that were asked before it began. What fails
 * is tried again every second until it succeeds. Any thread may ask, wait and look. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct scribe;

/* save() is called on the thread of the scribe, never twice at once. Returns 0 or a negative error.
 * Returns owned; NULL: no thread could be started. */
struct scribe *scribe_open(int (*save)(void *context), void *context);

void scribe_ask(struct scribe *scribe);
/* Ask, and wait until what there is now was saved, or saving it has failed once: 0, or the error. -ECANCELED:
 * scribe_hurry() was called. */
int scribe_wait(struct scribe *scribe);
/* How often it was saved; rises only when nothing of that save is missing. */
uint64_t scribe_count(const struct scribe *scribe);
/* Of the latest save. */
int scribe_error(const struct scribe *scribe);

/* Has all that was asked been tried at least once, and is nothing being saved now? */
bool scribe_is_idle(struct scribe *scribe);

/* The process is about to end: nobody waits any more, now and later. */
void scribe_hurry(struct scribe *scribe);
/* What was asked is saved once more, if that ends in time. Nobody else uses the scribe any more. true: the
 * thread has ended and everything is freed. false: a save hangs. Then the thread goes on when the save does,
 * so what `context` points to has to stay; the process had better end. */
bool scribe_close(struct scribe *scribe, int64_t patience_ms);
