/* SPDX-License-Identifier: BSD-3-Clause
 *
 * The thread that renders: see rerender.h. Its life: render, tell the control thread, wait until that has
 * published, wait for readers, release what they had, tell again. */
#include "config.h"

#include "daemon/rerender.h"

#include "base/memory.h"
#include "base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

struct rerender {
    struct rerender_plan plan;
    pthread_t thread;
    int fd; /* an eventfd: rendered, then ended */
    struct event *told;
    sem_t published;
    _Atomic bool cancelled;
    bool is_published; /* of the control thread */
    struct rerender_item *items;
    size_t count, capacity;
};

/* Between two policies. */
static bool go_on(void *context)
{
    const struct rerender *rerender = context;
    view_reader_offline();
    view_reader_online();
    return !atomic_load_explicit(&rerender->cancelled, memory_order_relaxed);
}

static void tell(const struct rerender *rerender)
{
    uint64_t one = 1;
    ssize_t written = write(rerender->fd, &one, sizeof one);
    (void)written; /* an eventfd below its maximum takes it */
}

/* Only the control thread exchanges renditions, and not while this goes on. */
static void render(struct rerender *rerender)
{
    const struct view *view = rerender->plan.view;
    for (size_t i = 0; i < view->primary_count; i++) {
        const struct view_rendition *old =
            atomic_load_explicit(&view->primaries[i].rendition, memory_order_acquire);
        if (old == NULL) {
            continue;
        }
        struct view_rendition *now = view_render_again(view, old, go_on, rerender);
        if (now == NULL) {
            return;
        }
        if (view_rendition_equal(now, old)) {
            view_rendition_release(now);
            continue;
        }
        rerender->items =
            memory_grow(rerender->items, rerender->count, &rerender->capacity, sizeof *rerender->items);
        rerender->items[rerender->count++] = (struct rerender_item){i, now};
    }
}

static void *run(void *argument)
{
    struct rerender *rerender = argument;
    view_reader_register();
    render(rerender);
    view_reader_unregister();
    tell(rerender);
    while (sem_wait(&rerender->published) == -1 && errno == EINTR) {
    }
    if (rerender->count != 0) {
        view_synchronize(); /* whoever begins a transfer with an old one holds it by then */
    }
    for (size_t i = 0; i < rerender->count; i++) {
        view_rendition_release(rerender->items[i].rendition);
    }
    tell(rerender);
    return NULL;
}

static void destroy(struct rerender *rerender)
{
    if (rerender->told != NULL) {
        event_free(rerender->told);
    }
    if (rerender->fd != -1) {
        close(rerender->fd);
    }
    sem_destroy(&rerender->published);
    free(rerender->items);
    free(rerender);
}

static void on_told(evutil_socket_t fd, short what, void *argument)
{
    struct rerender *rerender = argument;
    uint64_t times;
    (void)what;
    if (read(fd, &times, sizeof times) != (ssize_t)sizeof times) {
        return;
    }
    if (!rerender->is_published) {
        rerender->is_published = true;
        rerender->plan.rendered(rerender->plan.context, rerender->items, rerender->count);
        sem_post(&rerender->published);
        return;
    }
    struct rerender_plan plan = rerender->plan;
    pthread_join(rerender->thread, NULL); /* it has nothing left to do */
    destroy(rerender);
    plan.ended(plan.context);
}

static int start(struct rerender *rerender)
{
    rerender->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rerender->told = rerender->fd == -1 ? NULL
                                        : event_new(rerender->plan.base, rerender->fd, EV_READ | EV_PERSIST,
                                                    on_told, rerender);
    if (rerender->told == NULL || event_add(rerender->told, NULL) != 0) {
        return -ENOMEM;
    }
    int error = thread_start(&rerender->thread, run, rerender);
    return -error;
}

struct rerender *rerender_start(const struct rerender_plan *plan)
{
    struct rerender *rerender = memory_alloc(sizeof *rerender);
    rerender->plan = *plan;
    sem_init(&rerender->published, 0, 0);
    if (start(rerender) != 0) {
        destroy(rerender);
        return NULL;
    }
    return rerender;
}

void rerender_stop(struct rerender *rerender)
{
    if (rerender != NULL) {
        atomic_store_explicit(&rerender->cancelled, true, memory_order_relaxed);
        if (!rerender->is_published) {
            sem_post(&rerender->published);
        }
        pthread_join(rerender->thread, NULL);
        destroy(rerender);
    }
}
