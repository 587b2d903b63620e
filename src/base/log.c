/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Who logs makes a record on its stack and copies it into the ring; the writing thread takes records from
 * there and from the source, the older first, and renders them. It sleeps on a wake, and only who finds
 * it asleep pays for waking it. Its exchanges of `asleep` and theirs are one order: either they see it
 * asleep, or it sees what they put into the ring. */
#include "config.h"

#include "base/log.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/log_record.h"
#include "base/log_sink.h"
#include "base/log_text.h"
#include "base/memory.h"
#include "base/ring.h"
#include "base/thread.h"
#include "base/wake.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { RING_SIZE = 1 << 20, SAY_DROPPED_MS = 1000 };

enum mode {
    MODE_DIRECT, /* whoever logs writes to stderr */
    MODE_QUEUED,
    MODE_DEAF, /* closed, and the thread could not be ended: it may be stuck in a write */
};

/* Of the writing thread. */
struct writer {
    struct log_sink sink;
    const struct log_source *source;
    struct log_record sourced; /* taken from the source, not written yet */
    bool has_sourced;
    uint64_t told[LOG_LEVELS]; /* of those that were dropped */
    int64_t told_ms;           /* monotonic */
};

static struct {
    _Atomic int level, mode;
    _Atomic bool asleep, ends;
    _Atomic uint64_t written, failed, dropped[LOG_LEVELS];
    _Atomic(struct log_options *) pending; /* owned; not taken over by the writing thread yet */
    struct ring *ring;
    struct writer *writer;
    struct wake wake;
    sem_t ended;
    pthread_t thread;
} log_state = {.level = LOG_LEVEL_INFO, .wake = {-1, -1}};

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_state.level, (int)level, memory_order_relaxed);
}

int log_parse_level(const char *name, enum log_level *level)
{
    for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
        if (strcmp(name, log_level_text((unsigned)i)) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    }
    return ERROR_NOT_FOUND;
}

static void free_options(struct log_options *options)
{
    if (options != NULL) {
        free((void *)(uintptr_t)options->socket);
        free(options);
    }
}

void log_configure(const struct log_options *options)
{
    struct log_options *copy = memory_copy(options, sizeof *options);
    copy->socket = memory_copy_text(options->socket);
    log_set_level(options->level);
    free_options(atomic_exchange(&log_state.pending, copy));
}

/* ---- whoever logs ---- */

void log_wake(void)
{
    if (atomic_exchange(&log_state.asleep, false)) {
        wake_ring(&log_state.wake);
    }
}

void log_count_dropped(enum log_level level, uint64_t count)
{
    atomic_fetch_add_explicit(&log_state.dropped[level], count, memory_order_relaxed);
}

static void write_directly(const struct log_record *record)
{
    struct buffer line;
    buffer_init(&line);
    log_write_text(record, &line);
    ssize_t written = write(STDERR_FILENO, line.bytes, line.len);
    (void)written; /* nobody left to tell */
    buffer_fini(&line);
}

static void queue(const struct log_record *record)
{
    size_t size = log_record_size(record);
    void *room = ring_claim(log_state.ring, size);
    if (room == NULL) {
        log_count_dropped((enum log_level)record->level, 1);
        return;
    }
    memcpy(room, record, size);
    ring_commit(log_state.ring, room, size);
    log_wake();
}

static void put(const struct log_record *record, int mode)
{
    if (mode == MODE_QUEUED) {
        queue(record);
    } else {
        write_directly(record);
    }
}

static bool is_wanted(unsigned level)
{
    return (int)level <= atomic_load_explicit(&log_state.level, memory_order_relaxed);
}

__attribute__((format(printf, 2, 0))) static void write_line(enum log_level level, const char *format,
                                                             va_list arguments)
{
    int mode = atomic_load_explicit(&log_state.mode, memory_order_acquire);
    if (!is_wanted(level) || mode == MODE_DEAF) {
        return;
    }
    struct clock clock;
    struct log_record record;
    clock_init(&clock);
    record.wall_ms = clock_wall_ms(&clock);
    record.level = level;
    log_record_print(&record, format, arguments);
    put(&record, mode);
}

void log_add(const struct log_record *record)
{
    int mode = atomic_load_explicit(&log_state.mode, memory_order_acquire);
    if (!is_wanted(record->level) || mode == MODE_DEAF) {
        return;
    }
    put(record, mode);
}

#define LOG_FUNCTION(name, level)                                                                            \
    void name(const char *format, ...)                                                                       \
    {                                                                                                        \
        va_list arguments;                                                                                   \
        va_start(arguments, format);                                                                         \
        write_line(level, format, arguments);                                                                \
        va_end(arguments);                                                                                   \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warning, LOG_LEVEL_WARNING)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)

/* ---- the writing thread ---- */

/* Neither the end nor another target waits for a reader of this one. */
static bool hurries(void)
{
    return atomic_load(&log_state.ends) || atomic_load(&log_state.pending) != NULL;
}

static void adopt_options(struct writer *writer)
{
    struct log_options *options = atomic_exchange(&log_state.pending, NULL);
    if (options != NULL) {
        log_sink_configure(&writer->sink, options);
        free(options); /* the sink has its socket */
    }
}

/* Who configures and then logs finds the line where it belongs: the options are looked at after the line. */
static void deliver(struct writer *writer, const struct log_record *record)
{
    adopt_options(writer);
    bool taken = log_sink_write(&writer->sink, record);
    atomic_fetch_add_explicit(taken ? &log_state.written : &log_state.failed, 1, memory_order_relaxed);
}

