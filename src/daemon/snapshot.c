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

#include "daemon/server.h"
#include "base/memory.h"

#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>

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
    sigset_t all, before;
    struct copier *copier = memory_alloc(sizeof *copier);
    copier->server = server;
    pthread_mutex_init(&copier->lock, NULL);
    pthread_cond_init(&copier->news, NULL);
    sigfillset(&all); /* signals are the control thread's */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&copier->thread, NULL, copy, copier);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
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

struct view *server_begin_snapshot(struct server *server)
{
    return view_begin_copy(server->view);
}

void server_finish_snapshot(struct server *server, struct view *snapshot)
{
    struct copier *copier = server->copier;
    struct request request = {.copy = snapshot};
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
