/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The thread that saves: see scribe.h. Requests are numbered: a save serves all that were asked when it
 * began. */
#include "config.h"

#include "base/scribe.h"

#include "base/memory.h"
#include "base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

enum { RETRY_S = 1 };

struct scribe {
    int (*save)(void *context);
    void *context;
    pthread_t thread;
    pthread_mutex_t lock; /* held for a few instructions */
    pthread_cond_t asked, ended;
    uint64_t wanted, tried, saved; /* requests: that came, that a save began with, that are served */
    int error;
    bool saves;   /* now */
    bool hurries; /* nobody shall wait any more */
    bool closing, gone;
    _Atomic uint64_t count;
    _Atomic int last_error;
};

/* Under the lock. Returns false when the scribe closes and nothing is left to be saved. */
static bool wait_for_work(struct scribe *scribe)
{
    struct timespec retry = thread_after_ms((int64_t)RETRY_S * 1000);
    while (!scribe->closing && scribe->tried == scribe->wanted) {
        if (scribe->error == 0) {
            pthread_cond_wait(&scribe->asked, &scribe->lock);
        } else if (pthread_cond_timedwait(&scribe->asked, &scribe->lock, &retry) == ETIMEDOUT) {
            break;
        }
    }
    return !scribe->closing || scribe->tried != scribe->wanted;
}

static void *run(void *argument)
{
    struct scribe *scribe = argument;
    pthread_mutex_lock(&scribe->lock);
    while (wait_for_work(scribe)) {
        uint64_t upto = scribe->wanted;
        scribe->saves = true;
        pthread_mutex_unlock(&scribe->lock);
        int error = scribe->save(scribe->context);
        pthread_mutex_lock(&scribe->lock);
        scribe->saves = false;
        scribe->tried = upto;
        scribe->error = error;
        atomic_store_explicit(&scribe->last_error, error, memory_order_relaxed);
        if (error == 0) {
            scribe->saved = upto;
            atomic_fetch_add_explicit(&scribe->count, 1, memory_order_release);
        }
        pthread_cond_broadcast(&scribe->ended);
    }
    scribe->gone = true;
    pthread_cond_broadcast(&scribe->ended);
    pthread_mutex_unlock(&scribe->lock);
    return NULL;
}

static int start(struct scribe *scribe)
{
    int error = thread_start(&scribe->thread, run, scribe);
    return error;
}

static void destroy(struct scribe *scribe)
{
    pthread_cond_destroy(&scribe->asked);
    pthread_cond_destroy(&scribe->ended);
    pthread_mutex_destroy(&scribe->lock);
    free(scribe);
}

struct scribe *scribe_open(int (*save)(void *context), void *context)
{
    struct scribe *scribe = memory_alloc(sizeof *scribe);
    scribe->save = save;
    scribe->context = context;
    pthread_mutex_init(&scribe->lock, NULL);
    thread_init_cond(&scribe->asked);
    thread_init_cond(&scribe->ended);
    if (start(scribe) != 0) {
        destroy(scribe);
        return NULL;
    }
    return scribe;
}

void scribe_ask(struct scribe *scribe)
{
    pthread_mutex_lock(&scribe->lock);
    scribe->wanted++;
    pthread_cond_signal(&scribe->asked);
    pthread_mutex_unlock(&scribe->lock);
}

int scribe_wait(struct scribe *scribe)
{
    pthread_mutex_lock(&scribe->lock);
    uint64_t mine = ++scribe->wanted;
    pthread_cond_signal(&scribe->asked);
    while (!scribe->hurries && scribe->tried < mine) {
        pthread_cond_wait(&scribe->ended, &scribe->lock);
    }
    int error = scribe->saved >= mine ? 0 : scribe->hurries ? -ECANCELED : scribe->error;
    pthread_mutex_unlock(&scribe->lock);
    return error;
}

uint64_t scribe_count(const struct scribe *scribe)
{
    return atomic_load_explicit(&scribe->count, memory_order_acquire);
}

int scribe_error(const struct scribe *scribe)
{
    return atomic_load_explicit(&scribe->last_error, memory_order_relaxed);
}

bool scribe_is_idle(struct scribe *scribe)
{
    pthread_mutex_lock(&scribe->lock);
    bool is_idle = scribe->tried == scribe->wanted && !scribe->saves;
    pthread_mutex_unlock(&scribe->lock);
    return is_idle;
}

void scribe_hurry(struct scribe *scribe)
{
    pthread_mutex_lock(&scribe->lock);
    scribe->hurries = true;
    pthread_cond_broadcast(&scribe->ended);
    pthread_mutex_unlock(&scribe->lock);
}

bool scribe_close(struct scribe *scribe, int64_t patience_ms)
{
    struct timespec deadline = thread_after_ms(patience_ms);
    pthread_mutex_lock(&scribe->lock);
    scribe->closing = true;
    pthread_cond_broadcast(&scribe->asked);
    bool in_time = true;
    while (!scribe->gone && in_time) {
        in_time = pthread_cond_timedwait(&scribe->ended, &scribe->lock, &deadline) != ETIMEDOUT;
    }
    bool gone = scribe->gone;
    pthread_mutex_unlock(&scribe->lock);
    if (gone) {
        pthread_join(scribe->thread, NULL);
        destroy(scribe);
    } else {
        pthread_detach(scribe->thread);
    }
    return gone;
}