/* One of the source waits here, so that its time can be compared. */
static bool look_at_source(struct writer *writer)
{
    while (!writer->has_sourced && writer->source != NULL &&
           writer->source->next(writer->source->context, &writer->sourced)) {
        writer->has_sourced = is_wanted(writer->sourced.level);
    }
    return writer->has_sourced;
}

/* Returns whether there was one. */
static bool write_next(struct writer *writer)
{
    const struct log_record *queued = ring_peek(log_state.ring);
    if (look_at_source(writer) && (queued == NULL || writer->sourced.wall_ms <= queued->wall_ms)) {
        deliver(writer, &writer->sourced);
        writer->has_sourced = false;
        return true;
    }
    if (queued != NULL) {
        deliver(writer, queued);
        ring_remove(log_state.ring);
    }
    return queued != NULL;
}

static void add_count(struct log_record *record, const char *key, uint64_t count)
{
    char text[24];
    snprintf(text, sizeof text, "%lu", (unsigned long)count);
    log_record_add(record, key, count == 0 ? NULL : text, true);
}

/* When there is room again, or now and then where there is never enough. */
static void tell_dropped(struct writer *writer, bool is_idle)
{
    static const char *const keys[LOG_LEVELS] = {"errors", "warnings", "infos", "debugs"};
    uint64_t news[LOG_LEVELS], sum = 0;
    for (int i = 0; i < LOG_LEVELS; i++) {
        news[i] = atomic_load_explicit(&log_state.dropped[i], memory_order_relaxed) - writer->told[i];
        sum += news[i];
    }
    struct clock clock;
    clock_init(&clock);
    if (sum == 0 || (!is_idle && clock_now_ms(&clock) - writer->told_ms < SAY_DROPPED_MS)) {
        return;
    }
    struct log_record record;
    log_record_begin(&record, clock_wall_ms(&clock), LOG_LEVEL_WARNING, "log dropped");
    add_count(&record, "lines", sum);
    for (int i = 0; i < LOG_LEVELS; i++) {
        add_count(&record, keys[i], news[i]);
        writer->told[i] += news[i];
    }
    writer->told_ms = clock_now_ms(&clock);
    deliver(writer, &record);
}

static void sleep_until_woken(struct writer *writer)
{
    (void)atomic_exchange(&log_state.asleep, true);
    if (ring_peek(log_state.ring) == NULL && !look_at_source(writer) && !atomic_load(&log_state.ends)) {
        (void)poll(&(struct pollfd){.fd = log_state.wake.hears, .events = POLLIN}, 1, -1);
    }
    (void)atomic_exchange(&log_state.asleep, false);
    wake_clear(&log_state.wake); /* nothing, if nobody had to wake us; once too often, if it comes later */
}

static void *run(void *argument)
{
    struct writer *writer = argument;
    for (;;) {
        bool ends = atomic_load(&log_state.ends); /* what was logged before that is in the ring */
        bool is_busy = write_next(writer);
        tell_dropped(writer, !is_busy);
        if (!is_busy && ends) {
            break;
        }
        if (!is_busy) {
            sleep_until_woken(writer);
        }
    }
    sem_post(&log_state.ended);
    return NULL;
}

/* ---- start and end ---- */

/* The ring and the descriptor stay: somebody may be about to use them. */
static void free_writer(void)
{
    log_sink_fini(&log_state.writer->sink);
    free(log_state.writer);
    sem_destroy(&log_state.ended);
    log_state.writer = NULL;
}

int log_start(const struct log_source *source)
{
    int error = log_state.wake.hears == -1 ? wake_open(&log_state.wake) : 0;
    if (error != 0) {
        return error;
    }
    log_state.ring = log_state.ring == NULL ? ring_new(RING_SIZE) : log_state.ring;
    log_state.writer = memory_alloc(sizeof *log_state.writer);
    log_state.writer->source = source;
    for (int i = 0; i < LOG_LEVELS; i++) {
        log_state.writer->told[i] = atomic_load(&log_state.dropped[i]);
    }
    log_sink_init(&log_state.writer->sink, hurries);
    sem_init(&log_state.ended, 0, 0);
    atomic_store(&log_state.ends, false);
    atomic_store(&log_state.asleep, false);
    error = thread_start(&log_state.thread, run, log_state.writer);
    if (error != 0) {
        free_writer();
        return -error;
    }
    pthread_setname_np(log_state.thread, "log");
    atomic_store_explicit(&log_state.mode, MODE_QUEUED, memory_order_release);
    return 0;
}

static bool wait_for_end(int timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    int result;
    while ((result = sem_clockwait(&log_state.ended, CLOCK_MONOTONIC, &until)) == -1 && errno == EINTR) {
    }
    return result == 0;
}

bool log_close(int timeout_ms)
{
    if (atomic_load(&log_state.mode) != MODE_QUEUED || atomic_exchange(&log_state.ends, true)) {
        return false; /* another thread does, or there is none */
    }
    log_wake();
    bool ended = wait_for_end(timeout_ms);
    if (ended) {
        atomic_store_explicit(&log_state.mode, MODE_DIRECT, memory_order_release);
        pthread_join(log_state.thread, NULL);
        free_writer();
    } else { /* it goes on using all that until the process ends */
        atomic_store_explicit(&log_state.mode, MODE_DEAF, memory_order_release);
        pthread_detach(log_state.thread);
    }
    return ended;
}

void log_get_stats(struct log_stats *stats)
{
    stats->written = atomic_load_explicit(&log_state.written, memory_order_relaxed);
    stats->failed = atomic_load_explicit(&log_state.failed, memory_order_relaxed);
    for (int i = 0; i < LOG_LEVELS; i++) {
        stats->dropped[i] = atomic_load_explicit(&log_state.dropped[i], memory_order_relaxed);
    }
}
