/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The store's thread and its queue. Only this thread and those of readers call SQLite. What waits is one
 * transaction: what is owed first, then what is due, then jobs. The lock is held for pushes and numbers. */
#include "config.h"

#include "store/noted.h"
#include "store/store_inside.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/thread.h"
#include "store/stats.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    RETRY_MS = 1000,     /* while it cannot be written */
    NOTE_US = 5000000,   /* from one note of the end to the next */
    LOOK_MS = 1000,      /* at the wall clock, where something expires: it may be set */
    BATCH_OPS = 8192,    /* of one transaction, about */
    BATCH_LEASES = 1024, /* that expire in one */
    OWED_FEW = 1000,     /* are tried again with every job, more only every RETRY_MS */
    OWED_BATCH = 1000,   /* in one transaction, about */
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
    struct stats_commits commits;
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
    uint64_t took_us = (uint64_t)(clock_now_us(&store->clock) - since_us);
    if (error == 0) {
        stats_add_commit(&batch->commits, entries, took_us);
    }
    return error;
}

/* A piece of what is owed: after hours it may be much. Where all has no room, a few may. */
static int write_owed(struct store *store, struct batch *batch)
{
    struct writer *writer = &store->engine.writer;
    struct owed_entry *end;
    int error = writer_begin(writer);
    error = error != 0 ? error : owed_write(&store->owed, writer, store->owed_room, &end);
    error = error != 0 ? error : commit(store, batch);
    if (error != 0) {
        writer_rollback(writer);
        store->owed_room = store->owed_room / 4 + 1;
        return error;
    }
    store->owed_room = store->owed_room * 2 > OWED_BATCH ? OWED_BATCH : store->owed_room * 2;
    owed_drop(&store->owed, end);
    return 0;
}

