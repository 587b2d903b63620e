/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Watches: who is told of entries as they are committed. The journal is all that is kept for them: the
 * store's thread reads what one has not seen, a parcel at a time, and the owner delivers it among jobs; only
 * then is more read for that watch. So one that is slow costs a parcel. Inside this folder only. */
#pragma once

#include "store/engine.h"
#include "store/job.h"

#include <pthread.h>

struct watch_set {
    pthread_mutex_t *lock;     /* of the store */
    pthread_cond_t *asked;     /* wakes the store's thread */
    struct store_watch *first; /* under the lock */
    uint64_t turn;             /* of the store's thread */
};

void watch_set_init(struct watch_set *set, pthread_mutex_t *lock, pthread_cond_t *asked);
struct store_watch *watch_set_add(struct watch_set *set, const struct store_watch_options *options);

/* On the store's thread. Is there something to be read for one that asks? Under the lock. */
bool watch_set_has_work(const struct watch_set *set, const struct engine *engine);
/* One parcel for each of those, at most. They have to be delivered: they are `done` with by the owner. */
void watch_set_read(struct watch_set *set, struct engine *engine, struct job_list *parcels);

/* On the owner's thread: nothing is read any more, and what was read is delivered, or never will be. */
void watch_set_end(struct watch_set *set);
/* After that, on any thread: the job is freed if it is a parcel, which nobody waits for any more. */
void watch_drop_parcel(struct store_job *job);
