/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The store's thread and its queue. Nobody but this thread and those of readers calls SQLite. What waits when
 * the thread comes back is one transaction: what is owed first, then what is due to expire, then jobs in
 * their order. The lock is held for pushes and numbers only. */
#include "config.h"

#include "store/store.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/thread.h"
#include "store/engine.h"
#include "store/job.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    RETRY_MS = 1000,     /* while it cannot be written */
    LOOK_MS = 1000,      /* at the wall clock, where something expires: it may be set */
    BATCH_OPS = 8192,    /* of one transaction, about */
    BATCH_LEASES = 1024, /* that expire in one */
    OWED_FEW = 1000,     /* are tried again with every job, more only every RETRY_MS */
};

struct store {
    struct store_options options;
    char *folder;
    struct clock clock;
    pthread_t thread;
    pthread_mutex_t lock; /* held for a few instructions */
    pthread_cond_t asked, ended;
    /* under the lock: */
    struct job_list waiting, finished;
    struct store_stats stats;
    bool closing, gone, has_opened;
    int open_error;
    char open_why[DATABASE_WHY_SIZE], warning[DATABASE_WHY_SIZE];
    /* of the thread: */
    struct engine engine;
    struct job_judge judge;
    struct job_list backlog; /* taken, not begun */
    struct job_list owed;    /* copies */
    size_t owed_ops;
    int64_t tried_us; /* to write, at last */
    int64_t due_ms;   /* wall: the next lease */
};

/* What has expired goes the way of jobs, in their order. */
struct expiry {
    struct store_job job;
    struct store *store;
    struct writer_name name;
};

static void tell_expiry(struct store_job *job)
{
    struct expiry *expiry = (struct expiry *)job;
    const struct store_options *options = &expiry->store->options;
    if (options->expired != NULL) {
        options->expired(options->context, expiry->name.kind, expiry->name.key, job->seq);
    }
    free(expiry);
}

/* ---- writing, on the thread ---- */

struct batch {
    struct job_list jobs, expiries;
    uint64_t entries, sync_us;
    int error;
    const char *why;
};

static int fail(struct batch *batch, int error, const char *why)
{
    batch->error = error;
    batch->why = why;
    return error;
}

static int prepare_engine(struct store *store, struct batch *batch)
{
    struct engine *engine = &store->engine;
    int error = store_engine_open(engine);
    if (error != 0) {
        return fail(batch, error, engine->why);
    }
    error = files_check(&engine->files);
    if (error == -ENOENT && store->stats.error == -ENOENT) { /* that was told */
        error = store_engine_repair(engine);
        return error == 0 ? 0 : fail(batch, error, engine->why);
    }
    return error == 0 ? 0 : fail(batch, error, engine->files.why);
}

static int write_expiries(struct store *store, struct batch *batch, int64_t now_ms)
{
    struct writer *writer = &store->engine.writer;
    bool has = true;
    int error = 0;
    for (size_t i = 0; error == 0 && has && i < BATCH_LEASES; i++) {
        struct expiry *expiry = memory_alloc(sizeof *expiry);
        error = writer_expire(writer, now_ms, &expiry->name, &has);
        if (error != 0 || !has) {
            free(expiry);
            break;
        }
        expiry->store = store;
        expiry->job.done = tell_expiry;
        expiry->job.seq = writer->end.seq;
        job_list_add(&batch->expiries, &expiry->job);
    }
    return error;
}

static int write_jobs(struct store *store, const struct job_list *jobs, int64_t now_ms)
{
    int error = 0;
    for (struct store_job *job = jobs->first; job != NULL && error == 0; job = job->next) {
        if (job->error != ERROR_INVALID) {
            error = writer_apply(&store->engine.writer, job, now_ms);
        }
    }
    return error;
}

static int commit(struct store *store, struct batch *batch)
{
    struct writer *writer = &store->engine.writer;
    int64_t since_us = clock_now_us(&store->clock);
    uint64_t entries = writer->end.seq - writer->durable.seq;
    int error = writer_commit(writer);
    batch->entries += entries;
    batch->sync_us = (uint64_t)(clock_now_us(&store->clock) - since_us);
    return error;
}

