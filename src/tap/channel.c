/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See channel.h. The thread has three states: off, closed (it tries to open twice a second) and open. It
 * never holds anything that somebody else waits for. */
#include "config.h"

#include "tap/channel.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/thread.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_MS = 10,
    RETRY_MS = 500,
    CHECK_MS = 500,     /* whether a file was moved away */
    TELL_MS = 10000,    /* of what was dropped */
    TURN_RECORDS = 256, /* of one ring, before the next one's turn */
};

struct tap_channel {
    const char *name;
    const struct tap_sink *sink;
    struct tap_lane **lanes; /* owned array */
    size_t lane_count;
    bool is_started; /* of whoever configures */
    int wake_fd;
    pthread_t thread;
    sem_t ended;
    _Atomic(struct tap_options *) pending; /* owned */
    _Atomic bool ends, reopens, is_on, is_open;
    _Atomic uint64_t taken, lost;
    /* of the thread */
    struct tap_options *options; /* owned; NULL or off */
    void *state;                 /* the sink's; NULL: none */
    bool complained;
    int64_t tried_ms, checked_ms, told_ms; /* monotonic */
    uint64_t told;
};

/* ---- whoever configures ---- */

struct tap_channel *tap_channel_new(const char *name, const struct tap_sink *sink, struct tap_lane **lanes,
                                    size_t lane_count)
{
    struct tap_channel *channel = memory_alloc(sizeof *channel);
    channel->name = name;
    channel->sink = sink;
    channel->lanes = memory_copy(lanes, lane_count * sizeof *lanes);
    channel->lane_count = lane_count;
    channel->wake_fd = -1;
    return channel;
}

static void wake(const struct tap_channel *channel)
{
    static const uint64_t one = 1;
    ssize_t written = write(channel->wake_fd, &one, sizeof one);
    (void)written; /* it is not at its maximum */
}

static void *run(void *argument);

static int start(struct tap_channel *channel)
{
    channel->wake_fd = channel->wake_fd != -1 ? channel->wake_fd : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (channel->wake_fd == -1) {
        return -errno;
    }
    sem_init(&channel->ended, 0, 0);
    int error = thread_start(&channel->thread, run, channel);
    if (error != 0) {
        sem_destroy(&channel->ended);
        return -error;
    }
    (void)pthread_setname_np(channel->thread, channel->name);
    channel->is_started = true;
    return 0;
}

static void set_lanes(struct tap_channel *channel, const struct tap_options *options)
{
    bool is_on = options->target != TAP_TARGET_NONE;
    for (size_t i = 0; i < channel->lane_count; i++) {
        struct tap_lane *lane = channel->lanes[i];
        if (is_on && atomic_load_explicit(&lane->ring, memory_order_relaxed) == NULL) {
            atomic_store_explicit(&lane->ring, ring_new(TAP_RING_SIZE), memory_order_release);
        }
        atomic_store_explicit(&lane->by_client, options->sample.by_client, memory_order_relaxed);
        atomic_store_explicit(&lane->one_of, is_on ? options->sample.one_of : 0, memory_order_relaxed);
    }
    atomic_store_explicit(&channel->is_on, is_on, memory_order_relaxed);
}

int tap_channel_configure(struct tap_channel *channel, struct tap_options *options)
{
    if (options->target == TAP_TARGET_NONE && !channel->is_started) {
        tap_options_free(options);
        return 0;
    }
    int error = channel->is_started ? 0 : start(channel);
    if (error != 0) {
        tap_options_free(options);
        return error;
    }
    set_lanes(channel, options);
    tap_options_free(atomic_exchange(&channel->pending, options));
    wake(channel);
    return 0;
}

void tap_channel_reopen(struct tap_channel *channel)
{
    if (channel->is_started) {
        atomic_store(&channel->reopens, true);
        wake(channel);
    }
}

