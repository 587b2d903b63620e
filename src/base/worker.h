/* SPDX-License-Identifier: BSD-3-Clause
 *
 * A thread for what takes long, and the jobs that wait for it. One thread owns the worker: it submits,
 * cancels and reaps; no call of it waits for anything but worker_close(). The two threads share no lock: a
 * job is handed over when its turn has come, and back when it has run. So the worker, which gives way to
 * everything else (nice), is never in anybody's way.
 *
 * A job is a part of a struct of the caller's. In its life: `prepare` on the owner's thread when its turn has
 * come, `run` on the worker's, `done` on the owner's. `done` is called once for every job that was taken,
 * whatever became of it, and may free it. A job that is cancelled before its turn is not prepared and not
 * run. One that runs sees it in its progress and had better return soon. */
#pragma once

#include "base/progress.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;

struct worker_job {
    const char *name;                        /* "drill": for logs and metrics; a constant */
    void (*prepare)(struct worker_job *job); /* NULL: there is nothing to */
    void (*run)(struct worker_job *job);
    void (*done)(struct worker_job *job);
    struct progress progress;
    /* of the worker: */
    struct worker_job *next;
    bool is_waiting;
    int64_t since_us; /* monotonic: when it came, then when its turn came */
};

struct worker_options {
    const char *name; /* of the thread, up to 15 characters */
    size_t limit;     /* so many jobs may wait beside the one that runs */
    int nice;         /* of the thread, as for setpriority(2) */
    bool in_order;    /* the next job is begun when the one before is done with, else while it is */
    void *context;    /* of the functions here */
    /* On the worker's thread: a job has run, let the owner call worker_reap(). Must not block. */
    void (*wake)(void *context);
    void (*enter)(void *context), (*leave)(void *context); /* on its thread, first and last; may be NULL */
};

/* What there was to do. */
struct worker_stats {
    size_t waiting;
    const char *running; /* the name of the job; NULL: none */
    size_t done, of;     /* its progress */
    int64_t running_ms;  /* for so long */
    uint64_t ended, cancelled, refused;
};

/* Start the thread. Returns 0 and owned, or -errno. The caller's thread is the owner. */
int worker_open(const struct worker_options *options, struct worker **worker);
/* Cancel everything, wait for the job that runs to return, and end the thread. NULL is fine. */
void worker_close(struct worker *worker);

/* 0, or ERROR_BUSY: too many are waiting; the job is still the caller's then. */
int worker_submit(struct worker *worker, struct worker_job *job);
/* Of `done`: the job is to be done once more, and is the next one, whoever waits. Its life begins anew. */
void worker_repeat(struct worker *worker, struct worker_job *job);
/* Nobody wants it any more. One that waits is done with before this returns. */
void worker_cancel(struct worker *worker, struct worker_job *job);
/* After a wake: be done with the job that has run, and let the next one begin. */
void worker_reap(struct worker *worker);
/* While it is held no job is begun. */
void worker_hold(struct worker *worker, bool held);
void worker_get_stats(const struct worker *worker, struct worker_stats *stats);