/* Nobody shall wait while much that is owed fails over and over. */
static bool is_hopeless(struct store *store)
{
    int64_t now_us = clock_now_us(&store->clock);
    bool soon = store->tried_us != 0 && now_us - store->tried_us < (int64_t)RETRY_MS * 1000;
    if (soon && store->stats.error != 0 && store->owed_ops > OWED_FEW) {
        return true;
    }
    store->tried_us = now_us;
    return false;
}

static int write_batch(struct store *store, struct batch *batch)
{
    struct writer *writer = &store->engine.writer;
    int64_t now_ms = clock_wall_ms(&store->clock), due_ms;
    if (is_hopeless(store)) {
        return fail(batch, store->stats.error, NULL);
    }
    int error = prepare_engine(store, batch);
    if (error != 0) {
        return error;
    }
    error = writer_begin(writer);
    error = error != 0 ? error : write_jobs(store, &store->owed, now_ms);
    error = error != 0 ? error : write_expiries(store, batch, now_ms);
    error = error != 0 ? error : write_jobs(store, &batch->jobs, now_ms);
    error = error != 0 || store->stats.error == 0 ? error : writer_probe(writer, now_ms);
    error = error != 0 ? error : writer_find_due(writer, &due_ms);
    error = error != 0 ? error : commit(store, batch);
    if (error != 0) {
        writer_rollback(writer);
        return fail(batch, error, store->engine.db.why);
    }
    store->due_ms = due_ms;
    return 0;
}

static void drop_owed(struct store *store)
{
    for (struct store_job *job; (job = job_list_take(&store->owed)) != NULL;) {
        job_free_copy(job);
    }
    store->owed_ops = 0;
}

static void drop_expiries(struct batch *batch)
{
    for (struct store_job *job; (job = job_list_take(&batch->expiries)) != NULL;) {
        free(job);
    }
}

/* It has taken effect now, whenever it is written. */
static void owe(struct store *store, const struct store_job *job)
{
    struct store_job *copy = job_copy(job);
    if (copy->cause.wall_ms == 0) {
        copy->cause.wall_ms = clock_wall_ms(&store->clock);
    }
    job_list_add(&store->owed, copy);
    store->owed_ops += copy->op_count;
}

/* Nothing of the batch is written. */
static void settle_failure(struct store *store, struct batch *batch)
{
    drop_expiries(batch);
    for (struct store_job *job = batch->jobs.first; job != NULL; job = job->next) {
        if (job->error != ERROR_INVALID) {
            job->error = batch->error;
            if (job->insists) {
                owe(store, job);
            }
        }
    }
}

/* Under the lock. */
static void note_success(struct store *store, const struct batch *batch)
{
    struct store_stats *stats = &store->stats;
    const struct writer_end *end = &store->engine.writer.durable;
    stats->error = 0;
    stats->reason[0] = '\0';
    stats->failing_since_ms = 0;
    stats->entries += batch->entries;
    stats->commits++;
    stats->sync_us_sum += batch->sync_us;
    stats->sync_us_max = batch->sync_us > stats->sync_us_max ? batch->sync_us : stats->sync_us_max;
    stats->seq = end->seq;
    memcpy(stats->hash, end->hash, STORE_HASH_SIZE);
}

static void note_failure(struct store *store, const struct batch *batch)
{
    struct store_stats *stats = &store->stats;
    stats->failures++;
    stats->error = batch->error;
    if (stats->failing_since_ms == 0) {
        stats->failing_since_ms = clock_wall_ms(&store->clock);
    }
    if (batch->why != NULL) { /* else as before */
        snprintf(stats->reason, sizeof stats->reason, "%s", batch->why);
    }
}

static void finish(struct store *store, struct batch *batch)
{
    uint64_t size = files_size(&store->engine.files);
    pthread_mutex_lock(&store->lock);
    if (batch->error == 0) {
        note_success(store, batch);
    } else {
        note_failure(store, batch);
    }
    store->stats.owed = store->owed_ops;
    store->stats.size = size;
    store->stats.waiting -= batch->jobs.count;
    job_list_append(&store->finished, &batch->expiries);
    job_list_append(&store->finished, &batch->jobs);
    pthread_mutex_unlock(&store->lock);
    store->options.wake(store->options.context);
}