void tap_channel_get_stats(const struct tap_channel *channel, struct tap_stats *stats)
{
    *stats = (struct tap_stats){.is_on = atomic_load_explicit(&channel->is_on, memory_order_relaxed),
                                .is_open = atomic_load_explicit(&channel->is_open, memory_order_relaxed),
                                .taken = atomic_load_explicit(&channel->taken, memory_order_relaxed),
                                .lost = atomic_load_explicit(&channel->lost, memory_order_relaxed)};
    for (size_t i = 0; i < channel->lane_count; i++) {
        stats->dropped += atomic_load_explicit(&channel->lanes[i]->dropped, memory_order_relaxed);
    }
}

void tap_channel_end(struct tap_channel *channel)
{
    if (channel != NULL && channel->is_started) {
        atomic_store(&channel->ends, true);
        wake(channel);
    }
}

static bool has_ended(struct tap_channel *channel, int patience_ms)
{
    struct timespec until = thread_after_ms(patience_ms);
    int result;
    while ((result = sem_clockwait(&channel->ended, CLOCK_MONOTONIC, &until)) == -1 && errno == EINTR) {
    }
    return result == 0;
}

bool tap_channel_free(struct tap_channel *channel, int patience_ms)
{
    if (channel == NULL) {
        return true;
    }
    if (channel->is_started && !has_ended(channel, patience_ms)) {
        pthread_detach(channel->thread);
        return false;
    }
    if (channel->is_started) {
        pthread_join(channel->thread, NULL);
        sem_destroy(&channel->ended);
    }
    if (channel->wake_fd != -1) {
        close(channel->wake_fd);
    }
    for (size_t i = 0; i < channel->lane_count; i++) {
        ring_free(atomic_load(&channel->lanes[i]->ring));
    }
    tap_options_free(atomic_load(&channel->pending));
    tap_options_free(channel->options);
    free(channel->lanes);
    free(channel);
    return true;
}

/* ---- the thread ---- */

static int64_t now_ms(void)
{
    return (int64_t)(clock_machine_ns() / 1000000);
}

static bool is_wanted_elsewhere(const void *context)
{
    const struct tap_channel *channel = context;
    return atomic_load(&channel->ends) || atomic_load(&channel->pending) != NULL;
}

static void count_lost(struct tap_channel *channel)
{
    atomic_fetch_add_explicit(&channel->lost, channel->sink->count_lost(channel->state),
                              memory_order_relaxed);
}

static void close_sink(struct tap_channel *channel)
{
    if (atomic_load(&channel->is_open)) {
        channel->sink->close(channel->state);
        count_lost(channel);
        atomic_store(&channel->is_open, false);
    }
}

static void drop_sink(struct tap_channel *channel)
{
    close_sink(channel);
    if (channel->state != NULL) {
        channel->sink->free(channel->state);
        channel->state = NULL;
    }
}

/* Others of the same receiver are a matter of the lanes alone. */
static void adopt_options(struct tap_channel *channel)
{
    struct tap_options *options = atomic_exchange(&channel->pending, NULL);
    if (options == NULL) {
        return;
    }
    if (channel->options != NULL && tap_options_match(channel->options, options)) {
        tap_options_free(options);
        return;
    }
    drop_sink(channel);
    tap_options_free(channel->options);
    channel->options = options;
    channel->tried_ms = channel->checked_ms = 0;
    channel->complained = false;
    if (options->target != TAP_TARGET_NONE) {
        channel->state = channel->sink->make(options, (struct tap_hurry){is_wanted_elsewhere, channel});
    }
}

static void complain(struct tap_channel *channel, int error)
{
    char target[TAP_TARGET_TEXT_SIZE];
    if (!channel->complained && error != -ECANCELED) {
        channel->complained = true;
        log_warning(
            "%s not written to=%s error=\"%s\" effect=\"what does not fit into the queues is dropped\"",
            channel->name, tap_options_write_target(channel->options, target),
            error == -EPROTO ? "it does not speak Frame Streams of dnstap" : strerror(-error));
    }
}

