/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The thread that keeps what is known of health: see last.h. After a reload everything is written anew, for
 * then other objects may have other numbers, and when the changes have become more than that. Under the lock
 * the view is looked at first: if it is another one, whatever was known of the machine is void. */
#include "config.h"

#include "daemon/last.h"

#include "daemon/last_hosts.h"
#include "daemon/server.h"
#include "base/buffer.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/sanitizer.h"
#include "base/thread.h"
#include "base/trail.h"
#include "past/last_kinds.h"
#include "past/recorder.h"
#include "past/segments.h"
#include "view/view.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    TICK_MS = 500,
    TURN = 64,                              /* objects per turn at the health lock */
    FRAME = 60 * 1024,                      /* octets that are worth a frame */
    PATIENCE_MS = 500 * SANITIZER_SLOWNESS, /* at the end */
    RETRY_MS = 1000,                        /* after a failure; */
    RETRY_MOST_MS = 10000,                  /* to begin anew, doubled up to this */
    AGES_MS = 10000,                        /* ages of all monitors are written once in this time */
    SMALLEST = 1024 * 1024,                 /* octets: a file below this is not begun anew for its size */
    CHANGES_MOST = 64 << 20,                /* octets of changes */
};

enum course {
    GOING_ON,
    PAUSING, /* once more */
    PAUSED,
};

struct last {
    struct server *server;
    struct clock clock; /* its own: the thread may outlive everything else */
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t news, ended;
    int64_t paused_ms; /* monotonic: of the control thread */
    bool closing, gone, is_hurried;
    struct recorder_span *span; /* owned, for the recorder; NULL: no news */
    bool resumes;               /* nobody else writes in the folder: segments go on */
    /* of the thread: */
    struct trail trail;
    struct recorder *recorder; /* of the same for who asks later */
    char *folder;
    char boot[FILE_BOOT_SIZE];
    struct buffer buffer;
    const struct health *health; /* that is kept; NULL: none */
    uint64_t generation;         /* of its view */
    struct health_writer *writer;
    struct last_host *hosts;
    size_t host_count;
    uint64_t whole; /* octets of the file when it was whole */
    int64_t retry_ms, retry_wait_ms;
    int64_t aged_ms;   /* when the round of ages that is under way began */
    int64_t moment_ms; /* when the last one was written */
    bool is_failing, has_gap;
    bool was_paused; /* another process may have put its file there */
    /* of anybody: */
    _Atomic int course;     /* enum course */
    _Atomic bool abandoned; /* the server is gone: the disk kept the thread for too long */
    _Atomic uint64_t octets, writes, failures, beginnings;
    _Atomic int64_t written_ms; /* monotonic; -1: never */
    _Atomic int error;
    struct {
        _Atomic uint64_t segments, octets, removed;
        _Atomic bool is_kept;
    } past;
};

/* ---- the current view ---- */

/* With the lock: is it the one whose machine is kept? */
static bool take_current(struct last *last)
{
    if (atomic_load(&last->abandoned)) {
        return false;
    }
    lock_take(&last->server->lock);
    const struct view *view = last->server->view;
    if (last->health != NULL && view != NULL && view->health == last->health &&
        view->generation == last->generation) {
        return true;
    }
    lock_leave(&last->server->lock);
    return false;
}

static void leave(struct last *last)
{
    lock_leave(&last->server->lock);
}

static void drop_machine(struct last *last)
{
    if (last->writer != NULL && take_current(last)) {
        health_writer_end(last->writer);
        leave(last);
    }
    health_writer_free(last->writer);
    free(last->hosts);
    last->writer = NULL;
    last->hosts = NULL;
    last->health = NULL;
}

