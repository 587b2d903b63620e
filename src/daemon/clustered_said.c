/* SPDX-License-Identifier: BSD-3-Clause
 *
 * What other nodes say holds there, on its way from the thread that hears them to the control thread. */
#include "config.h"

#include "daemon/clustered_inside.h"

#include "daemon/peers.h"
#include "daemon/server.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SAID_MAX = 256 }; /* what is more is said again */

void clustered_hear_order(struct clustered *clustered, unsigned number, const char *node, uint64_t mark,
                          const char *text)
{
    size_t size = strlen(text) + 1;
    struct clustered_said *said = memory_alloc(sizeof *said + size);
    *said = (struct clustered_said){.number = number, .mark = mark};
    snprintf(said->node, sizeof said->node, "%s", node);
    memcpy(said->text, text, size);
    pthread_mutex_lock(&clustered->lock);
    bool fits = clustered->said_count < SAID_MAX;
    if (fits) {
        struct clustered_said **last = &clustered->said;
        while (*last != NULL) {
            last = &(*last)->next;
        }
        *last = said;
        clustered->said_count++;
    }
    pthread_mutex_unlock(&clustered->lock);
    if (!fits) {
        free(said);
        return;
    }
    ssize_t written = write(peers_get_order_fd(clustered->server->peers), &(uint64_t){1}, sizeof(uint64_t));
    (void)written; /* can only fail when it rings already */
}

struct clustered_said *clustered_take_said(struct clustered *clustered)
{
    pthread_mutex_lock(&clustered->lock);
    struct clustered_said *said = clustered->said;
    clustered->said = NULL;
    clustered->said_count = 0;
    pthread_mutex_unlock(&clustered->lock);
    return said;
}
