/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The prober's thread and the mailbox in front of it. Others leave a list, what changes in it, or the wish to
 * end in the mailbox and ring an eventfd; nobody waits, and a list that was replaced before the thread looked
 * is never used. */
#include "config.h"

#include "probe/probe.h"

#include "base/memory.h"
#include "base/thread.h"
#include "probe/engine.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

/* Of the list in front of them. */
struct aims {
    STAILQ_ENTRY(aims) link;
    uint64_t generation;
    size_t count;
    struct probe_aim items[];
};
STAILQ_HEAD(aims_queue, aims);

struct prober {
    struct engine *engine; /* of the thread, except for its statistics */
    pthread_t thread;
    int wake_fd;
    pthread_mutex_t lock;    /* guards what follows */
    struct targets *pending; /* NULL: nothing new */
    struct aims_queue aims;  /* behind that */
    struct probe_limits limits;
    bool has_limits; /* that are new */
    bool closing;
};

static void wake(struct prober *prober)
{
    ssize_t written = write(prober->wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)written; /* can only fail when the counter is full, that is, when it rings already */
}

static void free_aims(struct aims_queue *queue)
{
    struct aims *aims;
    while ((aims = STAILQ_FIRST(queue)) != NULL) {
        STAILQ_REMOVE_HEAD(queue, link);
        free(aims);
    }
}

/* Returns false when it is time to go. */
static bool read_mailbox(struct prober *prober)
{
    struct aims_queue queue = STAILQ_HEAD_INITIALIZER(queue);
    uint64_t rings;
    ssize_t got = read(prober->wake_fd, &rings, sizeof rings);
    (void)got; /* what counts is in the mailbox */
    pthread_mutex_lock(&prober->lock);
    bool closing = prober->closing;
    struct targets *targets = prober->pending;
    prober->pending = NULL;
    STAILQ_CONCAT(&queue, &prober->aims);
    struct probe_limits limits = prober->limits;
    bool has_limits = prober->has_limits;
    prober->has_limits = false;
    pthread_mutex_unlock(&prober->lock);
    if (has_limits) {
        engine_set_limits(prober->engine, &limits);
    }
    if (targets != NULL) {
        engine_replace_targets(prober->engine, targets);
    }
    for (const struct aims *aims = STAILQ_FIRST(&queue); aims != NULL; aims = STAILQ_NEXT(aims, link)) {
        engine_aim(prober->engine, aims->generation, aims->items, aims->count);
    }
    free_aims(&queue);
    return !closing;
}

static void *run(void *context)
{
    struct prober *prober = context;
    pthread_setname_np(pthread_self(), "probe");
    do {
        while (!engine_run(prober->engine)) {
        }
    } while (read_mailbox(prober));
    return NULL;
}

/* Signals are for the control thread: this one is born with all of them blocked. */
static int start_thread(struct prober *prober)
{
    int error = thread_start(&prober->thread, run, prober);
    return -error;
}

static void free_prober(struct prober *prober)
{
    engine_close(prober->engine);
    targets_free(prober->pending);
    free_aims(&prober->aims);
    pthread_mutex_destroy(&prober->lock);
    if (prober->wake_fd != -1) {
        close(prober->wake_fd);
    }
    free(prober);
}

int prober_open(const struct probe_hooks *hooks, struct prober **prober)
{
    struct prober *p = memory_alloc(sizeof *p);
    STAILQ_INIT(&p->aims);
    pthread_mutex_init(&p->lock, NULL);
    p->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int error = p->wake_fd == -1 ? -errno : engine_open(hooks, p->wake_fd, &p->engine);
    if (error == 0) {
        error = start_thread(p);
    }
    if (error != 0) {
        free_prober(p);
        return error;
    }
    *prober = p;
    return 0;
}

struct targets *prober_make_targets(uint64_t generation, const struct probe_target *targets, size_t count)
{
    return targets_new(generation, targets, count);
}

void prober_free_targets(struct targets *targets)
{
    targets_free(targets);
}

void prober_use_targets(struct prober *prober, struct targets *targets)
{
    struct aims_queue unused_aims = STAILQ_HEAD_INITIALIZER(unused_aims);
    pthread_mutex_lock(&prober->lock);
    struct targets *unused = prober->pending;
    prober->pending = targets;
    STAILQ_CONCAT(&unused_aims, &prober->aims);
    pthread_mutex_unlock(&prober->lock);
    wake(prober);
    targets_free(unused);
    free_aims(&unused_aims);
}

void prober_aim(struct prober *prober, uint64_t generation, const struct probe_aim *items, size_t count)
{
    if (count == 0) {
        return;
    }
    struct aims *aims = memory_alloc(sizeof *aims + count * sizeof *items);
    aims->generation = generation;
    aims->count = count;
    memcpy(aims->items, items, count * sizeof *items);
    pthread_mutex_lock(&prober->lock);
    STAILQ_INSERT_TAIL(&prober->aims, aims, link);
    pthread_mutex_unlock(&prober->lock);
    wake(prober);
}

void prober_set_limits(struct prober *prober, const struct probe_limits *limits)
{
    pthread_mutex_lock(&prober->lock);
    prober->limits = *limits;
    prober->has_limits = true;
    pthread_mutex_unlock(&prober->lock);
    wake(prober);
}

void prober_set_targets(struct prober *prober, uint64_t generation, const struct probe_target *targets,
                        size_t count)
{
    prober_use_targets(prober, prober_make_targets(generation, targets, count));
}

void prober_close(struct prober *prober)
{
    if (prober == NULL) {
        return;
    }
    pthread_mutex_lock(&prober->lock);
    prober->closing = true;
    pthread_mutex_unlock(&prober->lock);
    wake(prober);
    pthread_join(prober->thread, NULL);
    free_prober(prober);
}

void prober_get_stats(struct prober *prober, struct probe_stats *stats)
{
    engine_get_stats(prober->engine, stats);
}