/* Memory is taken before the lock, and so for the view that there was before. Returns whether it is kept. */
static bool take_machine(struct last *last)
{
    struct health_sizes sizes = {.counts = {0}};
    size_t host_count = 0;
    struct recorder_limits past = {.every_ms = SEGMENTS_EVERY_MS, .octets = SEGMENTS_OCTETS};
    bool wanted = false;
    drop_machine(last);
    if (atomic_load(&last->abandoned)) {
        return false;
    }
    lock_take(&last->server->lock);
    const struct view *view = last->server->view;
    if (view != NULL) {
        wanted = view->server->last_health_ms != 0 && view->topology != NULL;
        sizes = health_get_sizes(view->health);
        host_count = view->host_count;
        past.octets = view->server->points.health_size;
        last->health = view->health;
        last->generation = view->generation;
    }
    lock_leave(&last->server->lock);
    recorder_set_limits(last->recorder, &past);
    if (!wanted) {
        last->health = NULL;
        return false;
    }
    last->writer = health_writer_new(&sizes);
    last->hosts = memory_alloc_array(host_count, sizeof *last->hosts);
    last->host_count = host_count;
    if (!take_current(last)) {
        drop_machine(last);
        return false;
    }
    health_writer_begin(last->writer, last->server->view->health);
    leave(last);
    return true;
}

/* ---- the file ---- */

static void note_failure(struct last *last, int error)
{
    atomic_fetch_add_explicit(&last->failures, 1, memory_order_relaxed);
    atomic_store_explicit(&last->error, error, memory_order_relaxed);
    if (!last->is_failing) {
        log_warning(
            "last health not kept file=%s error=%s effect=\"after a restart steerd knows what it knew "
            "until now; tried again\"",
            last->trail.path, error_text(error));
    }
    last->is_failing = true;
}

static void note_success(struct last *last)
{
    atomic_store_explicit(&last->error, 0, memory_order_relaxed);
    atomic_store_explicit(&last->written_ms, clock_now_ms(&last->clock), memory_order_relaxed);
    if (last->is_failing) {
        log_info("last health kept file=%s failures=%llu", last->trail.path,
                 (unsigned long long)atomic_load_explicit(&last->failures, memory_order_relaxed));
    }
    last->is_failing = false;
}

/* What becomes of past health is said, and holds up nothing. */
static void record(struct last *last, int error)
{
    struct recorder_stats stats;
    recorder_get_stats(last->recorder, &stats);
    bool is_kept = error == 0 && stats.begun_ms != 0;
    atomic_store_explicit(&last->past.segments, stats.segments, memory_order_relaxed);
    atomic_store_explicit(&last->past.octets, stats.octets, memory_order_relaxed);
    atomic_store_explicit(&last->past.removed, stats.removed, memory_order_relaxed);
    atomic_store_explicit(&last->past.is_kept, is_kept, memory_order_relaxed);
    if (error != 0 && !last->has_gap) {
        log_warning("past health not kept folder=%s/" SEGMENTS_FOLDER
                    " error=%s effect=\"what held at that time cannot be asked later; tried again\"",
                    last->folder, error_text(error));
        last->has_gap = true;
    } else if (is_kept && last->has_gap && !recorder_is_due(last->recorder)) {
        log_info("past health kept folder=%s/" SEGMENTS_FOLDER, last->folder);
        last->has_gap = false;
    }
}

/* What waits in the buffer, as one frame. It stays there if that fails. */
static int flush(struct last *last)
{
    if (last->buffer.len == 0) {
        return 0;
    }
    int error = trail_add(&last->trail, last->buffer.bytes, last->buffer.len);
    if (error == 0) {
        atomic_fetch_add_explicit(&last->octets, last->buffer.len, memory_order_relaxed);
        atomic_fetch_add_explicit(&last->writes, 1, memory_order_relaxed);
        record(last, recorder_take(last->recorder, last->buffer.bytes, last->buffer.len));
        last->buffer.len = 0;
    }
    return error;
}

static int flush_some(struct last *last)
{
    return last->buffer.len < FRAME ? 0 : flush(last);
}

