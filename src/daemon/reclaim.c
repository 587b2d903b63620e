/* SPDX-License-Identifier: BSD-3-Clause
 *
 * See reclaim.h. One list and one condition: things come with reloads, a few a second at the most. */
#include "config.h"

#include "daemon/reclaim.h"

#include "base/memory.h"
#include "base/thread.h"
#include "view/view.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct item {
    struct item *next;
    void *thing;
    void (*free_thing)(void *thing);
};

struct reclaim {
    pthread_t thread;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t more;
    struct item *items;
    bool closing;
};

/* Everything that is there, or NULL: it is over. */
static struct item *wait_for_items(struct reclaim *reclaim)
{
    pthread_mutex_lock(&reclaim->lock);
    while (reclaim->items == NULL && !reclaim->closing) {
        pthread_cond_wait(&reclaim->more, &reclaim->lock);
    }
    struct item *items = reclaim->items;
    reclaim->items = NULL;
    pthread_mutex_unlock(&reclaim->lock);
    return items;
}

static void *run(void *argument)
{
    struct reclaim *reclaim = argument;
    struct item *items;
    while ((items = wait_for_items(reclaim)) != NULL) {
        view_synchronize();
        while (items != NULL) {
            struct item *next = items->next;
            items->free_thing(items->thing);
            free(items);
            items = next;
        }
    }
    return NULL;
}

int reclaim_open(struct reclaim **to)
{
    struct reclaim *reclaim = memory_alloc(sizeof *reclaim);
    pthread_mutex_init(&reclaim->lock, NULL);
    pthread_cond_init(&reclaim->more, NULL);
    int error = thread_start(&reclaim->thread, run, reclaim);
    if (error != 0) {
        pthread_mutex_destroy(&reclaim->lock);
        pthread_cond_destroy(&reclaim->more);
        free(reclaim);
        return -error;
    }
    *to = reclaim;
    return 0;
}

void reclaim_close(struct reclaim *reclaim)
{
    if (reclaim == NULL) {
        return;
    }
    pthread_mutex_lock(&reclaim->lock);
    reclaim->closing = true;
    pthread_cond_signal(&reclaim->more);
    pthread_mutex_unlock(&reclaim->lock);
    pthread_join(reclaim->thread, NULL);
    pthread_mutex_destroy(&reclaim->lock);
    pthread_cond_destroy(&reclaim->more);
    free(reclaim);
}

void reclaim_add(struct reclaim *reclaim, void *thing, void (*free_thing)(void *thing))
{
    if (thing == NULL) {
        return;
    }
    struct item *item = memory_alloc(sizeof *item);
    pthread_mutex_lock(&reclaim->lock);
    *item = (struct item){.next = reclaim->items, .thing = thing, .free_thing = free_thing};
    reclaim->items = item;
    pthread_cond_signal(&reclaim->more);
    pthread_mutex_unlock(&reclaim->lock);
}