static void init_batch(struct batch *batch)
{
    *batch = (struct batch){.error = 0};
    job_list_init(&batch->jobs);
    job_list_init(&batch->expiries);
}

static void settle(struct store *store, struct batch *batch, int error)
{
    if (error == 0) {
        drop_owed(store);
    } else {
        settle_failure(store, batch);
    }
    finish(store, batch);
}

/* What there is no room for together there may be for a few: an order is small. */
static void work_off_each(struct store *store, struct batch *batch)
{
    for (struct store_job *job; (job = job_list_take(&batch->jobs)) != NULL;) {
        struct batch one;
        init_batch(&one);
        job_list_add(&one.jobs, job);
        settle(store, &one, write_batch(store, &one));
    }
}

static void work_off(struct store *store, struct batch *batch)
{
    for (struct store_job *job = batch->jobs.first; job != NULL; job = job->next) {
        job_judge(&store->judge, job);
    }
    int error = write_batch(store, batch);
    if (error == -ENOSPC && batch->jobs.count > 1) {
        drop_expiries(batch);
        work_off_each(store, batch);
    } else {
        settle(store, batch, error);
    }
    if (store->engine.is_open) {
        engine_checkpoint(&store->engine);
    }
}

/* ---- the thread ---- */

/* How long there is nothing to do unless somebody asks; INT64_MAX: for ever. */
static int64_t find_pause(const struct store *store)
{
    if (store->stats.error != 0) {
        return RETRY_MS;
    }
    int64_t left_ms = store->due_ms == INT64_MAX ? INT64_MAX : store->due_ms - clock_wall_ms(&store->clock);
    return left_ms == INT64_MAX ? left_ms : left_ms < 0 ? 0 : left_ms > LOOK_MS ? LOOK_MS : left_ms;
}

/* Under the lock. Returns false when the store closes and nothing waits. */
static bool wait_for_work(struct store *store)
{
    int64_t pause_ms = find_pause(store);
    struct timespec until = thread_after_ms(pause_ms == INT64_MAX ? 0 : pause_ms);
    while (!store->closing && store->waiting.first == NULL) {
        if (pause_ms == INT64_MAX) {
            pthread_cond_wait(&store->asked, &store->lock);
        } else if (pthread_cond_timedwait(&store->asked, &store->lock, &until) == ETIMEDOUT) {
            if (store->stats.error != 0 || clock_wall_ms(&store->clock) >= store->due_ms) {
                break;
            }
            pause_ms = find_pause(store);
            until = thread_after_ms(pause_ms);
        }
    }
    return !store->closing || store->waiting.first != NULL;
}

static void take_batch(struct store *store, struct batch *batch)
{
    init_batch(batch);
    for (size_t ops = 0; store->backlog.first != NULL && ops < BATCH_OPS;) {
        struct store_job *job = job_list_take(&store->backlog);
        ops += job->op_count;
        job_list_add(&batch->jobs, job);
    }
}

static void work(struct store *store)
{
    struct batch batch;
    pthread_mutex_lock(&store->lock);
    while (store->backlog.first != NULL || wait_for_work(store)) {
        job_list_append(&store->backlog, &store->waiting);
        pthread_mutex_unlock(&store->lock);
        take_batch(store, &batch);
        work_off(store, &batch);
        pthread_mutex_lock(&store->lock);
    }
    pthread_mutex_unlock(&store->lock);
    if (store->owed.first != NULL) { /* once more */
        store->tried_us = 0;
        take_batch(store, &batch);
        work_off(store, &batch);
    }
}