/* As it was before what has been copied until now. */
static void add_moment(struct last *last)
{
    uint8_t bytes[24];
    struct cursor body = cursor_init(bytes, sizeof bytes);
    cursor_write_i64(&body, clock_wall_ms(&last->clock));
    cursor_write_i64(&body, clock_now_ms(&last->clock));
    cursor_write_i64(&body, clock_boot_ms());
    health_record_add(&last->buffer, LAST_MOMENT, bytes, sizeof bytes);
    last->moment_ms = clock_now_ms(&last->clock);
}

/* ---- hosts ---- */

/* Returns 0, an error, or ERROR_CONFLICT: the view is another one. */
static int add_hosts(struct last *last, bool always)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < last->host_count;) {
        if (!take_current(last)) {
            return ERROR_CONFLICT;
        }
        size_t end = i + TURN < last->host_count ? i + TURN : last->host_count;
        for (; i < end; i++) {
            last_host_add(&last->hosts[i], last->server->view->hosts, i, always, &last->buffer);
        }
        leave(last);
        error = flush_some(last);
    }
    return error;
}

/* ---- everything anew ---- */

static int write_machine(struct last *last)
{
    bool more = true;
    int error = 0;
    while (error == 0 && more) {
        if (!take_current(last)) {
            return ERROR_CONFLICT;
        }
        more = health_writer_step(last->writer, TURN, &last->buffer);
        leave(last);
        error = flush_some(last);
    }
    return error;
}

static int write_whole(struct last *last)
{
    int error = trail_begin(&last->trail);
    recorder_begin(last->recorder);
    last->buffer.len = 0;
    health_record_add(&last->buffer, LAST_HEAD, last->boot, strlen(last->boot));
    error = error == 0 ? write_machine(last) : error;
    error = error == 0 ? add_hosts(last, true) : error;
    add_moment(last);
    health_record_add(&last->buffer, LAST_WHOLE, "", 0);
    error = error == 0 ? flush(last) : error;
    error = error == 0 ? trail_settle(&last->trail) : error;
    trail_abandon(&last->trail); /* unless it is in its place */
    if (error == 0) {
        record(last, recorder_settle(last->recorder, last->trail.path));
    }
    recorder_abandon(last->recorder);
    return error;
}

static bool is_retry_due(const struct last *last)
{
    return clock_now_ms(&last->clock) >= last->retry_ms;
}

/* Of the machine that is kept. Returns whether it is in its place. */
static bool begin_file(struct last *last)
{
    int error = write_whole(last);
    if (error == 0) {
        last->whole = last->trail.size;
        last->retry_wait_ms = RETRY_MS;
        last->aged_ms = clock_now_ms(&last->clock);
        atomic_fetch_add_explicit(&last->beginnings, 1, memory_order_relaxed);
        note_success(last);
    } else if (error != ERROR_CONFLICT) {
        note_failure(last, error);
        last->retry_ms = clock_now_ms(&last->clock) + last->retry_wait_ms;
        last->retry_wait_ms =
            last->retry_wait_ms * 2 < RETRY_MOST_MS ? last->retry_wait_ms * 2 : RETRY_MOST_MS;
    }
    return error == 0;
}

/* The view is another one, or there is no file. */
static void begin_anew(struct last *last)
{
    if (is_retry_due(last) && take_machine(last) && !begin_file(last)) {
        drop_machine(last);
    }
}

/* Without what is not so any more. If that fails the file goes on as it is. */
static void shorten(struct last *last)
{
    health_writer_restart(last->writer);
    if (!begin_file(last)) {
        last->buffer.len = 0;
        health_writer_restart(last->writer);
        memset(last->hosts, 0, last->host_count * sizeof *last->hosts);
    }
}

/* ---- what changed ---- */

static int write_changes(struct last *last)
{
    size_t left = 1;
    int error = flush(last); /* what could not be written before */
    while (error == 0 && left != 0) {
        if (!take_current(last)) {
            return ERROR_CONFLICT;
        }
        left = health_writer_catch_up(last->writer, TURN, &last->buffer);
        leave(last);
        error = flush_some(last);
    }
    return error;
}

