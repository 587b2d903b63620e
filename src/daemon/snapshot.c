/* SPDX-License-Identifier: BSD-3-Clause
 *
 * Snapshots of the current view for whatever computes longer than a moment: answers, explain and reports read
 * one as they read the view that serves, and nobody waits for them.
 *
 * What an endpoint knows is copied under the lock, in turns. That takes a thread of its own: the control
 * thread has no milliseconds to give, and the workers give way to everybody, so that one of them that holds
 * the lock might not go on while others wait for it. */
#include "config.h"

#include "daemon/snapshot.h"

#include "daemon/reclaim.h"
#include "base/memory.h"
#include "base/thread.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { YOUNG_MS = 200 }; /* as long as one is given to others: a list is read in pages */

struct snapshot {
    _Atomic unsigned holders;
    struct copier *copier;
    int64_t begun_ms;
    uint64_t generation; /* of the health table then */
    struct view *view;
    pthread_mutex_t lock; /* of what follows; of those who look, all of which may wait */
    bool is_whole;
};

/* Of a worker that waits for it. */
struct request {
    struct request *next;
    struct view *copy; /* begun, then whole */
    sem_t done;
};

struct copier {
    struct server *server;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t news;
    struct request *first;
    bool ends;
};

static void *copy(void *argument)
{
    struct copier *copier = argument;
    struct server *server = copier->server;
    pthread_setname_np(pthread_self(), "copier");
    pthread_mutex_lock(&copier->lock);
    while (!copier->ends) {
        struct request *request = copier->first;
        if (request == NULL) {
            pthread_cond_wait(&copier->news, &copier->lock);
            continue;
        }
        copier->first = request->next;
        pthread_mutex_unlock(&copier->lock);
        view_finish_copy(request->copy, clock_wall_ms(&server->clock), &server->lock);
        sem_post(&request->done);
        pthread_mutex_lock(&copier->lock);
    }
    pthread_mutex_unlock(&copier->lock);
    return NULL;
}

int server_open_copier(struct server *server)
{
    struct copier *copier = memory_alloc(sizeof *copier);
    copier->server = server;
    pthread_mutex_init(&copier->lock, NULL);
    pthread_cond_init(&copier->news, NULL);
    int error = thread_start(&copier->thread, copy, copier);
    if (error != 0) {
        free(copier);
        return -error;
    }
    server->copier = copier;
    return 0;
}

void server_close_copier(struct server *server)
{
    struct copier *copier = server->copier;
    if (copier == NULL) {
        return;
    }
    pthread_mutex_lock(&copier->lock);
    copier->ends = true;
    pthread_cond_signal(&copier->news);
    pthread_mutex_unlock(&copier->lock);
    pthread_join(copier->thread, NULL);
    pthread_cond_destroy(&copier->news);
    pthread_mutex_destroy(&copier->lock);
    free(copier);
    server->copier = NULL;
}

/* ---- snapshots ---- */

/* On the thread of who looks, which waits for the copier. */
static void finish(const struct snapshot *snapshot)
{
    struct copier *copier = snapshot->copier;
    struct request request = {.copy = snapshot->view};
    sem_init(&request.done, 0, 0);
    pthread_mutex_lock(&copier->lock);
    request.next = copier->first;
    copier->first = &request;
    pthread_cond_signal(&copier->news);
    pthread_mutex_unlock(&copier->lock);
    while (sem_wait(&request.done) == -1) {
    }
    sem_destroy(&request.done);
}

const struct view *snapshot_look(struct snapshot *snapshot)
{
    pthread_mutex_lock(&snapshot->lock);
    if (!snapshot->is_whole) {
        finish(snapshot);
        snapshot->is_whole = true;
    }
    pthread_mutex_unlock(&snapshot->lock);
    return snapshot->view;
}

void snapshot_release(struct snapshot *snapshot)
{
    if (atomic_fetch_sub_explicit(&snapshot->holders, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (snapshot->is_whole) {
        view_free(snapshot->view);
    } else {
        view_abandon_copy(snapshot->view);
    }
    pthread_mutex_destroy(&snapshot->lock);
    free(snapshot);
}

static void release(void *snapshot)
{
    snapshot_release(snapshot);
}

/* It may be the last one who has it, and freeing takes long. */
void server_forget_snapshot(struct server *server)
{
    if (server->snapshot != NULL) {
        reclaim_add(server->reclaim, server->snapshot, release);
        server->snapshot = NULL;
    }
}

/* What it says of health is what answers follow. */
static uint64_t get_generation(const struct server *server)
{
    return atomic_load_explicit(&server->view->table->generation, memory_order_acquire);
}

void server_forget_old_snapshot(struct server *server)
{
    const struct snapshot *snapshot = server->snapshot;
    if (snapshot != NULL && (clock_now_ms(&server->clock) - snapshot->begun_ms >= YOUNG_MS ||
                             snapshot->generation != get_generation(server))) {
        server_forget_snapshot(server);
    }
}

struct snapshot *server_get_snapshot(struct server *server)
{
    server_forget_old_snapshot(server);
    if (server->snapshot == NULL) {
        struct snapshot *snapshot = memory_alloc(sizeof *snapshot);
        *snapshot = (struct snapshot){.holders = 1,
                                      .copier = server->copier,
                                      .begun_ms = clock_now_ms(&server->clock),
                                      .generation = get_generation(server),
                                      .view = view_begin_copy(server->view)};
        pthread_mutex_init(&snapshot->lock, NULL);
        server->snapshot = snapshot;
    }
    atomic_fetch_add_explicit(&server->snapshot->holders, 1, memory_order_relaxed);
    return server->snapshot;
}
