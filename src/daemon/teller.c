/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See teller.h. */
#include "config.h"

#include "daemon/teller.h"

#include "daemon/server.h"
#include "base/memory.h"
#include "base/thread.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>

struct teller {
    struct server *server;
    pthread_t thread;
    sem_t news;
    _Atomic bool is_awake, ends;
};

static void tell_all(struct server *server)
{
    lock_take(&server->lock);
    while (server->view != NULL && health_tell(server->view->health, HEALTH_TURN)) {
        lock_pass(&server->lock);
    }
    lock_leave(&server->lock);
}

static void *run(void *argument)
{
    struct teller *teller = argument;
    pthread_setname_np(pthread_self(), "teller");
    do {
        while (sem_wait(&teller->news) == -1) {
        }
        atomic_store(&teller->is_awake, false);
        tell_all(teller->server);
    } while (!atomic_load(&teller->ends));
    return NULL;
}

void teller_wake(struct teller *teller)
{
    if (!atomic_exchange(&teller->is_awake, true)) {
        sem_post(&teller->news);
    }
}

int teller_open(struct server *server, struct teller **to)
{
    struct teller *teller = memory_alloc(sizeof *teller);
    teller->server = server;
    sem_init(&teller->news, 0, 0);
    int error = thread_start(&teller->thread, run, teller);
    if (error != 0) {
        sem_destroy(&teller->news);
        free(teller);
        return -error;
    }
    *to = teller;
    return 0;
}

void teller_close(struct teller *teller)
{
    if (teller != NULL) {
        atomic_store(&teller->ends, true);
        teller_wake(teller);
        pthread_join(teller->thread, NULL);
        sem_destroy(&teller->news);
        free(teller);
    }
}