/* As many of them as are due. */
static int write_ages(struct last *last)
{
    if (clock_now_ms(&last->clock) < last->aged_ms) {
        return 0;
    }
    bool more = true;
    int error = 0;
    while (error == 0 && more) {
        if (!take_current(last)) {
            return ERROR_CONFLICT;
        }
        more = health_writer_add_ages(last->writer, clock_wall_ms(&last->clock), &last->buffer);
        leave(last);
        error = flush_some(last);
    }
    last->aged_ms = clock_now_ms(&last->clock) + AGES_MS;
    return error;
}

static int write_news(struct last *last)
{
    int error = write_changes(last);
    error = error == 0 ? write_ages(last) : error;
    error = error == 0 ? add_hosts(last, false) : error;
    if (error == 0 &&
        (last->buffer.len != 0 || clock_now_ms(&last->clock) - last->moment_ms >= 2 * TICK_MS)) {
        add_moment(last);
        error = flush(last);
    }
    return error;
}

static bool is_too_long(const struct last *last)
{
    uint64_t changes = last->trail.size - last->whole;
    return (last->trail.size > SMALLEST && (changes > last->whole || changes > CHANGES_MOST)) ||
           recorder_is_due(last->recorder);
}

/* A change that could not be written stays in the buffer, and what comes after it stays noted. */
static void write_some(struct last *last)
{
    if (last->was_paused) {
        drop_machine(last);
        last->was_paused = false;
    }
    if (last->writer == NULL || last->trail.fd == -1) {
        begin_anew(last);
        return;
    }
    int error = write_news(last);
    if (error == ERROR_CONFLICT) {
        begin_anew(last);
    } else if (error != 0) {
        note_failure(last, error);
    } else {
        note_success(last);
        if (is_too_long(last) && is_retry_due(last)) {
            shorten(last);
        }
    }
}

static void take_span(struct last *last)
{
    pthread_mutex_lock(&last->lock);
    struct recorder_span *span = last->span;
    last->span = NULL;
    pthread_mutex_unlock(&last->lock);
    if (span != NULL) {
        struct recorder_stats stats;
        recorder_keep(last->recorder, span);
        recorder_get_stats(last->recorder, &stats);
        atomic_store_explicit(&last->past.removed, stats.removed, memory_order_relaxed);
    }
}

static void tick(struct last *last)
{
    int course = atomic_load(&last->course);
    if (course != PAUSED) {
        write_some(last);
        take_span(last);
    }
    if (course == PAUSING) {
        recorder_pause(last->recorder);
        last->was_paused = true;
        (void)atomic_compare_exchange_strong(&last->course, &course, PAUSED);
    }
}

/* ---- the thread ---- */

static void *run(void *argument)
{
    struct last *last = argument;
    pthread_setname_np(pthread_self(), "last");
    if (last->resumes) {
        recorder_resume(last->recorder, last->boot);
    }
    pthread_mutex_lock(&last->lock);
    for (bool closing = false; !closing;) {
        closing = last->closing;
        pthread_mutex_unlock(&last->lock);
        tick(last);
        pthread_mutex_lock(&last->lock);
        struct timespec until = thread_after_ms(TICK_MS);
        while (!closing && !last->closing && !last->is_hurried &&
               pthread_cond_timedwait(&last->news, &last->lock, &until) != ETIMEDOUT) {
        }
        last->is_hurried = false;
    }
    last->gone = true;
    pthread_cond_broadcast(&last->ended);
    pthread_mutex_unlock(&last->lock);
    return NULL;
}

static int start(struct last *last)
{
    int error = thread_start(&last->thread, run, last);
    return -error;
}

static void destroy(struct last *last)
{
    drop_machine(last);
    recorder_free(last->recorder);
    free(last->span);
    free(last->folder);
    trail_fini(&last->trail);
    buffer_fini(&last->buffer);
    pthread_cond_destroy(&last->news);
    pthread_cond_destroy(&last->ended);
    pthread_mutex_destroy(&last->lock);
    free(last);
}