static bool ensure_open(struct tap_channel *channel)
{
    char target[TAP_TARGET_TEXT_SIZE];
    if (atomic_load(&channel->is_open)) {
        return true;
    }
    if (channel->state == NULL || is_wanted_elsewhere(channel) ||
        (channel->tried_ms != 0 && now_ms() - channel->tried_ms < RETRY_MS)) {
        return false;
    }
    int error = channel->sink->open(channel->state);
    channel->tried_ms = now_ms();
    if (error != 0) {
        complain(channel, error);
        return false;
    }
    atomic_store(&channel->is_open, true);
    channel->checked_ms = channel->tried_ms;
    channel->complained = false;
    log_info("%s written to=%s", channel->name, tap_options_write_target(channel->options, target));
    return true;
}

static void note_broken(struct tap_channel *channel, int error)
{
    complain(channel, error);
    close_sink(channel);
}

/* Returns whether it was asked to go on with the next ring. */
static bool drain_ring(struct tap_channel *channel, struct ring *ring)
{
    const struct tap_record *record;
    for (unsigned i = 0; i < TURN_RECORDS && (record = ring_peek(ring)) != NULL; i++) {
        atomic_fetch_add_explicit(&channel->taken, 1, memory_order_relaxed);
        int error = channel->sink->take(channel->state, record);
        ring_remove(ring);
        if (error != 0) {
            note_broken(channel, error);
            return false;
        }
    }
    return true;
}

/* What is left in the rings of a channel that is off is nobody's. */
static void empty_ring(struct ring *ring)
{
    while (ring_peek(ring) != NULL) {
        ring_remove(ring);
    }
}

/* Returns whether there was anything to do. */
static bool drain(struct tap_channel *channel)
{
    uint64_t before = atomic_load(&channel->taken);
    bool is_open = ensure_open(channel), is_off = channel->state == NULL;
    for (size_t i = 0; i < channel->lane_count; i++) {
        struct ring *ring = atomic_load_explicit(&channel->lanes[i]->ring, memory_order_acquire);
        if (ring != NULL && is_off) {
            empty_ring(ring);
        } else if (ring != NULL && is_open && !drain_ring(channel, ring)) {
            return false;
        }
    }
    bool is_busy = atomic_load(&channel->taken) != before;
    if (is_open && !is_busy) {
        int error = channel->sink->flush(channel->state);
        if (error != 0) {
            note_broken(channel, error);
        }
    }
    return is_busy;
}

/* Where logs are rotated somebody moves the file away, and may tell us so or not. */
static void look_at_file(struct tap_channel *channel)
{
    bool is_told = atomic_exchange(&channel->reopens, false);
    if (!atomic_load(&channel->is_open) || (!is_told && now_ms() - channel->checked_ms < CHECK_MS)) {
        return;
    }
    channel->checked_ms = now_ms();
    if (channel->sink->has_moved(channel->state)) {
        close_sink(channel);
        channel->tried_ms = 0;
    }
}

static void tell_dropped(struct tap_channel *channel)
{
    struct tap_stats stats;
    if (now_ms() - channel->told_ms < TELL_MS) {
        return;
    }
    tap_channel_get_stats(channel, &stats);
    channel->told_ms = now_ms();
    if (stats.dropped + stats.lost != channel->told) {
        log_warning("%s dropped records=%lu why=\"the receiver does not take them fast enough, or at all\"",
                    channel->name, (unsigned long)(stats.dropped + stats.lost - channel->told));
        channel->told = stats.dropped + stats.lost;
    }
}

static void rest(const struct tap_channel *channel)
{
    uint64_t count;
    int wait_ms = channel->state == NULL ? -1 : atomic_load(&channel->is_open) ? LOOK_MS : RETRY_MS / 2;
    (void)poll(&(struct pollfd){.fd = channel->wake_fd, .events = POLLIN}, 1, wait_ms);
    ssize_t got = read(channel->wake_fd, &count, sizeof count);
    (void)got; /* nothing, if nobody woke us */
}

static void *run(void *argument)
{
    struct tap_channel *channel = argument;
    for (;;) {
        bool ends = atomic_load(&channel->ends); /* what was put into rings before that is there */
        adopt_options(channel);
        bool is_busy = drain(channel);
        look_at_file(channel);
        tell_dropped(channel);
        if (!is_busy && ends) {
            break;
        }
        if (!is_busy) {
            rest(channel);
        }
    }
    drop_sink(channel);
    sem_post(&channel->ended);
    return NULL;
}
