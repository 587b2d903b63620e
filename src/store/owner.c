/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What the owner's thread does with a store: opens and closes it, submits jobs and is done with them. It
 * waits for the store's thread at both ends only. */
#include "config.h"

#include "store/store.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/thread.h"
#include "store/store_inside.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { REAP_JOBS = 32 }; /* done with in one turn */

static struct store *make(const struct store_options *options)
{
    struct store *store = memory_alloc(sizeof *store);
    store->options = *options;
    store->folder = memory_copy_text(options->folder);
    clock_init(&store->clock);
    job_list_init(&store->waiting);
    job_list_init(&store->finished);
    pthread_mutex_init(&store->lock, NULL);
    thread_init_cond(&store->asked);
    thread_init_cond(&store->ended);
    watch_set_init(&store->watches, &store->lock, &store->asked);
    return store;
}

static void tell(const struct store *store, bool is_refused, struct report *report)
{
    char *path = memory_print("%s/%s", store->folder, STORE_FILE);
    struct report_place place = {.file = path};
    if (store->open_error != 0) {
        report_add(report, is_refused ? REPORT_ERROR : REPORT_WARNING, &place, "the store cannot be used: %s",
                   store->open_why);
    }
    for (int i = 0; i < ENGINE_WARNINGS; i++) {
        if (store->warnings[i][0] != '\0') {
            report_add(report, REPORT_WARNING, &place, "%s", store->warnings[i]);
        }
    }
    free(path);
}

int store_open(const struct store_options *options, struct report *report, struct store **to)
{
    struct store *store = make(options);
    int error = -thread_start(&store->thread, store_run, store);
    if (error != 0) {
        report_add(report, REPORT_ERROR, NULL, "the store's thread cannot be started: %s", error_text(error));
        store_destroy(store);
        return error;
    }
    pthread_mutex_lock(&store->lock);
    while (!store->has_opened) {
        pthread_cond_wait(&store->ended, &store->lock);
    }
    bool is_refused = store->open_error != 0 && !options->may_fail;
    error = is_refused ? store->open_error : 0;
    tell(store, is_refused, report);
    pthread_mutex_unlock(&store->lock);
    if (is_refused) {
        pthread_join(store->thread, NULL);
        store_destroy(store);
        return error;
    }
    *to = store;
    return 0;
}

/* Returns whether there are more. */
static bool reap_some(struct store *store)
{
    struct job_list finished;
    job_list_init(&finished);
    pthread_mutex_lock(&store->lock);
    while (finished.count < REAP_JOBS && store->finished.first != NULL) {
        job_list_add(&finished, job_list_take(&store->finished));
    }
    bool more = store->finished.first != NULL;
    pthread_mutex_unlock(&store->lock);
    for (struct store_job *job; (job = job_list_take(&finished)) != NULL;) {
        job->done(job);
    }
    return more;
}

/* Under the lock: be done with what is finished, which may submit more. */
static void reap_at_the_end(struct store *store)
{
    store->reaps = true;
    pthread_mutex_unlock(&store->lock);
    (void)reap_some(store);
    pthread_mutex_lock(&store->lock);
    store->reaps = false;
    pthread_cond_signal(&store->asked);
}

/* From now on the store is its thread's; false: that has ended. */
static bool abandon(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    bool gone = store->gone;
    store->abandoned = !gone;
    if (!gone) {
        pthread_detach(store->thread);
        pthread_cond_signal(&store->asked);
    }
    pthread_mutex_unlock(&store->lock);
    return !gone;
}

bool store_close(struct store *store, int64_t patience_ms)
{
    struct timespec deadline = thread_after_ms(patience_ms);
    pthread_mutex_lock(&store->lock);
    store->closing = true;
    pthread_cond_signal(&store->asked);
    bool in_time = true;
    while (!store->gone && in_time) {
        if (store->finished.first != NULL) {
            reap_at_the_end(store);
        } else {
            in_time = pthread_cond_timedwait(&store->ended, &store->lock, &deadline) != ETIMEDOUT;
        }
    }
    bool gone = store->gone;
    pthread_mutex_unlock(&store->lock);
    if (!gone) {
        watch_set_end(&store->watches);
        if (abandon(store)) {
            return false;
        }
    }
    pthread_join(store->thread, NULL);
    while (reap_some(store)) {
    }
    watch_set_end(&store->watches);
    if (store->options.last != NULL) {
        *store->options.last = store->stats;
    }
    store_destroy(store);
    return true;
}

void store_submit(struct store *store, struct store_job *job)
{
    pthread_mutex_lock(&store->lock);
    job_list_add(&store->waiting, job);
    store->stats.waiting++;
    pthread_cond_signal(&store->asked);
    pthread_mutex_unlock(&store->lock);
}

struct store_watch *store_watch(struct store *store, const struct store_watch_options *options)
{
    return watch_set_add(&store->watches, options);
}

void store_reap(struct store *store)
{
    if (reap_some(store)) {
        store->options.wake(store->options.context);
    }
}

void store_get_stats(struct store *store, struct store_stats *stats)
{
    pthread_mutex_lock(&store->lock);
    *stats = store->stats;
    pthread_mutex_unlock(&store->lock);
}