int last_open(struct server *server, const char *folder, struct last **to)
{
    *to = NULL;
    if (folder == NULL) {
        return 0;
    }
    struct last *last = memory_alloc(sizeof *last);
    *last = (struct last){.server = server, .retry_wait_ms = RETRY_MS, .resumes = server->heir == NULL};
    char *path = memory_print("%s/" LAST_FILE, folder);
    trail_init(&last->trail, path, LAST_TITLE);
    free(path);
    clock_init(&last->clock);
    last->folder = memory_copy_text(folder);
    last->recorder = recorder_new(last->folder, &last->clock);
    file_read_boot(last->boot);
    buffer_init(&last->buffer);
    atomic_init(&last->written_ms, -1);
    pthread_mutex_init(&last->lock, NULL);
    thread_init_cond(&last->news);
    thread_init_cond(&last->ended);
    int error = start(last);
    if (error != 0) {
        destroy(last);
        return error;
    }
    *to = last;
    return 0;
}

void last_keep(struct last *last, const struct recorder_span *span)
{
    if (last != NULL) {
        struct recorder_span *copy = recorder_copy_span(span);
        pthread_mutex_lock(&last->lock);
        free(last->span);
        last->span = copy;
        pthread_mutex_unlock(&last->lock);
    }
}

void last_pause(struct last *last, bool paused)
{
    if (last != NULL) {
        pthread_mutex_lock(&last->lock);
        atomic_store(&last->course, paused ? PAUSING : GOING_ON);
        last->is_hurried = paused;
        last->paused_ms = clock_now_ms(&last->clock);
        pthread_cond_broadcast(&last->news);
        pthread_mutex_unlock(&last->lock);
    }
}

bool last_is_paused(const struct last *last)
{
    enum { SLOW_MS = 1000 };
    return last == NULL || atomic_load(&last->course) == PAUSED ||
           clock_now_ms(&last->clock) - last->paused_ms >= SLOW_MS;
}

void last_close(struct last *last)
{
    if (last == NULL) {
        return;
    }
    struct timespec deadline = thread_after_ms(PATIENCE_MS);
    pthread_mutex_lock(&last->lock);
    last->closing = true;
    pthread_cond_broadcast(&last->news);
    bool in_time = true;
    while (!last->gone && in_time) {
        in_time = pthread_cond_timedwait(&last->ended, &last->lock, &deadline) != ETIMEDOUT;
    }
    bool gone = last->gone;
    atomic_store(&last->abandoned, !gone);
    pthread_mutex_unlock(&last->lock);
    if (gone) {
        pthread_join(last->thread, NULL);
        destroy(last);
    } else {
        pthread_detach(last->thread);
    }
}

void last_get_stats(const struct last *last, struct last_stats *stats)
{
    *stats = (struct last_stats){.is_kept = last != NULL, .age_ms = -1};
    if (last == NULL) {
        return;
    }
    int64_t written_ms = atomic_load_explicit(&last->written_ms, memory_order_relaxed);
    stats->age_ms = written_ms == -1 ? -1 : clock_now_ms(&last->clock) - written_ms;
    stats->octets = atomic_load_explicit(&last->octets, memory_order_relaxed);
    stats->writes = atomic_load_explicit(&last->writes, memory_order_relaxed);
    stats->failures = atomic_load_explicit(&last->failures, memory_order_relaxed);
    stats->beginnings = atomic_load_explicit(&last->beginnings, memory_order_relaxed);
    stats->error = atomic_load_explicit(&last->error, memory_order_relaxed);
    stats->past_segments = atomic_load_explicit(&last->past.segments, memory_order_relaxed);
    stats->past_octets = atomic_load_explicit(&last->past.octets, memory_order_relaxed);
    stats->past_removed = atomic_load_explicit(&last->past.removed, memory_order_relaxed);
    stats->past_is_kept = atomic_load_explicit(&last->past.is_kept, memory_order_relaxed);
}
