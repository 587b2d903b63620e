/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The queue belongs to the owner's thread. A job goes to the worker's by a semaphore and comes back by one
 * atomic flag: both order what was written before. */
#include "config.h"

#include "base/worker.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/thread.h"

#include <assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/resource.h>

struct worker {
    struct worker_options options;
    struct clock clock;
    pthread_t thread;
    sem_t turn; /* something was handed over; nothing: the end */
    _Atomic(struct worker_job *) handed;
    _Atomic bool has_run; /* the job that was */
    /* of the owner: */
    struct worker_job *running;
    struct worker_job *first, **last; /* those that wait */
    size_t waiting;
    uint64_t ended, cancelled, refused;
    bool is_held;
};

/* ---- the worker's thread ---- */

static void *work(void *argument)
{
    struct worker *worker = argument;
    const struct worker_options *options = &worker->options;
    pthread_setname_np(pthread_self(), options->name);
    (void)setpriority(PRIO_PROCESS, 0, options->nice); /* of this thread only: in Linux each has its own */
    if (options->enter != NULL) {
        options->enter(options->context);
    }
    for (;;) {
        while (sem_wait(&worker->turn) == -1) {
        }
        struct worker_job *job = atomic_exchange_explicit(&worker->handed, NULL, memory_order_acquire);
        if (job == NULL) {
            break;
        }
        job->run(job);
        atomic_store_explicit(&worker->has_run, true, memory_order_release);
        options->wake(options->context);
    }
    if (options->leave != NULL) {
        options->leave(options->context);
    }
    return NULL;
}

/* ---- the owner's ---- */

static struct worker_job *take_first(struct worker *worker)
{
    struct worker_job *job = worker->first;
    worker->first = job->next;
    worker->last = worker->first == NULL ? &worker->first : worker->last;
    worker->waiting--;
    job->is_waiting = false;
    return job;
}

static void start_next(struct worker *worker)
{
    if (worker->running == NULL && worker->first != NULL && !worker->is_held) {
        struct worker_job *job = take_first(worker);
        worker->running = job;
        job->since_us = clock_now_us(&worker->clock);
        if (job->prepare != NULL) {
            job->prepare(job);
        }
        atomic_store_explicit(&worker->handed, job, memory_order_release);
        sem_post(&worker->turn);
    }
}

static void finish(struct worker *worker, struct worker_job *job)
{
    if (progress_is_cancelled(&job->progress)) {
        worker->cancelled++;
    } else {
        worker->ended++;
    }
    job->done(job);
}

int worker_submit(struct worker *worker, struct worker_job *job)
{
    if ((worker->running != NULL || worker->is_held) && worker->waiting >= worker->options.limit) {
        worker->refused++;
        return ERROR_BUSY;
    }
    job->next = NULL;
    job->is_waiting = true;
    job->since_us = clock_now_us(&worker->clock);
    *worker->last = job;
    worker->last = &job->next;
    worker->waiting++;
    start_next(worker);
    return 0;
}

void worker_repeat(struct worker *worker, struct worker_job *job)
{
    job->next = worker->first;
    job->is_waiting = true;
    job->since_us = clock_now_us(&worker->clock);
    worker->last = worker->first == NULL ? &job->next : worker->last;
    worker->first = job;
    worker->waiting++;
    start_next(worker);
}

void worker_cancel(struct worker *worker, struct worker_job *job)
{
    progress_cancel(&job->progress);
    if (!job->is_waiting) {
        return;
    }
    struct worker_job **at = &worker->first;
    while (*at != job) {
        at = &(*at)->next;
    }
    *at = job->next;
    worker->last = job->next == NULL ? at : worker->last;
    worker->waiting--;
    job->is_waiting = false;
    finish(worker, job);
}

void worker_reap(struct worker *worker)
{
    if (atomic_load_explicit(&worker->has_run, memory_order_acquire)) {
        struct worker_job *job = worker->running;
        atomic_store_explicit(&worker->has_run, false, memory_order_relaxed);
        worker->running = NULL;
        if (!worker->options.in_order) {
            start_next(worker);
        }
        finish(worker, job);
        start_next(worker);
    }
}

void worker_hold(struct worker *worker, bool held)
{
    worker->is_held = held;
    start_next(worker);
}

void worker_get_stats(const struct worker *worker, struct worker_stats *stats)
{
    const struct worker_job *job = worker->running;
    *stats = (struct worker_stats){.waiting = worker->waiting,
                                   .ended = worker->ended,
                                   .cancelled = worker->cancelled,
                                   .refused = worker->refused};
    if (job != NULL) {
        stats->running = job->name;
        stats->done = atomic_load_explicit(&job->progress.done, memory_order_relaxed);
        stats->of = atomic_load_explicit(&job->progress.of, memory_order_relaxed);
        stats->running_ms = (clock_now_us(&worker->clock) - job->since_us) / 1000;
    }
}

/* ---- opening and closing ---- */

int worker_open(const struct worker_options *options, struct worker **to)
{
    struct worker *worker = memory_alloc(sizeof *worker);
    worker->options = *options;
    worker->last = &worker->first;
    clock_init(&worker->clock);
    sem_init(&worker->turn, 0, 0);
    int error = thread_start(&worker->thread, work, worker);
    if (error != 0) {
        sem_destroy(&worker->turn);
        free(worker);
        return -error;
    }
    *to = worker;
    return 0;
}

void worker_close(struct worker *worker)
{
    if (worker == NULL) {
        return;
    }
    struct worker_job *job = worker->running;
    while (worker->first != NULL) {
        worker_cancel(worker, worker->first);
    }
    if (job != NULL) {
        progress_cancel(&job->progress);
    }
    sem_post(&worker->turn);
    pthread_join(worker->thread, NULL);
    if (job != NULL) {
        finish(worker, job);
    }
    sem_destroy(&worker->turn);
    free(worker);
}