/* With all that is due to expire. */
static void open_it(struct store *store)
{
    struct batch batch;
    int64_t now_ms;
    int error = job_judge_open(&store->judge);
    init_batch(&batch);
    if (error != 0) {
        fail(&batch, error, store->judge.db.why);
    }
    do {
        now_ms = clock_wall_ms(&store->clock);
        error = error != 0 ? error : write_batch(store, &batch);
    } while (error == 0 && store->due_ms <= now_ms);
    if (error != 0) {
        settle_failure(store, &batch);
    }
    pthread_mutex_lock(&store->lock);
    store->open_error = error;
    snprintf(store->open_why, sizeof store->open_why, "%s", error != 0 ? batch.why : "");
    snprintf(store->warning, sizeof store->warning, "%s", store->engine.warning);
    pthread_mutex_unlock(&store->lock);
    finish(store, &batch);
}

static void *run(void *argument)
{
    struct store *store = argument;
    pthread_setname_np(pthread_self(), "store");
    engine_init(&store->engine, store->folder);
    job_list_init(&store->backlog);
    job_list_init(&store->owed);
    store->due_ms = INT64_MAX;
    open_it(store);
    pthread_mutex_lock(&store->lock);
    bool goes_on = store->open_error == 0 || store->options.may_fail;
    store->has_opened = true;
    pthread_cond_broadcast(&store->ended);
    pthread_mutex_unlock(&store->lock);
    if (goes_on) {
        work(store);
    }
    drop_owed(store);
    job_judge_close(&store->judge);
    engine_fini(&store->engine);
    pthread_mutex_lock(&store->lock);
    store->gone = true;
    pthread_cond_broadcast(&store->ended);
    pthread_mutex_unlock(&store->lock);
    return NULL;
}

/* ---- the owner's thread ---- */

static int start(struct store *store)
{
    int error = thread_start(&store->thread, run, store);
    return -error;
}

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
    return store;
}

static void destroy(struct store *store)
{
    pthread_cond_destroy(&store->asked);
    pthread_cond_destroy(&store->ended);
    pthread_mutex_destroy(&store->lock);
    free(store->folder);
    free(store);
}

static void tell(const struct store *store, bool is_refused, struct report *report)
{
    char *path = memory_print("%s/%s", store->folder, STORE_FILE);
    struct report_place place = {.file = path};
    if (store->open_error != 0) {
        report_add(report, is_refused ? REPORT_ERROR : REPORT_WARNING, &place, "the store cannot be used: %s",
                   store->open_why);
    }
    if (store->warning[0] != '\0') {
        report_add(report, REPORT_WARNING, &place, "%s", store->warning);
    }
    free(path);
}

int store_open(const struct store_options *options, struct report *report, struct store **to)
{
    struct store *store = make(options);
    int error = start(store);
    if (error != 0) {
        report_add(report, REPORT_ERROR, NULL, "the store's thread cannot be started: %s", error_text(error));
        destroy(store);
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
        destroy(store);
        return error;
    }
    *to = store;
    return 0;
}

bool store_close(struct store *store, int64_t patience_ms)
{
    struct timespec deadline = thread_after_ms(patience_ms);
    pthread_mutex_lock(&store->lock);
    store->closing = true;
    pthread_cond_signal(&store->asked);
    bool in_time = true;
    while (!store->gone && in_time) {
        in_time = pthread_cond_timedwait(&store->ended, &store->lock, &deadline) != ETIMEDOUT;
    }
    bool gone = store->gone;
    pthread_mutex_unlock(&store->lock);
    if (!gone) {
        pthread_detach(store->thread);
        return false;
    }
    pthread_join(store->thread, NULL);
    store_reap(store);
    if (store->options.last != NULL) {
        *store->options.last = store->stats;
    }
    destroy(store);
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

void store_reap(struct store *store)
{
    struct job_list finished;
    job_list_init(&finished);
    pthread_mutex_lock(&store->lock);
    job_list_append(&finished, &store->finished);
    pthread_mutex_unlock(&store->lock);
    for (struct store_job *job; (job = job_list_take(&finished)) != NULL;) {
        job->done(job);
    }
}

void store_get_stats(struct store *store, struct store_stats *stats)
{
    pthread_mutex_lock(&store->lock);
    *stats = store->stats;
    pthread_mutex_unlock(&store->lock);
}