/* Nobody shall wait while much that is owed fails over and over. */
static bool is_hopeless(struct store *store)
{
    int64_t now_us = clock_now_us(&store->clock);
    bool soon = store->tried_us != 0 && now_us - store->tried_us < (int64_t)RETRY_MS * 1000;
    if (soon && store->stats.error != 0 && store->owed.count > OWED_FEW) {
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
    while (error == 0 && store->owed.first != NULL) {
        error = write_owed(store, batch);
    }
    if (error != 0) {
        return fail(batch, error, store->engine.db.why);
    }
    error = writer_begin(writer);
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

static void drop_expiries(struct batch *batch)
{
    for (struct store_job *job; (job = job_list_take(&batch->expiries)) != NULL;) {
        free(job);
    }
}

/* Nothing of the batch is written. What has taken effect has done so now, whenever it is. */
static void settle_failure(struct store *store, struct batch *batch)
{
    drop_expiries(batch);
    for (struct store_job *job = batch->jobs.first; job != NULL; job = job->next) {
        if (job->error != ERROR_INVALID) {
            job->error = batch->error;
            if (job->insists) {
                owed_add(&store->owed, job, clock_wall_ms(&store->clock));
            }
        }
    }
}

static void note_mended(struct store_stats *stats, const struct writer *writer)
{
    if (stats->mended != writer->mended) {
        stats->mended = writer->mended;
        snprintf(stats->mended_last, sizeof stats->mended_last, "%.40s/%.80s", writer->mended_last.kind,
                 writer->mended_last.key);
    }
}

static void finish(struct store *store, struct batch *batch)
{
    uint64_t size = files_size(&store->engine.files);
    pthread_mutex_lock(&store->lock);
    stats_note_commits(&store->stats, &batch->commits, &store->engine.writer.durable);
    if (batch->error == 0) {
        stats_note_success(&store->stats);
    } else {
        stats_note_failure(&store->stats, batch->error, batch->why, clock_wall_ms(&store->clock));
    }
    store->stats.owed = store->owed.count;
    store->stats.owed_octets = store->owed.octets;
    store->stats.folded = store->owed.folded;
    store->stats.size = size;
    note_mended(&store->stats, &store->engine.writer);
    store->stats.is_other = store->engine.warnings[ENGINE_NOTED][0] != '\0';
    store->stats.waiting -= batch->jobs.count;
    job_list_append(&store->finished, &batch->expiries);
    job_list_append(&store->finished, &batch->jobs);
    pthread_cond_broadcast(&store->ended); /* who closes reaps */
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
    if (error != 0) {
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

static bool is_to_note(const struct store *store)
{
    return store->engine.is_open && store->engine.writer.durable.seq != store->noted_seq &&
           store->engine.writer.durable.seq != 0;
}

/* That it fails is no harm: the next one says as much. */
static void note_end(struct store *store, bool is_last)
{
    int64_t now_us = clock_now_us(&store->clock);
    if (is_to_note(store) && (is_last || now_us >= store->note_at_us)) {
        (void)noted_write(store->folder, store->engine.id, &store->engine.writer.durable);
        store->noted_seq = store->engine.writer.durable.seq;
        store->note_at_us = now_us + NOTE_US;
    }
}

/* How long there is nothing to do unless somebody asks; INT64_MAX: for ever. */
static int64_t find_pause(const struct store *store)
{
    if (store->stats.error != 0) {
        return RETRY_MS;
    }
    int64_t left_ms = store->due_ms == INT64_MAX ? INT64_MAX : store->due_ms - clock_wall_ms(&store->clock);
    return left_ms == INT64_MAX ? left_ms : left_ms < 0 ? 0 : left_ms > LOOK_MS ? LOOK_MS : left_ms;
}

/* Until that, or until the end is to be noted. */
static int64_t find_wait(const struct store *store)
{
    int64_t pause_ms = find_pause(store), note_ms = INT64_MAX;
    if (is_to_note(store)) {
        note_ms = (store->note_at_us - clock_now_us(&store->clock)) / 1000 + 1;
        note_ms = note_ms < 0 ? 0 : note_ms;
    }
    return note_ms < pause_ms ? note_ms : pause_ms;
}

/* Under the lock: whoever closes the store has been told of all, and has nothing more to say. */
static bool has_ended(const struct store *store)
{
    return store->closing && store->waiting.first == NULL &&
           (store->abandoned || (store->finished.first == NULL && !store->reaps));
}

/* Under the lock. false: the store closes and nothing waits. *is_due: not only what waits is to be done. */
static bool wait_for_work(struct store *store, bool *is_due)
{
    *is_due = find_pause(store) == 0;
    int64_t pause_ms = find_wait(store);
    struct timespec until = thread_after_ms(pause_ms == INT64_MAX ? 0 : pause_ms);
    while (!has_ended(store) && store->waiting.first == NULL &&
           (store->closing || !watch_set_has_work(&store->watches, &store->engine))) {
        if (pause_ms == INT64_MAX || store->closing) {
            pthread_cond_wait(&store->asked, &store->lock);
        } else if (pthread_cond_timedwait(&store->asked, &store->lock, &until) == ETIMEDOUT) {
            *is_due = store->stats.error != 0 || clock_wall_ms(&store->clock) >= store->due_ms;
            if (*is_due || (is_to_note(store) && clock_now_us(&store->clock) >= store->note_at_us)) {
                break;
            }
            pause_ms = find_wait(store);
            until = thread_after_ms(pause_ms);
        }
    }
    return !has_ended(store);
}

static void tell_watchers(struct store *store)
{
    struct job_list parcels;
    job_list_init(&parcels);
    watch_set_read(&store->watches, &store->engine, &parcels);
    if (parcels.count != 0) {
        pthread_mutex_lock(&store->lock);
        job_list_append(&store->finished, &parcels);
        pthread_cond_broadcast(&store->ended); /* who closes reaps */
        pthread_mutex_unlock(&store->lock);
        store->options.wake(store->options.context);
    }
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
    bool is_due = false;
    pthread_mutex_lock(&store->lock);
    while (store->backlog.first != NULL || wait_for_work(store, &is_due)) {
        job_list_append(&store->backlog, &store->waiting);
        bool tells = !store->closing && store->watches.first != NULL;
        pthread_mutex_unlock(&store->lock);
        if (store->backlog.first != NULL || is_due) {
            take_batch(store, &batch);
            work_off(store, &batch);
        }
        note_end(store, false);
        if (tells) {
            tell_watchers(store);
        }
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
    memcpy(store->warnings, store->engine.warnings, sizeof store->warnings);
    pthread_mutex_unlock(&store->lock);
    finish(store, &batch);
}

void store_destroy(struct store *store)
{
    pthread_cond_destroy(&store->asked);
    pthread_cond_destroy(&store->ended);
    pthread_mutex_destroy(&store->lock);
    free(store->folder);
    free(store);
}

/* Nobody will be told any more of what is finished. What others submitted stays theirs. */
static void drop_finished(struct store *store)
{
    for (struct store_job *job; (job = job_list_take(&store->finished)) != NULL;) {
        if (job->done == tell_expiry) {
            free(job);
        } else {
            watch_drop_parcel(job);
        }
    }
}

void *store_run(void *argument)
{
    struct store *store = argument;
    pthread_setname_np(pthread_self(), "store");
    engine_init(&store->engine, store->folder);
    job_list_init(&store->backlog);
    owed_init(&store->owed);
    store->owed_room = OWED_BATCH;
    store->due_ms = INT64_MAX;
    open_it(store);
    pthread_mutex_lock(&store->lock);
    bool goes_on = store->open_error == 0 || store->options.may_fail;
    store->has_opened = true;
    pthread_cond_broadcast(&store->ended);
    pthread_mutex_unlock(&store->lock);
    if (goes_on) {
        work(store);
        note_end(store, true);
    }
    owed_fini(&store->owed);
    job_judge_close(&store->judge);
    engine_fini(&store->engine);
    pthread_mutex_lock(&store->lock);
    bool is_orphan = store->abandoned;
    store->gone = true;
    pthread_cond_broadcast(&store->ended);
    pthread_mutex_unlock(&store->lock);
    if (is_orphan) {
        drop_finished(store);
        store_destroy(store);
    }
    return NULL;
}
